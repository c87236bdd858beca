//! The change notifier of the tables in the simulation: tokio's `watch` wakes waiting tasks in a random order, which no
//! seed determines; this one wakes them in the order of their arrival.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use parking_lot::Mutex;

#[derive(Debug)]
struct Shared<T> {
    value: T,
    version: u64,
    wakers: Vec<Waker>,
}

#[derive(Debug)]
pub(crate) struct Sender<T>(Arc<Mutex<Shared<T>>>);

impl<T> Sender<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Arc::new(Mutex::new(Shared { value, version: 0, wakers: Vec::new() })))
    }

    pub(crate) fn send_modify(&self, change: impl FnOnce(&mut T)) {
        let mut shared = self.0.lock();
        change(&mut shared.value);
        shared.version += 1;
        shared.wakers.drain(..).for_each(Waker::wake);
    }

    pub(crate) fn subscribe(&self) -> Receiver<T> {
        let seen = self.0.lock().version;
        Receiver { shared: Arc::clone(&self.0), seen }
    }
}

#[derive(Debug)]
pub(crate) struct Receiver<T> {
    shared: Arc<Mutex<Shared<T>>>,
    seen: u64,
}

impl<T> Receiver<T> {
    pub(crate) async fn changed(&mut self) {
        poll_fn(|context| {
            let mut shared = self.shared.lock();
            if shared.version != self.seen {
                self.seen = shared.version;
                return Poll::Ready(());
            }
            if !shared.wakers.iter().any(|waker| waker.will_wake(context.waker())) {
                shared.wakers.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    /// As tokio's; it never fails.
    pub(crate) fn has_changed(&self) -> Result<bool, std::convert::Infallible> {
        Ok(self.shared.lock().version != self.seen)
    }

    pub(crate) fn mark_unchanged(&mut self) {
        self.seen = self.shared.lock().version;
    }
}
