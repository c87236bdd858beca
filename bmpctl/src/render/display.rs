//! BMP sessions in the words and the layout of routers (VRP's `display bmp session`).
//!
//! Scripts and people that read a router's answer find each field where it is there. What bmpd does not
//! have is 0: it sends no Trace Route messages.

use shared::names::PUBLIC_INSTANCE;
use shared::response::{MonitoredFamily, SessionReport, SessionState};
use shared::time::Span;
use unicode_width::UnicodeWidthStr;

/// A row a session, or every detail of each.
pub(crate) fn sessions(sessions: &[SessionReport], verbose: bool) -> String {
    if verbose {
        return sessions.iter().map(details).collect();
    }
    let up = sessions.iter().filter(|session| session.state.is_up()).count();
    let mut text =
        format!("Total number of BMP session : {}\n Session in up state : {up}\n", sessions.len());
    let rows: Vec<[String; 5]> = sessions.iter().map(row).collect();
    let headings = ["Session", "Alias", "State", "Age", "VPN"].map(str::to_owned);
    // What a router leaves for each column; longer ones get what they need.
    let mut widths = [17, 11, 11, 15, 0];
    for cells in &rows {
        for (width, cell) in widths.iter_mut().zip(cells).take(4) {
            *width = (*width).max(cell.width() + 1);
        }
    }
    for cells in std::iter::once(&headings).chain(&rows) {
        let mut line = String::from("  ");
        for (cell, width) in cells.iter().zip(widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width.saturating_sub(cell.width())));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn row(session: &SessionReport) -> [String; 5] {
    let alias = session.id.alias.as_ref().map_or(String::new(), ToString::to_string);
    let state = if session.state.is_up() { "Up" } else { "Down" };
    let address = session.id.address.to_string();
    [address, alias, state.to_owned(), age(session.age), vpn_instance(session).to_owned()]
}

fn vpn_instance(session: &SessionReport) -> &str {
    session.id.vpn_instance.as_ref().map_or(PUBLIC_INSTANCE, |name| name.as_str())
}

fn details(session: &SessionReport) -> String {
    let state = match reason(session) {
        None if !session.state.is_up() => "Down".to_owned(),
        None => "Up".to_owned(),
        Some(reason) => format!("Down (Reason: {reason})"),
    };
    let (address, port) = match session.local {
        Some(local) => (local.ip().to_string(), local.port()),
        None if session.id.address.ip().is_ipv4() => ("0.0.0.0".to_owned(), 0),
        None => ("::".to_owned(), 0),
    };
    let sent = &session.sent;
    let mut text = format!("BMP session {}, port {}\n", session.id.address, session.remote.port());
    // It distinguishes several sessions of one server.
    let alias = session.id.alias.as_ref().map(|alias| format!("Alias name: {alias}"));
    for line in alias.into_iter().chain([
        format!("Current state: {state}, Age: {}", age(session.age)),
        format!("VPN-instance name: {}", vpn_instance(session)),
        format!("Local address: {address}, Local port: {port}"),
        format!("Statistics timeout: {}(s)", session.statistics_timer),
        format!("ConnectRetry Timer Remainder: {}(s)", seconds(session.next_attempt)),
        format!("Statistics-report Timer Remainder: {}(s)", seconds(session.next_statistics)),
        format!("Send Route Monitoring messages: {}", sent.route_monitoring),
        format!("Send Statistics Report messages: {}", sent.statistics_report),
        format!("Send Peer Down Notification messages: {}", sent.peer_down),
        format!("Send Peer Up Notification messages: {}", sent.peer_up),
        format!("Send Initiation messages: {}", sent.initiation),
        format!("Send Termination messages: {}", sent.termination),
        "Send Trace Route messages: 0".to_owned(),
    ]) {
        text.push_str(&format!("    {line}\n"));
    }
    for MonitoredFamily { family, peers, neighbors } in &session.monitored {
        text.push_str(&format!("  BGP {} :\n", routers_name(family)));
        if neighbors.is_empty() {
            // They are named only for a session that was selected by its name.
            text.push_str(&format!("  {peers} peers (in pre-policy)\n"));
        }
        for neighbor in neighbors {
            let vpn = match &neighbor.vpn_instance {
                Some(name) => format!(" vpn-instance {name}"),
                None => String::new(),
            };
            text.push_str(&format!("  {}{vpn} (in pre-policy)\n", neighbor.address));
        }
    }
    text
}

/// Why a session is down; nothing for one that is up, or that has only begun.
fn reason(session: &SessionReport) -> Option<&'static str> {
    match session.state {
        SessionState::Synchronising | SessionState::Established => None,
        SessionState::Shutdown => Some("Manual Stop"),
        SessionState::Idle | SessionState::Connecting | SessionState::Listening => {
            let last = session.last_failure.as_ref().or(session.last_down.as_ref());
            last.map(|down| down.reason.word())
        }
    }
}

/// A family as routers name it.
fn routers_name(family: &str) -> &str {
    match family {
        "ipv4-unicast" => "ipv4-family unicast",
        "ipv6-unicast" => "ipv6-family unicast",
        "ipv4-multicast" => "ipv4-family multicast",
        "ipv6-multicast" => "ipv6-family multicast",
        "ipv4-labeled-unicast" => "ipv4-family labeled-unicast",
        "ipv6-labeled-unicast" => "ipv6-family labeled-unicast",
        "vpnv4-unicast" => "ipv4-family vpnv4",
        "vpnv6-unicast" => "ipv6-family vpnv6",
        "ipv4-flowspec" => "ipv4-family flow",
        "ipv6-flowspec" => "ipv6-family flow",
        "l2vpn-evpn" => "l2vpn-family evpn",
        other => other,
    }
}

/// What is left of a timer; 0 if it does not run.
fn seconds(left: Option<Span>) -> u64 {
    left.map_or(0, |Span(millis)| millis.div_ceil(1000))
}

/// An age as routers write it: `57s`, `05m07s`, `12h18m32s`.
fn age(Span(millis): Span) -> String {
    let seconds = millis / 1000;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes:02}m{:02}s", seconds % 60),
        _ => format!("{hours:02}h{minutes:02}m{:02}s", seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_those_of_routers() {
        let cases = [(57_999, "57s"), (307_000, "05m07s"), (44_312_000, "12h18m32s")];
        for (millis, text) in cases {
            assert_eq!(age(Span(millis)), text);
        }
        assert_eq!(age(Span(360_000_000)), "100h00m00s");
    }
}
