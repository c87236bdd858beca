//! `show status`: bmpd itself.

use shared::response::{Failure, Response};

use crate::access::Caller;
use crate::world::{World, status};

/// Describes bmpd.
pub(super) async fn run(asked_by: &Caller, world: &World) -> Response {
    match status(asked_by.report(), world).await {
        Ok(report) => Response::Status(Box::new(report)),
        Err(text) => Response::Failed(Failure::Other(text)),
    }
}
