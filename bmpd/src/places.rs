//! Places that callers share, and how many each of them holds: one caller must not take all of them.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;

/// The holders of places, and how many each has.
#[derive(Debug)]
pub(crate) struct Places<K>(Arc<Mutex<HashMap<K, u32>>>);

/// One place; released when dropped.
#[derive(Debug)]
pub(crate) struct HeldPlace<K: Copy + Eq + Hash> {
    holder: K,
    places: Places<K>,
}

impl<K> Default for Places<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K> Clone for Places<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Copy + Eq + Hash> Places<K> {
    /// One more place for this holder, if the number of its own and of all places is `allowed`.
    pub(crate) fn take(
        &self,
        holder: K,
        allowed: impl FnOnce(u32, &HashMap<K, u32>) -> bool,
    ) -> Option<HeldPlace<K>> {
        let mut taken = self.0.lock();
        let own = taken.get(&holder).copied().unwrap_or_default();
        if !allowed(own, &taken) {
            return None;
        }
        taken.insert(holder, own + 1);
        Some(HeldPlace { holder, places: self.clone() })
    }
}

impl<K: Copy + Eq + Hash> Drop for HeldPlace<K> {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock();
        if let Some(count) = taken.get_mut(&self.holder) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.holder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back_and_who_has_none_takes_no_memory() {
        let places = Places::default();
        let two_each = |own: u32, _: &HashMap<char, u32>| own < 2;
        let (one, two) = (places.take('a', two_each), places.take('a', two_each));
        assert!(one.is_some() && two.is_some() && places.take('a', two_each).is_none());
        assert!(places.take('b', |own, taken| own == 0 && taken[&'a'] == 2).is_some());
        drop((one, two));
        assert!(places.0.lock().is_empty());
    }
}
