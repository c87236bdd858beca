//! The message bus of a run: topics, which are lists of records, and what goes wrong with the brokers.
//!
//! ```text
//!   bmpd: Producer ── append ──> topics ──> records ──> the simulator, as a consumer
//!                  <─ Trouble, is_away ───────────────── the simulator
//! ```
//!
//! The producers are in `sinks::kafka::client::simulated`; when they append and acknowledge is drawn from the seed here.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

thread_local! {
    static BUS: RefCell<Bus> = RefCell::new(Bus::new(0));
}

/// What goes wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It is appended, and its producer never learns that.
    AcknowledgementLost,
    /// It is not appended, and its producer learns that.
    Refused,
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its key.
    pub key: Vec<u8>,
    /// Its headers: names and values.
    pub headers: Vec<(String, String)>,
    /// Its value.
    pub value: Vec<u8>,
}

#[derive(Debug, Default)]
struct Topic {
    partitions: Vec<Vec<Record>>,
    /// How often it was created.
    creations: u64,
    exists: bool,
}

struct Bus {
    lots: fastrand::Rng,
    topics: BTreeMap<String, Topic>,
    /// True while no broker answers.
    is_away: bool,
    /// True once nothing takes long any more.
    is_quick: bool,
    /// What goes wrong with the next records.
    troubles: Vec<Trouble>,
    /// Producers that are to fail for good, by the names of their publishers.
    dying: BTreeSet<String>,
    /// Records that producers have reported as acknowledged, by the names of their publishers.
    acknowledged: BTreeMap<String, u64>,
    violation: Option<String>,
    changed: Arc<Notify>,
}

impl Bus {
    fn new(seed: u64) -> Self {
        Self {
            lots: fastrand::Rng::with_seed(seed ^ 0x006b_6166_6b61),
            topics: BTreeMap::new(),
            is_away: false,
            is_quick: false,
            troubles: Vec::new(),
            dying: BTreeSet::new(),
            acknowledged: BTreeMap::new(),
            violation: None,
            changed: Arc::default(),
        }
    }
}

fn with<T>(f: impl FnOnce(&mut Bus) -> T) -> T {
    BUS.with_borrow_mut(f)
}

/// Starts with a bus without topics.
pub(super) fn begin(seed: u64) {
    BUS.replace(Bus::new(seed));
}

fn change(f: impl FnOnce(&mut Bus)) {
    let changed = with(|bus| {
        f(bus);
        Arc::clone(&bus.changed)
    });
    changed.notify_waiters();
}

/// Creates a topic, or creates it anew if it is not there.
pub fn create(topic: &str, partitions: usize) {
    change(|bus| {
        let topic = bus.topics.entry(topic.to_owned()).or_default();
        if !topic.exists {
            topic.exists = true;
            topic.creations += 1;
            topic.partitions = vec![Vec::new(); partitions];
        }
    });
}

/// Deletes a topic with its records.
pub fn delete(topic: &str) {
    change(|bus| {
        if let Some(topic) = bus.topics.get_mut(topic) {
            topic.exists = false;
            topic.partitions.clear();
        }
    });
}

/// Adds a partition to a topic.
pub fn add_partition(topic: &str) {
    change(|bus| {
        if let Some(topic) = bus.topics.get_mut(topic).filter(|topic| topic.exists) {
            topic.partitions.push(Vec::new());
        }
    });
}

/// Brokers answer, or none does.
pub fn set_away(is_away: bool) {
    change(|bus| bus.is_away = is_away);
}

/// This goes wrong with one of the next records.
pub fn trouble(trouble: Trouble) {
    with(|bus| bus.troubles.push(trouble));
}

/// The producer of this publisher fails for good as soon as it has something to do.
pub fn fail_producer(publisher: &str) {
    with(|bus| bus.dying.insert(publisher.to_owned()));
}

/// Nothing goes wrong from now on.
pub fn end_troubles() {
    change(|bus| {
        bus.is_away = false;
        bus.troubles.clear();
        bus.dying.clear();
    });
}

/// Nothing takes long from now on: the end of the run has a deadline.
pub fn be_quick() {
    change(|bus| bus.is_quick = true);
}

/// How often a topic was created.
pub fn creations(topic: &str) -> u64 {
    with(|bus| bus.topics.get(topic).map_or(0, |topic| topic.creations))
}

/// How many records there are in each partition of a topic; `None` if there is no such topic.
pub fn lengths(topic: &str) -> Option<Vec<usize>> {
    with(|bus| {
        let topic = bus.topics.get(topic).filter(|topic| topic.exists)?;
        Some(topic.partitions.iter().map(Vec::len).collect())
    })
}

/// The records of a partition from an offset on.
pub fn records(topic: &str, partition: usize, from: usize) -> Vec<Record> {
    with(|bus| {
        let partition = bus.topics.get(topic).and_then(|topic| topic.partitions.get(partition));
        let records = partition.and_then(|records| records.get(from..));
        records.unwrap_or_default().to_vec()
    })
}

/// How many acknowledgements a publisher has received.
pub fn acknowledged(publisher: &str) -> u64 {
    with(|bus| bus.acknowledged.get(publisher).copied().unwrap_or_default())
}

/// The first rule that a publisher has violated since this was last called.
pub fn take_violation() -> Option<String> {
    with(|bus| bus.violation.take())
}

/// What becomes of a record that is to be appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Appended {
    /// It is there, at this offset.
    At(i64),
    /// It is there, and nobody will acknowledge that.
    InDoubt,
    /// It is not there.
    Refused,
    /// There is no such topic.
    Missing,
    /// The topic has no such partition.
    NoPartition,
    /// No broker answers; the record can be appended later.
    Away,
}

/// Appends a record.
pub(crate) fn append(topic: &str, partition: i32, record: &Record) -> Appended {
    with(|bus| {
        if bus.is_away {
            return Appended::Away;
        }
        let found = bus.topics.get_mut(topic).filter(|topic| topic.exists);
        let Some(found) = found else { return Appended::Missing };
        let Some(records) = found.partitions.get_mut(partition as usize) else {
            return Appended::NoPartition;
        };
        let trouble = bus.troubles.pop();
        if trouble == Some(Trouble::Refused) {
            return Appended::Refused;
        }
        records.push(record.clone());
        match trouble {
            Some(_) => Appended::InDoubt,
            None => Appended::At(records.len() as i64 - 1),
        }
    })
}

/// True if no broker answers.
pub fn is_away() -> bool {
    with(|bus| bus.is_away)
}

/// True if the producer is to fail now.
pub(crate) fn take_failure(publisher: &str) -> bool {
    with(|bus| bus.dying.remove(publisher))
}

pub(crate) fn note_acknowledged(publisher: &str) {
    with(|bus| *bus.acknowledged.entry(publisher.to_owned()).or_default() += 1);
}

pub(crate) fn note_violation(text: String) {
    with(|bus| {
        bus.violation.get_or_insert(text);
    });
}

/// Until something of the brokers or of topics changes.
pub(crate) async fn changed() {
    let changed = with(|bus| Arc::clone(&bus.changed));
    changed.notified().await;
}

/// A number below that.
pub(crate) fn lot(below: usize) -> usize {
    with(|bus| bus.lots.usize(0..below.max(1)))
}

/// How long something takes.
pub(crate) fn latency() -> Duration {
    let most = match lot(40) {
        _ if with(|bus| bus.is_quick) => 1_000,
        0 => 1_000_000,
        1..=9 => 100_000,
        _ => 5_000,
    };
    Duration::from_micros(lot(most) as u64)
}
