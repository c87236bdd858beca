//! The differences in `[control]`, `[process]` and `[http]`: the sockets, the permissions, and bmpd's user.

use shared::request::Level;
use shared::response::{Change, ConfigValue, ReloadAction, ReloadItem, ReloadSubject};

use crate::config::setting::{self, Effect, Setting, integer, list, none, path, text};
use crate::config::{Account, Config, Control, Http, Levels, Process};

/// The keys of `[control]`.
pub(crate) fn control_settings(control: &Control) -> Vec<Setting> {
    let Control { socket, group, levels, clients } = control;
    let Levels { users, groups, others } = levels;
    let running = |name, key, value| named(name, key, Effect::Running, value);
    let at_start = |name, key, value| named(name, key, Effect::Connection, value);
    vec![
        at_start("control.socket", "socket", path(socket)),
        at_start("control.group", "group", group.as_ref().and_then(text)),
        running("control.users", "users", accounts(users)),
        running("control.groups", "groups", accounts(groups)),
        running("control.others", "others", integer(others.number())),
        at_start("control.maximum-clients", "maximum-clients", integer(clients.all)),
        at_start(
            "control.maximum-clients-per-user",
            "maximum-clients-per-user",
            integer(clients.per_user),
        ),
        at_start("control.maximum-monitors", "maximum-monitors", integer(clients.monitors)),
        at_start(
            "control.maximum-monitors-per-user",
            "maximum-monitors-per-user",
            integer(clients.monitors_per_user),
        ),
    ]
}

/// The keys of `[process]`.
pub(crate) fn process_settings(process: &Process) -> Vec<Setting> {
    let user = process.user.as_ref().and_then(text);
    vec![named("process.user", "user", Effect::Connection, user)]
}

/// The keys of `[http]`.
pub(crate) fn http_settings(http: &Http) -> Vec<Setting> {
    let at_start = |name, key, value| named(name, key, Effect::Connection, value);
    let listen = list(&http.listen);
    vec![
        at_start("http.listen", "listen", listen),
        at_start("http.maximum-connections", "maximum-connections", integer(http.connections)),
    ]
}

/// A key of a table that exists once: it is shown with the table's name.
fn named(
    name: &'static str,
    key: &'static str,
    effect: Effect,
    value: Option<ConfigValue>,
) -> Setting {
    Setting::new(name, effect, value.clone()).written([(key, value)])
}

/// Users or groups with their levels; `None` if there are none.
fn accounts(levels: &[(Account, Level)]) -> Option<ConfigValue> {
    let entry = |(account, level): &(Account, Level)| {
        let name = match account {
            Account::Id(id) => id.to_string(),
            Account::Name(name) => name.clone(),
        };
        (name, ConfigValue::Integer(level.number().into()))
    };
    (!levels.is_empty()).then(|| ConfigValue::Table(levels.iter().map(entry).collect()))
}

/// The effect of a reload: levels take effect at once, the rest at the next start.
pub(super) fn items(old: &Config, new: &Config) -> Vec<ReloadItem> {
    let all = |config: &Config| {
        let mut all = control_settings(&config.control);
        all.extend(process_settings(&config.process));
        all.extend(http_settings(&config.http));
        all
    };
    let changes = setting::changes(all(old), all(new)).into_iter();
    let at_start = changes.filter(|(effect, _)| *effect == Effect::Connection);
    let at_start = at_start.map(|(_, change)| change).collect();
    let levels = levels(&old.control.levels, &new.control.levels);
    [(ReloadAction::RestartDaemon, at_start), (ReloadAction::Apply, levels)]
        .into_iter()
        .filter(|(_, changes): &(_, Vec<Change>)| !changes.is_empty())
        .map(|(action, changes)| ReloadItem { subject: ReloadSubject::Daemon, action, changes })
        .collect()
}

fn change(key: impl Into<String>, old: String, new: String) -> Option<Change> {
    (old != new).then(|| Change { key: key.into(), old, new })
}

/// The differences in levels, an entry each.
fn levels(old: &Levels, new: &Levels) -> Vec<Change> {
    let mut changes = entries("control.users", &old.users, &new.users);
    changes.extend(entries("control.groups", &old.groups, &new.groups));
    let number = |levels: &Levels| levels.others.number().to_string();
    changes.extend(change("control.others", number(old), number(new)));
    changes
}

/// The changed entries: those of the new file in its order, then the removed ones.
fn entries(table: &str, old: &[(Account, Level)], new: &[(Account, Level)]) -> Vec<Change> {
    let level = |list: &[(Account, Level)], account: &Account| {
        let found = list.iter().find(|(listed, _)| listed == account);
        found.map_or_else(none, |(_, level)| level.number().to_string())
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
    fn every_key_has_a_row() {
        let Config { control, process, http, .. } = config("");
        let settings =
            [control_settings(&control), process_settings(&process), http_settings(&http)];
        let keys = settings.iter().flatten().map(|setting| setting.key().to_owned()).collect();
        assert_eq!(crate::config::keys::daemon(), keys);
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
            "control.users.7 none -> 3",
            "control.users.alice 2 -> none",
            "control.others 0 -> 1",
        ];
        let expected = [
            (
                "restart-daemon",
                vec![
                    "control.group none -> bmp".to_owned(),
                    "process.user none -> bmpd".to_owned(),
                ],
            ),
            ("apply", apply.map(str::to_owned).to_vec()),
        ];
        assert_eq!(shown(old, new), expected);
    }
}
