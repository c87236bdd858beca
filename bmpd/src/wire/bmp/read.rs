//! Reading BMP of monitored routers (RFC 7854 section 4).
//!
//! A [`Frame`] is found in the stream first, then its body is parsed as a [`Message`]. After a bad frame the place of
//! the next one is unknown; after a malformed message it is known. The contents of an UPDATE are not parsed here: see
//! [`crate::wire::update`].

use std::ops::RangeInclusive;

use super::{
    COMMON_HEADER_LEN, INITIATION, LocalAddress, PEER_DOWN, PEER_UP, PeerHeader, PeerUp,
    ROUTE_MIRRORING, ROUTE_MONITORING, STATISTICS_REPORT, SYS_DESCR, SYS_NAME, TERMINATION,
    Timestamp, Tlvs, VERSION, View,
};
use crate::wire::bgp::{self, HEADER_LEN, MAX_LEN, MAX_LEN_EXTENDED, MessageType};
use crate::wire::reader::{Reader, Short};
use crate::wire::text;

/// The version of draft-ietf-grow-bmp-tlv.
const VERSION_4: u8 = 4;

/// One whole message at the beginning of a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// The message type, see [`Message::parse`].
    pub kind: u8,
    /// Its length with the common header.
    pub len: usize,
}

/// Why a stream of bytes cannot be cut into messages. The connection must be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadFrame {
    /// Version 4, whose Route Monitoring messages are made of TLVs.
    #[error(
        "the router sends BMP version 4 (draft-ietf-grow-bmp-tlv), and bmpd supports version 3 (RFC \
         7854) only: configure version 3 on the router"
    )]
    Version4,
    /// Another version, or another protocol.
    #[error(
        "a message begins with the byte {0:#04x}, and one of BMP version 3 (RFC 7854) with 0x03: \
         check that the other side is a router that sends BMP, and sends it without TLS and without \
         a PROXY protocol header"
    )]
    NotBmp(u8),
    /// The length does not include the common header.
    #[error(
        "the length of a message is {0} bytes, and the common header alone has 6 (RFC 7854 section \
         4.1): this is a defect of the router"
    )]
    TooShort(u32),
    /// The length is over the limit.
    #[error(
        "the length of a message is {len} bytes, and the limit is {max}: the router is defective, or \
         the limit is too low"
    )]
    TooLong {
        /// The length according to the common header.
        len: u32,
        /// The limit.
        max: usize,
    },
}

impl Frame {
    /// Finds the message that begins `bytes`; `None` if it is not whole yet. Messages have at most `max` bytes.
    ///
    /// The type is not checked.
    ///
    /// # Errors
    ///
    /// As early as possible: the first byte is enough for a wrong version, five are for a wrong length.
    pub fn find(bytes: &[u8], max: usize) -> Result<Option<Frame>, BadFrame> {
        match bytes.first() {
            None | Some(&VERSION) => {}
            Some(&VERSION_4) => return Err(BadFrame::Version4),
            Some(other) => return Err(BadFrame::NotBmp(*other)),
        }
        let &[_, a, b, c, d, ref rest @ ..] = bytes else { return Ok(None) };
        let length = u32::from_be_bytes([a, b, c, d]);
        let Some(len) = usize::try_from(length).ok().filter(|len| *len <= max) else {
            return Err(BadFrame::TooLong { len: length, max });
        };
        if len < COMMON_HEADER_LEN {
            return Err(BadFrame::TooShort(length));
        }
        let frame = rest.first().map(|kind| Frame { kind: *kind, len });
        Ok(frame.filter(|_| bytes.len() >= len))
    }
}

/// Why the message of a good frame cannot be read. Offsets count from the beginning of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedMessage {
    /// It ends too early, or a length in it is more than there is.
    #[error("it ends too early: {0}")]
    Short(#[from] Short),
    /// No BGP message where one belongs.
    #[error("no BGP message begins at offset {0}: the marker is missing")]
    Marker(usize),
    /// A BGP message of another type than the one that belongs there.
    #[error("the BGP message at offset {offset} has type {found} instead of {expected}")]
    BgpType {
        /// Where it begins.
        offset: usize,
        /// The type that belongs there.
        expected: u8,
        /// Its type.
        found: u8,
    },
    /// A BGP message whose length is impossible for its type (RFC 4271 section 6.1, RFC 8654 section 4).
    #[error("the BGP message at offset {offset} has an impossible length of {length} bytes")]
    BgpLength {
        /// Where it begins.
        offset: usize,
        /// Its length.
        length: u16,
    },
    /// More than one UPDATE in a Route Monitoring message, or something else behind it.
    #[error("{count} bytes follow the UPDATE at offset {offset}")]
    BehindUpdate {
        /// Where they begin.
        offset: usize,
        /// How many.
        count: usize,
    },
    /// The number of statistics is not that of their TLVs.
    #[error("{count} statistics are announced, and {found} are there")]
    StatisticsCount {
        /// The announced number.
        count: u32,
        /// How many TLVs there are.
        found: usize,
    },
}

/// The per-peer header of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The peer.
    pub header: PeerHeader,
    /// The table. It matters in Route Monitoring and Route Mirroring messages; L and O mean nothing in the others
    /// (RFC 8671 section 6).
    pub view: View,
    /// When the routes were received, or what else happened; zero if that is unknown.
    pub time: Timestamp,
}

/// A message of a router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message<'a> {
    /// 0: one UPDATE of a peer, or as it would be sent to a peer (RFC 7854 section 4.6).
    RouteMonitoring {
        /// The per-peer header.
        peer: Peer,
        /// The body of the UPDATE: what follows its header of 19 bytes.
        update: &'a [u8],
    },
    /// 1 (RFC 7854 section 4.8).
    StatisticsReport {
        /// The per-peer header.
        peer: Peer,
        /// The statistics by type; see IANA's registry of BMP Statistics Types.
        statistics: Tlvs<'a>,
    },
    /// 2 (RFC 7854 section 4.9).
    PeerDown {
        /// The per-peer header.
        peer: Peer,
        /// The reason, which may be unknown.
        reason: u8,
        /// What follows it, unchecked: a NOTIFICATION, the code of an FSM event, TLVs (RFC 9069 section 5.3),
        /// nothing.
        data: &'a [u8],
    },
    /// 3 (RFC 7854 section 4.10).
    PeerUp {
        /// The per-peer header.
        peer: Peer,
        /// What follows it.
        up: PeerUp,
    },
    /// 4 (RFC 7854 section 4.3).
    Initiation {
        /// Its TLVs; see [`system_name`] and [`system_description`].
        tlvs: Tlvs<'a>,
    },
    /// 5 (RFC 7854 section 4.5).
    Termination {
        /// Its TLVs.
        tlvs: Tlvs<'a>,
    },
    /// 6 (RFC 7854 section 4.7). Its TLVs are not checked.
    RouteMirroring {
        /// The per-peer header.
        peer: Peer,
    },
    /// A message of one of these types whose peer type is unknown.
    UnknownPeerType(u8),
    /// A message of an unknown type.
    Unknown(u8),
}

impl<'a> Message<'a> {
    /// Reads the body of a message (what follows the common header).
    ///
    /// # Errors
    ///
    /// Something is missing in it, or its lengths contradict each other. The frame is good: the next message can be
    /// read.
    pub fn parse(kind: u8, body: &'a [u8]) -> Result<Self, MalformedMessage> {
        let mut body = Reader::new(body, COMMON_HEADER_LEN);
        match kind {
            INITIATION => return Ok(Message::Initiation { tlvs: Tlvs::read(body)? }),
            TERMINATION => return Ok(Message::Termination { tlvs: Tlvs::read(body)? }),
            ROUTE_MONITORING | STATISTICS_REPORT | PEER_DOWN | PEER_UP | ROUTE_MIRRORING => {}
            unknown => return Ok(Message::Unknown(unknown)),
        }
        let header = body.array()?;
        let Some((header, view, time)) = PeerHeader::read(&header) else {
            return Ok(Message::UnknownPeerType(header[0]));
        };
        let peer = Peer { header, view, time };
        Ok(match kind {
            ROUTE_MONITORING => Message::RouteMonitoring { peer, update: only_update(body)? },
            STATISTICS_REPORT => Message::StatisticsReport { peer, statistics: statistics(body)? },
            PEER_DOWN => {
                let reason = body.u8()?;
                Message::PeerDown { peer, reason, data: body.rest() }
            }
            PEER_UP => Message::PeerUp { peer, up: peer_up(body)? },
            _ => Message::RouteMirroring { peer },
        })
    }
}

/// The body of the UPDATE that is all there is.
fn only_update(mut body: Reader<'_>) -> Result<&[u8], MalformedMessage> {
    const MIN_LEN: usize = HEADER_LEN + 4;
    let update = bgp_message(&mut body, MessageType::Update, MIN_LEN..=MAX_LEN_EXTENDED)?;
    if !body.is_empty() {
        return Err(MalformedMessage::BehindUpdate { offset: body.offset(), count: body.len() });
    }
    Ok(update.get(HEADER_LEN..).unwrap_or_default())
}

fn statistics(mut body: Reader<'_>) -> Result<Tlvs<'_>, MalformedMessage> {
    let count = body.u32()?;
    let statistics = Tlvs::read(body)?;
    let found = statistics.count();
    if usize::try_from(count) != Ok(found) {
        return Err(MalformedMessage::StatisticsCount { count, found });
    }
    Ok(statistics)
}

fn peer_up(mut body: Reader<'_>) -> Result<PeerUp, MalformedMessage> {
    // OPEN stays short even with extended messages (RFC 8654 section 4). FRR has sent a header alone where it did not
    // know the OPEN.
    const LENGTHS: RangeInclusive<usize> = HEADER_LEN..=MAX_LEN;
    Ok(PeerUp {
        local_address: LocalAddress(body.array()?),
        local_port: body.u16()?,
        remote_port: body.u16()?,
        sent_open: bgp_message(&mut body, MessageType::Open, LENGTHS)?.to_vec(),
        received_open: bgp_message(&mut body, MessageType::Open, LENGTHS)?.to_vec(),
        information: Tlvs::read(body)?.as_bytes().to_vec(),
    })
}

/// Takes a whole BGP message of the given type and length.
fn bgp_message<'a>(
    body: &mut Reader<'a>,
    kind: MessageType,
    lengths: RangeInclusive<usize>,
) -> Result<&'a [u8], MalformedMessage> {
    let offset = body.offset();
    let mut header = *body;
    if header.array()? != bgp::MARKER {
        return Err(MalformedMessage::Marker(offset));
    }
    let (length, found) = (header.u16()?, header.u8()?);
    if found != kind.code() {
        return Err(MalformedMessage::BgpType { offset, expected: kind.code(), found });
    }
    let len = usize::from(length);
    if !lengths.contains(&len) {
        return Err(MalformedMessage::BgpLength { offset, length });
    }
    Ok(body.take(len)?)
}

/// The name that a router gives itself in its Initiation (sysName, RFC 7854 section 4.4), for display: at most 255
/// characters, without control characters. [`Tlvs::first_of`] has its bytes.
pub fn system_name(initiation: Tlvs<'_>) -> Option<String> {
    initiation.first_of(SYS_NAME).map(text::shown)
}

/// The description that a router gives of itself (sysDescr), in the same way.
pub fn system_description(initiation: Tlvs<'_>) -> Option<String> {
    initiation.first_of(SYS_DESCR).map(text::shown)
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use proptest::prelude::*;

    use super::*;
    use crate::wire::bmp::{
        self, PEER_HEADER_LEN, PeerDownReason, PeerInstance, PeerType, Statistic, TerminationReason,
    };
    use crate::wire::family::Family;
    use crate::wire::{bytes_of, stored};

    const TIME: Timestamp = Timestamp { seconds: 0x0102_0304, micros: 0x0005_0607 };
    /// The offset of what follows the per-peer header.
    const BEHIND: usize = COMMON_HEADER_LEN + PEER_HEADER_LEN;

    fn header() -> PeerHeader {
        let (address, id) = (IpAddr::from([10, 0, 0, 1]), Ipv4Addr::new(192, 0, 2, 9));
        PeerHeader::new(PeerInstance::Global, address, 65001, id, false)
    }

    fn peer(view: View) -> Peer {
        Peer { header: header(), view, time: TIME }
    }

    /// The only message of these bytes.
    #[track_caller]
    fn read(bytes: &[u8]) -> Result<Message<'_>, MalformedMessage> {
        let frame = Frame::find(bytes, usize::MAX).unwrap().unwrap();
        assert_eq!(frame.len, bytes.len());
        Message::parse(frame.kind, &bytes[COMMON_HEADER_LEN..])
    }

    /// The body of a message of that peer.
    fn of_peer(rest: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        header().write(&mut body, View::AdjRibInPrePolicy, TIME);
        body.extend_from_slice(rest);
        body
    }

    fn bgp_message(kind: MessageType, body: &[u8]) -> Vec<u8> {
        let mut message = Vec::new();
        bgp::encode(&mut message, kind, body);
        message
    }

    #[test]
    fn a_frame_is_found_when_it_is_whole() {
        let message = [3, 0, 0, 0, 8, 4, 1, 2, 3];
        for len in 0..8 {
            assert_eq!(Frame::find(&message[..len], 100), Ok(None), "{len} bytes");
        }
        for len in 8..9 {
            assert_eq!(Frame::find(&message[..len], 8), Ok(Some(Frame { kind: 4, len: 8 })));
        }
        assert_eq!(Frame::find(&[3, 0, 0, 0, 6, 200], 6), Ok(Some(Frame { kind: 200, len: 6 })));
    }

    #[test]
    fn a_bad_frame_is_noticed_as_early_as_possible() {
        let cases: [(&[u8], BadFrame); 8] = [
            (&[4], BadFrame::Version4),
            (&[4, 0, 0, 0, 6, 4], BadFrame::Version4),
            (&[1], BadFrame::NotBmp(1)),
            (&[0xff, 0xff], BadFrame::NotBmp(0xff)),
            (&[3, 0, 0, 0, 5], BadFrame::TooShort(5)),
            (&[3, 0, 0, 0, 0, 4], BadFrame::TooShort(0)),
            (&[3, 0, 0, 0, 101], BadFrame::TooLong { len: 101, max: 100 }),
            (&[3, 0xff, 0xff, 0xff, 0xff, 0, 0], BadFrame::TooLong { len: u32::MAX, max: 100 }),
        ];
        for (bytes, expected) in cases {
            assert_eq!(Frame::find(bytes, 100), Err(expected), "{bytes:02x?}");
        }
        let long = BadFrame::TooLong { len: 101, max: 100 }.to_string();
        assert!(long.starts_with("the length of a message is 101 bytes, and the limit is 100"));
        assert!(BadFrame::NotBmp(0x16).to_string().contains("0x16"));
    }

    #[test]
    fn route_monitoring_has_the_body_of_one_update() {
        let views = [
            View::AdjRibInPrePolicy,
            View::AdjRibInPostPolicy,
            View::AdjRibOutPrePolicy,
            View::AdjRibOutPostPolicy,
        ];
        for view in views {
            let (mut out, mut update) = (Vec::new(), Vec::new());
            bmp::withdraw(&mut out, &header(), view, TIME, Family::IPV6_UNICAST, |_| 0);
            stored::withdraw(&mut update, Family::IPV6_UNICAST, |_| 0);
            let update = &update[HEADER_LEN..];
            assert_eq!(read(&out), Ok(Message::RouteMonitoring { peer: peer(view), update }));
        }
    }

    #[test]
    fn peer_down_has_a_reason_and_its_data() {
        let cases: [(PeerDownReason, u8, &[u8]); 4] = [
            (PeerDownReason::LocalNotification(vec![9, 9]), 1, &[9, 9]),
            (PeerDownReason::LocalNoNotification(2), 2, &[0, 2]),
            (PeerDownReason::Deconfigured, 5, &[]),
            (PeerDownReason::Received(77, vec![1]), 77, &[1]),
        ];
        let view = View::AdjRibInPrePolicy;
        for (written, reason, data) in cases {
            let mut out = Vec::new();
            bmp::peer_down(&mut out, &header(), view, TIME, &written);
            assert_eq!(read(&out), Ok(Message::PeerDown { peer: peer(view), reason, data }));
        }
    }

    #[test]
    fn statistics_are_read_by_type() {
        let written = [
            Statistic::DuplicateWithdraws(1),
            Statistic::AdjRibInFamily(Family::IPV6_UNICAST, 5),
            Statistic::Received(65531, vec![]),
        ];
        let mut out = Vec::new();
        bmp::statistics(&mut out, &header(), View::AdjRibInPrePolicy, TIME, &written);
        let Ok(Message::StatisticsReport { peer: of, statistics }) = read(&out) else { panic!() };
        assert_eq!(of, peer(View::AdjRibInPrePolicy));
        let expected: [(u16, &[u8]); 3] =
            [(2, &[0, 0, 0, 1]), (9, &[0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 5]), (65531, &[])];
        assert_eq!(statistics.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_router_introduces_itself_and_its_tlvs_stay_as_they_are() {
        let tlvs =
            bytes_of("00010004782e0d0a000200056564676531ffff0001 07".replace(' ', "").as_str());
        let mut out = Vec::new();
        bmp::initiation_with(&mut out, &tlvs, &["through bmpd"]);
        let Ok(Message::Initiation { tlvs: read_tlvs }) = read(&out) else { panic!() };
        assert!(read_tlvs.as_bytes().starts_with(&tlvs));
        assert_eq!(read_tlvs.last(), Some((bmp::STRING, &b"through bmpd"[..])));
        assert_eq!(system_name(read_tlvs).as_deref(), Some("edge1"));
        assert_eq!(system_description(read_tlvs).as_deref(), Some("x."));

        out.clear();
        bmp::termination(&mut out, TerminationReason::RedundantConnection, "twice");
        let Ok(Message::Termination { tlvs }) = read(&out) else { panic!() };
        let mut again = Vec::new();
        bmp::termination_with(&mut again, tlvs.as_bytes());
        assert_eq!(again, out);
    }

    #[test]
    fn a_peer_up_of_a_loc_rib_has_a_table_name_and_no_local_address() {
        let open = bgp_message(MessageType::Open, &[4, 0xfd, 0xe9, 0, 0, 192, 0, 2, 9, 0]);
        let mut body = vec![0; PEER_HEADER_LEN + 20];
        body[..2].copy_from_slice(&[3, 0x80]);
        body[33] = 9;
        for part in [&open[..], &open, &bmp::table_name("red\n")] {
            body.extend_from_slice(part);
        }
        let Ok(Message::PeerUp { peer, up }) = Message::parse(PEER_UP, &body) else { panic!() };
        assert_eq!(peer.header.peer_type(), PeerType::LocRibInstance);
        assert_eq!(peer.view, View::LocRib { is_filtered: true });
        assert_eq!(peer.time, Timestamp::default());
        assert_eq!(up.local_address.address(&peer.header), IpAddr::from([0; 4]));
        assert_eq!((&up.sent_open, &up.received_open), (&open, &open));
        assert_eq!(up.table_name().as_deref(), Some("red"));
        let mut out = Vec::new();
        bmp::peer_up(&mut out, &peer.header, peer.view, peer.time, &up);
        assert_eq!(out[COMMON_HEADER_LEN..], body);
    }

    #[test]
    fn the_local_address_is_read_by_the_v_flag() {
        let v6 = PeerHeader::new(
            PeerInstance::Global,
            "2001:db8::1".parse().unwrap(),
            65001,
            Ipv4Addr::new(192, 0, 2, 9),
            false,
        );
        for (peer, address) in [(header(), "10.0.0.9"), (v6, "2001:db8::9")] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(LocalAddress::from(address).address(&peer), address);
        }
    }

    #[test]
    fn unknown_types_are_not_errors() {
        assert_eq!(Message::parse(7, &[1, 2]), Ok(Message::Unknown(7)));
        assert_eq!(Message::parse(255, &[]), Ok(Message::Unknown(255)));
        let mut body = of_peer(&[]);
        body[0] = 4;
        for kind in [ROUTE_MONITORING, STATISTICS_REPORT, PEER_DOWN, PEER_UP, ROUTE_MIRRORING] {
            assert_eq!(Message::parse(kind, &body), Ok(Message::UnknownPeerType(4)));
        }
        let mirrored = of_peer(&[0, 1, 0, 2, 0, 1]);
        let expected = Message::RouteMirroring { peer: peer(View::AdjRibInPrePolicy) };
        assert_eq!(Message::parse(ROUTE_MIRRORING, &mirrored), Ok(expected));
    }

    #[test]
    fn a_malformed_message_is_refused_with_the_place_in_it() {
        let update = bgp_message(MessageType::Update, &[0; 4]);
        let open = bgp_message(MessageType::Open, &[0; 10]);
        let with = |mut message: Vec<u8>, at: usize, value: u8| {
            message[at] = value;
            message
        };
        let up = |opens: &[&[u8]]| [&[0; 20][..], &opens.concat()].concat();
        let short = |offset, needed, left| MalformedMessage::Short(Short { offset, needed, left });
        let first_open = BEHIND + 20;
        let cases: [(u8, Vec<u8>, MalformedMessage); 20] = [
            (ROUTE_MONITORING, vec![], short(BEHIND, 16, 0)),
            (ROUTE_MONITORING, update[..18].to_vec(), short(BEHIND + 18, 1, 0)),
            (ROUTE_MONITORING, update[..22].to_vec(), short(BEHIND, 23, 22)),
            (ROUTE_MONITORING, with(update.clone(), 15, 0xfe), MalformedMessage::Marker(BEHIND)),
            (
                ROUTE_MONITORING,
                open.clone(),
                MalformedMessage::BgpType { offset: BEHIND, expected: 2, found: 1 },
            ),
            (
                ROUTE_MONITORING,
                with(update.clone(), 17, 22),
                MalformedMessage::BgpLength { offset: BEHIND, length: 22 },
            ),
            (
                ROUTE_MONITORING,
                [&update[..], &update].concat(),
                MalformedMessage::BehindUpdate { offset: BEHIND + 23, count: 23 },
            ),
            (
                ROUTE_MONITORING,
                [&update[..], &[0]].concat(),
                MalformedMessage::BehindUpdate { offset: BEHIND + 23, count: 1 },
            ),
            (STATISTICS_REPORT, vec![0, 0, 0], short(BEHIND, 4, 3)),
            (
                STATISTICS_REPORT,
                vec![0, 0, 0, 2, 0, 7, 0, 0],
                MalformedMessage::StatisticsCount { count: 2, found: 1 },
            ),
            (
                STATISTICS_REPORT,
                vec![0xff, 0xff, 0xff, 0xff],
                MalformedMessage::StatisticsCount { count: u32::MAX, found: 0 },
            ),
            (STATISTICS_REPORT, vec![0, 0, 0, 1, 0, 7, 0, 8, 0], short(BEHIND + 8, 8, 1)),
            (PEER_DOWN, vec![], short(BEHIND, 1, 0)),
            (PEER_UP, vec![0; 15], short(BEHIND, 16, 15)),
            (PEER_UP, vec![0; 19], short(BEHIND + 18, 2, 1)),
            (PEER_UP, up(&[&[0; 29]]), MalformedMessage::Marker(first_open)),
            (
                PEER_UP,
                up(&[&update]),
                MalformedMessage::BgpType { offset: first_open, expected: 1, found: 2 },
            ),
            (
                PEER_UP,
                up(&[&open, &with(open.clone(), 17, 18)]),
                MalformedMessage::BgpLength { offset: first_open + 29, length: 18 },
            ),
            (
                PEER_UP,
                up(&[&with(with(open.clone(), 16, 0x10), 17, 1)]),
                MalformedMessage::BgpLength { offset: first_open, length: 4097 },
            ),
            (PEER_UP, up(&[&open, &open, &[0, 3, 0]]), short(first_open + 60, 2, 1)),
        ];
        for (kind, rest, expected) in cases {
            assert_eq!(Message::parse(kind, &of_peer(&rest)), Err(expected), "{kind} {rest:02x?}");
        }
        let cut = &of_peer(&[])[..41];
        assert_eq!(Message::parse(PEER_DOWN, cut), Err(short(COMMON_HEADER_LEN, 42, 41)));
        assert_eq!(Message::parse(INITIATION, &[0, 1, 0, 1]), Err(short(10, 1, 0)));
        assert_eq!(Message::parse(TERMINATION, &[0]), Err(short(6, 2, 1)));
        assert_eq!(
            Message::parse(PEER_DOWN, cut).unwrap_err().to_string(),
            "it ends too early: 42 bytes needed at offset 6, 41 left"
        );
    }

    fn open() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(any::<u8>(), 10..60)
            .prop_map(|body| bgp_message(MessageType::Open, &body))
    }

    fn tlvs() -> impl Strategy<Value = Vec<u8>> {
        let tlv = (any::<u16>(), prop::collection::vec(any::<u8>(), 0..9));
        prop::collection::vec(tlv, 0..5).prop_map(|tlvs| {
            let mut block = Vec::new();
            tlvs.iter().for_each(|(kind, value)| bmp::write::tlv(&mut block, *kind, value));
            block
        })
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(
            kind in prop_oneof![0u8..8, any::<u8>()],
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            max: usize,
        ) {
            let _ = Frame::find(&bytes, max);
            let _ = Frame::find(&[&[3], &bytes[..]].concat(), max);
            let _ = Message::parse(kind, &bytes);
            let _ = Message::parse(kind, &of_peer(&bytes));
            let _ = Message::parse(kind, &of_peer(&[&[0xff; 16], &bytes[..]].concat()));
        }

        #[test]
        fn a_peer_up_is_written_as_it_was_read(
            mut header: [u8; PEER_HEADER_LEN],
            peer_type in 0u8..4,
            addresses_and_ports: [u8; 20],
            sent in open(),
            received in open(),
            information in tlvs(),
        ) {
            header[0] = peer_type;
            header[1] &= if peer_type == 3 { 0x80 } else { 0xf0 };
            let mut body = header.to_vec();
            for part in [&addresses_and_ports[..], &sent, &received, &information] {
                body.extend_from_slice(part);
            }
            let Ok(Message::PeerUp { peer, up }) = Message::parse(PEER_UP, &body) else { panic!() };
            prop_assert_eq!((&up.sent_open, &up.received_open), (&sent, &received));
            prop_assert_eq!(&up.information, &information);
            let mut out = Vec::new();
            bmp::peer_up(&mut out, &peer.header, peer.view, peer.time, &up);
            prop_assert_eq!(&out[COMMON_HEADER_LEN..], &body[..]);
            prop_assert_eq!(read(&out), Ok(Message::PeerUp { peer, up }));
        }

        #[test]
        fn a_peer_down_is_written_as_it_was_read(
            reason: u8,
            data in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let body = of_peer(&[&[reason], &data[..]].concat());
            let Ok(Message::PeerDown { peer, reason, data }) = Message::parse(PEER_DOWN, &body) else {
                panic!()
            };
            let received = PeerDownReason::Received(reason, data.to_vec());
            let mut out = Vec::new();
            bmp::peer_down(&mut out, &peer.header, peer.view, peer.time, &received);
            prop_assert_eq!(&out[COMMON_HEADER_LEN..], &body[..]);
        }

        #[test]
        fn statistics_are_written_as_they_were_read(block in tlvs()) {
            let count = Tlvs::parse(&block).unwrap().count() as u32;
            let body = of_peer(&[&count.to_be_bytes()[..], &block].concat());
            let Ok(Message::StatisticsReport { peer, statistics }) =
                Message::parse(STATISTICS_REPORT, &body)
            else {
                panic!()
            };
            let received: Vec<Statistic> =
                statistics.map(|(kind, value)| Statistic::Received(kind, value.to_vec())).collect();
            let mut out = Vec::new();
            bmp::statistics(&mut out, &peer.header, peer.view, peer.time, &received);
            prop_assert_eq!(&out[COMMON_HEADER_LEN..], &body[..]);
        }

        #[test]
        fn frames_are_found_one_after_the_other(
            messages in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..30)), 0..8),
        ) {
            let mut stream = Vec::new();
            for (kind, body) in &messages {
                bmp::write::message(&mut stream, *kind, |out| out.extend_from_slice(body));
            }
            let mut rest = &stream[..];
            for (kind, body) in &messages {
                let frame = Frame::find(rest, 36).unwrap().unwrap();
                prop_assert_eq!(frame.kind, *kind);
                let (message, behind) = rest.split_at(frame.len);
                prop_assert_eq!(&message[COMMON_HEADER_LEN..], &body[..]);
                rest = behind;
            }
            prop_assert_eq!(Frame::find(rest, 36), Ok(None));
        }
    }
}
