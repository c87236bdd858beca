//! What bmpd does with its neighbors: how many routes they may have, who may connect, and the families
//! and path identifiers that are agreed on.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use socket2::{Domain, Socket, Type};
use tests::addresses::loopback;
use tests::bgp::{self, Family, Prefix, kind};
use tests::daemon::{self, Daemon, bgp_listen};
use tests::lab::Plan;
use tests::neighbor::{Neighbor, Options};
use tests::random::Random;
use tests::scratch::Scratch;
use tests::station::{Mode, Station};
use tests::table::Attributes;
use tests::wait::{wait_for, wait_until};

const TIMEOUT: Duration = Duration::from_secs(30);

fn prefixes(count: u8) -> Vec<Prefix> {
    (0..count).map(|n| format!("10.{n}.0.0/16").parse().unwrap()).collect()
}

fn attributes() -> Attributes {
    Attributes::sample(65001, &mut Random::new(1))
}

/// Connects and returns the code and subcode of the NOTIFICATION that is the answer; `None` for a
/// connection that is just closed.
fn refused(from: IpAddr, to: SocketAddr) -> Option<(u8, u8)> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(from, 0).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    bytes.get(18..21).filter(|bytes| bytes[0] == 3).map(|bytes| (bytes[1], bytes[2]))
}

#[test]
fn a_neighbor_with_too_many_routes_is_ended_and_let_in_again_after_a_while() {
    let lines = "passive = true\nmaximum-routes = { limit = 3, restart-after = 3 }";
    let lab = Plan { neighbor: lines, ..Plan::default() }.start();
    let neighbor = lab.connect();
    let begun = Instant::now();
    neighbor.announce(&prefixes(3), &attributes());
    let connection = lab.stations[0].wait_connection(1);
    connection.wait_routes(lab.peer, &neighbor.expected(), TIMEOUT);
    neighbor.announce(&prefixes(4), &attributes());
    let received = neighbor.wait_closed(TIMEOUT);
    // RFC 4486 section 4: the family and the limit.
    assert_eq!(received.notification, Some((6, 1, vec![0, 1, 1, 0, 0, 0, 3])));
    let down =
        connection.wait("the Peer Down", TIMEOUT, |record| record.peer_downs.last().cloned());
    assert_eq!((down.reason, &down.data[19..21]), (1, &[6, 1][..]));

    let neighbor = lab.connect();
    assert!(begun.elapsed() >= Duration::from_secs(3), "{:?}", begun.elapsed());
    neighbor.announce(&prefixes(2), &attributes());
    connection.wait_routes(lab.peer, &neighbor.expected(), TIMEOUT);
    lab.assert_legal();
}

#[test]
fn a_neighbor_that_is_shut_down_for_its_routes_waits_for_another_limit() {
    let lines = |limit| {
        format!("passive = true\nmaximum-routes = {{ limit = {limit}, action = 'shutdown' }}")
    };
    let lab = Plan { neighbor: &lines(3), ..Plan::default() }.start();
    let neighbor = lab.connect();
    neighbor.announce(&prefixes(4), &attributes());
    assert!(matches!(neighbor.wait_closed(TIMEOUT).notification, Some((6, 1, _))));
    drop(neighbor);
    wait_until("the neighbor to be kept out", TIMEOUT, || {
        refused(lab.peer, lab.listen) == Some((6, 5))
    });
    // It was sent the reason; a router that goes on trying is only closed for a minute.
    for _ in 0..20 {
        assert_eq!(refused(lab.peer, lab.listen), None);
    }
    lab.daemon.rewrite_config(&lab.config.replace(&lines(3), &lines(5)));
    lab.daemon.bmpctl(&["reload"]).done();
    let neighbor = lab.connect();
    neighbor.announce(&prefixes(4), &attributes());
    let connection = lab.stations[0].wait_connection(1);
    connection.wait_routes(lab.peer, &neighbor.expected(), TIMEOUT);
    // The session stays, and a lower limit ends it.
    lab.daemon.rewrite_config(&lab.config.replace(&lines(3), &lines(2)));
    lab.daemon.bmpctl(&["reload"]).done();
    assert_eq!(neighbor.wait_closed(TIMEOUT).notification, Some((6, 1, vec![0, 1, 1, 0, 0, 0, 2])));
    lab.assert_legal();
}

/// A neighbor with graceful restart that connects anew takes the place of its session, but not of one
/// that has ended for its routes at the same time. What is read first is chance: bmpd finds both when it
/// goes on.
#[test]
fn a_neighbor_with_too_many_routes_is_kept_out_though_it_connects_anew_at_that_moment() {
    let lines = "passive = true\nmaximum-routes = { limit = 3, restart-after = 1 }";
    let lab = Plan { neighbor: lines, ..Plan::default() }.start();
    let mut options = lab.options();
    options.open = options.open.graceful_restart(false, 60, &[Family::IPV4]);
    let begun = Instant::now();
    let mut kept_out = false;
    while !kept_out {
        assert!(begun.elapsed() < 2 * TIMEOUT, "it was always replaced first");
        let first = wait_for("the neighbor to be accepted", TIMEOUT, || {
            Neighbor::try_connect(&options, lab.listen)
        });
        wait_until("it to be up for 2 s", TIMEOUT, || {
            let shown = lab.daemon.bmpctl(&["show", "neighbor"]);
            let text = shown.done();
            text.contains("Established") && !["  0s  ", "  1s  "].iter().any(|a| text.contains(a))
        });
        lab.daemon.signal(Signal::STOP);
        first.announce(&prefixes(4), &attributes());
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::new(lab.peer, 0).into()).unwrap();
        socket.connect(&lab.listen.into()).unwrap();
        let mut stream = TcpStream::from(socket);
        stream.write_all(&options.open.encode()).unwrap();
        lab.daemon.signal(Signal::CONT);
        let received = first.wait_closed(TIMEOUT);
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        let mut last = || {
            let mut header = [0; bgp::HEADER];
            stream.read_exact(&mut header).unwrap();
            let mut body = vec![0; usize::from(header[17]) - bgp::HEADER];
            stream.read_exact(&mut body).unwrap();
            (header[18], body)
        };
        let mut last_but = |others: &[u8]| {
            let mut answer = last();
            while others.contains(&answer.0) {
                answer = last();
            }
            answer
        };
        // Ended for its routes, or replaced before they were read. Its OPEN may have been answered before.
        match received.notification {
            Some((6, 1, _)) => {
                let answer = last_but(&[kind::OPEN, kind::KEEPALIVE]);
                assert_eq!(answer, (kind::NOTIFICATION, vec![6, 5]));
                kept_out = true;
            }
            None => assert_eq!(last_but(&[kind::OPEN]).0, kind::KEEPALIVE),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_warning_of_too_many_routes_ends_nothing() {
    let lines = "passive = true\nmaximum-routes = { limit = 3, action = 'warn' }";
    let lab = Plan { neighbor: lines, ..Plan::default() }.start();
    let neighbor = lab.connect();
    let connection = lab.stations[0].wait_connection(1);
    for count in 3..8 {
        neighbor.announce(&prefixes(count), &attributes());
        connection.wait_routes(lab.peer, &neighbor.expected(), TIMEOUT);
    }
    let lines = lab.daemon.log();
    assert_eq!(lines.matches("more routes than").count(), 1, "{lines}");
    lab.assert_legal();
}

#[test]
fn neighbors_come_from_a_prefix_as_many_as_it_allows() {
    let station = Station::listen(loopback(), Mode::Keeping);
    let (listen, one, two, three) = (bgp_listen(), loopback(), loopback(), loopback());
    let IpAddr::V4(v4) = one else { panic!("{one}") };
    let [a, b, c, _] = v4.octets();
    let config = format!(
        "{}{}[[bgp.neighbor]]\nprefix = \"{a}.{b}.{c}.0/24\"\nmaximum-neighbors = 2\n\
         [[bgp.neighbor]]\naddress = \"127.9.9.9\"\nremote-as = 65009\npassive = true\n",
        daemon::session(station.ip(), station.port(), None),
        daemon::bgp(listen),
    );
    let scratch = Scratch::new();
    let daemon = Daemon::start(&scratch, &config);
    let neighbors = [(one, 65001), (two, 65002)].map(|(address, asn)| {
        let neighbor = Neighbor::connect(&Options::new(address, asn), listen);
        neighbor.announce(&prefixes(3), &attributes());
        neighbor
    });
    let connection = station.wait_connection(1);
    for neighbor in &neighbors {
        connection.wait_routes(neighbor.ip(), &neighbor.expected(), TIMEOUT);
    }
    connection.look(|record| {
        let mut numbers: Vec<u32> = record.peer_ups.iter().map(|up| up.header.asn).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [65001, 65002], "each with the AS that it has");
    });
    assert_eq!(refused(three, listen), None, "no room");
    assert_eq!(refused([127, 8, 8, 8].into(), listen), None, "an unknown peer");
    let shown = daemon.bmpctl(&["show", "neighbor"]).done().to_owned();
    for address in [one, two] {
        assert!(shown.contains(&address.to_string()), "{shown}");
    }
    let prefix: Vec<&str> = shown.lines().last().unwrap().split_whitespace().collect();
    assert_eq!(prefix, [&*format!("{a}.{b}.{c}.0/24"), "_public_", "2", "2"], "{shown}");
    let [first, second] = neighbors;
    first.close();
    connection.wait("the Peer Down", TIMEOUT, |record| record.peer_downs.last().cloned());
    assert!(connection.look(|record| record.peer(second.ip()).is_some()));
    station.assert_legal();
}

#[test]
fn routes_of_other_families_and_with_path_identifiers_reach_the_station_as_they_came() {
    const PATH: &[u8] = &[0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xe9];
    let lines = "passive = true\n\
                 families = ['ipv4-unicast', 'ipv4-labeled-unicast', 'vpnv4-unicast', 'l2vpn-evpn', 'ipv4-flowspec']\n\
                 add-path = ['ipv4-unicast', 'ipv4-labeled-unicast']";
    let lab = Plan { neighbor: lines, ..Plan::default() }.start();
    let (unicast, labeled) = (Family::IPV4, Family::IPV4_LABELED);
    let (vpn, evpn, flowspec) = (Family::VPNV4, Family::EVPN, Family::IPV4_FLOWSPEC);
    let mut options = lab.options();
    options.open.families = vec![unicast, labeled, vpn, evpn, flowspec];
    options.open.add_path = vec![(unicast, 3), (labeled, 2), (vpn, 2)];
    let neighbor = Neighbor::connect(&options, lab.listen);
    let connection = lab.stations[0].wait_connection(1);
    let hop = [192, 0, 2, 1];
    let synchronized = || connection.wait_rib(lab.peer, &neighbor.expected_rib(), TIMEOUT);

    // Two paths of one prefix, in the fields of RFC 4271 and in MP_REACH_NLRI.
    neighbor.announce_nlri(unicast, &hop, &[0, 0, 0, 1, 8, 10, 0, 0, 0, 2, 8, 10], PATH);
    neighbor.announce_nlri(labeled, &hop, &[0, 0, 0, 1, 32, 0, 1, 0x41, 10], PATH);
    neighbor.announce_nlri(labeled, &hop, &[0, 0, 0, 2, 32, 0, 1, 0x41, 10], PATH);
    // We did not announce to receive path identifiers here.
    let vpn_route = |label| {
        let distinguisher = [0, 0, 0xfd, 0xe9, 0, 0, 0, 1];
        [&[112, 0, label, 0x11][..], &distinguisher, &[10, 1, 0]].concat()
    };
    let vpn_hop = [&[0; 8][..], &hop].concat();
    neighbor.announce_nlri(vpn, &vpn_hop, &vpn_route(1), PATH);
    let multicast = [&[3, 17][..], &[1; 8], &[0; 4], &[32, 10, 0, 0, 1]].concat();
    neighbor.announce_nlri(evpn, &hop, &multicast, PATH);
    neighbor.announce_nlri(flowspec, &[], &[3, 1, 8, 10, 3, 1, 8, 11], PATH);
    synchronized();

    // Another label replaces; any label withdraws, of one path only.
    neighbor.announce_nlri(vpn, &vpn_hop, &vpn_route(2), PATH);
    neighbor.announce_nlri(labeled, &hop, &[0, 0, 0, 1, 32, 0, 9, 0x41, 10], PATH);
    neighbor.withdraw_nlri(labeled, &[0, 0, 0, 2, 32, 0x80, 0, 0, 10]);
    neighbor.withdraw_nlri(unicast, &[0, 0, 0, 2, 8, 10]);
    synchronized();
    neighbor.withdraw_nlri(vpn, &[&[112, 0x80, 0, 0][..], &vpn_route(2)[4..]].concat());
    neighbor.withdraw_nlri(flowspec, &[3, 1, 8, 10]);
    synchronized();
    for family in [unicast, labeled, vpn, evpn, flowspec] {
        neighbor.end_of_rib(family);
    }
    connection.wait_complete_of(lab.peer, &[unicast, labeled, vpn, evpn, flowspec], TIMEOUT);
    // What another connection is sent first is the same.
    lab.daemon.bmpctl(&["reset", "session", "all"]).done();
    let connection = lab.stations[0].wait_connection(2);
    connection.wait_rib(lab.peer, &neighbor.expected_rib(), TIMEOUT);
    lab.assert_legal();
}
