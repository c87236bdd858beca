//! How a panic is handled: a bug in bmpd itself, in one of its tasks.
//!
//! ```text
//!   session ───┐                                       ┌─ its connection is closed; it reconnects
//!   link ──────┤                                       ├─ Peer Down; its neighbor reconnects
//!   neighbor ──┼── caught ── Err(Panic) ── its owner ──┼─ the same; it is restarted
//!   listener ──┤                                       ├─ continues with the next connection
//!   control ───┘                                       └─ that command has no answer
//! ```
//!
//! The work of the task is aborted and named in the log and in `show`; other work continues, and tables that were being
//! changed are dropped with the session that changed them. A panic during the cleanup aborts the process, which is then
//! restarted.
//!
//! A build with debug assertions can inject faults, so that tests can show all this: see [`fault`].
#![forbid(unsafe_code)]

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::Cell;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use parking_lot::Mutex;
use tracing::{debug, error};

use crate::quota::Quota;

/// A restarted task waits this long: the cause of the panic may persist.
const PAUSE: Duration = Duration::from_secs(1);

static COUNT: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// The hook's description of the panic that is unwinding.
    static MET: Cell<Option<String>> = const { Cell::new(None) };
}

/// How many panics there have been.
pub(crate) fn panics() -> u64 {
    COUNT.load(Ordering::Relaxed)
}

/// Counts every panic, and logs it with its location.
pub fn watch() {
    std::panic::set_hook(Box::new(note));
}

/// A panic that received bytes cause repeats as often as they do.
static LINES: Mutex<Quota> = Mutex::new(Quota::new());

fn note(panic: &PanicHookInfo<'_>) {
    COUNT.fetch_add(1, Ordering::Relaxed);
    let text = match panic.location() {
        Some(place) => format!("{} ({}:{})", message(panic.payload()), place.file(), place.line()),
        None => message(panic.payload()),
    };
    let (left_out, is_logged) = {
        let mut lines = LINES.lock();
        (lines.ended(), lines.take())
    };
    if let Some(left_out) = left_out {
        error!("{left_out} more internal errors were not logged within a minute");
    }
    if !is_logged {
        debug!("internal error: {text}");
        MET.set(Some(text));
        return;
    }
    let backtrace = Backtrace::capture();
    match backtrace.status() {
        BacktraceStatus::Captured => {
            error!("internal error, please report it: {text}\n{backtrace}")
        }
        _ => error!("internal error, please report it: {text}"),
    }
    MET.set(Some(text));
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without words".to_owned())
}

/// A panic that was caught.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("internal error: {0}")]
pub(crate) struct Panic(String);

impl Panic {
    fn of(payload: &(dyn Any + Send)) -> Self {
        // Without the hook, in tests of single modules, there is no location.
        Self(MET.take().unwrap_or_else(|| message(payload)))
    }
}

/// Runs this until it completes or panics; it is not polled again after a panic.
pub(crate) async fn catch_panic<T>(work: impl Future<Output = T>) -> Result<T, Panic> {
    let mut work = pin!(work);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(polled) => polled.map(Ok),
        Err(payload) => Poll::Ready(Err(Panic::of(&*payload))),
    })
    .await
}

/// Does this; if it panics, `undo` is called before the panic continues.
pub(crate) fn roll_back_on_panic<T>(work: impl FnOnce() -> T, undo: impl FnOnce()) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        undo();
        resume_unwind(payload)
    })
}

/// True if this has panicked, after a pause: the caller restarts it, and the cause may persist.
pub(crate) async fn has_panicked(work: impl Future<Output = ()>) -> bool {
    let has_panicked = catch_panic(work).await.is_err();
    if has_panicked {
        tokio::time::sleep(PAUSE).await;
    }
    has_panicked
}

/// Cleans up after a panic. Another panic aborts the process.
pub(crate) async fn abort_on_panic(work: impl Future<Output = ()>) {
    if let Err(panic) = catch_panic(work).await {
        error!("{panic}; that was while an internal error was dealt with: bmpd ends");
        std::process::abort();
    }
}

/// A place for fault injection: `BMPD_FAULTS=link.update:3` makes the third visit of that place panic,
/// `link.update:3:hang` makes it never return; several are separated by commas. Builds without debug assertions have no
/// such places.
#[cfg(debug_assertions)]
#[track_caller]
pub(crate) fn fault(place: &'static str) {
    use std::collections::HashMap;
    use std::sync::LazyLock;

    /// The visits of a place that panic or hang, and how many there were.
    type Place = (Vec<(u64, bool)>, AtomicU64);

    static WANTED: LazyLock<HashMap<String, Place>> = LazyLock::new(|| {
        let mut places = HashMap::<String, Place>::new();
        for one in std::env::var("BMPD_FAULTS").unwrap_or_default().split(',') {
            if let Some((place, visit)) = one.split_once(':') {
                let (visit, hangs) = match visit.strip_suffix(":hang") {
                    Some(visit) => (visit, true),
                    None => (visit, false),
                };
                if let Ok(visit) = visit.parse() {
                    places.entry(place.to_owned()).or_default().0.push((visit, hangs));
                }
            }
        }
        places
    });

    if let Some((wanted, visits)) = WANTED.get(place) {
        let visit = visits.fetch_add(1, Ordering::Relaxed) + 1;
        assert!(!wanted.contains(&(visit, false)), "asked for by BMPD_FAULTS at {place}");
        while wanted.contains(&(visit, true)) {
            std::thread::park();
        }
    }
}

/// Nothing, in a release build.
#[cfg(not(debug_assertions))]
pub(crate) fn fault(_: &'static str) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_caught_and_says_what_it_was() {
        let panic = catch_panic(async {
            tokio::task::yield_now().await;
            assert_eq!(1 + 1, 3, "sums");
        });
        let text = panic.await.unwrap_err().to_string();
        assert!(text.starts_with("internal error: ") && text.contains("sums"), "{text}");
        assert_eq!(catch_panic(async { 7 }).await, Ok(7));
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_begins_anew() {
        let mut times = 0;
        while has_panicked(async {
            times += 1;
            assert!(times > 2, "not yet");
        })
        .await
        {}
        assert_eq!(times, 3);
    }

    #[test]
    fn what_was_half_done_is_undone_before_the_panic_goes_on() {
        let mut undone = false;
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            roll_back_on_panic(|| panic!("half done"), || undone = true);
        }));
        assert!(outcome.is_err() && undone);
        assert_eq!(roll_back_on_panic(|| 1, || unreachable!()), 1);
    }
}
