//! The latest events, for later requests.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use shared::event::Event;
use tokio::sync::broadcast::error::RecvError;

use crate::events::Events;
use crate::supervise::has_panicked;

/// How many are kept.
const KEPT: usize = 40;

/// The last events, the newest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Recent(Arc<Mutex<VecDeque<Event>>>);

impl Recent {
    /// Keeps all events from now on, for ever.
    pub(super) fn of(events: &Events) -> Self {
        let recent = Self::default();
        let (kept, events) = (recent.clone(), events.clone());
        tokio::spawn(async move { while has_panicked(kept.keep(&events)).await {} });
        recent
    }

    async fn keep(&self, events: &Events) {
        let mut received = events.subscribe();
        loop {
            match received.recv().await {
                Ok(event) => {
                    let mut kept = self.0.lock();
                    kept.truncate(KEPT - 1);
                    kept.push_front(event);
                }
                // Those between are lost; the next ones are newer anyway.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }

    pub(super) fn all(&self) -> Vec<Event> {
        self.0.lock().iter().cloned().collect()
    }
}
