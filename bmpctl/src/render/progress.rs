//! How far the sessions are that were reset: lines for files and pipes, bars for terminals.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use shared::names::SessionId;
use shared::response::{Change, Progress, ProgressEnd, SessionState};
use shared::time::Span;
use unicode_width::UnicodeWidthStr;

use super::canvas::{self, Canvas};
use super::{age, session};

/// A session of which the end is waited for.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    /// The session.
    pub(crate) id: SessionId,
    /// The generation that began with the reset.
    pub(crate) generation: u64,
    /// What the reset has put into effect.
    pub(crate) changes: Vec<Change>,
    /// When bmpctl heard of the reset.
    pub(crate) since: Instant,
    /// Where it is, as far as is known.
    pub(crate) progress: Option<Progress>,
    /// What it has come to, and how long that took.
    pub(crate) end: Option<(ProgressEnd, Duration)>,
}

/// How much was sent of what there is to send, in percent; 100 only when that is all.
pub(crate) fn percent(progress: &Progress) -> u64 {
    if progress.end == Some(ProgressEnd::Synchronised) {
        return 100;
    }
    let whole = progress.routes_sent.saturating_add(progress.routes_to_send);
    progress.routes_sent.saturating_mul(100).checked_div(whole).unwrap_or(0).min(99)
}

fn is_up(state: SessionState) -> bool {
    match state {
        SessionState::Synchronising | SessionState::Established => true,
        SessionState::Idle
        | SessionState::Connecting
        | SessionState::Listening
        | SessionState::Shutdown => false,
    }
}

/// Where a session is that is not synchronised yet: its state, and why while it is not connected.
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

/// The last line of a session that is synchronised, or the sentence of another end, which is a failure.
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
        Some((ProgressEnd::Shutdown, _)) => Err(format!(
            "session {id}: not synchronised: it has been shut down in the configuration meanwhile"
        )),
        Some((ProgressEnd::Removed, _)) => {
            Err(format!("session {id}: not synchronised: a reload has removed it meanwhile"))
        }
        None => Ok(String::new()),
    }
}

/// A length of time: tenths of a second while they matter.
fn time(took: Duration) -> String {
    if took < Duration::from_secs(10) {
        format!("{:.1}s", took.as_secs_f64())
    } else {
        age(Span::of(took))
    }
}

/// What was reached by a session that is not synchronised.
pub(crate) fn unfinished(waiting: &Waiting) -> String {
    let Waiting { id, progress, .. } = waiting;
    match progress {
        None => format!("session {id}: nothing is known of it yet"),
        Some(progress) if is_up(progress.state) => {
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

/// The time of the waiting is over.
pub(crate) fn late(unfinished: &[String], to_come: Option<u32>, wait: Duration) -> String {
    let wait = time(wait);
    listed(
        format!("not every session is synchronised after {wait}; bmpd goes on"),
        unfinished,
        to_come,
    )
}

/// Somebody has ended the waiting.
pub(crate) fn interrupted(unfinished: &[String], to_come: Option<u32>) -> String {
    let text = match to_come {
        // It may have the order, and it may not.
        None => "interrupted before bmpd has answered: bmpctl show session says what it does",
        Some(_) => "interrupted: the reset goes on in bmpd; bmpctl show session says how far it is",
    };
    listed(text.to_owned(), unfinished, to_come)
}

fn listed(mut text: String, unfinished: &[String], to_come: Option<u32>) -> String {
    let mut lines = unfinished.to_vec();
    match to_come {
        None => lines.push("bmpd has not said yet what it has reset".to_owned()),
        Some(0) => {}
        Some(1) => lines.push("1 session is still to be reset".to_owned()),
        Some(count) => lines.push(format!("{count} sessions are still to be reset")),
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
    said: HashMap<SessionId, (u64, SessionState, String)>,
}

impl Lines {
    /// A line for a session that has changed, unless it was said before.
    pub(crate) fn change(&mut self, waiting: &Waiting) -> String {
        let Some(progress) = waiting.progress.as_ref().filter(|_| waiting.end.is_none()) else {
            return String::new();
        };
        // The line of the reset itself said that it connects, or waits for the station.
        let is_next = matches!(progress.state, SessionState::Connecting | SessionState::Listening);
        if is_next || progress.state == SessionState::Shutdown {
            return String::new();
        }
        let now = (progress.generation, progress.state, place(progress));
        if self.said.get(&progress.id) == Some(&now) {
            return String::new();
        }
        let line = format!("session {}: {}\n", progress.id, now.2);
        self.said.insert(progress.id.clone(), now);
        line
    }
}

/// A bar a session, at the end of the terminal; gone without a trace when it is dropped.
#[derive(Debug)]
pub(crate) struct Bars {
    canvas: Canvas,
    multi: MultiProgress,
    /// In the order in which they stand.
    shown: Vec<(usize, Bar)>,
    summary: ProgressBar,
    until: Instant,
}

#[derive(Debug)]
struct Bar {
    bar: ProgressBar,
    /// The generation that it shows.
    generation: u64,
    is_up: bool,
}

/// How many columns of a name are shown.
const NAME_MAX: usize = 40;

impl Bars {
    /// Nothing yet; the waiting ends then.
    pub(crate) fn new(until: Instant) -> Self {
        let canvas = Canvas::default();
        let target = ProgressDrawTarget::term_like(Box::new(canvas.clone()));
        let multi = MultiProgress::with_draw_target(target);
        let summary = ProgressBar::no_length().with_style(style("{msg}"));
        Self { canvas, multi, shown: Vec::new(), summary, until }
    }

    /// Shows where the sessions are, as many as there is room for, below lines that stay.
    pub(crate) fn show(&mut self, all: &[Waiting], to_come: u32, above: &str) {
        let (_, height) = canvas::size();
        let room = height.saturating_sub(2).max(1);
        let with_summary = all.len() as u32 + to_come > 1;
        let room = if with_summary { room.saturating_sub(1).max(1) } else { room };
        let names = all.iter().map(|one| one.id.to_string().width()).max().unwrap_or(0);

        let left: Vec<usize> = (0..all.len()).filter(|rank| all[*rank].end.is_none()).collect();
        // Those that are shown stay where they are until they are done.
        let mut kept = 0;
        self.shown.retain(|(rank, bar)| {
            let keep = all[*rank].end.is_none() && kept < room;
            kept += usize::from(keep);
            if !keep {
                bar.bar.finish_and_clear();
                self.multi.remove(&bar.bar);
            }
            keep
        });
        for rank in left {
            if self.shown.len() >= room {
                break;
            }
            if !self.shown.iter().any(|(shown, _)| *shown == rank) {
                let bar = self.multi.insert(self.shown.len(), ProgressBar::new(1));
                let bar = bar.with_style(style("{prefix}  {msg}"));
                bar.set_prefix(name(&all[rank].id, names));
                self.shown.push((rank, Bar { bar, generation: 0, is_up: false }));
            }
        }
        for (rank, bar) in &mut self.shown {
            bar.show(&all[*rank]);
        }
        if with_summary {
            if !self.summary.is_finished() && self.summary.message().is_empty() {
                self.summary = self.multi.add(self.summary.clone());
            }
            self.summary.set_message(summary(all, to_come, self.until));
        }
        self.canvas.paint(above);
    }

    /// Shows the last picture of a session that is synchronised: all of it was sent.
    pub(crate) fn complete(&mut self, all: &[Waiting], rank: usize) {
        let found = self.shown.iter_mut().find(|(shown, _)| *shown == rank);
        if let Some((_, bar)) = found {
            bar.show(&all[rank]);
            self.canvas.paint("");
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        let _ = self.multi.clear();
        self.canvas.clear();
    }
}

impl Bar {
    fn show(&mut self, waiting: &Waiting) {
        let Some(progress) = &waiting.progress else {
            self.bar.set_message("connecting");
            return;
        };
        let up = is_up(progress.state);
        if up != self.is_up {
            let template = if up { "{prefix}  [{bar:24}] {msg}" } else { "{prefix}  {msg}" };
            self.bar.set_style(style(template));
            self.is_up = up;
        }
        if progress.generation != self.generation {
            // What was sent on another connection says nothing of this one.
            self.bar.reset();
            self.generation = progress.generation;
        }
        if !up {
            self.bar.set_message(place(progress));
            return;
        }
        let whole = progress.routes_sent.saturating_add(progress.routes_to_send);
        // The last routes are not the end: what is left then is the End-of-RIBs.
        let done = progress.end == Some(ProgressEnd::Synchronised);
        self.bar.set_length(whole.max(1));
        self.bar.set_position(if done { whole.max(1) } else { progress.routes_sent });
        let rate = self.bar.per_sec();
        let mut text = format!("{:>3}%", percent(progress));
        if done {
            text.push_str(&format!("  {} routes", progress.routes_sent));
        } else if rate >= 1.0 {
            text.push_str(&format!("  {} routes/s", rounded(rate)));
            if progress.routes_to_send > 0 {
                let left = Duration::try_from_secs_f64(progress.routes_to_send as f64 / rate);
                let left = left.unwrap_or(Duration::MAX).min(Duration::from_secs(86_400 * 99));
                text.push_str(&format!("  {} left", super::countdown(Span::of(left))));
            }
        }
        self.bar.set_message(text);
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are those of this file.
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("=> ")
}

/// Two digits and noughts: more would only flicker.
fn rounded(rate: f64) -> u64 {
    let mut unit = 1.0;
    while rate / unit >= 100.0 {
        unit *= 10.0;
    }
    ((rate / unit).round() * unit) as u64
}

fn name(id: &SessionId, width: usize) -> String {
    let name = id.to_string();
    let width = width.min(NAME_MAX);
    if name.width() <= width {
        return format!("{name}{}", " ".repeat(width - name.width()));
    }
    let cut: String = name.chars().take(width.saturating_sub(1)).collect();
    format!("{cut}…")
}

fn summary(all: &[Waiting], to_come: u32, until: Instant) -> String {
    let done = all.iter().filter(|one| one.end.is_some()).count();
    let left = Span::of(until.saturating_duration_since(Instant::now()));
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
    states.sort_by_key(|(state, _)| session::state(*state));
    for (state, count) in states {
        text.push_str(&format!(", {count} {}", session::state(state)));
    }
    if to_come > 0 {
        text.push_str(&format!(", {to_come} still to be reset"));
    }
    text.push_str(&format!("; waiting for {} more at most", super::countdown(left)));
    text
}
