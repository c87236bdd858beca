//! The task of a publisher: its producer, its topics, its state, and which streams there are.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, UNIX_EPOCH};

use shared::event::EventKind;
use shared::names::RouterId;
use shared::response::{
    LastReset, PlannedPublisherReset, PublisherEntry, PublisherError, PublisherReason,
    PublisherReport, PublisherResetDone, PublisherState, RouterGeneration, Sent,
};
use shared::time::Span;
use tokio::sync::{Notify, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use tracing::{info, warn};

use super::client::{Found, Problems, Producer, Wanted};
use super::flow::{Fault, Flow, Partitions};
use super::parameters::Parameters;
use super::stream::{Handle, Order};
use super::{Command, Problem, Run, Sets, Shared};
use crate::events::Events;
use crate::moment::{Moment, sleep_until, span_until};
use crate::platform::{select, spawn_blocking, wall};
use crate::quota::{Details, detail, say};
use crate::routers::{Changes, Router, Routers};
use crate::supervise::has_panicked;
use crate::wire::bmp::TerminationReason;

/// How often the state is looked at.
const TICK: Duration = Duration::from_secs(1);

/// How often the brokers are asked about the topics, and how often while one of them cannot be sent to.
const LOOK_EVERY: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// How soon after one look there may be another one.
const LOOK_PAUSE: Duration = Duration::from_millis(200);

/// Nothing was acknowledged for so long: the state says it.
const STALLED_AFTER: Duration = Duration::from_secs(3);

/// What went wrong this long before nothing was acknowledged any more is taken for the reason.
const RECENT: Duration = Duration::from_secs(30);

/// Between two producers: brokers deal with what they have received of the first one. Twice as long after each that failed.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// How long the Peer Downs and the Termination of a router have that is no longer published.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// A producer that is to be started.
#[derive(Debug)]
struct Next {
    at: Instant,
    /// True if the one before has failed.
    is_failure: bool,
    resumes: bool,
    why: String,
}

/// The task of a publisher.
pub(super) struct Task {
    shared: Arc<Shared>,
    configured: Parameters,
    configured_at: Instant,
    /// What the producer runs with.
    running: Parameters,
    routers: Routers,
    changes: Changes,
    events: Events,
    commands: mpsc::Receiver<Command>,
    problems: Arc<Problems>,
    run: Option<Arc<Run>>,
    /// What was acknowledged to the newest producer.
    partitions: Arc<Partitions>,
    next: Option<Next>,
    pause: Duration,
    producers: u64,
    rewinds: u64,
    /// What was acknowledged with producers before.
    acknowledged: (u64, u64),
    /// In the order of the routers.
    streams: Vec<Arc<Handle>>,
    /// Those that end: another one of the same router waits for them.
    ending: Vec<Arc<Handle>>,
    tasks: JoinSet<()>,
    looking: Option<JoinHandle<Vec<Found>>>,
    look_at: Instant,
    snapshot_at: Option<Instant>,
    tick_at: Instant,
    state: PublisherState,
    why: String,
    since: Moment,
    last_reset: Option<(String, Moment)>,
    ends: Option<Instant>,
    /// What is logged at level debug.
    details: Details,
}

impl Task {
    pub(super) fn new(
        parameters: Parameters,
        read_at: Instant,
        routers: Routers,
        events: Events,
        commands: mpsc::Receiver<Command>,
    ) -> Self {
        let changed = Arc::new(Notify::new());
        let shared = Arc::new(Shared {
            name: parameters.publisher.name.clone(),
            start: wall().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64),
            topics: super::Topics::default(),
            generations: Default::default(),
            problem: Default::default(),
            changed: Arc::clone(&changed),
            doubts: Default::default(),
            blocked_times: Default::default(),
            blocked_for: Default::default(),
            latency: Default::default(),
            quota: Default::default(),
        });
        let now = Instant::now();
        let is_shut_down = parameters.publisher.shutdown;
        let next = (!is_shut_down).then(|| Next {
            at: now,
            is_failure: false,
            resumes: false,
            why: "bmpd was started".to_owned(),
        });
        let mut task = Self {
            details: Details::new(format!("publisher {}", shared.name)),
            shared,
            running: parameters.clone(),
            configured: parameters,
            configured_at: read_at,
            changes: routers.changes(),
            routers,
            events,
            commands,
            problems: Problems::new(changed),
            run: None,
            partitions: Arc::default(),
            next,
            pause: PAUSE_MIN,
            producers: 0,
            rewinds: 0,
            acknowledged: (0, 0),
            streams: Vec::new(),
            ending: Vec::new(),
            tasks: JoinSet::new(),
            looking: None,
            look_at: now,
            snapshot_at: None,
            tick_at: now,
            state: PublisherState::Connecting,
            why: "it has just begun".to_owned(),
            since: Moment::now(),
            last_reset: None,
            ends: None,
        };
        task.schedule_snapshot();
        task
    }

    /// Runs until the publisher is stopped.
    pub(super) async fn run(mut self) {
        self.publish(None);
        while has_panicked(self.serve()).await {}
        let (id, from, why) =
            (self.shared.name.clone(), Some(self.state), "it was stopped".to_owned());
        self.events.publish(EventKind::Publisher { id, from, to: None, why });
    }

    async fn serve(&mut self) {
        self.match_streams();
        loop {
            self.examine();
            if self.ends.is_some() && self.tasks.is_empty() {
                return;
            }
            let next_at = self.next.as_ref().map(|next| next.at);
            let may_look = self.run.is_some() && self.looking.is_none();
            let look = Arc::clone(&self.shared.topics.look);
            let changed = Arc::clone(&self.shared.changed);
            select! {
                command = self.commands.recv(), if self.ends.is_none() => match command {
                    Some(command) => self.take(command),
                    None => self.end(Duration::ZERO),
                },
                _ = self.changes.changed() => self.match_streams(),
                () = changed.notified() => {}
                () = look.notified(), if may_look => {
                    self.look_at = self.look_at.min(Instant::now() + LOOK_PAUSE);
                }
                () = tokio::time::sleep_until(self.look_at), if may_look => self.look(),
                found = finished(&mut self.looking) => self.looked(found),
                () = sleep_until(next_at) => self.start_producer(),
                // Another stream of the same router may wait for its end.
                _ = self.tasks.join_next(), if !self.tasks.is_empty() => self.match_streams(),
                () = tokio::time::sleep_until(self.tick_at) => self.tick(),
            }
        }
    }

    /// Which routers are published.
    fn wanted(&self) -> Vec<Arc<Router>> {
        let publisher = &self.running.publisher;
        let is_off = self.ends.is_some() || publisher.shutdown;
        let routers = self.routers.all();
        let wanted =
            routers.iter().filter(|router| !is_off && publisher.monitor.wants_router(router.id()));
        wanted.cloned().collect()
    }

    fn order(&self) -> Order {
        Order {
            run: self.run.clone(),
            monitor: self.running.publisher.monitor.clone(),
            statistics_timer: self.running.publisher.statistics_timer,
            end: None,
        }
    }

    /// Starts a stream for each router that is published and has none, and ends those of others.
    fn match_streams(&mut self) {
        self.changes.mark_unchanged();
        let wanted = self.wanted();
        let mut old = std::mem::take(&mut self.streams);
        self.ending.retain(|stream| !stream.has_stopped());
        for router in wanted {
            let rank = old.iter().position(|stream| Arc::ptr_eq(stream.router(), &router));
            let stream = match rank {
                Some(rank) => old.remove(rank),
                None if self.ending.iter().any(|stream| stream.router().id() == router.id()) => {
                    continue;
                }
                None => {
                    let (stream, task) =
                        Handle::start(router, self.order(), Arc::clone(&self.shared));
                    self.tasks.spawn(task);
                    stream
                }
            };
            self.streams.push(stream);
        }
        let deadline = match self.ends {
            // There is no producer, and none will be.
            _ if self.run.is_none() && self.next.is_none() => Instant::now(),
            Some(deadline) => deadline,
            None => Instant::now() + END_TIMEOUT,
        };
        let (reason, text) = match self.ends {
            Some(_) => {
                (TerminationReason::AdministrativelyClosed, "bmpd or its publisher is stopped")
            }
            None => (TerminationReason::PermanentlyClosed, "the router is no longer published"),
        };
        for stream in old {
            stream.order(|order| order.end = Some((reason, text, deadline)));
            self.ending.push(stream);
        }
    }

    /// Gives every stream the present order, and those that end the producer to end with.
    fn order_all(&self) {
        let new = self.order();
        for stream in &self.streams {
            stream.order(|order| order.clone_from(&new));
        }
        for stream in &self.ending {
            stream.order(|order| order.run.clone_from(&new.run));
        }
    }

    fn start_producer(&mut self) {
        let Some(Next { resumes, why, .. }) = self.next.take() else { return };
        let kafka = &self.running.publisher.kafka;
        self.producers += 1;
        self.problems.forget();
        match Producer::start(self.shared.name.as_str(), kafka, Arc::clone(&self.problems)) {
            Ok(producer) => {
                let (number, brokers) = (self.producers, &kafka.bootstrap_servers);
                detail!(self.details, publisher = %self.shared.name, number, ?brokers, "a producer is started: {why}");
                self.partitions = Arc::new(self.partitions.next());
                let run = Run {
                    number: self.producers,
                    producer,
                    flow: Flow::new(kafka.window as usize),
                    partitions: Arc::clone(&self.partitions),
                    resumes,
                    why,
                    parameters: self.running.clone(),
                };
                self.run = Some(Arc::new(run));
                self.shared.topics.recheck();
                self.look_at = Instant::now();
                self.order_all();
            }
            Err(text) => {
                warn!(publisher = %self.shared.name, "the client library cannot be used: {text}");
                self.shared.note_problem(Fault { reason: PublisherReason::Unusable, text });
                self.start_later(false, why);
            }
        }
    }

    /// The producer ends, and another one takes its place after a pause.
    fn start_later(&mut self, resumes: bool, why: String) {
        self.end_producer();
        let at = Instant::now() + self.pause;
        self.pause = (2 * self.pause).min(PAUSE_MAX);
        self.next = Some(Next { at, is_failure: true, resumes, why });
    }

    fn end_producer(&mut self) {
        if let Some(run) = self.run.take() {
            // What it finds is of before.
            self.looking = None;
            let (records, bytes) = run.flow.acknowledged();
            self.acknowledged.0 += records;
            self.acknowledged.1 += bytes;
            self.order_all();
            // A stream that ends, or a look, may have it for some time yet.
            run.producer.stop();
        }
    }

    /// Has the brokers asked about the topics, on another thread: it takes as long as they do.
    fn look(&mut self) {
        let Some(run) = self.run.clone() else { return };
        let mut wanted: Vec<Wanted> = Vec::new();
        for one in self.streams.iter().filter_map(|stream| stream.wanted()) {
            match wanted.iter_mut().find(|other| other.topic == one.topic) {
                Some(other) => other.acknowledged.extend(one.acknowledged),
                None => wanted.push(one),
            }
        }
        let topics: BTreeSet<String> = wanted.iter().map(|wanted| wanted.topic.clone()).collect();
        self.shared.topics.retain(&topics);
        self.partitions.retain(&topics);
        self.look_at = Instant::now() + LOOK_EVERY;
        if !wanted.is_empty() {
            if !self.shared.topics.are_known() {
                detail!(self.details, publisher = %self.shared.name, ?topics, "the brokers are asked about topics");
            }
            self.looking = Some(spawn_blocking(move || run.producer.look(&wanted)));
        }
    }

    fn looked(&mut self, found: Vec<Found>) {
        // A topic that is known is looked at again and again.
        let is_news = !self.shared.topics.are_known();
        for found in found {
            if let Some(Err(warning)) = &found.examined {
                warn!(publisher = %self.shared.name, "{warning}");
            }
            let (name, topic) = (&self.shared.name, &found.topic);
            match &found.partitions {
                Ok(_) if !is_news => {}
                Ok(partitions) => {
                    detail!(self.details, publisher = %name, %topic, partitions, "the topic is there");
                }
                Err(fault) => detail!(self.details, publisher = %name, %topic, "{}", fault.text),
            }
            if let Some(fault) = self.shared.topics.take(found) {
                // The client library has said more: which broker, and why.
                let is_unreachable = fault.reason == PublisherReason::BrokerUnreachable;
                let is_known = |problem: &Problem| problem.at.age() < RECENT;
                if is_unreachable && self.shared.problem.lock().as_ref().is_some_and(is_known) {
                    continue;
                }
                let name = &self.shared.name;
                let mut quota = self.shared.quota.lock();
                say!(quota, warn, publisher = %name, "{}", fault.text);
                drop(quota);
                self.shared.note_problem(fault);
            }
        }
        let wait = if self.shared.topics.are_known() { LOOK_EVERY } else { LOOK_AGAIN };
        self.look_at = Instant::now() + wait;
    }

    /// Looks at what may have changed.
    fn examine(&mut self) {
        if let Some((fault, is_fatal)) = self.problems.take() {
            self.shared.note_problem(fault.clone());
            if is_fatal && self.ends.is_none() {
                warn!(publisher = %self.shared.name, "{}; another producer is started", fault.text);
                self.shared.doubts.fetch_add(1, Ordering::Relaxed);
                self.start_later(false, fault.text);
            }
        }
        if self.run.is_some()
            && self.ends.is_none()
            && let Some(size) = self.problems.shrink()
        {
            let text = format!(
                "a topic does not take batches of this size; the next have {size} bytes at most"
            );
            warn!(publisher = %self.shared.name, "{text}");
            // The streams may not have seen it yet, and do not see it with another producer.
            let reason = PublisherReason::RecordTooLarge;
            self.shared.note_problem(Fault { reason, text: text.clone() });
            self.start_later(true, text);
        }
        if self.running.publisher.shutdown && self.tasks.is_empty() && self.run.is_some() {
            self.end_producer();
        }
        // One that ends is neither stalled nor connecting.
        if self.ends.is_some() {
            return;
        }
        let (state, why) = self.state_now();
        if state != self.state {
            let from = std::mem::replace(&mut self.state, state);
            self.since = Moment::now();
            self.why = why;
            self.publish(Some(from));
        } else {
            self.why = why;
        }
    }

    /// Logs and publishes the state.
    fn publish(&self, from: Option<PublisherState>) {
        let (name, to, why) = (&self.shared.name, self.state, &self.why);
        let mut quota = self.shared.quota.lock();
        match to {
            PublisherState::Stalled => say!(quota, warn, publisher = %name, "{}: {why}", to.word()),
            _ => say!(quota, info, publisher = %name, "{}: {why}", to.word()),
        }
        drop(quota);
        let (id, why) = (name.clone(), why.clone());
        self.events.publish(EventKind::Publisher { id, from, to: Some(to), why });
    }

    /// The state, and why it is that.
    fn state_now(&self) -> (PublisherState, String) {
        if self.running.publisher.shutdown {
            return (PublisherState::Shutdown, "shutdown = true in the configuration".to_owned());
        }
        let waits = self.run.as_ref().and_then(|run| run.flow.unacknowledged_for());
        // What went wrong long before is no reason.
        let recent = waits.unwrap_or_default() + RECENT;
        let problem =
            self.shared.problem.lock().clone().filter(|problem| problem.at.age() < recent);
        let said = |or: &str| {
            problem.as_ref().map_or_else(|| or.to_owned(), |problem| problem.fault.text.clone())
        };
        let Some(run) = &self.run else {
            let text = "a producer is about to be started";
            return match &self.next {
                Some(Next { is_failure: false, .. }) => {
                    (PublisherState::Connecting, text.to_owned())
                }
                _ => (PublisherState::Stalled, said(text)),
            };
        };
        if let Some(fault) = self.shared.topics.fault() {
            return (PublisherState::Stalled, fault.text);
        }
        if waits.is_some_and(|waits| waits >= STALLED_AFTER) {
            return (PublisherState::Stalled, said("the brokers acknowledge nothing"));
        }
        let there =
            || self.streams.iter().map(|stream| stream.standing()).filter(|(there, _)| *there);
        let (all, synchronised) = (there().count(), there().filter(|(_, done)| *done).count());
        if !self.shared.topics.are_known() && all > 0 {
            let is_first = self.acknowledged.0 + run.flow.acknowledged().0 == 0;
            let word = if is_first || run.flow.age() < STALLED_AFTER {
                PublisherState::Connecting
            } else {
                PublisherState::Stalled
            };
            return (word, said("the brokers are asked about the topic"));
        }
        match (all, synchronised) {
            (0, _) => (PublisherState::Established, "no router is there".to_owned()),
            (all, done) if all == done => {
                (PublisherState::Established, "everything is acknowledged".to_owned())
            }
            (all, done) => {
                let text = format!("{done} of {all} routers are acknowledged as a whole");
                (PublisherState::Synchronising, text)
            }
        }
    }

    /// What depends on time.
    fn tick(&mut self) {
        self.tick_at = Instant::now() + TICK;
        let Some(run) = &self.run else { return };
        let waits = run.flow.unacknowledged_for();
        let timeout = self.running.publisher.kafka.delivery_timeout;
        if waits.is_some_and(|waits| waits >= timeout) && self.ends.is_none() {
            let text = format!("nothing was acknowledged for {} s", timeout.as_secs());
            warn!(publisher = %self.shared.name, "{text}; another producer continues from what was");
            let why = self.shared.problem.lock().as_ref().map(|problem| problem.fault.text.clone());
            let text = why.map_or_else(|| text.clone(), |why| format!("{text}: {why}"));
            self.shared
                .note_problem(Fault { reason: PublisherReason::TimedOut, text: text.clone() });
            self.rewinds += 1;
            self.start_later(true, text);
            return;
        }
        if waits.is_none() && run.flow.acknowledged().0 > 0 {
            self.pause = PAUSE_MIN;
        }
        if self.snapshot_at.is_some_and(|at| at <= Instant::now()) {
            self.schedule_snapshot();
            self.streams.iter().for_each(|stream| stream.begin_snapshot());
        }
    }

    fn schedule_snapshot(&mut self) {
        let interval = self.running.publisher.snapshot_interval;
        self.snapshot_at = interval.map(|interval| Instant::now() + interval);
    }

    fn take(&mut self, command: Command) {
        // Whoever asked may have gone.
        match command {
            Command::Report { detailed, reply } => {
                let _ = reply.send(Box::new(self.report(detailed)));
            }
            Command::Entry { reply } => {
                let _ = reply.send(PublisherEntry {
                    id: self.shared.name.clone(),
                    state: Some(self.state),
                    description: self.configured.publisher.description.clone(),
                });
            }
            Command::Reset { parameters, read_at, router, by, reply } => {
                self.prepare(*parameters, read_at);
                let _ = reply.send(self.reset(router, by));
            }
            Command::Plan { parameters, router, reply } => {
                let _ = reply.send(self.plan(&parameters, router.as_ref()));
            }
            Command::Configure { parameters, read_at, dry_run, reply } => {
                let configured = self.running.configured(&parameters);
                if !dry_run {
                    self.prepare(*parameters, read_at);
                    self.configure();
                }
                let _ = reply.send(configured);
            }
            Command::Sets { reply } => {
                let (running, configured) = (self.running.clone(), self.configured.clone());
                let _ = reply.send(Box::new(Sets { running, configured }));
            }
            Command::Stop { timeout } => self.end(timeout),
        }
    }

    /// Takes parameters, unless it has newer ones.
    fn prepare(&mut self, parameters: Parameters, read_at: Instant) {
        if read_at >= self.configured_at {
            (self.configured, self.configured_at) = (parameters, read_at);
        }
    }

    /// Puts what is configured into effect as far as that needs no other producer.
    fn configure(&mut self) {
        let (was, is) = (self.running.publisher.shutdown, self.configured.publisher.shutdown);
        let interval = self.running.publisher.snapshot_interval;
        match (was, is) {
            (false, false) => self.running = self.running.with_running_of(&self.configured),
            _ => self.running = self.configured.clone(),
        }
        if interval != self.running.publisher.snapshot_interval {
            self.schedule_snapshot();
        }
        // A producer that runs stays until the streams have ended.
        if is {
            self.next = None;
        }
        self.order_all();
        self.match_streams();
        if (was, is) == (true, false) {
            self.end_producer();
            self.start_soon("it is no longer shut down".to_owned());
        }
    }

    fn start_soon(&mut self, why: String) {
        // What brokers have received of the producer before is dealt with by then.
        let at = Instant::now() + if self.producers == 0 { Duration::ZERO } else { PAUSE_MIN / 4 };
        self.next = Some(Next { at, is_failure: false, resumes: false, why });
        // Its topic may take larger batches than when they were made smaller.
        self.problems.reset_batches();
    }

    fn reset(
        &mut self,
        router: Option<RouterId>,
        by: String,
    ) -> Result<PublisherResetDone, String> {
        if self.configured.publisher.shutdown {
            self.configure();
            return Err("it is shut down in the configuration (shutdown = true)".to_owned());
        }
        self.last_reset = Some((by.clone(), Moment::now()));
        let why = format!("reset by {by}");
        let changes = match router {
            Some(_) => Vec::new(),
            None => self.running.changes(&self.configured, None),
        };
        info!(publisher = %self.shared.name, %by, ?changes, "reset");
        if router.is_none() {
            self.running = self.configured.clone();
            self.schedule_snapshot();
            self.match_streams();
        }
        let wanted = |stream: &&Arc<Handle>| {
            router.as_ref().is_none_or(|router| stream.router().id() == router)
        };
        let streams: Vec<_> = self.streams.iter().filter(wanted).cloned().collect();
        if router.is_some() && streams.is_empty() {
            return Err("its monitor does not select this router".to_owned());
        }
        // In this order: the producer that ends has no part in the generation, and the next one begins with it.
        if router.is_none() {
            self.end_producer();
        }
        let generations: Vec<RouterGeneration> = streams
            .iter()
            .filter_map(|stream| {
                let generation = stream.begin_anew(&why)?;
                Some(RouterGeneration { router: stream.router().id().clone(), generation })
            })
            .collect();
        if router.is_some() && generations.is_empty() {
            return Err("the router is not connected: there is nothing to send".to_owned());
        }
        if router.is_none() {
            self.pause = PAUSE_MIN;
            self.start_soon(why);
        }
        Ok(PublisherResetDone { new_producer: router.is_none(), generations, changes })
    }

    fn plan(
        &self,
        new: &Parameters,
        router: Option<&RouterId>,
    ) -> Result<PlannedPublisherReset, String> {
        if new.publisher.shutdown {
            return Err("it is shut down in the configuration (shutdown = true)".to_owned());
        }
        let monitor = &new.publisher.monitor;
        let routers = self.routers.all();
        let selected: Vec<_> = routers
            .iter()
            .filter(|one| router.is_none_or(|router| one.id() == router))
            .filter(|one| monitor.wants_router(one.id()) && one.presence().is_some())
            .collect();
        if router.is_some() && selected.is_empty() {
            return Err(
                "its monitor does not select this router, or it is not connected".to_owned()
            );
        }
        let routes = selected.iter().map(|router| super::stream::routes(router, monitor)).sum();
        Ok(PlannedPublisherReset {
            routers: selected.iter().map(|router| router.id().clone()).collect(),
            routes,
            changes: match router {
                Some(_) => Vec::new(),
                None => self.running.changes(new, None),
            },
        })
    }

    /// The publisher ends.
    fn end(&mut self, timeout: Duration) {
        self.ends = Some(Instant::now() + timeout);
        self.next = None;
        self.match_streams();
    }

    fn report(&self, detailed: bool) -> PublisherReport {
        let publisher = &self.configured.publisher;
        let figures: Vec<(Sent, u64)> =
            self.streams.iter().map(|stream| stream.figures()).collect();
        let standings: Vec<_> = self.streams.iter().map(|stream| stream.standing()).collect();
        let flow = self.run.as_ref().map(|run| &run.flow);
        let (records, bytes) = flow.map_or((0, 0), |flow| flow.acknowledged());
        let (in_flight_records, in_flight_bytes) = flow.map_or((0, 0), |flow| flow.in_flight());
        let problem = self.shared.problem.lock().clone();
        let latency = self.shared.latency.load(Ordering::Relaxed);
        PublisherReport {
            id: self.shared.name.clone(),
            description: publisher.description.clone(),
            state: self.state,
            why: self.why.clone(),
            since: self.since.timestamp(),
            age: Span::of(self.since.age()),
            bootstrap_servers: self.running.publisher.kafka.bootstrap_servers.clone(),
            topic: self.running.publisher.topic.to_string(),
            window: self.running.publisher.kafka.window.into(),
            in_flight_records,
            in_flight_bytes,
            unacknowledged_for: flow.and_then(|flow| flow.unacknowledged_for()).map(Span::of),
            blocked_times: self.shared.blocked_times.load(Ordering::Relaxed),
            blocked_for: Span::of(Duration::from_micros(
                self.shared.blocked_for.load(Ordering::Relaxed),
            )),
            acknowledged_records: self.acknowledged.0 + records,
            acknowledged_bytes: self.acknowledged.1 + bytes,
            latency: latency.checked_sub(1),
            producers: self.producers,
            doubts: self.shared.doubts.load(Ordering::Relaxed),
            rewinds: self.rewinds,
            warnings: self.shared.topics.warnings(),
            last_error: problem.map(|Problem { fault, at }| PublisherError {
                reason: fault.reason,
                text: fault.text,
                at: at.timestamp(),
                ago: Span::of(at.age()),
            }),
            pending: match self.running.publisher.shutdown {
                true => Vec::new(),
                false => self.running.changes(&self.configured, None),
            },
            last_reset: self.last_reset.as_ref().map(|(by, at)| LastReset {
                by: by.clone(),
                at: at.timestamp(),
                ago: Span::of(at.age()),
            }),
            next_snapshot: self.snapshot_at.map(span_until),
            routers_there: standings.iter().filter(|(there, _)| *there).count() as u32,
            routers_synchronised: standings.iter().filter(|(there, done)| *there && *done).count()
                as u32,
            sent: figures.iter().fold(Sent::default(), |sum, (sent, _)| sum.and(*sent)),
            routes_to_send: figures.iter().map(|(_, routes)| routes).sum(),
            routers: match detailed {
                true => self.streams.iter().map(|stream| stream.report()).collect(),
                false => Vec::new(),
            },
        }
    }
}

/// What a look has found, once it has; never if there is none.
async fn finished(looking: &mut Option<JoinHandle<Vec<Found>>>) -> Vec<Found> {
    let Some(task) = looking else { return std::future::pending().await };
    let found = task.await;
    *looking = None;
    found.unwrap_or_default()
}
