//! A route in words.
//!
//! ```text
//! unicast, multicast, labeled, VPN:  192.0.2.0/24, and apart from it distinguisher, labels, path identifier
//! EVPN:                              [type]:[field]:..., in the order of the fields (RFC 7432 section 7, RFC 9136 section 3)
//! flow specification:                destination 192.0.2.0/24; protocol =6; port >=80&<=90,=443
//! link state, unknown families:      the kind, if it is known, and the bytes in hexadecimal
//! ```

use std::fmt::Write as _;
use std::net::IpAddr;

use super::attributes::{label, mac};
use super::describe::{address, hex, route_distinguisher};
use super::family::Family;
use super::nlri::Form;

/// The most bytes of a route that are shown in hexadecimal.
const BYTES_MAX: usize = 256;

/// A route in words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words {
    /// What it is about.
    pub prefix: String,
    /// The path identifier (RFC 7911).
    pub path_id: Option<u32>,
    /// The route distinguisher.
    pub distinguisher: Option<String>,
    /// The labels (RFC 8277).
    pub labels: Vec<u32>,
}

impl Words {
    /// Those of a route, which was received in this form.
    pub fn of(form: Form, route: &[u8]) -> Self {
        let family = form.family();
        let mut words = Self { path_id: form.path_id(route), ..Self::default() };
        let value = form.without_path_id(route);
        if let Some((distinguisher, bits, prefix)) = form.prefix(route) {
            words.distinguisher = distinguisher.try_into().ok().map(route_distinguisher);
            words.labels = form.labels(route).into_iter().map(label).collect();
            words.prefix = format!("{}/{bits}", address(family, prefix));
            return words;
        }
        let known = match family {
            Family::L2VPN_EVPN => evpn(value),
            Family::IPV4_FLOWSPEC
            | Family::IPV6_FLOWSPEC
            | Family::VPNV4_FLOWSPEC
            | Family::VPNV6_FLOWSPEC => flowspec(family, form.flowspec_value(route)),
            Family::LINK_STATE | Family::LINK_STATE_VPN => link_state(value),
            _ => None,
        };
        let (distinguisher, text) =
            known.unwrap_or_else(|| (None, format!("0x{}", hex(value, BYTES_MAX))));
        words.distinguisher = distinguisher;
        words.prefix = text;
        words
    }
}

/// Reads a value from its beginning.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    /// An address behind its length in bits, which may be 0.
    fn sized_address(&mut self) -> Option<String> {
        match self.byte()? {
            0 => Some("[0]".to_owned()),
            bits @ (32 | 128) => {
                let family = if bits == 32 { Family::IPV4_UNICAST } else { Family::IPV6_UNICAST };
                let address = address(family, self.take(usize::from(bits / 8))?);
                Some(format!("[{bits}]:[{address}]"))
            }
            _ => None,
        }
    }
}

/// A segment identifier (RFC 7432 section 5).
fn segment(bytes: [u8; 10]) -> String {
    let mut text = String::new();
    for (at, byte) in bytes.iter().enumerate() {
        let separator = if at == 0 { "" } else { ":" };
        let _ = write!(text, "{separator}{byte:02x}");
    }
    text
}

type Known = Option<(Option<String>, String)>;

fn evpn(route: &[u8]) -> Known {
    let mut rest = Rest(route);
    let [kind, _] = rest.array()?;
    let distinguisher = route_distinguisher(rest.array()?);
    let tag = |bytes: [u8; 4]| u32::from_be_bytes(bytes);
    let text = match kind {
        1 => {
            let esi = segment(rest.array()?);
            format!("[1]:[{esi}]:[{}]", tag(rest.array()?))
        }
        2 => {
            rest.take(10)?;
            let tag = tag(rest.array()?);
            let bits = rest.byte()?;
            let mac = mac(rest.array()?);
            let mut text = format!("[2]:[{tag}]:[{bits}]:[{mac}]");
            let address = rest.sized_address()?;
            if address != "[0]" {
                let _ = write!(text, ":{address}");
            }
            text
        }
        3 => format!("[3]:[{}]:{}", tag(rest.array()?), rest.sized_address()?),
        4 => {
            let esi = segment(rest.array()?);
            format!("[4]:[{esi}]:{}", rest.sized_address()?)
        }
        5 => {
            rest.take(10)?;
            let tag = tag(rest.array()?);
            let bits = rest.byte()?;
            // The prefix has the length of an address, as the gateway behind it, and a label follows.
            let (family, len) = match rest.0.len() {
                11 => (Family::IPV4_UNICAST, 4),
                35 => (Family::IPV6_UNICAST, 16),
                _ => return None,
            };
            format!("[5]:[{tag}]:[{bits}]:[{}]", address(family, rest.take(len)?))
        }
        _ => format!("[{kind}]:[0x{}]", hex(rest.0, BYTES_MAX)),
    };
    Some((Some(distinguisher), text))
}

fn link_state(route: &[u8]) -> Known {
    let mut rest = Rest(route);
    let kind = match u16::from_be_bytes(rest.array()?) {
        1 => "node",
        2 => "link",
        3 => "ipv4-prefix",
        4 => "ipv6-prefix",
        6 => "srv6-sid",
        _ => return None,
    };
    rest.take(2)?;
    Some((None, format!("{kind} 0x{}", hex(rest.0, BYTES_MAX))))
}

/// A flow specification (RFC 8955 section 4, RFC 8956 section 3).
fn flowspec(family: Family, value: &[u8]) -> Known {
    let mut rest = Rest(value);
    let distinguisher = match family {
        Family::VPNV4_FLOWSPEC | Family::VPNV6_FLOWSPEC => Some(route_distinguisher(rest.array()?)),
        _ => None,
    };
    let mut components = Vec::new();
    while let Some(kind) = rest.byte() {
        let (name, is_bitmask) = match kind {
            1 | 2 => {
                let name = if kind == 1 { "destination" } else { "source" };
                components.push(format!("{name} {}", flowspec_prefix(family, &mut rest)?));
                continue;
            }
            3 if family.afi == 1 => ("protocol", false),
            3 => ("next-header", false),
            4 => ("port", false),
            5 => ("destination-port", false),
            6 => ("source-port", false),
            7 => ("icmp-type", false),
            8 => ("icmp-code", false),
            9 => ("tcp-flags", true),
            10 => ("packet-length", false),
            11 => ("dscp", false),
            12 => ("fragment", true),
            13 => ("flow-label", false),
            _ => return None,
        };
        components.push(format!("{name} {}", operators(is_bitmask, &mut rest)?));
    }
    Some((distinguisher, components.join("; ")))
}

fn flowspec_prefix(family: Family, rest: &mut Rest<'_>) -> Option<String> {
    let bits = rest.byte()?;
    if family.afi == 1 {
        let prefix = rest.take(usize::from(bits).div_ceil(8))?;
        return (bits <= 32).then(|| format!("{}/{bits}", address(family, prefix)));
    }
    let offset = rest.byte()?;
    let pattern = rest.take(usize::from(bits.checked_sub(offset)?).div_ceil(8))?;
    if bits > 128 {
        return None;
    }
    // The pattern begins behind the offset.
    let pattern = pattern.iter().fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    let len = u32::from(bits - offset).div_ceil(8) * 8;
    let placed = pattern.checked_shl(128 - len).unwrap_or_default() >> offset.min(127);
    let placed = IpAddr::V6(placed.into());
    match offset {
        0 => Some(format!("{placed}/{bits}")),
        offset => Some(format!("{placed}/{bits} offset {offset}")),
    }
}

/// Pairs of an operator and a value up to the one that ends the list: `,` is or, `&` is and.
fn operators(is_bitmask: bool, rest: &mut Rest<'_>) -> Option<String> {
    const END: u8 = 0x80;
    const AND: u8 = 0x40;
    let mut text = String::new();
    loop {
        let operator = rest.byte()?;
        let value = rest.take(1 << (operator >> 4 & 3))?;
        let value = value.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        if !text.is_empty() {
            text.push(if operator & AND != 0 { '&' } else { ',' });
        }
        let _ = match is_bitmask {
            true => {
                let sign = match operator & 3 {
                    0 => "",
                    1 => "=",
                    2 => "!",
                    _ => "!=",
                };
                write!(text, "{sign}0x{value:x}")
            }
            false => {
                let sign = match operator & 7 {
                    0 => "false ",
                    1 => "=",
                    2 => ">",
                    3 => ">=",
                    4 => "<",
                    5 => "<=",
                    6 => "!=",
                    _ => "true ",
                };
                write!(text, "{sign}{value}")
            }
        };
        if operator & END != 0 {
            return Some(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::bytes_of;
    use super::*;

    fn words(family: Family, add_path: bool, digits: &str) -> Words {
        Words::of(Form::new(family, add_path), &bytes_of(&digits.replace(' ', "")))
    }

    #[test]
    fn prefixes_have_distinguisher_labels_and_path_identifier_apart() {
        let plain = words(Family::IPV4_UNICAST, false, "18 c00002");
        assert_eq!(plain, Words { prefix: "192.0.2.0/24".to_owned(), ..Words::default() });
        let path = words(Family::IPV6_UNICAST, true, "00000007 20 20010db8");
        assert_eq!((path.prefix.as_str(), path.path_id), ("2001:db8::/32", Some(7)));
        let vpn = words(Family::VPNV4_UNICAST, false, "70 000641 0000fde800000001 c00002");
        assert_eq!((vpn.prefix.as_str(), &vpn.labels[..]), ("192.0.2.0/24", &[100][..]));
        assert_eq!(vpn.distinguisher.as_deref(), Some("65000:1"));
    }

    #[test]
    fn routes_of_evpn_have_their_fields_in_order() {
        let rd = "0000fde800000001";
        let esi = "00112233445566778899";
        let cases = [
            (format!("0119{rd}{esi}00000000000641"), "[1]:[00:11:22:33:44:55:66:77:88:99]:[0]"),
            (
                format!("0221{rd}{esi}000000003000112233445500000641"),
                "[2]:[0]:[48]:[00:11:22:33:44:55]",
            ),
            (
                format!("0225{rd}{esi}0000000030001122334455200a000001000641"),
                "[2]:[0]:[48]:[00:11:22:33:44:55]:[32]:[10.0.0.1]",
            ),
            (format!("0311{rd}00000000200a000001"), "[3]:[0]:[32]:[10.0.0.1]"),
            (
                format!("0417{rd}{esi}200a000001"),
                "[4]:[00:11:22:33:44:55:66:77:88:99]:[32]:[10.0.0.1]",
            ),
            (format!("0522{rd}{esi}00000000180a00010000000000000641"), "[5]:[0]:[24]:[10.0.1.0]"),
            (format!("090b{rd}010203"), "[9]:[0x010203]"),
        ];
        for (digits, expected) in cases {
            let words = words(Family::L2VPN_EVPN, false, &digits);
            assert_eq!(
                (words.prefix.as_str(), words.distinguisher.as_deref()),
                (expected, Some("65000:1"))
            );
        }
        assert_eq!(words(Family::L2VPN_EVPN, false, "0202abcd").prefix, "0x0202abcd");
    }

    #[test]
    fn flow_specifications_have_the_names_of_their_components() {
        let cases = [
            (
                Family::IPV4_FLOWSPEC,
                "0b 01 18 c00002 03 81 06 04 03 50 c5 5a",
                "destination 192.0.2.0/24; protocol =6; port >=80&<=90",
            ),
            (Family::IPV4_FLOWSPEC, "06 09 80 02 0c 81 01", "tcp-flags 0x2; fragment =0x1"),
            (Family::IPV4_FLOWSPEC, "05 05 11 01bb 9101", "0x05051101bb9101"),
            (Family::IPV4_FLOWSPEC, "07 05 11 01bb 91 1f90", "destination-port =443,=8080"),
            (Family::IPV6_FLOWSPEC, "07 01 20 00 20010db8", "destination 2001:db8::/32"),
            (Family::IPV6_FLOWSPEC, "04 01 48 40 12", "destination ::1200:0:0:0/72 offset 64"),
        ];
        for (family, digits, expected) in cases {
            assert_eq!(words(family, false, digits).prefix, expected, "{digits}");
        }
        let vpn = words(Family::VPNV4_FLOWSPEC, false, "0b 0000fde800000001 03 81 11");
        assert_eq!(
            (vpn.prefix.as_str(), vpn.distinguisher.as_deref()),
            ("protocol =17", Some("65000:1"))
        );
    }

    #[test]
    fn what_is_not_known_is_shown_in_hexadecimal() {
        assert_eq!(words(Family::LINK_STATE, false, "0001 0003 010203").prefix, "node 0x010203");
        assert_eq!(words(Family::LINK_STATE, false, "00ff 0001 01").prefix, "0x00ff000101");
        assert_eq!(words(Family { afi: 7, safi: 7 }, false, "0102").prefix, "0x0102");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_have_words(
            family in prop::sample::select(Family::ALL.to_vec()),
            add_path: bool,
            bytes in prop::collection::vec(any::<u8>(), 0..80),
        ) {
            let form = Form::new(family, add_path);
            let _ = Words::of(form, &bytes);
            for route in form.readable_routes(&bytes) {
                let words = Words::of(form, route.as_ref());
                prop_assert!(words.prefix.len() <= 4 * BYTES_MAX + 64);
            }
        }
    }
}
