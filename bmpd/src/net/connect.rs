//! Outgoing TCP connections.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpSocket, TcpStream};

/// How long an attempt may take.
const TIMEOUT: Duration = Duration::from_secs(15);

/// What a connection needs beside its address.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Options<'a> {
    /// The device it is bound to (SO_BINDTODEVICE).
    pub(crate) device: Option<&'a str>,
    /// How long sent data may stay unacknowledged, or unsent for want of a window (TCP_USER_TIMEOUT). It
    /// takes the place of the number of keepalive probes.
    pub(crate) user_timeout: Option<Duration>,
}

/// Connects, with keepalive probes after a minute of silence and every 10 s then; a peer that answers
/// none is given up after six of them, or after the user timeout if there is one.
pub(crate) async fn connect(address: SocketAddr, options: Options<'_>) -> io::Result<TcpStream> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    if let Some(device) = options.device {
        socket.bind_device(Some(device.as_bytes()))?;
    }
    keep_alive(&SockRef::from(&socket))?;
    if let Some(timeout) = options.user_timeout {
        SockRef::from(&socket).set_tcp_user_timeout(Some(timeout))?;
    }
    match tokio::time::timeout(TIMEOUT, socket.connect(address)).await {
        Ok(connected) => {
            let stream = connected?;
            stream.set_nodelay(true)?;
            Ok(stream)
        }
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "no answer within 15 s")),
    }
}

/// Notices a peer that has gone without a word, such as a station that was rebooted.
pub(crate) fn keep_alive(socket: &SockRef<'_>) -> io::Result<()> {
    socket.set_tcp_keepalive(
        &TcpKeepalive::new()
            .with_time(Duration::from_secs(60))
            .with_interval(Duration::from_secs(10))
            .with_retries(6),
    )
}
