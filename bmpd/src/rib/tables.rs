//! All neighbors' tables, and the bell that tells the sessions of something new.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::epoch::{Epoch, Identity, PeerDown};
use crate::wire::bmp::{PeerUp, Timestamp};
use crate::wire::family::Family;

/// The place of one neighbor: empty while it is down.
#[derive(Debug, Default)]
pub(crate) struct NeighborTables {
    current: Mutex<Option<Arc<Epoch>>>,
}

impl NeighborTables {
    /// The epoch of the BGP session that is up.
    pub(crate) fn current(&self) -> Option<Arc<Epoch>> {
        self.current.lock().clone()
    }
}

/// All neighbors' tables.
#[derive(Debug)]
pub(crate) struct Tables {
    neighbors: Vec<Arc<NeighborTables>>,
    bell: watch::Sender<u64>,
}

impl Tables {
    /// Makes the places of this many neighbors.
    pub(crate) fn new(neighbors: usize) -> Arc<Self> {
        let neighbors = (0..neighbors).map(|_| Arc::default()).collect();
        Arc::new(Self { neighbors, bell: watch::Sender::new(0) })
    }

    /// Every neighbor's place, in the order of the configuration.
    pub(crate) fn neighbors(&self) -> &[Arc<NeighborTables>] {
        &self.neighbors
    }

    /// Begins an epoch: the neighbor is up, both OPENs are known.
    pub(crate) fn begin(
        &self,
        neighbor: &NeighborTables,
        identity: Identity,
        up: PeerUp,
        families: &[Family],
        now: Timestamp,
    ) -> Arc<Epoch> {
        let epoch = Arc::new(Epoch::new(identity, up, families, now));
        *neighbor.current.lock() = Some(Arc::clone(&epoch));
        self.ring();
        epoch
    }

    /// Ends an epoch. If it is still the neighbor's current one, the neighbor is down.
    pub(crate) fn end(&self, neighbor: &NeighborTables, epoch: &Arc<Epoch>, down: PeerDown) {
        {
            let mut current = neighbor.current.lock();
            if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, epoch)) {
                *current = None;
            }
        }
        epoch.end(down);
        self.ring();
    }

    /// Wakes the sessions: something changed.
    pub(crate) fn ring(&self) {
        self.bell.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Rings whenever something changed.
    pub(crate) fn bell(&self) -> watch::Receiver<u64> {
        self.bell.subscribe()
    }
}
