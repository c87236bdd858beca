//! The per-peer header (RFC 7854 section 4.2, RFC 8671 section 4, RFC 9069 section 4), read and written.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::message::{flag, peer};
use crate::bgp::hex;

/// The length of the per-peer header.
pub const PEER_HEADER: usize = 42;

/// What names a monitored peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer {
    /// The peer's address.
    pub address: IpAddr,
    /// The peer type of the per-peer header.
    pub kind: u8,
    /// The peer distinguisher.
    pub distinguisher: u64,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            peer::GLOBAL => write!(f, "{}", self.address),
            kind => write!(f, "{} (type {kind}, {:016x})", self.address, self.distinguisher),
        }
    }
}

/// Who a peer of a router is: the address is not enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// The peer type.
    pub kind: u8,
    /// The distinguisher.
    pub distinguisher: u64,
    /// The address; of a Loc-RIB 0.0.0.0.
    pub address: IpAddr,
    /// The BGP identifier of a Loc-RIB.
    pub router_id: Option<Ipv4Addr>,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, distinguisher, address, router_id } = self;
        write!(f, "peer (type {kind}, {distinguisher:016x}, {address}")?;
        match router_id {
            Some(router_id) => write!(f, ", {router_id})"),
            None => f.write_str(")"),
        }
    }
}

/// A table of a peer, as the flags name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum View {
    /// Adj-RIB-In.
    In {
        /// True after policy.
        post: bool,
    },
    /// Adj-RIB-Out.
    Out {
        /// True after policy.
        post: bool,
    },
    /// Loc-RIB.
    Loc {
        /// The F flag.
        filtered: bool,
    },
}

impl View {
    /// Those of a peer that is no Loc-RIB.
    pub const OF_PEER: [View; 4] = [
        View::In { post: false },
        View::In { post: true },
        View::Out { post: false },
        View::Out { post: true },
    ];

    /// The flags that name it.
    pub fn flags(self) -> u8 {
        let (base, more, has_more) = match self {
            View::In { post } => (0, flag::POST_POLICY, post),
            View::Out { post } => (flag::ADJ_RIB_OUT, flag::POST_POLICY, post),
            View::Loc { filtered } => (0, flag::FILTERED, filtered),
        };
        if has_more { base | more } else { base }
    }

    /// As it is configured and shown.
    pub fn name(self) -> &'static str {
        match self {
            View::In { post: false } => "adj-rib-in-pre-policy",
            View::In { post: true } => "adj-rib-in-post-policy",
            View::Out { post: false } => "adj-rib-out-pre-policy",
            View::Out { post: true } => "adj-rib-out-post-policy",
            View::Loc { .. } => "loc-rib",
        }
    }
}

/// The per-peer header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PeerHeader {
    /// Type, distinguisher, address.
    pub peer: Peer,
    /// The flags as sent.
    pub flags: u8,
    /// The peer's AS number.
    pub asn: u32,
    /// The peer's BGP Identifier.
    pub router_id: Ipv4Addr,
    /// When it happened: since 1970; zero if unknown.
    pub time: Duration,
}

impl PeerHeader {
    /// The header as bytes, with the flags as they are.
    pub fn encode(&self) -> [u8; PEER_HEADER] {
        let mut out = [0; PEER_HEADER];
        out[..2].copy_from_slice(&[self.peer.kind, self.flags]);
        out[2..10].copy_from_slice(&self.peer.distinguisher.to_be_bytes());
        match self.peer.address {
            IpAddr::V4(v4) => out[22..26].copy_from_slice(&v4.octets()),
            IpAddr::V6(v6) => out[10..26].copy_from_slice(&v6.octets()),
        }
        out[26..30].copy_from_slice(&self.asn.to_be_bytes());
        out[30..34].copy_from_slice(&self.router_id.octets());
        out[34..38].copy_from_slice(&(self.time.as_secs() as u32).to_be_bytes());
        out[38..].copy_from_slice(&self.time.subsec_micros().to_be_bytes());
        out
    }

    /// Reads a header.
    ///
    /// # Errors
    /// A peer type that no RFC has, an address or a time that cannot be.
    pub fn parse(bytes: &[u8; PEER_HEADER]) -> Result<Self, String> {
        let u32_at = |at: usize| {
            u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let (kind, flags) = (bytes[0], bytes[1]);
        if kind > peer::LOC_RIB {
            return Err(format!("peer type {kind}"));
        }
        // The same bit is the F flag of a Loc-RIB.
        let is_ipv6 = kind != peer::LOC_RIB && flags & flag::IPV6 != 0;
        let address = address(&bytes[10..26], is_ipv6)
            .map_err(|before| format!("an IPv4 peer address with {before} before it"))?;
        let distinguisher = u64::from(u32_at(2)) << 32 | u64::from(u32_at(6));
        let micros = u32_at(38);
        if micros >= 1_000_000 {
            return Err(format!("{micros} microseconds in a timestamp"));
        }
        Ok(Self {
            peer: Peer { address, kind, distinguisher },
            flags,
            asn: u32_at(26),
            router_id: Ipv4Addr::from(u32_at(30)),
            time: Duration::new(u32_at(34).into(), micros * 1000),
        })
    }

    /// Whether the distinguisher fits the peer type.
    ///
    /// # Errors
    /// When it does not.
    pub fn validate(&self) -> Result<(), String> {
        match (self.peer.kind, self.peer.distinguisher) {
            (peer::GLOBAL, 1..) => Err("a global instance peer with a distinguisher".to_owned()),
            (peer::DISTINGUISHED, 0) => {
                Err("an RD instance peer without a distinguisher".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// The peer that it names.
    pub fn identity(&self) -> Identity {
        let Peer { kind, distinguisher, address } = self.peer;
        let router_id = self.is_loc_rib().then_some(self.router_id);
        Identity { kind, distinguisher, address, router_id }
    }

    /// True if it names the same peer, which is the same speaker.
    pub fn is_of(&self, other: &Self) -> bool {
        let speaker = |one: &Self| (one.identity(), one.asn, one.router_id);
        speaker(self) == speaker(other)
    }

    /// True if it is about a Loc-RIB.
    pub fn is_loc_rib(&self) -> bool {
        self.peer.kind == peer::LOC_RIB
    }

    /// The table that it names.
    pub fn view(&self) -> View {
        let has = |flag: u8| self.flags & flag != 0;
        match self.is_loc_rib() {
            true => View::Loc { filtered: has(flag::FILTERED) },
            false if has(flag::ADJ_RIB_OUT) => View::Out { post: has(flag::POST_POLICY) },
            false => View::In { post: has(flag::POST_POLICY) },
        }
    }

    /// The A flag, which a Loc-RIB does not have.
    pub fn has_two_octet_as(&self) -> bool {
        !self.is_loc_rib() && self.flags & flag::TWO_OCTET_AS != 0
    }

    /// The flags that mean nothing, to be ignored by those who read them.
    pub fn reserved_flags(&self) -> u8 {
        if self.is_loc_rib() { 0x7f } else { 0x0f }
    }

    /// The same with these flags as well.
    #[must_use]
    pub fn with(self, flags: u8) -> Self {
        Self { flags: self.flags | flags, ..self }
    }

    /// The same for another table of the peer.
    #[must_use]
    pub fn in_view(self, view: View) -> Self {
        let mask = match self.is_loc_rib() {
            true => flag::FILTERED,
            false => flag::ADJ_RIB_OUT | flag::POST_POLICY,
        };
        Self { flags: self.flags & !mask | view.flags(), ..self }
    }

    /// The same with or without the A flag.
    #[must_use]
    pub fn two_octet_as(self, has_it: bool) -> Self {
        let flag = if has_it { flag::TWO_OCTET_AS } else { 0 };
        Self { flags: self.flags & !flag::TWO_OCTET_AS | flag, ..self }
    }

    /// The same with another time since 1970.
    #[must_use]
    pub fn at(self, time: Duration) -> Self {
        Self { time, ..self }
    }
}

/// An address in a field of 16 bytes; the error is what stands before one of IPv4 and must be zero.
pub(super) fn address(field: &[u8], is_ipv6: bool) -> Result<IpAddr, String> {
    let field: [u8; 16] = field.try_into().map_err(|_| hex(field))?;
    match field {
        all if is_ipv6 => Ok(Ipv6Addr::from(all).into()),
        [before @ .., a, b, c, d] if before == [0; 12] => Ok(Ipv4Addr::new(a, b, c, d).into()),
        [before @ .., _, _, _, _] => Err(hex(&before)),
    }
}
