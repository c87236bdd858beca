//! What one session still has to send.
//!
//! A feed is a reader in every log that its station wants to hear of, and what the station was told of
//! every neighbor, and nothing else: no queue, no copy of a route. It is made when a connection comes up
//! and dies with it, so nothing of one generation can reach the next.
//!
//! What the station is told of a neighbor, in this order: Peer Up; routes and one End-of-RIB a family;
//! after a graceful restart Peer Up again, before any route of the new incarnation, and the same; at last
//! Peer Down, for whatever reason there is no more to be told. If the station falls so far behind a neighbor that what
//! it would need is no longer kept, it is sent Peer Down for that neighbor, and then everything of it again.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use shared::names::NeighborId;

use super::epoch::{Epoch, PeerDown, Rib};
use super::log::{ReaderId, Record, Visit};
use super::tables::{NeighborTables, Tables};
use crate::filter::Monitor;
use crate::moment::{Moment, bmp_timestamp};
use crate::supervise::fault;
use crate::wire::bmp::{self, PeerDownReason, PeerHeader, Timestamp};
use crate::wire::family::Family;

/// Of one neighbor a part of a batch is encoded, this one of so many, before another one has its turn.
const SHARES: usize = 16;

/// So many bytes of tables are looked at to count what is still to be sent; beyond that it is an estimate.
const EXACT: usize = 1024 * 1024;

/// So often a call passes over much that is superseded before others have their turn.
const SCANS: usize = 16;

/// One neighbor as the feed knows it.
#[derive(Debug)]
struct Place {
    neighbor: Arc<NeighborTables>,
    /// True if the station is to be told of it.
    wanted: bool,
    /// True once it is no longer among the tables: it goes when its Peer Down is told.
    removed: bool,
    /// Sessions of the neighbor that the station was told of, or that were counted as skipped.
    accounted: u64,
    told: Option<Told>,
    /// True if it had more to send than its share when it last had its turn.
    is_busy: bool,
}

impl Place {
    /// The epoch that the station is to know.
    fn current(&self) -> Option<Arc<Epoch>> {
        self.neighbor.current().filter(|epoch| self.wanted && !epoch.is_over())
    }

    /// Returns how many further sessions have come and gone without a Peer Up, once so many were sent.
    fn account(&mut self, peer_ups: u64) -> u64 {
        self.accounted += peer_ups;
        if self.wanted && self.accounted == self.neighbor.begun() {
            return 0;
        }
        let told = self.told.as_ref();
        let sessions = self.neighbor.sessions(|present| {
            !told.is_some_and(|told| {
                Arc::ptr_eq(present, &told.epoch) && present.incarnation() == told.incarnation
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
        match (self.current(), &self.told) {
            (None, told) => told.is_none(),
            (Some(_), None) => false,
            (Some(current), Some(told)) => {
                Arc::ptr_eq(&current, &told.epoch)
                    && current.incarnation() == told.incarnation
                    && told.is_complete()
            }
        }
    }
}

/// What a station was told of a neighbor that it believes to be up.
#[derive(Debug)]
struct Told {
    epoch: Arc<Epoch>,
    /// The incarnation of which it was told Peer Up.
    incarnation: u64,
    readers: Vec<FamilyReader>,
    /// The epoch's version when everything had been read.
    seen: u64,
    /// The reader whose turn it is.
    turn: usize,
}

/// The reader of one family that the station wants.
#[derive(Debug)]
struct FamilyReader {
    family: Family,
    /// The rank of the log; families stay the same as long as an epoch lasts.
    log: usize,
    id: ReaderId,
    end_of_rib: EndOfRib,
}

/// How far the End-of-RIB of a family has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EndOfRib {
    NotYet,
    Encoded,
    /// It was written to the connection, at that time.
    Written(Moment),
}

impl Told {
    fn leave(&self) {
        self.epoch.release_reader(|rib| {
            for reader in &self.readers {
                if let Some((_, log)) = rib.logs.get_mut(reader.log) {
                    log.unsubscribe(reader.id, &mut rib.attributes);
                }
            }
        });
    }

    /// True once the End-of-RIB of every family was sent.
    fn is_complete(&self) -> bool {
        self.readers.iter().all(|reader| reader.end_of_rib != EndOfRib::NotYet)
    }
}

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
}

impl Batch {
    /// Adds what another batch held.
    pub(crate) fn add(&mut self, other: &Batch) {
        self.peer_up += other.peer_up;
        self.peer_down += other.peer_down;
        self.route_monitoring += other.route_monitoring;
        self.statistics_reports += other.statistics_reports;
        self.announced += other.announced;
        self.withdrawn += other.withdrawn;
        self.end_of_rib += other.end_of_rib;
        self.neighbors_resent += other.neighbors_resent;
        self.sessions_skipped += other.sessions_skipped;
    }
}

/// What one connection still has to send.
#[derive(Debug)]
pub(crate) struct Feed {
    tables: Arc<Tables>,
    monitor: Monitor,
    /// The neighbors as they were when the feed last looked.
    known: Arc<Vec<Arc<NeighborTables>>>,
    /// Those that were removed meanwhile among them, in the order of the tables.
    places: Vec<Place>,
    /// When the station last ceased to want a neighbor.
    unwanted_since: Timestamp,
    /// Whose turn it is.
    turn: usize,
    /// How often the last call of [`Feed::fill`] passed over much that is superseded.
    scans: usize,
}

impl Drop for Feed {
    fn drop(&mut self) {
        for told in self.places.iter().filter_map(|place| place.told.as_ref()) {
            told.leave();
        }
    }
}

impl Feed {
    /// A feed whose station has been told nothing, and wants to hear of what `monitor` says.
    pub(crate) fn new(tables: Arc<Tables>, monitor: Monitor) -> Self {
        let mut feed = Self {
            tables,
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

    /// Takes another choice of neighbors. Those that are not wanted any more get a Peer Down (reason 5)
    /// with the next batch, those that are wanted now get a Peer Up and their routes.
    ///
    /// The families stay those that the feed was made with: for others the station needs a new
    /// connection.
    pub(crate) fn set_monitor(&mut self, monitor: Monitor) {
        self.monitor.neighbors = monitor.neighbors;
        self.unwanted_since = bmp_timestamp();
        for place in &mut self.places {
            place.wanted = self.monitor.wants(place.neighbor.id());
        }
    }

    /// Takes note of neighbors that were added or removed.
    fn refresh_neighbors(&mut self, is_new: bool) {
        let neighbors = self.tables.neighbors();
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
            self.places.push(Place {
                neighbor: Arc::clone(neighbor),
                wanted: self.monitor.wants(neighbor.id()),
                removed: false,
                // What was over before the connection came up is no business of its station.
                accounted: if is_new { over } else { 0 },
                told: None,
                is_busy: false,
            });
        }
        self.known = neighbors;
    }

    /// Encodes the next messages into `out` until it holds about `limit` bytes or there is nothing
    /// left to send. Neighbors that went down or came up are first, then routes: of each neighbor a share
    /// in turn, so that one with much to send does not keep others waiting.
    ///
    /// A table is locked for the length of a share at most, or of this call if no other has anything to send. `limit` must
    /// leave room for the largest message (256 KiB do).
    pub(crate) fn fill(&mut self, out: &mut Vec<u8>, limit: usize) -> Batch {
        let mut batch = Batch::default();
        self.refresh_neighbors(false);
        // In order: a neighbor that was removed and added again is told down before it is told up.
        for place in &mut self.places {
            if out.len() >= limit {
                return batch;
            }
            let before = batch.peer_up;
            encode_state(place, &self.monitor, self.unwanted_since, out, &mut batch);
            batch.sessions_skipped += place.account(batch.peer_up - before);
        }
        self.places.retain(|place| !place.removed || place.told.is_some());
        let count = self.places.len();
        self.scans = 0;
        let ranks = |begin: usize| (0..count).map(move |number| (begin + number) % count);
        let mut busy: VecDeque<usize> = VecDeque::new();
        // Those that had little to send the last time are first, but leave room for the others.
        for rank in ranks(self.turn) {
            if self.places[rank].is_busy || out.len() >= limit / 2 {
                busy.push_back(rank);
            } else if let Outcome::Part | Outcome::Full =
                self.encode_share(rank, out, limit, limit / SHARES, &mut batch)
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
            match self.encode_share(rank, out, limit, share, &mut batch) {
                Outcome::All => {}
                Outcome::Part => busy.push_back(rank),
                Outcome::Full => {
                    // The next call begins with the next neighbor.
                    self.turn = busy.front().map_or((rank + 1) % count, |next| *next);
                    return batch;
                }
            }
        }
        batch
    }

    /// True if the last call of [`Feed::fill`] ended early, as it passed over much that is superseded: even if it has
    /// encoded nothing there may be something to send.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.scans >= SCANS
    }

    /// Encodes routes of one neighbor, about as many bytes as its share.
    fn encode_share(
        &mut self,
        rank: usize,
        out: &mut Vec<u8>,
        limit: usize,
        share: usize,
        batch: &mut Batch,
    ) -> Outcome {
        let Some(Place { told, is_busy, accounted, .. }) = self.places.get_mut(rank) else {
            return Outcome::All;
        };
        let Some(some) = told else {
            *is_busy = false;
            return Outcome::All;
        };
        let begin = out.len();
        let until = limit.min(begin.saturating_add(share));
        let sent = encode_routes(some, out, until, limit, batch);
        *is_busy = matches!(sent, Sent::Part | Sent::Scanned);
        match sent {
            Sent::All | Sent::Restarted => Outcome::All,
            Sent::Scanned => {
                self.scans += 1;
                Outcome::Part
            }
            // Where not even one message fits, another try would not help.
            Sent::Part if until < limit && out.len() > begin => Outcome::Part,
            Sent::Part => Outcome::Full,
            Sent::Lapsed => {
                some.leave();
                // Reason 5: not the neighbor has gone, but what the station knows of it is not kept up (RFC 7854
                // section 4.9). The next call begins with Peer Up.
                let reason = PeerDownReason::Deconfigured;
                bmp::peer_down(out, &some.epoch.header, bmp_timestamp(), &reason);
                batch.peer_down += 1;
                batch.neighbors_resent += 1;
                // Its second Peer Up is of the same session.
                *accounted = accounted.saturating_sub(1);
                *told = None;
                Outcome::All
            }
        }
    }

    /// Notes when the End-of-RIBs that were encoded have been written.
    pub(crate) fn end_of_ribs_written(&mut self, now: Moment) {
        let told = self.places.iter_mut().filter_map(|place| place.told.as_mut());
        for reader in told.flat_map(|told| &mut told.readers) {
            if reader.end_of_rib == EndOfRib::Encoded {
                reader.end_of_rib = EndOfRib::Written(now);
            }
        }
    }

    /// When the End-of-RIBs were sent of the sessions that are up.
    pub(crate) fn end_of_ribs(&self) -> impl Iterator<Item = (&NeighborId, Family, &Moment)> {
        let told = self.places.iter().filter_map(|place| Some((place, place.told.as_ref()?)));
        told.flat_map(|(place, told)| {
            told.readers.iter().filter_map(|reader| match &reader.end_of_rib {
                EndOfRib::Written(at) => Some((place.neighbor.id(), reader.family, at)),
                EndOfRib::NotYet | EndOfRib::Encoded => None,
            })
        })
    }

    /// How many neighbors the station is told of, by family.
    pub(crate) fn monitored(&self) -> BTreeMap<Family, Vec<&NeighborId>> {
        let mut monitored: BTreeMap<Family, Vec<&NeighborId>> = BTreeMap::new();
        for place in &self.places {
            for reader in place.told.iter().flat_map(|told| &told.readers) {
                monitored.entry(reader.family).or_default().push(place.neighbor.id());
            }
        }
        monitored
    }

    /// Appends a Statistics Report for every neighbor that the station believes to be up.
    pub(crate) fn statistics(&self, out: &mut Vec<u8>, now: Timestamp) -> Batch {
        let mut batch = Batch::default();
        for told in self.places.iter().filter_map(|place| place.told.as_ref()) {
            let wanted = |family| self.monitor.wants_family(family);
            if let Some(statistics) = told.epoch.maintain(|rib| rib.statistics(wanted)) {
                bmp::statistics(out, &told.epoch.header, now, &statistics);
                batch.statistics_reports += 1;
            }
        }
        batch
    }

    /// True if every neighbor that is up and wanted was told of, with all its routes and End-of-RIBs.
    pub(crate) fn is_synchronised(&self) -> bool {
        let neighbors = self.tables.neighbors();
        self.places.iter().all(Place::is_synchronised)
            && self
                .unknown(&neighbors)
                .iter()
                .all(|neighbor| neighbor.current().is_none() || !self.monitor.wants(neighbor.id()))
    }

    /// How many routes are still to be sent.
    pub(crate) fn remaining(&self) -> usize {
        let all = |rib: &mut Rib| {
            let routes = rib.routes().filter(|(family, _)| self.monitor.wants_family(*family));
            routes.map(|(_, routes)| routes).sum::<usize>()
        };
        let neighbors = self.tables.neighbors();
        let unknown = self
            .unknown(&neighbors)
            .iter()
            .filter(|neighbor| self.monitor.wants(neighbor.id()))
            .filter_map(|neighbor| neighbor.current())
            .filter_map(|epoch| epoch.maintain(all));
        let mut exact = EXACT;
        let known = self.places.iter().filter_map(|place| {
            let current = place.current()?;
            let told = place.told.as_ref().filter(|told| Arc::ptr_eq(&told.epoch, &current));
            current.maintain(|rib| match told {
                None => all(rib),
                Some(told) => told
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

    /// Those that were added since the feed last looked: they are at the end.
    fn unknown<'a>(
        &self,
        neighbors: &'a Arc<Vec<Arc<NeighborTables>>>,
    ) -> &'a [Arc<NeighborTables>] {
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

/// Peer Down for an epoch that is over or not wanted, Peer Up for one that has begun or restarted.
fn encode_state(
    place: &mut Place,
    monitor: &Monitor,
    unwanted_since: Timestamp,
    out: &mut Vec<u8>,
    batch: &mut Batch,
) {
    let current = place.current();
    if let Some(told) = &mut place.told {
        if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, &told.epoch)) {
            tell_restart(told, out, batch);
            return;
        }
        let down = match told.epoch.ended() {
            Some(down) => down,
            None if !place.wanted => {
                PeerDown { time: unwanted_since, reason: PeerDownReason::Deconfigured }
            }
            // An epoch has ended before another one takes its place.
            None => return,
        };
        told.leave();
        bmp::peer_down(out, &told.epoch.header, down.time, &down.reason);
        batch.peer_down += 1;
        place.told = None;
    }
    let Some(epoch) = current else { return };
    let told = epoch.maintain(|rib| {
        let logs = rib.logs.iter_mut().enumerate();
        let readers = logs
            .filter(|(_, (family, _))| monitor.wants_family(*family))
            .map(|(rank, (family, log))| FamilyReader {
                family: *family,
                log: rank,
                id: log.subscribe(),
                end_of_rib: EndOfRib::NotYet,
            })
            .collect();
        bmp::peer_up(out, &epoch.header, rib.since, &rib.up);
        batch.peer_up += 1;
        (rib.incarnation, readers)
    });
    // An epoch that is over already was never known.
    if let Some((incarnation, readers)) = told {
        place.told = Some(Told { epoch, incarnation, readers, seen: 0, turn: 0 });
    }
}

/// Peer Up, without a Peer Down before it, for the next incarnation of an epoch.
fn tell_restart(told: &mut Told, out: &mut Vec<u8>, batch: &mut Batch) {
    if told.epoch.incarnation() == told.incarnation {
        return;
    }
    let incarnation = told.epoch.with(|rib| {
        bmp::peer_up(out, &told.epoch.header, rib.since, &rib.up);
        rib.incarnation
    });
    if let Some(incarnation) = incarnation {
        batch.peer_up += 1;
        told.incarnation = incarnation;
        for reader in &mut told.readers {
            reader.end_of_rib = EndOfRib::NotYet;
        }
    }
}

/// What came of a neighbor's share of a batch.
enum Outcome {
    /// It has nothing left to send.
    All,
    /// Its share is used up.
    Part,
    /// The batch is full.
    Full,
}

/// What came of encoding a neighbor's routes.
enum Sent {
    /// There are no more.
    All,
    /// Much was passed over that is superseded, and there may be more.
    Scanned,
    /// The next message does not fit.
    Part,
    /// The neighbor has restarted: Peer Up comes before its routes, in the next call.
    Restarted,
    /// A reader has lapsed.
    Lapsed,
}

/// Encodes routes of one neighbor, each family in turn, until `out` holds `until` bytes; at least one message, if that
/// fits into `limit`.
fn encode_routes(
    told: &mut Told,
    out: &mut Vec<u8>,
    until: usize,
    limit: usize,
    batch: &mut Batch,
) -> Sent {
    let begin = out.len();
    let version = told.epoch.version();
    if version == told.seen {
        return Sent::All;
    }
    let Told { epoch, incarnation, readers, turn, .. } = told;
    let header = &epoch.header;
    // What is encoded does not wait for a link that is busy with these tables.
    let outcome = epoch.try_maintain(begin == 0, |rib| {
        if rib.incarnation != *incarnation {
            // It has restarted since its state was sent. The change notifier notifies for that.
            return Sent::Restarted;
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
                let stored = record.attributes.map(|id| attributes.get(id));
                let room = bmp::route_monitoring_room(stored.map_or(0, <[u8]>::len), record.room());
                let most = if out.len() > begin { until } else { limit };
                if out.len() + room > most {
                    return Visit::Stop;
                }
                encode(out, header, reader.family, &record, stored, batch);
                Visit::Taken
            });
            if log.take_end_of_rib(reader.id) {
                // Some 80 bytes: the limit is not so sharp.
                bmp::withdraw(out, header, log.end_of_rib_time(), reader.family, |_| 0);
                batch.route_monitoring += 1;
                batch.end_of_rib += 1;
                reader.end_of_rib = EndOfRib::Encoded;
            }
            if !log.is_at_end(reader.id) {
                return if is_stopped { Sent::Part } else { Sent::Scanned };
            }
        }
        Sent::All
    });
    let Ok(outcome) = outcome else { return Sent::Part };
    // An epoch that has ended meanwhile: the next call reports that.
    let outcome = outcome.unwrap_or(Sent::All);
    if matches!(outcome, Sent::All) {
        told.seen = version;
    }
    outcome
}

/// Encodes one record as one Route Monitoring message.
fn encode(
    out: &mut Vec<u8>,
    header: &PeerHeader,
    family: Family,
    record: &Record<'_>,
    stored: Option<&[u8]>,
    batch: &mut Batch,
) {
    let nlri = |out: &mut Vec<u8>| {
        let mut count = 0;
        for route in record.routes() {
            out.extend_from_slice(route);
            count += 1;
        }
        count
    };
    batch.route_monitoring += 1;
    match stored {
        Some(stored) => {
            let count = bmp::announce(out, header, record.time, family, stored, nlri);
            batch.announced += u64::from(count);
        }
        None => {
            let count = bmp::withdraw(out, header, record.time, family, nlri);
            batch.withdrawn += u64::from(count);
        }
    }
}
