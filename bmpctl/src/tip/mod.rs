//! What a command line that is wrong was probably meant to be, for the tips below its error.
//!
//! Whoever knows another program types its words: those of the other grammar, of routers, of other daemons' commands.
//! An unknown verb, option or word each have a file; what bmpd has by the name that was typed is asked of it.

mod option;
mod verb;
mod word;

use std::cell::OnceCell;
use std::ffi::{OsStr, OsString};
use std::time::Duration;

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use shared::response::Directory;

use crate::complete::Line;
use crate::{cli, directory, quote};

/// The timeout for bmpd's names after a wrong command line.
const TIMEOUT: Duration = Duration::from_millis(200);

/// A command line that is wrong.
struct Mistake<'a> {
    arguments: &'a [OsString],
    command: Command,
    line: Line,
    directory: OnceCell<Directory>,
}

/// What was probably meant by a command line that is wrong, best first; empty if that cannot be determined at once.
pub(crate) fn of(error: &clap::Error, arguments: &[OsString]) -> Vec<String> {
    // Help and the version come this way, too.
    if !error.use_stderr() {
        return Vec::new();
    }
    let mut command = cli::command();
    command.build();
    let words: Vec<String> =
        arguments.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    // Behind an unknown verb nothing is known.
    let unknown = text(ContextKind::InvalidSubcommand);
    let end = unknown.and_then(|unknown| words.iter().position(|word| word == unknown));
    let line = Line::read(&command, &words[..end.unwrap_or(words.len())]);
    let mistake = Mistake { arguments, command, line, directory: OnceCell::new() };
    let tip = match error.kind() {
        ErrorKind::InvalidSubcommand => {
            return unknown.map_or_else(Vec::new, |typed| mistake.tips_of_verb(typed));
        }
        ErrorKind::UnknownArgument => match text(ContextKind::InvalidArg) {
            Some(option) if option.starts_with('-') && option != "-" => {
                mistake.tip_of_option(option)
            }
            Some(word) => mistake.tip_of_word(word),
            None => None,
        },
        ErrorKind::InvalidValue if text(ContextKind::InvalidValue) == Some("") => {
            text(ContextKind::InvalidArg).and_then(|option| mistake.tip_of_missing_name(option))
        }
        ErrorKind::InvalidValue => match error.get(ContextKind::ValidValue) {
            Some(ContextValue::Strings(valid)) => {
                let typed = text(ContextKind::InvalidValue).unwrap_or_default();
                let meant = valid.iter().find(|valid| valid.eq_ignore_ascii_case(typed));
                meant.map(|meant| format!("did you mean {meant}?"))
            }
            _ => None,
        },
        ErrorKind::ValueValidation => match text(ContextKind::InvalidArg) {
            // The value of an option: the error has its rules.
            Some(option) if option.starts_with('-') => None,
            Some(_) => text(ContextKind::InvalidValue).and_then(|word| mistake.tip_of_word(word)),
            // The words of the manual's grammar.
            None => {
                let target = mistake.line.selection().target.map(str::to_owned);
                target.and_then(|word| mistake.tip_of_target(&word))
            }
        },
        _ => None,
    };
    tip.into_iter().collect()
}

impl Mistake<'_> {
    /// The words of the command, without abbreviations.
    fn path(&self) -> Vec<&str> {
        self.line.path()
    }

    /// The definition of the command that was named.
    fn here(&self) -> &Command {
        let mut here = &self.command;
        for word in self.line.path() {
            let Some(inner) = here.find_subcommand(word) else { break };
            here = inner;
        }
        here
    }

    /// The names that bmpd has, none if it does not answer.
    fn directory(&self) -> &Directory {
        self.directory
            .get_or_init(|| directory::ask(self.line.socket(), TIMEOUT).unwrap_or_default())
    }

    /// The whole command line with these words in the place of one.
    fn with(&self, word: &str, replaced_by: &[&str]) -> String {
        let mut words = vec![OsStr::new("bmpctl")];
        let mut found = false;
        for argument in self.arguments.iter().skip(1) {
            if !found && argument == word {
                found = true;
                words.extend(replaced_by.iter().map(OsStr::new));
            } else {
                words.push(argument);
            }
        }
        quote::line(words).to_string_lossy().into_owned()
    }
}

/// The commands below one, as they are typed; none that is hidden, nor `help`.
fn subcommands(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|inner| !inner.is_hide_set() && inner.get_name() != "help")
}

/// True if this is the command's name, or an alias of it.
fn is_named(command: &Command, typed: &str) -> bool {
    command.get_name() == typed || command.get_all_aliases().any(|alias| alias == typed)
}
