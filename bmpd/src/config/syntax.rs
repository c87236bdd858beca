//! Text to [`File`]: TOML, the keys there are and the types of their values.
//!
//! toml and serde report the place and the reason but in terms of maps, sequences and fields; their errors are
//! translated into the terms of the file here. Measured with toml 1.2: the span of an unknown key is the key, that of a
//! wrong value is the value, that of a table is its header.

use std::ops::Range;

use serde_path_to_error::{Path, Segment};
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::advice;
use super::diagnostic::{Finding, PROBLEMS_MAX, holds_key};
use super::schema::File;
use super::source::{Source, clean};

/// toml shows spanned values and dates to serde as maps with one key that begins so.
const PRIVATE: &str = "$__";

/// toml's message for a key or a table that is there already.
const DUPLICATE: &str = "duplicate key";

/// How many characters of a wrong value are repeated.
const VALUE_MAX: usize = 40;

/// How toml's messages begin when text, most often an address, stands without quotation marks.
const UNQUOTED: [&str; 5] = [
    "string values must be quoted",
    "invalid float",
    "invalid integer",
    "invalid date",
    "invalid time",
];

/// What the tables of all files are, and what of them is refused.
pub(super) struct Read {
    /// Without what is refused; `None` if the rest would not be what was meant.
    pub(super) file: Option<File>,
    /// At most [`PROBLEMS_MAX`].
    pub(super) findings: Vec<Finding>,
    /// How many more there are, at least.
    pub(super) more: usize,
    pub(super) refused: Refused,
}

/// The tables in which something is refused.
#[derive(Default)]
pub(super) struct Refused(Vec<String>);

impl Refused {
    /// True if something is missing because it is refused: it is written in another way, or under another name.
    pub(super) fn explains(&self, finding: &Finding) -> bool {
        let Some(key) = finding.key.as_deref().filter(|_| finding.text.starts_with("is missing"))
        else {
            return false;
        };
        self.0.iter().any(|table| key.starts_with(table.as_str()))
    }
}

/// The tables that can be there several times.
const LISTS: [&str; 5] = ["session", "vpn-instance", "router", "publisher", "bgp.neighbor"];

/// The tables that nothing else in a file refers to: what is wrong in one of them hides nothing in others.
const LEAVES: [&str; 6] = ["bmp", "session", "publisher", "control", "process", "http"];

/// The longest text of which every place is reported that is not TOML: each costs some hundred bytes until the first ones
/// are chosen, and a hostile text has as many as bytes.
const RECOVERED_MAX: usize = 256 << 10;

/// How many bytes are read again and again at most to find more than one mistake.
const AGAIN_MAX: usize = 8 << 20;

/// The table of a text, as far as it is TOML.
pub(super) fn table(text: &str) -> Spanned<DeTable<'_>> {
    recover(text).0
}

/// The table of a text as far as it is TOML, and where it is not; of a long text only the first place.
fn recover(text: &str) -> (Spanned<DeTable<'_>>, Vec<toml::de::Error>) {
    match DeTable::parse(text) {
        Ok(table) => (table, Vec::new()),
        Err(_) if text.len() <= RECOVERED_MAX => DeTable::parse_recoverable(text),
        Err(error) => (Spanned::new(0..0, DeTable::new()), vec![error]),
    }
}

/// Parses a text whose first byte is at `base` of the source, and reports every line that is not TOML.
pub(super) fn parse<'i>(
    text: &'i str,
    base: usize,
    source: &Source<'_>,
) -> (Spanned<DeTable<'i>>, Vec<Finding>) {
    let (table, errors) = recover(text);
    let mut findings: Vec<Finding> = Vec::new();
    let mut has_table_twice = false;
    for error in &errors {
        let finding = broken(error, base, source);
        if error.message() == DUPLICATE {
            let at = finding.span.start;
            let is_table = source.line_of(at).trim_start().starts_with('[');
            // The keys of a table that is there already are those of the first one.
            if has_table_twice && !is_table && source.line_before(at).is_none() {
                continue;
            }
            has_table_twice |= is_table;
        }
        // What follows on a line is most often the consequence.
        let line = source.line(finding.span.start);
        let is_known = findings.last().is_some_and(|last| source.line(last.span.start) == line);
        if !is_known {
            findings.push(finding);
        }
        if findings.len() == PROBLEMS_MAX {
            break;
        }
    }
    (shifted(table, base), findings)
}

/// The same table with all of its places behind `base`.
fn shifted(table: Spanned<DeTable<'_>>, base: usize) -> Spanned<DeTable<'_>> {
    if base == 0 {
        return table;
    }
    let span = table.span();
    Spanned::new(span.start + base..span.end + base, shifted_table(table.into_inner(), base))
}

fn shifted_table(table: DeTable<'_>, base: usize) -> DeTable<'_> {
    let at = |span: Range<usize>| span.start + base..span.end + base;
    let entries = table.into_iter();
    entries
        .map(|(key, value)| {
            let key = Spanned::new(at(key.span()), key.into_inner());
            (key, shifted_value(value, base))
        })
        .collect()
}

fn shifted_value(value: Spanned<DeValue<'_>>, base: usize) -> Spanned<DeValue<'_>> {
    let span = value.span();
    let inner = match value.into_inner() {
        DeValue::Table(table) => DeValue::Table(shifted_table(table, base)),
        DeValue::Array(list) => DeValue::Array(
            list.into_iter().map(|value| shifted_value(value, base)).collect::<DeArray<'_>>(),
        ),
        other => other,
    };
    Spanned::new(span.start + base..span.end + base, inner)
}

/// Reads the tables. serde stops at the first mistake, so that is removed for the next one to be found; of long files fewer
/// are.
pub(super) fn read(mut root: Spanned<DeTable<'_>>, source: &Source<'_>) -> Read {
    let mut read = Read { file: None, findings: Vec::new(), more: 0, refused: Refused::default() };
    let mut hides = false;
    let most = (AGAIN_MAX / source.len().max(1)).clamp(1, PROBLEMS_MAX);
    loop {
        let document = toml::de::Deserializer::from(root.clone());
        let error = match serde_path_to_error::deserialize(document) {
            Ok(file) => {
                read.file = Some(file).filter(|_| !hides);
                return read;
            }
            Err(error) => error,
        };
        if read.findings.len() == most {
            read.more = 1;
            return read;
        }
        read.findings.push(unexpected(error.path(), error.inner(), source));
        let path = error.path();
        let segments: Vec<&Segment> = path.iter().filter(|segment| is_shown(segment)).collect();
        let first = match segments.first() {
            Some(Segment::Map { key }) => key.as_str(),
            _ => "",
        };
        hides |= segments.len() == 1 || !LEAVES.contains(&first);
        let Some(table) = remove(root.get_mut(), &segments) else { return read };
        read.refused.0.push(table);
    }
}

/// True for what stands in a file.
fn is_shown(segment: &Segment) -> bool {
    match segment {
        Segment::Map { key } => !key.starts_with(PRIVATE),
        Segment::Seq { .. } => true,
        Segment::Enum { .. } | Segment::Unknown => false,
    }
}

/// Removes a key, and returns the path of its table; what is in a list is removed with the list. `None` if it is not there.
fn remove(root: &mut DeTable<'_>, path: &[&Segment]) -> Option<String> {
    let last = path.iter().rposition(|segment| matches!(segment, Segment::Map { .. }))?;
    let (table, Segment::Map { key }) = (&path[..last], path[last]) else { return None };
    let mut value: Option<&mut DeValue<'_>> = None;
    for segment in table {
        value = Some(match (segment, value) {
            (Segment::Map { key }, None) => root.get_mut(key.as_str())?.get_mut(),
            (Segment::Map { key }, Some(DeValue::Table(table))) => {
                table.get_mut(key.as_str())?.get_mut()
            }
            (Segment::Seq { index }, Some(DeValue::Array(list))) => list.get_mut(*index)?.get_mut(),
            _ => return None,
        });
    }
    let removed = match value {
        None => root.remove(key.as_str()),
        Some(DeValue::Table(table)) => table.remove(key.as_str()),
        Some(_) => None,
    };
    // The table of a key, or of `tcp.key`, is that of the session.
    let rank = table.iter().rposition(|segment| matches!(segment, Segment::Seq { .. }));
    let table = match rank {
        Some(rank) => &table[..=rank],
        None => &table[..table.len().min(1)],
    };
    removed.map(|_| joined(table.iter().copied()))
}

/// The text is not TOML.
fn broken(error: &toml::de::Error, base: usize, source: &Source<'_>) -> Finding {
    let span = error.span().unwrap_or(0..0);
    let span = span.start + base..span.end + base;
    let text = match error.message() {
        DUPLICATE => twice(&span, source),
        message if UNQUOTED.iter().any(|begin| message.starts_with(begin)) => {
            let advice = source
                .line_of(span.start)
                .split_once('=')
                .and_then(|(name, text)| advice::bare(name.trim(), bare_value(text)));
            advice.map_or_else(
                || {
                    "this is not a value; text (a name, an address, a path) needs quotation marks around it"
                        .to_owned()
                },
                |advice| format!("this is not a value; {advice}"),
            )
        }
        message => format!("this is not TOML: {message}"),
    };
    Finding { span, key: None, text }
}

/// What stands behind an equals sign, without a comment.
fn bare_value(text: &str) -> &str {
    text.split('#').next().unwrap_or_default().trim()
}

/// A key or a table that is there already.
fn twice(span: &Range<usize>, source: &Source<'_>) -> String {
    let name = clean(source.slice(span.clone()), VALUE_MAX);
    let line = source.line_of(span.start).trim();
    let first =
        source.line_before(span.start).map_or(String::new(), |line| format!(", after line {line}"));
    let table = line.strip_prefix('[').and_then(|rest| rest.split(']').next());
    let is_list = |table: &&str| LISTS.contains(&table.trim());
    match table.filter(is_list) {
        Some(table) => format!(
            "{name} is given for the second time{first}; write [[{table}]] for each, also for the first one"
        ),
        None => format!(
            "{name} is given for the second time{first}; a key can be given once in a table, and a table once in a file"
        ),
    }
}

/// A key that does not exist or a value of the wrong type.
fn unexpected(path: &Path, error: &toml::de::Error, source: &Source<'_>) -> Finding {
    let span = error.span().unwrap_or(0..0);
    let key = key_path(path);
    let message = error.message();
    let date = path.iter().next_back().is_some_and(
        |last| matches!(last, Segment::Map { key } if key.starts_with("$__toml_private")),
    );
    let text = match message.rsplit_once(", expected ") {
        _ if date => "it is a date or a time; a table is allowed here".to_owned(),
        Some((found, allowed)) if found.starts_with("unknown field") => {
            let allowed = allowed.strip_prefix("one of ").unwrap_or(allowed).replace('`', "");
            let allowed = allowed.replace(" or ", ", ");
            let keys: Vec<&str> = allowed.split(", ").collect();
            let advice = match advice::key(&without_indices(&key), &keys) {
                Some(question) if question.ends_with('?') => format!(" {question}"),
                Some(advice) => format!(" {advice};"),
                None => String::new(),
            };
            format!("there is no such key;{advice} allowed here: {allowed}")
        }
        Some(("invalid type: map", "a sequence")) => {
            format!("it is a table but there can be several; write [[{}]]", without_indices(&key))
        }
        Some((_, "a table")) if source.slice(span.clone()).starts_with("[[") => {
            format!("it is a list of tables but there can be only one; write [{key}]")
        }
        // Whatever stands there, it was meant to be a key.
        Some((_, allowed)) if key.ends_with(".key") => {
            format!("the key is no text; {allowed} is allowed here")
        }
        Some((found, allowed)) => {
            let found = found.strip_prefix("invalid type: ").unwrap_or(found);
            let value = source.slice(span.clone());
            let is_secret = holds_key(&key);
            let shown = if is_secret { "it" } else { value };
            let allowed = advice::value(&without_indices(&key), allowed, value, is_secret);
            format!("{}; {allowed}", kind(found, value, shown))
        }
        None if key.ends_with(".key") => "the key is no text; a string is allowed here".to_owned(),
        None if message == "integer number overflowed" && !holds_key(&key) => {
            format!("{} is too large for any key", clean(source.slice(span.clone()), VALUE_MAX))
        }
        None => message.to_owned(),
    };
    Finding { span, key: Some(key), text }
}

/// What serde found, in the terms of TOML, and how it is shown.
fn kind(found: &str, value: &str, shown: &str) -> String {
    let shown = clean(shown, VALUE_MAX);
    if found.starts_with("integer") {
        format!("{shown} is a whole number")
    } else if found.starts_with("floating") {
        format!("{shown} is a floating-point number")
    } else if found.starts_with("string") {
        format!("{shown} is a string")
    } else if found.starts_with("boolean") {
        format!("{shown} is a boolean")
    } else if found == "sequence" {
        "it is a list".to_owned()
    } else if found == "map" && value.starts_with(|c: char| c.is_ascii_digit()) {
        format!("{shown} is a date or a time")
    } else if found == "map" {
        "it is a table".to_owned()
    } else {
        format!("{shown}: {}", clean(found, VALUE_MAX))
    }
}

/// The path as it is written in the documentation, such as `session[0].tcp.connect-port`.
fn key_path(path: &Path) -> String {
    joined(path.iter().filter(|segment| is_shown(segment)))
}

fn joined<'s>(segments: impl Iterator<Item = &'s Segment>) -> String {
    let mut out = String::new();
    for segment in segments {
        match segment {
            Segment::Seq { index } => out.push_str(&format!("[{index}]")),
            Segment::Map { key } => {
                if !out.is_empty() {
                    out.push('.');
                }
                let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
                if !key.is_empty() && key.chars().all(bare) {
                    out.push_str(key);
                } else {
                    out.push_str(&format!("{key:?}"));
                }
            }
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    out
}

fn without_indices(key: &str) -> String {
    key.split('[').map(|part| part.split_once(']').map_or(part, |(_, rest)| rest)).collect()
}
