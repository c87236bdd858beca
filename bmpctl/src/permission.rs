//! What a caller whose level is too low can do.
//!
//! Printed for a request that bmpd has refused, and for a socket that the system does not let the caller use.

use shared::names::Shown;

/// The advice to join a group, which follows the advice to ask as another user.
pub(crate) fn join_group(group: &str) -> String {
    // A process keeps the groups that it was logged in with (initgroups(3)).
    format!(", join the group {} and log in again", Shown(group))
}
