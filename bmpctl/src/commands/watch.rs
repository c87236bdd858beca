//! `show --watch`: the same report again and again.
//!
//! ```text
//!   main:    ask ── draw ── wait for the interval ──┐
//!              ^────────────────────────────────────┘
//!   signals: SIGWINCH ── main draws the last answer again     SIGINT, SIGTERM ── terminal back, end
//!            SIGTSTP ── terminal back, stop; when it goes on, as with SIGWINCH
//! ```
//!
//! The thread of the signals ends the process itself, so that Ctrl-C works at once also while bmpd does
//! not answer. On a terminal the reports replace each other on its alternate screen; what was on it before
//! is there again afterwards. A pipe gets one report after the other, with `--json` one document a line.

use std::io::{self, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use shared::exit;
use shared::request::Query;
use shared::response::Response;
use shared::time::{Span, Timestamp};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::{output, show};
use crate::cli::Form;
use crate::context::{Context, Output};
use crate::render::rate::Earlier;
use crate::render::{Screen, Tone, is_terminal};

/// The alternate screen, without a cursor; lines that are too long are cut.
const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l";

/// As it was before.
const LEAVE: &str = "\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l";

/// Shows it until it is ended; the first report must succeed.
pub(super) fn run(
    what: &Query,
    form: Form,
    interval: Duration,
    context: &Context,
) -> Result<Output, Output> {
    let context = &context.in_lines();
    let mut answer = Ok(show::ask(what, context)?);
    let mut asked = Instant::now();
    let mut before: Option<(Response, Instant)> = None;
    let on_terminal = is_terminal() && !context.json && !context.quiet;
    let resized = match listen(on_terminal) {
        Ok(resized) => resized,
        Err(error) => {
            return Err(context.failure(format!("cannot wait for signals: {error}")));
        }
    };
    let _screen = on_terminal.then(Alternate::enter);
    let mut first = true;
    loop {
        let next = Instant::now() + interval;
        let earlier = before.as_ref().map(|(answer, at)| Earlier { answer, ago: asked - *at });
        if on_terminal {
            // An error is shown in place of the report: bmpd may be restarting.
            loop {
                if draw(form, &answer, earlier, interval, context).is_err() {
                    return Ok(Output { out: String::new(), err: String::new(), code: exit::DONE });
                }
                if !resized_before(&resized, next) {
                    break;
                }
            }
        } else {
            let shown = answer?;
            let look = show::shown(form, &shown, earlier, context)?;
            // So that a reader sees where the next report begins.
            let gap = if first || context.json || context.quiet { "" } else { "\n" };
            if context.quiet && output::is_closed(&io::stdout())
                || !context.quiet && write(&format!("{gap}{}", look.out)).is_err()
            {
                // The reader has closed the pipe.
                return Ok(Output { out: String::new(), err: String::new(), code: exit::DONE });
            }
            std::thread::sleep(interval);
            answer = Ok(shown);
        }
        first = false;
        before = answer.ok().map(|answer| (answer, asked));
        answer = show::ask(what, context);
        asked = Instant::now();
    }
}

/// Shows an answer, or why there is none, on the terminal as it is now.
fn draw(
    form: Form,
    answer: &Result<Response, Output>,
    earlier: Option<Earlier<'_>>,
    interval: Duration,
    context: &Context,
) -> io::Result<()> {
    let now = context.on_the_screen_as_it_is_now();
    let look = match answer {
        Ok(answer) => &show::shown(form, answer, earlier, &now).unwrap_or_else(|failed| failed),
        Err(failed) => failed,
    };
    write(&frame(look, interval))
}

/// Waits for a resize; false if none has come by then. However many have come, one drawing does for all.
fn resized_before(resized: &Receiver<()>, next: Instant) -> bool {
    let left = next.saturating_duration_since(Instant::now());
    match resized.recv_timeout(left) {
        Ok(()) => {
            while resized.try_recv().is_ok() {}
            true
        }
        Err(RecvTimeoutError::Timeout) => false,
        Err(RecvTimeoutError::Disconnected) => {
            std::thread::sleep(left);
            false
        }
    }
}

/// The alternate screen, until this is dropped, however this happens.
struct Alternate;

impl Alternate {
    fn enter() -> Self {
        let _ = write(ENTER);
        Self
    }
}

impl Drop for Alternate {
    fn drop(&mut self) {
        let _ = write(LEAVE);
    }
}

/// Starts the thread of the signals; what it sends are resizes.
fn listen(on_terminal: bool) -> io::Result<Receiver<()>> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGWINCH])?;
    if on_terminal {
        signals.add_signal(SIGTSTP)?;
    }
    let (resizes, resized) = mpsc::channel();
    std::thread::spawn(move || {
        for signal in signals.forever() {
            match signal {
                SIGWINCH => {
                    let _ = resizes.send(());
                }
                SIGTSTP => {
                    pause();
                    let _ = resizes.send(());
                }
                _ => {
                    if on_terminal {
                        let _ = write(LEAVE);
                    }
                    // A signal is the regular way to end it.
                    std::process::exit(exit::DONE.into());
                }
            }
        }
    });
    Ok(resized)
}

/// Ctrl-Z: stops the process with the terminal as it was before, and continues after SIGCONT. The lock
/// keeps a frame from coming in between.
fn pause() {
    let mut out = io::stdout().lock();
    let _ = out.write_all(LEAVE.as_bytes()).and_then(|()| out.flush());
    let _ = emulate_default_handler(SIGTSTP);
    let _ = out.write_all(ENTER.as_bytes()).and_then(|()| out.flush());
}

/// One write under the lock of standard output, so that the terminal is never put back within a frame.
fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// One report as it replaces the one before; what does not fit is cut off at the bottom, with a note.
fn frame(look: &Output, interval: Duration) -> String {
    let screen = Screen::of_standard_output();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(Timestamp(0), |since| Timestamp(u64::try_from(since.as_millis()).unwrap_or(0)));
    let every = Span::of(interval);
    let head = format!("{}, every {every}; Ctrl-C ends", now.to_seconds_text());
    let mut lines = vec![screen.paint(Tone::Faint, &head)];
    lines.extend(look.out.lines().chain(look.err.lines()).map(str::to_owned));
    let room = screen.height.unwrap_or(usize::MAX).max(2);
    if lines.len() > room {
        let hidden = lines.len() - (room - 1);
        lines.truncate(room - 1);
        let more = format!("... {hidden} more lines: make the terminal higher");
        lines.push(screen.paint(Tone::Faint, &more));
    }
    let mut frame = String::from("\u{1b}[H");
    for (rank, line) in lines.iter().enumerate() {
        if rank > 0 {
            frame.push_str("\r\n");
        }
        frame.push_str(line);
        frame.push_str("\u{1b}[K");
    }
    frame.push_str("\u{1b}[J");
    frame
}
