//! One file a verb: gather, ask, show.

mod reload;
mod reset;
mod show;

use std::path::Path;

use shared::exit;
use shared::response::{Failure, Response};

use crate::cli::Command;
use crate::client::{self, ClientError};
use crate::render;

/// What a command prints and how it ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Output {
    /// For standard output.
    pub(crate) out: String,
    /// For standard error.
    pub(crate) err: String,
    /// The exit code.
    pub(crate) code: u8,
}

impl Output {
    /// The command did what it was told.
    fn done(out: String) -> Self {
        Self { out, err: String::new(), code: exit::DONE }
    }

    /// bmpd would not do it.
    fn failed(failure: &Failure) -> Self {
        let code = match failure {
            Failure::NoSuchSession { .. } => exit::NO_SUCH_SESSION,
            Failure::NotPermitted { .. } => exit::NOT_PERMITTED,
            Failure::Configuration(_) | Failure::Stopping | Failure::Other(_) => exit::FAILED,
        };
        Self { out: String::new(), err: render::error(&render::failure(failure)), code }
    }

    /// What was printed so far, and what ends it.
    fn and(mut self, end: Output) -> Self {
        self.out.push_str(&end.out);
        self.err.push_str(&end.err);
        Self { code: end.code, ..self }
    }

    /// bmpd could not be asked.
    fn unasked(error: &ClientError) -> Self {
        let code = match error {
            ClientError::NotPermitted { .. } => exit::NOT_PERMITTED,
            _ => exit::NOT_REACHABLE,
        };
        Self { out: String::new(), err: render::error(&error.to_string()), code }
    }

    /// bmpd answered something else than was asked.
    fn misunderstood() -> Self {
        Self::unasked(&ClientError::Refused(
            "the answer does not belong to the question".to_owned(),
        ))
    }
}

/// Runs one command.
pub(crate) fn run(command: &Command, socket: &Path) -> Output {
    match command {
        Command::ResetSession { selector, stagger } => reset::session(selector, *stagger, socket),
        Command::Reload { dry_run } => reload::run(*dry_run, socket),
        Command::ShowSession { selector, form } => show::session(selector, *form, socket),
        Command::ShowNeighbor { form } => show::neighbor(*form, socket),
    }
}

/// Asks bmpd; what is not the answer that was hoped for is an output already.
fn ask(socket: &Path, request: &shared::request::Request) -> Result<Response, Output> {
    match client::ask(socket, request) {
        Ok(Response::Failed(failure)) => Err(Output::failed(&failure)),
        Ok(response) => Ok(response),
        Err(error) => Err(Output::unasked(&error)),
    }
}
