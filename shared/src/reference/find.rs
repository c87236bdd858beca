//! Which key a person means.

use strsim::osa_distance;

use super::{Entry, table};

/// The most keys that are offered in place of an unknown one.
const NEAREST_MAX: usize = 3;

/// What a text leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// One key, or a table with all of its keys.
    One(Box<Entry>, Vec<Entry>),
    /// A key that several tables have.
    Several(Vec<Entry>),
    /// None; these are near, the nearest first.
    None(Vec<Entry>),
}

/// Looks up a key as people write it: `session.tcp.mss`, `[session] tcp.mss`, `tcp.mss`, `session[0].tcp.mss`,
/// `tcp.mss = 1400`; or a table.
pub fn find(text: &str) -> Found {
    let wanted = plain(text);
    let all = super::entries();
    let mut found: Vec<&Entry> = all.iter().filter(|entry| entry.key == wanted).collect();
    if found.is_empty() && !wanted.is_empty() {
        let end = format!(".{wanted}");
        found = all.iter().filter(|entry| entry.key.ends_with(&end)).collect();
    }
    match found.as_slice() {
        [one] => {
            let begin = format!("{}.", one.key);
            let within = all.iter().filter(|entry| entry.key.starts_with(&begin)).cloned();
            Found::One(Box::new((*one).clone()), within.collect())
        }
        [] => Found::None(near(&wanted, all)),
        several => Found::Several(several.iter().map(|entry| (*entry).clone()).collect()),
    }
}

/// A path without what people write around it.
fn plain(text: &str) -> String {
    let text = text.split_once('=').map_or(text, |(key, _)| key);
    let mut path = String::new();
    let mut rest = text;
    // Brackets hold the name of a table, or the rank in a list.
    while let Some((before, behind)) = rest.split_once('[') {
        let (inner, behind) = behind.split_once(']').unwrap_or((behind, ""));
        let is_rank = !inner.is_empty() && inner.bytes().all(|byte| byte.is_ascii_digit());
        path += before;
        path += if is_rank { "" } else { inner };
        path.push('.');
        rest = behind;
    }
    path += rest;
    let path: String = path
        .chars()
        .filter(|c| !matches!(c, '"' | '\'' | '`' | '[' | ']'))
        .map(|c| if c.is_whitespace() { '.' } else { c })
        .flat_map(char::to_lowercase)
        .map(|c| if c == '_' { '-' } else { c })
        .collect();
    let parts: Vec<&str> = path.split('.').filter(|part| !part.is_empty()).collect();
    parts.join(".")
}

/// How many letters a word differs from another in; `None` if these are too many for it to have been meant.
pub fn edits(typed: &str, there: &str) -> Option<usize> {
    let bound = (typed.chars().count() / 3).clamp(1, 3);
    Some(osa_distance(typed, there)).filter(|edits| *edits <= bound)
}

/// The distance of a name that is similar while its path is not.
const SIMILAR: usize = 10;

fn near(wanted: &str, all: &[Entry]) -> Vec<Entry> {
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    if wanted.is_empty() {
        return Vec::new();
    }
    // A whole path that is nearly the same, then a name that is, then a name that begins or ends so.
    let distance = |entry: &Entry| {
        let whole = [entry.key.as_str(), entry.name.as_str()]
            .into_iter()
            .filter(|path| !path.is_empty())
            .filter_map(|path| edits(wanted, path))
            .min();
        if whole.is_some() {
            return whole;
        }
        let (typed, name) = (last(wanted), last(&entry.key));
        if let Some(edits) = edits(&typed, &name) {
            return Some(SIMILAR + edits);
        }
        let is_part = typed.len() > 2 && name.split('-').any(|part| part == typed)
            || name.len() > 2 && typed.split('-').any(|part| part == name);
        is_part.then_some(2 * SIMILAR)
    };
    let mut found: Vec<(usize, &Entry)> =
        all.iter().filter_map(|entry| Some((distance(entry)?, entry))).collect();
    found.sort_by_key(|(distance, _)| *distance);
    // Where a path is nearly the same, a similar name elsewhere was not meant.
    let is_near = found.first().is_some_and(|(distance, _)| *distance < SIMILAR);
    found.retain(|(distance, _)| !is_near || *distance < SIMILAR);
    found.into_iter().take(NEAREST_MAX).map(|(_, entry)| entry.clone()).collect()
}

impl Found {
    /// What is printed for people; an error, which is one line, if there is no such key.
    ///
    /// # Errors
    ///
    /// There is no such key.
    pub fn text(&self, typed: &str) -> Result<String, String> {
        let rows = |entries: &[Entry]| {
            let rows: Vec<(&str, &str)> =
                entries.iter().map(|entry| (entry.key.as_str(), entry.summary())).collect();
            table(&rows)
        };
        Ok(match self {
            Found::One(one, within) if within.is_empty() => one.to_string(),
            Found::One(one, within) => {
                let named: Vec<(&str, &str)> = within
                    .iter()
                    .map(|entry| {
                        let name = entry.key.get(one.key.len() + 1..).unwrap_or_default();
                        (name, entry.summary())
                    })
                    .collect();
                format!("{one}keys\n{}", table(&named))
            }
            Found::Several(several) => {
                format!("several tables have {}:\n{}", plain(typed), rows(several))
            }
            Found::None(near) => {
                let typed: String = typed.escape_debug().take(100).collect();
                let near: Vec<&str> = near.iter().map(|entry| entry.key.as_str()).collect();
                let near = match near.as_slice() {
                    [] => "bmpd.toml(5) has all of them".to_owned(),
                    [one] => format!("did you mean {one}?"),
                    [some @ .., last] => format!("did you mean {} or {last}?", some.join(", ")),
                };
                return Err(format!("the configuration has no key \"{typed}\"; {near}"));
            }
        })
    }

    /// The entries for machines: the key, the table and its keys, or all that have the name.
    pub fn entries(&self) -> Vec<Entry> {
        match self {
            Found::One(one, within) => std::iter::once(&**one).chain(within).cloned().collect(),
            Found::Several(several) => several.clone(),
            Found::None(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_as_people_write_it() {
        for text in [
            "session.tcp.mss",
            "[session] tcp.mss",
            "[session.tcp] mss",
            "[[session]] tcp.mss",
            "session tcp.mss",
            "session[3].tcp.mss",
            "session.tcp.mss = 1400",
            "Session.TCP.mss",
            " `session.tcp.mss` ",
        ] {
            match find(text) {
                Found::One(one, _) => assert_eq!(one.key, "session.tcp.mss", "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        assert!(matches!(find("hold_time"), Found::Several(_)));
        assert!(matches!(find("kafka.linger"), Found::One(..)));
        assert!(
            matches!(find("[[bgp.neighbor]]"), Found::One(one, all) if one.is_table && all.len() > 10)
        );
        assert!(matches!(find("include"), Found::One(one, _) if one.table.is_none()));
    }

    #[test]
    fn an_unknown_key_gets_the_nearest() {
        let near = |text: &str| find(text).text(text).unwrap_err();
        assert_eq!(
            near("session.adress"),
            "the configuration has no key \"session.adress\"; did you mean session.address?"
        );
        assert_eq!(near(""), "the configuration has no key \"\"; bmpd.toml(5) has all of them");
        assert!(!near("\u{1b}[31m").contains('\u{1b}'));
        assert!(near(&"x".repeat(100_000)).len() < 300);
    }
}
