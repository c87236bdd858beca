//! The decoders that check bmpd agree with each other about every family, on what the programs send.
//!
//! No bmpd is in this: a program talks to a receiver of the tests, and what it sent is put into BMP by
//! the tests.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use tests::addresses::loopback;
use tests::bgp::{Family, Open};
use tests::bmp::Mode;
use tests::neighbor::{Neighbor, Options};
use tests::nlri;
use tests::programs::bird::Bird;
use tests::programs::exabgp::Exabgp;
use tests::programs::frr::Frr;
use tests::programs::gobgp::Gobgp;
use tests::programs::tshark::Capture;
use tests::programs::{Announced, Link, Offers, Speaker, Terms, bmpd_listens, offers};
use tests::scratch::Scratch;
use tests::station::Station;
use tests::tap::Tap;

const TIMEOUT: Duration = Duration::from_secs(60);

fn receiver(address: IpAddr, terms: &Terms) -> Options {
    let mut options = Options::new(address, 65000);
    options.open = Open {
        families: terms.families.clone(),
        add_path: terms.add_path.iter().map(|family| (*family, 1)).collect(),
        ..Open::of(65000)
    };
    options
}

/// Lets a program announce the offers and take half of them back, sends that to a station, and has all
/// decoders read what the station got. `strange` are the families that netgauze knows nothing of.
#[track_caller]
fn agree<S: Speaker>(
    start: impl FnOnce(&Scratch, Link, Terms, Announced) -> S,
    terms: Terms,
    offers: &Offers,
    strange: &[Family],
) {
    let scratch = Scratch::new();
    let bmpd = bmpd_listens();
    let listener = TcpListener::bind(bmpd).unwrap();
    let tap = Tap::new(bmpd);
    let mut speaker = start(&scratch, tap.link(65001), terms.clone(), Announced::new());
    let _neighbor = Neighbor::accept(&receiver(bmpd.ip(), &terms), &listener);
    speaker.offer(offers.clone());
    tap.wait_counts(&offers::counts(offers), TIMEOUT);
    let less: Offers = offers.iter().step_by(2).cloned().collect();
    speaker.offer(less.clone());
    let rib = tap.wait_counts(&offers::counts(&less), TIMEOUT);

    let station = Station::listen(loopback(), Mode::Keeping);
    let to = SocketAddr::new(station.ip(), station.port());
    let capture = Capture::start(&scratch, to);
    let mut stream = TcpStream::connect(to).unwrap();
    stream.write_all(&tap.newest().unwrap().as_bmp(speaker.ip())).unwrap();
    drop(stream);
    let connection = station.wait_connection(1);
    connection.wait_end(TIMEOUT);
    connection.assert_legal();
    let captured = capture.stop();

    connection.wait_rib(speaker.ip(), &rib, TIMEOUT);
    connection.look(|record| {
        let ours = crate::decoders::ours(record);
        let (theirs, unknown) = crate::decoders::netgauze(record);
        let strange: BTreeSet<Family> = strange.iter().copied().collect();
        assert_eq!(unknown, strange);
        assert_eq!(theirs, ours.clone().without(&unknown));
        assert_eq!(captured.nlri(), ours);
        assert!(nlri::count(&rib).keys().all(|family| ours.announced.contains_key(family)));
    });
    assert_eq!(captured.faults(), [""; 0]);
}

fn terms(families: &[Family], add_path: &[Family]) -> Terms {
    Terms { add_path: add_path.to_vec(), ..Terms::of(families) }
}

#[test]
fn about_what_bird_sends() {
    let families = [
        Family::IPV4,
        Family::IPV6,
        Family::IPV4_MULTICAST,
        Family::IPV6_MULTICAST,
        Family::IPV4_LABELED,
        Family::IPV6_LABELED,
        Family::VPNV4,
        Family::VPNV6,
        Family::IPV4_FLOWSPEC,
        Family::IPV6_FLOWSPEC,
    ];
    let add_path = [Family::IPV4, Family::IPV6];
    let strange = [
        Family::IPV4_MULTICAST,
        Family::IPV6_MULTICAST,
        Family::IPV4_FLOWSPEC,
        Family::IPV6_FLOWSPEC,
    ];
    let offers = offers::sample(&families);
    agree(Bird::start_with, terms(&families, &add_path), &offers, &strange);
}

#[test]
fn about_what_frr_sends() {
    let families = [
        Family::IPV4_MULTICAST,
        Family::IPV6_MULTICAST,
        Family::VPNV4,
        Family::VPNV6,
        Family::EVPN,
    ];
    let (offers, strange) = (offers::sample(&families), &families[..2]);
    agree(Frr::start_with, terms(&families, &[]), &offers, strange);
}

#[test]
fn about_what_gobgp_sends() {
    let families = [Family::IPV4_LABELED, Family::VPNV4, Family::EVPN, Family::VPNV4_FLOWSPEC];
    let mut offers = offers::sample(&families);
    offers.extend(offers::evpn());
    agree(Gobgp::start_with, terms(&families, &[]), &offers, &[Family::VPNV4_FLOWSPEC]);
}

#[test]
fn about_what_exabgp_sends() {
    let families = [Family::IPV4, Family::IPV6_LABELED, Family::VPNV6, Family::VPNV4_FLOWSPEC];
    let offers = offers::sample(&families);
    let strange = [Family::VPNV4_FLOWSPEC];
    agree(Exabgp::start_with, terms(&families, &[Family::IPV4]), &offers, &strange);
}
