//! `reset router`.

use shared::names::RouterId;
use shared::request::{Operation, ResetRouter};
use shared::response::{Response, RouterReset};

use super::record;
use crate::access::Caller;
use crate::world::{World, all};

/// Ends the BMP connections of the selected routers, so that they send everything anew.
pub(super) async fn reset(reset: ResetRouter, caller: &Caller, world: &World) -> Response {
    let command = Operation::ResetRouter(reset.clone()).to_string();
    let record = |outcome| record::command(&world.events, caller, &command, outcome);
    if let Some(router) = &reset.router
        && let Err(failure) = world.router_exists(router)
    {
        record(Err(crate::world::refusal(&failure)));
        return Response::Failed(failure);
    }
    let mut handles = world.router_sources.handles();
    handles.retain(|handle| reset.router.as_ref().is_none_or(|router| handle.id() == router));
    let by = caller.to_string();
    let asked = handles.into_iter().map(|handle| {
        let by = by.clone();
        async move {
            let result =
                handle.reset(by).await.ok_or_else(|| "it has just been removed".to_owned());
            RouterReset { id: handle.id().clone(), result }
        }
    });
    let mut resets = all(asked).await;
    if reset.router == Some(RouterId::Local) {
        let why = "it is bmpd itself: its BGP neighbors have no BMP connection";
        resets.push(RouterReset { id: RouterId::Local, result: Err(why.to_owned()) });
    }
    let failed = resets.iter().filter(|reset| reset.result.is_err()).count();
    record(match failed {
        0 => Ok(routers(resets.len())),
        failed => Err(format!("{failed} of {} were not reset", routers(resets.len()))),
    });
    Response::RoutersReset(resets)
}

fn routers(count: usize) -> String {
    if count == 1 { "1 router".to_owned() } else { format!("{count} routers") }
}
