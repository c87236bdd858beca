//! What is different in `[control]`: where the socket is, and who may do what.

use shared::request::Level;
use shared::response::{Change, ReloadAction, ReloadItem, ReloadSubject};

use crate::config::{Account, Control, Levels};

/// How a level is shown where there is no entry.
const NONE: &str = "-";

/// What a reload does about it: levels take effect at once, the socket is made when bmpd starts.
pub(super) fn items(old: &Control, new: &Control) -> Vec<ReloadItem> {
    let group = |control: &Control| {
        control.group.as_ref().map_or_else(|| NONE.to_owned(), ToString::to_string)
    };
    let path = |control: &Control| control.socket.display().to_string();
    let mut socket = Vec::new();
    socket.extend(change("control.socket", path(old), path(new)));
    socket.extend(change("control.group", group(old), group(new)));
    let levels = levels(&old.levels, &new.levels);
    [(ReloadAction::RestartDaemon, socket), (ReloadAction::Apply, levels)]
        .into_iter()
        .filter(|(_, changes)| !changes.is_empty())
        .map(|(action, changes)| ReloadItem { subject: ReloadSubject::Daemon, action, changes })
        .collect()
}

fn change(key: impl Into<String>, old: String, new: String) -> Option<Change> {
    (old != new).then(|| Change { key: key.into(), old, new })
}

fn levels(old: &Levels, new: &Levels) -> Vec<Change> {
    let mut changes = entries("control.users", &old.users, &new.users);
    changes.extend(entries("control.groups", &old.groups, &new.groups));
    let number = |levels: &Levels| levels.others.number().to_string();
    changes.extend(change("control.others", number(old), number(new)));
    changes
}

/// The entries that are different: those of the new file in its order, then those that are gone.
fn entries(table: &str, old: &[(Account, Level)], new: &[(Account, Level)]) -> Vec<Change> {
    let level = |list: &[(Account, Level)], account: &Account| {
        let found = list.iter().find(|(listed, _)| listed == account);
        found.map_or_else(|| NONE.to_owned(), |(_, level)| level.number().to_string())
    };
    let gone = old.iter().filter(|(account, _)| !new.iter().any(|(other, _)| other == account));
    new.iter()
        .chain(gone)
        .filter_map(|(account, _)| {
            change(format!("{table}.{account}"), level(old, account), level(new, account))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(text: &str) -> Control {
        let text = format!("[control]\nsocket = \"/run/s\"\n{text}");
        crate::config::parse(&text, std::path::Path::new("f")).unwrap().control
    }

    fn shown(old: &str, new: &str) -> Vec<(&'static str, Vec<String>)> {
        let items = items(&control(old), &control(new));
        let shown = |item: ReloadItem| {
            (item.action.word(), item.changes.iter().map(ToString::to_string).collect())
        };
        items.into_iter().map(shown).collect()
    }

    #[test]
    fn levels_apply_and_the_group_needs_a_restart() {
        let old = "users = { alice = 2, bob = 1 }\ngroups = { noc = 1 }\n";
        assert_eq!(shown(old, old), []);
        let reordered = "users = { bob = 1, alice = 2 }\ngroups = { noc = 1 }\n";
        assert_eq!(shown(old, reordered), []);
        let new = "group = 'bmp'\nusers = { bob = 2, 7 = 3 }\ngroups = { noc = 1 }\nothers = 1\n";
        let apply = [
            "control.users.bob 1 -> 2",
            "control.users.7 - -> 3",
            "control.users.alice 2 -> -",
            "control.others 0 -> 1",
        ];
        let expected = [
            ("restart-daemon", vec!["control.group - -> bmp".to_owned()]),
            ("apply", apply.map(str::to_owned).to_vec()),
        ];
        assert_eq!(shown(old, new), expected);
    }
}
