//! What is under way to the brokers: how much of it there may be, and what becomes of it.
//!
//! ```text
//!   stream ── room() ──> Permits ── send ──> client library ──> broker
//!                                                │ acknowledged, or failed
//!   window, counters <── Acks (of one stream with one producer) <──┘
//! ```
//!
//! A record counts with its value and what the client library needs for it, so that the window bounds the memory, however small
//! records are. A stream asks for room before it reads from its tables: what does not fit is not encoded, and the tables compact
//! it.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use shared::response::PublisherReason;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// What a record needs beside its value, in bytes: the key, the headers, and the administration of the client library.
const OVERHEAD: usize = 384;

/// What a record counts.
pub(super) fn cost(value: usize) -> usize {
    value + OVERHEAD
}

/// Why something was not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) reason: PublisherReason,
    pub(super) text: String,
}

impl Fault {
    /// True if the other one only follows from this one: a client whom no broker accepts finds all of them down.
    pub(super) fn explains(&self, other: &Self) -> bool {
        matches!(self.reason, PublisherReason::Tls | PublisherReason::AuthenticationFailed)
            && other.reason == PublisherReason::BrokerUnreachable
    }
}

/// What one producer has under way.
#[derive(Debug)]
pub(super) struct Flow {
    window: usize,
    room: Semaphore,
    records: AtomicU64,
    bytes: AtomicU64,
    acknowledged_records: AtomicU64,
    acknowledged_bytes: AtomicU64,
    /// When anything was acknowledged last, or began to be under way: nanoseconds after `begun`.
    progress: AtomicU64,
    begun: Instant,
}

impl Flow {
    pub(super) fn new(window: usize) -> Arc<Self> {
        Arc::new(Self {
            window,
            room: Semaphore::new(window),
            records: AtomicU64::default(),
            bytes: AtomicU64::default(),
            acknowledged_records: AtomicU64::default(),
            acknowledged_bytes: AtomicU64::default(),
            progress: AtomicU64::default(),
            begun: Instant::now(),
        })
    }

    /// Room for so much, or for as much as the window is, at once; `None` if there is none.
    pub(super) fn try_room(&self, bytes: usize) -> Option<SemaphorePermit<'_>> {
        self.room.try_acquire_many(bytes.min(self.window) as u32).ok()
    }

    /// The same once there is; the streams have their turn in the order in which they asked.
    pub(super) async fn room(&self, bytes: usize) -> SemaphorePermit<'_> {
        let permit = self.room.acquire_many(bytes.min(self.window) as u32).await;
        permit.expect("a semaphore that is never closed")
    }

    /// Records that are under way, and what their values take.
    pub(super) fn in_flight(&self) -> (u64, u64) {
        (self.records.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }

    /// Records that were acknowledged, and what their values took.
    pub(super) fn acknowledged(&self) -> (u64, u64) {
        (
            self.acknowledged_records.load(Ordering::Relaxed),
            self.acknowledged_bytes.load(Ordering::Relaxed),
        )
    }

    /// For how long nothing was acknowledged, if anything is under way.
    pub(super) fn unacknowledged_for(&self) -> Option<Duration> {
        let progress = Duration::from_nanos(self.progress.load(Ordering::Relaxed));
        let is_some = self.records.load(Ordering::Relaxed) > 0;
        is_some.then(|| self.begun.elapsed().saturating_sub(progress))
    }

    /// How long ago it began.
    pub(super) fn age(&self) -> Duration {
        self.begun.elapsed()
    }

    fn note_progress(&self) {
        self.progress.store(self.begun.elapsed().as_nanos() as u64, Ordering::Relaxed);
    }

    /// A record is under way; the permit for it is used up.
    fn add(&self, value: usize) {
        self.bytes.fetch_add(value as u64, Ordering::Relaxed);
        if self.records.fetch_add(1, Ordering::Relaxed) == 0 {
            self.note_progress();
        }
    }

    /// A record is under way no longer.
    fn remove(&self, value: usize) {
        self.take_back(value);
        self.room.add_permits(cost(value));
    }

    /// A record was not taken; its permit is still there.
    fn take_back(&self, value: usize) {
        self.bytes.fetch_sub(value as u64, Ordering::Relaxed);
        self.records.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The offset of the newest record of one partition that was acknowledged to one producer; -1 before.
pub(super) type Newest = Arc<AtomicI64>;

/// The newest records that were acknowledged to a producer, whichever stream has sent them: the offsets of a partition
/// only rise, unless its topic was made anew.
#[derive(Debug, Default)]
pub(super) struct Partitions(Mutex<HashMap<(String, i32), Newest>>);

impl Partitions {
    /// Those of the next producer, which knows as much. What the one before still has under way does not count for it.
    pub(super) fn next(&self) -> Self {
        let known = self.0.lock();
        let copy = |newest: &Newest| Arc::new(AtomicI64::new(newest.load(Ordering::Relaxed)));
        Self(Mutex::new(known.iter().map(|(name, newest)| (name.clone(), copy(newest))).collect()))
    }

    /// That of one partition.
    pub(super) fn newest(&self, topic: &str, partition: i32) -> Newest {
        let mut known = self.0.lock();
        let newest = known.entry((topic.to_owned(), partition));
        Arc::clone(newest.or_insert_with(|| Arc::new(AtomicI64::new(-1))))
    }

    /// The topic was made anew: its offsets begin again.
    pub(super) fn begin_again(&self, topic: &str) {
        let known = self.0.lock();
        for (_, newest) in known.iter().filter(|((of, _), _)| of == topic) {
            newest.store(-1, Ordering::Relaxed);
        }
    }

    /// Forgets the partitions of topics that no stream sends to.
    pub(super) fn retain(&self, wanted: &BTreeSet<String>) {
        self.0.lock().retain(|(topic, _), _| wanted.contains(topic));
    }
}

/// What one stream has sent with one producer, in one generation, and what of it was acknowledged: in the order in which
/// it was sent, as all of it goes to one partition.
#[derive(Debug)]
pub(super) struct Acks {
    flow: Arc<Flow>,
    sent: AtomicU64,
    done: AtomicU64,
    /// Once so many are done the stream is woken.
    awaited: AtomicU64,
    /// The offset of the last one; -1 before.
    offset: AtomicI64,
    /// That of the partition, once it is known which one that is.
    newest: OnceLock<Newest>,
    fault: Mutex<Option<Fault>>,
    wake: Arc<Notify>,
}

impl Acks {
    /// Of a stream whose last record before, if there was one, has this offset.
    pub(super) fn new(flow: Arc<Flow>, wake: Arc<Notify>, offset: Option<i64>) -> Arc<Self> {
        Arc::new(Self {
            flow,
            sent: AtomicU64::default(),
            done: AtomicU64::default(),
            awaited: AtomicU64::new(u64::MAX),
            offset: AtomicI64::new(offset.unwrap_or(-1)),
            newest: OnceLock::new(),
            fault: Mutex::default(),
            wake,
        })
    }

    /// All of it goes to this partition.
    pub(super) fn go_to(&self, partition: impl FnOnce() -> Newest) {
        // It goes to no other one later.
        self.newest.get_or_init(partition);
    }

    /// A record is about to be given to the client library. Its part of the permit must be forgotten if it is taken.
    pub(super) fn begin(&self, value: usize) {
        self.sent.fetch_add(1, Ordering::Relaxed);
        self.flow.add(value);
    }

    /// It was not taken.
    pub(super) fn take_back(&self, value: usize) {
        self.sent.fetch_sub(1, Ordering::Relaxed);
        self.flow.take_back(value);
    }

    /// How many records were sent.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// How many of them were acknowledged.
    pub(super) fn done(&self) -> u64 {
        self.done.load(Ordering::Acquire)
    }

    /// The offset of the last one.
    pub(super) fn offset(&self) -> Option<i64> {
        Some(self.offset.load(Ordering::Relaxed)).filter(|offset| *offset >= 0)
    }

    /// The stream is woken once so many are done.
    pub(super) fn wake_at(&self, count: u64) {
        self.awaited.store(count, Ordering::Release);
        if self.done() >= count {
            self.wake.notify_one();
        }
    }

    /// The first failure, once.
    pub(super) fn take_fault(&self) -> Option<Fault> {
        self.fault.lock().take()
    }

    /// A broker has acknowledged a record.
    pub(super) fn delivered(&self, value: usize, offset: i64) {
        let own = self.offset.swap(offset, Ordering::Relaxed);
        let before = self.newest.get().map_or(own, |newest| newest.swap(offset, Ordering::Relaxed));
        self.flow.note_progress();
        self.flow.acknowledged_records.fetch_add(1, Ordering::Relaxed);
        self.flow.acknowledged_bytes.fetch_add(value as u64, Ordering::Relaxed);
        self.flow.remove(value);
        let done = self.done.fetch_add(1, Ordering::Release) + 1;
        // The offsets of a partition only rise, unless it is another one of the same name.
        if (0..=before).contains(&offset) {
            let text = format!("offset {offset} after {before}: the topic was made anew");
            self.note(Fault { reason: PublisherReason::TopicReplaced, text });
        }
        if done >= self.awaited.load(Ordering::Acquire) {
            self.wake.notify_one();
        }
    }

    /// Nobody will acknowledge a record.
    pub(super) fn failed(&self, value: usize, fault: Fault) {
        self.flow.remove(value);
        self.note(fault);
    }

    fn note(&self, fault: Fault) {
        self.fault.lock().get_or_insert(fault);
        self.wake.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acks(window: usize) -> (Arc<Flow>, Arc<Acks>, Arc<Notify>) {
        let (flow, wake) = (Flow::new(window), Arc::new(Notify::new()));
        let acks = Acks::new(Arc::clone(&flow), Arc::clone(&wake), None);
        (flow, acks, wake)
    }

    #[tokio::test(start_paused = true)]
    async fn the_window_is_full_until_something_is_acknowledged() {
        let (flow, acks, wake) = acks(2 * cost(100));
        for _ in 0..2 {
            flow.try_room(cost(100)).unwrap().forget();
            acks.begin(100);
        }
        assert!(flow.try_room(1).is_none());
        assert_eq!((flow.in_flight(), acks.sent(), acks.done()), ((2, 200), 2, 0));
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(flow.unacknowledged_for(), Some(Duration::from_secs(3)));
        acks.wake_at(1);
        acks.delivered(100, 7);
        wake.notified().await;
        assert_eq!(flow.unacknowledged_for(), Some(Duration::ZERO));
        assert!(flow.try_room(cost(100)).is_some());
        acks.delivered(100, 8);
        assert_eq!((flow.unacknowledged_for(), acks.offset()), (None, Some(8)));
        assert_eq!((flow.acknowledged(), acks.take_fault()), ((2, 200), None));
    }

    #[test]
    fn a_topic_that_was_made_anew_is_noticed_by_a_stream_that_has_sent_nothing_before() {
        let partitions = Partitions::default();
        let deliver = |partitions: &Partitions, topic, offset| {
            let (_, acks, _) = acks(cost(1));
            acks.go_to(|| partitions.newest(topic, 0));
            acks.begin(1);
            acks.delivered(1, offset);
            acks.take_fault().map(|fault| fault.reason)
        };
        for (topic, offset, expected) in [
            ("a", 3, None),
            ("b", 0, None),
            ("a", 4, None),
            ("a", 4, Some(PublisherReason::TopicReplaced)),
            ("a", 5, None),
        ] {
            assert_eq!(deliver(&partitions, topic, offset), expected, "{topic} {offset}");
        }
        let next = partitions.next();
        // Still under way with the one before.
        assert_eq!(deliver(&partitions, "a", 9), None);
        assert_eq!(deliver(&next, "a", 6), None);
        next.begin_again("a");
        assert_eq!((deliver(&next, "a", 0), deliver(&next, "b", 0).is_some()), (None, true));
        next.retain(&["a".to_owned()].into());
        assert_eq!(deliver(&next, "b", 0), None);
    }

    #[test]
    fn what_is_not_taken_gives_its_room_back_once() {
        let (flow, acks, _) = acks(cost(1));
        for _ in 0..2 {
            let permit = flow.try_room(cost(1)).unwrap();
            acks.begin(1);
            acks.take_back(1);
            drop(permit);
            assert_eq!((flow.in_flight(), acks.sent()), ((0, 0), 0));
        }
        assert!(flow.try_room(cost(1)).is_some());
        assert_eq!(flow.room.available_permits(), cost(1));
    }

    #[test]
    fn an_offset_that_falls_is_that_of_another_topic() {
        let (flow, acks, _) = acks(10_000);
        for offset in [5, 6, 0] {
            flow.try_room(cost(1)).unwrap().forget();
            acks.begin(1);
            acks.delivered(1, offset);
        }
        assert_eq!(
            acks.take_fault().map(|fault| fault.reason),
            Some(PublisherReason::TopicReplaced)
        );
        assert_eq!(acks.take_fault(), None);
    }

    #[test]
    fn what_is_unreachable_does_not_hide_why() {
        use PublisherReason::{AuthenticationFailed, BrokerError, BrokerUnreachable, Tls};
        let fault = |reason| Fault { reason, text: String::new() };
        for reason in [Tls, AuthenticationFailed] {
            assert!(fault(reason).explains(&fault(BrokerUnreachable)));
            assert!(!fault(reason).explains(&fault(reason)));
            assert!(!fault(BrokerUnreachable).explains(&fault(reason)));
        }
        assert!(!fault(BrokerError).explains(&fault(BrokerUnreachable)));
    }

    #[test]
    fn the_first_failure_counts_and_gives_its_room_back() {
        let (flow, acks, _) = acks(2 * cost(1));
        let fault = |text: &str| Fault { reason: PublisherReason::BrokerError, text: text.into() };
        for _ in 0..2 {
            flow.try_room(cost(1)).unwrap().forget();
            acks.begin(1);
        }
        acks.failed(1, fault("one"));
        acks.failed(1, fault("two"));
        assert_eq!(acks.take_fault(), Some(fault("one")));
        assert_eq!((flow.in_flight(), acks.done()), ((0, 0), 0));
        assert!(flow.try_room(2 * cost(1)).is_some());
    }
}
