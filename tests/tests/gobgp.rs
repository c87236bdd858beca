//! GoBGP as a neighbor, which sends no End-of-RIB: its table, its changes and its deaths reach the
//! station, exactly.

use std::net::Ipv4Addr;

use tests::programs::Connects;
use tests::programs::gobgp::Gobgp;
use tests::programs::scene::{receives_all_routes, survives_collisions};

/// "Peer de-configured".
const FAREWELL: Option<[u8; 2]> = Some([6, 3]);

#[test]
fn all_routes_of_gobgp_are_received_when_gobgp_connects() {
    receives_all_routes(Gobgp::start, Connects::Program, 10, FAREWELL);
}

#[test]
fn all_routes_of_gobgp_are_received_when_bmpd_connects() {
    receives_all_routes(Gobgp::start, Connects::Bmpd, 10, FAREWELL);
}

#[test]
fn bmpd_and_gobgp_connect_at_once_and_bmpd_has_the_higher_identifier() {
    survives_collisions(Gobgp::start, Ipv4Addr::new(192, 0, 2, 66), 1);
}

#[test]
fn bmpd_and_gobgp_connect_at_once_and_gobgp_has_the_higher_identifier() {
    survives_collisions(Gobgp::start, Ipv4Addr::new(203, 0, 113, 66), 1);
}
