//! BMP sessions.

use shared::names::PUBLIC_INSTANCE;
use shared::response::{DownReason, EndOfRibSent, LastDown, Sent, SessionReport, SessionState};
use shared::time::Span;

use super::humanize::{age, countdown, moment};
use super::screen::{Screen, Tone};
use super::table::{Cell, Table, number, text};

fn tone(state: SessionState) -> Tone {
    match state {
        SessionState::Established => Tone::Good,
        SessionState::Synchronising | SessionState::Connecting | SessionState::Listening => {
            Tone::Busy
        }
        SessionState::Idle => Tone::Bad,
        SessionState::Shutdown => Tone::Faint,
    }
}

fn vpn_instance(session: &SessionReport) -> &str {
    session.id.vpn_instance.as_ref().map_or(PUBLIC_INSTANCE, |name| name.as_str())
}

/// A row a session.
pub(crate) fn table(sessions: &[SessionReport], screen: &Screen) -> String {
    if sessions.is_empty() {
        return "No session is configured.\n".to_owned();
    }
    let mut table = Table::new(&[
        text("Session"),
        text("Alias"),
        number("Port").leaves(2),
        text("VPN").leaves(3),
        text("State"),
        number("Age"),
        number("Gen").leaves(1),
        number("Routes sent").leaves(4),
        number("To send").leaves(5),
        text("Note"),
    ]);
    for session in sessions {
        table.row(vec![
            session.id.address.to_string().into(),
            session.id.alias.as_ref().map_or("-", |alias| alias.as_str()).into(),
            session.remote.port().to_string().into(),
            vpn_instance(session).into(),
            Cell::toned(session.state.name(), tone(session.state)),
            age(session.age).into(),
            session.generation.to_string().into(),
            session.sent.routes_announced.to_string().into(),
            session.routes_to_send.to_string().into(),
            note(session).into(),
        ]);
    }
    let up = sessions.iter().filter(|session| session.state.is_up()).count();
    let noun = if sessions.len() == 1 { "session" } else { "sessions" };
    format!("{}\n{} {noun}, {up} up\n", table.render(screen), sessions.len())
}

/// For this long the end of the last connection is worth a note, ms.
const RECENT: Span = Span(3_600_000);

/// How much of what there is to send was sent, in percent; 100 only when all was.
fn progress(session: &SessionReport) -> u64 {
    let (sent, left) = (session.sent.routes_announced, session.routes_to_send);
    let whole = sent.saturating_add(left);
    sent.saturating_mul(100).checked_div(whole).unwrap_or(0).min(99)
}

fn pending(session: &SessionReport) -> Option<String> {
    match session.pending.len() {
        0 => None,
        1 => Some(format!("pending: {}", session.pending[0].key)),
        n => Some(format!("pending: {n} parameters")),
    }
}

/// What is worth knowing, in a few words; nothing if nothing is.
fn note(session: &SessionReport) -> String {
    let mut parts: Vec<String> = pending(session).into_iter().collect();
    if session.state.is_up() {
        if session.state == SessionState::Synchronising {
            parts.push(format!("{}% sent", progress(session)));
        }
        match (session.blocked, &session.last_down) {
            (Some(blocked), _) if blocked >= Span(1000) => {
                parts.push(format!("blocked for {}", age(blocked)));
            }
            (_, Some(down)) if down.ago < RECENT && down.reason == DownReason::Reset => {
                parts.push(format!("reset {} ago", age(down.ago)));
            }
            (_, Some(down)) if down.ago < RECENT => {
                parts.push(format!("down {} ago: {}", age(down.ago), down.text));
            }
            _ => {}
        }
        return parts.join("; ");
    }
    if session.state == SessionState::Shutdown {
        parts.push(session.why.clone());
        return parts.join("; ");
    }
    if let Some(down) = session.last_failure.as_ref().or(session.last_down.as_ref()) {
        parts.push(down.text.clone());
    }
    if let Some(earlier) = &session.earlier_failure {
        parts.push(format!("failed {} ago: {}", age(earlier.ago), earlier.text));
    }
    if let Some(next) = session.next_attempt {
        parts.push(format!("next attempt in {}", countdown(next)));
    }
    parts.join("; ")
}

fn text_of(session: &SessionReport, lines: Vec<(&str, String)>) -> String {
    let mut text = format!("BMP session {}\n", session.id);
    for (name, value) in lines {
        text.push_str(&format!("  {:<18} {value}\n", format!("{name}:")));
    }
    text
}

fn ended(down: &LastDown) -> String {
    format!("{} [{}], {}", down.text, down.reason.word(), moment(down.at, down.ago))
}

/// What was sent, each number with its name.
pub(super) fn sent_counts(sent: &Sent) -> [(&'static str, u64); 11] {
    [
        ("Initiation", sent.initiation),
        ("Peer Up", sent.peer_up),
        ("Peer Down", sent.peer_down),
        ("Route Monitoring", sent.route_monitoring),
        ("Statistics Report", sent.statistics_report),
        ("Termination", sent.termination),
        ("Routes announced", sent.routes_announced),
        ("Routes withdrawn", sent.routes_withdrawn),
        ("End-of-RIB", sent.end_of_rib),
        ("Neighbors resent", sent.neighbors_resent),
        ("Bytes", sent.bytes),
    ]
}

/// A page a session.
pub(crate) fn pages(sessions: &[SessionReport]) -> String {
    sessions.iter().map(page).collect::<Vec<_>>().join("\n")
}

fn page(session: &SessionReport) -> String {
    let sent = &session.sent;
    let mut state = format!("{} for {}", session.state.name(), age(session.state_age));
    if session.state == SessionState::Synchronising {
        state.push_str(&format!(", {}% sent", progress(session)));
    }
    let mut lines = vec![("State", format!("{state} ({})", session.why))];
    if !session.state.is_up() {
        lines.push(("Down for", age(session.age)));
    } else {
        lines.push(("Up for", age(session.age)));
    }
    if let Some(description) = &session.description {
        lines.push(("Description", description.clone()));
    }
    let mode =
        if session.passive { "passive: the station connects" } else { "active: bmpd connects" };
    let tls = if session.tls { ", with TLS" } else { "" };
    lines.push(("Mode", format!("{mode}{tls}")));
    let instance = vpn_instance(session);
    lines.push((
        "VPN instance",
        match &session.id.vpn_instance {
            Some(_) => format!("{instance} ({})", session.place),
            None => instance.to_owned(),
        },
    ));
    lines.push(("Generation", session.generation.to_string()));
    let local = session.local.map_or_else(|| "-".to_owned(), |local| local.to_string());
    lines.push(("Local address", local));
    let remote = if session.passive && !session.state.is_up() {
        session.remote.ip().to_string()
    } else {
        session.remote.to_string()
    };
    lines.push(("Remote address", remote));
    if matches!(session.state, SessionState::Idle | SessionState::Connecting) {
        let next = match session.next_attempt {
            Some(next) => format!("in {}", countdown(next)),
            None => "now".to_owned(),
        };
        lines.push((
            "Next attempt",
            format!("{next}, attempts since the last connection: {}", session.attempts),
        ));
    }
    let never = || "never".to_owned();
    let last_down = session.last_down.as_ref();
    lines.push(("Last down", last_down.map_or_else(never, ended)));
    if let Some(failure) = &session.last_failure {
        lines.push(("Last attempt", ended(failure)));
    }
    if let Some(earlier) = &session.earlier_failure {
        lines.push(("Earlier failure", ended(earlier)));
    }
    let last_reset = session.last_reset.as_ref();
    lines.push((
        "Last reset",
        last_reset.map_or_else(never, |reset| {
            format!("by {}, {}", reset.by, moment(reset.at, reset.ago))
        }),
    ));
    if session.state.is_up() {
        let monitored = session.monitored.iter();
        let monitored: Vec<String> =
            monitored.map(|found| format!("{} {}", found.family, found.peers)).collect();
        let none = || "none".to_owned();
        let shown = if monitored.is_empty() { none() } else { monitored.join(", ") };
        lines.push(("Monitored peers", shown));
    }
    if let Some(next) = session.next_statistics {
        let every = session.statistics_timer;
        lines.push(("Statistics", format!("every {every} s, next in {}", countdown(next))));
    }
    lines.push(("Still to send", format!("{} routes", session.routes_to_send)));
    lines.push((
        "Waiting",
        format!(
            "{} bytes here, {} bytes in the system",
            session.bytes_buffered, session.bytes_unacknowledged
        ),
    ));
    if let Some(blocked) = session.blocked {
        lines.push(("Blocked", format!("for {}: the station takes nothing", age(blocked))));
    }
    if session.blocked_times > 0 {
        let (times, time) = (session.blocked_times, age(session.blocked_for));
        lines.push(("Blocked so far", format!("{times} times, {time} in all")));
    }
    if session.passive {
        let count = session.strangers_refused;
        lines.push(("Unknown peers refused", format!("{count} at the port of this session")));
    }
    if session.bytes_ignored > 0 {
        lines.push(("Ignored", format!("{} bytes that the station sent", session.bytes_ignored)));
    }
    let pending =
        session.pending.iter().map(|change| format!("    {change}\n")).collect::<String>();
    let pending =
        if pending.is_empty() { pending } else { format!("  Pending until a reset:\n{pending}") };
    if !session.state.is_up() && sent.initiation == 0 {
        return text_of(session, lines) + &pending;
    }
    let on = if !session.state.is_up() {
        "Sent on the last connection"
    } else {
        "Sent on this connection"
    };
    let mut text = text_of(session, lines) + &pending;
    text.push_str(&format!("  {on}:\n"));
    for (name, count) in sent_counts(sent) {
        text.push_str(&format!("    {:<18} {count:>12}\n", format!("{name}:")));
    }
    if !session.end_of_ribs.is_empty() {
        text.push_str("  End-of-RIB sent:\n");
        for EndOfRibSent { neighbor, family, at, ago } in &session.end_of_ribs {
            text.push_str(&format!("    {neighbor} {family}: {}\n", moment(*at, *ago)));
        }
    }
    text
}
