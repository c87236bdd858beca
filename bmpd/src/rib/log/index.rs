//! Finding the live entry of a route, and when that is made possible.
//!
//! The index is cut into parts of the same size by the hash of the route. A hash table has a power of two of
//! places; of many small ones there are as many as are needed, and hardly a place too many.
//!
//! Readers need no index. So while a neighbor sends its table for the first time, what it announces is
//! appended and read at once, and comes late into the index: when the neighbor pauses, before it withdraws,
//! when somebody asks how many routes there are, when too many wait, and when they have waited long. A route
//! that was announced twice meanwhile is told twice, in order; what it takes is bounded by the same limits as
//! a route more.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Slot;

use super::record::{DEAD, Entries, RECORD_HEADER, TOLD, WITHDRAWN, entry_at, header_at};
use super::{Log, Position, bytes_of, hash, is_told, place, route_at, same, tag_at};
use crate::rib::attributes::Attributes;

/// How many routes a part of the index takes: 7/8 of 2^14 places.
const PART: usize = 14 * 1024;
/// How many there are for each part before there are more parts. Parts are not filled evenly: the square root of
/// this more or less is usual, and what is between this and [`PART`] is 13 times that.
const FILLED: usize = 12_800;

/// How many routes may be late, so that nobody waits long when they have to be looked at all at once: 0.2 s
/// for each family.
pub(super) const LATE_MAX: usize = 6_000_000;

/// Where late routes are not allowed any more, at least so many of them are looked at with each UPDATE.
const CATCH_UP: usize = 512;

/// Route (by its hash) -> place of its live entry.
#[derive(Debug)]
pub(super) struct Index {
    parts: Vec<HashTable<u32>>,
    len: usize,
}

impl Index {
    /// Empty, without memory.
    pub(super) fn new() -> Self {
        Self { parts: vec![HashTable::new()], len: 0 }
    }

    /// Empty, with room for so many.
    fn with_capacity(capacity: usize) -> Self {
        let parts = capacity.div_ceil(FILLED).max(1);
        let each = if parts == 1 { capacity } else { PART };
        Self { parts: (0..parts).map(|_| HashTable::with_capacity(each)).collect(), len: 0 }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// How many it is made for.
    pub(super) fn capacity(&self) -> usize {
        match self.parts.as_slice() {
            [only] => only.capacity().min(FILLED),
            parts => parts.len() * FILLED,
        }
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        let parts = self.parts.iter().map(HashTable::allocation_size).sum::<usize>();
        parts + self.parts.capacity() * size_of::<HashTable<u32>>()
    }

    /// The part of a hash, of which the parts themselves use the lowest bits and the highest seven.
    fn part(&mut self, hash: u64) -> &mut HashTable<u32> {
        let middle = u64::from((hash >> 25) as u32);
        let number = (middle * self.parts.len() as u64) >> 32;
        &mut self.parts[number as usize]
    }

    /// The place of the route with this hash of which `is_it` is true.
    pub(super) fn find(&mut self, hash: u64, is_it: impl FnMut(&u32) -> bool) -> Option<&mut u32> {
        self.part(hash).find_mut(hash, is_it)
    }

    /// Puts a place in. Returns the one that was there for the same route.
    fn put(
        &mut self,
        hash: u64,
        place: u32,
        is_it: impl FnMut(&u32) -> bool,
        rehash: impl Fn(&u32) -> u64,
    ) -> Option<u32> {
        match self.part(hash).entry(hash, is_it, rehash) {
            Slot::Occupied(mut found) => Some(std::mem::replace(found.get_mut(), place)),
            Slot::Vacant(vacant) => {
                vacant.insert(place);
                self.len += 1;
                None
            }
        }
    }

    /// Puts the place of a route in that is not there.
    fn put_new(&mut self, hash: u64, place: u32, rehash: impl Fn(&u32) -> u64) {
        self.part(hash).insert_unique(hash, place, rehash);
        self.len += 1;
    }

    /// Takes a place out, if it is there.
    pub(super) fn remove(&mut self, hash: u64, place: u32) {
        if let Ok(entry) = self.part(hash).find_entry(hash, |other| *other == place) {
            entry.remove();
            self.len -= 1;
        }
    }
}

impl Log {
    /// How many entries are not in the index yet.
    pub(crate) fn late(&self) -> usize {
        self.late_entries
    }

    /// Notes that the entries of a record are not in the index.
    pub(super) fn note_late(&mut self, record: Position, entries: usize) {
        self.late.get_or_insert(record);
        self.late_entries += entries;
    }

    /// Sees to the index after `more` entries were appended.
    pub(super) fn keep_up(&mut self, more: usize, attributes: &mut Attributes) {
        let is_loading = self.end_of_rib.is_none() && self.stale.is_none();
        if !is_loading {
            self.index(more + CATCH_UP.max(more), attributes);
        } else if self.late_entries > self.late_max {
            self.index(more, attributes);
        }
    }

    /// Takes late entries into the index, in their order: all that a record has, until there were so many.
    pub(crate) fn index(&mut self, count: usize, attributes: &mut Attributes) {
        let Some(mut at) = self.late else { return };
        self.make_room_in_index(self.late_entries);
        let before = self.late_entries;
        let mut rank = self.rank(at.sequence);
        while before - self.late_entries < count
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
        self.late = (self.late_entries > 0).then_some(at);
        self.settle(attributes);
    }

    /// Takes the entries of a record into the index; older ones of the same routes are dead from now on.
    fn index_record(&mut self, slot: u32, start: usize, end: usize) {
        let mut next = start + RECORD_HEADER;
        while next < end {
            let Self { form, segments, index, hasher, .. } = self;
            let Some(entry) = entry_at(bytes_of(segments, slot), next) else { break };
            next = entry.end;
            self.late_entries -= 1;
            let (offset, place) = (entry.offset, place(slot, entry.offset));
            let hash = hash(*form, hasher, entry.route);
            let is_it = same(*form, segments, entry.route);
            let rehash = |place: &u32| self::hash(*form, hasher, route_at(segments, *place));
            let Some(old) = index.put(hash, place, is_it, rehash) else {
                self.routes += 1;
                continue;
            };
            // Once every reader has been told of a withdrawal, no reader has the route any more.
            let was_withdrawn = tag_at(&self.segments, old) & WITHDRAWN != 0;
            let told = match was_withdrawn {
                true => self.is_needed(old),
                false => is_told(&self.segments, self.told_up_to, old),
            };
            self.kill(old);
            self.routes += usize::from(was_withdrawn);
            if told {
                self.segment_mut(slot).bytes[offset] |= TOLD;
            }
        }
    }

    /// Sees to it that the index takes so many more routes. Growing, it is made anew from the log, whose
    /// records lie in a row; the old one, which would be read in any order, is gone before.
    fn make_room_in_index(&mut self, routes: usize) {
        let (len, capacity) = (self.index.len(), self.index.capacity());
        if capacity - len.min(capacity) < routes {
            // What comes at once is all there is for now; what comes little by little goes on coming. In between
            // are the tables of which only a part may be late: they come little by little, with much behind.
            let needed = len + routes;
            let spare = match len {
                0 => needed / 16,
                _ if len < routes => needed / 4,
                _ => needed / 2,
            };
            self.rebuild_index(needed + spare);
        }
    }

    /// Makes the index smaller that has far too many places.
    pub(super) fn shrink_index(&mut self) {
        let (len, capacity) = (self.index.len(), self.index.capacity());
        if capacity > 4096 && len < capacity / 8 {
            self.rebuild_index(len * 2);
        }
    }

    fn rebuild_index(&mut self, capacity: usize) {
        self.index = Index::new();
        let mut index = Index::with_capacity(capacity);
        let Self { form, segments, order, hasher, .. } = self;
        let end = self.late.unwrap_or(Position::END);
        'segments: for slot in &*order {
            let Some(Some(segment)) = segments.get(*slot as usize) else { continue };
            let mut at = Position { sequence: segment.sequence, offset: 0 };
            while let Some(header) = header_at(&segment.bytes, at.offset as usize) {
                if at >= end {
                    break 'segments;
                }
                at.offset = header.entries.end as u32;
                let bytes = segment.bytes.get(..header.entries.end).unwrap_or_default();
                let entries = Entries { bytes, offset: header.entries.start };
                for entry in entries.filter(|entry| entry.tag & DEAD == 0) {
                    let hash = hash(*form, hasher, entry.route);
                    let rehash =
                        |place: &u32| self::hash(*form, hasher, route_at(segments, *place));
                    index.put_new(hash, place(*slot, entry.offset), rehash);
                }
            }
        }
        self.index = index;
    }

    /// An entry has moved. Late ones are not known by their places yet.
    pub(super) fn replace(&mut self, hash: u64, old: u32, new: u32) {
        if let Some(place) = self.index.find(hash, |place| *place == old) {
            *place = new;
        }
    }
}
