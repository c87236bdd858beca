//! `bmpctl log level`: how much bmpd logs while it runs, and where it goes under systemd.

use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde_json::{Value, json};
use tests::addresses::{free_port, loopback};
use tests::daemon::{self, Daemon, bgp_listen, session};
use tests::neighbor::{Neighbor, Options};
use tests::relay::Router;
use tests::scratch::Scratch;
use tests::station::{Mode, Station};
use tests::wait::{wait_for, wait_until};

const TIMEOUT: Duration = Duration::from_secs(30);

/// The beginning of a line that bmpd logs at level debug, when a client goes away without a request.
const AT_DEBUG: &str = "DEBUG control connection";

fn go_away(daemon: &Daemon) {
    drop(UnixStream::connect(daemon.socket()).unwrap());
}

fn level(daemon: &Daemon) -> Value {
    let answer: Value =
        serde_json::from_str(daemon.bmpctl(&["log", "level", "--json"]).done()).unwrap();
    assert_eq!(answer["kind"], "log");
    answer["log"].clone()
}

fn a_session() -> (Scratch, Station, Daemon) {
    let scratch = Scratch::new();
    let station = Station::listen(loopback(), Mode::Keeping);
    let daemon =
        Daemon::start_as(&scratch, "bmpd", &session(station.ip(), station.port(), None), "info");
    station.wait_connection(1);
    (scratch, station, daemon)
}

#[test]
fn another_level_shows_more_or_less_and_each_change_is_on_record() {
    let (_scratch, station, daemon) = a_session();
    assert_eq!(daemon.bmpctl(&["log", "level"]).done(), "bmpd logs at level info\n");
    let default = json!({"level": "info", "default": "info", "set_by": null, "left": null});
    assert_eq!(level(&daemon), default);
    go_away(&daemon);

    let set = daemon.bmpctl(&["log", "level", "debug"]);
    let by = set.done().strip_prefix("bmpd logs at level debug, set by root (pid ");
    assert!(by.is_some_and(|by| by.ends_with("); its default is info\n")), "{set}");
    // The connection from before the change may be noticed after it.
    let log = daemon.log();
    let (before, _) = log.split_once("the log is at level debug").expect("the change is logged");
    assert!(!before.contains(AT_DEBUG), "{log}");
    wait_until("a line of level debug", TIMEOUT, || {
        go_away(&daemon);
        daemon.log().contains(AT_DEBUG)
    });
    let recorded = |line: &str| {
        let log = daemon.log();
        let found = log.lines().any(|l| l.contains(line) && l.contains("caller=root (pid "));
        assert!(found, "{line}: {log}");
    };
    recorded("command=\"log level debug\"");

    // The record of a change to a quieter level is not lost to it.
    daemon.bmpctl(&["log", "level", "error", "--for", "1h"]).done();
    recorded("command=\"log level error --for 1h\"");
    let now = level(&daemon);
    assert_eq!(now["level"], "error");
    let left = now["left"].as_f64().unwrap();
    assert!((3_000.0..=3_600.0).contains(&left), "{now}");
    let before = daemon.log();
    daemon.bmpctl(&["reset", "session", "all"]).done();
    station.wait_connection(2);
    assert_eq!(daemon.log(), before, "nothing is logged about a reset at level error");
    daemon.bmpctl(&["log", "level", "default"]).done();
    recorded("command=\"log level default\"");
    assert_eq!(level(&daemon), default);
}

#[test]
fn a_level_for_a_while_ends_by_itself() {
    let (_scratch, _station, daemon) = a_session();
    daemon.bmpctl(&["log", "level", "trace", "--for", "500ms"]).done();
    wait_until("the default again", TIMEOUT, || level(&daemon)["level"] == "info");
    let line = "the log is at level info again: the time of trace is over";
    wait_until("a line about it", TIMEOUT, || daemon.log().contains(line));
}

#[test]
fn what_makes_no_sense_is_refused_with_what_does() {
    let (_scratch, _station, daemon) = a_session();
    let refused = |arguments: &[&str], expected: &str| {
        let output = daemon.bmpctl(&[&["log", "level"], arguments].concat());
        assert!(output.status == 2 && output.stderr.contains(expected), "{output}");
    };
    refused(&["debgu"], "a similar value exists: 'debug'");
    refused(&["verbose"], "[possible values: error, warn, info, debug, trace, default]");
    refused(&["--for", "10m"], "name one that is not the default");
    refused(&["default", "--for", "10m"], "name one that is not the default");
    refused(&["debug", "--for", "25h"], "1ms to 24h are allowed");
    assert_eq!(level(&daemon)["level"], "info");
}

/// What a person looks for who wants to know why a connection does not come up: what was tried, from where to where,
/// what both sides announced, and how it ended.
#[test]
fn debug_shows_how_connections_come_up_and_why_they_do_not() {
    let scratch = Scratch::new();
    let (listen, [right, wrong, router]) = (bgp_listen(), [loopback(), loopback(), loopback()]);
    let relay = SocketAddr::new(listen.ip(), free_port(listen.ip()));
    let station = Station::listen(loopback(), Mode::Keeping);
    let nobody = loopback();
    let closed = SocketAddr::new(nobody, free_port(nobody));
    let config = [
        session(station.ip(), station.port(), None),
        session(nobody, closed.port(), None),
        daemon::bgp(listen),
        daemon::neighbor(right, 65001),
        daemon::neighbor(wrong, 65009),
        format!(
            "[relay]\nlisten = [\"{relay}\"]\n\n[[router]]\nname = \"edge1\"\naddress = \"{router}\"\n"
        ),
    ];
    let daemon = Daemon::start_as(&scratch, "bmpd", &config.concat(), "info");
    daemon.bmpctl(&["log", "level", "debug", "--for", "1h"]).done();
    let _right = Neighbor::connect(&Options::new(right, 65001), listen);
    let _wrong = Neighbor::try_connect(&Options::new(wrong, 65002), listen);
    let _router = Router::connect(router, relay);
    // All of a line: what it says, and its fields.
    let lines = [
        vec![
            format!("DEBUG connected: {listen} with {right}:"),
            format!("neighbor={right}"),
            "direction=incoming".to_owned(),
        ],
        vec![
            "DEBUG OPEN sent: AS 65000, ID 192.0.2.254, hold time ".to_owned(),
            "capabilities: ipv4-unicast, ipv6-unicast, route refresh,".to_owned(),
            format!("neighbor={right}"),
        ],
        vec![
            "DEBUG OPEN received: AS 65001,".to_owned(),
            "four-octet AS 65001".to_owned(),
            format!("neighbor={right}"),
        ],
        vec![
            "DEBUG both OPENs agree on: hold time ".to_owned(),
            "s, ipv4-unicast".to_owned(),
            format!("neighbor={right}"),
        ],
        vec!["DEBUG OPEN received: AS 65002,".to_owned(), format!("neighbor={wrong}")],
        vec!["WARN sent NOTIFICATION 2/2".to_owned(), format!("neighbor={wrong}")],
        vec![
            "DEBUG connecting".to_owned(),
            format!("session={nobody}"),
            format!("remote={closed}"),
        ],
        vec!["cannot connect: Connection refused".to_owned(), format!("session={nobody}")],
        vec![
            "DEBUG waiting for the next attempt".to_owned(),
            format!("session={nobody}"),
            "wait=".to_owned(),
        ],
        vec![
            "DEBUG the router has connected".to_owned(),
            "router=edge1".to_owned(),
            format!("remote={router}:"),
        ],
        vec![
            "DEBUG waiting for its Initiation".to_owned(),
            "router=edge1".to_owned(),
            "within=".to_owned(),
        ],
    ];
    for texts in &lines {
        wait_for(&format!("a line with {texts:?}"), TIMEOUT, || {
            let log = daemon.log();
            let found =
                log.lines().any(|line| texts.iter().all(|text| line.contains(text.as_str())));
            if found { Ok(()) } else { Err(log) }
        });
    }
}
