//! How much memory all tables take, and how much they may.
//!
//! If the system refuses memory to a process, it exits, and with it every session. So the tables can have a limit below
//! that. If it is exceeded, the largest tables are dropped, whichever grew: a neighbor that fills the memory and then
//! stops must not cost the others their sessions. Each neighbor has a limit of its own as well. Only the tables are
//! counted, by their capacity; buffers of connections come on top, and a table can exceed the limit by a few hundred
//! kilobytes before that is noticed.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::Notify;

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
    /// Each neighbor's tables, in the order in which they came.
    slots: Mutex<Vec<Weak<Slot>>>,
}

/// What the tables of one neighbor take, and whether they must be dropped.
#[derive(Debug, Default)]
pub(super) struct Slot {
    /// Bytes.
    bytes: AtomicU64,
    /// Why they are dropped.
    evicted: Mutex<Option<OverLimit>>,
    noticed: Arc<Notify>,
}

impl Slot {
    /// Why the tables must be dropped, if they must.
    pub(super) fn over_limit(&self) -> Option<OverLimit> {
        *self.evicted.lock()
    }

    /// Returns when the tables must be dropped. For one waiter.
    pub(super) async fn evicted(&self) -> OverLimit {
        loop {
            match self.over_limit() {
                Some(over) => return over,
                None => self.noticed.notified().await,
            }
        }
    }
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            used: AtomicU64::new(0),
            limit: AtomicU64::new(u64::MAX),
            compactions: AtomicU64::new(0),
            slots: Mutex::default(),
        }
    }
}

impl Meter {
    /// Bytes that are in use.
    pub(super) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Segments that were compacted since bmpd started.
    pub(super) fn compactions(&self) -> u64 {
        self.compactions.load(Ordering::Relaxed)
    }

    /// Sets the limit in bytes; `None` is no limit. No tables are dropped before some grow.
    pub(super) fn allow(&self, limit: Option<u64>) {
        self.limit.store(limit.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Frees memory if all tables exceed the limit: the largest are dropped, and the next largest if that is not
    /// enough. `own` have just grown; the result is the reason, if they are dropped.
    fn make_room(&self, own: &Slot) -> Option<OverLimit> {
        let (used, limit) = (self.used(), self.limit.load(Ordering::Relaxed));
        if used <= limit {
            return None;
        }
        let slots: Vec<Arc<Slot>> = self.slots.lock().iter().filter_map(Weak::upgrade).collect();
        let bytes = |slot: &Slot| slot.bytes.load(Ordering::Relaxed);
        let (going, mut staying): (Vec<_>, Vec<_>) =
            slots.iter().partition(|slot| slot.evicted.lock().is_some());
        // Of the same size: the latest.
        staying.sort_by_key(|slot| bytes(slot));
        let mut left = used.saturating_sub(going.iter().map(|slot| bytes(slot)).sum());
        while left > limit
            && let Some(largest) = staying.pop()
        {
            left = left.saturating_sub(bytes(largest));
            let over = OverLimit::All { used, limit, own: bytes(largest) };
            *largest.evicted.lock() = Some(over);
            largest.noticed.notify_one();
        }
        *own.evicted.lock()
    }
}

/// What the tables of one neighbor take of it; subtracted again when dropped.
#[derive(Debug)]
pub(super) struct Share {
    meter: Arc<Meter>,
    slot: Arc<Slot>,
    /// Of its own, as far as they are in the sum of all.
    compactions: u64,
}

impl Share {
    /// Nothing yet. Who waits for [`Slot::over_limit`] is notified by `noticed`.
    pub(super) fn new(meter: &Arc<Meter>, noticed: Arc<Notify>) -> Self {
        let slot = Arc::new(Slot { noticed, ..Slot::default() });
        let mut slots = meter.slots.lock();
        slots.retain(|slot| slot.strong_count() > 0);
        slots.push(Arc::downgrade(&slot));
        drop(slots);
        Self { meter: Arc::clone(meter), slot, compactions: 0 }
    }

    /// The meter's entry for it.
    pub(super) fn slot(&self) -> Arc<Slot> {
        Arc::clone(&self.slot)
    }

    /// Records how many segments were compacted in it so far.
    pub(super) fn note_compactions(&mut self, compactions: u64) {
        let more = compactions - std::mem::replace(&mut self.compactions, compactions);
        if more > 0 {
            self.meter.compactions.fetch_add(more, Ordering::Relaxed);
        }
    }

    /// True if [`Share::set`] with this many bytes would evict tables: these, or those of others.
    pub(super) fn is_over(&self, bytes: u64, allowed: u64) -> bool {
        let grows = bytes.saturating_sub(self.slot.bytes.load(Ordering::Relaxed));
        bytes > allowed
            || grows > 0 && self.meter.used() + grows > self.meter.limit.load(Ordering::Relaxed)
    }

    /// Records how many bytes it takes now. Of its own it may take `allowed`.
    ///
    /// # Errors
    ///
    /// They are more than that; or it has grown, all together exceed the limit, and it is the largest. If others are
    /// larger, those are notified ([`Slot::evicted`]).
    pub(super) fn set(&mut self, bytes: u64, allowed: u64) -> Result<(), OverLimit> {
        let before = self.slot.bytes.swap(bytes, Ordering::Relaxed);
        let grows = bytes > before;
        if grows {
            self.meter.used.fetch_add(bytes - before, Ordering::Relaxed);
        } else {
            self.meter.used.fetch_sub(before - bytes, Ordering::Relaxed);
        }
        if bytes > allowed {
            return Err(OverLimit::Own { bytes, limit: allowed });
        }
        // Tables that shrink, or stay as they are, do not evict others.
        match grows.then(|| self.meter.make_room(&self.slot)).flatten() {
            Some(over) => Err(over),
            None => Ok(()),
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let bytes = self.slot.bytes.swap(0, Ordering::Relaxed);
        self.meter.used.fetch_sub(bytes, Ordering::Relaxed);
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
    /// The tables of all neighbors take more than they may, and those of this one are the largest.
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
                "all tables have grown to {} MiB, its own are the largest with {} MiB, \
                 and memory-limit is {} MiB",
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

    fn is_evicted(share: &Share) -> bool {
        share.slot.evicted.lock().is_some()
    }

    #[test]
    fn whoever_grows_beyond_the_limit_the_largest_go() {
        let meter = Arc::new(Meter::default());
        let (mut large, mut small) =
            (Share::new(&meter, Arc::default()), Share::new(&meter, Arc::default()));
        assert_eq!(large.set(30 * MIB, u64::MAX), Ok(()));
        meter.allow(Some(40 * MIB));
        assert_eq!(small.set(10 * MIB, u64::MAX), Ok(()));
        // The large one has stopped growing; the small one is not to blame.
        assert_eq!(small.set(15 * MIB, u64::MAX), Ok(()));
        assert!(is_evicted(&large) && !is_evicted(&small));
        // While the large one is dropped no other has to be.
        let mut third = Share::new(&meter, Arc::default());
        assert_eq!(third.set(16 * MIB, u64::MAX), Ok(()));
        assert!(!is_evicted(&small) && !is_evicted(&third));
        drop(large);
        assert_eq!(meter.used(), 31 * MIB);
        let over = third.set(30 * MIB, u64::MAX).unwrap_err();
        assert_eq!(
            over.to_string(),
            "all tables have grown to 45 MiB, its own are the largest with 30 MiB, and \
             memory-limit is 40 MiB"
        );
        assert!(!is_evicted(&small));
        drop(third);
        meter.allow(None);
        assert_eq!(small.set(1 << 40, u64::MAX), Ok(()));
        drop(small);
        assert_eq!(meter.used(), 0);
    }

    #[test]
    fn as_many_go_as_it_takes() {
        let meter = Arc::new(Meter::default());
        let mut shares: Vec<Share> = (0..4).map(|_| Share::new(&meter, Arc::default())).collect();
        for (share, mib) in shares.iter_mut().zip([5, 20, 15, 1]) {
            assert_eq!(share.set(mib * MIB, u64::MAX), Ok(()));
        }
        meter.allow(Some(10 * MIB));
        assert_eq!(shares[3].set(2 * MIB, u64::MAX), Ok(()));
        let evicted: Vec<bool> = shares.iter().map(is_evicted).collect();
        assert_eq!(evicted, [false, true, true, false]);
    }

    #[test]
    fn nobody_goes_for_tables_that_shrink_or_stay() {
        let meter = Arc::new(Meter::default());
        let mut one = Share::new(&meter, Arc::default());
        assert_eq!(one.set(30 * MIB, u64::MAX), Ok(()));
        meter.allow(Some(20 * MIB));
        assert_eq!(one.set(30 * MIB, u64::MAX), Ok(()));
        assert_eq!(one.set(29 * MIB, u64::MAX), Ok(()));
        assert!(!is_evicted(&one));
    }

    #[test]
    fn one_beyond_its_own_limit_is_refused_whether_it_grows_or_not() {
        let meter = Arc::new(Meter::default());
        let mut one = Share::new(&meter, Arc::default());
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
