//! The options of an accepted connection.

use std::os::fd::AsFd;

use socket2::SockRef;

use super::options::{Hops, OptionError, Options, TooFar};
use super::tcp::TcpStream;
use super::{keys, raw};

impl Options {
    /// Sets on an accepted connection what it does not inherit from its listener, and ensures that it is authenticated.
    /// To be called before anything is read; a connection for which it fails must be closed (see
    /// [`super::listen::refuse`]).
    ///
    /// The maximum segment size is the listener's: it was negotiated in the handshake. Data received before this call
    /// may be from further away than `ttl-security` allows; later data is not. Call [`Options::came_near`] before
    /// anything is read.
    ///
    /// # Errors
    ///
    /// The system has refused an option, or the peer has disconnected.
    pub(crate) fn accepted(&self, stream: &TcpStream) -> Result<(), OptionError> {
        let name = || "accepted connection".to_owned();
        let remote = stream.peer_addr().map_err(|error| OptionError { option: name(), error })?;
        if let Some(authentication) = &self.authentication {
            self.check_authentication(keys::ensure(stream.as_fd(), remote.ip(), authentication))?;
        }
        self.common(&SockRef::from(stream), remote.is_ipv6())
    }

    /// Checks the TTL of the SYN of an accepted connection (GTSM), as `ttl-security` requires. A neighbor's first
    /// messages can arrive before the system has the limit, and they must not count: a peer that is too far away is
    /// refused, and can be distinguished from a silent one.
    ///
    /// With SYN cookies the system has kept no SYN; then only later segments are filtered.
    ///
    /// # Errors
    ///
    /// It came from further away; the connection must be closed.
    pub(crate) fn came_near(&self, stream: &TcpStream) -> Result<(), TooFar> {
        let Hops::Security(hops) = self.hops else { return Ok(()) };
        // IP and TCP headers, as they came; zeros if there are none.
        let mut syn = [0_u8; 256];
        let found = raw::get(stream.as_fd(), libc::IPPROTO_TCP, libc::TCP_SAVED_SYN, &mut syn);
        let ttl = match (found, syn[0] >> 4) {
            (Ok(()), 4) => syn[8],
            (Ok(()), 6) => syn[7],
            // RFC 8200 allows more headers before that of TCP; a SYN needs none of them.
            (Err(error), _) if error.raw_os_error() == Some(libc::EINVAL) => 0,
            _ => return Ok(()),
        };
        let least = u8::MAX - (hops - 1);
        if ttl < least { Err(TooFar { ttl, least }) } else { Ok(()) }
    }
}
