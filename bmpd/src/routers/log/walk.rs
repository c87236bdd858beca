//! Reading a log for a query: what it has, once.
//!
//! A walk is a position that compaction moves, as it moves those of readers, and nothing else: no withdrawal is kept for
//! it, so one that is continued late costs nothing, and it cannot fall behind.
//!
//! ```text
//!   [ - - - - - - - - - | - - - - ]          the first lap ends where the log ended when the walk began,
//!     ^ position        ^ end of the lap     the second one where it ended when the first one was through
//! ```
//!
//! A route that changes before it was passed moves behind the end of the first lap, so there is a second one: a route that
//! was there all the time is passed. One that changes after it was passed is passed again, as it is then. What
//! changes during both laps may be missing, and is counted.

use super::record::{
    Entries, Header, SUPERSEDED, WITHDRAWN_RECORD, header_at, is_confirmed, is_withdrawn,
};
use super::{Log, Position, bytes_of, hash, same, split};
use crate::routers::attributes::{Attributes, AttributesId};
use crate::wire::bmp::Timestamp;

/// A route as it is in the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found<'a> {
    /// Which set of attributes it has.
    pub(crate) set: AttributesId,
    /// That set, in its stored form ([`crate::wire::stored`]).
    pub(crate) attributes: &'a [u8],
    /// When it was received.
    pub(crate) time: Timestamp,
    /// The route.
    pub(crate) route: &'a [u8],
    /// True if its source is away, or is back and has not announced it again.
    pub(crate) is_stale: bool,
}

/// Where a walk is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walk {
    at: Position,
    /// The end of this lap.
    end: Position,
    is_second_lap: bool,
}

/// Identifies a walk through one log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WalkId(u32);

/// Whether a walk goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Walked {
    /// There is more.
    Some,
    /// It is through; this many changes came meanwhile and were not passed.
    All { changes: usize },
}

impl Walk {
    /// The same for [`Log::marks`].
    pub(super) fn marks(&self) -> [Position; 2] {
        [self.at, self.end]
    }

    pub(super) fn move_marks(&mut self, change: &mut impl FnMut(&mut Position)) {
        change(&mut self.at);
        change(&mut self.end);
    }
}

impl Log {
    /// Begins a walk.
    pub(crate) fn begin_walk(&mut self) -> WalkId {
        let walk = Walk { at: Position::default(), end: self.end(), is_second_lap: false };
        let free = self.walks.iter().position(Option::is_none).unwrap_or(self.walks.len());
        match self.walks.get_mut(free) {
            Some(place) => *place = Some(walk),
            None => self.walks.push(Some(walk)),
        }
        WalkId(free as u32)
    }

    /// Ends a walk.
    pub(crate) fn end_walk(&mut self, walk: WalkId) {
        if let Some(place) = self.walks.get_mut(walk.0 as usize) {
            *place = None;
        }
        while self.walks.last().is_some_and(Option::is_none) {
            self.walks.pop();
        }
    }

    /// Passes further routes, until this many bytes of the log were read or a record is not taken: `visit` is called for
    /// each route of a record, and then asked whether it takes more.
    pub(crate) fn walk(
        &mut self,
        id: WalkId,
        attributes: &Attributes,
        at_most: usize,
        mut visit: impl FnMut(Found<'_>),
        mut has_room: impl FnMut() -> bool,
    ) -> Walked {
        let Some(Some(mut walk)) = self.walks.get(id.0 as usize).copied() else {
            return Walked::All { changes: 0 };
        };
        let mut read = 0;
        let mut rank = self.rank(walk.at.sequence);
        let is_through = 'laps: loop {
            while let Some(slot) = self.order.get(rank) {
                let segment = self.segment(*slot);
                let mut at = walk.at.max(Position { sequence: segment.sequence, offset: 0 });
                while at < walk.end
                    && let Some(header) = header_at(&segment.bytes, at.offset as usize)
                {
                    if read >= at_most || !has_room() {
                        break 'laps false;
                    }
                    read += header.entries.end - at.offset as usize;
                    self.pass(&header, &segment.bytes, at, attributes, &mut visit);
                    at.offset = header.entries.end as u32;
                    walk.at = at;
                }
                if at >= walk.end {
                    break;
                }
                rank += 1;
            }
            if walk.is_second_lap {
                break true;
            }
            walk.is_second_lap = true;
            walk.end = self.end();
            rank = self.rank(walk.at.sequence);
        };
        self.walks[id.0 as usize] = Some(walk);
        match is_through {
            true => Walked::All { changes: self.changes_from(walk.at) },
            false => Walked::Some,
        }
    }

    /// Passes the routes of a record.
    fn pass(
        &self,
        header: &Header,
        bytes: &[u8],
        at: Position,
        attributes: &Attributes,
        visit: &mut impl FnMut(Found<'_>),
    ) {
        if header.attributes == WITHDRAWN_RECORD {
            return;
        }
        let set = AttributesId(header.attributes);
        let stored = attributes.get(set);
        let is_stale = self.is_stale_at(at);
        let entries = bytes.get(header.entries.clone()).unwrap_or_default();
        for entry in (Entries { bytes: entries, offset: 0 }) {
            if entry.tag & SUPERSEDED == 0 {
                visit(Found {
                    set,
                    attributes: stored,
                    time: header.time,
                    route: entry.route,
                    is_stale: is_stale && !is_confirmed(entry.tag),
                });
            }
        }
    }

    fn is_stale_at(&self, at: Position) -> bool {
        self.stale.as_ref().is_some_and(|stale| (stale.swept..stale.end).contains(&at))
    }

    /// How many entries there are from a position on that are no older state of a route.
    fn changes_from(&self, at: Position) -> usize {
        let mut changes = 0;
        for slot in self.order.iter().skip(self.rank(at.sequence)) {
            let segment = self.segment(*slot);
            let mut offset = if segment.sequence == at.sequence { at.offset as usize } else { 0 };
            if offset == 0 {
                changes += (segment.announced + segment.withdrawn) as usize;
                continue;
            }
            while let Some(header) = header_at(&segment.bytes, offset) {
                offset = header.entries.end;
                let entries = segment.bytes.get(header.entries).unwrap_or_default();
                let live = Entries { bytes: entries, offset: 0 };
                changes += live.filter(|entry| entry.tag & SUPERSEDED == 0).count();
            }
        }
        changes
    }

    /// Looks a route up, of which only [`crate::wire::nlri::Form::key`] counts. Nothing must be left of the backlog
    /// ([`Log::late`]): what is not indexed is not found.
    pub(crate) fn look_up(
        &mut self,
        route: &[u8],
        attributes: &Attributes,
        visit: impl FnOnce(Found<'_>),
    ) {
        let Self { form, segments, index, hasher, .. } = self;
        let hash = hash(*form, hasher, route);
        let Some(found) = index.find(hash, same(*form, segments, route)) else { return };
        let (slot, offset) = split(*found);
        let bytes = bytes_of(&self.segments, slot);
        let Some(entry) = super::entry_at(bytes, offset) else { return };
        if is_withdrawn(entry.tag) {
            return;
        }
        let mut start = 0;
        while let Some(header) = header_at(bytes, start) {
            if header.entries.contains(&offset) {
                let sequence = self.segment(slot).sequence;
                let at = Position { sequence, offset: start as u32 };
                let set = AttributesId(header.attributes);
                visit(Found {
                    set,
                    attributes: attributes.get(set),
                    time: header.time,
                    route: entry.route,
                    is_stale: self.is_stale_at(at) && !is_confirmed(entry.tag),
                });
                return;
            }
            start = header.entries.end;
        }
    }
}
