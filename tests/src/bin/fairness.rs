//! Measures what neighbors that flood bmpd cost everybody else.
//!
//! `cargo run --release -p tests --bin fairness [-- [--seconds N] [CASE...]]`
//!
//! ```text
//!   a healthy neighbor ── a route every 20 ms ──> bmpd ──> a station that notes when each comes   "live"
//!   hostile neighbors  ── as fast as they can ──>  │
//!                          bmpctl show session ────┘ every 50 ms, from its start to its end       "bmpctl"
//! ```
//!
//! Each case is one kind of flood. Beside the delays it prints the longest time between two KEEPALIVEs that the healthy
//! neighbor received (its hold time is 9 s: one is due every 3 s), and between two messages to the service manager's
//! watchdog (one is due every second). Everything runs on the same machine, so that the load of the flooding
//! programs themselves is in the figures: the case `none` says what they are without a flood. With `BMPD_BIN_DIR` the
//! programs of another build are measured.

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Parser;
use tests::addresses::loopback;
use tests::bgp::{self, Family, Open, Prefix};
use tests::daemon::{self, Daemon, binary};
use tests::neighbor::{Neighbor, Options};
use tests::scratch::Scratch;
use tests::table::{Attributes, put_announcements};

/// AS of the neighbors.
const ASN: u32 = 65001;
/// Between two routes of the healthy neighbor.
const EVERY: Duration = Duration::from_millis(20);
/// Between two commands.
const COMMAND_EVERY: Duration = Duration::from_millis(50);
/// How long a route may take before it is given up and counted as this long.
const LATEST: Duration = Duration::from_secs(10);

#[derive(Parser)]
struct Arguments {
    /// How long each flood lasts, in seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// The cases; all by default.
    case: Vec<String>,
}

/// One kind of flood.
struct Case {
    name: &'static str,
    neighbors: usize,
    flood: Flood,
}

#[derive(Clone, Copy)]
enum Flood {
    None,
    /// End-of-RIBs.
    EndOfRib,
    /// Withdrawals of routes that are not there.
    UnknownWithdrawals,
    /// The same 12,900 routes, without an End-of-RIB.
    Repeat,
    /// One route with ever new path identifiers (ADD-PATH).
    PathIds,
    /// 0.0.0.0/0, 64,000 times in each UPDATE.
    DefaultRoute,
    /// Ever new sets of attributes for one route.
    Attributes,
    /// 1.4 million routes, announced and withdrawn again.
    WithdrawAll,
    /// 1.4 million routes, and the connection is closed; graceful restart keeps the routes.
    Restart,
}

const CASES: [Case; 13] = [
    Case { name: "none", neighbors: 0, flood: Flood::None },
    Case { name: "end-of-rib", neighbors: 1, flood: Flood::EndOfRib },
    Case { name: "unknown-withdrawals", neighbors: 1, flood: Flood::UnknownWithdrawals },
    Case { name: "repeat", neighbors: 1, flood: Flood::Repeat },
    Case { name: "path-ids", neighbors: 1, flood: Flood::PathIds },
    Case { name: "default-route", neighbors: 1, flood: Flood::DefaultRoute },
    Case { name: "attributes", neighbors: 1, flood: Flood::Attributes },
    Case { name: "withdraw-all", neighbors: 1, flood: Flood::WithdrawAll },
    Case { name: "restart", neighbors: 1, flood: Flood::Restart },
    Case { name: "repeat-8", neighbors: 8, flood: Flood::Repeat },
    Case { name: "repeat-20", neighbors: 20, flood: Flood::Repeat },
    Case { name: "repeat-100", neighbors: 100, flood: Flood::Repeat },
    Case { name: "withdraw-all-100", neighbors: 100, flood: Flood::WithdrawAll },
];

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let names: Vec<&str> = CASES.iter().map(|case| case.name).collect();
    for case in &arguments.case {
        ensure!(names.contains(&case.as_str()), "there is no case {case}; there are {names:?}");
    }
    if std::env::var_os("BMPD_BIN_DIR").is_none() {
        daemon::use_binaries(daemon::build(Some("release")).map_err(anyhow::Error::msg)?);
    }
    println!("Delays in ms; gaps in s. Each flood lasts {} s.\n", arguments.seconds);
    println!(
        "| case | live p50 | p99 | max | bmpctl p50 | p99 | max | KEEPALIVE gap | watchdog gap | MiB |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for case in &CASES {
        if arguments.case.is_empty() || arguments.case.iter().any(|name| name == case.name) {
            measure(case, Duration::from_secs(arguments.seconds))
                .with_context(|| case.name.to_owned())?;
        }
    }
    Ok(())
}

fn measure(case: &Case, time: Duration) -> anyhow::Result<()> {
    let scratch = Scratch::new();
    let (healthy, program) = (loopback(), daemon::bgp_listen());
    let listener = TcpListener::bind((loopback(), 0))?;
    let station = listener.local_addr()?;
    let mut config = daemon::bgp(program) + &daemon::session(station.ip(), station.port(), None);
    config += &daemon::neighbor(healthy, ASN);
    let hostile: Vec<IpAddr> = (0..case.neighbors).map(|_| loopback()).collect();
    for address in &hostile {
        config += &daemon::neighbor(*address, ASN);
        config += "add-path = [\"ipv4-unicast\"]\n\n";
    }
    let notify = scratch.join("notify");
    let watchdog = UnixDatagram::bind(&notify)?;
    let mut bmpd = Command::new(binary("bmpd"));
    bmpd.env("NOTIFY_SOCKET", &notify).env("WATCHDOG_USEC", "2000000");
    let bmpd = Daemon::spawn_by(bmpd, &scratch, "bmpd", &config, "error");
    bmpd.wait_ready();

    let stop = Arc::new(AtomicBool::new(false));
    let (arrived, arrivals) = mpsc::channel();
    let reader = thread::spawn(move || read_station(&listener, healthy, &arrived));
    let gap = Arc::new(Mutex::new(Duration::ZERO));
    let watch = thread::spawn({
        let (stop, gap) = (Arc::clone(&stop), Arc::clone(&gap));
        move || watch(&watchdog, &stop, &gap)
    });
    let mut options = Options::new(healthy, ASN);
    options.open = Open { hold_time: 9, ..options.open };
    let neighbor = Neighbor::connect(&options, program);
    let commands = thread::spawn({
        let (stop, mut command) =
            (Arc::clone(&stop), bmpd.bmpctl_command(&["show", "session", "--timeout", "30"]));
        move || {
            let mut times = Vec::new();
            command.stdout(Stdio::null()).stderr(Stdio::null());
            while !stop.load(Ordering::Relaxed) {
                let begun = Instant::now();
                let good = command.status().is_ok_and(|status| status.success());
                times.push(if good { begun.elapsed() } else { LATEST });
                thread::sleep(COMMAND_EVERY);
            }
            times
        }
    });
    let ready = Arc::new(Blocks::ready(case.flood));
    let floods: Vec<_> = hostile
        .iter()
        .map(|address| {
            let (stop, flood, address) = (Arc::clone(&stop), case.flood, *address);
            let blocks = Blocks { flood, ready: Arc::clone(&ready), own: Vec::new(), number: 0 };
            thread::spawn(move || run_flood(blocks, address, program, &stop))
        })
        .collect();

    // Of the healthy neighbor.
    let attributes = Attributes::sample(ASN, &mut tests::random::Random::new(1));
    let begun = Instant::now();
    let (mut live, mut keepalive_gap) = (Vec::new(), Duration::ZERO);
    let (mut keepalives, mut last_keepalive) = (neighbor.heard().keepalives, Instant::now());
    let mut number = 0u32;
    while begun.elapsed() < time {
        number += 1;
        let [_, b, c, d] = number.to_be_bytes();
        let prefix = Prefix::new(Ipv4Addr::new(198, b, c, d).into(), 32);
        let mut message = Vec::new();
        put_announcements(&mut message, &[prefix], &attributes);
        let sent = Instant::now();
        neighbor.try_send(&message).context("the healthy neighbor's session is down")?;
        let mut took = LATEST;
        while let Ok((seen, at)) = arrivals.recv_timeout(LATEST.saturating_sub(sent.elapsed())) {
            if seen == number {
                took = Instant::saturating_duration_since(&at, sent);
                break;
            }
        }
        live.push(took);
        let now = neighbor.heard().keepalives;
        keepalive_gap = keepalive_gap.max(last_keepalive.elapsed());
        if now != keepalives {
            (keepalives, last_keepalive) = (now, Instant::now());
        }
        thread::sleep(EVERY.saturating_sub(sent.elapsed()));
    }
    let memory = bmpd.peak_rss_kib() / 1024;
    stop.store(true, Ordering::Relaxed);
    let commands = commands.join().map_err(|_| anyhow::anyhow!("the commands panicked"))?;
    let _ = watch.join();
    let gap = *gap.lock().map_err(|_| anyhow::anyhow!("the watchdog panicked"))?;
    println!(
        "| {} | {} | {} | {:.1} | {:.1} | {memory} |",
        case.name,
        figures(live),
        figures(commands),
        keepalive_gap.as_secs_f64(),
        gap.as_secs_f64(),
    );
    drop(neighbor);
    drop(bmpd);
    for flood in floods {
        let _ = flood.join();
    }
    let _ = reader.join();
    Ok(())
}

/// The median, the 99th percentile and the greatest, in ms.
fn figures(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |percent: usize| {
        let index = (times.len() * percent / 100).min(times.len().saturating_sub(1));
        times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    };
    format!("{:.1} | {:.1} | {:.1}", at(50), at(99), at(100))
}

/// Reads what bmpd sends and reports each route of the healthy neighbor, by its number.
fn read_station(listener: &TcpListener, healthy: IpAddr, arrived: &mpsc::Sender<(u32, Instant)>) {
    let IpAddr::V4(healthy) = healthy else { return };
    // A session that comes up again is read again; bmpd's end closes the last one.
    while let Ok((stream, _)) = accept_within(listener, Duration::from_secs(3)) {
        read_messages(stream, healthy, arrived);
    }
}

fn accept_within(
    listener: &TcpListener,
    time: Duration,
) -> std::io::Result<(TcpStream, SocketAddr)> {
    listener.set_nonblocking(true)?;
    let end = Instant::now() + time;
    loop {
        match listener.accept() {
            Err(error)
                if error.kind() == std::io::ErrorKind::WouldBlock && Instant::now() < end =>
            {
                thread::sleep(Duration::from_millis(5));
            }
            Ok((stream, from)) => {
                stream.set_nonblocking(false)?;
                return Ok((stream, from));
            }
            error => return error,
        }
    }
}

/// Where a BMP message has its type, the peer's IPv4 address, and its routes (RFC 7854 sections 4.1 and 4.2).
const KIND: usize = 5;
const PEER: std::ops::Range<usize> = 28..32;

fn read_messages(mut stream: TcpStream, healthy: Ipv4Addr, arrived: &mpsc::Sender<(u32, Instant)>) {
    let mut buffer = vec![0; 4 << 20];
    let mut filled = 0;
    while let Ok(read @ 1..) = stream.read(&mut buffer[filled..]) {
        filled += read;
        let now = Instant::now();
        let mut at = 0;
        while let Some([_, a, b, c, d, kind]) = buffer[at..filled].first_chunk() {
            let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
            let Some(message) = buffer[at..filled].get(..length) else { break };
            at += length;
            if message[KIND] != *kind || *kind != 0 || message[PEER] != healthy.octets() {
                continue;
            }
            if let [.., 32, 198, b, c, d] = message {
                let _ = arrived.send((u32::from_be_bytes([0, *b, *c, *d]), now));
            }
        }
        buffer.copy_within(at..filled, 0);
        filled -= at;
    }
}

/// Notes the longest time between two messages to the watchdog.
fn watch(watchdog: &UnixDatagram, stop: &AtomicBool, gap: &Mutex<Duration>) {
    let _ = watchdog.set_read_timeout(Some(Duration::from_millis(100)));
    let mut last = Instant::now();
    let mut bytes = [0; 256];
    while !stop.load(Ordering::Relaxed) {
        let seen = watchdog
            .recv(&mut bytes)
            .is_ok_and(|n| bytes[..n].windows(10).any(|part| part == b"WATCHDOG=1"));
        if let Ok(mut gap) = gap.lock() {
            *gap = (*gap).max(last.elapsed());
        }
        if seen {
            last = Instant::now();
        }
    }
}

/// Floods bmpd until told to stop, or until bmpd closes the connection; then from the beginning.
fn run_flood(mut blocks: Blocks, address: IpAddr, program: SocketAddr, stop: &AtomicBool) {
    let flood = blocks.flood;
    let mut options = Options::new(address, ASN);
    options.open.extended_message = true;
    match flood {
        Flood::PathIds => options.open.add_path = vec![(Family::IPV4, 2)],
        Flood::Restart => {
            options.open = options.open.graceful_restart(false, 120, &[Family::IPV4]);
        }
        _ => {}
    }
    while !stop.load(Ordering::Relaxed) {
        let Ok(neighbor) = Neighbor::try_connect(&options, program) else {
            thread::sleep(Duration::from_millis(20));
            continue;
        };
        let mut sent = 0;
        while !stop.load(Ordering::Relaxed) {
            let block = blocks.next();
            if neighbor.try_send(block).is_err() {
                break;
            }
            sent += 1;
            if matches!(flood, Flood::Restart) && sent == blocks.ready.len() {
                break;
            }
        }
    }
}

/// What a flood sends, block by block.
struct Blocks {
    flood: Flood,
    /// What it sends again and again.
    ready: Arc<Vec<Vec<u8>>>,
    /// What is new each time.
    own: Vec<u8>,
    number: usize,
}

impl Blocks {
    fn ready(flood: Flood) -> Vec<Vec<u8>> {
        match flood {
            Flood::None | Flood::PathIds | Flood::Attributes => Vec::new(),
            Flood::EndOfRib => vec![bgp::end_of_rib(Family::IPV4).repeat(10_000)],
            Flood::UnknownWithdrawals => vec![withdrawn(0..64_000)],
            Flood::Repeat => vec![announced(0..12_900)],
            Flood::DefaultRoute => vec![update(&[], &[0; 64_000])],
            Flood::WithdrawAll => {
                let chunk = |n: u32| n * 100_000..(n + 1) * 100_000;
                (0..14)
                    .map(|n| announced(chunk(n)))
                    .chain((0..14).map(|n| withdrawn(chunk(n))))
                    .collect()
            }
            Flood::Restart => (0..14).map(|n| announced(n * 100_000..(n + 1) * 100_000)).collect(),
        }
    }

    fn next(&mut self) -> &[u8] {
        self.number += 1;
        match self.flood {
            Flood::PathIds => {
                let first = self.number as u32 * 10_000;
                self.own = (0..10)
                    .flat_map(|part| {
                        let ids = (0..1000).map(|n| first + part * 1000 + n);
                        let nlri: Vec<u8> =
                            ids.flat_map(|id| [&id.to_be_bytes()[..], &[8, 10]].concat()).collect();
                        update(&[], &nlri)
                    })
                    .collect();
                &self.own
            }
            Flood::Attributes => {
                let first = self.number as u32 * 2000;
                self.own = (first..first + 2000)
                    .flat_map(|med| update_with(Some(med), &[], &[8, 10]))
                    .collect();
                &self.own
            }
            _ => {
                let count = self.ready.len();
                &self.ready[self.number % count]
            }
        }
    }
}

/// The /32 of a number.
fn nlri(numbers: std::ops::Range<u32>) -> Vec<u8> {
    numbers.flat_map(|n| [&[32][..], &(0x0a00_0000 + n).to_be_bytes()].concat()).collect()
}

/// Announces routes, 800 in a message of less than 4,096 bytes.
fn announced(numbers: std::ops::Range<u32>) -> Vec<u8> {
    nlri(numbers).chunks(800 * 5).flat_map(|nlri| update(&[], nlri)).collect()
}

/// Withdraws routes.
fn withdrawn(numbers: std::ops::Range<u32>) -> Vec<u8> {
    let parts = nlri(numbers);
    let one = |nlri: &[u8]| {
        let mut body = (nlri.len() as u16).to_be_bytes().to_vec();
        body.extend_from_slice(nlri);
        body.extend_from_slice(&[0, 0]);
        bgp::message(bgp::kind::UPDATE, &body)
    };
    parts.chunks(800 * 5).flat_map(one).collect()
}

fn update(withdrawn: &[u8], announced: &[u8]) -> Vec<u8> {
    update_with(None, withdrawn, announced)
}

fn update_with(med: Option<u32>, withdrawn: &[u8], announced: &[u8]) -> Vec<u8> {
    let mut attributes = Vec::new();
    bgp::put_attribute(&mut attributes, 0x40, 1, &[0]);
    bgp::put_attribute(&mut attributes, 0x40, 2, &[[2, 1].as_slice(), &ASN.to_be_bytes()].concat());
    bgp::put_attribute(&mut attributes, 0x40, 3, &[192, 0, 2, 1]);
    if let Some(med) = med {
        bgp::put_attribute(&mut attributes, 0x80, 4, &med.to_be_bytes());
    }
    let mut body = (withdrawn.len() as u16).to_be_bytes().to_vec();
    body.extend_from_slice(withdrawn);
    body.extend_from_slice(&(attributes.len() as u16).to_be_bytes());
    body.extend_from_slice(&attributes);
    body.extend_from_slice(announced);
    bgp::message(bgp::kind::UPDATE, &body)
}
