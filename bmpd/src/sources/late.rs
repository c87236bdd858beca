//! When a link works off its backlog ([`crate::routers::Rib::work_off`]): it indexes appended routes, and compacts.

use std::time::Duration;

use tokio::time::Instant;

/// A neighbor that sends nothing for this long pauses.
const PAUSE: Duration = Duration::from_millis(10);
/// Without a pause routes wait this long: a neighbor that repeats itself forever must not fill the memory with
/// it, however slowly.
const LATE_FOR: Duration = Duration::from_secs(1);

/// When the backlog is due.
#[derive(Debug, Default)]
pub(super) struct Look {
    at: Option<Instant>,
    /// Not later than this, while any wait.
    latest: Option<Instant>,
}

impl Look {
    /// When to work on the backlog, if there is one.
    pub(super) fn at(&self) -> Option<Instant> {
        self.at
    }

    /// Routes were taken, or indexed; `any_wait` says whether there is a backlog.
    pub(super) fn note(&mut self, any_wait: bool, now: Instant) {
        self.latest = any_wait.then(|| self.latest.unwrap_or(now + LATE_FOR));
        self.at = self.latest.map(|latest| latest.min(now + PAUSE));
    }

    /// True if routes have waited too long.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        self.latest.is_some_and(|latest| latest <= now)
    }

    /// Continues with what is left: a pause lasts until it is seen to be over.
    pub(super) fn go_on(&mut self, now: Instant) {
        self.at = self.at.map(|_| now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_looked_at_when_the_neighbor_pauses() {
        let (mut look, begin) = (Look::default(), Instant::now());
        look.note(false, begin);
        assert_eq!(look.at(), None);
        for millis in [0, 5, 12] {
            let now = begin + Duration::from_millis(millis);
            look.note(true, now);
            assert_eq!(look.at(), Some(now + PAUSE));
        }
        let now = begin + Duration::from_millis(22);
        look.note(true, now);
        look.go_on(now);
        assert_eq!(look.at(), Some(now));
        look.note(false, now);
        look.go_on(now);
        assert_eq!(look.at(), None);
    }

    #[test]
    fn without_a_pause_they_are_looked_at_after_a_while_until_none_wait() {
        let (mut look, begin) = (Look::default(), Instant::now());
        let mut now = begin;
        while look.at().is_none_or(|at| at > now) {
            look.note(true, now);
            assert!(!look.is_overdue(now));
            now += Duration::from_millis(9);
        }
        assert!(now >= begin + LATE_FOR && now < begin + LATE_FOR + PAUSE);
        // More was received, and the time is still over.
        look.note(true, now);
        assert!(look.at().unwrap() <= now && look.is_overdue(now));
        look.note(false, now);
        look.note(true, now);
        assert_eq!(look.at(), Some(now + PAUSE));
    }
}
