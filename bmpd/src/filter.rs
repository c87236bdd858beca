//! Which neighbors and families a receiver is sent.
#![forbid(unsafe_code)]

use shared::names::{NeighborId, RouterId, VpnInstanceName};

use crate::wire::bmp::View;
use crate::wire::family::Family;

/// Which neighbors and families a station is sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Monitor {
    /// Which neighbors.
    pub neighbors: MonitorNeighbors,
    /// Which families; `None` is all that a neighbor has.
    pub families: Option<Vec<Family>>,
    /// Which routers; `None` is all.
    pub routers: Option<Vec<RouterId>>,
    /// Which views; `None` is all. Of a Loc-RIB it does not matter whether it is filtered.
    pub views: Option<Vec<View>>,
}

/// Which neighbors a station is sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum MonitorNeighbors {
    /// All neighbors of all instances.
    #[default]
    All,
    /// Those of these instances (`None` is the public one) and those that are named.
    Listed {
        /// All neighbors of these instances.
        instances: Vec<Option<VpnInstanceName>>,
        /// True for the neighbors of every VPN instance, but not of the public one.
        every_vpn_instance: bool,
        /// These neighbors.
        neighbors: Vec<NeighborId>,
    },
}

impl Monitor {
    /// True if the station is sent this neighbor.
    pub fn wants(&self, neighbor: &NeighborId) -> bool {
        match &self.neighbors {
            MonitorNeighbors::All => true,
            MonitorNeighbors::Listed { instances, every_vpn_instance, neighbors } => {
                instances.contains(&neighbor.vpn_instance)
                    || (*every_vpn_instance && neighbor.vpn_instance.is_some())
                    || neighbors.contains(neighbor)
            }
        }
    }

    /// True if the station is sent this router.
    pub fn wants_router(&self, router: &RouterId) -> bool {
        self.routers.as_ref().is_none_or(|routers| routers.contains(router))
    }

    /// True if the station is sent peers that are a Loc-RIB, or those that are not.
    pub fn wants_peer(&self, is_loc_rib: bool) -> bool {
        let is_of_it = |view: &View| matches!(view, View::LocRib { .. }) == is_loc_rib;
        self.views.as_ref().is_none_or(|views| views.iter().any(is_of_it))
    }

    /// True if the station is sent this view.
    pub fn wants_view(&self, view: View) -> bool {
        let view = match view {
            View::LocRib { .. } => View::LocRib { is_filtered: false },
            view => view,
        };
        self.views.as_ref().is_none_or(|views| views.contains(&view))
    }

    /// True if the station is sent such a table.
    pub fn wants_table(&self, view: View, family: Family) -> bool {
        self.wants_family(family) && self.wants_view(view)
    }

    /// True if the station is sent routes of this family.
    pub fn wants_family(&self, family: Family) -> bool {
        self.families.as_ref().is_none_or(|families| families.contains(&family))
    }
}
