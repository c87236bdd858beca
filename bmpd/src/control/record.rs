//! The record of commands that change something: one line of the log and one event each.

use shared::event::EventKind;
use shared::request::Level;
use tracing::{info, warn};

use crate::access::Caller;
use crate::events::Events;

/// Records a command above level 1 with its caller and its result: what was done, or why not; a few words for people.
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
    events.publish(EventKind::Command {
        by: caller.to_string(),
        command: command.to_owned(),
        outcome,
    });
}

/// Records a command that the caller is not authorized for, of whatever level. Not every refusal is recorded: see
/// [`crate::access`].
pub(super) fn refusal(events: &Events, caller: &Caller, command: &str, needed: Level) {
    let reason = crate::world::not_permitted(needed, caller.level(), caller.reason());
    if needed > Level::Monitoring {
        self::command(events, caller, command, Err(reason));
    } else {
        warn!(%caller, uid = caller.uid(), command, "refused or failed: {reason}");
    }
}

/// Records that a command in progress sends no more to a caller, as a reload has revoked its level.
pub(super) fn revoked(caller: &Caller, command: &str, needed: Level) {
    let reason = crate::world::not_permitted(needed, caller.level(), caller.reason());
    warn!(%caller, uid = caller.uid(), command, "ended: {reason}");
}
