//! bmpctl: the admin command of bmpd.
//!
//! It starts, asks and ends: [`cli`] reads the command line, [`client`] carries one request to bmpd
//! and its response back, `commands` has one file a verb, and `render` is the one place where answers
//! become text.

pub mod cli;
pub mod client;
mod commands;
mod render;

use std::io::Write;
use std::process::ExitCode;

/// Runs a parsed command line: prints the answer and gives the exit code (see [`shared::exit`]).
pub fn run(cli: &cli::Cli) -> ExitCode {
    let socket = cli.socket.clone().unwrap_or_else(shared::socket::default_path_of_client);
    let output = commands::run(&cli.command, &socket);
    let written = std::io::stdout().write_all(output.out.as_bytes());
    let _ = std::io::stderr().write_all(output.err.as_bytes());
    match written {
        // A reader that has gone away (`| head`) is no failure of the command.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            let text = render::error(&format!("cannot write the answer: {error}"));
            let _ = std::io::stderr().write_all(text.as_bytes());
            ExitCode::from(shared::exit::FAILED)
        }
        _ => ExitCode::from(output.code),
    }
}
