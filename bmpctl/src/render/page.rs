//! A page: a heading, and below it the facts, each with its name.

use super::humanize::printable;
use super::screen::Screen;
use super::table::{columns_of, folded};

/// A page that is being written.
pub(super) struct Page(String);

impl Page {
    /// A page with this heading.
    pub(super) fn new(heading: &str) -> Self {
        Self(format!("{heading}\n"))
    }

    /// A fact.
    pub(super) fn line(&mut self, name: &str, value: impl AsRef<str>) {
        let name = format!("{name}:");
        let value = printable(value.as_ref());
        self.0.push_str(format!("  {name:<18} {value}").trim_end());
        self.0.push('\n');
    }

    /// A fact that is shown only if it has a value.
    pub(super) fn line_if(&mut self, name: &str, value: Option<impl AsRef<str>>) {
        if let Some(value) = value {
            self.line(name, value);
        }
    }

    /// A list of numbers under a name of its own.
    pub(super) fn counts<'a>(
        &mut self,
        name: &str,
        counts: impl IntoIterator<Item = (&'a str, u64)>,
    ) {
        self.0.push_str(&format!("  {name}:\n"));
        for (name, count) in counts {
            self.0.push_str(&format!("    {:<18} {count:>12}\n", format!("{name}:")));
        }
    }

    /// Lines under a name of their own.
    pub(super) fn list(&mut self, name: &str, lines: impl IntoIterator<Item = String>) {
        self.0.push_str(&format!("  {name}:\n"));
        for line in lines {
            self.0.push_str(&format!("    {}\n", printable(&line)));
        }
    }

    /// The whole page.
    pub(super) fn into_text(self) -> String {
        self.0
    }
}

/// Pages as they fit the terminal: a line that is too long goes on below its value.
pub(crate) fn fit(text: String, screen: &Screen) -> String {
    let Some(room) = screen.width else { return text };
    let mut fitting = String::with_capacity(text.len());
    for line in text.lines() {
        if columns_of(line) <= room {
            fitting.push_str(line);
            fitting.push('\n');
            continue;
        }
        let value = line.find(": ").map_or(0, |colon| {
            let behind = &line[colon + 1..];
            colon + 1 + behind.len() - behind.trim_start().len()
        });
        let (name, value) = line.split_at(if value <= room / 2 { value } else { 0 });
        let leading = name.len() + value.len() - value.trim_start().len();
        for (rank, part) in
            folded(value.trim_start(), room.saturating_sub(leading)).iter().enumerate()
        {
            match rank {
                0 if name.is_empty() => fitting.extend(std::iter::repeat_n(' ', leading)),
                0 => fitting.push_str(name),
                _ => fitting.extend(std::iter::repeat_n(' ', leading)),
            }
            fitting.push_str(part);
            fitting.push('\n');
        }
    }
    fitting
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_goes_on_below_its_value() {
        let text = "BMP session 10.1.1.1\n  Last down:         reset by root [reset], 17s ago\n";
        let narrow = Screen { width: Some(43), ..Screen::PLAIN };
        assert_eq!(
            fit(text.to_owned(), &narrow),
            "BMP session 10.1.1.1\n  Last down:         reset by root [reset],\n                     17s ago\n"
        );
        assert_eq!(fit(text.to_owned(), &Screen::PLAIN), text);
    }

    #[test]
    fn nothing_is_lost_and_nothing_is_too_long_as_long_as_words_fit() {
        let text = "  Some name:         a few words that are folded\n    alone in a line without a name\n";
        for width in 24..60 {
            let screen = Screen { width: Some(width), ..Screen::PLAIN };
            let fitting = fit(text.to_owned(), &screen);
            assert!(fitting.lines().all(|line| line.len() <= width.max(30)), "{width}:\n{fitting}");
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(words(&fitting), words(text), "{width}");
        }
    }
}
