//! The relay's figures: the same table by BMP and by BGP, to one and to eight stations.
//!
//! ```text
//!   from memory ── BMP, one router ──> [ bmpd ] ── BMP ──> Counter (1 or 8)
//!   from memory ── BGP, one neighbor ──^
//! ```
//!
//! Both come from one run and take turns; medians count. The time begins when the first byte of the table is sent and
//! ends when the last station has counted all routes. "Bytes alone" is [`super::floor::move_bytes`]: as many bytes
//! through loopback TCP to as many readers.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::counter::Counter;
use super::floor::move_bytes;
use super::speaker::Speaker;
use crate::addresses::loopback;
use crate::bmp::message;
use crate::daemon::{self, Daemon};
use crate::relay::{Router, example};
use crate::scratch::Scratch;
use crate::table::Table;

/// How long a phase may take.
const LIMIT: Duration = Duration::from_secs(120);

/// How the table comes to bmpd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Bmp,
    Bgp,
}

/// What was measured once.
struct Measured {
    load: Duration,
    reset: Duration,
    cpu: Duration,
    memory: u64,
    bytes: u64,
}

/// Measures all, so many times, and describes it: a table in Markdown.
///
/// # Errors
/// bmpd cannot be started, or the routes do not come in time.
pub fn figures(runs: usize, ipv4: u64, ipv6: u64) -> anyhow::Result<String> {
    let table = Table::full(ipv4, ipv6);
    let peer = loopback();
    let bmp: Arc<[u8]> = as_bmp(&table, peer).into();
    let mut text = format!(
        "| {} routes | load by BMP | load by BGP | ratio | processor time by BMP | by BGP | ratio | reset of one session | bytes alone | peak memory by BMP | by BGP |\n\
         |---|---|---|---|---|---|---|---|---|---|---|\n",
        table.routes()
    );
    for stations in [1, 8] {
        let mut all = [Vec::new(), Vec::new()];
        let mut floors = Vec::new();
        for _ in 0..runs {
            for (by, all) in [By::Bmp, By::Bgp].into_iter().zip(&mut all) {
                all.push(measure(by, &table, &bmp, peer, stations)?);
            }
            let bytes = all[0].last().map_or(0, |measured| measured.bytes);
            floors.push(move_bytes(bytes, stations)?);
        }
        let median = |all: &[Measured], of: fn(&Measured) -> f64| {
            let mut values: Vec<f64> = all.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        let load = |measured: &Measured| measured.load.as_secs_f64();
        let cpu = |measured: &Measured| measured.cpu.as_secs_f64();
        let reset = |measured: &Measured| measured.reset.as_secs_f64();
        let memory = |measured: &Measured| measured.memory as f64 / f64::from(1 << 20);
        floors.sort();
        let (by_bmp, by_bgp) = (median(&all[0], load), median(&all[1], load));
        let (cpu_by_bmp, cpu_by_bgp) = (median(&all[0], cpu), median(&all[1], cpu));
        writeln!(
            text,
            "| {stations} stations | {:.0} ms | {:.0} ms | {:.2} | {:.0} ms | {:.0} ms | {:.2} | {:.0} ms | {:.0} ms | {:.1} MiB | {:.1} MiB |",
            by_bmp * 1e3,
            by_bgp * 1e3,
            by_bmp / by_bgp,
            cpu_by_bmp * 1e3,
            cpu_by_bgp * 1e3,
            cpu_by_bmp / cpu_by_bgp,
            median(&all[0], reset) * 1e3,
            floors[floors.len() / 2].as_secs_f64() * 1e3,
            median(&all[0], memory),
            median(&all[1], memory),
        )?;
    }
    Ok(text)
}

/// Measures many routers that come up at once, each with a table of its own, and describes it: a table in Markdown.
///
/// # Errors
/// bmpd cannot be started, or the routes do not come in time.
pub fn figures_of_many(
    runs: usize,
    routers: usize,
    ipv4: u64,
    stations: usize,
) -> anyhow::Result<String> {
    let own = IpAddr::from(Ipv4Addr::LOCALHOST);
    let peer = loopback();
    let dumps: Vec<(IpAddr, Arc<[u8]>)> = (0..routers)
        .map(|number| {
            let table = Table::of(65001 + number as u32, ipv4, 0);
            (loopback(), as_bmp(&table, peer).into())
        })
        .collect();
    let mut all = Vec::new();
    for _ in 0..runs {
        let scratch = Scratch::new();
        let counters: Vec<Counter> = (0..stations)
            .map(|_| Counter::listen(own, &[(peer, ipv4)], None))
            .collect::<Result<_, _>>()?;
        let listen = SocketAddr::new(own, crate::addresses::free_port(own));
        let mut config = format!("[relay]\nlisten = [\"{listen}\"]\n");
        for (number, (address, _)) in dumps.iter().enumerate() {
            writeln!(config, "[[router]]\nname = \"edge{number}\"\naddress = \"{address}\"")?;
        }
        for (number, counter) in counters.iter().enumerate() {
            let alias = format!("s{number}");
            config += &daemon::session(own, counter.address().port(), Some(&alias));
        }
        let daemon = Daemon::start(&scratch, &config);
        let connected: Vec<Router> =
            dumps.iter().map(|(address, _)| Router::connect(*address, listen)).collect();
        let begun = Instant::now();
        let sent = thread::scope(|scope| {
            let senders: Vec<_> = connected
                .iter()
                .zip(&dumps)
                .map(|(router, (_, bytes))| {
                    scope.spawn(move || {
                        router.send_unrecorded(bytes);
                        Instant::now()
                    })
                })
                .collect();
            senders.into_iter().map(|sender| sender.join().ok()).collect::<Option<Vec<_>>>()
        });
        let taken = sent.and_then(|sent| sent.into_iter().max()).context("a router panicked")?;
        let mut last = begun;
        for counter in &counters {
            last = last.max(counter.wait_complete(routers, 3 * LIMIT)?);
        }
        let cpu = crate::process::cpu_time(daemon.pid())?;
        let status = daemon.bmpctl(&["show", "status", "--json"]);
        let status: serde_json::Value = serde_json::from_str(status.done())?;
        let memory = status["status"]["memory_peak"].as_u64().context("the peak of the memory")?;
        let bytes = counters.iter().map(Counter::bytes).sum::<u64>();
        drop(connected);
        drop(daemon);
        let floor = move_bytes(bytes / stations as u64, stations)?;
        all.push((taken - begun, last - begun, cpu, floor, memory));
    }
    let of = |column: fn(&(Duration, Duration, Duration, Duration, u64)) -> f64| {
        let mut values: Vec<f64> = all.iter().map(column).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    Ok(format!(
        "| {routers} routers with {ipv4} routes each, {stations} stations | |\n|---|---|\n\
         | all bytes are taken from the routers | {:.2} s |\n\
         | all stations have all routes | {:.2} s |\n\
         | processor time of bmpd | {:.2} s |\n\
         | bytes alone | {:.2} s |\n\
         | peak memory | {:.0} MiB, {:.1} bytes a route |\n",
        of(|run| run.0.as_secs_f64()),
        of(|run| run.1.as_secs_f64()),
        of(|run| run.2.as_secs_f64()),
        of(|run| run.3.as_secs_f64()),
        of(|run| run.4 as f64) / f64::from(1 << 20),
        of(|run| run.4 as f64) / (routers as u64 * ipv4) as f64,
    ))
}

/// The table as a router reports it: Initiation, Peer Up, a Route Monitoring message for each UPDATE, End-of-RIBs.
pub(super) fn as_bmp(table: &Table, peer: IpAddr) -> Vec<u8> {
    let header = message::header(0, 0, peer, 65001);
    [message::initiation_of("edge1"), example::simple(&header, table.bytes())].concat()
}

fn measure(
    by: By,
    table: &Table,
    bmp: &Arc<[u8]>,
    peer: IpAddr,
    stations: usize,
) -> anyhow::Result<Measured> {
    let scratch = Scratch::new();
    let own = IpAddr::from(Ipv4Addr::LOCALHOST);
    let counters: Vec<Counter> = (0..stations)
        .map(|_| Counter::listen(own, &[(peer, table.routes())], None))
        .collect::<Result<_, _>>()?;
    let mut config = String::new();
    for (number, counter) in counters.iter().enumerate() {
        let alias = format!("s{number}");
        config += &daemon::session(own, counter.address().port(), Some(&alias));
    }
    let listen = SocketAddr::new(own, crate::addresses::free_port(own));
    config += &match by {
        By::Bmp => format!(
            "[relay]\nlisten = [\"{listen}\"]\n[[router]]\nname = \"edge1\"\naddress = \"{peer}\"\n"
        ),
        By::Bgp => daemon::bgp(listen) + &daemon::neighbor(peer, 65001),
    };
    let daemon = Daemon::start(&scratch, &config);
    let begun = match by {
        By::Bmp => {
            let router = Router::connect(peer, listen);
            let begun = Instant::now();
            let bytes = Arc::clone(bmp);
            let sending = thread::spawn(move || {
                router.send(&*bytes);
                router
            });
            (begun, Some(sending), None)
        }
        By::Bgp => {
            let speaker = Speaker::connect(peer, 65001, listen)?;
            let begun = Instant::now();
            speaker.announce(table);
            (begun, None, Some(speaker))
        }
    };
    let (begun, sending, speaker) = begun;
    let complete = |before: &[usize]| -> anyhow::Result<Instant> {
        let mut last = begun;
        for (counter, before) in counters.iter().zip(before) {
            let at = counter.wait(*before, LIMIT, || Ok(()), |connection| connection.complete)?;
            last = last.max(at);
        }
        Ok(last)
    };
    let load = complete(&vec![0; stations])? - begun;
    let cpu = crate::process::exact_cpu_time(daemon.pid())?;
    let bytes = counters[0].newest(|connection| connection.bytes).context("a connection")?;
    let before: Vec<usize> = counters.iter().map(Counter::connections).collect();
    let reset_at = Instant::now();
    let address = own.to_string();
    daemon.bmpctl(&["reset", "session", &address, "--alias", "s0"]).done();
    let again = counters[0].wait(before[0], LIMIT, || Ok(()), |connection| connection.complete)?;
    let status = daemon.bmpctl(&["show", "status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(status.done())?;
    let memory = status["status"]["memory_peak"].as_u64().context("the peak of the memory")?;
    drop((sending, speaker));
    Ok(Measured { load, reset: again - reset_at, cpu, memory, bytes })
}
