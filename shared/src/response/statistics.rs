//! What a session has counted since bmpd started, or since its statistics were cleared.

use serde::{Deserialize, Serialize};

use super::session::{DownReason, Sent};
use crate::names::SessionId;
use crate::time::{Span, Timestamp};

/// The counters of one session, over all of its connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionStatistics {
    /// The session.
    pub id: SessionId,
    /// Since when they count.
    pub since: Timestamp,
    /// How long ago that was.
    pub age: Span,
    /// Who cleared them; `None` if nobody has since bmpd started.
    pub cleared_by: Option<String>,
    /// What was sent.
    pub sent: Sent,
    /// Connections that came up.
    pub connections: u64,
    /// Attempts to connect that failed.
    pub failed_attempts: u64,
    /// Resets by command.
    pub resets: u64,
    /// Connections that ended, by their reason; only reasons that occurred.
    pub downs: Vec<DownCount>,
    /// How often writes were blocked: the system had no room.
    pub blocked_times: u64,
    /// For how long in all.
    pub blocked_for: Span,
    /// Bytes that the station sent, which BMP does not provide for.
    pub bytes_ignored: u64,
    /// BGP sessions of neighbors that came and went before the station could be sent their Peer Up.
    pub neighbor_sessions_skipped: u64,
    /// Connections of others to the port of a passive session, which were refused.
    pub unknown_peers_refused: u64,
}

/// How often connections ended for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DownCount {
    /// The reason.
    pub reason: DownReason,
    /// How often.
    pub count: u64,
}
