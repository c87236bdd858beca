//! Every example there is: in the documents, in the manual pages, and in what `--help` prints.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tests::daemon::{binary, run};
use tests::documents::{blocks, documents, repository, text};

/// Commands, each with the places that it stands in.
pub(crate) type Commands = BTreeMap<String, Vec<String>>;

/// A configuration file, whole, and where it stands.
pub(crate) struct File {
    pub(crate) place: String,
    pub(crate) text: String,
}

/// What is in the documents.
#[derive(Default)]
pub(crate) struct Examples {
    pub(crate) commands: Commands,
    pub(crate) files: Vec<File>,
}

impl Examples {
    fn command(&mut self, place: &str, line: &str) {
        self.commands.entry(line.trim().to_owned()).or_default().push(place.to_owned());
    }
}

/// All of them.
pub(crate) fn collect() -> Examples {
    let mut examples = Examples::default();
    // These are run from their first to their last line, by tests/tests/packages.rs and tests/tests/recipes.rs.
    let elsewhere = ["docs/quick-start.md", "docs/without-root.md"];
    for name in documents().iter().filter(|name| !elsewhere.contains(&name.as_str())) {
        of_document(name, &mut examples);
    }
    for entry in fs::read_dir(repository("docs/man")).unwrap() {
        of_page(&entry.unwrap().path(), &mut examples);
    }
    for program in ["bmpctl", "bmpd"] {
        of_help(&[program], &mut examples);
    }
    examples
}

fn of_document(name: &str, examples: &mut Examples) {
    let document = text(name);
    for block in blocks(&document) {
        let place = format!("{name}:{}", block.line);
        match block.language.as_str() {
            "sh" => {
                for line in statements(&block.text) {
                    examples.command(&place, &line);
                }
            }
            "console" => {
                for line in block.text.lines().filter_map(|line| line.strip_prefix("$ ")) {
                    examples.command(&place, line);
                }
            }
            "toml" => examples.files.push(File { place, text: block.text }),
            // What cron, Ansible and Python read is run in tests/tests/automation.rs and tests/tests/http; text is text.
            "cron" | "yaml" | "python" | "text" => {}
            other => panic!(
                "{place}: a block must say what it is: sh, console, toml, cron, yaml, python or text, not {other:?}"
            ),
        }
    }
    // In running text and in tables.
    let mut is_code = false;
    for (number, line) in document.lines().enumerate() {
        is_code ^= line.starts_with("```");
        if is_code || line.starts_with("```") {
            continue;
        }
        for span in line.split('`').skip(1).step_by(2) {
            if span.starts_with("bmpctl ") || span.starts_with("bmpd ") {
                examples.command(&format!("{name}:{}", number + 1), span);
            }
        }
    }
}

/// The commands of a script. A command ends where the shell takes what there is for whole; what `set -e`
/// and the variables of a script hold together is one.
fn statements(script: &str) -> Vec<String> {
    let whole = |text: &str| {
        let mut sh = Command::new("sh");
        run(sh.args(["-n", "-c", text]), Duration::from_secs(20)).status == 0
    };
    assert!(whole(script), "the shell does not understand: {script}");
    if script.starts_with("set -e\n") || script.contains("$?") {
        return vec![script.to_owned()];
    }
    let mut found = Vec::new();
    let mut text = String::new();
    for line in script.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        text.push_str(line);
        if whole(&text) {
            found.push(std::mem::take(&mut text));
        } else {
            text.push('\n');
        }
    }
    found
}

fn of_page(path: &Path, examples: &mut Examples) {
    let page = fs::read_to_string(path).unwrap();
    let name = format!("docs/man/{}", path.file_name().unwrap().to_str().unwrap());
    let section = page.split("\n.SH ").find_map(|section| section.strip_prefix("EXAMPLES\n"));
    let section = section.unwrap_or_else(|| panic!("{name} has no examples"));
    let plain = section
        .replace("\\-", "-")
        .replace("\n.sp\n", "\n\n")
        .replace("\\*(Aq", "'")
        .replace("\\\\", "\\");
    let inside: Vec<&str> = plain.split(".EX\n").skip(1).collect();
    assert!(!inside.is_empty(), "{name} has no examples");
    for block in inside {
        let (block, _) = block.split_once(".EE\n").unwrap();
        if name.ends_with(".5") {
            examples.files.push(File { place: name.clone(), text: block.to_owned() });
            continue;
        }
        for line in block.lines() {
            examples.command(&name, line);
        }
    }
}

/// What the help of a command shows, short and long, and that of every command below it.
fn of_help(words: &[&str], examples: &mut Examples) {
    let help = |option: &str| {
        let mut program = Command::new(binary(words[0]));
        program.args(&words[1..]).arg(option).env("COLUMNS", "200").env("LC_ALL", "C");
        run(&mut program, Duration::from_secs(20)).done().to_owned()
    };
    for option in ["-h", "--help"] {
        let text = help(option);
        let place = format!("{} {option}", words.join(" "));
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        assert!(widest <= 100, "{place}: {widest} columns\n{text}");
        let own = text.lines().skip_while(|line| *line != "Examples:").skip(1);
        let own = own.take_while(|line| line.is_empty() || line.starts_with("  "));
        let before = examples.commands.values().map(Vec::len).sum::<usize>();
        for line in own.filter(|line| !line.is_empty() && !line.starts_with("  #")) {
            examples.command(&place, line);
        }
        let after = examples.commands.values().map(Vec::len).sum::<usize>();
        assert!(after > before, "{place} has no examples\n{text}");
    }
    let text = help("--help");
    let commands = text.lines().skip_while(|line| *line != "Commands:").skip(1);
    for line in commands.take_while(|line| !line.is_empty()) {
        // A line that only goes on with the one above it stands further right.
        let name = line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '));
        let Some(name) = name.and_then(|rest| rest.split_whitespace().next()) else { continue };
        if name != "help" {
            of_help(&[words, &[name]].concat(), examples);
        }
    }
}
