//! Stations that come, go and lag while a router changes: all know the same in the end.

use std::time::Duration;

use tests::bgp::Family;
use tests::bmp::message::{self, monitoring, text, tlv};
use tests::random::Random;
use tests::relay::example::{Example, simple, simple_up};
use tests::relay::{Plan, Summary};
use tests::station::{End, Pace};
use tests::table::Table;

use super::{announcement, global};

const TIMEOUT: Duration = Duration::from_secs(60);

#[test]
fn a_leg_that_is_reset_again_and_again_amid_changes_knows_the_same_in_the_end() {
    let mut lab = Plan { log: "info", ..Plan::default() }.start();
    let router = lab.dial("edge1");
    let mut example = Example::new("edge1", 11);
    router.send(example.dump());
    lab.early.wait_leg("edge1");
    lab.start_late();
    for round in 0..12 {
        router.send((0..150).flat_map(|_| example.change()).collect::<Vec<u8>>());
        let session = if round % 2 == 0 { "all" } else { &lab.early.ip().to_string() };
        lab.daemon.bmpctl(&["reset", "session", session, "--router", "edge1"]).done();
        router.send((0..50).flat_map(|_| example.change()).collect::<Vec<u8>>());
    }
    let direct = router.summary();
    for station in [&lab.early, &lab.late] {
        station.wait_leg("edge1").wait_known(&direct);
        station.assert_legal();
    }
}

#[test]
fn a_station_that_reads_slowly_amid_changes_knows_the_same_in_the_end() {
    let plan = Plan { receive_buffer: Some(8 * 1024), log: "info", ..Plan::default() };
    let mut lab = plan.start();
    let router = lab.dial("edge1");
    let mut example = Example::new("edge1", 12);
    router.send(example.dump());
    let early = lab.early.wait_leg("edge1");
    let late = lab.start_late().wait_leg("edge1");
    lab.early.pace(Pace::Slow(200_000));
    for _ in 0..8 {
        router.send((0..400).flat_map(|_| example.change()).collect::<Vec<u8>>());
        for n in 0..example.headers().len() {
            router.send(example.up_again(n));
        }
        late.wait_known(&router.summary());
    }
    let direct = router.summary();
    lab.early.pace(Pace::Full);
    early.wait_known(&direct);
    for station in [&lab.early, &lab.late] {
        station.assert_legal();
    }
}

/// The router is lost and back, stations come and are reset, at any time; what the last connection said counts.
#[test]
fn whatever_router_and_stations_do_at_once_all_know_the_same_in_the_end() {
    let untimed = |s: &Summary| s.clone().without_times();
    for seed in [31, 32] {
        let routers = &[("edge1", "hold-time = 60")];
        let mut lab = Plan { routers, log: "info", ..Plan::default() }.start();
        let mut random = Random::new(seed);
        let mut example = Example::new("edge1", seed);
        let mut router = lab.dial("edge1");
        router.send(example.dump());
        lab.early.wait_leg("edge1");
        lab.start_late();
        for _ in 0..25 {
            match random.below(5) {
                0 => {
                    // Another one, which begins with as much of its dump as goes into the socket.
                    router = lab.dial("edge1");
                    example = Example::new("edge1", random.draw());
                    router.send(example.dump());
                }
                1 => {
                    lab.daemon.bmpctl(&["reset", "session", "all", "--router", "edge1"]).done();
                }
                2 => lab.late.kill(),
                _ => {
                    let count = random.below(100);
                    router.send((0..count).flat_map(|_| example.change()).collect::<Vec<u8>>());
                }
            }
            lab.late.revive();
        }
        let direct = router.summary();
        let legs = [&lab.early, &lab.late].map(|station| {
            let leg = station.wait_leg("edge1");
            leg.wait_known_as(&direct, untimed);
            leg
        });
        assert_eq!(legs[0].known().difference(&legs[1].known()), None);
        lab.early.assert_legal();
        lab.late.assert_legal();
    }
}

/// What was sent before the end of a connection counts, whether anybody had read it by then or not.
#[test]
fn a_router_that_says_all_and_closes_at_once_is_held_whole() {
    let routers = &[("edge1", "hold-time = 60")];
    let lab = Plan { routers, log: "info", ..Plan::default() }.start();
    let router = lab.dial("edge1");
    let mut example = Example::new("edge1", 14);
    router.send(example.dump());
    let table = monitoring(&global(9), Table::of(65_001, 20_000, 5_000).bytes());
    router.send([simple_up(&global(9)), table].concat());
    let direct = router.summary();
    router.close();
    let early = lab.early.wait_leg("edge1");
    lab.wait_state("edge1", "held");
    early.wait_known(&direct);
    early.assert_legal();
}

#[test]
fn a_termination_behind_a_large_table_waits_until_the_table_was_sent() {
    let mut lab = Plan { log: "info", ..Plan::default() }.start();
    lab.start_late();
    lab.early.pace(Pace::Slow(4_000_000));
    let router = lab.connect("edge1");
    router.send(simple(&global(1), Table::of(65_001, 40_000, 10_000).bytes()));
    router.send(message::termination(&[
        (tlv::REASON, vec![0, 1]),
        text(tlv::STRING, "that was all"),
    ]));
    let direct = router.summary();
    router.wait_closed();
    for station in [&lab.early, &lab.late] {
        let leg = station.wait_connection(1);
        assert_eq!(leg.wait_end(TIMEOUT).1, End::Closed);
        assert_eq!(direct.difference(&leg.known()), None);
        assert_eq!(leg.known().termination, direct.termination);
        station.assert_legal();
    }
}

/// Between two connections of a router to the same station there is no byte of the first in the second.
#[test]
fn a_station_that_is_killed_in_the_middle_of_a_dump_gets_it_whole_from_the_beginning() {
    let mut lab = Plan { receive_buffer: Some(8 * 1024), log: "info", ..Plan::default() }.start();
    let router = lab.connect("edge1");
    router.send(simple(&global(1), Table::of(65_001, 40_000, 10_000).bytes()));
    for _ in 0..3 {
        let leg = lab.early.wait_leg("edge1");
        leg.wait_router("some of it", |s| (s.routes_held() > 1000).then_some(()));
        lab.early.kill();
        router.send(monitoring(&global(1), &announcement(&["198.51.100.0/24"], 1)));
        lab.early.revive();
    }
    lab.early.wait_leg("edge1").wait_known(&router.summary());
    lab.early.assert_legal();
    let held = lab.early.wait_leg("edge1").router(|s| {
        let tables = &s.peer(&global(1)).unwrap().tables;
        tables.iter().map(|((_, family), t)| (*family, t.routes.len())).collect::<Vec<_>>()
    });
    assert_eq!(held, [(Family::IPV4, 40_001), (Family::IPV6, 10_000)]);
}
