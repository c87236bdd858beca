//! What a caller may do, and the reason.

use std::fmt;

use shared::request::Level;

/// What a caller may do, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authorization {
    pub(crate) level: Level,
    pub(crate) reason: Reason,
}

/// Why a caller has its level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It is root.
    Root,
    /// It is the user that bmpd runs as.
    OwnUser,
    /// It has an entry in `users`.
    User(String),
    /// It is in a group that has an entry in `groups`.
    Group(String),
    /// It is in the group of the socket.
    SocketGroup,
    /// It has no entry, nor has any of its groups.
    Others,
    /// The system does not identify it.
    Unknown,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Root => f.write_str("root"),
            Reason::OwnUser => f.write_str("bmpd's own user"),
            Reason::User(user) => write!(f, "user {user} in [control]"),
            Reason::Group(group) => write!(f, "group {group} in [control]"),
            Reason::SocketGroup => f.write_str("group of the socket"),
            Reason::Others => f.write_str("others in [control]"),
            Reason::Unknown => f.write_str("the system does not say who it is"),
        }
    }
}
