//! Points in time by both clocks.
#![forbid(unsafe_code)]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use shared::time::{Span, Timestamp};
use tokio::time::Instant;

use crate::platform::wall;
use crate::wire::bmp;

/// A moment by the wall clock, for people, and by the monotonic clock, for ages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    wall: SystemTime,
    steady: Instant,
}

impl Moment {
    /// The current moment.
    pub(crate) fn now() -> Self {
        Self { wall: wall(), steady: Instant::now() }
    }

    /// By the monotonic clock, to compare it with others.
    pub(crate) fn steady(&self) -> Instant {
        self.steady
    }

    /// As it is reported to clients.
    pub(crate) fn timestamp(&self) -> Timestamp {
        Timestamp(self.wall.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64))
    }

    /// The time since, independent of changes of the wall clock.
    pub(crate) fn age(&self) -> Duration {
        self.steady.elapsed()
    }
}

/// The current time as BMP carries it; 0 ("not available", RFC 7854 section 4.2) for a clock that is before 1970.
pub(crate) fn bmp_timestamp() -> bmp::Timestamp {
    wall().duration_since(UNIX_EPOCH).map_or_else(
        |_| bmp::Timestamp::default(),
        |since| bmp::Timestamp { seconds: since.as_secs() as u32, micros: since.subsec_micros() },
    )
}

/// The time from now until then; zero for a past moment.
pub(crate) fn span_until(at: Instant) -> Span {
    Span::of(at.saturating_duration_since(Instant::now()))
}

/// Waits until then; for ever if there is no such time.
pub(crate) async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
