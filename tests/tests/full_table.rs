//! A full Internet table reaches a station complete, and again after a reset.

use std::time::Duration;

use tests::bgp::Family;
use tests::bmp::Kind;
use tests::lab::Plan;
use tests::station::{Connection, Mode};
use tests::table::Table;

/// How long, on a busy machine and without optimization. No clock is asserted.
const TIMEOUT: Duration = Duration::from_secs(300);

#[test]
fn a_full_table_reaches_a_station_complete_and_again_after_a_reset() {
    let lab = Plan { mode: Mode::Counting, log: "info", ..Plan::default() }.start();
    let table = Table::full(1_000_000, 200_000);
    let complete = |connection: Connection| {
        connection.wait_complete(lab.peer, TIMEOUT);
        connection.look(|record| {
            let peer = record.peer(lab.peer).unwrap();
            assert_eq!(peer.announced, 1_200_000, "{}", record.summary());
            assert_eq!(peer.fingerprint, table.fingerprint, "other routes than were announced");
            assert_eq!(peer.withdrawn, 0);
            assert!(peer.end_of_rib.contains_key(&Family::IPV6));
            // Packed as the neighbor sent it, give or take.
            let messages = record.count(Kind::RouteMonitoring);
            assert!(messages < table.updates * 12 / 10, "{messages} Route Monitoring messages");
        });
    };
    let neighbor = lab.connect();
    neighbor.send_all(&table);
    complete(lab.stations[0].wait_connection(1));
    lab.daemon.bmpctl(&["reset", "session", &lab.station()]).done();
    complete(lab.stations[0].wait_connection(2));
    let peak = lab.daemon.peak_rss_kib() / 1024;
    println!("bmpd's peak: {peak} MB");
    assert!(peak < 311, "{peak} MB: the fastest peer needs 311 MB");
    lab.assert_legal();
}
