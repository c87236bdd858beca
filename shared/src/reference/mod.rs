//! The keys of the configuration file, as people look them up.
//!
//! ```text
//! etc/bmpd.toml (words, examples) ──┐
//! bmpd's checks (types, ranges) ────┼─ a test of bmpd ─> docs/bmpd.schema.json ─> here, editors
//! bmpd's parameters (effects) ──────┘
//! ```
//!
//! The schema is in the programs as text, and is only read when a key is looked up: a command that asks for something else
//! pays nothing for it.

mod find;
mod schema;

use std::fmt;
use std::sync::LazyLock;

use serde::Serialize;

pub use self::find::{Found, edits, find};
pub use self::schema::{Effect, Extra, Kind, Node, Properties};

/// The JSON schema of the configuration file.
pub const SCHEMA: &str = include_str!("../../../docs/bmpd.schema.json");

/// One key, or a table in a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Entry {
    /// Its path in the file, such as `session.tcp.mss`.
    pub key: String,
    /// The heading of its table, such as `[[session]]`; null for a key that is in no table.
    pub table: Option<String>,
    /// Its name in that table, such as `tcp.mss`.
    pub name: String,
    /// What it is.
    pub description: String,
    /// Its type in the words of the documentation, such as `whole number`.
    pub value: String,
    /// What a number counts, such as `seconds`; null if there is nothing to say.
    pub unit: Option<String>,
    /// The least number; null if it is no number.
    pub minimum: Option<i64>,
    /// The greatest number; null if it is no number.
    pub maximum: Option<i64>,
    /// The words that are allowed; empty if others are.
    pub values: Vec<String>,
    /// What applies without it, as TOML or in words; null if there is no default.
    pub default: Option<String>,
    /// When a change takes effect; null for a table.
    pub takes_effect: Option<Effect>,
    /// An example of its value, as TOML; null for a table.
    pub example: Option<String>,
    /// Where more is documented.
    pub see: Vec<String>,
    /// True if it is a table, whose keys have entries of their own.
    pub is_table: bool,
}

/// Every key and every table, in the order of the schema; a table comes before its keys.
pub fn entries() -> &'static [Entry] {
    static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
        let mut all = Vec::new();
        // The test that makes the schema reads it like this, so it is good.
        if let Ok(root) = serde_json::from_str::<Node>(SCHEMA) {
            root.collect(&mut all);
        }
        all
    });
    &ENTRIES
}

impl Entry {
    /// `whole number of seconds, 15 to 65535`.
    pub fn kind(&self) -> String {
        let mut text = self.value.clone();
        if let Some(unit) = &self.unit {
            text += &format!(" of {unit}");
        }
        if let (Some(least), Some(most)) = (self.minimum, self.maximum) {
            text += &format!(", {least} to {most}");
        }
        text
    }

    /// The first sentence of what it is, in one line.
    pub fn summary(&self) -> &str {
        let ends = ["; ", ". "].iter().filter_map(|mark| self.description.find(mark));
        let end = ends.min().unwrap_or(self.description.len());
        self.description.get(..end).unwrap_or_default().trim_end_matches('.')
    }
}

/// The width of the page.
const WIDTH: usize = 80;

/// The column at which what is said of a key begins.
const COLUMN: usize = 16;

/// All that is known of the key, some lines.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heading = match &self.table {
            Some(table) if self.name.is_empty() => table.clone(),
            Some(table) => format!("{} in {table}", self.name),
            None => format!("{}, before the first table", self.name),
        };
        writeln!(f, "{heading}")?;
        for line in wrapped(&self.description, WIDTH - 2) {
            writeln!(f, "  {line}")?;
        }
        row(f, "type", &self.kind())?;
        if !self.values.is_empty() {
            row(f, "values", &self.values.join(", "))?;
        }
        if !self.is_table {
            row(f, "default", self.default.as_deref().unwrap_or("none"))?;
        }
        if let Some(effect) = self.takes_effect {
            row(f, "takes effect", effect.says())?;
        }
        row(f, "more", &self.see.join(", "))?;
        if let Some(example) = &self.example {
            writeln!(f, "  example:")?;
            if let Some(table) = &self.table {
                writeln!(f, "    {table}")?;
            }
            // A line that can be pasted is not wrapped.
            writeln!(f, "    {} = {example}", self.name)?;
        }
        Ok(())
    }
}

/// A line of the page: a name, and what is said of it, on as many lines as it takes.
fn row(f: &mut fmt::Formatter<'_>, name: &str, text: &str) -> fmt::Result {
    for (rank, line) in wrapped(text, WIDTH - COLUMN).iter().enumerate() {
        let name = if rank == 0 { name } else { "" };
        writeln!(f, "  {name:<width$}{line}", width = COLUMN - 2)?;
    }
    Ok(())
}

/// A text in lines of at most this many characters, but for longer words; never empty.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// A line for each: its path or name, and what it is.
pub(crate) fn table(rows: &[(&str, &str)]) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let room = WIDTH.saturating_sub(width + 4).max(20);
    let line = |(name, says): &(&str, &str)| {
        let first = wrapped(says, room).into_iter().next().unwrap_or_default();
        let cut = if first.len() < says.trim().len() { " ..." } else { "" };
        format!("  {name:width$}  {first}{cut}\n")
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_has_entries_and_each_says_what_it_is() {
        let all = entries();
        assert!(all.len() > 150, "{}", all.len());
        for entry in all {
            assert!(!entry.description.is_empty() && !entry.see.is_empty(), "{}", entry.key);
            assert_eq!(entry.is_table, entry.takes_effect.is_none(), "{}", entry.key);
            assert_eq!(entry.is_table, entry.example.is_none(), "{}", entry.key);
            assert_eq!(entry.value == "whole number", entry.minimum.is_some(), "{}", entry.key);
        }
    }
}
