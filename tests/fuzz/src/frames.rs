//! Frames of the local socket, to bmpd and to bmpctl.

use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::frame::{self, FrameError, HEADER_LEN, Header, Kind};
use shared::request::Request;
use shared::response::Response;

/// Bytes of a client, or of something that answers in place of bmpd: an error with the cause, or
/// a value that encodes to a frame with the same value in it. However the bytes are split, the frames are the same.
///
/// Version 0 stands for the current one: inputs that were found once stay readable.
pub fn frames(bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    if let Some(version) = bytes.get_mut(4..6).filter(|version| *version == [0, 0]) {
        version.copy_from_slice(&frame::PROTOCOL_VERSION.to_be_bytes());
    }
    let bytes = &bytes[..];
    let whole = frames_of([bytes]);
    for step in [1, 7, HEADER_LEN] {
        assert_eq!(frames_of(bytes.chunks(step)), whole);
    }
    let mut stream = bytes;
    for (kind, body) in &whole.0 {
        let read = frame::read(&mut stream);
        assert!(read.is_ok_and(|(k, b)| k == *kind && b == *body), "two readers of one stream");
        let (len, max) = (body.len(), kind.max_len());
        assert!(len <= max, "a body of {len} bytes, {max} are allowed");
        match kind {
            Kind::Request => same_again::<Request>(*kind, body),
            Kind::Response | Kind::Part => same_again::<Response>(*kind, body),
            Kind::Refusal => {
                assert!(frame::decode::<Response>(*kind, body).is_err());
                let text = String::from_utf8_lossy(body);
                let again = frame::refusal(&text);
                assert!(again.len() <= HEADER_LEN + Kind::Refusal.max_len());
            }
        }
    }
    // A mutation of a body need not find a header first.
    same_again::<Request>(Kind::Request, bytes);
    same_again::<Response>(Kind::Response, bytes);
}

/// The frames at the beginning, and the error in what follows.
fn frames_of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> (Vec<(Kind, Vec<u8>)>, String) {
    let (mut read, mut found) = (Vec::new(), Vec::new());
    for part in parts {
        read.extend_from_slice(part);
        loop {
            match frame::take(&mut read) {
                Ok(Some(frame)) => found.push(frame),
                Ok(None) => break,
                Err(error) => return (found, said(&error)),
            }
        }
    }
    if let Some(header) = read.first_chunk::<HEADER_LEN>()
        && let Ok(Header { kind, len }) = Header::parse(*header)
    {
        assert!(read.len() < HEADER_LEN + len && len <= kind.max_len());
    }
    (found, String::new())
}

fn same_again<T: Serialize + DeserializeOwned + std::fmt::Debug + PartialEq>(
    kind: Kind,
    body: &[u8],
) {
    let value = match frame::decode::<T>(kind, body) {
        Ok(value) => value,
        Err(error) => {
            said(&error);
            return;
        }
    };
    let mut bytes = match frame::encode(kind, &value) {
        Ok(bytes) => bytes,
        Err(FrameError::TooLong(..)) => return,
        Err(error) => panic!("{value:?} cannot be sent: {error}"),
    };
    match frame::take(&mut bytes) {
        Ok(Some((again, body))) => {
            assert_eq!(again, kind);
            match frame::decode::<T>(kind, &body) {
                Ok(again) => assert_eq!(again, value),
                Err(error) => panic!("{value:?} cannot be read again: {error}"),
            }
        }
        other => panic!("{value:?} is no frame: {other:?}"),
    }
    assert!(bytes.is_empty());
}

/// The text of an error, fit for a terminal.
fn said(error: &FrameError) -> String {
    let text = error.to_string();
    assert!(!text.is_empty() && text.len() < 2000, "{} bytes", text.len());
    text
}
