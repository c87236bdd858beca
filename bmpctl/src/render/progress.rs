//! How far the legs are that were reset: lines for files and pipes, bars for terminals.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use shared::exit;
use shared::names::LegId;
use shared::response::{Change, Progress, ProgressEnd, SessionState};
use shared::time::Span;
use unicode_width::UnicodeWidthStr;

use super::canvas::{self, Canvas};
use super::humanize::{age, countdown};
use super::json::ErrorReport;
use super::reset::Counted;

/// A leg of which the end is waited for.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    /// The session and the router.
    pub(crate) id: LegId,
    /// The generation that began with the reset.
    pub(crate) generation: u64,
    /// What the reset has put into effect.
    pub(crate) changes: Vec<Change>,
    /// When bmpctl received the result of the reset.
    pub(crate) since: Instant,
    /// Where it is, as far as is known.
    pub(crate) progress: Option<Progress>,
    /// What it has come to, and how long that took.
    pub(crate) end: Option<(ProgressEnd, Duration)>,
}

impl Waiting {
    /// True if its station was sent everything.
    pub(crate) fn is_synchronised(&self) -> bool {
        matches!(self.end, Some((ProgressEnd::Synchronised, _)))
    }
}

/// How much was sent of what there is to send, in percent; 100 only when that is all.
pub(crate) fn percent(progress: &Progress) -> u64 {
    if progress.end == Some(ProgressEnd::Synchronised) {
        return 100;
    }
    let whole = progress.routes_sent.saturating_add(progress.routes_to_send);
    progress.routes_sent.saturating_mul(100).checked_div(whole).unwrap_or(0).min(99)
}

/// Where a leg is that is not synchronised yet: its state, and why while it is not connected.
fn place(progress: &Progress) -> String {
    let Progress { state, why, .. } = progress;
    match state {
        SessionState::Synchronising | SessionState::Established => "synchronising".to_owned(),
        SessionState::Connecting => "connecting".to_owned(),
        SessionState::Listening => "waiting for the station to connect".to_owned(),
        SessionState::Idle => format!("waiting for the next attempt: {why}"),
        SessionState::Shutdown => why.clone(),
    }
}

/// The last line of a leg that has nothing more to send, or the sentence of another end, which is a failure.
pub(crate) fn end(waiting: &Waiting, with_changes: bool) -> Result<String, String> {
    let Waiting { id, end, progress, .. } = waiting;
    let (sent, generation) = match progress {
        Some(progress) => (progress.routes_sent, progress.generation),
        None => (0, waiting.generation),
    };
    match end {
        Some((ProgressEnd::Synchronised, took)) => {
            let took = time(*took);
            let routes = if sent == 1 { "route" } else { "routes" };
            let mut line = format!(
                "session {id}: synchronised, {sent} {routes} in {took} (generation {generation})"
            );
            if with_changes && !waiting.changes.is_empty() {
                let changes: Vec<String> = waiting.changes.iter().map(Change::to_string).collect();
                line.push_str(&format!(", new: {}", changes.join(", ")));
            }
            Ok(line + "\n")
        }
        Some((ProgressEnd::NoRouter, _)) => Ok(format!(
            "session {id}: nothing to send, as the router is not connected (generation {generation})\n"
        )),
        Some((ProgressEnd::Shutdown, _)) => Err(format!(
            "session {id}: not synchronised: it has been shut down in the configuration meanwhile"
        )),
        Some((ProgressEnd::Removed, _)) => {
            Err(format!("session {id}: not synchronised: a reload has removed it meanwhile"))
        }
        None => Ok(String::new()),
    }
}

/// A length of time: parts of a second while they matter.
pub(super) fn time(took: Duration) -> String {
    match took.as_millis() {
        0..1000 => format!("{:.2}s", took.as_secs_f64()),
        1000..10_000 => format!("{:.1}s", took.as_secs_f64()),
        _ => age(Span::of(took)),
    }
}

/// What was reached by a leg that is not synchronised.
pub(crate) fn unfinished(waiting: &Waiting) -> String {
    let Waiting { id, progress, .. } = waiting;
    match progress {
        None => format!("session {id}: nothing is known of it yet"),
        Some(progress) if progress.state.is_up() => {
            let Progress { routes_sent, routes_to_send, .. } = progress;
            let whole = routes_sent.saturating_add(*routes_to_send);
            let percent = percent(progress);
            format!(
                "session {id}: synchronising, {percent}% sent ({routes_sent} of {whole} routes)"
            )
        }
        Some(progress) => format!("session {id}: {}", place(progress)),
    }
}

/// The time of the wait is over, for these of so many.
pub(crate) fn late(
    unfinished: &[String],
    whole: usize,
    to_come: Option<u32>,
    wait: Duration,
    counted: Counted,
) -> String {
    let first = late_in_one_line(&[], unfinished.len(), whole, to_come, wait, counted);
    listed(first, unfinished, to_come, counted)
}

/// The same without a list; if it is one, it is named.
pub(crate) fn late_briefly(
    unfinished: &[String],
    whole: usize,
    to_come: Option<u32>,
    wait: Duration,
    counted: Counted,
) -> String {
    late_in_one_line(unfinished, unfinished.len(), whole, to_come, wait, counted)
}

fn late_in_one_line(
    named: &[String],
    late: usize,
    whole: usize,
    to_come: Option<u32>,
    wait: Duration,
    counted: Counted,
) -> String {
    let (wait, more) = (Span::of(wait), to_come.unwrap_or(0) as usize);
    match (named, late + more, whole + more) {
        ([one], 1, _) => format!("{one}, not synchronised after {wait}; bmpd continues"),
        (_, 0, _) => {
            format!("not every {} is synchronised after {wait}; bmpd continues", counted.one())
        }
        (_, late, whole) => {
            let verb = if late == 1 { "is" } else { "are" };
            let whole = counted.many(whole);
            format!("{late} of {whole} {verb} not synchronised after {wait}; bmpd continues")
        }
    }
}

/// Interrupted during the wait for the first answer: bmpd may have received the request or not.
pub(crate) const INTERRUPTED_EARLY: &str =
    "interrupted before bmpd has answered: bmpctl show session says what it does";

/// The wait was interrupted.
pub(crate) fn interrupted(unfinished: &[String], to_come: u32, counted: Counted) -> String {
    listed(interrupted_briefly(to_come), unfinished, Some(to_come), counted)
}

/// The same without a list.
pub(crate) fn interrupted_briefly(to_come: u32) -> String {
    let what = if to_come == 0 { "session" } else { "status" };
    format!("interrupted: the reset continues in bmpd; bmpctl show {what} says how far it is")
}

/// The exchange with bmpd has failed, with this many still to be reset; if that is because a reload has
/// taken the caller's level, they are left as they were.
pub(crate) fn failed(error: &ErrorReport, to_come: Option<u32>, counted: Counted) -> String {
    let message = &error.message;
    match (error.exit_code, to_come) {
        (exit::NOT_PERMITTED, Some(0)) => {
            format!("the reset continues in bmpd, which reports nothing more about it: {message}")
        }
        (exit::NOT_PERMITTED, Some(more)) => {
            let verb = if more == 1 { "was" } else { "were" };
            format!("{} {verb} not reset: {message}", counted.many(more as usize))
        }
        _ => message.clone(),
    }
}

pub(super) fn listed(
    mut text: String,
    unfinished: &[String],
    to_come: Option<u32>,
    counted: Counted,
) -> String {
    let mut lines = unfinished.to_vec();
    match to_come {
        None => lines.push("bmpd has not said yet what it has reset".to_owned()),
        Some(0) => {}
        Some(count) => {
            let verb = if count == 1 { "is" } else { "are" };
            lines.push(format!("{} {verb} still to be reset", counted.many(count as usize)));
        }
    }
    if !lines.is_empty() {
        text.push(':');
    }
    for line in lines {
        text.push_str(&format!("\n  {line}"));
    }
    text
}

/// Finds what is new to a reader of lines: an attempt that fails as the one before is not.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    said: HashMap<LegId, (u64, SessionState, String)>,
}

impl Lines {
    /// A line for a leg that has changed, unless it was printed before.
    pub(crate) fn change(&mut self, waiting: &Waiting) -> String {
        let Some(progress) = waiting.progress.as_ref().filter(|_| waiting.end.is_none()) else {
            return String::new();
        };
        // The line of the reset itself shows that it connects, or waits for the station.
        let is_next = matches!(progress.state, SessionState::Connecting | SessionState::Listening);
        if is_next || progress.state == SessionState::Shutdown {
            return String::new();
        }
        let now = (progress.generation, progress.state, place(progress));
        if self.said.get(&waiting.id) == Some(&now) {
            return String::new();
        }
        let line = format!("session {}: {}\n", waiting.id, now.2);
        self.said.insert(waiting.id.clone(), now);
        line
    }
}

/// A bar a leg, at the end of the terminal; removed when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Bars {
    canvas: Canvas,
    /// In the order in which they stand.
    shown: Vec<(usize, Bar)>,
    /// The line below them, if there is one.
    summary: Option<String>,
    until: Option<Instant>,
}

#[derive(Debug, Default)]
struct Bar {
    line: String,
    /// The generation that it shows.
    generation: u64,
    rate: Rate,
}

/// How fast routes are sent: over the last seconds, so that it neither flickers nor lags. The first number of a
/// connection is no speed yet.
#[derive(Debug, Default)]
struct Rate(VecDeque<(Instant, u64)>);

/// What counts as the last seconds, and how much of that must have passed.
const RATE_OVER: Duration = Duration::from_secs(3);
const RATE_AFTER: Duration = Duration::from_millis(300);

impl Rate {
    /// Routes a second, once that is known.
    fn with(&mut self, now: Instant, sent: u64) -> Option<f64> {
        let Self(samples) = self;
        samples.push_back((now, sent));
        while samples.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= RATE_OVER) {
            samples.pop_front();
        }
        let (since, before) = samples.front()?;
        let time = now.duration_since(*since);
        (time >= RATE_AFTER).then(|| sent.saturating_sub(*before) as f64 / time.as_secs_f64())
    }
}

/// The columns that a bar has at least and at most, and those of what stands beside it and the name.
const BAR_MIN: usize = 8;
const BAR_MAX: usize = 24;
const BESIDE: usize = 40;

/// How many columns of a name are shown.
const NAME_MAX: usize = 40;

impl Bars {
    /// When the wait ends.
    pub(crate) fn end_at(&mut self, until: Instant) {
        self.until = Some(until);
    }

    /// Shows where the legs are, as many as there is room for, below lines that stay.
    pub(crate) fn show(&mut self, all: &[Waiting], to_come: u32, above: &str) {
        let (width, height) = canvas::size();
        let room = height.saturating_sub(2).max(1);
        let with_summary = all.len() as u32 + to_come > 1;
        let room = if with_summary { room.saturating_sub(1).max(1) } else { room };
        let names = names(all);

        // Those that are shown stay where they are until they are done.
        self.shown.retain(|(rank, _)| all[*rank].end.is_none());
        self.shown.truncate(room);
        for rank in (0..all.len()).filter(|rank| all[*rank].end.is_none()) {
            if self.shown.len() >= room {
                break;
            }
            if !self.shown.iter().any(|(shown, _)| *shown == rank) {
                self.shown.push((rank, Bar::default()));
            }
        }
        for (rank, bar) in &mut self.shown {
            bar.draw(&all[*rank], names, width);
        }
        self.summary = with_summary.then(|| summary(all, to_come, self.until));
        self.paint(above);
    }

    /// Shows the last picture of a leg that is synchronised: all of it was sent.
    pub(crate) fn complete(&mut self, all: &[Waiting], rank: usize) {
        let (width, _) = canvas::size();
        let names = names(all);
        let found = self.shown.iter_mut().find(|(shown, _)| *shown == rank);
        if let Some((_, bar)) = found {
            bar.draw(&all[rank], names, width);
            self.paint("");
        }
    }

    fn paint(&mut self, above: &str) {
        let bars = self.shown.iter().map(|(_, bar)| bar.line.as_str());
        self.canvas.paint(above, bars.chain(self.summary.as_deref()));
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.canvas.paint("", std::iter::empty());
    }
}

impl Bar {
    fn draw(&mut self, waiting: &Waiting, names: usize, width: usize) {
        let name = name(&waiting.id, names);
        self.line = match &waiting.progress {
            None => format!("{name}  connecting"),
            Some(progress) => format!("{name}  {}", self.beside(progress, names, width)),
        };
    }

    /// What stands beside the name. What matters most comes first: a narrow terminal has no room for the rest.
    fn beside(&mut self, progress: &Progress, names: usize, width: usize) -> String {
        if progress.generation != self.generation {
            // What was sent on another connection does not count for this one.
            self.rate = Rate::default();
            self.generation = progress.generation;
        }
        if !progress.state.is_up() {
            return place(progress);
        }
        let columns =
            width.min(canvas::WIDTH_MAX).saturating_sub(names + BESIDE).clamp(BAR_MIN, BAR_MAX);
        let bar = bar(progress, columns);
        let mut text = format!("{:>3}% [{bar}] ", percent(progress));
        let rate = self.rate.with(Instant::now(), progress.routes_sent);
        if progress.end == Some(ProgressEnd::Synchronised) {
            text.push_str(&format!("{} routes", progress.routes_sent));
        } else if let Some(rate) = rate.filter(|rate| *rate >= 1.0) {
            text.push_str(&format!("{} routes/s", rounded(rate)));
            if progress.routes_to_send > 0 {
                let left = Duration::try_from_secs_f64(progress.routes_to_send as f64 / rate);
                let left = left.unwrap_or(Duration::MAX).min(Duration::from_secs(86_400 * 99));
                text.push_str(&format!("  {} left", countdown(Span::of(left))));
            }
        }
        text
    }
}

/// A bar of so many columns: `====>   `.
fn bar(progress: &Progress, columns: usize) -> String {
    let Progress { routes_sent, routes_to_send, end, .. } = progress;
    // The last routes are not the end: what is left then is the End-of-RIBs.
    let filled = if *end == Some(ProgressEnd::Synchronised) {
        columns
    } else {
        let whole = routes_sent.saturating_add(*routes_to_send).max(1);
        let share = *routes_sent as f64 / whole as f64;
        ((share * columns as f64) as usize).min(columns.saturating_sub(1))
    };
    let head = if filled < columns && *routes_sent > 0 { ">" } else { "" };
    format!("{:<columns$}", format!("{}{head}", "=".repeat(filled)))
}

/// Two digits and noughts: more would only flicker.
fn rounded(rate: f64) -> u64 {
    let mut unit = 1.0;
    while rate / unit >= 100.0 {
        unit *= 10.0;
    }
    ((rate / unit).round() * unit) as u64
}

/// The columns of the longest name.
fn names(all: &[Waiting]) -> usize {
    let names = all.iter().map(|one| one.id.to_string().width());
    names.max().unwrap_or(0).min(NAME_MAX)
}

fn name(id: &LegId, width: usize) -> String {
    let name = id.to_string();
    if name.width() <= width {
        return format!("{name}{}", " ".repeat(width - name.width()));
    }
    let cut: String = name.chars().take(width.saturating_sub(1)).collect();
    format!("{cut}…")
}

fn summary(all: &[Waiting], to_come: u32, until: Option<Instant>) -> String {
    let done = all.iter().filter(|one| one.end.is_some()).count();
    let whole = all.len() as u64 + u64::from(to_come);
    let mut text = format!("{done} of {whole} done");
    let mut states: Vec<(SessionState, usize)> = Vec::new();
    for state in all.iter().filter(|one| one.end.is_none()).map(|one| {
        one.progress.as_ref().map_or(SessionState::Connecting, |progress| progress.state)
    }) {
        match states.iter_mut().find(|(other, _)| *other == state) {
            Some((_, count)) => *count += 1,
            None => states.push((state, 1)),
        }
    }
    states.sort_by_key(|(state, _)| SessionState::name(*state));
    for (state, count) in states {
        text.push_str(&format!(", {count} {}", SessionState::name(state)));
    }
    if to_come > 0 {
        text.push_str(&format!(", {to_come} still to be reset"));
    }
    // The time begins when there is nothing to come any more.
    if let (0, Some(until)) = (to_come, until) {
        let left = Span::of(until.saturating_duration_since(Instant::now()));
        text.push_str(&format!("; waiting for {} more at most", countdown(left)));
    }
    text
}

#[cfg(test)]
mod tests {
    use shared::names::{RouterId, SessionId};

    use super::*;

    fn waiting(state: SessionState, sent: u64, left: u64) -> Waiting {
        let session =
            SessionId { vpn_instance: None, address: "10.1.1.1".parse().unwrap(), alias: None };
        let progress = Progress {
            id: session.clone(),
            router: RouterId::Local,
            generation: 3,
            state,
            why: "cannot connect: refused".to_owned(),
            routes_sent: sent,
            routes_to_send: left,
            bytes_sent: 0,
            end: None,
        };
        Waiting {
            id: LegId { session, router: RouterId::Local },
            generation: 3,
            changes: Vec::new(),
            since: Instant::now(),
            progress: Some(progress),
            end: None,
        }
    }

    fn ended(end: ProgressEnd, took: Duration) -> Waiting {
        let mut waiting = waiting(SessionState::Established, 1_200_000, 0);
        waiting.end = Some((end, took));
        waiting.progress.as_mut().unwrap().end = Some(end);
        waiting
    }

    #[test]
    fn only_what_is_synchronised_is_whole() {
        for (sent, left, expected) in [(0, 0, 0), (0, 10, 0), (5, 5, 50), (999, 1, 99), (10, 0, 99)]
        {
            let waiting = waiting(SessionState::Synchronising, sent, left);
            assert_eq!(percent(waiting.progress.as_ref().unwrap()), expected, "{sent} {left}");
        }
        let done = ended(ProgressEnd::Synchronised, Duration::ZERO);
        assert_eq!(percent(done.progress.as_ref().unwrap()), 100);
    }

    #[test]
    fn the_last_line_says_what_it_took_and_what_is_new() {
        let mut done = ended(ProgressEnd::Synchronised, Duration::from_millis(420));
        assert_eq!(
            end(&done, true).unwrap(),
            "session 10.1.1.1: synchronised, 1200000 routes in 0.42s (generation 3)\n"
        );
        let change = Change { key: "tcp.mss".into(), old: "none".into(), new: "500".into() };
        done.changes.push(change);
        assert!(end(&done, true).unwrap().ends_with("(generation 3), new: tcp.mss none -> 500\n"));
        assert!(end(&done, false).unwrap().ends_with("(generation 3)\n"));
        assert!(end(&ended(ProgressEnd::Removed, Duration::ZERO), false).is_err());
        assert!(end(&ended(ProgressEnd::Shutdown, Duration::ZERO), false).is_err());
        let mut without_router = ended(ProgressEnd::NoRouter, Duration::ZERO);
        without_router.id.router = "edge1".parse().unwrap();
        assert_eq!(
            end(&without_router, false).unwrap(),
            "session 10.1.1.1 router edge1: nothing to send, as the router is not connected (generation 3)\n"
        );
        assert_eq!(time(Duration::from_millis(2_340)), "2.3s");
        assert_eq!(time(Duration::from_secs(75)), "1m15s");
    }

    #[test]
    fn what_a_reader_of_lines_knows_is_not_said_again() {
        let mut lines = Lines::default();
        let mut say = |state, sent| lines.change(&waiting(state, sent, 10));
        assert_eq!(say(SessionState::Connecting, 0), "", "the line of the reset said so");
        let failed = "session 10.1.1.1: waiting for the next attempt: cannot connect: refused\n";
        assert_eq!(say(SessionState::Idle, 0), failed);
        assert_eq!(say(SessionState::Connecting, 0), "");
        assert_eq!(say(SessionState::Idle, 0), "");
        assert_eq!(say(SessionState::Synchronising, 0), "session 10.1.1.1: synchronising\n");
        assert_eq!(say(SessionState::Synchronising, 5), "");
        let mut other = waiting(SessionState::Synchronising, 0, 10);
        other.id.router = "edge1".parse().unwrap();
        assert_eq!(lines.change(&other), "session 10.1.1.1 router edge1: synchronising\n");
    }

    #[test]
    fn what_was_reached_is_said_of_each_session_that_is_late() {
        let late_one = unfinished(&waiting(SessionState::Synchronising, 30, 70));
        assert_eq!(late_one, "session 10.1.1.1: synchronising, 30% sent (30 of 100 routes)");
        let minute = Duration::from_secs(60);
        let one = std::slice::from_ref(&late_one);
        assert_eq!(
            late_briefly(one, 300, Some(0), minute, Counted::Legs),
            format!("{late_one}, not synchronised after 1m; bmpd continues")
        );
        assert_eq!(
            late_briefly(&["a".to_owned(), "b".to_owned()], 300, Some(0), minute, Counted::Legs),
            "2 of 300 legs are not synchronised after 1m; bmpd continues"
        );
        let text = late(one, 1, Some(2), minute, Counted::Sessions);
        assert_eq!(
            text,
            "3 of 3 sessions are not synchronised after 1m; bmpd continues:\n  session 10.1.1.1: \
             synchronising, 30% sent (30 of 100 routes)\n  2 sessions are still to be reset"
        );
        assert!(interrupted_briefly(2).contains("bmpctl show status"));
        assert!(interrupted_briefly(0).contains("bmpctl show session"));
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let (mut rate, begin) = (Rate::default(), Instant::now());
        let mut at = |ms, sent| rate.with(begin + Duration::from_millis(ms), sent);
        assert_eq!([at(0, 5_000), at(100, 6_000)], [None, None], "too early to say");
        assert_eq!(at(500, 10_000), Some(10_000.0));
        assert_eq!(at(4_000, 10_000), Some(0.0), "it has come to a halt");
    }

    #[test]
    fn a_rate_has_two_digits() {
        assert_eq!(
            [7.4, 99.0, 123.0, 184_999.0, 1_256_000.0].map(rounded),
            [7, 99, 120, 180_000, 1_300_000]
        );
    }

    #[test]
    fn a_bar_is_full_when_the_session_is_synchronised() {
        for (sent, left, expected) in [
            (0, 0, "          "),
            (0, 9, "          "),
            (1, 999, ">         "),
            (50, 50, "=====>    "),
            (9, 0, "=========>"),
        ] {
            let waiting = waiting(SessionState::Synchronising, sent, left);
            assert_eq!(bar(waiting.progress.as_ref().unwrap(), 10), expected, "{sent} {left}");
        }
        let done = ended(ProgressEnd::Synchronised, Duration::ZERO);
        assert_eq!(bar(done.progress.as_ref().unwrap(), 10), "==========");
    }

    #[test]
    fn long_names_are_cut_and_short_ones_filled() {
        let mut id = waiting(SessionState::Idle, 0, 0).id;
        assert_eq!(name(&id, 12), "10.1.1.1    ");
        id.session.alias = Some("a".repeat(31).parse().unwrap());
        assert_eq!(name(&id, 20).width(), 20);
    }
}
