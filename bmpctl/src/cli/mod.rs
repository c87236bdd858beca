//! The command line.
//!
//! Two grammars lead to the same [`Command`]: bmpctl's own (`reset session 10.1.1.1 --alias aa`) and
//! that of the router's manual (`reset bmp session 10.1.1.1 alias aa`), which is read word by word.

mod deferred;
mod global;
mod grammar;
pub mod help;
mod invocation;
mod manual;
pub(crate) mod spelling;
#[cfg(test)]
mod tests;
mod values;

use std::ffi::OsString;
use std::mem::ManuallyDrop;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches};

use self::grammar::Raw;
pub use self::invocation::{Command, Form, Goal, Options};

/// Admin command of bmpd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cli {
    /// What holds for every command.
    pub options: Options,
    /// What to do.
    pub command: Command,
}

impl Cli {
    /// Reads a command line.
    ///
    /// # Errors
    ///
    /// It is wrong, or it asks for help or the version, which is an error of clap's as well.
    pub fn try_parse_from<I, T>(arguments: I) -> Result<Self, clap::Error>
    where
        I: IntoIterator<Item = T>,
        T: Into<OsString> + Clone,
    {
        Self::parse(arguments.into_iter().map(Into::into).collect(), &[])
    }

    /// Reads a command line that is wrong once more, so that its error has tips.
    pub(crate) fn try_parse_with_tips(
        arguments: &[OsString],
        tips: &[String],
    ) -> Result<Self, clap::Error> {
        Self::parse(arguments.to_vec(), tips)
    }

    fn parse(arguments: Vec<OsString>, tips: &[String]) -> Result<Self, clap::Error> {
        // Before clap quotes them as they are: control characters must not reach the terminal.
        if let Some(bad) =
            arguments.iter().find(|word| word.to_string_lossy().contains(char::is_control))
        {
            let text = format!("the argument {bad:?} contains a control character");
            return Err(command().error(ErrorKind::ValueValidation, text));
        }
        let arguments = spelling::as_clap_reads_it(arguments);
        // The texts of the help take a good part of the time that a command needs, and few ask for them. So
        // does giving memory back piece by piece, which the end of the process does at once.
        let mut definition = ManuallyDrop::new(Raw::command());
        let without_help = definition.try_get_matches_from_mut(&arguments);
        let with_help = |_| {
            // Nothing can be right with the help that was wrong without but a host, which `crate::remote` was to read: a
            // command line with one must never run here.
            let mut whole = command();
            whole.try_get_matches_from_mut(arguments).and_then(|_| {
                let text = "this is no place for --host: write it before the first word";
                Err(whole.error(ErrorKind::ArgumentConflict, text))
            })
        };
        let matches = without_help.or_else(with_help).map_err(|mut error| {
            if !tips.is_empty() {
                let tips = tips.iter().map(|tip| tip.clone().into()).collect();
                error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
            }
            error
        })?;
        let matches = ManuallyDrop::new(matches);
        let options = global::read(&matches)?;
        let command = Raw::from_arg_matches(&matches)?.check();
        command.map(|command| Self { options, command }).map_err(|(kind, text)| {
            let tips: String = tips.iter().map(|tip| format!("\n  tip: {tip}")).collect();
            let gap = if tips.is_empty() { "" } else { "\n" };
            named_command(&matches).error(kind, text + gap + &tips)
        })
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
    help::with_examples(deferred::whole(Raw::command).arg(global::host()))
}
