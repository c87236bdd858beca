//! What a neighbor can do.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::Ground;
use crate::bgp::{self, Family, Prefix, attribute, kind};
use crate::neighbor::Neighbor;
use crate::random::Random;
use crate::wait::wait_for;

const TIMEOUT: Duration = Duration::from_secs(30);

/// A TCP connection from the culprit's address, that sends nothing.
///
/// # Errors
/// Those of the system.
pub fn dial(ground: &Ground) -> io::Result<TcpStream> {
    let socket =
        Socket::new(Domain::for_address(ground.listen), Type::STREAM, Some(Protocol::TCP))?;
    socket.bind(&std::net::SocketAddr::new(ground.culprit, 0).into())?;
    socket.connect_timeout(&ground.listen.into(), Duration::from_secs(5))?;
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    Ok(stream)
}

/// Sends this once connected, shuts down its direction, and waits until bmpd has closed.
///
/// # Panics
/// When bmpd does not close.
#[track_caller]
pub fn say(ground: &Ground, bytes: &[u8]) {
    let Ok(mut stream) = dial(ground) else { return };
    // bmpd may have closed before it has read all: that is allowed.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut received = [0; 4096];
    loop {
        match stream.read(&mut received) {
            Ok(0) => return,
            Ok(_) => {}
            Err(e) if e.kind() == io::ErrorKind::ConnectionReset => return,
            Err(e) => panic!("bmpd does not close: {e}"),
        }
    }
}

/// Random bytes.
pub fn noise(random: &mut Random, length: usize) -> Vec<u8> {
    (0..length).map(|_| random.draw() as u8).collect()
}

/// Garbage in place of the OPEN, behind the OPEN, and in messages whose headers are right.
///
/// # Panics
/// When bmpd does not close.
#[track_caller]
pub fn garbage(ground: &Ground, random: &mut Random) {
    let length = 1 + random.below(20_000) as usize;
    say(ground, &noise(random, length));
    let open = ground.options().open.encode();
    say(ground, &[open.clone(), noise(random, length)].concat());
    let body = noise(random, length.min(4000));
    say(ground, &bgp::message(kind::OPEN, &body));
    say(ground, &[open, bgp::message(kind::KEEPALIVE, &[]), bgp::message(9, &body)].concat());
}

/// Garbage on a session that is up: bmpd ends it.
///
/// # Panics
/// When it does not.
#[track_caller]
pub fn garbage_when_up(ground: &Ground, random: &mut Random) -> Option<(u8, u8)> {
    let neighbor = ground.connect();
    let length = 19 + random.below(5000) as usize;
    let _ = neighbor.try_send(&noise(random, length));
    neighbor.wait_closed(TIMEOUT).notification.map(|(code, subcode, _)| (code, subcode))
}

/// Every beginning of an OPEN, of a KEEPALIVE and of an UPDATE, and then the end.
///
/// # Panics
/// When bmpd does not close.
#[track_caller]
pub fn half_messages(ground: &Ground, step: usize) {
    let open = ground.options().open.encode();
    let keepalive = bgp::message(kind::KEEPALIVE, &[]);
    let update = update_of(&path(&[65002]), &[host(1)]);
    let whole = [open, keepalive, update].concat();
    for length in (0..whole.len()).step_by(step) {
        say(ground, &whole[..length]);
    }
}

/// So many connections at once that send nothing, and then close; a third of them with a reset.
pub fn silent_connections(ground: &Ground, count: usize) {
    let silent: Vec<TcpStream> = (0..count).map_while(|_| dial(ground).ok()).collect();
    for stream in silent.iter().step_by(3) {
        let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
    }
}

/// The attributes ORIGIN, AS_PATH (a sequence of at most 255 for each segment) and NEXT_HOP.
pub fn path(as_path: &[u32]) -> Vec<u8> {
    let mut path = vec![];
    bgp::put_attribute(&mut path, 0x40, attribute::ORIGIN, &[0]);
    let mut value = vec![];
    for segment in as_path.chunks(255) {
        value.extend([2, segment.len() as u8]);
        value.extend(segment.iter().flat_map(|asn| asn.to_be_bytes()));
    }
    bgp::put_attribute(&mut path, 0x40, attribute::AS_PATH, &value);
    bgp::put_attribute(&mut path, 0x40, attribute::NEXT_HOP, &[192, 0, 2, 1]);
    path
}

/// A host route: another one for each number below 2^25.
pub fn host(number: u32) -> Prefix {
    Prefix::new(Ipv4Addr::from((32 << 24) + number).into(), 32)
}

/// An UPDATE that announces these prefixes with these attributes.
pub fn update_of(path: &[u8], prefixes: &[Prefix]) -> Vec<u8> {
    let mut body = vec![0, 0];
    body.extend_from_slice(&(path.len() as u16).to_be_bytes());
    body.extend_from_slice(path);
    prefixes.iter().for_each(|prefix| prefix.encode(&mut body));
    bgp::message(kind::UPDATE, &body)
}

/// What announces so many routes, each with attributes that no other has, and both End-of-RIBs.
pub fn attribute_sets(count: u32) -> Vec<u8> {
    let common = path(&[65002, 65003]);
    let mut bytes = Vec::with_capacity(count as usize * 64);
    for number in 0..count {
        let mut attributes = common.clone();
        bgp::put_attribute(&mut attributes, 0xc0, attribute::COMMUNITIES, &number.to_be_bytes());
        bytes.extend(update_of(&attributes, &[host(number)]));
    }
    bytes.extend(bgp::end_of_rib(Family::IPV4));
    bytes.extend(bgp::end_of_rib(Family::IPV6));
    bytes
}

/// One route comes and goes so many times, each time with other attributes, and stays away.
///
/// # Panics
/// When the connection is gone.
#[track_caller]
pub fn flaps(neighbor: &Neighbor, times: u32) {
    let prefix = host(0);
    let withdrawal = bgp::withdrawals(&[prefix]);
    let mut bytes = Vec::new();
    for number in 0..times {
        let mut attributes = path(&[65002, 65003]);
        bgp::put_attribute(&mut attributes, 0xc0, attribute::COMMUNITIES, &number.to_be_bytes());
        bytes.extend(update_of(&attributes, &[prefix]));
        bytes.extend_from_slice(&withdrawal);
        if bytes.len() > 1 << 16 || number + 1 == times {
            neighbor.send_raw(&bytes);
            bytes.clear();
        }
    }
}

/// Announces routes without end, until bmpd ends the session. Returns the code and subcode of its
/// NOTIFICATION, if there was one.
///
/// # Panics
/// When it does not before there are twenty-five million routes.
#[track_caller]
pub fn flood(ground: &Ground) -> Option<(u8, u8)> {
    const ROUTES: u32 = 700;
    let neighbor = ground.connect();
    let path = path(&[65002, 65003]);
    let batch = |from: u32| -> Vec<u8> {
        let hosts = |n: u32| (0..ROUTES).map(move |route| host(from + n * ROUTES + route));
        (0..20).flat_map(|n| update_of(&path, &hosts(n).collect::<Vec<Prefix>>())).collect()
    };
    let ended = (0..1800).any(|n| neighbor.try_send(&batch(n * 20 * ROUTES)).is_err());
    assert!(ended, "bmpd takes any number of routes: {}", ground.neighbor(ground.culprit));
    neighbor.wait_closed(TIMEOUT).notification.map(|(code, subcode, _)| (code, subcode))
}

/// Waits until bmpd has this many routes of the culprit.
///
/// # Panics
/// When it has not within a minute.
#[track_caller]
pub fn wait_routes(ground: &Ground, count: u64) {
    wait_for(&format!("{count} routes of the culprit"), Duration::from_secs(60), || {
        let shown = ground.neighbor(ground.culprit);
        let families = shown["families"].as_array().into_iter().flatten();
        let found: u64 = families.filter_map(|family| family["routes"].as_u64()).sum();
        if found == count { Ok(()) } else { Err(shown.to_string()) }
    });
}
