//! The parameters of a listener, and why there is none: the same over the system and in a simulation.

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
    /// The maximum segment size: 88 to 32767 bytes. It is sent in the answer to a SYN, so one value applies to all: the
    /// lowest of theirs.
    pub(crate) mss: Option<u16>,
}

/// Why there is no listener.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenError {
    /// There is no socket where it should be.
    #[error("{0}")]
    Place(SocketError),
    /// The system has refused an option.
    #[error("{0}")]
    Option(OptionError),
    /// The address is not available.
    #[error("{}{}", describe(.0), hint(.0))]
    Io(io::Error),
}

/// The privilege that a listener can lack: ports below 1024 are restricted.
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
