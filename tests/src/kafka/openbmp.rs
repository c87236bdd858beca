//! A record's value: an OpenBMP raw message, a binary header of version 1.7 and one BMP message.
//!
//! Written from the format's description for the tests alone. It accepts nothing but what a collector has to
//! send: every length, every padding byte and the collector hash are checked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use md5::{Digest, Md5};

use crate::bmp::message::split_messages;

/// The header's length without the admin ID and the router group.
pub const FIXED: usize = 78;

const OF_A_ROUTER: u8 = 0x80;
const IPV6: u8 = 0x40;
const BMP_RAW: u8 = 12;

/// An OpenBMP raw message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenBmp<'a> {
    /// When the collector received the message, since 1970.
    pub time: Duration,
    /// The MD5 hash of `admin_id`.
    pub collector_hash: [u8; 16],
    /// The collector's name.
    pub admin_id: &'a str,
    /// The router's hash. What it is computed of is not part of the format: compare it with [`md5`].
    pub router_hash: [u8; 16],
    /// The router's address.
    pub router: IpAddr,
    /// The router group; may be empty.
    pub group: &'a str,
    /// The BMP message.
    pub message: &'a [u8],
}

impl<'a> OpenBmp<'a> {
    /// Reads a record's value.
    ///
    /// # Errors
    /// For every deviation from the format, with what and where it is.
    pub fn parse(value: &'a [u8]) -> Result<Self, String> {
        let mut rest = Rest { value, at: 0 };
        rest.expect("magic", b"OBMP")?;
        rest.expect("version", &[1, 7])?;
        let header_length = usize::from(u16::from_be_bytes(rest.array("header length")?));
        let message_length = rest.u32("message length")?;
        let [flags] = rest.array("flags")?;
        if flags & !IPV6 != OF_A_ROUTER {
            return Err(format!("flags are {flags:#04x} at 12"));
        }
        rest.expect("object type", &[BMP_RAW])?;
        let (seconds, micros) = (rest.u32("seconds")?, rest.u32("microseconds")?);
        if micros >= 1_000_000 {
            return Err(format!("{micros} microseconds at 18"));
        }
        let collector_hash = rest.array("collector hash")?;
        let admin_id = rest.text("admin ID")?;
        if collector_hash != md5(admin_id.as_bytes()) {
            return Err(format!("the collector hash at 22 is not the MD5 of {admin_id:?}"));
        }
        let router_hash = rest.array("router hash")?;
        let router: [u8; 16] = rest.array("router address")?;
        let router = match router {
            all if flags & IPV6 != 0 => IpAddr::V6(Ipv6Addr::from(all)),
            [a, b, c, d, padding @ ..] if padding == [0; 12] => Ipv4Addr::new(a, b, c, d).into(),
            other => return Err(format!("padding of the router's IPv4 address: {other:02x?}")),
        };
        let group = rest.text("router group")?;
        rest.expect("row count", &1_u32.to_be_bytes())?;
        if header_length != rest.at {
            return Err(format!(
                "header length is {header_length}, the header ends at {}",
                rest.at
            ));
        }
        let message = &value[rest.at..];
        if u32::try_from(message.len()) != Ok(message_length) {
            return Err(format!("message length is {message_length}, not {}", message.len()));
        }
        // RFC 7854 section 4.1: one message, with nothing behind it.
        let messages = split_messages(message).map_err(|e| format!("{e} at {}", rest.at))?;
        if messages.len() != 1 {
            return Err(format!("{} BMP messages at {}", messages.len(), rest.at));
        }
        let time = Duration::new(seconds.into(), micros * 1000);
        Ok(Self { time, collector_hash, admin_id, router_hash, router, group, message })
    }
}

/// What is not read yet.
struct Rest<'a> {
    value: &'a [u8],
    at: usize,
}

impl<'a> Rest<'a> {
    fn take(&mut self, what: &str, count: usize) -> Result<&'a [u8], String> {
        let all = self.value;
        let bytes = all.get(self.at..).and_then(|rest| rest.get(..count));
        let at = self.at;
        self.at += count;
        bytes.ok_or_else(|| format!("{what}: {count} bytes at {at} of {}", all.len()))
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], String> {
        let bytes = self.take(what, N)?;
        bytes.try_into().map_err(|e| format!("{what}: {e}"))
    }

    fn u32(&mut self, what: &str) -> Result<u32, String> {
        self.array(what).map(u32::from_be_bytes)
    }

    fn expect(&mut self, what: &str, expected: &[u8]) -> Result<(), String> {
        let (at, found) = (self.at, self.take(what, expected.len())?);
        if found == expected {
            Ok(())
        } else {
            Err(format!("{what} is {found:02x?} at {at}, not {expected:02x?}"))
        }
    }

    /// A text behind its length.
    fn text(&mut self, what: &str) -> Result<&'a str, String> {
        let length = u16::from_be_bytes(self.array(what)?);
        let bytes = self.take(what, length.into())?;
        str::from_utf8(bytes).map_err(|e| format!("{what}: {e}"))
    }
}

/// The MD5 hash of RFC 1321.
pub fn md5(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    //! A deviation that is not found here is found nowhere.

    use super::*;

    const INITIATION: [u8; 16] = [3, 0, 0, 0, 16, 4, 0, 1, 0, 1, b'd', 0, 2, 0, 1, b'n'];

    /// A value with this admin ID, router and group.
    fn value(admin_id: &str, router: IpAddr, group: &str) -> Vec<u8> {
        let length = |bytes: &str| (bytes.len() as u16).to_be_bytes();
        let header = (FIXED + admin_id.len() + group.len()) as u16;
        let (flags, address) = match router {
            IpAddr::V4(v4) => (0x80, [v4.octets().to_vec(), vec![0; 12]].concat()),
            IpAddr::V6(v6) => (0xc0, v6.octets().to_vec()),
        };
        [
            b"OBMP\x01\x07",
            &header.to_be_bytes()[..],
            &16_u32.to_be_bytes(),
            &[flags, 12],
            &1_700_000_000_u32.to_be_bytes(),
            &999_999_u32.to_be_bytes(),
            &md5(admin_id.as_bytes()),
            &length(admin_id),
            admin_id.as_bytes(),
            &[0x5a; 16],
            &address,
            &length(group),
            group.as_bytes(),
            &[0, 0, 0, 1],
            &INITIATION,
        ]
        .concat()
    }

    #[test]
    fn every_deviation_is_an_error() {
        let good = value("c", "192.0.2.1".parse().unwrap(), "g");
        assert!(OpenBmp::parse(&good).is_ok());
        // Neither the times nor the router hash and address have a form.
        let free = |at: usize| matches!(at, 14..22 | 41..61 | 75 | 85..);
        for at in (0..good.len()).filter(|at| !free(*at) && *at != 12) {
            let mut bad = good.clone();
            bad[at] ^= 0x01;
            assert!(OpenBmp::parse(&bad).is_err(), "{at}");
        }
        for (at, byte) in [(12, 0x00), (12, 0x40), (12, 0x81), (12, 0xa0), (18, 0xff)] {
            let mut bad = good.clone();
            bad[at] = byte;
            assert!(OpenBmp::parse(&bad).is_err(), "{at} {byte:#x}");
        }
        for cut in 0..good.len() {
            assert!(OpenBmp::parse(&good[..cut]).is_err(), "{cut}");
        }
        assert!(OpenBmp::parse(&[&*good, &[0]].concat()).is_err());
        assert!(OpenBmp::parse(&[&*good, &*good].concat()).is_err());
    }
}
