//! The report of a BGP neighbor.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::names::{NeighborId, VpnInstanceName};
use crate::state::NeighborState;
use crate::time::{Span, Timestamp};

/// One BGP neighbor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NeighborReport {
    /// Its name.
    pub id: NeighborId,
    /// True if it is one of a prefix.
    pub dynamic: bool,
    /// Its AS number; `None` for one of any AS that is not up.
    pub remote_as: Option<u32>,
    /// From the configuration.
    pub description: Option<String>,
    /// Its state.
    pub state: NeighborState,
    /// When it last went up or down.
    pub since: Timestamp,
    /// How long ago that was.
    pub age: Span,
    /// Its BGP Identifier, while up.
    pub bgp_id: Option<Ipv4Addr>,
    /// The negotiated hold time, s, while up.
    pub hold_time: Option<u16>,
    /// The families: those negotiated while up, those configured while down.
    pub families: Vec<FamilyReport>,
    /// UPDATE messages in this session.
    pub updates: u64,
    /// UPDATE messages treated as withdrawals (RFC 7606) in this session.
    pub updates_treated_as_withdraw: u64,
    /// Routes in them that were treated as withdrawn.
    pub routes_treated_as_withdraw: u64,
    /// Routes announced in this session.
    pub routes_announced: u64,
    /// Routes withdrawn in this session that were in Adj-RIB-In, those treated as withdrawn among them.
    pub routes_withdrawn: u64,
    /// Routes withdrawn in this session that were not in Adj-RIB-In.
    pub unknown_routes_withdrawn: u64,
    /// Path attributes in this session that were discarded, because they were malformed or came twice (RFC 7606).
    pub attributes_discarded: u64,
    /// UPDATE messages in this session with a family that was not negotiated, which is ignored (RFC 4760 section 8).
    pub updates_not_negotiated: u64,
    /// The last UPDATE of any session that was treated as a withdrawal, or has ended its session.
    pub last_malformed_update: Option<MalformedUpdate>,
    /// Time for which its routes are still kept, while it restarts (RFC 4724).
    pub restarting: Option<Span>,
    /// True if it has, or had when its session was ended for that, more routes than `maximum-routes`.
    pub maximum_routes_exceeded: bool,
    /// Sessions that came up since bmpd started.
    pub established_count: u64,
    /// Time to the next attempt, while idle.
    pub next_attempt: Option<Span>,
    /// The last end of a session.
    pub last_down: Option<NeighborError>,
    /// The last error since then: an attempt that failed, an OPEN that did not fit.
    pub last_error: Option<NeighborError>,
    /// The last error before that one which names a cause, such as a NOTIFICATION, if `last_error` only says that
    /// there is no connection.
    pub earlier_error: Option<NeighborError>,
}

/// A malformed UPDATE (RFC 7606 section 6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MalformedUpdate {
    /// What was wrong with it, for people.
    pub text: String,
    /// What was done about it.
    pub action: MalformedUpdateAction,
    /// The first of its routes, 20 at most, such as `192.0.2.0/24`; one of its withdrawals is followed by
    /// `(withdrawn)`.
    pub routes: Vec<String>,
    /// How many routes it had besides.
    pub more_routes: u64,
    /// The length of the message with its header, bytes.
    pub length: u64,
    /// The message in hexadecimal, with its header; its first 4,096 bytes if it is longer. `None` if the answer
    /// has many others already: ask for the neighbor by its address.
    pub message: Option<String>,
    /// When it was received.
    pub at: Timestamp,
    /// How long ago that was.
    pub ago: Span,
}

/// What was done about a malformed UPDATE. Stable: scripts may depend on the variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum MalformedUpdateAction {
    /// Its routes were withdrawn.
    TreatedAsWithdraw,
    /// The BGP session was ended with a NOTIFICATION.
    SessionEnded,
}

/// One prefix that neighbors can come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PrefixReport {
    /// The prefix, such as `192.0.2.0/24`.
    pub prefix: String,
    /// The VPN instance that it is in; `None` is the public one.
    pub vpn_instance: Option<VpnInstanceName>,
    /// How many neighbors of it there are.
    pub neighbors: u32,
    /// How many there can be.
    pub maximum: u32,
}

/// What happened to a neighbor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NeighborError {
    /// What happened, for people.
    pub text: String,
    /// When.
    pub at: Timestamp,
    /// How long ago.
    pub ago: Span,
}

/// One family of a neighbor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FamilyReport {
    /// Its name, such as `ipv4-unicast`.
    pub name: String,
    /// Routes in Adj-RIB-In.
    pub routes: u64,
    /// True if its routes have path identifiers (ADD-PATH).
    pub add_path: bool,
    /// True if the End-of-RIB came, or the neighbor has gone quiet without one.
    pub end_of_rib: bool,
}
