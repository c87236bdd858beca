//! BGP messages as such: the header, NOTIFICATION, KEEPALIVE (RFC 4271 section 4).
//!
//! OPEN is in [`super::open`], UPDATE in [`super::update`].

use std::borrow::Cow;
use std::fmt::{self, Write};

use super::describe::hex;
use super::family::Family;

/// The length of the BGP header: marker, length, type.
pub const HEADER_LEN: usize = 19;
/// The greatest message without the Extended Message capability (RFC 4271 section 4.1).
pub const MAX_LEN: usize = 4096;
/// The greatest message with it (RFC 8654).
pub const MAX_LEN_EXTENDED: usize = 65535;

/// The types of message that bmpd knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageType {
    /// OPEN (1).
    Open,
    /// UPDATE (2).
    Update,
    /// NOTIFICATION (3).
    Notification,
    /// KEEPALIVE (4).
    Keepalive,
    /// ROUTE-REFRESH (5, RFC 2918).
    RouteRefresh,
}

impl MessageType {
    const fn code(self) -> u8 {
        match self {
            MessageType::Open => 1,
            MessageType::Update => 2,
            MessageType::Notification => 3,
            MessageType::Keepalive => 4,
            MessageType::RouteRefresh => 5,
        }
    }
}

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
                Err(Notification::new(1, 1, &[]))
            };
        };
        if header[..16] != [0xff; 16] {
            return Err(Notification::new(1, 1, &[]));
        }
        let length = [header[16], header[17]];
        let len = usize::from(u16::from_be_bytes(length));
        let kind = match header[18] {
            1 => MessageType::Open,
            2 => MessageType::Update,
            3 => MessageType::Notification,
            4 => MessageType::Keepalive,
            5 => MessageType::RouteRefresh,
            other => return Err(Notification::new(1, 3, &[other])),
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
            return Err(Notification::new(1, 2, &length));
        }
        Ok((bytes.len() >= len).then_some(Frame { kind, len }))
    }
}

/// Appends a message made of a header and `body`.
///
/// The caller keeps `body` within [`MAX_LEN_EXTENDED`].
pub fn encode(out: &mut Vec<u8>, kind: MessageType, body: &[u8]) {
    out.extend_from_slice(&[0xff; 16]);
    out.extend_from_slice(&((HEADER_LEN + body.len()) as u16).to_be_bytes());
    out.push(kind.code());
    out.extend_from_slice(body);
}

/// How many bytes of a NOTIFICATION's data are shown.
const DATA_SHOWN_MAX: usize = 32;

/// A NOTIFICATION: why a BGP session ends (RFC 4271 section 4.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The error code.
    pub code: u8,
    /// The error subcode.
    pub subcode: u8,
    /// What the code and subcode ask for.
    pub data: Vec<u8>,
}

impl Notification {
    /// Hold Timer Expired.
    pub const HOLD_TIMER_EXPIRED: Notification =
        Notification { code: 4, subcode: 0, data: Vec::new() };
    /// Cease, Administrative Shutdown (RFC 4486).
    pub const SHUTDOWN: Notification = Notification { code: 6, subcode: 2, data: Vec::new() };
    /// Cease, Peer De-configured.
    pub const DECONFIGURED: Notification = Notification { code: 6, subcode: 3, data: Vec::new() };
    /// Cease, Other Configuration Change.
    pub const CONFIGURATION_CHANGE: Notification =
        Notification { code: 6, subcode: 6, data: Vec::new() };
    /// Cease, Connection Rejected.
    pub const REJECTED: Notification = Notification { code: 6, subcode: 5, data: Vec::new() };
    /// Cease, Out of Resources.
    pub const OUT_OF_RESOURCES: Notification =
        Notification { code: 6, subcode: 8, data: Vec::new() };
    /// Cease, Connection Collision Resolution.
    pub const COLLISION: Notification = Notification { code: 6, subcode: 7, data: Vec::new() };

    /// A NOTIFICATION with at most 4,000 bytes of data, so that it always fits into a message.
    pub fn new(code: u8, subcode: u8, data: &[u8]) -> Self {
        Self { code, subcode, data: data[..data.len().min(4000)].to_vec() }
    }

    /// Reads the body of a NOTIFICATION (what follows the header); [`Frame::find`] has seen to the
    /// two bytes that it must have, a shorter one reads as code 0.
    pub fn parse(body: &[u8]) -> Self {
        match body {
            [code, subcode, data @ ..] => {
                Self { code: *code, subcode: *subcode, data: data.to_vec() }
            }
            _ => Self { code: 0, subcode: 0, data: Vec::new() },
        }
    }

    /// True if it is about what an UPDATE says: UPDATE Message Error.
    pub fn is_of_update(&self) -> bool {
        self.code == 3
    }

    /// The whole message.
    pub fn message(&self) -> Vec<u8> {
        let mut body = vec![self.code, self.subcode];
        body.extend_from_slice(&self.data);
        let mut message = Vec::with_capacity(HEADER_LEN + body.len());
        encode(&mut message, MessageType::Notification, &body);
        message
    }

    /// What the neighbor's operator wrote for us (RFC 9003): the text of an Administrative Shutdown or
    /// Reset, up to 255 bytes. Invalid UTF-8 is replaced. `None` if there is none, or a malformed one.
    pub fn communication(&self) -> Option<Cow<'_, str>> {
        match (self.code, self.subcode, self.data.as_slice()) {
            (6, 2 | 4, [length, text @ ..]) if *length > 0 => {
                text.get(..usize::from(*length)).map(String::from_utf8_lossy)
            }
            _ => None,
        }
    }

    /// The NOTIFICATION inside a Hard Reset (RFC 8538 section 3.1), which has the reason of it. `None` for any
    /// other, or if there is none in it. A Hard Reset inside one is not looked into.
    pub fn inside_hard_reset(&self) -> Option<Notification> {
        match (self.code, self.subcode, self.data.as_slice()) {
            (6, 9, [6, 9, ..]) => None,
            (6, 9, data @ [_, _, ..]) => Some(Self::parse(data)),
            _ => None,
        }
    }

    /// The family and limit of Maximum Number of Prefixes Reached (RFC 4486 section 4), if they are there.
    fn prefix_limit(&self) -> Option<(Family, u32)> {
        match (self.code, self.subcode, self.data.as_slice()) {
            (6, 1, [high, low, safi, a, b, c, d]) => {
                let family = Family { afi: u16::from_be_bytes([*high, *low]), safi: *safi };
                Some((family, u32::from_be_bytes([*a, *b, *c, *d])))
            }
            _ => None,
        }
    }

    /// True if the data says more of an error: what was wrong in a message (RFC 4271 section 6, RFC 5492
    /// section 5), or what a Hard Reset holds that is no NOTIFICATION.
    fn shows_data(&self) -> bool {
        self.code != 6 || self.subcode == 9
    }

    fn names(&self) -> (&'static str, &'static str) {
        let code = match self.code {
            1 => "Message Header Error",
            2 => "OPEN Message Error",
            3 => "UPDATE Message Error",
            4 => "Hold Timer Expired",
            5 => "Finite State Machine Error",
            6 => "Cease",
            7 => "ROUTE-REFRESH Message Error",
            // RFC 9687.
            8 => "Send Hold Timer Expired",
            _ => "unknown error",
        };
        let subcode = match (self.code, self.subcode) {
            (1, 1) => "Connection Not Synchronized",
            (1, 2) => "Bad Message Length",
            (1, 3) => "Bad Message Type",
            (2, 1) => "Unsupported Version Number",
            (2, 2) => "Bad Peer AS",
            (2, 3) => "Bad BGP Identifier",
            (2, 4) => "Unsupported Optional Parameter",
            (2, 5) => "Authentication Failure",
            (2, 6) => "Unacceptable Hold Time",
            (2, 7) => "Unsupported Capability",
            // RFC 9234 section 4.2.
            (2, 11) => "Role Mismatch",
            (3, 1) => "Malformed Attribute List",
            (3, 2) => "Unrecognized Well-known Attribute",
            (3, 3) => "Missing Well-known Attribute",
            (3, 4) => "Attribute Flags Error",
            (3, 5) => "Attribute Length Error",
            (3, 6) => "Invalid ORIGIN Attribute",
            (3, 7) => "AS Routing Loop",
            (3, 8) => "Invalid NEXT_HOP Attribute",
            (3, 9) => "Optional Attribute Error",
            (3, 10) => "Invalid Network Field",
            (3, 11) => "Malformed AS_PATH",
            (5, 1) => "Unexpected Message in OpenSent",
            (5, 2) => "Unexpected Message in OpenConfirm",
            (5, 3) => "Unexpected Message in Established",
            (6, 1) => "Maximum Number of Prefixes Reached",
            (6, 2) => "Administrative Shutdown",
            (6, 3) => "Peer De-configured",
            (6, 4) => "Administrative Reset",
            (6, 5) => "Connection Rejected",
            (6, 6) => "Other Configuration Change",
            (6, 7) => "Connection Collision Resolution",
            (6, 8) => "Out of Resources",
            (6, 9) => "Hard Reset",
            (6, 10) => "BFD Down",
            // RFC 7313 section 5.
            (7, 1) => "Invalid Message Length",
            _ => "",
        };
        (code, subcode)
    }
}

impl fmt::Display for Notification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, subcode) = self.names();
        write!(f, "NOTIFICATION {}/{} ({code}", self.code, self.subcode)?;
        if !subcode.is_empty() {
            write!(f, ", {subcode}")?;
        }
        f.write_str(")")?;
        if let Some(text) = self.communication() {
            write!(f, ": \"{}\"", Harmless(&text))
        } else if let Some(inside) = self.inside_hard_reset() {
            write!(f, ": {inside}")
        } else if let Some((family, limit)) = self.prefix_limit() {
            write!(f, ": {family}, {limit}")
        } else if !self.data.is_empty() && self.shows_data() {
            write!(f, ", data {}", hex(&self.data, DATA_SHOWN_MAX))
        } else {
            Ok(())
        }
    }
}

/// A text from outside as it can be shown in a terminal or written into a log: characters that control one,
/// that cannot be seen, or that would end the quotation are escaped.
struct Harmless<'a>(&'a str);

impl fmt::Display for Harmless<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Unicode's format characters that a terminal does not show: zero-width ones, those that turn
        // the direction of the text, and tags.
        let invisible = |c: char| {
            matches!(c,
                '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
        };
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                c if c.is_control() || invisible(c) => write!(f, "{}", c.escape_unicode())?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(kind: u8, len: u16) -> Vec<u8> {
        let mut bytes = vec![0xff; 16];
        bytes.extend_from_slice(&len.to_be_bytes());
        bytes.push(kind);
        bytes
    }

    #[test]
    fn headers_are_judged_as_rfc_4271_section_6_1_says() {
        assert_eq!(
            Frame::find(&message(4, 19), false),
            Ok(Some(Frame { kind: MessageType::Keepalive, len: 19 }))
        );
        assert_eq!(Frame::find(&message(2, 4096), false), Ok(None));
        assert_eq!(Frame::find(&[0xff; 5], false), Ok(None));
        assert_eq!(Frame::find(&[0xff, 0xfe], false), Err(Notification::new(1, 1, &[])));
        assert_eq!(Frame::find(&message(2, 4097), false), Err(Notification::new(1, 2, &[0x10, 1])));
        assert_eq!(Frame::find(&message(2, 4097), true), Ok(None));
        assert_eq!(Frame::find(&message(1, 4097), true), Err(Notification::new(1, 2, &[0x10, 1])));
        assert_eq!(Frame::find(&message(4, 20), false), Err(Notification::new(1, 2, &[0, 20])));
        assert_eq!(Frame::find(&message(9, 19), false), Err(Notification::new(1, 3, &[9])));
    }

    #[test]
    fn a_notification_reads_back() {
        let sent = Notification::new(6, 7, b"x");
        let message = sent.message();
        let frame = Frame::find(&message, false).unwrap().unwrap();
        assert_eq!((frame.kind, frame.len), (MessageType::Notification, message.len()));
        assert_eq!(Notification::parse(&message[HEADER_LEN..]), sent);
        assert_eq!(sent.to_string(), "NOTIFICATION 6/7 (Cease, Connection Collision Resolution)");
    }

    #[test]
    fn a_shutdown_communication_is_shown_without_doing_harm() {
        let shown = |subcode: u8, data: &[u8]| Notification::new(6, subcode, data).to_string();
        let text = |bytes: &[u8]| [&[bytes.len() as u8], bytes].concat();
        assert_eq!(
            shown(2, &text(b"maintenance, back at 6")),
            "NOTIFICATION 6/2 (Cease, Administrative Shutdown): \"maintenance, back at 6\""
        );
        let reset = "NOTIFICATION 6/4 (Cease, Administrative Reset)";
        assert_eq!(
            shown(4, &text("\x1b[2J\n\u{202e}é\"\\".as_bytes())),
            format!("{reset}: \"\\u{{1b}}[2J\\u{{a}}\\u{{202e}}é\\\"\\\\\"")
        );
        assert_eq!(shown(4, &[2, 0xff, b'x']), format!("{reset}: \"\u{fffd}x\""));
        // What follows the text is passed over.
        assert_eq!(shown(4, &[1, b'x', b'y']), format!("{reset}: \"x\""));
        for nothing in [&[][..], &[0], &[0, b'x'], &[3, b'x']] {
            assert_eq!(shown(4, nothing), reset);
        }
        assert_eq!(Notification::new(6, 3, &text(b"x")).communication(), None);
        assert_eq!(
            Notification::new(6, 2, &text(&[b'x'; 255])).communication().unwrap().len(),
            255
        );
    }

    #[test]
    fn the_reason_inside_a_hard_reset_is_shown() {
        let shown = |data: &[u8]| Notification::new(6, 9, data).to_string();
        let hard_reset = "NOTIFICATION 6/9 (Cease, Hard Reset)";
        assert_eq!(
            shown(b"\x06\x02\x0bmaintenance"),
            format!(
                "{hard_reset}: NOTIFICATION 6/2 (Cease, Administrative Shutdown): \"maintenance\""
            )
        );
        assert_eq!(
            shown(&[6, 3]),
            format!("{hard_reset}: NOTIFICATION 6/3 (Cease, Peer De-configured)")
        );
        // A code without a subcode is no NOTIFICATION, and a Hard Reset holds no other one.
        for malformed in [&[][..], &[6], &[6, 9, 6, 2]] {
            assert!(shown(malformed).starts_with(hard_reset), "{malformed:?}");
            assert_eq!(shown(malformed).matches("Administrative").count(), 0, "{malformed:?}");
        }
    }

    #[test]
    fn codes_of_later_documents_have_their_names() {
        let shown = |code, subcode| Notification::new(code, subcode, &[]).to_string();
        assert_eq!(shown(8, 0), "NOTIFICATION 8/0 (Send Hold Timer Expired)");
        assert_eq!(shown(2, 11), "NOTIFICATION 2/11 (OPEN Message Error, Role Mismatch)");
        let refresh = "NOTIFICATION 7/1 (ROUTE-REFRESH Message Error, Invalid Message Length)";
        assert_eq!(shown(7, 1), refresh);
        assert_eq!(shown(99, 1), "NOTIFICATION 99/1 (unknown error)");
    }

    #[test]
    fn the_family_and_limit_of_too_many_prefixes_are_shown() {
        let shown = |data: &[u8]| Notification::new(6, 1, data).to_string();
        let reached = "NOTIFICATION 6/1 (Cease, Maximum Number of Prefixes Reached)";
        assert_eq!(shown(&[0, 1, 1, 0, 0, 3, 0xe8]), format!("{reached}: ipv4-unicast, 1000"));
        for nothing in [&[][..], &[0, 1, 1, 0, 0, 3], &[0, 1, 1, 0, 0, 3, 0xe8, 0]] {
            assert_eq!(shown(nothing), reached);
        }
    }

    #[test]
    fn the_data_of_an_error_is_shown_in_hexadecimal_up_to_a_bound() {
        let shown = |code, subcode, data: &[u8]| Notification::new(code, subcode, data).to_string();
        assert_eq!(
            shown(1, 2, &[0x10, 1]),
            "NOTIFICATION 1/2 (Message Header Error, Bad Message Length), data 1001"
        );
        assert_eq!(
            shown(3, 5, &[0xab; 33]),
            format!(
                "NOTIFICATION 3/5 (UPDATE Message Error, Attribute Length Error), data {}... (33 bytes)",
                "ab".repeat(32)
            )
        );
        assert_eq!(shown(6, 9, &[6, 9, 1]), "NOTIFICATION 6/9 (Cease, Hard Reset), data 060901");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..80), extended: bool) {
            let _ = Frame::find(&bytes, extended);
            let mut marked = vec![0xff; 16];
            marked.extend_from_slice(&bytes);
            let _ = Frame::find(&marked, extended);
            let _ = Notification::parse(&bytes).to_string();
            for subcode in [1, 2, 9] {
                let cease = Notification::new(6, subcode, &bytes).to_string();
                prop_assert!(!cease.contains(char::is_control));
            }
        }
    }
}
