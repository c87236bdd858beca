//! Permissions: users and groups with their command levels, as `[control]` has them.

use std::fmt;

use shared::names::Shown;
use shared::request::Level;

/// A user or a group of the system, as the file names it. Whether it exists depends on the system, and can change any
/// time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Account {
    /// By its number, 0 to 4294967294.
    Id(u32),
    /// By its name: 1 to 256 bytes, no control characters, no colon (passwd(5)), not all digits.
    Name(String),
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Account::Id(id) => id.fmt(f),
            Account::Name(name) => Shown(name).fmt(f),
        }
    }
}

/// `users`, `groups` and `others` of `[control]`; no account is in a list twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Levels {
    /// Users with a level of their own, whatever groups they are in. In the order of the file, at most
    /// 1000.
    pub users: Vec<(Account, Level)>,
    /// The members of these groups. In the order of the file, at most 1000.
    pub groups: Vec<(Account, Level)>,
    /// Everybody else; default 0, which is nothing at all.
    pub others: Level,
}

impl Default for Levels {
    fn default() -> Self {
        Self { users: Vec::new(), groups: Vec::new(), others: Level::Visit }
    }
}
