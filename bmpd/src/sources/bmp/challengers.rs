//! Connections of a router whose TLS handshake or Initiation is awaited, beside the one that is up.
//!
//! Some at a time: who connects from the router's address and sends nothing must not keep the router out, whether it
//! comes before or after.

use std::collections::VecDeque;
use std::future::Future;

use tokio::task::{AbortHandle, JoinSet};

use super::Incoming;
use super::identify::Unidentified;

/// How many at once; of more the oldest is closed.
const MOST: usize = 8;

/// What came of one.
type Identified = Result<Incoming, Unidentified>;

/// Those that are awaited, numbered in the order in which they came.
#[derive(Default)]
pub(super) struct Challengers {
    tasks: JoinSet<(u64, Identified)>,
    awaited: VecDeque<(u64, AbortHandle)>,
    last: u64,
}

impl Challengers {
    /// A number for a connection: a higher one is a newer one.
    pub(super) fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Adds one.
    pub(super) fn add(&mut self, identified: impl Future<Output = Identified> + Send + 'static) {
        if self.awaited.len() >= MOST
            && let Some((_, oldest)) = self.awaited.pop_front()
        {
            oldest.abort();
        }
        let number = self.number();
        let task = self.tasks.spawn(async move { (number, identified.await) });
        self.awaited.push_back((number, task));
    }

    /// Closes those that came before the connection with this number.
    pub(super) fn end_before(&mut self, number: u64) {
        self.awaited.retain(|(other, task)| {
            let stays = *other >= number;
            if !stays {
                task.abort();
            }
            stays
        });
    }

    /// Closes all, also those that are complete and were not taken.
    pub(super) fn end(&mut self) {
        self.tasks = JoinSet::new();
        self.awaited.clear();
    }

    /// Waits for the next one of which something has come. Safe to be dropped while it waits.
    pub(super) async fn next(&mut self) -> (u64, Identified) {
        loop {
            match self.tasks.join_next().await {
                Some(Ok((number, identified))) => {
                    self.awaited.retain(|(other, _)| *other != number);
                    return (number, identified);
                }
                // One that was closed.
                Some(Err(_)) => {}
                None => std::future::pending().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn forever() -> Identified {
        std::future::pending().await
    }

    async fn at_once() -> Identified {
        Err(Unidentified::Closed)
    }

    #[tokio::test]
    async fn the_oldest_of_too_many_is_closed_and_the_others_are_awaited() {
        let mut challengers = Challengers::default();
        for _ in 0..3 * MOST {
            challengers.add(forever());
        }
        assert_eq!(challengers.awaited.len(), MOST);
        challengers.add(at_once());
        assert_eq!(challengers.next().await.0, 3 * MOST as u64 + 1);
        assert_eq!(challengers.awaited.len(), MOST - 1);
        challengers.end_before(3 * MOST as u64);
        assert_eq!(challengers.awaited.len(), 1);
        challengers.add(at_once());
        tokio::task::yield_now().await;
        challengers.end();
        assert_eq!(challengers.awaited.len(), 0);
        let next = tokio::time::timeout(std::time::Duration::from_millis(10), challengers.next());
        assert!(next.await.is_err(), "one that was complete is gone, too");
    }
}
