//! `reset publisher`.
//!
//! ```text
//!   resets (one for all, or with a stagger one for each) ──> bmpd ── what became of them ──> waiting
//!   waiting ── show publisher NAME, again and again ──> bmpd ── how far it is ──> synchronised, or another end
//! ```
//!
//! bmpctl gives the turns itself and asks how far the publishers are, so a reset whose request was sent goes on when
//! the command is interrupted, and one whose turn has not come is not done.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use shared::exit;
use shared::names::PublisherName;
use shared::request::{Operation, Query, Request, ResetPublisher, WhichPublishers};
use shared::response::{Failure, PublisherReset, Response};
use shared::time::Span;

use super::progress::{complain, print};
use super::reset::next;
use crate::context::{self, Context, Output};
use crate::interrupt::{self, Interrupt};
use crate::render::json::{Document, ErrorReport};
use crate::render::publisher_wait::{Lines, Picture, Waiting};
use crate::render::reset::Counted;
use crate::render::{self, is_terminal, publisher_wait};

/// The time from one question how far a publisher is to the next, at first and at most.
const ASK_EVERY: Duration = Duration::from_millis(200);
const ASK_EVERY_MAX: Duration = Duration::from_secs(1);

/// Resets the selected publishers; one line for each, failures to standard error. With `wait` it ends when they are
/// synchronised, at most this long after the last reset.
pub(super) fn reset(
    reset: &ResetPublisher,
    stagger: Duration,
    wait: Option<Duration>,
    context: &Context,
) -> Result<Output, Output> {
    // One that is done at once needs no note on how it continues.
    let interrupt = (!stagger.is_zero() || wait.is_some()).then(Interrupt::catch);
    let mut run = Run {
        context,
        interrupt,
        stagger,
        wait,
        view: View::of(wait, context),
        to_come: VecDeque::from([reset.clone()]),
        outcomes: Vec::new(),
        skipped: Vec::new(),
        waiting: Vec::new(),
        above: String::new(),
        failed: Vec::new(),
    };
    let over = run.carry_out(reset).err().unwrap_or(Over::Done);
    let knows_nothing = run.outcomes.is_empty() && run.skipped.is_empty();
    match over {
        Over::Failed(error) if knows_nothing => Err(context.error(*error)),
        Over::Interrupted if knows_nothing => {
            let text = publisher_wait::INTERRUPTED_EARLY.to_owned();
            Err(context.error(ErrorReport::new(exit::INTERRUPTED, "interrupted", text)))
        }
        over => Ok(run.end(over)),
    }
}

/// Why the command is over.
enum Over {
    /// Every publisher has had its turn, and is finished if it is waited for.
    Done,
    /// The time is over.
    Late,
    /// The user has interrupted it.
    Interrupted,
    /// The exchange with bmpd has failed.
    Failed(Box<ErrorReport>),
}

/// How the progress is shown.
enum View {
    /// Only what is printed at the end.
    Nothing,
    /// A line for each change.
    Lines(Lines),
    /// A line each that changes.
    Picture(Picture),
}

impl View {
    fn of(wait: Option<Duration>, context: &Context) -> Self {
        if context.json || context.quiet {
            Self::Nothing
        } else if wait.is_some() && is_terminal() {
            Self::Picture(Picture::default())
        } else {
            Self::Lines(Lines::default())
        }
    }
}

/// One command.
struct Run<'a> {
    context: &'a Context,
    interrupt: Option<Interrupt>,
    stagger: Duration,
    wait: Option<Duration>,
    view: View,
    /// The requests that are still to be sent.
    to_come: VecDeque<ResetPublisher>,
    outcomes: Vec<PublisherReset>,
    /// Those that `all` skips.
    skipped: Vec<PublisherName>,
    /// Those that were reset, if they are waited for.
    waiting: Vec<Waiting>,
    /// What stands above the picture once it is drawn next.
    above: String,
    /// What went wrong, for standard error, once each.
    failed: Vec<String>,
}

impl Run<'_> {
    /// The error is another end than that everything is done.
    fn carry_out(&mut self, reset: &ResetPublisher) -> Result<(), Over> {
        if !self.stagger.is_zero() {
            self.plan_turns(reset)?;
        }
        let mut turn = Instant::now();
        let mut until = None;
        let (mut ask_at, mut ask_every) = (turn, ASK_EVERY);
        loop {
            if self.is_interrupted() {
                return Err(Over::Interrupted);
            }
            if Instant::now() >= turn && !self.to_come.is_empty() {
                self.give_turn()?;
                turn = Instant::now() + self.stagger;
                (ask_at, ask_every) = (Instant::now(), ASK_EVERY);
                if self.to_come.is_empty() {
                    until = self.wait.map(|wait| Instant::now() + wait);
                }
            }
            if Instant::now() >= ask_at && self.is_waiting() {
                self.ask()?;
                ask_at = Instant::now() + ask_every;
                ask_every = (ask_every * 3 / 2).min(ASK_EVERY_MAX);
            }
            self.show(until);
            if self.to_come.is_empty() && !self.is_waiting() {
                return Ok(());
            }
            if until.is_some_and(|until| Instant::now() >= until) {
                return Err(Over::Late);
            }
            let left = |at: Instant| at.saturating_duration_since(Instant::now());
            let pause = if self.to_come.is_empty() { interrupt::LOOK_EVERY } else { left(turn) };
            let pause = until.map_or(pause, |until| pause.min(left(until)));
            std::thread::sleep(pause.min(interrupt::LOOK_EVERY));
        }
    }

    fn is_interrupted(&self) -> bool {
        self.interrupt.as_ref().is_some_and(Interrupt::came)
    }

    fn is_waiting(&self) -> bool {
        self.waiting.iter().any(|waiting| waiting.end().is_none())
    }

    /// Sends a request and waits for its answer, also if that is a failure. It can be interrupted only while nothing
    /// is to be reported of a reset that was sent.
    fn send(&self, request: &Request, can_be_interrupted: bool) -> Result<Response, Over> {
        let mut talk = self.context.try_begin(request).map_err(Over::Failed)?;
        let interrupt = self.interrupt.as_ref().filter(|_| can_be_interrupted);
        match next(&mut talk, Duration::ZERO, interrupt) {
            None => Err(Over::Interrupted),
            Some(Ok(response)) => Ok(response),
            Some(Err(error)) => Err(Over::Failed(context::unasked(&error).into())),
        }
    }

    /// Finds out which publishers there are to be reset, one after another.
    fn plan_turns(&mut self, reset: &ResetPublisher) -> Result<(), Over> {
        let ResetPublisher { router, .. } = reset;
        match self.send(&Request::Query(Query::PublisherPlan(reset.clone())), true)? {
            Response::PublisherPlans { plans, skipped } => {
                let turn = |plan: shared::response::PublisherPlan| ResetPublisher {
                    publisher: Some(plan.id),
                    router: router.clone(),
                };
                self.to_come = plans.into_iter().map(turn).collect();
                self.skip(skipped);
                if self.to_come.is_empty() && self.skipped.is_empty() {
                    self.say(render::publisher::NONE);
                }
                Ok(())
            }
            Response::Failed(failure) => Err(Over::Failed(context::refused(&failure).into())),
            _ => Err(Over::Failed(context::misunderstood().into())),
        }
    }

    /// Sends the next reset.
    fn give_turn(&mut self) -> Result<(), Over> {
        let Some(reset) = self.to_come.front().cloned() else { return Ok(()) };
        let request = Request::Operation(Operation::ResetPublisher(reset.clone()));
        let is_first = self.outcomes.is_empty();
        match self.send(&request, is_first)? {
            Response::PublishersReset { publishers, skipped } => {
                self.to_come.pop_front();
                self.skip(skipped);
                if publishers.is_empty() && self.skipped.is_empty() {
                    self.say(render::publisher::NONE);
                }
                self.begin(publishers);
                Ok(())
            }
            // A reload has removed it since the turns were planned.
            Response::Failed(Failure::NoSuchPublisher { publisher, .. })
                if !self.stagger.is_zero() =>
            {
                self.to_come.pop_front();
                let result = Err("it was removed meanwhile".to_owned());
                self.begin(vec![PublisherReset { id: publisher, result }]);
                Ok(())
            }
            Response::Failed(failure) => Err(Over::Failed(context::refused(&failure).into())),
            _ => Err(Over::Failed(context::misunderstood().into())),
        }
    }

    /// Publishers are left as they are.
    fn skip(&mut self, names: Vec<PublisherName>) {
        self.say(&render::publisher::skipped(&names));
        self.skipped.extend(names);
    }

    /// Publishers were reset.
    fn begin(&mut self, outcomes: Vec<PublisherReset>) {
        for outcome in &outcomes {
            match render::publisher::reset(outcome) {
                Ok(line) => self.say(&line),
                Err(text) => self.fail(text),
            }
            if let (Ok(done), Some(_)) = (&outcome.result, self.wait) {
                self.waiting.push(Waiting::new(outcome.id.clone(), done));
            }
        }
        self.outcomes.extend(outcomes);
    }

    /// Asks how far the publishers are that are not finished.
    fn ask(&mut self) -> Result<(), Over> {
        for rank in 0..self.waiting.len() {
            if self.waiting[rank].end().is_some() {
                continue;
            }
            let which = WhichPublishers(Some(self.waiting[rank].id.clone()));
            let report = match self.send(&Request::Query(Query::Publisher(which)), true)? {
                Response::Publishers(reports) => reports.into_iter().next(),
                Response::Failed(Failure::NoSuchPublisher { .. }) => None,
                Response::Failed(failure) => {
                    return Err(Over::Failed(context::refused(&failure).into()));
                }
                _ => return Err(Over::Failed(context::misunderstood().into())),
            };
            self.waiting[rank].note(report.as_ref());
            self.note(rank);
        }
        Ok(())
    }

    /// Shows what is new of a publisher.
    fn note(&mut self, rank: usize) {
        let waiting = &self.waiting[rank];
        let line = match publisher_wait::end(waiting) {
            Ok(line) => line,
            Err(text) => return self.fail(text),
        };
        if let View::Lines(lines) = &mut self.view {
            print(&lines.change(waiting));
        }
        self.say(&line);
    }

    /// Lines that stay, above the picture if there is one.
    fn say(&mut self, lines: &str) {
        match &self.view {
            View::Nothing => {}
            View::Lines(_) => print(lines),
            View::Picture(_) => self.above.push_str(lines),
        }
    }

    /// Printed on standard error at once, except on a terminal with a picture, which is in the way.
    fn fail(&mut self, text: String) {
        match self.view {
            View::Lines(_) => complain(&text),
            View::Nothing | View::Picture(_) => self.failed.push(text),
        }
    }

    fn show(&mut self, until: Option<Instant>) {
        if let View::Picture(picture) = &mut self.view {
            let above = std::mem::take(&mut self.above);
            picture.show(&self.waiting, self.to_come.len(), until, &above);
        }
    }

    fn end(mut self, over: Over) -> Output {
        self.show(None);
        // The picture is removed before anything else is printed.
        self.view = View::Nothing;
        let (context, code, to_come) = (self.context, self.code(&over), self.to_come.len());
        if context.json {
            // A failure is reported with `--quiet`, too.
            if context.quiet && code == exit::DONE {
                return Output { out: String::new(), err: String::new(), code };
            }
            let error = match over {
                Over::Failed(error) => Some(*error),
                Over::Done | Over::Late | Over::Interrupted => None,
            };
            let waiting = self.waiting;
            let progress = |id: &PublisherName| {
                waiting.iter().find(|waiting| waiting.id == *id)?.progress.clone()
            };
            let publishers = self.outcomes.into_iter().map(|reset| {
                let progress = progress(&reset.id);
                (reset, progress)
            });
            let publishers = publishers.collect();
            let document =
                Document::publishers_reset(publishers, to_come as u32, self.skipped, error);
            return Output { out: document.to_text(), err: String::new(), code };
        }
        let mut failed = std::mem::take(&mut self.failed);
        let late = self.unfinished();
        match &over {
            Over::Done => {}
            Over::Late => failed.push(self.late(&late)),
            Over::Interrupted if context.quiet => {
                failed.push(publisher_wait::interrupted(&[], to_come));
            }
            Over::Interrupted => failed.push(publisher_wait::interrupted(&late, to_come)),
            Over::Failed(error) => {
                if !context.quiet {
                    failed.extend(late);
                }
                failed.push(publisher_wait::failed(error, to_come));
            }
        }
        let err = failed.iter().map(|text| context.complaint(text)).collect();
        Output { out: String::new(), err, code }
    }

    /// One that failed is worse than one that is late: waiting longer would not have helped.
    fn code(&self, over: &Over) -> u8 {
        let not_reset = self.outcomes.iter().any(|outcome| outcome.result.is_err());
        let has_failed = |waiting: &Waiting| publisher_wait::end(waiting).is_err();
        match over {
            Over::Failed(error) => error.exit_code,
            Over::Interrupted => exit::INTERRUPTED,
            _ if not_reset || self.waiting.iter().any(has_failed) => exit::FAILED,
            Over::Late => exit::NOT_SYNCHRONISED,
            Over::Done => exit::DONE,
        }
    }

    /// A line for each publisher that is not synchronised.
    fn unfinished(&self) -> Vec<String> {
        let late = self.waiting.iter().filter(|waiting| waiting.end().is_none());
        late.map(publisher_wait::unfinished).collect()
    }

    /// The time of the wait is over.
    fn late(&self, late: &[String]) -> String {
        let (whole, wait) = (self.outcomes.len(), self.wait.unwrap_or_default());
        let text = match self.context.quiet {
            true => render::progress::late_briefly,
            false => render::progress::late,
        };
        text(late, whole, Some(0), wait, Counted::Publishers)
    }
}

/// Shows what a reset would do; what would fail goes to standard error, as what fails does.
pub(super) fn plan(
    reset: &ResetPublisher,
    stagger: Option<Duration>,
    context: &Context,
) -> Result<Output, Output> {
    let stagger = stagger.map(Span::of);
    let request = Request::Query(Query::PublisherPlan(reset.clone()));
    let Response::PublisherPlans { plans, skipped } = context.ask(&request)? else {
        return Err(context.misunderstood());
    };
    let failed = plans.iter().any(|plan| plan.result.is_err());
    let code = if failed { exit::FAILED } else { exit::DONE };
    if context.json {
        let is_shown = failed || !context.quiet;
        let document = || Document::publishers_reset_plan(plans, skipped, stagger).to_text();
        let out = if is_shown { document() } else { String::new() };
        return Ok(Output { out, err: String::new(), code });
    }
    let mut output = Output { out: String::new(), err: String::new(), code };
    if !context.quiet {
        output.out.push_str(&render::publisher::skipped(&skipped));
        if plans.is_empty() && skipped.is_empty() {
            output.out.push_str(render::publisher::NONE);
        }
    }
    for plan in &plans {
        match render::publisher::plan(plan) {
            Ok(_) if context.quiet => {}
            Ok(text) => output.out.push_str(&text),
            Err(text) => output.err.push_str(&render::error(&text)),
        }
    }
    if let Some(stagger) = stagger.filter(|_| !context.quiet) {
        let count = plans.iter().filter(|plan| plan.result.is_ok()).count();
        output.out.push_str(&render::reset::staggered(stagger, count, Counted::Publishers));
    }
    Ok(output)
}
