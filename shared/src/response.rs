//! What bmpd answers.
//!
//! Times are milliseconds since the epoch; ages and countdowns are milliseconds by bmpd's steady clock,
//! so that they stay right when the wall clock is set.
//!
//! The reports are also what `bmpctl show --json` prints: fields have their names from here, states and
//! reasons are words such as `closed-by-station`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::names::{NeighborId, Selector, SessionId, VpnInstanceName};
use crate::request::Level;

/// The answer to one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// To [`crate::request::Request::ResetSession`]: every selected session, in their order. With a
    /// stagger there is one such response for each session, when its turn has come.
    Reset {
        /// What became of the sessions.
        outcomes: Vec<ResetOutcome>,
        /// How many sessions are still to come, each with a response of its own.
        to_come: u32,
    },
    /// To [`crate::request::Request::Reload`].
    Reloaded(ReloadReport),
    /// To [`crate::request::Request::ShowSession`]: in their order.
    Sessions(Vec<SessionReport>),
    /// To [`crate::request::Request::ShowNeighbor`].
    Neighbors {
        /// In the order of the configuration, those of a prefix by address.
        neighbors: Vec<NeighborReport>,
        /// The prefixes that neighbors can come from, in the order of the configuration.
        prefixes: Vec<PrefixReport>,
    },
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
    /// True if the station is to connect to us, at `remote`'s port of ours.
    pub passive: bool,
    /// Parameters that are in effect now and were not before.
    pub changes: Vec<Change>,
}

/// A parameter that is different. Keys are masked: `***`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its key in the configuration file, such as `tcp.connect-port`.
    pub key: String,
    /// What it was.
    pub old: String,
    /// What it is, or will be.
    pub new: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, old, new } = self;
        write!(f, "{key} {old} -> {new}")
    }
}

/// What a reload did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadReport {
    /// True if nothing was done: this is the plan.
    pub dry_run: bool,
    /// The file that was read.
    pub file: String,
    /// What is different, in the order in which it is applied; empty if nothing is.
    pub items: Vec<ReloadItem>,
    /// What is allowed and probably not what was meant; a sentence each.
    pub warnings: Vec<String>,
}

/// One thing that is different in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadItem {
    /// What it is about.
    pub subject: ReloadSubject,
    /// What becomes of it.
    pub action: ReloadAction,
    /// Parameters that are different.
    pub changes: Vec<Change>,
}

/// What an item of a reload is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReloadSubject {
    /// A BMP session.
    Session(SessionId),
    /// A `[[bgp.neighbor]]`: its address or prefix, and its VPN instance if it is in one.
    Neighbor(String),
    /// A place where BGP neighbors connect to, such as `192.0.2.1:179`.
    Listener(String),
    /// The daemon itself.
    Daemon,
}

impl fmt::Display for ReloadSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReloadSubject::Session(id) => write!(f, "session {id}"),
            ReloadSubject::Neighbor(name) => write!(f, "neighbor {name}"),
            ReloadSubject::Listener(address) => write!(f, "listening for BGP at {address}"),
            ReloadSubject::Daemon => f.write_str("bmpd"),
        }
    }
}

/// What becomes of the subject of a [`ReloadItem`]. Stable: scripts may depend on the variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReloadAction {
    /// It is new and begins.
    Start,
    /// It is gone from the file and ends.
    End,
    /// Its parameters take effect at once; nothing is interrupted.
    Apply,
    /// Its parameters wait for a `reset session`, or for the next connection.
    Pending,
    /// It ends and begins again with its new parameters.
    Restart,
    /// Only a restart of bmpd makes its parameters effective.
    RestartDaemon,
}

/// The state of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionState {
    /// No connection; waiting for the next attempt.
    Idle,
    /// An attempt to connect is under way.
    Connecting,
    /// The station is to connect to us.
    Listening,
    /// Connected; the station has not yet been sent every route and End-of-RIB of every neighbor that is
    /// up.
    Synchronising,
    /// Connected, and the station has been sent all that.
    Established,
    /// The configuration wants no connection (`shutdown = true`).
    Shutdown,
}

/// Why a connection ended or did not come up. Stable: scripts may depend on the variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
    /// The device of the VPN instance, or the source interface, does not exist.
    NoDevice,
    /// The network namespace of the VPN instance does not exist.
    NoNamespace,
    /// The system does not let bmpd do what the parameters ask for.
    NotPermitted,
    /// The system lacks what the parameters ask for, such as TCP-AO.
    Unsupported,
    /// The TLS handshake failed, or the connection broke the rules of TLS.
    TlsFailed,
    /// The station of a passive session has made another connection.
    Replaced,
    /// The configuration has changed so that there is to be no such connection.
    Configuration,
    /// bmpd stops.
    Stopping,
    /// Any other error of the system.
    Other,
}

impl DownReason {
    /// The reason as scripts know it.
    pub fn word(self) -> &'static str {
        match self {
            DownReason::Reset => "reset",
            DownReason::ClosedByStation => "closed-by-station",
            DownReason::ConnectionReset => "connection-reset",
            DownReason::Refused => "refused",
            DownReason::Unreachable => "unreachable",
            DownReason::TimedOut => "timed-out",
            DownReason::Stalled => "stalled",
            DownReason::FellBehind => "fell-behind",
            DownReason::NoDevice => "no-device",
            DownReason::NoNamespace => "no-namespace",
            DownReason::NotPermitted => "not-permitted",
            DownReason::Unsupported => "unsupported",
            DownReason::TlsFailed => "tls-failed",
            DownReason::Replaced => "replaced",
            DownReason::Configuration => "configuration",
            DownReason::Stopping => "stopping",
            DownReason::Other => "other",
        }
    }
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
    /// Why it is in this state; a few words for people.
    pub why: String,
    /// Since when it is in this state.
    pub state_since: u64,
    /// How long ago that was.
    pub state_age: u64,
    /// When it last went up or down.
    pub since: u64,
    /// How long ago that was.
    pub age: u64,
    /// Parameters as configured that differ from those of the running connection: a reset, or the next
    /// connection, puts them into effect.
    pub pending: Vec<Change>,
    /// True if the station connects to us.
    pub passive: bool,
    /// True if the connection is, or is to be, one of TLS.
    pub tls: bool,
    /// What the VPN instance stands for, such as `the device vrf-mgmt`.
    pub place: String,
    /// Connections of others to the port of a passive session, which were refused.
    pub strangers_refused: u64,
    /// The number of the connection, or of the next one while there is none; 1 is the first.
    pub generation: u64,
    /// Our end of the connection; of a passive session without one, where it waits for the station.
    pub local: Option<SocketAddr>,
    /// The station's end, as it runs. While a passive session has no connection the port is ours, that
    /// the station is to connect to.
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
    /// How often writes were blocked on this connection: the system had no room.
    pub blocked_times: u64,
    /// For how long in all.
    pub blocked_for: u64,
    /// How many peers the station is told of, by family.
    pub monitored: Vec<MonitoredFamily>,
    /// When each End-of-RIB was sent on this connection, of the neighbors that are up; only for a session
    /// that was asked for by its name.
    pub end_of_ribs: Vec<EndOfRibSent>,
    /// Bytes that the station sent, which BMP does not provide for.
    pub bytes_ignored: u64,
    /// The time between Statistics Reports, s.
    pub statistics_timer: u64,
    /// Time to the next Statistics Report, while connected.
    pub next_statistics: Option<u64>,
}

/// What a station is told of in one family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonitoredFamily {
    /// The family, such as `ipv4-unicast`.
    pub family: String,
    /// How many peers with it are up and monitored.
    pub peers: u32,
}

/// An End-of-RIB that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndOfRibSent {
    /// Of which neighbor.
    pub neighbor: NeighborId,
    /// Of which family, such as `ipv4-unicast`.
    pub family: String,
    /// When.
    pub at: u64,
    /// How long ago.
    pub ago: u64,
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

impl ReloadAction {
    /// The action as scripts know it.
    pub fn word(self) -> &'static str {
        match self {
            ReloadAction::Start => "start",
            ReloadAction::End => "end",
            ReloadAction::Apply => "apply",
            ReloadAction::Pending => "pending",
            ReloadAction::Restart => "restart",
            ReloadAction::RestartDaemon => "restart-daemon",
        }
    }
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
#[serde(rename_all = "kebab-case")]
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
    /// The VPN instance that it is in; `None` is the public one.
    pub vpn_instance: Option<VpnInstanceName>,
    /// True if it is one of a prefix.
    pub dynamic: bool,
    /// Its AS number; 0 for one of any AS that is not up.
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
    /// Time for which its routes are still kept, while it restarts (RFC 4724).
    pub restarting: Option<u64>,
    /// True if it has, or had when its session was ended for that, more routes than `maximum-routes`.
    pub maximum_routes_exceeded: bool,
    /// Sessions that came up since bmpd started.
    pub established_count: u64,
    /// Time to the next attempt, while idle.
    pub next_attempt: Option<u64>,
    /// The last end of a session.
    pub last_down: Option<NeighborError>,
    /// The last error since then: an attempt that failed, an OPEN that did not fit.
    pub last_error: Option<NeighborError>,
}

/// One prefix that neighbors can come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefixReport {
    /// The prefix, such as `192.0.2.0/24`.
    pub prefix: String,
    /// The VPN instance that it is in; `None` is the public one.
    pub vpn_instance: Option<VpnInstanceName>,
    /// How many neighbors of it there are.
    pub neighbors: u32,
    /// How many there can be.
    pub maximum: u32,
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
    /// True if its routes have path identifiers (ADD-PATH).
    pub add_path: bool,
    /// True if the End-of-RIB came, or the neighbor has gone quiet without one.
    pub end_of_rib: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words are those of the JSON, too.
    #[test]
    fn every_reason_has_one_word_however_it_is_shown() {
        use DownReason::*;
        let all = [
            Reset,
            ClosedByStation,
            ConnectionReset,
            Refused,
            Unreachable,
            TimedOut,
            Stalled,
            FellBehind,
            NoDevice,
            NoNamespace,
            NotPermitted,
            Unsupported,
            TlsFailed,
            Replaced,
            Configuration,
            Stopping,
            Other,
        ];
        for reason in all {
            assert_eq!(serde_json::to_string(&reason).unwrap(), format!("\"{}\"", reason.word()));
        }
    }
}
