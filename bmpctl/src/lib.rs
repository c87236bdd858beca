//! bmpctl: the admin command of bmpd.
//!
//! It sends a request and ends: [`cli`] reads the command line, [`client`] carries one request to bmpd
//! and its responses back, `commands` has one file a verb, and `render` is the one place where answers
//! become text or JSON. `context` is the context of a verb: the socket, and how to print. With `--host` all of
//! that is on another host: `remote` runs ssh.
#![forbid(unsafe_code)]

mod arguments;
pub mod cli;
pub mod client;
mod commands;
pub mod complete;
mod context;
mod destination;
mod directory;
mod interrupt;
mod permission;
mod quote;
mod remote;
pub mod render;
mod suggest;
mod tip;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use shared::exit;

use self::context::{Context, Output};
use self::remote::Ran;

/// Runs the command line of the process: prints the answer and gives the exit code (see
/// [`shared::exit`]).
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    // Before anything else: a key was pressed.
    if let Some(code) = complete::run(&arguments) {
        return code;
    }
    match remote::run(&arguments) {
        Some(Ran::There(code)) => return ExitCode::from(code),
        Some(Ran::Not(output)) => return print(&output),
        Some(Ran::Wrong) => return ExitCode::from(exit::USAGE),
        None => {}
    }
    let json = wants_json(&arguments);
    let parsed =
        cli::Cli::try_parse_from(&arguments).or_else(|error| match &*tip::of(&error, &arguments) {
            [] => Err(error),
            tips => cli::Cli::try_parse_with_tips(&arguments, tips),
        });
    match parsed {
        Ok(cli) => {
            let context = Context::new(cli.options);
            print(&commands::run(&cli.command, &context))
        }
        Err(error) if json && error.use_stderr() => print(&context::usage(&error)),
        Err(error) => {
            let _ = error.print();
            ExitCode::from(if error.use_stderr() { exit::USAGE } else { exit::DONE })
        }
    }
}

/// True if the command line asks for JSON, however wrong the rest of it is.
fn wants_json(arguments: &[OsString]) -> bool {
    arguments.iter().skip(1).take_while(|word| *word != "--").any(|word| word == "--json")
}

fn print(output: &Output) -> ExitCode {
    let mut stdout = std::io::stdout();
    let written = stdout.write_all(output.out.as_bytes()).and_then(|()| stdout.flush());
    let _ = std::io::stderr().write_all(output.err.as_bytes());
    match written {
        // A reader that has gone away (`| head`) is no failure of the command.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            let text = render::error(&format!("cannot write the answer: {error}"));
            let _ = std::io::stderr().write_all(text.as_bytes());
            ExitCode::from(exit::FAILED)
        }
        _ => ExitCode::from(output.code),
    }
}
