//! The configured routers and their listeners: how they are started, and how a reload changes them.

use std::collections::HashMap;
use std::sync::Arc;

use shared::names::RouterId;
use shared::response::{
    Change, Failure, ReloadAction, ReloadItem, ReloadSubject, RouterEntry, RouterReport,
    RouterState,
};
use shared::time::Span;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use super::listening::{Listening, ListeningPlan};
use super::{World, all};
use crate::config::{self, Config, Relay, Who, router_listeners, setting};
use crate::events::Events;
use crate::routers::Routers;
use crate::sources::Places;
use crate::sources::bmp::{RouterDirectory, RouterEntryId, RouterHandle, changes, tables_of};

/// The routers that speak BMP to us, and their listeners.
pub(crate) struct RouterSources {
    directory: Arc<RouterDirectory>,
    routers: Routers,
    listening: Listening<RouterDirectory>,
}

/// What a reload does to them. Every socket that could be refused is open.
pub(crate) struct RouterPlan {
    ended: Vec<RouterEntryId>,
    configured: Vec<config::Router>,
    started: Vec<config::Router>,
    relay: Option<Relay>,
    order: Vec<RouterEntryId>,
    listening: ListeningPlan,
    /// True if bmpd itself is a router.
    is_router: bool,
}

impl RouterSources {
    /// Starts all of the configuration.
    ///
    /// # Errors
    ///
    /// A listener of the public instance cannot be opened; a sentence that says what to do.
    pub(crate) async fn start(
        config: &Config,
        routers: &Routers,
        places: Places,
        events: Events,
    ) -> Result<Self, String> {
        let nobody = Config { relay: None, routers: Vec::new(), ..config.clone() };
        let directory = RouterDirectory::new(routers.clone(), places, events);
        let listening =
            Listening::new(Arc::clone(&directory), "relay", ReloadSubject::RouterListener);
        let sources = Self { directory, routers: routers.clone(), listening };
        let (_, plan) = sources.plan(&nobody, config, false).await?;
        if let Some(plan) = plan {
            sources.apply(plan).await;
        }
        Ok(sources)
    }

    /// Every router, in the order of the configuration.
    pub(crate) fn handles(&self) -> Vec<RouterHandle> {
        self.directory.handles()
    }

    /// Requests a few words from every router, in the same order.
    pub(crate) fn ask_entries(&self) -> Vec<(RouterId, Option<oneshot::Receiver<RouterEntry>>)> {
        self.directory.ask_entries()
    }

    /// Takes every task, to stop bmpd; no listener is left.
    pub(crate) fn tasks(&self) -> Vec<JoinHandle<()>> {
        self.listening.end();
        self.directory.tasks()
    }

    /// Computes the differences, and opens the sockets that may fail; there is no plan for a dry run.
    ///
    /// # Errors
    ///
    /// A listener of the public instance cannot be opened; nothing was changed. A sentence that says what to do.
    pub(crate) async fn plan(
        &self,
        old: &Config,
        new: &Config,
        dry_run: bool,
    ) -> Result<(Vec<ReloadItem>, Option<RouterPlan>), String> {
        let mut items = Vec::new();
        let changes = of_all(old.relay.as_ref(), new.relay.as_ref());
        if !changes.is_empty() {
            let (subject, action) = (ReloadSubject::Daemon, ReloadAction::Apply);
            items.push(ReloadItem { subject, action, changes });
        }
        let mut add = |router: &config::Router, action, changes| {
            let subject = ReloadSubject::Router(name(router));
            items.push(ReloadItem { subject, action, changes });
        };
        let (before, after) = (by_id(old), by_id(new));
        let (mut ended, mut configured, mut started) = (Vec::new(), Vec::new(), Vec::new());
        for (id, router) in in_order(old).filter(|(id, _)| !after.contains_key(id)) {
            add(router, ReloadAction::End, Vec::new());
            ended.push(id);
        }
        for (id, router) in in_order(new) {
            let Some(was) = before.get(&id) else {
                add(router, ReloadAction::Start, Vec::new());
                started.push(router.clone());
                continue;
            };
            let (needs_connection, changes) = changes::changes(was, router);
            if !changes.is_empty() {
                let action = match (needs_connection, was.shutdown, router.shutdown) {
                    (_, false, true) => ReloadAction::End,
                    (_, true, false) => ReloadAction::Start,
                    (true, ..) => ReloadAction::Restart,
                    (false, ..) => ReloadAction::Apply,
                };
                add(router, action, changes);
                configured.push(router.clone());
            }
        }
        let (was, is) = (router_listeners(old), router_listeners(new));
        let listening = self.listening.plan(was, is, &mut items).await?;
        let plan = RouterPlan {
            ended,
            configured,
            started,
            relay: new.relay.clone(),
            order: in_order(new).map(|(id, _)| id).collect(),
            listening,
            is_router: new.bgp.is_some() || new.relay.is_none(),
        };
        Ok((items, (!dry_run).then_some(plan)))
    }

    /// Applies the plan.
    pub(crate) async fn apply(&self, plan: RouterPlan) {
        let RouterPlan { ended, configured, started, relay, order, mut listening, is_router } =
            plan;
        self.routers.set_local(is_router);
        self.listening.close(&mut listening).await;
        if let Some(relay) = relay {
            self.directory.configure_all(relay);
        }
        let mut ends = JoinSet::new();
        for id in ended {
            let directory = Arc::clone(&self.directory);
            ends.spawn(async move { directory.end(&id).await });
        }
        while ends.join_next().await.is_some() {}
        for router in &configured {
            self.directory.configure(router).await;
        }
        for router in &started {
            self.directory.start(router);
        }
        self.directory.sort(&order);
        self.listening.open(listening);
    }
}

/// What is different in `[relay]`: nothing if it was not there, or is not.
fn of_all(old: Option<&Relay>, new: Option<&Relay>) -> Vec<Change> {
    let (Some(old), Some(new)) = (old, new) else { return Vec::new() };
    let settings = |relay: &Relay| {
        let mut settings = changes::pending_settings(relay.pending).to_vec();
        settings.push(changes::memory_limit(relay.memory_limit));
        settings.push(changes::proxies(&relay.proxies));
        settings
    };
    let changes = setting::changes(settings(old), settings(new)).into_iter();
    changes
        .map(|(_, change)| match change.key.strip_prefix("relay.") {
            Some(_) => change,
            None => Change { key: format!("relay.{}", change.key), ..change },
        })
        .collect()
}

fn in_order(config: &Config) -> impl Iterator<Item = (RouterEntryId, &config::Router)> {
    config.routers.iter().filter_map(|router| Some((RouterEntryId::of(router)?, router)))
}

fn by_id(config: &Config) -> HashMap<RouterEntryId, &config::Router> {
    in_order(config).collect()
}

fn name(router: &config::Router) -> String {
    match (&router.who, &router.vpn_instance) {
        (Who::Prefix(peers), Some(vpn)) => {
            format!("{peers} vpn-instance {}", shared::names::Shown(vpn.as_str()))
        }
        (who, _) => who.to_string(),
    }
}

impl World {
    /// Every router: bmpd itself if it is one, then those of the configuration in its order, those of a prefix by name.
    /// With `detailed` also their peers.
    pub(crate) async fn routers(
        &self,
        which: Option<&RouterId>,
        detailed: bool,
    ) -> Vec<RouterReport> {
        let mut handles = self.router_sources.handles();
        handles.retain(|handle| which.is_none_or(|id| handle.id() == id));
        let asked = handles.into_iter().map(|handle| async move { handle.report(detailed).await });
        let mut reports = Vec::new();
        if self.is_router() && which.is_none_or(|id| *id == RouterId::Local) {
            reports.push(self.local_router());
        }
        reports.extend(all(asked).await.into_iter().flatten());
        reports
    }

    /// The routers that speak BMP to us, in their order.
    pub(crate) async fn foreign_routers(&self) -> Vec<RouterReport> {
        let handles = self.router_sources.handles();
        let asked = handles.into_iter().map(|handle| async move { handle.report(false).await });
        all(asked).await.into_iter().flatten().collect()
    }

    /// True if bmpd itself is a router that stations are sent.
    pub(crate) fn is_router(&self) -> bool {
        self.routers.all().iter().any(|router| *router.id() == RouterId::Local)
    }

    /// The names of all routers.
    pub(crate) fn router_names(&self) -> Vec<RouterId> {
        let local = self.is_router().then_some(RouterId::Local);
        let handles = self.router_sources.handles();
        local.into_iter().chain(handles.iter().map(|handle| handle.id().clone())).collect()
    }

    /// An error that names those there are, unless there is this router.
    pub(crate) fn router_exists(&self, router: &RouterId) -> Result<(), Failure> {
        let existing = self.router_names();
        match existing.contains(router) {
            true => Ok(()),
            false => Err(Failure::NoSuchRouter { router: router.clone(), existing }),
        }
    }

    /// bmpd itself: its neighbors are its peers.
    fn local_router(&self) -> RouterReport {
        let config = self.config();
        let started = self.started();
        let peers = self.routers.ourselves().peers();
        let epochs: Vec<_> = peers.iter().filter_map(|peer| peer.current()).collect();
        let memory = epochs.iter().filter_map(|epoch| epoch.with(|rib| rib.memory() as u64)).sum();
        RouterReport {
            id: RouterId::Local,
            dynamic: false,
            vpn_instance: None,
            addresses: Vec::new(),
            active: false,
            description: None,
            state: RouterState::Established,
            why: "bmpd itself, with its BGP neighbors: see bmpctl show neighbor".to_owned(),
            since: started.timestamp(),
            age: Span::of(started.age()),
            remote: None,
            system_name: Some(config.bmp.system_name.clone()),
            system_description: Some(config.bmp.system_description.clone()),
            connections: 0,
            held_for: None,
            next_attempt: None,
            last_down: None,
            peers_up: epochs.len() as u32,
            tables: tables_of(epochs.iter().map(|epoch| &**epoch)),
            memory,
            received: None,
            peers: Vec::new(),
        }
    }
}
