//! Connections whose first message has not come, an OPEN or an Initiation: how many there may be at once, and for how
//! long.
//!
//! Any host in a prefix can connect and send nothing. A neighbor has one such connection: its newest. Those of the
//! neighbors or routers of prefixes share a number of places, one of which a connection has until its first message was
//! received or it ends. When there is none left the connection that has waited longest loses its place: a router sends its OPEN at
//! once, so hosts that send nothing keep no router out. A neighbor with an address of its own in the configuration
//! needs no place.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::config;

/// The places, and what is allowed.
#[derive(Debug, Clone)]
pub(super) struct PendingConnections(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    allowed: config::PendingLimits,
    /// The places that are taken, by number: the oldest is the first.
    taken: BTreeMap<u64, Arc<Notify>>,
    next: u64,
}

/// The place of one connection; released when it is dropped.
#[derive(Debug)]
pub(super) struct PendingPlace {
    pending: PendingConnections,
    number: u64,
    lost: Arc<Notify>,
}

impl PendingConnections {
    /// All places are free.
    pub(super) fn new(allowed: config::PendingLimits) -> Self {
        Self(Arc::new(Mutex::new(State { allowed, taken: BTreeMap::new(), next: 0 })))
    }

    /// Changes the limits. Connections that are there stay.
    pub(super) fn allow(&self, allowed: config::PendingLimits) {
        self.0.lock().allowed = allowed;
    }

    /// The timeout of the first message.
    pub(super) fn timeout(&self) -> Duration {
        self.0.lock().allowed.timeout
    }

    /// A place for one more connection, if need be that of the one that has waited longest; `None` if none is
    /// allowed.
    pub(super) fn take(&self) -> Option<PendingPlace> {
        let mut state = self.0.lock();
        let maximum = state.allowed.maximum as usize;
        if maximum == 0 {
            return None;
        }
        while state.taken.len() >= maximum {
            let (_, oldest) = state.taken.pop_first()?;
            oldest.notify_one();
        }
        let (number, lost) = (state.next, Arc::new(Notify::new()));
        state.next += 1;
        state.taken.insert(number, Arc::clone(&lost));
        Some(PendingPlace { pending: self.clone(), number, lost })
    }
}

impl PendingPlace {
    /// Returns when another connection has taken the place. Safe to be dropped while it waits.
    pub(super) async fn lost(&self) {
        self.lost.notified().await;
    }
}

impl Drop for PendingPlace {
    fn drop(&mut self) {
        self.pending.0.lock().taken.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(maximum: u32) -> config::PendingLimits {
        config::PendingLimits { maximum, timeout: Duration::from_secs(5) }
    }

    fn is_lost(place: &PendingPlace) -> bool {
        let taken = &place.pending.0.lock().taken;
        !taken.contains_key(&place.number)
    }

    #[tokio::test]
    async fn the_connection_that_has_waited_longest_loses_its_place() {
        let pending = PendingConnections::new(allowed(2));
        let [one, two, three] = [(); 3].map(|()| pending.take().unwrap());
        one.lost().await;
        assert!(is_lost(&one) && !is_lost(&two) && !is_lost(&three));
        // A place that was lost is not released a second time.
        drop(one);
        drop(two);
        let four = pending.take().unwrap();
        assert!(!is_lost(&three) && !is_lost(&four));
    }

    #[test]
    fn another_number_counts_at_once() {
        let pending = PendingConnections::new(allowed(0));
        assert!(pending.take().is_none());
        pending.allow(allowed(3));
        let places = [(); 3].map(|()| pending.take().unwrap());
        assert!(!places.iter().any(is_lost));
        pending.allow(allowed(1));
        let last = pending.take().unwrap();
        assert!(places.iter().all(is_lost) && !is_lost(&last));
    }
}
