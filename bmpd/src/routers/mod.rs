//! What neighbors have announced, and what is still to be sent of it to each BMP session.
//!
//! ```text
//! Routers ── Router, each that is monitored: bmpd itself with its BGP neighbors is one
//!              ├─ Live: the newest messages that are passed on and not kept
//!              └─ Peer: they come and go with the configuration, or as the router says
//!                   └─ Epoch: one BGP session of it, or several joined by graceful restarts: header, how it
//!                      │      ended
//!                      └─ Rib: OPENs, Attributes, one Log a view and family         [one lock]
//!                               └─ its share of what the Meter allows all tables together
//! Feed (one a BMP connection) ── for each neighbor that its Monitor wants: the Epoch and the
//!                                incarnation it was sent, a reader in each Log
//! ```
//!
//! No queue and no copy of a route stands between a log and a connection. Nothing here does I/O, and
//! only [`Feed::set_monitor`] reads the clock, for the time of a Peer Down that has no other cause; the
//! one channel is the change notifier in [`Router`] that wakes the sessions.
#![forbid(unsafe_code)]

mod attributes;
mod epoch;
mod feed;
mod index;
mod item;
mod live;
mod log;
mod meter;
mod router;
mod sizes;
mod walk;

pub(crate) use attributes::Attributes;
pub(crate) use epoch::{Check, EndOfRib, Epoch, PeerDown, Rib, Signals, TableId};
pub(crate) use feed::Feed;
pub(crate) use item::{Item, Sink};
pub(crate) use live::About;
pub(crate) use log::{Found, Record, Walked};
pub(crate) use meter::OverLimit;
pub(crate) use router::{Changes, Identity, Peer, Presence, Router, Routers};
pub use sizes::Sizes;
pub(crate) use walk::{Gone, Table, Walk};

use crate::wire::malformed::Malformed;

/// A table, or the attributes of a neighbor, have reached the greatest size that places can name (4 GiB).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the tables of the neighbor have grown to their limit of 4 GiB")]
pub(crate) struct Full;

/// Why an UPDATE was not taken into the tables.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Its routes cannot be read.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// There is no room for them.
    #[error("the tables are full")]
    Full,
}

impl From<Full> for Refused {
    fn from(Full: Full) -> Self {
        Refused::Full
    }
}
