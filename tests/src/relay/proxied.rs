//! The header of the PROXY protocol, version 2: who a connection is made for.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
const FIXED: usize = 16;

/// The two ends that a header names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proxied {
    /// Whom the connection is made for.
    pub source: SocketAddr,
    /// Where that one would have connected to.
    pub destination: SocketAddr,
}

impl Proxied {
    /// Reads a header, with its length; the inner error is how many bytes it lacks. `None` is the LOCAL command: the
    /// connection is made for whoever makes it.
    ///
    /// # Errors
    /// It is none, or none of a TCP connection.
    pub fn read(bytes: &[u8]) -> Result<Result<(Option<Self>, usize), usize>, String> {
        let Some(fixed) = bytes.first_chunk::<FIXED>() else {
            return Ok(Err(FIXED - bytes.len()));
        };
        if fixed[..12] != SIGNATURE {
            return Err(format!("no PROXY protocol header: {fixed:02x?}"));
        }
        let length = usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
        let body = &bytes[FIXED..];
        if body.len() < length {
            return Ok(Err(length - body.len()));
        }
        match fixed[12] {
            0x20 => return Ok(Ok((None, FIXED + length))),
            0x21 => {}
            other => return Err(format!("version and command {other:02x} in a PROXY header")),
        }
        let port = |at: usize| u16::from_be_bytes([body[at], body[at + 1]]);
        let v4 = |at: usize| Ipv4Addr::from(*body[at..].first_chunk::<4>().expect("4 bytes"));
        let v6 = |at: usize| Ipv6Addr::from(*body[at..].first_chunk::<16>().expect("16 bytes"));
        let (source, destination) = match (fixed[13], length) {
            (0x11, 12..) => ((v4(0), port(8)).into(), (v4(4), port(10)).into()),
            (0x21, 36..) => ((v6(0), port(32)).into(), (v6(16), port(34)).into()),
            (family, length) => {
                return Err(format!("family {family:02x} with {length} bytes in a PROXY header"));
            }
        };
        Ok(Ok((Some(Self { source, destination }), FIXED + length)))
    }
}
