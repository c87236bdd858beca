//! Which handler answers a request that changes nothing. A new one has its row here.

use shared::frame::FrameError;
use shared::request::{Query, WhichInstances, WhichPublishers, WhichRouters};
use shared::response::Response;

use super::admission::Work;
use super::answer::Answer;
use super::{check, config, publisher, reload, reset, show, status};
use crate::access::Caller;
use crate::world::World;

/// What its report reads.
pub(super) fn work(query: &Query) -> Work {
    match query {
        Query::ResetPlan(_) | Query::PublisherPlan(_) | Query::ReloadPlan | Query::ConfigCheck => {
            Work::File
        }
        _ => Work::Memory,
    }
}

/// Answers it.
pub(super) async fn run(
    query: Query,
    caller: &Caller,
    world: &World,
    answer: &Answer<'_>,
) -> Result<(), FrameError> {
    match query {
        Query::Session(which) => show::session(&which, world, answer).await,
        Query::Neighbor(which) => show::neighbor(which, world, answer).await,
        Query::VpnInstance(WhichInstances(name)) => {
            answer.whole(show::vpn_instance(name, world)).await
        }
        Query::Config => config::run(world, answer).await,
        Query::Statistics(which) => show::statistics(&which, world, answer).await,
        Query::Status => answer.whole(status::run(caller, world)).await,
        // Before its turn: it may wait for the other side.
        Query::Check(subject) => {
            let checks = check::run(subject, world).await;
            answer.whole(async { checks }).await
        }
        Query::Event(events) => show::event(&events, world, answer).await,
        Query::Log => answer.whole(async { Response::Log(world.log.report()) }).await,
        Query::Directory => {
            answer.whole(async { Response::Directory(world.directory().await) }).await
        }
        Query::ResetPlan(legs) => answer.whole(reset::plan(&legs, world)).await,
        Query::Router(WhichRouters(router)) => show::router(router, world, answer).await,
        Query::Publisher(WhichPublishers(name)) => show::publisher(name, world, answer).await,
        Query::PublisherPlan(reset) => answer.whole(publisher::plan(&reset, world)).await,
        Query::ConfigCheck => answer.whole(check(world)).await,
        Query::ReloadPlan => Box::pin(answer.whole(reload::plan(caller, world))).await,
    }
}

/// Checks the configuration file as it is now.
async fn check(world: &World) -> Response {
    match world.check_file().await {
        Ok(check) => Response::ConfigChecked(check),
        Err(failure) => Response::Failed(failure),
    }
}
