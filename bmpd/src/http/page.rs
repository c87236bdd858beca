//! The status page: sessions, neighbors, routers, publishers and the latest events, in a browser.
//!
//! It is self-contained and rendered for each request; its script reloads it every two seconds, and without scripts it
//! is complete as received. Untrusted text (names, reasons) is escaped, and the script and the style that are allowed
//! are identified by their hashes.

use std::fmt::Write as _;
use std::sync::Arc;

use shared::event::{Event, EventKind};
use shared::names::{LegId, PUBLIC_INSTANCE};
use shared::request::ShowEvents;
use shared::response::{
    NeighborReport, NeighborState, PublisherReport, PublisherState, RouterReport, RouterState,
    SessionReport, SessionState,
};
use shared::time::Span;

use crate::supervise;
use crate::world::World;
use crate::world::{all, neighbors, publishers};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// What the page may do. The hashes are those of the two files (SHA-256): a test compares them.
pub(super) const POLICY: &str = "default-src 'none'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'; style-src 'sha256-Fb4j5egwBArYLJswSLdxRjHGfXhXImFlv2bfsYkUFUU='; script-src 'sha256-11MJIT4RM0XtB9AONN9dwFK70DcgnVosZ/lmNzz9E6Q='";

/// Text as HTML has it.
struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// How many events are shown.
const EVENTS: u32 = 40;

/// Queries all and renders the page.
pub(super) async fn render(world: &World) -> String {
    let sessions = world.sessions();
    let sessions = all(sessions.iter().map(|session| session.report(false))).await;
    let sessions: Vec<SessionReport> = sessions.into_iter().flatten().collect();
    let neighbors = neighbors(world, false, |_| true).await;
    let config = world.config();
    let name = Escaped(&config.bmp.system_name);
    let version = env!("CARGO_PKG_VERSION");
    let uptime = age(Span::of(world.started().age()));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{name}: bmpd</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <div id=\"away\" class=\"away\" hidden>bmpd does not answer; this is what it said last.</div>\n<main>\n\
         <header><h1>{name}</h1><p>bmpd {version}, up {uptime}</p></header>\n"
    );
    // Writing into memory does not fail.
    let _ = facts(&mut page, &sessions, &neighbors, world);
    let _ = session_table(&mut page, &sessions);
    let _ = neighbor_table(&mut page, &neighbors);
    let _ = router_table(&mut page, &world.foreign_routers().await);
    let _ = publisher_table(&mut page, &publishers(world).await);
    let newest = ShowEvents { limit: Some(EVENTS), ..ShowEvents::default() };
    let _ = event_table(&mut page, &world.events.show(&newest).events);
    page.push_str(
        "<footer>Looking changes nothing. <code>bmpctl</code> does more.</footer>\n</main>\n",
    );
    let _ = write!(page, "<script>{SCRIPT}</script>\n</body>\n</html>\n");
    page
}

fn facts(
    page: &mut String,
    sessions: &[SessionReport],
    neighbors: &[NeighborReport],
    world: &World,
) -> std::fmt::Result {
    let up = sessions.iter().filter(|session| session.state.is_up()).count();
    let synchronised =
        sessions.iter().filter(|session| session.state == SessionState::Established).count();
    let neighbors_up =
        neighbors.iter().filter(|one| one.state == NeighborState::Established).count();
    let routes: u64 =
        neighbors.iter().flat_map(|one| &one.families).map(|family| family.routes).sum();
    let mut text = String::from("<section class=\"facts\">\n");
    for (value, what) in [
        (format!("{up} of {}", sessions.len()), "sessions up"),
        (format!("{synchronised} of {}", sessions.len()), "synchronised"),
        (format!("{neighbors_up} of {}", neighbors.len()), "neighbors up"),
        (grouped(routes), "routes"),
        (format!("{} MiB", world.table_memory() >> 20), "tables"),
    ] {
        writeln!(text, "<div><b>{value}</b><span>{what}</span></div>")?;
    }
    let errors = supervise::panics();
    if errors > 0 {
        writeln!(text, "<div><b>{errors}</b><span>internal errors: see the log</span></div>")?;
    }
    text.push_str("</section>\n");
    page.push_str(&text);
    Ok(())
}

fn session_table(page: &mut String, sessions: &[SessionReport]) -> std::fmt::Result {
    page.push_str("<h2>BMP sessions</h2>\n<div class=\"sheet\">\n");
    if sessions.is_empty() {
        page.push_str("<p class=\"empty\">No session is configured.</p>\n</div>\n");
        return Ok(());
    }
    page.push_str(
        "<table id=\"sessions\">\n<tr><th>Station</th><th>Alias</th><th>VPN</th><th>State</th><th class=\"n\">Age</th>\
         <th class=\"n\">Generation</th><th class=\"n\">Routes sent</th><th>Progress</th><th>Note</th></tr>\n",
    );
    for session in sessions {
        let id = &session.id;
        let tone = match session.state {
            SessionState::Established => "good",
            SessionState::Synchronising => "wait",
            SessionState::Connecting | SessionState::Listening | SessionState::Idle => "bad",
            SessionState::Shutdown => "off",
        };
        let word = session.state.name();
        let sent = session.sent.routes_announced;
        let (whole, left) = (sent + session.routes_to_send, session.routes_to_send);
        let progress = match session.state.is_up() {
            true if left > 0 => format!(
                "<progress value=\"{sent}\" max=\"{whole}\"></progress> {} %",
                u128::from(sent) * 100 / u128::from(whole.max(1))
            ),
            true => "all sent".to_owned(),
            false => String::new(),
        };
        let note = note(session);
        writeln!(
            page,
            "<tr><td>{}</td><td class=\"name\">{}</td><td>{}</td><td class=\"state {tone}\">{word}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{}</td><td>{progress}</td><td class=\"why\">{}</td></tr>",
            id.address,
            Escaped(id.alias.as_ref().map_or("-", |alias| alias.as_str())),
            Escaped(id.vpn_instance.as_ref().map_or(PUBLIC_INSTANCE, |name| name.as_str())),
            age(session.state_age),
            session.generation,
            grouped(sent),
            Escaped(&note),
        )?;
    }
    page.push_str("</table>\n</div>\n");
    Ok(())
}

/// A note about a session.
fn note(session: &SessionReport) -> String {
    let mut notes = Vec::new();
    if !session.state.is_up() {
        notes.push(session.why.clone());
        notes.extend(session.next_attempt.map(|left| format!("next attempt in {}", age(left))));
    }
    if let Some(blocked) = session.blocked.filter(|Span(millis)| *millis >= 1000) {
        notes.push(format!("the station has taken nothing for {}", age(blocked)));
    }
    notes.extend(waits_for_reset(session.pending.len()));
    notes.retain(|note| !note.is_empty());
    notes.join("; ")
}

fn neighbor_table(page: &mut String, neighbors: &[NeighborReport]) -> std::fmt::Result {
    page.push_str("<h2>BGP neighbors</h2>\n<div class=\"sheet\">\n");
    if neighbors.is_empty() {
        page.push_str("<p class=\"empty\">No neighbor is there.</p>\n</div>\n");
        return Ok(());
    }
    page.push_str(
        "<table id=\"neighbors\">\n<tr><th>Neighbor</th><th>VPN</th><th class=\"n\">AS</th><th>State</th>\
         <th class=\"n\">Age</th><th class=\"n\">Routes</th><th class=\"n\">UPDATEs</th><th>Note</th></tr>\n",
    );
    for neighbor in neighbors {
        let tone = match neighbor.state {
            NeighborState::Established => "good",
            NeighborState::OpenConfirm | NeighborState::OpenSent => "wait",
            NeighborState::Connect | NeighborState::Active | NeighborState::Idle => "bad",
        };
        let word = neighbor.state.name();
        let why = match (&neighbor.last_error, &neighbor.earlier_error) {
            _ if neighbor.state == NeighborState::Established => String::new(),
            (Some(last), Some(earlier)) => format!("{}; before: {}", last.text, earlier.text),
            (Some(error), None) => error.text.clone(),
            (None, _) => neighbor.last_down.as_ref().map_or_else(String::new, |e| e.text.clone()),
        };
        writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"state {tone}\">{word}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"why\">{}</td></tr>",
            neighbor.id.address,
            Escaped(neighbor.id.vpn_instance.as_ref().map_or(PUBLIC_INSTANCE, |n| n.as_str())),
            neighbor.remote_as.map_or_else(|| "-".to_owned(), |asn| asn.to_string()),
            age(neighbor.age),
            grouped(neighbor.families.iter().map(|family| family.routes).sum()),
            grouped(neighbor.updates),
            Escaped(&why),
        )?;
    }
    page.push_str("</table>\n</div>\n");
    Ok(())
}

/// The routers that speak BMP to us, if there are any.
fn router_table(page: &mut String, routers: &[RouterReport]) -> std::fmt::Result {
    if routers.is_empty() {
        return Ok(());
    }
    page.push_str(
        "<h2>Monitored routers</h2>\n<div class=\"sheet\">\n<table id=\"routers\">\n<tr><th>Router</th><th>Address</th>\
         <th>State</th><th class=\"n\">Age</th><th class=\"n\">Peers</th><th class=\"n\">Routes</th><th>Note</th></tr>\n",
    );
    for router in routers {
        let tone = match router.state {
            RouterState::Established => "good",
            RouterState::Held | RouterState::Opening => "wait",
            RouterState::Connecting | RouterState::Listening | RouterState::Idle => "bad",
            RouterState::Shutdown => "off",
        };
        let address = router.remote.map(|remote| remote.ip());
        let address = address.or_else(|| router.addresses.first().copied());
        let note = match router.state {
            RouterState::Established => String::new(),
            _ => router.why.clone(),
        };
        writeln!(
            page,
            "<tr><td class=\"name\">{}</td><td>{}</td><td class=\"state {tone}\">{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"why\">{}</td></tr>",
            Escaped(&router.id.to_string()),
            address.map_or_else(|| "-".to_owned(), |address| address.to_string()),
            router.state.name(),
            age(router.age),
            router.peers_up,
            grouped(router.tables.iter().map(|table| table.routes).sum()),
            Escaped(&note),
        )?;
    }
    page.push_str("</table>\n</div>\n");
    Ok(())
}

/// What is published to Kafka, if there is anything.
fn publisher_table(page: &mut String, publishers: &[PublisherReport]) -> std::fmt::Result {
    if publishers.is_empty() {
        return Ok(());
    }
    page.push_str(
        "<h2>Publishers</h2>\n<div class=\"sheet\">\n<table id=\"publishers\">\n<tr><th>Publisher</th><th>Topic</th>\
         <th>State</th><th class=\"n\">Age</th><th class=\"n\">Routers</th><th class=\"n\">Acknowledged</th>\
         <th class=\"n\">In flight</th><th class=\"n\">To send</th><th>Note</th></tr>\n",
    );
    for publisher in publishers {
        let tone = match publisher.state {
            PublisherState::Established => "good",
            PublisherState::Synchronising => "wait",
            PublisherState::Connecting | PublisherState::Stalled => "bad",
            PublisherState::Shutdown => "off",
        };
        writeln!(
            page,
            "<tr><td class=\"name\">{}</td><td>{}</td><td class=\"state {tone}\">{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{} of {}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td class=\"why\">{}</td></tr>",
            Escaped(publisher.id.as_str()),
            Escaped(&publisher.topic),
            publisher.state.name(),
            age(publisher.age),
            publisher.routers_synchronised,
            publisher.routers_there,
            grouped(publisher.acknowledged_records),
            grouped(publisher.in_flight_records),
            grouped(publisher.routes_to_send),
            Escaped(&publisher_note(publisher)),
        )?;
    }
    page.push_str("</table>\n</div>\n");
    Ok(())
}

/// A note about a publisher.
fn publisher_note(publisher: &PublisherReport) -> String {
    let mut notes = Vec::new();
    if !publisher.state.is_up() {
        notes.push(publisher.why.clone());
        notes.extend(publisher.last_error.as_ref().map(|error| error.text.clone()));
        notes.dedup();
    }
    notes.extend(waits_for_reset(publisher.pending.len()));
    notes.retain(|note| !note.is_empty());
    notes.join("; ")
}

/// How many parameters are pending; nothing if none is.
fn waits_for_reset(count: usize) -> Option<String> {
    match count {
        0 => None,
        1 => Some("1 parameter waits for a reset".to_owned()),
        count => Some(format!("{count} parameters wait for a reset")),
    }
}

/// The last events, the newest first: at least that bmpd was started.
fn event_table(page: &mut String, events: &[Arc<Event>]) -> std::fmt::Result {
    page.push_str("<h2>Last events</h2>\n<div class=\"sheet\">\n");
    page.push_str("<table id=\"events\">\n<tr><th>When</th><th>What</th></tr>\n");
    for event in events.iter().rev() {
        let (at, what) = (event.at.to_seconds_text(), what(&event.what));
        writeln!(page, "<tr><td>{at}</td><td class=\"why\">{}</td></tr>", Escaped(&what))?;
    }
    page.push_str("</table>\n</div>\n");
    Ok(())
}

/// An event as text.
fn what(happening: &EventKind) -> String {
    let and =
        |text: String, why: &str| if why.is_empty() { text } else { format!("{text}: {why}") };
    match happening {
        EventKind::Session { id, router, generation, to, why, .. } => {
            let to = to.map_or("ended", SessionState::word);
            let leg = LegId { session: id.clone(), router: router.clone() };
            and(format!("session {leg} {to} (generation {generation})"), why)
        }
        EventKind::Router { id, to, why, .. } => {
            and(format!("router {id} {}", to.map_or("ended", RouterState::word)), why)
        }
        EventKind::Publisher { id, to, why, .. } => {
            and(format!("publisher {id} {}", to.map_or("ended", PublisherState::word)), why)
        }
        EventKind::Neighbor { id, to, why, .. } => {
            and(format!("neighbor {id} {}", to.map_or("ended", NeighborState::word)), why)
        }
        EventKind::Command { by, command, outcome: Ok(done) } => {
            format!("{command} by {by}: {done}")
        }
        EventKind::Command { by, command, outcome: Err(reason) } => {
            format!("{command} by {by}, refused or failed: {reason}")
        }
        EventKind::Reload { by, items, more } => {
            format!("reload by {by}: {} changes", items.len() as u64 + u64::from(*more))
        }
        EventKind::Started { version } => format!("bmpd {version} was started"),
        EventKind::Stopping => "bmpd is stopping".to_owned(),
    }
}

/// Two units at most.
fn age(Span(millis): Span) -> String {
    let seconds = millis / 1000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// A number in groups of three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && matches!((digits.len() - place) % 3, 0) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use shared::response::{PublisherError, PublisherReason, Sent};
    use shared::time::Timestamp;

    use super::*;

    #[test]
    fn what_comes_from_outside_stays_text() {
        let text = "<script>alert('1')</script> & \"more\"";
        assert_eq!(
            Escaped(text).to_string(),
            "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;more&quot;"
        );
    }

    fn publisher(state: PublisherState) -> PublisherReport {
        PublisherReport {
            id: "a <b>".parse().unwrap(),
            description: None,
            state,
            why: "no broker answers".to_owned(),
            since: Timestamp(0),
            age: Span(61_000),
            bootstrap_servers: vec!["192.0.2.1:9092".to_owned()],
            topic: "bmp.raw".to_owned(),
            window: 16 << 20,
            in_flight_records: 1200,
            in_flight_bytes: 4096,
            unacknowledged_for: None,
            blocked_times: 0,
            blocked_for: Span(0),
            acknowledged_records: 1_234_567,
            acknowledged_bytes: 0,
            latency: None,
            producers: 1,
            doubts: 0,
            rewinds: 0,
            warnings: Vec::new(),
            last_error: Some(PublisherError {
                reason: PublisherReason::BrokerUnreachable,
                text: "192.0.2.1:9092: <refused>".to_owned(),
                at: Timestamp(0),
                ago: Span(1000),
            }),
            pending: Vec::new(),
            last_reset: None,
            next_snapshot: None,
            routers_there: 3,
            routers_synchronised: 1,
            sent: Sent::default(),
            routes_to_send: 7,
            routers: Vec::new(),
        }
    }

    #[test]
    fn publishers_have_a_table_if_there_are_any() {
        let table = |publishers: &[PublisherReport]| {
            let mut page = String::new();
            publisher_table(&mut page, publishers).unwrap();
            page
        };
        assert_eq!(table(&[]), "");
        let stalled = table(&[publisher(PublisherState::Stalled)]);
        for cell in [
            "<td class=\"name\">a &lt;b&gt;</td><td>bmp.raw</td><td class=\"state bad\">Stalled</td>",
            "<td class=\"n\">1m01s</td><td class=\"n\">1 of 3</td><td class=\"n\">1,234,567</td>",
            "<td class=\"n\">1,200</td><td class=\"n\">7</td>",
            "<td class=\"why\">no broker answers; 192.0.2.1:9092: &lt;refused&gt;</td>",
        ] {
            assert!(stalled.contains(cell), "no {cell} in {stalled}");
        }
        let up = table(&[publisher(PublisherState::Established)]);
        assert!(up.contains("<td class=\"why\"></td>"), "{up}");
    }

    #[test]
    fn numbers_and_ages_are_for_people() {
        assert_eq!([0, 999, 1000, 1_200_000].map(grouped), ["0", "999", "1,000", "1,200,000"]);
        let ages = [59_999, 60_000, 3_600_000, 90_000_000].map(|millis| age(Span(millis)));
        assert_eq!(ages, ["59s", "1m00s", "1h00m", "1d01h"]);
    }
}
