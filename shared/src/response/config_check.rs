//! What is wrong with a configuration file.

use serde::{Deserialize, Serialize};

/// What a check of a configuration file found; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConfigCheck {
    /// The file that was checked.
    pub file: String,
    /// The files that it includes, in their order; empty if something is wrong.
    pub included: Vec<String>,
    /// What is wrong, in the order of the files and in that of each; empty if the file can be used.
    pub problems: Vec<ConfigProblem>,
    /// How many problems there are besides.
    pub more: u32,
    /// What is allowed and probably not what was meant, or is not there on this host; a sentence each.
    pub warnings: Vec<String>,
}

/// One thing that is wrong in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConfigProblem {
    /// The file: the one that was checked, or one that it includes.
    pub file: String,
    /// The line, counted from 1; null if it is about the whole file.
    pub line: Option<u32>,
    /// The column in characters, counted from 1; null if it is about the whole file.
    pub column: Option<u32>,
    /// The path of the key, such as `session[0].tcp.mss`; null if it is about none.
    pub key: Option<String>,
    /// What is wrong, and what to do.
    pub message: String,
    /// The line with carets below the place, keys masked; null if it is about the whole file.
    pub excerpt: Option<String>,
}

/// One line: `file:line:column: key: message`.
impl std::fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { file, line, column, key, message, excerpt: _ } = self;
        f.write_str(file)?;
        if let (Some(line), Some(column)) = (line, column) {
            write!(f, ":{line}:{column}")?;
        }
        if let Some(key) = key {
            write!(f, ": {key}")?;
        }
        write!(f, ": {message}")
    }
}
