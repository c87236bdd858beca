//! The names there are, for completion and for suggestions.

use serde::{Deserialize, Serialize};

use crate::names::{NeighborId, PublisherName, RouterId, SessionId, VpnInstanceName};
use crate::state::{NeighborState, PublisherState, RouterState, SessionState};

/// Every name that a command line can hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Directory {
    /// The sessions, in their order.
    pub sessions: Vec<SessionEntry>,
    /// The neighbors, in the order of the configuration.
    pub neighbors: Vec<NeighborEntry>,
    /// The routers: bmpd itself, if it is one, then those of the configuration in its order, then those of prefixes.
    pub routers: Vec<RouterEntry>,
    /// The publishers, in the order of their names.
    pub publishers: Vec<PublisherEntry>,
    /// The VPN instances, in the order of the configuration.
    pub vpn_instances: Vec<VpnInstanceName>,
}

/// A session in a few words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionEntry {
    /// Its name.
    pub id: SessionId,
    /// Its state; `None` if the session was too busy to report it at once.
    pub state: Option<SessionState>,
    /// From the configuration.
    pub description: Option<String>,
}

/// A router in a few words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouterEntry {
    /// Its name.
    pub id: RouterId,
    /// Its state; `None` if the router was too busy to report it at once.
    pub state: Option<RouterState>,
    /// From the configuration.
    pub description: Option<String>,
}

/// A publisher in a few words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublisherEntry {
    /// Its name.
    pub id: PublisherName,
    /// Its state; `None` if it was too busy to report it at once.
    pub state: Option<PublisherState>,
    /// From the configuration.
    pub description: Option<String>,
}

/// A neighbor in a few words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeighborEntry {
    /// Its name.
    pub id: NeighborId,
    /// Its state; `None` if the neighbor was too busy to report it at once.
    pub state: Option<NeighborState>,
    /// From the configuration.
    pub description: Option<String>,
}
