//! What a connection is read and written through: TCP, or TLS over it.
//!
//! It is used like tokio's `TcpStream`: wait for [`Stream::readable`] or [`Stream::writable`], then try. Every wait is
//! safe to be dropped. With TLS there is one difference: data accepted by [`Stream::try_write`] may still be pending in
//! this process, encrypted, at most some 64 KiB of it. While [`Stream::wants_write`] is true continue to wait for
//! `writable` and call [`Stream::flush`].

use std::io;

use super::tcp::TcpStream;
use super::tls::TlsStream;

/// A connection.
#[derive(Debug)]
pub(crate) enum Stream {
    /// Without TLS.
    Plain(TcpStream),
    /// With TLS, its handshake done.
    Tls(Box<TlsStream>),
}

impl Stream {
    /// Waits until there may be something to read, or the connection has ended.
    ///
    /// # Errors
    ///
    /// The connection has failed.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        match self {
            Stream::Plain(tcp) => tcp.readable().await,
            Stream::Tls(tls) => tls.readable().await,
        }
    }

    /// Waits until the system may have room.
    ///
    /// # Errors
    ///
    /// The connection has failed.
    pub(crate) async fn writable(&self) -> io::Result<()> {
        self.tcp().writable().await
    }

    /// Reads what is there; 0 means that the other side has closed. `buffer` must have room.
    ///
    /// With TLS it also replies to messages of TLS itself (a change of keys), so [`Stream::wants_write`] can be true
    /// after it.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if there is nothing now. The connection has failed; [`super::tls::cause`] returns the reason if it
    /// was TLS.
    pub(crate) fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(tcp) => tcp.try_read(buffer),
            Stream::Tls(tls) => tls.try_read(buffer),
        }
    }

    /// Writes as much as there is room for and returns how much that was: those bytes must not be passed again.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if there is no room now: nothing was accepted. The connection has failed; [`super::tls::cause`]
    /// returns the reason if it was TLS.
    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(tcp) => tcp.try_write(bytes),
            Stream::Tls(tls) => tls.try_write(bytes),
        }
    }

    /// True if accepted data is pending in this process: the rest has to be sent with [`Stream::flush`].
    pub(crate) fn wants_write(&self) -> bool {
        match self {
            Stream::Plain(_) => false,
            Stream::Tls(tls) => tls.wants_write(),
        }
    }

    /// Sends what is pending in this process.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if not all could be sent. The connection has failed; [`super::tls::cause`] returns the reason if it
    /// was TLS.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Plain(_) => Ok(()),
            Stream::Tls(tls) => tls.flush(),
        }
    }

    /// Starts to close: after this nothing more can be written. With TLS it sends a close_notify, without which the
    /// other side cannot distinguish a close from an attack (RFC 8446 section 6.1); it may have to be flushed. TCP
    /// itself is closed when the stream is dropped.
    pub(crate) fn begin_close(&mut self) {
        match self {
            Stream::Plain(_) => {}
            Stream::Tls(tls) => tls.begin_close(),
        }
    }

    /// The connection below: for addresses, [`super::queue`] and SO_LINGER, not for reading or writing.
    pub(crate) fn tcp(&self) -> &TcpStream {
        match self {
            Stream::Plain(tcp) => tcp,
            Stream::Tls(tls) => tls.tcp(),
        }
    }
}
