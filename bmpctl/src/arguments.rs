//! Names as bmpctl's arguments, which a user can paste behind a command.

use shared::names::{SessionId, Shown};

/// A session as bmpctl's arguments name it.
pub(crate) fn session(id: &SessionId) -> String {
    let mut text = id.address.to_string();
    if let Some(alias) = &id.alias {
        text.push_str(&format!(" --alias {}", Shown(alias.as_str())));
    }
    if let Some(name) = &id.vpn_instance {
        text.push_str(&format!(" --vpn-instance {}", Shown(name.as_str())));
    }
    text
}
