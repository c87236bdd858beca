//! The NLRI of every family, cut as on the wire.
//!
//! [`crate::bgp::prefixes`] understands IPv4 and IPv6 unicast; here is what the other
//! families need, and ADD-PATH (RFC 7911) in any of them: where one NLRI ends, and what of it names
//! the route. A route is withdrawn by its name: a label is no part of it, because a withdrawal may
//! have none or another one (RFC 8277 section 2.4), and FRR and GoBGP differ in that. What a station
//! holds in the end is a [`Rib`]: of each route the NLRI, the attributes and the next hop as sent.
//!
//! Written from RFC 4364, 7432, 7911, 8277, 8955, 9136 and 9552 for the tests alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::bgp::{self, Family, Open, Routes, Update, hex, kind};

/// The families in which NLRI have a path identifier.
pub type AddPaths = BTreeSet<Family>;

/// The families in which the sender of the OPEN `received` puts path identifiers before the NLRI it
/// sends to the sender of the OPEN `sent`: it may send them and the other can receive them.
pub fn add_paths(sent: &Open, received: &Open) -> AddPaths {
    const RECEIVE: u8 = 1;
    const SEND: u8 = 2;
    let with = |open: &Open, direction: u8| -> AddPaths {
        let able = open.add_path.iter().filter(|(_, mode)| mode & direction != 0);
        able.map(|(family, _)| *family).collect()
    };
    &with(sent, RECEIVE) & &with(received, SEND)
}

/// The families that a session is about: those in both OPENs. An OPEN without any is about IPv4
/// unicast alone (RFC 4760 section 8).
pub fn families(sent: &Open, received: &Open) -> BTreeSet<Family> {
    let of = |open: &Open| -> BTreeSet<Family> {
        match &open.families[..] {
            [] => [Family::IPV4].into(),
            families => families.iter().copied().collect(),
        }
    };
    &of(sent) & &of(received)
}

/// Whether a piece of NLRI announces or withdraws: labels end otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sense {
    /// It announces.
    Announced,
    /// It withdraws.
    Withdrawn,
}

/// What names a route among all of a neighbor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Its family.
    pub family: Family,
    /// Its path identifier, in a family that has them.
    pub path: Option<u32>,
    /// The rest of its NLRI that names it, without labels.
    pub name: Vec<u8>,
}

/// A route as it was announced last.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// The NLRI as on the wire, with its path identifier and its labels.
    pub nlri: Box<[u8]>,
    /// The path attributes without the multiprotocol ones, as received.
    pub path: Arc<[u8]>,
    /// The next hop from MP_REACH_NLRI; empty where it is among the path attributes.
    pub next_hop: Box<[u8]>,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [nlri, path, hop] = [&self.nlri[..], &self.path, &self.next_hop].map(hex);
        write!(f, "NLRI {nlri} path {path} next hop {hop}")
    }
}

/// Routes of any families.
pub type Rib = BTreeMap<Key, Entry>;

/// One NLRI in its field.
#[derive(Debug, Clone, Copy)]
pub struct Nlri<'a> {
    /// All of it, from its path identifier on.
    pub whole: &'a [u8],
    /// Its path identifier.
    pub path: Option<u32>,
    body: &'a [u8],
}

fn take<'a>(bytes: &mut &'a [u8], n: usize, family: Family) -> Result<&'a [u8], String> {
    let (head, rest) =
        bytes.split_at_checked(n).ok_or_else(|| format!("{family} NLRI ends too early"))?;
    *bytes = rest;
    Ok(head)
}

fn bits(length: u8) -> usize {
    usize::from(length).div_ceil(8)
}

/// The length of the NLRI (without path identifier) that `bytes` begins with.
fn length(family: Family, bytes: &[u8]) -> Result<usize, String> {
    let early = || format!("{family} NLRI ends too early");
    let at = |n: usize| bytes.get(n).copied().ok_or_else(early);
    let u16_at = |n: usize| Ok::<_, String>(usize::from(u16::from_be_bytes([at(n)?, at(n + 1)?])));
    Ok(match (family.afi, family.safi) {
        // A length in bits, whatever it counts: prefixes, labels, route distinguishers, targets.
        (1 | 2, 1 | 2 | 4 | 128 | 129 | 132) => 1 + bits(at(0)?),
        // A type and a length in bytes.
        (25, 70) => 2 + usize::from(at(1)?),
        // Flowspec: a length of one byte, or of twelve bits behind an 0xf.
        (1 | 2 | 25, 133 | 134) => match at(0)? {
            short @ ..0xf0 => 1 + usize::from(short),
            _ => 2 + (u16_at(0)? & 0xfff),
        },
        // VPLS: a length of two bytes.
        (25, 65) => 2 + u16_at(0)?,
        // BGP-LS: a type and a length of two bytes each.
        (16388, 71 | 72) => 4 + u16_at(2)?,
        _ => return Err(format!("NLRI of {family}, of which the tests know nothing")),
    })
}

/// Takes labels off the front of `bytes`. The last one has the bottom-of-stack bit; in a withdrawal
/// 0x800000 (RFC 8277) or 0 (FRR) stand for all of them.
fn skip_labels(family: Family, sense: Sense, mut bytes: &[u8]) -> Result<(usize, &[u8]), String> {
    let mut count = 0;
    loop {
        let label = take(&mut bytes, 3, family)?;
        count += 1;
        let value = u32::from_be_bytes([0, label[0], label[1], label[2]]);
        let all = sense == Sense::Withdrawn && matches!(value, 0 | 0x80_0000);
        if value & 1 == 1 || all {
            return Ok((count, bytes));
        }
    }
}

impl Nlri<'_> {
    /// What names the route, and whether the NLRI has the form that its family requires.
    pub fn key(&self, family: Family, sense: Sense) -> Result<Key, String> {
        let body = self.body;
        let name = match (family.afi, family.safi) {
            (_, 4 | 128) => {
                let (count, rest) = skip_labels(family, sense, &body[1..])?;
                let distinguisher = if family.safi == 128 { 64 } else { 0 };
                let left = usize::from(body[0])
                    .checked_sub(24 * count + distinguisher)
                    .filter(|left| *left <= if family.afi == 1 { 32 } else { 128 })
                    .ok_or_else(|| format!("a length of {} bits in {family}", body[0]))?;
                [&[left as u8][..], rest].concat()
            }
            (_, 1 | 2) if body[0] > if family.afi == 1 { 32 } else { 128 } => {
                return Err(format!("a prefix length of {} bits in {family}", body[0]));
            }
            (25, 70) => evpn_name(body)?,
            _ => body.to_vec(),
        };
        Ok(Key { family, path: self.path, name })
    }
}

/// The fields of an EVPN route that name it (RFC 7432 section 7, RFC 9136 section 3.1, RFC 9251 section 9).
fn evpn_name(body: &[u8]) -> Result<Vec<u8>, String> {
    const RD: usize = 8;
    const ESI: usize = 10;
    const TAG: usize = 4;
    let kind = body[0];
    let value = &body[2..];
    let part = |from: usize, to: usize| {
        value.get(from..to).ok_or_else(|| format!("an EVPN route of type {kind} ends too early"))
    };
    let (name, rest) = match kind {
        1 => (vec![part(0, RD + ESI + TAG)?], value.len() == RD + ESI + TAG + 3),
        2 => {
            let tag = RD + ESI;
            let address = tag + TAG + 7;
            let end = address + 1 + bits(part(address, address + 1)?[0]);
            let labels = value.len().saturating_sub(end);
            (vec![part(0, RD)?, part(tag, end)?], labels == 3 || labels == 6)
        }
        3 | 4 => (vec![value], true),
        5 => {
            let address = match value.len() {
                34 => 4,
                58 => 16,
                n => return Err(format!("an EVPN IP prefix route of {n} bytes")),
            };
            let tag = RD + ESI;
            (vec![part(0, RD)?, part(tag, tag + TAG + 1 + address)?], true)
        }
        // Source, group and originator; of 6 and 7 flags, of 8 also four reserved bytes and a response time.
        6..=8 => {
            let mut end = RD + TAG + if kind == 6 { 0 } else { ESI };
            for _ in 0..3 {
                end += 1 + bits(part(end, end + 1)?[0]);
            }
            (vec![part(0, end)?], value.len() == end + if kind == 8 { 6 } else { 1 })
        }
        _ => (vec![value], true),
    };
    if !rest {
        return Err(format!("an EVPN route of type {kind} has {} bytes", value.len()));
    }
    Ok([&[kind][..], &name.concat()].concat())
}

/// Cuts NLRI of a family; `path` is true if each has a path identifier.
pub fn split(family: Family, path: bool, mut bytes: &[u8]) -> Result<Vec<Nlri<'_>>, String> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let begin = bytes;
        let path = if path {
            let id = take(&mut bytes, 4, family)?;
            Some(u32::from_be_bytes([id[0], id[1], id[2], id[3]]))
        } else {
            None
        };
        let length = length(family, bytes)?;
        let body = take(&mut bytes, length, family)?;
        found.push(Nlri { whole: &begin[..begin.len() - bytes.len()], path, body });
    }
    Ok(found)
}

/// Whether [`Routes`] can hold what comes in this family: prefixes, and no path identifiers.
pub fn is_plain(family: Family, add_paths: &AddPaths) -> bool {
    (family == Family::IPV4 || family == Family::IPV6) && !add_paths.contains(&family)
}

/// Applies the UPDATE's routes of the families that `wanted` accepts to `rib`; returns how many of its
/// withdrawals named no route.
pub fn apply(
    update: &Update<'_>,
    add_paths: &AddPaths,
    mut wanted: impl FnMut(Family) -> bool,
    rib: &mut Rib,
) -> Result<u64, String> {
    let mut idle = 0;
    for gone in update.withdrawn() {
        if wanted(gone.family) {
            for nlri in split(gone.family, add_paths.contains(&gone.family), gone.nlri)? {
                let key = nlri.key(gone.family, Sense::Withdrawn)?;
                idle += u64::from(rib.remove(&key).is_none());
            }
        }
    }
    let mut path: Option<Arc<[u8]>> = None;
    for reach in update.announced() {
        if wanted(reach.family) {
            let path = path.get_or_insert_with(|| {
                update.path().flat_map(|a| a.whole.iter().copied()).collect()
            });
            for nlri in split(reach.family, add_paths.contains(&reach.family), reach.nlri)? {
                let key = nlri.key(reach.family, Sense::Announced)?;
                let entry = Entry {
                    nlri: nlri.whole.into(),
                    path: path.clone(),
                    next_hop: reach.next_hop.into(),
                };
                rib.insert(key, entry);
            }
        }
    }
    Ok(idle)
}

/// The same routes in the form that fits all families.
pub fn of_routes(routes: &Routes) -> Rib {
    let entries = routes.iter().map(|(prefix, route)| {
        let mut name = Vec::new();
        prefix.encode(&mut name);
        let nlri = name.clone().into();
        let key = Key { family: prefix.family(), path: None, name };
        (key, Entry { nlri, path: route.path.clone(), next_hop: route.next_hop.clone() })
    });
    entries.collect()
}

/// The Adj-RIB-In of the receiver of a stream of whole BGP messages.
pub fn rib_of(mut messages: &[u8], add_paths: &AddPaths) -> Result<Rib, String> {
    let mut rib = Rib::new();
    while !messages.is_empty() {
        let message = bgp::split_message(&mut messages)?;
        if message.kind == kind::UPDATE {
            apply(&Update::parse(message.body)?, add_paths, |_| true, &mut rib)?;
        }
    }
    Ok(rib)
}

/// How many routes of each family there are.
pub fn count(rib: &Rib) -> BTreeMap<Family, usize> {
    let mut counts = BTreeMap::new();
    for key in rib.keys() {
        *counts.entry(key.family).or_default() += 1;
    }
    counts
}

/// The NLRI of each family as on the wire, for a comparison with what another decoder found.
pub fn by_family(rib: &Rib) -> BTreeMap<Family, BTreeSet<Vec<u8>>> {
    let mut found: BTreeMap<Family, BTreeSet<Vec<u8>>> = BTreeMap::new();
    for (key, entry) in rib {
        found.entry(key.family).or_default().insert(entry.nlri.to_vec());
    }
    found
}

/// Every NLRI that some UPDATEs carried, as on the wire, by family.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Those that were announced.
    pub announced: BTreeMap<Family, BTreeSet<Vec<u8>>>,
    /// Those that were withdrawn.
    pub withdrawn: BTreeMap<Family, BTreeSet<Vec<u8>>>,
}

impl Seen {
    /// Adds what an UPDATE carries.
    pub fn add(&mut self, update: &Update<'_>, add_paths: &AddPaths) -> Result<(), String> {
        let announced = update.announced().map(|r| (Sense::Announced, r.family, r.nlri));
        let withdrawn = update.withdrawn().map(|w| (Sense::Withdrawn, w.family, w.nlri));
        for (sense, family, bytes) in announced.chain(withdrawn) {
            let side = match sense {
                Sense::Announced => &mut self.announced,
                Sense::Withdrawn => &mut self.withdrawn,
            };
            let cut = split(family, add_paths.contains(&family), bytes)?;
            side.entry(family).or_default().extend(cut.iter().map(|nlri| nlri.whole.to_vec()));
        }
        Ok(())
    }

    /// Leaves these families out.
    #[must_use]
    pub fn without(mut self, families: &BTreeSet<Family>) -> Self {
        self.announced.retain(|family, _| !families.contains(family));
        self.withdrawn.retain(|family, _| !families.contains(family));
        self
    }
}

/// Describes how two sets of routes differ; `None` if they are equal, byte for byte.
pub fn difference(expected: &Rib, found: &Rib) -> Option<String> {
    if expected == found {
        return None;
    }
    let mut text = format!("expected {:?}\n  found    {:?}", count(expected), count(found));
    let missing = expected.iter().filter(|(key, _)| !found.contains_key(key));
    for (key, entry) in missing.take(3) {
        text += &format!("\n  missing  {}: {entry:?}", key.family);
    }
    let extra = found.iter().filter(|(key, _)| !expected.contains_key(key));
    for (key, entry) in extra.take(3) {
        text += &format!("\n  too many {}: {entry:?}", key.family);
    }
    let other =
        expected.iter().filter_map(|(k, e)| found.get(k).filter(|f| *f != e).map(|f| (e, f)));
    for (wanted, got) in other.take(3) {
        text += &format!("\n  wanted   {wanted:?}\n  found    {got:?}");
    }
    Some(text)
}

/// A made-up NLRI of any family that has a name, another one for each `n`, without path identifier.
///
/// # Panics
/// For a family that has none.
pub fn example(family: Family, n: u8) -> Vec<u8> {
    let distinguisher = [0, 0, 0xfd, 0xe9, 0, 0, 0, n];
    let prefix: &[u8] = match family.afi {
        1 => &[198, 51, n],
        _ => &[0x20, 0x01, 0x0d, 0xb8, 0, n],
    };
    let bits = prefix.len() as u8 * 8;
    let label = [0, n, 0x11];
    // Destination: of IPv6 with an offset (RFC 8956 section 3.1).
    let flow = match family.afi {
        1 => [&[1, bits], prefix].concat(),
        _ => [&[1, bits, 0], prefix].concat(),
    };
    let short = |body: &[u8]| [&[body.len() as u8], body].concat();
    match (family.afi, family.safi) {
        (1 | 2, 1 | 2) => [&[bits], prefix].concat(),
        (1 | 2, 4) => [&[bits + 24][..], &label, prefix].concat(),
        (1 | 2, 128) => [&[bits + 88][..], &label, &distinguisher, prefix].concat(),
        (1 | 2, 133) => short(&flow),
        (1 | 2, 134) => short(&[&distinguisher[..], &flow].concat()),
        (25, 70) => [&[3, 17][..], &distinguisher, &[0, 0, 0, n, 32, 192, 0, 2, n]].concat(),
        (16388, safi @ (71 | 72)) => {
            // A node: OSPFv2, and the AS, the domain and the router that it is.
            let node: &[u8] =
                &[2, 0, 0, 4, 0, 0, 0xfd, 0xe9, 2, 1, 0, 4, 0, 0, 0, 0, 2, 3, 0, 4, 192, 0, 2, n];
            let head = [3, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, node.len() as u8];
            let distinguisher = if safi == 72 { &distinguisher[..] } else { &[] };
            let body = [distinguisher, &head, node].concat();
            [&[0, 1, 0, body.len() as u8][..], &body].concat()
        }
        _ => panic!("no example of {family}"),
    }
}

/// A made-up next hop for MP_REACH_NLRI of a family.
pub fn example_next_hop(family: Family) -> Vec<u8> {
    let address = match family.afi {
        2 => vec![0x20, 0x01, 0x0d, 0xb8, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x33],
        _ => vec![192, 0, 2, 33],
    };
    match family.safi {
        133 | 134 => vec![],
        128 => [vec![0; 8], address].concat(),
        _ => address,
    }
}

/// The UPDATE that announces NLRI of any family in MP_REACH_NLRI; `path` are the other attributes.
pub fn announcement(family: Family, next_hop: &[u8], nlri: &[u8], path: &[u8]) -> Vec<u8> {
    let [high, low] = family.afi.to_be_bytes();
    let head = [high, low, family.safi, next_hop.len() as u8];
    let reach = [&head[..], next_hop, &[0], nlri].concat();
    of_attribute(bgp::attribute::MP_REACH, &reach, path)
}

/// The UPDATE that withdraws NLRI of any family in MP_UNREACH_NLRI.
pub fn withdrawal(family: Family, nlri: &[u8]) -> Vec<u8> {
    let [high, low] = family.afi.to_be_bytes();
    of_attribute(bgp::attribute::MP_UNREACH, &[&[high, low, family.safi][..], nlri].concat(), &[])
}

fn of_attribute(attribute: u8, value: &[u8], path: &[u8]) -> Vec<u8> {
    const OPTIONAL: u8 = 0x80;
    let mut attributes = Vec::new();
    bgp::put_attribute(&mut attributes, OPTIONAL, attribute, value);
    attributes.extend_from_slice(path);
    let length = u16::try_from(attributes.len()).expect("attributes fit 16 bits of length");
    let body = [&[0, 0][..], &length.to_be_bytes(), &attributes].concat();
    bgp::message(kind::UPDATE, &body)
}

#[cfg(test)]
mod tests {
    //! What is expected and what is found are both made by this code: an error in it would cancel out.

    use super::*;

    fn bytes(digits: &str) -> Vec<u8> {
        let digits: Vec<u8> = digits.bytes().filter(u8::is_ascii_hexdigit).collect();
        let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
        digits.chunks(2).map(byte).collect()
    }

    /// Announced and withdrawn by what BIRD 2.0.12, FRR 8.4.4, GoBGP 3.10 and ExaBGP 4.2.21 sent.
    const SEEN: &[(Family, bool, &str, &str)] = &[
        (Family::IPV4, true, "00000002 18 c63364", "00000002 18 c63364"),
        (Family::IPV6, true, "00000004 30 20010db80001", "00000004 30 20010db80001"),
        (Family::IPV4_MULTICAST, false, "18 c63365", "18 c63365"),
        (Family::IPV4_LABELED, false, "30 000641 c63366", "30 800000 c63366"),
        (Family::IPV4_LABELED, false, "48 000640 000c81 c63366", "48 000640 000c81 c63366"),
        (
            Family::IPV6_LABELED,
            true,
            "00000001 48 000651 20010db80003",
            "00000001 48 000000 20010db80003",
        ),
        (
            Family::VPNV4,
            true,
            "00000002 68 000641 0000fde900000001 0a01",
            "00000002 68 000000 0000fde900000001 0a01",
        ),
        (
            Family::VPNV6,
            false,
            "88 000c81 0000fde900000002 20010db80004",
            "88 800000 0000fde900000002 20010db80004",
        ),
        (
            Family::EVPN,
            true,
            "00000000 05 22 0000fde900000003 00000000000000000000 00000010 0a 03000000 00000000 0012c1",
            "00000000 05 22 0000fde900000003 00000000000000000000 00000010 0a 03000000 00000000 000000",
        ),
        (
            Family::EVPN,
            false,
            "02 25 0000fde900000003 050000fde80000012c00 000003e8 30 aabbccddee04 20 0a000001 0003e8",
            "02 25 0000fde900000003 00000000000000000000 000003e8 30 aabbccddee04 20 0a000001 000000",
        ),
        (
            Family::EVPN,
            false,
            "03 11 0000fde900000003 00000064 20 0a000001",
            "03 11 0000fde900000003 00000064 20 0a000001",
        ),
        (Family::IPV4_FLOWSPEC, false, "0a 01100a05 038106 058150", "0a 01100a05 038106 058150"),
        (
            Family::VPNV4_FLOWSPEC,
            false,
            "0c 0000fde900000004 01100a06",
            "0c 0000fde900000004 01100a06",
        ),
        (Family::LINK_STATE, false, "0001 0004 02000000", "0001 0004 02000000"),
    ];

    #[test]
    fn a_withdrawal_names_the_route_whatever_its_label() {
        for (family, path, announced, withdrawn) in SEEN {
            let (announced, withdrawn) = (bytes(announced), bytes(withdrawn));
            let paths: AddPaths = path.then_some(*family).into_iter().collect();
            let other = Family { afi: 1, safi: 132 };
            let mut rib = Rib::new();
            for message in [
                announcement(*family, &[192, 0, 2, 1], &announced, &[0x40, 1, 1, 0]),
                announcement(other, &[192, 0, 2, 1], &[0], &[0x40, 1, 1, 0]),
            ] {
                let update = Update::parse(&message[bgp::HEADER..]).unwrap();
                assert_eq!(apply(&update, &paths, |_| true, &mut rib), Ok(0));
            }
            assert_eq!(by_family(&rib)[family], [announced].into(), "{family}");
            let message = withdrawal(*family, &withdrawn);
            let update = Update::parse(&message[bgp::HEADER..]).unwrap();
            assert_eq!(apply(&update, &paths, |_| true, &mut rib), Ok(0), "{family}");
            assert_eq!(rib.keys().map(|key| key.family).collect::<Vec<_>>(), [other]);
        }
    }

    #[test]
    fn many_nlri_are_cut_where_each_ends_and_none_too_early() {
        for (family, path, announced, _) in SEEN {
            let one = bytes(announced);
            let three = one.repeat(3);
            let cut = split(*family, *path, &three).unwrap();
            assert!(cut.iter().all(|nlri| nlri.whole == one) && cut.len() == 3, "{family}");
            assert!(split(*family, *path, &three[..three.len() - 1]).is_err(), "{family}");
        }
        let long = [&[0xf0, 0xf5][..], &[7; 0xf5]].concat();
        assert_eq!(split(Family::IPV6_FLOWSPEC, false, &long).unwrap().len(), 1);
    }

    #[test]
    fn there_is_an_example_of_every_family_with_a_name() {
        for (family, _) in Family::NAMES {
            let nlri: Vec<Vec<u8>> = (1..=3).map(|n| example(*family, n)).collect();
            let bytes = nlri.concat();
            let cut = split(*family, false, &bytes).unwrap();
            let keys: BTreeSet<Key> =
                cut.iter().map(|nlri| nlri.key(*family, Sense::Announced).unwrap()).collect();
            assert_eq!((cut.len(), keys.len()), (3, 3), "{family}");
        }
    }
}
