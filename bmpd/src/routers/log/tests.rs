//! The log against a simple model: a map from route to attributes.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::compaction::NEWEST_WORTH_COMPACTING;
use super::stale::STALE_BATCH;
use super::*;
use crate::wire::family::Family;

const TIME: Timestamp = Timestamp { seconds: 1, micros: 2 };

/// What makes a route the one that it is -> its attributes, and it.
type Routes = BTreeMap<Vec<u8>, (Vec<u8>, Vec<u8>)>;

/// What a reader has been sent, kept as a station would keep it.
#[derive(Debug, Default)]
struct View {
    routes: Routes,
    announcements: usize,
    withdrawals: usize,
    end_of_rib: usize,
    /// What it had when it was last acknowledged, and when what is awaited was marked.
    acknowledged: (Routes, usize),
    marked: (Routes, usize),
}

struct Fixture {
    log: Log,
    attributes: Attributes,
    model: Routes,
    /// Those in the model that are stale.
    stale: BTreeSet<Vec<u8>>,
    readers: Vec<(ReaderId, View)>,
    walks: Vec<(WalkId, Passed)>,
}

/// What a walk has passed.
#[derive(Debug)]
struct Passed {
    /// The routes that have been there since it began.
    always: BTreeSet<Vec<u8>>,
    passed: BTreeSet<Vec<u8>>,
}

impl Fixture {
    fn new(segment_size: usize) -> Self {
        Self::of(Form::new(Family::IPV4_UNICAST, false), segment_size)
    }

    fn of(form: Form, segment_size: usize) -> Self {
        let log = Log::new(form, &Sizes { late: 0, segment: segment_size, ..Sizes::default() });
        Self {
            log,
            attributes: Attributes::default(),
            model: BTreeMap::new(),
            stale: BTreeSet::new(),
            readers: Vec::new(),
            walks: Vec::new(),
        }
    }

    fn announce(&mut self, attributes: &[u8], routes: &[Vec<u8>]) {
        let len = routes.iter().map(Vec::len).sum();
        self.log.announce(&mut self.attributes, attributes, TIME, len, routes.iter()).unwrap();
        for route in routes {
            let key = canonical(self.log.form(), route);
            self.stale.remove(&key);
            self.model.insert(key, (attributes.to_vec(), route.clone()));
        }
    }

    fn withdraw(&mut self, routes: &[Vec<u8>]) -> Withdrawn {
        let len = routes.iter().map(Vec::len).sum();
        let result = self.log.withdraw(&mut self.attributes, TIME, len, routes.iter()).unwrap();
        let mut known = 0;
        for route in routes {
            let key = canonical(self.log.form(), route);
            known += u32::from(self.model.remove(&key).is_some());
            self.stale.remove(&key);
            self.walks.iter_mut().for_each(|(_, passed)| _ = passed.always.remove(&key));
        }
        assert_eq!(result, Withdrawn { known, unknown: routes.len() as u32 - known });
        result
    }

    /// The neighbor goes down and restarts: what was stale goes, and the rest becomes it.
    fn restart(&mut self) {
        self.drop_stale();
        self.log.mark_stale(&mut self.attributes);
        self.stale = self.model.keys().cloned().collect();
        self.log.restart();
        for (_, view) in &mut self.readers {
            view.end_of_rib = 0;
            view.acknowledged.1 = 0;
            view.marked.1 = 0;
        }
    }

    /// The source is lost: readers are sent nothing of it.
    fn hold(&mut self) {
        self.log.mark_stale(&mut self.attributes);
        self.stale = self.model.keys().cloned().collect();
    }

    fn drop_stale(&mut self) {
        self.log.drop_stale(&mut self.attributes, TIME).unwrap();
        for key in std::mem::take(&mut self.stale) {
            self.model.remove(&key);
            self.walks.iter_mut().for_each(|(_, passed)| _ = passed.always.remove(&key));
        }
    }

    fn begin_walk(&mut self) {
        let always = self.model.keys().cloned().collect();
        self.walks.push((self.log.begin_walk(), Passed { always, passed: BTreeSet::new() }));
    }

    /// Continues a walk for this many records; what it passes is as it is now, and in the end nothing was left out that was
    /// there all the time.
    fn walk(&mut self, walk: usize, mut records: usize) {
        let Self { log, attributes, model, stale, walks, .. } = self;
        let (id, Passed { always, passed }) = &mut walks[walk];
        let (form, is_indexed) = (log.form(), log.late() == 0);
        let visit = |found: Found<'_>| {
            let key = canonical(form, found.route);
            // What waits for the index may be there twice.
            if is_indexed {
                assert_eq!(model[&key], (found.attributes.to_vec(), found.route.to_vec()));
                assert_eq!(found.is_stale, stale.contains(&key));
            }
            passed.insert(key);
        };
        let has_room = || {
            let is_left = records > 0;
            records = records.saturating_sub(1);
            is_left
        };
        if let Walked::All { changes } = log.walk(*id, attributes, usize::MAX, visit, has_room) {
            let missed = always.difference(passed).count();
            assert!(missed <= changes, "{missed} routes were left out, {changes} changes missed");
            log.end_walk(*id);
            walks.remove(walk);
        }
    }

    /// Every route is found, and no other.
    fn look_all_up(&mut self) {
        self.log.index(usize::MAX, &mut self.attributes);
        for n in 0..=u8::MAX {
            let route = vec![n; usize::from(n % 40)].into_iter().chain([n]).collect::<Vec<u8>>();
            let mut found = None;
            self.log.look_up(&route, &self.attributes, |one| {
                found = Some((one.attributes.to_vec(), one.route.to_vec(), one.is_stale));
            });
            let key = canonical(self.log.form(), &route);
            let expected = self.model.get(&key).cloned();
            let is_stale = self.stale.contains(&key);
            assert_eq!(found, expected.map(|(attributes, route)| (attributes, route, is_stale)));
        }
    }

    fn subscribe(&mut self) -> usize {
        self.subscribe_as(false)
    }

    fn subscribe_as(&mut self, is_acknowledged: bool) -> usize {
        self.readers.push((self.log.subscribe(is_acknowledged), View::default()));
        self.readers.len() - 1
    }

    fn is_acknowledged(&self, reader: usize) -> bool {
        let reader = self.readers.get(reader).and_then(|(id, _)| self.log.reader(*id));
        reader.is_some_and(|reader| reader.kept.is_some())
    }

    fn mark(&mut self, reader: usize) {
        let (id, view) = &mut self.readers[reader];
        self.log.mark(*id);
        view.marked = (view.routes.clone(), view.end_of_rib);
    }

    fn keep(&mut self, reader: usize) {
        let (id, view) = &mut self.readers[reader];
        self.log.keep(*id, &mut self.attributes);
        view.acknowledged = view.marked.clone();
    }

    /// What was under way is lost: all of it, what came after the mark, or only the acknowledgements.
    fn rewind(&mut self, reader: usize, lost: u8) {
        let (id, view) = &mut self.readers[reader];
        view.end_of_rib = view.acknowledged.1;
        self.log.rewind(*id, view.end_of_rib > 0);
        match lost {
            0 => view.routes = view.acknowledged.0.clone(),
            1 => view.routes = view.marked.0.clone(),
            _ => {}
        }
        view.marked = view.acknowledged.clone();
    }

    fn begin_again(&mut self, reader: usize) {
        let (id, view) = &mut self.readers[reader];
        self.log.begin_again(*id);
        view.end_of_rib = 0;
        view.acknowledged.1 = 0;
        view.marked = view.acknowledged.clone();
    }

    fn unsubscribe(&mut self, reader: usize) {
        let (id, _) = self.readers.swap_remove(reader);
        self.log.unsubscribe(id, &mut self.attributes);
    }

    fn read(&mut self, reader: usize, limit: usize) {
        let (id, view) = &mut self.readers[reader];
        let mut left = limit;
        let form = self.log.form();
        self.log.read(*id, &mut self.attributes, |record, attributes| {
            if left == 0 {
                return Visit::Stop;
            }
            left -= 1;
            for route in record.routes() {
                match record.attributes {
                    Some(id) => {
                        let sent = (attributes.get(id).to_vec(), route.to_vec());
                        view.announcements += 1;
                        view.routes.insert(canonical(form, route), sent);
                    }
                    None => {
                        view.withdrawals += 1;
                        view.routes.remove(&canonical(form, route));
                    }
                }
            }
            Visit::Taken
        });
        view.end_of_rib += usize::from(self.log.take_end_of_rib(*id));
    }

    fn routes(&mut self) -> usize {
        self.log.routes(&mut self.attributes)
    }

    fn check(&mut self) {
        assert_eq!(self.routes(), self.model.len());
        for reader in 0..self.readers.len() {
            self.read(reader, usize::MAX);
            let (id, view) = &self.readers[reader];
            assert_eq!(view.routes, self.model);
            assert!(self.log.is_at_end(*id));
            assert_eq!(self.log.remaining(*id, &mut { usize::MAX }), 0);
            assert_eq!(view.end_of_rib, usize::from(self.log.has_end_of_rib()));
        }
        let held: BTreeSet<_> = self.model.values().map(|(attributes, _)| attributes).collect();
        assert!(self.attributes.len() >= held.len());
        self.consistent();
    }

    /// The counters and the index say what the segments hold.
    fn consistent(&mut self) {
        let (mut alive, mut late) = (0, 0);
        let mut places = Vec::new();
        for slot in &self.log.order {
            let segment = self.log.segment(*slot);
            let sequence = segment.sequence;
            let (mut offset, mut entries, mut announced, mut withdrawn) = (0, 0, 0, 0);
            while let Some(header) = header_at(&segment.bytes, offset) {
                let record = Position { sequence, offset: offset as u32 };
                let is_late = self.log.late.is_some_and(|mark| mark <= record);
                offset = header.entries.end;
                let mut read = header.entries.start;
                while read < header.entries.end {
                    let entry = entry_at(&segment.bytes, read).unwrap();
                    read = entry.end;
                    entries += 1;
                    if entry.tag & SUPERSEDED != 0 {
                        continue;
                    }
                    if is_withdrawn(entry.tag) {
                        withdrawn += 1;
                    } else {
                        announced += 1;
                    }
                    if is_late {
                        assert!(!is_withdrawn(entry.tag));
                        late += 1;
                        continue;
                    }
                    places.push((entry.route.to_vec(), place(*slot, entry.offset)));
                }
            }
            assert_eq!(offset, segment.bytes.len());
            assert_eq!(
                (entries, announced, withdrawn),
                (segment.entries, segment.announced, segment.withdrawn)
            );
            alive += announced + withdrawn;
        }
        let Log { form, segments, index, hasher, .. } = &mut self.log;
        for (route, place) in places {
            let found = index.find(hash(*form, hasher, &route), same(*form, segments, &route));
            assert_eq!(found.copied(), Some(place));
        }
        assert_eq!((self.log.late(), self.log.late.is_some()), (late, late > 0));
        assert_eq!(self.log.index.len() + late, alive as usize);
        let kept: usize =
            self.log.order.iter().map(|slot| self.log.segment(*slot).withdrawn as usize).sum();
        assert_eq!(self.log.withdrawals, kept);
    }

    fn bytes(&self) -> usize {
        self.log.order.iter().map(|slot| self.log.segment(*slot).bytes.len()).sum()
    }
}

/// The key of a route in the model: for labeled unicast the route with another label.
fn canonical(form: Form, route: &[u8]) -> Vec<u8> {
    let mut key = route.to_vec();
    if !form.is_its_own_key() {
        key[1..4].fill(0);
    }
    key
}

/// A route of labeled unicast.
fn labeled(label: u8, n: u8) -> Vec<u8> {
    vec![48, 0, label, 0x11, 10, 0, n]
}

fn route(n: u32) -> Vec<u8> {
    let [_, a, b, c] = n.to_be_bytes();
    vec![24, a, b, c]
}

fn routes(range: std::ops::Range<u32>) -> Vec<Vec<u8>> {
    range.map(route).collect()
}

#[test]
fn a_route_that_changed_many_times_is_sent_once_in_its_last_state() {
    let mut fixture = Fixture::new(SEGMENT_MAX);
    let reader = fixture.subscribe();
    for n in 0..10u8 {
        fixture.announce(&[n], &routes(0..3));
    }
    let (id, _) = fixture.readers[reader];
    let mut seen = 0;
    fixture.log.read(id, &mut fixture.attributes, |record, attributes| {
        assert_eq!(attributes.get(record.attributes.unwrap()), [9]);
        seen += record.routes().count();
        Visit::Taken
    });
    assert_eq!(seen, 3);
}

#[test]
fn what_came_together_leaves_together() {
    let mut fixture = Fixture::new(SEGMENT_MAX);
    fixture.announce(b"a", &routes(0..100));
    fixture.announce(b"b", &routes(50..60));
    let reader = fixture.subscribe();
    let (id, _) = fixture.readers[reader];
    let mut sizes = Vec::new();
    fixture.log.read(id, &mut fixture.attributes, |record, _| {
        sizes.push(record.routes().count());
        Visit::Taken
    });
    assert_eq!(sizes, [90, 10]);
}

#[test]
fn a_new_reader_is_sent_nothing_that_was_withdrawn_before_it_began() {
    let mut fixture = Fixture::new(SEGMENT_MAX);
    let old = fixture.subscribe();
    fixture.announce(b"a", &routes(0..10));
    fixture.read(old, usize::MAX);
    fixture.withdraw(&routes(0..5));
    let new = fixture.subscribe();
    fixture.check();
    assert_eq!(fixture.readers[old].1.withdrawals, 5);
    assert_eq!(fixture.readers[new].1.withdrawals, 0);
}

#[test]
fn a_withdrawal_is_not_kept_where_no_reader_was_sent_the_route() {
    let mut fixture = Fixture::new(SEGMENT_MAX);
    fixture.subscribe();
    // The reader stalls at the beginning while routes come and go.
    for n in 0..1000 {
        fixture.announce(b"a", &routes(n * 100..n * 100 + 100));
        fixture.withdraw(&routes(n * 100..n * 100 + 100));
    }
    assert_eq!(fixture.log.index.len(), 0);
    assert!(fixture.bytes() < 2 * NEWEST_WORTH_COMPACTING, "{}", fixture.bytes());
    fixture.check();
}

#[test]
fn what_all_readers_know_to_be_gone_is_not_withdrawn_again() {
    let mut log = Fixture::new(4096);
    let reader = log.subscribe();
    log.announce(b"x", &[route(1)]);
    log.read(reader, usize::MAX);
    log.withdraw(&[route(1)]);
    log.read(reader, usize::MAX);
    assert_eq!(log.readers[reader].1.withdrawals, 1);
    // It comes and goes, and the reader sees neither.
    log.announce(b"y", &[route(1)]);
    log.withdraw(&[route(1)]);
    log.read(reader, usize::MAX);
    assert_eq!(log.readers[reader].1.withdrawals, 1);

    // One that has not been sent the first withdrawal has the route still.
    log.announce(b"x", &[route(1)]);
    log.read(reader, usize::MAX);
    let slow = log.subscribe();
    log.read(slow, usize::MAX);
    log.withdraw(&[route(1)]);
    log.read(reader, usize::MAX);
    log.announce(b"y", &[route(1)]);
    log.withdraw(&[route(1)]);
    log.read(slow, usize::MAX);
    assert_eq!(log.readers[slow].1.withdrawals, 1);
    assert!(log.readers[slow].1.routes.is_empty());
}

#[test]
fn a_withdrawal_is_kept_until_it_is_acknowledged() {
    let mut fixture = Fixture::new(4096);
    let reader = fixture.subscribe_as(true);
    fixture.announce(b"a", &routes(0..100));
    fixture.read(reader, usize::MAX);
    fixture.mark(reader);
    fixture.keep(reader);
    fixture.announce(b"b", &[route(1)]);
    fixture.withdraw(&[route(1), route(2)]);
    fixture.read(reader, usize::MAX);
    fixture.mark(reader);
    // None of it has arrived: it is sent again, in its last state.
    fixture.rewind(reader, 0);
    assert_eq!(fixture.readers[reader].1.routes.len(), 100);
    assert_eq!(fixture.log.remaining(fixture.readers[reader].0, &mut { usize::MAX }), 2);
    fixture.check();
    assert_eq!(fixture.log.withdrawals, 2);
    fixture.mark(reader);
    fixture.keep(reader);
    fixture.rewind(reader, 0);
    assert_eq!(fixture.log.remaining(fixture.readers[reader].0, &mut { usize::MAX }), 0);
}

#[test]
fn a_snapshot_has_all_routes_and_the_withdrawals_that_are_owed() {
    let mut fixture = Fixture::new(4096);
    let reader = fixture.subscribe_as(true);
    fixture.announce(b"a", &routes(0..100));
    fixture.log.end_of_rib(TIME);
    fixture.read(reader, usize::MAX);
    fixture.mark(reader);
    fixture.keep(reader);
    fixture.withdraw(&[route(5)]);
    fixture.begin_again(reader);
    assert_eq!(fixture.readers[reader].1.end_of_rib, 0);
    fixture.read(reader, usize::MAX);
    let view = &fixture.readers[reader].1;
    assert_eq!((view.announcements, view.withdrawals, view.end_of_rib), (199, 1, 1));
    fixture.check();
}

#[test]
fn a_stalled_reader_costs_at_most_one_entry_for_each_route() {
    let mut fixture = Fixture::new(4096);
    let stalled = fixture.subscribe();
    fixture.announce(b"a", &routes(0..1000));
    fixture.read(stalled, 1);
    let loaded = fixture.bytes();
    for n in 0..200u8 {
        let at = u32::from(n) * 5;
        fixture.announce(&[n; 50], &routes(at..at + 5));
        fixture.withdraw(&routes(at..at + 5));
    }
    assert!(fixture.bytes() < 3 * loaded, "{} after {loaded}", fixture.bytes());
    fixture.check();
}

#[test]
fn churn_without_end_needs_the_memory_of_what_is_alive() {
    let mut fixture = Fixture::new(SEGMENT_MAX);
    let reader = fixture.subscribe();
    fixture.announce(b"start", &routes(0..20_000));
    fixture.read(reader, usize::MAX);
    let loaded = fixture.bytes();
    for n in 0..40_000u32 {
        let at = (n * 7919) % 20_000;
        fixture.announce(&n.to_le_bytes(), &[route(at)]);
        if n % 3 == 0 {
            fixture.withdraw(&[route(at)]);
        }
        fixture.read(reader, usize::MAX);
    }
    // A record of one route takes 21 bytes, of which at most as many again are superseded.
    assert!(fixture.bytes() < loaded + 2 * 20_000 * 21 + 2 * SEGMENT_MAX, "{}", fixture.bytes());
    assert!(fixture.attributes.len() < 45_000, "{}", fixture.attributes.len());
    fixture.check();
}

#[test]
fn a_log_whose_routes_are_all_withdrawn_is_empty_again() {
    let mut fixture = Fixture::new(4096);
    let reader = fixture.subscribe();
    fixture.announce(b"a", &routes(0..5000));
    for at in (0..5000u32).step_by(100) {
        fixture.announce(&at.to_le_bytes(), &routes(at..at + 100));
    }
    fixture.read(reader, usize::MAX);
    fixture.withdraw(&routes(0..5000));
    fixture.check();
    fixture.unsubscribe(reader);
    fixture.announce(b"b", &routes(0..1));
    fixture.check();
    assert!(fixture.bytes() < 2 * 4096 + 30_000, "{}", fixture.bytes());
    assert!(fixture.log.index.len() <= 5001);
}

#[test]
fn the_end_of_rib_comes_once_after_the_dump_and_after_the_neighbors_own() {
    let mut fixture = Fixture::new(1024);
    let early = fixture.subscribe();
    fixture.read(early, usize::MAX);
    assert_eq!(fixture.readers[early].1.end_of_rib, 0, "the neighbor has not sent its own");
    fixture.announce(b"a", &routes(0..50));
    fixture.announce(b"b", &routes(50..60));
    fixture.log.end_of_rib(TIME);
    fixture.announce(b"c", &routes(60..70));
    fixture.read(early, 1);
    assert_eq!(fixture.readers[early].1.end_of_rib, 0, "half the dump is missing");
    fixture.read(early, 1);
    assert_eq!(fixture.readers[early].1.end_of_rib, 1);
    let late = fixture.subscribe();
    fixture.read(late, 2);
    assert_eq!(fixture.readers[late].1.end_of_rib, 0, "its dump goes on behind the mark");
    fixture.read(late, 1);
    assert_eq!(fixture.readers[late].1.end_of_rib, 1);
    fixture.check();
}

#[test]
fn routes_of_any_length_can_be_kept() {
    let mut fixture = Fixture::new(SEGMENT_MAX);
    let reader = fixture.subscribe();
    let long: Vec<Vec<u8>> = [0, 1, 30, 31, 32, 255, 300].map(|n| vec![n as u8; n]).to_vec();
    fixture.announce(b"a", &long);
    fixture.read(reader, usize::MAX);
    fixture.withdraw(&long[2..5]);
    fixture.check();
}

#[test]
fn another_label_replaces_a_route_and_any_label_withdraws_it() {
    let form = Form::new(Family::IPV4_LABELED_UNICAST, false);
    let mut fixture = Fixture::of(form, SEGMENT_MAX);
    let reader = fixture.subscribe();
    fixture.announce(b"a", &[labeled(1, 1), labeled(1, 2)]);
    fixture.read(reader, usize::MAX);
    fixture.announce(b"b", &[labeled(2, 1)]);
    assert_eq!(fixture.routes(), 2);
    fixture.check();
    fixture.withdraw(&[vec![48, 0x80, 0, 0, 10, 0, 1]]);
    fixture.check();
    assert_eq!(fixture.readers[reader].1.withdrawals, 1);
    assert_eq!(fixture.routes(), 1);
}

#[test]
fn what_a_restarted_neighbor_does_not_announce_anew_is_withdrawn_in_messages_that_fit() {
    let mut fixture = Fixture::new(8000);
    let reader = fixture.subscribe();
    for n in 0..50 {
        fixture.announce(&[n as u8], &routes(n * 100..n * 100 + 100));
    }
    fixture.announce(b"late", &routes(0..50));
    fixture.read(reader, usize::MAX);
    fixture.restart();
    for n in (0..50).step_by(2) {
        fixture.announce(b"new", &routes(n * 100..n * 100 + 100));
    }
    fixture.check();
    assert_eq!(fixture.routes(), 5000, "what is stale is kept");
    fixture.drop_stale();
    assert_eq!(fixture.routes(), 2500);
    let (id, _) = fixture.readers[reader];
    let mut withdrawn = 0;
    fixture.log.read(id, &mut fixture.attributes, |record, _| {
        assert!(record.attributes.is_none() && record.room() <= STALE_BATCH / 4 * 5);
        withdrawn += record.routes().count();
        Visit::Stop
    });
    assert!(withdrawn > 500, "many go together: {withdrawn}");
    fixture.check();
}

/// A table that is sent for the first time, in the order in which it came.
fn loading(updates: u32, late_max: usize) -> Fixture {
    let mut fixture = Fixture::new(4096);
    fixture.log.late_max = late_max;
    for n in 0..updates {
        fixture.announce(&n.to_le_bytes(), &routes(n * 10..n * 10 + 10));
    }
    fixture
}

#[test]
fn a_first_table_is_read_before_it_is_indexed() {
    let mut fixture = loading(100, usize::MAX);
    let reader = fixture.subscribe();
    fixture.read(reader, usize::MAX);
    assert_eq!((fixture.log.late(), fixture.log.index.len()), (1000, 0));
    assert_eq!(fixture.readers[reader].1.routes, fixture.model);
    fixture.log.index(60, &mut fixture.attributes);
    assert_eq!(fixture.log.late(), 980, "records are taken whole");
    fixture.consistent();
    fixture.check();
    assert_eq!(fixture.log.late(), 0);
}

#[test]
fn what_comes_twice_before_it_is_indexed_is_sent_in_order_and_counted_once() {
    let mut fixture = loading(10, usize::MAX);
    let early = fixture.subscribe();
    fixture.announce(b"again", &routes(0..50));
    fixture.read(early, usize::MAX);
    assert_eq!(fixture.readers[early].1.routes, fixture.model);
    assert!(fixture.log.routes_at_most() <= 150);
    assert!(fixture.log.routes_at_most() > 149, "what waits is taken to be new");
    assert_eq!(fixture.log.late(), 150);
    assert_eq!(fixture.routes(), 100);
    assert!(fixture.log.routes_at_most() <= 100);
    assert!(fixture.log.routes_at_most() > 99);
    // A new reader is sent each route once.
    let late = fixture.subscribe();
    let (id, _) = fixture.readers[late];
    assert_eq!(fixture.log.remaining(id, &mut { usize::MAX }), 100);
    fixture.check();
}

#[test]
fn only_so_many_wait_for_the_index() {
    let fixture = loading(100, 300);
    assert_eq!(fixture.log.late(), 300);
}

#[test]
fn after_the_end_of_rib_what_is_late_is_made_up_for_little_by_little() {
    let mut fixture = loading(1000, usize::MAX);
    fixture.log.end_of_rib(TIME);
    assert_eq!(fixture.log.late(), 10_000, "nobody waits for that");
    let mut updates = 0;
    while fixture.log.late() > 0 {
        let before = fixture.log.late();
        fixture.announce(b"more", &[route(20_000 + updates)]);
        assert!(before - fixture.log.late() < 1000);
        updates += 1;
    }
    assert!((10..30).contains(&updates), "{updates}");
    fixture.announce(b"at once", &routes(0..10));
    assert_eq!(fixture.log.late(), 0);
    fixture.check();
}

#[test]
fn a_withdrawal_finds_routes_that_were_late() {
    let mut fixture = loading(10, usize::MAX);
    let reader = fixture.subscribe();
    fixture.read(reader, 5);
    assert_eq!(fixture.withdraw(&routes(40..60)), Withdrawn { known: 20, unknown: 0 });
    fixture.check();
    assert_eq!(fixture.readers[reader].1.withdrawals, 10);
}

/// A hash table doubles; this must not.
#[test]
fn the_index_has_room_for_what_there_is_and_little_more() {
    for count in [30_000, 65_000, 130_000, 135_000, 260_000] {
        let mut fixture = loading(count / 10, usize::MAX);
        assert_eq!(fixture.routes(), count as usize);
        let bytes = fixture.log.index.memory();
        // A sixteenth to spare, and one part that is not full.
        assert!(bytes < count as usize * 7 + 82_000, "{bytes} bytes for {count} routes");
    }
}

#[derive(Debug, Clone)]
enum Step {
    Announce {
        attributes: u8,
        routes: Vec<u8>,
    },
    Withdraw {
        routes: Vec<u8>,
    },
    EndOfRib,
    Index {
        count: usize,
    },
    Subscribe,
    /// A reset: the generation ends, a new one begins.
    Unsubscribe {
        reader: usize,
    },
    Read {
        reader: usize,
        limit: usize,
    },
    Mark {
        reader: usize,
    },
    Keep {
        reader: usize,
    },
    Rewind {
        reader: usize,
        lost: u8,
    },
    /// A snapshot.
    BeginAgain {
        reader: usize,
    },
    BeginWalk,
    Walk {
        walk: usize,
        records: usize,
    },
    NeighborFlap,
    NeighborRestart,
    Hold,
    DropStale,
    Check,
}

fn step() -> impl Strategy<Value = Step> {
    let routes = || prop::collection::vec(any::<u8>(), 1..20);
    prop_oneof![
        6 => (any::<u8>(), routes()).prop_map(|(attributes, routes)| Step::Announce { attributes, routes }),
        4 => routes().prop_map(|routes| Step::Withdraw { routes }),
        1 => Just(Step::EndOfRib),
        2 => (0usize..40).prop_map(|count| Step::Index { count }),
        2 => Just(Step::Subscribe),
        1 => (0usize..8).prop_map(|reader| Step::Unsubscribe { reader }),
        6 => (0usize..8, 0usize..6).prop_map(|(reader, limit)| Step::Read { reader, limit }),
        3 => (0usize..8).prop_map(|reader| Step::Mark { reader }),
        3 => (0usize..8).prop_map(|reader| Step::Keep { reader }),
        2 => (0usize..8, 0u8..3).prop_map(|(reader, lost)| Step::Rewind { reader, lost }),
        1 => (0usize..8).prop_map(|reader| Step::BeginAgain { reader }),
        1 => Just(Step::BeginWalk),
        5 => (0usize..3, 0usize..6).prop_map(|(walk, records)| Step::Walk { walk, records }),
        1 => Just(Step::NeighborFlap),
        1 => Just(Step::NeighborRestart),
        1 => Just(Step::Hold),
        1 => Just(Step::DropStale),
        1 => Just(Step::Check),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn every_reader_ends_up_with_the_model(
        segment_size in 64usize..2000,
        late_max in prop::sample::select(vec![0, 3, 50, usize::MAX]),
        part in prop::sample::select(vec![1, 8, 100]),
        with_labels: bool,
        steps in prop::collection::vec(step(), 1..250),
    ) {
        let family =
            if with_labels { Family::IPV4_LABELED_UNICAST } else { Family::IPV4_UNICAST };
        let form = Form::new(family, false);
        let mut fixture = Fixture::of(form, segment_size);
        fixture.log.late_max = late_max;
        fixture.log.index = Index::new(part);
        let made = |label: u8, routes: Vec<u8>| -> Vec<Vec<u8>> {
            let route = |n: u8| {
                if with_labels {
                    labeled(label, n)
                } else {
                    vec![n; usize::from(n % 40)].into_iter().chain([n]).collect()
                }
            };
            routes.into_iter().map(route).collect()
        };
        for step in steps {
            match step {
                Step::Announce { attributes, routes } => {
                    fixture.announce(&vec![attributes; usize::from(attributes)], &made(attributes, routes));
                }
                Step::Withdraw { routes } => {
                    let mut routes = made(0x80, routes);
                    routes.sort();
                    routes.dedup();
                    fixture.withdraw(&routes);
                }
                Step::EndOfRib => fixture.log.end_of_rib(TIME),
                Step::Index { count } => fixture.log.index(count, &mut fixture.attributes),
                // Some are acknowledged what they were sent, and only those can lose it.
                Step::Subscribe if fixture.readers.len() < 8 => {
                    fixture.subscribe_as(fixture.readers.len() % 2 == 1);
                }
                Step::Mark { reader } if fixture.is_acknowledged(reader) => fixture.mark(reader),
                Step::Keep { reader } if fixture.is_acknowledged(reader) => fixture.keep(reader),
                Step::Rewind { reader, lost } if fixture.is_acknowledged(reader) => {
                    fixture.rewind(reader, lost);
                }
                Step::BeginAgain { reader } if fixture.is_acknowledged(reader) => {
                    fixture.begin_again(reader);
                }
                Step::Unsubscribe { reader } if reader < fixture.readers.len() => {
                    fixture.unsubscribe(reader);
                }
                Step::Read { reader, limit } if reader < fixture.readers.len() => {
                    fixture.read(reader, limit);
                }
                Step::BeginWalk if fixture.walks.len() < 3 => fixture.begin_walk(),
                Step::Walk { walk, records } if walk < fixture.walks.len() => {
                    fixture.walk(walk, records);
                }
                Step::NeighborFlap => {
                    // A new epoch has tables of its own; readers begin again.
                    let readers = fixture.readers.len();
                    fixture = Fixture::of(form, segment_size);
                    fixture.log.late_max = late_max;
                    for _ in 0..readers {
                        fixture.subscribe();
                    }
                }
                Step::NeighborRestart => fixture.restart(),
                Step::Hold => fixture.hold(),
                Step::DropStale => fixture.drop_stale(),
                Step::Check => fixture.check(),
                Step::Subscribe
                | Step::Unsubscribe { .. }
                | Step::Read { .. }
                | Step::Mark { .. }
                | Step::Keep { .. }
                | Step::Rewind { .. }
                | Step::BeginAgain { .. }
                | Step::BeginWalk
                | Step::Walk { .. } => {}
            }
            fixture.consistent();
        }
        fixture.check();
        if !with_labels {
            fixture.look_all_up();
        }
        while !fixture.walks.is_empty() {
            fixture.walk(0, usize::MAX);
        }
        fixture.begin_walk();
        fixture.walk(0, usize::MAX);
        prop_assert!(fixture.walks.is_empty());
        // Once nobody reads and all is withdrawn, nothing stays but unpurged remains of the newest.
        while !fixture.readers.is_empty() {
            fixture.unsubscribe(0);
        }
        let all: Vec<Vec<u8>> = fixture.model.keys().cloned().collect();
        fixture.withdraw(&all);
        prop_assert_eq!(fixture.routes(), 0);
        fixture.consistent();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    /// Whatever is compacted and merged meanwhile, and however often the source is lost again before it has sent all.
    #[test]
    fn after_a_hold_a_reader_is_sent_exactly_what_differs(
        segment_size in 64usize..2000,
        with_labels: bool,
        holds in prop::collection::vec(
            (any::<bool>(), 0usize..30, prop::collection::vec((0u8..4, 0u8..40), 0..60)), 1..12,
        ),
    ) {
        let family =
            if with_labels { Family::IPV4_LABELED_UNICAST } else { Family::IPV4_UNICAST };
        let mut fixture = Fixture::of(Form::new(family, false), segment_size);
        let made = |attributes: u8, n: u8| match with_labels {
            true => labeled(attributes % 2, n),
            false => route(u32::from(n)),
        };
        let early = fixture.subscribe();
        let slow = fixture.subscribe();
        for (is_whole, read, routes) in holds {
            fixture.read(early, usize::MAX);
            fixture.read(slow, read);
            fixture.hold();
            let sent = |fixture: &Fixture| {
                let view = &fixture.readers[early].1;
                (view.announcements, view.withdrawals)
            };
            let (before, had) = (sent(&fixture), fixture.model.clone());
            let mut differ = 0;
            let mut again = BTreeSet::new();
            for (attributes, n) in routes {
                let one = made(attributes, n);
                let key = canonical(fixture.log.form(), &one);
                if again.insert(key.clone()) {
                    let stored = vec![attributes / 2; 30];
                    differ += usize::from(had.get(&key) != Some(&(stored.clone(), one.clone())));
                    fixture.announce(&stored, &[one]);
                    fixture.consistent();
                }
            }
            let mut gone = 0;
            if is_whole {
                gone = fixture.stale.len();
                fixture.drop_stale();
            }
            fixture.consistent();
            fixture.read(early, usize::MAX);
            prop_assert_eq!(sent(&fixture), (before.0 + differ, before.1 + gone));
            prop_assert_eq!(fixture.routes(), fixture.model.len());
        }
        fixture.subscribe();
        fixture.check();
    }
}

#[test]
fn what_is_confirmed_is_stale_again_when_its_source_is_lost_again() {
    let mut fixture = Fixture::new(400);
    let reader = fixture.subscribe();
    fixture.announce(b"a", &routes(0..100));
    fixture.read(reader, usize::MAX);
    fixture.hold();
    fixture.announce(b"a", &routes(0..60));
    // Part of it is swept when it is lost.
    fixture.log.sweep_some();
    fixture.hold();
    fixture.announce(b"a", &routes(50..70));
    fixture.drop_stale();
    fixture.check();
    let view = &fixture.readers[reader].1;
    assert_eq!((fixture.model.len(), view.announcements, view.withdrawals), (20, 100, 80));
}

#[test]
fn a_source_that_is_lost_after_a_new_session_still_owes_its_routes() {
    let mut fixture = Fixture::new(400);
    let reader = fixture.subscribe();
    fixture.announce(b"a", &routes(0..100));
    fixture.read(reader, usize::MAX);
    fixture.hold();
    // Readers are sent a new session, and it is lost before all was announced.
    fixture.log.restart();
    fixture.announce(b"a", &routes(0..10));
    fixture.read(reader, usize::MAX);
    fixture.hold();
    fixture.announce(b"a", &routes(0..100));
    fixture.read(reader, usize::MAX);
    assert_eq!(fixture.readers[reader].1.announcements, 100 + 10 + 100);
    // Once it is complete, the next hold is a quiet one.
    fixture.drop_stale();
    fixture.hold();
    fixture.announce(b"a", &routes(0..100));
    fixture.read(reader, usize::MAX);
    assert_eq!(fixture.readers[reader].1.announcements, 100 + 10 + 100);
}

#[test]
fn a_source_with_a_new_session_sends_its_routes_to_readers_again() {
    let mut fixture = Fixture::new(400);
    let reader = fixture.subscribe();
    fixture.announce(b"a", &routes(0..100));
    fixture.read(reader, usize::MAX);
    fixture.hold();
    fixture.announce(b"a", &routes(0..60));
    fixture.restart();
    fixture.announce(b"a", &routes(0..60));
    fixture.drop_stale();
    fixture.check();
    let view = &fixture.readers[reader].1;
    assert_eq!((view.announcements, view.withdrawals), (160, 40));
}

/// A step of the compaction moves readers; the next one must look at where they are now.
#[test]
fn a_slow_reader_keeps_its_withdrawals_when_a_segment_is_looked_at_twice() {
    let mut fixture = Fixture::new(400);
    let slow = fixture.subscribe();
    let fast = fixture.subscribe();
    // One segment with the routes, and one more route that keeps it in being.
    fixture.announce(b"w", &routes(0..10));
    fixture.announce(b"y", &[route(50)]);
    // A long route begins the next segment, and the withdrawals fill it.
    fixture.announce(b"long", &[vec![9; 150]]);
    fixture.read(fast, usize::MAX);
    fixture.read(slow, usize::MAX);
    for n in 0..10 {
        fixture.withdraw(&[route(n)]);
    }
    assert_eq!(fixture.log.order.len(), 2);
    fixture.read(fast, usize::MAX);
    fixture.read(slow, 6);
    // Supersedes what the slow reader has read, and in between the last route of the first segment, so that
    // the second one is looked at twice.
    let again: Vec<Vec<u8>> = [0, 50, 1, 2, 3, 4, 5].into_iter().map(route).collect();
    fixture.announce(b"again", &again);
    fixture.check();
}

#[test]
fn a_reader_for_whom_too_much_would_be_kept_is_given_up() {
    let mut fixture = Fixture::new(4096);
    fixture.log.spare_withdrawals = 1000;
    let slow = fixture.subscribe();
    let fast = fixture.subscribe();
    // Ever new routes come and go; the fast reader is sent each.
    for n in 0..100 {
        let some = routes(n * 100..n * 100 + 100);
        fixture.announce(b"a", &some);
        fixture.read(fast, usize::MAX);
        fixture.withdraw(&some);
        fixture.read(fast, usize::MAX);
    }
    let [slow_id, fast_id] = [slow, fast].map(|reader| fixture.readers[reader].0);
    assert!(fixture.log.has_lapsed(slow_id));
    assert!(!fixture.log.has_lapsed(fast_id));
    assert!(fixture.log.withdrawals <= 1200, "{}", fixture.log.withdrawals);
    assert!(fixture.log.index.len() <= 1200);
    fixture.unsubscribe(slow);
    fixture.check();
}

/// A neighbor that withdraws its whole table does not make readers lapse, however slow they are.
#[test]
fn a_reader_is_sent_the_withdrawal_of_a_whole_table() {
    let mut fixture = Fixture::new(4096);
    fixture.log.spare_withdrawals = 10;
    let slow = fixture.subscribe();
    for _ in 0..5 {
        fixture.announce(b"a", &routes(0..2000));
        fixture.read(slow, usize::MAX);
        for n in 0..20 {
            fixture.withdraw(&routes(n * 100..n * 100 + 100));
        }
        assert!(!fixture.log.has_lapsed(fixture.readers[slow].0));
        assert_eq!(fixture.log.withdrawals, 2000);
        fixture.check();
    }
}

/// A neighbor that sends the same few routes over and over, and never an End-of-RIB: neither the memory of the index nor
/// what one call does may follow what waits.
#[test]
fn routes_that_are_repeated_while_they_wait_take_no_room_in_the_index() {
    let mut fixture = Fixture::new(SEGMENT_MAX);
    fixture.log.late_max = usize::MAX;
    for _ in 0..100 {
        for n in 0..10 {
            fixture.announce(b"a", &routes(n * 1000..n * 1000 + 1000));
        }
    }
    assert_eq!(fixture.log.late(), 1_000_000);
    let mut most = 0;
    while fixture.log.late() > 0 {
        let before = fixture.log.work();
        fixture.log.index(16 * 1024, &mut fixture.attributes);
        most = most.max(fixture.log.work() - before);
        assert!(fixture.log.index.memory() < 3 << 20, "{}", fixture.log.index.memory());
    }
    // What is indexed, what is moved for that, and two segments of at most 30,000 entries.
    assert!(most < 90_000, "{most}");
    assert_eq!(fixture.routes(), 10_000);
    fixture.consistent();
}

#[test]
fn the_number_of_routes_is_an_estimate_while_very_many_wait() {
    let mut fixture = Fixture::new(SEGMENT_MAX);
    fixture.log.late_max = usize::MAX;
    for _ in 0..10 {
        for n in 0..10 {
            fixture.announce(b"a", &routes(n * 1000..n * 1000 + 1000));
        }
    }
    assert_eq!(fixture.routes(), 100_000, "as far as anybody knows all of them are new");
    fixture.log.index(200_000, &mut fixture.attributes);
    let estimate = fixture.routes();
    assert!((10_000..=20_000).contains(&estimate), "{estimate}");
    fixture.log.index(usize::MAX, &mut fixture.attributes);
    assert_eq!(fixture.routes(), 10_000);
}

/// Segments are examined once each, however often the entries that are superseded alternate between them.
#[test]
fn a_segment_is_a_candidate_once() {
    let mut fixture = Fixture::new(1000);
    for n in 0..40 {
        fixture.announce(b"a", &routes(n * 10..n * 10 + 10));
    }
    let (mut first, mut second) = (routes(0..100), routes(200..300));
    second.reverse();
    let mut again = Vec::new();
    while let Some((one, other)) = first.pop().zip(second.pop()) {
        again.extend([one, other]);
    }
    // In one record: nothing is compacted meanwhile.
    fixture.announce(b"b", &again);
    assert!(fixture.log.candidates.len() <= fixture.log.segments.len());
    fixture.check();
}

impl Log {
    /// Sets how many more withdrawals than routes are kept.
    pub(crate) fn keep_withdrawals(&mut self, spare: usize) {
        self.spare_withdrawals = spare;
    }
}

proptest! {
    /// Against the plainest model there is: a list of routes, compared by what makes them the same.
    #[test]
    fn routes_of_every_family_are_known_by_their_keys(
        family in prop::sample::select(Family::ALL.to_vec()),
        add_path: bool,
        fields in prop::collection::vec(
            (any::<bool>(), prop::collection::vec(prop_oneof![3 => 0u8..6, 1 => 24u8..60], 4..60)),
            1..60,
        ),
    ) {
        let form = Form::new(family, add_path);
        let (mut log, mut attributes) = (Log::new(form, &Sizes { segment: 400, ..Sizes::default() }), Attributes::default());
        let mut model: Vec<Vec<u8>> = Vec::new();
        for (announces, field) in &fields {
            // As much of the bytes as can be cut into routes.
            let mut lens = (0..=field.len()).rev();
            let routes = lens.find_map(|len| form.routes(&field[..len]).ok());
            let routes = routes.expect("an empty field has no routes");
            for route in routes {
                let route = route.as_ref().to_vec();
                model.retain(|known| form.key(known) != form.key(&route));
                if *announces {
                    model.push(route);
                }
            }
            if *announces {
                log.announce(&mut attributes, b"a", TIME, routes.field_len(), routes).unwrap();
            } else {
                log.withdraw(&mut attributes, TIME, routes.field_len(), routes).unwrap();
            }
            prop_assert_eq!(log.routes(&mut attributes), model.len());
        }
        let reader = log.subscribe(false);
        let mut sent = Vec::new();
        log.read(reader, &mut attributes, |record, _| {
            sent.extend(record.routes().map(<[u8]>::to_vec));
            Visit::Taken
        });
        sent.sort();
        model.sort();
        prop_assert_eq!(sent, model);
    }
}
