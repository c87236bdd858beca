//! Waiting for several things at once.
#![forbid(unsafe_code)]

#[cfg(not(simulation))]
pub(crate) use tokio::select;

/// In the simulation the branches are polled in order: tokio would choose at random, independent of the seed. The
/// network has random delays instead.
#[cfg(simulation)]
macro_rules! in_order {
    ($($branches:tt)*) => { tokio::select! { biased; $($branches)* } };
}
#[cfg(simulation)]
pub(crate) use in_order as select;
