//! What a feed hands out, and who takes it.
//!
//! An item is what is sent to a receiver about one peer; a sink encodes it as its receiver requires. The tables do
//! not depend on that.

use super::epoch::TableId;
use super::log::Record;
use crate::wire::bmp::{PeerDownReason, PeerHeader, PeerUp, Statistic, Timestamp, View};

/// What is sent next about a peer.
#[derive(Debug)]
pub(crate) enum Item<'a> {
    /// It has come up; without a Peer Down before it, its session has restarted.
    PeerUp {
        /// What the flags of its per-peer header say: of a Loc-RIB, whether it is filtered.
        view: View,
        /// When.
        time: Timestamp,
        /// Both OPENs and what goes with them.
        up: &'a PeerUp,
    },
    /// Routes were announced with these attributes, in their stored form ([`crate::wire::stored`]), or withdrawn.
    Routes { table: TableId, record: Record<'a>, attributes: Option<&'a [u8]> },
    /// All routes of a table were sent.
    EndOfRib { table: TableId, time: Timestamp },
    /// Its counters and gauges.
    Statistics { time: Timestamp, statistics: &'a [Statistic] },
    /// It has gone down.
    PeerDown { view: View, time: Timestamp, reason: &'a PeerDownReason },
}

/// What takes the items of a feed.
pub(crate) trait Sink {
    /// How many bytes it holds.
    fn len(&self) -> usize;

    /// Takes an item, unless it is one of routes and would make the sink hold more than `limit` bytes: false then.
    fn put(&mut self, peer: &PeerHeader, item: Item<'_>, limit: usize) -> bool;

    /// Takes a whole BMP message of a router as it came. With `has_lost_mirroring` it is one of Route Mirroring, and
    /// others before it were lost.
    fn pass_on(&mut self, message: &[u8], has_lost_mirroring: bool);
}
