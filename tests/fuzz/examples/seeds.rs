//! Makes seeds of what a neighbor has sent, byte by byte from its OPEN on: `seeds FOLDER CAPTURE...`.
//!
//! The captures that the corpus began with are of BIRD, FRR, GoBGP and ExaBGP ([`tests::tap`]). Frames are made
//! of every kind of request, and of answers; BMP of every type of message and peer.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use bmpd::wire::bgp::MessageType;
use bmpd::wire::bmp::{
    INITIATION, PEER_DOWN, PEER_UP, ROUTE_MIRRORING, ROUTE_MONITORING, STATISTICS_REPORT,
    TERMINATION,
};
use bmpd::wire::family::Family;
use bmpd::wire::open::{AddPath, Open};
use shared::event::{Event, EventKind};
use shared::frame::{self, Kind};
use shared::names::{NeighborId, RouterId, Selector, SessionId};
use shared::request::{
    Operation, Query, Request, ResetRouter, ResetSession, SetLog, WhichInstances, WhichLegs,
    WhichNeighbors, WhichRouters,
};
use shared::response::{Failure, LogLevel, NeighborState, Response};
use shared::time::Timestamp;
use tests::bgp::{self, kind};

/// The longest seed.
const MAX: usize = 2048;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().ok_or("seeds FOLDER CAPTURE...")?;
    let folder = Path::new(&folder);
    for path in arguments {
        let name = Path::new(&path).file_name().ok_or("a file")?.to_string_lossy().into_owned();
        of_capture(folder, &name, &fs::read(&path)?)?;
    }
    of_bmp(folder)?;
    of_frames(folder)
}

fn write(folder: &Path, target: &str, name: &str, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    if bytes.len() <= MAX {
        fs::create_dir_all(folder.join(target))?;
        fs::write(folder.join(target).join(name), bytes)?;
    }
    Ok(())
}

fn of_capture(folder: &Path, name: &str, mut bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    let mut conversation = vec![7];
    let mut number = 0;
    while !bytes.is_empty() {
        let message = bgp::split_message(&mut bytes)?;
        number += 1;
        let name = format!("{name}-{number:03}");
        match message.kind {
            kind::OPEN => write(folder, "open", &name, message.body)?,
            kind::NOTIFICATION => write(folder, "notification", &name, message.body)?,
            kind::UPDATE => {
                for options in [0, 4] {
                    let seed = [&[options], message.body].concat();
                    write(folder, "update", &format!("{name}-{options}"), &seed)?;
                }
            }
            _ => {}
        }
        if conversation.len() + message.whole.len() < MAX {
            conversation.push(message.kind);
            conversation.extend_from_slice(&(message.body.len() as u16).to_be_bytes());
            conversation.extend_from_slice(message.body);
        }
    }
    write(folder, "conversation", name, &conversation)
}

/// The flags of per-peer headers (RFC 7854 section 4.2, RFC 8671 section 4).
const V: u8 = 0x80;
const L: u8 = 0x40;
const A: u8 = 0x20;
const O: u8 = 0x10;
/// Of a Loc-RIB (RFC 9069 section 4.2).
const F: u8 = 0x80;

fn of_bmp(folder: &Path) -> Result<(), Box<dyn Error>> {
    const GLOBAL: u8 = 0;
    const RD: u8 = 1;
    const LOCAL: u8 = 2;
    const LOC_RIB: u8 = 3;
    let unicast = [Family::IPV4_UNICAST, Family::IPV6_UNICAST];
    let labeled = [Family::IPV4_LABELED_UNICAST, Family::VPNV4_UNICAST];
    let [sent, received] = [AddPath::Receive, AddPath::Send].map(|what| open(&unicast, &[what]));
    let many = open(&Family::ALL, &[AddPath::Both, AddPath::Send, AddPath::Receive]);
    let plain = open(&labeled, &[]);
    // The same with a Multiple Labels capability (RFC 8277) behind the others.
    let stacks = with_capability(&plain, &[8, 8, 0, 1, 4, 3, 0, 1, 128, 255]);
    let name = tlv(3, b"red");
    let tlvs = [&tlv(4, b"edge")[..], &tlv(4, b"customer"), &tlv(0, b"x\r\n"), &name].concat();
    let up = |sent: &[u8], received: &[u8], information: &[u8]| {
        let mut local = [0; 20];
        local[12..].copy_from_slice(&[192, 0, 2, 1, 0, 179, 0x9c, 0x40]);
        [&local, sent, received, information].concat()
    };
    let path = [0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xe9, 0x40, 3, 4, 192, 0, 2, 2];
    let short_path = [0x40, 1, 1, 0, 0x40, 2, 4, 2, 1, 0xfd, 0xe9, 0x40, 3, 4, 192, 0, 2, 2];
    // ORIGIN twice, AS 0, LOCAL_PREF without a value, AS4_PATH from a four-octet speaker.
    let bad_path = [
        0xc0, 1, 1, 9, 0x40, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0, 0, 0x80, 5, 0, 0xc0, 17, 6, 2, 1, 0,
        0, 0xff, 0xd2,
    ];
    let reach_v6 = [
        &[0x80, 14, 26, 0, 2, 1, 16, 0x20, 1, 0xd, 0xb8][..],
        &[0; 12],
        &[0, 32, 0x20, 1, 0xd, 0xb8],
    ]
    .concat();
    let reach_vpn = [
        &[0x90, 14, 0, 35, 0, 1, 128, 12][..],
        &[0; 8],
        &[192, 0, 2, 2, 0, 136, 0, 1, 0x40, 0, 2, 0x41, 0, 0, 0xfd, 0xe8, 0, 0, 0, 7, 10, 0, 1],
    ]
    .concat();
    let unreach_v6 = [0x90, 15, 0, 8, 0, 2, 1, 32, 0x20, 1, 0xd, 0xb8];
    let notification = bgp_message(MessageType::Notification, &[6, 2, 3, b'b', b'y', b'e']);
    let open_v4 = bgp_message(MessageType::Open, &[4, 0xfd, 0xe9, 0, 0, 192, 0, 2, 9, 0]);
    let messages: [(&str, u8, Vec<u8>); 34] = [
        (
            "initiation",
            INITIATION,
            [tlv(1, b"Router, Version 1\r\nof test"), tlv(2, b"edge1")].concat(),
        ),
        (
            "initiation-more",
            INITIATION,
            [&tlv(2, b"\xff\x1b[31m"), &tlvs[..], &tlv(0xfffb, &[]), &tlv(1, b"")].concat(),
        ),
        ("initiation-empty", INITIATION, vec![]),
        ("initiation-cut", INITIATION, vec![0, 2, 0, 9, b'x']),
        ("termination", TERMINATION, [tlv(1, &[0, 0]), tlv(0, b"reload")].concat()),
        ("peer-up", PEER_UP, peer(GLOBAL, 0, &up(&sent, &received, &[]))),
        ("peer-up-v6", PEER_UP, peer(GLOBAL, V, &up(&received, &sent, &[]))),
        ("peer-up-rd", PEER_UP, peer(RD, A, &up(&many, &sent, &name))),
        ("peer-up-local", PEER_UP, peer(LOCAL, O | L, &up(&stacks, &stacks, &tlvs))),
        ("peer-up-labels", PEER_UP, peer(GLOBAL, 0, &up(&stacks, &plain, &[]))),
        ("peer-up-loc-rib", PEER_UP, peer(LOC_RIB, F, &up(&many, &open_v4, &name))),
        ("peer-up-one-open", PEER_UP, peer(GLOBAL, 0, &up(&sent, &[], &[]))),
        ("peer-down-1", PEER_DOWN, peer(GLOBAL, 0, &[&[1][..], &notification].concat())),
        ("peer-down-2", PEER_DOWN, peer(GLOBAL, V, &[2, 0, 24])),
        ("peer-down-3", PEER_DOWN, peer(RD, 0, &[&[3][..], &notification].concat())),
        ("peer-down-4", PEER_DOWN, peer(LOCAL, 0, &[4])),
        ("peer-down-5", PEER_DOWN, peer(GLOBAL, 0x0f, &[5])),
        ("peer-down-6", PEER_DOWN, peer(LOC_RIB, 0, &[&[6][..], &name].concat())),
        ("peer-down-77", PEER_DOWN, peer(GLOBAL, 0, &[77, 1, 2])),
        ("announce", ROUTE_MONITORING, update(GLOBAL, 0, &[], &path, &[24, 10, 0, 1, 9, 10, 255])),
        ("announce-two-octets", ROUTE_MONITORING, update(GLOBAL, A, &[], &short_path, &[8, 10])),
        ("announce-bad-path", ROUTE_MONITORING, update(GLOBAL, L, &[], &bad_path, &[8, 10])),
        (
            "announce-v6",
            ROUTE_MONITORING,
            update(GLOBAL, V | O, &[], &[&path[..4], &reach_v6, &path[4..]].concat(), &[]),
        ),
        (
            "announce-vpn",
            ROUTE_MONITORING,
            update(RD, O | L, &[], &[&path[..13], &reach_vpn].concat(), &[]),
        ),
        ("announce-loc-rib", ROUTE_MONITORING, update(LOC_RIB, F, &[], &path, &[0, 0, 0, 1, 0])),
        ("withdraw", ROUTE_MONITORING, update(GLOBAL, 0, &[24, 10, 0, 1, 0], &[], &[])),
        ("withdraw-v6", ROUTE_MONITORING, update(LOCAL, 0xff, &[], &unreach_v6, &[])),
        ("end-of-rib", ROUTE_MONITORING, update(GLOBAL, 0, &[], &[], &[])),
        ("end-of-rib-v6", ROUTE_MONITORING, update(LOC_RIB, 0, &[], &[0x80, 15, 3, 0, 2, 1], &[])),
        (
            "statistics",
            STATISTICS_REPORT,
            peer(
                GLOBAL,
                0,
                &[
                    &[0, 0, 0, 4][..],
                    &tlv(2, &[0, 0, 0, 1]),
                    &tlv(7, &[0, 0, 0, 0, 0, 0, 0, 9]),
                    &tlv(9, &[0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 5]),
                    &tlv(0xfffb, &[1]),
                ]
                .concat(),
            ),
        ),
        (
            "route-mirroring",
            ROUTE_MIRRORING,
            peer(GLOBAL, 0, &[tlv(1, &[0, 1]), tlv(0, &notification)].concat()),
        ),
        ("unknown", 200, vec![1, 2, 3]),
        ("unknown-peer-type", PEER_DOWN, peer(251, 0xff, &[4])),
        ("two-updates", ROUTE_MONITORING, peer(GLOBAL, 0, &two_updates())),
    ];
    let mut session = Vec::new();
    for (name, kind, body) in &messages {
        let message = bmp_message(3, *kind, body);
        write(folder, "bmp", name, &message)?;
        if session.len() + message.len() < MAX {
            session.extend_from_slice(&message);
        }
    }
    write(folder, "bmp", "session", &session)?;
    write(folder, "bmp", "version-4", &bmp_message(4, INITIATION, &[]))?;
    write(folder, "bmp", "too-short", &[3, 0, 0, 0, 5, INITIATION])?;
    write(folder, "bmp", "too-long", &[3, 0xff, 0xff, 0xff, 0xff, INITIATION])
}

fn bmp_message(version: u8, kind: u8, body: &[u8]) -> Vec<u8> {
    let length = (6 + body.len() as u32).to_be_bytes();
    [&[version], &length[..], &[kind], body].concat()
}

/// A per-peer header, and what follows it.
fn peer(peer_type: u8, flags: u8, rest: &[u8]) -> Vec<u8> {
    let mut header = [0; 42];
    header[..2].copy_from_slice(&[peer_type, flags]);
    if peer_type != 0 {
        header[2..10].copy_from_slice(&[0, 0, 0xfd, 0xe8, 0, 0, 0, 7]);
    }
    match (peer_type, flags & V != 0) {
        (3, _) => {}
        (_, true) => header[10..14].copy_from_slice(&[0x20, 1, 0xd, 0xb8]),
        (_, false) => header[22..26].copy_from_slice(&[192, 0, 2, 2]),
    }
    header[26..].copy_from_slice(&[0, 0, 0xfd, 0xe9, 192, 0, 2, 2, 0x65, 0, 0, 0, 0, 0, 0, 9]);
    [&header, rest].concat()
}

fn update(peer_type: u8, flags: u8, withdrawn: &[u8], attributes: &[u8], nlri: &[u8]) -> Vec<u8> {
    let length = |field: &[u8]| (field.len() as u16).to_be_bytes();
    let body = [&length(withdrawn), withdrawn, &length(attributes), attributes, nlri].concat();
    peer(peer_type, flags, &bgp_message(MessageType::Update, &body))
}

fn two_updates() -> Vec<u8> {
    bgp_message(MessageType::Update, &[0; 4]).repeat(2)
}

fn bgp_message(kind: MessageType, body: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    bmpd::wire::bgp::encode(&mut message, kind, body);
    message
}

fn tlv(kind: u16, value: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes(), &(value.len() as u16).to_be_bytes(), value].concat()
}

/// An OPEN with these families, and what it does with path identifiers in the first of them.
fn open(families: &[Family], add_path: &[AddPath]) -> Vec<u8> {
    let open = Open {
        asn: 65001,
        hold_time: 90,
        bgp_id: [192, 0, 2, 2].into(),
        families: families.to_vec(),
        four_octet_as: true,
        extended_message: true,
        route_refresh: true,
        graceful_restart: None,
        add_path: families.iter().copied().zip(add_path.iter().copied()).collect(),
    };
    open.message()
}

/// The same OPEN with one capability more, in a parameter of its own.
fn with_capability(open: &[u8], capability: &[u8]) -> Vec<u8> {
    let length = capability.len() as u8;
    let mut body = open[19..].to_vec();
    body[9] += length + 2;
    body.extend_from_slice(&[2, length]);
    body.extend_from_slice(capability);
    bgp_message(MessageType::Open, &body)
}

fn of_frames(folder: &Path) -> Result<(), Box<dyn Error>> {
    let id = SessionId {
        vpn_instance: Some("mgmt".parse()?),
        address: "10.1.1.1".parse()?,
        alias: Some("aa".parse()?),
    };
    let one = || Selector::One(id.clone());
    let neighbor = NeighborId { vpn_instance: None, address: "192.0.2.2".parse()? };
    let requests = [
        Request::Operation(Operation::ResetSession(ResetSession {
            legs: WhichLegs { sessions: one().into(), router: Some(RouterId::Local) },
            stagger: 1000,
            follow: true,
        })),
        Request::Query(Query::ResetPlan(WhichLegs {
            sessions: Selector::All { vpn_instance: None }.into(),
            router: None,
        })),
        Request::Query(Query::Router(WhichRouters(None))),
        Request::Operation(Operation::ResetRouter(ResetRouter {
            router: Some(RouterId::Named("edge1".parse()?)),
        })),
        Request::Query(Query::ReloadPlan),
        Request::Query(Query::ConfigCheck),
        Request::Operation(Operation::ClearStatistics(one().into())),
        Request::Operation(Operation::SetLog(SetLog {
            level: Some(LogLevel::Debug),
            lasts: Some(600_000),
        })),
        Request::Query(Query::Log),
        Request::Query(Query::Session(one().into())),
        Request::Query(Query::Neighbor(WhichNeighbors {
            address: Some(neighbor.address),
            vpn_instance: id.vpn_instance.clone(),
        })),
        Request::Query(Query::VpnInstance(WhichInstances(None))),
        Request::Query(Query::Config),
        Request::Query(Query::Status),
        Request::Query(Query::Directory),
        Request::Monitor(Default::default()),
    ];
    for (number, request) in requests.iter().enumerate() {
        let bytes = old(frame::encode(Kind::Request, request)?);
        write(folder, "frames", &format!("request-{number:02}"), &bytes)?;
    }
    let what = EventKind::Neighbor {
        id: neighbor,
        from: Some(NeighborState::OpenSent),
        to: Some(NeighborState::Established),
        why: "both sides agree".to_owned(),
    };
    let at = Timestamp(1_700_000_000_005);
    let responses = [
        Response::Failed(Failure::Other("it cannot be".to_owned())),
        Response::Events { events: vec![Event { sequence: 1, at, what }], lost: 3 },
    ];
    for (number, response) in responses.iter().enumerate() {
        let bytes = old(frame::encode(Kind::Response, response)?);
        write(folder, "frames", &format!("response-{number:02}"), &bytes)?;
    }
    write(folder, "frames", "refusal", &old(frame::refusal("no")))
}

/// With a version that stands for the one of today.
fn old(mut frame: Vec<u8>) -> Vec<u8> {
    frame[4..6].fill(0);
    frame
}
