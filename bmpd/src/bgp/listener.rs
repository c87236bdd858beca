//! Where neighbors connect to.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tracing::{debug, warn};

use super::neighbor::Neighbor;
use crate::net::connect::keep_alive;

/// Accepts connections and hands each to its neighbor, for ever. A stranger's is closed.
pub(crate) async fn run(listener: TcpListener, neighbors: Arc<HashMap<IpAddr, Neighbor>>) {
    loop {
        match listener.accept().await {
            Ok((stream, from)) => match neighbors.get(&from.ip()) {
                Some(neighbor) => {
                    let _ = keep_alive(&socket2::SockRef::from(&stream));
                    let _ = stream.set_nodelay(true);
                    neighbor.incoming(stream);
                }
                None => debug!(%from, "a connection was closed: no such neighbor is configured"),
            },
            Err(error) => {
                // Out of descriptors, say: it passes, and until then the loop must not spin.
                warn!("cannot accept a BGP connection: {error}");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}
