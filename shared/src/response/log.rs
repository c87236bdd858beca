//! How much bmpd logs.

use serde::{Deserialize, Serialize};

use crate::log_level::LogLevel;
use crate::time::Span;

/// How much bmpd logs now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LogReport {
    /// The level.
    pub level: LogLevel,
    /// That of bmpd's command line, which is in effect when nobody has set another one.
    pub default: LogLevel,
    /// Who has set another one, such as `alice (pid 4711)`; `None` if nobody has.
    pub set_by: Option<String>,
    /// The time until the default is in effect again; `None` if that is not planned.
    pub left: Option<Span>,
}
