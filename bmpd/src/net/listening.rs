//! What a listener is asked for, and why there is none: the same over the system and in a simulation.

use std::io;

use super::capability::{Capability, Missing};
use super::describe;
use super::keys::PeerKey;
use super::options::OptionError;
use super::place::SocketError;

/// What a listener needs beside its address.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ListenOptions<'a> {
    /// The keys of those that connect; see [`Listener::set_keys`].
    pub(crate) keys: &'a [PeerKey],
    /// The greatest segment that is asked for: 88 to 32767 bytes. It goes into the answer to a SYN, so
    /// it is one for all: the least of theirs.
    pub(crate) mss: Option<u16>,
}

/// Why nobody listens.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenError {
    /// There is no socket where it should be.
    #[error("{0}")]
    Place(SocketError),
    /// The system has refused an option.
    #[error("{0}")]
    Option(OptionError),
    /// The address cannot be had.
    #[error("{}{}", describe(.0), hint(.0))]
    Io(io::Error),
}

/// The one thing that a listener can lack: a port below 1024 is not for everybody.
fn hint(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::EACCES) => format!("; {}", Missing(Capability::NetBindService)),
        _ => String::new(),
    }
}

impl ListenError {
    /// The number of the system's error.
    pub(crate) fn raw_os_error(&self) -> Option<i32> {
        match self {
            ListenError::Place(error) => error.io().raw_os_error(),
            ListenError::Option(error) => error.error.raw_os_error(),
            ListenError::Io(error) => error.raw_os_error(),
        }
    }
}
