//! `clear statistics`.

use shared::names::SessionId;
use shared::request::{Operation, WhichSessions};
use shared::response::Response;

use super::{record, show};
use crate::access::Caller;
use crate::world::World;

/// Resets the counters of the selected sessions; their connections are not affected.
pub(super) async fn statistics(which: WhichSessions, caller: &Caller, world: &World) -> Response {
    let command = Operation::ClearStatistics(which.clone()).to_string();
    let record = |outcome| record::command(&world.events, caller, &command, outcome);
    let by = caller.to_string();
    let WhichSessions { selector, condition } = which;
    let cleared = show::sessions(&selector, world, |session| {
        let (by, condition) = (by.clone(), condition.clone());
        async move {
            match show::is_in(&session, &condition).await? {
                true => session.clear_statistics(by).await.map(|()| Some(session.id().clone())),
                false => Some(None),
            }
        }
    });
    match cleared.await {
        Ok(sessions) => {
            let sessions: Vec<SessionId> = sessions.into_iter().flatten().collect();
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
        [one] => format!("session {one}: counters reset"),
        sessions => format!("{} sessions: counters reset", sessions.len()),
    }
}
