//! A connection from a prefix: its Initiation says which router it is of.

use std::time::Duration;

use shared::names::RouterName;

use super::Incoming;
use crate::config::ServerTls;
use crate::net::stream::Stream;
use crate::net::tls;
use crate::platform::select;
use crate::sources::pending::PendingPlace;
use crate::wire::bmp::{COMMON_HEADER_LEN, Frame, INITIATION, Message, system_name};

/// How much is read at a time: an Initiation is short.
const PIECE: usize = 4096;

/// Why there is no TLS with a router.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unsecured {
    #[error(transparent)]
    Setup(#[from] tls::SetupError),
    #[error(transparent)]
    Failed(#[from] tls::TlsError),
}

/// Why it is not known which router it is of; for people.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unidentified {
    #[error(transparent)]
    Unsecured(#[from] Unsecured),
    #[error("its first message is not a whole Initiation (RFC 7854 section 4.3): {0}")]
    NoInitiation(String),
    #[error("no Initiation came within {} s", .0.as_secs())]
    TimedOut(Duration),
    #[error("it closed the connection before its Initiation")]
    Closed,
    #[error(
        "another connection has its place: as many wait for an Initiation as maximum-pending allows"
    )]
    PlaceLost,
}

impl Unidentified {
    fn of_io(error: std::io::Error) -> Self {
        match error.downcast::<tls::TlsError>() {
            Ok(error) => Unsecured::Failed(error).into(),
            Err(_) => Unidentified::Closed,
        }
    }
}

/// Does the TLS handshake, if there is to be one and was none, and waits for the Initiation, with a place among those who
/// wait if it needs one. The name in the Initiation, if there is one that can be used, and the connection with what was
/// read.
pub(super) async fn identify(
    mut incoming: Incoming,
    place: Option<&PendingPlace>,
    timeout: Duration,
    message_max: usize,
    tls: Option<ServerTls>,
) -> Result<(Option<RouterName>, Incoming), Unidentified> {
    select! {
        identified = async {
            if let Some(tls) = tls {
                incoming.stream = secure(incoming.stream, &tls, timeout).await?;
            }
            let name = read_initiation(&mut incoming, message_max).await?;
            Ok((name, incoming))
        } => identified,
        () = tokio::time::sleep(timeout) => Err(Unidentified::TimedOut(timeout)),
        () = lost(place) => Err(Unidentified::PlaceLost),
    }
}

/// TLS over a connection that has none.
pub(super) async fn secure(
    stream: Stream,
    tls: &ServerTls,
    timeout: Duration,
) -> Result<Stream, Unsecured> {
    let Stream::Plain(tcp) = stream else { return Ok(stream) };
    let name = tls::client_name(tls)?;
    let stream = tls::accept_handshake(tcp, &tls.config.0, name, timeout).await?;
    Ok(Stream::Tls(Box::new(stream)))
}

async fn read_initiation(
    incoming: &mut Incoming,
    message_max: usize,
) -> Result<Option<RouterName>, Unidentified> {
    let Incoming { stream, read, .. } = incoming;
    loop {
        match initiation(read, message_max) {
            Ok(Some(name)) => return Ok(name),
            Ok(None) => {}
            Err(text) => return Err(Unidentified::NoInitiation(text)),
        }
        stream.readable().await.map_err(Unidentified::of_io)?;
        let mut piece = [0; PIECE];
        match stream.try_read(&mut piece) {
            Ok(0) => return Err(Unidentified::Closed),
            Ok(n) => read.extend_from_slice(piece.get(..n).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(Unidentified::of_io(error)),
        }
    }
}

async fn lost(place: Option<&PendingPlace>) {
    match place {
        Some(place) => place.lost().await,
        None => std::future::pending().await,
    }
}

/// The name in the Initiation that `bytes` begins with; `None` if it is not whole yet.
fn initiation(bytes: &[u8], max: usize) -> Result<Option<Option<RouterName>>, String> {
    let frame = Frame::find(bytes, max).map_err(|error| error.to_string())?;
    let Some(frame) = frame else {
        // The type is known before the message is whole.
        return match bytes.get(COMMON_HEADER_LEN - 1) {
            Some(kind) if *kind != INITIATION => Err(format!("it has type {kind}")),
            _ => Ok(None),
        };
    };
    let body = bytes.get(COMMON_HEADER_LEN..frame.len).unwrap_or_default();
    match Message::parse(frame.kind, body) {
        Ok(Message::Initiation { tlvs }) => {
            let name = system_name(tlvs).and_then(|name| RouterName::of_system_name(&name));
            Ok(Some(name))
        }
        Ok(_) => Err(format!("it has type {}", frame.kind)),
        Err(error) => Err(error.to_string()),
    }
}
