//! BGP neighbors.

use shared::names::PUBLIC_INSTANCE;
use shared::response::{
    FamilyReport, MalformedUpdate, NeighborReport, NeighborState, PrefixReport, Response,
};

use super::humanize::{age, countdown, moment};
use super::page::Page;
use super::rate::{Earlier, rate};
use super::screen::{Screen, Tone};
use super::table::{Cell, Table, number, text};

fn tone(state: NeighborState) -> Tone {
    match state {
        NeighborState::Established => Tone::Good,
        NeighborState::Connect | NeighborState::OpenSent | NeighborState::OpenConfirm => Tone::Busy,
        NeighborState::Idle | NeighborState::Active => Tone::Bad,
    }
}

/// A page a neighbor.
pub(crate) fn pages(neighbors: &[NeighborReport]) -> String {
    if neighbors.is_empty() {
        return "There is no neighbor.\n".to_owned();
    }
    neighbors.iter().map(page).collect::<Vec<_>>().join("\n")
}

fn page(neighbor: &NeighborReport) -> String {
    let up = neighbor.state == NeighborState::Established;
    let mut page = Page::new(&format!("BGP neighbor {}", neighbor.id.address));
    page.line("State", neighbor.state.name());
    let since = neighbor.since.to_seconds_text();
    let age = age(neighbor.age);
    page.line(if up { "Up for" } else { "Down for" }, format!("{age} (since {since})"));
    page.line_if("Description", neighbor.description.as_deref());
    page.line("AS", remote_as(neighbor));
    page.line("VPN instance", vpn_instance(neighbor));
    page.line("Configured", if neighbor.dynamic { "by its prefix" } else { "by its address" });
    page.line_if("BGP identifier", neighbor.bgp_id.map(|id| id.to_string()));
    page.line_if(
        "Hold time",
        neighbor.hold_time.map(|time| match time {
            0 => "none: no keepalives".to_owned(),
            time => format!("{time} s"),
        }),
    );
    page.line_if(
        "Restarting",
        neighbor.restarting.map(|left| format!("its routes are kept for {} more", countdown(left))),
    );
    page.line_if(
        "Next attempt",
        neighbor.next_attempt.map(|left| format!("in {}", countdown(left))),
    );
    page.line(
        "Was up",
        match neighbor.established_count {
            0 => "never since bmpd started".to_owned(),
            1 => "once since bmpd started".to_owned(),
            count => format!("{count} times since bmpd started"),
        },
    );
    let described = |error: &shared::response::NeighborError| {
        format!("{}, {}", error.text, moment(error.at, error.ago))
    };
    let last_down = neighbor.last_down.as_ref();
    page.line("Last down", last_down.map_or_else(|| "never".to_owned(), described));
    page.line_if("Last error", neighbor.last_error.as_ref().map(described));
    page.line_if("Earlier error", neighbor.earlier_error.as_ref().map(described));
    page.line("Updates", neighbor.updates.to_string());
    page.line("Announced", format!("{} routes", neighbor.routes_announced));
    page.line(
        "Withdrawn",
        format!(
            "{} routes, and {} that were not there",
            neighbor.routes_withdrawn, neighbor.unknown_routes_withdrawn
        ),
    );
    page.line(
        "Taken as withdraw",
        format!(
            "{} UPDATEs with {} routes",
            neighbor.updates_treated_as_withdraw, neighbor.routes_treated_as_withdraw
        ),
    );
    page.line("Discarded", format!("{} path attributes", neighbor.attributes_discarded));
    if neighbor.updates_not_negotiated > 0 {
        let updates = neighbor.updates_not_negotiated;
        page.line("Not negotiated", format!("{updates} UPDATEs with a family that is not in use"));
    }
    page.line(
        "Maximum routes",
        if neighbor.maximum_routes_exceeded { "exceeded" } else { "not exceeded" },
    );
    let families = neighbor.families.iter().map(|family| {
        let FamilyReport { name, routes, add_path, end_of_rib: _ } = family;
        let add_path = if *add_path { ", add-path" } else { "" };
        format!("{name}: {routes} routes, End-of-RIB: {}{add_path}", end_of_rib(neighbor, family))
    });
    page.list("Families", families);
    if let Some(update) = &neighbor.last_malformed_update {
        page.list("Last malformed UPDATE", malformed(update));
    }
    page.into_text()
}

/// The lines about a malformed UPDATE.
fn malformed(update: &MalformedUpdate) -> Vec<String> {
    let MalformedUpdate { text, routes, more_routes, length, message, at, ago, .. } = update;
    let mut lines = vec![format!("{text}, {}", moment(*at, *ago))];
    lines.push(match (routes.as_slice(), more_routes) {
        ([], _) => "no routes can be read".to_owned(),
        (routes, 0) => format!("routes: {}", routes.join(", ")),
        (routes, more) => format!("routes: {} and {more} more", routes.join(", ")),
    });
    lines.push(match message {
        Some(message) if message.len() as u64 / 2 < *length => {
            format!("message (the first {} of {length} bytes): {message}", message.len() / 2)
        }
        Some(message) => format!("message ({length} bytes): {message}"),
        None => format!("message: {length} bytes, which `show neighbor ADDRESS` has"),
    });
    lines
}

fn remote_as(neighbor: &NeighborReport) -> String {
    neighbor.remote_as.map_or_else(|| "any".to_owned(), |asn| asn.to_string())
}

/// Whether the End-of-RIB has come.
fn end_of_rib(neighbor: &NeighborReport, family: &FamilyReport) -> &'static str {
    match (neighbor.state == NeighborState::Established, family.end_of_rib) {
        (false, _) if neighbor.restarting.is_some() => "stale",
        (false, _) => "-",
        (true, true) => "yes",
        (true, false) => "not yet",
    }
}

/// Neighbors, and the prefixes that further ones can come from.
pub(crate) fn tables(
    neighbors: &[NeighborReport],
    prefixes: &[PrefixReport],
    earlier: Option<Earlier<'_>>,
    screen: &Screen,
) -> String {
    if prefixes.is_empty() {
        if neighbors.is_empty() {
            return "There is no neighbor.\n".to_owned();
        }
        return table(neighbors, earlier, screen);
    }
    let mut below =
        Table::new(&[text("Prefix"), text("VPN"), number("Neighbors"), number("Maximum")]);
    for PrefixReport { prefix, vpn_instance, neighbors, maximum } in prefixes {
        below.row(vec![
            prefix.as_str().into(),
            vpn_instance.as_ref().map_or(PUBLIC_INSTANCE, |name| name.as_str()).into(),
            neighbors.to_string().into(),
            maximum.to_string().into(),
        ]);
    }
    let above = if neighbors.is_empty() {
        "No neighbor is configured by its address, or has come from a prefix.\n".to_owned()
    } else {
        table(neighbors, earlier, screen)
    };
    format!("{above}\n{}", below.render(screen))
}

/// Routes received a second since the report before; nothing of a neighbor that was not in it.
fn routes_rate(neighbor: &NeighborReport, earlier: Option<Earlier<'_>>) -> String {
    let found = earlier.and_then(|Earlier { answer, ago }| {
        let Response::Neighbors { neighbors: before, .. } = answer else { return None };
        let before = before.iter().find(|before| before.id == neighbor.id)?;
        let routes = |of: &NeighborReport| of.routes_announced + of.routes_withdrawn;
        rate(routes(neighbor), routes(before), ago)
    });
    found.map_or_else(|| "-".to_owned(), |rate| rate.to_string())
}

/// A row a neighbor and family.
fn table(neighbors: &[NeighborReport], earlier: Option<Earlier<'_>>, screen: &Screen) -> String {
    let mut table = Table::new(&[
        text("Neighbor"),
        number("AS"),
        text("VPN").leaves(2),
        text("State"),
        number("Age"),
        text("Family"),
        number("Routes"),
        text("End-of-RIB").leaves(3),
        number("Updates").leaves(1),
        number("Routes/s").leaves(4).only_if(earlier.is_some()),
        text("Note"),
    ]);
    for neighbor in neighbors {
        for (rank, family) in neighbor.families.iter().enumerate() {
            let first = |text: String| Cell::from(if rank == 0 { text } else { String::new() });
            table.row(vec![
                first(neighbor.id.address.to_string()),
                first(remote_as(neighbor)),
                first(vpn_instance(neighbor).to_owned()),
                if rank == 0 {
                    Cell::toned(neighbor.state.name(), tone(neighbor.state))
                } else {
                    "".into()
                },
                first(age(neighbor.age)),
                if family.add_path {
                    format!("{} add-path", family.name).into()
                } else {
                    family.name.as_str().into()
                },
                family.routes.to_string().into(),
                end_of_rib(neighbor, family).into(),
                first(neighbor.updates.to_string()),
                first(routes_rate(neighbor, earlier)),
                first(note(neighbor)),
            ]);
        }
    }
    table.render(screen)
}

fn vpn_instance(neighbor: &NeighborReport) -> &str {
    neighbor.id.vpn_instance.as_ref().map_or(PUBLIC_INSTANCE, |name| name.as_str())
}

fn note(neighbor: &NeighborReport) -> String {
    let mut parts = Vec::new();
    if let Some(left) = neighbor.restarting {
        parts.push(format!("restarting: its routes are kept for {} more", countdown(left)));
    }
    if neighbor.maximum_routes_exceeded {
        parts.push("more routes than maximum-routes".to_owned());
    }
    if neighbor.dynamic {
        parts.push("from a prefix".to_owned());
    }
    if let Some(description) = &neighbor.description {
        parts.push(description.clone());
    }
    if neighbor.established_count > 1 {
        parts.push(format!("up for the {} time", ordinal(neighbor.established_count)));
    }
    for (what, event) in [
        ("down", &neighbor.last_down),
        ("last error", &neighbor.last_error),
        ("earlier error", &neighbor.earlier_error),
    ] {
        if let Some(event) = event {
            parts.push(format!("{what} {} ago: {}", age(event.ago), event.text));
        }
    }
    if neighbor.updates_treated_as_withdraw > 0 {
        parts.push(format!(
            "updates treated as withdrawals: {}",
            neighbor.updates_treated_as_withdraw
        ));
    }
    if neighbor.attributes_discarded > 0 {
        parts.push(format!("path attributes discarded: {}", neighbor.attributes_discarded));
    }
    if let Some(next) = neighbor.next_attempt {
        parts.push(format!("next attempt in {}", countdown(next)));
    }
    parts.join("; ")
}

fn ordinal(n: u64) -> String {
    let ending = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{ending}")
}
