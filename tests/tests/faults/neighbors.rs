//! Neighbors that send what they should not, or more than anybody needs.

use std::net::SocketAddr;

use tests::bgp::{self, Family, kind};
use tests::bmp::Mode;
use tests::daemon;
use tests::faults::neighbors::{
    attribute_sets, dial, flaps, flood, garbage, garbage_when_up, half_messages, host, path,
    silent_connections, update_of, wait_routes,
};
use tests::faults::{Footprint, Ground, Margin, Terms};
use tests::neighbor::Neighbor;
use tests::random::Random;
use tests::station::{Pace, Station};
use tests::wait::wait_for;

use super::{LINES, SMALL, TIMEOUT};

#[test]
fn garbage_from_a_neighbor_ends_its_connection_and_is_logged_a_few_times() {
    let ground = Ground::start(Terms::default());
    let mut random = Random::new(1);
    ground.thrice(SMALL, |ground| {
        for _ in 0..10 {
            garbage(ground, &mut random);
        }
    });
    ground.wait_reason("NOTIFICATION");
    ground.assert_logged(&ground.culprit.to_string(), LINES);
}

#[test]
fn garbage_on_sessions_that_come_up_again_and_again_is_logged_a_few_times() {
    let ground = Ground::start(Terms::default());
    let mut random = Random::new(2);
    ground.thrice(SMALL, |ground| {
        for _ in 0..15 {
            assert_eq!(garbage_when_up(ground, &mut random), Some((1, 1)));
        }
    });
    ground.wait_reason("Connection Not Synchronized");
    assert_eq!(ground.neighbor(ground.culprit)["established_count"], 45);
    ground.assert_logged(&ground.culprit.to_string(), LINES);
}

#[test]
fn half_messages_leave_nothing_behind() {
    let ground = Ground::start(Terms::default());
    ground.thrice(SMALL, |ground| half_messages(ground, 3));
    ground.wait_reason("closed");
    ground.assert_logged(&ground.culprit.to_string(), LINES);
}

#[test]
fn connections_that_say_nothing_leave_nothing_behind_and_the_neighbor_comes_through() {
    let ground = Ground::start(Terms::default());
    ground.thrice(SMALL, |ground| {
        silent_connections(ground, 300);
        // It comes through beside those that still wait to be accepted.
        let neighbor = ground.connect();
        neighbor
            .announce(&[host(1)], &tests::table::Attributes::sample(65002, &mut Random::new(3)));
        wait_routes(ground, 1);
        drop(neighbor);
    });
    ground.assert_logged(&ground.culprit.to_string(), LINES);
}

/// The longest AS_PATHs that messages of either length can have arrive as they were sent, and one octet more
/// is the end of the session.
#[test]
fn as_paths_of_the_greatest_length_arrive_as_they_are() {
    let keeping = Station::listen(tests::addresses::loopback(), Mode::Keeping);
    let session = daemon::session(keeping.ip(), keeping.port(), None);
    let ground = Ground::start(Terms { tables: &session, ..Terms::default() });
    let before = ground.begin();
    for extended in [false, true] {
        let longest = if extended { 65_535 } else { bgp::MAX_MESSAGE };
        let mut options = ground.options();
        options.open.extended_message = extended;
        let neighbor = Neighbor::connect(&options, ground.listen);
        // As many as fit, and then as many of one octet as are left, in an attribute that nobody knows.
        let message = |hops: u32, filling: usize| {
            let mut path = path(&(0..hops).map(|hop| 65002 + hop).collect::<Vec<u32>>());
            if filling > 0 {
                bgp::put_attribute(&mut path, 0xc0, 201, &vec![1; filling]);
            }
            update_of(&path, &[host(7)])
        };
        let hops = (1..).find(|hops| message(hops + 1, 0).len() > longest - 4).unwrap();
        let rest = longest - message(hops, 0).len();
        // The header of the attribute has three bytes.
        let whole = if rest > 3 { message(hops, rest - 3) } else { message(hops, 0) };
        assert!(whole.len() > longest - 8 && whole.len() <= longest, "{}", whole.len());
        neighbor.send(whole);
        neighbor.end_of_rib(Family::IPV4);
        neighbor.end_of_rib(Family::IPV6);
        keeping.latest().unwrap().wait_routes(ground.culprit, &neighbor.expected(), TIMEOUT);
        drop(neighbor);
        if extended {
            continue;
        }
        let neighbor = Neighbor::connect(&options, ground.listen);
        let _ = neighbor.try_send(&message(hops + 2, 0));
        let (code, subcode, _) = neighbor.wait_closed(TIMEOUT).notification.unwrap();
        assert_eq!((code, subcode), (1, 2));
        ground.wait_reason("Bad Message Length");
    }
    ground.assert_undisturbed(&before);
    keeping.assert_legal();
}

/// A million sets of attributes cost what they weigh, and nothing once their neighbor is gone.
#[test]
fn a_million_attribute_sets_are_given_back_with_their_neighbor() {
    const SETS: u32 = 1_000_000;
    let mut ground = Ground::start(Terms::default());
    // It would take longer to count them than bmpd takes to keep them.
    ground.counter.kill();
    let sets = attribute_sets(SETS);
    ground.thrice(Margin { memory_kib: 8 * 1024 }, |ground| {
        let neighbor = ground.connect();
        neighbor.send_raw(&sets);
        wait_routes(ground, SETS.into());
        ground.flows();
        let now = Footprint::take(&ground.daemon).unwrap();
        // 18 bytes of records, 6 of the route, 40 of attributes, 8 and 8 to find them, and what is spare.
        assert!((60_000..150_000).contains(&now.tables_kib), "{now:?}");
        neighbor.close();
        wait_for("the tables to be given back", TIMEOUT, || {
            let now = Footprint::take(&ground.daemon)?;
            if now.tables_kib < 1024 { Ok(()) } else { Err(format!("{now:?}")) }
        });
    });
}

/// A hundred thousand flaps as fast as they go: the log of the table does not grow, and a station that does
/// not read is not sent them.
#[test]
fn a_route_that_flaps_without_pause_costs_nothing_and_is_not_sent_to_a_stalled_station() {
    let stalled = Station::listen_at(
        SocketAddr::new(tests::addresses::loopback(), 0),
        Mode::Counting,
        Some(4096),
    );
    let session = daemon::session(stalled.ip(), stalled.port(), None);
    let ground = Ground::start(Terms { tables: &session, ..Terms::default() });
    stalled.wait_connection(1).wait_complete(ground.bystander.ip(), TIMEOUT);
    stalled.pace(Pace::Stalled);
    let neighbor = ground.connect();
    flaps(&neighbor, 1000);
    ground.flows();
    ground.thrice(SMALL, |ground| {
        flaps(&neighbor, 100_000);
        let last = host(9);
        neighbor.send(update_of(&path(&[65002]), &[last]));
        wait_routes(ground, 1);
        let now = Footprint::take(&ground.daemon).unwrap();
        assert!(now.tables_kib < 2048, "{now:?}");
        neighbor.withdraw(&[last]);
        wait_routes(ground, 0);
    });
    assert_eq!(ground.neighbor(ground.culprit)["established_count"], 1);
    let counted = |station: &Station| {
        station.latest().unwrap().look(|record| record.announced + record.withdrawn)
    };
    let before = counted(&stalled);
    stalled.pace(Pace::Full);
    neighbor.send(update_of(&path(&[65002]), &[host(10)]));
    let connection = stalled.latest().unwrap();
    connection.wait("the last route", TIMEOUT, |record| {
        (record.peer(ground.culprit)?.announced > 0).then_some(())
    });
    ground.daemon.wait_state(stalled.ip(), None, "Established");
    // What was under way when it stalled, at most; there were 600,000.
    let sent = counted(&stalled) - before;
    assert!(sent < 60_000, "{sent} were sent to a station that did not read");
    assert_eq!(stalled.connections().len(), 1);
    drop(neighbor);
}

#[test]
fn malformed_attributes_without_end_are_one_line_and_one_reason() {
    let ground = Ground::start(Terms::default());
    let before = ground.begin();
    let neighbor = ground.connect();
    let mut attributes = path(&[65002]);
    // An ORIGIN that there is not.
    attributes[3] = 9;
    let bad = update_of(&attributes, &[host(1)]);
    for _ in 0..200 {
        neighbor.send_raw(&bad.repeat(50));
    }
    wait_for("the UPDATEs to be counted", TIMEOUT, || {
        let shown = ground.neighbor(ground.culprit);
        let counted = shown["updates_treated_as_withdraw"] == 10_000;
        if counted { Ok(()) } else { Err(shown.to_string()) }
    });
    ground.wait_reason("treated as a withdrawal: attribute 1 is malformed");
    ground.assert_logged("treated as a withdrawal", 1);
    assert_eq!(ground.neighbor(ground.culprit)["state"], "established");
    ground.assert_undisturbed(&before);
}

#[test]
fn repeated_connections_of_an_unknown_peer_are_one_line() {
    let ground = Ground::start(Terms::default());
    let unknown = tests::addresses::loopback();
    let options = tests::neighbor::Options::new(unknown, 65009);
    ground.thrice(SMALL, |ground| {
        for _ in 0..100 {
            assert!(Neighbor::try_connect(&options, ground.listen).is_err());
        }
    });
    ground.assert_logged(&unknown.to_string(), 1);
}

/// With a limit, the neighbor that floods is ended before the system ends bmpd, and kept out for a while.
#[test]
fn a_neighbor_that_floods_beyond_the_memory_limit_is_ended_and_kept_out() {
    let ground = Ground::start(Terms {
        bgp: "memory-limit = 16",
        neighbor: "maximum-routes.limit = 100000000",
        ..Terms::default()
    });
    let before = ground.begin();
    let calm = Footprint::of(&ground.daemon);
    assert_eq!(flood(&ground), Some((6, 8)));
    ground.wait_reason("memory-limit is 16 MiB");
    ground.wait_reason("Out of Resources");
    ground.assert_logged("memory-limit is 16 MiB", 1);
    ground.assert_undisturbed(&before);
    // It is not accepted at once, whose routes would be as many again.
    let mut refused = vec![];
    std::io::Read::read_to_end(&mut dial(&ground).unwrap(), &mut refused).unwrap();
    assert_eq!((refused[18], refused[19], refused[20]), (kind::NOTIFICATION, 6, 5), "{refused:?}");
    let back = calm.wait_back(&ground.daemon, None, TIMEOUT).unwrap();
    // What the flood took is gone; the tables of others may have been indexed since.
    assert!(back.tables_kib <= calm.tables_kib + 64, "{back:?} {calm:?}");
    let status = tests::faults::json(&ground.daemon, &["show", "status"]);
    assert_eq!(status["status"]["table_memory_maximum"], 16 << 20);

    // Another limit is in effect at once, and a changed neighbor is accepted.
    let config = ground.config.replace("memory-limit = 16", "memory-limit = 17");
    ground.daemon.rewrite_config(&config.replace("100000000", "100000001"));
    let reload = ground.daemon.bmpctl(&["reload"]);
    assert!(reload.done().contains("bgp.memory-limit 16 MiB -> 17 MiB"), "{reload}");
    let neighbor = ground.connect();
    neighbor.send(update_of(&path(&[65002]), &[host(1)]));
    wait_routes(&ground, 1);
    ground.assert_undisturbed(&before);
}
