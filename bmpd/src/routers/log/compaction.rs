//! Keeping a log small: compaction, merging, and the lapse of readers that are too far behind.
//!
//! A segment is worth compacting when at least half of its entries are no longer needed. It is done
//! in place and in order; every position that points into it (cursors and marks) moves along. Nothing
//! here runs while a record is open.

use super::record::{
    self, RECORD_HEADER, RecordEntry, SUPERSEDED, WITHDRAWN_RECORD, entry_at, header_at,
    is_withdrawn,
};
use super::{Log, Position, Reader, Segment, Walk, hash, place};
use crate::routers::attributes::{Attributes, AttributesId};
use crate::routers::index::Pace;

/// How many segments are compacted at once, the others in later calls: all of them would take too long for a large
/// table.
const COMPACTIONS_AT_ONCE: usize = 1;

/// The newest segment is not compacted below this size, in bytes of log and attributes.
pub(super) const NEWEST_WORTH_COMPACTING: usize = 16 * 1024;

impl Log {
    /// Marks the readers furthest behind as lapsed: too many withdrawals are kept for them.
    pub(super) fn drop_the_slowest(&mut self, attributes: &mut Attributes) {
        let end = self.end();
        let readers = || self.readers.iter().flatten();
        let Some(slowest) = readers().map(Reader::needs_withdrawals_from).min() else { return };
        // A reader that was added at the end, or is there, keeps nothing.
        if slowest >= end {
            return;
        }
        for reader in self.readers.iter_mut().flatten() {
            if reader.needs_withdrawals_from().sequence == slowest.sequence {
                reader.lapse();
            }
        }
        self.examine_withdrawals();
        self.compact(attributes);
    }

    /// Makes every segment with withdrawals a candidate.
    pub(super) fn examine_withdrawals(&mut self) {
        for rank in 0..self.order.len() {
            let slot = self.order[rank];
            if self.segment(slot).withdrawn > 0 {
                self.examine(slot);
            }
        }
    }

    /// Makes a segment a candidate for compaction.
    pub(super) fn examine(&mut self, slot: u32) {
        if let Some(Some(segment)) = self.segments.get_mut(slot as usize)
            && !std::mem::replace(&mut segment.is_candidate, true)
        {
            self.candidates.push(slot);
        }
    }

    /// True if there are candidates left for [`Log::compact`].
    pub(crate) fn has_candidates(&self) -> bool {
        !self.candidates.is_empty()
    }

    /// Compacts candidates that are worth it, a few at a time. Called when no record is open.
    pub(crate) fn compact(&mut self, attributes: &mut Attributes) {
        let mut compacted = 0;
        while compacted < COMPACTIONS_AT_ONCE
            && let Some(slot) = self.candidates.pop()
        {
            let Some(Some(segment)) = self.segments.get_mut(slot as usize) else { continue };
            segment.is_candidate = false;
            // Computed for each: the step before may have moved the readers.
            let needed_from = self.needed_from();
            if self.is_worth_compacting(slot, needed_from) {
                let known = self.index.len();
                self.compact_segment(slot, needed_from, attributes);
                self.free_or_merge(slot);
                self.resize(Pace::Removed(known - self.index.len()));
                self.compactions += 1;
                compacted += 1;
            }
        }
        if compacted > 0 {
            self.shrink_index();
        }
    }

    fn is_worth_compacting(&self, slot: u32, needed_from: Position) -> bool {
        let Some(Some(segment)) = self.segments.get(slot as usize) else {
            return false;
        };
        if Some(slot) == self.newest()
            && segment.bytes.len() + segment.attributes
                < NEWEST_WORTH_COMPACTING.min(self.segment_size)
        {
            return false;
        }
        let mut useless = segment.entries - segment.announced - segment.withdrawn;
        if needed_from >= segment.end() {
            useless += segment.withdrawn;
        }
        useless > 0 && useless * 2 >= segment.entries
    }

    /// Moves the needed entries of a segment to its front, and every position in it along.
    fn compact_segment(&mut self, slot: u32, needed_from: Position, attributes: &mut Attributes) {
        let sequence = self.segment(slot).sequence;
        let mut bytes = std::mem::take(&mut self.segment_mut(slot).bytes);
        let mut marks: Vec<u32> =
            self.marks().filter(|p| p.sequence == sequence).map(|p| p.offset).collect();
        marks.sort_unstable();
        marks.dedup();
        let mut moved: Vec<u32> = Vec::with_capacity(marks.len());
        let (mut entries, mut announced, mut withdrawn) = (0, 0, 0);

        let (mut from, mut to) = (0, 0);
        while let Some(header) = header_at(&bytes, from) {
            while marks.get(moved.len()).is_some_and(|mark| *mark as usize <= from) {
                moved.push(to as u32);
            }
            let start = to;
            let end = header.entries.end;
            let mut write = to + RECORD_HEADER;
            let mut read = header.entries.start;
            let position = Position { sequence, offset: from as u32 };
            while read < end {
                let Some(RecordEntry { tag, route, offset, end }) = entry_at(&bytes, read) else {
                    break;
                };
                read = end;
                if tag & SUPERSEDED != 0 {
                    continue;
                }
                let old = place(slot, offset);
                let hash = hash(self.form, &self.hasher, route);
                if is_withdrawn(tag) && position < needed_from {
                    self.index.remove(hash, old);
                    self.withdrawals -= 1;
                    continue;
                }
                entries += 1;
                if is_withdrawn(tag) {
                    withdrawn += 1;
                } else {
                    announced += 1;
                }
                if write != offset {
                    self.replace(hash, old, place(slot, write));
                    bytes.copy_within(offset..end, write);
                }
                write += end - offset;
            }
            let len = write - start - RECORD_HEADER;
            if len > 0 {
                let moved = record::header(header.attributes, header.time, len);
                bytes[start..start + RECORD_HEADER].copy_from_slice(&moved);
                to = write;
            } else if header.attributes != WITHDRAWN_RECORD {
                attributes.release(AttributesId(header.attributes));
            }
            from = end;
        }
        while moved.len() < marks.len() {
            moved.push(to as u32);
        }
        bytes.truncate(to);
        if Some(slot) != self.newest() {
            bytes.shrink_to_fit();
        }
        self.work += u64::from(self.segment(slot).entries);
        let segment = self.segment_mut(slot);
        let is_candidate = segment.is_candidate;
        *segment =
            Segment { sequence, bytes, entries, announced, withdrawn, attributes: 0, is_candidate };
        self.forget_records(sequence);
        self.move_marks(|mark| {
            if mark.sequence == sequence
                && let Ok(at) = marks.binary_search(&mark.offset)
            {
                mark.offset = moved[at];
            }
        });
    }

    /// Removes a segment that has become empty, or merges it with a neighbor in the order.
    fn free_or_merge(&mut self, slot: u32) {
        let rank = self.rank(self.segment(slot).sequence);
        let newest = self.order.len() - 1;
        if rank == newest {
            return;
        }
        if self.segment(slot).bytes.is_empty() {
            let sequence = self.segment(slot).sequence;
            let next = self.segment(self.order[rank + 1]).sequence;
            self.order.remove(rank);
            self.segments[slot as usize] = None;
            self.free_slots.push(slot);
            self.move_marks(|mark| {
                if mark.sequence == sequence {
                    *mark = Position { sequence: next, offset: 0 };
                }
            });
            return;
        }
        if rank + 1 < newest {
            self.merge(rank);
        }
        if rank > 0 {
            self.merge(rank - 1);
        }
    }

    /// Appends the segment after `rank` to the one at `rank`, if both together stay well below the
    /// size of a segment.
    fn merge(&mut self, rank: usize) {
        let (first, second) = (self.order[rank], self.order[rank + 1]);
        let base = self.segment(first).bytes.len();
        if base + self.segment(second).bytes.len() > self.segment_size / 4 * 3 {
            return;
        }
        let Some(gone) = self.segments[second as usize].take() else {
            return;
        };
        let mut offset = 0;
        while let Some(header) = header_at(&gone.bytes, offset) {
            offset = header.entries.end;
            let mut read = header.entries.start;
            while read < header.entries.end {
                let Some(entry) = entry_at(&gone.bytes, read) else {
                    break;
                };
                read = entry.end;
                if entry.tag & SUPERSEDED == 0 {
                    let hash = hash(self.form, &self.hasher, entry.route);
                    self.replace(
                        hash,
                        place(second, entry.offset),
                        place(first, base + entry.offset),
                    );
                }
            }
        }
        let segment = self.segment_mut(first);
        segment.bytes.extend_from_slice(&gone.bytes);
        segment.entries += gone.entries;
        segment.announced += gone.announced;
        segment.withdrawn += gone.withdrawn;
        segment.attributes += gone.attributes;
        let sequence = segment.sequence;
        self.order.remove(rank + 1);
        self.free_slots.push(second);
        self.forget_records(sequence);
        self.forget_records(gone.sequence);
        self.work += u64::from(gone.entries);
        if gone.is_candidate {
            self.examine(first);
        }
        self.move_marks(|mark| {
            if mark.sequence == gone.sequence {
                *mark = Position { sequence, offset: base as u32 + mark.offset };
            }
        });
    }

    /// Every position that must move when what it points at moves.
    fn marks(&self) -> impl Iterator<Item = Position> {
        self.readers
            .iter()
            .flatten()
            .flat_map(Reader::marks)
            .chain(self.walks.iter().flatten().flat_map(Walk::marks))
            .chain(self.end_of_rib)
            .chain(self.stale.iter().flat_map(|stale| [stale.end, stale.swept]))
            .chain(self.late)
            .chain([self.sent_up_to])
    }

    fn move_marks(&mut self, mut change: impl FnMut(&mut Position)) {
        for reader in self.readers.iter_mut().flatten() {
            reader.move_marks(&mut change);
        }
        for walk in self.walks.iter_mut().flatten() {
            walk.move_marks(&mut change);
        }
        if let Some(stale) = &mut self.stale {
            change(&mut stale.end);
            change(&mut stale.swept);
        }
        for mark in [&mut self.end_of_rib, &mut self.late].into_iter().flatten() {
            change(mark);
        }
        change(&mut self.sent_up_to);
    }
}
