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
