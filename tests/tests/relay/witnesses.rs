//! What others read in what bmpd passes on: netgauze, tshark and pmbmpd see the same of a router through bmpd as without
//! it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use netgauze_bgp_pkt::BgpMessage;
use netgauze_bgp_pkt::path_attribute::{MpReach, MpUnreach, PathAttributeValue};
use netgauze_bmp_pkt::v3::BmpMessageValue;
use netgauze_bmp_pkt::wire::deserializer::BmpParsingContext;
use netgauze_bmp_pkt::{BmpPeerType, PeerHeader};
use serde_json::Value;
use tests::addresses::loopback;
use tests::bgp::{Family, end_of_rib};
use tests::bmp::message::{self, monitoring, peer};
use tests::bmp::{self, COMMON_HEADER, Kind, View};
use tests::daemon;
use tests::programs::pmbmpd::Pmbmpd;
use tests::programs::tshark::Capture;
use tests::race::Program;
use tests::relay::example::simple_up;
use tests::relay::{Plan, Scene};
use tests::scratch::Scratch;
use tests::station::{Connection, Mode, Setup, Station};
use tests::table::Table;
use tests::wait::{wait_for, wait_until};

use super::programs::TIMEOUT;
use super::{global, withdrawal};

/// A peer, for all of its views.
type Who = (&'static str, String, Option<IpAddr>);

/// The routes of each peer: view and prefix, and the path attributes as netgauze describes them.
type Read = BTreeMap<Who, BTreeMap<(String, String), String>>;

fn who(header: &PeerHeader) -> Who {
    let kind = match header.peer_type() {
        BmpPeerType::GlobalInstancePeer { .. } => "global",
        BmpPeerType::RdInstancePeer { .. } => "distinguished",
        BmpPeerType::LocalInstancePeer { .. } => "local",
        BmpPeerType::LocRibInstancePeer { .. } => "loc-rib",
        other => panic!("{other:?}"),
    };
    (kind, format!("{:?}", header.rd()), header.address())
}

/// What netgauze reads in the messages of a connection. It does not apply ADD-PATH to a Loc-RIB (RFC 9069 section 5.2),
/// which only GoBGP has with it: without `loc_rib` its routes are left out.
fn netgauze(connection: &Connection, loc_rib: bool) -> Read {
    let mut read = Read::new();
    connection.look(|record| {
        let mut context = BmpParsingContext::default();
        for (kind, range) in &record.sequence {
            let bytes = &record.raw[range.clone()];
            let is_loc_rib = bytes.get(COMMON_HEADER) == Some(&peer::LOC_RIB);
            if *kind == Kind::RouteMonitoring && is_loc_rib && !loc_rib {
                continue;
            }
            match crate::decoders::parsed(*kind, bytes, &mut context) {
                BmpMessageValue::PeerUpNotification(up) => {
                    read.insert(who(up.peer_header()), BTreeMap::new());
                }
                BmpMessageValue::PeerDownNotification(down) => {
                    // FRR has sent it for one that was not up.
                    read.remove(&who(down.peer_header()));
                }
                BmpMessageValue::RouteMonitoring(routes) => {
                    let header = routes.peer_header();
                    let view = format!("{:?}", header.peer_type());
                    let table =
                        read.get_mut(&who(header)).unwrap_or_else(|| panic!("not up: {header:?}"));
                    let BgpMessage::Update(update) = routes.update_message() else {
                        panic!("not an UPDATE: {routes:?}")
                    };
                    let mut announced: Vec<String> = update
                        .nlri()
                        .iter()
                        .map(|one| one.network().address().to_string())
                        .collect();
                    let mut gone: Vec<String> = update
                        .withdraw_routes()
                        .iter()
                        .map(|one| one.network().address().to_string())
                        .collect();
                    let mut attributes = String::new();
                    for attribute in update.path_attributes() {
                        match attribute.value() {
                            PathAttributeValue::MpReach(MpReach::Ipv6Unicast {
                                next_hop_global,
                                nlri,
                                ..
                            }) => {
                                attributes += &format!("{next_hop_global};");
                                let prefixes = nlri.iter().map(|one| one.network().address());
                                announced.extend(prefixes.map(|prefix| prefix.to_string()));
                            }
                            PathAttributeValue::MpUnreach(MpUnreach::Ipv6Unicast { nlri }) => {
                                let prefixes = nlri.iter().map(|one| one.network().address());
                                gone.extend(prefixes.map(|prefix| prefix.to_string()));
                            }
                            PathAttributeValue::MpReach(other) => panic!("{other:?}"),
                            PathAttributeValue::MpUnreach(other) => panic!("{other:?}"),
                            value => attributes += &format!("{value:?};"),
                        }
                    }
                    for prefix in gone {
                        table.remove(&(view.clone(), prefix));
                    }
                    for prefix in announced {
                        table.insert((view.clone(), prefix), attributes.clone());
                    }
                }
                BmpMessageValue::StatisticsReport(_)
                | BmpMessageValue::Initiation(_)
                | BmpMessageValue::Termination(_) => {}
                other => panic!("{other:?}"),
            }
        }
    });
    read
}

/// The first difference, if there is one.
fn difference(direct: &Read, found: &Read) -> Option<String> {
    if direct.keys().ne(found.keys()) {
        return Some(format!("{:?}, not {:?}", found.keys(), direct.keys()));
    }
    for ((who, direct), found) in direct.iter().zip(found.values()) {
        let one = direct.iter().find(|(key, value)| found.get(*key) != Some(*value));
        let other = found.keys().find(|key| !direct.contains_key(*key));
        if one.is_some() || other.is_some() {
            return Some(format!("{who:?}: {one:?} or {other:?}"));
        }
    }
    None
}

/// What tshark finds wrong with these bytes of a BMP connection, whatever packet it is in.
fn tshark(scratch: &Scratch, bytes: &[u8]) -> BTreeSet<String> {
    let listener = TcpListener::bind((loopback(), 0)).unwrap();
    let at = listener.local_addr().unwrap();
    let capture = Capture::start(scratch, at);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut stream, _) = listener.accept().unwrap();
            io::copy(&mut stream, &mut io::sink()).unwrap()
        });
        TcpStream::connect(at).unwrap().write_all(bytes).unwrap();
        assert_eq!(reader.join().unwrap(), bytes.len() as u64);
    });
    let captured = capture.stop();
    assert_eq!(captured.connections()[0].1.raw, bytes, "the capture has other bytes");
    let faults = captured.faults();
    let texts = faults.iter().filter_map(|fault| fault.split_once(": "));
    let texts =
        texts.flat_map(|(_, texts)| texts.split(',').map(str::to_owned).collect::<Vec<_>>());
    // A full window is no fault.
    texts.filter(|text| !text.starts_with("TCP ")).collect()
}

/// What pmbmpd knows of the peers before policy.
fn known_to(pmbmpd: &Pmbmpd) -> BTreeMap<String, BTreeSet<String>> {
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in pmbmpd.log() {
        let object: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let word = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
        let peer = word("peer_ip");
        match &*word("bmp_msg_type") {
            "peer_down" => {
                known.remove(&peer);
            }
            "route_monitor"
                if object["is_post"] == 0 && object["is_out"] != 1 && object["is_loc"] != 1 =>
            {
                let routes = known.entry(peer).or_default();
                match &*word("log_type") {
                    "withdraw" => routes.remove(&word("ip_prefix")),
                    _ => routes.insert(word("ip_prefix")),
                };
            }
            _ => {}
        }
    }
    known
}

/// An hour of a router in short: tables, changes, a neighbor that goes and comes back; and stations that come then.
#[track_caller]
fn is_read_by_all(program: Program, router: &str) {
    let loc_rib = program != Program::Gobgp;
    let scratch = Scratch::new();
    let pmbmpd = Pmbmpd::start(&scratch, loopback());
    let at = pmbmpd.address();
    let more = format!(
        "[[session]]\naddress = \"{}\"\ntcp.connect-port = {}\nretry.initial = 1\nshutdown = true\n",
        at.ip(),
        at.port()
    );
    let mut scene = Scene::start_with(program, router, &more);
    let name = scene.name();
    let early = scene.lab.early.wait_leg(&name);
    scene.announce(0, 300, 100);
    scene.announce(1, 200, 50);
    scene.wait_equal(&early);
    let gone: Vec<_> = scene.speakers[0].expected().into_keys().step_by(3).collect();
    scene.speakers[0].withdraw(&gone);
    drop(scene.speakers.remove(1));
    early.wait_router("the Peer Down", |s| (!s.downs.is_empty()).then_some(()));
    scene.speakers.push(scene.connect(1));
    scene.announce(1, 100, 30);
    scene.wait_equal(&early);

    scene.lab.start_late();
    let late = scene.lab.late.wait_leg(&name);
    scene.wait_equal(&late);

    let direct = scene.direct.latest().expect("a connection");
    wait_for("netgauze to read the same everywhere", TIMEOUT, || {
        let read = netgauze(&direct, loc_rib);
        for leg in [&early, &late] {
            if let Some(text) = difference(&read, &netgauze(leg, loc_rib)) {
                return Err(text);
            }
        }
        Ok(())
    });
    assert!(netgauze(&late, loc_rib).values().map(BTreeMap::len).sum::<usize>() > 400);

    // tshark supports no TLVs in a Peer Up, and has its opinion of capabilities: what it finds with the program itself is
    // the program's.
    let of_program = tshark(&scratch, &direct.look(|record| record.raw.clone()));
    for leg in [&early, &late] {
        let found = tshark(&scratch, &leg.look(|record| record.raw.clone()));
        assert!(found.is_subset(&of_program), "{found:?} and not {of_program:?}");
    }

    let config = scene.lab.config.replace("shutdown = true\n", "");
    scene.lab.daemon.rewrite_config(&config);
    scene.lab.daemon.bmpctl(&["reload"]).done();
    wait_for("pmbmpd to know what the neighbors have announced", TIMEOUT, || {
        let known = known_to(&pmbmpd);
        for speaker in &scene.speakers {
            let expected: BTreeSet<String> =
                speaker.expected().into_keys().map(|prefix| prefix.to_string()).collect();
            let found = known.get(&speaker.ip().to_string()).cloned().unwrap_or_default();
            if found != expected {
                return Err(format!("{}: {} of {}", speaker.ip(), found.len(), expected.len()));
            }
        }
        Ok(())
    });
    wait_until("everybody to be alive", TIMEOUT, || pmbmpd.log().len() > 100);
}

#[test]
fn about_what_frr_sends() {
    is_read_by_all(Program::Frr, "address = \"127.0.0.1\"");
}

#[test]
fn about_what_bird_sends() {
    is_read_by_all(Program::Bird2, "address = \"127.0.0.1\"");
}

#[test]
fn about_what_gobgp_sends() {
    is_read_by_all(Program::Gobgp, "prefix = \"127.0.0.0/8\"");
}

/// Every peer type and view with routes that all of them can read; what they cannot read is for the tests' own reader.
#[test]
fn about_what_a_router_with_every_peer_type_and_view_sends() {
    let scratch = Scratch::new();
    let pmbmpd = Pmbmpd::start(&scratch, loopback());
    let more = daemon::session(pmbmpd.address().ip(), pmbmpd.address().port(), None);
    let mut lab = Plan { more: &more, ..Plan::default() }.start();
    let router = lab.connect("edge1");
    let v6: IpAddr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into();
    let address: IpAddr = Ipv4Addr::new(192, 0, 2, 9).into();
    let at = |header: bmp::PeerHeader, n: u64| header.at(Duration::from_secs(1_700_000_000 + n));
    let headers = [
        at(global(1), 1),
        at(message::header(peer::GLOBAL, 0, v6, 65_002), 2),
        at(message::header(peer::DISTINGUISHED, 7, address, 65_003), 3),
        at(message::header(peer::DISTINGUISHED, 8, [192, 0, 2, 10].into(), 65_004), 4),
        at(message::header(peer::LOCAL, 9, address, 65_005), 5),
        at(message::loc_rib(0, 65_000, [192, 0, 2, 254].into()), 6),
    ];
    for (seed, header) in (1..).zip(&headers) {
        let views = if header.is_loc_rib() { &[header.view()][..] } else { &View::OF_PEER };
        router.send(simple_up(header));
        for (n, view) in (0..).zip(views) {
            let of_view = header.in_view(*view);
            router.send(monitoring(&of_view, Table::of(64_500 + seed + n, 60, 30).bytes()));
            router.send(monitoring(&of_view, &withdrawal(&["198.51.100.0/24"])));
            for family in [Family::IPV4, Family::IPV6] {
                router.send(monitoring(&of_view, &end_of_rib(family)));
            }
        }
    }
    // One goes.
    router.send(message::peer_down(&headers[3], 4, &[]));
    let early = lab.early.wait_leg("edge1");
    early.wait_known(&router.summary());
    let late = lab.start_late().wait_leg("edge1");
    late.wait_known(&router.summary());

    // The same bytes without bmpd.
    let direct = Station::listen_with((loopback(), 0).into(), Mode::Keeping, Setup::of_routers());
    for at in [SocketAddr::new(direct.ip(), direct.port()), pmbmpd.address()] {
        let mut stream = TcpStream::connect(at).unwrap();
        stream.write_all(&router.sent()).unwrap();
        thread::spawn(move || io::copy(&mut stream, &mut io::sink()));
    }
    let direct = direct.wait_connection(1);
    direct.wait_known(&router.summary());
    let read = netgauze(&direct, true);
    assert_eq!(read.len(), headers.len() - 1);
    for leg in [&early, &late] {
        assert_eq!(difference(&read, &netgauze(leg, true)), None);
        let found = tshark(&scratch, &leg.look(|record| record.raw.clone()));
        assert_eq!(found, tshark(&scratch, &router.sent()));
    }
    wait_for("pmbmpd to know the same twice", TIMEOUT, || {
        let by_port = all_known_to(&pmbmpd);
        let known: Vec<_> = by_port.values().filter(|known| !known.is_empty()).collect();
        match &known[..] {
            [one, other] if one == other && one.len() > 1000 => Ok(()),
            _ => Err(format!("{:?}", known.iter().map(|known| known.len()).collect::<Vec<_>>())),
        }
    });
}

/// What pmbmpd knows of each connection: the routes with all that it says about them but for when it was sent.
fn all_known_to(pmbmpd: &Pmbmpd) -> BTreeMap<u64, BTreeSet<String>> {
    let mut known: BTreeMap<u64, BTreeMap<(String, String), String>> = BTreeMap::new();
    for line in pmbmpd.log() {
        let mut object: Value =
            serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let port = object["bmp_router_port"].as_u64().expect("a port");
        let peer = object["peer_ip"].as_str().unwrap_or_default().to_owned();
        if object["bmp_msg_type"] == "peer_down" {
            let routes = known.entry(port).or_default();
            routes.retain(|(other, _), _| *other != peer);
        }
        if object["bmp_msg_type"] != "route_monitor" {
            continue;
        }
        let is_gone = object["log_type"] == "withdraw";
        let fields = object.as_object_mut().expect("an object");
        for field in ["seq", "timestamp_arrival", "bmp_router_port", "bmp_router", "log_type"] {
            fields.remove(field);
        }
        let keys =
            ["peer_ip", "rd", "is_post", "is_out", "is_loc", "is_in", "is_filtered", "ip_prefix"];
        let key: String = keys.iter().map(|key| object[*key].to_string() + " ").collect();
        let routes = known.entry(port).or_default();
        match is_gone {
            true => routes.remove(&(peer, key)),
            false => routes.insert((peer, key), object.to_string()),
        };
    }
    known.into_iter().map(|(port, routes)| (port, routes.into_values().collect())).collect()
}
