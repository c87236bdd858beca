//! TLS to a station (RFC 8446, RFC 5246). bmpd is the TLS client whoever made the TCP connection.
//!
//! ```text
//! settings::Tls --check--> ClientConfig        when the configuration is read: bad files are errors there
//! TCP connection --handshake--> TlsStream    with a deadline
//! TlsStream -- io::Error --cause--> TlsError  what a station says later, such as no to our certificate
//! ```
//!
//! Who vouches for a station is in its operator's file, never a list that came with the program or the
//! system. Nothing is remembered from one connection for the next: each shows its certificates anew.

mod error;
mod setup;
mod stream;

pub(crate) use self::error::{TlsError, cause};
pub(crate) use self::setup::{SetupError, check, server_name};
pub(crate) use self::stream::{TlsStream, handshake};
