//! `monitor`: events, until the client disconnects.
//!
//! ```text
//!   Events (a ring) ── recv, or Lagged(n) ──> one frame ── as the reader takes it ──> bmpctl
//! ```
//!
//! A client can stop reading at any time (a pager, a stopped process): the events that it misses are overwritten in the
//! ring and counted, and one frame at most is queued for it here. It keeps its place until it closes, or is no longer
//! authorized; there is a limit of places, separate from those of other commands.

use std::time::Duration;

use interprocess::local_socket::tokio::Stream;
use shared::event::{Event, EventKind};
use shared::frame::{self, FrameError, Kind};
use shared::response::{Failure, HEARTBEAT, Response};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tracing::debug;

use super::stream::{self, Frames};
use crate::events::Events;
use crate::world::{Watching, World};

/// How many events a frame carries at most.
const BATCH: usize = 256;

/// How long further events may join the first one of a frame, so that a reset of a thousand sessions does not need
/// three thousand frames.
const GATHER: Duration = Duration::from_millis(5);

/// Sends events until bmpd stops, the client closes, or is no longer authorized.
pub(super) async fn run(
    stream: &Stream,
    world: &World,
    _place: Watching,
    revoked: impl Future<Output = Failure>,
) -> Result<(), FrameError> {
    let news = News::from(&world.events);
    debug!(monitors = world.monitors(), "another one watches");
    stream::run(stream, news, revoked).await
}

/// The unsent events of one client.
struct News {
    events: Receiver<Event>,
    /// How many were lost since the last frame.
    lost: u64,
    /// Those that did not fit into the last frame.
    kept: Vec<Event>,
    /// True once the last event was taken.
    ended: bool,
}

impl News {
    fn from(events: &Events) -> Self {
        Self { events: events.subscribe(), lost: 0, kept: Vec::new(), ended: false }
    }

    /// The events since the last call, none if there were none for a while, and how many were lost before them; `None`
    /// if there can be no more.
    async fn batch(&mut self) -> Option<(Vec<Event>, u64)> {
        let mut batch = match tokio::time::timeout(HEARTBEAT, self.events.recv()).await {
            Ok(Ok(event)) => vec![event],
            Ok(Err(RecvError::Lagged(count))) => {
                self.lost += count;
                Vec::new()
            }
            Ok(Err(RecvError::Closed)) => return None,
            Err(_) => return Some((Vec::new(), std::mem::take(&mut self.lost))),
        };
        let mut before = std::mem::take(&mut self.lost);
        tokio::time::sleep(GATHER).await;
        // A reload has many items, and none follows the event that bmpd stops.
        let is_last =
            |event: &Event| matches!(event.what, EventKind::Reload { .. } | EventKind::Stopping);
        while batch.len() < BATCH && !batch.last().is_some_and(is_last) {
            match self.events.try_recv() {
                Ok(event) => batch.push(event),
                Err(TryRecvError::Lagged(count)) if batch.is_empty() => before += count,
                // They follow these, and the ring reports the loss only once: the next frame starts with it.
                Err(TryRecvError::Lagged(count)) => {
                    self.lost += count;
                    break;
                }
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        Some((batch, before))
    }
}

impl Frames for News {
    /// `None` if there can be no more events, or bmpd stops. What is too long for one frame is split, and a single
    /// event that is too long counts as lost.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        let (mut events, mut lost) = match std::mem::take(&mut self.kept) {
            kept if !kept.is_empty() => (kept, 0),
            _ if self.ended => return Ok(None),
            _ => match self.batch().await {
                Some(batch) => batch,
                None => return Ok(None),
            },
        };
        self.ended |= events.last().is_some_and(|event| event.what == EventKind::Stopping);
        loop {
            let response = Response::Events { events, lost };
            events = match (frame::encode(Kind::Response, &response), response) {
                (Err(FrameError::TooLong(..)), Response::Events { events, .. }) => events,
                (encoded, _) => return encoded.map(Some),
            };
            if events.len() > 1 {
                let rest = events.split_off(events.len() / 2);
                self.kept.splice(0..0, rest);
            } else {
                events.clear();
                lost += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(number: usize) -> EventKind {
        let by = "root".to_owned();
        EventKind::Command { by, command: number.to_string(), outcome: Ok(String::new()) }
    }

    fn number(event: &Event) -> usize {
        match &event.what {
            EventKind::Command { command, .. } => command.parse().unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_late_reader_receives_how_many_it_lost_and_then_the_newest() {
        let events = Events::default();
        let mut reader = News::from(&events);
        let all = 10_000;
        for n in 0..all {
            events.publish(|| command(n));
        }
        let (mut received, mut lost, mut frames) = (Vec::new(), 0, 0);
        while received.last() != Some(&(all - 1)) {
            let (batch, more) = reader.batch().await.unwrap();
            assert!(batch.len() <= BATCH);
            received.extend(batch.iter().map(number));
            lost += more;
            frames += 1;
        }
        assert_eq!(lost as usize + received.len(), all);
        assert!(
            received.iter().copied().eq(all - received.len()..all),
            "the newest, in their order"
        );
        assert!(lost > 0 && frames < 100, "{lost} lost, {frames} frames");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_lost_while_a_frame_gathers_is_counted_in_the_next() {
        let events = Events::default();
        let mut reader = News::from(&events);
        events.publish(|| command(0));
        let many = async {
            tokio::time::sleep(GATHER / 2).await;
            (1..=5000).for_each(|n| events.publish(|| command(n)));
        };
        let (first, ()) = tokio::join!(reader.batch(), many);
        let (batch, lost) = first.unwrap();
        assert_eq!((batch.len(), lost), (1, 0));
        let (mut received, mut lost) = (1, 0);
        while received + lost < 5001 {
            let (batch, more) = reader.batch().await.unwrap();
            assert!(!batch.is_empty(), "{received} received, {lost} lost");
            (received, lost) = (received + batch.len() as u64, lost + more);
        }
        assert_eq!((received + lost, reader.lost), (5001, 0));
        assert!(lost > 0, "{received} received");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_too_much_for_a_frame_comes_in_several_and_one_that_is_alone_counts_as_lost() {
        let events = Events::default();
        let mut reader = News::from(&events);
        let mebibytes = [1, 5, 5, 5, 5, 5, 17, 1, 3];
        for (number, size) in mebibytes.into_iter().enumerate() {
            events.publish(|| EventKind::Command {
                by: "root".to_owned(),
                command: number.to_string(),
                outcome: Ok("x".repeat(size << 20)),
            });
        }
        events.publish(|| EventKind::Stopping);
        let mut received = Vec::new();
        while let Some(mut bytes) = reader.next().await.unwrap() {
            let (kind, body) = frame::take(&mut bytes).unwrap().unwrap();
            let Response::Events { events, lost } = frame::decode(kind, &body).unwrap() else {
                panic!("not events");
            };
            received.extend((0..lost).map(|_| "lost".to_owned()));
            received.extend(events.into_iter().map(|event| match event.what {
                EventKind::Command { command, .. } => command,
                EventKind::Stopping => "stopping".to_owned(),
                other => panic!("{other:?}"),
            }));
        }
        assert_eq!(received, ["0", "1", "2", "3", "4", "5", "lost", "7", "8", "stopping"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_receives_an_empty_batch_while_nothing_happens() {
        let events = Events::default();
        let mut reader = News::from(&events);
        assert_eq!(reader.batch().await, Some((Vec::new(), 0)));
        drop(events);
        assert_eq!(reader.batch().await, None);
    }
}
