//! Completion in shells, with what is live.
//!
//! ```text
//!   key ── the shell's script (completions/) ── COMPLETE=<shell> bmpctl -- <what is typed>
//!                                                     │
//!                   Line: what the words before say ──┼── clap_complete: verbs and options
//!                                                     ├── values: names, asked of bmpd
//!                                                     └── with --host: asked of bmpctl there (`remote`)
//! ```
//!
//! The answer is one candidate a line in the form that the script of the shell takes. A bmpd that is not running,
//! forbids it or is late has no names to offer, and no error is shown; verbs and options are
//! always there. Nothing is ever written to standard error.

mod candidates;
mod hosts;
pub(crate) mod line;
mod shell;
mod values;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

pub(crate) use self::line::Line;
pub use self::shell::Shell;

/// Names the shell; set by its script.
const VARIABLE: &str = "COMPLETE";

/// Answers a shell's script: `bmpctl -- <what is typed>` with `COMPLETE` set. Without arguments the
/// script itself is printed. `None` if this is no completion.
pub(crate) fn run(arguments: &[OsString]) -> Option<ExitCode> {
    let shell = Shell::named(&std::env::var_os(VARIABLE)?)?;
    let answer = match arguments.get(1) {
        None => shell.script().to_owned(),
        Some(first) if first == "--" => {
            let typed = arguments.iter().skip(2);
            shell.answer(typed.map(|word| word.to_string_lossy().into_owned()).collect())
        }
        // An unrelated variable has this name by chance.
        Some(_) => return None,
    };
    let mut stdout = std::io::stdout();
    // The shell may have closed the pipe.
    let _ = stdout.write_all(answer.as_bytes()).and_then(|()| stdout.flush());
    Some(ExitCode::SUCCESS)
}
