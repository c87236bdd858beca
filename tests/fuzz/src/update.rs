//! UPDATE: from a neighbor's bytes to what a station is sent for them.

use bmpd::heart::{Neighbor, Refused};
use bmpd::wire::bgp::{self, HEADER_LEN, MAX_LEN, MAX_LEN_EXTENDED, MessageType};
use bmpd::wire::family::Family;
use bmpd::wire::open::{AddPath, Open};
use bmpd::wire::update::{Context, Fault, Update};

use crate::model::{self, Routes, Terms};
use crate::netgauze;
use crate::open::ours;
use crate::receiver::Receiver;

/// The first byte determines what was negotiated, the rest is the body of an UPDATE.
///
/// - What is rejected changes nothing, and nothing of it is sent to stations.
/// - What is accepted and well-formed is sent to a station: every route once with the path attributes as received,
///   their flags and their order, the next hop and the place of MP_REACH_NLRI; and no other route. The tests'
///   own decoder verifies this, byte for byte ([`model`] has what RFC 7606 discards).
/// - Routes of a malformed UPDATE are withdrawn (RFC 7606 section 2), like those that it withdraws.
/// - When all routes are withdrawn the station has none.
/// - What netgauze reads in the UPDATE, it reads in what the station is sent; this is not compared if a route was sent
///   twice, or bits beyond a prefix or the reserved byte of MP_REACH_NLRI were set. Where it accepts an UPDATE that
///   bmpd rejects, or treats as withdrawn, it is for one of the reasons of [`may_refuse`] and [`may_be_at_fault`].
pub fn update(bytes: &[u8]) {
    let Some((options, body)) = bytes.split_first() else { return };
    if !(4..=MAX_LEN_EXTENDED - HEADER_LEN).contains(&body.len()) {
        return;
    }
    let terms = Terms {
        four_octet_as: options & 1 == 0,
        external: options & 2 == 0,
        add_path: options & 4 != 0,
    };
    let neighbor = Neighbor::between(&ours(), &theirs(terms));
    let mut station = Receiver::new(neighbor.station(), terms);
    let mut expected = Routes::default();
    let read = tests::bgp::Update::parse(body);

    // So that there is something to withdraw.
    let mut cuttable = true;
    for gone in read.iter().flat_map(tests::bgp::Update::withdrawn) {
        let family = Family { afi: gone.family.afi, safi: gone.family.safi };
        let before = announcement(family, gone.nlri);
        if before.len() > MAX_LEN_EXTENDED - HEADER_LEN {
            return;
        }
        cuttable &= take(&neighbor, &before, terms).is_ok();
        if cuttable && let Ok(before) = tests::bgp::Update::parse(&before) {
            model::announce(&mut expected, &before, terms);
        }
    }
    if cuttable {
        station.read();
        assert_eq!(station.routes, expected, "before the UPDATE");
    }

    let mut message = Vec::new();
    bgp::encode(&mut message, MessageType::Update, body);
    let context = &mut netgauze::context(terms.four_octet_as, terms.add_path);
    let netgauze = netgauze::update(&message, context);
    let taken = take(&neighbor, body, terms);
    assert!(cuttable || taken.is_err(), "routes that could not be announced were withdrawn");
    let (fault, discarded) = match taken {
        Ok(taken) => taken,
        Err(refused) => {
            assert!(matches!(refused, Refused::Malformed(_)), "{refused}");
            let may = netgauze.as_ref().is_none_or(|netgauze| may_refuse(body, terms, netgauze));
            assert!(may, "{refused} to {netgauze:?}");
            if cuttable {
                station.read();
                assert_eq!(station.routes, expected, "after an UPDATE that was refused");
            }
            return;
        }
    };
    let before = station.messages.len();
    station.read();
    let read = match read {
        Ok(read) => read,
        Err(why) => {
            // That they overrun their length, or what was found before that; or MP_REACH_NLRI of a family that was
            // not negotiated ends too early, and is ignored.
            let passed_over = why.contains("next hop") || why.contains("MP_REACH_NLRI");
            assert!(fault.is_some() || passed_over, "{why}");
            return;
        }
    };
    model::withdraw(&mut expected, &read, terms);
    if let Some(fault) = fault {
        model::withdraw_announced(&mut expected, &read, terms);
        assert!(netgauze.is_none() || may_be_at_fault(fault, &read), "{fault}: {netgauze:?}");
    } else {
        let announced = model::announce(&mut expected, &read, terms);
        assert_eq!(announced.discarded, discarded, "attributes discarded");
        if let Some(netgauze) = netgauze
            && announced.as_they_came
            && model::withdraws_as_they_came(&read, terms)
            && discarded == 0
        {
            agrees(&netgauze, &station.messages[before..], terms);
        }
    }
    assert_eq!(station.routes, expected, "after the UPDATE");

    for gone in withdrawals(&expected) {
        let (fault, _) = take(&neighbor, &gone, terms).expect("routes that were cut before");
        assert_eq!(fault, None);
    }
    station.read();
    assert_eq!(station.routes, Routes::default(), "after all were withdrawn");
}

/// The neighbor's OPEN.
fn theirs(terms: Terms) -> Open {
    let mut open = Open {
        asn: if terms.external { 65001 } else { 65000 },
        bgp_id: std::net::Ipv4Addr::new(192, 0, 2, 2),
        four_octet_as: terms.four_octet_as,
        ..ours()
    };
    open.add_path.retain(|_| terms.add_path);
    open.add_path.iter_mut().for_each(|(_, what)| *what = AddPath::Send);
    open
}

/// Applies the body of an UPDATE to the tables; returns its fault, and how many attributes were discarded.
fn take(neighbor: &Neighbor, body: &[u8], terms: Terms) -> Result<(Option<Fault>, u32), Refused> {
    let context = Context { four_octet_as: terms.four_octet_as, external: terms.external };
    let mut kept = Vec::new();
    let update = Update::parse(body, context, &mut kept)?;
    assert!(update.discarded == 0 || update.end_of_rib() != Some(Family::IPV4_UNICAST));
    neighbor.take([&update])?;
    // In the initial table a station may be sent a route twice that was received twice.
    neighbor.pause();
    Ok((update.fault, update.discarded))
}

/// The body of an UPDATE that announces these routes.
fn announcement(family: Family, nlri: &[u8]) -> Vec<u8> {
    let mut path = vec![0x40, 1, 1, 0, 0x40, 2, 0];
    if family == Family::IPV4_UNICAST {
        path.extend_from_slice(&[0x40, 3, 4, 192, 0, 2, 2]);
        return [&[0, 0, 0, path.len() as u8][..], &path, nlri].concat();
    }
    let next_hop = match family.safi {
        128 => 24,
        133 | 134 => 0,
        _ => 16,
    };
    let mut value = family.afi.to_be_bytes().to_vec();
    value.extend_from_slice(&[family.safi, next_hop as u8]);
    value.resize(value.len() + next_hop + 1, 0);
    value.extend_from_slice(nlri);
    path.extend_from_slice(&[0x90, 14]);
    path.extend_from_slice(&(value.len() as u16).to_be_bytes());
    path.extend_from_slice(&value);
    [&[0, 0][..], &(path.len() as u16).to_be_bytes(), &path].concat()
}

/// The bodies of UPDATEs that withdraw all of these.
fn withdrawals(routes: &Routes) -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    for family in Family::ALL {
        let mut some = Vec::new();
        for nlri in routes.nlri_of(family) {
            if some.len() + nlri.len() > MAX_LEN {
                bodies.extend(withdrawal(family, &some));
                some.clear();
            }
            some.extend_from_slice(&nlri);
        }
        bodies.extend(withdrawal(family, &some));
    }
    bodies
}

fn withdrawal(family: Family, nlri: &[u8]) -> Option<Vec<u8>> {
    let length = (nlri.len() + 3) as u16;
    let [high, low] = family.afi.to_be_bytes();
    let mut body = vec![0, 0];
    body.extend_from_slice(&(length + 4).to_be_bytes());
    body.extend_from_slice(&[0x90, 15]);
    body.extend_from_slice(&length.to_be_bytes());
    body.extend_from_slice(&[high, low, family.safi]);
    body.extend_from_slice(nlri);
    (!nlri.is_empty()).then_some(body)
}

/// True if there is a reason to reject an UPDATE that netgauze accepts:
///
/// - MP_REACH_NLRI or MP_UNREACH_NLRI is there twice (RFC 7606 section 3 (g)): netgauze accepts both;
/// - the length of the next hop is invalid for its family, or more than there is (RFC 7606 section 7.11): netgauze
///   hardly checks it, and not at all in a family that it does not support;
/// - flow specifications cannot be cut (RFC 7606 section 5.3): netgauze does not support them, and passes their bytes
///   through;
/// - it announces nothing, and there is a fault in it that netgauze accepts, too ([`may_be_at_fault`]): RFC 7606
///   section 5.2.
fn may_refuse(body: &[u8], terms: Terms, netgauze: &netgauze::Said) -> bool {
    let read = match tests::bgp::Update::parse(body) {
        Ok(read) => read,
        Err(why) => return why.contains("next hop") || why.contains("MP_REACH_NLRI"),
    };
    let of = |kind: u8| read.attributes.clone().filter(move |attribute| attribute.kind == kind);
    let wrong_hop = of(14).any(|reach| match reach.value {
        [high, low, safi, length, ..] => {
            !is_next_hop(u16::from_be_bytes([*high, *low]), *safi, *length)
        }
        _ => true,
    });
    let announced = read.announced().map(|one| (one.family, one.nlri));
    let mut fields = announced.chain(read.withdrawn().map(|gone| (gone.family, gone.nlri)));
    let flowspec = |family: tests::bgp::Family| matches!(family.safi, 133 | 134);
    let cut = |family, nlri| tests::nlri::split(family, terms.add_path, nlri);
    let uncut = fields.any(|(family, nlri)| flowspec(family) && cut(family, nlri).is_err());
    let at_fault = |kind: u8| {
        let faults = [Fault::Flags(kind), Fault::UnknownWellKnown(kind), Fault::Malformed(kind)];
        faults.into_iter().any(|fault| may_be_at_fault(fault, &read))
    };
    let nothing = read.announced().next().is_none()
        && read.attributes.clone().any(|attribute| at_fault(attribute.kind));
    of(14).count() > 1 || of(15).count() > 1 || wrong_hop || nothing || (netgauze.unknown && uncut)
}

/// The lengths of next hops: RFC 2545 section 3, RFC 4364 section 4.3.2, RFC 4659 section 3.2.1, RFC 5549 section 3,
/// RFC 7432 section 9.2.1, RFC 8277 section 2, RFC 8950 section 3, RFC 9552 section 5.5.
fn is_next_hop(afi: u16, safi: u8, length: u8) -> bool {
    match (afi, safi) {
        (2, 1 | 2) => matches!(length, 16 | 32),
        (1, 1 | 2) | (_, 4 | 71) => matches!(length, 4 | 16 | 32),
        (_, 128) => matches!(length, 12 | 16 | 24 | 32 | 48),
        (_, 72) => matches!(length, 4 | 12 | 16 | 24 | 32 | 48),
        (25, 70) => matches!(length, 4 | 16),
        _ => true,
    }
}

/// True if there is a reason to withdraw the routes of an UPDATE that netgauze accepts:
///
/// - a mandatory attribute is missing (RFC 7606 section 3 (d)), flags are wrong (3 (c)), or an attribute claims to
///   be well-known and is not (RFC 4271 section 6.3): netgauze accepts all of that;
/// - an attribute is empty that must not be: a list of communities of any kind (RFC 7606
///   sections 7.8 and 7.14, RFC 8092 section 5), CLUSTER_LIST (7.10), a segment of AS_PATH (7.2), or there is AS 0
///   in AS_PATH (RFC 7607 section 2);
/// - ORIGINATOR_ID does not have four bytes (RFC 7606 section 7.9): netgauze reads the first four.
fn may_be_at_fault(fault: Fault, read: &tests::bgp::Update<'_>) -> bool {
    const FLAGS: [(u8, &[u8]); 3] = [
        (0x40, &[1, 2, 3, 5, 6]),
        (0x80, &[4, 9, 10, 14, 15]),
        (0xc0, &[7, 8, 16, 17, 18, 25, 32]),
    ];
    let usual = |kind: u8| FLAGS.iter().find(|(_, kinds)| kinds.contains(&kind)).map(|f| f.0);
    let first = |kind: u8| read.attributes.clone().find(|attribute| attribute.kind == kind);
    let flags = |kind: u8| first(kind).map(|attribute| attribute.whole[0] & 0xc0);
    match fault {
        Fault::Missing(kind) => first(kind).is_none(),
        Fault::Flags(kind) => flags(kind) != usual(kind),
        Fault::UnknownWellKnown(kind) => {
            usual(kind).is_none() && flags(kind).is_some_and(|flags| flags & 0x80 == 0)
        }
        Fault::Malformed(kind @ (8 | 10 | 16 | 25 | 32)) => {
            first(kind).is_some_and(|attribute| attribute.value.is_empty())
        }
        Fault::Malformed(9) => first(9).is_some_and(|attribute| attribute.value.len() != 4),
        Fault::Malformed(2) => {
            let value = first(2).map_or(&[][..], |attribute| attribute.value);
            value.get(1) == Some(&0) || value.windows(2).any(|pair| pair[1] == 0)
        }
        Fault::Malformed(_) | Fault::Overrun(_) => false,
    }
}

/// netgauze reads in what the station was sent what it reads in the original.
fn agrees(original: &netgauze::Said, messages: &[Vec<u8>], terms: Terms) {
    let mut plain = Vec::new();
    let context = &mut netgauze::context(terms.four_octet_as, terms.add_path);
    for message in messages {
        let Some(said) = netgauze::update(message, context) else {
            panic!("it takes no {message:02x?}, and the original was {original:?}");
        };
        if said.plain.is_empty() && said.reach.is_none() {
            continue;
        }
        assert_eq!(said.path, original.path);
        plain.extend(said.plain);
        if said.reach.is_some() {
            assert_eq!(said.reach, original.reach);
        }
    }
    assert_eq!(plain, original.plain);
}
