//! Answers as text for people.

mod canvas;
pub(crate) mod config;
pub(crate) mod display;
pub(crate) mod event;
pub(crate) mod instance;
pub mod json;
pub(crate) mod log;
pub(crate) mod neighbor;
pub(crate) mod page;
pub(crate) mod progress;
pub(crate) mod reload;
pub(crate) mod reset;
mod screen;
pub(crate) mod session;
pub(crate) mod statistics;
pub(crate) mod status;
mod table;

use std::collections::BTreeSet;

use shared::names::{Selector, SessionId, Shown, VpnInstanceName};
use shared::request::Level;
use shared::response::Failure;
use shared::time::{Span, Timestamp};

pub(crate) use self::screen::{Screen, Tone};
use crate::suggest;

/// A message on standard error.
///
/// What it quotes may come from outside: control characters do not reach the terminal.
pub(crate) fn error(text: &str) -> String {
    let mut line = String::from("bmpctl: ");
    for c in text.chars() {
        if c.is_control() && c != '\n' {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line.push('\n');
    line
}

/// A failure in one line, for those who want no more: with the reason that the first line announces, and
/// without a list that it announces.
pub(crate) fn in_one_line(text: &str) -> String {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let Some(announced) = first.strip_suffix(':') else { return first.to_owned() };
    match (announced.rsplit_once("; "), lines.next()) {
        (Some((reason, _)), _) => reason.to_owned(),
        (None, Some(next)) => format!("{first} {}", next.trim_start()),
        (None, None) => announced.to_owned(),
    }
}

/// Why bmpd did not do it, and what can be done.
pub(crate) fn failure(failure: &Failure) -> String {
    match failure {
        Failure::NoSuchSession { selector, existing: _, configured_in: Some(file) } => {
            let what = match selector {
                Selector::One(id) => format!("session {id}"),
                Selector::All { vpn_instance: None } => "a session".to_owned(),
                Selector::All { vpn_instance: Some(name) } => {
                    format!("a session in the VPN instance {}", Shown(name.as_str()))
                }
            };
            format!(
                "bmpd does not run {what} yet: {file}, which has not been applied, has it; bmpctl reload \
                 starts it"
            )
        }
        Failure::NoSuchSession { selector, existing, configured_in: None } => {
            no_such_session(selector, existing)
        }
        Failure::NotPermitted { needed, has, caller, because, group, file } => format!(
            "not permitted: the command needs level {} ({}), and {caller} has level {} ({because}); ask as root \
             or as the user that runs bmpd{}, or let [control] in {file} give the level",
            needed.number(),
            level(*needed),
            has.number(),
            group.as_deref().map(join_group).unwrap_or_default()
        ),
        Failure::NoSuchNeighbor { address, vpn_instance, existing } => {
            let place = match vpn_instance {
                Some(name) => format!(" in the VPN instance {}", Shown(name.as_str())),
                None => String::new(),
            };
            let nearest = suggest::neighbor(*address, vpn_instance.as_ref(), existing);
            let existing = existing.iter().map(ToString::to_string);
            let existing = listed(nearest, existing, "bmpctl show neighbor");
            format!("no neighbor {address}{place}{existing}")
        }
        Failure::NoSuchVpnInstance { name, existing } => {
            let nearest = suggest::vpn_instance(name, existing);
            let existing = existing.iter().map(|name| Shown(name.as_str()).to_string());
            let existing = listed(nearest, existing, "bmpctl show vpn-instance");
            format!("no VPN instance {}{existing}", Shown(name.as_str()))
        }
        Failure::Configuration(text) => {
            format!("the configuration is bad, so nothing was touched:\n{text}")
        }
        Failure::Stopping => "bmpd is stopping".to_owned(),
        Failure::Busy(text) | Failure::Other(text) => text.clone(),
    }
}

/// What else can be done than to ask as somebody else, behind that.
pub(crate) fn join_group(group: &str) -> String {
    // A process keeps the groups that it was logged in with (initgroups(3)).
    format!(", join the group {} and log in again", Shown(group))
}

/// The name of a command level.
pub(crate) fn level(level: Level) -> &'static str {
    match level {
        Level::Visit => "visit",
        Level::Monitoring => "monitoring",
        Level::Configuration => "configuration",
        Level::Management => "management",
    }
}

/// How many sessions an error lists.
const LISTED: usize = 10;

fn no_such_session(selector: &Selector, existing: &[SessionId]) -> String {
    if existing.is_empty() {
        return "no session is configured".to_owned();
    }
    let mut text = match selector {
        Selector::All { vpn_instance: Some(name) } => return nothing_in(name, existing),
        Selector::All { vpn_instance: None } => "there is no session".to_owned(),
        Selector::One(id) if id.alias.is_none() && existing.iter().any(|e| is_aliased(e, id)) => {
            return format!(
                "no session {id} without an alias: name the alias{}",
                listed(None, existing.iter().map(session_arguments), "bmpctl show session")
            );
        }
        Selector::One(id) => format!("no session {id}"),
    };
    let nearest = suggest::session(selector, existing);
    text.push_str(&listed(nearest, existing.iter().map(session_arguments), "bmpctl show session"));
    text
}

/// No session is in a VPN instance: those that have some.
fn nothing_in(name: &VpnInstanceName, existing: &[SessionId]) -> String {
    let instances: BTreeSet<_> =
        existing.iter().filter_map(|id| id.vpn_instance.as_ref()).collect();
    let shown = Shown(name.as_str());
    if instances.is_empty() {
        let listed = listed(None, existing.iter().map(session_arguments), "bmpctl show session");
        return format!(
            "no session is in the VPN instance {shown}, all are in the public one{listed}"
        );
    }
    let nearest = suggest::vpn_instance(name, instances.iter().copied());
    let listed = listed(
        nearest,
        instances.iter().map(|name| Shown(name.as_str()).to_string()),
        "bmpctl show vpn-instance",
    );
    format!("no session is in the VPN instance {shown}{listed}")
}

/// What may have been meant, the things there are, and the command that shows them all.
fn listed(
    nearest: Option<String>,
    existing: impl ExactSizeIterator<Item = String>,
    all: &str,
) -> String {
    let count = existing.len();
    if count == 0 {
        return "; there is none".to_owned();
    }
    let mut text = match nearest {
        Some(nearest) => format!("; {nearest} There are:"),
        None => "; there are:".to_owned(),
    };
    for name in existing.take(LISTED) {
        text.push_str(&format!("\n  {name}"));
    }
    if count > LISTED {
        text.push_str(&format!("\n  and {} more: {all}", count - LISTED));
    }
    text
}

fn is_aliased(existing: &SessionId, wanted: &SessionId) -> bool {
    existing.address == wanted.address && existing.vpn_instance == wanted.vpn_instance
}

/// A session as bmpctl's arguments name it.
pub(crate) fn session_arguments(id: &SessionId) -> String {
    let mut text = id.address.to_string();
    if let Some(alias) = &id.alias {
        text.push_str(&format!(" --alias {}", Shown(alias.as_str())));
    }
    if let Some(name) = &id.vpn_instance {
        text.push_str(&format!(" --vpn-instance {}", Shown(name.as_str())));
    }
    text
}

/// An age such as `57s`, `2h13m` or `3d4h`.
pub(crate) fn age(Span(millis): Span) -> String {
    let seconds = millis / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m{:02}s", seconds % 60),
        (0, _, _) => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{days}d{:02}h", hours % 24),
    }
}

/// A countdown: like an age, but it shows 0 only when it is over.
pub(crate) fn countdown(Span(millis): Span) -> String {
    age(Span(millis.div_ceil(1000) * 1000))
}

/// A number of bytes such as `512 B` or `33.5 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64 / 1024.0;
    let mut rank = 0;
    while size >= 1024.0 && rank + 1 < UNITS.len() {
        size /= 1024.0;
        rank += 1;
    }
    format!("{size:.1} {}", UNITS[rank])
}

/// A moment with its age.
pub(crate) fn moment(at: Timestamp, ago: Span) -> String {
    format!("{} ago ({})", age(ago), at.to_seconds_text())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_two_units_at_most() {
        let cases = [
            (0, "0s"),
            (57_999, "57s"),
            (61_000, "1m01s"),
            (7_980_000, "2h13m"),
            (273_600_000, "3d04h"),
        ];
        for (millis, text) in cases {
            assert_eq!(age(Span(millis)), text);
        }
        assert_eq!(countdown(Span(1)), "1s");
        assert_eq!(countdown(Span(0)), "0s");
    }

    #[test]
    fn sizes_have_the_unit_that_fits() {
        let cases = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (35_127_296, "33.5 MiB"),
            (3 << 30, "3.0 GiB"),
            (5000 << 40, "5000.0 TiB"),
        ];
        for (bytes, text) in cases {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn a_refusal_says_which_level_is_needed_and_how_to_get_it() {
        let text = |because: &str, group: Option<&str>| {
            failure(&Failure::NotPermitted {
                needed: Level::Configuration,
                has: Level::Monitoring,
                caller: "alice (pid 4711)".to_owned(),
                because: because.to_owned(),
                group: group.map(str::to_owned),
                file: "/etc/bmpd/bmpd.toml".to_owned(),
            })
        };
        assert_eq!(
            text("group noc in [control]", Some("netops")),
            "not permitted: the command needs level 2 (configuration), and alice (pid 4711) has level 1 \
             (group noc in [control]); ask as root or as the user that runs bmpd, join the group netops and \
             log in again, or let [control] in /etc/bmpd/bmpd.toml give the level"
        );
        assert_eq!(
            text("user alice in [control]", None),
            "not permitted: the command needs level 2 (configuration), and alice (pid 4711) has level 1 \
             (user alice in [control]); ask as root or as the user that runs bmpd, or let [control] in \
             /etc/bmpd/bmpd.toml give the level"
        );
    }

    #[test]
    fn one_line_announces_no_list() {
        assert_eq!(
            in_one_line("no session 10.1.1.1; there are:\n  10.1.1.2"),
            "no session 10.1.1.1"
        );
        assert_eq!(in_one_line("f.toml:3:1: no such key\n  |\n"), "f.toml:3:1: no such key");
        assert_eq!(in_one_line("bmpd is silent"), "bmpd is silent");
        assert_eq!(
            in_one_line("the configuration is bad:\nf.toml:3:1: no such key\n  |\n"),
            "the configuration is bad: f.toml:3:1: no such key"
        );
    }

    #[test]
    fn an_unknown_session_is_answered_with_those_there_are() {
        let id = |alias: Option<&str>| SessionId {
            vpn_instance: None,
            address: "10.1.1.1".parse().unwrap(),
            alias: alias.map(|alias| alias.parse().unwrap()),
        };
        let existing = vec![id(Some("aa")), id(Some("b b"))];
        let text = failure(&Failure::NoSuchSession {
            selector: Selector::One(id(None)),
            existing,
            configured_in: None,
        });
        assert_eq!(
            text,
            "no session 10.1.1.1 without an alias: name the alias; there are:\n  10.1.1.1 --alias aa\n  10.1.1.1 --alias \"b b\""
        );
    }
}
