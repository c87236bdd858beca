//! `bmpctl show`: what it tells of sessions and neighbors. The wording is free; the facts are not.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use tests::addresses::{free_port, loopback};
use tests::daemon::{Daemon, session};
use tests::lab::Plan;
use tests::scratch::Scratch;
use tests::station::Pace;
use tests::table::Table;
use tests::wait::wait_for;

const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn show_session_has_a_row_for_each_session() {
    let lab = Plan { aliases: &[None, Some("aa"), Some("two words")], ..Plan::default() }.start();
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(1_000, 200));
    for alias in [None, Some("aa"), Some("two words")] {
        lab.daemon.wait_state(lab.address, alias, "Established");
        assert_eq!(lab.daemon.session(lab.address, alias).number("gen"), 1);
    }
    assert_eq!(lab.daemon.sessions().len(), 3);
    let address = lab.station();
    let one = lab.daemon.bmpctl(&["show", "session", &address, "--alias", "aa"]);
    assert!(one.done().contains("aa") && !one.stdout.contains("two words"), "{one}");
}

#[test]
fn the_page_of_a_session_has_its_facts() {
    let lab = Plan { session: "description = \"the blue one\"", ..Plan::default() }.start();
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(1_234, 432));
    let connection = lab.stations[0].wait_connection(1);
    connection.wait_complete(lab.peer, PATIENCE);
    lab.daemon.wait_state(lab.address, None, "Established");
    let page = lab.daemon.bmpctl(&["show", "session", &lab.station(), "--verbose"]);
    let text = page.done().replace([',', '_'], "");
    for fact in [
        "the blue one".to_owned(),
        "Established".to_owned(),
        lab.station(),
        lab.stations[0].port().to_string(),
        connection.remote.ip().to_string(),
        connection.remote.port().to_string(),
        // Routes announced.
        "1666".to_owned(),
    ] {
        assert!(text.contains(&fact), "{fact:?} is missing: {page}");
    }
}

#[test]
fn a_session_that_is_down_shows_why_and_when_the_next_attempt_is() {
    let scratch = Scratch::new();
    let address = loopback();
    let config = session(address, free_port(address), None)
        .replace("retry.initial = 1", "retry.initial = 500")
        .replace("retry.maximum = 2", "retry.maximum = 500");
    let daemon = Daemon::start(&scratch, &config);
    daemon.wait_state(address, None, "Idle");
    wait_for("the reason and the next attempt", PATIENCE, || {
        let page = daemon.bmpctl(&["show", "session", &address.to_string(), "--verbose"]);
        let text = page.done().to_lowercase();
        if text.contains("refused") && text.contains("next attempt") {
            Ok(())
        } else {
            Err(page.to_string())
        }
    });
}

#[test]
fn a_session_that_does_not_exist_is_exit_code_3_and_no_session_at_all_is_none() {
    let scratch = Scratch::new();
    let daemon = Daemon::start(&scratch, "");
    assert_eq!(daemon.bmpctl(&["show", "session"]).status, 0);
    assert_eq!(daemon.bmpctl(&["show", "neighbor"]).status, 0);
    for args in [["show", "session", "10.1.1.1"].as_slice(), &["reset", "session", "10.1.1.1"]] {
        let output = daemon.bmpctl(args);
        assert_eq!(output.status, 3, "{output}");
    }
    // A command line that is wrong does not need a daemon to be found wrong.
    for args in [["show", "session", "--alias", "aa"].as_slice(), &["show", "nothing"], &["sow"]] {
        let output = daemon.bmpctl(args);
        assert_eq!(output.status, 2, "{args:?}: {output}");
    }
}

#[test]
fn show_neighbor_tells_state_routes_and_the_last_error() {
    let lab = Plan::default().start();
    let before = lab.daemon.bmpctl(&["show", "neighbor"]);
    assert!(before.done().contains(&lab.peer.to_string()), "{before}");
    assert!(!before.stdout.contains("  Established"), "{before}");
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(1_234, 432));
    let shows = |words: &[&str]| {
        wait_for(&format!("{words:?} in show neighbor"), PATIENCE, || {
            let output = lab.daemon.bmpctl(&["show", "neighbor"]);
            let text = output.done().replace([',', '_'], "");
            if words.iter().all(|word| text.contains(word)) {
                Ok(())
            } else {
                Err(output.to_string())
            }
        });
    };
    shows(&["Established", "65001"]);
    wait_for("the numbers of routes", PATIENCE, || {
        let output = lab.daemon.bmpctl(&["show", "neighbor"]);
        let text = output.done().replace([',', '_'], "");
        let by_family = text.contains("1234") && text.contains("432");
        if by_family || text.contains("1666") { Ok(()) } else { Err(output.to_string()) }
    });
    neighbor.notification(6, 2, &[]);
    wait_for("the neighbor down, with the reason", PATIENCE, || {
        let output = lab.daemon.bmpctl(&["show", "neighbor"]);
        let text = output.done().to_lowercase();
        let told = !text.contains("established") && text.contains("notification");
        if told { Ok(()) } else { Err(output.to_string()) }
    });
}

#[test]
fn help_and_version_need_no_daemon() {
    let scratch = Scratch::new();
    let daemon = Daemon::start(&scratch, "");
    assert!(daemon.terminate().success());
    for args in [["--help"].as_slice(), &["--version"], &["reset", "session", "--help"]] {
        let output = daemon.bmpctl(args);
        assert!(!output.done().is_empty(), "{args:?}");
    }
    let help = daemon.bmpctl(&["--help"]);
    assert!(help.done().contains("--socket"), "{help}");
}

#[test]
fn the_page_says_when_each_end_of_rib_was_sent_and_how_often_writes_were_blocked() {
    let lab = Plan { receive_buffer: Some(8192), ..Plan::default() }.start();
    lab.stations[0].pace(Pace::Stalled);
    let neighbor = lab.connect();
    let page = || lab.daemon.bmpctl(&["show", "session", &lab.station()]).done().to_owned();
    neighbor.send_all(&Table::full(200_000, 10));
    wait_for("a write to be blocked", PATIENCE, || {
        let page = page();
        if page.contains("Blocked so far: ") { Ok(()) } else { Err(page) }
    });
    let early = format!("    {} ipv4-unicast: ", lab.peer);
    assert!(!page().contains(&early), "before it was sent");
    lab.stations[0].pace(Pace::Full);
    lab.daemon.wait_state(lab.address, None, "Established");
    let shown = page();
    for family in ["ipv4-unicast", "ipv6-unicast"] {
        assert!(shown.contains(&format!("    {} {family}: 0s ago (20", lab.peer)), "{shown}");
    }
    assert!(!shown.contains("    Blocked:"), "{shown}");
    // A neighbor that has gone has none any more.
    drop(neighbor);
    wait_for("the End-of-RIBs to go", PATIENCE, || {
        let page = page();
        if page.contains("End-of-RIB sent:") { Err(page) } else { Ok(()) }
    });
}
