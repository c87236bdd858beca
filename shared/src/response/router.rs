//! The report of a monitored router.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::names::{RouterId, VpnInstanceName};
use crate::state::RouterState;
use crate::time::{Span, Timestamp};

/// One monitored router: bmpd itself, or one that speaks BMP to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RouterReport {
    /// Its name; `local` is bmpd itself.
    pub id: RouterId,
    /// True if it is one of a prefix, named by its sysName.
    pub dynamic: bool,
    /// The VPN instance that it is in; `None` is the public one.
    pub vpn_instance: Option<VpnInstanceName>,
    /// The addresses that it is known by.
    pub addresses: Vec<IpAddr>,
    /// True if bmpd connects to it.
    pub active: bool,
    /// From the configuration.
    pub description: Option<String>,
    /// Its state.
    pub state: RouterState,
    /// Why it is in this state; a few words for people.
    pub why: String,
    /// Since when it is in this state.
    pub since: Timestamp,
    /// How long ago that was.
    pub age: Span,
    /// Its end of the BMP connection.
    pub remote: Option<SocketAddr>,
    /// sysName of its last Initiation (RFC 7854 section 4.3).
    pub system_name: Option<String>,
    /// sysDescr of its last Initiation.
    pub system_description: Option<String>,
    /// Connections that it has had since bmpd started.
    pub connections: u64,
    /// For how long its tables are still kept, while its connection is lost.
    pub held_for: Option<Span>,
    /// Time to the next attempt to connect, while idle.
    pub next_attempt: Option<Span>,
    /// The last end of a connection, or of an attempt to make one.
    pub last_down: Option<RouterError>,
    /// How many of its peers are up.
    pub peers_up: u32,
    /// Its routes by view and family.
    pub tables: Vec<RouterTable>,
    /// Memory that its tables take, bytes.
    pub memory: u64,
    /// What it has sent on this connection, or on the last one if there is none; `None` for bmpd itself.
    pub received: Option<RouterReceived>,
    /// Its peers that are up; only for a router that was asked for by its name.
    pub peers: Vec<RouterPeer>,
}

/// What became of a router in a reset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouterReset {
    /// The router.
    pub id: RouterId,
    /// True if its connection was ended, false if it had none; or why it was not, a sentence for people.
    pub result: Result<bool, String>,
}

/// Why a router's connection has ended, or an attempt has failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RouterError {
    /// What happened, for people.
    pub text: String,
    /// When.
    pub at: Timestamp,
    /// How long ago.
    pub ago: Span,
}

/// The tables of one view and family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RouterTable {
    /// The view, such as `adj-rib-in-pre-policy`.
    pub view: String,
    /// The family, such as `ipv4-unicast`.
    pub family: String,
    /// How many peers have such a table.
    pub peers: u32,
    /// The routes in them.
    pub routes: u64,
    /// In how many of them the End-of-RIB has come.
    pub end_of_ribs: u32,
    /// In how many of them the routes count as complete because the router has been quiet for a while.
    pub end_of_ribs_assumed: u32,
}

/// A peer of a router.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RouterPeer {
    /// Its address; that of a Loc-RIB is unspecified.
    pub address: IpAddr,
    /// The peer type: `global`, `rd`, `local` or `loc-rib` (RFC 7854 section 4.2, RFC 9069 section 4.1).
    pub peer_type: String,
    /// The peer distinguisher, such as `65000:1`; `None` if it is zero.
    pub distinguisher: Option<String>,
    /// The name of its table or VRF, if the router says it (RFC 9069 section 5.2.1).
    pub table_name: Option<String>,
    /// Its AS number.
    pub remote_as: u32,
    /// Since when it is up, as the router says; `None` if it does not say.
    pub up_since: Option<Timestamp>,
    /// Its routes by view and family.
    pub tables: Vec<RouterTable>,
}

/// What a router has sent, by type of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RouterReceived {
    /// Initiation messages.
    pub initiation: u64,
    /// Peer Up messages.
    pub peer_up: u64,
    /// Peer Down messages.
    pub peer_down: u64,
    /// Route Monitoring messages.
    pub route_monitoring: u64,
    /// Statistics Reports.
    pub statistics_report: u64,
    /// Route Mirroring messages.
    pub route_mirroring: u64,
    /// Termination messages.
    pub termination: u64,
    /// Messages of a type, or of a type of peer, that is not known; they are sent on as they are.
    pub unknown: u64,
    /// Bytes.
    pub bytes: u64,
    /// Route Monitoring messages whose routes cannot be read, or are of a family that is not known; they are sent on
    /// as they are, and not kept.
    pub unreadable_updates: u64,
    /// Messages that are malformed; they are dropped.
    pub malformed: u64,
    /// Messages about a peer that is not up; they are dropped.
    pub without_peer: u64,
}
