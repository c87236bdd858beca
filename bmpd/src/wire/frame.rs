//! Where a BGP message begins and ends in a stream of bytes (RFC 4271 section 4.1).

use super::bgp::{HEADER_LEN, MARKER, MAX_LEN, MAX_LEN_EXTENDED, MessageType};
use super::notification::{Code, Notification};

/// One whole message at the beginning of a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub kind: MessageType,
    /// Its length with the header.
    pub len: usize,
}

impl Frame {
    /// Finds the message that begins `bytes`; `None` if it is not whole yet.
    ///
    /// `extended` is true if both sides announced extended messages. The error is the NOTIFICATION
    /// that RFC 4271 section 6.1 prescribes.
    pub fn find(bytes: &[u8], extended: bool) -> Result<Option<Frame>, Notification> {
        let Some(header) = bytes.first_chunk::<HEADER_LEN>() else {
            // A wrong marker is noticed before the header is whole.
            return if bytes.iter().take(16).all(|byte| *byte == 0xff) {
                Ok(None)
            } else {
                Err(Notification::new(Code::ConnectionNotSynchronized, &[]))
            };
        };
        if header[..16] != MARKER {
            return Err(Notification::new(Code::ConnectionNotSynchronized, &[]));
        }
        let length = [header[16], header[17]];
        let len = usize::from(u16::from_be_bytes(length));
        let kind = match header[18] {
            1 => MessageType::Open,
            2 => MessageType::Update,
            3 => MessageType::Notification,
            4 => MessageType::Keepalive,
            5 => MessageType::RouteRefresh,
            other => return Err(Notification::new(Code::BadMessageType, &[other])),
        };
        // OPEN and KEEPALIVE stay short even with extended messages (RFC 8654 section 4).
        let (min, max) = match kind {
            MessageType::Open => (29, MAX_LEN),
            MessageType::Update => (23, if extended { MAX_LEN_EXTENDED } else { MAX_LEN }),
            MessageType::Notification => (21, if extended { MAX_LEN_EXTENDED } else { MAX_LEN }),
            MessageType::Keepalive => (19, 19),
            MessageType::RouteRefresh => (23, if extended { MAX_LEN_EXTENDED } else { MAX_LEN }),
        };
        if len < min || len > max {
            return Err(Notification::new(Code::BadMessageLength, &length));
        }
        Ok((bytes.len() >= len).then_some(Frame { kind, len }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(kind: u8, len: u16) -> Vec<u8> {
        let mut bytes = vec![0xff; 16];
        bytes.extend_from_slice(&len.to_be_bytes());
        bytes.push(kind);
        bytes
    }

    #[test]
    fn headers_are_checked_as_rfc_4271_section_6_1_says() {
        assert_eq!(
            Frame::find(&message(4, 19), false),
            Ok(Some(Frame { kind: MessageType::Keepalive, len: 19 }))
        );
        assert_eq!(Frame::find(&message(2, 4096), false), Ok(None));
        assert_eq!(Frame::find(&[0xff; 5], false), Ok(None));
        assert_eq!(
            Frame::find(&[0xff, 0xfe], false),
            Err(Notification::new(Code::ConnectionNotSynchronized, &[]))
        );
        assert_eq!(
            Frame::find(&message(2, 4097), false),
            Err(Notification::new(Code::BadMessageLength, &[0x10, 1]))
        );
        assert_eq!(Frame::find(&message(2, 4097), true), Ok(None));
        assert_eq!(
            Frame::find(&message(1, 4097), true),
            Err(Notification::new(Code::BadMessageLength, &[0x10, 1]))
        );
        assert_eq!(
            Frame::find(&message(4, 20), false),
            Err(Notification::new(Code::BadMessageLength, &[0, 20]))
        );
        assert_eq!(
            Frame::find(&message(9, 19), false),
            Err(Notification::new(Code::BadMessageType, &[9]))
        );
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..80), extended: bool) {
            let _ = Frame::find(&bytes, extended);
            let mut marked = vec![0xff; 16];
            marked.extend_from_slice(&bytes);
            let _ = Frame::find(&marked, extended);
        }
    }
}
