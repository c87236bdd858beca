//! The task of a router: its connection, its timers, and its tables while it is away.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use shared::event::EventKind;
use shared::names::RouterId;
use shared::response::{RouterEntry, RouterError, RouterReport, RouterState};
use shared::time::Span;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{info, warn};

use super::challengers::Challengers;
use super::connection::Connection;
use super::identify::{Unsecured, identify, secure};
use super::intake::{End, Intake};
use super::{Command, Incoming};
use crate::config::{self, Who};
use crate::events::Events;
use crate::last_error::{LastErrors, Says};
use crate::moment::{Moment, bmp_timestamp, sleep_until, span_until};
use crate::net;
use crate::net::connect::connect;
use crate::net::options::Options;
use crate::net::stream::Stream;
use crate::platform::select;
use crate::quota::{Details, Quota, detail, say};
use crate::routers::{Router, Sizes};
use crate::sources::late::Look;
use crate::sources::turn::{Places, Turn};
use crate::supervise::{Panic, abort_on_panic, catch_panic, fault};
use crate::wire::bmp::{system_description, system_name};

/// How long a router that was over a limit is not accepted.
const PENALTY: Duration = Duration::from_secs(60);

/// How often it is looked whether peers have been quiet for a while.
const LOOK_FOR_QUIET: Duration = Duration::from_secs(1);

/// A connection that lasts this long was good: the next attempt is made soon.
const STABLE_AFTER: Duration = Duration::from_secs(10);

/// The wait before an attempt after a good connection.
const QUICK: Duration = Duration::from_millis(500);

/// Why a router has no connection.
#[derive(Debug, thiserror::Error)]
enum Down {
    /// By what it has sent.
    #[error("{0}")]
    End(#[from] End),
    /// The attempt to connect failed.
    #[error("cannot connect: {0}")]
    Connect(net::connect::ConnectError),
    /// There is no TLS over a connection that bmpd made.
    #[error("cannot connect: {0}")]
    Tls(Unsecured),
    /// A connection that it made cannot be given what is configured.
    #[error("cannot use the connection that the router made: {0}")]
    Accepted(net::options::OptionError),
    /// FIN.
    #[error("the router closed the connection")]
    Closed,
    /// Reading failed.
    #[error("the connection failed: {}", net::describe(.0))]
    Io(io::Error),
    /// Its Initiation does not come.
    #[error("no Initiation came within {} s", .0.as_secs())]
    NoInitiation(Duration),
    /// It has connected again.
    #[error("the router has made another connection")]
    Replaced,
    /// `reset router`.
    #[error("reset by {0}")]
    Reset(String),
    /// `shutdown = true`.
    #[error("shut down in the configuration")]
    Shutdown,
    /// Parameters that need another connection have changed.
    #[error("its configuration has changed")]
    Reconfigured,
    /// A mistake of bmpd.
    #[error("{0}")]
    Panicked(Panic),
}

impl Down {
    /// True if the tables are to be kept for a while.
    fn is_temporary(&self) -> bool {
        match self {
            Down::End(end) => {
                matches!(end, End::Broken(_) | End::NoInitiation(_) | End::MalformedInitiation(_))
            }
            Down::Shutdown | Down::Panicked(_) => false,
            Down::Connect(_)
            | Down::Tls(_)
            | Down::Accepted(_)
            | Down::Closed
            | Down::Io(_)
            | Down::NoInitiation(_)
            | Down::Replaced
            | Down::Reset(_)
            | Down::Reconfigured => true,
        }
    }

    /// True if somebody wanted it.
    fn is_wanted(&self) -> bool {
        matches!(
            self,
            Down::Reset(_) | Down::Shutdown | Down::Reconfigured | Down::End(End::Terminated(_))
        )
    }

    fn says(&self) -> Says {
        match self {
            Down::Connect(_) | Down::Closed | Down::Io(_) => Says::NoConnection,
            _ => Says::Cause,
        }
    }
}

type Attempt = Pin<Box<dyn Future<Output = Result<(Stream, SocketAddr), Down>> + Send>>;

/// What a task is made of.
pub(super) struct Setup {
    pub(super) id: RouterId,
    pub(super) config: Arc<config::Router>,
    /// True if it is one of a prefix.
    pub(super) is_dynamic: bool,
    /// How long the Initiation of a connection may take.
    pub(super) initiation_timeout: Duration,
    pub(super) router: Arc<Router>,
    pub(super) places: Places,
    pub(super) events: Events,
    pub(super) commands: mpsc::Receiver<Command>,
}

#[derive(Default)]
struct Timers {
    /// When to connect next, or when a router that was over a limit is accepted again.
    retry_at: Option<Instant>,
    /// When the tables go.
    held_until: Option<Instant>,
    /// When the Initiation must have come.
    initiation_until: Option<Instant>,
    /// When to look whether peers are quiet.
    quiet_at: Option<Instant>,
}

struct History {
    why: String,
    since: Moment,
    state: Option<RouterState>,
    connections: u64,
    connected_at: Instant,
    errors: LastErrors<String>,
    last_down: Option<(String, Moment)>,
}

pub(super) struct Task {
    id: RouterId,
    config: Arc<config::Router>,
    is_dynamic: bool,
    initiation_timeout: Duration,
    router: Arc<Router>,
    intake: Intake,
    connection: Option<Connection>,
    /// True if whole messages wait: until they are taken nothing is read.
    is_behind: bool,
    attempt: Option<Attempt>,
    /// Which connection it is ([`Challengers::number`]).
    number: u64,
    challengers: Challengers,
    next_wait: Duration,
    turn: Turn,
    look: Look,
    timers: Timers,
    history: History,
    events: Events,
    quota: Quota,
    /// What is logged at level debug.
    details: Details,
    commands: mpsc::Receiver<Command>,
    /// True once it is to end.
    is_over: bool,
}

impl Task {
    pub(super) fn new(setup: Setup) -> Self {
        let Setup { id, config, is_dynamic, initiation_timeout, router, places, events, commands } =
            setup;
        Self {
            details: Details::new(format!("router {id}")),
            id,
            intake: Intake::new(Arc::clone(&router), config.limits, Instant::now()),
            is_dynamic,
            initiation_timeout,
            router,
            connection: None,
            is_behind: false,
            attempt: None,
            number: 0,
            challengers: Challengers::default(),
            next_wait: config.retry.initial,
            config,
            turn: Turn::new(places),
            look: Look::default(),
            timers: Timers::default(),
            history: History {
                why: "it has not connected yet".to_owned(),
                since: Moment::now(),
                state: None,
                connections: 0,
                connected_at: Instant::now(),
                errors: LastErrors::default(),
                last_down: None,
            },
            events,
            quota: Quota::default(),
            commands,
            is_over: false,
        }
    }

    /// Runs until the router is removed, or one of a prefix is gone.
    pub(super) async fn run(mut self) {
        self.begin();
        while let Err(panic) = catch_panic(self.serve()).await {
            abort_on_panic(self.lost(Down::Panicked(panic))).await;
        }
        self.connection = None;
        self.intake.leave(None);
        self.publish(None);
    }

    /// Without a connection: waits for one, or tries to make one.
    fn begin(&mut self) {
        if self.config.shutdown {
            self.history.why = Down::Shutdown.to_string();
        } else if self.config.active.is_some() {
            self.connect();
        }
    }

    fn state(&self) -> RouterState {
        let is_initiated = self.intake.is_initiated();
        match &self.connection {
            Some(_) if is_initiated => RouterState::Established,
            _ if self.timers.held_until.is_some() => RouterState::Held,
            Some(_) => RouterState::Opening,
            None if self.config.shutdown => RouterState::Shutdown,
            None if self.attempt.is_some() => RouterState::Connecting,
            None if self.timers.retry_at.is_some() => RouterState::Idle,
            None => RouterState::Listening,
        }
    }

    /// Publishes the state if it is another one.
    fn publish_state(&mut self) {
        let state = self.state();
        if self.history.state != Some(state) {
            self.history.since = Moment::now();
            self.publish(Some(state));
        }
    }

    fn publish(&mut self, to: Option<RouterState>) {
        let from = std::mem::replace(&mut self.history.state, to);
        let (id, why) = (self.id.clone(), self.history.why.clone());
        self.events.publish(EventKind::Router { id, from, to, why });
    }

    async fn serve(&mut self) {
        while !self.is_over {
            self.publish_state();
            fault("router.step");
            self.turn.pause();
            tokio::task::consume_budget().await;
            let reads = !self.is_behind && !self.look.is_overdue(Instant::now());
            let signals = self.intake.signals().clone();
            select! {
                command = self.commands.recv() => match command {
                    Some(command) => self.handle(command).await,
                    None => self.is_over = true,
                },
                () = std::future::ready(()), if self.is_behind => {
                    self.turn.begin().await;
                    self.take_messages().await;
                }
                readable = readable(self.connection.as_ref()), if reads => match readable {
                    Ok(()) => {
                        self.turn.begin().await;
                        self.read_messages().await;
                    }
                    Err(error) => self.lost(of_io(error)).await,
                },
                made = made(self.attempt.as_mut()) => {
                    self.attempt = None;
                    match made {
                        Ok((stream, remote)) => self.connected(stream, remote, &[]).await,
                        Err(down) => self.failed(down),
                    }
                }
                (number, identified) = self.challengers.next() => match identified {
                    Ok(incoming) if number < self.number || self.refuses() => incoming.refuse(),
                    Ok(incoming) => self.replace(number, incoming).await,
                    Err(why) => {
                        say!(self.quota, warn, router = %self.id, "a connection of it was closed: {why}");
                        self.history.errors.note(why.to_string(), Says::Cause);
                    }
                },
                () = sleep_until(self.timers.retry_at) => {
                    self.timers.retry_at = None;
                    // One of a prefix that was over a limit has not come back.
                    self.is_over |= self.is_dynamic
                        && self.connection.is_none()
                        && self.timers.held_until.is_none();
                    if self.connection.is_none() && self.config.active.is_some() {
                        self.connect();
                    }
                }
                () = sleep_until(self.timers.held_until) => {
                    self.timers.held_until = None;
                    self.history.why = format!("it was away for {} s, its hold-time", self.config.hold_time.as_secs());
                    say!(self.quota, warn, router = %self.id, "its tables are dropped: {}", self.history.why);
                    self.intake.leave(None);
                    self.is_over = self.is_dynamic && self.connection.is_none();
                }
                () = sleep_until(self.timers.initiation_until) => {
                    self.lost(Down::NoInitiation(self.initiation_timeout)).await;
                }
                () = sleep_until(self.timers.quiet_at) => self.note_quiet().await,
                () = sleep_until(self.look.at()) => self.work_off().await,
                () = signals.lost.notified() => self.check_tables().await,
                () = signals.evicted.notified() => self.check_tables().await,
                () = signals.backlog.notified() => {
                    self.intake.look_everywhere();
                    self.look.note(true, Instant::now());
                }
                () = sleep_until(self.quota.ends_at()) => {
                    let lines = self.quota.end();
                    warn!(router = %self.id, "{lines} more lines about it were left out within a minute");
                }
            }
        }
    }

    async fn handle(&mut self, command: Command) {
        match command {
            Command::Incoming(incoming) => {
                detail!(self.details, router = %self.id, remote = %incoming.remote, "the router has connected");
                if self.is_kept_out() {
                    let why = &self.history.why;
                    say!(self.quota, info, router = %self.id, "a connection was refused, not long after: {why}");
                }
                if self.refuses() {
                    incoming.refuse();
                    return;
                }
                let mut options = Options::from(&self.config.tcp);
                if incoming.is_carried {
                    // The key is for segments of the router, and these are of the proxy.
                    options.authentication = None;
                }
                if let Err(error) = options.accepted(incoming.stream.tcp()) {
                    self.failed(Down::Accepted(error));
                    return;
                }
                // Who comes from its address and sends no Initiation, or has no certificate, must not end what runs.
                let is_up = self.intake.is_initiated() && self.connection.is_some();
                if (is_up || self.config.tls.is_some()) && incoming.read.is_empty() {
                    let (timeout, max) = (self.initiation_timeout, self.intake.message_max());
                    let tls = self.config.tls.clone();
                    self.challengers.add(async move {
                        let identified = identify(incoming, None, timeout, max, tls).await;
                        identified.map(|(_, incoming)| incoming)
                    });
                    return;
                }
                let number = self.challengers.number();
                self.replace(number, incoming).await;
            }
            Command::Configure { config, initiation_timeout } => {
                self.initiation_timeout = initiation_timeout;
                self.configure(config).await;
            }
            Command::Report { detailed, reply } => {
                let _ = reply.send(Box::new(self.report(detailed)));
            }
            Command::Entry { reply } => {
                let _ = reply.send(self.entry());
            }
            Command::Reset { by, reply } => {
                let was_up = self.connection.is_some();
                info!(router = %self.id, %by, "reset");
                if was_up {
                    self.lost(Down::Reset(by)).await;
                }
                self.timers.retry_at = None;
                if self.config.active.is_some() && !self.config.shutdown {
                    self.connect();
                }
                let _ = reply.send(was_up);
            }
            Command::Stop => self.is_over = true,
        }
    }

    /// True if it takes no connection of the router.
    fn refuses(&self) -> bool {
        self.config.shutdown || self.config.active.is_some() || self.is_kept_out()
    }

    /// True while it is not accepted, after it was over a limit.
    fn is_kept_out(&self) -> bool {
        self.config.active.is_none() && self.timers.retry_at.is_some()
    }

    /// A newer connection takes the place of the one there is.
    async fn replace(&mut self, number: u64, incoming: Incoming) {
        self.challengers.end_before(number);
        self.number = number;
        if self.connection.is_some() {
            self.lost(Down::Replaced).await;
        }
        let Incoming { stream, remote, read, .. } = incoming;
        self.connected(stream, remote, &read).await;
    }

    /// True if its connection is from an address that is no longer one of its own.
    fn has_strange_address(&self) -> bool {
        let Some(connection) = &self.connection else { return false };
        match &self.config.who {
            Who::Named { addresses, .. } => !addresses.contains(&connection.remote().ip()),
            Who::Prefix(_) => false,
        }
    }

    async fn configure(&mut self, config: Arc<config::Router>) {
        let old = std::mem::replace(&mut self.config, config);
        self.intake.set_limits(self.config.limits);
        let needs_connection =
            super::changes::needs_connection(&old, &self.config) || self.has_strange_address();
        if needs_connection || self.config.shutdown || old.who != self.config.who {
            self.challengers.end();
        }
        if self.config.shutdown && !old.shutdown {
            self.attempt = None;
            self.lost(Down::Shutdown).await;
            self.timers.retry_at = None;
        } else if needs_connection || old.shutdown && !self.config.shutdown {
            self.attempt = None;
            if self.connection.is_some() {
                self.lost(Down::Reconfigured).await;
            }
            self.timers.retry_at = None;
            self.next_wait = self.config.retry.initial;
            self.begin();
        } else if self.limits_have_risen(&old) {
            self.timers.retry_at = None;
        }
        if let Some(held_until) = self.timers.held_until
            && self.config.hold_time != old.hold_time
        {
            let begun = held_until - old.hold_time;
            self.timers.held_until = Some(begun + self.config.hold_time);
        }
    }

    fn limits_have_risen(&self, old: &config::Router) -> bool {
        self.is_kept_out() && self.config.limits != old.limits
    }

    /// Begins an attempt to connect: to each of its addresses in turn.
    fn connect(&mut self) {
        let (Some(port), Who::Named { addresses, .. }) = (self.config.active, &self.config.who)
        else {
            return;
        };
        let (addresses, place) = (addresses.clone(), self.config.place.clone());
        let options = Options::from(&self.config.tcp);
        let (tls, timeout) = (self.config.tls.clone(), self.config.tcp.connect_timeout);
        let (id, details) = (self.id.clone(), self.details.clone());
        self.attempt = Some(Box::pin(async move {
            let mut error = Down::Closed;
            for address in addresses {
                let remote = SocketAddr::new(address, port.get());
                detail!(details, router = %id, %remote, "connecting");
                let made = match (connect(remote, &place, &options).await, &tls) {
                    (Ok(stream), None) => Ok(Stream::Plain(stream)),
                    (Ok(stream), Some(tls)) => {
                        secure(Stream::Plain(stream), tls, timeout).await.map_err(Down::Tls)
                    }
                    (Err(failed), _) => Err(Down::Connect(failed)),
                };
                match made {
                    Ok(stream) => return Ok((stream, remote)),
                    Err(failed) => {
                        // The last one is reported as the error of the attempt.
                        detail!(details, router = %id, %remote, "{failed}");
                        error = failed;
                    }
                }
            }
            Err(error)
        }));
    }

    /// An attempt has failed.
    fn failed(&mut self, down: Down) {
        let (text, says) = (down.to_string(), down.says());
        if self.history.errors.note(text.clone(), says) {
            say!(self.quota, warn, router = %self.id, "{text}");
        } else {
            detail!(self.details, router = %self.id, "{text}");
        }
        if self.timers.held_until.is_none() {
            self.history.why.clone_from(&text);
        }
        self.wait();
    }

    /// The next attempt comes after a while; each wait is twice as long as the one before.
    fn wait(&mut self) {
        if self.config.active.is_some() && !self.config.shutdown {
            let wait = self.next_wait;
            self.next_wait = (wait * 2).min(self.config.retry.maximum);
            // A random part less, so that routers that were lost together part.
            let wait = wait.mul_f64(1.0 - 0.25 * fastrand::f64());
            detail!(self.details, router = %self.id, ?wait, "waiting for the next attempt");
            self.timers.retry_at = Some(Instant::now() + wait);
        }
    }

    async fn connected(&mut self, stream: Stream, remote: SocketAddr, read: &[u8]) {
        self.intake.connected();
        self.connection = Some(Connection::new(stream, remote, read));
        self.timers.retry_at = None;
        self.timers.initiation_until = Some(Instant::now() + self.initiation_timeout);
        self.history.connections += 1;
        self.history.connected_at = Instant::now();
        self.history.why = format!("connected with {remote}");
        say!(self.quota, info, router = %self.id, "connected with {remote}");
        let within = self.initiation_timeout;
        detail!(self.details, router = %self.id, %remote, ?within, "waiting for its Initiation");
        self.is_behind = !read.is_empty();
    }

    /// Reads and takes messages until all that has come is taken, or the turn is over.
    async fn read_messages(&mut self) {
        loop {
            let most = if self.turn.has_place() { usize::MAX } else { self.turn.little_bytes() };
            let Some(connection) = &mut self.connection else { return };
            let read = match connection.read(most) {
                Ok(read) => read,
                Err(error) => return self.lost(of_io(error)).await,
            };
            if read == 0 {
                self.turn.rest();
                return;
            }
            self.take_messages().await;
            if self.is_behind || !self.turn.goes_on() {
                return;
            }
        }
    }

    /// Takes all whole messages that have come, or as many as some turns allow.
    async fn take_messages(&mut self) {
        self.is_behind = false;
        for _ in 0..self.router.sizes().turns {
            self.turn.go_on().await;
            let Some(connection) = &mut self.connection else { return };
            let now = Instant::now();
            let work = self.turn.left();
            let was_initiated = self.intake.is_initiated();
            let (bytes, remote) = (connection.unread(), connection.remote());
            let taken = self.intake.take(bytes, Some(remote), now, work);
            connection.take(taken.bytes);
            self.turn.count(taken.work);
            if !was_initiated && self.intake.is_initiated() {
                self.initiated();
            }
            if let Some(text) = taken.malformed {
                say!(self.quota, warn, router = %self.id, "{text}");
                self.history.errors.note(text, Says::Cause);
            }
            self.look.note(self.intake.has_backlog(), now);
            if self.intake.waits_for_quiet() && self.timers.quiet_at.is_none() {
                self.timers.quiet_at = Some(now + LOOK_FOR_QUIET);
            }
            if let Some(end) = taken.end {
                return self.lost(end.into()).await;
            }
            if taken.bytes == 0 && taken.work == 0 {
                return;
            }
            self.turn.note_news();
        }
        self.is_behind = true;
    }

    /// Its Initiation has come: what is held goes on.
    fn initiated(&mut self) {
        self.timers.initiation_until = None;
        self.timers.held_until = None;
        self.history.errors.clear();
        let name = self.intake.last_initiation().and_then(system_name);
        let name = name.unwrap_or_else(|| "without a sysName".to_owned());
        say!(self.quota, info, router = %self.id, sys_name = %name, "its BMP session is up");
    }

    /// The connection has ended, or is ended now.
    async fn lost(&mut self, down: Down) {
        let had_connection = self.connection.is_some();
        let was_initiated = self.intake.is_initiated();
        if let Some(connection) = self.connection.take()
            && !matches!(down, Down::Closed | Down::End(End::Terminated(_)))
        {
            connection.abandon();
        }
        self.is_behind = false;
        self.timers.initiation_until = None;
        self.history.why = down.to_string();
        self.history.last_down = Some((down.to_string(), Moment::now()));
        if !down.is_wanted() {
            self.history.errors.note(down.to_string(), down.says());
        }
        match down.is_wanted() {
            true => say!(self.quota, info, router = %self.id, "down: {down}"),
            false => say!(self.quota, warn, router = %self.id, "down: {down}"),
        }
        if down.is_temporary() && !self.config.hold_time.is_zero() {
            if was_initiated {
                self.prepare_hold().await;
                self.intake.hold();
                self.timers.held_until = Some(Instant::now() + self.config.hold_time);
            }
        } else {
            let termination = match &down {
                Down::End(End::Terminated(tlvs)) => Some(tlvs.clone()),
                _ => None,
            };
            self.timers.held_until = None;
            self.intake.leave(termination);
        }
        self.look = Look::default();
        if let Down::End(end) = &down
            && end.is_penalised()
        {
            self.timers.retry_at = Some(Instant::now() + PENALTY);
            return;
        }
        self.is_over |=
            self.is_dynamic && self.timers.held_until.is_none() && !matches!(down, Down::Replaced);
        if self.config.active.is_some() && had_connection && !self.config.shutdown {
            let is_stable = self.history.connected_at.elapsed() >= STABLE_AFTER && was_initiated;
            if is_stable {
                self.next_wait = self.config.retry.initial;
                self.timers.retry_at = Some(Instant::now() + QUICK);
            } else {
                self.wait();
            }
        }
    }

    /// Some of the backlog is worked off; all of it if it has waited too long.
    async fn work_off(&mut self) {
        let is_overdue = self.look.is_overdue(Instant::now());
        let Sizes { maintenance, turns, .. } = *self.router.sizes();
        for _ in 0..turns {
            let count = if self.turn.has_place() { maintenance } else { self.turn.left() as usize };
            let work = self.intake.work_off(count.max(1));
            if work == 0 {
                self.look.note(false, Instant::now());
                return self.check_tables().await;
            }
            self.turn.count(work);
            if self.turn.has_place() && !is_overdue {
                break;
            }
            self.turn.take_place().await;
            self.turn.go_on().await;
        }
        self.look.go_on(Instant::now());
    }

    /// All of the backlog is worked off, and what else takes long before the router is held, in turns.
    async fn prepare_hold(&mut self) {
        let Sizes { maintenance, .. } = *self.router.sizes();
        self.turn.take_place().await;
        loop {
            let work = self.intake.prepare_hold(maintenance);
            if work == 0 {
                return;
            }
            self.turn.count(work);
            self.turn.go_on().await;
        }
    }

    /// Peers that have been quiet are complete.
    async fn note_quiet(&mut self) {
        self.timers.quiet_at = None;
        self.turn.begin().await;
        loop {
            match self.intake.note_quiet(Instant::now(), bmp_timestamp()) {
                Ok(0) => break,
                Ok(work) => {
                    self.turn.count(work);
                    self.turn.go_on().await;
                }
                Err(end) => return self.lost(end.into()).await,
            }
        }
        self.look.note(self.intake.has_backlog(), Instant::now());
        if self.intake.waits_for_quiet() && self.intake.is_initiated() {
            self.timers.quiet_at = Some(Instant::now() + LOOK_FOR_QUIET);
        }
    }

    /// Tables may have been lost, or be too large.
    async fn check_tables(&mut self) {
        if let Some(end) = self.intake.lost_or_over_limit() {
            self.lost(end.into()).await;
        }
    }

    fn entry(&self) -> RouterEntry {
        RouterEntry {
            id: self.id.clone(),
            state: Some(self.state()),
            description: self.config.description.clone(),
        }
    }

    fn report(&self, detailed: bool) -> RouterReport {
        let (tables, peers) = self.intake.tables(detailed);
        let connection = self.connection.as_ref();
        let described = |(text, at): &(String, Moment)| RouterError {
            text: text.clone(),
            at: at.timestamp(),
            ago: Span::of(at.age()),
        };
        let addresses = match &self.config.who {
            Who::Named { addresses, .. } => addresses.clone(),
            Who::Prefix(_) => {
                connection.map(|connection| connection.remote().ip()).into_iter().collect()
            }
        };
        let initiation = self.intake.last_initiation();
        RouterReport {
            id: self.id.clone(),
            dynamic: self.is_dynamic,
            vpn_instance: self.config.vpn_instance.clone(),
            addresses,
            active: self.config.active.is_some(),
            description: self.config.description.clone(),
            state: self.state(),
            why: self.history.why.clone(),
            since: self.history.since.timestamp(),
            age: Span::of(self.history.since.age()),
            remote: connection.map(Connection::remote),
            system_name: initiation.and_then(system_name),
            system_description: initiation.and_then(system_description),
            connections: self.history.connections,
            held_for: self.timers.held_until.map(span_until),
            next_attempt: self.timers.retry_at.filter(|_| connection.is_none()).map(span_until),
            last_down: self
                .history
                .errors
                .last()
                .or(self.history.last_down.as_ref())
                .map(described),
            peers_up: self.intake.count(),
            tables,
            memory: self.intake.memory(),
            received: Some(self.intake.received()),
            peers,
        }
    }
}

fn of_io(error: io::Error) -> Down {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Down::Closed,
        _ => Down::Io(error),
    }
}

async fn readable(connection: Option<&Connection>) -> io::Result<()> {
    match connection {
        Some(connection) => connection.readable().await,
        None => std::future::pending().await,
    }
}

async fn made(attempt: Option<&mut Attempt>) -> Result<(Stream, SocketAddr), Down> {
    match attempt {
        Some(attempt) => attempt.await,
        None => std::future::pending().await,
    }
}
