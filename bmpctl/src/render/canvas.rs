//! The lines at the end of a terminal that change, below those that stay.
//!
//! Every line is shorter than the terminal is wide and ends by itself, and a whole picture is written at once:
//! a terminal that is resized meanwhile keeps no pieces of it. (Libraries that draw bars fill lines to the whole
//! width and count on the terminal's wrapping.)

use std::io::{self, Write};

use terminal_size::terminal_size_of;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Wider lines would be broken when a wide terminal is made narrower, and some terminals then move what stands
/// above the cursor out of reach.
pub(super) const WIDTH_MAX: usize = 79;

/// The changing lines.
#[derive(Debug, Default)]
pub(super) struct Canvas {
    /// What is on the terminal.
    shown: Vec<String>,
    /// How wide it was then.
    width: usize,
}

/// Columns and rows of the terminal.
pub(super) fn size() -> (usize, usize) {
    match terminal_size_of(io::stdout()) {
        Some((width, height)) if width.0 > 0 && height.0 > 0 => (width.0.into(), height.0.into()),
        _ => (80, 24),
    }
}

impl Canvas {
    /// Brings the terminal to these lines, below `above`, whole lines that stay.
    pub(super) fn paint<'a>(&mut self, above: &str, lines: impl Iterator<Item = &'a str>) {
        let (width, _) = size();
        if let Some(bytes) = self.bytes(above, lines, width) {
            let mut stdout = io::stdout();
            // If the terminal is gone, there is nowhere to report the error.
            let _ = stdout.write_all(bytes.as_bytes()).and_then(|()| stdout.flush());
        }
    }

    /// What to write; nothing if the terminal has it all.
    fn bytes<'a>(
        &mut self,
        above: &str,
        lines: impl Iterator<Item = &'a str>,
        width: usize,
    ) -> Option<String> {
        let next: Vec<String> = lines.map(|line| cut(line, width)).collect();
        if above.is_empty() && next == self.shown && self.width == width {
            return None;
        }
        let mut out = String::new();
        let rows: usize = self.shown.iter().map(|line| rows(line, width)).sum();
        if rows > 0 {
            out.push_str(&format!("\r\x1b[{rows}A"));
        }
        // The rest of each line is cleared behind it, so that nothing blinks.
        for line in above.lines() {
            out.push_str(line);
            out.push_str("\x1b[K\n");
        }
        for line in &next {
            out.push_str(line);
            out.push_str("\x1b[K\n");
        }
        out.push_str("\x1b[J");
        self.shown = next;
        self.width = width;
        Some(out)
    }
}

/// How many rows a line takes now: terminals wrap those that were written when they were wider.
fn rows(line: &str, width: usize) -> usize {
    line.width().div_ceil(width.max(1)).max(1)
}

/// As much of a line as fits, with a column to spare: in the last one terminals differ.
fn cut(line: &str, width: usize) -> String {
    let room = width.saturating_sub(1).clamp(1, WIDTH_MAX);
    let line = line.trim_end();
    if line.width() <= room {
        return line.to_owned();
    }
    let mut cut = String::new();
    let mut used = 0;
    for c in line.chars() {
        used += c.width().unwrap_or(0);
        if used >= room {
            break;
        }
        cut.push(c);
    }
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paint(canvas: &mut Canvas, lines: &[&str], above: &str, width: usize) -> Option<String> {
        canvas.bytes(above, lines.iter().copied(), width)
    }

    #[test]
    fn a_picture_takes_the_place_of_the_one_before() {
        let mut canvas = Canvas::default();
        let two = ["one", "two"];
        assert_eq!(paint(&mut canvas, &two, "", 80).unwrap(), "one\x1b[K\ntwo\x1b[K\n\x1b[J");
        assert_eq!(paint(&mut canvas, &two, "", 80), None, "nothing has changed");
        let text = paint(&mut canvas, &["three"], "stays\n", 80).unwrap();
        assert_eq!(text, "\r\x1b[2Astays\x1b[K\nthree\x1b[K\n\x1b[J");
        let text = paint(&mut canvas, &[], "", 80).unwrap();
        assert_eq!(text, "\r\x1b[1A\x1b[J", "nothing remains");
    }

    #[test]
    fn no_line_reaches_the_last_column_and_a_narrower_terminal_wraps_what_it_has() {
        let mut canvas = Canvas::default();
        let long = "x".repeat(79);
        let lines = [long.as_str(), "y"];
        assert!(paint(&mut canvas, &lines, "", 100).unwrap().starts_with(&long));
        // 79 columns are two rows of 60, and one row more.
        let text = paint(&mut canvas, &lines, "", 60).unwrap();
        assert!(text.starts_with("\r\x1b[3A"), "{text:?}");
        let first = text.split("\x1b[K").next().unwrap().trim_start_matches("\r\x1b[3A");
        assert_eq!(first.width(), 59);
        let text = paint(&mut canvas, &lines, "", 100).unwrap();
        assert!(text.starts_with("\r\x1b[2A"), "and again when wider");
    }

    #[test]
    fn a_terminal_without_columns_is_no_trouble() {
        let mut canvas = Canvas::default();
        for width in [0, 1, 2] {
            assert!(paint(&mut canvas, &["äöü"], "", width).is_some());
        }
    }
}
