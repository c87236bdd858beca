//! The completions in the repository are those of the command line.
//!
//! After a change of the command line: `BLESS=1 cargo test -p bmpctl --test completions`.

use std::path::Path;

use clap_complete::Shell;

const FILES: [(Shell, &str); 5] = [
    (Shell::Bash, "bmpctl.bash"),
    (Shell::Zsh, "_bmpctl"),
    (Shell::Fish, "bmpctl.fish"),
    (Shell::Elvish, "bmpctl.elv"),
    (Shell::PowerShell, "_bmpctl.ps1"),
];

#[test]
fn the_completions_are_those_of_the_command_line() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../completions");
    for (shell, name) in FILES {
        let mut generated = Vec::new();
        clap_complete::generate(shell, &mut bmpctl::cli::command(), "bmpctl", &mut generated);
        let path = folder.join(name);
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, &generated).unwrap();
        }
        let kept = std::fs::read(&path).unwrap_or_default();
        assert!(
            kept == generated,
            "{} is out of date: BLESS=1 cargo test -p bmpctl --test completions",
            path.display()
        );
    }
}
