//! `reset session`.

use std::sync::Arc;
use std::time::Duration;

use shared::names::{Selector, SessionId};
use shared::request::{Request, STAGGER_MAX};
use shared::response::{Failure, ResetOutcome, ResetPlan, Response, SessionState};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::caller::Caller;
use super::follow::{self, Followed, Told};
use super::record;
use crate::config::Config;
use crate::daemon::World;
use crate::session::{Parameters, Session};

/// Reads the configuration again and, if it is good, resets the selected sessions: all at once, or with
/// a stagger (ms) one after another in the order of their ids. Every answer goes to `answers`; that
/// nobody takes them, or listens any more, stops nothing.
///
/// With `follow` the answers go on until every session that was reset has come to an end.
///
/// The file is read once: what it holds then is what every selected session gets, but for those whose
/// turn comes after a reload: they get what that has read.
pub(super) async fn session(
    selector: Selector,
    stagger: u64,
    follow: bool,
    caller: &Caller,
    world: Arc<World>,
    answers: mpsc::Sender<Response>,
) {
    let command = Request::ResetSession { selector: selector.clone(), stagger, follow: false };
    let record = |outcome| record::command(&world.events, caller, &command.to_string(), outcome);
    // A reload waits until the orders are given, and the other way round.
    let order = world.begin_reset().await;
    let read_at = Instant::now();
    let config = match world.read_config().await {
        Ok(config) => config,
        Err(failure) => {
            record(Err(crate::daemon::refusal(&failure)));
            let _ = answers.send(Response::Failed(failure)).await;
            return;
        }
    };
    let selected = match world.select(&selector) {
        Ok(selected) => selected,
        Err(failure) => {
            let failure = with_file(failure, &config, &world);
            record(Err(crate::daemon::refusal(&failure)));
            let _ = answers.send(Response::Failed(failure)).await;
            return;
        }
    };
    let selected = wanted(selected, &selector, &config).await;
    let by = caller.to_string();
    // What is told here waits for its reader there, and nobody waits for that: there is one outcome of each
    // session at most.
    let (told, outcomes) = mpsc::unbounded_channel();
    match follow {
        true => drop(tokio::spawn(follow::run(outcomes, Arc::clone(&world), answers))),
        false => drop(tokio::spawn(follow::forward(outcomes, answers))),
    }
    let tell = |outcomes: Vec<ResetOutcome>, to_come| {
        let begun = outcomes.iter().filter_map(|outcome| {
            let done = outcome.result.as_ref().ok()?;
            Some(Followed::new(world.session(&outcome.id)?, done.generation))
        });
        let begun = if follow { begun.collect() } else { Vec::new() };
        let _ = told.send(Told { response: Response::Reset { outcomes, to_come }, begun });
    };
    let fail = |failure| {
        let _ = told.send(Told { response: Response::Failed(failure), begun: Vec::new() });
    };
    if stagger == 0 {
        let resets: Vec<_> = selected
            .into_iter()
            .map(|session| {
                let parameters = parameters(session.id(), &config);
                tokio::spawn(one(session, parameters, read_at, Arc::clone(&world), by.clone()))
            })
            .collect();
        let mut outcomes = Vec::with_capacity(resets.len());
        for reset in resets {
            match reset.await {
                Ok(outcome) => outcomes.push(outcome),
                Err(error) => return fail(Failure::Other(error.to_string())),
            }
        }
        drop(order);
        let failed = outcomes.iter().filter(|outcome| outcome.result.is_err()).count();
        record(summary(outcomes.len(), failed));
        return tell(outcomes, 0);
    }
    drop(order);
    let ids: Vec<SessionId> = selected.iter().map(|session| session.id().clone()).collect();
    let pause = Duration::from_millis(stagger.min(STAGGER_MAX));
    let mut failed = 0;
    for (rank, id) in ids.iter().enumerate() {
        if rank > 0 {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = world.stopping() => {
                    record(Err(format!("bmpd stopped after {rank} of {}", sessions(ids.len()))));
                    return fail(Failure::Stopping);
                }
            }
        }
        let order = world.begin_reset().await;
        let outcome = match world.session(id) {
            Some(session) => {
                let parameters = parameters(id, &config);
                one(session, parameters, read_at, Arc::clone(&world), by.clone()).await
            }
            None => ResetOutcome {
                id: id.clone(),
                result: Err("it was removed by a reload meanwhile".to_owned()),
            },
        };
        drop(order);
        failed += usize::from(outcome.result.is_err());
        tell(vec![outcome], (ids.len() - 1 - rank) as u32);
    }
    record(summary(ids.len(), failed));
}

/// Reads the configuration and says what a reset of the selected sessions would do. Nothing is changed.
pub(super) async fn plan(selector: &Selector, world: &World) -> Response {
    let config = match world.read_config().await {
        Ok(config) => config,
        Err(failure) => return Response::Failed(failure),
    };
    let selected = match world.select(selector) {
        Ok(selected) => selected,
        Err(failure) => return Response::Failed(with_file(failure, &config, world)),
    };
    let selected = wanted(selected, selector, &config).await;
    let mut plans = Vec::with_capacity(selected.len());
    for session in selected {
        let result = match parameters(session.id(), &config) {
            None => Err(gone(world)),
            Some(parameters) => match session.plan(parameters).await {
                Some(result) => result,
                // A reload may have ended it since.
                None if world.session(session.id()).is_none() => continue,
                None => return Response::Failed(Failure::Stopping),
            },
        };
        plans.push(ResetPlan { id: session.id().clone(), result });
    }
    Response::ResetPlan(plans)
}

/// The sessions that a reset is for. `all` leaves out those that are shut down and are to stay so: who has
/// configured that must not be told of a failure each time. By its name such a session is one.
async fn wanted(selected: Vec<Session>, selector: &Selector, config: &Config) -> Vec<Session> {
    if matches!(selector, Selector::One(_)) {
        return selected;
    }
    let mut wanted = Vec::with_capacity(selected.len());
    for session in selected {
        let stays = parameters(session.id(), config).is_some_and(|file| file.session.shutdown)
            && session.state().await == Some(SessionState::Shutdown);
        if !stays {
            wanted.push(session);
        }
    }
    wanted
}

/// What came of it, for the record.
fn summary(all: usize, failed: usize) -> Result<String, String> {
    match failed {
        0 => Ok(sessions(all)),
        _ => Err(format!("{failed} of {} could not be reset", sessions(all))),
    }
}

fn sessions(count: usize) -> String {
    if count == 1 { "1 session".to_owned() } else { format!("{count} sessions") }
}

/// An operator who looks at it in the file must not be told that it does not exist.
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

/// What the file says now of a session.
fn parameters(id: &SessionId, config: &Config) -> Option<Parameters> {
    let found = config.sessions.iter().find(|found| found.id == *id)?;
    Some(Parameters { session: found.clone(), bmp: config.bmp.clone() })
}

fn gone(world: &World) -> String {
    format!(
        "it is no longer in {}: it goes on with its old parameters until bmpctl reload ends it",
        world.config_path().display()
    )
}

async fn one(
    session: Session,
    parameters: Option<Parameters>,
    read_at: Instant,
    world: Arc<World>,
    by: String,
) -> ResetOutcome {
    let result = match parameters {
        None => Err(gone(&world)),
        Some(parameters) => match session.reset(parameters, read_at, by).await {
            Some(result) => result,
            None => Err("bmpd is stopping".to_owned()),
        },
    };
    ResetOutcome { id: session.id().clone(), result }
}
