//! `reset session`.

use std::path::Path;

use shared::exit;
use shared::names::Selector;
use shared::request::Request;
use shared::response::Response;

use super::{Output, ask};
use crate::render;

/// Resets the selected sessions; one line for each, failures to standard error.
pub(super) fn session(selector: &Selector, socket: &Path) -> Output {
    let outcomes = match ask(socket, &Request::ResetSession(selector.clone())) {
        Ok(Response::Reset(outcomes)) => outcomes,
        Ok(_) => return Output::misunderstood(),
        Err(output) => return output,
    };
    let mut output = Output::done(String::new());
    for outcome in &outcomes {
        match &outcome.result {
            Ok(done) => output.out.push_str(&render::reset_done(&outcome.id, done)),
            Err(reason) => {
                output.err.push_str(&render::error(&format!("session {}: {reason}", outcome.id)));
                output.code = exit::FAILED;
            }
        }
    }
    output
}
