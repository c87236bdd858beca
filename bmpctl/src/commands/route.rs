//! `show route`: it prints what comes as it comes, so that a full table needs no memory.

use shared::exit;
use shared::request::{PrefixMatch, Request, ShowRoutes};
use shared::response::{HEARTBEAT, Response, RoutePart, RouteReport, RoutesEnd};

use super::output::print;
use crate::cli::Form;
use crate::context::{Context, Output};
use crate::render::json::{Document, ErrorReport};
use crate::render::{page, route};

/// Shows the routes, or how many there are; it ends early when its output is closed, which is no error.
pub(super) fn run(show: &ShowRoutes, form: Form, context: &Context) -> Result<Output, Output> {
    let context = &context.in_lines();
    let mut talk = context.begin(&Request::Routes(show.clone()))?;
    let (mut table, mut pages) = (route::Table::default(), route::Pages::default());
    let done = |code| Output { out: String::new(), err: String::new(), code };
    loop {
        let (text, end) = match context.next(&mut talk, HEARTBEAT)? {
            Response::Routes { parts, end } => {
                let text = parts.into_iter().map(|part| match (context.json, form) {
                    (true, _) => documents(part),
                    (false, Form::Page) => page::fit(pages.pages(&part), &context.screen),
                    (false, _) => table.rows(&part),
                });
                (text.collect::<String>(), end)
            }
            Response::RouteCounts { counts, end } => {
                let text = counts.into_iter().map(|count| match context.json {
                    true => Document::RouteCount(count).to_line(),
                    false => route::count(&count),
                });
                (text.collect(), end)
            }
            _ => return Err(context.misunderstood()),
        };
        let text = match &end {
            None => text,
            Some(end) if context.json => text + &Document::RoutesEnd(*end).to_line(),
            Some(end) => text + &route::end(show, end),
        };
        let text = if context.quiet { String::new() } else { text };
        if !print("the routes", &text, context)? {
            return Ok(done(exit::DONE));
        }
        if let Some(end) = end {
            return match (is_missing(show, end), context.json) {
                (false, _) => Ok(done(exit::DONE)),
                (true, true) => Ok(done(exit::NO_SUCH_SESSION)),
                (true, false) => Err(no_route(show, context)),
            };
        }
    }
}

/// True if there is no route for the prefix that was named.
fn is_missing(show: &ShowRoutes, end: RoutesEnd) -> bool {
    show.prefix.is_some() && show.count_by.is_none() && end.routes == 0
}

fn no_route(show: &ShowRoutes, context: &Context) -> Output {
    let Some(wanted) = show.prefix else { return context.misunderstood() };
    let message = match wanted.how {
        PrefixMatch::Best => format!("no route covers {}", wanted.prefix),
        PrefixMatch::Exact => format!(
            "there is no route for exactly {}; without --exact one that covers it is shown",
            wanted.prefix
        ),
        PrefixMatch::Longer => format!("there is no route within {}", wanted.prefix),
    };
    context.error(ErrorReport::new(exit::NO_SUCH_SESSION, "no-such-route", message))
}

/// A line for each route.
fn documents(RoutePart { table, sets }: RoutePart) -> String {
    let mut text = String::new();
    for set in sets {
        for nlri in set.routes {
            let (table, attributes) = (table.clone(), set.attributes.clone());
            let report = RouteReport { table, nlri, received: set.received, attributes };
            text.push_str(&Document::Route(Box::new(report)).to_line());
        }
    }
    text
}
