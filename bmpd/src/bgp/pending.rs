//! Connections of neighbors whose OPEN has not come: how many there may be at once, and for how long.
//!
//! Whoever is in a prefix can connect and say nothing. A neighbor has one such connection: its newest. Those of
//! the neighbors of prefixes share so many places, one of which a connection has until its OPEN has come or it
//! ends; a neighbor with an address of its own in the configuration needs none, and nobody keeps it out.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::config;

/// The places, and what is allowed.
#[derive(Debug, Clone)]
pub(super) struct Pending(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    allowed: config::Pending,
    taken: u32,
}

/// The place of one connection; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place(Pending);

impl Pending {
    /// All places are free.
    pub(super) fn new(allowed: config::Pending) -> Self {
        Self(Arc::new(Mutex::new(State { allowed, taken: 0 })))
    }

    /// Something else is allowed from now on. Connections that are there stay.
    pub(super) fn allow(&self, allowed: config::Pending) {
        self.0.lock().allowed = allowed;
    }

    /// How long an OPEN may take.
    pub(super) fn timeout(&self) -> Duration {
        self.0.lock().allowed.timeout
    }

    /// A place for one more connection; `None` if there are as many as there may be.
    pub(super) fn take(&self) -> Option<Place> {
        let mut state = self.0.lock();
        if state.taken >= state.allowed.maximum {
            return None;
        }
        state.taken += 1;
        Some(Place(self.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.lock().taken -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back_and_another_number_counts_at_once() {
        let allowed = |maximum| config::Pending { maximum, timeout: Duration::from_secs(5) };
        let pending = Pending::new(allowed(2));
        let (one, two) = (pending.take(), pending.take());
        assert!(one.is_some() && two.is_some() && pending.take().is_none());
        drop(one);
        let three = pending.take();
        assert!(three.is_some() && pending.take().is_none());
        pending.allow(allowed(3));
        let four = pending.take();
        assert!(four.is_some() && pending.take().is_none());
        pending.allow(allowed(1));
        drop((two, three));
        assert!(pending.take().is_none());
        drop(four);
        assert!(pending.take().is_some());
    }
}
