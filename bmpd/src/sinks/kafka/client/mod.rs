//! The client of the brokers: all that a publisher needs of one, and no more.
//!
//! ```text
//!   Producer::start ─ send ─> Acks::delivered, Acks::failed, in the order of each partition
//!                   ─ stop ─> nothing that is not acknowledged is sent any more
//!                   ─ look ─> what a topic is, and whether it still has what was acknowledged
//!                   ──────── Problems: what is wrong with the brokers; what ends the producer
//! ```
//!
//! It is librdkafka ([`librdkafka`]): what most of Kafka's clients are made of, with every compression and SASL mechanism,
//! and a producer that is idempotent. A bmpd that is built without it refuses `[[publisher]]`. The simulator has brokers of its own.

#[cfg_attr(simulation, path = "simulated.rs")]
#[cfg_attr(not(feature = "kafka"), path = "absent.rs")]
mod librdkafka;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

pub(super) use self::librdkafka::Producer;
use super::flow::Fault;

/// The largest value of a record: brokers take 1 MiB by default, with what goes around it.
pub(super) const RECORD_MAX: usize = 1_000_000;

/// A record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) topic: &'a str,
    pub(super) partition: i32,
    pub(super) key: &'a [u8],
    /// Its headers, names and values.
    pub(super) headers: [(&'a str, &'a str); 2],
    pub(super) value: &'a [u8],
}

/// Why a record was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NotTaken {
    /// There is no room; later there will be.
    Full,
    /// It is larger than any broker takes.
    TooLarge,
    /// Something else.
    Other(Fault),
}

/// A topic to look at, and up to where one of its partitions must have records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) topic: String,
    /// Partitions, and the offset of the last record that was acknowledged there.
    pub(super) acknowledged: Vec<(i32, i64)>,
}

/// What was found of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) topic: String,
    /// How many partitions it has, or why that is not known.
    pub(super) partitions: Result<i32, Fault>,
    /// True if a partition no longer has what was acknowledged.
    pub(super) has_lost: bool,
    /// The first time that this producer sees it: what is wrong with how it is set up, a sentence, or that nothing is.
    pub(super) examined: Option<Result<(), String>>,
}

/// What is wrong with the brokers, as they or the client library say.
#[derive(Debug, Default)]
pub(super) struct Problems {
    /// The newest, and whether it ends the producer.
    last: Mutex<Option<(Fault, bool)>>,
    /// Which of [`BATCHES`] the next producer has.
    batches: AtomicUsize,
    /// True if a topic does not take what the present one sends.
    is_too_large: AtomicBool,
    wake: Arc<Notify>,
}

/// The largest batches, bytes: smaller ones for topics that do not take the first. Of the last size each record is one.
const BATCHES: [usize; 3] = [1_000_000, 50_000, 1];

impl Problems {
    pub(super) fn new(wake: Arc<Notify>) -> Arc<Self> {
        Arc::new(Self { wake, ..Self::default() })
    }

    /// Notes one. What ends the producer stays the last one.
    pub(super) fn note(&self, fault: Fault, is_fatal: bool) {
        let mut last = self.last.lock();
        let stays = |(before, is_fatal): &(Fault, bool)| *is_fatal || before.explains(&fault);
        if is_fatal || !last.as_ref().is_some_and(stays) {
            *last = Some((fault, is_fatal));
        }
        drop(last);
        self.wake.notify_one();
    }

    /// The largest batch of the next producer, bytes.
    pub(super) fn batch(&self) -> usize {
        BATCHES[self.batches.load(Ordering::Relaxed)]
    }

    /// A topic does not take a batch of the present producer.
    pub(super) fn note_too_large(&self) {
        self.is_too_large.store(true, Ordering::Relaxed);
        self.wake.notify_one();
    }

    /// Makes the batches smaller if they were too large since the last call; `None` if they were not, or cannot be smaller.
    pub(super) fn shrink(&self) -> Option<usize> {
        if !self.is_too_large.swap(false, Ordering::Relaxed) {
            return None;
        }
        let next = self.batches.load(Ordering::Relaxed) + 1;
        let size = BATCHES.get(next)?;
        self.batches.store(next, Ordering::Relaxed);
        Some(*size)
    }

    /// Forgets what the producer before has had.
    pub(super) fn forget(&self) {
        self.is_too_large.store(false, Ordering::Relaxed);
        *self.last.lock() = None;
    }

    /// The batches are as large as they can be again.
    pub(super) fn reset_batches(&self) {
        self.batches.store(0, Ordering::Relaxed);
    }

    /// The newest one since the last call.
    pub(super) fn take(&self) -> Option<(Fault, bool)> {
        self.last.lock().take()
    }
}
