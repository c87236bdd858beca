//! `bmpctl show route`: what the tables have, compared with what was announced and with what BIRD and FRR show of the
//! same neighbor.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tests::bgp::{Family, Prefix};
use tests::bmp::PeerHeader;
use tests::bmp::message;
use tests::ctl::Running;
use tests::daemon::{Daemon, Output, binary};
use tests::lab::{Lab, Plan};
use tests::neighbor::Neighbor;
use tests::programs::sample;
use tests::programs::table_of::{Seen, Table as Routes, TableOf};
use tests::relay::Plan as RelayPlan;
use tests::relay::example::simple_up;
use tests::table::{Attributes, Table};
use tests::wait::wait_for;

use crate::relay::{announcement, global};

const TIMEOUT: Duration = Duration::from_secs(60);

/// The documents of an answer, and the last one.
fn documents(output: &Output) -> (Vec<Value>, Value) {
    let mut lines: Vec<Value> =
        output.stdout.lines().map(|line| serde_json::from_str(line).expect("a document")).collect();
    let end = lines.pop().expect("an end");
    (lines, end)
}

fn show(daemon: &Daemon, arguments: &[&str]) -> (Vec<Value>, Value) {
    let output = daemon.bmpctl(&[&["show", "route", "--json"], arguments].concat());
    assert_eq!(output.status, 0, "{output}");
    documents(&output)
}

fn prefixes(routes: &[Value]) -> Vec<&str> {
    routes.iter().map(|route| route["prefix"].as_str().unwrap()).collect()
}

/// Waits until bmpd has this many routes.
fn wait_routes(daemon: &Daemon, count: usize) {
    wait_for("the routes", TIMEOUT, || {
        let (_, end) = show(daemon, &["--limit", "1000000"]);
        if end["routes"] == count { Ok(()) } else { Err(end.to_string()) }
    });
}

fn texts(value: &Value) -> Vec<String> {
    let mut texts: Vec<String> =
        value.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect();
    texts.sort();
    texts
}

/// What bmpd shows, as the others do.
fn table_of_bmpd(routes: &[Value]) -> Routes {
    let seen = |route: &Value| {
        let attributes = &route["attributes"];
        let segments = attributes["as_path"].as_array().unwrap().iter();
        let numbers = segments.flat_map(|one| one["as_numbers"].as_array().unwrap());
        Seen {
            as_path: numbers.map(|number| number.as_u64().unwrap() as u32).collect(),
            next_hop: attributes["next_hops"][0].as_str().unwrap().to_owned(),
            origin: attributes["origin"].as_str().unwrap().to_owned(),
            med: attributes["med"].as_u64(),
            communities: Some(texts(&attributes["communities"])),
            large_communities: Some(texts(&attributes["large_communities"])),
        }
    };
    routes.iter().map(|route| (route["prefix"].as_str().unwrap().to_owned(), seen(route))).collect()
}

#[test]
fn the_routes_are_those_that_bird_and_frr_show_of_the_same_neighbor() {
    let lab = Plan { aliases: &[], ..Plan::default() }.start();
    let options = lab.options();
    let bird = TableOf::bird(&lab.scratch, options.address, 65001);
    let frr = TableOf::frr(&lab.scratch, options.address, 65001);
    let announced = sample(65001, 300, 200, 7);
    let neighbors = [lab.listen, bird.listens, frr.listens].map(|listens| {
        let neighbor = Neighbor::connect(&options, listens);
        for (prefix, attributes) in &announced {
            neighbor.announce(&[*prefix], attributes);
        }
        for family in [Family::IPV4, Family::IPV6] {
            neighbor.end_of_rib(family);
        }
        neighbor
    });
    wait_routes(&lab.daemon, announced.len());
    let (routes, end) = show(&lab.daemon, &[]);
    assert_eq!(end["tables"], 2, "{end}");
    let shown = table_of_bmpd(&routes);
    let difference = |other: &Routes, of: &str| {
        for (prefix, seen) in other {
            let mut own = shown.get(prefix).cloned().unwrap_or_default();
            if seen.communities.is_none() {
                (own.communities, own.large_communities) = (None, None);
            }
            // A MED that is not there is 0 to FRR, where it decides (RFC 4271 section 9.1.2.2).
            let med = |med: Option<u64>| if of == "FRR" { Some(med.unwrap_or(0)) } else { med };
            (own.med, own.next_hop) = (med(own.med), own.next_hop);
            let seen = Seen { med: med(seen.med), ..seen.clone() };
            assert_eq!(own, seen, "{prefix} of {of}");
        }
        assert_eq!(shown.len(), other.len());
    };
    difference(&bird.of_bird(announced.len()), "BIRD");
    difference(&frr.of_frr(announced.len()), "FRR");
    drop(neighbors);
}

fn attributes() -> Attributes {
    Attributes {
        as_path: vec![65001, 65010, 65020],
        origin: 0,
        next_hop: "192.0.2.99".parse().unwrap(),
        next_hop_v6: "2001:db8::99".parse().unwrap(),
        med: Some(5),
        communities: vec![[65001, 7], [0xffff, 0xff01]],
        large_communities: vec![[65001, 1, 2]],
        reach_first: true,
    }
}

fn prefix(text: &str) -> Prefix {
    let (address, length) = text.split_once('/').unwrap();
    Prefix::new(address.parse().unwrap(), length.parse().unwrap())
}

/// A neighbor with a few routes that cover each other.
fn few() -> (Lab, Neighbor) {
    let lab = Plan { aliases: &[], ..Plan::default() }.start();
    let neighbor = lab.connect();
    let of_one = ["0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.1.0/24", "192.0.2.0/24"];
    neighbor.announce(&of_one.map(prefix), &attributes());
    neighbor.announce(
        &["2001:db8::/32", "2001:db8:1::/48"].map(prefix),
        &Attributes { as_path: vec![65001, 65030], ..attributes() },
    );
    wait_routes(&lab.daemon, 7);
    (lab, neighbor)
}

#[test]
fn a_prefix_is_found_by_the_longest_route_exactly_or_with_all_that_it_covers() {
    let (lab, neighbor) = few();
    let of = |arguments: &[&str]| {
        let (routes, _) = show(&lab.daemon, arguments);
        prefixes(&routes).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let cases: [(&[&str], &[&str]); 11] = [
        (&["10.1.1.7"], &["10.1.1.0/24"]),
        (&["10.1.1.0/25"], &["10.1.1.0/24"]),
        (&["10.1.2.0/24"], &["10.1.0.0/16"]),
        (&["10.2.3.4"], &["10.0.0.0/8"]),
        (&["203.0.113.1"], &["0.0.0.0/0"]),
        (&["10.0.0.0/8", "--exact"], &["10.0.0.0/8"]),
        (&["10.0.0.0/8", "--longer"], &["10.0.0.0/8", "10.1.0.0/16", "10.1.1.0/24"]),
        (&["2001:db8:1::1"], &["2001:db8:1::/48"]),
        (&["2001:db8::/32", "--longer"], &["2001:db8::/32", "2001:db8:1::/48"]),
        (&["--family", "ipv6-unicast"], &["2001:db8::/32", "2001:db8:1::/48"]),
        (&["--limit", "1"], &["0.0.0.0/0"]),
    ];
    for (arguments, expected) in cases {
        assert_eq!(of(arguments), expected, "{arguments:?}");
    }
    // What is withdrawn is not there any more, and what changes is there as it is now.
    neighbor.withdraw(&[prefix("10.1.1.0/24")]);
    neighbor.announce(&[prefix("10.1.0.0/16")], &Attributes { med: Some(6), ..attributes() });
    wait_routes(&lab.daemon, 6);
    assert_eq!(of(&["10.1.1.7"]), ["10.1.0.0/16"]);
    let (routes, _) = show(&lab.daemon, &["10.1.0.0/16"]);
    assert_eq!(routes[0]["attributes"]["med"], 6);
    for (arguments, says) in [
        (&["2001:db9::1"][..], "no route covers 2001:db9::1/128"),
        (&["10.1.1.0/24", "--exact"], "there is no route for exactly 10.1.1.0/24"),
        (&["172.16.0.0/12", "--longer"], "there is no route within 172.16.0.0/12"),
    ] {
        let output = lab.daemon.bmpctl(&[&["show", "route"], arguments].concat());
        assert_eq!(output.status, 3, "{output}");
        assert!(output.stderr.contains(says), "{output}");
    }
}

#[test]
fn a_route_has_a_page_with_every_attribute_and_its_bytes() {
    let (lab, _neighbor) = few();
    let page = lab.daemon.bmpctl(&["show", "route", "10.1.1.1", "--bytes"]);
    let page = page.done();
    for line in [
        "Route 10.1.1.0/24",
        "Table:             adj-rib-in-pre-policy, ipv4-unicast",
        "AS path:           65001 65010 65020",
        "Origin:            igp",
        "Next hop:          192.0.2.99",
        "MED:               5",
        "Communities:       65001:7 no-export",
        "Large:             65001:1:2",
        "NLRI bytes:        180a0101",
        "Attribute bytes:   ",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
    assert!(page.contains(&format!("Neighbor:          {} (AS 65001)", lab.peer)), "{page}");
    let table = lab.daemon.bmpctl(&["show", "route"]);
    let rows: Vec<&str> = table.done().lines().collect();
    assert!(rows[0].starts_with("Prefix ") && rows[0].ends_with("AS path"), "{rows:?}");
    let row = rows.iter().find(|row| row.starts_with("192.0.2.0/24 ")).unwrap();
    assert!(row.ends_with("65001 65010 65020 i"), "{row}");
    assert_eq!(rows.last(), Some(&"7 routes of 2 tables"));
}

#[test]
fn routes_are_counted_by_what_they_have_in_common() {
    let (lab, _neighbor) = few();
    let counted = |by: &str| {
        let (counts, end) = show(&lab.daemon, &["--count-by", by]);
        assert_eq!(end["routes"], 7);
        let count = |one: &Value| {
            (one["value"].as_str().unwrap().to_owned(), one["routes"].as_u64().unwrap())
        };
        counts.iter().map(count).collect::<Vec<_>>()
    };
    let named = |counts: [(&str, u64); 2]| counts.map(|(name, count)| (name.to_owned(), count));
    assert_eq!(counted("origin-as"), named([("65020", 5), ("65030", 2)]));
    assert_eq!(counted("family"), named([("ipv4-unicast", 5), ("ipv6-unicast", 2)]));
    assert_eq!(counted("neighbor"), [(lab.peer.to_string(), 7)]);
    let text = lab.daemon.bmpctl(&["show", "route", "--count-by", "origin-as", "--limit", "1"]);
    let lines: Vec<&str> = text.done().lines().collect();
    assert_eq!(lines[0].trim(), "5  65020");
    assert!(lines.contains(&"There are more: --limit allows no further ones."), "{lines:?}");
}

#[test]
fn what_is_not_there_is_named() {
    let (lab, _neighbor) = few();
    for (arguments, status, says) in [
        (&["--router", "edge9"][..], 3, "edge9"),
        (&["--neighbor", "203.0.113.9"], 3, "203.0.113.9"),
        (&["--view", "adj-rib"], 2, "adj-rib-in-pre-policy"),
        (&["--family", "ipv4"], 2, "ipv4-unicast"),
        (&["10.0.0.0/33"], 2, "it is neither a prefix like 192.0.2.0/24"),
        (&["--longer"], 2, "<PREFIX|ADDRESS>"),
        (&["10.0.0.0/8", "--longer", "--exact"], 2, "cannot be used with"),
        (&["--watch"], 2, "--watch"),
    ] {
        let output = lab.daemon.bmpctl(&[&["show", "route"], arguments].concat());
        assert_eq!(output.status, status, "{arguments:?} {output}");
        assert!(output.stderr.contains(says), "{arguments:?} {output}");
    }
    let watched = lab.daemon.bmpctl(&["show", "--watch", "route"]);
    assert!(
        watched.status == 2 && watched.stderr.contains("--watch is not for routes"),
        "{watched}"
    );
    // One that is configured and down has none.
    let (routes, end) =
        show(&lab.daemon, &["--neighbor", &lab.peer.to_string(), "--view", "loc-rib"]);
    assert_eq!((routes.len(), end["tables"].as_u64()), (0, Some(0)));
}

/// While a table is read that does not fit into the buffers between, nothing of the rest waits: the neighbor announces
/// more, another command gets its answer; and when the reader goes on it gets every route.
#[test]
fn a_reader_that_stops_delays_nobody_and_gets_all_routes_when_it_goes_on() {
    let lab = Plan { aliases: &[], ..Plan::default() }.start();
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(150_000, 50_000));
    wait_for("the table", TIMEOUT, || {
        let shown = lab.daemon.bmpctl(&["show", "neighbor", "--json"]);
        let shown: Value = serde_json::from_str(shown.done()).unwrap();
        let routes: u64 = shown["neighbors"][0]["families"]
            .as_array()
            .unwrap()
            .iter()
            .map(|family| family["routes"].as_u64().unwrap())
            .sum();
        if routes == 200_000 { Ok(()) } else { Err(routes.to_string()) }
    });
    let before = lab.daemon.rss_kib();
    let mut reader = Command::new("sh");
    reader.arg("-c").arg(format!(
        "{} --socket {} show route | (read first; echo began; read go < {}; cat)",
        binary("bmpctl").display(),
        lab.daemon.socket().display(),
        lab.scratch.join("go").display(),
    ));
    let go = lab.scratch.join("go");
    assert!(Command::new("mkfifo").arg(&go).status().unwrap().success());
    let mut reader = Running::start(&mut reader);
    reader.wait_line(&["began"]);
    neighbor.withdraw(&[prefix("203.0.113.0/24")]);
    neighbor.announce(&[prefix("203.0.113.0/24")], &attributes());
    wait_for("a change while the reader stands", TIMEOUT, || {
        let output = lab.daemon.bmpctl(&["show", "route", "203.0.113.0/24", "--exact"]);
        if output.status == 0 { Ok(()) } else { Err(output.text()) }
    });
    let more = lab.daemon.rss_kib().saturating_sub(before);
    assert!(more < 8 * 1024, "{more} KiB for a reader that stands");
    std::fs::write(&go, "go\n").unwrap();
    let (status, shown, errors) = reader.wait_exit();
    assert_eq!((status, errors.as_str()), (0, ""));
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    for line in shown.lines().filter(|line| line.contains('/')) {
        *seen.entry(line.split_whitespace().next().unwrap()).or_default() += 1;
    }
    // The new route came during the first lap or was missed and counted; the others are each there once.
    let last = shown.lines().last().unwrap();
    assert!(seen.len() >= 199_999, "{} {last}", seen.len());
    assert!(seen.values().all(|times| *times == 1), "{last}");
}

#[test]
fn routes_of_routers_have_their_router_peer_and_view() {
    let lab =
        RelayPlan { routers: &[("edge1", ""), ("edge2", "")], ..RelayPlan::default() }.start();
    let router = lab.connect("edge1");
    lab.connect("edge2");
    let loc_rib = message::loc_rib(0, 65000, "192.0.2.254".parse().unwrap());
    for header in [global(1), loc_rib] {
        router.send(simple_up(&header));
        router.send(message::monitoring(&header, &announcement(&["10.0.0.0/8"], 1)));
    }
    let after_policy = PeerHeader { flags: global(1).flags | 0x40, ..global(1) };
    router.send(message::monitoring(&after_policy, &announcement(&["10.0.0.0/8"], 2)));
    let (routes, _) = wait_for("the routes of three tables", TIMEOUT, || {
        let (routes, end) = show(&lab.daemon, &[]);
        if routes.len() == 3 { Ok((routes, end)) } else { Err(end.to_string()) }
    });
    let named: Vec<[&str; 3]> = routes
        .iter()
        .map(|route| ["router", "peer", "view"].map(|key| route[key].as_str().unwrap()))
        .collect();
    assert_eq!(
        named,
        [
            ["edge1", "192.0.2.1", "adj-rib-in-pre-policy"],
            ["edge1", "192.0.2.1", "adj-rib-in-post-policy"],
            ["edge1", "0.0.0.0", "loc-rib"],
        ]
    );
    let count = |arguments: &[&str]| show(&lab.daemon, arguments).0.len();
    assert_eq!(count(&["--view", "loc-rib"]), 1);
    assert_eq!(count(&["--neighbor", "192.0.2.1"]), 2);
    assert_eq!(count(&["--router", "edge2"]), 0);
    assert_eq!(count(&["--router", "edge1", "--view", "adj-rib-in-post-policy"]), 1);
    let table = lab.daemon.bmpctl(&["show", "route"]);
    for row in
        ["192.0.2.1 of edge1 ", "192.0.2.1 of edge1 adj-rib-in-post-policy ", "loc-rib of edge1 "]
    {
        assert!(table.done().contains(row), "{table}");
    }
}
