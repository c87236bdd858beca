//! `log level`.

use std::time::Duration;

use shared::request::{LOG_LASTS_MAX, Operation, SetLog};
use shared::response::{Failure, Response};

use super::record;
use crate::access::Caller;
use crate::world::World;

/// Sets the level, or the default again.
pub(super) fn set(log: SetLog, caller: &Caller, world: &World) -> Response {
    let SetLog { level, lasts } = log;
    let command = Operation::SetLog(log).to_string();
    let by = caller.to_string();
    let lasts = match (level, lasts) {
        (_, None) => None,
        (None, Some(_)) => {
            return Response::Failed(Failure::Other(
                "the default level has no end: set it without a time".to_owned(),
            ));
        }
        (Some(_), Some(1..=LOG_LASTS_MAX)) => lasts.map(Duration::from_millis),
        (Some(_), Some(_)) => {
            return Response::Failed(Failure::Other(
                "the time is out of range: 1 ms to one day are allowed".to_owned(),
            ));
        }
    };
    let before = world.log.report();
    let after = level.unwrap_or(before.default);
    let record = || {
        let done = format!("the log is at level {after}");
        record::command(&world.events, caller, &command, Ok(done));
    };
    // The record must be logged, whichever of the two levels permits it.
    if after < before.level {
        record();
        world.log.set(level, lasts, by);
    } else {
        world.log.set(level, lasts, by);
        record();
    }
    Response::Log(world.log.report())
}
