//! OPEN and its capabilities (RFC 4271 section 4.2, RFC 5492), and what two OPENs agree on.

use std::net::Ipv4Addr;

use super::bgp::{self, MessageType, Notification};
use super::family::Family;
use super::reader::{Reader, Short};

/// AS_TRANS, which stands for a number that does not fit into two octets (RFC 6793).
pub const AS_TRANS: u16 = 23456;

const CAPABILITIES: u8 = 2;
const EXTENDED_LENGTH: u8 = 255;

const MULTIPROTOCOL: u8 = 1;
const ROUTE_REFRESH: u8 = 2;
const EXTENDED_MESSAGE: u8 = 6;
const GRACEFUL_RESTART: u8 = 64;
const FOUR_OCTET_AS: u8 = 65;

/// What an OPEN says, as far as bmpd needs it. The raw message is kept beside it for Peer Up.
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
    /// True if a Graceful Restart capability was announced: an End-of-RIB is to be expected (RFC 4724).
    pub graceful_restart: bool,
}

impl Open {
    /// The whole message that announces this.
    ///
    /// Our Graceful Restart capability has no families: it asks the neighbor for its End-of-RIB and
    /// promises nothing (RFC 4724 section 3).
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
        if self.graceful_restart {
            capability(GRACEFUL_RESTART, &[0, 0]);
        }
        if self.four_octet_as {
            capability(FOUR_OCTET_AS, &self.asn.to_be_bytes());
        }

        let mut body = vec![4];
        body.extend_from_slice(&u16::try_from(self.asn).unwrap_or(AS_TRANS).to_be_bytes());
        body.extend_from_slice(&self.hold_time.to_be_bytes());
        body.extend_from_slice(&self.bgp_id.octets());
        // A handful of capabilities: far from the 255 bytes of an optional parameter.
        body.extend_from_slice(&[
            capabilities.len() as u8 + 2,
            CAPABILITIES,
            capabilities.len() as u8,
        ]);
        body.extend_from_slice(&capabilities);
        let mut message = Vec::with_capacity(bgp::HEADER_LEN + body.len());
        bgp::encode(&mut message, MessageType::Open, &body);
        message
    }

    /// Reads the body of an OPEN (what follows the header).
    ///
    /// Judges what can be judged without the configuration; the error is the NOTIFICATION of RFC
    /// 4271 section 6.2. Unknown capabilities are passed over (RFC 5492).
    pub fn parse(body: &[u8]) -> Result<Open, Notification> {
        let mut reader = Reader::new(body, bgp::HEADER_LEN);
        Self::read(&mut reader).unwrap_or_else(|Short { .. }| Err(Notification::new(2, 0, &[])))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Result<Open, Notification>, Short> {
        let version = reader.u8()?;
        if version != 4 {
            return Ok(Err(Notification::new(2, 1, &[0, 4])));
        }
        let mut open = Open {
            asn: u32::from(reader.u16()?),
            hold_time: reader.u16()?,
            bgp_id: Ipv4Addr::from(reader.u32()?),
            families: Vec::new(),
            four_octet_as: false,
            extended_message: false,
            route_refresh: false,
            graceful_restart: false,
        };
        if matches!(open.hold_time, 1 | 2) {
            return Ok(Err(Notification::new(2, 6, &[])));
        }
        if open.bgp_id.is_unspecified() {
            return Ok(Err(Notification::new(2, 3, &[])));
        }

        // RFC 9072: a parameter length of 255 with a first type of 255 means two-octet lengths.
        let mut length = usize::from(reader.u8()?);
        let mut extended = false;
        if length != 0 {
            let mut ahead = *reader;
            if ahead.u8()? == EXTENDED_LENGTH {
                extended = true;
                length = usize::from(ahead.u16()?);
                *reader = ahead;
            }
        }
        let mut parameters = reader.sub(length)?;
        while !parameters.is_empty() {
            let kind = parameters.u8()?;
            let length = if extended {
                usize::from(parameters.u16()?)
            } else {
                usize::from(parameters.u8()?)
            };
            let mut value = parameters.sub(length)?;
            if kind != CAPABILITIES {
                return Ok(Err(Notification::new(2, 4, &[])));
            }
            while !value.is_empty() {
                let code = value.u8()?;
                let length = usize::from(value.u8()?);
                open.take_capability(code, value.sub(length)?);
            }
        }
        if open.families.is_empty() {
            open.families.push(Family::IPV4_UNICAST);
        }
        Ok(Ok(open))
    }

    /// Notes one capability; one of a wrong length is ignored like an unknown one.
    fn take_capability(&mut self, code: u8, mut value: Reader<'_>) {
        match (code, value.len()) {
            (MULTIPROTOCOL, 4) => {
                if let (Ok(afi), Ok([_, safi])) = (value.u16(), value.array::<2>()) {
                    let family = Family { afi, safi };
                    if !self.families.contains(&family) {
                        self.families.push(family);
                    }
                }
            }
            (ROUTE_REFRESH, 0) => self.route_refresh = true,
            (GRACEFUL_RESTART, 2..) => self.graceful_restart = true,
            (EXTENDED_MESSAGE, 0) => self.extended_message = true,
            (FOUR_OCTET_AS, 4) => {
                if let Ok(asn) = value.u32() {
                    self.asn = asn;
                    self.four_octet_as = true;
                }
            }
            _ => {}
        }
    }
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
}

impl Negotiated {
    /// Works out what holds between the two sides.
    pub fn between(local: &Open, remote: &Open) -> Negotiated {
        Negotiated {
            families: local
                .families
                .iter()
                .copied()
                .filter(|family| remote.families.contains(family))
                .collect(),
            hold_time: local.hold_time.min(remote.hold_time),
            four_octet_as: local.four_octet_as && remote.four_octet_as,
            extended_message: local.extended_message && remote.extended_message,
        }
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
            graceful_restart: true,
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
