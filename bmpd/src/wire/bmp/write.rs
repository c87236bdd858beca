//! Writing BMP for stations (RFC 7854 section 4).

use super::{
    COMMON_HEADER_LEN, INITIATION, PEER_DOWN, PEER_HEADER_LEN, PEER_UP, PeerDownReason, PeerHeader,
    PeerUp, REASON, ROUTE_MIRRORING, ROUTE_MONITORING, STATISTICS_REPORT, STRING, SYS_DESCR,
    SYS_NAME, Statistic, TABLE_NAME, TERMINATION, TerminationReason, Timestamp, VERSION, View,
};
use crate::wire::bgp::{self, MessageType};
use crate::wire::family::Family;
use crate::wire::stored;

/// Appends a message of the given type; `body` writes what follows the common header.
pub(super) fn message<T>(out: &mut Vec<u8>, kind: u8, body: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    let start = out.len();
    out.extend_from_slice(&[VERSION, 0, 0, 0, 0, kind]);
    let result = body(out);
    let len = ((out.len() - start) as u32).to_be_bytes();
    if let Some(place) = out.get_mut(start + 1..start + 5) {
        place.copy_from_slice(&len);
    }
    result
}

pub(super) fn tlv(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let value = &value[..value.len().min(usize::from(u16::MAX))];
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&(value.len() as u16).to_be_bytes());
    out.extend_from_slice(value);
}

fn strings<S: AsRef<str>>(out: &mut Vec<u8>, texts: &[S]) {
    texts.iter().for_each(|text| tlv(out, STRING, text.as_ref().as_bytes()));
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
        tlv(out, SYS_DESCR, system_description.as_bytes());
        tlv(out, SYS_NAME, system_name.as_bytes());
        strings(out, texts);
    });
}

/// Appends an Initiation with these TLVs of a router, and a free-form one for each of `texts` after them (section
/// 4.4).
pub fn initiation_with<S: AsRef<str>>(out: &mut Vec<u8>, tlvs: &[u8], texts: &[S]) {
    message(out, INITIATION, |out| {
        out.extend_from_slice(tlvs);
        strings(out, texts);
    });
}

/// Appends a Route Mirroring message as a router has sent it, and says in it that others before it were lost (section
/// 4.7).
pub fn mirroring_after_loss(out: &mut Vec<u8>, received: &[u8]) {
    const INFORMATION: u16 = 1;
    const MESSAGES_LOST: u16 = 1;
    let headers = received.get(COMMON_HEADER_LEN..COMMON_HEADER_LEN + PEER_HEADER_LEN);
    let tlvs = received.get(COMMON_HEADER_LEN + PEER_HEADER_LEN..);
    message(out, ROUTE_MIRRORING, |out| {
        out.extend_from_slice(headers.unwrap_or_default());
        // The BGP Message TLV must be the last one.
        tlv(out, INFORMATION, &MESSAGES_LOST.to_be_bytes());
        out.extend_from_slice(tlvs.unwrap_or_default());
    });
}

/// Appends a Route Monitoring message that a router has sent, with the body of another UPDATE.
pub fn monitoring_with(out: &mut Vec<u8>, received: &[u8], update: &[u8]) {
    let header = received.get(COMMON_HEADER_LEN..COMMON_HEADER_LEN + PEER_HEADER_LEN);
    message(out, ROUTE_MONITORING, |out| {
        out.extend_from_slice(header.unwrap_or_default());
        bgp::encode(out, MessageType::Update, update);
    });
}

/// Appends a Termination with a reason and a text for people (section 4.5).
pub fn termination(out: &mut Vec<u8>, reason: TerminationReason, text: &str) {
    message(out, TERMINATION, |out| {
        tlv(out, REASON, &reason.code().to_be_bytes());
        if !text.is_empty() {
            tlv(out, STRING, text.as_bytes());
        }
    });
}

/// Appends a Termination with these TLVs of a router.
pub fn termination_with(out: &mut Vec<u8>, tlvs: &[u8]) {
    message(out, TERMINATION, |out| out.extend_from_slice(tlvs));
}

/// Appends a Peer Up.
///
/// In Peer Up, Peer Down and Statistics Report messages the flags L and O have no meaning (RFC 8671 section 6); F of
/// a Loc-RIB has (RFC 9069 section 4.2).
pub fn peer_up(out: &mut Vec<u8>, peer: &PeerHeader, view: View, time: Timestamp, up: &PeerUp) {
    message(out, PEER_UP, |out| {
        peer.write(out, view, time);
        out.extend_from_slice(&up.local_address.0);
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
    tlv(&mut out, TABLE_NAME, name.as_bytes());
    out
}

/// Appends a Peer Down.
pub fn peer_down(
    out: &mut Vec<u8>,
    peer: &PeerHeader,
    view: View,
    time: Timestamp,
    reason: &PeerDownReason,
) {
    message(out, PEER_DOWN, |out| {
        peer.write(out, view, time);
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

/// Appends a Route Monitoring message that announces routes (section 4.6); see [`stored::announce`]. The attributes
/// may invert the A flag of the per-peer header; see [`stored`].
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
        peer.write_with(out, view, time, stored::inverted_flags(attributes));
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
        peer.write(out, view, time);
        stored::withdraw(out, family, nlri)
    })
}

/// Appends a Statistics Report.
pub fn statistics(
    out: &mut Vec<u8>,
    peer: &PeerHeader,
    view: View,
    time: Timestamp,
    statistics: &[Statistic],
) {
    message(out, STATISTICS_REPORT, |out| {
        peer.write(out, view, time);
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
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::wire::bmp::{Message, PeerInstance};
    use crate::wire::update::Update;

    const TIME: Timestamp = Timestamp { seconds: 0x0102_0304, micros: 0x0005_0607 };
    const VIEW: View = View::AdjRibInPrePolicy;

    fn header() -> PeerHeader {
        let (address, id) = (IpAddr::from([10, 0, 0, 1]), Ipv4Addr::new(192, 0, 2, 9));
        PeerHeader::new(PeerInstance::Global, address, 65001, id, false)
    }

    #[test]
    fn reasons_and_statistics_of_a_router_are_sent_on_as_they_came() {
        let (mut out, peer) = (Vec::new(), header());
        peer_down(
            &mut out,
            &peer,
            VIEW,
            TIME,
            &PeerDownReason::Received(6, vec![0, 3, 0, 1, b'x']),
        );
        assert_eq!(out[COMMON_HEADER_LEN + PEER_HEADER_LEN..], [6, 0, 3, 0, 1, b'x']);
        out.clear();
        statistics(&mut out, &peer, VIEW, TIME, &[Statistic::Received(65531, vec![1, 2, 3])]);
        let expected = [0, 0, 0, 1, 0xff, 0xfb, 0, 3, 1, 2, 3];
        assert_eq!(out[COMMON_HEADER_LEN + PEER_HEADER_LEN..], expected);
    }

    #[test]
    fn a_peer_up_names_the_table_behind_the_opens() {
        let mut up = PeerUp {
            local_address: IpAddr::from([10, 0, 0, 9]).into(),
            local_port: 179,
            remote_port: 40000,
            sent_open: vec![1; 29],
            received_open: vec![2; 29],
            information: Vec::new(),
        };
        let mut out = Vec::new();
        peer_up(&mut out, &header(), VIEW, TIME, &up);
        let plain = out.len();
        assert_eq!(plain, 48 + 20 + 58);
        out.clear();
        up.information = table_name("red");
        peer_up(&mut out, &header(), VIEW, TIME, &up);
        assert_eq!(out[plain..], [0, 3, 0, 3, b'r', b'e', b'd']);
        assert_eq!(out[1..6], [0, 0, 0, out.len() as u8, 3]);
    }

    #[test]
    fn a_set_of_attributes_may_invert_the_a_flag_of_its_message() {
        let body = [0, 0, 0, 4, 0x40, 1, 1, 0, 8, 10];
        let mut kept = Vec::new();
        let update = Update::parse_verbatim(&body, &mut kept).unwrap();
        let (address, id) = (IpAddr::from([10, 0, 0, 1]), Ipv4Addr::new(192, 0, 2, 9));
        for (two_octet_as, flips_a) in [(false, false), (false, true), (true, false), (true, true)]
        {
            let peer = PeerHeader::new(PeerInstance::Global, address, 65001, id, two_octet_as);
            let (mut stored, mut out) = (Vec::new(), Vec::new());
            update.store_plain(flips_a, &mut stored);
            let view = View::AdjRibInPostPolicy;
            announce(&mut out, &peer, view, TIME, Family::IPV4_UNICAST, &stored, |out| {
                out.extend_from_slice(&[8, 10]);
                1
            });
            let Ok(Message::RouteMonitoring { peer: read, update }) =
                Message::parse(ROUTE_MONITORING, &out[COMMON_HEADER_LEN..])
            else {
                panic!()
            };
            assert_eq!(read.header.is_two_octet_as(), two_octet_as ^ flips_a);
            assert_eq!((read.view, read.time, update), (view, TIME, &body[..]));
        }
    }

    #[test]
    fn per_family_gauges_have_eleven_bytes_counters_four_and_gauges_eight() {
        let mut out = Vec::new();
        let numbers = [
            Statistic::AdjRibIn(5),
            Statistic::AdjRibInFamily(Family::IPV6_UNICAST, 5),
            Statistic::UpdatesTreatedAsWithdraw(1),
        ];
        statistics(&mut out, &header(), VIEW, TIME, &numbers);
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
            peer_down(&mut out, &header(), VIEW, TIME, &reason);
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
