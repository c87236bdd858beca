//! `bmpd --import`: what it prints is what the page about it shows, and a good configuration.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use tests::daemon::{Daemon, binary, run};
use tests::documents::{blocks, repository, text};
use tests::edge::{self, Edge, Program, ROUTE, wait_route_received};
use tests::scratch::Scratch;
use tests::station::Station;
use tests::wait::wait_until;

const TIMEOUT: Duration = Duration::from_secs(30);

/// The two texts of the page: what is read, and what comes of it.
fn page() -> (String, String) {
    let page = text("docs/migration.md");
    let mut texts = blocks(&page).into_iter().filter(|block| block.language == "text");
    (texts.next().unwrap().text, texts.next().unwrap().text)
}

#[test]
fn the_page_shows_what_comes_out_and_our_check_takes_it() {
    let scratch = Scratch::new();
    let (frr, shown) = page();
    let file = scratch.write("frr.conf", &frr);
    let mut import = Command::new(binary("bmpd"));
    let output = run(import.args(["--import", "frr"]).arg(&file), TIMEOUT);
    if std::env::var_os("BLESS").is_some() {
        let page = text("docs/migration.md").replace(&shown, output.done());
        fs::write(repository("docs/migration.md"), page).unwrap();
        return;
    }
    assert_eq!(output.done(), shown, "BLESS=1 cargo test -p tests --test all import::");
    let ours = scratch.write("bmpd.toml", output.done());
    let mut check = Command::new(binary("bmpd"));
    assert!(run(check.arg("--check").arg("--config").arg(ours), TIMEOUT).done().contains("good"));
}

#[test]
fn standard_input_is_read_and_what_is_wrong_is_said() {
    let (frr, shown) = page();
    let mut import = Command::new(binary("bmpd"))
        .args(["--import", "frr", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    import.stdin.take().unwrap().write_all(frr.as_bytes()).unwrap();
    let output = import.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stdout).unwrap()), (Some(0), shown));

    let scratch = Scratch::new();
    let file = |name: &str, text: &str| scratch.write(name, text).display().to_string();
    for (kind, file, code, expected) in [
        ("frr", scratch.join("none").display().to_string(), 1, "No such file or directory"),
        ("frr", file("empty", ""), 1, "is it the right file, and the right kind?"),
        ("bird", file("bird", "\nprotocol bgp {"), 1, "line 2: this block has no end"),
        ("gobgp", file("yaml", "global:\n  as: 1\n"), 1, "line 1: this is no TOML"),
        ("cisco", file("cisco", ""), 2, "there are frr, bird and gobgp"),
    ] {
        let output = run(Command::new(binary("bmpd")).args(["--import", kind, &file]), TIMEOUT);
        assert!(output.status == code && output.stderr.contains(expected), "{kind}: {output}");
        assert_eq!(output.stdout, "", "{kind}");
    }
}

/// What the router has for its neighbor 192.0.2.1.
const ROUTER: &str = "protocol bgp { local 192.0.2.2 as 65001; neighbor 192.0.2.1 as 65000; password \"s3cret\"; \
                      ipv4 { import none; export all; }; }";

/// bmpd in the place of a daemon that had this configuration: its neighbor and its station do not notice.
#[track_caller]
fn takes_over(scratch: &Scratch, edge: &Edge, station: &Station, kind: &str, config: &str) {
    let router = edge.bird(scratch, ROUTER);
    let file = scratch.write("imported", config);
    let mut import = Command::new(binary("bmpd"));
    let output = run(import.args(["--import", kind]).arg(file), TIMEOUT);
    let connections = station.connections().len();
    let daemon = edge.host.run(|| Daemon::start(scratch, output.done()));
    wait_route_received(&daemon, &[&router]);
    station.wait_connection(connections + 1);
    edge.wait_route_sent(station);
}

#[test]
fn a_neighbor_and_a_station_of_frr_are_those_of_bmpd_afterwards() {
    let (scratch, edge) = (Scratch::new(), Edge::new());
    let station = edge.station();
    let config = "router bgp 65000\n bgp router-id 192.0.2.1\n no bgp ebgp-requires-policy\n \
                  neighbor ROUTERS peer-group\n neighbor ROUTERS remote-as 65001\n \
                  neighbor ROUTERS password s3cret\n neighbor 192.0.2.2 peer-group ROUTERS\n \
                  address-family ipv4 unicast\n  neighbor ROUTERS soft-reconfiguration inbound\n \
                  exit-address-family\n \
                  bmp targets COLLECTORS\n  bmp monitor ipv4 unicast pre-policy\n  \
                  bmp connect 10.1.1.1 port 11019 min-retry 100 max-retry 1000\n exit\nexit\n";
    let router = edge.bird(&scratch, ROUTER);
    let frr = edge::frr(&scratch, &edge.host, config);
    edge.wait_route_sent(&station);
    drop((frr, router));
    takes_over(&scratch, &edge, &station, "frr", config);
}

#[test]
fn those_of_gobgp_too() {
    let (scratch, edge) = (Scratch::new(), Edge::new());
    let station = edge.station();
    let config = "[global.config]\nas = 65000\nrouter-id = \"192.0.2.1\"\n[[peer-groups]]\n\
                  [peer-groups.config]\npeer-group-name = \"routers\"\npeer-as = 65001\n\
                  auth-password = \"s3cret\"\n[[peer-groups.afi-safis]]\n[peer-groups.afi-safis.config]\n\
                  afi-safi-name = \"ipv4-unicast\"\n[[neighbors]]\n[neighbors.config]\n\
                  neighbor-address = \"192.0.2.2\"\npeer-group = \"routers\"\n\
                  [[bmp-servers]]\n[bmp-servers.config]\naddress = \"10.1.1.1\"\nport = 11019\n\
                  route-monitoring-policy = \"pre-policy\"\n";
    let router = edge.bird(&scratch, ROUTER);
    let file = scratch.write("gobgpd.toml", config);
    let mut gobgpd = edge.host.namespace().command("gobgpd");
    gobgpd.args(["-p", "--pprof-disable", "--api-hosts=127.0.0.1:50051", "-f"]).arg(file);
    let gobgpd = Program::start(gobgpd, &scratch.join("gobgpd.log"));
    edge.wait_route_sent(&station);
    drop((gobgpd, router));
    takes_over(&scratch, &edge, &station, "gobgp", config);
}

/// The BIRD of Debian 12 has no BMP: it runs the rest of the file.
#[test]
fn those_of_bird_too() {
    let (scratch, edge) = (Scratch::new(), Edge::new());
    let station = edge.station();
    let bgp = "router id 192.0.2.1;\nprotocol device { }\ntemplate bgp routers { local as 65000; \
               password \"s3cret\"; ipv4 { import all; export none; }; }\n\
               protocol bgp edge1 from routers { neighbor 192.0.2.2 as 65001; }\n";
    let router = edge.bird(&scratch, ROUTER);
    let file = scratch.write("before.conf", bgp);
    let control = scratch.join("before.ctl");
    let mut bird = edge.host.namespace().command("bird");
    bird.args(["-f", "-c"]).arg(file).arg("-s").arg(&control);
    let bird = Program::start(bird, &scratch.join("before.log"));
    wait_until("BIRD to receive the route", TIMEOUT, || {
        let mut ask = Command::new("birdc");
        run(ask.arg("-s").arg(&control).args(["show", "route"]), TIMEOUT).text().contains(ROUTE)
    });
    drop((bird, router));
    let bmp = "protocol bmp collector { station address ip 10.1.1.1 port 11019; \
               monitoring rib in pre_policy; }\n";
    takes_over(&scratch, &edge, &station, "bird", &format!("{bgp}{bmp}"));
}
