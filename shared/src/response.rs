//! What bmpd answers.
//!
//! Times are milliseconds since the epoch; ages and countdowns are milliseconds by bmpd's steady clock,
//! so that they stay right when the wall clock is set.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::names::{Selector, SessionId};
use crate::request::Level;

/// The answer to one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// To [`crate::request::Request::ResetSession`]: every selected session, in their order.
    Reset(Vec<ResetOutcome>),
    /// To [`crate::request::Request::ShowSession`]: in their order.
    Sessions(Vec<SessionReport>),
    /// To [`crate::request::Request::ShowNeighbor`]: in the order of the configuration.
    Neighbors(Vec<NeighborReport>),
    /// To any request: it was not done, and nothing was changed.
    Failed(Failure),
}

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failure {
    /// The selector matches no session.
    NoSuchSession {
        /// What was asked for.
        selector: Selector,
        /// The sessions with the same address, then all others.
        existing: Vec<SessionId>,
        /// The configuration file, if it has such a session that bmpd does not run.
        configured_in: Option<String>,
    },
    /// The caller's level is too low.
    NotPermitted {
        /// What the request needs.
        needed: Level,
        /// What the caller has.
        has: Level,
    },
    /// The configuration file is bad; the text names file, line and key.
    Configuration(String),
    /// bmpd is about to stop.
    Stopping,
    /// Something else; a sentence for people.
    Other(String),
}

/// What became of one session in a reset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetOutcome {
    /// The session.
    pub id: SessionId,
    /// What was done, or why it was not; a sentence for people.
    pub result: Result<ResetDone, String>,
}

/// A reset that was carried out: the old connection has ended, the next one is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetDone {
    /// The generation that begins.
    pub generation: u64,
    /// True if a connection was up and has been ended.
    pub was_up: bool,
    /// Where the session connects to now.
    pub remote: SocketAddr,
    /// Parameters that are in effect now and were not before, such as `tcp.connect-port 11019 -> 11020`.
    pub changes: Vec<String>,
}

/// The state of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionState {
    /// No connection; waiting for the next attempt.
    Idle,
    /// An attempt to connect is under way.
    Connecting,
    /// Connected; routes are being sent.
    Established,
    /// Connected; the station has been sent every route and the End-of-RIBs of every neighbor that is
    /// up.
    Synchronised,
}

/// Why a connection ended or did not come up. Stable: scripts may depend on the variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DownReason {
    /// The command `reset session`.
    Reset,
    /// The station closed the connection.
    ClosedByStation,
    /// The connection was reset (RST).
    ConnectionReset,
    /// Nobody listens at the station's port.
    Refused,
    /// There is no way to the station.
    Unreachable,
    /// The station did not answer, or stopped to.
    TimedOut,
    /// The station took no byte for the stall timeout.
    Stalled,
    /// The station was so slow that the withdrawals kept for it became too many.
    FellBehind,
    /// The device of the VPN instance does not exist.
    NoDevice,
    /// bmpd stops.
    Stopping,
    /// Any other error of the system.
    Other,
}

/// One session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionReport {
    /// Its name.
    pub id: SessionId,
    /// From the configuration.
    pub description: Option<String>,
    /// Its state.
    pub state: SessionState,
    /// When it last went up or down.
    pub since: u64,
    /// How long ago that was.
    pub age: u64,
    /// The number of the connection, or of the next one while there is none; 1 is the first.
    pub generation: u64,
    /// Our end of the connection.
    pub local: Option<SocketAddr>,
    /// The station's end, as it runs.
    pub remote: SocketAddr,
    /// Time to the next attempt to connect, while idle.
    pub next_attempt: Option<u64>,
    /// Attempts to connect since the last connection.
    pub attempts: u64,
    /// The last end of a connection.
    pub last_down: Option<LastDown>,
    /// The last attempt that failed since then.
    pub last_failure: Option<LastDown>,
    /// The last reset.
    pub last_reset: Option<LastReset>,
    /// What was sent on this connection, or on the last one if there is none.
    pub sent: Sent,
    /// Routes still to be sent on this connection.
    pub routes_to_send: u64,
    /// Bytes encoded and not yet taken by the system.
    pub bytes_buffered: u64,
    /// Bytes in the system's send queue that the station has not acknowledged.
    pub bytes_unacknowledged: u64,
    /// How long the station has taken nothing while there was something to send.
    pub blocked: Option<u64>,
    /// Bytes that the station sent, which BMP does not provide for.
    pub bytes_ignored: u64,
    /// The time between Statistics Reports, s.
    pub statistics_timer: u64,
    /// Time to the next Statistics Report, while connected.
    pub next_statistics: Option<u64>,
}

/// The end of a connection, or of an attempt to make one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastDown {
    /// Why.
    pub reason: DownReason,
    /// The same with its details, for people.
    pub text: String,
    /// When.
    pub at: u64,
    /// How long ago.
    pub ago: u64,
}

/// Who reset a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastReset {
    /// The caller: user and process.
    pub by: String,
    /// When.
    pub at: u64,
    /// How long ago.
    pub ago: u64,
}

/// What was sent, by type of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sent {
    /// Initiation messages.
    pub initiation: u64,
    /// Peer Up messages.
    pub peer_up: u64,
    /// Peer Down messages.
    pub peer_down: u64,
    /// Route Monitoring messages, End-of-RIBs among them.
    pub route_monitoring: u64,
    /// Statistics Reports.
    pub statistics_report: u64,
    /// Termination messages.
    pub termination: u64,
    /// Routes announced.
    pub routes_announced: u64,
    /// Routes withdrawn.
    pub routes_withdrawn: u64,
    /// End-of-RIBs.
    pub end_of_rib: u64,
    /// Bytes that the system took.
    pub bytes: u64,
}

/// The state of a neighbor (RFC 4271 section 8.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NeighborState {
    /// Waiting for the next attempt.
    Idle,
    /// An attempt to connect is under way.
    Connect,
    /// Waiting for the neighbor to connect.
    Active,
    /// Our OPEN is sent.
    OpenSent,
    /// Both OPENs are known.
    OpenConfirm,
    /// Up.
    Established,
}

/// One BGP neighbor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeighborReport {
    /// Its address.
    pub address: IpAddr,
    /// Its AS number as configured.
    pub remote_as: u32,
    /// From the configuration.
    pub description: Option<String>,
    /// Its state.
    pub state: NeighborState,
    /// When it last went up or down.
    pub since: u64,
    /// How long ago that was.
    pub age: u64,
    /// Its BGP Identifier, while up.
    pub bgp_id: Option<Ipv4Addr>,
    /// The negotiated hold time, s, while up.
    pub hold_time: Option<u16>,
    /// The families: those negotiated while up, those configured while down.
    pub families: Vec<FamilyReport>,
    /// UPDATE messages in this session.
    pub updates: u64,
    /// UPDATE messages treated as withdrawals (RFC 7606) in this session.
    pub updates_treated_as_withdraw: u64,
    /// Sessions that came up since bmpd started.
    pub established_count: u64,
    /// Time to the next attempt, while idle.
    pub next_attempt: Option<u64>,
    /// The last end of a session.
    pub last_down: Option<NeighborError>,
    /// The last error since then: an attempt that failed, an OPEN that did not fit.
    pub last_error: Option<NeighborError>,
}

/// What happened to a neighbor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeighborError {
    /// What happened, for people.
    pub text: String,
    /// When.
    pub at: u64,
    /// How long ago.
    pub ago: u64,
}

/// One family of a neighbor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FamilyReport {
    /// Its name, such as `ipv4-unicast`.
    pub name: String,
    /// Routes in Adj-RIB-In.
    pub routes: u64,
    /// True if the End-of-RIB came, or the neighbor has gone quiet without one.
    pub end_of_rib: bool,
}
