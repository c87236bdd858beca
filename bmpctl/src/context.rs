//! The context of a verb: the socket of bmpd, and the form of output that the caller has selected.

use std::path::PathBuf;
use std::time::Duration;

use shared::exit;
use shared::request::Request;
use shared::response::{Failure, Response};

use crate::cli::Options;
use crate::client::{self, ClientError, Conversation};
use crate::render::json::{Document, ErrorReport};
use crate::render::{self, Screen};

/// How long bmpd may be silent, unless the caller names another time.
const TIMEOUT: Duration = Duration::from_secs(15);

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

/// The socket of bmpd, and the form of output that the caller has selected.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    socket: PathBuf,
    timeout: Duration,
    /// The timeout, if the caller has named one.
    pub(crate) named_timeout: Option<Duration>,
    /// True to print JSON.
    pub(crate) json: bool,
    /// True to print nothing but failures.
    pub(crate) quiet: bool,
    /// What standard output can show.
    pub(crate) screen: Screen,
    /// True if a JSON document is one line among others.
    lines: bool,
}

impl Context {
    pub(crate) fn new(options: Options) -> Self {
        let Options { socket, json, quiet, timeout } = options;
        Self {
            socket: socket.unwrap_or_else(shared::socket::default_path_of_client),
            timeout: timeout.unwrap_or(TIMEOUT),
            named_timeout: timeout,
            json,
            quiet,
            screen: Screen::of_standard_output(),
            lines: false,
        }
    }

    /// The same for a verb whose JSON is a document a line, failures among them.
    pub(crate) fn in_lines(&self) -> Self {
        Self { lines: true, ..self.clone() }
    }

    /// The same for a command whose timeout is for all that it asks: each answer has the usual one, or this if it is less.
    pub(crate) fn within(&self, rest: Duration) -> Self {
        Self { timeout: TIMEOUT.min(rest.max(Duration::from_millis(1))), ..self.clone() }
    }

    /// The same for a terminal that may have another size now.
    pub(crate) fn on_the_screen_as_it_is_now(&self) -> Self {
        Self { screen: Screen::of_standard_output(), ..self.clone() }
    }

    /// Sends a request to bmpd; a failure is already an output.
    pub(crate) fn ask(&self, request: &Request) -> Result<Response, Output> {
        self.begin(request).and_then(|mut talk| self.next(&mut talk, Duration::ZERO))
    }

    /// Sends a request to bmpd; some requests have several answers.
    pub(crate) fn begin(&self, request: &Request) -> Result<Conversation, Output> {
        self.try_begin(request).map_err(|report| self.error(*report))
    }

    /// The same for a command that has more to say when it fails.
    pub(crate) fn try_begin(&self, request: &Request) -> Result<Conversation, Box<ErrorReport>> {
        client::begin(&self.socket, request, self.timeout).map_err(|error| unasked(&error).into())
    }

    /// The next answer, which may take this much longer than usual.
    pub(crate) fn next(
        &self,
        talk: &mut Conversation,
        longer: Duration,
    ) -> Result<Response, Output> {
        received(talk.next(longer)).map_err(|report| self.error(*report))
    }

    /// What was requested, as text or as JSON.
    pub(crate) fn answer(
        &self,
        text: impl FnOnce(&Screen) -> String,
        document: impl FnOnce() -> Document,
    ) -> Output {
        let out = match (self.quiet, self.json) {
            (true, _) => String::new(),
            (false, true) => self.document(&document()),
            (false, false) => text(&self.screen),
        };
        Output { out, err: String::new(), code: exit::DONE }
    }

    fn document(&self, document: &Document) -> String {
        if self.lines { document.to_line() } else { document.to_text() }
    }

    /// bmpd sent an answer of another kind.
    pub(crate) fn misunderstood(&self) -> Output {
        self.error(misunderstood())
    }

    /// bmpctl itself failed.
    pub(crate) fn failure(&self, message: String) -> Output {
        self.error(ErrorReport::new(exit::FAILED, "failed", message))
    }

    /// A failure, as text on standard error or as a document on standard output.
    pub(crate) fn error(&self, report: ErrorReport) -> Output {
        let code = report.exit_code;
        if self.json {
            let out = self.document(&Document::Error(report));
            return Output { out, err: String::new(), code };
        }
        Output { out: String::new(), err: self.complaint(&report.message), code }
    }

    /// A failure for standard error.
    pub(crate) fn complaint(&self, message: &str) -> String {
        // One line for a mail or a log: further text helps only on a terminal.
        match self.quiet {
            true => render::error(&render::in_one_line(message)),
            false => render::error(message),
        }
    }
}

/// What bmpd answered, unless that is a failure.
pub(crate) fn received(
    answer: Result<Response, ClientError>,
) -> Result<Response, Box<ErrorReport>> {
    match answer {
        Ok(Response::Failed(failure)) => Err(refused(&failure).into()),
        Ok(response) => Ok(response),
        Err(error) => Err(unasked(&error).into()),
    }
}

/// bmpd refused or failed to do it.
pub(crate) fn refused(failure: &Failure) -> ErrorReport {
    let code = match failure {
        Failure::NoSuchSession { .. }
        | Failure::NoSuchNeighbor { .. }
        | Failure::NoSuchRouter { .. }
        | Failure::NoSuchPublisher { .. }
        | Failure::NoSuchVpnInstance { .. } => exit::NO_SUCH_SESSION,
        Failure::NotPermitted { .. } => exit::NOT_PERMITTED,
        Failure::Configuration(_) | Failure::Stopping | Failure::Busy(_) | Failure::Other(_) => {
            exit::FAILED
        }
    };
    render::json::of_failure(failure, code)
}

/// The request got no answer, or one that could not be read.
pub(crate) fn unasked(error: &ClientError) -> ErrorReport {
    let code = match error {
        ClientError::NotPermitted { .. } | ClientError::FolderClosed(_) => exit::NOT_PERMITTED,
        _ => exit::NOT_REACHABLE,
    };
    render::json::of_client(error, code)
}

/// bmpd sent an answer of another kind.
pub(crate) fn misunderstood() -> ErrorReport {
    let text = "the answer does not belong to the question; use the bmpctl that came with bmpd";
    unasked(&ClientError::Refused(text.to_owned()))
}

/// A wrong command line, for callers that request JSON.
pub(crate) fn usage(error: &clap::Error) -> Output {
    let text = error.to_string();
    let message = text.trim_end().strip_prefix("error: ").unwrap_or(text.trim_end()).to_owned();
    let report = ErrorReport::new(exit::USAGE, "usage", message);
    Output { out: Document::Error(report).to_text(), err: String::new(), code: exit::USAGE }
}
