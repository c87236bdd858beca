//! Counts what the simulator has done, which shows what it has not.

use std::collections::BTreeMap;
use std::fmt;

/// How often each action was done.
#[derive(Debug, Clone, Default)]
pub struct Count(BTreeMap<&'static str, u64>);

impl Count {
    /// Once more, or so many times.
    pub fn add(&mut self, what: &'static str, times: u64) {
        *self.0.entry(what).or_default() += times;
    }

    /// How often it was done.
    pub fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or_default()
    }

    /// Adds the counts of another.
    pub fn join(&mut self, other: &Self) {
        other.0.iter().for_each(|(what, times)| self.add(what, *times));
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, times) in &self.0 {
            writeln!(f, "{times:>12}  {what}")?;
        }
        Ok(())
    }
}
