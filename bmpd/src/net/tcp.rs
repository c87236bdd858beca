//! TCP connections, and the two ways to end one that differ from a close.
//!
//! The rest of bmpd uses [`TcpStream`] by this name: in the simulation (`tests/sim`) it is a connection in memory.

use std::io;
use std::time::Duration;

use rustix::net::Shutdown;
use socket2::SockRef;
pub(crate) use tokio::net::TcpStream;

/// Shuts down our side: the peer receives a FIN. What it sends can still be read.
///
/// # Errors
///
/// The connection is over.
pub(crate) fn end_writing(stream: &TcpStream) -> io::Result<()> {
    Ok(rustix::net::shutdown(stream, Shutdown::Write)?)
}

/// Makes the close of a connection a reset: what the system still holds for the other side is discarded, and nothing is
/// left of it here (no TIME-WAIT).
pub(crate) fn abandon(stream: &TcpStream) {
    // Should it fail the connection is closed all the same.
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}
