//! The text of a configuration file: where an offset is, and how its line is shown to a person.
//!
//! The text is untrusted: a line can be megabytes long and hold control characters. What is
//! shown of it is cut and escaped here.

use std::ops::Range;

/// How many characters of a source line are shown.
const LINE_MAX: usize = 100;
/// How many characters are shown before the place when the beginning of its line is cut off.
const BEFORE: usize = 40;

/// A text with the offsets at which its lines begin.
pub(super) struct Source<'a> {
    text: &'a str,
    line_starts: Vec<usize>,
}

impl<'a> Source<'a> {
    /// Finds the lines of `text`.
    pub(super) fn new(text: &'a str) -> Self {
        let line_starts =
            std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, line_starts }
    }

    /// What the text holds there; empty if that is no part of the text.
    pub(super) fn slice(&self, span: Range<usize>) -> &'a str {
        self.text.get(span).unwrap_or_default()
    }

    /// The line of an offset in bytes, counted from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset).max(1)
    }

    /// The column of an offset in bytes, in characters, counted from 1.
    pub(super) fn column(&self, offset: usize) -> usize {
        let (start, line) = self.line_text(self.line(offset));
        line.char_indices().take_while(|(at, _)| start + at < offset).count() + 1
    }

    /// The line on which the span begins, with its number, and carets below the span. No key is shown;
    /// `secret` is true if the span itself may be one.
    pub(super) fn excerpt(&self, span: Range<usize>, secret: bool) -> String {
        let number = self.line(span.start);
        let (start, line) = self.line_text(number);
        let place = self.column(span.start) - 1;
        let first = if place > LINE_MAX - BEFORE { place - BEFORE } else { 0 };

        let mut hidden = secrets(line);
        if secret {
            hidden.push(span.start.saturating_sub(start)..span.end.saturating_sub(start));
        }
        let begun = self.text.get(..start).is_some_and(ends_in_string);
        if begun || line.contains("PRIVATE KEY") {
            hidden.push(0..line.len());
        }
        let mut shown = String::new();
        let mut before = 0;
        let mut marked = 0;
        if first > 0 {
            shown.push('…');
            before += 1;
        }
        for (index, (at, c)) in line.char_indices().enumerate().skip(first) {
            if index == first + LINE_MAX {
                shown.push('…');
                break;
            }
            // A tab becomes one column, so that the carets are aligned.
            let c = match c {
                _ if hidden.iter().any(|range| range.contains(&at)) => '*',
                '\t' => ' ',
                c => c,
            };
            let width = push_escaped(&mut shown, c);
            if index < place {
                before += width;
            } else if start + at < span.end {
                marked += width;
            }
        }

        let gutter = " ".repeat(number.to_string().len());
        let space = " ".repeat(before);
        let carets = "^".repeat(marked.max(1));
        format!("{gutter} |\n{number} | {shown}\n{gutter} | {space}{carets}")
    }

    /// The offset at which a line begins, and its text without the line's end.
    fn line_text(&self, line: usize) -> (usize, &'a str) {
        let start = self.line_starts.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let rest = self.text.get(start..).unwrap_or_default();
        let line = rest.split('\n').next().unwrap_or_default();
        (start, line.strip_suffix('\r').unwrap_or(line))
    }
}

/// Names that precede a key or password, correct and mistaken ones: each is a part of a name, such as `md5-key`.
const SECRET: [&str; 10] =
    ["key", "md5", "ao", "sasl", "password", "passwd", "passphrase", "secret", "psk", "token"];

/// The parts of a line that an excerpt must not show: what follows a name of [`SECRET`]. It works on the text, since a
/// line that is not TOML is shown, too, and hides too much rather than too little.
fn secrets(line: &str) -> Vec<Range<usize>> {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = line[from..].find(bare).map(|at| from + at) {
        from = line[at..].find(|c| !bare(c)).map_or(line.len(), |length| at + length);
        let rest = line[from..].trim_start_matches(['"', '\'', ' ', '\t']);
        let Some(value) = rest.strip_prefix('=').filter(|_| is_secret(&line[at..from])) else {
            continue;
        };
        let value = value.trim_start();
        let start = line.len() - value.len();
        let length = match value.chars().next() {
            Some(quote @ ('"' | '\''))
                if !value.starts_with("\"\"\"") && !value.starts_with("'''") =>
            {
                string_end(&value[1..], quote, &value[..1]).map_or(value.len(), |end| 1 + end)
            }
            // What is in a table has names of its own; the key itself is none.
            Some('{' | '[')
                if &line[at..from] != "key"
                    && value.trim_start_matches(['[', ' ']).starts_with('{') =>
            {
                0
            }
            Some('"' | '\'' | '{' | '[') => value.len(),
            _ => value.find([',', '}']).unwrap_or(value.len()),
        };
        found.push(start..start + length);
        from = start + length;
    }
    found
}

/// True for `key`, `md5` and the like; what names a file or an id of a key is shown.
fn is_secret(name: &str) -> bool {
    let mut parts = name.split(['-', '_']);
    let last = parts.clone().next_back();
    name != "private-key" && last != Some("file") && last != Some("id") && {
        parts.any(|part| SECRET.contains(&part))
    }
}

/// How many bytes of a string are left, the quotation marks that end it included.
fn string_end(text: &str, quote: char, marks: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let ends = !escaped && text[at..].starts_with(marks);
        escaped = c == '\\' && quote == '"' && !escaped;
        ends.then_some(at + marks.len())
    })
}

/// True if a text ends within a string of several lines.
fn ends_in_string(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find(['"', '\'', '#']) {
        let mark = &rest[at..];
        let line_end = mark.find('\n').unwrap_or(mark.len());
        let quote = if mark.starts_with('"') { '"' } else { '\'' };
        let length = if mark.starts_with('#') {
            Some(line_end)
        } else if mark.starts_with("\"\"\"") || mark.starts_with("'''") {
            string_end(&mark[3..], quote, &mark[..3]).map(|end| 3 + end)
        } else {
            Some(string_end(&mark[1..line_end], quote, &mark[..1]).map_or(line_end, |end| 1 + end))
        };
        match length {
            Some(length) => rest = &mark[length..],
            None => return true,
        }
    }
    false
}

/// Makes a text safe for a terminal and a log, and at most `max` characters (before escaping) long.
pub(super) fn clean(text: &str, max: usize) -> String {
    let mut out = String::new();
    for (index, c) in text.chars().enumerate() {
        if index == max {
            out.push('…');
            break;
        }
        push_escaped(&mut out, c);
    }
    out
}

/// Appends one character as it can be shown and returns how many columns that takes.
fn push_escaped(out: &mut String, c: char) -> usize {
    if matches!(c, '"' | '\'' | '\\') {
        out.push(c);
        return 1;
    }
    out.extend(c.escape_debug());
    c.escape_debug().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_columns_in_characters() {
        let source = Source::new("a = 1\r\né = \"ü\"x\n");
        assert_eq!((source.line(0), source.column(0)), (1, 1));
        assert_eq!((source.line(4), source.column(4)), (1, 5));
        let x = "a = 1\r\né = \"ü\"".len();
        assert_eq!((source.line(x), source.column(x)), (2, 8));
        assert_eq!((source.line(x + 2), source.column(x + 2)), (3, 1), "the end of the text");
        assert_eq!((source.line(999), source.column(999)), (3, 1), "beyond it");
        assert_eq!(Source::new("").line(0), 1);
    }

    #[test]
    fn an_excerpt_has_carets_below_the_place() {
        let source = Source::new("one\nalias = \"abc\" # no\r\n");
        assert_eq!(
            source.excerpt(12..17, false),
            "  |\n2 | alias = \"abc\" # no\n  |         ^^^^^"
        );
        assert_eq!(source.excerpt(3..3, false), "  |\n1 | one\n  |    ^");
    }

    #[test]
    fn a_long_or_dirty_line_is_cut_and_escaped() {
        let text = format!("{}X{}", "a".repeat(500), "b".repeat(5_000_000));
        let expected = format!(
            "  |\n1 | …{}X{}…\n  |  {}^",
            "a".repeat(BEFORE),
            "b".repeat(LINE_MAX - BEFORE - 1),
            " ".repeat(BEFORE)
        );
        assert_eq!(Source::new(&text).excerpt(500..501, false), expected);

        let excerpt = Source::new("\t\u{1b}[31m\u{202e}X = 1").excerpt(9..10, false);
        assert_eq!(excerpt, "  |\n1 |  \\u{1b}[31m\\u{202e}X = 1\n  |                    ^");
    }

    #[test]
    fn an_excerpt_shows_no_key() {
        for line in [
            "tcp.md5.key = \"s3cret\" # x",
            "tcp = { md5 = { key = 's3cret' }, connect-port = 0 }",
            "key=s3cret",
            "\"key\" = \"s3cret",
            "md5.key = \"\"\"s3cret",
            "key = { a = 's3cret' }",
            "key = \"\\\"s3cret\"",
            "tcp.md5 = \"s3cret\"",
            "md5 = s3cret",
            "tcp.md5.password = \"s3cret\"",
            "tcp.md5-key = \"s3cret\"",
            "tcp.ao = [\"a\", \"s3cret\"]",
            "tcp.ao = [{ send-id = 1, key = \"s3cret\" }]",
            "tcp = { ao = [ \"s3cret\" ] }",
            "key = [ \"a\", \"s3cret\" ]",
            "tls.private-key = \"-----BEGIN PRIVATE KEY-----\\ns3cret\"",
            "kafka.sasl = 's3cret'",
            "kafka = { sasl = { user = 'u', password = \"s3cret\" }, window = 1 }",
        ] {
            let shown = Source::new(line).excerpt(0..1, false);
            assert!(!shown.contains("s3cret"), "{shown}");
        }
        let shown = Source::new("key-file = \"a\", monkey = 1, key-id = 2, private-key = \"b\"")
            .excerpt(0..1, false);
        assert!(
            shown.contains("key-file = \"a\", monkey = 1, key-id = 2, private-key = \"b\""),
            "{shown}"
        );
    }

    #[test]
    fn an_excerpt_shows_nothing_of_a_string_of_several_lines() {
        for begin in
            ["a = \"\"\"\n", "'#' = 1 # it's\na = '''\nb ' '' c \\\n", "a = \"\"\"\"\\\"\"\"\nb\n"]
        {
            let text = format!("{begin}s3cret\n");
            let shown = Source::new(&text).excerpt(begin.len()..begin.len() + 1, false);
            assert!(!shown.contains("s3cret"), "{shown}");
        }
        for begin in ["", "a = \"b\" # '''\n", "a = \"\"\"b\"\"\"\n", "a = 'it\nb = ''''c'''\n"] {
            let text = format!("{begin}shown\n");
            let shown = Source::new(&text).excerpt(begin.len()..begin.len() + 1, false);
            assert!(shown.contains("shown"), "{shown}");
        }
    }

    #[test]
    fn a_span_that_is_not_in_the_text_does_no_harm() {
        let source = Source::new("é");
        for span in [0..1, 1..2, 1..1, 7..9, 2..2, Range { start: 2, end: 0 }] {
            source.excerpt(span.clone(), false);
            source.slice(span);
        }
    }
}
