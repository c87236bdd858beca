//! A whole conversation with a neighbor, from its OPEN to the end.

use std::time::Instant;

use bmpd::heart::{Conversation, Station};
use bmpd::wire::bgp::{self, HEADER_LEN, MessageType};
use bmpd::wire::bmp;
use bmpd::wire::family::Family;
use bmpd::wire::open::{AddPath, Open};
use tests::bmp::message::split_messages;
use tests::bmp::{Kind, Mode, Record};
use tests::random::Random;

use crate::open::ours;

/// The size limit of a station's buffer.
const LIMIT: usize = 256 * 1024;

/// The first byte determines how the bytes are cut. The rest is parts: a type of message, two bytes of length, a
/// body. An invalid type means that the part is raw bytes, sent as they are.
///
/// - However the bytes are cut, bmpd answers the same, and a station that reads at the end is sent the same.
/// - A station that reads between the cuts has the same routes in the end.
/// - What they are sent is valid for the tests' own BMP parser, and has as many routes as bmpd counts.
/// - The answer is whole messages: our OPEN first, and nothing after a NOTIFICATION.
pub fn conversation(bytes: &[u8]) {
    let Some((seed, parts)) = bytes.split_first() else { return };
    let bytes = assemble(parts);
    let whole = hold(&bytes, 0);
    let cut = hold(&bytes, u64::from(*seed) + 1);
    assert_eq!(cut.sent, whole.sent, "what the neighbor was answered");
    assert_eq!(cut.ended, whole.ended);
    assert_eq!(cut.late, whole.late, "what a station was sent at the end");
    is_answer(&whole.sent, whole.ended.is_some());
    let late = read(&whole.late);
    let early = read(&cut.early);
    // A station that registers after the session has ended is sent nothing of it.
    assert!(whole.routes.is_none() || late.is_some() == early.is_some());
    if let (Some(late), Some(early)) = (late, early) {
        assert_eq!(late.count(Kind::PeerDown), 0, "it was sent when all was over");
        let routes = |record: &Record| record.peers.values().map(|peer| peer.rib()).next();
        if whole.routes.is_some() {
            assert_eq!(routes(&early), routes(&late));
        }
        let counted = whole.routes.iter().flatten().map(|(_, count)| *count).sum::<usize>();
        assert_eq!(routes(&late).map_or(0, |rib| rib.len()), counted);
    }
}

/// The bytes that the neighbor sends.
fn assemble(mut parts: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let [kind, high, low, rest @ ..] = parts {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (body, behind) = rest.split_at(length);
        parts = behind;
        let kind = match kind {
            1 => MessageType::Open,
            2 => MessageType::Update,
            3 => MessageType::Notification,
            4 => MessageType::Keepalive,
            5 => MessageType::RouteRefresh,
            _ => {
                bytes.extend_from_slice(body);
                continue;
            }
        };
        if body.len() <= usize::from(u16::MAX) - HEADER_LEN {
            bgp::encode(&mut bytes, kind, body);
        }
    }
    bytes
}

/// The result of a conversation.
struct Held {
    sent: Vec<u8>,
    ended: Option<String>,
    /// What was sent to a station that reads whenever bytes have arrived.
    early: Vec<u8>,
    /// What was sent to one that reads at the end.
    late: Vec<u8>,
    routes: Option<Vec<(Family, usize)>>,
}

/// Runs a conversation; seed 0 does not cut the bytes.
fn hold(mut bytes: &[u8], seed: u64) -> Held {
    let local = Open {
        families: Family::DEFAULT.to_vec(),
        add_path: Family::DEFAULT.map(|family| (family, AddPath::Receive)).to_vec(),
        ..ours()
    };
    let mut conversation = Conversation::begin(local);
    let mut early = conversation.station();
    let mut sent = Vec::new();
    let mut random = Random::new(seed);
    while !bytes.is_empty() {
        let most = if random.chance(50) { 8 } else { 600 };
        let count = if seed == 0 { bytes.len() } else { 1 + random.below(most) as usize };
        let (now, later) = bytes.split_at(count.min(bytes.len()));
        bytes = later;
        conversation.read(now);
        drain(&mut early, &mut sent);
    }
    let mut late = Vec::new();
    drain(&mut conversation.station(), &mut late);
    let held = Held {
        sent: conversation.sent().to_vec(),
        ended: conversation.ended(),
        early: sent,
        late,
        routes: conversation.routes(),
    };
    conversation.close();
    let mut end = Vec::new();
    drain(&mut early, &mut end);
    drop(early);
    assert!(conversation.routes().is_none(), "the tables go with the connection");
    held
}

fn drain(station: &mut Station, sent: &mut Vec<u8>) {
    loop {
        let mut bytes = Vec::new();
        station.fill(&mut bytes, LIMIT);
        assert!(bytes.len() <= LIMIT + 100, "{} bytes in a buffer", bytes.len());
        if bytes.is_empty() {
            return;
        }
        sent.extend_from_slice(&bytes);
    }
}

/// Reads what a station was sent; `None` if the tests' parser does not accept the neighbor's OPEN: it is stricter,
/// and the station was sent the OPEN as received.
fn read(sent: &[u8]) -> Option<Record> {
    let mut record = Record::new(Mode::Keeping);
    let mut initiation = Vec::new();
    bmp::initiation::<&str>(&mut initiation, "fuzz", "fuzz", &[]);
    let at = Instant::now();
    record.message(&initiation, at);
    for message in split_messages(sent).expect("BMP messages") {
        record.message(message.whole, at);
    }
    let of_the_open = |breach: &String| breach.contains("PeerUp of");
    if record.violations.iter().any(of_the_open) {
        return None;
    }
    assert_eq!(record.violations, [""; 0]);
    assert_eq!(record.idle_withdrawals, 0, "withdrawals of routes that were not announced");
    Some(record)
}

/// Whole messages; an OPEN is the first, and a NOTIFICATION the last if bmpd ended the session.
fn is_answer(mut sent: &[u8], ended: bool) {
    let mut kinds = Vec::new();
    while !sent.is_empty() {
        let message = tests::bgp::split_message(&mut sent).expect("a whole message");
        kinds.push(message.kind);
    }
    assert_eq!(kinds.first(), Some(&1));
    let notifications = kinds.iter().filter(|kind| **kind == 3).count();
    assert!(notifications == 0 || (notifications == 1 && kinds.last() == Some(&3) && ended));
}
