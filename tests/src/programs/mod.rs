//! Programs of other people, run for a test: [`bird`], [`frr`], [`gobgp`] and [`exabgp`] as
//! neighbors, [`pmbmpd`] as a station, [`tshark`] as an independent check of the wire.
//!
//! Each is a child in the foreground with a folder of its own in the test's scratch folder; it is
//! killed by its process id when its value is dropped. Any number can run in parallel: every
//! neighbor has a loopback address of its own, and every port is a free one. `tests/run` installs
//! the packages; a missing one is a failure here, never a test that is skipped.
//!
//! What a neighbor announces is written down once, as [`Announced`]; each program's module turns it
//! into that program's configuration, and [`expected`] into the routes that a station must hold,
//! byte by byte. Nothing here comes from the program that is tested.

pub mod bird;
pub mod exabgp;
pub mod frr;
pub mod gobgp;
pub mod offers;
pub mod pmbmpd;
pub mod scene;
pub mod table_of;
pub mod tshark;

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::addresses::{free_port, loopback};
use crate::bgp::{self, Attribute, Family, Prefix, Routes, Update};
use crate::daemon;
use crate::netns::Namespace;
use crate::random::Random;
use crate::scratch::Scratch;
use crate::table::{Attributes, Prefixes, put_announcements};
use crate::wait::wait_for;
pub use offers::{Hops, Offer, Offers, Terms};

/// How long a program may take to start, to end, or to react: a second or two, but for a busy machine.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

/// bmpd's AS number.
const BMPD_AS: u32 = 65000;

/// Who opens the TCP connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connects {
    /// The program; bmpd waits.
    Program,
    /// bmpd; the program waits.
    Bmpd,
    /// Both do, so that their connections can collide (RFC 4271 section 6.8).
    Both,
}

/// The two ends of a BGP session between a program and bmpd.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    /// The program's address, and the port on which it listens.
    pub program: SocketAddr,
    /// The program's AS number.
    pub asn: u32,
    /// Where bmpd listens.
    pub bmpd: SocketAddr,
    /// Who opens the connection.
    pub connects: Connects,
    /// The program's BGP Identifier; bmpd's is 192.0.2.254.
    pub router_id: Ipv4Addr,
}

impl Link {
    /// Between a bmpd that listens at `bmpd`, see [`bmpd_listens`], and a program in AS `asn`: at
    /// an IPv4 address of its own, or at `::1` if bmpd is there.
    pub fn new(bmpd: SocketAddr, asn: u32, connects: Connects) -> Self {
        let address = if bmpd.is_ipv4() { loopback() } else { bmpd.ip() };
        let program = SocketAddr::new(address, free_port(address));
        let router_id = match address {
            IpAddr::V4(v4) => v4,
            IpAddr::V6(_) => Ipv4Addr::new(192, 0, 2, 66),
        };
        Self { program, asn, bmpd, connects, router_id }
    }

    /// bmpd's `[[bgp.neighbor]]` for this session.
    pub fn neighbor(&self) -> String {
        self.neighbor_with("")
    }

    /// The same with further lines.
    pub fn neighbor_with(&self, lines: &str) -> String {
        let connects = match self.connects {
            Connects::Program => "passive = true".to_owned(),
            Connects::Bmpd | Connects::Both => format!("port = {}", self.program.port()),
        };
        format!(
            "[[bgp.neighbor]]\naddress = \"{}\"\nremote-as = {}\n{connects}\n{lines}\n",
            self.program.ip(),
            self.asn,
        )
    }

    /// bmpd's `[bgp]` and `[[bgp.neighbor]]` for a bmpd with this session alone.
    pub fn bgp(&self) -> String {
        daemon::bgp(self.bmpd) + &self.neighbor()
    }

    /// A folder in `scratch` for the program, which has the same one again when it is restarted.
    fn folder(&self, scratch: &Scratch, name: &str) -> PathBuf {
        folder(scratch, &format!("{name}-{}-{}", self.program.ip(), self.program.port()))
    }
}

/// Where a bmpd can listen for programs: a port of 127.0.0.1.
///
/// Linux connects to all of 127.0.0.0/8 from 127.0.0.1, so that a program sees bmpd there whichever
/// of the two connects. The ports are below those that Linux gives to outgoing connections, and
/// each process has its own eight: another test cannot take one in between.
pub fn bmpd_listens() -> SocketAddr {
    port_of(Ipv4Addr::LOCALHOST.into())
}

/// The same on `::1`.
pub fn bmpd_listens_v6() -> SocketAddr {
    port_of(Ipv6Addr::LOCALHOST.into())
}

fn port_of(address: IpAddr) -> SocketAddr {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    loop {
        let taken = TAKEN.fetch_add(1, Ordering::Relaxed);
        let slot = std::process::id().wrapping_mul(8).wrapping_add(taken);
        let port = 12_000 + u16::try_from(slot % 20_000).expect("below 20000");
        let candidate = SocketAddr::new(address, port);
        if TcpListener::bind(candidate).is_ok() {
            return candidate;
        }
    }
}

/// What a neighbor announces.
pub type Announced = BTreeMap<Prefix, Attributes>;

/// The routes that a station must hold of a neighbor that announces this.
///
/// # Panics
/// When the tests' own encoder and decoder disagree.
pub fn expected(announced: &Announced) -> Routes {
    expected_as(announced, |attributes| attributes.iter().flat_map(|a| a.whole).copied().collect())
}

/// The same of a neighbor that spells the path attributes (without MP_REACH_NLRI) as `spell` does.
fn expected_as(announced: &Announced, spell: impl Fn(&[Attribute<'_>]) -> Vec<u8>) -> Routes {
    let mut routes = Routes::new();
    for (prefix, attributes) in announced {
        let mut bytes = Vec::new();
        put_announcements(&mut bytes, &[*prefix], attributes);
        let message = bgp::split_message(&mut &bytes[..]).expect("our own message");
        let update = Update::parse(message.body).expect("our own update");
        update.apply(&mut routes).expect("our own update");
        let path: Vec<Attribute<'_>> = update.path().collect();
        let route = routes.get_mut(prefix).expect("our own route");
        route.path = spell(&path).into();
    }
    routes
}

/// A made-up table of a neighbor in AS `asn`, another one for each `seed`.
///
/// Communities are sorted and unique, because FRR and ExaBGP send them so whatever is configured.
pub fn sample(asn: u32, ipv4: usize, ipv6: usize, seed: u64) -> Announced {
    let mut random = Random::new(seed);
    let mut announced = Announced::new();
    for (family, count) in [(Family::IPV4, ipv4), (Family::IPV6, ipv6)] {
        let mut prefixes = Prefixes::new(family);
        for _ in 0..count {
            let mut attributes = Attributes::sample(asn, &mut random);
            attributes.communities.sort_unstable();
            attributes.communities.dedup();
            attributes.large_communities.sort_unstable();
            attributes.large_communities.dedup();
            announced.insert(prefixes.next(&mut random), attributes);
        }
    }
    announced
}

/// A BGP speaker from a package.
///
/// `start` is the inherent method of each; here is what can be done to all of them.
pub trait Speaker {
    /// The session it was started for.
    fn link(&self) -> &Link;

    /// Its address, by which bmpd and the stations know it.
    fn ip(&self) -> IpAddr {
        self.link().program.ip()
    }

    /// What it announces, or will announce when it runs again.
    fn announced(&self) -> &Announced;

    /// Makes it announce exactly these beside its table, live or from its next start; it withdraws
    /// what is not in it. Its terms must have their families.
    ///
    /// # Panics
    /// When the program cannot announce one of them.
    fn offer(&mut self, offers: Offers);

    /// Makes it announce exactly this: it withdraws what is not in it.
    ///
    /// Works while the program runs; a program that does not will announce it from its next start.
    fn change(&mut self, announced: Announced);

    /// Starts the program again, with what it announced last.
    fn start_again(&mut self);

    /// Its process, while it runs.
    fn process(&mut self) -> &mut Option<Process>;

    /// SIGTERM, and waits until it has ended.
    #[track_caller]
    fn stop(&mut self) {
        self.process().take().expect("the program runs").end(Signal::TERM);
    }

    /// SIGKILL: the program has no time to close its sessions.
    #[track_caller]
    fn kill(&mut self) {
        self.process().take().expect("the program runs").end(Signal::KILL);
    }

    /// SIGSTOP: the kernel still accepts connections for it.
    #[track_caller]
    fn freeze(&mut self) {
        self.process().as_mut().expect("the program runs").signal(Signal::STOP);
    }

    /// SIGCONT: it continues, with all its timers overdue.
    #[track_caller]
    fn thaw(&mut self) {
        self.process().as_mut().expect("the program runs").signal(Signal::CONT);
    }

    /// Announces these too, or with other attributes than before.
    fn announce(&mut self, more: Announced) {
        let mut announced = self.announced().clone();
        announced.extend(more);
        self.change(announced);
    }

    /// Withdraws these.
    fn withdraw(&mut self, prefixes: &[Prefix]) {
        let mut announced = self.announced().clone();
        for prefix in prefixes {
            assert!(announced.remove(prefix).is_some(), "{prefix} is not announced");
        }
        self.change(announced);
    }

    /// The routes that a station must hold of it.
    fn expected(&self) -> Routes {
        expected(self.announced())
    }
}

/// A child in the foreground whose output goes to a file. Killed when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Runs the command in `folder`, with its output at the end of `NAME.log` there.
    pub(crate) fn spawn(name: &str, folder: &Path, command: &mut Command) -> Self {
        let log = folder.join(format!("{name}.log"));
        let output = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .unwrap_or_else(|e| panic!("cannot write {}: {e}", log.display()));
        let child = command
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a file can be opened twice"))
            .stderr(output)
            .spawn()
            .unwrap_or_else(|e| panic!("cannot run {command:?}: {e}"));
        Self { name: name.to_owned(), child, log }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written so far, and all those that ran in this folder before.
    fn log(&self) -> String {
        text(&self.log)
    }

    /// The end of its output, for people.
    fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    /// Waits until `ready`, whose error describes what is missing.
    #[track_caller]
    pub(crate) fn wait_ready(&mut self, mut ready: impl FnMut(&Self) -> Result<(), String>) {
        let what = format!("{} to be ready", self.name);
        wait_for(&what, TIMEOUT, || {
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("{} did not start: {status}\n{}", self.name, self.tail());
            }
            ready(self).map_err(|missing| format!("{missing}\n{}", self.tail()))
        });
    }

    /// Sends a signal to the program, which must run.
    #[track_caller]
    pub(crate) fn signal(&mut self, signal: Signal) {
        let status = self.child.try_wait().expect("a child can be waited for");
        assert!(status.is_none(), "{} is gone: {status:?}\n{}", self.name, self.tail());
        self.send(signal);
    }

    /// Sends a signal; no error if it has ended. Not for a child that was waited for: the
    /// number may be another's by then.
    fn send(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process id"), signal)
            .unwrap_or_else(|e| panic!("cannot signal {}: {e}", self.name));
    }

    /// Sends a signal that ends it, and waits until it has.
    #[track_caller]
    pub(crate) fn end(mut self, signal: Signal) {
        self.signal(signal);
        self.wait_end();
    }

    /// Waits until it has ended.
    #[track_caller]
    pub(crate) fn wait_end(mut self) {
        let what = format!("{} to end", self.name);
        wait_for(&what, TIMEOUT, || match self.child.try_wait() {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(self.tail()),
            Err(e) => Err(e.to_string()),
        });
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if thread::panicking() {
            eprintln!("--- the last lines of {}\n{}\n---", self.log.display(), self.tail());
        }
    }
}

/// A command that runs a program from where Debian puts the daemons of FRR, as OpenBGPD has one of the same name, from
/// `PATH`, or from where it puts those of others.
pub(crate) fn command(name: &str) -> Command {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(PathBuf::from("/usr/lib/frr"))
        .chain(env::split_paths(&path))
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(name));
    let program = folders
        .into_iter()
        .find(|program| program.is_file())
        .unwrap_or_else(|| panic!("{name} is not installed: tests/run says how"));
    Command::new(program)
}

/// The same in a namespace, if there is one.
fn command_in(namespace: Option<&Namespace>, name: &str) -> Command {
    let here = command(name);
    namespace.map_or(here, |namespace| namespace.command(command(name).get_program()))
}

/// Runs a client of a program to its end; its output, or the reason why it failed.
fn ask(command: &mut Command) -> Result<String, String> {
    // vtysh talks to bgpd line by line, hundreds of times: on a busy machine that takes minutes.
    let output = daemon::run(command, TIMEOUT * 5);
    if output.status == 0 { Ok(output.stdout) } else { Err(format!("{command:?}: {output}")) }
}

/// The same where a failure is one of the test.
#[track_caller]
pub(crate) fn stdout_of(command: &mut Command) -> String {
    ask(command).unwrap_or_else(|e| panic!("{e}"))
}

fn folder(scratch: &Scratch, name: &str) -> PathBuf {
    let folder = scratch.join(name);
    fs::create_dir_all(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    folder
}

fn write(path: &Path, contents: &str) {
    fs::write(path, contents).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
}

/// The text of a file; empty if there is none.
pub(crate) fn text(path: &Path) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// The names of the families as most programs write them.
fn short_name(family: Family) -> &'static str {
    if family == Family::IPV4 { "ipv4" } else { "ipv6" }
}

/// The next hop of a prefix with these attributes.
fn next_hop(prefix: &Prefix, attributes: &Attributes) -> IpAddr {
    if prefix.family() == Family::IPV4 {
        attributes.next_hop.into()
    } else {
        attributes.next_hop_v6.into()
    }
}

/// The AS path behind the neighbor's own AS, which the neighbor puts there by itself.
fn tail_of_path<'a>(link: &Link, attributes: &'a Attributes) -> &'a [u32] {
    let (first, tail) = attributes.as_path.split_first().expect("an AS path");
    assert_eq!(*first, link.asn, "the path begins with the neighbor");
    tail
}

/// The items with a separator between them.
fn join<T: ToString>(items: impl IntoIterator<Item = T>, separator: &str) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(separator)
}
