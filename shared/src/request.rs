//! What can be asked of bmpd.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::names::Selector;

/// The longest time between two sessions of a reset: one hour, ms.
pub const STAGGER_MAX: u64 = 3_600_000;

/// One question or order. Each says what level it needs: 1 is monitoring, 2 is configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Read the configuration, end the selected sessions, connect them again with the parameters as
    /// configured now, and send everything again. Level 2. Answered with
    /// [`crate::response::Response::Reset`] as soon as every session has taken the order.
    ResetSession {
        /// Which.
        selector: Selector,
        /// The time between one session and the next, ms; 0 is all at once. At most [`STAGGER_MAX`].
        stagger: u64,
    },
    /// Read the configuration, check all of it, and apply it as one: what is new begins, what is gone ends,
    /// what can change at run time does; connection parameters of running sessions become pending. Level
    /// 2, for a dry run 1. Answered with [`crate::response::Response::Reloaded`].
    Reload {
        /// True to be told only what would be done.
        dry_run: bool,
    },
    /// Describe the selected sessions. Level 1. Answered with
    /// [`crate::response::Response::Sessions`].
    ShowSession(Selector),
    /// Describe all BGP neighbors. Level 1. Answered with
    /// [`crate::response::Response::Neighbors`].
    ShowNeighbor,
}

impl Request {
    /// The command level that the caller needs.
    pub fn level(&self) -> Level {
        match self {
            Request::ResetSession { .. } | Request::Reload { dry_run: false } => {
                Level::Configuration
            }
            Request::Reload { dry_run: true } | Request::ShowSession(_) | Request::ShowNeighbor => {
                Level::Monitoring
            }
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Request::ResetSession { selector, stagger: 0 } => write!(f, "reset session {selector}"),
            Request::ResetSession { selector, stagger } => {
                write!(f, "reset session {selector} --stagger {stagger}ms")
            }
            Request::Reload { dry_run: false } => f.write_str("reload"),
            Request::Reload { dry_run: true } => f.write_str("reload --dry-run"),
            Request::ShowSession(selector) => write!(f, "show session {selector}"),
            Request::ShowNeighbor => f.write_str("show neighbor"),
        }
    }
}

/// Command levels as routers have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// 0: nothing of interest.
    Visit,
    /// 1: may look.
    Monitoring,
    /// 2: may change what runs.
    Configuration,
    /// 3: may do everything.
    Management,
}

impl Level {
    /// The number that routers use.
    pub fn number(self) -> u8 {
        self as u8
    }
}
