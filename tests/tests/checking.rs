//! `bmpctl check`: what keeps a session, a neighbor or a router from coming up.

use serde_json::Value;
use tests::addresses::{free_port, loopback};
use tests::bmp::{Kind, Mode};
use tests::chain::{Chain, Demands};
use tests::daemon::{Daemon, bgp, bgp_listen, neighbor, session};
use tests::lab::Plan;
use tests::neighbor::{Neighbor, Options};
use tests::scratch::Scratch;
use tests::station::{Setup, Station};
use tests::wait::wait_for;

/// What was found by the name of what was looked at, with its text.
fn checks(daemon: &Daemon, line: &[&str], code: i32) -> Vec<(String, String, String)> {
    let output = daemon.bmpctl(&[&["check"], line, &["--json"]].concat());
    assert_eq!((output.status, &*output.stderr), (code, ""), "{output}");
    let document: Value = serde_json::from_str(&output.stdout).unwrap();
    let text = |check: &Value, name: &str| check[name].as_str().unwrap().to_owned();
    let checks = document["checks"].as_array().unwrap().iter();
    checks
        .map(|check| {
            assert_eq!(check["advice"].is_null(), check["outcome"] == "ok", "{check}");
            (text(check, "what"), text(check, "outcome"), text(check, "text"))
        })
        .collect()
}

#[track_caller]
fn has(checks: &[(String, String, String)], what: &str, outcome: &str, text: &str) {
    let found =
        checks.iter().any(|check| check.0 == what && check.1 == outcome && check.2.contains(text));
    assert!(found, "no {outcome} of {what} with {text:?}: {checks:#?}");
}

#[test]
fn a_session_that_is_synchronised_passes() {
    let lab = Plan { mode: Mode::Counting, ..Plan::default() }.start();
    lab.daemon.wait_state(lab.address, None, "Established");
    let found = checks(&lab.daemon, &["session", &lab.station()], 0);
    has(&found, "state", "ok", "Established");
    has(&found, "route", "ok", &format!("to {} from ", lab.station()));
    has(
        &found,
        "connection",
        "ok",
        &format!("to {}:{}, TCP", lab.station(), lab.stations[0].port()),
    );
    has(&found, "delivery", "ok", "0 routes to send");
    let page = lab.daemon.bmpctl(&["check", "session", &lab.station()]);
    assert!(page.done().ends_with("4 checks, 0 failed, 0 with a warning\n"), "{page}");
    // It was looked at, and not touched.
    assert_eq!(lab.stations[0].connections().len(), 1);
    assert_eq!(lab.daemon.session(lab.address, None).number("gen"), 1);
}

#[test]
fn a_session_that_is_down_has_the_step_that_fails() {
    let scratch = Scratch::new();
    let [refused, shut, away] = [loopback(), loopback(), loopback()];
    let config = [
        "[[vpn-instance]]\nname = \"red\"\ndevice = \"nosuchdevice0\"\n\n".to_owned(),
        session(refused, free_port(refused), None),
        session(shut, 11019, None)
            .replace("tcp.connect-port =", "shutdown = true\ntcp.connect-port ="),
        session(away, 11019, None).trim_end().to_owned() + "\nvpn-instance = \"red\"\n\n",
    ]
    .concat();
    let daemon = Daemon::start(&scratch, &config);
    let found = checks(&daemon, &["session", &refused.to_string()], 1);
    has(&found, "route", "ok", "from ");
    has(&found, "connection", "failed", "Connection refused");
    let found = checks(&daemon, &["session", &shut.to_string()], 1);
    has(&found, "state", "failed", "Shutdown");
    assert_eq!(found.len(), 1, "{found:?}");
    let found = checks(&daemon, &["session", &away.to_string(), "--vpn-instance", "red"], 1);
    has(&found, "route", "failed", "there is no device nosuchdevice0");
    assert!(!found.iter().any(|check| check.0 == "connection"), "{found:?}");
    let quiet = daemon.bmpctl(&["check", "session", &refused.to_string(), "--quiet"]);
    assert_eq!((quiet.status, &*quiet.stdout, quiet.stderr.lines().count()), (1, "", 1), "{quiet}");
    let unknown = daemon.bmpctl(&["check", "session", "127.99.99.99"]);
    assert_eq!(unknown.status, 3, "{unknown}");
    let all = daemon.bmpctl(&["check", "session", "all"]);
    assert_eq!(all.status, 2, "{all}");
    assert!(all.stderr.contains("one is checked at a time"), "{all}");
}

#[test]
fn certificates_have_their_dates_and_a_handshake_its_cause() {
    let scratch = Scratch::new();
    let address = loopback();
    let chain = Chain::new(&scratch, address);
    let config = |station: &Station| {
        let lines = format!(
            "tls.ca = \"{}\"\ntls.certificate = \"{}\"\ntls.private-key = \"{}\"\ntcp.connect-port =",
            chain.root.display(),
            chain.expired.certificate.display(),
            chain.expired.key.display()
        );
        session(address, station.port(), None).replace("tcp.connect-port =", &lines)
    };
    let tls = Some(chain.station(&chain.expired, Demands::Nothing));
    let setup = Setup { tls, ..Setup::default() };
    let station = Station::listen_with((address, 0).into(), Mode::Counting, setup);
    let daemon = Daemon::start(&scratch, &config(&station));
    let found = checks(&daemon, &["session", &address.to_string()], 1);
    has(&found, "certificate", "failed", "our certificate");
    has(&found, "certificate", "failed", "expired at ");
    has(&found, "certificate", "ok", "valid until ");
    has(&found, "connection", "ok", "accepts it");
    has(&found, "tls", "failed", "expired");
    let received = station.connections();
    let initiations = received.iter().map(|c| c.look(|record| record.count(Kind::Initiation)));
    assert_eq!(initiations.sum::<u64>(), 0, "a check sends no BMP");
}

#[test]
fn a_neighbor_and_a_router_have_theirs() {
    let scratch = Scratch::new();
    let (listen, up, waiting) = (bgp_listen(), loopback(), loopback());
    let refused = loopback();
    let active = neighbor(refused, 65003)
        .replace("passive = true", &format!("port = {}", free_port(refused)));
    let relay = loopback();
    let config = [
        bgp(listen),
        neighbor(up, 65001),
        neighbor(waiting, 65002),
        active,
        format!(
            "[relay]\nlisten = [\"{relay}:{}\"]\n\n[[router]]\nname = \"edge1\"\naddress = \"{relay}\"\n",
            free_port(relay)
        ),
    ]
    .concat();
    let daemon = Daemon::start(&scratch, &config);
    let _peer = Neighbor::connect(&Options::new(up, 65001), listen);
    let name = up.to_string();
    wait_for("the neighbor", std::time::Duration::from_secs(30), || {
        let page = daemon.bmpctl(&["check", "neighbor", &name]);
        if page.status == 0 { Ok(()) } else { Err(page.to_string()) }
    });
    let found = checks(&daemon, &["neighbor", &name], 0);
    has(&found, "routes", "warning", "has announced no route");
    let found = checks(&daemon, &["neighbor", &waiting.to_string()], 1);
    has(&found, "connection", "failed", &format!("bmpd waits at {listen} for the neighbor"));
    let found = checks(&daemon, &["neighbor", &refused.to_string()], 1);
    has(&found, "connection", "failed", "Connection refused");
    let found = checks(&daemon, &["router", "edge1"], 1);
    has(&found, "connection", "failed", "waits for the router to connect");
    let unknown = daemon.bmpctl(&["check", "router", "edge9"]);
    assert_eq!(unknown.status, 3, "{unknown}");
}
