//! `[control]`: the local socket, and its permissions. `[process]`: bmpd's user.

use std::collections::HashMap;
use std::path::PathBuf;

use shared::request::Level;
use toml::Spanned;

use super::Check;
use super::value::shown;
use crate::config::defaults;
use crate::config::levels::{Account, Levels};
use crate::config::model::{Clients, Control, Process};
use crate::config::schema::{self, Entries, Whole};
use crate::config::source::clean;

/// The longest path of a Unix socket: `sun_path` without the NUL (unix(7)).
const SOCKET_PATH_MAX: usize = 107;

/// The most entries of `users`, and of `groups`. Each is looked up in the system's user database.
const ENTRIES_MAX: usize = 1000;

/// The most bytes of a name; no system allows as many.
const NAME_MAX: usize = 256;

/// How many characters of a name that is refused are repeated.
const NAME_SHOWN_MAX: usize = 40;

impl Check<'_> {
    /// `[control]`.
    pub(super) fn control(&mut self, control: schema::Control) -> Option<Control> {
        let socket = self.optional(&control.socket, |check, path| check.socket_path(path));
        let group =
            self.optional(&control.group, |check, name| check.account("control.group", name));
        let users =
            self.optional(&control.users, |check, entries| check.entries("control.users", entries));
        let groups = self
            .optional(&control.groups, |check, entries| check.entries("control.groups", entries));
        let others =
            self.optional(&control.others, |check, level| check.level("control.others", level));
        let mut most = |key: &str, value, default| {
            let given = self.optional(value, |check, value| {
                check.whole(&format!("control.{key}"), value, 1..=10000, "")
            });
            given.map(|given| given.unwrap_or(default))
        };
        let default = defaults::CLIENTS;
        let all = most("maximum-clients", &control.maximum_clients, default.all);
        let per_user = &control.maximum_clients_per_user;
        let per_user = most("maximum-clients-per-user", per_user, default.per_user);
        let monitors = most("maximum-monitors", &control.maximum_monitors, default.monitors);
        let each = &control.maximum_monitors_per_user;
        let each = most("maximum-monitors-per-user", each, default.monitors_per_user);
        Some(Control {
            socket: socket?.unwrap_or_else(shared::socket::default_path),
            group: group?,
            levels: Levels {
                users: users?.unwrap_or_default(),
                groups: groups?.unwrap_or_default(),
                others: others?.unwrap_or(Levels::default().others),
            },
            clients: Clients {
                all: all?,
                per_user: per_user?,
                monitors: monitors?,
                monitors_per_user: each?,
            },
        })
    }

    /// `[process]`.
    pub(super) fn process(&mut self, process: schema::Process) -> Option<Process> {
        let user = self.optional(&process.user, |check, name| check.account("process.user", name));
        Some(Process { user: user? })
    }

    fn socket_path(&mut self, path: &Spanned<String>) -> Option<PathBuf> {
        let key = "control.socket";
        let text = self.text(key, path)?;
        if text.is_empty() || text.len() > SOCKET_PATH_MAX {
            let text =
                format!("the path has {} bytes; 1 to {SOCKET_PATH_MAX} are allowed", text.len());
            self.refuse(path.span(), key, text);
            return None;
        }
        if !text.starts_with('/') {
            let text = "a relative path would depend on where bmpd was started; begin it with /";
            self.refuse(path.span(), key, text);
            return None;
        }
        Some(PathBuf::from(text))
    }

    /// `users` or `groups`.
    fn entries(&mut self, at: &str, entries: &Spanned<Entries>) -> Option<Vec<(Account, Level)>> {
        let Entries(list) = entries.get_ref();
        if list.len() > ENTRIES_MAX {
            let text = format!(
                "it has {} entries; at most {ENTRIES_MAX} are allowed: use a group for many users",
                list.len()
            );
            self.refuse(entries.span(), at, text);
            return None;
        }
        let mut complete = true;
        let mut checked = Vec::with_capacity(list.len());
        let mut places = HashMap::new();
        let mut in_order: Vec<_> = list.iter().collect();
        in_order.sort_by_key(|(name, _)| name.span().start);
        for (name, level) in in_order {
            let key = format!("{at}.{}", key(name.get_ref()));
            let account = self.account(&key, name);
            let level = self.level(&key, level);
            let (Some(account), Some(level)) = (account, level) else {
                complete = false;
                continue;
            };
            // TOML rejects a repeated name, but not 007 beside 7.
            if let Some(first) = places.insert(account.clone(), name.span().start) {
                let first = self.source.place(first);
                let text = format!("{account} has a level already on {first}; remove one");
                self.refuse(name.span(), key, text);
                complete = false;
                continue;
            }
            checked.push((account, level));
        }
        complete.then_some(checked)
    }

    /// The name or the number of a user or a group.
    fn account(&mut self, key: &str, name: &Spanned<String>) -> Option<Account> {
        let text = name.get_ref();
        let wrong = if text.is_empty() || text.len() > NAME_MAX {
            format!("the name has {} bytes; 1 to {NAME_MAX} are allowed", text.len())
        } else if text.bytes().all(|byte| byte.is_ascii_digit()) {
            // The last number means no user to the system (chown(2)).
            match text.parse() {
                Ok(id) if id < u32::MAX => return Some(Account::Id(id)),
                Ok(_) | Err(_) => format!(
                    "{} is out of range; as a number 0 to {} are allowed",
                    clean(text, NAME_SHOWN_MAX),
                    u32::MAX - 1
                ),
            }
        } else if text.contains(|c: char| c.is_control() || c == ':') {
            format!(
                "{} is not the name of a user or a group: colons and control characters are not allowed",
                shown(text)
            )
        } else {
            return Some(Account::Name(text.clone()));
        };
        self.refuse(name.span(), key, wrong);
        None
    }

    /// A command level.
    fn level(&mut self, key: &str, value: &Spanned<Whole>) -> Option<Level> {
        match value.get_ref().0 {
            0 => Some(Level::Visit),
            1 => Some(Level::Monitoring),
            2 => Some(Level::Configuration),
            3 => Some(Level::Management),
            number => {
                let text = format!(
                    "{number} is not a level; allowed are 0 (nothing), 1 (monitoring), 2 (configuration) and \
                     3 (management)"
                );
                self.refuse(value.span(), key, text);
                None
            }
        }
    }
}

/// A name as a key of TOML.
fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { format!("{name:?}") }
}
