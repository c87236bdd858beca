//! What a station is sent, from the first message to the last, whatever neighbors and stations do.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::{Duration, Instant, SystemTime};

use rustix::process::Signal;
use tests::bgp::{self, Family, Prefix, Routes, Update, attribute, kind};
use tests::bmp::message::split_messages;
use tests::bmp::{COMMON_HEADER, Kind, PEER_HEADER, PeerDown};
use tests::lab::{Lab, Plan};
use tests::neighbor::{Neighbor, Options};
use tests::random::Random;
use tests::station::{Connection, End, Pace};
use tests::table::{Attributes, Prefixes, Table};
use tests::wait::{holds_for, wait_for};

const TIMEOUT: Duration = Duration::from_secs(30);

fn prefix(text: &str) -> Prefix {
    text.parse().unwrap()
}

/// Attributes that differ with the seed.
fn attributes(seed: u64) -> Attributes {
    Attributes::sample(65001, &mut Random::new(seed))
}

/// Waits until the connection is complete and holds exactly what the neighbor has announced.
#[track_caller]
fn wait_synchronized(connection: &Connection, neighbor: &Neighbor) {
    connection.wait_complete(neighbor.ip(), TIMEOUT);
    connection.wait_routes(neighbor.ip(), &neighbor.expected(), TIMEOUT);
}

#[track_caller]
fn wait_peer_down(connection: &Connection) -> PeerDown {
    connection.wait("a Peer Down", TIMEOUT, |record| record.peer_downs.last().cloned())
}

fn is_up(connection: &Connection, lab: &Lab) -> bool {
    connection.look(|record| record.peer(lab.peer).is_some())
}

/// The neighbor, which has sent its table, and the first connection of the first station, which has received it.
#[track_caller]
fn synchronized(lab: &Lab, table: &Table) -> (Neighbor, Connection) {
    let neighbor = lab.connect();
    neighbor.send_all(table);
    let connection = lab.stations[0].wait_connection(1);
    wait_synchronized(&connection, &neighbor);
    (neighbor, connection)
}

#[test]
fn messages_are_in_order_and_report_what_was_received() {
    let lab = Plan { bmp: "system-name = \"edge1\"", ..Plan::default() }.start();
    let begun = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let (neighbor, connection) = synchronized(&lab, &Table::full(2_000, 500));

    connection.look(|record| {
        let kinds: Vec<Kind> = record.sequence.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds[..2], [Kind::Initiation, Kind::PeerUp]);
        assert!(kinds[2..].iter().all(|kind| *kind == Kind::RouteMonitoring), "{kinds:?}");
        assert!(record.initiation.contains(&(2, b"edge1".to_vec())), "{:?}", record.initiation);
        assert_eq!(record.announced, 2_500, "each route once");
        assert_eq!((record.withdrawn, record.idle_withdrawals), (0, 0));
        // Global instance, IPv4 address, pre-policy Adj-RIB-In, four-octet AS numbers.
        assert_eq!(record.flags.iter().copied().collect::<Vec<_>>(), [0]);

        let [up] = &record.peer_ups[..] else { panic!("{} Peer Ups", record.peer_ups.len()) };
        assert_eq!(up.header.asn, 65001);
        assert_eq!((up.header.peer.kind, up.header.flags), (0, 0));
        assert_eq!(up.local, (neighbor.remote().ip(), neighbor.remote().port()));
        assert_eq!(up.remote_port, neighbor.local().port());
        assert_eq!(up.received_open, neighbor.sent_open(), "the OPEN as the neighbor sent it");
        assert_eq!(up.sent_open, neighbor.received().open, "the OPEN as the neighbor got it");

        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let mut last = Duration::ZERO;
        for message in &split_messages(&record.raw).unwrap()[1..] {
            let (kind, time) = (message.kind, message.peer().unwrap().0.time);
            let slack = Duration::from_secs(2);
            assert!(time + slack >= begun && time <= now + slack, "type {kind}: {time:?}");
            // End-of-RIBs and routes of two families may interleave by a little.
            assert!(time + slack >= last, "type {kind}: {time:?} after {last:?}");
            last = time;
        }
    });
    assert_eq!(neighbor.received().updates, 0, "bmpd announces nothing");
    lab.assert_legal();
}

#[test]
fn live_changes_reach_a_station_without_delay() {
    let lab = Plan::default().start();
    let (neighbor, connection) = synchronized(&lab, &Table::full(200, 50));
    for n in 0..20u64 {
        let one = prefix(&format!("198.51.{n}.0/24"));
        let two = prefix(&format!("2001:db8:{n:x}::/48"));
        let begun = Instant::now();
        neighbor.announce(&[one, two], &attributes(n));
        connection.wait("both routes", TIMEOUT, |record| {
            let routes = &record.peer(lab.peer)?.routes;
            (routes.contains_key(&one) && routes.contains_key(&two)).then_some(())
        });
        neighbor.withdraw(&[one, two]);
        connection.wait("neither route", TIMEOUT, |record| {
            let routes = &record.peer(lab.peer)?.routes;
            (!routes.contains_key(&one) && !routes.contains_key(&two)).then_some(())
        });
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(1), "round {n} took {took:?}");
    }
    wait_synchronized(&connection, &neighbor);
    lab.assert_legal();
}

#[test]
fn hold_timer_expiry_is_peer_down_reason_1_with_the_notification_that_was_sent() {
    let lab = Plan::default().start();
    let mut options = lab.options();
    options.open.hold_time = 3;
    let neighbor = Neighbor::connect(&options, lab.listen);
    neighbor.send_all(&Table::full(200, 50));
    let connection = lab.stations[0].wait_connection(1);
    wait_synchronized(&connection, &neighbor);
    // KEEPALIVEs keep it up beyond the hold time.
    holds_for("the neighbor up", Duration::from_secs(4), || {
        if is_up(&connection, &lab) { Ok(()) } else { Err(connection.summary()) }
    });
    neighbor.fall_silent();
    let down = wait_peer_down(&connection);
    let received = neighbor.wait_closed(TIMEOUT);
    let (code, subcode, data) = received.notification.expect("bmpd sends a NOTIFICATION");
    assert_eq!((down.reason, code, subcode), (1, 4, 0));
    let sent = bgp::message(kind::NOTIFICATION, &[&[code, subcode][..], &data].concat());
    assert_eq!(down.data, sent);
    lab.assert_legal();
}

#[test]
fn the_neighbor_s_notification_is_peer_down_reason_3_with_all_of_it() {
    let lab = Plan::default().start();
    let (neighbor, connection) = synchronized(&lab, &Table::full(200, 50));
    neighbor.notification(6, 2, b"\x07tschuss");
    let down = wait_peer_down(&connection);
    assert_eq!(down.reason, 3);
    assert_eq!(down.data, bgp::message(kind::NOTIFICATION, b"\x06\x02\x07tschuss"));
    lab.assert_legal();
}

#[test]
fn a_neighbor_that_just_closes_is_peer_down_reason_4_and_its_routes_are_not_withdrawn_one_by_one() {
    let lab = Plan::default().start();
    let (neighbor, connection) = synchronized(&lab, &Table::full(200, 50));
    neighbor.close();
    let down = wait_peer_down(&connection);
    assert_eq!((down.reason, &down.data[..]), (4, &[][..]));
    assert_eq!(connection.look(|record| record.withdrawn), 0);
    lab.assert_legal();
}

#[test]
fn a_neighbor_that_sends_nonsense_is_sent_a_notification_and_peer_down_reason_1_has_it() {
    let lab = Plan::default().start();
    let connection = lab.stations[0].wait_connection(1);
    let mut bad_marker = bgp::message(kind::KEEPALIVE, &[]);
    bad_marker[3] = 0;
    let mut bad_length = bgp::message(kind::KEEPALIVE, &[]);
    bad_length[16..18].copy_from_slice(&18u16.to_be_bytes());
    let cases = [
        (bad_marker, (1, 1)),
        (bad_length, (1, 2)),
        (bgp::message(77, &[]), (1, 3)),
        // Withdrawn routes that are longer than the message: nothing can be saved (RFC 7606).
        (bgp::message(kind::UPDATE, &[0xff, 0xff, 0, 0]), (3, 1)),
    ];
    for (n, (bytes, codes)) in cases.iter().enumerate() {
        let neighbor = lab.connect();
        neighbor.send_all(&Table::full(50, 10));
        wait_synchronized(&connection, &neighbor);
        neighbor.send_raw(bytes);
        let (code, subcode, data) =
            neighbor.wait_closed(TIMEOUT).notification.expect("bmpd sends a NOTIFICATION");
        assert_eq!((code, subcode), *codes, "case {n}");
        let down = connection.wait("its Peer Down", TIMEOUT, |r| r.peer_downs.get(n).cloned());
        assert_eq!(down.reason, 1);
        let sent = bgp::message(kind::NOTIFICATION, &[&[code, subcode][..], &data].concat());
        assert_eq!(down.data, sent);
    }
    lab.assert_legal();
}

#[test]
fn a_neighbor_that_comes_back_has_only_its_new_routes() {
    let lab = Plan::default().start();
    let connection = lab.stations[0].wait_connection(1);
    for round in 0..5u32 {
        let neighbor = lab.connect();
        // The same routes as before first (nothing may be taken for a duplicate), then fewer.
        let size = u64::from(1_000 - 200 * (round / 2));
        neighbor.send_all(&Table::full(size, size / 4));
        wait_synchronized(&connection, &neighbor);
        match round % 2 {
            0 => neighbor.close(),
            _ => neighbor.notification(6, 4, &[]),
        }
        connection.wait("the Peer Down", TIMEOUT, |record| {
            (record.peer_downs.len() == round as usize + 1).then_some(())
        });
    }
    connection.look(|record| {
        assert_eq!(record.peer_ups.len(), 5);
        assert_eq!((record.withdrawn, record.idle_withdrawals), (0, 0));
    });
    assert_eq!(lab.stations[0].connections().len(), 1);
    lab.assert_legal();
}

#[test]
fn a_station_and_a_neighbor_that_die_and_return_in_any_order_end_up_equal() {
    #[derive(Clone, Copy)]
    enum Step {
        StationDies,
        StationReturns,
        NeighborDies,
        NeighborReturns,
    }
    use Step::*;
    let orders = [
        [StationDies, StationReturns, NeighborDies, NeighborReturns],
        [StationDies, NeighborDies, StationReturns, NeighborReturns],
        [StationDies, NeighborDies, NeighborReturns, StationReturns],
        [NeighborDies, NeighborReturns, StationDies, StationReturns],
        [NeighborDies, StationDies, NeighborReturns, StationReturns],
        [NeighborDies, StationDies, StationReturns, NeighborReturns],
    ];
    let mut lab = Plan { retry: [1, 1], ..Plan::default() }.start();
    let mut neighbor = Some(lab.connect());
    neighbor.as_ref().unwrap().send_all(&Table::full(1_000, 200));
    wait_synchronized(&lab.stations[0].wait_connection(1), neighbor.as_ref().unwrap());
    let mut tables = (0..).map(|n: u64| Table::of(65_100 + n as u32, 1_000 - 50 * n, 200 + 10 * n));
    for (n, order) in orders.iter().enumerate() {
        for step in order {
            match step {
                StationDies => lab.stations[0].kill(),
                StationReturns => lab.stations[0].revive(),
                NeighborDies => drop(neighbor.take()),
                NeighborReturns => {
                    let again = lab.connect();
                    again.send_all(&tables.next().unwrap());
                    neighbor = Some(again);
                }
            }
        }
        let neighbor = neighbor.as_ref().unwrap();
        wait_for(&format!("equal sets after order {n}"), TIMEOUT, || {
            let latest = lab.stations[0].latest().unwrap();
            if latest.end().is_some() {
                return Err("no connection".to_owned());
            }
            latest.look(|record| {
                record.complete_at(lab.peer).ok_or_else(|| record.summary())?;
                let found = &record.peer(lab.peer).unwrap().routes;
                bgp::difference(&neighbor.expected(), found).map_or(Ok(()), Err)
            })
        });
    }
    lab.assert_legal();
}

#[test]
fn bmpd_connects_to_a_neighbor_that_is_not_passive() {
    let listener = TcpListener::bind(SocketAddr::new(tests::addresses::loopback(), 0)).unwrap();
    let (address, port) =
        (listener.local_addr().unwrap().ip(), listener.local_addr().unwrap().port());
    let lines = format!(
        "port = {port}\n\n[[bgp.neighbor]]\naddress = \"{address}\"\nremote-as = 65001\nport = {port}"
    );
    // The lab's own neighbor never comes; a second one is added behind it.
    let lab = Plan { neighbor: &format!("passive = true\n{lines}"), ..Plan::default() }.start();
    let neighbor = Neighbor::accept(&Options::new(address, 65001), &listener);
    neighbor.send_all(&Table::full(500, 100));
    wait_synchronized(&lab.stations[0].wait_connection(1), &neighbor);
    lab.assert_legal();
}

#[test]
fn two_connections_with_one_neighbor_collide_and_one_stays() {
    let peer = tests::addresses::loopback();
    let listener = TcpListener::bind(SocketAddr::new(peer, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let lines = format!(
        "passive = true\n\n[[bgp.neighbor]]\naddress = \"{peer}\"\nremote-as = 65002\nport = {port}"
    );
    let lab = Plan { neighbor: &lines, ..Plan::default() }.start();
    let connection = lab.stations[0].wait_connection(1);
    for router_id in ["192.0.2.1", "192.0.2.255"] {
        let mut options = Options::new(peer, 65002);
        options.open.router_id = router_id.parse().unwrap();
        // bmpd's own attempt is taken first and left waiting for an OPEN, then the neighbor connects.
        let (theirs, _) = listener.accept().unwrap();
        let neighbor = Neighbor::connect(&options, lab.listen);
        neighbor.send_all(&Table::full(100, 20));
        wait_synchronized(&connection, &neighbor);
        drop(theirs);
        holds_for("the session up", Duration::from_secs(1), || {
            neighbor.received().closed.map_or(Ok(()), |_| Err(format!("{:?}", neighbor.received())))
        });
        let downs = connection.look(|record| record.peer_downs.len());
        neighbor.close();
        connection.wait("its Peer Down", TIMEOUT, |r| (r.peer_downs.len() > downs).then_some(()));
    }
    lab.assert_legal();
}

#[test]
fn a_neighbor_with_a_four_octet_as_number_comes_up() {
    let lab = Plan { remote_as: 4_200_000_001, ..Plan::default() }.start();
    let neighbor = lab.connect();
    neighbor.send_all(&Table::of(4_200_000_001, 200, 50));
    let connection = lab.stations[0].wait_connection(1);
    wait_synchronized(&connection, &neighbor);
    assert_eq!(connection.look(|record| record.peer_ups[0].header.asn), 4_200_000_001);
    lab.assert_legal();
}

#[test]
fn an_open_with_another_as_number_is_rejected_and_not_reported() {
    let lab = Plan::default().start();
    let connection = lab.stations[0].wait_connection(1);
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(lab.peer, 0).into()).unwrap();
    socket.connect(&lab.listen.into()).unwrap();
    let mut stream: std::net::TcpStream = socket.into();
    let mut open = lab.options().open;
    open.asn = 64999;
    stream.write_all(&open.encode()).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    let mut answer = vec![];
    let _ = stream.read_to_end(&mut answer);
    let mut rest = &answer[..];
    let mut notification = None;
    while !rest.is_empty() {
        let message = bgp::split_message(&mut rest).unwrap();
        if message.kind == kind::NOTIFICATION {
            notification = Some((message.body[0], message.body[1]));
        }
    }
    assert_eq!(notification, Some((2, 2)), "OPEN error, bad peer AS");
    // The right one is welcome, if need be after a while, and nothing of the wrong one was reported.
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(50, 10));
    wait_synchronized(&connection, &neighbor);
    assert_eq!(connection.look(|record| (record.peer_ups.len(), record.peer_downs.len())), (1, 0));
    lab.assert_legal();
}

#[test]
fn a_family_that_was_not_negotiated_is_neither_reported_nor_ended() {
    let lab = Plan::default().start();
    let mut options = lab.options();
    options.open.families = vec![Family::IPV4];
    let neighbor = Neighbor::connect(&options, lab.listen);
    neighbor.send_table(&Table::full(300, 0));
    neighbor.end_of_rib(Family::IPV4);
    let connection = lab.stations[0].wait_connection(1);
    connection.wait("the IPv4 End-of-RIB", TIMEOUT, |record| {
        record.peer(lab.peer)?.end_of_rib.get(&Family::IPV4).copied()
    });
    connection.wait_routes(lab.peer, &neighbor.expected(), TIMEOUT);
    lab.daemon.wait_state(lab.address, None, "Established");
    let ended = connection.look(|record| record.peer(lab.peer).unwrap().end_of_rib.len());
    assert_eq!(ended, 1, "an End-of-RIB for a family that nobody asked for");
    lab.assert_legal();
}

#[test]
fn end_of_rib_is_sent_once_a_generation() {
    let lab = Plan::default().start();
    let (neighbor, first) = synchronized(&lab, &Table::full(300, 60));
    // A neighbor may say it again (after a route refresh, or because it is odd).
    neighbor.end_of_rib(Family::IPV4);
    neighbor.end_of_rib(Family::IPV6);
    neighbor.announce(&[prefix("198.51.100.0/24")], &attributes(1));
    wait_synchronized(&first, &neighbor);
    lab.daemon.bmpctl(&["reset", "session", &lab.station()]).done();
    let second = lab.stations[0].wait_connection(2);
    wait_synchronized(&second, &neighbor);
    for connection in [first, second] {
        let routes = connection.look(|record| record.announced);
        assert!(routes >= 360, "{}", connection.summary());
        // A second one would be a violation.
        connection.assert_legal();
    }
}

#[test]
fn the_end_of_rib_waits_for_the_neighbor_s_own() {
    let lab = Plan::default().start();
    let neighbor = lab.connect();
    neighbor.send_table(&Table::full(300, 60));
    let connection = lab.stations[0].wait_connection(1);
    connection.wait_routes(lab.peer, &neighbor.expected(), TIMEOUT);
    holds_for("no End-of-RIB", Duration::from_secs(1), || {
        match connection.look(|record| record.peer(lab.peer).unwrap().end_of_rib.len()) {
            0 => Ok(()),
            _ => Err("there is one".to_owned()),
        }
    });
    neighbor.end_of_rib(Family::IPV6);
    connection.wait("the IPv6 End-of-RIB", TIMEOUT, |record| {
        record.peer(lab.peer)?.end_of_rib.get(&Family::IPV6).copied()
    });
    neighbor.end_of_rib(Family::IPV4);
    wait_synchronized(&connection, &neighbor);
    lab.assert_legal();
}

#[test]
fn a_neighbor_that_never_sends_end_of_rib_is_complete_when_it_has_gone_quiet() {
    let lab = Plan::default().start();
    let neighbor = lab.connect();
    neighbor.send_table(&Table::full(300, 60));
    let connection = lab.stations[0].wait_connection(1);
    connection.wait_complete(lab.peer, Duration::from_secs(90));
    connection.wait_routes(lab.peer, &neighbor.expected(), TIMEOUT);
    lab.assert_legal();
}

#[test]
fn a_burst_and_then_silence_arrives_completely() {
    let lab = Plan::default().start();
    let (neighbor, connection) = synchronized(&lab, &Table::full(1_000, 100));
    // The next KEEPALIVE is half a minute away: nothing but the burst itself can carry it through.
    for round in 0..3 {
        neighbor.send_table(&Table::of(66_000 + round, 40_000, 8_000));
        connection.wait_routes(lab.peer, &neighbor.expected(), Duration::from_secs(10));
    }
    lab.assert_legal();
}

#[test]
fn an_update_with_a_bad_origin_is_treated_as_withdraw_and_counted() {
    let lab = Plan::default().start();
    let (neighbor, connection) = synchronized(&lab, &Table::full(300, 60));
    let (bad, bad_v6) = (prefix("198.51.100.0/24"), prefix("2001:db8:1::/48"));
    let good = prefix("198.51.101.0/24");
    neighbor.announce(&[bad, bad_v6, good], &attributes(5));
    wait_synchronized(&connection, &neighbor);

    let mut updates = vec![];
    let mut wrong = attributes(6);
    wrong.origin = 7;
    tests::table::put_announcements(&mut updates, &[bad, bad_v6], &wrong);
    neighbor.send_raw(&updates);
    // What bmpd should make of them.
    neighbor.expect(bgp::withdrawals(&[bad, bad_v6]));
    connection.wait_routes(lab.peer, &neighbor.expected(), TIMEOUT);

    // A prefix that was never there is not sent at all; the session stays.
    let mut updates = vec![];
    tests::table::put_announcements(&mut updates, &[prefix("198.51.102.0/24")], &wrong);
    neighbor.send_raw(&updates);
    neighbor.announce(&[prefix("198.51.103.0/24")], &attributes(7));
    wait_synchronized(&connection, &neighbor);
    connection.look(|record| {
        assert_eq!(record.idle_withdrawals, 0, "{}", record.summary());
        assert_eq!(record.peer_downs.len(), 0);
    });
    assert_eq!(neighbor.received().notification, None);
    lab.assert_legal();
}

#[test]
fn statistics_reports_come_by_the_timer_and_are_right() {
    let plan = Plan { bmp: "statistics-timer = 15", ..Plan::default() };
    let lab = plan.start();
    let (neighbor, connection) = synchronized(&lab, &Table::full(300, 60));
    let mut updates = vec![];
    let mut wrong = attributes(6);
    wrong.origin = 7;
    tests::table::put_announcements(&mut updates, &[prefix("198.51.102.0/24")], &wrong);
    neighbor.send_raw(&updates);

    let report = connection.wait("a Statistics Report", Duration::from_secs(40), |record| {
        record.statistics.first().cloned()
    });
    let after = report.at - connection.accepted;
    assert!(after > Duration::from_secs(10), "after {after:?}");
    let kinds: Vec<u16> = report.counters.iter().map(|(kind, _)| *kind).collect();
    for kind in [7, 9, 11, 12] {
        assert!(kinds.contains(&kind), "type {kind} is missing: {kinds:?}");
    }
    assert_eq!(report.value(7), Some(360), "routes in Adj-RIB-In");
    assert_eq!(report.family_value(9, Family::IPV4), Some(300));
    assert_eq!(report.family_value(9, Family::IPV6), Some(60));
    assert_eq!(report.value(11), Some(1), "updates treated as withdraw");
    assert_eq!(report.value(12), Some(1), "prefixes treated as withdraw");
    let next = connection.wait("the next report", Duration::from_secs(40), |record| {
        record.statistics.get(1).map(|report| report.at)
    });
    let between = next - report.at;
    let range = Duration::from_secs(13)..Duration::from_secs(25);
    assert!(range.contains(&between), "{between:?} between reports");
    lab.assert_legal();
}

#[test]
fn sigterm_ends_everything_properly() {
    for signal in [Signal::TERM, Signal::INT] {
        let lab = Plan { aliases: &[None, Some("aa")], ..Plan::default() }.start();
        let neighbor = lab.connect();
        neighbor.send_all(&Table::full(300, 60));
        for station in &lab.stations {
            wait_synchronized(&station.wait_connection(1), &neighbor);
        }
        let begun = Instant::now();
        lab.daemon.signal(signal);
        let status = lab.daemon.wait_exit();
        assert_eq!(status.code(), Some(0), "{status}");
        assert!(begun.elapsed() < Duration::from_secs(3), "it took {:?}", begun.elapsed());
        assert!(!lab.daemon.socket().exists());
        for station in &lab.stations {
            let connection = station.latest().unwrap();
            assert_eq!(connection.wait_end(TIMEOUT).1, End::Closed);
            assert_eq!(connection.look(|record| record.termination), Some(0));
            assert_eq!(connection.left_over(), 0);
        }
        let received = neighbor.wait_closed(TIMEOUT);
        assert_eq!(received.notification.map(|(code, ..)| code), Some(6), "CEASE");
        lab.assert_legal();
    }
}

#[test]
fn a_station_that_does_not_read_does_not_hold_up_the_end() {
    let plan = Plan {
        aliases: &[Some("stalled"), None],
        receive_buffer: Some(64 * 1024),
        ..Plan::default()
    };
    let lab = plan.start();
    lab.stations[0].wait_connection(1);
    lab.stations[0].pace(Pace::Stalled);
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(200_000, 20_000));
    lab.stations[1].wait_connection(1).wait_complete(lab.peer, TIMEOUT);
    let begun = Instant::now();
    assert_eq!(lab.daemon.terminate().code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(4), "it took {:?}", begun.elapsed());
    let live = lab.stations[1].latest().unwrap();
    live.wait_end(TIMEOUT);
    assert_eq!(live.look(|record| record.termination), Some(0));
    lab.stations[0].pace(Pace::Full);
    lab.stations[0].latest().unwrap().wait_end(TIMEOUT);
    lab.assert_legal();
}

#[test]
fn a_station_that_accepts_and_closes_is_not_hammered() {
    let lab = Plan { retry: [1, 2], ..Plan::default() }.start();
    lab.stations[0].wait_connection(1);
    lab.stations[0].pace(Pace::Closing);
    lab.stations[0].latest().unwrap().close();
    let begun = Instant::now();
    let before = lab.stations[0].connections().len();
    holds_for("few attempts", Duration::from_secs(6), || {
        let attempts = lab.stations[0].connections().len() - before;
        // Waits of 1, 2, 2, 2 seconds, each up to a quarter shorter by the jitter, and a quick try.
        let allowed = 3 + begun.elapsed().as_secs() as usize;
        if attempts <= allowed { Ok(()) } else { Err(format!("{attempts} attempts")) }
    });
    let attempts = lab.stations[0].connections().len() - before;
    assert!((2..=7).contains(&attempts), "{attempts} attempts in 6 s");
    lab.stations[0].pace(Pace::Full);
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(100, 20));
    wait_for("a connection that stays and is complete", TIMEOUT, || {
        let latest = lab.stations[0].latest().unwrap();
        let complete = latest.look(|record| record.complete_at(lab.peer));
        complete.map(|_| ()).ok_or_else(|| latest.summary())
    });
    lab.assert_legal();
}

#[test]
fn a_station_that_closes_its_half_is_closed_and_connected_again() {
    let lab = Plan::default().start();
    let (neighbor, first) = synchronized(&lab, &Table::full(100, 20));
    first.half_close().unwrap();
    first.wait_end(TIMEOUT);
    wait_synchronized(&lab.stations[0].wait_connection(2), &neighbor);
    lab.assert_legal();
}

#[test]
fn what_a_station_sends_is_dropped_and_counted() {
    let lab = Plan::default().start();
    let (neighbor, connection) = synchronized(&lab, &Table::full(100, 20));
    connection.send(&[b'x'; 12_345]).unwrap();
    wait_for("the count of ignored bytes", TIMEOUT, || {
        let page = lab.daemon.bmpctl(&["show", "session", &lab.station(), "--verbose"]);
        let text = page.done().replace([',', ' ', '_'], "");
        if text.contains("12345") { Ok(()) } else { Err(page.to_string()) }
    });
    neighbor.announce(&[prefix("198.51.100.0/24")], &attributes(1));
    wait_synchronized(&connection, &neighbor);
    assert_eq!(lab.stations[0].connections().len(), 1);
    lab.assert_legal();
}

#[test]
fn a_station_that_was_away_during_flaps_is_sent_only_the_latest_state() {
    let plan = Plan {
        aliases: &[Some("stalled"), Some("live")],
        receive_buffer: Some(64 * 1024),
        ..Plan::default()
    };
    let lab = plan.start();
    let stalled = lab.stations[0].wait_connection(1);
    let live = lab.stations[1].wait_connection(1);
    lab.stations[0].pace(Pace::Stalled);
    let mut neighbor = lab.connect();
    // More than the system's buffers hold, so that bmpd itself stands still in the middle of it.
    neighbor.send_all(&Table::full(200_000, 20_000));
    wait_synchronized(&live, &neighbor);
    for round in 1..=6u32 {
        neighbor.close();
        live.wait("the Peer Down", TIMEOUT, |record| {
            (record.peer_downs.len() == round as usize).then_some(())
        });
        neighbor = lab.connect();
        let size = 300 * u64::from(round);
        neighbor.send_all(&Table::of(65_000 + round, size, 50));
        wait_synchronized(&live, &neighbor);
    }
    lab.stations[0].pace(Pace::Full);
    // Whether the End-of-RIBs that stand are those of the last Peer Up shows in the routes.
    stalled.wait("the last Peer Up", TIMEOUT, |record| {
        let expected = neighbor.expected().len();
        let peer = record.peer(lab.peer)?;
        (record.complete_at(lab.peer).is_some() && peer.routes.len() == expected).then_some(())
    });
    wait_synchronized(&stalled, &neighbor);
    let (ups, downs) = stalled.look(|record| (record.peer_ups.len(), record.peer_downs.len()));
    assert_eq!((ups, downs), (2, 1), "flaps it never received of were sent");
    assert_eq!(live.look(|record| (record.peer_ups.len(), record.peer_downs.len())), (7, 6));
    assert_eq!(lab.stations[0].connections().len(), 1);
    lab.assert_legal();
}

/// A pool of prefixes and a random walk over them.
struct Churn {
    pool: Vec<Prefix>,
    random: Random,
}

impl Churn {
    fn new(seed: u64, size: usize) -> Self {
        let mut random = Random::new(seed);
        let mut families = [Family::IPV4, Family::IPV6].map(Prefixes::new);
        let pool = (0..size).map(|n| families[n % 2].next(&mut random)).collect();
        Self { pool, random }
    }

    /// Announces or withdraws a few neighbors of the pool.
    fn step(&mut self, neighbor: &Neighbor) {
        let random = &mut self.random;
        let begin = random.below(self.pool.len() as u64) as usize;
        let end = (begin + 1 + random.below(40) as usize).min(self.pool.len());
        let some = &self.pool[begin..end];
        if random.chance(60) {
            // Few attribute sets, so that a route often comes back with the ones it had.
            neighbor.announce(some, &attributes(random.below(50)));
        } else {
            neighbor.withdraw(some);
        }
    }
}

#[test]
fn random_churn_ends_with_equal_sets_for_quick_and_slow_stations() {
    for seed in 0..3 {
        let plan = Plan {
            aliases: &[None, Some("slow"), Some("pausing")],
            receive_buffer: Some(64 * 1024),
            log: "info",
            ..Plan::default()
        };
        let lab = plan.start();
        lab.stations[1].pace(Pace::Slow(300_000));
        let neighbor = lab.connect();
        neighbor.send_all(&Table::full(2_000, 500));
        let mut churn = Churn::new(seed, 3_000);
        for round in 0..40 {
            let pace = if round % 4 == 3 { Pace::Full } else { Pace::Stalled };
            lab.stations[2].pace(pace);
            for _ in 0..250 {
                churn.step(&neighbor);
            }
        }
        for station in &lab.stations[1..] {
            station.pace(Pace::Full);
        }
        for station in &lab.stations {
            let connection = station.wait_connection(1);
            wait_synchronized(&connection, &neighbor);
            assert_eq!(station.connections().len(), 1);
        }
        lab.assert_legal();
    }
}

#[test]
fn resets_in_the_midst_of_churn_end_with_equal_sets() {
    let plan = Plan {
        aliases: &[None, Some("slow")],
        receive_buffer: Some(64 * 1024),
        log: "info",
        ..Plan::default()
    };
    let lab = plan.start();
    lab.stations[1].pace(Pace::Slow(500_000));
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(5_000, 1_000));
    let mut churn = Churn::new(11, 3_000);
    for round in 0..12 {
        for _ in 0..200 {
            churn.step(&neighbor);
        }
        let alias: &[&str] = if round % 2 == 0 { &[] } else { &["--alias", "slow"] };
        let address = lab.station();
        lab.daemon.bmpctl(&[&["reset", "session", &address][..], alias].concat()).done();
        for _ in 0..50 {
            churn.step(&neighbor);
        }
    }
    lab.stations[1].pace(Pace::Full);
    for (station, alias) in lab.stations.iter().zip([None, Some("slow")]) {
        assert_eq!(lab.daemon.session(lab.address, alias).number("gen"), 7);
        wait_for("the last connection to be complete", TIMEOUT, || {
            let latest = station.latest().ok_or("no connection")?;
            let complete = latest.look(|record| record.complete_at(lab.peer));
            complete.ok_or_else(|| latest.summary())
        });
        let last = station.latest().unwrap();
        wait_synchronized(&last, &neighbor);
    }
    lab.assert_legal();
}

#[test]
fn a_generation_is_not_sent_what_was_withdrawn_before_it_began() {
    let lab = Plan { aliases: &[None, Some("live")], ..Plan::default() }.start();
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(500, 100));
    let live = lab.stations[1].wait_connection(1);
    wait_synchronized(&live, &neighbor);
    let gone: Vec<Prefix> = neighbor.expected().keys().copied().step_by(3).collect();
    neighbor.withdraw(&gone);
    wait_synchronized(&live, &neighbor);
    assert_eq!(live.look(|record| (record.withdrawn, record.idle_withdrawals)), (200, 0));
    lab.daemon.bmpctl(&["reset", "session", &lab.station()]).done();
    let second = lab.stations[0].wait_connection(2);
    wait_synchronized(&second, &neighbor);
    assert_eq!(second.look(|record| (record.announced, record.withdrawn)), (400, 0));
    // A route that is announced again and withdrawn again is sent as such.
    neighbor.announce(&gone[..10], &attributes(3));
    wait_synchronized(&second, &neighbor);
    neighbor.withdraw(&gone[..5]);
    wait_synchronized(&second, &neighbor);
    assert_eq!(second.look(|record| (record.withdrawn, record.idle_withdrawals)), (5, 0));
    lab.assert_legal();
}

#[test]
fn neighbors_are_reported_separately() {
    let second = tests::addresses::loopback();
    let lines = format!(
        "passive = true\n\n[[bgp.neighbor]]\naddress = \"{second}\"\nremote-as = 65002\npassive = true"
    );
    let lab = Plan { neighbor: &lines, ..Plan::default() }.start();
    let one = lab.connect();
    let two = Neighbor::connect(&Options::new(second, 65002), lab.listen);
    one.send_all(&Table::full(1_000, 200));
    two.send_all(&Table::of(65002, 700, 300));
    let connection = lab.stations[0].wait_connection(1);
    wait_synchronized(&connection, &one);
    wait_synchronized(&connection, &two);
    let routes: Routes = two.expected();
    let gone: Vec<Prefix> = routes.keys().copied().take(100).collect();
    two.withdraw(&gone);
    wait_synchronized(&connection, &two);
    wait_synchronized(&connection, &one);
    one.close();
    let down = wait_peer_down(&connection);
    assert_eq!(down.header.peer.address, lab.peer);
    wait_synchronized(&connection, &two);
    lab.daemon.bmpctl(&["reset", "session", &lab.station()]).done();
    let again = lab.stations[0].wait_connection(2);
    wait_synchronized(&again, &two);
    assert_eq!(again.look(|record| record.peer_ups.len()), 1, "only of what is up");
    lab.assert_legal();
}

#[test]
fn a_next_hop_of_32_bytes_and_an_unknown_attribute_pass_through_as_they_are() {
    let lab = Plan::default().start();
    let neighbor = lab.connect();
    let mut update = vec![];
    let at = bgp::begin_message(&mut update, kind::UPDATE);
    let mut field = vec![];
    let global: Ipv6Addr = "2001:db8::1".parse().unwrap();
    let local: Ipv6Addr = "fe80::1".parse().unwrap();
    let mut nlri = vec![];
    prefix("2001:db8:1::/48").encode(&mut nlri);
    let reach = [&[0, 2, 1, 32][..], &global.octets(), &local.octets(), &[0], &nlri].concat();
    bgp::put_attribute(&mut field, 0x40, attribute::ORIGIN, &[0]);
    bgp::put_attribute(&mut field, 0x40, attribute::AS_PATH, &[2, 1, 0, 0, 0xfd, 0xe9]);
    bgp::put_attribute(&mut field, 0xc0, 200, &[7; 300]);
    bgp::put_attribute(&mut field, 0x80, attribute::MP_REACH, &reach);
    update.extend_from_slice(&[0, 0]);
    update.extend_from_slice(&(field.len() as u16).to_be_bytes());
    update.extend_from_slice(&field);
    bgp::end_message(&mut update, at);
    neighbor.send(update);
    neighbor.end_of_rib(Family::IPV4);
    neighbor.end_of_rib(Family::IPV6);
    wait_synchronized(&lab.stations[0].wait_connection(1), &neighbor);
    lab.assert_legal();
}

/// The time in the per-peer header of the message that announced each prefix last.
fn times(connection: &Connection) -> BTreeMap<Prefix, Duration> {
    let mut times = BTreeMap::new();
    each_update(connection, |time, update| {
        for reach in update.announced() {
            let prefixes = bgp::prefixes(reach.family, reach.nlri).unwrap();
            times.extend(prefixes.into_iter().map(|prefix| (prefix, time)));
        }
    });
    times
}

/// Calls `each` with the UPDATEs of all Route Monitoring messages in their order and the time in each
/// one's header.
fn each_update(connection: &Connection, mut each: impl FnMut(Duration, &Update<'_>)) {
    connection.look(|record| {
        record.updates().for_each(|(header, update)| each(header.time, &update));
    });
}

#[test]
fn the_time_of_a_route_is_when_it_was_received_however_late_it_is_sent() {
    let plan = Plan { aliases: &[None, Some("late")], ..Plan::default() };
    let mut lab = plan.start();
    lab.stations[1].kill();
    let (neighbor, live) = synchronized(&lab, &Table::full(200, 50));
    holds_for("the station up", Duration::from_millis(1200), || {
        live.end().map_or(Ok(()), |end| Err(format!("{end:?}")))
    });
    let (early, late) = (prefix("198.51.100.0/24"), prefix("198.51.101.0/24"));
    neighbor.announce(&[early], &attributes(1));
    neighbor.announce(&[late, prefix("2001:db8:1::/48")], &attributes(1));
    wait_synchronized(&live, &neighbor);
    let received = times(&live);
    assert_eq!(received.len(), 253);
    let spread = *received.values().max().unwrap() - *received.values().min().unwrap();
    assert!(spread > Duration::from_secs(1), "the routes came in {spread:?}");
    assert!(received[&early] <= received[&late]);

    lab.daemon.bmpctl(&["reset", "session", &lab.station()]).done();
    let again = lab.stations[0].wait_connection(2);
    wait_synchronized(&again, &neighbor);
    lab.stations[1].revive();
    wait_for("the station that was not there", TIMEOUT, || {
        let latest = lab.stations[1].latest().ok_or("no connection")?;
        let complete = latest.look(|record| record.complete_at(lab.peer));
        complete.ok_or_else(|| latest.summary())
    });
    let missed = lab.stations[1].latest().unwrap();
    wait_synchronized(&missed, &neighbor);
    let up = |connection: &Connection| connection.look(|r| r.peer_ups.last().unwrap().header.time);
    for connection in [&again, &missed] {
        assert_eq!(times(connection), received);
        assert_eq!(up(connection), up(&live), "when the neighbor came up");
    }
    lab.assert_legal();
}

#[test]
fn the_end_of_rib_of_a_family_comes_behind_all_of_its_routes() {
    let lab = Plan::default().start();
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(60_000, 20_000));
    wait_synchronized(&lab.stations[0].wait_connection(1), &neighbor);
    lab.daemon.bmpctl(&["reset", "session", &lab.station()]).done();
    let connection = lab.stations[0].wait_connection(2);
    wait_synchronized(&connection, &neighbor);
    let mut ended = vec![];
    each_update(&connection, |_, update| {
        for reach in update.announced() {
            assert!(!ended.contains(&reach.family), "routes behind the End-of-RIB: {reach:?}");
        }
        ended.extend(update.end_of_rib);
    });
    ended.sort_unstable();
    assert_eq!(ended, [Family::IPV4, Family::IPV6]);
    lab.assert_legal();
}

#[test]
fn a_neighbor_is_not_reported_before_both_opens_are_confirmed() {
    let lab = Plan::default().start();
    let first = lab.stations[0].wait_connection(1);
    let open = lab.options().open;
    // Connects, and stops when bmpd has confirmed.
    let half = || {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let socket = socket.unwrap();
        socket.bind(&SocketAddr::new(lab.peer, 0).into()).unwrap();
        socket.connect(&lab.listen.into()).unwrap();
        let mut stream: std::net::TcpStream = socket.into();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream.write_all(&open.encode()).unwrap();
        let mut answer = vec![];
        while !answer.ends_with(&bgp::message(kind::KEEPALIVE, &[])) {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
        stream
    };
    // One that goes before it is up was never there.
    drop(half());
    let mut stream = half();
    lab.daemon.bmpctl(&["reset", "session", &lab.station()]).done();
    let second = lab.stations[0].wait_connection(2);
    holds_for("nothing but an Initiation", Duration::from_millis(500), || {
        let peer_ups = |connection: &Connection| connection.look(|r| r.count(Kind::PeerUp));
        if peer_ups(&first) + peer_ups(&second) == 0 { Ok(()) } else { Err(second.summary()) }
    });
    stream.write_all(&bgp::message(kind::KEEPALIVE, &[])).unwrap();
    let up = second.wait("the Peer Up", TIMEOUT, |record| record.peer_ups.first().cloned());
    assert_eq!(up.received_open, open.encode());
    assert_eq!(second.look(|record| record.peer_downs.len()), 0);
    lab.assert_legal();
}

#[test]
fn the_backoff_grows_as_long_as_a_station_accepts_and_closes() {
    let lab = Plan { retry: [1, 60], ..Plan::default() }.start();
    lab.stations[0].wait_connection(1);
    lab.stations[0].pace(Pace::Closing);
    lab.stations[0].latest().unwrap().close();
    let attempts = || lab.stations[0].connections().len() - 1;
    // Waits of 1, 2 and 4 seconds, each up to a quarter shorter: the third is over after 5.25 s.
    holds_for("no third attempt", Duration::from_secs(5), || match attempts() {
        0..=2 => Ok(()),
        n => Err(format!("{n} attempts")),
    });
    assert!(attempts() >= 1, "it gave up");
}

/// Ten seconds of peace make a connection one that had lasted.
#[test]
fn a_connection_that_had_lasted_is_made_again_within_a_second_once_and_its_end_is_logged() {
    let lab = Plan { retry: [600, 600], log: "info", ..Plan::default() }.start();
    let first = lab.stations[0].wait_connection(1);
    lab.daemon.wait_state(lab.address, None, "Established");
    holds_for("the connection", Duration::from_millis(10_500), || {
        first.end().map_or(Ok(()), |end| Err(format!("{end:?}")))
    });
    first.close();
    let begun = Instant::now();
    let second = lab.stations[0].wait_connection(2);
    assert!(begun.elapsed() < Duration::from_secs(1), "it took {:?}", begun.elapsed());
    let log = lab.daemon.log();
    let is_warning = |line: &str| line.contains("WARN") && line.contains("station closed");
    assert!(log.lines().any(|line| is_warning(line) && line.contains(&lab.station())), "{log}");
    // This one had not.
    second.close();
    holds_for("no other attempt", Duration::from_secs(2), || {
        match lab.stations[0].connections().len() {
            2 => Ok(()),
            n => Err(format!("{n} connections")),
        }
    });
}

/// An UPDATE of exactly this length that announces the prefixes, with an attribute that nobody knows to
/// fill it.
fn update_of(length: usize, prefixes: &[Prefix]) -> Vec<u8> {
    let mut nlri = vec![];
    for prefix in prefixes {
        prefix.encode(&mut nlri);
    }
    let mut path = vec![];
    bgp::put_attribute(&mut path, 0x40, attribute::ORIGIN, &[0]);
    bgp::put_attribute(&mut path, 0x40, attribute::AS_PATH, &[2, 1, 0, 0, 0xfd, 0xe9]);
    if prefixes[0].family() == Family::IPV4 {
        bgp::put_attribute(&mut path, 0x40, attribute::NEXT_HOP, &[192, 0, 2, 1]);
    } else {
        let hop: Ipv6Addr = "2001:db8::1".parse().unwrap();
        let reach = [&[0, 2, 1, 16][..], &hop.octets(), &[0], &nlri].concat();
        bgp::put_attribute(&mut path, 0x80, attribute::MP_REACH, &reach);
        nlri.clear();
    }
    // The header of the attribute has four bytes, since it is longer than 255.
    let rest = length - bgp::HEADER - 4 - path.len() - nlri.len() - 4;
    bgp::put_attribute(&mut path, 0xc0, 200, &vec![7; rest]);
    let mut body = vec![0, 0];
    body.extend_from_slice(&(path.len() as u16).to_be_bytes());
    body.extend_from_slice(&path);
    body.extend_from_slice(&nlri);
    let update = bgp::message(kind::UPDATE, &body);
    assert_eq!(update.len(), length);
    update
}

#[test]
fn the_longest_extended_messages_pass_through_whole_and_longer_ones_than_agreed_do_not() {
    const LONGEST: usize = 65_535;
    let lab = Plan::default().start();
    let mut options = lab.options();
    options.open.extended_message = true;
    let neighbor = Neighbor::connect(&options, lab.listen);
    let many: Vec<Prefix> =
        (0..12_000u32).map(|n| Prefix::new(Ipv4Addr::from(10 << 24 | n).into(), 32)).collect();
    let few = [prefix("198.51.100.0/24"), prefix("198.51.101.0/24")];
    neighbor.send(update_of(LONGEST, &few));
    neighbor.send(update_of(LONGEST, &many));
    neighbor.send(update_of(LONGEST, &[prefix("2001:db8:1::/48"), prefix("2001:db8:2::/48")]));
    neighbor.end_of_rib(Family::IPV4);
    neighbor.end_of_rib(Family::IPV6);
    wait_synchronized(&lab.stations[0].wait_connection(1), &neighbor);
    // All but one route in one message.
    let mut gone = vec![];
    many[1..].iter().for_each(|prefix| prefix.encode(&mut gone));
    let length = (gone.len() as u16).to_be_bytes();
    let withdrawal = bgp::message(kind::UPDATE, &[&length[..], &gone, &[0, 0]].concat());
    assert!(withdrawal.len() > 60_000);
    neighbor.send(withdrawal);
    wait_synchronized(&lab.stations[0].wait_connection(1), &neighbor);
    lab.daemon.bmpctl(&["reset", "session", &lab.station()]).done();
    wait_synchronized(&lab.stations[0].wait_connection(2), &neighbor);
    for connection in lab.stations[0].connections() {
        let longest = connection
            .look(|record| record.sequence.iter().map(|(_, range)| range.len()).max().unwrap());
        assert_eq!(longest, LONGEST + COMMON_HEADER + PEER_HEADER);
    }
    neighbor.close();

    // Without the capability 4096 bytes are the most.
    let neighbor = lab.connect();
    let latest = lab.stations[0].latest().unwrap();
    neighbor.send(update_of(bgp::MAX_MESSAGE, &few));
    latest.wait_routes(lab.peer, &neighbor.expected(), TIMEOUT);
    neighbor.send_raw(&update_of(bgp::MAX_MESSAGE + 1, &few));
    let notification = neighbor.wait_closed(TIMEOUT).notification;
    assert_eq!(notification, Some((1, 2, 4097u16.to_be_bytes().to_vec())));
    lab.assert_legal();
}
