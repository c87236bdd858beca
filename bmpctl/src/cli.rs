//! The command line.
//!
//! Two grammars lead to the same [`Command`]: bmpctl's own (`reset session 10.1.1.1 --alias aa`) and
//! that of the router's manual (`reset bmp session 10.1.1.1 alias aa`), which is read word by word.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{OsStringValueParser, StringValueParser, TypedValueParser};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, error::ErrorKind};
use shared::names::{Alias, Selector, SessionId, StationAddress, VpnInstanceName};
use shared::request::STAGGER_MAX;

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the daemon failed at it, wholly or for one of the sessions
  2  the command line is wrong
  3  no such session
  4  not permitted
  5  the daemon cannot be reached, or speaks another protocol version";

const RESET_EXAMPLES: &str = "\
Examples:
  bmpctl reset session 10.1.1.1
  bmpctl reset session 10.1.1.1 --alias aa
  bmpctl reset session 2001:DB8:1::1
  bmpctl reset session --vpn-instance mgmt all
  bmpctl reset session all
  bmpctl reset session all --stagger 2s";

/// Admin command of bmpd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cli {
    /// The socket, if one was named.
    pub socket: Option<PathBuf>,
    /// What to do.
    pub command: Command,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `reset session`.
    ResetSession {
        /// Which.
        selector: Selector,
        /// The time between one session and the next, ms.
        stagger: u64,
    },
    /// `reload`.
    Reload {
        /// Print what would be done, and do nothing.
        dry_run: bool,
    },
    /// `show session`.
    ShowSession {
        /// Which.
        selector: Selector,
        /// How.
        form: Form,
    },
    /// `show neighbor`.
    ShowNeighbor {
        /// How; a page is the same as the table.
        form: Form,
    },
}

/// How an answer is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A row for each.
    Table,
    /// A page for each.
    Page,
    /// For machines.
    Json,
}

#[derive(Debug, Parser)]
#[command(name = "bmpctl", version, about = "Admin command of bmpd", after_help = EXIT_CODES)]
#[command(subcommand_required = true, arg_required_else_help = true)]
struct Raw {
    /// The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]
    #[arg(long, value_name = "PATH", env = "BMPD_SOCKET", global = true, hide_env_values = true)]
    #[arg(value_parser = OsStringValueParser::new().map(PathBuf::from))]
    socket: Option<PathBuf>,

    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Reset BMP sessions
    #[command(subcommand, arg_required_else_help = true)]
    Reset(Reset),
    /// Apply the configuration file: what is new begins, what is gone ends
    ///
    /// bmpd reads the file and checks all of it; a bad file changes nothing. Sessions and neighbors that are
    /// new begin, those that are gone end, and parameters that can change at run time do. A session that
    /// runs is not interrupted: parameters of its connection wait for `reset session`, and `show session`
    /// lists them as pending. A neighbor whose BGP session needs other parameters is restarted. SIGHUP
    /// does the same.
    Reload(Reload),
    /// Show sessions and neighbors
    #[command(subcommand, arg_required_else_help = true)]
    Show(Show),
}

#[derive(Debug, Args)]
struct Reload {
    /// Print what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Subcommand)]
enum Reset {
    /// Reset BMP sessions: apply the configured parameters, connect again, send everything again
    ///
    /// The configuration file is read again. If it is bad, nothing is touched. Otherwise each selected
    /// session ends its connection, takes its parameters from the file, connects at once and sends all
    /// routes again. Other sessions are not touched. The command ends when the new connections are
    /// under way; `show session` says how far they are.
    #[command(after_help = RESET_EXAMPLES, arg_required_else_help = true)]
    Session(ResetSession),
    /// The same in the grammar of the router's manual
    #[command(subcommand, arg_required_else_help = true)]
    Bmp(ResetBmp),
}

#[derive(Debug, Args)]
struct ResetSession {
    /// The VPN instance [default: the public one for an address, every one for `all`]
    #[arg(long, value_name = "NAME", value_parser = named::<VpnInstanceName>())]
    vpn_instance: Option<VpnInstanceName>,

    /// The station's address, or all sessions
    #[arg(value_name = "ADDRESS|all")]
    target: Target,

    /// The alias of the session; without it an address means the session without alias
    #[arg(long, value_name = "NAME", value_parser = named::<Alias>(), allow_hyphen_values = true)]
    alias: Option<Alias>,

    /// Reset `all` one after another with this time between two, such as 500ms, 2s or 1m
    ///
    /// Stations and collectors have time to absorb a table before the next one comes. bmpd goes on also if
    /// the command is ended before it is through.
    #[arg(long, value_name = "DURATION", value_parser = stagger)]
    stagger: Option<u64>,
}

const MANUAL_USAGE: &str = "bmpctl reset bmp session [vpn-instance NAME] {ADDRESS | all}\n       \
     bmpctl reset bmp session [vpn-instance NAME] ADDRESS alias NAME";

#[derive(Debug, Subcommand)]
enum ResetBmp {
    /// [vpn-instance NAME] {ADDRESS | all} | [vpn-instance NAME] ADDRESS alias NAME
    #[command(arg_required_else_help = true, override_usage = MANUAL_USAGE)]
    Session {
        /// [vpn-instance NAME] {ADDRESS | all} [alias NAME]
        #[arg(value_name = "WORD", required = true, num_args = 1.., allow_hyphen_values = true)]
        words: Vec<String>,
    },
}

#[derive(Debug, Subcommand)]
enum Show {
    /// Show BMP sessions: a table, or the page of one session
    Session(ShowSession),
    /// Show BGP neighbors
    Neighbor(ShowNeighbor),
}

#[derive(Debug, Args)]
struct ShowSession {
    /// The VPN instance [default: the public one for an address, every one without]
    #[arg(long, value_name = "NAME", value_parser = named::<VpnInstanceName>())]
    vpn_instance: Option<VpnInstanceName>,

    /// The station's address [default: all]
    #[arg(value_name = "ADDRESS")]
    target: Option<Target>,

    /// The alias of the session; without it an address means the session without alias
    #[arg(long, value_name = "NAME", value_parser = named::<Alias>(), allow_hyphen_values = true)]
    alias: Option<Alias>,

    /// Show every detail of each session
    #[arg(long, short)]
    verbose: bool,

    /// Print JSON: times are milliseconds
    #[arg(long, conflicts_with = "verbose")]
    json: bool,
}

#[derive(Debug, Args)]
struct ShowNeighbor {
    /// Print JSON: times are milliseconds
    #[arg(long)]
    json: bool,
}

/// A parser of names that takes any text, so that the reason of a refusal is that of the name's rules.
fn named<T>() -> impl TypedValueParser<Value = T>
where
    T: FromStr + Clone + Send + Sync + 'static,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    StringValueParser::new().try_map(|text| text.parse::<T>())
}

/// Reads a time such as `500ms`, `2s` or `1m` as milliseconds.
fn stagger(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "" => return Err("a unit is missing: write it like 500ms, 2s or 1m".to_owned()),
        _ => return Err("it is not a time: write it like 500ms, 2s or 1m".to_owned()),
    };
    let millis = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    match millis {
        Some(millis @ 1..=STAGGER_MAX) => Ok(millis),
        _ => Err("it is out of range: 1ms to 60m are allowed".to_owned()),
    }
}

/// An address or `all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    All,
    Address(StationAddress),
}

/// Why a word is neither an address nor `all`.
#[derive(Debug, thiserror::Error)]
enum TargetError {
    #[error("`all` is written in lower case")]
    Case,
    #[error(transparent)]
    Address(#[from] shared::names::AddressError),
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        match text {
            "all" => Ok(Target::All),
            _ if text.eq_ignore_ascii_case("all") => Err(TargetError::Case),
            _ => Ok(Target::Address(text.parse()?)),
        }
    }
}

fn select(
    vpn_instance: Option<VpnInstanceName>,
    target: Target,
    alias: Option<Alias>,
) -> Result<Selector, String> {
    match (target, alias) {
        (Target::All, None) => Ok(Selector::All { vpn_instance }),
        (Target::All, Some(_)) => {
            Err("an alias belongs to one session: name its address instead of `all`".to_owned())
        }
        (Target::Address(address), alias) => {
            Ok(Selector::One(SessionId { vpn_instance, address, alias }))
        }
    }
}

/// Reads `[vpn-instance NAME] {ADDRESS | all} [alias NAME]`.
fn select_by_words(words: &[String]) -> Result<Selector, String> {
    let mut words = words.iter().map(String::as_str).peekable();
    let mut vpn_instance = None;
    if words.next_if_eq(&"vpn-instance").is_some() {
        let name = words.next().ok_or("`vpn-instance` must be followed by a name")?;
        vpn_instance = Some(
            name.parse()
                .map_err(|error| format!("the VPN instance {name:?} is no name: {error}"))?,
        );
    }
    let target = words.next().ok_or("an address or `all` is missing")?;
    let target = match target {
        "alias" => return Err("the address comes before `alias`".to_owned()),
        _ if target.starts_with('-') => return Err(no_options(target)),
        _ => target.parse::<Target>().map_err(|error| error.to_string())?,
    };
    let mut alias = None;
    if words.next_if_eq(&"alias").is_some() {
        let name = words.next().ok_or("`alias` must be followed by a name")?;
        alias =
            Some(name.parse().map_err(|error| format!("the alias {name:?} is no name: {error}"))?);
    }
    match words.next() {
        None => {}
        Some("vpn-instance") => {
            return Err("`vpn-instance NAME` comes before the address".to_owned());
        }
        Some(option) if option.starts_with('-') => return Err(no_options(option)),
        Some(extra) => {
            return Err(format!(
                "{extra:?} is one word too many; a name with spaces needs quotation marks"
            ));
        }
    }
    select(vpn_instance, target, alias)
}

fn no_options(option: &str) -> String {
    format!(
        "{option:?} stands among the manual's words: write `alias NAME` and `vpn-instance NAME` \
         without dashes, and put options such as --socket before the words"
    )
}

impl Raw {
    fn check(self) -> Result<Cli, (ErrorKind, String)> {
        let conflict = |text| (ErrorKind::ArgumentConflict, text);
        let command = match self.verb {
            Verb::Reset(Reset::Session(ResetSession { vpn_instance, target, alias, stagger })) => {
                if stagger.is_some() && target != Target::All {
                    let text = "--stagger is for `all`: one session has nothing to wait for";
                    return Err(conflict(text.to_owned()));
                }
                let selector = select(vpn_instance, target, alias).map_err(conflict)?;
                Command::ResetSession { selector, stagger: stagger.unwrap_or(0) }
            }
            Verb::Reload(Reload { dry_run }) => Command::Reload { dry_run },
            Verb::Reset(Reset::Bmp(ResetBmp::Session { words })) => {
                let selector =
                    select_by_words(&words).map_err(|text| (ErrorKind::ValueValidation, text))?;
                Command::ResetSession { selector, stagger: 0 }
            }
            Verb::Show(Show::Session(show)) => {
                let ShowSession { vpn_instance, target, alias, verbose, json } = show;
                let selector = match (target, alias) {
                    (None, Some(_)) => {
                        return Err(conflict(
                            "an alias belongs to one session: name its address too".to_owned(),
                        ));
                    }
                    (None, None) => Selector::All { vpn_instance },
                    (Some(target), alias) => {
                        select(vpn_instance, target, alias).map_err(conflict)?
                    }
                };
                let one = matches!(selector, Selector::One(_));
                let form = match json {
                    true => Form::Json,
                    false if verbose || one => Form::Page,
                    false => Form::Table,
                };
                Command::ShowSession { selector, form }
            }
            Verb::Show(Show::Neighbor(ShowNeighbor { json })) => {
                Command::ShowNeighbor { form: if json { Form::Json } else { Form::Table } }
            }
        };
        Ok(Cli { socket: self.socket.filter(|path| !path.as_os_str().is_empty()), command })
    }
}

impl Cli {
    /// Reads the process's command line; one that is wrong ends the process (exit code 2).
    pub fn parse() -> Self {
        Self::try_parse_from(std::env::args_os()).unwrap_or_else(|error| error.exit())
    }

    /// Reads a command line.
    pub fn try_parse_from<I, T>(arguments: I) -> Result<Self, clap::Error>
    where
        I: IntoIterator<Item = T>,
        T: Into<OsString> + Clone,
    {
        let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
        // Before clap quotes them as they are: control characters must not reach the terminal.
        if let Some(bad) =
            arguments.iter().find(|word| word.to_string_lossy().contains(char::is_control))
        {
            let text = format!("the argument {bad:?} contains a control character");
            return Err(command().error(ErrorKind::ValueValidation, text));
        }
        let matches = command().try_get_matches_from(arguments)?;
        let raw = Raw::from_arg_matches(&matches)?;
        raw.check().map_err(|(kind, text)| named_command(&matches).error(kind, text))
    }
}

/// The definition of the subcommand that was named, so that an error shows its usage.
fn named_command(matches: &clap::ArgMatches) -> clap::Command {
    let mut command = command();
    command.build();
    let mut matches = matches;
    while let Some((name, inner)) = matches.subcommand() {
        let Some(found) = command.find_subcommand(name) else { break };
        command = found.clone();
        matches = inner;
    }
    command
}

/// The definition of the command line, for completions and manual pages.
pub fn command() -> clap::Command {
    Raw::command()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once(&"bmpctl").chain(line))
    }

    fn reset(line: &[&str]) -> Selector {
        match parse(line).unwrap().command {
            Command::ResetSession { selector, .. } => selector,
            other => panic!("{other:?}"),
        }
    }

    fn refused(line: &[&str]) -> String {
        let error = parse(line).unwrap_err();
        assert_eq!(error.exit_code(), i32::from(shared::exit::USAGE), "{line:?}");
        error.to_string()
    }

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn both_grammars_mean_the_same() {
        let pairs: [(&[&str], &[&str]); 6] = [
            (&["10.1.1.1"], &["10.1.1.1"]),
            (&["all"], &["all"]),
            (&["2001:DB8:1::1"], &["2001:db8:1:0:0:0:0:1"]),
            (&["10.1.1.1", "--alias", "aa"], &["10.1.1.1", "alias", "aa"]),
            (&["--vpn-instance", "red", "all"], &["vpn-instance", "red", "all"]),
            (
                &["--vpn-instance", "red net", "10.1.1.1", "--alias", "\"a b\""],
                &["vpn-instance", "\"red net\"", "10.1.1.1", "alias", "a b"],
            ),
        ];
        for (ours, manual) in pairs {
            let ours = reset(&[&["reset", "session"], ours].concat());
            assert_eq!(ours, reset(&[&["reset", "bmp", "session"], manual].concat()));
        }
    }

    #[test]
    fn a_stagger_is_a_time_with_a_unit_and_for_all() {
        let stagger = |text: &str| match parse(&["reset", "session", "all", "--stagger", text])
            .unwrap()
            .command
        {
            Command::ResetSession { stagger, .. } => stagger,
            other => panic!("{other:?}"),
        };
        assert_eq!((stagger("500ms"), stagger("2s"), stagger("60m")), (500, 2000, 3_600_000));
        for wrong in ["2", "s", "0s", "61m", "-1s", "1h", "99999999999999999999s", ""] {
            refused(&["reset", "session", "all", "--stagger", wrong]);
        }
        assert!(
            refused(&["reset", "session", "10.1.1.1", "--stagger", "1s"]).contains("for `all`")
        );
    }

    #[test]
    fn an_alias_with_all_is_a_usage_error() {
        assert!(
            refused(&["reset", "session", "all", "--alias", "aa"]).contains("name its address")
        );
        assert!(
            refused(&["reset", "bmp", "session", "all", "alias", "aa"])
                .contains("name its address")
        );
        assert!(refused(&["show", "session", "--alias", "aa"]).contains("name its address"));
    }

    #[test]
    fn a_wrong_word_is_named_with_the_reason() {
        assert!(refused(&["reset", "session", "::ffff:10.1.1.1"]).contains("10.1.1.1 itself"));
        assert!(refused(&["reset", "session", "fe80::1%eth0"]).contains("zone id"));
        assert!(
            refused(&["reset", "session", "collector"]).contains("host names are not looked up")
        );
        assert!(
            refused(&["reset", "session", "--vpn-instance", "_public_", "all"])
                .contains("public instance")
        );
        assert!(refused(&["reset", "session", "10.1.1.1", "--alias", ""]).contains("empty"));
        assert!(
            refused(&["reset", "session", "10.1.1.1", "--alias", &"x".repeat(32)])
                .contains("32 characters")
        );
        assert!(
            refused(&["reset", "session", "10.1.1.1", "--alias", "a\nb"])
                .contains("control character")
        );
        let words = |words: &[&str]| refused(&[&["reset", "bmp", "session"], words].concat());
        assert!(words(&["vpn-instance"]).contains("followed by a name"));
        assert!(words(&["vpn-instance", "red"]).contains("missing"));
        assert!(words(&["10.1.1.1", "alias"]).contains("followed by a name"));
        assert!(words(&["10.1.1.1", "alias", "two", "words"]).contains("one word too many"));
        assert!(words(&["10.1.1.1", "alias", "_public_ "]).contains("space"));
        assert!(words(&["10.1.1.1", "vpn-instance", "red"]).contains("before the address"));
        assert!(words(&["10.1.1.1", "--alias", "aa"]).contains("alias NAME"));
        assert!(words(&["alias", "aa", "10.1.1.1"]).contains("address comes before"));
        assert!(
            words(&["10.1.1.1", "aa"]).contains("[vpn-instance NAME] {ADDRESS | all}"),
            "its usage"
        );
        assert!(refused(&["reset", "session", "ALL"]).contains("lower case"));
        let red = refused(&["reset", "session", "10.1\u{1b}[31m"]);
        assert!(!red.contains('\u{1b}') && red.contains("control character"), "{red:?}");
    }

    #[test]
    fn the_socket_can_stand_before_and_behind_the_verb() {
        for line in
            [&["--socket", "/s", "show", "neighbor"], &["show", "neighbor", "--socket", "/s"]]
        {
            assert_eq!(parse(line).unwrap().socket, Some(PathBuf::from("/s")));
        }
    }
}
