//! The names there are, for completion and for suggestions.

use serde::{Deserialize, Serialize};

use crate::names::{NeighborId, SessionId, VpnInstanceName};
use crate::state::{NeighborState, SessionState};

/// Every name that a command line can hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Directory {
    /// The sessions, in their order.
    pub sessions: Vec<SessionEntry>,
    /// The neighbors, in the order of the configuration.
    pub neighbors: Vec<NeighborEntry>,
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
