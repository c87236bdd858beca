//! Tips for an unknown option.

use clap::Command;

use super::{Mistake, subcommands};

/// Options of other programs, and what does here what they do there.
#[rustfmt::skip]
const FOREIGN: &[(&[&str], &str)] = &[
    (&["-c", "-f", "--config", "--file"],
     "bmpctl reads no configuration file: `bmpctl reload` has bmpd read its own, and `bmpd --check --config FILE` checks one"),
    (&["-j", "-o", "--output", "--format"], "did you mean --json?"),
    (&["-s"], "did you mean --socket PATH?"),
    (&["-t"], "did you mean --timeout DURATION?"),
    (&["-a"], "did you mean --alias NAME?"),
    (&["-n", "--check", "--what-if", "--test"], "did you mean --dry-run?"),
    (&["-w"], "did you mean --watch, or --wait of a reset?"),
    (&["-y", "--yes", "--force", "--all", "-A"], "bmpctl asks nothing unless there is --confirm; `all` is every session, router or publisher"),
    (&["--vrf", "--vpn", "--instance", "--namespace"], "did you mean --vpn-instance NAME?"),
];

impl Mistake<'_> {
    /// What an unknown option was probably meant to be.
    pub(super) fn tip_of_option(&self, option: &str) -> Option<String> {
        let option = option.split_once('=').map_or(option, |(option, _)| option);
        // Of an option in upper case the one in lower case; other words for it are spelled as it is.
        let lower = option.to_lowercase();
        if let Some(long) = lower.strip_prefix("--").filter(|_| lower != option)
            && has(self.here(), long)
        {
            return Some(format!("did you mean {lower}?"));
        }
        let mut owners = Vec::new();
        self.collect_owners(&self.command, "", &lower, &mut owners);
        match owners.as_slice() {
            [] => {}
            [some @ .., last] if some.len() < 4 => {
                let before = if some.is_empty() {
                    String::new()
                } else {
                    format!("{} and ", some.join(", "))
                };
                return Some(format!("{lower} is an option of {before}{last}"));
            }
            [some @ .., _] => {
                return Some(format!(
                    "{lower} is an option of {} and others",
                    some[..3].join(", ")
                ));
            }
        }
        let foreign = FOREIGN.iter().find(|(spelled, _)| spelled.contains(&option));
        foreign.map(|(_, answer)| (*answer).to_owned())
    }

    /// The commands that have this option of their own.
    fn collect_owners(
        &self,
        command: &Command,
        words: &str,
        option: &str,
        owners: &mut Vec<String>,
    ) {
        let is_it = match option.strip_prefix("--") {
            Some(long) => has(command, long),
            None => {
                let mut short = option.chars().skip(1);
                let short = short.next().filter(|_| short.next().is_none());
                command.get_arguments().any(|arg| short.is_some() && arg.get_short() == short)
            }
        };
        if is_it {
            owners.push(format!("`bmpctl {words}`"));
        }
        for inner in subcommands(command) {
            let words = format!("{words} {}", inner.get_name());
            self.collect_owners(inner, words.trim_start(), option, owners);
        }
    }
}

fn has(command: &Command, long: &str) -> bool {
    command.get_arguments().any(|arg| arg.get_long() == Some(long))
}
