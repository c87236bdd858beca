//! What sessions have counted.

use shared::names::SessionId;
use shared::response::SessionStatistics;

/// A page a session.
pub(crate) fn pages(sessions: &[SessionStatistics]) -> String {
    format!("{}\n", sessions.len())
}

/// A line for each session that counts from zero now.
pub(crate) fn cleared(sessions: &[SessionId]) -> String {
    sessions.iter().map(|id| format!("session {id}: its statistics begin at zero\n")).collect()
}
