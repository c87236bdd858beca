//! How many connections one user has at once: the socket can be open to all, and nobody may take every
//! place there is.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

/// Connections of one user at once, but for root and bmpd's own user.
pub(super) const ONE_USER_MAX: u32 = 64;

/// Connections of all of these users together; the rest of the places is for those two.
pub(super) const ALL_USERS_MAX: u32 = 192;

/// The users that are connected, and how often; `None` is one that the system does not name.
#[derive(Debug, Clone, Default)]
pub(super) struct Places(Arc<Mutex<HashMap<Option<u32>, u32>>>);

/// One connection's place; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    uid: Option<u32>,
    places: Places,
}

impl Places {
    /// A place for one more connection of this user; `None` if there are as many as there may be.
    pub(super) fn take(&self, uid: Option<u32>) -> Option<Place> {
        let mut taken = self.0.lock();
        if taken.values().sum::<u32>() >= ALL_USERS_MAX {
            return None;
        }
        let count = taken.entry(uid).or_default();
        if *count >= ONE_USER_MAX {
            return None;
        }
        *count += 1;
        Some(Place { uid, places: self.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock();
        if let Some(count) = taken.get_mut(&self.uid) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.uid);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_user_leaves_places_for_others_and_gets_its_own_back() {
        let places = Places::default();
        let taken: Vec<_> = (0..ONE_USER_MAX).map(|_| places.take(Some(1000)).unwrap()).collect();
        assert!(places.take(Some(1000)).is_none());
        assert!(places.take(Some(1001)).is_some());
        drop(taken);
        assert!(places.take(Some(1000)).is_some());
        assert!(places.0.lock().is_empty(), "who has left takes no memory");
    }

    #[test]
    fn many_users_leave_places_for_root() {
        let places = Places::default();
        let taken: Vec<_> = (0..1000).filter_map(|uid| places.take(Some(uid))).collect();
        assert_eq!(taken.len(), ALL_USERS_MAX as usize);
        assert_eq!(places.0.lock().len(), ALL_USERS_MAX as usize);
    }
}
