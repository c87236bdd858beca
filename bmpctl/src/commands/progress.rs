//! `reset session --wait`.
//!
//! bmpd reports how far the sessions are; this is shown as bars on a terminal, lines in a pipe, or one document
//! at the end. The wait ends when every session is finished, when its time is over, or with
//! Ctrl-C. The reset continues in every case.

use std::collections::HashMap;
use std::io::Write;
use std::time::{Duration, Instant};

use shared::exit;
use shared::names::{LegId, SessionId};
use shared::request::{Operation, Request, ResetSession, WhichLegs};
use shared::response::{Done, HEARTBEAT, Progress, ProgressEnd, ResetOutcome, Response};

use crate::context::{self, Context, Output};
use crate::interrupt::Interrupt;
use crate::render::json::{Document, ErrorReport};
use crate::render::progress::{Bars, Lines, Waiting};
use crate::render::reset::Counted;
use crate::render::{self, is_terminal};

/// How often the terminal is brought up to date.
const EVERY: Duration = Duration::from_millis(100);

/// Resets the selected legs and waits until they are synchronised, at most this long.
pub(super) fn session(
    legs: &WhichLegs,
    stagger: Duration,
    wait: Duration,
    context: &Context,
) -> Result<Output, Output> {
    let interrupt = Interrupt::catch();
    // It begins when the last session has been reset; until bmpd has reported that it may be the only limit.
    let mut until = Instant::now() + wait;
    let request = Request::Operation(Operation::ResetSession(ResetSession {
        legs: legs.clone(),
        stagger: u64::try_from(stagger.as_millis()).unwrap_or(u64::MAX),
        follow: true,
    }));
    let mut talk = context.begin(&request)?;
    let mut watch = Watch::new(View::of(context), legs);
    let over = loop {
        if interrupt.came() {
            break Over::Interrupted;
        }
        let left = match watch.to_come {
            Some(1..) => EVERY,
            Some(0) | None => until.saturating_duration_since(Instant::now()),
        };
        if left.is_zero() {
            break Over::Late;
        }
        match talk.poll(left.min(EVERY), HEARTBEAT) {
            Ok(None) => {}
            Ok(Some(Response::Reset { outcomes, to_come, skipped })) => {
                until = Instant::now() + wait;
                watch.skip(skipped);
                watch.begin(outcomes, to_come, until);
            }
            Ok(Some(Response::Progress(news))) => watch.note(news),
            Ok(Some(Response::Failed(failure))) => {
                break Over::Failed(context::refused(&failure));
            }
            Ok(Some(_)) => break Over::Failed(context::misunderstood()),
            Err(error) => break Over::Failed(context::unasked(&error)),
        }
        watch.show();
        if watch.is_done() {
            break Over::Done;
        }
    };
    match over {
        Over::Failed(error) if watch.to_come.is_none() => Err(context.error(error)),
        Over::Interrupted if watch.to_come.is_none() => {
            Err(context.error(super::reset::interrupted_early()))
        }
        over => Ok(watch.end(&over, wait, context)),
    }
}

/// Why the wait is over.
#[derive(Debug, PartialEq, Eq)]
enum Over {
    /// Every session is finished.
    Done,
    /// The time is over.
    Late,
    /// The user has interrupted the wait.
    Interrupted,
    /// The exchange with bmpd has failed.
    Failed(ErrorReport),
}

/// How the progress is shown.
enum View {
    /// Only what is printed at the end.
    Nothing,
    /// A line for each change.
    Lines(Lines),
    /// A bar a leg.
    Bars(Box<Bars>),
}

impl View {
    fn of(context: &Context) -> Self {
        if context.json || context.quiet {
            Self::Nothing
        } else if is_terminal() {
            Self::Bars(Box::default())
        } else {
            Self::Lines(Lines::default())
        }
    }
}

/// What is known of the reset.
struct Watch<'a> {
    legs: &'a WhichLegs,
    view: View,
    outcomes: Vec<ResetOutcome>,
    /// Those that `all` skips.
    skipped: Vec<SessionId>,
    /// Legs still to be reset; `None` until bmpd has reported it.
    to_come: Option<u32>,
    /// Those that were reset, in the order in which they were.
    waiting: Vec<Waiting>,
    ranks: HashMap<LegId, usize>,
    /// What stands above the bars once they are drawn next.
    above: String,
    /// What went wrong, for standard error, once each.
    failed: Vec<String>,
}

impl<'a> Watch<'a> {
    fn new(view: View, legs: &'a WhichLegs) -> Self {
        let (outcomes, waiting, failed) = (Vec::new(), Vec::new(), Vec::new());
        let (ranks, above) = (HashMap::new(), String::new());
        let skipped = Vec::new();
        Self { legs, view, outcomes, skipped, to_come: None, waiting, ranks, above, failed }
    }

    /// Sessions are left as they are.
    fn skip(&mut self, ids: Vec<SessionId>) {
        self.say(&render::reset::skipped(&ids));
        self.skipped.extend(ids);
    }

    /// Lines that stay, above the bars if there are some.
    fn say(&mut self, lines: &str) {
        match &self.view {
            View::Nothing => {}
            View::Lines(_) => print(lines),
            View::Bars(_) => self.above.push_str(lines),
        }
    }

    /// Legs were reset.
    fn begin(&mut self, outcomes: Vec<ResetOutcome>, to_come: u32, until: Instant) {
        self.to_come = Some(to_come);
        if let View::Bars(bars) = &mut self.view {
            bars.end_at(until);
        }
        for outcome in &outcomes {
            match &outcome.result {
                Ok(done) => {
                    let line = || render::reset::done(&outcome.id, done);
                    match (&self.view, done) {
                        (View::Nothing, _) | (View::Bars(_), Done::Reset(_)) => {}
                        (View::Lines(_), _) => print(&line()),
                        (View::Bars(_), Done::SupersededBy { .. }) => self.above.push_str(&line()),
                    }
                    let Done::Reset(done) = done else { continue };
                    self.ranks.insert(outcome.id.clone(), self.waiting.len());
                    self.waiting.push(Waiting {
                        id: outcome.id.clone(),
                        generation: done.generation,
                        changes: done.changes.clone(),
                        since: Instant::now(),
                        progress: None,
                        end: None,
                    });
                }
                Err(reason) => self.fail(format!("session {}: {reason}", outcome.id)),
            }
        }
        self.outcomes.extend(outcomes);
        if to_come == 0 && self.outcomes.is_empty() && self.skipped.is_empty() {
            self.say(render::reset::nothing(self.legs));
        }
    }

    /// Applies progress of legs.
    fn note(&mut self, news: Vec<Progress>) {
        for progress in news {
            let Some(rank) = self.ranks.get(&progress.leg()).copied() else { continue };
            let waiting = &mut self.waiting[rank];
            if let Some(end) = progress.end {
                waiting.end = Some((end, waiting.since.elapsed()));
            }
            waiting.progress = Some(progress);
            if waiting.end.is_some() {
                self.finish(rank);
            } else if let View::Lines(lines) = &mut self.view {
                print(&lines.change(waiting));
            }
        }
    }

    /// Shows the outcome of a leg.
    fn finish(&mut self, rank: usize) {
        let with_changes = matches!(self.view, View::Bars(_));
        match render::progress::end(&self.waiting[rank], with_changes) {
            Ok(line) => match &mut self.view {
                View::Nothing => {}
                View::Lines(_) => print(&line),
                View::Bars(bars) => {
                    // Without a router there is no last picture.
                    if self.waiting[rank].is_synchronised() {
                        bars.complete(&self.waiting, rank);
                    }
                    self.above.push_str(&line);
                }
            },
            Err(text) => self.fail(text),
        }
    }

    /// Printed on standard error at once, except on a terminal, whose bars are in the way.
    fn fail(&mut self, text: String) {
        if let View::Lines(_) = self.view {
            complain(&text);
        } else {
            self.failed.push(text);
        }
    }

    fn show(&mut self) {
        if let View::Bars(bars) = &mut self.view {
            let above = std::mem::take(&mut self.above);
            bars.show(&self.waiting, self.to_come.unwrap_or(0), &above);
        }
    }

    fn is_done(&self) -> bool {
        self.to_come == Some(0) && self.waiting.iter().all(|waiting| waiting.end.is_some())
    }

    fn end(mut self, over: &Over, wait: Duration, context: &Context) -> Output {
        self.show();
        // The bars are removed before anything else is printed.
        self.view = View::Nothing;
        let code = self.code(over);
        if context.json {
            if context.quiet && code == exit::DONE {
                return Output { out: String::new(), err: String::new(), code };
            }
            let progress = self.waiting.into_iter().filter_map(|waiting| waiting.progress);
            let to_come = self.to_come.unwrap_or(0);
            let error = match over {
                Over::Failed(error) => Some(error.clone()),
                Over::Done | Over::Late | Over::Interrupted => None,
            };
            let document =
                Document::reset(self.outcomes, self.skipped, to_come, progress.collect(), error);
            return Output { out: document.to_text(), err: String::new(), code };
        }
        let mut failed = std::mem::take(&mut self.failed);
        match over {
            Over::Done => {}
            Over::Late | Over::Interrupted => failed.push(self.reached(over, wait, context)),
            Over::Failed(error) => {
                if !context.quiet {
                    failed.extend(self.unfinished());
                }
                let counted = Counted::of(&self.outcomes);
                failed.push(render::progress::failed(error, self.to_come, counted));
            }
        }
        let err = failed.iter().map(|text| context.complaint(text)).collect();
        Output { out: String::new(), err, code }
    }

    /// One that failed is worse than one that is late: waiting longer would not have helped.
    fn code(&self, over: &Over) -> u8 {
        let not_reset = self.outcomes.iter().any(|outcome| outcome.result.is_err());
        let other_end = |waiting: &Waiting| match waiting.end {
            None | Some((ProgressEnd::Synchronised | ProgressEnd::NoRouter, _)) => false,
            Some((ProgressEnd::Shutdown | ProgressEnd::Removed, _)) => true,
        };
        match over {
            Over::Failed(error) => error.exit_code,
            Over::Interrupted => exit::INTERRUPTED,
            _ if not_reset || self.waiting.iter().any(other_end) => exit::FAILED,
            Over::Late => exit::NOT_SYNCHRONISED,
            Over::Done => exit::DONE,
        }
    }

    /// A line for each leg that is not synchronised.
    fn unfinished(&self) -> Vec<String> {
        let late = self.waiting.iter().filter(|waiting| waiting.end.is_none());
        late.map(render::progress::unfinished).collect()
    }

    fn reached(&self, over: &Over, wait: Duration, context: &Context) -> String {
        let (late, whole) = (self.unfinished(), self.outcomes.len());
        let (to_come, counted) = (self.to_come, Counted::of(&self.outcomes));
        let left = to_come.unwrap_or(0);
        match over {
            // Without the list no line announces it.
            Over::Interrupted if context.quiet => render::progress::interrupted_briefly(left),
            Over::Interrupted => render::progress::interrupted(&late, left, counted),
            _ if context.quiet => {
                render::progress::late_briefly(&late, whole, to_come, wait, counted)
            }
            _ => render::progress::late(&late, whole, to_come, wait, counted),
        }
    }
}

/// Printed at once.
pub(super) fn print(text: &str) {
    let mut stdout = std::io::stdout();
    // If the output is closed, the wait continues.
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Printed on standard error at once.
pub(super) fn complain(text: &str) {
    let _ = std::io::stderr().write_all(render::error(text).as_bytes());
}
