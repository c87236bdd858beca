//! What a session counts over all of its connections.
//!
//! Connections and shared listeners count for themselves and begin at zero. What they had when they went is added up
//! here, and what they have when the statistics are cleared is taken off: clearing touches neither them
//! nor what the station is sent.

use std::collections::BTreeMap;

use shared::names::SessionId;
use shared::response::{DownCount, DownReason, Sent, SessionStatistics};
use shared::time::Span;

use super::Task;
use crate::moment::Moment;
use crate::sinks::station::leg::connection::{Connection, Count};
use crate::sinks::station::passive::Registration;

/// The counters since the session began, or since they were cleared.
#[derive(Debug)]
pub(super) struct Statistics {
    since: Moment,
    cleared_by: Option<String>,
    /// What connections that are over have counted.
    over: Count,
    /// What the present connection had counted before.
    before: Count,
    /// Unknown peers at shared listeners that the session has left, and those at the present one before.
    unknown_peers_over: u64,
    unknown_peers_before: u64,
    connections: u64,
    failed_attempts: u64,
    resets: u64,
    downs: BTreeMap<&'static str, DownCount>,
}

impl Statistics {
    /// Begins at zero.
    pub(super) fn new() -> Self {
        Self {
            since: Moment::now(),
            cleared_by: None,
            over: Count::default(),
            before: Count::default(),
            unknown_peers_over: 0,
            unknown_peers_before: 0,
            connections: 0,
            failed_attempts: 0,
            resets: 0,
            downs: BTreeMap::new(),
        }
    }

    /// A connection has come up.
    pub(super) fn connected(&mut self) {
        self.connections += 1;
    }

    /// A connection is over, having counted this.
    pub(super) fn over(&mut self, count: &Count) {
        self.over = self.over.plus(&count.minus(&self.before));
        self.before = Count::default();
    }

    /// A connection has ended for this reason.
    pub(super) fn down(&mut self, reason: DownReason) {
        self.downs.entry(reason.word()).or_insert(DownCount { reason, count: 0 }).count += 1;
    }

    /// An attempt to connect has failed.
    pub(super) fn failed(&mut self) {
        self.failed_attempts += 1;
    }

    /// The session was reset by command.
    pub(super) fn reset(&mut self) {
        self.resets += 1;
    }

    /// The session leaves a shared listener that has refused so many unknown peers meanwhile.
    pub(super) fn left_listener(&mut self, unknown_peers: u64) {
        self.unknown_peers_over += unknown_peers.saturating_sub(self.unknown_peers_before);
        self.unknown_peers_before = 0;
    }
}

impl Task {
    /// What the session has counted.
    pub(super) fn statistics(&self) -> SessionStatistics {
        let counted = &self.statistics;
        let now = self.connection.as_ref().map(Connection::count).unwrap_or_default();
        let count = counted.over.plus(&now.minus(&counted.before));
        let unknown_peers = self.unknown_peers().saturating_sub(counted.unknown_peers_before);
        SessionStatistics {
            id: SessionId::clone(self.id()),
            since: counted.since.timestamp(),
            age: Span::of(counted.since.age()),
            cleared_by: counted.cleared_by.clone(),
            sent: count.sent,
            connections: counted.connections,
            failed_attempts: counted.failed_attempts,
            resets: counted.resets,
            downs: counted.downs.values().copied().collect(),
            blocked_times: count.blocked_times,
            blocked_for: Span::of(count.blocked_for),
            bytes_ignored: count.bytes_ignored,
            neighbor_sessions_skipped: count.sessions_skipped,
            unknown_peers_refused: counted.unknown_peers_over + unknown_peers,
        }
    }

    /// Lets the session count from zero.
    pub(super) fn clear_statistics(&mut self, by: String) {
        self.statistics = Statistics {
            cleared_by: Some(by),
            before: self.connection.as_ref().map(Connection::count).unwrap_or_default(),
            unknown_peers_before: self.unknown_peers(),
            ..Statistics::new()
        };
    }

    fn unknown_peers(&self) -> u64 {
        self.registration.as_ref().map_or(0, Registration::unknown_peers_refused_meanwhile)
    }
}

impl Count {
    fn plus(&self, other: &Self) -> Self {
        self.with(other, u64::saturating_add, |a, b| a.saturating_add(b))
    }

    fn minus(&self, other: &Self) -> Self {
        self.with(other, u64::saturating_sub, |a, b| a.saturating_sub(b))
    }

    fn with(
        &self,
        other: &Self,
        numbers: fn(u64, u64) -> u64,
        times: fn(std::time::Duration, std::time::Duration) -> std::time::Duration,
    ) -> Self {
        // Written out, so that a new counter is not forgotten.
        let Sent {
            initiation,
            peer_up,
            peer_down,
            route_monitoring,
            statistics_report,
            route_mirroring,
            termination,
            unknown,
            routes_announced,
            routes_withdrawn,
            end_of_rib,
            neighbors_resent,
            messages_lost,
            bytes,
        } = other.sent;
        let sent = &self.sent;
        Self {
            sent: Sent {
                initiation: numbers(sent.initiation, initiation),
                peer_up: numbers(sent.peer_up, peer_up),
                peer_down: numbers(sent.peer_down, peer_down),
                route_monitoring: numbers(sent.route_monitoring, route_monitoring),
                statistics_report: numbers(sent.statistics_report, statistics_report),
                route_mirroring: numbers(sent.route_mirroring, route_mirroring),
                termination: numbers(sent.termination, termination),
                unknown: numbers(sent.unknown, unknown),
                routes_announced: numbers(sent.routes_announced, routes_announced),
                routes_withdrawn: numbers(sent.routes_withdrawn, routes_withdrawn),
                end_of_rib: numbers(sent.end_of_rib, end_of_rib),
                neighbors_resent: numbers(sent.neighbors_resent, neighbors_resent),
                messages_lost: numbers(sent.messages_lost, messages_lost),
                bytes: numbers(sent.bytes, bytes),
            },
            blocked_times: numbers(self.blocked_times, other.blocked_times),
            blocked_for: times(self.blocked_for, other.blocked_for),
            bytes_ignored: numbers(self.bytes_ignored, other.bytes_ignored),
            sessions_skipped: numbers(self.sessions_skipped, other.sessions_skipped),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(bytes: u64) -> Count {
        Count { sent: Sent { bytes, ..Sent::default() }, ..Count::default() }
    }

    #[test]
    fn what_was_counted_before_a_clear_is_not_counted_when_the_connection_is_over() {
        let mut statistics = Statistics { before: bytes(100), ..Statistics::new() };
        statistics.over(&bytes(130));
        assert_eq!(statistics.over.sent.bytes, 30);
        // The next connection begins at zero by itself.
        statistics.over(&bytes(7));
        assert_eq!(statistics.over.sent.bytes, 37);
    }

    #[test]
    fn unknown_peers_are_counted_over_all_registrations() {
        let mut statistics = Statistics { unknown_peers_before: 2, ..Statistics::new() };
        statistics.left_listener(5);
        statistics.left_listener(1);
        assert_eq!(statistics.unknown_peers_over, 4);
    }
}
