//! Feeds against a model of the neighbors, with stations that read what they encode.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;
use shared::names::NeighborId;

use super::*;
use crate::config::MonitorNeighbors;
use crate::routers::router::Routers;
use crate::routers::sizes::Sizes;
use crate::sinks::{Batch, Encoder};
use crate::wire::bmp::{PeerHeader, PeerInstance, PeerUp, View};
use crate::wire::nlri::{Form, Routes as Field};
use crate::wire::stored;
use crate::wire::update::{Context, Update};

const NEIGHBORS: usize = 3;
const VIEW: View = View::AdjRibInPrePolicy;
const CONTEXT: Context = Context { four_octet_as: true, external: true };
const FAMILIES: [Family; 3] =
    [Family::IPV4_UNICAST, Family::IPV6_UNICAST, Family::IPV4_LABELED_UNICAST];

/// Family, what makes a route the one that it is -> what distinguishes one announcement from another.
type Routes = BTreeMap<(Family, Vec<u8>), u8>;

/// Neighbor 2 sends path identifiers in one family.
fn form(neighbor: usize, family: Family) -> Form {
    Form::new(family, neighbor == 2 && family == Family::IPV6_UNICAST)
}

/// Neighbors 0 and 1 have the same address, in two instances.
fn id(neighbor: usize) -> NeighborId {
    let vpn_instance = (neighbor == 1).then(|| "red".parse().unwrap());
    NeighborId { vpn_instance, address: IpAddr::from([10, 0, 0, neighbor as u8 & 2]) }
}

fn instance(neighbor: usize) -> PeerInstance {
    PeerInstance::new(id(neighbor).vpn_instance.as_ref().map(|name| name.as_str()), None)
}

/// The routes of a field by what makes them the ones that they are: a label does not count.
fn keys(neighbor: usize, family: Family, field: &[u8]) -> Vec<(Family, Vec<u8>)> {
    let routes: Field<'_> = form(neighbor, family).routes(field).unwrap();
    routes
        .map(|route| {
            let mut key = route.as_ref().to_vec();
            if family == Family::IPV4_LABELED_UNICAST {
                key[1..4].fill(0);
            }
            (family, key)
        })
        .collect()
}

/// What a station knows of one peer; it checks the rules as it reads.
#[derive(Debug, Clone, Default)]
struct SeenPeer {
    neighbor: usize,
    /// The number of the session, from the Peer Up.
    session: u16,
    routes: Routes,
    end_of_rib: Vec<Family>,
    is_bus: bool,
}

#[derive(Debug, Clone, Default)]
struct Station {
    /// True if a Peer Up makes it forget the routes of a peer that is up already.
    forgets: bool,
    /// True for a reader of a bus, which may be sent twice what is not acknowledged in time.
    is_bus: bool,
    peers: BTreeMap<usize, SeenPeer>,
}

impl Station {
    fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            assert_eq!(bytes[0], 3);
            let len = u32::from_be_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]) as usize;
            let (message, rest) = bytes.split_at(len);
            bytes = rest;
            let neighbor = usize::from(message[31] | u8::from(message[6] == 2));
            let body = &message[48..];
            match message[5] {
                0 => {
                    let peer = self.peers.get_mut(&neighbor).expect("no routes before Peer Up");
                    peer.read(&body[19..]);
                }
                1 => assert!(self.peers.contains_key(&neighbor), "no report before Peer Up"),
                2 => {
                    assert!(matches!(body, [4 | 5]));
                    let peer = self.peers.remove(&neighbor);
                    assert!(peer.is_some() || self.is_bus, "no Peer Down before Peer Up");
                }
                3 => {
                    let session = u16::from_be_bytes([body[16], body[17]]);
                    let peer = self.peers.entry(neighbor).or_default();
                    let is_again = self.is_bus && peer.session == session;
                    assert!(peer.session < session || is_again, "a Peer Up is of another session");
                    peer.is_bus = self.is_bus;
                    if self.forgets {
                        peer.routes.clear();
                    }
                    (peer.neighbor, peer.session) = (neighbor, session);
                    peer.end_of_rib.clear();
                }
                other => panic!("unexpected type {other}"),
            }
        }
    }
}

impl SeenPeer {
    fn read(&mut self, update: &[u8]) {
        let mut kept = Vec::new();
        let update = Update::parse(update, CONTEXT, &mut kept).unwrap();
        assert_eq!(update.fault, None);
        if let Some(family) = update.end_of_rib() {
            let is_first = !self.end_of_rib.contains(&family);
            assert!(is_first || self.is_bus, "one End-of-RIB");
            self.end_of_rib.extend(is_first.then_some(family));
            return;
        }
        let mut form = Vec::new();
        let plain = |field| keys(self.neighbor, Family::IPV4_UNICAST, field);
        let (withdrawn, announced) = (plain(update.withdrawn), plain(update.announced));
        for key in withdrawn {
            self.routes.remove(&key);
        }
        if let Some((family, nlri)) = update.unreach {
            for key in keys(self.neighbor, family, nlri) {
                self.routes.remove(&key);
            }
        }
        if !announced.is_empty() {
            update.store_plain(false, &mut form);
            self.learn(announced, &form);
        }
        if let Some(reach) = update.reach {
            update.store_reach(&reach, false, &mut form);
            self.learn(keys(self.neighbor, reach.family, reach.nlri), &form);
        }
    }

    fn learn(&mut self, keys: Vec<(Family, Vec<u8>)>, attributes: &[u8]) {
        let [.., high, low, mark] = attributes else { panic!("a community") };
        let session = u16::from_be_bytes([*high, *low]);
        assert!(session <= self.session, "no route of a session before its Peer Up");
        self.routes.extend(keys.into_iter().map(|key| (key, *mark)));
    }
}

/// An UPDATE body that announces routes; its attributes end in the session and `mark`.
fn announce(family: Family, session: u16, mark: u8, routes: &[Vec<u8>]) -> Vec<u8> {
    let mut attributes = vec![0x40, 1, 1, 0, 0x40, 2, 0];
    let nlri = routes.concat();
    let mut tail = Vec::new();
    if family == Family::IPV4_UNICAST {
        attributes.extend_from_slice(&[0x40, 3, 4, 192, 0, 2, 1]);
        tail = nlri;
    } else {
        let [high, low] = family.afi.to_be_bytes();
        let length = (21 + nlri.len()) as u16;
        attributes.extend_from_slice(&[0x90, 14]);
        attributes.extend_from_slice(&length.to_be_bytes());
        attributes.extend_from_slice(&[high, low, family.safi, 16]);
        attributes.extend_from_slice(&[0x20; 16]);
        attributes.push(0);
        attributes.extend_from_slice(&nlri);
    }
    let [high, low] = session.to_be_bytes();
    attributes.extend_from_slice(&[0xc0, 8, 4, 0, high, low, mark]);
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

/// One neighbor and what the model knows of it.
struct Neighbor {
    place: Option<Arc<Peer>>,
    epoch: Option<Arc<Epoch>>,
    held: bool,
    session: u16,
    /// What it has announced in this session.
    routes: Routes,
    /// What it has announced before it restarted, and not yet anew.
    stale: Routes,
}

struct Session {
    feed: Feed,
    station: Station,
    monitor: Monitor,
    /// Of a reader of a bus: what it knew at the last acknowledgement, and when what is awaited was marked.
    kept: Option<[Station; 2]>,
}

struct Fixture {
    router: Arc<Router>,
    neighbors: Vec<Neighbor>,
    sessions: Vec<Session>,
}

impl Fixture {
    fn new() -> Self {
        let router = Arc::clone(Routers::new(Sizes::default()).ourselves());
        let neighbor = |neighbor| Neighbor {
            place: Some(router.add(id(neighbor))),
            epoch: None,
            held: false,
            session: 0,
            routes: Routes::new(),
            stale: Routes::new(),
        };
        let neighbors = (0..NEIGHBORS).map(neighbor).collect();
        Self { router, neighbors, sessions: Vec::new() }
    }

    fn connect(&mut self, monitor: Monitor, forgets: bool) -> Session {
        let feed = Feed::new(Arc::clone(&self.router), monitor.clone());
        let station = Station { forgets, ..Station::default() };
        Session { feed, station, monitor, kept: None }
    }

    /// A reader of a bus.
    fn connect_bus(&mut self, monitor: Monitor) -> Session {
        let feed = Feed::acknowledged(Arc::clone(&self.router), monitor.clone());
        let station = Station { is_bus: true, ..Station::default() };
        Session { feed, station: station.clone(), monitor, kept: Some([station.clone(), station]) }
    }

    /// Connects a station that wants all.
    fn station(&mut self) {
        let session = self.connect(Monitor::default(), false);
        self.sessions.push(session);
    }

    fn header(neighbor: usize) -> PeerHeader {
        let bgp_id = Ipv4Addr::new(192, 0, 2, 2);
        PeerHeader::new(instance(neighbor), id(neighbor).address, 65001, bgp_id, false)
    }

    fn forms(neighbor: usize) -> Vec<Form> {
        FAMILIES.map(|family| form(neighbor, family)).to_vec()
    }

    fn peer_up(&mut self, neighbor: usize) -> PeerUp {
        self.neighbors[neighbor].session += 1;
        PeerUp {
            local_address: IpAddr::from([10, 0, 0, 200]).into(),
            local_port: self.neighbors[neighbor].session,
            remote_port: 179,
            sent_open: vec![0xff; 29],
            received_open: vec![0xff; 29],
            information: Vec::new(),
        }
    }

    fn up(&mut self, neighbor: usize) {
        let (header, forms) = (Self::header(neighbor), Self::forms(neighbor));
        let up = self.peer_up(neighbor);
        let model = &mut self.neighbors[neighbor];
        let Some(place) = &model.place else { return };
        let now = Timestamp::default();
        model.epoch = Some(self.router.begin(place, header, up, VIEW, &forms, now));
    }

    fn ended(reason: PeerDownReason) -> PeerDown {
        PeerDown { time: Timestamp::default(), reason }
    }

    fn down(&mut self, neighbor: usize) {
        let model = &mut self.neighbors[neighbor];
        if let Some((place, epoch)) = model.place.as_ref().zip(model.epoch.take()) {
            let down = Self::ended(PeerDownReason::RemoteNoNotification);
            self.router.end(place, &epoch, down);
        }
        model.forget();
    }

    fn hold(&mut self, neighbor: usize, kept: &[Family]) {
        let model = &mut self.neighbors[neighbor];
        if let Some(epoch) = &model.epoch
            && !model.held
        {
            assert!(self.router.hold(epoch, kept, Timestamp::default()));
            model.held = true;
            model.stale = std::mem::take(&mut model.routes);
            model.stale.retain(|(family, _), _| kept.contains(family));
        }
    }

    fn restart(&mut self, neighbor: usize, preserved: &[Family]) {
        if !self.neighbors[neighbor].held {
            return;
        }
        let up = self.peer_up(neighbor);
        let model = &mut self.neighbors[neighbor];
        let Some((place, epoch)) = model.place.as_ref().zip(model.epoch.as_ref()) else { return };
        assert!(epoch.fits(&Self::header(neighbor), &Self::forms(neighbor)));
        assert!(self.router.restart(place, epoch, up, preserved, Timestamp::default()));
        model.held = false;
        model.stale.retain(|(family, _), _| preserved.contains(family));
    }

    /// The neighbor goes from the configuration.
    fn remove(&mut self, neighbor: usize) {
        let model = &mut self.neighbors[neighbor];
        if let Some(place) = model.place.take() {
            self.router.remove(&place, Self::ended(PeerDownReason::Deconfigured));
        }
        model.epoch = None;
        model.forget();
    }

    fn add(&mut self, neighbor: usize) {
        if self.neighbors[neighbor].place.is_none() {
            let place = self.router.add(id(neighbor));
            self.neighbors[neighbor].place = Some(place);
        }
    }

    fn announce(&mut self, neighbor: usize, family: Family, mark: u8, numbers: &[u8]) {
        let session = self.neighbors[neighbor].session;
        let routes = routes(neighbor, family, mark, numbers);
        self.update(neighbor, &announce(family, session, mark, &routes));
    }

    fn withdraw(&mut self, neighbor: usize, family: Family, numbers: &[u8]) {
        self.update(neighbor, &withdraw(family, &routes(neighbor, family, 0x80, numbers)));
    }

    fn end_of_rib(&mut self, neighbor: usize, family: Family) {
        let up = self.neighbors[neighbor].is_up();
        self.update(neighbor, &withdraw(family, &[]));
        if up {
            self.neighbors[neighbor].stale.retain(|(other, _), _| *other != family);
        }
    }

    fn update(&mut self, neighbor: usize, body: &[u8]) {
        let model = &mut self.neighbors[neighbor];
        let Some(epoch) = model.epoch.as_ref().filter(|_| model.is_up()) else {
            return;
        };
        let mut kept = Vec::new();
        let update = Update::parse(body, CONTEXT, &mut kept).unwrap();
        epoch.change(|rib| rib.apply(VIEW, &update, Timestamp::default()).unwrap()).unwrap();
        let (session, routes) = (model.session, std::mem::take(&mut model.routes));
        let mut peer = SeenPeer { neighbor, session, routes, ..SeenPeer::default() };
        peer.read(body);
        model.routes = peer.routes;
        let said = |field, family| keys(neighbor, family, field);
        let mut touched = said(update.withdrawn, Family::IPV4_UNICAST);
        touched.extend(said(update.announced, Family::IPV4_UNICAST));
        if let Some((family, nlri)) = update.unreach {
            touched.extend(said(nlri, family));
        }
        if let Some(reach) = update.reach {
            touched.extend(said(reach.nlri, reach.family));
        }
        for key in touched {
            model.stale.remove(&key);
        }
    }

    fn fill(&mut self, session: usize, limit: usize) -> Batch {
        let Session { feed, station, .. } = &mut self.sessions[session];
        let mut encoder = Encoder::default();
        encoder.fill(feed, limit);
        station.read(&encoder.out);
        encoder.batch
    }

    /// What becomes of what was sent to a bus.
    fn on_bus(&mut self, session: usize, step: Bus) {
        let Session { feed, station, kept: Some([acknowledged, marked]), .. } =
            &mut self.sessions[session]
        else {
            return;
        };
        match step {
            Bus::Mark => {
                feed.mark();
                marked.clone_from(station);
            }
            Bus::Keep => {
                feed.keep(Moment::now());
                acknowledged.clone_from(marked);
            }
            Bus::Rewind { lost } => {
                feed.rewind();
                match lost {
                    0 => station.clone_from(acknowledged),
                    1 => station.clone_from(marked),
                    _ => {}
                }
                marked.clone_from(acknowledged);
            }
            Bus::BeginAnew { lost } => {
                feed.begin_anew();
                match lost {
                    0 => station.clone_from(acknowledged),
                    1 => station.clone_from(marked),
                    _ => {}
                }
                let mut encoder = Encoder::default();
                feed.send_downs(&mut encoder);
                station.read(&encoder.out);
                assert_eq!(station.peers.len(), 0, "whoever reads on knows of no peer");
            }
            Bus::Snapshot => feed.begin_snapshot(),
        }
    }

    /// Every station that reads on ends up with what the neighbors that it wants have announced.
    fn check(&mut self) {
        for session in 0..self.sessions.len() {
            let mut rounds = 0;
            while self.fill(session, 4096) != Batch::default() {
                rounds += 1;
                assert!(rounds < 100_000, "a feed comes to an end");
            }
            let Session { feed, station, monitor, .. } = &self.sessions[session];
            assert_eq!(feed.remaining(), 0);
            let up: BTreeSet<usize> = (0..NEIGHBORS)
                .filter(|neighbor| self.neighbors[*neighbor].epoch.is_some())
                .filter(|neighbor| monitor.wants(&id(*neighbor)))
                .collect();
            assert_eq!(station.peers.keys().copied().collect::<BTreeSet<_>>(), up);
            let mut complete = true;
            for (neighbor, peer) in &station.peers {
                let model = &self.neighbors[*neighbor];
                let wanted = |routes: &Routes| {
                    let mut routes = routes.clone();
                    routes.retain(|(family, _), _| monitor.wants_family(*family));
                    routes
                };
                let fresh = wanted(&model.routes);
                let mut all = wanted(&model.stale);
                all.extend(fresh.clone());
                if !station.forgets || all == fresh {
                    assert_eq!(peer.routes, all);
                } else {
                    // What it forgot comes anew or is withdrawn.
                    assert!(fresh.iter().all(|route| peer.routes.get(route.0) == Some(route.1)));
                    assert!(peer.routes.iter().all(|route| all.get(route.0) == Some(route.1)));
                }
                assert_eq!(peer.session, model.session);
                let families = FAMILIES.iter().filter(|family| monitor.wants_family(**family));
                complete &= peer.end_of_rib.len() == families.count();
            }
            assert_eq!(feed.is_synchronised(), complete);
        }
    }
}

impl Neighbor {
    fn is_up(&self) -> bool {
        self.epoch.is_some() && !self.held
    }

    fn forget(&mut self) {
        self.routes.clear();
        self.stale.clear();
        self.held = false;
    }
}

fn routes(neighbor: usize, family: Family, label: u8, numbers: &[u8]) -> Vec<Vec<u8>> {
    let route = |n: &u8| match family {
        Family::IPV4_UNICAST => vec![24, 10, 0, *n],
        Family::IPV4_LABELED_UNICAST => vec![48, label, 0, 0x11, 10, 0, *n],
        _ if form(neighbor, family).add_path() => {
            vec![0, 0, 0, n & 1, 48, 0x20, 1, 0xd, 0xb8, 0, n & !1]
        }
        _ => vec![48, 0x20, 1, 0xd, 0xb8, 0, *n],
    };
    numbers.iter().map(route).collect()
}

fn only(neighbors: u8) -> MonitorNeighbors {
    let wanted = (0..NEIGHBORS).filter(|neighbor| neighbors & 1 << neighbor != 0).map(id);
    MonitorNeighbors::Listed {
        instances: Vec::new(),
        every_vpn_instance: false,
        neighbors: wanted.collect(),
    }
}

#[test]
fn sessions_that_came_and_went_between_two_batches_are_not_sent_and_counted() {
    let mut fixture = Fixture::new();
    fixture.station();
    for _ in 0..3 {
        fixture.up(0);
        fixture.down(0);
    }
    let skipped = |sessions_skipped| Batch { sessions_skipped, ..Batch::default() };
    assert_eq!(fixture.fill(0, 4096), skipped(3));
    fixture.up(0);
    assert_eq!(fixture.fill(0, 4096), Batch { peer_up: 1, ..skipped(0) });
    for _ in 0..3 {
        fixture.down(0);
        fixture.up(0);
    }
    assert_eq!(fixture.fill(0, 4096), Batch { peer_up: 1, peer_down: 1, ..skipped(2) });
    for _ in 0..3 {
        fixture.hold(0, &FAMILIES);
        fixture.restart(0, &FAMILIES);
    }
    assert_eq!(fixture.fill(0, 4096), Batch { peer_up: 1, ..skipped(2) });
    fixture.down(0);
    assert_eq!(fixture.fill(0, 4096), Batch { peer_down: 1, ..skipped(0) });
    assert_eq!(fixture.fill(0, 4096), skipped(0));

    // What was before its connection came up is no business of a station, nor is a neighbor that it does not want.
    fixture.station();
    assert_eq!(fixture.fill(1, 4096), skipped(0));
    let session = fixture.connect(Monitor { neighbors: only(0b010), ..Monitor::default() }, false);
    fixture.sessions.push(session);
    fixture.up(0);
    fixture.down(0);
    assert_eq!([0, 1, 2].map(|session| fixture.fill(session, 4096).sessions_skipped), [1, 1, 0]);
}

#[test]
fn a_session_is_synchronised_when_every_neighbor_that_is_up_has_its_end_of_ribs() {
    let mut fixture = Fixture::new();
    fixture.station();
    assert!(fixture.sessions[0].feed.is_synchronised(), "there is nothing to send");
    fixture.up(1);
    assert!(!fixture.sessions[0].feed.is_synchronised());
    fixture.announce(1, Family::IPV6_UNICAST, 1, &[1]);
    fixture.check();
    for family in FAMILIES {
        assert!(!fixture.sessions[0].feed.is_synchronised());
        fixture.end_of_rib(1, family);
        fixture.check();
    }
    assert!(fixture.sessions[0].feed.is_synchronised());
    fixture.down(1);
    assert!(!fixture.sessions[0].feed.is_synchronised(), "a Peer Down is to be known");
    fixture.check();
    assert!(fixture.sessions[0].feed.is_synchronised());
}

#[test]
fn a_station_is_sent_nothing_of_a_restart_until_the_neighbor_is_back() {
    let mut fixture = Fixture::new();
    fixture.station();
    fixture.up(0);
    fixture.announce(0, Family::IPV4_UNICAST, 1, &[1, 2, 3]);
    fixture.announce(0, Family::IPV6_UNICAST, 1, &[1]);
    fixture.check();
    fixture.hold(0, &FAMILIES);
    assert_eq!(fixture.fill(0, 4096), Batch::default());
    fixture.restart(0, &[Family::IPV4_UNICAST]);
    let batch = fixture.fill(0, 4096);
    assert_eq!((batch.peer_up, batch.peer_down), (1, 0));
    assert_eq!(batch.withdrawn, 1, "the family that was not preserved goes at once");
    fixture.announce(0, Family::IPV4_UNICAST, 1, &[1]);
    assert_eq!(fixture.fill(0, 4096).announced, 1);
    fixture.end_of_rib(0, Family::IPV4_UNICAST);
    let batch = fixture.fill(0, 4096);
    assert_eq!((batch.withdrawn, batch.end_of_rib), (2, 1));
    fixture.check();
}

#[test]
fn a_neighbor_that_does_not_come_back_goes_down_for_the_reason_that_it_went() {
    let mut fixture = Fixture::new();
    fixture.station();
    fixture.up(0);
    fixture.announce(0, Family::IPV4_UNICAST, 1, &[1]);
    fixture.check();
    fixture.hold(0, &FAMILIES);
    // This one begins during the hold, and is sent what the other one has been sent.
    fixture.station();
    assert_eq!((fixture.fill(1, 4096).announced, fixture.sessions[1].feed.remaining()), (1, 0));
    fixture.down(0);
    let down = Batch { peer_down: 1, ..Batch::default() };
    assert_eq!((fixture.fill(0, 4096), fixture.fill(1, 4096)), (down, down));
}

/// The neighbor comes back between the two halves of a batch.
#[test]
fn no_route_of_the_next_incarnation_is_sent_before_its_peer_up() {
    let mut fixture = Fixture::new();
    fixture.station();
    fixture.up(0);
    fixture.check();
    fixture.hold(0, &FAMILIES);
    fixture.restart(0, &FAMILIES);
    fixture.announce(0, Family::IPV4_UNICAST, 1, &[1]);
    let known = fixture.sessions[0].feed.places[0].known.as_mut().unwrap();
    let mut encoder = Encoder::default();
    assert!(matches!(
        send_routes(known, &Monitor::default(), &mut encoder, (4096, 4096), false),
        Sent::Restarted
    ));
    assert_eq!((encoder.out.len(), encoder.batch), (0, Batch::default()));
    let batch = fixture.fill(0, 4096);
    assert_eq!((batch.peer_up, batch.announced), (1, 1));
}

/// Routes come and go that the station never reads of; the other neighbor and the other station have nothing to do with it.
#[test]
fn a_station_that_falls_too_far_behind_one_neighbor_is_sent_that_one_again() {
    let mut fixture = Fixture::new();
    for neighbor in [0, 1] {
        fixture.up(neighbor);
        fixture.announce(neighbor, Family::IPV4_UNICAST, 1, &[1, 2, 3]);
    }
    fixture.station();
    fixture.station();
    fixture.check();
    let epoch = fixture.neighbors[0].epoch.clone().unwrap();
    epoch.with(|rib| rib.logs.iter_mut().for_each(|(_, log)| log.keep_withdrawals(5)));
    for number in 10..60 {
        fixture.announce(0, Family::IPV4_UNICAST, 1, &[number]);
        fixture.fill(1, 4096);
        fixture.withdraw(0, Family::IPV4_UNICAST, &[number]);
        fixture.fill(1, 4096);
    }
    fixture.announce(1, Family::IPV4_UNICAST, 1, &[4]);
    let batch = fixture.fill(0, 4096);
    let expected = Batch {
        peer_down: 1,
        neighbors_resent: 1,
        announced: 1,
        route_monitoring: 1,
        ..Batch::default()
    };
    assert_eq!(batch, expected);
    let batch = fixture.fill(0, 4096);
    assert_eq!((batch.peer_up, batch.announced, batch.sessions_skipped), (1, 3, 0));
    assert_eq!(fixture.fill(1, 4096).neighbors_resent, 0);
    fixture.check();
}

#[test]
fn another_session_does_not_fit_into_an_epoch() {
    let mut fixture = Fixture::new();
    fixture.up(2);
    let epoch = fixture.neighbors[2].epoch.clone().unwrap();
    let (header, forms) = (Fixture::header(2), Fixture::forms(2));
    assert!(epoch.fits(&header, &forms));
    let other = |asn, two_octet_as| {
        let bgp_id = Ipv4Addr::new(192, 0, 2, 2);
        PeerHeader::new(instance(2), id(2).address, asn, bgp_id, two_octet_as)
    };
    assert!(!epoch.fits(&other(1, false), &forms));
    assert!(!epoch.fits(&other(65001, true), &forms));
    assert!(!epoch.fits(&header, &forms[1..]));
    assert!(!epoch.fits(&header, &Fixture::forms(0)), "without path identifiers");
    fixture.down(2);
    assert!(!epoch.fits(&header, &forms));
}

#[test]
fn a_neighbor_that_is_removed_and_added_again_is_reported_down_before_up() {
    let mut fixture = Fixture::new();
    fixture.station();
    fixture.up(0);
    fixture.announce(0, Family::IPV4_UNICAST, 1, &[1]);
    fixture.check();
    let place = fixture.neighbors[0].place.clone().unwrap();
    fixture.remove(0);
    fixture.add(0);
    fixture.up(0);
    assert_eq!(fixture.fill(0, 4096), Batch { peer_up: 1, peer_down: 1, ..Batch::default() });
    // Whoever still has the old place speaks to nobody.
    let up = fixture.peer_up(0);
    let forms = Fixture::forms(0);
    let now = Timestamp::default();
    fixture.router.begin(&place, Fixture::header(0), up, VIEW, &forms, now);
    assert_eq!(fixture.fill(0, 4096), Batch::default());
    assert_eq!(fixture.sessions[0].feed.places.len(), NEIGHBORS);
}

#[test]
fn a_station_is_sent_only_what_it_monitors() {
    let mut fixture = Fixture::new();
    let monitor = Monitor {
        neighbors: only(0b001),
        families: Some(vec![Family::IPV6_UNICAST]),
        ..Monitor::default()
    };
    let session = fixture.connect(monitor, false);
    fixture.sessions.push(session);
    for neighbor in [0, 1] {
        fixture.up(neighbor);
        for family in FAMILIES {
            fixture.announce(neighbor, family, 1, &[1, 2]);
            fixture.end_of_rib(neighbor, family);
        }
    }
    assert_eq!(fixture.sessions[0].feed.remaining(), 2);
    let batch = fixture.fill(0, 4096);
    assert_eq!((batch.peer_up, batch.announced, batch.end_of_rib), (1, 2, 1));
    fixture.check();
    assert!(fixture.sessions[0].feed.is_synchronised());

    let mut encoder = Encoder::default();
    fixture.sessions[0].feed.statistics(&mut encoder, Timestamp::default());
    let Encoder { out, batch } = encoder;
    assert_eq!(batch.statistics_reports, 1);
    let mut types = Vec::new();
    let mut tlvs = &out[52..];
    while let [_, kind, _, len, rest @ ..] = tlvs {
        types.push((*kind, rest[usize::from(*len) - 1]));
        tlvs = &rest[usize::from(*len)..];
    }
    // The Adj-RIB-In is as large as it is; the gauge is that of the one family.
    assert_eq!(types, [(2, 0), (7, 6), (9, 2), (11, 0), (12, 0)]);

    // The families stay, whatever the new choice says of them.
    let session = &mut fixture.sessions[0];
    session.feed.set_monitor(Monitor { neighbors: only(0b010), ..Monitor::default() });
    session.monitor.neighbors = only(0b010);
    let batch = fixture.fill(0, 4096);
    assert_eq!((batch.peer_down, batch.peer_up, batch.announced), (1, 1, 2));
    fixture.check();
}

/// What becomes of what was sent to a bus. What is lost is all that was not acknowledged, what came after the mark, or
/// nothing.
#[derive(Debug, Clone, Copy)]
enum Bus {
    Mark,
    Keep,
    Rewind { lost: u8 },
    BeginAnew { lost: u8 },
    Snapshot,
}

#[derive(Debug, Clone)]
enum Step {
    ConnectBus { neighbors: u8, families: Option<Vec<Family>> },
    Bus { session: usize, step: Bus },
    Announce { neighbor: usize, family: Family, mark: u8, routes: Vec<u8> },
    Withdraw { neighbor: usize, family: Family, routes: Vec<u8> },
    EndOfRib { neighbor: usize, family: Family },
    Up { neighbor: usize },
    Down { neighbor: usize },
    Hold { neighbor: usize, kept: Vec<Family> },
    Restart { neighbor: usize, preserved: Vec<Family> },
    Remove { neighbor: usize },
    Add { neighbor: usize },
    Connect { neighbors: u8, families: Option<Vec<Family>>, forgets: bool },
    Reset { session: usize },
    Choose { session: usize, neighbors: u8 },
    Fill { session: usize, limit: usize },
    Check,
}

fn step() -> impl Strategy<Value = Step> {
    let neighbor = || 0..NEIGHBORS;
    let family = || prop::sample::select(FAMILIES.to_vec());
    let families = || prop::sample::subsequence(FAMILIES.to_vec(), 0..=FAMILIES.len());
    let routes = || prop::collection::vec(0u8..60, 1..20);
    let session = || 0usize..4;
    // Mostly all.
    let choice = || prop_oneof![2 => Just(0xff), 1 => any::<u8>()];
    prop_oneof![
        8 => (neighbor(), family(), any::<u8>(), routes()).prop_map(
            |(neighbor, family, mark, routes)| Step::Announce { neighbor, family, mark, routes }
        ),
        5 => (neighbor(), family(), routes())
            .prop_map(|(neighbor, family, routes)| Step::Withdraw { neighbor, family, routes }),
        3 => (neighbor(), family()).prop_map(|(neighbor, family)| Step::EndOfRib { neighbor, family }),
        3 => neighbor().prop_map(|neighbor| Step::Up { neighbor }),
        1 => neighbor().prop_map(|neighbor| Step::Down { neighbor }),
        2 => (neighbor(), families()).prop_map(|(neighbor, kept)| Step::Hold { neighbor, kept }),
        3 => (neighbor(), families())
            .prop_map(|(neighbor, preserved)| Step::Restart { neighbor, preserved }),
        1 => neighbor().prop_map(|neighbor| Step::Remove { neighbor }),
        2 => neighbor().prop_map(|neighbor| Step::Add { neighbor }),
        2 => (choice(), prop::option::of(families()), any::<bool>()).prop_map(
            |(neighbors, families, forgets)| Step::Connect { neighbors, families, forgets }
        ),
        2 => (choice(), prop::option::of(families()))
            .prop_map(|(neighbors, families)| Step::ConnectBus { neighbors, families }),
        10 => (session(), prop_oneof![
            4 => Just(Bus::Mark),
            4 => Just(Bus::Keep),
            2 => (0u8..3).prop_map(|lost| Bus::Rewind { lost }),
            1 => (0u8..3).prop_map(|lost| Bus::BeginAnew { lost }),
            1 => Just(Bus::Snapshot),
        ]).prop_map(|(session, step)| Step::Bus { session, step }),
        1 => session().prop_map(|session| Step::Reset { session }),
        1 => (session(), choice())
            .prop_map(|(session, neighbors)| Step::Choose { session, neighbors }),
        8 => (session(), 700usize..3000).prop_map(|(session, limit)| Step::Fill { session, limit }),
        1 => Just(Step::Check),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn every_station_ends_up_with_what_the_neighbors_announce(
        steps in prop::collection::vec(step(), 1..250),
    ) {
        let mut fixture = Fixture::new();
        for step in steps {
            match step {
                Step::Announce { neighbor, family, mark, routes } => {
                    fixture.announce(neighbor, family, mark, &routes);
                }
                Step::Withdraw { neighbor, family, routes } => {
                    fixture.withdraw(neighbor, family, &routes);
                }
                Step::EndOfRib { neighbor, family } => fixture.end_of_rib(neighbor, family),
                Step::Up { neighbor } if fixture.neighbors[neighbor].epoch.is_none() => {
                    fixture.up(neighbor);
                }
                Step::Down { neighbor } => fixture.down(neighbor),
                Step::Hold { neighbor, kept } => fixture.hold(neighbor, &kept),
                Step::Restart { neighbor, preserved } => fixture.restart(neighbor, &preserved),
                Step::Remove { neighbor } => fixture.remove(neighbor),
                Step::Add { neighbor } => fixture.add(neighbor),
                Step::Connect { neighbors, families, forgets } if fixture.sessions.len() < 4 => {
                    let neighbors = match neighbors {
                        0xff => MonitorNeighbors::All,
                        some => only(some),
                    };
                    let session = fixture.connect(Monitor { neighbors, families, ..Monitor::default() }, forgets);
                    fixture.sessions.push(session);
                }
                Step::ConnectBus { neighbors, families } if fixture.sessions.len() < 4 => {
                    let neighbors = match neighbors {
                        0xff => MonitorNeighbors::All,
                        some => only(some),
                    };
                    let session = fixture.connect_bus(Monitor { neighbors, families, ..Monitor::default() });
                    fixture.sessions.push(session);
                }
                Step::Bus { session, step } if session < fixture.sessions.len() => {
                    fixture.on_bus(session, step);
                }
                Step::Reset { session }
                    if fixture.sessions.get(session).is_some_and(|one| one.kept.is_none()) =>
                {
                    // The next generation begins with a station that knows nothing.
                    let Session { monitor, station, .. } = &fixture.sessions[session];
                    let (monitor, forgets) = (monitor.clone(), station.forgets);
                    fixture.sessions[session] = fixture.connect(monitor, forgets);
                }
                Step::Choose { session, neighbors } if session < fixture.sessions.len() => {
                    let session = &mut fixture.sessions[session];
                    session.monitor.neighbors = only(neighbors);
                    session.feed.set_monitor(session.monitor.clone());
                }
                Step::Fill { session, limit } if session < fixture.sessions.len() => {
                    fixture.fill(session, limit);
                }
                Step::Check => fixture.check(),
                Step::Up { .. }
                | Step::Connect { .. }
                | Step::ConnectBus { .. }
                | Step::Bus { .. }
                | Step::Reset { .. }
                | Step::Choose { .. }
                | Step::Fill { .. } => {}
            }
        }
        fixture.check();
    }
}

/// Each had its next message left, which did not fit, and both were tried again for ever.
#[test]
fn a_batch_ends_where_the_next_message_of_nobody_fits() {
    let mut fixture = Fixture::new();
    fixture.station();
    let routes: Vec<u8> = (0..=255).collect();
    for neighbor in [0, 1] {
        fixture.up(neighbor);
        for mark in 1..4 {
            fixture.announce(neighbor, Family::IPV4_UNICAST, mark, &routes);
        }
    }
    let limit = 4096;
    let first = fixture.fill(0, limit);
    assert!(first.peer_up == 2 && first.announced >= 256 && first.announced < 6 * 256, "{first:?}");
    fixture.check();
}

/// As with a prefix of neighbors whose addresses change: what was known of those that have gone goes, too.
#[test]
fn a_hundred_thousand_neighbors_that_come_and_go_leave_nothing() {
    let mut fixture = Fixture::new();
    fixture.station();
    fixture.check();
    let places = fixture.sessions[0].feed.places.len();
    let header = Fixture::header(0);
    let now = Timestamp::default();
    let (mut encoder, up) = (Encoder::default(), fixture.peer_up(0));
    for number in 0..100_000u32 {
        let address =
            IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, (number >> 16) as u16, number as u16]);
        let id = NeighborId { vpn_instance: None, address };
        let place = fixture.router.add(id);
        let epoch =
            fixture.router.begin(&place, header.clone(), up.clone(), VIEW, &Fixture::forms(0), now);
        epoch.change(|rib| {
            rib.end_of_rib(TableId { view: VIEW, family: Family::IPV4_UNICAST }, now).unwrap()
        });
        let feed = &mut fixture.sessions[0].feed;
        encoder.out.clear();
        encoder.fill(feed, 4096);
        let batch = std::mem::take(&mut encoder.batch);
        assert_eq!((batch.peer_up, batch.end_of_rib), (1, 1));
        feed.end_of_ribs_written(Moment::now());
        assert_eq!(feed.end_of_ribs().count(), 1);
        fixture.router.remove(&place, Fixture::ended(PeerDownReason::Deconfigured));
        let feed = &mut fixture.sessions[0].feed;
        encoder.fill(feed, 1 << 20);
        assert_eq!(encoder.batch.peer_down, 1);
        assert_eq!((feed.places.len(), feed.end_of_ribs().count()), (places, 0));
    }
    assert_eq!(fixture.router.peers().len(), places);
}
