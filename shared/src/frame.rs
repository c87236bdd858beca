//! Frames: a fixed header, then a body.
//!
//! ```text
//! "BMPC"  protocol version (2)  kind (1)  0 (1)  length of the body (4)     numbers are big-endian
//! ```
//!
//! This is the only file that depends on the encoding of bodies (bincode). The length is checked against
//! the limit of the kind before anything is allocated, decoding is bounded by the same limit, and
//! bytes left over after a value are an error.

use std::io::{self, Read};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The version of the kinds and the bodies. It changes whenever [`crate::request`] or [`crate::response`] do; the golden
/// file of a version (`tests/golden`) holds it to that.
pub const PROTOCOL_VERSION: u16 = 14;

/// The length of the header.
pub const HEADER_LEN: usize = 12;

const MAGIC: [u8; 4] = *b"BMPC";
const REQUEST_MAX: usize = 64 * 1024;
const RESPONSE_MAX: usize = 16 * 1024 * 1024;
const REFUSAL_MAX: usize = 4096;

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A [`crate::request::Request`].
    Request,
    /// A [`crate::response::Response`].
    Response,
    /// A text (UTF-8, at most 4 KiB): the other side cannot read what it got. The same in every
    /// version.
    Refusal,
    /// A [`crate::response::Response`] of which there is more: the next frame has further items of the same answer
    /// ([`crate::response::Response::append`]), and the last one is of kind [`Kind::Response`].
    Part,
}

impl Kind {
    const fn code(self) -> u8 {
        match self {
            Kind::Request => 0,
            Kind::Response => 1,
            Kind::Refusal => 2,
            Kind::Part => 3,
        }
    }

    /// The greatest body of this kind, in bytes.
    pub const fn max_len(self) -> usize {
        match self {
            Kind::Request => REQUEST_MAX,
            Kind::Response | Kind::Part => RESPONSE_MAX,
            Kind::Refusal => REFUSAL_MAX,
        }
    }
}

/// Why bytes are not a frame, or a body not a value.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The first bytes are not those of this protocol.
    #[error("this is not the protocol of bmpd")]
    NotOurs,
    /// The other side speaks another version.
    #[error("the other side speaks protocol version {0}, this one speaks {PROTOCOL_VERSION}")]
    Version(u16),
    /// The header names a kind that does not exist.
    #[error("unknown kind of frame {0}")]
    Kind(u8),
    /// The body would be longer than its kind allows.
    #[error("a body of {0} bytes is too long: at most {1} are allowed")]
    TooLong(usize, usize),
    /// The body does not decode.
    #[error("the body cannot be read: {0}")]
    Body(String),
    /// The body continues after the value.
    #[error("the body has {0} bytes too many")]
    Trailing(usize),
    /// Reading failed, or the stream ended within a frame.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A decoded header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What follows.
    pub kind: Kind,
    /// The length of the body in bytes, at most [`Kind::max_len`].
    pub len: usize,
}

impl Header {
    /// Reads a header. A refusal is read whatever its version is.
    pub fn parse(bytes: [u8; HEADER_LEN]) -> Result<Self, FrameError> {
        let [m0, m1, m2, m3, v0, v1, kind, _, l0, l1, l2, l3] = bytes;
        if [m0, m1, m2, m3] != MAGIC {
            return Err(FrameError::NotOurs);
        }
        let version = u16::from_be_bytes([v0, v1]);
        if kind != Kind::Refusal.code() && version != PROTOCOL_VERSION {
            return Err(FrameError::Version(version));
        }
        let kind = match kind {
            0 => Kind::Request,
            1 => Kind::Response,
            2 => Kind::Refusal,
            3 => Kind::Part,
            other => return Err(FrameError::Kind(other)),
        };
        let len = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
        if len > kind.max_len() {
            return Err(FrameError::TooLong(len, kind.max_len()));
        }
        Ok(Self { kind, len })
    }
}

fn frame(kind: Kind, body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(HEADER_LEN + body.len());
    frame.extend_from_slice(&MAGIC);
    frame.extend_from_slice(&PROTOCOL_VERSION.to_be_bytes());
    frame.extend_from_slice(&[kind.code(), 0]);
    frame.extend_from_slice(&(body.len() as u32).to_be_bytes());
    frame.extend_from_slice(body);
    frame
}

/// A whole frame with a value.
pub fn encode<T: Serialize>(kind: Kind, value: &T) -> Result<Vec<u8>, FrameError> {
    let body = bincode::serde::encode_to_vec(value, bincode::config::standard())
        .map_err(|error| FrameError::Body(error.to_string()))?;
    if body.len() > kind.max_len() {
        return Err(FrameError::TooLong(body.len(), kind.max_len()));
    }
    Ok(frame(kind, &body))
}

/// A whole frame of kind [`Kind::Refusal`]; the text is cut at 4 KiB.
pub fn refusal(text: &str) -> Vec<u8> {
    let mut end = text.len().min(REFUSAL_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    frame(Kind::Refusal, &text.as_bytes()[..end])
}

/// Reads the value in a body of a frame of this kind.
pub fn decode<T: DeserializeOwned>(kind: Kind, body: &[u8]) -> Result<T, FrameError> {
    let config = bincode::config::standard();
    let decoded = match kind {
        Kind::Request => {
            bincode::serde::decode_from_slice(body, config.with_limit::<REQUEST_MAX>())
        }
        Kind::Response | Kind::Part => {
            bincode::serde::decode_from_slice(body, config.with_limit::<RESPONSE_MAX>())
        }
        Kind::Refusal => return Err(FrameError::Kind(Kind::Refusal.code())),
    };
    let (value, used): (T, usize) = decoded.map_err(|error| FrameError::Body(error.to_string()))?;
    if used < body.len() {
        return Err(FrameError::Trailing(body.len() - used));
    }
    Ok(value)
}

/// Takes a whole frame off the beginning of what has been read; `None` if it is incomplete.
pub fn take(bytes: &mut Vec<u8>) -> Result<Option<(Kind, Vec<u8>)>, FrameError> {
    let Some(header) = bytes.first_chunk::<HEADER_LEN>() else { return Ok(None) };
    let Header { kind, len } = Header::parse(*header)?;
    if bytes.len() < HEADER_LEN + len {
        return Ok(None);
    }
    let rest = bytes.split_off(HEADER_LEN + len);
    let body = std::mem::replace(bytes, rest).split_off(HEADER_LEN);
    Ok(Some((kind, body)))
}

/// Reads one whole frame from a blocking stream.
pub fn read(stream: &mut impl Read) -> Result<(Kind, Vec<u8>), FrameError> {
    let mut header = [0; HEADER_LEN];
    stream.read_exact(&mut header)?;
    let Header { kind, len } = Header::parse(header)?;
    let mut body = Vec::new();
    stream.take(len as u64).read_to_end(&mut body)?;
    if body.len() < len {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok((kind, body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::Selector;
    use crate::request::{Operation, Request, ResetSession};
    use crate::response::Response;
    use proptest::prelude::*;

    fn reset_all() -> Request {
        Request::Operation(Operation::ResetSession(ResetSession {
            legs: Selector::All { vpn_instance: None }.into(),
            stagger: 0,
            follow: false,
        }))
    }

    #[test]
    fn a_frame_reads_back() {
        let bytes = encode(Kind::Request, &reset_all()).unwrap();
        let (kind, body) = read(&mut &bytes[..]).unwrap();
        assert_eq!(kind, Kind::Request);
        assert_eq!(decode::<Request>(kind, &body).unwrap(), reset_all());
    }

    #[test]
    fn frames_are_taken_one_by_one_however_their_bytes_come() {
        let one = encode(Kind::Request, &reset_all()).unwrap();
        let all = [&one[..], &refusal("no"), &one].concat();
        for step in [1, 2, 13, all.len()] {
            let (mut bytes, mut taken) = (Vec::new(), Vec::new());
            for part in all.chunks(step) {
                bytes.extend_from_slice(part);
                while let Some((kind, body)) = take(&mut bytes).unwrap() {
                    taken.push((kind, body));
                }
            }
            assert_eq!(taken.len(), 3, "{step}");
            assert_eq!(taken[0], (Kind::Request, one[HEADER_LEN..].to_vec()));
            assert_eq!(taken[1], (Kind::Refusal, b"no".to_vec()));
            assert!(bytes.is_empty());
        }
        assert!(matches!(take(&mut b"GET / HTTP/1.1".to_vec()), Err(FrameError::NotOurs)));
    }

    #[test]
    fn another_version_is_named_and_a_refusal_is_read_all_the_same() {
        let mut bytes = encode(Kind::Request, &reset_all()).unwrap();
        let other = PROTOCOL_VERSION + 1;
        bytes[4..6].copy_from_slice(&other.to_be_bytes());
        assert!(matches!(read(&mut &bytes[..]), Err(FrameError::Version(v)) if v == other));
        let mut bytes = refusal("no");
        bytes[4..6].copy_from_slice(&other.to_be_bytes());
        assert_eq!(read(&mut &bytes[..]).unwrap(), (Kind::Refusal, b"no".to_vec()));
    }

    #[test]
    fn hostile_lengths_allocate_nothing_and_trailing_bytes_are_refused() {
        let mut bytes = encode(Kind::Request, &reset_all()).unwrap();
        bytes[8] = 0xff;
        assert!(matches!(read(&mut &bytes[..]), Err(FrameError::TooLong(..))));
        let mut body = encode(Kind::Request, &reset_all()).unwrap()[HEADER_LEN..].to_vec();
        body.push(0);
        assert!(matches!(decode::<Request>(Kind::Request, &body), Err(FrameError::Trailing(1))));
        // Wherever a string or a list is expected: one that claims 2^40 bytes.
        let hostile = [0xfd, 0, 0, 0, 0, 0, 1, 0, 0];
        for prefix in 0..8u8 {
            let body = [&[prefix, prefix][..], &hostile].concat();
            assert!(decode::<Response>(Kind::Response, &body).is_err());
        }
    }

    #[test]
    fn a_name_that_breaks_the_rules_does_not_decode() {
        // Change, ResetSession, All, Some, "_public_".
        let body = [&[1, 0, 0, 1, 8][..], b"_public_"].concat();
        let error = decode::<Request>(Kind::Request, &body).unwrap_err();
        assert!(error.to_string().contains("_public_"), "{error}");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&mut &bytes[..]);
            let _ = decode::<Request>(Kind::Request, &bytes);
            let _ = decode::<Response>(Kind::Response, &bytes);
            let mut framed = frame(Kind::Response, &bytes);
            framed.truncate(framed.len() - bytes.len() % 3);
            let _ = read(&mut &framed[..]);
        }
    }
}
