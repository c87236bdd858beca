//! The header of the PROXY protocol, version 2, in front of a connection that is carried for somebody else: it has the
//! addresses that the connection would have without that (the specification is HAProxy's `proxy-protocol.txt`, section
//! 2.2).
//!
//! It is a fixed signature, the version and the command, the family, and two addresses: a library would be larger than it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::reader::Reader;

/// The part of a header that always has the same length, which the rest of it follows.
pub const FIXED_LEN: usize = 16;

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Version 2, and the command: a connection of somebody else, or one of the proxy itself.
const PROXY: u8 = 0x21;
const LOCAL: u8 = 0x20;
/// No family that the proxy knows, TCP over IPv4, and TCP over IPv6.
const UNSPECIFIED: u8 = 0;
const TCP4: u8 = 0x11;
const TCP6: u8 = 0x21;

/// Why a header is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadProxyHeader {
    /// What comes first is something else.
    #[error("it does not begin with a header of the PROXY protocol, version 2")]
    Signature,
    /// The text form of the protocol.
    #[error("it begins with a header of the PROXY protocol, version 1; version 2 is needed")]
    Version1,
    /// Another version or command.
    #[error(
        "the header of the PROXY protocol has version and command 0x{0:02x}; 0x20 and 0x21 are allowed"
    )]
    Command(u8),
    /// No TCP.
    #[error(
        "the header of the PROXY protocol is of family and protocol 0x{0:02x}; 0x11 and 0x21 (TCP) are allowed"
    )]
    Family(u8),
    /// Addresses that are cut short.
    #[error("the header of the PROXY protocol has {0} bytes of addresses, which are too few")]
    Short(usize),
}

/// The fixed part of a header: what follows it has this length, at most 65535 bytes.
///
/// # Errors
///
/// It is no header of this version.
pub fn length(fixed: &[u8; FIXED_LEN]) -> Result<usize, BadProxyHeader> {
    if fixed.starts_with(b"PROXY ") {
        return Err(BadProxyHeader::Version1);
    }
    let [signature @ .., command, _, high, low] = *fixed;
    if signature != SIGNATURE {
        return Err(BadProxyHeader::Signature);
    }
    if !matches!(command, PROXY | LOCAL) {
        return Err(BadProxyHeader::Command(command));
    }
    Ok(usize::from(u16::from_be_bytes([high, low])))
}

/// The source of the connection that a header is about; `None` if it is the proxy's own. TLVs are not looked at.
///
/// # Errors
///
/// It is no TCP connection, or its addresses are cut short.
pub fn source(fixed: &[u8; FIXED_LEN], rest: &[u8]) -> Result<Option<SocketAddr>, BadProxyHeader> {
    let [.., command, family, _, _] = *fixed;
    if command == LOCAL {
        return Ok(None);
    }
    let mut reader = Reader::new(rest, 0);
    let short = |_| BadProxyHeader::Short(rest.len());
    let source = match family {
        UNSPECIFIED => return Ok(None),
        TCP4 => {
            let [from, _]: [[u8; 4]; 2] =
                [reader.array().map_err(short)?, reader.array().map_err(short)?];
            IpAddr::from(from)
        }
        TCP6 => {
            let [from, _]: [[u8; 16]; 2] =
                [reader.array().map_err(short)?, reader.array().map_err(short)?];
            IpAddr::from(from).to_canonical()
        }
        other => return Err(BadProxyHeader::Family(other)),
    };
    let [port, _] = [reader.u16().map_err(short)?, reader.u16().map_err(short)?];
    Ok(Some(SocketAddr::new(source, port)))
}

/// The header of a connection to `station` that carries the router at `router`; `None` is bmpd itself.
pub fn header(router: Option<SocketAddr>, station: SocketAddr) -> Vec<u8> {
    let mut out = SIGNATURE.to_vec();
    let Some(router) = router else {
        out.extend_from_slice(&[LOCAL, 0, 0, 0]);
        return out;
    };
    let (family, addresses) = match (router.ip(), station.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => (TCP4, [&from.octets()[..], &to.octets()].concat()),
        (from, to) => (TCP6, [ipv6(from).octets(), ipv6(to).octets()].concat()),
    };
    // Two ports follow.
    let length = addresses.len() as u16 + 4;
    out.extend_from_slice(&[PROXY, family]);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&addresses);
    out.extend_from_slice(&router.port().to_be_bytes());
    out.extend_from_slice(&station.port().to_be_bytes());
    out
}

/// Both addresses are of one family: an IPv4 address is mapped.
fn ipv6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header_of(router: Option<&str>, station: &str) -> Vec<u8> {
        header(router.map(|router| router.parse().unwrap()), station.parse().unwrap())
    }

    #[test]
    fn the_header_is_that_of_the_specification() {
        let signature = [0x0d, 0x0a, 0x0d, 0x0a, 0, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
        let v4 = header_of(Some("192.0.2.1:40000"), "10.0.0.9:11019");
        assert_eq!(v4[..12], signature);
        assert_eq!(
            v4[12..],
            [0x21, 0x11, 0, 12, 192, 0, 2, 1, 10, 0, 0, 9, 0x9c, 0x40, 0x2b, 0x0b]
        );
        let v6 = header_of(Some("[2001:db8::1]:1"), "[2001:db8::2]:2");
        assert_eq!(v6[12..16], [0x21, 0x21, 0, 36]);
        assert_eq!((v6.len(), v6[31], v6[47]), (16 + 36, 1, 2));
        let mixed = header_of(Some("192.0.2.1:1"), "[2001:db8::2]:2");
        assert_eq!(mixed[26..32], [0xff, 0xff, 192, 0, 2, 1]);
        assert_eq!(header_of(None, "10.0.0.9:1")[12..], [0x20, 0, 0, 0]);
    }

    fn read(bytes: &[u8]) -> Result<Option<SocketAddr>, BadProxyHeader> {
        let (fixed, rest) = bytes.split_first_chunk().unwrap();
        let rest = &rest[..length(fixed)?];
        source(fixed, rest)
    }

    #[test]
    fn a_header_is_read_as_it_was_written() {
        for router in ["192.0.2.1:40000", "[2001:db8::1]:1"] {
            for station in ["10.0.0.9:11019", "[2001:db8::2]:2"] {
                let bytes = header_of(Some(router), station);
                assert_eq!(read(&bytes), Ok(Some(router.parse().unwrap())), "{router} {station}");
                // TLVs may follow the addresses.
                let mut longer = [&bytes[..], &[4, 0, 1, 0]].concat();
                longer[15] += 4;
                assert_eq!(read(&longer), Ok(Some(router.parse().unwrap())));
            }
        }
        assert_eq!(read(&header_of(None, "10.0.0.9:1")), Ok(None));
        let unspecified = [&SIGNATURE[..], &[PROXY, UNSPECIFIED, 0, 3, 1, 2, 3]].concat();
        assert_eq!(read(&unspecified), Ok(None));
    }

    #[test]
    fn what_is_no_header_is_named() {
        let good = header_of(Some("192.0.2.1:40000"), "10.0.0.9:11019");
        let with = |at: usize, value: u8| {
            let mut bytes = good.clone();
            bytes[at] = value;
            read(&bytes)
        };
        assert_eq!(with(0, 3), Err(BadProxyHeader::Signature));
        assert_eq!(with(12, 0x11), Err(BadProxyHeader::Command(0x11)));
        assert_eq!(with(13, 0x12), Err(BadProxyHeader::Family(0x12)));
        assert_eq!(with(15, 11), Err(BadProxyHeader::Short(11)));
        assert_eq!(read(b"PROXY TCP4 192.0.2.1 10.0.0.9 4 5\r\n"), Err(BadProxyHeader::Version1));
    }
}
