//! `monitor`: what happens, for as long as somebody watches.
//!
//! ```text
//!   Events (a ring) ── recv, or Lagged(n) ──> one frame ── as the reader takes it ──> bmpctl
//! ```
//!
//! A reader can stop reading for as long as it likes (a pager, a stopped process): what it misses meanwhile
//! is overwritten in the ring and counted, and one frame is all that waits for it here. It has its place
//! until it closes; there is a limit of places, which are not those of other commands.

use std::time::Duration;

use interprocess::local_socket::tokio::Stream;
use shared::event::{Event, Happening};
use shared::frame::{self, FrameError, Kind};
use shared::response::{HEARTBEAT, Response};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tracing::debug;

use super::stream;
use crate::daemon::{Watching, World};

/// How many events a frame carries at most.
const BATCH: usize = 256;

/// After the first event of a frame others have this long to join it: a reset of a thousand sessions need
/// not be three thousand frames.
const GATHER: Duration = Duration::from_millis(5);

/// Tells what happens until bmpd stops or the client closes.
pub(super) async fn run(
    stream: &Stream,
    world: &World,
    _place: Watching,
) -> Result<(), FrameError> {
    let mut events = world.events.subscribe();
    debug!(monitors = world.monitors(), "another one watches");
    let mut lost = 0;
    loop {
        let batch = tokio::select! {
            batch = next(&mut events, &mut lost) => batch,
            () = stream::closed(stream) => return Ok(()),
        };
        let Some(batch) = batch else { return Ok(()) };
        let stopping = batch.iter().any(|event| event.what == Happening::Stopping);
        let response = Response::Events { events: batch, lost: std::mem::take(&mut lost) };
        stream::send(stream, &frame::encode(Kind::Response, &response)?).await?;
        if stopping {
            return Ok(());
        }
    }
}

/// What has happened since, nothing if that was nothing for a while; `None` if nothing can happen any more.
/// What was lost before it is added to `lost`.
async fn next(events: &mut Receiver<Event>, lost: &mut u64) -> Option<Vec<Event>> {
    let mut batch = match tokio::time::timeout(HEARTBEAT, events.recv()).await {
        Ok(Ok(event)) => vec![event],
        Ok(Err(RecvError::Lagged(count))) => {
            *lost += count;
            Vec::new()
        }
        Ok(Err(RecvError::Closed)) => return None,
        Err(_) => return Some(Vec::new()),
    };
    tokio::time::sleep(GATHER).await;
    // A reload has many items, and after the news that bmpd stops there is none.
    let is_last =
        |event: &Event| matches!(event.what, Happening::Reload { .. } | Happening::Stopping);
    while batch.len() < BATCH && !batch.last().is_some_and(is_last) {
        match events.try_recv() {
            Ok(event) => batch.push(event),
            Err(TryRecvError::Lagged(count)) if batch.is_empty() => *lost += count,
            // The next frame begins with that.
            Err(TryRecvError::Lagged(_) | TryRecvError::Empty | TryRecvError::Closed) => break,
        }
    }
    Some(batch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Events;

    fn command(number: usize) -> Happening {
        let by = "root".to_owned();
        Happening::Command { by, command: number.to_string(), outcome: Ok(String::new()) }
    }

    fn number(event: &Event) -> usize {
        match &event.what {
            Happening::Command { command, .. } => command.parse().unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_reader_that_is_late_hears_how_many_it_lost_and_then_the_newest() {
        let events = Events::default();
        let mut reader = events.subscribe();
        let all = 10_000;
        for n in 0..all {
            events.tell(|| command(n));
        }
        let (mut heard, mut lost, mut frames) = (Vec::new(), 0, 0);
        while heard.last() != Some(&(all - 1)) {
            let batch = next(&mut reader, &mut lost).await.unwrap();
            assert!(batch.len() <= BATCH);
            heard.extend(batch.iter().map(number));
            frames += 1;
        }
        assert_eq!(lost as usize + heard.len(), all);
        assert!(heard.iter().copied().eq(all - heard.len()..all), "the newest, in their order");
        assert!(lost > 0 && frames < 100, "{lost} lost, {frames} frames");
    }

    #[tokio::test]
    async fn a_reader_hears_of_silence_too() {
        let events = Events::default();
        let mut reader = events.subscribe();
        assert_eq!(next(&mut reader, &mut 0).await, Some(Vec::new()));
        drop(events);
        assert_eq!(next(&mut reader, &mut 0).await, None);
    }
}
