//! `bmpctl reset session --wait` and `--dry-run`.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use tests::addresses::{free_port, loopback};
use tests::ctl::Running;
use tests::daemon::{Daemon, Output, bgp, bgp_listen, neighbor, session};
use tests::lab::{Lab, Plan};
use tests::neighbor::{Neighbor, Options};
use tests::scratch::Scratch;
use tests::station::{Mode, Pace, Setup, Station};
use tests::table::Table;
use tests::wait::wait_for;

const TIMEOUT: Duration = Duration::from_secs(60);

fn synchronised(aliases: &[Option<&str>], routes: u64) -> (Lab, Neighbor) {
    let lab = Plan { aliases, mode: Mode::Counting, ..Plan::default() }.start();
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(routes / 10 * 8, routes / 10 * 2));
    for (station, alias) in lab.stations.iter().zip(aliases) {
        station.wait_connection(1).wait_complete(lab.peer, TIMEOUT);
        lab.daemon.wait_state(lab.address, *alias, "Established");
    }
    (lab, neighbor)
}

#[track_caller]
fn json(output: &Output) -> Value {
    serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output}"))
}

/// No control character but the ends of lines.
#[track_caller]
fn plain(text: &str) {
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
}

#[test]
fn in_a_pipe_each_session_has_plain_lines_the_last_of_which_is_its_end() {
    let (lab, _neighbor) = synchronised(&[None, Some("aa"), Some("bb")], 2_000);
    let output = lab.daemon.bmpctl(&["reset", "session", "all", "--wait"]);
    let text = output.done();
    plain(&output.text());
    for (station, name) in lab.stations.iter().zip(["", " alias aa", " alias bb"]) {
        let name = format!("session {}{name}: ", lab.address);
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with(&name)).collect();
        assert!(lines[0].contains("reset, now connecting to"), "{output}");
        let last = lines.last().unwrap();
        assert!(
            last.contains("synchronised, 2000 routes in ") && last.ends_with("s (generation 2)")
        );
        // It is true, too.
        let again = station.wait_connection(2);
        assert!(
            again.look(|record| record.complete_at(lab.peer).is_some() || record.announced > 0)
        );
        again.wait_complete(lab.peer, TIMEOUT);
    }
    assert_eq!(output.stderr, "");
    let quiet = lab.daemon.bmpctl(&["reset", "session", "all", "--wait", "-q"]);
    assert_eq!((quiet.done(), &*quiet.stderr), ("", ""));
    lab.assert_legal();
}

#[test]
fn json_is_one_document_with_how_far_each_session_came() {
    let (lab, _neighbor) = synchronised(&[None, Some("aa")], 1_000);
    let output = lab.daemon.bmpctl(&["reset", "session", "all", "--wait=60s", "--json"]);
    output.done();
    let document = json(&output);
    assert_eq!((&document["kind"], &document["to_come"]), (&"reset".into(), &0.into()));
    for session in document["sessions"].as_array().unwrap() {
        let progress = &session["progress"];
        assert_eq!(progress["end"], "synchronised", "{document}");
        assert_eq!(
            (&progress["routes_sent"], &progress["routes_to_send"]),
            (&1000.into(), &0.into())
        );
        assert_eq!(progress["generation"], session["done"]["generation"]);
    }
}

#[test]
fn a_station_that_does_not_listen_is_not_synchronised_in_time() {
    let (mut lab, _neighbor) = synchronised(&[None, Some("aa")], 500);
    lab.stations[1].kill();
    let output = lab.daemon.bmpctl(&["reset", "session", "all", "--wait=2s"]);
    assert_eq!(output.status, 6, "{output}");
    plain(&output.text());
    assert!(output.took < Duration::from_secs(30), "{output}");
    assert!(output.stdout.contains(&format!("session {}: synchronised, 500 routes", lab.address)));
    let reached = format!("  session {} alias aa: ", lab.address);
    let line = output.stderr.lines().find(|line| line.starts_with(&reached)).expect(&output.stderr);
    assert!(line.contains("connect"), "{line}");
    // An attempt that fails as the one before is no news.
    let failures =
        output.stdout.lines().filter(|line| line.contains("waiting for the next attempt"));
    assert_eq!(failures.count(), 1, "{output}");

    let quiet = lab.daemon.bmpctl(&["reset", "session", "all", "--wait=2s", "--quiet"]);
    assert_eq!((quiet.status, &*quiet.stdout, quiet.stderr.lines().count()), (6, "", 1), "{quiet}");
    let one = format!("bmpctl: session {} alias aa: ", lab.address);
    assert!(quiet.stderr.starts_with(&one), "{quiet}");
    assert!(quiet.stderr.ends_with(", not synchronised after 2s; bmpd continues\n"), "{quiet}");

    let output = lab.daemon.bmpctl(&["reset", "session", "all", "--wait=2s", "--json"]);
    assert_eq!((output.status, &*output.stderr), (6, ""), "{output}");
    let document = json(&output);
    let sessions = document["sessions"].as_array().unwrap();
    assert_eq!(sessions[0]["progress"]["end"], "synchronised");
    assert_eq!(sessions[1]["progress"]["end"], Value::Null);
    assert!(sessions[1]["progress"]["why"].is_string());

    // It comes back while it is waited for.
    let mut running =
        Running::start(&mut lab.daemon.bmpctl_command(&["reset", "session", "all", "--wait=60s"]));
    running.wait_line(&["alias aa: waiting for the next attempt", "refused"]);
    lab.stations[1].revive();
    let (code, stdout, stderr) = running.wait_exit();
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(stdout.lines().last().unwrap().contains("alias aa: synchronised, 500 routes in "));
}

#[test]
fn what_a_slow_station_was_sent_is_shown_in_percent() {
    let (lab, _neighbor) = synchronised(&[None], 300_000);
    lab.stations[0].pace(Pace::Slow(500_000));
    let output = lab.daemon.bmpctl(&["reset", "session", "all", "--wait=3s"]);
    assert_eq!(output.status, 6, "{output}");
    let line = output.stderr.lines().last().unwrap();
    let percent: u64 = line
        .split("synchronising, ")
        .nth(1)
        .and_then(|l| l.split('%').next())
        .unwrap()
        .parse()
        .unwrap();
    assert!(percent < 100 && line.contains("of 300000 routes)"), "{line}");
    assert!(output.stdout.contains(": synchronising\n"), "{output}");
}

#[test]
fn ctrl_c_ends_the_waiting_and_not_the_reset() {
    for signal in [Signal::INT, Signal::TERM] {
        let (lab, _neighbor) = synchronised(&[None], 300_000);
        lab.stations[0].pace(Pace::Slow(500_000));
        let mut command = lab.daemon.bmpctl_command(&["reset", "session", "all", "--wait=10m"]);
        let mut running = Running::start(&mut command);
        running.wait_line(&[": synchronising"]);
        let begun = Instant::now();
        running.signal(signal);
        let (code, stdout, stderr) = running.wait_exit();
        assert_eq!(code, 130, "{stdout}{stderr}");
        assert!(begun.elapsed() < Duration::from_secs(10));
        assert!(stderr.contains("the reset continues in bmpd; bmpctl show session"), "{stderr}");
        assert!(stderr.contains("% sent"), "{stderr}");
        lab.stations[0].pace(Pace::Full);
        lab.stations[0].wait_connection(2).wait_complete(lab.peer, TIMEOUT);
        lab.daemon.wait_state(lab.address, None, "Established");
        assert_eq!(lab.daemon.session(lab.address, None).number("gen"), 2);
    }
}

#[test]
fn a_session_that_is_shut_down_fails_and_the_others_are_waited_for() {
    let (lab, _neighbor) = synchronised(&[None, Some("aa")], 500);
    let shut = lab.config.replacen("alias = \"aa\"", "alias = \"aa\"\nshutdown = true", 1);
    lab.daemon.rewrite_config(&shut);
    let plan = lab.daemon.bmpctl(&["reset", "session", "all", "--dry-run"]);
    assert_eq!(plan.status, 1, "{plan}");
    assert!(plan.stderr.contains("alias aa: would not be reset: it is shut down"), "{plan}");
    assert!(plan.stdout.contains("its connection would end"), "{plan}");
    // --quiet prints only this failure.
    let quiet = lab.daemon.bmpctl(&["reset", "session", "all", "--dry-run", "--quiet"]);
    assert_eq!((quiet.status, &*quiet.stdout, &quiet.stderr), (1, "", &plan.stderr), "{quiet}");
    let quiet = lab.daemon.bmpctl(&["reset", "session", "all", "--dry-run", "--quiet", "--json"]);
    assert_eq!((quiet.status, &*quiet.stderr), (1, ""), "{quiet}");
    let document = json(&quiet);
    assert_eq!(document["sessions"][0]["error"], Value::Null, "{document}");
    assert!(document["sessions"][1]["error"].as_str().unwrap().contains("shut down"), "{document}");
    let output = lab.daemon.bmpctl(&["reset", "session", "all", "--wait"]);
    assert_eq!(output.status, 1, "{output}");
    assert!(output.stdout.contains(&format!("session {}: synchronised", lab.address)), "{output}");
    assert!(output.stderr.contains("alias aa: it is shut down"), "{output}");
}

#[test]
fn a_session_that_a_reload_takes_away_while_it_is_waited_for_is_no_success() {
    let (mut lab, _neighbor) = synchronised(&[None, Some("aa"), Some("bb")], 500);
    lab.stations[1].kill();
    lab.stations[2].kill();
    let mut command = lab.daemon.bmpctl_command(&["reset", "session", "all", "--wait=10m"]);
    let mut running = Running::start(&mut command);
    running.wait_line(&["alias aa: waiting for the next attempt"]);
    running.wait_line(&["alias bb: waiting for the next attempt"]);
    let aa = format!("[[session]]\naddress = \"{}\"\nalias = \"aa\"", lab.address);
    let begin = lab.config.find(&aa).unwrap();
    let end = begin + 3 + lab.config[begin + 3..].find("[[session]]").unwrap();
    let without = format!("{}{}", &lab.config[..begin], &lab.config[end..]);
    let shut = without.replacen("alias = \"bb\"", "alias = \"bb\"\nshutdown = true", 1);
    lab.daemon.rewrite_config(&shut);
    lab.daemon.bmpctl(&["reload"]).done();
    let (code, stdout, stderr) = running.wait_exit();
    assert_eq!(code, 1, "{stdout}{stderr}");
    assert!(stderr.contains("alias aa: not synchronised: a reload has removed it"), "{stderr}");
    assert!(stderr.contains("alias bb: not synchronised: it has been shut down"), "{stderr}");
}

#[test]
fn a_passive_session_is_waited_for_until_its_station_connects() {
    let scratch = Scratch::new();
    let address = loopback();
    let port = free_port(address);
    let place = SocketAddr::new(address, port);
    let station = Station::passive(loopback(), Mode::Keeping, Setup::default());
    let config = format!(
        "[[session]]\naddress = \"{}\"\nmode = \"passive\"\ntcp.listen-port = {port}\n\
         tcp.source-address = \"{address}\"\n",
        station.ip()
    );
    let daemon = Daemon::start(&scratch, &config);
    station.dial_until_taken(place);
    let mut running =
        Running::start(&mut daemon.bmpctl_command(&["reset", "session", "all", "--wait=60s"]));
    running.wait_line(&[": reset, now waiting for it at port "]);
    station.dial_until_taken(place);
    let (code, stdout, stderr) = running.wait_exit();
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(stdout.lines().last().unwrap().contains(": synchronised, 0 routes in "), "{stdout}");
    let output = daemon.bmpctl(&["reset", "session", "all", "--wait=1s"]);
    assert_eq!(output.status, 6, "{output}");
    assert!(output.stderr.contains("waiting for the station to connect"), "{output}");
}

#[test]
fn with_a_stagger_sessions_are_followed_while_others_are_still_to_come() {
    let (lab, _neighbor) = synchronised(&[None, Some("aa"), Some("bb")], 500);
    let args = ["reset", "session", "all", "--stagger", "2s", "--wait=60s"];
    let output = lab.daemon.bmpctl(&args);
    let text = output.done();
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("no {what}: {output}"));
    let first = at(&format!("session {}: synchronised", lab.address));
    assert!(first < at("alias bb: reset"), "{output}");
    assert_eq!(text.matches(": synchronised, 500 routes").count(), 3, "{output}");

    // The time begins behind the last one: here the stagger alone takes longer.
    let output = lab.daemon.bmpctl(&["reset", "session", "all", "--stagger", "4s", "--wait=7s"]);
    assert_eq!(output.done().matches(": synchronised, 500 routes").count(), 3, "{output}");
}

/// As with Ctrl-Z, or a pager that waits for its reader.
#[test]
fn a_command_that_has_stopped_does_not_stop_the_reset() {
    let scratch = Scratch::new();
    let address = loopback();
    let port = free_port(address);
    let all = 600;
    let mut config = String::new();
    for n in 0..all {
        let session = session(address, port, Some(&format!("s{n:03}")));
        config += &session
            .replace("initial = 1", "initial = 600")
            .replace("maximum = 2", "maximum = 600");
    }
    let daemon = Daemon::start_as(&scratch, "bmpd", &config, "info");
    for args in [[].as_slice(), &["--wait=10m"]] {
        let command = ["reset", "session", "all", "--stagger", "5ms"];
        let running = Running::start(&mut daemon.bmpctl_command(&[&command, args].concat()));
        running.wait_line(&[" alias s003: "]);
        running.signal(Signal::STOP);
        let command = "command=\"reset session all --stagger 5ms\"";
        let record =
            |line: &&str| line.contains(command) && line.contains(&format!("{all} sessions"));
        wait_for("every session to be reset", TIMEOUT, || {
            let log = daemon.log();
            let resets = log.lines().filter(|line| line.contains(": reset ")).count();
            let records = log.lines().filter(record).count();
            let wanted = if args.is_empty() { 1 } else { 2 };
            if records == wanted { Ok(()) } else { Err(format!("{records} records, {resets}")) }
        });
        // What it missed is there when it goes on.
        running.signal(Signal::CONT);
        if !args.is_empty() {
            running.wait_line(&[&format!(" alias s{}: ", all - 1)]);
        }
    }
}

#[test]
fn a_bmpd_that_stops_in_between_takes_nothing_back_of_what_was_said() {
    for wait in [&["--wait=60s"][..], &[]] {
        let (lab, _neighbor) = synchronised(&[None, Some("aa")], 500);
        let line = [&["reset", "session", "all", "--stagger=60m", "--json"], wait].concat();
        let mut running = Running::start(&mut lab.daemon.bmpctl_command(&line));
        wait_for("the first reset", TIMEOUT, || {
            let generation = lab.daemon.session(lab.address, None).number("gen");
            if generation == 2 { Ok(()) } else { Err(generation.to_string()) }
        });
        lab.daemon.terminate();
        let (code, stdout, stderr) = running.wait_exit();
        let document: Value = serde_json::from_str(&stdout).expect(&stdout);
        assert_eq!((&document["kind"], &*stderr), (&"reset".into(), ""), "{stdout}");
        assert_eq!(document["sessions"][0]["done"]["generation"], 2, "{stdout}");
        assert_eq!((&document["to_come"], code != 0), (&1.into(), true), "{stdout}");
        assert_eq!(document["error"]["exit_code"], code, "{stdout}");
    }
}

#[test]
fn two_hundred_sessions_are_waited_for() {
    let scratch = Scratch::new();
    let (listen, peer) = (bgp_listen(), loopback());
    let stations: Vec<Station> =
        (0..4).map(|_| Station::listen(loopback(), Mode::Counting)).collect();
    let mut config = bgp(listen) + &neighbor(peer, 65001);
    for n in 0..200 {
        let station = &stations[n % 4];
        config += &session(station.ip(), station.port(), Some(&format!("s{n:03}")));
    }
    let daemon = Daemon::start_as(&scratch, "bmpd", &config, "warn");
    let speaker = Neighbor::connect(&Options::new(peer, 65001), listen);
    speaker.send_all(&Table::full(2_000, 500));
    wait_for("all sessions to be established", TIMEOUT, || {
        let output = daemon.bmpctl(&["show", "session"]);
        let count = output.stdout.matches(" Established ").count();
        if count == 200 { Ok(()) } else { Err(format!("{count} are")) }
    });
    let output = daemon.bmpctl(&["reset", "session", "all", "--wait=50s"]);
    let ends = output.done().matches(": synchronised, 2500 routes in ").count();
    assert_eq!(ends, 200, "{output}");
}

#[test]
fn a_dry_run_says_what_a_reset_would_change_and_changes_nothing() {
    let (lab, _neighbor) = synchronised(&[None, Some("aa")], 500);
    let port = lab.stations[1].port();
    let other = free_port(lab.address);
    let from = format!("tcp.connect-port = {port}");
    let config = lab.config.replacen(&from, &format!("tcp.connect-port = {other}"), 1);
    lab.daemon.rewrite_config(&config);
    let before: Vec<u64> =
        lab.stations.iter().map(|s| s.latest().unwrap().look(|record| record.bytes)).collect();
    let output = lab.daemon.bmpctl(&["reset", "session", "all", "--dry-run"]);
    let address = lab.address;
    let expected = format!(
        "session {address}: up, its connection would end; would connect to {address}:{} and send 500 routes\n\
         session {address} alias aa: up, its connection would end; would connect to {address}:{other} and \
         send 500 routes, with new parameters:\n    tcp.connect-port {port} -> {other}\n",
        lab.stations[0].port()
    );
    assert_eq!(output.done(), expected);
    let output = lab.daemon.bmpctl(&["reset", "session", "all", "--dry-run", "--json"]);
    output.done();
    let document = json(&output);
    assert_eq!(document["kind"], "reset-plan");
    assert_eq!(document["sessions"][1]["plan"]["changes"][0]["key"], "tcp.connect-port");
    for (station, bytes) in lab.stations.iter().zip(before) {
        assert_eq!(station.connections().len(), 1);
        assert_eq!(station.latest().unwrap().look(|record| record.bytes), bytes);
    }
    // Not even that something is pending: the file was not applied.
    let page = lab.daemon.bmpctl(&["show", "session", &lab.station(), "--alias", "aa"]);
    assert!(!page.done().contains("Pending"), "{page}");

    lab.daemon.rewrite_config("nonsense");
    let output = lab.daemon.bmpctl(&["reset", "session", "all", "--dry-run"]);
    assert_eq!(output.status, 1, "{output}");
    let gone = lab.config.replacen("alias = \"aa\"", "alias = \"zz\"", 1);
    lab.daemon.rewrite_config(&gone);
    let output =
        lab.daemon.bmpctl(&["reset", "session", &lab.station(), "--alias", "aa", "--dry-run"]);
    assert_eq!(output.status, 1, "{output}");
    assert!(output.stderr.contains("would not be reset: it is no longer in"), "{output}");
}
