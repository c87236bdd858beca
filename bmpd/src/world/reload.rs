//! Applying the configuration file to what runs.
//!
//! ```text
//!   read ─> check all ─> what may fail (sockets) ─> ends ─> changes ─> starts
//!            bad: nothing was touched     refused: nothing was touched
//! ```
//!
//! Sessions are stopped before neighbors, and started after them, so that stations do not receive more Peer Down and
//! Peer Up messages for one reload than necessary.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use shared::event::EventKind;
use shared::request::Level;
use shared::response::{Change, Failure, ReloadAction, ReloadItem, ReloadReport, ReloadSubject};
use tracing::{info, warn};

use super::control;
use super::reading::{Purpose, Reading};
use super::{Refused, World, system};
use crate::config::{Config, Control, setting};
use crate::moment::Moment;
use crate::privileges;
use crate::sinks::station::{Configured, End};

/// How long the station of a removed session has to receive the Termination.
pub(super) const TIMEOUT: Duration = Duration::from_secs(1);

/// How many items of a reload are published: the history of events is bounded.
const ITEMS_MAX: usize = 100;

impl World {
    /// Publishes what a reload has changed, if anything.
    pub(crate) fn publish_reload(&self, by: &str, report: &ReloadReport) {
        let ReloadReport { items, .. } = report;
        if !items.is_empty() {
            self.events.publish(EventKind::Reload {
                by: by.to_owned(),
                items: items.iter().take(ITEMS_MAX).cloned().collect(),
                more: items.len().saturating_sub(ITEMS_MAX) as u32,
            });
        }
    }

    /// Reads and checks the whole file and applies it atomically; with `dry_run` it only reports what it would do.
    /// `permitted` is checked when no other reload can intervene. `by` is the caller, which is recorded if the reload
    /// is refused.
    ///
    /// # Errors
    ///
    /// The file is invalid, the caller is no longer authorized, or a listener cannot be opened; nothing was changed
    /// then.
    pub(crate) async fn reload(
        &self,
        dry_run: bool,
        by: &str,
        permitted: impl Future<Output = Result<(), Failure>>,
    ) -> Result<ReloadReport, Failure> {
        let result = self.apply(dry_run, permitted).await;
        if !dry_run {
            let refused = match &result {
                Ok(_) => Some(None),
                Err(failure @ (Failure::Configuration(_) | Failure::Other(_))) => {
                    let (by, reason) = (by.to_owned(), refusal(failure));
                    Some(Some(Refused { by, reason, at: Moment::now() }))
                }
                // That says nothing about the file.
                Err(_) => None,
            };
            if let Some(refused) = refused {
                *self.refused_reload.lock() = refused;
            }
        }
        result
    }

    async fn apply(
        &self,
        dry_run: bool,
        permitted: impl Future<Output = Result<(), Failure>>,
    ) -> Result<ReloadReport, Failure> {
        let purpose = if dry_run { Purpose::Plan } else { Purpose::Act };
        let read = self.read_config(purpose).await?;
        // Before the lock: a plan that waits for a name server must not delay changes.
        let (looked_at, warnings) =
            (Arc::clone(&read.config), system::warnings(&read.config).await);
        let _order = self.order.write().await;
        permitted.await?;
        let read = self.newest(read);
        let (old, new) = (self.config(), Arc::clone(&read.config));
        // Nothing would stop what is started now.
        if self.is_stopping() {
            return Err(Failure::Stopping);
        }
        // A newer reading has its own warnings.
        let mut warnings = if Arc::ptr_eq(&looked_at, &new) { warnings } else { Vec::new() };
        let mut items = Vec::new();
        let planned = self.neighbors.plan(&old, &new, dry_run).await;
        let (neighbors, plan) =
            planned.map_err(|text| Failure::Other(format!("{text}; nothing was changed")))?;
        let planned = self.router_sources.plan(&old, &new, dry_run).await;
        let (routers, router_plan) =
            planned.map_err(|text| Failure::Other(format!("{text}; nothing was changed")))?;
        items.extend(control::items(&old, &new));
        warnings.extend(privileges::lacking(&new));
        if !dry_run {
            // From here on nothing fails. Revoked permissions take effect before the rest, which takes longer.
            warnings.extend(self.access.change(new.control.levels.clone()).err());
        }

        self.end_sessions(&new, dry_run, &mut items).await;
        self.end_publishers(&new, dry_run, &mut items).await;
        items.extend(neighbors);
        if let Some(plan) = plan {
            self.neighbors.apply(plan).await;
        }
        items.extend(routers);
        if let Some(plan) = router_plan {
            self.router_sources.apply(plan).await;
        }
        self.configure_sessions(&read, dry_run, &mut items).await;
        self.start_sessions(&read, dry_run, &mut items);
        self.configure_publishers(&read, dry_run, &mut items).await;
        self.start_publishers(&read, dry_run, &mut items);

        let file = self.config_path().display().to_string();
        if !dry_run {
            for warning in &warnings {
                warn!("{warning}");
            }
            for ReloadItem { subject, action, changes } in &items {
                let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
                info!(%subject, action = action.word(), ?changes, "reload");
            }
            self.control_configured.lock().clone_from(&new.control);
            self.process_configured.lock().clone_from(&new.process);
            let control = Control { levels: new.control.levels.clone(), ..old.control.clone() };
            self.http_configured.lock().clone_from(&new.http);
            let (process, http) = (old.process.clone(), old.http.clone());
            let config = Arc::new(Config { control, process, http, ..Config::clone(&new) });
            *self.in_effect.lock() = Reading { config, begun: read.begun };
        }
        Ok(ReloadReport { dry_run, file, items, warnings })
    }

    async fn end_sessions(&self, new: &Config, dry_run: bool, items: &mut Vec<ReloadItem>) {
        let wanted: HashSet<_> = new.sessions.iter().map(|session| &session.id).collect();
        let sessions = self.sessions.lock().clone();
        let gone: Vec<_> = sessions.iter().filter(|s| !wanted.contains(s.id())).collect();
        for session in gone {
            if !dry_run {
                session.stop(End::Removed, TIMEOUT).await;
                self.sessions.lock().retain(|other| other.id() != session.id());
            }
            let subject = ReloadSubject::Session(session.id().clone());
            items.push(ReloadItem { subject, action: ReloadAction::End, changes: Vec::new() });
        }
    }

    async fn configure_sessions(&self, new: &Reading, dry_run: bool, items: &mut Vec<ReloadItem>) {
        for session in &new.config.sessions {
            let Some(running) = self.session(&session.id) else { continue };
            let parameters = new.parameters(session);
            let configured = running.configure(parameters, new.begun.steady(), dry_run).await;
            // One that has stopped is stopping with bmpd.
            let Some(configured) = configured else { continue };
            let mut add = |action, changes: Vec<Change>| {
                let subject = ReloadSubject::Session(session.id.clone());
                items.push(ReloadItem { subject, action, changes });
            };
            match configured {
                Configured::Ends(changes) => add(ReloadAction::End, changes),
                Configured::Starts(changes) => add(ReloadAction::Start, changes),
                Configured::GoesOn { applied, pending } => {
                    if !applied.is_empty() {
                        add(ReloadAction::Apply, applied);
                    }
                    // Also what was pending before: it is still not what runs.
                    if !pending.is_empty() {
                        add(ReloadAction::Pending, pending);
                    }
                }
            }
        }
    }

    fn start_sessions(&self, new: &Reading, dry_run: bool, items: &mut Vec<ReloadItem>) {
        let running: HashSet<_> = self.sessions.lock().iter().map(|s| s.id().clone()).collect();
        for session in new.config.sessions.iter().filter(|s| !running.contains(&s.id)) {
            if !dry_run {
                self.start_session(session, new);
            }
            let subject = ReloadSubject::Session(session.id.clone());
            items.push(match session.shutdown {
                false => ReloadItem { subject, action: ReloadAction::Start, changes: Vec::new() },
                // Nothing is started.
                true => {
                    ReloadItem { subject, action: ReloadAction::Apply, changes: vec![shut_down()] }
                }
            });
        }
    }
}

/// The entry for a new session that is shut down.
pub(super) fn shut_down() -> Change {
    Change { key: "shutdown".to_owned(), old: setting::none(), new: true.to_string() }
}

/// A refusal as a line of the log.
pub(crate) fn refusal(failure: &Failure) -> String {
    match failure {
        Failure::Configuration(text) | Failure::Other(text) | Failure::Busy(text) => {
            text.lines().next().unwrap_or_default().to_owned()
        }
        Failure::Stopping => "bmpd is stopping".to_owned(),
        Failure::NoSuchSession { selector, .. } => format!("no such session: {selector}"),
        Failure::NoSuchNeighbor { address, .. } => format!("no such neighbor: {address}"),
        Failure::NoSuchRouter { router, .. } => format!("no such router: {router}"),
        Failure::NoSuchPublisher { publisher, .. } => format!("no such publisher: {publisher}"),
        Failure::NoSuchVpnInstance { name, .. } => format!("no such VPN instance: {name}"),
        Failure::NotPermitted { needed, has, because, .. } => not_permitted(*needed, *has, because),
    }
}

/// Why a reload has changed nothing, as a line of the log.
pub(crate) fn unchanged(failure: &Failure) -> String {
    match failure {
        // Its text says so.
        Failure::Other(_) => refusal(failure),
        _ => format!("nothing was changed: {}", refusal(failure)),
    }
}

/// Why a command was not permitted, as a line of the log.
pub(crate) fn not_permitted(needed: Level, has: Level, because: impl fmt::Display) -> String {
    format!("level {} is needed, the caller has {} ({because})", needed.number(), has.number())
}
