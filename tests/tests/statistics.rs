//! Statistics Reports count what RFC 7854 section 4.8 says that they count.

use std::time::Duration;

use tests::bgp::{self, Family, Prefix, attribute, kind};
use tests::bmp::Statistics;
use tests::lab::Plan;
use tests::random::Random;
use tests::station::Connection;
use tests::table::{Attributes, put_announcements};

const TIMEOUT: Duration = Duration::from_secs(30);

fn attributes(seed: u64) -> Attributes {
    Attributes::sample(65001, &mut Random::new(seed))
}

/// `count` IPv4 prefixes, and as many IPv6 prefixes, from number `first` on.
fn prefixes(first: u8, count: u8) -> Vec<Prefix> {
    let numbers = || first..first + count;
    let ipv4 = numbers().map(|n| format!("10.{n}.0.0/16").parse().unwrap());
    ipv4.chain(numbers().map(|n| format!("2001:db8:{n:x}::/48").parse().unwrap())).collect()
}

#[track_caller]
fn report(connection: &Connection, number: usize) -> Statistics {
    connection.wait("a Statistics Report", Duration::from_secs(40), |record| {
        record.statistics.get(number).cloned()
    })
}

/// An UPDATE with an attribute of a wrong length that RFC 7606 section 7 has discarded: the routes stay.
fn with_a_bad_aggregator(prefix: Prefix) -> Vec<u8> {
    let mut path = vec![];
    bgp::put_attribute(&mut path, 0x40, attribute::ORIGIN, &[0]);
    bgp::put_attribute(&mut path, 0x40, attribute::AS_PATH, &[2, 1, 0, 0, 0xfd, 0xe9]);
    bgp::put_attribute(&mut path, 0x40, attribute::NEXT_HOP, &[192, 0, 2, 1]);
    bgp::put_attribute(&mut path, 0xc0, 7, &[1, 2, 3]);
    let mut body = vec![0, 0];
    body.extend_from_slice(&(path.len() as u16).to_be_bytes());
    body.extend_from_slice(&path);
    prefix.encode(&mut body);
    bgp::message(kind::UPDATE, &body)
}

#[test]
fn every_number_is_that_of_a_scripted_neighbor_and_begins_anew_with_its_next_session() {
    let lab = Plan { bmp: "statistics-timer = 15", ..Plan::default() }.start();
    let connection = lab.stations[0].wait_connection(1);
    let neighbor = lab.connect();
    // Forty of each family.
    neighbor.announce(&prefixes(0, 40), &attributes(1));
    // The same once more, and ten with other attributes: still the same routes.
    neighbor.announce(&prefixes(0, 40), &attributes(1));
    neighbor.announce(&prefixes(0, 10), &attributes(2));
    // Five go; then the same five again, and three that never were there: duplicate withdrawals.
    neighbor.withdraw(&prefixes(0, 5));
    neighbor.withdraw(&prefixes(0, 5));
    neighbor.withdraw(&prefixes(100, 3));
    // Two messages, one a family, each with four routes that are there and two that are not: these were
    // announced, if badly, and are no duplicate withdrawals.
    let mut wrong = attributes(3);
    wrong.origin = 7;
    let mut updates = vec![];
    let named = [prefixes(10, 4), prefixes(110, 2)].concat();
    put_announcements(&mut updates, &named, &wrong);
    neighbor.send_raw(&updates);
    neighbor.expect(bgp::withdrawals(&named));
    // An attribute that is discarded costs no route, and an End-of-RIB is no withdrawal.
    neighbor.send_raw(&with_a_bad_aggregator("10.200.0.0/16".parse().unwrap()));
    neighbor.end_of_rib(Family::IPV4);
    neighbor.end_of_rib(Family::IPV6);
    connection.wait_complete(lab.peer, TIMEOUT);
    let (ipv4, ipv6) = (40 - 5 - 4 + 1, 40 - 5 - 4);
    connection.wait("what is left", TIMEOUT, |record| {
        (record.peer(lab.peer)?.routes.len() as u64 == ipv4 + ipv6).then_some(())
    });

    let first = report(&connection, 0);
    let expected = [
        // Duplicate withdrawals: those that the neighbor sent.
        (2, 2 * (5 + 3)),
        // Routes in Adj-RIB-In.
        (7, ipv4 + ipv6),
        // UPDATEs treated as withdrawals, and the prefixes in them.
        (11, 2),
        (12, 2 * (4 + 2)),
    ];
    for (kind, value) in expected {
        assert_eq!(first.value(kind), Some(value), "type {kind}: {:?}", first.counters);
    }
    assert_eq!(first.family_value(9, Family::IPV4), Some(ipv4));
    assert_eq!(first.family_value(9, Family::IPV6), Some(ipv6));
    let kinds: Vec<u16> = first.counters.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [2, 7, 9, 9, 11, 12], "another number needs its lines in the script");

    // Another session of the neighbor: nothing of the old one is counted.
    neighbor.close();
    connection.wait("the Peer Down", TIMEOUT, |record| record.peer_downs.last().cloned());
    let neighbor = lab.connect();
    neighbor.announce(&prefixes(0, 3), &attributes(1));
    let second = report(&connection, 1);
    for (kind, value) in [(2, 0), (7, 6), (11, 0), (12, 0)] {
        assert_eq!(second.value(kind), Some(value), "type {kind}: {:?}", second.counters);
    }
    assert_eq!(second.family_value(9, Family::IPV6), Some(3));
    lab.assert_legal();
}
