//! A connection with one neighbor from its beginning to its end: bytes in, tables and an answer out.
//!
//! What the tasks of a link and its neighbor do with a socket and timers is left out: no timer expires,
//! and the neighbor's task accepts every request.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use shared::names::NeighborId;

use super::Station;
use crate::config::Monitor;
use crate::routers::{Epoch, Feed, Peer, PeerDown, Router, Routers, Sizes};
use crate::sources::bgp::fsm::{Action, End, Event, Fsm};
use crate::sources::bgp::inbox::Inbox;
use crate::wire::bgp::{self, MessageType};
use crate::wire::bmp::Timestamp;
use crate::wire::family::Family;
use crate::wire::nlri::Form;
use crate::wire::open::Open;

/// One connection, and the tables behind it.
pub struct Conversation {
    local: Open,
    router: Arc<Router>,
    peer: Arc<Peer>,
    fsm: Fsm,
    inbox: Inbox,
    epoch: Option<Arc<Epoch>>,
    sent: Vec<u8>,
    ended: Option<End>,
}

const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

impl Conversation {
    /// TCP is up, and our OPEN is sent.
    pub fn begin(local: Open) -> Self {
        let router = Arc::clone(Routers::new(Sizes::default()).ourselves());
        let peer = router.add(NeighborId { vpn_instance: None, address: ADDRESS });
        let fsm = Fsm::new(local.clone(), None, Duration::from_secs(240));
        let inbox = Inbox::new();
        let mut begun =
            Self { local, router, peer, fsm, inbox, epoch: None, sent: Vec::new(), ended: None };
        begun.on(Event::Start);
        begun
    }

    /// Takes bytes as one read brings them; what does not fit into the buffer comes with the next.
    pub fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.ended.is_none() {
            let room = self.inbox.room();
            let count = room.len().min(bytes.len());
            assert!(count > 0, "all whole messages were taken, and there is no room");
            let (now, later) = bytes.split_at(count);
            room[..count].copy_from_slice(now);
            self.inbox.fill(count);
            bytes = later;
            while self.ended.is_none() {
                let Self { inbox, fsm, local, epoch, .. } = self;
                let time = Timestamp::default();
                let taken = inbox.take(fsm, local.asn, epoch.as_deref(), time, u64::MAX);
                let Some(taken) = taken else { break };
                self.on(taken.event);
            }
        }
    }

    /// The neighbor closes.
    pub fn close(&mut self) {
        self.on(Event::TcpClosed("the neighbor closed the connection".to_owned()));
    }

    /// A station that has been sent nothing yet.
    pub fn station(&self) -> Station {
        Station(Feed::new(Arc::clone(&self.router), Monitor::default()))
    }

    /// All that was sent to the neighbor.
    pub fn sent(&self) -> &[u8] {
        &self.sent
    }

    /// Why the connection ended, once it has.
    pub fn ended(&self) -> Option<String> {
        self.ended.as_ref().map(End::to_string)
    }

    /// How many routes of each family there are; `None` unless the session is up.
    pub fn routes(&self) -> Option<Vec<(Family, usize)>> {
        let count =
            |rib: &mut crate::routers::Rib| rib.families().map(|(f, n, _)| (f, n)).collect();
        self.epoch.as_ref()?.maintain(count)
    }

    fn on(&mut self, event: Event) {
        let mut actions = VecDeque::from(self.fsm.on(event));
        while let Some(action) = actions.pop_front() {
            match action {
                Action::SendOpen => self.sent.extend_from_slice(&self.local.message()),
                Action::SendKeepalive => bgp::encode(&mut self.sent, MessageType::Keepalive, &[]),
                Action::Hold(_) | Action::Keepalive(_) => {}
                Action::Validate => actions.extend(self.fsm.on(Event::Confirmed)),
                Action::Establish => self.establish(),
                Action::End(end) => {
                    if let End::Sent(notification) = &end {
                        self.sent.extend_from_slice(&notification.message());
                    }
                    if let Some(epoch) = &self.epoch {
                        let time = Timestamp::default();
                        let down = PeerDown { time, reason: end.peer_down_reason() };
                        self.router.end(&self.peer, epoch, down);
                    }
                    self.ended = Some(end);
                }
            }
        }
    }

    fn establish(&mut self) {
        let known = self.inbox.received().zip(self.fsm.negotiated());
        let Some(((message, open), negotiated)) = known else { return };
        let sent_open = self.local.message();
        let (header, up) = super::said(ADDRESS, negotiated, open, sent_open, message.clone());
        let forms: Vec<Form> = negotiated.forms().collect();
        let epoch =
            self.router.begin(&self.peer, header, up, super::VIEW, &forms, Timestamp::default());
        self.epoch = Some(epoch);
    }
}

#[cfg(test)]
mod tests;
