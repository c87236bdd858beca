//! A router whose connection is lost: its tables are held for `hold-time`, and when it is back stations are sent only
//! what differs.

use std::ops::Range;
use std::time::Duration;

use tests::addresses::loopback;
use tests::bgp::{Family, end_of_rib};
use tests::bmp::message::{self, flag, monitoring, text, tlv};
use tests::bmp::{Kind, PeerHeader};
use tests::relay::example::{Example, simple, simple_up};
use tests::relay::{Lab, Plan, Router};
use tests::station::{Connection, End};
use tests::table::Table;
use tests::wait::{holds_for, wait_until};

use super::{QUIET, announcement, global};

const TIMEOUT: Duration = Duration::from_secs(30);

const ROUTES: [&str; 3] = ["198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"];

fn lab(hold_time: u32) -> Lab {
    Plan { routers: &[("edge1", &format!("hold-time = {hold_time}"))], ..Plan::default() }.start()
}

/// Two peers with the same routes.
fn two_peers() -> Vec<u8> {
    [1, 2].map(|n| simple(&global(n), &announcement(&ROUTES, 1))).concat()
}

/// The router with two peers, and the early station that knows them.
fn begin(lab: &Lab) -> (Router, Connection) {
    let router = lab.connect("edge1");
    router.send(two_peers());
    let early = lab.early.wait_leg("edge1");
    early.wait_known(&router.summary());
    (router, early)
}

/// What the messages of a connection are, from one on.
fn kinds(leg: &Connection, from: usize) -> Vec<Kind> {
    leg.look(|record| record.sequence[from..].iter().map(|(kind, _)| *kind).collect())
}

fn count(leg: &Connection) -> usize {
    leg.look(|record| record.sequence.len())
}

/// Checks that nothing is sent for a while.
#[track_caller]
fn nothing_comes(leg: &Connection) {
    let before = leg.carried();
    holds_for("nothing to be sent", QUIET, || match (leg.carried() - before, leg.end()) {
        (0, None) => Ok(()),
        other => Err(format!("{other:?}: {}", leg.known().brief())),
    });
}

#[test]
fn a_router_that_is_back_within_its_hold_time_sends_the_stations_what_differs_and_nothing_else() {
    let mut lab = lab(120);
    let (router, early) = begin(&lab);
    let expected = router.summary();
    router.close();
    lab.wait_state("edge1", "held");
    nothing_comes(&early);
    // One that comes now gets what is held.
    let late = lab.start_late().wait_leg("edge1");
    late.wait_known(&expected);
    nothing_comes(&late);

    let before = [count(&early), count(&late)];
    let moved = [early.known().moved, late.known().moved];
    let router = lab.connect("edge1");
    // The second peer is as it was, and of the first one route is missing, one changed, one new.
    let changed = [
        announcement(&ROUTES[..1], 1),
        announcement(&ROUTES[1..2], 2),
        announcement(&["100.64.0.0/10"], 1),
    ];
    router.send(simple(&global(1), &changed.concat()));
    router.send(simple(&global(2), &announcement(&ROUTES, 1)));
    lab.wait_state("edge1", "established");
    for (leg, (before, moved)) in [&early, &late].iter().zip(before.into_iter().zip(moved)) {
        leg.wait_known(&router.summary());
        nothing_comes(leg);
        let now = leg.known().moved;
        assert_eq!(
            [now[0] - moved[0], now[1] - moved[1]],
            [2, 1],
            "a change, a new route, a withdrawal"
        );
        assert_eq!(kinds(leg, before), [Kind::RouteMonitoring; 3]);
        leg.assert_legal();
    }
    assert_eq!((lab.early.connections().len(), lab.late.connections().len()), (1, 1));
}

/// Each route comes once: what changes within a dump is sent.
#[test]
fn a_router_that_is_back_with_the_same_tables_sends_the_stations_nothing() {
    let lab = lab(120);
    let table = Table::of(64_500, 20_000, 2_000);
    let headers: Vec<PeerHeader> = (1..=4).map(global).collect();
    let views = [0, flag::POST_POLICY, flag::ADJ_RIB_OUT, flag::ADJ_RIB_OUT | flag::POST_POLICY];
    let dump: Vec<u8> = headers
        .iter()
        .zip(views)
        .flat_map(|(header, view)| {
            let of_view = header.with(view);
            [
                simple_up(header),
                monitoring(&of_view, table.bytes()),
                monitoring(&of_view, &announcement(&ROUTES[2..], 1)),
                monitoring(&of_view, &end_of_rib(Family::IPV4)),
            ]
            .concat()
        })
        .collect();
    let router = lab.connect("edge1");
    router.send(&dump);
    let early = lab.early.wait_leg("edge1");
    early.wait_known(&router.summary());
    let before = count(&early);
    let moved = early.known().moved;
    router.reset();
    lab.wait_state("edge1", "held");
    let router = lab.connect("edge1");
    router.send(&dump);
    lab.wait_state("edge1", "established");
    // Something new, behind all that is as it was.
    router.send(message::peer_down(&headers[2], 4, &[]));
    early.wait_router("the Peer Down", |s| (s.downs.len() == 1).then_some(()));
    early.wait_known(&router.summary());
    assert_eq!(kinds(&early, before), [Kind::PeerDown]);
    assert_eq!(early.known().moved, moved);
    early.assert_legal();
}

#[test]
fn a_router_that_crashed_in_its_dump_and_is_back_again_is_whole_in_the_end() {
    let mut lab = lab(120);
    let router = lab.dial("edge1");
    let mut example = Example::new("edge1", 8);
    router.send(example.dump());
    router.send((0..500).flat_map(|_| example.change()).collect::<Vec<u8>>());
    let early = lab.early.wait_leg("edge1");
    early.wait_known(&router.summary());
    router.reset();
    // Twice it gets no further than into the middle, and the middle of a message.
    for part in [2, 3] {
        lab.wait_state("edge1", "held");
        let router = lab.dial("edge1");
        let dump = Example::new("edge1", 20 + part as u64).dump();
        router.send(&dump[..dump.len() / part]);
        lab.wait_state("edge1", "established");
        router.reset();
    }
    lab.wait_state("edge1", "held");
    let router = lab.dial("edge1");
    let mut example = Example::new("edge1", 9);
    router.send(example.dump());
    router.send((0..500).flat_map(|_| example.change()).collect::<Vec<u8>>());
    let direct = router.summary();
    early.wait_known_as(&direct, |s| s.clone().without_times());
    let late = lab.start_late().wait_leg("edge1");
    late.wait_known_as(&direct, |s| s.clone().without_times());
    assert_eq!(early.known().difference(&late.known()), None);
    assert_eq!(lab.early.connections().len(), 1);
    lab.early.assert_legal();
    lab.late.assert_legal();
}

#[test]
fn a_peer_that_does_not_come_back_with_its_router_goes_down() {
    let lab = lab(3);
    let (router, early) = begin(&lab);
    router.close();
    lab.wait_state("edge1", "held");
    let router = lab.connect("edge1");
    router.send(simple(&global(2), &announcement(&ROUTES, 1)));
    early.wait_router("the Peer Down of one peer", |s| (s.downs.len() == 1).then_some(()));
    early.wait_known(&router.summary());
    early.assert_legal();
}

#[test]
fn a_peer_whose_session_has_come_up_anew_meanwhile_is_sent_with_its_new_peer_up() {
    let mut lab = lab(120);
    let (router, early) = begin(&lab);
    router.close();
    lab.wait_state("edge1", "held");
    let router = lab.dial("edge1");
    router.send(Example::new("edge1", 1).initiation());
    let anew = global(1).at(Duration::from_secs(1_800_000_000));
    router.send(simple(&anew, &announcement(&ROUTES, 1)));
    router.send(simple(&global(2), &announcement(&ROUTES, 1)));
    let untimed = |s: &tests::relay::Summary| s.clone().without_times();
    early.wait_router("another Peer Up", |s| (s.ups.len() == 3).then_some(()));
    early.wait_known_as(&router.summary(), untimed);
    early.router(|s| assert_eq!(*s.ups.last().unwrap(), simple_up(&anew)));
    let late = lab.start_late().wait_leg("edge1");
    late.wait_known_as(&router.summary(), untimed);
    assert_eq!(early.known().difference(&late.known()), None);
    early.assert_legal();
}

/// Its peers are up still for the stations: what comes of them before they are up again is no part of it.
#[test]
fn what_is_missing_is_withdrawn_at_the_end_of_rib_of_its_own_table_and_not_before() {
    let lab = lab(120);
    let (router, early) = begin(&lab);
    router.close();
    lab.wait_state("edge1", "held");
    let router = lab.connect("edge1");
    router.send(simple_up(&global(1)));
    router.send(monitoring(&global(1), &announcement(&["100.64.0.0/10"], 1)));
    early.wait_router("the new route", |s| (s.peer(&global(1))?.routes() == 4).then_some(()));
    router.send(monitoring(&global(1), &end_of_rib(Family::IPV4)));
    early.wait_router("two fewer", |s| (s.peer(&global(1))?.routes() == 2).then_some(()));
    let left = |range: Range<usize>| early.router(|s| range.contains(&s.routes_held()));
    assert!(left(5..6), "of the other family and of the other peer nothing has ended");
    router.send(monitoring(&global(1), &end_of_rib(Family::IPV6)));
    early.wait_router("one more", |s| (s.peer(&global(1))?.routes() == 1).then_some(()));
    router.send(simple(&global(2), &announcement(&ROUTES, 1)));
    early.wait_known(&router.summary());
    early.assert_legal();
}

/// A station of the router itself would not know the peer yet.
#[test]
fn what_comes_of_a_held_peer_before_it_is_up_again_is_dropped() {
    let lab = lab(120);
    let (router, early) = begin(&lab);
    let before = count(&early);
    router.close();
    lab.wait_state("edge1", "held");
    let router = lab.connect("edge1");
    router.send_unrecorded(&monitoring(&global(1), &announcement(&["100.64.0.0/10"], 1)));
    router.send_unrecorded(&message::statistics(&global(1), &[(7, vec![0; 8])]));
    router.send(two_peers());
    router.send(monitoring(&global(2), &announcement(&["100.64.0.0/10"], 1)));
    early.wait_known(&router.summary());
    assert_eq!(kinds(&early, before), [Kind::RouteMonitoring]);
    assert_eq!(lab.router("edge1")["received"]["without_peer"], 2);
}

#[test]
fn the_legs_of_a_router_that_is_not_back_in_time_close_without_a_termination() {
    let lab = lab(2);
    let (router, early) = begin(&lab);
    router.close();
    assert_eq!(early.wait_end(TIMEOUT).1, End::Closed);
    early.router(|s| {
        assert_eq!((s.termination.as_ref(), s.downs.len(), s.moved[1]), (None, 0, 0));
    });
    lab.wait_state("edge1", "listening");
    let count = lab.early.connections().len();
    holds_for("no further connection", QUIET, || match lab.early.connections().len() - count {
        0 => Ok(()),
        n => Err(format!("{n} more")),
    });
    // When it is back it is sent from the beginning.
    let router = lab.connect("edge1");
    router.send(simple(&global(3), &announcement(&ROUTES[..1], 1)));
    let again = lab.early.wait_leg("edge1");
    again.wait_known(&router.summary());
    assert_ne!(again.number, early.number);
    lab.early.assert_legal();
}

#[test]
fn without_a_hold_time_the_legs_close_with_the_connection_of_the_router() {
    let lab = lab(0);
    let (router, early) = begin(&lab);
    router.close();
    assert_eq!(early.wait_end(TIMEOUT).1, End::Closed);
    early.router(|s| assert_eq!((s.termination.as_ref(), s.downs.len()), (None, 0)));
    lab.wait_state("edge1", "listening");
}

#[test]
fn a_termination_is_sent_on_with_its_tlvs_behind_all_that_came_before_and_ends_the_legs() {
    let mut lab = lab(120);
    lab.start_late();
    let (router, early) = begin(&lab);
    let late = lab.late.wait_leg("edge1");
    late.wait_known(&router.summary());
    let last = announcement(&["100.64.0.0/10"], 1);
    let termination = message::termination(&[
        text(tlv::STRING, "maintenance"),
        (tlv::REASON, vec![0, 4]),
        (65_004, vec![9]),
    ]);
    router.send([monitoring(&global(1), &last), termination.clone()].concat());
    for leg in [&early, &late] {
        assert_eq!(leg.wait_end(TIMEOUT).1, End::Closed);
        leg.router(|s| {
            assert_eq!(s.termination, Some(termination.clone()));
            assert_eq!(s.difference(&router.summary()), None);
        });
        leg.assert_legal();
    }
    // Nothing is held of a router that has sent a Termination.
    lab.wait_state("edge1", "listening");
    router.wait_closed();
    let again = lab.connect("edge1");
    again.send(simple(&global(2), &announcement(&ROUTES, 3)));
    for station in [&lab.early, &lab.late] {
        station.wait_leg("edge1").wait_known(&again.summary());
    }
}

#[test]
fn a_reset_of_the_router_itself_makes_it_dump_again_and_the_stations_are_sent_what_differs() {
    let lab = lab(120);
    let (router, early) = begin(&lab);
    lab.daemon.bmpctl(&["reset", "router", "edge1"]).done();
    router.wait_closed();
    let before = count(&early);
    let router = lab.connect("edge1");
    router.send(simple(&global(1), &announcement(&ROUTES[..2], 1)));
    router.send(simple(&global(2), &announcement(&ROUTES, 1)));
    early.wait_known(&router.summary());
    assert_eq!(kinds(&early, before), [Kind::RouteMonitoring]);
}

#[test]
fn a_router_that_connects_in_time_and_says_nothing_until_its_hold_time_is_over_is_sent_anew() {
    let lab = lab(2);
    let (router, early) = begin(&lab);
    router.close();
    lab.wait_state("edge1", "held");
    let router = lab.dial("edge1");
    assert_eq!(early.wait_end(TIMEOUT).1, End::Closed);
    lab.wait_state("edge1", "opening");
    assert!(!router.is_closed());
    router.send(message::initiation_of("edge1"));
    router.send(simple(&global(3), &announcement(&ROUTES[..1], 1)));
    let again = lab.early.wait_leg("edge1");
    again.wait_known(&router.summary());
    again.router(|s| assert_eq!((s.ups.len(), s.moved), (1, [1, 0])));
    lab.early.assert_legal();
}

#[test]
fn a_router_of_a_prefix_is_held_as_any_other_and_forgotten_afterwards() {
    let address = loopback();
    let lines = "prefix = \"127.0.0.0/8\"\nhold-time = 3";
    let lab = Plan { routers: &[("no name", lines)], ..Plan::default() }.start();
    let dump = [message::initiation_of("leaf1"), two_peers()].concat();
    let router = Router::connect(address, lab.listen);
    router.send(&dump);
    let early = lab.early.wait_leg("leaf1");
    early.wait_known(&router.summary());
    router.close();
    lab.wait_state("leaf1", "held");
    let router = Router::connect(address, lab.listen);
    router.send(&dump);
    lab.wait_state("leaf1", "established");
    router.send(monitoring(&global(1), &announcement(&["100.64.0.0/10"], 1)));
    early.wait_known(&router.summary());
    assert_eq!(lab.early.connections().len(), 1);
    router.close();
    early.wait_end(TIMEOUT);
    wait_until("the router to be forgotten", TIMEOUT, || {
        !lab.daemon.bmpctl(&["show", "router"]).text().contains("leaf1")
    });
    lab.early.assert_legal();
}
