//! One statement of another daemon's file: its words, and what becomes of it.
//!
//! A reader returns a [`Fate`] for each statement, and [`Found::record`] compares it with the words that were read: a
//! statement, or the end of one, that no code handles is named in the output. So nothing is dropped without a trace.

use std::str::FromStr;

use super::Found;

/// The longest value that is taken over, in bytes: more than any key, name or description needs.
const VALUE_MAX: usize = 256;

/// How many characters of a statement are repeated in a note.
const SHOWN_MAX: usize = 160;

/// What becomes of a statement.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// All of its words are part of what is written.
    Taken,
    /// It has no counterpart, such as policy. It is listed under this name with the lines of its kind.
    PassedOver(String),
    /// It has to be checked by hand, for this reason.
    Noted(String),
}

/// One word, or a text in quotation marks without these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) line: usize,
    /// Where it begins in the text that was cut into words, in bytes.
    pub(super) start: usize,
    /// True for what stood between quotation marks.
    pub(super) is_quoted: bool,
}

/// The words of a statement, read from left to right.
#[derive(Debug)]
pub(super) struct Words<'w, 'a> {
    words: &'w [Word<'a>],
    next: usize,
}

impl<'w, 'a> Words<'w, 'a> {
    pub(super) fn new(words: &'w [Word<'a>]) -> Self {
        Self { words, next: 0 }
    }

    /// The next word, without reading it.
    pub(super) fn peek(&self) -> Option<&'a str> {
        self.words.get(self.next).map(|word| word.text)
    }

    /// The next word.
    pub(super) fn next(&mut self) -> Option<&'a str> {
        let word = self.peek()?;
        self.next += 1;
        Some(word)
    }

    /// Reads the next word if it is this one.
    pub(super) fn take(&mut self, word: &str) -> bool {
        let is_it = self.peek() == Some(word);
        self.next += usize::from(is_it);
        is_it
    }

    /// Reads these words if they are the next ones.
    pub(super) fn take_all(&mut self, words: &[&str]) -> bool {
        let rest = &self.words[self.next..];
        let are_they = rest.len() >= words.len()
            && rest.iter().zip(words).all(|(one, word)| one.text == *word);
        if are_they {
            self.next += words.len();
        }
        are_they
    }

    /// Reads all words that are left.
    pub(super) fn rest(&mut self) -> &'w [Word<'a>] {
        let rest = &self.words[self.next..];
        self.next = self.words.len();
        rest
    }

    /// The same, with a space between two.
    pub(super) fn rest_joined(&mut self) -> String {
        joined(self.rest())
    }

    /// True if every word was read.
    pub(super) fn is_at_end(&self) -> bool {
        self.next == self.words.len()
    }

    /// The next word as a value that is taken over.
    ///
    /// # Errors
    ///
    /// There is none, or it is longer than any value that bmpd takes.
    pub(super) fn value(&mut self) -> Result<&'a str, Fate> {
        match self.next() {
            Some(value) if value.len() <= VALUE_MAX => Ok(value),
            _ => Err(self.not_understood()),
        }
    }

    /// The next word as a number, an address or the like.
    ///
    /// # Errors
    ///
    /// There is none, or it is none of the kind.
    pub(super) fn parsed<T: FromStr>(&mut self) -> Result<T, Fate> {
        self.value()?.parse().map_err(|_| self.not_understood())
    }

    /// `on`, `off` and their like; without a word it is on.
    ///
    /// # Errors
    ///
    /// The word is none of them.
    pub(super) fn switch(&mut self) -> Result<bool, Fate> {
        match self.next() {
            None | Some("on" | "yes" | "true" | "1") => Ok(true),
            Some("off" | "no" | "false" | "0") => Ok(false),
            Some(_) => Err(self.not_understood()),
        }
    }

    /// The statement for a note.
    pub(super) fn shown(&self) -> String {
        shown(&joined(self.words))
    }

    pub(super) fn not_understood(&self) -> Fate {
        Fate::Noted(format!("not understood: {}", self.shown()))
    }

    pub(super) fn not_used(&self) -> Fate {
        Fate::Noted(format!("not used: {}", self.shown()))
    }
}

fn joined(words: &[Word<'_>]) -> String {
    words.iter().map(|word| word.text).collect::<Vec<_>>().join(" ")
}

/// The first characters of a text.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A text as a value that is taken over.
///
/// # Errors
///
/// It is longer than any value that bmpd takes.
pub(super) fn short(text: String, what: &str) -> Result<String, Fate> {
    if text.len() <= VALUE_MAX {
        return Ok(text);
    }
    let text = format!("not used: {what} has {} bytes; {VALUE_MAX} are taken over", text.len());
    Err(Fate::Noted(text))
}

impl Found {
    /// Records what becomes of a statement on a line. What was taken but not read to its end is noted.
    pub(super) fn record(&mut self, line: usize, words: &Words<'_, '_>, fate: Result<Fate, Fate>) {
        match fate.unwrap_or_else(|fate| fate) {
            Fate::Taken if words.is_at_end() => {}
            Fate::Taken => {
                let rest = shown(&joined(&words.words[words.next..]));
                self.note(line, format!("not used: {rest}, of: {}", words.shown()));
            }
            Fate::PassedOver(name) => self.pass_over(line, &name),
            Fate::Noted(text) => self.note(line, text),
        }
    }
}
