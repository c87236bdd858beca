//! Feeds whose receiver acknowledges what it has got, later: a message bus.
//!
//! ```text
//!   fill ──> taken ── mark ──> awaited ── keep ──> acknowledged
//!              ^                   │
//!              └───── rewind ──────┘   nothing of both arrived, or nobody knows: all of it again
//! ```
//!
//! What the logs do for routes ([`super::super::log`]) is done here for the state of peers: a Peer Up that is not acknowledged may
//! or may not have arrived, so that after a rewind the peer begins again with a Peer Down; a Peer Down that is not acknowledged is
//! sent again. Only peers that have moved since are looked at.

use std::sync::Arc;

use super::{Ending, Feed, KnownPeer};
use crate::filter::Monitor;
use crate::moment::{Moment, bmp_timestamp};
use crate::routers::epoch::PeerDown;
use crate::routers::item::{Item, Sink};
use crate::routers::live::LivePosition;
use crate::routers::router::Router;
use crate::wire::bmp::{PeerDownReason, PeerHeader, View};

/// What is known of an item that was to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is to be sent.
    Owed,
    /// The sink has taken it.
    Taken,
    /// An acknowledgement of it is awaited.
    Marked,
    /// It was acknowledged.
    Acknowledged,
}

impl Standing {
    fn mark(&mut self) {
        if *self == Self::Taken {
            *self = Self::Marked;
        }
    }

    fn keep(&mut self) {
        if *self == Self::Marked {
            *self = Self::Acknowledged;
        }
    }
}

/// A Peer Down.
#[derive(Debug)]
pub(super) struct Down {
    pub(super) view: View,
    pub(super) down: PeerDown,
    pub(super) standing: Standing,
}

impl Down {
    pub(super) fn put(&self, header: &PeerHeader, sink: &mut impl Sink) {
        let Self { view, down: PeerDown { time, reason }, .. } = self;
        sink.put(header, Item::PeerDown { view: *view, time: *time, reason }, usize::MAX);
    }
}

/// What is to be sent again if it is not acknowledged, besides routes.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Peer Downs, in their order.
    downs: Vec<(PeerHeader, Down)>,
    /// Up to where messages that are only passed on are acknowledged, and up to where they will be.
    live: [Option<LivePosition>; 2],
    /// True if anything was taken since the last mark.
    pub(super) has_moved: bool,
}

impl Kept {
    pub(super) fn add(&mut self, header: PeerHeader, down: Down) {
        self.has_moved = true;
        self.downs.push((header, down));
    }

    /// A Peer Down of a peer that may be up for the receiver; one is enough.
    fn owe(&mut self, header: &PeerHeader, view: View) {
        if self.downs.iter().any(|(other, _)| other == header) {
            return;
        }
        let down = PeerDown { time: bmp_timestamp(), reason: PeerDownReason::Deconfigured };
        self.downs.push((header.clone(), Down { view, down, standing: Standing::Owed }));
    }
}

impl KnownPeer {
    /// The receiver may not have got its Peer Up, or is to begin again.
    fn give_up(&self, monitor: &Monitor, kept: &mut Kept) {
        self.leave();
        kept.owe(&self.epoch.header, super::sent_as(self.epoch.view, monitor));
    }
}

impl Feed {
    /// A feed of what `monitor` selects, whose receiver acknowledges what it has got.
    pub(crate) fn acknowledged(router: Arc<Router>, monitor: Monitor) -> Self {
        let mut feed = Self::with(router, monitor, Some(Kept::default()));
        feed.set_live([true; 2]);
        feed
    }

    /// Notes the position in what is only passed on: as acknowledged, as awaited.
    fn set_live(&mut self, which: [bool; 2]) {
        let Self { kept: Some(kept), live, .. } = self else { return };
        for (position, _) in kept.live.iter_mut().zip(which).filter(|(_, is_it)| *is_it) {
            position.clone_from(live);
        }
    }

    /// True if anything was taken since the last mark.
    pub(crate) fn has_moved(&self) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.has_moved)
    }

    /// Notes whether anything was taken.
    pub(super) fn note_moves(&mut self) {
        let Self { kept: Some(kept), places, live, .. } = self else { return };
        kept.has_moved |= places.iter().flat_map(|place| &place.known).any(|known| known.has_moved)
            || live.as_ref().map(LivePosition::next)
                != kept.live[1].as_ref().map(LivePosition::next);
    }

    /// What was taken so far is awaited.
    pub(crate) fn mark(&mut self) {
        self.set_live([false, true]);
        let Some(kept) = &mut self.kept else { return };
        kept.has_moved = false;
        kept.downs.iter_mut().for_each(|(_, down)| down.standing.mark());
        for known in self.places.iter_mut().filter_map(|place| place.known.as_mut()) {
            known.up.mark();
            if !std::mem::take(&mut known.has_moved) {
                continue;
            }
            known.is_marked = true;
            known.epoch.maintain(|rib| {
                for reader in &mut known.readers {
                    if let Some((_, log)) = rib.logs.get_mut(reader.log) {
                        log.mark(reader.id);
                    }
                    if reader.end_of_rib == Ending::Taken {
                        reader.end_of_rib = Ending::Marked;
                    }
                }
            });
        }
    }

    /// What was awaited is acknowledged.
    pub(crate) fn keep(&mut self, now: Moment) {
        let Some(kept) = &mut self.kept else { return };
        let [acknowledged, marked] = &mut kept.live;
        acknowledged.clone_from(marked);
        kept.downs.iter_mut().for_each(|(_, down)| down.standing.keep());
        kept.downs.retain(|(_, down)| down.standing != Standing::Acknowledged);
        for known in self.places.iter_mut().filter_map(|place| place.known.as_mut()) {
            known.up.keep();
            if !std::mem::take(&mut known.is_marked) {
                continue;
            }
            known.epoch.release_reader(|rib| {
                for reader in &mut known.readers {
                    if let Some((_, log)) = rib.logs.get_mut(reader.log) {
                        log.keep(reader.id, &mut rib.attributes);
                    }
                    if reader.end_of_rib == Ending::Marked {
                        reader.end_of_rib = Ending::Written(now);
                    }
                }
            });
        }
    }

    /// What was taken and is not acknowledged is sent again, in its latest state.
    pub(crate) fn rewind(&mut self) {
        let Some(kept) = &mut self.kept else { return };
        kept.has_moved = true;
        for (_, down) in &mut kept.downs {
            down.standing = Standing::Owed;
        }
        if self.live.is_some() {
            self.live.clone_from(&kept.live[0]);
            let [acknowledged, marked] = &mut kept.live;
            marked.clone_from(acknowledged);
        }
        for place in &mut self.places {
            let Some(known) = &mut place.known else { continue };
            if known.up != Standing::Acknowledged {
                known.give_up(&self.monitor, kept);
                place.accounted = place.accounted.saturating_sub(1);
                place.known = None;
                continue;
            }
            known.is_marked = false;
            known.has_moved = true;
            known.seen = 0;
            known.epoch.maintain(|rib| {
                for reader in &mut known.readers {
                    let has_end_of_rib = matches!(reader.end_of_rib, Ending::Written(_));
                    if let Some((_, log)) = rib.logs.get_mut(reader.log) {
                        log.rewind(reader.id, has_end_of_rib);
                    }
                    if !has_end_of_rib {
                        reader.end_of_rib = Ending::NotYet;
                    }
                }
            });
        }
    }

    /// Everything is sent from the beginning again, to a receiver for which any peer may be up: Peer Downs first
    /// ([`Feed::send_downs`]).
    pub(crate) fn begin_anew(&mut self) {
        let Some(kept) = &mut self.kept else { return };
        kept.has_moved = true;
        for (_, down) in &mut kept.downs {
            down.standing = Standing::Owed;
        }
        for place in &mut self.places {
            if let Some(known) = place.known.take() {
                known.give_up(&self.monitor, kept);
                place.accounted = place.accounted.saturating_sub(1);
            }
        }
        if let Some(presence) = self.router.presence().filter(|now| now.number != self.presence) {
            // The router had left and is back: its peers are others.
            self.presence = presence.number;
            self.places.clear();
            self.known = Arc::default();
            self.refresh_neighbors(true);
        }
        // What is only passed on was lost, or not; it is not sent twice.
        self.set_live([true; 2]);
    }

    /// Everything is sent again to a receiver that has it: each peer that is up begins with another Peer Up, and what was
    /// withdrawn meanwhile is withdrawn.
    pub(crate) fn begin_snapshot(&mut self) {
        for known in self.places.iter_mut().filter_map(|place| place.known.as_mut()) {
            known.repeats = true;
        }
    }

    /// Takes another selection of neighbors, if it is another one.
    pub(crate) fn set_neighbors(&mut self, monitor: &Monitor) {
        if self.monitor.neighbors != monitor.neighbors {
            self.set_monitor(monitor.clone());
        }
    }

    /// Sends the Peer Downs that are owed.
    pub(crate) fn send_downs(&mut self, sink: &mut impl Sink) {
        let Some(kept) = &mut self.kept else { return };
        let owed = kept.downs.iter_mut().filter(|(_, down)| down.standing == Standing::Owed);
        for (header, down) in owed {
            down.put(header, sink);
            down.standing = Standing::Taken;
            kept.has_moved = true;
        }
    }

    /// Peer Down for every peer that is up for the receiver, and for those for which it may be: the router is gone, or
    /// nothing of it is sent any more.
    pub(crate) fn end(&mut self, sink: &mut impl Sink) {
        self.begin_anew();
        self.send_downs(sink);
    }
}
