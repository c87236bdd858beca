//! An OPEN as text, to find out why two sides do not agree.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use super::{
    ADD_PATH, AddPath, EXTENDED_MESSAGE, FOUR_OCTET_AS, GRACEFUL_RESTART, GracefulRestart,
    MULTIPLE_LABELS, MULTIPROTOCOL, ROUTE_REFRESH, capabilities, read_add_path,
};
use crate::wire::bgp::HEADER_LEN;
use crate::wire::family::Family;
use crate::wire::reader::Reader;

/// How many capabilities are described; the length of an OPEN is all that limits them.
const DESCRIBED_MAX: usize = 40;

/// Describes a whole OPEN message as it was sent, as far as it can be read: `AS 65001, ID 192.0.2.2, hold time 90 s,
/// capabilities: ipv4-unicast, route-refresh`.
pub fn describe(open: &[u8]) -> String {
    let mut reader = Reader::new(open, 0);
    let mut fixed = || {
        reader.take(HEADER_LEN + 1).ok()?;
        let (asn, hold_time) = (reader.u16().ok()?, reader.u16().ok()?);
        Some((asn, hold_time, Ipv4Addr::from(reader.u32().ok()?)))
    };
    let Some((asn, hold_time, id)) = fixed() else { return "it is too short".to_owned() };
    let all: Vec<String> =
        capabilities::all(open).map(|(code, value)| named(code, value)).collect();
    let mut text = format!("AS {asn}, ID {id}, hold time {hold_time} s, ");
    match all.as_slice() {
        [] => text.push_str("no capabilities"),
        all => {
            let shown = &all[..all.len().min(DESCRIBED_MAX)];
            let _ = write!(text, "capabilities: {}", shown.join(", "));
        }
    }
    if all.len() > DESCRIBED_MAX {
        let _ = write!(text, " and {} more", all.len() - DESCRIBED_MAX);
    }
    text
}

/// A capability by its name in the registry of capability codes, with what of its value decides about a session.
fn named(code: u8, mut value: Reader<'_>) -> String {
    let length = value.len();
    let name = match (code, length) {
        (MULTIPROTOCOL, 4) => {
            return match (value.u16(), value.array()) {
                (Ok(afi), Ok([_, safi])) => Family { afi, safi }.to_string(),
                _ => "multiprotocol (malformed)".to_owned(),
            };
        }
        (FOUR_OCTET_AS, 4) => {
            return value
                .u32()
                .map_or_else(|_| String::new(), |asn| format!("four-octet AS {asn}"));
        }
        (GRACEFUL_RESTART, length) if length % 4 == 2 => {
            return match GracefulRestart::read(value) {
                Ok(restart) => format!("graceful restart {} s", restart.time),
                Err(_) => "graceful restart (malformed)".to_owned(),
            };
        }
        (ADD_PATH, length) if length % 4 == 0 => {
            let families = read_add_path(value).into_iter().flatten().map(|(family, what)| {
                let what = match what {
                    AddPath::Receive => "receive",
                    AddPath::Send => "send",
                    AddPath::Both => "both",
                };
                format!("{family} {what}")
            });
            return format!(
                "ADD-PATH ({})",
                families.take(DESCRIBED_MAX).collect::<Vec<_>>().join(", ")
            );
        }
        (ROUTE_REFRESH, 0) => "route refresh",
        (5, _) => "extended next hop",
        (EXTENDED_MESSAGE, 0) => "extended message",
        (MULTIPLE_LABELS, _) => "multiple labels",
        (9, _) => "role",
        (70, _) => "enhanced route refresh",
        (71, _) => "long-lived graceful restart",
        (73, _) => "FQDN",
        (75, _) => "software version",
        (128, _) => "route refresh (Cisco)",
        _ => return format!("code {code} ({length} bytes)"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::{AS_TRANS, Open};
    use super::*;

    #[test]
    fn an_open_is_described_with_everything_that_a_session_depends_on() {
        let open = Open {
            asn: 4_200_000_000,
            hold_time: 90,
            bgp_id: Ipv4Addr::new(192, 0, 2, 2),
            families: vec![Family::IPV4_UNICAST, Family { afi: 9, safi: 7 }],
            four_octet_as: true,
            extended_message: true,
            route_refresh: true,
            graceful_restart: Some(GracefulRestart { time: 120, ..GracefulRestart::default() }),
            add_path: vec![(Family::IPV4_UNICAST, AddPath::Send)],
        };
        let mut message = open.message();
        assert_eq!(
            describe(&message),
            format!(
                "AS {AS_TRANS}, ID 192.0.2.2, hold time 90 s, capabilities: ipv4-unicast, afi-9-safi-7, route refresh, \
                 extended message, graceful restart 120 s, four-octet AS 4200000000, ADD-PATH (ipv4-unicast send)"
            )
        );
        // One that is not known, in the place of route refresh.
        let at = message.windows(2).position(|pair| pair == [ROUTE_REFRESH, 0]).unwrap();
        message[at] = 200;
        assert!(describe(&message).contains("afi-9-safi-7, code 200 (0 bytes), extended"));
        for length in 0..message.len() {
            describe(&message[..length]);
        }
        assert_eq!(describe(&message[..20]), "it is too short");
    }

    #[test]
    fn an_open_full_of_capabilities_is_described_in_part() {
        let families = (0..600).map(|afi| Family { afi, safi: 1 }).collect();
        let open = Open {
            asn: 65001,
            hold_time: 90,
            bgp_id: Ipv4Addr::new(192, 0, 2, 2),
            families,
            four_octet_as: false,
            extended_message: false,
            route_refresh: false,
            graceful_restart: None,
            add_path: Vec::new(),
        };
        let text = describe(&open.message());
        assert!(text.ends_with(" and 560 more") && text.len() < 1000, "{text}");
    }
}
