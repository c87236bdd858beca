//! UPDATE (RFC 4271 section 4.3) with multiprotocol NLRI (RFC 4760) and revised error handling (RFC
//! 7606).
//!
//! Path attributes are not decoded. They are walked once: each one is checked as far as RFC 7606 asks,
//! MP_REACH_NLRI and MP_UNREACH_NLRI are cut out, and the bytes of the others are kept as they came.
//! [`super::stored`] describes the form in which they go into the tables and come out again.

use super::bgp::{self, Notification};
use super::family::Family;
use super::reader::{Reader, Short};
use super::stored;

const ORIGIN: u8 = 1;
const AS_PATH: u8 = 2;
const NEXT_HOP: u8 = 3;
const MULTI_EXIT_DISC: u8 = 4;
const LOCAL_PREF: u8 = 5;
const ATOMIC_AGGREGATE: u8 = 6;
const AGGREGATOR: u8 = 7;
const COMMUNITIES: u8 = 8;
const ORIGINATOR_ID: u8 = 9;
const CLUSTER_LIST: u8 = 10;
pub(super) const MP_REACH_NLRI: u8 = 14;
pub(super) const MP_UNREACH_NLRI: u8 = 15;
const EXTENDED_COMMUNITIES: u8 = 16;
const AS4_PATH: u8 = 17;
const AS4_AGGREGATOR: u8 = 18;
const IPV6_EXTENDED_COMMUNITIES: u8 = 25;
const LARGE_COMMUNITIES: u8 = 32;

pub(super) const OPTIONAL: u8 = 0x80;
const TRANSITIVE: u8 = 0x40;
pub(super) const EXTENDED_LENGTH: u8 = 0x10;

/// What the reader of an UPDATE must know of the session.
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
    /// A well-known attribute that nobody knows.
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
    /// The routes, unchecked.
    pub nlri: &'a [u8],
    /// Where the attribute stood among the kept ones.
    position: usize,
    /// Its flags. Extended Length stays: what is sent has at most the routes that were received, so
    /// the form that was right for them is right again, and no message grows beyond what came in.
    flags: u8,
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
    /// How many attributes were discarded as malformed or duplicate.
    pub discarded: u32,
    /// The type of the first of them.
    pub first_discarded: Option<u8>,
    /// True if no attribute was there at all.
    bare: bool,
    /// The kept attributes.
    attributes: &'a [u8],
}

impl<'a> Update<'a> {
    /// Reads the body of an UPDATE (what follows the header). Kept attributes are collected in `kept`.
    ///
    /// The error is the NOTIFICATION for what RFC 7606 leaves as a reason to end the session: lengths
    /// that hide where the routes are.
    pub fn parse(
        body: &'a [u8],
        context: Context,
        kept: &'a mut Vec<u8>,
    ) -> Result<Self, Notification> {
        let malformed = |_: Short| Notification::new(3, 1, &[]);
        kept.clear();
        let mut reader = Reader::new(body, bgp::HEADER_LEN);
        let length = usize::from(reader.u16().map_err(malformed)?);
        let withdrawn = reader.take(length).map_err(malformed)?;
        let length = usize::from(reader.u16().map_err(malformed)?);
        let mut attributes = reader.sub(length).map_err(malformed)?;
        let announced = reader.rest();

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
        while !attributes.is_empty() {
            let at = attributes.offset();
            if let Err(Short { .. }) = walk.attribute(&mut attributes)? {
                walk.fault.get_or_insert(Fault::Overrun(at));
                // The routes of an MP_REACH_NLRI that was not reached are not known (RFC 7606 section
                // 5.2): then nothing can be treated as withdrawn.
                if announced.is_empty() && walk.reach.is_none() && walk.unreach.is_none() {
                    return Err(Notification::new(3, 1, &[]));
                }
                break;
            }
        }
        if !announced.is_empty() || walk.reach.is_some() {
            walk.mandatory(!announced.is_empty());
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
    pub fn store_plain(&self, out: &mut Vec<u8>) {
        out.clear();
        out.push(stored::PLAIN);
        out.extend_from_slice(self.attributes);
    }

    /// Writes the attributes of the routes in `reach` in their stored form.
    pub fn store_reach(&self, reach: &Reach<'_>, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(&[stored::MULTIPROTOCOL, reach.flags]);
        out.extend_from_slice(&(reach.position as u16).to_be_bytes());
        out.push(reach.next_hop.len() as u8);
        out.extend_from_slice(reach.next_hop);
        out.extend_from_slice(self.attributes);
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

/// What the check of one attribute says.
enum Verdict {
    Keep,
    Discard,
    Withdraw,
}

impl<'a> Walk<'a> {
    /// Takes the next attribute. Outer error: the session ends; inner: the block is too short.
    fn attribute(&mut self, block: &mut Reader<'a>) -> Result<Result<(), Short>, Notification> {
        let mut ahead = *block;
        let (flags, code, value) = match Self::split(&mut ahead) {
            Ok(parts) => parts,
            Err(short) => return Ok(Err(short)),
        };
        let whole_len = block.len() - ahead.len();
        let Ok(whole) = block.take(whole_len) else {
            return Ok(Ok(()));
        };

        if std::mem::replace(&mut self.seen[usize::from(code)], true) {
            // RFC 7606 section 3 (g).
            if matches!(code, MP_REACH_NLRI | MP_UNREACH_NLRI) {
                return Err(Notification::new(3, 1, &[]));
            }
            self.discard(code);
            return Ok(Ok(()));
        }
        if let Some(expected) = expected_flags(code) {
            if flags & (OPTIONAL | TRANSITIVE) != expected {
                self.fault.get_or_insert(Fault::Flags(code));
            }
        } else if flags & OPTIONAL == 0 {
            self.fault.get_or_insert(Fault::UnknownWellKnown(code));
        }
        match code {
            MP_REACH_NLRI => self.take_reach(flags, value, whole)?,
            MP_UNREACH_NLRI => self.take_unreach(value, whole)?,
            _ => match self.check(code, value) {
                Verdict::Keep => self.kept.extend_from_slice(whole),
                Verdict::Discard => self.discard(code),
                Verdict::Withdraw => {
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

    fn split(reader: &mut Reader<'a>) -> Result<(u8, u8, Reader<'a>), Short> {
        let flags = reader.u8()?;
        let code = reader.u8()?;
        let length = if flags & EXTENDED_LENGTH == 0 {
            usize::from(reader.u8()?)
        } else {
            usize::from(reader.u16()?)
        };
        Ok((flags, code, reader.sub(length)?))
    }

    /// RFC 4760 section 3; errors as RFC 7606 section 7.11.
    fn take_reach(
        &mut self,
        flags: u8,
        mut value: Reader<'a>,
        whole: &[u8],
    ) -> Result<(), Notification> {
        let position = self.kept.len();
        let parts = (|| {
            let family = Family { afi: value.u16()?, safi: value.u8()? };
            let length = usize::from(value.u8()?);
            let next_hop = value.take(length)?;
            value.u8()?;
            Ok((family, next_hop))
        })();
        let (family, next_hop) = parts.map_err(|_: Short| Notification::new(3, 9, whole))?;
        if !next_hop_lengths(family).is_none_or(|lengths| lengths.contains(&next_hop.len())) {
            return Err(Notification::new(3, 9, whole));
        }
        self.reach = Some(Reach { family, next_hop, nlri: value.rest(), position, flags });
        Ok(())
    }

    fn take_unreach(&mut self, mut value: Reader<'a>, whole: &[u8]) -> Result<(), Notification> {
        let family = (|| Ok(Family { afi: value.u16()?, safi: value.u8()? }))();
        let family = family.map_err(|_: Short| Notification::new(3, 9, whole))?;
        self.unreach = Some((family, value.rest()));
        Ok(())
    }

    /// The checks of RFC 7606 section 7, of RFC 6793 section 6 and of RFC 8092 section 5.
    ///
    /// A well-formed attribute that does not belong on an external session (LOCAL_PREF and its like)
    /// is kept: stations are told what was received.
    fn check(&self, code: u8, mut value: Reader<'a>) -> Verdict {
        let length = value.len();
        let keep_if = |good: bool, otherwise: Verdict| if good { Verdict::Keep } else { otherwise };
        let internal_only = |good: bool| {
            keep_if(good, if self.context.external { Verdict::Discard } else { Verdict::Withdraw })
        };
        let multiple_of =
            |n: usize| keep_if(length > 0 && length.is_multiple_of(n), Verdict::Withdraw);
        match code {
            ORIGIN => keep_if(length == 1 && value.u8().is_ok_and(|v| v <= 2), Verdict::Withdraw),
            AS_PATH => keep_if(is_as_path(value, self.context.four_octet_as), Verdict::Withdraw),
            NEXT_HOP | MULTI_EXIT_DISC => keep_if(length == 4, Verdict::Withdraw),
            LOCAL_PREF | ORIGINATOR_ID => internal_only(length == 4),
            CLUSTER_LIST => internal_only(length > 0 && length.is_multiple_of(4)),
            ATOMIC_AGGREGATE => keep_if(length == 0, Verdict::Discard),
            AGGREGATOR => {
                keep_if(length == if self.context.four_octet_as { 8 } else { 6 }, Verdict::Discard)
            }
            COMMUNITIES => multiple_of(4),
            EXTENDED_COMMUNITIES => multiple_of(8),
            IPV6_EXTENDED_COMMUNITIES => multiple_of(20),
            LARGE_COMMUNITIES => multiple_of(12),
            AS4_PATH => keep_if(is_as_path(value, true), Verdict::Discard),
            AS4_AGGREGATOR => keep_if(length == 8, Verdict::Discard),
            _ => Verdict::Keep,
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

/// The lengths that a next hop of the family can have, in bytes; `None` is any.
///
/// 32 and 48 are a global and a link-local address (RFC 2545 section 3); a VPN's address stands behind
/// a distinguisher of zero.
fn next_hop_lengths(family: Family) -> Option<&'static [usize]> {
    match family {
        // RFC 8950 section 3: IPv4 over IPv6.
        Family::IPV4_UNICAST | Family::IPV4_MULTICAST => Some(&[4, 16, 32]),
        Family::IPV6_UNICAST | Family::IPV6_MULTICAST => Some(&[16, 32]),
        // RFC 8277 section 2, RFC 9552 section 5.5.
        Family::IPV4_LABELED_UNICAST | Family::IPV6_LABELED_UNICAST | Family::LINK_STATE => {
            Some(&[4, 16, 32])
        }
        // RFC 4364 section 4.3.2, RFC 4659 section 3.2.1, RFC 8950 section 3.
        Family::VPNV4_UNICAST | Family::VPNV6_UNICAST => Some(&[12, 24, 48]),
        // RFC 9552 section 5.5 asks for the distinguisher; not everyone writes one.
        Family::LINK_STATE_VPN => Some(&[4, 12, 16, 24, 32, 48]),
        // RFC 7432 section 9.2.1.
        Family::L2VPN_EVPN => Some(&[4, 16]),
        // Flow specifications have none, and it is ignored (RFC 8955 section 4). Of a family that is not
        // known nothing is known here either.
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

/// RFC 7606 section 7.2: known segment types, no empty segment, no overrun.
fn is_as_path(mut value: Reader<'_>, four_octet_as: bool) -> bool {
    let width = if four_octet_as { 4 } else { 2 };
    while !value.is_empty() {
        let (Ok(kind), Ok(count)) = (value.u8(), value.u8()) else {
            return false;
        };
        if !(1..=4).contains(&kind) || count == 0 || value.take(usize::from(count) * width).is_err()
        {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
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
    ) -> Result<Option<Fault>, (u8, u8)> {
        let body = body(&[], attributes, nlri);
        Update::parse(&body, context, &mut Vec::new())
            .map(|u| u.fault)
            .map_err(|n| (n.code, n.subcode))
    }

    #[test]
    fn a_plain_update_comes_out_as_it_came_in() {
        let body = body(&[], &[GOOD_ORIGIN, GOOD_PATH, GOOD_HOP], TEN);
        let mut kept = Vec::new();
        let update = Update::parse(&body, CONTEXT, &mut kept).unwrap();
        assert_eq!((update.fault, update.announced, update.discarded), (None, TEN, 0));
        let (mut stored_form, mut out) = (Vec::new(), Vec::new());
        update.store_plain(&mut stored_form);
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
        update.store_reach(&found, &mut stored_form);
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
        assert_eq!(fault(&[&[0x40, 1, 9, 0]], &[], CONTEXT), Err((3, 1)), "no routes to withdraw");
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

    #[test]
    fn two_mp_reach_and_broken_lengths_end_the_session() {
        let reach: &[u8] = &[0x80, 14, 5, 0, 2, 1, 0, 0];
        assert_eq!(fault(&[reach], &[], CONTEXT), Err((3, 9)), "no next hop");
        let mut good = vec![0x80, 14, 21, 0, 2, 1, 16];
        good.extend_from_slice(&[0; 17]);
        assert_eq!(fault(&[GOOD_ORIGIN, GOOD_PATH, &good, &good], &[], CONTEXT), Err((3, 1)));
        let end = |body: &[u8]| {
            Update::parse(body, CONTEXT, &mut Vec::new())
                .map(|_| ())
                .map_err(|n| (n.code, n.subcode))
        };
        assert_eq!(end(&[0, 9, 8, 10]), Err((3, 1)));
        assert_eq!(end(&[0, 0, 0, 9, 1]), Err((3, 1)));
    }

    #[test]
    fn the_length_of_a_next_hop_must_be_one_of_its_family() {
        let with_next_hop = |family: Family, length: u8| {
            let mut reach = vec![0x80, 14, 5 + length];
            reach.extend_from_slice(&family.afi.to_be_bytes());
            reach.extend_from_slice(&[family.safi, length]);
            reach.resize(reach.len() + usize::from(length) + 1, 0);
            fault(&[GOOD_ORIGIN, GOOD_PATH, &reach], &[], CONTEXT)
        };
        for family in Family::ALL {
            let good: Vec<u8> =
                (0..=64).filter(|length| with_next_hop(family, *length).is_ok()).collect();
            let expected: &[u8] = match family.safi {
                1 | 2 if family.afi == 2 => &[16, 32],
                1 | 2 | 4 | 71 => &[4, 16, 32],
                128 => &[12, 24, 48],
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
        assert_eq!(with_next_hop(Family::VPNV4_UNICAST, 4), Err((3, 9)));
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
                let mut kept = Vec::new();
                if let Ok(update) = Update::parse(&body, context, &mut kept) {
                    let _ = update.end_of_rib();
                    let mut out = Vec::new();
                    update.store_plain(&mut out);
                    if let Some(reach) = &update.reach {
                        update.store_reach(reach, &mut out);
                        let mut message = Vec::new();
                        stored::announce(&mut message, reach.family, &out, |_| 0);
                        prop_assert!(message.len() <= stored::room(out.len(), 0));
                    }
                }
            }
        }
    }
}
