//! What one session still has to send.
//!
//! A feed is a reader in every log that its station is sent, and what the station was sent of every
//! neighbor, and nothing else: no queue, no copy of a route. It is created when a connection comes up
//! and dropped with it, so nothing of one generation can reach the next.
//!
//! What the station is sent of a neighbor, in this order: Peer Up; routes and one End-of-RIB a family; after a
//! graceful restart Peer Up again, before any route of the new incarnation, and the same; at the end Peer Down, for
//! whatever reason. If the station falls so far behind a neighbor that what it would need is no longer kept, it is
//! sent Peer Down for that neighbor, and then everything of it again.
//!
//! A feed whose receiver acknowledges what it has got ([`Feed::acknowledged`]) has two positions more, in the logs and
//! here ([`kept`]): up to where it is acknowledged, and up to where it will be.

mod kept;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use shared::names::{NeighborId, RouterId};

use self::kept::{Down, Kept, Standing};
use super::epoch::{Epoch, PeerDown, Rib, TableId};
use super::item::{Item, Sink};
use super::live::{About, LivePosition};
use super::log::{ReaderId, Visit};
use super::router::{Peer, Router};
use crate::filter::Monitor;
use crate::moment::{Moment, bmp_timestamp};
use crate::supervise::fault;
use crate::wire::bmp::{PeerDownReason, STATISTICS_REPORT, Timestamp, View};
use crate::wire::family::Family;

/// One neighbor may fill this part of a batch (1/n) before another one has its turn.
const SHARES: usize = 16;

/// How many bytes of tables are scanned to count what is still to be sent; beyond that it is an estimate.
const EXACT: usize = 1024 * 1024;

/// How often a call skips many superseded records before others have their turn.
const SCANS: usize = 16;

/// The feed's state of one neighbor.
#[derive(Debug)]
struct FeedPeer {
    neighbor: Arc<Peer>,
    /// True if it is to be sent to the station.
    wanted: bool,
    /// True once it was removed from the tables: it stays until its Peer Down is sent.
    removed: bool,
    /// Sessions of the neighbor that were sent to the station, or counted as skipped.
    accounted: u64,
    known: Option<KnownPeer>,
    /// True if it had more to send than its share when it last had its turn.
    is_busy: bool,
}

impl FeedPeer {
    /// The epoch to be sent to the station.
    fn current(&self) -> Option<Arc<Epoch>> {
        self.neighbor.current().filter(|epoch| self.wanted && !epoch.is_over())
    }

    /// Returns how many further sessions have come and gone without a Peer Up, once so many were sent.
    fn account(&mut self, peer_ups: u64) -> u64 {
        self.accounted += peer_ups;
        if self.wanted && self.accounted == self.neighbor.begun() {
            return 0;
        }
        let known = self.known.as_ref();
        let sessions = self.neighbor.sessions(|present| {
            !known.is_some_and(|known| {
                Arc::ptr_eq(present, &known.epoch) && present.incarnation() == known.incarnation
            })
        });
        if !self.wanted {
            self.accounted = sessions;
        }
        let skipped = sessions.saturating_sub(self.accounted);
        self.accounted += skipped;
        skipped
    }

    fn is_synchronised(&self) -> bool {
        match (self.current(), &self.known) {
            (None, known) => known.is_none(),
            (Some(_), None) => false,
            (Some(current), Some(known)) => {
                Arc::ptr_eq(&current, &known.epoch)
                    && current.incarnation() == known.incarnation
                    && known.is_complete()
            }
        }
    }
}

/// What a station was sent of a neighbor that is up in its view.
#[derive(Debug)]
struct KnownPeer {
    epoch: Arc<Epoch>,
    /// The incarnation whose Peer Up was sent.
    incarnation: u64,
    /// What is known of that Peer Up, and of those before it.
    up: Standing,
    readers: Vec<TableReader>,
    /// How many of its tables were looked at: those beyond were opened since.
    tables: usize,
    /// True while the last Statistics Report of the peer is to be sent once its routes are.
    owes_report: bool,
    /// The epoch's version when everything had been read.
    seen: u64,
    /// The reader whose turn it is.
    turn: usize,
    /// True if all of it is to be sent again, beginning with its Peer Up.
    repeats: bool,
    /// Of a feed that is acknowledged: true if its readers have moved since the last mark.
    has_moved: bool,
    /// True if that mark was of them.
    is_marked: bool,
}

/// The reader of one table that is sent to the station.
#[derive(Debug)]
struct TableReader {
    table: TableId,
    /// The same with what its receiver must know: a Loc-RIB of which some families are left out is filtered.
    sent_as: TableId,
    /// The rank of the log; it stays the same as long as an epoch lasts.
    log: usize,
    id: ReaderId,
    end_of_rib: Ending,
}

/// The progress of the End-of-RIB of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    NotYet,
    /// The sink has taken it.
    Taken,
    /// An acknowledgement of it is awaited.
    Marked,
    /// It was written to the connection, or acknowledged, at that time.
    Written(Moment),
}

impl KnownPeer {
    fn leave(&self) {
        self.epoch.release_reader(|rib| {
            for reader in &self.readers {
                if let Some((_, log)) = rib.logs.get_mut(reader.log) {
                    log.unsubscribe(reader.id, &mut rib.attributes);
                }
            }
        });
    }

    /// True once the End-of-RIB of every table was sent.
    fn is_complete(&self) -> bool {
        self.tables == self.epoch.tables()
            && !self.repeats
            && self.readers.iter().all(|reader| reader.end_of_rib != Ending::NotYet)
    }
}

/// A Loc-RIB of which some families are left out is a filtered one (RFC 9069 section 4.2, the F flag).
fn sent_as(view: View, monitor: &Monitor) -> View {
    match view {
        View::LocRib { .. } if monitor.families.is_some() => View::LocRib { is_filtered: true },
        view => view,
    }
}

/// Begins to read the tables that were opened since there were so many.
fn open_tables(
    readers: &mut Vec<TableReader>,
    tables: &mut usize,
    rib: &mut Rib,
    monitor: &Monitor,
    is_acknowledged: bool,
) {
    let opened = rib.logs.iter_mut().enumerate().skip(*tables);
    readers.extend(opened.filter_map(|(rank, (table, log))| {
        monitor.wants_table(table.view, table.family).then(|| TableReader {
            table: *table,
            sent_as: TableId { view: sent_as(table.view, monitor), ..*table },
            log: rank,
            id: log.subscribe(is_acknowledged),
            end_of_rib: Ending::NotYet,
        })
    }));
    *tables = rib.logs.len();
}

/// The result of filling a sink, beside the items that it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Filled {
    /// Neighbors that are sent from the beginning again because the receiver fell too far behind.
    pub(crate) neighbors_resent: u64,
    /// Sessions of neighbors that came and went since the last time: nothing is sent of them.
    pub(crate) sessions_skipped: u64,
    /// Messages to be passed on that the receiver was too slow for.
    pub(crate) messages_lost: u64,
}

/// What one connection still has to send.
#[derive(Debug)]
pub(crate) struct Feed {
    router: Arc<Router>,
    /// How often the router had appeared: peers of a later time are for another connection.
    presence: u64,
    monitor: Monitor,
    /// Of the messages that are only passed on; bmpd itself has none.
    live: Option<LivePosition>,
    /// The neighbors as of the last refresh of the feed.
    known: Arc<Vec<Arc<Peer>>>,
    /// Including those that were removed meanwhile, in the order of the tables.
    places: Vec<FeedPeer>,
    /// When a neighbor was last deselected.
    unwanted_since: Timestamp,
    /// Whose turn it is.
    turn: usize,
    /// How often the last call of [`Feed::fill`] skipped many superseded records.
    scans: usize,
    /// Of a receiver that acknowledges what it has got.
    kept: Option<Kept>,
}

impl Drop for Feed {
    fn drop(&mut self) {
        for known in self.places.iter().filter_map(|place| place.known.as_ref()) {
            known.leave();
        }
        if self.live.is_some() {
            self.router.live().unsubscribe();
        }
    }
}

impl Feed {
    /// A feed of what `monitor` selects, of which nothing has been sent yet.
    pub(crate) fn new(router: Arc<Router>, monitor: Monitor) -> Self {
        Self::with(router, monitor, None)
    }

    fn with(router: Arc<Router>, monitor: Monitor, kept: Option<Kept>) -> Self {
        let mut feed = Self {
            live: (*router.id() != RouterId::Local).then(|| router.listen()),
            kept,
            presence: router.presence().map_or(0, |presence| presence.number),
            router,
            monitor,
            known: Arc::default(),
            places: Vec::new(),
            unwanted_since: Timestamp::default(),
            turn: 0,
            scans: 0,
        };
        feed.refresh_neighbors(true);
        feed
    }

    /// Changes the selection of neighbors. Those no longer selected get a Peer Down (reason 5) with the
    /// next batch, those newly selected get a Peer Up and their routes.
    ///
    /// The families stay those that the feed was made with: others require a new connection.
    pub(crate) fn set_monitor(&mut self, monitor: Monitor) {
        self.monitor.neighbors = monitor.neighbors;
        self.unwanted_since = bmp_timestamp();
        for place in &mut self.places {
            place.wanted = place.neighbor.is_wanted(&self.monitor);
        }
    }

    /// Registers neighbors that were added or removed.
    fn refresh_neighbors(&mut self, is_new: bool) {
        let mut neighbors = self.router.peers();
        // After the peers were read: those of the next time are added once it has begun.
        if self.router.has_left(self.presence) {
            neighbors = Arc::default();
        }
        if Arc::ptr_eq(&neighbors, &self.known) {
            return;
        }
        let mut still = neighbors.iter().peekable();
        for place in &mut self.places {
            let found = still.next_if(|neighbor| Arc::ptr_eq(neighbor, &place.neighbor));
            place.removed = found.is_none();
        }
        for neighbor in still {
            let over = neighbor.sessions(|_| true);
            self.places.push(FeedPeer {
                neighbor: Arc::clone(neighbor),
                wanted: neighbor.is_wanted(&self.monitor),
                removed: false,
                // Sessions that ended before the connection came up are not reported.
                accounted: if is_new { over } else { 0 },
                known: None,
                is_busy: false,
            });
        }
        self.known = neighbors;
    }

    /// Passes the next items to `sink` until it holds about `limit` bytes or there is nothing left to send. Neighbors
    /// that went down or came up are first, then routes: of each neighbor a share in turn, so that one with much to
    /// send does not delay others.
    ///
    /// A table is locked for the length of a share at most, or of this call if no other has anything to send. `limit`
    /// must leave room for the largest item (256 KiB do).
    pub(crate) fn fill(&mut self, sink: &mut impl Sink, limit: usize) -> Filled {
        let filled = self.fill_with(sink, limit);
        if self.kept.is_some() {
            self.note_moves();
        }
        filled
    }

    fn fill_with(&mut self, sink: &mut impl Sink, limit: usize) -> Filled {
        let mut filled = Filled::default();
        self.refresh_neighbors(false);
        self.send_downs(sink);
        // In order: of a neighbor that was removed and added again Peer Down is before Peer Up.
        for place in &mut self.places {
            if sink.len() >= limit {
                return filled;
            }
            let peer_ups =
                send_state(place, &self.monitor, self.unwanted_since, &mut self.kept, sink);
            filled.sessions_skipped += place.account(peer_ups);
        }
        self.places.retain(|place| !place.removed || place.known.is_some());
        filled.messages_lost += self.pass_on(sink, limit);
        let count = self.places.len();
        self.scans = 0;
        let ranks = |begin: usize| (0..count).map(move |number| (begin + number) % count);
        let mut busy: VecDeque<usize> = VecDeque::new();
        // Those that had little to send the last time are first, but leave room for the others.
        for rank in ranks(self.turn) {
            if self.places[rank].is_busy || sink.len() >= limit / 2 {
                busy.push_back(rank);
            } else if let Outcome::Part | Outcome::Full =
                self.send_share(rank, sink, limit, limit / SHARES, &mut filled)
            {
                busy.push_back(rank);
            }
        }
        while let Some(rank) = busy.pop_front() {
            if self.scans >= SCANS {
                self.turn = rank;
                break;
            }
            let share = if busy.is_empty() { limit } else { limit / SHARES };
            match self.send_share(rank, sink, limit, share, &mut filled) {
                Outcome::All => {}
                Outcome::Part => busy.push_back(rank),
                Outcome::Full => {
                    // The next call begins with the next neighbor.
                    self.turn = busy.front().map_or((rank + 1) % count, |next| *next);
                    return filled;
                }
            }
        }
        filled
    }

    /// Passes on messages that are not kept, at most as many as leave room for routes. Returns how many were lost.
    fn pass_on(&mut self, sink: &mut impl Sink, limit: usize) -> u64 {
        let Self { router, presence, live, places, monitor, .. } = self;
        let Some(live) = live else { return 0 };
        let messages = router.live();
        if !messages.has_news(live) {
            return 0;
        }
        let most = sink.len() + (limit / 4);
        messages.read(live, |given| {
            if sink.len() >= most {
                return false;
            }
            let message = given.message;
            let is_for_it = match &message.about {
                // Those of the next time are for another connection.
                _ if message.presence != *presence => false,
                About::Router => true,
                About::Peer(peer) => monitor.wants(peer),
                About::Session(epoch) => {
                    let mut known = places.iter_mut().filter_map(|place| place.known.as_mut());
                    known.find(|known| Arc::ptr_eq(&known.epoch, epoch)).is_some_and(|known| {
                        known.owes_report &= message.bytes.get(5) != Some(&STATISTICS_REPORT);
                        true
                    })
                }
            };
            if is_for_it {
                sink.pass_on(&message.bytes, given.has_lost_mirroring);
            }
            true
        })
    }

    /// True if the last call of [`Feed::fill`] ended early after skipping many superseded records: there may be
    /// something to send even if it has sent nothing.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.scans >= SCANS
    }

    /// Sends routes of one neighbor, about as many bytes as its share.
    fn send_share(
        &mut self,
        rank: usize,
        sink: &mut impl Sink,
        limit: usize,
        share: usize,
        filled: &mut Filled,
    ) -> Outcome {
        let Some(FeedPeer { known, is_busy, accounted, .. }) = self.places.get_mut(rank) else {
            return Outcome::All;
        };
        let Some(some) = known else {
            *is_busy = false;
            return Outcome::All;
        };
        let begin = sink.len();
        let until = limit.min(begin.saturating_add(share));
        let is_acknowledged = self.kept.is_some();
        let sent = send_routes(some, &self.monitor, sink, (until, limit), is_acknowledged);
        *is_busy = matches!(sent, Sent::Part | Sent::Scanned);
        match sent {
            Sent::All | Sent::Restarted => Outcome::All,
            Sent::Scanned => {
                self.scans += 1;
                Outcome::Part
            }
            // Where not even one message fits, another try would not help.
            Sent::Part if until < limit && sink.len() > begin => Outcome::Part,
            Sent::Part => Outcome::Full,
            Sent::Lapsed => {
                some.leave();
                // Reason 5: the neighbor is still up, but its state at the station is not kept up to date (RFC
                // 7854 section 4.9). The next call begins with Peer Up.
                let down = PeerDown { time: bmp_timestamp(), reason: PeerDownReason::Deconfigured };
                send_down(&some.epoch, &self.monitor, down, &mut self.kept, sink);
                filled.neighbors_resent += 1;
                // Its second Peer Up is of the same session.
                *accounted = accounted.saturating_sub(1);
                *known = None;
                Outcome::All
            }
        }
    }

    /// Records when the End-of-RIBs that the sink has taken were written.
    pub(crate) fn end_of_ribs_written(&mut self, now: Moment) {
        let known = self.places.iter_mut().filter_map(|place| place.known.as_mut());
        for reader in known.flat_map(|known| &mut known.readers) {
            if reader.end_of_rib == Ending::Taken {
                reader.end_of_rib = Ending::Written(now);
            }
        }
    }

    /// When the End-of-RIBs of the sessions that are up were sent.
    pub(crate) fn end_of_ribs(&self) -> impl Iterator<Item = (&NeighborId, TableId, &Moment)> {
        let known = self.places.iter().filter_map(|place| Some((place, place.known.as_ref()?)));
        known.flat_map(|(place, known)| {
            known.readers.iter().filter_map(|reader| match &reader.end_of_rib {
                Ending::Written(at) => Some((place.neighbor.id(), reader.table, at)),
                Ending::NotYet | Ending::Taken | Ending::Marked => None,
            })
        })
    }

    /// How many neighbors are sent to the station, by family.
    pub(crate) fn monitored(&self) -> BTreeMap<Family, Vec<&NeighborId>> {
        let mut monitored: BTreeMap<Family, Vec<&NeighborId>> = BTreeMap::new();
        for place in &self.places {
            for reader in place.known.iter().flat_map(|known| &known.readers) {
                let peers = monitored.entry(reader.table.family).or_default();
                // One with several views counts once.
                if peers.last() != Some(&place.neighbor.id()) {
                    peers.push(place.neighbor.id());
                }
            }
        }
        monitored
    }

    /// Hands `sink` the statistics of every neighbor that the receiver believes to be up. Those of other routers have
    /// their own.
    pub(crate) fn statistics(&self, sink: &mut impl Sink, time: Timestamp) {
        if *self.router.id() != RouterId::Local {
            return;
        }
        for known in self.places.iter().filter_map(|place| place.known.as_ref()) {
            let wanted = |family| self.monitor.wants_family(family);
            if let Some(statistics) = known.epoch.maintain(|rib| rib.statistics(wanted)) {
                let item = Item::Statistics { time, statistics: &statistics };
                sink.put(&known.epoch.header, item, usize::MAX);
            }
        }
    }

    /// True if every neighbor that is up and selected was sent, with all its routes and End-of-RIBs.
    pub(crate) fn is_synchronised(&self) -> bool {
        let neighbors = self.router.peers();
        self.places.iter().all(FeedPeer::is_synchronised)
            && self
                .unknown(&neighbors)
                .iter()
                .all(|neighbor| neighbor.current().is_none() || !neighbor.is_wanted(&self.monitor))
    }

    /// How many routes are still to be sent.
    pub(crate) fn remaining(&self) -> usize {
        let all = |rib: &mut Rib| {
            let tables = rib
                .tables()
                .filter(|(table, ..)| self.monitor.wants_table(table.view, table.family));
            tables.map(|(_, routes, _)| routes).sum::<usize>()
        };
        let neighbors = self.router.peers();
        let unknown = self
            .unknown(&neighbors)
            .iter()
            .filter(|neighbor| neighbor.is_wanted(&self.monitor))
            .filter_map(|neighbor| neighbor.current())
            .filter_map(|epoch| epoch.maintain(all));
        let mut exact = EXACT;
        let known = self.places.iter().filter_map(|place| {
            let current = place.current()?;
            let known = place.known.as_ref().filter(|known| Arc::ptr_eq(&known.epoch, &current));
            current.maintain(|rib| match known {
                None => all(rib),
                Some(known) => known
                    .readers
                    .iter()
                    .filter_map(|reader| {
                        let (_, log) = rib.logs.get(reader.log)?;
                        Some(log.remaining(reader.id, &mut exact))
                    })
                    .sum(),
            })
        });
        unknown.chain(known).sum()
    }

    /// Those added since the last refresh of the feed: they are at the end.
    fn unknown<'a>(&self, neighbors: &'a Arc<Vec<Arc<Peer>>>) -> &'a [Arc<Peer>] {
        if Arc::ptr_eq(neighbors, &self.known) {
            return &[];
        }
        let mut places = self.places.iter();
        let known = neighbors
            .iter()
            .take_while(|neighbor| places.any(|place| Arc::ptr_eq(neighbor, &place.neighbor)))
            .count();
        neighbors.get(known..).unwrap_or_default()
    }
}

/// Peer Down for an epoch that is over or not selected, Peer Up for one that has begun or restarted. Returns how many
/// Peer Ups were sent.
fn send_state(
    place: &mut FeedPeer,
    monitor: &Monitor,
    unwanted_since: Timestamp,
    kept: &mut Option<Kept>,
    sink: &mut impl Sink,
) -> u64 {
    let current = place.current();
    if let Some(known) = &mut place.known {
        if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, &known.epoch)) {
            return send_restart(known, monitor, sink);
        }
        let down = match known.epoch.ended() {
            Some(down) => down,
            None if !place.wanted => {
                PeerDown { time: unwanted_since, reason: PeerDownReason::Deconfigured }
            }
            // An epoch has ended before another one takes its place.
            None => return 0,
        };
        known.leave();
        send_down(&known.epoch, monitor, down, kept, sink);
        place.known = None;
    }
    let Some(epoch) = current else { return 0 };
    let known = epoch.maintain(|rib| {
        let item =
            Item::PeerUp { view: sent_as(epoch.view, monitor), time: rib.since, up: &rib.up };
        sink.put(&epoch.header, item, usize::MAX);
        let (mut readers, mut tables) = (Vec::new(), 0);
        open_tables(&mut readers, &mut tables, rib, monitor, kept.is_some());
        KnownPeer {
            epoch: Arc::clone(&epoch),
            incarnation: rib.incarnation,
            up: Standing::Taken,
            readers,
            tables,
            owes_report: rib.report.is_some(),
            seen: 0,
            turn: 0,
            repeats: false,
            has_moved: true,
            is_marked: false,
        }
    });
    // An epoch that is over already is never reported.
    let Some(known) = known else { return 0 };
    place.known = Some(known);
    1
}

/// Peer Down. A receiver that has not acknowledged it may have to be sent it again.
fn send_down(
    epoch: &Epoch,
    monitor: &Monitor,
    down: PeerDown,
    kept: &mut Option<Kept>,
    sink: &mut impl Sink,
) {
    let down = Down { view: sent_as(epoch.view, monitor), down, standing: Standing::Taken };
    down.put(&epoch.header, sink);
    if let Some(kept) = kept {
        kept.add(epoch.header.clone(), down);
    }
}

/// Peer Up, without a Peer Down before it, for the next incarnation of an epoch.
fn send_restart(known: &mut KnownPeer, monitor: &Monitor, sink: &mut impl Sink) -> u64 {
    let repeats = std::mem::take(&mut known.repeats);
    if known.epoch.incarnation() == known.incarnation && !repeats {
        return 0;
    }
    let incarnation = known.epoch.with(|rib| {
        let item =
            Item::PeerUp { view: sent_as(known.epoch.view, monitor), time: rib.since, up: &rib.up };
        sink.put(&known.epoch.header, item, usize::MAX);
        for reader in known.readers.iter().filter(|_| repeats) {
            if let Some((_, log)) = rib.logs.get_mut(reader.log) {
                log.begin_again(reader.id);
            }
        }
        rib.incarnation
    });
    let Some(incarnation) = incarnation else { return 0 };
    let is_another = incarnation != known.incarnation;
    known.incarnation = incarnation;
    known.has_moved = true;
    known.seen = 0;
    known.up = Standing::Taken;
    for reader in &mut known.readers {
        reader.end_of_rib = Ending::NotYet;
    }
    u64::from(is_another)
}

/// The result of a neighbor's share of a batch.
enum Outcome {
    /// It has nothing left to send.
    All,
    /// Its share is used up.
    Part,
    /// The batch is full.
    Full,
}

/// The result of sending a neighbor's routes.
enum Sent {
    /// There are no more.
    All,
    /// Many superseded records were skipped, and there may be more.
    Scanned,
    /// The next item does not fit.
    Part,
    /// The neighbor has restarted: Peer Up comes before its routes, in the next call.
    Restarted,
    /// A reader has lapsed.
    Lapsed,
}

/// Sends routes of one neighbor, each family in turn, until `sink` holds `until` bytes; at least one item, if that fits
/// into `limit`.
fn send_routes(
    known: &mut KnownPeer,
    monitor: &Monitor,
    sink: &mut impl Sink,
    (until, limit): (usize, usize),
    is_acknowledged: bool,
) -> Sent {
    let begin = sink.len();
    let version = known.epoch.version();
    if version == known.seen {
        return Sent::All;
    }
    known.has_moved = true;
    let KnownPeer { epoch, incarnation, readers, tables, turn, owes_report, .. } = known;
    let header = &epoch.header;
    // Items already taken do not wait for a link that is busy with these tables.
    let outcome = epoch.try_maintain(begin == 0, |rib| {
        if rib.incarnation != *incarnation {
            // It has restarted since its state was sent. The change notifier notifies for that.
            return Sent::Restarted;
        }
        if *tables < rib.logs.len() {
            open_tables(readers, tables, rib, monitor, is_acknowledged);
        }
        for _ in 0..readers.len() {
            let rank = *turn % readers.len();
            *turn = rank + 1;
            let Some(reader) = readers.get_mut(rank) else { continue };
            let Some((_, log)) = rib.logs.get_mut(reader.log) else { continue };
            if log.has_lapsed(reader.id) {
                return Sent::Lapsed;
            }
            let is_stopped = log.read(reader.id, &mut rib.attributes, |record, attributes| {
                fault("feed.read");
                let most = if sink.len() > begin { until } else { limit };
                let attributes = record.attributes.map(|id| attributes.get(id));
                let item = Item::Routes { table: reader.sent_as, record, attributes };
                if sink.put(header, item, most) { Visit::Taken } else { Visit::Stop }
            });
            if log.take_end_of_rib(reader.id) {
                let item = Item::EndOfRib { table: reader.sent_as, time: log.end_of_rib_time() };
                sink.put(header, item, limit);
                reader.end_of_rib = Ending::Taken;
            }
            if !log.is_at_end(reader.id) {
                return if is_stopped { Sent::Part } else { Sent::Scanned };
            }
        }
        if *owes_report
            && readers.iter().all(|reader| reader.end_of_rib != Ending::NotYet)
            && let Some(report) = rib.report.as_deref().filter(|_| std::mem::take(owes_report))
        {
            sink.pass_on(report, false);
        }
        Sent::All
    });
    let Ok(outcome) = outcome else { return Sent::Part };
    // An epoch that has ended meanwhile: the next call reports that.
    let outcome = outcome.unwrap_or(Sent::All);
    if matches!(outcome, Sent::All) {
        known.seen = version;
    }
    outcome
}
