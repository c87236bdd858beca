//! How often refusals are logged: an unauthorized user that sends requests in a loop must not fill the log.
//!
//! A user's first refusals of a minute are logged, the rest is counted, and the count is logged when the
//! minute is over. Users beyond a number share one count.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tracing::warn;

use crate::quota::{Quota, WINDOW};

/// How many of a user are logged in a minute.
const LOGGED_MAX: u32 = 10;

/// Users that are counted separately.
const USERS_MAX: usize = 256;

/// Whose refusals are counted together; `None` are all further users.
type Who = Option<u32>;

/// The refusals of this minute.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refusals(Arc<Mutex<HashMap<Who, Quota>>>);

impl Refusals {
    /// Counts one more refusal of this user. True if it is to be logged.
    pub(crate) fn count(&self, uid: Option<u32>) -> bool {
        let mut quotas = self.0.lock();
        let who = uid.filter(|_| quotas.len() < USERS_MAX || quotas.contains_key(&uid));
        if !quotas.contains_key(&who) {
            let refusals = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(WINDOW).await;
                refusals.end(who);
            });
        }
        quotas.entry(who).or_insert(Quota::of(LOGGED_MAX)).take()
    }

    /// A user's minute is over.
    fn end(&self, who: Who) {
        let more = self.0.lock().remove(&who).map_or(0, |mut quota| quota.end());
        match who {
            _ if more == 0 => {}
            Some(uid) => {
                warn!(uid, "{more} more commands of this user were refused within a minute")
            }
            None => warn!("{more} more commands of further users were refused within a minute"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_loop_of_refusals_is_logged_a_few_times_a_minute_and_counted() {
        let refusals = Refusals::default();
        let logged = |uid| (0..1000).filter(|_| refusals.count(uid)).count();
        assert_eq!(logged(Some(1000)), 10);
        assert_eq!(logged(Some(1001)), 10, "another user has a count of its own");
        assert_eq!(refusals.0.lock().get_mut(&Some(1000)).unwrap().end(), 990);
        refusals.end(Some(1000));
        assert_eq!(logged(Some(1000)), 10, "another minute");
        assert_eq!(logged(Some(1001)), 0);
    }

    #[tokio::test]
    async fn many_users_take_no_memory() {
        let refusals = Refusals::default();
        let logged = (0..100_000).filter(|uid| refusals.count(Some(*uid))).count();
        assert_eq!(logged, USERS_MAX + LOGGED_MAX as usize);
        assert_eq!(refusals.0.lock().len(), USERS_MAX + 1);
    }
}
