//! The configured neighbors and their listeners: how they are started, and how a reload changes them.

use std::collections::HashMap;
use std::sync::Arc;

use shared::names::NeighborId;
use shared::response::{
    Change, NeighborEntry, PrefixReport, ReloadAction, ReloadItem, ReloadSubject,
};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use super::listening::{Listening, ListeningPlan};
use crate::config::{self, Config, Peers, listeners, setting};
use crate::events::Events;
use crate::routers::Routers;
use crate::sources::Places;
use crate::sources::bgp::{self, Bgp, EntryId, Neighbor, NeighborDirectory, Stop};

/// The neighbors and their listeners.
pub(crate) struct Neighbors {
    directory: Arc<NeighborDirectory>,
    routers: Routers,
    listening: Listening<NeighborDirectory>,
}

/// What a reload does to them. Every socket that could be refused is open.
pub(crate) struct Plan {
    ended: Vec<EntryId>,
    restarted: Vec<(EntryId, config::Neighbor)>,
    configured: Vec<config::Neighbor>,
    started: Vec<config::Neighbor>,
    bgp: Option<Bgp>,
    /// Bytes.
    memory_limit: Option<u64>,
    pending: Option<config::PendingLimits>,
    order: Vec<EntryId>,
    listening: ListeningPlan,
}

impl Neighbors {
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
        let nobody = Config { bgp: None, vpn_instances: Vec::new(), ..config.clone() };
        let directory = NeighborDirectory::new(Arc::clone(routers.ourselves()), places, events);
        let listening = Listening::new(Arc::clone(&directory), "bgp", ReloadSubject::Listener);
        let neighbors = Self { directory, routers: routers.clone(), listening };
        let (_, plan) = neighbors.plan(&nobody, config, false).await?;
        if let Some(plan) = plan {
            neighbors.apply(plan).await;
        }
        Ok(neighbors)
    }

    /// Every neighbor, in the order of the configuration.
    pub(crate) fn handles(&self) -> Vec<Neighbor> {
        self.directory.handles()
    }

    /// Requests a summary from every neighbor, in the same order.
    pub(crate) fn ask_entries(
        &self,
    ) -> Vec<(NeighborId, Option<oneshot::Receiver<NeighborEntry>>)> {
        self.directory.ask_entries()
    }

    /// The prefixes that neighbors can connect from.
    pub(crate) fn prefixes(&self) -> Vec<PrefixReport> {
        self.directory.prefixes()
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
    ) -> Result<(Vec<ReloadItem>, Option<Plan>), String> {
        let mut items = Vec::new();
        let (before, after) = (by_id(old), by_id(new));
        let common = |config: &Config| {
            let bgp = config.bgp.as_ref()?;
            Some(Bgp { asn: bgp.asn, router_id: bgp.router_id })
        };
        let bgp = common(new);
        let changed_for_all = bgp::changes_for_all(common(old), bgp);
        let pending = |config: &Config| config.bgp.as_ref().map(|bgp| bgp.pending);
        let changes = bgp::pending_changes(pending(old), pending(new));
        if !changes.is_empty() {
            let (subject, action) = (ReloadSubject::Daemon, ReloadAction::Apply);
            items.push(ReloadItem { subject, action, changes });
        }
        let mut plan = Plan {
            ended: Vec::new(),
            restarted: Vec::new(),
            configured: Vec::new(),
            started: Vec::new(),
            bgp,
            memory_limit: crate::host::memory_limit(new),
            pending: pending(new),
            order: in_order(new).map(EntryId::of).collect(),
            listening: ListeningPlan::default(),
        };
        let limits = [old, new].map(|config| vec![bgp::memory_limit(memory_limit(config))]);
        let [was, is] = limits;
        let changes: Vec<Change> = setting::changes(was, is)
            .into_iter()
            .map(|(_, change)| Change { key: format!("bgp.{}", change.key), ..change })
            .collect();
        if !changes.is_empty() {
            let subject = ReloadSubject::Daemon;
            items.push(ReloadItem { subject, action: ReloadAction::Apply, changes });
        }
        let mut add = |name, action, changes| {
            let subject = ReloadSubject::Neighbor(name);
            items.push(ReloadItem { subject, action, changes });
        };
        for neighbor in in_order(old).filter(|neighbor| !after.contains_key(&EntryId::of(neighbor)))
        {
            add(name(neighbor), ReloadAction::End, Vec::new());
            plan.ended.push(EntryId::of(neighbor));
        }
        for neighbor in in_order(new) {
            let Some(was) = before.get(&EntryId::of(neighbor)) else {
                add(name(neighbor), ReloadAction::Start, Vec::new());
                plan.started.push(neighbor.clone());
                continue;
            };
            let bgp::Changes { mut restart, running } = bgp::changes(was, neighbor);
            restart.splice(0..0, changed_for_all.iter().cloned());
            if !restart.is_empty() {
                restart.extend(running);
                add(name(neighbor), ReloadAction::Restart, restart);
                plan.restarted.push((EntryId::of(neighbor), neighbor.clone()));
            } else if !running.is_empty() {
                for (name, action) in self.effects(neighbor) {
                    add(name, action, running.clone());
                }
                plan.configured.push(neighbor.clone());
            }
        }
        let (was, is) = (listeners(old), listeners(new));
        plan.listening = self.listening.plan(was, is, &mut items).await?;
        Ok((items, (!dry_run).then_some(plan)))
    }

    /// The effect on a neighbor, or on those of a prefix, of changes that are possible while their sessions run: they
    /// continue, but for those beyond a new limit.
    fn effects(&self, neighbor: &config::Neighbor) -> Vec<(String, ReloadAction)> {
        let beyond = self.directory.beyond(neighbor);
        let beyond = beyond.into_iter().map(|(id, held)| {
            let action = match held {
                bgp::Held::ForAWhile => ReloadAction::Restart,
                bgp::Held::ForGood => ReloadAction::End,
            };
            (id.to_string(), action)
        });
        let entry = (name(neighbor), ReloadAction::Apply);
        match neighbor.peers {
            Peers::One(_) => {
                vec![beyond.map(|(_, action)| (name(neighbor), action)).next().unwrap_or(entry)]
            }
            Peers::Prefix { .. } => std::iter::once(entry).chain(beyond).collect(),
        }
    }

    /// Applies the plan. Returns when stopping and restarting neighbors have been notified.
    pub(crate) async fn apply(&self, plan: Plan) {
        let Plan {
            ended,
            restarted,
            configured,
            started,
            bgp,
            memory_limit,
            pending,
            order,
            mut listening,
        } = plan;
        self.routers.allow_memory(memory_limit);
        if let Some(pending) = pending {
            self.directory.allow_pending(pending);
        }
        self.listening.close(&mut listening).await;
        // Concurrently: each may take a moment until the peer has been notified.
        let mut ends = JoinSet::new();
        let gone = ended.into_iter().map(|id| (id, Stop::Removed));
        let again = restarted.iter().map(|(id, _)| (id.clone(), Stop::Reconfigured));
        for (id, stop) in gone.chain(again) {
            let directory = Arc::clone(&self.directory);
            ends.spawn(async move { directory.end(&id, stop).await });
        }
        while ends.join_next().await.is_some() {}
        for neighbor in &configured {
            self.directory.configure(neighbor).await;
        }
        if let Some(bgp) = bgp {
            let begins = restarted.iter().map(|(_, neighbor)| neighbor).chain(&started);
            for neighbor in begins {
                self.directory.start(neighbor, bgp);
            }
        }
        self.directory.sort(&order);
        self.listening.open(listening);
    }
}

fn memory_limit(config: &Config) -> Option<u32> {
    config.bgp.as_ref()?.memory_limit
}

fn in_order(config: &Config) -> impl Iterator<Item = &config::Neighbor> {
    config.bgp.iter().flat_map(|bgp| &bgp.neighbors)
}

fn by_id(config: &Config) -> HashMap<EntryId, &config::Neighbor> {
    in_order(config).map(|neighbor| (EntryId::of(neighbor), neighbor)).collect()
}

fn name(neighbor: &config::Neighbor) -> String {
    let peers: &Peers = &neighbor.peers;
    match &neighbor.vpn_instance {
        Some(vpn) => format!("{peers} vpn-instance {}", shared::names::Shown(vpn.as_str())),
        None => peers.to_string(),
    }
}
