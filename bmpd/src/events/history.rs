//! The events that are kept, in a bounded room that their sources share fairly.
//!
//! When the room is full, the source with the most events in it loses its oldest one; of several with the same number, the
//! one whose oldest event is the oldest. So a neighbor that flaps displaces its own events, and those of no source that has fewer:
//! with n sources each keeps about its last 4096/n events at least, and what others do not use it can use. A quota of a
//! fixed size for each source would need room for all of them, or be small for all; one queue for all would hold
//! nothing but the events of the one that flaps.
//!
//! A source is what a reader looks for: a leg, a neighbor, a router, a publisher; all commands and reloads are one. Those that
//! come and go with names that others choose (neighbors and routers of a prefix) have the room of one together.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use shared::event::{Event, EventKind};
use shared::names::{NeighborId, PublisherName, RouterId, SessionId};
use shared::request::Begin;

use crate::moment::Moment;

/// The room, in units.
const ROOM: usize = 4096;

/// What an event takes of it: one for each begun so many bytes. So `ROOM` bounds the number of events and their bytes.
const UNIT: usize = 1024;

/// Who of a kind: one, or those of a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Member<T> {
    One(T),
    Of(Arc<str>),
}

impl<T> Member<T> {
    fn of(group: Option<&str>, one: &T) -> Self
    where
        T: Clone,
    {
        group.map_or_else(|| Self::One(one.clone()), |group| Self::Of(group.into()))
    }
}

/// What events are about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Leg(SessionId, Member<RouterId>),
    Neighbor(Member<NeighborId>),
    Router(Member<RouterId>),
    Publisher(PublisherName),
    Daemon,
}

impl Source {
    fn of(group: Option<&str>, what: &EventKind) -> Self {
        match what {
            EventKind::Session { id, router, .. } => {
                Self::Leg(id.clone(), Member::of(group, router))
            }
            EventKind::Neighbor { id, .. } => Self::Neighbor(Member::of(group, id)),
            EventKind::Router { id, .. } => Self::Router(Member::of(group, id)),
            EventKind::Publisher { id, .. } => Self::Publisher(id.clone()),
            EventKind::Command { .. }
            | EventKind::Reload { .. }
            | EventKind::Started { .. }
            | EventKind::Stopping => Self::Daemon,
        }
    }
}

/// An event, and when it was by the monotonic clock.
#[derive(Debug)]
struct Kept {
    event: Arc<Event>,
    at: Moment,
    source: Source,
    units: usize,
}

/// The events of a source.
#[derive(Debug, Default)]
struct Queue {
    /// Their numbers, the oldest first; never empty.
    numbers: VecDeque<u64>,
    units: usize,
}

impl Queue {
    /// Where it is in the order of those that lose one: the largest first, then the oldest.
    fn rank(&self) -> (Reverse<usize>, u64) {
        (Reverse(self.units), self.numbers.front().copied().unwrap_or(u64::MAX))
    }
}

/// The events that are kept.
#[derive(Debug)]
pub(super) struct History {
    /// By their numbers.
    events: BTreeMap<u64, Kept>,
    sources: BTreeMap<Source, Queue>,
    /// The ranks of all sources. What is first loses its oldest event.
    ranks: BTreeSet<(Reverse<usize>, u64)>,
    units: usize,
    /// The number before the first event.
    base: u64,
    /// That of the newest one.
    last: u64,
}

impl History {
    /// An empty one, whose first event will have the number behind this one.
    pub(super) fn new(base: u64) -> Self {
        let (events, sources, ranks) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        Self { events, sources, ranks, units: 0, base, last: base }
    }

    /// Adds an event, and returns its number.
    pub(super) fn add(&mut self, at: Moment, group: Option<&str>, what: EventKind) -> u64 {
        self.last += 1;
        let source = Source::of(group, &what);
        let event = Event { sequence: self.last, at: at.timestamp(), what };
        let units = bytes(&event).div_ceil(UNIT).min(ROOM);
        while self.units + units > ROOM {
            self.drop_one();
        }
        let queue = self.sources.entry(source.clone()).or_default();
        self.ranks.remove(&queue.rank());
        queue.numbers.push_back(self.last);
        queue.units += units;
        self.ranks.insert(queue.rank());
        self.units += units;
        self.events.insert(self.last, Kept { event: Arc::new(event), at, source, units });
        self.last
    }

    /// Drops the oldest event of the source that has the most.
    fn drop_one(&mut self) {
        let Some(first) = self.ranks.pop_first() else { return };
        let Some(kept) = self.events.remove(&first.1) else { return };
        self.units -= kept.units;
        let Some(queue) = self.sources.get_mut(&kept.source) else { return };
        queue.numbers.pop_front();
        queue.units -= kept.units;
        if queue.numbers.is_empty() {
            self.sources.remove(&kept.source);
        } else {
            self.ranks.insert(queue.rank());
        }
    }

    /// The number of the newest event.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// How many were dropped.
    pub(super) fn dropped(&self) -> u64 {
        self.last - self.base - self.events.len() as u64
    }

    /// The number behind which events begin.
    pub(super) fn position(&self, begin: Begin) -> u64 {
        match begin {
            Begin::After(number) if (self.base..=self.last).contains(&number) => number,
            // Of another bmpd.
            Begin::After(_) => self.base,
            Begin::Ago(_) | Begin::At(_) => {
                let before = self.events.values().rev().find(|kept| !is_since(kept, begin));
                before.map_or(self.base, |kept| kept.event.sequence)
            }
        }
    }

    /// Those behind this number, the oldest first.
    pub(super) fn after(&self, number: u64) -> impl Iterator<Item = &Arc<Event>> {
        self.events.range(number.saturating_add(1)..).map(|(_, kept)| &kept.event)
    }

    /// Those from there on, the newest first.
    pub(super) fn newest(&self, begin: Option<Begin>) -> impl Iterator<Item = &Arc<Event>> {
        let from = begin.map_or(self.base, |begin| self.position(begin));
        self.events.range(from.saturating_add(1)..).rev().map(|(_, kept)| &kept.event)
    }
}

/// By the clock that the beginning was given for.
fn is_since(kept: &Kept, begin: Begin) -> bool {
    match begin {
        Begin::Ago(span) => kept.at.age() <= span.duration(),
        Begin::At(time) => kept.event.at >= time,
        Begin::After(number) => kept.event.sequence > number,
    }
}

/// What an event takes in memory, roughly: itself and its texts.
fn bytes(event: &Event) -> usize {
    let texts = match &event.what {
        EventKind::Session { why, .. }
        | EventKind::Neighbor { why, .. }
        | EventKind::Router { why, .. }
        | EventKind::Publisher { why, .. } => why.len(),
        EventKind::Command { by, command, outcome } => {
            let (Ok(text) | Err(text)) = outcome;
            by.len() + command.len() + text.len()
        }
        EventKind::Reload { by, items, more: _ } => {
            let item = |item: &shared::response::ReloadItem| {
                let changes = item.changes.iter();
                let changes = changes.map(|change| {
                    size_of_val(change) + change.key.len() + change.old.len() + change.new.len()
                });
                size_of_val(item) + changes.sum::<usize>()
            };
            by.len() + items.iter().map(item).sum::<usize>()
        }
        EventKind::Started { version } => version.len(),
        EventKind::Stopping => 0,
    };
    size_of::<Kept>() + size_of::<Event>() + texts
}

#[cfg(test)]
mod tests {
    use shared::time::{Span, Timestamp};

    use super::*;

    fn neighbor(address: u32, why: &str) -> EventKind {
        let address = std::net::Ipv4Addr::from(0x0a00_0000 + address).into();
        let id = NeighborId { vpn_instance: None, address };
        EventKind::Neighbor { id, from: None, to: None, why: why.to_owned() }
    }

    fn filled(history: &mut History, group: Option<&str>, address: u32, count: usize) {
        (0..count).for_each(|_| {
            history.add(Moment::now(), group, neighbor(address, ""));
        });
    }

    fn kept(history: &History, address: u32) -> usize {
        let id = match neighbor(address, "") {
            EventKind::Neighbor { id, .. } => id,
            other => panic!("{other:?}"),
        };
        let is_its = |event: &&Arc<Event>| matches!(&event.what, EventKind::Neighbor { id: of, .. } if *of == id);
        history.after(0).filter(is_its).count()
    }

    fn check(history: &History) {
        let units: usize = history.events.values().map(|kept| kept.units).sum();
        assert_eq!((units, history.ranks.len()), (history.units, history.sources.len()));
        assert!(units <= ROOM);
        for queue in history.sources.values() {
            assert!(!queue.numbers.is_empty() && history.ranks.contains(&queue.rank()));
        }
    }

    #[test]
    fn a_source_that_flaps_displaces_only_its_own_events() {
        let mut history = History::new(0);
        for address in 1..=100 {
            filled(&mut history, None, address, 10);
        }
        filled(&mut history, None, 0, 100_000);
        assert!((1..=100).all(|address| kept(&history, address) == 10));
        assert_eq!(kept(&history, 0), ROOM - 1000, "what others do not use");
        // Another one that flaps gets as much.
        filled(&mut history, None, 1, 100_000);
        assert!((2..=100).all(|address| kept(&history, address) == 10));
        assert!(kept(&history, 0).abs_diff(kept(&history, 1)) <= 2);
        assert_eq!(history.dropped(), 201_000 - ROOM as u64);
        check(&history);
    }

    #[test]
    fn names_that_others_choose_have_the_room_of_one() {
        let mut history = History::new(0);
        for address in 0..20 {
            filled(&mut history, None, address, 100);
        }
        for address in 1000..100_000 {
            filled(&mut history, Some("10.0.0.0/8"), address, 1);
        }
        assert!((0..20).all(|address| kept(&history, address) == 100));
        check(&history);
    }

    #[test]
    fn with_more_sources_than_room_the_oldest_is_dropped() {
        let mut history = History::new(0);
        for address in 0..2 * ROOM as u32 {
            filled(&mut history, None, address, 1);
        }
        let first = history.after(0).next().unwrap().sequence;
        assert_eq!((first, history.events.len()), (ROOM as u64 + 1, ROOM));
        check(&history);
    }

    #[test]
    fn a_long_event_takes_the_room_of_several_and_none_takes_more_than_there_is() {
        let mut history = History::new(0);
        filled(&mut history, None, 1, ROOM);
        history.add(Moment::now(), None, neighbor(2, &"x".repeat(100 * UNIT)));
        assert!((ROOM - 102..ROOM - 100).contains(&kept(&history, 1)), "{}", kept(&history, 1));
        check(&history);
        history.add(Moment::now(), None, neighbor(3, &"x".repeat(2 * ROOM * UNIT)));
        assert_eq!((history.events.len(), kept(&history, 3)), (1, 1));
        check(&history);
        filled(&mut history, None, 1, 1);
        assert_eq!((history.events.len(), kept(&history, 3)), (1, 0));
        check(&history);
    }

    #[tokio::test(start_paused = true)]
    async fn events_begin_where_they_are_asked_for() {
        let mut history = History::new(1000);
        for address in 0..4 {
            filled(&mut history, None, address, 1);
            tokio::time::advance(std::time::Duration::from_secs(10)).await;
        }
        let first = |begin| history.newest(Some(begin)).last().map(|event| event.sequence);
        for (seconds, expected) in
            [(5, None), (10, Some(1004)), (25, Some(1003)), (1 << 40, Some(1001))]
        {
            assert_eq!(first(Begin::Ago(Span(seconds * 1000))), expected, "{seconds}");
        }
        assert_eq!(first(Begin::At(Timestamp(0))), Some(1001));
        assert_eq!(first(Begin::At(Timestamp(u64::MAX))), None);
        for (after, expected) in [
            (1002, Some(1003)),
            (1004, None),
            (1000, Some(1001)),
            (999, Some(1001)),
            (u64::MAX, Some(1001)),
        ] {
            assert_eq!(first(Begin::After(after)), expected, "{after}");
        }
    }
}
