//! The states of BMP sessions and of BGP neighbors, as reports and events name them.

use serde::{Deserialize, Serialize};

/// The state of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SessionState {
    /// No connection; waiting for the next attempt.
    Idle,
    /// An attempt to connect is under way.
    Connecting,
    /// The station is to connect to us.
    Listening,
    /// Connected; the station has not yet been sent every route and End-of-RIB of every neighbor that is
    /// up.
    Synchronising,
    /// Connected, and the station has been sent all that.
    Established,
    /// The configuration wants no connection (`shutdown = true`).
    Shutdown,
}

/// The state of a neighbor (RFC 4271 section 8.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum NeighborState {
    /// Waiting for the next attempt.
    Idle,
    /// An attempt to connect is under way.
    Connect,
    /// Waiting for the neighbor to connect.
    Active,
    /// Our OPEN is sent.
    OpenSent,
    /// Both OPENs are known.
    OpenConfirm,
    /// Up.
    Established,
}
