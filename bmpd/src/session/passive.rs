//! Where stations connect to: the listening sockets of passive sessions (RFC 7854 section 3.2).
//!
//! ```text
//!   station ──TCP──> door: one listening socket ── slot of its session ──> task of that session
//!   stranger ──TCP──> door: refused (RST), counted
//! ```
//!
//! A door is a place, an address and a port; several sessions can share one, each with another station.
//! It is opened for the first of them and closed with the last. A slot holds one connection: a newer one
//! of the same station takes the place of an older one.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tracing::{debug, warn};

use crate::config::{Authentication, Place};
use crate::net::keys::PeerKey;
use crate::net::listen::{self, ListenError, ListenOptions, Listener};

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
    keys: watch::Sender<Vec<PeerKey>>,
    refused: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

#[derive(Debug, Clone)]
struct Guest {
    slot: Arc<Slot>,
    authentication: Option<Authentication>,
}

#[derive(Debug, Default)]
struct Slot {
    stream: Mutex<Option<TcpStream>>,
    bell: Notify,
}

/// A session's right to its station's connections; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Registration {
    doors: Arc<Doors>,
    door: DoorId,
    station: IpAddr,
    authentication: Option<Authentication>,
    slot: Arc<Slot>,
    refused: Arc<AtomicU64>,
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
        let guest = Guest { slot: Arc::default(), authentication: authentication.clone() };
        let slot = Arc::clone(&guest.slot);
        if !self.open.lock().contains_key(&door) {
            let keys: Vec<PeerKey> = key(station, &guest).into_iter().collect();
            let options = ListenOptions { keys: &keys, mss };
            let listener = listen::listen(door.address, &door.place, options).await?;
            let opened = Door::open(listener, keys);
            self.open.lock().insert(door.clone(), opened);
        }
        let mut open = self.open.lock();
        let refused = match open.get_mut(&door) {
            Some(found) => {
                found.guests.lock().insert(station, guest);
                found.renew_keys();
                Arc::clone(&found.refused)
            }
            // Doors are closed with their last guest; without one, between the two locks, by nobody.
            None => Arc::default(),
        };
        drop(open);
        Ok(Registration { doors: Arc::clone(&self), door, station, authentication, slot, refused })
    }
}

impl Door {
    fn open(listener: Listener, keys: Vec<PeerKey>) -> Self {
        let guests = Arc::default();
        let refused = Arc::default();
        let (keys, renewed) = watch::channel(keys);
        let task = serve(listener, Arc::clone(&guests), renewed, Arc::clone(&refused));
        Self { guests, keys, refused, task: tokio::spawn(task) }
    }

    fn renew_keys(&self) {
        let guests = self.guests.lock();
        let keys = guests.iter().filter_map(|(station, guest)| key(*station, guest)).collect();
        self.keys.send_replace(keys);
    }
}

fn key(station: IpAddr, guest: &Guest) -> Option<PeerKey> {
    let length = if station.is_ipv4() { 32 } else { 128 };
    let authentication = guest.authentication.clone()?;
    Some(PeerKey { network: station, length, authentication })
}

impl Registration {
    /// True if it is at this door, with this key.
    pub(super) fn is(&self, door: &DoorId, authentication: Option<&Authentication>) -> bool {
        self.door == *door && self.authentication.as_ref() == authentication
    }

    /// Where the station connects to.
    pub(super) fn address(&self) -> SocketAddr {
        self.door.address
    }

    /// The station's next connection. Safe to be dropped while it waits.
    pub(super) async fn accept(&self) -> TcpStream {
        loop {
            let rung = self.slot.bell.notified();
            if let Some(stream) = self.slot.stream.lock().take() {
                return stream;
            }
            rung.await;
        }
    }

    /// How many connections of others the door has refused.
    pub(super) fn strangers_refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
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
            door.renew_keys();
        } else if let Some(door) = open.remove(&self.door) {
            door.task.abort();
            self.doors.closing.lock().push(door.task);
        }
    }
}

/// Takes connections for ever, and gives each to whom it belongs.
async fn serve(
    mut listener: Listener,
    guests: Arc<Mutex<HashMap<IpAddr, Guest>>>,
    mut keys: watch::Receiver<Vec<PeerKey>>,
    refused: Arc<AtomicU64>,
) {
    let mut strangers = HashSet::new();
    loop {
        tokio::select! {
            // The sender lives as long as this task.
            Ok(()) = keys.changed() => {
                let wanted = keys.borrow_and_update().clone();
                if let Err(error) = listener.set_keys(&wanted) {
                    warn!("stations may be let in without the keys they should have: {error}");
                }
            }
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => {
                    let slot = guests.lock().get(&from.ip()).map(|guest| Arc::clone(&guest.slot));
                    match slot {
                        Some(slot) => {
                            *slot.stream.lock() = Some(stream);
                            slot.bell.notify_one();
                        }
                        None => {
                            listen::refuse(stream);
                            refused.fetch_add(1, Ordering::Relaxed);
                            note(&mut strangers, from.ip());
                        }
                    }
                }
                Err(error) => {
                    // Out of descriptors, say: it passes, and until then the loop must not spin.
                    warn!("cannot accept a station's connection: {error}");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            },
        }
    }
}

/// The most strangers that are remembered; more are a scan.
const STRANGERS_MAX: usize = 100;

/// Each stranger is worth one line in the log: it comes again every few seconds.
fn note(strangers: &mut HashSet<IpAddr>, address: IpAddr) {
    let text = "a connection was refused: no passive session has this station";
    if strangers.len() < STRANGERS_MAX && strangers.insert(address) {
        warn!(%address, "{text}");
    } else {
        debug!(%address, "{text}");
    }
}
