//! A connection from a prefix: its Initiation says which router it is of.

use std::net::SocketAddr;
use std::time::Duration;

use shared::names::RouterName;

use super::Incoming;
use crate::net::tcp::TcpStream;
use crate::select::select;
use crate::sources::pending::PendingPlace;
use crate::wire::bmp::{COMMON_HEADER_LEN, Frame, INITIATION, Message, system_name};

/// How much is read at a time: an Initiation is short.
const PIECE: usize = 4096;

/// Why it is not known which router it is of; for people.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unidentified {
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

/// Waits for the Initiation, with a place among those who wait if it needs one. The name that it has, if there is one that can be used, and the connection with what was
/// read.
pub(super) async fn identify(
    stream: TcpStream,
    remote: SocketAddr,
    place: Option<&PendingPlace>,
    timeout: Duration,
    message_max: usize,
) -> Result<(Option<RouterName>, Incoming), Unidentified> {
    let mut read = Vec::new();
    let until = tokio::time::Instant::now() + timeout;
    loop {
        match initiation(&read, message_max) {
            Ok(Some(name)) => return Ok((name, Incoming { stream, remote, read })),
            Ok(None) => {}
            Err(text) => return Err(Unidentified::NoInitiation(text)),
        }
        select! {
            readable = stream.readable() => readable.map_err(|_| Unidentified::Closed)?,
            () = tokio::time::sleep_until(until) => return Err(Unidentified::TimedOut(timeout)),
            () = lost(place) => return Err(Unidentified::PlaceLost),
        }
        let mut piece = [0; PIECE];
        match stream.try_read(&mut piece) {
            Ok(0) => return Err(Unidentified::Closed),
            Ok(n) => read.extend_from_slice(piece.get(..n).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return Err(Unidentified::Closed),
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
