//! What other people's decoders find in the messages that a station got: for a comparison of every
//! NLRI, byte for byte.

use std::collections::BTreeSet;

use netgauze_bgp_pkt::BgpMessage;
use netgauze_bgp_pkt::path_attribute::{MpReach, MpUnreach, PathAttributeValue};
use netgauze_bmp_pkt::v3::BmpMessageValue;
use netgauze_bmp_pkt::wire::deserializer::BmpParsingContext;
use netgauze_bmp_pkt::{BmpMessage, PeerKey};
use netgauze_iana::address_family::AddressType;
use netgauze_parse_utils::WritablePdu;
use netgauze_parse_utils::reader::SliceReader;
use netgauze_parse_utils::traits::ParseFromWithOneInput;
use tests::bgp::{Family, HEADER, Open, hex};
use tests::bmp::{Kind, Record};
use tests::nlri::{self, AddPaths, Seen};

/// What the tests' own reading finds. Of one peer.
pub(crate) fn ours(record: &Record) -> Seen {
    let mut seen = Seen::default();
    let add_paths = add_paths(record);
    for (_, update) in record.updates() {
        seen.add(&update, &add_paths).expect("NLRI");
    }
    seen
}

fn add_paths(record: &Record) -> AddPaths {
    let open = |bytes: &[u8]| Open::parse(&bytes[HEADER..]).expect("an OPEN");
    let up = record.peer_ups.last().expect("a Peer Up");
    nlri::add_paths(&open(&up.sent_open), &open(&up.received_open))
}

/// What netgauze reads in one message, which is all of its bytes.
#[track_caller]
pub(crate) fn parsed(kind: Kind, bytes: &[u8], context: &mut BmpParsingContext) -> BmpMessageValue {
    let mut reader = SliceReader::new(bytes);
    let message = BmpMessage::parse(&mut reader, context)
        .unwrap_or_else(|e| panic!("{kind:?}: {e}\n{}", hex(bytes)));
    assert!(reader.is_empty(), "{} bytes were left of a {kind:?}", reader.remaining());
    let BmpMessage::V3(value) = message else { panic!("not version 3") };
    value
}

/// What netgauze finds, and the families of which it knows nothing. Of one peer.
///
/// What was found out with 0.13:
/// - ADD-PATH has to be passed to it: it does not look at the OPENs of a Peer Up itself.
/// - It knows no flow specifications: they are "unknown", and their bytes with the next hop.
/// - It takes the prefixes of the multicast families for groups and refuses all that are not in 224/4
///   or ff00::/8: such messages are left out, and their families are among the unknown.
/// - A label stack has one label unless it is configured for more (RFC 8277's capability).
pub(crate) fn netgauze(record: &Record) -> (Seen, BTreeSet<Family>) {
    let mut context = BmpParsingContext::default();
    let (mut seen, mut unknown) = (Seen::default(), BTreeSet::new());
    let add_paths = add_paths(record);
    let mut updates = record.updates();
    for (kind, range) in &record.sequence {
        let bytes = &record.raw[range.clone()];
        if *kind == Kind::RouteMonitoring {
            let (_, update) = updates.next().expect("one of each message");
            let families = update.announced().map(|reach| reach.family);
            let mut families = families.chain(update.withdrawn().map(|gone| gone.family));
            if let Some(family) = families.find(|family| family.safi == 2) {
                unknown.insert(family);
                continue;
            }
        }
        match parsed(*kind, bytes, &mut context) {
            BmpMessageValue::PeerUpNotification(up) => {
                let peer = context.entry(PeerKey::from_peer_header(up.peer_header())).or_default();
                for family in &add_paths {
                    if let Some(kind) = address_type(*family) {
                        peer.add_path_mut().insert(kind, true);
                    }
                }
            }
            BmpMessageValue::RouteMonitoring(routes) => {
                let BgpMessage::Update(update) = routes.update_message() else {
                    panic!("not an UPDATE: {routes:?}");
                };
                add(&mut seen.announced, Family::IPV4, update.nlri());
                add(&mut seen.withdrawn, Family::IPV4, update.withdraw_routes());
                for attribute in update.path_attributes() {
                    match attribute.value() {
                        PathAttributeValue::MpReach(reach) => {
                            announced(reach, &mut seen, &mut unknown);
                        }
                        PathAttributeValue::MpUnreach(gone) => {
                            withdrawn(gone, &mut seen, &mut unknown);
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    (seen, unknown)
}

type Side = std::collections::BTreeMap<Family, BTreeSet<Vec<u8>>>;

fn add<E: std::fmt::Debug>(side: &mut Side, family: Family, nlri: &[impl WritablePdu<E>]) {
    for one in nlri {
        let mut bytes = Vec::new();
        one.write(&mut bytes).expect("netgauze writes what it read");
        side.entry(family).or_default().insert(bytes);
    }
}

fn family(afi: u16, safi: u8) -> Family {
    Family { afi, safi }
}

fn address_type(family: Family) -> Option<AddressType> {
    Some(match family {
        Family::IPV4 => AddressType::Ipv4Unicast,
        Family::IPV6 => AddressType::Ipv6Unicast,
        Family::IPV4_MULTICAST => AddressType::Ipv4Multicast,
        Family::IPV6_MULTICAST => AddressType::Ipv6Multicast,
        Family::IPV4_LABELED => AddressType::Ipv4NlriMplsLabels,
        Family::IPV6_LABELED => AddressType::Ipv6NlriMplsLabels,
        Family::VPNV4 => AddressType::Ipv4MplsLabeledVpn,
        Family::VPNV6 => AddressType::Ipv6MplsLabeledVpn,
        Family::EVPN => AddressType::L2VpnBgpEvpn,
        Family::LINK_STATE => AddressType::BgpLs,
        Family::LINK_STATE_VPN => AddressType::BgpLsVpn,
        _ => return None,
    })
}

fn announced(reach: &MpReach, seen: &mut Seen, unknown: &mut BTreeSet<Family>) {
    let side = &mut seen.announced;
    match reach {
        MpReach::Ipv4Unicast { nlri, .. } => add(side, Family::IPV4, nlri),
        MpReach::Ipv6Unicast { nlri, .. } => add(side, Family::IPV6, nlri),
        MpReach::Ipv4Multicast { nlri, .. } => add(side, Family::IPV4_MULTICAST, nlri),
        MpReach::Ipv6Multicast { nlri, .. } => add(side, Family::IPV6_MULTICAST, nlri),
        MpReach::Ipv4NlriMplsLabels { nlri, .. } => add(side, Family::IPV4_LABELED, nlri),
        MpReach::Ipv6NlriMplsLabels { nlri, .. } => add(side, Family::IPV6_LABELED, nlri),
        MpReach::Ipv4MplsVpnUnicast { nlri, .. } => add(side, Family::VPNV4, nlri),
        MpReach::Ipv6MplsVpnUnicast { nlri, .. } => add(side, Family::VPNV6, nlri),
        MpReach::L2Evpn { nlri, .. } => add(side, Family::EVPN, nlri),
        MpReach::BgpLs { nlri, .. } => add(side, Family::LINK_STATE, nlri),
        MpReach::BgpLsVpn { nlri, .. } => add(side, Family::LINK_STATE_VPN, nlri),
        MpReach::RouteTargetMembership { nlri, .. } => add(side, family(1, 132), nlri),
        MpReach::Unknown { afi, safi, .. } => {
            unknown.insert(family(*afi as u16, *safi as u8));
        }
    }
}

fn withdrawn(gone: &MpUnreach, seen: &mut Seen, unknown: &mut BTreeSet<Family>) {
    let side = &mut seen.withdrawn;
    match gone {
        MpUnreach::Ipv4Unicast { nlri } => add(side, Family::IPV4, nlri),
        MpUnreach::Ipv6Unicast { nlri } => add(side, Family::IPV6, nlri),
        MpUnreach::Ipv4Multicast { nlri } => add(side, Family::IPV4_MULTICAST, nlri),
        MpUnreach::Ipv6Multicast { nlri } => add(side, Family::IPV6_MULTICAST, nlri),
        MpUnreach::Ipv4NlriMplsLabels { nlri } => add(side, Family::IPV4_LABELED, nlri),
        MpUnreach::Ipv6NlriMplsLabels { nlri } => add(side, Family::IPV6_LABELED, nlri),
        MpUnreach::Ipv4MplsVpnUnicast { nlri } => add(side, Family::VPNV4, nlri),
        MpUnreach::Ipv6MplsVpnUnicast { nlri } => add(side, Family::VPNV6, nlri),
        MpUnreach::L2Evpn { nlri } => add(side, Family::EVPN, nlri),
        MpUnreach::BgpLs { nlri } => add(side, Family::LINK_STATE, nlri),
        MpUnreach::BgpLsVpn { nlri } => add(side, Family::LINK_STATE_VPN, nlri),
        MpUnreach::RouteTargetMembership { nlri } => add(side, family(1, 132), nlri),
        MpUnreach::Unknown { afi, safi, .. } => {
            unknown.insert(family(*afi as u16, *safi as u8));
        }
    }
}
