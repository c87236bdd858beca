//! What has happened: the events that are kept, and those who follow them.
//!
//! ```text
//!   sessions, neighbors, control, daemon ── publish ──> History ── read ──> show event, HTTP, the status page
//!                                              └─ watch: the last number ──> Follower (monitor, HTTP: a cursor each)
//! ```
//!
//! There is one history for all of them. Publishing never blocks: a follower is a position in the history and nothing else, so one
//! that is slow costs nothing, misses what is no longer kept, and receives the number of those.
#![forbid(unsafe_code)]

mod history;

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use shared::event::{Event, EventKind};
use shared::names::VpnInstanceName;
use shared::request::{About, ShowEvents, WhichEvents};
use tokio::sync::watch;

use self::history::History;
use crate::moment::Moment;

/// Where events are published, kept and followed. The clones share one history.
#[derive(Debug, Clone)]
pub(crate) struct Events {
    history: Arc<Mutex<History>>,
    /// The number of the newest event.
    last: Arc<watch::Sender<u64>>,
    /// What the publisher of this clone shares its room with, if not only with itself.
    group: Option<Arc<str>>,
}

/// Events of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The selected ones, the oldest first.
    pub(crate) events: Vec<Arc<Event>>,
    /// The number of the newest event, selected or not.
    pub(crate) last: u64,
    /// How many events since the start are no longer kept.
    pub(crate) dropped: u64,
}

/// The name of the group of those that come from a prefix.
pub(crate) fn group_of(prefix: &impl fmt::Display, instance: Option<&VpnInstanceName>) -> String {
    match instance {
        Some(name) => format!("{prefix} vpn-instance {name}"),
        None => prefix.to_string(),
    }
}

impl Default for Events {
    fn default() -> Self {
        let history = History::new(Moment::now().timestamp().0);
        let last = Arc::new(watch::Sender::new(history.last()));
        Self { history: Arc::new(Mutex::new(history)), last, group: None }
    }
}

impl Events {
    /// The same for publishers that come and go with names of their own choice, such as the neighbors of a prefix: all of a
    /// group together have the room of one.
    pub(crate) fn of_group(&self, group: &str) -> Self {
        Self { group: Some(group.into()), ..self.clone() }
    }

    /// Publishes an event with the current time.
    pub(crate) fn publish(&self, what: EventKind) {
        self.publish_of(self.group.as_deref(), what);
    }

    /// The same for an event about a member of this group.
    pub(crate) fn publish_of(&self, group: Option<&str>, what: EventKind) {
        let mut history = self.history.lock();
        let last = history.add(Moment::now(), group, what);
        // Under the lock, so that it never goes back.
        self.last.send_replace(last);
    }

    /// The selected events that are kept.
    pub(crate) fn show(&self, show: &ShowEvents) -> Shown {
        let ShowEvents { which: WhichEvents { about, begin }, limit } = show;
        let history = self.history.lock();
        let limit = limit.map_or(usize::MAX, |limit| limit as usize);
        let newest = history.newest(*begin).filter(|event| about.matches(event));
        let mut events: Vec<_> = newest.take(limit).map(Arc::clone).collect();
        events.reverse();
        Shown { events, last: history.last(), dropped: history.dropped() }
    }

    /// Follows these events: from where they begin, or else those that are published from now on.
    pub(crate) fn follow(&self, which: WhichEvents) -> Follower {
        let WhichEvents { about, begin } = which;
        let history = self.history.lock();
        let at = begin.map_or(history.last(), |begin| history.position(begin));
        let history = Arc::clone(&self.history);
        Follower { history, last: self.last.subscribe(), about, at }
    }
}

/// One who reads events as they happen.
#[derive(Debug)]
pub(crate) struct Follower {
    history: Arc<Mutex<History>>,
    last: watch::Receiver<u64>,
    about: About,
    /// The number of the last event that was read or passed over.
    at: u64,
}

/// Events for a follower.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Batch {
    /// The next ones, the oldest first.
    pub(crate) events: Vec<Arc<Event>>,
    /// How many events up to the last one of these are no longer kept, whether they were selected or not.
    pub(crate) lost: u64,
}

impl Follower {
    /// Waits until there is an event that was not read; false if there can be none.
    pub(crate) async fn wait(&mut self) -> bool {
        let at = self.at;
        self.last.wait_for(|last| *last > at).await.is_ok()
    }

    /// The next events, as far as there are some and `goes_on` says after each of them that another one can follow.
    pub(crate) fn read(&mut self, mut goes_on: impl FnMut(&[Arc<Event>]) -> bool) -> Batch {
        let history = self.history.lock();
        let mut batch = Batch::default();
        for event in history.after(self.at) {
            batch.lost += event.sequence - self.at - 1;
            self.at = event.sequence;
            if self.about.matches(event) {
                batch.events.push(Arc::clone(event));
                if !goes_on(&batch.events) {
                    return batch;
                }
            }
        }
        batch.lost += history.last() - self.at;
        self.at = history.last();
        batch
    }
}

#[cfg(test)]
mod tests {
    use shared::request::Begin;

    use super::*;

    fn command(number: usize) -> EventKind {
        let by = "root".to_owned();
        EventKind::Command { by, command: number.to_string(), outcome: Ok(String::new()) }
    }

    fn numbers(events: &[Arc<Event>]) -> Vec<u64> {
        events.iter().map(|event| event.sequence).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_follower_goes_on_behind_the_last_event_of_the_history_without_a_gap() {
        let events = Events::default();
        (0..3).for_each(|n| events.publish(command(n)));
        let shown = events.show(&ShowEvents::default());
        let numbers_shown = numbers(&shown.events);
        assert!(numbers_shown.windows(2).all(|two| two[0] + 1 == two[1]), "{numbers_shown:?}");
        assert_eq!((numbers_shown.last(), shown.dropped), (Some(&shown.last), 0));
        events.publish(command(3));
        let begin = Some(Begin::After(shown.last));
        let mut follower = events.follow(WhichEvents { begin, ..WhichEvents::default() });
        assert!(follower.wait().await);
        let batch = follower.read(|_| true);
        assert_eq!((numbers(&batch.events), batch.lost), (vec![shown.last + 1], 0));
        let waits = tokio::time::timeout(std::time::Duration::from_secs(1), follower.wait());
        assert!(waits.await.is_err(), "there is no other");
        events.publish(command(4));
        assert!(follower.wait().await);
        drop(events);
        assert_eq!(follower.read(|_| true).events.len(), 1, "what was published is read");
        assert!(!follower.wait().await);
    }

    #[test]
    fn who_follows_from_now_on_gets_nothing_older_and_who_names_a_number_of_another_bmpd_gets_all()
    {
        let events = Events::default();
        (0..3).for_each(|n| events.publish(command(n)));
        let read =
            |begin| events.follow(WhichEvents { begin, ..WhichEvents::default() }).read(|_| true);
        assert_eq!(read(None), Batch::default());
        let all = events.show(&ShowEvents::default());
        for other in [0, 17, all.last + 1, u64::MAX] {
            assert_eq!(read(Some(Begin::After(other))).events, all.events, "{other}");
        }
    }

    #[test]
    fn a_limit_is_for_the_newest_of_those_that_are_selected() {
        let events = Events::default();
        let publisher = |n: usize| EventKind::Publisher {
            id: "lake".parse().unwrap(),
            from: None,
            to: None,
            why: n.to_string(),
        };
        for n in 0..5 {
            events.publish(publisher(n));
            events.publish(command(n));
        }
        let about = About::Publisher("lake".parse().unwrap());
        let which = WhichEvents { about, begin: None };
        let shown = events.show(&ShowEvents { which, limit: Some(2) });
        let why = |event: &Arc<Event>| match &event.what {
            EventKind::Publisher { why, .. } => why.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(shown.events.iter().map(why).collect::<Vec<_>>(), ["3", "4"]);
    }
}
