//! What sessions have counted.

use shared::names::{PUBLIC_INSTANCE, SessionId};
use shared::response::SessionStatistics;

use super::humanize::{age, moment, size};
use super::page::Page;
use super::screen::Screen;
use super::session::sent_counts;
use super::table::{Table, number, text};

/// A row a session.
pub(crate) fn table(sessions: &[SessionStatistics], screen: &Screen) -> String {
    if sessions.is_empty() {
        return "No session is configured.\n".to_owned();
    }
    let mut table = Table::new(&[
        text("Session"),
        text("Alias"),
        text("VPN").leaves(5),
        number("Since"),
        number("Connections").leaves(3),
        number("Failed"),
        number("Resets").leaves(4),
        number("Announced"),
        number("Withdrawn").leaves(2),
        number("Sent"),
        number("Blocked").leaves(1),
        text("Note"),
    ]);
    for counted in sessions {
        let id = &counted.id;
        table.row(vec![
            id.address.to_string().into(),
            id.alias.as_ref().map_or("-", |alias| alias.as_str()).into(),
            id.vpn_instance.as_ref().map_or(PUBLIC_INSTANCE, |name| name.as_str()).into(),
            age(counted.age).into(),
            counted.connections.to_string().into(),
            counted.failed_attempts.to_string().into(),
            counted.resets.to_string().into(),
            counted.sent.routes_announced.to_string().into(),
            counted.sent.routes_withdrawn.to_string().into(),
            size(counted.sent.bytes).into(),
            age(counted.blocked_for).into(),
            counted
                .cleared_by
                .as_ref()
                .map_or(String::new(), |by| format!("cleared by {by}"))
                .into(),
        ]);
    }
    table.render(screen)
}

/// A page a session.
pub(crate) fn pages(sessions: &[SessionStatistics]) -> String {
    if sessions.is_empty() {
        return "No session is configured.\n".to_owned();
    }
    sessions.iter().map(page).collect::<Vec<_>>().join("\n")
}

fn page(counted: &SessionStatistics) -> String {
    let mut page = Page::new(&format!("Statistics of BMP session {}", counted.id));
    page.line("Since", moment(counted.since, counted.age));
    page.line(
        "Cleared",
        match &counted.cleared_by {
            Some(by) => format!("by {by}"),
            None => "never".to_owned(),
        },
    );
    page.line("Connections", counted.connections.to_string());
    page.line("Failed attempts", counted.failed_attempts.to_string());
    page.line("Resets", counted.resets.to_string());
    page.line(
        "Blocked",
        format!("{} times, {} in all", counted.blocked_times, age(counted.blocked_for)),
    );
    page.line("Unknown refused", counted.unknown_peers_refused.to_string());
    page.line("Ignored", format!("{} bytes that the station sent", counted.bytes_ignored));
    let skipped = counted.neighbor_sessions_skipped;
    page.line("Skipped", format!("{skipped} BGP sessions that came and went before their Peer Up"));
    if !counted.downs.is_empty() {
        let downs = counted.downs.iter().map(|down| (down.reason.word(), down.count));
        page.counts("Connections that ended", downs);
    }
    page.counts("Sent on all connections", sent_counts(&counted.sent));
    page.into_text()
}

/// A line for each session that counts from zero now.
pub(crate) fn cleared(sessions: &[SessionId]) -> String {
    if sessions.is_empty() {
        return "No session is configured.\n".to_owned();
    }
    sessions.iter().map(|id| format!("session {id}: its statistics were reset\n")).collect()
}
