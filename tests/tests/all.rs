//! The end-to-end tests: the real programs among real programs, one file a subject.
//!
//! They are one program: it is linked once, and tests that wait for other programs wait side by side.
//! `cargo test -p tests --test all reset::` runs those of `reset.rs`. A test must not change
//! what belongs to the process (environment, working directory, limits, namespace of its main thread): it does that in a
//! child or in a thread of its own.
#![allow(clippy::unwrap_used)]

mod authentication;
mod automation;
mod bird;
mod bird_restarts;
mod checking;
mod completion;
mod configuration;
mod conformance;
mod control;
mod decoders;
mod display;
mod errors;
mod exabgp;
mod examples;
mod fairness;
mod families;
mod faults;
mod frr;
mod full_table;
mod gobgp;
mod graceful_restart;
mod http;
mod image;
mod import;
mod instances;
mod json;
mod kafka;
mod layers;
mod levels;
mod lifecycle;
mod limits;
mod links;
mod log;
mod log_level;
mod lost_stations;
mod man;
mod memory;
mod metrics;
mod monitor;
mod neighbors;
mod neighbors_placed;
mod neighbors_restarting;
mod neighbors_secured;
mod netgauze;
mod packages;
mod panics;
mod parameters;
mod passive;
mod pending;
mod pmbmpd;
mod privileges;
mod race;
mod recipes;
mod relay;
mod reload;
mod remote;
mod reset;
mod selecting;
mod service;
mod show;
mod show_config;
mod show_event;
mod show_neighbor;
mod show_route;
mod show_statistics;
mod show_status;
mod soak;
mod sources;
mod staggered;
mod stalled;
mod statistics;
mod status_page;
mod suggestions;
mod terminal;
mod thousand;
mod tshark;
mod units;
mod wait;
mod watch;
mod witnesses;
