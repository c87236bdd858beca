//! The levels at which bmpd can log.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What is logged: this level and those above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum LogLevel {
    /// What went wrong.
    Error,
    /// What may go wrong, and what is probably not meant.
    Warn,
    /// What changes: sessions and neighbors that go up and down, resets, reloads.
    Info,
    /// What helps to find out why.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// All of them, the quietest first.
    pub const ALL: [Self; 5] = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    /// Its name, such as `info`.
    pub fn name(self) -> &'static str {
        match self {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        }
    }

    /// What it adds to those above it.
    pub fn adds(self) -> &'static str {
        match self {
            LogLevel::Error => "What went wrong",
            LogLevel::Warn => "What may go wrong, and what is probably not meant",
            LogLevel::Info => {
                "What changes: sessions and neighbors that go up and down, resets, reloads"
            }
            LogLevel::Debug => "What helps to find out why",
            LogLevel::Trace => "Everything",
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text is not a level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no such level: there are error, warn, info, debug and trace")]
pub struct NoSuchLevel;

impl FromStr for LogLevel {
    type Err = NoSuchLevel;

    fn from_str(text: &str) -> Result<Self, NoSuchLevel> {
        Self::ALL.into_iter().find(|level| level.name() == text).ok_or(NoSuchLevel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_as_they_are_written() {
        for level in LogLevel::ALL {
            assert_eq!(level.to_string().parse(), Ok(level));
        }
        assert_eq!("INFO".parse::<LogLevel>(), Err(NoSuchLevel));
        assert!(LogLevel::ALL.is_sorted());
    }
}
