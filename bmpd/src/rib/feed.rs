//! What one session still has to send.
//!
//! A feed is a reader in every log and what the station was told of every neighbor, and nothing else:
//! no queue, no copy of a route. It is made when a connection comes up and dies with it, so nothing of
//! one generation can reach the next.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::epoch::Epoch;
use super::log::{ReaderId, Record, Visit};
use super::tables::Tables;
use crate::wire::bmp::{self, PeerHeader, Timestamp};
use crate::wire::family::Family;

/// What a station was told of a neighbor that it believes to be up.
#[derive(Debug)]
struct Told {
    epoch: Arc<Epoch>,
    readers: Vec<(Family, ReaderId, bool)>,
    /// The epoch's version when everything had been read.
    seen: u64,
    /// The family whose turn it is.
    turn: usize,
}

impl Told {
    fn leave(&self) {
        self.epoch.with(|rib| {
            for (family, reader, _) in &self.readers {
                if let Some((_, log)) = rib.logs.iter_mut().find(|(other, _)| other == family) {
                    log.unsubscribe(*reader, &mut rib.attributes);
                }
            }
        });
    }

    /// True once the End-of-RIB of every family was sent.
    fn is_complete(&self) -> bool {
        self.readers.iter().all(|(_, _, end_of_rib)| *end_of_rib)
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
    }
}

/// What one connection still has to send.
#[derive(Debug)]
pub(crate) struct Feed {
    tables: Arc<Tables>,
    /// By rank in [`Tables::neighbors`].
    told: Vec<Option<Told>>,
    /// Whose turn it is.
    turn: usize,
    lapsed: bool,
}

impl Drop for Feed {
    fn drop(&mut self) {
        for told in self.told.iter().flatten() {
            told.leave();
        }
    }
}

impl Feed {
    /// A feed whose station has been told nothing.
    pub(crate) fn new(tables: Arc<Tables>) -> Self {
        let told = tables.neighbors().iter().map(|_| None).collect();
        Self { tables, told, turn: 0, lapsed: false }
    }

    /// Encodes the next messages into `out` until it holds about `limit` bytes or there is nothing
    /// left to send. Neighbors that went down or came up are first, then routes, each table in turn.
    ///
    /// A table is locked for the length of this call at most. `limit` must leave room for the largest
    /// message (256 KiB do).
    pub(crate) fn fill(&mut self, out: &mut Vec<u8>, limit: usize) -> Batch {
        let mut batch = Batch::default();
        for rank in 0..self.told.len() {
            if out.len() >= limit {
                return batch;
            }
            self.tell_state(rank, out, &mut batch);
        }
        for _ in 0..self.told.len() {
            let rank = self.turn;
            self.turn = (self.turn + 1) % self.told.len();
            let Some(Some(told)) = self.told.get_mut(rank) else { continue };
            match tell_routes(told, out, limit, &mut batch) {
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

    /// True if the station has fallen too far behind to be told the rest: only a new generation can make
    /// it right again.
    pub(crate) fn has_lapsed(&self) -> bool {
        self.lapsed
    }

    /// Peer Down for an epoch that is over, Peer Up for one that has begun.
    fn tell_state(&mut self, rank: usize, out: &mut Vec<u8>, batch: &mut Batch) {
        let Some(neighbor) = self.tables.neighbors().get(rank) else {
            return;
        };
        let Some(slot) = self.told.get_mut(rank) else {
            return;
        };
        let current = neighbor.current();
        if let Some(told) = slot {
            if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, &told.epoch)) {
                return;
            }
            // An epoch leaves its place a moment before it has ended; the bell rings again then.
            let Some(down) = told.epoch.ended() else {
                return;
            };
            bmp::peer_down(out, &told.epoch.header, down.time, &down.reason);
            batch.peer_down += 1;
            *slot = None;
        }
        if let Some(epoch) = current {
            let readers = epoch.with(|rib| {
                rib.logs
                    .iter_mut()
                    .map(|(family, log)| (*family, log.subscribe(), false))
                    .collect::<Vec<_>>()
            });
            // An epoch that is over already was never heard of.
            let Some(readers) = readers else { return };
            bmp::peer_up(out, &epoch.header, epoch.since, &epoch.up);
            batch.peer_up += 1;
            *slot = Some(Told { epoch, readers, seen: 0, turn: 0 });
        }
    }

    /// Appends a Statistics Report for every neighbor that the station believes to be up.
    pub(crate) fn statistics(&self, out: &mut Vec<u8>, now: Timestamp) -> Batch {
        let mut batch = Batch::default();
        for told in self.told.iter().flatten() {
            if let Some(statistics) = told.epoch.with(|rib| rib.statistics()) {
                bmp::statistics(out, &told.epoch.header, now, &statistics);
                batch.statistics_reports += 1;
            }
        }
        batch
    }

    /// True if every neighbor that is up was told of, with all its routes and End-of-RIBs.
    pub(crate) fn is_synchronised(&self) -> bool {
        self.tables.neighbors().iter().zip(&self.told).all(|(neighbor, told)| {
            match (neighbor.current(), told) {
                (None, told) => told.is_none(),
                (Some(_), None) => false,
                (Some(current), Some(told)) => {
                    Arc::ptr_eq(&current, &told.epoch) && told.is_complete()
                }
            }
        })
    }

    /// How many routes are still to be sent.
    pub(crate) fn remaining(&self) -> usize {
        let neighbors = self.tables.neighbors().iter().zip(&self.told);
        neighbors
            .map(|(neighbor, told)| {
                let Some(current) = neighbor.current() else {
                    return 0;
                };
                let told = told.as_ref().filter(|told| Arc::ptr_eq(&told.epoch, &current));
                let count = current.with(|rib| match told {
                    None => rib.routes().map(|(_, routes)| routes).sum(),
                    Some(told) => rib
                        .logs
                        .iter()
                        .zip(&told.readers)
                        .map(|((_, log), (_, reader, _))| log.remaining(*reader))
                        .sum(),
                });
                count.unwrap_or(0)
            })
            .sum()
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
fn tell_routes(told: &mut Told, out: &mut Vec<u8>, limit: usize, batch: &mut Batch) -> Outcome {
    let version = told.epoch.version();
    if version == told.seen {
        return Outcome::All;
    }
    let Told { epoch, readers, turn, .. } = told;
    let header = &epoch.header;
    let outcome = epoch.with(|rib| {
        for _ in 0..readers.len() {
            let rank = *turn;
            *turn = (*turn + 1) % readers.len();
            let (Some((family, log)), Some((_, reader, end_of_rib))) =
                (rib.logs.get_mut(rank), readers.get_mut(rank))
            else {
                continue;
            };
            if log.has_lapsed(*reader) {
                return Outcome::Lapsed;
            }
            log.read(*reader, &mut rib.attributes, |record, attributes| {
                let stored = record.attributes.map(|id| attributes.get(id));
                let room = bmp::route_monitoring_room(stored.map_or(0, <[u8]>::len), record.room());
                if out.len() + room > limit {
                    return Visit::Stop;
                }
                encode(out, header, *family, &record, stored, batch);
                Visit::Taken
            });
            if log.take_end_of_rib(*reader) {
                // Some 80 bytes: the limit is not so sharp.
                bmp::withdraw(out, header, log.end_of_rib_time(), *family, |_| 0);
                batch.route_monitoring += 1;
                batch.end_of_rib += 1;
                *end_of_rib = true;
            }
            if !log.is_at_end(*reader) {
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
