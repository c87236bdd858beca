//! Where stations connect to: the listening sockets of passive sessions (RFC 7854 section 3.2).
//!
//! ```text
//!   station ──TCP──> shared listener: one listening socket ── slot of its session ──> task of that session
//!   unknown peer ──TCP──> shared listener: refused (RST), counted
//! ```
//!
//! A shared listener is a place, an address and a port; several sessions can share one, each with another station.
//! It is opened for the first of them and closed with the last. A slot holds one connection: a newer one
//! of the same station takes the place of an older one. A session that is sent several routers has a slot for each leg:
//! each connection of its station goes to the first one that is free, bmpd itself first and then the routers by name, and
//! is refused when none is. A device or namespace that goes takes its shared listeners with
//! it: each session is notified, and opens its shared listener again when there is such a place again.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use shared::names::RouterId;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tracing::warn;

use crate::config::{Authentication, Place};
use crate::net::accepts::Accepts;
use crate::net::keys::PeerKey;
use crate::net::listen::{self, ListenError, ListenOptions, Listener};
use crate::net::standing::Gone;
use crate::net::tcp::TcpStream;
use crate::platform::select;
use crate::quota::UnknownPeers;
use crate::supervise::{fault, has_panicked};

/// Where a shared listener is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct SharedListenerId {
    /// The network that it is in.
    pub(super) place: Place,
    /// The address, or the wildcard, and the port.
    pub(super) address: SocketAddr,
}

/// All shared listeners.
#[derive(Debug, Default)]
pub(crate) struct SharedListeners {
    open: Mutex<HashMap<SharedListenerId, SharedListener>>,
    /// Tasks of shared listeners that were closed and may still hold their sockets.
    closing: Mutex<Vec<JoinHandle<()>>>,
    /// Held while a shared listener is opened: two sessions do not open the same one.
    opening: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct SharedListener {
    registered: Arc<Mutex<Stations>>,
    wanted: watch::Sender<Wanted>,
    refused: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

/// Who may connect: each station, with its legs in the order in which they get its connections.
type Stations = HashMap<IpAddr, BTreeMap<RouterId, Registered>>;

/// What the socket of a shared listener has for its registered stations.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    keys: Vec<PeerKey>,
    mss: Option<u16>,
}

#[derive(Debug, Clone)]
struct Registered {
    slot: Arc<Slot>,
    authentication: Option<Authentication>,
    mss: Option<u16>,
}

#[derive(Debug, Default)]
struct Slot {
    held: Mutex<Held>,
    changes: Notify,
}

impl Slot {
    /// True if it has no connection, and its leg none that came here.
    fn is_free(&self) -> bool {
        let held = self.held.lock();
        held.stream.is_none() && !held.is_taken
    }
}

#[derive(Debug, Default)]
struct Held {
    stream: Option<TcpStream>,
    /// True while the leg has a connection that it got here.
    is_taken: bool,
    /// Set when the shared listener is closed because its place has gone.
    gone: Option<Gone>,
}

/// A session's right to its station's connections; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Registration {
    listeners: Arc<SharedListeners>,
    id: SharedListenerId,
    station: IpAddr,
    router: RouterId,
    authentication: Option<Authentication>,
    mss: Option<u16>,
    slot: Arc<Slot>,
    refused: Arc<AtomicU64>,
    /// What the shared listener had refused before.
    refused_before: u64,
}

impl SharedListeners {
    /// Registers the station, for a leg that carries this router, at the shared listener, which is opened if it is not
    /// open. A registration for the same leg at the same shared listener is replaced.
    ///
    /// # Errors
    ///
    /// The shared listener cannot be opened: another program has the port, the device does not exist, and so on.
    pub(super) async fn register(
        self: Arc<Self>,
        id: SharedListenerId,
        (station, router): (IpAddr, RouterId),
        authentication: Option<Authentication>,
        mss: Option<u16>,
    ) -> Result<Registration, ListenError> {
        let _opening = self.opening.lock().await;
        // The sockets of shared listeners that were closed go with their tasks.
        let closing = std::mem::take(&mut *self.closing.lock());
        for task in closing {
            let _ = task.await;
        }
        let slot = Arc::default();
        let entry =
            Registered { slot: Arc::clone(&slot), authentication: authentication.clone(), mss };
        let (refused, refused_before) = match self.join(&id, (station, &router), &entry) {
            Some(refused) => {
                let before = refused.load(Ordering::Relaxed);
                (refused, before)
            }
            None => {
                let registered =
                    HashMap::from([(station, BTreeMap::from([(router.clone(), entry)]))]);
                let wanted = Wanted::by(&registered);
                let options = ListenOptions { keys: &wanted.keys, mss: wanted.mss };
                let listener = listen::listen(id.address, &id.place, options).await?;
                let opened = SharedListener::open(&self, id.clone(), listener, registered, wanted);
                let refused = Arc::clone(&opened.refused);
                self.open.lock().insert(id.clone(), opened);
                (refused, 0)
            }
        };
        let listeners = Arc::clone(&self);
        Ok(Registration {
            listeners,
            id,
            station,
            router,
            authentication,
            mss,
            slot,
            refused_before,
            refused,
        })
    }

    /// Registers a station at a shared listener that is open; `None` if it is closed. Returns the count of unknown peers
    /// that were refused.
    fn join(
        &self,
        id: &SharedListenerId,
        (station, router): (IpAddr, &RouterId),
        entry: &Registered,
    ) -> Option<Arc<AtomicU64>> {
        let open = self.open.lock();
        let found = open.get(id)?;
        let mut registered = found.registered.lock();
        registered.entry(station).or_default().insert(router.clone(), entry.clone());
        drop(registered);
        found.renew();
        Some(Arc::clone(&found.refused))
    }

    /// Closes a shared listener whose place has gone, and notifies its sessions.
    fn close_gone(&self, id: &SharedListenerId, registered: &Arc<Mutex<Stations>>, gone: Gone) {
        // First, so that nobody registers who would not be notified.
        self.open
            .lock()
            .extract_if(|other, open| other == id && Arc::ptr_eq(&open.registered, registered))
            .count();
        for entry in registered.lock().values().flat_map(BTreeMap::values) {
            entry.slot.held.lock().gone = Some(gone);
            entry.slot.changes.notify_one();
        }
    }
}

impl SharedListener {
    fn open(
        listeners: &Arc<SharedListeners>,
        id: SharedListenerId,
        listener: Listener,
        registered: Stations,
        wanted: Wanted,
    ) -> Self {
        let registered = Arc::new(Mutex::new(registered));
        let refused = Arc::default();
        let (wanted, renewed) = watch::channel(wanted);
        let mut acceptor = Acceptor {
            listener,
            registered: Arc::clone(&registered),
            wanted: renewed,
            refused: Arc::clone(&refused),
            unknown: UnknownPeers::new("BMP connection"),
        };
        let (listeners, stations) = (Arc::downgrade(listeners), Arc::clone(&registered));
        let task = tokio::spawn(async move {
            let mut gone = pin!(acceptor.listener.place_gone());
            let gone = loop {
                select! {
                    gone = &mut gone => break gone,
                    // It goes on with the next connection.
                    _ = has_panicked(acceptor.serve()) => {}
                }
            };
            // The socket goes before a shared listener is opened anew.
            drop(acceptor);
            if let Some(listeners) = listeners.upgrade() {
                listeners.close_gone(&id, &stations, gone);
            }
        });
        Self { registered, wanted, refused, task }
    }

    fn renew(&self) {
        self.wanted.send_replace(Wanted::by(&self.registered.lock()));
    }
}

impl Wanted {
    fn by(registered: &Stations) -> Self {
        // The legs of a session have the same key.
        let first = registered.iter().filter_map(|(station, legs)| {
            let authenticated = legs.values().find(|entry| entry.authentication.is_some());
            key(*station, authenticated?)
        });
        let all = registered.values().flat_map(BTreeMap::values);
        Self { keys: first.collect(), mss: all.filter_map(|entry| entry.mss).min() }
    }
}

fn key(station: IpAddr, entry: &Registered) -> Option<PeerKey> {
    let length = if station.is_ipv4() { 32 } else { 128 };
    let authentication = entry.authentication.clone()?;
    Some(PeerKey { network: station, length, authentication })
}

impl Registration {
    /// True if it is at this shared listener.
    pub(super) fn is_at(&self, id: &SharedListenerId) -> bool {
        self.id == *id
    }

    /// True if it was made with this key and this segment size.
    pub(super) fn has(&self, authentication: Option<&Authentication>, mss: Option<u16>) -> bool {
        self.authentication.as_ref() == authentication && self.mss == mss
    }

    /// Where the station connects to.
    pub(super) fn address(&self) -> SocketAddr {
        self.id.address
    }

    /// The station's next connection. Safe to be dropped while it waits.
    ///
    /// # Errors
    ///
    /// The shared listener's place has gone, and the shared listener with it: another registration is needed.
    pub(super) async fn accept(&self) -> Result<TcpStream, ListenError> {
        loop {
            let notified = self.slot.changes.notified();
            {
                let mut held = self.slot.held.lock();
                if let Some(stream) = held.stream.take() {
                    held.is_taken = true;
                    return Ok(stream);
                }
                if let Some(gone) = held.gone {
                    return Err(ListenError::Place(gone.error(&self.id.place)));
                }
            }
            notified.await;
        }
    }

    /// The connection that came here has ended: the slot is free.
    pub(super) fn release(&self) {
        self.slot.held.lock().is_taken = false;
    }

    /// How many connections of others the shared listener has refused.
    pub(super) fn unknown_peers_refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// The same since the registration was made.
    pub(super) fn unknown_peers_refused_meanwhile(&self) -> u64 {
        self.unknown_peers_refused().saturating_sub(self.refused_before)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut open = self.listeners.open.lock();
        let Some(listener) = open.get(&self.id) else { return };
        let mut registered = listener.registered.lock();
        if let Some(legs) = registered.get_mut(&self.station) {
            // A newer registration of the same leg stays.
            if legs.get(&self.router).is_some_and(|entry| Arc::ptr_eq(&entry.slot, &self.slot)) {
                legs.remove(&self.router);
            }
            if legs.is_empty() {
                registered.remove(&self.station);
            }
        }
        let empty = registered.is_empty();
        drop(registered);
        if !empty {
            listener.renew();
        } else if let Some(listener) = open.remove(&self.id) {
            listener.task.abort();
            self.listeners.closing.lock().push(listener.task);
        }
    }
}

/// What a shared listener's task works with.
struct Acceptor {
    listener: Listener,
    registered: Arc<Mutex<Stations>>,
    wanted: watch::Receiver<Wanted>,
    refused: Arc<AtomicU64>,
    unknown: UnknownPeers,
}

impl Acceptor {
    /// Takes connections for ever, and gives each to whom it belongs.
    async fn serve(&mut self) {
        let mut accepts = Accepts::default();
        loop {
            select! {
                // The sender lives as long as this task.
                Ok(()) = self.wanted.changed() => {
                    let Wanted { keys, mss } = self.wanted.borrow_and_update().clone();
                    if let Err(error) = self.listener.set_keys(&keys) {
                        warn!("stations may be accepted without the keys they should have: {error}");
                    }
                    if let Err(error) = self.listener.set_mss(mss) {
                        warn!("stations may be accepted with another segment size: {error}");
                    }
                }
                accepted = self.listener.accept() => match accepts.note("stations' connections", accepted) {
                    Ok((stream, from)) => {
                        fault("acceptor.accept");
                        self.admit(stream, from.ip());
                    }
                    Err(pause) => tokio::time::sleep(pause).await,
                },
            }
        }
    }

    fn admit(&mut self, stream: TcpStream, from: IpAddr) {
        let slot = {
            let registered = self.registered.lock();
            match registered.get(&from) {
                // The station knows better what has become of its connection.
                Some(legs) if legs.len() == 1 => {
                    Ok(legs.values().map(|entry| Arc::clone(&entry.slot)).next())
                }
                Some(legs) => {
                    let free = legs.values().find(|entry| entry.slot.is_free());
                    Ok(free.map(|entry| Arc::clone(&entry.slot)))
                }
                None => Err("no passive session has this station"),
            }
        };
        let slot = slot.and_then(|slot| {
            slot.ok_or("each router that the session is sent has a connection of this station")
        });
        match slot {
            Ok(slot) => {
                slot.held.lock().stream = Some(stream);
                slot.changes.notify_one();
            }
            Err(why) => {
                listen::refuse(stream);
                self.refused.fetch_add(1, Ordering::Relaxed);
                self.unknown.note(from, why);
            }
        }
    }
}
