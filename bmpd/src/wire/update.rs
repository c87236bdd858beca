//! UPDATE (RFC 4271 section 4.3) with multiprotocol NLRI (RFC 4760) and revised error handling (RFC
//! 7606).
//!
//! Path attributes are not decoded. They are walked once: those of a neighbor are checked as far as RFC 7606 asks,
//! those that a monitored router reports are not; MP_REACH_NLRI and MP_UNREACH_NLRI are cut out, and the bytes of the
//! others are kept as they came. [`super::stored`] describes the form in which they go into the tables and come out
//! again.

use super::attribute::*;
use super::bgp;
use super::family::Family;
use super::malformed::Malformed;
use super::nlri::Form;
use super::reader::{Reader, Short};
use super::stored;

/// What the session with a neighbor determines of an UPDATE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// True if AS numbers in AS_PATH have four octets.
    pub four_octet_as: bool,
    /// True if the neighbor is in another AS.
    pub external: bool,
}

/// Why the routes of an UPDATE count as withdrawn (RFC 7606).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// An attribute's Optional and Transitive flags are wrong for its type.
    #[error("attribute {0} has the wrong flags")]
    Flags(u8),
    /// An attribute's value is malformed.
    #[error("attribute {0} is malformed")]
    Malformed(u8),
    /// An unrecognized well-known attribute.
    #[error("attribute {0} claims to be well-known and is not")]
    UnknownWellKnown(u8),
    /// A mandatory attribute is missing.
    #[error("attribute {0} is missing")]
    Missing(u8),
    /// The attributes do not fit into their total length.
    #[error("the attributes overrun their length at offset {0}")]
    Overrun(usize),
}

/// MP_REACH_NLRI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach<'a> {
    /// The family of the routes.
    pub family: Family,
    /// The next hop's bytes.
    pub next_hop: &'a [u8],
    /// The routes, unchecked; see [`Reach::routes`].
    pub nlri: &'a [u8],
    /// Where the attribute stood among the kept ones.
    position: usize,
    /// Its flags. Extended Length stays: what is sent has at most the routes that were received, so
    /// the form that was right for them is right again, and no message grows beyond what came in.
    flags: u8,
    /// The whole attribute, if the length of its next hop is more than there is or none of its family:
    /// then the start of its routes is unknown.
    malformed: Option<&'a [u8]>,
}

impl<'a> Reach<'a> {
    /// The routes, unchecked.
    ///
    /// # Errors
    ///
    /// They cannot be located (RFC 7606 section 7.11). That matters if the family was negotiated.
    pub fn routes(&self) -> Result<&'a [u8], Malformed> {
        self.malformed.map_or(Ok(self.nlri), |whole| Err(multiprotocol(whole)))
    }

    /// True if it has routes, or may have.
    pub fn has_routes(&self) -> bool {
        self.malformed.is_some() || !self.nlri.is_empty()
    }
}

/// A decoded UPDATE. Routes are unchecked bytes: see [`super::nlri::Form::routes`].
#[derive(Debug)]
pub struct Update<'a> {
    /// Withdrawn Routes: IPv4 unicast.
    pub withdrawn: &'a [u8],
    /// Network Layer Reachability Information: IPv4 unicast.
    pub announced: &'a [u8],
    /// MP_REACH_NLRI.
    pub reach: Option<Reach<'a>>,
    /// MP_UNREACH_NLRI.
    pub unreach: Option<(Family, &'a [u8])>,
    /// Set if the announced routes are to be treated as withdrawn.
    pub fault: Option<Fault>,
    /// How many attributes were discarded, as a whole or in parts (RFC 7606, RFC 6793).
    pub discarded: u32,
    /// The type of the first of them.
    pub first_discarded: Option<u8>,
    /// True if there were no attributes at all.
    bare: bool,
    /// The kept attributes.
    attributes: &'a [u8],
}

impl<'a> Update<'a> {
    /// Reads the body of a neighbor's UPDATE (what follows the header). Kept attributes are collected in `kept`.
    ///
    /// # Errors
    ///
    /// It is not certain that all routes were found (RFC 7606 sections 3 and 5).
    pub fn parse(
        body: &'a [u8],
        context: Context,
        kept: &'a mut Vec<u8>,
    ) -> Result<Self, Malformed> {
        kept.clear();
        let (withdrawn, mut attributes, announced) = fields(body)?;
        let mut walk = Walk {
            context,
            kept,
            seen: [false; 256],
            reach: None,
            unreach: None,
            fault: None,
            discarded: 0,
            first_discarded: None,
        };
        let bare = attributes.is_empty();
        let mut overrun = false;
        while !attributes.is_empty() {
            let at = attributes.offset();
            if let Err(Short { .. }) = walk.attribute(&mut attributes)? {
                walk.fault.get_or_insert(Fault::Overrun(at));
                overrun = true;
                break;
            }
        }
        if !announced.is_empty() || walk.reach.as_ref().is_some_and(Reach::has_routes) {
            walk.mandatory(!announced.is_empty());
        } else if walk.fault.is_some() && (overrun || walk.has_more_than_unreach()) {
            // RFC 7606 section 5.2: without routes to withdraw there is no treat-as-withdraw. The routes
            // may be in what a wrong length has covered, and would keep their old attributes forever.
            return Err(Malformed::AttributeList);
        }
        let Walk { kept, reach, unreach, fault, discarded, first_discarded, .. } = walk;
        Ok(Update {
            withdrawn,
            announced,
            reach,
            unreach,
            fault,
            discarded,
            first_discarded,
            bare,
            attributes: kept,
        })
    }

    /// Reads the body of an UPDATE that a monitored router reports. All attributes but MP_REACH_NLRI and
    /// MP_UNREACH_NLRI are collected in `kept` as they are: the router has checked them, and stations are sent what
    /// it has sent. None is discarded, and there is no fault.
    ///
    /// # Errors
    ///
    /// The routes cannot be located.
    pub fn parse_verbatim(body: &'a [u8], kept: &'a mut Vec<u8>) -> Result<Self, Malformed> {
        kept.clear();
        let (withdrawn, mut attributes, announced) = fields(body)?;
        let bare = attributes.is_empty();
        let (mut reach, mut unreach) = (None, None);
        while !attributes.is_empty() {
            let attribute = Attribute::take(&mut attributes).map_err(contradiction)?;
            match attribute.code {
                MP_REACH_NLRI if reach.is_none() => {
                    reach = Some(attribute.reach(kept.len(), |_, _| true)?);
                }
                MP_UNREACH_NLRI if unreach.is_none() => unreach = Some(attribute.unreach()?),
                MP_REACH_NLRI | MP_UNREACH_NLRI => return Err(Malformed::AttributeList),
                _ => kept.extend_from_slice(attribute.whole),
            }
        }
        Ok(Update {
            withdrawn,
            announced,
            reach,
            unreach,
            fault: None,
            discarded: 0,
            first_discarded: None,
            bare,
            attributes: kept,
        })
    }

    /// True if the routes of this family can be located; those of others do not matter.
    pub fn is_readable(&self, form: Form) -> bool {
        let is_readable = |nlri| form.routes(nlri).is_ok();
        let reach = self.reach.as_ref().filter(|reach| reach.family == form.family());
        let unreach = self.unreach.filter(|(family, _)| *family == form.family());
        let is_plain = form.family() == Family::IPV4_UNICAST;
        (!is_plain || is_readable(self.withdrawn) && is_readable(self.announced))
            && unreach.is_none_or(|(_, nlri)| is_readable(nlri))
            && reach.is_none_or(|reach| reach.routes().is_ok_and(is_readable))
    }

    /// True if it can only add routes, and withdraws none.
    pub fn only_announces(&self) -> bool {
        self.withdrawn.is_empty()
            && self.unreach.is_none()
            && self.fault.is_none()
            && self.end_of_rib().is_none()
    }

    /// The family whose End-of-RIB this is (RFC 4724 section 2).
    pub fn end_of_rib(&self) -> Option<Family> {
        if !self.withdrawn.is_empty() || !self.announced.is_empty() || self.reach.is_some() {
            return None;
        }
        match self.unreach {
            None => self.bare.then_some(Family::IPV4_UNICAST),
            Some((family, nlri)) => {
                (nlri.is_empty() && self.attributes.is_empty()).then_some(family)
            }
        }
    }

    /// Writes the attributes of the IPv4 routes in [`Update::announced`] in their stored form.
    ///
    /// `flips_a` is true if the A flag of the UPDATE differs from that of its peer's header; see [`stored`].
    pub fn store_plain(&self, flips_a: bool, out: &mut Vec<u8>) {
        out.clear();
        stored::write_plain(out, flips_a, self.attributes);
    }

    /// Writes the attributes of the routes in `reach` in their stored form; `flips_a` as in [`Update::store_plain`].
    pub fn store_reach(&self, reach: &Reach<'_>, flips_a: bool, out: &mut Vec<u8>) {
        out.clear();
        let Reach { flags, position, next_hop, .. } = *reach;
        stored::write_reach(out, flips_a, flags, position, next_hop, self.attributes);
    }
}

/// Appends the body of an UPDATE without the routes of some families; false if no others are left.
pub fn without_families(
    body: &[u8],
    is_left_out: impl Fn(Family) -> bool,
    out: &mut Vec<u8>,
) -> Result<bool, Malformed> {
    let (withdrawn, mut attributes, announced) = fields(body)?;
    let (withdrawn, announced) = match is_left_out(Family::IPV4_UNICAST) {
        true => (&[][..], &[][..]),
        false => (withdrawn, announced),
    };
    let mut has_routes = !withdrawn.is_empty() || !announced.is_empty();
    out.extend_from_slice(&(withdrawn.len() as u16).to_be_bytes());
    out.extend_from_slice(withdrawn);
    let length = out.len();
    out.extend_from_slice(&[0; 2]);
    while !attributes.is_empty() {
        let attribute = Attribute::take(&mut attributes).map_err(contradiction)?;
        if matches!(attribute.code, MP_REACH_NLRI | MP_UNREACH_NLRI) {
            if is_left_out(attribute.family(&mut { attribute.value })?) {
                continue;
            }
            has_routes = true;
        }
        out.extend_from_slice(attribute.whole);
    }
    let written = (out.len() - length - 2) as u16;
    if let Some(place) = out.get_mut(length..length + 2) {
        place.copy_from_slice(&written.to_be_bytes());
    }
    out.extend_from_slice(announced);
    Ok(has_routes)
}

/// Withdrawn Routes, Path Attributes, Network Layer Reachability Information.
fn fields(body: &[u8]) -> Result<(&[u8], Reader<'_>, &[u8]), Malformed> {
    let mut reader = Reader::new(body, bgp::HEADER_LEN);
    let length = usize::from(reader.u16().map_err(contradiction)?);
    let withdrawn = reader.take(length).map_err(contradiction)?;
    let length = usize::from(reader.u16().map_err(contradiction)?);
    let attributes = reader.sub(length).map_err(contradiction)?;
    Ok((withdrawn, attributes, reader.rest()))
}

/// A length that is more than there is.
fn contradiction(_: Short) -> Malformed {
    Malformed::AttributeList
}

fn multiprotocol(attribute: &[u8]) -> Malformed {
    Malformed::Multiprotocol { attribute: attribute.to_vec() }
}

/// A path attribute.
#[derive(Debug, Clone, Copy)]
struct Attribute<'a> {
    flags: u8,
    code: u8,
    value: Reader<'a>,
    /// All of it.
    whole: &'a [u8],
}

impl<'a> Attribute<'a> {
    /// Takes the next one.
    #[inline]
    fn take(block: &mut Reader<'a>) -> Result<Self, Short> {
        let mut ahead = *block;
        let flags = ahead.u8()?;
        let code = ahead.u8()?;
        let length = if flags & EXTENDED_LENGTH == 0 {
            usize::from(ahead.u8()?)
        } else {
            usize::from(ahead.u16()?)
        };
        let value = ahead.sub(length)?;
        let whole = block.take(block.len() - ahead.len())?;
        Ok(Self { flags, code, value, whole })
    }

    /// MP_REACH_NLRI (RFC 4760 section 3), which stood at `position` among the kept attributes. A malformed next hop
    /// is an error in [`Reach::routes`]: it does not matter in a family that was not negotiated.
    #[inline]
    fn reach(
        self,
        position: usize,
        is_next_hop_of: impl FnOnce(Family, &[u8]) -> bool,
    ) -> Result<Reach<'a>, Malformed> {
        let mut value = self.value;
        let family = self.family(&mut value)?;
        let parts = (|| {
            let length = usize::from(value.u8()?);
            let next_hop = value.take(length)?;
            value.u8()?;
            Ok::<_, Short>((next_hop, value.rest()))
        })();
        let good = parts.as_ref().is_ok_and(|(next_hop, _)| is_next_hop_of(family, next_hop));
        let malformed = (!good).then_some(self.whole);
        let (next_hop, nlri) = parts.unwrap_or_default();
        Ok(Reach { family, next_hop, nlri, position, flags: self.flags, malformed })
    }

    /// MP_UNREACH_NLRI (RFC 4760 section 4).
    #[inline]
    fn unreach(self) -> Result<(Family, &'a [u8]), Malformed> {
        let mut value = self.value;
        Ok((self.family(&mut value)?, value.rest()))
    }

    /// The family of MP_REACH_NLRI or MP_UNREACH_NLRI (RFC 7606 section 5.3: shorter ones are incorrect).
    fn family(self, value: &mut Reader<'a>) -> Result<Family, Malformed> {
        let family = (|| Ok(Family { afi: value.u16()?, safi: value.u8()? }))();
        family.map_err(|_: Short| multiprotocol(self.whole))
    }
}

/// What is found while the attributes are walked.
struct Walk<'a> {
    context: Context,
    kept: &'a mut Vec<u8>,
    seen: [bool; 256],
    reach: Option<Reach<'a>>,
    unreach: Option<(Family, &'a [u8])>,
    fault: Option<Fault>,
    discarded: u32,
    first_discarded: Option<u8>,
}

/// The result of the check of one attribute.
enum Treatment {
    Keep,
    Discard,
    Withdraw,
}

impl<'a> Walk<'a> {
    /// Takes the next attribute. Outer error: the session ends; inner: the block is too short.
    fn attribute(&mut self, block: &mut Reader<'a>) -> Result<Result<(), Short>, Malformed> {
        let attribute = match Attribute::take(block) {
            Ok(attribute) => attribute,
            Err(short) => return Ok(Err(short)),
        };
        let Attribute { flags, code, value, whole } = attribute;
        if std::mem::replace(&mut self.seen[usize::from(code)], true) {
            // RFC 7606 section 3 (g).
            if matches!(code, MP_REACH_NLRI | MP_UNREACH_NLRI) {
                return Err(Malformed::AttributeList);
            }
            self.discard(code);
            return Ok(Ok(()));
        }
        if let Some(expected) = expected_flags(code) {
            if flags & (OPTIONAL | TRANSITIVE) != expected {
                if self.is_unexpected(code) {
                    self.discarded += 1;
                    return Ok(Ok(()));
                }
                self.fault.get_or_insert(Fault::Flags(code));
            }
        } else if flags & OPTIONAL == 0 {
            self.fault.get_or_insert(Fault::UnknownWellKnown(code));
        }
        match code {
            MP_REACH_NLRI => {
                self.reach = Some(attribute.reach(self.kept.len(), is_next_hop_of)?);
            }
            MP_UNREACH_NLRI => self.unreach = Some(attribute.unreach()?),
            AS4_PATH => self.take_as4_path(flags, value, whole),
            _ => match self.check(code, value) {
                Treatment::Keep => self.kept.extend_from_slice(whole),
                Treatment::Discard => self.discard(code),
                Treatment::Withdraw => {
                    self.fault.get_or_insert(Fault::Malformed(code));
                }
            },
        }
        Ok(Ok(()))
    }

    fn discard(&mut self, code: u8) {
        self.discarded += 1;
        self.first_discarded.get_or_insert(code);
    }

    /// RFC 6793 sections 4.1 and 6. AS_CONFED_SEQUENCE and AS_CONFED_SET do not belong there: they are
    /// discarded, and what is left is kept.
    fn take_as4_path(&mut self, flags: u8, value: Reader<'a>, whole: &[u8]) {
        if self.is_unexpected(AS4_PATH) || value.is_empty() || !is_as_path(value, 4) {
            self.discarded += 1;
            return;
        }
        let is_confederation = |kind: u8| matches!(kind, AS_CONFED_SEQUENCE | AS_CONFED_SET);
        let segments = |mut value: Reader<'a>| std::iter::from_fn(move || segment(&mut value, 4));
        if !segments(value).any(|segment| is_confederation(segment.kind)) {
            self.kept.extend_from_slice(whole);
            return;
        }
        self.discarded += 1;
        let rest = segments(value).filter(|segment| !is_confederation(segment.kind));
        let length: usize = rest.clone().map(|segment| segment.whole.len()).sum();
        if length == 0 {
            return;
        }
        self.kept.extend_from_slice(&[flags, AS4_PATH]);
        let length = (length as u16).to_be_bytes();
        self.kept.extend_from_slice(&length[usize::from(flags & EXTENDED_LENGTH == 0)..]);
        rest.for_each(|segment| self.kept.extend_from_slice(segment.whole));
    }

    /// True if this neighbor should not send an attribute of this type. The RFCs have it discarded whatever
    /// is in it; [`Walk::check`] describes what bmpd keeps of such attributes. Wrong flags of one do not
    /// cost the routes.
    fn is_unexpected(&self, code: u8) -> bool {
        match code {
            // RFC 7606 sections 7.5, 7.9 and 7.10.
            LOCAL_PREF | ORIGINATOR_ID | CLUSTER_LIST => self.context.external,
            // RFC 6793 section 4.1: both sides have four-octet AS numbers.
            AS4_PATH | AS4_AGGREGATOR => self.context.four_octet_as,
            _ => false,
        }
    }

    /// True if there is an attribute beside MP_UNREACH_NLRI.
    fn has_more_than_unreach(&self) -> bool {
        let mut codes = self.seen.iter().zip(0..=u8::MAX).filter(|(seen, _)| **seen);
        codes.any(|(_, code)| code != MP_UNREACH_NLRI)
    }

    /// The checks of RFC 7606 section 7, of RFC 7607 section 2 (AS 0), of RFC 6793 section 6 and of RFC 8092
    /// section 5.
    ///
    /// A well-formed LOCAL_PREF, ORIGINATOR_ID or CLUSTER_LIST of an external neighbor is kept, where RFC
    /// 7606 has it discarded: stations are sent what was received.
    fn check(&self, code: u8, mut value: Reader<'a>) -> Treatment {
        let length = value.len();
        let width = if self.context.four_octet_as { 4 } else { 2 };
        let keep_if =
            |good: bool, otherwise: Treatment| if good { Treatment::Keep } else { otherwise };
        let internal_only = |good: bool| {
            keep_if(
                good,
                if self.is_unexpected(code) { Treatment::Discard } else { Treatment::Withdraw },
            )
        };
        let multiple_of =
            |n: usize| keep_if(length > 0 && length.is_multiple_of(n), Treatment::Withdraw);
        let aggregator = |mut value: Reader<'_>, width: usize| {
            let is_good = |number| !has_as_0(number, width);
            keep_if(length == width + 4 && value.take(width).is_ok_and(is_good), Treatment::Discard)
        };
        match code {
            ORIGIN => keep_if(length == 1 && value.u8().is_ok_and(|v| v <= 2), Treatment::Withdraw),
            AS_PATH => keep_if(is_as_path(value, width), Treatment::Withdraw),
            NEXT_HOP | MULTI_EXIT_DISC => keep_if(length == 4, Treatment::Withdraw),
            LOCAL_PREF | ORIGINATOR_ID => internal_only(length == 4),
            CLUSTER_LIST => internal_only(length > 0 && length.is_multiple_of(4)),
            ATOMIC_AGGREGATE => keep_if(length == 0, Treatment::Discard),
            AGGREGATOR => aggregator(value, width),
            AS4_AGGREGATOR if self.is_unexpected(code) => Treatment::Discard,
            AS4_AGGREGATOR => aggregator(value, 4),
            COMMUNITIES => multiple_of(4),
            EXTENDED_COMMUNITIES => multiple_of(8),
            IPV6_EXTENDED_COMMUNITIES => multiple_of(20),
            LARGE_COMMUNITIES => multiple_of(12),
            _ => Treatment::Keep,
        }
    }

    /// RFC 7606 section 3 (d): a missing mandatory attribute is treated as a withdrawal.
    fn mandatory(&mut self, plain: bool) {
        let needed: &[u8] = if plain { &[ORIGIN, AS_PATH, NEXT_HOP] } else { &[ORIGIN, AS_PATH] };
        if let Some(missing) = needed.iter().find(|code| !self.seen[usize::from(**code)]) {
            self.fault.get_or_insert(Fault::Missing(*missing));
        }
    }
}

/// True if a next hop of the family can have this length.
fn is_next_hop_of(family: Family, next_hop: &[u8]) -> bool {
    next_hop_lengths(family).is_none_or(|lengths| lengths.contains(&next_hop.len()))
}

/// The lengths that a next hop of the family can have, in bytes; `None` is any.
///
/// 32 and 48 are a global and a link-local address (RFC 2545 section 3); a VPN's address follows a
/// distinguisher of zero.
fn next_hop_lengths(family: Family) -> Option<&'static [usize]> {
    match family {
        // RFC 8950 section 3: IPv4 over IPv6.
        Family::IPV4_UNICAST | Family::IPV4_MULTICAST => Some(&[4, 16, 32]),
        Family::IPV6_UNICAST | Family::IPV6_MULTICAST => Some(&[16, 32]),
        // RFC 8277 section 2, RFC 9552 section 5.5.
        Family::IPV4_LABELED_UNICAST | Family::IPV6_LABELED_UNICAST | Family::LINK_STATE => {
            Some(&[4, 16, 32])
        }
        // RFC 4364 section 4.3.2, RFC 4659 section 3.2.1, RFC 8950 section 3. RFC 5549 section 3, which RFC
        // 8950 has replaced, had no distinguisher before an IPv6 next hop, and routers still write it so.
        Family::VPNV4_UNICAST | Family::VPNV6_UNICAST => Some(&[12, 16, 24, 32, 48]),
        // RFC 9552 section 5.5 asks for the distinguisher; not all routers write one.
        Family::LINK_STATE_VPN => Some(&[4, 12, 16, 24, 32, 48]),
        // RFC 7432 section 9.2.1.
        Family::L2VPN_EVPN => Some(&[4, 16]),
        // Flow specifications have none, and it is ignored (RFC 8955 section 4). Of an unknown family
        // the lengths are unknown.
        _ => None,
    }
}

fn expected_flags(code: u8) -> Option<u8> {
    match code {
        ORIGIN | AS_PATH | NEXT_HOP | LOCAL_PREF | ATOMIC_AGGREGATE => Some(TRANSITIVE),
        MULTI_EXIT_DISC | ORIGINATOR_ID | CLUSTER_LIST | MP_REACH_NLRI | MP_UNREACH_NLRI => {
            Some(OPTIONAL)
        }
        AGGREGATOR
        | COMMUNITIES
        | EXTENDED_COMMUNITIES
        | AS4_PATH
        | AS4_AGGREGATOR
        | IPV6_EXTENDED_COMMUNITIES
        | LARGE_COMMUNITIES => Some(OPTIONAL | TRANSITIVE),
        _ => None,
    }
}

/// A segment of AS_PATH or AS4_PATH.
#[derive(Debug, Clone, Copy)]
struct Segment<'a> {
    kind: u8,
    /// Its AS numbers.
    numbers: &'a [u8],
    /// All of it.
    whole: &'a [u8],
}

/// Takes the next segment, of AS numbers of `width` bytes; `None` at the end, or if it is not all there.
fn segment<'a>(value: &mut Reader<'a>, width: usize) -> Option<Segment<'a>> {
    let mut ahead = *value;
    let [kind, count] = ahead.array().ok()?;
    let length = 2 + usize::from(count) * width;
    let whole = value.take(length).ok()?;
    Some(Segment { kind, numbers: &whole[2..], whole })
}

/// RFC 7606 section 7.2: known segment types, no empty segment, no overrun; RFC 7607 section 2: no AS 0.
fn is_as_path(mut value: Reader<'_>, width: usize) -> bool {
    while let Some(Segment { kind, numbers, .. }) = segment(&mut value, width) {
        let is_known = matches!(kind, AS_SET | AS_SEQUENCE | AS_CONFED_SEQUENCE | AS_CONFED_SET);
        if !is_known || numbers.is_empty() || has_as_0(numbers, width) {
            return false;
        }
    }
    value.is_empty()
}

/// AS 0 is none (RFC 7607).
fn has_as_0(numbers: &[u8], width: usize) -> bool {
    match width {
        4 => numbers.as_chunks::<4>().0.iter().any(|number| u32::from_ne_bytes(*number) == 0),
        _ => numbers.as_chunks::<2>().0.iter().any(|number| u16::from_ne_bytes(*number) == 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::bytes_of;
    use proptest::prelude::*;

    const CONTEXT: Context = Context { four_octet_as: true, external: true };
    const GOOD_ORIGIN: &[u8] = &[0x40, 1, 1, 0];
    const GOOD_PATH: &[u8] = &[0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xe9];
    const GOOD_HOP: &[u8] = &[0x40, 3, 4, 192, 0, 2, 1];
    const TEN: &[u8] = &[8, 10];

    fn body(withdrawn: &[u8], attributes: &[&[u8]], nlri: &[u8]) -> Vec<u8> {
        let attributes = attributes.concat();
        let mut body = (withdrawn.len() as u16).to_be_bytes().to_vec();
        body.extend_from_slice(withdrawn);
        body.extend_from_slice(&(attributes.len() as u16).to_be_bytes());
        body.extend_from_slice(&attributes);
        body.extend_from_slice(nlri);
        body
    }

    fn fault(
        attributes: &[&[u8]],
        nlri: &[u8],
        context: Context,
    ) -> Result<Option<Fault>, Malformed> {
        let body = body(&[], attributes, nlri);
        Update::parse(&body, context, &mut Vec::new()).map(|u| u.fault)
    }

    #[test]
    fn a_plain_update_comes_out_as_it_came_in() {
        let body = body(&[], &[GOOD_ORIGIN, GOOD_PATH, GOOD_HOP], TEN);
        let mut kept = Vec::new();
        let update = Update::parse(&body, CONTEXT, &mut kept).unwrap();
        assert_eq!((update.fault, update.announced, update.discarded), (None, TEN, 0));
        let (mut stored_form, mut out) = (Vec::new(), Vec::new());
        update.store_plain(false, &mut stored_form);
        stored::announce(&mut out, Family::IPV4_UNICAST, &stored_form, |out| {
            out.extend_from_slice(TEN);
            1
        });
        assert_eq!(out[19..], body);
        assert_eq!(usize::from(u16::from_be_bytes([out[16], out[17]])), out.len());
    }

    #[test]
    fn mp_reach_comes_out_in_the_place_where_it_was() {
        let mut reach = vec![0x90, 14, 0, 5 + 16 + 5, 0, 2, 1, 16];
        reach.extend_from_slice(&[0x20; 16]);
        reach.push(0);
        reach.extend_from_slice(&[32, 0x20, 1, 0xd, 0xb8]);
        let body = body(&[], &[GOOD_ORIGIN, &reach, GOOD_PATH], &[]);
        let mut kept = Vec::new();
        let update = Update::parse(&body, CONTEXT, &mut kept).unwrap();
        assert_eq!(update.fault, None);
        let found = update.reach.unwrap();
        assert_eq!((found.family, found.next_hop), (Family::IPV6_UNICAST, &[0x20; 16][..]));
        let (mut stored_form, mut out) = (Vec::new(), Vec::new());
        update.store_reach(&found, false, &mut stored_form);
        stored::announce(&mut out, found.family, &stored_form, |out| {
            out.extend_from_slice(found.nlri);
            1
        });
        assert_eq!(out[19..], body);
    }

    #[test]
    fn withdrawals_and_end_of_rib_read_back() {
        for family in Family::ALL {
            for nlri in [&[][..], &[16, 10, 1]] {
                let mut out = Vec::new();
                stored::withdraw(&mut out, family, |out| {
                    out.extend_from_slice(nlri);
                    1
                });
                let mut kept = Vec::new();
                let update = Update::parse(&out[19..], CONTEXT, &mut kept).unwrap();
                assert_eq!(update.end_of_rib(), nlri.is_empty().then_some(family));
                let withdrawn = update.unreach.map_or(update.withdrawn, |(_, nlri)| nlri);
                assert_eq!(withdrawn, nlri);
            }
        }
    }

    /// RFC 7606 section 7, attribute by attribute.
    #[test]
    fn malformed_attributes_are_treated_as_rfc_7606_says() {
        let good = [GOOD_ORIGIN, GOOD_PATH, GOOD_HOP];
        let with = |extra: &'static [u8]| {
            let mut all = good.to_vec();
            all.push(extra);
            fault(&all, TEN, CONTEXT)
        };
        let internal = |extra: &'static [u8]| {
            let mut all = good.to_vec();
            all.push(extra);
            fault(&all, TEN, Context { external: false, ..CONTEXT })
        };
        let withdraw = |code| Ok(Some(Fault::Malformed(code)));
        assert_eq!(fault(&good, TEN, CONTEXT), Ok(None));
        assert_eq!(fault(&[&[0x40, 1, 1, 3], GOOD_PATH, GOOD_HOP], TEN, CONTEXT), withdraw(1));
        assert_eq!(fault(&[&[0x40, 1, 2, 0, 0], GOOD_PATH, GOOD_HOP], TEN, CONTEXT), withdraw(1));
        let path = |value: &[u8]| {
            let mut path = vec![0x40, 2, value.len() as u8];
            path.extend_from_slice(value);
            fault(&[GOOD_ORIGIN, &path, GOOD_HOP], TEN, CONTEXT)
        };
        assert_eq!(path(&[]), Ok(None));
        assert_eq!(path(&[2, 0]), withdraw(2));
        assert_eq!(path(&[5, 1, 0, 0, 0, 1]), withdraw(2));
        assert_eq!(path(&[2, 2, 0, 0, 0, 1]), withdraw(2));
        assert_eq!(path(&[2, 1, 0, 1]), withdraw(2));
        assert_eq!(
            fault(&[GOOD_ORIGIN, GOOD_PATH, &[0x40, 3, 3, 1, 1, 1]], TEN, CONTEXT),
            withdraw(3)
        );
        assert_eq!(fault(&[GOOD_ORIGIN, GOOD_PATH], TEN, CONTEXT), Ok(Some(Fault::Missing(3))));
        assert_eq!(
            fault(&[&[0xc0, 1, 1, 0], GOOD_PATH, GOOD_HOP], TEN, CONTEXT),
            Ok(Some(Fault::Flags(1)))
        );
        assert_eq!(with(&[0x80, 4, 3, 0, 0, 0]), withdraw(4));
        assert_eq!(with(&[0x40, 5, 3, 0, 0, 0]), Ok(None), "LOCAL_PREF of an external neighbor");
        assert_eq!(internal(&[0x40, 5, 3, 0, 0, 0]), withdraw(5));
        assert_eq!(with(&[0x40, 6, 1, 0]), Ok(None), "ATOMIC_AGGREGATE is discarded");
        assert_eq!(with(&[0xc0, 7, 3, 0, 0, 0]), Ok(None), "AGGREGATOR is discarded");
        assert_eq!(with(&[0xc0, 8, 3, 0, 0, 0]), withdraw(8));
        assert_eq!(with(&[0xc0, 8, 0]), withdraw(8));
        assert_eq!(with(&[0x80, 9, 3, 0, 0, 0]), Ok(None), "ORIGINATOR_ID is discarded");
        assert_eq!(internal(&[0x80, 10, 3, 0, 0, 0]), withdraw(10));
        assert_eq!(with(&[0xc0, 16, 4, 0, 0, 0, 0]), withdraw(16));
        assert_eq!(with(&[0xc0, 32, 4, 0, 0, 0, 0]), withdraw(32));
        assert_eq!(with(&[0x40, 99, 0]), Ok(Some(Fault::UnknownWellKnown(99))));
        assert_eq!(with(&[0xc0, 99, 1, 7]), Ok(None));
        assert!(matches!(with(&[0xc0, 8, 9, 0]), Ok(Some(Fault::Overrun(_)))));
        assert_eq!(
            fault(&[&[0x40, 1, 9, 0]], &[], CONTEXT),
            Err(Malformed::AttributeList),
            "no routes to withdraw"
        );
        for zero in [&[2, 2, 0, 0, 0, 1, 0, 0, 0, 0][..], &[1, 1, 0, 0, 0, 0], &[4, 1, 0, 0, 0, 0]]
        {
            assert_eq!(path(zero), withdraw(2), "AS 0");
        }
        let two_octets = Context { four_octet_as: false, ..CONTEXT };
        let short = |path: &[u8]| fault(&[GOOD_ORIGIN, path, GOOD_HOP], TEN, two_octets);
        assert_eq!(short(&[0x40, 2, 6, 2, 2, 0xfd, 0xe9, 0, 1]), Ok(None));
        assert_eq!(short(&[0x40, 2, 6, 2, 2, 0xfd, 0xe9, 0, 0]), withdraw(2), "AS 0");
        // Flags of what an external neighbor should not send: the attribute is discarded, not the route.
        for unexpected in
            [&[0xc0, 5, 4, 0, 0, 0, 100][..], &[0x40, 9, 4, 1, 1, 1, 1], &[0xc0, 10, 0]]
        {
            let all = [&good[..], &[unexpected]].concat();
            assert_eq!(fault(&all, TEN, CONTEXT), Ok(None));
            let internal = Context { external: false, ..CONTEXT };
            assert_eq!(fault(&all, TEN, internal), Ok(Some(Fault::Flags(unexpected[1]))));
        }
    }

    #[test]
    fn a_discarded_attribute_is_cut_out_and_the_first_of_two_is_kept() {
        let community: &[u8] = &[0xc0, 8, 4, 0, 1, 0, 2];
        let second: &[u8] = &[0xc0, 8, 4, 9, 9, 9, 9];
        let bad_aggregator: &[u8] = &[0xc0, 7, 3, 1, 2, 3];
        let body =
            body(&[], &[GOOD_ORIGIN, GOOD_PATH, GOOD_HOP, bad_aggregator, community, second], TEN);
        let mut kept = Vec::new();
        let update = Update::parse(&body, CONTEXT, &mut kept).unwrap();
        assert_eq!((update.fault, update.discarded), (None, 2));
        assert_eq!(update.first_discarded, Some(AGGREGATOR));
        assert_eq!(update.attributes, [GOOD_ORIGIN, GOOD_PATH, GOOD_HOP, community].concat());
    }

    /// The kept attributes of an announcement with this one more, and how many were discarded.
    fn kept_with(extra: &[u8], four_octet_as: bool) -> (Vec<u8>, u32) {
        let path: &[u8] = if four_octet_as { GOOD_PATH } else { &[0x40, 2, 4, 2, 1, 0xfd, 0xe9] };
        let good = [GOOD_ORIGIN, path, GOOD_HOP];
        let body = body(&[], &[&good[..], &[extra]].concat(), TEN);
        let mut kept = Vec::new();
        let context = Context { four_octet_as, ..CONTEXT };
        let update = Update::parse(&body, context, &mut kept).unwrap();
        assert_eq!(update.fault, None);
        (update.attributes[good.concat().len()..].to_vec(), update.discarded)
    }

    #[test]
    fn an_aggregator_of_as_0_is_discarded() {
        let aggregator = |code: u8, asn: &[u8]| {
            [&[0xc0, code, asn.len() as u8 + 4][..], asn, &[192, 0, 2, 1]].concat()
        };
        let zero = bytes_of("c0070800000000c0000201");
        assert_eq!(kept_with(&zero, true), (vec![], 1));
        for (code, asn, four_octet_as) in
            [(7, &[0, 0, 0, 1][..], true), (7, &[0, 1], false), (18, &[0, 1, 0, 0], false)]
        {
            let good = aggregator(code, asn);
            assert_eq!(kept_with(&good, four_octet_as), (good, 0));
            let zero = aggregator(code, &vec![0; asn.len()]);
            assert_eq!(kept_with(&zero, four_octet_as), (vec![], 1));
        }
    }

    /// RFC 6793 sections 4.1 and 6.
    #[test]
    fn as4_path_is_taken_from_two_octet_speakers_without_segments_of_a_confederation() {
        let mixed = bytes_of("e0111403020000ffd20000ff820202000022360003000d");
        let sequence = bytes_of("e0110a0202000022360003000d");
        let long = |short: &[u8]| [&[short[0] | 0x10, short[1], 0], &short[2..]].concat();
        assert_eq!(kept_with(&mixed, true), (vec![], 1), "from a four-octet speaker");
        assert_eq!(kept_with(&sequence, true), (vec![], 1), "from a four-octet speaker");
        assert_eq!(kept_with(&mixed, false), (sequence.clone(), 1));
        assert_eq!(kept_with(&long(&mixed), false), (long(&sequence), 1));
        assert_eq!(kept_with(&sequence, false), (sequence, 0));
        let alone = bytes_of("e0110603010000ffd2");
        assert_eq!(kept_with(&alone, false), (vec![], 1), "nothing is left");
        for bad in
            ["c01100", "c011020200", "c01105020100000d", "c01106020100000000", "c0110605010000000d"]
        {
            assert_eq!(kept_with(&bytes_of(bad), false), (vec![], 1), "{bad}");
        }
        let aggregator = bytes_of("c0120800010000c0000201");
        assert_eq!(kept_with(&aggregator, true), (vec![], 1), "from a four-octet speaker");
        assert_eq!(kept_with(&aggregator, false), (aggregator, 0));
        assert_eq!(kept_with(&bytes_of("401100"), true), (vec![], 1), "whatever its flags");
    }

    #[test]
    fn a_well_formed_attribute_of_internal_sessions_is_kept_from_an_external_neighbor() {
        for digits in ["40050400000064", "8009040a000001", "800a040a000002"] {
            let attribute = bytes_of(digits);
            assert_eq!(kept_with(&attribute, true), (attribute, 0));
        }
        assert_eq!(kept_with(&bytes_of("c0050400000064"), true), (vec![], 1));
        assert_eq!(kept_with(&bytes_of("400503000064"), true), (vec![], 1));
    }

    /// RFC 7606 section 5.2.
    #[test]
    fn a_fault_in_an_update_that_announces_nothing_ends_the_session() {
        let parsed = |digits: &str| {
            let body = bytes_of(digits);
            Update::parse(&body, CONTEXT, &mut Vec::new()).map(|update| update.fault)
        };
        let ends = [
            // An attribute behind MP_UNREACH_NLRI overruns, and may have swallowed MP_REACH_NLRI.
            "00000040800f0a0002013020010db80099c008ff4001010040020a02020000fde90000fdea800e1c000201102001\
             0db8000000000000000000000009003020010db80005",
            "00000014800f0a0002013020010db80099c0080900010001",
            "0000000e800f0a0002013020010db80099ff",
            "0000000d800f0b0002013020010db80099",
            // ORIGIN alone, beside withdrawals, and beside MP_REACH_NLRI without routes.
            "0000000440010105",
            "0003100a63000d4001010540020602010000fde9",
            "000000254001010340020602010000fde9800e150002011020010db800000000000000000000000900",
            // Wrong flags of MP_UNREACH_NLRI beside another attribute.
            "00000011c00f0a0002013020010db8009940010100",
        ];
        for digits in ends {
            assert_eq!(parsed(digits), Err(Malformed::AttributeList), "{digits}");
        }
        // Good attributes; attributes that are discarded; wrong flags of MP_UNREACH_NLRI alone; MP_REACH_NLRI
        // without routes, which needs no mandatory attributes.
        let goes_on = [
            ("0003100a63000d4001010040020602010000fde9", None),
            ("00000006c00703000102", None),
            ("0000000dc00f0a0002013020010db80099", Some(Fault::Flags(15))),
            ("00000018800e150002011020010db800000000000000000000000900", None),
            ("00000000", None),
        ];
        for (digits, expected) in goes_on {
            assert_eq!(parsed(digits), Ok(expected), "{digits}");
        }
    }

    #[test]
    fn two_mp_reach_and_broken_lengths_end_the_session() {
        let reach: &[u8] = &[0x80, 14, 5, 0, 2, 1, 0, 0];
        assert_eq!(next_hop(reach), Err(multiprotocol(reach)), "no next hop");
        let reach: &[u8] = &[0x80, 14, 5, 0, 2, 1, 16, 0];
        assert_eq!(next_hop(reach), Err(multiprotocol(reach)), "more than there is");
        for short in [&[0x80, 14, 2, 0, 2][..], &[0x80, 15, 2, 0, 2]] {
            assert_eq!(fault(&[short], &[], CONTEXT), Err(multiprotocol(short)), "no family");
        }
        let mut good = vec![0x80, 14, 21, 0, 2, 1, 16];
        good.extend_from_slice(&[0; 17]);
        assert_eq!(
            fault(&[GOOD_ORIGIN, GOOD_PATH, &good, &good], &[], CONTEXT),
            Err(Malformed::AttributeList)
        );
        let end = |body: &[u8]| Update::parse(body, CONTEXT, &mut Vec::new()).map(|_| ());
        assert_eq!(end(&[0, 9, 8, 10]), Err(Malformed::AttributeList));
        assert_eq!(end(&[0, 0, 0, 9, 1]), Err(Malformed::AttributeList));
    }

    /// Whether the routes of an MP_REACH_NLRI can be located.
    fn next_hop(reach: &[u8]) -> Result<(), Malformed> {
        let body = body(&[], &[GOOD_ORIGIN, GOOD_PATH, reach], &[]);
        let mut kept = Vec::new();
        let update = Update::parse(&body, CONTEXT, &mut kept).unwrap();
        update.reach.unwrap().routes().map(drop)
    }

    #[test]
    fn the_length_of_a_next_hop_must_be_one_of_its_family() {
        let with_next_hop = |family: Family, length: u8| {
            let mut reach = vec![0x80, 14, 5 + length];
            reach.extend_from_slice(&family.afi.to_be_bytes());
            reach.extend_from_slice(&[family.safi, length]);
            reach.resize(reach.len() + usize::from(length) + 1, 0);
            next_hop(&reach)
        };
        for family in Family::ALL {
            let good: Vec<u8> =
                (0..=64).filter(|length| with_next_hop(family, *length).is_ok()).collect();
            let expected: &[u8] = match family.safi {
                1 | 2 if family.afi == 2 => &[16, 32],
                1 | 2 | 4 | 71 => &[4, 16, 32],
                128 => &[12, 16, 24, 32, 48],
                70 => &[4, 16],
                72 => &[4, 12, 16, 24, 32, 48],
                133 | 134 => {
                    assert_eq!(good.len(), 65, "{family}: any");
                    continue;
                }
                other => panic!("{other}"),
            };
            assert_eq!(good, expected, "{family}");
        }
        let short = with_next_hop(Family::VPNV4_UNICAST, 4).unwrap_err();
        assert_eq!(short.to_string(), "attribute 14 is malformed");
    }

    /// What a monitored router reports is not checked: flags, lengths, duplicates, missing attributes, AS4_PATH from
    /// a four-octet speaker, AS 0.
    #[test]
    fn attributes_that_a_router_reports_are_kept_in_their_order() {
        let attributes: [&[u8]; 9] = [
            &[0xc0, 1, 1, 9],
            &[0x40, 1, 2, 0, 0],
            &[0xc0, 8, 4, 0, 1, 0, 2],
            &[0xc0, 8, 3, 0, 1, 0],
            &[0x40, 2, 6, 2, 1, 0, 0, 0, 0],
            &[0xe0, 17, 6, 3, 1, 0, 0, 0xff, 0xd2],
            &[0x80, 5, 0],
            &[0x40, 99, 0],
            &[0x90, 7, 0, 1, 7],
        ];
        let attributes = attributes.concat();
        let body = body(&[], &[&attributes], TEN);
        let mut kept = Vec::new();
        let update = Update::parse_verbatim(&body, &mut kept).unwrap();
        assert_eq!((update.attributes, update.announced), (&attributes[..], TEN));
        assert_eq!((update.fault, update.discarded, update.first_discarded), (None, 0, None));
        assert!(update.only_announces());
        for flips_a in [false, true] {
            let (mut stored_form, mut out) = (Vec::new(), Vec::new());
            update.store_plain(flips_a, &mut stored_form);
            assert_eq!(stored::inverted_flags(&stored_form) != 0, flips_a);
            stored::announce(&mut out, Family::IPV4_UNICAST, &stored_form, |out| {
                out.extend_from_slice(TEN);
                1
            });
            assert_eq!(out[19..], body);
        }
    }

    #[test]
    fn an_update_of_a_router_is_malformed_if_its_routes_cannot_be_located() {
        let reach: &[u8] = &[0x80, 14, 5, 0, 2, 1, 0, 0];
        let unreach: &[u8] = &[0x80, 15, 3, 0, 2, 1];
        let parsed = |attributes: &[&[u8]], nlri: &[u8]| {
            let body = body(&[], attributes, nlri);
            let mut kept = Vec::new();
            let update = Update::parse_verbatim(&body, &mut kept)?;
            update.reach.map_or(Ok(&[][..]), |reach| reach.routes()).map(drop)
        };
        let good: [&[&[u8]]; 4] = [
            &[],
            &[reach, unreach],
            // A next hop of a length that none has.
            &[&[0x80, 14, 8, 0, 2, 1, 3, 1, 2, 3, 0]],
            &[&[0x40, 1, 1, 0]],
        ];
        for attributes in good {
            assert_eq!(parsed(attributes, TEN), Ok(()), "{attributes:02x?}");
            assert_eq!(parsed(attributes, &[]), Ok(()), "{attributes:02x?}");
        }
        let overrun: &[u8] = &[0x40, 1, 2, 0];
        let contradictory: [&[&[u8]]; 4] =
            [&[reach, reach], &[unreach, unreach], &[overrun], &[reach, &[0x50, 1, 0]]];
        for attributes in contradictory {
            assert_eq!(parsed(attributes, TEN), Err(Malformed::AttributeList), "{attributes:02x?}");
        }
        // No family, or a next hop that is longer than the attribute.
        let multiprotocols: [&[u8]; 3] =
            [&[0x80, 14, 2, 0, 2], &[0x80, 15, 0], &[0x80, 14, 6, 0, 2, 1, 2, 0, 0]];
        for attribute in multiprotocols {
            assert_eq!(parsed(&[attribute], TEN), Err(multiprotocol(attribute)));
        }
        for body in [&[0, 9, 8, 10][..], &[0, 0, 0, 9, 1], &[0]] {
            let parsed = Update::parse_verbatim(body, &mut Vec::new()).map(drop);
            assert_eq!(parsed, Err(Malformed::AttributeList));
        }
    }

    #[test]
    fn families_can_be_left_out_of_an_update() {
        let known: &[u8] = &[0x80, 14, 5, 0, 2, 1, 0, 0];
        let unknown: &[u8] = &[0x90, 15, 0, 4, 0, 25, 65, 9];
        let left = |body: &[u8]| {
            let mut out = Vec::new();
            let has_routes =
                without_families(body, |family| Family::ALL.contains(&family), &mut out);
            (has_routes.unwrap(), out)
        };
        let all = body(TEN, &[unknown, GOOD_ORIGIN, known], TEN);
        assert_eq!(left(&all), (true, body(&[], &[unknown, GOOD_ORIGIN], &[])));
        let only_known = body(TEN, &[GOOD_ORIGIN, known], TEN);
        assert_eq!(left(&only_known), (false, body(&[], &[GOOD_ORIGIN], &[])));
        let mut out = Vec::new();
        assert!(without_families(&all, |_| false, &mut out).unwrap());
        assert_eq!(out, all);
        for short in 0..all.len() - TEN.len() {
            let _ = without_families(&all[..short], |_| true, &mut Vec::new());
        }
    }

    #[test]
    fn the_end_of_rib_of_a_router_is_recognized() {
        for family in Family::ALL {
            let mut out = Vec::new();
            stored::withdraw(&mut out, family, |_| 0);
            let mut kept = Vec::new();
            let update = Update::parse_verbatim(&out[19..], &mut kept).unwrap();
            assert_eq!(update.end_of_rib(), Some(family));
        }
        let other = body(&[], &[GOOD_ORIGIN, &[0x80, 15, 3, 0, 2, 1]], &[]);
        assert_eq!(Update::parse_verbatim(&other, &mut Vec::new()).unwrap().end_of_rib(), None);
    }

    /// An attribute with these flags, whose length is as long as they say.
    fn attribute(flags: u8, code: u8, value: &[u8]) -> Vec<u8> {
        let length = (value.len() as u16).to_be_bytes();
        let length = &length[usize::from(flags & EXTENDED_LENGTH == 0)..];
        [&[flags, code], length, value].concat()
    }

    /// Attributes but MP_REACH_NLRI and MP_UNREACH_NLRI, with anything in them.
    fn attributes() -> impl Strategy<Value = Vec<u8>> {
        let code = any::<u8>()
            .prop_filter("another type", |code| !matches!(*code, MP_REACH_NLRI | MP_UNREACH_NLRI));
        let one = (any::<u8>(), code, prop::collection::vec(any::<u8>(), 0..20));
        let bytes = |all: Vec<(u8, u8, Vec<u8>)>| {
            all.iter().flat_map(|(flags, code, value)| attribute(*flags, *code, value)).collect()
        };
        prop::collection::vec(one, 0..6).prop_map(bytes)
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            attributes in prop::collection::vec(any::<u8>(), 0..100),
            four_octet_as: bool,
            external: bool,
        ) {
            let context = Context { four_octet_as, external };
            for body in [bytes.clone(), body(&bytes, &[&attributes], &bytes)] {
                let (mut checked, mut verbatim) = (Vec::new(), Vec::new());
                let both = [
                    Update::parse(&body, context, &mut checked),
                    Update::parse_verbatim(&body, &mut verbatim),
                ];
                for update in both.into_iter().flatten() {
                    let _ = update.end_of_rib();
                    let mut out = Vec::new();
                    update.store_plain(external, &mut out);
                    if let Some(reach) = &update.reach {
                        update.store_reach(reach, external, &mut out);
                        let mut message = Vec::new();
                        stored::announce(&mut message, reach.family, &out, |_| 0);
                        prop_assert!(message.len() <= stored::room(out.len(), 0));
                    }
                }
            }
        }

        /// The attributes of a message whose only routes are those of MP_REACH_NLRI come out as they came in.
        #[test]
        fn what_is_not_checked_comes_out_as_it_came_in(
            before in attributes(),
            after in attributes(),
            family: (u16, u8),
            next_hop in prop::collection::vec(any::<u8>(), 0..60),
            nlri in prop::collection::vec(any::<u8>(), 0..60),
            flags: u8,
            flips_a: bool,
        ) {
            let family = Family { afi: family.0, safi: family.1 };
            let mut value = family.afi.to_be_bytes().to_vec();
            value.extend_from_slice(&[family.safi, next_hop.len() as u8]);
            value.extend_from_slice(&next_hop);
            value.push(0);
            value.extend_from_slice(&nlri);
            let reach = attribute(flags, MP_REACH_NLRI, &value);
            let body = body(&[], &[&before, &reach, &after], &[]);
            let mut kept = Vec::new();
            let update = Update::parse_verbatim(&body, &mut kept).unwrap();
            let found = update.reach.unwrap();
            prop_assert_eq!(found.routes(), Ok(&nlri[..]));
            let (mut stored_form, mut out) = (Vec::new(), Vec::new());
            update.store_reach(&found, flips_a, &mut stored_form);
            prop_assert_eq!(stored::inverted_flags(&stored_form) != 0, flips_a);
            stored::announce(&mut out, family, &stored_form, |out| {
                out.extend_from_slice(found.nlri);
                1
            });
            prop_assert_eq!(&out[19..], &body[..]);
        }
    }
}
