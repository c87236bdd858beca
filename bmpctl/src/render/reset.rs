//! What became of sessions that were reset, and what would become of them.

use shared::names::{LegId, RouterId, SessionId};
use shared::request::WhichLegs;
use shared::response::{Done, PlannedReset, ResetDone, ResetOutcome, ResetPlan};
use shared::time::Span;

use super::humanize::count;

/// Why a reset had nothing to do.
pub(crate) fn nothing(legs: &WhichLegs) -> &'static str {
    match legs.sessions.condition.is_none() {
        true => {
            "nothing to reset: none of the routers that the sessions are sent is connected; bmpctl show router says \
             why\n"
        }
        false => "no session is in that condition: nothing was reset\n",
    }
}

/// What a reset counts. As long as no router has come in, each session has one leg, and is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Sessions.
    Sessions,
    /// Legs of sessions.
    Legs,
    /// Publishers.
    Publishers,
}

impl Counted {
    /// What these outcomes are of.
    pub(crate) fn of(outcomes: &[ResetOutcome]) -> Self {
        Self::of_ids(outcomes.iter().map(|outcome| &outcome.id))
    }

    /// What these are.
    pub(crate) fn of_ids<'a>(mut ids: impl Iterator<Item = &'a LegId>) -> Self {
        if ids.all(|id| id.router == RouterId::Local) { Self::Sessions } else { Self::Legs }
    }

    /// One of them.
    pub(crate) fn one(self) -> &'static str {
        match self {
            Self::Sessions => "session",
            Self::Legs => "leg",
            Self::Publishers => "publisher",
        }
    }

    /// So many of them.
    pub(crate) fn many(self, so_many: usize) -> String {
        count(so_many as u64, self.one())
    }
}

/// What a reset of several sessions is about.
pub(crate) fn about(sessions: u64, routes: u64, router: Option<&RouterId>) -> String {
    let (sessions, routes) = (count(sessions, "session"), count(routes, "route"));
    match router {
        Some(router) => format!("resets what {sessions} send of router {router}"),
        None => format!("resets {sessions}, which have {routes}"),
    }
}

/// A line for each session that `all` skips.
pub(crate) fn skipped(ids: &[SessionId]) -> String {
    let line = |id| format!("session {id}: skipped, as it is shut down in the configuration\n");
    ids.iter().map(line).collect()
}

/// How so many would follow each other.
pub(crate) fn staggered(stagger: Span, count: usize, counted: Counted) -> String {
    match count {
        0 => String::new(),
        1 => format!(
            "one {} has nothing to wait for: --stagger {stagger} changes nothing\n",
            counted.one()
        ),
        count => {
            let last = Span(stagger.0.saturating_mul(count as u64 - 1));
            let all = counted.many(count);
            format!("{all}, {stagger} between two of them: the last one {last} after the first\n")
        }
    }
}

/// One line for a leg that was reset, or superseded by a newer reset.
pub(crate) fn done(id: &LegId, done: &Done) -> String {
    let ResetDone { generation, was_up, remote, passive, changes } = match done {
        Done::Reset(done) => done,
        Done::SupersededBy { by } => {
            return format!("session {id}: superseded by the newer reset of {by}\n");
        }
    };
    let before = if *was_up { "reset" } else { "was down" };
    let now = if *passive {
        format!("waiting for it at port {}", remote.port())
    } else {
        format!("connecting to {remote}")
    };
    let mut line = format!("session {id}: {before}, now {now} (generation {generation})");
    if !changes.is_empty() {
        let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
        line.push_str(&format!(", new: {}", changes.join(", ")));
    }
    line.push('\n');
    line
}

/// A line for a leg, its parameters that are different below it; or the sentence of a failure.
pub(crate) fn plan(plan: &ResetPlan) -> Result<String, String> {
    let planned = match &plan.result {
        Ok(planned) => planned,
        Err(reason) => return Err(format!("session {}: would not be reset: {reason}", plan.id)),
    };
    let PlannedReset { is_up, remote, passive, routes, changes } = planned;
    let before = if *is_up { "up, its connection would end" } else { "down" };
    let then = if *passive {
        format!("would wait for it at port {}", remote.port())
    } else {
        format!("would connect to {remote}")
    };
    let new = if changes.is_empty() { "" } else { ", with new parameters:" };
    let (id, routes) = (&plan.id, count(*routes, "route"));
    let mut text = format!("session {id}: {before}; {then} and send {routes}{new}\n");
    for change in changes {
        text.push_str(&format!("    {change}\n"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_says_how_far_apart_sessions_are_and_when_the_last_one_is_reset() {
        for (millis, count, text) in [
            (120_000, 0, ""),
            (120_000, 1, "one session has nothing to wait for: --stagger 2m changes nothing\n"),
            (120_000, 3, "3 sessions, 2m between two of them: the last one 4m after the first\n"),
            (500, 2, "2 sessions, 500ms between two of them: the last one 500ms after the first\n"),
        ] {
            assert_eq!(staggered(Span(millis), count, Counted::Sessions), text);
        }
        assert_eq!(
            staggered(Span(1000), 3, Counted::Legs),
            "3 legs, 1s between two of them: the last one 2s after the first\n"
        );
    }

    fn leg(router: RouterId) -> LegId {
        let address = "10.1.1.1".parse().unwrap();
        LegId { session: SessionId { vpn_instance: None, address, alias: None }, router }
    }

    #[test]
    fn a_leg_is_named_by_its_router_and_that_of_bmpd_itself_by_the_session_alone() {
        let reset = Done::Reset(ResetDone {
            generation: 2,
            was_up: true,
            remote: "10.1.1.1:11019".parse().unwrap(),
            passive: false,
            changes: Vec::new(),
        });
        let (local, edge1) = (leg(RouterId::Local), leg("edge1".parse().unwrap()));
        let rest = "reset, now connecting to 10.1.1.1:11019 (generation 2)\n";
        assert_eq!(done(&local, &reset), format!("session 10.1.1.1: {rest}"));
        assert_eq!(done(&edge1, &reset), format!("session 10.1.1.1 router edge1: {rest}"));
        assert_eq!(Counted::of_ids([&local].into_iter()), Counted::Sessions);
        assert_eq!(Counted::of_ids([&local, &edge1].into_iter()), Counted::Legs);
    }
}
