//! `show session` and `show neighbor`.

use shared::names::Selector;
use shared::response::{Failure, Response};

use crate::daemon::World;

/// Describes the selected sessions.
pub(super) async fn session(selector: &Selector, world: &World) -> Response {
    let selected = match world.select(selector) {
        Ok(selected) => selected,
        // A bmpd without sessions has none to show, and that is the answer.
        Err(Failure::NoSuchSession { existing, .. })
            if existing.is_empty() && *selector == (Selector::All { vpn_instance: None }) =>
        {
            return Response::Sessions(Vec::new());
        }
        Err(failure) => return Response::Failed(failure),
    };
    // The answer for all sessions must not grow with every neighbor of each.
    let detailed = matches!(selector, Selector::One(_));
    let mut reports = Vec::with_capacity(selected.len());
    for session in selected {
        match session.report(detailed).await {
            Some(report) => reports.push(report),
            // A reload may have ended it since.
            None if world.session(session.id()).is_none() => {}
            None => return Response::Failed(Failure::Stopping),
        }
    }
    Response::Sessions(reports)
}

/// Describes all neighbors.
pub(super) async fn neighbor(world: &World) -> Response {
    let mut reports = Vec::new();
    for neighbor in world.neighbors() {
        // One that has stopped meanwhile is gone.
        if let Some(report) = neighbor.report().await {
            reports.push(report);
        }
    }
    Response::Neighbors { neighbors: reports, prefixes: world.prefixes() }
}
