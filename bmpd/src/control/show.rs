//! `show session` and `show neighbor`.

use shared::names::{Selector, SessionId};
use shared::response::{Failure, Response};

use super::Context;
use crate::session::Session;

/// The selected sessions in their order, or the failure that names those there are.
pub(super) fn select<'a>(
    selector: &Selector,
    context: &'a Context,
) -> Result<Vec<&'a Session>, Failure> {
    let selected: Vec<&Session> =
        context.sessions.iter().filter(|session| selector.matches(session.id())).collect();
    if !selected.is_empty() {
        return Ok(selected);
    }
    let mut existing: Vec<SessionId> =
        context.sessions.iter().map(|session| session.id().clone()).collect();
    if let Selector::One(wanted) = selector {
        existing.sort_by_key(|id| id.address != wanted.address);
    }
    Err(Failure::NoSuchSession { selector: selector.clone(), existing, configured_in: None })
}

/// Describes the selected sessions.
pub(super) async fn session(selector: &Selector, context: &Context) -> Response {
    let selected = match select(selector, context) {
        Ok(selected) => selected,
        // A bmpd without sessions has none to show, and that is the answer.
        Err(_)
            if context.sessions.is_empty()
                && *selector == (Selector::All { vpn_instance: None }) =>
        {
            return Response::Sessions(Vec::new());
        }
        Err(failure) => return Response::Failed(failure),
    };
    let mut reports = Vec::with_capacity(selected.len());
    for session in selected {
        match session.report().await {
            Some(report) => reports.push(report),
            None => return Response::Failed(Failure::Stopping),
        }
    }
    Response::Sessions(reports)
}

/// Describes all neighbors.
pub(super) async fn neighbor(context: &Context) -> Response {
    let mut reports = Vec::with_capacity(context.neighbors.len());
    for neighbor in &context.neighbors {
        match neighbor.report().await {
            Some(report) => reports.push(report),
            None => return Response::Failed(Failure::Stopping),
        }
    }
    Response::Neighbors(reports)
}
