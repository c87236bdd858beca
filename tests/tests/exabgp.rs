//! ExaBGP as a neighbor: its table, its changes and its deaths reach the station, exactly.

use tests::programs::Connects;
use tests::programs::exabgp::Exabgp;
use tests::programs::scene::hears_all_of;

#[test]
fn bmpd_hears_all_of_exabgp_which_connects() {
    hears_all_of(Exabgp::start, Connects::Program, 30, None);
}

#[test]
fn bmpd_hears_all_of_exabgp_which_waits() {
    hears_all_of(Exabgp::start, Connects::Bmpd, 30, None);
}
