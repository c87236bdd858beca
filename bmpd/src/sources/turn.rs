//! How long the link of a neighbor works before others have their turn.
//!
//! A neighbor that sends without end must not delay others, nor bmpctl, nor keepalives. So a link counts what it does:
//! bytes that it takes, and entries that the tables work on for it. A little of that it may do at once
//! ([`Sizes::little`]). For more it needs a place to work, of which there are as many as threads: of a hundred busy
//! neighbors only so many are ready to run at a time, and the others wait in the order in which they came. With a place
//! it works for a turn ([`Sizes::turn`]), and then waits for another place. A link with little to do waits for one turn
//! at most on each thread.
//!
//! What is counted is work, not time: a bound that a test can check.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::platform;
use crate::routers::Sizes;

/// This many bytes of messages count as one entry.
const BYTES: u64 = 16;

/// The places to work for busy links.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    free: Arc<Semaphore>,
    /// How much is done with a place, and without one.
    turn: u64,
    little: u64,
}

impl Places {
    /// As many as there are threads.
    pub(crate) fn new(sizes: &Sizes) -> Self {
        let threads = tokio::runtime::Handle::try_current()
            .map_or(1, |runtime| runtime.metrics().num_workers());
        Self::of(threads.max(1), sizes)
    }

    fn of(count: usize, sizes: &Sizes) -> Self {
        let Sizes { turn, little, .. } = *sizes;
        Self { free: Arc::new(Semaphore::new(count)), turn, little }
    }
}

/// The turn of one link.
#[derive(Debug)]
pub(super) struct Turn {
    places: Places,
    place: Option<OwnedSemaphorePermit>,
    /// True if it needed a place since there was last nothing to do.
    is_busy: bool,
    done: u64,
    /// True if sessions were woken in this turn, which work on what it has done.
    has_news: bool,
}

impl Turn {
    /// It has done nothing yet.
    pub(super) fn new(places: Places) -> Self {
        Self { places, place: None, is_busy: false, done: 0, has_news: false }
    }

    /// How much may still be done, in entries.
    pub(super) fn left(&self) -> u64 {
        self.allowed().saturating_sub(self.done)
    }

    fn allowed(&self) -> u64 {
        if self.has_place() { self.places.turn } else { self.places.little }
    }

    /// How many bytes may be read without a place.
    pub(super) fn little_bytes(&self) -> usize {
        (self.places.little * BYTES) as usize
    }

    /// True if it may do more than a little.
    pub(super) fn has_place(&self) -> bool {
        self.place.is_some()
    }

    /// True if it has a place and something is left of the turn.
    pub(super) fn goes_on(&self) -> bool {
        self.has_place() && self.left() > 0
    }

    /// Counts entries that were worked on.
    pub(super) fn count(&mut self, entries: u64) {
        platform::note_work(entries);
        self.done = self.done.saturating_add(entries);
    }

    /// There is something to do: returns when that can start.
    pub(super) async fn begin(&mut self) {
        if self.is_busy {
            self.take_place().await;
        }
    }

    /// There is much to do: returns when that can start.
    pub(super) async fn take_place(&mut self) {
        self.is_busy = true;
        if self.place.is_none() {
            // The places are never closed.
            self.place = Arc::clone(&self.places.free).acquire_owned().await.ok();
            // The one that is woken when a place is handed over would be the next on its thread, and so would the one
            // after it: tasks that were ready before, which need no place, go first.
            self.let_others_run().await;
        }
    }

    /// Yields to the tasks that are ready. tokio's `yield_now` keeps a task back until its thread has run all that is
    /// ready there. Where sessions are among that, another thread may continue this one meanwhile: a first table is
    /// read while it is sent.
    async fn let_others_run(&mut self) {
        if std::mem::take(&mut self.has_news) {
            requeue().await;
        } else {
            tokio::task::yield_now().await;
        }
    }

    /// Continues if there is something left of this turn; otherwise with a place, after those that wait for one.
    pub(super) async fn go_on(&mut self) {
        if self.left() > 0 {
            return;
        }
        if self.place.take().is_some() {
            self.done = 0;
        }
        self.take_place().await;
    }

    /// Sessions were woken.
    pub(super) fn note_news(&mut self) {
        self.has_news = true;
    }

    /// The link waits for something: it needs no place for that.
    pub(super) fn pause(&mut self) {
        self.place = None;
    }

    /// There is nothing left to do.
    pub(super) fn rest(&mut self) {
        *self = Self::new(self.places.clone());
    }
}

/// What this many bytes of messages count, in entries.
pub(super) fn entries(bytes: usize) -> u64 {
    (bytes as u64).div_ceil(BYTES)
}

/// Goes to the end of the queue of this thread, from which other threads take tasks when they have nothing to do.
async fn requeue() {
    let mut is_queued = false;
    poll_fn(|context| {
        if std::mem::replace(&mut is_queued, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// The order in which links are served, each with so much to do.
    async fn served(places: usize, work: &[u64]) -> Vec<usize> {
        let places = Places::of(places, &Sizes::default());
        let order = RefCell::new(Vec::new());
        let order = &order;
        let links = work.iter().enumerate().map(|(number, work)| {
            let places = places.clone();
            async move {
                let (mut turn, mut left) = (Turn::new(places), *work);
                while left > 0 {
                    turn.begin().await;
                    let done = left.min(turn.left());
                    left -= done;
                    turn.count(done);
                    if turn.has_place() || left == 0 {
                        order.borrow_mut().push(number);
                    }
                    turn.go_on().await;
                }
                turn.rest();
            }
        });
        let local = tokio::task::LocalSet::new();
        let links: Vec<_> = links.collect();
        local.run_until(futures_in_turn(links)).await;
        order.take()
    }

    /// Polls all of them in turn until all have ended.
    async fn futures_in_turn(futures: Vec<impl Future<Output = ()>>) {
        let mut futures: Vec<_> = futures.into_iter().map(|f| Some(Box::pin(f))).collect();
        poll_fn(|context| {
            for slot in &mut futures {
                if slot.as_mut().is_some_and(|f| f.as_mut().poll(context).is_ready()) {
                    *slot = None;
                }
            }
            match futures.iter().all(Option::is_none) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }

    #[tokio::test]
    async fn busy_links_are_served_one_turn_each_in_order_and_one_with_little_to_do_at_once() {
        let Sizes { turn, little, .. } = Sizes::default();
        let order = served(1, &[3 * turn, 3 * turn, 3 * turn, little]).await;
        let last = order.iter().position(|number| *number == 3);
        assert!(last <= Some(3), "the last one waits for one turn of each: {order:?}");
        let turns = |number| order.iter().filter(|other| **other == number).count();
        assert_eq!([turns(0), turns(1), turns(2), turns(3)], [3, 3, 3, 1]);
        // None of them has its third turn before every other one has had its second.
        for first in 0..3 {
            let third = order.iter().enumerate().filter(|(_, n)| **n == first).nth(2).unwrap().0;
            for other in 0..3 {
                let seen = order[..third].iter().filter(|n| **n == other).count();
                assert!(seen >= 2, "{order:?}");
            }
        }
    }

    #[test]
    fn messages_without_routes_count_as_well() {
        assert_eq!(entries(0), 0);
        assert_eq!(entries(19), 2);
        assert_eq!(entries(256 * 1024), 16 * 1024);
    }
}
