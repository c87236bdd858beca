//! BMP messages (RFC 7854 section 4). bmpd only writes them.

use std::net::{IpAddr, Ipv4Addr};

use super::family::Family;
use super::stored;

/// The length of the common header.
pub const COMMON_HEADER_LEN: usize = 6;
/// The length of the per-peer header.
pub const PEER_HEADER_LEN: usize = 42;

const VERSION: u8 = 3;

const ROUTE_MONITORING: u8 = 0;
const STATISTICS_REPORT: u8 = 1;
const PEER_DOWN: u8 = 2;
const PEER_UP: u8 = 3;
const INITIATION: u8 = 4;
const TERMINATION: u8 = 5;

/// The peer type of a Loc-RIB (RFC 9069 section 4.1); it has peer flags of its own.
const LOC_RIB: u8 = 3;

const FLAG_IPV6: u8 = 0x80;
const FLAG_POST_POLICY: u8 = 0x40;
const FLAG_TWO_OCTET_AS: u8 = 0x20;
const FLAG_ADJ_RIB_OUT: u8 = 0x10;
/// Of a Loc-RIB.
const FLAG_FILTERED: u8 = 0x80;

/// Which table of a peer a message is about: the peer flags L and O (RFC 7854 section 4.2, RFC 8671 section 4), or F of
/// a Loc-RIB (RFC 9069 section 4.2).
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
    const fn flags(self) -> u8 {
        match self {
            View::AdjRibInPrePolicy | View::LocRib { is_filtered: false } => 0,
            View::AdjRibInPostPolicy => FLAG_POST_POLICY,
            View::AdjRibOutPrePolicy => FLAG_ADJ_RIB_OUT,
            View::AdjRibOutPostPolicy => FLAG_ADJ_RIB_OUT | FLAG_POST_POLICY,
            View::LocRib { is_filtered: true } => FLAG_FILTERED,
        }
    }

    const fn of(peer_type: u8, flags: u8) -> Self {
        match (peer_type, flags & FLAG_ADJ_RIB_OUT != 0, flags & FLAG_POST_POLICY != 0) {
            (LOC_RIB, _, _) => View::LocRib { is_filtered: flags & FLAG_FILTERED != 0 },
            (_, false, false) => View::AdjRibInPrePolicy,
            (_, false, true) => View::AdjRibInPostPolicy,
            (_, true, false) => View::AdjRibOutPrePolicy,
            (_, true, true) => View::AdjRibOutPostPolicy,
        }
    }
}

/// A point in time as BMP carries it: seconds and microseconds since the epoch.
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

    fn peer_type(self) -> u8 {
        match self {
            PeerInstance::Global => 0,
            PeerInstance::Distinguished(_) => 1,
            PeerInstance::Local(_) => 2,
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

/// The per-peer header of one peer (section 4.2), without its timestamp and the flags of a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerHeader([u8; PEER_HEADER_LEN - 8]);

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
        let mut bytes = [0; PEER_HEADER_LEN - 8];
        bytes[0] = instance.peer_type();
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

    /// Reads a header as a router has sent it: the peer, the view and the time. Unknown parts of it stay as they are.
    pub fn read(bytes: &[u8; PEER_HEADER_LEN]) -> (Self, View, Timestamp) {
        let [known @ .., a, b, c, d, e, f, g, h] = *bytes;
        let mut header: [u8; PEER_HEADER_LEN - 8] = known;
        let view = View::of(header[0], header[1]);
        header[1] &= !match header[0] {
            LOC_RIB => FLAG_FILTERED,
            _ => FLAG_POST_POLICY | FLAG_ADJ_RIB_OUT,
        };
        let [seconds, micros] = [[a, b, c, d], [e, f, g, h]].map(u32::from_be_bytes);
        (Self(header), view, Timestamp { seconds, micros })
    }

    fn write(&self, out: &mut Vec<u8>, time: Timestamp) {
        self.write_flags(out, 0, time);
    }

    fn write_view(&self, out: &mut Vec<u8>, view: View, time: Timestamp) {
        self.write_flags(out, view.flags(), time);
    }

    /// The header in one piece: there is one for each message.
    #[inline]
    fn write_flags(&self, out: &mut Vec<u8>, flags: u8, time: Timestamp) {
        let mut bytes = [0; PEER_HEADER_LEN];
        bytes[..34].copy_from_slice(&self.0);
        bytes[1] |= flags;
        bytes[34..38].copy_from_slice(&time.seconds.to_be_bytes());
        bytes[38..].copy_from_slice(&time.micros.to_be_bytes());
        out.extend_from_slice(&bytes);
    }
}

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

/// Why a session ends (section 4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TerminationReason {
    /// 0: administratively closed, might come again.
    AdministrativelyClosed,
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
            TerminationReason::OutOfResources => 2,
            TerminationReason::RedundantConnection => 3,
            TerminationReason::PermanentlyClosed => 4,
        }
    }
}

/// One number of a Statistics Report (section 4.8).
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

/// Appends a message of the given type; `body` writes what follows the common header.
fn message<T>(out: &mut Vec<u8>, kind: u8, body: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    let start = out.len();
    out.extend_from_slice(&[VERSION, 0, 0, 0, 0, kind]);
    let result = body(out);
    let len = ((out.len() - start) as u32).to_be_bytes();
    if let Some(place) = out.get_mut(start + 1..start + 5) {
        place.copy_from_slice(&len);
    }
    result
}

fn tlv(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let value = &value[..value.len().min(usize::from(u16::MAX))];
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&(value.len() as u16).to_be_bytes());
    out.extend_from_slice(value);
}

/// Appends an Initiation with its two mandatory TLVs (section 4.3), and a free-form one for each of
/// `texts` (section 4.4).
pub fn initiation<S: AsRef<str>>(
    out: &mut Vec<u8>,
    system_name: &str,
    system_description: &str,
    texts: &[S],
) {
    message(out, INITIATION, |out| {
        tlv(out, 1, system_description.as_bytes());
        tlv(out, 2, system_name.as_bytes());
        for text in texts {
            tlv(out, 0, text.as_ref().as_bytes());
        }
    });
}

/// Appends a Termination with a reason and a text for people (section 4.5).
pub fn termination(out: &mut Vec<u8>, reason: TerminationReason, text: &str) {
    message(out, TERMINATION, |out| {
        tlv(out, 1, &reason.code().to_be_bytes());
        if !text.is_empty() {
            tlv(out, 0, text.as_bytes());
        }
    });
}

/// The contents of a Peer Up beside the per-peer header (section 4.10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerUp {
    /// The router's address on the BGP connection.
    pub local_address: IpAddr,
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

/// Appends a Peer Up.
pub fn peer_up(out: &mut Vec<u8>, peer: &PeerHeader, time: Timestamp, up: &PeerUp) {
    message(out, PEER_UP, |out| {
        peer.write(out, time);
        match up.local_address {
            IpAddr::V4(v4) => {
                out.extend_from_slice(&[0; 12]);
                out.extend_from_slice(&v4.octets());
            }
            IpAddr::V6(v6) => out.extend_from_slice(&v6.octets()),
        }
        out.extend_from_slice(&up.local_port.to_be_bytes());
        out.extend_from_slice(&up.remote_port.to_be_bytes());
        out.extend_from_slice(&up.sent_open);
        out.extend_from_slice(&up.received_open);
        out.extend_from_slice(&up.information);
    });
}

/// The TLV of a Peer Up with the name of a routing table: that of the peer's VPN instance (RFC 9069 section 5.3).
pub fn table_name(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    tlv(&mut out, 3, name.as_bytes());
    out
}

/// Appends a Peer Down.
pub fn peer_down(out: &mut Vec<u8>, peer: &PeerHeader, time: Timestamp, reason: &PeerDownReason) {
    message(out, PEER_DOWN, |out| {
        peer.write(out, time);
        match reason {
            PeerDownReason::LocalNotification(notification) => {
                out.push(1);
                out.extend_from_slice(notification);
            }
            PeerDownReason::LocalNoNotification(event) => {
                out.push(2);
                out.extend_from_slice(&event.to_be_bytes());
            }
            PeerDownReason::RemoteNotification(notification) => {
                out.push(3);
                out.extend_from_slice(notification);
            }
            PeerDownReason::RemoteNoNotification => out.push(4),
            PeerDownReason::Deconfigured => out.push(5),
            PeerDownReason::Received(reason, data) => {
                out.push(*reason);
                out.extend_from_slice(data);
            }
        }
    });
}

/// What a Route Monitoring message needs at most, in bytes, for stored attributes and routes of the
/// given lengths.
pub fn route_monitoring_room(attributes: usize, nlri: usize) -> usize {
    COMMON_HEADER_LEN + PEER_HEADER_LEN + stored::room(attributes, nlri)
}

/// Appends a Route Monitoring message that announces routes (section 4.6); see [`stored::announce`].
pub fn announce(
    out: &mut Vec<u8>,
    peer: &PeerHeader,
    view: View,
    time: Timestamp,
    family: Family,
    attributes: &[u8],
    nlri: impl FnOnce(&mut Vec<u8>) -> u32,
) -> u32 {
    message(out, ROUTE_MONITORING, |out| {
        peer.write_view(out, view, time);
        stored::announce(out, family, attributes, nlri)
    })
}

/// Appends a Route Monitoring message that withdraws routes, or the End-of-RIB if there are none.
pub fn withdraw(
    out: &mut Vec<u8>,
    peer: &PeerHeader,
    view: View,
    time: Timestamp,
    family: Family,
    nlri: impl FnOnce(&mut Vec<u8>) -> u32,
) -> u32 {
    message(out, ROUTE_MONITORING, |out| {
        peer.write_view(out, view, time);
        stored::withdraw(out, family, nlri)
    })
}

/// Appends a Statistics Report.
pub fn statistics(out: &mut Vec<u8>, peer: &PeerHeader, time: Timestamp, statistics: &[Statistic]) {
    message(out, STATISTICS_REPORT, |out| {
        peer.write(out, time);
        out.extend_from_slice(&(statistics.len() as u32).to_be_bytes());
        for statistic in statistics {
            match statistic {
                Statistic::DuplicateWithdraws(n) => tlv(out, 2, &n.to_be_bytes()),
                Statistic::AdjRibIn(n) => tlv(out, 7, &n.to_be_bytes()),
                Statistic::AdjRibInFamily(family, n) => {
                    let mut value = [0; 11];
                    value[..2].copy_from_slice(&family.afi.to_be_bytes());
                    value[2] = family.safi;
                    value[3..].copy_from_slice(&n.to_be_bytes());
                    tlv(out, 9, &value);
                }
                Statistic::Received(kind, value) => tlv(out, *kind, value),
                Statistic::UpdatesTreatedAsWithdraw(n) => tlv(out, 11, &n.to_be_bytes()),
                Statistic::PrefixesTreatedAsWithdraw(n) => tlv(out, 12, &n.to_be_bytes()),
            }
        }
    });
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

    #[test]
    fn an_ipv4_peer_has_twelve_zero_bytes_and_the_flags_are_those_of_the_rfc() {
        let mut out = Vec::new();
        header("10.0.0.1", false).write(&mut out, TIME);
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

    proptest! {
        #[test]
        fn a_header_is_sent_on_as_a_router_sent_it(mut bytes: [u8; PEER_HEADER_LEN], peer_type in 0u8..5) {
            bytes[0] = peer_type;
            let (header, view, time) = PeerHeader::read(&bytes);
            let mut out = Vec::new();
            header.write_view(&mut out, view, time);
            prop_assert_eq!(&out, &bytes);
        }
    }

    #[test]
    fn the_view_is_in_the_flags_of_the_type_of_peer() {
        let view = |peer_type: u8, flags: u8| {
            let mut bytes = [0; PEER_HEADER_LEN];
            bytes[..2].copy_from_slice(&[peer_type, flags]);
            let (header, view, _) = PeerHeader::read(&bytes);
            (view, header.0[1])
        };
        assert_eq!(view(0, 0xa0), (View::AdjRibInPrePolicy, 0xa0));
        assert_eq!(view(1, 0xc0), (View::AdjRibInPostPolicy, 0x80));
        assert_eq!(view(2, 0x10), (View::AdjRibOutPrePolicy, 0));
        assert_eq!(view(0, 0x58), (View::AdjRibOutPostPolicy, 0x08));
        assert_eq!(view(3, 0x80), (View::LocRib { is_filtered: true }, 0));
        assert_eq!(view(3, 0x50), (View::LocRib { is_filtered: false }, 0x50));
    }

    #[test]
    fn reasons_and_statistics_of_a_router_are_sent_on_as_they_came() {
        let (mut out, peer) = (Vec::new(), header("10.0.0.1", false));
        peer_down(&mut out, &peer, TIME, &PeerDownReason::Received(6, vec![0, 3, 0, 1, b'x']));
        assert_eq!(out[COMMON_HEADER_LEN + PEER_HEADER_LEN..], [6, 0, 3, 0, 1, b'x']);
        out.clear();
        statistics(&mut out, &peer, TIME, &[Statistic::Received(65531, vec![1, 2, 3])]);
        let expected = [0, 0, 0, 1, 0xff, 0xfb, 0, 3, 1, 2, 3];
        assert_eq!(out[COMMON_HEADER_LEN + PEER_HEADER_LEN..], expected);
    }

    #[test]
    fn a_peer_up_names_the_table_behind_the_opens() {
        let mut up = PeerUp {
            local_address: "10.0.0.9".parse().unwrap(),
            local_port: 179,
            remote_port: 40000,
            sent_open: vec![1; 29],
            received_open: vec![2; 29],
            information: Vec::new(),
        };
        let mut out = Vec::new();
        peer_up(&mut out, &header("10.0.0.1", false), TIME, &up);
        let plain = out.len();
        assert_eq!(plain, 48 + 20 + 58);
        out.clear();
        up.information = table_name("red");
        peer_up(&mut out, &header("10.0.0.1", false), TIME, &up);
        assert_eq!(out[plain..], [0, 3, 0, 3, b'r', b'e', b'd']);
        assert_eq!(out[1..6], [0, 0, 0, out.len() as u8, 3]);
    }

    #[test]
    fn per_family_gauges_have_eleven_bytes_counters_four_and_gauges_eight() {
        let mut out = Vec::new();
        let numbers = [
            Statistic::AdjRibIn(5),
            Statistic::AdjRibInFamily(Family::IPV6_UNICAST, 5),
            Statistic::UpdatesTreatedAsWithdraw(1),
        ];
        statistics(&mut out, &header("10.0.0.1", false), TIME, &numbers);
        assert_eq!(out[..6], [3, 0, 0, 0, out.len() as u8, 1]);
        let body = &out[48..];
        assert_eq!(body[..4], [0, 0, 0, 3]);
        assert_eq!(body[4..16], [0, 7, 0, 8, 0, 0, 0, 0, 0, 0, 0, 5]);
        assert_eq!(body[16..31], [0, 9, 0, 11, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 5]);
        assert_eq!(body[31..], [0, 11, 0, 4, 0, 0, 0, 1]);
    }

    #[test]
    fn a_peer_down_carries_what_belongs_to_its_reason() {
        let cases = [
            (PeerDownReason::LocalNotification(vec![9, 9]), &[1, 9, 9][..]),
            (PeerDownReason::LocalNoNotification(2), &[2, 0, 2]),
            (PeerDownReason::RemoteNotification(vec![8]), &[3, 8]),
            (PeerDownReason::RemoteNoNotification, &[4]),
            (PeerDownReason::Deconfigured, &[5]),
        ];
        for (reason, expected) in cases {
            let mut out = Vec::new();
            peer_down(&mut out, &header("10.0.0.1", false), TIME, &reason);
            assert_eq!(&out[48..], expected);
            assert_eq!(out[1..6], [0, 0, 0, out.len() as u8, 2]);
        }
    }

    #[test]
    fn initiation_and_termination_have_their_tlvs() {
        let mut out = Vec::new();
        initiation::<&str>(&mut out, "edge1", "d", &[]);
        assert_eq!(
            out,
            [&[3, 0, 0, 0, 20, 4, 0, 1, 0, 1, b'd', 0, 2, 0, 5][..], b"edge1"].concat()
        );
        out.clear();
        initiation(&mut out, "n", "d", &["rack 7", ""]);
        assert_eq!(
            out[6..],
            [&[0, 1, 0, 1, b'd', 0, 2, 0, 1, b'n', 0, 0, 0, 6][..], b"rack 7", &[0, 0, 0, 0]]
                .concat()
        );
        out.clear();
        termination(&mut out, TerminationReason::PermanentlyClosed, "");
        assert_eq!(out, [3, 0, 0, 0, 12, 5, 0, 1, 0, 2, 0, 4]);
    }
}
