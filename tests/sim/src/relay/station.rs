//! A station that is sent routers: it has a connection for each of them, and checks every rule at every message.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use simulated::simulation::network::{self, Answer, End, Found};
use tests::bgp::Family;
use tests::bmp::message::{self, Message, kind, tlv};
use tests::bmp::{Identity, PEER_HEADER, PeerHeader, View};
use tests::relay::Proxied;

use super::known::{Route, Shape};
use super::plan::{self, LOCAL, Session};
use super::router::Router;
use crate::plan::STATION_PORT;
use crate::route::{self, Content, Key};
use crate::trace::Trace;

/// A router that has appeared not longer than this before may be there for the second time.
const RECENT: Duration = Duration::from_millis(1200);

/// What a station was sent of a peer that is up.
#[derive(Debug)]
pub struct LegPeer {
    /// The header of its last Peer Up, and what follows it.
    pub up: (PeerHeader, Vec<u8>),
    /// What follows from it.
    pub shape: Shape,
    /// Its routes.
    pub routes: BTreeMap<(View, Key), Route>,
    /// The End-of-RIBs since the last Peer Up.
    pub ends: BTreeSet<(View, Family)>,
    /// The last Statistics Report.
    pub report: Option<Vec<u8>>,
}

/// One connection: it carries one router.
#[derive(Debug)]
pub struct Leg {
    /// Distinguishes it from every other one of the run.
    pub number: u64,
    /// Our end.
    pub end: End,
    buffer: Vec<u8>,
    has_proxy: bool,
    /// Of a connection that bmpd does not make for itself.
    proxied: Option<Proxied>,
    is_begun: bool,
    /// The router, once that is known.
    pub router: Option<usize>,
    /// The version of its session, and how often each router had appeared when it began.
    pub version: u32,
    presences: Vec<u64>,
    begun: Duration,
    /// Its session as it was then.
    pub session: Option<Session>,
    /// The TLVs of the last Initiation.
    pub initiation: Vec<u8>,
    /// Its peers.
    pub peers: BTreeMap<Identity, LegPeer>,
    /// How many messages came, and routes that were announced, of those that it had exactly so.
    pub messages: u64,
    /// See [`Leg::messages`].
    pub announced: u64,
    /// See [`Leg::messages`].
    pub repeated: u64,
    passed_on: u64,
    is_terminated: bool,
    /// True if it must end: it was reset.
    pub must_end: bool,
}

/// A station.
#[derive(Debug)]
pub struct Station {
    number: usize,
    /// False while it reads only on request.
    pub reads: bool,
    /// Its connections.
    pub legs: Vec<Leg>,
}

/// What a station needs for its checks.
#[derive(Debug)]
pub struct Context<'a> {
    /// The model.
    pub routers: &'a [Router],
    /// Each version of its session.
    pub versions: &'a BTreeMap<(usize, u32), Session>,
    /// Now.
    pub now: Duration,
    /// Where everything that is received is noted.
    pub trace: &'a mut Trace,
}

impl Station {
    /// Station number `number`.
    pub fn new(number: usize) -> Self {
        let station = Self { number, reads: true, legs: Vec::new() };
        station.answer(Answer::Accept { room: 1 << 16 });
        station
    }

    /// Where it listens.
    pub fn place(&self) -> SocketAddr {
        SocketAddr::new(plan::station(self.number), STATION_PORT)
    }

    /// What it does with those that connect.
    pub fn answer(&self, answer: Answer) {
        network::answer(self.place(), answer);
    }

    /// bmpd has connected.
    pub fn begin(&mut self, end: End, number: u64, routers: &[Router], now: Duration) {
        self.legs.push(Leg {
            number,
            end,
            buffer: Vec::new(),
            has_proxy: false,
            proxied: None,
            is_begun: false,
            router: None,
            version: 0,
            presences: routers.iter().map(|router| router.known.presence).collect(),
            begun: now,
            session: None,
            initiation: Vec::new(),
            peers: BTreeMap::new(),
            messages: 0,
            announced: 0,
            repeated: 0,
            passed_on: 0,
            is_terminated: false,
            must_end: false,
        });
    }

    /// The leg that carries a router, if bmpd has not ended it.
    pub fn leg(&self, router: usize) -> Option<&Leg> {
        self.legs.iter().find(|leg| leg.router == Some(router) && !leg.end.is_ended_by_bmpd())
    }

    /// Ends a connection.
    pub fn leave(&mut self, rank: usize, resets: bool) {
        if rank < self.legs.len() {
            let leg = self.legs.remove(rank);
            if resets { leg.end.reset() } else { leg.end.close() }
        }
    }

    /// Reads at most so many bytes of each connection and checks them. True if some were received.
    ///
    /// # Errors
    ///
    /// A rule that bmpd has violated.
    pub fn read(&mut self, most: usize, context: &mut Context<'_>) -> Result<bool, String> {
        let mut moved = false;
        let mut rank = 0;
        while let Some(leg) = self.legs.get_mut(rank) {
            match leg.end.read(most) {
                Found::Nothing => rank += 1,
                Found::Bytes(bytes) => {
                    moved = true;
                    context.trace.bytes(&bytes);
                    leg.buffer.extend(bytes);
                    let was_known = leg.router.is_some();
                    leg.take(self.number, context).map_err(|why| leg.describe(&why))?;
                    if !was_known && let Some(router) = leg.router {
                        self.only_one(router)?;
                    }
                    rank += 1;
                }
                found @ (Found::End | Found::Reset) => {
                    moved = true;
                    let leg = self.legs.remove(rank);
                    leg.end.close();
                    let number = self.number;
                    context.trace.say(|| {
                        format!("leg {} of {}: {found:?}", leg.number, plan::station(number))
                    });
                    if found == Found::End {
                        leg.has_ended(context).map_err(|why| leg.describe(&why))?;
                    }
                }
            }
        }
        Ok(moved)
    }

    fn only_one(&self, router: usize) -> Result<(), String> {
        let of_it = self.legs.iter().filter(|leg| leg.router == Some(router));
        match of_it.filter(|leg| !leg.end.is_ended_by_bmpd()).count() {
            0 | 1 => Ok(()),
            _ => Err(format!("two legs of {}", name(router))),
        }
    }
}

fn name(router: usize) -> String {
    if router == LOCAL { "bmpd itself".to_owned() } else { plan::name(router) }
}

impl Leg {
    fn describe(&self, why: &str) -> String {
        let of = self.router.map_or_else(|| "no router yet".to_owned(), name);
        format!("leg {} of {of}: {why}", self.number)
    }

    fn take(&mut self, station: usize, context: &mut Context<'_>) -> Result<(), String> {
        let buffer = std::mem::take(&mut self.buffer);
        let mut rest = &buffer[..];
        if !self.is_begun && rest.first() == Some(&0x0d) {
            match Proxied::read(rest)? {
                Ok((proxied, length)) => {
                    (self.has_proxy, self.proxied) = (true, proxied);
                    rest = &rest[length..];
                }
                Err(_missing) => {
                    self.buffer = buffer;
                    return Ok(());
                }
            }
        }
        self.is_begun |= !rest.is_empty();
        while let Some(message) = message::split_message(&mut rest)? {
            context.trace.messages += 1;
            self.messages += 1;
            let (number, kind, length) = (self.number, message.kind, message.whole.len());
            context.trace.say(|| {
                let at = plan::station(station);
                let of = self.router.map_or_else(String::new, name);
                let peer = message.peer().ok();
                let peer = peer.map(|(peer, _)| (peer.peer.kind, peer.asn, peer.view()));
                format!("{at} leg {number} {of}: type {kind}, {length} bytes, {peer:?}")
            });
            self.message(station, &message, context)?;
        }
        self.buffer = rest.to_vec();
        Ok(())
    }

    fn message(
        &mut self,
        station: usize,
        message: &Message<'_>,
        context: &Context<'_>,
    ) -> Result<(), String> {
        if self.is_terminated {
            return Err("a message after the Termination".to_owned());
        }
        let Some(number) = self.router else {
            if message.kind != kind::INITIATION {
                return Err(format!("its first message has type {}", message.kind));
            }
            return self.begin(station, message, context);
        };
        if message.kind == kind::TERMINATION {
            return self.terminate(message, context);
        }
        let Some(router) = context.routers.get(number) else {
            // bmpd itself: other stations check that.
            return Ok(());
        };
        if self.pass_on(message, router)? {
            return Ok(());
        }
        match message.kind {
            kind::INITIATION => {
                if !router.said.initiations.contains(message.body()) {
                    return Err("an Initiation that the router has not sent".to_owned());
                }
                self.initiation = message.body().to_vec();
                Ok(())
            }
            kind::PEER_UP => self.peer_up(message, router),
            kind::PEER_DOWN => self.peer_down(message, router),
            kind::ROUTE_MONITORING => self.routes(message, router, context),
            kind::STATISTICS => {
                let (peer, _) = message.peer()?;
                if !router.said.reports.contains(message.whole) {
                    return Err("a Statistics Report that the router has not sent".to_owned());
                }
                self.peer(&peer)?.report = Some(message.whole.to_vec());
                Ok(())
            }
            other => Err(format!("a message of type {other} that the router has not sent")),
        }
    }

    fn begin(
        &mut self,
        station: usize,
        message: &Message<'_>,
        context: &Context<'_>,
    ) -> Result<(), String> {
        let tlvs = message::split_tlvs(message.body())?;
        let [.., (tlv::STRING, version)] = tlvs[..] else {
            return Err("no version in its Initiation".to_owned());
        };
        let version = std::str::from_utf8(version).ok().and_then(|text| text.parse().ok());
        self.version = version.ok_or("no version in its Initiation")?;
        let of_router = &message.body()[..message.body().len() - (4 + version_len(&tlvs))];
        let system_name =
            tlvs.iter().find(|(kind, _)| *kind == tlv::SYSTEM_NAME).map(|(_, value)| *value);
        let system_name = system_name.ok_or("no sysName in its Initiation")?;
        let is_its = |number: &usize| plan::name(*number).as_bytes() == system_name;
        let session = context.versions.get(&(station, self.version));
        let session = session.ok_or("a version that never was configured")?;
        if session.proxy != self.has_proxy {
            return Err(
                "a PROXY protocol header, or none, and it is configured otherwise".to_owned()
            );
        }
        self.session = Some(session.clone());
        match (0..context.routers.len()).find(is_its) {
            Some(number) => {
                let router = &context.routers[number];
                if !router.said.initiations.contains(of_router) {
                    return Err("an Initiation that its router has not sent".to_owned());
                }
                self.initiation = of_router.to_vec();
                self.router = Some(number);
                let addresses = [0, 1].map(|which| plan::router(number, which));
                let is_its = |one: &Proxied| addresses.contains(&one.source.ip());
                if self.has_proxy && !self.proxied.as_ref().is_some_and(is_its) {
                    return Err("the PROXY protocol header does not name its router".to_owned());
                }
            }
            None if system_name == crate::plan::NAME.as_bytes() => self.router = Some(LOCAL),
            None => return Err("a sysName that no router has".to_owned()),
        }
        Ok(())
    }

    fn terminate(&mut self, message: &Message<'_>, context: &Context<'_>) -> Result<(), String> {
        self.is_terminated = true;
        let router = self.router.and_then(|number| context.routers.get(number));
        if router.is_some_and(|router| router.said.terminations.contains(message.body())) {
            return Ok(());
        }
        // One of bmpd itself.
        match message::split_tlvs(message.body())?[..] {
            [(1, [0, 0 | 3 | 4])] | [(1, [0, 0 | 3 | 4]), (0, _)] => Ok(()),
            _ => Err("a Termination that nobody has sent".to_owned()),
        }
    }

    /// What is passed on as it came; false if it is none of that.
    fn pass_on(&mut self, message: &Message<'_>, router: &Router) -> Result<bool, String> {
        let passed_on = &router.said.passed_on;
        let order = passed_on.get(message.whole).or_else(|| match message.kind {
            kind::ROUTE_MIRRORING => passed_on.get(&without_loss(message)),
            _ => None,
        });
        let Some(order) = order else { return Ok(false) };
        if *order <= self.passed_on {
            return Err("a message is passed on twice, or late".to_owned());
        }
        self.passed_on = *order;
        if message.kind == kind::ROUTE_MONITORING
            && let Ok((peer, _)) = message.peer()
        {
            self.peer(&peer)?;
        }
        Ok(true)
    }

    fn peer(&mut self, peer: &PeerHeader) -> Result<&mut LegPeer, String> {
        let known = self.peers.get_mut(&peer.identity());
        let known = known.ok_or("a message about a peer that was not reported up")?;
        match known.up.0.is_of(peer) {
            true => Ok(known),
            false => Err("the peer is another one than in its Peer Up".to_owned()),
        }
    }

    fn peer_up(&mut self, message: &Message<'_>, router: &Router) -> Result<(), String> {
        let (peer, body) = own_peer(message)?;
        let up = as_router_said(peer.view())?.into_iter().find_map(|view| {
            let up = (peer.in_view(view), body.to_vec());
            router.said.ups.get(&up).map(|shape| (up, shape.clone()))
        });
        let (up, shape) = up.ok_or("a Peer Up that the router has not sent")?;
        match self.peers.get_mut(&peer.identity()) {
            None => {
                let (routes, ends) = Default::default();
                let is_wanted = |one: &Session| one.wants_peer(peer.is_loc_rib());
                if !self.session.as_ref().is_some_and(is_wanted) {
                    return Err("a peer that is not asked for".to_owned());
                }
                let new = LegPeer { up, shape, routes, ends, report: None };
                self.peers.insert(peer.identity(), new);
            }
            Some(known) => {
                if known.up == up {
                    return Err("the same Peer Up twice".to_owned());
                }
                // Without a Peer Down between them its routes stay, and so must what they mean.
                if known.shape != shape || !known.up.0.is_of(&peer) {
                    return Err("another Peer Up without a Peer Down before it".to_owned());
                }
                (known.up, known.shape) = (up, shape);
                known.ends.clear();
            }
        }
        Ok(())
    }

    fn peer_down(&mut self, message: &Message<'_>, router: &Router) -> Result<(), String> {
        let (peer, data) = own_peer(message)?;
        self.peer(&peer)?;
        self.peers.remove(&peer.identity());
        let is_its = router.said.downs.contains(&(peer.identity(), peer.time, data.to_vec()));
        // It has not come up again, has come up otherwise, or is not sent any more.
        match data {
            _ if is_its => Ok(()),
            [4 | 5] => Ok(()),
            _ => Err("a Peer Down that the router has not sent".to_owned()),
        }
    }

    fn routes(
        &mut self,
        message: &Message<'_>,
        router: &Router,
        context: &Context<'_>,
    ) -> Result<(), String> {
        let (mut peer, body) = own_peer(message)?;
        let may_be_of_before = self.may_be_of_before(router);
        let known = self.peers.get_mut(&peer.identity());
        let known = known.ok_or("routes of a peer that was not reported up")?;
        if as_router_said(peer.view())?.contains(&known.up.0.view()) {
            peer = peer.in_view(known.up.0.view());
        }
        if !known.up.0.is_of(&peer) {
            return Err("routes of another peer than in its Peer Up".to_owned());
        }
        let (shape, view) = (&known.shape, peer.view());
        let update = message::read_monitoring(body)?;
        let content = route::read(update, |family| shape.add_path(view, family))?;
        let (Content::Announced(family, ..)
        | Content::Withdrawn(family, _)
        | Content::EndOfRib(family)) = content;
        let is_wanted = |one: &Session| one.families.contains(&family) && one.wants_view(view);
        if !self.session.as_ref().is_some_and(is_wanted) {
            return Err(format!("{view:?} {family}, which is not asked for"));
        }
        match content {
            Content::Announced(_, mark, keys) => {
                let route = Route::of(&peer, mark);
                for key in keys {
                    let said = (peer.identity(), view, key.clone(), route);
                    if !router.said.routes.contains(&said) {
                        return Err(format!(
                            "a route that the router has not announced so: {said:?}"
                        ));
                    }
                    self.announced += 1;
                    let old = known.routes.insert((view, key), route);
                    self.repeated += u64::from(old == Some(route));
                }
            }
            Content::Withdrawn(_, keys) => {
                for key in keys {
                    if !router.said.keys.contains(&(peer.identity(), view, key.clone())) {
                        return Err(format!("{key:?} was never announced"));
                    }
                    known.routes.remove(&(view, key));
                }
            }
            Content::EndOfRib(family) => {
                if !known.ends.insert((view, family)) {
                    return Err(format!("a second End-of-RIB of {:?} {family}", view));
                }
                let is_certain = !router.known.is_uncertain && !may_be_of_before;
                let model = router.known.peers.get(&peer.identity()).filter(|_| is_certain);
                // Of another session of the peer nothing is known any more.
                let model = model
                    .filter(|model| (model.up.peer, &model.up.body) == (known.up.0, &known.up.1));
                let Some(model) = model else { return Ok(()) };
                let Some(table) = model.tables.get(&(view, family)) else {
                    return Err(format!(
                        "an End-of-RIB of {:?} {family}, of which nothing came",
                        view
                    ));
                };
                if !table.may_have_ended && !table.ended && !model.may_be_quiet(context.now) {
                    return Err(format!(
                        "an End-of-RIB of {:?} {family} before that of the router",
                        view
                    ));
                }
                let missing = table
                    .complete
                    .iter()
                    .find(|(key, route)| known.routes.get(&(view, (*key).clone())) != Some(route));
                if let Some((key, _)) = missing {
                    return Err(format!("{key:?} was not sent before the End-of-RIB"));
                }
            }
        }
        Ok(())
    }

    /// True if its router may have left and appeared again since it began.
    fn may_be_of_before(&self, router: &Router) -> bool {
        let known = &router.known;
        let presence = self.router.and_then(|number| self.presences.get(number));
        presence != Some(&known.presence) || known.appeared_at + RECENT >= self.begun
    }

    /// bmpd has closed it.
    fn has_ended(&self, context: &Context<'_>) -> Result<(), String> {
        if self.is_terminated || !self.is_begun {
            return Ok(());
        }
        if !self.buffer.is_empty() {
            return Err(format!("bmpd has closed {} bytes into a message", self.buffer.len()));
        }
        let Some(router) = self.router.and_then(|number| context.routers.get(number)) else {
            return Err("bmpd has closed without a Termination".to_owned());
        };
        let known = &router.known;
        let has_left = !known.is_present || self.may_be_of_before(router);
        match has_left
            || router.is_commanded
            || known.is_uncertain
            || known.is_hold_almost_over(context.now)
        {
            true => Ok(()),
            false => {
                Err("bmpd has closed without a Termination, and the router is there".to_owned())
            }
        }
    }
}

/// The header of a message that bmpd has written itself, and what follows it: reserved flags are clear.
pub(crate) fn own_peer<'a>(message: &Message<'a>) -> Result<(PeerHeader, &'a [u8]), String> {
    let (peer, rest) = message.peer()?;
    match peer.flags & peer.reserved_flags() {
        0 => Ok((peer, rest)),
        _ => Err(format!("the flags {:#04x} of a peer of type {}", peer.flags, peer.peer.kind)),
    }
}

/// The same Route Mirroring message without the TLV that says that others before it were lost.
fn without_loss(message: &Message<'_>) -> Vec<u8> {
    const LOST: [u8; 6] = [0, 1, 0, 2, 0, 1];
    let body = message.body();
    let (head, rest) = body.split_at(PEER_HEADER.min(body.len()));
    let rest = rest.strip_prefix(&LOST[..]).unwrap_or(rest);
    message::message(3, message.kind, &[head, rest])
}

fn version_len(tlvs: &[(u16, &[u8])]) -> usize {
    tlvs.last().map_or(0, |(_, value)| value.len())
}

/// What a router may have said of a Loc-RIB that it reports: that some is left out, as the families of every
/// session here are named (the F flag, RFC 9069 section 4.2). Of other views nothing else.
fn as_router_said(view: View) -> Result<Vec<View>, String> {
    match view {
        View::Loc { filtered: true } => {
            Ok([true, false].map(|filtered| View::Loc { filtered }).to_vec())
        }
        View::Loc { filtered: false } => {
            Err("families of a Loc-RIB are left out, and its F flag is clear".to_owned())
        }
        other => Ok(vec![other]),
    }
}
