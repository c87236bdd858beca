//! `show session --check`.

use shared::exit;
use shared::request::{Query, Request, WhichSessions};
use shared::response::{Response, SessionReport};

use super::show;
use crate::cli::Form;
use crate::context::{Context, Output};
use crate::render;

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
