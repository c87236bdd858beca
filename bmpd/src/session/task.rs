//! The task of one session: it does what the state machine says and tells it what happened.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use shared::names::SessionId;
use shared::response::{LastDown, LastReset, ResetDone, Sent, SessionReport, SessionState};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::connection::{Connection, Progress};
use super::down::Down;
use super::fsm::{Action, Event, Fsm, STABLE_AFTER, State};
use super::{Command, Parameters};
use crate::moment::{Moment, millis, millis_until, sleep_until};
use crate::net::connect::{self, ConnectError};
use crate::net::options::Options;
use crate::rib::Tables;
use crate::wire::bmp::TerminationReason;

/// How long a reset waits for the station to take the Termination. A station that has been blocked for
/// longer is not waited for at all.
const RESET_PATIENCE: Duration = Duration::from_millis(500);

/// The least time that sent bytes may stay unacknowledged (TCP_USER_TIMEOUT).
const USER_TIMEOUT: Duration = Duration::from_secs(120);

/// An attempt to connect. It is kept across commands: being asked for a report does not start it anew.
type Attempt = Pin<Box<dyn Future<Output = Result<TcpStream, ConnectError>> + Send>>;

pub(super) struct Task {
    parameters: Parameters,
    tables: Arc<Tables>,
    commands: mpsc::Receiver<Command>,
    fsm: Fsm,
    attempt: Option<Attempt>,
    connection: Option<Connection>,
    retry_at: Option<Instant>,
    stable_at: Option<Instant>,
    /// When the session last went up or down, and the generation then.
    since: Moment,
    since_generation: u64,
    attempts: u64,
    last_sent: Sent,
    last_down: Option<(Down, Moment)>,
    last_failure: Option<(Down, Moment)>,
    last_reset: Option<(String, Moment)>,
}

/// What came of waiting.
enum Outcome {
    Event(Event),
    Connected(TcpStream),
    Down(Down),
    Command(Command),
    Nothing,
}

impl Task {
    pub(super) fn new(
        parameters: Parameters,
        tables: Arc<Tables>,
        commands: mpsc::Receiver<Command>,
    ) -> Self {
        Self {
            fsm: Fsm::new(parameters.session.retry),
            parameters,
            tables,
            commands,
            attempt: None,
            connection: None,
            retry_at: None,
            stable_at: None,
            since: Moment::now(),
            since_generation: 1,
            attempts: 0,
            last_sent: Sent::default(),
            last_down: None,
            last_failure: None,
            last_reset: None,
        }
    }

    pub(super) async fn run(mut self) {
        self.on(Event::Start, None, Duration::ZERO).await;
        while self.fsm.state() != State::Stopped {
            // A station that takes all that it is given must not keep others from their turn.
            tokio::task::consume_budget().await;
            match self.wait().await {
                Outcome::Event(event) => self.on(event, None, Duration::ZERO).await,
                Outcome::Connected(stream) => {
                    let connection =
                        Connection::new(stream, &self.parameters, Arc::clone(&self.tables));
                    info!(session = %self.id(), generation = self.fsm.generation(), remote = %self.remote(), "connected");
                    self.connection = Some(connection);
                    self.on(Event::Connected, None, Duration::ZERO).await;
                }
                Outcome::Down(down) => {
                    let event = match self.fsm.state() {
                        State::Connecting => Event::ConnectFailed,
                        State::Up { .. } | State::Idle | State::Stopped => Event::Lost,
                    };
                    self.close(Some(down), Duration::ZERO).await;
                    self.on(event, None, Duration::ZERO).await;
                }
                Outcome::Command(command) => self.obey(command).await,
                Outcome::Nothing => {}
            }
        }
    }

    /// Waits for the next thing to happen in this state, or a command.
    async fn wait(&mut self) -> Outcome {
        let state = self.fsm.state();
        let Self { commands, attempt, connection, retry_at, stable_at, .. } = self;
        let happens = async {
            match (state, connection, attempt) {
                (State::Up { .. }, Some(connection), _) => tokio::select! {
                    step = connection.step() => match step {
                        Ok(Progress::Moved) => Outcome::Nothing,
                        Ok(Progress::Synchronised) => Outcome::Event(Event::Synchronised),
                        Err(down) => Outcome::Down(down),
                    },
                    () = sleep_until(*stable_at) => {
                        *stable_at = None;
                        Outcome::Event(Event::Stable)
                    }
                },
                (State::Connecting, _, Some(attempt)) => match attempt.await {
                    Ok(stream) => Outcome::Connected(stream),
                    Err(error) => Outcome::Down(Down::Connect(error)),
                },
                (State::Idle | State::Connecting | State::Up { .. } | State::Stopped, _, _) => {
                    sleep_until(*retry_at).await;
                    Outcome::Event(Event::RetryTimer)
                }
            }
        };
        tokio::select! {
            biased;
            command = commands.recv() => {
                // Without anybody left to command it a session has no reason to be.
                Outcome::Command(command.unwrap_or(Command::Stop { patience: Duration::ZERO }))
            }
            outcome = happens => outcome,
        }
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Report { reply } => {
                let _ = reply.send(Box::new(self.report()));
            }
            Command::Reset { parameters, by, reply } => {
                let changes = changes(&self.parameters, &parameters);
                info!(session = %self.id(), %by, ?changes, "reset");
                self.last_reset = Some((by.clone(), Moment::now()));
                let blocked = self.connection.as_ref().and_then(Connection::blocked);
                let patience = if blocked.is_some_and(|blocked| blocked > RESET_PATIENCE) {
                    Duration::ZERO
                } else {
                    RESET_PATIENCE
                };
                let was_up = self.connection.is_some();
                self.parameters = *parameters;
                let retry = self.parameters.session.retry;
                self.on(Event::Reset(retry), Some(Down::Reset(by)), patience).await;
                let _ = reply.send(ResetDone {
                    generation: self.fsm.generation(),
                    was_up,
                    remote: self.remote(),
                    changes,
                });
            }
            Command::Stop { patience } => {
                self.on(Event::Stop, Some(Down::Stopping), patience).await;
            }
        }
    }

    /// Gives the state machine an event and does what it says.
    async fn on(&mut self, event: Event, mut down: Option<Down>, patience: Duration) {
        let before = self.fsm.state();
        let actions = self.fsm.on(event);
        for action in actions {
            match action {
                Action::Close => self.close(down.take(), patience).await,
                Action::Connect => {
                    self.retry_at = None;
                    self.attempts += 1;
                    self.attempt = Some(Box::pin(connect(self.parameters.clone())));
                }
                Action::Wait(wait) => {
                    // A random part less, so that sessions that were lost together part.
                    let wait = wait.mul_f64(1.0 - 0.25 * fastrand::f64());
                    debug!(session = %self.id(), ?wait, "waiting for the next attempt");
                    self.retry_at = Some(Instant::now() + wait);
                }
                Action::WatchStability => {
                    self.stable_at = Some(Instant::now() + STABLE_AFTER);
                    info!(session = %self.id(), generation = self.fsm.generation(), "synchronised");
                }
            }
        }
        if event == Event::Connected {
            self.attempts = 0;
            self.attempt = None;
            self.last_failure = None;
        }
        let is_up = |state| matches!(state, State::Up { .. });
        if is_up(self.fsm.state()) != is_up(before)
            || self.since_generation != self.fsm.generation()
        {
            self.since = Moment::now();
            self.since_generation = self.fsm.generation();
        }
    }

    /// Ends the connection, if there is one, and notes why. With patience the station is given a
    /// Termination.
    async fn close(&mut self, down: Option<Down>, patience: Duration) {
        self.stable_at = None;
        self.attempt = None;
        let Some(connection) = self.connection.take() else {
            if let Some(down) = down.filter(|down| matches!(down, Down::Connect(_))) {
                self.note_failure(down);
            }
            return;
        };
        self.last_sent = match &down {
            Some(down @ (Down::Reset(_) | Down::Stopping)) => {
                let reason = TerminationReason::AdministrativelyClosed;
                connection.terminate(reason, &down.to_string(), patience).await
            }
            Some(down @ Down::Behind) => {
                let reason = TerminationReason::OutOfResources;
                connection.terminate(reason, &down.to_string(), RESET_PATIENCE).await
            }
            Some(Down::Stalled(_)) => connection.abort(),
            _ => connection.sent(),
        };
        let Some(down) = down else { return };
        match down {
            Down::Reset(_) | Down::Stopping => info!(session = %self.id(), "down: {down}"),
            _ => warn!(session = %self.id(), "down: {down}"),
        }
        self.last_down = Some((down, Moment::now()));
        self.last_failure = None;
    }

    /// Notes an attempt that failed. A station that is away for days is worth one line in the log, not
    /// one for every attempt.
    fn note_failure(&mut self, down: Down) {
        let text = down.to_string();
        if self.last_failure.as_ref().is_some_and(|(last, _)| last.to_string() == text) {
            debug!(session = %self.id(), "{text}");
        } else {
            warn!(session = %self.id(), "{text}");
        }
        self.last_failure = Some((down, Moment::now()));
    }

    fn id(&self) -> &SessionId {
        &self.parameters.session.id
    }

    fn remote(&self) -> SocketAddr {
        remote(&self.parameters)
    }

    fn report(&self) -> SessionReport {
        let connection = self.connection.as_ref();
        SessionReport {
            id: self.id().clone(),
            description: self.parameters.session.description.clone(),
            state: match self.fsm.state() {
                State::Idle | State::Stopped => SessionState::Idle,
                State::Connecting => SessionState::Connecting,
                State::Up { .. } if connection.is_some_and(Connection::is_synchronised) => {
                    SessionState::Synchronised
                }
                State::Up { .. } => SessionState::Established,
            },
            since: self.since.unix_millis(),
            age: self.since.age_millis(),
            generation: self.fsm.generation(),
            local: connection.and_then(Connection::local),
            remote: self.remote(),
            next_attempt: self.retry_at.filter(|_| connection.is_none()).map(millis_until),
            attempts: self.attempts,
            last_down: self.last_down.as_ref().map(described),
            last_failure: self.last_failure.as_ref().map(described),
            last_reset: self.last_reset.as_ref().map(|(by, at)| LastReset {
                by: by.clone(),
                at: at.unix_millis(),
                ago: at.age_millis(),
            }),
            sent: connection.map_or(self.last_sent, Connection::sent),
            routes_to_send: connection.map_or(0, Connection::routes_to_send),
            bytes_buffered: connection.map_or(0, Connection::bytes_buffered),
            bytes_unacknowledged: connection.map_or(0, Connection::bytes_unacknowledged),
            blocked: connection.and_then(Connection::blocked).map(millis),
            bytes_ignored: connection.map_or(0, Connection::bytes_ignored),
            statistics_timer: self.parameters.bmp.statistics_timer.as_secs(),
            next_statistics: connection.map(|c| millis_until(c.next_statistics())),
        }
    }
}

fn described((down, at): &(Down, Moment)) -> LastDown {
    LastDown {
        reason: down.reason(),
        text: down.to_string(),
        at: at.unix_millis(),
        ago: at.age_millis(),
    }
}

fn remote(parameters: &Parameters) -> SocketAddr {
    let session = &parameters.session;
    SocketAddr::new(session.id.address.ip(), session.mode.port().get())
}

async fn connect(parameters: Parameters) -> Result<TcpStream, ConnectError> {
    let session = &parameters.session;
    let mut options = Options::from(&session.tcp);
    // A station that is there and takes nothing is the stall timer's, which says more. On Linux this also
    // takes the place of the number of keepalive probes: an idle station that is dead is noticed after
    // this time.
    options.user_timeout = Some(USER_TIMEOUT.max(session.stall_timeout + Duration::from_secs(10)));
    connect::connect(remote(&parameters), &session.place, &options).await
}

/// What a reset puts into effect, one line each.
fn changes(old: &Parameters, new: &Parameters) -> Vec<String> {
    let mut changes = Vec::new();
    let mut compare = |key: &str, old: String, new: String| {
        if old != new {
            changes.push(format!("{key} {old} -> {new}"));
        }
    };
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
    let seconds = |duration: Duration| format!("{} s", duration.as_secs());
    let (o, n) = (&old.session, &new.session);
    compare("tcp.connect-port", o.mode.port().to_string(), n.mode.port().to_string());
    compare("retry.initial", seconds(o.retry.initial), seconds(n.retry.initial));
    compare("retry.maximum", seconds(o.retry.maximum), seconds(n.retry.maximum));
    compare("stall-timeout", seconds(o.stall_timeout), seconds(n.stall_timeout));
    compare("description", or_none(&o.description), or_none(&n.description));
    let (o, n) = (&old.bmp, &new.bmp);
    compare("system-name", o.system_name.clone(), n.system_name.clone());
    compare("system-description", o.system_description.clone(), n.system_description.clone());
    compare("statistics-timer", seconds(o.statistics_timer), seconds(n.statistics_timer));
    changes
}
