//! The command: parse, run, end.

use std::process::ExitCode;

fn main() -> ExitCode {
    bmpctl::run(std::env::args_os().collect())
}
