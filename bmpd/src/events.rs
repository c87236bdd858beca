//! What happens, for those who watch it.
//!
//! ```text
//!   sessions, neighbors, control, daemon ── tell ──> Events (a ring) ── subscribe ──> monitor (a task each)
//! ```
//!
//! Telling never waits: the ring holds the newest events, and a reader that is slower than that loses
//! the oldest and is told how many.
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
    /// True if somebody listens.
    pub(crate) fn has_subscribers(&self) -> bool {
        self.0.receiver_count() > 0
    }

    /// Tells what has happened just now; costs nothing while nobody listens.
    pub(crate) fn publish(&self, what: impl FnOnce() -> EventKind) {
        if self.has_subscribers() {
            // It fails only if the last reader has left just now.
            let _ = self.0.send(Event { at: Moment::now().timestamp(), what: what() });
        }
    }

    /// Hears what is told from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.0.subscribe()
    }
}
