//! bmpd as a whole: what is started, in which order, and how it ends.
//!
//! ```text
//!   bmpctl ──> control ──────── Reset, Configure, Report ───────────┐
//!                 └── Report ──┐                                    v
//!   neighbors <──TCP──> sources (a task each) ──> routers ──> sinks (a task a leg) ──TCP──> stations
//!   routers ────TCP──>         ^             (change notifiers)     ^
//!   signals ──> daemon ── Stop ┴────────── Stop ────────────────────┤  (and notifications to the service manager)
//!                 └── World: what runs now; reload changes it ┘
//! ```
//!
//! Tasks communicate through bounded channels, whose answers never wait for the network. Routes pass through `routers`
//! alone: no channel carries one.
#![forbid(unsafe_code)]

#[cfg(simulation)]
pub(crate) mod simulated;
mod watchdog;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use shared::event::EventKind;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tracing::{error, info, warn};

use crate::config::Config;
use crate::control::ControlSocket;
use crate::events::Events;
use crate::host;
use crate::http;
use crate::log;
use crate::routers::{Routers, Sizes};
use crate::service::Manager;
use crate::sinks::station::End;
use crate::sources::Places;
use crate::sources::bgp::Stop;
use crate::supervise::has_panicked;
use crate::world::{Neighbors, RouterSources, World, unchanged};

/// How long an interrupted start may take to complete, so that it removes what it has created.
const START_GRACE: Duration = Duration::from_secs(1);

/// How long a station has to receive the Termination when bmpd stops.
const STATION_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the stop may take after that, whatever the tasks do.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// How long `monitor` clients have to receive the event that bmpd stops, once all others are notified.
const MONITOR_TIMEOUT: Duration = Duration::from_millis(500);

/// Runs bmpd until a signal stops it. The error is the reason why it was not started.
pub async fn run(
    config: Config,
    config_path: PathBuf,
    manager: Manager,
    log: log::Level,
) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;

    // On a thread of its own, as it can block: signals are handled meanwhile.
    let handle = Handle::current();
    let begin = start(config, config_path, manager, log);
    let mut begun = tokio::task::spawn_blocking(move || handle.block_on(begin));
    let interrupted = tokio::select! {
        biased;
        result = &mut begun => Ok(result),
        _ = terminate.recv() => Err("SIGTERM"),
        _ = interrupt.recv() => Err("SIGINT"),
    };
    let (result, mut stopped_by) = match interrupted {
        Ok(result) => (result, None),
        Err(signal) => match tokio::time::timeout(START_GRACE, begun).await {
            Ok(result) => (result, Some(signal)),
            Err(_) => {
                warn!("stopped by {signal} before the start was complete");
                return Ok(());
            }
        },
    };
    let Started { socket, http, manager, world } = result.context("the start has panicked")??;
    http.serve(&world);
    // Outside the loop: a reload may wait for neighbors, and a stop must not wait for that.
    let hangups = Arc::new(Notify::new());
    let (order, asked, notified) = (Arc::clone(&world), Arc::clone(&hangups), Arc::clone(&manager));
    tokio::spawn(async move {
        while has_panicked(reloads(&asked, &order, &notified)).await {
            // It may have been notified of a reload that will not complete.
            notified.ready(&status(&order));
        }
    });
    watchdog::start(Arc::clone(&world), Arc::clone(&manager));
    let mut control = Box::pin(async {
        while has_panicked(crate::control::run(&socket, Arc::clone(&world))).await {}
    });
    manager.ready(&status(&world));
    let stopped_by = loop {
        if let Some(signal) = stopped_by.take() {
            break signal;
        }
        tokio::select! {
            () = &mut control => break "the loss of the control socket",
            _ = terminate.recv() => break "SIGTERM",
            _ = interrupt.recv() => break "SIGINT",
            _ = hangup.recv() => {
                hangups.notify_one();
            }
        }
    };

    info!("stopping: {stopped_by}");
    manager.stopping();
    // No more commands are accepted; the file is removed with the socket.
    drop(control);
    drop(socket);
    world.events.publish(EventKind::Stopping);
    world.begin_stop();
    stop(&world).await;
    // It is the last event that they receive.
    let monitors =
        async { world.monitors.subscribe().wait_for(|monitors| *monitors == 0).await.is_ok() };
    let _ = tokio::time::timeout(MONITOR_TIMEOUT, monitors).await;
    info!("stopped");
    Ok(())
}

/// What a start has created.
struct Started {
    socket: ControlSocket,
    http: http::Listeners,
    manager: Arc<Manager>,
    world: Arc<World>,
}

/// Starts what is configured. What can fail comes before anything that is visible outside.
async fn start(
    config: Config,
    config_path: PathBuf,
    mut manager: Manager,
    log: log::Level,
) -> anyhow::Result<Started> {
    let socket = ControlSocket::create(&config.control, manager.take_socket())?;
    let http = http::Listeners::open(&config.http).map_err(anyhow::Error::msg)?;
    let manager = Arc::new(manager);
    for warning in host::warnings(&config) {
        warn!("{warning}");
    }
    let routers = Routers::new(Sizes::default());
    let events = Events::default();
    events.publish(EventKind::Started { version: env!("CARGO_PKG_VERSION").to_owned() });
    let places = Places::new(&Sizes::default());
    let neighbors = Neighbors::start(&config, &routers, places.clone(), events.clone());
    let neighbors = neighbors.await.map_err(anyhow::Error::msg)?;
    let sources = RouterSources::start(&config, &routers, places, events.clone());
    let sources = sources.await.map_err(anyhow::Error::msg)?;
    info!(
        version = env!("CARGO_PKG_VERSION"),
        config = %config_path.display(),
        socket = %config.control.socket.display(),
        sessions = config.sessions.len(),
        neighbors = config.bgp.as_ref().map_or(0, |bgp| bgp.neighbors.len()),
        routers = config.routers.len(),
        "started"
    );
    let world = Arc::new(World::new(
        config,
        config_path,
        routers,
        (neighbors, sources),
        events,
        Arc::clone(socket.access()),
        log,
    ));
    Ok(Started { socket, http, manager, world })
}

/// Handles SIGHUP, one reload at a time and for ever. However many signals arrive during a reload, one more reload
/// reads what the last of them was sent for.
async fn reloads(hangups: &Notify, world: &Arc<World>, manager: &Manager) {
    loop {
        hangups.notified().await;
        info!("SIGHUP: reload");
        manager.reloading();
        let outcome = match world.reload(false, "SIGHUP", std::future::ready(Ok(()))).await {
            Ok(report) => {
                world.publish_reload("SIGHUP", &report);
                Ok(report.summary())
            }
            Err(failure) => {
                let reason = unchanged(&failure);
                error!("SIGHUP: {reason}");
                Err(reason)
            }
        };
        let text = match &outcome {
            Ok(_) => status(world),
            Err(reason) => format!("{}; the reload failed: {reason}", status(world)),
        };
        manager.ready(&text);
        world.events.publish(EventKind::Command {
            by: "SIGHUP".to_owned(),
            command: "reload".to_owned(),
            outcome,
        });
    }
}

/// A summary for the status of the service.
fn status(world: &World) -> String {
    let count = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    };
    let sessions = count(world.sessions().len(), "session");
    format!("{sessions}, {}", count(world.neighbors().len(), "neighbor"))
}

/// Stations first, so that they receive no Peer Down for neighbors that we stop.
async fn stop(world: &World) {
    // Waits a moment for a reload in progress, so that it starts nothing that is not stopped.
    let order = tokio::time::timeout(STOP_TIMEOUT, world.order.write()).await;
    let sessions = world.sessions.lock().clone();
    for session in &sessions {
        session.stop(End::Stopping, STATION_TIMEOUT).await;
    }
    let publishers = world.publishers.lock().clone();
    for publisher in &publishers {
        publisher.stop(STATION_TIMEOUT).await;
    }
    let tasks = std::mem::take(&mut *world.tasks.lock());
    if tokio::time::timeout(STATION_TIMEOUT + STOP_TIMEOUT, join(tasks)).await.is_err() {
        warn!("not every session and publisher could be ended in time");
    }
    for neighbor in world.neighbors() {
        neighbor.stop(Stop::Exit).await;
    }
    let mut tasks = world.neighbors.tasks();
    let routers = world.router_sources.tasks();
    routers.iter().for_each(tokio::task::JoinHandle::abort);
    tasks.extend(routers);
    if tokio::time::timeout(STOP_TIMEOUT, join(tasks)).await.is_err() {
        warn!("not every neighbor could be notified in time");
    }
    drop(order);
}

async fn join(tasks: Vec<tokio::task::JoinHandle<()>>) {
    for task in tasks {
        // A task that panicked has ended too; the panic was reported when it happened.
        let _ = task.await;
    }
}
