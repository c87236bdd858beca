//! What a station must have been sent, derived from the bytes of a neighbor independently of bmpd's code.
//!
//! The tests' own decoder cuts an UPDATE into attributes and routes; here is what RFC 7606 discards of the
//! attributes, and that bits beyond a prefix are ignored. Two things are taken from bmpd, which has tests of
//! its own for them: when an UPDATE is malformed, and what makes two routes the same one
//! ([`bmpd::wire::nlri::Form::key`]).

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use bmpd::wire::family::Family;
use bmpd::wire::nlri::Form;
use tests::bgp::{Attribute, Update};
use tests::nlri;

const MP_REACH: u8 = 14;
const MP_UNREACH: u8 = 15;

/// What was negotiated with the neighbor, beside all families.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    /// AS numbers in AS_PATH have four octets.
    pub(crate) four_octet_as: bool,
    /// The neighbor is in another AS.
    pub(crate) external: bool,
    /// Every route has a path identifier.
    pub(crate) add_path: bool,
}

/// One route with its attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    nlri: Vec<u8>,
    /// The path attributes as they stood; of MP_REACH_NLRI flags, type and next hop.
    path: Vec<Vec<u8>>,
}

/// Routes by family and a hash of what names them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Routes(HashMap<(u16, u8, u64), Route>);

impl Routes {
    /// The routes of a family, one after the other.
    pub(crate) fn nlri_of(&self, family: Family) -> Vec<Vec<u8>> {
        let of_it =
            self.0.iter().filter(|((afi, safi, _), _)| (*afi, *safi) == (family.afi, family.safi));
        of_it.map(|(_, route)| route.nlri.clone()).collect()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The result of an announcement.
pub(crate) struct Announced {
    /// How many attributes were discarded.
    pub(crate) discarded: u32,
    /// True if every route is there once, and no bit was or is to be cleared.
    pub(crate) as_they_came: bool,
}

/// The routes of an UPDATE are announced.
pub(crate) fn announce(routes: &mut Routes, update: &Update<'_>, terms: Terms) -> Announced {
    let (mut kept, mut reach, mut discarded) = (Vec::new(), Vec::new(), 0);
    let mut seen = BTreeSet::new();
    for attribute in update.attributes.clone() {
        match attribute.kind {
            MP_UNREACH => {}
            MP_REACH => reach.push((kept.len(), attribute)),
            kind if !seen.insert(kind) || is_discarded(&attribute, terms) => discarded += 1,
            17 if has_confederation(attribute.value) => {
                discarded += 1;
                kept.extend(without_confederation(&attribute));
            }
            _ => kept.push(attribute.whole.to_vec()),
        }
    }
    let mut as_they_came = true;
    let mut names = BTreeSet::new();
    // The IPv4 field is first: where both announce a route, MP_REACH_NLRI takes precedence.
    let mut announced: Vec<_> = update.announced().collect();
    announced.sort_by_key(|announced| !announced.next_hop.is_empty());
    for one in announced {
        let mut path = kept.clone();
        let is_reach = reach.iter().any(|(_, attribute)| is_within(one.nlri, attribute.value));
        if let Some((at, attribute)) = reach.first().filter(|_| is_reach) {
            path.insert(*at, [&attribute.whole[..2], one.next_hop].concat());
            // The reserved byte (RFC 4760 section 3): whatever was received, 0 is sent.
            as_they_came &= attribute.value.get(4 + one.next_hop.len()) == Some(&0);
        }
        for route in cut(one.family, one.nlri, terms) {
            as_they_came &= names.insert(route.name) && !route.cleared;
            routes.0.insert(route.name, Route { nlri: route.nlri, path: path.clone() });
        }
    }
    Announced { discarded, as_they_came }
}

/// The routes that an UPDATE withdraws are withdrawn; how many were not there.
pub(crate) fn withdraw(routes: &mut Routes, update: &Update<'_>, terms: Terms) -> usize {
    let gone = update.withdrawn().flat_map(|gone| cut(gone.family, gone.nlri, terms));
    gone.filter(|route| routes.0.remove(&route.name).is_none()).count()
}

/// True if no bit of a route that it withdraws is to be cleared.
pub(crate) fn withdraws_as_they_came(update: &Update<'_>, terms: Terms) -> bool {
    let mut gone = update.withdrawn().flat_map(|gone| cut(gone.family, gone.nlri, terms));
    gone.all(|route| !route.cleared)
}

/// The routes that an UPDATE announces are withdrawn: it is malformed.
pub(crate) fn withdraw_announced(routes: &mut Routes, update: &Update<'_>, terms: Terms) {
    for route in update.announced().flat_map(|one| cut(one.family, one.nlri, terms)) {
        routes.0.remove(&route.name);
    }
}

struct Cut {
    name: (u16, u8, u64),
    nlri: Vec<u8>,
    cleared: bool,
}

/// The routes of a field. A family that was not negotiated has none.
fn cut(family: tests::bgp::Family, field: &[u8], terms: Terms) -> Vec<Cut> {
    let known = Family { afi: family.afi, safi: family.safi };
    if !Family::ALL.contains(&known) {
        return Vec::new();
    }
    let form = Form::new(known, terms.add_path);
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    let routes = match nlri::split(family, terms.add_path, field) {
        Ok(routes) => routes,
        Err(error) => panic!("bmpd took {family} routes that cannot be cut: {error}"),
    };
    let cut = routes.iter().map(|route| {
        let nlri = cleared(family, route.whole, terms);
        let cleared = nlri != route.whole;
        let name = (family.afi, family.safi, hasher.hash_one(form.key(&nlri)));
        Cut { name, nlri, cleared }
    });
    cut.collect()
}

/// A route without the bits beyond its length (RFC 4271 section 4.3).
fn cleared(family: tests::bgp::Family, route: &[u8], terms: Terms) -> Vec<u8> {
    let mut route = route.to_vec();
    if matches!((family.afi, family.safi), (1 | 2, 1 | 2 | 4 | 128)) {
        let bits = route[if terms.add_path { 4 } else { 0 }] % 8;
        if bits != 0
            && let Some(last) = route.last_mut()
        {
            *last &= 0xff << (8 - bits);
        }
    }
    route
}

/// True if `part` lies within `whole`: two slices of one message.
fn is_within(part: &[u8], whole: &[u8]) -> bool {
    whole.as_ptr_range().contains(&part.as_ptr())
}

/// What RFC 7606 section 7 has discarded rather than its routes withdrawn.
fn is_discarded(attribute: &Attribute<'_>, terms: Terms) -> bool {
    let length = attribute.value.len();
    let flags = attribute.whole[0] & 0xc0;
    let is_as_0 = |width: usize| attribute.value.iter().take(width).all(|byte| *byte == 0);
    match attribute.kind {
        // ATOMIC_AGGREGATE (7.6).
        6 => length != 0,
        // AGGREGATOR (7.7; RFC 7607 section 2).
        7 if terms.four_octet_as => length != 8 || is_as_0(4),
        7 => length != 6 || is_as_0(2),
        // LOCAL_PREF, ORIGINATOR_ID, CLUSTER_LIST (7.5, 7.9, 7.10): malformed, of an external neighbor.
        5 => terms.external && (length != 4 || flags != 0x40),
        9 => terms.external && (length != 4 || flags != 0x80),
        10 => terms.external && (length == 0 || !length.is_multiple_of(4) || flags != 0x80),
        // AS4_PATH, AS4_AGGREGATOR (RFC 6793 sections 4.1 and 6; RFC 7607 section 2).
        17 => terms.four_octet_as || !is_as4_path(attribute.value),
        18 => terms.four_octet_as || length != 8 || is_as_0(4),
        _ => false,
    }
}

/// The segments of an AS4_PATH, as far as they are whole, and what is left.
fn segments(mut value: &[u8]) -> (Vec<&[u8]>, &[u8]) {
    let mut segments = Vec::new();
    while let [_, count, ..] = value
        && let Some((segment, rest)) = value.split_at_checked(2 + 4 * usize::from(*count))
    {
        segments.push(segment);
        value = rest;
    }
    (segments, value)
}

/// At least one segment, each of a known type and with an AS, none of them 0, that fill the value.
fn is_as4_path(value: &[u8]) -> bool {
    let (segments, rest) = segments(value);
    let good = |segment: &&[u8]| {
        (1..=4).contains(&segment[0])
            && segment[1] > 0
            && segment[2..].chunks(4).all(|asn| asn != [0; 4])
    };
    rest.is_empty() && !segments.is_empty() && segments.iter().all(good)
}

/// True if there is a segment of a confederation (types 3 and 4) in an AS4_PATH.
fn has_confederation(value: &[u8]) -> bool {
    segments(value).0.iter().any(|segment| segment[0] > 2)
}

/// The AS4_PATH without these segments (RFC 6793 section 6), if there is anything left.
fn without_confederation(attribute: &Attribute<'_>) -> Option<Vec<u8>> {
    let kept: Vec<&[u8]> =
        segments(attribute.value).0.into_iter().filter(|segment| segment[0] <= 2).collect();
    let value = kept.concat();
    let mut whole = attribute.whole[..2].to_vec();
    if whole[0] & 0x10 != 0 {
        whole.extend_from_slice(&(value.len() as u16).to_be_bytes());
    } else {
        whole.push(value.len() as u8);
    }
    whole.extend_from_slice(&value);
    (!value.is_empty()).then_some(whole)
}
