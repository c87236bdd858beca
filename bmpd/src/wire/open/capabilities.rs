//! What the OPENs that a monitored router reports say about how routes are written.
//!
//! The router and its peer have accepted these OPENs, so there is nothing to refuse: what is unknown or malformed is
//! skipped.

use std::iter;

use super::{
    ADD_PATH, AddPath, CAPABILITIES, FOUR_OCTET_AS, MULTIPLE_LABELS, MULTIPROTOCOL, Parameters,
    add_family, capability, read_add_path,
};
use crate::wire::bgp::HEADER_LEN;
use crate::wire::bmp::View;
use crate::wire::family::Family;
use crate::wire::nlri::Form;
use crate::wire::reader::Reader;

/// The capabilities of an OPEN that matter for the routes of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// The families of the Multiprotocol capabilities, in their order; IPv4 unicast if there is none.
    pub families: Vec<Family>,
    /// What the speaker does with path identifiers, by family (RFC 7911): the entries of all its ADD-PATH
    /// capabilities.
    pub add_path: Vec<(Family, AddPath)>,
    /// How many labels of a route it can receive, by family: 2 to 255, where 255 is any number (RFC 8277 section
    /// 2.1).
    pub multiple_labels: Vec<(Family, u8)>,
    /// True if 4-octet AS numbers were announced (RFC 6793).
    pub four_octet_as: bool,
}

impl Capabilities {
    /// Reads a whole OPEN message.
    pub fn read(open: &[u8]) -> Self {
        let (mut families, mut add_path, mut four_octet_as) = (Vec::new(), Vec::new(), false);
        let mut multiple_labels = None;
        for (code, value) in all(open) {
            match (code, value.len()) {
                (MULTIPROTOCOL, 4) => add_family(&mut families, value),
                (ADD_PATH, length) if length % 4 == 0 => {
                    add_path.extend(read_add_path(value).into_iter().flatten());
                }
                // Of several only the first one counts (RFC 8277 section 2.1).
                (MULTIPLE_LABELS, length) if length % 4 == 0 => {
                    multiple_labels.get_or_insert_with(|| read_multiple_labels(value));
                }
                (FOUR_OCTET_AS, 4) => four_octet_as = true,
                _ => {}
            }
        }
        if families.is_empty() {
            families.push(Family::IPV4_UNICAST);
        }
        let multiple_labels = multiple_labels.unwrap_or_default();
        Self { families, add_path, multiple_labels, four_octet_as }
    }

    /// The families with a capability that changes how routes are written.
    fn named(&self) -> impl Iterator<Item = &Family> {
        let add_path = self.add_path.iter().map(|(family, _)| family);
        add_path.chain(self.multiple_labels.iter().map(|(family, _)| family))
    }

    fn receives_paths(&self, family: Family) -> bool {
        self.add_path.iter().any(|(other, what)| *other == family && what.receives())
    }

    fn sends_paths(&self, family: Family) -> bool {
        self.add_path.iter().any(|(other, what)| *other == family && what.sends())
    }

    fn has_add_path(&self, family: Family) -> bool {
        self.add_path.iter().any(|(other, _)| *other == family)
    }

    fn has_multiple_labels(&self, family: Family) -> bool {
        self.multiple_labels.iter().any(|(other, _)| *other == family)
    }
}

/// The codes and values of all capabilities of a whole OPEN message, as far as it can be read.
pub(super) fn all(open: &[u8]) -> impl Iterator<Item = (u8, Reader<'_>)> {
    /// Version, AS number, hold time, BGP Identifier.
    const FIXED_LEN: usize = 9;
    let mut reader = Reader::new(open, 0);
    let fixed = reader.take(HEADER_LEN + FIXED_LEN);
    let parameters = fixed.and_then(|_| Parameters::take(&mut reader)).ok();
    parameters
        .into_iter()
        .flat_map(|mut parameters| iter::from_fn(move || parameters.next().ok().flatten()))
        .filter(|(kind, _)| *kind == CAPABILITIES)
        .flat_map(|(_, mut value)| iter::from_fn(move || capability(&mut value).ok()))
}

/// Reads a Multiple Labels capability (RFC 8277 section 2.1): of several entries of a family the first one counts,
/// and one of less than two labels does not.
fn read_multiple_labels(mut value: Reader<'_>) -> Vec<(Family, u8)> {
    let mut entries: Vec<(Family, u8)> = Vec::new();
    while let (Ok(afi), Ok([safi, count])) = (value.u16(), value.array()) {
        let family = Family { afi, safi };
        if count >= 2 && entries.iter().all(|(other, _)| *other != family) {
            entries.push((family, count));
        }
    }
    entries
}

/// How the routes of a peer are written that a monitored router reports: what follows from both OPENs of its Peer Up.
///
/// Two are equal if the routes of all tables are written in the same way, and the families are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayedForms {
    families: Vec<Family>,
    /// The forms that are not [`Form::new`] without path identifiers, by table.
    adj_rib_in: Vec<Form>,
    adj_rib_out: Vec<Form>,
    loc_rib: Vec<Form>,
}

impl RelayedForms {
    /// What follows from the OPEN that the router sent, and from the one that it received.
    ///
    /// - Routes of Adj-RIB-In have path identifiers if the router receives and the peer sends them, those of
    ///   Adj-RIB-Out if it is the other way round (RFC 7911 section 4, RFC 8671 section 5).
    /// - Routes of Adj-RIB-In and Adj-RIB-Out have stacks of labels if both announce it (RFC 8277 section 2.1).
    /// - A Loc-RIB has no peer: its OPENs are fabricated, and in either of them the capability is enough, whatever
    ///   its direction (RFC 9069 section 5.2).
    pub fn of(sent: &[u8], received: &[u8]) -> Self {
        let [sent, received] = [sent, received].map(Capabilities::read);
        let families = in_order(sent.families.iter().chain(&received.families));
        let (mut adj_rib_in, mut adj_rib_out, mut loc_rib) = (Vec::new(), Vec::new(), Vec::new());
        for family in in_order(sent.named().chain(received.named())) {
            let [ours, theirs] = [&sent, &received].map(|open| open.has_multiple_labels(family));
            let receives = sent.receives_paths(family) && received.sends_paths(family);
            let sends = sent.sends_paths(family) && received.receives_paths(family);
            let has_add_path = sent.has_add_path(family) || received.has_add_path(family);
            for (table, add_path, label_stack) in [
                (&mut adj_rib_in, receives, ours && theirs),
                (&mut adj_rib_out, sends, ours && theirs),
                (&mut loc_rib, has_add_path, ours || theirs),
            ] {
                let form = Form::new(family, add_path);
                let form = if label_stack { form.with_label_stack() } else { form };
                if form != Form::new(family, false) {
                    table.push(form);
                }
            }
        }
        Self { families, adj_rib_in, adj_rib_out, loc_rib }
    }

    /// How the routes of one table are written.
    pub fn form(&self, view: View, family: Family) -> Form {
        let special = match view {
            View::AdjRibInPrePolicy | View::AdjRibInPostPolicy => &self.adj_rib_in,
            View::AdjRibOutPrePolicy | View::AdjRibOutPostPolicy => &self.adj_rib_out,
            View::LocRib { .. } => &self.loc_rib,
        };
        let form = special.iter().find(|form| form.family() == family);
        form.copied().unwrap_or_else(|| Form::new(family, false))
    }

    /// The families that either OPEN announces, in the order in which bmpd reports them; those that it does not know
    /// come last.
    pub fn families(&self) -> &[Family] {
        &self.families
    }
}

/// Each of the families once, in the order of [`RelayedForms::families`].
fn in_order<'a>(families: impl Iterator<Item = &'a Family>) -> Vec<Family> {
    let mut families: Vec<Family> = families.copied().collect();
    families.sort_by_key(|family| {
        let rank = Family::ALL.iter().position(|known| known == family);
        (rank.unwrap_or(Family::ALL.len()), *family)
    });
    families.dedup();
    families
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::bgp::{self, MessageType};
    use crate::wire::bytes_of;
    use crate::wire::open::Open;

    const IN: View = View::AdjRibInPrePolicy;
    const OUT: View = View::AdjRibOutPostPolicy;
    const LOC: View = View::LocRib { is_filtered: false };

    /// A whole OPEN with this after the BGP Identifier.
    fn open_with(parameters: &[u8]) -> Vec<u8> {
        let mut message = Vec::new();
        let fixed = [4, 0xfd, 0xe9, 0, 90, 192, 0, 2, 2];
        bgp::encode(&mut message, MessageType::Open, &[&fixed[..], parameters].concat());
        message
    }

    /// A whole OPEN with these capabilities.
    fn open(capabilities: &[&[u8]]) -> Vec<u8> {
        let capabilities = capabilities.concat();
        let length = capabilities.len() as u8;
        open_with(&[&[length + 2, CAPABILITIES, length], &capabilities[..]].concat())
    }

    #[test]
    fn all_that_is_well_formed_is_read() {
        let read = Capabilities::read(&open(&[
            &[1, 4, 0, 2, 0, 1],
            &[1, 4, 0, 1, 0, 4],
            &[1, 4, 0, 2, 0, 1],
            &[1, 3, 0, 1, 0],
            &[2, 0],
            &[8, 12, 0, 1, 4, 3, 0, 1, 4, 9, 0, 1, 128, 1],
            &[8, 4, 0, 2, 4, 5],
            &[65, 4, 0, 0, 0, 0],
            &[69, 4, 0, 2, 1, 1],
            &[69, 8, 0, 1, 1, 3, 0, 1, 2, 4],
            &[69, 4, 0, 1, 4, 2],
            &[200, 3, 1, 2, 3],
        ]));
        let expected = Capabilities {
            families: vec![Family::IPV6_UNICAST, Family::IPV4_LABELED_UNICAST],
            add_path: vec![
                (Family::IPV6_UNICAST, AddPath::Receive),
                (Family::IPV4_LABELED_UNICAST, AddPath::Send),
            ],
            multiple_labels: vec![(Family::IPV4_LABELED_UNICAST, 3)],
            four_octet_as: true,
        };
        assert_eq!(read, expected);
        let none = Capabilities {
            families: vec![Family::IPV4_UNICAST],
            add_path: vec![],
            multiple_labels: vec![],
            four_octet_as: false,
        };
        for nothing in [&[][..], &[0xff; 19], &[0xff; 28], &open_with(&[0]), &open_with(&[9, 1])] {
            assert_eq!(Capabilities::read(nothing), none, "{nothing:02x?}");
        }
        // A malformed one before it does not count.
        let second = open(&[&[8, 3, 0, 1, 4], &[8, 4, 0, 2, 4, 5]]);
        let expected = [(Family::IPV6_LABELED_UNICAST, 5)];
        assert_eq!(Capabilities::read(&second).multiple_labels, expected);
    }

    #[test]
    fn other_parameters_and_what_is_cut_off_are_skipped() {
        let cases = [
            // Authentication, then capabilities; two parameters; the first one with a capability that is cut off.
            ("0c0102000002064104 0000fde9", true),
            ("0a 0202020002 04 41020000", false),
            ("0e02044104000002064104 0000fde9", true),
            // Extended lengths (RFC 9072), and with a parameter that is cut off.
            ("ffff0009 02 0006 4104 0000fde9", true),
            ("ffff000c 02 0006 4104 0000fde9 02 0009", true),
            ("ffff0009 02 0007 4104 0000fde9", false),
            // An AS number that a neighbor of bmpd may not have.
            ("08 02 06 4104 00005ba0", true),
        ];
        for (digits, expected) in cases {
            let open = open_with(&bytes_of(&digits.replace(' ', "")));
            assert_eq!(Capabilities::read(&open).four_octet_as, expected, "{digits}");
        }
    }

    #[test]
    fn path_identifiers_follow_the_direction() {
        let families = [Family::IPV4_UNICAST, Family::IPV6_UNICAST];
        let add_path = |code: u8| open(&[&[69, 4, 0, 1, 1, code]]);
        // What the router announces and what its peer announces; In, Out, Loc-RIB.
        let cases = [
            (1, 2, [true, false, true]),
            (2, 1, [false, true, true]),
            (3, 3, [true, true, true]),
            (3, 2, [true, false, true]),
            (3, 1, [false, true, true]),
            (1, 1, [false, false, true]),
            (2, 2, [false, false, true]),
            (1, 0, [false, false, true]),
            (0, 2, [false, false, true]),
            (0, 0, [false, false, false]),
        ];
        for (sent, received, expected) in cases {
            let forms = RelayedForms::of(&add_path(sent), &add_path(received));
            let found = [IN, OUT, LOC].map(|view| forms.form(view, families[0]).add_path());
            assert_eq!(found, expected, "{sent} {received}");
            for view in [IN, OUT, LOC] {
                assert_eq!(forms.form(view, families[1]), Form::new(families[1], false));
            }
            assert_eq!(forms, RelayedForms::of(&add_path(sent), &add_path(received)));
        }
        let one = RelayedForms::of(&add_path(1), &add_path(2));
        assert_ne!(one, RelayedForms::of(&add_path(2), &add_path(1)));
        for (pre, post) in [(IN, View::AdjRibInPostPolicy), (View::AdjRibOutPrePolicy, OUT)] {
            assert_eq!(one.form(pre, families[0]), one.form(post, families[0]));
        }
    }

    #[test]
    fn stacks_of_labels_need_both_speakers_and_in_a_loc_rib_one() {
        let family = Family::VPNV4_UNICAST;
        let (with, without) = (open(&[&[8, 4, 0, 1, 128, 2]]), open(&[&[8, 4, 0, 1, 4, 2]]));
        let (one, stack) = (Form::new(family, false), Form::new(family, false).with_label_stack());
        let forms = |sent, received| {
            let forms = RelayedForms::of(sent, received);
            [IN, OUT, LOC].map(|view| forms.form(view, family))
        };
        assert_eq!(forms(&with, &with), [stack, stack, stack]);
        assert_eq!(forms(&with, &without), [one, one, stack]);
        assert_eq!(forms(&without, &with), [one, one, stack]);
        assert_eq!(forms(&without, &without), [one, one, one]);
    }

    #[test]
    fn the_families_of_both_are_in_the_order_of_reports() {
        let family = |afi: u8, safi: u8| [1, 4, 0, afi, 0, safi];
        let sent = open(&[&family(9, 9), &family(2, 1), &family(25, 70)]);
        let received = open(&[&family(1, 4), &family(2, 1), &family(3, 1)]);
        let forms = RelayedForms::of(&sent, &received);
        let expected = [
            Family::IPV6_UNICAST,
            Family::IPV4_LABELED_UNICAST,
            Family::L2VPN_EVPN,
            Family { afi: 3, safi: 1 },
            Family { afi: 9, safi: 9 },
        ];
        assert_eq!(forms.families(), expected);
        assert_eq!(forms, RelayedForms::of(&received, &sent));
    }

    proptest! {
        #[test]
        fn what_a_neighbor_may_send_is_read_as_in_a_session_of_ours(
            capabilities in prop::collection::vec(
                (prop_oneof![Just(1u8), Just(65), Just(69), any::<u8>()],
                 prop::collection::vec(any::<u8>(), 0..9)),
                0..12,
            ),
        ) {
            let capabilities: Vec<u8> = capabilities
                .iter()
                .flat_map(|(code, value)| [&[*code, value.len() as u8], &value[..]].concat())
                .collect();
            let message = open(&[&capabilities]);
            let read = Capabilities::read(&message);
            if let Ok(open) = Open::parse(&message[HEADER_LEN..]) {
                prop_assert_eq!(open.families, read.families);
                prop_assert_eq!(open.add_path, read.add_path);
                prop_assert_eq!(open.four_octet_as, read.four_octet_as);
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..120),
            others in prop::collection::vec(any::<u8>(), 0..120),
        ) {
            let _ = RelayedForms::of(&bytes, &others);
            let forms = RelayedForms::of(&open_with(&bytes), &open_with(&others));
            prop_assert!(!forms.families().is_empty());
            for family in forms.families() {
                prop_assert_eq!(forms.form(IN, *family).family(), *family);
            }
        }
    }
}
