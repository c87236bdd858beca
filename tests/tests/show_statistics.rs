//! `bmpctl show statistics` and `bmpctl clear statistics`: what a session counts over all of its
//! connections, and how it begins again without being touched.

use std::time::Duration;

use serde_json::Value;
use tests::addresses::loopback;
use tests::bmp::{Kind, Mode};
use tests::daemon::{Daemon, session};
use tests::lab::{Lab, Plan};
use tests::scratch::Scratch;
use tests::station::{Setup, Station};
use tests::table::Table;
use tests::wait::wait_for;

const TIMEOUT: Duration = Duration::from_secs(30);

fn json(daemon: &Daemon, arguments: &[&str]) -> Value {
    let arguments = [arguments, &["--json"]].concat();
    serde_json::from_str(daemon.bmpctl(&arguments).done()).unwrap()
}

fn statistics(lab: &Lab, alias: Option<&str>) -> Value {
    let address = lab.station();
    let mut arguments = vec!["show", "statistics", &address];
    arguments.extend(alias.into_iter().flat_map(|alias| ["--alias", alias]));
    json(&lab.daemon, &arguments)["sessions"][0].clone()
}

fn shown(lab: &Lab) -> Value {
    json(&lab.daemon, &["show", "session", &lab.station()])["sessions"][0].clone()
}

fn downs(statistics: &Value) -> Vec<(String, u64)> {
    let downs = statistics["downs"].as_array().unwrap().iter();
    downs
        .map(|down| (down["reason"].as_str().unwrap().to_owned(), down["count"].as_u64().unwrap()))
        .collect()
}

/// What all connections of the lab's first station have received, as the statistics name it.
fn received(lab: &Lab) -> [(&'static str, u64); 6] {
    let mut sums = [0; 6];
    for connection in lab.stations[0].connections() {
        let counts = connection.look(|record| {
            [
                record.count(Kind::Initiation),
                record.count(Kind::PeerUp),
                record.count(Kind::RouteMonitoring),
                record.count(Kind::Termination),
                record.announced,
                record.withdrawn,
            ]
        });
        for (sum, count) in sums.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    let names = [
        "initiation",
        "peer_up",
        "route_monitoring",
        "termination",
        "routes_announced",
        "routes_withdrawn",
    ];
    std::array::from_fn(|rank| (names[rank], sums[rank]))
}

#[test]
fn a_session_counts_over_all_of_its_connections() {
    let mut lab = Plan { retry: [1, 1], ..Plan::default() }.start();
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(800, 200));
    for number in 1..=3 {
        lab.stations[0].wait_connection(number).wait_complete(lab.peer, TIMEOUT);
        lab.daemon.wait_state(lab.address, None, "Established");
        if number < 3 {
            lab.daemon.bmpctl(&["reset", "session", &lab.station()]).done();
        }
    }
    let counted = statistics(&lab, None);
    assert_eq!((&counted["connections"], &counted["resets"]), (&3.into(), &2.into()), "{counted}");
    assert_eq!(counted["sent"]["routes_announced"], 3000, "{counted}");
    for (name, count) in received(&lab) {
        assert_eq!(counted["sent"][name], count, "{name}: {counted}");
    }
    assert_eq!(downs(&counted), [("reset".to_owned(), 2)]);
    assert_eq!(counted["cleared_by"], Value::Null);
    // The page of the session is that of one connection.
    assert_eq!(shown(&lab)["sent"]["routes_announced"], 1000);

    // The station goes; nobody listens; it comes again.
    lab.stations[0].latest().unwrap().close();
    lab.stations[0].kill();
    wait_for("attempts that fail", TIMEOUT, || {
        let counted = statistics(&lab, None);
        let failed = counted["failed_attempts"].as_u64().unwrap();
        if failed >= 2 { Ok(()) } else { Err(counted.to_string()) }
    });
    lab.stations[0].revive();
    lab.daemon.wait_state(lab.address, None, "Established");
    let counted = statistics(&lab, None);
    let ends: u64 = downs(&counted).iter().map(|(_, count)| count).sum();
    assert_eq!(counted["connections"].as_u64().unwrap(), ends + 1, "{counted}");
    assert!(downs(&counted).contains(&("closed-by-station".to_owned(), 1)), "{counted}");
    let page = lab.daemon.bmpctl(&["show", "statistics", &lab.station()]);
    let words = page.done().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(" closed-by-station: 1 "), "{page}");
    lab.assert_legal();
}

#[test]
fn a_clear_lets_it_count_again_and_touches_nothing() {
    let aliases = &[None, Some("aa")];
    let lab = Plan { aliases, ..Plan::default() }.start();
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(500, 100));
    for alias in aliases {
        lab.daemon.wait_state(lab.address, *alias, "Established");
    }
    let connection = lab.stations[0].wait_connection(1);
    connection.wait_complete(lab.peer, TIMEOUT);
    lab.daemon.bmpctl(&["reset", "session", &lab.station()]).done();
    let connection = {
        connection.wait_end(TIMEOUT);
        lab.stations[0].wait_connection(2)
    };
    connection.wait_complete(lab.peer, TIMEOUT);
    lab.daemon.wait_state(lab.address, None, "Established");
    let before = shown(&lab);
    let bytes = connection.look(|record| record.announced);

    let cleared = lab.daemon.bmpctl(&["clear", "statistics", &lab.station()]);
    assert!(cleared.done().contains(&lab.station()), "{cleared}");
    let counted = statistics(&lab, None);
    for name in ["connections", "failed_attempts", "resets", "blocked_times", "bytes_ignored"] {
        assert_eq!(counted[name], 0, "{name}: {counted}");
    }
    for (name, count) in counted["sent"].as_object().unwrap() {
        assert_eq!(count, 0, "{name}: {counted}");
    }
    assert_eq!(downs(&counted), []);
    assert!(counted["cleared_by"].as_str().unwrap().contains("(pid "), "{counted}");
    // The connection, and what is shown of it.
    let after = shown(&lab);
    for name in
        ["generation", "local", "remote", "state", "since", "sent", "last_reset", "last_down"]
    {
        let (mut before, mut after) = (before[name].clone(), after[name].clone());
        for value in [&mut before, &mut after] {
            value.as_object_mut().and_then(|object| object.remove("ago"));
        }
        assert_eq!(after, before, "{name}");
    }
    assert_eq!(lab.stations[0].connections().len(), 2);
    assert!(connection.end().is_none(), "{}", connection.summary());
    assert_eq!(connection.look(|record| record.announced), bytes, "nothing was sent");
    // The other session goes on counting.
    assert_eq!(statistics(&lab, Some("aa"))["sent"]["routes_announced"], 600);
    let log = lab.daemon.log();
    assert!(log.contains(&format!("command=\"clear statistics {}\"", lab.station())), "{log}");

    // What comes is counted.
    let gone: Vec<_> = neighbor.expected().keys().copied().take(30).collect();
    neighbor.withdraw(&gone);
    connection.wait_routes(lab.peer, &neighbor.expected(), TIMEOUT);
    wait_for("the withdrawals to be counted", TIMEOUT, || {
        let counted = statistics(&lab, None);
        let sent = &counted["sent"];
        let right = sent["routes_withdrawn"] == 30 && sent["routes_announced"] == 0;
        if right { Ok(()) } else { Err(counted.to_string()) }
    });
    // And the rest of a connection that was cleared, when it has ended.
    lab.daemon.bmpctl(&["reset", "session", &lab.station()]).done();
    connection.wait_end(TIMEOUT);
    lab.stations[0].wait_connection(3).wait_complete(lab.peer, TIMEOUT);
    lab.daemon.wait_state(lab.address, None, "Established");
    let counted = statistics(&lab, None);
    assert_eq!(counted["sent"]["routes_withdrawn"], 30, "{counted}");
    assert_eq!(counted["sent"]["routes_announced"], 570, "{counted}");
    assert_eq!(counted["sent"]["termination"], 1, "{counted}");
    assert_eq!(counted["sent"]["initiation"], 1, "{counted}");
    assert_eq!(downs(&counted), [("reset".to_owned(), 1)]);

    // As often as one likes, and all at once.
    for _ in 0..2 {
        assert_eq!(
            json(&lab.daemon, &["clear", "statistics"])["sessions"].as_array().unwrap().len(),
            2
        );
        let table = lab.daemon.bmpctl(&["show", "statistics"]);
        let rows = table.done().lines().filter(|line| line.contains("cleared by ")).count();
        assert_eq!(rows, 2, "{table}");
    }
    lab.assert_legal();
}

#[test]
fn unknown_peers_and_what_a_station_sends_are_counted_beyond_their_connection() {
    let scratch = Scratch::new();
    let (address, unknown) = (loopback(), loopback());
    let listen = loopback();
    let port = tests::addresses::free_port(listen);
    let station = Station::passive(address, Mode::Counting, Setup::default());
    let config = session(address, port, None).replace("tcp.connect-port", "tcp.listen-port");
    let config = config.trim_end().to_owned()
        + &format!("\nmode = \"passive\"\ntcp.source-address = \"{listen}\"\n");
    let daemon = Daemon::start(&scratch, &config);
    let listener = std::net::SocketAddr::new(listen, port);
    let connection = station.dial_until_taken(listener);
    daemon.wait_state(address, None, "Established");
    connection.send(b"hello").unwrap();
    let other = Station::passive(unknown, Mode::Counting, Setup::default());
    let _ = other.dial(listener);
    let wait = |unknown_peers: u64, ignored: u64, connections: u64| {
        wait_for("the counts", TIMEOUT, || {
            let counted = json(&daemon, &["show", "statistics", &address.to_string()]);
            let counted = &counted["sessions"][0];
            let right = counted["unknown_peers_refused"] == unknown_peers
                && counted["bytes_ignored"] == ignored
                && counted["connections"] == connections;
            if right { Ok(()) } else { Err(counted.to_string()) }
        });
    };
    wait(1, 5, 1);
    daemon.bmpctl(&["reset", "session", "all"]).done();
    station.dial_until_taken(listener);
    daemon.wait_state(address, None, "Established");
    wait(1, 5, 2);
    daemon.bmpctl(&["clear", "statistics", "all"]).done();
    wait(0, 0, 0);
    let _ = other.dial(listener);
    wait(1, 0, 0);
}

#[test]
fn an_unknown_session_is_exit_code_3_and_none_at_all_is_done() {
    let scratch = Scratch::new();
    let daemon = Daemon::start(&scratch, "");
    for verb in ["show", "clear"] {
        assert_eq!(daemon.bmpctl(&[verb, "statistics"]).status, 0);
        let unknown = daemon.bmpctl(&[verb, "statistics", "10.1.1.1"]);
        assert_eq!(unknown.status, 3, "{unknown}");
    }
    assert_eq!(daemon.bmpctl(&["clear", "statistics", "--quiet"]).done(), "");
}
