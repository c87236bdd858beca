//! How far the publishers are that were reset: lines for files and pipes, a line each that changes for terminals.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use shared::exit;
use shared::names::{PublisherName, RouterId, Shown};
use shared::response::{
    ProgressEnd, PublisherReport, PublisherResetDone, PublisherState, RouterGeneration,
};
use shared::time::Span;

use super::canvas::{self, Canvas};
use super::humanize::{count, countdown, printable};
use super::json::{ErrorReport, PublisherProgress};
use super::progress;
use super::publisher::shown;
use super::reset::Counted;

/// A publisher of which the end is waited for.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    /// Its name.
    pub(crate) id: PublisherName,
    /// The generations that began with the reset.
    generations: Vec<RouterGeneration>,
    /// When bmpctl received the result of the reset.
    since: Instant,
    /// Where it is, as far as is known.
    pub(crate) progress: Option<PublisherProgress>,
    /// How long it took, once it has come to an end.
    took: Duration,
}

impl Waiting {
    /// One that was reset just now.
    pub(crate) fn new(id: PublisherName, done: &PublisherResetDone) -> Self {
        let generations = done.generations.clone();
        let (since, took) = (Instant::now(), Duration::ZERO);
        let is_empty = generations.is_empty();
        let progress = is_empty.then(|| PublisherProgress {
            state: None,
            why: String::new(),
            routers: 0,
            routers_synchronised: 0,
            routers_left: Vec::new(),
            routes_to_send: 0,
            end: Some(ProgressEnd::NoRouter),
        });
        Self { id, generations, since, progress, took }
    }

    /// What it has come to, if it is not waited for any more.
    pub(crate) fn end(&self) -> Option<ProgressEnd> {
        self.progress.as_ref()?.end
    }

    /// Applies what bmpd has reported of it; `None` is that a reload has removed it.
    pub(crate) fn note(&mut self, report: Option<&PublisherReport>) {
        let progress = match report {
            Some(report) => reached(report, &self.generations),
            None => PublisherProgress {
                state: None,
                why: "removed from the configuration".to_owned(),
                routers: 0,
                routers_synchronised: 0,
                routers_left: Vec::new(),
                routes_to_send: 0,
                end: Some(ProgressEnd::Removed),
            },
        };
        self.took = self.since.elapsed();
        self.progress = Some(progress);
    }
}

/// How far these generations, or newer ones of the same routers, are.
fn reached(report: &PublisherReport, generations: &[RouterGeneration]) -> PublisherProgress {
    let (mut routers, mut synchronised, mut routes_to_send) = (0, 0, 0);
    let mut left: Vec<RouterId> = Vec::new();
    for RouterGeneration { router, generation } in generations {
        match report.routers.iter().find(|published| published.router == *router) {
            None => left.push(router.clone()),
            Some(published) => {
                routers += 1;
                match published.synchronised_generation >= *generation {
                    true => synchronised += 1,
                    false => routes_to_send += published.routes_to_send,
                }
            }
        }
    }
    let end = match report.state {
        _ if routers == 0 => Some(ProgressEnd::NoRouter),
        _ if synchronised == routers => Some(ProgressEnd::Synchronised),
        PublisherState::Shutdown => Some(ProgressEnd::Shutdown),
        PublisherState::Connecting
        | PublisherState::Synchronising
        | PublisherState::Established
        | PublisherState::Stalled => None,
    };
    PublisherProgress {
        state: Some(report.state),
        why: report.why.clone(),
        routers,
        routers_synchronised: synchronised,
        routers_left: left,
        routes_to_send,
        end,
    }
}

/// Where a publisher is that is not synchronised yet: its state, and why while brokers do not acknowledge.
fn place(progress: &PublisherProgress) -> String {
    let PublisherProgress { state, why, routers, routers_synchronised, .. } = progress;
    let routers = count((*routers).into(), "router");
    let reached = format!("{routers_synchronised} of {routers} synchronised");
    match state.filter(|state| !state.is_up()) {
        Some(state) => format!("{} ({}), {reached}", state.name(), printable(why)),
        None => reached,
    }
}

fn with_routes(progress: &PublisherProgress) -> String {
    match progress.routes_to_send {
        0 => place(progress),
        routes => format!("{}, {} to send", place(progress), count(routes, "route")),
    }
}

/// The last line of a publisher that has nothing more to send, or the sentence of another end, which is a failure;
/// nothing while it is waited for.
pub(crate) fn end(waiting: &Waiting) -> Result<String, String> {
    let id = shown(&waiting.id);
    let Some(progress) = &waiting.progress else { return Ok(String::new()) };
    let left = match &*progress.routers_left {
        [] => String::new(),
        [one] => format!("; router {} has left meanwhile", Shown(&one.to_string())),
        several => format!("; {} routers have left meanwhile", several.len()),
    };
    match progress.end {
        None => Ok(String::new()),
        Some(ProgressEnd::Synchronised) => {
            let routers = count(progress.routers.into(), "router");
            let took = progress::time(waiting.took);
            Ok(format!("publisher {id}: synchronised, {routers} in {took}{left}\n"))
        }
        Some(ProgressEnd::NoRouter) => Ok(format!("publisher {id}: nothing to send{left}\n")),
        Some(ProgressEnd::Removed) => {
            Ok(format!("publisher {id}: nothing to wait for: a reload has removed it meanwhile\n"))
        }
        Some(ProgressEnd::Shutdown) => Err(format!(
            "publisher {id}: not synchronised: it has been shut down in the configuration meanwhile"
        )),
    }
}

/// What was reached by a publisher that is not synchronised.
pub(crate) fn unfinished(waiting: &Waiting) -> String {
    let id = shown(&waiting.id);
    match &waiting.progress {
        None => format!("publisher {id}: nothing is known of it yet"),
        Some(progress) => format!("publisher {id}: {}", with_routes(progress)),
    }
}

/// Interrupted during the wait for the first answer: bmpd may have received the request or not.
pub(crate) const INTERRUPTED_EARLY: &str =
    "interrupted before bmpd has answered: bmpctl show publisher says what it does";

/// The command was interrupted, with this many publishers whose turn had not come.
pub(crate) fn interrupted(unfinished: &[String], not_reset: usize) -> String {
    let text = match not_reset {
        0 => "interrupted: the reset continues in bmpd; bmpctl show publisher says how far it is"
            .to_owned(),
        _ => format!("interrupted: {}", not_reset_text(not_reset)),
    };
    progress::listed(text, unfinished, Some(0), Counted::Publishers)
}

fn not_reset_text(not_reset: usize) -> String {
    let verb = if not_reset == 1 { "was" } else { "were" };
    format!("{} {verb} not reset", count(not_reset as u64, "publisher"))
}

/// The exchange with bmpd has failed, with this many publishers whose turn had not come.
pub(crate) fn failed(error: &ErrorReport, not_reset: usize) -> String {
    let message = &error.message;
    match not_reset {
        0 if error.exit_code == exit::NOT_PERMITTED => {
            progress::failed(error, Some(0), Counted::Publishers)
        }
        0 => message.clone(),
        _ => format!("{}: {message}", not_reset_text(not_reset)),
    }
}

/// Finds what is new to a reader of lines.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    said: HashMap<PublisherName, String>,
}

impl Lines {
    /// A line for a publisher that has changed, unless it was printed before.
    pub(crate) fn change(&mut self, waiting: &Waiting) -> String {
        let progress = waiting.progress.as_ref().filter(|progress| progress.end.is_none());
        let Some(progress) = progress else { return String::new() };
        let now = place(progress);
        if self.said.get(&waiting.id) == Some(&now) {
            return String::new();
        }
        let line = format!("publisher {}: {}\n", shown(&waiting.id), with_routes(progress));
        self.said.insert(waiting.id.clone(), now);
        line
    }
}

/// A line a publisher, at the end of the terminal; removed when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Picture {
    canvas: Canvas,
}

impl Picture {
    /// Shows where the publishers are, as many as there is room for, below lines that stay.
    pub(crate) fn show(
        &mut self,
        all: &[Waiting],
        to_come: usize,
        until: Option<Instant>,
        above: &str,
    ) {
        let (_, height) = canvas::size();
        let room = height.saturating_sub(3).max(1);
        let waiting = || all.iter().filter(|waiting| waiting.end().is_none());
        let mut lines: Vec<String> = waiting().take(room).map(line).collect();
        if !lines.is_empty() || to_come > 0 {
            lines.push(summary(all.len() - waiting().count(), all.len(), to_come, until));
        }
        self.canvas.paint(above, lines.iter().map(String::as_str));
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        self.canvas.paint("", std::iter::empty());
    }
}

fn line(waiting: &Waiting) -> String {
    match &waiting.progress {
        None => format!("publisher {}", shown(&waiting.id)),
        Some(progress) => format!("publisher {}: {}", shown(&waiting.id), with_routes(progress)),
    }
}

fn summary(done: usize, reset: usize, to_come: usize, until: Option<Instant>) -> String {
    let mut text = format!("{done} of {} done", reset + to_come);
    if to_come > 0 {
        text.push_str(&format!(", {to_come} still to be reset"));
    }
    if let Some(until) = until {
        let left = Span::of(until.saturating_duration_since(Instant::now()));
        text.push_str(&format!("; waiting for {} more at most", countdown(left)));
    }
    text
}

#[cfg(test)]
mod tests {
    use shared::response::PublishedRouter;

    use super::super::publisher::tests::{published, publisher};
    use super::*;

    fn waiting(routers: &[&str]) -> Waiting {
        let generations = routers
            .iter()
            .map(|name| RouterGeneration { router: name.parse().unwrap(), generation: 2 });
        let generations = generations.collect();
        let done = PublisherResetDone { new_producer: true, generations, changes: Vec::new() };
        Waiting::new("lake".parse().unwrap(), &done)
    }

    fn report(routers: &[(&str, u64)]) -> PublisherReport {
        let routers = routers.iter().map(|(name, synchronised)| PublishedRouter {
            synchronised_generation: *synchronised,
            routes_to_send: 10,
            ..published(name, 2)
        });
        let state = PublisherState::Synchronising;
        PublisherReport { state, routers: routers.collect(), ..publisher("lake") }
    }

    #[test]
    fn a_publisher_is_synchronised_when_each_generation_of_the_reset_is_or_a_newer_one() {
        let mut one = waiting(&["a", "b"]);
        one.note(Some(&report(&[("a", 1), ("b", 0), ("other", 0)])));
        assert_eq!(one.end(), None);
        assert_eq!(
            unfinished(&one),
            "publisher lake: 0 of 2 routers synchronised, 20 routes to send"
        );
        one.note(Some(&report(&[("a", 2), ("b", 1)])));
        assert_eq!((one.end(), end(&one)), (None, Ok(String::new())));
        one.note(Some(&report(&[("a", 2), ("b", 3), ("other", 0)])));
        assert_eq!(one.end(), Some(ProgressEnd::Synchronised));
        let line = end(&one).unwrap();
        assert!(line.starts_with("publisher lake: synchronised, 2 routers in 0."), "{line}");
    }

    #[test]
    fn a_router_that_leaves_is_not_waited_for_and_is_named() {
        let mut one = waiting(&["a", "edge 1"]);
        one.note(Some(&report(&[("a", 2)])));
        assert_eq!(one.end(), Some(ProgressEnd::Synchronised));
        assert!(end(&one).unwrap().ends_with("; router \"edge 1\" has left meanwhile\n"));
        one.note(Some(&report(&[])));
        assert_eq!(
            end(&one).unwrap(),
            "publisher lake: nothing to send; 2 routers have left meanwhile\n"
        );
        assert_eq!(end(&waiting(&[])).unwrap(), "publisher lake: nothing to send\n");
    }

    #[test]
    fn a_publisher_that_was_removed_is_done_and_one_that_was_shut_down_has_failed() {
        let mut one = waiting(&["a"]);
        one.note(None);
        assert_eq!(one.end(), Some(ProgressEnd::Removed));
        assert!(end(&one).unwrap().contains("a reload has removed it"));
        let shut_down = PublisherState::Shutdown;
        one.note(Some(&PublisherReport { state: shut_down, ..report(&[("a", 1)]) }));
        assert_eq!(one.end(), Some(ProgressEnd::Shutdown));
        assert!(end(&one).unwrap_err().contains("shut down in the configuration"));
        // What was acknowledged before counts.
        one.note(Some(&PublisherReport { state: shut_down, ..report(&[("a", 2)]) }));
        assert_eq!(one.end(), Some(ProgressEnd::Synchronised));
    }

    #[test]
    fn what_a_reader_of_lines_knows_is_not_said_again() {
        let (mut lines, mut one) = (Lines::default(), waiting(&["a", "b"]));
        assert_eq!(lines.change(&one), "", "the line of the reset said so");
        let mut say = |report: PublisherReport| {
            one.note(Some(&report));
            lines.change(&one)
        };
        let begun = "publisher lake: 0 of 2 routers synchronised, 20 routes to send\n";
        assert_eq!(say(report(&[("a", 0), ("b", 0)])), begun);
        assert_eq!(say(report(&[("a", 1), ("b", 0)])), "");
        let next = "publisher lake: 1 of 2 routers synchronised, 10 routes to send\n";
        assert_eq!(say(report(&[("a", 2), ("b", 0)])), next);
        let stalled = PublisherReport {
            state: PublisherState::Stalled,
            why: "no broker answers".to_owned(),
            ..report(&[("a", 2), ("b", 0)])
        };
        assert_eq!(
            say(stalled),
            "publisher lake: Stalled (no broker answers), 1 of 2 routers synchronised, 10 routes to send\n"
        );
    }

    #[test]
    fn an_end_before_the_last_turn_says_how_many_were_not_reset() {
        let late = ["publisher lake: 0 of 2 routers synchronised".to_owned()];
        assert_eq!(
            interrupted(&late, 0),
            format!(
                "interrupted: the reset continues in bmpd; bmpctl show publisher says how far it is:\n  {}",
                late[0]
            )
        );
        assert_eq!(interrupted(&[], 2), "interrupted: 2 publishers were not reset");
        let error = ErrorReport::new(exit::FAILED, "failed", "bmpd is stopping".to_owned());
        assert_eq!(failed(&error, 0), "bmpd is stopping");
        assert_eq!(failed(&error, 1), "1 publisher was not reset: bmpd is stopping");
    }
}
