//! A monitored router that a test controls: it connects to bmpd, or waits for it, and sends bytes.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::Summary;
use crate::addresses::in_time;
use crate::md5;
use crate::wait::wait_for;

/// How long bmpd may take to read, on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A BMP connection of a router with bmpd. Closed when dropped.
#[derive(Debug)]
pub struct Router {
    stream: TcpStream,
    sent: Mutex<Vec<u8>>,
}

impl Router {
    /// Connects from an address to bmpd at `daemon`, as often as it takes. bmpd accepts the connections of all, and
    /// closes those of unknown routers; see [`Router::wait_closed`].
    ///
    /// # Panics
    /// When there is no TCP connection within 30 s.
    #[track_caller]
    pub fn connect(address: IpAddr, daemon: SocketAddr) -> Self {
        Self::connect_with(address, daemon, None)
    }

    /// The same with TCP MD5 signatures, if there is a key.
    ///
    /// # Panics
    /// When there is no TCP connection within 30 s.
    #[track_caller]
    pub fn connect_with(address: IpAddr, daemon: SocketAddr, key: Option<&str>) -> Self {
        let what = format!("a BMP connection from {address} to {daemon}");
        wait_for(&what, Duration::from_secs(30), || {
            let connected = Self::try_connect(address, daemon, key, Duration::from_secs(5));
            connected.map_err(|e| e.to_string())
        })
    }

    /// The same, once.
    ///
    /// # Errors
    /// When there is no TCP connection within `timeout`.
    pub fn try_connect(
        address: IpAddr,
        daemon: SocketAddr,
        key: Option<&str>,
        timeout: Duration,
    ) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(daemon), Type::STREAM, Some(Protocol::TCP))?;
        if let Some(key) = key {
            md5::protect(&socket, daemon.ip(), key)?;
        }
        socket.bind(&SocketAddr::new(address, 0).into())?;
        socket.connect_timeout(&daemon.into(), timeout)?;
        Self::of(socket.into())
    }

    fn of(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(Self { stream, sent: Mutex::default() })
    }

    /// Listens for bmpd at an address and port; 0 stands for a free one.
    ///
    /// # Panics
    /// When it cannot.
    #[track_caller]
    pub fn listen(at: SocketAddr) -> TcpListener {
        in_time(at, || TcpListener::bind(at))
    }

    /// Waits at `listener` until bmpd has connected.
    ///
    /// # Panics
    /// When it does not within 30 s.
    #[track_caller]
    pub fn accept(listener: &TcpListener) -> Self {
        listener.set_nonblocking(true).expect("a listener can be made nonblocking");
        wait_for("bmpd to connect to its router", Duration::from_secs(30), || {
            let (stream, _) = listener.accept().map_err(|e| e.to_string())?;
            stream.set_nonblocking(false).and_then(|()| Self::of(stream)).map_err(|e| e.to_string())
        })
    }

    /// The router's end of the connection.
    ///
    /// # Panics
    /// Never: it is connected.
    pub fn local(&self) -> SocketAddr {
        self.stream.local_addr().expect("a connected socket")
    }

    /// Sends bytes: whole messages, or less, or anything.
    ///
    /// # Errors
    /// When the connection is gone, or bmpd does not read for a minute.
    pub fn try_send(&self, bytes: &[u8]) -> io::Result<()> {
        (&self.stream).write_all(bytes)?;
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(())
    }

    /// The same.
    ///
    /// # Panics
    /// When the connection is gone, or bmpd does not read for a minute.
    #[track_caller]
    pub fn send(&self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes.as_ref()).unwrap_or_else(|e| panic!("{}: {e}", self.local()));
    }

    /// Sends bytes that are no part of its BMP, such as the header of a proxy.
    ///
    /// # Panics
    /// When the connection is gone, or bmpd does not read for a minute.
    #[track_caller]
    pub fn send_unrecorded(&self, bytes: &[u8]) {
        (&self.stream).write_all(bytes).unwrap_or_else(|e| panic!("{}: {e}", self.local()));
    }

    /// Sends bytes in pieces of this length, each in a segment of its own.
    ///
    /// # Panics
    /// When the connection is gone, or bmpd does not read for a minute.
    #[track_caller]
    pub fn send_in_pieces(&self, bytes: &[u8], length: usize) {
        for piece in bytes.chunks(length) {
            self.send(piece);
        }
    }

    /// All that it has sent.
    pub fn sent(&self) -> Vec<u8> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What a station knows that it feeds without bmpd in between.
    ///
    /// # Panics
    /// When it has not sent whole messages.
    #[track_caller]
    pub fn summary(&self) -> Summary {
        Summary::of(&self.sent())
    }

    /// Whether bmpd has closed the connection by now.
    ///
    /// # Panics
    /// When bmpd has sent anything: a router expects nothing (RFC 7854 section 3.2).
    #[track_caller]
    pub fn is_closed(&self) -> bool {
        self.stream.set_nonblocking(true).expect("a socket can be made nonblocking");
        let read = (&self.stream).read(&mut [0]);
        self.stream.set_nonblocking(false).expect("a socket can be made blocking");
        match read {
            Ok(0) => true,
            Ok(_) => panic!("bmpd has sent something to a router"),
            Err(e) => e.kind() != io::ErrorKind::WouldBlock,
        }
    }

    /// Waits until bmpd has closed the connection.
    ///
    /// # Panics
    /// When it does not within 30 s.
    #[track_caller]
    pub fn wait_closed(&self) {
        wait_for("bmpd to close a router's connection", Duration::from_secs(30), || {
            if self.is_closed() { Ok(()) } else { Err(format!("{} is open", self.local())) }
        });
    }

    /// Closes it.
    pub fn close(self) {
        drop(self);
    }

    /// Closes it with an RST, as a router that crashes does when it is back.
    ///
    /// # Panics
    /// When the socket does not allow it.
    pub fn reset(self) {
        let socket = socket2::SockRef::from(&self.stream);
        socket.set_linger(Some(Duration::ZERO)).expect("a socket can be made to linger");
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        let socket = socket2::SockRef::from(&self.stream);
        if !matches!(socket.linger(), Ok(Some(Duration::ZERO))) {
            let _ = self.stream.shutdown(Shutdown::Both);
        }
    }
}
