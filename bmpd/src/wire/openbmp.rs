//! OpenBMP's binary header, version 1.7: what goes before a BMP message in a record of a message bus.
//!
//! Type 12 is one raw BMP message. gobmp, bgpkit-parser, libbgpstream and the collectors of RouteViews and CAIDA read and
//! write it; there is no RFC.
//!
//! ```text
//!  0 "OBMP"   4 version 1, 7   6 length of the header   8 length of the message   12 flags   13 type
//! 14 seconds, microseconds    22 collector hash        38 admin ID, after its length
//! then: router hash, router address, router group after its length, number of rows
//! ```

use std::net::IpAddr;

use md5::{Digest, Md5};

use super::bmp::Timestamp;

/// The length of the header without the admin ID and the group.
const FIXED: usize = 78;

/// The message is of a router (and not of the collector).
const FLAG_ROUTER: u8 = 0x80;
/// The address of the router is IPv6.
const FLAG_IPV6: u8 = 0x40;

/// One raw BMP message.
const RAW: u8 = 12;

/// Where the length of the message is, and the time.
const LENGTH_AT: usize = 8;
const TIME_AT: usize = 14;

/// An MD5 hash.
pub(crate) type Hash = [u8; 16];

/// The MD5 of these bytes.
pub(crate) fn hash(bytes: &[u8]) -> Hash {
    Md5::digest(bytes).into()
}

/// The header of the messages of one router, of which only a length and a time change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header(Vec<u8>);

impl Header {
    /// That of a router; `admin_id` and `group` are short.
    pub(crate) fn new(admin_id: &str, router: &Hash, address: IpAddr, group: &str) -> Self {
        let length = FIXED + admin_id.len() + group.len();
        let mut out = Vec::with_capacity(length);
        let text = |out: &mut Vec<u8>, text: &str| {
            out.extend_from_slice(&(text.len() as u16).to_be_bytes());
            out.extend_from_slice(text.as_bytes());
        };
        out.extend_from_slice(b"OBMP\x01\x07");
        out.extend_from_slice(&(length as u16).to_be_bytes());
        out.extend_from_slice(&[0; 4]);
        out.push(FLAG_ROUTER | if address.is_ipv6() { FLAG_IPV6 } else { 0 });
        out.push(RAW);
        out.extend_from_slice(&[0; 8]);
        out.extend_from_slice(&hash(admin_id.as_bytes()));
        text(&mut out, admin_id);
        out.extend_from_slice(router);
        let mut field = [0; 16];
        match address {
            IpAddr::V4(v4) => field[..4].copy_from_slice(&v4.octets()),
            IpAddr::V6(v6) => field = v6.octets(),
        }
        out.extend_from_slice(&field);
        text(&mut out, group);
        out.extend_from_slice(&1_u32.to_be_bytes());
        Self(out)
    }

    /// Writes it and the message, in the place of what is there.
    pub(crate) fn write(&self, out: &mut Vec<u8>, time: Timestamp, message: &[u8]) {
        out.clear();
        out.extend_from_slice(&self.0);
        out[LENGTH_AT..LENGTH_AT + 4].copy_from_slice(&(message.len() as u32).to_be_bytes());
        out[TIME_AT..TIME_AT + 4].copy_from_slice(&time.seconds.to_be_bytes());
        out[TIME_AT + 4..TIME_AT + 8].copy_from_slice(&time.micros.to_be_bytes());
        out.extend_from_slice(message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Timestamp = Timestamp { seconds: 0x0102_0304, micros: 0x0000_0506 };

    #[test]
    fn the_header_is_that_of_openbmp() {
        let router = hash(b"edge1");
        let header = Header::new("col", &router, "192.0.2.1".parse().unwrap(), "eu");
        let mut out = vec![9; 3];
        header.write(&mut out, TIME, &[1, 2, 3, 4, 5, 6]);
        let expected = [
            &b"OBMP\x01\x07\x00\x53\x00\x00\x00\x06\x80\x0c\x01\x02\x03\x04\x00\x00\x05\x06"[..],
            &hash(b"col"),
            b"\x00\x03col",
            &router,
            &[192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            b"\x00\x02eu\x00\x00\x00\x01",
            &[1, 2, 3, 4, 5, 6],
        ];
        assert_eq!(out, expected.concat());
        let header = Header::new("", &router, "2001:db8::1".parse().unwrap(), "");
        header.write(&mut out, TIME, &[]);
        assert_eq!((out.len(), out[7], out[12]), (78, 78, 0xc0));
        assert_eq!(&out[56..60], &[0x20, 1, 0xd, 0xb8]);
    }

    #[test]
    fn a_hash_is_an_md5() {
        // RFC 1321 section A.5.
        let empty = "d41d8cd98f00b204e9800998ecf8427e";
        let hex: String = hash(b"").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, empty);
    }
}
