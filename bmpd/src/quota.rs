//! How much one neighbor, session or prefix may log: what comes and goes many times a second must not fill a disk.
//!
//! The first lines of a minute are logged as they are, further ones at level debug only. When the minute is
//! over, a line says how many those were. What happened last is in `show` at any time.
#![forbid(unsafe_code)]

use std::time::Duration;

use tokio::time::Instant;

/// What lines are counted over.
const WINDOW: Duration = Duration::from_secs(60);

/// How many of them are logged in that time.
const LOGGED_MAX: u32 = 20;

/// The lines of one of them.
#[derive(Debug, Default)]
pub(crate) struct Quota {
    /// When this minute began, with its first line.
    begun: Option<Instant>,
    lines: u32,
}

impl Quota {
    /// Nothing was said yet.
    pub(crate) const fn new() -> Self {
        Self { begun: None, lines: 0 }
    }

    /// Counts one more line. True if it is to be logged.
    pub(crate) fn take(&mut self) -> bool {
        let now = Instant::now();
        // Should nobody have looked when the minute was over, and nothing is to be told of it.
        if self.ends_at().is_none() && self.begun.is_some_and(|begun| now >= begun + WINDOW) {
            *self = Self::default();
        }
        self.begun.get_or_insert(now);
        self.lines = self.lines.saturating_add(1);
        self.lines <= LOGGED_MAX
    }

    /// When [`Quota::end`] has something to tell; `None` if no line was left out.
    pub(crate) fn ends_at(&self) -> Option<Instant> {
        self.begun.filter(|_| self.lines > LOGGED_MAX).map(|begun| begun + WINDOW)
    }

    /// Like [`Quota::end`], for one that nobody waits for: it is told of with the next line.
    pub(crate) fn ended(&mut self) -> Option<u32> {
        let is_over = self.ends_at().is_some_and(|at| Instant::now() >= at);
        is_over.then(|| self.end())
    }

    /// The minute is over: says how many lines were left out.
    pub(crate) fn end(&mut self) -> u32 {
        std::mem::take(self).lines.saturating_sub(LOGGED_MAX)
    }
}

/// Logs a line at this level, such as `warn`, or at debug if its quota is used up.
macro_rules! say {
    ($quota:expr, $level:ident, $($line:tt)*) => {
        if $quota.take() {
            tracing::$level!($($line)*);
        } else {
            tracing::debug!($($line)*);
        }
    };
}
pub(crate) use say;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_loop_is_logged_a_few_times_a_minute_and_counted() {
        let mut quota = Quota::default();
        let logged = |quota: &mut Quota| (0..1000).filter(|_| quota.take()).count();
        assert_eq!(logged(&mut quota), 20);
        assert_eq!(quota.ends_at(), Some(Instant::now() + WINDOW));
        tokio::time::sleep_until(quota.ends_at().unwrap()).await;
        assert_eq!(quota.end(), 980);
        assert_eq!((quota.ends_at(), logged(&mut quota)), (None, 20));
        assert_eq!(quota.ended(), None);
        tokio::time::sleep(WINDOW).await;
        assert_eq!((quota.ended(), quota.ended()), (Some(980), None));
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_little_is_never_cut_short() {
        let mut quota = Quota::default();
        for _ in 0..10 {
            assert!((0..20).all(|_| quota.take()));
            assert_eq!(quota.ends_at(), None);
            tokio::time::sleep(WINDOW).await;
        }
    }
}
