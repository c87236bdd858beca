//! `bmpctl log level`: how much bmpd logs while it runs, and where it goes under systemd.

use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde_json::{Value, json};
use tests::addresses::loopback;
use tests::daemon::{Daemon, session};
use tests::scratch::Scratch;
use tests::station::{Mode, Station};
use tests::wait::wait_until;

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
