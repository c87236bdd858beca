//! What has been read from one connection with a neighbor, and the messages in it.
//!
//! ```text
//!   socket ── bytes, cut anywhere ──> Inbox ── Event ──> Fsm
//!                                       └── UPDATEs, as many as came in a row ──> Epoch (tables)
//! ```
//!
//! Where the bytes are cut makes no difference. It holds one buffer, whatever the neighbor sends, and knows
//! neither clock nor socket.

use super::fsm::{Event, Fsm, State};
use super::turn;
use crate::rib::{Epoch, Rib};
use crate::supervise::fault;
use crate::wire::bgp::{self, Frame, MessageType, Notification};
use crate::wire::bmp::Timestamp;
use crate::wire::open::Open;
use crate::wire::update::{Context, Fault, Update};

/// The read buffer: the largest message and what comes with it.
const READ_BUFFER: usize = 256 * 1024;

/// The neighbor's OPEN: the whole message, and what it says.
pub(super) type Received = (Vec<u8>, Open);

/// What has been read and not yet taken.
pub(crate) struct Inbox {
    bytes: Box<[u8]>,
    /// Where the first message that was not taken begins.
    at: usize,
    filled: usize,
    received: Option<Received>,
    kept: Vec<u8>,
}

/// What came of a message, or of UPDATEs in a row.
pub(crate) struct Taken {
    /// What the state machine is to be told.
    pub(crate) event: Event,
    /// True if the tables were worked on: [`crate::rib::Tables::ring`] goes with it.
    pub(crate) routes: bool,
    /// How much was done for it, in entries of the tables.
    pub(crate) work: u64,
}

impl Taken {
    fn event(event: Event, bytes: usize) -> Self {
        Self { event, routes: false, work: turn::entries(bytes) }
    }
}

impl Inbox {
    /// Nothing was read.
    pub(crate) fn new() -> Self {
        Self {
            bytes: vec![0; READ_BUFFER].into_boxed_slice(),
            at: 0,
            filled: 0,
            received: None,
            kept: Vec::new(),
        }
    }

    /// Where the next bytes go: more than the rest of any message, once all whole ones were taken.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        self.bytes.copy_within(self.at..self.filled, 0);
        self.filled -= self.at;
        self.at = 0;
        &mut self.bytes[self.filled..]
    }

    /// So many bytes were put there.
    pub(crate) fn fill(&mut self, count: usize) {
        self.filled += count;
    }

    /// The neighbor's first OPEN.
    pub(crate) fn received(&self) -> Option<&Received> {
        self.received.as_ref()
    }

    /// Takes the next message, or UPDATEs in a row under one lock of the tables; `None` if none is whole.
    ///
    /// After about so much `work` the rest is left for another call, and so is an UPDATE before which much is to be done in
    /// the tables: a part of that is done instead.
    ///
    /// `local_as` tells whether the neighbor is an external one. `faulty` hears of UPDATEs that were treated
    /// as withdrawals.
    pub(crate) fn take(
        &mut self,
        fsm: &Fsm,
        local_as: u32,
        epoch: Option<&Epoch>,
        time: Timestamp,
        work: u64,
        faulty: impl FnMut(Fault),
    ) -> Option<Taken> {
        let negotiated = fsm.negotiated();
        let extended = negotiated.is_some_and(|negotiated| negotiated.extended_message);
        let frame = match Frame::find(&self.bytes[self.at..self.filled], extended) {
            Ok(frame) => frame?,
            Err(notification) => {
                return Some(Taken::event(Event::Bad(notification), bgp::HEADER_LEN));
            }
        };
        if let (MessageType::Update, State::Established) = (frame.kind, fsm.state()) {
            let Some((epoch, negotiated)) = epoch.zip(negotiated) else {
                let bytes = self.pass_over_updates(extended);
                return Some(Taken::event(Event::Update, bytes));
            };
            let external = self.received.as_ref().is_some_and(|(_, open)| open.asn != local_as);
            let context = Context { four_octet_as: negotiated.four_octet_as, external };
            return Some(self.take_updates(epoch, context, extended, time, work, faulty));
        }
        let message = &self.bytes[self.at..self.at + frame.len];
        let body = &message[bgp::HEADER_LEN..];
        let event = match frame.kind {
            MessageType::Open => match Open::parse(body) {
                Ok(open) => {
                    self.received.get_or_insert_with(|| (message.to_vec(), open.clone()));
                    Event::Open(open)
                }
                Err(notification) => Event::Bad(notification),
            },
            MessageType::Update => Event::Update,
            MessageType::Notification => Event::Notification(Notification::parse(body)),
            MessageType::Keepalive => Event::Keepalive,
            MessageType::RouteRefresh => Event::RouteRefresh,
        };
        self.at += frame.len;
        Some(Taken::event(event, frame.len))
    }

    /// Takes UPDATEs in a row into the tables.
    fn take_updates(
        &mut self,
        epoch: &Epoch,
        context: Context,
        extended: bool,
        time: Timestamp,
        work: u64,
        mut faulty: impl FnMut(Fault),
    ) -> Taken {
        let mut event = Event::Update;
        let Self { bytes, at, filled, kept, .. } = self;
        let begin = *at;
        let changed = epoch.change(|rib| {
            let before = rib.work();
            let done = |rib: &Rib, at| rib.work() - before + turn::entries(at - begin);
            while done(rib, *at) < work
                && let Ok(Some(Frame { kind: MessageType::Update, len })) =
                    Frame::find(&bytes[*at..*filled], extended)
            {
                fault("link.update");
                let body = &bytes[*at + bgp::HEADER_LEN..*at + len];
                let applied = Update::parse(body, context, kept).and_then(|update| {
                    let ready = rib.prepare(&update, time)?;
                    ready.then(|| rib.apply(&update, time)).transpose()
                });
                match applied {
                    // What was prepared is enough for this time.
                    Ok(None) => break,
                    Ok(Some(applied)) => applied.fault.into_iter().for_each(&mut faulty),
                    Err(notification) => event = Event::Bad(notification),
                }
                *at += len;
                if matches!(event, Event::Bad(_)) {
                    break;
                }
            }
            done(rib, *at)
        });
        let Some(work) = changed else {
            // The epoch has ended, and the order to close is on its way: until it comes the neighbor does
            // nothing wrong.
            return Taken::event(event, self.pass_over_updates(extended));
        };
        Taken { event, routes: true, work }
    }

    /// Drops UPDATEs in a row, whose tables are gone; returns how many bytes. The beginning of another message stays.
    fn pass_over_updates(&mut self, extended: bool) -> usize {
        let begin = self.at;
        while let Ok(Some(Frame { kind: MessageType::Update, len })) =
            Frame::find(&self.bytes[self.at..self.filled], extended)
        {
            self.at += len;
        }
        self.at - begin
    }
}
