//! What a session says of itself.

use shared::names::{NeighborId, RouterId};
use shared::response::{
    EndOfRibSent, LastDown, LastReset, MonitoredFamily, Progress, SessionEntry, SessionReport,
    SessionState,
};
use shared::time::Span;

use super::Task;
use crate::moment::{Moment, span_until};
use crate::routers::TableId;
use crate::sinks::station::Reached;
use crate::sinks::station::down::Down;
use crate::sinks::station::leg::connection::Connection;
use crate::sinks::station::leg::fsm::State;
use crate::sinks::station::passive::Registration;

impl Task {
    /// True if the station was sent all that there is of the neighbors that are up now.
    pub(super) fn is_synchronised(&self) -> bool {
        self.connection.as_ref().is_some_and(Connection::is_synchronised)
    }

    /// The state for those who ask; `synchronised` is what [`Task::is_synchronised`] says once everything
    /// was sent on this connection.
    pub(super) fn state(&self, synchronised: bool) -> SessionState {
        match self.fsm.state() {
            State::Idle | State::NoRouter | State::Stopped => SessionState::Idle,
            State::Shutdown => SessionState::Shutdown,
            State::Connecting if self.is_passive() => SessionState::Listening,
            State::Connecting => SessionState::Connecting,
            State::Up { synchronised: true } if synchronised => SessionState::Established,
            State::Up { .. } => SessionState::Synchronising,
        }
    }

    /// The state as it is reported now.
    pub(super) fn shown_state(&self) -> SessionState {
        self.state(self.is_synchronised())
    }

    /// Describes the session in a few words.
    pub(super) fn entry(&self) -> SessionEntry {
        SessionEntry {
            id: self.id().clone(),
            state: Some(self.shown_state()),
            description: self.parameters.session.description.clone(),
        }
    }

    /// Says how far the session is.
    pub(super) fn reached(&self) -> Reached {
        let connection = self.connection.as_ref();
        let refused = || Some(self.history.failures.last()?.0.to_string());
        let why = match self.fsm.state() {
            // What the station tried and was refused leaves it in its state.
            State::Connecting if self.is_passive() => refused(),
            _ => None,
        };
        let progress = Progress {
            id: self.id().clone(),
            router: self.router.id().clone(),
            generation: self.fsm.generation(),
            state: self.shown_state(),
            why: why.unwrap_or_else(|| self.history.why.clone()),
            routes_sent: connection.map_or(0, |connection| connection.sent().routes_announced),
            routes_to_send: connection.map_or(0, Connection::routes_to_send),
            bytes_sent: connection.map_or(0, |connection| connection.sent().bytes),
            end: None,
        };
        Reached { progress, synchronised: self.history.synchronised_generation }
    }

    /// Describes the session, with `detailed` also each neighbor and End-of-RIB.
    pub(super) fn report(&self, detailed: bool) -> SessionReport {
        let connection = self.connection.as_ref();
        let end_of_rib = |(neighbor, table, at): (&NeighborId, TableId, &Moment)| EndOfRibSent {
            router: self.router.id().clone(),
            neighbor: neighbor.clone(),
            view: table.view.name().to_owned(),
            family: table.family.to_string(),
            at: at.timestamp(),
            ago: Span::of(at.age()),
        };
        let ends = connection.filter(|_| detailed).into_iter().flat_map(Connection::end_of_ribs);
        let session = &self.parameters.session;
        let synchronised = self.is_synchronised();
        let synchronised_since = match self.history.synchronised {
            (seen, since) if seen == synchronised => since,
            // It has just changed.
            _ => Moment::now(),
        };
        SessionReport {
            id: self.id().clone(),
            description: session.description.clone(),
            state: self.state(synchronised),
            why: self.history.why.clone(),
            state_since: self.history.state_since.timestamp(),
            state_age: Span::of(self.history.state_since.age()),
            synchronised,
            synchronised_since: synchronised_since.timestamp(),
            synchronised_age: Span::of(synchronised_since.age()),
            since: self.history.since.timestamp(),
            age: Span::of(self.history.since.age()),
            pending: self.parameters.changes(&self.configured, None),
            passive: self.is_passive(),
            tls: session.tls.is_some(),
            place: session.place.to_string(),
            unknown_peers_refused: self
                .registration
                .as_ref()
                .map_or(0, Registration::unknown_peers_refused),
            generation: self.fsm.generation(),
            local: match connection {
                Some(connection) => connection.local(),
                None => self.registration.as_ref().map(Registration::address),
            },
            remote: self.remote(),
            next_attempt: self.timers.retry_at.filter(|_| connection.is_none()).map(span_until),
            attempts: self.history.attempts,
            last_down: self.history.last_down.as_ref().map(described),
            last_failure: self.history.failures.last().map(described),
            earlier_failure: self.history.failures.earlier_cause().map(described),
            last_reset: self.history.last_reset.as_ref().map(|(by, at)| LastReset {
                by: by.clone(),
                at: at.timestamp(),
                ago: Span::of(at.age()),
            }),
            sent: connection.map_or(self.history.last_sent, Connection::sent),
            routes_to_send: connection.map_or(0, Connection::routes_to_send),
            bytes_buffered: connection.map_or(0, Connection::bytes_buffered),
            bytes_unacknowledged: connection.map_or(0, Connection::bytes_unacknowledged),
            blocked: connection.and_then(Connection::blocked).map(Span::of),
            blocked_times: connection.map_or(0, Connection::blocked_times),
            blocked_for: connection
                .map_or(Span(0), |connection| Span::of(connection.blocked_for())),
            end_of_ribs: ends.map(end_of_rib).collect(),
            monitored: connection
                .map(Connection::monitored)
                .unwrap_or_default()
                .into_iter()
                .map(|(family, neighbors)| MonitoredFamily {
                    family: family.to_string(),
                    peers: neighbors.len() as u32,
                    neighbors: neighbors.into_iter().filter(|_| detailed).cloned().collect(),
                })
                .collect(),
            bytes_ignored: connection.map_or(0, Connection::bytes_ignored),
            statistics_timer: session.statistics_timer.as_secs(),
            next_statistics: connection
                .filter(|_| *self.router.id() == RouterId::Local)
                .map(|c| span_until(c.next_statistics())),
            carries_routers: false,
            legs_wanted: 1,
            legs_up: 0,
            legs: Vec::new(),
        }
    }
}

fn described((down, at): &(Down, Moment)) -> LastDown {
    LastDown {
        reason: down.reason(),
        text: down.to_string(),
        at: at.timestamp(),
        ago: Span::of(at.age()),
    }
}
