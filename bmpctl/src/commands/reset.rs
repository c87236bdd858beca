//! `reset session`.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use shared::exit;
use shared::names::Selector;
use shared::request::Request;
use shared::response::{ResetOutcome, Response};

use super::Output;
use crate::client;
use crate::render;

/// Resets the selected sessions; one line for each, failures to standard error. With a stagger the lines
/// come as the sessions do.
pub(super) fn session(selector: &Selector, stagger: u64, socket: &Path) -> Output {
    let request = Request::ResetSession { selector: selector.clone(), stagger };
    let mut conversation = match client::begin(socket, &request) {
        Ok(conversation) => conversation,
        Err(error) => return Output::unasked(&error),
    };
    let mut output = Output::done(String::new());
    loop {
        match conversation.next(Duration::from_millis(stagger)) {
            Ok(Response::Reset { outcomes, to_come }) => {
                for outcome in &outcomes {
                    show(outcome, &mut output);
                }
                if to_come == 0 {
                    return output;
                }
                // What is known is shown now; who waits for the last session must not wait for the first.
                let _ = std::io::stdout().write_all(output.out.as_bytes());
                let _ = std::io::stdout().flush();
                let _ = std::io::stderr().write_all(output.err.as_bytes());
                output.out.clear();
                output.err.clear();
            }
            Ok(Response::Failed(failure)) => return output.and(Output::failed(&failure)),
            Ok(_) => return output.and(Output::misunderstood()),
            Err(error) => return output.and(Output::unasked(&error)),
        }
    }
}

fn show(outcome: &ResetOutcome, output: &mut Output) {
    match &outcome.result {
        Ok(done) => output.out.push_str(&render::reset_done(&outcome.id, done)),
        Err(reason) => {
            output.err.push_str(&render::error(&format!("session {}: {reason}", outcome.id)));
            output.code = exit::FAILED;
        }
    }
}
