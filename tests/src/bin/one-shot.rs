//! Measures what a one-shot command costs: `bmpctl show session` beside `birdc show protocols`.
//!
//! `cargo run --release -p tests --bin one-shot [-- RUNS]`
//!
//! bmpd has as many sessions as BIRD has protocols, all of them down, so that both print as many lines.
//! The commands take turns, and the medians of one run are compared: a busy machine is busy for all. The
//! time is the whole of it, from the start of the process until it has ended.
//!
//! Half of that goes by before the program's first line: the system maps it and its shared libraries. So
//! bmpctl is measured twice: as `cargo build` makes it, and statically linked, as a
//! package can be.

use std::env;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tests::daemon::{self, Daemon, binary};
use tests::scratch::Scratch;
use tests::wait::wait_for;

const TIMEOUT: Duration = Duration::from_secs(30);

/// How many sessions and protocols there are.
const ROWS: [usize; 3] = [1, 30, 300];

fn main() -> anyhow::Result<()> {
    let runs: usize = match env::args().nth(1) {
        Some(text) => text.parse().context("the number of runs")?,
        None => 300,
    };
    ensure!(runs > 0, "at least one run is needed");
    if env::var_os("BMPD_BIN_DIR").is_none() {
        daemon::use_binaries(daemon::build(Some("release")).map_err(anyhow::Error::msg)?);
    }
    println!("{runs} runs of each, taking turns; medians\n");
    let whole = link_whole()?;
    println!(
        "{:>6} {:>10} {:>22} {:>22}",
        "rows", "birdc", "bmpctl (ratio)", "in one file (ratio)"
    );
    for rows in ROWS {
        let [ours, whole, theirs] = compare(rows, runs, &whole)?;
        let beside = |time: Duration| {
            format!("{} ({:.2})", micros(time), time.as_secs_f64() / theirs.as_secs_f64())
        };
        println!("{rows:>6} {:>10} {:>22} {:>22}", micros(theirs), beside(ours), beside(whole));
    }
    println!();
    for (name, path) in [("bmpctl", binary("bmpctl")), ("bmpctl in one file", whole)] {
        let size = fs::metadata(path)?.len();
        println!("{name}: {} KiB, symbols and line numbers among them", size / 1024);
    }
    println!("{} crates", crates()?);
    Ok(())
}

/// A loopback address at which nothing listens.
fn nobody(n: usize) -> Ipv4Addr {
    let [high, low] = [n / 250, n % 250].map(|part| part as u8);
    Ipv4Addr::new(127, 200, high, low + 1)
}

/// Builds a statically linked bmpctl, and returns its path.
fn link_whole() -> anyhow::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/whole");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["rustc", "--quiet", "--release", "--package", "bmpctl", "--bin", "bmpctl"])
        .arg("--manifest-path")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml"))
        .arg("--target-dir")
        .arg(&folder)
        .args(["--", "-C", "target-feature=+crt-static"])
        .status()?;
    ensure!(status.success(), "cargo could not build bmpctl: {status}");
    Ok(folder.join("release/bmpctl"))
}

/// The medians of bmpctl, of bmpctl statically linked, and of birdc.
fn compare(rows: usize, runs: usize, whole: &Path) -> anyhow::Result<[Duration; 3]> {
    let scratch = Scratch::new();
    let config: String = (0..rows)
        .map(|n| {
            // Nothing listens at port 9 there, and bmpd does not retry in the time that this takes.
            let station = nobody(n);
            format!(
                "[[session]]\naddress = \"{station}\"\ntcp.connect-port = 9\nretry.initial = 720\n\n"
            )
        })
        .collect();
    let bmpd = Daemon::start_as(&scratch, "bmpd", &config, "warn");
    let bird = Bird::start(scratch.path(), rows)?;
    let mut ours = bmpd.bmpctl_command(&["show", "session"]);
    let mut one_file = Command::new(whole);
    one_file.env("BMPD_SOCKET", bmpd.socket()).env("LC_ALL", "C").args(["show", "session"]);
    let mut theirs = bird.command();
    // Both print at least a line for each.
    let lines = |command: &mut Command| -> anyhow::Result<usize> {
        let output = command.output()?;
        ensure!(output.status.success(), "{command:?}: {output:?}");
        Ok(String::from_utf8_lossy(&output.stdout).lines().count())
    };
    ensure!(lines(&mut ours)? >= rows && lines(&mut theirs)? >= rows);
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..runs {
        let commands = [&mut ours, &mut one_file, &mut theirs];
        for (command, times) in commands.into_iter().zip(&mut times) {
            times.push(once(command)?);
        }
    }
    Ok(times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    }))
}

fn once(command: &mut Command) -> anyhow::Result<Duration> {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let begun = Instant::now();
    let status = command.status()?;
    let took = begun.elapsed();
    ensure!(status.success(), "{command:?}: {status}");
    Ok(took)
}

/// A BIRD with protocols that are down.
struct Bird {
    process: Child,
    socket: PathBuf,
}

impl Bird {
    fn start(folder: &Path, protocols: usize) -> anyhow::Result<Self> {
        let (config, socket) = (folder.join("bird.conf"), folder.join("bird.ctl"));
        let mut text = "router id 192.0.2.1;\nprotocol device { }\n".to_owned();
        for n in 1..protocols {
            text += &format!(
                "protocol bgp p{n} {{ local as 65000; neighbor {} as 65001; passive on; multihop; \
                 ipv4 {{ import all; export none; }}; }}\n",
                nobody(n)
            );
        }
        fs::write(&config, text)?;
        let process = Command::new(program("bird"))
            .arg("-f")
            .arg("-c")
            .arg(&config)
            .arg("-s")
            .arg(&socket)
            .arg("-P")
            .arg(folder.join("bird.pid"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot run bird: apt-get install bird2")?;
        let bird = Self { process, socket };
        wait_for("BIRD to answer", TIMEOUT, || match bird.command().output() {
            Ok(output) if output.status.success() => Ok(()),
            other => Err(format!("{other:?}")),
        });
        Ok(bird)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(program("birdc"));
        command.arg("-s").arg(&self.socket).args(["show", "protocols"]);
        command
    }
}

impl Drop for Bird {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The package puts them where only root's path leads.
fn program(name: &str) -> String {
    let installed = format!("/usr/sbin/{name}");
    if Path::new(&installed).exists() { installed } else { name.to_owned() }
}

/// How many crates bmpctl is made of, itself not counted.
fn crates() -> anyhow::Result<usize> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--package", "bmpctl", "--edges", "normal", "--prefix", "none"])
        .arg("--manifest-path")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml"))
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    // The marks of what was listed before, and of macros, do not make it another crate.
    let name = |line: &str| line.split(" (").next().unwrap_or_default().to_owned();
    let names: std::collections::BTreeSet<String> = text.lines().map(name).collect();
    Ok(names.len().saturating_sub(1))
}

fn micros(time: Duration) -> String {
    format!("{} us", time.as_micros())
}
