//! The record of commands that change something: one line of the log and one event each.

use shared::event::EventKind;
use shared::request::Level;
use tracing::{info, warn};

use crate::access::Caller;
use crate::events::Events;

/// Notes a command above level 1 with its caller and what came of it: what was done, or why not; a few
/// words for people.
pub(super) fn command(
    events: &Events,
    caller: &Caller,
    command: &str,
    outcome: Result<String, String>,
) {
    let uid = caller.uid();
    match &outcome {
        Ok(done) => info!(%caller, uid, command, "{done}"),
        Err(reason) => warn!(%caller, uid, command, "refused or failed: {reason}"),
    }
    events.publish(|| EventKind::Command {
        by: caller.to_string(),
        command: command.to_owned(),
        outcome,
    });
}

/// Notes a command that the caller may not give, of whatever level. Not each of them comes here: see
/// [`crate::access`].
pub(super) fn refusal(events: &Events, caller: &Caller, command: &str, needed: Level) {
    let reason = crate::world::not_permitted(needed, caller.level(), caller.reason());
    if needed > Level::Monitoring {
        self::command(events, caller, command, Err(reason));
    } else {
        warn!(%caller, uid = caller.uid(), command, "refused or failed: {reason}");
    }
}

/// Notes that a caller is told no more of a command that goes on, as a reload has taken its level.
pub(super) fn revoked(caller: &Caller, command: &str, needed: Level) {
    let reason = crate::world::not_permitted(needed, caller.level(), caller.reason());
    warn!(%caller, uid = caller.uid(), command, "ended: {reason}");
}
