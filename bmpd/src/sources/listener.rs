//! The listeners that neighbors and routers connect to.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use shared::names::VpnInstanceName;
use tokio::sync::watch;
use tracing::{info, warn};

use crate::config::Place;
use crate::net::accepts::Accepts;
use crate::net::keys::PeerKey;
use crate::net::listen::{self, ListenError, ListenOptions, Listener};
use crate::net::tcp::TcpStream;
use crate::platform::select;
use crate::quota::UnknownPeers;
use crate::supervise::{fault, has_panicked};

/// How long to wait before the next search for an instance that was not there.
const RETRY: Duration = Duration::from_secs(2);

/// Who may connect.
pub(crate) trait Directory: Send + Sync + 'static {
    /// The protocol.
    const PROTOCOL: &'static str;
    /// A connection, and several.
    const CONNECTION: &'static str;
    const CONNECTIONS: &'static str;
    /// Those who connect.
    const THEY: &'static str;

    /// The keys of those that may connect in an instance. No two are for the same addresses.
    fn keys(&self, vpn_instance: &Option<VpnInstanceName>) -> Vec<PeerKey>;

    /// The segment size to ask of those that may connect in an instance. It is sent in the answer to a SYN, to all alike:
    /// the lowest value applies.
    fn mss(&self, vpn_instance: &Option<VpnInstanceName>) -> Option<u16>;

    /// Notified when the keys or the segment size may have changed.
    fn changes(&self) -> watch::Receiver<u64>;

    /// Passes a connection on. One that is not admitted is closed; `Err` says why.
    fn admit(
        &self,
        stream: TcpStream,
        from: SocketAddr,
        vpn_instance: &Option<VpnInstanceName>,
    ) -> Result<(), String>;
}

/// Opens a listener in the public instance.
///
/// # Errors
///
/// It cannot be opened.
pub(crate) async fn open<D: Directory>(
    directory: &D,
    vpn_instance: &Option<VpnInstanceName>,
    place: &Place,
    address: SocketAddr,
) -> Result<Listener, ListenError> {
    let keys = directory.keys(vpn_instance);
    let mss = directory.mss(vpn_instance);
    listen::listen(address, place, ListenOptions { keys: &keys, mss }).await
}

/// Listens in a VPN instance, whose device or namespace may come later, go, and come again, forever.
pub(crate) async fn run_in<D: Directory>(
    directory: Arc<D>,
    vpn_instance: Option<VpnInstanceName>,
    place: Place,
    address: SocketAddr,
) {
    let protocol = D::PROTOCOL;
    let mut unknown = UnknownPeers::new(D::CONNECTION);
    let mut said = None;
    loop {
        let error = match open(&*directory, &vpn_instance, &place, address).await {
            Ok(listener) => {
                info!(%address, %place, "listening for {protocol}");
                said = None;
                accept(listener, &*directory, &vpn_instance, &mut unknown).await
            }
            Err(error) => error,
        };
        let text = error.to_string();
        if said.as_ref() != Some(&text) {
            warn!(%address, %place, "not listening for {protocol}: {text}");
            said = Some(text);
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Listens in the public instance, forever.
pub(crate) async fn run<D: Directory>(listener: Listener, directory: Arc<D>) {
    let mut unknown = UnknownPeers::new(D::CONNECTION);
    accept(listener, &*directory, &None, &mut unknown).await;
}

/// Accepts connections and passes each on, until the device or namespace has gone. That of an unknown peer is closed.
async fn accept<D: Directory>(
    mut listener: Listener,
    directory: &D,
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

async fn serve<D: Directory>(
    listener: &mut Listener,
    directory: &D,
    vpn_instance: &Option<VpnInstanceName>,
    unknown: &mut UnknownPeers,
) {
    let they = D::THEY;
    let mut accepts = Accepts::default();
    let mut changes = directory.changes();
    // Some may have been added since the listener was opened.
    changes.mark_changed();
    loop {
        tokio::select! {
            biased;
            // The directory, which has the sender, outlives this task.
            Ok(()) = changes.changed() => {
                if let Err(error) = listener.set_keys(&directory.keys(vpn_instance)) {
                    warn!("{they} may not be accepted, as their keys are missing: {error}");
                }
                if let Err(error) = listener.set_mss(directory.mss(vpn_instance)) {
                    warn!("{they} that connect are asked for other segments: {error}");
                }
            }
            accepted = listener.accept() => match accepts.note(D::CONNECTIONS, accepted) {
                Ok((stream, from)) => {
                    fault("listener.accept");
                    if let Err(why) = directory.admit(stream, from, vpn_instance) {
                        unknown.note(from.ip(), &why);
                    }
                }
                Err(pause) => tokio::time::sleep(pause).await,
            }
        }
    }
}
