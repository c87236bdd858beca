//! BGP as the tests need it: enough to speak it and to validate it.
//!
//! Written from RFC 4271, 4760, 4724 and 6793 for the tests alone. Bytes in, values out; an error
//! is a sentence that describes what is wrong with the bytes.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;

/// Message types of RFC 4271 and RFC 2918.
pub mod kind {
    /// OPEN.
    pub const OPEN: u8 = 1;
    /// UPDATE.
    pub const UPDATE: u8 = 2;
    /// NOTIFICATION.
    pub const NOTIFICATION: u8 = 3;
    /// KEEPALIVE.
    pub const KEEPALIVE: u8 = 4;
}

/// Types of the path attributes that the tests use.
pub mod attribute {
    /// ORIGIN.
    pub const ORIGIN: u8 = 1;
    /// AS_PATH.
    pub const AS_PATH: u8 = 2;
    /// NEXT_HOP.
    pub const NEXT_HOP: u8 = 3;
    /// MULTI_EXIT_DISC.
    pub const MED: u8 = 4;
    /// COMMUNITIES (RFC 1997).
    pub const COMMUNITIES: u8 = 8;
    /// MP_REACH_NLRI (RFC 4760).
    pub const MP_REACH: u8 = 14;
    /// MP_UNREACH_NLRI (RFC 4760).
    pub const MP_UNREACH: u8 = 15;
    /// LARGE_COMMUNITY (RFC 8092).
    pub const LARGE_COMMUNITIES: u8 = 32;
}

/// The length of a BGP message's header.
pub const HEADER: usize = 19;

/// The greatest length of a BGP message without extended messages (RFC 8654).
pub const MAX_MESSAGE: usize = 4096;

/// An address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Family {
    /// Address Family Identifier.
    pub afi: u16,
    /// Subsequent Address Family Identifier.
    pub safi: u8,
}

impl Family {
    /// IPv4 unicast.
    pub const IPV4: Family = Family { afi: 1, safi: 1 };
    /// IPv6 unicast.
    pub const IPV6: Family = Family { afi: 2, safi: 1 };
    /// IPv4 multicast.
    pub const IPV4_MULTICAST: Family = Family { afi: 1, safi: 2 };
    /// IPv6 multicast.
    pub const IPV6_MULTICAST: Family = Family { afi: 2, safi: 2 };
    /// IPv4 labeled unicast (RFC 8277).
    pub const IPV4_LABELED: Family = Family { afi: 1, safi: 4 };
    /// IPv6 labeled unicast (RFC 8277).
    pub const IPV6_LABELED: Family = Family { afi: 2, safi: 4 };
    /// IPv4 VPN unicast (RFC 4364).
    pub const VPNV4: Family = Family { afi: 1, safi: 128 };
    /// IPv6 VPN unicast (RFC 4659).
    pub const VPNV6: Family = Family { afi: 2, safi: 128 };
    /// Ethernet VPN (RFC 7432).
    pub const EVPN: Family = Family { afi: 25, safi: 70 };
    /// IPv4 flow specifications (RFC 8955).
    pub const IPV4_FLOWSPEC: Family = Family { afi: 1, safi: 133 };
    /// IPv6 flow specifications (RFC 8956).
    pub const IPV6_FLOWSPEC: Family = Family { afi: 2, safi: 133 };
    /// VPNv4 flow specifications (RFC 8955).
    pub const VPNV4_FLOWSPEC: Family = Family { afi: 1, safi: 134 };
    /// VPNv6 flow specifications (RFC 8956).
    pub const VPNV6_FLOWSPEC: Family = Family { afi: 2, safi: 134 };
    /// Link state (RFC 9552).
    pub const LINK_STATE: Family = Family { afi: 16388, safi: 71 };
    /// Link state of VPNs (RFC 9552).
    pub const LINK_STATE_VPN: Family = Family { afi: 16388, safi: 72 };

    /// The families that bmpd's configuration has a name for, with that name.
    pub const NAMES: &[(Family, &str)] = &[
        (Family::IPV4, "ipv4-unicast"),
        (Family::IPV6, "ipv6-unicast"),
        (Family::IPV4_MULTICAST, "ipv4-multicast"),
        (Family::IPV6_MULTICAST, "ipv6-multicast"),
        (Family::IPV4_LABELED, "ipv4-labeled-unicast"),
        (Family::IPV6_LABELED, "ipv6-labeled-unicast"),
        (Family::VPNV4, "vpnv4-unicast"),
        (Family::VPNV6, "vpnv6-unicast"),
        (Family::EVPN, "l2vpn-evpn"),
        (Family::IPV4_FLOWSPEC, "ipv4-flowspec"),
        (Family::IPV6_FLOWSPEC, "ipv6-flowspec"),
        (Family::VPNV4_FLOWSPEC, "vpnv4-flowspec"),
        (Family::VPNV6_FLOWSPEC, "vpnv6-flowspec"),
        (Family::LINK_STATE, "link-state"),
        (Family::LINK_STATE_VPN, "link-state-vpn"),
    ];

    fn max_length(self) -> u8 {
        if self.afi == 1 { 32 } else { 128 }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Family::NAMES.iter().find(|(family, _)| family == self) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "afi-{}-safi-{}", self.afi, self.safi),
        }
    }
}

/// A prefix of one family, host bits zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    family: Family,
    bits: [u8; 16],
    length: u8,
}

impl Prefix {
    /// An IPv4 or IPv6 unicast prefix; bits behind `length` are cleared.
    ///
    /// # Panics
    /// When `length` is greater than the family allows.
    pub fn new(address: IpAddr, length: u8) -> Self {
        let mut bits = [0; 16];
        let family = match address {
            IpAddr::V4(v4) => {
                bits[..4].copy_from_slice(&v4.octets());
                Family::IPV4
            }
            IpAddr::V6(v6) => {
                bits = v6.octets();
                Family::IPV6
            }
        };
        assert!(length <= family.max_length(), "no {family} prefix has {length} bits");
        let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
        let bits = (u128::from_be_bytes(bits) & mask).to_be_bytes();
        Self { family, bits, length }
    }

    /// The prefix's family.
    pub fn family(&self) -> Family {
        self.family
    }

    /// Appends the prefix as NLRI: its length in bits and the bytes that this length needs.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.length);
        out.extend_from_slice(&self.bits[..usize::from(self.length).div_ceil(8)]);
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.family.afi == 1 {
            let [a, b, c, d, ..] = self.bits;
            write!(f, "{}/{}", Ipv4Addr::new(a, b, c, d), self.length)
        } else {
            write!(f, "{}/{}", Ipv6Addr::from(self.bits), self.length)
        }
    }
}

impl FromStr for Prefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a prefix");
        let (address, length) = text.split_once('/').ok_or_else(wrong)?;
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let length: u8 = length.parse().map_err(|_| wrong())?;
        if length > if address.is_ipv4() { 32 } else { 128 } {
            return Err(wrong());
        }
        Ok(Self::new(address, length))
    }
}

/// Calls `each` with the NLRI of every prefix (length byte and bits, as on the wire).
fn for_each_nlri<'a>(
    family: Family,
    mut bytes: &'a [u8],
    mut each: impl FnMut(&'a [u8]) -> Result<(), String>,
) -> Result<(), String> {
    while let Some(&length) = bytes.first() {
        if length > family.max_length() {
            return Err(format!("a prefix length of {length} bits in {family}"));
        }
        let size = 1 + usize::from(length).div_ceil(8);
        let (one, rest) =
            bytes.split_at_checked(size).ok_or_else(|| format!("{family} NLRI ends too early"))?;
        each(one)?;
        bytes = rest;
    }
    Ok(())
}

/// The number of prefixes in a piece of NLRI.
pub fn count_nlri(family: Family, bytes: &[u8]) -> Result<u64, String> {
    let mut count = 0;
    for_each_nlri(family, bytes, |_| {
        count += 1;
        Ok(())
    })?;
    Ok(count)
}

/// The prefixes in a piece of NLRI.
pub fn prefixes(family: Family, bytes: &[u8]) -> Result<Vec<Prefix>, String> {
    let mut found = Vec::new();
    for_each_nlri(family, bytes, |one| {
        let (length, body) = (one[0], &one[1..]);
        let mut bits = [0; 16];
        bits[..body.len()].copy_from_slice(body);
        if let Some(&last) = body.last()
            && !length.is_multiple_of(8)
            && last & (0xff >> (length % 8)) != 0
        {
            // Legal on the wire, but two spellings of one prefix would confuse the comparison.
            return Err("a prefix with host bits".to_owned());
        }
        found.push(Prefix { family, bits, length });
        Ok(())
    })?;
    Ok(found)
}

/// One path attribute in its field.
#[derive(Debug, Clone, Copy)]
pub struct Attribute<'a> {
    /// Its type.
    pub kind: u8,
    /// Its value.
    pub value: &'a [u8],
    /// All of it: flags, type, length, value.
    pub whole: &'a [u8],
}

/// The path attributes in a field, one after the other. It ends at the first that is cut short.
#[derive(Debug, Clone)]
pub struct Attributes<'a>(&'a [u8]);

impl<'a> Attributes<'a> {
    fn split_first(&mut self) -> Option<Attribute<'a>> {
        let (&[flags, kind], rest) = self.0.split_first_chunk()?;
        let (length, head) = if flags & 0x10 != 0 {
            (usize::from(u16::from_be_bytes(*rest.first_chunk()?)), 4)
        } else {
            (usize::from(*rest.first()?), 3)
        };
        let (whole, rest) = self.0.split_at_checked(head + length)?;
        self.0 = rest;
        Some(Attribute { kind, value: &whole[head..], whole })
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        self.split_first()
    }
}

/// The NLRI of one family with the next hop that belongs to them.
#[derive(Debug, Clone, Copy)]
pub struct Reach<'a> {
    /// The family.
    pub family: Family,
    /// The next hop in MP_REACH_NLRI; empty for IPv4 unicast, whose next hop is an attribute.
    pub next_hop: &'a [u8],
    /// The prefixes.
    pub nlri: &'a [u8],
}

/// Withdrawn NLRI of one family.
#[derive(Debug, Clone, Copy)]
pub struct Withdrawn<'a> {
    /// The family.
    pub family: Family,
    /// The prefixes.
    pub nlri: &'a [u8],
}

/// An UPDATE, split but not copied: nothing is allocated for it.
#[derive(Debug, Clone)]
pub struct Update<'a> {
    /// All path attributes, in their order.
    pub attributes: Attributes<'a>,
    announced: [Option<Reach<'a>>; 2],
    withdrawn: [Option<Withdrawn<'a>>; 2],
    /// The family of which it is the End-of-RIB (RFC 4724 section 2).
    pub end_of_rib: Option<Family>,
}

fn take_u16(bytes: &mut &[u8], what: &str) -> Result<u16, String> {
    let (head, rest) = bytes.split_first_chunk().ok_or_else(|| format!("{what} ends too early"))?;
    *bytes = rest;
    Ok(u16::from_be_bytes(*head))
}

fn take<'a>(bytes: &mut &'a [u8], n: usize, what: &str) -> Result<&'a [u8], String> {
    let (head, rest) = bytes.split_at_checked(n).ok_or_else(|| format!("{what} ends too early"))?;
    *bytes = rest;
    Ok(head)
}

impl<'a> Update<'a> {
    /// Splits the body of an UPDATE (what follows the header).
    pub fn parse(body: &'a [u8]) -> Result<Self, String> {
        let mut rest = body;
        let n = take_u16(&mut rest, "UPDATE")?;
        let withdrawn_v4 = take(&mut rest, n.into(), "the withdrawn routes")?;
        let n = take_u16(&mut rest, "UPDATE")?;
        let attributes = Attributes(take(&mut rest, n.into(), "the path attributes")?);
        let nlri_v4 = rest;

        let mut reach = None;
        let mut unreach = None;
        let mut count = 0;
        let mut left = attributes.clone();
        for attribute in &mut left {
            count += 1;
            let mut value = attribute.value;
            match attribute.kind {
                attribute::MP_REACH => {
                    let afi = take_u16(&mut value, "MP_REACH_NLRI")?;
                    let head = take(&mut value, 2, "MP_REACH_NLRI")?;
                    let next_hop = take(&mut value, head[1].into(), "the next hop")?;
                    take(&mut value, 1, "MP_REACH_NLRI")?;
                    reach = Some(Reach {
                        family: Family { afi, safi: head[0] },
                        next_hop,
                        nlri: value,
                    });
                }
                attribute::MP_UNREACH => {
                    let afi = take_u16(&mut value, "MP_UNREACH_NLRI")?;
                    let safi = take(&mut value, 1, "MP_UNREACH_NLRI")?[0];
                    unreach = Some(Withdrawn { family: Family { afi, safi }, nlri: value });
                }
                _ => {}
            }
        }
        if !left.0.is_empty() {
            return Err("a path attribute ends too early".to_owned());
        }
        let alone = count == 1 && nlri_v4.is_empty() && withdrawn_v4.is_empty();
        let end_of_rib = match unreach {
            Some(Withdrawn { family, nlri: [] }) if alone => Some(family),
            _ if body == [0; 4] => Some(Family::IPV4),
            _ => None,
        };
        let reach_v4 = Reach { family: Family::IPV4, next_hop: &[], nlri: nlri_v4 };
        let unreach_v4 = Withdrawn { family: Family::IPV4, nlri: withdrawn_v4 };
        Ok(Update {
            attributes,
            announced: [reach, Some(reach_v4)].map(|r| r.filter(|r| !r.nlri.is_empty())),
            withdrawn: [unreach, Some(unreach_v4)].map(|w| w.filter(|w| !w.nlri.is_empty())),
            end_of_rib,
        })
    }

    /// What it announces: MP_REACH_NLRI and the IPv4 NLRI field, where not empty.
    pub fn announced(&self) -> impl Iterator<Item = &Reach<'a>> {
        self.announced.iter().flatten()
    }

    /// What it withdraws, by family, where not empty.
    pub fn withdrawn(&self) -> impl Iterator<Item = &Withdrawn<'a>> {
        self.withdrawn.iter().flatten()
    }

    /// The path attributes without MP_REACH_NLRI and MP_UNREACH_NLRI, in their order.
    pub fn path(&self) -> impl Iterator<Item = Attribute<'a>> {
        self.attributes
            .clone()
            .filter(|a| !matches!(a.kind, attribute::MP_REACH | attribute::MP_UNREACH))
    }

    /// Applies the IPv4 and IPv6 unicast routes of the message to `routes`.
    pub fn apply(&self, routes: &mut Routes) -> Result<(), String> {
        self.apply_of(|family| family == Family::IPV4 || family == Family::IPV6, routes)
    }

    /// The same for the families that `wanted` accepts, all of plain prefixes.
    pub fn apply_of(
        &self,
        wanted: impl Fn(Family) -> bool,
        routes: &mut Routes,
    ) -> Result<(), String> {
        for withdrawn in self.withdrawn().filter(|withdrawn| wanted(withdrawn.family)) {
            for prefix in prefixes(withdrawn.family, withdrawn.nlri)? {
                routes.remove(&prefix);
            }
        }
        if self.announced().next().is_none() {
            return Ok(());
        }
        let path: Arc<[u8]> = self.path().flat_map(|a| a.whole.iter().copied()).collect();
        for reach in self.announced().filter(|reach| wanted(reach.family)) {
            for prefix in prefixes(reach.family, reach.nlri)? {
                let route = Route { path: path.clone(), next_hop: reach.next_hop.into() };
                routes.insert(prefix, route);
            }
        }
        Ok(())
    }

    /// The number of announced routes and the sum of their fingerprints.
    ///
    /// The sum does not depend on the order in which routes come or on how they share messages, so
    /// that two tables that were announced once each have the same sum exactly if they are equal
    /// (but for one chance in 2^64).
    ///
    /// Of IPv4 and IPv6 unicast alone; families that are cut in another way count for nothing.
    pub fn fingerprint(&self) -> Result<(u64, u64), String> {
        self.fingerprint_of(|family| family == Family::IPV4 || family == Family::IPV6)
    }

    /// The same of the families that `wanted` accepts, all of plain prefixes.
    pub fn fingerprint_of(&self, wanted: impl Fn(Family) -> bool) -> Result<(u64, u64), String> {
        let mut routes = 0;
        let mut sum = 0u64;
        if self.announced().next().is_none() {
            return Ok((0, 0));
        }
        let path = self.path().fold(1, |hash, a| absorb(hash, a.whole));
        for reach in self.announced().filter(|reach| wanted(reach.family)) {
            let hash = absorb(path ^ u64::from(reach.family.afi), reach.next_hop);
            for_each_nlri(reach.family, reach.nlri, |one| {
                routes += 1;
                sum = sum.wrapping_add(finish(absorb(hash, one)));
                Ok(())
            })?;
        }
        Ok((routes, sum))
    }
}

/// A quick hash of 64 bits: no protection against attacks, good against accidents. A full table's
/// fingerprint must cost less than moving the table does.
fn absorb(seed: u64, bytes: &[u8]) -> u64 {
    const K: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = seed ^ (bytes.len() as u64).wrapping_mul(K);
    let mut step = |word: u64| {
        hash = (hash ^ word).wrapping_mul(K);
        hash ^= hash >> 29;
    };
    // The last chunk overlaps the one before it where the length is no multiple of its size.
    if let Some(last) = bytes.last_chunk::<8>() {
        bytes.as_chunks::<8>().0.iter().for_each(|word| step(u64::from_le_bytes(*word)));
        step(u64::from_le_bytes(*last));
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        step(u64::from(first) << 32 | u64::from(last));
    } else {
        bytes.iter().for_each(|byte| step(u64::from(*byte)));
    }
    hash
}

fn finish(hash: u64) -> u64 {
    let hash = hash.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash ^ (hash >> 32)
}

/// The attributes of one route.
#[derive(Clone, PartialEq, Eq)]
pub struct Route {
    /// The path attributes without the multiprotocol ones, as received.
    pub path: Arc<[u8]>,
    /// The next hop from MP_REACH_NLRI; empty where it is among the path attributes.
    pub next_hop: Box<[u8]>,
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "path {} next hop {}", hex(&self.path), hex(&self.next_hop))
    }
}

/// A set of routes, such as an Adj-RIB-In.
pub type Routes = BTreeMap<Prefix, Route>;

/// Describes how two sets of routes differ; `None` if they are equal.
pub fn difference(expected: &Routes, found: &Routes) -> Option<String> {
    let missing: Vec<_> = expected.keys().filter(|p| !found.contains_key(p)).collect();
    let extra: Vec<_> = found.keys().filter(|p| !expected.contains_key(p)).collect();
    let other: Vec<_> = expected
        .iter()
        .filter_map(|(p, route)| found.get(p).filter(|f| *f != route).map(|f| (p, route, f)))
        .collect();
    if missing.is_empty() && extra.is_empty() && other.is_empty() {
        return None;
    }
    let mut text = format!(
        "{} routes expected, {} found: {} missing, {} too many, {} with other attributes",
        expected.len(),
        found.len(),
        missing.len(),
        extra.len(),
        other.len()
    );
    for prefix in missing.iter().take(3) {
        text += &format!("\n  missing {prefix}");
    }
    for prefix in extra.iter().take(3) {
        text += &format!("\n  too many {prefix}");
    }
    for (prefix, wanted, got) in other.iter().take(3) {
        text += &format!("\n  {prefix} wanted {wanted:?}\n  {prefix} found  {got:?}");
    }
    Some(text)
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// One message of a stream of BGP messages.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// Its type.
    pub kind: u8,
    /// What follows the header.
    pub body: &'a [u8],
    /// All of it.
    pub whole: &'a [u8],
}

/// Takes the first message off `bytes`; it must be there in full.
pub fn split_message<'a>(bytes: &mut &'a [u8]) -> Result<Message<'a>, String> {
    split_arrived(bytes)?.ok_or_else(|| "a BGP message ends too early".to_owned())
}

/// The same of a stream; `None` if it has not arrived in full.
pub fn split_arrived<'a>(bytes: &mut &'a [u8]) -> Result<Option<Message<'a>>, String> {
    let Some(header) = bytes.first_chunk::<HEADER>() else { return Ok(None) };
    let length = length_of(header)?;
    let Some((whole, rest)) = bytes.split_at_checked(length) else { return Ok(None) };
    *bytes = rest;
    Ok(Some(Message { kind: whole[HEADER - 1], body: &whole[HEADER..], whole }))
}

/// Reads one message, whole.
///
/// # Errors
/// When the stream ends before that, or is none of BGP.
pub fn read_message(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut header = [0; HEADER];
    stream.read_exact(&mut header)?;
    let mut bytes = header.to_vec();
    bytes.resize(length_of(&header).map_err(io::Error::other)?, 0);
    stream.read_exact(&mut bytes[HEADER..])?;
    Ok(bytes)
}

/// The length of the message with this header.
fn length_of(header: &[u8; HEADER]) -> Result<usize, String> {
    if header[..16] != [0xff; 16] {
        return Err("a BGP marker that is not all ones".to_owned());
    }
    match usize::from(u16::from_be_bytes([header[16], header[17]])) {
        length if length < HEADER => Err(format!("a BGP length of {length}")),
        length => Ok(length),
    }
}

/// Appends a message's header to `out` and returns where it begins, for [`end_message`].
pub fn begin_message(out: &mut Vec<u8>, kind: u8) -> usize {
    let at = out.len();
    out.extend_from_slice(&[0xff; 16]);
    out.extend_from_slice(&[0, 0, kind]);
    at
}

/// Writes the length of the message that begins at `at` and ends here.
///
/// # Panics
/// When the message is longer than BGP allows.
pub fn end_message(out: &mut [u8], at: usize) {
    let length = u16::try_from(out.len() - at).expect("a BGP message fits 16 bits of length");
    out[at + 16..at + 18].copy_from_slice(&length.to_be_bytes());
}

/// A message with this body.
pub fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER + body.len());
    let at = begin_message(&mut out, kind);
    out.extend_from_slice(body);
    end_message(&mut out, at);
    out
}

/// Appends one path attribute.
///
/// # Panics
/// When the value is longer than an attribute can be.
pub fn put_attribute(out: &mut Vec<u8>, flags: u8, kind: u8, value: &[u8]) {
    let length = u16::try_from(value.len()).expect("an attribute fits 16 bits of length");
    match u8::try_from(length) {
        Ok(short) => out.extend_from_slice(&[flags, kind, short]),
        Err(_) => {
            out.extend_from_slice(&[flags | 0x10, kind]);
            out.extend_from_slice(&length.to_be_bytes());
        }
    }
    out.extend_from_slice(value);
}

/// The End-of-RIB of a family.
pub fn end_of_rib(family: Family) -> Vec<u8> {
    if family == Family::IPV4 {
        return message(kind::UPDATE, &[0; 4]);
    }
    let [high, low] = family.afi.to_be_bytes();
    let body = [0, 0, 0, 6, 0x80, attribute::MP_UNREACH, 3, high, low, family.safi];
    message(kind::UPDATE, &body)
}

/// The UPDATEs that withdraw these prefixes, as few as the greatest length allows.
pub fn withdrawals(prefixes: &[Prefix]) -> Vec<u8> {
    let mut out = Vec::new();
    for family in [Family::IPV4, Family::IPV6] {
        let mut rest = prefixes.iter().filter(|p| p.family == family).peekable();
        while rest.peek().is_some() {
            let mut nlri = Vec::new();
            while let Some(prefix) = rest.next_if(|_| nlri.len() < MAX_MESSAGE - 100) {
                prefix.encode(&mut nlri);
            }
            let length = nlri.len() as u16;
            let at = begin_message(&mut out, kind::UPDATE);
            if family == Family::IPV4 {
                out.extend_from_slice(&length.to_be_bytes());
                out.extend_from_slice(&nlri);
                out.extend_from_slice(&[0, 0]);
            } else {
                out.extend_from_slice(&[0, 0]);
                out.extend_from_slice(&(length + 7).to_be_bytes());
                out.extend_from_slice(&[0x90, attribute::MP_UNREACH]);
                out.extend_from_slice(&(length + 3).to_be_bytes());
                out.extend_from_slice(&[0, 2, 1]);
                out.extend_from_slice(&nlri);
            }
            end_message(&mut out, at);
        }
    }
    out
}

/// The contents of an OPEN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The sender's AS number.
    pub asn: u32,
    /// The hold time it proposes, in seconds.
    pub hold_time: u16,
    /// The sender's BGP Identifier.
    pub router_id: Ipv4Addr,
    /// The families of its multiprotocol capabilities.
    pub families: Vec<Family>,
    /// Whether it can receive extended messages (RFC 8654).
    pub extended_message: bool,
    /// Whether it offers route refresh (RFC 2918).
    pub route_refresh: bool,
    /// What it can do with ADD-PATH (RFC 7911): 1 receive, 2 send, 3 both.
    pub add_path: Vec<(Family, u8)>,
    /// Further capabilities: code and value.
    pub others: Vec<(u8, Vec<u8>)>,
}

impl Open {
    /// Of a speaker in AS `asn` with both families and a hold time of 90 s.
    pub fn of(asn: u32) -> Self {
        Self {
            asn,
            hold_time: 90,
            router_id: Ipv4Addr::new(192, 0, 2, 66),
            families: vec![Family::IPV4, Family::IPV6],
            extended_message: false,
            route_refresh: true,
            add_path: vec![],
            others: vec![],
        }
    }

    /// Adds the graceful restart capability (RFC 4724) with these families, their state kept.
    #[must_use]
    pub fn graceful_restart(mut self, restarted: bool, seconds: u16, families: &[Family]) -> Self {
        const RESTARTED: u16 = 0x8000;
        const PRESERVED: u8 = 0x80;
        let head = seconds & 0xfff | if restarted { RESTARTED } else { 0 };
        let mut value = head.to_be_bytes().to_vec();
        for family in families {
            value.extend_from_slice(&family.afi.to_be_bytes());
            value.extend_from_slice(&[family.safi, PRESERVED]);
        }
        self.others.retain(|(code, _)| *code != 64);
        self.others.push((64, value));
        self
    }

    /// The OPEN as a message.
    pub fn encode(&self) -> Vec<u8> {
        let mut capabilities = Vec::new();
        for family in &self.families {
            let [high, low] = family.afi.to_be_bytes();
            capabilities.extend_from_slice(&[1, 4, high, low, 0, family.safi]);
        }
        if self.route_refresh {
            capabilities.extend_from_slice(&[2, 0]);
        }
        if self.extended_message {
            capabilities.extend_from_slice(&[6, 0]);
        }
        capabilities.extend_from_slice(&[65, 4]);
        capabilities.extend_from_slice(&self.asn.to_be_bytes());
        if !self.add_path.is_empty() {
            capabilities.extend_from_slice(&[69, self.add_path.len() as u8 * 4]);
            for (family, mode) in &self.add_path {
                capabilities.extend_from_slice(&family.afi.to_be_bytes());
                capabilities.extend_from_slice(&[family.safi, *mode]);
            }
        }
        for (code, value) in &self.others {
            capabilities.extend_from_slice(&[*code, value.len() as u8]);
            capabilities.extend_from_slice(value);
        }

        let short_as = u16::try_from(self.asn).unwrap_or(23456);
        let mut body = vec![4];
        body.extend_from_slice(&short_as.to_be_bytes());
        body.extend_from_slice(&self.hold_time.to_be_bytes());
        body.extend_from_slice(&self.router_id.octets());
        let length =
            u8::try_from(capabilities.len() + 2).expect("the capabilities fit an OPEN") - 2;
        body.extend_from_slice(&[length + 2, 2, length]);
        body.extend_from_slice(&capabilities);
        message(kind::OPEN, &body)
    }

    /// Reads the body of an OPEN (what follows the header).
    pub fn parse(mut body: &[u8]) -> Result<Self, String> {
        let fixed = take(&mut body, 10, "OPEN")?;
        if fixed[0] != 4 {
            return Err(format!("BGP version {}", fixed[0]));
        }
        let mut open = Open {
            asn: u16::from_be_bytes([fixed[1], fixed[2]]).into(),
            hold_time: u16::from_be_bytes([fixed[3], fixed[4]]),
            router_id: Ipv4Addr::new(fixed[5], fixed[6], fixed[7], fixed[8]),
            families: vec![],
            extended_message: false,
            route_refresh: false,
            add_path: vec![],
            others: vec![],
        };
        if body.len() != usize::from(fixed[9]) {
            return Err(format!("{} bytes of optional parameters, not {}", body.len(), fixed[9]));
        }
        while !body.is_empty() {
            let head = take(&mut body, 2, "an optional parameter")?;
            let mut value = take(&mut body, head[1].into(), "an optional parameter")?;
            while head[0] == 2 && !value.is_empty() {
                let head = take(&mut value, 2, "a capability")?;
                match (head[0], take(&mut value, head[1].into(), "a capability")?) {
                    (1, &[high, low, _, safi]) => {
                        open.families.push(Family { afi: u16::from_be_bytes([high, low]), safi });
                    }
                    (2, []) => open.route_refresh = true,
                    (6, []) => open.extended_message = true,
                    (65, asn) => {
                        let asn = asn.try_into().map_err(|_| "a 4-octet AS of other length")?;
                        open.asn = u32::from_be_bytes(asn);
                    }
                    (69, value) => {
                        let (entries, rest) = value.as_chunks::<4>();
                        if !rest.is_empty() {
                            return Err(format!("{} bytes of ADD-PATH", value.len()));
                        }
                        open.add_path.extend(entries.iter().map(|&[high, low, safi, mode]| {
                            (Family { afi: u16::from_be_bytes([high, low]), safi }, mode)
                        }));
                    }
                    (code, value) => open.others.push((code, value.to_vec())),
                }
            }
        }
        Ok(open)
    }
}

#[cfg(test)]
mod tests {
    //! What is expected and what is found are both made by this code: an error in it would cancel out.

    use super::*;

    #[test]
    fn withdrawals_take_out_what_they_name_and_nothing_else() {
        let all: Vec<Prefix> = (0..1200u32)
            .flat_map(|n| {
                let v4 = IpAddr::V4(Ipv4Addr::from(0x0b00_0000 + n * 256));
                let v6 = IpAddr::V6(Ipv6Addr::from((0x2600_0000 + u128::from(n)) << 96));
                [Prefix::new(v4, 24), Prefix::new(v6, 32)]
            })
            .collect();
        let route = Route { path: [0u8; 0].into(), next_hop: [].into() };
        let mut routes: Routes = all.iter().map(|p| (*p, route.clone())).collect();
        let stays = all[7];
        let bytes = withdrawals(&all.iter().copied().filter(|p| *p != stays).collect::<Vec<_>>());
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let message = split_message(&mut rest).unwrap();
            assert!(message.whole.len() <= MAX_MESSAGE);
            Update::parse(message.body).unwrap().apply(&mut routes).unwrap();
        }
        assert_eq!(routes.keys().collect::<Vec<_>>(), [&stays]);
    }

    #[test]
    fn a_difference_is_named() {
        let route = Route { path: [1u8].into(), next_hop: [].into() };
        let one: Routes = [("10.0.0.0/8".parse().unwrap(), route)].into();
        assert_eq!(difference(&one, &one), None);
        let text = difference(&one, &Routes::new()).unwrap();
        assert!(text.contains("1 missing") && text.contains("10.0.0.0/8"), "{text}");
    }
}
