//! Answers as text for people.

pub(crate) mod json;
pub(crate) mod neighbor;
pub(crate) mod reload;
pub(crate) mod session;
mod table;

use shared::names::{Selector, SessionId, Shown};
use shared::request::Level;
use shared::response::{Failure, ResetDone};

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

/// One line for a session that was reset.
pub(crate) fn reset_done(id: &SessionId, done: &ResetDone) -> String {
    let ResetDone { generation, was_up, remote, passive, changes } = done;
    let before = if *was_up { "reset" } else { "was down" };
    let now = if *passive {
        format!("waiting for it at port {}", remote.port())
    } else {
        format!("connecting to {remote}")
    };
    let mut line = format!("session {id}: {before}, now {now} (generation {generation})");
    if !changes.is_empty() {
        let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
        line.push_str(&format!(", new: {}", changes.join(", ")));
    }
    line.push('\n');
    line
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
        Failure::NotPermitted { needed, has } => format!(
            "not permitted: the command needs level {} ({}), you have level {}; ask as root or as the \
             user that runs bmpd, or let the control socket be for its group only and join that",
            needed.number(),
            level(*needed),
            has.number()
        ),
        Failure::Configuration(text) => {
            format!("the configuration is bad, so nothing was touched:\n{text}")
        }
        Failure::Stopping => "bmpd is stopping".to_owned(),
        Failure::Other(text) => text.clone(),
    }
}

fn level(level: Level) -> &'static str {
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
        Selector::All { vpn_instance: Some(name) } => {
            format!("no session is in the VPN instance {}", Shown(name.as_str()))
        }
        Selector::All { vpn_instance: None } => "there is no session".to_owned(),
        Selector::One(id) if id.alias.is_none() && existing.iter().any(|e| is_aliased(e, id)) => {
            format!("no session {id} without an alias: name the alias")
        }
        Selector::One(id) => format!("no session {id}"),
    };
    text.push_str("; there are:");
    for id in existing.iter().take(LISTED) {
        text.push_str(&format!("\n  {}", session_arguments(id)));
    }
    if existing.len() > LISTED {
        text.push_str(&format!("\n  and {} more: bmpctl show session", existing.len() - LISTED));
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
pub(crate) fn age(millis: u64) -> String {
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
pub(crate) fn countdown(millis: u64) -> String {
    age(millis.div_ceil(1000) * 1000)
}

/// A time such as `2026-11-23T08:00:00Z`.
pub(crate) fn time(unix_millis: u64) -> String {
    let whole_seconds = i64::try_from(unix_millis / 1000).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(whole_seconds)
        .map_or_else(|_| "unknown".to_owned(), |time| time.to_string())
}

/// A moment with its age.
pub(crate) fn moment(unix_millis: u64, ago: u64) -> String {
    format!("{} ago ({})", age(ago), time(unix_millis))
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
            assert_eq!(age(millis), text);
        }
        assert_eq!(countdown(1), "1s");
        assert_eq!(countdown(0), "0s");
    }

    #[test]
    fn times_are_rfc_3339() {
        assert_eq!(time(1_795_420_800_999), "2026-11-23T08:00:00Z");
        assert_eq!(time(u64::MAX), "unknown");
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
