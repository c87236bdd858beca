//! Answers for machines: one JSON object, its names those of [`shared::response`].

use serde::Serialize;
use shared::response::{NeighborReport, PrefixReport, SessionReport};

#[derive(Serialize)]
struct Sessions<'a> {
    sessions: &'a [SessionReport],
}

#[derive(Serialize)]
struct Neighbors<'a> {
    neighbors: &'a [NeighborReport],
    prefixes: &'a [PrefixReport],
}

/// BMP sessions.
pub(crate) fn sessions(sessions: &[SessionReport]) -> String {
    text(&Sessions { sessions })
}

/// BGP neighbors, and the prefixes that further ones can come from.
pub(crate) fn neighbors(neighbors: &[NeighborReport], prefixes: &[PrefixReport]) -> String {
    text(&Neighbors { neighbors, prefixes })
}

fn text(answer: &impl Serialize) -> String {
    // Text, numbers and lists of them: there is nothing in it that JSON could not hold.
    serde_json::to_string_pretty(answer).unwrap_or_default() + "\n"
}
