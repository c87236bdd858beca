//! netgauze-bmp-pkt decodes every message that bmpd sends, and ends up with the same routes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Instant;

use netgauze_bgp_pkt::BgpMessage;
use netgauze_bgp_pkt::path_attribute::{MpReach, MpUnreach, PathAttributeValue};
use netgauze_bmp_pkt::v3;
use netgauze_bmp_pkt::v3::BmpMessageValue;
use netgauze_bmp_pkt::wire::deserializer::BmpParsingContext;
use tests::addresses::loopback;
use tests::bmp::{Mode, Record};
use tests::programs::scene::whole_session;
use tests::scratch::Scratch;
use tests::station::Station;

/// What a Route Monitoring message does to the prefixes of its peer.
fn apply(message: &v3::RouteMonitoringMessage, prefixes: &mut BTreeSet<String>) {
    let BgpMessage::Update(update) = message.update_message() else {
        panic!("not an UPDATE: {message:?}");
    };
    for withdrawn in update.withdraw_routes() {
        prefixes.remove(&withdrawn.network().address().to_string());
    }
    for attribute in update.path_attributes() {
        match attribute.value() {
            PathAttributeValue::MpUnreach(MpUnreach::Ipv6Unicast { nlri }) => {
                for one in nlri {
                    prefixes.remove(&one.network().address().to_string());
                }
            }
            PathAttributeValue::MpReach(MpReach::Ipv6Unicast { nlri, .. }) => {
                prefixes.extend(nlri.iter().map(|one| one.network().address().to_string()));
            }
            PathAttributeValue::MpReach(other) => panic!("another family: {other:?}"),
            PathAttributeValue::MpUnreach(other) => panic!("another family: {other:?}"),
            PathAttributeValue::UnknownAttribute(unknown) => panic!("unknown: {unknown:?}"),
            _ => {}
        }
    }
    prefixes.extend(update.nlri().iter().map(|one| one.network().address().to_string()));
}

/// Compares the two readings of a peer's routes; how many there are.
fn compare(ours: &Record, peer: IpAddr, theirs: &BTreeSet<String>) -> usize {
    let routes = &ours.peer(peer).expect("a peer that is up").routes;
    let ours: BTreeSet<String> = routes.keys().map(|prefix| prefix.to_string()).collect();
    assert_eq!(theirs, &ours, "{peer}");
    ours.len()
}

#[test]
fn netgauze_decodes_every_message_of_a_whole_session() {
    let scratch = Scratch::new();
    let station = Station::listen(loopback(), Mode::Keeping);
    let connection = whole_session(&scratch, &station);

    connection.look(|record| {
        let mut context = BmpParsingContext::default();
        // The tests' own reading of the same messages, for comparison.
        let mut ours = Record::new(Mode::Keeping);
        let mut compared = 0;
        let mut peers: BTreeMap<IpAddr, BTreeSet<String>> = BTreeMap::new();
        for (kind, range) in &record.sequence {
            let bytes = &record.raw[range.clone()];
            match crate::decoders::parsed(*kind, bytes, &mut context) {
                BmpMessageValue::RouteMonitoring(routes) => {
                    let peer = routes.peer_header().address().expect("an address");
                    apply(&routes, peers.get_mut(&peer).expect("a peer that is up"));
                }
                BmpMessageValue::PeerUpNotification(up) => {
                    let peer = up.peer_header().address().expect("an address");
                    assert!(peers.insert(peer, BTreeSet::new()).is_none(), "{peer} is up already");
                }
                BmpMessageValue::PeerDownNotification(down) => {
                    let peer = down.peer_header().address().expect("an address");
                    compared += compare(&ours, peer, &peers[&peer]);
                    peers.remove(&peer);
                }
                BmpMessageValue::StatisticsReport(_)
                | BmpMessageValue::Initiation(_)
                | BmpMessageValue::Termination(_) => {}
                other => panic!("bmpd sends no such thing: {other:?}"),
            }
            ours.message(bytes, Instant::now());
        }
        for (peer, prefixes) in &peers {
            compared += compare(&ours, *peer, prefixes);
        }
        assert!(compared > 5000, "{compared} routes were compared");
    });
}
