//! Measures how a full Internet table goes through bmpd: 1,000,000 IPv4 and 200,000 IPv6 routes from
//! one neighbor to one station, and again after a reset.
//!
//! `cargo run --release -p tests --bin full-table [-- RUNS]`
//!
//! Beside it stands what the system itself needs to move the bytes that the station received over a
//! loopback TCP connection, and what it needs to move them into the station, which reads and judges
//! every message: the floors under the numbers above. Wall clocks on a busy machine are noisy, so
//! each run starts a new bmpd and the median counts.

use std::env;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tests::addresses::loopback;
use tests::daemon::{self, Daemon, bgp_listen};
use tests::neighbor::{Neighbor, Options};
use tests::scratch::Scratch;
use tests::station::{Connection, Mode, Station};
use tests::table::Table;

const PATIENCE: Duration = Duration::from_secs(120);

/// What one run showed.
struct Run {
    /// From the first byte that the neighbor sent until the station had the last End-of-RIB.
    load: Duration,
    /// From the start of bmpctl until it ended.
    command: Duration,
    /// From the start of bmpctl until the station's new connection had the last End-of-RIB.
    reset: Duration,
    /// From the accept of the new connection until the same moment.
    dump: Duration,
    /// Moving the dump's bytes over loopback TCP.
    loopback: Duration,
    /// The same, into a station that looks at them as it does at bmpd's.
    station: Duration,
    /// bmpd's memory after the load, KiB.
    loaded_kib: u64,
    /// The most memory it ever had, KiB.
    peak_kib: u64,
    /// Bytes and messages of the dump.
    bytes: u64,
    messages: u64,
}

fn main() -> anyhow::Result<()> {
    let runs: usize = match env::args().nth(1) {
        Some(text) => text.parse().context("the number of runs")?,
        None => 5,
    };
    ensure!(runs > 0, "at least one run is needed");
    if env::var_os("BMPD_BIN_DIR").is_none() {
        daemon::use_binaries(daemon::build(Some("release")).map_err(anyhow::Error::msg)?);
    }
    let table = Table::full(1_000_000, 200_000);
    println!(
        "{} routes in {} updates, {} MB from the neighbor; {runs} runs",
        table.routes(),
        table.updates,
        table.bytes().len() / 1_000_000
    );
    let mut done = Vec::with_capacity(runs);
    for n in 1..=runs {
        let run = run(&table)?;
        println!(
            "  run {n}: load {}, reset to complete {}, loopback {}, peak {} MB",
            millis(run.load),
            millis(run.reset),
            millis(run.loopback),
            run.peak_kib / 1024
        );
        done.push(run);
    }
    let last = &done[runs - 1];
    println!("\nThe dump: {} MB in {} messages.", last.bytes / 1_000_000, last.messages);
    println!("\n{:<44} {:>10} {:>10} {:>10}", "", "median", "least", "most");
    let time = |name: &str, of: fn(&Run) -> Duration| {
        let [median, least, most] = spread(done.iter().map(of).collect());
        println!("{name:<44} {:>10} {:>10} {:>10}", millis(median), millis(least), millis(most));
    };
    time("load: first byte to the last End-of-RIB", |run| run.load);
    time("reset: bmpctl", |run| run.command);
    time("reset: command to the last End-of-RIB", |run| run.reset);
    time("reset: accept to the last End-of-RIB", |run| run.dump);
    time("the same bytes over loopback TCP", |run| run.loopback);
    time("the same bytes into the station", |run| run.station);
    let memory = |name: &str, of: fn(&Run) -> u64| {
        let [median, least, most] = spread(done.iter().map(of).collect()).map(|kib| kib / 1024);
        println!("{name:<44} {median:>7} MB {least:>7} MB {most:>7} MB");
    };
    memory("bmpd: resident after the load", |run| run.loaded_kib);
    memory("bmpd: peak", |run| run.peak_kib);
    Ok(())
}

fn run(table: &Table) -> anyhow::Result<Run> {
    let scratch = Scratch::new();
    let station = Station::listen(loopback(), Mode::Counting);
    let (listen, address) = (bgp_listen(), loopback());
    let config = [
        daemon::session(station.ip(), station.port(), None),
        daemon::bgp(listen),
        daemon::neighbor(address, 65001),
    ]
    .concat();
    let daemon = Daemon::start_as(&scratch, "bmpd", &config, "info");
    let first = station.wait_connection(1);
    let neighbor = Neighbor::connect(&Options::new(address, 65001), listen);

    let begun = Instant::now();
    neighbor.send_all(table);
    let load = complete(&first, address, table)? - begun;
    let loaded_kib = daemon.rss_kib();

    let begun = Instant::now();
    let output = daemon.bmpctl(&["reset", "session", &station.ip().to_string()]);
    ensure!(output.status == 0, "the reset failed: {output}");
    let second = station.wait_connection(2);
    let at = complete(&second, address, table)?;
    let (bytes, messages) = second.look(|r| (r.bytes, r.messages.values().sum()));
    let mut run = Run {
        load,
        command: output.took,
        reset: at - begun,
        dump: at - second.accepted,
        loopback: over_loopback(bytes)?,
        station: Duration::ZERO,
        loaded_kib,
        peak_kib: daemon.peak_rss_kib(),
        bytes,
        messages,
    };
    // Once more, only to have the bytes.
    station.mode(Mode::Keeping);
    let output = daemon.bmpctl(&["reset", "session", &station.ip().to_string()]);
    ensure!(output.status == 0, "the reset failed: {output}");
    let third = station.wait_connection(3);
    complete(&third, address, table)?;
    daemon.stop();
    run.station = third.look(|record| into_station(&record.raw, address, table))?;
    Ok(run)
}

/// How long it takes a station to take a recorded dump, from the first byte to the last End-of-RIB.
fn into_station(raw: &[u8], neighbor: IpAddr, table: &Table) -> anyhow::Result<Duration> {
    let station = Station::listen(loopback(), Mode::Counting);
    let mut writer = TcpStream::connect((station.ip(), station.port()))?;
    let connection = station.wait_connection(1);
    let begun = Instant::now();
    for block in raw.chunks(256 * 1024) {
        writer.write_all(block)?;
    }
    Ok(complete(&connection, neighbor, table)? - begun)
}

fn complete(connection: &Connection, neighbor: IpAddr, table: &Table) -> anyhow::Result<Instant> {
    let at = connection.wait_complete(neighbor, PATIENCE);
    let (announced, fingerprint, violations) = connection.look(|record| {
        let peer = record.peer(neighbor);
        let (announced, fingerprint) = peer.map_or((0, 0), |p| (p.announced, p.fingerprint));
        (announced, fingerprint, record.violations.clone())
    });
    ensure!(violations.is_empty(), "not legal: {violations:?}");
    ensure!(announced == table.routes(), "{announced} routes, not {}", table.routes());
    ensure!(fingerprint == table.fingerprint, "other routes than were announced");
    Ok(at)
}

/// How long it takes to write this many bytes to a loopback TCP connection and read them all.
fn over_loopback(bytes: u64) -> anyhow::Result<Duration> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut writer = TcpStream::connect(listener.local_addr()?)?;
    let (mut reader, _) = listener.accept()?;
    let begun = Instant::now();
    let writing = thread::spawn(move || {
        let block = vec![0x5a; 256 * 1024];
        let mut left = bytes as usize;
        while left > 0 {
            let n = left.min(block.len());
            writer.write_all(&block[..n])?;
            left -= n;
        }
        std::io::Result::Ok(())
    });
    let mut block = vec![0; 256 * 1024];
    let mut read = 0;
    while read < bytes {
        let n = reader.read(&mut block)?;
        ensure!(n > 0, "the connection ended too early");
        read += n as u64;
    }
    let took = begun.elapsed();
    writing.join().map_err(|_| anyhow::anyhow!("the writer panicked"))??;
    Ok(took)
}

/// Median, least, most.
fn spread<T: Ord + Copy>(mut values: Vec<T>) -> [T; 3] {
    values.sort_unstable();
    [values[values.len() / 2], values[0], values[values.len() - 1]]
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
