//! Feeds against a model of the neighbors, with a station that reads what they encode.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;

use super::*;
use crate::rib::epoch::{Identity, PeerDown};
use crate::wire::bmp::{PeerDownReason, PeerUp};
use crate::wire::nlri::Form;
use crate::wire::stored;
use crate::wire::update::{Context, Update};

const NEIGHBORS: usize = 3;
const CONTEXT: Context = Context { four_octet_as: true, external: true };

/// Family, route -> attribute that tells one announcement from another.
type Routes = BTreeMap<(Family, Vec<u8>), u8>;

/// What a station knows of one peer; it checks the rules as it reads.
#[derive(Debug, Default)]
struct Peer {
    routes: Routes,
    end_of_rib: Vec<Family>,
}

#[derive(Debug, Default)]
struct Station {
    peers: BTreeMap<IpAddr, Peer>,
}

impl Station {
    fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            assert_eq!(bytes[0], 3);
            let len = u32::from_be_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]) as usize;
            let (message, rest) = bytes.split_at(len);
            bytes = rest;
            let address = IpAddr::from([message[28], message[29], message[30], message[31]]);
            let body = &message[48..];
            match message[5] {
                0 => {
                    let peer = self.peers.get_mut(&address).expect("no routes before Peer Up");
                    peer.read(&body[19..]);
                }
                2 => {
                    assert_eq!(body, [4]);
                    self.peers.remove(&address).expect("no Peer Down before Peer Up");
                }
                3 => {
                    let before = self.peers.insert(address, Peer::default());
                    assert!(before.is_none(), "no second Peer Up");
                }
                other => panic!("unexpected type {other}"),
            }
        }
    }
}

impl Peer {
    fn read(&mut self, update: &[u8]) {
        let mut kept = Vec::new();
        let update = Update::parse(update, CONTEXT, &mut kept).unwrap();
        assert_eq!(update.fault, None);
        if let Some(family) = update.end_of_rib() {
            assert!(!self.end_of_rib.contains(&family), "one End-of-RIB");
            self.end_of_rib.push(family);
            return;
        }
        let withdrawn = Form::new(Family::IPV4_UNICAST, false).routes(update.withdrawn).unwrap();
        for prefix in withdrawn {
            self.routes.remove(&(Family::IPV4_UNICAST, prefix.as_ref().to_vec()));
        }
        if let Some((family, nlri)) = update.unreach {
            for prefix in Form::new(family, false).routes(nlri).unwrap() {
                self.routes.remove(&(family, prefix.as_ref().to_vec()));
            }
        }
        let mut form = Vec::new();
        for prefix in Form::new(Family::IPV4_UNICAST, false).routes(update.announced).unwrap() {
            update.store_plain(&mut form);
            let key = (Family::IPV4_UNICAST, prefix.as_ref().to_vec());
            self.routes.insert(key, *form.last().unwrap());
        }
        if let Some(reach) = update.reach {
            for prefix in Form::new(reach.family, false).routes(reach.nlri).unwrap() {
                update.store_reach(&reach, &mut form);
                self.routes.insert((reach.family, prefix.as_ref().to_vec()), *form.last().unwrap());
            }
        }
    }
}

/// An UPDATE body that announces routes; the last byte of its attributes is `mark`.
fn announce(family: Family, mark: u8, routes: &[Vec<u8>]) -> Vec<u8> {
    let mut attributes = vec![0x40, 1, 1, 0, 0x40, 2, 0];
    let nlri = routes.concat();
    let mut tail = Vec::new();
    if family == Family::IPV4_UNICAST {
        attributes.extend_from_slice(&[0x40, 3, 4, 192, 0, 2, 1]);
        tail = nlri;
    } else {
        attributes.extend_from_slice(&[0x80, 14, (21 + nlri.len()) as u8, 0, 2, 1, 16]);
        attributes.extend_from_slice(&[0x20; 16]);
        attributes.push(0);
        attributes.extend_from_slice(&nlri);
    }
    attributes.extend_from_slice(&[0xc0, 8, 4, 0, 0, 0, mark]);
    let mut body = vec![0, 0];
    body.extend_from_slice(&(attributes.len() as u16).to_be_bytes());
    body.extend_from_slice(&attributes);
    body.extend_from_slice(&tail);
    body
}

fn withdraw(family: Family, routes: &[Vec<u8>]) -> Vec<u8> {
    let mut message = Vec::new();
    stored::withdraw(&mut message, family, |out| {
        out.extend_from_slice(&routes.concat());
        1
    });
    message[19..].to_vec()
}

struct Fixture {
    tables: Arc<Tables>,
    /// By neighbor: the epoch while it is up, and what it has announced.
    epochs: Vec<Option<Arc<Epoch>>>,
    model: Vec<Routes>,
    sessions: Vec<(Feed, Station)>,
}

impl Fixture {
    fn new() -> Self {
        Self {
            tables: Tables::new(NEIGHBORS),
            epochs: vec![None; NEIGHBORS],
            model: vec![Routes::new(); NEIGHBORS],
            sessions: Vec::new(),
        }
    }

    fn address(neighbor: usize) -> IpAddr {
        IpAddr::from([10, 0, 0, neighbor as u8])
    }

    fn up(&mut self, neighbor: usize) {
        let identity = Identity {
            address: Self::address(neighbor),
            asn: 65001,
            bgp_id: Ipv4Addr::new(192, 0, 2, 2),
            two_octet_as: false,
        };
        let up = PeerUp {
            local_address: Self::address(200),
            local_port: 179,
            remote_port: 179,
            sent_open: vec![0xff; 29],
            received_open: vec![0xff; 29],
            table_name: None,
        };
        let place = Arc::clone(&self.tables.neighbors()[neighbor]);
        let epoch = self.tables.begin(&place, identity, up, &Family::DEFAULT, Timestamp::default());
        self.epochs[neighbor] = Some(epoch);
    }

    fn down(&mut self, neighbor: usize) {
        if let Some(epoch) = self.epochs[neighbor].take() {
            let down = PeerDown {
                time: Timestamp::default(),
                reason: PeerDownReason::RemoteNoNotification,
            };
            self.tables.end(&self.tables.neighbors()[neighbor], &epoch, down);
            self.model[neighbor].clear();
        }
    }

    fn update(&mut self, neighbor: usize, body: &[u8]) {
        let Some(epoch) = &self.epochs[neighbor] else {
            return;
        };
        let mut kept = Vec::new();
        let update = Update::parse(body, CONTEXT, &mut kept).unwrap();
        epoch.change(|rib| rib.apply(&update, Timestamp::default()).unwrap()).unwrap();
        let mut peer =
            Peer { routes: std::mem::take(&mut self.model[neighbor]), ..Peer::default() };
        peer.read(body);
        self.model[neighbor] = peer.routes;
    }

    fn fill(&mut self, session: usize, limit: usize) -> Batch {
        let (feed, station) = &mut self.sessions[session];
        let mut out = Vec::new();
        let batch = feed.fill(&mut out, limit);
        station.read(&out);
        batch
    }

    /// Every station that reads on ends up with what the neighbors have announced.
    fn check(&mut self) {
        for session in 0..self.sessions.len() {
            let mut rounds = 0;
            while self.fill(session, 4096) != Batch::default() {
                rounds += 1;
                assert!(rounds < 100_000, "a feed comes to an end");
            }
            let (feed, station) = &self.sessions[session];
            assert_eq!(feed.remaining(), 0);
            let known: BTreeMap<IpAddr, &Routes> =
                station.peers.iter().map(|(address, peer)| (*address, &peer.routes)).collect();
            let expected: BTreeMap<IpAddr, &Routes> = (0..NEIGHBORS)
                .filter(|neighbor| self.epochs[*neighbor].is_some())
                .map(|neighbor| (Self::address(neighbor), &self.model[neighbor]))
                .collect();
            assert_eq!(known, expected);
        }
    }
}

fn routes(family: Family, numbers: &[u8]) -> Vec<Vec<u8>> {
    let bits = if family == Family::IPV4_UNICAST { 24 } else { 48 };
    numbers
        .iter()
        .map(|n| {
            let mut route = vec![bits];
            route.resize(usize::from(bits / 8), 0x20);
            route.push(*n);
            route
        })
        .collect()
}

#[test]
fn a_flap_that_a_station_never_heard_of_is_not_told() {
    let mut fixture = Fixture::new();
    fixture.sessions.push((Feed::new(Arc::clone(&fixture.tables)), Station::default()));
    for _ in 0..3 {
        fixture.up(0);
        fixture.down(0);
    }
    assert_eq!(fixture.fill(0, 4096), Batch::default());
    fixture.up(0);
    assert_eq!(fixture.fill(0, 4096), Batch { peer_up: 1, ..Batch::default() });
    for _ in 0..3 {
        fixture.down(0);
        fixture.up(0);
    }
    assert_eq!(fixture.fill(0, 4096), Batch { peer_up: 1, peer_down: 1, ..Batch::default() });
}

#[test]
fn a_session_is_synchronised_when_every_neighbor_that_is_up_has_its_end_of_ribs() {
    let mut fixture = Fixture::new();
    fixture.sessions.push((Feed::new(Arc::clone(&fixture.tables)), Station::default()));
    assert!(fixture.sessions[0].0.is_synchronised(), "there is nothing to send");
    fixture.up(1);
    assert!(!fixture.sessions[0].0.is_synchronised());
    fixture.update(1, &announce(Family::IPV6_UNICAST, 1, &routes(Family::IPV6_UNICAST, &[1])));
    fixture.check();
    for family in Family::DEFAULT {
        assert!(!fixture.sessions[0].0.is_synchronised());
        fixture.update(1, &withdraw(family, &[]));
        fixture.check();
    }
    assert!(fixture.sessions[0].0.is_synchronised());
    fixture.down(1);
    assert!(!fixture.sessions[0].0.is_synchronised(), "a Peer Down is to be told");
    fixture.check();
    assert!(fixture.sessions[0].0.is_synchronised());
}

#[derive(Debug, Clone)]
enum Step {
    Announce { neighbor: usize, family: Family, mark: u8, routes: Vec<u8> },
    Withdraw { neighbor: usize, family: Family, routes: Vec<u8> },
    EndOfRib { neighbor: usize, family: Family },
    Up { neighbor: usize },
    Down { neighbor: usize },
    Connect,
    Reset { session: usize },
    Fill { session: usize, limit: usize },
    Check,
}

fn step() -> impl Strategy<Value = Step> {
    let neighbor = || 0..NEIGHBORS;
    let family = || prop::sample::select(Family::DEFAULT.to_vec());
    let routes = || prop::collection::vec(0u8..60, 1..20);
    let session = || 0usize..4;
    prop_oneof![
        8 => (neighbor(), family(), any::<u8>(), routes()).prop_map(
            |(neighbor, family, mark, routes)| Step::Announce { neighbor, family, mark, routes }
        ),
        5 => (neighbor(), family(), routes())
            .prop_map(|(neighbor, family, routes)| Step::Withdraw { neighbor, family, routes }),
        2 => (neighbor(), family()).prop_map(|(neighbor, family)| Step::EndOfRib { neighbor, family }),
        3 => neighbor().prop_map(|neighbor| Step::Up { neighbor }),
        1 => neighbor().prop_map(|neighbor| Step::Down { neighbor }),
        2 => Just(Step::Connect),
        1 => session().prop_map(|session| Step::Reset { session }),
        8 => (session(), 700usize..3000).prop_map(|(session, limit)| Step::Fill { session, limit }),
        1 => Just(Step::Check),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn every_station_ends_up_with_what_the_neighbors_announce(
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let mut fixture = Fixture::new();
        for step in steps {
            match step {
                Step::Announce { neighbor, family, mark, routes: numbers } => {
                    fixture.update(neighbor, &announce(family, mark, &routes(family, &numbers)));
                }
                Step::Withdraw { neighbor, family, routes: numbers } => {
                    fixture.update(neighbor, &withdraw(family, &routes(family, &numbers)));
                }
                Step::EndOfRib { neighbor, family } => {
                    fixture.update(neighbor, &withdraw(family, &[]));
                }
                Step::Up { neighbor } if fixture.epochs[neighbor].is_none() => fixture.up(neighbor),
                Step::Down { neighbor } => fixture.down(neighbor),
                Step::Connect if fixture.sessions.len() < 4 => {
                    let feed = Feed::new(Arc::clone(&fixture.tables));
                    fixture.sessions.push((feed, Station::default()));
                }
                Step::Reset { session } if session < fixture.sessions.len() => {
                    // The next generation begins with a station that knows nothing.
                    let feed = Feed::new(Arc::clone(&fixture.tables));
                    fixture.sessions[session] = (feed, Station::default());
                }
                Step::Fill { session, limit } if session < fixture.sessions.len() => {
                    fixture.fill(session, limit);
                }
                Step::Check => fixture.check(),
                Step::Up { .. } | Step::Connect | Step::Reset { .. } | Step::Fill { .. } => {}
            }
        }
        fixture.check();
    }
}
