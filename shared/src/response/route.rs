//! The report of routes: what the tables have, decoded.

use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use crate::names::{RouterId, VpnInstanceName};
use crate::time::Timestamp;

/// Some of the routes of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutePart {
    /// The table.
    pub table: TableOfRoutes,
    /// The routes, those together that were received together.
    pub sets: Vec<RouteSet>,
}

/// Which table a route is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TableOfRoutes {
    /// The monitored router; `local` is bmpd itself with its BGP neighbors.
    pub router: RouterId,
    /// The peer's address; that of a Loc-RIB is unspecified.
    pub peer: IpAddr,
    /// The peer type: `global`, `rd`, `local` or `loc-rib` (RFC 7854 section 4.2, RFC 9069 section 4.1).
    pub peer_type: String,
    /// The peer distinguisher, such as `65000:1`; `None` if it is zero.
    pub peer_distinguisher: Option<String>,
    /// The peer's AS number.
    pub peer_as: u32,
    /// The VPN instance that the peer is in; `None` is the public one.
    pub vpn_instance: Option<VpnInstanceName>,
    /// The view, such as `adj-rib-in-pre-policy`.
    pub view: String,
    /// The family, such as `ipv4-unicast`.
    pub family: String,
}

/// Routes that were received together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteSet {
    /// When, by the peer's router, or by bmpd if that does not say it.
    pub received: Timestamp,
    /// Their attributes.
    pub attributes: PathAttributes,
    /// The routes.
    pub routes: Vec<Nlri>,
}

/// What a route is about (NLRI).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Nlri {
    /// The prefix, such as `192.0.2.0/24`; of other families the route in words, such as `[3]:[0]:[32]:[192.0.2.1]`
    /// of EVPN, or its bytes in hexadecimal.
    pub prefix: String,
    /// The path identifier of ADD-PATH (RFC 7911); `None` without.
    pub path_id: Option<u32>,
    /// The route distinguisher; `None` if the family has none.
    pub distinguisher: Option<String>,
    /// The labels, without traffic class and bottom of stack (RFC 8277).
    pub labels: Vec<u32>,
    /// True if its source is away, or is back and has not announced it again.
    pub stale: bool,
    /// The bytes of the NLRI in hexadecimal; only if they were asked for.
    pub bytes: Option<String>,
}

/// Path attributes, decoded. What is not there is null or empty; what is malformed, or has no field here, is one of `others`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PathAttributes {
    /// ORIGIN: `igp`, `egp` or `incomplete` (RFC 4271 section 5.1.1).
    pub origin: Option<String>,
    /// AS_PATH (RFC 4271 section 5.1.2).
    pub as_path: Vec<AsPathSegment>,
    /// NEXT_HOP, or the next hops of MP_REACH_NLRI: one, or a global and a link-local one (RFC 2545 section 3).
    pub next_hops: Vec<IpAddr>,
    /// MULTI_EXIT_DISC.
    pub med: Option<u32>,
    /// LOCAL_PREF.
    pub local_preference: Option<u32>,
    /// True if ATOMIC_AGGREGATE is there.
    pub atomic_aggregate: bool,
    /// AGGREGATOR.
    pub aggregator: Option<Aggregator>,
    /// COMMUNITIES, such as `65000:1` (RFC 1997).
    pub communities: Vec<String>,
    /// EXTENDED COMMUNITIES and those with an IPv6 address, such as `rt:65000:1` (RFC 4360, RFC 5701); of an unknown kind the
    /// bytes in hexadecimal.
    pub extended_communities: Vec<String>,
    /// LARGE_COMMUNITIES, such as `65000:1:2` (RFC 8092).
    pub large_communities: Vec<String>,
    /// ORIGINATOR_ID (RFC 4456).
    pub originator_id: Option<Ipv4Addr>,
    /// CLUSTER_LIST (RFC 4456).
    pub cluster_list: Vec<Ipv4Addr>,
    /// The metric of AIGP (RFC 7311).
    pub aigp: Option<u64>,
    /// Only to Customer: the AS number (RFC 9234).
    pub only_to_customer: Option<u32>,
    /// All others.
    pub others: Vec<OtherAttribute>,
    /// The bytes of all attributes in hexadecimal, without MP_REACH_NLRI; only if they were asked for.
    pub bytes: Option<String>,
}

/// A segment of an AS_PATH (RFC 4271 section 4.3, RFC 5065 section 3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AsPathSegment {
    /// Its kind.
    pub kind: SegmentKind,
    /// Its AS numbers.
    pub as_numbers: Vec<u32>,
}

/// The kind of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SegmentKind {
    /// AS_SET.
    Set,
    /// AS_SEQUENCE.
    Sequence,
    /// AS_CONFED_SEQUENCE.
    ConfedSequence,
    /// AS_CONFED_SET.
    ConfedSet,
}

/// AGGREGATOR (RFC 4271 section 5.1.7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Aggregator {
    /// The AS number.
    pub as_number: u32,
    /// The address.
    pub address: Ipv4Addr,
}

/// An attribute that has no field of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OtherAttribute {
    /// The attribute type code.
    pub code: u8,
    /// Its name in IANA's registry, if it is known here.
    pub name: Option<String>,
    /// The attribute flags.
    pub flags: u8,
    /// The value in hexadecimal.
    pub value: String,
}

/// One route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RouteReport {
    /// The table that it is in.
    #[serde(flatten)]
    pub table: TableOfRoutes,
    /// What it is about.
    #[serde(flatten)]
    pub nlri: Nlri,
    /// When it was received, by the peer's router, or by bmpd if that does not say it.
    pub received: Timestamp,
    /// Its attributes.
    pub attributes: PathAttributes,
}

/// How many routes have something in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RouteCount {
    /// What they have in common, such as an AS number; `None` is none: the origin AS of a route whose AS_PATH is empty or ends
    /// with a set.
    pub value: Option<String>,
    /// How many.
    pub routes: u64,
}

/// The end of a report of routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoutesEnd {
    /// How many routes were reported, or counted.
    pub routes: u64,
    /// How many tables were read.
    pub tables: u32,
    /// How many of those went away meanwhile, as their peer went down: some of their routes are missing.
    pub tables_lost: u32,
    /// How many changes came too late to be in the report: routes that changed all the time may be missing.
    pub changes_missed: u64,
    /// True if there are more routes than `limit` allows.
    pub limited: bool,
}
