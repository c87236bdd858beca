//! Commands without a socket, for [`crate::simulation`]: the caller is root.

use std::path::Path;
use std::sync::Arc;

use shared::names::{PublisherName, RouterId};
use shared::request::{ResetPublisher, ResetRouter, ResetSession, WhichLegs};
use shared::response::Response;
use tokio::sync::mpsc;

use super::{publisher, reset, router};
use crate::access::Access;
use crate::config::{Account, Config};
use crate::socket_file::{SocketFile, SocketGroup};
use crate::world::World;

/// The permissions where there is no socket.
pub(crate) fn access(config: &Config) -> Arc<Access> {
    let group = SocketGroup { account: Account::Id(0), file_gid: 0, gid: Some(0) };
    Arc::new(Access::new(
        SocketFile::none(Path::new("bmpd.sock")),
        group,
        config.control.levels.clone(),
    ))
}

/// `reset session`; every answer to it.
pub(crate) async fn reset(legs: WhichLegs, stagger: u64, world: Arc<World>) -> Vec<Response> {
    let caller = world.access.root();
    let (answers, mut answered) = mpsc::channel(16);
    let collect = async {
        let mut all = Vec::new();
        while let Some(answer) = answered.recv().await {
            all.push(answer);
        }
        all
    };
    let reset =
        reset::session(ResetSession { legs, stagger, follow: false }, &caller, world, answers);
    tokio::join!(reset, collect).1
}

/// `reset router`.
pub(crate) async fn reset_router(router: Option<RouterId>, world: &World) -> Response {
    let caller = world.access.root();
    router::reset(ResetRouter { router }, &caller, world).await
}

/// `reset publisher`.
pub(crate) async fn reset_publisher(
    publisher: Option<PublisherName>,
    router: Option<RouterId>,
    world: &World,
) -> Response {
    let caller = world.access.root();
    publisher::reset(ResetPublisher { publisher, router }, &caller, world).await
}
