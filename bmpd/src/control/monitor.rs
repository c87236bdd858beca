//! `monitor`: events, until the client disconnects.
//!
//! ```text
//!   Events (the history) ── a cursor ──> one frame ── as the reader takes it ──> bmpctl
//! ```
//!
//! A client can stop reading at any time (a pager, a stopped process): what is no longer kept when it continues is counted,
//! and one frame at most is queued for it here. It keeps its place until it closes, or is no longer
//! authorized; there is a limit of places, separate from those of other commands.

use std::sync::Arc;
use std::time::Duration;

use interprocess::local_socket::tokio::Stream;
use shared::event::{Event, EventKind};
use shared::frame::{self, FrameError, Kind};
use shared::response::{Failure, HEARTBEAT, Response};
use tokio::time::Instant;
use tracing::debug;

use super::stream::{self, Frames};
use crate::events::{Batch, Follower};
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
    follower: Follower,
    _place: Watching,
    revoked: impl Future<Output = Failure>,
) -> Result<(), FrameError> {
    debug!(monitors = world.monitors(), "another one watches");
    stream::run(stream, News::of(follower), revoked).await
}

/// The unsent events of one client.
struct News {
    follower: Follower,
    /// True once the last event was taken.
    ended: bool,
}

impl News {
    fn of(follower: Follower) -> Self {
        Self { follower, ended: false }
    }

    /// The events since the last call, none if there were none for a while; `None` if there can be no more.
    async fn batch(&mut self) -> Option<Batch> {
        // A reload has many items, and none follows the event that bmpd stops.
        let is_last =
            |event: &Event| matches!(event.what, EventKind::Reload { .. } | EventKind::Stopping);
        let goes_on = |events: &[Arc<Event>]| {
            events.len() < BATCH && !events.last().is_some_and(|event| is_last(event))
        };
        let until = Instant::now() + HEARTBEAT;
        loop {
            match tokio::time::timeout_at(until, self.follower.wait()).await {
                Ok(true) => tokio::time::sleep(GATHER).await,
                Ok(false) => return None,
                Err(_) => return Some(Batch::default()),
            }
            // Those of others are passed over.
            let batch = self.follower.read(goes_on);
            if batch != Batch::default() {
                return Some(batch);
            }
        }
    }
}

impl Frames for News {
    /// `None` if there can be no more events, or bmpd stops. All of the history fits into a frame.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        if self.ended {
            return Ok(None);
        }
        let Some(Batch { events, lost }) = self.batch().await else { return Ok(None) };
        self.ended = events.last().is_some_and(|event| event.what == EventKind::Stopping);
        let events = events.into_iter().map(Arc::unwrap_or_clone).collect();
        frame::encode(Kind::Response, &Response::Events { events, lost }).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use shared::request::{About, WhichEvents};

    use super::*;
    use crate::events::Events;

    fn command(number: usize) -> EventKind {
        let by = "root".to_owned();
        EventKind::Command { by, command: number.to_string(), outcome: Ok(String::new()) }
    }

    fn number(event: &Arc<Event>) -> usize {
        match &event.what {
            EventKind::Command { command, .. } => command.parse().unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_late_reader_receives_how_many_it_lost_and_then_the_newest() {
        let events = Events::default();
        let mut reader = News::of(events.follow(WhichEvents::default()));
        let all = 10_000;
        for n in 0..all {
            events.publish(command(n));
        }
        let (mut received, mut lost, mut frames) = (Vec::new(), 0, 0);
        while received.last() != Some(&(all - 1)) {
            let batch = reader.batch().await.unwrap();
            assert!(batch.events.len() <= BATCH);
            received.extend(batch.events.iter().map(number));
            lost += batch.lost;
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
    async fn the_event_that_bmpd_stops_is_the_last_and_ends_the_frames() {
        let events = Events::default();
        let mut reader = News::of(events.follow(WhichEvents::default()));
        events.publish(EventKind::Stopping);
        events.publish(command(0));
        let mut bytes = reader.next().await.unwrap().unwrap();
        let (kind, body) = frame::take(&mut bytes).unwrap().unwrap();
        match frame::decode(kind, &body).unwrap() {
            Response::Events { events, lost: 0 } => {
                assert_eq!(events.len(), 1);
                assert_eq!(events[0].what, EventKind::Stopping);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(reader.next().await.unwrap(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_receives_an_empty_batch_while_nothing_happens() {
        let events = Events::default();
        let about = About::Publisher("lake".parse().unwrap());
        let mut reader = News::of(events.follow(WhichEvents { about, begin: None }));
        // Events that are not selected count as silence.
        events.publish(command(0));
        let begun = Instant::now();
        assert_eq!(reader.batch().await, Some(Batch::default()));
        assert_eq!(begun.elapsed(), HEARTBEAT);
        drop(events);
        assert_eq!(reader.batch().await, None);
    }
}
