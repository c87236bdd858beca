//! The wall clock of a run: it follows the paused clock of tokio, and can be set.

use std::cell::Cell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// The time at the beginning: some day in 2023.
const BEGINNING: Duration = Duration::from_secs(1_700_000_000);

thread_local! {
    static BEGUN: Cell<Option<Instant>> = const { Cell::new(None) };
    /// The offset to the time that has passed.
    static OFFSET: Cell<Duration> = const { Cell::new(BEGINNING) };
}

pub(super) fn begin() {
    BEGUN.set(Some(Instant::now()));
    OFFSET.set(BEGINNING);
}

/// Sets the clock by so many seconds, back or forth.
pub fn jump(seconds: i64) {
    let by = Duration::from_secs(seconds.unsigned_abs());
    let offset = OFFSET.get();
    OFFSET.set(if seconds < 0 { offset.saturating_sub(by) } else { offset + by });
}

pub(crate) fn wall() -> SystemTime {
    UNIX_EPOCH + OFFSET.get() + passed()
}

/// The time that has passed since the run began, however the clock was set.
pub fn passed() -> Duration {
    BEGUN.get().map_or(Duration::ZERO, |begun| begun.elapsed())
}
