//! bmpd.toml(5), from the commented example in `etc`.

use std::path::Path;

use clap_mangen::roff::{Roff, bold, roman};

use super::example::{Item, Key, read};
use super::page::{Page, entry, references, verbatim};

const SMALLEST: &str = r#"[[session]]
address = "10.1.1.1"
tcp.connect-port = 11019

[bgp]
as = 65000
router-id = "192.0.2.1"

[[bgp.neighbor]]
address = "192.0.2.2"
remote-as = 65001"#;

/// A sentence as it stands in running text.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with(['.', ':', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

/// What a key is, with its default.
fn says(key: &Key) -> String {
    let Key { name, value, says, is_commented, line } = key;
    assert!(!says.is_empty(), "etc/bmpd.toml:{}: say what {name} is", line + 1);
    if *is_commented && !says.contains("default") {
        return format!("{says}; default: {value}");
    }
    says.clone()
}

/// What both forms of the reference say before the keys.
const ABOUT: [&str; 4] = [
    "bmpd reads one TOML file, /etc/bmpd/bmpd.toml unless --config names another one. Paths in it that \
     do not begin with / are beside the file. A key that is unknown, a value out of its range, and \
     what does not fit together is an error, which names line and key; a file with an error is not \
     used at all.",
    "With include it has further files: those of a folder in the order of their names, without hidden ones. Lists of tables, such as \
     [[session]], are appended; a table that is no list can be in one of the files. What is wrong in one of them is reported \
     with its name. An included file cannot include others.",
    "`bmpd --check` says whether a file is good, and `bmpctl config check` whether that of the running bmpd is. `bmpctl reload --dry-run` says what it would change, \
     `bmpctl reload` applies it, and `bmpctl reset session` has a session take the parameters of its \
     connection from it.",
    "`bmpd --explain session.tcp.mss` says what a key means. Editors complete and check the file by its JSON schema, which \
     `bmpd --schema` prints: a first line `#:schema file:///usr/share/doc/bmpd/docs/bmpd.schema.json` names it for \
     those that use Taplo.",
];

const KEYS: &str = "Keys with dots in their names can also be written as tables of their own, as TOML has it. The \
                    values below are examples; where a default is the same in every bmpd it is named.";

/// What is said of a table, in its order.
enum Said<'a> {
    /// A sentence about what follows.
    Note(String),
    Key {
        name: &'a str,
        value: &'a str,
        says: String,
    },
}

/// The heading of keys that are in no table.
const TOP: &str = "Before the first table";

/// Every table once, with all of its keys.
fn tables<'a>(example: &'a str) -> Vec<(&'a str, Vec<Said<'a>>)> {
    let blocks = read(example);
    let mut tables: Vec<(&str, Vec<Said<'_>>)> = Vec::new();
    for mut block in blocks {
        if block.table.is_empty() {
            // The first sentence is about the file.
            block.items.drain(..1);
            block.table = TOP;
        }
        let rank = tables.iter().position(|(table, _)| *table == block.table);
        let rank = rank.unwrap_or_else(|| {
            tables.push((block.table, Vec::new()));
            tables.len() - 1
        });
        let said = &mut tables[rank].1;
        let is_known = |said: &[Said<'_>], key: &Key<'_>| {
            said.iter().any(|said| matches!(said, Said::Key { name, .. } if *name == key.name))
        };
        let has_new =
            block.items.iter().any(|item| matches!(item, Item::Key(key) if !is_known(said, key)));
        if !has_new {
            continue;
        }
        if !block.says.is_empty() {
            said.push(Said::Note(sentence(&block.says)));
        }
        for item in block.items {
            match item {
                Item::Note(note) => said.push(Said::Note(sentence(&note))),
                Item::Key(key) if is_known(said, &key) => {}
                Item::Key(key) => {
                    let says = says(&key);
                    said.push(Said::Key { name: key.name, value: key.value, says });
                }
            }
        }
    }
    tables
}

/// bmpd.toml(5).
pub(crate) fn page(example: &str) -> String {
    let mut page = Page::new("bmpd.toml", "5", "bmpd");
    let mut name = Roff::new();
    name.text([roman("bmpd.toml - the configuration file of bmpd")]);
    page.section("NAME", &name);

    let mut about = Roff::new();
    for (rank, paragraph) in ABOUT.iter().enumerate() {
        if rank > 0 {
            about.control("PP", []);
        }
        about.text([roman(*paragraph)]);
    }
    page.section("DESCRIPTION", &about);

    let mut keys = Roff::new();
    keys.text([roman(KEYS)]);
    for (table, said) in tables(example) {
        keys.control("SS", [table]);
        for (rank, one) in said.iter().enumerate() {
            match one {
                Said::Note(text) => {
                    if rank > 0 {
                        keys.control("PP", []);
                    }
                    keys.text([roman(text)]);
                }
                Said::Key { name, value, says } => {
                    entry(&mut keys, [bold(*name), roman(format!(" = {value}"))], says);
                }
            }
        }
    }
    page.section("TABLES AND KEYS", &keys);

    let mut files = Roff::new();
    entry(&mut files, [bold("/etc/bmpd/bmpd.toml")], "The configuration file.");
    page.section("FILES", &files);
    let mut examples = Roff::new();
    examples.text([roman("The smallest file that does something:")]);
    verbatim(&mut examples, &SMALLEST.lines().collect::<Vec<_>>());
    page.section("EXAMPLES", &examples);
    let see = ["bmpctl-reload(1)", "bmpctl-reset-session(1)", "bmpctl-show-config(1)", "bmpd(8)"];
    page.section("SEE ALSO", &references(&see.map(str::to_owned)));
    page.finish()
}

/// The same as a page of the book.
pub(crate) fn document(example: &str) -> String {
    let mut text = format!(
        "# The configuration\n\n{MADE}\n\n{}\n\nThe smallest file that does something:\n\n```toml\n{SMALLEST}\n```\n\n{KEYS}\n",
        ABOUT.join("\n\n")
    );
    for (table, said) in tables(example) {
        text += &format!("\n## {table}\n");
        let mut is_in_rows = false;
        for one in said {
            match one {
                Said::Note(note) => {
                    text += &format!("\n{note}\n");
                    is_in_rows = false;
                }
                Said::Key { name, value, says } => {
                    if !std::mem::replace(&mut is_in_rows, true) {
                        text += "\n| key | example | |\n|---|---|---|\n";
                    }
                    let says = says.replace('|', "\\|");
                    text += &format!("| `{name}` | `{value}` | {says} |\n");
                }
            }
        }
    }
    // Without an argument it is no command that could be run as it is.
    text.replace("`bmpctl reset session`", "`reset session`")
}

/// At the head of what is made here.
const MADE: &str = "<!-- Made of etc/bmpd.toml: BLESS=1 cargo test -p tests --test all man:: -->";

/// The page says what a default is where the example shows the key behind a `#` and does not speak of a
/// default. So it must be one.
#[test]
fn keys_behind_a_number_sign_have_their_default() {
    let path = super::repository("etc/bmpd.toml");
    let example = std::fs::read_to_string(&path).unwrap();
    let parse = |text: &str| bmpd::config::parse(text, Path::new(&path));
    let plain = parse(&example).unwrap();
    let mut wrong = Vec::new();
    for block in read(&example) {
        for item in &block.items {
            let Item::Key(key) = item else { continue };
            if !key.is_commented || key.says.contains("default") {
                continue;
            }
            let mut lines: Vec<&str> = example.lines().collect();
            lines[key.line] = lines[key.line].trim_start_matches("# ");
            match parse(&lines.join("\n")) {
                Ok(config) if config == plain => {}
                Ok(_) => wrong.push(format!("{}: {} is not the default", key.line + 1, key.name)),
                Err(error) => wrong.push(format!("{}: {}: {error}", key.line + 1, key.name)),
            }
        }
    }
    assert!(wrong.is_empty(), "etc/bmpd.toml: say `default: ...` in:\n{}", wrong.join("\n"));
}
