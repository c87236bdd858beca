//! The task of a leg: it carries out the actions of the state machine and hands it the events.

mod report;
mod statistics;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use shared::event::EventKind;
use shared::names::{LegId, SessionId};
use shared::response::{PlannedReset, ResetDone, Sent, SessionState};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{info, warn};

use self::statistics::Statistics;
use super::attempt::{Attempt, Made, secure, shared_listener};
use super::connection::{Connection, Progress};
use super::fsm::{Action, Event, Fsm, Pattern, STABLE_AFTER, State};
use super::source::{self, Lease};
use super::{Command, Siblings};
use crate::config::{Identity, Mode};
use crate::events::Events;
use crate::last_error::LastErrors;
use crate::moment::{Moment, sleep_until};
use crate::net::connect::connect;
use crate::net::listen::{ListenError, refuse};
use crate::net::options::Options;
use crate::net::stream::Stream;
use crate::net::tcp::TcpStream;
use crate::platform::select;
use crate::quota::{Details, Quota, detail, say};
use crate::routers::{Changes, Feed, Router};
use crate::sinks::station::down::Down;
use crate::sinks::station::parameters::{Configured, Effect, Parameters, Standing};
use crate::sinks::station::passive::{Registration, SharedListeners};
use crate::sinks::station::{End, Sets};
use crate::supervise::{Panic, abort_on_panic, catch_panic, fault};
use crate::wire::proxy;

/// How long a reset waits for the station to take the Termination. A station that has been blocked for
/// longer is not waited for at all.
const RESET_TIMEOUT: Duration = Duration::from_millis(500);

/// Why a leg has no connection whose router is not there.
const NO_ROUTER: &str = "its router is not connected";

/// How long a session that has panicked waits where nothing else makes it go on.
const RETRY_AFTER_PANIC: Duration = Duration::from_secs(1);

pub(super) struct Task {
    /// Those of the connection or the attempt; those that can change meanwhile are as configured.
    parameters: Parameters,
    /// Those of the next connection, and when the reading of the file was begun that they are from.
    configured: Parameters,
    configured_at: Instant,
    router: Arc<Router>,
    /// Notified when the router appears or leaves.
    presence: Changes,
    listeners: Arc<SharedListeners>,
    events: Events,
    siblings: Arc<Siblings>,
    lease: Lease,
    /// The state and the generation that were published last.
    published: Option<(SessionState, u64)>,
    commands: mpsc::Receiver<Command>,
    fsm: Fsm,
    attempt: Option<Attempt>,
    /// A connection of the station beside the one that is up, in its TLS handshake.
    challenger: Option<Attempt>,
    /// Of a passive session, from its first wait for the station on.
    registration: Option<Registration>,
    connection: Option<Connection>,
    timers: Timers,
    history: History,
    statistics: Statistics,
    /// What is logged of it.
    quota: Quota,
    /// The same at level debug.
    details: Details,
}

#[derive(Default)]
struct Timers {
    /// When to connect next.
    retry_at: Option<Instant>,
    /// When a connection that is synchronised counts as stable.
    stable_at: Option<Instant>,
}

/// What is reported of its past.
struct History {
    /// Why the session is in its state.
    why: String,
    state_since: Moment,
    /// When the session last went up or down, and the generation then.
    since: Moment,
    since_generation: u64,
    /// The newest generation whose station was sent everything; 0 if none was.
    synchronised_generation: u64,
    /// Whether the station was sent everything, as far as that was seen, and since when that is so.
    synchronised: (bool, Moment),
    attempts: u64,
    last_sent: Sent,
    last_down: Option<(Down, Moment)>,
    failures: LastErrors<Down>,
    last_reset: Option<(String, Moment)>,
}

impl History {
    /// That of a session that begins.
    fn new() -> Self {
        Self {
            why: String::new(),
            state_since: Moment::now(),
            since: Moment::now(),
            since_generation: 1,
            synchronised_generation: 0,
            synchronised: (false, Moment::now()),
            attempts: 0,
            last_sent: Sent::default(),
            last_down: None,
            failures: LastErrors::default(),
            last_reset: None,
        }
    }
}

/// What came of waiting.
enum Outcome {
    Event(Event, &'static str),
    Made(Made),
    /// The station of a passive session has connected, or has nowhere to connect to any more.
    Arrived(Result<TcpStream, ListenError>),
    /// Its connection beside the one that is up has become something.
    Challenged(Result<Made, Down>),
    Down(Down),
    Command(Command),
    /// The router has appeared or left.
    Presence,
    /// A minute is over in which more was to be logged than is.
    Quota,
    Nothing,
}

impl Task {
    pub(super) fn new(
        parameters: Parameters,
        read_at: Instant,
        router: Arc<Router>,
        listeners: Arc<SharedListeners>,
        events: Events,
        siblings: Arc<Siblings>,
        commands: mpsc::Receiver<Command>,
    ) -> Self {
        Self {
            details: Details::new(format!("session {}", parameters.session.id)),
            presence: router.presence_changes(),
            fsm: Fsm::new(pattern(&parameters)),
            configured: parameters.clone(),
            configured_at: read_at,
            parameters,
            router,
            listeners,
            events,
            lease: Lease::new(&siblings),
            siblings,
            published: None,
            commands,
            attempt: None,
            challenger: None,
            registration: None,
            connection: None,
            timers: Timers::default(),
            history: History::new(),
            statistics: Statistics::new(),
            quota: Quota::default(),
        }
    }

    /// Runs the leg until it is stopped.
    pub(super) async fn run(mut self) {
        while let Err(panic) = catch_panic(self.serve()).await {
            abort_on_panic(self.recover(panic)).await;
        }
        self.publish_end();
    }

    /// Drops what was under way when the task panicked, and connects again.
    async fn recover(&mut self, panic: Panic) {
        self.register(None);
        self.lost(Down::Panicked(panic)).await;
        if self.fsm.state() == State::Idle && self.timers.retry_at.is_none() {
            self.timers.retry_at = Some(Instant::now() + RETRY_AFTER_PANIC);
        }
    }

    async fn serve(&mut self) {
        if self.published.is_none() {
            self.begin().await;
        }
        while self.fsm.state() != State::Stopped {
            self.publish_state();
            self.note_synchronised();
            fault("session.step");
            // A station that takes all that it is given must not keep others from their turn.
            tokio::task::consume_budget().await;
            match self.wait().await {
                Outcome::Event(event, why) => {
                    self.on(event, why.to_owned(), None, Duration::ZERO).await;
                }
                Outcome::Made(Made::Registered(registration)) => {
                    self.attempt = None;
                    self.register(Some(registration));
                }
                Outcome::Made(Made::Stream(stream)) => self.connected(*stream).await,
                Outcome::Arrived(Ok(stream)) => self.arrived(stream).await,
                Outcome::Arrived(Err(error)) => {
                    self.register(None);
                    // A connection that is up is not of the shared listener any more.
                    if self.fsm.state() == State::Connecting {
                        self.lost(Down::Listen(error)).await;
                    }
                }
                Outcome::Challenged(made) => self.challenged(made).await,
                Outcome::Down(down) => self.lost(down).await,
                Outcome::Command(command) => self.handle_command(command).await,
                Outcome::Presence => self.note_presence().await,
                Outcome::Quota => {
                    let lines = self.quota.end();
                    let id = self.id();
                    warn!(session = %id, "{lines} more lines about it were left out within a minute");
                }
                Outcome::Nothing => {}
            }
        }
    }

    async fn begin(&mut self) {
        let session = &self.configured.session;
        if session.shutdown {
            self.on(Event::Shutdown, Down::Shutdown.to_string(), None, Duration::ZERO).await;
            self.note_presence().await;
        } else if self.router.presence().is_none() {
            self.note_presence().await;
        } else {
            let delay = session.initial_delay;
            let why = if delay.is_zero() { "the session has begun" } else { "initial-delay" };
            self.on(Event::Start(delay), why.to_owned(), None, Duration::ZERO).await;
        }
    }

    /// The router may have appeared or left. A connection ends by itself, when it has sent what is left.
    async fn note_presence(&mut self) {
        self.presence.mark_unchanged();
        let has_router = self.router.presence().is_some();
        if matches!(self.fsm.state(), State::Up { .. }) {
            return;
        }
        let why = if has_router { "its router is there" } else { NO_ROUTER };
        let down = (!has_router).then_some(Down::RouterGone(None));
        self.on(Event::Router(has_router), why.to_owned(), down, Duration::ZERO).await;
        if self.fsm.state() == State::NoRouter {
            // The connections of the station are for the routers that are there.
            self.register(None);
        }
    }

    /// Publishes the state and the generation if they differ from what was published last.
    fn publish_state(&mut self) {
        // As it was last known: each step must not look at every peer.
        let synchronised = self.connection.as_ref().is_some_and(Connection::was_synchronised);
        let now = (self.state(synchronised), self.fsm.generation());
        if self.published == Some(now) {
            return;
        }
        let before = self.published.replace(now);
        let (state, generation) = now;
        let why = match (before, state) {
            (Some((SessionState::Established, last)), SessionState::Synchronising)
                if last == generation =>
            {
                "a neighbor has come up or gone down".to_owned()
            }
            _ => self.history.why.clone(),
        };
        self.publish(before, Some(state), generation, why);
    }

    fn note_synchronised(&mut self) {
        let now = self.connection.as_ref().is_some_and(Connection::was_synchronised);
        if now != self.history.synchronised.0 {
            self.history.synchronised = (now, Moment::now());
        }
    }

    fn publish_end(&self) {
        let why = self.history.why.clone();
        self.publish(self.published, None, self.fsm.generation(), why);
    }

    fn publish(
        &self,
        before: Option<(SessionState, u64)>,
        to: Option<SessionState>,
        generation: u64,
        why: String,
    ) {
        let (id, router) = (self.id().clone(), self.router.id().clone());
        let from = before.map(|(state, _)| state);
        let what = EventKind::Session { id, router, generation, from, to, why };
        self.events.publish_of(self.router.group(), what);
    }

    /// Waits for the next thing to happen in this state, or a command.
    async fn wait(&mut self) -> Outcome {
        let state = self.fsm.state();
        let Self { commands, presence, attempt, challenger, registration, connection, .. } = self;
        let is_up = matches!(state, State::Up { .. });
        let (retry_at, stable_at) = (self.timers.retry_at, &mut self.timers.stable_at);
        let quota_ends = self.quota.ends_at();
        let challenge = async {
            match challenger {
                Some(challenger) => challenger.await,
                None => std::future::pending().await,
            }
        };
        let arrival = async {
            match registration {
                Some(registration) => registration.accept().await,
                None => std::future::pending().await,
            }
        };
        let happens = async {
            match (state, connection, attempt) {
                (State::Up { .. }, Some(connection), _) => select! {
                    step = connection.step() => match step {
                        Ok(Progress::Moved) => Outcome::Nothing,
                        Ok(Progress::Synchronised) => {
                            Outcome::Event(Event::Synchronised, "every route was sent")
                        }
                        Err(down) => Outcome::Down(down),
                    },
                    stream = arrival => Outcome::Arrived(stream),
                    made = challenge => Outcome::Challenged(made),
                    () = sleep_until(*stable_at) => {
                        *stable_at = None;
                        Outcome::Event(Event::Stable, "every route was sent")
                    }
                },
                (State::Connecting, _, Some(attempt)) => match attempt.await {
                    Ok(made) => Outcome::Made(made),
                    Err(down) => Outcome::Down(down),
                },
                (State::Connecting, _, None) => Outcome::Arrived(arrival.await),
                (State::NoRouter, _, _) => std::future::pending().await,
                (State::Idle | State::Up { .. } | State::Shutdown | State::Stopped, _, _) => {
                    sleep_until(retry_at).await;
                    Outcome::Event(Event::RetryTimer, "the retry timer has expired")
                }
            }
        };
        tokio::select! {
            biased;
            command = commands.recv() => {
                // Without anybody left to command it a session has no reason to be.
                let stop = || Command::Stop { end: End::Stopping, timeout: Duration::ZERO };
                Outcome::Command(command.unwrap_or_else(stop))
            }
            // The router outlives its legs.
            _ = presence.changed(), if !is_up => Outcome::Presence,
            () = sleep_until(quota_ends) => Outcome::Quota,
            outcome = happens => outcome,
        }
    }

    async fn connected(&mut self, stream: Stream) {
        let made = Connection::new(stream, &self.parameters, Arc::clone(&self.router));
        let Ok(connection) = made else { return self.note_presence().await };
        let why = match connection.remote() {
            Some(remote) => format!("connected with {remote}"),
            None => "connected".to_owned(),
        };
        let (id, generation) = (&self.parameters.session.id, self.fsm.generation());
        say!(self.quota, info, session = %id, generation, "{why}");
        self.connection = Some(connection);
        self.on(Event::Connected, why, None, Duration::ZERO).await;
    }

    /// The station of a passive session has connected; if it was connected already, it knows better what
    /// has become of that.
    async fn arrived(&mut self, stream: TcpStream) {
        if self.connection.is_some() && self.parameters.session.tls.is_some() {
            // Who comes from the station's address without being the station must not end what runs.
            self.challenger = Some(self.accept(stream));
            return;
        }
        if self.connection.is_some() {
            self.lost(Down::Replaced).await;
        }
        // With parameters that were pending until now it may have to connect elsewhere, with another
        // key, or not at all.
        let here = self.fsm.state() == State::Connecting && self.attempt.is_none();
        if !here || !self.is_passive() {
            refuse(stream);
            if let Some(registration) = &self.registration {
                registration.release();
            }
            return;
        }
        self.history.attempts += 1;
        self.attempt = Some(self.accept(stream));
    }

    /// Makes a connection that the station has made what is configured.
    fn accept(&self, stream: TcpStream) -> Attempt {
        if let (Ok(local), Ok(remote)) = (stream.local_addr(), stream.peer_addr()) {
            detail!(self.details, session = %self.id(), router = %self.router.id(), %remote, %local, "the station has connected");
        }
        let options = Options::from(&self.parameters.session.tcp);
        let accepted = options.accepted(&stream).map_err(Down::Accepted);
        let tls = self.parameters.session.tls.clone();
        let (station, timeout) = (self.station(), options.connect_timeout);
        Box::pin(async move {
            accepted?;
            secure(stream, tls, station, timeout).await
        })
    }

    /// The TLS handshake of another connection of the station has come to its end, while one is up.
    async fn challenged(&mut self, made: Result<Made, Down>) {
        self.challenger = None;
        match made {
            Ok(Made::Stream(stream)) => {
                let ran_with = self.parameters.clone();
                self.lost(Down::Replaced).await;
                // Otherwise parameters that were pending want another connection than this.
                if self.fsm.state() == State::Connecting && self.parameters == ran_with {
                    self.connected(*stream).await;
                }
            }
            Ok(Made::Registered(_)) => {}
            Err(down) => {
                let id = &self.parameters.session.id;
                say!(self.quota, warn, session = %id, "another connection was refused: {down}");
            }
        }
    }

    async fn lost(&mut self, down: Down) {
        if let Down::RouterGone(_) = down {
            let why = down.to_string();
            self.on(Event::Router(false), why, Some(down), RESET_TIMEOUT).await;
            // It may be there again already.
            self.note_presence().await;
            return;
        }
        let refused = matches!(down, Down::Accepted(_) | Down::Tls(_) | Down::TlsSetup(_));
        if self.fsm.state() == State::Connecting && self.is_passive() && refused {
            // The next connection can be better, and may be on its way.
            self.attempt = None;
            if let Some(registration) = &self.registration {
                registration.release();
            }
            self.note_failure(down);
            return;
        }
        let event = match self.fsm.state() {
            State::Connecting => Event::ConnectFailed,
            State::Up { .. } | State::Idle | State::NoRouter | State::Shutdown | State::Stopped => {
                Event::Lost
            }
        };
        let why = down.to_string();
        self.close(Some(down), Duration::ZERO).await;
        self.on(event, why, None, Duration::ZERO).await;
    }

    async fn handle_command(&mut self, command: Command) {
        fault("session.command");
        match command {
            Command::Report { detailed, reply } => {
                let _ = reply.send(Box::new(self.report(detailed)));
            }
            Command::Progress { reply } => {
                let _ = reply.send(self.reached());
            }
            Command::Plan { parameters, reply } => {
                let _ = reply.send(self.plan(&parameters));
            }
            Command::Entry { reply } => {
                let _ = reply.send(self.entry());
            }
            Command::Sets { reply } => {
                let (running, configured) = (self.parameters.clone(), self.configured.clone());
                let _ = reply.send(Box::new(Sets { running, configured }));
            }
            Command::Statistics { reply } => {
                let _ = reply.send(Box::new(self.statistics()));
            }
            Command::ClearStatistics { by, reply } => {
                self.clear_statistics(by);
                let _ = reply.send(());
            }
            Command::Reset { parameters, read_at, by, reply } => {
                let (configured, read_at) = self.newest(*parameters, read_at);
                (self.configured, self.configured_at) = (configured, read_at);
                let _ = reply.send(self.reset(by).await);
            }
            Command::Configure { parameters, read_at, dry_run, reply } => {
                let (parameters, read_at) = self.newest(*parameters, read_at);
                let _ = reply.send(match dry_run {
                    true => self.would_configure(&parameters),
                    false => self.configure(parameters, read_at).await,
                });
            }
            Command::Stop { end, timeout } => {
                let down = match end {
                    End::Stopping => Down::Stopping,
                    End::Removed => Down::Removed,
                };
                let timeout = timeout.min(self.timeout(timeout));
                self.on(Event::Stop, down.to_string(), Some(down), timeout).await;
            }
        }
    }

    /// Several callers may have read the file at different times: what counts is the newest reading.
    fn newest(&self, new: Parameters, read_at: Instant) -> (Parameters, Instant) {
        if read_at >= self.configured_at {
            (new, read_at)
        } else {
            (self.configured.clone(), self.configured_at)
        }
    }

    /// How long the station has to take a Termination: not at all if it has taken nothing for a while.
    fn timeout(&self, timeout: Duration) -> Duration {
        let blocked = self.connection.as_ref().and_then(Connection::blocked);
        if blocked.is_some_and(|blocked| blocked > RESET_TIMEOUT) {
            Duration::ZERO
        } else {
            timeout
        }
    }

    /// Puts what is configured into effect with another connection.
    async fn reset(&mut self, by: String) -> Result<ResetDone, String> {
        let timeout = self.timeout(RESET_TIMEOUT);
        if self.configured.session.shutdown {
            self.shut_down(timeout).await;
            return Err("it is shut down in the configuration (shutdown = true)".to_owned());
        }
        let changes = self.parameters.changes(&self.configured, None);
        let shown: Vec<String> = changes.iter().map(ToString::to_string).collect();
        info!(session = %self.id(), %by, changes = ?shown, "reset");
        self.history.last_reset = Some((by.clone(), Moment::now()));
        self.statistics.reset();
        let was_up = self.connection.is_some();
        let down = Down::Reset(by);
        let reset = Event::Reset(pattern(&self.configured));
        self.on(reset, down.to_string(), Some(down), timeout).await;
        Ok(ResetDone {
            generation: self.fsm.generation(),
            was_up,
            remote: self.remote(),
            passive: self.is_passive(),
            changes,
        })
    }

    /// What [`Task::reset`] would answer with these parameters.
    fn plan(&self, new: &Parameters) -> Result<PlannedReset, String> {
        let is_up = self.connection.is_some();
        if new.session.shutdown {
            let end = if is_up { ": its connection would end" } else { "" };
            return Err(format!("it is shut down in the configuration (shutdown = true){end}"));
        }
        // A station that was sent nothing is still to be sent everything.
        let feed = Feed::new(Arc::clone(&self.router), new.session.monitor.clone());
        Ok(PlannedReset {
            is_up,
            remote: SocketAddr::new(
                self.station(),
                new.session.mode_for(self.router.id()).port().get(),
            ),
            passive: matches!(new.session.mode, Mode::Passive(_)),
            routes: feed.remaining() as u64,
            changes: self.parameters.changes(new, None),
        })
    }

    async fn shut_down(&mut self, timeout: Duration) {
        let down = Down::Shutdown;
        self.on(Event::Shutdown, down.to_string(), Some(down), timeout).await;
        self.parameters = self.configured.clone();
        self.register(None);
    }

    /// What [`Task::configure`] would answer.
    fn would_configure(&self, new: &Parameters) -> Configured {
        let standing = match self.fsm.state() {
            State::Up { .. } => Standing::Up,
            State::Idle | State::Connecting | State::NoRouter | State::Stopped => Standing::Down,
            State::Shutdown => Standing::Shutdown,
        };
        self.parameters.configured(new, standing)
    }

    /// Takes new parameters. A connection ends if they shut the session down, and for nothing else: what needs another
    /// one waits for it.
    async fn configure(&mut self, new: Parameters, read_at: Instant) -> Configured {
        let configured = self.would_configure(&new);
        let wants_connection = !self.parameters.changes(&new, Some(Effect::Connection)).is_empty();
        self.configured = new;
        self.configured_at = read_at;
        let pattern = pattern(&self.configured);
        match (&configured, self.fsm.state()) {
            (_, State::Stopped) => {}
            (Configured::Ends(_), _) => self.shut_down(self.timeout(RESET_TIMEOUT)).await,
            (Configured::GoesOn { .. }, State::Shutdown | State::NoRouter) => {
                self.parameters = self.configured.clone();
            }
            (Configured::GoesOn { .. }, State::Up { .. }) => {
                self.parameters = self.parameters.with_running_of(&self.configured);
                if let Some(connection) = &mut self.connection {
                    connection.adapt(&self.parameters);
                }
                self.on(Event::Adapt(pattern), self.history.why.clone(), None, Duration::ZERO)
                    .await;
            }
            (Configured::GoesOn { .. }, State::Idle | State::Connecting) if !wants_connection => {
                self.parameters = self.configured.clone();
                self.on(Event::Adapt(pattern), self.history.why.clone(), None, Duration::ZERO)
                    .await;
            }
            (Configured::GoesOn { .. } | Configured::Starts(_), _) => {
                let down = Down::Reconfigured;
                let why = down.to_string();
                self.on(Event::Reset(pattern), why, Some(down), Duration::ZERO).await;
            }
        }
        configured
    }

    /// Gives the state machine an event and does what it says.
    async fn on(&mut self, event: Event, why: String, mut down: Option<Down>, timeout: Duration) {
        let before = self.fsm.state();
        let actions = self.fsm.on(event);
        let acts = !actions.is_empty();
        for action in actions {
            match action {
                Action::Close => self.close(down.take(), timeout).await,
                Action::Connect => {
                    self.timers.retry_at = None;
                    self.parameters = self.configured.clone();
                    self.begin_attempt();
                }
                Action::Wait(wait) => {
                    // A random part less, so that sessions that were lost together part.
                    let wait = match event {
                        Event::Start(_) => wait,
                        _ => wait.mul_f64(1.0 - 0.25 * fastrand::f64()),
                    };
                    detail!(self.details, session = %self.id(), router = %self.router.id(), ?wait, "waiting for the next attempt");
                    self.timers.retry_at = Some(Instant::now() + wait);
                }
                Action::WatchStability => {
                    self.timers.stable_at = Some(Instant::now() + STABLE_AFTER);
                    self.history.synchronised_generation = self.fsm.generation();
                    let (id, generation) = (&self.parameters.session.id, self.fsm.generation());
                    say!(self.quota, info, session = %id, generation, "synchronised");
                }
            }
        }
        if event == Event::Connected {
            self.statistics.connected();
            self.history.attempts = 0;
            self.attempt = None;
            self.history.failures.clear();
        }
        let state = self.fsm.state();
        let other_generation = self.history.since_generation != self.fsm.generation();
        if state != before || acts {
            self.history.state_since = Moment::now();
            self.history.why = why;
        }
        if !matches!(state, State::Idle | State::Connecting) {
            self.timers.retry_at = None;
        }
        let is_up = |state| matches!(state, State::Up { .. });
        if is_up(state) != is_up(before) || other_generation {
            self.history.since = Moment::now();
            self.history.since_generation = self.fsm.generation();
        }
    }

    /// Begins to connect, or to be where the station connects to.
    fn begin_attempt(&mut self) {
        let session = &self.parameters.session;
        let station = self.station();
        let tcp = session.tcp.clone();
        match session.mode_for(self.router.id()) {
            Mode::Active(port) => {
                self.history.attempts += 1;
                self.register(None);
                let session = &self.parameters.session;
                let (place, tls) = (session.place.clone(), session.tls.clone());
                let remote = SocketAddr::new(station, port.get());
                let turn = self
                    .siblings
                    .turn(&LegId { session: session.id.clone(), router: self.router.id().clone() });
                let presence = self.router.presence();
                let router = presence.and_then(|presence| presence.identity.address);
                let proxy =
                    (session.identity == Identity::ProxyV2).then(|| proxy::header(router, remote));
                let mut options = Options::from(&tcp);
                let bound = source::bind(
                    &mut options,
                    &session.identity,
                    (self.router.id(), router.map(|router| router.ip())),
                    station,
                    &mut self.lease,
                );
                let (id, carried) = (session.id.clone(), self.router.id().clone());
                let (details, has_tls) = (self.details.clone(), tls.is_some());
                self.attempt = Some(Box::pin(async move {
                    tokio::time::sleep_until(turn).await;
                    bound.map_err(Down::NoSourceAddress)?;
                    detail!(details, session = %id, router = %carried, %remote, %place, "connecting");
                    let connected = connect(remote, &place, &options).await;
                    let stream = connected.map_err(Down::Connect)?;
                    if has_tls {
                        detail!(details, session = %id, router = %carried, %remote, "TCP is connected, TLS handshake");
                    }
                    if let Some(header) = proxy {
                        write_all(&stream, &header).await.map_err(Down::Connection)?;
                    }
                    secure(stream, tls, station, tcp.connect_timeout).await
                }));
            }
            Mode::Passive(_) => {
                let Some(listener) = shared_listener(&self.parameters, self.router.id()) else {
                    return;
                };
                let authentication = tcp.authentication;
                match &self.registration {
                    // What has arrived there meanwhile is not lost.
                    Some(now)
                        if now.is_at(&listener) && now.has(authentication.as_ref(), tcp.mss) =>
                    {
                        return;
                    }
                    // The same shared listener stays open while its key changes.
                    Some(now) if now.is_at(&listener) => {}
                    // Another one can be in the way, such as every address in that of one.
                    Some(_) | None => self.register(None),
                }
                detail!(self.details, session = %self.id(), router = %self.router.id(), "waiting for the station to connect");
                let listeners = Arc::clone(&self.listeners);
                let who = (station, self.router.id().clone());
                self.attempt = Some(Box::pin(async move {
                    let registered =
                        listeners.register(listener, who, authentication, tcp.mss).await;
                    registered.map(Made::Registered).map_err(Down::Listen)
                }));
            }
        }
    }

    /// Takes another right to the station's connections, or gives the present one back.
    fn register(&mut self, registration: Option<Registration>) {
        if let Some(left) = &self.registration {
            self.statistics.left_listener(left.unknown_peers_refused_meanwhile());
        }
        self.registration = registration;
    }

    /// Ends the connection, if there is one, and notes why. Within a timeout other than zero
    /// the station is sent a Termination.
    async fn close(&mut self, down: Option<Down>, timeout: Duration) {
        self.timers.stable_at = None;
        self.attempt = None;
        self.challenger = None;
        if let Some(registration) = &self.registration {
            registration.release();
        }
        let Some(connection) = self.connection.take() else {
            if let Some(down) = down.filter(|down| !down.is_wanted()) {
                self.note_failure(down);
            }
            return;
        };
        let count = match &down {
            Some(Down::Stalled(_)) => connection.abort(),
            Some(Down::RouterGone(Some(tlvs))) => connection.end_as_router(tlvs, timeout).await,
            Some(down) => match down.termination() {
                Some(reason) => connection.terminate(reason, &down.to_string(), timeout).await,
                None => connection.count(),
            },
            None => connection.count(),
        };
        self.history.last_sent = count.sent;
        self.statistics.over(&count);
        let Some(down) = down else { return };
        self.statistics.down(down.reason());
        let id = &self.parameters.session.id;
        if down.is_wanted() {
            say!(self.quota, info, session = %id, "down: {down}");
        } else {
            say!(self.quota, warn, session = %id, "down: {down}");
        }
        self.history.last_down = Some((down, Moment::now()));
        self.history.failures.clear();
    }

    /// Notes an attempt that failed. A station that is away for days is worth one line in the log, not
    /// one for every attempt.
    fn note_failure(&mut self, down: Down) {
        let (text, says) = (down.to_string(), down.says());
        if self.history.failures.note(down, says) {
            let id = &self.parameters.session.id;
            say!(self.quota, warn, session = %id, "{text}");
        } else {
            detail!(self.details, session = %self.id(), router = %self.router.id(), "{text}");
        }
        self.statistics.failed();
    }

    fn id(&self) -> &SessionId {
        &self.parameters.session.id
    }

    fn station(&self) -> IpAddr {
        self.id().address.ip()
    }

    fn is_passive(&self) -> bool {
        matches!(self.parameters.session.mode, Mode::Passive(_))
    }

    fn remote(&self) -> SocketAddr {
        self.connection.as_ref().and_then(Connection::remote).unwrap_or_else(|| {
            SocketAddr::new(
                self.station(),
                self.parameters.session.mode_for(self.router.id()).port().get(),
            )
        })
    }
}

/// Writes what comes before all else on a connection; it is short.
async fn write_all(stream: &TcpStream, mut bytes: &[u8]) -> std::io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(n) => bytes = bytes.get(n..).unwrap_or_default(),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn pattern(parameters: &Parameters) -> Pattern {
    let session = &parameters.session;
    Pattern { passive: matches!(session.mode, Mode::Passive(_)), retry: session.retry }
}
