//! The form in which path attributes stay in the tables.
//!
//! ```text
//! IPv4 unicast from the NLRI field:  0, attributes as received
//! from MP_REACH_NLRI:                1, flags, position (2), next hop's length, next hop, attributes
//! ```
//!
//! MP_REACH_NLRI and MP_UNREACH_NLRI are cut out of the attributes; `position` is where MP_REACH_NLRI
//! stood, so that it can be put together again in the same place.
//!
//! The first byte has 0x20 added if the A flag of the per-peer header (RFC 7854 section 4.2) is inverted for this
//! set: a router may report an UPDATE with AS numbers of the other width than its peer's other ones have.

use super::attribute::{EXTENDED_LENGTH, MP_REACH_NLRI, MP_UNREACH_NLRI, OPTIONAL};
use super::bgp::{self, HEADER_LEN, MessageType};
use super::family::Family;

const PLAIN: u8 = 0;
const MULTIPROTOCOL: u8 = 1;
const FLIPS_A: u8 = 0x20;

/// Appends the stored form of the attributes of routes from the NLRI field.
pub(super) fn write_plain(out: &mut Vec<u8>, flips_a: bool, attributes: &[u8]) {
    out.push(kind(PLAIN, flips_a));
    out.extend_from_slice(attributes);
}

/// Appends the stored form of the attributes of routes from an MP_REACH_NLRI with these flags, which stood at
/// `position` among the attributes.
pub(super) fn write_reach(
    out: &mut Vec<u8>,
    flips_a: bool,
    flags: u8,
    position: usize,
    next_hop: &[u8],
    attributes: &[u8],
) {
    out.extend_from_slice(&[kind(MULTIPROTOCOL, flips_a), flags]);
    out.extend_from_slice(&(position as u16).to_be_bytes());
    out.push(next_hop.len() as u8);
    out.extend_from_slice(next_hop);
    out.extend_from_slice(attributes);
}

const fn kind(kind: u8, flips_a: bool) -> u8 {
    if flips_a { kind | FLIPS_A } else { kind }
}

/// The flags of the per-peer header that are inverted in a message with these attributes: A, or none.
#[inline]
pub(super) fn inverted_flags(attributes: &[u8]) -> u8 {
    attributes.first().map_or(0, |kind| kind & FLIPS_A)
}

/// What an UPDATE of these attributes and `nlri` bytes of routes needs at most, in bytes.
pub fn room(attributes: usize, nlri: usize) -> usize {
    // Header, the two lengths, and what MP_REACH_NLRI has beside its next hop and routes.
    HEADER_LEN + 4 + 9 + attributes + nlri
}

/// Appends an UPDATE that announces routes; `nlri` writes them and returns how many.
pub fn announce(
    out: &mut Vec<u8>,
    family: Family,
    attributes: &[u8],
    nlri: impl FnOnce(&mut Vec<u8>) -> u32,
) -> u32 {
    let start = begin(out);
    out.extend_from_slice(&[0, 0]);
    let at = out.len();
    out.extend_from_slice(&[0, 0]);
    let count = match split(attributes) {
        Stored::Plain(attributes) => {
            out.extend_from_slice(attributes);
            close(out, at);
            nlri(out)
        }
        Stored::Multiprotocol { flags, next_hop, before, after } => {
            out.extend_from_slice(before);
            let count = multiprotocol(out, flags, MP_REACH_NLRI, family, |out| {
                out.push(next_hop.len() as u8);
                out.extend_from_slice(next_hop);
                out.push(0);
                nlri(out)
            });
            out.extend_from_slice(after);
            close(out, at);
            count
        }
    };
    finish(out, start);
    count
}

/// Appends an UPDATE that withdraws routes; with no routes it is the End-of-RIB.
pub fn withdraw(out: &mut Vec<u8>, family: Family, nlri: impl FnOnce(&mut Vec<u8>) -> u32) -> u32 {
    let start = begin(out);
    let at = out.len();
    out.extend_from_slice(&[0, 0]);
    let count = if family == Family::IPV4_UNICAST {
        let count = nlri(out);
        close(out, at);
        out.extend_from_slice(&[0, 0]);
        count
    } else {
        let at = out.len();
        out.extend_from_slice(&[0, 0]);
        let count = multiprotocol(out, OPTIONAL | EXTENDED_LENGTH, MP_UNREACH_NLRI, family, nlri);
        close(out, at);
        count
    };
    finish(out, start);
    count
}

pub(super) enum Stored<'a> {
    Plain(&'a [u8]),
    Multiprotocol { flags: u8, next_hop: &'a [u8], before: &'a [u8], after: &'a [u8] },
}

pub(super) fn split(bytes: &[u8]) -> Stored<'_> {
    if let [kind, flags, high, low, length, rest @ ..] = bytes
        && kind & !FLIPS_A == MULTIPROTOCOL
    {
        let position = usize::from(u16::from_be_bytes([*high, *low]));
        if let Some((next_hop, attributes)) = rest.split_at_checked(usize::from(*length))
            && let Some((before, after)) = attributes.split_at_checked(position)
        {
            return Stored::Multiprotocol { flags: *flags, next_hop, before, after };
        }
    }
    Stored::Plain(bytes.get(1..).unwrap_or_default())
}

fn multiprotocol(
    out: &mut Vec<u8>,
    flags: u8,
    code: u8,
    family: Family,
    value: impl FnOnce(&mut Vec<u8>) -> u32,
) -> u32 {
    out.extend_from_slice(&[flags, code, 0]);
    if flags & EXTENDED_LENGTH != 0 {
        out.push(0);
    }
    let at = out.len();
    out.extend_from_slice(&family.afi.to_be_bytes());
    out.push(family.safi);
    let count = value(out);
    if flags & EXTENDED_LENGTH != 0 {
        close(out, at - 2);
        return count;
    }
    let len = out.len() - at;
    if let Some(place) = out.get_mut(at - 1) {
        *place = len as u8;
    }
    count
}

fn begin(out: &mut Vec<u8>) -> usize {
    let start = out.len();
    bgp::encode(out, MessageType::Update, &[]);
    start
}

fn finish(out: &mut [u8], start: usize) {
    let len = out.len() - start;
    set(out, start + 16, len);
}

/// Writes the length of what follows the two bytes at `at`.
fn close(out: &mut [u8], at: usize) {
    let len = out.len() - at - 2;
    set(out, at, len);
}

fn set(out: &mut [u8], at: usize, value: usize) {
    if let Some(place) = out.get_mut(at..at + 2) {
        place.copy_from_slice(&(value as u16).to_be_bytes());
    }
}
