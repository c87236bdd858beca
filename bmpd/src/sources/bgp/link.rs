//! One TCP connection with a neighbor: bytes in and out, timers, and the state machine between them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use shared::names::NeighborId;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::faults::Faults;
use super::fsm::{Action, Direction, End, Event, Fsm};
use super::inbox::{Inbox, Outcome};
use super::{refused, table};
use crate::config::{self, MaximumRoutes, MaximumRoutesAction};
use crate::moment::{bmp_timestamp, sleep_until};
use crate::net;
use crate::net::tcp::{self, TcpStream};
use crate::platform::select;
use crate::quota::{Details, detail};
use crate::routers::{Check, Epoch, OverLimit, Rib, Router, Sizes};
use crate::sources::late::Look;
use crate::sources::pending::PendingPlace;
use crate::sources::turn::{Places, Turn};
use crate::supervise::catch_panic;
use crate::wire::bgp::{self, MessageType};
use crate::wire::bmp::Timestamp;
use crate::wire::family::Family;
use crate::wire::notification::{Code, Notification};
use crate::wire::open::{self, Negotiated, Open};
use crate::wire::stored;

/// With more unsent bytes than this the neighbor does not read.
const WRITE_BUFFER_MAX: usize = 16 * 1024;

/// How long a closing connection waits for its NOTIFICATION to be sent.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(200);

/// Why a connection is closed whose place among those without an OPEN was taken by another one.
const PLACE_LOST: &str = "no OPEN was received, and another connection has its place: as many wait for an OPEN as \
                          maximum-pending allows";

/// Why a connection is closed whose task has dropped it: no reason is known that the neighbor could be sent.
const ABANDONED: &str = "its neighbor's task has let go of it";

/// Without an End-of-RIB a neighbor is assumed to have sent its routes when it has been quiet for
/// this long. One that announced Graceful Restart has promised an End-of-RIB and gets more time.
const QUIET: Duration = Duration::from_secs(5);
const QUIET_WITH_GRACEFUL_RESTART: Duration = Duration::from_secs(60);

/// The reason where reading for a station has corrupted tables: the session ends, or routes are lost.
pub(super) const LOST: &str = "an internal error has cost its routes";

/// A table that changes without pause is never quiet: after this long it is assumed to be complete.
const QUIET_LATEST: Duration = Duration::from_secs(180);

/// Distinguishes the links of one neighbor.
pub(super) type LinkId = u64;

/// What a link reports to its neighbor's task.
pub(super) enum FromLink {
    /// An OPEN came: may the link continue? A NOTIFICATION means no.
    Validate { remote: Open, reply: oneshot::Sender<Result<(), Notification>> },
    /// The link is up: the epoch to fill, or the reason why not.
    Establish { up: Box<Established>, reply: oneshot::Sender<Result<Arc<Epoch>, Notification>> },
    /// There are more routes of a family than are allowed, which is only reported.
    Exceeded { family: Family, routes: u64 },
    /// There is no room for its routes, which ends the link.
    OverLimit(OverLimit),
    /// An UPDATE was malformed, the first one of the session or one that ends it: the error. It was logged.
    Fault(String),
    /// The link has ended.
    Ended { end: End, time: Timestamp },
}

/// The order to close.
pub(super) enum Close {
    /// With this NOTIFICATION.
    Notify(Notification),
    /// Without one: the neighbor has connected anew.
    Replaced,
}

/// What is known when a link is up.
pub(super) struct Established {
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    pub(super) sent_open: Vec<u8>,
    pub(super) received_open: Vec<u8>,
    pub(super) open: Open,
    pub(super) negotiated: Negotiated,
}

/// What the tables of a neighbor may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// How many routes of a family.
    routes: Option<MaximumRoutes>,
    /// Bytes.
    memory: u64,
}

impl Limits {
    /// What is configured.
    pub(super) fn of(config: &config::Neighbor) -> Self {
        Self { routes: config.maximum_routes, memory: u64::from(config.maximum_memory) << 20 }
    }

    /// What ends the session of these tables as soon as it has these limits; `None` if it continues. The backlog is
    /// not counted: it is checked once it is indexed.
    pub(super) fn ends(&self, epoch: &Epoch) -> Option<Held> {
        epoch
            .maintain(|rib| {
                if rib.memory() as u64 > self.memory {
                    return Some(Held::ForAWhile);
                }
                let MaximumRoutes { limit, action } = self.routes?;
                match action {
                    _ if !rib.has_indexed_more_than(limit as usize) => None,
                    MaximumRoutesAction::Warn => None,
                    MaximumRoutesAction::Restart(_) => Some(Held::ForAWhile),
                    MaximumRoutesAction::Shutdown => Some(Held::ForGood),
                }
            })
            .flatten()
    }
}

/// How long a neighbor beyond a limit is held down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    /// For some time.
    ForAWhile,
    /// Until its configuration changes.
    ForGood,
}

/// The parameters of a link.
pub(super) struct Setup {
    pub(super) id: LinkId,
    /// The neighbor's, for the log.
    pub(super) name: NeighborId,
    pub(super) direction: Direction,
    pub(super) local: Open,
    /// `None` is any.
    pub(super) remote_as: Option<u32>,
    /// How long its OPEN may take.
    pub(super) open_timeout: Duration,
    /// Its place among those whose OPEN has not come.
    pub(super) pending: Option<PendingPlace>,
    /// What its tables may take, now and when that changes.
    pub(super) limits: watch::Receiver<Limits>,
    pub(super) router: Arc<Router>,
    /// The neighbor's, of all of its links.
    pub(super) faults: Arc<Faults>,
    /// The same.
    pub(super) details: Details,
    pub(super) to_neighbor: mpsc::Sender<(LinkId, FromLink)>,
    /// The places to work for busy links.
    pub(super) places: Places,
    /// The order to close.
    pub(super) close: mpsc::Receiver<Close>,
}

struct Link {
    setup: Setup,
    stream: TcpStream,
    fsm: Fsm,
    inbox: Inbox,
    output: Vec<u8>,
    sent_open: Vec<u8>,
    epoch: Option<Arc<Epoch>>,
    hold_at: Option<Instant>,
    keepalive_at: Option<Instant>,
    quiet_at: Option<Instant>,
    quiet_latest: Instant,
    /// When to work off the backlog.
    look: Look,
    /// What it does before others have their turn.
    turn: Turn,
    /// True if whole messages wait in the inbox: until they are taken nothing is read.
    is_behind: bool,
    /// The family that had too many routes when that was last reported.
    exceeded: Option<Family>,
    /// True once an UPDATE was malformed.
    has_fault: bool,
}

/// Serves a connection until it ends, and reports the end to the neighbor's task.
pub(super) async fn run(stream: TcpStream, setup: Setup) {
    let id = setup.id;
    let to_neighbor = setup.to_neighbor.clone();
    let sent_open = setup.local.message();
    let mut link = Link {
        turn: Turn::new(setup.places.clone()),
        fsm: Fsm::new(setup.local.clone(), setup.remote_as, setup.open_timeout),
        setup,
        stream,
        inbox: Inbox::new(),
        output: Vec::new(),
        sent_open,
        epoch: None,
        hold_at: None,
        keepalive_at: None,
        quiet_at: None,
        quiet_latest: Instant::now(),
        look: Look::default(),
        is_behind: false,
        exceeded: None,
        has_fault: false,
    };
    link.note_connection();
    // The neighbor's bytes may trigger an internal error.
    let end = catch_panic(link.serve_and_work_off());
    let end = end.await.unwrap_or_else(|panic| End::Abandoned(panic.to_string()));
    link.turn.pause();
    let place_lost = matches!(&end, End::Abandoned(why) if why == PLACE_LOST);
    link.setup.pending = None;
    let time = bmp_timestamp();
    // The neighbor's task outlives its links, except when it stops.
    let _ = to_neighbor.send((id, FromLink::Ended { end, time })).await;
    if place_lost {
        // At once: there can be many of them.
        tcp::abandon(&link.stream);
    } else {
        link.close().await;
    }
}

impl Link {
    /// Logs a step of its connection at level debug.
    fn note(&self, text: impl FnOnce() -> String) {
        let Setup { name, direction, details, .. } = &self.setup;
        detail!(details, neighbor = %name, direction = %direction, "{}", text());
    }

    fn note_connection(&self) {
        self.note(|| match (self.stream.local_addr(), self.stream.peer_addr()) {
            (Ok(local), Ok(remote)) => format!("connected: {local} with {remote}"),
            (Err(error), _) | (_, Err(error)) => format!("connected, and lost again: {error}"),
        });
    }

    async fn serve_and_work_off(&mut self) -> End {
        let end = self.serve().await;
        if matches!(end, End::Closed(_) | End::Replaced) {
            // The neighbor's task may keep the routes (RFC 4724), for which all of them have to be indexed.
            let Sizes { maintenance, .. } = *self.setup.router.sizes();
            self.turn.take_place().await;
            self.in_turns(|rib| {
                rib.work_off(maintenance);
                (!rib.has_backlog()).then_some(())
            })
            .await;
        }
        end
    }

    async fn serve(&mut self) -> End {
        let mut ended = self.on(Event::Start).await;
        loop {
            if let Some(end) = ended {
                return end;
            }
            self.turn.pause();
            if self.output.len() > WRITE_BUFFER_MAX {
                ended = self.on(Event::Abandon("the neighbor reads nothing".into())).await;
                continue;
            }
            let pending = !self.output.is_empty();
            let reads = !self.is_behind && !self.look.is_overdue(Instant::now());
            let event = select! {
                close = self.setup.close.recv() => {
                    Some(match close {
                        Some(Close::Notify(notification)) => Event::Stop(notification),
                        Some(Close::Replaced) => Event::Replaced,
                        None => Event::Abandon(ABANDONED.into()),
                    })
                }
                () = std::future::ready(()), if self.is_behind => {
                    self.turn.begin().await;
                    ended = self.take_messages().await;
                    None
                }
                readable = self.stream.readable(), if reads => {
                    self.turn.begin().await;
                    ended = match readable {
                        Ok(()) => self.read_messages().await,
                        Err(error) => self.on(Event::TcpClosed(closed(&error))).await,
                    };
                    None
                }
                writable = self.stream.writable(), if pending => {
                    match writable.and_then(|()| self.write()) {
                        Ok(()) => None,
                        Err(error) => {
                            // The neighbor may have sent the reason before it closed.
                            if self.is_behind || matches!(self.read(), Ok(1..)) {
                                ended = self.take_messages().await;
                            }
                            ended.is_none().then(|| Event::TcpClosed(closed(&error)))
                        }
                    }
                }
                () = sleep_until(self.hold_at) => {
                    // What has arrived counts, however late this process was scheduled.
                    let read = if self.is_behind { Ok(1) } else { self.read() };
                    match read {
                        Ok(1..) => {
                            ended = self.take_messages().await;
                            None
                        }
                        Ok(0) => Some(Event::HoldTimer),
                        Err(error) => Some(Event::TcpClosed(closed(&error))),
                    }
                }
                () = sleep_until(self.keepalive_at) => Some(Event::KeepaliveTimer),
                () = sleep_until(self.quiet_at) => self.gone_quiet().await,
                () = sleep_until(self.look.at()) => self.work_off().await,
                () = place_lost(self.setup.pending.as_ref()) => {
                    Some(Event::Abandon(PLACE_LOST.into()))
                }
                attention = attention(self.epoch.as_deref()) => match attention {
                    Attention::Lost => Some(Event::Abandon(LOST.into())),
                    Attention::Evicted(over) => Some(self.over_limit(over).await),
                    Attention::Backlog => self.work_off().await,
                },
                // The sender, the neighbor's task, outlives it.
                Ok(()) = self.setup.limits.changed() => {
                    self.exceeded = None;
                    self.check_tables().await
                }
            };
            if let Some(event) = event {
                ended = self.on(event).await;
            }
        }
    }

    /// How many bytes are read at once.
    fn most_to_read(&mut self) -> usize {
        let room = self.inbox.room().len();
        if self.turn.has_place() { room } else { room.min(self.turn.little_bytes()) }
    }

    /// Reads what is available; 0 if nothing is.
    fn read(&mut self) -> io::Result<usize> {
        let most = self.most_to_read();
        match self.stream.try_read(&mut self.inbox.room()[..most]) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => {
                self.inbox.fill(n);
                Ok(n)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Reads and takes messages until all that has come is taken, or the turn is over.
    async fn read_messages(&mut self) -> Option<End> {
        loop {
            let most = self.most_to_read();
            let read = match self.read() {
                Ok(read) => read,
                Err(error) => return self.on(Event::TcpClosed(closed(&error))).await,
            };
            if read > 0
                && let Some(end) = self.take_messages().await
            {
                return Some(end);
            }
            if read < most && !self.is_behind {
                self.turn.rest();
            }
            if read < most || self.is_behind || !self.turn.goes_on() {
                return None;
            }
        }
    }

    fn write(&mut self) -> io::Result<()> {
        match self.stream.try_write(&self.output) {
            Ok(n) => {
                self.output.drain(..n);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Takes all whole messages that have come, or as many as some turns allow: the rest is left to another call, after
    /// timers and orders have been handled.
    async fn take_messages(&mut self) -> Option<End> {
        self.is_behind = false;
        for _ in 0..self.setup.router.sizes().turns {
            self.turn.go_on().await;
            let work = self.turn.left();
            let Self { inbox, fsm, setup, epoch, .. } = self;
            let time = bmp_timestamp();
            let taken = inbox.take(fsm, setup.local.asn, epoch.as_deref(), time, work)?;
            self.turn.count(taken.work);
            if taken.routes {
                self.routes_came();
            }
            if taken.news {
                self.setup.router.notify();
                self.turn.note_news();
            }
            if matches!(taken.event, Event::Open(_))
                && let Some((message, _)) = self.inbox.received()
            {
                self.note(|| format!("OPEN received: {}", open::describe(message)));
            }
            self.note_faults().await;
            let mut ended = self.on(taken.event).await;
            if ended.is_none()
                && taken.routes
                && let Some(event) = self.check_tables().await
            {
                ended = self.on(event).await;
            }
            if ended.is_some() {
                return ended;
            }
        }
        self.is_behind = true;
        None
    }

    fn routes_came(&mut self) {
        if self.quiet_at.is_some() {
            self.quiet_at = Some((Instant::now() + self.quiet()).min(self.quiet_latest));
        }
    }

    /// Records and logs malformed UPDATEs among those that were taken last. The first one of the session, and
    /// one that ends it, are errors of the neighbor, too.
    async fn note_faults(&mut self) {
        let Self { inbox, fsm, setup: Setup { name, faults, .. }, has_fault, .. } = self;
        let forms = || fsm.negotiated().into_iter().flat_map(Negotiated::forms).collect::<Vec<_>>();
        if let Some((count, outcome, message)) = inbox.discarded() {
            Faults::discarded(name, count, outcome, message, forms);
        }
        let mut error = None;
        for (outcome, message) in inbox.malformed() {
            let text = faults.note(name, outcome, message, &forms());
            let is_first = !std::mem::replace(has_fault, true);
            if is_first || matches!(outcome, Outcome::SessionEnded(_)) {
                error = Some(text);
            }
        }
        if let Some(error) = error {
            let message = FromLink::Fault(error);
            let _ = self.setup.to_neighbor.send((self.setup.id, message)).await;
        }
    }

    /// Works on the tables until `step` returns something. Between two steps others may have their turn. `None` if the
    /// tables are gone.
    async fn in_turns<T>(&mut self, mut step: impl FnMut(&mut Rib) -> Option<T>) -> Option<T> {
        loop {
            let (done, work) = self.epoch.as_ref()?.maintain(|rib| {
                let before = rib.work();
                (step(rib), rib.work() - before)
            })?;
            self.turn.count(work);
            if done.is_some() {
                return done;
            }
            self.turn.take_place().await;
            self.turn.go_on().await;
        }
    }

    /// Checks whether the tables take too much memory, or have more routes than are allowed (RFC 4486 section 4).
    ///
    /// Called after every change of them, and of the limits.
    async fn check_tables(&mut self) -> Option<Event> {
        let Limits { routes, memory } = *self.setup.limits.borrow_and_update();
        let limit = routes.map(|routes| routes.limit as usize);
        let check = self.in_turns(|rib| match rib.check(memory, limit) {
            Check::Unfinished => None,
            check => Some((check, rib.has_backlog())),
        });
        let check = check.await;
        // Tables that are gone have no backlog.
        self.look.note(check.is_some_and(|(_, backlog)| backlog), Instant::now());
        let (check, _) = check?;
        let (family, routes) = match check {
            Check::Good | Check::Unfinished => return None,
            Check::OverLimit(over) => return Some(self.over_limit(over).await),
            Check::TooMany(family, routes) => (family, routes),
        };
        let MaximumRoutes { limit, action } = self.setup.limits.borrow().routes?;
        match action {
            MaximumRoutesAction::Restart(_) | MaximumRoutesAction::Shutdown => {
                let mut data = family.afi.to_be_bytes().to_vec();
                data.push(family.safi);
                data.extend_from_slice(&limit.to_be_bytes());
                Some(Event::Stop(Notification::new(Code::MaximumNumberOfPrefixesReached, &data)))
            }
            MaximumRoutesAction::Warn => {
                if self.exceeded != Some(family) {
                    self.exceeded = Some(family);
                    let message = FromLink::Exceeded { family, routes: routes as u64 };
                    let _ = self.setup.to_neighbor.send((self.setup.id, message)).await;
                }
                None
            }
        }
    }

    /// There is no room for the tables.
    async fn over_limit(&self, over: OverLimit) -> Event {
        let _ = self.setup.to_neighbor.send((self.setup.id, FromLink::OverLimit(over))).await;
        Event::Stop(Code::OutOfResources.into())
    }

    /// Indexes some of the backlog, or all of it if it has waited too long: nothing is read meanwhile. Or compacts some
    /// of what is superseded.
    async fn work_off(&mut self) -> Option<Event> {
        let is_overdue = self.look.is_overdue(Instant::now());
        let little = self.turn.left();
        let epoch = self.epoch.as_ref();
        let mut done = epoch.and_then(|epoch| epoch.maintain(|rib| rib.work_off_if_little(little)));
        if done == Some(false) {
            self.turn.take_place().await;
            let Sizes { maintenance, turns: most_turns, .. } = *self.setup.router.sizes();
            let mut turns = 0;
            let worked_off = self.in_turns(|rib| {
                rib.work_off(maintenance);
                turns += 1;
                (!is_overdue || turns == most_turns || !rib.has_backlog()).then_some(true)
            });
            done = worked_off.await;
        }
        if done.is_none() {
            // Tables that are gone have no backlog.
            self.look.note(false, Instant::now());
            return None;
        }
        let event = self.check_tables().await;
        self.look.go_on(Instant::now());
        event
    }

    fn quiet(&self) -> Duration {
        match self.inbox.received() {
            Some((_, open)) if open.graceful_restart.is_some() => QUIET_WITH_GRACEFUL_RESTART,
            _ => QUIET,
        }
    }

    /// Nothing was received for a while: families without an End-of-RIB are assumed to be complete.
    async fn gone_quiet(&mut self) -> Option<Event> {
        self.quiet_at = None;
        let families = self.fsm.negotiated()?.families.clone();
        let now = bmp_timestamp();
        for family in &families {
            let dropped = self.in_turns(|rib| match rib.drop_some_stale(table(*family), now) {
                Ok(done) => done.then_some(Ok(())),
                Err(error) => Some(Err(error)),
            });
            if let Err(error) = dropped.await? {
                return Some(Event::Bad(refused::full(error)));
            }
        }
        let noted = self.epoch.as_ref()?.change(|rib| {
            families.iter().try_for_each(|family| rib.end_of_rib(table(*family), now).map(drop))
        });
        self.setup.router.notify();
        noted?.err().map(|error| Event::Bad(refused::full(error)))
    }

    /// Passes an event to the state machine and runs its actions, until there are none.
    async fn on(&mut self, event: Event) -> Option<End> {
        let mut actions = std::collections::VecDeque::from(self.fsm.on(event));
        while let Some(action) = actions.pop_front() {
            match action {
                Action::SendOpen => {
                    self.note(|| format!("OPEN sent: {}", open::describe(&self.sent_open)));
                    self.send(|link, out| out.extend_from_slice(&link.sent_open));
                }
                Action::SendKeepalive => {
                    self.send(|_, out| bgp::encode(out, MessageType::Keepalive, &[]));
                }
                Action::Hold(time) => self.hold_at = time.map(|time| Instant::now() + time),
                Action::Keepalive(time) => {
                    self.keepalive_at = time.map(|time| Instant::now() + time)
                }
                Action::Validate => {
                    self.note_agreement();
                    let event = self.validate_open().await;
                    actions.extend(self.fsm.on(event));
                }
                Action::Establish => {
                    if let Some(event) = self.establish().await {
                        actions.extend(self.fsm.on(event));
                    }
                }
                Action::End(end) => {
                    if let End::Sent(notification) = &end {
                        self.send(|_, out| out.extend_from_slice(&notification.message()));
                    }
                    return Some(end);
                }
            }
        }
        None
    }

    fn send(&mut self, message: impl FnOnce(&Self, &mut Vec<u8>)) {
        let mut output = std::mem::take(&mut self.output);
        message(self, &mut output);
        self.output = output;
        // What cannot be sent at once is sent when the socket is writable; a failure is seen there.
        let _ = self.write();
    }

    async fn ask<T>(&self, question: impl FnOnce(oneshot::Sender<T>) -> FromLink) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.setup.to_neighbor.send((self.setup.id, question(reply))).await.ok()?;
        answer.await.ok()
    }

    fn note_agreement(&self) {
        let Some(Negotiated { families, hold_time, .. }) = self.fsm.negotiated() else { return };
        self.note(|| {
            let families: Vec<String> = families.iter().map(ToString::to_string).collect();
            format!("both OPENs agree on: hold time {hold_time} s, {}", families.join(", "))
        });
    }

    async fn validate_open(&mut self) -> Event {
        let Some((_, open)) = self.inbox.received() else {
            return Event::Stop(Code::AdministrativeShutdown.into());
        };
        let remote = open.clone();
        match self.ask(|reply| FromLink::Validate { remote, reply }).await {
            Some(Ok(())) => {
                self.setup.pending = None;
                Event::Confirmed
            }
            Some(Err(notification)) => Event::Stop(notification),
            None => Event::Abandon(ABANDONED.into()),
        }
    }

    async fn establish(&mut self) -> Option<Event> {
        let up = match self.established() {
            Ok(up) => Box::new(up),
            Err(error) => return Some(Event::TcpClosed(closed(&error))),
        };
        match self.ask(|reply| FromLink::Establish { up, reply }).await {
            Some(Ok(epoch)) => {
                self.epoch = Some(epoch);
                self.send_end_of_ribs();
                self.quiet_at = Some(Instant::now() + self.quiet());
                self.quiet_latest = Instant::now() + QUIET_LATEST;
                None
            }
            Some(Err(notification)) => Some(Event::Stop(notification)),
            None => Some(Event::Abandon(ABANDONED.into())),
        }
    }

    /// Sends End-of-RIB to a neighbor with Graceful Restart: we have no routes. One that has restarted
    /// sends its own only when all those that announced the capability have sent theirs, or after
    /// minutes (RFC 4724 section 4.1). Others do not expect an UPDATE without routes.
    fn send_end_of_ribs(&mut self) {
        let asked = self.inbox.received().is_some_and(|(_, open)| open.graceful_restart.is_some());
        if !asked {
            return;
        }
        self.send(|link, out| {
            let Some(negotiated) = link.fsm.negotiated() else { return };
            for family in &negotiated.families {
                stored::withdraw(out, *family, |_| 0);
            }
        });
    }

    fn established(&self) -> io::Result<Established> {
        let known = self.inbox.received().cloned().zip(self.fsm.negotiated().cloned());
        let ((received_open, open), negotiated) =
            known.ok_or_else(|| io::Error::other("no OPEN was received"))?;
        Ok(Established {
            local: self.stream.local_addr()?,
            remote: self.stream.peer_addr()?,
            sent_open: self.sent_open.clone(),
            received_open,
            open,
            negotiated,
        })
    }

    /// Sends the last message.
    async fn close(&mut self) {
        let flush = async {
            while !self.output.is_empty() {
                self.stream.writable().await?;
                self.write()?;
            }
            Ok::<(), io::Error>(())
        };
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, flush).await;
        drain(&self.stream).await;
    }
}

async fn place_lost(place: Option<&PendingPlace>) {
    match place {
        Some(place) => place.lost().await,
        None => std::future::pending().await,
    }
}

/// What else than the neighbor requires work on its tables.
pub(super) enum Attention {
    /// They are lost: an internal error.
    Lost,
    /// They must be dropped.
    Evicted(OverLimit),
    /// A reader has left a backlog.
    Backlog,
}

/// Returns when something is to be done about the tables of a session that is up, or of one that is expected back.
pub(super) async fn attention(epoch: Option<&Epoch>) -> Attention {
    let Some(epoch) = epoch else { return std::future::pending().await };
    select! {
        () = epoch.lost() => Attention::Lost,
        over = epoch.evicted() => Attention::Evicted(over),
        () = epoch.backlog() => Attention::Backlog,
    }
}

/// Rejects a connection: sends the NOTIFICATION, and waits a little for the other side to read it.
pub(super) async fn refuse(stream: TcpStream, notification: Notification) {
    let _ = stream.try_write(&notification.message());
    drain(&stream).await;
}

/// Closes a connection without a NOTIFICATION, and without the reset that a close over unread bytes would be.
pub(super) async fn close(stream: TcpStream) {
    drain(&stream).await;
}

/// Ends our side and reads what still comes until the other side ends, or [`CLOSE_TIMEOUT`] is over: a close
/// over unread bytes would destroy our last message at the other side.
async fn drain(stream: &TcpStream) {
    let draining = async {
        tcp::end_writing(stream)?;
        let mut bytes = vec![0; 16 * 1024];
        loop {
            stream.readable().await?;
            match stream.try_read(&mut bytes) {
                Ok(0) => return Ok(()),
                Ok(_) => tokio::task::consume_budget().await,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    };
    let _: Result<io::Result<()>, _> = tokio::time::timeout(CLOSE_TIMEOUT, draining).await;
}

fn closed(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the neighbor closed the connection".to_owned(),
        _ => format!("the connection failed: {}", net::describe(error)),
    }
}
