//! What standard output can show.

use std::io::IsTerminal;

use anstyle::{AnsiColor, Style};

/// What standard output can show: a file or a pipe takes whole lines without colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Screen {
    /// The columns of the terminal; `None` if lines can be as long as they like.
    pub(crate) width: Option<usize>,
    /// Its lines.
    pub(crate) height: Option<usize>,
    /// True if colours are wanted.
    pub(crate) colour: bool,
}

/// What a word of an answer means, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it should be.
    Good,
    /// On its way, or worth a look.
    Busy,
    /// Not as it should be.
    Bad,
    /// Of no interest now.
    Faint,
    /// A heading.
    Heading,
}

impl Screen {
    /// For files and pipes.
    pub(crate) const PLAIN: Self = Self { width: None, height: None, colour: false };

    /// Inspects standard output. NO_COLOR (when it is not empty) and `TERM=dumb` turn colours off.
    pub(crate) fn of_standard_output() -> Self {
        if !std::io::stdout().is_terminal() {
            return Self::PLAIN;
        }
        let size = terminal_size::terminal_size_of(std::io::stdout());
        let width = size.map(|(width, _)| usize::from(width.0)).filter(|width| *width > 0);
        let height = size.map(|(_, height)| usize::from(height.0)).filter(|height| *height > 0);
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { width, height, colour: is_terminal() && !no_color }
    }

    /// The text in the colour of its tone.
    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        let style = match tone {
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Busy => AnsiColor::Yellow.on_default(),
            Tone::Bad => AnsiColor::Red.on_default(),
            Tone::Faint => Style::new().dimmed(),
            Tone::Heading => Style::new().bold(),
        };
        format!("{style}{text}{style:#}")
    }
}

/// True if standard output is a terminal that can move its cursor.
pub(crate) fn is_terminal() -> bool {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    std::io::stdout().is_terminal() && !dumb
}
