//! The BMP sessions with the stations.
//!
//! ```text
//!   control ── Command ──> task of one session ── Fsm (what to do)
//!   daemon  ──────────┘         │
//!                               ├── an attempt: connect(), or a Registration where the station connects
//!                               └── Connection: one generation: socket, Feed, one batch buffer
//!                                                 ^ change notifier                 v bytes
//!                                              Tables                  station
//! ```
//!
//! One task a session, and in it one thing at a time: waiting, connecting, or serving a connection. So
//! the end of a connection is awaited before the next one begins, and nothing of one generation can
//! reach another. A session has two sets of parameters: those as configured, and those that its connection
//! runs with. They differ while parameters that need another connection are pending.
//!
//! Commands are taken at every point at which the task waits, so neither a stalled station nor a refused
//! connection makes them late.
#![forbid(unsafe_code)]

mod attempt;
mod connection;
mod down;
mod encoder;
mod fsm;
mod parameters;
mod passive;
mod task;

use std::sync::Arc;
use std::time::Duration;

use shared::names::SessionId;
use shared::response::{
    PlannedReset, Progress, ResetDone, SessionEntry, SessionReport, SessionState, SessionStatistics,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

#[cfg(test)]
pub(crate) use self::encoder::Batch;
pub(crate) use self::encoder::Encoder;
pub(crate) use self::parameters::{Configured, Parameters, bmp_settings, session_settings};
pub(crate) use self::passive::SharedListeners;
use crate::events::Events;
use crate::routers::Router;

/// What a session's task can be told.
enum Command {
    Reset {
        parameters: Box<Parameters>,
        read_at: Instant,
        by: String,
        reply: oneshot::Sender<Result<ResetDone, String>>,
    },
    Configure {
        parameters: Box<Parameters>,
        read_at: Instant,
        dry_run: bool,
        reply: oneshot::Sender<Configured>,
    },
    Report {
        detailed: bool,
        reply: oneshot::Sender<Box<SessionReport>>,
    },
    Progress {
        reply: oneshot::Sender<Reached>,
    },
    Plan {
        parameters: Box<Parameters>,
        reply: oneshot::Sender<Result<PlannedReset, String>>,
    },
    Entry {
        reply: oneshot::Sender<SessionEntry>,
    },
    Sets {
        reply: oneshot::Sender<Box<Sets>>,
    },
    Statistics {
        reply: oneshot::Sender<Box<SessionStatistics>>,
    },
    ClearStatistics {
        by: String,
        reply: oneshot::Sender<()>,
    },
    Stop {
        end: End,
        timeout: Duration,
    },
}

/// Why a session is told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// bmpd stops.
    Stopping,
    /// It is gone from the configuration.
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

/// The rest of bmpd's end of a session.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    id: SessionId,
    commands: mpsc::Sender<Command>,
}

impl Session {
    /// Starts a session; its task ends when it is told to stop. `read_at` is when the reading of the file was
    /// begun that the parameters are from.
    pub(crate) fn start(
        parameters: Parameters,
        read_at: Instant,
        router: Arc<Router>,
        listeners: Arc<SharedListeners>,
        events: Events,
    ) -> (Self, tokio::task::JoinHandle<()>) {
        // Commands wait here only while the task is busy with one batch.
        let (commands, receiver) = mpsc::channel(16);
        let id = parameters.session.id.clone();
        let task = task::Task::new(parameters, read_at, router, listeners, events, receiver);
        (Self { id, commands }, tokio::spawn(task.run()))
    }

    /// The session's name.
    pub(crate) fn id(&self) -> &SessionId {
        &self.id
    }

    /// Ends the connection and begins the next one with these parameters. The inner error is a sentence
    /// for people; `None` if the session has stopped.
    ///
    /// `read_at` is when the reading of the file was begun that they are from: where the session has those of a
    /// newer one, they stay.
    pub(crate) async fn reset(
        &self,
        parameters: Parameters,
        read_at: Instant,
        by: String,
    ) -> Option<Result<ResetDone, String>> {
        let parameters = Box::new(parameters);
        self.ask(|reply| Command::Reset { parameters, read_at, by, reply }).await
    }

    /// Gives the session new parameters without ending its connection, or asks what would become of
    /// them; newer ones stay as with a reset. `None` if the session has stopped.
    pub(crate) async fn configure(
        &self,
        parameters: Parameters,
        read_at: Instant,
        dry_run: bool,
    ) -> Option<Configured> {
        let parameters = Box::new(parameters);
        self.ask(|reply| Command::Configure { parameters, read_at, dry_run, reply }).await
    }

    /// Describes the session, with `detailed` also each neighbor and End-of-RIB; `None` if it has stopped.
    pub(crate) async fn report(&self, detailed: bool) -> Option<SessionReport> {
        self.ask(|reply| Command::Report { detailed, reply }).await.map(|report| *report)
    }

    /// Asks how far the session is; the answer comes through the channel, which closes if the session has
    /// stopped.
    pub(crate) async fn progress(&self) -> oneshot::Receiver<Reached> {
        let (reply, answer) = oneshot::channel();
        // A session that has stopped drops the reply.
        let _ = self.commands.send(Command::Progress { reply }).await;
        answer
    }

    /// Tells what a reset with these parameters would do. The inner error is a sentence for people; `None`
    /// if the session has stopped.
    pub(crate) async fn plan(
        &self,
        parameters: Parameters,
    ) -> Option<Result<PlannedReset, String>> {
        let parameters = Box::new(parameters);
        self.ask(|reply| Command::Plan { parameters, reply }).await
    }

    /// Asks the session for a few words about itself without waiting for it: it may be busy. `None` if that
    /// cannot even be asked now.
    pub(crate) fn ask_entry(&self) -> Option<oneshot::Receiver<SessionEntry>> {
        let (reply, answer) = oneshot::channel();
        self.commands.try_send(Command::Entry { reply }).ok()?;
        Some(answer)
    }

    /// The session's state; `None` if it has stopped.
    pub(crate) async fn state(&self) -> Option<SessionState> {
        self.ask(|reply| Command::Entry { reply }).await?.state
    }

    /// What the session runs with, and what is configured; `None` if it has stopped.
    pub(crate) async fn sets(&self) -> Option<Sets> {
        self.ask(|reply| Command::Sets { reply }).await.map(|sets| *sets)
    }

    /// What the session has counted; `None` if it has stopped.
    pub(crate) async fn statistics(&self) -> Option<SessionStatistics> {
        self.ask(|reply| Command::Statistics { reply }).await.map(|counted| *counted)
    }

    /// Lets the session count from zero; `None` if it has stopped.
    pub(crate) async fn clear_statistics(&self, by: String) -> Option<()> {
        self.ask(|reply| Command::ClearStatistics { by, reply }).await
    }

    /// Ends the session, giving the station the Termination if it takes it within `timeout`.
    pub(crate) async fn stop(&self, end: End, timeout: Duration) {
        // A session whose task is gone has stopped already.
        let _ = self.commands.send(Command::Stop { end, timeout }).await;
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.ok()?;
        answer.await.ok()
    }
}
