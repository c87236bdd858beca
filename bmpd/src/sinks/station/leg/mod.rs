//! One leg of a session: the connection that carries one router (RFC 7854 sections 3.2 and 4.3: a connection is a router).
//!
//! ```text
//!   Session ── Command ──> task of the leg ── Fsm (what to do)
//!                             │
//!                             ├── an attempt: connect(), or a Registration where the station connects
//!                             └── Connection: one generation: socket, Feed, Encoder with one batch
//!                                               ^ change notifier                 v bytes
//!                                            Router                  station
//! ```
//!
//! One task a leg, and in it one thing at a time: waiting, connecting, or serving a connection. So the end of a connection is
//! awaited before the next one begins, and nothing of one generation can reach another. A leg has two sets of parameters: those
//! as configured, and those that its connection runs with. They differ while parameters that need another connection are
//! pending.
//!
//! Commands are taken at every point at which the task waits, so neither a stalled station nor a refused connection makes them
//! late.

mod attempt;
mod connection;
mod fsm;
mod source;
mod task;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use shared::names::LegId;
use shared::response::{PlannedReset, ResetDone, SessionEntry, SessionReport, SessionStatistics};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

pub(super) use self::source::NoSourceAddress;
use self::source::SourceAddresses;
use super::parameters::{Configured, Parameters};
use super::passive::SharedListeners;
use super::{End, Reached, Sets};
use crate::events::Events;
use crate::routers::Router;

/// What the task of a leg can be asked or ordered.
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

/// The time between the connections of two legs of a session: one with many routers is not many connections at once.
const PACE: Duration = Duration::from_millis(20);

/// What the legs of a session have in common.
#[derive(Debug, Default)]
pub(super) struct Siblings {
    /// Whose turn to connect was the last one, and when it was or is.
    last_turn: Mutex<Option<(LegId, Instant)>>,
    /// Which source addresses are taken.
    addresses: SourceAddresses,
}

impl Siblings {
    /// When this leg may connect; another one later. A leg that was the last one keeps its turn, so that resets
    /// that follow each other closely do not wait for attempts that were given up.
    fn turn(&self, leg: &LegId) -> Instant {
        let (now, mut last) = (Instant::now(), self.last_turn.lock());
        let turn = match &*last {
            Some((id, turn)) if id == leg => *turn,
            Some((_, turn)) => *turn + PACE,
            None => now,
        };
        let turn = turn.max(now);
        *last = Some((leg.clone(), turn));
        turn
    }
}

/// The handle of a leg.
#[derive(Debug, Clone)]
pub(crate) struct Leg {
    id: LegId,
    router: Arc<Router>,
    commands: mpsc::Sender<Command>,
}

impl Leg {
    /// The leg that carries this router, and its task, which ends when it is stopped. `read_at` is when the reading of the file was
    /// begun that the parameters are from.
    pub(super) fn start(
        parameters: Parameters,
        read_at: Instant,
        router: Arc<Router>,
        listeners: Arc<SharedListeners>,
        events: Events,
        siblings: Arc<Siblings>,
    ) -> (Self, impl Future<Output = ()> + use<>) {
        // Commands wait here only while the task is busy with one batch.
        let (commands, receiver) = mpsc::channel(16);
        let id = LegId { session: parameters.session.id.clone(), router: router.id().clone() };
        let its_router = Arc::clone(&router);
        let task =
            task::Task::new(parameters, read_at, router, listeners, events, siblings, receiver);
        (Self { id, router: its_router, commands }, task.run())
    }

    /// Its name.
    pub(crate) fn id(&self) -> &LegId {
        &self.id
    }

    /// True if it carries exactly this router.
    pub(super) fn carries(&self, router: &Arc<Router>) -> bool {
        Arc::ptr_eq(&self.router, router)
    }

    /// True if its router is there: otherwise it has nothing to send.
    pub(crate) fn has_router(&self) -> bool {
        self.router.presence().is_some()
    }

    /// Ends the connection and begins the next one with these parameters. The inner error is a sentence
    /// for people; `None` if the leg has stopped.
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

    /// Gives it new parameters without ending its connection, or asks what would become of
    /// them; newer ones stay as with a reset. `None` if the leg has stopped.
    pub(super) async fn configure(
        &self,
        parameters: Parameters,
        read_at: Instant,
        dry_run: bool,
    ) -> Option<Configured> {
        let parameters = Box::new(parameters);
        self.ask(|reply| Command::Configure { parameters, read_at, dry_run, reply }).await
    }

    /// Describes it, with `detailed` also each neighbor and End-of-RIB; `None` if it has stopped.
    pub(crate) async fn report(&self, detailed: bool) -> Option<SessionReport> {
        self.ask(|reply| Command::Report { detailed, reply }).await.map(|report| *report)
    }

    /// Asks how far the session is; the answer comes through the channel, which closes if the session has
    /// stopped.
    pub(crate) async fn progress(&self) -> oneshot::Receiver<Reached> {
        let (reply, answer) = oneshot::channel();
        // A leg that has stopped drops the reply.
        let _ = self.commands.send(Command::Progress { reply }).await;
        answer
    }

    /// Reports what a reset with these parameters would do. The inner error is a sentence for people; `None`
    /// if the leg has stopped.
    pub(crate) async fn plan(
        &self,
        parameters: Parameters,
    ) -> Option<Result<PlannedReset, String>> {
        let parameters = Box::new(parameters);
        self.ask(|reply| Command::Plan { parameters, reply }).await
    }

    /// Asks it for a few words about itself without waiting for it: it may be busy. `None` if that cannot even be asked now.
    pub(super) fn ask_entry(&self) -> Option<oneshot::Receiver<SessionEntry>> {
        let (reply, answer) = oneshot::channel();
        self.commands.try_send(Command::Entry { reply }).ok()?;
        Some(answer)
    }

    /// What it runs with, and what is configured; `None` if it has stopped.
    pub(super) async fn sets(&self) -> Option<Sets> {
        self.ask(|reply| Command::Sets { reply }).await.map(|sets| *sets)
    }

    /// What it has counted; `None` if it has stopped.
    pub(super) async fn statistics(&self) -> Option<SessionStatistics> {
        self.ask(|reply| Command::Statistics { reply }).await.map(|counted| *counted)
    }

    /// Resets its counters; `None` if it has stopped.
    pub(super) async fn clear_statistics(&self, by: String) -> Option<()> {
        self.ask(|reply| Command::ClearStatistics { by, reply }).await
    }

    /// Ends it, sending the station a Termination if it takes it within `timeout`.
    pub(super) async fn stop(&self, end: End, timeout: Duration) {
        // A leg whose task is gone has stopped already.
        let _ = self.commands.send(Command::Stop { end, timeout }).await;
    }

    /// A few words about it; `None` if it has stopped.
    pub(super) async fn entry(&self) -> Option<SessionEntry> {
        self.ask(|reply| Command::Entry { reply }).await
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.ok()?;
        answer.await.ok()
    }
}
