//! The daemon's core for benchmarks and fuzzers: UPDATEs in, buffers for stations out.
//!
//! It is the entry point of `tests/heart` and `tests/fuzz`, which must not depend on how the tables are
//! made: one neighbor that is up, or a whole connection with one, its tables, the interned attributes, and
//! what is still to be sent to stations. No sockets, no tasks, no clock. The daemon itself does not use it.
#![forbid(unsafe_code)]

mod conversation;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use shared::names::NeighborId;

use crate::config::Monitor;
use crate::routers::{Attributes, Epoch, Feed, Router, Routers, Sizes, TableId};
use crate::sinks::Encoder;
use crate::wire::bmp::{PeerHeader, PeerInstance, PeerUp, Timestamp, View};
use crate::wire::family::Family;
use crate::wire::nlri::Form;
use crate::wire::open::{Negotiated, Open};
use crate::wire::update::Update;

pub use self::conversation::Conversation;
pub use crate::routers::Refused;

/// What neighbors have sent.
const VIEW: View = View::AdjRibInPrePolicy;

/// The tables of one neighbor, which announces IPv4 and IPv6 unicast.
#[derive(Debug)]
pub struct Neighbor {
    router: Arc<Router>,
    epoch: Arc<Epoch>,
}

impl Neighbor {
    /// A neighbor that is up and has announced nothing.
    pub fn up() -> Self {
        let address = IpAddr::from([192, 0, 2, 2]);
        let router = Arc::clone(Routers::new(Sizes::default()).ourselves());
        let peer = router.add(NeighborId { vpn_instance: None, address });
        let bgp_id = Ipv4Addr::new(192, 0, 2, 2);
        let header = PeerHeader::new(PeerInstance::Global, address, 65001, bgp_id, false);
        let up = PeerUp {
            local_address: IpAddr::from([192, 0, 2, 1]).into(),
            local_port: 179,
            remote_port: 179,
            sent_open: vec![0xff; 29],
            received_open: vec![0xff; 29],
            information: Vec::new(),
        };
        let forms = [Family::IPV4_UNICAST, Family::IPV6_UNICAST].map(|f| Form::new(f, false));
        let epoch = router.begin(&peer, header, up, VIEW, &forms, Timestamp::default());
        Self { router, epoch }
    }

    /// A neighbor that has sent the second of these OPENs and got the first, and has announced nothing.
    pub fn between(local: &Open, remote: &Open) -> Self {
        let negotiated = Negotiated::between(local, remote);
        let address = IpAddr::from([192, 0, 2, 2]);
        let router = Arc::clone(Routers::new(Sizes::default()).ourselves());
        let peer = router.add(NeighborId { vpn_instance: None, address });
        let (header, up) = said(address, &negotiated, remote, local.message(), remote.message());
        let forms: Vec<Form> = negotiated.forms().collect();
        let epoch = router.begin(&peer, header, up, VIEW, &forms, Timestamp::default());
        Self { router, epoch }
    }

    /// Takes UPDATEs into the tables under one lock, as a BGP connection does with those of one read.
    pub fn take<'a>(
        &self,
        updates: impl IntoIterator<Item = &'a Update<'a>>,
    ) -> Result<(), Refused> {
        let taken = self.epoch.change(|rib| {
            updates
                .into_iter()
                .try_for_each(|update| rib.apply(VIEW, update, Timestamp::default()).map(drop))
        });
        self.router.notify();
        taken.unwrap_or(Ok(()))
    }

    /// It pauses: all routes are indexed.
    pub fn pause(&self) {
        self.work_off();
    }

    /// Works off the backlog: routes are indexed, segments compacted.
    pub fn work_off(&self) {
        self.epoch.maintain(|rib| rib.work_off_all());
    }

    /// It has sent its whole table and pauses: all routes are indexed, and each one at once from now on.
    pub fn index(&self) -> Result<(), Refused> {
        let indexed = self.epoch.change(|rib| {
            rib.work_off_all();
            let families: Vec<Family> = rib.forms().map(Form::family).collect();
            let now = Timestamp::default();
            families.into_iter().try_for_each(|family| {
                rib.end_of_rib(TableId { view: VIEW, family }, now).map(drop)
            })
        });
        self.router.notify();
        Ok(indexed.unwrap_or(Ok(()))?)
    }

    /// A station that has been sent nothing yet. What it would need is kept until it is dropped.
    pub fn station(&self) -> Station {
        Station(Feed::new(Arc::clone(&self.router), Monitor::default()))
    }
}

/// The identity of a neighbor that sent this OPEN, and what stations are sent when it comes up.
fn said(
    address: IpAddr,
    negotiated: &Negotiated,
    open: &Open,
    sent_open: Vec<u8>,
    received_open: Vec<u8>,
) -> (PeerHeader, PeerUp) {
    let two_octet_as = !negotiated.four_octet_as;
    let header =
        PeerHeader::new(PeerInstance::Global, address, open.asn, open.bgp_id, two_octet_as);
    let up = PeerUp {
        local_address: IpAddr::from([192, 0, 2, 1]).into(),
        local_port: 179,
        remote_port: 179,
        sent_open,
        received_open,
        information: Vec::new(),
    };
    (header, up)
}

/// What one station has still to be sent.
#[derive(Debug)]
pub struct Station(Feed);

impl Station {
    /// Encodes the next messages into `out`, up to about `limit` bytes. Returns how many routes they
    /// announce and withdraw.
    pub fn fill(&mut self, out: &mut Vec<u8>, limit: usize) -> u64 {
        let mut encoder = Encoder { out: std::mem::take(out), ..Encoder::default() };
        encoder.fill(&mut self.0, limit);
        *out = encoder.out;
        encoder.batch.announced + encoder.batch.withdrawn
    }
}

/// Path attributes, each distinct set kept once.
#[derive(Debug, Default)]
pub struct Interner(Attributes);

impl Interner {
    /// Adds a reference to a set in its stored form ([`Update::store_plain`]); true if it is new and was stored.
    pub fn hold(&mut self, stored: &[u8]) -> bool {
        self.0.hold(stored).is_ok_and(|(_, new)| new)
    }
}
