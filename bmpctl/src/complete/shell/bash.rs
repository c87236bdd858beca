//! bash: the input is the line up to the cursor, the output what readline is to put behind it.
//!
//! bash cuts words at colons and equals signs (`COMP_WORDBREAKS`), leaves their quotation marks in, and
//! inserts candidates as they are. So the line is read here as bash would read it, and a candidate is what
//! has to stand behind the last cut, quoted in the way in which the word was begun.

use super::answer::{FILES, parts};
use crate::complete::candidates::{Found, complete};

pub(super) const SCRIPT: &str = r#"# Completion of bmpctl for bash. Put this file as bmpctl into /usr/share/bash-completion/completions or
# ~/.local/share/bash-completion/completions, or source it; bash-completion is not needed for that.

_bmpctl() {
    local -a found
    mapfile -t found < <(COMPLETE=bash command bmpctl -- "$COMP_TYPE" "$COMP_WORDBREAKS" \
        "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
    if [[ "${found[0]-}" == $'\tfiles' ]]; then
        compopt -o default
        found=()
    fi
    COMPREPLY=("${found[@]}")
}

complete -o nosort -F _bmpctl bmpctl
"#;

/// `COMP_TYPE` where the candidates are only listed, after a second tab.
const LISTING: &str = "63";

/// The quotation that is open at the end of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quote {
    None,
    Single,
    Double,
}

/// A line up to the cursor.
#[derive(Debug, PartialEq, Eq)]
struct Typed {
    /// The words without their quotation marks, the one at the cursor last.
    words: Vec<String>,
    /// What readline keeps of the last word: bytes of it as it is in `words`.
    kept: usize,
    quote: Quote,
}

/// Reads a line as bash does (its manual, "Quoting").
fn read(line: &str, breaks: &str) -> Typed {
    let mut words = Vec::new();
    // `None` between two words.
    let mut word: Option<String> = None;
    let (mut kept, mut quote) = (0, Quote::None);
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match (quote, c) {
            (Quote::None, ' ' | '\t' | '\n') => {
                words.extend(word.take());
                kept = 0;
                continue;
            }
            (Quote::Single, '\'') | (Quote::Double, '"') => quote = Quote::None,
            (Quote::None, '\'' | '"') => {
                quote = if c == '"' { Quote::Double } else { Quote::Single };
                kept = word.as_ref().map_or(0, String::len);
            }
            (Quote::None, '\\') => {
                word.get_or_insert_default().extend(rest.next());
                continue;
            }
            (Quote::Double, '\\') => {
                let escaped = rest.next_if(|next| matches!(next, '$' | '`' | '"' | '\\'));
                word.get_or_insert_default().push(escaped.unwrap_or('\\'));
                continue;
            }
            (_, c) => {
                let word = word.get_or_insert_default();
                word.push(c);
                if quote == Quote::None && breaks.contains(c) {
                    kept = word.len();
                }
                continue;
            }
        }
        // A quotation mark begins a word, if only an empty one.
        word.get_or_insert_default();
    }
    words.push(word.unwrap_or_default());
    Typed { words, kept, quote }
}

/// A text as it can be inserted.
fn quoted(text: &str, quote: Quote) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        match quote {
            Quote::None if c.is_alphanumeric() || "_./:=@%+,-".contains(c) => shown.push(c),
            Quote::Double if !"$`\"\\".contains(c) => shown.push(c),
            Quote::None | Quote::Double => shown.extend(['\\', c]),
            Quote::Single if c == '\'' => shown.push_str("'\\''"),
            Quote::Single => shown.push(c),
        }
    }
    shown
}

/// What `COMP_TYPE`, `COMP_WORDBREAKS` and the line up to the cursor lead to.
pub(super) fn answer(passed: &[String]) -> String {
    let [kind, breaks, line] = passed else { return String::new() };
    let Typed { mut words, kept, quote } = read(line, breaks);
    let current = words.pop().unwrap_or_default();
    let found = match complete(&words, &current) {
        Found::Files => return FILES.to_owned(),
        Found::Candidates(found) => found,
    };
    let found: Vec<_> = found.iter().map(parts).collect();
    let found = found.iter().filter(|(value, _)| value.starts_with(&current));
    // In a list nothing is inserted, so there can be more in it.
    if kind == LISTING {
        let width = found.clone().map(|(value, _)| value.chars().count()).max().unwrap_or(0);
        let line = |(value, description): &(String, Option<String>)| match description {
            Some(description) => format!("{value:width$}  ({description})\n"),
            None => format!("{value}\n"),
        };
        return found.map(line).collect();
    }
    let line = |(value, _): &(String, Option<String>)| {
        format!("{}\n", quoted(value.get(kept..).unwrap_or(value), quote))
    };
    found.map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BREAKS: &str = " \t\n\"'><=;|&(:";

    fn typed(line: &str) -> (Vec<String>, usize, Quote) {
        let Typed { words, kept, quote } = read(line, BREAKS);
        (words, kept, quote)
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_line_is_cut_into_words_as_bash_cuts_it() {
        let cases: [(&str, &[&str], usize, Quote); 10] = [
            ("bmpctl ", &["bmpctl", ""], 0, Quote::None),
            ("bmpctl  reset\tse", &["bmpctl", "reset", "se"], 0, Quote::None),
            ("bmpctl 2001:db8::", &["bmpctl", "2001:db8::"], 10, Quote::None),
            ("bmpctl \"2001:db8::", &["bmpctl", "2001:db8::"], 0, Quote::Double),
            ("bmpctl --alias=a", &["bmpctl", "--alias=a"], 8, Quote::None),
            ("bmpctl --alias=\"a b", &["bmpctl", "--alias=a b"], 8, Quote::Double),
            ("bmpctl a\\ ", &["bmpctl", "a "], 0, Quote::None),
            ("bmpctl 'a \"b' c", &["bmpctl", "a \"b", "c"], 0, Quote::None),
            ("bmpctl \"a\\\"\\x", &["bmpctl", "a\"\\x"], 0, Quote::Double),
            ("bmpctl '' \"", &["bmpctl", "", ""], 0, Quote::Double),
        ];
        for (line, expected, kept, quote) in cases {
            assert_eq!(typed(line), (words(expected), kept, quote), "{line}");
        }
    }

    #[test]
    fn what_is_inserted_is_quoted_as_the_word_was_begun() {
        assert_eq!(quoted("a b'$", Quote::None), "a\\ b\\'\\$");
        assert_eq!(quoted("a b'$", Quote::Double), "a b'\\$");
        assert_eq!(quoted("a b'$", Quote::Single), "a b'\\''$");
        assert_eq!(quoted("2001:db8::1", Quote::None), "2001:db8::1");
        assert_eq!(quoted("zürich", Quote::None), "zürich");
    }

    #[test]
    fn only_a_list_has_descriptions() {
        let answer = |kind: &str| answer(&words(&[kind, BREAKS, "bmpctl re"]));
        assert_eq!(answer("9"), "reset\nreload\n");
        assert!(
            answer(LISTING).starts_with(
                "reset   (Reset BMP sessions, the BMP connections of routers, or publishers)\n"
            ),
            "{}",
            answer(LISTING)
        );
    }
}
