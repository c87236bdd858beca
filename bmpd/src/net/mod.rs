//! Sockets: their creation, their options, and their state in the system.
//!
//! A socket is made in a [`place`], is given its [`options`] and [`keys`], and then [`connect`]s or
//! [`listen`]s; [`tls`] and [`stream`] are what is read and written through it. The only place with
//! unsafe code: the calls of the system that no crate wraps, in [`raw`], [`queue`] and [`heap`], and a
//! descriptor that is known by its number, in [`inherited`].
//!
//! No option fails silently. A key that was not set would be a session without authentication, a TTL
//! that was not set one without protection: each is an error that names the option as the configuration
//! file does, and never the key.

#[cfg_attr(simulation, path = "simulated/accepted.rs")]
mod accepted;
pub(crate) mod accepts;
pub(crate) mod capability;
pub(crate) mod connect;
#[cfg_attr(simulation, path = "simulated/dial.rs")]
mod dial;
pub mod heap;
pub(crate) mod inherited;
pub(crate) mod keys;
#[cfg_attr(simulation, path = "simulated/listen.rs")]
pub(crate) mod listen;
pub(crate) mod listening;
pub(crate) mod options;
pub(crate) mod peer;
pub(crate) mod place;
#[cfg_attr(simulation, path = "simulated/queue.rs")]
pub(crate) mod queue;
mod raw;
pub(crate) mod route;
pub(crate) mod settings;
pub(crate) mod standing;
pub(crate) mod stream;
#[cfg_attr(simulation, path = "simulated/tcp.rs")]
pub(crate) mod tcp;
pub(crate) mod tls;

#[cfg(test)]
mod tests;

/// An error of the system as people read it: its sentence without the number.
pub(crate) fn describe(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error ") {
        Some((sentence, _)) => sentence.to_owned(),
        None => text,
    }
}
