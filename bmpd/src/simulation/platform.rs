//! What [`crate::platform`](crate) is in the simulation: all of it follows from the seed.

use tokio::task::JoinHandle;

// The order in which the entries of a map are visited is that of their keys.
pub(crate) use std::collections::{BTreeMap as Map, btree_map as map};

pub(crate) use crate::simulation::clock::wall;
pub(crate) use crate::simulation::{bus, note_work, watch};

/// The branches are polled in order: tokio would choose at random, independent of the seed. The network has random delays
/// instead.
macro_rules! in_order {
    ($($branches:tt)*) => { tokio::select! { biased; $($branches)* } };
}
pub(crate) use in_order as select;

/// How much an index moves depends on the hashes.
pub(crate) type Hasher = foldhash::fast::FixedState;

/// There are no threads, and the answer takes its time.
pub(crate) fn spawn_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    tokio::spawn(async {
        tokio::time::sleep(bus::latency()).await;
        work()
    })
}

/// A run is the same on every machine.
pub(crate) fn memory() -> Option<u64> {
    None
}
