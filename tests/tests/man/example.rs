//! `etc/bmpd.toml` as what it is: a commented list of every key.
//!
//! ```text
//! # What a table is for.
//! [[table]]
//! key = "value"          # what it is
//! # What the keys below have in common:
//! # key.of.it = 30       # what it is; this is the default, unless `default:` says otherwise
//! #                      # and more of it
//! #   and still more of it
//! ```

/// A table of the file, or one more example of it.
#[derive(Debug, Default)]
pub(crate) struct Block<'a> {
    /// With its brackets, such as `[[session]]`; empty before the first one.
    pub(crate) table: &'a str,
    pub(crate) says: String,
    is_commented: bool,
    pub(crate) items: Vec<Item<'a>>,
}

#[derive(Debug)]
pub(crate) enum Item<'a> {
    /// A sentence about the keys below it.
    Note(String),
    Key(Key<'a>),
}

#[derive(Debug)]
pub(crate) struct Key<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: &'a str,
    pub(crate) says: String,
    /// True if it stands behind a `#`, and its table does not.
    pub(crate) is_commented: bool,
    /// The line, from 0.
    pub(crate) line: usize,
}

/// `key = value # says`, if that is what the line is.
fn key(line: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = line.split_once(" = ")?;
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
    if !name.chars().all(legal) {
        return None;
    }
    // The comment begins at the first # that is in no text.
    let mut in_text = false;
    let comment = rest.char_indices().find(|(_, c)| {
        in_text ^= *c == '"';
        *c == '#' && !in_text
    });
    match comment {
        Some((at, _)) => Some((name, rest[..at].trim(), rest[at + 1..].trim())),
        None => Some((name, rest.trim(), "")),
    }
}

fn join(text: &mut String, more: &str) {
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(more);
}

/// Reads the file. A line that is none of the above is an error of the file.
pub(crate) fn read(text: &str) -> Vec<Block<'_>> {
    let mut blocks = vec![Block::default()];
    // A comment above a table is of the table; whether one follows is known only then.
    let mut pending = String::new();
    for (number, line) in text.lines().enumerate() {
        let bare = line.strip_prefix("# ").unwrap_or(line);
        let block = blocks.last_mut().unwrap();
        if bare.starts_with('[') && bare.trim_end().ends_with(']') {
            let says = std::mem::take(&mut pending);
            let is_commented = bare.len() != line.len();
            blocks.push(Block { table: bare.trim_end(), says, is_commented, items: Vec::new() });
        } else if let Some((name, value, says)) = key(bare) {
            if !pending.is_empty() {
                block.items.push(Item::Note(std::mem::take(&mut pending)));
            }
            let is_commented = bare.len() != line.len() && !block.is_commented;
            let says = says.to_owned();
            block.items.push(Item::Key(Key { name, value, says, is_commented, line: number }));
        } else if let Some(more) = line.strip_prefix("#  ") {
            let more = more.trim().trim_start_matches('#').trim();
            match block.items.last_mut() {
                Some(Item::Key(key)) => join(&mut key.says, more),
                _ => panic!("line {}: it goes on with no key: {line}", number + 1),
            }
        } else if let Some(more) = line.strip_prefix("# ") {
            join(&mut pending, more);
        } else if line.trim().is_empty() {
            if !pending.is_empty() {
                block.items.push(Item::Note(std::mem::take(&mut pending)));
            }
        } else {
            panic!("line {}: what is this? {line}", number + 1);
        }
    }
    blocks
}
