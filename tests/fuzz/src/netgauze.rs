//! What netgauze reads in BGP messages, for a comparison with what bmpd does.

use std::collections::HashMap;

use bmpd::wire::family::Family;
use netgauze_bgp_pkt::BgpMessage;
use netgauze_bgp_pkt::capabilities::BgpCapability;
use netgauze_bgp_pkt::open::BgpOpenMessage;
use netgauze_bgp_pkt::path_attribute::{MpReach, MpUnreach, PathAttributeValue};
use netgauze_bgp_pkt::update::BgpUpdateMessage;
use netgauze_bgp_pkt::wire::deserializer::BgpParsingContext;
use netgauze_iana::address_family::AddressType;
use netgauze_parse_utils::reader::SliceReader;
use netgauze_parse_utils::traits::ParseFromWithOneInput;

/// A BGP message, if netgauze accepts it.
pub(crate) fn read(message: &[u8], context: &mut BgpParsingContext) -> Option<BgpMessage> {
    let mut reader = SliceReader::new(message);
    let read = BgpMessage::parse(&mut reader, context).ok()?;
    reader.is_empty().then_some(read)
}

/// An OPEN, if netgauze accepts it.
pub(crate) fn open(message: &[u8]) -> Option<BgpOpenMessage> {
    match read(message, &mut BgpParsingContext::asn2_default())? {
        BgpMessage::Open(open) => Some(open),
        other => panic!("not an OPEN: {other:?}"),
    }
}

/// The families that an OPEN announces.
pub(crate) fn families(open: &BgpOpenMessage) -> Vec<Family> {
    let family = |capability: &&BgpCapability| match capability {
        BgpCapability::MultiProtocolExtensions(one) => {
            let kind = one.address_type();
            Some(Family {
                afi: kind.address_family().into(),
                safi: kind.subsequent_address_family().into(),
            })
        }
        _ => None,
    };
    open.capabilities().iter().filter_map(family).collect()
}

/// How netgauze is to read UPDATEs.
pub(crate) fn context(four_octet_as: bool, add_path: bool) -> BgpParsingContext {
    const ALL: [AddressType; 11] = [
        AddressType::Ipv4Unicast,
        AddressType::Ipv6Unicast,
        AddressType::Ipv4Multicast,
        AddressType::Ipv6Multicast,
        AddressType::Ipv4NlriMplsLabels,
        AddressType::Ipv6NlriMplsLabels,
        AddressType::Ipv4MplsLabeledVpn,
        AddressType::Ipv6MplsLabeledVpn,
        AddressType::L2VpnBgpEvpn,
        AddressType::BgpLs,
        AddressType::BgpLsVpn,
    ];
    let add_path: HashMap<_, _> = ALL.into_iter().map(|kind| (kind, add_path)).collect();
    BgpParsingContext::new(four_octet_as, HashMap::new(), add_path, true, true, true, true)
}

/// An UPDATE as netgauze reads it: what can be compared, as text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Said {
    /// The path attributes but the multiprotocol ones, in their order.
    pub(crate) path: Vec<String>,
    /// The routes of the IPv4 field; empty if there are none.
    pub(crate) plain: Vec<String>,
    /// MP_REACH_NLRI with next hop and routes.
    pub(crate) reach: Option<String>,
    /// True if it does not support the family of MP_REACH_NLRI or MP_UNREACH_NLRI, and passes bytes through.
    pub(crate) unknown: bool,
}

/// An UPDATE, if netgauze accepts it.
pub(crate) fn update(message: &[u8], context: &mut BgpParsingContext) -> Option<Said> {
    match read(message, context)? {
        BgpMessage::Update(update) => Some(said(&update)),
        other => panic!("not an UPDATE: {other:?}"),
    }
}

fn said(update: &BgpUpdateMessage) -> Said {
    let mut said = Said {
        plain: update.nlri().iter().map(|one| format!("{one:?}")).collect(),
        ..Said::default()
    };
    for attribute in update.path_attributes() {
        // As text: there are floating point numbers in link state, and NaN is not equal to itself.
        match attribute.value() {
            PathAttributeValue::MpReach(reach) => {
                said.unknown |= matches!(reach, MpReach::Unknown { .. });
                said.reach = Some(format!("{reach:?}"));
            }
            PathAttributeValue::MpUnreach(gone) => {
                said.unknown |= matches!(gone, MpUnreach::Unknown { .. });
            }
            _ => said.path.push(format!("{attribute:?}")),
        }
    }
    said
}
