//! The blocks of docs/recipes.md, as they are written, with the programs that they are for.
//!
//! ```text
//!   namespace of the router: 192.0.2.2 ── veth ── namespace of bmpd: 192.0.2.1, the station 10.1.1.1
//! ```

use std::fs::{self, File};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tests::daemon::{Daemon, run};
use tests::documents::text;
use tests::netns::Netns;
use tests::person::public;
use tests::scratch::Scratch;
use tests::station::{Mode, Station};
use tests::wait::{wait_for, wait_until};

const PATIENCE: Duration = Duration::from_secs(60);

/// What every router announces, of its own or by its recipe.
const ROUTE: &str = "198.51.100.0/24";

/// The first block in this language below this heading.
#[track_caller]
fn block(heading: &str, language: &str) -> String {
    let page = format!("\n{}", text("docs/recipes.md"));
    let level = heading.split(' ').next().unwrap();
    let (_, below) = page.split_once(&format!("\n{heading}\n")).unwrap();
    let end = below.find(&format!("\n{level} ")).unwrap_or(below.len());
    let (_, from) = below[..end].split_once(&format!("```{language}\n")).unwrap();
    from.split_once("\n```").unwrap().0.to_owned() + "\n"
}

/// A program in the foreground. Killed when dropped.
struct Program {
    child: Child,
    log: std::path::PathBuf,
}

impl Program {
    fn start(mut command: Command, log: &Path) -> Self {
        let file = File::create(log).unwrap();
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        Self { child: command.spawn().unwrap(), log: log.to_owned() }
    }

    /// What it has said, for a test that fails.
    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Both ends, with a wire between them.
struct Place {
    router: Netns,
    ours: Netns,
}

impl Place {
    fn new() -> Self {
        let (router, ours) = (Netns::new(), Netns::new());
        router.ip(&format!("link add near type veth peer name far netns {}", ours.name()));
        for (netns, device, address) in
            [(&router, "near", "192.0.2.2"), (&ours, "far", "192.0.2.1")]
        {
            netns.ip(&format!("address add {address}/24 dev {device}"));
            netns.ip(&format!("link set {device} up"));
        }
        ours.add_address("10.1.1.1".parse().unwrap());
        Self { router, ours }
    }

    fn station(&self, port: u16) -> Station {
        let address: IpAddr = "10.1.1.1".parse().unwrap();
        Station::listen_in(&self.ours, SocketAddr::new(address, port), Mode::Keeping)
    }
}

/// The route of the router, as `show neighbor` and the station have it.
#[track_caller]
fn wait_heard(daemon: &Daemon, router: &[&Program]) {
    wait_for("the route of the router", PATIENCE, || {
        let shown = daemon.bmpctl(&["show", "neighbor", "--json"]);
        let found: Value = serde_json::from_str(&shown.stdout).map_err(|e| e.to_string())?;
        let neighbor = &found["neighbors"][0];
        let routes: u64 = neighbor["families"]
            .as_array()
            .map_or(0, |list| list.iter().filter_map(|f| f["routes"].as_u64()).sum());
        let said: String = router.iter().map(|program| program.said()).collect();
        if neighbor["state"] == "established" && routes > 0 {
            Ok(())
        } else {
            Err(format!("{shown}{said}{}", daemon.log()))
        }
    });
}

/// bmpd with the configuration of the head of the page, or of this recipe, and a router.
#[track_caller]
fn hears(scratch: &Scratch, place: &Place, config: &str, router: &[&Program]) {
    let station = place.station(11019);
    let daemon = place.ours.run(|| Daemon::start(scratch, config));
    wait_heard(&daemon, router);
    if config.contains("[[session]]") {
        let connection = station.wait_connection(1);
        let peer: IpAddr = "192.0.2.2".parse().unwrap();
        let route = ROUTE.parse().unwrap();
        connection.wait("the route at the station", PATIENCE, |record| {
            // With path identifiers they are among the others.
            let peer = record.peer(peer)?;
            (peer.routes.contains_key(&route) || !peer.others.is_empty()).then_some(())
        });
    }
}

fn head() -> String {
    block("# Recipes", "toml")
}

#[test]
fn frr() {
    let (scratch, place) = (Scratch::new(), Place::new());
    let folder = scratch.join("frr");
    fs::create_dir(&folder).unwrap();
    let whole = format!(
        "router bgp 65001\n bgp router-id 192.0.2.2\n no bgp network import-check\n address-family ipv4 unicast\n  \
         network {ROUTE}\n exit-address-family\nexit\n{}",
        block("### FRR", "text")
    );
    fs::write(folder.join("bgpd.conf"), whole).unwrap();
    fs::write(folder.join("zebra.conf"), "").unwrap();
    // zebra becomes its own user.
    public(&scratch);
    run(Command::new("chown").args(["-R", "frr:frr"]).arg(&folder), PATIENCE).done();
    let start = |name: &str, more: &[&str]| {
        let mut command = place.router.namespace().command(format!("/usr/lib/frr/{name}"));
        let file = |ending: &str| folder.join(format!("{name}.{ending}"));
        command.args(["--log", "stdout", "-P", "0"]);
        command.arg("-f").arg(file("conf")).arg("-i").arg(file("pid"));
        command.arg("--vty_socket").arg(&folder).arg("-z").arg(folder.join("zserv"));
        Program::start(
            {
                command.args(more);
                command
            },
            &file("log"),
        )
    };
    let zebra = start("zebra", &[]);
    wait_until("zebra", PATIENCE, || folder.join("zserv").exists());
    let bgpd = start("bgpd", &["-S"]);
    hears(&scratch, &place, &block("### FRR", "toml"), &[&zebra, &bgpd]);
}

#[test]
fn bird() {
    let (scratch, place) = (Scratch::new(), Place::new());
    let whole = format!(
        "router id 192.0.2.2;\nprotocol device {{ }}\nprotocol static {{ ipv4; route {ROUTE} blackhole; }}\n{}",
        block("### BIRD", "text")
    );
    let config = scratch.write("bird.conf", whole);
    let mut bird = place.router.namespace().command("bird");
    bird.args(["-f", "-c"]).arg(config).arg("-s").arg(scratch.join("bird.ctl"));
    let bird = Program::start(bird, &scratch.join("bird.log"));
    let config = head().replace(
        "remote-as = 65001\n",
        "remote-as = 65001\nadd-path = [\"ipv4-unicast\", \"ipv6-unicast\"]\n",
    );
    hears(&scratch, &place, &config, &[&bird]);
}

#[test]
fn openbgpd() {
    let (scratch, place) = (Scratch::new(), Place::new());
    // It refuses a file that others could change, and its sockets are to be its own.
    let control = format!("socket \"{}\"\n", scratch.join("bgpd.sock").display());
    let config = scratch.write("openbgpd.conf", control + &block("### OpenBGPD", "text"));
    fs::set_permissions(&config, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    // Where it locks itself in is made by its unit.
    let enter =
        "mount -t tmpfs run /run && mkdir /run/openbgpd && exec /usr/sbin/bgpd -d -f \"$1\"";
    let mut bgpd = place.router.namespace().command("unshare");
    bgpd.args(["--mount", "--propagation", "private", "sh", "-c", enter, "enter"]).arg(config);
    let bgpd = Program::start(bgpd, &scratch.join("openbgpd.log"));
    hears(&scratch, &place, &head(), &[&bgpd]);
}

#[test]
fn gobgp() {
    let (scratch, place) = (Scratch::new(), Place::new());
    let config = scratch.write("gobgpd.toml", block("### GoBGP", "text"));
    let mut gobgpd = place.router.namespace().command("gobgpd");
    gobgpd.args(["-p", "--pprof-disable", "--api-hosts=127.0.0.1:50051", "-f"]).arg(config);
    let gobgpd = Program::start(gobgpd, &scratch.join("gobgpd.log"));
    wait_for("GoBGP to take a route", PATIENCE, || {
        let mut add = place.router.namespace().command("gobgp");
        add.args(["global", "rib", "add", ROUTE, "nexthop", "192.0.2.2"]);
        let added = run(&mut add, PATIENCE);
        if added.status == 0 { Ok(()) } else { Err(format!("{added}{}", gobgpd.said())) }
    });
    hears(&scratch, &place, &head(), &[&gobgpd]);
}

#[test]
fn exabgp() {
    let (scratch, place) = (Scratch::new(), Place::new());
    let config = scratch.write("exabgp.conf", block("### ExaBGP", "text"));
    let mut exabgp = place.router.namespace().command("exabgp");
    exabgp.env("exabgp.daemon.user", "root").env("exabgp.api.cli", "false").arg(config);
    let exabgp = Program::start(exabgp, &scratch.join("exabgp.log"));
    hears(&scratch, &place, &head(), &[&exabgp]);
}

#[test]
fn a_vrf() {
    let (scratch, place) = (Scratch::new(), Place::new());
    // Any device is as good to bmpd as a VRF, which not every kernel has.
    place.ours.ip("link set far down");
    place.ours.ip("link set far name vrf-mgmt");
    place.ours.ip("link set vrf-mgmt up");
    place.ours.ip("address del 10.1.1.1/32 dev lo");
    place.ours.ip("route add 10.1.1.1 dev vrf-mgmt");
    place.router.add_address("10.1.1.1".parse().unwrap());
    let at = "10.1.1.1:11019".parse().unwrap();
    let station = Station::listen_in(&place.router, at, Mode::Counting);
    let whole = format!(
        "router id 192.0.2.2;\nprotocol device {{ }}\nprotocol static {{ ipv4; route {ROUTE} blackhole; }}\n{}",
        block("### BIRD", "text")
    );
    let config = scratch.write("bird.conf", whole);
    let mut bird = place.router.namespace().command("bird");
    bird.args(["-f", "-c"]).arg(config).arg("-s").arg(scratch.join("bird.ctl"));
    let bird = Program::start(bird, &scratch.join("bird.log"));
    let daemon = place.ours.run(|| Daemon::start(&scratch, &block("## A VRF", "text")));
    wait_heard(&daemon, &[&bird]);
    station.wait_connection(1);
    let shown = daemon.bmpctl(&["show", "neighbor"]);
    assert!(shown.done().contains("mgmt"), "{shown}");
}

#[test]
fn pmacct_behind_tls() {
    let (scratch, place) = (Scratch::new(), Place::new());
    let folder = scratch.join("station");
    fs::create_dir(&folder).unwrap();
    let mut shell = Command::new("sh");
    let made = run(shell.args(["-c", &block("## TLS", "sh")]).current_dir(&folder), PATIENCE);
    assert!(made.done().ends_with("collector.pem: OK\n"), "{made}");
    // The station itself is at 127.0.0.1 then.
    let config = block("### pmacct", "text").replace("10.1.1.1", "127.0.0.1");
    fs::write(folder.join("pmbmpd.conf"), config).unwrap();
    fs::write(folder.join("stunnel.conf"), block("## TLS", "text")).unwrap();
    let start = |program: &str, arguments: &[&str]| {
        let mut command = place.ours.namespace().command(program);
        command.args(arguments).current_dir(&folder);
        Program::start(command, &folder.join(format!("{program}.log")))
    };
    let pmbmpd = start("pmbmpd", &["-f", "pmbmpd.conf"]);
    let stunnel = start("stunnel", &["stunnel.conf"]);

    let at: SocketAddr = "10.1.1.1:11020".parse().unwrap();
    wait_until("stunnel", PATIENCE, || place.ours.run(|| TcpStream::connect(at).is_ok()));

    fs::copy(folder.join("ca.pem"), scratch.join("ca.pem")).unwrap();
    let page = text("docs/recipes.md");
    let (_, session) = page.split_once("beside the configuration file:\n\n```text\n").unwrap();
    let session = session.split_once("```").unwrap().0;
    let (_, bgp) = head().split_once("[bgp]").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let exabgp = {
        let config = scratch.write("exabgp.conf", block("### ExaBGP", "text"));
        let mut exabgp = place.router.namespace().command("exabgp");
        exabgp.env("exabgp.daemon.user", "root").env("exabgp.api.cli", "false").arg(config);
        Program::start(exabgp, &scratch.join("exabgp.log"))
    };
    let daemon = place.ours.run(|| Daemon::start(&scratch, &format!("{session}\n[bgp]{bgp}")));
    wait_heard(&daemon, &[&exabgp]);
    wait_for("pmbmpd to have the route", PATIENCE, || {
        let told = fs::read_to_string(folder.join("pmbmpd.json")).unwrap_or_default();
        match told.contains(ROUTE) {
            true => Ok(()),
            false => Err(format!("{told}{}{}{}", pmbmpd.said(), stunnel.said(), daemon.log())),
        }
    });
    let shown = daemon.bmpctl(&["show", "session", "--verbose"]);
    assert!(shown.done().contains("TLS"), "{shown}");
}
