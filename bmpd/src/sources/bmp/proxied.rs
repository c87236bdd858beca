//! A connection that a proxy carries: the header in front of it has the address of its router.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::net;
use crate::net::tcp::TcpStream;
use crate::platform::select;
use crate::sources::pending::PendingPlace;
use crate::wire::proxy::{self, BadProxyHeader, FIXED_LEN};

/// The longest header that is read: addresses and TLVs.
const LENGTH_MAX: usize = 4096;

/// Why it is not known which router it is of; for people.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoSource {
    #[error("{0}")]
    Malformed(#[from] BadProxyHeader),
    #[error(
        "the header of the PROXY protocol has {0} bytes after the first 16; at most {LENGTH_MAX} are allowed"
    )]
    TooLong(usize),
    #[error("no header of the PROXY protocol came within {} s", .0.as_secs())]
    TimedOut(Duration),
    #[error("the proxy closed the connection and sent nothing")]
    Nothing,
    #[error("the proxy closed the connection before the header of the PROXY protocol was whole")]
    Closed,
    #[error("the connection failed before the header of the PROXY protocol was whole: {}", net::describe(.0))]
    Io(io::Error),
    #[error("another connection has its place: as many wait as maximum-pending allows")]
    PlaceLost,
}

/// Reads the header, and nothing behind it. The router's end of the connection; `None` if it is one of the proxy
/// itself.
pub(super) async fn source(
    stream: &TcpStream,
    place: &PendingPlace,
    timeout: Duration,
) -> Result<Option<SocketAddr>, NoSource> {
    select! {
        source = read(stream) => source,
        () = place.lost() => Err(NoSource::PlaceLost),
        () = tokio::time::sleep(timeout) => Err(NoSource::TimedOut(timeout)),
    }
}

async fn read(stream: &TcpStream) -> Result<Option<SocketAddr>, NoSource> {
    let mut fixed = [0; FIXED_LEN];
    let (first, others) = fixed.split_at_mut(1);
    read_exactly(stream, first).await.map_err(|why| match why {
        NoSource::Closed | NoSource::Io(_) => NoSource::Nothing,
        why => why,
    })?;
    read_exactly(stream, others).await?;
    let length = proxy::length(&fixed)?;
    if length > LENGTH_MAX {
        return Err(NoSource::TooLong(length));
    }
    let mut rest = vec![0; length];
    read_exactly(stream, &mut rest).await?;
    Ok(proxy::source(&fixed, &rest)?)
}

async fn read_exactly(stream: &TcpStream, mut buffer: &mut [u8]) -> Result<(), NoSource> {
    while !buffer.is_empty() {
        stream.readable().await.map_err(NoSource::Io)?;
        match stream.try_read(buffer) {
            Ok(0) => return Err(NoSource::Closed),
            Ok(n) => buffer = buffer.get_mut(n..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(NoSource::Io(error)),
        }
    }
    Ok(())
}
