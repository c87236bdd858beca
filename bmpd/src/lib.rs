//! bmpd: a BMP agent (RFC 7854, the monitored router's side).
//!
//! It hears BGP from its neighbors and reports it to monitoring servers. [`daemon`] shows how the parts
//! hang together; [`config`] is the configuration, [`wire`] the bytes of BGP and BMP.

pub mod arguments;
mod bgp;
pub mod config;
mod control;
pub mod daemon;
mod events;
pub mod heart;
pub mod host;
pub mod log;
mod moment;
mod net;
pub mod privileges;
mod quota;
mod rib;
pub mod service;
mod session;
pub mod supervise;
pub mod wire;

pub use net::heap;
