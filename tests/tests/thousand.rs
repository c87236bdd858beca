//! A thousand sessions: every one comes back after a reset of all.

use std::time::{Duration, Instant};

use tests::addresses::loopback;
use tests::bmp::Mode;
use tests::daemon::{Daemon, bgp, bgp_listen, neighbor, session};
use tests::neighbor::{Neighbor, Options};
use tests::process::cpu_time;
use tests::scratch::Scratch;
use tests::station::Station;
use tests::table::Table;
use tests::wait::wait_for;

const SESSIONS: usize = 1000;
const ROUTES: u64 = 10_000;
const TIMEOUT: Duration = Duration::from_secs(120);

#[test]
fn a_thousand_sessions_come_back_synchronised_after_a_reset_of_all() {
    let scratch = Scratch::new();
    let (listen, peer) = (bgp_listen(), loopback());
    // One station for a hundred sessions: they differ in their connections' order.
    let stations: Vec<Station> =
        (0..10).map(|_| Station::listen(loopback(), Mode::Counting)).collect();
    let mut config = String::new();
    for n in 0..SESSIONS {
        let station = &stations[n % stations.len()];
        let alias = format!("s{:04}", n / stations.len());
        config += &session(station.ip(), station.port(), Some(&alias));
    }
    config += &(bgp(listen) + &neighbor(peer, 65001));
    let daemon = Daemon::start_as(&scratch, "bmpd", &config, "warn");
    let speaker = Neighbor::connect(&Options::new(peer, 65001), listen);
    speaker.send_all(&Table::full(ROUTES / 10 * 9, ROUTES / 10));

    let established = || {
        wait_for("a thousand sessions to be established", TIMEOUT, || {
            let output = daemon.bmpctl(&["show", "session"]);
            let count = output.stdout.matches(" Established ").count();
            if count == SESSIONS { Ok(()) } else { Err(format!("{count} are")) }
        });
    };
    established();
    let before = cpu_time(daemon.pid()).unwrap();
    let begun = Instant::now();
    let output = daemon.bmpctl(&["reset", "session", "all"]);
    assert_eq!(output.done().lines().count(), SESSIONS);
    let answered = begun.elapsed();
    // What counts is what the stations have received: every route on every second connection.
    for station in &stations {
        wait_for("all connections of a station to be complete again", TIMEOUT, || {
            let connections = station.connections();
            let per_station = SESSIONS / stations.len();
            let again = connections.iter().skip(per_station);
            let complete = again.filter(|connection| {
                connection
                    .look(|record| record.complete_at(peer).is_some() && record.announced == ROUTES)
            });
            let complete = complete.count();
            if complete == per_station { Ok(()) } else { Err(format!("{complete} are")) }
        });
    }
    let took = begun.elapsed();
    let used = cpu_time(daemon.pid()).unwrap() - before;
    println!(
        "reset session all, {SESSIONS} sessions, {ROUTES} routes: answered in {answered:?}, all \
         complete after {took:?}; bmpd used {used:?} of processor time, {} MiB at most",
        daemon.peak_rss_kib() / 1024
    );
    established();
    for station in &stations {
        station.assert_legal();
        let (first, second) = (SESSIONS / stations.len(), station.connections());
        assert!(second.iter().take(first).all(|c| c.look(|r| r.termination) == Some(0)));
        assert_eq!(second.len(), 2 * first, "no connection was made more than once");
    }
}

#[test]
fn with_a_stagger_dozens_of_sessions_in_several_places_come_back_in_order() {
    let scratch = Scratch::new();
    let stations: Vec<Station> =
        (0..40).map(|_| Station::listen(loopback(), Mode::Counting)).collect();
    let instance = "[[vpn-instance]]\nname = \"v\"\ndevice = \"lo\"\n\n".to_owned();
    let sessions = stations.iter().enumerate().map(|(n, station)| {
        let vpn = if n % 2 == 0 { "" } else { "vpn-instance = \"v\"\n" };
        session(station.ip(), station.port(), None).trim_end().to_owned() + "\n" + vpn + "\n"
    });
    let config: String = std::iter::once(instance).chain(sessions).collect();
    let daemon = Daemon::start(&scratch, &config);
    for station in &stations {
        station.wait_connection(1);
    }
    let output = daemon.bmpctl(&["reset", "session", "all", "--stagger", "20ms"]);
    assert_eq!(output.done().lines().count(), stations.len());
    // The public instance first, then by address.
    let in_order = stations.iter().step_by(2).chain(stations.iter().skip(1).step_by(2));
    let accepted: Vec<Instant> =
        in_order.map(|station| station.wait_connection(2).accepted).collect();
    assert!(accepted.is_sorted(), "{accepted:?}");
}
