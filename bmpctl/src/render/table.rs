//! Aligned columns.

/// Rows of cells under a heading; numbers to the right, the last column as wide as it is.
pub(super) struct Table {
    numbers: &'static [usize],
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings, of which those at the given ranks are over numbers.
    pub(super) fn new(headings: &[&str], numbers: &'static [usize]) -> Self {
        Self { numbers, rows: vec![headings.iter().map(|heading| (*heading).to_owned()).collect()] }
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The whole table; an empty last column is left out.
    pub(super) fn render(self) -> String {
        let Self { numbers, rows } = self;
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut widths = vec![0; columns];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let last_is_empty = rows.iter().skip(1).all(|row| row.last().is_none_or(String::is_empty));
        let shown = if last_is_empty { columns.saturating_sub(1) } else { columns };
        let mut text = String::new();
        for row in &rows {
            let mut line = String::new();
            for (rank, (cell, width)) in row.iter().zip(&widths).enumerate().take(shown) {
                let pad = " ".repeat(width - cell.chars().count());
                if numbers.contains(&rank) {
                    line.push_str(&pad);
                    line.push_str(cell);
                } else {
                    line.push_str(cell);
                    line.push_str(&pad);
                }
                line.push_str("  ");
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}
