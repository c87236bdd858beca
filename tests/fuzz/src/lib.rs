//! What must hold for any bytes that come from outside.
//!
//! One function an edge of bmpd: it takes bytes, and panics if something does not hold. Nothing else may
//! depend on what is here, and nothing here may depend on a clock, a socket or chance.
//!
//! ```text
//!   libfuzzer/targets/NAME.rs ── as fast as it can, nightly, tests/fuzz/run ──┐
//!                                                                            ├──> fuzz::NAME(bytes)
//!   tests/replay.rs ── corpus/NAME and mutations of it, any compiler ─────────┘
//! ```
//!
//! That a decoder does not panic is the minimum. Each function documents what else it checks; the strongest is
//! [`update`]: the tests' own decoder and netgauze read what bmpd sends to a station and find what the neighbor
//! had sent.

mod bmp;
mod configuration;
mod conversation;
mod frames;
mod model;
mod names;
mod netgauze;
mod netgauze_bmp;
mod notification;
mod open;
mod receiver;
mod update;

pub use bmp::bmp;
pub use configuration::config;
pub use conversation::conversation;
pub use frames::frames;
pub use names::names;
pub use notification::notification;
pub use open::open;
pub use update::update;

/// One of the functions.
pub type Target = fn(&[u8]);

/// All of them, with the names of their folders in `corpus`.
pub const TARGETS: [(&str, Target); 8] = [
    ("bmp", bmp),
    ("config", config),
    ("conversation", conversation),
    ("frames", frames),
    ("names", names),
    ("notification", notification),
    ("open", open),
    ("update", update),
];
