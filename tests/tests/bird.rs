//! BIRD 2 as a neighbor: its table, its changes and its deaths reach the station, exactly.

use std::net::Ipv4Addr;

use tests::bgp::Prefix;
use tests::programs::bird::Bird;
use tests::programs::scene::{Scene, TIMEOUT, receives_all_routes, survives_collisions};
use tests::programs::{Connects, Speaker, bmpd_listens_v6, sample};

/// "Administrative Shutdown".
const FAREWELL: Option<[u8; 2]> = Some([6, 2]);

#[test]
fn all_routes_of_bird_are_received_when_bird_connects() {
    receives_all_routes(Bird::start, Connects::Program, 3000, FAREWELL);
}

#[test]
fn all_routes_of_bird_are_received_when_bmpd_connects() {
    receives_all_routes(Bird::start, Connects::Bmpd, 3000, FAREWELL);
}

#[test]
fn bmpd_and_bird_connect_at_once_and_bmpd_has_the_higher_identifier() {
    survives_collisions(Bird::start, Ipv4Addr::new(192, 0, 2, 66), 1);
}

#[test]
fn bmpd_and_bird_connect_at_once_and_bird_has_the_higher_identifier() {
    survives_collisions(Bird::start, Ipv4Addr::new(203, 0, 113, 66), 1);
}

#[test]
fn a_session_that_is_taken_down_and_up_again_brings_the_new_table_only() {
    let mut scene = Scene::start(Bird::start, Connects::Program, sample(65001, 200, 100, 1));
    scene.wait_routes();
    let connection = scene.station.wait_connection(1);
    for round in 1..=3 {
        scene.speaker.disable();
        scene.wait_down(&connection);
        let gone: Vec<Prefix> = scene.speaker.announced().keys().copied().step_by(2).collect();
        scene.speaker.withdraw(&gone);
        scene.speaker.announce(sample(65001, 50, 50, 10 + round));
        scene.speaker.enable();
        scene.wait_routes();
    }
    connection.wait_complete(scene.speaker.ip(), TIMEOUT);
    connection.look(|record| {
        assert_eq!((record.peer_ups.len(), record.peer_downs.len()), (4, 3));
        // Peer Down implies the withdrawals; a new epoch has nothing to withdraw.
        assert_eq!(record.withdrawn, 0, "{}", record.summary());
    });
    scene.station.assert_legal();
}

#[test]
fn a_neighbor_at_an_ipv6_address_is_reported_as_one() {
    for connects in [Connects::Program, Connects::Bmpd] {
        let bmpd = bmpd_listens_v6();
        let scene = Scene::start_at(bmpd, Bird::start, connects, sample(65001, 50, 100, 1));
        scene.wait_routes();
        let connection = scene.station.wait_connection(1);
        connection.wait_complete(scene.speaker.ip(), TIMEOUT);
        connection.look(|record| {
            let up = &record.peer_ups[0];
            assert_eq!(up.header.flags & 0x80, 0x80, "the V flag");
            assert_eq!((up.header.peer.address, up.local.0), (bmpd.ip(), bmpd.ip()));
            assert_eq!(record.flags, [0x80].into());
        });
        scene.station.assert_legal();
    }
}
