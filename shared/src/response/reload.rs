//! What a reload did, or would do.

use serde::{Deserialize, Serialize};

use crate::change::ReloadItem;

/// What a reload did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReloadReport {
    /// True if nothing was done: this is the plan.
    pub dry_run: bool,
    /// The file that was read.
    pub file: String,
    /// What is different, in the order in which it is applied; empty if nothing is.
    pub items: Vec<ReloadItem>,
    /// What is allowed and probably not what was meant; a sentence each.
    pub warnings: Vec<String>,
}

impl ReloadReport {
    /// How much is different, in two words.
    pub fn summary(&self) -> String {
        match self.items.len() {
            1 => "1 change".to_owned(),
            changes => format!("{changes} changes"),
        }
    }
}
