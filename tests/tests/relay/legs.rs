//! Each station has a connection for each router, and none gets in the way of another.

use std::time::{Duration, Instant};

use tests::addresses::loopback;
use tests::bmp::PeerHeader;
use tests::bmp::message::{self, initiation_of, loc_rib, monitoring, peer};
use tests::relay::example::{Example, simple};
use tests::relay::{Lab, Plan, Router};
use tests::station::{Connection, End, Pace};
use tests::table::Table;
use tests::wait::{holds_for, wait_until};

use super::{QUIET, announcement, global};

const TIMEOUT: Duration = Duration::from_secs(30);

const TWO: &[(&str, &str)] = &[("edge1", ""), ("edge2", "")];

/// Two routers, each with all that there is, and a station that knows it.
fn two(lab: &Lab) -> [(Router, Connection); 2] {
    [("edge1", 1), ("edge2", 2)].map(|(name, seed)| {
        let router = lab.dial(name);
        router.send(Example::new(name, seed).dump());
        let leg = lab.early.wait_leg(name);
        leg.wait_known(&router.summary());
        (router, leg)
    })
}

#[test]
fn a_reset_of_one_leg_sends_its_router_again_and_touches_no_other() {
    let mut lab = Plan { routers: TWO, ..Plan::default() }.start();
    let [(first, _), (second, _)] = two(&lab);
    lab.start_late();
    for (name, router) in [("edge1", &first), ("edge2", &second)] {
        lab.late.wait_leg(name).wait_known(&router.summary());
    }
    let of = |name| [&lab.early, &lab.late].map(|station| station.wait_leg(name));
    let (reset, others) = (of("edge1"), of("edge2"));
    let carried = others.each_ref().map(Connection::carried);

    lab.daemon.bmpctl(&["reset", "session", "all", "--router", "edge1"]).done();
    for (station, before) in [&lab.early, &lab.late].into_iter().zip(&reset) {
        assert_eq!(before.wait_end(TIMEOUT).1, End::Closed);
        assert_eq!(before.left_over(), 0);
        let again = station.wait_leg("edge1");
        assert_ne!(again.number, before.number);
        again.wait_known(&first.summary());
        again.router(|s| assert_eq!((s.moved[1], s.announced_late), (0, 0)));
    }
    holds_for("no byte and no end on the other legs", QUIET, || {
        let now = others.each_ref().map(Connection::carried);
        let has_ended = others.iter().any(|leg| leg.end().is_some());
        if now == carried && !has_ended { Ok(()) } else { Err(format!("{now:?} {carried:?}")) }
    });
    assert_eq!((lab.early.connections().len(), lab.late.connections().len()), (3, 3));
    assert!(!first.is_closed() && !second.is_closed(), "the routers see nothing of it");

    lab.daemon.bmpctl(&["reset", "session", "all"]).done();
    for leg in &others {
        assert_eq!(leg.wait_end(TIMEOUT).1, End::Closed);
    }
    for station in [&lab.early, &lab.late] {
        station.wait_leg("edge1").wait_known(&first.summary());
        station.wait_leg("edge2").wait_known(&second.summary());
        station.assert_legal();
    }
}

#[test]
fn a_station_that_does_not_read_delays_no_router_and_no_other_station() {
    let plan =
        Plan { routers: TWO, receive_buffer: Some(16 * 1024), log: "info", ..Plan::default() };
    let mut lab = plan.start();
    let router = lab.connect("edge1");
    router.send(simple(&global(1), &[]));
    let early = lab.early.wait_leg("edge1");
    early.wait_known(&router.summary());
    lab.early.pace(Pace::Stalled);
    lab.start_late().wait_leg("edge1").wait_known(&router.summary());

    let routes = 20_000;
    let mut slowest = Duration::ZERO;
    let mut memory = vec![];
    let late = lab.late.wait_leg("edge1");
    for round in 0..30 {
        let table = monitoring(&global(1), Table::of(70_000 + round, routes, 0).bytes());
        let marker = monitoring(&global(1), &announcement(&["192.0.2.0/24"], round.into()));
        let begun = Instant::now();
        router.send([table, marker].concat());
        slowest = slowest.max(begun.elapsed());
        let count = (routes + 1) * u64::from(round + 1);
        late.wait_router("the table and the marker", |s| (s.moved[0] >= count).then_some(()));
        memory.push(lab.daemon.rss_kib());
    }
    assert!(slowest < Duration::from_secs(10), "{slowest:?} to send a table");
    late.router(|s| assert_eq!(s.peer(&global(1)).unwrap().routes() as u64, routes + 1));
    // 30 tables of some 2 MB went by.
    let (before, after) = (memory[9], memory[29]);
    assert!(after < before + before / 4 + 4096, "memory grows with the changes, KiB: {memory:?}");
    // Another router is sent on to both as ever.
    let other = lab.connect("edge2");
    other.send(simple(&global(1), &announcement(&["192.0.2.0/24"], 1)));
    lab.late.wait_leg("edge2").wait_known(&other.summary());
    assert!(early.end().is_none());

    lab.early.pace(Pace::Full);
    late.wait_known(&router.summary());
    early.wait_known(&router.summary());
    lab.early.wait_leg("edge2").wait_known(&other.summary());
    lab.early.assert_legal();
    lab.late.assert_legal();
}

/// The same peers, VRFs and Loc-RIBs, all with address 0: they differ in nothing but the connection.
#[test]
fn routers_with_the_same_peers_vrfs_and_loc_ribs_never_meet() {
    let mut lab = Plan { routers: TWO, ..Plan::default() }.start();
    let [(first, one), (second, two)] = two(&lab);
    let mut examples = [Example::new("edge1", 1), Example::new("edge2", 2)];
    let headers = examples.each_ref().map(Example::headers);
    assert_eq!(headers[0], headers[1], "the same peers");
    // Until both are where their routers are.
    let _ = examples.each_mut().map(Example::dump);
    for _ in 0..500 {
        first.send(examples[0].change());
        second.send(examples[1].change());
    }
    one.wait_known(&first.summary());
    two.wait_known(&second.summary());
    // One goes away with all of its peers; the other stays as it is.
    for header in &headers[0] {
        first.send(message::peer_down(header, 4, &[]));
    }
    let is_empty = |leg: &Connection| leg.router(|s| s.peers.is_empty());
    one.wait_router("no peers", |s| s.peers.is_empty().then_some(()));
    assert!(!is_empty(&two));
    two.wait_known(&second.summary());
    lab.start_late().wait_leg("edge2").wait_known(&second.summary());
    assert!(is_empty(&lab.late.wait_leg("edge1")));
    lab.early.assert_legal();
    lab.late.assert_legal();
}

#[test]
fn peers_of_one_router_that_differ_in_type_distinguisher_or_identifier_never_meet() {
    let mut lab = Plan::default().start();
    let router = lab.connect("edge1");
    let address = global(1).peer.address;
    let headers: Vec<PeerHeader> = vec![
        global(1),
        message::header(peer::DISTINGUISHED, 1, address, 65_001),
        message::header(peer::DISTINGUISHED, 2, address, 65_001),
        message::header(peer::LOCAL, 1, address, 65_001),
        loc_rib(0, 65_000, [192, 0, 2, 1].into()),
        loc_rib(0, 65_000, [192, 0, 2, 2].into()),
        loc_rib(1, 65_000, [192, 0, 2, 1].into()),
    ];
    for (n, header) in (1..).zip(&headers) {
        router.send(simple(header, &announcement(&["198.51.100.0/24"], n)));
    }
    let early = lab.early.wait_leg("edge1");
    early.wait_known(&router.summary());
    assert_eq!(early.router(|s| s.peers.len()), headers.len());
    for (left, header) in (0..headers.len()).rev().zip(&headers) {
        router.send(message::peer_down(header, 4, &[]));
        early.wait_router("one peer less", |s| (s.peers.len() == left).then_some(()));
        early.wait_known(&router.summary());
        if left == 3 {
            lab.start_late().wait_leg("edge1").wait_known(&router.summary());
        }
    }
    lab.early.assert_legal();
    lab.late.assert_legal();
}

#[test]
fn a_router_with_two_addresses_is_one() {
    let [first, second] = [loopback(), loopback()];
    let lines = format!("addresses = [\"{first}\", \"{second}\"]\nhold-time = 120");
    let lab = Plan { routers: &[("edge1", &lines)], ..Plan::default() }.start();
    let dump = [initiation_of("edge1"), simple(&global(1), &announcement(&["198.51.100.0/24"], 1))];
    let dump = dump.concat();
    let router = Router::connect(first, lab.listen);
    router.send(&dump);
    let early = lab.early.wait_leg("edge1");
    early.wait_known(&router.summary());
    // Lost, and back from the other address; then from the first one while that is still connected.
    router.close();
    lab.wait_state("edge1", "held");
    let mut routers = vec![];
    for (route, address) in [("203.0.113.0/24", second), ("100.64.0.0/10", first)] {
        let before = early.carried();
        let router = Router::connect(address, lab.listen);
        router.send(&dump);
        router.send(monitoring(&global(1), &announcement(&[route], 1)));
        early.wait_known(&router.summary());
        assert!(early.carried() - before < 400, "only what is new");
        routers.push(router);
    }
    routers[0].wait_closed();
    assert_eq!(lab.early.connections().len(), 1);
    assert_eq!(lab.router("edge1")["addresses"].as_array().unwrap().len(), 2);
    early.assert_legal();
}

/// Routers of a prefix are known by what they call themselves.
#[test]
fn routers_of_a_prefix_are_named_by_their_sysname() {
    let [one, two, three] = [loopback(), loopback(), loopback()];
    // The addresses of a test are anywhere in it.
    let lines = "prefix = \"127.0.0.0/8\"\nhold-time = 120";
    let lab = Plan { routers: &[("no name", lines)], ..Plan::default() }.start();
    let routers = [("leaf1", one, 1), ("leaf2", two, 2)].map(|(name, address, seed)| {
        let router = Router::connect(address, lab.listen);
        router.send(Example::new(name, seed).dump());
        (name, router)
    });
    for (name, router) in &routers {
        lab.early.wait_leg(name).wait_known(&router.summary());
        lab.wait_state(name, "established");
    }
    // The same address and name is the same router: nothing of it is sent again.
    let again = Router::connect(two, lab.listen);
    again.send(routers[1].1.sent());
    routers[1].1.wait_closed();
    lab.early.wait_leg("leaf2").wait_known(&again.summary());
    assert_eq!(lab.early.connections().len(), 2);
    // Many programs call themselves as all of their kind do: with another address it is another router.
    let other = Router::connect(three, lab.listen);
    other.send(initiation_of("leaf2"));
    other.send(simple(&global(9), &announcement(&["198.51.100.0/24"], 1)));
    lab.wait_state(&format!("leaf2@{three}"), "established");
    wait_until("a connection of its own", TIMEOUT, || lab.early.legs("leaf2").len() == 2);
    lab.early.legs("leaf2")[1].wait_known(&other.summary());
    lab.early.legs("leaf2")[0].wait_known(&again.summary());
    assert_eq!(lab.early.connections().len(), 3);
    lab.early.assert_legal();
}

#[test]
fn thirty_routers_at_once_reach_every_station() {
    let names: Vec<String> = (1..=30).map(|n| format!("edge{n}")).collect();
    let routers: Vec<(&str, &str)> = names.iter().map(|name| (&**name, "")).collect();
    let mut lab = Plan { routers: &routers, log: "info", ..Plan::default() }.start();
    lab.start_late();
    let routers: Vec<(&String, Router)> = (1..)
        .zip(&names)
        .map(|(seed, name)| {
            let router = lab.connect(name);
            router.send(simple(&global(1), &announcement(&["198.51.100.0/24"], seed)));
            (name, router)
        })
        .collect();
    for station in [&lab.early, &lab.late] {
        for (name, router) in &routers {
            station.wait_leg(name).wait_known(&router.summary());
        }
        assert_eq!(station.connections().len(), names.len());
        station.assert_legal();
    }
}

/// bmpd sends a router's BMP as the router would: another bmpd can be the station.
#[test]
fn a_bmpd_can_be_a_router_of_another_one_for_each_of_its_routers() {
    let lines = "prefix = \"127.0.0.0/8\"\nhold-time = 0";
    let mut far = Plan { routers: &[("no name", lines)], log: "info", ..Plan::default() }.start();
    let session = tests::daemon::session(far.listen.ip(), far.listen.port(), None);
    let near = Plan { routers: TWO, more: &session, log: "info", ..Plan::default() }.start();
    let mut examples = [("edge1", 1), ("edge2", 2)].map(|(name, seed)| Example::new(name, seed));
    let routers = ["edge1", "edge2"].map(|name| near.dial(name));
    for (router, example) in routers.iter().zip(&mut examples) {
        router.send(example.dump());
    }
    for name in ["edge1", "edge2"] {
        far.early.wait_leg(name);
    }
    for _ in 0..300 {
        for (router, example) in routers.iter().zip(&mut examples) {
            router.send(example.change());
        }
    }
    far.start_late();
    for (name, router) in ["edge1", "edge2"].into_iter().zip(&routers) {
        for station in [&near.early, &far.early, &far.late] {
            station.wait_leg(name).wait_known(&router.summary());
            station.assert_legal();
        }
    }
}
