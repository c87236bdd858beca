//! bmpd as a whole: what is started, in which order, and how it ends.
//!
//! ```text
//!   bmpctl ──> control ──────────── Reset, Report ──────────┐
//!                 └── Report ──┐                            v
//!   neighbors <──TCP──> bgp (a task each) ──> Tables ──> session (a task each) ──TCP──> stations
//!                              ^             (bell)         ^
//!   signals ──> daemon ── Stop ┴────────── Stop ────────────┘
//! ```
//!
//! Tasks talk through bounded channels whose answers never wait for the network. Routes go through
//! `rib` alone: no channel carries one.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use shared::names::NeighborId;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

use crate::bgp::{self, Neighbor};
use crate::config::{Config, Place};
use crate::control::{self, Context, ControlSocket};
use crate::net::listen::{ListenError, ListenOptions, listen};
use crate::rib::Tables;
use crate::session::{Parameters, Session};
use crate::wire::bmp::PeerInstance;

/// How long a station has to take the Termination when bmpd stops.
const STATION_PATIENCE: Duration = Duration::from_secs(1);

/// How long the stop may take after that, whatever the tasks do.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// Runs bmpd until a signal ends it. The error is a reason not to have started.
pub async fn run(config: Config, config_path: PathBuf) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;

    // What can fail comes before anything that others see.
    let socket = ControlSocket::create(&config.control.socket)?;
    let mut listeners = Vec::new();
    for address in config.bgp.iter().flat_map(|bgp| &bgp.listen) {
        match listen(*address, &Place::Public, ListenOptions::default()).await {
            Ok(listener) => listeners.push(listener),
            // A host without IPv6 must not need a configuration of its own.
            Err(error) if lacks_ipv6(*address, &error) => {
                warn!(%address, "not listening for BGP: this host has no IPv6");
            }
            Err(error) => {
                anyhow::bail!("{}", cannot_listen(*address, &error));
            }
        }
    }

    let tables = Tables::new();
    let mut tasks = Vec::new();

    let mut sessions = Vec::new();
    for session in &config.sessions {
        let parameters = Parameters { session: session.clone(), bmp: config.bmp.clone() };
        let (session, task) = Session::start(parameters, Arc::clone(&tables));
        sessions.push(session);
        tasks.push(task);
    }
    sessions.sort_by(|a, b| a.id().cmp(b.id()));

    let mut neighbors = Vec::new();
    let mut by_address = HashMap::new();
    if let Some(bgp) = &config.bgp {
        for neighbor in &bgp.neighbors {
            let crate::config::Peers::One(address) = neighbor.peers else { continue };
            let name = neighbor.vpn_instance.clone();
            let table_name = name.as_ref().map(|name| name.as_str().to_owned());
            let instance = PeerInstance::new(table_name.as_deref(), neighbor.route_distinguisher);
            let id = NeighborId { vpn_instance: name, address };
            let place = tables.add(id, instance, table_name);
            let (handle, task) =
                Neighbor::start(address, neighbor.clone(), bgp, place, Arc::clone(&tables));
            by_address.insert(address, handle.clone());
            neighbors.push(handle);
            tasks.push(task);
        }
    }
    let by_address = Arc::new(by_address);
    for listener in listeners {
        tokio::spawn(bgp::listener::run(listener, Arc::clone(&by_address)));
    }

    info!(
        version = env!("CARGO_PKG_VERSION"),
        config = %config_path.display(),
        socket = %config.control.socket.display(),
        sessions = sessions.len(),
        neighbors = neighbors.len(),
        "started"
    );
    let context = Arc::new(Context { config_path, sessions, neighbors });
    let mut control = Box::pin(control::run(&socket, Arc::clone(&context)));
    let stopped_by = loop {
        tokio::select! {
            () = &mut control => break "the loss of the control socket",
            _ = terminate.recv() => break "SIGTERM",
            _ = interrupt.recv() => break "SIGINT",
            _ = hangup.recv() => {
                warn!("SIGHUP: the configuration is read by `bmpctl reset session` only");
            }
        }
    };

    info!("stopping: {stopped_by}");
    // Nobody can give orders any more; the file goes with the socket.
    drop(control);
    drop(socket);
    stop(&context, tasks).await;
    info!("stopped");
    Ok(())
}

/// Stations first, so that they are not told of neighbors that go down because of us.
async fn stop(context: &Context, tasks: Vec<tokio::task::JoinHandle<()>>) {
    for session in &context.sessions {
        session.stop(STATION_PATIENCE).await;
    }
    let mut tasks = tasks;
    let neighbors = tasks.split_off(context.sessions.len());
    if tokio::time::timeout(STATION_PATIENCE + STOP_PATIENCE, join(tasks)).await.is_err() {
        warn!("not every session could be ended in time");
    }
    for neighbor in &context.neighbors {
        neighbor.stop().await;
    }
    if tokio::time::timeout(STOP_PATIENCE, join(neighbors)).await.is_err() {
        warn!("not every neighbor could be told in time");
    }
}

/// True if the address cannot be had because the host has no IPv6.
fn lacks_ipv6(address: SocketAddr, error: &ListenError) -> bool {
    let any = address.is_ipv6() && address.ip().is_unspecified();
    match error.raw_os_error() {
        Some(libc::EAFNOSUPPORT) => address.is_ipv6(),
        Some(libc::EADDRNOTAVAIL) => any,
        _ => false,
    }
}

fn cannot_listen(address: SocketAddr, error: &ListenError) -> String {
    let advice = match error.raw_os_error() {
        Some(libc::EADDRINUSE) => "another program has this port: stop it, or change [bgp] listen",
        Some(libc::EACCES) => {
            "ports below 1024 need root or CAP_NET_BIND_SERVICE; [bgp] listen can name another one"
        }
        Some(libc::EADDRNOTAVAIL) => "this host does not have the address: change [bgp] listen",
        _ => "look at [bgp] listen",
    };
    format!("cannot listen for BGP at {address}: {error}; {advice}")
}

async fn join(tasks: Vec<tokio::task::JoinHandle<()>>) {
    for task in tasks {
        // A task that panicked has ended too; the panic was reported when it happened.
        let _ = task.await;
    }
}
