//! `bmpctl monitor`: events are sent as they happen, and whoever watches slows nobody.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use shared::event::EventKind;
use shared::frame::{self, Kind};
use shared::request::{Operation, Request, ResetSession};
use shared::response::{Failure, Response};
use tests::ctl::Running;
use tests::daemon::{Daemon, session};
use tests::lab::{Lab, Plan};
use tests::table::Table;
use tests::wait::{wait_for, wait_until};

const TIMEOUT: Duration = Duration::from_secs(30);

/// A monitor that has received an event, so that it misses none.
fn monitor(lab: &Lab, args: &[&str]) -> Running {
    let all = [&["monitor"], args].concat();
    let running = Running::start(&mut lab.daemon.bmpctl_command(&all));
    wait_until("the monitor to be served", TIMEOUT, || {
        lab.daemon.bmpctl(&["reset", "session", &lab.station()]);
        running.stdout().contains("command") || running.stdout().contains("\"command\"")
    });
    lab.daemon.wait_state(lab.address, None, "Established");
    running
}

/// Asks for events as bmpctl does.
fn ask(socket: &Path) -> UnixStream {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream
        .write_all(&frame::encode(Kind::Request, &Request::Monitor(Default::default())).unwrap())
        .unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    stream
}

fn next(stream: &mut UnixStream) -> Response {
    let (kind, body) = frame::read(stream).unwrap();
    frame::decode(kind, &body).unwrap()
}

#[test]
fn changes_of_a_session_and_a_neighbor_are_reported_with_their_reasons() {
    let lab = Plan::default().start();
    let monitor = monitor(&lab, &[]);
    let before = monitor.stdout().len();
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(500, 100));
    let peer = lab.peer.to_string();
    let of_neighbor = |text: &str| monitor.wait_line(&[&format!("Z neighbor {peer}: "), text]);
    of_neighbor("Active -> OpenSent");
    of_neighbor("-> Established: both sides agree");
    let reset = lab.daemon.bmpctl(&["reset", "session", &lab.station()]);
    reset.done();
    lab.stations[0].latest().unwrap().wait_complete(lab.peer, TIMEOUT);
    neighbor.notification(6, 2, &[]);
    let down = of_neighbor("Established -> Active: received");
    assert!(down.contains("Cease") || down.contains('6'), "{down}");

    let name = format!("Z session {}: ", lab.station());
    monitor.wait_line(&[&name, "-> Connecting (generation ", "reset by "]);
    monitor.wait_line(&[&name, "Connecting -> Synchronising (generation ", "connected with "]);
    monitor.wait_line(&[
        &name,
        "Synchronising -> Established (generation ",
        "every route was sent",
    ]);
    let caller = monitor.wait_line(&["command by ", &format!("reset session {}", lab.station())]);
    assert!(caller.contains("(pid ") && caller.ends_with(": 1 session"), "{caller}");

    let mut station = lab.stations;
    station[0].kill();
    monitor.wait_line(&[&name, "Established -> Idle", "the station closed the connection"]);
    let text = monitor.stdout();
    for line in text[before..].lines() {
        let (at, _) = line.split_once(' ').unwrap();
        assert_eq!((at.len(), &at[23..]), (24, "Z"), "{line}");
    }
}

#[test]
fn reloads_are_reported_with_what_they_change_whoever_asks() {
    let lab = Plan::default().start();
    let monitor = monitor(&lab, &["--json"]);
    let further = format!("{}\n{}", lab.config, session(lab.address, 9, Some("new")));
    lab.daemon.rewrite_config(&further);
    lab.daemon.bmpctl(&["reload"]).done();
    let event =
        |texts: &[&str]| -> Value { serde_json::from_str(&monitor.wait_line(texts)).unwrap() };
    let reload = event(&["\"event\":\"reload\"", "\"start\""]);
    assert_eq!(reload["kind"], "event");
    assert_eq!(reload["items"][0]["session"]["alias"], "new", "{reload}");
    assert!(reload["by"].as_str().unwrap().contains("(pid "), "{reload}");
    let begun = event(&["\"event\":\"session\"", "\"alias\":\"new\"", "\"from\":null"]);
    assert_eq!(begun["to"], "connecting", "{begun}");
    assert!(begun["at"].as_str().unwrap().ends_with('Z'), "{begun}");

    lab.daemon.rewrite_config(&lab.config);
    lab.daemon.signal(Signal::HUP);
    let reload = event(&["\"event\":\"reload\"", "\"end\""]);
    assert_eq!((&reload["by"], &reload["more"]), (&"SIGHUP".into(), &0.into()), "{reload}");
    let ended = event(&["\"event\":\"session\"", "\"alias\":\"new\"", "\"to\":null"]);
    assert!(ended["why"].as_str().unwrap().contains("removed"), "{ended}");
    let command = event(&["\"event\":\"command\"", "\"by\":\"SIGHUP\""]);
    assert_eq!((&command["done"], &command["error"]), (&"1 change".into(), &Value::Null));

    lab.daemon.rewrite_config("nonsense");
    lab.daemon.bmpctl(&["reload"]);
    let refused = event(&["\"event\":\"command\"", "nothing was changed"]);
    assert_eq!((&refused["command"], &refused["done"]), (&"reload".into(), &Value::Null));
}

#[test]
fn a_monitor_receives_that_bmpd_stops_and_ends() {
    let lab = Plan::default().start();
    let (mut text, mut json) = (monitor(&lab, &[]), monitor(&lab, &["--json"]));
    assert!(lab.daemon.terminate().success());
    let (code, stdout, stderr) = text.wait_exit();
    assert_eq!(code, 5, "{stdout}{stderr}");
    assert!(stdout.ends_with("Z bmpd is stopping\n"), "{stdout}");
    assert!(stderr.contains("bmpd has stopped"), "{stderr}");
    let (code, stdout, stderr) = json.wait_exit();
    assert_eq!((code, &*stderr), (5, ""), "{stdout}");
    let lines: Vec<Value> =
        stdout.lines().map(|line| serde_json::from_str(line).expect("a document a line")).collect();
    assert_eq!(lines[lines.len() - 2]["event"], "stopping");
    assert_eq!(lines[lines.len() - 1]["kind"], "error");
}

#[test]
fn a_monitor_whose_reader_has_gone_ends_quietly() {
    let lab = Plan::default().start();
    for arguments in [&["monitor"][..], &["monitor", "--quiet"]] {
        let mut command = lab.daemon.bmpctl_command(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // Nothing happens that it could fail to write.
        drop(child.stdout.take());
        let status = wait_for("the monitor to end", TIMEOUT, || {
            child.try_wait().unwrap().ok_or("it runs".to_owned())
        });
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!((status.code(), &*stderr), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn a_reader_that_does_not_read_loses_events_with_a_count_and_slows_nobody() {
    let lab = Plan::default().start();
    lab.daemon.wait_state(lab.address, None, "Established");
    let (mut slow, mut quick) = (ask(lab.daemon.socket()), ask(lab.daemon.socket()));
    assert!(matches!(next(&mut slow), Response::Events { lost: 0, .. }));
    assert!(matches!(next(&mut quick), Response::Events { lost: 0, .. }));
    // Whatever the machine does meanwhile, the quick one is never further behind than the ring of events is
    // long: so it is quick, and can lose nothing.
    let (given, received) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let behind = || given.load(Ordering::Relaxed).saturating_sub(received.load(Ordering::Relaxed));
    let count = Arc::clone(&received);
    let reader = std::thread::spawn(move || {
        let (mut commands, mut lost) = (0, 0);
        while let Response::Events { events, lost: more } = next(&mut quick) {
            lost += more;
            commands +=
                events.iter().filter(|e| matches!(e.what, EventKind::Command { .. })).count();
            count.store(commands + lost as usize, Ordering::Relaxed);
            if events.iter().any(|event| event.what == EventKind::Stopping) {
                break;
            }
        }
        (commands, lost)
    });
    // Each is refused and reported: the cheapest event.
    let before = lab.daemon.rss_kib();
    let refused = Request::Operation(Operation::ResetSession(ResetSession {
        legs: shared::names::Selector::All { vpn_instance: Some("nobody".parse().unwrap()) }.into(),
        stagger: 0,
        follow: false,
    }));
    let request = frame::encode(Kind::Request, &refused).unwrap();
    let all: usize = 12_000;
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..all / 4 {
                    wait_until("the quick one to follow", TIMEOUT, || behind() < 2_000);
                    given.fetch_add(1, Ordering::Relaxed);
                    let mut stream = UnixStream::connect(lab.daemon.socket()).unwrap();
                    stream.write_all(&request).unwrap();
                    let response = next(&mut stream);
                    assert!(matches!(response, Response::Failed(Failure::NoSuchSession { .. })));
                }
            });
        }
    });
    println!("{all} refused commands took {:?}", begun.elapsed());
    lab.daemon.bmpctl(&["show", "session"]).done();
    let grown = lab.daemon.rss_kib().saturating_sub(before);
    assert!(grown < 30_000, "bmpd has grown by {grown} KiB");

    // The slow one reads on: what it is sent are the newest, and how many are missing.
    let (mut received, mut lost, mut last_was_empty) = (0, 0, false);
    while !last_was_empty {
        let Response::Events { events, lost: more } = next(&mut slow) else { panic!("no events") };
        (received, lost) = (received + events.len() as u64, lost + more);
        last_was_empty = events.is_empty() && more == 0;
    }
    assert!(lost > 0, "it has lost nothing of {received}");
    assert!(received + lost >= all as u64, "{received} received, {lost} lost");
    assert!(lab.daemon.terminate().success());
    assert_eq!(reader.join().unwrap(), (all, 0), "the quick one has missed something");
}

#[test]
fn bmpctl_says_how_many_events_were_lost() {
    let lab = Plan::default().start();
    let monitor = monitor(&lab, &[]);
    // A pager that waits for its reader, say.
    monitor.signal(Signal::STOP);
    let all = 8_000;
    let refused = ["reset", "session", "--vpn-instance", "nobody", "all"];
    let request = Request::Operation(Operation::ResetSession(ResetSession {
        legs: shared::names::Selector::All { vpn_instance: Some("nobody".parse().unwrap()) }.into(),
        stagger: 0,
        follow: false,
    }));
    let request = frame::encode(Kind::Request, &request).unwrap();
    for _ in 0..all {
        let mut stream = UnixStream::connect(lab.daemon.socket()).unwrap();
        stream.write_all(&request).unwrap();
        next(&mut stream);
    }
    assert_eq!(lab.daemon.bmpctl(&refused).status, 3);
    monitor.signal(Signal::CONT);
    let line = monitor.wait_line(&["... ", " events lost: this reader was too slow"]);
    let lost: u64 = line.split(' ').nth(1).unwrap().parse().unwrap();
    assert!(lost > 100 && lost < all, "{line}");
    // It goes on.
    lab.daemon.bmpctl(&["reload"]).done();
    monitor.wait_line(&[": reload: 0 changes"]);
}

#[test]
fn monitors_have_a_limit_and_never_take_the_place_of_other_commands() {
    let lab = Plan::default().start();
    lab.daemon.wait_state(lab.address, None, "Established");
    let mut monitors: Vec<UnixStream> = (0..64).map(|_| ask(lab.daemon.socket())).collect();
    for monitor in &mut monitors {
        assert!(matches!(next(monitor), Response::Events { .. }));
    }
    let refused = lab.daemon.bmpctl(&["monitor"]);
    assert_eq!(refused.status, 1, "{refused}");
    assert!(refused.stderr.contains("64"), "{refused}");
    lab.daemon.bmpctl(&["show", "session"]).done();
    lab.daemon.bmpctl(&["reset", "session", "all"]).done();
    // One that was left by its client makes room, although it has never been read to its end.
    monitors.pop();
    wait_until("a place to be free", TIMEOUT, || {
        let mut again = ask(lab.daemon.socket());
        match next(&mut again) {
            Response::Events { .. } => true,
            Response::Failed(Failure::Busy(_)) => false,
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn quiet_prints_nothing_and_a_bmpd_that_is_not_there_is_an_error() {
    let lab = Plan::default().start();
    let mut running = Running::start(&mut lab.daemon.bmpctl_command(&["monitor", "--quiet"]));
    for _ in 0..3 {
        lab.daemon.bmpctl(&["reset", "session", "all"]).done();
    }
    assert!(lab.daemon.terminate().success());
    let (code, stdout, _) = running.wait_exit();
    assert_eq!((code, &*stdout), (5, ""));
    let mut nobody = Command::new(tests::daemon::binary("bmpctl"));
    nobody.args(["--json", "monitor", "--socket", "/nonexistent/socket"]);
    let output = tests::daemon::run(&mut nobody, TIMEOUT);
    assert_eq!((output.status, output.stdout.lines().count()), (5, 1), "{output}");
    let _: &Daemon = &lab.daemon;
}
