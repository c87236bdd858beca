//! Keys in the memory of the real bmpd, as root sees it: each in one place while it is configured, and in none
//! when it is not any more.
//!
//! Not seen to, and not looked for here: what ring holds of a private key of TLS while a session has it, a key
//! that is written with escapes, and the text of a file that was refused, of which the parser keeps copies of its
//! own.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use tests::addresses::loopback;
use tests::daemon::{Daemon, bgp, bgp_listen, neighbor};
use tests::neighbor::{Neighbor, Options};
use tests::scratch::Scratch;
use tests::station::{Mode, Setup, Station};
use tests::wait::wait_for;

const TIMEOUT: Duration = Duration::from_secs(30);

/// Of a session, in the file; of a session, in a file of its own; of a neighbor; of TCP-AO. They must not be
/// shared, so that each is counted for itself, and no other text may begin or end as they do.
const KEYS: [&str; 4] = [
    "kane-inline-0aa96c1f77c3",
    "kane-file-5b1d0e98a2f6",
    "kane-neighbor-7c2e41d9b8",
    "kane-ao-e0f91b64d3a7",
];

/// How often the bytes are in what the process can write to.
fn places(pid: u32, bytes: &[u8]) -> Vec<String> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let memory = File::open(format!("/proc/{pid}/mem")).unwrap();
    let mut found = Vec::new();
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (range, rights) = (words.next().unwrap(), words.next().unwrap());
        let (begin, end) = range.split_once('-').unwrap();
        let [begin, end] = [begin, end].map(|number| u64::from_str_radix(number, 16).unwrap());
        if !rights.starts_with("rw") {
            continue;
        }
        // With so much of the last piece that nothing between two is missed.
        let mut piece = vec![0; (1 << 20) + bytes.len()];
        let mut at = begin;
        while at < end {
            let length = piece.len().min((end - at) as usize);
            // It may have been given back meanwhile.
            let Ok(read) = memory.read_at(&mut piece[..length], at) else { break };
            let hits = piece[..read].windows(bytes.len()).enumerate();
            let hits = hits.filter(|(_, window)| *window == bytes);
            found.extend(hits.map(|(offset, _)| format!("{:x} in {line}", at + offset as u64)));
            at += 1 << 20;
        }
    }
    found.sort();
    found.dedup();
    found
}

#[test]
fn a_key_is_in_one_place_and_in_none_when_it_is_gone() {
    let scratch = Scratch::new();
    let (from, peer, listen) = (loopback(), loopback(), bgp_listen());
    let station = |key: &str| {
        let md5 = vec![(from, key.to_owned())];
        let setup = Setup { md5, ..Setup::default() };
        Station::listen_with(SocketAddr::new(loopback(), 0), Mode::Counting, setup)
    };
    let stations = [station(KEYS[0]), station(KEYS[1])];
    scratch.write("session.key", format!("{}\n", KEYS[1]));
    let session = |station: &Station, more: &str| {
        format!(
            "[[session]]\naddress = \"{}\"\ntcp.connect-port = {}\ntcp.source-address = \"{from}\"\n\
             retry.initial = 1\n{more}\n\n",
            station.ip(),
            station.port()
        )
    };
    let ao = format!(
        "[[session]]\naddress = \"10.1.1.1\"\ntcp.connect-port = 1\nshutdown = true\n\
         tcp.ao = [{{ send-id = 1, receive-id = 1, key = \"{}\" }}]\n\n",
        KEYS[3]
    );
    let with_key =
        neighbor(peer, 65001).trim_end().to_owned() + &format!("\nmd5.key = \"{}\"\n\n", KEYS[2]);
    let config = [
        session(&stations[0], &format!("tcp.md5.key = \"{}\"", KEYS[0])),
        session(&stations[1], "tcp.md5.key-file = \"session.key\""),
        ao,
        bgp(listen),
        with_key,
    ]
    .concat();
    let daemon = Daemon::start(&scratch, &config);
    for station in &stations {
        station.wait_connection(1);
    }
    let options = Options { md5: Some(KEYS[2].to_owned()), ..Options::new(peer, 65001) };
    let speaker = Neighbor::connect(&options, listen);
    let counted = |expected: usize| {
        for key in KEYS {
            wait_for(&format!("{key} to be in {expected} places"), TIMEOUT, || {
                let found = places(daemon.pid(), key.as_bytes());
                if found.len() == expected { Ok(()) } else { Err(found.join("\n")) }
            });
        }
    };
    counted(1);
    // However often the file is read.
    for _ in 0..3 {
        daemon.bmpctl(&["reload"]).done();
        daemon.bmpctl(&["reload", "--dry-run"]).done();
        daemon.bmpctl(&["show", "config"]).done();
    }
    daemon.bmpctl(&["reset", "session", "all"]).done();
    for station in &stations {
        station.wait_connection(2);
    }
    for key in KEYS {
        // What runs may be of an earlier reading than what is configured.
        let found = places(daemon.pid(), key.as_bytes());
        assert!((1..=2).contains(&found.len()), "{key}: {}", found.join("\n"));
    }
    daemon.rewrite_config(&bgp(listen));
    daemon.bmpctl(&["reload"]).done();
    counted(0);
    drop(speaker);
}
