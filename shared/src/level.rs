//! The command levels: what a request needs, and what a caller has.

use serde::{Deserialize, Serialize};

/// Command levels as routers have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Level::Visit => "visit",
            Level::Monitoring => "monitoring",
            Level::Configuration => "configuration",
            Level::Management => "management",
        }
    }
}
