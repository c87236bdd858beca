//! Monitored routers.

use shared::names::{PUBLIC_INSTANCE, RouterId, Shown};
use shared::response::{
    RouterError, RouterPeer, RouterReceived, RouterReport, RouterReset, RouterState, RouterTable,
};

use super::humanize::{age, count, countdown, moment, printable, size};
use super::page::Page;
use super::screen::{Screen, Tone};
use super::table::{Cell, Table, number, text};

/// Where there is none.
pub(crate) const NONE: &str = "No router is configured.\n";

fn tone(state: RouterState) -> Tone {
    match state {
        RouterState::Established => Tone::Good,
        RouterState::Opening
        | RouterState::Connecting
        | RouterState::Listening
        | RouterState::Held => Tone::Busy,
        RouterState::Idle => Tone::Bad,
        RouterState::Shutdown => Tone::Faint,
    }
}

fn vpn_instance(router: &RouterReport) -> &str {
    router.vpn_instance.as_ref().map_or(PUBLIC_INSTANCE, |name| name.as_str())
}

/// A router as it is typed.
fn shown(router: &RouterId) -> String {
    Shown(&router.to_string()).to_string()
}

/// A row a router.
pub(crate) fn table(routers: &[RouterReport], screen: &Screen) -> String {
    if routers.is_empty() {
        return NONE.to_owned();
    }
    let in_instances = routers.iter().any(|router| router.vpn_instance.is_some());
    let mut table = Table::new(&[
        text("Router"),
        text("VPN").leaves(1).only_if(in_instances),
        text("Remote address").leaves(3),
        text("State"),
        number("Age"),
        number("Peers").leaves(2),
        number("Routes"),
        text("Note"),
    ]);
    for router in routers {
        let routes: u64 = router.tables.iter().map(|table| table.routes).sum();
        table.row(vec![
            router.id.to_string().into(),
            vpn_instance(router).into(),
            remote(router).unwrap_or_else(|| "-".to_owned()).into(),
            Cell::toned(router.state.name(), tone(router.state)),
            age(router.age).into(),
            router.peers_up.to_string().into(),
            routes.to_string().into(),
            note(router).into(),
        ]);
    }
    // bmpd itself is always there.
    let others = routers.iter().filter(|router| router.id != RouterId::Local);
    let up = others.clone().filter(|router| router.state.is_up()).count();
    let summary = match others.count() {
        0 => String::new(),
        whole => format!("\n{}, {up} up\n", count(whole as u64, "router")),
    };
    table.render(screen) + &summary
}

/// Its end of the connection; while it has none, the first address that it is known by.
fn remote(router: &RouterReport) -> Option<String> {
    let known = || router.addresses.first().map(ToString::to_string);
    router.remote.map(|remote| remote.to_string()).or_else(known)
}

/// Why it is not up, and for how long; nothing if it is.
fn note(router: &RouterReport) -> String {
    let mut parts = Vec::new();
    match router.state {
        RouterState::Established => {}
        RouterState::Shutdown => parts.push(printable(&router.why)),
        _ => parts.extend(router.last_down.as_ref().map(|down| printable(&down.text))),
    }
    let held = router.held_for.map(countdown);
    parts.extend(held.map(|left| format!("its tables are kept for {left} more")));
    parts.extend(router.next_attempt.map(|next| format!("next attempt in {}", countdown(next))));
    parts.join("; ")
}

/// A page a router.
pub(crate) fn pages(routers: &[RouterReport]) -> String {
    if routers.is_empty() {
        return NONE.to_owned();
    }
    routers.iter().map(page).collect::<Vec<_>>().join("\n")
}

fn page(router: &RouterReport) -> String {
    let mut page = Page::new(&format!("Router {}", shown(&router.id)));
    page.line("State", format!("{} ({})", router.state.name(), router.why));
    page.line("Since", moment(router.since, router.age));
    page.line_if("Description", router.description.as_deref());
    // bmpd itself has no connection.
    let is_local = router.id == RouterId::Local;
    if !is_local {
        let is_active = router.active;
        page.line(
            "Mode",
            if is_active { "active: bmpd connects" } else { "passive: the router connects" },
        );
        page.line("Configured", if router.dynamic { "by its prefix" } else { "by its name" });
    }
    page.line("VPN instance", vpn_instance(router));
    if !router.addresses.is_empty() {
        let addresses: Vec<String> = router.addresses.iter().map(ToString::to_string).collect();
        page.line("Addresses", addresses.join(", "));
    }
    page.line_if("Remote address", router.remote.map(|remote| remote.to_string()));
    page.line_if("sysName", router.system_name.as_deref());
    // Some routers break it into lines.
    let words = |text: &String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    page.line_if("sysDescr", router.system_description.as_ref().map(words));
    if !is_local {
        page.line("Connections", format!("{} since bmpd started", router.connections));
    }
    let held = router.held_for.map(countdown);
    page.line_if("Tables kept", held.map(|left| format!("for {left} more")));
    page.line_if("Next attempt", router.next_attempt.map(|next| format!("in {}", countdown(next))));
    if !is_local {
        let ended =
            |RouterError { text, at, ago }: &RouterError| format!("{text}, {}", moment(*at, *ago));
        page.line("Last down", router.last_down.as_ref().map_or_else(|| "never".to_owned(), ended));
    }
    page.line("Peers up", router.peers_up.to_string());
    page.line("Memory", size(router.memory));
    if !router.tables.is_empty() {
        page.list("Routes by view and family", router.tables.iter().map(of_all_peers));
    }
    if let Some(received) = router.received.as_ref().filter(|_| router.connections > 0) {
        let is_connected = matches!(router.state, RouterState::Established | RouterState::Opening);
        let connection = if is_connected { "this" } else { "the last" };
        page.counts(&format!("Received on {connection} connection"), received_counts(received));
        match not_understood(received) {
            lines if lines.is_empty() => page.line("Not understood", "nothing"),
            lines => page.list("Not understood", lines),
        }
    }
    if !router.peers.is_empty() {
        page.list("Peers", router.peers.iter().flat_map(peer));
    }
    page.into_text()
}

/// What was received, each number with its name.
fn received_counts(received: &RouterReceived) -> [(&'static str, u64); 8] {
    [
        ("Initiation", received.initiation),
        ("Peer Up", received.peer_up),
        ("Peer Down", received.peer_down),
        ("Route Monitoring", received.route_monitoring),
        ("Statistics Report", received.statistics_report),
        ("Route Mirroring", received.route_mirroring),
        ("Termination", received.termination),
        ("Bytes", received.bytes),
    ]
}

/// What bmpd could not read, and what became of it; nothing if it has read all.
fn not_understood(received: &RouterReceived) -> Vec<String> {
    let found = [
        ("unknown type of message or of peer", received.unknown, "sent on as they are"),
        (
            "routes that cannot be read",
            received.unreadable_updates,
            "sent on as they are, and not kept",
        ),
        ("malformed", received.malformed, "dropped"),
        ("about a peer that is not up", received.without_peer, "dropped"),
    ];
    let found = found.into_iter().filter(|(_, count, _)| *count > 0);
    found.map(|(what, messages, then)| format!("{what}: {messages}, {then}")).collect()
}

/// A line about the tables of a view and family.
fn of_all_peers(table: &RouterTable) -> String {
    let RouterTable { view, family, peers, routes, .. } = table;
    let (routes, peers) = (count(*routes, "route"), count((*peers).into(), "peer"));
    format!("{view} {family}: {routes} of {peers}, End-of-RIB: {}", end_of_rib(table))
}

/// Whether the End-of-RIB has come; where it has not, routes can count as complete all the same.
fn end_of_rib(table: &RouterTable) -> String {
    let RouterTable { peers, end_of_ribs: received, end_of_ribs_assumed: assumed, .. } = *table;
    match (received, assumed) {
        (0, 0) => "not yet".to_owned(),
        (received, 0) if received >= peers => "yes".to_owned(),
        (0, assumed) if assumed >= peers => "assumed".to_owned(),
        (received, 0) => format!("{received} of {peers}"),
        (received, assumed) => format!("{received} of {peers}, assumed: {assumed}"),
    }
}

/// The lines about a peer: what it is, and its tables.
fn peer(peer: &RouterPeer) -> Vec<String> {
    let RouterPeer { peer_type, distinguisher, table_name, remote_as, up_since, tables, .. } = peer;
    let mut facts = vec![match peer_type.as_str() {
        "loc-rib" => "Loc-RIB".to_owned(),
        "global" => peer.address.to_string(),
        other => format!("{}, peer type {other}", peer.address),
    }];
    facts.push(format!("AS {remote_as}"));
    facts.extend(distinguisher.as_ref().map(|found| format!("distinguisher {found}")));
    facts.extend(table_name.as_ref().map(|name| format!("table {}", Shown(name))));
    facts.extend(up_since.map(|since| format!("up since {}", since.to_seconds_text())));
    let mut lines = vec![facts.join(", ")];
    lines.extend(tables.iter().map(|table| {
        let RouterTable { view, family, routes, .. } = table;
        let routes = count(*routes, "route");
        format!("  {view} {family}: {routes}, End-of-RIB: {}", end_of_rib(table))
    }));
    lines
}

/// A line for a router that was reset, or had no connection; or the sentence of a failure.
pub(crate) fn reset(RouterReset { id, result }: &RouterReset) -> Result<String, String> {
    let id = shown(id);
    match result {
        Ok(true) => Ok(format!("router {id}: reset, it sends everything anew\n")),
        Ok(false) => Ok(format!("router {id}: it was not connected\n")),
        Err(reason) => Err(format!("router {id}: {reason}")),
    }
}

#[cfg(test)]
mod tests {
    use shared::time::{Span, Timestamp};

    use super::*;

    fn tables(view: &str, peers: u32, routes: u64, received: u32, assumed: u32) -> RouterTable {
        RouterTable {
            view: view.to_owned(),
            family: "ipv4-unicast".to_owned(),
            peers,
            routes,
            end_of_ribs: received,
            end_of_ribs_assumed: assumed,
        }
    }

    fn router(name: &str) -> RouterReport {
        RouterReport {
            id: name.parse().unwrap(),
            dynamic: false,
            vpn_instance: None,
            addresses: vec!["192.0.2.7".parse().unwrap()],
            active: false,
            description: None,
            state: RouterState::Established,
            why: "it has sent its Initiation".to_owned(),
            since: Timestamp(1_795_420_800_000),
            age: Span(61_000),
            remote: Some("192.0.2.7:50000".parse().unwrap()),
            system_name: None,
            system_description: None,
            connections: 1,
            held_for: None,
            next_attempt: None,
            last_down: None,
            peers_up: 2,
            tables: vec![tables("adj-rib-in-pre-policy", 2, 1000, 1, 1)],
            memory: 4096,
            received: Some(RouterReceived::default()),
            peers: Vec::new(),
        }
    }

    /// The same after its connection was lost.
    fn lost(name: &str, state: RouterState) -> RouterReport {
        let down = RouterError {
            text: "it has closed the connection".to_owned(),
            at: Timestamp(1_795_420_790_000),
            ago: Span(10_000),
        };
        RouterReport { state, remote: None, last_down: Some(down), ..router(name) }
    }

    fn local() -> RouterReport {
        let (addresses, received) = (Vec::new(), None);
        RouterReport { addresses, remote: None, received, connections: 0, ..router("local") }
    }

    #[test]
    fn a_row_says_why_a_router_is_not_up() {
        let held = RouterReport { held_for: Some(Span(50_000)), ..lost("b", RouterState::Held) };
        let idle = RouterReport {
            next_attempt: Some(Span(11_500)),
            vpn_instance: Some("red".parse().unwrap()),
            ..lost("c", RouterState::Idle)
        };
        let again = lost("edge 1", RouterState::Established);
        let rows = table(&[local(), again, held.clone(), idle], &Screen::PLAIN);
        assert_eq!(
            rows,
            "\
Router  VPN       Remote address  State          Age  Peers  Routes  Note
local   _public_  -               Established  1m01s      2    1000
edge 1  _public_  192.0.2.7       Established  1m01s      2    1000
b       _public_  192.0.2.7       Held         1m01s      2    1000  it has closed the connection; its tables are kept for 50s more
c       red       192.0.2.7       Idle         1m01s      2    1000  it has closed the connection; next attempt in 12s

3 routers, 1 up
"
        );
        let rows = table(&[router("a")], &Screen::PLAIN);
        assert!(rows.starts_with("Router  Remote address   State  "), "no instance: {rows}");
        assert!(rows.ends_with("\n\n1 router, 1 up\n"), "{rows}");
        assert!(!table(&[local()], &Screen::PLAIN).contains("up\n"), "bmpd itself is not counted");
        assert_eq!(table(&[], &Screen::PLAIN), NONE);
    }

    #[test]
    fn a_page_has_tables_messages_and_peers() {
        let mut edge1 = lost("edge1", RouterState::Established);
        edge1.remote = Some("192.0.2.7:50000".parse().unwrap());
        edge1.system_description = Some("Some OS\r\nversion 7\u{1b}[2J".to_owned());
        edge1.received = Some(RouterReceived {
            initiation: 1,
            route_monitoring: 12,
            bytes: 3456,
            malformed: 3,
            unreadable_updates: 2,
            ..RouterReceived::default()
        });
        let peer = RouterPeer {
            address: "192.0.2.9".parse().unwrap(),
            peer_type: "global".to_owned(),
            distinguisher: None,
            table_name: None,
            remote_as: 65001,
            up_since: Some(Timestamp(1_795_420_800_000)),
            tables: vec![tables("adj-rib-in-pre-policy", 1, 1, 0, 1)],
        };
        let in_vrf = RouterPeer {
            peer_type: "rd".to_owned(),
            distinguisher: Some("65000:1".to_owned()),
            table_name: Some("blue net".to_owned()),
            up_since: None,
            tables: Vec::new(),
            ..peer.clone()
        };
        let loc_rib = RouterPeer { peer_type: "loc-rib".to_owned(), ..in_vrf.clone() };
        edge1.peers = vec![peer, in_vrf, loc_rib];
        assert_eq!(
            pages(&[edge1]),
            "\
Router edge1
  State:             Established (it has sent its Initiation)
  Since:             1m01s ago (2026-11-23T08:00:00Z)
  Mode:              passive: the router connects
  Configured:        by its name
  VPN instance:      _public_
  Addresses:         192.0.2.7
  Remote address:    192.0.2.7:50000
  sysDescr:          Some OS version 7\\u{1b}[2J
  Connections:       1 since bmpd started
  Last down:         it has closed the connection, 10s ago (2026-11-23T07:59:50Z)
  Peers up:          2
  Memory:            4.0 KiB
  Routes by view and family:
    adj-rib-in-pre-policy ipv4-unicast: 1000 routes of 2 peers, End-of-RIB: 1 of 2, assumed: 1
  Received on this connection:
    Initiation:                   1
    Peer Up:                      0
    Peer Down:                    0
    Route Monitoring:            12
    Statistics Report:            0
    Route Mirroring:              0
    Termination:                  0
    Bytes:                     3456
  Not understood:
    routes that cannot be read: 2, sent on as they are, and not kept
    malformed: 3, dropped
  Peers:
    192.0.2.9, AS 65001, up since 2026-11-23T08:00:00Z
      adj-rib-in-pre-policy ipv4-unicast: 1 route, End-of-RIB: assumed
    192.0.2.9, peer type rd, AS 65001, distinguisher 65000:1, table \"blue net\"
    Loc-RIB, AS 65001, distinguisher 65000:1, table \"blue net\"
"
        );
        let idle = pages(&[lost("edge1", RouterState::Idle)]);
        assert!(idle.contains("  Received on the last connection:\n"), "{idle}");
        assert!(idle.contains("  Not understood:    nothing\n"), "{idle}");
        let local = pages(&[local()]);
        for absent in ["Mode", "Connections", "Received", "Last down", "Not understood"] {
            assert!(!local.contains(&format!("  {absent}")), "{absent}: {local}");
        }
    }

    #[test]
    fn an_assumed_end_of_rib_differs_from_a_received_one() {
        for (peers, received, assumed, expected) in [
            (1, 0, 0, "not yet"),
            (1, 1, 0, "yes"),
            (1, 0, 1, "assumed"),
            (4, 4, 0, "yes"),
            (4, 0, 4, "assumed"),
            (4, 3, 0, "3 of 4"),
            (4, 2, 2, "2 of 4, assumed: 2"),
            (4, 0, 1, "0 of 4, assumed: 1"),
        ] {
            assert_eq!(end_of_rib(&tables("", peers, 0, received, assumed)), expected);
        }
    }

    #[test]
    fn the_line_of_a_reset_says_whether_there_was_a_connection() {
        let line = |result| reset(&RouterReset { id: "edge1".parse().unwrap(), result });
        let sends = "router edge1: reset, it sends everything anew\n";
        assert_eq!(line(Ok(true)), Ok(sends.to_owned()));
        assert_eq!(line(Ok(false)), Ok("router edge1: it was not connected\n".to_owned()));
        let failed = Err("router edge1: it is shut down".to_owned());
        assert_eq!(line(Err("it is shut down".to_owned())), failed);
    }
}
