//! The blocks of docs/recipes.md, of the quick start in docs/relay.md, of docs/with-frr.md and of docs/without-root.md, as
//! they are written, with the programs that they are for.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use tests::daemon::{Daemon, run};
use tests::documents::{blocks, text};
use tests::edge::{self, Edge, Program, ROUTE, wait_route_received};
use tests::neighbor::{Neighbor, Options};
use tests::netns::Netns;
use tests::person::public;
use tests::scratch::Scratch;
use tests::station::{Mode, Station};
use tests::table::Table;
use tests::wait::{wait_for, wait_until};

const TIMEOUT: Duration = Duration::from_secs(60);

const NOBODY: u32 = 65_534;

/// The first block in this language below this heading.
#[track_caller]
fn block(heading: &str, language: &str) -> String {
    block_of("docs/recipes.md", heading, language)
}

/// The same of another page.
#[track_caller]
fn block_of(page: &str, heading: &str, language: &str) -> String {
    let page = format!("\n{}", text(page));
    let level = heading.split(' ').next().unwrap();
    let (_, below) = page.split_once(&format!("\n{heading}\n")).unwrap();
    let end = below.find(&format!("\n{level} ")).unwrap_or(below.len());
    let (_, from) = below[..end].split_once(&format!("```{language}\n")).unwrap();
    from.split_once("\n```").unwrap().0.to_owned() + "\n"
}

/// bmpd with the configuration of the head of the page, or of this recipe, and a router.
#[track_caller]
fn receives_route(scratch: &Scratch, edge: &Edge, config: &str, router: &[&Program]) -> String {
    let station = edge.station();
    let daemon = edge.host.run(|| Daemon::start(scratch, config));
    wait_route_received(&daemon, router);
    if config.contains("[[session]]") {
        edge.wait_route_sent(&station);
    }
    daemon.bmpctl(&["show", "neighbor", "--json"]).done().to_owned()
}

fn head() -> String {
    block("# Recipes", "toml")
}

#[test]
fn frr() {
    let (scratch, edge) = (Scratch::new(), Edge::new());
    let whole = format!(
        "router bgp 65001\n bgp router-id 192.0.2.2\n no bgp network import-check\n address-family ipv4 unicast\n  \
         network {ROUTE}\n exit-address-family\nexit\n{}",
        block("### FRR", "text")
    );
    let [zebra, bgpd] = edge::frr(&scratch, &edge.router, &whole);
    receives_route(&scratch, &edge, &block("### FRR", "toml"), &[&zebra, &bgpd]);
}

/// FRR is the router and pmbmpd the station; one neighbor of FRR announces two routes.
#[test]
fn the_quick_start_of_the_relay() {
    let (scratch, edge) = (Scratch::new(), Edge::new());
    let of = |heading: &str, language: &str| block_of("docs/relay.md", heading, language);
    edge.router.ip("address add 192.0.2.3/24 dev near");
    let whole = format!(
        "router bgp 65001\n bgp router-id 192.0.2.2\n no bgp ebgp-requires-policy\n neighbor 192.0.2.3 remote-as \
         65009\n neighbor 192.0.2.3 passive\n address-family ipv4 unicast\n  neighbor 192.0.2.3 activate\n  neighbor \
         192.0.2.3 soft-reconfiguration inbound\n exit-address-family\nexit\n{}",
        of("### The router", "text")
    );
    let [zebra, bgpd] = edge::frr(&scratch, &edge.router, &whole);
    let log = scratch.join("pmbmpd.json");
    let config =
        of("### The station", "text").replace("/var/log/pmbmpd.json", &log.display().to_string());
    let config = scratch.write("pmbmpd.conf", config);
    let mut pmbmpd = edge.host.namespace().command("pmbmpd");
    pmbmpd.arg("-f").arg(config);
    let pmbmpd = Program::start(pmbmpd, &scratch.join("pmbmpd.log"));
    let daemon = edge.host.run(|| Daemon::start(&scratch, &of("### bmpd", "toml")));
    let options = Options::new([192, 0, 2, 3].into(), 65_009);
    let neighbor =
        edge.router.run(|| Neighbor::connect(&options, SocketAddr::from(([192, 0, 2, 2], 179))));
    neighbor.send_all(&Table::of(65_009, 2, 0));
    wait_for("four routes of the router, and pmbmpd to have them", TIMEOUT, || {
        let shown = daemon.bmpctl(&["show", "router", "edge1", "--json"]);
        let found: serde_json::Value =
            serde_json::from_str(&shown.stdout).map_err(|e| e.to_string())?;
        let tables = found["routers"][0]["tables"].as_array().cloned().unwrap_or_default();
        let routes: u64 = tables.iter().filter_map(|table| table["routes"].as_u64()).sum();
        let known = fs::read_to_string(&log).unwrap_or_default();
        let updates = known.matches("\"log_type\": \"update\"").count();
        match (routes, updates) {
            (4, 4..) => Ok(()),
            _ => Err(format!("{shown}{known}{}{}{}", pmbmpd.said(), zebra.said(), bgpd.said())),
        }
    });
    assert!(daemon.bmpctl(&["show", "session"]).done().contains("10.1.1.1"));
}

/// FRR and bmpd on one host: FRR has port 179. FRR is configured while it runs, as it checks more then.
#[test]
fn bmpd_on_the_host_of_frr() {
    let (scratch, edge) = (Scratch::new(), Edge::new());
    let of = |heading: &str, language: &str| block_of("docs/with-frr.md", heading, language);
    // The station is elsewhere, at the other end of the wire.
    edge.host.ip("address del 192.0.2.1/24 dev far");
    edge.host.ip("address add 192.0.2.254/24 dev far");
    edge.router.ip(of("# With FRR", "text").trim().strip_prefix("ip ").unwrap());
    edge.router.ip("route add 10.1.1.1 via 192.0.2.254");
    let station = edge.station();
    let before = format!(
        "router bgp 65001\n bgp router-id 192.0.2.2\n no bgp network import-check\n address-family ipv4 unicast\n  \
         network {ROUTE}\n exit-address-family\nexit\n"
    );
    let [zebra, bgpd] = edge::frr(&scratch, &edge.router, &before);
    let vtysh = |lines: &str| {
        let mut vtysh = edge.router.namespace().command("vtysh");
        let folder = scratch.join("frr");
        vtysh.arg("--vty_socket").arg(&folder).arg("--config_dir").arg(&folder);
        run(vtysh.args(lines.lines().flat_map(|line| ["-c", line])), TIMEOUT)
    };
    wait_for("bgpd to know its own address", TIMEOUT, || {
        let own = vtysh("configure terminal\nrouter bgp 65001\nneighbor 192.0.2.1 remote-as 65000");
        match own.text().contains("Can not configure the local system") {
            true => Ok(()),
            false => {
                vtysh("configure terminal\nrouter bgp 65001\nno neighbor 192.0.2.1");
                Err(own.to_string())
            }
        }
    });
    let configured = vtysh(&format!("configure terminal\n{}", of("## FRR", "text")));
    assert_eq!(configured.done(), "", "{configured}");
    let daemon = edge.router.run(|| Daemon::start(&scratch, &of("## bmpd", "toml")));
    wait_route_received(&daemon, &[&zebra, &bgpd]);
    edge.wait_route_sent(&station);
}

/// The page from its first to its last line, as a user without rights.
#[test]
fn without_root_and_systemd() {
    let scratch = Scratch::new();
    let page = blocks(&text("docs/without-root.md"));
    let script: String = page.into_iter().map(|block| block.text).collect();
    public(&scratch);
    let home = scratch.join("home");
    fs::create_dir(&home).unwrap();
    std::os::unix::fs::chown(&home, Some(NOBODY), Some(NOBODY)).unwrap();
    let netns = Netns::new();
    // What it leaves behind ends with it.
    let mut shell = netns.namespace().command("unshare");
    shell.args(["--pid", "--fork", "--kill-child", "--mount-proc"]);
    let nobody = NOBODY.to_string();
    shell.args(["setpriv", "--reuid", &nobody, "--regid", &nobody, "--clear-groups", "bash"]);
    shell.args(["-euo", "pipefail", "-c", &script]).current_dir(&home);
    shell.env_clear().env("HOME", &home).env("LC_ALL", "C.UTF-8");
    shell.env("PATH", format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", scratch.path().display()));
    let output = run(&mut shell, TIMEOUT);
    let said = ["bmpd", "bird", "pmbmpd", "error"].map(|name| {
        fs::read_to_string(home.join("bmp").join(format!("{name}.log"))).unwrap_or_default()
    });
    assert_eq!(output.status, 0, "{output}{}", said.concat());
    assert!(output.stdout.contains("session 127.0.0.1: synchronised, 2 routes"), "{output}");
}

#[test]
fn bird() {
    let (scratch, edge) = (Scratch::new(), Edge::new());
    let bird = edge.bird(&scratch, &block("### BIRD", "text"));
    let config = head().replace(
        "remote-as = 65001\n",
        "remote-as = 65001\nadd-path = [\"ipv4-unicast\", \"ipv6-unicast\"]\n",
    );
    assert!(receives_route(&scratch, &edge, &config, &[&bird]).contains("add_path\": true"));
}

#[test]
fn openbgpd() {
    let (scratch, edge) = (Scratch::new(), Edge::new());
    // It refuses a file that others could change, and its sockets are to be its own.
    let control = scratch.join("bgpd.sock");
    let rest = format!(
        "socket \"{}\"\nAS 65001\nrouter-id 192.0.2.2\nlisten on 192.0.2.2\nfib-update no\nnetwork {ROUTE}\n",
        control.display()
    );
    let config = scratch.write("openbgpd.conf", rest + &block("### OpenBGPD", "text"));
    fs::set_permissions(&config, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    // Where it locks itself in is made by its unit.
    let enter =
        "mount -t tmpfs run /run && mkdir /run/openbgpd && exec /usr/sbin/bgpd -d -f \"$1\"";
    let mut bgpd = edge.router.namespace().command("unshare");
    bgpd.args(["--mount", "--propagation", "private", "sh", "-c", enter, "enter"]).arg(config);
    let bgpd = Program::start(bgpd, &scratch.join("openbgpd.log"));
    receives_route(&scratch, &edge, &head(), &[&bgpd]);
}

#[test]
fn gobgp() {
    let (scratch, edge) = (Scratch::new(), Edge::new());
    let rest = "[global.config]\nas = 65001\nrouter-id = \"192.0.2.2\"\n";
    let config = scratch.write("gobgpd.toml", format!("{rest}{}", block("### GoBGP", "text")));
    let mut gobgpd = edge.router.namespace().command("gobgpd");
    gobgpd.args(["-p", "--pprof-disable", "--api-hosts=127.0.0.1:50051", "-f"]).arg(config);
    let gobgpd = Program::start(gobgpd, &scratch.join("gobgpd.log"));
    wait_for("GoBGP to take a route", TIMEOUT, || {
        let mut add = edge.router.namespace().command("gobgp");
        add.args(["global", "rib", "add", ROUTE, "nexthop", "192.0.2.2"]);
        let added = run(&mut add, TIMEOUT);
        if added.status == 0 { Ok(()) } else { Err(format!("{added}{}", gobgpd.said())) }
    });
    receives_route(&scratch, &edge, &head(), &[&gobgpd]);
}

#[test]
fn exabgp() {
    let (scratch, edge) = (Scratch::new(), Edge::new());
    let config = scratch.write("exabgp.conf", block("### ExaBGP", "text"));
    let mut exabgp = edge.router.namespace().command("exabgp");
    exabgp.env("exabgp.daemon.user", "root").env("exabgp.api.cli", "false").arg(config);
    let exabgp = Program::start(exabgp, &scratch.join("exabgp.log"));
    receives_route(&scratch, &edge, &head(), &[&exabgp]);
}

#[test]
fn a_vrf() {
    let (scratch, edge) = (Scratch::new(), Edge::new());
    // Any device is as good to bmpd as a VRF, which not every kernel has.
    edge.host.ip("link set far down");
    edge.host.ip("link set far name vrf-mgmt");
    edge.host.ip("link set vrf-mgmt up");
    edge.host.ip("address del 10.1.1.1/32 dev lo");
    edge.host.ip("route add 10.1.1.1 dev vrf-mgmt");
    edge.router.add_address("10.1.1.1".parse().unwrap());
    let at = "10.1.1.1:11019".parse().unwrap();
    let station = Station::listen_in(&edge.router, at, Mode::Counting);
    let bird = edge.bird(&scratch, &block("### BIRD", "text"));
    let daemon = edge.host.run(|| Daemon::start(&scratch, &block("## A VRF", "text")));
    wait_route_received(&daemon, &[&bird]);
    station.wait_connection(1);
    let shown = daemon.bmpctl(&["show", "neighbor"]);
    assert!(shown.done().contains("mgmt"), "{shown}");
}

#[test]
fn pmacct_behind_tls() {
    let (scratch, edge) = (Scratch::new(), Edge::new());
    let folder = scratch.join("station");
    fs::create_dir(&folder).unwrap();
    let mut shell = Command::new("sh");
    let made = run(shell.args(["-c", &block("## TLS", "sh")]).current_dir(&folder), TIMEOUT);
    assert!(made.done().ends_with("collector.pem: OK\n"), "{made}");
    // The station itself is at 127.0.0.1 then.
    let config = block("### pmacct", "text").replace("10.1.1.1", "127.0.0.1");
    fs::write(folder.join("pmbmpd.conf"), config).unwrap();
    fs::write(folder.join("stunnel.conf"), block("## TLS", "text")).unwrap();
    let start = |program: &str, arguments: &[&str]| {
        let mut command = edge.host.namespace().command(program);
        command.args(arguments).current_dir(&folder);
        Program::start(command, &folder.join(format!("{program}.log")))
    };
    let pmbmpd = start("pmbmpd", &["-f", "pmbmpd.conf"]);
    let stunnel = start("stunnel", &["stunnel.conf"]);

    let at: SocketAddr = "10.1.1.1:11020".parse().unwrap();
    wait_until("stunnel", TIMEOUT, || edge.host.run(|| TcpStream::connect(at).is_ok()));

    fs::copy(folder.join("ca.pem"), scratch.join("ca.pem")).unwrap();
    let page = text("docs/recipes.md");
    let (_, session) = page.split_once("beside the configuration file:\n\n```text\n").unwrap();
    let session = session.split_once("```").unwrap().0;
    let (_, bgp) = head().split_once("[bgp]").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let exabgp = {
        let config = scratch.write("exabgp.conf", block("### ExaBGP", "text"));
        let mut exabgp = edge.router.namespace().command("exabgp");
        exabgp.env("exabgp.daemon.user", "root").env("exabgp.api.cli", "false").arg(config);
        Program::start(exabgp, &scratch.join("exabgp.log"))
    };
    let daemon = edge.host.run(|| Daemon::start(&scratch, &format!("{session}\n[bgp]{bgp}")));
    wait_route_received(&daemon, &[&exabgp]);
    wait_for("pmbmpd to have the route", TIMEOUT, || {
        let text = fs::read_to_string(folder.join("pmbmpd.json")).unwrap_or_default();
        match text.contains(ROUTE) {
            true => Ok(()),
            false => Err(format!("{text}{}{}{}", pmbmpd.said(), stunnel.said(), daemon.log())),
        }
    });
    let shown = daemon.bmpctl(&["show", "session", "--verbose"]);
    assert!(shown.done().contains("TLS"), "{shown}");
}
