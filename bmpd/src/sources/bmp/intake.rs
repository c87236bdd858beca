//! What a router says, taken into its tables.
//!
//! ```text
//!   bytes, whole messages ──> Intake ── Initiation, Termination ──> the router appears, leaves
//!                               ├── Peer Up, Peer Down ──> a peer's epoch begins, restarts, ends
//!                               ├── Route Monitoring ──> its tables: one for each view and family
//!                               └── all else ──> passed on as it came (routers::live)
//! ```
//!
//! Nothing is validated: RFC 7606 is between the router and its neighbors. What cannot be read is passed on and not kept,
//! and what is about a peer that is not up is dropped and counted. It uses neither socket nor clock.
//!
//! While the router's connection is lost its peers are held: their routes are stale. When it is back, a peer that comes
//! up exactly as it was goes on without a word to the stations; what is not announced again is withdrawn at its
//! End-of-RIB, or after a while without routes.

use std::sync::Arc;
use std::time::Duration;

use shared::names::NeighborId;
use shared::response::{RouterPeer, RouterReceived, RouterTable};
use tokio::time::Instant;

use super::tables::tables_of;
use crate::config::RouterLimits;
use crate::platform::Map;
use crate::platform::map::Entry;
use crate::routers::{
    About, Check, Epoch, Full, Identity, OverLimit, Peer, PeerDown, Refused, Rib, Router, Signals,
};
use crate::sources::turn;
use crate::supervise::fault;
use crate::wire::bmp::{
    self, BadFrame, COMMON_HEADER_LEN, Frame, Message, PeerDownReason, PeerHeader, PeerIdentity,
    PeerType, PeerUp, ROUTE_MONITORING, Timestamp, Tlvs, View,
};
use crate::wire::describe::route_distinguisher;
use crate::wire::family::Family;
use crate::wire::malformed::Malformed;
use crate::wire::open::RelayedForms;
use crate::wire::update::{self, Update};

/// A peer whose tables change no more for this long is taken to have sent all of them.
const QUIET: Duration = Duration::from_secs(5);

/// A peer whose tables change without pause is taken to have sent all of them after this long.
const QUIET_LATEST: Duration = Duration::from_secs(180);

/// Why a router's connection ends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum End {
    /// The next message cannot be found.
    #[error("{0}")]
    Broken(BadFrame),
    /// RFC 7854 section 4.3: the Initiation comes first.
    #[error(
        "its first message has type {0}, and an Initiation (type 4) has to come first (RFC 7854 section 4.3)"
    )]
    NoInitiation(u8),
    /// The same.
    #[error("its Initiation cannot be read: {0}")]
    MalformedInitiation(String),
    /// It has sent a Termination, with these TLVs.
    #[error("the router has ended its BMP session{}", reason(.0))]
    Terminated(Vec<u8>),
    /// It has more peers than it may.
    #[error("it has more than {0} peers, which is its maximum-peers")]
    TooManyPeers(u32),
    /// It has more routes than it may.
    #[error("it has {routes} routes, and {limit} is its maximum-routes")]
    TooManyRoutes {
        /// How many.
        routes: u64,
        /// How many it may have.
        limit: u32,
    },
    /// There is no room for its tables.
    #[error("{0}")]
    OverLimit(OverLimit),
    /// The tables of a peer have reached the greatest size that there can be.
    #[error(transparent)]
    Full(#[from] Full),
    /// Tables were lost to an internal error.
    #[error("an internal error has cost its routes")]
    Lost,
}

impl End {
    /// True if it would only happen again at once: the router is not accepted for a while.
    pub(super) fn is_penalised(&self) -> bool {
        match self {
            End::TooManyPeers(_) | End::TooManyRoutes { .. } | End::OverLimit(_) | End::Full(_) => {
                true
            }
            End::Broken(_)
            | End::NoInitiation(_)
            | End::MalformedInitiation(_)
            | End::Terminated(_)
            | End::Lost => false,
        }
    }
}

/// The reason of a Termination, and its text.
fn reason(tlvs: &[u8]) -> String {
    let Ok(tlvs) = Tlvs::parse(tlvs) else { return String::new() };
    let code = tlvs.first_of(bmp::REASON).and_then(|value| value.first_chunk::<2>());
    let reason = match code.map(|code| u16::from_be_bytes(*code)) {
        Some(0) => ": administratively closed",
        Some(1) => ": unspecified reason",
        Some(2) => ": out of resources",
        Some(3) => ": redundant connection",
        Some(4) => ": permanently administratively closed",
        Some(_) => ": unknown reason",
        None => "",
    };
    let text = tlvs.first_of(bmp::STRING).map(crate::wire::text::shown);
    match text.filter(|text| !text.is_empty()) {
        Some(text) => format!("{reason} ({text})"),
        None => reason.to_owned(),
    }
}

/// A peer that is up, or held.
#[derive(Debug)]
struct RelayedPeer {
    peer: Arc<Peer>,
    epoch: Arc<Epoch>,
    forms: RelayedForms,
    /// False while the router has not said, on this connection, that it is up.
    is_confirmed: bool,
    /// True while a table of it has no End-of-RIB, or stale routes.
    is_incomplete: bool,
    /// True while it may have a backlog to work off.
    is_busy: bool,
    /// Since when it is incomplete, or has its newest table; and when it last sent routes, on this connection.
    begun: Instant,
    active: Instant,
    /// What its tables take, in bytes, and how many routes they have at most.
    memory: u64,
    routes: u64,
}

/// The result of taking messages.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// How many bytes of whole messages were taken.
    pub(super) bytes: usize,
    /// How much work it was, in entries of the tables.
    pub(super) work: u64,
    /// Why the connection ends, if it does.
    pub(super) end: Option<End>,
    /// What was malformed in the first message that is.
    pub(super) malformed: Option<String>,
}

/// What a router has said, and what is known of its peers.
#[derive(Debug)]
pub(super) struct Intake {
    router: Arc<Router>,
    limits: RouterLimits,
    /// Those of one identity: one, but for Loc-RIBs, which can have one for some families each (RFC 9069 section 6.1.1).
    peers: Map<PeerIdentity, Vec<RelayedPeer>>,
    /// How many they are, what they take in bytes, and how many routes they have at most.
    count: usize,
    memory: u64,
    routes: u64,
    signals: Signals,
    /// The TLVs of the last Initiation on this connection.
    initiation: Option<Vec<u8>>,
    /// The last Initiation there ever was.
    last_initiation: Option<Vec<u8>>,
    received: RouterReceived,
    /// When the Initiation came, and when the last message did.
    begun: Instant,
    active: Instant,
    /// True while some peer may have a backlog, and while some may be incomplete.
    is_busy: bool,
    is_waiting: bool,
    kept: Vec<u8>,
}

impl Intake {
    /// Of a router that has said nothing.
    pub(super) fn new(router: Arc<Router>, limits: RouterLimits, now: Instant) -> Self {
        Self {
            router,
            limits,
            peers: Map::new(),
            count: 0,
            memory: 0,
            routes: 0,
            signals: Signals::default(),
            initiation: None,
            last_initiation: None,
            received: RouterReceived::default(),
            begun: now,
            active: now,
            is_busy: false,
            is_waiting: false,
            kept: Vec::new(),
        }
    }

    /// What notifies of its tables.
    pub(super) fn signals(&self) -> &Signals {
        &self.signals
    }

    /// Changes how much it may send; what is there is checked when more comes.
    pub(super) fn set_limits(&mut self, limits: RouterLimits) {
        self.limits = limits;
    }

    /// The limit of a message.
    pub(super) fn message_max(&self) -> usize {
        self.limits.message as usize
    }

    /// What was received on this connection.
    pub(super) fn received(&self) -> RouterReceived {
        self.received
    }

    /// True once the Initiation has come on this connection.
    pub(super) fn is_initiated(&self) -> bool {
        self.initiation.is_some()
    }

    /// The last Initiation.
    pub(super) fn last_initiation(&self) -> Option<Tlvs<'_>> {
        Tlvs::parse(self.last_initiation.as_deref()?).ok()
    }

    /// Another connection begins.
    pub(super) fn connected(&mut self) {
        self.initiation = None;
        self.received = RouterReceived::default();
    }

    /// Takes the whole messages that `bytes` begins with, until about so much work is done.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        from: Option<std::net::SocketAddr>,
        now: Instant,
        work: u64,
    ) -> Taken {
        let mut taken = Taken::default();
        let mut passed_on = false;
        while taken.work < work && taken.end.is_none() {
            let rest = bytes.get(taken.bytes..).unwrap_or_default();
            let frame = match Frame::find(rest, self.message_max()) {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(bad) => {
                    taken.end = Some(End::Broken(bad));
                    break;
                }
            };
            let message = rest.get(..frame.len).unwrap_or_default();
            if self.initiation.is_none() && frame.kind != bmp::INITIATION {
                taken.end = Some(End::NoInitiation(frame.kind));
                break;
            }
            self.active = now;
            let body = message.get(COMMON_HEADER_LEN..).unwrap_or_default();
            if let (ROUTE_MONITORING, Ok(Message::RouteMonitoring { peer, update })) =
                (frame.kind, Message::parse(frame.kind, body))
            {
                let left = work.saturating_sub(taken.work);
                let some = self.take_routes(&peer, update, rest, now, left);
                if some.bytes == 0 && some.end.is_none() {
                    // Enough was prepared for this call.
                    taken.work = taken.work.saturating_add(some.work.max(1));
                    break;
                }
                taken.bytes += some.bytes;
                taken.work += some.work;
                taken.end = some.end;
                continue;
            }
            taken.bytes += frame.len;
            taken.work += turn::entries(frame.len);
            match self.take_message(frame.kind, body, message, from, now) {
                Ok(Next::Nothing) => {}
                Ok(Next::PassedOn) => passed_on = true,
                Ok(Next::End(end)) => taken.end = Some(end),
                Err(malformed) => {
                    self.received.malformed += 1;
                    if self.initiation.is_none() {
                        taken.end = Some(End::MalformedInitiation(malformed.clone()));
                    }
                    taken.malformed.get_or_insert(malformed);
                }
            }
        }
        self.received.bytes += taken.bytes as u64;
        if passed_on {
            self.router.notify();
        }
        taken
    }

    /// Takes any message but one with routes.
    fn take_message(
        &mut self,
        kind: u8,
        body: &[u8],
        message: &[u8],
        from: Option<std::net::SocketAddr>,
        now: Instant,
    ) -> Result<Next, String> {
        let parsed = Message::parse(kind, body);
        let parsed =
            parsed.map_err(|error| format!("a message of type {kind} is malformed: {error}"))?;
        let received = &mut self.received;
        Ok(match parsed {
            Message::Initiation { tlvs } => {
                received.initiation += 1;
                let tlvs = tlvs.as_bytes().to_vec();
                let is_other = self.last_initiation.as_ref() != Some(&tlvs);
                if self.initiation.is_none() {
                    self.begun = now;
                }
                let is_there = self.router.presence().is_some();
                let initiation = Some(tlvs.clone());
                (self.initiation, self.last_initiation) = (initiation.clone(), Some(tlvs));
                self.router.appear(Identity { initiation, address: from });
                // Those that are sent the router already have the one before.
                if is_there && is_other {
                    self.router.push(About::Router, false, message);
                }
                Next::PassedOn
            }
            Message::Termination { tlvs } => {
                received.termination += 1;
                Next::End(End::Terminated(tlvs.as_bytes().to_vec()))
            }
            Message::PeerUp { peer, up } => {
                received.peer_up += 1;
                match self.peer_up(peer.header, peer.view, peer.time, up, now) {
                    Some(end) => Next::End(end),
                    None => Next::Nothing,
                }
            }
            Message::PeerDown { peer, reason, data } => {
                received.peer_down += 1;
                let reason = PeerDownReason::Received(reason, data.to_vec());
                self.peer_down(peer.header.identity(), PeerDown { time: peer.time, reason });
                Next::Nothing
            }
            Message::StatisticsReport { peer, .. } => {
                received.statistics_report += 1;
                let identity = peer.header.identity();
                let known = self.peers.get(&identity).and_then(|peers| peers.first());
                let Some(known) = known.filter(|known| known.is_confirmed) else {
                    self.received.without_peer += 1;
                    return Ok(Next::Nothing);
                };
                known.epoch.with(|rib| rib.keep_report(message));
                let about = About::Session(Arc::clone(&known.epoch));
                self.router.push(about, false, message);
                // What is kept takes memory.
                match self.check(identity, 0) {
                    Some(end) => Next::End(end),
                    None => Next::PassedOn,
                }
            }
            Message::RouteMirroring { peer } => {
                received.route_mirroring += 1;
                let known = self.peers.get(&peer.header.identity()).and_then(|peers| peers.first());
                let id =
                    known.map_or_else(|| name(&peer.header, None), |known| known.peer.id().clone());
                self.router.push(About::Peer(id), true, message);
                Next::PassedOn
            }
            Message::UnknownPeerType(_) | Message::Unknown(_) => {
                received.unknown += 1;
                self.router.push(About::Router, false, message);
                Next::PassedOn
            }
            // It is taken by [`Intake::take_routes`].
            Message::RouteMonitoring { .. } => Next::Nothing,
        })
    }

    fn peer_up(
        &mut self,
        header: PeerHeader,
        view: View,
        time: Timestamp,
        up: PeerUp,
        now: Instant,
    ) -> Option<End> {
        let forms = RelayedForms::of(&up.sent_open, &up.received_open);
        let identity = header.identity();
        self.is_waiting = true;
        let known = self.peers.entry(identity).or_default();
        let rank = known.iter().position(|known| match identity {
            PeerIdentity::Peer { .. } => true,
            PeerIdentity::LocRib { .. } => overlap(&known.forms, &forms),
        });
        if let Some(rank) = rank
            && let Some(one) = known.get_mut(rank)
        {
            let fits =
                *one.epoch.header() == header && one.epoch.view() == view && one.forms == forms;
            let is_the_same = one.epoch.with(|rib| rib.is_up_with(&up, time)).unwrap_or(false);
            (one.begun, one.active, one.is_incomplete) = (now, now, true);
            if fits && is_the_same && !one.is_confirmed {
                // The connection was lost, and the peer was not: what is stale is announced again.
                one.is_confirmed = true;
                return None;
            }
            // A second Peer Up without a Peer Down: its session has come up anew (RFC 7854 section 4.10).
            let is_held = !one.is_confirmed || self.router.hold_all(&one.epoch);
            if fits
                && is_held
                && self.router.restart(&one.peer, &one.epoch, up.clone(), &Family::ALL, time)
            {
                one.is_confirmed = true;
                return None;
            }
            let gone = known.remove(rank);
            let down = PeerDown { time, reason: PeerDownReason::RemoteNoNotification };
            self.router.remove(&gone.peer, down);
            self.forget(&gone);
        }
        if self.count >= self.limits.peers as usize {
            return Some(End::TooManyPeers(self.limits.peers));
        }
        let is_loc_rib = header.peer_type() == PeerType::LocRibInstance;
        let peer = self.router.add_peer(name(&header, up.table_name().as_deref()), is_loc_rib);
        let epoch = self.router.begin_relayed(&peer, (header, view), up, time, &self.signals);
        self.count += 1;
        self.peers.entry(identity).or_default().push(RelayedPeer {
            peer,
            epoch,
            forms,
            is_confirmed: true,
            is_incomplete: false,
            is_busy: false,
            begun: now,
            active: now,
            memory: 0,
            routes: 0,
        });
        None
    }

    fn peer_down(&mut self, identity: PeerIdentity, down: PeerDown) {
        let Some(gone) = self.peers.remove(&identity).filter(|gone| !gone.is_empty()) else {
            self.received.without_peer += 1;
            return;
        };
        for one in gone {
            self.router.remove(&one.peer, down.clone());
            self.forget(&one);
        }
    }

    /// It is no longer counted.
    fn forget(&mut self, gone: &RelayedPeer) {
        self.count = self.count.saturating_sub(1);
        self.memory = self.memory.saturating_sub(gone.memory);
        self.routes = self.routes.saturating_sub(gone.routes);
    }

    /// Takes Route Monitoring messages of one peer in a row, of which this is the first, under one lock of its tables.
    fn take_routes(
        &mut self,
        first: &bmp::Peer,
        update: &[u8],
        bytes: &[u8],
        now: Instant,
        work: u64,
    ) -> Taken {
        let max = self.message_max();
        let Self { router, peers, received, kept, .. } = self;
        let identity = first.header.identity();
        let known = peers.get_mut(&identity).map(Vec::as_mut_slice).unwrap_or_default();
        let is_single = known.len() < 2;
        let rank = if is_single { Some(0) } else { rank_of(known, update, kept) };
        // Of one that is held nothing is awaited before it is up again.
        let one = rank.and_then(|rank| known.get_mut(rank)).filter(|one| one.is_confirmed);
        let Some(one) = one else {
            received.route_monitoring += 1;
            received.without_peer += 1;
            let len = Frame::find(bytes, max).ok().flatten().map_or(bytes.len(), |frame| frame.len);
            return Taken { bytes: len, work: turn::entries(len), ..Taken::default() };
        };
        let (epoch, forms) = (&one.epoch, &one.forms);
        let is_two_octet_as = epoch.header().is_two_octet_as();
        let tables = epoch.tables();
        let mut at = 0;
        let mut end = None;
        let mut has_unreadable = false;
        let changed = epoch.change(|rib| {
            let (before, news) = (rib.work(), rib.news());
            let done = |rib: &Rib, at| rib.work() - before + turn::entries(at);
            while done(rib, at) < work
                && (is_single || at == 0)
                && let Some(rest) = bytes.get(at..)
                && let Ok(Some(Frame { kind: ROUTE_MONITORING, len })) = Frame::find(rest, max)
                && let Some(body) = rest.get(COMMON_HEADER_LEN..len)
                && let Ok(Message::RouteMonitoring { peer, update }) =
                    Message::parse(ROUTE_MONITORING, body)
                && peer.header.identity() == identity
            {
                fault("router.update");
                let flips_a = peer.header.is_two_octet_as() != is_two_octet_as;
                let view = match peer.view {
                    // What a withdrawal is of must not depend on a flag of its own.
                    View::LocRib { .. } => epoch.view(),
                    view => view,
                };
                let applied = apply(rib, forms, view, (update, flips_a), peer.time, kept);
                let message = rest.get(..len).unwrap_or_default();
                let mut pass_on = |message: &[u8]| {
                    has_unreadable = true;
                    received.unreadable_updates += 1;
                    router.push(About::Session(Arc::clone(epoch)), false, message);
                };
                match applied {
                    Ok(Applied::NotYet) => break,
                    Ok(Applied::Taken) => {}
                    Ok(Applied::Unknown) => {
                        if let Some(message) = of_unknown_families(message, update) {
                            pass_on(&message);
                        }
                    }
                    Err(Refused::Malformed(_)) => pass_on(message),
                    Err(Refused::Full) => {
                        end = Some(End::Full(Full));
                        break;
                    }
                }
                received.route_monitoring += 1;
                at += len;
            }
            (done(rib, at), rib.news() != news)
        });
        let Some((work, news)) = changed else {
            // The tables are gone: the signal for that is on its way.
            let len = Frame::find(bytes, max).ok().flatten().map_or(bytes.len(), |frame| frame.len);
            return Taken { bytes: len, work: turn::entries(len), ..Taken::default() };
        };
        if news || has_unreadable {
            router.notify();
        }
        if one.epoch.tables() > tables || !one.is_incomplete {
            one.begun = now;
        }
        (one.active, one.is_incomplete, one.is_busy) = (now, true, true);
        (self.is_busy, self.is_waiting) = (true, true);
        if end.is_none() {
            end = self.check(identity, rank.unwrap_or_default());
        }
        Taken { bytes: at, work, end, malformed: None }
    }

    /// Checks the tables of a peer, and those of all peers, against the limits.
    fn check(&mut self, identity: PeerIdentity, rank: usize) -> Option<End> {
        let Self { peers, memory, routes, limits, .. } = self;
        let one = peers.get_mut(&identity)?.get_mut(rank)?;
        let allowed = u64::from(limits.memory) << 20;
        let allowed = allowed.saturating_sub(memory.saturating_sub(one.memory));
        let limit = limits.routes.map(u64::from);
        let others = routes.saturating_sub(one.routes);
        let (check, bytes, count) = one.epoch.maintain(|rib| {
            let mut check = rib.check(allowed, None);
            if matches!(check, Check::Unfinished) {
                // Routes of the backlog that are there twice do not count.
                rib.work_off_all();
                check = rib.check(allowed, None);
            }
            let mut count = rib.routes_at_most();
            if limit.is_some_and(|limit| others + count > limit) {
                // Some routes of the backlog may be there already.
                rib.work_off_all();
                count = rib.routes_at_most();
            }
            (check, rib.memory() as u64, count)
        })?;
        *memory = memory.saturating_sub(one.memory) + bytes;
        *routes = others + count;
        (one.memory, one.routes) = (bytes, count);
        match (check, limits.routes) {
            (Check::OverLimit(over), _) => Some(End::OverLimit(over)),
            (_, Some(limit)) if *routes > u64::from(limit) => {
                Some(End::TooManyRoutes { routes: *routes, limit })
            }
            _ => None,
        }
    }

    fn all(&self) -> impl Iterator<Item = &RelayedPeer> {
        self.peers.values().flatten()
    }

    /// True if there may be a backlog.
    pub(super) fn has_backlog(&self) -> bool {
        self.is_busy
    }

    /// Another task has left a backlog somewhere.
    pub(super) fn look_everywhere(&mut self) {
        self.peers.values_mut().flatten().for_each(|one| one.is_busy = true);
        self.is_busy = true;
    }

    /// Works off about so much of a backlog; returns how much that was, 0 if nothing is left.
    pub(super) fn work_off(&mut self, count: usize) -> u64 {
        for one in self.peers.values_mut().flatten().filter(|one| one.is_busy) {
            let worked = one.epoch.maintain(|rib| {
                let before = rib.work();
                rib.work_off(count);
                (rib.work() - before, rib.has_backlog())
            });
            let (work, has_backlog) = worked.unwrap_or_default();
            one.is_busy = has_backlog;
            if work > 0 || has_backlog {
                return work.max(1);
            }
        }
        self.is_busy = false;
        0
    }

    /// Does part of what must be done before [`Intake::hold`]; returns how much that was, 0 if nothing is left.
    pub(super) fn prepare_hold(&mut self, count: usize) -> u64 {
        let work = self.work_off(count);
        let is_more = |one: &RelayedPeer| one.epoch.maintain(Rib::prepare_hold) == Some(true);
        match work {
            0 => u64::from(self.all().any(is_more)) * count as u64,
            work => work,
        }
    }

    /// The connection is lost: every route is stale from now on, after [`Intake::prepare_hold`].
    pub(super) fn hold(&mut self) {
        for one in self.peers.values_mut().flatten() {
            one.is_confirmed = false;
            one.is_incomplete = true;
            self.router.hold_all(&one.epoch);
        }
        self.initiation = None;
        self.is_waiting = true;
    }

    /// The router leaves, with the TLVs of its Termination if it has sent one.
    pub(super) fn leave(&mut self, termination: Option<Vec<u8>>) {
        self.router.leave(termination);
        self.peers.clear();
        (self.is_busy, self.is_waiting) = (false, false);
        (self.count, self.memory, self.routes) = (0, 0, 0);
        self.initiation = None;
    }

    /// True while some table has no End-of-RIB, or some peer has not come up again.
    pub(super) fn waits_for_quiet(&self) -> bool {
        self.is_waiting
    }

    /// Completes tables of peers that have sent nothing for a while, and ends peers that have not come up again. Returns
    /// how much work that was; 0 if nothing is left to be done now.
    pub(super) fn note_quiet(&mut self, now: Instant, time: Timestamp) -> Result<u64, End> {
        let is_quiet = |active: Instant, begun: Instant| {
            now.duration_since(active) >= QUIET || now.duration_since(begun) >= QUIET_LATEST
        };
        if self.initiation.is_none() {
            return Ok(0);
        }
        if is_quiet(self.active, self.begun) {
            let gone: Vec<PeerIdentity> = self
                .peers
                .iter()
                .filter(|(_, peers)| peers.iter().any(|one| !one.is_confirmed))
                .map(|(identity, _)| *identity)
                .collect();
            for identity in gone {
                self.end_unconfirmed(identity, time);
            }
        }
        let waiting = self.peers.values_mut().flatten();
        let mut waiting = waiting
            .filter(|one| one.is_incomplete && one.is_confirmed && is_quiet(one.active, one.begun));
        let Some(one) = waiting.next() else {
            let mut all = self.peers.values().flatten();
            self.is_waiting = all.any(|one| one.is_incomplete || !one.is_confirmed);
            return Ok(0);
        };
        let done = one.epoch.change(|rib| {
            let before = rib.work();
            let is_complete = complete(rib, time)?;
            Ok::<_, Full>((rib.work() - before, is_complete))
        });
        self.router.notify();
        match done {
            Some(Ok((work, is_complete))) => {
                one.is_incomplete = !is_complete;
                one.is_busy = true;
                self.is_busy = true;
                Ok(work.max(1))
            }
            Some(Err(full)) => Err(full.into()),
            None => {
                one.is_incomplete = false;
                Ok(1)
            }
        }
    }

    /// Ends those that the router has not said to be up since it is back.
    fn end_unconfirmed(&mut self, identity: PeerIdentity, time: Timestamp) {
        let Entry::Occupied(mut entry) = self.peers.entry(identity) else { return };
        let gone: Vec<RelayedPeer> =
            entry.get_mut().extract_if(.., |one| !one.is_confirmed).collect();
        if entry.get().is_empty() {
            entry.remove();
        }
        for one in gone {
            // The router says nothing about it any more (RFC 7854 section 4.9).
            let reason = PeerDownReason::Deconfigured;
            self.router.remove(&one.peer, PeerDown { time, reason });
            self.forget(&one);
        }
    }

    /// Why the tables must go, if they must: some were lost, or there is no room for them.
    pub(super) fn lost_or_over_limit(&self) -> Option<End> {
        self.all().find_map(|one| match one.epoch.over_limit() {
            Some(over) => Some(End::OverLimit(over)),
            None => one.epoch.is_over().then_some(End::Lost),
        })
    }

    /// How many peers are up or held.
    pub(super) fn count(&self) -> u32 {
        self.count as u32
    }

    /// What its tables take, in bytes.
    pub(super) fn memory(&self) -> u64 {
        self.memory
    }

    /// Its tables, by view and family; and its peers with theirs if they are `wanted`.
    pub(super) fn tables(&self, wanted: bool) -> (Vec<RouterTable>, Vec<RouterPeer>) {
        let tables = tables_of(self.all().map(|one| &*one.epoch));
        let described = self.all().filter(|_| wanted).filter_map(|one| {
            let tables = tables_of([&*one.epoch]);
            one.epoch.with(|rib| peer_report(one.epoch.header(), rib, tables))
        });
        let mut peers: Vec<RouterPeer> = described.collect();
        peers.sort_by(|a, b| {
            let key = |peer: &RouterPeer| {
                (peer.peer_type.clone(), peer.distinguisher.clone(), peer.address)
            };
            key(a).cmp(&key(b))
        });
        (tables, peers)
    }
}

fn peer_report(header: &PeerHeader, rib: &Rib, tables: Vec<RouterTable>) -> RouterPeer {
    let distinguisher = header.distinguisher();
    let since = rib.since();
    let is_known = since != Timestamp::default();
    RouterPeer {
        address: header.address(),
        peer_type: header.peer_type().name().to_owned(),
        distinguisher: (distinguisher != [0; 8]).then(|| route_distinguisher(distinguisher)),
        table_name: rib.up().table_name(),
        remote_as: header.asn(),
        up_since: is_known.then(|| {
            let millis = u64::from(since.seconds) * 1000 + u64::from(since.micros) / 1000;
            shared::time::Timestamp(millis)
        }),
        tables,
    }
}

/// What follows from a message.
enum Next {
    Nothing,
    /// Those who are sent the router are to be notified.
    PassedOn,
    End(End),
}

/// The result of one UPDATE.
enum Applied {
    /// Its routes are in the tables.
    Taken,
    /// Some of its routes are of a family that is not known.
    Unknown,
    /// Part of what must be done before it was done.
    NotYet,
}

/// Takes one UPDATE into the tables, which are opened if they are not there.
fn apply(
    rib: &mut Rib,
    forms: &RelayedForms,
    view: View,
    (update, flips_a): (&[u8], bool),
    time: Timestamp,
    kept: &mut Vec<u8>,
) -> Result<Applied, Refused> {
    let update = Update::parse_verbatim(update, kept)?;
    let mut has_unknown = false;
    let mut to_open = [None; 4];
    for (family, to_open) in families(&update).into_iter().zip(&mut to_open) {
        let Some(family) = family else { continue };
        if !Family::ALL.contains(&family) {
            has_unknown = true;
        } else if !rib.is_open(view, family) {
            let form = forms.form(view, family);
            if !update.is_readable(form) {
                return Err(Malformed::Routes(family).into());
            }
            *to_open = Some(form);
        }
    }
    to_open.into_iter().flatten().for_each(|form| rib.open(view, form));
    if !rib.prepare(view, &update, time)? {
        return Ok(Applied::NotYet);
    }
    rib.apply_with(view, &update, flips_a, time)?;
    Ok(if has_unknown { Applied::Unknown } else { Applied::Taken })
}

/// What is left of a Route Monitoring message with this UPDATE without the families whose routes are kept: a station is
/// sent those from the tables.
fn of_unknown_families(message: &[u8], update: &[u8]) -> Option<Vec<u8>> {
    let (mut rest, mut out) = (Vec::new(), Vec::new());
    let is_known = |family| Family::ALL.contains(&family);
    if !update::without_families(update, is_known, &mut rest).unwrap_or(false) {
        return None;
    }
    bmp::monitoring_with(&mut out, message, &rest);
    Some(out)
}

/// The families of an UPDATE's routes, or of its End-of-RIB.
fn families(update: &Update<'_>) -> [Option<Family>; 4] {
    let has_plain = !update.withdrawn.is_empty() || !update.announced.is_empty();
    [
        has_plain.then_some(Family::IPV4_UNICAST),
        update.reach.as_ref().map(|reach| reach.family),
        update.unreach.map(|(family, _)| family),
        update.end_of_rib(),
    ]
}

/// Which of several Loc-RIBs with the same name an UPDATE is of: the one with its family.
fn rank_of(known: &[RelayedPeer], update: &[u8], kept: &mut Vec<u8>) -> Option<usize> {
    let update = Update::parse_verbatim(update, kept).ok();
    let family = update.as_ref().and_then(|update| families(update).into_iter().flatten().next());
    let has_it =
        |one: &RelayedPeer| family.is_some_and(|family| one.forms.families().contains(&family));
    known.iter().position(has_it).or((!known.is_empty()).then_some(0))
}

/// True if two Loc-RIBs have a family in common.
fn overlap(one: &RelayedForms, other: &RelayedForms) -> bool {
    one.families().iter().any(|family| other.families().contains(family))
}

/// Withdraws some of the stale routes, or notes the End-of-RIB of a table that has none; true if all tables are complete.
fn complete(rib: &mut Rib, time: Timestamp) -> Result<bool, Full> {
    for table in rib.incomplete() {
        if !rib.drop_some_stale(table, time)? {
            return Ok(false);
        }
        rib.assume_end_of_rib(table, time)?;
    }
    Ok(true)
}

/// The name of a peer for people and for filters: its address, and the instance that it is in.
fn name(header: &PeerHeader, table: Option<&str>) -> NeighborId {
    let distinguisher = header.distinguisher();
    let is_global = match header.peer_type() {
        PeerType::GlobalInstance => true,
        PeerType::LocRibInstance => distinguisher == [0; 8],
        PeerType::RdInstance | PeerType::LocalInstance => false,
    };
    let instance = || {
        let named = table.and_then(|table| table.parse().ok());
        named.or_else(|| route_distinguisher(distinguisher).parse().ok())
    };
    let vpn_instance = if is_global { None } else { instance() };
    NeighborId { vpn_instance, address: header.address() }
}
