//! `show`: what there is.

use shared::request::{Query, Request};
use shared::response::Response;

use crate::cli::Form;
use crate::context::{Context, Output};
use crate::render;
use crate::render::json::Document;
use crate::render::rate::Earlier;

/// Shows it once.
pub(super) fn once(what: &Query, form: Form, context: &Context) -> Result<Output, Output> {
    shown(form, &ask(what, context)?, None, context)
}

/// Requests it.
pub(super) fn ask(what: &Query, context: &Context) -> Result<Response, Output> {
    context.ask(&Request::Query(what.clone()))
}

/// Shows an answer; with the one before also what has changed since then. Each kind of answer has its row here.
pub(super) fn shown(
    form: Form,
    answer: &Response,
    earlier: Option<Earlier<'_>>,
    context: &Context,
) -> Result<Output, Output> {
    let is_page = form == Form::Page;
    let output = match answer {
        Response::Sessions(sessions) => context.answer(
            |screen| match is_page {
                false => render::session::table(sessions, earlier, screen),
                true => render::page::fit(render::session::pages(sessions), screen),
            },
            || Document::Sessions { sessions: sessions.clone() },
        ),
        Response::Routers(routers) => context.answer(
            |screen| match is_page {
                false => render::router::table(routers, screen),
                true => render::page::fit(render::router::pages(routers), screen),
            },
            || Document::Routers { routers: routers.clone() },
        ),
        Response::Publishers(publishers) => context.answer(
            |screen| match is_page {
                false => render::publisher::table(publishers, screen),
                true => render::page::fit(render::publisher::pages(publishers), screen),
            },
            || Document::Publishers { publishers: publishers.clone() },
        ),
        Response::Neighbors { neighbors, prefixes } => context.answer(
            |screen| match is_page {
                false => render::neighbor::tables(neighbors, prefixes, earlier, screen),
                true => render::page::fit(render::neighbor::pages(neighbors), screen),
            },
            || Document::Neighbors { neighbors: neighbors.clone(), prefixes: prefixes.clone() },
        ),
        Response::VpnInstances(vpn_instances) => context.answer(
            |screen| match is_page {
                false => render::instance::table(vpn_instances, screen),
                true => render::page::fit(render::instance::pages(vpn_instances), screen),
            },
            || Document::VpnInstances { vpn_instances: vpn_instances.clone() },
        ),
        Response::Config(report) => context.answer(
            |_| render::config::text(report, form == Form::Pending),
            || render::json::config(report, form == Form::Pending),
        ),
        Response::History(history) => context
            .answer(|screen| render::event::table(history, screen), || Document::events(history)),
        Response::Statistics(sessions) => context.answer(
            |screen| match is_page {
                false => render::statistics::table(sessions, screen),
                true => render::page::fit(render::statistics::pages(sessions), screen),
            },
            || Document::Statistics { sessions: sessions.clone() },
        ),
        Response::Status(status) if form == Form::Versions => {
            context.answer(|_| render::status::versions(status), || render::json::version(status))
        }
        Response::Status(status) => context.answer(
            |screen| render::page::fit(render::status::page(status), screen),
            || Document::Status { status: status.clone() },
        ),
        _ => return Err(context.misunderstood()),
    };
    Ok(output)
}
