//! Where stations connect to: the listening sockets of passive sessions (RFC 7854 section 3.2).
//!
//! ```text
//!   station ──TCP──> door: one listening socket ── slot of its session ──> task of that session
//!   stranger ──TCP──> door: refused (RST), counted
//! ```
//!
//! A door is a place, an address and a port; several sessions can share one, each with another station.
//! It is opened for the first of them and closed with the last. A slot holds one connection: a newer one
//! of the same station takes the place of an older one. A device or namespace that goes takes its doors with
//! it: each session is told, and opens its door anew when there is such a place again.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tracing::warn;

use crate::config::{Authentication, Place};
use crate::net::accepts::Accepts;
use crate::net::keys::PeerKey;
use crate::net::listen::{self, ListenError, ListenOptions, Listener};
use crate::net::standing::Gone;
use crate::net::tcp::TcpStream;
use crate::quota::UnknownPeers;
use crate::select::select;
use crate::supervise::{fault, panicked};

/// Where a door is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct DoorId {
    /// The network that it is in.
    pub(super) place: Place,
    /// The address, or the wildcard, and the port.
    pub(super) address: SocketAddr,
}

/// All doors.
#[derive(Debug, Default)]
pub(crate) struct Doors {
    open: Mutex<HashMap<DoorId, Door>>,
    /// Tasks of doors that were closed and may still hold their sockets.
    closing: Mutex<Vec<JoinHandle<()>>>,
    /// Held while a door is opened: two sessions do not open the same one.
    opening: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Door {
    guests: Arc<Mutex<HashMap<IpAddr, Guest>>>,
    wanted: watch::Sender<Wanted>,
    refused: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

/// What the socket of a door has for the sake of its guests.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    keys: Vec<PeerKey>,
    mss: Option<u16>,
}

#[derive(Debug, Clone)]
struct Guest {
    slot: Arc<Slot>,
    authentication: Option<Authentication>,
    mss: Option<u16>,
}

#[derive(Debug, Default)]
struct Slot {
    held: Mutex<Held>,
    bell: Notify,
}

#[derive(Debug, Default)]
struct Held {
    stream: Option<TcpStream>,
    /// Set when the door is closed because its place has gone.
    gone: Option<Gone>,
}

/// A session's right to its station's connections; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Registration {
    doors: Arc<Doors>,
    door: DoorId,
    station: IpAddr,
    authentication: Option<Authentication>,
    mss: Option<u16>,
    slot: Arc<Slot>,
    refused: Arc<AtomicU64>,
    /// What the door had refused before.
    refused_before: u64,
}

impl Doors {
    /// Lets the station in at the door, which is opened if nobody has done so. A registration of the same
    /// station at the same door is replaced.
    ///
    /// # Errors
    ///
    /// The door cannot be opened: another program has the port, the device does not exist, and so on.
    pub(super) async fn register(
        self: Arc<Self>,
        door: DoorId,
        station: IpAddr,
        authentication: Option<Authentication>,
        mss: Option<u16>,
    ) -> Result<Registration, ListenError> {
        let _opening = self.opening.lock().await;
        // The sockets of doors that were closed go with their tasks.
        let closing = std::mem::take(&mut *self.closing.lock());
        for task in closing {
            let _ = task.await;
        }
        let slot = Arc::default();
        let guest = Guest { slot: Arc::clone(&slot), authentication: authentication.clone(), mss };
        let (refused, refused_before) = match self.enter(&door, station, &guest) {
            Some(refused) => {
                let before = refused.load(Ordering::Relaxed);
                (refused, before)
            }
            None => {
                let guests = HashMap::from([(station, guest)]);
                let wanted = Wanted::by(&guests);
                let options = ListenOptions { keys: &wanted.keys, mss: wanted.mss };
                let listener = listen::listen(door.address, &door.place, options).await?;
                let opened = Door::open(&self, door.clone(), listener, guests, wanted);
                let refused = Arc::clone(&opened.refused);
                self.open.lock().insert(door.clone(), opened);
                (refused, 0)
            }
        };
        let doors = Arc::clone(&self);
        Ok(Registration {
            doors,
            door,
            station,
            authentication,
            mss,
            slot,
            refused_before,
            refused,
        })
    }

    /// Lets a guest in at a door that is open; `None` if it is closed. What it gives is the count of
    /// strangers.
    fn enter(&self, door: &DoorId, station: IpAddr, guest: &Guest) -> Option<Arc<AtomicU64>> {
        let open = self.open.lock();
        let found = open.get(door)?;
        found.guests.lock().insert(station, guest.clone());
        found.renew();
        Some(Arc::clone(&found.refused))
    }

    /// Closes a door whose place has gone, and tells its guests.
    fn lose(&self, door: &DoorId, guests: &Arc<Mutex<HashMap<IpAddr, Guest>>>, gone: Gone) {
        // First, so that nobody enters who would not be told.
        self.open
            .lock()
            .extract_if(|id, open| id == door && Arc::ptr_eq(&open.guests, guests))
            .count();
        for guest in guests.lock().values() {
            guest.slot.held.lock().gone = Some(gone);
            guest.slot.bell.notify_one();
        }
    }
}

impl Door {
    fn open(
        doors: &Arc<Doors>,
        door: DoorId,
        listener: Listener,
        guests: HashMap<IpAddr, Guest>,
        wanted: Wanted,
    ) -> Self {
        let guests = Arc::new(Mutex::new(guests));
        let refused = Arc::default();
        let (wanted, renewed) = watch::channel(wanted);
        let mut porter = Porter {
            listener,
            guests: Arc::clone(&guests),
            wanted: renewed,
            refused: Arc::clone(&refused),
            unknown: UnknownPeers::new("BMP connection"),
        };
        let (doors, its_guests) = (Arc::downgrade(doors), Arc::clone(&guests));
        let task = tokio::spawn(async move {
            let mut gone = pin!(porter.listener.place_gone());
            let gone = loop {
                select! {
                    gone = &mut gone => break gone,
                    // It goes on with the next connection.
                    _ = panicked(porter.serve()) => {}
                }
            };
            // The socket goes before a door is opened anew.
            drop(porter);
            if let Some(doors) = doors.upgrade() {
                doors.lose(&door, &its_guests, gone);
            }
        });
        Self { guests, wanted, refused, task }
    }

    fn renew(&self) {
        self.wanted.send_replace(Wanted::by(&self.guests.lock()));
    }
}

impl Wanted {
    fn by(guests: &HashMap<IpAddr, Guest>) -> Self {
        Self {
            keys: guests.iter().filter_map(|(station, guest)| key(*station, guest)).collect(),
            mss: guests.values().filter_map(|guest| guest.mss).min(),
        }
    }
}

fn key(station: IpAddr, guest: &Guest) -> Option<PeerKey> {
    let length = if station.is_ipv4() { 32 } else { 128 };
    let authentication = guest.authentication.clone()?;
    Some(PeerKey { network: station, length, authentication })
}

impl Registration {
    /// True if it is at this door.
    pub(super) fn is_at(&self, door: &DoorId) -> bool {
        self.door == *door
    }

    /// True if it was made with this key and this segment size.
    pub(super) fn has(&self, authentication: Option<&Authentication>, mss: Option<u16>) -> bool {
        self.authentication.as_ref() == authentication && self.mss == mss
    }

    /// Where the station connects to.
    pub(super) fn address(&self) -> SocketAddr {
        self.door.address
    }

    /// The station's next connection. Safe to be dropped while it waits.
    ///
    /// # Errors
    ///
    /// The door's place has gone, and the door with it: another registration is needed.
    pub(super) async fn accept(&self) -> Result<TcpStream, ListenError> {
        loop {
            let rung = self.slot.bell.notified();
            {
                let mut held = self.slot.held.lock();
                if let Some(stream) = held.stream.take() {
                    return Ok(stream);
                }
                if let Some(gone) = held.gone {
                    return Err(ListenError::Place(gone.error(&self.door.place)));
                }
            }
            rung.await;
        }
    }

    /// How many connections of others the door has refused.
    pub(super) fn strangers_refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// The same since the registration was made.
    pub(super) fn strangers_refused_meanwhile(&self) -> u64 {
        self.strangers_refused().saturating_sub(self.refused_before)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut open = self.doors.open.lock();
        let Some(door) = open.get(&self.door) else { return };
        let mut guests = door.guests.lock();
        // A newer registration of the same station stays.
        if guests.get(&self.station).is_some_and(|guest| Arc::ptr_eq(&guest.slot, &self.slot)) {
            guests.remove(&self.station);
        }
        let empty = guests.is_empty();
        drop(guests);
        if !empty {
            door.renew();
        } else if let Some(door) = open.remove(&self.door) {
            door.task.abort();
            self.doors.closing.lock().push(door.task);
        }
    }
}

/// What a door's task works with.
struct Porter {
    listener: Listener,
    guests: Arc<Mutex<HashMap<IpAddr, Guest>>>,
    wanted: watch::Receiver<Wanted>,
    refused: Arc<AtomicU64>,
    unknown: UnknownPeers,
}

impl Porter {
    /// Takes connections for ever, and gives each to whom it belongs.
    async fn serve(&mut self) {
        let mut accepts = Accepts::default();
        loop {
            select! {
                // The sender lives as long as this task.
                Ok(()) = self.wanted.changed() => {
                    let Wanted { keys, mss } = self.wanted.borrow_and_update().clone();
                    if let Err(error) = self.listener.set_keys(&keys) {
                        warn!("stations may be let in without the keys they should have: {error}");
                    }
                    if let Err(error) = self.listener.set_mss(mss) {
                        warn!("stations may be let in with another segment size: {error}");
                    }
                }
                accepted = self.listener.accept() => match accepts.note("stations' connections", accepted) {
                    Ok((stream, from)) => {
                        fault("door.accept");
                        self.admit(stream, from.ip());
                    }
                    Err(pause) => tokio::time::sleep(pause).await,
                },
            }
        }
    }

    fn admit(&mut self, stream: TcpStream, from: IpAddr) {
        let slot = self.guests.lock().get(&from).map(|guest| Arc::clone(&guest.slot));
        match slot {
            Some(slot) => {
                slot.held.lock().stream = Some(stream);
                slot.bell.notify_one();
            }
            None => {
                listen::refuse(stream);
                self.refused.fetch_add(1, Ordering::Relaxed);
                self.unknown.note(from, "no passive session has this station");
            }
        }
    }
}
