//! Parts of the grammar that are defined only when they are needed.
//!
//! clap's derive defines every argument of every command before it reads the first word, which is most of what
//! a command line costs: a command that is over in a millisecond pays for memory by the page. A [`Deferred`]
//! part is defined when its command was named. Where all of the grammar is looked at, [`whole`] defines all.

use std::cell::Cell;

use clap::{ArgMatches, Args, Command, Error, FromArgMatches, Subcommand};

use super::global::{self, Global};

thread_local! {
    static WHOLE: Cell<bool> = const { Cell::new(false) };
}

/// What `define` gives, with nothing deferred.
pub(super) fn whole(define: impl FnOnce() -> Command) -> Command {
    let before = WHOLE.replace(true);
    let command = define();
    WHOLE.set(before);
    command
}

/// The arguments or subcommands of one command, and the [`Global`] options.
#[derive(Debug)]
pub(super) struct Deferred<T>(pub(super) T);

/// The options that every command has. One of them is not read here, and is defined only where all of the grammar is.
fn with_global_options(command: Command) -> Command {
    let command = Global::augment_args(command);
    if WHOLE.get() { command.arg(global::host()) } else { command }
}

/// Applies this now or when it is needed.
fn defer(command: Command, define: fn(Command) -> Command) -> Command {
    if WHOLE.get() { define(command) } else { command.defer(define) }
}

impl<T: FromArgMatches> FromArgMatches for Deferred<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl<T: Args> Args for Deferred<T> {
    fn augment_args(command: Command) -> Command {
        defer(command, |command| with_global_options(T::augment_args(command)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<T: Subcommand> Subcommand for Deferred<T> {
    fn augment_subcommands(command: Command) -> Command {
        defer(command, |command| with_global_options(T::augment_subcommands(command)))
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        T::has_subcommand(name)
    }
}
