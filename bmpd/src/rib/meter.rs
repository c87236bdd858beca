//! How much memory the tables of all neighbors take, and how much they may.
//!
//! A process that the system refuses memory ends, and with it every session. So the tables can have a limit
//! below that: the neighbor whose tables grow beyond it is given up, and the rest goes on. Each neighbor has a
//! limit of its own as well, so that one that goes wild is not the end of others. What is counted are
//! the tables themselves, by their capacity; buffers of connections come on top, and a table can be a few
//! hundred kilobytes beyond the limit before that is seen.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes in a MiB.
const MIB: u64 = 1 << 20;

/// What all tables take together.
#[derive(Debug)]
pub(super) struct Meter {
    /// Bytes.
    used: AtomicU64,
    /// Bytes; `u64::MAX` is no limit.
    limit: AtomicU64,
    /// Segments that were compacted, of all tables there ever were.
    compactions: AtomicU64,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            used: AtomicU64::new(0),
            limit: AtomicU64::new(u64::MAX),
            compactions: AtomicU64::new(0),
        }
    }
}

impl Meter {
    /// Bytes that are in use.
    pub(super) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Segments that were compacted since bmpd began.
    pub(super) fn compactions(&self) -> u64 {
        self.compactions.load(Ordering::Relaxed)
    }

    /// Allows this many bytes, or as many as there are. What is in use is not given up for that.
    pub(super) fn allow(&self, limit: Option<u64>) {
        self.limit.store(limit.unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// What the tables of one neighbor take of it; given back when dropped.
#[derive(Debug)]
pub(super) struct Share {
    meter: Arc<Meter>,
    bytes: u64,
    /// Of its own, as far as they are in the sum of all.
    compactions: u64,
}

impl Share {
    /// Nothing yet.
    pub(super) fn new(meter: &Arc<Meter>) -> Self {
        Self { meter: Arc::clone(meter), bytes: 0, compactions: 0 }
    }

    /// Notes how many segments were compacted in it so far.
    pub(super) fn note_compactions(&mut self, compactions: u64) {
        let more = compactions - std::mem::replace(&mut self.compactions, compactions);
        if more > 0 {
            self.meter.compactions.fetch_add(more, Ordering::Relaxed);
        }
    }

    /// True if [`Share::set`] would fail.
    pub(super) fn is_over(&self, bytes: u64, allowed: u64) -> bool {
        let grows = bytes.saturating_sub(self.bytes);
        bytes > allowed
            || grows > 0 && self.meter.used() + grows > self.meter.limit.load(Ordering::Relaxed)
    }

    /// Notes how many bytes it takes now. Of its own it may take `allowed`.
    ///
    /// # Errors
    ///
    /// They are more than that, or more than before when all together are more than allowed.
    pub(super) fn set(&mut self, bytes: u64, allowed: u64) -> Result<(), OverLimit> {
        let before = std::mem::replace(&mut self.bytes, bytes);
        let used = if bytes <= before {
            self.meter.used.fetch_sub(before - bytes, Ordering::Relaxed);
            // One that shrinks, or stays as it is, is not to blame for what all take.
            0
        } else {
            let more = bytes - before;
            self.meter.used.fetch_add(more, Ordering::Relaxed) + more
        };
        let limit = self.meter.limit.load(Ordering::Relaxed);
        if bytes > allowed {
            Err(OverLimit::Own { bytes, limit: allowed })
        } else if used > limit {
            Err(OverLimit::All { used, limit, own: bytes })
        } else {
            Ok(())
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.meter.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Why there is no room for the routes of a neighbor. Figures are bytes, and whole MiB in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OverLimit {
    /// Its own tables take more than they may.
    Own {
        /// What they take.
        bytes: u64,
        /// What they may take.
        limit: u64,
    },
    /// The tables of all neighbors take more than they may, and those of this one have grown.
    All {
        /// What all take.
        used: u64,
        /// What all may take.
        limit: u64,
        /// What its own take.
        own: u64,
    },
}

impl fmt::Display for OverLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            OverLimit::Own { bytes, limit } => write!(
                f,
                "its tables have grown to {} MiB, and maximum-memory is {} MiB",
                bytes / MIB,
                limit / MIB
            ),
            OverLimit::All { used, limit, own } => write!(
                f,
                "the tables of all neighbors have grown to {} MiB, {} MiB of them its own, and \
                 memory-limit is {} MiB",
                used / MIB,
                own / MIB,
                limit / MIB
            ),
        }
    }
}

impl std::error::Error for OverLimit {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_grows_beyond_the_limit_is_told_and_who_does_not_is_not() {
        let meter = Arc::new(Meter::default());
        let (mut one, mut other) = (Share::new(&meter), Share::new(&meter));
        assert_eq!(one.set(30 * MIB, u64::MAX), Ok(()));
        meter.allow(Some(40 * MIB));
        assert_eq!(other.set(10 * MIB, u64::MAX), Ok(()));
        let over = other.set(15 * MIB, u64::MAX).unwrap_err();
        assert_eq!(
            over.to_string(),
            "the tables of all neighbors have grown to 45 MiB, 15 MiB of them its own, and \
             memory-limit is 40 MiB"
        );
        // Beyond the limit one that shrinks, or stays as it is, is not to blame.
        assert_eq!(one.set(30 * MIB, u64::MAX), Ok(()));
        assert_eq!(one.set(29 * MIB, u64::MAX), Ok(()));
        assert_eq!(meter.used(), 44 * MIB);
        drop(other);
        assert_eq!(meter.used(), 29 * MIB);
        meter.allow(None);
        assert_eq!(one.set(1 << 40, u64::MAX), Ok(()));
        drop(one);
        assert_eq!(meter.used(), 0);
    }

    #[test]
    fn one_beyond_its_own_limit_is_told_whether_it_grows_or_not() {
        let meter = Arc::new(Meter::default());
        let mut one = Share::new(&meter);
        assert_eq!(one.set(20 * MIB, 20 * MIB), Ok(()));
        // The limit was lowered.
        let over = one.set(20 * MIB, 16 * MIB).unwrap_err();
        assert_eq!(
            over.to_string(),
            "its tables have grown to 20 MiB, and maximum-memory is 16 MiB"
        );
        assert_eq!(one.set(16 * MIB, 16 * MIB), Ok(()));
        assert_eq!(meter.used(), 16 * MIB);
    }
}
