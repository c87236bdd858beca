//! The BGP neighbors. bmpd only receives: it announces no routes, only End-of-RIB where that is
//! expected, and keeps what it receives in the tables.
//!
//! ```text
//!   listener ── TcpStream ──> task of one neighbor <── Report, Configure, Stop ── control, daemon
//!       └─ whose? ─> NeighborDirectory   │  ^
//!             spawns, Close      v  │ Validate (an OPEN came), Establish, Ended
//!                             link: one TCP connection, Fsm, one read buffer
//!                                │
//!                                └── Epoch (tables), change notifier
//! ```
//!
//! A neighbor has up to two links while both sides connect at once; its task decides which one is kept
//! (RFC 4271 section 6.8) and is the only one that begins and ends epochs. A link asks its task before
//! it answers an OPEN and before it becomes established, so two links never both do.
#![forbid(unsafe_code)]

mod changes;
mod directory;
mod faults;
pub(crate) mod fsm;
pub(crate) mod inbox;
mod link;
mod neighbor;
mod refused;

use crate::routers::TableId;
use crate::wire::bmp::View;
use crate::wire::family::Family;
pub(crate) use changes::{
    Changes, changes, changes_for_all, common_settings, memory_limit, pending_changes,
    pending_settings, settings,
};
pub(crate) use directory::{Bgp, EntryId, NeighborDirectory};
pub(crate) use link::Held;
pub(crate) use neighbor::{Neighbor, Stop};

/// The view of the routes that a neighbor has sent: bmpd has no policy.
const VIEW: View = View::AdjRibInPrePolicy;

/// The table of what a neighbor has sent of a family.
fn table(family: Family) -> TableId {
    TableId { view: VIEW, family }
}
