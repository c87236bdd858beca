//! The daemon's command line. In the library, so that the manual page is made of it.
#![forbid(unsafe_code)]

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{CommandFactory, Parser};
use shared::response::LogLevel;

const EXAMPLES: &str = "\
Examples:
  bmpd --config bmpd.toml --check
  bmpd --explain session.tcp.mss
  bmpd --config bmpd.toml
  bmpd --config bmpd.toml --log debug
  bmpd --import frr frr.conf

Exit codes:
  0    stopped by a signal; with --check: the file is good
  1    it cannot start or go on; with --check, --import: the file is bad
  2    the command line is wrong; with --explain: there is no such key
  78   the configuration file cannot be used";

/// BMP agent: receives routes from BGP neighbors and reports them to monitoring servers
///
/// It runs in the foreground and logs to standard error. `bmpctl` talks to it.
#[derive(Debug, Parser)]
#[command(name = "bmpd", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Arguments {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = "/etc/bmpd/bmpd.toml")]
    pub config: PathBuf,

    /// Check the configuration file and end: 0 if it is good, 1 if it is not
    ///
    /// Everything that is wrong is printed, with file, line and key. `bmpctl config check` does the same with the file of the
    /// bmpd that runs.
    #[arg(long)]
    pub check: bool,

    /// With --check: print what was found as a JSON document
    #[arg(long, requires = "check")]
    pub json: bool,

    /// Say what a key of the configuration file means, and end
    ///
    /// Its type, unit, range and default, what a change of it takes, and an example. A table lists its keys. KEY is written as in
    /// session.tcp.mss, `[session] tcp.mss`, hold-time or bgp.neighbor.
    #[arg(long, value_name = "KEY", num_args = 1.., conflicts_with_all = ["check", "import"])]
    pub explain: Option<Vec<String>>,

    /// Print the JSON schema of the configuration file, for editors, and end
    #[arg(long, conflicts_with_all = ["check", "import", "explain"])]
    pub schema: bool,

    /// Print a configuration made from that of another daemon, and end
    ///
    /// The kinds are frr, bird and gobgp (its TOML); FILE is `-` for standard input. BGP neighbors and BMP
    /// stations are taken over; what has no counterpart is named in comments, with its line. Nothing is started.
    #[arg(long, num_args = 2, value_names = ["KIND", "FILE"], conflicts_with = "check")]
    pub import: Option<Vec<String>>,

    /// What is logged: this level and those above it
    ///
    /// `bmpctl log level` sets another one while bmpd runs.
    #[arg(long, value_name = "LEVEL", value_parser = levels(), default_value_t = LogLevel::Info)]
    pub log: LogLevel,
}

/// The levels of the log, and what each adds.
fn levels() -> impl TypedValueParser<Value = LogLevel> {
    let values = LogLevel::ALL.map(|level| PossibleValue::new(level.name()).help(level.adds()));
    PossibleValuesParser::new(values).try_map(|text| text.parse::<LogLevel>())
}

/// The definition of the command line, for the manual page.
pub fn command() -> clap::Command {
    Arguments::command()
}
