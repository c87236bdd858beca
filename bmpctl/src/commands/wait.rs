//! `wait session`.
//!
//! It asks for the sessions again and again, less often the longer it takes, until each of them is as wanted, its time is over, or
//! it is interrupted. Nothing is changed. A bmpd that ends meanwhile ends it, too.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use shared::exit;
use shared::names::{Selector, SessionId};
use shared::request::{Condition, Query, Request, WhichSessions};
use shared::response::{Response, SessionReport, SessionState};
use shared::time::Span;

use super::progress::print;
use crate::cli::Goal;
use crate::context::{Context, Output};
use crate::interrupt::{self, Interrupt};
use crate::render;

/// How long it waits without `--timeout`.
const TIMEOUT: Duration = Duration::from_secs(300);

/// The time between two questions, the first and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(1)];

/// Why it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    Reached,
    Late,
    Interrupted,
}

/// Waits until each of the selected sessions has reached `goal`.
pub(super) fn session(
    which: &WhichSessions,
    goal: Goal,
    context: &Context,
) -> Result<Output, Output> {
    let interrupt = Interrupt::catch();
    let time = context.named_timeout.unwrap_or(TIMEOUT);
    let until = Instant::now() + time;
    let left = || until.saturating_duration_since(Instant::now());
    let WhichSessions { selector, condition } = which;
    // Sessions that are in no condition any more are waited for, too.
    let chosen: Option<HashSet<SessionId>> = match condition.is_none() {
        true => None,
        false => {
            let sessions = ask(selector, condition, &context.within(left()))?;
            Some(sessions.into_iter().map(|session| session.id).collect())
        }
    };
    let is_all = matches!(selector, Selector::All { .. });
    let mut reached = HashSet::new();
    let mut pause = PAUSES[0];
    let (over, sessions) = loop {
        let mut sessions = ask(selector, &Condition::default(), &context.within(left()))?;
        sessions.retain(|session| match &chosen {
            Some(chosen) => chosen.contains(&session.id),
            None => !is_all || goal == Goal::Down || is_wanted(session),
        });
        for session in sessions.iter().filter(|session| goal.is_reached_by(session)) {
            let is_new = reached.insert(session.id.clone());
            if is_new && !context.json && !context.quiet {
                print(&format!("session {}: {}\n", session.id, goal.word()));
            }
        }
        if sessions.iter().all(|session| goal.is_reached_by(session)) {
            break (Over::Reached, sessions);
        }
        let next = Instant::now() + pause.min(left());
        while Instant::now() < next && !interrupt.came() {
            std::thread::sleep(
                interrupt::LOOK_EVERY.min(next.saturating_duration_since(Instant::now())),
            );
        }
        if interrupt.came() {
            break (Over::Interrupted, sessions);
        }
        if left().is_zero() {
            break (Over::Late, sessions);
        }
        pause = (pause * 5 / 4).min(PAUSES[1]);
    };
    let code = match over {
        Over::Reached => exit::DONE,
        Over::Late => exit::NOT_SYNCHRONISED,
        Over::Interrupted => exit::INTERRUPTED,
    };
    if context.json {
        let is_shown = over != Over::Reached || !context.quiet;
        let document = || render::json::waited(goal, &sessions).to_text();
        let out = if is_shown { document() } else { String::new() };
        return Ok(Output { out, err: String::new(), code });
    }
    let waiting: Vec<&SessionReport> =
        sessions.iter().filter(|session| !goal.is_reached_by(session)).collect();
    let err = match over {
        Over::Reached => String::new(),
        Over::Late => {
            let text =
                render::session::not_reached(goal.word(), &waiting, sessions.len(), Span::of(time));
            context.complaint(&text)
        }
        Over::Interrupted => context.complaint(&render::session::interrupted(
            goal.word(),
            waiting.len(),
            sessions.len(),
        )),
    };
    let out = match (sessions.is_empty(), context.quiet) {
        (true, false) => "no session to wait for\n".to_owned(),
        _ => String::new(),
    };
    Ok(Output { out, err, code })
}

/// True if a session is to be connected, and has a router to send.
fn is_wanted(session: &SessionReport) -> bool {
    session.state != SessionState::Shutdown && session.legs_wanted > 0
}

fn ask(
    selector: &Selector,
    condition: &Condition,
    context: &Context,
) -> Result<Vec<SessionReport>, Output> {
    let which = WhichSessions { selector: selector.clone(), condition: condition.clone() };
    match context.ask(&Request::Query(Query::Session(which)))? {
        Response::Sessions(sessions) => Ok(sessions),
        _ => Err(context.misunderstood()),
    }
}
