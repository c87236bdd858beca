//! Maps hashes to places: a hash table that is resized in steps of bounded work.
//!
//! The index is cut into parts by ranges of the hash. One hash table has a power of two of places; of many small
//! ones there are as many as needed, with few to spare. To grow or to shrink, other parts are made and the entries
//! move there, one part at a time and in the order of the ranges, in proportion to what is inserted and removed
//! meanwhile. So no single call pays for a whole table: a neighbor with millions of routes must not keep others
//! from their turn while its index is resized.
//!
//! ```text
//! parts:   [ moved | moved | 12,800 | 12,800 ]        a hash of a part before `moved` is looked up
//! next:    [ 8,500 | 8,500 | 8,500 | - | - | - ]      in `next`, any other one in `parts`
//! ```
//!
//! Places of 32 bits are stored. The hash of a stored place is computed again from the data there
//! (`rehash`), which the caller provides.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

pub(super) use crate::platform::Hasher;

/// How many entries a part takes: 7/8 of 2^14 places.
pub(super) const PART: usize = 14 * 1024;

/// How many entries move for each one inserted while an index grows: the parts that have not moved take new entries, an
/// eighth more than they had, for which `most` leaves room.
const MOVES_TO_GROW: usize = 8;

/// How many entries move for each one inserted or removed when there is no urgency.
const MOVES: usize = 2;

/// How many entries are to move.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pace {
    /// In proportion to this many that were inserted.
    Put(usize),
    /// In proportion to this many that were removed.
    Removed(usize),
    /// This many.
    Entries(usize),
}

/// A map of hashes to places.
#[derive(Debug)]
pub(super) struct Index {
    /// How many entries a part takes without growing.
    part: usize,
    parts: Vec<HashTable<u32>>,
    /// While the index is resized, the parts that the entries move to. Those with entries already have room for a whole
    /// part.
    next: Vec<HashTable<u32>>,
    /// How many of `parts` have moved.
    moved: usize,
    /// With more entries than this the index grows, and with fewer than that it shrinks. Neither happens while it is
    /// resized.
    most: usize,
    least: usize,
    /// How many entries may still move before others have their turn; below 0: how many moved too early.
    credit: i64,
    len: usize,
    /// Entries that have moved so far.
    moves: u64,
}

/// The part of a hash. The hash tables themselves use its lowest bits and the highest seven.
#[inline]
fn number(hash: u64, parts: usize) -> usize {
    let middle = u64::from((hash >> 25) as u32);
    ((middle * parts as u64) >> 32) as usize
}

impl Index {
    /// Empty, without memory. A part takes this many entries.
    pub(super) fn new(part: usize) -> Self {
        Self {
            part,
            parts: vec![HashTable::new()],
            next: Vec::new(),
            moved: 0,
            most: 0,
            least: 0,
            credit: 0,
            len: 0,
            moves: 0,
        }
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Entries that were moved by resizing so far.
    pub(super) fn moves(&self) -> u64 {
        self.moves
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        let all = || [&self.parts, &self.next].into_iter();
        let tables = all().flatten().map(HashTable::allocation_size).sum::<usize>();
        tables + all().map(|parts| parts.capacity() * size_of::<HashTable<u32>>()).sum::<usize>()
    }

    /// Computes when the index is to be resized again.
    fn resized(&mut self) {
        let most = (self.part * 24 / 28).max(1);
        (self.most, self.least) = match self.parts.as_slice() {
            [only] => (only.capacity().min(most), 0),
            parts => (parts.len() * most, parts.len() * most / 8),
        };
    }

    /// How many entries there are for each part at most when it was resized. Parts are not filled evenly: the square
    /// root of their mean more or less is usual, and what is left free here is 13 times that.
    fn filled(&self) -> usize {
        (self.part * 25 / 28).max(1)
    }

    #[inline]
    fn table(&mut self, hash: u64) -> &mut HashTable<u32> {
        let part = number(hash, self.parts.len());
        if part < self.moved {
            let part = number(hash, self.next.len());
            &mut self.next[part]
        } else {
            &mut self.parts[part]
        }
    }

    /// The entry with this hash for which `is_it` is true.
    #[inline(always)]
    pub(super) fn find(&mut self, hash: u64, is_it: impl FnMut(&u32) -> bool) -> Option<&mut u32> {
        self.table(hash).find_mut(hash, is_it)
    }

    /// Inserts a place. Returns the one that it replaces, for which `is_it` is true.
    #[inline]
    pub(super) fn put(
        &mut self,
        hash: u64,
        place: u32,
        is_it: impl FnMut(&u32) -> bool,
        rehash: impl Fn(&u32) -> u64,
    ) -> Option<u32> {
        match self.table(hash).entry(hash, is_it, rehash) {
            Entry::Occupied(mut found) => Some(std::mem::replace(found.get_mut(), place)),
            Entry::Vacant(vacant) => {
                vacant.insert(place);
                self.len += 1;
                None
            }
        }
    }

    /// Inserts a place that is not there yet.
    pub(super) fn put_new(&mut self, hash: u64, place: u32, rehash: impl Fn(&u32) -> u64) {
        self.table(hash).insert_unique(hash, place, rehash);
        self.len += 1;
    }

    /// Removes a place, if it is there.
    pub(super) fn remove(&mut self, hash: u64, place: u32) {
        if let Ok(entry) = self.table(hash).find_entry(hash, |other| *other == place) {
            entry.remove();
            self.len -= 1;
        }
    }

    /// True if this many more entries fit in without growing.
    pub(super) fn has_room(&self, more: usize) -> bool {
        self.len + more <= self.most
    }

    /// Makes room for this many more entries. Existing entries move as new ones are inserted.
    #[inline]
    pub(super) fn make_room(&mut self, more: usize, rehash: impl Fn(&u32) -> u64) {
        if !self.has_room(more) {
            self.grow(more, rehash);
        }
    }

    #[cold]
    fn grow(&mut self, more: usize, rehash: impl Fn(&u32) -> u64) {
        let needed = self.len + more;
        // Entries that come at once are all for now; after those that come little by little more will
        // follow. In between are the tables with only part of their entries late: few at a time, many to
        // follow. Of a small index everything moves each time: it grows in few steps.
        let spare = match self.len {
            len if len <= more / 8 => needed / 16,
            len if len < more => needed / 4,
            _ if needed < self.filled() => (needed * 3).min(self.filled() - needed),
            _ => needed / 2,
        };
        self.resize(needed + spare, rehash);
    }

    /// Shrinks the index if it has far too many places.
    #[inline]
    pub(super) fn shrink(&mut self, rehash: impl Fn(&u32) -> u64) {
        if self.len < self.least {
            self.resize(self.len * 2, rehash);
        }
    }

    #[cold]
    fn resize(&mut self, capacity: usize, rehash: impl Fn(&u32) -> u64) {
        let count = capacity.div_ceil(self.filled()).max(1);
        if let [only] = self.parts.as_mut_slice()
            && count == 1
        {
            only.reserve(capacity.min(self.part).saturating_sub(self.len), rehash);
            self.resized();
        } else if count != self.parts.len() {
            self.next = (0..count).map(|_| HashTable::new()).collect();
            (self.moved, self.credit, self.most, self.least) = (0, 0, usize::MAX, 0);
            if self.parts.len() == 1 {
                self.move_part(&rehash);
            }
        }
    }

    /// True while entries are still to be moved.
    pub(super) fn is_resized(&self) -> bool {
        !self.next.is_empty()
    }

    /// Continues a resize. To be called when all stored places are valid.
    #[inline]
    pub(super) fn go_on(&mut self, pace: Pace, rehash: impl Fn(&u32) -> u64) {
        if self.is_resized() {
            self.move_some(pace, rehash);
        }
    }

    /// Moves as many entries as are due, and all others of the last part of them.
    #[cold]
    fn move_some(&mut self, pace: Pace, rehash: impl Fn(&u32) -> u64) {
        let grows = self.next.len() > self.parts.len();
        let due = match pace {
            Pace::Put(entries) if grows => entries.saturating_mul(MOVES_TO_GROW),
            Pace::Put(entries) | Pace::Removed(entries) => entries.saturating_mul(MOVES),
            Pace::Entries(entries) => entries,
        };
        self.credit = self.credit.saturating_add(i64::try_from(due).unwrap_or(i64::MAX));
        while self.credit > 0 && self.is_resized() {
            self.move_part(&rehash);
        }
    }

    /// Moves the next part.
    fn move_part(&mut self, rehash: &impl Fn(&u32) -> u64) {
        let Self { part, parts, next, moved, len, .. } = self;
        let from = std::mem::take(&mut parts[*moved]);
        *moved += 1;
        // What is put in from now on may go to any part up to this one.
        let reached = (*moved * next.len()).div_ceil(parts.len());
        let room = if next.len() > 1 { *part } else { *len };
        let empty = next[..reached].iter_mut().rev().take_while(|table| table.capacity() == 0);
        empty.for_each(|table| *table = HashTable::with_capacity(room));
        self.credit -= from.len() as i64 + 1;
        self.moves += from.len() as u64;
        for place in from {
            let hash = rehash(&place);
            let number = number(hash, next.len());
            next[number].insert_unique(hash, place, rehash);
        }
        if *moved == parts.len() {
            (self.parts, self.moved) = (std::mem::take(next), 0);
            self.resized();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::hash::BuildHasher;

    fn hash(place: &u32) -> u64 {
        foldhash::fast::FixedState::default().hash_one(place)
    }

    proptest! {
        #[test]
        fn it_is_a_set_of_places_while_it_is_resized_too(
            part in 1usize..40,
            steps in prop::collection::vec((0u8..4, 0u32..1500, 1u32..400), 0..60),
        ) {
            let mut index = Index::new(part);
            let mut model = BTreeSet::new();
            for (kind, first, count) in steps {
                match kind {
                    0 => index.make_room(count as usize, hash),
                    1 | 2 => for place in first..first + count {
                        let replaced = index.put(hash(&place), place, |other| *other == place, hash);
                        prop_assert_eq!(replaced.is_none(), model.insert(place));
                        index.go_on(Pace::Put(1), hash);
                    },
                    _ => for place in first..first + count {
                        index.remove(hash(&place), place);
                        model.remove(&place);
                        index.shrink(hash);
                        index.go_on(Pace::Removed(1), hash);
                    },
                }
                prop_assert_eq!(index.len(), model.len());
                for place in 0..2000 {
                    let found = index.find(hash(&place), |other| *other == place).is_some();
                    prop_assert_eq!(found, model.contains(&place));
                }
            }
        }
    }

    /// When the index was rebuilt as a whole, inserting one entry moved all others.
    #[test]
    fn no_call_moves_more_than_a_part_and_what_it_pays_for() {
        let mut index = Index::new(PART);
        let put = |index: &mut Index, place: u32| {
            let before = index.moves();
            index.make_room(1, hash);
            index.put(hash(&place), place, |other| *other == place, hash);
            index.go_on(Pace::Put(1), hash);
            index.moves() - before
        };
        let mut most = 0;
        for place in 0..400_000 {
            most = most.max(put(&mut index, place));
        }
        assert!(most <= PART as u64, "{most}");
        assert!(index.moves() > 400_000, "it has grown several times: {}", index.moves());
        assert!(index.moves() < 3 * 400_000, "{}", index.moves());
        for place in 0..395_000 {
            let before = index.moves();
            index.remove(hash(&place), place);
            index.shrink(hash);
            index.go_on(Pace::Removed(1), hash);
            assert!(index.moves() - before <= PART as u64);
        }
        assert!(index.memory() < 1 << 20, "{}", index.memory());
    }

    #[test]
    fn a_move_ends_before_the_room_that_it_makes_is_used_up() {
        let mut index = Index::new(PART);
        index.make_room(100_000, hash);
        for place in 0..2_000_000 {
            index.make_room(1, hash);
            index.put(hash(&place), place, |other| *other == place, hash);
            index.go_on(Pace::Put(1), hash);
            if index.is_resized() {
                assert!(index.len() <= index.next.len() * (PART * 24 / 28));
            }
        }
        // No part had to grow.
        let largest = index.parts.iter().map(HashTable::capacity).max();
        assert_eq!(largest, Some(PART));
    }
}
