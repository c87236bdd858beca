//! BMP messages (RFC 7854 section 4), and what extends them: Adj-RIB-Out (RFC 8671), Loc-RIB (RFC 9069).
//!
//! Messages of monitored routers are read ([`Frame`], [`Message`]), and those for stations written ([`announce`] and
//! others). What is read is written again with the same bytes; reserved flags are cleared.

mod peer;
mod read;
mod tlv;
mod write;

use std::net::IpAddr;

use super::family::Family;
use super::text;

pub use peer::{
    PEER_HEADER_LEN, PeerHeader, PeerIdentity, PeerInstance, PeerType, Timestamp, View,
};
pub use read::{BadFrame, Frame, MalformedMessage, Message, Peer, system_description, system_name};
pub use tlv::Tlvs;
pub use write::{
    announce, initiation, initiation_with, mirroring_after_loss, monitoring_with, peer_down,
    peer_up, route_monitoring_room, statistics, table_name, termination, termination_with,
    withdraw,
};

/// The length of the common header.
pub const COMMON_HEADER_LEN: usize = 6;

/// The version of RFC 7854.
const VERSION: u8 = 3;

/// Message type 0 (RFC 7854 section 4.6); see [`Message::RouteMonitoring`].
pub const ROUTE_MONITORING: u8 = 0;
/// Message type 1 (RFC 7854 section 4.8); see [`Message::StatisticsReport`].
pub const STATISTICS_REPORT: u8 = 1;
/// Message type 2 (RFC 7854 section 4.9); see [`Message::PeerDown`].
pub const PEER_DOWN: u8 = 2;
/// Message type 3 (RFC 7854 section 4.10); see [`Message::PeerUp`].
pub const PEER_UP: u8 = 3;
/// Message type 4 (RFC 7854 section 4.3); see [`Message::Initiation`].
pub const INITIATION: u8 = 4;
/// Message type 5 (RFC 7854 section 4.5); see [`Message::Termination`].
pub const TERMINATION: u8 = 5;
/// Message type 6 (RFC 7854 section 4.7); see [`Message::RouteMirroring`].
pub const ROUTE_MIRRORING: u8 = 6;

/// TLV type 0 of Initiation, Peer Up and Termination: a free-form text (RFC 7854 section 4.4, RFC 9736).
pub const STRING: u16 = 0;
/// TLV type 1 of Initiation: the description of the router (RFC 7854 section 4.4).
pub const SYS_DESCR: u16 = 1;
/// TLV type 2 of Initiation: the name of the router (RFC 7854 section 4.4).
pub const SYS_NAME: u16 = 2;
/// TLV type 3 of Peer Up and Peer Down: the name of a VRF or a table (RFC 9069 sections 5.2.1 and 5.3).
pub const TABLE_NAME: u16 = 3;
/// TLV type 1 of Termination: the reason, two bytes (RFC 7854 section 4.5).
pub const REASON: u16 = 1;

/// Why a neighbor went down, with the data that RFC 7854 section 4.9 requires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerDownReason {
    /// 1: we sent this NOTIFICATION (the whole message).
    LocalNotification(Vec<u8>),
    /// 2: we closed without one; the code of the FSM event, 0 if none fits.
    LocalNoNotification(u16),
    /// 3: the neighbor sent this NOTIFICATION (the whole message).
    RemoteNotification(Vec<u8>),
    /// 4: the connection ended without one.
    RemoteNoNotification,
    /// 5: the neighbor is no longer monitored.
    Deconfigured,
    /// As a router has sent it: the reason, and what follows it.
    Received(u8, Vec<u8>),
}

/// Why a session ends (RFC 7854 section 4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TerminationReason {
    /// 0: administratively closed, might come again.
    AdministrativelyClosed,
    /// 1: no reason is given.
    Unspecified,
    /// 2: out of resources.
    OutOfResources,
    /// 3: redundant with another connection.
    RedundantConnection,
    /// 4: permanently administratively closed.
    PermanentlyClosed,
}

impl TerminationReason {
    fn code(self) -> u16 {
        match self {
            TerminationReason::AdministrativelyClosed => 0,
            TerminationReason::Unspecified => 1,
            TerminationReason::OutOfResources => 2,
            TerminationReason::RedundantConnection => 3,
            TerminationReason::PermanentlyClosed => 4,
        }
    }
}

/// One number of a Statistics Report (RFC 7854 section 4.8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statistic {
    /// 2: withdrawals of routes that were not there (counter).
    DuplicateWithdraws(u32),
    /// 7: routes in Adj-RIB-In (gauge).
    AdjRibIn(u64),
    /// 9: routes in the Adj-RIB-In of one family (gauge).
    AdjRibInFamily(Family, u64),
    /// 11: updates treated as withdrawals (counter).
    UpdatesTreatedAsWithdraw(u32),
    /// 12: routes treated as withdrawn (counter).
    PrefixesTreatedAsWithdraw(u32),
    /// As a router has sent it: the type and the value.
    Received(u16, Vec<u8>),
}

/// The contents of a Peer Up beside the per-peer header (RFC 7854 section 4.10), byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerUp {
    /// The router's address on the BGP connection.
    pub local_address: LocalAddress,
    /// The router's port.
    pub local_port: u16,
    /// The peer's port.
    pub remote_port: u16,
    /// The whole OPEN that the router sent.
    pub sent_open: Vec<u8>,
    /// The whole OPEN that it received.
    pub received_open: Vec<u8>,
    /// Further information, as TLVs; see [`table_name`].
    pub information: Vec<u8>,
}

impl PeerUp {
    /// The name of the table or VPN instance (RFC 9069 section 5.2.1), for display: at most 255 characters, without
    /// control characters.
    pub fn table_name(&self) -> Option<String> {
        let information = Tlvs::parse(&self.information).ok()?;
        information.first_of(TABLE_NAME).map(text::shown)
    }
}

/// The Local Address field of a Peer Up: the bytes, since a router may fill it otherwise than its V flag says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalAddress([u8; 16]);

impl LocalAddress {
    /// The address, as the V flag of the peer says; 0.0.0.0 of a Loc-RIB.
    pub fn address(self, peer: &PeerHeader) -> IpAddr {
        peer::address(self.0, peer.is_ipv6())
    }
}

impl From<IpAddr> for LocalAddress {
    fn from(address: IpAddr) -> Self {
        let mut field = [0; 16];
        match address {
            IpAddr::V4(v4) => field[12..].copy_from_slice(&v4.octets()),
            IpAddr::V6(v6) => field = v6.octets(),
        }
        Self(field)
    }
}
