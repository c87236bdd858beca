//! What is different in `[control]`, `[process]` and `[http]`: where bmpd is asked, who may do what, whom it runs
//! as.

use shared::request::Level;
use shared::response::{Change, ReloadAction, ReloadItem, ReloadSubject};

use crate::config::{Account, Clients, Config, Control, Http, Levels};

/// How a level is shown where there is no entry.
const NONE: &str = "-";

/// What a reload does about it: levels take effect at once, the rest belongs to the start.
pub(super) fn items(old: &Config, new: &Config) -> Vec<ReloadItem> {
    let account = |account: &Option<Account>| {
        account.as_ref().map_or_else(|| NONE.to_owned(), ToString::to_string)
    };
    let (old_user, new_user) = (account(&old.process.user), account(&new.process.user));
    let (old_http, new_http) = (&old.http, &new.http);
    let (old, new) = (&old.control, &new.control);
    let path = |control: &Control| control.socket.display().to_string();
    let mut socket = Vec::new();
    socket.extend(change("control.socket", path(old), path(new)));
    socket.extend(change("control.group", account(&old.group), account(&new.group)));
    let limits = |control: &Control| {
        let Clients { all, per_user, monitors, monitors_per_user } = control.clients;
        [
            ("control.maximum-clients", all),
            ("control.maximum-clients-per-user", per_user),
            ("control.maximum-monitors", monitors),
            ("control.maximum-monitors-per-user", monitors_per_user),
        ]
    };
    for ((key, old), (_, new)) in limits(old).into_iter().zip(limits(new)) {
        socket.extend(change(key, old.to_string(), new.to_string()));
    }
    socket.extend(change("process.user", old_user, new_user));
    let places = |http: &Http| match &*http.listen {
        [] => NONE.to_owned(),
        places => places.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    socket.extend(change("http.listen", places(old_http), places(new_http)));
    let connections = |http: &Http| http.connections.to_string();
    let key = "http.maximum-connections";
    socket.extend(change(key, connections(old_http), connections(new_http)));
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

    fn config(text: &str) -> Config {
        let text = format!("[control]\nsocket = \"/run/s\"\n{text}");
        crate::config::parse(&text, std::path::Path::new("f")).unwrap()
    }

    fn shown(old: &str, new: &str) -> Vec<(&'static str, Vec<String>)> {
        let items = items(&config(old), &config(new));
        let shown = |item: ReloadItem| {
            (item.action.word(), item.changes.iter().map(ToString::to_string).collect())
        };
        items.into_iter().map(shown).collect()
    }

    #[test]
    fn levels_apply_and_the_group_and_the_user_need_a_restart() {
        let old = "users = { alice = 2, bob = 1 }\ngroups = { noc = 1 }\n";
        assert_eq!(shown(old, old), []);
        let reordered = "users = { bob = 1, alice = 2 }\ngroups = { noc = 1 }\n";
        assert_eq!(shown(old, reordered), []);
        let new = "group = 'bmp'\nusers = { bob = 2, 7 = 3 }\ngroups = { noc = 1 }\nothers = 1\n\
             [process]\nuser = 'bmpd'\n";
        let apply = [
            "control.users.bob 1 -> 2",
            "control.users.7 - -> 3",
            "control.users.alice 2 -> -",
            "control.others 0 -> 1",
        ];
        let expected = [
            (
                "restart-daemon",
                vec!["control.group - -> bmp".to_owned(), "process.user - -> bmpd".to_owned()],
            ),
            ("apply", apply.map(str::to_owned).to_vec()),
        ];
        assert_eq!(shown(old, new), expected);
    }
}
