//! The programs in the race: how each is configured, reset, queried and measured.
//!
//! bmpd is run as built here; the others come from a folder that `tests/peers-root` makes and are run in
//! it by chroot(8), their files in a folder of their own below its `/tmp`. Loopback is shared, every port
//! is a free one, and none talks to a kernel's routing table or to a daemon of this machine. All are
//! configured alike: wait for these neighbors, take what they announce unfiltered, and send these stations the
//! Adj-RIB-In pre-policy, IPv4 and IPv6 unicast. As monitored routers of bmpd ([`crate::relay`]) they send more views.
//!
//! A **reset** is what sends a station everything again the quickest:
//! - bmpd: `bmpctl reset session`.
//! - BIRD: `birdc restart` of the BMP protocols by a pattern, in one command. `disable` and `enable` do
//!   the same in two; when a station closes instead, BIRD waits ten seconds.
//! - FRR: `no bmp connect` and `bmp connect` of all stations, in one vtysh. When a station closes instead,
//!   FRR waits for `min-retry` first.
//! - GoBGP: `gobgp bmp del` and `gobgp bmp add`, one of each a station; the stations at the same time.

use std::fs::{self, File};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail, ensure};
use rustix::process::geteuid;
use tempfile::TempDir;

use crate::addresses::free_port;
use crate::daemon::{self, Output, binary};
use crate::process;
use crate::wait::try_for;

/// How long a program may take to start.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Who sends BMP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
pub enum Program {
    /// bmpd.
    Bmpd,
    /// BIRD 3.
    Bird3,
    /// BIRD 2.
    Bird2,
    /// FRR's bgpd.
    Frr,
    /// GoBGP's gobgpd.
    Gobgp,
}

impl Program {
    /// All of them, bmpd first.
    pub const ALL: [Program; 5] =
        [Program::Bmpd, Program::Bird3, Program::Bird2, Program::Frr, Program::Gobgp];

    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Program::Bmpd => "bmpd",
            Program::Bird3 => "BIRD 3",
            Program::Bird2 => "BIRD 2",
            Program::Frr => "FRR",
            Program::Gobgp => "GoBGP",
        }
    }

    /// The command for its status.
    pub(super) fn status_command(self) -> &'static str {
        match self {
            Program::Bmpd => "bmpctl show session",
            Program::Bird3 | Program::Bird2 => "birdc show protocols",
            Program::Frr => "vtysh -c \"show bmp\"",
            Program::Gobgp => "gobgp bmp",
        }
    }

    /// The daemon, and the command that talks to it, as the peers' folder has them.
    fn files(self) -> [&'static str; 2] {
        match self {
            Program::Bmpd => ["bmpd", "bmpctl"],
            Program::Bird3 => ["/usr/sbin/bird", "/usr/sbin/birdc"],
            // The package excludes BIRD 3 and is unpacked beside it.
            Program::Bird2 => ["/opt/bird2/usr/sbin/bird", "/opt/bird2/usr/sbin/birdc"],
            Program::Frr => ["/usr/lib/frr/bgpd", "/usr/bin/vtysh"],
            Program::Gobgp => ["/usr/bin/gobgpd", "/usr/bin/gobgp"],
        }
    }
}

/// Where the programs are.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// The folder that `tests/peers-root` made, or the root of this machine.
    peers: PathBuf,
    is_root: bool,
}

impl Places {
    pub(crate) fn new(peers: &Path) -> Self {
        Self { peers: peers.to_owned(), is_root: geteuid().is_root() }
    }

    /// The place of one program: that folder, or this machine if the folder has none.
    pub(crate) fn of(program: Program, peers: &Path) -> Self {
        let [daemon, _] = program.files();
        let is_there = peers.join(daemon.trim_start_matches('/')).exists();
        Self::new(if is_there { peers } else { Path::new("/") })
    }

    /// The version of a program, or the reason why it cannot take part.
    pub(crate) fn version(&self, program: Program) -> Result<String, String> {
        let [daemon, _] = program.files();
        if program != Program::Bmpd {
            if !self.peers.join("usr").is_dir() {
                return Err(format!(
                    "there is no {}: tests/peers-root makes it",
                    self.peers.display()
                ));
            }
            if !self.peers.join(daemon.trim_start_matches('/')).exists() {
                return Err(format!("{} has no {daemon}", self.peers.display()));
            }
            if !self.is_root {
                return Err(format!("needs root, to enter {}", self.peers.display()));
            }
        }
        let output = daemon::try_run(self.command(program, daemon).arg("--version"), TIMEOUT)?;
        let text = output.text();
        let version = text.split_whitespace().find(|w| w.starts_with(|c: char| c.is_ascii_digit()));
        version.map(str::to_owned).ok_or(format!("{daemon} --version says {text:?}"))
    }

    /// A command in the environment that all have.
    ///
    /// bmpd's go through chroot(8) as well, so that it costs all the same.
    fn command(&self, program: Program, file: &str) -> Command {
        let (root, file) = match program {
            Program::Bmpd => (Path::new("/"), binary(file)),
            _ => (self.peers.as_path(), PathBuf::from(file)),
        };
        let mut command = if self.is_root {
            // By its path: looked up in a PATH of its own it would be started by fork(2), which copies the page
            // tables of all that the race holds and takes many milliseconds.
            let mut chroot = Command::new("/usr/sbin/chroot");
            chroot.arg(root).arg(&file);
            chroot
        } else {
            Command::new(&file)
        };
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C");
        command
    }

    /// What is outside of the place where a program lives.
    fn above(&self, program: Program) -> &Path {
        if program == Program::Bmpd { Path::new("/") } else { &self.peers }
    }
}

/// The configuration of a program.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    /// Its address; the port is a free one.
    pub(crate) address: IpAddr,
    /// The neighbors that connect to it, and their AS numbers.
    pub(crate) neighbors: Vec<(IpAddr, u32)>,
    /// The stations that it connects to.
    pub(crate) stations: Vec<SocketAddr>,
    /// Which of its tables it sends, IPv4 and IPv6 unicast each. With more than one the post-policy table differs from
    /// the other, where the program makes that easy.
    pub(crate) views: Vec<View>,
}

/// A table that can be monitored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// Adj-RIB-In as received.
    PrePolicy,
    /// Adj-RIB-In behind the policy.
    PostPolicy,
    /// Loc-RIB.
    LocRib,
}

/// A program that runs. Ended when dropped, with its files.
#[derive(Debug)]
pub(crate) struct Sender {
    program: Program,
    places: Places,
    setting: Setting,
    /// Where it waits for neighbors.
    bgp: SocketAddr,
    /// The port of a control connection, for those that have one.
    api: u16,
    child: Mutex<Child>,
    pid: u32,
    /// The folder with its files, and the path that the program has for it.
    folder: TempDir,
    inside: PathBuf,
}

impl Sender {
    /// Starts it and waits until it answers.
    pub(crate) fn start(
        program: Program,
        places: &Places,
        setting: &Setting,
    ) -> anyhow::Result<Self> {
        let above = places.above(program);
        let folder = tempfile::Builder::new()
            .prefix("race-")
            .tempdir_in(above.join("tmp"))
            .with_context(|| format!("a folder for {}", program.title()))?;
        let inside = Path::new("/").join(folder.path().strip_prefix(above)?);
        let bgp = SocketAddr::new(setting.address, free_port(setting.address));
        let api = free_port(setting.address);
        fs::write(folder.path().join("conf"), configuration(program, setting, bgp, &inside))?;
        let [daemon, _] = program.files();
        let mut command = dying_with_us(&places.command(program, daemon));
        let file = |name: &str| inside.join(name);
        match program {
            Program::Bmpd => {
                command.arg("--config").arg(file("conf")).args(["--log", "info"]);
            }
            Program::Bird3 | Program::Bird2 => {
                command.arg("-f").arg("-c").arg(file("conf")).arg("-s").arg(file("ctl"));
                command.arg("-P").arg(file("pid"));
            }
            Program::Frr => {
                // -x: without zebra it has no IPv6 address, and would refuse IPv6 routes.
                command.args([
                    "-x",
                    "-Z",
                    "-S",
                    "-M",
                    "bmp",
                    "--log",
                    "stdout",
                    "--log-level",
                    "err",
                ]);
                command.args(["-P", "0", "-p", &bgp.port().to_string()]);
                command.args(["-l", &bgp.ip().to_string()]);
                command.arg("-i").arg(file("pid")).arg("-f").arg(file("conf"));
                command.arg("--vty_socket").arg(&inside);
            }
            Program::Gobgp => {
                command.args(["-p", "--pprof-disable", "-l", "warn", "-t", "toml", "-f"]);
                command.arg(file("conf")).arg(format!("--api-hosts={}:{api}", setting.address));
                command.env("HOME", &inside);
            }
        }
        let log = File::create(folder.path().join("log"))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().with_context(|| format!("cannot run {command:?}"))?;
        let (places, setting) = (places.clone(), setting.clone());
        let (pid, child) = (child.id(), Mutex::new(child));
        let sender = Self { program, places, setting, bgp, api, child, pid, folder, inside };
        try_for("an answer", TIMEOUT, || match sender.alive() {
            Ok(()) => match sender.ask(&mut sender.status(), TIMEOUT) {
                Ok(_) => Ok(Ok(())),
                Err(e) => Err(format!("{e:#}\n{}", sender.tail())),
            },
            // No use in waiting.
            Err(ended) => Ok(Err(ended)),
        })
        .map_err(anyhow::Error::msg)??;
        Ok(sender)
    }

    /// Where it waits for neighbors.
    pub(crate) fn bgp(&self) -> SocketAddr {
        self.bgp
    }

    /// Fails when it has ended.
    pub(crate) fn alive(&self) -> anyhow::Result<()> {
        match self.child.lock().unwrap_or_else(PoisonError::into_inner).try_wait()? {
            None => Ok(()),
            Some(status) => {
                bail!("{} ended: {status}\n{}", self.program.title(), self.tail());
            }
        }
    }

    /// The last lines of its log.
    fn tail(&self) -> String {
        let log = fs::read(self.folder.path().join("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(8)..].join("\n")
    }

    /// Has it send every station everything again; returns how long its command took.
    pub(super) fn reset(&self, limit: Duration) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        match self.program {
            Program::Bmpd => {
                self.ask(self.control().args(["reset", "session", "all"]), limit)?;
            }
            Program::Bird3 | Program::Bird2 => {
                let said = self.ask(self.control().args(["restart", "\"station*\""]), limit)?;
                ensure!(said.stdout.contains("restarted"), "birdc restart: {said}");
            }
            Program::Frr => {
                let mut command = self.control();
                command.args(["-c", "configure terminal", "-c", "router bgp 65000"]);
                command.args(["-c", "bmp targets race"]);
                for word in ["no ", ""] {
                    for station in &self.setting.stations {
                        command.arg("-c").arg(format!("{word}{}", frr_connect(*station)));
                    }
                }
                let said = self.ask(&mut command, limit)?;
                ensure!(!said.stdout.contains('%'), "vtysh: {said}");
            }
            Program::Gobgp => {
                let again = |station: &SocketAddr| {
                    let station = station.to_string();
                    self.ask(self.control().args(["bmp", "del", &station]), limit)?;
                    self.ask(self.control().args(["bmp", "add", &station, "pre"]), limit)?;
                    anyhow::Ok(())
                };
                thread::scope(|scope| {
                    let stations = self.setting.stations.iter();
                    let all: Vec<_> = stations.map(|s| scope.spawn(move || again(s))).collect();
                    for one in all {
                        one.join().map_err(|_| anyhow!("a thread panicked"))??;
                    }
                    anyhow::Ok(())
                })?;
            }
        }
        Ok(begun.elapsed())
    }

    /// The command that talks to it.
    fn control(&self) -> Command {
        let [_, control] = self.program.files();
        let mut command = self.places.command(self.program, control);
        match self.program {
            Program::Bmpd => {
                command.env("BMPD_SOCKET", self.inside.join("ctl"));
            }
            Program::Bird3 | Program::Bird2 => {
                command.arg("-s").arg(self.inside.join("ctl"));
            }
            Program::Frr => {
                command.arg("--vty_socket").arg(&self.inside).arg("--config_dir").arg(&self.inside);
                command.args(["-d", "bgpd"]);
            }
            Program::Gobgp => {
                command.args(["-u", &self.setting.address.to_string()]);
                command.args(["-p", &self.api.to_string()]).env("HOME", &self.inside);
            }
        }
        command
    }

    /// The command that shows its status.
    fn status(&self) -> Command {
        let mut command = self.control();
        match self.program {
            Program::Bmpd => command.args(["show", "session"]),
            Program::Bird3 | Program::Bird2 => command.args(["show", "protocols"]),
            Program::Frr => command.args(["-c", "show bmp"]),
            Program::Gobgp => command.arg("bmp"),
        };
        command
    }

    /// How long its status command takes.
    pub(super) fn status_time(&self, limit: Duration) -> anyhow::Result<Duration> {
        Ok(self.ask(&mut self.status(), limit)?.took)
    }

    fn ask(&self, command: &mut Command, limit: Duration) -> anyhow::Result<Output> {
        let output = daemon::try_run(command, limit).map_err(anyhow::Error::msg)?;
        ensure!(output.status == 0, "{command:?}: {output}");
        Ok(output)
    }

    /// The memory that is resident now, in MiB.
    pub(super) fn resident(&self) -> anyhow::Result<f64> {
        self.memory("VmRSS:")
    }

    /// The most memory that was resident since it started or since [`Sender::forget_peak`], in MiB.
    pub(super) fn peak(&self) -> anyhow::Result<f64> {
        self.memory("VmHWM:")
    }

    fn memory(&self, name: &str) -> anyhow::Result<f64> {
        Ok(process::memory_kib(self.pid, name)? as f64 / 1024.0)
    }

    /// Begins to measure the peak anew (proc(5), clear_refs).
    pub(super) fn forget_peak(&self) -> anyhow::Result<()> {
        Ok(fs::write(format!("/proc/{}/clear_refs", self.pid), "5")?)
    }

    /// The processor time that it has used, all threads, in seconds.
    pub(super) fn cpu(&self) -> anyhow::Result<f64> {
        Ok(process::cpu_time(self.pid)?.as_secs_f64())
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        // Not yet waited for, so that the number is still its own.
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        if matches!(child.try_wait(), Ok(None)) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The same command, killed by the system when the race is.
fn dying_with_us(command: &Command) -> Command {
    let mut bound = Command::new("setpriv");
    bound.args(["--pdeathsig", "KILL"]).arg(command.get_program()).args(command.get_args());
    bound.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    bound
}

fn frr_connect(station: SocketAddr) -> String {
    format!("bmp connect {} port {} min-retry 100 max-retry 1000", station.ip(), station.port())
}

fn configuration(program: Program, setting: &Setting, bgp: SocketAddr, inside: &Path) -> String {
    match program {
        Program::Bmpd => bmpd(setting, bgp, inside),
        Program::Bird3 | Program::Bird2 => bird(setting, bgp),
        Program::Frr => frr(setting),
        Program::Gobgp => gobgp(setting, bgp),
    }
}

fn bmpd(setting: &Setting, bgp: SocketAddr, inside: &Path) -> String {
    let mut text = daemon::bgp(bgp);
    for (address, asn) in &setting.neighbors {
        text += &daemon::neighbor(*address, *asn);
    }
    for (n, station) in setting.stations.iter().enumerate() {
        let alias = format!("station{n}");
        text += &daemon::session(station.ip(), station.port(), Some(&alias));
    }
    text + &format!("[control]\nsocket = \"{}\"\n", inside.join("ctl").display())
}

fn bird(setting: &Setting, bgp: SocketAddr) -> String {
    let mut text = "log stderr all;\nrouter id 192.0.2.254;\nprotocol device { }\n".to_owned();
    let import = match setting.views[..] {
        [View::PrePolicy] => "import all",
        _ => "import filter { if net.len = 24 then reject; bgp_med = 77; accept; }",
    };
    let views = setting.views.iter().map(|view| match view {
        View::PrePolicy => "  monitoring rib in pre_policy;\n",
        View::PostPolicy => "  monitoring rib in post_policy;\n",
        View::LocRib => panic!("BIRD does not send its Loc-RIB"),
    });
    let views: String = views.collect();
    for (n, (address, asn)) in setting.neighbors.iter().enumerate() {
        text += &format!(
            "protocol bgp neighbor{n} {{
  local {} port {} as 65000;
  neighbor {address} as {asn};
  strict bind on;
  passive on;
  multihop;
  ipv4 {{ import table on; {import}; export none; }};
  ipv6 {{ import table on; {import}; export none; }};
}}
",
            bgp.ip(),
            bgp.port(),
        );
    }
    for (n, station) in setting.stations.iter().enumerate() {
        text += &format!(
            "protocol bmp station{n} {{
  station address ip {} port {};
{views}}}
",
            station.ip(),
            station.port()
        );
    }
    text
}

fn frr(setting: &Setting) -> String {
    let is_plain = setting.views == [View::PrePolicy];
    let policy = if is_plain { "" } else { "route-map in permit 10\n set metric 77\n" };
    let mut text = policy.to_owned();
    text += "router bgp 65000
 bgp router-id 192.0.2.254
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
";
    for (address, asn) in &setting.neighbors {
        text += &format!(
            " neighbor {address} remote-as {asn}\n neighbor {address} passive\n \
             neighbor {address} ebgp-multihop\n neighbor {address} disable-connected-check\n"
        );
    }
    for family in ["ipv4", "ipv6"] {
        text += &format!(" address-family {family} unicast\n");
        for (address, _) in &setting.neighbors {
            // Without it FRR keeps no Adj-RIB-In.
            text += &format!(
                "  neighbor {address} activate\n  neighbor {address} soft-reconfiguration inbound\n"
            );
            if !is_plain {
                text += &format!("  neighbor {address} route-map in in\n");
            }
        }
        text += " exit-address-family\n";
    }
    // Stations of one group have been seen to get in each other's way.
    let groups = if is_plain { setting.stations.len().max(1) } else { 1 };
    for (n, stations) in setting.stations.chunks(groups).enumerate() {
        let name = if n == 0 { "race".to_owned() } else { format!("race{n}") };
        text += &format!(" bmp targets {name}\n");
        if !is_plain {
            text += "  bmp stats interval 2000\n";
        }
        for view in &setting.views {
            let view = match view {
                View::PrePolicy => "pre-policy",
                View::PostPolicy => "post-policy",
                View::LocRib => "loc-rib",
            };
            for family in ["ipv4", "ipv6"] {
                text += &format!("  bmp monitor {family} unicast {view}\n");
            }
        }
        for station in stations {
            text += &format!("  {}\n", frr_connect(*station));
        }
    }
    text
}

fn gobgp(setting: &Setting, bgp: SocketAddr) -> String {
    let mut text = format!(
        "[global.config]\nas = 65000\nrouter-id = \"192.0.2.254\"\nport = {}\n\
         local-address-list = [\"{}\"]\n",
        bgp.port(),
        bgp.ip(),
    );
    for (address, asn) in &setting.neighbors {
        text += &format!(
            "[[neighbors]]\n[neighbors.config]\npeer-as = {asn}\nneighbor-address = \"{address}\"\n\
             [neighbors.transport.config]\npassive-mode = true\nlocal-address = \"{}\"\n\
             [neighbors.ebgp-multihop.config]\nenabled = true\nmultihop-ttl = 64\n\
             [neighbors.timers.config]\nhold-time = 240\n",
            bgp.ip(),
        );
        for family in ["ipv4-unicast", "ipv6-unicast"] {
            text += &format!(
                "[[neighbors.afi-safis]]\n[neighbors.afi-safis.config]\n\
                 afi-safi-name = \"{family}\"\n"
            );
        }
    }
    let policy = if setting.views == [View::PrePolicy] { "pre-policy" } else { "all" };
    for station in &setting.stations {
        text += &format!(
            "[[bmp-servers]]\n[bmp-servers.config]\naddress = \"{}\"\nport = {}\n\
             route-monitoring-policy = \"{policy}\"\n",
            station.ip(),
            station.port()
        );
    }
    text
}
