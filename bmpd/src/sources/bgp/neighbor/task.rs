//! The task of one neighbor: when to connect, and which connection is kept.

mod report;
mod restart;

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use shared::event::EventKind;
use shared::names::{NeighborId, VpnInstanceName};
use shared::response::NeighborState;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::warn;

use self::restart::{Replacement, Restarting};
use super::{Claim, Command, Setup, Stop};
use crate::config::{self, MaximumRoutesAction};
use crate::events::Events;
use crate::last_error::{LastErrors, Says};
use crate::moment::{Moment, sleep_until};
use crate::net::connect::{self, ConnectError};
use crate::net::listen::refuse;
use crate::net::options::Options;
use crate::net::tcp::TcpStream;
use crate::platform::select;
use crate::quota::{Details, NeighborQuota, PrefixQuota, detail, say};
use crate::routers::{Epoch, Peer, PeerDown, Router};
use crate::sources::bgp::faults::Faults;
use crate::sources::bgp::fsm::{self, Direction, End};
use crate::sources::bgp::link::{self, Attention, Close, Established, FromLink, Limits, LinkId};
use crate::sources::pending::{PendingConnections, PendingPlace};
use crate::sources::turn::Places;
use crate::supervise::{Panic, abort_on_panic, catch_panic, fault};
use crate::wire::bmp::{self, PeerHeader, PeerInstance, PeerUp, Timestamp};
use crate::wire::notification::{Code, Notification};
use crate::wire::open::{AddPath, GracefulRestart, Open};

/// The wait before the first attempt after a failure; each further one is twice as long.
const RETRY_INITIAL: Duration = Duration::from_secs(2);
/// The longest wait.
const RETRY_MAXIMUM: Duration = Duration::from_secs(60);
/// A session that lasted this long resets the wait.
const STABLE_AFTER: Duration = Duration::from_secs(10);

/// A neighbor's connection that comes this soon after its session was established was not made after a
/// restart: it is the late one of two that were made at once.
const COLLISION_WINDOW: Duration = Duration::from_secs(2);

/// How long a neighbor of a prefix is remembered after it has gone.
const FORGET_AFTER: Duration = Duration::from_secs(60);

/// A neighbor that is silent for this long is reported with possible causes.
const SILENCE: Duration = Duration::from_secs(15);

/// How long a neighbor is held down whose routes exceeded the memory limit.
const OUT_OF_RESOURCES: Duration = Duration::from_secs(60);

/// How long further connections of a neighbor that is held down are only closed, after one that got a NOTIFICATION.
const REJECTED_AGAIN: Duration = Duration::from_secs(60);

/// Connections with one neighbor at once, those that are being closed among them.
const TASKS_MAX: usize = 8;

/// A connection as its neighbor's task sees it.
struct Link {
    id: LinkId,
    direction: Direction,
    /// True if it came while a session was up, which it replaces once its OPEN was received.
    replaces: bool,
    /// The neighbor's OPEN, once the link was allowed to continue.
    remote: Option<Open>,
    close: mpsc::Sender<Close>,
}

/// Why a neighbor is held down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HoldDown {
    /// Until then.
    Until(Instant),
    /// Until its configuration changes.
    Configuration,
}

/// The link that is up, and its session.
struct Up {
    link: LinkId,
    epoch: Arc<Epoch>,
    at: Moment,
    details: Established,
}

/// Its connections.
struct Links {
    all: Vec<Link>,
    /// The tasks of the links, those among them that only send a last message.
    tasks: JoinSet<()>,
    next: LinkId,
    to_neighbor: mpsc::Sender<(LinkId, FromLink)>,
    from_links: mpsc::Receiver<(LinkId, FromLink)>,
}

/// When bmpd connects to it.
struct Retry {
    attempt: Option<Attempt>,
    /// When to connect next; `None` while there is a reason not to.
    at: Option<Instant>,
    next_wait: Duration,
}

/// Whether it is held down.
#[derive(Default)]
struct Admission {
    /// Set after too many routes, or more than there is room for.
    hold_down: Option<HoldDown>,
    /// When a connection was last answered during that.
    rejected_at: Option<Instant>,
    /// True if there are, or were, more routes than are allowed.
    exceeded: bool,
    /// Why there is no room for its routes, while the link ends for that.
    no_room: Option<String>,
}

/// When it was last in contact.
struct Contact {
    /// When a connection was last opened or closed.
    seen_at: Instant,
    /// True if it was reported that there has been none since.
    silence_noted: bool,
}

/// Its history, for reports.
struct History {
    /// When its session last came up or went down.
    since: Moment,
    established_count: u64,
    last_down: Option<(String, Moment)>,
    errors: LastErrors<String>,
    /// Malformed UPDATEs.
    faults: Arc<Faults>,
}

type Attempt = Pin<Box<dyn Future<Output = Result<TcpStream, ConnectError>> + Send>>;

pub(super) struct Task {
    id: NeighborId,
    config: Arc<config::Neighbor>,
    dynamic: bool,
    claim: Arc<Claim>,
    local: Open,
    pending: PendingConnections,
    places: Places,
    peer: Arc<Peer>,
    router: Arc<Router>,
    events: Events,
    /// The state that was published last.
    published: Option<NeighborState>,
    /// The limits that the link that is up watches.
    limits: watch::Sender<Limits>,
    commands: mpsc::Receiver<Command>,
    links: Links,
    retry: Retry,
    established: Option<Up>,
    restarting: Option<Restarting>,
    replacement: Option<Replacement>,
    admission: Admission,
    contact: Contact,
    history: History,
    /// Set when it is to stop.
    stopping: bool,
    /// What is logged of it.
    quota: NeighborQuota,
    /// The same at level debug.
    details: Details,
}

impl Task {
    /// The task of a new neighbor.
    pub(super) fn new(setup: Setup, commands: mpsc::Receiver<Command>, claim: Arc<Claim>) -> Self {
        let Setup {
            id,
            config,
            asn,
            router_id,
            dynamic,
            quota,
            pending,
            places,
            peer,
            router,
            events,
        } = setup;
        let local = Open {
            asn,
            hold_time: config.hold_time,
            bgp_id: router_id,
            families: config.families.clone(),
            four_octet_as: true,
            extended_message: true,
            route_refresh: true,
            graceful_restart: Some(GracefulRestart::default()),
            add_path: config.add_path.iter().map(|family| (*family, AddPath::Receive)).collect(),
        };
        let (to_neighbor, from_links) = mpsc::channel(16);
        let (limits, _) = watch::channel(Limits::of(&config));
        let retry = Retry {
            attempt: None,
            at: (!config.passive).then(Instant::now),
            next_wait: RETRY_INITIAL,
        };
        Self {
            details: Details::new(format!("neighbor {id}")),
            id,
            config,
            dynamic,
            claim,
            local,
            pending,
            places,
            peer,
            router,
            events,
            published: None,
            limits,
            commands,
            links: Links {
                all: Vec::new(),
                tasks: JoinSet::new(),
                next: 0,
                to_neighbor,
                from_links,
            },
            retry,
            established: None,
            restarting: None,
            replacement: None,
            admission: Admission::default(),
            contact: Contact { seen_at: Instant::now(), silence_noted: false },
            history: History {
                since: Moment::now(),
                established_count: 0,
                last_down: None,
                errors: LastErrors::default(),
                faults: Arc::default(),
            },
            stopping: false,
            quota,
        }
    }

    /// Serves the neighbor until it is stopped.
    pub(super) async fn run(mut self) {
        while let Err(panic) = catch_panic(self.serve()).await {
            abort_on_panic(self.recover(&panic)).await;
            if self.stopping {
                return;
            }
        }
    }

    /// Aborts what was in progress when the task panicked: the neighbor is restarted.
    async fn recover(&mut self, panic: &Panic) {
        self.retry.attempt = None;
        self.abort_links().await;
        self.replacement = None;
        self.established = None;
        self.restarting = None;
        self.admission.no_room = None;
        // Also one that was on its way from the tables to this task, or to another place in it.
        if let Some(epoch) = self.peer.current() {
            self.router.end(&self.peer, &epoch, PeerDown::by_mistake());
            self.history.last_down = Some((panic.to_string(), Moment::now()));
            self.history.since = Moment::now();
        }
        self.note_error(panic.to_string(), Says::Cause);
        self.wait();
    }

    async fn serve(&mut self) {
        let stop = loop {
            self.publish_state();
            let restart_ends = self.restarting.as_ref().map(|restarting| restarting.until);
            let (hold_down_ends, forget_at) = (self.hold_down_ends(), self.forget_at());
            let silent_at = self.silence().map(|_| self.contact.seen_at + SILENCE);
            let quota_ends = self.quota.ends_at();
            let held = self.restarting.as_ref().map(|restarting| Arc::clone(&restarting.epoch));
            let attempt = async {
                match &mut self.retry.attempt {
                    Some(attempt) => attempt.await,
                    None => std::future::pending().await,
                }
            };
            fault("neighbor.step");
            select! {
                command = self.commands.recv() => match command {
                    Some(Command::Incoming(stream, place)) => self.incoming(stream, place),
                    Some(Command::Report { with_messages, reply }) => {
                        let _ = reply.send(Box::new(self.report(with_messages)));
                    }
                    Some(Command::Entry { reply }) => {
                        let _ = reply.send(self.entry());
                    }
                    Some(Command::Configure(config)) => self.configure(config),
                    Some(Command::Stop(stop)) => break stop,
                    // Its place may have gone to another neighbor at this moment, and the handle with it.
                    None if self.claim.is_displaced.load(Ordering::Relaxed) => break Stop::Displaced,
                    None => break Stop::Exit,
                },
                () = self.claim.displaced.notified() => break Stop::Displaced,
                Some((link, message)) = self.links.from_links.recv() => self.handle(link, message).await,
                connected = attempt => {
                    self.retry.attempt = None;
                    match connected {
                        Ok(stream) => {
                            self.add_link(stream, Direction::Outgoing, None);
                        }
                        Err(error) => {
                            let says = match &error {
                                ConnectError::Io(_) | ConnectError::TimedOut { .. } => {
                                    Says::NoConnection
                                }
                                ConnectError::Place(_) | ConnectError::Option(_) => Says::Cause,
                            };
                            self.note_error(format!("cannot connect: {error}"), says);
                            self.wait();
                        }
                    }
                }
                () = sleep_until(self.retry.at) => {
                    self.retry.at = None;
                    self.connect();
                }
                () = sleep_until(restart_ends) => {
                    self.give_up_restart("it did not come back within its restart time");
                }
                attention = link::attention(held.as_deref()) => match attention {
                    Attention::Lost => {
                        self.note_error(link::LOST.to_owned(), Says::Cause);
                        self.give_up_restart(link::LOST);
                    }
                    Attention::Evicted(over) => {
                        self.note_error(over.to_string(), Says::Cause);
                        self.give_up_restart("there is no room for them");
                        self.admission.hold_down = Some(HoldDown::Until(Instant::now() + OUT_OF_RESOURCES));
                        self.reject_links();
                    }
                    // Only some: what is left goes with the restart.
                    Attention::Backlog => {
                        held.as_ref().and_then(|epoch| epoch.maintain(|rib| rib.work_off(self.router.sizes().maintenance)));
                    }
                },
                () = sleep_until(hold_down_ends) => {
                    self.admission.hold_down = None;
                    self.retry_now();
                }
                () = sleep_until(silent_at) => {
                    if let Some(text) = self.silence() {
                        self.note_error(text, Says::NoConnection);
                    }
                    self.contact.silence_noted = true;
                }
                () = sleep_until(quota_ends) => self.report_left_out(),
                () = sleep_until(forget_at) => break Stop::Expired,
            }
        };
        self.stopping = true;
        if stop == Stop::Displaced && !self.claim.has_opened.load(Ordering::Relaxed) {
            // At once: there can be many of them.
            self.abort_links().await;
        }
        self.stop(stop.code().into()).await;
        let from = self.published;
        self.publish(from, None, stop.text().to_owned());
    }

    /// Publishes the state if it differs from the last published one.
    fn publish_state(&mut self) {
        let state = self.state();
        if self.published != Some(state) {
            let from = self.published.replace(state);
            self.publish(from, Some(state), self.why(from, state));
        }
    }

    fn publish(&self, from: Option<NeighborState>, to: Option<NeighborState>, why: String) {
        self.events.publish(EventKind::Neighbor { id: self.id.clone(), from, to, why });
    }

    /// Why the state has changed.
    fn why(&self, from: Option<NeighborState>, to: NeighborState) -> String {
        let text = |noted: Option<&(String, Moment)>| {
            noted.map_or_else(String::new, |(text, _)| text.clone())
        };
        let last_down = || text(self.history.last_down.as_ref());
        match (from, to) {
            (None, _) if self.dynamic => "it has connected from its prefix".to_owned(),
            (None, _) => "it has begun".to_owned(),
            (Some(NeighborState::Established), _) if self.restarting.is_some() => {
                format!("{}; its routes are kept: it may be restarting", last_down())
            }
            (Some(NeighborState::Established), _) => last_down(),
            (_, NeighborState::Connect) => "the retry timer has expired".to_owned(),
            (_, NeighborState::OpenSent) => "connected".to_owned(),
            (_, NeighborState::OpenConfirm) => "its OPEN was received".to_owned(),
            (_, NeighborState::Established) => "both sides agree".to_owned(),
            (_, NeighborState::Idle | NeighborState::Active) => text(self.history.errors.last()),
        }
    }

    /// Logs how many lines about it, or about all neighbors of its prefix, were left out in the minute that is over.
    fn report_left_out(&mut self) {
        if let Some(lines) = self.quota.own.ended() {
            warn!(neighbor = %self.id, "{lines} more lines about it were left out within a minute");
        }
        if let Some(lines) = self.quota.prefix.as_ref().and_then(PrefixQuota::ended) {
            let prefix = &self.config.peers;
            warn!(%prefix, "{lines} more lines about its neighbors were left out within a minute");
        }
    }

    /// When one of a prefix that has gone is forgotten.
    fn forget_at(&self) -> Option<Instant> {
        let gone = self.dynamic
            && self.links.all.is_empty()
            && self.established.is_none()
            && self.restarting.is_none()
            && self.admission.hold_down.is_none();
        gone.then(|| self.contact.seen_at + FORGET_AFTER)
    }

    /// What is reported of a neighbor from which nothing is received, where no other error explains it: the
    /// system drops what has the wrong signature, and what comes from too far, without an error.
    fn silence(&self) -> Option<String> {
        let waiting = self.established.is_none()
            && self.admission.hold_down.is_none()
            && !self.contact.silence_noted
            && self.links.all.iter().all(|link| link.remote.is_none());
        if !waiting {
            return None;
        }
        let seconds = SILENCE.as_secs();
        if !self.links.all.is_empty() {
            let hint = match self.config.ttl_security {
                Some(_) => {
                    "; with ttl-security that is also what another side looks like that is further \
                     away, or has none"
                }
                None => "",
            };
            return Some(format!("no OPEN was received for {seconds} s{hint}"));
        }
        if !self.config.passive || self.dynamic {
            return None;
        }
        let hint = match self.config.md5 {
            Some(_) => {
                "with md5 that is also what a wrong or missing key at the other side looks like"
            }
            None => "a side that uses TCP MD5 looks the same: no key is configured here",
        };
        Some(format!("no connection was made for {seconds} s; {hint}"))
    }

    fn seen(&mut self) {
        self.contact.seen_at = Instant::now();
        self.contact.silence_noted = false;
    }

    fn hold_down_ends(&self) -> Option<Instant> {
        match self.admission.hold_down {
            Some(HoldDown::Until(until)) => Some(until),
            Some(HoldDown::Configuration) | None => None,
        }
    }

    /// Applies what can change while the session runs.
    fn configure(&mut self, config: Arc<config::Neighbor>) {
        let other_limits = Limits::of(&self.config) != Limits::of(&config);
        self.config = config;
        if !self.config.graceful_restart {
            self.give_up_restart("graceful-restart is false now");
        }
        if !other_limits {
            return;
        }
        self.admission.exceeded = false;
        // The link that is up checks its tables again.
        self.limits.send_replace(Limits::of(&self.config));
        if self.admission.hold_down.take().is_some() {
            self.retry_now();
        }
    }

    fn retry_now(&mut self) {
        self.retry.next_wait = RETRY_INITIAL;
        let busy = self.established.is_some()
            || self.retry.attempt.is_some()
            || !self.links.all.is_empty();
        if !self.config.passive && !busy {
            self.retry.at = Some(Instant::now());
        }
    }

    /// Closes every connection and waits until all have ended.
    async fn stop(&mut self, notification: Notification) {
        self.retry.attempt = None;
        if let Some(Replacement { reply, .. }) = self.replacement.take() {
            let _ = reply.send(Err(notification.clone()));
        }
        self.give_up_restart("the neighbor's session ends for good");
        for link in &self.links.all {
            let _ = link.close.try_send(Close::Notify(notification.clone()));
        }
        while !self.links.all.is_empty() {
            let Some((link, message)) = self.links.from_links.recv().await else {
                return;
            };
            match message {
                FromLink::Validate { reply, .. } => {
                    let _ = reply.send(Err(notification.clone()));
                }
                FromLink::Establish { reply, .. } => {
                    let _ = reply.send(Err(notification.clone()));
                }
                FromLink::Exceeded { .. } | FromLink::OverLimit(_) | FromLink::Fault(_) => {}
                FromLink::Ended { end, time } => self.ended(link, end, time, true).await,
            }
        }
        while self.links.tasks.join_next().await.is_some() {}
    }

    /// Ends all connections without a NOTIFICATION. A link whose `close` is dropped while it runs sends one.
    async fn abort_links(&mut self) {
        self.links.tasks.shutdown().await;
        self.links.all.clear();
    }

    fn connect(&mut self) {
        let address = SocketAddr::new(self.id.address, self.config.port.get());
        detail!(self.details, neighbor = %self.id, %address, "connecting");
        let options = Options::from(&*self.config);
        let place = self.config.place.clone();
        self.retry.attempt =
            Some(Box::pin(async move { connect::connect(address, &place, &options).await }));
    }

    /// Waits before the next attempt, longer each time; a random part less, to spread neighbors.
    fn wait(&mut self) {
        // One that was set stays: failures of what the neighbor tries do not push our own attempt away.
        if self.config.passive || self.retry.at.is_some() || self.admission.hold_down.is_some() {
            return;
        }
        let wait = self.retry.next_wait.mul_f64(1.0 - 0.25 * fastrand::f64());
        self.retry.next_wait = (self.retry.next_wait * 2).min(RETRY_MAXIMUM);
        detail!(self.details, neighbor = %self.id, ?wait, "waiting for the next attempt");
        self.retry.at = Some(Instant::now() + wait);
    }

    fn incoming(&mut self, stream: TcpStream, place: Option<PendingPlace>) {
        self.reap();
        self.seen();
        let options = Options::from(&*self.config);
        let accepted = options.accepted(&stream).map_err(|error| error.to_string());
        let accepted = accepted
            .and_then(|()| options.came_near(&stream).map_err(|too_far| too_far.to_string()));
        if let Err(why) = accepted {
            self.note_error(format!("a connection was refused: {why}"), Says::Cause);
            refuse(stream);
            return;
        }
        if self.links.tasks.len() >= TASKS_MAX {
            detail!(self.details, neighbor = %self.id, "a connection was dropped: too many at once");
            return;
        }
        if self.admission.hold_down.is_some() {
            self.reject(stream);
            return;
        }
        let is_older = |up: &&Up| up.at.age() >= COLLISION_WINDOW;
        let restarts = |up: &&Up| self.may_restart(&up.details.open);
        // RFC 4724 section 5: a neighbor that connects anew has restarted, and the loss of the old connection has
        // just not been noticed. The RFC ends the old one as soon as TCP is up; here its OPEN must come first.
        let replaces = self.established.as_ref().filter(is_older).is_some_and(|up| restarts(&up));
        if self.established.is_some() && !replaces {
            // RFC 4271 section 6.8: the connection that is up stays. A neighbor that has lost it
            // without a NOTIFICATION can connect once the hold time is over.
            detail!(self.details, neighbor = %self.id, "a second connection was refused: one is up");
            self.links
                .tasks
                .spawn(link::refuse(stream, Code::ConnectionCollisionResolution.into()));
            return;
        }
        // A neighbor uses the newest of the connections that it made.
        let up = self.established.as_ref().map(|up| up.link);
        let older = self.links.all.iter_mut().filter(|link| Some(link.id) != up);
        for link in older.filter(|link| link.direction == Direction::Incoming) {
            let _ = link.close.try_send(Close::Notify(Code::ConnectionRejected.into()));
            link.remote = None;
        }
        let id = self.add_link(stream, Direction::Incoming, place);
        if let Some(link) = self.links.all.iter_mut().find(|link| link.id == id) {
            link.replaces = replaces;
        }
    }

    /// Rejects a connection of a neighbor that is held down. A NOTIFICATION gives the reason (RFC 4486 section 4),
    /// but not to each of its attempts: FRR answers each with one of its own, and logs both. It logs a reset as well,
    /// but not that a connection was closed.
    fn reject(&mut self, stream: TcpStream) {
        if self.admission.rejected_at.is_some_and(|at| at.elapsed() < REJECTED_AGAIN) {
            detail!(self.details, neighbor = %self.id, "a connection was closed: the neighbor is held down");
            self.links.tasks.spawn(link::close(stream));
            return;
        }
        self.admission.rejected_at = Some(Instant::now());
        self.links.tasks.spawn(link::refuse(stream, Code::ConnectionRejected.into()));
    }

    /// Removes connections that have ended.
    fn reap(&mut self) {
        while self.links.tasks.try_join_next().is_some() {}
    }

    fn add_link(
        &mut self,
        stream: TcpStream,
        direction: Direction,
        pending: Option<PendingPlace>,
    ) -> LinkId {
        self.reap();
        self.seen();
        let id = self.links.next;
        self.links.next += 1;
        let (close, orders) = mpsc::channel(1);
        let setup = link::Setup {
            id,
            name: self.id.clone(),
            direction,
            local: self.local.clone(),
            remote_as: self.config.remote_as,
            open_timeout: self.pending.timeout(),
            pending,
            limits: self.limits.subscribe(),
            router: Arc::clone(&self.router),
            places: self.places.clone(),
            faults: Arc::clone(&self.history.faults),
            details: self.details.clone(),
            to_neighbor: self.links.to_neighbor.clone(),
            close: orders,
        };
        self.links.all.push(Link { id, direction, replaces: false, remote: None, close });
        self.links.tasks.spawn(link::run(stream, setup));
        id
    }

    async fn handle(&mut self, link: LinkId, message: FromLink) {
        match message {
            FromLink::Validate { remote, reply } => {
                self.claim.has_opened.store(true, Ordering::Relaxed);
                if !self.replace(link) {
                    let _ = reply.send(self.validate(link, remote));
                    return;
                }
                let newer = Replacement { link, remote, reply };
                // One before it was ordered to close when this one came.
                if let Some(Replacement { reply, .. }) = self.replacement.replace(newer) {
                    let _ = reply.send(Err(Code::ConnectionRejected.into()));
                }
            }
            FromLink::Establish { up, reply } => {
                let _ = reply.send(self.establish(link, *up).await);
            }
            FromLink::Exceeded { family, routes } => {
                if !std::mem::replace(&mut self.admission.exceeded, true) {
                    say!(
                        self.quota,
                        warn,
                        neighbor = %self.id,
                        %family,
                        routes,
                        "more routes than maximum-routes"
                    );
                }
            }
            FromLink::OverLimit(over) => {
                self.admission.no_room = Some(over.to_string());
            }
            // The link has logged it.
            FromLink::Fault(text) => {
                self.history.errors.note(text, Says::Cause);
            }
            FromLink::Ended { end, time } => self.ended(link, end, time, false).await,
        }
    }

    /// RFC 4271 section 6.8: if another connection has got as far, one of the two is closed here.
    fn validate(&mut self, id: LinkId, remote: Open) -> Result<(), Notification> {
        if self.established.is_some() {
            return Err(Code::ConnectionCollisionResolution.into());
        }
        let Some(direction) =
            self.links.all.iter().find(|link| link.id == id).map(|link| link.direction)
        else {
            return Err(Code::AdministrativeShutdown.into());
        };
        let survivor = fsm::survivor(&self.local, &remote);
        let mut others =
            self.links.all.iter_mut().filter(|link| link.id != id && link.remote.is_some());
        if let Some(other) = others.next() {
            if direction != survivor && other.direction == survivor {
                return Err(Code::ConnectionCollisionResolution.into());
            }
            let _ = other.close.try_send(Close::Notify(Code::ConnectionCollisionResolution.into()));
            other.remote = None;
        }
        if let Some(link) = self.links.all.iter_mut().find(|link| link.id == id) {
            link.remote = Some(remote);
        }
        Ok(())
    }

    async fn establish(&mut self, id: LinkId, up: Established) -> Result<Arc<Epoch>, Notification> {
        // A link whose permission was revoked has its order to close on the way.
        let allowed = self.links.all.iter().any(|link| link.id == id && link.remote.is_some());
        if self.established.is_some() || !allowed {
            return Err(Code::ConnectionCollisionResolution.into());
        }
        for other in self.links.all.iter().filter(|link| link.id != id) {
            let _ = other.close.try_send(Close::Notify(Code::ConnectionCollisionResolution.into()));
        }
        self.retry.attempt = None;
        self.retry.at = None;
        let vpn_instance = self.id.vpn_instance.as_ref().map(VpnInstanceName::as_str);
        let header = PeerHeader::new(
            PeerInstance::new(vpn_instance, self.config.route_distinguisher),
            self.id.address,
            up.open.asn,
            up.open.bgp_id,
            !up.negotiated.four_octet_as,
        );
        let peer_up = PeerUp {
            local_address: up.local.ip().into(),
            local_port: up.local.port(),
            remote_port: up.remote.port(),
            sent_open: up.sent_open.clone(),
            received_open: up.received_open.clone(),
            information: vpn_instance.map(bmp::table_name).unwrap_or_default(),
        };
        let epoch = self.begin(header, peer_up, &up).await;
        say!(self.quota, info, neighbor = %self.id, "established");
        self.history.established_count += 1;
        let at = Moment::now();
        self.history.since = at;
        self.history.errors.clear();
        self.established = Some(Up { link: id, epoch: Arc::clone(&epoch), at, details: up });
        Ok(epoch)
    }

    async fn ended(&mut self, id: LinkId, end: End, time: Timestamp, stopping: bool) {
        self.seen();
        self.links.all.retain(|link| link.id != id);
        let Some(up) = self.established.take_if(|up| up.link == id) else {
            // A connection that lost a collision is no error. Without another one it is reported: the
            // neighbor may consider a session up that we have lost.
            let collision = matches!(&end, End::Sent(n) | End::Received(n) if n.is(Code::ConnectionCollisionResolution));
            if self.established.is_none() && (!collision || self.links.all.is_empty()) {
                self.note_error(end.to_string(), says(&end));
            } else {
                detail!(self.details, neighbor = %self.id, "one of its connections has ended: {end}");
            }
            if self.established.is_none()
                && self.links.all.is_empty()
                && self.retry.attempt.is_none()
            {
                self.wait();
            }
            return;
        };
        let down = PeerDown { time, reason: end.peer_down_reason() };
        let why = match self.admission.no_room.take() {
            Some(no_room) => format!("{end}: {no_room}"),
            None => end.to_string(),
        };
        say!(self.quota, warn, neighbor = %self.id, "down: {why}");
        self.history.last_down = Some((why, Moment::now()));
        self.history.since = Moment::now();
        if up.at.age() >= STABLE_AFTER {
            self.retry.next_wait = RETRY_INITIAL;
        }
        // RFC 4724 section 4.2: a connection that ends without a NOTIFICATION may be a restart.
        let lost = matches!(end, End::Closed(_) | End::Replaced);
        if lost && !stopping && self.may_restart(&up.details.open) {
            self.keep(up, down).await;
        } else {
            self.router.end(&self.peer, &up.epoch, down);
        }
        match &end {
            End::Sent(notification) if notification.is(Code::MaximumNumberOfPrefixesReached) => {
                self.begin_hold_down();
            }
            // At once it would only grow to the same size.
            End::Sent(notification) if notification.is(Code::OutOfResources) => {
                self.admission.hold_down = Some(HoldDown::Until(Instant::now() + OUT_OF_RESOURCES));
            }
            _ => {}
        }
        if self.admission.hold_down.is_some() {
            self.reject_links();
        }
        if let Some(Replacement { link, remote, reply }) =
            self.replacement.take().filter(|_| !stopping)
        {
            // The session may have ended by itself before it was replaced, as over its routes.
            let allowed = match self.admission.hold_down {
                Some(_) => Err(Code::ConnectionRejected.into()),
                None => self.validate(link, remote),
            };
            let _ = reply.send(allowed);
            return;
        }
        self.wait();
    }

    /// Closes connections that came just before the neighbor was held down.
    fn reject_links(&mut self) {
        self.admission.rejected_at = None;
        for link in &self.links.all {
            let _ = link.close.try_send(Close::Notify(Code::ConnectionRejected.into()));
        }
    }

    /// Too many routes: what happens to the neighbor that has sent them.
    fn begin_hold_down(&mut self) {
        self.admission.exceeded = true;
        self.admission.hold_down = match self.config.maximum_routes.map(|maximum| maximum.action) {
            Some(MaximumRoutesAction::Restart(after)) => {
                Some(HoldDown::Until(Instant::now() + after))
            }
            Some(MaximumRoutesAction::Shutdown) => Some(HoldDown::Configuration),
            Some(MaximumRoutesAction::Warn) | None => None,
        };
    }

    /// Records an error; the same one again is not logged.
    fn note_error(&mut self, text: String, says: Says) {
        if self.history.errors.note(text.clone(), says) {
            say!(self.quota, warn, neighbor = %self.id, "{text}");
        } else {
            detail!(self.details, neighbor = %self.id, "{text}");
        }
    }
}

/// The error of a connection that did not come up. That one was rejected, or lost a collision, does not
/// explain why there is no session.
fn says(end: &End) -> Says {
    match end {
        End::Sent(n) | End::Received(n)
            if !n.is(Code::ConnectionRejected) && !n.is(Code::ConnectionCollisionResolution) =>
        {
            Says::Cause
        }
        End::Abandoned(_) => Says::Cause,
        End::Sent(_) | End::Received(_) | End::Closed(_) | End::Replaced => Says::NoConnection,
    }
}
