//! The per-peer header (RFC 7854 section 4.2, RFC 8671 section 4, RFC 9069 section 4): which peer a message is
//! about, which of its tables, and when.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The length of the per-peer header.
pub const PEER_HEADER_LEN: usize = 42;

/// Without the timestamp.
const KEPT_LEN: usize = PEER_HEADER_LEN - 8;

const FLAG_IPV6: u8 = 0x80;
const FLAG_POST_POLICY: u8 = 0x40;
const FLAG_TWO_OCTET_AS: u8 = 0x20;
const FLAG_ADJ_RIB_OUT: u8 = 0x10;
/// Of a Loc-RIB, whose peer flags are others (RFC 9069 section 4.2).
const FLAG_FILTERED: u8 = 0x80;

/// The Peer Type: what the distinguisher and the address of a per-peer header mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeerType {
    /// 0: a peer in the public instance (RFC 7854 section 4.2).
    GlobalInstance,
    /// 1: a peer in a VPN instance with a route distinguisher (RFC 7854 section 4.2).
    RdInstance,
    /// 2: a peer in an instance that only a number of the router's own distinguishes (RFC 7854 section 4.2).
    LocalInstance,
    /// 3: the Loc-RIB of an instance (RFC 9069 section 4.1).
    LocRibInstance,
}

impl PeerType {
    /// The name that people read.
    pub fn name(self) -> &'static str {
        match self {
            PeerType::GlobalInstance => "global",
            PeerType::RdInstance => "rd",
            PeerType::LocalInstance => "local",
            PeerType::LocRibInstance => "loc-rib",
        }
    }

    const fn code(self) -> u8 {
        match self {
            PeerType::GlobalInstance => 0,
            PeerType::RdInstance => 1,
            PeerType::LocalInstance => 2,
            PeerType::LocRibInstance => 3,
        }
    }

    const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(PeerType::GlobalInstance),
            1 => Some(PeerType::RdInstance),
            2 => Some(PeerType::LocalInstance),
            3 => Some(PeerType::LocRibInstance),
            _ => None,
        }
    }

    /// The flags that say something about the peer itself.
    const fn flags_of_peer(self) -> u8 {
        match self {
            PeerType::LocRibInstance => 0,
            _ => FLAG_IPV6 | FLAG_TWO_OCTET_AS,
        }
    }
}

/// Which table of a peer a message is about: the peer flags L and O (RFC 7854 section 4.2, RFC 8671 section 4), or F
/// of a Loc-RIB (RFC 9069 section 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum View {
    /// What the peer has sent.
    AdjRibInPrePolicy,
    /// What was left of that by the router's policy.
    AdjRibInPostPolicy,
    /// What the router would send to the peer.
    AdjRibOutPrePolicy,
    /// What was left of that by the router's policy.
    AdjRibOutPostPolicy,
    /// What the router uses.
    LocRib {
        /// True if only a part of it is reported.
        is_filtered: bool,
    },
}

impl View {
    /// Every view; a Loc-RIB that is not filtered stands for any.
    pub const ALL: [View; 5] = [
        View::AdjRibInPrePolicy,
        View::AdjRibInPostPolicy,
        View::AdjRibOutPrePolicy,
        View::AdjRibOutPostPolicy,
        View::LocRib { is_filtered: false },
    ];

    /// The name used in the configuration and in what people read, such as `adj-rib-in-pre-policy`.
    pub fn name(self) -> &'static str {
        match self {
            View::AdjRibInPrePolicy => "adj-rib-in-pre-policy",
            View::AdjRibInPostPolicy => "adj-rib-in-post-policy",
            View::AdjRibOutPrePolicy => "adj-rib-out-pre-policy",
            View::AdjRibOutPostPolicy => "adj-rib-out-post-policy",
            View::LocRib { .. } => "loc-rib",
        }
    }

    const fn flags(self) -> u8 {
        match self {
            View::AdjRibInPrePolicy | View::LocRib { is_filtered: false } => 0,
            View::AdjRibInPostPolicy => FLAG_POST_POLICY,
            View::AdjRibOutPrePolicy => FLAG_ADJ_RIB_OUT,
            View::AdjRibOutPostPolicy => FLAG_ADJ_RIB_OUT | FLAG_POST_POLICY,
            View::LocRib { is_filtered: true } => FLAG_FILTERED,
        }
    }

    const fn of(peer_type: PeerType, flags: u8) -> Self {
        match (peer_type, flags & FLAG_ADJ_RIB_OUT != 0, flags & FLAG_POST_POLICY != 0) {
            (PeerType::LocRibInstance, _, _) => {
                View::LocRib { is_filtered: flags & FLAG_FILTERED != 0 }
            }
            (_, false, false) => View::AdjRibInPrePolicy,
            (_, false, true) => View::AdjRibInPostPolicy,
            (_, true, false) => View::AdjRibOutPrePolicy,
            (_, true, true) => View::AdjRibOutPostPolicy,
        }
    }
}

/// A point in time as BMP carries it: seconds and microseconds since the epoch. Zero: unknown (RFC 7854 section 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub seconds: u32,
    /// Microseconds within the second.
    pub micros: u32,
}

/// The routing instance in which a neighbor is: the Peer Type and the Peer Distinguisher (section 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerInstance {
    /// 0: the public one; the distinguisher is zero.
    Global,
    /// 1: a VPN instance with this route distinguisher.
    Distinguished([u8; 8]),
    /// 2: a VPN instance without one. The number only distinguishes the instances of this bmpd.
    Local([u8; 8]),
}

impl PeerInstance {
    /// The instance with this name, `None` being the public one, and this route distinguisher.
    ///
    /// Without a route distinguisher the number is a hash of the name (64-bit FNV-1a, folded to 48 bits):
    /// it must stay the same after a restart and a change of the configuration, so that stations, which
    /// identify a peer by it, find their peers again. A list on disk would not do better, and with a
    /// handful of names a collision is very unlikely. Any eight bytes would do, but some stations read
    /// them as a route distinguisher here too, and drop the connection over one of an unknown type: it
    /// looks like one of type 0.
    pub fn new(vpn_instance: Option<&str>, route_distinguisher: Option<[u8; 8]>) -> Self {
        match (vpn_instance, route_distinguisher) {
            (None, _) => PeerInstance::Global,
            (Some(_), Some(distinguisher)) => PeerInstance::Distinguished(distinguisher),
            (Some(name), None) => {
                let hash = fnv_1a(name.as_bytes());
                PeerInstance::Local(((hash >> 48) ^ (hash & 0xffff_ffff_ffff)).to_be_bytes())
            }
        }
    }

    fn peer_type(self) -> PeerType {
        match self {
            PeerInstance::Global => PeerType::GlobalInstance,
            PeerInstance::Distinguished(_) => PeerType::RdInstance,
            PeerInstance::Local(_) => PeerType::LocalInstance,
        }
    }

    fn distinguisher(self) -> [u8; 8] {
        match self {
            PeerInstance::Global => [0; 8],
            PeerInstance::Distinguished(bytes) | PeerInstance::Local(bytes) => bytes,
        }
    }
}

fn fnv_1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// What distinguishes the peers of one router. Never the address alone: those of different instances overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeerIdentity {
    /// A BGP peer (RFC 7854 section 4.2).
    Peer {
        /// The type, not that of a Loc-RIB.
        peer_type: PeerType,
        /// The instance.
        distinguisher: [u8; 8],
        /// The V flag.
        is_ipv6: bool,
        /// The Peer Address field.
        address: [u8; 16],
    },
    /// A Loc-RIB (RFC 9069 section 4.1). All of them have the address zero.
    LocRib {
        /// The instance.
        distinguisher: [u8; 8],
        /// The instance's BGP Identifier.
        bgp_id: Ipv4Addr,
    },
}

/// The per-peer header of one peer, without its timestamp and the flags of a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerHeader([u8; KEPT_LEN]);

impl PeerHeader {
    /// The header of a peer of our own.
    ///
    /// `two_octet_as` is true if the AS_PATHs of this neighbor have two-octet numbers (the A flag).
    pub fn new(
        instance: PeerInstance,
        address: IpAddr,
        asn: u32,
        bgp_id: Ipv4Addr,
        two_octet_as: bool,
    ) -> Self {
        let mut bytes = [0; KEPT_LEN];
        bytes[0] = instance.peer_type().code();
        bytes[2..10].copy_from_slice(&instance.distinguisher());
        let mut flags = if two_octet_as { FLAG_TWO_OCTET_AS } else { 0 };
        match address {
            IpAddr::V4(v4) => bytes[22..26].copy_from_slice(&v4.octets()),
            IpAddr::V6(v6) => {
                flags |= FLAG_IPV6;
                bytes[10..26].copy_from_slice(&v6.octets());
            }
        }
        bytes[1] = flags;
        bytes[26..30].copy_from_slice(&asn.to_be_bytes());
        bytes[30..34].copy_from_slice(&bgp_id.octets());
        Self(bytes)
    }

    /// Reads a header as a router has sent it: the peer, the view and the time. `None` if the peer type is unknown:
    /// then the meaning of the flags is, too.
    ///
    /// Reserved flags are cleared: they are to be ignored, and sent as 0 (RFC 7854 section 4.2, RFC 9069 section
    /// 4.2).
    pub fn read(bytes: &[u8; PEER_HEADER_LEN]) -> Option<(Self, View, Timestamp)> {
        let [known @ .., a, b, c, d, e, f, g, h] = *bytes;
        let mut bytes: [u8; KEPT_LEN] = known;
        let peer_type = PeerType::from_code(bytes[0])?;
        let view = View::of(peer_type, bytes[1]);
        bytes[1] &= peer_type.flags_of_peer();
        let [seconds, micros] = [[a, b, c, d], [e, f, g, h]].map(u32::from_be_bytes);
        Some((Self(bytes), view, Timestamp { seconds, micros }))
    }

    /// The Peer Type.
    pub fn peer_type(&self) -> PeerType {
        // No header has another one.
        PeerType::from_code(self.0[0]).unwrap_or(PeerType::GlobalInstance)
    }

    /// True if AS_PATHs have two-octet AS numbers: the A flag, which a Loc-RIB does not have (RFC 9069 section
    /// 5.4.1).
    pub fn is_two_octet_as(&self) -> bool {
        self.0[1] & FLAG_TWO_OCTET_AS != 0
    }

    /// True if the addresses of the BGP connection are IPv6: the V flag, which a Loc-RIB does not have.
    pub fn is_ipv6(&self) -> bool {
        self.0[1] & FLAG_IPV6 != 0
    }

    /// The Peer Distinguisher.
    pub fn distinguisher(&self) -> [u8; 8] {
        self.field(2)
    }

    /// The peer's address; 0.0.0.0 of a Loc-RIB.
    pub fn address(&self) -> IpAddr {
        address(self.field(10), self.is_ipv6())
    }

    /// The peer's AS number.
    pub fn asn(&self) -> u32 {
        u32::from_be_bytes(self.field(26))
    }

    /// The peer's BGP Identifier.
    pub fn bgp_id(&self) -> Ipv4Addr {
        Ipv4Addr::from(self.field::<4>(30))
    }

    /// What distinguishes this peer from the others of the same router.
    pub fn identity(&self) -> PeerIdentity {
        let distinguisher = self.distinguisher();
        match self.peer_type() {
            PeerType::LocRibInstance => {
                PeerIdentity::LocRib { distinguisher, bgp_id: self.bgp_id() }
            }
            peer_type @ (PeerType::GlobalInstance
            | PeerType::RdInstance
            | PeerType::LocalInstance) => PeerIdentity::Peer {
                peer_type,
                distinguisher,
                is_ipv6: self.is_ipv6(),
                address: self.field(10),
            },
        }
    }

    fn field<const N: usize>(&self, at: usize) -> [u8; N] {
        let field = self.0.get(at..).and_then(|rest| rest.first_chunk::<N>());
        field.copied().unwrap_or([0; N])
    }

    #[inline]
    pub(super) fn write(&self, out: &mut Vec<u8>, view: View, time: Timestamp) {
        self.write_with(out, view, time, 0);
    }

    /// The header in one piece: there is one for each message. The flags in `inverted` are inverted.
    #[inline]
    pub(super) fn write_with(&self, out: &mut Vec<u8>, view: View, time: Timestamp, inverted: u8) {
        let mut bytes = [0; PEER_HEADER_LEN];
        bytes[..KEPT_LEN].copy_from_slice(&self.0);
        bytes[1] = (bytes[1] | view.flags()) ^ inverted;
        bytes[34..38].copy_from_slice(&time.seconds.to_be_bytes());
        bytes[38..].copy_from_slice(&time.micros.to_be_bytes());
        out.extend_from_slice(&bytes);
    }
}

/// The address in a field of 16 bytes: IPv6, or IPv4 in the last four (RFC 7854 sections 4.2 and 4.10).
pub(super) fn address(field: [u8; 16], is_ipv6: bool) -> IpAddr {
    let [.., a, b, c, d] = field;
    if is_ipv6 { Ipv6Addr::from(field).into() } else { Ipv4Addr::new(a, b, c, d).into() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TIME: Timestamp = Timestamp { seconds: 0x0102_0304, micros: 0x0005_0607 };

    fn header_in(instance: PeerInstance, address: &str, two_octet_as: bool) -> PeerHeader {
        let (address, id) = (address.parse().unwrap(), Ipv4Addr::new(192, 0, 2, 9));
        PeerHeader::new(instance, address, 65001, id, two_octet_as)
    }

    fn header(address: &str, two_octet_as: bool) -> PeerHeader {
        header_in(PeerInstance::Global, address, two_octet_as)
    }

    /// A header of this type with these flags and nothing else.
    fn with_flags(peer_type: u8, flags: u8) -> [u8; PEER_HEADER_LEN] {
        let mut bytes = [0; PEER_HEADER_LEN];
        bytes[..2].copy_from_slice(&[peer_type, flags]);
        bytes
    }

    #[test]
    fn an_ipv4_peer_has_twelve_zero_bytes_and_the_flags_are_those_of_the_rfc() {
        let mut out = Vec::new();
        header("10.0.0.1", false).write(&mut out, View::AdjRibInPrePolicy, TIME);
        let mut expected = vec![0; 22];
        expected.extend_from_slice(&[
            10, 0, 0, 1, 0, 0, 0xfd, 0xe9, 192, 0, 2, 9, 1, 2, 3, 4, 0, 5, 6, 7,
        ]);
        assert_eq!(out, expected);
        assert_eq!(header("10.0.0.1", true).0[1], 0x20);
        let v6 = header("2001:db8::1", false);
        assert_eq!((v6.0[1], &v6.0[10..14]), (0x80, &[0x20, 1, 0xd, 0xb8][..]));
    }

    #[test]
    fn the_instance_is_in_the_peer_type_and_the_distinguisher() {
        let of = |instance| header_in(instance, "10.0.0.1", false).0[..10].to_vec();
        let distinguisher = [0, 0, 0xfd, 0xe8, 0, 0, 0, 7];
        assert_eq!(of(PeerInstance::new(None, None)), [0; 10]);
        assert_eq!(
            of(PeerInstance::new(Some("red"), Some(distinguisher))),
            [&[1, 0], &distinguisher[..]].concat()
        );
        // The hash of "a" that the authors of FNV publish is af63dc4c8601ec8c: it must never change.
        assert_eq!(
            of(PeerInstance::new(Some("a"), None)),
            [2, 0, 0, 0, 0xdc, 0x4c, 0x86, 0x01, 0xec ^ 0xaf, 0x8c ^ 0x63]
        );
    }

    #[test]
    fn the_view_is_in_the_flags_of_the_type_of_peer_and_reserved_flags_are_cleared() {
        let read = |peer_type: u8, flags: u8| {
            let (header, view, _) = PeerHeader::read(&with_flags(peer_type, flags)).unwrap();
            (view, header.0[1])
        };
        assert_eq!(read(0, 0xa0), (View::AdjRibInPrePolicy, 0xa0));
        assert_eq!(read(1, 0xc0), (View::AdjRibInPostPolicy, 0x80));
        assert_eq!(read(2, 0x10), (View::AdjRibOutPrePolicy, 0));
        assert_eq!(read(0, 0x5f), (View::AdjRibOutPostPolicy, 0));
        assert_eq!(read(0, 0xff), (View::AdjRibOutPostPolicy, 0xa0));
        assert_eq!(read(3, 0xff), (View::LocRib { is_filtered: true }, 0));
        assert_eq!(read(3, 0x7f), (View::LocRib { is_filtered: false }, 0));
        assert_eq!(PeerHeader::read(&with_flags(4, 0)), None);
        assert_eq!(PeerHeader::read(&with_flags(255, 0xff)), None);
    }

    #[test]
    fn a_loc_rib_has_neither_an_address_nor_two_octet_as_numbers() {
        let (header, ..) = PeerHeader::read(&with_flags(3, 0xff)).unwrap();
        assert_eq!(header.peer_type(), PeerType::LocRibInstance);
        assert!(!header.is_two_octet_as() && !header.is_ipv6());
        assert_eq!(header.address(), IpAddr::from([0, 0, 0, 0]));
    }

    #[test]
    fn the_fields_of_a_header_read_back() {
        let distinguisher = [0, 0, 0xfd, 0xe8, 0, 0, 0, 7];
        let instance = PeerInstance::Distinguished(distinguisher);
        for (address, two_octet_as) in [("10.0.0.1", true), ("2001:db8::1", false)] {
            let header = header_in(instance, address, two_octet_as);
            assert_eq!(header.peer_type(), PeerType::RdInstance);
            assert_eq!(header.distinguisher(), distinguisher);
            assert_eq!(header.address().to_string(), address);
            assert_eq!(header.is_ipv6(), address.contains(':'));
            assert_eq!(header.is_two_octet_as(), two_octet_as);
            assert_eq!((header.asn(), header.bgp_id()), (65001, Ipv4Addr::new(192, 0, 2, 9)));
        }
    }

    #[test]
    fn a_peer_is_known_by_its_instance_its_address_and_the_v_flag() {
        let identity = |at: usize, value: u8, peer_type: u8| {
            let mut bytes = with_flags(peer_type, 0);
            bytes[at] = value;
            PeerHeader::read(&bytes).unwrap().0.identity()
        };
        let same = |at: usize, value: u8, peer_type: u8| {
            identity(at, value, peer_type) == identity(at, 0, peer_type)
        };
        // The flags; a byte of the distinguisher, the address, the AS number, the BGP Identifier and the time.
        let cases: [(usize, u8, bool, bool); 9] = [
            (1, 0x80, false, true),
            (1, 0x40, true, true),
            (1, 0x20, true, true),
            (1, 0x10, true, true),
            (9, 1, false, false),
            (25, 1, false, true),
            (29, 1, true, true),
            (33, 1, true, false),
            (41, 1, true, true),
        ];
        for (at, value, peers, loc_ribs) in cases {
            for peer_type in 0..3 {
                assert_eq!(same(at, value, peer_type), peers, "byte {at} of type {peer_type}");
            }
            assert_eq!(same(at, value, 3), loc_ribs, "byte {at} of a Loc-RIB");
        }
        let all = [0, 1, 2, 3].map(|peer_type| identity(0, peer_type, peer_type));
        for (number, one) in all.iter().enumerate() {
            assert!(!all[..number].contains(one));
        }
    }

    proptest! {
        #[test]
        fn a_header_is_sent_as_a_router_sent_it_without_reserved_flags(
            mut bytes: [u8; PEER_HEADER_LEN],
            peer_type in 0u8..4,
        ) {
            bytes[0] = peer_type;
            let (header, view, time) = PeerHeader::read(&bytes).unwrap();
            let mut out = Vec::new();
            header.write(&mut out, view, time);
            bytes[1] &= if peer_type == 3 { 0x80 } else { 0xf0 };
            prop_assert_eq!(&out, &bytes);
            prop_assert_eq!(PeerHeader::read(&bytes), Some((header, view, time)));
        }
    }
}
