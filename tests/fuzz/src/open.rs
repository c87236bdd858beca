//! OPEN.

use bmpd::wire::bgp::{self, MAX_LEN, MessageType};
use bmpd::wire::family::Family;
use bmpd::wire::frame::Frame;
use bmpd::wire::open::{AddPath, Negotiated, Open};

use crate::netgauze;

/// An OPEN is rejected with a NOTIFICATION that names an OPEN error, or it is what the tests' own decoder and
/// netgauze read in it, and means the same when bmpd writes it.
pub fn open(body: &[u8]) {
    if body.len() > MAX_LEN - bgp::HEADER_LEN {
        return;
    }
    let mut message = Vec::new();
    bgp::encode(&mut message, MessageType::Open, body);
    let open = match Frame::find(&message, false) {
        Ok(Some(frame)) => {
            assert_eq!((frame.kind, frame.len), (MessageType::Open, message.len()));
            match Open::parse(body) {
                Ok(open) => open,
                Err(refused) => {
                    assert_eq!(refused.code, 2, "{refused}");
                    return;
                }
            }
        }
        Ok(None) => panic!("a whole message is not found"),
        Err(refused) => {
            assert!(body.len() < 10, "refused with {refused}");
            return;
        }
    };
    assert!(!matches!(open.hold_time, 1 | 2) && !open.bgp_id.is_unspecified());
    assert!(!open.families.is_empty());
    assert_eq!(Open::parse(&open.message()[bgp::HEADER_LEN..]).as_ref(), Ok(&open));
    agrees_with_the_tests(&open, body);
    agrees_with_netgauze(&open, &message);
    negotiates(&open);
}

/// Where the tests' own decoder reads it at all: it supports neither extended length (RFC 9072) nor a
/// malformed capability.
fn agrees_with_the_tests(open: &Open, body: &[u8]) {
    let Ok(theirs) = tests::bgp::Open::parse(body) else { return };
    assert_eq!((open.hold_time, open.bgp_id), (theirs.hold_time, theirs.router_id));
    assert_eq!(open.asn, theirs.asn);
    assert_eq!(open.extended_message, theirs.extended_message);
    assert_eq!(open.route_refresh, theirs.route_refresh);
    let mut families = Vec::new();
    for family in theirs.families {
        let family = Family { afi: family.afi, safi: family.safi };
        if !families.contains(&family) {
            families.push(family);
        }
    }
    if families.is_empty() {
        families.push(Family::IPV4_UNICAST);
    }
    assert_eq!(open.families, families);
}

/// Where netgauze reads it at all.
fn agrees_with_netgauze(open: &Open, message: &[u8]) {
    let Some(theirs) = netgauze::open(message) else { return };
    assert_eq!((open.hold_time, open.bgp_id), (theirs.hold_time(), theirs.bgp_id()));
    assert_eq!(open.asn, theirs.my_asn4());
    let families = netgauze::families(&theirs);
    // It supports only some families, and skips the others.
    assert!(families.iter().all(|family| open.families.contains(family)), "{families:?}");
}

/// Negotiates with an OPEN of bmpd that has all capabilities.
fn negotiates(open: &Open) {
    let local = ours();
    let negotiated = Negotiated::between(&local, open);
    assert!(negotiated.families.iter().all(|family| local.families.contains(family)));
    assert!(negotiated.hold_time <= local.hold_time);
    for form in negotiated.forms() {
        let sends = |(family, what): &(Family, AddPath)| {
            *family == form.family() && !matches!(what, AddPath::Receive)
        };
        assert_eq!(form.add_path(), open.add_path.iter().any(sends), "{}", form.family());
    }
}

/// An OPEN of bmpd that has all capabilities.
pub(crate) fn ours() -> Open {
    Open {
        asn: 65000,
        hold_time: 90,
        bgp_id: std::net::Ipv4Addr::new(192, 0, 2, 1),
        families: Family::ALL.to_vec(),
        four_octet_as: true,
        extended_message: true,
        route_refresh: true,
        graceful_restart: Some(Default::default()),
        add_path: Family::ALL.map(|family| (family, AddPath::Receive)).to_vec(),
    }
}
