//! What one session still has to send.
//!
//! A feed is a reader in every log that its station wants to hear of, and what the station was told of
//! every neighbor, and nothing else: no queue, no copy of a route. It is made when a connection comes up
//! and dies with it, so nothing of one generation can reach the next.
//!
//! What the station is told of a neighbor, in this order: Peer Up; routes and one End-of-RIB a family;
//! after a graceful restart Peer Up again, before any route of the new incarnation, and the same; at last
//! Peer Down, for whatever reason there is no more to be told.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use shared::names::NeighborId;

use super::epoch::{Epoch, PeerDown, Rib};
use super::log::{ReaderId, Record, Visit};
use super::tables::{NeighborTables, Tables};
use crate::config::Monitor;
use crate::supervise::fault;
use crate::wire::bmp::{self, PeerDownReason, PeerHeader, Timestamp};
use crate::wire::family::Family;

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
}

impl Place {
    /// The epoch that the station is to know.
    fn current(&self) -> Option<Arc<Epoch>> {
        self.neighbor.current().filter(|epoch| self.wanted && !epoch.is_over())
    }

    /// Returns how many further sessions have come and gone without a Peer Up, once so many were sent.
    fn account(&mut self, peer_ups: u64) -> u64 {
        self.accounted += peer_ups;
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
    /// True once the End-of-RIB was sent.
    end_of_rib: bool,
}

impl Told {
    fn leave(&self) {
        self.epoch.maintain(|rib| {
            for reader in &self.readers {
                if let Some((_, log)) = rib.logs.get_mut(reader.log) {
                    log.unsubscribe(reader.id, &mut rib.attributes);
                }
            }
        });
    }

    /// True once the End-of-RIB of every family was sent.
    fn is_complete(&self) -> bool {
        self.readers.iter().all(|reader| reader.end_of_rib)
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
    lapsed: bool,
    /// End-of-RIBs that were encoded since they were last taken.
    ends: Vec<(NeighborId, Family)>,
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
            lapsed: false,
            ends: Vec::new(),
        };
        feed.look_around(true);
        feed
    }

    /// Takes another choice of neighbors. Those that are not wanted any more get a Peer Down (reason 5)
    /// with the next batch, those that are wanted now get a Peer Up and their routes.
    ///
    /// The families stay those that the feed was made with: for others the station needs a new
    /// connection.
    pub(crate) fn set_monitor(&mut self, monitor: Monitor) {
        self.monitor.neighbors = monitor.neighbors;
        self.unwanted_since = Timestamp::now();
        for place in &mut self.places {
            place.wanted = self.monitor.wants(place.neighbor.id());
        }
    }

    /// Takes note of neighbors that were added or removed.
    fn look_around(&mut self, is_new: bool) {
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
            });
        }
        self.known = neighbors;
    }

    /// Encodes the next messages into `out` until it holds about `limit` bytes or there is nothing
    /// left to send. Neighbors that went down or came up are first, then routes, each table in turn.
    ///
    /// A table is locked for the length of this call at most. `limit` must leave room for the largest
    /// message (256 KiB do).
    pub(crate) fn fill(&mut self, out: &mut Vec<u8>, limit: usize) -> Batch {
        let mut batch = Batch::default();
        self.look_around(false);
        // In order: a neighbor that was removed and added again is told down before it is told up.
        for place in &mut self.places {
            if out.len() >= limit {
                return batch;
            }
            let before = batch.peer_up;
            tell_state(place, &self.monitor, self.unwanted_since, out, &mut batch);
            batch.sessions_skipped += place.account(batch.peer_up - before);
        }
        self.places.retain(|place| !place.removed || place.told.is_some());
        let count = self.places.len();
        for _ in 0..count {
            let rank = self.turn % count;
            self.turn = (rank + 1) % count;
            let Some(Place { told: Some(told), neighbor, .. }) = self.places.get_mut(rank) else {
                continue;
            };
            let ended = |family| self.ends.push((neighbor.id().clone(), family));
            match tell_routes(told, out, limit, &mut batch, ended) {
                Outcome::All => {}
                // The next call begins with the next neighbor: nobody waits for a busy one.
                Outcome::Part => return batch,
                Outcome::Lapsed => {
                    self.lapsed = true;
                    return batch;
                }
            }
        }
        batch
    }

    /// The End-of-RIBs that were encoded since this was last called.
    pub(crate) fn take_end_of_ribs(&mut self) -> Vec<(NeighborId, Family)> {
        std::mem::take(&mut self.ends)
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

    /// True if the station was sent this End-of-RIB, and that of the session that is up.
    pub(crate) fn has_sent_end_of_rib(&self, (neighbor, family): &(NeighborId, Family)) -> bool {
        let mut of_it = self.places.iter().filter(|place| place.neighbor.id() == neighbor);
        of_it.any(|place| {
            let readers = place.told.iter().flat_map(|told| &told.readers);
            readers.into_iter().any(|reader| reader.family == *family && reader.end_of_rib)
        })
    }

    /// True if the station has fallen too far behind to be told the rest: only a new generation can make
    /// it right again.
    pub(crate) fn has_lapsed(&self) -> bool {
        self.lapsed
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
        let known = self.places.iter().filter_map(|place| {
            let current = place.current()?;
            let told = place.told.as_ref().filter(|told| Arc::ptr_eq(&told.epoch, &current));
            current.maintain(|rib| match told {
                None => all(rib),
                Some(told) => told
                    .readers
                    .iter()
                    .filter_map(|reader| Some(rib.logs.get(reader.log)?.1.remaining(reader.id)))
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
fn tell_state(
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
                end_of_rib: false,
            })
            .collect();
        bmp::peer_up(out, &epoch.header, rib.since, &rib.up);
        batch.peer_up += 1;
        (rib.incarnation, readers)
    });
    // An epoch that is over already was never heard of.
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
            reader.end_of_rib = false;
        }
    }
}

/// What came of sending on a neighbor's routes.
enum Outcome {
    /// There are no more.
    All,
    /// `out` is full.
    Part,
    /// A reader has lapsed.
    Lapsed,
}

/// Sends on the routes of one neighbor, each family in turn.
fn tell_routes(
    told: &mut Told,
    out: &mut Vec<u8>,
    limit: usize,
    batch: &mut Batch,
    mut ended: impl FnMut(Family),
) -> Outcome {
    let version = told.epoch.version();
    if version == told.seen {
        return Outcome::All;
    }
    let Told { epoch, incarnation, readers, turn, .. } = told;
    let header = &epoch.header;
    let outcome = epoch.maintain(|rib| {
        if rib.incarnation != *incarnation {
            // It has restarted since its state was told. The bell rings for that, and the next call
            // tells Peer Up first.
            return Outcome::Part;
        }
        for _ in 0..readers.len() {
            let rank = *turn % readers.len();
            *turn = rank + 1;
            let Some(reader) = readers.get_mut(rank) else { continue };
            let Some((_, log)) = rib.logs.get_mut(reader.log) else { continue };
            if log.has_lapsed(reader.id) {
                return Outcome::Lapsed;
            }
            log.read(reader.id, &mut rib.attributes, |record, attributes| {
                fault("feed.read");
                let stored = record.attributes.map(|id| attributes.get(id));
                let room = bmp::route_monitoring_room(stored.map_or(0, <[u8]>::len), record.room());
                if out.len() + room > limit {
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
                reader.end_of_rib = true;
                ended(reader.family);
            }
            if !log.is_at_end(reader.id) {
                return Outcome::Part;
            }
        }
        Outcome::All
    });
    // An epoch that has ended meanwhile: the next call tells so.
    let outcome = outcome.unwrap_or(Outcome::All);
    if matches!(outcome, Outcome::All) {
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
