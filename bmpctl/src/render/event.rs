//! What happens in bmpd: a line an event, or a table of them.

use shared::event::{Event, EventKind};
use shared::names::{LegId, Shown};
use shared::response::{History, ReloadItem};
use shared::response::{NeighborState, PublisherState, RouterState, SessionState};

use super::humanize::printable;
use super::reload;
use super::screen::Screen;
use super::table::{Table, text};

/// One line: when, what it is about, what has become of it and why.
pub(crate) fn line(event: &Event) -> String {
    let (about, what) = parts(&event.what);
    let gap = match event.what {
        EventKind::Started { .. } | EventKind::Stopping => " ",
        _ => ": ",
    };
    printable(&format!("{} {about}{gap}{what}", event.at)) + "\n"
}

/// The line in the place of events that did not come.
pub(crate) fn lost(count: u64) -> String {
    let events = if count == 1 { "event" } else { "events" };
    format!("... {count} {events} lost: this reader was too slow\n")
}

/// A row an event, the oldest first, and where `monitor` continues.
pub(crate) fn table(history: &History, screen: &Screen) -> String {
    let History { events, last, dropped } = history;
    let mut table = Table::new(&[text("Time"), text("About"), text("Event")]);
    for event in events {
        let (about, what) = parts(&event.what);
        table.row(vec![
            event.at.to_string().into(),
            printable(&about).into(),
            printable(&what).into(),
        ]);
    }
    let mut shown = match events.is_empty() {
        true => "No such event is kept.\n".to_owned(),
        false => table.render(screen),
    };
    if *dropped > 0 {
        let events = if *dropped == 1 { "event is" } else { "events are" };
        shown.push_str(&format!(
            "\n{dropped} older {events} no longer kept: journalctl --unit bmpd\n"
        ));
    }
    shown.push_str(&format!(
        "\nThe last number is {last}: bmpctl monitor --after {last} continues.\n"
    ));
    shown
}

/// What it is about, and what has become of it and why.
fn parts(what: &EventKind) -> (String, String) {
    match what {
        EventKind::Session { id, router, generation, from, to, why } => {
            let id = LegId { session: id.clone(), router: router.clone() };
            let from = from.map_or("new", SessionState::name);
            let to = to.map_or("ended", SessionState::name);
            let change = format!("{from} -> {to} (generation {generation})");
            (format!("session {id}"), because(change, why))
        }
        EventKind::Neighbor { id, from, to, why } => {
            let from = from.map_or("new", NeighborState::name);
            let to = to.map_or("ended", NeighborState::name);
            (format!("neighbor {id}"), because(format!("{from} -> {to}"), why))
        }
        EventKind::Router { id, from, to, why } => {
            let from = from.map_or("new", RouterState::name);
            let to = to.map_or("ended", RouterState::name);
            let about = format!("router {}", Shown(&id.to_string()));
            (about, because(format!("{from} -> {to}"), why))
        }
        EventKind::Publisher { id, from, to, why } => {
            let from = from.map_or("new", PublisherState::name);
            let to = to.map_or("ended", PublisherState::name);
            let about = format!("publisher {}", Shown(id.as_str()));
            (about, because(format!("{from} -> {to}"), why))
        }
        EventKind::Command { by, command, outcome } => {
            let what = match outcome {
                Ok(done) => because(command.clone(), done),
                Err(reason) => because(format!("{command}: refused or failed"), reason),
            };
            (format!("command by {by}"), what)
        }
        EventKind::Reload { by, items, more } => {
            let mut parts: Vec<String> = items.iter().map(item).collect();
            if *more > 0 {
                parts.push(format!("and {more} more"));
            }
            (format!("reload by {by}"), parts.join("; "))
        }
        EventKind::Started { version } => {
            ("bmpd".to_owned(), format!("was started, version {version}"))
        }
        EventKind::Stopping => ("bmpd".to_owned(), "is stopping".to_owned()),
    }
}

fn because(text: String, why: &str) -> String {
    if why.is_empty() { text } else { format!("{text}: {why}") }
}

fn item(item: &ReloadItem) -> String {
    let mut text = reload::line(item, false).trim_end().to_owned();
    if !item.changes.is_empty() {
        let changes: Vec<String> = item.changes.iter().map(ToString::to_string).collect();
        text.push_str(&format!(" ({})", changes.join(", ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::names::{NeighborId, RouterId, SessionId};
    use shared::response::{Change, NeighborState, ReloadAction, ReloadSubject, SessionState};
    use shared::time::Timestamp;

    fn id() -> SessionId {
        let alias = Some("aa".parse().unwrap());
        SessionId { vpn_instance: None, address: "10.1.1.1".parse().unwrap(), alias }
    }

    fn shown(what: EventKind) -> String {
        line(&Event { sequence: 7, at: Timestamp(1_795_420_800_123), what })
    }

    #[test]
    fn every_event_is_one_line() {
        let leg = |router, from, to, why: &str| {
            let why = why.to_owned();
            shown(EventKind::Session { id: id(), router, generation: 2, from, to, why })
        };
        let session = |from, to, why: &str| leg(RouterId::Local, from, to, why);
        let (up, connecting) = (SessionState::Established, SessionState::Connecting);
        assert_eq!(
            session(Some(up), Some(connecting), "reset by root (pid 7)"),
            "2026-11-23T08:00:00.123Z session 10.1.1.1 alias aa: Established -> Connecting (generation 2): \
             reset by root (pid 7)\n"
        );
        assert!(
            session(None, Some(connecting), "").ends_with("new -> Connecting (generation 2)\n")
        );
        assert!(
            session(Some(up), None, "a\nb\u{1b}[2J")
                .ends_with("ended (generation 2): a\\nb\\u{1b}[2J\n")
        );
        assert!(
            leg("edge 1".parse().unwrap(), Some(connecting), Some(up), "")
                .ends_with("Z session 10.1.1.1 alias aa router \"edge 1\": Connecting -> Established (generation 2)\n")
        );
        let router = |to, why: &str| {
            let id = "edge1".parse().unwrap();
            shown(EventKind::Router {
                id,
                from: Some(RouterState::Listening),
                to,
                why: why.to_owned(),
            })
        };
        assert!(
            router(Some(RouterState::Opening), "connected from 192.0.2.7:50000").ends_with(
                "Z router edge1: Listening -> Opening: connected from 192.0.2.7:50000\n"
            )
        );
        assert!(router(None, "").ends_with("Z router edge1: Listening -> ended\n"));
        let publisher = shown(EventKind::Publisher {
            id: "data bus".parse().unwrap(),
            from: Some(PublisherState::Established),
            to: Some(PublisherState::Stalled),
            why: "no broker answers".to_owned(),
        });
        assert!(
            publisher
                .ends_with("Z publisher \"data bus\": Established -> Stalled: no broker answers\n")
        );
        let neighbor = shown(EventKind::Neighbor {
            id: NeighborId {
                vpn_instance: Some("red".parse().unwrap()),
                address: "192.0.2.1".parse().unwrap(),
            },
            from: Some(NeighborState::OpenSent),
            to: Some(NeighborState::OpenConfirm),
            why: "its OPEN was received".to_owned(),
        });
        assert!(neighbor.ends_with(
            "Z neighbor 192.0.2.1 vpn-instance red: OpenSent -> OpenConfirm: its OPEN was received\n"
        ));
        let command = |outcome| {
            let (by, command) = ("alice (pid 3)".to_owned(), "reset session all".to_owned());
            shown(EventKind::Command { by, command, outcome })
        };
        assert!(
            command(Ok("3 sessions".to_owned()))
                .ends_with("Z command by alice (pid 3): reset session all: 3 sessions\n")
        );
        assert!(
            command(Err("no".to_owned())).ends_with(
                "Z command by alice (pid 3): reset session all: refused or failed: no\n"
            )
        );
        let change = Change { key: "a".to_owned(), old: "1".to_owned(), new: "2".to_owned() };
        let item =
            |action, changes| ReloadItem { subject: ReloadSubject::Session(id()), action, changes };
        let items =
            vec![item(ReloadAction::Start, Vec::new()), item(ReloadAction::Apply, vec![change])];
        let reload = shown(EventKind::Reload { by: "SIGHUP".to_owned(), items, more: 7 });
        assert!(
            reload.ends_with(
                "Z reload by SIGHUP: session 10.1.1.1 alias aa: started; session 10.1.1.1 alias aa: \
                 changed, without interruption (a 1 -> 2); and 7 more\n"
            ),
            "{reload}"
        );
        assert_eq!(lost(1), "... 1 event lost: this reader was too slow\n");
    }
}
