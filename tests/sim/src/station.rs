//! A station: it reads what bmpd sends, as fast as it likes, and checks every rule at every message.
//!
//! Each connection of it starts without routes and applies what it is sent. The rules it can check alone are
//! checked as the messages arrive; whether it was sent everything is checked when all is quiet ([`crate::quiet`]).

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use shared::response::Sent;
use simulated::simulation::network::{self, Answer, End, Found};
use tests::bgp::Family;
use tests::bmp::message::{read_statistic, split_message};
use tests::random::Random;

use crate::bmp::{self, Message, Peer};
use crate::ledger::{Entry, Ledger, QUIET, Serial};
use crate::plan::{self, PASSIVE_PORT, STATION_PORT};
use crate::route::{self, Content, Key};

/// A station's view of a neighbor that is up.
#[derive(Debug)]
pub struct View {
    /// The connections of the neighbor that were reported to it, without a Peer Down between them.
    pub serials: Vec<Serial>,
    /// Its routes with their marks.
    pub routes: BTreeMap<Key, u32>,
    /// The End-of-RIBs since the last Peer Up.
    pub ends: BTreeSet<Family>,
    /// The last Statistics Report.
    pub statistics: Option<BTreeMap<(u16, Option<Family>), u64>>,
    header: (u32, std::net::Ipv4Addr),
}

impl View {
    /// That of a peer of which nothing was sent yet.
    pub fn new(peer: &Peer) -> Self {
        Self {
            serials: Vec::new(),
            routes: BTreeMap::new(),
            ends: BTreeSet::new(),
            statistics: None,
            header: (peer.asn, peer.bgp_id),
        }
    }

    /// The newest connection that was reported to it.
    pub fn serial(&self) -> Serial {
        self.serials.last().copied().unwrap_or_default()
    }
}

/// The state of one connection.
#[derive(Debug)]
pub struct Connection {
    /// Our end of it.
    pub end: End,
    buffer: Vec<u8>,
    /// The version in the Initiation.
    pub version: Option<u32>,
    /// The families that the version has.
    pub families: Vec<Family>,
    /// What it was sent, by the number of the neighbor.
    pub views: BTreeMap<usize, View>,
    /// What was received, counted.
    pub received: Sent,
    /// Bytes that the station has sent.
    pub sent: u64,
    terminated: bool,
    /// False if it is of a session that was removed since.
    counts: bool,
}

/// What a station does with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Closes it, at any point of the stream.
    Close,
    /// Resets it.
    Reset,
    /// Vanishes without closing it.
    Vanish,
}

/// A station.
#[derive(Debug)]
pub struct Station {
    number: usize,
    /// False while it reads only on request.
    pub reads: bool,
    /// What it does with incoming connections.
    pub answer: Answer,
    /// The connection that it uses.
    pub connection: Option<Connection>,
    /// Those that it has ended, in any way, and those that bmpd has ended.
    pub left: Vec<End>,
    /// Connections since the session began, and those of them on which an Initiation was received.
    pub made: u64,
    /// See [`Station::made`].
    pub initiated: u64,
    next_try: Duration,
}

/// What a station needs for its checks.
#[derive(Debug)]
pub struct Context<'a> {
    /// The model.
    pub ledger: &'a Ledger,
    /// The families of each version of its session.
    pub versions: &'a BTreeMap<(usize, u32), Vec<Family>>,
    /// Now.
    pub now: Duration,
    /// Where everything that is received is noted.
    pub trace: &'a mut crate::trace::Trace,
}

impl Station {
    /// Station number `number`, which reads all and accepts connections.
    pub fn new(number: usize) -> Self {
        let mut station = Self {
            number,
            reads: true,
            answer: Answer::Refuse,
            connection: None,
            left: Vec::new(),
            made: 0,
            initiated: 0,
            next_try: Duration::ZERO,
        };
        station.set_answer(Answer::Accept { room: 1 << 16 });
        station
    }

    /// Where it listens.
    pub fn place(&self) -> SocketAddr {
        SocketAddr::new(plan::station(self.number), STATION_PORT)
    }

    /// What it does with incoming connections, from now on.
    pub fn set_answer(&mut self, answer: Answer) {
        self.answer = answer;
        network::answer(self.place(), answer);
    }

    /// bmpd has connected.
    ///
    /// # Errors
    ///
    /// It has a connection already, and it did not end that.
    pub fn begin(&mut self, end: End) -> Result<(), String> {
        if let Some(connection) = self.connection.take() {
            let ended = connection.end.is_ended_by_bmpd() || !connection.counts;
            self.leave(connection);
            if !ended {
                return Err(
                    "bmpd has connected without having ended the connection before".to_owned()
                );
            }
        }
        self.set(end);
        Ok(())
    }

    fn leave(&mut self, connection: Connection) {
        if connection.counts {
            self.left.push(connection.end);
        }
    }

    /// The session is removed: what comes later is of another one.
    pub fn forget(&mut self) {
        self.left.clear();
        (self.made, self.initiated) = (0, 0);
        if let Some(connection) = &mut self.connection {
            connection.counts = false;
        }
    }

    fn set(&mut self, end: End) {
        self.made += 1;
        self.connection = Some(Connection {
            end,
            buffer: Vec::new(),
            version: None,
            families: Vec::new(),
            views: BTreeMap::new(),
            received: Sent::default(),
            sent: 0,
            terminated: false,
            counts: true,
        });
    }

    /// Connects to bmpd, leaving the connection that it has. False if nothing listens.
    pub fn connect(&mut self, room: usize) -> bool {
        let Some(end) = network::connect_to_bmpd(plan::station(self.number), PASSIVE_PORT, room)
        else {
            return false;
        };
        if let Some(connection) = self.connection.take() {
            self.leave(connection);
        }
        self.set(end);
        true
    }

    /// Connects if it is time and it has none.
    pub fn try_to_connect(&mut self, random: &mut Random, now: Duration) {
        let Answer::Accept { room } = self.answer else { return };
        if now >= self.next_try && self.connection.is_none() {
            self.next_try = now + Duration::from_secs(1 + random.below(4));
            self.connect(room);
        }
    }

    /// Ends the connection.
    pub fn end(&mut self, ending: Ending) {
        let Some(connection) = self.connection.take() else { return };
        match ending {
            Ending::Close => connection.end.close(),
            Ending::Reset => connection.end.reset(),
            Ending::Vanish => {}
        }
        self.leave(connection);
    }

    /// TCP has detected the connections that vanished without being closed.
    pub fn find_the_lost(&mut self) {
        self.left.iter().filter(|end| !end.is_ended_by_bmpd()).for_each(End::reset);
    }

    /// Sends bytes that BMP does not provide for.
    pub fn send(&mut self, bytes: usize) {
        if let Some(connection) = &mut self.connection {
            connection.end.write(&vec![0x55; bytes]);
            connection.sent += bytes as u64;
        }
    }

    /// Reads at most so many bytes and checks them. True if some were received.
    ///
    /// # Errors
    ///
    /// A rule that bmpd has violated.
    pub fn read(&mut self, most: usize, context: &mut Context<'_>) -> Result<bool, String> {
        let Some(connection) = &mut self.connection else { return Ok(false) };
        match connection.end.read(most) {
            Found::Nothing => Ok(false),
            Found::Bytes(bytes) => {
                context.trace.bytes(&bytes);
                connection.received.bytes += bytes.len() as u64;
                connection.buffer.extend(bytes);
                let begun = connection.version.is_some();
                connection.take(self.number, context)?;
                if !begun && connection.version.is_some() && connection.counts {
                    self.initiated += 1;
                }
                Ok(true)
            }
            found @ (Found::End | Found::Reset) => {
                let connection = self.connection.take();
                let Some(connection) = connection else { return Ok(true) };
                context.trace.say(|| format!("{} is left: {found:?}", plan::station(self.number)));
                connection.end.close();
                let (terminated, left) = (connection.terminated, connection.buffer.len());
                let silent = connection.received.bytes == 0;
                self.leave(connection);
                if found == Found::End && !terminated && !silent {
                    return Err(format!(
                        "bmpd has closed without a Termination, {left} bytes into a message"
                    ));
                }
                Ok(true)
            }
        }
    }
}

impl Connection {
    fn take(&mut self, number: usize, context: &mut Context<'_>) -> Result<(), String> {
        let buffer = std::mem::take(&mut self.buffer);
        let mut rest = &buffer[..];
        while let Some(message) = split_message(&mut rest)? {
            let message = bmp::read(&message)?;
            context.trace.messages += 1;
            context
                .trace
                .say(|| format!("{} is sent {}", plan::station(number), message.summary()));
            self.message(number, &message, context)?;
        }
        self.buffer = rest.to_vec();
        Ok(())
    }

    fn message(
        &mut self,
        number: usize,
        message: &Message<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), String> {
        if self.terminated {
            return Err("a message after the Termination".to_owned());
        }
        let initiates = matches!(message, Message::Initiation(_));
        if initiates == self.version.is_some() {
            return Err("not one Initiation, at the beginning".to_owned());
        }
        match message {
            Message::Initiation(texts) => {
                let [text] = texts[..] else { return Err(format!("the texts {texts:?}")) };
                let version = text.parse().map_err(|_| format!("the text {text:?}"))?;
                self.version = Some(version);
                let families = context.versions.get(&(number, version));
                self.families.clone_from(families.ok_or("a version that never was configured")?);
                self.received.initiation += 1;
            }
            Message::Termination(_) => {
                self.terminated = true;
                self.received.termination += 1;
            }
            Message::PeerUp(peer, sent, received) => {
                self.peer_up(peer, sent, received, context.ledger)?;
                self.received.peer_up += 1;
            }
            Message::PeerDown(peer, _) => {
                let neighbor = neighbor(peer);
                view(&mut self.views, peer)?;
                self.views.remove(&neighbor);
                self.received.peer_down += 1;
            }
            Message::Routes(peer, body) => {
                self.routes(peer, body, context)?;
                self.received.route_monitoring += 1;
            }
            Message::Statistics(peer, values) => {
                let mut statistics = BTreeMap::new();
                for (kind, value) in values {
                    let (family, number) = read_statistic(value);
                    if statistics.insert((*kind, family), number).is_some() {
                        return Err(format!("statistic {kind} twice in one report"));
                    }
                }
                view(&mut self.views, peer)?.statistics = Some(statistics);
                self.received.statistics_report += 1;
            }
        }
        Ok(())
    }

    fn peer_up(
        &mut self,
        peer: &Peer,
        sent: &[u8],
        received: &[u8],
        ledger: &Ledger,
    ) -> Result<(), String> {
        let number = neighbor(peer);
        let of_it = |(_, entry): &(&Serial, &Entry)| entry.sent_open == received;
        let (serial, entry) =
            ledger.iter().find(of_it).ok_or("a Peer Up with an OPEN that nobody has sent")?;
        // A neighbor that disconnected without reading bmpd's OPEN does not have it.
        let known = entry.received_open.is_empty() || entry.received_open == sent;
        if entry.neighbor != number || !known {
            return Err(format!("the Peer Up of {} has the OPENs of others", peer.address));
        }
        let header = (peer.asn, peer.bgp_id);
        if header != (plan::asn(number), std::net::Ipv4Addr::new(10, 2, 0, number as u8 + 1)) {
            return Err(format!("{} is not who it says it is", peer.address));
        }
        match self.views.get_mut(&number) {
            None => {
                let view = View { serials: vec![*serial], ..View::new(peer) };
                self.views.insert(number, view);
            }
            // Without a Peer Down before it: the neighbor has restarted and keeps its routes.
            Some(view) => {
                let before = &ledger[&view.serial()];
                let again = before.graceful.is_some() && entry.graceful.is_some();
                if view.serial() >= *serial || !again {
                    return Err(format!("{} is reported up although it is up", peer.address));
                }
                view.serials.push(*serial);
                view.ends.clear();
                view.statistics = None;
            }
        }
        Ok(())
    }

    fn routes(
        &mut self,
        peer: &Peer,
        body: &[u8],
        context: &mut Context<'_>,
    ) -> Result<(), String> {
        let wanted = self.families.clone();
        let view = view(&mut self.views, peer)?;
        let entry = &context.ledger[&view.serial()];
        let content = route::read(body, |family| entry.add_path.contains(&family))?;
        let (Content::Announced(family, ..)
        | Content::Withdrawn(family, _)
        | Content::EndOfRib(family)) = content;
        if !wanted.contains(&family) || !entry.families.contains(&family) {
            return Err(format!("{family} of {}, which is not asked for", peer.address));
        }
        // What is sent for a neighbor that has restarted is also of the connections before.
        let newest = view.serial();
        let of_it = |(serial, other): &(&Serial, &Entry)| {
            let before = **serial < newest && other.neighbor == entry.neighbor;
            **serial == newest || (before && other.graceful.is_some() && entry.graceful.is_some())
        };
        let said = |key: &Key, mark: Option<u32>| {
            context.ledger.iter().filter(of_it).any(|(_, entry)| {
                let marks = entry.ever.get(key);
                marks.is_some_and(|marks| mark.is_none_or(|mark| marks.contains(&mark)))
            })
        };
        match content {
            Content::Announced(_, mark, keys) => {
                self.received.routes_announced += keys.len() as u64;
                for key in keys {
                    if !said(&key, Some(mark)) {
                        return Err(format!(
                            "{} has not announced {key:?} with mark {mark} in this session",
                            peer.address
                        ));
                    }
                    view.routes.insert(key, mark);
                }
            }
            Content::Withdrawn(_, keys) => {
                self.received.routes_withdrawn += keys.len() as u64;
                for key in keys {
                    if !said(&key, None) {
                        return Err(format!("{} has never announced {key:?}", peer.address));
                    }
                    view.routes.remove(&key);
                }
            }
            Content::EndOfRib(family) => {
                if !view.ends.insert(family) {
                    return Err(format!("a second End-of-RIB of {family} of {}", peer.address));
                }
                complete(entry, view, family, context.now).map_err(|why| {
                    format!("the End-of-RIB of {family} of {}: {why}", peer.address)
                })?;
                self.received.end_of_rib += 1;
            }
        }
        Ok(())
    }
}

/// The view of a peer that is up.
fn view<'a>(views: &'a mut BTreeMap<usize, View>, peer: &Peer) -> Result<&'a mut View, String> {
    let view = views.get_mut(&neighbor(peer));
    let view = view.ok_or_else(|| format!("{} was not reported up", peer.address))?;
    if view.header != (peer.asn, peer.bgp_id) {
        return Err(format!("{} is somebody else than in its Peer Up", peer.address));
    }
    Ok(view)
}

/// Checks that an End-of-RIB is sent neither before the neighbor's own nor before the routes.
fn complete(entry: &Entry, view: &View, family: Family, now: Duration) -> Result<(), String> {
    let Some(there) = entry.complete.get(&family) else {
        return match entry.up_at {
            Some(up_at) if now >= up_at + QUIET => Ok(()),
            _ => Err("the neighbor has not said that it is done".to_owned()),
        };
    };
    match there.iter().find(|(key, mark)| view.routes.get(key) != Some(mark)) {
        Some((key, _)) => Err(format!("{key:?} has not been sent before it")),
        None => Ok(()),
    }
}

/// The number of a neighbor by its address.
pub(crate) fn neighbor(peer: &Peer) -> usize {
    match peer.address {
        std::net::IpAddr::V4(address) => usize::from(address.octets()[3]).wrapping_sub(1),
        std::net::IpAddr::V6(_) => usize::MAX,
    }
}

impl Ending {
    /// As it is counted.
    pub fn name(self) -> &'static str {
        match self {
            Ending::Close => "stations close",
            Ending::Reset => "stations reset",
            Ending::Vanish => "stations vanish",
        }
    }
}
