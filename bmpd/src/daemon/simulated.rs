//! Start and stop without signals and a socket: the entry point of `tests/sim`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::Config;
use shared::names::{PublisherName, RouterId, Selector};
use shared::request::WhichLegs;
use shared::response::{
    Failure, NeighborReport, PublisherReport, ReloadReport, Response, RouterReport, SessionReport,
    SessionStatistics,
};

use crate::access::Access;
use crate::events::Events;
use crate::log;
use crate::routers::{Routers, Sizes};
use crate::sources::Places;
use crate::world::{Neighbors, RouterSources, World};
use crate::{config, control, simulation};

/// Starts what [`super::run`] starts. The error is a sentence for people.
async fn start(
    config: Config,
    path: PathBuf,
    access: Arc<Access>,
    sizes: Sizes,
) -> Result<Arc<World>, String> {
    let (routers, events) = (Routers::new(sizes), Events::default());
    let places = Places::new(&sizes);
    let neighbors = Neighbors::start(&config, &routers, places.clone(), events.clone()).await?;
    let sources = RouterSources::start(&config, &routers, places, events.clone()).await?;
    let log = log::Level::of_no_log();
    Ok(Arc::new(World::new(config, path, routers, (neighbors, sources), events, access, log)))
}

/// Stops as [`super::run`] does.
async fn stop(world: &World) {
    world.begin_stop();
    super::stop(world).await;
}

/// bmpd, running.
#[derive(Clone)]
pub struct Bmpd(Arc<World>);

impl Bmpd {
    /// Starts with the configuration in the file, and work in pieces of these sizes. The error is a sentence for
    /// people.
    pub async fn start(sizes: Sizes) -> Result<Self, String> {
        let path = Path::new("bmpd.toml");
        let config = config::parse(&simulation::file(), path).map_err(|error| error.to_string())?;
        let access = control::simulated::access(&config);
        start(config, path.to_owned(), access, sizes).await.map(Self)
    }

    /// `bmpctl reload`.
    pub async fn reload(&self) -> Result<ReloadReport, Failure> {
        self.0.reload(false, "bmpctl", std::future::ready(Ok(()))).await
    }

    /// `bmpctl reset session`, with `router` only the legs of that one, `stagger` in ms; every answer to it.
    pub async fn reset(
        &self,
        selector: Selector,
        router: Option<RouterId>,
        stagger: u64,
    ) -> Vec<Response> {
        let legs = WhichLegs { sessions: selector.into(), router };
        control::simulated::reset(legs, stagger, Arc::clone(&self.0)).await
    }

    /// `bmpctl reset router`; all of them without a name.
    pub async fn reset_router(&self, router: Option<RouterId>) -> Response {
        control::simulated::reset_router(router, &self.0).await
    }

    /// `bmpctl show router`, each in full.
    pub async fn routers(&self) -> Vec<RouterReport> {
        self.0.routers(None, true).await
    }

    /// `bmpctl show session`, each in full.
    pub async fn sessions(&self) -> Vec<SessionReport> {
        let mut reports = Vec::new();
        for session in self.0.sessions() {
            reports.extend(session.report(true).await);
        }
        reports
    }

    /// `bmpctl show statistics`.
    pub async fn statistics(&self) -> Vec<SessionStatistics> {
        let mut all = Vec::new();
        for session in self.0.sessions() {
            all.extend(session.statistics().await);
        }
        all
    }

    /// `bmpctl show neighbor`.
    pub async fn neighbors(&self) -> Vec<NeighborReport> {
        let mut reports = Vec::new();
        for neighbor in self.0.neighbors() {
            reports.extend(neighbor.report(true).await);
        }
        reports
    }

    /// `bmpctl reset publisher`; all of them without a name, of all routers or of one.
    pub async fn reset_publisher(
        &self,
        publisher: Option<PublisherName>,
        router: Option<RouterId>,
    ) -> Response {
        control::simulated::reset_publisher(publisher, router, &self.0).await
    }

    /// `bmpctl show publisher`, each in full.
    pub async fn publishers(&self) -> Vec<PublisherReport> {
        let publishers = self.0.publishers.lock().clone();
        let mut reports = Vec::new();
        for publisher in publishers {
            reports.extend(publisher.report(true).await);
        }
        reports
    }

    /// SIGTERM.
    pub async fn stop(&self) {
        stop(&self.0).await;
    }
}
