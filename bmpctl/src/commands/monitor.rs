//! `monitor`.

use shared::event::{Event, EventKind};
use shared::exit;
use shared::request::{Request, WhichEvents};
use shared::response::{HEARTBEAT, Response};

use super::output::print;
use crate::context::{Context, Output};
use crate::render;
use crate::render::json::{Document, ErrorReport};

/// Prints events as they happen. It ends when bmpd stops, which is an error, or when its output is closed, which
/// is none; a signal ends it as it ends any program.
pub(super) fn run(which: &WhichEvents, context: &Context) -> Result<Output, Output> {
    let context = &context.in_lines();
    let mut talk = context.begin(&Request::Monitor(which.clone()))?;
    loop {
        let Response::Events { events, lost } = context.next(&mut talk, HEARTBEAT)? else {
            return Err(context.misunderstood());
        };
        let text = if context.quiet { String::new() } else { text(&events, lost, context) };
        if !print("the events", &text, context)? {
            return Ok(Output { out: String::new(), err: String::new(), code: exit::DONE });
        }
        if events.iter().any(|event| event.what == EventKind::Stopping) {
            let message = "bmpd has stopped, so there is nothing more to watch".to_owned();
            return Err(context.error(ErrorReport::new(exit::NOT_REACHABLE, "stopping", message)));
        }
    }
}

/// A line each, in their order.
fn text(events: &[Event], lost: u64, context: &Context) -> String {
    let mut text = String::new();
    if lost > 0 {
        text.push_str(&match context.json {
            true => Document::EventsLost { count: lost }.to_line(),
            false => render::event::lost(lost),
        });
    }
    for event in events {
        text.push_str(&match context.json {
            true => Document::event(event).to_line(),
            false => render::event::line(event),
        });
    }
    text
}
