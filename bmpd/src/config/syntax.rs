//! Text to [`File`]: TOML, the keys there are and the types of their values.
//!
//! toml and serde report the place and the reason but in terms of maps, sequences and fields; their errors are
//! translated into the terms of the file here. Measured with toml 1.2: the span of an unknown key is the key, that of a
//! wrong value is the value, that of a table is its header.

use serde_path_to_error::{Path, Segment};

use super::diagnostic::{Finding, holds_key};
use super::schema::File;
use super::source::{Source, clean};

/// toml shows spanned values and dates to serde as maps with one key that begins so.
const PRIVATE: &str = "$__";

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

/// Reads the text, or reports why that failed. TOML stops at the first problem.
pub(super) fn read(text: &str, source: &Source<'_>) -> Result<File, Finding> {
    let document = toml::de::Deserializer::parse(text).map_err(|error| broken(&error, source))?;
    serde_path_to_error::deserialize(document)
        .map_err(|error| unexpected(error.path(), error.inner(), source))
}

/// The text is not TOML.
fn broken(error: &toml::de::Error, source: &Source<'_>) -> Finding {
    let span = error.span().unwrap_or(0..0);
    let text = match error.message() {
        "duplicate key" => format!(
            "{} is given for the second time; a key can be given once in a table, and a table once in \
             a file",
            clean(source.slice(span.clone()), VALUE_MAX)
        ),
        message if UNQUOTED.iter().any(|begin| message.starts_with(begin)) => {
            "this is not a value; text (a name, an address, a path) needs quotation marks around it"
                .to_owned()
        }
        message => format!("this is not TOML: {message}"),
    };
    Finding { span, key: None, text }
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
            format!("there is no such key; allowed here: {}", allowed.replace(" or ", ", "))
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
            let allowed = match allowed {
                "a sequence" => "a list",
                "a boolean" => "true or false",
                other => other,
            };
            let value = source.slice(span.clone());
            let shown = if holds_key(&key) { "it" } else { value };
            format!("{}; {allowed} is allowed here", kind(found, value, shown))
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
    let mut out = String::new();
    for segment in path.iter() {
        match segment {
            Segment::Seq { index } => out.push_str(&format!("[{index}]")),
            Segment::Map { key } if key.starts_with(PRIVATE) => {}
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
