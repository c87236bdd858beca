//! Which sessions a command is for: several addresses and conditions; `show session --check`; `wait session`;
//! what a reset of several sessions says first.

use std::io::Write;
use std::net::IpAddr;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tests::addresses::{free_port, loopback};
use tests::ctl::Running;
use tests::daemon::{Daemon, Output, binary, session};
use tests::lab::Plan;
use tests::scratch::Scratch;
use tests::station::{Mode, Station};
use tests::table::Table;
use tests::terminal::{PLAIN_SHELL, Terminal};

/// Three sessions: the first two with stations, the third one with nobody there.
struct Three {
    scratch: Scratch,
    daemon: Daemon,
    stations: Vec<Station>,
    addresses: [IpAddr; 3],
}

fn three() -> Three {
    let scratch = Scratch::new();
    let addresses = [loopback(), loopback(), loopback()];
    let stations: Vec<Station> =
        addresses[..2].iter().map(|address| Station::listen(*address, Mode::Counting)).collect();
    let ports = [stations[0].port(), stations[1].port(), free_port(addresses[2])];
    let config: String =
        addresses.iter().zip(ports).map(|(address, port)| session(*address, port, None)).collect();
    let daemon = Daemon::start(&scratch, &config);
    for address in &addresses[..2] {
        daemon.wait_state(*address, None, "Established");
    }
    Three { scratch, daemon, stations, addresses }
}

impl Three {
    fn generations(&self) -> [u64; 3] {
        self.addresses.map(|address| self.daemon.session(address, None).number("gen"))
    }

    fn names(&self) -> [String; 3] {
        self.addresses.map(|address| address.to_string())
    }
}

#[track_caller]
fn json(output: &Output) -> Value {
    serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output}"))
}

#[test]
fn several_addresses_are_reset_together_or_not_at_all() {
    let three = three();
    let [one, two, three_] = three.names();
    let before = three.generations();
    let unknown = three.daemon.bmpctl(&["reset", "session", &one, "127.99.99.99", &two]);
    assert_eq!(unknown.status, 3, "{unknown}");
    assert!(unknown.stderr.contains("no session 127.99.99.99"), "{unknown}");
    assert_eq!(three.generations(), before);

    let output = three.daemon.bmpctl(&["reset", "session", &two, &one, &two, "--wait"]);
    let ends = output.done().lines().filter(|line| line.contains("synchronised, 0 routes"));
    assert_eq!(ends.count(), 2, "{output}");
    assert_eq!(three.generations()[..2], [before[0] + 1, before[1] + 1]);
    assert_eq!(three.daemon.session(three.addresses[2], None).number("gen"), before[2]);

    for (line, says) in [
        (vec!["all", &*one], "`all` is every session: no address can be beside it"),
        (vec![&*one, &*two, "--alias", "aa"], "an alias belongs to one session: name one address"),
    ] {
        let output = three.daemon.bmpctl(&[&["reset", "session"], &line[..]].concat());
        assert_eq!(output.status, 2, "{output}");
        assert!(output.stderr.contains(says), "{output}");
    }
    let shown = three.daemon.bmpctl(&["show", "session", &one, &three_]);
    assert!(shown.done().contains("2 sessions, 1 up") && !shown.stdout.contains(&two), "{shown}");
}

#[test]
fn a_condition_selects_of_the_named_sessions() {
    let three = three();
    let down = three.names()[2].clone();
    let selected = |line: &[&str]| {
        let output = three.daemon.bmpctl(&[line, &["--json"]].concat());
        output.done();
        let sessions = json(&output)["sessions"].as_array().unwrap().clone();
        sessions.len()
    };
    assert_eq!(selected(&["show", "session", "--state", "established"]), 2);
    assert_eq!(selected(&["show", "session", "--state", "idle,connecting"]), 1);
    assert_eq!(selected(&["show", "session", &down, "--state", "established"]), 0);
    assert_eq!(selected(&["show", "session", "--not-synchronised"]), 1);
    assert_eq!(selected(&["show", "session", "--not-synchronised=24h"]), 0);
    assert_eq!(selected(&["show", "statistics", "--not-synchronised"]), 1);
    assert_eq!(selected(&["clear", "statistics", "--state", "established"]), 2);
    assert_eq!(selected(&["show", "session", "--pending"]), 0);

    let before = three.generations();
    let none = three.daemon.bmpctl(&["reset", "session", "all", "--pending"]);
    assert_eq!(none.done(), "no session is in that condition: nothing was reset\n");
    let plan =
        three.daemon.bmpctl(&["reset", "session", "all", "--state", "established", "--dry-run"]);
    assert_eq!(plan.done().matches("would connect to").count(), 2, "{plan}");
    let output = three.daemon.bmpctl(&["reset", "session", "all", "--not-synchronised"]);
    assert!(output.done().contains(&down) && output.stdout.lines().count() == 1, "{output}");
    assert_eq!(three.generations()[..2], before[..2]);

    // A parameter of one connection is pending.
    let config = std::fs::read_to_string(three.daemon.config()).unwrap();
    let changed = config.replacen("tcp.connect-port = ", "tcp.mss = 1000\ntcp.connect-port = ", 1);
    three.daemon.rewrite_config(&changed);
    three.daemon.bmpctl(&["reload"]).done();
    assert_eq!(selected(&["show", "session", "--pending"]), 1);
    three.daemon.bmpctl(&["reset", "session", "all", "--pending", "--wait"]).done();
    assert_eq!(selected(&["show", "session", "--pending"]), 0);
    let after = three.generations();
    assert_eq!((after[0], after[1]), (before[0] + 1, before[1]));
}

#[test]
fn a_check_fails_unless_each_session_is_synchronised() {
    let mut three = three();
    let [one, two, down] = three.names();
    let good = three.daemon.bmpctl(&["show", "session", &one, &two, "--check"]);
    assert!(good.done().contains("2 sessions, 2 up"), "{good}");
    let all = three.daemon.bmpctl(&["show", "session", "--check"]);
    assert_eq!(all.status, 6, "{all}");
    assert!(all.stdout.contains("3 sessions, 2 up"), "{all}");
    assert!(all.stderr.contains("1 of 3 sessions not synchronised:"), "{all}");
    assert!(all.stderr.contains(&format!("session {down}: ")), "{all}");
    let quiet = three.daemon.bmpctl(&["show", "session", "--check", "--quiet"]);
    assert_eq!((quiet.status, &*quiet.stdout, quiet.stderr.lines().count()), (6, "", 1), "{quiet}");
    let long = three.daemon.bmpctl(&["show", "session", "--check", "--not-synchronised=1h"]);
    assert_eq!(long.status, 0, "{long}");
    let document = three.daemon.bmpctl(&["show", "session", "--check", "--json"]);
    assert_eq!((document.status, &*document.stderr), (6, ""), "{document}");
    let flags: Vec<Value> = json(&document)["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|session| session["synchronised"].clone())
        .collect();
    assert_eq!(flags.iter().filter(|flag| **flag == true).count(), 2, "{document}");

    // Since when it is not: from when the connection was lost, not from when it was made.
    three.stations[0].kill();
    three.daemon.bmpctl(&["wait", "session", &one, "--for", "down"]).done();
    let page = three.daemon.bmpctl(&["show", "session", &one, "--json"]);
    let session = json(&page)["sessions"][0].clone();
    assert_eq!(session["synchronised"], false, "{page}");
    assert!(session["synchronised_since"].as_str() >= session["since"].as_str(), "{page}");
}

#[test]
fn a_wait_ends_when_each_session_is_as_wanted_or_its_time_is_over() {
    let mut three = three();
    let [one, two, down] = three.names();
    let done = three.daemon.bmpctl(&["wait", "session", &one, &two]);
    let expected = [&one, &two].map(|name| format!("session {name}: synchronised\n"));
    let mut lines: Vec<&str> = done.done().split_inclusive('\n').collect();
    lines.sort_unstable();
    let mut wanted: Vec<&str> = expected.iter().map(String::as_str).collect();
    wanted.sort_unstable();
    assert_eq!(lines, wanted, "{done}");

    let late = three.daemon.bmpctl(&["wait", "session", "--timeout", "500ms"]);
    assert_eq!(late.status, 6, "{late}");
    assert!(late.stderr.contains("1 of 3 sessions not synchronised within 500ms:"), "{late}");
    let late = three.daemon.bmpctl(&[
        "wait",
        "session",
        &down,
        "--for",
        "up",
        "--timeout",
        "200ms",
        "--json",
    ]);
    assert_eq!((late.status, &*late.stderr), (6, ""), "{late}");
    let document = json(&late);
    assert_eq!((&document["kind"], &document["for"]), (&"waited".into(), &"up".into()));
    assert_eq!(document["waiting"][0]["id"]["address"], *down, "{late}");
    let unknown = three.daemon.bmpctl(&["wait", "session", "127.99.99.99"]);
    assert_eq!(unknown.status, 3, "{unknown}");

    // What it waits for happens while it waits; those in the condition when it began count.
    three.stations[0].kill();
    three.daemon.bmpctl(&["wait", "session", &one, "--for", "down", "--quiet"]).done();
    let mut running = Running::start(&mut three.daemon.bmpctl_command(&[
        "wait",
        "session",
        "--not-synchronised",
        "--timeout",
        "60s",
    ]));
    three.stations[0].revive();
    running.wait_line(&[&format!("session {one}: synchronised")]);
    assert!(!running.has_ended(), "the third one is not there: {}", running.stdout());
    running.signal(rustix::process::Signal::INT);
    let (code, stdout, stderr) = running.wait_exit();
    assert_eq!((code, stderr.lines().count()), (130, 1), "{stdout}{stderr}");
    assert!(!stdout.contains(&format!("session {two}: ")), "{stdout}");
}

#[test]
fn a_reset_of_several_sessions_says_on_a_terminal_what_it_is_about() {
    let lab =
        Plan { aliases: &[None, Some("aa")], mode: Mode::Counting, ..Plan::default() }.start();
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(300, 100));
    for (station, alias) in lab.stations.iter().zip([None, Some("aa")]) {
        station.wait_connection(1).wait_complete(lab.peer, Duration::from_secs(60));
        lab.daemon.wait_state(lab.address, alias, "Established");
    }
    let bmpctl = binary("bmpctl");
    let variables = [
        ("BMPD_SOCKET", lab.daemon.socket().as_os_str()),
        ("C", bmpctl.as_os_str()),
        ("HOME", lab.scratch.path().as_os_str()),
    ];
    let terminal = Terminal::open(&lab.scratch, [100, 20], PLAIN_SHELL, variables);
    terminal.wait_screen("the shell", |screen| screen == "$");
    terminal.enter("$C reset session all --confirm");
    let question = "resets 2 sessions, which have 800 routes. Continue? [y/N]";
    terminal.wait_screen("the question", |screen| screen.contains(question));
    terminal.enter("n");
    terminal
        .wait_screen("the refusal", |screen| screen.contains("not confirmed: nothing was reset"));
    assert_eq!(lab.daemon.session(lab.address, None).number("gen"), 1);
    terminal.enter("clear; $C reset session all --confirm");
    terminal.wait_screen("the question", |screen| screen.contains(question));
    terminal.enter("y");
    terminal
        .wait_screen("the reset", |screen| screen.matches("reset, now connecting").count() == 2);
    terminal.enter("clear; $C reset session all");
    terminal.wait_screen("what it is about", |screen| {
        screen.contains("resets 2 sessions, which have ")
            && screen.matches("reset, now connecting").count() == 2
    });
}

#[test]
fn an_answer_can_come_from_a_pipe_and_its_end_is_no() {
    let three = three();
    let before = three.generations();
    for (answer, code) in [("", 1), ("no\n", 1), ("yes\n", 0)] {
        let mut child = three
            .daemon
            .bmpctl_command(&["reset", "session", "all", "--confirm"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code), "{answer:?}");
    }
    assert_eq!(three.generations()[0], before[0] + 1);
    drop(three.scratch);
}

#[test]
fn a_watch_has_rates() {
    let lab = Plan { mode: Mode::Counting, ..Plan::default() }.start();
    let neighbor = lab.connect();
    let mut running =
        Running::start(&mut lab.daemon.bmpctl_command(&["show", "session", "--watch=100ms"]));
    let heading = running.wait_line(&["Routes/s", "Bytes/s"]);
    assert!(heading.trim_start().starts_with("Session"), "{heading}");
    assert!(!running.stdout().lines().next().unwrap().contains("Routes/s"), "the first has none");
    neighbor.send_all(&Table::full(30_000, 0));
    // More than none a second, and then none again.
    let of_row = |line: &str| {
        let cells: Vec<&str> = line.split_whitespace().collect();
        let sent: u64 = cells.iter().rev().nth(4)?.parse().ok()?;
        Some(sent)
    };
    tests::wait::wait_for("a rate", Duration::from_secs(30), || {
        let text = running.stdout();
        let rates = text.lines().filter(|line| line.starts_with(&lab.station()));
        rates.filter_map(of_row).any(|rate| rate > 0).then_some(()).ok_or(text.clone())
    });
    running.signal(rustix::process::Signal::INT);
    assert_eq!(running.wait_exit().0, 0);
}
