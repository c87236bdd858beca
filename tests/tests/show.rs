//! `bmpctl show`: what it shows of sessions and neighbors. The wording is free; the facts are not.

use std::time::{Duration, SystemTime};

use tests::addresses::{free_port, loopback};
use tests::bgp::Prefix;
use tests::bmp::{Kind, Record};
use tests::daemon::{Daemon, session};
use tests::lab::Plan;
use tests::scratch::Scratch;
use tests::station::{Mode, Pace, Station};
use tests::table::Table;
use tests::wait::wait_for;

const TIMEOUT: Duration = Duration::from_secs(30);

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
    connection.wait_complete(lab.peer, TIMEOUT);
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
    wait_for("the reason and the next attempt", TIMEOUT, || {
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
fn show_neighbor_has_state_routes_and_the_last_error() {
    let lab = Plan::default().start();
    let before = lab.daemon.bmpctl(&["show", "neighbor"]);
    assert!(before.done().contains(&lab.peer.to_string()), "{before}");
    assert!(!before.stdout.contains("  Established"), "{before}");
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(1_234, 432));
    let shows = |words: &[&str]| {
        wait_for(&format!("{words:?} in show neighbor"), TIMEOUT, || {
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
    wait_for("the numbers of routes", TIMEOUT, || {
        let output = lab.daemon.bmpctl(&["show", "neighbor"]);
        let text = output.done().replace([',', '_'], "");
        let by_family = text.contains("1234") && text.contains("432");
        if by_family || text.contains("1666") { Ok(()) } else { Err(output.to_string()) }
    });
    neighbor.notification(6, 2, &[]);
    wait_for("the neighbor down, with the reason", TIMEOUT, || {
        let output = lab.daemon.bmpctl(&["show", "neighbor"]);
        let text = output.done().to_lowercase();
        let is_shown = !text.contains("established") && text.contains("notification");
        if is_shown { Ok(()) } else { Err(output.to_string()) }
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
    wait_for("a write to be blocked", TIMEOUT, || {
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
    wait_for("the End-of-RIBs to go", TIMEOUT, || {
        let page = page();
        if page.contains("End-of-RIB sent:") { Err(page) } else { Ok(()) }
    });
}

/// The value behind a name on the page of a session.
#[track_caller]
fn field(page: &str, name: &str) -> String {
    let line = page.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {name}: {page}")).trim().to_owned()
}

#[test]
fn sessions_that_are_down_are_listed_with_the_rest_and_those_that_are_up_are_counted() {
    let scratch = Scratch::new();
    let (up, down) = (loopback(), loopback());
    let station = Station::listen(up, Mode::Counting);
    let config = [
        session(up, station.port(), None),
        session(down, free_port(down), Some("refused")),
        session(down, 11019, Some("off")).trim_end().to_owned() + "\nshutdown = true\n\n",
    ]
    .concat();
    let daemon = Daemon::start(&scratch, &config);
    daemon.wait_state(up, None, "Established");
    daemon.wait_state(down, Some("off"), "Shutdown");
    wait_for("the reason in the row", TIMEOUT, || {
        let row = daemon.session(down, Some("refused"));
        let note = row.cell("note");
        let is_shown = note.contains("refused") && note.contains("next attempt in");
        if is_shown { Ok(()) } else { Err(format!("{row:?}")) }
    });
    let output = daemon.bmpctl(&["show", "session"]);
    assert!(output.done().contains("3 sessions, 1 up"), "{output}");
    for alias in [Some("refused"), Some("off")] {
        assert_eq!(daemon.session(down, alias).cell("vpn"), "_public_");
    }
}

#[test]
fn the_time_to_the_next_attempt_counts_down() {
    let scratch = Scratch::new();
    let address = loopback();
    let config = session(address, free_port(address), None)
        .replace("retry.initial = 1", "retry.initial = 50")
        .replace("retry.maximum = 2", "retry.maximum = 50");
    let daemon = Daemon::start(&scratch, &config);
    daemon.wait_state(address, None, "Idle");
    let left = || {
        let page = daemon.bmpctl(&["show", "session", &address.to_string()]);
        let next = field(page.done(), "Next attempt");
        let number = next.strip_prefix("in ").and_then(|text| text.split_once("s,"));
        number.unwrap_or_else(|| panic!("{page}")).0.parse::<u64>().unwrap()
    };
    // A random quarter less at the most.
    let first = left();
    assert!((36..=50).contains(&first), "{first}");
    wait_for("less than that", TIMEOUT, || {
        let now = left();
        if now + 2 <= first { Ok(()) } else { Err(now.to_string()) }
    });
}

#[test]
fn the_reason_and_the_time_of_the_last_down_stay_on_the_page_when_the_session_is_up_again() {
    let lab = Plan::default().start();
    lab.daemon.wait_state(lab.address, None, "Established");
    let page = || lab.daemon.bmpctl(&["show", "session", &lab.station()]).done().to_owned();
    assert_eq!(field(&page(), "Last down"), "never");
    let begun = seconds_now();
    lab.stations[0].latest().unwrap().close();
    lab.stations[0].wait_connection(2);
    lab.daemon.wait_state(lab.address, None, "Established");
    let down = field(&page(), "Last down");
    assert!(down.starts_with("the station closed the connection [closed-by-station], "), "{down}");
    let time = down.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap();
    let seconds = seconds_of(time);
    // By the clock of a day, which may begin anew meanwhile.
    let after_begin = |seconds: u64| (seconds + 86_400 - begun) % 86_400;
    assert!(after_begin(seconds) <= after_begin(seconds_now()), "{down}");
}

/// Seconds of the day: now, and in an RFC 3339 time in UTC.
fn seconds_now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    now.as_secs() % 86_400
}

fn seconds_of(time: &str) -> u64 {
    let (_, clock) = time.split_once('T').unwrap_or_else(|| panic!("no time: {time}"));
    let parts: Vec<u64> = clock[..8].split(':').map(|part| part.parse().unwrap()).collect();
    (parts[0] * 60 + parts[1]) * 60 + parts[2]
}

#[test]
fn the_messages_on_the_page_are_those_that_the_station_has_received() {
    let lab = Plan::default().start();
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(1_234, 432));
    let connection = lab.stations[0].wait_connection(1);
    connection.wait_complete(lab.peer, TIMEOUT);
    let gone: Vec<Prefix> = neighbor.expected().keys().copied().take(30).collect();
    neighbor.withdraw(&gone);
    connection.wait_routes(lab.peer, &neighbor.expected(), TIMEOUT);
    neighbor.close();
    connection.wait("the Peer Down", TIMEOUT, |record| record.peer_downs.last().cloned());
    let compare = |record: &Record, page: &str| {
        let shown = |name| field(page, name).parse::<u64>().unwrap();
        let kinds = [
            ("Initiation", Kind::Initiation),
            ("Peer Up", Kind::PeerUp),
            ("Peer Down", Kind::PeerDown),
            ("Route Monitoring", Kind::RouteMonitoring),
            ("Statistics Report", Kind::StatisticsReport),
            ("Termination", Kind::Termination),
        ];
        for (name, kind) in kinds {
            assert_eq!(shown(name), record.count(kind), "{name}: {page}");
        }
        assert_eq!(shown("Routes announced"), record.announced);
        assert_eq!(shown("Routes withdrawn"), record.withdrawn);
        assert_eq!(shown("End-of-RIB"), 2);
        assert_eq!(shown("Bytes"), record.bytes);
    };
    let page = lab.daemon.bmpctl(&["show", "session", &lab.station()]);
    connection.look(|record| compare(record, page.done()));

    // While there is no connection the numbers are those of the last one, with its Termination.
    let down = lab.config.replace("[[session]]", "[[session]]\nshutdown = true");
    lab.daemon.rewrite_config(&down);
    lab.daemon.bmpctl(&["reload"]).done();
    connection.wait_end(TIMEOUT);
    let page = lab.daemon.bmpctl(&["show", "session", &lab.station()]);
    assert!(page.done().contains("Sent on the last connection"), "{page}");
    connection.look(|record| compare(record, page.done()));
    lab.assert_legal();
}

#[test]
fn what_waits_for_a_station_that_does_not_read_is_shown_here_and_in_the_system_and_for_how_long() {
    let plan = Plan {
        mode: Mode::Counting,
        receive_buffer: Some(64 * 1024),
        // How often a blocked station is looked at is a tenth of it.
        session: "stall-timeout = 20",
        ..Plan::default()
    };
    let lab = plan.start();
    lab.stations[0].wait_connection(1);
    lab.stations[0].pace(Pace::Stalled);
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(200_000, 20_000));
    wait_for("what waits, and for how long", TIMEOUT, || {
        let page = lab.daemon.bmpctl(&["show", "session", &lab.station()]);
        let waiting = field(page.done(), "Waiting");
        let numbers: Vec<u64> = waiting.split(' ').filter_map(|word| word.parse().ok()).collect();
        assert_eq!(numbers.len(), 2, "{page}");
        let both = numbers.iter().all(|number| *number > 0);
        let blocked =
            page.stdout.contains("Blocked:") && field(&page.stdout, "Blocked") != "for 0s";
        let row = lab.daemon.session(lab.address, None);
        let left = row.number("to send") > 0 && row.cell("note").contains("blocked for");
        if both && blocked && left { Ok(()) } else { Err(format!("{page}\n{row:?}")) }
    });
    lab.stations[0].pace(Pace::Full);
    lab.stations[0].wait_connection(1).wait_complete(lab.peer, TIMEOUT);
    wait_for("nothing to wait any more", TIMEOUT, || {
        let page = lab.daemon.bmpctl(&["show", "session", &lab.station()]);
        let empty = field(page.done(), "Waiting") == "0 bytes here, 0 bytes in the system";
        if empty && !page.stdout.contains("Blocked:") { Ok(()) } else { Err(page.to_string()) }
    });
    lab.assert_legal();
}

#[test]
fn the_statistics_timer_and_the_time_to_the_next_report_are_shown() {
    for (bmp, seconds) in [("", 3600), ("statistics-timer = 65535", 65535)] {
        let lab = Plan { bmp, ..Plan::default() }.start();
        lab.daemon.wait_state(lab.address, None, "Established");
        let page = lab.daemon.bmpctl(&["show", "session", &lab.station()]);
        let shown = field(page.done(), "Statistics");
        assert!(shown.starts_with(&format!("every {seconds} s, next in ")), "{page}");
    }
}

#[test]
fn what_is_shown_is_also_there_as_json_with_stable_words() {
    let lab = Plan { aliases: &[None, Some("aa")], ..Plan::default() }.start();
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(30, 12));
    for station in &lab.stations {
        station.wait_connection(1).wait_complete(lab.peer, TIMEOUT);
    }
    lab.daemon.wait_state(lab.address, None, "Established");
    lab.stations[1].latest().unwrap().close();
    wait_for("the end to be noticed", TIMEOUT, || {
        let page = lab.daemon.bmpctl(&["show", "session", &lab.station(), "--alias", "aa"]);
        if page.stdout.contains("[closed-by-station]") { Ok(()) } else { Err(page.to_string()) }
    });
    let json = |arguments: &[&str]| -> serde_json::Value {
        serde_json::from_str(lab.daemon.bmpctl(arguments).done()).unwrap()
    };
    let answer = json(&["show", "session", "--json"]);
    let sessions = answer["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    assert_eq!(sessions[0]["id"]["address"], lab.station());
    assert_eq!(sessions[0]["state"], "established");
    assert_eq!(sessions[0]["sent"]["routes_announced"], 42);
    assert_eq!(sessions[1]["id"]["alias"], "aa");
    assert_eq!(sessions[1]["last_down"]["reason"], "closed-by-station");
    let one = json(&["show", "session", &lab.station(), "--json"]);
    assert_eq!(one["sessions"][0]["end_of_ribs"].as_array().unwrap().len(), 2);
    let neighbors = json(&["show", "neighbor", "--json"]);
    assert_eq!(neighbors["neighbors"][0]["id"]["address"], lab.peer.to_string());
    assert_eq!(neighbors["neighbors"][0]["state"], "established");
    assert_eq!(neighbors["neighbors"][0]["families"][0]["name"], "ipv4-unicast");
}
