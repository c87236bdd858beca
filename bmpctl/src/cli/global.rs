//! The options that every command has.
//!
//! They can stand behind any of a command's words. clap has such options, and copies them to every command of
//! the grammar whenever one is read; here a command gets them when it is defined (see [`super::deferred`]), and
//! [`read`] looks for them behind each word.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Arg, ArgMatches, Args, FromArgMatches};

use super::invocation::Options;
use super::values::{named, up_to_an_hour};
use crate::destination::{Destination, HOST};

/// Under which heading of the help they stand.
const HEADING: &str = "Global options";

#[derive(Debug, Args)]
pub(super) struct Global {
    /// The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]
    ///
    /// The environment variable BMPD_SOCKET names it, too. An ordinary user's own bmpd has its socket at `$XDG_RUNTIME_DIR/bmpd/bmpd.sock`.
    #[arg(long, value_name = "PATH", help_heading = HEADING)]
    #[arg(value_parser = OsStringValueParser::new().map(PathBuf::from))]
    socket: Option<PathBuf>,

    /// Print one JSON document, also for a failure
    ///
    /// The fields are stable: some may be added, none goes or changes its meaning.
    #[arg(long, help_heading = HEADING)]
    json: bool,

    /// Print nothing but failures
    ///
    /// For cron and scripts: no output means that it was done. Failures go to standard error, in one line
    /// each. What is done is done without a word, warnings of a reload included; bmpd's log has them.
    #[arg(long, short, help_heading = HEADING)]
    quiet: bool,

    /// How long bmpd may be silent, or `wait` may wait, 1ms to 60m [default: 15s, of `wait` 5m]
    ///
    /// The time is a number of seconds, or has units: 500ms, 90s, 1m30s.
    #[arg(long, value_name = "DURATION", value_parser = up_to_an_hour, help_heading = HEADING)]
    timeout: Option<Duration>,
}

/// The host that a command runs on. [`crate::remote`] reads it, before clap does: this is for the help, for completion, and
/// for the errors.
pub(super) fn host() -> Arg {
    Arg::new(HOST)
        .long(HOST)
        .short('H')
        .value_name("[USER@]HOST[:PORT]")
        .help("Run the command on this host, by ssh")
        .long_help(
            "Run the command on this host, by ssh\n\nbmpctl of that host runs there, as the user that ssh logs in, and its \
             output and exit code are those of this one. HOST can be a name of ssh_config(5), where keys, jump hosts and \
             ports are configured as well. --socket and BMPD_SOCKET name the socket there. An error of ssh has exit code 5.",
        )
        .value_parser(named::<Destination>())
        .help_heading(HEADING)
}

/// What they say behind all words of a command line; what stands behind a later word counts.
pub(super) fn read(matches: &ArgMatches) -> Result<Options, clap::Error> {
    let Global { mut socket, mut json, mut quiet, mut timeout } =
        Global::from_arg_matches(matches)?;
    let mut word = matches;
    while let Some((_, next)) = word.subcommand() {
        let later = Global::from_arg_matches(next)?;
        socket = later.socket.or(socket);
        json |= later.json;
        quiet |= later.quiet;
        timeout = later.timeout.or(timeout);
        word = next;
    }
    // Not by clap, which would show it in the usage as if it had to be there.
    let socket = socket.or_else(|| std::env::var_os("BMPD_SOCKET").map(PathBuf::from));
    let socket = socket.filter(|path| !path.as_os_str().is_empty());
    Ok(Options { socket, json, quiet, timeout })
}
