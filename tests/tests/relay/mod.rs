//! bmpd as a relay: what routers send to it over BMP reaches every station, whenever it comes.

mod carried;
mod churn;
mod held;
mod intake;
mod late;
mod legs;
mod odd;
mod programs;
mod selection;
mod witnesses;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use tests::bgp::Prefix;
use tests::bmp::PeerHeader;
use tests::bmp::message::{self, peer};
use tests::random::Random;
use tests::table::{Attributes, put_announcements};

/// How long nothing must come where nothing is to be sent.
const QUIET: Duration = Duration::from_millis(700);

/// A peer of the global instance at 192.0.2.N, with a time.
pub(crate) fn global(n: u8) -> PeerHeader {
    let address: IpAddr = Ipv4Addr::new(192, 0, 2, n).into();
    let header = message::header(peer::GLOBAL, 0, address, 65_000 + u32::from(n));
    header.at(Duration::from_micros(1_700_000_000_000_001))
}

/// The UPDATEs that announce these prefixes with attributes of their own for each seed.
pub(crate) fn announcement(prefixes: &[&str], seed: u64) -> Vec<u8> {
    let prefixes: Vec<Prefix> = prefixes.iter().map(|text| text.parse().unwrap()).collect();
    let attributes = Attributes::sample(65_001, &mut Random::new(seed));
    let mut bytes = vec![];
    put_announcements(&mut bytes, &prefixes, &attributes);
    bytes
}

/// The UPDATEs that withdraw these prefixes.
fn withdrawal(prefixes: &[&str]) -> Vec<u8> {
    let prefixes: Vec<Prefix> = prefixes.iter().map(|text| text.parse().unwrap()).collect();
    tests::bgp::withdrawals(&prefixes)
}
