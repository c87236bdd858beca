//! What a station of the simulator is sent of bmpd's own neighbors: no more than bmpd may send to it.

use std::net::{IpAddr, Ipv4Addr};

use tests::bmp::message::{self, kind, peer, tlv};

use crate::plan::{DESCRIPTION, NAME};

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

/// Reads a message.
///
/// # Errors
/// What bmpd must not send, or not to a station of the simulator.
pub fn read<'a>(message: &message::Message<'a>) -> Result<Message<'a>, String> {
    match message.kind {
        kind::INITIATION => return initiation(message.body()).map(Message::Initiation),
        kind::TERMINATION => {
            return message::read_termination(message.body()).map(Message::Termination);
        }
        _ => {}
    }
    let (peer, body) = peer(message)?;
    Ok(match message.kind {
        kind::ROUTE_MONITORING => Message::Routes(peer, message::read_monitoring(body)?),
        kind::STATISTICS => {
            let values = message::read_statistics(body)?;
            if let Some((kind, _)) = values.iter().find(|(kind, _)| *kind > 13) {
                return Err(format!("a statistic of type {kind}"));
            }
            Message::Statistics(peer, values)
        }
        kind::PEER_DOWN => Message::PeerDown(peer, message::read_peer_down(body)?.0),
        kind::PEER_UP => {
            let up = message::read_peer_up(body)?;
            if !up.information.is_empty() {
                return Err(format!("a Peer Up with the TLVs {:02x?}", up.information));
            }
            Message::PeerUp(peer, up.sent_open.whole, up.received_open.whole)
        }
        other => return Err(format!("a message of type {other}")),
    })
}

/// A header of the public instance, over IPv4, with four-octet AS numbers, before any policy; no distinguisher.
fn peer<'a>(message: &message::Message<'a>) -> Result<(Peer, &'a [u8]), String> {
    let (header, body) = message.peer()?;
    header.validate()?;
    if (header.peer.kind, header.flags) != (peer::GLOBAL, 0) || header.time.as_secs() == 0 {
        return Err(format!("the per-peer header {header:?}"));
    }
    let peer = Peer { address: header.peer.address, asn: header.asn, bgp_id: header.router_id };
    Ok((peer, body))
}

fn initiation(body: &[u8]) -> Result<Vec<&str>, String> {
    let (mut texts, mut mandatory) = (Vec::new(), Vec::new());
    for (kind, value) in message::split_tlvs(body)? {
        let text = std::str::from_utf8(value).map_err(|_| "an Initiation that is no text")?;
        match kind {
            tlv::STRING => texts.push(text),
            tlv::SYSTEM_DESCRIPTION | tlv::SYSTEM_NAME => mandatory.push((kind, text)),
            other => return Err(format!("an Initiation with a TLV of type {other}")),
        }
    }
    if mandatory != [(tlv::SYSTEM_DESCRIPTION, DESCRIPTION), (tlv::SYSTEM_NAME, NAME)] {
        return Err(format!("an Initiation with {mandatory:?}"));
    }
    Ok(texts)
}
