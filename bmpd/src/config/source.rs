//! The text of a configuration: where an offset is, and how its line is shown to a person.
//!
//! A configuration can have several files. An offset counts through all of them, as if each began one byte behind the end of
//! the one before, so that a place needs no other name than its offset.
//!
//! The text is untrusted: a line can be megabytes long and hold control characters. What is
//! shown of it is cut and escaped here.

use std::fmt;
use std::ops::Range;
use std::path::Path;

/// How many lines are looked at for a key that is there already.
const LINES_MAX: usize = 10_000;
/// How many characters of a source line are shown.
const LINE_MAX: usize = 100;
/// How many characters are shown before the place when the beginning of its line is cut off.
const BEFORE: usize = 40;

/// The text of every file, the main one first.
pub(super) struct Source<'a> {
    /// Never empty.
    files: Vec<Text<'a>>,
}

/// The text of one file, with the offsets in it at which its lines begin.
struct Text<'a> {
    path: &'a Path,
    /// The offset of its first byte in the whole.
    base: usize,
    text: &'a str,
    line_starts: Vec<usize>,
}

/// A line, as other lines refer to it: `line 3`, and of which file if there are several.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    line: usize,
    file: Option<&'a Path>,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.file {
            None => write!(f, "line {}", self.line),
            Some(file) => write!(f, "line {} of {}", self.line, file.display()),
        }
    }
}

impl<'a> Source<'a> {
    /// The source of these files, of which there is at least one.
    pub(super) fn new(path: &'a Path, text: &'a str) -> Self {
        let mut source = Self { files: Vec::new() };
        source.add(path, text);
        source
    }

    /// Adds a file behind those there are, and returns its offset.
    pub(super) fn add(&mut self, path: &'a Path, text: &'a str) -> usize {
        let base = self.files.last().map_or(0, |last| last.base + last.text.len() + 1);
        let line_starts =
            std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        self.files.push(Text { path, base, text, line_starts });
        base
    }

    /// The file of an offset, and the offset in it.
    fn locate(&self, offset: usize) -> (&Text<'a>, usize) {
        let after = self.files.partition_point(|file| file.base <= offset);
        let file = &self.files[after.saturating_sub(1)];
        (file, offset.saturating_sub(file.base))
    }

    /// How many bytes all files have.
    pub(super) fn len(&self) -> usize {
        self.files.iter().map(|file| file.text.len()).sum()
    }

    /// The file that has this offset.
    pub(super) fn file(&self, offset: usize) -> &'a Path {
        self.locate(offset).0.path
    }

    /// The place of an offset, for texts that refer to it.
    pub(super) fn place(&self, offset: usize) -> Place<'a> {
        let file = (self.files.len() > 1).then(|| self.file(offset));
        Place { line: self.line(offset), file }
    }

    /// What the text holds there; empty if that is no part of the text.
    pub(super) fn slice(&self, span: Range<usize>) -> &'a str {
        let (file, start) = self.locate(span.start);
        file.text.get(start..span.end.saturating_sub(file.base)).unwrap_or_default()
    }

    /// The line of an offset in bytes, counted from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        let (file, at) = self.locate(offset);
        file.line(at)
    }

    /// The column of an offset in bytes, in characters, counted from 1.
    pub(super) fn column(&self, offset: usize) -> usize {
        let (file, at) = self.locate(offset);
        file.column(at)
    }

    /// The text of the line of an offset.
    pub(super) fn line_of(&self, offset: usize) -> &'a str {
        let (file, at) = self.locate(offset);
        file.line_text(file.line(at)).1
    }

    /// The number of the nearest line above that of an offset that gives the same key or table; `None` if none is found. A table ends
    /// the look for a key.
    pub(super) fn line_before(&self, offset: usize) -> Option<usize> {
        let (file, at) = self.locate(offset);
        let name = |line: &str| {
            let line = line.trim();
            let end = line.find(|c| if line.starts_with('[') { c == ']' } else { c == '=' });
            end.map(|end| line[..end].trim_end().to_owned())
        };
        let number = file.line(at);
        let wanted = name(file.line_text(number).1)?;
        for above in (1..number).rev().take(LINES_MAX) {
            let line = file.line_text(above).1;
            if name(line).as_ref() == Some(&wanted) {
                return Some(above);
            }
            if line.trim_start().starts_with('[') && !wanted.starts_with('[') {
                return None;
            }
        }
        None
    }

    /// The line on which the span begins, with its number, and carets below the span. No key is shown;
    /// `secret` is true if the span itself may be one.
    pub(super) fn excerpt(&self, span: Range<usize>, secret: bool) -> String {
        let (file, start) = self.locate(span.start);
        file.excerpt(start..span.end.saturating_sub(file.base), secret)
    }
}

impl<'a> Text<'a> {
    fn line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset).max(1)
    }

    fn column(&self, offset: usize) -> usize {
        let (start, line) = self.line_text(self.line(offset));
        line.char_indices().take_while(|(at, _)| start + at < offset).count() + 1
    }

    fn excerpt(&self, span: Range<usize>, secret: bool) -> String {
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

    fn of(text: &str) -> Source<'_> {
        Source::new(Path::new("f"), text)
    }

    #[test]
    fn an_offset_counts_through_all_files() {
        let (first, second) = ("a = 1\n", "b = 2\nc = 3");
        let mut source = of(first);
        assert_eq!(source.place(0).to_string(), "line 1");
        let base = source.add(Path::new("d/g"), second);
        assert_eq!(base, first.len() + 1);
        assert_eq!(source.file(first.len()), Path::new("f"), "the end of the first");
        assert_eq!(source.file(base), Path::new("d/g"));
        assert_eq!(source.place(base + 6).to_string(), "line 2 of d/g");
        assert_eq!(source.slice(base..base + 5), "b = 2");
        assert_eq!((source.line(base + 10), source.column(base + 10)), (2, 5));
        assert_eq!(source.excerpt(base + 10..base + 11, false), "  |\n2 | c = 3\n  |     ^");
        assert_eq!(source.slice(3..base + 1), "", "no file has both ends");
        assert_eq!(source.file(usize::MAX), Path::new("d/g"));
    }

    #[test]
    fn lines_and_columns_count_from_one_and_columns_in_characters() {
        let source = of("a = 1\r\né = \"ü\"x\n");
        assert_eq!((source.line(0), source.column(0)), (1, 1));
        assert_eq!((source.line(4), source.column(4)), (1, 5));
        let x = "a = 1\r\né = \"ü\"".len();
        assert_eq!((source.line(x), source.column(x)), (2, 8));
        assert_eq!((source.line(x + 2), source.column(x + 2)), (3, 1), "the end of the text");
        assert_eq!((source.line(999), source.column(999)), (3, 1), "beyond it");
        assert_eq!(of("").line(0), 1);
    }

    #[test]
    fn an_excerpt_has_carets_below_the_place() {
        let source = of("one\nalias = \"abc\" # no\r\n");
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
        assert_eq!(of(&text).excerpt(500..501, false), expected);

        let excerpt = of("\t\u{1b}[31m\u{202e}X = 1").excerpt(9..10, false);
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
            let shown = of(line).excerpt(0..1, false);
            assert!(!shown.contains("s3cret"), "{shown}");
        }
        let shown = of("key-file = \"a\", monkey = 1, key-id = 2, private-key = \"b\"")
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
            let shown = of(&text).excerpt(begin.len()..begin.len() + 1, false);
            assert!(!shown.contains("s3cret"), "{shown}");
        }
        for begin in ["", "a = \"b\" # '''\n", "a = \"\"\"b\"\"\"\n", "a = 'it\nb = ''''c'''\n"] {
            let text = format!("{begin}shown\n");
            let shown = of(&text).excerpt(begin.len()..begin.len() + 1, false);
            assert!(shown.contains("shown"), "{shown}");
        }
    }

    #[test]
    fn a_span_that_is_not_in_the_text_does_no_harm() {
        let source = of("é");
        for span in [0..1, 1..2, 1..1, 7..9, 2..2, Range { start: 2, end: 0 }] {
            source.excerpt(span.clone(), false);
            source.slice(span);
        }
    }
}
