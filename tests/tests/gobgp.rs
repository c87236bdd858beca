//! GoBGP as a neighbor, which sends no End-of-RIB: its table, its changes and its deaths reach the
//! station, exactly.

use std::net::Ipv4Addr;

use tests::programs::Connects;
use tests::programs::gobgp::Gobgp;
use tests::programs::scene::{hears_all_of, survives_collisions};

/// "Peer de-configured".
const FAREWELL: Option<[u8; 2]> = Some([6, 3]);

#[test]
fn bmpd_hears_all_of_gobgp_which_connects() {
    hears_all_of(Gobgp::start, Connects::Program, 10, FAREWELL);
}

#[test]
fn bmpd_hears_all_of_gobgp_which_waits() {
    hears_all_of(Gobgp::start, Connects::Bmpd, 10, FAREWELL);
}

#[test]
fn bmpd_and_gobgp_connect_at_once_and_bmpd_has_the_higher_identifier() {
    survives_collisions(Gobgp::start, Ipv4Addr::new(192, 0, 2, 66), 1);
}

#[test]
fn bmpd_and_gobgp_connect_at_once_and_gobgp_has_the_higher_identifier() {
    survives_collisions(Gobgp::start, Ipv4Addr::new(203, 0, 113, 66), 1);
}
