//! Neighbors from packages that come from a prefix, and in VPN instances; and reloads with neighbors
//! that are up.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use netgauze_bmp_pkt::BmpPeerType;
use netgauze_bmp_pkt::v3::{BmpMessageValue, InitiationInformation};
use netgauze_bmp_pkt::wire::deserializer::BmpParsingContext;
use tests::addresses::loopback;
use tests::bmp::{Kind, Mode};
use tests::daemon::{self, Daemon};
use tests::netns::Netns;
use tests::programs::bird::Bird;
use tests::programs::exabgp::Exabgp;
use tests::programs::gobgp::Gobgp;
use tests::programs::scene::TIMEOUT;
use tests::programs::tshark::Capture;
use tests::programs::{Connects, Link, Speaker, Terms, bmpd_listens, sample};
use tests::scratch::Scratch;
use tests::station::{Connection, Station};
use tests::wait::{holds_for, wait_for};

fn shown(daemon: &Daemon) -> String {
    daemon.bmpctl(&["show", "neighbor"]).done().to_owned()
}

#[test]
fn gobgp_and_exabgp_come_from_a_prefix_each_with_its_own_as() {
    let scratch = Scratch::new();
    let station = Station::listen(loopback(), Mode::Keeping);
    let listen = bmpd_listens();
    let [one, two] = [65001, 4_200_000_001].map(|asn| Link::new(listen, asn, Connects::Program));
    let IpAddr::V4(v4) = one.program.ip() else { panic!("{one:?}") };
    let [a, b, ..] = v4.octets();
    let config = format!(
        "{}{}[[bgp.neighbor]]\nprefix = \"{a}.{b}.0.0/16\"\nmd5.key = \"rosebud\"\n",
        daemon::session(station.ip(), station.port(), None),
        daemon::bgp(listen),
    );
    let daemon = Daemon::start(&scratch, &config);
    let terms = || Terms { password: Some("rosebud".to_owned()), ..Terms::default() };
    let gobgp = Gobgp::start_with(&scratch, one, terms(), sample(one.asn, 20, 10, 1));
    let mut exabgp = Exabgp::start_with(&scratch, two, terms(), sample(two.asn, 20, 10, 2));
    let connection = station.wait_connection(1);
    connection.wait_routes(gobgp.ip(), &gobgp.expected(), TIMEOUT);
    connection.wait_routes(exabgp.ip(), &exabgp.expected(), TIMEOUT);
    connection.look(|record| {
        for link in [&one, &two] {
            let up = record.peer_ups.iter().find(|up| up.header.peer.address == link.program.ip());
            assert_eq!(up.unwrap().header.asn, link.asn);
        }
    });
    let text = shown(&daemon);
    assert_eq!(text.matches("from a prefix").count(), 2, "{text}");
    assert!(text.contains("65001") && text.contains("4200000001"), "{text}");

    // One goes and comes again; the other does not notice.
    exabgp.kill();
    connection
        .wait("its Peer Down", TIMEOUT, |record| record.peer(exabgp.ip()).is_none().then_some(()));
    exabgp.start_again();
    connection.wait_routes(exabgp.ip(), &exabgp.expected(), TIMEOUT);
    connection.look(|record| {
        assert_eq!((record.peer_ups.len(), record.peer_downs.len()), (3, 1));
        assert_eq!(record.peer_downs[0].header.peer.address, exabgp.ip());
    });
    // Neither is in the prefix any more.
    daemon.rewrite_config(&config.replace("0.0/16", "254.0/24"));
    daemon.bmpctl(&["reload"]).done();
    connection.wait("both to be gone", TIMEOUT, |record| record.peers.is_empty().then_some(()));
    connection.look(|record| assert!(record.peer_downs[1..].iter().all(|down| down.reason == 5)));
    station.assert_legal();
}

fn vpn_instance(name: &str, netns: &str, listen: SocketAddr, more: &str) -> String {
    format!(
        "[[vpn-instance]]\nname = \"{name}\"\nnetns = \"{netns}\"\nlisten = [\"{listen}\"]\n{more}\n\n"
    )
}

/// What netgauze reads of the Peer Ups: type, distinguisher, table's name.
fn peer_ups(connection: &Connection) -> BTreeSet<(u8, Option<u64>, Vec<String>)> {
    connection.look(|record| {
        let mut context = BmpParsingContext::default();
        let mut found = BTreeSet::new();
        for (kind, range) in &record.sequence {
            let message = crate::decoders::parsed(*kind, &record.raw[range.clone()], &mut context);
            let BmpMessageValue::PeerUpNotification(up) = message else { continue };
            let header = up.peer_header();
            let kind = match header.peer_type() {
                BmpPeerType::GlobalInstancePeer { .. } => 0,
                BmpPeerType::RdInstancePeer { .. } => 1,
                BmpPeerType::LocalInstancePeer { .. } => 2,
                other => panic!("{other:?}"),
            };
            let names = up.information().iter().map(|information| match information {
                InitiationInformation::VrfTableName(name) => name.to_string(),
                other => panic!("{other:?}"),
            });
            found.insert((kind, header.rd().map(u64::from), names.collect()));
        }
        found
    })
}

/// The same address and AS in public and in two instances: each a BIRD of its own. bmpd connects to one,
/// and another one connects to it.
#[test]
fn birds_of_one_address_in_two_instances_and_in_public_are_reported_separately() {
    let scratch = Scratch::new();
    let [red, blue] = [(); 2].map(|()| Netns::new());
    let station = Station::listen(loopback(), Mode::Keeping);
    let capture = Capture::start(&scratch, SocketAddr::new(station.ip(), station.port()));
    let listen = bmpd_listens();
    let public = Link::new(listen, 65001, Connects::Program);
    let links = [public, public, Link { connects: Connects::Bmpd, ..public }];
    let config = [
        vpn_instance("red", red.name(), listen, "route-distinguisher = \"65000:7\""),
        vpn_instance("blue", blue.name(), listen, ""),
        daemon::session(station.ip(), station.port(), None),
        daemon::bgp(listen),
        links[0].neighbor(),
        links[1].neighbor_with("vpn-instance = \"red\""),
        links[2].neighbor_with("vpn-instance = \"blue\""),
    ]
    .concat();
    let daemon = Daemon::start(&scratch, &config);
    let scratches = [(); 3].map(|()| Scratch::new());
    let places = [None, Some(&red), Some(&blue)];
    let mut birds = Vec::new();
    for (n, place) in places.into_iter().enumerate() {
        let namespace = place.map(|netns| netns.namespace().clone());
        let terms = Terms { namespace, ..Terms::default() };
        let announced = sample(65001, 10 + n, 5, n as u64 + 1);
        birds.push(Bird::start_with(&scratches[n], links[n], terms, announced));
    }
    let connection = station.wait_connection(1);
    let kinds = [0, 1, 2];
    let wait_all = |birds: &[Bird]| {
        for (bird, kind) in birds.iter().zip(kinds) {
            let expected = bird.expected();
            wait_for("the routes of each instance", TIMEOUT, || {
                let found = connection.look(|record| {
                    let peer = record.peers.iter().find(|(peer, _)| peer.kind == kind);
                    peer.map(|(_, state)| state.routes.clone())
                });
                if found.as_ref() == Some(&expected) { Ok(()) } else { Err(connection.summary()) }
            });
        }
    };
    wait_all(&birds);
    // One of three goes and comes again.
    birds[2].kill();
    connection.wait("the Peer Down of blue alone", TIMEOUT, |record| {
        (record.peer_downs.len() == 1 && record.peers.keys().all(|peer| peer.kind != 2))
            .then_some(())
    });
    birds[2].start_again();
    wait_all(&birds);
    let distinguisher = |kind: u8| {
        let found = connection.look(|record| record.peers.keys().find(|p| p.kind == kind).copied());
        found.unwrap().distinguisher
    };
    assert_eq!((distinguisher(0), distinguisher(1)), (0, 65000 << 32 | 7));
    let blue = distinguisher(2);
    assert_ne!(blue, 0);

    let ups = peer_ups(&connection);
    let read: Vec<(u8, Option<u64>, &[String])> =
        ups.iter().map(|(kind, rd, names)| (*kind, *rd, &names[..])).collect();
    let (red_name, blue_name) = (["red".to_owned()], ["blue".to_owned()]);
    let expected: [(u8, Option<u64>, &[String]); 3] =
        [(0, None, &[]), (1, Some(65000 << 32 | 7), &red_name), (2, Some(blue), &blue_name)];
    assert_eq!(read, expected, "as netgauze reads them");

    let captured = capture.stop();
    let lines = captured
        .dissect("bmp.type == 3", &["frame.number", "bmp.peer.type", "bmp.peer.distinguisher"]);
    let text = lines.join("\n");
    // A segment can have several of them, whose values stand in one field then.
    let seen: Vec<(&str, &str)> = lines
        .iter()
        .filter_map(|line| line.split_once('\t')?.1.split_once('\t'))
        .flat_map(|(kinds, distinguishers)| kinds.split(',').zip(distinguishers.split(',')))
        .collect();
    for (kind, distinguisher) in [(0, 0), (1, 65000 << 32 | 7), (2, blue)] {
        let (kind, distinguisher) = (kind.to_string(), format!("{distinguisher:016x}"));
        assert!(seen.contains(&(&*kind, &*distinguisher)), "no {kind}, {distinguisher} in\n{text}");
    }
    // It takes the name of a table behind the two OPENs for more of BGP, and finds it malformed.
    for fault in captured.faults() {
        let number = fault.split([' ', ':']).nth(1).unwrap();
        let named = lines.iter().any(|line| {
            let mut fields = line.split('\t');
            fields.next() == Some(number) && fields.next() != Some("0")
        });
        assert!(named, "{fault}\n{text}");
    }
    let text = shown(&daemon);
    assert_eq!(text.matches("Established").count(), 3, "{text}");
    station.assert_legal();
}

/// The namespace comes when bmpd has long been running, goes, and comes again.
#[test]
fn bird_in_a_namespace_that_is_created_later_comes_up_whoever_connects() {
    for connects in [Connects::Program, Connects::Bmpd] {
        let (scratch, station) = (Scratch::new(), Station::listen(loopback(), Mode::Keeping));
        let listen = bmpd_listens();
        let link = Link::new(listen, 65001, connects);
        let name = format!("bmpd-later-{}-{}", std::process::id(), listen.port());
        let config = [
            vpn_instance("later", &name, listen, ""),
            daemon::session(station.ip(), station.port(), None),
            "[bgp]\nas = 65000\nrouter-id = \"192.0.2.254\"\nlisten = []\n\n".to_owned(),
            link.neighbor_with("vpn-instance = \"later\""),
        ]
        .concat();
        let daemon = Daemon::start(&scratch, &config);
        let connection = station.wait_connection(1);
        if connects == Connects::Bmpd {
            wait_for("the reason", TIMEOUT, || {
                let text = shown(&daemon);
                let reason = format!("there is no network namespace /run/netns/{name}");
                if text.contains(&reason) { Ok(()) } else { Err(text) }
            });
        }
        let later = Netns::named(&name);
        let terms = Terms { namespace: Some(later.namespace().clone()), ..Terms::default() };
        let bird = Bird::start_with(&scratch, link, terms, sample(65001, 20, 10, 1));
        connection.wait_routes(bird.ip(), &bird.expected(), TIMEOUT);
        assert!(connection.look(|record| record.peers.keys().all(|peer| peer.kind == 2)));
        station.assert_legal();
    }
}

/// Two BIRDs are up. What a reload does to the one the other does not notice.
#[test]
fn a_reload_ends_what_is_removed_restarts_what_has_changed_and_leaves_the_rest() {
    let (scratch, station) = (Scratch::new(), Station::listen(loopback(), Mode::Keeping));
    let listen = bmpd_listens();
    let links = [(); 2].map(|()| Link::new(listen, 65001, Connects::Program));
    let base = daemon::session(station.ip(), station.port(), None) + &daemon::bgp(listen);
    let config =
        |first: &str| [base.clone(), links[0].neighbor_with(first), links[1].neighbor()].concat();
    let daemon = Daemon::start(&scratch, &config("hold-time = 90"));
    let birds =
        [0, 1].map(|n| Bird::start(&scratch, links[n], sample(65001, 20, 10, n as u64 + 1)));
    let connection = station.wait_connection(1);
    let wait_routes = || {
        for bird in &birds {
            connection.wait_routes(bird.ip(), &bird.expected(), TIMEOUT);
        }
    };
    wait_routes();
    let counts = || connection.look(|record| (record.peer_ups.len(), record.peer_downs.len()));

    // A description is nothing to a neighbor.
    daemon.rewrite_config(&config("hold-time = 90\ndescription = \"the first\""));
    let reload = daemon.bmpctl(&["reload"]);
    assert!(reload.done().contains("description none -> the first"), "{reload}");
    holds_for("no neighbor restarts", Duration::from_millis(500), || {
        if counts() == (2, 0) { Ok(()) } else { Err(connection.summary()) }
    });
    assert!(shown(&daemon).contains("the first"));

    // The hold time is negotiated when a session begins.
    daemon.rewrite_config(&config("hold-time = 30\ndescription = \"the first\""));
    let reload = daemon.bmpctl(&["reload"]);
    assert!(reload.done().contains("hold-time 90 s -> 30 s"), "{reload}");
    let down =
        connection.wait("the Peer Down", TIMEOUT, |record| record.peer_downs.last().cloned());
    assert_eq!((down.header.peer.address, down.reason), (birds[0].ip(), 1));
    assert_eq!(down.data[19..21], [6, 6]);
    wait_for("BIRD to receive the reason", TIMEOUT, || {
        let log = birds[0].log();
        if log.contains("Received: Other configuration change") { Ok(()) } else { Err(log) }
    });
    wait_routes();
    assert_eq!(counts(), (3, 1));

    // One that is removed is sent that, and so is the station.
    daemon.rewrite_config(&[base.clone(), links[1].neighbor()].concat());
    daemon.bmpctl(&["reload"]).done();
    wait_for("BIRD to receive that it is removed", TIMEOUT, || {
        let log = birds[0].log();
        if log.contains("Received: Peer de-configured") { Ok(()) } else { Err(log) }
    });
    connection.wait("the Peer Down", TIMEOUT, |record| {
        record.peer_downs.last().filter(|down| down.reason == 5).cloned()
    });
    // It retries without success until it is configured again.
    holds_for("it is an unknown peer", Duration::from_secs(2), || {
        if counts() == (3, 2) { Ok(()) } else { Err(connection.summary()) }
    });
    daemon.rewrite_config(&config(""));
    daemon.bmpctl(&["reload"]).done();
    wait_routes();
    assert_eq!(counts(), (4, 2));
    assert!(!birds[1].log().contains("Received: "), "the other received nothing");
    assert_eq!(connection.look(|record| record.count(Kind::Initiation)), 1);
    station.assert_legal();
}
