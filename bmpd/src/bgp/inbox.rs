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
use crate::rib::Epoch;
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
}

impl Taken {
    fn event(event: Event) -> Self {
        Self { event, routes: false }
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
    /// `local_as` tells whether the neighbor is an external one. `faulty` hears of UPDATEs that were treated
    /// as withdrawals.
    pub(crate) fn take(
        &mut self,
        fsm: &Fsm,
        local_as: u32,
        epoch: Option<&Epoch>,
        time: Timestamp,
        faulty: impl FnMut(Fault),
    ) -> Option<Taken> {
        let negotiated = fsm.negotiated();
        let extended = negotiated.is_some_and(|negotiated| negotiated.extended_message);
        let frame = match Frame::find(&self.bytes[self.at..self.filled], extended) {
            Ok(frame) => frame?,
            Err(notification) => {
                return Some(Taken::event(Event::Bad(notification)));
            }
        };
        if let (MessageType::Update, State::Established) = (frame.kind, fsm.state()) {
            let Some((epoch, negotiated)) = epoch.zip(negotiated) else {
                self.pass_over_updates(extended);
                return Some(Taken::event(Event::Update));
            };
            let external = self.received.as_ref().is_some_and(|(_, open)| open.asn != local_as);
            let context = Context { four_octet_as: negotiated.four_octet_as, external };
            return Some(self.take_updates(epoch, context, extended, time, faulty));
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
        Some(Taken::event(event))
    }

    /// Takes UPDATEs in a row into the tables.
    fn take_updates(
        &mut self,
        epoch: &Epoch,
        context: Context,
        extended: bool,
        time: Timestamp,
        mut faulty: impl FnMut(Fault),
    ) -> Taken {
        let mut event = Event::Update;
        let Self { bytes, at, filled, kept, .. } = self;
        let changed = epoch.change(|rib| {
            while let Ok(Some(Frame { kind: MessageType::Update, len })) =
                Frame::find(&bytes[*at..*filled], extended)
            {
                fault("link.update");
                let body = &bytes[*at + bgp::HEADER_LEN..*at + len];
                *at += len;
                let applied =
                    Update::parse(body, context, kept).and_then(|update| rib.apply(&update, time));
                match applied {
                    Ok(applied) => applied.fault.into_iter().for_each(&mut faulty),
                    Err(notification) => {
                        event = Event::Bad(notification);
                        break;
                    }
                }
            }
        });
        if changed.is_none() {
            // The epoch has ended, and the order to close is on its way: until it comes the neighbor does
            // nothing wrong.
            self.pass_over_updates(extended);
        }
        Taken { event, routes: changed.is_some() }
    }

    /// Takes UPDATEs in a row that nobody is to hear. The beginning of another message stays.
    fn pass_over_updates(&mut self, extended: bool) {
        while let Ok(Some(Frame { kind: MessageType::Update, len })) =
            Frame::find(&self.bytes[self.at..self.filled], extended)
        {
            self.at += len;
        }
    }
}
