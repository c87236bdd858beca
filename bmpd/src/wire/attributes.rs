//! Reading stored path attributes, for people and programs.
//!
//! Whatever a neighbor has sent can be stored, as routers' routes are kept as they came: a value that cannot be read is
//! `None`, and what follows a length that is too large is not read.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::attribute::{self, EXTENDED_LENGTH};
use super::describe::{hex, route_distinguisher};
use super::stored;

/// One path attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Its flags (RFC 4271 section 4.3).
    pub flags: u8,
    /// Its type code.
    pub code: u8,
    /// Its value; of one that is cut off what is there.
    pub value: &'a [u8],
}

/// The attributes of a route.
#[derive(Debug, Clone, Copy)]
pub struct Attributes<'a> {
    /// The next hop of MP_REACH_NLRI (RFC 4760 section 3), if the route came in one.
    pub next_hop: Option<&'a [u8]>,
    /// True if AS numbers have the other width than those of the peer's other attributes.
    pub flips_a: bool,
    before: &'a [u8],
    after: &'a [u8],
}

impl<'a> Attributes<'a> {
    /// Those of a stored form.
    pub fn of_stored(bytes: &'a [u8]) -> Self {
        let flips_a = stored::inverted_flags(bytes) != 0;
        match stored::split(bytes) {
            stored::Stored::Plain(attributes) => {
                Self { next_hop: None, flips_a, before: attributes, after: &[] }
            }
            stored::Stored::Multiprotocol { next_hop, before, after, .. } => {
                Self { next_hop: Some(next_hop), flips_a, before, after }
            }
        }
    }

    /// Each, in the order in which they came, without MP_REACH_NLRI.
    pub fn iter(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        Iter(self.before).chain(Iter(self.after))
    }

    /// Their bytes, without MP_REACH_NLRI.
    pub fn bytes(&self) -> [&'a [u8]; 2] {
        [self.before, self.after]
    }
}

/// Attributes one behind the other.
pub(super) struct Iter<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Iter<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let (flags, code, length, rest) = match *self.0 {
            [flags, code, high, low, ref rest @ ..] if flags & EXTENDED_LENGTH != 0 => {
                (flags, code, usize::from(u16::from_be_bytes([high, low])), rest)
            }
            [flags, code, length, ref rest @ ..] if flags & EXTENDED_LENGTH == 0 => {
                (flags, code, usize::from(length), rest)
            }
            _ => return None,
        };
        let (value, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        self.0 = after;
        Some(Attribute { flags, code, value })
    }
}

/// What a value is, of those attributes whose meaning is known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// ORIGIN (RFC 4271 section 5.1.1).
    Origin(&'static str),
    /// AS_PATH: the segments, each with its type and its AS numbers (RFC 4271 section 4.3).
    AsPath(Vec<(SegmentType, Vec<u32>)>),
    /// NEXT_HOP (RFC 4271 section 5.1.3).
    NextHop(Ipv4Addr),
    /// MULTI_EXIT_DISC.
    Med(u32),
    /// LOCAL_PREF.
    LocalPreference(u32),
    /// ATOMIC_AGGREGATE.
    AtomicAggregate,
    /// AGGREGATOR.
    Aggregator(u32, Ipv4Addr),
    /// COMMUNITIES (RFC 1997).
    Communities(Vec<String>),
    /// EXTENDED COMMUNITIES (RFC 4360) or IPv6 Address Specific ones (RFC 5701).
    ExtendedCommunities(Vec<String>),
    /// LARGE_COMMUNITIES (RFC 8092).
    LargeCommunities(Vec<String>),
    /// ORIGINATOR_ID (RFC 4456 section 8).
    OriginatorId(Ipv4Addr),
    /// CLUSTER_LIST (RFC 4456 section 8).
    ClusterList(Vec<Ipv4Addr>),
    /// The metric of AIGP (RFC 7311 section 3).
    Aigp(u64),
    /// Only to Customer (RFC 9234 section 5).
    OnlyToCustomer(u32),
}

/// The type of a segment of an AS_PATH.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentType {
    /// AS_SET.
    Set,
    /// AS_SEQUENCE.
    Sequence,
    /// AS_CONFED_SEQUENCE (RFC 5065 section 3).
    ConfedSequence,
    /// AS_CONFED_SET.
    ConfedSet,
}

impl Attribute<'_> {
    /// What it says; `None` if that is not known here, or cannot be read. `two_octet_as` is true if AS_PATH and AGGREGATOR have
    /// AS numbers of two octets (RFC 6793 section 4).
    pub fn value(&self, two_octet_as: bool) -> Option<Value> {
        let value = self.value;
        Some(match self.code {
            attribute::ORIGIN => Value::Origin(match value {
                [0] => "igp",
                [1] => "egp",
                [2] => "incomplete",
                _ => return None,
            }),
            attribute::AS_PATH => Value::AsPath(as_path(value, two_octet_as)?),
            attribute::NEXT_HOP => Value::NextHop(ipv4(value)?),
            attribute::MULTI_EXIT_DISC => Value::Med(number(value)?),
            attribute::LOCAL_PREF => Value::LocalPreference(number(value)?),
            attribute::ATOMIC_AGGREGATE if value.is_empty() => Value::AtomicAggregate,
            attribute::AGGREGATOR => {
                let (asn, address) = value.split_at_checked(if two_octet_as { 2 } else { 4 })?;
                Value::Aggregator(as_number(asn)?, ipv4(address)?)
            }
            attribute::COMMUNITIES => Value::Communities(each(value, community)?),
            attribute::EXTENDED_COMMUNITIES => {
                Value::ExtendedCommunities(each(value, extended_community)?)
            }
            attribute::IPV6_EXTENDED_COMMUNITIES => {
                Value::ExtendedCommunities(each(value, ipv6_extended_community)?)
            }
            attribute::LARGE_COMMUNITIES => Value::LargeCommunities(each(value, large_community)?),
            attribute::ORIGINATOR_ID => Value::OriginatorId(ipv4(value)?),
            attribute::CLUSTER_LIST => Value::ClusterList(each(value, |id: [u8; 4]| id.into())?),
            attribute::AIGP => Value::Aigp(aigp(value)?),
            attribute::ONLY_TO_CUSTOMER => Value::OnlyToCustomer(number(value)?),
            _ => return None,
        })
    }

    /// Its name in IANA's registry of BGP path attributes.
    pub fn name(&self) -> Option<&'static str> {
        Some(match self.code {
            attribute::ORIGIN => "ORIGIN",
            attribute::AS_PATH => "AS_PATH",
            attribute::NEXT_HOP => "NEXT_HOP",
            attribute::MULTI_EXIT_DISC => "MULTI_EXIT_DISC",
            attribute::LOCAL_PREF => "LOCAL_PREF",
            attribute::ATOMIC_AGGREGATE => "ATOMIC_AGGREGATE",
            attribute::AGGREGATOR => "AGGREGATOR",
            attribute::COMMUNITIES => "COMMUNITIES",
            attribute::ORIGINATOR_ID => "ORIGINATOR_ID",
            attribute::CLUSTER_LIST => "CLUSTER_LIST",
            attribute::MP_REACH_NLRI => "MP_REACH_NLRI",
            attribute::MP_UNREACH_NLRI => "MP_UNREACH_NLRI",
            attribute::EXTENDED_COMMUNITIES => "EXTENDED COMMUNITIES",
            attribute::AS4_PATH => "AS4_PATH",
            attribute::AS4_AGGREGATOR => "AS4_AGGREGATOR",
            22 => "PMSI_TUNNEL",
            23 => "Tunnel Encapsulation",
            24 => "Traffic Engineering",
            attribute::IPV6_EXTENDED_COMMUNITIES => "IPv6 Address Specific Extended Community",
            attribute::AIGP => "AIGP",
            27 => "PE Distinguisher Labels",
            29 => "BGP-LS Attribute",
            attribute::LARGE_COMMUNITIES => "LARGE_COMMUNITY",
            33 => "BGPsec_Path",
            attribute::ONLY_TO_CUSTOMER => "Only to Customer (OTC)",
            36 => "D-PATH",
            37 => "SFP Attribute",
            38 => "BFD Discriminator",
            40 => "BGP Prefix-SID",
            128 => "ATTR_SET",
            _ => return None,
        })
    }
}

/// The next hops in MP_REACH_NLRI: an address, or a global and a link-local one (RFC 2545 section 3), each behind a route
/// distinguisher if the family has them (RFC 4364 section 4.3.4, RFC 4659 section 3.2.1). `None` if it is anything else.
pub fn next_hops(value: &[u8]) -> Option<Vec<IpAddr>> {
    let one = |bytes: &[u8]| -> Option<IpAddr> {
        match bytes.len() {
            4 => ipv4(bytes).map(IpAddr::V4),
            16 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into()),
            _ => None,
        }
    };
    match value.len() {
        0 => Some(Vec::new()),
        4 | 16 => Some(vec![one(value)?]),
        12 | 24 => Some(vec![one(value.get(8..)?)?]),
        32 => Some(vec![one(value.get(..16)?)?, one(value.get(16..)?)?]),
        48 => Some(vec![one(value.get(8..24)?)?, one(value.get(32..)?)?]),
        _ => None,
    }
}

/// The segments of an AS_PATH; an AS number has two octets or four.
fn as_path(mut value: &[u8], two_octet_as: bool) -> Option<Vec<(SegmentType, Vec<u32>)>> {
    let width = if two_octet_as { 2 } else { 4 };
    let mut segments = Vec::new();
    while let [kind, count, rest @ ..] = value {
        let kind = match *kind {
            attribute::AS_SET => SegmentType::Set,
            attribute::AS_SEQUENCE => SegmentType::Sequence,
            attribute::AS_CONFED_SEQUENCE => SegmentType::ConfedSequence,
            attribute::AS_CONFED_SET => SegmentType::ConfedSet,
            _ => return None,
        };
        let (numbers, rest) = rest.split_at_checked(width * usize::from(*count))?;
        let numbers = numbers.chunks_exact(width).map(as_number).collect::<Option<_>>()?;
        segments.push((kind, numbers));
        value = rest;
    }
    value.is_empty().then_some(segments)
}

fn as_number(bytes: &[u8]) -> Option<u32> {
    match *bytes {
        [a, b] => Some(u32::from(u16::from_be_bytes([a, b]))),
        _ => number(bytes),
    }
}

fn number(bytes: &[u8]) -> Option<u32> {
    bytes.try_into().ok().map(u32::from_be_bytes)
}

fn ipv4(bytes: &[u8]) -> Option<Ipv4Addr> {
    <[u8; 4]>::try_from(bytes).ok().map(Ipv4Addr::from)
}

/// Values of one length, one behind the other.
fn each<const N: usize, T>(value: &[u8], read: impl Fn([u8; N]) -> T) -> Option<Vec<T>> {
    let (values, rest) = value.as_chunks::<N>();
    rest.is_empty().then(|| values.iter().copied().map(read).collect())
}

fn community([a, b, c, d]: [u8; 4]) -> String {
    format!("{}:{}", u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
}

fn large_community(bytes: [u8; 12]) -> String {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = bytes;
    let [one, two, three] = [[a, b, c, d], [e, f, g, h], [i, j, k, l]].map(u32::from_be_bytes);
    format!("{one}:{two}:{three}")
}

/// The first type-length-value of type 1 (RFC 7311 section 3).
fn aigp(mut value: &[u8]) -> Option<u64> {
    while let [kind, high, low, rest @ ..] = value {
        let length = usize::from(u16::from_be_bytes([*high, *low])).checked_sub(3)?;
        let (inside, after) = rest.split_at_checked(length)?;
        if *kind == 1 {
            return inside.try_into().ok().map(u64::from_be_bytes);
        }
        value = after;
    }
    None
}

/// An extended community in the words that routers use; one whose type is not known here in hexadecimal.
fn extended_community(bytes: [u8; 8]) -> String {
    let [kind, sub, a, b, c, d, e, f] = bytes;
    // The T bit says whether it passes to another AS, and nothing of the rest (RFC 4360 section 2).
    const NOT_TRANSITIVE: u8 = 0x40;
    let value = || match kind & !NOT_TRANSITIVE {
        // RFC 4360 section 3.1, RFC 4360 section 3.2, RFC 5668 section 2.
        0x00 => route_distinguisher([0, 0, a, b, c, d, e, f]),
        0x01 => route_distinguisher([0, 1, a, b, c, d, e, f]),
        _ => route_distinguisher([0, 2, a, b, c, d, e, f]),
    };
    match (kind, sub) {
        (0x00..=0x02, 0x02) => format!("rt:{}", value()),
        (0x00..=0x02, 0x03) => format!("soo:{}", value()),
        // draft-ietf-idr-link-bandwidth: bytes a second.
        (0x00 | 0x40, 0x04) => {
            let rate = f32::from_be_bytes([c, d, e, f]);
            format!("link-bandwidth:{}:{rate}", u16::from_be_bytes([a, b]))
        }
        // RFC 9012 section 4.1.
        (0x03, 0x0c) => format!("encapsulation:{}", u16::from_be_bytes([e, f])),
        // RFC 7432 sections 7.5 to 7.7, RFC 9135 section 8.1.
        (0x06, 0x00) => {
            let sequence = u32::from_be_bytes([c, d, e, f]);
            let sticky = if a & 1 != 0 { ":sticky" } else { "" };
            format!("mac-mobility:{sequence}{sticky}")
        }
        (0x06, 0x01) => {
            let label = label([d, e, f]);
            let mode = if a & 1 != 0 { "single-active" } else { "all-active" };
            format!("esi-label:{label}:{mode}")
        }
        (0x06, 0x02) => format!("es-import:{}", mac([a, b, c, d, e, f])),
        (0x06, 0x03) => format!("router-mac:{}", mac([a, b, c, d, e, f])),
        // RFC 8955 section 7.
        (0x80, 0x06) => {
            let rate = f32::from_be_bytes([c, d, e, f]);
            format!("traffic-rate:{}:{rate}", u16::from_be_bytes([a, b]))
        }
        (0x80, 0x07) => {
            let flags = [(f & 0x02 != 0, ":sample"), (f & 0x01 != 0, ":terminal")];
            let flags: String = flags.into_iter().filter(|(set, _)| *set).map(|f| f.1).collect();
            format!("traffic-action{flags}")
        }
        (0x80, 0x08) => format!("redirect:{}", route_distinguisher([0, 0, a, b, c, d, e, f])),
        (0x81, 0x08) => format!("redirect:{}", route_distinguisher([0, 1, a, b, c, d, e, f])),
        (0x82, 0x08) => format!("redirect:{}", route_distinguisher([0, 2, a, b, c, d, e, f])),
        (0x80, 0x09) => format!("traffic-marking:{}", f & 0x3f),
        _ => format!("0x{}", hex(&bytes, bytes.len())),
    }
}

fn ipv6_extended_community(bytes: [u8; 20]) -> String {
    let [kind, sub, value @ ..] = bytes;
    let (address, local) = value.split_at(16);
    let address = <[u8; 16]>::try_from(address).map(Ipv6Addr::from);
    let local = <[u8; 2]>::try_from(local).map(u16::from_be_bytes);
    match (kind, sub, address, local) {
        (0x00, 0x02, Ok(address), Ok(local)) => format!("rt:[{address}]:{local}"),
        (0x00, 0x03, Ok(address), Ok(local)) => format!("soo:[{address}]:{local}"),
        _ => format!("0x{}", hex(&bytes, bytes.len())),
    }
}

/// An MPLS label without its traffic class and bottom-of-stack bit (RFC 8277 section 2.2).
pub(super) fn label([a, b, c]: [u8; 3]) -> u32 {
    u32::from_be_bytes([0, a, b, c]) >> 4
}

/// A MAC address.
pub(super) fn mac(bytes: [u8; 6]) -> String {
    let mut text = String::new();
    for (at, byte) in bytes.iter().enumerate() {
        let separator = if at == 0 { "" } else { ":" };
        // A String can always be written.
        let _ = write!(text, "{separator}{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::bytes_of;
    use super::*;

    fn value(code: u8, digits: &str, two_octet_as: bool) -> Option<Value> {
        Attribute { flags: 0x40, code, value: &bytes_of(digits) }.value(two_octet_as)
    }

    fn texts(value: Option<Value>) -> Vec<String> {
        match value {
            Some(
                Value::Communities(texts)
                | Value::ExtendedCommunities(texts)
                | Value::LargeCommunities(texts),
            ) => texts,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn values_are_read_as_the_rfcs_write_them() {
        use SegmentType::{ConfedSequence, ConfedSet, Sequence, Set};
        let v4 = |text: &str| text.parse::<Ipv4Addr>().unwrap();
        let cases = [
            (1, "00", Value::Origin("igp")),
            (1, "02", Value::Origin("incomplete")),
            (2, "", Value::AsPath(vec![])),
            (2, "02010000fde8", Value::AsPath(vec![(Sequence, vec![65000])])),
            (
                2,
                "020100010000010200000001000000020301000000030401 00000004",
                Value::AsPath(vec![
                    (Sequence, vec![65536]),
                    (Set, vec![1, 2]),
                    (ConfedSequence, vec![3]),
                    (ConfedSet, vec![4]),
                ]),
            ),
            (3, "c0000201", Value::NextHop(v4("192.0.2.1"))),
            (4, "00000064", Value::Med(100)),
            (5, "000000c8", Value::LocalPreference(200)),
            (6, "", Value::AtomicAggregate),
            (7, "0000fde8c0000201", Value::Aggregator(65000, v4("192.0.2.1"))),
            (9, "c0000202", Value::OriginatorId(v4("192.0.2.2"))),
            (10, "0a0000010a000002", Value::ClusterList(vec![v4("10.0.0.1"), v4("10.0.0.2")])),
            (26, "01000b0000000000000007", Value::Aigp(7)),
            (26, "09000401 01000b0000000000000008", Value::Aigp(8)),
            (35, "0000fde9", Value::OnlyToCustomer(65001)),
        ];
        for (code, digits, expected) in cases {
            let digits = digits.replace(' ', "");
            assert_eq!(value(code, &digits, false), Some(expected), "{code} {digits}");
        }
        assert_eq!(
            value(2, "0202fde80001", true),
            Some(Value::AsPath(vec![(Sequence, vec![65000, 1])]))
        );
        assert_eq!(value(7, "fde8c0000201", true), Some(Value::Aggregator(65000, v4("192.0.2.1"))));
    }

    #[test]
    fn communities_have_the_words_of_routers() {
        assert_eq!(texts(value(8, "fde80001ffffff01", false)), ["65000:1", "65535:65281"]);
        assert_eq!(texts(value(32, "0000fde80000000100000002", false)), ["65000:1:2"]);
        let extended = [
            ("0002fde800000001", "rt:65000:1"),
            ("0102c00002010001", "rt:192.0.2.1:1"),
            ("0202000100000001", "rt:65536:1"),
            ("0003fde800000002", "soo:65000:2"),
            ("030c000000000008", "encapsulation:8"),
            ("0600010000000005", "mac-mobility:5:sticky"),
            ("0601000000000641", "esi-label:100:all-active"),
            ("0602001122334455", "es-import:00:11:22:33:44:55"),
            ("0603001122334455", "router-mac:00:11:22:33:44:55"),
            ("8006fde800000000", "traffic-rate:65000:0"),
            ("8007000000000003", "traffic-action:sample:terminal"),
            ("8008fde800000007", "redirect:65000:7"),
            ("800900000000002e", "traffic-marking:46"),
            ("4004fde84a989680", "link-bandwidth:65000:5000000"),
            ("4399000000000001", "0x4399000000000001"),
        ];
        for (digits, expected) in extended {
            assert_eq!(texts(value(16, digits, false)), [expected]);
        }
        let ipv6 = "000220010db80000000000000000000000010007";
        assert_eq!(texts(value(25, ipv6, false)), ["rt:[2001:db8::1]:7"]);
    }

    #[test]
    fn what_cannot_be_read_is_nothing() {
        let bad = [
            (1, "03"),
            (1, "0000"),
            (2, "0201fde8"),
            (2, "0900"),
            (2, "02"),
            (3, "c00002"),
            (4, "01"),
            (6, "00"),
            (7, "00"),
            (8, "fde800"),
            (16, "00"),
            (26, "010002"),
            (99, "00"),
        ];
        for (code, digits) in bad {
            assert_eq!(value(code, digits, false), None, "{code} {digits}");
        }
    }

    #[test]
    fn next_hops_of_every_length_are_read() {
        let cases: [(&str, &[&str]); 5] = [
            ("c0000201", &["192.0.2.1"]),
            ("0000000000000000c0000201", &["192.0.2.1"]),
            ("20010db8000000000000000000000001", &["2001:db8::1"]),
            (
                "20010db8000000000000000000000001fe800000000000000000000000000001",
                &["2001:db8::1", "fe80::1"],
            ),
            (
                "000000000000000020010db80000000000000000000000010000000000000000fe800000000000000000000000000001",
                &["2001:db8::1", "fe80::1"],
            ),
        ];
        for (digits, expected) in cases {
            let found = next_hops(&bytes_of(digits)).unwrap();
            assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
        }
        assert_eq!(next_hops(&[1, 2, 3]), None);
        assert_eq!(next_hops(&[]), Some(vec![]));
    }

    #[test]
    fn attributes_around_mp_reach_nlri_are_all_there() {
        let [origin, med] = [[0x40, 1, 1, 0].as_slice(), &[0x80, 4, 4, 0, 0, 0, 5]];
        let mut bytes = Vec::new();
        stored::write_reach(&mut bytes, true, 0x80, origin.len(), &[1; 4], &[origin, med].concat());
        let attributes = Attributes::of_stored(&bytes);
        assert_eq!(attributes.next_hop, Some(&[1; 4][..]));
        assert!(attributes.flips_a);
        assert_eq!(attributes.iter().map(|one| one.code).collect::<Vec<_>>(), [1, 4]);
        let mut bytes = Vec::new();
        stored::write_plain(&mut bytes, false, &[origin, &[0x50, 9, 0, 9, 1]].concat());
        let plain = Attributes::of_stored(&bytes);
        assert_eq!(plain.next_hop, None);
        // The last one is cut off.
        let codes: Vec<_> = plain.iter().map(|one| (one.code, one.value.len())).collect();
        assert_eq!(codes, [(1, 1), (9, 1)]);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_read(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            two_octet_as: bool,
        ) {
            let attributes = Attributes::of_stored(&bytes);
            let _ = attributes.next_hop.map(next_hops);
            for one in attributes.iter() {
                let _ = one.value(two_octet_as);
            }
            for code in 0..=255 {
                let _ = Attribute { flags: 0, code, value: &bytes }.value(two_octet_as);
            }
        }
    }
}
