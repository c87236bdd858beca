//! Readers whose receiver acknowledges what it was sent, later: a broker.
//!
//! ```text
//!   [ - - - - | - - - - - - | - - - - | - - - ]
//!             ^ acknowledged ^ marked  ^ cursor
//! ```
//!
//! What is before `acknowledged` the receiver has. Once all that was taken before `marked` is acknowledged, that is the new
//! `acknowledged`, and the cursor the next `marked`: two positions are enough, however much is under way. Compaction moves all
//! three. Withdrawals are kept from `acknowledged` on, so that a reader whose receiver has lost what was under way can begin
//! there again ([`Log::rewind`]): of each route it is sent the latest state only.

use super::{Log, Position, Reader, ReaderId};
use crate::routers::attributes::Attributes;

/// What of a log is acknowledged.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kept {
    /// Up to here all is.
    pub(super) acknowledged: Position,
    /// Up to here all will be, once what is awaited is acknowledged.
    pub(super) marked: Position,
}

impl Reader {
    /// It has fallen too far behind.
    pub(super) fn lapse(&mut self) {
        self.lapsed = true;
        self.cursor = Position::END;
        self.kept = self.kept.map(|_| Kept { acknowledged: Position::END, marked: Position::END });
    }

    /// Every position that must move when what it points at moves.
    pub(super) fn marks(&self) -> impl Iterator<Item = Position> + use<> {
        let kept = self.kept.map(|kept| [kept.acknowledged, kept.marked]);
        [self.cursor, self.born, self.dump_end].into_iter().chain(kept.into_iter().flatten())
    }

    /// The same, to move them.
    pub(super) fn move_marks(&mut self, change: &mut impl FnMut(&mut Position)) {
        change(&mut self.cursor);
        change(&mut self.born);
        change(&mut self.dump_end);
        if let Some(kept) = &mut self.kept {
            change(&mut kept.acknowledged);
            change(&mut kept.marked);
        }
    }
}

impl Log {
    /// What the reader has taken so far is awaited.
    pub(crate) fn mark(&mut self, reader: ReaderId) {
        if let Some(Some(Reader { cursor, kept: Some(kept), .. })) =
            self.readers.get_mut(reader.0 as usize)
        {
            kept.marked = *cursor;
        }
    }

    /// What was awaited is acknowledged.
    pub(crate) fn keep(&mut self, reader: ReaderId, attributes: &mut Attributes) {
        let Some(Some(Reader { kept: Some(kept), .. })) = self.readers.get_mut(reader.0 as usize)
        else {
            return;
        };
        let (from, to) = (kept.acknowledged, kept.marked);
        kept.acknowledged = to;
        self.left_behind(from, to, attributes);
    }

    /// What was taken and is not acknowledged is to be taken again. The End-of-RIB is, too, unless it `has_end_of_rib`.
    pub(crate) fn rewind(&mut self, reader: ReaderId, has_end_of_rib: bool) {
        if let Some(Some(reader)) = self.readers.get_mut(reader.0 as usize)
            && let Some(kept) = &mut reader.kept
        {
            kept.marked = kept.acknowledged;
            reader.cursor = kept.acknowledged;
            reader.end_of_rib_sent &= has_end_of_rib;
        }
    }

    /// All routes that are announced are to be taken again, and the End-of-RIB after them: a snapshot. Withdrawals that the
    /// reader has not been acknowledged yet are still for it.
    pub(crate) fn begin_again(&mut self, reader: ReaderId) {
        let end = self.end();
        if let Some(Some(reader)) = self.readers.get_mut(reader.0 as usize)
            && !reader.lapsed
        {
            reader.born = reader.needs_withdrawals_from();
            reader.dump_end = end;
            reader.cursor = Position::default();
            reader.kept = reader.kept.map(|_| Kept::default());
            reader.end_of_rib_sent = false;
        }
    }
}
