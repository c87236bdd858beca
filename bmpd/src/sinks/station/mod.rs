//! BMP sessions with stations, over TCP or TLS.
//!
//! ```text
//!   control, world ──> Session: what is configured towards one station
//!                        ├── its task: starts and ends legs as routers come and go
//!   Routers ── changes ──^
//!                        └── Leg: a task each, one for each router that it is sent; bmpd itself is one
//! ```
//!
//! A session is named by (VPN instance or public, address, alias or none). [`leg`] has the rest.
#![forbid(unsafe_code)]

mod down;
mod leg;
mod parameters;
mod passive;
mod report;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use shared::names::{RouterId, SessionId};
use shared::response::{Progress, SessionEntry, SessionReport, SessionState, SessionStatistics};
use tokio::sync::{Notify, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

pub(crate) use self::leg::Leg;
use self::leg::Siblings;
pub(crate) use self::parameters::{Configured, Parameters, session_settings};
pub(crate) use self::passive::SharedListeners;
use crate::events::Events;
use crate::platform::select;
use crate::routers::{Changes, Router, Routers};
use crate::supervise::has_panicked;

/// Why a session is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// bmpd stops.
    Stopping,
    /// It was removed from the configuration.
    Removed,
}

/// How far a session is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reached {
    /// Where it is; it never says that this is the end.
    pub(crate) progress: Progress,
    /// The newest generation whose station was sent every route and End-of-RIB; 0 if none was.
    pub(crate) synchronised: u64,
}

/// The two sets of parameters of a session.
#[derive(Debug, Clone)]
pub(crate) struct Sets {
    /// Those that it runs with.
    pub(crate) running: Parameters,
    /// Those of its next connection.
    pub(crate) configured: Parameters,
}

/// A BMP session: what is configured towards one station, and the legs that carry routers to it.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    id: SessionId,
    common: Arc<Common>,
}

/// What the handles of a session and its task have in common.
#[derive(Debug)]
struct Common {
    /// In the order of the routers.
    legs: Mutex<Vec<Leg>>,
    /// The parameters of legs to come, and when the reading of the file was begun that they are from.
    configured: Mutex<(Parameters, Instant)>,
    /// How it ends, once that is known.
    end: Mutex<Option<(End, Duration)>>,
    /// Notified when one of these has changed.
    changed: Notify,
}

/// The task of a session.
struct Task {
    common: Arc<Common>,
    routers: Routers,
    changes: Changes,
    listeners: Arc<SharedListeners>,
    events: Events,
    siblings: Arc<Siblings>,
    /// The tasks of its legs, those that are ending among them.
    tasks: JoinSet<()>,
}

impl Session {
    /// Starts a session with a leg for each router that it is to be sent; its task ends when the session is stopped.
    /// `read_at` is when the reading of the file was begun that the parameters are from.
    pub(crate) fn start(
        parameters: Parameters,
        read_at: Instant,
        routers: &Routers,
        listeners: Arc<SharedListeners>,
        events: Events,
    ) -> (Self, JoinHandle<()>) {
        let id = parameters.session.id.clone();
        let common = Arc::new(Common {
            legs: Mutex::default(),
            configured: Mutex::new((parameters, read_at)),
            end: Mutex::default(),
            changed: Notify::new(),
        });
        let mut task = Task {
            common: Arc::clone(&common),
            changes: routers.changes(),
            routers: routers.clone(),
            listeners,
            events,
            siblings: Arc::default(),
            tasks: JoinSet::new(),
        };
        // Now rather than in the task: who has started a session finds its legs.
        task.match_legs();
        (Self { id, common }, tokio::spawn(task.run()))
    }

    /// The session's name.
    pub(crate) fn id(&self) -> &SessionId {
        &self.id
    }

    /// Its legs, in the order of the routers.
    pub(crate) fn legs(&self) -> Vec<Leg> {
        self.common.legs.lock().clone()
    }

    /// The leg that carries this router.
    pub(crate) fn leg(&self, router: &RouterId) -> Option<Leg> {
        let legs = self.common.legs.lock();
        legs.iter().find(|leg| leg.id().router == *router).cloned()
    }

    /// Takes parameters for legs to come, unless it has newer ones.
    pub(crate) fn prepare(&self, parameters: &Parameters, read_at: Instant) {
        let mut configured = self.common.configured.lock();
        if read_at >= configured.1 {
            *configured = (parameters.clone(), read_at);
            drop(configured);
            self.common.changed.notify_one();
        }
    }

    /// Gives the session new parameters without ending its connections, or asks what would become of them; newer ones stay as
    /// with a reset. `None` if the session has stopped.
    pub(crate) async fn configure(
        &self,
        parameters: Parameters,
        read_at: Instant,
        dry_run: bool,
    ) -> Option<Configured> {
        let (running, _) = self.common.configured.lock().clone();
        if !dry_run {
            self.prepare(&parameters, read_at);
        }
        let mut sum: Option<Configured> = None;
        for leg in self.legs() {
            let configured = leg.configure(parameters.clone(), read_at, dry_run).await;
            sum = match (sum, configured) {
                (Some(sum), Some(configured)) => Some(sum.and(configured)),
                (sum, configured) => configured.or(sum),
            };
        }
        Some(sum.unwrap_or_else(|| running.configured_without_leg(&parameters)))
    }

    /// Describes the session, with `detailed` also each neighbor, End-of-RIB and leg.
    pub(crate) async fn report(&self, detailed: bool) -> Option<SessionReport> {
        let mut answers = Vec::new();
        for leg in self.legs() {
            answers.extend(leg.report(detailed).await.map(|report| (leg, report)));
        }
        if answers.is_empty() && self.has_ended() {
            return None;
        }
        let configured = self.common.configured.lock().0.clone();
        Some(report::of_session(&configured, answers, detailed))
    }

    fn has_ended(&self) -> bool {
        self.common.end.lock().is_some()
    }

    /// Asks the session for a few words about itself without waiting for it: its legs may be busy.
    pub(crate) fn ask_entry(&self) -> AskedEntry {
        let description = self.common.configured.lock().0.session.description.clone();
        let asked = self.legs().into_iter().map(|leg| (leg.has_router(), leg.ask_entry()));
        AskedEntry { id: self.id.clone(), description, asked: asked.collect() }
    }

    /// The session's state; `None` if it has stopped.
    pub(crate) async fn state(&self) -> Option<SessionState> {
        let mut states = Vec::new();
        for leg in self.legs() {
            let entry = leg.entry().await;
            states
                .extend(entry.and_then(|entry| entry.state).map(|state| (leg.has_router(), state)));
        }
        match states.is_empty() && self.has_ended() {
            true => None,
            false => Some(self.combined(states)),
        }
    }

    fn combined(&self, states: Vec<(bool, SessionState)>) -> SessionState {
        let is_shut_down = self.common.configured.lock().0.session.shutdown;
        report::combined(states).unwrap_or(match is_shut_down {
            true => SessionState::Shutdown,
            false => SessionState::Idle,
        })
    }

    /// What the session runs with, and what is configured; of its legs, that of one for which they differ.
    pub(crate) async fn sets(&self) -> Option<Sets> {
        let mut first = None;
        for leg in self.legs() {
            let Some(sets) = leg.sets().await else { continue };
            if sets.running != sets.configured {
                return Some(sets);
            }
            first = first.or(Some(sets));
        }
        if first.is_none() && self.has_ended() {
            return None;
        }
        let (configured, _) = self.common.configured.lock().clone();
        Some(first.unwrap_or_else(|| Sets { running: configured.clone(), configured }))
    }

    /// What the session has counted, of all of its legs; `None` if it has stopped.
    pub(crate) async fn statistics(&self) -> Option<SessionStatistics> {
        let mut sum = None;
        for leg in self.legs() {
            let Some(counted) = leg.statistics().await else { continue };
            sum = Some(match sum {
                Some(sum) => report::added(sum, counted),
                None => counted,
            });
        }
        match sum {
            None if !self.has_ended() => Some(report::nothing_counted(&self.id)),
            sum => sum,
        }
    }

    /// Resets the session's counters; `None` if it has stopped.
    pub(crate) async fn clear_statistics(&self, by: String) -> Option<()> {
        let mut cleared = None;
        for leg in self.legs() {
            cleared = leg.clear_statistics(by.clone()).await.or(cleared);
        }
        cleared.or_else(|| (!self.has_ended()).then_some(()))
    }

    /// Ends the session, sending the station a Termination on each leg if it takes it within `timeout`.
    pub(crate) async fn stop(&self, end: End, timeout: Duration) {
        *self.common.end.lock() = Some((end, timeout));
        self.common.changed.notify_one();
        for leg in self.legs() {
            leg.stop(end, timeout).await;
        }
    }
}

/// A few words about a session that were asked for.
pub(crate) struct AskedEntry {
    id: SessionId,
    description: Option<String>,
    asked: Vec<(bool, Option<oneshot::Receiver<SessionEntry>>)>,
}

impl AskedEntry {
    /// The answer; `until` says whether an answer has come in time.
    pub(crate) async fn answer<F>(
        self,
        until: impl Fn(oneshot::Receiver<SessionEntry>) -> F,
    ) -> SessionEntry
    where
        F: Future<Output = Option<SessionEntry>>,
    {
        let Self { id, description, asked } = self;
        let mut states = Vec::new();
        let mut is_known = true;
        for (has_router, asked) in asked {
            let entry = match asked {
                Some(asked) => until(asked).await,
                None => None,
            };
            match entry.and_then(|entry| entry.state) {
                Some(state) => states.push((has_router, state)),
                None => is_known = false,
            }
        }
        let state = report::combined(states).or(Some(SessionState::Idle)).filter(|_| is_known);
        SessionEntry { id, state, description }
    }
}

impl Task {
    /// Runs until the session is stopped and its legs have ended.
    async fn run(mut self) {
        while has_panicked(self.serve()).await {}
    }

    async fn serve(&mut self) {
        loop {
            self.match_legs();
            let has_ended = self.common.end.lock().is_some();
            select! {
                _ = self.changes.changed(), if !has_ended => {}
                () = self.common.changed.notified(), if !has_ended => {}
                ended = self.tasks.join_next(), if has_ended || !self.tasks.is_empty() => {
                    if ended.is_none() {
                        return;
                    }
                }
            }
        }
    }

    /// Starts a leg for each router that is to be sent and has none, and ends those of others.
    fn match_legs(&mut self) {
        let Self { common, routers, changes, .. } = self;
        changes.mark_unchanged();
        let end = *common.end.lock();
        let (parameters, read_at) = common.configured.lock().clone();
        let routers = routers.all();
        let session = &parameters.session;
        let wanted =
            routers.iter().filter(|router| end.is_none() && session.wants_router(router.id()));
        let wanted: Vec<Arc<Router>> = wanted.cloned().collect();
        let mut legs = common.legs.lock();
        let mut old = std::mem::take(&mut *legs);
        for router in wanted {
            let rank = old.iter().position(|leg| leg.carries(&router));
            let leg = match rank.map(|rank| old.remove(rank)) {
                Some(leg) => leg,
                None => {
                    let (leg, task) = Leg::start(
                        parameters.clone(),
                        read_at,
                        router,
                        Arc::clone(&self.listeners),
                        self.events.clone(),
                        Arc::clone(&self.siblings),
                    );
                    self.tasks.spawn(task);
                    leg
                }
            };
            legs.push(leg);
        }
        drop(legs);
        let (end, timeout) = end.unwrap_or((End::Removed, LEG_TIMEOUT));
        for leg in old {
            self.tasks.spawn(async move { leg.stop(end, timeout).await });
        }
    }
}

/// How long the station has to receive the Termination of a leg whose router is no longer sent.
const LEG_TIMEOUT: Duration = Duration::from_secs(1);
