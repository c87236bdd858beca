//! Sockets: making them, their options, and what the system knows of them.
//!
//! The only place with unsafe code, one call in [`queue`].

pub(crate) mod connect;
pub(crate) mod listen;
pub(crate) mod queue;

/// An error of the system as people read it: its sentence without the number.
pub(crate) fn describe(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error ") {
        Some((sentence, _)) => sentence.to_owned(),
        None => text,
    }
}
