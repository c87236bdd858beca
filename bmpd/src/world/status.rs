//! The report of bmpd itself.

use shared::names::RouterId;
use shared::response::{
    CallerReport, Directory, NeighborCount, NeighborReport, NeighborState, PublisherCount,
    PublisherState, RouterCount, RouterState, SessionCount, SessionState, StatusReport,
};
use shared::time::Span;

use super::process::{Process, processor_time};
use super::{World, all, neighbors};
use crate::privileges;
use crate::supervise;

/// The routes of a neighbor, of all families.
pub(crate) fn routes(neighbor: &NeighborReport) -> u64 {
    neighbor.families.iter().map(|family| family.routes).sum()
}

/// Describes bmpd to this caller.
///
/// # Errors
///
/// The system has no thread for it; a sentence for people.
pub(crate) async fn status(caller: CallerReport, world: &World) -> Result<StatusReport, String> {
    let config = world.config();
    let sessions = world.sessions();
    let states = all(sessions.into_iter().map(|s| async move { s.state().await })).await;
    let neighbors = neighbors(world, false, |_| true).await;
    // The files of /proc are made while they are read.
    let process = tokio::task::spawn_blocking(Process::read).await;
    let process = process.map_err(|error| error.to_string())?;
    let (uid, capabilities) = privileges::held();
    let (started, configured) = (world.started(), world.configured_at());
    let sessions = SessionState::ALL.map(|state| SessionCount {
        state,
        count: states.iter().flatten().filter(|found| **found == state).count() as u32,
    });
    let Directory { routers, publishers, .. } = world.directory().await;
    let routers = RouterState::ALL.map(|state| RouterCount {
        state,
        count: routers
            .iter()
            .filter(|router| router.id != RouterId::Local && router.state == Some(state))
            .count() as u32,
    });
    let publishers = PublisherState::ALL.map(|state| PublisherCount {
        state,
        count: publishers.iter().filter(|publisher| publisher.state == Some(state)).count() as u32,
    });
    let counts = NeighborState::ALL.map(|state| NeighborCount {
        state,
        count: neighbors.iter().filter(|neighbor| neighbor.state == state).count() as u32,
    });
    let table_memory = world.table_memory();
    let local = world.routers(Some(&RouterId::Local), false).await;
    let own = local.iter().map(|router| router.memory).sum::<u64>().min(table_memory);
    Ok(StatusReport {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol: shared::frame::PROTOCOL_VERSION,
        pid: std::process::id(),
        user: world.access.own_name().await,
        uid,
        capabilities,
        started: started.timestamp(),
        uptime: Span::of(started.age()),
        system_name: config.bmp.system_name.clone(),
        file: world.config_path().display().to_string(),
        configured_at: configured.timestamp(),
        configured_ago: Span::of(configured.age()),
        refused_reload: world.refused_reload(),
        file_differs: world.file_differs().await,
        memory: process.memory,
        memory_peak: process.memory_peak,
        table_memory,
        neighbor_table_memory: own,
        router_table_memory: table_memory - own,
        table_memory_maximum: crate::host::memory_limit(&config),
        processor_time: processor_time(),
        routes: neighbors.iter().map(routes).sum(),
        sessions: sessions.into_iter().filter(|found| found.count > 0).collect(),
        neighbors: counts.into_iter().filter(|found| found.count > 0).collect(),
        routers: routers.into_iter().filter(|found| found.count > 0).collect(),
        publishers: publishers.into_iter().filter(|found| found.count > 0).collect(),
        descriptors: process.descriptors,
        descriptors_maximum: process.descriptors_maximum,
        internal_errors: supervise::panics(),
        tasks: tokio::runtime::Handle::current().metrics().num_alive_tasks() as u64,
        monitors: world.monitors(),
        staggered_resets: world.staggered.report(),
        caller,
    })
}
