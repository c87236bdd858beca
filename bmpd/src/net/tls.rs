//! TLS to a station or a router (RFC 8446, RFC 5246). The sender of BMP is the TLS client, whichever side made the TCP
//! connection: bmpd to a station, and a router to bmpd.
//!
//! ```text
//! settings --check--> ClientConfig, ServerConfig  when the configuration is read: bad files are errors there
//! TCP connection --handshake--> TlsStream    with a deadline
//! TlsStream -- io::Error --cause--> TlsError  what a station sends later, such as a rejection of our certificate
//! ```
//!
//! The authorities for a station are in its operator's file, never in a list of the program or the system. No state is
//! kept from one connection to the next: each verifies certificates anew.

mod error;
mod setup;
mod stream;
mod validity;

pub(crate) use self::error::{TlsError, cause};
pub(crate) use self::setup::{
    SetupError, check, check_files, check_server, client_name, server_name,
};
pub(crate) use self::stream::{TlsStream, accept_handshake, handshake};
pub(crate) use self::validity::Validity;
