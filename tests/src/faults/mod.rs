//! Faults, one function each, and the ground that they happen on.
//!
//! ```text
//!   culprit (a neighbor) ──┐            ┌──> witness: hears of the bystander only, and keeps it
//!   bystander (a neighbor) ┴──> bmpd ───┼──> counter: hears of everybody, and counts
//!                                       └──> further stations, as a fault has them
//! ```
//!
//! What a fault must not touch is the bystander's session, the witness's, and the way between them: see
//! [`Undisturbed`]. What must come back afterwards is what bmpd takes of the machine: see [`Footprint`].
//! The tests of faults and the soak use the same functions.

pub mod control;
mod footprint;
mod ground;
pub mod neighbors;
pub mod stations;

pub use self::footprint::{Footprint, Margin};
pub use self::ground::{Ground, Terms, Undisturbed, json};
