//! FRR as a neighbor: its table, its changes and its deaths reach the station, exactly.

use std::net::Ipv4Addr;

use tests::programs::Connects;
use tests::programs::frr::Frr;
use tests::programs::scene::{receives_all_routes, survives_collisions};

/// FRR 8.4.4 can take the right connection up and, on receiving the OPEN of the other one a moment
/// later, down again: it has closed both when bmpd has done what RFC 4271 asks for.
const UPS: usize = 2;

#[test]
fn all_routes_of_frr_are_received_when_frr_connects() {
    receives_all_routes(Frr::start, Connects::Program, 40, None);
}

#[test]
fn all_routes_of_frr_are_received_when_bmpd_connects() {
    receives_all_routes(Frr::start, Connects::Bmpd, 40, None);
}

#[test]
fn bmpd_and_frr_connect_at_once_and_bmpd_has_the_higher_identifier() {
    survives_collisions(Frr::start, Ipv4Addr::new(192, 0, 2, 66), UPS);
}

#[test]
fn bmpd_and_frr_connect_at_once_and_frr_has_the_higher_identifier() {
    survives_collisions(Frr::start, Ipv4Addr::new(203, 0, 113, 66), UPS);
}
