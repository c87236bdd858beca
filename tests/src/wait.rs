//! Waiting for a condition, with a deadline and a reason when it passes.
//!
//! No test sleeps for a fixed time: it names what it waits for, and if that does not
//! happen, the panic shows what was there instead.

use std::thread;
use std::time::{Duration, Instant};

/// Calls `attempt` until it gives `Ok`, and returns that.
///
/// An `Err` describes what is still missing; the last one is shown when `deadline` has passed.
///
/// # Panics
/// When `deadline` has passed.
#[track_caller]
pub fn wait_for<T>(
    what: &str,
    deadline: Duration,
    attempt: impl FnMut() -> Result<T, String>,
) -> T {
    try_for(what, deadline, attempt).unwrap_or_else(|failed| panic!("{failed}"))
}

/// The same where a timeout is a result like any other.
///
/// # Errors
/// When `deadline` has passed; with what is still missing.
pub fn try_for<T>(
    what: &str,
    deadline: Duration,
    mut attempt: impl FnMut() -> Result<T, String>,
) -> Result<T, String> {
    let begun = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        // The last attempt is made after the deadline, so that a machine that slept through it
        // does not fail a condition that holds.
        let late = begun.elapsed() >= deadline;
        match attempt() {
            Ok(value) => return Ok(value),
            Err(missing) if late => {
                return Err(format!(
                    "waited {deadline:?} without success for: {what}\nas it stands: {missing}"
                ));
            }
            Err(_) => thread::sleep(pause),
        }
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// Waits until `condition` holds.
///
/// # Panics
/// When `deadline` has passed.
#[track_caller]
pub fn wait_until(what: &str, deadline: Duration, mut condition: impl FnMut() -> bool) {
    wait_for(what, deadline, || if condition() { Ok(()) } else { Err("not so".to_owned()) });
}

/// Checks all through `time` that `condition` holds: for what must *not* happen.
///
/// # Panics
/// As soon as `condition` does not hold.
#[track_caller]
pub fn holds_for(what: &str, time: Duration, mut condition: impl FnMut() -> Result<(), String>) {
    let begun = Instant::now();
    loop {
        if let Err(instead) = condition() {
            panic!("did not hold for {time:?}: {what}\nafter {:?}: {instead}", begun.elapsed());
        }
        if begun.elapsed() >= time {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    //! A wait that does not fail would let every test pass.

    use super::*;

    #[test]
    #[should_panic(expected = "as it stands: two of three")]
    fn a_failed_wait_says_what_was_there() {
        wait_for::<()>("all three", Duration::from_millis(5), || Err("two of three".to_owned()));
    }
}
