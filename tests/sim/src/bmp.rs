//! BMP as a station reads it (RFC 7854), written for the simulator alone: strict, and no more than bmpd may
//! send to it.

use std::net::{IpAddr, Ipv4Addr};

/// The longest message of bmpd.
const LONGEST: usize = 70_000;

/// The per-peer header (section 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The peer's address; all are of IPv4.
    pub address: IpAddr,
    /// Its AS number.
    pub asn: u32,
    /// Its BGP Identifier.
    pub bgp_id: Ipv4Addr,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message<'a> {
    /// Its free-form texts.
    Initiation(Vec<&'a str>),
    /// Its reason.
    Termination(u16),
    /// With both OPENs, headers included.
    PeerUp(Peer, &'a [u8], &'a [u8]),
    /// With the reason.
    PeerDown(Peer, u8),
    /// With the body of the UPDATE.
    Routes(Peer, &'a [u8]),
    /// Types and values.
    Statistics(Peer, Vec<(u16, &'a [u8])>),
}

impl Message<'_> {
    /// In a few words.
    pub fn summary(&self) -> String {
        match self {
            Message::Initiation(texts) => format!("Initiation {texts:?}"),
            Message::Termination(reason) => format!("Termination {reason}"),
            Message::PeerUp(peer, ..) => format!("Peer Up of {}", peer.address),
            Message::PeerDown(peer, reason) => format!("Peer Down {reason} of {}", peer.address),
            Message::Routes(peer, body) => format!("{} bytes of {}", body.len(), peer.address),
            Message::Statistics(peer, _) => format!("the statistics of {}", peer.address),
        }
    }
}

/// The first message and its length; `None` if it is incomplete.
pub fn first(bytes: &[u8]) -> Result<Option<(usize, Message<'_>)>, String> {
    let Some(header) = bytes.first_chunk::<6>() else {
        return Ok(None);
    };
    let [version, a, b, c, d, kind] = *header;
    if version != 3 {
        return Err(format!("BMP version {version}"));
    }
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    if !(6..=LONGEST).contains(&length) {
        return Err(format!("a message of {length} bytes"));
    }
    let Some(body) = bytes.get(6..length) else { return Ok(None) };
    let mut rest = Rest(body);
    let message = match kind {
        0 => Message::Routes(rest.peer()?, rest.bgp(2)?.split_at(19).1),
        1 => Message::Statistics(rest.peer()?, rest.statistics()?),
        2 => {
            let peer = rest.peer()?;
            let [reason] = rest.array()?;
            match reason {
                1 | 3 => drop(rest.bgp(3)?),
                2 => drop(rest.array::<2>()?),
                4 | 5 => {}
                other => return Err(format!("a Peer Down with reason {other}")),
            }
            Message::PeerDown(peer, reason)
        }
        3 => {
            let peer = rest.peer()?;
            rest.array::<20>()?;
            Message::PeerUp(peer, rest.bgp(1)?, rest.bgp(1)?)
        }
        4 => Message::Initiation(rest.initiation()?),
        5 => Message::Termination(rest.termination()?),
        other => return Err(format!("a message of type {other}")),
    };
    match rest.0.len() {
        0 => Ok(Some((length, message))),
        left => Err(format!("{left} bytes more than a message of type {kind} has")),
    }
}

/// The rest of a message.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (head, rest) = self.0.split_at_checked(count).ok_or("a message that ends too early")?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        self.take(N)?.try_into().map_err(|_| "a message that ends too early".to_owned())
    }

    fn tlv(&mut self) -> Result<Option<(u16, &'a [u8])>, String> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let kind = u16::from_be_bytes(self.array()?);
        let length = u16::from_be_bytes(self.array()?);
        Ok(Some((kind, self.take(length.into())?)))
    }

    fn peer(&mut self) -> Result<Peer, String> {
        let header: [u8; 42] = self.array()?;
        // Of the public instance, over IPv4, with four-octet AS numbers, before any policy; no distinguisher.
        if header[..22] != [0; 22] {
            return Err(format!("a per-peer header that begins with {:?}", &header[..22]));
        }
        let word = |at: usize| [header[at], header[at + 1], header[at + 2], header[at + 3]];
        let (seconds, micros) = (u32::from_be_bytes(word(34)), u32::from_be_bytes(word(38)));
        if seconds == 0 || micros >= 1_000_000 {
            return Err(format!("a timestamp of {seconds} s and {micros} microseconds"));
        }
        Ok(Peer {
            address: IpAddr::from(word(22)),
            asn: u32::from_be_bytes(word(26)),
            bgp_id: Ipv4Addr::from(word(30)),
        })
    }

    /// A whole BGP message of this type.
    fn bgp(&mut self, kind: u8) -> Result<&'a [u8], String> {
        let header = self.0.first_chunk::<19>().ok_or("a BGP message that ends too early")?;
        if header[..16] != [0xff; 16] || header[18] != kind {
            return Err(format!("not a BGP message of type {kind}"));
        }
        let length = usize::from(u16::from_be_bytes([header[16], header[17]]));
        if length < 19 {
            return Err("a BGP message shorter than its header".to_owned());
        }
        self.take(length)
    }

    fn statistics(&mut self) -> Result<Vec<(u16, &'a [u8])>, String> {
        let count = u32::from_be_bytes(self.array()?);
        let mut values = Vec::new();
        for _ in 0..count {
            values.push(self.tlv()?.ok_or("fewer statistics than were said")?);
        }
        for (kind, value) in &values {
            let length = match kind {
                0..=6 | 11..=13 => 4,
                7 | 8 => 8,
                9 | 10 => 11,
                _ => return Err(format!("a statistic of type {kind}")),
            };
            if value.len() != length {
                return Err(format!("a statistic of type {kind} of {} bytes", value.len()));
            }
        }
        Ok(values)
    }

    fn initiation(&mut self) -> Result<Vec<&'a str>, String> {
        let (mut texts, mut mandatory) = (Vec::new(), Vec::new());
        while let Some((kind, value)) = self.tlv()? {
            let text = std::str::from_utf8(value).map_err(|_| "an Initiation that is no text")?;
            match kind {
                0 => texts.push(text),
                1 | 2 => mandatory.push((kind, text)),
                other => return Err(format!("an Initiation with a TLV of type {other}")),
            }
        }
        if mandatory != [(1, crate::plan::DESCRIPTION), (2, crate::plan::NAME)] {
            return Err(format!("an Initiation with {mandatory:?}"));
        }
        Ok(texts)
    }

    fn termination(&mut self) -> Result<u16, String> {
        let mut reason = None;
        while let Some((kind, value)) = self.tlv()? {
            match (kind, value) {
                (0, _) => {}
                (1, &[high, low]) if reason.is_none() => {
                    reason = Some(u16::from_be_bytes([high, low]));
                }
                _ => return Err("a Termination that is none".to_owned()),
            }
        }
        reason.ok_or_else(|| "a Termination without a reason".to_owned())
    }
}
