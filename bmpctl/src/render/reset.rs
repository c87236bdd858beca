//! What became of sessions that were reset, and what would become of them.

use shared::names::SessionId;
use shared::response::{Done, PlannedReset, ResetDone, ResetPlan};
use shared::time::Span;

/// A line for each session that `all` skips.
pub(crate) fn skipped(ids: &[SessionId]) -> String {
    let line = |id| format!("session {id}: skipped, as it is shut down in the configuration\n");
    ids.iter().map(line).collect()
}

/// How so many sessions would follow each other.
pub(crate) fn staggered(stagger: Span, count: usize) -> String {
    match count {
        0 => String::new(),
        1 => format!("one session has nothing to wait for: --stagger {stagger} changes nothing\n"),
        count => {
            let last = Span(stagger.0.saturating_mul(count as u64 - 1));
            format!(
                "{count} sessions, {stagger} between two of them: the last one {last} after the first\n"
            )
        }
    }
}

/// One line for a session that was reset, or superseded by a newer reset.
pub(crate) fn done(id: &SessionId, done: &Done) -> String {
    let ResetDone { generation, was_up, remote, passive, changes } = match done {
        Done::Reset(done) => done,
        Done::LeftTo { by } => {
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

/// A line for a session, its parameters that are different below it; or the sentence of a failure.
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
    let noun = if *routes == 1 { "route" } else { "routes" };
    let new = if changes.is_empty() { "" } else { ", with new parameters:" };
    let id = &plan.id;
    let mut text = format!("session {id}: {before}; {then} and send {routes} {noun}{new}\n");
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
            assert_eq!(staggered(Span(millis), count), text);
        }
    }
}
