//! ExaBGP as a neighbor: its table, its changes and its deaths reach the station, exactly.

use tests::programs::Connects;
use tests::programs::exabgp::Exabgp;
use tests::programs::scene::receives_all_routes;

#[test]
fn all_routes_of_exabgp_are_received_when_exabgp_connects() {
    receives_all_routes(Exabgp::start, Connects::Program, 30, None);
}

#[test]
fn all_routes_of_exabgp_are_received_when_bmpd_connects() {
    receives_all_routes(Exabgp::start, Connects::Bmpd, 30, None);
}
