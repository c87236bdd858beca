//! `show`: what there is.

use shared::request::Request;
use shared::response::Response;

use crate::cli::{Form, Show};
use crate::context::{Context, Output};
use crate::render;
use crate::render::json::Document;

/// Asks for what is to be shown.
fn request(what: &Show) -> Request {
    match what {
        Show::Session { selector, form: _ } => Request::ShowSession(selector.clone()),
        Show::Neighbor { address, vpn_instance, form: _ } => {
            Request::ShowNeighbor { address: *address, vpn_instance: vpn_instance.clone() }
        }
        Show::VpnInstance(name) => Request::ShowVpnInstance(name.clone()),
        Show::Config { pending: _ } => Request::ShowConfig,
        Show::Statistics { selector, form: _ } => Request::ShowStatistics(selector.clone()),
        Show::Status | Show::Version => Request::ShowStatus,
    }
}

/// Shows it once.
pub(super) fn once(what: &Show, context: &Context) -> Result<Output, Output> {
    shown(what, &ask(what, context)?, context)
}

/// Asks for it.
pub(super) fn ask(what: &Show, context: &Context) -> Result<Response, Output> {
    context.ask(&request(what))
}

/// Shows an answer.
pub(super) fn shown(what: &Show, answer: &Response, context: &Context) -> Result<Output, Output> {
    let output = match (what, answer) {
        (Show::Session { form, .. }, Response::Sessions(sessions)) => context.answer(
            |screen| match form {
                Form::Table => render::session::table(sessions, screen),
                Form::Page => render::page::fit(render::session::pages(sessions), screen),
            },
            || Document::Sessions { sessions: sessions.clone() },
        ),
        (Show::Neighbor { form, .. }, Response::Neighbors { neighbors, prefixes }) => context
            .answer(
                |screen| match form {
                    Form::Table => render::neighbor::tables(neighbors, prefixes, screen),
                    Form::Page => render::page::fit(render::neighbor::pages(neighbors), screen),
                },
                || Document::Neighbors { neighbors: neighbors.clone(), prefixes: prefixes.clone() },
            ),
        (Show::VpnInstance(name), Response::VpnInstances(vpn_instances)) => context.answer(
            |screen| match name {
                None => render::instance::table(vpn_instances, screen),
                Some(_) => render::page::fit(render::instance::pages(vpn_instances), screen),
            },
            || Document::VpnInstances { vpn_instances: vpn_instances.clone() },
        ),
        (Show::Config { pending }, Response::Config(report)) => context.answer(
            |_| render::config::text(report, *pending),
            || Document::config(report, *pending),
        ),
        (Show::Statistics { form, .. }, Response::Statistics(sessions)) => context.answer(
            |screen| match form {
                Form::Table => render::statistics::table(sessions, screen),
                Form::Page => render::page::fit(render::statistics::pages(sessions), screen),
            },
            || Document::Statistics { sessions: sessions.clone() },
        ),
        (Show::Status, Response::Status(status)) => context.answer(
            |screen| render::page::fit(render::status::page(status), screen),
            || Document::Status { status: status.clone() },
        ),
        (Show::Version, Response::Status(status)) => {
            context.answer(|_| render::status::versions(status), || Document::version(status))
        }
        _ => return Err(context.misunderstood()),
    };
    Ok(output)
}
