//! The report of a session, from those of its legs.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use shared::names::{RouterId, SessionId};
use shared::response::{
    LegReport, MonitoredFamily, Sent, SessionReport, SessionState, SessionStatistics,
};
use shared::time::{Span, Timestamp};

use super::leg::Leg;
use super::parameters::Parameters;
use crate::config::Mode;
use crate::moment::Moment;

/// The state of a session whose legs have these: that of the leg that is furthest from what is wanted, of those whose
/// router is there. `None` without legs.
pub(super) fn combined(states: Vec<(bool, SessionState)>) -> Option<SessionState> {
    let worst = |with_router: bool| {
        let of_it = states.iter().filter(|(has_router, _)| *has_router == with_router);
        of_it.map(|(_, state)| *state).max_by_key(|state| rank(*state))
    };
    worst(true).or_else(|| worst(false))
}

/// How far a state is from what is wanted.
fn rank(state: SessionState) -> usize {
    SessionState::ALL.iter().position(|other| *other == state).unwrap_or_default()
}

/// The report of a session that is configured so, from those of its legs.
pub(super) fn of_session(
    configured: &Parameters,
    reports: Vec<(Leg, SessionReport)>,
    detailed: bool,
) -> SessionReport {
    let legs: Vec<LegReport> =
        reports.iter().map(|(leg, report)| of_leg(leg.id().router.clone(), report)).collect();
    let wanted = reports.iter().filter(|(leg, _)| leg.has_router()).count() as u32;
    let up = reports.iter().filter(|(_, report)| report.state.is_up()).count() as u32;
    let is_only_local =
        reports.len() == 1 && reports.iter().all(|(leg, _)| leg.id().router == RouterId::Local);
    let worst = (0..reports.len()).max_by_key(|number| {
        reports.get(*number).map(|(leg, report)| (leg.has_router(), rank(report.state)))
    });
    let synchronised =
        synchronised(reports.iter().filter(|(leg, _)| leg.has_router()).map(|(_, report)| {
            (report.synchronised, report.synchronised_since, report.synchronised_age)
        }));
    let carries_routers = reports.iter().any(|(leg, _)| leg.id().router != RouterId::Local);
    let mut rest: Vec<(RouterId, SessionReport)> =
        reports.into_iter().map(|(leg, report)| (leg.id().router.clone(), report)).collect();
    let mut sum = match worst {
        Some(number) => {
            let (router, mut report) = rest.remove(number);
            if !is_only_local {
                report.why = format!("router {router}: {}", report.why);
            }
            report
        }
        None => without_legs(configured),
    };
    for (_, report) in rest {
        add(&mut sum, report);
    }
    if let Some((is, since, age)) = synchronised {
        (sum.synchronised, sum.synchronised_since, sum.synchronised_age) = (is, since, age);
    }
    SessionReport {
        // Without any leg it waits for one of a router.
        carries_routers: carries_routers || legs.is_empty(),
        legs_wanted: wanted,
        legs_up: up,
        legs: if detailed { legs } else { Vec::new() },
        ..sum
    }
}

/// Whether all of these are synchronised, since when, and how long ago that was; `None` of none.
fn synchronised(
    legs: impl Iterator<Item = (bool, Timestamp, Span)>,
) -> Option<(bool, Timestamp, Span)> {
    // If one is not: since the one that has not been for the longest time. If all are: since the last one is.
    legs.reduce(|one, other| match (one.0, other.0) {
        (true, false) => other,
        (false, true) => one,
        (false, false) if other.2 > one.2 => other,
        (true, true) if other.2 < one.2 => other,
        _ => one,
    })
}

fn of_leg(router: RouterId, report: &SessionReport) -> LegReport {
    LegReport {
        router,
        state: report.state,
        why: report.why.clone(),
        synchronised: report.synchronised,
        synchronised_since: report.synchronised_since,
        synchronised_age: report.synchronised_age,
        since: report.since,
        age: report.age,
        generation: report.generation,
        local: report.local,
        last_down: report.last_down.clone(),
        last_failure: report.last_failure.clone(),
        sent: report.sent,
        routes_to_send: report.routes_to_send,
    }
}

/// The report of a session that has no router to send.
fn without_legs(configured: &Parameters) -> SessionReport {
    let session = &configured.session;
    let (state, why) = match session.shutdown {
        true => (SessionState::Shutdown, "shut down in the configuration"),
        false => (SessionState::Idle, "there is no router that it is to be sent"),
    };
    let now = Moment::now();
    let (at, age) = (now.timestamp(), Span::of(now.age()));
    SessionReport {
        id: session.id.clone(),
        description: session.description.clone(),
        state,
        why: why.to_owned(),
        state_since: at,
        state_age: age,
        synchronised: false,
        synchronised_since: at,
        synchronised_age: age,
        since: at,
        age,
        pending: Vec::new(),
        passive: matches!(session.mode, Mode::Passive(_)),
        tls: session.tls.is_some(),
        place: session.place.to_string(),
        unknown_peers_refused: 0,
        generation: 1,
        local: None,
        remote: SocketAddr::new(session.id.address.ip(), session.mode.port().get()),
        next_attempt: None,
        attempts: 0,
        last_down: None,
        last_failure: None,
        earlier_failure: None,
        last_reset: None,
        sent: Sent::default(),
        routes_to_send: 0,
        bytes_buffered: 0,
        bytes_unacknowledged: 0,
        blocked: None,
        blocked_times: 0,
        blocked_for: Span(0),
        monitored: Vec::new(),
        end_of_ribs: Vec::new(),
        bytes_ignored: 0,
        statistics_timer: session.statistics_timer.as_secs(),
        next_statistics: None,
        carries_routers: false,
        legs_wanted: 0,
        legs_up: 0,
        legs: Vec::new(),
    }
}

/// Adds what another leg has done.
fn add(sum: &mut SessionReport, other: SessionReport) {
    sum.unknown_peers_refused = sum.unknown_peers_refused.max(other.unknown_peers_refused);
    sum.attempts += other.attempts;
    sum.sent = sent(&sum.sent, &other.sent);
    sum.routes_to_send += other.routes_to_send;
    sum.bytes_buffered += other.bytes_buffered;
    sum.bytes_unacknowledged += other.bytes_unacknowledged;
    sum.blocked = sum.blocked.max(other.blocked);
    sum.blocked_times += other.blocked_times;
    sum.blocked_for = Span(sum.blocked_for.0.saturating_add(other.blocked_for.0));
    sum.bytes_ignored += other.bytes_ignored;
    sum.end_of_ribs.extend(other.end_of_ribs);
    sum.next_statistics = match (sum.next_statistics, other.next_statistics) {
        (Some(one), Some(another)) => Some(one.min(another)),
        (one, another) => one.or(another),
    };
    for pending in other.pending {
        if !sum.pending.contains(&pending) {
            sum.pending.push(pending);
        }
    }
    let mut monitored: BTreeMap<String, MonitoredFamily> = BTreeMap::new();
    let families = std::mem::take(&mut sum.monitored).into_iter().chain(other.monitored);
    for MonitoredFamily { family, peers, neighbors } in families {
        let of_it = monitored.entry(family.clone()).or_insert_with(|| MonitoredFamily {
            family,
            peers: 0,
            neighbors: Vec::new(),
        });
        of_it.peers += peers;
        of_it.neighbors.extend(neighbors);
    }
    sum.monitored = monitored.into_values().collect();
}

fn sent(one: &Sent, other: &Sent) -> Sent {
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
    } = *other;
    Sent {
        initiation: one.initiation + initiation,
        peer_up: one.peer_up + peer_up,
        peer_down: one.peer_down + peer_down,
        route_monitoring: one.route_monitoring + route_monitoring,
        statistics_report: one.statistics_report + statistics_report,
        route_mirroring: one.route_mirroring + route_mirroring,
        termination: one.termination + termination,
        unknown: one.unknown + unknown,
        routes_announced: one.routes_announced + routes_announced,
        routes_withdrawn: one.routes_withdrawn + routes_withdrawn,
        end_of_rib: one.end_of_rib + end_of_rib,
        neighbors_resent: one.neighbors_resent + neighbors_resent,
        messages_lost: one.messages_lost + messages_lost,
        bytes: one.bytes + bytes,
    }
}

/// The counters of a session that has no legs.
pub(super) fn nothing_counted(id: &SessionId) -> SessionStatistics {
    let now = Moment::now();
    SessionStatistics {
        id: id.clone(),
        since: now.timestamp(),
        age: Span::of(now.age()),
        cleared_by: None,
        sent: Sent::default(),
        connections: 0,
        failed_attempts: 0,
        resets: 0,
        downs: Vec::new(),
        blocked_times: 0,
        blocked_for: Span(0),
        bytes_ignored: 0,
        neighbor_sessions_skipped: 0,
        unknown_peers_refused: 0,
    }
}

/// The counters of two legs together.
pub(super) fn added(one: SessionStatistics, other: SessionStatistics) -> SessionStatistics {
    let mut downs = one.downs;
    for down in other.downs {
        match downs.iter_mut().find(|known| known.reason == down.reason) {
            Some(known) => known.count += down.count,
            None => downs.push(down),
        }
    }
    SessionStatistics {
        id: one.id,
        since: one.since,
        age: one.age,
        cleared_by: one.cleared_by.or(other.cleared_by),
        sent: sent(&one.sent, &other.sent),
        connections: one.connections + other.connections,
        failed_attempts: one.failed_attempts + other.failed_attempts,
        resets: one.resets + other.resets,
        downs,
        blocked_times: one.blocked_times + other.blocked_times,
        blocked_for: Span(one.blocked_for.0.saturating_add(other.blocked_for.0)),
        bytes_ignored: one.bytes_ignored + other.bytes_ignored,
        neighbor_sessions_skipped: one.neighbor_sessions_skipped + other.neighbor_sessions_skipped,
        unknown_peers_refused: one.unknown_peers_refused.max(other.unknown_peers_refused),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_as_far_as_the_last_of_its_legs_that_has_a_router() {
        use SessionState::{Connecting, Established, Idle, Synchronising};
        assert_eq!(combined(vec![]), None);
        assert_eq!(combined(vec![(true, Established), (true, Synchronising)]), Some(Synchronising));
        assert_eq!(combined(vec![(true, Established), (false, Idle)]), Some(Established));
        assert_eq!(combined(vec![(true, Idle), (true, Connecting)]), Some(Idle));
        assert_eq!(combined(vec![(false, Idle)]), Some(Idle));
    }
}
