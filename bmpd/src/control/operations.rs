//! Which handler carries out a change. A new one has its row here.

use std::sync::Arc;

use shared::request::Operation;
use shared::response::Response;
use tokio::sync::mpsc;

use super::{clear, log, publisher, reload, reset, router};
use crate::access::Caller;
use crate::world::World;

/// True if it sends answers while it is in progress: a client that waits for them holds a place of another kind.
pub(super) fn goes_on(operation: &Operation) -> bool {
    match operation {
        Operation::ResetSession(reset) => reset.follow || reset.stagger > 0,
        Operation::Reload
        | Operation::ResetRouter(_)
        | Operation::ResetPublisher(_)
        | Operation::ClearStatistics(_)
        | Operation::SetLog(_) => false,
    }
}

/// Carries it out; every answer goes to `answers`.
pub(super) async fn run(
    operation: Operation,
    caller: &Caller,
    world: Arc<World>,
    answers: mpsc::Sender<Response>,
) {
    let response = match operation {
        Operation::ResetSession(reset) => {
            return reset::session(reset, caller, world, answers).await;
        }
        Operation::ResetRouter(reset) => router::reset(reset, caller, &world).await,
        Operation::ResetPublisher(reset) => publisher::reset(reset, caller, &world).await,
        Operation::Reload => reload::run(caller, &world).await,
        Operation::ClearStatistics(which) => clear::statistics(which, caller, &world).await,
        Operation::SetLog(log) => log::set(log, caller, &world),
    };
    // The client may have disconnected.
    let _ = answers.send(response).await;
}
