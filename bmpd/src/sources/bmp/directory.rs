//! Who our routers are: those of the file, and those that have connected from a prefix of it.
//!
//! A router of a prefix is made when its Initiation has come, which names it, and forgotten when its tables are: there
//! are never more of them than the prefix allows. Two that call themselves the same are kept apart by their addresses.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use shared::names::{ROUTER_NAME_MAX, RouterId, RouterName, VpnInstanceName};
use shared::response::RouterEntry;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tracing::debug;

use super::identify::identify;
use super::proxied::{self, NoSource};
use super::task::{Setup, Task};
use super::{Incoming, RouterHandle};
use crate::config::{self, Peers, Prefix, Who};
use crate::events::{Events, group_of};
use crate::net::keys::PeerKey;
use crate::net::listen::refuse;
use crate::net::tcp::TcpStream;
use crate::quota::{PrefixQuota, say};
use crate::routers::{Router, Routers};
use crate::sources::listener;
use crate::sources::pending::PendingConnections;
use crate::sources::turn::Places;

/// Why a connection is refused that would have to wait.
const NO_PLACE: &str = "as many connections wait for an Initiation as maximum-pending allows";

/// Identifies a `[[router]]`: its name, or its instance and its prefix.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum RouterEntryId {
    Named(RouterName),
    Prefix { vpn_instance: Option<VpnInstanceName>, network: IpAddr, length: u8 },
}

impl RouterEntryId {
    /// That of a checked table.
    pub(crate) fn of(router: &config::Router) -> Option<Self> {
        let vpn_instance = router.vpn_instance.clone();
        match &router.who {
            Who::Named { name, .. } => Some(Self::Named(name.clone())),
            Who::Prefix(Peers::Prefix { network, length, .. }) => {
                Some(Self::Prefix { vpn_instance, network: *network, length: *length })
            }
            Who::Prefix(Peers::One(_)) => None,
        }
    }
}

/// Who our routers are.
#[derive(Debug)]
pub(crate) struct RouterDirectory {
    routers: Routers,
    events: Events,
    inner: Mutex<Inner>,
    /// Notified when those that may connect have changed.
    changed: watch::Sender<u64>,
    /// Connections whose Initiation has not come.
    pending: PendingConnections,
    places: Places,
    this: Weak<RouterDirectory>,
}

#[derive(Debug, Default)]
struct Inner {
    /// In the order of the file.
    entries: Vec<ConfiguredRouter>,
    /// Every router that has a task.
    known: HashMap<RouterName, KnownRouter>,
    /// Whose connections are carried for routers.
    proxies: Vec<Prefix>,
    proxy_quota: PrefixQuota,
}

/// One `[[router]]`.
#[derive(Debug, Clone)]
struct ConfiguredRouter {
    id: RouterEntryId,
    config: Arc<config::Router>,
    quota: PrefixQuota,
}

#[derive(Debug)]
struct KnownRouter {
    handle: RouterHandle,
    router: Arc<Router>,
    of: RouterEntryId,
    /// Of one of a prefix, the address that it has connected from.
    address: Option<IpAddr>,
    task: JoinHandle<()>,
}

impl RouterDirectory {
    /// No routers yet.
    pub(crate) fn new(routers: Routers, places: Places, events: Events) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            routers,
            events,
            inner: Mutex::default(),
            changed: watch::Sender::new(0),
            pending: PendingConnections::new(config::PendingLimits {
                maximum: 0,
                timeout: Duration::ZERO,
            }),
            places,
            this: Weak::clone(this),
        })
    }

    /// Sets what `[relay]` says. No connections are allowed before.
    pub(crate) fn configure_all(&self, relay: config::Relay) {
        self.pending.allow(relay.pending);
        self.inner.lock().proxies = relay.proxies;
    }

    /// Starts a router, or accepts those of a prefix.
    pub(crate) fn start(&self, router: &config::Router) {
        let Some(id) = RouterEntryId::of(router) else { return };
        let entry = ConfiguredRouter {
            id,
            config: Arc::new(router.clone()),
            quota: PrefixQuota::default(),
        };
        let mut inner = self.inner.lock();
        if let Who::Named { name, .. } = &router.who {
            self.make(name, &entry, None, &mut inner);
        }
        inner.entries.push(entry);
        drop(inner);
        self.notify();
    }

    /// Puts the entries in this order, for display.
    pub(crate) fn sort(&self, order: &[RouterEntryId]) {
        let rank: HashMap<&RouterEntryId, usize> = order.iter().zip(0..).collect();
        self.inner.lock().entries.sort_by_key(|entry| rank.get(&entry.id).copied());
    }

    /// Stops a router, or all of a prefix. Returns when all have ended.
    pub(crate) async fn end(&self, id: &RouterEntryId) {
        let ended: Vec<(RouterName, KnownRouter)> = {
            let mut inner = self.inner.lock();
            inner.entries.retain(|entry| entry.id != *id);
            inner.known.extract_if(|_, known| known.of == *id).collect()
        };
        self.notify();
        for (_, known) in &ended {
            known.handle.stop().await;
        }
        for (_, known) in ended {
            // One that has panicked has ended, too.
            let _ = known.task.await;
            self.routers.remove(&known.router);
        }
    }

    /// Passes a router, or all of a prefix, another configuration.
    pub(crate) async fn configure(&self, router: &config::Router) {
        let Some(id) = RouterEntryId::of(router) else { return };
        let config = Arc::new(router.clone());
        let handles: Vec<RouterHandle> = {
            let mut inner = self.inner.lock();
            for entry in inner.entries.iter_mut().filter(|entry| entry.id == id) {
                entry.config = Arc::clone(&config);
            }
            let of_it = inner.known.values().filter(|known| known.of == id);
            of_it.map(|known| known.handle.clone()).collect()
        };
        self.notify();
        for handle in handles {
            handle.configure(Arc::clone(&config), self.pending.timeout()).await;
        }
    }

    /// Every router: in the order of the file, those of a prefix by name.
    pub(crate) fn handles(&self) -> Vec<RouterHandle> {
        let inner = self.inner.lock();
        inner.in_order().into_iter().map(|known| known.handle.clone()).collect()
    }

    /// Requests a few words from every router, in the same order.
    pub(crate) fn ask_entries(&self) -> Vec<(RouterId, Option<oneshot::Receiver<RouterEntry>>)> {
        let inner = self.inner.lock();
        let ask = |known: &KnownRouter| (known.handle.id().clone(), known.handle.ask_entry());
        inner.in_order().into_iter().map(ask).collect()
    }

    /// Takes every task, for the exit of bmpd.
    pub(crate) fn tasks(&self) -> Vec<JoinHandle<()>> {
        self.inner.lock().known.drain().map(|(_, known)| known.task).collect()
    }

    /// Starts the task of a router.
    fn make(
        &self,
        name: &RouterName,
        entry: &ConfiguredRouter,
        address: Option<IpAddr>,
        inner: &mut Inner,
    ) -> RouterHandle {
        let id = RouterId::Named(name.clone());
        let instance = entry.config.vpn_instance.clone();
        let group = address.map(|_| group_of(&entry.config.who, instance.as_ref()));
        let router = self.routers.add(id.clone(), instance, group.as_deref());
        let (commands, receiver) = mpsc::channel(16);
        let handle = RouterHandle { id: id.clone(), commands };
        let task = Task::new(Setup {
            id,
            config: Arc::clone(&entry.config),
            is_dynamic: address.is_some(),
            initiation_timeout: self.pending.timeout(),
            router: Arc::clone(&router),
            places: self.places.clone(),
            events: group.map_or_else(|| self.events.clone(), |group| self.events.of_group(&group)),
            commands: receiver,
        });
        let (directory, its_name) = (Weak::clone(&self.this), name.clone());
        let its_router = Arc::clone(&router);
        let task = tokio::spawn(async move {
            task.run().await;
            // Only one of a prefix ends by itself.
            if let Some(directory) = directory.upgrade().filter(|_| address.is_some()) {
                directory.forget(&its_name, &its_router);
            }
        });
        let known =
            KnownRouter { handle: handle.clone(), router, of: entry.id.clone(), address, task };
        inner.known.insert(name.clone(), known);
        handle
    }

    fn forget(&self, name: &RouterName, router: &Arc<Router>) {
        let mut inner = self.inner.lock();
        if inner.known.get(name).is_some_and(|known| Arc::ptr_eq(&known.router, router)) {
            inner.known.remove(name);
        }
        drop(inner);
        self.routers.remove(router);
    }

    /// The entry for a connection from this address: the one with the address, or the one with the longest prefix.
    fn find(
        &self,
        vpn_instance: &Option<VpnInstanceName>,
        address: IpAddr,
    ) -> Option<ConfiguredRouter> {
        let inner = self.inner.lock();
        let of_instance = inner.entries.iter().filter(|e| e.config.vpn_instance == *vpn_instance);
        let rank = |entry: &ConfiguredRouter| match &entry.config.who {
            Who::Named { addresses, .. } => addresses.contains(&address).then_some(u8::MAX),
            Who::Prefix(peers @ Peers::Prefix { length, .. }) => {
                peers.include(address).then_some(*length)
            }
            Who::Prefix(Peers::One(_)) => None,
        };
        let found = of_instance.filter_map(|entry| Some((rank(entry)?, entry)));
        found.max_by_key(|(rank, _)| *rank).map(|(_, entry)| entry.clone())
    }

    /// Waits for the Initiation of a connection from a prefix, and passes it to its router.
    fn identify(&self, entry: ConfiguredRouter, incoming: Incoming) -> Result<(), String> {
        let Some(place) = self.pending.take() else {
            incoming.refuse();
            return Err(NO_PLACE.to_owned());
        };
        let (remote, tls) = (incoming.remote, entry.config.tls.clone());
        let (timeout, max) = (self.pending.timeout(), entry.config.limits.message as usize);
        let directory = Weak::clone(&self.this);
        tokio::spawn(async move {
            let identified = identify(incoming, Some(&place), timeout, max, tls).await;
            let Some(directory) = directory.upgrade() else { return };
            match identified {
                Ok((name, incoming)) => directory.adopt(&entry, name, incoming),
                Err(why) => {
                    let prefix = entry.config.who.to_string();
                    say!(entry.quota, warn, address = %remote.ip(), %prefix, "a BMP connection was closed: {why}");
                }
            }
        });
        Ok(())
    }

    /// Passes a connection to the router that has this name, which is made if it is not there.
    fn adopt(&self, entry: &ConfiguredRouter, name: Option<RouterName>, incoming: Incoming) {
        let address = incoming.remote.ip();
        let mut inner = self.inner.lock();
        // What it was checked against may have changed meanwhile: its addresses, its certificates.
        let is_current = |other: &ConfiguredRouter| Arc::ptr_eq(&other.config, &entry.config);
        if !inner.entries.iter().any(is_current) {
            return incoming.refuse();
        }
        let fallback = || RouterName::of_system_name(&address.to_string());
        let Some(mut name) = name.or_else(fallback) else { return incoming.refuse() };
        let is_its = |known: &KnownRouter| known.of == entry.id && known.address == Some(address);
        if inner.known.get(&name).is_some_and(|known| !is_its(known)) {
            let apart = format!("@{address}");
            let room = ROUTER_NAME_MAX - apart.chars().count();
            let short: String = name.as_str().chars().take(room).collect();
            let Some(other) = RouterName::of_system_name(&format!("{short}{apart}")) else {
                return incoming.refuse();
            };
            say!(entry.quota, warn, router = %other, "another router has the name {name} as well: they are kept apart");
            name = other;
        }
        if let Some(known) = inner.known.get(&name) {
            match is_its(known) {
                true => known.handle.incoming(incoming),
                false => incoming.refuse(),
            }
            return;
        }
        let Who::Prefix(Peers::Prefix { maximum, .. }) = entry.config.who else { return };
        let count = inner.known.values().filter(|known| known.of == entry.id).count();
        if count >= maximum as usize {
            incoming.refuse();
            let prefix = entry.config.who.to_string();
            say!(
                entry.quota,
                warn,
                %address,
                "a BMP connection was closed: {prefix} has as many routers as maximum-routers allows"
            );
            return;
        }
        say!(entry.quota, info, router = %name, %address, "a router has connected from its prefix");
        self.make(&name, entry, Some(address), &mut inner).incoming(incoming);
    }

    fn notify(&self) {
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
    }
}

impl listener::Directory for RouterDirectory {
    const PROTOCOL: &'static str = "BMP";
    const CONNECTION: &'static str = "BMP connection";
    const CONNECTIONS: &'static str = "BMP connections";
    const THEY: &'static str = "routers";

    fn keys(&self, vpn_instance: &Option<VpnInstanceName>) -> Vec<PeerKey> {
        let inner = self.inner.lock();
        let entries = inner.entries.iter().filter(|e| e.config.vpn_instance == *vpn_instance);
        let passive = entries.filter(|entry| entry.config.active.is_none());
        let mut keys = Vec::new();
        for entry in passive {
            let Some(authentication) = &entry.config.tcp.authentication else { continue };
            let networks: Vec<(IpAddr, u8)> = match &entry.config.who {
                Who::Named { addresses, .. } => addresses
                    .iter()
                    .map(|address| (*address, if address.is_ipv4() { 32 } else { 128 }))
                    .collect(),
                Who::Prefix(Peers::Prefix { network, length, .. }) => vec![(*network, *length)],
                Who::Prefix(Peers::One(_)) => Vec::new(),
            };
            keys.extend(networks.into_iter().map(|(network, length)| PeerKey {
                network,
                length,
                authentication: authentication.clone(),
            }));
        }
        keys
    }

    fn mss(&self, vpn_instance: &Option<VpnInstanceName>) -> Option<u16> {
        let inner = self.inner.lock();
        let entries = inner.entries.iter().filter(|e| e.config.vpn_instance == *vpn_instance);
        entries.filter_map(|entry| entry.config.tcp.mss).min()
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
        // Other instances have hosts of their own with the same addresses.
        let is_carried = vpn_instance.is_none()
            && self.inner.lock().proxies.iter().any(|proxy| proxy.includes(from.ip()));
        match is_carried {
            true => self.unwrap(stream, from),
            false => self.pass_on(Incoming::new(stream, from, false), vpn_instance),
        }
    }
}

impl RouterDirectory {
    /// Waits for the header of a proxy, and passes the connection to the router that it names.
    fn unwrap(&self, stream: TcpStream, from: SocketAddr) -> Result<(), String> {
        let Some(place) = self.pending.take() else {
            refuse(stream);
            return Err(NO_PLACE.to_owned());
        };
        let timeout = self.pending.timeout();
        let directory = Weak::clone(&self.this);
        tokio::spawn(async move {
            let source = proxied::source(&stream, &place, timeout).await;
            drop(place);
            let Some(directory) = directory.upgrade() else { return };
            let passed_on = |remote| {
                let incoming = Incoming::new(stream, remote, true);
                directory.pass_on(incoming, &None).map_err(|why| (remote.ip(), why))
            };
            let passed_on = match source {
                // A load balancer looks whether bmpd is there.
                Err(NoSource::Nothing) => Ok(()),
                Ok(None) => passed_on(from).or_else(|(_, why)| {
                    debug!(proxy = %from.ip(), "a connection of a proxy itself was closed: {why}");
                    Ok(())
                }),
                Ok(Some(remote)) => passed_on(remote),
                Err(why) => Err((from.ip(), why.to_string())),
            };
            if let Err((address, why)) = passed_on {
                let quota = directory.inner.lock().proxy_quota.clone();
                say!(quota, warn, %address, proxy = %from.ip(), "a BMP connection was closed: {why}");
            }
        });
        Ok(())
    }

    /// Passes a connection to the router that has the address of its other end.
    fn pass_on(
        &self,
        incoming: Incoming,
        vpn_instance: &Option<VpnInstanceName>,
    ) -> Result<(), String> {
        let from = incoming.remote;
        let Some(entry) = self.find(vpn_instance, from.ip()) else {
            return Err("no [[router]] has this address".to_owned());
        };
        if entry.config.shutdown || entry.config.active.is_some() {
            incoming.refuse();
            return Err(match entry.config.shutdown {
                true => "its [[router]] is shut down in the configuration".to_owned(),
                false => "bmpd connects to this router: its mode is \"active\"".to_owned(),
            });
        }
        match &entry.config.who {
            Who::Named { name, .. } => {
                let inner = self.inner.lock();
                match inner.known.get(name) {
                    Some(known) => {
                        known.handle.incoming(incoming);
                        Ok(())
                    }
                    None => Err("no [[router]] has this address".to_owned()),
                }
            }
            Who::Prefix(_) => self.identify(entry, incoming),
        }
    }
}

impl Inner {
    /// Every router: in the order of the file, those of a prefix by name.
    fn in_order(&self) -> Vec<&KnownRouter> {
        let rank: HashMap<&RouterEntryId, usize> =
            self.entries.iter().map(|entry| &entry.id).zip(0..).collect();
        let mut all: Vec<(&RouterName, &KnownRouter)> = self.known.iter().collect();
        all.sort_by_key(|(name, known)| (rank.get(&known.of).copied(), *name));
        all.into_iter().map(|(_, known)| known).collect()
    }
}
