//! The staggered resets in progress: their callers, and the pending legs of each.
//!
//! ```text
//!   a newer reset ── begin, take_over ──> Staggered ── sessions taken ──> the older reset
//!   show status ───── report ────────────────┘
//! ```
//!
//! Such a reset continues after its bmpctl has disconnected, so it is recorded here. A session is pending in one of
//! them at most: a newer reset that selects it takes it over. So none is reset twice for the same reason, and the
//! resets with pending sessions never outnumber the sessions.
//!
//! The newer reset is the one whose turn comes later; it may have read the file earlier. So it uses the newest reading,
//! its own or that of a reset that it takes over from. It starts with the sessions that it has taken over: if each
//! reset is superseded before it has finished, the last sessions get their turn, too.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use shared::names::LegId;
use shared::response::StaggeredReset;
use shared::time::Span;
use tokio::sync::Notify;

use super::reading::Reading;
use crate::moment::Moment;

/// The resets in progress, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Staggered(Mutex<Vec<Arc<StaggeredEntry>>>);

#[derive(Debug)]
struct StaggeredEntry {
    by: String,
    since: Moment,
    stagger: Duration,
    selected: usize,
    /// What it applies, unless a reload has read a newer file.
    read: Reading,
    left: Mutex<Left>,
    /// Notified when sessions were taken over.
    woken: Notify,
}

/// The remaining work of a reset.
#[derive(Debug, Default)]
struct Left {
    /// To be reset, in this order.
    to_come: VecDeque<LegId>,
    /// Taken over, and not yet reported to the reset.
    taken: Vec<Taken>,
}

/// A session that a newer reset has taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) id: LegId,
    /// The caller of the newer one.
    pub(crate) by: String,
}

impl Staggered {
    /// Takes these sessions from every reset in which they are pending. Returns the newest reading: the caller's, or
    /// that of a reset that it takes them from.
    pub(crate) fn take_over(&self, ids: &[LegId], by: &str, read: Reading) -> Reading {
        take_over(&self.0.lock(), ids, by, read).1
    }

    /// Registers a reset until the guard is dropped; it takes over pending sessions of others.
    pub(crate) fn begin(
        &self,
        ids: &[LegId],
        by: &str,
        read: Reading,
        stagger: Duration,
    ) -> UnderWay<'_> {
        let mut entries = self.0.lock();
        let (taken, read) = take_over(&entries, ids, by, read);
        let first: HashSet<&LegId> = taken.iter().collect();
        let rest = ids.iter().filter(|id| !first.contains(id));
        let to_come = taken.iter().chain(rest).cloned().collect();
        let entry = Arc::new(StaggeredEntry {
            by: by.to_owned(),
            since: Moment::now(),
            stagger,
            selected: ids.len(),
            read,
            left: Mutex::new(Left { to_come, taken: Vec::new() }),
            woken: Notify::new(),
        });
        entries.push(Arc::clone(&entry));
        UnderWay { all: self, entry }
    }

    /// Reports them.
    pub(crate) fn report(&self) -> Vec<StaggeredReset> {
        let report = |entry: &Arc<StaggeredEntry>| StaggeredReset {
            by: entry.by.clone(),
            since: entry.since.timestamp(),
            ago: Span::of(entry.since.age()),
            stagger: Span::of(entry.stagger),
            selected: entry.selected as u32,
            to_come: entry.left.lock().to_come.len() as u32,
        };
        self.0.lock().iter().map(report).collect()
    }
}

/// Also returns the sessions that were taken, in the order of their turns.
fn take_over(
    entries: &[Arc<StaggeredEntry>],
    ids: &[LegId],
    by: &str,
    mut read: Reading,
) -> (Vec<LegId>, Reading) {
    let mut all = Vec::new();
    let ids: HashSet<&LegId> = ids.iter().collect();
    for entry in entries {
        let mut left = entry.left.lock();
        let Left { to_come, taken } = &mut *left;
        let before = taken.len();
        to_come.retain(|id| {
            let goes = ids.contains(id);
            if goes {
                all.push(id.clone());
                taken.push(Taken { id: id.clone(), by: by.to_owned() });
            }
            !goes
        });
        if taken.len() > before {
            entry.woken.notify_one();
            read = read.newest(entry.read.clone());
        }
    }
    (all, read)
}

/// A reset in progress.
#[derive(Debug)]
pub(crate) struct UnderWay<'a> {
    all: &'a Staggered,
    entry: Arc<StaggeredEntry>,
}

impl UnderWay<'_> {
    /// The next session, which can no longer be taken over.
    pub(crate) fn next(&self) -> Option<LegId> {
        self.entry.left.lock().to_come.pop_front()
    }

    /// What it applies, unless a reload has read a newer file.
    pub(crate) fn read(&self) -> Reading {
        self.entry.read.clone()
    }

    /// How many sessions have not been reported yet.
    pub(crate) fn left(&self) -> usize {
        let left = self.entry.left.lock();
        left.to_come.len() + left.taken.len()
    }

    /// Waits until sessions were taken over; each is returned once.
    pub(crate) async fn taken(&self) -> Vec<Taken> {
        loop {
            let taken = std::mem::take(&mut self.entry.left.lock().taken);
            if !taken.is_empty() {
                return taken;
            }
            self.entry.woken.notified().await;
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.all.0.lock().retain(|other| !Arc::ptr_eq(other, &self.entry));
    }
}

#[cfg(test)]
mod tests {
    use shared::names::{RouterId, SessionId};

    use super::*;

    const EVERY: Duration = Duration::from_secs(5);

    fn ids<const N: usize>(aliases: [&str; N]) -> Vec<LegId> {
        let id = |alias: &str| LegId {
            session: SessionId {
                vpn_instance: None,
                address: "10.1.1.1".parse().unwrap(),
                alias: Some(alias.parse().unwrap()),
            },
            router: RouterId::Local,
        };
        aliases.map(id).to_vec()
    }

    fn taken<const N: usize>(aliases: [&str; N], by: &str) -> Vec<Taken> {
        ids(aliases).into_iter().map(|id| Taken { id, by: by.to_owned() }).collect()
    }

    /// A reading of a file without sessions; only its start time is used.
    fn read() -> Reading {
        let config = crate::config::parse("", std::path::Path::new("f")).unwrap();
        Reading { config: Arc::new(config), begun: Moment::now() }
    }

    #[tokio::test]
    async fn a_newer_one_takes_what_an_older_one_has_still_to_come() {
        let all = Staggered::default();
        let older = all.begin(&ids(["a", "b", "c", "d"]), "root", read(), EVERY);
        assert_eq!(older.next(), Some(ids(["a"])[0].clone()));
        let newer = all.begin(&ids(["a", "c"]), "alice", read(), EVERY);
        assert_eq!(older.taken().await, taken(["c"], "alice"));
        all.take_over(&ids(["a", "d"]), "bob", read());
        assert_eq!(newer.taken().await, taken(["a"], "bob"));
        let counts: Vec<_> = all.report().iter().map(|r| (r.selected, r.to_come)).collect();
        assert_eq!(counts, [(4, 1), (2, 1)]);
        // Sessions that were not reported to it yet still count.
        assert_eq!((older.left(), newer.left()), (2, 1));
        assert_eq!(older.next(), Some(ids(["b"])[0].clone()));
        assert_eq!((older.next(), older.left()), (None, 1));
        assert_eq!(older.taken().await, taken(["d"], "bob"));
        assert_eq!(older.left(), 0);
    }

    #[test]
    fn a_newer_one_begins_with_what_it_has_taken_over() {
        let all = Staggered::default();
        let every = ids(["a", "b", "c", "d"]);
        let resets = |times: usize| {
            let reset = all.begin(&every, "root", read(), EVERY);
            let turns: Vec<_> = (0..times).map_while(|_| reset.next()).collect();
            (reset, turns)
        };
        let (_first, turns) = resets(1);
        assert_eq!(turns, ids(["a"]));
        let (_second, turns) = resets(2);
        assert_eq!(turns, ids(["b", "c"]));
        let (_third, turns) = resets(9);
        assert_eq!(turns, ids(["d", "a", "b", "c"]));
    }

    #[test]
    fn what_was_read_last_counts_whoever_has_read_it() {
        let begun = |read: &Reading| read.begun.steady();
        let all = Staggered::default();
        let [oldest, old, new] = [(); 3].map(|()| read());
        assert!(begun(&oldest) < begun(&old) && begun(&old) < begun(&new));
        let first = all.begin(&ids(["a", "b"]), "root", old.clone(), EVERY);
        let second = all.begin(&ids(["b"]), "root", oldest.clone(), EVERY);
        assert_eq!(begun(&second.read()), begun(&old));
        let taken = all.take_over(&ids(["b"]), "root", new.clone());
        assert_eq!(begun(&taken), begun(&new));
        // Nothing is taken over.
        assert_eq!(begun(&all.take_over(&ids(["x"]), "root", oldest.clone())), begun(&oldest));
        assert_eq!(begun(&first.read()), begun(&old));
    }

    #[tokio::test]
    async fn one_that_waits_is_woken_by_what_concerns_it_and_forgotten_when_it_ends() {
        let all = Staggered::default();
        let older = all.begin(&ids(["a"]), "root", read(), EVERY);
        let waiting = tokio::time::timeout(Duration::from_millis(1), older.taken());
        all.take_over(&ids(["x"]), "alice", read());
        assert!(waiting.await.is_err());
        let (woken, ()) = tokio::join!(older.taken(), async {
            tokio::task::yield_now().await;
            all.take_over(&ids(["a"]), "alice", read());
        });
        assert_eq!(woken, taken(["a"], "alice"));
        assert_eq!(all.report().len(), 1);
        drop(older);
        assert_eq!(all.report(), []);
    }
}
