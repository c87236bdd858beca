//! FRR as a router and BIRD as a neighbor: what they announce is in the topic, to our reader and to bgpkit.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use bgpkit_parser::Elementor;
use bgpkit_parser::models::{BgpElem, ElemType, Origin};
use bgpkit_parser::parser::bmp::messages::{BmpMessageBody, PerPeerFlags};
use tests::addresses::loopback;
use tests::bgp::Family;
use tests::daemon::{self, Daemon};
use tests::kafka::{Broker, Record};
use tests::programs::bird::Bird;
use tests::programs::{Announced, Connects, Link, Speaker, bmpd_listens, sample};
use tests::race::Program;
use tests::relay::{Scene, Summary};
use tests::scratch::Scratch;
use tests::station::{Mode, Setup, Station};
use tests::wait::wait_for;

use super::bgpkit::bgpkit;
use super::{TIMEOUT, TOPIC, publisher, topic};

/// The routes of each peer as bgpkit understands them in the end, before policy; peers that are down have none.
type Tables = BTreeMap<String, BTreeMap<String, BgpElem>>;

/// What bgpkit has understood of one router's records.
fn tables(records: &[Record]) -> Tables {
    let mut tables = Tables::new();
    for record in records {
        let message = bgpkit(&record.value).1;
        let Some(header) = message.per_peer_header else { continue };
        let PerPeerFlags::PeerFlags(flags) = header.peer_flags else { continue };
        let peer = header.peer_ip.to_string();
        match message.message_body {
            BmpMessageBody::PeerUpNotification(_) => {
                tables.insert(peer, BTreeMap::new());
            }
            BmpMessageBody::PeerDownNotification(_) => {
                tables.remove(&peer);
            }
            BmpMessageBody::RouteMonitoring(monitoring) if !flags.is_post_policy() => {
                let (at, ip, asn) = (header.timestamp, &header.peer_ip, &header.peer_asn);
                let table = tables.get_mut(&peer).expect("a peer that is up");
                for elem in Elementor::bgp_to_elems(monitoring.bgp_message, at, ip, asn) {
                    let prefix = elem.prefix.to_string();
                    match elem.elem_type {
                        ElemType::ANNOUNCE => table.insert(prefix, elem),
                        ElemType::WITHDRAW => table.remove(&prefix),
                    };
                }
            }
            _ => {}
        }
    }
    tables
}

/// The same without the attributes.
fn prefixes(tables: &Tables) -> BTreeMap<String, BTreeSet<String>> {
    let peers = tables.iter();
    peers.map(|(peer, routes)| (peer.clone(), routes.keys().cloned().collect())).collect()
}

#[test]
fn what_frr_sends_as_a_router_is_in_the_topic() {
    let broker = Broker::start();
    broker.create_topic(TOPIC, 1, &[]);
    let place = "address = \"127.0.0.1\"";
    let mut scene = Scene::start_with(Program::Frr, place, &publisher(&broker, ""));
    let mut topic = topic(&broker);
    let name = scene.name();
    let early = scene.lab.early.wait_leg(&name);
    for n in 0..2 {
        scene.announce(n, 300, 100);
    }
    scene.wait_equal(&early);
    let gone: Vec<_> = scene.speakers[0].expected().into_keys().step_by(3).collect();
    scene.speakers[0].withdraw(&gone);
    drop(scene.speakers.remove(1));
    scene.wait_equal(&early);
    scene.speakers.push(scene.connect(1));
    scene.announce(1, 50, 20);
    scene.wait_equal(&early);

    // As the station without bmpd knows it, and exactly as one of bmpd's. FRR may still be busy with its own table.
    let plain = |known: Summary| known.without_end_of_ribs().without_statistics();
    let known = wait_for("the topic to have what FRR has sent", TIMEOUT, || {
        let found = topic.router(&name).ok_or("no router")?;
        let known = found.follower.clone().without_statistics();
        let differences = [
            early.known().without_statistics().difference(&known),
            plain(scene.direct()).difference(&plain(known)),
            found.follower.difference(&found.newcomer),
        ];
        differences.into_iter().flatten().next().map_or(Ok(found), Err)
    });
    assert_eq!(known.follower.violations, Vec::<String>::new());
    assert_eq!(known.generations.len(), 1);
    let expected = scene.speakers.iter().map(|speaker| {
        let routes = speaker.expected().into_keys().map(|prefix| prefix.to_string());
        (speaker.ip().to_string(), routes.collect())
    });
    assert_eq!(prefixes(&topic.reader().with(tables)), expected.collect());
}

/// What is announced must be what bgpkit has understood; an error is the first route that is not.
fn compare(announced: &Announced, found: &BTreeMap<String, BgpElem>) -> Result<(), String> {
    if found.len() != announced.len() {
        return Err(format!("{} routes of {}", found.len(), announced.len()));
    }
    for (prefix, attributes) in announced {
        let elem = found.get(&prefix.to_string()).ok_or_else(|| format!("no {prefix}"))?;
        let path: Vec<String> = attributes.as_path.iter().map(u32::to_string).collect();
        let origins = [Origin::IGP, Origin::EGP, Origin::INCOMPLETE];
        let hop = match prefix.family() {
            Family::IPV4 => attributes.next_hop.into(),
            _ => attributes.next_hop_v6.into(),
        };
        let communities = attributes.communities.iter().map(|[a, b]| format!("{a}:{b}"));
        let large = attributes.large_communities.iter().map(|[a, b, c]| format!("{a}:{b}:{c}"));
        let communities: BTreeSet<String> = communities.chain(large).collect();
        let found = elem.communities.iter().flatten().map(ToString::to_string);
        let is_equal = elem.as_path.as_ref().map(ToString::to_string) == Some(path.join(" "))
            && elem.origin == Some(origins[usize::from(attributes.origin)])
            // BIRD sends one in any case.
            && elem.med == Some(attributes.med.unwrap_or(0))
            && elem.next_hop == Some(hop)
            && found.collect::<BTreeSet<_>>() == communities;
        if !is_equal {
            return Err(format!("{prefix}: {attributes:?}\n{elem:?}"));
        }
    }
    Ok(())
}

#[test]
fn what_bird_announces_to_bmpd_is_in_the_topic() {
    let broker = Broker::start();
    broker.create_topic(TOPIC, 1, &[]);
    let scratch = Scratch::new();
    let link = Link::new(bmpd_listens(), 65_001, Connects::Program);
    let place = SocketAddr::new(loopback(), 0);
    let station = Station::listen_with(place, Mode::Keeping, Setup::of_routers());
    let config = link.bgp()
        + "[bmp]\nsystem-name = \"collector\"\n"
        + &daemon::session(station.ip(), station.port(), None)
        + &publisher(&broker, "");
    let bmpd = Daemon::start(&scratch, &config);
    let mut topic = topic(&broker);
    let mut bird = Bird::start(&scratch, link, sample(65_001, 200, 80, 1));
    bird.wait_established();
    bird.withdraw(&bird.announced().keys().copied().step_by(4).collect::<Vec<_>>());
    bird.announce(sample(65_001, 60, 20, 2));

    let leg = station.wait_leg("collector");
    wait_for("the station to have the routes", TIMEOUT, || {
        let found = leg.router(Summary::routes_held);
        if found == bird.announced().len() { Ok(()) } else { Err(format!("{found} routes")) }
    });
    let peer = bird.ip().to_string();
    wait_for("bgpkit to have the routes", TIMEOUT, || {
        let found = topic.reader().with(tables).remove(&peer).ok_or("no peer")?;
        compare(bird.announced(), &found)
    });
    wait_for("the topic to have what the station has", Duration::from_secs(30), || {
        let known = topic.router("collector").ok_or("no router")?;
        let [expected, found] = [leg.known(), known.follower].map(Summary::without_statistics);
        expected.difference(&found).map_or(Ok(()), Err)
    });

    // A neighbor that goes takes its routes with it.
    bird.stop();
    let known = wait_for("the Peer Down in the topic", TIMEOUT, || {
        let known = topic.router("collector").ok_or("no router")?;
        if known.follower.peers.is_empty() { Ok(known) } else { Err(known.follower.brief()) }
    });
    assert_eq!((known.follower.violations.len(), known.generations.len()), (0, 1));
    assert_eq!(topic.reader().with(tables), Tables::new());
    drop(bmpd);
}
