//! Start and stop without signals and a socket, for [`crate::simulation`].

use std::path::PathBuf;
use std::sync::Arc;

use super::neighbors::Neighbors;
use super::world::World;
use crate::config::Config;
use crate::control::Access;
use crate::events::Events;
use crate::log;
use crate::rib::Tables;

/// Starts what [`super::run`] starts. The error is a sentence for people.
pub(crate) async fn start(
    config: Config,
    path: PathBuf,
    access: Arc<Access>,
) -> Result<Arc<World>, String> {
    let (tables, events) = (Tables::new(), Events::default());
    let neighbors = Neighbors::start(&config, Arc::clone(&tables), events.clone()).await?;
    let log = log::Level::of_no_log();
    Ok(Arc::new(World::new(config, path, tables, neighbors, events, access, log)))
}

/// Stops as [`super::run`] does.
pub(crate) async fn stop(world: &World) {
    world.begin_stop();
    super::stop(world).await;
}
