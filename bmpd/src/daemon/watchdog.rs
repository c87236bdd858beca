//! Watchdog notifications for the service manager.
//!
//! ```text
//!   task:   every session and neighbor is polled ──> all have answered ──> WATCHDOG
//!             └── who was asked, and when ──> Asked <──┐
//!   thread: checks it, whatever the tasks do ──────────┘──> the log, before the manager's timeout
//! ```
//!
//! A hanging task prevents the notification, and the manager then restarts bmpd. The reason is logged before that:
//! tasks that have not answered for half of a period are named, and the manager's timeout expires after a whole one. A
//! task that does not yield its thread can block all others, so a thread of its own does the logging.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::time::MissedTickBehavior;
use tracing::{error, warn};

use crate::service;
use crate::world::{World, all};

/// How many of them are named.
const NAMED_MAX: usize = 3;

/// Sends watchdog notifications for ever, if the manager expects any.
pub(super) fn start(world: Arc<World>, manager: service::Shared) {
    let Some(period) = manager.period() else { return };
    let asked = Arc::new(Asked::default());
    let looked_at = Arc::clone(&asked);
    let look = move || {
        loop {
            thread::sleep(period / 4);
            if let Some(late) = looked_at.late(period / 2) {
                error!("{late}: bmpd hangs, and its service manager may end it");
            }
        }
    };
    if let Err(error) = thread::Builder::new().name("watchdog".into()).spawn(look) {
        warn!("should a task hang, nobody will say which: {error}");
    }
    tokio::spawn(async move {
        let mut moments = tokio::time::interval(period);
        moments.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            moments.tick().await;
            // All at once: many busy tasks must not look like a hanging one. A task that has ended meanwhile counts as
            // answered.
            let (sessions, neighbors) = (world.sessions(), world.neighbors());
            let sessions = sessions
                .iter()
                .map(|session| asked.answer(format!("session {}", session.id()), session.state()));
            let neighbors = neighbors.iter().map(|neighbor| {
                asked.answer(format!("neighbor {}", neighbor.id()), neighbor.entry())
            });
            tokio::join!(all(sessions), all(neighbors));
            manager.alive();
        }
    });
}

/// The tasks that have not answered yet.
#[derive(Debug, Default)]
struct Asked(Mutex<BTreeMap<String, Waiting>>);

#[derive(Debug)]
struct Waiting {
    since: Instant,
    /// True once that was logged.
    is_reported: bool,
}

impl Asked {
    /// Waits for the answer.
    async fn answer<T>(&self, who: String, answer: impl Future<Output = T>) {
        let waiting = Waiting { since: Instant::now(), is_reported: false };
        self.0.lock().insert(who.clone(), waiting);
        answer.await;
        self.0.lock().remove(&who);
    }

    /// The tasks that have not answered for longer than this, if not logged before.
    fn late(&self, timeout: Duration) -> Option<String> {
        let mut asked = self.0.lock();
        let late = asked.iter_mut().filter(|(_, waiting)| waiting.since.elapsed() > timeout);
        let (mut names, mut is_new) = (Vec::new(), false);
        for (who, waiting) in late {
            is_new |= !std::mem::replace(&mut waiting.is_reported, true);
            names.push(who.as_str());
        }
        let more = names.len().saturating_sub(NAMED_MAX);
        names.truncate(NAMED_MAX);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        is_new.then(|| format!("no answer for {timeout:?} from {}{more}", names.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn who_does_not_answer_is_named_once() {
        let asked = Asked::default();
        asked.answer("session 0".into(), ready(())).await;
        assert_eq!(asked.late(Duration::ZERO), None);
        let waits = (1..=5).map(|n| asked.answer(format!("session {n}"), pending::<()>()));
        let waits = all(waits);
        assert!(tokio::time::timeout(Duration::from_millis(10), waits).await.is_err());
        let named = asked.late(Duration::ZERO).unwrap();
        assert_eq!(named, "no answer for 0ns from session 1, session 2, session 3 and 2 more");
        assert_eq!(asked.late(Duration::ZERO), None);
    }
}
