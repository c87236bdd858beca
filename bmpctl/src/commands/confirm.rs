//! What a reset of several sessions is about, before it begins.

use std::io::BufRead;

use shared::exit;
use shared::names::Selector;
use shared::request::{Query, Request, WhichLegs};
use shared::response::{Response, SessionState};

use super::progress::print;
use crate::context::{Context, Output};
use crate::render::json::ErrorReport;
use crate::render::{self, is_terminal};

/// On a terminal says how many sessions and routes a reset of several sessions is about, and with `confirm` asks.
pub(super) fn reset(legs: &WhichLegs, confirm: bool, context: &Context) -> Result<(), Output> {
    let is_one = matches!(legs.sessions.selector, Selector::One(_));
    let is_shown = is_terminal() && !context.json && !context.quiet && !is_one;
    if !confirm && !is_shown {
        return Ok(());
    }
    let query = Request::Query(Query::Session(legs.sessions.clone()));
    let Response::Sessions(sessions) = context.ask(&query)? else {
        return Err(context.misunderstood());
    };
    let (mut count, mut routes) = (0, 0);
    for session in sessions.iter().filter(|session| session.state != SessionState::Shutdown) {
        count += 1;
        routes += session.sent.routes_announced + session.routes_to_send;
    }
    let text = render::reset::about(count, routes, legs.router.as_ref());
    if !confirm {
        print(&format!("{text}\n"));
        return Ok(());
    }
    print(&format!("{text}. Continue? [y/N] "));
    let mut line = String::new();
    // An answer is short, and a file or a device may be behind the standard input.
    let mut answer = std::io::Read::take(std::io::stdin().lock(), 16);
    let read = answer.read_line(&mut line);
    match (read, line.trim()) {
        (Ok(_), "y" | "Y" | "yes" | "Yes" | "YES") => Ok(()),
        _ => {
            let text = "not confirmed: nothing was reset".to_owned();
            Err(context.error(ErrorReport::new(exit::FAILED, "not-confirmed", text)))
        }
    }
}
