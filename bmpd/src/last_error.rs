//! The last error of a neighbor or a session, and before it the one that names the cause.
//!
//! A router that has rejected a connection often refuses further ones for a while: a mere connection failure must not
//! hide the NOTIFICATION before it, nor a refused connection the invalid certificate.
#![forbid(unsafe_code)]

use std::fmt::Display;

use crate::moment::Moment;

/// What an error describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    /// What is wrong, such as a NOTIFICATION.
    Cause,
    /// Only that there is no connection, such as one that was refused or reset.
    NoConnection,
}

/// The errors since they were last cleared.
#[derive(Debug)]
pub(crate) struct LastErrors<T> {
    cause: Option<(T, Moment)>,
    no_connection: Option<(T, Moment)>,
    /// Which of them is the newer one.
    newest: Says,
}

impl<T> Default for LastErrors<T> {
    fn default() -> Self {
        Self { cause: None, no_connection: None, newest: Says::Cause }
    }
}

impl<T: Display> LastErrors<T> {
    /// Notes an error. False if the last one of its kind had the same text: it is not logged again.
    pub(crate) fn note(&mut self, error: T, says: Says) -> bool {
        let place = match says {
            Says::Cause => &mut self.cause,
            Says::NoConnection => &mut self.no_connection,
        };
        let is_new = place.as_ref().is_none_or(|(last, _)| last.to_string() != error.to_string());
        *place = Some((error, Moment::now()));
        self.newest = says;
        is_new
    }

    /// The last error.
    pub(crate) fn last(&self) -> Option<&(T, Moment)> {
        match self.newest {
            Says::Cause => self.cause.as_ref(),
            Says::NoConnection => self.no_connection.as_ref(),
        }
    }

    /// The last error that names a cause, if others have followed it.
    pub(crate) fn earlier_cause(&self) -> Option<&(T, Moment)> {
        self.cause.as_ref().filter(|_| self.newest != Says::Cause)
    }

    /// Clears the errors: there is a connection.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(errors: &LastErrors<&'static str>) -> (Option<&'static str>, Option<&'static str>) {
        let text = |noted: Option<&(&'static str, Moment)>| noted.map(|(text, _)| *text);
        (text(errors.last()), text(errors.earlier_cause()))
    }

    #[test]
    fn attempts_that_only_fail_do_not_hide_the_cause() {
        use Says::{Cause, NoConnection};
        let mut errors = LastErrors::default();
        assert_eq!(texts(&errors), (None, None));
        for (error, says, is_new, last, earlier) in [
            ("refused", NoConnection, true, "refused", None),
            ("2/2", Cause, true, "2/2", None),
            ("reset", NoConnection, true, "reset", Some("2/2")),
            ("reset", NoConnection, false, "reset", Some("2/2")),
            // Two that alternate are two lines of the log.
            ("2/2", Cause, false, "2/2", None),
            ("reset", NoConnection, false, "reset", Some("2/2")),
            ("2/7", Cause, true, "2/7", None),
            ("timed out", NoConnection, true, "timed out", Some("2/7")),
        ] {
            assert_eq!(errors.note(error, says), is_new, "{error}");
            assert_eq!(texts(&errors), (Some(last), earlier), "{error}");
        }
        errors.clear();
        assert_eq!(texts(&errors), (None, None));
        assert!(errors.note("timed out", NoConnection), "it is new again");
    }
}
