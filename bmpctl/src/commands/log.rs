//! `log level`.

use std::time::Duration;

use shared::request::{Operation, Query, Request, SetLog};
use shared::response::{LogLevel, Response};
use shared::time::Span;

use crate::context::{Context, Output};
use crate::render;
use crate::render::json::Document;

/// Shows at which level bmpd logs.
pub(super) fn show(context: &Context) -> Result<Output, Output> {
    ask(&Request::Query(Query::Log), context)
}

/// Sets the level, without one the default again, and shows it.
pub(super) fn set(
    level: Option<LogLevel>,
    lasts: Option<Duration>,
    context: &Context,
) -> Result<Output, Output> {
    let lasts = lasts.map(|lasts| Span::of(lasts).0);
    ask(&Request::Operation(Operation::SetLog(SetLog { level, lasts })), context)
}

fn ask(request: &Request, context: &Context) -> Result<Output, Output> {
    match context.ask(request)? {
        Response::Log(log) => {
            Ok(context.answer(|_| render::log::line(&log), || Document::Log { log: log.clone() }))
        }
        _ => Err(context.misunderstood()),
    }
}
