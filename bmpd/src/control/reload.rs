//! `reload`.

use shared::request::Request;
use shared::response::Response;

use super::record;
use crate::access::Caller;
use crate::world::World;

/// Applies the configuration file, or tells what would be done.
pub(super) async fn run(dry_run: bool, caller: &Caller, world: &World) -> Response {
    let needed = Request::Reload { dry_run }.level();
    let permitted = super::still_permitted(needed, caller, world);
    match world.reload(dry_run, &caller.to_string(), permitted).await {
        Ok(report) => {
            if !dry_run {
                world.publish_reload(&caller.to_string(), &report);
                record::command(&world.events, caller, "reload", Ok(report.summary()));
            }
            Response::Reloaded(report)
        }
        Err(failure) => {
            if !dry_run {
                let reason = crate::world::unchanged(&failure);
                record::command(&world.events, caller, "reload", Err(reason));
            }
            Response::Failed(failure)
        }
    }
}
