//! What a program can announce beyond a table of IPv4 and IPv6 unicast: sessions on other terms,
//! routes of other families.
//!
//! An [`Offer`] is one route, in a form that each program's module turns into its own configuration.
//! What then is on the wire depends on the program: [`crate::tap`] records it.
//!
//! | family | BIRD 2.0.12 | FRR 8.4.4 | GoBGP 3.10 | ExaBGP 4.2.21 |
//! |---|---|---|---|---|
//! | ADD-PATH, unicast | yes | paths of upstreams | yes | yes |
//! | multicast | yes | yes | the command has none | sent as IPv4 unicast |
//! | labeled unicast | yes, with ADD-PATH | needs zebra for labels | yes, stacks of labels | yes |
//! | VPNv4, VPNv6 | yes, with ADD-PATH | yes, with ADD-PATH | yes | yes |
//! | EVPN | no | type 5 | types 1 to 5 | it reads them only |
//! | flowspec | yes | it reads them only | yes | yes |
//! | VPN flowspec | no | no | yes | yes |
//! | BGP-LS | no | no | passes on what an upstream sends | it reads them only |

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use crate::bgp::{Family, Prefix};
use crate::netns::Namespace;

/// How far the other side may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hops {
    /// What is sent has this TTL.
    Ttl(u8),
    /// GTSM (RFC 5082): so many hops, the last of which is the other side itself.
    Security(u8),
}

/// The terms of a program's session with bmpd.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The families of the session.
    pub families: Vec<Family>,
    /// The families in which it sends all paths (RFC 7911).
    pub add_path: Vec<Family>,
    /// Its restart time in seconds (RFC 4724).
    pub graceful_restart: Option<u16>,
    /// The key of TCP MD5 signatures.
    pub password: Option<String>,
    /// How far bmpd may be (BIRD and FRR).
    pub hops: Option<Hops>,
    /// Where it runs. Its [`super::Link`] must have addresses that are there.
    pub namespace: Option<Namespace>,
    /// Neighbors that connect to it, by address and AS number, whose routes it passes on to bmpd
    /// (FRR and GoBGP).
    pub upstreams: Vec<(IpAddr, u32)>,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            families: vec![Family::IPV4, Family::IPV6],
            add_path: vec![],
            graceful_restart: None,
            password: None,
            hops: None,
            namespace: None,
            upstreams: vec![],
        }
    }
}

impl Terms {
    /// A session for these families.
    pub fn of(families: &[Family]) -> Self {
        Self { families: families.to_vec(), ..Self::default() }
    }
}

/// One route beyond a table. `number` is the second half of a route distinguisher 65001:number, and
/// of the route target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Offer {
    /// One of several paths of a unicast prefix, distinguished by `number` (below 16).
    Path {
        /// The prefix.
        prefix: Prefix,
        /// Which of the paths.
        number: u8,
    },
    /// A prefix of the multicast family.
    Multicast(Prefix),
    /// A prefix with a stack of labels.
    Labeled {
        /// The prefix.
        prefix: Prefix,
        /// The labels, the top one first.
        labels: Vec<u32>,
    },
    /// A prefix of a VPN.
    Vpn {
        /// Of the VPN.
        number: u16,
        /// The prefix.
        prefix: Prefix,
        /// Its label.
        label: u32,
    },
    /// An EVPN IP prefix route (type 5).
    EvpnPrefix {
        /// Of the VPN.
        number: u16,
        /// The Ethernet tag.
        tag: u32,
        /// The prefix.
        prefix: Prefix,
        /// Its label.
        label: u32,
    },
    /// An EVPN MAC/IP advertisement route (type 2).
    EvpnMac {
        /// Of the VPN.
        number: u16,
        /// The Ethernet tag.
        tag: u32,
        /// The last byte of the MAC address.
        mac: u8,
        /// The IP address.
        address: Ipv4Addr,
        /// Its label.
        label: u32,
    },
    /// An EVPN inclusive multicast route (type 3).
    EvpnMulticast {
        /// Of the VPN.
        number: u16,
        /// The Ethernet tag.
        tag: u32,
        /// The originating router.
        address: Ipv4Addr,
    },
    /// A flow specification: TCP to this port of the prefix is dropped.
    Flow {
        /// Where it goes to.
        destination: Prefix,
        /// The port.
        port: u16,
    },
    /// A flow specification of a VPN.
    VpnFlow {
        /// Of the VPN.
        number: u16,
        /// Where it goes to.
        destination: Prefix,
    },
}

/// A set of offers.
pub type Offers = BTreeSet<Offer>;

impl Offer {
    /// The family it belongs to.
    pub fn family(&self) -> Family {
        let by = |prefix: &Prefix, v4, v6| if prefix.family() == Family::IPV4 { v4 } else { v6 };
        match self {
            Offer::Path { prefix, .. } => prefix.family(),
            Offer::Multicast(p) => by(p, Family::IPV4_MULTICAST, Family::IPV6_MULTICAST),
            Offer::Labeled { prefix: p, .. } => by(p, Family::IPV4_LABELED, Family::IPV6_LABELED),
            Offer::Vpn { prefix, .. } => by(prefix, Family::VPNV4, Family::VPNV6),
            Offer::EvpnPrefix { .. } | Offer::EvpnMac { .. } | Offer::EvpnMulticast { .. } => {
                Family::EVPN
            }
            Offer::Flow { destination: p, .. } => {
                by(p, Family::IPV4_FLOWSPEC, Family::IPV6_FLOWSPEC)
            }
            Offer::VpnFlow { destination: p, .. } => {
                by(p, Family::VPNV4_FLOWSPEC, Family::VPNV6_FLOWSPEC)
            }
        }
    }

    /// Whether it is about IPv4, or about Ethernet.
    pub(super) fn is_v4(&self) -> bool {
        self.family().afi != 2
    }
}

/// How many of a set there are of each family, in the form that [`crate::tap::Tap`] waits for.
pub fn counts(offers: &Offers) -> Vec<(Family, usize)> {
    let mut counts = std::collections::BTreeMap::new();
    for offer in offers {
        *counts.entry(offer.family()).or_default() += 1;
    }
    counts.into_iter().collect()
}

/// Panics because the program cannot make this offer.
pub(super) fn cannot(program: &str, offer: &Offer) -> ! {
    panic!("{program} cannot announce {offer:?}: see the table in programs::offers")
}

/// Some offers of each of these families, as many of one as of the other: three prefixes, in unicast
/// with two paths each. EVPN means IP prefix routes.
///
/// # Panics
/// For a family of which there are none.
pub fn sample(families: &[Family]) -> Offers {
    let mut offers = Offers::new();
    for family in families {
        for n in 1..=3u8 {
            let prefix: Prefix = match family.afi {
                2 => format!("2001:db8:{n}::/48").parse(),
                _ => format!("198.51.{}.0/24", 100 + n).parse(),
            }
            .expect("a prefix");
            let (number, label) = (n.into(), 100 + u32::from(n));
            let mut add = |offer: Offer| {
                assert_eq!(offer.family(), *family, "an offer of another family");
                offers.insert(offer);
            };
            match (family.afi, family.safi) {
                (_, 1) => (1..=2).for_each(|number| add(Offer::Path { prefix, number })),
                (_, 2) => add(Offer::Multicast(prefix)),
                (_, 4) => add(Offer::Labeled { prefix, labels: vec![label] }),
                (_, 128) => add(Offer::Vpn { number, prefix, label }),
                (25, 70) => add(Offer::EvpnPrefix { number, tag: label, prefix, label }),
                (_, 133) => add(Offer::Flow { destination: prefix, port: 8000 + u16::from(n) }),
                (_, 134) => add(Offer::VpnFlow { number, destination: prefix }),
                _ => panic!("no offers of {family}"),
            }
        }
    }
    offers
}

/// EVPN routes of types 2, 3 and 5.
pub fn evpn() -> Offers {
    let mut offers = sample(&[Family::EVPN]);
    for n in 1..=3u8 {
        let (number, tag, address) = (n.into(), n.into(), Ipv4Addr::new(198, 51, 100, n));
        offers.insert(Offer::EvpnMac { number, tag, mac: n, address, label: 200 + u32::from(n) });
        offers.insert(Offer::EvpnMulticast { number, tag, address });
    }
    offers
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener};

    use super::*;
    use crate::bgp::Open;
    use crate::neighbor::{Neighbor, Options};
    use crate::netns::Netns;
    use crate::nlri;
    use crate::programs::bird::Bird;
    use crate::programs::exabgp::Exabgp;
    use crate::programs::frr::Frr;
    use crate::programs::gobgp::Gobgp;
    use crate::programs::{Announced, BMPD_AS, Connects, Link, Speaker, TIMEOUT, bmpd_listens};
    use crate::scratch::Scratch;
    use crate::table::Attributes;
    use crate::tap::Tap;
    use crate::wait::wait_for;

    /// How a receiver presents itself that accepts all of these families, with all their paths.
    fn receiver(address: IpAddr, terms: &Terms) -> Options {
        let open = Open {
            families: terms.families.clone(),
            add_path: terms.add_path.iter().map(|family| (*family, 1)).collect(),
            ..Open::of(BMPD_AS)
        };
        let mut options = Options::new(address, BMPD_AS);
        options.open = open.graceful_restart(false, 120, &terms.families);
        options
    }

    /// The program announces the offers, withdraws some, and sends its End-of-RIBs.
    #[track_caller]
    fn try_out<S: Speaker>(
        start: impl FnOnce(&Scratch, Link, Terms, Announced) -> S,
        mut terms: Terms,
        offers: &Offers,
        ends: &[Family],
    ) {
        terms.graceful_restart = Some(60);
        let scratch = Scratch::new();
        let bmpd = bmpd_listens();
        let listener = TcpListener::bind(bmpd).unwrap();
        let tap = Tap::new(bmpd);
        let mut speaker = start(&scratch, tap.link(65001), terms.clone(), Announced::new());
        let neighbor = Neighbor::accept(&receiver(bmpd.ip(), &terms), &listener);
        speaker.offer(offers.clone());
        let all = tap.wait_counts(&counts(offers), TIMEOUT);
        let less: Offers = offers.iter().step_by(2).cloned().collect();
        speaker.offer(less.clone());
        let rest = tap.wait_counts(&counts(&less), TIMEOUT);
        assert!(rest.keys().all(|key| all.contains_key(key)), "{all:?} {rest:?}");
        let carried = tap.newest().unwrap();
        wait_for("the receiver to receive the same", TIMEOUT, || {
            let received =
                nlri::rib_of(&neighbor.received().messages, &carried.add_paths().unwrap());
            nlri::difference(&rest, &received.unwrap()).map_or(Ok(()), Err)
        });
        wait_for("the End-of-RIBs", TIMEOUT, || {
            let mut ended = tap.newest().unwrap().ended_families();
            let mut wanted = ends.to_vec();
            ended.sort_unstable();
            wanted.sort_unstable();
            if ended == wanted { Ok(()) } else { Err(format!("{ended:?} of {wanted:?}")) }
        });
        drop(neighbor);
    }

    const UNICAST: [Family; 2] = [Family::IPV4, Family::IPV6];

    fn with_paths(families: &[Family], add_path: &[Family]) -> Terms {
        Terms { add_path: add_path.to_vec(), ..Terms::of(families) }
    }

    #[test]
    fn bird_has_many_families_and_paths_in_all_of_them() {
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
        let terms = with_paths(&families, &families);
        try_out(Bird::start_with, terms, &sample(&families), &families);
    }

    #[test]
    fn frr_has_multicast_vpns_and_evpn() {
        let families = [
            Family::IPV4_MULTICAST,
            Family::IPV6_MULTICAST,
            Family::VPNV4,
            Family::VPNV6,
            Family::EVPN,
        ];
        let terms = with_paths(&families, &[Family::VPNV4]);
        try_out(Frr::start_with, terms, &sample(&families), &[Family::EVPN]);
    }

    #[test]
    fn gobgp_has_paths_labels_vpns_and_evpn() {
        let families =
            [Family::IPV4, Family::IPV4_LABELED, Family::VPNV4, Family::VPNV6, Family::EVPN];
        let mut offers = sample(&families);
        offers.extend(evpn());
        let prefix = "203.0.113.0/24".parse().unwrap();
        offers.insert(Offer::Labeled { prefix, labels: vec![300, 301] });
        let terms = with_paths(&families, &[Family::IPV4]);
        try_out(Gobgp::start_with, terms, &offers, &families);
    }

    #[test]
    fn gobgp_has_flow_specifications() {
        let families = [Family::IPV4_FLOWSPEC, Family::IPV6_FLOWSPEC, Family::VPNV4_FLOWSPEC];
        try_out(Gobgp::start_with, Terms::of(&families), &sample(&families), &families);
    }

    #[test]
    fn exabgp_has_paths_labels_vpns_and_flow_specifications() {
        let families = [
            Family::IPV4,
            Family::IPV6,
            Family::IPV4_LABELED,
            Family::IPV6_LABELED,
            Family::VPNV4,
            Family::VPNV6,
            Family::IPV4_FLOWSPEC,
            Family::IPV6_FLOWSPEC,
            Family::VPNV4_FLOWSPEC,
            Family::VPNV6_FLOWSPEC,
        ];
        let terms = with_paths(&families, &UNICAST);
        try_out(Exabgp::start_with, terms, &sample(&families), &families);
    }

    /// The program runs in a namespace, signs what it sends, and ends its session by command.
    #[track_caller]
    fn in_a_namespace<S: Speaker>(start: impl FnOnce(&Scratch, Link, Terms, Announced) -> S) {
        let scratch = Scratch::new();
        let [program, bmpd] = ["10.0.0.2", "10.0.0.1"].map(|a| a.parse::<IpAddr>().unwrap());
        let netns = Netns::with(&[program, bmpd]);
        let namespace = Some(netns.namespace().clone());
        let terms = Terms {
            namespace: namespace.clone(),
            password: Some("secret".to_owned()),
            ..Terms::of(&[Family::VPNV4])
        };
        let link = Link {
            program: SocketAddr::new(program, 1179),
            asn: 65001,
            bmpd: SocketAddr::new(bmpd, 2179),
            connects: Connects::Program,
            router_id: Ipv4Addr::new(192, 0, 2, 66),
        };
        let mut options = receiver(bmpd, &terms);
        options.namespace = namespace;
        options.md5.clone_from(&terms.password);
        let listener = Neighbor::listen(&options, link.bmpd.port(), program);
        let mut speaker = start(&scratch, link, terms, Announced::new());
        let neighbor = Neighbor::accept(&options, &listener);
        let offers = sample(&[Family::VPNV4]);
        speaker.offer(offers.clone());
        wait_for("the routes", TIMEOUT, || {
            let rib = nlri::rib_of(&neighbor.received().messages, &nlri::AddPaths::new())?;
            if rib.len() == offers.len() { Ok(()) } else { Err(format!("{rib:?}")) }
        });
        speaker.stop();
        neighbor.wait_closed(TIMEOUT);
    }

    #[test]
    fn bird_runs_in_a_namespace() {
        in_a_namespace(Bird::start_with);
    }

    #[test]
    fn frr_runs_in_a_namespace() {
        in_a_namespace(Frr::start_with);
    }

    #[test]
    fn gobgp_runs_in_a_namespace() {
        in_a_namespace(Gobgp::start_with);
    }

    #[test]
    fn exabgp_runs_in_a_namespace() {
        in_a_namespace(Exabgp::start_with);
    }

    /// The data of the NOTIFICATION that a receiver is sent when the session is taken down.
    #[track_caller]
    fn last_words<S: Speaker>(
        start: impl FnOnce(&Scratch, Link, Announced) -> S,
        disable: impl FnOnce(&mut S),
    ) -> (u8, u8, Vec<u8>) {
        let scratch = Scratch::new();
        let bmpd = bmpd_listens();
        let listener = TcpListener::bind(bmpd).unwrap();
        let link = Link::new(bmpd, 65001, Connects::Program);
        let mut speaker = start(&scratch, link, Announced::new());
        let neighbor = Neighbor::accept(&receiver(bmpd.ip(), &Terms::default()), &listener);
        disable(&mut speaker);
        neighbor.wait_closed(TIMEOUT).notification.unwrap()
    }

    #[test]
    fn bird_and_frr_say_why_they_take_a_session_down() {
        let words = b"\x10back at midnight".to_vec();
        let bird = last_words(Bird::start, |bird| bird.disable_with("back at midnight"));
        let frr = last_words(Frr::start, |frr| frr.disable_with("back at midnight"));
        assert_eq!([bird, frr], [(6, 2, words.clone()), (6, 2, words)]);
    }

    /// A program that passes on the routes of two upstreams for the same prefixes.
    #[track_caller]
    fn pass_on<S: Speaker>(start: impl FnOnce(&Scratch, Link, Terms, Announced) -> S) {
        let scratch = Scratch::new();
        let bmpd = bmpd_listens();
        let listener = TcpListener::bind(bmpd).unwrap();
        let tap = Tap::new(bmpd);
        let link = tap.link(65001);
        let upstreams = [65101, 65102].map(|asn| (crate::addresses::loopback(), asn));
        let terms = Terms { upstreams: upstreams.to_vec(), ..with_paths(&UNICAST, &UNICAST) };
        let _speaker = start(&scratch, link, terms.clone(), Announced::new());
        let prefixes = ["198.51.100.0/24", "2001:db8:1::/48"].map(|p| p.parse().unwrap());
        let upstreams = upstreams.map(|(address, asn)| {
            let upstream = Neighbor::connect(&Options::new(address, asn), link.program);
            let mut random = crate::random::Random::new(asn.into());
            upstream.announce(&prefixes, &Attributes::sample(asn, &mut random));
            upstream
        });
        let _neighbor = Neighbor::accept(&receiver(bmpd.ip(), &terms), &listener);
        tap.wait_counts(&UNICAST.map(|family| (family, 2)), TIMEOUT);
        upstreams[0].withdraw(&prefixes[..1]);
        tap.wait_counts(&[(Family::IPV4, 1), (Family::IPV6, 2)], TIMEOUT);
    }

    #[test]
    fn gobgp_passes_on_link_state() {
        let scratch = Scratch::new();
        let bmpd = bmpd_listens();
        let listener = TcpListener::bind(bmpd).unwrap();
        let tap = Tap::new(bmpd);
        let link = tap.link(65001);
        let upstream = Options::new(crate::addresses::loopback(), 65101);
        let families = [Family::LINK_STATE];
        let terms = Terms { upstreams: vec![(upstream.address, 65101)], ..Terms::of(&families) };
        let _gobgp = Gobgp::start_with(&scratch, link, terms.clone(), Announced::new());
        let open = Open { families: families.to_vec(), ..upstream.open.clone() };
        let upstream = Neighbor::connect(&Options { open, ..upstream }, link.program);
        let _neighbor = Neighbor::accept(&receiver(bmpd.ip(), &terms), &listener);
        let family = Family::LINK_STATE;
        let nodes = [1, 2].map(|n| nlri::example(family, n));
        let path = [0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfe, 0x4d];
        upstream.announce_nlri(family, &[192, 0, 2, 33], &nodes.concat(), &path);
        let rib = tap.wait_counts(&[(family, 2)], TIMEOUT);
        assert_eq!(nlri::by_family(&rib)[&family], nodes.clone().into());
        upstream.withdraw_nlri(family, &nodes[0]);
        tap.wait_counts(&[(family, 1)], TIMEOUT);
    }

    #[test]
    fn frr_passes_on_the_paths_of_its_upstreams() {
        pass_on(Frr::start_with);
    }

    #[test]
    fn gobgp_passes_on_the_paths_of_its_upstreams() {
        pass_on(Gobgp::start_with);
    }
}
