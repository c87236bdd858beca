//! NOTIFICATION: why a BGP session ends (RFC 4271 section 4.5).

use std::borrow::Cow;
use std::fmt::{self, Write};

use super::bgp::{self, HEADER_LEN, MessageType};
use super::describe::hex;
use super::family::Family;
use super::text::is_invisible;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal / $subcode:literal $text:literal,)*) => {
        /// What a NOTIFICATION is about: an error code and its subcode, as IANA lists them (BGP Error Codes, BGP Error
        /// Subcodes). A subcode of 0 adds nothing to the code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            const ALL: &[Code] = &[$(Code::$name),*];

            const fn numbers(self) -> (u8, u8) {
                match self {
                    $(Code::$name => ($code, $subcode),)*
                }
            }

            /// The name of the subcode; empty where there is none.
            const fn name(self) -> &'static str {
                match self {
                    $(Code::$name => $text,)*
                }
            }
        }
    };
}

codes! {
    /// RFC 4271 section 6.1.
    ConnectionNotSynchronized = 1 / 1 "Connection Not Synchronized",
    /// RFC 4271 section 6.1.
    BadMessageLength = 1 / 2 "Bad Message Length",
    /// RFC 4271 section 6.1.
    BadMessageType = 1 / 3 "Bad Message Type",
    /// RFC 4271 section 6.2: none of the others fits.
    OpenUnspecific = 2 / 0 "",
    /// RFC 4271 section 6.2.
    UnsupportedVersionNumber = 2 / 1 "Unsupported Version Number",
    /// RFC 4271 section 6.2.
    BadPeerAs = 2 / 2 "Bad Peer AS",
    /// RFC 4271 section 6.2.
    BadBgpIdentifier = 2 / 3 "Bad BGP Identifier",
    /// RFC 4271 section 6.2.
    UnsupportedOptionalParameter = 2 / 4 "Unsupported Optional Parameter",
    /// RFC 1771; deprecated.
    AuthenticationFailure = 2 / 5 "Authentication Failure",
    /// RFC 4271 section 6.2.
    UnacceptableHoldTime = 2 / 6 "Unacceptable Hold Time",
    /// RFC 5492 section 5.
    UnsupportedCapability = 2 / 7 "Unsupported Capability",
    /// RFC 9234 section 4.2.
    RoleMismatch = 2 / 11 "Role Mismatch",
    /// RFC 4271 section 6.3.
    MalformedAttributeList = 3 / 1 "Malformed Attribute List",
    /// RFC 4271 section 6.3.
    UnrecognizedWellKnownAttribute = 3 / 2 "Unrecognized Well-known Attribute",
    /// RFC 4271 section 6.3.
    MissingWellKnownAttribute = 3 / 3 "Missing Well-known Attribute",
    /// RFC 4271 section 6.3.
    AttributeFlags = 3 / 4 "Attribute Flags Error",
    /// RFC 4271 section 6.3.
    AttributeLength = 3 / 5 "Attribute Length Error",
    /// RFC 4271 section 6.3.
    InvalidOrigin = 3 / 6 "Invalid ORIGIN Attribute",
    /// RFC 1771; deprecated.
    AsRoutingLoop = 3 / 7 "AS Routing Loop",
    /// RFC 4271 section 6.3.
    InvalidNextHop = 3 / 8 "Invalid NEXT_HOP Attribute",
    /// RFC 4271 section 6.3, RFC 4760 section 7.
    OptionalAttribute = 3 / 9 "Optional Attribute Error",
    /// RFC 4271 section 6.3.
    InvalidNetworkField = 3 / 10 "Invalid Network Field",
    /// RFC 4271 section 6.3.
    MalformedAsPath = 3 / 11 "Malformed AS_PATH",
    /// RFC 4271 section 6.5.
    HoldTimerExpired = 4 / 0 "",
    /// RFC 6608 section 3.
    UnexpectedMessage = 5 / 0 "",
    /// RFC 6608 section 3.
    UnexpectedMessageInOpenSent = 5 / 1 "Unexpected Message in OpenSent",
    /// RFC 6608 section 3.
    UnexpectedMessageInOpenConfirm = 5 / 2 "Unexpected Message in OpenConfirm",
    /// RFC 6608 section 3.
    UnexpectedMessageInEstablished = 5 / 3 "Unexpected Message in Established",
    /// RFC 4486 section 4.
    MaximumNumberOfPrefixesReached = 6 / 1 "Maximum Number of Prefixes Reached",
    /// RFC 4486 section 4, RFC 9003.
    AdministrativeShutdown = 6 / 2 "Administrative Shutdown",
    /// RFC 4486 section 4.
    PeerDeconfigured = 6 / 3 "Peer De-configured",
    /// RFC 4486 section 4, RFC 9003.
    AdministrativeReset = 6 / 4 "Administrative Reset",
    /// RFC 4486 section 4.
    ConnectionRejected = 6 / 5 "Connection Rejected",
    /// RFC 4486 section 4.
    OtherConfigurationChange = 6 / 6 "Other Configuration Change",
    /// RFC 4486 section 4.
    ConnectionCollisionResolution = 6 / 7 "Connection Collision Resolution",
    /// RFC 4486 section 4.
    OutOfResources = 6 / 8 "Out of Resources",
    /// RFC 8538 section 3.
    HardReset = 6 / 9 "Hard Reset",
    /// RFC 9384 section 3.
    BfdDown = 6 / 10 "BFD Down",
    /// RFC 7313 section 5.
    RefreshInvalidMessageLength = 7 / 1 "Invalid Message Length",
    /// RFC 9687 section 3.
    SendHoldTimerExpired = 8 / 0 "",
}

/// The error code of a session that ends though nothing was malformed (RFC 4271 section 6.7).
const CEASE: u8 = 6;

/// How many bytes of a NOTIFICATION's data are shown.
const DATA_SHOWN_MAX: usize = 32;

/// A NOTIFICATION: why a BGP session ends (RFC 4271 section 4.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The error code.
    pub code: u8,
    /// The error subcode.
    pub subcode: u8,
    /// The data of this error.
    pub data: Vec<u8>,
}

impl Notification {
    /// A NOTIFICATION with at most 4,000 bytes of data, so that it always fits into a message.
    pub fn new(code: Code, data: &[u8]) -> Self {
        let mut notification = Self::from(code);
        notification.data.extend_from_slice(&data[..data.len().min(4000)]);
        notification
    }

    /// True if it is about this.
    pub fn is(&self, code: Code) -> bool {
        code.numbers() == (self.code, self.subcode)
    }

    /// What it is about; `None` if that is unknown.
    fn known(&self) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| self.is(*code))
    }

    /// Reads the body of a NOTIFICATION (what follows the header); [`super::frame::Frame::find`] has checked that it
    /// has the two bytes that it must have, a shorter one reads as code 0.
    pub fn parse(body: &[u8]) -> Self {
        match body {
            [code, subcode, data @ ..] => {
                Self { code: *code, subcode: *subcode, data: data.to_vec() }
            }
            _ => Self { code: 0, subcode: 0, data: Vec::new() },
        }
    }

    /// The whole message.
    pub fn message(&self) -> Vec<u8> {
        let mut body = vec![self.code, self.subcode];
        body.extend_from_slice(&self.data);
        let mut message = Vec::with_capacity(HEADER_LEN + body.len());
        bgp::encode(&mut message, MessageType::Notification, &body);
        message
    }

    /// What the neighbor's operator wrote for us (RFC 9003): the text of an Administrative Shutdown or
    /// Reset, up to 255 bytes. Invalid UTF-8 is replaced. `None` if there is none, or a malformed one.
    pub fn communication(&self) -> Option<Cow<'_, str>> {
        let has_text =
            matches!(self.known(), Some(Code::AdministrativeShutdown | Code::AdministrativeReset));
        match self.data.as_slice() {
            [length, text @ ..] if has_text && *length > 0 => {
                text.get(..usize::from(*length)).map(String::from_utf8_lossy)
            }
            _ => None,
        }
    }

    /// The NOTIFICATION inside a Hard Reset (RFC 8538 section 3.1), which has the reason of it. `None` for any
    /// other, or if there is none in it. A Hard Reset inside one is not decoded.
    pub fn inside_hard_reset(&self) -> Option<Notification> {
        let has_code = self.is(Code::HardReset) && self.data.len() >= 2;
        let inside = has_code.then(|| Self::parse(&self.data));
        inside.filter(|inside| !inside.is(Code::HardReset))
    }

    /// The family and limit of Maximum Number of Prefixes Reached (RFC 4486 section 4), if they are there.
    fn prefix_limit(&self) -> Option<(Family, u32)> {
        match self.data.as_slice() {
            [high, low, safi, a, b, c, d] if self.is(Code::MaximumNumberOfPrefixesReached) => {
                let family = Family { afi: u16::from_be_bytes([*high, *low]), safi: *safi };
                Some((family, u32::from_be_bytes([*a, *b, *c, *d])))
            }
            _ => None,
        }
    }

    /// True if the data describes an error further: what was wrong in a message (RFC 4271 section 6, RFC
    /// 5492 section 5), or what a Hard Reset holds that is no NOTIFICATION.
    fn shows_data(&self) -> bool {
        self.code != CEASE || self.is(Code::HardReset)
    }

    fn names(&self) -> (&'static str, &'static str) {
        let code = match self.code {
            1 => "Message Header Error",
            2 => "OPEN Message Error",
            3 => "UPDATE Message Error",
            4 => "Hold Timer Expired",
            5 => "Finite State Machine Error",
            CEASE => "Cease",
            7 => "ROUTE-REFRESH Message Error",
            // RFC 9687.
            8 => "Send Hold Timer Expired",
            _ => "unknown error",
        };
        let subcode = self.known().map_or("", Code::name);
        (code, subcode)
    }
}

impl From<Code> for Notification {
    fn from(code: Code) -> Self {
        let (code, subcode) = code.numbers();
        Self { code, subcode, data: Vec::new() }
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
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                c if c.is_control() || is_invisible(c) => write!(f, "{}", c.escape_unicode())?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::frame::Frame;

    fn of(code: u8, subcode: u8, data: &[u8]) -> Notification {
        Notification { code, subcode, data: data.to_vec() }
    }

    #[test]
    fn a_notification_reads_back() {
        let sent = Notification::new(Code::ConnectionCollisionResolution, b"x");
        let message = sent.message();
        let frame = Frame::find(&message, false).unwrap().unwrap();
        assert_eq!((frame.kind, frame.len), (MessageType::Notification, message.len()));
        assert_eq!(Notification::parse(&message[HEADER_LEN..]), sent);
        assert_eq!(sent.to_string(), "NOTIFICATION 6/7 (Cease, Connection Collision Resolution)");
    }

    #[test]
    fn a_shutdown_communication_is_shown_without_doing_harm() {
        let shown = |subcode: u8, data: &[u8]| of(6, subcode, data).to_string();
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
        // What follows the text is ignored.
        assert_eq!(shown(4, &[1, b'x', b'y']), format!("{reset}: \"x\""));
        for nothing in [&[][..], &[0], &[0, b'x'], &[3, b'x']] {
            assert_eq!(shown(4, nothing), reset);
        }
        assert_eq!(of(6, 3, &text(b"x")).communication(), None);
        assert_eq!(of(6, 2, &text(&[b'x'; 255])).communication().unwrap().len(), 255);
    }

    #[test]
    fn the_reason_inside_a_hard_reset_is_shown() {
        let shown = |data: &[u8]| of(6, 9, data).to_string();
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
        let shown = |code, subcode| of(code, subcode, &[]).to_string();
        assert_eq!(shown(8, 0), "NOTIFICATION 8/0 (Send Hold Timer Expired)");
        assert_eq!(shown(2, 11), "NOTIFICATION 2/11 (OPEN Message Error, Role Mismatch)");
        let refresh = "NOTIFICATION 7/1 (ROUTE-REFRESH Message Error, Invalid Message Length)";
        assert_eq!(shown(7, 1), refresh);
        assert_eq!(shown(99, 1), "NOTIFICATION 99/1 (unknown error)");
    }

    #[test]
    fn the_family_and_limit_of_too_many_prefixes_are_shown() {
        let shown = |data: &[u8]| of(6, 1, data).to_string();
        let reached = "NOTIFICATION 6/1 (Cease, Maximum Number of Prefixes Reached)";
        assert_eq!(shown(&[0, 1, 1, 0, 0, 3, 0xe8]), format!("{reached}: ipv4-unicast, 1000"));
        for nothing in [&[][..], &[0, 1, 1, 0, 0, 3], &[0, 1, 1, 0, 0, 3, 0xe8, 0]] {
            assert_eq!(shown(nothing), reached);
        }
    }

    #[test]
    fn the_data_of_an_error_is_shown_in_hexadecimal_up_to_a_bound() {
        let shown = |code, subcode, data: &[u8]| of(code, subcode, data).to_string();
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
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = Notification::parse(&bytes).to_string();
            for subcode in [1, 2, 9] {
                let cease = of(6, subcode, &bytes).to_string();
                prop_assert!(!cease.contains(char::is_control));
            }
        }
    }
}
