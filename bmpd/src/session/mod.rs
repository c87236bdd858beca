//! The BMP sessions with the stations.
//!
//! ```text
//!   control ── Command ──> task of one session ── Fsm (what to do)
//!   daemon  ──────────┘         │
//!                               ├── connect(): one attempt
//!                               └── Connection: one generation: socket, Feed, one batch buffer
//!                                                 ^ bell                 v bytes
//!                                              Tables                  station
//! ```
//!
//! One task a session, and in it one thing at a time: waiting, connecting, or serving a connection. So
//! the end of a connection is awaited before the next one begins, and nothing of one generation can
//! reach another. Commands are taken at every point at which the task waits, so neither a stalled
//! station nor a refused connection makes them late.

mod connection;
mod down;
mod fsm;
mod task;

use std::sync::Arc;
use std::time::Duration;

use shared::names::SessionId;
use shared::response::{ResetDone, SessionReport};
use tokio::sync::{mpsc, oneshot};

use crate::config;
use crate::rib::Tables;

/// What a session runs with; replaced by a reset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parameters {
    /// What is configured for the session.
    pub(crate) session: config::Session,
    /// What is configured for all.
    pub(crate) bmp: config::Bmp,
}

/// What a session's task can be told.
enum Command {
    Reset { parameters: Box<Parameters>, by: String, reply: oneshot::Sender<ResetDone> },
    Report { reply: oneshot::Sender<Box<SessionReport>> },
    Stop { patience: Duration },
}

/// The rest of bmpd's end of a session.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    id: SessionId,
    commands: mpsc::Sender<Command>,
}

impl Session {
    /// Starts a session; its task ends when it is told to stop.
    pub(crate) fn start(
        parameters: Parameters,
        tables: Arc<Tables>,
    ) -> (Self, tokio::task::JoinHandle<()>) {
        // Commands wait here only while the task is busy with one batch.
        let (commands, receiver) = mpsc::channel(16);
        let id = parameters.session.id.clone();
        let task = tokio::spawn(task::Task::new(parameters, tables, receiver).run());
        (Self { id, commands }, task)
    }

    /// The session's name.
    pub(crate) fn id(&self) -> &SessionId {
        &self.id
    }

    /// Ends the connection and begins the next one; `None` if the session has stopped.
    pub(crate) async fn reset(&self, parameters: Parameters, by: String) -> Option<ResetDone> {
        let (reply, answer) = oneshot::channel();
        let parameters = Box::new(parameters);
        self.commands.send(Command::Reset { parameters, by, reply }).await.ok()?;
        answer.await.ok()
    }

    /// Describes the session; `None` if it has stopped.
    pub(crate) async fn report(&self) -> Option<SessionReport> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::Report { reply }).await.ok()?;
        answer.await.ok().map(|report| *report)
    }

    /// Ends the session, giving the station the Termination if it takes it within `patience`.
    pub(crate) async fn stop(&self, patience: Duration) {
        // A session whose task is gone has stopped already.
        let _ = self.commands.send(Command::Stop { patience }).await;
    }
}
