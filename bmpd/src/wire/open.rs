//! OPEN and its capabilities (RFC 4271 section 4.2, RFC 5492), and what two OPENs agree on.
//!
//! [`Open`] is that of a session of our own. Those that a monitored router reports are read by [`Capabilities`], which
//! refuses none.

mod capabilities;
mod describe;

use std::net::Ipv4Addr;

use super::bgp::{self, MessageType};
use super::family::Family;
use super::nlri::Form;
use super::notification::{Code, Notification};
use super::reader::{Reader, Short};

pub use capabilities::{Capabilities, RelayedForms};
pub use describe::describe;

/// AS_TRANS, which stands for a number that does not fit into two octets (RFC 6793).
pub const AS_TRANS: u16 = 23456;

const CAPABILITIES: u8 = 2;
const EXTENDED_LENGTH: u8 = 255;

const MULTIPROTOCOL: u8 = 1;
const ROUTE_REFRESH: u8 = 2;
const EXTENDED_MESSAGE: u8 = 6;
const MULTIPLE_LABELS: u8 = 8;
const GRACEFUL_RESTART: u8 = 64;
const FOUR_OCTET_AS: u8 = 65;
const ADD_PATH: u8 = 69;

/// How many families fit into one ADD-PATH capability.
const ADD_PATH_FAMILIES: usize = 63;

/// The flags of a Graceful Restart capability and those of its families (RFC 4724 section 3, RFC 8538
/// section 2).
const RESTARTING: u16 = 0x8000;
const NOTIFICATION: u16 = 0x4000;
const RESTART_TIME: u16 = 0x0fff;
const FORWARDING: u8 = 0x80;

/// What one side does with path identifiers in a family (RFC 7911 section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddPath {
    /// It can receive them.
    Receive,
    /// It would send them.
    Send,
    /// Both.
    Both,
}

impl AddPath {
    fn code(self) -> u8 {
        match self {
            AddPath::Receive => 1,
            AddPath::Send => 2,
            AddPath::Both => 3,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(AddPath::Receive),
            2 => Some(AddPath::Send),
            3 => Some(AddPath::Both),
            _ => None,
        }
    }

    fn receives(self) -> bool {
        matches!(self, AddPath::Receive | AddPath::Both)
    }

    fn sends(self) -> bool {
        matches!(self, AddPath::Send | AddPath::Both)
    }
}

/// The Graceful Restart capability (RFC 4724 section 3).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GracefulRestart {
    /// True if the speaker has restarted: do not wait for its End-of-RIB before sending it routes.
    pub restarting: bool,
    /// True if a NOTIFICATION or the hold timer begins a graceful restart too, if both sides announce
    /// it (the N bit, RFC 8538).
    pub notification: bool,
    /// How long a restart may take, 0 to 4095 s.
    pub time: u16,
    /// The families whose routes are to be kept while it restarts. True: its forwarding state was kept in
    /// the last restart.
    pub families: Vec<(Family, bool)>,
}

impl GracefulRestart {
    fn encode(&self) -> Vec<u8> {
        let mut head = self.time & RESTART_TIME;
        head |= if self.restarting { RESTARTING } else { 0 };
        head |= if self.notification { NOTIFICATION } else { 0 };
        let mut value = head.to_be_bytes().to_vec();
        for (Family { afi, safi }, forwarding) in &self.families {
            let [high, low] = afi.to_be_bytes();
            value.extend_from_slice(&[high, low, *safi, if *forwarding { FORWARDING } else { 0 }]);
        }
        value
    }

    fn read(mut value: Reader<'_>) -> Result<Self, Short> {
        let head = value.u16()?;
        let mut families = Vec::new();
        while !value.is_empty() {
            let family = Family { afi: value.u16()?, safi: value.u8()? };
            families.push((family, value.u8()? & FORWARDING != 0));
        }
        Ok(Self {
            restarting: head & RESTARTING != 0,
            notification: head & NOTIFICATION != 0,
            time: head & RESTART_TIME,
            families,
        })
    }
}

/// The contents of an OPEN, as far as bmpd needs them. The raw message is kept beside it for Peer Up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The AS number, from the 4-octet AS capability if there is one.
    pub asn: u32,
    /// The proposed hold time, s: 0 or at least 3.
    pub hold_time: u16,
    /// The BGP Identifier.
    pub bgp_id: Ipv4Addr,
    /// The families of the Multiprotocol capabilities; IPv4 unicast if there is none.
    pub families: Vec<Family>,
    /// True if 4-octet AS numbers were announced (RFC 6793).
    pub four_octet_as: bool,
    /// True if extended messages were announced (RFC 8654).
    pub extended_message: bool,
    /// True if route refresh was announced (RFC 2918).
    pub route_refresh: bool,
    /// The Graceful Restart capability: with one, an End-of-RIB is to be expected (RFC 4724).
    pub graceful_restart: Option<GracefulRestart>,
    /// What the side that announces this does with path identifiers, by family (RFC 7911): the entries of all
    /// its ADD-PATH capabilities.
    pub add_path: Vec<(Family, AddPath)>,
}

impl Open {
    /// The whole message that announces this.
    ///
    /// Our Graceful Restart capability has no families: it asks the neighbor for its End-of-RIB and
    /// promises nothing (RFC 4724 section 3).
    ///
    /// A capability's value has at most 255 bytes. ADD-PATH is written several times if it has more; Graceful
    /// Restart has at most 63 families.
    pub fn message(&self) -> Vec<u8> {
        let mut capabilities = Vec::new();
        let mut capability = |code: u8, value: &[u8]| {
            capabilities.extend_from_slice(&[code, value.len() as u8]);
            capabilities.extend_from_slice(value);
        };
        for family in &self.families {
            let [high, low] = family.afi.to_be_bytes();
            capability(MULTIPROTOCOL, &[high, low, 0, family.safi]);
        }
        if self.route_refresh {
            capability(ROUTE_REFRESH, &[]);
        }
        if self.extended_message {
            capability(EXTENDED_MESSAGE, &[]);
        }
        if let Some(graceful_restart) = &self.graceful_restart {
            capability(GRACEFUL_RESTART, &graceful_restart.encode());
        }
        if self.four_octet_as {
            capability(FOUR_OCTET_AS, &self.asn.to_be_bytes());
        }
        for families in self.add_path.chunks(ADD_PATH_FAMILIES) {
            let mut value = Vec::new();
            for (family, add_path) in families {
                let [high, low] = family.afi.to_be_bytes();
                value.extend_from_slice(&[high, low, family.safi, add_path.code()]);
            }
            capability(ADD_PATH, &value);
        }

        let mut body = vec![4];
        body.extend_from_slice(&u16::try_from(self.asn).unwrap_or(AS_TRANS).to_be_bytes());
        body.extend_from_slice(&self.hold_time.to_be_bytes());
        body.extend_from_slice(&self.bgp_id.octets());
        // The form that every neighbor understands as long as it will do, else that of RFC 9072.
        match u8::try_from(capabilities.len() + 2) {
            Ok(length) => body.extend_from_slice(&[length, CAPABILITIES, length - 2]),
            Err(_) => {
                let length = capabilities.len() as u16;
                body.extend_from_slice(&[255, EXTENDED_LENGTH]);
                body.extend_from_slice(&(length + 3).to_be_bytes());
                body.push(CAPABILITIES);
                body.extend_from_slice(&length.to_be_bytes());
            }
        }
        body.extend_from_slice(&capabilities);
        let mut message = Vec::with_capacity(bgp::HEADER_LEN + body.len());
        bgp::encode(&mut message, MessageType::Open, &body);
        message
    }

    /// Reads the body of an OPEN (what follows the header).
    ///
    /// Validates what can be validated without the configuration; the error is the NOTIFICATION of RFC
    /// 4271 section 6.2. Unknown capabilities are ignored (RFC 5492).
    pub fn parse(body: &[u8]) -> Result<Open, Notification> {
        let mut reader = Reader::new(body, bgp::HEADER_LEN);
        Self::read(&mut reader).unwrap_or_else(|Short { .. }| Err(Code::OpenUnspecific.into()))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Result<Open, Notification>, Short> {
        let version = reader.u8()?;
        if version != 4 {
            return Ok(Err(Notification::new(Code::UnsupportedVersionNumber, &[0, 4])));
        }
        let mut open = Open {
            asn: u32::from(reader.u16()?),
            hold_time: reader.u16()?,
            bgp_id: Ipv4Addr::from(reader.u32()?),
            families: Vec::new(),
            four_octet_as: false,
            extended_message: false,
            route_refresh: false,
            graceful_restart: None,
            add_path: Vec::new(),
        };
        // RFC 7607 section 2.
        if open.asn == 0 {
            return Ok(Err(Code::BadPeerAs.into()));
        }
        if matches!(open.hold_time, 1 | 2) {
            return Ok(Err(Code::UnacceptableHoldTime.into()));
        }
        if open.bgp_id.is_unspecified() {
            return Ok(Err(Code::BadBgpIdentifier.into()));
        }

        let mut parameters = Parameters::take(reader)?;
        while let Some((kind, mut value)) = parameters.next()? {
            if kind != CAPABILITIES {
                return Ok(Err(Code::UnsupportedOptionalParameter.into()));
            }
            while !value.is_empty() {
                let (code, value) = capability(&mut value)?;
                if let Err(notification) = open.take_capability(code, value) {
                    return Ok(Err(notification));
                }
            }
        }
        // Stations are sent the message as it came, and would find bytes there that nothing accounts for.
        if !reader.is_empty() {
            return Ok(Err(Code::OpenUnspecific.into()));
        }
        if open.families.is_empty() {
            open.families.push(Family::IPV4_UNICAST);
        }
        Ok(Ok(open))
    }

    /// Records one capability; one of a wrong length is ignored like an unknown one.
    ///
    /// Of capabilities that come more than once those with families add up (RFC 4760 section 8; RFC 7911
    /// section 4 asks for one ADD-PATH capability, and some speakers send one for each family). Of the others
    /// the last one counts.
    fn take_capability(&mut self, code: u8, mut value: Reader<'_>) -> Result<(), Notification> {
        match (code, value.len()) {
            (MULTIPROTOCOL, 4) => add_family(&mut self.families, value),
            (ROUTE_REFRESH, 0) => self.route_refresh = true,
            // The last one counts (RFC 4724 section 3).
            (GRACEFUL_RESTART, length) if length % 4 == 2 => {
                self.graceful_restart = GracefulRestart::read(value).ok();
            }
            (ADD_PATH, length) if length % 4 == 0 => {
                if let Some(add_path) = read_add_path(value) {
                    self.add_path.extend(add_path);
                }
            }
            (EXTENDED_MESSAGE, 0) => self.extended_message = true,
            (FOUR_OCTET_AS, 4) => {
                if let Ok(asn) = value.u32() {
                    // No AS has these numbers (RFC 7607 section 2, RFC 6793 section 9).
                    if asn == 0 || asn == u32::from(AS_TRANS) {
                        return Err(Code::BadPeerAs.into());
                    }
                    self.asn = asn;
                    self.four_octet_as = true;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// The optional parameters of an OPEN.
struct Parameters<'a> {
    rest: Reader<'a>,
    /// True if their lengths have two octets (RFC 9072).
    is_extended: bool,
}

impl<'a> Parameters<'a> {
    /// Takes them from their length on. RFC 9072: a length of 255 and a first type of 255 mean two-octet lengths.
    fn take(reader: &mut Reader<'a>) -> Result<Self, Short> {
        let mut length = usize::from(reader.u8()?);
        let mut is_extended = false;
        if length != 0 {
            let mut ahead = *reader;
            if ahead.u8()? == EXTENDED_LENGTH {
                is_extended = true;
                length = usize::from(ahead.u16()?);
                *reader = ahead;
            }
        }
        Ok(Self { rest: reader.sub(length)?, is_extended })
    }

    /// The type and the value of the next one.
    fn next(&mut self) -> Result<Option<(u8, Reader<'a>)>, Short> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let kind = self.rest.u8()?;
        let length = if self.is_extended {
            usize::from(self.rest.u16()?)
        } else {
            usize::from(self.rest.u8()?)
        };
        Ok(Some((kind, self.rest.sub(length)?)))
    }
}

/// Takes the code and the value of the next capability in a parameter.
fn capability<'a>(parameter: &mut Reader<'a>) -> Result<(u8, Reader<'a>), Short> {
    let code = parameter.u8()?;
    let length = usize::from(parameter.u8()?);
    Ok((code, parameter.sub(length)?))
}

/// Adds the family of a Multiprotocol capability (RFC 4760 section 8), once.
fn add_family(families: &mut Vec<Family>, mut value: Reader<'_>) {
    if let (Ok(afi), Ok([_, safi])) = (value.u16(), value.array::<2>()) {
        let family = Family { afi, safi };
        if !families.contains(&family) {
            families.push(family);
        }
    }
}

/// Reads an ADD-PATH capability; one with a value that is not known is ignored (RFC 7911 section 4).
fn read_add_path(mut value: Reader<'_>) -> Option<Vec<(Family, AddPath)>> {
    let mut add_path = Vec::new();
    while !value.is_empty() {
        let family = Family { afi: value.u16().ok()?, safi: value.u8().ok()? };
        add_path.push((family, AddPath::from_code(value.u8().ok()?)?));
    }
    Some(add_path)
}

/// What two OPENs agree on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Negotiated {
    /// Families that both announced, in our order.
    pub families: Vec<Family>,
    /// The hold time, s; 0 means that there is neither hold nor keepalive timer.
    pub hold_time: u16,
    /// True if AS numbers in AS_PATH have four octets.
    pub four_octet_as: bool,
    /// True if messages may have up to 65,535 bytes.
    pub extended_message: bool,
    /// Those of the families in which the routes that we receive have path identifiers: we announced
    /// to receive and the neighbor to send them (RFC 7911 section 4).
    pub add_path: Vec<Family>,
}

impl Negotiated {
    /// Computes what both sides agree on.
    pub fn between(local: &Open, remote: &Open) -> Negotiated {
        let families: Vec<Family> = local
            .families
            .iter()
            .copied()
            .filter(|family| remote.families.contains(family))
            .collect();
        let says = |open: &Open, family: &Family, what: fn(AddPath) -> bool| {
            open.add_path.iter().any(|(other, add_path)| other == family && what(*add_path))
        };
        Negotiated {
            add_path: families
                .iter()
                .copied()
                .filter(|family| {
                    says(local, family, AddPath::receives) && says(remote, family, AddPath::sends)
                })
                .collect(),
            families,
            hold_time: local.hold_time.min(remote.hold_time),
            four_octet_as: local.four_octet_as && remote.four_octet_as,
            extended_message: local.extended_message && remote.extended_message,
        }
    }

    /// How the routes of each family are written.
    pub fn forms(&self) -> impl Iterator<Item = Form> {
        self.families.iter().map(|family| Form::new(*family, self.add_path.contains(family)))
    }
}

/// The data of "Unsupported Capability" (RFC 5492 section 5): the capabilities that are missing.
pub fn missing_families(local: &Open) -> Vec<u8> {
    let mut data = Vec::new();
    for family in &local.families {
        let [high, low] = family.afi.to_be_bytes();
        data.extend_from_slice(&[MULTIPROTOCOL, 4, high, low, 0, family.safi]);
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::bytes_of;
    use proptest::prelude::*;

    fn ours() -> Open {
        Open {
            asn: 4_200_000_000,
            hold_time: 90,
            bgp_id: Ipv4Addr::new(192, 0, 2, 1),
            families: Family::DEFAULT.to_vec(),
            four_octet_as: true,
            extended_message: true,
            route_refresh: true,
            graceful_restart: Some(GracefulRestart::default()),
            add_path: Vec::new(),
        }
    }

    fn body(bytes: &[u8]) -> Vec<u8> {
        let mut body = vec![4, 0xfd, 0xe9, 0, 90, 192, 0, 2, 2];
        body.extend_from_slice(bytes);
        body
    }

    #[test]
    fn our_open_reads_back() {
        let message = ours().message();
        assert_eq!(Open::parse(&message[bgp::HEADER_LEN..]), Ok(ours()));
    }

    #[test]
    fn everything_that_an_open_can_say_reads_back_in_the_short_and_the_long_form() {
        let all = |some: &[Family]| some.iter().map(|family| (*family, AddPath::Receive)).collect();
        let long = Open {
            families: (1..=40).map(|afi| Family { afi, safi: 1 }).collect(),
            graceful_restart: Some(GracefulRestart {
                restarting: true,
                notification: true,
                time: 4095,
                families: Family::ALL.map(|family| (family, family.safi == 1)).to_vec(),
            }),
            // More than fit into one capability.
            add_path: (1..=100).map(|afi| (Family { afi, safi: 1 }, AddPath::Receive)).collect(),
            ..ours()
        };
        let bytes = long.message();
        assert_eq!(bytes[bgp::HEADER_LEN + 9..][..2], [255, 255], "RFC 9072");
        assert_eq!(Open::parse(&bytes[bgp::HEADER_LEN..]), Ok(long));

        let short = Open { families: Family::ALL.to_vec(), add_path: all(&Family::ALL), ..ours() };
        let bytes = short.message();
        assert_eq!(bytes[bgp::HEADER_LEN + 10], CAPABILITIES, "what bmpd says is never that long");
        assert_eq!(Open::parse(&bytes[bgp::HEADER_LEN..]), Ok(short));
    }

    #[test]
    fn capabilities_in_several_parameters_are_read() {
        let open =
            Open::parse(&body(&[16, 2, 6, 65, 4, 0, 1, 0, 0, 2, 6, 69, 4, 0, 1, 1, 2])).unwrap();
        assert_eq!(open.asn, 65536);
        assert_eq!(open.add_path, [(Family::IPV4_UNICAST, AddPath::Send)]);
    }

    #[test]
    fn capabilities_that_come_more_than_once_add_up_or_the_last_one_counts() {
        let digits = "04fde9005a0a01001320021e01040001000101040002000141040000fde94504000101034504000201\
                      03";
        let open = Open::parse(&bytes_of(digits)).unwrap();
        assert_eq!(open.families, Family::DEFAULT);
        assert_eq!(open.add_path, Family::DEFAULT.map(|family| (family, AddPath::Both)));
        let open = |capabilities: &[&[u8]]| {
            let capabilities = capabilities.concat();
            let length = capabilities.len() as u8;
            let parameter = [&[length + 2, CAPABILITIES, length], &capabilities[..]].concat();
            Open::parse(&body(&parameter)).unwrap()
        };
        // A malformed capability does not affect the others.
        let paths: [&[u8]; 3] = [&[69, 4, 0, 1, 1, 2], &[69, 4, 0, 2, 1, 9], &[69, 4, 0, 1, 4, 1]];
        let expected = [
            (Family::IPV4_UNICAST, AddPath::Send),
            (Family::IPV4_LABELED_UNICAST, AddPath::Receive),
        ];
        assert_eq!(open(&paths).add_path, expected);
        let families: [&[u8]; 3] = [&[1, 4, 0, 2, 0, 1], &[1, 4, 0, 1, 0, 1], &[1, 4, 0, 2, 0, 1]];
        assert_eq!(open(&families).families, [Family::IPV6_UNICAST, Family::IPV4_UNICAST]);
        let restarts: [&[u8]; 2] = [&[64, 6, 0, 120, 0, 1, 1, 0], &[64, 2, 0, 9]];
        let last = open(&restarts).graceful_restart.unwrap();
        assert_eq!((last.time, last.families), (9, vec![]));
        assert_eq!(open(&[&[65, 4, 0, 1, 0, 0], &[65, 4, 0, 1, 0, 1]]).asn, 65537);
        let flags: [&[u8]; 4] = [&[6, 0], &[2, 0], &[2, 0], &[6, 0]];
        let both = open(&flags);
        assert!(both.extended_message && both.route_refresh);
    }

    /// RFC 7607 section 2, RFC 6793 section 9.
    #[test]
    fn as_0_and_as_trans_are_no_as_of_a_neighbor() {
        let refused = [
            "040000005a0a010008080206010400010001",
            "045ba0005a0a0100090e020c010400010001410400000000",
            "045ba0005a0a0100090e020c01040001000141040000 5ba0",
            "040000005a0a0100090e020c0104000100014104000100 00",
            // The last one counts, but none may be wrong.
            "04fde9005a0a0100090e020c41040000000041040000fde9",
        ];
        for digits in refused {
            let error = Open::parse(&bytes_of(&digits.replace(' ', ""))).unwrap_err();
            assert_eq!((error.code, error.subcode), (2, 2), "{digits}");
        }
        // RFC 6793 has no rule for AS_TRANS of a speaker of two octets.
        assert_eq!(Open::parse(&bytes_of("045ba0005a0a01000900")).unwrap().asn, 23456);
    }

    #[test]
    fn path_identifiers_come_where_we_receive_and_the_neighbor_sends_them() {
        let local = Open {
            add_path: Family::DEFAULT.map(|family| (family, AddPath::Receive)).to_vec(),
            ..ours()
        };
        let remote = |v4, v6| Open {
            add_path: vec![(Family::IPV4_UNICAST, v4), (Family::IPV6_UNICAST, v6)],
            ..ours()
        };
        let agreed = |remote: &Open| Negotiated::between(&local, remote).add_path;
        assert_eq!(agreed(&remote(AddPath::Send, AddPath::Receive)), [Family::IPV4_UNICAST]);
        assert_eq!(agreed(&remote(AddPath::Both, AddPath::Send)), Family::DEFAULT);
        assert_eq!(agreed(&ours()), []);
        let only_v6 =
            Open { families: vec![Family::IPV6_UNICAST], ..remote(AddPath::Send, AddPath::Send) };
        assert_eq!(agreed(&only_v6), [Family::IPV6_UNICAST], "only families that both have");
        assert_eq!(
            Negotiated::between(&ours(), &remote(AddPath::Both, AddPath::Both)).add_path,
            []
        );
    }

    #[test]
    fn a_capability_that_is_not_well_formed_is_ignored() {
        let open = |capability: &[u8]| {
            let length = capability.len() as u8;
            Open::parse(&body(&[&[length + 2, CAPABILITIES, length], capability].concat())).unwrap()
        };
        assert_eq!(open(&[69, 4, 0, 1, 1, 4]).add_path, []);
        assert_eq!(open(&[69, 3, 0, 1, 1]).add_path, []);
        assert_eq!(open(&[64, 1, 0]).graceful_restart, None);
        assert_eq!(open(&[64, 5, 0, 120, 0, 1, 1]).graceful_restart, None);
        let restart = open(&[64, 6, 0x40, 120, 0, 1, 1, 0x80]).graceful_restart.unwrap();
        assert_eq!((restart.restarting, restart.notification, restart.time), (false, true, 120));
        assert_eq!(restart.families, [(Family::IPV4_UNICAST, true)]);
    }

    #[test]
    fn an_open_without_capabilities_means_ipv4_unicast_and_two_octets() {
        let open = Open::parse(&body(&[0])).unwrap();
        assert_eq!(open.asn, 65001);
        assert_eq!(open.families, [Family::IPV4_UNICAST]);
        assert!(!open.four_octet_as && !open.extended_message && !open.route_refresh);
    }

    #[test]
    fn extended_parameter_lengths_are_read() {
        let open = Open::parse(&body(&[255, 255, 0, 9, 2, 0, 6, 65, 4, 0, 1, 0, 0])).unwrap();
        assert_eq!(open.asn, 65536);
    }

    #[test]
    fn bad_opens_get_the_notification_of_rfc_4271_section_6_2() {
        let code = |bytes: &[u8]| {
            let error = Open::parse(bytes).unwrap_err();
            (error.code, error.subcode)
        };
        let mut version = body(&[0]);
        version[0] = 3;
        assert_eq!(code(&version), (2, 1));
        let mut hold = body(&[0]);
        hold[4] = 2;
        assert_eq!(code(&hold), (2, 6));
        let mut id = body(&[0]);
        id[5..9].fill(0);
        assert_eq!(code(&id), (2, 3));
        assert_eq!(code(&body(&[3, 1, 1, 0])), (2, 4));
        assert_eq!(code(&body(&[4, 2, 9, 1, 4])), (2, 0));
        assert_eq!(code(&[4, 0]), (2, 0));
        assert_eq!(code(&body(&[0, 2, 2, 2, 0])), (2, 0), "bytes behind the parameters");
    }

    #[test]
    fn both_sides_must_announce_what_holds() {
        let remote = Open {
            families: vec![Family { afi: 25, safi: 70 }, Family::IPV6_UNICAST],
            hold_time: 0,
            extended_message: false,
            ..ours()
        };
        let negotiated = Negotiated::between(&ours(), &remote);
        assert_eq!(negotiated.families, [Family::IPV6_UNICAST]);
        assert_eq!(negotiated.hold_time, 0);
        assert!(negotiated.four_octet_as && !negotiated.extended_message);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            let _ = Open::parse(&bytes);
            let _ = Open::parse(&body(&bytes));
        }
    }
}
