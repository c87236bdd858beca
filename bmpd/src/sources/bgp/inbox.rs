//! What has been read from one connection with a neighbor, and the messages in it.
//!
//! ```text
//!   socket ── bytes, cut anywhere ──> Inbox ── Event ──> Fsm
//!                                       └── UPDATEs, as many as came in a row ──> Epoch (tables)
//! ```
//!
//! Where the bytes are cut makes no difference. It holds one buffer, whatever the neighbor sends, and uses
//! neither clock nor socket.

use super::fsm::{Event, Fsm, State};
use super::{VIEW, refused};
use crate::routers::{Epoch, Refused, Rib};
use crate::sources::turn;
use crate::supervise::fault;
use crate::wire::bgp::{self, MessageType};
use crate::wire::bmp::Timestamp;
use crate::wire::frame::Frame;
use crate::wire::notification::Notification;
use crate::wire::open::Open;
use crate::wire::update::{Context, Fault, Update};

/// The read buffer: the largest message and what comes with it.
const READ_BUFFER: usize = 256 * 1024;

/// How many malformed UPDATEs are noted of those that are taken at once: the first ones, and the last.
const MALFORMED_MAX: usize = 20;

/// The neighbor's OPEN: the whole message, and its contents.
pub(super) type Received = (Vec<u8>, Open);

/// What has been read and not yet taken.
pub(crate) struct Inbox {
    bytes: Box<[u8]>,
    /// Where the first message that was not taken begins.
    at: usize,
    filled: usize,
    received: Option<Received>,
    kept: Vec<u8>,
    /// What was malformed in the UPDATEs that were taken last.
    malformed: Vec<Malformed>,
    /// The last of them from which attributes were discarded, and how many there were.
    discarded: Option<(u32, Malformed)>,
}

/// A malformed UPDATE, in the buffer.
#[derive(Debug)]
struct Malformed {
    at: usize,
    len: usize,
    outcome: Outcome,
}

/// How a malformed UPDATE was handled (RFC 7606 section 2).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Outcome {
    /// Its routes are withdrawn.
    #[error("an UPDATE was treated as a withdrawal: {0}")]
    TreatedAsWithdraw(Fault),
    /// The session ends.
    #[error("an UPDATE that cannot be read ends the session: {0}")]
    SessionEnded(Notification),
    /// Attributes were discarded, the first of them of this type.
    #[error("attributes of an UPDATE were discarded: attribute {0}")]
    AttributeDiscarded(u8),
}

/// The result of a message, or of UPDATEs in a row.
pub(crate) struct Taken {
    /// The event for the state machine.
    pub(crate) event: Event,
    /// True if the tables were worked on.
    pub(crate) routes: bool,
    /// True if stations are to be sent something: [`crate::routers::Router::notify`] goes with it.
    pub(crate) news: bool,
    /// How much work it was, in entries of the tables.
    pub(crate) work: u64,
}

impl Taken {
    fn event(event: Event, bytes: usize) -> Self {
        Self { event, routes: false, news: false, work: turn::entries(bytes) }
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
            malformed: Vec::new(),
            discarded: None,
        }
    }

    /// Where the next bytes go: more than the rest of any message, once all whole ones were taken.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        self.bytes.copy_within(self.at..self.filled, 0);
        self.filled -= self.at;
        self.at = 0;
        &mut self.bytes[self.filled..]
    }

    /// This many bytes were put there.
    pub(crate) fn fill(&mut self, count: usize) {
        self.filled += count;
    }

    /// The neighbor's first OPEN.
    pub(crate) fn received(&self) -> Option<&Received> {
        self.received.as_ref()
    }

    /// The malformed ones of the UPDATEs that were taken last, at most [`MALFORMED_MAX`], with their messages.
    pub(crate) fn malformed(&self) -> impl Iterator<Item = (&Outcome, &[u8])> {
        self.malformed.iter().map(|malformed| self.shown(malformed))
    }

    /// How many of the UPDATEs that were taken last had attributes that were discarded, and the last of these.
    pub(crate) fn discarded(&self) -> Option<(u32, &Outcome, &[u8])> {
        let (count, malformed) = self.discarded.as_ref()?;
        let (outcome, message) = self.shown(malformed);
        Some((*count, outcome, message))
    }

    fn shown<'a>(
        &'a self,
        Malformed { at, len, outcome }: &'a Malformed,
    ) -> (&'a Outcome, &'a [u8]) {
        (outcome, self.bytes.get(*at..*at + *len).unwrap_or_default())
    }

    /// Takes the next message, or UPDATEs in a row under one lock of the tables; `None` if none is whole.
    ///
    /// After about this much `work` the rest is left for another call, and so is an UPDATE before which much is to be
    /// done in the tables: a part of that is done instead.
    ///
    /// `local_as` determines whether the neighbor is external. [`Inbox::malformed`] and [`Inbox::discarded`]
    /// are about these UPDATEs until more is read or taken.
    pub(crate) fn take(
        &mut self,
        fsm: &Fsm,
        local_as: u32,
        epoch: Option<&Epoch>,
        time: Timestamp,
        work: u64,
    ) -> Option<Taken> {
        self.malformed.clear();
        self.discarded = None;
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
            return Some(self.take_updates(epoch, context, extended, time, work));
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
    ) -> Taken {
        let mut event = Event::Update;
        let Self { bytes, at, filled, kept, malformed, discarded, .. } = self;
        let begin = *at;
        let changed = epoch.change(|rib| {
            let (before, news) = (rib.work(), rib.news());
            let done = |rib: &Rib, at| rib.work() - before + turn::entries(at - begin);
            while done(rib, *at) < work
                && let Ok(Some(Frame { kind: MessageType::Update, len })) =
                    Frame::find(&bytes[*at..*filled], extended)
            {
                fault("link.update");
                let begun = *at;
                let body = &bytes[begun + bgp::HEADER_LEN..begun + len];
                let note = |outcome| Malformed { at: begun, len, outcome };
                let applied: Result<_, Refused> = (|| {
                    let update = Update::parse(body, context, kept)?;
                    let ready = rib.prepare(VIEW, &update, time)?;
                    ready.then(|| rib.apply(VIEW, &update, time)).transpose()
                })();
                // Enough was prepared for this call.
                if applied == Ok(None) {
                    break;
                }
                *at += len;
                match applied {
                    Ok(applied) => {
                        let applied = applied.unwrap_or_default();
                        if let Some(fault) = applied.fault {
                            keep(malformed, note(Outcome::TreatedAsWithdraw(fault)));
                        }
                        if let Some(code) = applied.discarded {
                            let count = discarded.as_ref().map_or(0, |(count, _)| *count);
                            *discarded = Some((count + 1, note(Outcome::AttributeDiscarded(code))));
                        }
                    }
                    Err(error) => {
                        let notification = refused::refused(&error);
                        if matches!(error, Refused::Malformed(_)) {
                            let outcome = Outcome::SessionEnded(notification.clone());
                            keep(malformed, note(outcome));
                        }
                        event = Event::Bad(notification);
                        break;
                    }
                }
            }
            (done(rib, *at), rib.news() != news)
        });
        let Some((work, news)) = changed else {
            // The epoch has ended, and the order to close is on its way: until it comes the neighbor does
            // nothing wrong.
            return Taken::event(event, self.pass_over_updates(extended));
        };
        Taken { event, routes: true, news, work }
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

/// Adds one, in the place of the last one if there are as many as is allowed.
fn keep(noted: &mut Vec<Malformed>, malformed: Malformed) {
    noted.truncate(MALFORMED_MAX - 1);
    noted.push(malformed);
}
