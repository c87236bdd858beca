//! `show session` and `show neighbor`.

use std::path::Path;

use shared::names::Selector;
use shared::request::Request;
use shared::response::Response;

use super::{Output, ask};
use crate::cli::Form;
use crate::render;

/// Shows the selected sessions.
pub(super) fn session(selector: &Selector, form: Form, socket: &Path) -> Output {
    match ask(socket, &Request::ShowSession(selector.clone())) {
        Ok(Response::Sessions(sessions)) => Output::done(match form {
            Form::Table => render::session::table(&sessions),
            Form::Page => render::session::pages(&sessions),
            Form::Json => render::json::sessions(&sessions),
        }),
        Ok(_) => Output::misunderstood(),
        Err(output) => output,
    }
}

/// Shows all neighbors.
pub(super) fn neighbor(form: Form, socket: &Path) -> Output {
    match ask(socket, &Request::ShowNeighbor) {
        Ok(Response::Neighbors { neighbors, prefixes }) => Output::done(match form {
            Form::Table | Form::Page => render::neighbor::tables(&neighbors, &prefixes),
            Form::Json => render::json::neighbors(&neighbors, &prefixes),
        }),
        Ok(_) => Output::misunderstood(),
        Err(output) => output,
    }
}
