//! The relay: routers that speak BMP to bmpd, and stations that are sent them.
//!
//! ```text
//!   Router ── bytes ──> bmpd ── a leg for each router ──> Station
//!     │ what it sends, as bmpd reads it                     │ every message against all that the router ever said
//!     └──────────────> Known <── compared once all is idle ─┘
//! ```
//!
//! Some runs have one, beside the neighbors and their stations: with random numbers of its own, so that a seed without
//! it is the same run as before there was one. Every router has the same peers, so that a station that is sent a route of
//! another router, another peer or another view recognizes by its mark.
//!
//! What is modelled: routers that connect and are connected to, from two addresses; Initiations, Terminations, Peer Up,
//! Peer Down, a second Peer Up; all views, three types of peers, ADD-PATH by view, the A and the F flag; tables that change
//! while the router is away; hold-times that are long enough, and not; ends in the middle of a message; messages that are
//! passed on; stations with PROXY headers and selections of routers, views and families; resets of sessions, of single legs
//! and of routers; reloads that add and remove routers and sessions, and change hold-times.

pub mod known;
pub mod plan;
mod quiet;
pub mod router;
pub mod station;

use std::collections::BTreeMap;
use std::time::Duration;

use shared::names::{RouterId, Selector, SessionId};
use shared::response::{Done, Response};
use simulated::simulation::clock;
use simulated::simulation::network::{Answer, End};
use tests::random::Random;

use self::plan::{LOCAL, Plan, Session};
use self::router::Router;
use self::station::{Context, Station};
use crate::count::Count;
use crate::plan::one_of;
use crate::run::Run;
use crate::speaker::Ending;
use crate::trace::Trace;

/// Everything of it in a run.
#[derive(Debug)]
pub struct Relay {
    pub(crate) random: Random,
    pub(crate) routers: Vec<Router>,
    pub(crate) stations: Vec<Station>,
    /// Each version of a session.
    versions: BTreeMap<(usize, u32), Session>,
    next_leg: u64,
    next_mark: u32,
    /// True if messages that are passed on are never lost.
    pub(crate) loses_nothing: bool,
}

/// One step of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A router sends so many UPDATEs.
    Update(usize, u64),
    /// A router sends an End-of-RIB.
    EndOfRib(usize),
    /// A peer of a router comes up, or comes up anew.
    PeerUp(usize, usize),
    /// A peer of a router goes down.
    PeerDown(usize, usize),
    /// A router sends a Statistics Report.
    Report(usize),
    /// A router sends something that is only passed on.
    Odd(usize),
    /// A router sends routes of a peer that never was up.
    WithoutPeer(usize),
    /// A router sends another Initiation.
    Initiation(usize),
    /// A router connects, even if it has a connection.
    Connect(usize),
    /// A router ends its connection.
    End(usize, Ending),
    /// A router sends a Termination.
    Terminate(usize),
    /// A router stops making and accepting connections, or resumes.
    Willing(usize),
    /// A router loses its connection, changes, and is back within its hold-time.
    Away(usize, Ending),
    /// A router floods bmpd while another one announces routes.
    Flood(usize),
    /// `reset router` of one or all.
    ResetRouter(Option<usize>),
    /// `reset session` of a station, of one leg or all.
    Reset(usize, Option<usize>),
    /// A station stops reading by itself, or resumes.
    Stall(usize),
    /// A station reads so many bytes.
    Read(usize, usize),
    /// A station ends a connection.
    Leave(usize, usize, bool),
    /// A station refuses connections, does not answer, or accepts them.
    Answer(usize),
    /// The file is edited.
    Edit,
    /// All routers are silent for a while, and everything is compared.
    Silence,
}

fn ending(random: &mut Random) -> Ending {
    use Ending::*;
    one_of(random, &[Close, Reset, CloseInside, CloseInside, ResetInside, Garbage])
}

impl Action {
    fn draw(random: &mut Random, routers: usize, stations: usize) -> Self {
        let router = random.below(routers as u64) as usize;
        let station = random.below(stations as u64) as usize;
        let peer = random.below(router::PEERS as u64) as usize;
        match random.below(1000) {
            0..260 => Action::Update(router, 1),
            260..340 => Action::Update(router, 2 + random.below(30)),
            340..390 => Action::EndOfRib(router),
            390..450 => Action::PeerUp(router, peer),
            450..490 => Action::PeerDown(router, peer),
            490..520 => Action::Report(router),
            520..550 => Action::Odd(router),
            550..560 => Action::WithoutPeer(router),
            560..580 => Action::Initiation(router),
            580..610 => Action::Connect(router),
            610..670 => Action::End(router, ending(random)),
            670..690 => Action::Terminate(router),
            690..720 => Action::Willing(router),
            720..745 => Action::Away(router, ending(random)),
            745..750 => Action::Flood(router),
            750..770 => Action::ResetRouter(random.chance(80).then_some(router)),
            770..800 => Action::Reset(station, random.chance(50).then_some(router)),
            800..840 => Action::Stall(station),
            840..890 => Action::Read(station, 1 + random.below(400) as usize),
            890..915 => Action::Leave(station, random.below(4) as usize, random.chance(50)),
            915..925 => Action::Answer(station),
            925..965 => Action::Edit,
            _ => Action::Silence,
        }
    }
}

impl Relay {
    /// That of a run with this seed, if it has one, and its configuration.
    pub fn draw(seed: u64) -> Option<(Self, Plan)> {
        let mut random = Random::new(seed ^ 0x72_656c_6179);
        if !random.chance(60) {
            return None;
        }
        let plan = Plan::draw(&mut random);
        let mut relay = Self {
            routers: (0..plan.routers.len())
                .map(|number| Router::new(number, &mut random))
                .collect(),
            stations: (0..plan.sessions.len()).map(Station::new).collect(),
            versions: BTreeMap::new(),
            next_leg: 0,
            next_mark: 0,
            loses_nothing: random.chance(70),
            random,
        };
        relay.note_versions(&plan);
        Some((relay, plan))
    }

    /// How many bytes of messages that are passed on are kept for slow stations.
    pub fn live(&self) -> usize {
        if self.loses_nothing { 1 << 20 } else { 200 }
    }

    fn note_versions(&mut self, plan: &Plan) {
        for (number, session) in plan.sessions.iter().enumerate() {
            self.versions.insert((number, session.version), session.clone());
        }
    }

    /// The next action, if the next one is of the relay.
    pub fn draw_action(&mut self) -> Option<Action> {
        let (routers, stations) = (self.routers.len(), self.stations.len());
        self.random.chance(45).then(|| Action::draw(&mut self.random, routers, stations))
    }

    /// bmpd has connected there. `Some` if that is nobody here.
    pub(crate) fn take_made(
        &mut self,
        place: std::net::SocketAddr,
        end: End,
        count: &mut Count,
    ) -> Option<End> {
        if let Some(station) = self.stations.iter_mut().find(|one| one.place() == place) {
            self.next_leg += 1;
            station.begin(end, self.next_leg, &self.routers, clock::passed());
            count.add("legs", 1);
        } else if let Some(router) = self.routers.iter_mut().find(|one| one.is_at(place)) {
            router.begin(end, &mut self.random);
            count.add("connections to routers", 1);
        } else {
            return Some(end);
        }
        None
    }

    /// Runs each router and station once. True if something happened.
    pub(crate) fn turn(
        &mut self,
        plan: &Plan,
        trace: &mut Trace,
        count: &mut Count,
    ) -> Result<bool, String> {
        let now = clock::passed();
        for (number, router) in self.routers.iter_mut().enumerate() {
            let of_it = &plan.routers[number];
            router.go_on(hold(plan, number), now);
            if of_it.present && !of_it.active && router.try_to_connect(&mut self.random, now) {
                count.add("connections by routers", 1);
                router.go_on(hold(plan, number), now);
            }
        }
        let mut moved = false;
        for number in 0..self.stations.len() {
            if self.stations[number].reads {
                moved |= self.read(number, usize::MAX, plan, trace)?;
            }
        }
        Ok(moved)
    }

    fn read(
        &mut self,
        number: usize,
        most: usize,
        plan: &Plan,
        trace: &mut Trace,
    ) -> Result<bool, String> {
        let now = clock::passed();
        for (number, router) in self.routers.iter_mut().enumerate() {
            router.note(hold(plan, number), now);
        }
        let Self { routers, stations, versions, .. } = self;
        let mut context = Context { routers, versions, now, trace };
        let read = stations[number].read(most, &mut context);
        read.map_err(|why| format!("station {}: {why}", plan::station(number)))
    }

    /// True if bmpd has read all that was sent.
    pub(crate) fn is_read(&self) -> bool {
        self.routers.iter().all(Router::is_read)
    }

    /// Everything is idle.
    pub(crate) fn note_drained(&mut self) {
        self.routers.iter_mut().for_each(Router::note_drained);
    }

    /// A command that may end connections of routers is given.
    pub(crate) fn commanded(&mut self) {
        self.routers.iter_mut().for_each(|router| router.is_commanded = true);
    }

    /// A reload is over.
    pub(crate) fn reloaded(&mut self, before: &Plan, after: &Plan) {
        for (number, router) in self.routers.iter_mut().enumerate() {
            let (was, is) = (&before.routers[number], &after.routers[number]);
            if was.present && !is.present {
                router.removed();
            } else if was.hold != is.hold
                && let Some(until) = router.known.held_until
            {
                let begun = until.saturating_sub(Duration::from_secs(was.hold));
                router.known.held_until = Some(begun + Duration::from_secs(is.hold));
                router.known.is_uncertain = true;
            }
        }
        for (number, station) in self.stations.iter_mut().enumerate() {
            if before.sessions[number].present && !after.sessions[number].present {
                station.legs.iter_mut().for_each(|leg| leg.must_end = true);
            }
        }
    }

    /// A session was reset; sets what is in effect of it.
    pub(crate) fn were_reset(
        &mut self,
        responses: &[Response],
        effective: &mut Plan,
        file: &Plan,
        count: &mut Count,
    ) {
        for response in responses {
            let Response::Reset { outcomes, .. } = response else { continue };
            for outcome in outcomes {
                let address = outcome.id.session.address.ip();
                let is_it = |number: &usize| plan::station(*number) == address;
                let Some(number) = (0..self.stations.len()).find(is_it) else { continue };
                match &outcome.result {
                    Ok(Done::Reset(_)) => count.add("resets of legs", 1),
                    Ok(Done::SupersededBy { .. }) => continue,
                    Err(_) => {}
                }
                let mut session = file.sessions[number].clone();
                session.only(&file.routers);
                if session.present {
                    effective.sessions[number] = session;
                }
            }
        }
    }
}

/// The hold-time of a router.
fn hold(plan: &Plan, router: usize) -> Duration {
    Duration::from_secs(plan.routers[router].hold)
}

/// The name of a session.
fn session(number: usize) -> Result<SessionId, String> {
    let address = plan::station(number).to_string();
    let address = address.parse().map_err(|error| format!("{address}: {error}"))?;
    Ok(SessionId { vpn_instance: None, address, alias: None })
}

/// The name of a router.
pub(crate) fn router_id(number: usize) -> Result<RouterId, String> {
    plan::name(number).parse().map_err(|error| format!("{number}: {error}"))
}

/// True for a session that names only routers that are not there, with what was read of the file at a reset.
pub(crate) fn session_is_idle(plan: &Plan, station: std::net::IpAddr) -> bool {
    let number = (0..plan.sessions.len()).find(|number| plan::station(*number) == station);
    let all = || (0..plan.routers.len()).chain([LOCAL]);
    number.is_some_and(|number| !all().any(|router| Run::is_sent(plan, number, router)))
}

impl Run {
    /// Does something with the relay.
    pub(crate) async fn perform_relay(&mut self, action: Action) -> Result<(), String> {
        let Some(relay) = &mut self.relay else { return Ok(()) };
        let Some(plan) = &self.plan.relay else { return Ok(()) };
        let Relay { random, routers, stations, next_mark, .. } = relay;
        match action {
            Action::Update(number, times) => {
                for _ in 0..times {
                    let did = routers[number].update(random, next_mark);
                    self.count.add("UPDATEs of routers", u64::from(did));
                }
            }
            Action::EndOfRib(number) => routers[number].one_end_of_rib(random),
            Action::PeerUp(number, peer) => {
                routers[number].peer_up(random, peer, true);
                self.count.add("peers of routers come up", 1);
            }
            Action::PeerDown(number, peer) => {
                routers[number].peer_down(random, peer);
                self.count.add("peers of routers go down", 1);
            }
            Action::Report(number) => routers[number].report(random),
            Action::Odd(number) => routers[number].odd(random),
            Action::WithoutPeer(number) => routers[number].routes_without_peer(random),
            Action::Initiation(number) => routers[number].another_initiation(random),
            Action::Connect(number) => {
                let of_it = &plan.routers[number];
                if of_it.present && !of_it.active && routers[number].connect(random) {
                    self.count.add("connections by routers", 1);
                }
            }
            Action::End(number, ending) => {
                routers[number].end(random, ending);
                self.count.add("routers end their connection", 1);
            }
            Action::Terminate(number) => {
                routers[number].terminate(random);
                self.count.add("Terminations of routers", 1);
            }
            Action::Willing(number) => {
                let willing = !routers[number].willing;
                routers[number].set_willing(willing);
            }
            Action::Away(number, ending) => self.away(number, ending).await?,
            Action::Flood(number) => self.flood_of_router(number).await?,
            Action::ResetRouter(number) => {
                let router = number.map(router_id).transpose()?;
                relay.commanded();
                self.bmpd.reset_router(router).await;
                self.count.add("resets of routers", 1);
            }
            Action::Reset(number, router) => {
                let router = router.map(router_id).transpose()?;
                let selector = Selector::One(session(number)?);
                self.reset(selector, router, 0);
            }
            Action::Stall(number) => stations[number].reads ^= true,
            Action::Read(number, bytes) => {
                relay.read(number, bytes, plan, &mut self.trace)?;
            }
            Action::Leave(number, rank, resets) => {
                stations[number].leave(rank, resets);
                self.count.add("stations end legs", 1);
            }
            Action::Answer(number) => {
                let room = one_of(random, &[1, 100, 3000, 1 << 16]);
                stations[number].answer(match random.below(6) {
                    0 => Answer::Refuse,
                    1 => Answer::Silence,
                    _ => Answer::Accept { room },
                });
            }
            Action::Edit => {
                self.finish_commands().await?;
                let (Some(relay), Some(file)) = (&mut self.relay, &mut self.file.relay) else {
                    return Ok(());
                };
                file.change(&mut relay.random);
                relay.note_versions(file);
                simulated::simulation::write_file(&self.file.file());
                self.count.add("edits of the relay's part of the file", 1);
                let reloads = self.relay.as_mut().is_some_and(|relay| relay.random.chance(60));
                if reloads {
                    self.reload();
                }
            }
            Action::Silence => self.silence().await?,
        }
        Ok(())
    }

    /// Legs that the station of a session is to have.
    pub(crate) fn is_sent(plan: &Plan, session: usize, router: usize) -> bool {
        let session = &plan.sessions[session];
        session.present
            && session.wants(router)
            && (router == LOCAL || plan.routers[router].present)
    }
}
