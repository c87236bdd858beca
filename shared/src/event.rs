//! Events in bmpd, for `show event` and `monitor`.

use serde::{Deserialize, Serialize};

use crate::change::ReloadItem;
use crate::names::{NeighborId, PublisherName, RouterId, SessionId};
use crate::state::{NeighborState, PublisherState, RouterState, SessionState};
use crate::time::Timestamp;

/// Something that has happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its number: greater than that of every event before it. The first one of a bmpd has the time of its start, in
    /// milliseconds since the epoch, so that numbers rise over restarts; every further one has the next number.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: EventKind,
}

/// What has happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventKind {
    /// A session's state is another one, or another generation began in the same state.
    Session {
        /// The session.
        id: SessionId,
        /// The router that the leg carries whose state it is.
        router: RouterId,
        /// The generation of its connection, or of the next one.
        generation: u64,
        /// What it was; `None` if the session has just begun.
        from: Option<SessionState>,
        /// What it is; `None` if the session has ended.
        to: Option<SessionState>,
        /// Why; a few words for people.
        why: String,
    },
    /// A neighbor's state is another one.
    Neighbor {
        /// The neighbor.
        id: NeighborId,
        /// What it was; `None` if it has just begun.
        from: Option<NeighborState>,
        /// What it is; `None` if it has ended.
        to: Option<NeighborState>,
        /// Why; a few words for people.
        why: String,
    },
    /// A router's state is another one.
    Router {
        /// The router.
        id: RouterId,
        /// What it was; `None` if it has just begun.
        from: Option<RouterState>,
        /// What it is; `None` if it has ended.
        to: Option<RouterState>,
        /// Why; a few words for people.
        why: String,
    },
    /// A publisher's state is another one.
    Publisher {
        /// The publisher.
        id: PublisherName,
        /// What it was; `None` if it has just begun.
        from: Option<PublisherState>,
        /// What it is; `None` if it has ended.
        to: Option<PublisherState>,
        /// Why; a few words for people.
        why: String,
    },
    /// A command above level 1 was given, as bmpctl would spell it, or the signal that means the same.
    Command {
        /// Who gave it: user and process.
        by: String,
        /// The command.
        command: String,
        /// Its result, or why it was refused; a few words for people.
        outcome: Result<String, String>,
    },
    /// A reload has changed what runs.
    Reload {
        /// Who requested it.
        by: String,
        /// What was changed; only the first items of a long list.
        items: Vec<ReloadItem>,
        /// How many items there are besides.
        more: u32,
    },
    /// bmpd was started: the first event.
    Started {
        /// Its version.
        version: String,
    },
    /// bmpd is about to stop.
    Stopping,
}
