//! Waiting for several things at once.
#![forbid(unsafe_code)]

#[cfg(not(simulation))]
pub(crate) use tokio::select;

/// In the simulation the branches are looked at in their order: tokio would draw lots that no seed
/// decides. The network is late by lot instead.
#[cfg(simulation)]
macro_rules! in_order {
    ($($branches:tt)*) => { tokio::select! { biased; $($branches)* } };
}
#[cfg(simulation)]
pub(crate) use in_order as select;
