//! Events as they happen, for a client that reads server-sent events (the HTML Standard, section 9.2).
//!
//! ```text
//!   Follower (a cursor in the history) ── one chunk, when the one before was written ──> hyper ──> client
//! ```
//!
//! A message is one line of `bmpctl monitor --json`; its id is the sequence number of the event, with which a client that connects
//! again continues (`Last-Event-ID`). At most one chunk is in memory for a client, and counts as unread bytes. One that is slow gets the
//! number of events that it has missed; one that takes nothing for a minute is closed (`TCP_USER_TIMEOUT`).

use std::convert::Infallible;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame};
use shared::document::Document;
use shared::event::{Event, EventKind};

use super::Counted;
use crate::events::{Batch, Follower};
use crate::places::HeldPlace;
use crate::unread::Unread;
use crate::world::Watching;

/// How many events a chunk has at most.
const BATCH: usize = 64;

/// How often a comment is sent while nothing happens, so that a lost connection is noticed, and proxies do not close it.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The first chunk: it says at once that this is a stream, and when to come again.
const HELLO: &str = ":bmpd\nretry: 2000\n\n";

/// The next chunk, and where the one after it comes from; `None` if there can be no more.
type Chunk = dyn Future<Output = Option<(Bytes, Source)>> + Send;

/// The body of an answer that continues until bmpd stops or the client closes.
pub(super) struct EventStream {
    /// `None` after the last chunk.
    next: Option<Pin<Box<Chunk>>>,
}

/// Where chunks come from.
pub(super) struct Source {
    pub(super) follower: Follower,
    pub(super) client: IpAddr,
    pub(super) unread: Unread<IpAddr>,
    pub(super) _place: HeldPlace<IpAddr>,
    pub(super) _watching: Watching,
    /// True once the last event was sent.
    pub(super) has_ended: bool,
}

impl EventStream {
    pub(super) fn new(source: Source) -> Self {
        let hello = (Bytes::from_static(HELLO.as_bytes()), source);
        Self { next: Some(Box::pin(std::future::ready(Some(hello)))) }
    }
}

impl Body for EventStream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(next) = &mut self.next else { return Poll::Ready(None) };
        let Poll::Ready(chunk) = next.as_mut().poll(context) else { return Poll::Pending };
        let Some((bytes, source)) = chunk else {
            self.next = None;
            return Poll::Ready(None);
        };
        self.next = Some(Box::pin(source.next()));
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}

impl Source {
    /// The next chunk; `None` if there can be no more.
    async fn next(mut self) -> Option<(Bytes, Self)> {
        if self.has_ended {
            return None;
        }
        self.unread.room(self.client).await;
        let text = self.text().await?;
        let held = self.unread.hold(self.client, text.len());
        Some((Bytes::from_owner(Counted { text: text.into(), _held: held }), self))
    }

    async fn text(&mut self) -> Option<String> {
        let silent = tokio::time::sleep(HEARTBEAT);
        let mut silent = std::pin::pin!(silent);
        loop {
            tokio::select! {
                is_there = self.follower.wait() => if !is_there { return None },
                () = &mut silent => return Some(":\n\n".to_owned()),
            }
            let is_stop = |event: &Arc<Event>| event.what == EventKind::Stopping;
            let goes_on =
                |events: &[_]| events.len() < BATCH && !events.last().is_some_and(is_stop);
            let batch = self.follower.read(goes_on);
            self.has_ended = batch.events.last().is_some_and(is_stop);
            let text = messages(&batch);
            if !text.is_empty() {
                return Some(text);
            }
        }
    }
}

/// A message for each event, and before them one that says how many are missing.
fn messages(batch: &Batch) -> String {
    let mut text = String::new();
    // Writing into memory does not fail. A document is one line, which ends with a line feed.
    if batch.lost > 0 {
        let _ = writeln!(text, "data: {}", Document::EventsLost { count: batch.lost }.to_line());
    }
    for event in &batch.events {
        let document = Document::event(event).to_line();
        let _ = writeln!(text, "id: {}\ndata: {document}", event.sequence);
    }
    text
}

#[cfg(test)]
mod tests {
    use shared::time::Timestamp;

    use super::*;

    #[test]
    fn each_event_is_a_message_whose_id_is_its_number() {
        let what = EventKind::Started { version: "1\n2".to_owned() };
        let event = Event { sequence: 7, at: Timestamp(0), what };
        let batch = Batch { events: vec![Arc::new(event)], lost: 2 };
        assert_eq!(
            messages(&batch),
            "data: {\"kind\":\"events-lost\",\"count\":2}\n\n\
             id: 7\ndata: {\"kind\":\"event\",\"sequence\":7,\"at\":\"1970-01-01T00:00:00.000Z\",\
             \"event\":\"started\",\"version\":\"1\\n2\"}\n\n"
        );
        assert_eq!(messages(&Batch::default()), "");
    }
}
