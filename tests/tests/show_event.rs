//! `bmpctl show event`: what has happened, from the same history as the status page and `monitor`.

use std::time::Duration;

use serde_json::Value;
use tests::ctl::Running;
use tests::daemon::Daemon;
use tests::lab::{Lab, Plan};
use tests::scratch::Scratch;
use tests::table::Table;
use tests::wait::wait_for;

const TIMEOUT: Duration = Duration::from_secs(60);

fn events(daemon: &Daemon, arguments: &[&str]) -> Value {
    let line = [&["show", "event", "--json"], arguments].concat();
    serde_json::from_str(daemon.bmpctl(&line).done()).unwrap()
}

fn sequences(events: &Value) -> Vec<u64> {
    let events = events["events"].as_array().unwrap().iter();
    events.map(|event| event["sequence"].as_u64().unwrap()).collect()
}

fn synchronised(lab: &Lab) {
    for alias in [None, Some("aa")] {
        lab.daemon.wait_state(lab.address, alias, "Established");
    }
}

#[test]
fn it_shows_what_has_happened_from_the_start_on_over_reloads_and_a_monitor_continues() {
    let lab = Plan { aliases: &[None, Some("aa")], ..Plan::default() }.start();
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(30, 12));
    synchronised(&lab);
    let (station, peer) = (lab.station(), lab.peer.to_string());
    lab.daemon.bmpctl(&["reset", "session", &station, "--wait=30s"]).done();
    // The session with the alias is removed; its events stay.
    let without: String = {
        let from = lab.config.find("alias = \"aa\"").unwrap();
        let begin = lab.config[..from].rfind("[[session]]").unwrap();
        let end = begin + lab.config[begin..].find("\n\n").unwrap();
        format!("{}{}", &lab.config[..begin], &lab.config[end..])
    };
    lab.daemon.rewrite_config(&without);
    lab.daemon.bmpctl(&["reload"]).done();
    let of_removed = ["--session", &*station, "--alias", "aa"];
    let removed = wait_for("its end", TIMEOUT, || {
        let events = events(&lab.daemon, &of_removed);
        let last = &events["events"].as_array().unwrap().last().unwrap()["to"];
        if last.is_null() { Ok(events.clone()) } else { Err(events.to_string()) }
    });
    let all = events(&lab.daemon, &[]);
    assert_eq!((&all["events"][0]["event"], &all["dropped"]), (&"started".into(), &0.into()));
    let numbers = sequences(&all);
    assert!(numbers.windows(2).all(|two| two[0] + 1 == two[1]), "all, in their order: {all}");
    assert_eq!(numbers.last(), all["last"].as_u64().as_ref(), "{all}");
    for event in removed["events"].as_array().unwrap() {
        assert!(all["events"].as_array().unwrap().contains(event), "{event}");
        assert_eq!(
            (&event["event"], &event["session"]["alias"]),
            (&"session".into(), &"aa".into())
        );
    }

    // People read a table.
    let shown = lab.daemon.bmpctl(&["show", "event", "--session", &station, "--limit", "2"]);
    let lines: Vec<&str> = shown.done().lines().collect();
    let column = lines[0].find("About").unwrap();
    assert!(lines[0].starts_with("Time ") && lines[0].contains("  Event"), "{shown}");
    for (line, change) in lines[1..3].iter().zip(["Connecting -> Sync", "Synchronising -> Est"]) {
        assert!(line[column..].starts_with(&format!("session {station}  {change}")), "{shown}");
    }
    let last = all["last"].as_u64().unwrap().to_string();
    let end = format!("The last number is {last}: bmpctl monitor --after {last} continues.");
    assert_eq!(lines.last(), Some(&&*end), "{shown}");

    // What is selected.
    for (arguments, kind) in [
        (&["--neighbor", &*peer][..], "neighbor"),
        (&["--neighbor", "all"], "neighbor"),
        (&["--session", "all", "--router", "local"], "session"),
        (&["--router", "local"], "session"),
    ] {
        let found = events(&lab.daemon, arguments);
        let found = found["events"].as_array().unwrap();
        assert!(!found.is_empty() && found.iter().all(|event| event["event"] == kind), "{found:?}");
    }
    assert_eq!(sequences(&events(&lab.daemon, &["--since", "1h"])), numbers);
    let second = all["events"][1]["at"].as_str().unwrap();
    assert!(sequences(&events(&lab.daemon, &["--since", second])).contains(&numbers[1]));
    let none = sequences(&events(&lab.daemon, &["--since", "2100-01-01T00:00:00Z"]));
    assert!(none.is_empty(), "{none:?}");
    let empty = lab.daemon.bmpctl(&["show", "event", "--after", &last]);
    assert!(empty.done().starts_with("No such event is kept.\n"), "{empty}");

    // Without a gap.
    let mut monitor = lab.daemon.bmpctl_command(&["monitor", "--json", "--after", &last]);
    lab.daemon.bmpctl(&["clear", "statistics"]).done();
    let monitor = Running::start(&mut monitor);
    let first = monitor.wait_line(&["clear statistics"]);
    let first: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(first["sequence"].as_u64(), Some(numbers.last().unwrap() + 1), "{first}");
}

#[test]
fn what_is_not_there_and_was_not_is_an_error_and_a_restart_begins_anew() {
    let scratch = Scratch::new();
    let daemon = Daemon::start(&scratch, "");
    for (arguments, what) in [
        (&["--session", "203.0.113.9"][..], "no session"),
        (&["--neighbor", "203.0.113.9"], "no neighbor 203.0.113.9"),
        (&["--router", "edge1"], "no router edge1"),
        (&["--publisher", "lake"], "no publisher lake"),
    ] {
        for verb in [&["show", "event"][..], &["monitor"]] {
            let output = daemon.bmpctl(&[verb, arguments].concat());
            assert_eq!(output.status, 3, "{output}");
            assert!(output.stderr.contains(what), "{output}");
        }
    }
    for arguments in [
        &["--alias", "aa"][..],
        &["--vpn-instance", "mgmt"],
        &["--router", "edge1", "--publisher", "lake"],
        &["--since", "yesterday"],
        &["--since", "1h", "--after", "3"],
        &["--limit", "0"],
        &["--after", "-1"],
    ] {
        let output = daemon.bmpctl(&[&["show", "event"], arguments].concat());
        assert_eq!(output.status, 2, "{arguments:?}: {output}");
    }
    let before = events(&daemon, &[]);
    let last = before["last"].as_u64().unwrap();
    daemon.bmpctl(&["reload"]).done();
    assert!(daemon.terminate().success());
    drop(daemon);
    let daemon = Daemon::start(&scratch, "");
    // A reader that continues behind the last event of the other one misses nothing of this one.
    let after = events(&daemon, &["--after", &last.to_string()]);
    assert_eq!(after["events"][0]["event"], "started", "{after}");
    assert!(sequences(&after)[0] > last, "{after}");
}
