//! `display bmp session`.

use shared::names::Selector;
use shared::request::{Query, Request};
use shared::response::Response;

use crate::context::{Context, Output};
use crate::render;
use crate::render::json::Document;

/// Shows the selected sessions in the words and the layout of routers; the JSON is that of `show
/// session`.
pub(super) fn run(selector: &Selector, verbose: bool, context: &Context) -> Result<Output, Output> {
    match context.ask(&Request::Query(Query::Session(selector.clone().into())))? {
        Response::Sessions(sessions) => Ok(context.answer(
            |_| render::display::sessions(&sessions, verbose),
            || Document::Sessions { sessions: sessions.clone() },
        )),
        _ => Err(context.misunderstood()),
    }
}
