//! The header of the PROXY protocol, version 2, with which a station learns the address of the router that a connection
//! carries (the specification is HAProxy's `proxy-protocol.txt`, section 2.2).
//!
//! It is a fixed signature, the version and the command, the family, and two addresses: a library would be larger than it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Version 2, and the command: a connection of somebody else, or one of our own.
const PROXY: u8 = 0x21;
const LOCAL: u8 = 0x20;
/// TCP over IPv4 and IPv6.
const TCP4: u8 = 0x11;
const TCP6: u8 = 0x21;

/// The header of a connection to `station` that carries the router at `router`; `None` is bmpd itself.
pub(super) fn header(router: Option<SocketAddr>, station: SocketAddr) -> Vec<u8> {
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
}
