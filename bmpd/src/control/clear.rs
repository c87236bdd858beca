//! `clear statistics`.

use shared::names::{Selector, SessionId};
use shared::request::Operation;
use shared::response::Response;

use super::{record, show};
use crate::access::Caller;
use crate::world::World;

/// Resets the counters of the selected sessions; their connections are not affected.
pub(super) async fn statistics(selector: Selector, caller: &Caller, world: &World) -> Response {
    let command = Operation::ClearStatistics(selector.clone()).to_string();
    let record = |outcome| record::command(&world.events, caller, &command, outcome);
    let by = caller.to_string();
    let cleared = show::sessions(&selector, world, |session| {
        let by = by.clone();
        async move { session.clear_statistics(by).await.map(|()| session.id().clone()) }
    });
    match cleared.await {
        Ok(sessions) => {
            record(Ok(summary(&sessions)));
            Response::Cleared(sessions)
        }
        Err(failure) => {
            record(Err(crate::world::refusal(&failure)));
            Response::Failed(failure)
        }
    }
}

fn summary(sessions: &[SessionId]) -> String {
    match sessions {
        [one] => format!("session {one} counts from zero"),
        sessions => format!("{} sessions count from zero", sessions.len()),
    }
}
