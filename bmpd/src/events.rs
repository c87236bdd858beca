//! Events for those that monitor bmpd.
//!
//! ```text
//!   sessions, neighbors, control, daemon ── publish ──> Events (a ring) ── subscribe ──> monitor (a task each)
//! ```
//!
//! Publishing never blocks: the ring holds the newest events, and a slower reader loses the oldest and receives their
//! number.
#![forbid(unsafe_code)]

use shared::event::{Event, EventKind};
use tokio::sync::broadcast;

use crate::moment::Moment;

/// How many events are kept for readers.
const KEPT: usize = 4096;

/// Where events are published and subscribed to.
#[derive(Debug, Clone)]
pub(crate) struct Events(broadcast::Sender<Event>);

impl Default for Events {
    fn default() -> Self {
        Self(broadcast::Sender::new(KEPT))
    }
}

impl Events {
    /// True if there is a subscriber.
    pub(crate) fn has_subscribers(&self) -> bool {
        self.0.receiver_count() > 0
    }

    /// Publishes an event with the current time; costs nothing without a subscriber.
    pub(crate) fn publish(&self, what: impl FnOnce() -> EventKind) {
        if self.has_subscribers() {
            // It fails only if the last subscriber has just left.
            let _ = self.0.send(Event { at: Moment::now().timestamp(), what: what() });
        }
    }

    /// Receives the events published from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.0.subscribe()
    }
}
