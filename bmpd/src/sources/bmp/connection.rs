//! One BMP connection of a router: its socket, and what has been read from it.

use std::io;
use std::net::SocketAddr;

use crate::net::stream::Stream;
use crate::net::tcp;

/// How much is read at once. A message that is longer gets as much more as has come of it.
const READ_BUFFER: usize = 256 * 1024;

/// A connection, and the bytes that were read from it and not yet taken.
pub(super) struct Connection {
    stream: Stream,
    remote: SocketAddr,
    bytes: Vec<u8>,
    at: usize,
    filled: usize,
}

impl Connection {
    /// One of which these bytes have been read.
    pub(super) fn new(stream: Stream, remote: SocketAddr, read: &[u8]) -> Self {
        let mut bytes = vec![0; READ_BUFFER.max(read.len())];
        let filled = read.len();
        if let Some(place) = bytes.get_mut(..filled) {
            place.copy_from_slice(read);
        }
        Self { stream, remote, bytes, at: 0, filled }
    }

    /// The router's end.
    pub(super) fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// Returns when there is something to read.
    pub(super) async fn readable(&self) -> io::Result<()> {
        self.stream.readable().await
    }

    /// What was read and not yet taken.
    pub(super) fn unread(&self) -> &[u8] {
        self.bytes.get(self.at..self.filled).unwrap_or_default()
    }

    /// So many bytes were taken.
    pub(super) fn take(&mut self, count: usize) {
        self.at += count;
    }

    /// Reads what is available, at most so much; 0 if nothing is. The end of the stream is an error.
    ///
    /// Memory is taken for what has come, never for what a length says.
    pub(super) fn read(&mut self, most: usize) -> io::Result<usize> {
        self.bytes.copy_within(self.at..self.filled, 0);
        self.filled -= self.at;
        self.at = 0;
        if self.filled == self.bytes.len() {
            self.bytes.resize(2 * self.filled, 0);
        } else if self.bytes.len() > READ_BUFFER && self.filled < READ_BUFFER {
            self.bytes.truncate(READ_BUFFER);
            self.bytes.shrink_to_fit();
        }
        let room = self.bytes.get_mut(self.filled..).unwrap_or_default();
        let most = most.min(room.len());
        match self.stream.try_read(&mut room[..most]) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => {
                self.filled += n;
                Ok(n)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Ends the connection at once (RST): the router must not believe that what it has sent was taken.
    pub(super) fn abandon(self) {
        tcp::abandon(self.stream.tcp());
    }
}
