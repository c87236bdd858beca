//! A reset applies the parameters that the file has now, to the sessions it is for and to no other;
//! a file that is wrong changes nothing.

use std::fs;
use std::time::Duration;

use tests::addresses::loopback;
use tests::daemon::{Daemon, bgp, bgp_listen, neighbor, session};
use tests::lab::Plan;
use tests::neighbor::{Neighbor, Options};
use tests::scratch::Scratch;
use tests::station::{Mode, Station};
use tests::table::Table;

const TIMEOUT: Duration = Duration::from_secs(30);

#[test]
fn a_reset_connects_to_the_port_that_the_file_has_now() {
    let scratch = Scratch::new();
    let (address, listen, peer) = (loopback(), bgp_listen(), loopback());
    let [old, new, other, other_new] = [(); 4].map(|()| Station::listen(address, Mode::Keeping));
    let config = |first: &Station, second: &Station| {
        [
            session(address, first.port(), None),
            session(address, second.port(), Some("aa")),
            bgp(listen),
            neighbor(peer, 65001),
        ]
        .concat()
    };
    let daemon = Daemon::start(&scratch, &config(&old, &other));
    let neighbor = Neighbor::connect(&Options::new(peer, 65001), listen);
    neighbor.send_all(&Table::full(1_000, 300));
    for station in [&old, &other] {
        station.wait_connection(1).wait_complete(peer, TIMEOUT);
    }
    let before = other.latest().unwrap().look(|record| record.bytes);

    // Both ports change in the file; only one session is reset.
    daemon.rewrite_config(&config(&new, &other_new));
    daemon.bmpctl(&["reset", "session", &address.to_string()]).done();
    let connection = new.wait_connection(1);
    connection.wait_complete(peer, TIMEOUT);
    connection.wait_routes(peer, &neighbor.expected(), TIMEOUT);
    old.latest().unwrap().wait_end(TIMEOUT);
    assert_eq!(old.latest().unwrap().look(|record| record.termination), Some(0));
    assert_eq!(old.connections().len(), 1);
    assert_eq!(other.connections().len(), 1);
    assert_eq!(other.latest().unwrap().end(), None);
    assert_eq!(other.latest().unwrap().look(|record| record.bytes), before);
    assert_eq!(other_new.connections().len(), 0, "a session not selected took new parameters");

    // The other one keeps its old parameters until it is reset, also when it has to reconnect.
    other.latest().unwrap().close();
    other.wait_connection(2).wait_complete(peer, TIMEOUT);
    assert_eq!(other_new.connections().len(), 0, "a session not selected took new parameters");
    daemon.bmpctl(&["reset", "session", &address.to_string(), "--alias", "aa"]).done();
    other_new.wait_connection(1).wait_complete(peer, TIMEOUT);
    for station in [&old, &new, &other, &other_new] {
        station.assert_legal();
    }
}

#[test]
fn a_broken_file_makes_the_reset_fail_and_all_sessions_stay_up() {
    let lab = Plan { aliases: &[None, Some("aa")], ..Plan::default() }.start();
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(1_000, 300));
    let before: Vec<_> = lab
        .stations
        .iter()
        .map(|station| {
            let connection = station.wait_connection(1);
            connection.wait_complete(lab.peer, TIMEOUT);
            let bytes = connection.look(|record| record.bytes);
            (connection, bytes)
        })
        .collect();
    let untouched = || {
        for ((connection, bytes), station) in before.iter().zip(&lab.stations) {
            assert_eq!(station.connections().len(), 1);
            assert_eq!(connection.end(), None);
            assert_eq!(connection.look(|record| record.bytes), *bytes);
        }
    };
    let good =
        format!("{}\n[control]\nsocket = \"{}\"\n", lab.config, lab.daemon.socket().display());
    let port = format!("tcp.connect-port = {}", lab.stations[0].port());
    let line = 1 + good.lines().position(|line| line == port).unwrap();
    let broken = [
        (good.replacen(&port, "tcp.connect-port = 70000", 1), "connect-port"),
        (good.replacen(&port, "tcp.connect-port = \"x\"", 1), "connect-port"),
        (good.replacen(&port, "tcp.conect-port = 11019", 1), "conect-port"),
        (good.replacen(&port, "tcp.connect-port = = 11019", 1), ""),
    ];
    for (text, key) in broken {
        fs::write(lab.daemon.config(), text).unwrap();
        for selector in [lab.station(), "all".to_owned()] {
            let output = lab.daemon.bmpctl(&["reset", "session", &selector]);
            assert_eq!(output.status, 1, "{output}");
            let place = format!("{}:{line}:", lab.daemon.config().display());
            assert!(output.stderr.contains(&place), "no {place} in {output}");
            assert!(output.stderr.contains(key), "no {key:?} in {output}");
        }
        untouched();
    }
    fs::remove_file(lab.daemon.config()).unwrap();
    let output = lab.daemon.bmpctl(&["reset", "session", "all"]);
    assert_eq!(output.status, 1, "{output}");
    assert!(output.stderr.contains(lab.daemon.config().to_str().unwrap()), "{output}");
    untouched();

    fs::write(lab.daemon.config(), good).unwrap();
    lab.daemon.bmpctl(&["reset", "session", "all"]).done();
    for station in &lab.stations {
        station.wait_connection(2).wait_complete(lab.peer, TIMEOUT);
    }
    lab.assert_legal();
}
