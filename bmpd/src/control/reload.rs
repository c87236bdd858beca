//! `reload`.

use shared::request::{Operation, Query, Request};
use shared::response::Response;

use super::record;
use crate::access::Caller;
use crate::world::World;

/// Applies the configuration file.
pub(super) async fn run(caller: &Caller, world: &World) -> Response {
    let request = Request::from(Operation::Reload);
    let permitted = super::still_permitted(request.level(), caller, world);
    let record = |outcome| record::command(&world.events, caller, &request.to_string(), outcome);
    match world.reload(false, &caller.to_string(), permitted).await {
        Ok(report) => {
            world.publish_reload(&caller.to_string(), &report);
            record(Ok(report.summary()));
            Response::Reloaded(report)
        }
        Err(failure) => {
            record(Err(crate::world::unchanged(&failure)));
            Response::Failed(failure)
        }
    }
}

/// Reports what that would do.
pub(super) async fn plan(caller: &Caller, world: &World) -> Response {
    let needed = Request::from(Query::ReloadPlan).level();
    let permitted = super::still_permitted(needed, caller, world);
    match world.reload(true, &caller.to_string(), permitted).await {
        Ok(report) => Response::Reloaded(report),
        Err(failure) => Response::Failed(failure),
    }
}
