//! The record of commands that change something: one line of the log and one event each.

use shared::event::Happening;
use tracing::{info, warn};

use super::caller::Caller;
use crate::events::Events;

/// Notes a command above level 1 with its caller and what came of it: what was done, or why not; a few
/// words for people.
pub(super) fn command(
    events: &Events,
    caller: &Caller,
    command: &str,
    outcome: Result<String, String>,
) {
    match &outcome {
        Ok(done) => info!(%caller, command, "{done}"),
        Err(reason) => warn!(%caller, command, "refused or failed: {reason}"),
    }
    events.tell(|| Happening::Command {
        by: caller.to_string(),
        command: command.to_owned(),
        outcome,
    });
}
