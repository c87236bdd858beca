//! What has changed from one report to the next, a second.

use std::time::Duration;

use shared::response::Response;

/// The report before, and how long ago it was made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Earlier<'a> {
    pub(crate) answer: &'a Response,
    pub(crate) ago: Duration,
}

/// How much a counter has grown a second; `None` if it began anew meanwhile.
pub(super) fn rate(now: u64, before: u64, time: Duration) -> Option<u64> {
    let grown = u128::from(now.checked_sub(before)?) * 1000;
    let millis = time.as_millis().max(1);
    u64::try_from((grown + millis / 2) / millis).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_by_the_second_and_unknown_of_a_counter_that_began_anew() {
        let two = Duration::from_secs(2);
        assert_eq!(rate(300, 100, two), Some(100));
        assert_eq!(rate(101, 100, two), Some(1), "half a one is one");
        assert_eq!(rate(100, 100, two), Some(0));
        assert_eq!(rate(1, 100, two), None);
        assert_eq!(rate(u64::MAX, 0, Duration::ZERO), None);
        assert_eq!(rate(5, 0, Duration::ZERO), Some(5000));
    }
}
