//! Where neighbors connect to.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use shared::names::VpnInstanceName;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::directory::{Directory, Found};
use crate::config::Place;
use crate::net::accepts::Accepts;
use crate::net::listen::{self, ListenError, ListenOptions, Listener};
use crate::net::tcp::TcpStream;
use crate::supervise::{fault, panicked};

/// How long to wait before an instance that was not there is looked for again.
const RETRY: Duration = Duration::from_secs(2);

/// Opens a place where the neighbors of the public instance connect to.
///
/// # Errors
///
/// The place cannot be had.
pub(crate) async fn open(
    directory: &Directory,
    vpn_instance: &Option<VpnInstanceName>,
    place: &Place,
    address: SocketAddr,
) -> Result<Listener, ListenError> {
    let keys = directory.keys(vpn_instance);
    let mss = directory.mss(vpn_instance);
    listen::listen(address, place, ListenOptions { keys: &keys, mss }).await
}

/// Listens in a VPN instance, whose device or namespace may come later, go, and come again, for ever.
pub(crate) async fn run_in(
    directory: Arc<Directory>,
    vpn_instance: Option<VpnInstanceName>,
    place: Place,
    address: SocketAddr,
) {
    let mut strangers = Strangers::default();
    let mut said = None;
    loop {
        let error = match open(&directory, &vpn_instance, &place, address).await {
            Ok(listener) => {
                info!(%address, %place, "listening for BGP");
                said = None;
                accept(listener, &directory, &vpn_instance, &mut strangers).await
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

/// Listens in the public instance, for ever.
pub(crate) async fn run(listener: Listener, directory: Arc<Directory>) {
    accept(listener, &directory, &None, &mut Strangers::default()).await;
}

/// Accepts connections and hands each to its neighbor, until the listener's place has gone. A stranger's is
/// closed.
async fn accept(
    mut listener: Listener,
    directory: &Directory,
    vpn_instance: &Option<VpnInstanceName>,
    strangers: &mut Strangers,
) -> ListenError {
    let place = listener.place().clone();
    let mut gone = pin!(listener.place_gone());
    loop {
        crate::select! {
            gone = &mut gone => return ListenError::Place(gone.error(&place)),
            // It goes on with the next connection.
            _ = panicked(serve(&mut listener, directory, vpn_instance, strangers)) => {}
        }
    }
}

async fn serve(
    listener: &mut Listener,
    directory: &Directory,
    vpn_instance: &Option<VpnInstanceName>,
    strangers: &mut Strangers,
) {
    let mut accepts = Accepts::default();
    let mut changes = directory.changes();
    // Neighbors may have come since the listener was opened.
    changes.mark_changed();
    loop {
        tokio::select! {
            biased;
            // The directory, which has the sender, lives as long as this task.
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
                    admit(stream, from.ip(), directory, vpn_instance, strangers);
                }
                Err(pause) => tokio::time::sleep(pause).await,
            }
        }
    }
}

fn admit(
    stream: TcpStream,
    from: IpAddr,
    directory: &Directory,
    vpn_instance: &Option<VpnInstanceName>,
    strangers: &mut Strangers,
) {
    match directory.find(vpn_instance, from) {
        Found::Neighbor(neighbor, place) => neighbor.incoming(stream, place),
        Found::Busy => {
            listen::refuse(stream);
            strangers.note(from, "as many connections wait for an OPEN as maximum-pending allows");
        }
        Found::Full(prefix) => {
            listen::refuse(stream);
            let text = format!("{prefix} has as many neighbors as maximum-neighbors allows");
            strangers.note(from, &text);
        }
        Found::Stranger => {
            drop(stream);
            strangers.note(from, "no [[bgp.neighbor]] has this address");
        }
    }
}

/// Addresses whose connections were closed. Each is worth a line in the log for each reason and hour: it is the
/// usual mistake in a new set-up, and it comes again every few seconds.
#[derive(Default)]
struct Strangers {
    known: HashSet<(IpAddr, String)>,
    /// When this hour began, with its first stranger.
    begun: Option<Instant>,
    /// Connections of whom there is no line.
    left_out: u64,
}

impl Strangers {
    /// More strangers than this are a scan.
    const MAX: usize = 100;

    const HOUR: Duration = Duration::from_secs(3600);

    fn note(&mut self, address: IpAddr, why: &str) {
        if self.begun.is_none_or(|begun| begun.elapsed() >= Self::HOUR) {
            if self.left_out > 0 {
                warn!(
                    "{} more BGP connections of other addresses were closed within an hour",
                    self.left_out
                );
            }
            *self = Self { begun: Some(Instant::now()), ..Self::default() };
        }
        let one = (address, why.to_owned());
        let is_known = self.known.contains(&one);
        if !is_known && self.known.len() < Self::MAX {
            self.known.insert(one);
            warn!(%address, "a BGP connection was closed: {why}");
        } else {
            self.left_out += u64::from(!is_known);
            debug!(%address, "a BGP connection was closed: {why}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_scan_takes_a_hundred_lines_an_hour_and_who_comes_again_has_another_one() {
        let mut strangers = Strangers::default();
        let address = |n: u32| IpAddr::from(n.to_be_bytes());
        let scan = |strangers: &mut Strangers| {
            for _ in 0..3 {
                (0..150).for_each(|n| strangers.note(address(n), "nobody knows it"));
            }
        };
        scan(&mut strangers);
        assert_eq!((strangers.known.len(), strangers.left_out), (100, 150));
        tokio::time::advance(Strangers::HOUR).await;
        strangers.note(address(3), "nobody knows it");
        strangers.note(address(3), "its prefix is full");
        assert_eq!((strangers.known.len(), strangers.left_out), (2, 0));
    }
}
