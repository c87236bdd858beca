//! The checks of single values, the same for every table.
//!
//! Each notes what it refuses and returns `None` then; the caller continues with the next value.

use std::num::NonZeroU16;
use std::ops::{Range, RangeInclusive};

use toml::Spanned;

use super::Check;
use crate::config::schema::Whole;
use crate::config::source::clean;

/// The most bytes that a free text can have.
pub(super) const TEXT_MAX: usize = 4096;

/// How many characters of a refused text are repeated.
const SHOWN_MAX: usize = 40;

/// The text in quotation marks as it can be repeated in an error.
pub(super) fn shown(text: &str) -> String {
    format!("\"{}\"", clean(text, SHOWN_MAX))
}

/// An error of [`shared::names`] whose "it" is the text.
pub(super) fn about(text: &str, error: &dyn std::error::Error) -> String {
    let error = error.to_string();
    match error.strip_prefix("it ") {
        Some(rest) => format!("{} {rest}", shown(text)),
        None => error,
    }
}

/// What is wrong with a free text; `None` if nothing is.
pub(super) fn text_fault(text: &str) -> Option<String> {
    if text.len() > TEXT_MAX {
        return Some(format!("the text has {} bytes; at most {TEXT_MAX} are allowed", text.len()));
    }
    text.chars().find(|c| c.is_control()).map(|c| {
        format!(
            "the text contains the control character {c:?}; one line of printable text is allowed"
        )
    })
}

impl Check<'_> {
    /// A key that must be there; its table stands at `table`.
    pub(super) fn required<'v, T>(
        &mut self,
        table: Range<usize>,
        key: impl Into<String>,
        value: &'v Option<T>,
        allowed: &str,
    ) -> Option<&'v T> {
        if value.is_none() {
            self.refuse(table, key, format!("is missing; write {allowed}"));
        }
        value.as_ref()
    }

    /// A key that can be left out: `Some(None)` if it is, `None` if its check refuses it.
    pub(super) fn optional<V, T>(
        &mut self,
        value: &Option<V>,
        check: impl FnOnce(&mut Self, &V) -> Option<T>,
    ) -> Option<Option<T>> {
        match value {
            Some(value) => check(self, value).map(Some),
            None => Some(None),
        }
    }

    /// A whole number in a range; `unit` stands after the range.
    pub(super) fn whole(
        &mut self,
        key: &str,
        value: &Spanned<Whole>,
        allowed: RangeInclusive<u32>,
        unit: &str,
    ) -> Option<u32> {
        let number = value.get_ref().0;
        match u32::try_from(number) {
            Ok(number) if allowed.contains(&number) => Some(number),
            _ => {
                let (first, last) = allowed.into_inner();
                let text = format!("{number} is out of range; {first} to {last}{unit} are allowed");
                self.refuse(value.span(), key, text);
                None
            }
        }
    }

    /// A time in whole seconds that can be left out.
    pub(super) fn seconds(
        &mut self,
        key: &str,
        value: &Option<Spanned<Whole>>,
        allowed: RangeInclusive<u32>,
    ) -> Option<Option<u32>> {
        self.optional(value, |check, value| check.whole(key, value, allowed, " seconds"))
    }

    /// A TCP port.
    pub(super) fn port(&mut self, key: &str, value: &Spanned<Whole>) -> Option<NonZeroU16> {
        let port = self.whole(key, value, 1..=65535, "")?;
        u16::try_from(port).ok().and_then(NonZeroU16::new)
    }

    /// A free text: one line, at most [`TEXT_MAX`] bytes.
    pub(super) fn text(&mut self, key: &str, value: &Spanned<String>) -> Option<String> {
        match text_fault(value.get_ref()) {
            None => Some(value.get_ref().clone()),
            Some(wrong) => {
                self.refuse(value.span(), key, wrong);
                None
            }
        }
    }

    /// A free text that must not be empty.
    pub(super) fn filled_text(&mut self, key: &str, value: &Spanned<String>) -> Option<String> {
        if value.get_ref().is_empty() {
            let text = format!(
                "it is empty; write 1 to {TEXT_MAX} bytes, or leave it out for the default"
            );
            self.refuse(value.span(), key, text);
            return None;
        }
        self.text(key, value)
    }
}
