//! Where neighbors connect to.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, warn};

use super::neighbor::Neighbor;
use crate::net::listen::Listener;

/// Accepts connections and hands each to its neighbor, for ever. A stranger's is closed.
pub(crate) async fn run(listener: Listener, neighbors: Arc<HashMap<IpAddr, Neighbor>>) {
    let mut strangers = Strangers::default();
    loop {
        match listener.accept().await {
            Ok((stream, from)) => match neighbors.get(&from.ip()) {
                Some(neighbor) => {
                    neighbor.incoming(stream);
                }
                None => strangers.note(from.ip()),
            },
            Err(error) => {
                // Out of descriptors, say: it passes, and until then the loop must not spin.
                warn!("cannot accept a BGP connection: {error}");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// Addresses that connected and are no neighbors. Each is worth one line in the log: it is the usual
/// mistake in a new set-up, and it comes again every few seconds.
#[derive(Default)]
struct Strangers {
    known: HashSet<IpAddr>,
}

impl Strangers {
    /// More strangers than this are a scan.
    const MAX: usize = 100;

    fn note(&mut self, address: IpAddr) {
        if self.known.len() < Self::MAX && self.known.insert(address) {
            warn!(%address, "a BGP connection was closed: no [[bgp.neighbor]] has this address");
        } else {
            debug!(%address, "a BGP connection was closed: no [[bgp.neighbor]] has this address");
        }
    }
}
