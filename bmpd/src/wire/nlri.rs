//! NLRI: cutting a field into routes, and what makes two of them the same route.
//!
//! ```text
//! all:                  [path identifier (4), if ADD-PATH was negotiated (RFC 7911 section 3)]
//! unicast, multicast:   length in bits, prefix                         (RFC 4760 section 5)
//! labeled unicast:      length in bits, label (3), prefix              (RFC 8277 section 2.2)
//!                       length in bits, labels (3 each), prefix        (RFC 8277 section 2.3)
//! VPN unicast:          the same with a distinguisher (8) before the prefix    (RFC 4364, RFC 4659)
//! EVPN:                 type, length in bytes, value                   (RFC 7432 section 7)
//! flow specification:   length in bytes (1 or 2), value                (RFC 8955 section 4.1)
//! link state:           type (2), length in bytes (2), value           (RFC 9552 section 5.2)
//! ```
//!
//! Routes stay the bytes that were received, and stations are sent exactly those. What is inside a
//! length is not checked: an unknown type of EVPN route, say, is passed on. Only a field that cannot be
//! cut is an error: its routes are unknown (RFC 7606 sections 3 (j) and 5.3).

use super::family::Family;
use super::malformed::Malformed;

/// A path identifier (RFC 7911 section 3).
const PATH_ID: usize = 4;
/// A route distinguisher (RFC 4364 section 4.2).
const DISTINGUISHER: usize = 8;
/// A label with its traffic class and bottom-of-stack bit (RFC 8277 section 2.2).
const LABEL: usize = 3;
const BOTTOM_OF_STACK: u8 = 0x01;

/// The longest route that begins with its length in bits: that length, 255 bits, and a path identifier.
const PREFIX_LIKE_MAX: usize = PATH_ID + 1 + 32;

/// How the routes of one table are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    family: Family,
    add_path: bool,
    /// Of labeled routes; of others [`Labels::One`].
    labels: Labels,
    shape: Shape,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A prefix of at most this many bits.
    Prefix(u8),
    /// The same after one or several labels, and after a distinguisher of this many bytes.
    Labeled {
        distinguisher: usize,
        max: u8,
    },
    Evpn,
    Flowspec,
    LinkState,
    /// The end of a route is unknown: the whole field counts as one.
    Opaque,
}

/// How many labels a route has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Labels {
    /// One: without the Multiple Labels capability no peer may send more, and the bottom-of-stack bit means nothing
    /// (RFC 8277 section 2.2), just as the whole label does in a withdrawal (section 2.4: 0x800000; RFC 3107:
    /// 0x000000). A rest that is too long for a prefix comes from a speaker of the time of RFC 3107 that sends a
    /// stack: then that bit marks where it ends.
    ///
    /// Where the rest is short enough, a stack is not looked for. A speaker of RFC 8277 that leaves the bit clear
    /// and one of RFC 3107 that sends two labels write the same bytes; to trust the bit would merge different
    /// routes of the former, and what a withdrawal with a placeholder means is not in its bytes.
    One,
    /// As many as there are up to the bottom-of-stack bit (RFC 8277 section 2.3). A withdrawal has three bytes in
    /// their place (section 2.4), which are known by the values that speakers write, or since the bit is nowhere.
    Stack,
}

impl Form {
    /// The form of a family's routes; `add_path` is true if each has a path identifier. Those of labeled families
    /// have one label: see [`Form::with_label_stack`].
    ///
    /// The routes of a family that is not one of [`Family::ALL`] cannot be separated: a field of them counts as one.
    pub fn new(family: Family, add_path: bool) -> Self {
        let max = if family.afi == 1 { 32 } else { 128 };
        let shape = match family {
            Family::IPV4_LABELED_UNICAST | Family::IPV6_LABELED_UNICAST => {
                Shape::Labeled { distinguisher: 0, max }
            }
            Family::VPNV4_UNICAST | Family::VPNV6_UNICAST => {
                Shape::Labeled { distinguisher: DISTINGUISHER, max }
            }
            Family::L2VPN_EVPN => Shape::Evpn,
            Family::IPV4_FLOWSPEC
            | Family::IPV6_FLOWSPEC
            | Family::VPNV4_FLOWSPEC
            | Family::VPNV6_FLOWSPEC => Shape::Flowspec,
            Family::LINK_STATE | Family::LINK_STATE_VPN => Shape::LinkState,
            Family::IPV4_UNICAST
            | Family::IPV6_UNICAST
            | Family::IPV4_MULTICAST
            | Family::IPV6_MULTICAST => Shape::Prefix(max),
            _ => Shape::Opaque,
        };
        let add_path = add_path && shape != Shape::Opaque;
        Self { family, add_path, labels: Labels::One, shape }
    }

    /// The form between speakers that both announced the Multiple Labels capability for the family (RFC 8277 section
    /// 2.1): a route has one label or more. Families without labels have the same form as before.
    pub fn with_label_stack(mut self) -> Self {
        if matches!(self.shape, Shape::Labeled { .. }) {
            self.labels = Labels::Stack;
        }
        self
    }

    /// The family.
    pub fn family(self) -> Family {
        self.family
    }

    /// True if each route has a path identifier.
    pub fn add_path(self) -> bool {
        self.add_path
    }

    /// Checks a whole field, of announcements or of withdrawals.
    ///
    /// # Errors
    ///
    /// It cannot be cut into routes.
    pub fn routes(self, field: &[u8]) -> Result<Routes<'_>, Malformed> {
        let mut rest = field;
        while !rest.is_empty() {
            let after = self.len(rest).and_then(|len| rest.get(len..));
            rest = after.ok_or(Malformed::Routes(self.family))?;
        }
        Ok(Routes { form: self, rest: field })
    }

    /// The routes of a field up to the first one that cannot be read.
    pub fn readable_routes(self, field: &[u8]) -> Routes<'_> {
        Routes { form: self, rest: field }
    }

    /// The path identifier of a route, if it has one.
    pub fn path_id(self, route: &[u8]) -> Option<u32> {
        let id = route.first_chunk::<PATH_ID>().filter(|_| self.add_path);
        id.map(|id| u32::from_be_bytes(*id))
    }

    /// A route without its path identifier.
    pub fn without_path_id(self, route: &[u8]) -> &[u8] {
        route.get(self.start()..).unwrap_or_default()
    }

    /// Of a route that is a prefix: its distinguisher, which may be empty, the prefix length and the prefix,
    /// without labels.
    pub fn prefix(self, route: &[u8]) -> Option<(&[u8], usize, &[u8])> {
        let (bits, rest) = self.without_path_id(route).split_first()?;
        let (labels, distinguisher) = match self.shape {
            Shape::Prefix(_) => (0, 0),
            Shape::Labeled { distinguisher, max } => {
                (self.labels.len(*bits, rest, distinguisher, max)?, distinguisher)
            }
            Shape::Evpn | Shape::Flowspec | Shape::LinkState | Shape::Opaque => return None,
        };
        let (distinguisher, prefix) = rest.get(labels..)?.split_at_checked(distinguisher)?;
        let bits = usize::from(*bits).checked_sub(8 * (labels + distinguisher.len()))?;
        Some((distinguisher, bits, prefix))
    }

    /// The labels of a route, each with its traffic class and bottom-of-stack bit; none if the family has none.
    pub fn labels(self, route: &[u8]) -> Vec<[u8; LABEL]> {
        let Some((bits, rest)) = self.without_path_id(route).split_first() else {
            return Vec::new();
        };
        let Shape::Labeled { distinguisher, max } = self.shape else { return Vec::new() };
        let len = self.labels.len(*bits, rest, distinguisher, max).unwrap_or_default();
        rest.get(..len).unwrap_or_default().as_chunks().0.to_vec()
    }

    /// A flow specification without the length in front of it.
    pub fn flowspec_value(self, route: &[u8]) -> &[u8] {
        let value = self.without_path_id(route);
        let header = flowspec_length(value).map_or(0, |(header, _)| header);
        value.get(header..).unwrap_or_default()
    }

    /// The bytes of the route for a prefix, if those identify it: there are neither labels nor path identifiers.
    pub fn route_of(self, bits: u8, prefix: &[u8]) -> Option<Vec<u8>> {
        if self.add_path || !matches!(self.shape, Shape::Prefix(max) if bits <= max) {
            return None;
        }
        let bytes = prefix.get(..usize::from(bits).div_ceil(8))?;
        let mut route = vec![bits];
        route.extend_from_slice(bytes);
        // Bits beyond the length are cleared, as those of what was received.
        if let ([_, .., last], spare @ 1..) = (&mut route[..], bits.wrapping_neg() & 7) {
            *last &= 0xff << spare;
        }
        Some(route)
    }

    /// True if its routes are prefixes, with or without labels and distinguishers.
    pub fn has_prefixes(self) -> bool {
        matches!(self.shape, Shape::Prefix(_) | Shape::Labeled { .. })
    }

    /// The length of the route that `field` begins with; it may be more than there is.
    #[inline]
    fn len(self, field: &[u8]) -> Option<usize> {
        // Most routes are prefixes, and each is asked for its length twice.
        let Shape::Prefix(max) = self.shape else { return self.other_len(field) };
        let at = self.start();
        let bits = *field.get(at)?;
        (bits <= max).then_some(at + 1 + usize::from(bits).div_ceil(8))
    }

    #[inline(never)]
    fn other_len(self, field: &[u8]) -> Option<usize> {
        let at = self.start();
        match (self.shape, field.get(at..)?) {
            (Shape::Prefix(_), _) => None,
            (Shape::Labeled { distinguisher, max }, [bits, rest @ ..]) => {
                self.labels.len(*bits, rest, distinguisher, max)?;
                Some(at + 1 + usize::from(*bits).div_ceil(8))
            }
            (Shape::Evpn, [_, length, ..]) => Some(at + 2 + usize::from(*length)),
            (Shape::Flowspec, value) => {
                let (header, length) = flowspec_length(value)?;
                Some(at + header + length)
            }
            (Shape::LinkState, [_, _, high, low, ..]) => {
                Some(at + 4 + usize::from(u16::from_be_bytes([*high, *low])))
            }
            (Shape::Opaque, value) => (!value.is_empty()).then_some(value.len()),
            (Shape::Labeled { .. } | Shape::Evpn | Shape::LinkState, _) => None,
        }
    }

    /// Where a route begins after its path identifier.
    fn start(self) -> usize {
        if self.add_path { PATH_ID } else { 0 }
    }

    /// True if two routes are the same exactly if all of their bytes are: then [`Form::key`] is not
    /// needed.
    pub fn is_its_own_key(self) -> bool {
        match self.shape {
            Shape::Prefix(_) | Shape::LinkState | Shape::Opaque => true,
            Shape::Labeled { .. } | Shape::Evpn | Shape::Flowspec => false,
        }
    }

    /// What identifies a route. Two with the same key replace each other, and a withdrawal of
    /// either withdraws it.
    ///
    /// The path identifier belongs to it (RFC 7911 section 3), and labels do not (RFC 8277 section 2.4, RFC 4364
    /// section 4.3.1). Of the EVPN routes, type 1 is identified without its label, type 2 without the segment
    /// identifier and the labels (RFC 7432 sections 7.1 and 7.2), type 5 without the segment identifier, the gateway
    /// and the label (RFC 9136 section 3.1), types 6 and 7 without the flags, type 8 without the reserved bytes, the
    /// maximum response time and the flags (RFC 9251 sections 9.1 to 9.3); types 3 and 4 (RFC 7432 sections 7.3 and
    /// 7.4) and any other by all of their bytes. A flow specification is identified by its value and not by how its
    /// length is written.
    pub fn key(self, route: &[u8]) -> Key<'_> {
        let (path_id, rest) = route.split_at_checked(self.start()).unwrap_or((route, &[]));
        let known = match self.shape {
            Shape::Prefix(_) | Shape::LinkState | Shape::Opaque => None,
            Shape::Labeled { distinguisher, max } => {
                labeled_key(rest, self.labels, distinguisher, max)
            }
            Shape::Evpn => evpn_key(rest),
            Shape::Flowspec => flowspec_length(rest)
                .and_then(|(header, _)| rest.get(header..))
                .map(|value| (1, [value, &[]])),
        };
        let (kind, [first, second]) = known.unwrap_or((0, [rest, &[]]));
        Key { kind, path_id, first, second }
    }

    /// The route with the bits beyond its length cleared. They mean nothing (RFC 4271 section 4.3);
    /// cleared, equal routes are equal bytes.
    fn cleared(self, route: &[u8]) -> Route<'_> {
        let bits = match self.shape {
            Shape::Prefix(_) | Shape::Labeled { .. } => route.get(self.start()),
            Shape::Evpn | Shape::Flowspec | Shape::LinkState | Shape::Opaque => None,
        };
        let spare = bits.map_or(0, |bits| bits.wrapping_neg() & 7);
        let mask = 0xff_u8 << spare;
        match route {
            [.., last] if last & !mask != 0 => {
                let mut bytes = [0; PREFIX_LIKE_MAX];
                let len = route.len().min(PREFIX_LIKE_MAX);
                bytes[..len].copy_from_slice(&route[..len]);
                bytes[len - 1] &= mask;
                Route(Bytes::Cleared { bytes, len: len as u8 })
            }
            _ => Route(Bytes::Received(route)),
        }
    }
}

impl Labels {
    /// The bytes of the labels in front of a prefix of at most `max` bits, and of a distinguisher; `rest` begins with
    /// them, and `bits` is the length of all that.
    #[inline(never)]
    fn len(self, bits: u8, rest: &[u8], distinguisher: usize, max: u8) -> Option<usize> {
        let bits = usize::from(bits);
        let fits = |labels: &usize| {
            let behind = bits.checked_sub(8 * (LABEL * labels + distinguisher));
            behind.is_some_and(|behind| behind <= usize::from(max))
        };
        let stack = || {
            let mut labels = rest.chunks_exact(LABEL).take(bits / (8 * LABEL));
            labels.position(|label| label[2] & BOTTOM_OF_STACK != 0).map(|above| above + 1)
        };
        let one = Some(1).filter(fits);
        let labels = match self {
            Labels::One => one.or_else(|| stack().filter(fits)),
            Labels::Stack if has_placeholder(rest) => one,
            Labels::Stack => stack().filter(fits).or(one),
        };
        labels.map(|labels| LABEL * labels)
    }
}

/// True if a withdrawal has no label: 0x800000 (RFC 8277 section 2.4), or 0x000000 (RFC 3107).
fn has_placeholder(labels: &[u8]) -> bool {
    matches!(labels, [0x80 | 0, 0, 0, ..])
}

type Parts<'a> = Option<(u16, [&'a [u8]; 2])>;

/// The length of what is behind the labels, in bits, and it.
fn labeled_key(route: &[u8], labels: Labels, distinguisher: usize, max: u8) -> Parts<'_> {
    let (bits, rest) = route.split_first()?;
    let labels = labels.len(*bits, rest, distinguisher, max)?;
    let bits = u16::from(*bits) - 8 * labels as u16;
    Some((1 + bits, [rest.get(labels..)?, &[]]))
}

fn evpn_key(route: &[u8]) -> Parts<'_> {
    const ESI: usize = 10;
    const ETHERNET_TAG: usize = 4;
    const FLAGS: usize = 1;
    const RESERVED: usize = 4;
    const MAXIMUM_RESPONSE_TIME: usize = 1;
    let [kind, _, value @ ..] = route else { return None };
    let (distinguisher, rest) = value.split_at_checked(DISTINGUISHER)?;
    let rest = match kind {
        // Segment identifier, Ethernet tag; label.
        1 if rest.len() == ESI + ETHERNET_TAG + LABEL => &rest[..ESI + ETHERNET_TAG],
        // Segment identifier; Ethernet tag, length, MAC, length, IP; one or two labels.
        2 => {
            let behind = rest.get(ESI..)?;
            let bits = behind.get(ETHERNET_TAG + 1 + 6)?;
            let end = ETHERNET_TAG + 1 + 6 + 1 + usize::from(*bits).div_ceil(8);
            let (known, labels) = behind.split_at_checked(end)?;
            if labels.len() != LABEL && labels.len() != 2 * LABEL {
                return None;
            }
            known
        }
        // Segment identifier; Ethernet tag, length, prefix; gateway, label.
        5 => {
            let address = match rest.len() {
                26 => 4,
                50 => 16,
                _ => return None,
            };
            rest.get(ESI..ESI + ETHERNET_TAG + 1 + address)?
        }
        // Ethernet tag, source, group, originator; flags.
        6 => before_the_flags(rest, ETHERNET_TAG, FLAGS)?,
        // Segment identifier, Ethernet tag, source, group, originator; flags.
        7 => before_the_flags(rest, ESI + ETHERNET_TAG, FLAGS)?,
        // The same; reserved, maximum response time, flags.
        8 => {
            let unkeyed = RESERVED + MAXIMUM_RESPONSE_TIME + FLAGS;
            before_the_flags(rest, ESI + ETHERNET_TAG, unkeyed)?
        }
        _ => return None,
    };
    Some((u16::from(*kind), [distinguisher, rest]))
}

/// The fields that name a multicast route (RFC 9251 section 9): `head` bytes, and three addresses after
/// their lengths in bits. `None` unless exactly `unkeyed` bytes follow.
fn before_the_flags(rest: &[u8], head: usize, unkeyed: usize) -> Option<&[u8]> {
    let mut at = head;
    for _source_group_originator in 0..3 {
        at += 1 + usize::from(*rest.get(at)?).div_ceil(8);
    }
    let (known, behind) = rest.split_at_checked(at)?;
    (behind.len() == unkeyed).then_some(known)
}

/// How many bytes the length takes, and the length (RFC 8955 section 4.1).
fn flowspec_length(route: &[u8]) -> Option<(usize, usize)> {
    const LONG: u8 = 0xf0;
    match route {
        [high, low, ..] if *high >= LONG => {
            Some((2, usize::from(u16::from_be_bytes([*high & !LONG, *low]))))
        }
        [length, ..] if *length < LONG => Some((1, usize::from(*length))),
        _ => None,
    }
}

/// What identifies a route; see [`Form::key`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key<'a> {
    /// Distinguishes forms whose other parts could be the same; 0 is a route that is identified by
    /// all its bytes.
    kind: u16,
    path_id: &'a [u8],
    first: &'a [u8],
    second: &'a [u8],
}

/// One route as bytes, as they go on the wire.
#[derive(Debug, Clone, Copy)]
pub struct Route<'a>(Bytes<'a>);

#[derive(Debug, Clone, Copy)]
enum Bytes<'a> {
    Received(&'a [u8]),
    Cleared { bytes: [u8; PREFIX_LIKE_MAX], len: u8 },
}

impl AsRef<[u8]> for Route<'_> {
    fn as_ref(&self) -> &[u8] {
        match &self.0 {
            Bytes::Received(bytes) => bytes,
            Bytes::Cleared { bytes, len } => &bytes[..usize::from(*len)],
        }
    }
}

/// The routes in a field that was checked.
#[derive(Debug, Clone, Copy)]
pub struct Routes<'a> {
    form: Form,
    rest: &'a [u8],
}

impl Routes<'_> {
    /// The length of the field in bytes.
    pub fn field_len(&self) -> usize {
        self.rest.len()
    }
}

impl<'a> Iterator for Routes<'a> {
    type Item = Route<'a>;

    fn next(&mut self) -> Option<Route<'a>> {
        let (route, rest) = self.rest.split_at_checked(self.form.len(self.rest)?)?;
        self.rest = rest;
        Some(self.form.cleared(route))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::bytes_of;
    use proptest::prelude::*;

    fn cut(form: Form, field: &[u8]) -> Option<Vec<Vec<u8>>> {
        let routes = form.routes(field).ok()?;
        Some(routes.map(|route| route.as_ref().to_vec()).collect())
    }

    fn form(family: Family) -> Form {
        Form::new(family, false)
    }

    #[track_caller]
    fn same(family: Family, one: &[u8], other: &[u8], expected: bool) {
        let form = form(family);
        assert_eq!(cut(form, one), Some(vec![one.to_vec()]));
        assert_eq!(cut(form, other), Some(vec![other.to_vec()]));
        assert_eq!(form.key(one) == form.key(other), expected);
        let with_path = |id: u8, route: &[u8]| [&[0, 0, 0, id], route].concat();
        let paths = Form::new(family, true);
        let (a, b, c) = (with_path(1, one), with_path(1, other), with_path(2, other));
        assert_eq!(cut(paths, &[&a[..], &c].concat()), Some(vec![a.clone(), c.clone()]));
        assert_eq!(paths.key(&a) == paths.key(&b), expected);
        assert_ne!(paths.key(&a), paths.key(&c), "another path is another route");
    }

    #[test]
    fn routes_of_a_family_that_is_not_known_are_one() {
        let form = Form::new(Family { afi: 1, safi: 132 }, true);
        assert!(!form.add_path(), "there is no path identifier to be found");
        for field in [&[][..], &[0xff], &[33, 1, 2, 3, 4, 5, 6]] {
            let routes: Vec<Vec<u8>> =
                form.routes(field).unwrap().map(|route| route.as_ref().to_vec()).collect();
            let expected: &[&[u8]] = if field.is_empty() { &[] } else { &[field] };
            assert_eq!(routes, expected);
        }
        assert_eq!(form.prefix(&[8, 10]), None);
    }

    #[test]
    fn prefixes_are_cut_and_their_spare_bits_cleared() {
        let field = [0, 9, 10, 255, 32, 1, 2, 3, 4];
        let expected = [&[0][..], &[9, 10, 128], &[32, 1, 2, 3, 4]];
        assert_eq!(cut(form(Family::IPV4_UNICAST), &field).unwrap(), expected);
        assert_eq!(cut(form(Family::IPV4_MULTICAST), &field).unwrap(), expected);
        assert_eq!(cut(form(Family::IPV4_UNICAST), &[33, 1, 2, 3, 4, 5]), None);
        assert_eq!(cut(form(Family::IPV4_UNICAST), &[24, 1, 2]), None);
        assert!(cut(form(Family::IPV6_UNICAST), &[[128].as_slice(), &[1; 16]].concat()).is_some());
        assert!(cut(form(Family::IPV6_UNICAST), &[[129].as_slice(), &[1; 17]].concat()).is_none());
    }

    #[test]
    fn a_path_identifier_stands_before_each_route() {
        let form = Form::new(Family::IPV4_UNICAST, true);
        let field = [0, 0, 0, 1, 8, 10, 0, 0, 0, 2, 9, 10, 255, 0, 0, 0, 3, 0];
        let expected = [&[0, 0, 0, 1, 8, 10][..], &[0, 0, 0, 2, 9, 10, 128], &[0, 0, 0, 3, 0]];
        assert_eq!(cut(form, &field).unwrap(), expected);
        for short in [&[0, 0, 0][..], &[0, 0, 0, 1], &[0, 0, 0, 1, 8]] {
            assert_eq!(cut(form, short), None);
        }
    }

    #[test]
    fn a_label_does_not_belong_to_the_key() {
        let family = Family::IPV4_LABELED_UNICAST;
        let route = |label: [u8; 3]| [&[48][..], &label, &[10, 0, 1]].concat();
        let announced = route([0, 1, 0x41]);
        // Another label, a withdrawal of RFC 8277, one of RFC 3107, and any value at all.
        for label in [[0, 9, 0x91], [0x80, 0, 0], [0, 0, 0], [7, 7, 0xf0]] {
            same(family, &announced, &route(label), true);
        }
        same(family, &announced, &[48, 0, 1, 0x41, 10, 0, 2], false);
        same(family, &announced, &[47, 0, 1, 0x41, 10, 0, 0], false);
        assert_eq!(cut(form(family), &[23, 0, 1, 0x41]), None, "no room for a label");
        assert_eq!(cut(form(family), &[57, 0, 1, 0x41, 10, 0, 1, 1, 1]), None, "more than 32 bits");
        assert_eq!(cut(form(family), &[25, 0, 1, 0x41, 0xff]).unwrap(), [[25, 0, 1, 0x41, 0x80]]);
        assert!(
            cut(form(Family::IPV6_LABELED_UNICAST), &[[152].as_slice(), &[1; 19]].concat())
                .is_some()
        );
    }

    #[test]
    fn a_stack_of_labels_of_the_time_of_rfc_3107_is_passed_over() {
        let stack = [72, 0, 1, 0x40, 0, 2, 0x41, 10, 0, 1];
        same(Family::IPV4_LABELED_UNICAST, &stack, &[48, 0x80, 0, 0, 10, 0, 1], true);
        let endless = [72, 0, 1, 0x40, 0, 2, 0x40, 10, 0, 2];
        assert_eq!(cut(form(Family::IPV4_LABELED_UNICAST), &endless), None);
    }

    /// RFC 8277 section 2.2 has the bottom-of-stack bit ignored: without the Multiple Labels capability there
    /// is one label, and what follows it is the prefix. [`Labels::One`] explains why a stack is not looked for.
    #[test]
    fn two_labels_before_a_prefix_that_leaves_room_for_them_are_one_label_and_a_longer_prefix() {
        let stacks = [
            (Family::IPV4_LABELED_UNICAST, "380003200003310a", "208000000a", "388000000003310a"),
            (
                Family::IPV6_LABELED_UNICAST,
                "5000032000033120010db8",
                "3880000020010db8",
                "5080000000033120010db8",
            ),
        ];
        for (family, stack, withdrawn, longer) in
            stacks.map(|(family, a, b, c)| (family, bytes_of(a), bytes_of(b), bytes_of(c)))
        {
            same(family, &stack, &withdrawn, false);
            same(family, &stack, &longer, true);
        }
    }

    /// RFC 8277 sections 2.3 and 2.4.
    #[test]
    fn a_stack_of_labels_ends_at_the_bottom_of_stack_bit() {
        // The distinguisher, and the prefix: no third byte of them looks like the bottom of the stack.
        let families = [
            (Family::IPV4_LABELED_UNICAST, "", "0a0002"),
            (Family::IPV6_LABELED_UNICAST, "", "20020cb8"),
            (Family::VPNV4_UNICAST, "0000fce800000006", "0a"),
            (Family::VPNV6_UNICAST, "0000fce800000006", "2002"),
        ];
        // Announcements with one, two and three labels; withdrawals of RFC 8277, of RFC 3107, with the labels, and
        // with another value that means nothing.
        let same_routes =
            ["000991", "000140000241", "010100020200030301", "800000", "000000", "001234"];
        for (family, distinguisher, prefix) in families {
            let route = |labels: &str, prefix: &str| {
                let value = bytes_of(&[labels, distinguisher, prefix].concat());
                [&[8 * value.len() as u8], &value[..]].concat()
            };
            for add_path in [false, true] {
                let form = Form::new(family, add_path).with_label_stack();
                let id: &[u8] = if add_path { &[0, 0, 0, 1] } else { &[] };
                let routes = same_routes.map(|labels| [id, &route(labels, prefix)].concat());
                assert_eq!(cut(form, &routes.concat()), Some(routes.to_vec()));
                let another =
                    [id, &route("000140000241", &prefix.replace("0a", "0c").replace("20", "24"))]
                        .concat();
                for route in &routes {
                    assert_eq!(form.key(route), form.key(&routes[0]), "{family} {route:02x?}");
                    assert_ne!(form.key(route), form.key(&another), "{family} {route:02x?}");
                    let (found_distinguisher, bits, found) = form.prefix(route).unwrap();
                    assert_eq!(found_distinguisher, bytes_of(distinguisher));
                    assert_eq!((bits, found), (4 * prefix.len(), &bytes_of(prefix)[..]));
                }
            }
        }
    }

    #[test]
    fn a_stack_of_labels_leaves_room_for_a_distinguisher_and_a_prefix() {
        let v4 = form(Family::IPV4_LABELED_UNICAST).with_label_stack();
        let vpn = form(Family::VPNV4_UNICAST).with_label_stack();
        // No label; a prefix of more than 32 bits; no room for the distinguisher.
        assert_eq!(cut(v4, &[23, 0, 1, 0x41]), None);
        assert_eq!(cut(v4, &[57, 0, 1, 0x41, 10, 0, 1, 1, 1]), None);
        assert_eq!(cut(vpn, &[87, 0, 1, 0x41, 0, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(cut(v4, &[]), Some(vec![]));
        // The form is another one, but not for families without labels.
        assert_ne!(v4, form(Family::IPV4_LABELED_UNICAST));
        let plain = form(Family::IPV4_UNICAST);
        assert_eq!(plain.with_label_stack(), plain);
    }

    #[test]
    fn the_distinguisher_belongs_to_the_key_of_a_vpn_route() {
        let route = |label: u8, distinguisher: u8| {
            let mut route = vec![112, 0, label, 0x11, 0, 0, 0xfd, 0xe8, 0, 0, 0, distinguisher];
            route.extend_from_slice(&[10, 0, 1]);
            route
        };
        same(Family::VPNV4_UNICAST, &route(1, 1), &route(2, 1), true);
        same(Family::VPNV4_UNICAST, &route(1, 1), &route(1, 2), false);
        assert_eq!(cut(form(Family::VPNV4_UNICAST), &[[87].as_slice(), &[0; 11]].concat()), None);
        assert!(cut(form(Family::VPNV6_UNICAST), &[[216].as_slice(), &[1; 27]].concat()).is_some());
        assert!(cut(form(Family::VPNV6_UNICAST), &[[217].as_slice(), &[1; 28]].concat()).is_none());
    }

    fn evpn(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
        let value = parts.concat();
        [&[kind, value.len() as u8], &value[..]].concat()
    }

    #[test]
    fn evpn_routes_are_known_without_labels_and_what_else_the_rfcs_leave_out() {
        let family = Family::L2VPN_EVPN;
        let (rd, esi, tag) = (&[1; 8][..], &[2; 10][..], &[3; 4][..]);
        let (label, other_esi) = (&[4; 3][..], &[9; 10][..]);
        let one = evpn(1, &[rd, esi, tag, label]);
        same(family, &one, &evpn(1, &[rd, esi, tag, &[7; 3]]), true);
        same(family, &one, &evpn(1, &[rd, other_esi, tag, label]), false);

        let mac = |last: u8| [48, 0, 0, 0, 0, 0, last];
        let two = evpn(2, &[rd, esi, tag, &mac(1), &[32, 10, 0, 0, 1], label]);
        same(
            family,
            &two,
            &evpn(2, &[rd, other_esi, tag, &mac(1), &[32, 10, 0, 0, 1], label, label]),
            true,
        );
        same(family, &two, &evpn(2, &[rd, esi, tag, &mac(2), &[32, 10, 0, 0, 1], label]), false);
        same(family, &two, &evpn(2, &[rd, esi, tag, &mac(1), &[0], label]), false);
        same(
            family,
            &two,
            &evpn(2, &[&[8; 8], esi, tag, &mac(1), &[32, 10, 0, 0, 1], label]),
            false,
        );

        let five = evpn(5, &[rd, esi, tag, &[24, 10, 0, 1, 0], &[0; 4], label]);
        same(
            family,
            &five,
            &evpn(5, &[rd, other_esi, tag, &[24, 10, 0, 1, 0], &[1; 4], &[7; 3]]),
            true,
        );
        same(family, &five, &evpn(5, &[rd, esi, tag, &[16, 10, 0, 1, 0], &[0; 4], label]), false);
        let long = |gateway: u8| evpn(5, &[rd, esi, tag, &[64], &[5; 16], &[gateway; 16], label]);
        same(family, &long(1), &long(2), true);

        let three = evpn(3, &[rd, tag, &[32, 10, 0, 0, 1]]);
        same(family, &three, &three, true);
        same(family, &three, &evpn(3, &[rd, tag, &[32, 10, 0, 0, 2]]), false);

        let four = |esi: &[u8]| evpn(4, &[rd, esi, &[32, 10, 0, 0, 1]]);
        same(family, &four(esi), &four(esi), true);
        same(family, &four(esi), &four(other_esi), false);
    }

    /// RFC 9251 section 9.
    #[test]
    fn multicast_routes_of_evpn_are_known_without_flags_and_response_time() {
        let family = Family::L2VPN_EVPN;
        let six = |flags: &str| {
            bytes_of(&format!("06180000fde800000001000000000020ef010101200a000001{flags}"))
        };
        same(family, &six("02"), &six("04"), true);
        let (rd, esi, tag) = (&[1; 8][..], &[2; 10][..], &[3; 4][..]);
        let (source, group, originator) =
            (&[32, 192, 0, 2, 1][..], &[32, 239, 1, 1, 1][..], &[32, 10, 0, 0, 1][..]);
        let any_source = &[0][..];
        let long = &[&[128][..], &[0xff; 16]].concat()[..];
        for source in [source, any_source, long] {
            let six = |group, flags| evpn(6, &[rd, tag, source, group, originator, &[flags]]);
            same(family, &six(group, 2), &six(group, 12), true);
            same(family, &six(group, 2), &six(&[32, 239, 1, 1, 2], 2), false);
            let seven = |esi, flags| evpn(7, &[rd, esi, tag, source, group, originator, &[flags]]);
            same(family, &seven(esi, 2), &seven(esi, 4), true);
            same(family, &seven(esi, 2), &seven(&[9; 10], 2), false);
            let eight = |tag, end: &[u8]| evpn(8, &[rd, esi, tag, source, group, originator, end]);
            same(
                family,
                &eight(tag, &[0, 0, 0, 0, 10, 2]),
                &eight(tag, &[1, 2, 3, 4, 99, 4]),
                true,
            );
            same(family, &eight(tag, &[0; 6]), &eight(&[0; 4], &[0; 6]), false);
            // One is not the other.
            same(family, &seven(esi, 2), &six(group, 2), false);
            // With more or less after the addresses they are identified by all their bytes.
            same(family, &eight(tag, &[0; 5]), &eight(tag, &[0, 0, 0, 0, 1]), false);
            same(family, &eight(tag, &[0; 7]), &eight(tag, &[0, 0, 0, 0, 0, 0, 1]), false);
        }
        let short = evpn(6, &[rd, tag, &[32, 239]]);
        same(family, &short, &evpn(6, &[rd, tag, &[32, 240]]), false);
    }

    #[test]
    fn what_is_not_known_inside_a_length_passes_as_bytes() {
        let family = Family::L2VPN_EVPN;
        for odd in
            [evpn(99, &[&[1, 2, 3]]), evpn(2, &[&[1; 12]]), evpn(1, &[]), evpn(5, &[&[0; 35]])]
        {
            same(family, &odd, &odd, true);
            same(family, &odd, &evpn(98, &[&[1, 2, 3]]), false);
        }
        same(Family::IPV4_FLOWSPEC, &[3, 99, 99, 99], &[2, 99, 99], false);
        same(Family::LINK_STATE, &[0xff, 0, 0, 1, 7], &[0xff, 0, 0, 1, 7], true);
        same(Family::LINK_STATE_VPN, &[0, 1, 0, 1, 7], &[0, 2, 0, 1, 7], false);
        assert_eq!(cut(form(family), &[1]), None);
        assert_eq!(cut(form(family), &[1, 5, 0]), None);
        assert_eq!(cut(form(Family::LINK_STATE), &[0, 1, 0, 2, 7]), None);
        assert_eq!(cut(form(Family::LINK_STATE), &[0, 1, 0]), None);
    }

    #[test]
    fn a_flow_specification_is_the_same_with_a_long_and_a_short_length() {
        same(Family::IPV4_FLOWSPEC, &[3, 1, 8, 10], &[0xf0, 3, 1, 8, 10], true);
        let long = [&[0xf1, 0][..], &[7; 256]].concat();
        same(Family::IPV6_FLOWSPEC, &long, &[3, 1, 8, 10], false);
        assert_eq!(cut(form(Family::VPNV4_FLOWSPEC), &[0xf0]), None);
        assert_eq!(cut(form(Family::VPNV6_FLOWSPEC), &[0xf0, 4, 1, 2, 3]), None);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_cut_completely_or_not_at_all(
            family in prop::sample::select(Family::ALL.to_vec()),
            add_path: bool,
            label_stack: bool,
            field in prop::collection::vec(prop_oneof![Just(0u8), 0u8..40, any::<u8>()], 0..200),
        ) {
            let form = Form::new(family, add_path);
            let form = if label_stack { form.with_label_stack() } else { form };
            let Some(routes) = cut(form, &field) else { return Ok(()) };
            prop_assert_eq!(routes.iter().map(Vec::len).sum::<usize>(), field.len());
            for route in &routes {
                // What was cut reads back as the same route.
                prop_assert_eq!(cut(form, route), Some(vec![route.clone()]));
                for other in &routes {
                    let same = form.key(route) == form.key(other);
                    prop_assert!(same || route != other);
                    prop_assert!(!form.is_its_own_key() || same == (route == other));
                }
            }
        }
    }
}
