//! Admission control for reports: how many are computed at a time, and how much of them may be unread.
//!
//! ```text
//!   request ──> the user's own place ──> room for bytes ──> a place of its class ──> compute, encode ──> send
//!               (one report at a time)   (Unread)           (users, or root)         (places are free again)
//! ```
//!
//! A report costs processor time and memory however low the level that it needs, so a user that sends requests in a
//! loop delays its own reports and not those of others. Root and bmpd's own user have separate places and limits. A
//! place is held while one part is computed, never while a client reads.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::places::Holder;
use crate::unread::{Held, Limits, Unread};

/// Reports that are computed at a time for all users but root and bmpd's own.
const OF_USERS: usize = 2;

/// The same for one of these users.
const OF_USER: usize = 1;

/// The same for root and bmpd's own user together.
const OF_PRIVILEGED: usize = 4;

/// Reports of root and bmpd's own user that wait for the configuration file: an unresponsive server must not make them
/// wait for each other as well. The reader limits how many read it at a time.
const OF_PRIVILEGED_FILE: usize = 64;

/// How many unread bytes of users defer their next report.
const UNREAD_BY_USERS: Limits = Limits { one: 8 << 20, all: 32 << 20 };

/// The same of root and bmpd's own user.
const UNREAD_BY_PRIVILEGED: Limits = Limits { one: 32 << 20, all: 32 << 20 };

/// What a report reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// Only what bmpd has in memory.
    Memory,
    /// The configuration file, which can be on an unresponsive server: others need not wait for that.
    File,
}

/// Places for the reports of a class of users.
#[derive(Debug, Clone)]
struct Class {
    memory: Arc<Semaphore>,
    file: Arc<Semaphore>,
    unread: Unread<Holder>,
}

impl Class {
    fn new(memory: usize, file: usize, unread: Limits) -> Self {
        let [memory, file] = [memory, file].map(|places| Arc::new(Semaphore::new(places)));
        Self { memory, file, unread: Unread::new(unread) }
    }
}

/// The places of all.
#[derive(Debug)]
pub(super) struct Admission {
    users: Class,
    privileged: Class,
    /// The own place of each user that is connected.
    own: Mutex<HashMap<Holder, Weak<Semaphore>>>,
}

impl Admission {
    pub(super) fn new() -> Self {
        Self {
            users: Class::new(OF_USERS, OF_USERS, UNREAD_BY_USERS),
            privileged: Class::new(OF_PRIVILEGED, OF_PRIVILEGED_FILE, UNREAD_BY_PRIVILEGED),
            own: Mutex::default(),
        }
    }

    /// One more connection of this user.
    pub(super) fn client(&self, holder: Holder) -> Client {
        let (class, own) = match holder {
            Holder::Privileged => (&self.privileged, OF_PRIVILEGED_FILE),
            Holder::User(_) | Holder::WithoutLevel(_) => (&self.users, OF_USER),
        };
        let mut known = self.own.lock();
        let own = known.get(&holder).and_then(Weak::upgrade).unwrap_or_else(|| {
            known.retain(|_, own| own.strong_count() > 0);
            let own = Arc::new(Semaphore::new(own));
            known.insert(holder, Arc::downgrade(&own));
            own
        });
        Client { holder, own, class: class.clone() }
    }
}

/// A connection that may request reports.
#[derive(Debug)]
pub(super) struct Client {
    holder: Holder,
    own: Arc<Semaphore>,
    class: Class,
}

/// The places that one part of a report has while it is computed; released when dropped.
#[derive(Debug)]
pub(super) struct Turn {
    unread: Unread<Holder>,
    holder: Holder,
    _places: [Option<OwnedSemaphorePermit>; 2],
}

impl Client {
    /// Waits until a part of a report may be computed. Users take turns, however many connections each has.
    pub(super) async fn turn(&self, work: Work) -> Turn {
        let class = match work {
            Work::Memory => &self.class.memory,
            Work::File => &self.class.file,
        };
        // The semaphores are never closed.
        let own = Arc::clone(&self.own).acquire_owned().await.ok();
        self.class.unread.room(self.holder).await;
        let place = Arc::clone(class).acquire_owned().await.ok();
        let unread = self.class.unread.clone();
        Turn { unread, holder: self.holder, _places: [own, place] }
    }
}

impl Turn {
    /// The part is computed: releases the places, and counts its bytes until they have been sent.
    pub(super) fn end(self, bytes: usize) -> Held<Holder> {
        self.unread.hold(self.holder, bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    fn user(uid: u32) -> Holder {
        Holder::User(Some(uid))
    }

    async fn turn(client: &Client, work: Work) -> Option<Turn> {
        timeout(Duration::from_secs(60), client.turn(work)).await.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_user_has_one_report_at_a_time_all_users_two_and_root_its_own() {
        let admission = Admission::new();
        let clients = [1, 1, 2, 3].map(|uid| admission.client(user(uid)));
        let [first, again, second, third] = &clients;
        let of_first = turn(first, Work::Memory).await.unwrap();
        assert!(turn(again, Work::Memory).await.is_none(), "the same user");
        assert!(turn(again, Work::File).await.is_none(), "whatever it asks for");
        let of_second = turn(second, Work::Memory).await.unwrap();
        assert!(turn(third, Work::Memory).await.is_none(), "all users");
        assert!(turn(third, Work::File).await.is_some(), "files are waited for apart");
        let root = admission.client(Holder::Privileged);
        let roots: Vec<_> = [
            turn(&root, Work::Memory).await,
            turn(&root, Work::Memory).await,
            turn(&admission.client(Holder::Privileged), Work::Memory).await,
        ]
        .into();
        assert!(roots.iter().all(Option::is_some));
        drop(of_first);
        assert!(turn(again, Work::Memory).await.is_some());
        drop(of_second);
        assert!(turn(third, Work::Memory).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_not_read_its_reports_gets_no_further_one_and_others_do() {
        let admission = Admission::new();
        let (one, other) = (admission.client(user(1)), admission.client(user(2)));
        let unread = turn(&one, Work::Memory).await.unwrap().end(UNREAD_BY_USERS.one);
        assert!(turn(&one, Work::Memory).await.is_none());
        assert!(turn(&other, Work::Memory).await.is_some());
        let of_all: Vec<_> =
            (3..7).map(|uid| admission.users.unread.hold(user(uid), UNREAD_BY_USERS.one)).collect();
        assert!(turn(&other, Work::Memory).await.is_none(), "all users together");
        assert!(turn(&admission.client(Holder::Privileged), Work::Memory).await.is_some());
        drop((unread, of_all));
        assert!(turn(&one, Work::Memory).await.is_some());
    }

    #[test]
    fn users_that_have_gone_take_no_memory() {
        let admission = Admission::new();
        for uid in 0..10_000 {
            drop(admission.client(user(uid)));
        }
        assert!(admission.own.lock().len() <= 1);
    }
}
