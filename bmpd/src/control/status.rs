//! `show status`: bmpd itself.

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};
use shared::response::{
    Failure, NeighborCount, NeighborState, Response, SessionCount, SessionState, StatusReport,
};
use shared::time::Span;

use super::caller::Caller;
use super::show;
use crate::daemon::World;
use crate::privileges;
use crate::supervise;

/// The states of a session in the order in which they are told.
pub(crate) const SESSION_STATES: [SessionState; 6] = [
    SessionState::Established,
    SessionState::Synchronising,
    SessionState::Connecting,
    SessionState::Listening,
    SessionState::Idle,
    SessionState::Shutdown,
];

/// The states of a neighbor in the order in which they are told.
pub(crate) const NEIGHBOR_STATES: [NeighborState; 6] = [
    NeighborState::Established,
    NeighborState::OpenConfirm,
    NeighborState::OpenSent,
    NeighborState::Connect,
    NeighborState::Active,
    NeighborState::Idle,
];

/// Describes bmpd.
pub(super) async fn run(asked_by: &Caller, world: &World) -> Response {
    let config = world.config();
    let sessions = world.sessions();
    let states = show::all(sessions.into_iter().map(|s| async move { s.state().await })).await;
    let neighbors = show::neighbors(world, false, |_| true).await;
    // The files of /proc are made while they are read.
    let process = match tokio::task::spawn_blocking(Process::read).await {
        Ok(process) => process,
        Err(error) => return Response::Failed(Failure::Other(error.to_string())),
    };
    let (uid, capabilities) = privileges::held();
    let (started, configured) = (world.started(), world.configured_at());
    let sessions = SESSION_STATES.map(|state| SessionCount {
        state,
        count: states.iter().flatten().filter(|found| **found == state).count() as u32,
    });
    let counts = NEIGHBOR_STATES.map(|state| NeighborCount {
        state,
        count: neighbors.iter().filter(|neighbor| neighbor.state == state).count() as u32,
    });
    Response::Status(Box::new(StatusReport {
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
        table_memory: world.table_memory(),
        table_memory_maximum: crate::host::memory_limit(&config),
        processor_time: processor_time(),
        routes: neighbors.iter().map(show::routes).sum(),
        sessions: sessions.into_iter().filter(|found| found.count > 0).collect(),
        neighbors: counts.into_iter().filter(|found| found.count > 0).collect(),
        descriptors: process.descriptors,
        descriptors_maximum: process.descriptors_maximum,
        internal_errors: supervise::panics(),
        tasks: tokio::runtime::Handle::current().metrics().num_alive_tasks() as u64,
        monitors: world.monitors(),
        staggered_resets: world.staggered.report(),
        caller: asked_by.report(),
    }))
}

/// What the system says of this process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process {
    /// Bytes.
    pub(crate) memory: Option<u64>,
    /// Bytes.
    pub(crate) memory_peak: Option<u64>,
    pub(crate) descriptors: Option<u64>,
    /// How many it may open; `None` is as many as it likes.
    pub(crate) descriptors_maximum: Option<u64>,
}

impl Process {
    /// Reads it from /proc (proc_pid_status(5), proc_pid_fd(5)); `None` where there is no such file.
    pub(crate) fn read() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        // Without the descriptor that lists them.
        let descriptors = std::fs::read_dir("/proc/self/fd")
            .ok()
            .map(|found| (found.count() as u64).saturating_sub(1));
        Self {
            memory: bytes(&status, "VmRSS:"),
            memory_peak: bytes(&status, "VmHWM:"),
            descriptors,
            descriptors_maximum: getrlimit(Resource::Nofile).current,
        }
    }
}

/// A field of /proc/PID/status, which has it in KiB.
fn bytes(status: &str, field: &str) -> Option<u64> {
    let rest = status.lines().find_map(|line| line.strip_prefix(field))?;
    let number: u64 = rest.split_whitespace().next()?.parse().ok()?;
    number.checked_mul(1024)
}

/// Processor time of all threads.
pub(crate) fn processor_time() -> Span {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Span(seconds * 1000 + u64::try_from(time.tv_nsec).unwrap_or(0) / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes() {
        let status = "Name:\tbmpd\nVmPeak:\t  900 kB\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(bytes(status, "VmRSS:"), Some(1 << 20));
        assert_eq!(bytes(status, "VmHWM:"), Some(2 << 20));
        assert_eq!(bytes("", "VmRSS:"), None);
    }

    #[test]
    fn this_process_has_memory_and_descriptors() {
        let process = Process::read();
        assert!(process.memory > Some(0) && process.memory_peak >= process.memory);
        assert!(process.descriptors >= Some(3));
    }
}
