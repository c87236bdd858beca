//! The compacted update log of one (neighbor, family), and the cursors that read it.
//!
//! The log holds records in the order in which they were received. A record is one UPDATE: when it came, its attributes
//! (or that it withdraws), and its routes as bytes. Of every route only the latest state is live; an index finds it,
//! and a newer entry marks the old one superseded in place. A reader is a cursor: it takes records from its position,
//! skips what is superseded, and is done at the end. So the first dump, live updates, a slow reader's catching up and a
//! reset's re-sending are one thing.
//!
//! ```text
//! order:   segment 7          segment 9                 segment 12 (the newest; appended to)
//!          [rec|rec|rec|rec]  [rec|rec|rec]             [rec|rec|rec|....]
//!                ^ cursor of a slow reader                          ^ cursors of the others
//! ```
//!
//! [`compaction`] works on one segment at a time, in place and in order, when at least half of its entries
//! are no longer needed; small neighbors in the order are merged. No step copies more than a segment and
//! the log is never held twice. Positions (cursors and marks) are moved along.
//!
//! While the neighbor restarts (RFC 4724) its routes stay and are stale ([`stale`]): those before a mark. Routes
//! announced anew are appended after it; those still before it after the restart are withdrawn.
//!
//! A reader whose receiver acknowledges what it was sent has two more positions ([`kept`]): where the acknowledgements
//! are, and where they will be once what is under way is acknowledged. If that is lost, its cursor goes back to the first.
//!
//! A query reads the log by a walk ([`walk`]), which is not a reader: nothing is kept for it.
//!
//! A withdrawal is kept until no reader is before it; if no reader at all was sent a route, its
//! withdrawal is not even written. Readers for which too many would have to be kept lapse
//! ([`Log::has_lapsed`]), so that memory is bounded by the routes and not by the slowest reader.

mod compaction;
mod index;
mod kept;
mod record;
mod stale;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::VecDeque;
use std::hash::BuildHasher;

pub(super) use self::index::INDEXED;
use self::index::Indexed;
use self::kept::Kept;
pub(crate) use self::record::Record;
use self::record::{
    Entries, Header, LENGTH, RECORD_HEADER, SUPERSEDED, WITHDRAWN, WITHDRAWN_RECORD, entry_at,
    header_at, is_sent, is_withdrawn,
};
use self::stale::Stale;
use self::walk::Walk;
pub(crate) use self::walk::{Found, WalkId, Walked};
use super::Full;
use super::attributes::{Attributes, AttributesId};
use super::index::{Hasher, Index, Pace};
use super::sizes::Sizes;
use crate::wire::bmp::Timestamp;
use crate::wire::nlri::Form;

/// A place is a segment's slot and an offset in it, in one u32.
const OFFSET_BITS: u32 = 18;
const SEGMENT_MAX: usize = 1 << OFFSET_BITS;
const SLOTS_MAX: usize = 1 << (32 - OFFSET_BITS);

/// After this many bytes of superseded records a reader lets others have their turn.
const SCAN: usize = 128 * 1024;

/// A position between two records. Ordered as the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Position {
    sequence: u64,
    offset: u32,
}

impl Position {
    const END: Position = Position { sequence: u64::MAX, offset: u32::MAX };
}

#[derive(Debug)]
struct Segment {
    /// Its rank in the order.
    sequence: u64,
    bytes: Vec<u8>,
    /// Entries of every kind.
    entries: u32,
    /// Live entries that announce.
    announced: u32,
    /// Live entries that withdraw.
    withdrawn: u32,
    /// Bytes of attributes that came first with this segment.
    attributes: usize,
    /// True while it is among the candidates for compaction.
    is_candidate: bool,
}

impl Segment {
    fn end(&self) -> Position {
        Position { sequence: self.sequence, offset: self.bytes.len() as u32 }
    }

    /// Appends an entry to the record that is open.
    #[inline(always)]
    fn push(&mut self, flags: u8, route: &[u8]) {
        self.entries += 1;
        if is_withdrawn(flags) {
            self.withdrawn += 1;
        } else {
            self.announced += 1;
        }
        if route.len() < usize::from(LENGTH) {
            self.bytes.push(flags | route.len() as u8);
        } else {
            self.bytes.push(flags | LENGTH);
            self.bytes.extend_from_slice(&(route.len() as u16).to_le_bytes());
        }
        self.bytes.extend_from_slice(route);
    }
}

#[derive(Debug, Clone, Copy)]
struct Reader {
    cursor: Position,
    /// Of a reader that is acknowledged what it has taken.
    kept: Option<Kept>,
    /// The log's end when the reader was added: earlier withdrawals are not for it.
    born: Position,
    /// The log's end when it was added or began again: its dump ends there.
    dump_end: Position,
    /// True once this reader has been given the End-of-RIB.
    end_of_rib_sent: bool,
    /// True if it has fallen so far behind that what it would need is no longer kept.
    lapsed: bool,
}

impl Reader {
    /// Withdrawals before this position are not needed by this reader.
    fn needs_withdrawals_from(&self) -> Position {
        self.kept.map_or(self.cursor, |kept| kept.acknowledged).max(self.born)
    }
}

/// Identifies a reader of one log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReaderId(u32);

/// A visitor's decision on a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Visit {
    /// It was taken; go on.
    Taken,
    /// It was not taken; the cursor stays before it.
    Stop,
}

/// The table of one (neighbor, family).
#[derive(Debug)]
pub(crate) struct Log {
    /// How routes are written, and so which two of them are the same.
    form: Form,
    segments: Vec<Option<Segment>>,
    free_slots: Vec<u32>,
    order: VecDeque<u32>,
    next_sequence: u64,
    segment_size: usize,
    /// How many more withdrawals than routes may be kept for slow readers.
    spare_withdrawals: usize,
    /// The live entry of each route; routes with the same key ([`Form::key`]) are the same.
    index: Index,
    /// The first record whose entries are not in the index, if there is one, and how many they are from there on.
    late: Option<Position>,
    late_entries: usize,
    /// The share of new routes among those indexed.
    found: Indexed,
    /// Limit of the backlog while the neighbor sends its table for the first time.
    late_max: usize,
    hasher: Hasher,
    readers: Vec<Option<Reader>>,
    /// Of the queries that read it.
    walks: Vec<Option<Walk>>,
    /// The furthest position of any reader: entries before it may have been sent.
    sent_up_to: Position,
    end_of_rib: Option<Position>,
    end_of_rib_time: Timestamp,
    /// Which routes are stale: the neighbor has restarted and not announced them anew.
    stale: Option<Stale>,
    routes: usize,
    /// Withdrawals that are kept for readers.
    withdrawals: usize,
    /// The most routes that there were at once while withdrawals are kept.
    most_routes: usize,
    /// Slots of segments that are candidates for compaction, each at most once.
    candidates: Vec<u32>,
    /// Records that were appended.
    records: u64,
    /// Segments that were compacted.
    compactions: u64,
    /// How many entries were worked on so far: inserted, looked up, moved. It bounds what is done in one turn.
    work: u64,
}

/// The result of a withdrawal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Withdrawn {
    /// Routes that were there and are withdrawn now.
    pub(crate) known: u32,
    /// Routes that were not there.
    pub(crate) unknown: u32,
}

impl Log {
    /// An empty table of routes of this form.
    pub(crate) fn new(form: Form, sizes: &Sizes) -> Self {
        Self {
            form,
            segments: Vec::new(),
            free_slots: Vec::new(),
            order: VecDeque::new(),
            next_sequence: 1,
            segment_size: sizes.segment,
            spare_withdrawals: sizes.spare_withdrawals,
            index: Index::new(sizes.part),
            late: None,
            late_entries: 0,
            found: Indexed::default(),
            late_max: sizes.late,
            hasher: Hasher::default(),
            readers: Vec::new(),
            walks: Vec::new(),
            sent_up_to: Position::default(),
            end_of_rib: None,
            end_of_rib_time: Timestamp::default(),
            stale: None,
            routes: 0,
            withdrawals: 0,
            most_routes: 0,
            candidates: Vec::new(),
            records: 0,
            compactions: 0,
            work: 0,
        }
    }

    /// How its routes are written.
    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// True if there are more routes than this in the index.
    pub(crate) fn has_indexed_more_than(&self, limit: usize) -> bool {
        self.routes > limit
    }

    /// How many routes there are at most: the backlog is taken to be new.
    pub(crate) fn routes_at_most(&self) -> usize {
        self.routes + self.late_entries
    }

    /// The memory of the table, in bytes.
    pub(crate) fn memory(&self) -> usize {
        let segments = self.segments.iter().flatten();
        let records = self.stale.as_ref().map_or(0, Stale::memory);
        segments.map(|segment| segment.bytes.capacity()).sum::<usize>()
            + self.index.memory()
            + records
    }

    /// How many entries were worked on so far.
    pub(crate) fn work(&self) -> u64 {
        self.work
    }

    /// How many records were appended so far: with each there is something to send.
    pub(crate) fn records(&self) -> u64 {
        self.records
    }

    /// Segments that were compacted so far.
    pub(crate) fn compactions(&self) -> u64 {
        self.compactions
    }

    /// True once the neighbor's End-of-RIB was recorded.
    pub(crate) fn has_end_of_rib(&self) -> bool {
        self.end_of_rib.is_some()
    }

    /// Records the neighbor's End-of-RIB, the first one only. Readers are given it after what is in
    /// the log now.
    pub(crate) fn end_of_rib(&mut self, time: Timestamp) {
        if self.end_of_rib.is_none() {
            self.end_of_rib = Some(self.end());
            self.end_of_rib_time = time;
        }
    }

    /// When the neighbor's End-of-RIB was recorded; 0 if it was not yet.
    pub(crate) fn end_of_rib_time(&self) -> Timestamp {
        self.end_of_rib_time
    }

    /// Appends what one UPDATE announces.
    ///
    /// `field_len` is the length of the routes on the wire, which bounds what they take here.
    pub(crate) fn announce<R: AsRef<[u8]>>(
        &mut self,
        attributes: &mut Attributes,
        stored: &[u8],
        time: Timestamp,
        field_len: usize,
        routes: impl Iterator<Item = R>,
    ) -> Result<(), Full> {
        if self.is_held() {
            return self.announce_again(attributes, stored, time, field_len, routes);
        }
        self.append(attributes, stored, time, field_len, routes)
    }

    /// Appends a record that announces.
    #[inline(always)]
    fn append<R: AsRef<[u8]>>(
        &mut self,
        attributes: &mut Attributes,
        stored: &[u8],
        time: Timestamp,
        field_len: usize,
        routes: impl Iterator<Item = R>,
    ) -> Result<(), Full> {
        let slot = self.make_room(RECORD_HEADER + 2 * field_len)?;
        let (id, new) = attributes.hold(stored)?;
        if new {
            self.segment_mut(slot).attributes += stored.len();
        }
        // The whole record first, then the index: two short loops, of which the second one waits for memory,
        // and for several routes at a time.
        let start = self.begin(slot, id.0, time);
        let segment = self.segment_mut(slot);
        let before = segment.entries;
        for route in routes {
            segment.push(0, route.as_ref());
        }
        let more = (segment.entries - before) as usize;
        self.work += more as u64;
        let segment = self.segment(slot);
        let record = Position { sequence: segment.sequence, offset: start as u32 };
        if self.finish(slot, start) {
            self.note_late(record, more);
            self.keep_up(more, attributes);
        } else {
            attributes.release(id);
        }
        Ok(())
    }

    /// Appends what one UPDATE withdraws.
    pub(crate) fn withdraw<R: AsRef<[u8]>>(
        &mut self,
        attributes: &mut Attributes,
        time: Timestamp,
        field_len: usize,
        routes: impl Iterator<Item = R>,
    ) -> Result<Withdrawn, Full> {
        self.index(usize::MAX, attributes);
        let slot = self.make_room(RECORD_HEADER + 2 * field_len)?;
        let start = self.begin(slot, WITHDRAWN_RECORD, time);
        let mut result = Withdrawn::default();
        self.most_routes = self.most_routes.max(self.routes);
        let known = self.index.len();
        for route in routes {
            let route = route.as_ref();
            let Self { form, segments, index, hasher, .. } = self;
            let hash = hash(*form, hasher, route);
            let Some(found) = index.find(hash, same(*form, segments, route)) else {
                result.unknown += 1;
                continue;
            };
            let old = *found;
            if is_withdrawn(tag_at(segments, old)) {
                result.unknown += 1;
                continue;
            }
            // If no reader was sent the route, nothing of it is kept.
            let was_sent = may_be_sent(segments, self.sent_up_to, old);
            if was_sent {
                *found = place(slot, bytes_of(segments, slot).len());
            } else {
                index.remove(hash, old);
            }
            self.supersede(old);
            self.routes -= 1;
            result.known += 1;
            if was_sent {
                self.withdrawals += 1;
                self.segment_mut(slot).push(WITHDRAWN, route);
            }
        }
        self.finish(slot, start);
        self.work += INDEXED * u64::from(result.known + result.unknown);
        self.resize(Pace::Removed(known - self.index.len()));
        self.compact(attributes);
        if self.withdrawals > self.most_routes + self.spare_withdrawals {
            self.drop_the_slowest(attributes);
        }
        if self.withdrawals == 0 {
            self.most_routes = self.routes;
        }
        Ok(result)
    }

    /// Adds a reader at the beginning. With `is_acknowledged` it is acknowledged what it has taken ([`Log::keep`]).
    pub(crate) fn subscribe(&mut self, is_acknowledged: bool) -> ReaderId {
        let reader = Reader {
            cursor: Position::default(),
            kept: is_acknowledged.then(Kept::default),
            born: self.end(),
            dump_end: self.end(),
            end_of_rib_sent: false,
            lapsed: false,
        };
        match self.readers.iter().position(Option::is_none) {
            Some(free) => {
                self.readers[free] = Some(reader);
                ReaderId(free as u32)
            }
            None => {
                self.readers.push(Some(reader));
                ReaderId((self.readers.len() - 1) as u32)
            }
        }
    }

    /// Removes a reader; withdrawals kept only for it are dropped.
    pub(crate) fn unsubscribe(&mut self, reader: ReaderId, attributes: &mut Attributes) {
        if let Some(reader) = self.readers.get_mut(reader.0 as usize) {
            *reader = None;
        }
        if self.readers.iter().all(Option::is_none) {
            self.sent_up_to = Position::default();
        }
        self.examine_withdrawals();
        self.compact(attributes);
    }

    /// Passes a reader the records that it has not seen, until `visit` stops or there are no more. True if it was
    /// stopped; false also if many superseded records were skipped and more is to come.
    pub(crate) fn read(
        &mut self,
        reader: ReaderId,
        attributes: &mut Attributes,
        mut visit: impl FnMut(Record<'_>, &Attributes) -> Visit,
    ) -> bool {
        let Some(Some(Reader { cursor, born, lapsed: false, .. })) =
            self.readers.get(reader.0 as usize).copied()
        else {
            return false;
        };
        let (mut scanned, mut is_stopped) = (0, false);
        let mut at = cursor;
        let mut rank = self.rank(at.sequence);
        'segments: while let Some(slot) = self.order.get(rank).copied() {
            let segment = self.segment(slot);
            if segment.sequence != at.sequence {
                at = Position { sequence: segment.sequence, offset: 0 };
            }
            while let Some(header) = header_at(&segment.bytes, at.offset as usize) {
                let next = Position { offset: header.entries.end as u32, ..at };
                let withdraws = header.attributes == WITHDRAWN_RECORD;
                let entries = segment.bytes.get(header.entries).unwrap_or_default();
                let record = Record {
                    attributes: (!withdraws).then_some(AttributesId(header.attributes)),
                    time: header.time,
                    entries,
                };
                let wanted = !(withdraws && at < born) && record.routes().next().is_some();
                if wanted && visit(record, attributes) == Visit::Stop {
                    is_stopped = true;
                    break 'segments;
                }
                if !wanted {
                    scanned += (next.offset - at.offset) as usize;
                }
                at = next;
                if scanned >= SCAN {
                    break 'segments;
                }
            }
            rank += 1;
        }
        self.sent_up_to = self.sent_up_to.max(at);
        if let Some(Some(reader)) = self.readers.get_mut(reader.0 as usize) {
            reader.cursor = at;
        }
        self.left_behind(cursor, at, attributes);
        is_stopped
    }

    /// A reader has moved: withdrawals in the segments left behind may no longer be needed by any reader.
    fn left_behind(&mut self, from: Position, to: Position, attributes: &mut Attributes) {
        if from.sequence == to.sequence {
            return;
        }
        for rank in self.rank(from.sequence)..self.rank(to.sequence) {
            let slot = self.order[rank];
            if self.segment(slot).withdrawn > 0 {
                self.examine(slot);
            }
        }
        self.compact(attributes);
    }

    /// True if the reader has fallen too far behind to be sent the rest: a new one must take its place.
    pub(crate) fn has_lapsed(&self, reader: ReaderId) -> bool {
        self.reader(reader).is_some_and(|reader| reader.lapsed)
    }

    /// True if the reader is at the end.
    pub(crate) fn is_at_end(&self, reader: ReaderId) -> bool {
        self.reader(reader).is_none_or(|reader| reader.cursor >= self.end())
    }

    /// True if it is time to give the reader the End-of-RIB: after its dump and after all that came
    /// before the neighbor's own. Once true it is never true again for this reader.
    pub(crate) fn take_end_of_rib(&mut self, reader: ReaderId) -> bool {
        let Some(mark) = self.end_of_rib else {
            return false;
        };
        let Some(Some(reader)) = self.readers.get_mut(reader.0 as usize) else {
            return false;
        };
        let due = !reader.end_of_rib_sent && reader.cursor >= mark.max(reader.dump_end);
        reader.end_of_rib_sent |= due;
        due
    }

    /// How many routes (announced or withdrawn) are still before the reader. Those of its current segment are counted
    /// one by one, or estimated if they are more than `exact` bytes, from which they are subtracted.
    pub(crate) fn remaining(&self, reader: ReaderId, exact: &mut usize) -> usize {
        let Some(reader) = self.reader(reader) else {
            return 0;
        };
        let mut count = 0;
        for slot in self.order.iter().skip(self.rank(reader.cursor.sequence)) {
            let segment = self.segment(*slot);
            if segment.sequence == reader.cursor.sequence {
                let mut offset = reader.cursor.offset as usize;
                let (rest, all) = (segment.bytes.len() - offset, segment.bytes.len());
                if rest > *exact {
                    let alive = (segment.announced + segment.withdrawn) as usize;
                    count += (alive as u64 * rest as u64 / all as u64) as usize;
                    continue;
                }
                *exact -= rest;
                while let Some(header) = header_at(&segment.bytes, offset) {
                    offset = header.entries.end;
                    let entries = segment.bytes.get(header.entries).unwrap_or_default();
                    count += Entries { bytes: entries, offset: 0 }
                        .filter(|entry| entry.tag & SUPERSEDED == 0)
                        .count();
                }
            } else if segment.sequence < reader.born.sequence {
                // Withdrawals from before it was added are skipped.
                count += segment.announced as usize;
            } else {
                count += (segment.announced + segment.withdrawn) as usize;
            }
        }
        count
    }

    /// Where the withdrawals begin that are still to be sent to a reader.
    fn needed_from(&self) -> Position {
        let readers = self.readers.iter().flatten();
        readers.map(Reader::needs_withdrawals_from).min().unwrap_or(Position::END)
    }

    /// True if the withdrawal there is still to be sent to a reader.
    fn is_needed(&self, place: u32) -> bool {
        let (slot, offset) = split(place);
        let sequence = self.segment(slot).sequence;
        self.needed_from() <= Position { sequence, offset: offset as u32 }
    }

    fn reader(&self, reader: ReaderId) -> Option<&Reader> {
        self.readers.get(reader.0 as usize).and_then(Option::as_ref)
    }

    fn segment(&self, slot: u32) -> &Segment {
        self.segments[slot as usize].as_ref().expect("a slot in use")
    }

    fn segment_mut(&mut self, slot: u32) -> &mut Segment {
        self.segments[slot as usize].as_mut().expect("a slot in use")
    }

    fn newest(&self) -> Option<u32> {
        self.order.back().copied()
    }

    fn end(&self) -> Position {
        self.newest().map_or(Position::default(), |slot| self.segment(slot).end())
    }

    /// The rank in the order of the first segment that is not before `sequence`.
    fn rank(&self, sequence: u64) -> usize {
        self.order.partition_point(|slot| self.segment(*slot).sequence < sequence)
    }

    /// Ensures that the newest segment has room for `needed` more bytes; returns its slot.
    fn make_room(&mut self, needed: usize) -> Result<u32, Full> {
        if let Some(newest) = self.newest() {
            if self.segment(newest).bytes.len() + needed <= self.segment_size {
                return Ok(newest);
            }
            self.examine(newest);
        }
        let slot = match self.free_slots.pop() {
            Some(slot) => slot,
            None if self.segments.len() < SLOTS_MAX => {
                self.segments.push(None);
                (self.segments.len() - 1) as u32
            }
            None => return Err(Full),
        };
        self.segments[slot as usize] = Some(Segment {
            sequence: self.next_sequence,
            bytes: Vec::with_capacity(self.segment_size.max(needed)),
            entries: 0,
            announced: 0,
            withdrawn: 0,
            attributes: 0,
            is_candidate: false,
        });
        self.next_sequence += 1;
        self.order.push_back(slot);
        Ok(slot)
    }

    /// Opens a record, whose length is not known yet.
    fn begin(&mut self, slot: u32, attributes: u32, time: Timestamp) -> usize {
        let bytes = &mut self.segment_mut(slot).bytes;
        let start = bytes.len();
        bytes.extend_from_slice(&record::header(attributes, time, 0));
        start
    }

    /// Closes a record; false if it was empty and was removed.
    fn finish(&mut self, slot: u32, start: usize) -> bool {
        let bytes = &mut self.segment_mut(slot).bytes;
        let len = bytes.len() - start - RECORD_HEADER;
        let opened = header_at(bytes, start).filter(|_| len > 0);
        let Some(Header { attributes, time, .. }) = opened else {
            bytes.truncate(start);
            return false;
        };
        bytes[start..start + RECORD_HEADER].copy_from_slice(&record::header(attributes, time, len));
        self.records += 1;
        true
    }

    /// Marks an entry superseded. Returns its previous tag.
    fn supersede(&mut self, place: u32) -> u8 {
        let (slot, offset) = split(place);
        let segment = self.segment_mut(slot);
        let tag = segment.bytes[offset];
        segment.bytes[offset] |= SUPERSEDED;
        let withdrawn = is_withdrawn(tag);
        if withdrawn {
            segment.withdrawn -= 1;
        } else {
            segment.announced -= 1;
        }
        let is_candidate = (segment.entries - segment.announced) * 2 >= segment.entries;
        self.withdrawals -= usize::from(withdrawn);
        if is_candidate {
            self.examine(slot);
        }
        tag
    }
}

/// The hash of what identifies a route.
///
/// Most routes are short, and their first byte gives the length: as words they are hashed in a few steps. Those of four
/// to seven bytes are the first and the last four, and so on.
#[inline(always)]
fn hash(form: Form, hasher: &Hasher, route: &[u8]) -> u64 {
    match (route.first_chunk(), route.last_chunk()) {
        (Some(first), Some(last)) if route.len() < 8 && form.is_its_own_key() => hasher.hash_one(
            u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last)),
        ),
        _ => hash_of_long(form, hasher, route),
    }
}

#[inline(never)]
fn hash_of_long(form: Form, hasher: &Hasher, route: &[u8]) -> u64 {
    if !form.is_its_own_key() {
        return hasher.hash_one(form.key(route));
    }
    match (route.first_chunk(), route.last_chunk()) {
        (Some(first), Some(last)) if route.len() <= 16 => hasher.hash_one(
            u128::from(u64::from_le_bytes(*first)) << 64 | u128::from(u64::from_le_bytes(*last)),
        ),
        _ => hasher.hash_one(route),
    }
}

fn place(slot: u32, offset: usize) -> u32 {
    slot << OFFSET_BITS | offset as u32
}

fn split(place: u32) -> (u32, usize) {
    (place >> OFFSET_BITS, place as usize & (SEGMENT_MAX - 1))
}

fn bytes_of(segments: &[Option<Segment>], slot: u32) -> &[u8] {
    segments.get(slot as usize).and_then(Option::as_ref).map_or(&[], |segment| &segment.bytes)
}

fn route_at(segments: &[Option<Segment>], place: u32) -> &[u8] {
    let (slot, offset) = split(place);
    entry_at(bytes_of(segments, slot), offset).map_or(&[], |entry| entry.route)
}

fn tag_at(segments: &[Option<Segment>], place: u32) -> u8 {
    let (slot, offset) = split(place);
    bytes_of(segments, slot).get(offset).copied().unwrap_or_default()
}

/// True if a reader may have been sent the route of an entry.
fn may_be_sent(segments: &[Option<Segment>], sent_up_to: Position, place: u32) -> bool {
    let (slot, offset) = split(place);
    let Some(Some(segment)) = segments.get(slot as usize) else { return false };
    let position = Position { sequence: segment.sequence, offset: offset as u32 };
    position < sent_up_to || segment.bytes.get(offset).is_some_and(|tag| is_sent(*tag))
}

/// Checks whether the entry at a place is of this route.
fn same(form: Form, segments: &[Option<Segment>], route: &[u8]) -> impl Fn(&u32) -> bool {
    let key = (!form.is_its_own_key()).then(|| form.key(route));
    move |place| {
        let other = route_at(segments, *place);
        key.map_or_else(|| other == route, |key| form.key(other) == key)
    }
}
