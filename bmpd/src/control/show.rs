//! `show session`, `show router`, `show publisher`, `show neighbor`, `show vpn-instance` and `show statistics`.
//!
//! Tasks answer concurrently: a busy session delays its own answer only. Sessions and neighbors are queried some at a
//! time, a part of the report each ([`super::answer`]).

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use shared::event::Event;
use shared::frame::FrameError;
use shared::names::{PublisherName, RouterId, Selector, SessionId, VpnInstanceName};
use shared::request::{Condition, ShowEvents, WhichNeighbors, WhichSessions};
use shared::response::{
    Failure, History, NeighborState, Response, SessionReport, VpnInstanceReport,
};

use super::answer::{Answer, PART};
use crate::config::{Place, listening, route_distinguisher};
use crate::events::Shown;
use crate::host;
use crate::sinks::kafka::Publisher;
use crate::sinks::station::Session;
use crate::world::{World, all, described, neighbors, routes};

/// The answer of each selected session, but for those that a reload has ended meanwhile. Without sessions the answer is
/// empty.
pub(super) async fn sessions<T, F>(
    selector: &Selector,
    world: &World,
    ask: impl Fn(Session) -> F,
) -> Result<Vec<T>, Failure>
where
    T: Send + 'static,
    F: Future<Output = Option<T>> + Send + 'static,
{
    let selected = match world.select(selector) {
        Ok(selected) => selected,
        Err(Failure::NoSuchSession { existing, .. })
            if existing.is_empty() && *selector == (Selector::All { vpn_instance: None }) =>
        {
            return Ok(Vec::new());
        }
        Err(failure) => return Err(failure),
    };
    answered(selected, world, ask).await
}

/// The answer of each of these sessions, but for those that a reload has ended meanwhile.
async fn answered<T, F>(
    asked: Vec<Session>,
    world: &World,
    ask: impl Fn(Session) -> F,
) -> Result<Vec<T>, Failure>
where
    T: Send + 'static,
    F: Future<Output = Option<T>> + Send + 'static,
{
    let answers = all(asked.iter().cloned().map(ask)).await;
    let mut found = Vec::with_capacity(answers.len());
    for (session, answer) in asked.iter().zip(answers) {
        match answer {
            Some(answer) => found.push(answer),
            None if world.session(session.id()).is_none() => {}
            None => return Err(Failure::Stopping),
        }
    }
    Ok(found)
}

/// Reports on the selected sessions, some at a time; `part` makes a part of the report from their answers.
async fn report<T, F>(
    selector: &Selector,
    world: &World,
    answer: &Answer<'_>,
    ask: impl Fn(Session) -> F,
    part: impl Fn(Vec<T>) -> Response,
) -> Result<(), FrameError>
where
    T: Send + 'static,
    F: Future<Output = Option<T>> + Send + 'static,
{
    let mut last: Option<SessionId> = None;
    loop {
        // Ids rather than handles: only one name is held for a client that reads slowly.
        let some = world.select_after(selector, last.as_ref(), PART);
        let Some(end) = some.last().map(|session| session.id().clone()) else { break };
        let asked = some.len();
        let described =
            async { answered(some, world, &ask).await.map_or_else(Response::Failed, &part) };
        if asked < PART {
            return answer.whole(described).await;
        }
        if !answer.part(described).await? {
            return Ok(());
        }
        last = Some(end);
    }
    // There is none, or none after those that were reported.
    let rest = async {
        match last {
            Some(_) => part(Vec::new()),
            None => sessions(selector, world, ask).await.map_or_else(Response::Failed, part),
        }
    };
    answer.whole(rest).await
}

/// Describes the selected sessions.
pub(super) async fn session(
    WhichSessions { selector, condition }: &WhichSessions,
    world: &World,
    answer: &Answer<'_>,
) -> Result<(), FrameError> {
    // The answer for all sessions must not grow with every neighbor of each.
    let detailed = matches!(selector, Selector::One(_));
    let ask = |session: Session| async move { session.report(detailed).await };
    let part = |mut reports: Vec<SessionReport>| {
        reports.retain(|report| report.is_in(condition));
        Response::Sessions(reports)
    };
    report(selector, world, answer, ask, part).await
}

/// Describes all routers, or one with its peers.
pub(super) async fn router(
    which: Option<RouterId>,
    world: &World,
    answer: &Answer<'_>,
) -> Result<(), FrameError> {
    if let Some(router) = &which
        && let Err(failure) = world.router_exists(router)
    {
        return answer.whole(async { Response::Failed(failure) }).await;
    }
    let names = which.clone().map_or_else(|| world.router_names(), |router| vec![router]);
    let detailed = which.is_some();
    let part = |some: Vec<RouterId>| async move {
        let reports = some.iter().map(|id| world.routers(Some(id), detailed));
        Response::Routers(all(reports).await.into_iter().flatten().collect())
    };
    answer.parts(names, part).await
}

/// Describes all publishers, or one with the routers that it publishes.
pub(super) async fn publisher(
    which: Option<PublisherName>,
    world: &World,
    answer: &Answer<'_>,
) -> Result<(), FrameError> {
    let selected = match world.select_publishers(which.as_ref()) {
        Ok(selected) => selected,
        Err(failure) => return answer.whole(async { Response::Failed(failure) }).await,
    };
    let detailed = which.is_some();
    let part = |some: Vec<Publisher>| async move {
        let reports = all(some.iter().map(|publisher| publisher.report(detailed))).await;
        let mut found = Vec::with_capacity(reports.len());
        for (publisher, report) in some.iter().zip(reports) {
            match report {
                Some(report) => found.push(report),
                // A reload has removed it meanwhile.
                None if world.select_publishers(Some(publisher.name())).is_err() => {}
                None => return Response::Failed(Failure::Stopping),
            }
        }
        Response::Publishers(found)
    };
    answer.parts(selected, part).await
}

/// Reports what has happened, some events at a time; fails if they are to be about something that is not there, and was not.
pub(super) async fn event(
    show: &ShowEvents,
    world: &World,
    answer: &Answer<'_>,
) -> Result<(), FrameError> {
    let shown = match answer.prepare(async { world.select_events(show) }).await {
        Ok(shown) => shown,
        Err(failure) => return answer.whole(async { Response::Failed(failure) }).await,
    };
    let Shown { events, last, dropped } = shown;
    let part = |some: Vec<Arc<Event>>| async move {
        let events = some.into_iter().map(Arc::unwrap_or_clone).collect();
        Response::History(History { events, last, dropped })
    };
    answer.parts(events, part).await
}

/// Reports what the selected sessions have counted.
pub(super) async fn statistics(
    WhichSessions { selector, condition }: &WhichSessions,
    world: &World,
    answer: &Answer<'_>,
) -> Result<(), FrameError> {
    let ask = |session: Session| {
        let condition = condition.clone();
        async move {
            match is_in(&session, &condition).await? {
                true => session.statistics().await.map(Some),
                false => Some(None),
            }
        }
    };
    let part = |counted: Vec<_>| Response::Statistics(counted.into_iter().flatten().collect());
    report(selector, world, answer, ask, part).await
}

/// True if the condition holds for the session; `None` if it has stopped.
pub(super) async fn is_in(session: &Session, condition: &Condition) -> Option<bool> {
    if condition.is_none() {
        return Some(true);
    }
    session.report(false).await.map(|report| report.is_in(condition))
}

/// Timeout of the check whether a network namespace exists.
const LOOK_TIMEOUT: Duration = Duration::from_secs(2);

/// Describes all neighbors, or those with this address or of this instance.
pub(super) async fn neighbor(
    which: WhichNeighbors,
    world: &World,
    answer: &Answer<'_>,
) -> Result<(), FrameError> {
    let found = answer.prepare(async { world.select_neighbors(&which) });
    let found = match found.await {
        Ok(found) => found,
        Err(failure) => return answer.whole(async { Response::Failed(failure) }).await,
    };
    // They are in the first part.
    let prefixes = Mutex::new(world.select_prefixes(&which));
    let part = |some| {
        let prefixes = std::mem::take(&mut *prefixes.lock());
        async move { Response::Neighbors { neighbors: described(some, true).await, prefixes } }
    };
    answer.parts(found, part).await
}

/// Describes the VPN instances, the public one first, or the one of this name.
pub(super) async fn vpn_instance(name: Option<VpnInstanceName>, world: &World) -> Response {
    let config = world.config();
    let named = config.vpn_instances.iter().map(|instance| {
        let distinguisher = instance.route_distinguisher.map(route_distinguisher);
        (Some(instance.name.clone()), instance.place.clone(), distinguisher)
    });
    let mut instances: Vec<_> = std::iter::once((None, Place::Public, None)).chain(named).collect();
    if let Some(name) = name {
        instances.retain(|(found, ..)| found.as_ref() == Some(&name));
        if instances.is_empty() {
            let existing = config.vpn_instances.iter().map(|instance| instance.name.clone());
            let existing = existing.collect();
            return Response::Failed(Failure::NoSuchVpnInstance { name, existing });
        }
    }
    let listening: Vec<_> = instances.iter().map(|(name, ..)| listening(&config, name)).collect();
    drop(config);

    let wanted = |of: &Option<VpnInstanceName>| instances.iter().any(|(name, ..)| name == of);
    let sessions =
        world.sessions().into_iter().filter(|session| wanted(&session.id().vpn_instance));
    let sessions = all(sessions
        .map(|session| async move { (session.id().vpn_instance.clone(), session.state().await) }))
    .await;
    let neighbors = neighbors(world, false, |id| wanted(&id.vpn_instance)).await;
    let places: Vec<Place> = instances.iter().map(|(_, place, _)| place.clone()).collect();
    // A namespace can be on a file system that does not answer.
    let look = move || places.iter().map(is_present).collect::<Vec<_>>();
    let Some(present) = host::within(LOOK_TIMEOUT, look).await else {
        let text = format!(
            "the system did not say in {} s whether the network namespaces are there",
            LOOK_TIMEOUT.as_secs()
        );
        return Response::Failed(Failure::Other(text));
    };
    let described = instances.into_iter().zip(listening).zip(present);
    let reports = described.map(|(((name, place, route_distinguisher), listen), present)| {
        let states =
            || sessions.iter().filter(|(of, _)| *of == name).filter_map(|(_, state)| *state);
        let peers = || neighbors.iter().filter(|neighbor| neighbor.id.vpn_instance == name);
        VpnInstanceReport {
            place: place.to_string(),
            present,
            route_distinguisher,
            table_name: name.as_ref().map(ToString::to_string),
            listen,
            sessions: states().count() as u32,
            sessions_up: states().filter(|state| state.is_up()).count() as u32,
            neighbors: peers().count() as u32,
            neighbors_up: peers().filter(|peer| peer.state == NeighborState::Established).count()
                as u32,
            routes: peers().map(routes).sum(),
            name,
        }
    });
    Response::VpnInstances(reports.collect())
}

/// True if the device or namespace of an instance exists now.
fn is_present(place: &Place) -> bool {
    match place {
        Place::Public => true,
        Place::Device(device) => Path::new("/sys/class/net").join(device).exists(),
        Place::Namespace(path) => path.exists(),
    }
}
