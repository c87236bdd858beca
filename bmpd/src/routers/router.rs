//! The monitored routers, the peers of each, and the change notifier that wakes the sessions.
//!
//! A router is a BMP speaker: bmpd itself, with its BGP neighbors as peers, is one. Each has a notifier of its own, so
//! that a change of one wakes only those that are sent that one; memory is measured over all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use shared::names::NeighborId;
#[cfg(not(simulation))]
use tokio::sync::watch;

use super::epoch::{Epoch, PeerDown};
use super::meter::{Meter, Share};
use super::sizes::Sizes;
#[cfg(simulation)]
use crate::simulation::watch;
use crate::wire::bmp::{PeerHeader, PeerUp, Timestamp, View};
use crate::wire::family::Family;
use crate::wire::nlri::Form;

/// What wakes a session when something has changed.
pub(crate) type Changes = watch::Receiver<u64>;

/// All monitored routers of one bmpd.
#[derive(Debug, Clone)]
pub(crate) struct Routers {
    ourselves: Arc<Router>,
    common: Arc<Common>,
}

/// What they have in common.
#[derive(Debug)]
struct Common {
    meter: Arc<Meter>,
    sizes: Sizes,
}

impl Routers {
    /// bmpd itself, without peers.
    pub(crate) fn new(sizes: Sizes) -> Self {
        let common = Arc::new(Common { meter: Arc::default(), sizes });
        Self { ourselves: Router::new(Arc::clone(&common)), common }
    }

    /// The router that bmpd itself is: its peers are the BGP neighbors.
    pub(crate) fn ourselves(&self) -> &Arc<Router> {
        &self.ourselves
    }

    /// Bytes of memory that the tables of all peers take.
    pub(crate) fn memory(&self) -> u64 {
        self.common.meter.used()
    }

    /// Segments of logs that were compacted since bmpd started.
    pub(crate) fn compactions(&self) -> u64 {
        self.common.meter.compactions()
    }

    /// Limits the memory of the tables of all peers, in bytes, if at all; see [`super::Rib::check`].
    pub(crate) fn allow_memory(&self, limit: Option<u64>) {
        self.common.meter.allow(limit);
    }
}

/// A peer of a router: its tables while it is up.
#[derive(Debug)]
pub(crate) struct Peer {
    id: NeighborId,
    current: Mutex<Current>,
    /// How many sessions have begun here, including those after a graceful restart. It changes under the lock.
    begun: AtomicU64,
}

#[derive(Debug, Default)]
struct Current {
    epoch: Option<Arc<Epoch>>,
    /// True once the peer was removed from its router: nothing of it is sent any more.
    removed: bool,
}

impl Peer {
    /// The neighbor that it is.
    pub(crate) fn id(&self) -> &NeighborId {
        &self.id
    }

    /// The epoch of the BGP session that is up, or that is held while the neighbor restarts.
    pub(crate) fn current(&self) -> Option<Arc<Epoch>> {
        self.current.lock().epoch.clone()
    }

    /// How many sessions have begun here.
    pub(super) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// How many sessions have begun here, without the present one if a station `is_to_be_sent` it.
    pub(super) fn sessions(&self, is_to_be_sent: impl FnOnce(&Arc<Epoch>) -> bool) -> u64 {
        let current = self.current.lock();
        let present = current.epoch.as_ref().filter(|epoch| !epoch.is_over());
        self.begun() - u64::from(present.is_some_and(is_to_be_sent))
    }
}

/// A monitored router and its peers.
#[derive(Debug)]
pub(crate) struct Router {
    /// Replaced as a whole, so that a feed can iterate over them without a lock. New ones are appended, and the order
    /// of the others stays.
    peers: Mutex<Arc<Vec<Arc<Peer>>>>,
    changes: watch::Sender<u64>,
    common: Arc<Common>,
}

impl Router {
    fn new(common: Arc<Common>) -> Arc<Self> {
        Arc::new(Self { peers: Mutex::default(), changes: watch::Sender::new(0), common })
    }

    /// How large the pieces are in which tables are kept and worked on.
    pub(crate) fn sizes(&self) -> &Sizes {
        &self.common.sizes
    }

    /// Every peer, in the order in which they were added.
    pub(crate) fn peers(&self) -> Arc<Vec<Arc<Peer>>> {
        Arc::clone(&self.peers.lock())
    }

    /// Adds a peer. One that has the same per-peer header is removed first: it identifies a peer.
    pub(crate) fn add(&self, id: NeighborId) -> Arc<Peer> {
        let peer = Arc::new(Peer { id, current: Mutex::default(), begun: AtomicU64::default() });
        self.edit(|peers| peers.push(Arc::clone(&peer)));
        peer
    }

    /// Removes a peer. For the stations a session that is up ends as in `down`, which has
    /// [`crate::wire::bmp::PeerDownReason::Deconfigured`] for one that was removed from the configuration; what is
    /// announced in it later is not sent.
    pub(crate) fn remove(&self, peer: &Arc<Peer>, down: PeerDown) {
        let epoch = {
            let mut current = peer.current.lock();
            current.removed = true;
            current.epoch.take()
        };
        // Before the list changes: a feed that no longer finds the peer finds its end.
        if let Some(epoch) = epoch {
            epoch.end(down);
        }
        self.edit(|peers| peers.retain(|other| !Arc::ptr_eq(other, peer)));
        self.notify();
    }

    fn edit(&self, change: impl FnOnce(&mut Vec<Arc<Peer>>)) {
        let mut peers = self.peers.lock();
        let mut changed = Vec::clone(&peers);
        change(&mut changed);
        *peers = Arc::new(changed);
    }

    /// Begins an epoch: the peer is up, both OPENs are known, and routes of these forms are expected in
    /// a view.
    pub(crate) fn begin(
        &self,
        peer: &Peer,
        header: PeerHeader,
        up: PeerUp,
        view: View,
        forms: &[Form],
        now: Timestamp,
    ) -> Arc<Epoch> {
        let Common { meter, sizes } = &*self.common;
        let epoch = Arc::new(Epoch::new(header, up, view, forms, now, Share::new(meter), sizes));
        let mut current = peer.current.lock();
        let before = match current.removed {
            true => None,
            false => {
                peer.begun.fetch_add(1, Ordering::Relaxed);
                current.epoch.replace(Arc::clone(&epoch))
            }
        };
        // A peer is up once at most: if the one before was not ended, it has ended now.
        if let Some(before) = before {
            before.end(PeerDown::by_mistake());
        }
        drop(current);
        self.notify();
        epoch
    }

    /// The peer has gone down and is expected back: stations are not sent that. Its routes of the families in `kept`,
    /// those of its Graceful Restart capability, are kept as stale ones, and those of others are dropped (RFC 4724
    /// section 4.2). False if that cannot be done: [`Router::end`] is next.
    pub(crate) fn hold(&self, epoch: &Epoch, kept: &[Family], now: Timestamp) -> bool {
        let held = epoch.hold(kept, now);
        self.notify();
        held
    }

    /// The peer that was held is back, and [`Epoch::fits`]. Of the families in `preserved` the stale
    /// routes stay until their End-of-RIB, of the others they are dropped at once. False if that cannot
    /// be done: [`Router::end`] and [`Router::begin`] are next.
    pub(crate) fn restart(
        &self,
        peer: &Peer,
        epoch: &Epoch,
        up: PeerUp,
        preserved: &[Family],
        now: Timestamp,
    ) -> bool {
        let restarted = epoch.restart(up, preserved, now);
        let current = peer.current.lock();
        peer.begun.fetch_add(u64::from(restarted), Ordering::Relaxed);
        drop(current);
        self.notify();
        restarted
    }

    /// Ends an epoch. If it is still the peer's current one, the peer is down.
    pub(crate) fn end(&self, peer: &Peer, epoch: &Arc<Epoch>, down: PeerDown) {
        // In this order, so that an epoch that is not current any more has ended.
        epoch.end(down);
        let mut current = peer.current.lock();
        current.epoch.take_if(|current| Arc::ptr_eq(current, epoch));
        drop(current);
        self.notify();
    }

    /// Wakes the sessions: something changed.
    pub(crate) fn notify(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Notified whenever something changed.
    pub(crate) fn changes(&self) -> Changes {
        self.changes.subscribe()
    }
}
