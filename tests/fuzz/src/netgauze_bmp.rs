//! What netgauze reads in BMP messages of a router, compared with what bmpd does.

use std::net::{IpAddr, Ipv4Addr};

use bmpd::wire::bgp::{self, MessageType};
use bmpd::wire::bmp::{
    COMMON_HEADER_LEN, MalformedMessage, Message, Peer, PeerHeader, PeerType, PeerUp, Timestamp,
    View,
};
use netgauze_bgp_pkt::BgpMessage;
use netgauze_bgp_pkt::nlri::RouteDistinguisher;
use netgauze_bgp_pkt::wire::deserializer::BgpParsingContext;
use netgauze_bmp_pkt::v3::{BmpMessageValue, InitiationInformation, PeerUpNotificationMessage};
use netgauze_bmp_pkt::wire::deserializer::BmpParsingContext;
use netgauze_bmp_pkt::{BmpMessage, BmpPeerType, PeerHeader as TheirHeader};
use netgauze_parse_utils::reader::SliceReader;
use netgauze_parse_utils::traits::ParseFromWithOneInput;

use crate::netgauze;

/// A message that netgauze accepts is accepted, and has the same peer, view, time, reason and OPENs, as many TLVs and
/// statistics, and the same UPDATE.
///
/// netgauze accepts less: it parses UPDATEs, OPENs and NOTIFICATIONs, and refuses unknown TLVs, reasons and
/// statistics. The differences in what both accept:
///
/// - experimental types of messages and peers (251 to 254) are unknown to bmpd;
/// - netgauze accepts version 4, which is not compared;
/// - for netgauze an address, a distinguisher, a port or a time of zero is none;
/// - netgauze reads the addresses of a Loc-RIB, which should be zero, as IPv6 (they are not compared).
pub(crate) fn compare(kind: u8, body: &[u8], ours: Result<&Message<'_>, &MalformedMessage>) {
    let Some(theirs) = read(kind, body) else { return };
    let ours = ours.unwrap_or_else(|why| panic!("{why}, and netgauze accepts it: {theirs:?}"));
    match (theirs, ours) {
        (BmpMessageValue::RouteMonitoring(theirs), Message::RouteMonitoring { peer, update }) => {
            same_peer(theirs.peer_header(), peer);
            let mut message = Vec::new();
            bgp::encode(&mut message, MessageType::Update, update);
            // As text: there are floating point numbers in link state, and NaN is not equal to itself.
            let read = bgp_message(&message, peer).map(|update| format!("{update:?}"));
            assert_eq!(read, Some(format!("{:?}", theirs.update_message())));
        }
        (
            BmpMessageValue::StatisticsReport(theirs),
            Message::StatisticsReport { peer, statistics },
        ) => {
            same_peer(theirs.peer_header(), peer);
            assert_eq!(theirs.counters().len(), statistics.count());
        }
        (BmpMessageValue::PeerDownNotification(theirs), Message::PeerDown { peer, reason, .. }) => {
            same_peer(theirs.peer_header(), peer);
            assert_eq!(u8::from(theirs.reason().get_type()), *reason);
        }
        (BmpMessageValue::PeerUpNotification(theirs), Message::PeerUp { peer, up }) => {
            same_peer(theirs.peer_header(), peer);
            same_peer_up(&theirs, peer, up);
        }
        (BmpMessageValue::Initiation(theirs), Message::Initiation { tlvs }) => {
            let theirs: Vec<u16> =
                theirs.information().iter().map(|one| one.get_type().into()).collect();
            assert_eq!(theirs, tlvs.map(|(kind, _)| kind).collect::<Vec<_>>());
        }
        (BmpMessageValue::Termination(theirs), Message::Termination { tlvs }) => {
            assert_eq!(theirs.information().len(), tlvs.count());
        }
        (BmpMessageValue::RouteMirroring(theirs), Message::RouteMirroring { peer }) => {
            same_peer(theirs.peer_header(), peer);
        }
        (_, Message::Unknown(251..=254) | Message::UnknownPeerType(251..=254)) => {}
        (theirs, ours) => panic!("{ours:?} is {theirs:?}"),
    }
}

/// A message of version 3, if netgauze accepts it.
fn read(kind: u8, body: &[u8]) -> Option<BmpMessageValue> {
    let mut message = vec![3];
    message.extend_from_slice(&u32::try_from(COMMON_HEADER_LEN + body.len()).ok()?.to_be_bytes());
    message.push(kind);
    message.extend_from_slice(body);
    let mut reader = SliceReader::new(&message);
    match BmpMessage::parse(&mut reader, &mut BmpParsingContext::default()).ok()? {
        BmpMessage::V3(value) => Some(value),
        other => panic!("not version 3: {other:?}"),
    }
}

fn same_peer(theirs: &TheirHeader, ours: &Peer) {
    let Peer { header, view, time } = ours;
    let adj_rib = |post_policy, adj_rib_out| match (adj_rib_out, post_policy) {
        (false, false) => View::AdjRibInPrePolicy,
        (false, true) => View::AdjRibInPostPolicy,
        (true, false) => View::AdjRibOutPrePolicy,
        (true, true) => View::AdjRibOutPostPolicy,
    };
    let (peer_type, is_ipv6, is_two_octet_as, expected_view) = match theirs.peer_type() {
        BmpPeerType::GlobalInstancePeer { ipv6, post_policy, asn2, adj_rib_out } => {
            (PeerType::GlobalInstance, ipv6, asn2, adj_rib(post_policy, adj_rib_out))
        }
        BmpPeerType::RdInstancePeer { ipv6, post_policy, asn2, adj_rib_out } => {
            (PeerType::RdInstance, ipv6, asn2, adj_rib(post_policy, adj_rib_out))
        }
        BmpPeerType::LocalInstancePeer { ipv6, post_policy, asn2, adj_rib_out } => {
            (PeerType::LocalInstance, ipv6, asn2, adj_rib(post_policy, adj_rib_out))
        }
        BmpPeerType::LocRibInstancePeer { filtered } => {
            (PeerType::LocRibInstance, false, false, View::LocRib { is_filtered: filtered })
        }
        other => panic!("not a known type: {other:?}"),
    };
    assert_eq!(header.peer_type(), peer_type);
    assert_eq!(*view, expected_view);
    assert_eq!(header.is_ipv6(), is_ipv6);
    assert_eq!(header.is_two_octet_as(), is_two_octet_as);
    if peer_type != PeerType::LocRibInstance {
        same_address(theirs.address(), header.address(), header);
    }
    assert_eq!(theirs.rd().map_or([0; 8], distinguisher), header.distinguisher());
    assert_eq!((theirs.peer_as(), theirs.bgp_id()), (header.asn(), header.bgp_id()));
    let seconds = theirs.timestamp().map_or(0, |time| time.timestamp());
    let micros = theirs.timestamp().map_or(0, |time| time.timestamp_subsec_micros());
    assert_eq!(Ok(time.seconds), u32::try_from(seconds));
    assert_eq!(*time, Timestamp { seconds: time.seconds, micros });
}

fn same_address(theirs: Option<IpAddr>, ours: IpAddr, header: &PeerHeader) {
    // netgauze takes a field of zeros for none, and one that ends with four zeros for 0.0.0.0.
    assert_eq!(theirs.filter(|address| !address.is_unspecified()).is_none(), ours.is_unspecified());
    assert!(theirs.is_none_or(|theirs| theirs == ours), "{theirs:?} {ours} of {header:?}");
}

fn distinguisher(theirs: RouteDistinguisher) -> [u8; 8] {
    let bytes = |kind: u16, administrator: &[u8], number: &[u8]| {
        let mut bytes = [0; 8];
        bytes[..2].copy_from_slice(&kind.to_be_bytes());
        bytes[2..2 + administrator.len()].copy_from_slice(administrator);
        bytes[2 + administrator.len()..].copy_from_slice(number);
        bytes
    };
    match theirs {
        RouteDistinguisher::As2Administrator { asn2, number } => {
            bytes(0, &asn2.to_be_bytes(), &number.to_be_bytes())
        }
        RouteDistinguisher::Ipv4Administrator { ip, number } => {
            bytes(1, &Ipv4Addr::octets(&ip), &number.to_be_bytes())
        }
        RouteDistinguisher::As4Administrator { asn4, number } => {
            bytes(2, &asn4.to_be_bytes(), &number.to_be_bytes())
        }
        RouteDistinguisher::LeafAdRoutes => [0xff; 8],
    }
}

fn same_peer_up(theirs: &PeerUpNotificationMessage, peer: &Peer, ours: &PeerUp) {
    if peer.header.peer_type() != PeerType::LocRibInstance {
        same_address(
            theirs.local_address(),
            ours.local_address.address(&peer.header),
            &peer.header,
        );
    }
    assert_eq!(theirs.local_port().unwrap_or(0), ours.local_port);
    assert_eq!(theirs.remote_port().unwrap_or(0), ours.remote_port);
    let opens = [
        (theirs.sent_message(), &ours.sent_open),
        (theirs.received_message(), &ours.received_open),
    ];
    for (theirs, ours) in opens {
        assert_eq!(bgp_message(ours, peer).as_ref(), Some(theirs), "{ours:02x?}");
    }
    let mut names = theirs.information().iter().filter_map(|one| match one {
        InitiationInformation::VrfTableName(name) => Some(&**name),
        _ => None,
    });
    let is_plain =
        |name: &&str| name.len() <= 255 && !name.contains(|c: char| !c.is_ascii_graphic());
    if let Some(name) = names.next().filter(is_plain) {
        assert_eq!(ours.table_name().as_deref(), Some(name));
    }
}

/// A BGP message, as netgauze reads it in one of this peer.
fn bgp_message(message: &[u8], peer: &Peer) -> Option<BgpMessage> {
    let context = &mut BgpParsingContext::default();
    context.set_asn4(!peer.header.is_two_octet_as());
    netgauze::read(message, context)
}
