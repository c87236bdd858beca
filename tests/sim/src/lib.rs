//! A simulator of bmpd: seeded schedules of everything that can happen to it, in simulated time, compared
//! with a model of the routes that stations must have.
//!
//! ```text
//!                    seed ──> Action, Pause: what is done next, and how long bmpd has until then
//!                                   │
//!     ┌───────────┬─────────────────┼────────────────────────────┬──────────────┐
//!     v           v                 v                            v              v
//!  Speaker     Plan ── file ──> bmpd: World, Neighbors,      Station          clock
//!  (BGP) │        reload, reset    Sessions, their real      (BMP) ^
//!        │                         tasks, one thread               │ every message against every rule
//!        ├──── bytes in memory ───────> │ ────── bytes in memory ──┤
//!        v                                                         │
//!     Ledger: what was announced, connection by connection ────────┘ quiet: all routes, all counters
//! ```
//!
//! bmpd is the daemon itself: the tasks of neighbors and sessions, the tables, reload and reset with all that
//! they do, compiled once more as the package `simulated` (`tests/sim/bmpd`) with another floor under it:
//! connections in memory that take and give as little as TCP may, a paused clock, a wall's clock that jumps, a
//! configuration file that is there at once (`bmpd/src/simulation`). Everything runs on one thread and
//! everything random is derived from the seed, so a seed is a run, to the byte.
//!
//! The model is maps and nothing of bmpd's. A connection of a neighbor has its number in its OPEN, a set of path
//! attributes has one in MULTI_EXIT_DISC, and a session has one in its Initiation: so a station sees from each
//! message of which generation it is.
//!
//! What is modelled: neighbors that connect and are connected to, collisions, both unicast families,
//! ADD-PATH, implicit replacement, faulty UPDATEs, End-of-RIB and its absence, graceful restart, route
//! refresh, hold times, ends by FIN, RST, NOTIFICATION, garbage, lost contact, and in the middle of a message;
//! stations active and passive that stall, read bytes one by one, send, refuse, close, connect twice, fall behind;
//! resets of one, of all and staggered, reloads that change, add and remove sessions and neighbors, bad files;
//! small and large segments, batches and bounds of what is kept; neighbors that flood bmpd while others announce a route.
//!
//! Some runs have routers that speak BMP to bmpd, and stations that are sent those ([`relay`]). Some have publishers, and
//! consumers of what they send to a message bus ([`kafka`]).
//!
//! What is not: TLS, TCP options and keys, VPN instances, dynamic neighbors of a prefix, `maximum-routes`, the
//! other families, addresses of IPv6, `monitor` and authorization, more than one thread, and what the
//! system does. The tests of `tests/tests` and `bmpd` are for these. While a neighbor that can restart is away,
//! both its routes and their absence are accepted; once it is back the comparison is exact again.
//!
//! A run ends with all being well: all peers are there, bmpd must reconnect to them by itself, and every route, every
//! End-of-RIB and every counter is compared. `cargo run --release -p sim -- --help` shows how to run it; `defects/run`
//! shows that it finds known defects.

pub mod action;
pub mod bmp;
pub mod count;
mod flood;
pub mod kafka;
pub mod ledger;
pub mod many;
pub mod plan;
mod quiet;
pub mod relay;
pub mod route;
pub mod run;
pub mod speaker;
pub mod station;
pub mod trace;
