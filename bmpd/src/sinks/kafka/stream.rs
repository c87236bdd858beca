//! What a publisher sends of one router: a task each.
//!
//! ```text
//!   task of the publisher ── Order ──> Stream ── records ──> producer
//!                                       │  ^                    │
//!                         Feed, Encoder ┘  └──── Acks ──────────┘
//! ```
//!
//! In a loop: what has been acknowledged moves the positions of the feed; then, if there is room in the window, the feed fills
//! the encoder, and each message becomes a record. Nothing is encoded before there is room for it.
//!
//! A generation is what is sent from the beginning again. It begins, as [`Begin`] says,
//!
//! - anew: Peer Down for every peer that may be up for a reader in the middle of the topic, which sees no connection end;
//!   then Initiation, Peer Up, routes, End-of-RIB;
//! - as a snapshot: the same without the Peer Downs, for readers that come later than the topic's beginning is kept.
//!
//! When a producer was replaced because nothing was acknowledged in time, no generation begins: the feed goes back to what was
//! acknowledged, and only the latest state of each route after that is sent.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use shared::names::RouterId;
use shared::response::{PublishedRouter, PublisherReason, Sent};
use shared::time::Span;
use tokio::sync::{Notify, SemaphorePermit, watch};
use tokio::time::Instant;
use tracing::{info, warn};

use super::client::{NotTaken, RECORD_MAX, Record, Wanted};
use super::flow::{Acks, Fault, cost};
use super::topics::Topics;
use super::{Run, Shared};
use crate::config::{self, RouterHash};
use crate::filter::Monitor;
use crate::moment::{Moment, bmp_timestamp, sleep_until};
use crate::platform::select;
use crate::routers::{Changes, Feed, Presence, Router};
use crate::sinks::encoder::Encoder;
use crate::supervise::has_panicked;
use crate::wire::bmp::{self, COMMON_HEADER_LEN, TerminationReason};
use crate::wire::openbmp::{self, Hash, Header};

/// How much room is asked for, as a multiple of what is encoded at a time: small records count more than they are long.
const ROOM: usize = 4;

/// After a failure of its records a stream pauses for this long, and for twice as long after each further one.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// How a generation begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begin {
    /// From nothing.
    Anew,
    /// For readers that have it already, and for others.
    Snapshot,
}

/// How far a generation is; a header of its records says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Until the last End-of-RIB was sent.
    Dump,
    /// After that.
    Live,
}

impl Phase {
    fn word(self) -> &'static str {
        match self {
            Phase::Dump => "dump",
            Phase::Live => "live",
        }
    }
}

/// What the publisher wants of a stream.
#[derive(Debug, Clone)]
pub(super) struct Order {
    /// What it is to send with.
    pub(super) run: Option<Arc<Run>>,
    /// Which neighbors it sends.
    pub(super) monitor: Monitor,
    pub(super) statistics_timer: Duration,
    /// It ends: what it says with its Termination, and until when that can be acknowledged.
    pub(super) end: Option<(TerminationReason, &'static str, Instant)>,
}

/// What goes with every record of a router.
#[derive(Debug)]
struct Target {
    topic: String,
    /// That of the router, if it has one.
    address: Option<IpAddr>,
    hash: Hash,
    header: Header,
}

/// What is known of a stream.
#[derive(Debug)]
struct State {
    generation: u64,
    why: String,
    since: Moment,
    begin: Option<Begin>,
    phase: Phase,
    feed: Option<Feed>,
    /// How often the router had appeared when the feed was made.
    presence: u64,
    encoder: Encoder,
    /// How much of what is encoded was sent.
    written: usize,
    /// True if there may be something to encode.
    has_news: bool,
    sent: Sent,
    acks: Option<Arc<Acks>>,
    /// Records of this generation that were acknowledged with producers before; and of generations before with this one.
    acknowledged: u64,
    done_before: u64,
    offset: Option<i64>,
    /// The number of the run that the feed was last in step with.
    run: u64,
    /// How many records must be acknowledged until the mark of the feed is, and when it was made.
    marked: Option<(u64, Instant)>,
    /// How many must be until the generation is synchronised.
    completes_at: Option<u64>,
    synchronised: u64,
    /// The generation whose Initiation was acknowledged last, and that of the mark.
    begun: u64,
    marked_generation: u64,
    target: Option<Target>,
    partition: Option<i32>,
    /// How often its topic was made anew by then.
    topic_epoch: u64,
    paused_until: Option<Instant>,
    pause: Duration,
    next_statistics: Instant,
    /// True once its Peer Downs and Termination are encoded: the router has left, or the stream ends.
    has_ended: bool,
    /// True once the stream itself is over.
    has_stopped: bool,
}

impl State {
    /// A generation is to begin; the next one to run of the stream begins it.
    fn begin(&mut self, begin: Begin, why: String) -> u64 {
        // One that has not begun yet is that one.
        if self.begin.is_none() {
            self.generation += 1;
        }
        // What was to begin anew must not become a snapshot.
        if self.begin != Some(Begin::Anew) {
            self.begin = Some(begin);
        }
        self.why = why;
        self.since = Moment::now();
        self.has_news = true;
        self.generation
    }

    /// True if the beginning of the generation that is sent was acknowledged.
    fn has_begun(&self) -> bool {
        // One that is only to begin has another number.
        self.begun + u64::from(self.begin.is_some()) == self.generation
    }

    fn is_synchronised(&self) -> bool {
        self.generation > 0 && self.synchronised == self.generation
    }
}

/// What the publisher and its stream have in common.
#[derive(Debug)]
pub(super) struct Handle {
    router: Arc<Router>,
    state: Mutex<State>,
    /// Wakes the stream.
    wake: Arc<Notify>,
    order: watch::Sender<Order>,
}

/// The task of a stream.
pub(super) struct Stream {
    handle: Arc<Handle>,
    shared: Arc<Shared>,
    order: watch::Receiver<Order>,
    changes: Changes,
    presences: Changes,
    topics: Changes,
}

/// What a stream waits for.
enum Wait {
    /// Room for the next records.
    Room,
    /// Anything, or until then.
    Anything(Option<Instant>),
    /// Its end was acknowledged, or cannot be.
    End,
}

impl Handle {
    /// A stream of a router, and its task.
    pub(super) fn start(
        router: Arc<Router>,
        order: Order,
        shared: Arc<Shared>,
    ) -> (Arc<Self>, impl Future<Output = ()> + use<>) {
        let now = Instant::now();
        let generation = shared.generations.lock().get(router.id()).copied().unwrap_or_default();
        let state = State {
            generation,
            why: "the router has not been there yet".to_owned(),
            since: Moment::now(),
            begin: None,
            phase: Phase::Dump,
            feed: None,
            presence: 0,
            encoder: Encoder::default(),
            written: 0,
            has_news: true,
            sent: Sent::default(),
            acks: None,
            acknowledged: 0,
            done_before: 0,
            offset: None,
            run: 0,
            marked: None,
            completes_at: None,
            synchronised: 0,
            begun: 0,
            marked_generation: 0,
            target: None,
            partition: None,
            topic_epoch: 0,
            paused_until: None,
            pause: PAUSE_MIN,
            next_statistics: now + order.statistics_timer,
            has_ended: false,
            has_stopped: false,
        };
        let (order, orders) = watch::channel(order);
        let (changes, presences) = (router.changes(), router.presence_changes());
        let handle =
            Arc::new(Self { router, state: Mutex::new(state), wake: Arc::default(), order });
        let topics = shared.topics.changes();
        let its_handle = Arc::clone(&handle);
        let stream =
            Stream { handle: its_handle, shared, order: orders, changes, presences, topics };
        (handle, stream.run())
    }

    pub(super) fn router(&self) -> &Arc<Router> {
        &self.router
    }

    /// True once it has ended, and sends no more.
    pub(super) fn has_stopped(&self) -> bool {
        self.state.lock().has_stopped
    }

    /// Gives it another order.
    pub(super) fn order(&self, change: impl FnOnce(&mut Order)) {
        self.order.send_modify(change);
    }

    /// Begins another generation, from nothing; `None` if its router is not there.
    pub(super) fn begin_anew(&self, why: &str) -> Option<u64> {
        self.router.presence()?;
        let generation = self.state.lock().begin(Begin::Anew, why.to_owned());
        self.wake.notify_one();
        Some(generation)
    }

    /// Begins a snapshot, if everything was sent before.
    pub(super) fn begin_snapshot(&self) {
        let mut state = self.state.lock();
        if state.feed.is_some() && state.phase == Phase::Live {
            state.begin(Begin::Snapshot, "it was time for a snapshot".to_owned());
            self.wake.notify_one();
        }
    }

    /// True if its router is there, and if everything of it was acknowledged.
    pub(super) fn standing(&self) -> (bool, bool) {
        (self.router.presence().is_some(), self.state.lock().is_synchronised())
    }

    /// What it has sent in this generation, and how many routes are still to be sent.
    pub(super) fn figures(&self) -> (Sent, u64) {
        let state = self.state.lock();
        (state.sent, state.feed.as_ref().map_or(0, |feed| feed.remaining() as u64))
    }

    /// Its topic, and up to where that must have records.
    pub(super) fn wanted(&self) -> Option<Wanted> {
        let state = self.state.lock();
        let topic = state.target.as_ref()?.topic.clone();
        let offset = state.acks.as_ref().and_then(|acks| acks.offset()).or(state.offset);
        let acknowledged = state.partition.zip(offset);
        Some(Wanted { topic, acknowledged: acknowledged.into_iter().collect() })
    }

    pub(super) fn report(&self) -> PublishedRouter {
        let state = self.state.lock();
        let done = state.acks.as_ref().map_or(0, |acks| acks.done());
        PublishedRouter {
            router: self.router.id().clone(),
            topic: state.target.as_ref().map(|target| target.topic.clone()).unwrap_or_default(),
            partition: state.partition,
            router_hash: state.target.as_ref().map(|target| hex(&target.hash)).unwrap_or_default(),
            generation: state.generation,
            why: state.why.clone(),
            since: state.since.timestamp(),
            age: Span::of(state.since.age()),
            synchronised_generation: state.synchronised,
            sent: state.sent,
            acknowledged: state.acknowledged + done - state.done_before.min(done),
            offset: state.acks.as_ref().and_then(|acks| acks.offset()).or(state.offset),
            routes_to_send: state.feed.as_ref().map_or(0, |feed| feed.remaining() as u64),
        }
    }
}

impl Stream {
    async fn run(mut self) {
        while has_panicked(self.serve()).await {
            // What was half done is in doubt.
            let mut state = self.handle.state.lock();
            state.encoder = Encoder::default();
            state.written = 0;
            state.begin(Begin::Anew, "an internal error".to_owned());
        }
        let mut state = self.handle.state.lock();
        state.feed = None;
        state.has_stopped = true;
        let id = self.handle.router.id().clone();
        self.shared.generations.lock().insert(id, state.generation);
    }

    async fn serve(&mut self) {
        loop {
            let order = self.order.borrow_and_update().clone();
            // Before anything is looked at: what comes later notifies again.
            let has_changed = self.changes.has_changed().unwrap_or(false);
            self.changes.mark_unchanged();
            self.presences.mark_unchanged();
            self.topics.mark_unchanged();
            let wait = {
                let mut state = self.handle.state.lock();
                state.has_news |= has_changed;
                let turn = Turn { handle: &self.handle, shared: &self.shared, order: &order };
                turn.advance(&mut state)
            };
            match (wait, &order.run) {
                (Wait::End, _) => return,
                (Wait::Room, Some(run)) => {
                    let asked = ROOM * self.handle.router.sizes().batch;
                    let permit = match run.flow.try_room(asked) {
                        Some(permit) => permit,
                        None => {
                            let begun = Instant::now();
                            let end = order.end.map(|(_, _, deadline)| deadline);
                            let permit = select! {
                                permit = run.flow.room(asked) => Some(permit),
                                _ = self.order.changed() => None,
                                () = self.handle.wake.notified() => None,
                                () = sleep_until(end) => None,
                            };
                            self.shared.note_blocked(begun.elapsed(), permit.is_some());
                            match permit {
                                Some(permit) => permit,
                                None => continue,
                            }
                        }
                    };
                    {
                        let mut state = self.handle.state.lock();
                        // A reset takes the producer away, and then has a generation begin: that is not for this one.
                        if self.order.has_changed().unwrap_or(false) {
                            continue;
                        }
                        let turn =
                            Turn { handle: &self.handle, shared: &self.shared, order: &order };
                        turn.send(&mut state, run, permit);
                    }
                    tokio::task::yield_now().await;
                }
                (Wait::Room, None) => {}
                (Wait::Anything(until), _) => {
                    select! {
                        _ = self.order.changed() => {}
                        _ = self.changes.changed() => self.handle.state.lock().has_news = true,
                        _ = self.presences.changed() => {}
                        _ = self.topics.changed() => {}
                        () = self.handle.wake.notified() => {}
                        () = sleep_until(until) => {}
                    }
                }
            }
        }
    }
}

/// One turn of a stream, with its state locked.
struct Turn<'a> {
    handle: &'a Handle,
    shared: &'a Shared,
    order: &'a Order,
}

impl Turn<'_> {
    /// Takes in what has happened, and says what is next.
    fn advance(&self, state: &mut State) -> Wait {
        let order = self.order;
        if let Some(feed) = &mut state.feed {
            feed.set_neighbors(&order.monitor);
        }
        let Some(run) = &order.run else {
            // The next producer is to be sent its end.
            let deadline = order.end.map(|(_, _, deadline)| deadline);
            return match deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                true => Wait::End,
                false => Wait::Anything(deadline),
            };
        };
        self.follow(state, run);
        self.acknowledge(state, run);
        if let Some((_, _, deadline)) = order.end {
            return self.end(state, deadline);
        }
        if let Some(until) = state.paused_until {
            if Instant::now() < until {
                return Wait::Anything(Some(until));
            }
            state.paused_until = None;
        }
        let presence = self.handle.router.presence();
        let is_sent = state.written == state.encoder.out.len();
        match &presence {
            None if state.has_ended && is_sent => {
                let acks = state.acks.as_ref();
                match acks.filter(|acks| acks.done() < acks.sent()) {
                    Some(acks) => acks.wake_at(acks.sent()),
                    None => {
                        state.feed = None;
                        state.has_ended = false;
                        state.begin = None;
                        state.synchronised = 0;
                    }
                }
                return Wait::Anything(None);
            }
            Some(presence)
                if state.feed.is_some()
                    && state.presence != presence.number
                    && state.begin != Some(Begin::Anew) =>
            {
                state.begin(Begin::Anew, "the router is back".to_owned());
            }
            _ => {}
        }
        if state.feed.is_none() {
            // Nothing is known of its address before it is there.
            let Some(presence) = presence else { return Wait::Anything(None) };
            if state.target.is_none() || state.presence != presence.number {
                state.target = Some(target(&self.handle.router, address(&presence), run));
            }
            if state.begin != Some(Begin::Anew) {
                state.begin(Begin::Anew, "the router is there".to_owned());
            }
        }
        let Some(topic) = state.target.as_ref().map(|target| target.topic.clone()) else {
            return Wait::Anything(None);
        };
        let Some((partitions, epoch)) = self.shared.topics.partitions(&topic) else {
            self.shared.topics.want(&topic);
            return Wait::Anything(None);
        };
        if state.begin.is_none() && state.topic_epoch != epoch {
            self.doubt(state, Topics::replaced(&topic), run);
            return Wait::Anything(state.paused_until);
        }
        let is_there = |partition: &i32| *partition < partitions;
        if state.partition.filter(is_there).is_none() {
            let hash = state.target.as_ref().map_or(0, |target| {
                u32::from_be_bytes([target.hash[0], target.hash[1], target.hash[2], target.hash[3]])
            });
            state.partition = Some((hash % partitions.max(1) as u32) as i32);
        }
        if let Some((acks, partition)) = state.acks.as_ref().zip(state.partition) {
            acks.go_to(|| run.partitions.newest(&topic, partition));
        }
        if state.written < state.encoder.out.len() || state.begin.is_some() || state.has_news {
            state.topic_epoch = epoch;
            return Wait::Room;
        }
        let is_local = *self.handle.router.id() == RouterId::Local;
        if is_local && state.next_statistics <= Instant::now() {
            return Wait::Room;
        }
        Wait::Anything(is_local.then_some(state.next_statistics))
    }

    /// Another producer has taken the place of the one before.
    fn follow(&self, state: &mut State, run: &Arc<Run>) {
        if state.run == run.number {
            return;
        }
        let is_first = state.run == 0;
        state.run = run.number;
        self.new_acks(state, run);
        state.encoder = Encoder::default();
        state.written = 0;
        state.paused_until = None;
        let before = state.target.take();
        let address = match self.handle.router.presence() {
            Some(presence) => Some(address(&presence)),
            // Its Peer Downs are still to be sent.
            None => before.as_ref().map(|before| before.address),
        };
        state.target = address.map(|address| target(&self.handle.router, address, run));
        let topic = |target: &Option<Target>| target.as_ref().map(|target| target.topic.clone());
        if topic(&before) != topic(&state.target) {
            // Offsets of the topic before say nothing of this one.
            (state.partition, state.offset, state.acks) = (None, None, None);
            self.new_acks(state, run);
        }
        // A snapshot that is to begin does not make up for what was under way.
        if !is_first && state.begin != Some(Begin::Anew) && state.feed.is_some() {
            match (run.resumes && state.has_begun(), &mut state.feed) {
                (true, Some(feed)) => feed.rewind(),
                _ => {
                    state.begin(Begin::Anew, run.why.clone());
                }
            }
        }
        if !state.is_synchronised() {
            state.phase = Phase::Dump;
        }
        state.has_news = true;
    }

    fn new_acks(&self, state: &mut State, run: &Run) {
        if let Some(acks) = &state.acks {
            state.acknowledged += acks.done() - state.done_before.min(acks.done());
            state.offset = acks.offset().or(state.offset);
        }
        state.done_before = 0;
        // A Termination that is not acknowledged is to be sent again.
        state.has_ended = false;
        state.acks =
            Some(Acks::new(Arc::clone(&run.flow), Arc::clone(&self.handle.wake), state.offset));
        state.marked = None;
        state.completes_at = None;
    }

    /// Takes in what was acknowledged, or not.
    fn acknowledge(&self, state: &mut State, run: &Arc<Run>) {
        let Some(acks) = state.acks.clone() else { return };
        if let Some(fault) = acks.take_fault() {
            self.doubt(state, fault, run);
            return;
        }
        let done = acks.done();
        if let (Some((count, since)), Some(feed)) = (state.marked, &mut state.feed)
            && done >= count
        {
            feed.keep(Moment::now());
            self.shared.note_latency(since.elapsed());
            state.marked = None;
            state.begun = state.marked_generation;
        }
        if let (None, Some(feed)) = (state.marked, &mut state.feed)
            && feed.has_moved()
            && state.begin.is_none()
            // What is only encoded is not under way.
            && state.written == state.encoder.out.len()
        {
            feed.mark();
            let sent = acks.sent();
            state.marked = Some((sent, Instant::now()));
            state.marked_generation = state.generation;
            acks.wake_at(sent);
        }
        if state.completes_at.is_some_and(|count| done >= count) {
            state.completes_at = None;
            // Not with the first acknowledgement: a topic that takes a part of each generation would get one a second.
            state.pause = PAUSE_MIN;
            if !state.is_synchronised() {
                state.synchronised = state.generation;
                let (publisher, router) = (&self.shared.name, self.handle.router.id());
                info!(%publisher, %router, generation = state.generation, "synchronised");
                self.shared.changed.notify_one();
            }
        } else if let Some(count) = state.completes_at
            && state.marked.is_none_or(|(marked, _)| count < marked)
        {
            acks.wake_at(count);
        }
    }

    /// Nobody knows which records the brokers have.
    fn doubt(&self, state: &mut State, fault: Fault, run: &Run) {
        let (publisher, router) = (&self.shared.name, self.handle.router.id());
        warn!(%publisher, %router, "{}; a new generation begins", fault.text);
        state.begin(Begin::Anew, fault.text.clone());
        // One that is missing will be another one when it is back, which may be before it is looked at.
        if matches!(fault.reason, PublisherReason::TopicReplaced | PublisherReason::TopicMissing) {
            (state.offset, state.acks) = (None, None);
            if let Some(target) = &state.target {
                self.shared.topics.note_replaced(&target.topic, state.topic_epoch);
                run.partitions.begin_again(&target.topic);
            }
        }
        self.new_acks(state, run);
        state.encoder = Encoder::default();
        state.written = 0;
        state.paused_until =
            Some(Instant::now() + state.pause.mul_f64(0.75 + 0.25 * fastrand::f64()));
        state.pause = (2 * state.pause).min(PAUSE_MAX);
        self.shared.note_doubt(fault);
        if let Some(target) = &state.target {
            self.shared.topics.want(&target.topic);
        }
    }

    /// Peer Downs and a Termination, and what is not acknowledged by then is left.
    fn end(&self, state: &mut State, deadline: Instant) -> Wait {
        let acks = state.acks.as_ref();
        let is_acknowledged = acks.is_none_or(|acks| acks.done() >= acks.sent());
        let is_sent = state.has_ended && state.written == state.encoder.out.len();
        if Instant::now() >= deadline
            || state.partition.is_none()
            || (state.feed.is_none() && !state.has_ended)
            || (is_sent && is_acknowledged)
        {
            return Wait::End;
        }
        // A producer that has failed takes nothing, however often it is asked.
        if let Some(until) = state.paused_until.filter(|until| Instant::now() < *until) {
            return Wait::Anything(Some(until.min(deadline)));
        }
        match (is_sent, acks) {
            (true, Some(acks)) => {
                acks.wake_at(acks.sent());
                Wait::Anything(Some(deadline))
            }
            _ => Wait::Room,
        }
    }

    /// Encodes what is next, and sends it.
    fn send(&self, state: &mut State, run: &Run, permit: SemaphorePermit<'_>) {
        if state.written == state.encoder.out.len() {
            state.encoder.out.clear();
            state.written = 0;
            self.encode(state, run);
        }
        self.send_encoded(state, run, permit);
        if state.written == state.encoder.out.len() && !state.has_news {
            // A thousand quiet routers need no buffers.
            state.encoder.out = Vec::new();
            state.written = 0;
        }
    }

    /// Encodes what is next.
    fn encode(&self, state: &mut State, run: &Run) {
        let limit = self.handle.router.sizes().batch;
        let presence = self.handle.router.presence();
        if let Some((reason, text, _)) = self.order.end {
            if let Some(feed) = &mut state.feed
                && !state.has_ended
            {
                feed.end(&mut state.encoder);
                bmp::termination(&mut state.encoder.out, reason, text);
                state.sent.termination += 1;
                state.has_ended = true;
                self.count(state);
            }
            return;
        }
        let begin = state.begin.take();
        if let Some(begin) = begin {
            match &presence {
                Some(presence) => self.begin(state, begin, presence, run),
                // The router has left before its generation began: what was sent of it ends, and nothing else is sent.
                None => {
                    state.has_news = false;
                    if !state.has_ended {
                        self.leave(state);
                        self.count(state);
                    }
                    return;
                }
            }
        }
        let Some(feed) = &mut state.feed else { return };
        if *self.handle.router.id() == RouterId::Local && state.next_statistics <= Instant::now() {
            state.next_statistics = Instant::now() + self.order.statistics_timer;
            feed.statistics(&mut state.encoder, bmp_timestamp());
        }
        let before = state.encoder.out.len();
        state.encoder.fill(feed, limit);
        let has_more = state.encoder.out.len() > before || feed.is_interrupted();
        state.has_news = has_more;
        if !has_more && presence.is_none() && !state.has_ended {
            self.leave(state);
        }
        self.count(state);
    }

    fn begin(&self, state: &mut State, begin: Begin, presence: &Presence, run: &Run) {
        let id = self.handle.router.id();
        let is_anew = begin == Begin::Anew || state.presence != presence.number;
        match (&mut state.feed, is_anew) {
            (Some(feed), false) => feed.begin_snapshot(),
            (Some(feed), true) => {
                feed.begin_anew();
                feed.send_downs(&mut state.encoder);
            }
            (None, _) => {
                let monitor = self.order.monitor.clone();
                state.feed = Some(Feed::acknowledged(Arc::clone(&self.handle.router), monitor));
            }
        }
        state.presence = presence.number;
        state.sent = Sent::default();
        state.acknowledged = 0;
        state.done_before = state.acks.as_ref().map_or(0, |acks| acks.done());
        state.has_ended = false;
        state.phase = Phase::Dump;
        state.completes_at = None;
        let (publisher, generation, why) = (&self.shared.name, state.generation, &state.why);
        info!(%publisher, router = %id, generation, "begins: {why}");
        match &presence.identity.initiation {
            Some(tlvs) => bmp::initiation_with::<String>(&mut state.encoder.out, tlvs, &[]),
            None => {
                let bmp = &run.parameters.bmp;
                let (name, description) = (&bmp.system_name, &bmp.system_description);
                bmp::initiation::<String>(&mut state.encoder.out, name, description, &[]);
            }
        }
        state.sent.initiation += 1;
    }

    /// The router has left, and everything that it said before was sent.
    fn leave(&self, state: &mut State) {
        let Some(feed) = &mut state.feed else { return };
        feed.end(&mut state.encoder);
        match self.handle.router.termination(state.presence) {
            Some(tlvs) => bmp::termination_with(&mut state.encoder.out, &tlvs),
            None => {
                let text = "the router is no longer connected";
                bmp::termination(&mut state.encoder.out, TerminationReason::Unspecified, text);
            }
        }
        state.sent.termination += 1;
        state.has_ended = true;
        state.why = "the router has left".to_owned();
    }

    /// Counts what was encoded.
    fn count(&self, state: &mut State) {
        let batch = std::mem::take(&mut state.encoder.batch);
        let sent = &mut state.sent;
        sent.initiation += batch.initiation;
        sent.peer_up += batch.peer_up;
        sent.peer_down += batch.peer_down;
        sent.route_monitoring += batch.route_monitoring;
        sent.statistics_report += batch.statistics_reports;
        sent.route_mirroring += batch.route_mirroring;
        sent.unknown += batch.unknown;
        sent.routes_announced += batch.announced;
        sent.routes_withdrawn += batch.withdrawn;
        sent.end_of_rib += batch.end_of_rib;
        sent.neighbors_resent += batch.neighbors_resent;
        sent.messages_lost += batch.messages_lost;
    }

    /// Sends what is encoded, as far as there is room.
    fn send_encoded(&self, state: &mut State, run: &Run, mut permit: SemaphorePermit<'_>) {
        let Some((acks, partition)) = state.acks.clone().zip(state.partition) else { return };
        let Some(target) = state.target.take() else { return };
        let generation = format!("{}.{}", self.shared.start, state.generation);
        let time = bmp_timestamp();
        let mut value = Vec::new();
        let mut failure = None;
        while let Some(message) = message_at(&state.encoder.out, state.written) {
            target.header.write(&mut value, time, message);
            if value.len() > RECORD_MAX {
                state.sent.messages_lost += 1;
                self.shared.note_too_large(self.handle.router.id(), value.len());
                state.written += message.len();
                continue;
            }
            let Some(part) = permit.split(cost(value.len())) else { break };
            let record = Record {
                topic: &target.topic,
                partition,
                key: &target.hash,
                headers: [("bmpd-generation", &generation), ("bmpd-phase", state.phase.word())],
                value: &value,
            };
            match run.producer.send(record, &acks) {
                Ok(()) => {
                    // It comes back with the acknowledgement.
                    part.forget();
                    state.sent.bytes += value.len() as u64;
                }
                Err(NotTaken::Full) => {
                    self.shared.note_full();
                    break;
                }
                Err(NotTaken::TooLarge) => {
                    state.sent.messages_lost += 1;
                    self.shared.note_too_large(self.handle.router.id(), value.len());
                }
                Err(NotTaken::Other(fault)) => {
                    failure = Some(fault);
                    break;
                }
            }
            state.written += message.len();
        }
        state.target = Some(target);
        if let Some(fault) = failure {
            self.doubt(state, fault, run);
            return;
        }
        let is_sent = state.written == state.encoder.out.len();
        if let Some(feed) = &state.feed
            && is_sent
            && state.begin.is_none()
            && feed.is_synchronised()
        {
            state.phase = Phase::Live;
            if !state.is_synchronised() && state.completes_at.is_none() {
                state.completes_at = Some(acks.sent());
            }
        }
    }
}

/// The whole BMP message that begins there.
fn message_at(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let rest = bytes.get(at..).filter(|rest| rest.len() >= COMMON_HEADER_LEN)?;
    let length = u32::from_be_bytes([rest[1], rest[2], rest[3], rest[4]]) as usize;
    rest.get(..length.max(COMMON_HEADER_LEN))
}

/// The address of a router.
fn address(presence: &Presence) -> Option<IpAddr> {
    presence.identity.address.map(|address| address.ip())
}

/// What goes with the records of a router.
fn target(router: &Router, known: Option<IpAddr>, run: &Run) -> Target {
    let config::Publisher { topic, admin_id, group, router_hash, .. } = &run.parameters.publisher;
    let address = known.or(run.parameters.bgp_id.map(IpAddr::V4));
    let address = address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let hash = match router_hash {
        // Several bmpd can send to one topic.
        RouterHash::Name if *router.id() == RouterId::Local => {
            openbmp::hash(run.parameters.bmp.system_name.as_bytes())
        }
        RouterHash::Name => openbmp::hash(router.id().to_string().as_bytes()),
        RouterHash::Address => openbmp::hash(address.to_string().as_bytes()),
        RouterHash::AddressBytes => {
            let bytes = match address {
                IpAddr::V4(v4) => v4.octets().to_vec(),
                IpAddr::V6(v6) => v6.octets().to_vec(),
            };
            let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
            openbmp::hash(&bytes[..end])
        }
    };
    let instance = router.vpn_instance();
    Target {
        topic: topic.of(router.id(), group, instance),
        address: known,
        header: Header::new(admin_id, &hash, address, group),
        hash,
    }
}

/// How many routes a generation that began now would have.
pub(super) fn routes(router: &Arc<Router>, monitor: &Monitor) -> u64 {
    Feed::new(Arc::clone(router), monitor.clone()).remaining() as u64
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
