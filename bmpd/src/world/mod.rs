//! What runs now: the sessions, the neighbors, the listeners, and their configuration.
//!
//! ```text
//!   start, reload ──(write)──┐                 ┌── sessions ──> a task each
//!   reset ──────────(read)───┴── order ── World┼── neighbors, routers ─> a task each
//!   show ─────────── copies the lists ─────────└── listeners ─> a task each
//! ```
//!
//! `order` separates resets from reloads: a reset sees all of a reload or nothing. A reload holds it until stopping
//! neighbors have been notified, half a second at most; a reset until its sessions have accepted their commands. Both
//! read the file before they take it. The lists are copied out; no lock is held across an await.
#![forbid(unsafe_code)]

mod control;
mod directory;
mod listening;
mod neighbors;
mod process;
mod publishers;
mod reading;
mod reload;
mod reports;
mod routers;
mod routes;
mod selected;
mod staggered;
mod status;
#[cfg_attr(simulation, path = "simulated.rs")]
mod system;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use shared::names::{LegId, Selector, SessionId};
use shared::response::{ConfigCheck, Failure, PrefixReport, RefusedReload};
use shared::time::Span;
use tokio::sync::{RwLock, RwLockReadGuard, watch};
use tokio::task::JoinHandle;

pub(crate) use self::control::{control_settings, http_settings, process_settings};
pub(crate) use self::neighbors::Neighbors;
pub(crate) use self::process::{Process as ProcessFigures, processor_time};
use self::reading::Reader;
pub(crate) use self::reading::{Purpose, Reading};
pub(crate) use self::reload::{not_permitted, refusal, unchanged};
pub(crate) use self::reports::{all, described, neighbors, publishers};
pub(crate) use self::routers::RouterSources;
pub(crate) use self::routes::{RouteReader, Routes};
pub(crate) use self::staggered::{Staggered, Taken};
pub(crate) use self::status::{routes, status};
use crate::access::Access;
use crate::config::{self, Config, Control, Http, Process};
use crate::events::Events;
use crate::log;
use crate::moment::Moment;
use crate::routers::Routers;
use crate::sinks::kafka::Publisher;
use crate::sinks::station::{Leg, Session, SharedListeners};
use crate::sources::bgp::Neighbor;

/// One caller of `monitor` that is being served.
pub(crate) struct Watching(Arc<World>);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.monitors.send_modify(|monitors| *monitors -= 1);
    }
}

/// A reload that was refused.
pub(crate) struct Refused {
    pub(crate) by: String,
    pub(crate) reason: String,
    pub(crate) at: Moment,
}

/// What runs now.
pub(crate) struct World {
    reader: Reader,
    started: Moment,
    /// The configuration in effect; a reload, which holds `order`, replaces it.
    pub(crate) in_effect: Mutex<Reading>,
    /// `[control]` as configured; what runs of it is in `in_effect`.
    pub(crate) control_configured: Mutex<Control>,
    /// `[process]` as configured; what bmpd was started with is in `in_effect`.
    pub(crate) process_configured: Mutex<Process>,
    /// The same of `[http]`.
    pub(crate) http_configured: Mutex<Http>,
    /// The last reload, if it was refused.
    pub(crate) refused_reload: Mutex<Option<Refused>>,
    pub(crate) routers: Routers,
    pub(crate) listeners: Arc<SharedListeners>,
    /// Separates resets (readers) from reloads (writers).
    pub(crate) order: RwLock<()>,
    /// In the order of the ids.
    pub(crate) sessions: Mutex<Vec<Session>>,
    /// In the order of their names.
    pub(crate) publishers: Mutex<Vec<Publisher>>,
    /// Tasks of sessions and publishers, including removed ones that are still stopping.
    pub(crate) tasks: Mutex<Vec<JoinHandle<()>>>,
    pub(crate) neighbors: Neighbors,
    pub(crate) router_sources: RouterSources,
    /// The events.
    pub(crate) events: Events,
    /// The number of `monitor` callers.
    pub(crate) monitors: watch::Sender<u32>,
    /// The staggered resets in progress.
    pub(crate) staggered: Staggered,
    /// The permissions.
    pub(crate) access: Arc<Access>,
    /// The log level.
    pub(crate) log: log::Level,
    stopping: watch::Sender<bool>,
}

impl World {
    /// Starts every session of the configuration; neighbors, routers and their listeners are `sources`.
    pub(crate) fn new(
        config: Config,
        config_path: PathBuf,
        routers: Routers,
        (neighbors, router_sources): (Neighbors, RouterSources),
        events: Events,
        access: Arc<Access>,
        log: log::Level,
    ) -> Self {
        let read = Reading { config: Arc::new(config), begun: Moment::now() };
        let world = Self {
            reader: Reader::new(config_path),
            started: read.begun,
            control_configured: Mutex::new(read.config.control.clone()),
            process_configured: Mutex::new(read.config.process.clone()),
            http_configured: Mutex::new(read.config.http.clone()),
            in_effect: Mutex::new(read.clone()),
            refused_reload: Mutex::default(),
            routers,
            listeners: Arc::default(),
            order: RwLock::default(),
            sessions: Mutex::default(),
            publishers: Mutex::default(),
            tasks: Mutex::default(),
            neighbors,
            router_sources,
            events,
            monitors: watch::Sender::new(0),
            staggered: Staggered::default(),
            access,
            log,
            stopping: watch::Sender::new(false),
        };
        for session in &read.config.sessions {
            world.start_session(session, &read);
        }
        for publisher in &read.config.publishers {
            world.start_publisher(&publisher.name, &read);
        }
        world
    }

    /// Starts a session.
    pub(crate) fn start_session(&self, session: &config::Session, read: &Reading) {
        let parameters = read.parameters(session);
        let listeners = Arc::clone(&self.listeners);
        let (read_at, events) = (read.begun.steady(), self.events.clone());
        let (session, task) = Session::start(parameters, read_at, &self.routers, listeners, events);
        let mut sessions = self.sessions.lock();
        let place = sessions.partition_point(|other| other.id() < session.id());
        sessions.insert(place, session);
        let mut tasks = self.tasks.lock();
        tasks.retain(|task| !task.is_finished());
        tasks.push(task);
    }

    /// How many callers of `monitor` are being served.
    pub(crate) fn monitors(&self) -> u32 {
        *self.monitors.borrow()
    }

    /// Counts a `monitor` caller until the guard is dropped.
    pub(crate) fn begin_monitor(self: &Arc<Self>) -> Watching {
        self.monitors.send_modify(|monitors| *monitors += 1);
        Watching(Arc::clone(self))
    }

    /// The file that a reset and a reload read.
    pub(crate) fn config_path(&self) -> &Path {
        self.reader.path()
    }

    /// When bmpd was started.
    pub(crate) fn started(&self) -> Moment {
        self.started
    }

    /// When the configuration in effect was read: at the start, or by the last reload.
    pub(crate) fn configured_at(&self) -> Moment {
        self.in_effect.lock().begun
    }

    /// The last reload, if it was refused.
    pub(crate) fn refused_reload(&self) -> Option<RefusedReload> {
        let refused = self.refused_reload.lock();
        let Refused { by, reason, at } = refused.as_ref()?;
        let (by, reason) = (by.clone(), reason.clone());
        Some(RefusedReload { by, reason, at: at.timestamp(), ago: Span::of(at.age()) })
    }

    /// Checks the file as it is now, and what it requires of this host; nothing is changed.
    pub(crate) async fn check_file(&self) -> Result<ConfigCheck, Failure> {
        self.reader.check().await
    }

    /// True if the file has another text than the configuration in effect; `None` if that is not known at once.
    pub(crate) async fn file_differs(&self) -> Option<bool> {
        let now = self.reader.digest().await?;
        Some(now != self.config().digest)
    }

    /// `[control]` as configured: some of it takes effect at the next start.
    pub(crate) fn control_configured(&self) -> Control {
        self.control_configured.lock().clone()
    }

    /// `[process]` as configured; it takes effect at the next start.
    pub(crate) fn process_configured(&self) -> Process {
        self.process_configured.lock().clone()
    }

    /// `[http]` as configured; it takes effect at the next start.
    pub(crate) fn http_configured(&self) -> Http {
        self.http_configured.lock().clone()
    }

    /// The configuration in effect. A reload in progress does not block readers: they get the previous one.
    pub(crate) fn config(&self) -> Arc<Config> {
        Arc::clone(&self.in_effect.lock().config)
    }

    /// Blocks reloads while a reset sends its commands.
    pub(crate) async fn begin_reset(&self) -> RwLockReadGuard<'_, ()> {
        self.order.read().await
    }

    /// Reads and checks the file; nothing is changed. It may take a while, so do not hold `order`.
    pub(crate) async fn read_config(&self, purpose: Purpose) -> Result<Reading, Failure> {
        self.reader.read(purpose).await
    }

    /// The configuration that applies after this reading: a reload may have read and applied a newer one meanwhile. The
    /// result stays valid while `order` is held.
    pub(crate) fn newest(&self, read: Reading) -> Reading {
        let Reading { config, begun } = self.in_effect.lock().clone();
        if read.begun.steady() >= begun.steady() {
            return read;
        }
        let (control, process) = (self.control_configured(), self.process_configured());
        let http = self.http_configured();
        let applied = Config { control, process, http, ..Config::clone(&config) };
        Reading { config: Arc::new(applied), begun }
    }

    /// A session by its name.
    pub(crate) fn session(&self, id: &SessionId) -> Option<Session> {
        let sessions = self.sessions.lock();
        let rank = sessions.binary_search_by(|session| session.id().cmp(id)).ok()?;
        sessions.get(rank).cloned()
    }

    /// A leg by its name.
    pub(crate) fn leg(&self, id: &LegId) -> Option<Leg> {
        self.session(&id.session)?.leg(&id.router)
    }

    /// The selected sessions in their order, or the failure that names those there are.
    pub(crate) fn select(&self, selector: &Selector) -> Result<Vec<Session>, Failure> {
        let sessions = self.sessions.lock();
        let selected: Vec<Session> =
            sessions.iter().filter(|session| selector.matches(session.id())).cloned().collect();
        // Each that is named must be there.
        let missing = match selector {
            Selector::Several(ids) => {
                ids.iter().find(|id| !selected.iter().any(|session| session.id() == *id))
            }
            Selector::All { .. } | Selector::One(_) => None,
        };
        let selector = &match missing {
            Some(id) => Selector::One(id.clone()),
            None if !selected.is_empty() => return Ok(selected),
            None => selector.clone(),
        };
        let mut existing: Vec<SessionId> =
            sessions.iter().map(|session| session.id().clone()).collect();
        if let Selector::One(wanted) = selector {
            existing.sort_by_key(|id| id.address != wanted.address);
        }
        Err(Failure::NoSuchSession { selector: selector.clone(), existing, configured_in: None })
    }

    /// The next of the selected sessions after the one with this id, at most so many: for callers that must not hold
    /// all of them meanwhile.
    pub(crate) fn select_after(
        &self,
        selector: &Selector,
        after: Option<&SessionId>,
        count: usize,
    ) -> Vec<Session> {
        let sessions = self.sessions.lock();
        let first = after.map_or(0, |id| sessions.partition_point(|session| session.id() <= id));
        let rest = sessions[first..].iter().filter(|session| selector.matches(session.id()));
        rest.take(count).cloned().collect()
    }

    /// Segments of tables that were compacted.
    pub(crate) fn compactions(&self) -> u64 {
        self.routers.compactions()
    }

    /// Bytes of memory that the tables of all neighbors and routers take.
    pub(crate) fn table_memory(&self) -> u64 {
        self.routers.memory()
    }

    /// Every session, in the order of their ids.
    pub(crate) fn sessions(&self) -> Vec<Session> {
        self.sessions.lock().clone()
    }

    /// Every neighbor, in the order of the configuration.
    pub(crate) fn neighbors(&self) -> Vec<Neighbor> {
        self.neighbors.handles()
    }

    /// The prefixes that neighbors can connect from.
    pub(crate) fn prefixes(&self) -> Vec<PrefixReport> {
        self.neighbors.prefixes()
    }

    /// Waits until bmpd is about to stop.
    pub(crate) async fn stopping(&self) {
        // The sender lives as long as the world.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }

    /// True if bmpd is about to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Notifies all waiting tasks that bmpd is about to stop.
    pub(crate) fn begin_stop(&self) {
        self.stopping.send_replace(true);
    }
}
