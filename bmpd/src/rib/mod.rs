//! What neighbors have announced, and what each BMP session has still to be told of it.
//!
//! ```text
//! Tables ── one slot a neighbor ── Epoch (one BGP session of it: header, Peer Up, how it ended)
//!                                    └─ Rib: Attributes, one Log a family          [one lock]
//! Feed (one a BMP connection) ── for each neighbor: the Epoch it was told of, a reader in each Log
//! ```
//!
//! No queue and no copy of a route stands between a log and a connection. Nothing here does I/O or
//! looks at a clock; the one channel is the bell in [`Tables`] that wakes the sessions.

mod attributes;
mod epoch;
mod feed;
mod log;
mod tables;

pub(crate) use epoch::{Epoch, Identity, PeerDown};
pub(crate) use feed::{Batch, Feed};
pub(crate) use tables::{NeighborTables, Tables};
