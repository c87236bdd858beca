//! What a reader selects: neighbors, and events.

use shared::names::NeighborId;
use shared::request::{About, ShowEvents, WhichEvents, WhichNeighbors};
use shared::response::{Failure, PrefixReport};

use super::World;
use crate::events::{Follower, Shown};
use crate::sources::bgp::Neighbor;

impl World {
    /// The selected neighbors in the order of the configuration, or the failure that names those there are.
    pub(crate) fn select_neighbors(
        &self,
        which: &WhichNeighbors,
    ) -> Result<Vec<Neighbor>, Failure> {
        let WhichNeighbors { address, vpn_instance } = which;
        if let Some(name) = vpn_instance {
            let config = self.config();
            if !config.vpn_instances.iter().any(|instance| instance.name == *name) {
                let existing = config.vpn_instances.iter().map(|instance| instance.name.clone());
                let (name, existing) = (name.clone(), existing.collect());
                return Err(Failure::NoSuchVpnInstance { name, existing });
            }
        }
        let mut found = self.neighbors();
        found.retain(|neighbor| which.matches(neighbor.id()));
        if let (Some(address), true) = (*address, found.is_empty()) {
            let mut existing: Vec<NeighborId> =
                self.neighbors().iter().map(|neighbor| neighbor.id().clone()).collect();
            // It may be in another instance.
            existing.sort_by_key(|id| id.address != address);
            let vpn_instance = vpn_instance.clone();
            return Err(Failure::NoSuchNeighbor { address, vpn_instance, existing });
        }
        Ok(found)
    }

    /// The prefixes that further ones of the selected neighbors can come from.
    pub(crate) fn select_prefixes(&self, which: &WhichNeighbors) -> Vec<PrefixReport> {
        let WhichNeighbors { address, vpn_instance } = which;
        let mut prefixes = self.prefixes();
        prefixes.retain(|prefix| {
            address.is_none() && (vpn_instance.is_none() || prefix.vpn_instance == *vpn_instance)
        });
        prefixes
    }

    /// The selected events that are kept, or a failure if there are none and what they are to be about is not there.
    pub(crate) fn select_events(&self, show: &ShowEvents) -> Result<Shown, Failure> {
        let shown = self.events.show(show);
        if shown.events.is_empty() {
            self.is_known(&show.which.about)?;
        }
        Ok(shown)
    }

    /// Follows the selected events, or a failure as for those that are kept.
    pub(crate) fn follow_events(&self, which: WhichEvents) -> Result<Follower, Failure> {
        let about = which.about.clone();
        let kept = WhichEvents { about, begin: None };
        self.select_events(&ShowEvents { which: kept, limit: Some(1) })?;
        Ok(self.events.follow(which))
    }

    fn is_known(&self, about: &About) -> Result<(), Failure> {
        match about {
            About::All => Ok(()),
            About::Sessions { selector, router } => {
                self.select(selector)?;
                router.as_ref().map_or(Ok(()), |router| self.router_exists(router))
            }
            About::Neighbors(which) => self.select_neighbors(which).map(drop),
            About::Router(router) => self.router_exists(router),
            About::Publisher(name) => self.select_publishers(Some(name)).map(drop),
        }
    }
}
