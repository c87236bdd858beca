//! How many log lines remote peers can cause: what repeats many times a second must not fill a disk.
//!
//! Every limit of log lines is one of three kinds:
//!
//! - [`Quota`]: the first lines of a minute about one neighbor, session, prefix, user or the like are logged as they
//!   are, further ones at level debug only. At the end of the minute a line reports how many those were.
//! - [`Details`]: the same for what is logged at level debug only, about connection attempts and their steps.
//! - [`UnknownPeers`]: an unknown peer that connects to a listener is logged once an hour for each reason.
//!
//! `show` has the latest state at any time.
#![forbid(unsafe_code)]

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use tracing::{debug, warn};

/// The time over which lines are counted.
pub(crate) const WINDOW: Duration = Duration::from_secs(60);

/// How many of them are logged in that time.
const LOGGED_MAX: u32 = 20;

/// How many lines about all neighbors of a prefix together are logged in that time.
const PREFIX_LOGGED_MAX: u32 = 100;

/// The lines about one of them.
#[derive(Debug)]
pub(crate) struct Quota {
    /// When this minute began, with its first line.
    begun: Option<Instant>,
    lines: u32,
    maximum: u32,
}

impl Default for Quota {
    fn default() -> Self {
        Self::new()
    }
}

impl Quota {
    /// No line was counted yet.
    pub(crate) const fn new() -> Self {
        Self::of(LOGGED_MAX)
    }

    /// The same with so many lines a minute.
    pub(crate) const fn of(maximum: u32) -> Self {
        Self { begun: None, lines: 0, maximum }
    }

    /// Counts one more line. True if it is to be logged.
    pub(crate) fn take(&mut self) -> bool {
        let now = Instant::now();
        // The minute is over, and nothing of it is left to be reported.
        if self.ends_at().is_none() && self.begun.is_some_and(|begun| now >= begun + WINDOW) {
            *self = Self::of(self.maximum);
        }
        self.begun.get_or_insert(now);
        self.lines = self.lines.saturating_add(1);
        self.lines <= self.maximum
    }

    /// When [`Quota::end`] has something to report; `None` if no line was left out.
    pub(crate) fn ends_at(&self) -> Option<Instant> {
        self.begun.filter(|_| self.lines > self.maximum).map(|begun| begun + WINDOW)
    }

    /// Like [`Quota::end`], but `None` while the minute lasts or if no line was left out.
    pub(crate) fn ended(&mut self) -> Option<u32> {
        let is_over = self.ends_at().is_some_and(|at| Instant::now() >= at);
        is_over.then(|| self.end())
    }

    /// The minute is over: returns how many lines were left out.
    pub(crate) fn end(&mut self) -> u32 {
        std::mem::replace(self, Self::of(self.maximum)).lines.saturating_sub(self.maximum)
    }
}

/// How many lines of details about one of them are logged in that time: an attempt to connect has about five.
const DETAILS_MAX: u32 = 100;

/// The lines at level debug about how connections of one neighbor, session, router or publisher come up.
#[derive(Debug, Clone)]
pub(crate) struct Details {
    /// What they are about, such as `neighbor 192.0.2.2`.
    what: Arc<str>,
    quota: Arc<Mutex<Quota>>,
}

impl Details {
    pub(crate) fn new(what: impl Into<Arc<str>>) -> Self {
        Self { what: what.into(), quota: Arc::new(Mutex::new(Quota::of(DETAILS_MAX))) }
    }

    /// Counts one more line. True if it is to be logged. What was left out in a minute that is over is logged before.
    pub(crate) fn take(&self) -> bool {
        let mut quota = self.quota.lock();
        if let Some(lines) = quota.ended() {
            let what = &self.what;
            debug!("{lines} more lines of details about {what} were left out within a minute");
        }
        quota.take()
    }
}

/// Logs a line at level debug, unless the quota of such lines is used up. Nothing is counted at other levels.
macro_rules! detail {
    ($details:expr, $($line:tt)*) => {
        if tracing::enabled!(tracing::Level::DEBUG) && $details.take() {
            tracing::debug!($($line)*);
        }
    };
}
pub(crate) use detail;

/// The lines about all neighbors of a prefix together: there can be many of them, each with a quota of its own.
#[derive(Debug, Clone)]
pub(crate) struct PrefixQuota(Arc<Mutex<Quota>>);

impl Default for PrefixQuota {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Quota::of(PREFIX_LOGGED_MAX))))
    }
}

impl PrefixQuota {
    /// See [`Quota::take`].
    pub(crate) fn take(&self) -> bool {
        self.0.lock().take()
    }

    /// See [`Quota::ended`].
    pub(crate) fn ended(&self) -> Option<u32> {
        self.0.lock().ended()
    }
}

/// The lines about one neighbor: its own quota, and that of the prefix that it comes from.
#[derive(Debug, Default)]
pub(crate) struct NeighborQuota {
    /// Its own.
    pub(crate) own: Quota,
    /// That of its prefix, if it comes from one.
    pub(crate) prefix: Option<PrefixQuota>,
}

impl NeighborQuota {
    /// The quota of a neighbor from this prefix, or of one with an address of its own.
    pub(crate) fn new(prefix: Option<PrefixQuota>) -> Self {
        Self { own: Quota::default(), prefix }
    }

    /// Counts one more line. True if it is to be logged.
    pub(crate) fn take(&mut self) -> bool {
        self.own.take() && self.prefix.as_ref().is_none_or(PrefixQuota::take)
    }

    /// When one of both has something to report.
    pub(crate) fn ends_at(&self) -> Option<Instant> {
        let prefix = self.prefix.as_ref().and_then(|prefix| prefix.0.lock().ends_at());
        self.own.ends_at().into_iter().chain(prefix).min()
    }
}

/// Addresses of unknown peers whose connections a listener has closed. Each is logged once for each reason and hour: it
/// is the usual mistake in a new set-up, and repeats every few seconds.
#[derive(Debug)]
pub(crate) struct UnknownPeers {
    /// What they are, such as `BGP connection`.
    what: &'static str,
    logged: HashSet<(IpAddr, String)>,
    /// When this hour began, with its first line.
    begun: Option<Instant>,
    /// Connections without a line.
    left_out: u64,
}

impl UnknownPeers {
    /// More lines than this are a scan.
    const MAX: usize = 100;

    const HOUR: Duration = Duration::from_secs(3600);

    /// No connection was closed yet. `what` is the name of one, such as `BGP connection`.
    pub(crate) fn new(what: &'static str) -> Self {
        Self { what, logged: HashSet::new(), begun: None, left_out: 0 }
    }

    /// Logs that a connection from this address was closed, and why.
    pub(crate) fn note(&mut self, address: IpAddr, why: &str) {
        let what = self.what;
        if self.begun.is_none_or(|begun| begun.elapsed() >= Self::HOUR) {
            let left_out = self.left_out;
            if left_out > 0 {
                warn!("{left_out} more {what}s of other addresses were closed within an hour");
            }
            *self = Self { begun: Some(Instant::now()), ..Self::new(what) };
        }
        let one = (address, why.to_owned());
        let is_logged = self.logged.contains(&one);
        if !is_logged && self.logged.len() < Self::MAX {
            self.logged.insert(one);
            warn!(%address, "a {what} was closed: {why}");
        } else {
            self.left_out += u64::from(!is_logged);
            debug!(%address, "a {what} was closed: {why}");
        }
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
    async fn all_neighbors_of_a_prefix_share_a_quota_beside_their_own() {
        let prefix = PrefixQuota::default();
        let mut neighbors = [(); 40].map(|()| NeighborQuota::new(Some(prefix.clone())));
        let logged = |quota: &mut NeighborQuota| (0..20).filter(|_| quota.take()).count();
        assert_eq!(neighbors.iter_mut().map(logged).sum::<usize>(), 100);
        assert_eq!((0..20).filter(|_| NeighborQuota::new(None).take()).count(), 20);
        let over = Instant::now() + WINDOW;
        assert!(neighbors.iter().all(|quota| quota.ends_at() == Some(over)), "whoever looks first");
        tokio::time::sleep_until(over).await;
        assert_eq!((prefix.ended(), prefix.ended()), (Some(700), None));
        // What a neighbor's own quota has left out does not count for the others.
        assert_eq!((0..50).filter(|_| neighbors[0].take()).count(), 20);
        assert_eq!(neighbors[1..].iter_mut().map(logged).sum::<usize>(), 80);
    }

    #[tokio::test(start_paused = true)]
    async fn a_scan_takes_a_hundred_lines_an_hour_and_a_further_hour_has_lines_again() {
        let mut unknown = UnknownPeers::new("connection");
        let address = |n: u32| IpAddr::from(n.to_be_bytes());
        for _ in 0..3 {
            (0..150).for_each(|n| unknown.note(address(n), "nobody has it"));
        }
        assert_eq!((unknown.logged.len(), unknown.left_out), (100, 150));
        tokio::time::advance(UnknownPeers::HOUR).await;
        unknown.note(address(3), "nobody has it");
        unknown.note(address(3), "its prefix is full");
        assert_eq!((unknown.logged.len(), unknown.left_out), (2, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn details_are_limited_for_all_connections_together_and_come_again_after_a_minute() {
        let details = Details::new("neighbor 192.0.2.2");
        let of_a_link = details.clone();
        let logged = |count| (0..count).filter(|_| details.take() | of_a_link.take()).count();
        assert_eq!(logged(1000), 50);
        tokio::time::sleep(WINDOW).await;
        assert_eq!(logged(30), 30);
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
