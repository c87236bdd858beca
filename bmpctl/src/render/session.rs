//! BMP sessions.

use shared::names::{PUBLIC_INSTANCE, RouterId, Shown};
use shared::response::{
    DownReason, EndOfRibSent, LastDown, LegReport, Response, Sent, SessionReport, SessionState,
};
use shared::time::Span;

use super::humanize::{age, count, countdown, moment, size};
use super::rate::{Earlier, rate};
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

/// Routes and bytes sent a second since the report before; nothing of a session that was not in it.
fn rates(session: &SessionReport, earlier: Option<Earlier<'_>>) -> [String; 2] {
    let found = earlier.and_then(|Earlier { answer, ago }| {
        let Response::Sessions(before) = answer else { return None };
        let before = before.iter().find(|before| before.id == session.id)?.sent;
        let routes = |sent: &Sent| sent.routes_announced + sent.routes_withdrawn;
        let routes = rate(routes(&session.sent), routes(&before), ago)?;
        Some([routes.to_string(), size(rate(session.sent.bytes, before.bytes, ago)?)])
    });
    found.unwrap_or_else(|| ["-".to_owned(), "-".to_owned()])
}

/// A row a session; with the report before also what was sent a second since then.
pub(crate) fn table(
    sessions: &[SessionReport],
    earlier: Option<Earlier<'_>>,
    screen: &Screen,
) -> String {
    if sessions.is_empty() {
        return "No session is configured.\n".to_owned();
    }
    let mut table = Table::new(&[
        text("Session"),
        text("Alias"),
        number("Port").leaves(2),
        text("VPN").leaves(3),
        text("State"),
        number("Legs").only_if(sessions.iter().any(|session| session.carries_routers)),
        number("Age"),
        number("Gen").leaves(1),
        number("Routes sent").leaves(4),
        number("To send").leaves(5),
        number("Routes/s").leaves(7).only_if(earlier.is_some()),
        number("Bytes/s").leaves(6).only_if(earlier.is_some()),
        text("Note"),
    ]);
    for session in sessions {
        let [routes, bytes] = rates(session, earlier);
        table.row(vec![
            session.id.address.to_string().into(),
            session.id.alias.as_ref().map_or("-", |alias| alias.as_str()).into(),
            session.remote.port().to_string().into(),
            vpn_instance(session).into(),
            Cell::toned(session.state.name(), tone(session.state)),
            format!("{}/{}", session.legs_up, session.legs_wanted).into(),
            age(session.age).into(),
            session.generation.to_string().into(),
            session.sent.routes_announced.to_string().into(),
            session.routes_to_send.to_string().into(),
            routes.into(),
            bytes.into(),
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

/// How many sessions an error names.
const NAMED_MAX: usize = 10;

/// These sessions with their states and reasons, a line each.
fn lines(sessions: &[&SessionReport]) -> String {
    let line = |session: &&SessionReport| {
        format!("\n  session {}: {}: {}", session.id, session.state.name(), session.why)
    };
    let mut text: String = sessions.iter().take(NAMED_MAX).map(line).collect();
    if sessions.len() > NAMED_MAX {
        text.push_str(&format!("\n  and {} more", sessions.len() - NAMED_MAX));
    }
    text
}

/// That these of so many sessions are not synchronised.
pub(crate) fn not_synchronised(behind: &[&SessionReport], of: usize) -> String {
    format!(
        "{} of {} not synchronised:{}",
        behind.len(),
        count(of as u64, "session"),
        lines(behind)
    )
}

/// That these of so many sessions were not as wanted in time.
pub(crate) fn not_reached(goal: &str, waiting: &[&SessionReport], of: usize, time: Span) -> String {
    let of = count(of as u64, "session");
    format!("{} of {of} not {goal} within {time}:{}", waiting.len(), lines(waiting))
}

/// That so many of so many sessions were not as wanted when the wait was interrupted.
pub(crate) fn interrupted(goal: &str, waiting: usize, of: usize) -> String {
    format!("interrupted: {waiting} of {} not {goal} yet", count(of as u64, "session"))
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

/// A line for each leg; nothing if bmpd itself is the only router.
fn legs(session: &SessionReport) -> String {
    if session.legs.iter().all(|leg| leg.router == RouterId::Local) {
        return String::new();
    }
    let lines = session.legs.iter().map(|leg| format!("    {}\n", of_leg(leg)));
    format!("  Legs:\n{}", lines.collect::<String>())
}

fn of_leg(leg: &LegReport) -> String {
    let LegReport { router, state, why, age: since, generation, last_down, sent, .. } = leg;
    let (name, state_name, since) = (router.to_string(), state.name(), age(*since));
    let state = match state.is_up() {
        true => format!("{state_name}, up for {since}"),
        false => format!("{state_name}, down for {since} ({why})"),
    };
    let (routes, left) = (count(sent.routes_announced, "route"), leg.routes_to_send);
    let mut line = format!(
        "{}: {state}, generation {generation}, {routes} sent, {left} to send",
        Shown(&name)
    );
    if let Some(down) = last_down {
        line.push_str(&format!("; last down: {}", ended(down)));
    }
    line
}

/// What was sent, each number with its name.
pub(super) fn sent_counts(sent: &Sent) -> Vec<(&'static str, u64)> {
    // What only routers have is left out where there is none of it.
    let counts = [
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
    ];
    let of_routers = [
        ("Route Mirroring", sent.route_mirroring),
        ("Unknown types", sent.unknown),
        ("Messages lost", sent.messages_lost),
    ];
    counts.into_iter().chain(of_routers.into_iter().filter(|(_, count)| *count > 0)).collect()
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
    let since = moment(session.synchronised_since, session.synchronised_age);
    match (session.synchronised, session.not_synchronised_for()) {
        (true, _) => lines.push(("Synchronised", format!("yes, since {since}"))),
        (false, Some(_)) => lines.push(("Synchronised", format!("no, since {since}"))),
        // It is not to be.
        (false, None) => {}
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
        let count = session.unknown_peers_refused;
        lines.push(("Unknown refused", format!("{count} at the port of this session")));
    }
    if session.bytes_ignored > 0 {
        lines.push(("Ignored", format!("{} bytes that the station sent", session.bytes_ignored)));
    }
    let pending =
        session.pending.iter().map(|change| format!("    {change}\n")).collect::<String>();
    let pending =
        if pending.is_empty() { pending } else { format!("  Pending until a reset:\n{pending}") };
    let below = legs(session) + &pending;
    if !session.state.is_up() && sent.initiation == 0 {
        return text_of(session, lines) + &below;
    }
    let on = if !session.state.is_up() {
        "Sent on the last connection"
    } else {
        "Sent on this connection"
    };
    let mut text = text_of(session, lines) + &below;
    text.push_str(&format!("  {on}:\n"));
    for (name, count) in sent_counts(sent) {
        text.push_str(&format!("    {:<18} {count:>12}\n", format!("{name}:")));
    }
    if !session.end_of_ribs.is_empty() {
        text.push_str("  End-of-RIB sent:\n");
        for EndOfRibSent { router, neighbor, view, family, at, ago } in &session.end_of_ribs {
            // The only table of a neighbor needs no further name.
            let table = match router {
                RouterId::Local => format!("{neighbor} {family}"),
                router => format!("{router} {neighbor} {view} {family}"),
            };
            text.push_str(&format!("    {table}: {}\n", moment(*at, *ago)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use shared::names::SessionId;
    use shared::time::Timestamp;

    use super::*;

    fn session() -> SessionReport {
        let address = "10.1.1.1".parse().unwrap();
        SessionReport {
            id: SessionId { vpn_instance: None, address, alias: None },
            description: None,
            state: SessionState::Established,
            why: "every route was sent".to_owned(),
            state_since: Timestamp(0),
            state_age: Span(0),
            synchronised: true,
            synchronised_since: Timestamp(0),
            synchronised_age: Span(0),
            since: Timestamp(0),
            age: Span(61_000),
            pending: Vec::new(),
            passive: false,
            tls: false,
            place: "the host's own network".to_owned(),
            unknown_peers_refused: 0,
            generation: 1,
            local: None,
            remote: "10.1.1.1:11019".parse().unwrap(),
            next_attempt: None,
            attempts: 0,
            last_down: None,
            last_failure: None,
            earlier_failure: None,
            last_reset: None,
            sent: Sent::default(),
            routes_to_send: 0,
            bytes_buffered: 0,
            bytes_unacknowledged: 0,
            blocked: None,
            blocked_times: 0,
            blocked_for: Span(0),
            monitored: Vec::new(),
            end_of_ribs: Vec::new(),
            bytes_ignored: 0,
            statistics_timer: 3600,
            next_statistics: None,
            carries_routers: false,
            legs_wanted: 1,
            legs_up: 1,
            legs: vec![leg("local", SessionState::Established)],
        }
    }

    fn leg(router: &str, state: SessionState) -> LegReport {
        LegReport {
            router: router.parse().unwrap(),
            state,
            why: "nobody listens".to_owned(),
            synchronised: state == SessionState::Established,
            synchronised_since: Timestamp(0),
            synchronised_age: Span(0),
            since: Timestamp(0),
            age: Span(61_000),
            generation: 2,
            local: None,
            last_down: None,
            last_failure: None,
            sent: Sent { routes_announced: 1200, ..Sent::default() },
            routes_to_send: 34,
        }
    }

    #[test]
    fn legs_are_shown_only_if_there_are_other_routers_than_bmpd_itself() {
        let alone = session();
        assert!(!table(std::slice::from_ref(&alone), None, &Screen::PLAIN).contains("Legs"));
        assert!(!page(&alone).contains("Legs"));
        let mut edge1 = leg("edge 1", SessionState::Idle);
        edge1.last_down = Some(LastDown {
            reason: DownReason::RouterGone,
            text: "the router is gone".to_owned(),
            at: Timestamp(1_795_420_790_000),
            ago: Span(61_000),
        });
        let legs = [alone.legs.clone(), vec![edge1]].concat();
        let both = SessionReport { carries_routers: true, legs_wanted: 2, legs, ..alone.clone() };
        let rows = table(&[alone, both.clone()], None, &Screen::PLAIN);
        let cells = |line: &str| line.split_whitespace().nth(5).map(str::to_owned);
        let column: Vec<_> = rows.lines().take(3).filter_map(cells).collect();
        assert_eq!(column, ["Legs", "1/1", "1/2"], "{rows}");
        let page = page(&both);
        let lines = "\
  Legs:
    local: Established, up for 1m01s, generation 2, 1200 routes sent, 34 to send
    \"edge 1\": Idle, down for 1m01s (nobody listens), generation 2, 1200 routes sent, 34 to send; \
             last down: the router is gone [router-gone], 1m01s ago (2026-11-23T07:59:50Z)
  Sent on this connection:
";
        assert!(page.contains(lines), "{page}");
    }
}
