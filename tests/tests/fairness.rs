//! Neighbors that flood bmpd do not keep a healthy one waiting.

use std::net::IpAddr;
use std::time::Duration;

use tests::addresses::loopback;
use tests::daemon::{self, Daemon};
use tests::flood::{Flood, Floods};
use tests::live::Listening;
use tests::scratch::Scratch;
use tests::wait::wait_until;

const ASN: u32 = 65001;
const TIMEOUT: Duration = Duration::from_secs(60);

/// So many bytes of the floods bmpd takes at most, in the median, while a route of a healthy neighbor is on its way. In a
/// turn it takes 256 KiB from one neighbor.
const BOUND: u64 = 2 << 20;

/// How many bytes of neighbors that flood it bmpd takes while a route of a healthy one is on its way to a station: the
/// median of some routes. What is counted is bytes, and not time: a machine may be busy.
fn taken_meanwhile(flood: Flood, floods: usize) -> u64 {
    let scratch = Scratch::new();
    let (healthy, bgp) = (loopback(), daemon::bgp_listen());
    let station = Listening::at(loopback()).unwrap();
    let hostile: Vec<IpAddr> = (0..floods).map(|_| loopback()).collect();
    let mut config = daemon::bgp(bgp);
    config += &daemon::session(station.address().ip(), station.address().port(), None);
    config += &daemon::neighbor(healthy, ASN);
    for address in &hostile {
        config += &(daemon::neighbor(*address, ASN) + "add-path = [\"ipv4-unicast\"]\n\n");
    }
    let daemon = Daemon::start(&scratch, &config);
    let mut healthy = station.connect(healthy, ASN, bgp);
    let floods = Floods::begin(flood, &hostile, ASN, bgp);
    // More than sockets hold.
    let mut begun = (8 << 20) * hostile.len() as u64;
    let mut taken: Vec<u64> = (0..41)
        .map(|_| {
            wait_until("the flood", TIMEOUT, || floods.sent() > begun);
            let before = floods.sent();
            healthy.route(TIMEOUT).unwrap().expect("the route did not come");
            // The next one comes in the midst of it again.
            begun = floods.sent() + BOUND;
            begun - BOUND - before
        })
        .collect();
    floods.stop();
    drop(daemon);
    taken.sort_unstable();
    taken[taken.len() / 2]
}

#[test]
fn a_route_does_not_wait_for_a_flood() {
    for flood in [
        Flood::EndOfRib,
        Flood::UnknownWithdrawals,
        Flood::Repeat,
        Flood::DefaultRoute,
        Flood::WithdrawAll,
    ] {
        let taken = taken_meanwhile(flood, 1);
        println!("{flood:?}: {taken} bytes");
        assert!(taken < BOUND, "{flood:?}: {taken} bytes were taken before a route came");
    }
}

#[test]
fn a_route_does_not_wait_for_twenty_floods() {
    let taken = taken_meanwhile(Flood::Repeat, 20);
    println!("{taken} bytes");
    assert!(taken < BOUND, "{taken} bytes were taken before a route came");
}
