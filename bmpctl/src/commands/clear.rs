//! `clear statistics`.

use shared::request::{Operation, Request, WhichSessions};
use shared::response::Response;

use crate::context::{Context, Output};
use crate::render;
use crate::render::json::Document;

/// Resets the counters of the selected sessions; one line for each.
pub(super) fn statistics(which: &WhichSessions, context: &Context) -> Result<Output, Output> {
    match context.ask(&Request::Operation(Operation::ClearStatistics(which.clone())))? {
        Response::Cleared(sessions) => Ok(context.answer(
            |_| render::statistics::cleared(&sessions),
            || Document::StatisticsCleared { sessions: sessions.clone() },
        )),
        _ => Err(context.misunderstood()),
    }
}
