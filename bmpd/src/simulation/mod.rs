//! bmpd on a simulated system: the entry point of `tests/sim`, and what replaces the system.
//!
//! ```text
//!   tests/sim ── Bmpd: start, reload, reset, reports, stop ──> World: neighbors, sessions (the real tasks)
//!      │                                                          │ select!, TcpStream, listen, connect
//!      ├── network: the far end of every connection <─────────────┤
//!      ├── bus: topics, records, what goes wrong <────────────────┤ Producer (sinks::kafka::client::simulated)
//!      ├── clock: the wall clock, which can jump <────────────────┤ Moment, Timestamp
//!      └── file: the content of the configuration file <──────────┘ Reader
//! ```
//!
//! Compiled with `cfg(simulation)` only, which the package `simulated` sets: no program that is shipped has
//! any of it. What replaces the system is a pure function of the seed that [`begin`] is given; all of it is
//! of the calling thread, whose runtime must be tokio's current-thread one with a paused clock.
#![forbid(unsafe_code)]

pub mod bus;
pub mod clock;
pub mod network;
pub(crate) mod watch;

use std::cell::{Cell, RefCell};

thread_local! {
    static FILE: RefCell<String> = const { RefCell::new(String::new()) };
    static WORK: Cell<u64> = const { Cell::new(0) };
}

/// Starts a run on this thread: nothing is left of the one before. To be called inside the runtime.
pub fn begin(seed: u64) {
    fastrand::seed(seed);
    clock::begin();
    network::begin(seed);
    bus::begin(seed);
    WORK.take();
}

/// The work of neighbors' links since this was last called, in entries of the tables.
pub fn take_work() -> u64 {
    WORK.take()
}

pub(crate) fn note_work(entries: u64) {
    WORK.set(WORK.get() + entries);
}

/// Writes the configuration file.
pub fn write_file(text: &str) {
    FILE.replace(text.to_owned());
}

pub(crate) fn file() -> String {
    FILE.with_borrow(String::clone)
}
