//! What was looked at because something does not come up, and what was found.

use serde::{Deserialize, Serialize};

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Check {
    /// What: `state`, `parameters`, `route`, `connection`, `tls`, `certificate`, `authentication`, `delivery`, `last-failure`.
    pub what: String,
    /// What was found.
    pub outcome: CheckOutcome,
    /// The same for people.
    pub text: String,
    /// What to do about it, for people; null if there is nothing to do.
    pub advice: Option<String>,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CheckOutcome {
    /// It is as it should be.
    Ok,
    /// It works, and is worth a look.
    Warning,
    /// It is what keeps the connection from coming up, or data from being sent.
    Failed,
}

impl CheckOutcome {
    /// As it is printed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}
