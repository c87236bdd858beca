//! What a router may do to bmpd: nothing that harms others, and nothing illegal that a station sees.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use tests::addresses::loopback;
use tests::bgp::{self, Family, end_of_rib};
use tests::bmp::PeerHeader;
use tests::bmp::message::{
    self, common_header, initiation_of, kind, monitoring, of_peer, peer_down, statistics,
};
use tests::relay::example::{simple, simple_up, update};
use tests::relay::{Lab, Plan, Router};
use tests::station::{Connection, Pace};
use tests::table::Table;
use tests::wait::{holds_for, wait_for, wait_until};

use super::{QUIET, announcement, global};

const TIMEOUT: Duration = Duration::from_secs(30);

/// A router with these lines that misbehaves, and one that does not.
fn lab(lines: &str) -> Lab {
    let lines = format!("hold-time = 60\n{lines}");
    let routers = [("edge1", &*lines), ("edge2", "hold-time = 60")];
    Plan { routers: &routers, ..Plan::default() }.start()
}

/// A router with one peer and one route, and the early station that knows it.
fn begin(lab: &Lab, name: &str) -> (Router, Connection) {
    let router = lab.connect(name);
    router.send(simple(&global(1), &announcement(&["198.51.100.0/24"], 1)));
    let early = lab.early.wait_leg(name);
    early.wait_known(&router.summary());
    (router, early)
}

/// Checks that a well-behaved router is sent on, and that bmpd answers.
#[track_caller]
fn goes_on(lab: &Lab, router: &Router, leg: &Connection, seed: u64) {
    router.send(monitoring(&global(1), &announcement(&["203.0.113.0/24"], seed)));
    leg.wait_known(&router.summary());
    assert!(leg.end().is_none() && !router.is_closed());
    lab.wait_state("edge2", "established");
}

/// The count of messages of a kind that `show router` has.
fn received(lab: &Lab, name: &str, what: &str) -> u64 {
    lab.router(name)["received"][what].as_u64().unwrap()
}

#[track_caller]
fn wait_received(lab: &Lab, name: &str, what: &str, count: u64) {
    wait_for(&format!("{count} {what}"), TIMEOUT, || {
        let found = received(lab, name, what);
        if found == count { Ok(()) } else { Err(lab.router(name).to_string()) }
    });
}

#[test]
fn messages_about_a_peer_that_is_not_up_are_counted_and_dropped() {
    let lab = lab("");
    let (router, early) = begin(&lab, "edge1");
    let never = global(9);
    let dropped = [
        peer_down(&never, 4, &[]),
        monitoring(&never, &announcement(&["198.51.100.0/24"], 1)),
        monitoring(&never, &end_of_rib(Family::IPV4)),
        statistics(&never, &[(0, vec![0; 4])]),
        // Its Loc-RIB and its peer of a VRF are others.
        peer_down(&message::loc_rib(0, 65_000, [192, 0, 2, 1].into()), 4, &[]),
        peer_down(&message::header(1, 1, global(1).peer.address, 65_001), 4, &[]),
    ];
    router.send(dropped.concat());
    // One that was up, twice.
    router.send([peer_down(&global(1), 4, &[]), peer_down(&global(1), 4, &[])].concat());
    router.send(simple(&global(2), &announcement(&["198.51.100.0/24"], 1)));
    early.wait_known(&router.summary());
    wait_received(&lab, "edge1", "without_peer", dropped.len() as u64 + 1);
    early.router(|s| assert_eq!((s.downs.len(), s.reports.len()), (1, 0)));
    early.assert_legal();
    assert!(!router.is_closed());
}

/// BIRD does that.
#[test]
fn an_end_of_rib_may_come_before_the_routes() {
    let mut lab = lab("");
    let router = lab.connect("edge1");
    router.send(simple_up(&global(1)));
    router.send(monitoring(&global(1), &end_of_rib(Family::IPV4)));
    router.send(monitoring(&global(1), &end_of_rib(Family::IPV6)));
    let early = lab.early.wait_leg("edge1");
    early.wait_known(&router.summary());
    router.send(monitoring(&global(1), &announcement(&["198.51.100.0/24", "2001:db8::/32"], 1)));
    early.wait_known(&router.summary());
    let late = lab.start_late().wait_leg("edge1");
    late.wait_known(&router.summary());
    late.router(|s| assert_eq!(s.announced_late, 0));
}

/// FRR has sent a header for an OPEN.
#[test]
fn a_peer_up_with_a_header_for_an_open_is_sent_on_with_its_routes() {
    let mut lab = lab("");
    let (router, early) = begin(&lab, "edge1");
    let header = bgp::message(bgp::kind::OPEN, &[]);
    router.send(of_peer(kind::PEER_UP, &global(2), &[&[0; 20], &header, &header]));
    router.send(monitoring(&global(2), &announcement(&["203.0.113.0/24", "2001:db8::/32"], 1)));
    router.send(monitoring(&global(2), &end_of_rib(Family::IPV4)));
    early.wait_known(&router.summary());
    early.router(|s| assert_eq!(s.peer(&global(2)).map(|peer| peer.routes()), Some(2)));
    lab.start_late().wait_leg("edge1").wait_known(&router.summary());
}

#[test]
fn a_peer_up_with_opens_that_cannot_be_read_harms_nobody() {
    let mut lab = lab("");
    let (other, leg) = begin(&lab, "edge2");
    let (router, early) = begin(&lab, "edge1");
    let good = bgp::Open::of(65_000).encode();
    let up = |sent: &[u8], received: &[u8]| {
        of_peer(kind::PEER_UP, &global(2), &[&[0; 20], sent, received])
    };
    let mut long = good.clone();
    long[17] = 0xff;
    let broken: Vec<Vec<u8>> = vec![
        up(&good, &good[..18]),
        up(&good, &good[..25]),
        up(&good, &long),
        up(&good, &[]),
        up(&[], &[]),
        of_peer(kind::PEER_UP, &global(2), &[&[0; 7]]),
        message::message(3, kind::PEER_UP, &[&[0; 10]]),
    ];
    for (round, up) in (2..).zip(&broken) {
        router.send(up);
        router.send(monitoring(&global(1), &announcement(&["203.0.113.0/24"], round)));
        early.wait_router("the next route", |s| (s.peer(&global(1))?.routes() == 2).then_some(()));
        goes_on(&lab, &other, &leg, round);
        assert!(!router.is_closed(), "closed after {up:02x?}");
    }
    router.send(simple(&global(3), &announcement(&["198.51.100.0/24"], 1)));
    early.wait_router("the next peer", |s| (s.peer(&global(3))?.routes() == 1).then_some(()));
    let late = lab.start_late().wait_leg("edge1");
    late.wait_router("the next peer", |s| (s.peer(&global(3))?.routes() == 1).then_some(()));
    late.wait_known(&early.known());
    early.assert_legal();
    late.assert_legal();
}

/// The frame is good, so that the next message can be found.
#[test]
fn a_message_that_is_malformed_within_a_good_frame_is_counted_and_the_connection_stays() {
    let lab = lab("");
    let (router, early) = begin(&lab, "edge1");
    let malformed = [
        message::message(3, kind::ROUTE_MONITORING, &[]),
        message::message(3, kind::ROUTE_MONITORING, &[&[0; 41]]),
        // A KEEPALIVE, which is no UPDATE, and an UPDATE with something behind it.
        monitoring(&global(1), &bgp::message(bgp::kind::KEEPALIVE, &[])),
        of_peer(kind::ROUTE_MONITORING, &global(1), &[&end_of_rib(Family::IPV4), &[0]]),
        message::message(3, kind::PEER_DOWN, &[&[0; 20]]),
        of_peer(kind::PEER_DOWN, &global(1), &[]),
        message::message(3, kind::STATISTICS, &[&[0; 1]]),
        of_peer(kind::STATISTICS, &global(1), &[&[0, 0]]),
        of_peer(kind::STATISTICS, &global(1), &[&[0, 0, 0, 1, 0, 7, 0, 8, 1]]),
    ];
    router.send(malformed.concat());
    router.send(monitoring(&global(1), &announcement(&["203.0.113.0/24"], 1)));
    early.wait_router("the next route", |s| (s.routes_held() == 2).then_some(()));
    early.router(|s| assert_eq!((s.downs.len(), s.peers.len()), (0, 1)));
    assert!(received(&lab, "edge1", "malformed") > 0, "{}", lab.router("edge1"));
    assert!(!router.is_closed());
    early.assert_legal();
}

#[test]
fn a_broken_frame_closes_the_connection_of_its_router_with_the_reason_and_no_other() {
    let lab = lab("maximum-message = 65536");
    let (other, leg) = begin(&lab, "edge2");
    let (router, early) = begin(&lab, "edge1");
    router.close();
    let broken: &[(Vec<u8>, &str)] = &[
        (common_header(3, 5, 0), "5"),
        (common_header(3, 0, 4), "0"),
        (common_header(3, 65_537, 0), "65537"),
        (common_header(3, u32::MAX, 0), "4294967295"),
        (message::message(4, kind::INITIATION, &[]), "version 4"),
        (message::message(0, kind::ROUTE_MONITORING, &[&[0; 48]]), "0x00"),
        (b"GET / HTTP/1.1\r\nHost: bmpd\r\n\r\n".to_vec(), "0x47"),
        (vec![0xff; 19], "0xff"),
    ];
    for (seed, (bytes, reason)) in (1..).zip(broken) {
        lab.wait_state("edge1", "held");
        let router = lab.connect("edge1");
        router.send(simple(&global(1), &announcement(&["198.51.100.0/24"], 1)));
        lab.wait_state("edge1", "established");
        router.send(bytes);
        router.wait_closed();
        lab.wait_state("edge1", "held");
        let shown = lab.router("edge1");
        let text = shown["last_down"]["text"].as_str().unwrap_or_default().to_owned();
        assert!(text.contains(reason), "{reason:?} is not in {text:?}");
        goes_on(&lab, &other, &leg, seed);
        assert!(early.end().is_none(), "its tables are held");
    }
    lab.early.assert_legal();
}

/// The same before the Initiation.
#[test]
fn a_connection_that_begins_with_something_else_than_bmp_is_closed() {
    let lab = lab("");
    let (other, leg) = begin(&lab, "edge2");
    let openings: &[&[u8]] = &[
        b"SSH-2.0-OpenSSH_9.2\r\n",
        &common_header(3, 4, 4),
        &message::message(4, kind::INITIATION, &[]),
    ];
    for (seed, bytes) in (1..).zip(openings) {
        let router = lab.dial("edge1");
        router.send(bytes);
        router.wait_closed();
        goes_on(&lab, &other, &leg, seed);
    }
    assert!(lab.early.legs("edge1").is_empty());
}

#[test]
fn a_message_of_the_maximum_length_is_sent_on_and_a_longer_one_closes_the_connection() {
    let maximum = 100_000;
    let mut lab = lab(&format!("maximum-message = {maximum}"));
    lab.start_late();
    let (router, early) = begin(&lab, "edge1");
    let longest = message::message(3, 77, &[&vec![7; maximum - 6]]);
    router.send(&longest);
    early.wait_router("the longest message", |s| (s.live.len() == 1).then_some(()));
    early.router(|s| assert!(s.live[0] == longest));
    router.send(common_header(3, maximum as u32 + 1, 77));
    router.wait_closed();
}

#[test]
fn a_flood_of_unknown_messages_is_bounded_and_delays_nobody() {
    const MESSAGES: usize = 100_000;
    let mut lab = lab("");
    let (other, leg) = begin(&lab, "edge2");
    let (router, early) = begin(&lab, "edge1");
    let late = lab.start_late().wait_leg("edge1");
    late.wait_known(&router.summary());
    // One of the stations takes nothing of it.
    lab.late.pace(Pace::Stalled);
    let before = lab.daemon.rss_kib();
    let flood = message::message(3, 200, &[&[7; 500]]);
    let batch = flood.repeat(1000);
    for n in 0..MESSAGES / 1000 {
        router.send(&batch);
        if n % 20 == 0 {
            let begun = Instant::now();
            goes_on(&lab, &other, &leg, n as u64);
            assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        }
    }
    router.send(monitoring(&global(1), &announcement(&["203.0.113.0/24"], 1)));
    early.wait_router("the route behind it", |s| (s.routes_held() == 2).then_some(()));
    wait_received(&lab, "edge1", "unknown", MESSAGES as u64);
    // 50 MB went by.
    let grown = lab.daemon.rss_kib().saturating_sub(before);
    assert!(grown < 24 * 1024, "{grown} KiB more than before");
    lab.late.pace(Pace::Full);
    late.wait_known(&router.summary());
    for station in [&lab.early, &lab.late] {
        station.assert_legal();
    }
}

#[test]
fn a_router_that_stalls_in_the_middle_of_a_message_delays_nobody() {
    let mut lab = lab("");
    let (other, leg) = begin(&lab, "edge2");
    let (router, early) = begin(&lab, "edge1");
    let message = monitoring(&global(1), &announcement(&["203.0.113.0/24"], 1));
    for cut in [1, 5, 6, 30, message.len() - 1] {
        let (begin, rest) = message.split_at(cut);
        let before = early.carried();
        router.send(begin);
        goes_on(&lab, &other, &leg, cut as u64);
        for arguments in [&["show", "router"][..], &["show", "session"], &["show", "status"]] {
            lab.daemon.bmpctl(arguments).done();
        }
        assert_eq!(early.carried(), before, "half a message is none");
        router.send(rest);
        early.wait_known(&router.summary());
        router.send(monitoring(&global(1), &super::withdrawal(&["203.0.113.0/24"])));
        early.wait_known(&router.summary());
    }
    // A reset works while it stalls, and it is held when it is cut off there.
    router.send(&message[..20]);
    lab.daemon.bmpctl(&["reset", "session", "all", "--router", "edge1"]).done();
    early.wait_end(TIMEOUT);
    let again = lab.early.wait_leg("edge1");
    again.wait_router("the route", |s| (s.routes_held() == 1).then_some(()));
    router.reset();
    lab.wait_state("edge1", "held");
    let late = lab.start_late().wait_leg("edge1");
    late.wait_known(&again.known());
    lab.early.assert_legal();
}

#[test]
fn of_two_connections_of_one_router_the_newest_wins() {
    let lab = lab("");
    let (first, early) = begin(&lab, "edge1");
    let second = lab.connect("edge1");
    first.wait_closed();
    second.send(simple(&global(1), &announcement(&["203.0.113.0/24"], 1)));
    early.wait_known(&second.summary());
    lab.wait_state("edge1", "established");
    // The same at once, again and again; what comes of an older one does not count.
    let mut all = vec![second];
    for seed in 2..12 {
        let router = lab.dial("edge1");
        let dump = simple(&global(1), &announcement(&["198.51.100.0/24"], seed));
        let _ = router.try_send(&[initiation_of("edge1"), dump].concat());
        all.push(router);
    }
    let newest = all.pop().unwrap();
    for older in &all {
        older.wait_closed();
    }
    early.wait_known_as(&newest.summary(), |s| s.clone().without_times());
    assert!(!newest.is_closed());
    assert_eq!(lab.early.connections().len(), 1);
    early.assert_legal();
}

#[test]
fn a_router_with_more_peers_than_it_may_have_does_not_get_them() {
    let lab = lab("maximum-peers = 3");
    let (other, leg) = begin(&lab, "edge2");
    let router = lab.connect("edge1");
    for n in 1..=3 {
        router.send(simple(&global(n), &announcement(&["198.51.100.0/24"], 1)));
    }
    let early = lab.early.wait_leg("edge1");
    early.wait_known(&router.summary());
    // One goes and another comes: that is none too many.
    router.send(peer_down(&global(1), 4, &[]));
    router.send(simple(&global(4), &announcement(&["198.51.100.0/24"], 1)));
    early.wait_known(&router.summary());
    for n in 5..=9 {
        let _ = router.try_send(&simple(&global(n), &announcement(&["198.51.100.0/24"], 1)));
    }
    lab.wait_shown("edge1", "maximum-peers");
    holds_for("three peers at most", QUIET, || {
        let peers = early.router(|s| s.peers.len());
        if peers <= 3 { Ok(()) } else { Err(format!("{peers} peers")) }
    });
    goes_on(&lab, &other, &leg, 2);
    lab.early.assert_legal();
}

#[test]
fn a_router_with_more_routes_than_it_may_have_does_not_get_them() {
    let lab = lab("maximum-routes = 5000");
    let (other, leg) = begin(&lab, "edge2");
    let router = lab.connect("edge1");
    router.send(simple(&global(1), Table::of(65_001, 2000, 500).bytes()));
    router.send(simple(&global(2), Table::of(65_002, 2000, 400).bytes()));
    let early = lab.early.wait_leg("edge1");
    early.wait_known(&router.summary());
    // The same routes with other attributes are not more.
    router.send(monitoring(&global(2), Table::of(65_003, 2000, 400).bytes()));
    early.wait_known(&router.summary());
    let more = simple(&global(3), Table::of(65_004, 20_000, 0).bytes());
    let _ = router.try_send(&more);
    lab.wait_shown("edge1", "maximum-routes");
    goes_on(&lab, &other, &leg, 2);
    assert!(lab.daemon.rss_kib() < 200 * 1024);
    lab.early.assert_legal();
}

/// Half a million routes, each with attributes of its own: without a limit some 80 MiB.
#[track_caller]
fn is_closed_for_its_memory(relay: &str, lines: &str, limit: &str) {
    let routers = [("edge1", lines), ("edge2", "hold-time = 60")];
    let lab = Plan { routers: &routers, relay, log: "info", ..Plan::default() }.start();
    let (other, leg) = begin(&lab, "edge2");
    let router = lab.connect("edge1");
    router.send(simple_up(&global(1)));
    lab.early.wait_leg("edge1");
    let before = lab.daemon.rss_kib();
    let routes = |n: u32| {
        let [a, b, c, d] = n.to_be_bytes();
        let mut path = vec![0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 192, 0, 2, 1, 0xe0, 200, 100];
        path.extend([a, b, c, d].repeat(25));
        monitoring(&global(1), &update(&[], &path, &[32, 10, b, c, d]))
    };
    for n in 0..100 {
        let some: Vec<u8> = (n * 5000..(n + 1) * 5000).flat_map(routes).collect();
        if router.try_send(&some).is_err() {
            break;
        }
    }
    router.wait_closed();
    lab.wait_shown("edge1", limit);
    let grown = lab.daemon.rss_kib().saturating_sub(before);
    assert!(grown < 48 * 1024, "{grown} KiB more than before");
    wait_until("its legs to be closed", TIMEOUT, || lab.early.leg("edge1").is_none());
    goes_on(&lab, &other, &leg, 2);
    lab.early.assert_legal();
}

#[test]
fn a_router_with_larger_tables_than_it_may_have_does_not_get_them() {
    is_closed_for_its_memory("", "maximum-memory = 16", "maximum-memory");
}

#[test]
fn the_router_with_the_largest_tables_is_closed_when_all_together_are_too_large() {
    is_closed_for_its_memory("memory-limit = 16", "", "memory-limit");
}

#[test]
fn an_unknown_router_is_refused() {
    let lab = lab("");
    let (other, leg) = begin(&lab, "edge2");
    let unknown = loopback();
    for seed in 1..=3 {
        let router = Router::connect(unknown, lab.listen);
        let _ = router.try_send(&initiation_of("edge1"));
        router.wait_closed();
        goes_on(&lab, &other, &leg, seed);
    }
    assert_eq!(lab.early.connections().len(), 1);
    let shown = lab.daemon.bmpctl(&["show", "router"]);
    assert!(!shown.done().contains(&unknown.to_string()), "{shown}");
    assert!(lab.daemon.log().contains(&unknown.to_string()), "the log names it");
}

/// The header of a peer at any address.
fn at(address: &str) -> PeerHeader {
    let address: IpAddr = address.parse().unwrap();
    message::header(0, 0, address, 65_001)
}

#[test]
fn a_hundred_peers_that_come_and_go_without_pause_leave_nothing_behind() {
    let lab = lab("maximum-peers = 200");
    let (router, early) = begin(&lab, "edge1");
    let before = lab.daemon.rss_kib();
    let table = Table::of(65_001, 200, 50);
    let mut bytes = vec![];
    for round in 0..20 {
        for n in 0..100 {
            let header = at(&format!("10.0.{}.{n}", round % 3));
            bytes.extend(simple(&header, table.bytes()));
            bytes.extend(peer_down(&header, 4, &[]));
        }
    }
    for _ in 0..3 {
        router.send(&bytes);
        early.wait_known(&router.summary());
    }
    let grown = lab.daemon.rss_kib().saturating_sub(before);
    assert!(grown < 32 * 1024, "{grown} KiB more than before");
    assert_eq!(lab.router("edge1")["peers_up"], 1);
    early.assert_legal();
}
