//! The protocol of bmpd's local socket.
//!
//! bmpd listens on a local socket ([`socket`] has its path). A conversation is one request and one
//! response, each in one frame ([`frame`]): the client connects, writes a frame with a
//! [`request::Request`], reads a frame with a [`response::Response`], and closes. A long report comes in several
//! frames: each but the last is of kind [`frame::Kind::Part`], and a failure instead of the next part ends it. bmpd
//! computes a part when the one before has been read, so a report is not of one moment.
//!
//! Three requests have several responses: a staggered reset (each has the number still to come), a reset that is
//! followed (until every session has come to an end), and `Monitor` (until one side closes). They end when the client
//! closes, or half of it, and with a refusal when a reload takes its level, which also ends what a staggered reset
//! has still to do; the last two have a response every [`response::HEARTBEAT`] at least.
//!
//! bmpd closes a connection that sends nothing for a while, or more than its request. It finishes a change that it was
//! asked for also when the client closes; it does not continue a report.
//!
//! ```text
//! bmpctl                                     bmpd
//!   │ connect                                  │  who is it: credentials of the peer -> level
//!   │ "BMPC" version kind length | Request ──> │
//!   │ <── "BMPC" version kind length | Response│
//!   │ close                                    │
//! ```
//!
//! The frame's header never changes its shape; the bodies belong to the protocol version in it. A
//! bmpd of another version answers with a frame of kind [`frame::Kind::Refusal`], whose body is plain
//! text in every version, so both sides can always report what is wrong. What the client may do is
//! decided by the credentials of its process, never by anything it sends.
//!
//! [`names`] are the names of sessions, [`account`] those of users and groups, [`exit`] are bmpctl's exit
//! codes. [`reference`] are the keys of the configuration file. `document` has the answers as JSON, for bmpctl and for
//! bmpd's HTTP server.
#![forbid(unsafe_code)]

pub mod account;
mod change;
#[cfg(feature = "document")]
pub mod document;
pub mod event;
pub mod exit;
pub mod frame;
mod level;
mod log_level;
pub mod names;
pub mod reference;
pub mod request;
pub mod response;
pub mod socket;
mod state;
pub mod time;
