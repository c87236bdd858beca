//! The report of bmpd itself.

use serde::{Deserialize, Serialize};

use crate::level::Level;
use crate::state::{NeighborState, PublisherState, RouterState, SessionState};
use crate::time::{Span, Timestamp};

/// The daemon as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StatusReport {
    /// Its version.
    pub version: String,
    /// The version of the protocol between bmpd and bmpctl.
    pub protocol: u16,
    /// Its process.
    pub pid: u32,
    /// The user that it runs as, such as `bmpd` or `uid 1001`.
    pub user: String,
    /// The number of that user.
    pub uid: u32,
    /// What it may do that not every process of this user may: the names of its capabilities as
    /// capabilities(7) has them.
    pub capabilities: Vec<String>,
    /// When it was started.
    pub started: Timestamp,
    /// How long ago that was.
    pub uptime: Span,
    /// The name that stations are sent.
    pub system_name: String,
    /// The configuration file.
    pub file: String,
    /// When the configuration that is in effect was read: at the start, or by the last reload.
    pub configured_at: Timestamp,
    /// How long ago that was.
    pub configured_ago: Span,
    /// The last reload, if it was refused; `None` if it was not, or there was none.
    pub refused_reload: Option<RefusedReload>,
    /// True if the configuration file has another text than the one in effect; `None` if it cannot be read, or
    /// not in time. The files that it names are not looked at.
    pub file_differs: Option<bool>,
    /// Memory in use (resident), bytes; `None` if the system does not say.
    pub memory: Option<u64>,
    /// The most that it was, bytes; `None` if the system does not say.
    pub memory_peak: Option<u64>,
    /// Memory that the tables of all neighbors and routers take, bytes.
    pub table_memory: u64,
    /// How much of that those of bmpd's own neighbors take, bytes.
    pub neighbor_table_memory: u64,
    /// How much of that those of routers take, bytes.
    pub router_table_memory: u64,
    /// How much they may take, bytes; `None` is as much as there is.
    pub table_memory_maximum: Option<u64>,
    /// Processor time used.
    pub processor_time: Span,
    /// Routes of all neighbors.
    pub routes: u64,
    /// How many sessions are in each state; only states that occur.
    pub sessions: Vec<SessionCount>,
    /// How many neighbors are in each state; only states that occur.
    pub neighbors: Vec<NeighborCount>,
    /// How many monitored routers are in each state; only states that occur. bmpd itself is not counted.
    pub routers: Vec<RouterCount>,
    /// How many publishers are in each state; only states that occur.
    pub publishers: Vec<PublisherCount>,
    /// Open file descriptors; `None` if the system does not say.
    pub descriptors: Option<u64>,
    /// How many it may open; `None` is as many as it likes.
    pub descriptors_maximum: Option<u64>,
    /// Mistakes of bmpd that were met since its start: each has cost a connection or a command, and the log
    /// says more.
    pub internal_errors: u64,
    /// Tasks that run in it: one for each session, each neighbor, each of their connections, and so on.
    pub tasks: u64,
    /// Callers of `monitor` that are being served.
    pub monitors: u32,
    /// Resets with a stagger that are under way, the oldest first. One that is at its last session has none
    /// to come.
    pub staggered_resets: Vec<StaggeredReset>,
    /// Who asks.
    pub caller: CallerReport,
}

/// A reload that has changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RefusedReload {
    /// Who asked for it: user and process, such as `alice (pid 4711)`, or `SIGHUP`.
    pub by: String,
    /// Why it was refused; the first line of it.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// How long ago.
    pub ago: Span,
}

/// How many sessions are in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionCount {
    /// The state.
    pub state: SessionState,
    /// How many.
    pub count: u32,
}

/// How many neighbors are in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NeighborCount {
    /// The state.
    pub state: NeighborState,
    /// How many.
    pub count: u32,
}

/// How many monitored routers are in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RouterCount {
    /// The state.
    pub state: RouterState,
    /// How many.
    pub count: u32,
}

/// How many publishers are in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PublisherCount {
    /// The state.
    pub state: PublisherState,
    /// How many.
    pub count: u32,
}

/// A reset that is under way, one session after another. It goes on also when its bmpctl was ended, until its
/// caller may no longer reset; a newer reset takes over the sessions that it selects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StaggeredReset {
    /// Who asked for it: user and process, such as `alice (pid 4711)`.
    pub by: String,
    /// When it began.
    pub since: Timestamp,
    /// How long ago that was.
    pub ago: Span,
    /// The time between one session and the next.
    pub stagger: Span,
    /// How many sessions it was given for.
    pub selected: u32,
    /// How many of them are still to be reset.
    pub to_come: u32,
}

/// The caller of a command as bmpd sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CallerReport {
    /// User and process, such as `alice (pid 4711)`.
    pub name: String,
    /// What it may do.
    pub level: Level,
    /// Why, such as `group netops`.
    pub because: String,
}
