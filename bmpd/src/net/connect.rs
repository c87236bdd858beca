//! Outgoing TCP connections, to stations and to neighbors.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::options::{Hops, OptionError, Options};
use super::place::SocketError;
use super::settings::Place;
use super::tcp::TcpStream;
use super::{describe, dial};

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// There is no socket where it should be.
    #[error("{0}")]
    Place(SocketError),
    /// The system has refused an option.
    #[error("{0}")]
    Option(OptionError),
    /// The other side or the network has refused.
    #[error("{}", describe(.0))]
    Io(io::Error),
    /// There was no answer.
    #[error("no answer within {} s{}", waited.as_secs(), hint(authentication.as_deref(), *near))]
    TimedOut {
        /// For how long.
        waited: Duration,
        /// The option that authenticates, if there is one: it may be the cause.
        authentication: Option<String>,
        /// True with `ttl-security`: it may be the cause.
        near: bool,
    },
}

#[cfg(test)]
impl ConnectError {
    /// The number of the system's error; none for a timeout.
    pub(super) fn raw_os_error(&self) -> Option<i32> {
        match self {
            ConnectError::Place(error) => error.io().raw_os_error(),
            ConnectError::Option(error) => error.error.raw_os_error(),
            ConnectError::Io(error) => error.raw_os_error(),
            ConnectError::TimedOut { .. } => None,
        }
    }
}

/// Segments with the wrong signature, or without one where one is expected, are dropped on both sides without a reply;
/// so is the reset of a port without a listener, which is not signed (RFC 2385 section 4.1).
fn hint(authentication: Option<&str>, near: bool) -> String {
    let key = match authentication {
        Some(name) => format!(
            "; with {name} that is also what a wrong or missing key at the other side looks like, or \
             nobody listening there"
        ),
        None => "; a side that expects TCP MD5 or TCP-AO looks the same: no key is configured here"
            .to_owned(),
    };
    if near {
        // What comes from too far is dropped as well (RFC 5082 section 3).
        return format!(
            "; with ttl-security that is also what another side looks like that is further away, or has \
             none{key}"
        );
    }
    key
}

/// Connects from a place, with options. It sends as soon as there is something to send (TCP_NODELAY).
/// Safe to be dropped while it waits: the attempt ends.
///
/// An interface in the options takes the place of the device in `place`: a socket is bound to one, and the interface is
/// the more specific choice. One that is enslaved to a VRF's device is in that VRF all the same.
///
/// # Errors
///
/// See [`ConnectError`].
pub(crate) async fn connect(
    address: SocketAddr,
    place: &Place,
    options: &Options,
) -> Result<TcpStream, ConnectError> {
    let timed_out = |waited| ConnectError::TimedOut {
        waited,
        authentication: options.authentication_name(),
        near: matches!(options.hops, Hops::Security(_)),
    };
    let attempt = dial::dial(address, place, options, &timed_out);
    match tokio::time::timeout(options.connect_timeout, attempt).await {
        Ok(connected) => connected,
        Err(_) => Err(timed_out(options.connect_timeout)),
    }
}
