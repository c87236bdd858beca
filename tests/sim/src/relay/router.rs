//! A monitored router: it speaks BMP, has peers that come and go, and tables that change whether bmpd is there or not.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use simulated::simulation::network::{self, Answer, End, Found};
use tests::bgp::{self, Family, Open};
use tests::bmp::message::{self, kind, text, tlv};
use tests::bmp::{Identity, PeerHeader, View};
use tests::random::Random;

use super::known::{Effect, Known, Route, Shape, Up};
use super::plan::{self, RELAY_PORT, ROUTER_PORT};
use crate::plan::{FAMILIES, one_of};
use crate::route::{Key, Said};
use crate::speaker::Ending;

/// How many peers a router can have, and one more that never is up.
pub const PEERS: usize = 5;
const NEVER_UP: usize = PEERS;

/// A type of messages that no RFC has.
const UNKNOWN: u8 = 77;

/// The capability that has a number in each OPEN.
const SERIAL: u8 = 239;

/// One connection.
#[derive(Debug)]
struct Link {
    end: End,
    sent: u64,
    /// What was sent and not yet read: where each message ends, and what it does.
    unread: VecDeque<(u64, Effect)>,
    /// What is still to be sent, and how much of it in one turn.
    outbox: VecDeque<(Vec<u8>, Effect)>,
    pace: usize,
    /// True once bmpd has read the Initiation.
    is_initiated: bool,
    is_terminated: bool,
    /// True once the router has ended it.
    is_over: bool,
    /// True while bmpd has taken all that was sent.
    is_drained: bool,
}

/// What a router has of one peer that is up.
#[derive(Debug, Clone)]
struct OwnPeer {
    up: Up,
    tables: BTreeMap<(View, Family), BTreeMap<Key, Route>>,
}

/// All that a router has ever said, so that a station recognizes what was never said.
#[derive(Debug, Default)]
pub struct EverSaid {
    /// The TLVs of Initiations and Terminations.
    pub initiations: BTreeSet<Vec<u8>>,
    /// See [`EverSaid::initiations`].
    pub terminations: BTreeSet<Vec<u8>>,
    /// Peer Ups: the header and what follows it.
    pub ups: BTreeMap<(PeerHeader, Vec<u8>), Shape>,
    /// Peer Downs.
    pub downs: BTreeSet<(Identity, Duration, Vec<u8>)>,
    /// Routes.
    pub routes: BTreeSet<(Identity, View, Key, Route)>,
    /// Routes of any time.
    pub keys: BTreeSet<(Identity, View, Key)>,
    /// Statistics Reports.
    pub reports: BTreeSet<Vec<u8>>,
    /// Messages that are passed on and not kept, with their order.
    pub passed_on: BTreeMap<Vec<u8>, u64>,
}

/// A router.
#[derive(Debug)]
pub struct Router {
    number: usize,
    /// Which of its addresses it uses.
    which: usize,
    /// False while it neither makes nor accepts connections.
    pub willing: bool,
    links: VecDeque<Link>,
    initiation: Vec<u8>,
    peers: BTreeMap<usize, OwnPeer>,
    /// What bmpd must know of it.
    pub known: Known,
    /// What it has ever said.
    pub said: EverSaid,
    /// True since a command that ends connections was given, until all is read.
    pub is_commanded: bool,
    next_try: Duration,
    serial: u32,
}

impl Router {
    /// Router number `number`, with some peers.
    pub fn new(number: usize, random: &mut Random) -> Self {
        let mut router = Self {
            number,
            which: 0,
            willing: true,
            links: VecDeque::new(),
            initiation: Vec::new(),
            peers: BTreeMap::new(),
            known: Known::default(),
            said: EverSaid::default(),
            is_commanded: false,
            next_try: Duration::ZERO,
            serial: 0,
        };
        router.initiation = router.draw_initiation(random);
        for peer in 0..PEERS {
            if random.chance(60) {
                router.peer_up(random, peer, false);
            }
        }
        router.answer();
        router
    }

    /// Where it listens.
    pub fn is_at(&self, place: SocketAddr) -> bool {
        place.port() == ROUTER_PORT
            && (0..2).any(|which| plan::router(self.number, which) == place.ip())
    }

    fn answer(&self) {
        let answer = if self.willing { Answer::Accept { room: 1 << 16 } } else { Answer::Refuse };
        for which in 0..2 {
            network::answer(SocketAddr::new(plan::router(self.number, which), ROUTER_PORT), answer);
        }
    }

    /// Makes and accepts connections from now on, or does not.
    pub fn set_willing(&mut self, willing: bool) {
        self.willing = willing;
        self.answer();
    }

    fn next_serial(&mut self) -> u32 {
        self.serial += 1;
        self.serial
    }

    fn next_time(&mut self, random: &mut Random) -> Duration {
        let seconds = 1_600_000_000 + self.next_serial();
        Duration::new(seconds.into(), random.below(1_000_000) as u32 * 1000)
    }

    fn draw_initiation(&mut self, random: &mut Random) -> Vec<u8> {
        let description = format!("a router, version {}", random.below(4));
        let mut tlvs = vec![
            text(tlv::SYSTEM_DESCRIPTION, &description),
            text(tlv::SYSTEM_NAME, &plan::name(self.number)),
        ];
        if random.chance(30) {
            tlvs.insert(0, text(tlv::STRING, "first"));
        }
        if random.chance(30) {
            tlvs.push((4711, vec![1, 2, 3]));
        }
        message::tlvs(&tlvs)
    }

    /// The connection that it sends on.
    fn link(&mut self) -> Option<&mut Link> {
        self.links.back_mut().filter(|link| !link.is_over && !link.end.is_ended_by_bmpd())
    }

    /// True if it has a connection.
    pub fn is_connected(&mut self) -> bool {
        self.link().is_some()
    }

    /// True if bmpd has read its Initiation, and the connection lasts.
    pub fn is_up(&mut self) -> bool {
        self.link().is_some_and(|link| link.is_initiated)
    }

    fn send(&mut self, message: Vec<u8>, effect: Effect) {
        if let Some(link) = self.link() {
            link.outbox.push_back((message, effect));
            link.is_drained = false;
        }
    }

    /// Connects to bmpd. False if nothing listens.
    pub fn connect(&mut self, random: &mut Random) -> bool {
        self.which = random.below(2) as usize;
        let address = plan::router(self.number, self.which);
        match network::connect_to_bmpd(address, RELAY_PORT, 1 << 16) {
            Some(end) => {
                self.begin(end, random);
                true
            }
            None => false,
        }
    }

    /// Connects if it is the one to do so and has no connection.
    pub fn try_to_connect(&mut self, random: &mut Random, now: Duration) -> bool {
        let is_due = self.willing && now >= self.next_try && !self.is_connected();
        if is_due {
            self.next_try = now + Duration::from_secs(1 + random.below(3));
        }
        is_due && self.connect(random)
    }

    /// A connection is there: it sends everything.
    pub fn begin(&mut self, end: End, random: &mut Random) {
        if let Some(old) = self.link() {
            old.is_over = random.chance(50);
            old.outbox.clear();
            if old.is_over {
                old.end.close();
            }
        }
        self.links.push_back(Link {
            end,
            sent: 0,
            unread: VecDeque::new(),
            outbox: VecDeque::new(),
            pace: one_of(random, &[1, 5, 40, usize::MAX, usize::MAX]),
            is_initiated: false,
            is_terminated: false,
            is_over: false,
            is_drained: false,
        });
        if random.chance(20) {
            self.initiation = self.draw_initiation(random);
        }
        self.initiate();
        let ends = random.chance(75);
        for peer in 0..PEERS {
            self.dump(random, peer, ends);
        }
    }

    fn initiate(&mut self) {
        let tlvs = self.initiation.clone();
        self.said.initiations.insert(tlvs.clone());
        self.send(message::message(3, kind::INITIATION, &[&tlvs]), Effect::Initiation(tlvs));
    }

    /// Sends a peer and its tables.
    fn dump(&mut self, random: &mut Random, peer: usize, ends: bool) {
        let Some(OwnPeer { up, tables }) = self.peers.get(&peer).cloned() else { return };
        let reserved = random.below(256) as u8;
        let message = of_peer(kind::PEER_UP, &up.peer, reserved, &up.body);
        self.said.ups.insert((up.peer, up.body.clone()), up.shape.clone());
        self.send(message, Effect::Up(up.clone()));
        for ((view, family), routes) in tables {
            for (key, Route { mark, time, two_octet_as }) in routes {
                let header = up.peer.in_view(view).two_octet_as(two_octet_as).at(time);
                let announced = vec![key];
                let said = Said { family, withdrawn: Vec::new(), announced, mark, faulty: false };
                self.say(random, header, said);
            }
            if ends && random.chance(90) {
                let time = self.next_time(random);
                self.end_of_rib(up.peer.in_view(view).at(time), family);
            }
        }
    }

    fn end_of_rib(&mut self, header: PeerHeader, family: Family) {
        let message = message::monitoring(&header, &bgp::end_of_rib(family));
        self.send(message, Effect::EndOfRib(header, family));
    }

    fn say(&mut self, random: &mut Random, header: PeerHeader, said: Said) {
        for key in &said.announced {
            let route = Route::of(&header, said.mark);
            self.said.routes.insert((header.identity(), header.view(), key.clone(), route));
            self.said.keys.insert((header.identity(), header.view(), key.clone()));
        }
        let reserved = random.below(256) as u8;
        let message = of_peer(kind::ROUTE_MONITORING, &header, reserved, &said.encode());
        self.send(message, Effect::Routes(header, said));
    }

    /// The session of a peer comes up, for the first time or, without having gone down, anew: it has the routes that it
    /// announces again.
    pub fn peer_up(&mut self, random: &mut Random, peer: usize, sends: bool) {
        let before = self.peers.get(&peer).cloned();
        let before = before.filter(|_| random.chance(70));
        let up = self.draw_up(random, peer, before.as_ref().map(|before| &before.up));
        let mut tables = before.map(|before| before.tables).unwrap_or_default();
        for routes in tables.values_mut() {
            routes.retain(|_, _| random.chance(60));
        }
        self.peers.insert(peer, OwnPeer { up, tables });
        if sends {
            let ends = random.chance(75);
            self.dump(random, peer, ends);
        }
    }

    fn draw_up(&mut self, random: &mut Random, number: usize, fits: Option<&Up>) -> Up {
        let serial = self.next_serial();
        let peer = plan::peer(number);
        let is_loc_rib = peer.is_loc_rib();
        let mut peer = peer.two_octet_as(!is_loc_rib && random.chance(30));
        peer = peer.in_view(match is_loc_rib {
            true => View::Loc { filtered: random.chance(20) },
            false => View::In { post: random.chance(10) },
        });
        let mut shape = Shape { families: FAMILIES.to_vec(), add_path: Default::default() };
        // Loc-RIBs of one name with other families would be several (RFC 9069 section 6.1.1).
        if !is_loc_rib && random.chance(20) {
            shape.families = vec![one_of(random, &FAMILIES)];
        }
        let mut modes: Vec<(Family, u8, u8)> = Vec::new();
        if random.chance(40) {
            for family in shape.families.clone() {
                let (sent, received) = (random.below(4) as u8, random.below(4) as u8);
                modes.push((family, sent, received));
            }
        }
        if let Some(Up { peer: before, shape: old, .. }) = fits {
            peer.flags = before.flags;
            shape = old.clone();
            let mode = |family: &Family| {
                let [of_in, of_out, of_loc] = &shape.add_path;
                let (is_in, is_out) = (of_in.contains(family), of_out.contains(family));
                match (is_in, is_out, of_loc.contains(family)) {
                    (true, true, _) => (3, 3),
                    (true, false, _) => (1, 2),
                    (false, true, _) => (2, 1),
                    (false, false, true) => (1, 0),
                    (false, false, false) => (0, 0),
                }
            };
            modes = shape.families.iter().map(|f| (*f, mode(f).0, mode(f).1)).collect();
        }
        let [mut of_in, mut of_out, mut of_loc] = [const { Vec::new() }; 3];
        for (family, sent, received) in &modes {
            if sent & 1 != 0 && received & 2 != 0 {
                of_in.push(*family);
            }
            if sent & 2 != 0 && received & 1 != 0 {
                of_out.push(*family);
            }
            if sent | received != 0 {
                of_loc.push(*family);
            }
        }
        shape.add_path = [of_in, of_out, of_loc];
        peer.time = match random.chance(5) {
            true => Duration::ZERO,
            false => self.next_time(random),
        };
        let mut open = Open::of(64_700 + number as u32);
        open.families.clone_from(&shape.families);
        let with = |mut open: Open, side: u8, modes: &mut dyn Iterator<Item = (Family, u8)>| {
            open.add_path = modes.filter(|(_, mode)| *mode != 0).collect();
            let number = (u64::from(serial) << 8 | u64::from(side)).to_be_bytes();
            open.others.push((SERIAL, number.to_vec()));
            open.encode()
        };
        let sent = with(open.clone(), 0, &mut modes.iter().map(|(f, sent, _)| (*f, *sent)));
        let received = with(open, 1, &mut modes.iter().map(|(f, _, received)| (*f, *received)));
        let mut local = [0; 16];
        if !is_loc_rib {
            local[15] = random.below(250) as u8;
        }
        let ports = random.below(1 << 32) as u32;
        let mut body = [&local[..], &ports.to_be_bytes(), &sent, &received].concat();
        if is_loc_rib || random.chance(30) {
            body.extend(one_tlv(tlv::TABLE_NAME, format!("table {}", random.below(3)).as_bytes()));
        }
        if random.chance(30) {
            body.extend(one_tlv(100, &serial.to_be_bytes()));
        }
        Up { peer, body, shape }
    }

    /// The session of a peer goes down.
    pub fn peer_down(&mut self, random: &mut Random, peer: usize) {
        let up = self.peers.remove(&peer).map(|own| own.up.peer);
        // For one that never was up it is a mistake of the router.
        let mut header = up.unwrap_or_else(|| plan::peer(NEVER_UP));
        header.time = self.next_time(random);
        if !header.is_loc_rib() {
            let views = [header.view(), View::In { post: true }, View::Out { post: false }];
            header = header.in_view(one_of(random, &views));
        }
        let notification = bgp::message(bgp::kind::NOTIFICATION, &[6, 2]);
        let data = match random.below(7) {
            0 => [&[1][..], &notification].concat(),
            1 => vec![2, 0, 7],
            2 => [&[3][..], &notification].concat(),
            3 => vec![4],
            4 => vec![5],
            5 => [&[6][..], &one_tlv(tlv::TABLE_NAME, b"table")].concat(),
            _ => vec![99, 1, 2, 3],
        };
        self.said.downs.insert((header.identity(), header.time, data.clone()));
        let message = of_peer(kind::PEER_DOWN, &header, random.below(256) as u8, &data);
        self.send(message, Effect::Down(header.identity()));
    }

    fn draw_peer(&mut self, random: &mut Random) -> Option<(usize, Up)> {
        let all: Vec<usize> = self.peers.keys().copied().collect();
        let number = (!all.is_empty()).then(|| one_of(random, &all))?;
        Some((number, self.peers[&number].up.clone()))
    }

    /// Some routes of a peer change.
    pub fn update(&mut self, random: &mut Random, next_mark: &mut u32) -> bool {
        let Some((number, up)) = self.draw_peer(random) else { return false };
        let view = draw_view(random, &up.peer);
        let family = one_of(random, &up.shape.families);
        let add_path = up.shape.add_path(view, family);
        let mut keys = BTreeSet::new();
        for _ in 0..1 + random.below(5) {
            keys.insert(Key::draw(random, family, add_path));
        }
        let withdraws = random.chance(30);
        let (withdrawn, announced): (Vec<Key>, Vec<Key>) =
            keys.into_iter().partition(|_| withdraws && random.chance(70));
        if random.chance(70) {
            *next_mark += 1;
        }
        let time = if random.chance(4) { Duration::ZERO } else { self.next_time(random) };
        let flips = !up.peer.is_loc_rib() && random.chance(10);
        let two_octet_as = up.peer.has_two_octet_as() ^ flips;
        let header = up.peer.in_view(view).two_octet_as(two_octet_as).at(time);
        let said = Said { family, withdrawn, announced, mark: *next_mark, faulty: false };
        self.apply(number, header, said.clone());
        self.say(random, header, said);
        true
    }

    /// Makes an announcement to be sent with [`Router::announce`].
    pub fn draw_announcement(
        &mut self,
        random: &mut Random,
        mark: u32,
    ) -> Option<(usize, PeerHeader, Said)> {
        let (number, up) = self.draw_peer(random)?;
        let view = draw_view(random, &up.peer);
        let family = one_of(random, &up.shape.families);
        let add_path = up.shape.add_path(view, family);
        let announced = vec![Key::draw(random, family, add_path)];
        let time = self.next_time(random);
        let header = up.peer.in_view(view).at(time);
        Some((
            number,
            header,
            Said { family, withdrawn: Vec::new(), announced, mark, faulty: false },
        ))
    }

    /// Announces what was drawn.
    pub fn announce(&mut self, random: &mut Random, number: usize, header: PeerHeader, said: Said) {
        self.apply(number, header, said.clone());
        self.say(random, header, said);
    }

    fn apply(&mut self, number: usize, header: PeerHeader, said: Said) {
        let Some(own) = self.peers.get_mut(&number) else { return };
        let table = own.tables.entry((header.view(), said.family)).or_default();
        for key in &said.withdrawn {
            table.remove(key);
        }
        for key in said.announced {
            table.insert(key, Route::of(&header, said.mark));
        }
    }

    /// Sends an End-of-RIB.
    pub fn one_end_of_rib(&mut self, random: &mut Random) {
        let Some((_, up)) = self.draw_peer(random) else { return };
        let view = draw_view(random, &up.peer);
        let family = one_of(random, &up.shape.families);
        let time = self.next_time(random);
        self.end_of_rib(up.peer.in_view(view).at(time), family);
    }

    /// Sends a Statistics Report.
    pub fn report(&mut self, random: &mut Random) {
        let Some((_, up)) = self.draw_peer(random) else { return };
        let time = self.next_time(random);
        let value = one_tlv(65_531, &self.next_serial().to_be_bytes());
        let body = [&1u32.to_be_bytes()[..], &value].concat();
        let header = up.peer.at(time);
        let whole = of_peer(kind::STATISTICS, &header, random.below(256) as u8, &body);
        self.said.reports.insert(whole.clone());
        self.send(whole.clone(), Effect::Report(header.identity(), whole));
    }

    /// Sends something that bmpd only passes on.
    pub fn odd(&mut self, random: &mut Random) {
        let serial = self.next_serial();
        let bytes = serial.to_be_bytes();
        let up = self.draw_peer(random).map(|(_, up)| up);
        let whole = match (random.below(4), up) {
            (0, Some(up)) => {
                let header = up.peer.at(self.next_time(random));
                message::mirroring(&header, &[(0, bytes.to_vec())])
            }
            (1, Some(up)) => {
                // Withdrawn routes that end too early.
                let header = up.peer.at(self.next_time(random));
                let update = bgp::message(bgp::kind::UPDATE, &[&[0xff, 0xff][..], &bytes].concat());
                message::monitoring(&header, &update)
            }
            (2, Some(up)) => {
                let mut whole = of_peer(kind::ROUTE_MONITORING, &up.peer, 0, &bytes);
                whole[6] = 9;
                whole
            }
            _ => message::message(3, UNKNOWN, &[&bytes]),
        };
        self.said.passed_on.insert(whole.clone(), u64::from(serial));
        self.send(whole, Effect::Nothing);
    }

    /// Sends what a router must not send: routes of a peer that is not up.
    pub fn routes_without_peer(&mut self, random: &mut Random) {
        let header = plan::peer(NEVER_UP).at(self.next_time(random));
        let message = message::monitoring(&header, &Said::any(random).encode());
        self.send(message, Effect::Nothing);
    }

    /// Sends another Initiation.
    pub fn another_initiation(&mut self, random: &mut Random) {
        if self.is_connected() {
            self.initiation = self.draw_initiation(random);
            self.initiate();
        }
    }

    /// Ends its BMP session with a Termination.
    pub fn terminate(&mut self, random: &mut Random) {
        let mut tlvs = one_tlv(tlv::REASON, &[0, random.below(6) as u8]);
        if random.chance(50) {
            tlvs.extend(one_tlv(tlv::STRING, b"good-bye"));
        }
        if random.chance(20) {
            tlvs.extend(one_tlv(815, &[7; 5]));
        }
        let Some(link) = self.link() else { return };
        link.outbox.push_back((
            message::message(3, kind::TERMINATION, &[&tlvs]),
            Effect::Termination(tlvs.clone()),
        ));
        link.flush(usize::MAX);
        link.is_over = true;
        link.is_drained = false;
        if random.chance(80) {
            link.end.close();
        }
        self.said.terminations.insert(tlvs);
    }

    /// Ends its connection without one.
    pub fn end(&mut self, random: &mut Random, ending: Ending) {
        let half = message::monitoring(&plan::peer(0), &Said::any(random).encode());
        let Some(link) = self.link() else { return };
        link.outbox.clear();
        let half = &half[..half.len() / 2];
        match ending {
            Ending::Close | Ending::Cease => link.end.close(),
            Ending::Reset | Ending::Vanish => link.end.reset(),
            Ending::CloseInside => {
                link.end.write(half);
                link.end.close();
            }
            Ending::ResetInside => {
                link.end.write(half);
                link.end.reset();
            }
            Ending::Garbage => link.end.write(&[0x55; 7]),
        }
        link.is_over = true;
    }

    /// Sends some of what is to be sent, and notes how far bmpd has read.
    pub fn go_on(&mut self, hold: Duration, now: Duration) {
        if let Some(link) = self.link() {
            link.flush(link.pace);
        }
        self.note(hold, now);
    }

    /// Notes how far bmpd has read.
    pub fn note(&mut self, hold: Duration, now: Duration) {
        let Self { links, known, is_commanded, .. } = self;
        while let Some(link) = links.front_mut() {
            // A router receives nothing; it closes when bmpd does.
            while let Found::Bytes(_) = link.end.read(usize::MAX) {}
            let read = link.end.read_by_bmpd();
            while let Some((end, effect)) = link.unread.front()
                && *end <= read
            {
                link.is_initiated |= matches!(effect, Effect::Initiation(_));
                link.is_terminated |= matches!(effect, Effect::Termination(_));
                known.take(effect, now);
                link.unread.pop_front();
            }
            if !link.end.is_ended_by_bmpd() {
                break;
            }
            link.end.close();
            let (is_initiated, is_terminated) = (link.is_initiated, link.is_terminated);
            let is_certain = link.is_drained || link.is_over && !*is_commanded;
            let is_replaced = links.len() > 1;
            known.is_uncertain |= read > 0 && (!is_certain || is_replaced && !links[0].is_drained);
            links.pop_front();
            if is_initiated && !is_terminated {
                known.lose(hold, now);
            }
        }
        known.go_on(now);
    }

    /// True if all was sent and read.
    pub fn is_read(&self) -> bool {
        self.links.iter().all(|link| link.is_over || link.outbox.is_empty())
            && self.links.iter().all(|link| link.unread.is_empty() || link.end.is_ended_by_bmpd())
            && self.links.iter().all(|link| !link.is_over || link.end.is_ended_by_bmpd())
    }

    /// bmpd has taken all that it has read.
    pub fn note_drained(&mut self) {
        for link in &mut self.links {
            link.is_drained = link.outbox.is_empty() && link.unread.is_empty();
        }
        self.is_commanded = false;
    }

    /// How many messages bmpd has still to read.
    pub fn waiting(&mut self) -> usize {
        self.link().map_or(0, |link| link.unread.len() + link.outbox.len())
    }

    /// The router is not in the configuration any more.
    pub fn removed(&mut self) {
        self.links.iter().for_each(|link| link.end.close());
        self.links.clear();
        let presence = self.known.presence;
        self.known = Known::default();
        self.known.presence = presence;
    }
}

/// One of the tables of a peer.
fn draw_view(random: &mut Random, peer: &PeerHeader) -> View {
    if peer.is_loc_rib() { peer.view() } else { one_of(random, &View::OF_PEER) }
}

/// A message about a peer; of `reserved` it has the flags that mean nothing.
fn of_peer(kind: u8, peer: &PeerHeader, reserved: u8, rest: &[u8]) -> Vec<u8> {
    message::of_peer(kind, &peer.with(reserved & peer.reserved_flags()), &[rest])
}

fn one_tlv(kind: u16, value: &[u8]) -> Vec<u8> {
    message::tlvs(&[(kind, value.to_vec())])
}

impl Link {
    fn flush(&mut self, most: usize) {
        for _ in 0..most {
            let Some((message, effect)) = self.outbox.pop_front() else { break };
            self.sent += message.len() as u64;
            self.end.write(&message);
            self.unread.push_back((self.sent, effect));
        }
    }
}
