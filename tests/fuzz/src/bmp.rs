//! BMP of a monitored router: a stream of messages, and what bmpd sends for each of them.

use bmpd::wire::bgp::HEADER_LEN;
use bmpd::wire::bmp::{
    self, Frame, Message, PEER_HEADER_LEN, Peer, PeerDownReason, PeerHeader, PeerUp, Statistic,
    Tlvs,
};
use bmpd::wire::family::Family;
use bmpd::wire::nlri::Form;
use bmpd::wire::open::{Capabilities, RelayedForms};
use bmpd::wire::update::{Reach, Update};

use crate::netgauze_bmp;

/// The limit of a message's length.
const MAX: usize = 4096;

/// What a router sends.
///
/// - However much of a message has arrived, it is not found before it is whole, and a bad one is not accepted first.
/// - A message that is read is the same when it is written, but for reserved flags: they are cleared. Of an UPDATE
///   this holds if it only announces, in one field; all its attributes are kept.
/// - What netgauze reads in a message, bmpd reads: the same peer, view, time, reason and OPENs.
///   [`netgauze_bmp::compare`] has what is known to be different.
pub fn bmp(bytes: &[u8]) {
    let mut rest = bytes;
    loop {
        let found = Frame::find(rest, MAX);
        arrives_in_parts(rest, found);
        let Ok(Some(frame)) = found else { break };
        let (whole, behind) = rest.split_at(frame.len);
        rest = behind;
        message(frame.kind, &whole[bmp::COMMON_HEADER_LEN..]);
    }
    // A mutation of a message need not have the right length.
    if let Some((header, body)) = bytes.split_at_checked(bmp::COMMON_HEADER_LEN) {
        message(header[5], body);
    }
}

fn arrives_in_parts(bytes: &[u8], whole: Result<Option<Frame>, bmp::BadFrame>) {
    for len in 0..=bytes.len().min(64) {
        match Frame::find(&bytes[..len], MAX) {
            Ok(None) => assert!(!whole.is_ok_and(|frame| frame.is_some_and(|f| f.len <= len))),
            found => assert_eq!(found, whole, "the first {len} bytes"),
        }
    }
}

fn message(kind: u8, body: &[u8]) {
    let read = Message::parse(kind, body);
    netgauze_bmp::compare(kind, body, read.as_ref());
    let read = match read {
        Ok(read) => read,
        Err(malformed) => {
            assert!(!malformed.to_string().is_empty());
            return;
        }
    };
    let mut out = Vec::new();
    match &read {
        Message::Initiation { tlvs } => {
            for text in [bmp::system_name(*tlvs), bmp::system_description(*tlvs)] {
                is_harmless(text);
            }
            bmp::initiation_with::<&str>(&mut out, tlvs.as_bytes(), &[]);
        }
        Message::Termination { tlvs } => bmp::termination_with(&mut out, tlvs.as_bytes()),
        Message::PeerUp { peer: Peer { header, view, time }, up } => {
            opens(up);
            bmp::peer_up(&mut out, header, *view, *time, up);
        }
        Message::PeerDown { peer: Peer { header, view, time }, reason, data } => {
            let reason = PeerDownReason::Received(*reason, data.to_vec());
            bmp::peer_down(&mut out, header, *view, *time, &reason);
        }
        Message::StatisticsReport { peer: Peer { header, view, time }, statistics } => {
            let received = |(kind, value): (u16, &[u8])| Statistic::Received(kind, value.to_vec());
            let statistics: Vec<Statistic> = statistics.map(received).collect();
            bmp::statistics(&mut out, header, *view, *time, &statistics);
        }
        Message::RouteMonitoring { peer, update } => {
            assert_eq!(&body[PEER_HEADER_LEN + HEADER_LEN..], *update);
            return routes(peer, update, &without_reserved_flags(body));
        }
        Message::RouteMirroring { .. } | Message::UnknownPeerType(_) | Message::Unknown(_) => {
            return;
        }
    }
    let expected = match &read {
        Message::Initiation { .. } | Message::Termination { .. } => body.to_vec(),
        _ => without_reserved_flags(body),
    };
    assert_eq!(&out[bmp::COMMON_HEADER_LEN..], &expected[..]);
    let again = Frame::find(&out, usize::MAX);
    assert_eq!(again, Ok(Some(Frame { kind, len: out.len() })));
    assert_eq!(Message::parse(kind, &out[bmp::COMMON_HEADER_LEN..]), Ok(read));
}

/// RFC 7854 section 4.2, RFC 8671 section 4, RFC 9069 section 4.2.
fn without_reserved_flags(body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body[1] &= if body[0] == 3 { 0x80 } else { 0xf0 };
    body
}

fn is_harmless(text: Option<String>) {
    let text = text.unwrap_or_default();
    assert!(!text.contains(char::is_control) && text.chars().count() <= 255, "{text:?}");
}

fn opens(up: &PeerUp) {
    is_harmless(up.table_name());
    assert!(Tlvs::parse(&up.information).is_ok());
    let forms = RelayedForms::of(&up.sent_open, &up.received_open);
    assert_eq!(forms, RelayedForms::of(&up.sent_open, &up.received_open));
    for open in [&up.sent_open, &up.received_open] {
        let capabilities = Capabilities::read(open);
        assert!(capabilities.families.iter().all(|family| forms.families().contains(family)));
        if let Ok(open) = bmpd::wire::open::Open::parse(&open[HEADER_LEN..]) {
            assert_eq!(capabilities.families, open.families);
            assert_eq!(capabilities.add_path, open.add_path);
            assert_eq!(capabilities.four_octet_as, open.four_octet_as);
        }
    }
}

/// An UPDATE, and the body of the message that it is in.
fn routes(peer: &Peer, body: &[u8], message: &[u8]) {
    let mut kept = Vec::new();
    let Ok(update) = Update::parse_verbatim(body, &mut kept) else { return };
    assert_eq!((update.fault, update.discarded, update.first_discarded), (None, 0, None));
    let mut plain = Vec::new();
    update.store_plain(false, &mut plain);
    if let Ok(read) = tests::bgp::Update::parse(body) {
        let all: Vec<u8> = read.path().flat_map(|attribute| attribute.whole).copied().collect();
        assert_eq!(plain[1..], all, "the attributes");
        let family = read.end_of_rib.map(|family| Family { afi: family.afi, safi: family.safi });
        assert_eq!(update.end_of_rib(), family);
    }
    let unreach = update.unreach.unwrap_or((Family::IPV4_UNICAST, &[]));
    cut(Family::IPV4_UNICAST, update.announced);
    cut(Family::IPV4_UNICAST, update.withdrawn);
    cut(unreach.0, unreach.1);
    if !update.withdrawn.is_empty() || update.unreach.is_some() {
        return;
    }
    match update.reach.map(|reach: Reach<'_>| (reach, reach.routes())) {
        None if !update.announced.is_empty() => {
            announces(peer, Family::IPV4_UNICAST, update.announced, message, |flips_a, out| {
                update.store_plain(flips_a, out);
            });
        }
        Some((reach, Ok(nlri))) if update.announced.is_empty() => {
            cut(reach.family, nlri);
            announces(peer, reach.family, nlri, message, |flips_a, out| {
                update.store_reach(&reach, flips_a, out);
            });
        }
        _ => {}
    }
}

/// A station is sent the message that announces these routes, byte for byte. One byte may become zero: the reserved
/// one of MP_REACH_NLRI (RFC 4760 section 3).
fn announces(
    peer: &Peer,
    family: Family,
    nlri: &[u8],
    message: &[u8],
    store: impl Fn(bool, &mut Vec<u8>),
) {
    // The Peer Up may have had the same A flag, or the other one; a Loc-RIB has none.
    let of_peer_up = |flips_a: bool| {
        let mut header = *message.first_chunk::<PEER_HEADER_LEN>()?;
        header[1] ^= if flips_a { 0x20 } else { 0 };
        let (header, ..) = PeerHeader::read(&header)?;
        (header.is_two_octet_as() == peer.header.is_two_octet_as() ^ flips_a).then_some(header)
    };
    for flips_a in [false, true] {
        let Some(header) = of_peer_up(flips_a) else { continue };
        let (mut stored, mut out) = (Vec::new(), Vec::new());
        store(flips_a, &mut stored);
        bmp::announce(&mut out, &header, peer.view, peer.time, family, &stored, |out| {
            out.extend_from_slice(nlri);
            1
        });
        assert!(out.len() <= bmp::route_monitoring_room(stored.len(), nlri.len()));
        let out = &out[bmp::COMMON_HEADER_LEN..];
        assert_eq!(out.len(), message.len());
        let mut different = out.iter().zip(message).filter(|(sent, received)| sent != received);
        assert!(different.next().is_none_or(|(sent, _)| *sent == 0), "{out:02x?} {message:02x?}");
        assert_eq!(different.next(), None, "{out:02x?} {message:02x?}");
    }
}

/// In every form the routes of a field are the whole field, or it cannot be cut.
fn cut(family: Family, field: &[u8]) {
    for add_path in [false, true] {
        let one = Form::new(family, add_path);
        for form in [one, one.with_label_stack()] {
            let Ok(routes) = form.routes(field) else { continue };
            let mut length = 0;
            for route in routes {
                let route = route.as_ref();
                length += route.len();
                assert_eq!(form.key(route), form.key(route));
                assert!(form.prefix(route).is_none_or(|(_, bits, _)| bits <= 128));
                assert_eq!(form.routes(route).map(Iterator::count), Ok(1), "{route:02x?}");
            }
            assert_eq!(length, field.len());
        }
    }
}
