//! The completions in the repository are those of the command line.
//!
//! After a change of the command line: `BLESS=1 cargo test -p bmpctl --test completions`.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use bmpctl::complete::Shell;

/// The scripts of the shells that ask bmpctl what can be typed.
const LIVE: [(Shell, &str); 4] = [
    (Shell::Bash, "bmpctl.bash"),
    (Shell::Zsh, "_bmpctl"),
    (Shell::Fish, "bmpctl.fish"),
    (Shell::Elvish, "bmpctl.elv"),
];

fn check(name: &str, generated: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../completions").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, generated).unwrap();
    }
    let kept = std::fs::read(&path).unwrap_or_default();
    assert!(
        kept == generated,
        "{} is out of date: BLESS=1 cargo test -p bmpctl --test completions",
        path.display()
    );
}

#[test]
fn the_completions_are_those_of_the_command_line() {
    for (shell, name) in LIVE {
        check(name, shell.script().as_bytes());
    }
    // PowerShell knows verbs and options only.
    let mut generated = Vec::new();
    let powershell = clap_complete::Shell::PowerShell;
    clap_complete::generate(powershell, &mut bmpctl::cli::command(), "bmpctl", &mut generated);
    check("_bmpctl.ps1", &generated);
}
