//! A station that comes late knows exactly what one knows that was there from the start, and what one would know that
//! the router feeds itself.

use std::time::Duration;

use tests::bgp::{Family, end_of_rib};
use tests::bmp::Kind;
use tests::bmp::message::{self, kind, monitoring, statistics};
use tests::relay::example::{Example, simple, simple_up};
use tests::relay::{Lab, Plan, Router, Summary};
use tests::station::Connection;
use tests::wait::{holds_for, wait_for, wait_until};

use super::{QUIET, announcement, global, withdrawal};

/// Waits until an early and a late station know what the router has sent, and returns the late one's connection.
#[track_caller]
fn all_know(lab: &mut Lab, router: &Router, name: &str) -> Connection {
    let direct = router.summary();
    let early = lab.early.wait_leg(name);
    early.wait_known(&direct);
    let late = lab.start_late().wait_leg(name);
    late.wait_known(&direct);
    assert_eq!(early.known().difference(&late.known()), None);
    for station in [&lab.early, &lab.late] {
        station.assert_legal();
    }
    late
}

#[test]
fn a_late_station_knows_all_that_a_router_with_every_peer_type_view_and_family_has_sent() {
    let mut lab = Plan::default().start();
    let router = lab.dial("edge1");
    let mut example = Example::new("edge1", 1);
    router.send(example.dump());
    let late = all_know(&mut lab, &router, "edge1");
    late.router(|summary| {
        assert_eq!(summary.announced_late, 0, "routes behind their End-of-RIB");
        assert_eq!((summary.moved[1], summary.idle_withdrawals), (0, 0), "withdrawals in a dump");
        assert_eq!(summary.ups.len(), summary.peers.len(), "one Peer Up each");
        assert_eq!(summary.reports.len(), summary.peers.len(), "one Statistics Report each");
        assert_eq!(summary.downs.len(), 0);
    });
}

#[test]
fn a_late_station_knows_what_is_left_after_thousands_of_changes() {
    for seed in 1..=2 {
        let mut lab = Plan::default().start();
        let router = lab.dial("edge1");
        let mut example = Example::new("edge1", seed);
        router.send(example.dump());
        lab.early.wait_leg("edge1").wait_known(&router.summary());
        for _ in 0..4000 {
            router.send(example.change());
        }
        all_know(&mut lab, &router, "edge1");
    }
}

/// The pieces are no messages, and some end within a header.
#[test]
fn messages_may_come_in_pieces_of_any_length() {
    let mut lab = Plan::default().start();
    let router = lab.dial("edge1");
    let mut example = Example::new("edge1", 3);
    let dump = example.dump();
    let (first, rest) = dump.split_at(600);
    router.send_in_pieces(first, 1);
    router.send_in_pieces(rest, 1000);
    let all: Vec<u8> = (0..100).flat_map(|_| example.change()).collect();
    router.send_in_pieces(&all, 47);
    all_know(&mut lab, &router, "edge1");
}

#[test]
fn what_has_no_state_is_sent_on_as_it_came_to_those_who_are_there() {
    let mut lab = Plan::default().start();
    let router = lab.connect("edge1");
    let header = global(1);
    router.send(simple(&header, &announcement(&["198.51.100.0/24"], 1)));
    let early = lab.early.wait_leg("edge1");
    early.wait_known(&router.summary());
    let all = tests::relay::example::stateless(&header);
    router.send(all.concat());
    router.send(monitoring(&header, &announcement(&["203.0.113.0/24"], 1)));
    let late = all_know(&mut lab, &router, "edge1");
    wait_for("all of it, in order", Duration::from_secs(30), || {
        let found = early.router(|summary| summary.live.clone());
        let missing = all.iter().find(|message| !found.contains(message));
        match missing {
            None if found == all => Ok(()),
            missing => Err(format!("{} of {}, without {missing:02x?}", found.len(), all.len())),
        }
    });
    assert_eq!(late.router(|summary| summary.live.len()), 0);
    let shown = lab.router("edge1");
    assert_eq!(shown["received"]["unreadable_updates"], 6, "{shown}");
    assert_eq!(shown["received"]["unknown"], 4, "{shown}");
    assert_eq!(shown["received"]["route_mirroring"], 2, "{shown}");
}

/// RFC 7606 is between the router and its neighbors.
#[test]
fn malformed_attributes_of_readable_routes_are_neither_validated_nor_changed() {
    let attributes: &[&[u8]] = &[
        // No attribute that is mandatory, one that is repeated, a wrong ORIGIN, wrong flags and lengths.
        &[],
        &[0x40, 1, 1, 0, 0x40, 1, 1, 1],
        &[0x40, 1, 1, 9],
        &[0xc0, 1, 1, 0, 0x00, 2, 0],
        &[0x40, 1, 2, 0, 0, 0x80, 4, 1, 7],
        &[0x40, 99, 1, 1],
        &[0x50, 2, 0, 3, 2, 9, 1],
    ];
    let mut lab = Plan::default().start();
    let router = lab.connect("edge1");
    let header = global(1);
    router.send(simple(&header, &[]));
    for (n, attributes) in (1..).zip(attributes) {
        let update = tests::relay::example::update(&[], attributes, &[24, 198, 51, n]);
        router.send(monitoring(&header, &update));
    }
    let late = all_know(&mut lab, &router, "edge1");
    late.router(|summary| assert_eq!(summary.routes_held(), attributes.len()));
}

#[test]
fn a_peer_that_goes_down_takes_its_routes_with_it_and_its_reason_is_sent_as_it_came() {
    let mut lab = Plan::default().start();
    let router = lab.connect("edge1");
    let downs: Vec<Vec<u8>> =
        [(1, &[7][..]), (2, &[0, 9]), (4, &[]), (6, &[0, 3, 0, 1, b'x']), (99, &[5; 9])]
            .iter()
            .map(|(reason, data)| message::peer_down(&global(1), *reason, data))
            .collect();
    let early = lab.early.wait_leg("edge1");
    for down in &downs {
        router.send(simple(&global(1), &announcement(&["198.51.100.0/24"], 1)));
        router.send(simple(&global(2), &announcement(&["198.51.100.0/24"], 2)));
        early.wait_router("two peers", |s| (s.routes_held() == 2).then_some(()));
        router.send(down);
        early.wait_router("one peer", |s| (s.routes_held() == 1).then_some(()));
        router.send(message::peer_down(&global(2), 4, &[]));
        early.wait_router("no peer", |s| s.peers.is_empty().then_some(()));
    }
    early.router(|summary| {
        let of_first: Vec<&Vec<u8>> = summary.downs.iter().step_by(2).collect();
        assert_eq!(of_first, downs.iter().collect::<Vec<_>>());
        assert_eq!(summary.moved[1], 0, "a Peer Down is enough");
    });
    let late = all_know(&mut lab, &router, "edge1");
    late.router(|summary| assert_eq!((summary.ups.len(), summary.downs.len()), (0, 0)));
}

#[test]
fn the_newest_initiation_is_sent_on_and_kept() {
    let mut lab = Plan::default().start();
    let router = lab.connect("edge1");
    router.send(simple(&global(1), &announcement(&["198.51.100.0/24"], 1)));
    let early = lab.early.wait_leg("edge1");
    early.wait_known(&router.summary());
    let mut example = Example::new("edge1", 1);
    router.send(example.initiation());
    early.wait_known(&router.summary());
    router.send(example.initiation());
    let late = all_know(&mut lab, &router, "edge1");
    let count = |leg: &Connection| leg.look(|record| record.count(Kind::Initiation));
    assert_eq!((count(&early), count(&late)), (3, 1));
}

#[test]
fn the_last_statistics_of_a_peer_are_sent_once_behind_the_dump() {
    let mut lab = Plan::default().start();
    let router = lab.connect("edge1");
    router.send(simple(&global(1), &announcement(&["198.51.100.0/24", "2001:db8::/32"], 1)));
    let early = lab.early.wait_leg("edge1");
    early.wait_known(&router.summary());
    for value in 0..5 {
        router.send(statistics(&global(1), &[(0, vec![0, 0, 0, value]), (65_531, vec![value; 3])]));
    }
    early.wait_router("all reports", |s| (s.reports.len() == 5).then_some(()));
    let late = all_know(&mut lab, &router, "edge1");
    late.look(|record| {
        assert_eq!(record.count(Kind::StatisticsReport), 1);
        let kinds: Vec<Kind> = record.sequence.iter().map(|(kind, _)| *kind).collect();
        let report = kinds.iter().position(|kind| *kind == Kind::StatisticsReport).unwrap();
        let routes = kinds.iter().rposition(|kind| *kind == Kind::RouteMonitoring).unwrap();
        assert!(report > routes, "behind the routes and End-of-RIBs of its peer: {kinds:?}");
    });
}

/// A session that has come up anew: its routes stay until they are announced again.
#[test]
fn another_peer_up_is_sent_on_and_what_is_not_announced_again_is_withdrawn_at_its_end_of_rib() {
    let mut lab = Plan::default().start();
    let router = lab.connect("edge1");
    let header = global(1);
    let all = ["198.51.100.0/24", "203.0.113.0/24", "192.0.2.0/24"];
    router.send(simple(&header, &announcement(&all, 1)));
    router.send(simple(&global(2), &announcement(&all, 1)));
    let early = lab.early.wait_leg("edge1");
    early.wait_known(&router.summary());

    let again = header.at(header.time + Duration::from_secs(60));
    router.send(simple_up(&again));
    early.wait_router("another Peer Up", |s| (s.ups.len() == 3).then_some(()));
    // One as it was, one with other attributes, one that is new; two are missing.
    router.send(monitoring(&again, &announcement(&all[..1], 1)));
    router.send(monitoring(&again, &announcement(&all[1..2], 2)));
    router.send(monitoring(&again, &announcement(&["100.64.0.0/10"], 1)));
    early.wait_router("the new route", |s| (s.peer(&header)?.routes() == 4).then_some(()));
    router.send(monitoring(&again, &end_of_rib(Family::IPV4)));
    router.send(monitoring(&again, &end_of_rib(Family::IPV6)));

    let direct = router.summary();
    let early_knows = |leg: &Connection| leg.wait_known_as(&direct, |s| s.clone().without_times());
    early_knows(&early);
    early.router(|s| assert_eq!((s.peer(&header).unwrap().routes(), s.downs.len()), (3, 0)));
    let late = lab.start_late().wait_leg("edge1");
    early_knows(&late);
    assert_eq!(early.known().difference(&late.known()), None);
    late.router(|s| assert_eq!((s.ups.len(), s.moved), (2, [6, 0])));
    lab.early.assert_legal();
    lab.late.assert_legal();
}

#[test]
fn a_peer_that_comes_up_again_and_again_leaves_nothing_behind() {
    let mut lab = Plan::default().start();
    let router = lab.dial("edge1");
    let mut example = Example::new("edge1", 5);
    router.send(example.dump());
    for round in 0..20 {
        for n in 0..example.headers().len() {
            if (round + n) % 3 == 0 {
                router.send(example.up_again(n));
            }
        }
    }
    let direct = router.summary().without_times();
    let early = lab.early.wait_leg("edge1");
    early.wait_known_as(&direct, |s| s.clone().without_times());
    let late = lab.start_late().wait_leg("edge1");
    late.wait_known_as(&direct, |s| s.clone().without_times());
    assert_eq!(early.known().difference(&late.known()), None);
    lab.early.assert_legal();
    lab.late.assert_legal();
}

/// RFC 9069 section 6.1.1: a Loc-RIB may have a Peer Up for each of its families.
#[test]
fn a_loc_rib_may_have_a_peer_up_for_each_family() {
    let mut lab = Plan::default().start();
    let router = lab.connect("edge1");
    let header = message::loc_rib(0, 65_000, [192, 0, 2, 254].into());
    for (family, route) in [(Family::IPV4, "198.51.100.0/24"), (Family::IPV6, "2001:db8::/32")] {
        let open = tests::bgp::Open { families: vec![family], ..tests::bgp::Open::of(65_000) };
        let up = message::Up {
            local: std::net::Ipv4Addr::UNSPECIFIED.into(),
            ports: [0, 0],
            sent_open: open.encode(),
            received_open: open.encode(),
            information: vec![message::text(message::tlv::TABLE_NAME, "global")],
        };
        router.send(message::peer_up(&header, &up));
        router.send(monitoring(&header, &announcement(&[route], 1)));
        router.send(monitoring(&header, &end_of_rib(family)));
    }
    let late = all_know(&mut lab, &router, "edge1");
    late.router(|s| assert_eq!((s.routes_held(), s.ups.len()), (2, 2)));
}

#[test]
fn a_withdrawal_counts_in_the_view_of_its_flags_only() {
    use message::flag::{ADJ_RIB_OUT, POST_POLICY};
    let mut lab = Plan::default().start();
    let router = lab.connect("edge1");
    let views = [0, POST_POLICY, ADJ_RIB_OUT, ADJ_RIB_OUT | POST_POLICY];
    router.send(simple_up(&global(1)));
    for view in views {
        let header = global(1).with(view);
        router.send(monitoring(&header, &announcement(&["198.51.100.0/24"], view.into())));
        router.send(monitoring(&header, &end_of_rib(Family::IPV4)));
    }
    let early = lab.early.wait_leg("edge1");
    for (left, view) in (0..views.len()).rev().zip(views) {
        router.send(monitoring(&global(1).with(view), &withdrawal(&["198.51.100.0/24"])));
        early.wait_router("a withdrawal", |s| (s.routes_held() == left).then_some(()));
        early.router(|summary| assert_eq!(summary.idle_withdrawals, 0));
        if left == 2 {
            early.wait_known(&router.summary());
        }
    }
    all_know(&mut lab, &router, "edge1");
}

/// A router that sends no End-of-RIB: it counts as complete when it has been quiet, and `show` says that it was assumed.
#[test]
fn a_table_without_end_of_rib_is_complete_when_the_router_has_been_quiet() {
    let mut lab = Plan::default().start();
    let router = lab.connect("edge1");
    router.send(simple_up(&global(1)));
    router.send(monitoring(&global(1), &announcement(&["198.51.100.0/24"], 1)));
    let early = lab.early.wait_leg("edge1");
    let has_ended = |s: &Summary| {
        let tables = &s.peer(&global(1))?.tables;
        tables.values().any(|table| table.has_ended && !table.routes.is_empty()).then_some(())
    };
    early.wait_router("the route", |s| (s.routes_held() == 1).then_some(()));
    assert_eq!(early.router(has_ended), None, "sooner than after a pause");
    early.wait_router("an End-of-RIB", has_ended);
    let late = lab.start_late().wait_leg("edge1");
    late.wait_router("an End-of-RIB", has_ended);
    assert_eq!(early.known().difference(&late.known()), None);
    let shown = lab.router("edge1");
    assert_eq!(shown["tables"][0]["end_of_ribs_assumed"], 1, "{shown}");
    lab.early.assert_legal();
    lab.late.assert_legal();
}

#[test]
fn nothing_is_sent_of_a_router_before_its_initiation_and_nothing_to_a_station_that_is_complete() {
    let lab = Plan::default().start();
    let router = lab.dial("edge1");
    lab.wait_state("edge1", "opening");
    holds_for("no connection", QUIET, || match lab.early.connections().len() {
        0 => Ok(()),
        n => Err(format!("{n} connections")),
    });
    router.send(message::initiation_of("edge1"));
    router.send(simple(&global(1), &announcement(&["198.51.100.0/24"], 1)));
    lab.wait_state("edge1", "established");
    let early = lab.early.wait_leg("edge1");
    early.wait_known(&router.summary());
    let before = early.carried();
    wait_until("a session that is synchronised", Duration::from_secs(30), || {
        lab.daemon.session(lab.early.ip(), None).cell("state") == "Established"
    });
    holds_for("nothing more to be sent", QUIET, || match early.carried() - before {
        0 => Ok(()),
        more => Err(format!("{more} bytes")),
    });
    assert_eq!(early.look(|r| r.raw[5]), kind::INITIATION);
}

#[test]
fn a_route_that_is_announced_again_as_it_was_has_the_time_of_the_last_announcement() {
    let mut lab = Plan::default().start();
    let router = lab.connect("edge1");
    let header = global(1);
    router.send(simple(&header, &announcement(&["198.51.100.0/24", "203.0.113.0/24"], 1)));
    let early = lab.early.wait_leg("edge1");
    early.wait_known(&router.summary());
    let later = header.at(header.time + Duration::from_secs(5));
    router.send(monitoring(&later, &announcement(&["203.0.113.0/24"], 1)));
    all_know(&mut lab, &router, "edge1");
}

/// As long as RFC 8654 allows.
#[test]
fn an_extended_message_is_sent_on_whatever_it_takes() {
    let mut lab = Plan::default().start();
    let router = lab.connect("edge1");
    let routes = 16_000;
    let nlri: Vec<u8> = (0..routes).flat_map(|n: u16| [24, 11, (n >> 8) as u8, n as u8]).collect();
    let path = [0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 192, 0, 2, 1];
    let update = tests::relay::example::update(&[], &path, &nlri);
    assert!(update.len() > 64_000);
    router.send(simple(&global(1), &[]));
    router.send(monitoring(&global(1), &update));
    let early = lab.early.wait_leg("edge1");
    early.wait_known(&router.summary());
    let gone = tests::relay::example::update(&nlri[..nlri.len() / 2], &[], &[]);
    router.send(monitoring(&global(1), &gone));
    let late = all_know(&mut lab, &router, "edge1");
    late.router(|s| assert_eq!(s.routes_held(), usize::from(routes) / 2));
}
