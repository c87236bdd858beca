//! BGP neighbors.

use shared::response::{NeighborReport, NeighborState};

use super::table::Table;
use super::{age, countdown};

fn state(state: NeighborState) -> &'static str {
    match state {
        NeighborState::Idle => "Idle",
        NeighborState::Connect => "Connect",
        NeighborState::Active => "Active",
        NeighborState::OpenSent => "OpenSent",
        NeighborState::OpenConfirm => "OpenConfirm",
        NeighborState::Established => "Established",
    }
}

/// A row a neighbor and family.
pub(crate) fn table(neighbors: &[NeighborReport]) -> String {
    if neighbors.is_empty() {
        return "No neighbor is configured.\n".to_owned();
    }
    let headings =
        ["Neighbor", "AS", "State", "Age", "Family", "Routes", "End-of-RIB", "Updates", "Note"];
    let mut table = Table::new(&headings, &[1, 3, 5, 7]);
    for neighbor in neighbors {
        for (rank, family) in neighbor.families.iter().enumerate() {
            let first = |text: String| if rank == 0 { text } else { String::new() };
            let up = neighbor.state == NeighborState::Established;
            table.row(vec![
                first(neighbor.address.to_string()),
                first(neighbor.remote_as.to_string()),
                first(state(neighbor.state).to_owned()),
                first(age(neighbor.age)),
                family.name.clone(),
                family.routes.to_string(),
                match (up, family.end_of_rib) {
                    (false, _) => "-".to_owned(),
                    (true, true) => "yes".to_owned(),
                    (true, false) => "not yet".to_owned(),
                },
                first(neighbor.updates.to_string()),
                first(note(neighbor)),
            ]);
        }
    }
    table.render()
}

fn note(neighbor: &NeighborReport) -> String {
    let mut parts = Vec::new();
    if let Some(description) = &neighbor.description {
        parts.push(description.clone());
    }
    if neighbor.established_count > 1 {
        parts.push(format!("up for the {} time", ordinal(neighbor.established_count)));
    }
    for (what, event) in [("down", &neighbor.last_down), ("last error", &neighbor.last_error)] {
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
