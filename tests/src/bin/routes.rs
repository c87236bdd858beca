//! Measures `bmpctl show route`: how soon it answers, what it needs, and what it costs those who are sent routes meanwhile.
//!
//! `cargo run --release -p tests --bin routes [-- [--runs N] [--routes N]]`
//!
//! ```text
//!   a neighbor with a table ──────────────> bmpd ──> a station that notes when each comes         "live"
//!   another ── a route every 20 ms ──────>   │
//!                bmpctl show route ──────────┘ all routes, as text and as JSON; one prefix; one reader that stops
//!   the same table ──> BIRD ── birdc show route
//! ```
//!
//! The commands take turns, and medians are printed. The time of the first line, and of all of them, is from the start of the
//! process; its memory is the most that it had (VmHWM). With `BMPD_BIN_DIR` the programs of another build are measured.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Parser;
use tests::addresses::loopback;
use tests::daemon::{self, Daemon};
use tests::live::{Listening, Live};
use tests::neighbor::{Neighbor, Options};
use tests::programs::table_of::TableOf;
use tests::scratch::Scratch;
use tests::table::Table;
use tests::wait::wait_for;

const ASN: u32 = 65001;
const TIMEOUT: Duration = Duration::from_secs(120);
/// Between two routes.
const EVERY: Duration = Duration::from_millis(20);
const LATEST: Duration = Duration::from_secs(10);

#[derive(Parser)]
struct Arguments {
    /// How often each command is run.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// How many routes the table has; a sixth of them are of IPv6.
    #[arg(long, default_value_t = 1_200_000)]
    routes: u64,
}

/// What one command needed.
#[derive(Default)]
struct Cost {
    first: Vec<Duration>,
    all: Vec<Duration>,
    memory: u64,
    lines: u64,
}

impl Cost {
    fn add(&mut self, mut command: Command) -> anyhow::Result<()> {
        let begun = Instant::now();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut output =
            BufReader::with_capacity(64 * 1024, child.stdout.take().context("a pipe")?);
        let mut line = Vec::new();
        output.read_until(b'\n', &mut line)?;
        self.first.push(begun.elapsed());
        let (mut lines, mut buffer) = (1, vec![0; 64 * 1024]);
        loop {
            let count = output.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            self.memory = self.memory.max(peak(&child).unwrap_or_default());
            lines += buffer[..count].iter().filter(|byte| **byte == b'\n').count() as u64;
        }
        let status = child.wait()?;
        ensure!(status.success(), "{command:?}: {status}");
        self.all.push(begun.elapsed());
        self.lines = lines;
        Ok(())
    }

    fn print(mut self, name: &str) {
        println!(
            "| {name} | {} | {} | {} | {} |",
            median(&mut self.first),
            median(&mut self.all),
            self.lines,
            self.memory
        );
    }
}

/// The most memory that a process had, KiB.
fn peak(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn median(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let middle = times.get(times.len() / 2).copied().unwrap_or_default();
    format!("{:.1}", middle.as_secs_f64() * 1000.0)
}

fn main() -> anyhow::Result<()> {
    let Arguments { runs, routes } = Arguments::parse();
    if std::env::var_os("BMPD_BIN_DIR").is_none() {
        daemon::use_binaries(daemon::build(Some("release")).map_err(anyhow::Error::msg)?);
    }
    let scratch = Scratch::new();
    let (healthy, large, listen) = (loopback(), loopback(), daemon::bgp_listen());
    let probe = Listening::at(loopback())?;
    let station = probe.address();
    // The station is sent the other neighbor's routes only.
    let session = daemon::session(station.ip(), station.port(), None).trim_end().to_owned();
    let config = daemon::bgp(listen)
        + &session
        + &format!("\nmonitor.neighbors = [{{ address = \"{healthy}\" }}]\n\n")
        + &daemon::neighbor(healthy, ASN)
        + &daemon::neighbor(large, ASN);
    let bmpd = Daemon::start_as(&scratch, "bmpd", &config, "error");
    let mut probe = probe.connect(healthy, ASN, listen);
    let table = Table::full(routes - routes / 6, routes / 6);
    let bird = TableOf::bird(&scratch, large, ASN);
    let _senders = [listen, bird.listens].map(|at| {
        let neighbor = Neighbor::connect(&Options::new(large, ASN), at);
        neighbor.send_table(&table);
        neighbor
    });
    wait_for("the table in bmpd", TIMEOUT, || {
        let counted = bmpd.bmpctl(&[
            "show",
            "route",
            "--count-by",
            "family",
            "--neighbor",
            &large.to_string(),
        ]);
        let end = counted.stdout.lines().last().unwrap_or_default().to_owned();
        if end.starts_with(&format!("{routes} routes")) { Ok(()) } else { Err(end) }
    });
    bird.wait_count(routes);
    let before = bmpd.rss_kib();

    println!("{routes} routes, {runs} runs of each; medians, ms\n");
    println!("| command | first line | all | lines | KiB |\n|---|---|---|---|---|");
    let some_prefix =
        bmpd.bmpctl(&["show", "route", "--neighbor", &large.to_string(), "--limit", "1"]);
    let some_prefix = some_prefix.stdout.lines().nth(1).unwrap_or_default().to_owned();
    let some_prefix = some_prefix.split_whitespace().next().context("a prefix")?.to_owned();
    let ours = [
        ("bmpctl show route", vec!["show", "route"]),
        ("bmpctl show route --json", vec!["show", "route", "--json"]),
        ("bmpctl show route 1.0.0.0/8 --longer", vec!["show", "route", "1.0.0.0/8", "--longer"]),
        (
            "bmpctl show route --count-by origin-as",
            vec!["show", "route", "--count-by", "origin-as"],
        ),
        ("bmpctl show route PREFIX", vec!["show", "route", &some_prefix]),
        ("bmpctl show version", vec!["show", "version"]),
    ];
    let theirs = [
        ("birdc show route", vec!["show", "route"]),
        ("birdc show route PREFIX", vec!["show", "route", &some_prefix]),
    ];
    let mut costs: Vec<(&str, Cost)> =
        ours.iter().chain(&theirs).map(|(name, _)| (*name, Cost::default())).collect();
    for _ in 0..runs {
        for (rank, (_, arguments)) in ours.iter().enumerate() {
            costs[rank].1.add(bmpd.bmpctl_command(arguments))?;
        }
        for (rank, (_, arguments)) in theirs.iter().enumerate() {
            costs[ours.len() + rank].1.add(bird.birdc_command(arguments))?;
        }
    }
    for (name, cost) in costs {
        cost.print(name);
    }
    println!("\nbmpd: {before} KiB before, {} KiB after\n", bmpd.rss_kib());

    println!("| meanwhile | live p50 | p99 | max |\n|---|---|---|---|");
    live("nothing", &mut probe, runs, || Ok(None))?;
    live("bmpctl show route, again and again", &mut probe, runs, || {
        let mut command = bmpd.bmpctl_command(&["show", "route"]);
        Ok(Some(command.stdout(Stdio::null()).spawn()?))
    })?;
    let mut stopped = bmpd.bmpctl_command(&["show", "route"]);
    let mut stopped = stopped.stdout(Stdio::piped()).spawn()?;
    live("a bmpctl whose output nobody reads", &mut probe, runs, || Ok(None))?;
    stopped.kill()?;
    stopped.wait()?;
    Ok(())
}

/// Measures how long routes take to the station for two seconds a run, while this process runs, and again when it has ended.
fn live(
    name: &str,
    probe: &mut Live,
    runs: usize,
    mut start: impl FnMut() -> anyhow::Result<Option<Child>>,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    let mut times = Vec::new();
    let mut running = start()?;
    while begun.elapsed() < Duration::from_secs(2) * runs as u32 {
        let sent = Instant::now();
        times.push(probe.route(LATEST).context("the session is down")?.unwrap_or(LATEST));
        if let Some(child) = &mut running
            && child.try_wait()?.is_some()
        {
            running = start()?;
        }
        std::thread::sleep(EVERY.saturating_sub(sent.elapsed()));
    }
    if let Some(mut child) = running {
        child.kill()?;
        child.wait()?;
    }
    times.sort_unstable();
    let at = |percent: usize| {
        let index = (times.len() * percent / 100).min(times.len() - 1);
        format!("{:.1}", times[index].as_secs_f64() * 1000.0)
    };
    println!("| {name} | {} | {} | {} |", at(50), at(99), at(100));
    Ok(())
}
