//! A router that does everything that the RFCs allow, made up the same way each time.
//!
//! It has peers of every type, some with the same address; tables of every view and family with and without path
//! identifiers; AS_PATHs with two and with four octets; TLVs, statistics and messages that nobody knows. What it says is
//! bytes; [`super::Summary::of`] is what they mean.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use crate::bgp::{self, Family, Open, attribute};
use crate::bmp::PeerHeader;
use crate::bmp::message::{self, Tlv, Up, flag, peer, text, tlv};
use crate::nlri::{example, example_next_hop};
use crate::random::Random;
use crate::table::Table;

/// The views of an Adj-RIB, as flags.
const VIEWS: [u8; 4] =
    [0, flag::POST_POLICY, flag::ADJ_RIB_OUT, flag::ADJ_RIB_OUT | flag::POST_POLICY];

/// The router's AS number.
const ASN: u32 = 65_000;

/// How many routes of a family there are at most in a table.
const ROUTES: u64 = 40;

/// A peer as the example has it.
#[derive(Debug, Clone)]
struct Peer {
    header: PeerHeader,
    up: Up,
    /// Flags of its views.
    views: Vec<u8>,
    families: Vec<Family>,
    /// Families with path identifiers, by the O flag.
    paths: [BTreeSet<Family>; 2],
    /// The views in which AS_PATH has two-octet numbers.
    two_octet: Vec<u8>,
    is_up: bool,
}

/// The router. Each call returns what it sends next.
#[derive(Debug)]
pub struct Example {
    name: String,
    random: Random,
    clock: Duration,
    peers: Vec<Peer>,
    initiations: u32,
    ups: u16,
}

impl Example {
    /// A router with this sysName; another one for each `seed`.
    pub fn new(name: &str, seed: u64) -> Self {
        let random = Random::new(seed);
        let clock = Duration::from_micros(1_700_000_000_123_456);
        Self { name: name.to_owned(), random, clock, peers: peers(), initiations: 0, ups: 0 }
    }

    /// The headers of its peers.
    pub fn headers(&self) -> Vec<PeerHeader> {
        self.peers.iter().map(|peer| peer.header).collect()
    }

    /// A while later.
    fn now(&mut self) -> Duration {
        self.clock += Duration::from_micros(1 + self.random.below(90_000));
        self.clock
    }

    /// Its Initiation: every TLV that there is, and some that there are not, in an order of its own.
    pub fn initiation(&mut self) -> Vec<u8> {
        self.initiations += 1;
        message::initiation(&[
            text(tlv::STRING, "rack 7"),
            text(tlv::SYSTEM_NAME, &self.name),
            (65_001, vec![0, 1, 2, 3]),
            text(tlv::SYSTEM_DESCRIPTION, &format!("an example, said {}", self.initiations)),
            text(tlv::STRING, ""),
        ])
    }

    /// All that it sends to a new station: the Initiation, and each peer with its tables.
    pub fn dump(&mut self) -> Vec<u8> {
        let mut out = self.initiation();
        for n in 0..self.peers.len() {
            out.extend(self.peer_up(n));
            if n == 0 {
                // One real table, with messages that are full.
                let header = self.header(n, 0);
                out.extend(message::monitoring(&header, Table::of(64_500, 600, 200).bytes()));
            }
            out.extend(self.tables(n));
            out.extend(self.statistics(n));
        }
        out
    }

    /// The Peer Up of a peer, another one each time.
    fn peer_up(&mut self, n: usize) -> Vec<u8> {
        self.ups += 1;
        let at = self.now();
        let peer = &mut self.peers[n];
        peer.is_up = true;
        peer.up.ports[1] = 40_000 + self.ups;
        message::peer_up(&peer.header.at(at), &peer.up)
    }

    /// Some routes of every table of a peer, and their End-of-RIBs.
    fn tables(&mut self, n: usize) -> Vec<u8> {
        let mut out = vec![];
        let Peer { views, families, .. } = self.peers[n].clone();
        for view in &views {
            for family in &families {
                for _ in 0..3 {
                    out.extend(self.announce(n, *view, *family));
                }
                out.extend(self.end_of_rib(n, *view, *family));
            }
        }
        out
    }

    fn header(&mut self, n: usize, view: u8) -> PeerHeader {
        let at = self.now();
        let peer = &self.peers[n];
        let two_octet = if peer.two_octet.contains(&view) { flag::TWO_OCTET_AS } else { 0 };
        peer.header.with(view | two_octet).at(at)
    }

    fn end_of_rib(&mut self, n: usize, view: u8, family: Family) -> Vec<u8> {
        message::monitoring(&self.header(n, view), &bgp::end_of_rib(family))
    }

    /// One to five NLRI of a table, as on the wire.
    fn nlri(&mut self, n: usize, view: u8, family: Family) -> Vec<u8> {
        let out = usize::from(view & flag::ADJ_RIB_OUT != 0);
        let with_path = self.peers[n].paths[out].contains(&family);
        let mut bytes = vec![];
        for _ in 0..=self.random.below(5) {
            if with_path {
                bytes.extend_from_slice(&(self.random.below(3) as u32).to_be_bytes());
            }
            bytes.extend(example(family, 1 + self.random.below(ROUTES) as u8));
        }
        bytes
    }

    /// An UPDATE of a table that announces.
    fn announce(&mut self, n: usize, view: u8, family: Family) -> Vec<u8> {
        let header = self.header(n, view);
        let nlri = self.nlri(n, view, family);
        let attributes = self.attributes(header.flags & flag::TWO_OCTET_AS != 0);
        // IPv4 unicast has two places: the NLRI field, and MP_REACH_NLRI with an IPv6 next hop (RFC 8950).
        let is_plain = family == Family::IPV4 && self.random.chance(70);
        let mut parts: Vec<Vec<u8>> = attributes;
        let mut field = vec![];
        if is_plain {
            let mut hop = vec![];
            let octets = [192, 0, 2, self.random.below(9) as u8];
            bgp::put_attribute(&mut hop, 0x40, attribute::NEXT_HOP, &octets);
            parts.push(hop);
            field = nlri;
        } else {
            let hop = match family {
                Family::IPV4 => example_next_hop(Family::IPV6),
                other => example_next_hop(other),
            };
            let [high, low] = family.afi.to_be_bytes();
            let head = [high, low, family.safi, hop.len() as u8];
            let mut reach = vec![];
            let value = [&head[..], &hop, &[0], &nlri].concat();
            bgp::put_attribute(&mut reach, 0x80, attribute::MP_REACH, &value);
            let at = self.random.below(parts.len() as u64 + 1) as usize;
            parts.insert(at, reach);
        }
        message::monitoring(&header, &update(&[], &parts.concat(), &field))
    }

    /// An UPDATE of a table that withdraws, what is there and what is not.
    fn withdraw(&mut self, n: usize, view: u8, family: Family) -> Vec<u8> {
        let header = self.header(n, view);
        let nlri = self.nlri(n, view, family);
        if family == Family::IPV4 && self.random.chance(70) {
            return message::monitoring(&header, &update(&nlri, &[], &[]));
        }
        let [high, low] = family.afi.to_be_bytes();
        let mut unreach = vec![];
        let value = [&[high, low, family.safi][..], &nlri].concat();
        bgp::put_attribute(&mut unreach, 0x80, attribute::MP_UNREACH, &value);
        message::monitoring(&header, &update(&[], &unreach, &[]))
    }

    /// Path attributes, one each; those of a router's neighbors need not please us.
    fn attributes(&mut self, two_octet: bool) -> Vec<Vec<u8>> {
        let random = &mut self.random;
        let mut found = vec![];
        let mut put = |flags: u8, kind: u8, value: &[u8]| {
            let mut bytes = vec![];
            bgp::put_attribute(&mut bytes, flags, kind, value);
            found.push(bytes);
        };
        put(0x40, attribute::ORIGIN, &[random.below(3) as u8]);
        let mut path = vec![2, 2];
        for _ in 0..2 {
            let asn = 64_512 + random.below(50) as u32;
            match two_octet {
                true => path.extend_from_slice(&(asn as u16).to_be_bytes()),
                false => path.extend_from_slice(&asn.to_be_bytes()),
            }
        }
        put(0x40, attribute::AS_PATH, &path);
        if random.chance(50) {
            put(0x80, attribute::MED, &(random.below(100) as u32).to_be_bytes());
        }
        if random.chance(30) {
            put(0xc0, attribute::COMMUNITIES, &[0xfd, 0xe8, 0, random.below(9) as u8]);
        }
        if random.chance(20) {
            // Unknown, transitive, partial.
            put(0xe0, 200, &[random.below(9) as u8; 3]);
        }
        if random.chance(10) {
            // With two octets of length where one would do.
            found.push(vec![0xd0, 201, 0, 1, random.below(9) as u8]);
        }
        found
    }

    /// A Statistics Report of a peer: counters and gauges of every size, and unknown ones.
    fn statistics(&mut self, n: usize) -> Vec<u8> {
        let header = self.header(n, 0);
        let header = PeerHeader { flags: header.flags & !flag::TWO_OCTET_AS, ..header };
        let value = self.random.draw();
        let family = [&[0, 2, 1][..], &value.to_be_bytes()].concat();
        let counters: Vec<Tlv> = vec![
            (0, (value as u32).to_be_bytes().to_vec()),
            (7, value.to_be_bytes().to_vec()),
            (9, family.clone()),
            (8, value.to_be_bytes().to_vec()),
            (17, family),
            (65_531, vec![7; 5]),
            (65_532, vec![]),
        ];
        message::statistics(&header, &counters)
    }

    /// One change.
    pub fn change(&mut self) -> Vec<u8> {
        let n = self.random.below(self.peers.len() as u64) as usize;
        if !self.peers[n].is_up {
            let mut out = self.peer_up(n);
            out.extend(self.tables(n));
            return out;
        }
        let of = |random: &mut Random, n: usize| random.below(n as u64) as usize;
        let view = of(&mut self.random, self.peers[n].views.len());
        let view = self.peers[n].views[view];
        let family = of(&mut self.random, self.peers[n].families.len());
        let family = self.peers[n].families[family];
        match self.random.below(100) {
            0..60 => self.announce(n, view, family),
            60..85 => self.withdraw(n, view, family),
            85..92 => self.statistics(n),
            92..94 => self.down(n),
            94..96 => self.stateless(n),
            96 => self.initiation(),
            97 => self.end_of_rib(n, view, family),
            _ => {
                // One message for two families and both ways.
                let Family { afi, safi } = Family::IPV6;
                let header = self.header(0, 0);
                let mut parts = self.attributes(false);
                let [high, low] = afi.to_be_bytes();
                let hop = example_next_hop(Family::IPV6);
                let nlri = example(Family::IPV6, self.random.below(ROUTES) as u8);
                let value = [&[high, low, safi, 16][..], &hop, &[0], &nlri].concat();
                let mut both = vec![];
                bgp::put_attribute(&mut both, 0x90, attribute::MP_REACH, &value);
                bgp::put_attribute(&mut both, 0x40, attribute::NEXT_HOP, &[192, 0, 2, 1]);
                parts.push(both);
                let [gone, new] =
                    [1, 2].map(|_| example(Family::IPV4, self.random.below(ROUTES) as u8));
                if !self.peers[0].is_up {
                    return vec![];
                }
                message::monitoring(&header, &update(&gone, &parts.concat(), &new))
            }
        }
    }

    /// A Peer Down, for each of the reasons that there are and some more.
    fn down(&mut self, n: usize) -> Vec<u8> {
        let at = self.now();
        let peer = &mut self.peers[n];
        peer.is_up = false;
        let notification = bgp::message(bgp::kind::NOTIFICATION, &[6, 2, b'b', b'y', b'e']);
        let name = message::tlvs(&[text(tlv::TABLE_NAME, "red")]);
        let (reason, data) = match self.random.below(7) {
            0 => (1, notification),
            1 => (2, vec![0, 24]),
            2 => (3, notification),
            3 => (4, vec![]),
            4 => (5, vec![]),
            5 => (6, name),
            _ => (200, vec![1, 2, 3]),
        };
        message::peer_down(&peer.header.at(at), reason, &data)
    }

    /// Another Peer Up without a Peer Down, and all of its tables once more, the same or not.
    pub fn up_again(&mut self, n: usize) -> Vec<u8> {
        let mut out = self.peer_up(n);
        out.extend(self.tables(n));
        out
    }

    /// What has no state, of a peer that is up: it is sent to those who are there.
    fn stateless(&mut self, n: usize) -> Vec<u8> {
        let view = self.peers[n].views[0];
        let all = stateless(&self.header(n, view));
        all[self.random.below(all.len() as u64) as usize].clone()
    }
}

/// Messages without state, of every kind, about a peer.
pub fn stateless(header: &PeerHeader) -> Vec<Vec<u8>> {
    let update = update(&[], &[0x40, 1, 1, 0], &[8, 10]);
    let of_family = |afi: u16, safi: u8| {
        let [high, low] = afi.to_be_bytes();
        let value = [high, low, safi, 4, 192, 0, 2, 1, 0, 24, 198, 51, 100];
        let mut reach = vec![];
        bgp::put_attribute(&mut reach, 0x80, attribute::MP_REACH, &value);
        message::monitoring(header, &self::update(&[], &reach, &[]))
    };
    let unknown_peer = PeerHeader { peer: crate::bmp::Peer { kind: 9, ..header.peer }, ..*header };
    vec![
        // BGP messages and, last, what they are about.
        message::mirroring(header, &[(1, vec![0, 1]), (0, update.clone())]),
        message::mirroring(header, &[(1, vec![0, 0]), (65_002, vec![1]), (0, vec![0xff; 16])]),
        message::message(3, 7, &[b"a type that nobody knows"]),
        message::message(3, 255, &[]),
        message::monitoring(&unknown_peer, &update),
        message::peer_down(&unknown_peer, 4, &[]),
        // Route targets (RFC 4684), VPLS (RFC 4761), and a family that there is not.
        of_family(1, 132),
        of_family(25, 65),
        of_family(9000, 9),
        message::monitoring(header, &bgp::end_of_rib(Family { afi: 1, safi: 132 })),
        // A prefix of 33 bits, and an attribute that ends too late.
        message::monitoring(header, &self::update(&[], &[0x40, 1, 1, 0], &[33, 10, 0, 0, 0, 0])),
        message::monitoring(header, &self::update(&[], &[0x40, 1, 200, 0], &[8, 10])),
    ]
}

/// An UPDATE of these fields.
pub fn update(withdrawn: &[u8], attributes: &[u8], nlri: &[u8]) -> Vec<u8> {
    let [gone, path] = [withdrawn, attributes].map(|field| (field.len() as u16).to_be_bytes());
    bgp::message(bgp::kind::UPDATE, &[&gone[..], withdrawn, &path, attributes, nlri].concat())
}

/// The OPEN of a speaker with these capabilities.
fn open(asn: u32, families: &[Family], add_path: &[(Family, u8)]) -> Open {
    let (families, add_path) = (families.to_vec(), add_path.to_vec());
    Open { families, add_path, extended_message: true, ..Open::of(asn) }
}

/// An OPEN without any capability: a speaker of two-octet AS numbers and of IPv4 unicast.
fn old_open(asn: u16) -> Vec<u8> {
    let [high, low] = asn.to_be_bytes();
    bgp::message(bgp::kind::OPEN, &[4, high, low, 0, 90, 192, 0, 2, 80, 0])
}

/// What a peer is beside its header.
fn peer_of(
    header: PeerHeader,
    opens: [Open; 2],
    views: &[u8],
    families: &[Family],
    information: Vec<Tlv>,
) -> Peer {
    let paths = match header.peer.kind {
        peer::LOC_RIB => {
            let all: BTreeSet<Family> = opens[0].add_path.iter().map(|(f, _)| *f).collect();
            [all.clone(), all]
        }
        _ => [
            crate::nlri::add_paths(&opens[0], &opens[1]),
            crate::nlri::add_paths(&opens[1], &opens[0]),
        ],
    };
    let local: IpAddr = match header.peer.address {
        IpAddr::V4(_) => Ipv4Addr::new(192, 0, 2, 254).into(),
        IpAddr::V6(_) => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 254).into(),
    };
    let [sent_open, received_open] = opens.map(|open| open.encode());
    let up = Up { local, ports: [179, 0], sent_open, received_open, information };
    let (views, families) = (views.to_vec(), families.to_vec());
    Peer { header, up, views, families, paths, two_octet: vec![], is_up: false }
}

/// The peers: every type, every flag, the same addresses again and again.
fn peers() -> Vec<Peer> {
    let v4: IpAddr = Ipv4Addr::new(192, 0, 2, 7).into();
    let v6: IpAddr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7).into();
    let router_id = Ipv4Addr::new(192, 0, 2, 254);
    let all: Vec<Family> = Family::NAMES.iter().map(|(family, _)| *family).collect();
    let few = [Family::IPV4, Family::IPV6, Family::VPNV4];
    let plain = |asn: u32, families: &[Family]| [ASN, asn].map(|asn| open(asn, families, &[]));
    let both = |asn: u32, ours: &[(Family, u8)], theirs: &[(Family, u8)]| {
        [open(ASN, &few, ours), open(asn, &few, theirs)]
    };
    let labels = vec![
        text(tlv::STRING, "a peer"),
        text(tlv::ADMIN_LABEL, "second"),
        text(tlv::ADMIN_LABEL, "first"),
        (65_003, vec![]),
    ];
    let table = |name: &str| vec![text(tlv::TABLE_NAME, name)];

    let global = message::header(peer::GLOBAL, 0, v4, 65_001);
    // It reads path identifiers of IPv4, and of IPv6 it sends them; and the other way round.
    let paths = both(
        65_002,
        &[(Family::IPV4, 1), (Family::IPV6, 2), (Family::VPNV4, 3)],
        &[(Family::IPV4, 3), (Family::IPV6, 3), (Family::VPNV4, 1)],
    );
    let in_red = message::header(peer::DISTINGUISHED, 0x0000_fde8_0000_0001, v4, 65_001);
    let in_blue = message::header(peer::DISTINGUISHED, 0x0001_c000_0201_0002, v4, 65_003);
    let local = message::header(peer::LOCAL, 7, v4, 65_001);
    let old = message::header(peer::GLOBAL, 0, Ipv4Addr::new(192, 0, 2, 80).into(), 64_700);
    let main = message::loc_rib(0, ASN, router_id);
    let red = message::loc_rib(0x0000_fde8_0000_0001, ASN, router_id);
    let add_path = [(Family::IPV4, 3)];
    let of_red = [0, 1].map(|_| open(ASN, &few, &add_path));

    let mut found = vec![
        peer_of(global, plain(65_001, &all), &VIEWS, &all, labels),
        peer_of(message::header(peer::GLOBAL, 0, v6, 65_002), paths, &VIEWS, &few, vec![]),
        peer_of(in_red, plain(65_001, &few), &VIEWS[..2], &few, table("red")),
        peer_of(in_blue, plain(65_003, &few), &VIEWS[1..3], &few, table("blue")),
        peer_of(local, plain(65_001, &few), &VIEWS[3..], &few, vec![]),
        peer_of(old, plain(64_700, &[]), &VIEWS[..2], &[Family::IPV4], vec![]),
        peer_of(main, plain(ASN, &all), &[0], &all, table("global")),
        peer_of(red.with(flag::FILTERED), of_red, &[flag::FILTERED], &few, table("red")),
    ];
    found[5].up.received_open = old_open(64_700);
    found[5].two_octet = VIEWS.to_vec();
    // The policy of this one writes four octets.
    found[1].two_octet = vec![0, flag::ADJ_RIB_OUT];
    found
}

/// A Peer Up, routes and both End-of-RIBs of a peer with a plain table, pre-policy: the simplest that there is.
pub fn simple(header: &PeerHeader, updates: &[u8]) -> Vec<u8> {
    let ends = [Family::IPV4, Family::IPV6]
        .map(|family| message::monitoring(header, &bgp::end_of_rib(family)));
    [simple_up(header), message::monitoring(header, updates), ends.concat()].concat()
}

/// The Peer Up of a peer with IPv4 and IPv6 unicast.
pub fn simple_up(header: &PeerHeader) -> Vec<u8> {
    let received = Open { router_id: header.router_id, ..Open::of(header.asn) };
    let up = Up {
        local: Ipv4Addr::new(192, 0, 2, 254).into(),
        ports: [179, 40_000],
        sent_open: Open::of(ASN).encode(),
        received_open: received.encode(),
        information: vec![],
    };
    message::peer_up(header, &up)
}

#[cfg(test)]
mod tests {
    //! Both sides of a comparison are a [`Summary`]: what it overlooks, every test of the relay overlooks.

    use super::super::Summary;
    use super::*;
    use crate::bmp::message::kind;

    #[test]
    fn the_example_has_every_peer_type_view_and_family_and_all_of_it_is_legal() {
        let mut example = Example::new("edge1", 1);
        let mut bytes = example.dump();
        let summary = Summary::of(&bytes);
        assert_eq!(summary.violations, [""; 0]);
        assert!(summary.live.is_empty());
        let kinds: BTreeSet<u8> = summary.peers.keys().map(|who| who.kind).collect();
        assert_eq!(kinds, [0, 1, 2, 3].into());
        assert_eq!(summary.peers.len(), 8);
        for (who, up) in &summary.peers {
            let empty = up.tables.values().filter(|table| table.routes.is_empty());
            assert_eq!(empty.count(), 0, "{who}");
            assert!(up.statistics.is_some() && up.tables.values().all(|table| table.has_ended));
        }
        let first = &summary.peers[&example.headers()[0].identity()];
        assert_eq!(first.tables.len(), 4 * Family::NAMES.len());

        for _ in 0..2000 {
            bytes.extend(example.change());
        }
        let summary = Summary::of(&bytes);
        assert_eq!(summary.violations, [""; 0]);
        assert!(summary.downs.len() > 10 && summary.live.len() > 20, "{}", summary.brief());
        assert!(summary.idle_withdrawals > 10 && summary.moved[1] > summary.idle_withdrawals);
        assert!(summary.downs.iter().all(|message| message[5] == kind::PEER_DOWN));
    }

    #[test]
    fn everything_without_state_is_seen_as_that() {
        let header = message::header(peer::GLOBAL, 0, Ipv4Addr::new(192, 0, 2, 7).into(), 65_001);
        let all = stateless(&header);
        let bytes = [message::initiation_of("edge1"), simple_up(&header), all.concat()].concat();
        let summary = Summary::of(&bytes);
        assert_eq!((summary.live, summary.violations), (all, vec![]));
        assert_eq!(summary.moved, [0, 0]);
    }

    #[test]
    fn another_peer_up_keeps_the_routes_until_their_end_of_rib() {
        let header = message::header(peer::GLOBAL, 0, Ipv4Addr::new(192, 0, 2, 7).into(), 65_001);
        let path = [0x40, 1, 1, 0];
        let [one, two] = [10, 11].map(|octet| update(&[], &path, &[8, octet]));
        let mut bytes = message::initiation_of("edge1");
        bytes.extend(simple(&header, &[one.clone(), two].concat()));
        bytes.extend(simple_up(&header));
        bytes.extend(message::monitoring(&header, &one));
        assert_eq!(Summary::of(&bytes).routes_held(), 2);
        bytes.extend(message::monitoring(&header, &bgp::end_of_rib(Family::IPV4)));
        let summary = Summary::of(&bytes);
        assert_eq!((summary.routes_held(), summary.ups.len()), (1, 2));
        assert_eq!(summary.difference(&summary), None);
    }
}
