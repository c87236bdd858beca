//! Faults, one function each, and the ground that they happen on.
//!
//! ```text
//!   culprit (a neighbor) ──┐            ┌──> witness: monitors the bystander only, keeps its routes
//!   bystander (a neighbor) ┴──> bmpd ───┼──> counter: monitors all neighbors, counts their routes
//!                                       └──> further stations, as a fault has them
//! ```
//!
//! A fault must not affect the bystander's session, the witness's, and the path between them: see
//! [`Undisturbed`]. Afterwards bmpd must have returned the resources that it used: see [`Footprint`].
//! The tests of faults and the soak use the same functions.

pub mod control;
mod footprint;
mod ground;
pub mod neighbors;
pub mod stations;

pub use self::footprint::{Footprint, Margin};
pub use self::ground::{Ground, Terms, Undisturbed, json};
