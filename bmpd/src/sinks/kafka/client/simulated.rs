//! The client of the simulator: a producer whose brokers are [`bus`].
//!
//! ```text
//!   send ──> waiting ── append ──> appended ── Acks::delivered, Acks::failed
//!                 (a lane for each partition, in order, later)
//! ```
//!
//! What has been sent is appended and acknowledged by a task for each partition, after delays that are drawn from the
//! seed; while no broker answers neither happens. A producer that is stopped acknowledges nothing any more; some
//! of what waited is appended nevertheless, before the next producer of its publisher sends.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use shared::response::PublisherReason;

use super::{Found, NotTaken, Problems, Record, Wanted};
use crate::config::Kafka;
use crate::simulation::bus::{self, Appended};
use crate::sinks::kafka::flow::{Acks, Fault, cost};

/// The longest time after its end in which records of a producer are appended, ms: less than what is between two producers.
const LATE: usize = 200;

/// A record, and what its outcome is reported to.
#[derive(Debug)]
struct Sent {
    record: bus::Record,
    acks: Arc<Acks>,
}

/// The records for one partition.
#[derive(Debug, Default)]
struct Lane {
    waiting: VecDeque<Sent>,
    /// With the offset, or without one if nobody will learn it.
    appended: VecDeque<(Sent, Option<i64>)>,
    has_task: bool,
}

#[derive(Debug, Default)]
struct State {
    lanes: BTreeMap<(String, i32), Lane>,
    /// What has neither been acknowledged nor failed, as the window counts it.
    in_flight: usize,
    /// It has failed for good.
    has_failed: bool,
    has_ended: bool,
}

#[derive(Debug)]
struct Inner {
    name: String,
    window: usize,
    problems: Arc<Problems>,
    state: Mutex<State>,
}

/// A producer.
#[derive(Debug)]
pub(in crate::sinks::kafka) struct Producer(Arc<Inner>);

/// What a lane can do next.
enum Next {
    Later,
    /// Once brokers answer, or there is the topic.
    Changed,
    Nothing,
}

fn fault(reason: PublisherReason, text: &str) -> Fault {
    Fault { reason, text: text.to_owned() }
}

fn missing(topic: &str) -> Fault {
    fault(PublisherReason::TopicMissing, &format!("the brokers have no topic {topic}"))
}

impl Producer {
    pub(in crate::sinks::kafka) fn start(
        name: &str,
        kafka: &Kafka,
        problems: Arc<Problems>,
    ) -> Result<Self, String> {
        let state = Mutex::default();
        let window = kafka.window as usize;
        Ok(Self(Arc::new(Inner { name: name.to_owned(), window, problems, state })))
    }

    pub(in crate::sinks::kafka) fn send(
        &self,
        record: Record<'_>,
        acks: &Arc<Acks>,
    ) -> Result<(), NotTaken> {
        let inner = &self.0;
        let mut state = inner.state.lock();
        if !state.has_failed && bus::take_failure(&inner.name) {
            state.has_failed = true;
            inner.problems.note(fault(PublisherReason::InDoubt, "the producer is fenced"), true);
        }
        if state.has_failed {
            return Err(NotTaken::Other(fault(
                PublisherReason::InDoubt,
                "the producer has failed",
            )));
        }
        if bus::lot(100) == 0 {
            return Err(NotTaken::Full);
        }
        acks.begin(record.value.len());
        state.in_flight += cost(record.value.len());
        if state.in_flight > inner.window && !state.has_ended {
            bus::note_violation(format!(
                "{} has {} bytes under way, its window is {}",
                inner.name, state.in_flight, inner.window
            ));
        }
        let place = (record.topic.to_owned(), record.partition);
        let lane = state.lanes.entry(place.clone()).or_default();
        let headers = record.headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let record = bus::Record {
            key: record.key.to_vec(),
            headers: headers.to_vec(),
            value: record.value.to_vec(),
        };
        lane.waiting.push_back(Sent { record, acks: Arc::clone(acks) });
        if !std::mem::replace(&mut lane.has_task, true) {
            tokio::spawn(Arc::clone(inner).serve(place));
        }
        Ok(())
    }

    /// What was not acknowledged is dropped, as far as brokers have not received it.
    pub(in crate::sinks::kafka) fn stop(&self) {
        let mut state = self.0.state.lock();
        if std::mem::replace(&mut state.has_ended, true) {
            return;
        }
        for (place, lane) in &mut state.lanes {
            let received = bus::lot(lane.waiting.len() + 1);
            let late: Vec<Sent> = lane.waiting.drain(..received).collect();
            let time = Duration::from_millis(bus::lot(LATE) as u64);
            let (topic, partition) = place.clone();
            tokio::spawn(async move {
                tokio::time::sleep(time).await;
                for Sent { record, .. } in late {
                    if !matches!(
                        bus::append(&topic, partition, &record),
                        Appended::At(_) | Appended::InDoubt
                    ) {
                        break;
                    }
                }
            });
        }
    }

    /// Looks at topics.
    pub(in crate::sinks::kafka) fn look(&self, wanted: &[Wanted]) -> Vec<Found> {
        let mut found = Vec::new();
        for Wanted { topic, acknowledged } in wanted {
            if bus::is_away() {
                let fault = fault(PublisherReason::BrokerUnreachable, "no broker answers");
                found.push(Found {
                    topic: topic.clone(),
                    partitions: Err(fault),
                    has_lost: false,
                    examined: None,
                });
                break;
            }
            let lengths = bus::lengths(topic);
            let has_lost = lengths.as_ref().is_some_and(|lengths| {
                let end = |partition: i32| lengths.get(partition as usize);
                let mut acknowledged = acknowledged.iter();
                acknowledged.any(|(partition, offset)| {
                    end(*partition).is_some_and(|end| *end as i64 <= *offset)
                })
            });
            let partitions = lengths.map(|lengths| lengths.len() as i32);
            let partitions = partitions.ok_or_else(|| missing(topic));
            found.push(Found { topic: topic.clone(), partitions, has_lost, examined: None });
        }
        found
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.0.state.lock().has_ended = true;
    }
}

impl Inner {
    /// Appends and acknowledges until nothing is left of a lane.
    async fn serve(self: Arc<Self>, place: (String, i32)) {
        loop {
            tokio::time::sleep(bus::latency()).await;
            match self.step(&place) {
                Next::Later => {}
                Next::Changed => bus::changed().await,
                Next::Nothing => return,
            }
        }
    }

    fn step(&self, place: &(String, i32)) -> Next {
        let mut state = self.state.lock();
        let State { lanes, in_flight, has_failed, has_ended } = &mut *state;
        let Some(lane) = lanes.get_mut(place).filter(|_| !*has_ended && !*has_failed) else {
            return Next::Nothing;
        };
        if bus::is_away() {
            return Next::Changed;
        }
        if bus::take_failure(&self.name) {
            *has_failed = true;
            self.problems.note(fault(PublisherReason::InDoubt, "the producer is fenced"), true);
            return Next::Nothing;
        }
        let mut done = |sent: Sent, outcome: Result<i64, Fault>| {
            let length = sent.record.value.len();
            *in_flight -= cost(length);
            match outcome {
                Ok(offset) => {
                    bus::note_acknowledged(&self.name);
                    sent.acks.delivered(length, offset);
                }
                Err(why) => sent.acks.failed(length, why),
            }
        };
        if lane.appended.is_empty() || !lane.waiting.is_empty() && bus::lot(2) == 0 {
            for _ in 0..=bus::lot(lane.waiting.len()) {
                let Some(sent) = lane.waiting.pop_front() else { break };
                match bus::append(&place.0, place.1, &sent.record) {
                    Appended::At(offset) => lane.appended.push_back((sent, Some(offset))),
                    Appended::InDoubt => lane.appended.push_back((sent, None)),
                    Appended::Refused => {
                        let why = fault(PublisherReason::BrokerError, "the record is refused");
                        done(sent, Err(why));
                    }
                    Appended::NoPartition => done(sent, Err(missing(&place.0))),
                    Appended::Missing if bus::lot(2) == 0 => done(sent, Err(missing(&place.0))),
                    Appended::Missing | Appended::Away => {
                        lane.waiting.push_front(sent);
                        return Next::Changed;
                    }
                }
            }
        } else {
            for _ in 0..=bus::lot(lane.appended.len()) {
                let Some((sent, offset)) = lane.appended.pop_front() else { break };
                let why = || fault(PublisherReason::InDoubt, "the acknowledgement is lost");
                done(sent, offset.ok_or_else(why));
            }
        }
        lane.has_task = !lane.waiting.is_empty() || !lane.appended.is_empty();
        if lane.has_task { Next::Later } else { Next::Nothing }
    }
}
