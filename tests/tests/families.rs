//! Families beyond IPv4 and IPv6 unicast, and ADD-PATH: a station sees what the neighbor has
//! announced, byte for byte, live, after a reset and after the neighbor came back.
//!
//! What the neighbor has announced is what a recorder between it and bmpd has seen, not what its
//! configuration says.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tests::addresses::loopback;
use tests::bgp::{Family, HEADER, Open};
use tests::bmp::Mode;
use tests::daemon::{self, Daemon, session};
use tests::lab::Plan;
use tests::neighbor::{Neighbor, Options};
use tests::nlri::{self, Rib};
use tests::programs::bird::Bird;
use tests::programs::exabgp::Exabgp;
use tests::programs::frr::Frr;
use tests::programs::gobgp::Gobgp;
use tests::programs::{Announced, Link, Offer, Offers, Speaker, Terms, bmpd_listens, offers};
use tests::scratch::Scratch;
use tests::station::{Connection, End, Station};
use tests::table::Attributes;
use tests::tap::Tap;

const TIMEOUT: Duration = Duration::from_secs(60);

const UNICAST: [Family; 2] = [Family::IPV4, Family::IPV6];

/// The neighbor's keys for these families.
fn keys(families: &[Family], add_path: &[Family]) -> String {
    let list = |families: &[Family]| {
        let names: Vec<String> = families.iter().map(|family| format!("\"{family}\"")).collect();
        names.join(", ")
    };
    let mut text = format!("families = [{}]\n", list(families));
    if !add_path.is_empty() {
        text += &format!("add-path = [{}]\n", list(add_path));
    }
    text
}

/// A program, the recorder, bmpd and a station.
struct Bench<S> {
    speaker: S,
    terms: Terms,
    link: Link,
    tap: Tap,
    daemon: Daemon,
    station: Station,
    _scratch: Scratch,
}

impl<S: Speaker> Bench<S> {
    #[track_caller]
    fn start(start: impl FnOnce(&Scratch, Link, Terms, Announced) -> S, terms: Terms) -> Self {
        let scratch = Scratch::new();
        let bmpd = bmpd_listens();
        let tap = Tap::new(bmpd);
        let link = tap.link(65001);
        let station = Station::listen(loopback(), Mode::Keeping);
        let config = session(station.ip(), station.port(), None)
            + &daemon::bgp(bmpd)
            + &link.neighbor_with(&keys(&terms.families, &terms.add_path));
        let daemon = Daemon::start(&scratch, &config);
        let speaker = start(&scratch, link, terms.clone(), Announced::new());
        Self { speaker, terms, link, tap, daemon, station, _scratch: scratch }
    }

    fn peer(&self) -> IpAddr {
        self.link.program.ip()
    }

    /// Waits until the program has announced so much, and the station holds just that.
    #[track_caller]
    fn wait_complete(&self, number: usize, counts: &[(Family, usize)]) -> (Connection, Rib) {
        let rib = self.tap.wait_counts(counts, TIMEOUT);
        let connection = self.station.wait_connection(number);
        connection.wait_rib(self.peer(), &rib, TIMEOUT);
        (connection, rib)
    }

    /// Resets the session and waits until the new connection is complete.
    #[track_caller]
    fn reset(&self, number: usize, counts: &[(Family, usize)]) -> Connection {
        let before = self.station.latest().unwrap();
        let address = self.station.ip().to_string();
        self.daemon.bmpctl(&["reset", "session", &address]).done();
        assert_eq!(before.wait_end(TIMEOUT).1, End::Closed);
        assert_eq!(before.look(|record| record.termination), Some(0));
        let (connection, _) = self.wait_complete(number, counts);
        connection.wait_complete_of(self.peer(), &self.terms.families, TIMEOUT);
        connection.look(|record| {
            let announced = record.peer(self.peer()).unwrap().announced;
            let wanted: usize = counts.iter().map(|(_, count)| count).sum();
            assert_eq!(announced, wanted as u64, "each route once; {}", record.summary());
            assert_eq!(record.withdrawn, 0, "{}", record.summary());
        });
        connection
    }

    /// The OPENs of the Peer Ups agree to what was configured, and what they say is what was meant.
    #[track_caller]
    fn check(&self, strange: &[Family]) {
        let families: BTreeSet<Family> = self.terms.families.iter().copied().collect();
        let add_path: BTreeSet<Family> = self.terms.add_path.iter().copied().collect();
        for connection in self.station.connections() {
            connection.look(|record| {
                for up in &record.peer_ups {
                    let open = |bytes: &[u8]| Open::parse(&bytes[HEADER..]).unwrap();
                    let (ours, theirs) = (open(&up.sent_open), open(&up.received_open));
                    assert_eq!(nlri::families(&ours, &theirs), families);
                    assert_eq!(nlri::add_paths(&ours, &theirs), add_path);
                }
                let (theirs, unknown) = crate::decoders::netgauze(record);
                assert!(unknown.iter().all(|family| strange.contains(family)), "{unknown:?}");
                assert_eq!(theirs, crate::decoders::ours(record).without(&unknown));
            });
        }
        self.station.assert_legal();
    }
}

/// Announces, withdraws, announces again, resets, loses the neighbor and has it again.
/// `strange` are the families that netgauze cannot decode.
#[track_caller]
fn sees_all_of<S: Speaker>(
    start: impl FnOnce(&Scratch, Link, Terms, Announced) -> S,
    terms: Terms,
    offers: &Offers,
    strange: &[Family],
) {
    let mut bench = Bench::start(start, terms);
    bench.speaker.offer(offers.clone());
    let all = offers::counts(offers);
    bench.wait_complete(1, &all);
    let less: Offers = offers.iter().step_by(2).cloned().collect();
    bench.speaker.offer(less.clone());
    let some = offers::counts(&less);
    bench.wait_complete(1, &some);
    bench.speaker.offer(offers.clone());
    bench.wait_complete(1, &all);
    bench.reset(2, &all);
    bench.speaker.offer(less);
    let (connection, _) = bench.wait_complete(2, &some);

    bench.tap.cut();
    connection.wait("the neighbor's Peer Down", TIMEOUT, |record| {
        (record.peer_downs.len() == 1).then_some(())
    });
    bench.wait_complete(2, &some);
    bench.reset(3, &some);
    bench.check(strange);
}

fn terms(families: &[Family], add_path: &[Family]) -> Terms {
    Terms { add_path: add_path.to_vec(), ..Terms::of(families) }
}

#[test]
fn a_station_sees_all_paths_of_bird() {
    sees_all_of(Bird::start_with, terms(&UNICAST, &UNICAST), &offers::sample(&UNICAST), &[]);
}

#[test]
fn a_station_sees_all_paths_of_one_family_and_the_best_of_the_other() {
    let mut offers = offers::sample(&UNICAST);
    offers.retain(|offer| match offer {
        Offer::Path { prefix, number } => prefix.family() == Family::IPV4 || *number == 1,
        _ => true,
    });
    sees_all_of(Bird::start_with, terms(&UNICAST, &[Family::IPV4]), &offers, &[]);
}

#[test]
fn a_station_sees_one_path_of_each_prefix_without_add_path() {
    let mut offers = offers::sample(&UNICAST);
    offers.retain(|offer| matches!(offer, Offer::Path { number: 1, .. }));
    sees_all_of(Bird::start_with, terms(&UNICAST, &[]), &offers, &[]);
}

#[test]
fn a_station_sees_all_paths_of_exabgp() {
    sees_all_of(Exabgp::start_with, terms(&UNICAST, &UNICAST), &offers::sample(&UNICAST), &[]);
}

/// Starts a program that passes on what two upstreams announce of the same prefixes.
#[track_caller]
fn passes_on<S: Speaker>(start: impl FnOnce(&Scratch, Link, Terms, Announced) -> S) {
    let upstreams = [65101, 65102].map(|asn| (loopback(), asn));
    let terms = Terms { upstreams: upstreams.to_vec(), ..terms(&UNICAST, &UNICAST) };
    let bench = Bench::start(start, terms);
    let prefixes = ["198.51.100.0/24", "198.51.101.0/24", "2001:db8:1::/48", "2001:db8:2::/48"]
        .map(|prefix| prefix.parse().unwrap());
    let upstreams = upstreams.map(|(address, asn)| {
        let upstream = Neighbor::connect(&Options::new(address, asn), bench.link.program);
        let mut random = tests::random::Random::new(asn.into());
        upstream.announce(&prefixes, &Attributes::sample(asn, &mut random));
        upstream
    });
    let all = UNICAST.map(|family| (family, 4));
    bench.wait_complete(1, &all);
    bench.reset(2, &all);
    upstreams[0].withdraw(&prefixes[1..3]);
    let less = UNICAST.map(|family| (family, 3));
    bench.wait_complete(2, &less);
    bench.reset(3, &less);
    bench.check(&[]);
}

#[test]
fn a_station_sees_all_paths_that_frr_passes_on() {
    passes_on(Frr::start_with);
}

#[test]
fn a_station_sees_all_paths_that_gobgp_passes_on() {
    passes_on(Gobgp::start_with);
}

#[test]
fn a_station_sees_the_multicast_labeled_vpn_and_flowspec_routes_of_bird() {
    let families = [
        Family::IPV4_MULTICAST,
        Family::IPV6_MULTICAST,
        Family::IPV4_LABELED,
        Family::IPV6_LABELED,
        Family::VPNV4,
        Family::VPNV6,
        Family::IPV4_FLOWSPEC,
        Family::IPV6_FLOWSPEC,
    ];
    let strange = [
        Family::IPV4_MULTICAST,
        Family::IPV6_MULTICAST,
        Family::IPV4_FLOWSPEC,
        Family::IPV6_FLOWSPEC,
    ];
    let offers = offers::sample(&families);
    sees_all_of(Bird::start_with, terms(&families, &[]), &offers, &strange);
}

#[test]
fn a_station_sees_the_multicast_vpn_and_evpn_routes_of_frr() {
    let families = [
        Family::IPV4_MULTICAST,
        Family::IPV6_MULTICAST,
        Family::VPNV4,
        Family::VPNV6,
        Family::EVPN,
    ];
    let offers = offers::sample(&families);
    sees_all_of(Frr::start_with, terms(&families, &[]), &offers, &families[..2]);
}

#[test]
fn a_station_sees_the_labeled_vpn_evpn_and_flowspec_routes_of_gobgp() {
    let families = [
        Family::IPV4_LABELED,
        Family::VPNV4,
        Family::VPNV6,
        Family::EVPN,
        Family::IPV4_FLOWSPEC,
        Family::VPNV4_FLOWSPEC,
    ];
    let mut offers = offers::sample(&families);
    offers.extend(offers::evpn());
    let strange = [Family::IPV4_FLOWSPEC, Family::VPNV4_FLOWSPEC];
    sees_all_of(Gobgp::start_with, terms(&families, &[]), &offers, &strange);
}

#[test]
fn a_station_sees_the_labeled_vpn_and_flowspec_routes_of_exabgp() {
    let families = [
        Family::IPV4_LABELED,
        Family::IPV6_LABELED,
        Family::VPNV4,
        Family::VPNV6,
        Family::IPV4_FLOWSPEC,
        Family::IPV6_FLOWSPEC,
        Family::VPNV4_FLOWSPEC,
        Family::VPNV6_FLOWSPEC,
    ];
    let offers = offers::sample(&families);
    sees_all_of(Exabgp::start_with, terms(&families, &[]), &offers, &families[4..]);
}

#[test]
fn a_station_sees_the_link_state_that_gobgp_passes_on() {
    let (upstream, family) = ((loopback(), 65101), Family::LINK_STATE);
    let terms = Terms { upstreams: vec![upstream], ..terms(&[family], &[]) };
    let bench = Bench::start(Gobgp::start_with, terms);
    let mut options = Options::new(upstream.0, upstream.1);
    options.open.families = vec![family];
    let upstream = Neighbor::connect(&options, bench.link.program);
    let nodes = [1, 2, 3].map(|n| nlri::example(family, n));
    upstream.announce_nlri(family, &[192, 0, 2, 33], &nodes.concat(), &path(65101));
    bench.wait_complete(1, &[(family, 3)]);
    upstream.withdraw_nlri(family, &nodes[1]);
    bench.wait_complete(1, &[(family, 2)]);
    bench.reset(2, &[(family, 2)]);
    bench.check(&[]);
}

/// ORIGIN and AS_PATH.
fn path(asn: u32) -> Vec<u8> {
    [&[0x40, 1, 1, 0, 0x40, 2, 6, 2, 1][..], &asn.to_be_bytes()].concat()
}

#[test]
fn every_family_with_a_name_is_passed_on_as_it_came() {
    let families: Vec<Family> = Family::NAMES.iter().map(|(family, _)| *family).collect();
    let neighbor = format!("passive = true\n{}", keys(&families, &UNICAST));
    let lab = Plan { neighbor: &neighbor, ..Plan::default() }.start();
    let mut options = lab.options();
    options.open.families.clone_from(&families);
    options.open.add_path = UNICAST.map(|family| (family, 2)).to_vec();
    let neighbor = Neighbor::connect(&options, lab.listen);
    let nlri = |family: Family, n: u8| {
        let id = u32::from(n) << 24 | 7;
        let id = if UNICAST.contains(&family) { id.to_be_bytes().to_vec() } else { vec![] };
        [id, nlri::example(family, n)].concat()
    };
    for family in &families {
        let all: Vec<u8> = (1..=5).flat_map(|n| nlri(*family, n)).collect();
        let hop = nlri::example_next_hop(*family);
        neighbor.announce_nlri(*family, &hop, &all, &path(65001));
        // The fourth comes again with another origin.
        let again = [&[0x40, 1, 1, 2][..], &path(65001)[4..]].concat();
        neighbor.announce_nlri(*family, &hop, &nlri(*family, 4), &again);
        neighbor.withdraw_nlri(*family, &nlri(*family, 2));
        neighbor.end_of_rib(*family);
    }
    let expected = neighbor.expected_rib();
    assert_eq!(expected.len(), families.len() * 4);
    let first = lab.stations[0].wait_connection(1);
    first.wait_complete_of(lab.peer, &families, TIMEOUT);
    first.wait_rib(lab.peer, &expected, TIMEOUT);

    lab.daemon.bmpctl(&["reset", "session", &lab.station()]).done();
    let second = lab.stations[0].wait_connection(2);
    second.wait_complete_of(lab.peer, &families, TIMEOUT);
    second.wait_rib(lab.peer, &expected, TIMEOUT);
    second.look(|record| assert_eq!(record.announced, expected.len() as u64));

    for family in &families {
        for n in [1, 3, 4, 5] {
            neighbor.withdraw_nlri(*family, &nlri(*family, n));
        }
    }
    second.wait_rib(lab.peer, &Rib::new(), TIMEOUT);
    lab.assert_legal();
}

#[test]
fn a_family_that_is_not_configured_is_not_offered_and_not_passed_on() {
    let neighbor = format!("passive = true\n{}", keys(&[Family::IPV4, Family::EVPN], &[]));
    let lab = Plan { neighbor: &neighbor, ..Plan::default() }.start();
    let mut options = lab.options();
    options.open.families = vec![Family::IPV4, Family::IPV6, Family::EVPN, Family::VPNV4];
    options.open.add_path = vec![(Family::IPV4, 3), (Family::EVPN, 3)];
    let neighbor = Neighbor::connect(&options, lab.listen);
    let theirs = Open::parse(&neighbor.received().open[HEADER..]).unwrap();
    assert_eq!(theirs.families, [Family::IPV4, Family::EVPN]);
    assert_eq!(nlri::add_paths(&theirs, &options.open), BTreeSet::new());
    let family = Family::EVPN;
    let (hop, nlri) = (nlri::example_next_hop(family), nlri::example(family, 1));
    neighbor.announce_nlri(family, &hop, &nlri, &path(65001));
    let connection = lab.stations[0].wait_connection(1);
    connection.wait_rib(lab.peer, &neighbor.expected_rib(), TIMEOUT);
    lab.assert_legal();
}

/// Where bmpd says what it thinks of a configuration.
#[track_caller]
fn refused(lines: &str) -> String {
    let scratch = Scratch::new();
    let (bmpd, peer) = (bmpd_listens(), SocketAddr::new(loopback(), 179));
    let config = daemon::bgp(bmpd)
        + &format!("[[bgp.neighbor]]\naddress = \"{}\"\nremote-as = 1\n{lines}\n", peer.ip());
    let daemon = Daemon::spawn(&scratch, "bmpd", &config, "info");
    assert!(!daemon.wait_exit().success(), "{}", daemon.log());
    daemon.log()
}

#[test]
fn an_unknown_family_is_refused_with_the_names_there_are() {
    let said = refused("families = [\"ipv4-unicorn\"]");
    assert!(said.contains("ipv4-unicorn"), "{said}");
    for (_, name) in Family::NAMES {
        assert!(said.contains(name), "{name}: {said}");
    }
}

#[test]
fn add_path_in_a_family_that_the_session_does_not_have_is_refused() {
    let said = refused("families = [\"ipv4-unicast\"]\nadd-path = [\"ipv6-unicast\"]");
    assert!(said.contains("add-path") && said.contains("ipv6-unicast"), "{said}");
}
