//! The configuration in effect, in the shape of its file: it can be pasted back.
//!
//! What waits is a comment behind what is in effect. Keys are masked, with a note.

use shared::names::{Selector, Shown};
use shared::response::{ConfigReport, ConfigSection, ConfigSetting, ConfigValue, Until};

use crate::arguments;

/// The whole of it, or only what waits to be in effect.
pub(crate) fn text(report: &ConfigReport, only_pending: bool) -> String {
    let notes = notes(report);
    let mut text = String::new();
    for section in &report.sections {
        let waiting = commands(section);
        if only_pending && waiting.is_empty() {
            continue;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        for command in waiting {
            text.push_str(&format!("# pending until: {command}\n"));
        }
        text.push_str(&heading(section));
        for setting in &section.settings {
            if !only_pending || setting.pending.is_some() || section.is_name(&setting.key) {
                text.push_str(&line(setting));
            }
        }
    }
    if only_pending {
        let text = if text.is_empty() { "nothing is pending\n".to_owned() } else { text };
        return notes + &text;
    }
    let masked = report.sections.iter().flat_map(|section| &section.settings);
    let masked = masked.filter_map(|setting| setting.value.as_ref()).any(holds_a_key);
    let included = included(report);
    let keys = if masked { "# Keys are masked with ***.\n" } else { "" };
    format!(
        "# The configuration in effect, read from {}\n{included}{notes}{keys}\n{text}",
        report.file
    )
}

/// How many included files are listed.
const INCLUDED_MAX: usize = 20;

/// The files that the file includes, a line each.
fn included(report: &ConfigReport) -> String {
    let files = report.included.iter().take(INCLUDED_MAX);
    let mut text: String = files.map(|file| format!("# and from {}\n", Shown(file))).collect();
    if report.included.len() > INCLUDED_MAX {
        text += &format!("# and from {} more\n", report.included.len() - INCLUDED_MAX);
    }
    text
}

/// What is not in effect as a whole: a reload that was refused, a file that was changed.
fn notes(report: &ConfigReport) -> String {
    let mut notes = String::new();
    if let Some(refused) = &report.refused_reload {
        notes += &format!("# last reload: {}\n", super::status::refused_reload(refused));
    }
    match report.file_differs {
        Some(false) => {}
        Some(true) => {
            notes += "# the file was changed since: `bmpctl reload --dry-run` says what a reload would do\n";
        }
        None => notes += "# the file cannot be read now\n",
    }
    notes
}

fn heading(section: &ConfigSection) -> String {
    if section.repeated {
        format!("[[{}]]\n", section.name)
    } else {
        format!("[{}]\n", section.name)
    }
}

/// What puts into effect what waits in a table, each command once.
fn commands(section: &ConfigSection) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    for pending in section.settings.iter().filter_map(|setting| setting.pending.as_ref()) {
        let command = until(&pending.until);
        if !commands.contains(&command) {
            commands.push(command);
        }
    }
    commands
}

/// What puts a setting into effect, as people do it.
pub(super) fn until(until: &Until) -> String {
    match until {
        Until::Reset(Selector::One(id)) => {
            format!("bmpctl reset session {}", arguments::session(id))
        }
        Until::Reset(Selector::Several(ids)) => {
            let each = |id| format!("bmpctl reset session {}", arguments::session(id));
            ids.iter().map(each).collect::<Vec<_>>().join(" and ")
        }
        Until::Reset(Selector::All { vpn_instance: None }) => "bmpctl reset session all".to_owned(),
        Until::Reset(Selector::All { vpn_instance: Some(name) }) => {
            format!("bmpctl reset session --vpn-instance {} all", Shown(name.as_str()))
        }
        Until::ResetPublisher(None) => "bmpctl reset publisher all".to_owned(),
        Until::ResetPublisher(Some(name)) => {
            format!("bmpctl reset publisher {}", Shown(name.as_str()))
        }
        Until::Restart => "a restart of bmpd".to_owned(),
    }
}

/// A key with its value; a key without one is shown only if there will be one.
fn line(ConfigSetting { key, value, pending }: &ConfigSetting) -> String {
    let behind = match pending {
        None => None,
        Some(pending) if pending.value == *value => Some("pending: changed".to_owned()),
        Some(pending) => {
            let next = pending.value.as_ref().map_or_else(|| "none".to_owned(), toml);
            Some(format!("pending: {next}"))
        }
    };
    match (value, behind) {
        (None, None) => String::new(),
        (None, Some(behind)) => format!("# {key}: none, {behind}\n"),
        (Some(value), None) => format!("{key} = {}\n", toml(value)),
        (Some(value), Some(behind)) => format!("{key} = {}  # {behind}\n", toml(value)),
    }
}

fn holds_a_key(value: &ConfigValue) -> bool {
    match value {
        ConfigValue::Secret => true,
        ConfigValue::List(list) => list.iter().any(holds_a_key),
        ConfigValue::Table(table) => table.iter().any(|(_, value)| holds_a_key(value)),
        ConfigValue::Boolean(_) | ConfigValue::Integer(_) | ConfigValue::Text(_) => false,
    }
}

/// A value as TOML 1.0 has it.
fn toml(value: &ConfigValue) -> String {
    match value {
        ConfigValue::Boolean(value) => value.to_string(),
        ConfigValue::Integer(value) => value.to_string(),
        ConfigValue::Text(text) => quoted(text),
        ConfigValue::Secret => quoted("***"),
        ConfigValue::List(list) => {
            format!("[{}]", list.iter().map(toml).collect::<Vec<_>>().join(", "))
        }
        ConfigValue::Table(table) => {
            let entries =
                table.iter().map(|(name, value)| format!("{} = {}", key(name), toml(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A key of a table: bare if it can be.
fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(is_bare) { name.to_owned() } else { quoted(name) }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use shared::response::{PendingValue, RefusedReload};
    use shared::time::{Span, Timestamp};

    use super::*;

    fn setting(key: &str, value: Option<i64>, pending: Option<Option<i64>>) -> ConfigSetting {
        let until = Until::Reset(Selector::One(shared::names::SessionId {
            vpn_instance: None,
            address: "10.1.1.1".parse().unwrap(),
            alias: Some("a b".parse().unwrap()),
        }));
        let value = value.map(ConfigValue::Integer);
        let pending = pending.map(|next| PendingValue {
            value: next.map(ConfigValue::Integer),
            until: until.clone(),
        });
        ConfigSetting { key: key.to_owned(), value, pending }
    }

    fn report(settings: Vec<ConfigSetting>) -> ConfigReport {
        let address = ConfigSetting {
            key: "address".to_owned(),
            value: Some(ConfigValue::Text("10.1.1.1".to_owned())),
            pending: None,
        };
        let settings = std::iter::once(address).chain(settings).collect();
        let section = ConfigSection { name: "session".to_owned(), repeated: true, settings };
        ConfigReport {
            included: Vec::new(),
            file: "/f".to_owned(),
            refused_reload: None,
            file_differs: Some(false),
            sections: vec![section],
        }
    }

    #[test]
    fn what_waits_stands_behind_what_is_in_effect() {
        let report = report(vec![
            setting("tcp.connect-port", Some(11019), Some(Some(11020))),
            setting("tcp.mss", None, Some(Some(500))),
            setting("tcp.dscp", Some(48), Some(None)),
            setting("stall-timeout", Some(300), None),
            setting("alias", None, None),
        ]);
        let pending = "\
# pending until: bmpctl reset session 10.1.1.1 --alias \"a b\"
[[session]]
address = \"10.1.1.1\"
tcp.connect-port = 11019  # pending: 11020
# tcp.mss: none, pending: 500
tcp.dscp = 48  # pending: none
";
        assert_eq!(text(&report, true), pending);
        let whole = text(&report, false);
        assert!(whole.starts_with("# The configuration in effect, read from /f\n\n"), "{whole}");
        assert!(whole.ends_with(&format!("{pending}stall-timeout = 300\n")), "{whole}");
    }

    #[test]
    fn nothing_pending_is_one_line() {
        let report = report(vec![setting("tcp.mss", Some(500), None)]);
        assert_eq!(text(&report, true), "nothing is pending\n");
    }

    #[test]
    fn a_refused_reload_and_a_changed_file_stand_in_front() {
        let refused = RefusedReload {
            by: "SIGHUP".to_owned(),
            reason: "/f:1:1: unknown key".to_owned(),
            at: Timestamp(0),
            ago: Span(5_000),
        };
        let mut report = report(vec![]);
        (report.refused_reload, report.file_differs) = (Some(refused), Some(true));
        let notes = "\
# last reload: refused, 5s ago (1970-01-01T00:00:00Z), by SIGHUP: /f:1:1: unknown key
# the file was changed since: `bmpctl reload --dry-run` says what a reload would do
";
        assert_eq!(text(&report, true), format!("{notes}nothing is pending\n"));
        let whole = text(&report, false);
        assert!(
            whole.starts_with(&format!("# The configuration in effect, read from /f\n{notes}\n"))
        );
        report.file_differs = None;
        assert!(text(&report, true).contains("# the file cannot be read now\n"));
    }

    #[test]
    fn what_waits_for_a_reset_of_a_publisher_has_its_command() {
        let command = |name: Option<&str>| {
            until(&Until::ResetPublisher(name.map(|name| name.parse().unwrap())))
        };
        assert_eq!(command(None), "bmpctl reset publisher all");
        assert_eq!(command(Some("lake")), "bmpctl reset publisher lake");
        assert_eq!(command(Some("data bus")), "bmpctl reset publisher \"data bus\"");
    }

    #[test]
    fn texts_are_quoted() {
        assert_eq!(quoted("a \"b\" \\ c\u{7}"), "\"a \\\"b\\\" \\\\ c\\u0007\"");
        let table = ConfigValue::Table(vec![
            ("send-id".to_owned(), ConfigValue::Integer(1)),
            ("key".to_owned(), ConfigValue::Secret),
        ]);
        assert_eq!(toml(&ConfigValue::List(vec![table])), "[{ send-id = 1, key = \"***\" }]");
        let users = ConfigValue::Table(vec![("domain\\bob".to_owned(), ConfigValue::Integer(1))]);
        assert_eq!(toml(&users), "{ \"domain\\\\bob\" = 1 }");
    }
}
