//! BMP messages, written and read (RFC 7854): the one place of the fixtures and of the simulator that knows which byte
//! of a message means what.
//!
//! Of what is written, every type can be made, legal or not. What is read is split, not copied; what no message may
//! have is an error, in a few words. Whether a message is right at its place is for those who read it: a
//! [`Record`](super::Record) for what bmpd sends of its own neighbors, a [`Summary`](crate::relay::Summary) for a router.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::header::{PEER_HEADER, Peer, PeerHeader, address};
use crate::bgp::{self, Family};

/// The length of the common header.
pub const COMMON_HEADER: usize = 6;

/// No message of bmpd is longer: the longest BGP message and the headers around it.
pub const MAX_MESSAGE: usize = 65_535 + COMMON_HEADER + PEER_HEADER;

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
    let length = COMMON_HEADER + parts.iter().map(|part| part.len()).sum::<usize>();
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
        let update = bgp::split_message(&mut rest).expect("a BGP message");
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

/// One message of a stream.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// Its type.
    pub kind: u8,
    /// All of it.
    pub whole: &'a [u8],
}

impl<'a> Message<'a> {
    /// What follows the common header.
    pub fn body(&self) -> &'a [u8] {
        &self.whole[COMMON_HEADER..]
    }

    /// The per-peer header, and what follows it.
    ///
    /// # Errors
    /// There is none, or one that cannot be.
    pub fn peer(&self) -> Result<(PeerHeader, &'a [u8]), String> {
        let (header, rest) = self.body().split_first_chunk().ok_or("no per-peer header")?;
        Ok((PeerHeader::parse(header)?, rest))
    }
}

/// Takes the first message off `bytes`; `None` if it is not there in full.
///
/// # Errors
/// A version that is not 3, or a length that no message of bmpd has.
pub fn split_message<'a>(bytes: &mut &'a [u8]) -> Result<Option<Message<'a>>, String> {
    split_message_within(bytes, MAX_MESSAGE)
}

/// The same where messages may have up to `maximum` bytes.
///
/// # Errors
/// A version that is not 3, or a length that is not allowed.
pub fn split_message_within<'a>(
    bytes: &mut &'a [u8],
    maximum: usize,
) -> Result<Option<Message<'a>>, String> {
    let Some(&[version, a, b, c, d, kind]) = bytes.first_chunk::<COMMON_HEADER>() else {
        return Ok(None);
    };
    if version != 3 {
        return Err(format!("BMP version {version}"));
    }
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    if !(COMMON_HEADER..=maximum).contains(&length) {
        return Err(format!("a BMP message of {length} bytes"));
    }
    let Some((whole, rest)) = bytes.split_at_checked(length) else { return Ok(None) };
    *bytes = rest;
    Ok(Some(Message { kind, whole }))
}

/// Splits whole messages, one after the other.
///
/// # Errors
/// What [`split_message`] refuses, and bytes behind the last whole message.
pub fn split_messages(mut bytes: &[u8]) -> Result<Vec<Message<'_>>, String> {
    let mut messages = Vec::new();
    while let Some(message) = split_message(&mut bytes)? {
        messages.push(message);
    }
    match bytes.len() {
        0 => Ok(messages),
        left => Err(format!("{left} bytes behind the last whole message")),
    }
}

/// The types and values of TLVs, one after the other.
///
/// # Errors
/// One that ends too early.
pub fn split_tlvs(mut bytes: &[u8]) -> Result<Vec<(u16, &[u8])>, String> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let (&[a, b, c, d], rest) = bytes.split_first_chunk().ok_or("a TLV ends too early")?;
        let length = u16::from_be_bytes([c, d]).into();
        let (value, rest) = rest.split_at_checked(length).ok_or("a TLV ends too early")?;
        found.push((u16::from_be_bytes([a, b]), value));
        bytes = rest;
    }
    Ok(found)
}

/// The same, copied.
pub fn read_tlvs(bytes: &[u8]) -> Result<Vec<Tlv>, String> {
    let found = split_tlvs(bytes)?;
    Ok(found.into_iter().map(|(kind, value)| (kind, value.to_vec())).collect())
}

/// The reason of a Termination: there is one, and texts at the most beside it.
pub fn read_termination(body: &[u8]) -> Result<u16, String> {
    let mut tlvs = split_tlvs(body)?;
    tlvs.retain(|(kind, _)| *kind != tlv::STRING);
    match tlvs[..] {
        [(tlv::REASON, &[high, low])] => Ok(u16::from_be_bytes([high, low])),
        [] => Err("a Termination without reason".to_owned()),
        _ => Err(format!("a Termination with {tlvs:?}")),
    }
}

/// What a Peer Up has behind its header, not copied.
#[derive(Debug, Clone, Copy)]
pub struct UpBody<'a> {
    /// The local address.
    pub address: &'a [u8; 16],
    /// The local port and the peer's.
    pub ports: [u16; 2],
    /// The whole OPEN that the router sent.
    pub sent_open: bgp::Message<'a>,
    /// The whole OPEN that it received.
    pub received_open: bgp::Message<'a>,
    /// Its TLVs.
    pub information: &'a [u8],
}

impl UpBody<'_> {
    /// The local address as one of this family.
    ///
    /// # Errors
    /// When there is something before one of IPv4.
    pub fn local(&self, is_ipv6: bool) -> Result<IpAddr, String> {
        address(self.address, is_ipv6)
            .map_err(|before| format!("an IPv4 local address with {before} before it"))
    }
}

/// Splits what follows the header of a Peer Up.
pub fn read_peer_up(body: &[u8]) -> Result<UpBody<'_>, String> {
    let (address, rest) = body.split_first_chunk().ok_or("a Peer Up without addresses")?;
    let (&[a, b, c, d], mut rest) = rest.split_first_chunk().ok_or("a Peer Up without ports")?;
    let mut open = || match bgp::split_message(&mut rest)? {
        open if open.kind == bgp::kind::OPEN => Ok(open),
        other => Err(format!("a BGP message of type {} for an OPEN", other.kind)),
    };
    let (sent_open, received_open) = (open()?, open()?);
    let ports = [[a, b], [c, d]].map(u16::from_be_bytes);
    Ok(UpBody { address, ports, sent_open, received_open, information: rest })
}

/// The reason of a Peer Down, and what belongs to it.
pub fn read_peer_down(body: &[u8]) -> Result<(u8, &[u8]), String> {
    let (&reason, data) = body.split_first().ok_or("no reason")?;
    match reason {
        1 | 3 => {
            let mut rest = data;
            let message = bgp::split_message(&mut rest)?;
            if message.kind != bgp::kind::NOTIFICATION || message.body.len() < 2 {
                return Err(format!("reason {reason} without a NOTIFICATION"));
            }
            if !rest.is_empty() {
                return Err(format!("{} bytes behind the NOTIFICATION", rest.len()));
            }
        }
        2 if data.len() == 2 => {}
        4 | 5 if data.is_empty() => {}
        2 | 4 | 5 => return Err(format!("reason {reason} with {} bytes", data.len())),
        _ => return Err(format!("reason {reason}")),
    }
    Ok((reason, data))
}

/// The statistics of a report: as many as it says, each of the size that its type has.
pub fn read_statistics(body: &[u8]) -> Result<Vec<(u16, &[u8])>, String> {
    let (count, rest) = body.split_first_chunk::<4>().ok_or("no count")?;
    let statistics = split_tlvs(rest)?;
    if u32::from_be_bytes(*count) as usize != statistics.len() {
        return Err(format!("{} statistics, count {count:?}", statistics.len()));
    }
    for (kind, value) in &statistics {
        let size = match kind {
            0..=6 | 11..=13 => 4,
            7 | 8 | 14 | 15 => 8,
            9 | 10 | 16 | 17 => 11,
            _ => continue,
        };
        if value.len() != size {
            return Err(format!("statistics type {kind} has {} bytes", value.len()));
        }
    }
    Ok(statistics)
}

/// The value of a statistic, and its family if it is about one.
pub fn read_statistic(value: &[u8]) -> (Option<Family>, u64) {
    let (family, number) = match value {
        [high, low, safi, number @ ..] if value.len() == 11 => {
            (Some(Family { afi: u16::from_be_bytes([*high, *low]), safi: *safi }), number)
        }
        number => (None, number),
    };
    (family, number.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}

/// The body of the UPDATE that is all there is behind the header of a Route Monitoring message.
pub fn read_monitoring(body: &[u8]) -> Result<&[u8], String> {
    let mut rest = body;
    let message = bgp::split_message(&mut rest)?;
    if !rest.is_empty() {
        return Err(format!("{} bytes behind the UPDATE", rest.len()));
    }
    match message.kind {
        bgp::kind::UPDATE => Ok(message.body),
        other => Err(format!("a BGP message of type {other}")),
    }
}
