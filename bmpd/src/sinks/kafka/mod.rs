//! Publishers: what is configured towards the topics of Apache Kafka.
//!
//! ```text
//!   control, world ──> Publisher ── Command ──> Task: the producer, the topics, the state
//!                                                 ├── Order ──> Stream: a task for each router that it publishes
//!   Routers ── changes ───────────────────────────^                 │ records            ^ acknowledgements
//!                                                                   v                    │
//!                                                         client: librdkafka ── TLS, SASL ── brokers
//! ```
//!
//! There is no queue of ours: a stream reads from its router's tables when there is room in the window ([`flow`]), and its
//! positions in them move with the acknowledgements. While no broker answers nothing is read, and the tables compact what waits.
//! A record is one BMP message behind OpenBMP's header ([`crate::wire::openbmp`]); all of a router go to one partition of one
//! topic, so that they stay in order.
//!
//! What the client library holds is delivered at least once, and in order, as long as its producer lives: it is idempotent, and
//! gives nothing up. Beyond that:
//!
//! | what happens | what follows |
//! |---|---|
//! | nothing was acknowledged for `delivery-timeout` | another producer; streams go on from what was acknowledged |
//! | records of a stream failed for good, or its topic was made anew | a new generation of that stream |
//! | the producer failed for good | another producer, and new generations |
//! | a topic does not take a batch of this size | another producer with smaller ones; streams go on |
//! | a reset; a router that is back; a start of bmpd | a new generation |
//!
//! Before another producer sends anything there is a pause, in which brokers deal with what they have received of the last one.
#![forbid(unsafe_code)]
// Without a client there is nothing that acknowledges.
#![cfg_attr(not(feature = "kafka"), allow(dead_code))]

mod client;
mod flow;
mod parameters;
mod stream;
mod task;
mod topics;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use shared::names::{PublisherName, RouterId};
use shared::response::{
    PlannedPublisherReset, PublisherEntry, PublisherReport, PublisherResetDone,
};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::warn;

use self::client::Producer;
use self::flow::{Fault, Flow, Partitions};
pub(crate) use self::parameters::{Configured, Parameters, publisher_settings};
use self::topics::Topics;
use crate::events::Events;
use crate::moment::Moment;
use crate::quota::Quota;
use crate::routers::Routers;

/// For how long why brokers do not accept the client counts more than that they cannot be reached: the client library says
/// the same thing once in 30 s.
const EXPLAINS_FOR: Duration = Duration::from_secs(60);

/// One producer, for as long as it lives.
#[derive(Debug)]
struct Run {
    /// 1 is the first one.
    number: u64,
    producer: Producer,
    flow: Arc<Flow>,
    partitions: Arc<Partitions>,
    /// True if streams go on from what was acknowledged; otherwise they begin anew, for this reason.
    resumes: bool,
    why: String,
    parameters: Parameters,
}

/// What went wrong last.
#[derive(Debug, Clone)]
struct Problem {
    fault: Fault,
    at: Moment,
}

/// What the task of a publisher and its streams have in common.
#[derive(Debug)]
struct Shared {
    name: PublisherName,
    /// When it was started, ms since 1970: its generations are later than those of publishers before.
    start: u64,
    topics: Topics,
    /// The last generation of routers whose streams have ended: those of the next ones are later.
    generations: Mutex<HashMap<RouterId, u64>>,
    problem: Mutex<Option<Problem>>,
    /// Notified when something of the state has changed.
    changed: Arc<Notify>,
    doubts: AtomicU64,
    blocked_times: AtomicU64,
    /// Microseconds.
    blocked_for: AtomicU64,
    /// Microseconds, and 1; 0 while nothing is known.
    latency: AtomicU64,
    quota: Mutex<Quota>,
}

impl Shared {
    /// A stream had to wait for room, and has it now or not yet.
    fn note_blocked(&self, time: Duration, has_ended: bool) {
        self.blocked_times.fetch_add(has_ended.into(), Ordering::Relaxed);
        self.blocked_for.fetch_add(time.as_micros() as u64, Ordering::Relaxed);
    }

    /// The queue of the client library is full, though the window is not.
    fn note_full(&self) {
        self.blocked_times.fetch_add(1, Ordering::Relaxed);
    }

    fn note_latency(&self, time: Duration) {
        self.latency.store(time.as_micros() as u64 + 1, Ordering::Relaxed);
    }

    fn note_problem(&self, fault: Fault) {
        let mut problem = self.problem.lock();
        let is_explained = problem
            .as_ref()
            .is_some_and(|before| before.fault.explains(&fault) && before.at.age() < EXPLAINS_FOR);
        if !is_explained {
            *problem = Some(Problem { fault, at: Moment::now() });
        }
        drop(problem);
        self.changed.notify_one();
    }

    fn note_doubt(&self, fault: Fault) {
        self.doubts.fetch_add(1, Ordering::Relaxed);
        self.note_problem(fault);
    }

    /// A message is left out.
    fn note_too_large(&self, router: &RouterId, length: usize) {
        if self.quota.lock().take() {
            warn!(
                publisher = %self.name,
                %router,
                "a message is left out: its record has {length} bytes, 1000000 are allowed"
            );
        }
    }
}

/// What the task of a publisher can be asked or ordered.
enum Command {
    Report {
        detailed: bool,
        reply: oneshot::Sender<Box<PublisherReport>>,
    },
    Entry {
        reply: oneshot::Sender<PublisherEntry>,
    },
    Reset {
        parameters: Box<Parameters>,
        read_at: Instant,
        router: Option<RouterId>,
        by: String,
        reply: oneshot::Sender<Result<PublisherResetDone, String>>,
    },
    Plan {
        parameters: Box<Parameters>,
        router: Option<RouterId>,
        reply: oneshot::Sender<Result<PlannedPublisherReset, String>>,
    },
    Configure {
        parameters: Box<Parameters>,
        read_at: Instant,
        dry_run: bool,
        reply: oneshot::Sender<Configured>,
    },
    Sets {
        reply: oneshot::Sender<Box<Sets>>,
    },
    Stop {
        timeout: Duration,
    },
}

/// The two sets of parameters of a publisher.
#[derive(Debug, Clone)]
pub(crate) struct Sets {
    /// Those that it runs with.
    pub(crate) running: Parameters,
    /// Those of its next producer.
    pub(crate) configured: Parameters,
}

/// The handle of a publisher.
#[derive(Debug, Clone)]
pub(crate) struct Publisher {
    name: PublisherName,
    commands: mpsc::Sender<Command>,
}

impl Publisher {
    /// Starts a publisher; its task ends when it is stopped. `read_at` is when the reading of the file was begun that the
    /// parameters are from.
    pub(crate) fn start(
        parameters: Parameters,
        read_at: Instant,
        routers: &Routers,
        events: Events,
    ) -> (Self, JoinHandle<()>) {
        let (commands, receiver) = mpsc::channel(16);
        let name = parameters.publisher.name.clone();
        let task = task::Task::new(parameters, read_at, routers.clone(), events, receiver);
        (Self { name, commands }, tokio::spawn(task.run()))
    }

    /// Its name.
    pub(crate) fn name(&self) -> &PublisherName {
        &self.name
    }

    /// Describes it, with `detailed` also each router; `None` if it has stopped.
    pub(crate) async fn report(&self, detailed: bool) -> Option<PublisherReport> {
        self.ask(|reply| Command::Report { detailed, reply }).await.map(|report| *report)
    }

    /// Asks it for a few words about itself without waiting for it: it may be busy. `None` if that cannot even be
    /// asked now.
    pub(crate) fn ask_entry(&self) -> Option<oneshot::Receiver<PublisherEntry>> {
        let (reply, answer) = oneshot::channel();
        self.commands.try_send(Command::Entry { reply }).ok()?;
        Some(answer)
    }

    /// Begins a new generation with these parameters, of all routers or of one. The inner error is a sentence for
    /// people; `None` if the publisher has stopped.
    ///
    /// `read_at` is when the reading of the file was begun that they are from: where the publisher has those of a
    /// newer one, they stay.
    pub(crate) async fn reset(
        &self,
        parameters: Parameters,
        read_at: Instant,
        router: Option<RouterId>,
        by: String,
    ) -> Option<Result<PublisherResetDone, String>> {
        let parameters = Box::new(parameters);
        self.ask(|reply| Command::Reset { parameters, read_at, router, by, reply }).await
    }

    /// What a reset with these parameters would do. The inner error is a sentence for people; `None` if the publisher
    /// has stopped.
    pub(crate) async fn plan(
        &self,
        parameters: Parameters,
        router: Option<RouterId>,
    ) -> Option<Result<PlannedPublisherReset, String>> {
        let parameters = Box::new(parameters);
        self.ask(|reply| Command::Plan { parameters, router, reply }).await
    }

    /// Gives it new parameters without a new producer, or asks what would become of them; newer ones stay as with a
    /// reset. `None` if it has stopped.
    pub(crate) async fn configure(
        &self,
        parameters: Parameters,
        read_at: Instant,
        dry_run: bool,
    ) -> Option<Configured> {
        let parameters = Box::new(parameters);
        self.ask(|reply| Command::Configure { parameters, read_at, dry_run, reply }).await
    }

    /// What it runs with, and what is configured; `None` if it has stopped.
    pub(crate) async fn sets(&self) -> Option<Sets> {
        self.ask(|reply| Command::Sets { reply }).await.map(|sets| *sets)
    }

    /// Ends it: Peer Downs and a Termination for each router, if they are acknowledged within `timeout`.
    pub(crate) async fn stop(&self, timeout: Duration) {
        // One whose task is gone has stopped already.
        let _ = self.commands.send(Command::Stop { timeout }).await;
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.ok()?;
        answer.await.ok()
    }
}
