//! VPN instances are real: network namespaces and devices, in which the same address exists anew.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tests::addresses::loopback;
use tests::bgp::Family;
use tests::bmp::{Kind, Mode};
use tests::daemon::{Daemon, bgp, bgp_listen, neighbor, session};
use tests::neighbor::{Neighbor, Options};
use tests::netns::Netns;
use tests::nlri;
use tests::scratch::Scratch;
use tests::station::{Connection, Station};
use tests::table::Table;
use tests::wait::{holds_for, wait_for};

const TIMEOUT: Duration = Duration::from_secs(30);

fn instance(name: &str, what: &str) -> String {
    format!("[[vpn-instance]]\nname = \"{name}\"\n{what}\nlisten = []\n\n")
}

fn within(vpn: &str, session: String) -> String {
    session.trim_end().to_owned() + &format!("\nvpn-instance = \"{vpn}\"\n\n")
}

fn wait_initiation(station: &Station, number: usize) {
    station
        .wait_connection(number)
        .wait("the Initiation", TIMEOUT, |r| (r.count(Kind::Initiation) == 1).then_some(()));
}

#[test]
fn the_same_station_in_two_namespaces_and_in_public_is_three_sessions_that_are_reset_separately() {
    let scratch = Scratch::new();
    let address = loopback();
    let [red, blue, green] = [(); 3].map(|()| Netns::new());
    let in_ns =
        |netns: &Netns| Station::listen_in(netns, SocketAddr::new(address, 0), Mode::Counting);
    let public = Station::listen(address, Mode::Counting);
    // Blue is named by its path. Green has nothing in it: its session is down and bothers nobody.
    let (in_red, in_red_too, in_blue) = (in_ns(&red), in_ns(&red), in_ns(&blue));
    let config = [
        instance("red", &format!("netns = \"{}\"", red.name())),
        instance("blue", &format!("netns = \"/run/netns/{}\"", blue.name())),
        instance("green", &format!("netns = \"{}\"", green.name())),
        session(address, public.port(), None),
        within("red", session(address, in_red.port(), None)),
        within("red", session(address, in_red_too.port(), Some("aa"))),
        within("blue", session(address, in_blue.port(), None)),
        within("green", session(address, 1, None)),
    ]
    .concat();
    let daemon = Daemon::start(&scratch, &config);
    let stations = [&public, &in_red, &in_red_too, &in_blue];
    for station in stations {
        wait_initiation(station, 1);
    }
    let text = address.to_string();
    let resets: [(&[&str], [usize; 4]); 6] = [
        (&["--vpn-instance", "red", &text], [1, 2, 1, 1]),
        (&[&text], [2, 2, 1, 1]),
        (&["--vpn-instance", "red", "all"], [2, 3, 2, 1]),
        (&["--vpn-instance", "blue", &text], [2, 3, 2, 2]),
        (&["all"], [3, 4, 3, 3]),
        (&["--vpn-instance", "red", &text, "--alias", "aa"], [3, 4, 4, 3]),
    ];
    for (selector, expected) in resets {
        daemon.bmpctl(&[&["reset", "session"], selector].concat()).done();
        for (station, number) in stations.iter().zip(expected) {
            wait_initiation(station, number);
        }
        holds_for("no other session is reset", Duration::from_millis(200), || {
            let numbers = stations.map(|station| station.connections().len());
            if numbers == expected { Ok(()) } else { Err(format!("{selector:?}: {numbers:?}")) }
        });
    }
    let unknown = daemon.bmpctl(&["reset", "session", "--vpn-instance", "yellow", "all"]);
    assert_eq!(unknown.status, 3, "{unknown}");
    for station in stations {
        station.assert_legal();
    }
}

#[test]
fn a_namespace_that_is_missing_is_a_reason_and_is_retried_while_the_others_run() {
    let scratch = Scratch::new();
    let address = loopback();
    let public = Station::listen(address, Mode::Counting);
    let name = format!("bmpd-late-{}", std::process::id());
    let config = [
        instance("late", &format!("netns = \"{name}\"")),
        instance("gone", "device = \"nosuchdevice0\""),
        session(address, public.port(), None),
        within("late", session(address, 11019, None)),
        within("gone", session(address, 11019, None)),
    ]
    .concat();
    let daemon = Daemon::start(&scratch, &config);
    wait_initiation(&public, 1);
    for (vpn, reason, words) in [
        ("late", "[no-namespace]", format!("there is no network namespace /run/netns/{name}")),
        ("gone", "[no-device]", "there is no device nosuchdevice0".to_owned()),
    ] {
        wait_for("the reason", TIMEOUT, || {
            let page =
                daemon.bmpctl(&["show", "session", "--vpn-instance", vpn, &address.to_string()]);
            let found = page.stdout.contains(reason) && page.stdout.contains(&words);
            if found { Ok(()) } else { Err(page.to_string()) }
        });
    }
    let check = Daemon::check(&scratch, &config);
    assert!(check.stdout.contains("good") && check.stderr.contains("network namespace"), "{check}");

    // It comes, and with it the session, by itself.
    let late = Netns::named(&name);
    let station = Station::listen_in(&late, SocketAddr::new(address, 11019), Mode::Counting);
    wait_initiation(&station, 1);
    assert_eq!(public.connections().len(), 1);
}

#[test]
fn a_device_binds_its_sessions() {
    let scratch = Scratch::new();
    let far = Netns::new();
    let [near, address] = far.veth_to_host();
    let station = Station::listen_in(&far, SocketAddr::new(address, 0), Mode::Counting);
    let device = tests::netns::device_of(near);
    let config = [
        instance("mgmt", &format!("device = \"{device}\"")),
        within("mgmt", session(address, station.port(), None)),
    ]
    .concat();
    let daemon = Daemon::start(&scratch, &config);
    wait_initiation(&station, 1);
    assert_eq!(station.wait_connection(1).remote.ip(), near);
    let socket = tests::sockets::connected(daemon.pid(), SocketAddr::new(address, station.port()));
    let bound = socket.unwrap().device().unwrap().unwrap();
    assert_eq!(String::from_utf8_lossy(&bound).trim_end_matches('\0'), device);
}

/// A station is sent neighbors in instances under a distinguisher: the configured one as type 1,
/// another as type 2, and each Peer Up names the table (RFC 7854 section 4.2).
#[test]
fn neighbors_in_instances_differ_in_type_distinguisher_and_table_name() {
    let scratch = Scratch::new();
    let (address, listen, peer) = (loopback(), bgp_listen(), loopback());
    let [red, blue] = [(); 2].map(|()| Netns::new());
    let station = Station::listen(address, Mode::Keeping);
    let listening = |name: &str, netns: &Netns, more: &str| {
        format!(
            "[[vpn-instance]]\nname = \"{name}\"\nnetns = \"{}\"\nlisten = [\"{listen}\"]\n{more}\n",
            netns.name()
        )
    };
    let neighbor_in = |vpn: &str| {
        neighbor(peer, 65001).trim_end().to_owned() + &format!("\nvpn-instance = \"{vpn}\"\n\n")
    };
    let config = [
        listening("red", &red, "route-distinguisher = \"65000:7\""),
        listening("blue", &blue, ""),
        session(address, station.port(), None),
        bgp(listen),
        neighbor(peer, 65001),
        neighbor_in("red"),
        neighbor_in("blue"),
    ]
    .concat();
    let daemon = Daemon::start(&scratch, &config);
    let options = Options::new(peer, 65001);
    let speakers = [
        Neighbor::connect(&options, listen),
        Neighbor::connect_in(&red, &options, listen),
        Neighbor::connect_in(&blue, &options, listen),
    ];
    // Each has another table.
    for (speaker, routes) in speakers.iter().zip([10, 20, 30]) {
        speaker.send_all(&Table::full(routes, routes));
    }
    let connection = station.wait_connection(1);
    let seen: Vec<(u8, u64, Option<String>, usize)> =
        connection.wait("three peers", TIMEOUT, |record| {
            let complete = record.peers.values().filter(|peer| peer.end_of_rib.len() == 2).count();
            (complete == 3).then(|| {
                record
                    .peer_ups
                    .iter()
                    .map(|up| {
                        let peer = up.header.peer;
                        (
                            peer.kind,
                            peer.distinguisher,
                            up.table_name(),
                            record.peers[&peer].routes.len(),
                        )
                    })
                    .collect()
            })
        });
    assert!(seen.contains(&(0, 0, None, 20)), "{seen:?}");
    assert!(seen.contains(&(1, 65000 << 32 | 7, Some("red".to_owned()), 40)), "{seen:?}");
    let local = seen.iter().find(|(kind, ..)| *kind == 2).unwrap();
    assert!(local.1 != 0 && local.2.as_deref() == Some("blue") && local.3 == 60, "{seen:?}");
    let shown = daemon.bmpctl(&["show", "neighbor"]);
    for vpn in ["red", "blue"] {
        assert!(shown.done().contains(vpn), "{shown}");
    }
    // Again after a restart of the reporting, with the same distinguishers.
    daemon.bmpctl(&["reset", "session", "all"]).done();
    let again = station.wait_connection(2);
    again.wait("three peers again", TIMEOUT, |record| {
        let complete = record.peers.values().filter(|peer| peer.end_of_rib.len() == 2).count();
        (complete == 3 && record.peers.keys().any(|p| p.kind == 2 && p.distinguisher == local.1))
            .then_some(())
    });
    station.assert_legal();
}

/// Only what a session monitors: of one instance, of every VPN instance, or single neighbors.
#[test]
fn a_session_is_sent_the_neighbors_and_families_that_it_monitors_and_changes_take_effect_at_once() {
    let scratch = Scratch::new();
    let (address, listen) = (loopback(), bgp_listen());
    let (first, second) = (loopback(), loopback());
    let red = Netns::new();
    let station = Station::listen(address, Mode::Keeping);
    let config = |monitor: &str| {
        [
            format!(
                "[[vpn-instance]]\nname = \"red\"\nnetns = \"{}\"\nlisten = [\"{listen}\"]\n\n",
                red.name()
            ),
            session(address, station.port(), None).trim_end().to_owned() + "\n" + monitor + "\n\n",
            bgp(listen),
            neighbor(first, 65001),
            neighbor(second, 65001),
            neighbor(first, 65001).trim_end().to_owned() + "\nvpn-instance = \"red\"\n\n",
        ]
        .concat()
    };
    let daemon = Daemon::start(&scratch, &config("monitor.public = true"));
    let speakers = [
        Neighbor::connect(&Options::new(first, 65001), listen),
        Neighbor::connect(&Options::new(second, 65001), listen),
        Neighbor::connect_in(&red, &Options::new(first, 65001), listen),
    ];
    for speaker in &speakers {
        speaker.send_all(&Table::full(20, 10));
    }
    let connection = station.wait_connection(1);
    let sent = |what: &str, expected: &[(u8, IpAddr)]| {
        connection.wait(what, TIMEOUT, |record| {
            let up: Vec<(u8, IpAddr)> = record
                .peers
                .iter()
                .filter(|(_, state)| state.end_of_rib.len() == 2 && state.routes.len() == 30)
                .map(|(peer, _)| (peer.kind, peer.address))
                .collect();
            (record.peers.len() == expected.len() && expected.iter().all(|peer| up.contains(peer)))
                .then_some(())
        });
    };
    sent("the public neighbors", &[(0, first), (0, second)]);
    let page = daemon.bmpctl(&["show", "session", &address.to_string()]);
    let peers = "Monitored peers:   ipv4-unicast 2, ipv6-unicast 2\n";
    assert!(page.done().contains(peers), "{page}");
    let named = format!("monitor.neighbors = [{{ address = \"{second}\" }}]");
    for (monitor, expected) in [
        (&*named, vec![(0, second)]),
        ("monitor.vpn-instances = [\"red\"]", vec![(2, first)]),
        (
            "monitor.all-vpn-instances = true\nmonitor.public = true",
            vec![(0, first), (0, second), (2, first)],
        ),
        ("monitor.public = false", vec![]),
        ("", vec![(0, first), (0, second), (2, first)]),
    ] {
        daemon.rewrite_config(&config(monitor));
        daemon.bmpctl(&["reload"]).done();
        sent(monitor, &expected);
    }
    assert_eq!(station.connections().len(), 1, "it was done without another connection");
    // Where monitoring ends the reason is 5, and nothing follows it (RFC 7854 section 4.9).
    connection.look(|record| {
        assert!(record.peer_downs.iter().all(|down| down.reason == 5 && down.data.is_empty()));
        assert_eq!(record.withdrawn, 0);
    });
    // Families need another connection.
    daemon.rewrite_config(&config("monitor.families = [\"ipv6-unicast\"]"));
    daemon.bmpctl(&["reload"]).done();
    daemon.bmpctl(&["reset", "session", "all"]).done();
    let again = station.wait_connection(2);
    again.wait("the IPv6 routes of three peers and their End-of-RIBs alone", TIMEOUT, |record| {
        let whole =
            record.peers.values().filter(|s| s.routes.len() == 10 && s.end_of_rib.len() == 1);
        (whole.count() == 3).then_some(())
    });
    station.assert_legal();
}

/// Every instance and every family, not the first ones only: after a reset, and after a station was away.
#[test]
fn after_a_reset_and_on_a_new_connection_every_instance_and_family_is_sent_again() {
    let scratch = Scratch::new();
    let (address, listen, peer) = (loopback(), bgp_listen(), loopback());
    let [red, blue] = [(); 2].map(|()| Netns::new());
    let mut station = Station::listen(address, Mode::Keeping);
    let families = [Family::IPV4, Family::IPV6, Family::VPNV4, Family::EVPN];
    let listening = |name: &str, netns: &Netns, rd: &str| {
        format!(
            "[[vpn-instance]]\nname = \"{name}\"\nnetns = \"{}\"\nlisten = [\"{listen}\"]\n\
             route-distinguisher = \"{rd}\"\n\n",
            netns.name()
        )
    };
    let names: Vec<String> = families.iter().map(|family| format!("\"{family}\"")).collect();
    let neighbor_in = |vpn: &str| {
        let neighbor = neighbor(peer, 65001);
        format!("{}\nfamilies = [{}]\n{vpn}\n\n", neighbor.trim_end(), names.join(", "))
    };
    let config = [
        listening("red", &red, "65000:1"),
        listening("blue", &blue, "65000:2"),
        session(address, station.port(), None),
        bgp(listen),
        neighbor_in(""),
        neighbor_in("vpn-instance = \"red\""),
        neighbor_in("vpn-instance = \"blue\""),
    ]
    .concat();
    let daemon = Daemon::start(&scratch, &config);
    let mut options = Options::new(peer, 65001);
    options.open.families = families.to_vec();
    let speakers = [
        Neighbor::connect(&options, listen),
        Neighbor::connect_in(&red, &options, listen),
        Neighbor::connect_in(&blue, &options, listen),
    ];
    // Each has another table in every family.
    for (first, speaker) in [1u8, 2, 3].into_iter().zip(&speakers) {
        speaker.send_table(&Table::full(100 * u64::from(first), 50 * u64::from(first)));
        for family in [Family::VPNV4, Family::EVPN] {
            let routes: Vec<u8> = (first..=6).flat_map(|n| nlri::example(family, n)).collect();
            let path = [0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xe9];
            speaker.announce_nlri(family, &nlri::example_next_hop(family), &routes, &path);
        }
        families.iter().for_each(|family| speaker.end_of_rib(*family));
    }
    let places = [(0, 0), (1, 65000 << 32 | 1), (1, 65000 << 32 | 2)];
    let all_sent = |connection: &Connection| {
        for ((kind, distinguisher), speaker) in places.into_iter().zip(&speakers) {
            let what = format!("the routes of the peer of type {kind}, {distinguisher:x}");
            wait_for(&what, TIMEOUT, || {
                connection.look(|record| {
                    let found = record.peer_of(kind, distinguisher, peer);
                    let found = found.ok_or_else(|| record.summary())?;
                    if found.end_of_rib.len() < families.len() {
                        return Err(record.summary());
                    }
                    nlri::difference(&speaker.expected_rib(), &found.rib()).map_or(Ok(()), Err)
                })
            });
        }
        assert_eq!(connection.look(|record| record.peer_ups.len()), 3);
    };
    all_sent(&station.wait_connection(1));
    daemon.bmpctl(&["reset", "session", "all"]).done();
    all_sent(&station.wait_connection(2));
    station.kill();
    station.revive();
    all_sent(&station.wait_connection(3));
    station.assert_legal();
}

#[test]
fn every_collector_has_a_selection_of_its_own() {
    let scratch = Scratch::new();
    let (address, listen) = (loopback(), bgp_listen());
    let peers = [loopback(), loopback()];
    let monitors = [
        "",
        "monitor.families = [\"ipv6-unicast\"]",
        &format!("monitor.neighbors = [{{ address = \"{}\" }}]", peers[0]),
        &format!(
            "monitor.neighbors = [{{ address = \"{}\" }}]\nmonitor.families = [\"ipv4-unicast\"]",
            peers[1]
        ),
    ];
    let stations = monitors.map(|_| Station::listen(address, Mode::Keeping));
    let mut config = bgp(listen) + &neighbor(peers[0], 65001) + &neighbor(peers[1], 65001);
    for (n, (station, monitor)) in stations.iter().zip(monitors).enumerate() {
        let session = session(address, station.port(), Some(&format!("s{n}")));
        config += &format!("{}\n{monitor}\n\n", session.trim_end());
    }
    let daemon = Daemon::start(&scratch, &config);
    let speakers = peers.map(|peer| Neighbor::connect(&Options::new(peer, 65001), listen));
    for (speaker, routes) in speakers.iter().zip([20, 40]) {
        speaker.send_all(&Table::full(routes, routes / 2));
    }
    // Routes and End-of-RIBs of each neighbor at each collector; none of a neighbor that it does not monitor.
    let expected = [
        [Some((30, 2)), Some((60, 2))],
        [Some((10, 1)), Some((20, 1))],
        [Some((30, 2)), None],
        [None, Some((40, 1))],
    ];
    let as_selected = |number: usize| {
        for (station, expected) in stations.iter().zip(expected) {
            station.wait_connection(number).wait("what it selects", TIMEOUT, |record| {
                let found = peers.map(|peer| {
                    record.peer(peer).map(|state| (state.routes.len(), state.end_of_rib.len()))
                });
                (found == expected).then_some(())
            });
        }
    };
    as_selected(1);
    daemon.bmpctl(&["reset", "session", "all"]).done();
    as_selected(2);
    // Nothing else was ever sent.
    for (station, expected) in stations.iter().zip(expected) {
        let routes: usize = expected.iter().flatten().map(|(routes, _)| routes).sum();
        for connection in station.connections() {
            let sent = connection.look(|record| (record.peer_ups.len(), record.announced));
            assert_eq!(sent, (expected.iter().flatten().count(), routes as u64));
        }
        station.assert_legal();
    }
}
