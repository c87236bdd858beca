//! The listeners that neighbors connect to.

use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use shared::names::VpnInstanceName;
use tracing::{info, warn};

use super::directory::{Found, NeighborDirectory};
use crate::config::Place;
use crate::net::accepts::Accepts;
use crate::net::listen::{self, ListenError, ListenOptions, Listener};
use crate::net::tcp::TcpStream;
use crate::quota::UnknownPeers;
use crate::select::select;
use crate::supervise::{fault, has_panicked};

/// How long to wait before the next search for an instance that was not there.
const RETRY: Duration = Duration::from_secs(2);

/// Opens a listener for the neighbors of the public instance.
///
/// # Errors
///
/// It cannot be opened.
pub(crate) async fn open(
    directory: &NeighborDirectory,
    vpn_instance: &Option<VpnInstanceName>,
    place: &Place,
    address: SocketAddr,
) -> Result<Listener, ListenError> {
    let keys = directory.keys(vpn_instance);
    let mss = directory.mss(vpn_instance);
    listen::listen(address, place, ListenOptions { keys: &keys, mss }).await
}

/// Listens in a VPN instance, whose device or namespace may come later, go, and come again, forever.
pub(crate) async fn run_in(
    directory: Arc<NeighborDirectory>,
    vpn_instance: Option<VpnInstanceName>,
    place: Place,
    address: SocketAddr,
) {
    let mut unknown = unknown_peers();
    let mut said = None;
    loop {
        let error = match open(&directory, &vpn_instance, &place, address).await {
            Ok(listener) => {
                info!(%address, %place, "listening for BGP");
                said = None;
                accept(listener, &directory, &vpn_instance, &mut unknown).await
            }
            Err(error) => error,
        };
        let text = error.to_string();
        if said.as_ref() != Some(&text) {
            warn!(%address, %place, "not listening for BGP: {text}");
            said = Some(text);
        }
        tokio::time::sleep(RETRY).await;
    }
}

fn unknown_peers() -> UnknownPeers {
    UnknownPeers::new("BGP connection")
}

/// Listens in the public instance, forever.
pub(crate) async fn run(listener: Listener, directory: Arc<NeighborDirectory>) {
    accept(listener, &directory, &None, &mut unknown_peers()).await;
}

/// Accepts connections and passes each to its neighbor, until the device or namespace has gone. That
/// of an unknown peer is closed.
async fn accept(
    mut listener: Listener,
    directory: &NeighborDirectory,
    vpn_instance: &Option<VpnInstanceName>,
    unknown: &mut UnknownPeers,
) -> ListenError {
    let place = listener.place().clone();
    let mut gone = pin!(listener.place_gone());
    loop {
        select! {
            gone = &mut gone => return ListenError::Place(gone.error(&place)),
            // Continue with the next connection.
            _ = has_panicked(serve(&mut listener, directory, vpn_instance, unknown)) => {}
        }
    }
}

async fn serve(
    listener: &mut Listener,
    directory: &NeighborDirectory,
    vpn_instance: &Option<VpnInstanceName>,
    unknown: &mut UnknownPeers,
) {
    let mut accepts = Accepts::default();
    let mut changes = directory.changes();
    // Neighbors may have been added since the listener was opened.
    changes.mark_changed();
    loop {
        tokio::select! {
            biased;
            // The directory, which has the sender, outlives this task.
            Ok(()) = changes.changed() => {
                if let Err(error) = listener.set_keys(&directory.keys(vpn_instance)) {
                    warn!("neighbors may not be let in for want of their keys: {error}");
                }
                if let Err(error) = listener.set_mss(directory.mss(vpn_instance)) {
                    warn!("neighbors that connect are asked for other segments: {error}");
                }
            }
            accepted = listener.accept() => match accepts.note("BGP connections", accepted) {
                Ok((stream, from)) => {
                    fault("listener.accept");
                    admit(stream, from.ip(), directory, vpn_instance, unknown);
                }
                Err(pause) => tokio::time::sleep(pause).await,
            }
        }
    }
}

fn admit(
    stream: TcpStream,
    from: IpAddr,
    directory: &NeighborDirectory,
    vpn_instance: &Option<VpnInstanceName>,
    unknown: &mut UnknownPeers,
) {
    match directory.find(vpn_instance, from) {
        Found::Neighbor(neighbor, place) => neighbor.incoming(stream, place),
        Found::Busy => {
            listen::refuse(stream);
            unknown.note(from, "as many connections wait for an OPEN as maximum-pending allows");
        }
        Found::Full(prefix) => {
            listen::refuse(stream);
            let text = format!("{prefix} has as many neighbors as maximum-neighbors allows");
            unknown.note(from, &text);
        }
        Found::Unknown => {
            drop(stream);
            unknown.note(from, "no [[bgp.neighbor]] has this address");
        }
    }
}
