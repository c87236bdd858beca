//! `check`, and `show session --check`.

use shared::exit;
use shared::request::{CheckSubject, Query, Request, WhichSessions};
use shared::response::{CheckOutcome, Response, SessionReport};

use super::show;
use crate::cli::Form;
use crate::context::{Context, Output};
use crate::render;
use crate::render::json::Document;

/// Shows the selected sessions, and fails unless each is synchronised.
pub(super) fn session(
    which: &WhichSessions,
    form: Form,
    context: &Context,
) -> Result<Output, Output> {
    let answer = context.ask(&Request::Query(Query::Session(which.clone())))?;
    let mut output = show::shown(form, &answer, None, context)?;
    let Response::Sessions(sessions) = &answer else { return Err(context.misunderstood()) };
    let behind: Vec<&SessionReport> =
        sessions.iter().filter(|session| session.not_synchronised_for().is_some()).collect();
    if !behind.is_empty() {
        output.code = exit::NOT_SYNCHRONISED;
        // A document has it already.
        if !context.json {
            let text = render::session::not_synchronised(&behind, sessions.len());
            output.err = context.complaint(&text);
        }
    }
    Ok(output)
}

/// Looks at one session, neighbor or router, and fails if something is wrong.
pub(super) fn one(subject: &CheckSubject, context: &Context) -> Result<Output, Output> {
    let answer = context.ask(&Request::Query(Query::Check(subject.clone())))?;
    let Response::Checks(checks) = answer else { return Err(context.misunderstood()) };
    let failed = checks.iter().any(|check| check.outcome == CheckOutcome::Failed);
    let quiet = context.quiet;
    let mut output = context.answer(
        |screen| render::check::page(subject, &checks, screen),
        || Document::checks(subject, checks.clone()),
    );
    if failed {
        output.code = exit::FAILED;
        if quiet {
            output.err = context.complaint(&render::check::failures(subject, &checks));
        }
    }
    Ok(output)
}
