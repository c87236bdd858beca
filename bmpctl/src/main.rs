//! The command: parse, run, end.

use std::process::ExitCode;

fn main() -> ExitCode {
    bmpctl::run(&bmpctl::cli::Cli::parse())
}
