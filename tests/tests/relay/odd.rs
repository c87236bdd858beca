//! What is legal, or at least readable, and seldom seen: it is sent on as it came, early and late.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tests::bgp::{self, Family, Open, end_of_rib};
use tests::bmp::PeerHeader;
use tests::bmp::message::{self, flag, monitoring, of_peer, peer, text, tlv};
use tests::nlri;
use tests::relay::example::{simple, simple_up, update};
use tests::relay::{Lab, Plan, Router, Summary};
use tests::station::{Connection, Station};

use super::{announcement, global, withdrawal};

/// Waits until both stations know what the router has sent, each on its only connection.
#[track_caller]
fn all_know(lab: &mut Lab, router: &Router) -> [Connection; 2] {
    let direct = router.summary();
    lab.start_late();
    let legs = [&lab.early, &lab.late].map(|station: &Station| station.wait_connection(1));
    for leg in &legs {
        leg.wait_known(&direct);
        leg.assert_legal();
    }
    legs
}

fn open(add_path: &[(Family, u8)]) -> Open {
    let families = vec![Family::IPV4, Family::IPV6, Family::VPNV4, Family::IPV4_LABELED];
    Open { families, add_path: add_path.to_vec(), ..Open::of(65_000) }
}

fn up(sent: &Open, received: &Open) -> message::Up {
    message::Up {
        local: Ipv4Addr::new(192, 0, 2, 254).into(),
        ports: [179, 40_000],
        sent_open: sent.encode(),
        received_open: received.encode(),
        information: vec![],
    }
}

/// RFC 7854 section 4.3 wants sysDescr and sysName; not everybody has them.
#[test]
fn an_initiation_is_sent_on_whatever_it_has() {
    let long = vec![b'x'; 60_000];
    let initiations: [&[(u16, Vec<u8>)]; 4] = [
        &[],
        &[(tlv::SYSTEM_NAME, vec![0xff, 0xfe]), (tlv::SYSTEM_DESCRIPTION, vec![])],
        &[text(tlv::SYSTEM_NAME, "a \"name\"\nof two lines"), text(tlv::SYSTEM_NAME, "another")],
        &[(tlv::STRING, long), text(tlv::SYSTEM_NAME, "edge1")],
    ];
    for information in initiations {
        let mut lab = Plan::default().start();
        let router = lab.dial("edge1");
        router.send(message::initiation(information));
        router.send(simple(&global(1), &announcement(&["198.51.100.0/24"], 1)));
        all_know(&mut lab, &router);
        lab.wait_state("edge1", "established");
    }
}

/// Its name in the configuration is who it is.
#[test]
fn a_router_may_change_its_name() {
    let mut lab = Plan::default().start();
    let router = lab.connect("edge1");
    router.send(simple(&global(1), &announcement(&["198.51.100.0/24"], 1)));
    lab.early.wait_leg("edge1").wait_known(&router.summary());
    router.send(message::initiation_of("renamed"));
    let [early, _] = all_know(&mut lab, &router);
    assert_eq!(early.router(Summary::system_name).as_deref(), Some("renamed"));
    assert_eq!((lab.early.connections().len(), lab.late.connections().len()), (1, 1));
}

#[test]
fn a_peer_up_is_sent_on_byte_for_byte_whatever_its_fields_have() {
    let mut lab = Plan::default().start();
    let router = lab.connect("edge1");
    let open = open(&[]).encode();
    let v6 = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1).octets();
    // A local address of the other family, or with something before it; ports of zero; an OPEN of four families
    // and one of none; TLVs without value and of unknown types.
    let plain = bgp::message(bgp::kind::OPEN, &[4, 0xfd, 0xe9, 0, 90, 192, 0, 2, 4, 0]);
    let bodies: [Vec<u8>; 4] = [
        [&v6[..], &[0, 0, 0, 0], &open, &open].concat(),
        [&[1; 16][..], &[0xff; 4], &open, &open].concat(),
        [&[0; 20][..], &open, &plain].concat(),
        [&[0; 20][..], &plain, &open, &[0, 3, 0, 0, 0xff, 0xff, 0, 2, 7, 7]].concat(),
    ];
    for (n, body) in (1..).zip(&bodies) {
        router.send(of_peer(message::kind::PEER_UP, &global(n), &[body]));
        router.send(monitoring(&global(n), &announcement(&["198.51.100.0/24"], 1)));
        router.send(monitoring(&global(n), &end_of_rib(Family::IPV4)));
    }
    all_know(&mut lab, &router);
}

/// An IPv4 peer and an IPv6 peer whose address fields have the same bytes.
#[test]
fn the_v_flag_is_part_of_who_a_peer_is() {
    let mut lab = Plan::default().start();
    let router = lab.connect("edge1");
    let v4 = global(1);
    let mapped: IpAddr = Ipv6Addr::from(u128::from(u32::from(Ipv4Addr::new(192, 0, 2, 1)))).into();
    let v6 = message::header(peer::GLOBAL, 0, mapped, 65_001).at(v4.time);
    assert_eq!(v4.encode()[10..26], v6.encode()[10..26]);
    router.send(simple(&v4, &announcement(&["198.51.100.0/24"], 1)));
    router.send(simple(&v6, &announcement(&["198.51.100.0/24", "203.0.113.0/24"], 2)));
    let [early, late] = all_know(&mut lab, &router);
    for leg in [&early, &late] {
        assert_eq!(leg.router(|s| (s.peers.len(), s.routes_held())), (2, 3));
    }
    router.send(message::peer_down(&v4, 4, &[]));
    early.wait_known(&router.summary());
    late.wait_known(&router.summary());
}

/// A router with a broken clock, and one without.
#[test]
fn times_are_sent_on_as_they_came() {
    let mut lab = Plan::default().start();
    let router = lab.connect("edge1");
    router.send(simple_up(&global(1)));
    let mut headers = vec![];
    for (seconds, micros) in [(0, 0), (u32::MAX, 999_999), (1, 500_000), (0, 1)] {
        let mut header = global(1).encode();
        header[34..38].copy_from_slice(&u32::to_be_bytes(seconds));
        header[38..].copy_from_slice(&u32::to_be_bytes(micros));
        headers.push(header);
    }
    let prefixes = ["198.51.100.0/24", "203.0.113.0/24", "192.0.2.0/24", "100.64.0.0/10"];
    for (header, prefix) in headers.iter().zip(prefixes) {
        let update = announcement(&[prefix], 1);
        router.send(message::message(3, message::kind::ROUTE_MONITORING, &[header, &update]));
    }
    router.send(monitoring(&global(1), &end_of_rib(Family::IPV4)));
    all_know(&mut lab, &router);
}

/// The same bytes mean other paths with and without it.
#[test]
fn the_a_flag_belongs_to_each_route() {
    let mut lab = Plan::default().start();
    let router = lab.connect("edge1");
    let (four, two) = (global(1), global(1).with(flag::TWO_OCTET_AS));
    let path = [0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0xfd, 0xe9, 0xfd, 0xea, 0x40, 3, 4, 192, 0, 2, 1];
    let of = |octet: u8| update(&[], &path, &[24, 198, 51, octet]);
    router.send(simple(&four, &[]));
    for (header, octet) in [(&four, 1), (&two, 2), (&four, 3), (&two, 3), (&two, 4), (&four, 4)] {
        router.send(monitoring(header, &of(octet)));
    }
    let early = lab.early.wait_leg("edge1");
    early.wait_known(&router.summary());
    router.send(monitoring(&two, &of(1)));
    let [_, late] = all_know(&mut lab, &router);
    late.router(|s| {
        let routes = s.peer(&four).unwrap().tables.values().flat_map(|t| t.routes.values());
        let flags: Vec<bool> = routes.map(|route| route.has_two_octet_as).collect();
        assert_eq!(flags, [true, true, true, false]);
    });
}

/// RFC 8277: as many as there are until the one at the bottom of the stack.
#[test]
fn routes_with_a_stack_of_labels_are_kept_and_withdrawn_by_their_prefix() {
    let mut lab = Plan::default().start();
    let router = lab.connect("edge1");
    router.send(message::peer_up(&global(1), &up(&open(&[]), &open(&[]))));
    let path = [0x40, 1, 1, 0, 0x40, 2, 0];
    let rd = [0, 0, 0xfd, 0xe8, 0, 0, 0, 1];
    let labeled = |labels: &[u8], prefix: u8| {
        [&[labels.len() as u8 * 8 + 24][..], labels, &[198, 51, prefix]].concat()
    };
    let vpn = |labels: &[u8], prefix: u8| {
        [&[labels.len() as u8 * 8 + 88][..], labels, &rd, &[198, 51, prefix]].concat()
    };
    let (one, two, three) =
        ([0, 1, 0x11], [0, 1, 0x10, 0, 2, 0x11], [0, 1, 0x10, 0, 2, 0, 0, 3, 1]);
    let all = |of: &dyn Fn(&[u8], u8) -> Vec<u8>| {
        [of(&one, 1), of(&two, 2), of(&three, 3), of(&two, 4), of(&one, 5)].concat()
    };
    let withdrawn = [0x80, 0, 0];
    for (family, of) in
        [(Family::IPV4_LABELED, &labeled as &dyn Fn(&[u8], u8) -> Vec<u8>), (Family::VPNV4, &vpn)]
    {
        let hop = nlri::example_next_hop(family);
        router.send(monitoring(&global(1), &nlri::announcement(family, &hop, &all(of), &path)));
        // Other labels than before, and the values that stand for any.
        let changed = [of(&three, 1), of(&one, 2)].concat();
        router.send(monitoring(&global(1), &nlri::announcement(family, &hop, &changed, &path)));
        let gone = [of(&withdrawn, 3), of(&[0, 0, 0], 4)].concat();
        router.send(monitoring(&global(1), &nlri::withdrawal(family, &gone)));
        router.send(monitoring(&global(1), &end_of_rib(family)));
    }
    let [early, late] = all_know(&mut lab, &router);
    for leg in [&early, &late] {
        assert_eq!(leg.router(Summary::routes_held), 6);
    }
}

/// A session that has come up anew with other capabilities writes its routes in another way.
#[test]
fn another_peer_up_may_change_how_routes_are_written() {
    let mut lab = Plan::default().start();
    let router = lab.connect("edge1");
    let early = lab.early.wait_leg("edge1");
    let path = [0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 192, 0, 2, 1];
    let header = global(1);
    for round in 0..4 {
        let with_paths = round % 2 == 1;
        let [sent, received] = match with_paths {
            true => [open(&[(Family::IPV4, 1)]), open(&[(Family::IPV4, 2)])],
            false => [open(&[]), open(&[])],
        };
        router.send(message::peer_up(&header, &up(&sent, &received)));
        let nlri: &[u8] = match with_paths {
            true => &[0, 0, 0, 1, 24, 198, 51, 1, 0, 0, 0, 2, 24, 198, 51, 1],
            false => &[24, 198, 51, 1, 24, 198, 51, 2, 24, 198, 51, 3],
        };
        router.send(monitoring(&header, &update(&[], &path, nlri)));
        router.send(monitoring(&header, &end_of_rib(Family::IPV4)));
        early.wait_router("the routes of this session", |s| {
            let up = s.peer(&header)?;
            let is_whole = up.tables.values().all(|table| table.has_ended);
            (is_whole && up.routes() == if with_paths { 2 } else { 3 }).then_some(())
        });
        assert_eq!(early.router(|s| s.live.len()), 0, "all could be read");
    }
    let late = lab.start_late().wait_leg("edge1");
    late.wait_known(&early.known());
    assert_eq!(early.router(Summary::routes_held), 2);
    early.assert_legal();
    late.assert_legal();
}

/// RFC 7911 and RFC 8671: what the router reads has other identifiers than what it writes.
#[test]
fn path_identifiers_are_those_of_the_direction_of_a_view() {
    let mut lab = Plan::default().start();
    let router = lab.connect("edge1");
    let path = [0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 192, 0, 2, 1];
    let plain = update(&[], &path, &[24, 198, 51, 1]);
    let with = update(&[], &path, &[0, 0, 0, 9, 24, 198, 51, 1, 0, 0, 0, 8, 24, 198, 51, 1]);
    let out = flag::ADJ_RIB_OUT | flag::POST_POLICY;
    // The peer sends them, the router sends them, both do, one is not able to receive them.
    let cases: [(u8, u8, bool, bool); 5] = [
        (1, 2, true, false),
        (2, 1, false, true),
        (3, 3, true, true),
        (1, 1, false, false),
        (2, 3, false, true),
    ];
    for (n, (ours, theirs, is_in, is_out)) in (1..).zip(cases) {
        let [sent, received] = [ours, theirs].map(|mode| open(&[(Family::IPV4, mode)]));
        router.send(message::peer_up(&global(n), &up(&sent, &received)));
        for (view, has) in [(0, is_in), (flag::POST_POLICY, is_in), (out, is_out)] {
            let header = global(n).with(view);
            router.send(monitoring(&header, if has { &with } else { &plain }));
            router.send(monitoring(&header, &end_of_rib(Family::IPV4)));
        }
    }
    let [early, _] = all_know(&mut lab, &router);
    assert_eq!(early.router(|s| (s.live.len(), s.routes_held())), (0, 22));
}

/// Whether a Loc-RIB is filtered says its Peer Up: what a withdrawal is of does not depend on a flag of its own.
#[test]
fn a_loc_rib_is_one_table_whatever_the_f_flag_of_a_message_is() {
    let mut lab = Plan::default().start();
    let router = lab.connect("edge1");
    let whole = message::loc_rib(0, 65_000, [192, 0, 2, 254].into()).at(global(1).time);
    let filtered = whole.with(flag::FILTERED);
    for (up, other) in [(&whole, &filtered), (&filtered, &whole)] {
        router.send(simple(up, &announcement(&["198.51.100.0/24", "203.0.113.0/24"], 1)));
        let early = lab.early.wait_leg("edge1");
        early.wait_known(&router.summary());
        router.send(monitoring(other, &withdrawal(&["198.51.100.0/24"])));
        early.wait_router("one route", |s| (s.routes_held() == 1).then_some(()));
        router.send(message::peer_down(up, 5, &[]));
        early.wait_known(&router.summary());
    }
    router.send(simple(&filtered, &announcement(&["198.51.100.0/24"], 1)));
    all_know(&mut lab, &router);
}

/// FRR's Loc-RIB does so: its OPENs name no family, and routes of two come.
#[test]
fn routes_of_families_that_the_opens_do_not_name_are_kept() {
    let mut lab = Plan::default().start();
    let router = lab.connect("edge1");
    let loc_rib = message::loc_rib(0, 65_000, [192, 0, 2, 254].into());
    let none = Open { families: vec![], ..Open::of(65_000) };
    for header in [global(1), loc_rib] {
        router.send(message::peer_up(&header, &up(&none, &none)));
        let both = announcement(&["198.51.100.0/24", "2001:db8::/32"], 1);
        router.send(monitoring(&header, &both));
        let vpn = nlri::example(Family::VPNV4, 1);
        let hop = nlri::example_next_hop(Family::VPNV4);
        let update = nlri::announcement(Family::VPNV4, &hop, &vpn, &[0x40, 1, 1, 0]);
        router.send(monitoring(&header, &update));
        for family in [Family::IPV4, Family::IPV6, Family::VPNV4] {
            router.send(monitoring(&header, &end_of_rib(family)));
        }
    }
    let [early, _] = all_know(&mut lab, &router);
    assert_eq!(early.router(|s| (s.live.len(), s.routes_held())), (0, 6));
}

#[test]
fn an_update_that_cannot_be_read_makes_no_table() {
    let mut lab = Plan::default().start();
    let router = lab.connect("edge1");
    let header = global(1);
    router.send(simple_up(&header));
    router.send(monitoring(&header, &announcement(&["198.51.100.0/24"], 1)));
    // A prefix of 129 bits, announced and withdrawn.
    let (mut reach, mut unreach) = (vec![], vec![]);
    let next_hop = [&[0, 2, 1, 16][..], &[1; 16], &[0, 129]].concat();
    bgp::put_attribute(&mut reach, 0x80, bgp::attribute::MP_REACH, &next_hop);
    bgp::put_attribute(&mut unreach, 0x80, bgp::attribute::MP_UNREACH, &[0, 2, 1, 129]);
    let unreadable = [update(&[], &reach, &[]), update(&[], &unreach, &[8, 10])];
    let early = lab.early.wait_leg("edge1");
    for update in &unreadable {
        router.send(monitoring(&header, update));
    }
    router.send(monitoring(&header, &announcement(&["203.0.113.0/24"], 1)));
    early.wait_known(&router.summary());
    let shown = lab.router("edge1");
    let tables = shown["tables"].as_array().unwrap();
    assert_eq!(tables.len(), 1, "{shown}");
    assert_eq!(tables[0]["routes"], 2, "{shown}");
    assert_eq!(shown["received"]["unreadable_updates"], 2, "{shown}");
    let late = lab.start_late().wait_leg("edge1");
    late.wait_known(&router.summary());
}

/// What is passed on comes without the order of the tables: a route that is kept must not be in it.
#[test]
fn routes_of_a_known_and_of_an_unknown_family_in_one_update_are_taken_apart() {
    let mut lab = Plan::default().start();
    let router = lab.connect("edge1");
    let header = global(1);
    router.send(simple(&header, &announcement(&["198.51.100.0/24"], 1)));
    let early = lab.early.wait_leg("edge1");
    early.wait_known(&router.summary());
    let mut attributes = vec![0x40, 1, 1, 0];
    let value = [0, 25, 65, 4, 192, 0, 2, 1, 0, 24, 198, 51, 100];
    bgp::put_attribute(&mut attributes, 0x80, bgp::attribute::MP_REACH, &value);
    attributes.extend([0x40, 2, 0, 0x40, 3, 4, 192, 0, 2, 1]);
    router.send(monitoring(&header, &update(&[], &attributes, &[24, 203, 0, 113])));
    let passed_on = monitoring(&header, &update(&[], &attributes, &[]));
    let has_both =
        |s: &Summary| (s.routes_held() == 2 && s.live == [passed_on.clone()]).then_some(());
    early.wait_router("the route, and the message without it", has_both);
    let late = lab.start_late().wait_leg("edge1");
    late.wait_known(&early.known());
    late.router(|s| assert_eq!(s.live.len(), 0));
    assert_eq!(lab.router("edge1")["received"]["unreadable_updates"], 1);
}

/// The AS number and the identifier that a message has, and those of the Peer Up.
#[test]
fn a_header_that_differs_from_that_of_the_peer_up_harms_nobody() {
    let mut lab = Plan::default().start();
    let router = lab.connect("edge1");
    let header = global(1);
    let other = PeerHeader { asn: 7, router_id: Ipv4Addr::new(9, 9, 9, 9), ..header };
    router.send(simple(&header, &announcement(&["198.51.100.0/24"], 1)));
    router.send(monitoring(&other, &announcement(&["203.0.113.0/24"], 1)));
    let early = lab.early.wait_leg("edge1");
    let both = |s: &Summary| (s.routes_held() == 2).then_some(());
    early.wait_router("both routes", both);
    let late = lab.start_late().wait_leg("edge1");
    late.wait_router("both routes", both);
    router.send(message::peer_down(&other, 4, &[]));
    for leg in [&early, &late] {
        leg.wait_router("no peer", |s| s.peers.is_empty().then_some(()));
    }
    lab.early.assert_legal();
}

/// Not only their number is bounded: what is left out is said.
#[test]
fn mirrored_messages_that_do_not_fit_are_dropped_and_the_loss_is_reported() {
    use tests::station::Pace;
    let plan = Plan { receive_buffer: Some(8 * 1024), log: "info", ..Plan::default() };
    let lab = plan.start();
    let router = lab.connect("edge1");
    router.send(simple(&global(1), &announcement(&["198.51.100.0/24"], 1)));
    let early = lab.early.wait_leg("edge1");
    early.wait_known(&router.summary());
    lab.early.pace(Pace::Stalled);
    let before = lab.daemon.rss_kib();
    let mirrored = message::mirroring(&global(1), &[(1, vec![0, 0]), (0, vec![7; 4000])]);
    let batch = mirrored.repeat(100);
    for _ in 0..150 {
        router.send(&batch);
    }
    router.send(monitoring(&global(1), &announcement(&["203.0.113.0/24"], 1)));
    let grown = lab.daemon.rss_kib().saturating_sub(before);
    assert!(grown < 24 * 1024, "60 MB went by, {grown} KiB stayed");
    lab.early.pace(Pace::Full);
    early.wait_known(&router.summary());
    // "Messages Lost" (RFC 7854 section 4.7).
    let lost = [0, 1, 0, 2, 0, 1];
    let says_so = |s: &Summary| {
        let mut live = s.live.iter().filter(|m| m[5] == message::kind::ROUTE_MIRRORING);
        live.any(|m| m[48..].windows(6).any(|window| window == lost)).then_some(())
    };
    early.wait_router("that messages were lost", says_so);
    assert!(early.router(|s| s.live.len()) < 15_000);
    lab.early.assert_legal();
}
