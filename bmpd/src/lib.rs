//! bmpd: a BMP agent (RFC 7854, the monitored router's side).
//!
//! It receives BGP from its neighbors and reports it to monitoring servers. [`daemon`] shows how the parts fit
//! together; [`config`] is the configuration, [`wire`] the encoding of BGP and BMP.
//!
//! With `cfg(simulation)`, which only the package `simulated` of `tests/sim` sets, bmpd runs on a simulated system.

#![cfg_attr(simulation, allow(dead_code, unused_imports))]

mod access;
pub mod arguments;
pub mod config;
mod control;
pub mod daemon;
mod events;
mod filter;
mod folder;
pub mod heart;
pub mod host;
mod http;
#[cfg(not(simulation))]
pub mod import;
mod last_error;
pub mod log;
mod moment;
mod net;
mod places;
#[cfg_attr(simulation, path = "simulation/platform.rs")]
mod platform;
pub mod privileges;
mod quota;
#[cfg(all(test, feature = "kafka"))]
mod reference;
mod routers;
mod secret;
pub mod service;
#[cfg(simulation)]
pub mod simulation;
mod sinks;
mod socket_file;
mod sources;
pub mod supervise;
mod unread;
pub mod wire;
mod world;

#[cfg(simulation)]
pub use daemon::simulated::Bmpd;
pub use net::heap;
pub use routers::Sizes;
