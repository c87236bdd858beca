//! What becomes of sessions that are reset.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::names::{LegId, RouterId, SessionId};
use crate::state::SessionState;

/// What became of one leg of a session in a reset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetOutcome {
    /// The session, and the router that the leg carries.
    pub id: LegId,
    /// What was done, or why it was not; a sentence for people.
    pub result: Result<Done, String>,
}

/// What was done about a session that was to be reset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Done {
    /// It was reset.
    Reset(ResetDone),
    /// It was superseded by a newer reset, which uses the configuration as it is by then.
    SupersededBy {
        /// Who asked for the newer one: user and process, such as `alice (pid 4711)`.
        by: String,
    },
}

/// A reset that was carried out: the old connection has ended, the next one is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResetDone {
    /// The generation that begins.
    pub generation: u64,
    /// True if a connection was up and has been ended.
    pub was_up: bool,
    /// Where the session connects to now.
    pub remote: SocketAddr,
    /// True if the station is to connect to us, at `remote`'s port of ours.
    pub passive: bool,
    /// Parameters that are in effect now and were not before.
    pub changes: Vec<Change>,
}

/// What a reset of one leg of a session would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetPlan {
    /// The session, and the router that the leg carries.
    pub id: LegId,
    /// What would be done, or why it would not; a sentence for people.
    pub result: Result<PlannedReset, String>,
}

/// What a reset would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlannedReset {
    /// True if a connection is up that would end.
    pub is_up: bool,
    /// Where the session would connect to.
    pub remote: SocketAddr,
    /// True if the station is to connect to us, at `remote`'s port of ours.
    pub passive: bool,
    /// Routes that are there to be sent again.
    pub routes: u64,
    /// Parameters that would be in effect and are not now.
    pub changes: Vec<Change>,
}

/// How far a session is that was reset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Progress {
    /// The session.
    pub id: SessionId,
    /// The router that the leg carries.
    pub router: RouterId,
    /// The generation of its connection, or of the next one.
    pub generation: u64,
    /// Its state.
    pub state: SessionState,
    /// Why it is in this state; a few words for people. While it waits for the next attempt, why the last
    /// one failed.
    pub why: String,
    /// Routes sent on this connection.
    pub routes_sent: u64,
    /// Routes still to be sent on it.
    pub routes_to_send: u64,
    /// Bytes sent on it.
    pub bytes_sent: u64,
    /// What it has come to; nothing more comes of this session then.
    pub end: Option<ProgressEnd>,
}

/// What a session, or a publisher, has come to after a reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ProgressEnd {
    /// The station was sent every route and End-of-RIB on the connection after the reset, or on a later
    /// one; or brokers have acknowledged all of them.
    Synchronised,
    /// The configuration wants no connection any more, or nothing published.
    Shutdown,
    /// A reload has removed the session, the leg, or the publisher.
    Removed,
    /// The router that the leg carries is not connected, or none that is published: there is nothing to send.
    NoRouter,
}

impl Progress {
    /// The leg that it is about.
    pub fn leg(&self) -> LegId {
        LegId { session: self.id.clone(), router: self.router.clone() }
    }
}
