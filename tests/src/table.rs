//! Tables of routes that look like those of the Internet, made up the same way each time.
//!
//! Prefix lengths, the number of prefixes that share their attributes, path lengths and the share of
//! routes with communities follow what public route collectors show (IPv4: three in five are /24;
//! IPv6: half are /48, an eighth /32; about six prefixes an attribute set). A table is nothing but
//! the BGP messages that announce it, in one buffer: 1.2 million routes are about 30 MB.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use crate::bgp::{self, Family, MAX_MESSAGE, Prefix, Routes, Update, attribute, kind};
use crate::random::Random;

/// The path attributes that some prefixes share, for one family or both.
#[derive(Debug, Clone)]
pub struct Attributes {
    /// AS_PATH: one AS_SEQUENCE, the neighbor first, the origin last.
    pub as_path: Vec<u32>,
    /// ORIGIN: 0 IGP, 1 EGP, 2 INCOMPLETE.
    pub origin: u8,
    /// The next hop of IPv4 routes.
    pub next_hop: Ipv4Addr,
    /// The next hop of IPv6 routes.
    pub next_hop_v6: Ipv6Addr,
    /// MULTI_EXIT_DISC.
    pub med: Option<u32>,
    /// COMMUNITIES; left out if empty.
    pub communities: Vec<[u16; 2]>,
    /// LARGE_COMMUNITY; left out if empty.
    pub large_communities: Vec<[u32; 3]>,
    /// Whether MP_REACH_NLRI comes first, as RFC 7606 requires, or in the order of the types, as
    /// many speakers send it.
    pub reach_first: bool,
}

impl Attributes {
    /// Attributes as a neighbor in `first_as` would send them, drawn from `random`.
    pub fn sample(first_as: u32, random: &mut Random) -> Self {
        let hops = 2 + random.below(4);
        let mut as_path = vec![first_as];
        for _ in 0..hops {
            let asn = match random.below(10) {
                0..=5 => 1_000 + random.below(60_000),
                _ => 131_072 + random.below(150_000),
            };
            as_path.push(asn as u32);
        }
        if random.chance(15) {
            // The origin prepends itself.
            let origin = as_path[as_path.len() - 1];
            as_path.extend(std::iter::repeat_n(origin, 1 + random.below(3) as usize));
        }
        let transit = as_path[1].min(65_000) as u16;
        let communities = match random.below(10) {
            0..=2 => 0,
            n => n as usize,
        };
        let communities =
            (0..communities).map(|_| [transit, random.below(60_000) as u16]).collect();
        let large_communities = if random.chance(12) {
            (0..=random.below(3))
                .map(|_| [as_path[1], random.below(1000) as u32, random.draw() as u32])
                .collect()
        } else {
            vec![]
        };
        let edge = random.below(40) as u8;
        Attributes {
            origin: if random.chance(90) { 0 } else { 2 },
            next_hop: Ipv4Addr::new(192, 0, 2, 1 + edge),
            next_hop_v6: Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 1 + u16::from(edge)),
            med: random.chance(25).then(|| random.below(500) as u32),
            communities,
            large_communities,
            reach_first: random.chance(50),
            as_path,
        }
    }

    /// Appends the path attributes field for prefixes of `family` (`nlri` goes into
    /// MP_REACH_NLRI unless they are IPv4).
    fn encode(&self, family: Family, nlri: &[u8], out: &mut Vec<u8>) {
        const WELL_KNOWN: u8 = 0x40;
        const OPTIONAL: u8 = 0x80;
        const TRANSITIVE: u8 = 0x40;
        let reach = |out: &mut Vec<u8>| {
            let mut value = Vec::with_capacity(21 + nlri.len());
            value.extend_from_slice(&family.afi.to_be_bytes());
            value.extend_from_slice(&[family.safi, 16]);
            value.extend_from_slice(&self.next_hop_v6.octets());
            value.push(0);
            value.extend_from_slice(nlri);
            bgp::put_attribute(out, OPTIONAL, attribute::MP_REACH, &value);
        };
        let multiprotocol = family != Family::IPV4;
        if multiprotocol && self.reach_first {
            reach(out);
        }
        bgp::put_attribute(out, WELL_KNOWN, attribute::ORIGIN, &[self.origin]);
        let mut value = Vec::with_capacity(64);
        value.extend_from_slice(&[2, self.as_path.len() as u8]);
        value.extend(self.as_path.iter().flat_map(|asn| asn.to_be_bytes()));
        bgp::put_attribute(out, WELL_KNOWN, attribute::AS_PATH, &value);
        if !multiprotocol {
            bgp::put_attribute(out, WELL_KNOWN, attribute::NEXT_HOP, &self.next_hop.octets());
        }
        if let Some(med) = self.med {
            bgp::put_attribute(out, OPTIONAL, attribute::MED, &med.to_be_bytes());
        }
        if !self.communities.is_empty() {
            value.clear();
            value.extend(self.communities.iter().flatten().flat_map(|part| part.to_be_bytes()));
            bgp::put_attribute(out, OPTIONAL | TRANSITIVE, attribute::COMMUNITIES, &value);
        }
        if multiprotocol && !self.reach_first {
            reach(out);
        }
        if !self.large_communities.is_empty() {
            value.clear();
            value.extend(self.large_communities.iter().flatten().flat_map(|p| p.to_be_bytes()));
            bgp::put_attribute(out, OPTIONAL | TRANSITIVE, attribute::LARGE_COMMUNITIES, &value);
        }
    }
}

/// Appends the UPDATEs that announce `prefixes` with these attributes: one for each family, more
/// where they do not fit the greatest length of a message.
pub fn put_announcements(out: &mut Vec<u8>, prefixes: &[Prefix], attributes: &Attributes) {
    for family in [Family::IPV4, Family::IPV6] {
        let mut rest = prefixes.iter().filter(|p| p.family() == family).peekable();
        while rest.peek().is_some() {
            let at = bgp::begin_message(out, kind::UPDATE);
            out.extend_from_slice(&[0; 4]);
            let mut nlri = Vec::with_capacity(64);
            while let Some(prefix) = rest.next_if(|_| nlri.len() < MAX_MESSAGE - 800) {
                prefix.encode(&mut nlri);
            }
            let begin = out.len();
            attributes.encode(family, &nlri, out);
            let length = (out.len() - begin) as u16;
            out[begin - 2..begin].copy_from_slice(&length.to_be_bytes());
            if family == Family::IPV4 {
                out.extend_from_slice(&nlri);
            }
            bgp::end_message(out, at);
        }
    }
}

/// Prefixes of one family, all distinct, with the lengths that the Internet has.
///
/// Those with the same length stand in blocks of eight neighbors, because what one network
/// announces together is often adjacent; the blocks are strewn over the address space.
#[derive(Debug, Clone)]
pub struct Prefixes {
    lengths: &'static [(u8, u64)],
    family: Family,
    /// How many were given out, by length.
    given: [u64; 129],
}

/// (length, of 1000 routes)
const LENGTHS_V4: &[(u8, u64)] = &[
    (24, 600),
    (23, 100),
    (22, 115),
    (21, 50),
    (20, 47),
    (19, 28),
    (18, 18),
    (17, 12),
    (16, 20),
    (15, 4),
    (14, 3),
    (13, 3),
];
const LENGTHS_V6: &[(u8, u64)] =
    &[(48, 470), (32, 125), (44, 110), (40, 110), (36, 60), (29, 45), (46, 40), (47, 40)];

/// First octets that hold no special addresses: a speaker with a bogon filter takes them all.
const fn first_octets() -> [u8; 217] {
    let mut found = [0; 217];
    let (mut octet, mut n) = (1, 0);
    while octet < 224 {
        if !matches!(octet, 10 | 100 | 127 | 169 | 172 | 192) {
            found[n] = octet;
            n += 1;
        }
        octet += 1;
    }
    assert!(n == 217);
    found
}
const FIRST_OCTETS: [u8; 217] = first_octets();
/// The /12 blocks of the regional registries.
const FIRST_BLOCKS: [u16; 5] = [0x2400, 0x2600, 0x2800, 0x2a00, 0x2c00];

impl Prefixes {
    /// IPv4 or IPv6 unicast prefixes.
    ///
    /// # Panics
    /// For another family.
    pub fn new(family: Family) -> Self {
        let lengths = match family {
            Family::IPV4 => LENGTHS_V4,
            Family::IPV6 => LENGTHS_V6,
            other => panic!("no prefixes for {other}"),
        };
        Self { lengths, family, given: [0; 129] }
    }

    /// The next prefix, with a length drawn from `random`. In tables of millions of routes the short
    /// lengths are used up at some time; then the most frequent one stands in for them.
    ///
    /// # Panics
    /// When that one is used up as well (beyond some fourteen million routes).
    pub fn next(&mut self, random: &mut Random) -> Prefix {
        let mut draw = random.below(1000);
        let drawn = self
            .lengths
            .iter()
            .find(|(_, share)| match draw.checked_sub(*share) {
                Some(left) => {
                    draw = left;
                    false
                }
                None => true,
            })
            .map_or(self.lengths[0].0, |(length, _)| *length);
        let (pools, pool_bits) = match self.family {
            Family::IPV4 => (FIRST_OCTETS.len() as u64, 8),
            _ => (FIRST_BLOCKS.len() as u64, 12),
        };
        let blocks = |length: u8| pools << (u32::from(length) - pool_bits - 3);
        let left = |length: &u8| self.given[usize::from(*length)] / 8 < blocks(*length);
        let length = [drawn, self.lengths[0].0].into_iter().find(left);
        let length = length.unwrap_or_else(|| panic!("all /{drawn} prefixes are used up"));
        let blocks = blocks(length);
        let n = self.given[usize::from(length)];
        self.given[usize::from(length)] += 1;
        // The multiplier is a prime that divides no number of blocks: every block comes once.
        let block = (n / 8).wrapping_mul(2_654_435_761) % blocks;
        let slot = block * 8 + n % 8;
        let inner_bits = u32::from(length) - pool_bits;
        let (pool, inner) = (slot >> inner_bits, slot & ((1 << inner_bits) - 1));
        let address = match self.family {
            Family::IPV4 => {
                let first = u32::from(FIRST_OCTETS[pool as usize]) << 24;
                IpAddr::V4(Ipv4Addr::from(first | (inner as u32) << (32 - length)))
            }
            _ => {
                let first = u128::from(FIRST_BLOCKS[pool as usize]) << 112;
                IpAddr::V6(Ipv6Addr::from(first | u128::from(inner) << (128 - length)))
            }
        };
        Prefix::new(address, length)
    }
}

/// A table: the UPDATEs that announce it. Clones share the bytes.
#[derive(Debug, Clone)]
pub struct Table {
    bytes: Arc<[u8]>,
    /// IPv4 routes in it.
    pub ipv4: u64,
    /// IPv6 routes in it.
    pub ipv6: u64,
    /// UPDATEs in it.
    pub updates: u64,
    /// The sum of all routes' fingerprints, see [`Update::fingerprint`].
    pub fingerprint: u64,
}

impl Table {
    /// The table of a neighbor in AS 65001 with this many routes; always the same one.
    pub fn full(ipv4: u64, ipv6: u64) -> Self {
        Self::of(65001, ipv4, ipv6)
    }

    /// The table of a neighbor in AS `first_as`: the same prefixes as that of any other neighbor,
    /// with attributes of its own.
    pub fn of(first_as: u32, ipv4: u64, ipv6: u64) -> Self {
        let mut bytes = Vec::with_capacity(((ipv4 + ipv6) * 30) as usize);
        let mut lengths = Random::new(7);
        let mut random = Random::new(u64::from(first_as));
        for (family, routes) in [(Family::IPV4, ipv4), (Family::IPV6, ipv6)] {
            let mut prefixes = Prefixes::new(family);
            let mut left = routes;
            let mut group = Vec::with_capacity(64);
            while left > 0 {
                // Many small sets and a few big ones: six on average.
                let size = match random.below(100) {
                    0..40 => 1,
                    40..60 => 2,
                    60..75 => 3 + random.below(3),
                    75..90 => 6 + random.below(8),
                    90..98 => 14 + random.below(20),
                    _ => 34 + random.below(80),
                };
                let size = size.min(left);
                left -= size;
                group.clear();
                group.extend((0..size).map(|_| prefixes.next(&mut lengths)));
                put_announcements(&mut bytes, &group, &Attributes::sample(first_as, &mut random));
            }
        }
        let mut table = Table { bytes: bytes.into(), ipv4, ipv6, updates: 0, fingerprint: 0 };
        let (mut updates, mut fingerprint) = (0, 0u64);
        table.for_each(|update| {
            let (_, sum) = update.fingerprint().unwrap_or_else(|e| panic!("our own update: {e}"));
            updates += 1;
            fingerprint = fingerprint.wrapping_add(sum);
        });
        (table.updates, table.fingerprint) = (updates, fingerprint);
        table
    }

    /// The routes of both families.
    pub fn routes(&self) -> u64 {
        self.ipv4 + self.ipv6
    }

    /// The messages, one after the other.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, shared.
    pub fn shared(&self) -> Arc<[u8]> {
        self.bytes.clone()
    }

    fn for_each(&self, mut each: impl FnMut(Update<'_>)) {
        let mut rest = self.bytes();
        while !rest.is_empty() {
            let message = bgp::split_message(&mut rest).expect("our own message");
            each(Update::parse(message.body).expect("our own update"));
        }
    }

    /// The set of routes that the table announces.
    pub fn expected(&self) -> Routes {
        let mut routes = Routes::new();
        self.for_each(|update| update.apply(&mut routes).expect("our own update"));
        routes
    }
}

#[cfg(test)]
mod tests {
    //! Routes that are there twice would be figures of a smaller table.

    use super::*;

    #[test]
    fn a_table_has_exactly_the_routes_it_says_all_distinct() {
        let table = Table::full(60_000, 12_000);
        let routes = table.expected();
        let ipv4 = routes.keys().filter(|p| p.family() == Family::IPV4).count();
        assert_eq!((ipv4, routes.len() - ipv4), (60_000, 12_000));
        let per_update = table.routes() as f64 / table.updates as f64;
        assert!((4.0..8.0).contains(&per_update), "{per_update} prefixes an update");
        let mut rest = table.bytes();
        while !rest.is_empty() {
            assert!(bgp::split_message(&mut rest).unwrap().whole.len() <= MAX_MESSAGE);
        }
    }

    #[test]
    fn a_table_is_the_same_each_time_and_another_for_another_neighbor() {
        let (one, two) = (Table::full(2_000, 500), Table::full(2_000, 500));
        assert_eq!(one.bytes(), two.bytes());
        let other = Table::of(65002, 2_000, 500);
        assert_ne!(one.fingerprint, other.fingerprint);
        assert!(one.expected().keys().eq(other.expected().keys()));
    }

    #[test]
    fn a_full_internet_table_can_be_made() {
        let table = Table::full(1_000_000, 200_000);
        assert_eq!(table.routes(), 1_200_000);
        let mut seen = std::collections::HashSet::with_capacity(1_200_000);
        table.for_each(|update| {
            for reach in update.announced() {
                seen.extend(bgp::prefixes(reach.family, reach.nlri).unwrap());
            }
        });
        assert_eq!(seen.len(), 1_200_000, "all prefixes are distinct");
    }
}
