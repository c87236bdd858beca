//! A manual page as text: sections that clap_mangen makes, and sections of our own.

use clap_mangen::roff::{Inline, Roff, bold, roman};

/// The day of the last change of what a page is made of that a reader would notice. It is set by hand, so
/// that a page does not change with the day on which it is made.
pub(crate) const DATE: &str = "2026-11-24";

/// The foot of every page on the left.
pub(crate) fn source() -> String {
    format!("bmpd {}", env!("CARGO_PKG_VERSION"))
}

/// A page that is being written.
pub(crate) struct Page {
    text: String,
}

/// Says how apostrophes are written, once a page. The roff crate puts it before everything.
fn preamble() -> String {
    Roff::new().render()
}

impl Page {
    /// A page with its title and nothing else.
    pub(crate) fn new(title: &str, section: &str, manual: &str) -> Self {
        let mut roff = Roff::new();
        let (title, source) = (title.to_uppercase(), source());
        roff.control("TH", [title.as_str(), section, DATE, &source, manual]);
        Self { text: roff.render() }
    }

    /// A section of clap_mangen's.
    pub(crate) fn generated(&mut self, render: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) {
        let mut bytes = Vec::new();
        render(&mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        self.text.push_str(&to_roff(text.strip_prefix(&preamble()).unwrap()));
    }

    /// A section of our own.
    pub(crate) fn section(&mut self, heading: &str, roff: &Roff) {
        let mut head = Roff::new();
        head.control("SH", [heading]);
        for part in [&head, roff] {
            let text = part.render();
            self.text.push_str(&to_roff(text.strip_prefix(&preamble()).unwrap()));
        }
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }
}

/// What roff understands in place of what help texts have: words in backticks become bold, and an empty
/// line begins a paragraph at the indentation that there is.
fn to_roff(text: &str) -> String {
    let mut out = String::new();
    let mut lines = text.lines().map(str::trim_end).peekable();
    while let Some(line) = lines.next() {
        // One gap is enough.
        if let "" | ".br" = line {
            let mut gap = line;
            while let Some(more) = lines.next_if(|line| matches!(*line, "" | ".br")) {
                gap = if gap.is_empty() { gap } else { more };
            }
            out.push_str(if gap.is_empty() { ".sp\n" } else { ".br\n" });
            continue;
        }
        for (n, part) in line.split('`').enumerate() {
            if n > 0 {
                out.push_str(if n % 2 == 1 { "\\fB" } else { "\\fR" });
            }
            out.push_str(part);
        }
        out.push('\n');
    }
    out
}

/// An entry of a list: a term, and what it means.
pub(crate) fn entry(roff: &mut Roff, term: impl Into<Vec<Inline>>, says: &str) {
    roff.control("TP", []);
    roff.text(term);
    roff.text([roman(says)]);
}

/// Lines as they are typed.
pub(crate) fn verbatim(roff: &mut Roff, lines: &[&str]) {
    roff.control("RS", ["4"]);
    roff.control("EX", []);
    for line in lines {
        roff.text([roman(*line)]);
    }
    roff.control("EE", []);
    roff.control("RE", []);
}

/// References to other pages, such as `bmpd(8)`.
pub(crate) fn references(pages: &[String]) -> Roff {
    let mut roff = Roff::new();
    let mut line = Vec::new();
    for (n, page) in pages.iter().enumerate() {
        let (name, section) = page.split_once('(').unwrap();
        let comma = if n + 1 < pages.len() { ", " } else { "" };
        line.extend([bold(name), roman(format!("({section}{comma}"))]);
    }
    roff.text(line);
    roff
}
