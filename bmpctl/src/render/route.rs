//! Routes: a row each, as they come, or a page each.

use std::fmt::Write as _;

use shared::names::{RouterId, Shown};
use shared::request::ShowRoutes;
use shared::response::{
    AsPathSegment, Nlri, PathAttributes, RouteCount, RoutePart, RouteSet, RoutesEnd, SegmentKind,
    TableOfRoutes,
};

use super::humanize::{count as counted, printable};
use super::page::Page;
use super::table::columns_of;

/// What the first rows are as wide as, at least.
const WIDTHS: [usize; 3] = [18, 15, 15];

/// The view that is not named: the only one of bmpd itself.
const USUAL_VIEW: &str = "adj-rib-in-pre-policy";

/// Rows whose columns grow with what has come so far.
#[derive(Debug, Default)]
pub(crate) struct Table {
    widths: Option<[usize; 3]>,
}

impl Table {
    /// A row for each route, before the first ones the headings.
    pub(crate) fn rows(&mut self, part: &RoutePart) -> String {
        let mut text = String::new();
        let is_first = self.widths.is_none();
        let widths = self.widths.get_or_insert(WIDTHS);
        let neighbor = neighbor(&part.table);
        let mut rows: Vec<([String; 3], String)> = Vec::new();
        for RouteSet { attributes, routes, .. } in &part.sets {
            let hop = attributes.next_hops.first().map_or("-".to_owned(), ToString::to_string);
            let path = path_and_origin(attributes);
            for nlri in routes {
                let behind = if nlri.stale { format!("{path} stale") } else { path.clone() };
                rows.push(([name(nlri), hop.clone(), neighbor.clone()], behind));
            }
        }
        for (cells, _) in &rows {
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = (*width).max(columns_of(cell));
            }
        }
        let headings = ["Prefix", "Next hop", "Neighbor"].map(str::to_owned);
        let headings = is_first.then(|| (headings, "AS path".to_owned()));
        for (cells, path) in headings.into_iter().chain(rows) {
            for (width, cell) in widths.iter().zip(&cells) {
                let pad = width.saturating_sub(columns_of(cell));
                // A String can always be written.
                let _ = write!(text, "{cell}{:pad$}  ", "");
            }
            text.push_str(path.trim_end());
            text.push('\n');
        }
        text
    }
}

/// The route as a row has it.
fn name(nlri: &Nlri) -> String {
    let Nlri { prefix, path_id, distinguisher, .. } = nlri;
    let mut text = String::new();
    if let Some(distinguisher) = distinguisher {
        let _ = write!(text, "{distinguisher} ");
    }
    text.push_str(&printable(prefix));
    if let Some(id) = path_id {
        let _ = write!(text, " path {id}");
    }
    text
}

/// The neighbor, with its router unless that is bmpd itself, and the view unless it is the usual one.
fn neighbor(table: &TableOfRoutes) -> String {
    let mut text = match table.peer_type.as_str() {
        "loc-rib" => "loc-rib".to_owned(),
        _ => table.peer.to_string(),
    };
    if let Some(instance) = &table.vpn_instance {
        let _ = write!(text, " vpn-instance {}", Shown(instance.as_str()));
    }
    if table.router != RouterId::Local {
        let _ = write!(text, " of {}", table.router);
    }
    if table.view != USUAL_VIEW && table.peer_type != "loc-rib" {
        let _ = write!(text, " {}", table.view);
    }
    printable(&text)
}

/// The AS path as routers write it: a set in braces, a confederation in parentheses.
fn as_path(path: &[AsPathSegment]) -> String {
    let segment = |AsPathSegment { kind, as_numbers }: &AsPathSegment| {
        let numbers: Vec<String> = as_numbers.iter().map(ToString::to_string).collect();
        match kind {
            SegmentKind::Sequence => numbers.join(" "),
            SegmentKind::Set => format!("{{{}}}", numbers.join(" ")),
            SegmentKind::ConfedSequence => format!("({})", numbers.join(" ")),
            SegmentKind::ConfedSet => format!("[{}]", numbers.join(" ")),
        }
    };
    path.iter().map(segment).collect::<Vec<_>>().join(" ")
}

/// The AS path, and behind it `i`, `e` or `?` for the origin.
fn path_and_origin(attributes: &PathAttributes) -> String {
    let origin = match attributes.origin.as_deref() {
        Some("igp") => "i",
        Some("egp") => "e",
        Some(_) => "?",
        None => "",
    };
    format!("{} {origin}", as_path(&attributes.as_path)).trim().to_owned()
}

/// Pages, with a blank line between two.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    has_begun: bool,
}

impl Pages {
    /// A page for each route.
    pub(crate) fn pages(&mut self, part: &RoutePart) -> String {
        let RoutePart { table, sets } = part;
        let mut text = String::new();
        for set in sets {
            for nlri in &set.routes {
                if std::mem::replace(&mut self.has_begun, true) {
                    text.push('\n');
                }
                text.push_str(&page(table, nlri, set));
            }
        }
        text
    }
}

fn page(table: &TableOfRoutes, nlri: &Nlri, set: &RouteSet) -> String {
    let PathAttributes {
        origin,
        as_path: path,
        next_hops,
        med,
        local_preference,
        atomic_aggregate,
        aggregator,
        communities,
        extended_communities,
        large_communities,
        originator_id,
        cluster_list,
        aigp,
        only_to_customer,
        others,
        bytes,
    } = &set.attributes;
    let mut page = Page::new(&format!("Route {}", name(nlri)));
    let neighbor_as = match table.peer_type.as_str() {
        "loc-rib" => neighbor(table),
        _ => format!("{} (AS {})", neighbor(table), table.peer_as),
    };
    page.line("Neighbor", neighbor_as);
    page.line_if("Distinguisher", table.peer_distinguisher.as_ref());
    page.line("Table", format!("{}, {}", table.view, table.family));
    let stale = if nlri.stale { "; stale: its source has not announced it again" } else { "" };
    page.line("Received", format!("{}{stale}", set.received));
    let listed = |list: Vec<String>| (!list.is_empty()).then(|| list.join(" "));
    page.line_if("Labels", listed(nlri.labels.iter().map(ToString::to_string).collect()));
    let path = match path.is_empty() {
        true => "empty".to_owned(),
        false => as_path(path),
    };
    page.line("AS path", path);
    page.line_if("Origin", origin.as_ref());
    page.line_if("Next hop", listed(next_hops.iter().map(ToString::to_string).collect()));
    page.line_if("MED", med.map(|med| med.to_string()));
    page.line_if("Local preference", local_preference.map(|preference| preference.to_string()));
    page.line_if("Atomic aggregate", atomic_aggregate.then_some("yes"));
    let aggregator = aggregator.as_ref();
    page.line_if("Aggregator", aggregator.map(|by| format!("AS {} {}", by.as_number, by.address)));
    page.line_if("Communities", listed(communities.iter().map(|one| well_known(one)).collect()));
    page.line_if("Extended", listed(extended_communities.clone()));
    page.line_if("Large", listed(large_communities.clone()));
    page.line_if("Originator ID", originator_id.map(|id| id.to_string()));
    page.line_if("Cluster list", listed(cluster_list.iter().map(ToString::to_string).collect()));
    page.line_if("AIGP", aigp.map(|metric| metric.to_string()));
    page.line_if("Only to customer", only_to_customer.map(|asn| format!("AS {asn}")));
    for other in others {
        let name = other.name.clone().unwrap_or_else(|| format!("Attribute {}", other.code));
        page.line(
            &name,
            format!("0x{} (type {}, flags 0x{:02x})", other.value, other.code, other.flags),
        );
    }
    page.line_if("NLRI bytes", nlri.bytes.as_ref());
    page.line_if("Attribute bytes", bytes.as_ref());
    page.into_text()
}

/// A community with its name, if it has one (IANA's registry of well-known communities).
fn well_known(community: &str) -> String {
    let name = match community {
        "65535:0" => "graceful-shutdown",
        "65535:1" => "accept-own",
        "65535:6" => "llgr-stale",
        "65535:7" => "no-llgr",
        "65535:666" => "blackhole",
        "65535:65281" => "no-export",
        "65535:65282" => "no-advertise",
        "65535:65283" => "no-export-subconfed",
        "65535:65284" => "no-peer",
        _ => return community.to_owned(),
    };
    name.to_owned()
}

/// How many routes have something in common.
pub(crate) fn count(count: &RouteCount) -> String {
    let value = count.value.as_deref().unwrap_or("none");
    format!("{:>12}  {}\n", count.routes, printable(value))
}

/// What follows the routes.
pub(crate) fn end(show: &ShowRoutes, end: &RoutesEnd) -> String {
    let RoutesEnd { routes, tables, tables_lost, changes_missed, limited } = end;
    let mut text = String::new();
    if show.prefix.is_none() || show.count_by.is_some() {
        let (routes, tables) = (counted(*routes, "route"), counted(u64::from(*tables), "table"));
        let blank = if *end == RoutesEnd::default() { "" } else { "\n" };
        let _ = writeln!(text, "{blank}{routes} of {tables}");
    }
    if *limited {
        text.push_str("There are more: --limit allows no further ones.\n");
    }
    if *tables_lost > 0 {
        let lost = counted(u64::from(*tables_lost), "table");
        let _ = writeln!(text, "{lost} went away meanwhile: the neighbor is down, or was reset.");
    }
    if *changes_missed > 0 {
        let missed = counted(*changes_missed, "change");
        let _ = writeln!(text, "{missed} came while the routes were read: those may be missing.");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_communities_are_written_as_routers_write_them() {
        let segment = |kind, numbers: &[u32]| AsPathSegment { kind, as_numbers: numbers.to_vec() };
        let path = [
            segment(SegmentKind::ConfedSequence, &[64512]),
            segment(SegmentKind::Sequence, &[65001, 65002]),
            segment(SegmentKind::Set, &[1, 2]),
        ];
        assert_eq!(as_path(&path), "(64512) 65001 65002 {1 2}");
        let empty = PathAttributes { origin: Some("igp".to_owned()), ..PathAttributes::default() };
        assert_eq!(path_and_origin(&empty), "i");
        assert_eq!(well_known("65535:65281"), "no-export");
        assert_eq!(well_known("65000:1"), "65000:1");
    }
}
