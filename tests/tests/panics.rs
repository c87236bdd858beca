//! A mistake of bmpd itself costs what it was met at, with a reason and a count, and nothing else.
//!
//! Its place is configured, which needs a build with debug assertions.

use std::net::{IpAddr, SocketAddr};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tests::addresses::{free_port, loopback};
use tests::bgp::{Family, Prefix};
use tests::bmp::Mode;
use tests::daemon::{Daemon, INTERNAL_ERROR, bgp, bgp_listen, binary, neighbor};
use tests::lab::{Lab, Plan};
use tests::neighbor::{Neighbor, Options};
use tests::random::Random;
use tests::scratch::Scratch;
use tests::station::{Setup, Station};
use tests::table::{Attributes, Table};
use tests::wait::wait_for;

const TIMEOUT: Duration = Duration::from_secs(30);

/// More visits than a test makes before it has something to look at, and fewer than it can make then.
const LATER: u64 = 400;

fn lab(faults: &str) -> Lab {
    let aliases = [Some("one"), Some("two")];
    Plan { aliases: &aliases, faults: Some(faults), log: "info", ..Plan::default() }.start()
}

fn json(daemon: &Daemon, arguments: &[&str]) -> Value {
    let output = daemon.bmpctl(&[arguments, &["--json"]].concat());
    serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output}"))
}

fn internal_errors(daemon: &Daemon) -> u64 {
    json(daemon, &["show", "status"])["status"]["internal_errors"].as_u64().unwrap()
}

/// The lines of the log about it.
fn internal_error_lines(daemon: &Daemon) -> Vec<String> {
    let log = daemon.log();
    log.lines().filter(|line| line.contains(INTERNAL_ERROR)).map(str::to_owned).collect()
}

/// It is counted, in the log once, and on the page of bmpd.
fn assert_logged_once(daemon: &Daemon, place: &str) {
    assert_eq!(internal_errors(daemon), 1);
    let lines = internal_error_lines(daemon);
    assert!(lines.len() == 1 && lines[0].contains(place), "{lines:?}");
    let page = daemon.bmpctl(&["show", "status"]);
    assert!(page.done().contains("Internal errors"), "{page}");
}

/// Announces one route after another until bmpd has met its mistake.
fn announce_until_met(lab: &Lab, neighbor: &Neighbor) {
    let mut next = 0u32;
    let mut random = Random::new(1);
    wait_for("the mistake", TIMEOUT, || {
        for _ in 0..20 {
            let [_, a, b, c] = next.to_be_bytes();
            let prefix: Prefix = format!("{}.{b}.{c}.0/24", 20 + a).parse().unwrap();
            // AS 0 is malformed (RFC 7607).
            neighbor.announce(&[prefix], &Attributes::sample(next + 1, &mut random));
            next += 1;
        }
        match internal_errors(&lab.daemon) {
            0 => Err(format!("{next} routes were announced")),
            _ => Ok(()),
        }
    });
}

#[test]
fn in_an_update_it_ends_that_neighbors_session_and_no_other() {
    let bystander = loopback();
    let entry = format!("passive = true\n{}", neighbor(bystander, 65002));
    let plan = Plan { neighbor: &entry, faults: Some("link.update:4"), ..Plan::default() };
    let lab = plan.start();
    let other = Neighbor::connect(&Options::new(bystander, 65002), lab.listen);
    let connection = lab.stations[0].wait_connection(1);
    let attributes = |n| Attributes::sample(n, &mut Random::new(n.into()));
    let prefix = |text: &str| -> Prefix { text.parse().unwrap() };
    other.announce(&[prefix("203.0.113.0/24")], &attributes(1));
    connection.wait_routes(bystander, &other.expected(), TIMEOUT);

    let first = lab.connect();
    first.announce(&[prefix("198.51.100.0/24")], &attributes(2));
    first.announce(&[prefix("198.51.101.0/24")], &attributes(3));
    connection.wait_routes(lab.peer, &first.expected(), TIMEOUT);
    first.announce(&[prefix("198.51.102.0/24")], &attributes(4));
    connection.wait("the end of the neighbor", TIMEOUT, |record| {
        record.peer(lab.peer).is_none().then_some(())
    });
    first.wait_closed(TIMEOUT);
    assert_logged_once(&lab.daemon, "link.update");
    let page = lab.daemon.bmpctl(&["show", "neighbor", &lab.peer.to_string()]);
    assert!(page.done().contains("internal error"), "{page}");

    let again = lab.connect();
    again.send_all(&Table::full(300, 60));
    connection.wait_routes(lab.peer, &again.expected(), TIMEOUT);
    connection.wait_routes(bystander, &other.expected(), TIMEOUT);
    assert!(other.received().notification.is_none());
    assert_eq!(lab.stations[0].connections().len(), 1);
    assert_eq!(internal_errors(&lab.daemon), 1);
    lab.assert_legal();
}

/// A reader changes the tables too: what it was at cannot be relied upon by anybody.
#[test]
fn in_reading_for_a_session_it_costs_that_connection_and_the_neighbor_whose_tables_were_read() {
    let bystander = loopback();
    let entry = format!("passive = true\n{}", neighbor(bystander, 65002));
    let aliases = [Some("one"), Some("two")];
    let faults = Some("feed.read:40");
    let lab = Plan { aliases: &aliases, neighbor: &entry, faults, ..Plan::default() }.start();
    let connections = [0, 1].map(|station| lab.stations[station].wait_connection(1));
    let other = Neighbor::connect(&Options::new(bystander, 65002), lab.listen);
    let attributes = Attributes::sample(1, &mut Random::new(1));
    other.announce(&["203.0.113.0/24".parse().unwrap()], &attributes);
    for connection in &connections {
        connection.wait_routes(bystander, &other.expected(), TIMEOUT);
    }
    let first = lab.connect();
    announce_until_met(&lab, &first);
    first.wait_closed(TIMEOUT);
    assert_logged_once(&lab.daemon, "feed.read");
    let page = lab.daemon.bmpctl(&["show", "neighbor", &lab.peer.to_string()]);
    assert!(page.done().contains("internal error"), "{page}");

    let again = lab.connect();
    again.send_all(&Table::full(300, 60));
    wait_for("another connection", TIMEOUT, || {
        let anew = lab.stations.iter().filter(|station| station.connections().len() > 1);
        (anew.count() == 1).then_some(()).ok_or_else(|| "none yet".to_owned())
    });
    for station in &lab.stations {
        let connection = station.latest().unwrap();
        connection.wait_routes(lab.peer, &again.expected(), TIMEOUT);
        connection.wait_routes(bystander, &other.expected(), TIMEOUT);
    }
    assert!(other.received().notification.is_none());
    assert_eq!(internal_errors(&lab.daemon), 1);
    lab.assert_legal();
}

/// No connection is there that could be sent it.
#[test]
fn in_reading_what_is_kept_of_a_neighbor_that_restarts_it_is_kept_no_longer() {
    let plan = Plan { faults: Some("feed.read:2"), ..Plan::default() };
    let lab = plan.start();
    let mut options = lab.options();
    options.open = options.open.graceful_restart(true, 600, &[Family::IPV4, Family::IPV6]);
    let first = Neighbor::connect(&options, lab.listen);
    let attributes = Attributes::sample(1, &mut Random::new(1));
    first.announce(&["203.0.113.0/24".parse().unwrap()], &attributes);
    lab.stations[0].wait_connection(1).wait_routes(lab.peer, &first.expected(), TIMEOUT);
    drop(first);
    let page = || lab.daemon.bmpctl(&["show", "neighbor", &lab.peer.to_string()]);
    wait_for("the restart", TIMEOUT, || match page() {
        page if page.done().contains("its routes are kept") => Ok(()),
        page => Err(page.to_string()),
    });
    // Whoever is sent everything again reads what is kept.
    lab.daemon.bmpctl(&["reset", "session", "all"]).done();
    wait_for("the end of what is kept", TIMEOUT, || match page() {
        page if page.done().contains("an internal error has cost its routes") => Ok(()),
        page => Err(page.to_string()),
    });
    assert!(!page().done().contains("its routes are kept"));
    assert_logged_once(&lab.daemon, "feed.read");
    let again = lab.connect();
    again.send_all(&Table::full(300, 60));
    wait_for("the routes of another session", TIMEOUT, || {
        let latest = lab.stations[0].latest().unwrap();
        let held = latest.look(|record| record.peer(lab.peer).map_or(0, |peer| peer.routes.len()));
        if held == again.expected().len() { Ok(()) } else { Err(format!("{held} routes")) }
    });
    lab.assert_legal();
}

#[test]
fn in_a_neighbors_own_task_it_begins_anew() {
    let lab = lab("neighbor.step:7");
    let connection = lab.stations[0].wait_connection(1);
    let first = lab.connect();
    // Being asked for a report is a step.
    wait_for("the mistake", TIMEOUT, || {
        lab.daemon.bmpctl(&["show", "neighbor"]);
        (internal_errors(&lab.daemon) > 0).then_some(()).ok_or_else(|| "none yet".to_owned())
    });
    first.wait_closed(TIMEOUT);
    assert_logged_once(&lab.daemon, "neighbor.step");
    let again = lab.connect();
    again.send_all(&Table::full(300, 60));
    connection.wait_routes(lab.peer, &again.expected(), TIMEOUT);
    assert_eq!(lab.stations[0].connections().len(), 1);
    lab.assert_legal();
}

#[test]
fn in_a_session_it_costs_that_connection_and_no_other() {
    for place in ["session.step", "session.command"] {
        let lab = lab(&format!("{place}:{LATER}"));
        let neighbor = lab.connect();
        for station in &lab.stations {
            station.wait_connection(1);
        }
        announce_until_met(&lab, &neighbor);
        // One of the two, whichever it was, has another connection.
        let anew = wait_for("another connection", TIMEOUT, || {
            let anew = lab.stations.iter().position(|station| station.connections().len() > 1);
            anew.ok_or_else(|| "none yet".to_owned())
        });
        for station in &lab.stations {
            station.latest().unwrap().wait_routes(lab.peer, &neighbor.expected(), TIMEOUT);
        }
        assert_logged_once(&lab.daemon, place);
        assert_eq!(lab.stations[1 - anew].connections().len(), 1, "the other was disturbed");
        let alias = ["one", "two"][anew];
        let page = lab.daemon.bmpctl(&["show", "session", &lab.station(), "--alias", alias]);
        assert!(page.done().contains("internal error"), "{page}");
        let found = json(&lab.daemon, &["show", "session", &lab.station(), "--alias", alias]);
        assert!(found.to_string().contains("internal-error"), "{found}");
        lab.daemon.wait_state(lab.address, Some(alias), "Established");
        neighbor.withdraw(&neighbor.expected().keys().copied().take(5).collect::<Vec<_>>());
        for station in &lab.stations {
            station.latest().unwrap().wait_routes(lab.peer, &neighbor.expected(), TIMEOUT);
        }
        lab.assert_legal();
    }
}

#[test]
fn where_neighbors_connect_to_the_next_one_is_let_in() {
    let lab = lab("listener.accept:1");
    assert!(Neighbor::try_connect(&lab.options(), lab.listen).is_err(), "the first was accepted");
    assert_logged_once(&lab.daemon, "listener.accept");
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(300, 60));
    lab.stations[0].wait_connection(1).wait_routes(lab.peer, &neighbor.expected(), TIMEOUT);
}

#[test]
fn where_stations_connect_to_the_next_one_is_let_in() {
    let scratch = Scratch::new();
    let (address, ours, listen): (IpAddr, IpAddr, SocketAddr) =
        (loopback(), loopback(), bgp_listen());
    let at = SocketAddr::new(ours, free_port(ours));
    let session = format!(
        "[[session]]\naddress = \"{address}\"\nmode = \"passive\"\ntcp.listen-port = {}\n\
         tcp.source-address = \"{ours}\"\n\n",
        at.port()
    );
    let mut bmpd = Command::new(binary("bmpd"));
    bmpd.env("BMPD_FAULTS", "acceptor.accept:1");
    let config = session + &bgp(listen);
    let daemon = Daemon::spawn_by(bmpd, &scratch, "bmpd", &config, "info");
    daemon.wait_ready();
    daemon.wait_state(address, None, "Listening");
    let station = Station::passive(address, Mode::Keeping, Setup::default());
    let first = station.dial(at).unwrap();
    first.wait_end(TIMEOUT);
    assert_logged_once(&daemon, "acceptor.accept");
    station.dial_until_taken(at);
    daemon.wait_state(address, None, "Established");
}

#[test]
fn in_a_command_it_costs_the_answer() {
    // The fixture has asked until it was answered.
    let lab = lab("control.request:6");
    let failed = wait_for("a command without an answer", TIMEOUT, || {
        let output = lab.daemon.bmpctl(&["show", "session"]);
        if output.status == 0 { Err("it was answered".to_owned()) } else { Ok(output) }
    });
    assert_eq!(failed.status, 5, "{failed}");
    assert!(failed.stderr.contains("ended the connection without an answer"), "{failed}");
    assert_logged_once(&lab.daemon, "control.request");
    for station in &lab.stations {
        assert_eq!(station.connections().len(), 1);
    }
}

#[test]
fn a_build_that_is_used_has_no_places_for_mistakes() {
    let source = include_str!("../../bmpd/src/supervise.rs");
    let guarded = "#[cfg(debug_assertions)]\n#[track_caller]\npub(crate) fn fault";
    let empty = "#[cfg(not(debug_assertions))]\npub(crate) fn fault(_: &'static str) {}";
    assert!(source.contains(guarded) && source.contains(empty));
}
