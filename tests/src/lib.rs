//! The fixtures of the end-to-end tests, the benchmarks and the demo.
//!
//! They run the real `bmpd` and `bmpctl` and stand around them: a BGP [`neighbor`] on one side, BMP
//! [`station`]s on the other, both written for the tests alone, so that their checks of bmpd are
//! independent of its code. Nothing here may use bmpd's library.
//!
//! A test reads like this:
//!
//! ```no_run
//! use std::time::Duration;
//! use tests::{addresses::loopback, daemon::Daemon, scratch::Scratch, station::{Mode, Station}};
//!
//! let scratch = Scratch::new();
//! let station = Station::listen(loopback(), Mode::Keeping);
//! let daemon = Daemon::start(&scratch, &format!(
//!     "[[session]]\naddress = \"{}\"\ntcp.connect-port = {}\n", station.ip(), station.port()));
//! let connection = station.wait_connection(1);
//! ```
//!
//! Std threads and blocking sockets do all of it: at a few dozen connections they are the simplest
//! thing, and a station that must not read simply does not.

pub mod addresses;
pub mod bgp;
pub mod bmp;
pub mod chain;
pub mod ctl;
pub mod daemon;
pub mod documents;
pub mod edge;
pub mod faults;
pub mod flood;
pub mod kafka;
pub mod lab;
pub mod layers;
pub mod live;
pub mod machine;
pub mod md5;
pub mod neighbor;
pub mod netns;
pub mod nlri;
pub mod person;
pub mod podman;
pub mod process;
pub mod programs;
pub mod race;
pub mod random;
pub mod relay;
pub mod scratch;
pub mod slow;
pub mod soak;
pub mod sockets;
pub mod station;
pub mod systemd;
pub mod table;
pub mod tap;
pub mod terminal;
pub mod wait;
