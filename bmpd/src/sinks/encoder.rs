//! What a receiver is sent, as BMP messages (RFC 7854 section 4).

use crate::routers::{Feed, Item, Record, Sink, TableId};
use crate::wire::bmp::{self, PeerHeader, Timestamp, View};

/// The view in Statistics Reports of our own: the flags that mean nothing there are clear.
const VIEW: View = View::AdjRibInPrePolicy;

/// What was encoded, by type of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Batch {
    /// Peer Up messages.
    pub(crate) peer_up: u64,
    /// Peer Down messages.
    pub(crate) peer_down: u64,
    /// Route Monitoring messages, the End-of-RIBs among them.
    pub(crate) route_monitoring: u64,
    /// Statistics Reports.
    pub(crate) statistics_reports: u64,
    /// Route Mirroring messages.
    pub(crate) route_mirroring: u64,
    /// Messages of types that are not known.
    pub(crate) unknown: u64,
    /// Initiations after the first one.
    pub(crate) initiation: u64,
    /// Routes announced.
    pub(crate) announced: u64,
    /// Routes withdrawn.
    pub(crate) withdrawn: u64,
    /// End-of-RIBs.
    pub(crate) end_of_rib: u64,
    /// Neighbors that are sent from the beginning again because the station fell too far behind.
    pub(crate) neighbors_resent: u64,
    /// Sessions of neighbors that came and went since the batch before: nothing is sent of them.
    pub(crate) sessions_skipped: u64,
    /// Messages to be passed on that were left out.
    pub(crate) messages_lost: u64,
}

/// Encoded messages, and what they are.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    pub(crate) out: Vec<u8>,
    pub(crate) batch: Batch,
}

impl Encoder {
    /// Encodes what the station is to be sent next, about `limit` bytes; see [`Feed::fill`].
    pub(crate) fn fill(&mut self, feed: &mut Feed, limit: usize) {
        let filled = feed.fill(self, limit);
        self.batch.neighbors_resent += filled.neighbors_resent;
        self.batch.sessions_skipped += filled.sessions_skipped;
        self.batch.messages_lost += filled.messages_lost;
    }

    #[inline]
    fn routes(
        &mut self,
        peer: &PeerHeader,
        TableId { view, family }: TableId,
        record: &Record<'_>,
        attributes: Option<&[u8]>,
    ) {
        let Self { out, batch } = self;
        let nlri = |out: &mut Vec<u8>| {
            let mut count = 0;
            for route in record.routes() {
                out.extend_from_slice(route);
                count += 1;
            }
            count
        };
        batch.route_monitoring += 1;
        match attributes {
            Some(stored) => {
                let count = bmp::announce(out, peer, view, record.time, family, stored, nlri);
                batch.announced += u64::from(count);
            }
            None => {
                let count = bmp::withdraw(out, peer, view, record.time, family, nlri);
                batch.withdrawn += u64::from(count);
            }
        }
    }

    fn end_of_rib(&mut self, peer: &PeerHeader, table: TableId, time: Timestamp) {
        let TableId { view, family } = table;
        bmp::withdraw(&mut self.out, peer, view, time, family, |_| 0);
        self.batch.route_monitoring += 1;
        self.batch.end_of_rib += 1;
    }
}

impl Sink for Encoder {
    fn len(&self) -> usize {
        self.out.len()
    }

    // What an item is is known where it is made.
    #[inline(always)]
    fn put(&mut self, peer: &PeerHeader, item: Item<'_>, limit: usize) -> bool {
        match item {
            Item::PeerUp { view, time, up } => {
                bmp::peer_up(&mut self.out, peer, view, time, up);
                self.batch.peer_up += 1;
            }
            Item::Routes { table, record, attributes } => {
                let length = attributes.map_or(0, <[u8]>::len);
                let room = bmp::route_monitoring_room(length, record.room());
                if self.out.len() + room > limit {
                    return false;
                }
                self.routes(peer, table, &record, attributes);
            }
            Item::EndOfRib { table, time } => self.end_of_rib(peer, table, time),
            Item::Statistics { time, statistics } => {
                bmp::statistics(&mut self.out, peer, VIEW, time, statistics);
                self.batch.statistics_reports += 1;
            }
            Item::PeerDown { view, time, reason } => {
                bmp::peer_down(&mut self.out, peer, view, time, reason);
                self.batch.peer_down += 1;
            }
        }
        true
    }

    fn pass_on(&mut self, message: &[u8], has_lost_mirroring: bool) {
        let Self { out, batch } = self;
        match message.get(TYPE_AT).copied() {
            Some(bmp::ROUTE_MIRRORING) => batch.route_mirroring += 1,
            Some(bmp::STATISTICS_REPORT) => batch.statistics_reports += 1,
            Some(bmp::ROUTE_MONITORING) => batch.route_monitoring += 1,
            Some(bmp::INITIATION) => batch.initiation += 1,
            _ => batch.unknown += 1,
        }
        match has_lost_mirroring {
            true => bmp::mirroring_after_loss(out, message),
            false => out.extend_from_slice(message),
        }
    }
}

/// Where the type of a message is (RFC 7854 section 4.1).
const TYPE_AT: usize = 5;
