//! Bytes and their meaning: BGP (RFC 4271 and what extends it) and BMP (RFC 7854).
//!
//! Everything here is pure: bytes in, values out, and back. No I/O, no clock, no logging. Input comes
//! from outside: nothing panics on it, and nothing allocates what a length field asks for.
#![forbid(unsafe_code)]

mod attribute;
pub mod attributes;
pub mod bgp;
pub mod bmp;
pub mod describe;
pub mod family;
pub mod frame;
pub mod malformed;
pub mod nlri;
pub mod notification;
pub mod open;
pub(crate) mod openbmp;
pub mod proxy;
pub mod reader;
pub mod route;
pub mod stored;
pub mod text;
pub mod update;

/// The bytes that these digits mean, for tests.
#[cfg(test)]
pub(crate) fn bytes_of(digits: &str) -> Vec<u8> {
    let byte = |pair: &[u8]| {
        let pair = str::from_utf8(pair).expect("two digits");
        u8::from_str_radix(pair, 16).expect("two digits")
    };
    digits.as_bytes().chunks(2).map(byte).collect()
}
