//! `cargo demo`: what bmpd is for, in one screen.
//!
//! A bmpd with its own socket in a temporary folder, a BGP neighbor with some hundred thousand
//! routes, two BMP stations on one address. One session is reset by its alias; the stations
//! themselves confirm that it came back complete and that the other one was not touched. Then it stays
//! for experiments, until Ctrl-C; `--once` ends there, with exit code 1 if a check failed.

use std::any::Any;
use std::env;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use tests::addresses::free_port;
use tests::bmp::Kind;
use tests::daemon::{self, Daemon};
use tests::neighbor::{Neighbor, Options};
use tests::scratch::Scratch;
use tests::station::{Connection, Mode, Station};
use tests::table::Table;
use tokio::signal::unix::{SignalKind, signal};

const STATION: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const NEIGHBOR: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const ALIAS: &str = "aa";
const IPV4: u64 = 300_000;
const IPV6: u64 = 60_000;
const TIMEOUT: Duration = Duration::from_secs(60);

/// What has to be ended and removed, at the end of the demo or on Ctrl-C, whichever is first.
#[derive(Clone, Default)]
struct Cleanup(Arc<Mutex<Option<Running>>>);

type Running = (Arc<Daemon>, Scratch);

impl Cleanup {
    /// Starts bmpd so that no signal can come between its start and its registration here.
    fn spawn(&self, scratch: Scratch, config: &str) -> Arc<Daemon> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let daemon = Arc::new(Daemon::spawn(&scratch, "bmpd", config, "info"));
        *running = Some((daemon.clone(), scratch));
        daemon
    }

    fn run(&self) {
        // A second caller waits here until the first one is through.
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((daemon, scratch)) = running.take() {
            daemon.stop();
            drop(scratch);
        }
    }
}

fn main() -> ExitCode {
    let once = match &env::args().skip(1).collect::<Vec<_>>()[..] {
        [] => false,
        [once] if once == "--once" => true,
        _ => {
            eprintln!("usage: cargo demo [--once]");
            return ExitCode::from(2);
        }
    };
    let cleanup = Cleanup::default();
    let shown = Arc::new(AtomicBool::new(false));
    if let Err(e) = end_on_signal(cleanup.clone(), shown.clone()) {
        eprintln!("demo: cannot listen for Ctrl-C: {e}");
        return ExitCode::FAILURE;
    }
    // The fixtures panic when a condition is not met. Here that is a result like any other.
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = std::panic::catch_unwind(|| demo(once, &cleanup, &shown))
        .unwrap_or_else(|panic| Err(anyhow::anyhow!("{}", panic_text(&*panic))));
    cleanup.run();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("demo: not as it should be: {e:#}");
            ExitCode::FAILURE
        }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref().copied()).unwrap_or("a panic without text")
}

/// Cleans up and ends the process on Ctrl-C, SIGTERM and the loss of the terminal.
fn end_on_signal(cleanup: Cleanup, shown: Arc<AtomicBool>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let entered = runtime.enter();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    drop(entered);
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
        });
        cleanup.run();
        // Ctrl-C is how the demo is meant to end, once it has shown everything.
        std::process::exit(if shown.load(Ordering::Relaxed) { 0 } else { 130 });
    });
    Ok(())
}

fn demo(once: bool, cleanup: &Cleanup, shown: &AtomicBool) -> anyhow::Result<()> {
    println!("Building bmpd and bmpctl (takes a minute or two the first time) ...");
    let folder = daemon::build(Some("release")).map_err(anyhow::Error::msg)?;
    daemon::use_binaries(folder.clone());

    let plain = Station::listen(STATION, Mode::Counting);
    let aliased = Station::listen(STATION, Mode::Counting);
    let listen = SocketAddr::new(STATION, free_port(STATION));
    let scratch = Scratch::new();
    let config = [
        daemon::session(STATION, plain.port(), None),
        daemon::session(STATION, aliased.port(), Some(ALIAS)),
        daemon::bgp(listen),
        daemon::neighbor(NEIGHBOR, 65001),
    ]
    .concat();
    let daemon = cleanup.spawn(scratch, &config);
    daemon.wait_ready();

    let table = Table::full(IPV4, IPV6);
    let neighbor = Neighbor::connect(&Options::new(NEIGHBOR, 65001), listen);
    println!(
        "bmpd runs (pid {}). A BGP neighbor announces {} routes to it;\n\
         two BMP stations listen on {STATION}, which differ in port and alias.",
        daemon.pid(),
        thousands(table.routes())
    );
    let begun = Instant::now();
    neighbor.send_all(&table);
    let first = [&plain, &aliased].map(|station| station.wait_connection(1));
    for connection in &first {
        complete(connection, &table)?;
    }
    println!("Both stations have counted all of them {} later.\n", seconds(begun.elapsed()));
    synchronised(&daemon);
    show(&daemon, &["show", "session"])?;

    let before = first[0].look(|record| record.bytes);
    let begun = Instant::now();
    let address = STATION.to_string();
    show(&daemon, &["reset", "session", &address, "--alias", ALIAS])?;
    let again = aliased.wait_connection(2);
    let at = complete(&again, &table)?;
    println!(
        "The station of {ALIAS} has counted all {} routes again, {} after the command.",
        thousands(table.routes()),
        seconds(at - begun)
    );
    synchronised(&daemon);

    ensure!(first[1].end().is_some(), "the old connection of {ALIAS} is still open");
    ensure!(
        first[1].look(|record| record.termination) == Some(0),
        "the old connection of {ALIAS} did not end with a Termination of reason 0"
    );
    ensure!(aliased.connections().len() == 2, "the reset session connected more than once");
    untouched(&plain, &first[0], before)?;
    for connection in [&first[0], &first[1], &again] {
        let violations = connection.look(|record| record.violations.clone());
        ensure!(violations.is_empty(), "a station was sent what is not legal: {violations:?}");
    }
    println!("The other session was not touched: the same connection, not one byte sent.\n");
    show(&daemon, &["show", "session"])?;
    for (alias, expected) in [(None, 1), (Some(ALIAS), 2)] {
        let generation = daemon.session(STATION, alias).number("gen");
        ensure!(
            generation == expected,
            "the session with alias {alias:?} shows generation {generation}, not {expected}"
        );
    }

    if once {
        return Ok(());
    }
    play(&daemon, &folder);
    shown.store(true, Ordering::Relaxed);
    wait_for_the_end(&daemon)
}

fn synchronised(daemon: &Daemon) {
    for alias in [None, Some(ALIAS)] {
        daemon.wait_state(STATION, alias, "Established");
    }
}

/// Shows what to try next.
fn play(daemon: &Daemon, folder: &Path) {
    let here = env::current_dir().ok();
    let folder = here.as_ref().and_then(|here| folder.strip_prefix(here).ok()).unwrap_or(folder);
    let bmpctl = folder.join("bmpctl").display().to_string();
    let socket = daemon.socket().display();
    println!("bmpd goes on running until Ctrl-C. From another terminal, for example:");
    for command in ["show session", "show neighbor", "reset session all"] {
        println!("  {bmpctl} --socket {socket} {command}");
    }
}

/// Stays until a signal ends the process, or until bmpd has ended by itself.
fn wait_for_the_end(daemon: &Daemon) -> anyhow::Result<()> {
    loop {
        thread::sleep(Duration::from_millis(200));
        if let Some(status) = daemon.exited() {
            // After Ctrl-C bmpd ends as well, and the other thread ends this process.
            thread::sleep(Duration::from_secs(2));
            bail!("bmpd has ended: {status}\n{}", daemon.log());
        }
    }
}

/// The station must have counted exactly the table, route by route.
fn complete(connection: &Connection, table: &Table) -> anyhow::Result<Instant> {
    let at = connection.wait_complete(NEIGHBOR, TIMEOUT);
    let (announced, fingerprint) = connection.look(|record| {
        record.peer(NEIGHBOR).map_or((0, 0), |peer| (peer.announced, peer.fingerprint))
    });
    ensure!(
        announced == table.routes(),
        "a station counted {announced} routes, not {}",
        table.routes()
    );
    ensure!(fingerprint == table.fingerprint, "a station got other routes than were announced");
    Ok(at)
}

fn untouched(station: &Station, first: &Connection, before: u64) -> anyhow::Result<()> {
    let connections = station.connections().len();
    ensure!(connections == 1, "the other session has had {connections} connections");
    ensure!(first.end().is_none(), "the other session's connection has ended");
    let (bytes, initiations) = first.look(|record| (record.bytes, record.count(Kind::Initiation)));
    ensure!(initiations == 1, "the other session was sent {initiations} Initiations");
    ensure!(bytes == before, "the other session was sent {} bytes more", bytes - before);
    Ok(())
}

/// Runs bmpctl and shows the command and its output.
fn show(daemon: &Daemon, args: &[&str]) -> anyhow::Result<String> {
    let output = daemon.bmpctl(args);
    println!("$ bmpctl {}\n{}", args.join(" "), output.text());
    if output.status != 0 {
        bail!("bmpctl {} ended with exit code {}", args.join(" "), output.status);
    }
    Ok(output.stdout)
}

fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
