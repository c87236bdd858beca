//! The index from routes to their live entries, and when it is updated.
//!
//! Readers need no index. So while a neighbor sends its table for the first time, its announcements are appended
//! and read at once, and indexed later: when the neighbor pauses, before it withdraws, and when too many wait or
//! have waited long. A route that was announced twice meanwhile is sent twice, in order; its memory is bounded by
//! the same limits as one more route.
//!
//! The room that the index is given for the backlog depends on how many of the routes before were new: a neighbor may
//! repeat the same few routes without end.

use super::record::{RECORD_HEADER, SENT, entry_at, header_at, is_withdrawn};
use super::{Log, Position, bytes_of, hash, may_be_sent, place, route_at, same, tag_at};
use crate::routers::attributes::Attributes;
use crate::routers::index::Pace;

/// Once no backlog is allowed any more, at least this many of its routes are indexed with each UPDATE.
const CATCH_UP: usize = 512;

/// The work of an entry that is looked up in the index, and of one that is moved in it; one that is only appended
/// counts 1, as it waits for no memory.
pub(in crate::routers) const INDEXED: u64 = 4;
const MOVED: u64 = 2;

/// How many routes of the backlog are indexed before the share of new ones is estimated.
const SAMPLE: usize = 512;

/// The index is given room for this many times what was found new: the first routes of a table that is repeated are
/// new.
const GROWTH: usize = 128;

/// After this many entries room is made in the index for the next ones.
const BATCH: usize = 512;

/// How many routes are indexed at once, whatever the backlog, where an exact number of routes is wanted.
const INDEX_AT_ONCE: usize = 16 * 1024;

/// What was found since the backlog was last empty.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Indexed {
    indexed: usize,
    new: usize,
}

impl Indexed {
    /// How many of this many waiting routes are new, estimated from those before.
    fn expected(self, waiting: usize) -> usize {
        match self.indexed {
            0 => waiting,
            // No overflow: both are less than 2^32.
            indexed => (waiting as u64 * self.new as u64).div_ceil(indexed as u64) as usize,
        }
    }
}

impl Log {
    /// How many entries are not in the index yet.
    pub(crate) fn late(&self) -> usize {
        self.late_entries
    }

    /// Adds the entries of a record to the backlog.
    pub(super) fn note_late(&mut self, record: Position, entries: usize) {
        self.late.get_or_insert(record);
        self.late_entries += entries;
    }

    /// Updates the index after `more` entries were appended.
    pub(super) fn keep_up(&mut self, more: usize, attributes: &mut Attributes) {
        let is_loading = self.end_of_rib.is_none() && self.stale.is_none();
        if !is_loading {
            self.index_entries(more + CATCH_UP.max(more), attributes);
        } else if self.late_entries > self.late_max {
            self.index_entries(more, attributes);
        }
    }

    /// How many routes are announced and not withdrawn. With a very large backlog it is an estimate.
    pub(crate) fn routes(&mut self, attributes: &mut Attributes) -> usize {
        if self.late_entries <= INDEX_AT_ONCE {
            self.index(usize::MAX, attributes);
        }
        self.routes + self.found.expected(self.late_entries)
    }

    /// Indexes this many late entries, or fewer if the index grows meanwhile.
    fn index_entries(&mut self, count: usize, attributes: &mut Attributes) {
        self.index(count.saturating_mul(INDEXED as usize), attributes);
    }

    /// Indexes late entries in their order: all of a record, until this much work was done ([`Log::work`]).
    pub(crate) fn index(&mut self, count: usize, attributes: &mut Attributes) {
        let Some(mut at) = self.late else { return };
        let end = self.work.saturating_add(count as u64);
        while self.work < end && self.late_entries > 0 {
            let left = ((end - self.work) / INDEXED) as usize;
            at = self.index_some(at, left.clamp(1, BATCH));
        }
        self.late = (self.late_entries > 0).then_some(at);
        if self.late.is_none() {
            self.found = Indexed::default();
        }
        self.compact(attributes);
    }

    #[inline(never)]
    /// Indexes about this many late entries, from this position on. Returns where the next ones are.
    fn index_some(&mut self, mut at: Position, count: usize) -> Position {
        self.make_room_in_index();
        let (waiting, known) = (self.late_entries, self.index.len());
        let mut rank = self.rank(at.sequence);
        while waiting - self.late_entries < count
            && self.late_entries > 0
            && let Some(slot) = self.order.get(rank).copied()
        {
            let segment = self.segment(slot);
            if segment.sequence != at.sequence {
                at = Position { sequence: segment.sequence, offset: 0 };
            }
            match header_at(&segment.bytes, at.offset as usize) {
                Some(header) => {
                    self.index_record(slot, at.offset as usize, header.entries.end);
                    at.offset = header.entries.end as u32;
                }
                None => rank += 1,
            }
        }
        let (indexed, new) = (waiting - self.late_entries, self.index.len() - known);
        self.found.indexed += indexed;
        self.found.new += new;
        self.work += INDEXED * indexed as u64;
        self.resize(Pace::Put(new));
        at
    }

    /// Makes room in the index for the next routes of the backlog. If it has to grow for them, it is given room for all
    /// that are expected to be new.
    fn make_room_in_index(&mut self) {
        let Self { form, segments, index, hasher, late_entries, found, .. } = self;
        if index.has_room((*late_entries).min(BATCH)) {
            return;
        }
        let expected = match found.indexed {
            ..SAMPLE => (*late_entries).min(SAMPLE),
            _ => found.expected(*late_entries).min(GROWTH * found.new.max(SAMPLE)),
        };
        index.make_room(expected, |place| hash(*form, hasher, route_at(segments, *place)));
    }

    /// Continues a resize of the index.
    pub(crate) fn resize(&mut self, pace: Pace) {
        let Self { form, segments, index, hasher, .. } = self;
        let before = index.moves();
        index.go_on(pace, |place| hash(*form, hasher, route_at(segments, *place)));
        self.work += MOVED * (index.moves() - before);
    }

    /// True while the index is resized.
    pub(crate) fn is_resized(&self) -> bool {
        self.index.is_resized()
    }

    /// Shrinks an index that has far too many places. A backlog may need them.
    pub(super) fn shrink_index(&mut self) {
        let Self { form, segments, index, hasher, late, .. } = self;
        if late.is_none() {
            index.shrink(|place| hash(*form, hasher, route_at(segments, *place)));
        }
    }

    /// Indexes the entries of a record; older ones of the same routes are superseded from now on.
    fn index_record(&mut self, slot: u32, start: usize, end: usize) {
        let mut next = start + RECORD_HEADER;
        let (mut indexed, mut new) = (0, 0);
        while next < end {
            let Self { form, segments, index, hasher, .. } = self;
            let Some(entry) = entry_at(bytes_of(segments, slot), next) else { break };
            next = entry.end;
            indexed += 1;
            let (offset, place) = (entry.offset, place(slot, entry.offset));
            let hash = hash(*form, hasher, entry.route);
            let is_it = same(*form, segments, entry.route);
            let rehash = |place: &u32| self::hash(*form, hasher, route_at(segments, *place));
            let Some(old) = index.put(hash, place, is_it, rehash) else {
                new += 1;
                continue;
            };
            // Once every reader was sent a withdrawal, no reader has the route any more.
            let was_withdrawn = is_withdrawn(tag_at(&self.segments, old));
            let was_sent = match was_withdrawn {
                true => self.is_needed(old),
                false => may_be_sent(&self.segments, self.sent_up_to, old),
            };
            self.supersede(old);
            new += usize::from(was_withdrawn);
            if was_sent {
                self.segment_mut(slot).bytes[offset] |= SENT;
            }
        }
        self.late_entries -= indexed;
        self.routes += new;
    }

    /// An entry has moved. Late ones are not in the index yet.
    pub(super) fn replace(&mut self, hash: u64, old: u32, new: u32) {
        if let Some(place) = self.index.find(hash, |place| *place == old) {
            *place = new;
        }
    }
}
