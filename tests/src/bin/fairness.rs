//! Measures what neighbors that flood bmpd cost all others.
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
//! programs themselves is in the figures: the case `none` gives them without a flood. With `BMPD_BIN_DIR` the
//! programs of another build are measured.

use std::net::IpAddr;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Parser;
use tests::addresses::loopback;
use tests::daemon::{self, Daemon, binary};
use tests::flood::{Flood, Floods};
use tests::live::Listening;
use tests::scratch::Scratch;

/// AS of the neighbors.
const ASN: u32 = 65001;
/// Between two routes of the healthy neighbor.
const EVERY: Duration = Duration::from_millis(20);
/// Between two commands.
const COMMAND_EVERY: Duration = Duration::from_millis(50);
/// How long to wait for a route; one that takes longer is counted as this long.
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
    let probe = Listening::at(loopback())?;
    let station = probe.address();
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
    let gap = Arc::new(Mutex::new(Duration::ZERO));
    let watch = thread::spawn({
        let (stop, gap) = (Arc::clone(&stop), Arc::clone(&gap));
        move || watch(&watchdog, &stop, &gap)
    });
    let mut probe = probe.connect(healthy, ASN, program);
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
    let floods = Floods::begin(case.flood, &hostile, ASN, program);

    let begun = Instant::now();
    let (mut live, mut keepalive_gap) = (Vec::new(), Duration::ZERO);
    let (mut keepalives, mut last_keepalive) = (probe.keepalives(), Instant::now());
    while begun.elapsed() < time {
        let sent = Instant::now();
        live.push(
            probe
                .route(LATEST)
                .context("the healthy neighbor's session is down")?
                .unwrap_or(LATEST),
        );
        let now = probe.keepalives();
        keepalive_gap = keepalive_gap.max(last_keepalive.elapsed());
        if now != keepalives {
            (keepalives, last_keepalive) = (now, Instant::now());
        }
        thread::sleep(EVERY.saturating_sub(sent.elapsed()));
    }
    let memory = bmpd.peak_rss_kib() / 1024;
    stop.store(true, Ordering::Relaxed);
    floods.stop();
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
    drop(bmpd);
    drop(floods);
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
