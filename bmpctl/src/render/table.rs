//! Aligned columns that fit the terminal.
//!
//! Where lines are too long for it, the last column is folded: in its place if there is room, else below the
//! row. If the others alone are too wide, the least important are left out. Files and pipes get everything, a
//! line a row.

use unicode_width::UnicodeWidthStr;

use super::screen::{Screen, Tone};

/// What stands between two columns.
const GAP: &str = "  ";

/// The last column is folded in its place into no less than this.
const FOLD_MIN: usize = 24;

/// How far it is indented below its row.
const INDENT: usize = 4;

/// Where the last column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    /// In its place, however long it is.
    Whole,
    /// In its place, in lines of this many columns.
    Folded(usize),
    /// Below the row, in lines of this many columns.
    Below(usize),
}

/// One column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    heading: &'static str,
    /// Numbers stand to the right.
    number: bool,
    /// On a terminal that is too narrow columns with 1 are left out first, then those with 2; those with 0 never.
    leaves: u8,
    /// True if it is not in the table at all.
    is_absent: bool,
}

/// A column of words.
pub(super) const fn text(heading: &'static str) -> Column {
    Column { heading, number: false, leaves: 0, is_absent: false }
}

/// A column of numbers.
pub(super) const fn number(heading: &'static str) -> Column {
    Column { heading, number: true, leaves: 0, is_absent: false }
}

impl Column {
    /// The same, to be left out when the terminal is too narrow; the lowest rank first.
    pub(super) const fn leaves(self, rank: u8) -> Self {
        Self { leaves: rank, ..self }
    }

    /// The same, to be in the table only if it has something to say.
    pub(super) const fn only_if(self, has_something: bool) -> Self {
        Self { is_absent: !has_something, ..self }
    }
}

/// One cell.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    text: String,
    tone: Option<Tone>,
}

impl Cell {
    /// A text with a colour.
    pub(super) fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone: Some(tone) }
    }

    fn width(&self) -> usize {
        columns_of(&self.text)
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), tone: None }
    }
}

/// Rows of cells under their headings.
pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with these columns.
    pub(super) fn new(columns: &[Column]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row with a cell for each column.
    pub(super) fn row(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows.push(cells);
    }

    /// The whole table; an empty last column is left out.
    pub(super) fn render(mut self, screen: &Screen) -> String {
        while let Some(rank) = self.columns.iter().position(|column| column.is_absent) {
            self.leave(rank);
        }
        if self.rows.iter().all(|row| row.last().is_none_or(|cell| cell.text.is_empty())) {
            self.leave(self.columns.len() - 1);
        }
        let last = match screen.width {
            Some(room) => self.fit(room),
            None => Last::Whole,
        };
        let widths = self.widths();
        let headings = self.columns.iter().map(|c| Cell::toned(c.heading, Tone::Heading)).collect();
        let mut text = String::new();
        for row in std::iter::once(&headings).chain(&self.rows) {
            self.line(row, &widths, last, screen, &mut text);
        }
        text
    }

    /// Leaves out what must be for a terminal of this many columns, and finds a place for the last column.
    fn fit(&mut self, room: usize) -> Last {
        let mut widths = self.widths();
        let long = widths.last().is_some_and(|last| *last > FOLD_MIN);
        let before = |widths: &[usize]| -> usize {
            widths[..widths.len() - 1].iter().map(|width| width + GAP.len()).sum()
        };
        if long && before(&widths) + FOLD_MIN <= room {
            return Last::Folded(room - before(&widths));
        }
        let needed = |widths: &[usize]| match widths {
            _ if long => before(widths).saturating_sub(GAP.len()),
            widths => before(widths) + widths.last().unwrap_or(&0),
        };
        while needed(&widths) > room {
            let least = self.columns.iter().enumerate().filter(|(_, c)| c.leaves > 0);
            let Some((rank, _)) = least.min_by_key(|(_, column)| column.leaves) else { break };
            self.leave(rank);
            widths = self.widths();
        }
        if long { Last::Below(room.saturating_sub(INDENT)) } else { Last::Whole }
    }

    fn widths(&self) -> Vec<usize> {
        let width = |rank: usize, column: &Column| {
            let cells = self.rows.iter().map(|row| row[rank].width());
            cells.max().unwrap_or(0).max(columns_of(column.heading))
        };
        self.columns.iter().enumerate().map(|(rank, column)| width(rank, column)).collect()
    }

    fn leave(&mut self, rank: usize) {
        self.columns.remove(rank);
        for row in &mut self.rows {
            row.remove(rank);
        }
    }

    fn line(
        &self,
        row: &[Cell],
        widths: &[usize],
        place: Last,
        screen: &Screen,
        text: &mut String,
    ) {
        let Some((last, others)) = row.split_last() else { return };
        let mut indent = 0;
        for ((cell, column), width) in others.iter().zip(&self.columns).zip(widths) {
            put(text, cell, &cell.text, column.number, *width, screen);
            text.push_str(GAP);
            indent += width + GAP.len();
        }
        let number = self.columns.last().is_some_and(|column| column.number);
        let width = if number { *widths.last().unwrap_or(&0) } else { 0 };
        let end = |text: &mut String, part: &str| {
            put(text, last, part, number, width, screen);
            text.truncate(text.trim_end_matches(' ').len());
            text.push('\n');
        };
        let (room, indent) = match place {
            Last::Whole => return end(text, &last.text),
            Last::Folded(room) => (room, indent),
            Last::Below(room) => {
                text.truncate(text.trim_end_matches(' ').len());
                text.push('\n');
                // What stands below a row needs no heading.
                if last.text.is_empty() || last.tone == Some(Tone::Heading) {
                    return;
                }
                text.extend(std::iter::repeat_n(' ', INDENT));
                (room, INDENT)
            }
        };
        for (rank, part) in folded(&last.text, room).iter().enumerate() {
            if rank > 0 {
                text.extend(std::iter::repeat_n(' ', indent));
            }
            end(text, part);
        }
    }
}

fn put(line: &mut String, cell: &Cell, text: &str, right: bool, width: usize, screen: &Screen) {
    let pad = width.saturating_sub(columns_of(text));
    if right {
        line.extend(std::iter::repeat_n(' ', pad));
    }
    match cell.tone {
        Some(tone) if screen.colour => line.push_str(&screen.paint(tone, text)),
        _ => line.push_str(text),
    }
    if !right {
        line.extend(std::iter::repeat_n(' ', pad));
    }
}

/// The columns that a text takes. Most of what there is to show is ASCII, a column a byte.
pub(super) fn columns_of(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.width() }
}

/// The text in lines of at most `room` columns, broken at spaces; a word that is longer has a line of its
/// own. There is always one line.
pub(super) fn folded(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is always one");
        if line.is_empty() {
            line.push_str(word);
        } else if columns_of(line) + 1 + columns_of(word) <= room {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table =
            Table::new(&[text("Session"), number("Port").leaves(1), text("State"), text("Note")]);
        table.row(vec![
            "10.1.1.1".into(),
            "11019".into(),
            Cell::toned("Idle", Tone::Bad),
            "nobody listens at the station's port; next attempt in 12s".into(),
        ]);
        table.row(vec!["2001:db8::1".into(), "5".into(), "Established".into(), "".into()]);
        table
    }

    #[test]
    fn a_pipe_gets_a_line_a_row() {
        let text = table().render(&Screen::PLAIN);
        assert_eq!(
            text,
            "Session       Port  State        Note\n\
             10.1.1.1     11019  Idle         nobody listens at the station's port; next attempt in 12s\n\
             2001:db8::1      5  Established\n"
        );
    }

    #[test]
    fn a_terminal_gets_lines_that_fit() {
        for width in 34..100 {
            let text = table().render(&Screen { width: Some(width), ..Screen::PLAIN });
            let longest = text.lines().map(UnicodeWidthStr::width).max().unwrap();
            assert!(longest <= width, "{width}:\n{text}");
            for word in "nobody listens at the station's port; next attempt in 12s".split(' ') {
                assert!(text.contains(word), "{width}: no {word}\n{text}");
            }
        }
        let narrow = table().render(&Screen { width: Some(27), ..Screen::PLAIN });
        assert_eq!(
            narrow,
            "Session      State\n\
             10.1.1.1     Idle\n    nobody listens at the\n    station's port; next\n    attempt in 12s\n\
             2001:db8::1  Established\n"
        );
    }

    #[test]
    fn colours_take_no_room() {
        let screen = Screen { colour: true, ..Screen::PLAIN };
        let text = table().render(&screen);
        assert!(text.contains("\u{1b}[31mIdle\u{1b}[0m         nobody"), "{text:?}");
    }

    #[test]
    fn a_column_with_nothing_to_say_is_absent() {
        for (has_something, expected) in [(true, "A  B  C\n1  2  3\n"), (false, "A  C\n1  3\n")] {
            let mut table = Table::new(&[text("A"), text("B").only_if(has_something), text("C")]);
            table.row(vec!["1".into(), "2".into(), "3".into()]);
            assert_eq!(table.render(&Screen::PLAIN), expected);
        }
    }

    #[test]
    fn an_empty_last_column_is_left_out() {
        let mut table = Table::new(&[text("A"), text("Note")]);
        table.row(vec!["1".into(), "".into()]);
        assert_eq!(table.render(&Screen::PLAIN), "A\n1\n");
    }
}
