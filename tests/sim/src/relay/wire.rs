//! BMP between a router, bmpd and a station (RFC 7854, 8671, 9069), written for the simulator alone: what a router sends,
//! and what a station can read of it.

use tests::bgp::Family;

use crate::route::Said;

/// The length of the per-peer header, and of what comes before it.
const PEER: usize = 42;
const COMMON: usize = 6;

const V: u8 = 0x80;
const L: u8 = 0x40;
const A: u8 = 0x20;
const O: u8 = 0x10;
const F: u8 = 0x80;

/// The peer type of a Loc-RIB.
pub const LOC_RIB: u8 = 3;

/// Types of messages.
pub mod kind {
    /// Route Monitoring.
    pub const ROUTES: u8 = 0;
    /// Statistics Report.
    pub const STATISTICS: u8 = 1;
    /// Peer Down.
    pub const PEER_DOWN: u8 = 2;
    /// Peer Up.
    pub const PEER_UP: u8 = 3;
    /// Initiation.
    pub const INITIATION: u8 = 4;
    /// Termination.
    pub const TERMINATION: u8 = 5;
    /// Route Mirroring.
    pub const MIRRORING: u8 = 6;
    /// A type that nobody knows.
    pub const UNKNOWN: u8 = 77;
}

/// A table of a peer, as the flags of the per-peer header name it.
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

    /// The flags.
    pub fn flags(self) -> u8 {
        match self {
            View::In { post } => {
                if post {
                    L
                } else {
                    0
                }
            }
            View::Out { post } => O | if post { L } else { 0 },
            View::Loc { filtered } => {
                if filtered {
                    F
                } else {
                    0
                }
            }
        }
    }

    fn of(peer_type: u8, flags: u8) -> Self {
        match peer_type {
            LOC_RIB => View::Loc { filtered: flags & F != 0 },
            _ if flags & O != 0 => View::Out { post: flags & L != 0 },
            _ => View::In { post: flags & L != 0 },
        }
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

/// What distinguishes a peer from the others of its router: type, distinguisher, V flag and address, and of a Loc-RIB
/// the BGP Identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// The peer type.
    pub peer_type: u8,
    /// The distinguisher.
    pub distinguisher: [u8; 8],
    v6: bool,
    address: [u8; 16],
    bgp_id: [u8; 4],
}

/// Seconds and microseconds.
pub type Time = (u32, u32);

/// A per-peer header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Peer {
    /// Who.
    pub identity: Identity,
    /// The AS number and the BGP Identifier.
    pub other: [u8; 8],
    /// The A flag.
    pub two_octet_as: bool,
    /// Which table.
    pub view: View,
    /// When.
    pub time: Time,
}

impl Peer {
    /// One of those that every router has.
    pub fn template(number: usize) -> Self {
        let mut address = [0; 16];
        let (peer_type, distinguisher, v6, id) = match number {
            0 => {
                address[12..].copy_from_slice(&[10, 9, 0, 1]);
                (0, [0; 8], false, 1)
            }
            1 => {
                address = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
                (0, [0; 8], true, 2)
            }
            // The same address in another instance.
            2 => {
                address[12..].copy_from_slice(&[10, 9, 0, 1]);
                (1, [0, 0, 0xfd, 0xe8, 0, 0, 0, 7], false, 3)
            }
            3 => (LOC_RIB, [0; 8], false, 9),
            4 => (LOC_RIB, [0, 0, 0xfd, 0xe8, 0, 0, 0, 7], false, 9),
            _ => {
                address[12..].copy_from_slice(&[10, 9, 0, 99]);
                (0, [0; 8], false, 99)
            }
        };
        let other = [0, 0, 0xfc, number as u8, 10, 9, 9, id];
        let [.., a, b, c, d] = other;
        let bgp_id = if peer_type == LOC_RIB { [a, b, c, d] } else { [0; 4] };
        let identity = Identity { peer_type, distinguisher, v6, address, bgp_id };
        let view = View::of(peer_type, 0);
        Self { identity, other, two_octet_as: false, view, time: (0, 0) }
    }

    /// True if it is a Loc-RIB.
    pub fn is_loc_rib(&self) -> bool {
        self.identity.peer_type == LOC_RIB
    }

    /// The same, but for the view and the time, and what a message may have of its own.
    pub fn is_of(&self, other: &Peer) -> bool {
        self.identity == other.identity && self.other == other.other
    }

    fn write(&self, reserved: u8) -> Vec<u8> {
        let Identity { peer_type, distinguisher, v6, address, .. } = self.identity;
        let flags = match peer_type {
            LOC_RIB => self.view.flags() | (reserved & 0x7f),
            _ => {
                let v = if v6 { V } else { 0 };
                let a = if self.two_octet_as { A } else { 0 };
                v | a | self.view.flags() | (reserved & 0x0f)
            }
        };
        let (seconds, micros) = self.time;
        let mut out = vec![peer_type, flags];
        out.extend_from_slice(&distinguisher);
        out.extend_from_slice(&address);
        out.extend_from_slice(&self.other);
        out.extend_from_slice(&seconds.to_be_bytes());
        out.extend_from_slice(&micros.to_be_bytes());
        out
    }

    /// Reads a header; reserved flags must be clear in what bmpd has written itself.
    fn read(bytes: &[u8], strict: bool) -> Result<Self, String> {
        let header: &[u8; PEER] =
            bytes.first_chunk().ok_or("a per-peer header that ends too early")?;
        let (peer_type, flags) = (header[0], header[1]);
        if peer_type > LOC_RIB {
            return Err(format!("a peer of type {peer_type}"));
        }
        let reserved = if peer_type == LOC_RIB { 0x7f } else { 0x0f };
        if strict && flags & reserved != 0 {
            return Err(format!("the flags {flags:#04x} of a peer of type {peer_type}"));
        }
        fn field<const N: usize>(header: &[u8; PEER], at: usize) -> [u8; N] {
            let mut field = [0; N];
            field.copy_from_slice(&header[at..at + N]);
            field
        }
        let is_loc_rib = peer_type == LOC_RIB;
        let identity = Identity {
            peer_type,
            distinguisher: field(header, 2),
            v6: !is_loc_rib && flags & V != 0,
            address: field(header, 10),
            bgp_id: if is_loc_rib { field(header, 30) } else { [0; 4] },
        };
        let time = (u32::from_be_bytes(field(header, 34)), u32::from_be_bytes(field(header, 38)));
        Ok(Self {
            identity,
            other: field(header, 26),
            two_octet_as: !is_loc_rib && flags & A != 0,
            view: View::of(peer_type, flags),
            time,
        })
    }
}

/// A whole message.
pub fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = (COMMON + body.len()) as u32;
    [&[3], &length.to_be_bytes()[..], &[kind], body].concat()
}

/// A message about a peer; `reserved` are flags that mean nothing.
pub fn of_peer(kind: u8, peer: &Peer, reserved: u8, rest: &[u8]) -> Vec<u8> {
    message(kind, &[&peer.write(reserved)[..], rest].concat())
}

/// A Route Monitoring message.
pub fn routes(peer: &Peer, reserved: u8, said: &Said) -> Vec<u8> {
    of_peer(kind::ROUTES, peer, reserved, &said.encode())
}

/// An End-of-RIB.
pub fn end_of_rib(peer: &Peer, family: Family) -> Vec<u8> {
    of_peer(kind::ROUTES, peer, 0, &tests::bgp::end_of_rib(family))
}

/// A TLV.
pub fn tlv(kind: u16, value: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &(value.len() as u16).to_be_bytes(), value].concat()
}

/// The TLVs of a block.
pub fn tlvs(mut block: &[u8]) -> Result<Vec<(u16, &[u8])>, String> {
    let mut all = Vec::new();
    while !block.is_empty() {
        let [a, b, c, d, ref rest @ ..] = *block else {
            return Err("a TLV that ends too early".to_owned());
        };
        let length = usize::from(u16::from_be_bytes([c, d]));
        let (value, rest) = rest.split_at_checked(length).ok_or("a TLV that ends too early")?;
        all.push((u16::from_be_bytes([a, b]), value));
        block = rest;
    }
    Ok(all)
}

/// One message, as a station reads it.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// Its type.
    pub kind: u8,
    /// All of it.
    pub whole: &'a [u8],
}

impl<'a> Message<'a> {
    /// The first one; `None` if it is not whole.
    pub fn first(bytes: &'a [u8]) -> Result<Option<Self>, String> {
        let Some(header) = bytes.first_chunk::<COMMON>() else { return Ok(None) };
        let [version, a, b, c, d, kind] = *header;
        if version != 3 {
            return Err(format!("BMP version {version}"));
        }
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if !(COMMON..=70_000).contains(&length) {
            return Err(format!("a message of {length} bytes"));
        }
        Ok(bytes.get(..length).map(|whole| Self { kind, whole }))
    }

    /// What follows the common header.
    pub fn body(&self) -> &'a [u8] {
        &self.whole[COMMON..]
    }

    /// The per-peer header, and what follows it. Of what bmpd has written itself it is `strict`.
    pub fn peer(&self, strict: bool) -> Result<(Peer, &'a [u8]), String> {
        let peer = Peer::read(self.body(), strict)?;
        Ok((peer, &self.body()[PEER..]))
    }

    /// The body of the UPDATE that is all there is behind the per-peer header.
    pub fn update(&self) -> Result<&'a [u8], String> {
        let mut rest =
            self.body().get(PEER..).ok_or("a Route Monitoring message without a peer")?;
        let update = tests::bgp::split_message(&mut rest)?;
        if update.kind != tests::bgp::kind::UPDATE || !rest.is_empty() {
            return Err("a Route Monitoring message that is not one UPDATE".to_owned());
        }
        Ok(update.body)
    }

    /// The same Route Mirroring message without the TLV that says that others before it were lost.
    pub fn without_loss(&self) -> Vec<u8> {
        let (head, rest) = self.whole.split_at((COMMON + PEER).min(self.whole.len()));
        let rest = rest.strip_prefix(&[0, 1, 0, 2, 0, 1][..]).unwrap_or(rest);
        message(self.kind, &[&head[COMMON.min(head.len())..], rest].concat())
    }
}
