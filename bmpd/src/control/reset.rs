//! `reset session`.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use shared::names::{LegId, Selector, SessionId};
use shared::request::{
    Condition, Level, Operation, ResetSession, STAGGER_MAX, WhichLegs, WhichSessions,
};
use shared::response::{Done, Failure, ResetOutcome, ResetPlan, Response, SessionState};
use tokio::sync::{RwLockReadGuard, mpsc};
use tokio::time::Instant;

use super::follow::{self, Followed, Reported};
use super::record;
use crate::access::Caller;
use crate::config::Config;
use crate::sinks::station::{Leg, Parameters, Session};
use crate::world::Taken;
use crate::world::{Purpose, Reading, World, all};

/// Reads the configuration again and, if it is valid, resets the legs of the selected sessions: all at once, or with a
/// stagger (ms) one after another in the order of their ids. Every answer goes to `answers`; the reset continues if the client does
/// not read or has disconnected.
///
/// With `follow` the answers continue until every session that was reset has reached an outcome.
///
/// The file is read once: every selected session gets its content, but those whose turn comes after a reload get what
/// that has read. A session that is pending in an older reset is taken over by this one ([`super::staggered`]).
///
/// The caller is authorized again at each turn: once a reload has revoked its level, nothing more is reset.
pub(super) async fn session(
    reset: ResetSession,
    caller: &Caller,
    world: Arc<World>,
    answers: mpsc::Sender<Response>,
) {
    let command = Operation::ResetSession(reset.clone());
    let ResetSession { legs, stagger, follow } = reset;
    let record = |outcome| record::command(&world.events, caller, &command.to_string(), outcome);
    let Begun { selected, without, skipped, read, order } = match begin(&legs, caller, &world).await
    {
        Ok(begun) => begun,
        Err(failure) => {
            record(Err(crate::world::refusal(&failure)));
            let _ = answers.send(Response::Failed(failure)).await;
            return;
        }
    };
    // Reports are queued here until the client reads them, without delaying the reset: there is one outcome of each
    // session at most.
    let (reported, outcomes) = mpsc::unbounded_channel();
    match follow {
        true => drop(tokio::spawn(follow::run(outcomes, Arc::clone(&world), answers))),
        false => drop(tokio::spawn(follow::forward(outcomes, answers))),
    }
    let (by, caller) = (caller.to_string(), caller.clone());
    let skips = skipped.len();
    let skipped = Mutex::new(skipped);
    let without = Mutex::new(without);
    let reset = Arc::new(Reset {
        caller,
        by,
        follow,
        world: Arc::clone(&world),
        skipped,
        without,
        reported,
    });
    if stagger > 0 && selected.len() > 1 {
        let stagger = Duration::from_millis(stagger.min(STAGGER_MAX));
        record(reset.one_after_another(selected, skips, read, stagger, order).await);
    } else {
        let outcomes = reset.all_at_once(selected, read, order).await;
        // Recorded before the client receives the last answer.
        record(Sum::of(&outcomes, skips).outcome());
        reset.report(outcomes, 0);
    }
}

/// The level that a reset needs.
const NEEDED: Level = Level::Configuration;

/// What a reset starts with.
struct Begun<'a> {
    /// The legs that are to be reset.
    selected: Vec<Leg>,
    /// Selected sessions of which no leg can be reset, with the reason.
    without: Vec<ResetOutcome>,
    /// Those that `all` skips.
    skipped: Vec<SessionId>,
    /// The content of the file.
    read: Reading,
    /// No reload intervenes while it is held.
    order: RwLockReadGuard<'a, ()>,
}

async fn begin<'a>(
    legs: &WhichLegs,
    caller: &Caller,
    world: &'a World,
) -> Result<Begun<'a>, Failure> {
    let read = world.read_config(Purpose::Act).await?;
    // A reload waits until the commands are sent, and vice versa.
    let order = world.begin_reset().await;
    super::still_permitted(NEEDED, caller, world).await?;
    let read = world.newest(read);
    let selected = world.select(&legs.sessions.selector);
    let selected = selected.map_err(|failure| with_file(failure, &read.config, world))?;
    let (sessions, skipped) = wanted(selected, &legs.sessions, &read).await;
    // A reset that is refused changes nothing.
    let (selected, without) = legs_of(&sessions, legs, world).await?;
    for session in &sessions {
        // Legs that begin later have them, too.
        if is_reset(session, &selected, &legs.sessions.condition)
            && let Some(parameters) = parameters(session.id(), &read)
        {
            session.prepare(&parameters, read.begun.steady());
        }
    }
    let without = without.into_iter().map(|(id, why)| ResetOutcome { id, result: Err(why) });
    Ok(Begun { selected, without: without.collect(), skipped, read, order })
}

/// One reset: its caller, and where its answers go.
struct Reset {
    caller: Caller,
    by: String,
    follow: bool,
    world: Arc<World>,
    /// Those that `all` skips, until they are reported.
    skipped: Mutex<Vec<SessionId>>,
    /// What cannot be reset, until it is reported.
    without: Mutex<Vec<ResetOutcome>>,
    reported: mpsc::UnboundedSender<Reported>,
}

impl Reset {
    async fn all_at_once(
        self: &Arc<Self>,
        selected: Vec<Leg>,
        read: Reading,
        order: RwLockReadGuard<'_, ()>,
    ) -> Vec<ResetOutcome> {
        let ids = ids(selected.iter().filter(|leg| is_in(&read, leg)));
        let read = self.world.staggered.take_over(&ids, &self.by, read);
        let resets = selected.into_iter().map(|leg| {
            let (reset, read) = (Arc::clone(self), read.clone());
            async move { reset.one(leg, &read).await }
        });
        let mut outcomes = std::mem::take(&mut *self.without.lock());
        outcomes.extend(all(resets).await);
        drop(order);
        outcomes
    }

    /// Returns the result, for the record. It ends early when a newer one has taken over all its pending sessions, or
    /// its caller is no longer authorized.
    async fn one_after_another(
        &self,
        selected: Vec<Leg>,
        skips: usize,
        read: Reading,
        stagger: Duration,
        order: RwLockReadGuard<'_, ()>,
    ) -> Result<String, String> {
        let all = selected.len();
        // An older one may still reset what this one cannot.
        let (selected, gone): (Vec<_>, Vec<_>) =
            selected.into_iter().partition(|leg| is_in(&read, leg));
        let under_way = self.world.staggered.begin(&ids(&selected), &self.by, read, stagger);
        drop(order);
        let mut sum = Sum { skipped: skips, ..Sum::default() };
        let mut outcomes = std::mem::take(&mut *self.without.lock());
        let outcome = |id| ResetOutcome { id, result: Err(no_longer_configured(&self.world)) };
        outcomes.extend(ids(&gone).into_iter().map(outcome));
        if !outcomes.is_empty() {
            sum.add(&outcomes);
            self.report(outcomes, under_way.left() as u32);
        }
        let mut turn = Box::pin(tokio::time::sleep(Duration::ZERO));
        let mut revoked = Box::pin(self.world.access.revoked(self.caller.peer(), NEEDED));
        let (failure, why) = loop {
            if under_way.left() == 0 {
                return sum.outcome();
            }
            let outcomes = tokio::select! {
                biased;
                () = self.world.stopping() => break (Failure::Stopping, "bmpd stopped"),
                caller = &mut revoked => {
                    break (super::not_permitted(NEEDED, &caller, &self.world).await, NO_LONGER);
                }
                taken = under_way.taken() => taken.into_iter().map(superseded).collect(),
                () = &mut turn => {
                    let order = self.world.begin_reset().await;
                    let permitted = super::still_permitted(NEEDED, &self.caller, &self.world).await;
                    if let Err(failure) = permitted {
                        break (failure, NO_LONGER);
                    }
                    let Some(id) = under_way.next() else { continue };
                    let outcome = match self.world.leg(&id) {
                        Some(leg) => self.one(leg, &self.world.newest(under_way.read())).await,
                        None => ResetOutcome {
                            id,
                            result: Err("it was removed meanwhile".to_owned()),
                        },
                    };
                    drop(order);
                    turn.as_mut().reset(Instant::now() + stagger);
                    vec![outcome]
                }
            };
            sum.add(&outcomes);
            self.report(outcomes, under_way.left() as u32);
        };
        let _ =
            self.reported.send(Reported { response: Response::Failed(failure), begun: Vec::new() });
        Err(format!("{why} after {} of {}", sum.all, sessions(all)))
    }

    async fn one(&self, leg: Leg, read: &Reading) -> ResetOutcome {
        let result = match parameters(&leg.id().session, read) {
            None => Err(no_longer_configured(&self.world)),
            Some(parameters) => {
                let (read_at, by) = (read.begun.steady(), self.by.clone());
                match leg.reset(parameters, read_at, by).await {
                    Some(result) => result.map(Done::Reset),
                    None => Err("bmpd is stopping".to_owned()),
                }
            }
        };
        ResetOutcome { id: leg.id().clone(), result }
    }

    fn report(&self, outcomes: Vec<ResetOutcome>, to_come: u32) {
        let begun = outcomes.iter().filter(|_| self.follow).filter_map(|outcome| {
            let Ok(Done::Reset(done)) = &outcome.result else { return None };
            Some(Followed::new(self.world.leg(&outcome.id)?, done.generation))
        });
        let begun = begun.collect();
        let skipped = std::mem::take(&mut *self.skipped.lock());
        let response = Response::Reset { outcomes, to_come, skipped };
        let _ = self.reported.send(Reported { response, begun });
    }
}

/// Why a reset has ended whose caller is no longer authorized.
const NO_LONGER: &str = "its caller may no longer reset, so it ended";

/// A newer reset has taken over this session.
fn superseded(Taken { id, by }: Taken) -> ResetOutcome {
    ResetOutcome { id, result: Ok(Done::SupersededBy { by }) }
}

fn ids<'a>(legs: impl IntoIterator<Item = &'a Leg>) -> Vec<LegId> {
    legs.into_iter().map(|leg| leg.id().clone()).collect()
}

/// Legs that cannot be reset, with the reason: a sentence for people.
type Without = Vec<(LegId, String)>;

/// True if the session is reset: with a condition those are that have a leg for which it holds.
fn is_reset(session: &Session, legs: &[Leg], condition: &Condition) -> bool {
    condition.is_none() || legs.iter().any(|leg| leg.id().session == *session.id())
}

/// The legs of these sessions that can be reset, and those that cannot, or a session without any.
/// A leg whose router is not there is left out unless it is asked for.
async fn legs_of(
    sessions: &[Session],
    WhichLegs { router, sessions: WhichSessions { selector, condition } }: &WhichLegs,
    world: &World,
) -> Result<(Vec<Leg>, Without), Failure> {
    if let Some(router) = router {
        world.router_exists(router)?;
    }
    let (mut found, mut without) = (Vec::new(), Vec::new());
    for session in sessions {
        let legs = session.legs();
        let named = |leg: &Leg| router.as_ref().is_none_or(|router| leg.id().router == *router);
        let legs: Vec<Leg> = legs.into_iter().filter(named).collect();
        let there = legs.iter().filter(|leg| leg.has_router()).count();
        // Of all sessions those count that are sent the router.
        let is_left_out =
            router.is_some() && legs.is_empty() && matches!(selector, Selector::All { .. });
        if there == 0 && !is_left_out {
            let why = match (router, legs.is_empty()) {
                (Some(_), true) => "its monitor does not select this router",
                (Some(_), false) => "the router is not connected: there is nothing to send",
                (None, _) => "no router that it is to be sent is connected: see bmpctl show router",
            };
            let router = router.clone().unwrap_or_default();
            without.push((LegId { session: session.id().clone(), router }, why.to_owned()));
        }
        found.extend(legs.into_iter().filter(Leg::has_router));
    }
    if !condition.is_none() {
        // What has nothing to reset is in no condition.
        return Ok((in_condition(found, condition).await, Vec::new()));
    }
    Ok((found, without))
}

/// Those of the legs for which the condition holds; one that has stopped is in none.
async fn in_condition(legs: Vec<Leg>, condition: &Condition) -> Vec<Leg> {
    let asked = legs.into_iter().map(|leg| {
        let condition = condition.clone();
        async move {
            let report = leg.report(false).await?;
            report.is_in(&condition).then_some(leg)
        }
    });
    all(asked).await.into_iter().flatten().collect()
}

/// Reads the configuration and reports what a reset of the selected sessions would do. Nothing is changed.
pub(super) async fn plan(which: &WhichLegs, world: &World) -> Response {
    let selector = &which.sessions.selector;
    let read = match world.read_config(Purpose::Plan).await {
        Ok(read) => world.newest(read),
        Err(failure) => return Response::Failed(failure),
    };
    let selected = match world.select(selector) {
        Ok(selected) => selected,
        Err(failure) => return Response::Failed(with_file(failure, &read.config, world)),
    };
    let (selected, skipped) = wanted(selected, &which.sessions, &read).await;
    let (legs, without) = match legs_of(&selected, which, world).await {
        Ok(legs) => legs,
        Err(failure) => return Response::Failed(failure),
    };
    let without = without.into_iter().map(|(id, why)| ResetPlan { id, result: Err(why) });
    let mut plans: Vec<ResetPlan> = without.collect();
    for leg in legs {
        let result = match parameters(&leg.id().session, &read) {
            None => Err(no_longer_configured(world)),
            Some(parameters) => match leg.plan(parameters).await {
                Some(result) => result,
                // It may have ended since.
                None if world.leg(leg.id()).is_none() => continue,
                None => return Response::Failed(Failure::Stopping),
            },
        };
        plans.push(ResetPlan { id: leg.id().clone(), result });
    }
    Response::ResetPlan { plans, skipped }
}

/// The sessions that a reset is for, and those that `all` skips: they are shut down and remain so, as the file says,
/// which is no failure. A reset of such a session by its name is one, unless it has a condition.
async fn wanted(
    selected: Vec<Session>,
    WhichSessions { selector, condition }: &WhichSessions,
    read: &Reading,
) -> (Vec<Session>, Vec<SessionId>) {
    let is_named = matches!(selector, Selector::One(_) | Selector::Several(_));
    if is_named || !condition.is_none() {
        return (selected, Vec::new());
    }
    let (mut wanted, mut skipped) = (Vec::with_capacity(selected.len()), Vec::new());
    for session in selected {
        let stays = parameters(session.id(), read).is_some_and(|file| file.session.shutdown)
            && session.state().await == Some(SessionState::Shutdown);
        match stays {
            true => skipped.push(session.id().clone()),
            false => wanted.push(session),
        }
    }
    (wanted, skipped)
}

/// How many sessions there were, how many of them were not reset, how many a newer reset has taken over, and how many
/// more were skipped.
#[derive(Debug, Default)]
struct Sum {
    all: usize,
    failed: usize,
    left: usize,
    skipped: usize,
}

impl Sum {
    fn of(outcomes: &[ResetOutcome], skipped: usize) -> Self {
        let mut sum = Self { skipped, ..Self::default() };
        sum.add(outcomes);
        sum
    }

    fn add(&mut self, outcomes: &[ResetOutcome]) {
        self.all += outcomes.len();
        for outcome in outcomes {
            match &outcome.result {
                Ok(Done::Reset(_)) => {}
                Ok(Done::SupersededBy { .. }) => self.left += 1,
                Err(_) => self.failed += 1,
            }
        }
    }

    /// As the record has it.
    fn outcome(&self) -> Result<String, String> {
        let all = sessions(self.all);
        let skipped = match self.skipped {
            0 => String::new(),
            count => format!("; {} in Shutdown skipped", sessions(count)),
        };
        match (self.failed, self.left) {
            (0, 0) => Ok(format!("{all}{skipped}")),
            (0, left) => Ok(format!("{all}, {left} of them superseded by a newer reset{skipped}")),
            (failed, _) => Err(format!("{failed} of {all} were not reset{skipped}")),
        }
    }
}

fn sessions(count: usize) -> String {
    if count == 1 { "1 session".to_owned() } else { format!("{count} sessions") }
}

/// A session that is in the file must not be reported as nonexistent.
fn with_file(failure: Failure, config: &Config, world: &World) -> Failure {
    match failure {
        Failure::NoSuchSession { selector, existing, .. } => {
            let configured = config.sessions.iter().any(|session| selector.matches(&session.id));
            let configured_in = configured.then(|| world.config_path().display().to_string());
            Failure::NoSuchSession { selector, existing, configured_in }
        }
        other => other,
    }
}

fn is_in(read: &Reading, leg: &Leg) -> bool {
    parameters(&leg.id().session, read).is_some()
}

/// The parameters of a session in the file.
fn parameters(id: &SessionId, read: &Reading) -> Option<Parameters> {
    read.config.sessions.iter().find(|found| found.id == *id).map(|found| read.parameters(found))
}

/// Why it cannot be reset.
pub(super) fn no_longer_configured(world: &World) -> String {
    format!(
        "it is no longer in {}: it continues with its old parameters until bmpctl reload ends it",
        world.config_path().display()
    )
}
