//! `reset session` and `reset router`.

use std::io::Write;
use std::time::Duration;

use shared::exit;
use shared::names::{RouterId, SessionId};
use shared::request::{Operation, Query, Request, ResetRouter, ResetSession, WhichLegs};
use shared::response::{ResetOutcome, Response};
use shared::time::Span;

use crate::client::{ClientError, Conversation};
use crate::context::{self, Context, Output};
use crate::interrupt::{self, Interrupt};
use crate::render;
use crate::render::json::{Document, ErrorReport};
use crate::render::reset::Counted;

/// Resets the selected legs; one line for each, failures to standard error. With a stagger the lines
/// come as the legs do, and Ctrl-C ends the command, not the reset.
pub(super) fn session(
    legs: &WhichLegs,
    stagger: Duration,
    context: &Context,
) -> Result<Output, Output> {
    let request = Request::Operation(Operation::ResetSession(ResetSession {
        legs: legs.clone(),
        stagger: u64::try_from(stagger.as_millis()).unwrap_or(u64::MAX),
        follow: false,
    }));
    // One that is done at once needs no note on how it continues.
    let interrupt = (!stagger.is_zero()).then(Interrupt::catch);
    let mut talk = context.begin(&request)?;
    let (mut all, mut all_skipped, mut left) = (Vec::new(), Vec::new(), None);
    loop {
        let Some(answer) = next(&mut talk, stagger, interrupt.as_ref()) else {
            return match left {
                None => Err(context.error(interrupted_early())),
                Some(_) => Ok(end(all, all_skipped, left, Over::Interrupted, context)),
            };
        };
        let error = match context::received(answer) {
            Ok(Response::Reset { outcomes, to_come, skipped }) => {
                if !context.json {
                    show(&outcomes, &skipped, context);
                }
                all.extend(outcomes);
                all_skipped.extend(skipped);
                left = Some(to_come);
                if to_come == 0 {
                    if all.is_empty() && all_skipped.is_empty() && !context.json && !context.quiet {
                        let _ =
                            std::io::stdout().write_all(render::reset::nothing(legs).as_bytes());
                    }
                    return Ok(end(all, all_skipped, left, Over::Done, context));
                }
                continue;
            }
            Ok(_) => context::misunderstood(),
            Err(report) => *report,
        };
        if all.is_empty() {
            return Err(context.error(error));
        }
        // Some sessions may have been reset, and the caller must be informed.
        return Err(end(all, all_skipped, left, Over::Failed(error), context));
    }
}

/// The next answer; `None` if the user interrupts the wait.
pub(super) fn next(
    talk: &mut Conversation,
    stagger: Duration,
    interrupt: Option<&Interrupt>,
) -> Option<Result<Response, ClientError>> {
    let Some(interrupt) = interrupt else { return Some(talk.next(stagger)) };
    while !interrupt.came() {
        match talk.poll(interrupt::LOOK_EVERY, stagger) {
            Ok(None) => {}
            Ok(Some(response)) => return Some(Ok(response)),
            Err(error) => return Some(Err(error)),
        }
    }
    None
}

/// Interrupted before the first answer.
pub(super) fn interrupted_early() -> ErrorReport {
    let text = render::progress::INTERRUPTED_EARLY.to_owned();
    ErrorReport::new(exit::INTERRUPTED, "interrupted", text)
}

/// Why the command is over.
enum Over {
    /// Every session has had its turn.
    Done,
    /// The user has interrupted the wait.
    Interrupted,
    /// The exchange with bmpd has failed.
    Failed(ErrorReport),
}

/// Outcomes are shown as they arrive: the first one is not delayed until the last.
fn show(outcomes: &[ResetOutcome], skipped: &[SessionId], context: &Context) {
    if !context.quiet {
        let _ = std::io::stdout().write_all(render::reset::skipped(skipped).as_bytes());
    }
    for outcome in outcomes {
        match &outcome.result {
            Ok(_) if context.quiet => {}
            Ok(done) => {
                let line = render::reset::done(&outcome.id, done);
                let _ = std::io::stdout().write_all(line.as_bytes());
            }
            Err(reason) => {
                let line = render::error(&format!("session {}: {reason}", outcome.id));
                let _ = std::io::stderr().write_all(line.as_bytes());
            }
        }
    }
    let _ = std::io::stdout().flush();
}

fn end(
    outcomes: Vec<ResetOutcome>,
    skipped: Vec<SessionId>,
    to_come: Option<u32>,
    over: Over,
    context: &Context,
) -> Output {
    let left = to_come.unwrap_or(0);
    let failed = outcomes.iter().any(|outcome| outcome.result.is_err());
    let (code, error, complaint) = match over {
        Over::Done if failed => (exit::FAILED, None, None),
        Over::Done => (exit::DONE, None, None),
        Over::Interrupted => {
            let counted = Counted::of(&outcomes);
            (exit::INTERRUPTED, None, Some(render::progress::interrupted(&[], left, counted)))
        }
        Over::Failed(error) => {
            let message = render::progress::failed(&error, to_come, Counted::of(&outcomes));
            (error.exit_code, Some(error), Some(message))
        }
    };
    if context.json {
        // A failure is reported with `--quiet`, too.
        let is_shown = code != exit::DONE || !context.quiet;
        let document = || Document::reset(outcomes, skipped, left, Vec::new(), error).to_text();
        let out = if is_shown { document() } else { String::new() };
        return Output { out, err: String::new(), code };
    }
    let err = complaint.map_or_else(String::new, |complaint| context.complaint(&complaint));
    Output { out: String::new(), err, code }
}

/// Shows what a reset would do; what would fail goes to standard error, as what fails does.
pub(super) fn plan(
    legs: &WhichLegs,
    stagger: Option<Duration>,
    context: &Context,
) -> Result<Output, Output> {
    let stagger = stagger.map(Span::of);
    match context.ask(&Request::Query(Query::ResetPlan(legs.clone())))? {
        Response::ResetPlan { plans, skipped } => {
            let failed = plans.iter().any(|plan| plan.result.is_err());
            let code = if failed { exit::FAILED } else { exit::DONE };
            if context.json {
                let is_shown = failed || !context.quiet;
                let document = || Document::reset_plan(plans, skipped, stagger).to_text();
                let out = if is_shown { document() } else { String::new() };
                return Ok(Output { out, err: String::new(), code });
            }
            let mut output = Output { out: String::new(), err: String::new(), code };
            if !context.quiet {
                output.out.push_str(&render::reset::skipped(&skipped));
                if plans.is_empty() && skipped.is_empty() {
                    output.out.push_str(render::reset::nothing(legs));
                }
            }
            for plan in &plans {
                match render::reset::plan(plan) {
                    Ok(_) if context.quiet => {}
                    Ok(text) => output.out.push_str(&text),
                    Err(text) => output.err.push_str(&render::error(&text)),
                }
            }
            if let Some(stagger) = stagger.filter(|_| !context.quiet) {
                let count = plans.iter().filter(|plan| plan.result.is_ok()).count();
                let counted = Counted::of_ids(plans.iter().map(|plan| &plan.id));
                output.out.push_str(&render::reset::staggered(stagger, count, counted));
            }
            Ok(output)
        }
        _ => Err(context.misunderstood()),
    }
}

/// Ends the connections of routers, so that they send everything anew; one line for each, failures to standard
/// error.
pub(super) fn router(router: Option<RouterId>, context: &Context) -> Result<Output, Output> {
    let request = Request::Operation(Operation::ResetRouter(ResetRouter { router }));
    let Response::RoutersReset(routers) = context.ask(&request)? else {
        return Err(context.misunderstood());
    };
    let failed = routers.iter().any(|router| router.result.is_err());
    let code = if failed { exit::FAILED } else { exit::DONE };
    if context.json {
        let is_shown = failed || !context.quiet;
        let document = || Document::routers_reset(routers).to_text();
        let out = if is_shown { document() } else { String::new() };
        return Ok(Output { out, err: String::new(), code });
    }
    let mut output = Output { out: String::new(), err: String::new(), code };
    if routers.is_empty() && !context.quiet {
        output.out.push_str(render::router::NONE);
    }
    for router in &routers {
        match render::router::reset(router) {
            Ok(_) if context.quiet => {}
            Ok(text) => output.out.push_str(&text),
            Err(text) => output.err.push_str(&render::error(&text)),
        }
    }
    Ok(output)
}
