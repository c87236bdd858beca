//! The report of a BMP session.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::names::{NeighborId, RouterId, SessionId};
use crate::request::Condition;
use crate::state::SessionState;
use crate::time::{Span, Timestamp};

/// Why a connection ended or did not come up. Stable: scripts may depend on the variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// The router that the leg carries is gone: it has ended its BMP session, or was lost for `hold-time`.
    RouterGone,
    /// A mistake of bmpd: its log says more.
    InternalError,
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
            DownReason::InternalError => "internal-error",
            DownReason::NoDevice => "no-device",
            DownReason::NoNamespace => "no-namespace",
            DownReason::NotPermitted => "not-permitted",
            DownReason::Unsupported => "unsupported",
            DownReason::TlsFailed => "tls-failed",
            DownReason::Replaced => "replaced",
            DownReason::Configuration => "configuration",
            DownReason::Stopping => "stopping",
            DownReason::RouterGone => "router-gone",
            DownReason::Other => "other",
        }
    }
}

/// One session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    pub state_since: Timestamp,
    /// How long ago that was.
    pub state_age: Span,
    /// True if the station was sent every route and End-of-RIB of every peer that is up; of a session with several legs,
    /// if that is so of each whose router is there. It stays true while routes change.
    pub synchronised: bool,
    /// Since when `synchronised` is as it is.
    pub synchronised_since: Timestamp,
    /// How long ago that was.
    pub synchronised_age: Span,
    /// When it last went up or down.
    pub since: Timestamp,
    /// How long ago that was.
    pub age: Span,
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
    pub unknown_peers_refused: u64,
    /// The number of the connection, or of the next one while there is none; 1 is the first.
    pub generation: u64,
    /// Our end of the connection; of a passive session without one, where it waits for the station.
    pub local: Option<SocketAddr>,
    /// The station's end, as it runs. While a passive session has no connection the port is ours, that
    /// the station is to connect to.
    pub remote: SocketAddr,
    /// Time to the next attempt to connect, while idle.
    pub next_attempt: Option<Span>,
    /// Attempts to connect since the last connection.
    pub attempts: u64,
    /// The last end of a connection.
    pub last_down: Option<LastDown>,
    /// The last attempt that failed since then.
    pub last_failure: Option<LastDown>,
    /// The last attempt before that one whose failure names a cause, such as a certificate, if `last_failure`
    /// only says that there is no connection.
    pub earlier_failure: Option<LastDown>,
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
    pub blocked: Option<Span>,
    /// How often writes were blocked on this connection: the system had no room.
    pub blocked_times: u64,
    /// For how long in all.
    pub blocked_for: Span,
    /// How many peers the station is sent, by family.
    pub monitored: Vec<MonitoredFamily>,
    /// When each End-of-RIB was sent on this connection, of the neighbors that are up; only for a session
    /// that was asked for by its name.
    pub end_of_ribs: Vec<EndOfRibSent>,
    /// Bytes that the station sent, which BMP does not provide for.
    pub bytes_ignored: u64,
    /// The time between Statistics Reports, s.
    pub statistics_timer: u64,
    /// Time to the next Statistics Report, while connected.
    pub next_statistics: Option<Span>,
    /// True if the configuration has it sent routers other than bmpd itself, whether they are there or not.
    pub carries_routers: bool,
    /// How many connections it is to have: one for each router that is there and that it is sent.
    pub legs_wanted: u32,
    /// How many of them are up.
    pub legs_up: u32,
    /// Its legs, one for each router that it is sent; only for a session that was asked for by its name.
    pub legs: Vec<LegReport>,
}

impl SessionReport {
    /// For how long it has not been synchronised although it is to be; `None` if it is, if it is shut down, or if there is no
    /// router that it is to be sent.
    pub fn not_synchronised_for(&self) -> Option<Span> {
        let is_wanted = self.legs_wanted > 0 && self.state != SessionState::Shutdown;
        (is_wanted && !self.synchronised).then_some(self.synchronised_age)
    }

    /// True if the condition holds for it.
    pub fn is_in(&self, condition: &Condition) -> bool {
        let Condition { states, pending, not_synchronised } = condition;
        (states.is_empty() || states.contains(&self.state))
            && (!pending || !self.pending.is_empty())
            && not_synchronised
                .is_none_or(|time| self.not_synchronised_for().is_some_and(|lasted| lasted >= time))
    }
}

/// The connection of a session that carries one router.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LegReport {
    /// The router; `local` is bmpd itself.
    pub router: RouterId,
    /// Its state.
    pub state: SessionState,
    /// Why it is in this state; a few words for people.
    pub why: String,
    /// True if the station was sent every route and End-of-RIB of every peer of the router that is up.
    pub synchronised: bool,
    /// Since when `synchronised` is as it is.
    pub synchronised_since: Timestamp,
    /// How long ago that was.
    pub synchronised_age: Span,
    /// When it last went up or down.
    pub since: Timestamp,
    /// How long ago that was.
    pub age: Span,
    /// The number of the connection, or of the next one while there is none; 1 is the first.
    pub generation: u64,
    /// Our end of the connection.
    pub local: Option<SocketAddr>,
    /// The last end of a connection.
    pub last_down: Option<LastDown>,
    /// The last attempt that failed since then.
    pub last_failure: Option<LastDown>,
    /// What was sent on this connection, or on the last one if there is none.
    pub sent: Sent,
    /// Routes still to be sent on this connection.
    pub routes_to_send: u64,
}

/// What a station is sent of one family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MonitoredFamily {
    /// The family, such as `ipv4-unicast`.
    pub family: String,
    /// How many peers with it are up and monitored.
    pub peers: u32,
    /// Which; only for a session that was asked for by its name.
    pub neighbors: Vec<NeighborId>,
}

/// An End-of-RIB that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EndOfRibSent {
    /// Of which router; `local` is bmpd itself.
    pub router: RouterId,
    /// Of which neighbor, or peer of the router.
    pub neighbor: NeighborId,
    /// Of which view, such as `adj-rib-in-pre-policy`.
    pub view: String,
    /// Of which family, such as `ipv4-unicast`.
    pub family: String,
    /// When.
    pub at: Timestamp,
    /// How long ago.
    pub ago: Span,
}

/// The end of a connection, or of an attempt to make one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LastDown {
    /// Why.
    pub reason: DownReason,
    /// The same with its details, for people.
    pub text: String,
    /// When.
    pub at: Timestamp,
    /// How long ago.
    pub ago: Span,
}

/// Who reset a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LastReset {
    /// The caller: user and process.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// How long ago.
    pub ago: Span,
}

/// What was sent, by type of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// Route Mirroring messages of a router, passed on as they came.
    pub route_mirroring: u64,
    /// Termination messages.
    pub termination: u64,
    /// Messages of types that are not known, passed on as they came.
    pub unknown: u64,
    /// Routes announced.
    pub routes_announced: u64,
    /// Routes withdrawn.
    pub routes_withdrawn: u64,
    /// End-of-RIBs.
    pub end_of_rib: u64,
    /// Neighbors that were sent from the beginning again, as the station had fallen too far behind.
    pub neighbors_resent: u64,
    /// Messages to be passed on as they came that were left out, as the station was too slow for them.
    pub messages_lost: u64,
    /// Bytes that the system took, or the client library of a message bus.
    pub bytes: u64,
}

impl Sent {
    /// The sum of two.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            initiation: self.initiation + other.initiation,
            peer_up: self.peer_up + other.peer_up,
            peer_down: self.peer_down + other.peer_down,
            route_monitoring: self.route_monitoring + other.route_monitoring,
            statistics_report: self.statistics_report + other.statistics_report,
            route_mirroring: self.route_mirroring + other.route_mirroring,
            termination: self.termination + other.termination,
            unknown: self.unknown + other.unknown,
            routes_announced: self.routes_announced + other.routes_announced,
            routes_withdrawn: self.routes_withdrawn + other.routes_withdrawn,
            end_of_rib: self.end_of_rib + other.end_of_rib,
            neighbors_resent: self.neighbors_resent + other.neighbors_resent,
            messages_lost: self.messages_lost + other.messages_lost,
            bytes: self.bytes + other.bytes,
        }
    }
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
            InternalError,
            NoDevice,
            NoNamespace,
            NotPermitted,
            Unsupported,
            TlsFailed,
            Replaced,
            Configuration,
            Stopping,
            RouterGone,
            Other,
        ];
        for reason in all {
            assert_eq!(serde_json::to_string(&reason).unwrap(), format!("\"{}\"", reason.word()));
        }
    }
}
