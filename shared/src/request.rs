//! What can be asked of bmpd.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::names::Selector;

/// One question or order. Each says what level it needs: 1 is monitoring, 2 is configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Read the configuration, end the selected sessions, connect them again with the parameters as
    /// configured now, and send everything again. Level 2. Answered with
    /// [`crate::response::Response::Reset`] as soon as every session has taken the order.
    ResetSession(Selector),
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
            Request::ResetSession(_) => Level::Configuration,
            Request::ShowSession(_) | Request::ShowNeighbor => Level::Monitoring,
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Request::ResetSession(selector) => write!(f, "reset session {selector}"),
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
