//! A TLS connection over a TCP one, with the readiness of tokio: nothing here waits but the handshake.
//!
//! What rustls buffers is bounded: a write is accepted only when no encrypted data is pending any more, and then at
//! most [`BUFFER`] bytes at a time; a read stops when it has something.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use super::error::{Circumstances, TlsError, cause};
use super::validity::Validity;
use crate::net::tcp::TcpStream;
use rustls::client::{ClientConfig, verify_server_name};
use rustls::pki_types::ServerName;
use rustls::server::{ParsedCertificate, ServerConfig};
use rustls::{ClientConnection, Connection, ServerConnection};

/// The most bytes that wait encrypted in this process: 64 KiB.
const BUFFER: usize = 64 * 1024;

/// How many reads in a row may return no data for the user. A station that sends nothing but key updates must not
/// starve others.
const ROUNDS: usize = 16;

/// A TLS connection whose handshake is done. See [`crate::net::stream::Stream`] for its use.
#[derive(Debug)]
pub(crate) struct TlsStream {
    tcp: TcpStream,
    tls: Connection,
    have_certificate: bool,
    /// True if there may be decrypted data that was not read: the system does not report it.
    unread: bool,
    closing: bool,
}

/// Does the TLS handshake as the client and verifies that the peer's certificate has that name. Dropping it while it
/// waits closes the connection.
///
/// # Errors
///
/// See [`TlsError`]. The peer receives an alert with the reason, if the system has room.
pub(crate) async fn handshake(
    tcp: TcpStream,
    config: &Arc<ClientConfig>,
    name: ServerName<'static>,
    timeout: Duration,
) -> Result<TlsStream, TlsError> {
    let have_certificate = config.client_auth_cert_resolver.has_certs();
    let now = Circumstances { is_tls: false, have_certificate, is_server: false };
    let tls = ClientConnection::new(Arc::clone(config), name)
        .map_err(|error| TlsError::new(error, now))?;
    TlsStream::new(tcp, tls.into(), have_certificate).shaken(timeout).await
}

/// The same as the server; the certificate of the peer must have that name, if there is one.
///
/// # Errors
///
/// See [`TlsError`].
pub(crate) async fn accept_handshake(
    tcp: TcpStream,
    config: &Arc<ServerConfig>,
    name: Option<ServerName<'static>>,
    timeout: Duration,
) -> Result<TlsStream, TlsError> {
    let now = Circumstances { is_tls: false, have_certificate: true, is_server: true };
    let tls =
        ServerConnection::new(Arc::clone(config)).map_err(|error| TlsError::new(error, now))?;
    let stream = TlsStream::new(tcp, tls.into(), true).shaken(timeout).await?;
    if let Some(name) = name {
        let certificate = stream.tls.peer_certificates().and_then(<[_]>::first);
        let certificate = certificate.ok_or(TlsError::NoCertificate)?;
        ParsedCertificate::try_from(certificate)
            .and_then(|parsed| verify_server_name(&parsed, &name))
            .map_err(|error| TlsError::new(error, now))?;
    }
    Ok(stream)
}

impl TlsStream {
    fn new(tcp: TcpStream, mut tls: Connection, have_certificate: bool) -> Self {
        tls.set_buffer_limit(Some(BUFFER));
        // What is received with the last message of the handshake is decrypted with it, so `unread`.
        Self { tcp, tls, have_certificate, unread: true, closing: false }
    }

    async fn shaken(mut self, timeout: Duration) -> Result<Self, TlsError> {
        match tokio::time::timeout(timeout, self.shake_hands()).await {
            Ok(done) => done.map(|()| self),
            Err(_) => Err(TlsError::TimedOut(timeout)),
        }
    }

    async fn shake_hands(&mut self) -> Result<(), TlsError> {
        loop {
            match self.flush() {
                Ok(()) if !self.tls.is_handshaking() => return Ok(()),
                Ok(()) => self.tcp.readable().await?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.tcp.writable().await?;
                    continue;
                }
                Err(error) => return Err(error.into()),
            }
            match self.receive() {
                Ok(0) => return Err(TlsError::Closed),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub(crate) async fn readable(&self) -> io::Result<()> {
        if self.unread { Ok(()) } else { self.tcp.readable().await }
    }

    pub(crate) fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        for _ in 0..ROUNDS {
            match self.tls.reader().read(buffer) {
                Ok(n) => {
                    self.unread = n > 0 && n == buffer.len();
                    return Ok(n);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.unread = false,
                // A close without close_notify (RFC 8446 section 6.1). Nothing that a station sends is used, and a
                // router whose connection is lost is held whatever the reason.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                Err(error) => return Err(error),
            }
            self.receive()?;
        }
        // There may be more: `readable` returns at once.
        self.unread = true;
        Err(io::ErrorKind::WouldBlock.into())
    }

    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.closing {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        // More is accepted only when all was sent: else each call could leave a little more behind.
        self.flush()?;
        let mut taken = 0;
        while taken < bytes.len() {
            taken += self.tls.writer().write(&bytes[taken..])?;
            match self.flush() {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(taken)
    }

    pub(crate) fn wants_write(&self) -> bool {
        self.tls.wants_write()
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        match self.send() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                Err(self.last_words().unwrap_or(error))
            }
            sent => sent,
        }
    }

    pub(crate) fn begin_close(&mut self) {
        if !self.closing {
            self.closing = true;
            self.tls.send_close_notify();
            // What is left of it is in `wants_write`; a failed connection needs no close_notify.
            let _ = self.send();
        }
    }

    pub(crate) fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// The version of TLS, such as `TLSv1_3`, and from when to when the certificate of the other side is valid.
    pub(crate) fn facts(&self) -> (String, Option<Validity>) {
        let version = self.tls.protocol_version();
        let version = version.map_or_else(|| "TLS".to_owned(), |version| format!("{version:?}"));
        let certificate = self.tls.peer_certificates().and_then(<[_]>::first);
        (version, certificate.and_then(Validity::of))
    }

    /// Passes all encrypted data to the system.
    fn send(&mut self) -> io::Result<()> {
        while self.tls.wants_write() {
            if self.tls.write_tls(&mut Socket(&self.tcp))? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        Ok(())
    }

    /// Reads some of what the system has and decrypts it; 0 is the end.
    fn receive(&mut self) -> io::Result<usize> {
        let n = self.tls.read_tls(&mut Socket(&self.tcp))?;
        let processed = self.tls.process_new_packets();
        // An alert with the reason, or the answer to a key update; what is left of it is in `wants_write`, and the
        // failure of a connection is reported by the next read.
        let _ = self.send();
        match processed {
            Ok(_) => Ok(n),
            Err(error) => {
                let now = Circumstances {
                    is_tls: self.tls.protocol_version().is_some(),
                    have_certificate: self.have_certificate,
                    is_server: matches!(self.tls, Connection::Server(_)),
                };
                Err(io::Error::new(io::ErrorKind::InvalidData, TlsError::new(error, now)))
            }
        }
    }

    /// The alert that the station sent before it closed the connection. It sends the reason and closes, and if we are
    /// just writing then that fails before its alert is read.
    fn last_words(&mut self) -> Option<io::Error> {
        for _ in 0..ROUNDS {
            match self.receive() {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => return cause(&error).is_some().then_some(error),
            }
        }
        None
    }
}

/// The socket as rustls reads and writes it: what would block is an error.
struct Socket<'a>(&'a TcpStream);

impl Read for Socket<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
