//! Once all is idle: what each station has of each router, compared with the model.

use std::collections::BTreeMap;
use std::time::Duration;

use simulated::simulation;
use simulated::simulation::clock;
use simulated::simulation::network::Answer;
use tests::bgp::Family;
use tests::bmp::{Identity, View};

use super::known::{Known, KnownPeer, QUIET_MAX, Route};
use super::plan::{self, Plan};
use super::station::{Leg, LegPeer, Station};
use super::{Relay, hold};
use crate::run::Run;
use crate::speaker::Ending;

/// See [`crate::flood`].
const WORK: u64 = 1_750;
const ENTRY: usize = 16;
const TURNS: u32 = 40;
const LATEST: u32 = 25;

/// Which peers and tables somebody is sent: those that are a Loc-RIB, or not; of a view and family.
type Wants<'a> = (&'a dyn Fn(bool) -> bool, &'a dyn Fn(View, Family) -> bool);

impl Relay {
    /// Everybody is there and reads.
    pub(crate) fn all_is_well(&mut self) {
        for router in &mut self.routers {
            router.set_willing(true);
        }
        for station in &mut self.stations {
            station.reads = true;
            station.answer(Answer::Accept { room: 1 << 16 });
        }
    }

    /// What is still missing, if anything.
    pub(crate) fn missing(&mut self, plan: &Plan) -> Option<String> {
        for (number, router) in self.routers.iter_mut().enumerate() {
            if plan.routers[number].present && !router.is_up() {
                return Some(format!("router {} is not up", plan::name(number)));
            }
        }
        let all: Vec<usize> = (0..self.routers.len()).chain([plan::LOCAL]).collect();
        for (number, station) in self.stations.iter().enumerate() {
            for router in &all {
                if Run::is_sent(plan, number, *router) && station.leg(*router).is_none() {
                    return Some(format!(
                        "{} has no leg of router {router}",
                        plan::station(number)
                    ));
                }
            }
        }
        None
    }

    /// Compares what stations have with the model.
    pub(crate) fn compare(&self, plan: &Plan) -> Result<u64, String> {
        let mut compared = 0;
        for (number, station) in self.stations.iter().enumerate() {
            for leg in &station.legs {
                self.leg(plan, number, leg).map_err(|why| {
                    format!("{} leg {}: {why}", plan::station(number), leg.number)
                })?;
                compared += 1;
            }
        }
        Ok(compared)
    }

    fn leg(&self, plan: &Plan, station: usize, leg: &Leg) -> Result<(), String> {
        let Some(number) = leg.router else {
            return match leg.messages {
                0 => Ok(()),
                _ => Err("it has no router".to_owned()),
            };
        };
        if leg.must_end {
            return Err("it was to end".to_owned());
        }
        if !Run::is_sent(plan, station, number) {
            return Err(format!(
                "it carries router {number}, which is not asked for or not configured"
            ));
        }
        let Some(router) = self.routers.get(number) else { return Ok(()) };
        let (known, now) = (&router.known, clock::passed());
        let of = plan::name(number);
        if known.is_uncertain || known.is_hold_almost_over(now) {
            return Ok(());
        }
        if !known.is_present {
            return Err(format!("{of} has left"));
        }
        if self.loses_nothing && leg.initiation != known.initiation {
            return Err(format!("its Initiation is not the last one of {of}"));
        }
        let is_wanted = |view, family| {
            let is_wanted =
                |one: &plan::Session| one.wants_view(view) && one.families.contains(&family);
            leg.session.as_ref().is_some_and(is_wanted)
        };
        let wants_peer =
            |is_loc_rib| leg.session.as_ref().is_some_and(|one| one.wants_peer(is_loc_rib));
        self.peers(&of, known, &leg.peers, (&wants_peer, &is_wanted))?;
        for (identity, model) in &known.peers {
            let Some(of_leg) = leg.peers.get(identity) else { continue };
            // A station that came later is sent it after its dump.
            let mut wanted = model.tables.keys().filter(|(view, family)| is_wanted(*view, *family));
            let is_complete = wanted.all(|table| of_leg.ends.contains(table));
            let may_be_owed = of_leg.report.is_none() && !is_complete;
            let is_certain = self.loses_nothing && model.is_report_certain;
            if is_certain && of_leg.report != model.report && !may_be_owed {
                let peer = model.up.peer.identity();
                return Err(format!(
                    "{of}, peer {peer:?}: its Statistics Report is not the last one"
                ));
            }
        }
        Ok(())
    }

    /// Compares what a consumer believes of the peers of a router with the model.
    pub(crate) fn believed(
        &self,
        number: usize,
        peers: &BTreeMap<Identity, LegPeer>,
    ) -> Result<(), String> {
        let (known, now) = (&self.routers[number].known, clock::passed());
        if known.is_uncertain || known.is_hold_almost_over(now) {
            return Ok(());
        }
        self.peers(&plan::name(number), known, peers, (&|_| true, &|_, _| true))
    }

    fn peers(
        &self,
        of: &str,
        known: &Known,
        peers: &BTreeMap<Identity, LegPeer>,
        (wants_peer, wants_table): Wants<'_>,
    ) -> Result<(), String> {
        for (identity, of_leg) in peers {
            if !known.peers.contains_key(identity) {
                return Err(format!("{of}: it has peer {:?}, which is gone", of_leg.up.0));
            }
        }
        for (identity, model) in &known.peers {
            let is_wanted = wants_peer(identity.router_id.is_some());
            let Some(of_leg) = peers.get(identity).filter(|_| is_wanted) else {
                if !is_wanted || !model.is_confirmed && known.may_end_unconfirmed(clock::passed()) {
                    continue;
                }
                return Err(format!("{of}: it has no peer {:?}", model.up.peer));
            };
            self.peer(of_leg, model, wants_table)
                .map_err(|why| format!("{of}, peer {:?}: {why}", model.up.peer.identity()))?;
        }
        Ok(())
    }

    fn peer(
        &self,
        of_leg: &LegPeer,
        model: &KnownPeer,
        wants_table: &dyn Fn(View, Family) -> bool,
    ) -> Result<(), String> {
        let now = clock::passed();
        if of_leg.up != (model.up.peer, model.up.body.clone()) {
            return Err(format!(
                "its Peer Up is of {:?}, not of {:?}",
                of_leg.up.0.time, model.up.peer.time
            ));
        }
        let mut found = of_leg.routes.clone();
        for ((view, family), table) in &model.tables {
            if !wants_table(*view, *family) {
                continue;
            }
            for (key, route) in &table.routes {
                let may_be_gone = table.perhaps_gone.contains(key)
                    || table.stale.contains(key) && model.may_be_quiet(now);
                match found.remove(&(*view, key.clone())) {
                    Some(other) if other == *route => {}
                    Some(other)
                        if table.other_times.get(key) == Some(&other.time)
                            && other == (Route { time: other.time, ..*route }) => {}
                    None if may_be_gone => {}
                    other => {
                        return Err(format!("{view:?} {key:?} is {route:?}, and it has {other:?}"));
                    }
                }
            }
            let has_ended = of_leg.ends.contains(&(*view, *family));
            if table.ended && !has_ended {
                return Err(format!("it has no End-of-RIB of {view:?} {family}"));
            }
        }
        match found.first_key_value() {
            Some((key, route)) => Err(format!("it has {key:?} {route:?}, which is gone")),
            None => Ok(()),
        }
    }

    fn legs(&self, router: usize) -> BTreeMap<(usize, u64), (u64, u64, u64)> {
        let of_station = |(number, station): (usize, &Station)| {
            let leg = station.leg(router)?;
            Some(((number, leg.number), (leg.messages, leg.announced, leg.repeated)))
        };
        self.stations.iter().enumerate().filter_map(of_station).collect()
    }
}

impl Run {
    /// All routers are silent until nothing is uncertain, and everything is compared.
    pub(crate) async fn silence(&mut self) -> Result<(), String> {
        self.quiet().await?;
        self.wait(QUIET_MAX + Duration::from_secs(1)).await?;
        self.quiet().await?;
        self.count.add("silences", 1);
        Ok(())
    }

    /// A router is away for less than its hold-time: meanwhile its legs are sent nothing, and then what is different.
    pub(super) async fn away(&mut self, number: usize, ending: Ending) -> Result<(), String> {
        self.silence().await?;
        let (Some(relay), Some(plan)) = (&mut self.relay, &self.plan.relay) else { return Ok(()) };
        let time = hold(plan, number);
        let router = &mut relay.routers[number];
        if !router.is_up()
            || !router.willing
            || router.known.is_uncertain
            || time < Duration::from_secs(4)
        {
            return Ok(());
        }
        let same = |known: &Known| (known.presence, known.late_returns);
        let before_it_went = same(&router.known);
        let before = relay.legs(number);
        relay.routers[number].set_willing(false);
        let Relay { routers, random, .. } = relay;
        routers[number].end(random, ending);
        self.wait(time / 3).await?;
        let Some(relay) = &mut self.relay else { return Ok(()) };
        let legs = relay.legs(number);
        let others = before.iter().find(|(leg, counts)| legs.get(*leg) != Some(*counts));
        if let Some((leg, _)) = others {
            return Err(format!(
                "{} is away, and leg {leg:?} is sent something, or ends",
                plan::name(number)
            ));
        }
        let Relay { routers, random, next_mark, .. } = relay;
        let updates = random.below(6);
        for _ in 0..updates {
            routers[number].update(random, next_mark);
        }
        routers[number].set_willing(true);
        self.silence().await?;
        let Some(relay) = &mut self.relay else { return Ok(()) };
        let router = &mut relay.routers[number];
        if !router.is_up() || same(&router.known) != before_it_went {
            // One that bmpd connects to may be too late.
            return Ok(());
        }
        let legs = relay.legs(number);
        for (leg, (_, announced, repeated)) in &before {
            let Some((_, announced_now, repeated_now)) = legs.get(leg) else {
                return Err(format!(
                    "leg {leg:?} has ended, and {} was back in time",
                    plan::name(number)
                ));
            };
            let again = repeated_now - repeated;
            self.count.add("routes sent to legs after a hold", announced_now - announced);
            if again > 0 {
                return Err(format!("leg {leg:?} is sent {again} routes that it has"));
            }
        }
        self.count.add("holds", 1);
        Ok(())
    }

    /// A router floods bmpd until a route of another one has reached the stations.
    pub(super) async fn flood_of_router(&mut self, hostile: usize) -> Result<(), String> {
        self.silence().await?;
        let segment = self.segment;
        let Some(relay) = &mut self.relay else { return Ok(()) };
        let up = |number: &usize, relay: &mut Relay| relay.routers[*number].is_up();
        if !up(&hostile, relay) {
            return Ok(());
        }
        let others = (0..relay.routers.len()).filter(|number| *number != hostile);
        let others: Vec<usize> = others.filter(|number| up(number, relay)).collect();
        let Some(healthy) = others.first().copied() else { return Ok(()) };
        self.count.add("floods of routers", 1);
        let mut said_at = 2;
        let mut said = None;
        simulation::take_work();
        for turn in 0..TURNS {
            let Some(relay) = &mut self.relay else { return Ok(()) };
            let Relay { routers, random, next_mark, .. } = relay;
            while routers[hostile].waiting() < 1_500 {
                if !routers[hostile].update(random, next_mark) {
                    return Ok(());
                }
            }
            if turn == said_at {
                *next_mark += 1;
                said = routers[healthy].draw_announcement(random, *next_mark);
                let Some((number, header, said)) = said.clone() else { return Ok(()) };
                routers[healthy].announce(random, number, header, said);
            }
            tokio::task::yield_now().await;
            let work = simulation::take_work();
            if work > WORK + (segment / ENTRY) as u64 {
                return Err(format!("{work} entries were worked on before others had their turn"));
            }
            self.turn().await?;
            let (Some(relay), Some((_, header, said))) = (&self.relay, &said) else { continue };
            let is_there = |station: &Station| {
                let Some(leg) = station.leg(healthy).filter(|leg| leg.end.room() >= 1 << 16) else {
                    return true;
                };
                let session = leg.session.as_ref();
                let is_wanted = session.is_some_and(|one| {
                    one.wants_view(header.view()) && one.families.contains(&said.family)
                });
                let Some(peer) = leg.peers.get(&header.identity()).filter(|_| is_wanted) else {
                    return true;
                };
                let has = |key: &crate::route::Key| {
                    peer.routes
                        .get(&(header.view(), key.clone()))
                        .is_some_and(|route| route.mark == said.mark)
                };
                said.announced.iter().all(has)
            };
            if relay.stations.iter().all(is_there) {
                said_at = turn + 1;
            } else if turn > said_at + LATEST {
                return Err(format!(
                    "while {} floods, a route of {} is not with every station in {LATEST} turns",
                    plan::name(hostile),
                    plan::name(healthy)
                ));
            }
        }
        Ok(())
    }
}
