//! `reload`.

use shared::response::Response;
use tracing::{info, warn};

use super::caller::Caller;
use crate::daemon::World;

/// Applies the configuration file, or tells what would be done.
pub(super) async fn run(dry_run: bool, caller: &Caller, world: &World) -> Response {
    match world.reload(dry_run).await {
        Ok(report) => {
            if !dry_run {
                info!(%caller, changes = report.items.len(), "reload");
            }
            Response::Reloaded(report)
        }
        Err(failure) => {
            let reason = crate::daemon::refusal(&failure);
            warn!(%caller, "reload refused, nothing was changed: {reason}");
            Response::Failed(failure)
        }
    }
}
