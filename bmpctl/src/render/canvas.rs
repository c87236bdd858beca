//! The lines at the end of a terminal that change, below those that stay.
//!
//! indicatif draws its bars here instead of on the terminal itself: it fills lines to the whole width and
//! counts on the terminal's wrapping, so that a terminal that is resized meanwhile keeps pieces of them.
//! Here every line is shorter than the terminal is wide and ends by itself, and a whole picture is written
//! at once.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::TermLike;
use terminal_size::terminal_size_of;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Wider lines would be broken when a wide terminal is made narrower, and some terminals then move what stands
/// above the cursor out of reach.
pub(super) const WIDTH_MAX: usize = 79;

/// The changing lines. Clones are of the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Canvas(Arc<Mutex<Picture>>);

#[derive(Debug, Default)]
struct Picture {
    /// What is being drawn.
    drawn: Vec<String>,
    /// What is to be on the terminal next.
    next: Vec<String>,
    /// What is on it.
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
    fn with<T>(&self, f: impl FnOnce(&mut Picture) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the changing lines away.
    pub(super) fn clear(&self) {
        self.with(|picture| picture.next.clear());
        self.paint("");
    }

    /// Brings the terminal to what was drawn last, below `above`, whole lines that stay.
    pub(super) fn paint(&self, above: &str) {
        let (width, _) = size();
        let bytes = self.with(|picture| picture.paint(above, width));
        if let Some(bytes) = bytes {
            let mut stdout = io::stdout();
            // There is nobody to tell if the terminal is gone.
            let _ = stdout.write_all(bytes.as_bytes()).and_then(|()| stdout.flush());
        }
    }
}

impl Picture {
    /// What to write; nothing if the terminal has it all.
    fn paint(&mut self, above: &str, width: usize) -> Option<String> {
        if above.is_empty() && self.next == self.shown && self.width == width {
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
        let next: Vec<String> = self.next.iter().map(|line| cut(line, width)).collect();
        for line in &next {
            out.push_str(line);
            out.push_str("\x1b[K\n");
        }
        out.push_str("\x1b[J");
        self.shown = next;
        self.next.clone_from(&self.shown);
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

/// indicatif moves a cursor that is not there: each picture is drawn from its first line to its last, and is
/// complete with a flush.
impl TermLike for Canvas {
    fn width(&self) -> u16 {
        // As much as it likes: lines are cut when they are painted.
        1000
    }

    fn height(&self) -> u16 {
        u16::MAX
    }

    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        // What fills a line up to the terminal's width is no line.
        if !text.trim().is_empty() {
            self.with(|picture| picture.drawn.push(text.to_owned()));
        }
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        self.with(|picture| picture.next = std::mem::take(&mut picture.drawn));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(canvas: &Canvas, lines: &[&str]) {
        for line in lines {
            canvas.write_str(line).unwrap();
            canvas.write_str("   ").unwrap();
        }
        canvas.flush().unwrap();
    }

    fn paint(canvas: &Canvas, above: &str, width: usize) -> Option<String> {
        canvas.with(|picture| picture.paint(above, width))
    }

    #[test]
    fn a_picture_takes_the_place_of_the_one_before() {
        let canvas = Canvas::default();
        draw(&canvas, &["one", "two"]);
        assert_eq!(paint(&canvas, "", 80).unwrap(), "one\x1b[K\ntwo\x1b[K\n\x1b[J");
        assert_eq!(paint(&canvas, "", 80), None, "nothing has changed");
        draw(&canvas, &["three"]);
        let text = paint(&canvas, "stays\n", 80).unwrap();
        assert_eq!(text, "\r\x1b[2Astays\x1b[K\nthree\x1b[K\n\x1b[J");
        draw(&canvas, &[]);
        assert_eq!(paint(&canvas, "", 80).unwrap(), "\r\x1b[1A\x1b[J", "nothing remains");
    }

    #[test]
    fn no_line_reaches_the_last_column_and_a_narrower_terminal_wraps_what_it_has() {
        let canvas = Canvas::default();
        let long = "x".repeat(79);
        draw(&canvas, &[&long, "y"]);
        assert!(paint(&canvas, "", 100).unwrap().starts_with(&long));
        // 79 columns are two rows of 60, and one row more.
        let text = paint(&canvas, "", 60).unwrap();
        assert!(text.starts_with("\r\x1b[3A"), "{text:?}");
        let first = text.split("\x1b[K").next().unwrap().trim_start_matches("\r\x1b[3A");
        assert_eq!(first.width(), 59);
        assert!(paint(&canvas, "", 100).unwrap().starts_with("\r\x1b[2A"), "and again when wider");
    }

    #[test]
    fn a_terminal_without_columns_is_no_trouble() {
        let canvas = Canvas::default();
        draw(&canvas, &["äöü"]);
        for width in [0, 1, 2] {
            assert!(paint(&canvas, "", width).is_some());
        }
    }
}
