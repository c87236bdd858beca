//! Points in time by both clocks.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// A moment by the wall's clock, for people, and by the steady one, for ages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    wall: SystemTime,
    steady: Instant,
}

impl Moment {
    /// The present one.
    pub(crate) fn now() -> Self {
        Self { wall: SystemTime::now(), steady: Instant::now() }
    }

    /// Milliseconds since the epoch; 0 before it.
    pub(crate) fn unix_millis(&self) -> u64 {
        self.wall.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
    }

    /// Milliseconds that have passed since, however the wall's clock was set meanwhile.
    pub(crate) fn age_millis(&self) -> u64 {
        self.steady.elapsed().as_millis() as u64
    }
}

/// Milliseconds from now to a moment to come; 0 for one that has passed.
pub(crate) fn millis_until(at: Instant) -> u64 {
    millis(at.saturating_duration_since(Instant::now()))
}

/// A duration in milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    duration.as_millis() as u64
}

/// Waits until then; for ever if there is no such time.
pub(crate) async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
