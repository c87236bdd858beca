//! `show session` and `show neighbor`.

use std::path::Path;

use shared::names::Selector;
use shared::request::Request;
use shared::response::Response;

use super::{Output, ask};
use crate::render;

/// Shows the selected sessions: a page for one that is named, a table for several.
pub(super) fn session(selector: &Selector, verbose: bool, socket: &Path) -> Output {
    match ask(socket, &Request::ShowSession(selector.clone())) {
        Ok(Response::Sessions(sessions)) => Output::done(match selector {
            Selector::All { .. } if !verbose => render::session::table(&sessions),
            _ => render::session::pages(&sessions),
        }),
        Ok(_) => Output::misunderstood(),
        Err(output) => output,
    }
}

/// Shows all neighbors.
pub(super) fn neighbor(socket: &Path) -> Output {
    match ask(socket, &Request::ShowNeighbor) {
        Ok(Response::Neighbors { neighbors, prefixes }) => {
            Output::done(render::neighbor::tables(&neighbors, &prefixes))
        }
        Ok(_) => Output::misunderstood(),
        Err(output) => output,
    }
}
