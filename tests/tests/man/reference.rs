//! `docs/commands.md`: every command of bmpctl with what its command line takes, and what it prints.
//!
//! What a command prints stays as it is in the page: `examples::the_reference_prints_what_the_commands_print` has
//! run it.

use std::collections::BTreeMap;

use bmpctl::cli::help::{EXIT_CODES, examples};
use clap::{Arg, Command};

use super::command::built;

/// What is run for each command, by its words.
const SAMPLES: &[(&str, &[&str])] = &[
    ("show session", &["bmpctl show session", "bmpctl show session 10.1.1.1 --verbose"]),
    ("show neighbor", &["bmpctl show neighbor"]),
    ("show router", &["bmpctl show router", "bmpctl show router edge1"]),
    ("show publisher", &["bmpctl show publisher"]),
    (
        "show route",
        &[
            "bmpctl show route --limit 4",
            "bmpctl show route --family ipv6-unicast --limit 1 --verbose",
            "bmpctl show route --count-by family",
        ],
    ),
    ("show event", &["bmpctl show event --session 10.1.1.1 --alias aa --limit 2"]),
    ("show vpn-instance", &["bmpctl show vpn-instance"]),
    ("show statistics", &["bmpctl show statistics 10.1.1.1"]),
    ("show status", &["bmpctl show status"]),
    ("show version", &["bmpctl show version"]),
    ("show config", &["bmpctl show config | head -n 24"]),
    (
        "reset session",
        &[
            "bmpctl reset session 10.1.1.1 --dry-run",
            "bmpctl reset session 10.1.1.1 --alias aa --wait",
            "bmpctl reset session 10.1.1.9 # exit code 3",
        ],
    ),
    ("reset router", &["bmpctl reset router edge1"]),
    ("reset publisher", &["bmpctl reset publisher all --dry-run"]),
    ("reset bmp session", &["bmpctl reset bmp session 10.1.1.1 alias aa"]),
    (
        "display bmp session",
        &["bmpctl display bmp session", "bmpctl display bmp session 10.1.1.1 verbose"],
    ),
    ("reload", &["bmpctl reload --dry-run", "bmpctl reload"]),
    ("check session", &["bmpctl check session 10.1.1.1"]),
    ("check neighbor", &["bmpctl check neighbor 192.0.2.2"]),
    ("check router", &["bmpctl check router edge1"]),
    ("wait session", &["bmpctl wait session 10.1.1.1"]),
    ("config check", &["bmpctl config check"]),
    (
        "config explain",
        &[
            "bmpctl config explain session.tcp.mss",
            "bmpctl config explain hold-time",
            "bmpctl config explain retry",
        ],
    ),
    ("clear statistics", &["bmpctl clear statistics 10.1.1.1"]),
    ("monitor", &["bmpctl monitor"]),
    (
        "log level",
        &["bmpctl log level", "bmpctl log level debug --for 10m", "bmpctl log level default"],
    ),
];

const HEAD: &str = "\
# The commands of bmpctl

<!-- Made of the command line's own help, and of what the commands print: BLESS=1 cargo test -p tests --test all man::,
then the same with examples::, then man:: once more. -->

What each takes and what it prints, on a host with six sessions and a neighbor; the manual pages say the same. In a
terminal states have colours, and what does not fit goes on below its row:

![Four sessions, and the page of one of them](show-session.png)
";

/// The page; what commands print is as in the page before.
pub(crate) fn document(before: &str) -> String {
    let printed = printed(before);
    let command = built(bmpctl::cli::command());
    let mut text = HEAD.to_owned();
    text += "\n## Every command has\n";
    text += &table(command.get_arguments().filter(|argument| is_global(argument)));
    text += "\n| exit code | |\n|---|---|\n";
    for (code, says) in EXIT_CODES {
        text += &format!("| {code} | {} |\n", cell(says));
    }
    each(&command, "", &mut |command, words| {
        text += &format!("\n## {words}\n");
        let about = command.get_long_about().or(command.get_about()).unwrap().to_string();
        text += &format!("\n{about}\n");
        let own = command.get_arguments().filter(|argument| {
            !is_global(argument) && !argument.is_hide_set() && argument.get_id() != "help"
        });
        text += &table(own);
        text += "\n```sh\n";
        for example in examples(words) {
            if !example.says.is_empty() {
                text += &format!("# {}\n", example.says);
            }
            text += &format!("{}\n", example.line);
        }
        text += "```\n";
        let (_, samples) = SAMPLES.iter().find(|(of, _)| *of == words).unwrap_or_else(|| {
            panic!("`bmpctl {words}` has nothing that is shown of it: SAMPLES in reference.rs")
        });
        for line in *samples {
            let output = printed.get(*line).map_or("", String::as_str);
            text += &format!("\n```console\n$ {line}\n{output}```\n");
        }
    });
    text
}

/// Calls `look` with every command that does something, and its words behind `bmpctl`.
fn each(command: &Command, words: &str, look: &mut impl FnMut(&Command, &str)) {
    let mut is_leaf = true;
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        is_leaf = false;
        each(inner, format!("{words} {}", inner.get_name()).trim_start(), look);
    }
    if is_leaf {
        look(command, words);
    }
}

fn is_global(argument: &Arg) -> bool {
    argument.get_help_heading() == Some("Global options")
}

/// A line of a table: without breaks, and with nothing that ends a cell.
fn cell(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|paragraph| {
        let words: Vec<&str> = paragraph.split_whitespace().collect();
        words.join(" ")
    });
    paragraphs.collect::<Vec<_>>().join("<br>").replace('|', "\\|")
}

fn table<'a>(arguments: impl Iterator<Item = &'a Arg>) -> String {
    let mut rows = String::new();
    for argument in arguments {
        let says = argument.get_long_help().or(argument.get_help()).unwrap().to_string();
        let defaults = argument.get_default_values().iter().filter_map(|value| value.to_str());
        let defaults: Vec<_> = defaults.collect();
        let is_flag = !argument.get_action().takes_values();
        let default = match is_flag || defaults.is_empty() || says.contains("[default") {
            true => String::new(),
            false => format!(" [default: {}]", defaults.join(" ")),
        };
        let name = argument.to_string().replace('|', "\\|");
        rows += &format!("| `{name}` | {}{default} |\n", cell(&says));
    }
    match rows.is_empty() {
        true => String::new(),
        false => format!("\n| argument | |\n|---|---|\n{rows}"),
    }
}

/// What is printed by each command of a page.
fn printed(page: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for block in page.split("\n```console\n$ ").skip(1) {
        let (block, _) = block.split_once("```\n").unwrap();
        let (line, output) = block.split_once('\n').unwrap();
        all.insert(line.to_owned(), output.to_owned());
    }
    all
}
