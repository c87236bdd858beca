//! Which neighbors and families a receiver is sent.
#![forbid(unsafe_code)]

use shared::names::{NeighborId, VpnInstanceName};

use crate::wire::family::Family;

/// Which neighbors and families a station is sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Monitor {
    /// Which neighbors.
    pub neighbors: MonitorNeighbors,
    /// Which families; `None` is all that a neighbor has.
    pub families: Option<Vec<Family>>,
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

    /// True if the station is sent routes of this family.
    pub fn wants_family(&self, family: Family) -> bool {
        self.families.as_ref().is_none_or(|families| families.contains(&family))
    }
}
