//! What is known of the topics that streams send to.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use shared::response::PublisherReason;
use tokio::sync::Notify;

use super::client::Found;
use super::flow::Fault;
use crate::platform::watch;
use crate::routers::Changes;

/// What is known of one.
#[derive(Debug, Default)]
struct Known {
    partitions: Option<i32>,
    /// True once it was looked at with the present producer.
    is_checked: bool,
    /// Why it cannot be sent to.
    fault: Option<Fault>,
    /// How often it was made anew, as far as that was noticed, and 1.
    epoch: u64,
    /// What is wrong with how it is set up.
    warning: Option<String>,
}

/// The topics of a publisher.
#[derive(Debug)]
pub(super) struct Topics {
    known: Mutex<HashMap<String, Known>>,
    changed: watch::Sender<u64>,
    /// Notified when something is to be looked at.
    pub(super) look: Arc<Notify>,
}

impl Default for Topics {
    fn default() -> Self {
        Self { known: Mutex::default(), changed: watch::Sender::new(0), look: Arc::default() }
    }
}

impl Topics {
    /// Notified whenever something of a topic has changed.
    pub(super) fn changes(&self) -> Changes {
        self.changed.subscribe()
    }

    /// A topic is to be looked at.
    pub(super) fn want(&self, topic: &str) {
        self.known.lock().entry(topic.to_owned()).or_default();
        self.look.notify_one();
    }

    /// How many partitions a topic has that can be sent to, and how often it was made anew.
    pub(super) fn partitions(&self, topic: &str) -> Option<(i32, u64)> {
        let known = self.known.lock();
        let known = known.get(topic).filter(|known| known.is_checked && known.fault.is_none())?;
        Some((known.partitions?, known.epoch))
    }

    /// A stream has found out that its topic was made anew, which it knew at this epoch: it is so for all streams.
    pub(super) fn note_replaced(&self, topic: &str, epoch: u64) {
        let mut all = self.known.lock();
        // Another stream may have been earlier.
        let Some(known) = all.get_mut(topic).filter(|known| known.epoch == epoch) else { return };
        known.epoch += 1;
        drop(all);
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Why topics cannot be sent to: the first one.
    pub(super) fn fault(&self) -> Option<Fault> {
        let known = self.known.lock();
        known.values().find_map(|known| known.fault.clone())
    }

    /// What is wrong with how they are set up; sentences.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut all: Vec<String> =
            self.known.lock().values().filter_map(|known| known.warning.clone()).collect();
        all.sort();
        all
    }

    /// True if all that are wanted can be sent to.
    pub(super) fn are_known(&self) -> bool {
        let known = self.known.lock();
        known.values().all(|known| known.is_checked && known.fault.is_none())
    }

    /// There is another producer: before it sends anything each is looked at, as the offsets that follow do not say
    /// whether it was made anew meanwhile.
    pub(super) fn recheck(&self) {
        self.known.lock().values_mut().for_each(|known| known.is_checked = false);
    }

    /// Forgets those that no stream sends to.
    pub(super) fn retain(&self, wanted: &BTreeSet<String>) {
        self.known.lock().retain(|topic, _| wanted.contains(topic));
    }

    /// Takes in what was found. Returns what is wrong, if that is new.
    pub(super) fn take(&self, found: Found) -> Option<Fault> {
        let mut all = self.known.lock();
        let known = all.entry(found.topic).or_default();
        let mut news = None;
        match found.partitions {
            Ok(count) => {
                let was_missing = known
                    .fault
                    .take()
                    .is_some_and(|fault| fault.reason == PublisherReason::TopicMissing);
                let has_fewer = known.partitions.is_some_and(|before| count < before);
                if known.epoch == 0 || found.has_lost || has_fewer || was_missing {
                    known.epoch += 1;
                }
                known.partitions = Some(count);
                if let Some(examined) = found.examined {
                    known.warning = examined.err();
                }
                known.is_checked = true;
            }
            // What is away may be back with everything.
            Err(fault) if fault.reason == PublisherReason::BrokerUnreachable => news = Some(fault),
            Err(fault) => {
                if known.fault.as_ref() != Some(&fault) {
                    news = Some(fault.clone());
                }
                known.fault = Some(fault);
            }
        }
        drop(all);
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
        news
    }

    /// Why a stream begins anew whose topic has another epoch.
    pub(super) fn replaced(topic: &str) -> Fault {
        let text = format!("topic {topic} was made anew, or has lost records");
        Fault { reason: PublisherReason::TopicReplaced, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(partitions: Result<i32, PublisherReason>, has_lost: bool) -> Found {
        let partitions = partitions.map_err(|reason| Fault { reason, text: "x".to_owned() });
        Found { topic: "t".to_owned(), partitions, has_lost, examined: None }
    }

    #[test]
    fn a_topic_is_another_one_when_it_was_away_or_is_smaller_or_has_lost_something() {
        use PublisherReason::{BrokerUnreachable, NotAuthorized, TopicMissing};
        let topics = Topics::default();
        topics.want("t");
        assert_eq!((topics.partitions("t"), topics.are_known()), (None, false));
        for (partitions, has_lost, expected) in [
            (Err(BrokerUnreachable), false, None),
            (Ok(3), false, Some((3, 1))),
            (Ok(3), false, Some((3, 1))),
            (Err(BrokerUnreachable), false, Some((3, 1))),
            // More of them leave the others as they are.
            (Ok(5), false, Some((5, 1))),
            (Ok(5), true, Some((5, 2))),
            (Ok(4), false, Some((4, 3))),
            (Err(NotAuthorized), false, None),
            (Ok(4), false, Some((4, 3))),
            (Err(TopicMissing), false, None),
            (Ok(4), false, Some((4, 4))),
        ] {
            topics.take(found(partitions, has_lost));
            assert_eq!(topics.partitions("t"), expected, "{partitions:?}");
        }
        // The second stream that finds it knows the same.
        topics.note_replaced("t", 4);
        topics.note_replaced("t", 4);
        assert_eq!(topics.partitions("t"), Some((4, 5)));
        topics.recheck();
        assert_eq!((topics.partitions("t"), topics.are_known()), (None, false));
        topics.take(found(Ok(4), false));
        assert_eq!(topics.partitions("t"), Some((4, 5)));
        topics.retain(&BTreeSet::new());
        assert!(topics.are_known() && topics.partitions("t").is_none());
    }
}
