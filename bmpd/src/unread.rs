//! Bytes of answers that wait in memory until their clients have read them.
//!
//! A client that sends requests and does not read must not fill the memory: while its unread bytes, or those of all
//! clients, are at their limit, the next answer is not started. An answer is counted when its length is known, so a
//! client can exceed its limit by one answer.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// How many unread bytes defer the next answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Of one client.
    pub(crate) one: usize,
    /// Of all clients together.
    pub(crate) all: usize,
}

/// The clients with unread bytes, and how many each has.
#[derive(Debug)]
pub(crate) struct Unread<K> {
    limits: Limits,
    bytes: Arc<Mutex<HashMap<K, usize>>>,
    /// Notified when some were read, or a client has disconnected.
    changed: Arc<Notify>,
}

impl<K> Clone for Unread<K> {
    fn clone(&self) -> Self {
        let Self { limits, bytes, changed } = self;
        Self { limits: *limits, bytes: Arc::clone(bytes), changed: Arc::clone(changed) }
    }
}

/// The bytes of one answer; no longer counted when dropped.
#[derive(Debug)]
pub(crate) struct Held<K: Copy + Eq + Hash> {
    client: K,
    count: usize,
    unread: Unread<K>,
}

impl<K: Copy + Eq + Hash> Unread<K> {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, bytes: Arc::default(), changed: Arc::default() }
    }

    /// Waits until an answer to this client may be started.
    pub(crate) async fn room(&self, client: K) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // From here on no change is missed.
            changed.as_mut().enable();
            if self.has_room(client) {
                return;
            }
            changed.await;
        }
    }

    /// True if an answer to this client may be started.
    pub(crate) fn has_room(&self, client: K) -> bool {
        let bytes = self.bytes.lock();
        let own = bytes.get(&client).copied().unwrap_or_default();
        own < self.limits.one && bytes.values().sum::<usize>() < self.limits.all
    }

    /// Counts this many bytes for the client until they are dropped.
    pub(crate) fn hold(&self, client: K, count: usize) -> Held<K> {
        *self.bytes.lock().entry(client).or_default() += count;
        Held { client, count, unread: self.clone() }
    }
}

impl<K: Copy + Eq + Hash> Drop for Held<K> {
    fn drop(&mut self) {
        let mut bytes = self.unread.bytes.lock();
        if let Some(own) = bytes.get_mut(&self.client) {
            *own = own.saturating_sub(self.count);
            if *own == 0 {
                bytes.remove(&self.client);
            }
        }
        drop(bytes);
        self.unread.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    async fn has_room(unread: &Unread<char>, client: char) -> bool {
        timeout(Duration::from_secs(1), unread.room(client)).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_waits_at_its_limit_and_all_wait_at_the_limit_of_all() {
        let unread = Unread::new(Limits { one: 10, all: 25 });
        let first = unread.hold('a', 9);
        assert!(has_room(&unread, 'a').await, "one answer may exceed the limit");
        let second = unread.hold('a', 9);
        assert!(!has_room(&unread, 'a').await);
        assert!(has_room(&unread, 'b').await);
        let third = unread.hold('b', 9);
        assert!(!has_room(&unread, 'c').await, "all together");
        drop(second);
        assert!(has_room(&unread, 'a').await && has_room(&unread, 'c').await);
        drop((first, third));
        assert!(unread.bytes.lock().is_empty(), "who has read all takes no memory");
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_goes_on_when_an_answer_is_read() {
        let unread = Unread::new(Limits { one: 1, all: 1 });
        let held = unread.hold('a', 1);
        let waiting = tokio::spawn({
            let unread = unread.clone();
            async move { unread.room('a').await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(held);
        waiting.await.unwrap();
    }
}
