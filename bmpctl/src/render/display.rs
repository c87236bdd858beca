//! BMP sessions in the words and the layout of routers.

use shared::response::SessionReport;

/// A row a session, or every detail of each.
pub(crate) fn sessions(sessions: &[SessionReport], _verbose: bool) -> String {
    format!("{}\n", sessions.len())
}
