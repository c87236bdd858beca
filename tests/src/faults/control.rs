//! What a client of the control socket can do.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::Ground;
use crate::random::Random;

const TIMEOUT: Duration = Duration::from_secs(30);

/// A frame's header as `shared::frame` describes it.
pub fn header(version: u16, kind: u8, length: u32) -> Vec<u8> {
    let mut bytes = b"BMPC".to_vec();
    bytes.extend_from_slice(&version.to_be_bytes());
    bytes.extend_from_slice(&[kind, 0]);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes
}

/// The version that this bmpd speaks.
///
/// # Panics
/// When bmpctl fails.
#[track_caller]
pub fn version(ground: &Ground) -> u16 {
    let answer = super::json(&ground.daemon, &["show", "version"]);
    let version = answer["protocol"].as_u64().and_then(|version| u16::try_from(version).ok());
    version.unwrap_or_else(|| panic!("no protocol: {answer}"))
}

/// Connections that send nothing, as many of these as there is room for.
pub fn silent(ground: &Ground, count: usize) -> Vec<UnixStream> {
    let mut silent = Vec::with_capacity(count);
    for _ in 0..count {
        // The system has a queue of its own, and a blocking connect waits in it.
        let Ok(socket) = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None)
        else {
            break;
        };
        let Ok(address) = socket2::SockAddr::unix(ground.daemon.socket()) else { break };
        let connected = socket.set_nonblocking(true).and_then(|()| socket.connect(&address));
        if connected.is_ok() {
            silent.push(UnixStream::from(std::os::fd::OwnedFd::from(socket)));
        }
    }
    silent
}

/// Sends this, shuts down its direction, and returns what is received.
///
/// # Panics
/// When bmpd neither answers nor closes.
#[track_caller]
pub fn say(ground: &Ground, bytes: &[u8]) -> Vec<u8> {
    let mut stream = UnixStream::connect(ground.daemon.socket())
        .unwrap_or_else(|e| panic!("cannot connect: {e}"));
    stream.set_read_timeout(Some(TIMEOUT)).expect("a socket has a timeout");
    // bmpd may close before it has read all; that is allowed.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = vec![];
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(e) if e.kind() == io::ErrorKind::ConnectionReset => {}
        Err(e) => panic!("bmpd neither answers nor closes: {e}"),
    }
    answer
}

/// Garbage, half frames, other versions, and lengths of which nothing follows.
///
/// # Panics
/// When bmpd neither answers nor closes.
#[track_caller]
pub fn nonsense(ground: &Ground, random: &mut Random) {
    let version = version(ground);
    let noise = super::neighbors::noise(random, 300);
    say(ground, &noise);
    say(ground, &[header(version, 0, 300), noise.clone()].concat());
    say(ground, &[header(version ^ 0x5a5a, 0, 300), noise.clone()].concat());
    let whole = [header(version, 0, 300), noise].concat();
    say(ground, &whole[..random.below(whole.len() as u64) as usize]);
    for length in [u32::MAX, 1 << 31, 65_537] {
        say(ground, &header(version, 0, length));
    }
}
