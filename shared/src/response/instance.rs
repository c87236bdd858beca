//! The report of a VPN instance.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::names::VpnInstanceName;

/// One VPN instance, or the public one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VpnInstanceReport {
    /// Its name; `None` is the public one.
    pub name: Option<VpnInstanceName>,
    /// What it stands for, such as `the device vrf-mgmt`.
    pub place: String,
    /// True if that is there now.
    pub present: bool,
    /// The route distinguisher that stations are sent, such as `65000:1`.
    pub route_distinguisher: Option<String>,
    /// The table name that stations are sent.
    pub table_name: Option<String>,
    /// Where BGP neighbors can connect to.
    pub listen: Vec<SocketAddr>,
    /// How many sessions it has.
    pub sessions: u32,
    /// How many of them are up.
    pub sessions_up: u32,
    /// How many neighbors it has.
    pub neighbors: u32,
    /// How many of them are Established.
    pub neighbors_up: u32,
    /// Routes of its neighbors.
    pub routes: u64,
}
