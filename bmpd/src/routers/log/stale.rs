//! Routes that are kept while their source is away, and what becomes of them when it is back.
//!
//! ```text
//! order:   segment 7        segment 9           segment 12
//!          [ - - - - - - - | - s s c - s s | s c s s - ][ - - - ]
//!                            ^ swept                     ^ end of what is stale
//!                            s: stale   c: confirmed   -: up to date
//! ```
//!
//! Everything between two marks is stale. What is announced differently, or is new, is appended after them as always.
//! What is announced again as it was depends on what stations are sent about the restart:
//!
//! - nothing, as the source was only out of sight: then nothing is appended either. The entry that is there is
//!   confirmed in place, and stations are sent only what differs;
//! - Peer Up once more: then the station may have dropped the routes, so all of them are appended anew.
//!
//! At the end of the restart the marked range is swept from its beginning, a part of a segment at a time: what is
//! confirmed is as any other entry from then on, and what is stale is withdrawn.

use std::collections::HashMap;

use super::index::INDEXED;
use super::record::{
    CONFIRMED, SENT, SUPERSEDED, entry_at, header_at, is_confirmed, is_withdrawn, with_state,
};
use super::{Log, Position, Segment, bytes_of, hash, same, split};
use crate::routers::Full;
use crate::routers::attributes::{Attributes, AttributesId};
use crate::wire::bmp::Timestamp;

/// How many entries are swept at once, and the rest of their record.
const SWEPT_AT_ONCE: u64 = 2048;

/// Stale routes are withdrawn in records of at most this many bytes, which become messages that fit
/// into an UPDATE without the Extended Message capability (RFC 4271 section 4.1).
pub(super) const STALE_BATCH: usize = 3800;

/// Which entries are stale, unless they are confirmed.
#[derive(Debug)]
pub(super) struct Stale {
    /// Those before this.
    pub(super) end: Position,
    /// But not those before this.
    pub(super) swept: Position,
    /// True until stations are to be sent Peer Up once more: routes that are announced as they were are confirmed.
    confirms: bool,
    /// True if some are confirmed.
    has_confirmed: bool,
    /// Where the records of a segment begin, by its rank in the order, once attributes of its entries were looked for.
    records: HashMap<u64, Vec<u32>>,
}

impl Stale {
    /// The memory that it takes beside itself, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.records.values().map(|records| records.capacity() * size_of::<u32>()).sum()
    }

    /// The attributes of the record that an entry of a segment is in, which is not the record that is open.
    fn attributes_of(&mut self, segment: &Segment, offset: usize) -> Option<AttributesId> {
        let records = self.records.entry(segment.sequence).or_default();
        if records.last().is_none_or(|last| (*last as usize) < offset) {
            let mut next = records.pop().map_or(0, |last| last as usize);
            while let Some(header) = header_at(&segment.bytes, next) {
                records.push(next as u32);
                next = header.entries.end;
            }
        }
        let after = records.partition_point(|record| *record as usize <= offset);
        let record = *records.get(after.checked_sub(1)?)?;
        Some(AttributesId(header_at(&segment.bytes, record as usize)?.attributes))
    }
}

impl Log {
    /// Marks all routes as stale, also those that are stale already. Where those must not stay (RFC 4724 section 4.2)
    /// call [`Log::drop_stale`] first; and [`Log::sweep_some`] where there may be many that are confirmed.
    pub(crate) fn mark_stale(&mut self, attributes: &mut Attributes) {
        self.index(usize::MAX, attributes);
        // Once stations were sent Peer Up they are owed all routes, until those that are stale are gone.
        let confirms = self.is_held() || self.stale.is_none();
        while self.sweep_some() {}
        self.stale = Some(Stale {
            end: self.end(),
            swept: Position::default(),
            confirms,
            has_confirmed: false,
            records: HashMap::new(),
        });
    }

    /// True if there may be stale routes.
    pub(crate) fn has_stale(&self) -> bool {
        self.stale.is_some()
    }

    /// True while routes are stale and stations have been sent nothing about it.
    pub(super) fn is_held(&self) -> bool {
        self.stale.as_ref().is_some_and(|stale| stale.confirms)
    }

    /// The entries of a segment have moved.
    pub(super) fn forget_records(&mut self, sequence: u64) {
        if let Some(stale) = &mut self.stale {
            stale.records.remove(&sequence);
        }
    }

    /// The neighbor is back with a new session: its End-of-RIB is awaited, and readers are given it, and all routes that
    /// are announced, once more.
    pub(crate) fn restart(&mut self) {
        self.end_of_rib = None;
        self.end_of_rib_time = Timestamp::default();
        for reader in self.readers.iter_mut().flatten() {
            reader.end_of_rib_sent = false;
        }
        if let Some(stale) = &mut self.stale {
            stale.confirms = false;
        }
    }

    /// Appends what differs from the stale routes in what one UPDATE announces.
    #[cold]
    pub(super) fn announce_again<R: AsRef<[u8]>>(
        &mut self,
        attributes: &mut Attributes,
        stored: &[u8],
        time: Timestamp,
        field_len: usize,
        routes: impl Iterator<Item = R>,
    ) -> Result<(), Full> {
        let Some(id) = attributes.find(stored) else {
            return self.append(attributes, stored, time, field_len, routes);
        };
        self.index(usize::MAX, attributes);
        let changed: Vec<R> = routes.filter(|route| !self.confirm(route.as_ref(), id)).collect();
        if changed.is_empty() {
            return Ok(());
        }
        self.append(attributes, stored, time, field_len, changed.iter())
    }

    /// Confirms a route, if it is there as it was before the restart.
    fn confirm(&mut self, route: &[u8], id: AttributesId) -> bool {
        self.work += INDEXED;
        let Self { form, segments, index, hasher, stale, .. } = self;
        let Some(stale) = stale else { return false };
        let hash = hash(*form, hasher, route);
        let Some(found) = index.find(hash, same(*form, segments, route)) else { return false };
        let (slot, offset) = split(*found);
        let Some(entry) = entry_at(bytes_of(segments, slot), offset) else { return false };
        // A label is no part of what makes a route the same one, and has to be as it was.
        if is_withdrawn(entry.tag) || entry.route != route {
            return false;
        }
        let confirmed = with_state(entry.tag, CONFIRMED);
        let Some(Some(segment)) = segments.get_mut(slot as usize) else { return false };
        let position = Position { sequence: segment.sequence, offset: offset as u32 };
        let is_stale = (stale.swept..stale.end).contains(&position);
        if !is_stale || stale.attributes_of(segment, offset) != Some(id) {
            return false;
        }
        segment.bytes[offset] = confirmed;
        stale.has_confirmed = true;
        true
    }

    /// Withdraws the routes that are stale.
    pub(crate) fn drop_stale(
        &mut self,
        attributes: &mut Attributes,
        time: Timestamp,
    ) -> Result<(), Full> {
        while !self.drop_some_stale(attributes, time)? {}
        Ok(())
    }

    /// Withdraws some of the stale routes, wherever compaction has moved the rest meanwhile. True if there are no stale
    /// routes left.
    pub(crate) fn drop_some_stale(
        &mut self,
        attributes: &mut Attributes,
        time: Timestamp,
    ) -> Result<bool, Full> {
        let mut stale = Vec::new();
        if !self.sweep(|route| {
            stale.push(route.to_vec());
        }) {
            return Ok(true);
        }
        let mut rest = stale.as_slice();
        while !rest.is_empty() {
            let mut len = 0;
            let fits = |route: &&Vec<u8>| {
                len += route.len();
                len <= STALE_BATCH
            };
            let count = rest.iter().take_while(fits).count().max(1);
            let (batch, left) = rest.split_at(count);
            let field_len = batch.iter().map(Vec::len).sum();
            self.withdraw(attributes, time, field_len, batch.iter())?;
            rest = left;
        }
        Ok(false)
    }

    /// The source is lost again before all of what was stale is swept: makes some of what is confirmed as any other
    /// entry. False if nothing is left.
    pub(crate) fn sweep_some(&mut self) -> bool {
        self.stale.as_ref().is_some_and(|stale| stale.has_confirmed) && self.sweep(|_| {})
    }

    /// Sweeps some of the stale range; `stale` is given the routes that are not confirmed. A record is swept as a
    /// whole. False if the range is swept.
    fn sweep(&mut self, mut stale: impl FnMut(&[u8])) -> bool {
        let Some(Stale { end, swept, .. }) = self.stale else { return false };
        let begun = self.rank(swept.sequence);
        let is_over = |slot: &&u32| self.segment(**slot).end() <= swept;
        let next = self.order.iter().skip(begun).find(|slot| !is_over(slot)).copied();
        let Some(slot) = next.filter(|_| swept < end) else {
            self.stale = None;
            return false;
        };
        let segment = self.segment_mut(slot);
        let sequence = segment.sequence;
        let mut at = swept.max(Position { sequence, offset: 0 });
        let mut swept = 0;
        while swept < SWEPT_AT_ONCE
            && at < end
            && let Some(header) = header_at(&segment.bytes, at.offset as usize)
        {
            let mut next = header.entries.start;
            while next < header.entries.end
                && let Some(entry) = entry_at(&segment.bytes, next)
            {
                next = entry.end;
                swept += 1;
                if entry.tag & SUPERSEDED != 0 || is_withdrawn(entry.tag) {
                    continue;
                }
                if is_confirmed(entry.tag) {
                    let (offset, tag) = (entry.offset, with_state(entry.tag, SENT));
                    segment.bytes[offset] = tag;
                } else {
                    stale(entry.route);
                }
            }
            at.offset = header.entries.end as u32;
        }
        let is_over = at.offset as usize >= segment.bytes.len();
        if let Some(stale) = &mut self.stale {
            stale.swept = at.min(end);
        }
        if is_over {
            self.forget_records(sequence);
        }
        // Entries that lie one behind the other are quick.
        self.work += swept / 4;
        true
    }
}
