//! What help adds to the grammar: the examples of each command, and the exit codes.
//!
//! The manual pages are made of the same lists. A test runs every example, so that none is wrong: the
//! names in them are those of the sessions, neighbors and routers of `etc/bmpd.toml`.

use clap::Command;
use shared::exit;

/// An example of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Example {
    /// What it does.
    pub says: &'static str,
    /// The line as it is typed.
    pub line: &'static str,
}

const fn example(says: &'static str, line: &'static str) -> Example {
    Example { says, line }
}

/// The exit codes, with what they mean.
pub const EXIT_CODES: [(u8, &str); 8] = [
    (exit::DONE, "done"),
    (
        exit::FAILED,
        "the daemon failed at it, wholly or for one of several; of config check: the file is bad",
    ),
    (
        exit::USAGE,
        "the command line is wrong, or there is no such key; nothing was asked of the daemon",
    ),
    (exit::NO_SUCH_SESSION, "no such session, router, publisher, neighbor or VPN instance"),
    (exit::NOT_PERMITTED, "not permitted"),
    (
        exit::NOT_REACHABLE,
        "the daemon, or the host, cannot be reached, or the daemon speaks another protocol version",
    ),
    (
        exit::NOT_SYNCHRONISED,
        "not synchronised in the time of --wait, or with --check; wait: not in time",
    ),
    (exit::INTERRUPTED, "interrupted while it waited; what was requested continues"),
];

/// The examples of each command, which is named by its words behind `bmpctl`.
const EXAMPLES: &[(&str, &[Example])] = &[
    (
        "",
        &[
            example("What is there, and how is it?", "bmpctl show session"),
            example("Reset one session", "bmpctl reset session 10.1.1.1"),
            example("Apply the configuration file", "bmpctl reload"),
            example("The same questions to bmpd of another host", "bmpctl -H edge1 show session"),
            example("Everything about one command", "bmpctl help reset session"),
        ],
    ),
    (
        "reset",
        &[
            example(
                "Reset the session with 10.1.1.1 that has no alias",
                "bmpctl reset session 10.1.1.1",
            ),
            example("The same as routers spell it", "bmpctl reset bmp session 10.1.1.1"),
            example("Have a router send everything to bmpd anew", "bmpctl reset router edge1"),
        ],
    ),
    (
        "reset router",
        &[
            example("Have a router send everything to bmpd anew", "bmpctl reset router edge1"),
            example("All routers", "bmpctl reset router all"),
        ],
    ),
    (
        "reset publisher",
        &[
            example("Publish everything again", "bmpctl reset publisher lake"),
            example(
                "Only what is kept of one router",
                "bmpctl reset publisher lake --router edge1",
            ),
            example("What would a reset do?", "bmpctl reset publisher all --dry-run"),
            example(
                "All, one after another, and come back when brokers have it all",
                "bmpctl reset publisher all --stagger 30s --wait=10m",
            ),
        ],
    ),
    (
        "reset session",
        &[
            example(
                "Reset the BMP session with 10.1.1.1 as the session address",
                "bmpctl reset session 10.1.1.1",
            ),
            example("Reset all BMP sessions", "bmpctl reset session all"),
            example(
                "Reset the BMP session with 2001:DB8:1::1 as the session address",
                "bmpctl reset session 2001:DB8:1::1",
            ),
            example(
                "Reset the BMP session with the session address of 10.1.1.1 and alias of aa",
                "bmpctl reset session 10.1.1.1 --alias aa",
            ),
            example("The same four as routers spell them", "bmpctl reset bmp session 10.1.1.1"),
            example("", "bmpctl reset bmp session all"),
            example("", "bmpctl reset bmp session 2001:DB8:1::1"),
            example("", "bmpctl reset bmp session 10.1.1.1 alias aa"),
            example(
                "Reset every session of a VPN instance",
                "bmpctl reset session --vpn-instance mgmt all",
            ),
            example(
                "Send what bmpd keeps of one router again, to every station",
                "bmpctl reset session all --router edge1",
            ),
            example(
                "What would a reset do, and to how many routes?",
                "bmpctl reset session all --dry-run",
            ),
            example(
                "One after another, to spare the collectors",
                "bmpctl reset session all --stagger 2s",
            ),
            example("Come back when every route was sent", "bmpctl reset session all --wait=60s"),
            example(
                "Only what has not been synchronised for ten minutes",
                "bmpctl reset session all --not-synchronised=10m",
            ),
            example("Two of them", "bmpctl reset session 10.1.1.1 2001:DB8:1::1"),
        ],
    ),
    (
        "check",
        &[
            example("Why is this session down?", "bmpctl check session 10.1.1.1"),
            example("Why is this neighbor down?", "bmpctl check neighbor 192.0.2.2"),
        ],
    ),
    (
        "check session",
        &[
            example("Why is this session down?", "bmpctl check session 10.1.1.1"),
            example("One with an alias", "bmpctl check session 10.1.1.1 --alias aa"),
        ],
    ),
    ("check neighbor", &[example("Why is this neighbor down?", "bmpctl check neighbor 192.0.2.2")]),
    ("check router", &[example("Why does this router not send BMP?", "bmpctl check router edge1")]),
    ("wait", &[example("Come back when every session is synchronised", "bmpctl wait session")]),
    (
        "wait session",
        &[
            example("Come back when every session is synchronised", "bmpctl wait session"),
            example(
                "Come back when one is connected, after two minutes at the latest",
                "bmpctl wait session 10.1.1.1 --for up --timeout 2m",
            ),
        ],
    ),
    ("reset bmp", &[example("Reset all BMP sessions", "bmpctl reset bmp session all")]),
    (
        "reset bmp session",
        &[
            example(
                "Reset the BMP session with 10.1.1.1 as the session address",
                "bmpctl reset bmp session 10.1.1.1",
            ),
            example("Reset all BMP sessions", "bmpctl reset bmp session all"),
            example(
                "Reset the BMP session with 2001:DB8:1::1 as the session address",
                "bmpctl reset bmp session 2001:DB8:1::1",
            ),
            example(
                "Reset the BMP session with the session address of 10.1.1.1 and alias of aa",
                "bmpctl reset bmp session 10.1.1.1 alias aa",
            ),
            example(
                "Reset one session of a VPN instance",
                "bmpctl reset bmp session vpn-instance mgmt 2001:db8:1::1",
            ),
        ],
    ),
    (
        "reload",
        &[
            example("What would the file change?", "bmpctl reload --dry-run"),
            example("Apply it", "bmpctl reload"),
        ],
    ),
    (
        "config",
        &[
            example("Is the file good that bmpd would apply now?", "bmpctl config check"),
            example("What does a key mean?", "bmpctl config explain session.tcp.mss"),
        ],
    ),
    (
        "config check",
        &[
            example("The file of the bmpd that runs", "bmpctl config check"),
            example("Another file, before it is put in its place", "bmpctl config check bmpd.toml"),
            example("For machines", "bmpctl config check --json"),
        ],
    ),
    (
        "config explain",
        &[
            example("A key", "bmpctl config explain session.tcp.mss"),
            example("The keys of a table, one line each", "bmpctl config explain bgp.neighbor"),
            example("Which tables have it?", "bmpctl config explain hold-time"),
        ],
    ),
    (
        "show",
        &[
            example("All BMP sessions, one row each", "bmpctl show session"),
            example("All BGP neighbors, for machines", "bmpctl show neighbor --json"),
            example("Look at bmpd again and again", "bmpctl show status --watch"),
        ],
    ),
    (
        "show session",
        &[
            example("All sessions, one row each", "bmpctl show session"),
            example("Everything about one session", "bmpctl show session 10.1.1.1 --alias aa"),
            example("The sessions of a VPN instance", "bmpctl show session --vpn-instance mgmt"),
            example("Every detail of all sessions", "bmpctl show session --verbose"),
            example("What is down?", "bmpctl show session --state idle,connecting,listening"),
            example("Is every station synchronised?", "bmpctl show session --check"),
            example("Look again every five seconds", "bmpctl show session --watch=5"),
            example("For machines", "bmpctl show session --json"),
        ],
    ),
    (
        "show router",
        &[
            example("All routers, one row each", "bmpctl show router"),
            example("Everything about one router", "bmpctl show router edge1"),
            example("Look again every five seconds", "bmpctl show router --watch=5"),
        ],
    ),
    (
        "show publisher",
        &[
            example("All publishers, one row each", "bmpctl show publisher"),
            example("Everything about one publisher", "bmpctl show publisher lake"),
            example("Look again every five seconds", "bmpctl show publisher --watch=5"),
        ],
    ),
    (
        "show neighbor",
        &[
            example("All neighbors, one row each", "bmpctl show neighbor"),
            example("Everything about one neighbor", "bmpctl show neighbor 192.0.2.2"),
            example("The neighbors of a VPN instance", "bmpctl show neighbor --vpn-instance mgmt"),
        ],
    ),
    (
        "show vpn-instance",
        &[
            example("All VPN instances, the public one first", "bmpctl show vpn-instance"),
            example("One of them", "bmpctl show vpn-instance mgmt"),
        ],
    ),
    (
        "show config",
        &[
            example("The configuration that runs", "bmpctl show config"),
            example("What waits for a reset or a restart", "bmpctl show config --pending"),
        ],
    ),
    (
        "show statistics",
        &[
            example("The counters of all sessions", "bmpctl show statistics"),
            example("Those of one session", "bmpctl show statistics 10.1.1.1 --alias aa"),
        ],
    ),
    (
        "show status",
        &[
            example("The daemon on one page", "bmpctl show status"),
            example("Is there a bmpd? See the exit code", "bmpctl --quiet show status"),
        ],
    ),
    (
        "show route",
        &[
            example("What bmpd has of a neighbor", "bmpctl show route --neighbor 192.0.2.2"),
            example(
                "How many routes are there from each AS?",
                "bmpctl show route --count-by origin-as --limit 10",
            ),
            example(
                "The first routes with every attribute",
                "bmpctl show route --limit 2 --verbose",
            ),
            example(
                "All routes of a router, for machines",
                "bmpctl show route --router edge1 --json",
            ),
        ],
    ),
    (
        "show event",
        &[
            example("What has happened within an hour?", "bmpctl show event --since 1h"),
            example(
                "Of one session, the last ten",
                "bmpctl show event --session 10.1.1.1 --alias aa --limit 10",
            ),
            example("Of a neighbor, for machines", "bmpctl show event --neighbor 192.0.2.2 --json"),
            example(
                "Of a router and the connections that carry it",
                "bmpctl show event --router edge1",
            ),
        ],
    ),
    ("show version", &[example("The versions of both programs", "bmpctl show version")]),
    (
        "monitor",
        &[
            example("One line an event, until Ctrl-C", "bmpctl monitor"),
            example("What was within ten minutes, first", "bmpctl monitor --since 10m"),
            example(
                "Only one router, with what was within an hour",
                "bmpctl monitor --since 1h --router edge1",
            ),
            example("One JSON document a line", "bmpctl monitor --json"),
        ],
    ),
    ("clear", &[example("Reset the counters of all sessions", "bmpctl clear statistics")]),
    (
        "clear statistics",
        &[
            example("Reset the counters of all sessions", "bmpctl clear statistics"),
            example("One session", "bmpctl clear statistics 10.1.1.1 --alias aa"),
            example("Those of a VPN instance", "bmpctl clear statistics --vpn-instance mgmt"),
        ],
    ),
    ("log", &[example("How much does bmpd log?", "bmpctl log level")]),
    (
        "log level",
        &[
            example("How much does bmpd log?", "bmpctl log level"),
            example("Find out why, for ten minutes", "bmpctl log level debug --for 10m"),
            example("Back to the level of bmpd's command line", "bmpctl log level default"),
        ],
    ),
    ("display", &[example("All BMP sessions, one row each", "bmpctl display bmp session")]),
    ("display bmp", &[example("All BMP sessions, one row each", "bmpctl display bmp session")]),
    (
        "display bmp session",
        &[
            example("All BMP sessions, one row each", "bmpctl display bmp session"),
            example("One session", "bmpctl display bmp session 10.1.1.1 alias aa"),
            example(
                "Every detail of the sessions of a VPN instance",
                "bmpctl display bmp session vpn-instance mgmt verbose",
            ),
        ],
    ),
];

/// The examples of a command, which is named by its words behind `bmpctl`; none if there is no such
/// command.
pub fn examples(words: &str) -> &'static [Example] {
    EXAMPLES.iter().find(|(of, _)| *of == words).map_or(&[], |(_, examples)| examples)
}

/// Puts the examples behind the help of each command, and the exit codes behind that of all.
pub(super) fn with_examples(command: Command) -> Command {
    let codes: String =
        EXIT_CODES.iter().map(|(code, says)| format!("\n  {code:<5}{says}")).collect();
    add(command, "", &format!("\n\nExit codes:{codes}"))
}

fn add(mut command: Command, words: &str, rest: &str) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|c| c.get_name().to_owned()).collect();
    for name in names {
        let inner = if words.is_empty() { name.clone() } else { format!("{words} {name}") };
        command = command.mut_subcommand(&name, |c| add(c, &inner, ""));
    }
    let examples = examples(words);
    if examples.is_empty() {
        return command;
    }
    let short: Vec<String> = examples.iter().map(|e| format!("\n  {}", e.line)).collect();
    let long: Vec<String> =
        examples.iter().enumerate().map(|(n, e)| explained(e, n == 0)).collect();
    command
        .after_help(format!("Examples:{}{rest}", short.concat()))
        .after_long_help(format!("Examples:{}{rest}", long.concat()))
}

/// An example with what it does above it; those that have nothing of their own to say follow the one before.
fn explained(example: &Example, is_first: bool) -> String {
    let Example { says, line } = example;
    match (says.is_empty(), is_first) {
        (true, _) => format!("\n  {line}"),
        (false, true) => format!("\n  # {says}\n  {line}"),
        (false, false) => format!("\n\n  # {says}\n  {line}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli;

    /// Calls `look` with every command there is and its words behind `bmpctl`.
    fn each(command: &Command, words: &str, look: &mut impl FnMut(&Command, &str)) {
        look(command, words);
        for inner in
            command.get_subcommands().filter(|c| c.get_name() != "help" && !c.is_hide_set())
        {
            each(inner, format!("{words} {}", inner.get_name()).trim_start(), look);
        }
    }

    fn built() -> Command {
        let mut command = cli::command();
        command.build();
        command
    }

    #[test]
    fn every_command_has_a_short_and_a_long_help_with_examples_that_fit_a_page() {
        each(&built(), "", &mut |command, words| {
            let short = command.clone().render_help().to_string();
            let long = command.clone().render_long_help().to_string();
            assert!(command.get_long_about().is_some(), "{words}: no long text");
            assert!(long.len() > short.len(), "{words}");
            for help in [&short, &long] {
                let own = help.lines().skip_while(|line| *line != "Examples:").skip(1);
                let own: Vec<&str> = own.take_while(|line| *line != "Exit codes:").collect();
                for Example { says, line } in examples(words) {
                    assert!(own.contains(&format!("  {line}").as_str()), "{words}: {line}");
                    assert!(line.len() <= 76 && says.len() <= 76, "{words}: {line} is too wide");
                }
                assert!(own.iter().any(|line| line.starts_with("  bmpctl ")), "{words}: {help}");
                let widest = help.lines().map(|line| line.chars().count()).max().unwrap_or(0);
                assert!(widest <= 100, "{words}: {widest} columns: {help}");
            }
        });
    }

    #[test]
    fn every_example_is_of_a_command_and_a_good_command_line() {
        let mut all = Vec::new();
        each(&built(), "", &mut |_, words| all.push(words.to_owned()));
        for (words, examples) in EXAMPLES {
            assert!(all.iter().any(|known| known == words), "there is no `bmpctl {words}`");
            for Example { line, .. } in *examples {
                assert!(line.starts_with("bmpctl "), "{line}");
                // The other host reads what is behind it.
                let line = line.replace(" -H edge1", "");
                match cli::Cli::try_parse_from(line.split_whitespace()) {
                    Ok(_) => {}
                    Err(error) => assert!(!error.use_stderr(), "{line}: {error}"),
                }
            }
        }
    }

    #[test]
    fn the_help_of_all_has_every_exit_code() {
        let help = cli::command().render_help().to_string();
        for (code, says) in EXIT_CODES {
            assert!(help.contains(&format!("  {code:<5}{says}\n")), "{code}: {help}");
        }
        let codes = EXIT_CODES.map(|(code, _)| code);
        assert!(codes.is_sorted() && codes.starts_with(&[0, 1, 2, 3, 4, 5, 6]));
    }
}
