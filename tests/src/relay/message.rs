//! BMP messages as a monitored router writes them: every type, legal or not.
//!
//! A message is bytes; [`crate::bmp::PeerHeader`] is the per-peer header, whose flags are written as they are.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::bmp::{Peer, PeerHeader};

/// Message types (RFC 7854 section 4.1).
pub mod kind {
    /// Route Monitoring.
    pub const ROUTE_MONITORING: u8 = 0;
    /// Statistics Report.
    pub const STATISTICS: u8 = 1;
    /// Peer Down Notification.
    pub const PEER_DOWN: u8 = 2;
    /// Peer Up Notification.
    pub const PEER_UP: u8 = 3;
    /// Initiation.
    pub const INITIATION: u8 = 4;
    /// Termination.
    pub const TERMINATION: u8 = 5;
    /// Route Mirroring.
    pub const ROUTE_MIRRORING: u8 = 6;
}

/// Peer types (RFC 7854 section 4.2, RFC 9069 section 4.1).
pub mod peer {
    /// Global instance.
    pub const GLOBAL: u8 = 0;
    /// RD instance.
    pub const DISTINGUISHED: u8 = 1;
    /// Local instance.
    pub const LOCAL: u8 = 2;
    /// Loc-RIB instance.
    pub const LOC_RIB: u8 = 3;
}

/// Peer flags (RFC 7854 section 4.2, RFC 8671 section 4, RFC 9069 section 4.2).
pub mod flag {
    /// V: the address is an IPv6 address.
    pub const IPV6: u8 = 0x80;
    /// L: after policy.
    pub const POST_POLICY: u8 = 0x40;
    /// A: AS_PATH has two-octet numbers.
    pub const TWO_OCTET_AS: u8 = 0x20;
    /// O: Adj-RIB-Out.
    pub const ADJ_RIB_OUT: u8 = 0x10;
    /// F: of a Loc-RIB, of which only a part is reported.
    pub const FILTERED: u8 = 0x80;
}

/// Types of information TLVs (RFC 9736).
pub mod tlv {
    /// String, of any message.
    pub const STRING: u16 = 0;
    /// sysDescr of an Initiation.
    pub const SYSTEM_DESCRIPTION: u16 = 1;
    /// sysName of an Initiation.
    pub const SYSTEM_NAME: u16 = 2;
    /// VRF/Table Name of a Peer Up and of a Peer Down.
    pub const TABLE_NAME: u16 = 3;
    /// Admin Label of a Peer Up.
    pub const ADMIN_LABEL: u16 = 4;
    /// Reason of a Termination.
    pub const REASON: u16 = 1;
}

/// A TLV: type and value.
pub type Tlv = (u16, Vec<u8>);

/// A TLV with this text.
pub fn text(kind: u16, text: &str) -> Tlv {
    (kind, text.as_bytes().to_vec())
}

/// TLVs, one after the other.
///
/// # Panics
/// When a value is longer than a TLV can be.
pub fn tlvs(tlvs: &[Tlv]) -> Vec<u8> {
    let mut out = Vec::new();
    for (kind, value) in tlvs {
        let length = u16::try_from(value.len()).expect("a TLV fits 16 bits of length");
        out.extend_from_slice(&kind.to_be_bytes());
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(value);
    }
    out
}

/// The per-peer header of a peer, with the V flag if its address needs it and the time 0.
///
/// The BGP identifier is an IPv4 peer's address.
pub fn header(kind: u8, distinguisher: u64, address: IpAddr, asn: u32) -> PeerHeader {
    let (flags, router_id) = match address {
        IpAddr::V4(v4) => (0, v4),
        IpAddr::V6(_) => (flag::IPV6, Ipv4Addr::new(192, 0, 2, 66)),
    };
    let peer = Peer { address, kind, distinguisher };
    PeerHeader { peer, flags, asn, router_id, time: Duration::ZERO }
}

/// The per-peer header of a Loc-RIB: its address is 0, its identifier the router's.
pub fn loc_rib(distinguisher: u64, asn: u32, router_id: Ipv4Addr) -> PeerHeader {
    let header = header(peer::LOC_RIB, distinguisher, Ipv4Addr::UNSPECIFIED.into(), asn);
    PeerHeader { router_id, ..header }
}

/// A message of any type and version with the length that it has.
///
/// # Panics
/// When it is longer than a message can be.
pub fn message(version: u8, kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length = 6 + parts.iter().map(|part| part.len()).sum::<usize>();
    let length = u32::try_from(length).expect("a message fits 32 bits of length");
    [&[version][..], &length.to_be_bytes(), &[kind], &parts.concat()].concat()
}

/// A common header with this length, whatever follows it.
pub fn common_header(version: u8, length: u32, kind: u8) -> Vec<u8> {
    [&[version][..], &length.to_be_bytes(), &[kind]].concat()
}

/// A message about a peer.
pub fn of_peer(kind: u8, header: &PeerHeader, parts: &[&[u8]]) -> Vec<u8> {
    message(3, kind, &[&header.encode(), &parts.concat()])
}

/// An Initiation.
pub fn initiation(information: &[Tlv]) -> Vec<u8> {
    message(3, kind::INITIATION, &[&tlvs(information)])
}

/// The Initiation of a router with this sysName.
pub fn initiation_of(name: &str) -> Vec<u8> {
    initiation(&[text(tlv::SYSTEM_DESCRIPTION, "a scripted router"), text(tlv::SYSTEM_NAME, name)])
}

/// A Termination.
pub fn termination(information: &[Tlv]) -> Vec<u8> {
    message(3, kind::TERMINATION, &[&tlvs(information)])
}

/// What a Peer Up has behind its header.
#[derive(Debug, Clone)]
pub struct Up {
    /// The router's address.
    pub local: IpAddr,
    /// The router's port and the peer's.
    pub ports: [u16; 2],
    /// The whole OPEN that the router sent.
    pub sent_open: Vec<u8>,
    /// The whole OPEN that it received.
    pub received_open: Vec<u8>,
    /// Its TLVs.
    pub information: Vec<Tlv>,
}

/// A Peer Up.
pub fn peer_up(header: &PeerHeader, up: &Up) -> Vec<u8> {
    let mut local = [0; 16];
    match up.local {
        IpAddr::V4(v4) => local[12..].copy_from_slice(&v4.octets()),
        IpAddr::V6(v6) => local = v6.octets(),
    }
    let ports = up.ports.map(u16::to_be_bytes).concat();
    let information = tlvs(&up.information);
    let parts = [&local[..], &ports, &up.sent_open, &up.received_open, &information];
    of_peer(kind::PEER_UP, header, &parts)
}

/// A Peer Down; `data` is what follows the reason.
pub fn peer_down(header: &PeerHeader, reason: u8, data: &[u8]) -> Vec<u8> {
    of_peer(kind::PEER_DOWN, header, &[&[reason], data])
}

/// Route Monitoring messages, one for each BGP message of `updates`.
///
/// # Panics
/// When `updates` are not whole messages.
pub fn monitoring(header: &PeerHeader, updates: &[u8]) -> Vec<u8> {
    let mut rest = updates;
    let mut out = Vec::new();
    while !rest.is_empty() {
        let update = crate::bgp::split_message(&mut rest).expect("a BGP message");
        out.extend(of_peer(kind::ROUTE_MONITORING, header, &[update.whole]));
    }
    out
}

/// A Statistics Report.
pub fn statistics(header: &PeerHeader, counters: &[Tlv]) -> Vec<u8> {
    let count = (counters.len() as u32).to_be_bytes();
    of_peer(kind::STATISTICS, header, &[&count, &tlvs(counters)])
}

/// A Route Mirroring message.
pub fn mirroring(header: &PeerHeader, information: &[Tlv]) -> Vec<u8> {
    of_peer(kind::ROUTE_MIRRORING, header, &[&tlvs(information)])
}
