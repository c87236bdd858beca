//! Who our neighbors are: those of the file, and those that have connected from a prefix of it.
//!
//! ```text
//!   daemon: start, end, configure ──> NeighborDirectory <── find ── listener (one a place and address)
//!                                        │  └── keys, changed ──────^
//!                                        └── Neighbor (a task each), a peer of the router that bmpd is
//! ```
//!
//! A neighbor from a prefix is created when it first connects, and forgotten once it has been down for a while; there
//! are never more of them than the prefix allows. When it is full, a further neighbor takes the place of the oldest
//! that has not sent a valid OPEN yet. The longest prefix applies.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use shared::names::{NeighborId, VpnInstanceName};
use shared::response::{NeighborEntry, PrefixReport};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tracing::debug;

use super::link::{Held, Limits};
use super::neighbor::{Neighbor, Setup, Stop};
use crate::config::{self, Authentication, Peers};
use crate::events::{Events, group_of};
use crate::moment::bmp_timestamp;
use crate::net::keys::PeerKey;
use crate::net::listen::refuse;
use crate::net::tcp::TcpStream;
use crate::quota::{NeighborQuota, PrefixQuota, say};
use crate::routers::{Peer, PeerDown, Router};
use crate::sources::listener;
use crate::sources::pending::{PendingConnections, PendingPlace};
use crate::sources::turn::Places;
use crate::wire::bmp::PeerDownReason;

/// Identifies a `[[bgp.neighbor]]`: its instance and its address or prefix.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct EntryId {
    vpn_instance: Option<VpnInstanceName>,
    network: IpAddr,
    /// The length of the prefix; `None` for an address.
    length: Option<u8>,
}

impl EntryId {
    /// That of a checked table.
    pub(crate) fn of(neighbor: &config::Neighbor) -> Self {
        let (network, length) = match neighbor.peers {
            Peers::One(address) => (address, None),
            Peers::Prefix { network, length, .. } => (network, Some(length)),
        };
        Self { vpn_instance: neighbor.vpn_instance.clone(), network, length }
    }
}

/// Who our neighbors are.
#[derive(Debug)]
pub(crate) struct NeighborDirectory {
    router: Arc<Router>,
    events: Events,
    inner: Mutex<Inner>,
    /// Notified when those that may connect have changed.
    changed: watch::Sender<u64>,
    /// Connections whose OPEN has not come.
    pending: PendingConnections,
    /// The places to work for busy links of all neighbors.
    places: Places,
    this: Weak<NeighborDirectory>,
}

#[derive(Debug, Default)]
struct Inner {
    /// In the order in which they are shown: that of the file.
    entries: Vec<ConfiguredNeighbor>,
    /// Every neighbor that has a task.
    neighbors: HashMap<NeighborId, Known>,
    /// How many were made.
    made: u64,
}

/// One `[[bgp.neighbor]]`.
#[derive(Debug, Clone)]
struct ConfiguredNeighbor {
    config: Arc<config::Neighbor>,
    bgp: Bgp,
    /// What is logged of all neighbors of the prefix.
    quota: PrefixQuota,
}

/// What all neighbors have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bgp {
    /// Our AS number.
    pub(crate) asn: u32,
    /// Our BGP Identifier.
    pub(crate) router_id: std::net::Ipv4Addr,
}

#[derive(Debug)]
struct Known {
    handle: Neighbor,
    peer: Arc<Peer>,
    /// The entry that it is of.
    of: EntryId,
    /// Incremented with every neighbor that is made.
    number: u64,
    task: JoinHandle<()>,
}

/// The neighbor of a connection.
#[derive(Debug)]
pub(crate) enum Found {
    /// This neighbor; one of a prefix has a place for its connection until its OPEN was received.
    Neighbor(Neighbor, Option<PendingPlace>),
    /// It is in a prefix that has as many neighbors as it may have.
    Full(Peers),
    /// It is in a prefix, and as many connections as there may be wait for an OPEN.
    Busy,
    /// An unknown peer.
    Unknown,
}

impl NeighborDirectory {
    /// No neighbors yet.
    pub(crate) fn new(router: Arc<Router>, places: Places, events: Events) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            places,
            router,
            events,
            inner: Mutex::default(),
            changed: watch::Sender::new(0),
            pending: PendingConnections::new(config::PendingLimits {
                maximum: 0,
                timeout: Duration::ZERO,
            }),
            this: Weak::clone(this),
        })
    }

    /// Sets the limits of connections whose OPEN has not come. None are allowed before.
    pub(crate) fn allow_pending(&self, allowed: config::PendingLimits) {
        self.pending.allow(allowed);
    }

    /// Starts a neighbor, or accepts those of a prefix.
    pub(crate) fn start(&self, neighbor: &config::Neighbor, bgp: Bgp) {
        let entry = ConfiguredNeighbor {
            config: Arc::new(neighbor.clone()),
            bgp,
            quota: PrefixQuota::default(),
        };
        let mut inner = self.inner.lock();
        if let Peers::One(address) = neighbor.peers {
            let id = NeighborId { vpn_instance: neighbor.vpn_instance.clone(), address };
            let known = self.make(id.clone(), &entry, &mut inner);
            inner.neighbors.insert(id, known);
        }
        inner.entries.push(entry);
        drop(inner);
        self.notify();
    }

    /// Puts the entries in this order, for display.
    pub(crate) fn sort(&self, order: &[EntryId]) {
        let rank: HashMap<&EntryId, usize> = order.iter().zip(0..).collect();
        self.inner.lock().entries.sort_by_key(|entry| rank.get(&entry.id()).copied());
    }

    /// Stops a neighbor, or all of a prefix. Stations are sent that removed ones are no longer monitored, and how the
    /// sessions of others ended. Returns when all have ended.
    pub(crate) async fn end(&self, id: &EntryId, stop: Stop) {
        let ended: Vec<(NeighborId, Known)> = {
            let mut inner = self.inner.lock();
            inner.entries.retain(|entry| entry.id() != *id);
            inner.neighbors.extract_if(|_, known| known.of == *id).collect()
        };
        self.notify();
        for (_, known) in &ended {
            if stop == Stop::Removed {
                self.router.remove(&known.peer, removed());
            }
            known.handle.stop(stop).await;
        }
        for (_, known) in ended {
            // One that has panicked has ended, too.
            let _ = known.task.await;
            self.router.remove(&known.peer, removed());
        }
    }

    /// The neighbors of an entry whose sessions end with these new limits, by address.
    pub(crate) fn beyond(&self, neighbor: &config::Neighbor) -> Vec<(NeighborId, Held)> {
        let (id, limits) = (EntryId::of(neighbor), Limits::of(neighbor));
        let of_it: Vec<(NeighborId, Arc<Peer>)> = {
            let inner = self.inner.lock();
            let of_it = inner.neighbors.iter().filter(|(_, known)| known.of == id);
            of_it.map(|(id, known)| (id.clone(), Arc::clone(&known.peer))).collect()
        };
        let ends = |peer: &Peer| limits.ends(&*peer.current()?);
        let mut beyond: Vec<(NeighborId, Held)> =
            of_it.into_iter().filter_map(|(id, peer)| Some((id, ends(&peer)?))).collect();
        beyond.sort_by_key(|(id, _)| id.address);
        beyond
    }

    /// Passes a neighbor, or all of a prefix, what can change while its session runs.
    pub(crate) async fn configure(&self, neighbor: &config::Neighbor) {
        let id = EntryId::of(neighbor);
        let config = Arc::new(neighbor.clone());
        let handles: Vec<Neighbor> = {
            let mut inner = self.inner.lock();
            for entry in inner.entries.iter_mut().filter(|entry| entry.id() == id) {
                entry.config = Arc::clone(&config);
            }
            let of_it = inner.neighbors.values().filter(|known| known.of == id);
            of_it.map(|known| known.handle.clone()).collect()
        };
        for handle in handles {
            handle.configure(Arc::clone(&config)).await;
        }
    }

    /// The neighbor of a connection; one from a prefix is made.
    pub(super) fn find(&self, vpn_instance: &Option<VpnInstanceName>, address: IpAddr) -> Found {
        let id = NeighborId { vpn_instance: vpn_instance.clone(), address };
        let mut inner = self.inner.lock();
        if let Some(known) = inner.neighbors.get(&id) {
            let handle = known.handle.clone();
            if known.of.length.is_none() {
                return Found::Neighbor(handle, None);
            }
            let Some(place) = self.pending.take() else { return Found::Busy };
            return Found::Neighbor(handle, Some(place));
        }
        let of_instance = |entry: &&ConfiguredNeighbor| entry.config.vpn_instance == *vpn_instance;
        let including = |entry: &&ConfiguredNeighbor| entry.config.peers.include(address);
        let entries = inner.entries.iter().filter(of_instance).filter(including);
        let longest = entries.max_by_key(|entry| match entry.config.peers {
            Peers::One(_) => None,
            Peers::Prefix { length, .. } => Some(length),
        });
        let Some(entry) = longest.cloned() else { return Found::Unknown };
        let Peers::Prefix { maximum, .. } = entry.config.peers else { return Found::Unknown };
        let of = entry.id();
        let count = inner.neighbors.values().filter(|known| known.of == of).count();
        if count >= maximum as usize && !inner.make_room(&entry) {
            return Found::Full(entry.config.peers);
        }
        let Some(place) = self.pending.take() else { return Found::Busy };
        let prefix = &entry.config.peers;
        say!(entry.quota, info, neighbor = %id, %prefix, "a neighbor has connected from its prefix");
        let known = self.make(id.clone(), &entry, &mut inner);
        let handle = known.handle.clone();
        inner.neighbors.insert(id, known);
        Found::Neighbor(handle, Some(place))
    }

    /// Starts the task of a neighbor.
    fn make(&self, id: NeighborId, entry: &ConfiguredNeighbor, inner: &mut Inner) -> Known {
        let config = &entry.config;
        let peer = self.router.add(id.clone());
        let dynamic = matches!(config.peers, Peers::Prefix { .. });
        let setup = Setup {
            id: id.clone(),
            config: Arc::clone(config),
            asn: entry.bgp.asn,
            router_id: entry.bgp.router_id,
            dynamic,
            quota: NeighborQuota::new(dynamic.then(|| entry.quota.clone())),
            pending: self.pending.clone(),
            places: self.places.clone(),
            peer: Arc::clone(&peer),
            router: Arc::clone(&self.router),
            events: match dynamic {
                true => {
                    self.events.of_group(&group_of(&config.peers, config.vpn_instance.as_ref()))
                }
                false => self.events.clone(),
            },
        };
        let (handle, task) = Neighbor::start(setup);
        let directory = Weak::clone(&self.this);
        let its_peer = Arc::clone(&peer);
        let task = tokio::spawn(async move {
            // One that has panicked has ended, too; the panic was reported.
            let _ = task.await;
            // Only one from a prefix ends by itself.
            if let Some(directory) = directory.upgrade().filter(|_| dynamic) {
                directory.forget(&id, &its_peer);
            }
        });
        inner.made += 1;
        Known { handle, peer, of: entry.id(), number: inner.made, task }
    }

    fn forget(&self, id: &NeighborId, peer: &Arc<Peer>) {
        let mut inner = self.inner.lock();
        if inner.neighbors.get(id).is_some_and(|known| Arc::ptr_eq(&known.peer, peer)) {
            inner.neighbors.remove(id);
            debug!(neighbor = %id, "a neighbor that is gone was removed");
        }
        drop(inner);
        self.router.remove(peer, removed());
    }

    /// Every neighbor: in the order of the file, those of a prefix by address.
    pub(crate) fn handles(&self) -> Vec<Neighbor> {
        let inner = self.inner.lock();
        inner.in_order().into_iter().map(|(_, known)| known.handle.clone()).collect()
    }

    /// Requests a short report from every neighbor, in the same order.
    pub(crate) fn ask_entries(
        &self,
    ) -> Vec<(NeighborId, Option<oneshot::Receiver<NeighborEntry>>)> {
        let inner = self.inner.lock();
        let ask = |(id, known): (&NeighborId, &Known)| (id.clone(), known.handle.ask_entry());
        inner.in_order().into_iter().map(ask).collect()
    }

    /// The prefixes that neighbors can come from, in the order of the file.
    pub(crate) fn prefixes(&self) -> Vec<PrefixReport> {
        let inner = self.inner.lock();
        let mut prefixes = Vec::new();
        for entry in &inner.entries {
            let Peers::Prefix { maximum, .. } = entry.config.peers else { continue };
            let of = entry.id();
            prefixes.push(PrefixReport {
                prefix: entry.config.peers.to_string(),
                vpn_instance: entry.config.vpn_instance.clone(),
                neighbors: inner.neighbors.values().filter(|known| known.of == of).count() as u32,
                maximum,
            });
        }
        prefixes
    }

    /// Takes every task, for the exit of bmpd.
    pub(crate) fn tasks(&self) -> Vec<JoinHandle<()>> {
        self.inner.lock().neighbors.drain().map(|(_, known)| known.task).collect()
    }

    /// The keys of those that may connect in an instance. No two are for the same addresses.
    fn keys(&self, vpn_instance: &Option<VpnInstanceName>) -> Vec<PeerKey> {
        let inner = self.inner.lock();
        let entries = inner.entries.iter().filter(|e| e.config.vpn_instance == *vpn_instance);
        entries
            .filter_map(|entry| {
                let key = entry.config.md5.clone()?;
                let (network, length) = match entry.config.peers {
                    Peers::One(address) if address.is_ipv4() => (address, 32),
                    Peers::One(address) => (address, 128),
                    Peers::Prefix { network, length, .. } => (network, length),
                };
                Some(PeerKey { network, length, authentication: Authentication::Md5(key) })
            })
            .collect()
    }

    /// The segment size to ask of those that may connect in an instance. It is sent in the answer to a
    /// SYN, to all alike: the lowest value applies.
    fn mss(&self, vpn_instance: &Option<VpnInstanceName>) -> Option<u16> {
        let inner = self.inner.lock();
        let entries = inner.entries.iter().filter(|e| e.config.vpn_instance == *vpn_instance);
        entries.filter_map(|entry| entry.config.mss).min()
    }

    fn notify(&self) {
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
    }
}

impl listener::Directory for NeighborDirectory {
    const PROTOCOL: &'static str = "BGP";
    const CONNECTION: &'static str = "BGP connection";
    const CONNECTIONS: &'static str = "BGP connections";
    const THEY: &'static str = "neighbors";

    fn keys(&self, vpn_instance: &Option<VpnInstanceName>) -> Vec<PeerKey> {
        self.keys(vpn_instance)
    }

    fn mss(&self, vpn_instance: &Option<VpnInstanceName>) -> Option<u16> {
        self.mss(vpn_instance)
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn admit(
        &self,
        stream: TcpStream,
        from: SocketAddr,
        vpn_instance: &Option<VpnInstanceName>,
    ) -> Result<(), String> {
        match self.find(vpn_instance, from.ip()) {
            Found::Neighbor(neighbor, place) => {
                neighbor.incoming(stream, place);
                Ok(())
            }
            Found::Busy => {
                refuse(stream);
                Err("as many connections wait for an OPEN as maximum-pending allows".to_owned())
            }
            Found::Full(prefix) => {
                refuse(stream);
                Err(format!("{prefix} has as many neighbors as maximum-neighbors allows"))
            }
            Found::Unknown => Err("no [[bgp.neighbor]] has this address".to_owned()),
        }
    }
}

impl Inner {
    /// Stops the oldest neighbor of a full prefix that has sent no valid OPEN yet: a host that connects from
    /// many of its addresses must not keep routers out. False if there is none.
    fn make_room(&mut self, entry: &ConfiguredNeighbor) -> bool {
        let of = entry.id();
        let of_it = self.neighbors.iter().filter(|(_, known)| known.of == of);
        let without_open = of_it.filter(|(_, known)| !known.handle.has_opened());
        let oldest = without_open.min_by_key(|(_, known)| known.number);
        let Some(id) = oldest.map(|(id, _)| id.clone()) else { return false };
        let Some(known) = self.neighbors.remove(&id) else { return false };
        known.handle.displace();
        let prefix = &entry.config.peers;
        say!(
            entry.quota,
            warn,
            neighbor = %id,
            %prefix,
            "its place goes to another neighbor: it has sent no OPEN, and the prefix has as many neighbors as \
             maximum-neighbors allows"
        );
        true
    }

    /// Every neighbor: in the order of the file, those of a prefix by address.
    fn in_order(&self) -> Vec<(&NeighborId, &Known)> {
        let rank: HashMap<EntryId, usize> =
            self.entries.iter().map(ConfiguredNeighbor::id).zip(0..).collect();
        let rank = |known: &Known| rank.get(&known.of).copied().unwrap_or(usize::MAX);
        let mut all: Vec<(&NeighborId, &Known)> = self.neighbors.iter().collect();
        all.sort_by(|a, b| (rank(a.1), a.0).cmp(&(rank(b.1), b.0)));
        all
    }
}

impl ConfiguredNeighbor {
    fn id(&self) -> EntryId {
        EntryId::of(&self.config)
    }
}

fn removed() -> PeerDown {
    PeerDown { time: bmp_timestamp(), reason: PeerDownReason::Deconfigured }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routers::{Routers, Sizes};

    /// A directory with the prefix 10.0.0.0/8, which has room for two.
    fn directory() -> Arc<NeighborDirectory> {
        let text = "[bgp]\nas = 1\nrouter-id = '1.1.1.1'\n[[bgp.neighbor]]\nprefix = '10.0.0.0/8'\n\
                    maximum-neighbors = 2";
        let config = config::parse(text, std::path::Path::new("f")).unwrap().bgp.unwrap();
        let directory = NeighborDirectory::new(
            Arc::clone(Routers::new(Sizes::default()).ourselves()),
            Places::new(&Sizes::default()),
            Events::default(),
        );
        directory.allow_pending(config::PendingLimits { maximum: 10, timeout: Duration::MAX });
        let bgp = Bgp { asn: 1, router_id: [1, 1, 1, 1].into() };
        directory.start(&config.neighbors[0], bgp);
        directory
    }

    #[tokio::test]
    async fn when_a_prefix_is_full_the_oldest_neighbor_without_an_open_loses_its_place() {
        let directory = directory();
        let address = |n: u8| IpAddr::from([10, 0, 0, n]);
        let find = |n| directory.find(&None, address(n));
        let is_known = |n| {
            let id = NeighborId { vpn_instance: None, address: address(n) };
            directory.inner.lock().neighbors.contains_key(&id)
        };
        let opens = |found: &Found| match found {
            Found::Neighbor(neighbor, _) => neighbor.note_open(),
            other => panic!("{other:?}"),
        };
        opens(&find(1));
        assert!(matches!(find(2), Found::Neighbor(..)));
        // The first one is older, and has sent its OPEN.
        let third = find(3);
        assert_eq!([1, 2, 3].map(is_known), [true, false, true]);
        opens(&third);
        assert!(matches!(find(4), Found::Full(_)), "both have sent an OPEN");
        assert_eq!([1, 3, 4].map(is_known), [true, true, false]);
    }

    #[tokio::test]
    async fn a_neighbor_that_has_lost_its_place_stops() {
        let directory = directory();
        let found = [1, 2].map(|n: u8| directory.find(&None, [10, 0, 0, n].into()));
        let [Found::Neighbor(first, _), Found::Neighbor(second, _)] = found else { panic!() };
        assert!(matches!(directory.find(&None, [10, 0, 0, 3].into()), Found::Neighbor(..)));
        while first.report(false).await.is_some() {}
        assert!(second.report(false).await.is_some());
        assert_eq!(directory.prefixes()[0].neighbors, 2);
    }
}
