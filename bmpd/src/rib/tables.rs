//! All neighbors' tables, and the change notifier that tells the sessions of something new.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use shared::names::NeighborId;
#[cfg(not(simulation))]
use tokio::sync::watch;

use super::epoch::{Epoch, Identity, PeerDown};
use super::meter::{Meter, Share};
use super::sizes::Sizes;
#[cfg(simulation)]
use crate::simulation::watch;
use crate::wire::bmp::{PeerInstance, PeerUp, Timestamp};
use crate::wire::family::Family;
use crate::wire::nlri::Form;

/// What wakes a session when something has changed.
pub(crate) type Changes = watch::Receiver<u64>;

/// The place of one neighbor: empty while it is down.
#[derive(Debug)]
pub(crate) struct NeighborTables {
    id: NeighborId,
    instance: PeerInstance,
    table_name: Option<String>,
    current: Mutex<Current>,
    /// How many sessions have begun here, those after a graceful restart among them. It changes under the lock.
    begun: AtomicU64,
}

#[derive(Debug, Default)]
struct Current {
    epoch: Option<Arc<Epoch>>,
    /// True once the place is no longer among the tables: nobody is told of what happens in it.
    removed: bool,
}

impl NeighborTables {
    /// The neighbor.
    pub(crate) fn id(&self) -> &NeighborId {
        &self.id
    }

    /// The name of its routing table, for Peer Up.
    pub(crate) fn table_name(&self) -> Option<&str> {
        self.table_name.as_deref()
    }

    /// The epoch of the BGP session that is up, or that is held while the neighbor restarts.
    pub(crate) fn current(&self) -> Option<Arc<Epoch>> {
        self.current.lock().epoch.clone()
    }

    /// How many sessions have begun here.
    pub(super) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// How many sessions have begun here, without the present one if a station `is_to_be_told` of that.
    pub(super) fn sessions(&self, is_to_be_told: impl FnOnce(&Arc<Epoch>) -> bool) -> u64 {
        let current = self.current.lock();
        let present = current.epoch.as_ref().filter(|epoch| !epoch.is_over());
        self.begun() - u64::from(present.is_some_and(is_to_be_told))
    }
}

/// All neighbors' tables.
#[derive(Debug)]
pub(crate) struct Tables {
    /// Replaced as a whole, so that a feed can go through one without a lock. New places come at the
    /// end, and the order of the others stays.
    neighbors: Mutex<Arc<Vec<Arc<NeighborTables>>>>,
    changes: watch::Sender<u64>,
    meter: Arc<Meter>,
    sizes: Sizes,
}

impl Tables {
    /// Tables without neighbors.
    pub(crate) fn new(sizes: Sizes) -> Arc<Self> {
        Arc::new(Self {
            neighbors: Mutex::default(),
            changes: watch::Sender::new(0),
            meter: Arc::default(),
            sizes,
        })
    }

    /// How large the pieces are in which they are kept and worked on.
    pub(crate) fn sizes(&self) -> &Sizes {
        &self.sizes
    }

    /// Bytes of memory that the tables of all neighbors take.
    pub(crate) fn memory(&self) -> u64 {
        self.meter.used()
    }

    /// Segments of logs that were compacted since bmpd began.
    pub(crate) fn compactions(&self) -> u64 {
        self.meter.compactions()
    }

    /// Allows all of them so many bytes, or as many as there are; see [`super::Rib::measure`].
    pub(crate) fn allow_memory(&self, limit: Option<u64>) {
        self.meter.allow(limit);
    }

    /// Every neighbor's place, in the order in which they were added.
    pub(crate) fn neighbors(&self) -> Arc<Vec<Arc<NeighborTables>>> {
        Arc::clone(&self.neighbors.lock())
    }

    /// Makes the place of a neighbor. One that was there before is removed first: stations know a peer
    /// by its instance and address.
    pub(crate) fn add(
        &self,
        id: NeighborId,
        instance: PeerInstance,
        table_name: Option<String>,
    ) -> Arc<NeighborTables> {
        let current = Mutex::default();
        let place = Arc::new(NeighborTables {
            id,
            instance,
            table_name,
            current,
            begun: AtomicU64::default(),
        });
        self.edit(|neighbors| neighbors.push(Arc::clone(&place)));
        place
    }

    /// Removes the place of a neighbor. A session that is up ends for the stations as `down` says, which
    /// has [`crate::wire::bmp::PeerDownReason::Deconfigured`] for a neighbor that goes from the
    /// configuration; what is announced in it later is told to nobody.
    pub(crate) fn remove(&self, neighbor: &Arc<NeighborTables>, down: PeerDown) {
        let epoch = {
            let mut current = neighbor.current.lock();
            current.removed = true;
            current.epoch.take()
        };
        // Before the list changes: a feed that no longer finds the place finds its end.
        if let Some(epoch) = epoch {
            epoch.end(down);
        }
        self.edit(|neighbors| neighbors.retain(|other| !Arc::ptr_eq(other, neighbor)));
        self.notify();
    }

    fn edit(&self, change: impl FnOnce(&mut Vec<Arc<NeighborTables>>)) {
        let mut neighbors = self.neighbors.lock();
        let mut changed = Vec::clone(&neighbors);
        change(&mut changed);
        *neighbors = Arc::new(changed);
    }

    /// Begins an epoch: the neighbor is up, both OPENs are known, and routes of these forms are to come.
    pub(crate) fn begin(
        &self,
        neighbor: &NeighborTables,
        identity: Identity,
        up: PeerUp,
        forms: &[Form],
        now: Timestamp,
    ) -> Arc<Epoch> {
        let share = Share::new(&self.meter);
        let epoch =
            Arc::new(Epoch::new(neighbor.instance, identity, up, forms, now, share, &self.sizes));
        let mut current = neighbor.current.lock();
        let before = match current.removed {
            true => None,
            false => {
                neighbor.begun.fetch_add(1, Ordering::Relaxed);
                current.epoch.replace(Arc::clone(&epoch))
            }
        };
        // Stations know a peer once: whoever has forgotten to end the one before, it is over now.
        if let Some(before) = before {
            before.end(PeerDown::by_mistake());
        }
        drop(current);
        self.notify();
        epoch
    }

    /// The neighbor has gone down and is expected back: stations hear nothing of it. Its routes of the
    /// families in `kept`, those of its Graceful Restart capability, stay as stale ones, and those of
    /// others go (RFC 4724 section 4.2). False if that cannot be done: [`Tables::end`] is next.
    pub(crate) fn hold(&self, epoch: &Epoch, kept: &[Family], now: Timestamp) -> bool {
        let held = epoch.hold(kept, now);
        self.notify();
        held
    }

    /// The neighbor that was held is back, and [`Epoch::fits`]. Of the families in `preserved` the stale
    /// routes stay until their End-of-RIB, of the others they go at once. False if that cannot be done:
    /// [`Tables::end`] and [`Tables::begin`] are next.
    pub(crate) fn restart(
        &self,
        neighbor: &NeighborTables,
        epoch: &Epoch,
        up: PeerUp,
        preserved: &[Family],
        now: Timestamp,
    ) -> bool {
        let restarted = epoch.restart(up, preserved, now);
        let current = neighbor.current.lock();
        neighbor.begun.fetch_add(u64::from(restarted), Ordering::Relaxed);
        drop(current);
        self.notify();
        restarted
    }

    /// Ends an epoch. If it is still the neighbor's current one, the neighbor is down.
    pub(crate) fn end(&self, neighbor: &NeighborTables, epoch: &Arc<Epoch>, down: PeerDown) {
        // In this order, so that an epoch that is not current any more has ended.
        epoch.end(down);
        let mut current = neighbor.current.lock();
        current.epoch.take_if(|current| Arc::ptr_eq(current, epoch));
        drop(current);
        self.notify();
    }

    /// Wakes the sessions: something changed.
    pub(crate) fn notify(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Rings whenever something changed.
    pub(crate) fn changes(&self) -> Changes {
        self.changes.subscribe()
    }
}
