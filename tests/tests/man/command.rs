//! The pages of the two programs, from the definitions of their command lines.

use std::collections::BTreeMap;

use bmpctl::cli::help::{EXIT_CODES, examples};
use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::page::{Page, entry, references, verbatim};

/// A definition as pages are made of it: built, and without `help`, which is no command of its own.
pub(super) fn built(command: Command) -> Command {
    fn without_help(command: Command) -> Command {
        let names: Vec<String> =
            command.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
        names.iter().fold(command.disable_help_subcommand(true), |command, name| {
            command.mut_subcommand(name, without_help)
        })
    }
    let mut command = without_help(command);
    command.build();
    command
}

/// What all pages begin with.
fn begin(page: &mut Page, man: &Man, command: &Command) {
    page.generated(|out| man.render_name_section(out));
    page.generated(|out| man.render_synopsis_section(out));
    page.generated(|out| man.render_description_section(out));
    page.generated(|out| man.render_options_section(out));
    if command.has_subcommands() {
        page.generated(|out| man.render_subcommands_section(out));
    }
}

/// The commands of a page with what they do.
fn examples_section(examples: &[(&str, &str)]) -> Roff {
    let mut roff = Roff::new();
    for (n, (says, line)) in examples.iter().enumerate() {
        if !says.is_empty() {
            if n > 0 {
                roff.control("PP", []);
            }
            let end = if says.ends_with('?') { "" } else { ":" };
            roff.text([roman(format!("{says}{end}"))]);
        }
        verbatim(&mut roff, &[line]);
    }
    roff
}

pub(crate) fn pages_of_bmpctl() -> BTreeMap<String, String> {
    let mut pages = BTreeMap::new();
    collect(&built(bmpctl::cli::command()), "", None, &mut pages);
    pages
}

fn collect(
    command: &Command,
    words: &str,
    parent: Option<&str>,
    pages: &mut BTreeMap<String, String>,
) {
    let name = command.get_display_name().unwrap_or("bmpctl").to_owned();
    let visible = || command.get_subcommands().filter(|inner| !inner.is_hide_set());
    let mut see: Vec<String> = parent.iter().map(|parent| format!("{parent}(1)")).collect();
    see.extend(visible().map(|inner| format!("{name}-{}(1)", inner.get_name())));
    see.extend(["bmpd.toml(5)".to_owned(), "bmpd(8)".to_owned()]);
    pages.insert(format!("{name}.1"), page_of_bmpctl(command, &name, words, &see));
    for inner in visible() {
        let words = format!("{words} {}", inner.get_name());
        collect(inner, words.trim_start(), Some(&name), pages);
    }
}

fn page_of_bmpctl(command: &Command, name: &str, words: &str, see: &[String]) -> String {
    let man = Man::new(command.clone());
    let mut page = Page::new(name, "1", "bmpctl");
    begin(&mut page, &man, command);

    let mut codes = Roff::new();
    for (code, says) in EXIT_CODES {
        entry(&mut codes, [bold(code.to_string())], says);
    }
    page.section("EXIT STATUS", &codes);

    let mut environment = Roff::new();
    entry(
        &mut environment,
        [bold("BMPD_SOCKET")],
        "The control socket, unless --socket names it; with --host that on the other host.",
    );
    let says =
        "Where an ordinary user's own bmpd has its socket: in bmpd/bmpd.sock of this folder.";
    entry(&mut environment, [bold("XDG_RUNTIME_DIR")], says);
    let says = "If it is set and not empty, nothing is coloured.";
    entry(&mut environment, [bold("NO_COLOR")], says);
    page.section("ENVIRONMENT", &environment);

    let mut files = Roff::new();
    entry(&mut files, [bold("/run/bmpd/bmpd.sock")], "The control socket of bmpd.");
    entry(&mut files, [bold("/etc/bmpd/bmpd.toml")], "The configuration file, which bmpd reads.");
    entry(
        &mut files,
        [bold("~/.ssh/config")],
        "How ssh reaches the host of --host: see ssh_config(5).",
    );
    page.section("FILES", &files);

    let list: Vec<(&str, &str)> = examples(words).iter().map(|e| (e.says, e.line)).collect();
    assert!(
        !list.is_empty(),
        "`bmpctl {words}` has no examples: they stand in bmpctl/src/cli/help.rs"
    );
    page.section("EXAMPLES", &examples_section(&list));
    page.section("SEE ALSO", &references(see));
    page.finish()
}

pub(crate) fn page_of_bmpd() -> String {
    let command = built(bmpd::arguments::command());
    let man = Man::new(command.clone());
    let mut page = Page::new("bmpd", "8", "bmpd");
    begin(&mut page, &man, &command);

    let mut signals = Roff::new();
    let says = "It reads the configuration file and applies it, as `bmpctl reload` does.";
    entry(&mut signals, [bold("SIGHUP")], says);
    let says = "Each session ends with a Termination, each BGP session with a Cease; then it ends.";
    entry(&mut signals, [bold("SIGTERM"), roman(", "), bold("SIGINT")], says);
    page.section("SIGNALS", &signals);

    // Its help has both lists: they stand below it in lines of two columns.
    let help = command.get_after_help().unwrap().to_string();
    let under = |heading: &'static str| {
        let lines = help.lines().skip_while(move |line| *line != heading).skip(1);
        lines.take_while(|line| line.starts_with("  ")).map(str::trim).collect::<Vec<_>>()
    };
    let mut codes = Roff::new();
    for line in under("Exit codes:") {
        let (code, says) = line.split_once(' ').unwrap();
        entry(&mut codes, [bold(code)], says.trim());
    }
    page.section("EXIT STATUS", &codes);

    let mut environment = Roff::new();
    let says =
        "Where the control socket of an ordinary user's bmpd is: bmpd/bmpd.sock in this folder.";
    entry(&mut environment, [bold("XDG_RUNTIME_DIR")], says);
    page.section("ENVIRONMENT", &environment);

    let mut files = Roff::new();
    entry(&mut files, [bold("/etc/bmpd/bmpd.toml")], "The configuration file.");
    entry(&mut files, [bold("/run/bmpd/bmpd.sock")], "The control socket, to which bmpctl talks.");
    page.section("FILES", &files);

    let lines = under("Examples:");
    let says = [
        "Is the file good?",
        "What does a key mean?",
        "Run in the foreground",
        "The same with more details",
        "What would the configuration of FRR be here?",
    ];
    assert_eq!(lines.len(), says.len(), "each example of bmpd needs its words here");
    let list: Vec<(&str, &str)> = says.into_iter().zip(lines).collect();
    page.section("EXAMPLES", &examples_section(&list));
    let see =
        ["bmpctl(1)".to_owned(), "bmpctl-reset-session(1)".to_owned(), "bmpd.toml(5)".to_owned()];
    page.section("SEE ALSO", &references(&see));
    page.finish()
}
