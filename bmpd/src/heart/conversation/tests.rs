//! Messages of real neighbors, of public reports and of attackers: bytes in, the state of the session out.

use super::*;
use crate::wire::bytes_of;
use crate::wire::open::AddPath;

/// bmpd's OPEN, which offers these families with ADD-PATH.
fn local(families: &[Family]) -> Open {
    Open {
        asn: 65000,
        hold_time: 90,
        bgp_id: [192, 0, 2, 1].into(),
        families: families.to_vec(),
        four_octet_as: true,
        extended_message: true,
        route_refresh: true,
        graceful_restart: None,
        add_path: families.iter().map(|family| (*family, AddPath::Receive)).collect(),
    }
}

/// The neighbor's OPEN, without ADD-PATH.
fn remote(asn: u32, families: &[Family]) -> Open {
    Open { asn, bgp_id: [192, 0, 2, 2].into(), add_path: vec![], ..local(families) }
}

/// A session that is up with a neighbor of this OPEN.
fn up(remote: &Open) -> Conversation {
    let mut session = Conversation::begin(local(&remote.families));
    session.read(&remote.message());
    keepalive(&mut session);
    assert!(session.routes().is_some(), "{:?}", session.ended());
    session
}

fn keepalive(session: &mut Conversation) {
    let mut message = Vec::new();
    bgp::encode(&mut message, MessageType::Keepalive, &[]);
    session.read(&message);
}

/// The neighbor sends an UPDATE with this body.
fn update(session: &mut Conversation, digits: &str) {
    let mut message = Vec::new();
    bgp::encode(&mut message, MessageType::Update, &bytes_of(digits));
    session.read(&message);
}

/// The code and subcode of the NOTIFICATION by which bmpd ended the session.
fn sent(session: &Conversation) -> Option<(u8, u8)> {
    match &session.ended {
        Some(End::Sent(notification)) => Some((notification.code, notification.subcode)),
        Some(other) => panic!("{other}"),
        None => None,
    }
}

fn routes(session: &Conversation) -> usize {
    session.routes().expect("a session that is up").iter().map(|(_, count)| *count).sum()
}

/// UPDATEs treated as withdrawals and the routes in them, attributes discarded, and UPDATEs of families that were
/// not negotiated.
fn counted(session: &Conversation) -> (u64, u64, u64, u64) {
    let counters = |rib: &mut crate::routers::Rib| {
        let counters = &rib.counters;
        (
            counters.updates_treated_as_withdraw,
            counters.prefixes_treated_as_withdraw,
            counters.attributes_discarded,
            counters.updates_not_negotiated,
        )
    };
    session.epoch.as_ref().and_then(|epoch| epoch.with(counters)).expect("a session that is up")
}

/// True if a station is sent these bytes.
fn is_sent(session: &Conversation, digits: &str) -> bool {
    let mut out = Vec::new();
    session.station().fill(&mut out, 64 * 1024);
    let part = bytes_of(digits);
    out.windows(part.len()).any(|window| window == part)
}

#[test]
fn a_changed_route_in_a_swallowed_mp_reach_ends_the_session() {
    let first = "0000002c4001010040020602010000fde9800e1c0002011020010db8000000000000000000000009003020010\
                 db80005";
    let swallowed = [
        "00000040800f0a0002013020010db80099c008ff4001010040020a02020000fde90000fdea800e1c0002011020010db\
         8000000000000000000000009003020010db80005",
        "00000014800f0a0002013020010db80099c0080900010001",
    ];
    for changed in swallowed {
        let mut session = up(&remote(65001, &Family::DEFAULT));
        update(&mut session, first);
        assert_eq!(routes(&session), 1);
        update(&mut session, changed);
        assert_eq!(sent(&session), Some((3, 1)));
    }
}

#[test]
fn as_0_does_not_come_up() {
    let opens = [
        "002501040000005a0a010008080206010400010001",
        "002b01045ba0005a0a0100090e020c010400010001410400000000",
        "002b01045ba0005a0a0100090e020c010400010001410400005ba0",
    ];
    for open in opens {
        let mut session = Conversation::begin(local(&Family::DEFAULT));
        session.read(&[0xff; 16]);
        session.read(&bytes_of(open));
        assert_eq!(sent(&session), Some((2, 2)), "{open}");
    }
}

#[test]
fn a_route_with_as_0_in_its_path_is_withdrawn_and_counted() {
    let path = |last: &str| {
        format!(
            "000000424001010040020e02030000220d00008932{last}400304d45fb0a1c00808220d005a220d0050c01018\
             0002220d0000005a0003220d0000220d0002220d0000220d1455ffa0"
        )
    };
    let mut session = up(&remote(8717, &Family::DEFAULT));
    update(&mut session, &path("0000fde9"));
    assert_eq!((routes(&session), counted(&session)), (1, (0, 0, 0, 0)));
    update(&mut session, &path("00000000"));
    assert_eq!((sent(&session), routes(&session), counted(&session)), (None, 0, (1, 1, 0, 0)));
}

#[test]
fn add_path_capabilities_of_one_family_each_add_up() {
    let mut session = Conversation::begin(local(&Family::DEFAULT));
    session.read(&[0xff; 16]);
    session.read(&bytes_of(
        "003d0104fde9005a0a01001320021e01040001000101040002000141040000fde9450400010103450400020103",
    ));
    keepalive(&mut session);
    update(&mut session, "000000144001010040020602010000fde9400304c00002010000000118c00002");
    assert_eq!((sent(&session), routes(&session)), (None, 1));
    assert!(is_sent(&session, "0000000118c00002"), "192.0.2.0/24 of path 1");
}

#[test]
fn a_multicast_route_of_evpn_is_withdrawn_whatever_its_flags() {
    let announce = |flags: &str| {
        format!(
            "000000334001010040020602010000fde9800e2300194604c00002090006180000fde800000001000000000020ef\
             010101200a000001{flags}"
        )
    };
    let mut session = up(&remote(65001, &[Family::L2VPN_EVPN]));
    update(&mut session, &announce("02"));
    update(&mut session, &announce("04"));
    assert_eq!(routes(&session), 1);
    update(
        &mut session,
        "00000020800f1d00194606180000fde800000001000000000020ef010101200a00000104",
    );
    assert_eq!((sent(&session), routes(&session)), (None, 0));
}

#[test]
fn an_ipv6_next_hop_of_a_vpn_route_needs_no_distinguisher() {
    let mut session = up(&remote(64496, &[Family::VPNV4_UNICAST]));
    update(
        &mut session,
        "000000474001010040020602010000fbf080040400000000c010080002fbf100000001900e00240001801020010db800\
         44000000000000000000010070e00201000164691e00021264691e",
    );
    assert_eq!((sent(&session), routes(&session)), (None, 1));
    assert!(
        is_sent(&session, "0001801020010db80044000000000000000000010070e0020100"),
        "as it came"
    );
}

#[test]
fn what_is_in_a_family_that_was_not_negotiated_does_not_end_the_session() {
    let path = "4001010040020602010000fde9";
    let reach = |value: &str| {
        let length = value.len() / 2;
        format!("0000{:04x}{path}800e{length:02x}{value}", 13 + 3 + length)
    };
    let good = format!("00000014{path}400304c000020118c00002");
    let mut session = up(&remote(65001, &[Family::IPV4_UNICAST]));
    let passed_over = [
        // Next hops of 5 bytes, and of more than there are; routes that cannot be cut; with a fault.
        reach("00018005000000000000ff"),
        reach("000201ff"),
        reach("0002011020010db800000000000000000000000900ff"),
        "0000001040010105800e090001860000030103ff".to_owned(),
        // MP_UNREACH_NLRI that cannot be cut.
        "00000007800f04000201ff".to_owned(),
    ];
    for (before, digits) in passed_over.iter().enumerate() {
        update(&mut session, digits);
        assert_eq!(sent(&session), None, "{digits}");
        assert_eq!(counted(&session), (0, 0, 0, before as u64 + 1), "{digits}");
    }
    // Routes of families that were negotiated are taken, and an End-of-RIB has no routes.
    update(&mut session, &good);
    update(&mut session, "00000006800f03000201");
    assert_eq!((routes(&session), counted(&session).3), (1, 5));

    let mut session = up(&remote(65001, &[Family::IPV6_UNICAST]));
    for digits in [&good, "0001ff0000", &format!("0000000d{path}ff")] {
        update(&mut session, digits);
    }
    update(&mut session, &reach("00020105000000000000"));
    assert_eq!(sent(&session), Some((3, 9)), "of this family it matters");
}

#[test]
fn mp_reach_with_a_transitive_flag_is_treated_as_a_withdrawal_and_the_session_stays() {
    let announce = |flags: &str| {
        format!(
            "0000002c4001010040020602010000fde9{flags}0e1c0002011020010db8000000000000000000000009003020\
             010db80005"
        )
    };
    let mut session = up(&remote(65001, &Family::DEFAULT));
    update(&mut session, &announce("80"));
    assert_eq!(routes(&session), 1);
    update(&mut session, &announce("c0"));
    assert_eq!((sent(&session), routes(&session), counted(&session)), (None, 0, (1, 1, 0, 0)));
}

#[test]
fn an_as4_path_is_discarded_or_sent_without_its_confederation() {
    let announce = |path: &str| {
        let attributes =
            format!("40010100{path}400304c0000201e0111403020000ffd20000ff820202000022360003000d");
        format!("0000{:04x}{attributes}18c00002", attributes.len() / 2)
    };
    let mut session = up(&remote(65001, &Family::DEFAULT));
    update(&mut session, &announce("40020602010000fde9"));
    assert_eq!((routes(&session), counted(&session)), (1, (0, 0, 1, 0)));
    assert!(!is_sent(&session, "e011"));
    let two_octets = Open { four_octet_as: false, ..remote(65001, &Family::DEFAULT) };
    let mut session = up(&two_octets);
    update(&mut session, &announce("4002040201fde9"));
    assert_eq!((routes(&session), counted(&session)), (1, (0, 0, 1, 0)));
    assert!(is_sent(&session, "400304c0000201e0110a0202000022360003000d18c00002"));
}

#[test]
fn an_attribute_of_internal_sessions_is_sent_as_an_external_neighbor_has_sent_it() {
    let announce = |attributes: &str| {
        let attributes = format!("4001010040020602010000fde9400304c0000201{attributes}");
        format!("0000{:04x}{attributes}18c00002", attributes.len() / 2)
    };
    let good = "400504000000648009040a000001800a040a000002";
    let mut session = up(&remote(65001, &Family::DEFAULT));
    update(&mut session, &announce(good));
    assert!(is_sent(&session, good));
    assert_eq!((routes(&session), counted(&session)), (1, (0, 0, 0, 0)));
    update(&mut session, &announce("c0050400000064"));
    assert_eq!((routes(&session), counted(&session)), (1, (0, 0, 1, 0)));
    assert!(is_sent(&session, "400304c000020118c00002"), "without it");
}

/// RFC 9774 and RFC 5065 require them to be withdrawn; `docs/conformance.md` explains why they are not.
#[test]
fn as_sets_and_segments_of_a_confederation_are_sent_as_received() {
    for path in ["0201 0000fde9 0101 0000fdea", "0301 0000fde9", "0401 0000fdea 0201 0000fde9"] {
        let path = path.replace(' ', "");
        let path = format!("4002{:02x}{path}", path.len() / 2);
        let attributes = format!("40010100{path}400304c0000201");
        let digits = format!("0000{:04x}{attributes}18c00002", attributes.len() / 2);
        let mut session = up(&remote(65001, &Family::DEFAULT));
        update(&mut session, &digits);
        assert_eq!((routes(&session), counted(&session)), (1, (0, 0, 0, 0)), "{path}");
        assert!(is_sent(&session, &attributes), "{path}");
    }
}

/// RFC 4760 section 3: it is ignored by the receiver, and 0 from the sender.
#[test]
fn the_reserved_octet_of_mp_reach_is_sent_as_0() {
    let reach = |reserved: &str| {
        format!("800e1c0002011020010db80000000000000000000000{reserved}3020010db80005")
    };
    let mut session = up(&remote(65001, &Family::DEFAULT));
    update(&mut session, &format!("0000002c4001010040020602010000fde9{}", reach("0907")));
    assert_eq!(routes(&session), 1);
    assert!(is_sent(&session, &reach("0900")));
}

/// Stations wait for the last routes of a first table while it is indexed.
#[test]
fn an_end_of_rib_of_a_first_table_needs_no_index() {
    let mut session = up(&remote(65001, &Family::DEFAULT));
    let attributes = "4001010040020602010000fde9400304c0000201";
    for second in 0..80 {
        let routes = (0..=255).map(|third| format!("180a{second:02x}{third:02x}"));
        let routes = routes.collect::<String>();
        update(&mut session, &format!("0000{:04x}{attributes}{routes}", attributes.len() / 2));
    }
    let work = |session: &Conversation| session.epoch.as_ref()?.with(|rib| rib.work());
    let before = work(&session);
    update(&mut session, "00000000");
    assert_eq!(work(&session), before);
    update(&mut session, "0004180a00000000");
    assert!(work(&session) > before, "before a withdrawal they are indexed");
    assert_eq!(routes(&session), 80 * 256 - 1);
}

/// Sessions are woken for what there is to send, and not for what changes nothing.
#[test]
fn there_is_something_to_send_of_routes_and_of_the_first_end_of_rib() {
    let mut session = up(&remote(65001, &Family::DEFAULT));
    let announce = "000000144001010040020602010000fde9400304c000020118c00002";
    let news = |session: &mut Conversation, digits: &str| {
        let news = |session: &Conversation| session.epoch.as_ref()?.with(|rib| rib.news());
        let before = news(session);
        update(session, digits);
        before != news(session)
    };
    assert!(news(&mut session, announce), "a route");
    assert!(!news(&mut session, "000418c000030000"), "a withdrawal of a route that is not there");
    assert!(news(&mut session, "00000000"), "an End-of-RIB");
    assert!(!news(&mut session, "00000000"), "another one");
    assert!(is_sent(&session, "18c00002"));
    assert!(news(&mut session, announce), "a route that is announced again");
}
