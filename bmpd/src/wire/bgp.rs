//! BGP messages as such: the header, KEEPALIVE (RFC 4271 section 4).
//!
//! [`super::frame`] finds them in a stream. OPEN is in [`super::open`], UPDATE in [`super::update`], NOTIFICATION in
//! [`super::notification`].

/// What every message begins with (RFC 4271 section 4.1).
pub(super) const MARKER: [u8; 16] = [0xff; 16];
/// The length of the BGP header: marker, length, type.
pub const HEADER_LEN: usize = 19;
/// The greatest message without the Extended Message capability (RFC 4271 section 4.1).
pub const MAX_LEN: usize = 4096;
/// The greatest message with it (RFC 8654).
pub const MAX_LEN_EXTENDED: usize = 65535;

/// The message types that bmpd supports.
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
    pub(super) const fn code(self) -> u8 {
        match self {
            MessageType::Open => 1,
            MessageType::Update => 2,
            MessageType::Notification => 3,
            MessageType::Keepalive => 4,
            MessageType::RouteRefresh => 5,
        }
    }
}

/// Appends a message made of a header and `body`.
///
/// The caller keeps `body` within [`MAX_LEN_EXTENDED`].
pub fn encode(out: &mut Vec<u8>, kind: MessageType, body: &[u8]) {
    out.extend_from_slice(&MARKER);
    out.extend_from_slice(&((HEADER_LEN + body.len()) as u16).to_be_bytes());
    out.push(kind.code());
    out.extend_from_slice(body);
}
