//! The command: parse, run, end.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    bmpctl::run(std::env::args_os().collect())
}
