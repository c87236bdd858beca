//! The monitored routers, the peers of each, and the change notifiers that wake the sessions.
//!
//! ```text
//!   sources ── add, remove ──> Routers ── changed ──> sessions: a leg for each router
//!     │
//!     └── appear, leave; begin, hold, end of peers; push ──> Router ── changes ──> legs that carry it
//! ```
//!
//! A router is a BMP speaker: bmpd itself, with its BGP neighbors as peers, is one. Each has a notifier of its own, so
//! that a change of one wakes only those that are sent that one; memory is measured over all.
//!
//! A router is known as long as it is configured, and *there* from its Initiation on until it leaves. Its peers leave
//! with it: those who were sent them send what is left, and then end as its own connection has ended.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, MutexGuard};
use shared::names::{NeighborId, RouterId, VpnInstanceName};

use super::epoch::{Epoch, PeerDown, Signals};
use super::live::{About, Live, LivePosition, Message};
use super::meter::{Meter, Share};
use super::sizes::Sizes;
use crate::filter::Monitor;
use crate::platform::watch;
use crate::wire::bmp::{PeerHeader, PeerUp, Timestamp, View};
use crate::wire::family::Family;
use crate::wire::nlri::Form;

/// What wakes a session when something has changed.
pub(crate) type Changes = watch::Receiver<u64>;

/// All monitored routers of one bmpd.
#[derive(Debug, Clone)]
pub(crate) struct Routers {
    ourselves: Arc<Router>,
    known: Arc<KnownRouters>,
    common: Arc<Common>,
}

/// Those that sessions have legs for.
#[derive(Debug)]
struct KnownRouters {
    /// In the order in which they were added; replaced as a whole.
    routers: Mutex<Arc<Vec<Arc<Router>>>>,
    changes: watch::Sender<u64>,
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
        let ourselves = Router::new(RouterId::Local, None, None, Arc::clone(&common));
        ourselves.appear(Identity::default());
        let routers = Mutex::new(Arc::new(vec![Arc::clone(&ourselves)]));
        let known = Arc::new(KnownRouters { routers, changes: watch::Sender::new(0) });
        Self { ourselves, known, common }
    }

    /// Every router that there are legs for, in the order in which they were added.
    pub(crate) fn all(&self) -> Arc<Vec<Arc<Router>>> {
        Arc::clone(&self.known.routers.lock())
    }

    /// Notified whenever a router was added or removed.
    pub(crate) fn changes(&self) -> Changes {
        self.known.changes.subscribe()
    }

    /// Adds a router, which is not there yet, and the VPN instance and the group that it is in. The caller sees to it that no two
    /// have the same name.
    pub(crate) fn add(
        &self,
        id: RouterId,
        instance: Option<VpnInstanceName>,
        group: Option<&str>,
    ) -> Arc<Router> {
        let router = Router::new(id, instance, group, Arc::clone(&self.common));
        self.edit(|routers| routers.push(Arc::clone(&router)));
        router
    }

    /// Removes a router: its legs end.
    pub(crate) fn remove(&self, router: &Arc<Router>) {
        self.edit(|routers| routers.retain(|other| !Arc::ptr_eq(other, router)));
    }

    /// Determines whether bmpd itself is a router that there are legs for.
    pub(crate) fn set_local(&self, is_router: bool) {
        let is_there = self.all().iter().any(|router| Arc::ptr_eq(router, &self.ourselves));
        match (is_there, is_router) {
            (false, true) => self.edit(|routers| routers.insert(0, Arc::clone(&self.ourselves))),
            (true, false) => self.remove(&Arc::clone(&self.ourselves)),
            _ => {}
        }
    }

    fn edit(&self, change: impl FnOnce(&mut Vec<Arc<Router>>)) {
        let mut routers = self.known.routers.lock();
        let mut changed = Vec::clone(&routers);
        change(&mut changed);
        *routers = Arc::new(changed);
        drop(routers);
        self.known.changes.send_modify(|count| *count = count.wrapping_add(1));
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
    is_loc_rib: bool,
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
    /// Its address, and the instance that it is in.
    pub(crate) fn id(&self) -> &NeighborId {
        &self.id
    }

    /// True if it is to be sent to those who have selected this.
    pub(super) fn is_wanted(&self, monitor: &Monitor) -> bool {
        monitor.wants(&self.id) && monitor.wants_peer(self.is_loc_rib)
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

/// What a router says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Identity {
    /// The TLVs of its Initiation, as they came; `None` for bmpd itself, whose sessions have their own.
    pub(crate) initiation: Option<Vec<u8>>,
    /// Its end of the BMP connection.
    pub(crate) address: Option<SocketAddr>,
}

/// A router that is there.
#[derive(Debug, Clone)]
pub(crate) struct Presence {
    /// Incremented each time that it appears.
    pub(crate) number: u64,
    pub(crate) identity: Arc<Identity>,
}

#[derive(Debug, Default)]
struct Present {
    /// How often it has appeared.
    number: u64,
    identity: Option<Arc<Identity>>,
    /// The TLVs of the Termination with which it has left last, if it has sent one.
    termination: Option<Arc<[u8]>>,
}

/// A monitored router and its peers.
#[derive(Debug)]
pub(crate) struct Router {
    id: RouterId,
    instance: Option<VpnInstanceName>,
    /// The prefix that it has come from, if it is not configured by its name.
    group: Option<Arc<str>>,
    present: Mutex<Present>,
    /// Notified when it appears or leaves.
    presence: watch::Sender<u64>,
    /// Replaced as a whole, so that a feed can iterate over them without a lock. New ones are appended, and the order
    /// of the others stays.
    peers: Mutex<Arc<Vec<Arc<Peer>>>>,
    live: Mutex<Live>,
    changes: watch::Sender<u64>,
    common: Arc<Common>,
}

impl Router {
    fn new(
        id: RouterId,
        instance: Option<VpnInstanceName>,
        group: Option<&str>,
        common: Arc<Common>,
    ) -> Arc<Self> {
        Arc::new(Self {
            id,
            instance,
            group: group.map(Arc::from),
            present: Mutex::default(),
            presence: watch::Sender::new(0),
            peers: Mutex::default(),
            live: Mutex::default(),
            changes: watch::Sender::new(0),
            common,
        })
    }

    /// Its name.
    pub(crate) fn id(&self) -> &RouterId {
        &self.id
    }

    /// The VPN instance that it is in; `None` is the public one.
    pub(crate) fn vpn_instance(&self) -> Option<&VpnInstanceName> {
        self.instance.as_ref()
    }

    /// The prefix that it has come from, if it is not configured by its name.
    pub(crate) fn group(&self) -> Option<&str> {
        self.group.as_deref()
    }

    /// The router is there. One that has only sent another Initiation stays as it is: what it says of itself is
    /// for those who are sent it later.
    pub(crate) fn appear(&self, identity: Identity) {
        let mut present = self.present.lock();
        if present.identity.is_none() {
            present.number += 1;
        }
        present.identity = Some(Arc::new(identity));
        drop(present);
        self.presence.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// The router leaves, and its peers with it, without a Peer Down: receivers send what is left, then the TLVs of
    /// its Termination if there was one, and end.
    pub(crate) fn leave(&self, termination: Option<Vec<u8>>) {
        let mut present = self.present.lock();
        present.identity = None;
        present.termination = termination.map(Arc::from);
        drop(present);
        self.edit(Vec::clear);
        self.presence.send_modify(|count| *count = count.wrapping_add(1));
        self.notify();
    }

    /// Notified whenever it appears or leaves.
    pub(crate) fn presence_changes(&self) -> Changes {
        self.presence.subscribe()
    }

    /// What it is while it is there.
    pub(crate) fn presence(&self) -> Option<Presence> {
        let present = self.present.lock();
        let identity = Arc::clone(present.identity.as_ref()?);
        Some(Presence { number: present.number, identity })
    }

    /// True if it has left since it had appeared for this time.
    pub(crate) fn has_left(&self, number: u64) -> bool {
        let present = self.present.lock();
        present.number != number || present.identity.is_none()
    }

    /// The TLVs of the Termination with which it left after it had appeared for this time.
    pub(crate) fn termination(&self, number: u64) -> Option<Arc<[u8]>> {
        let present = self.present.lock();
        present.termination.clone().filter(|_| present.number == number)
    }

    /// Passes a message on as it came, to those who read now.
    pub(crate) fn push(&self, about: About, is_mirroring: bool, bytes: &[u8]) {
        let presence = self.present.lock().number;
        let message = Message { presence, about, is_mirroring, bytes: bytes.into() };
        if self.live.lock().push(message, self.common.sizes.live) {
            self.notify();
        }
    }

    /// Works with what is passed on.
    pub(super) fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock()
    }

    /// Begins to read what is passed on from now on.
    pub(super) fn listen(&self) -> LivePosition {
        self.live.lock().subscribe()
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
        self.add_peer(id, false)
    }

    /// Adds a peer, which may be a Loc-RIB (RFC 9069).
    pub(crate) fn add_peer(&self, id: NeighborId, is_loc_rib: bool) -> Arc<Peer> {
        let (current, begun) = (Mutex::default(), AtomicU64::default());
        let peer = Arc::new(Peer { id, is_loc_rib, current, begun });
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
        self.begin_with(peer, (header, view), up, forms, now, Signals::default())
    }

    /// Begins the epoch of a peer whose tables are opened as their routes come. `signals` are for all peers of its
    /// router.
    pub(crate) fn begin_relayed(
        &self,
        peer: &Peer,
        header: (PeerHeader, View),
        up: PeerUp,
        time: Timestamp,
        signals: &Signals,
    ) -> Arc<Epoch> {
        self.begin_with(peer, header, up, &[], time, signals.clone())
    }

    fn begin_with(
        &self,
        peer: &Peer,
        (header, view): (PeerHeader, View),
        up: PeerUp,
        forms: &[Form],
        time: Timestamp,
        signals: Signals,
    ) -> Arc<Epoch> {
        let Common { meter, sizes } = &*self.common;
        let share = Share::new(meter, Arc::clone(&signals.evicted));
        let epoch = Arc::new(Epoch::new(header, view, (up, time), forms, share, signals, sizes));
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

    /// The router's connection is lost: all routes of the peer are kept as stale ones.
    pub(crate) fn hold_all(&self, epoch: &Epoch) -> bool {
        let held = epoch.hold_all();
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
