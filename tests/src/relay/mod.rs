//! bmpd as a relay: routers send BMP to it, and each station has a connection for each of them.
//!
//! ```text
//!  Router, written for the tests ──┐               ┌── early: a station that was there from the start
//!  Sender: FRR, BIRD, GoBGP ───────┴──> [ bmpd ] ──┴── late: one that connects at the end
//!     └──────────────────────────────────────────────> direct: one that is fed without bmpd
//! ```
//!
//! What a station knows of a router in the end is a [`Summary`]; those of the three are the same.

pub mod example;
mod lab;
mod legs;
mod programs;
mod proxied;
mod router;
mod summary;

pub use self::lab::{Lab, Plan};
pub use self::programs::Scene;
pub use self::proxied::Proxied;
pub use self::router::Router;
pub use self::summary::{Route, Summary, Table, Up};
