//! The limits of connections per user: the socket can be open to all users, and none may take every place.

use std::collections::HashMap;

use shared::response::{Failure, Response};

use crate::config::Clients;
use crate::places;

/// How many there may be at once of a kind of connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// Of one user, but for root and bmpd's own.
    pub(super) one_user: u32,
    /// Of all of these users together.
    pub(super) all_users: u32,
    /// Of root and bmpd's own user together; other users cannot exhaust it.
    pub(super) privileged: u32,
}

impl Limits {
    /// Connections of all users without a level. They get a refusal and nothing else, so they need no more, and must
    /// not take the places of others.
    pub(super) const WITHOUT_LEVEL: u32 = 32;

    /// The same of one of these users.
    const ONE_WITHOUT_LEVEL: u32 = 4;

    /// Connections of any kind.
    pub(super) fn connections(clients: &Clients) -> Self {
        Self { one_user: clients.per_user, all_users: clients.all, privileged: u32::MAX }
    }

    /// Those of unlimited duration, of each kind.
    pub(super) fn going_on(clients: &Clients) -> Self {
        let all = clients.monitors;
        Self { one_user: clients.monitors_per_user, all_users: all, privileged: all }
    }
}

/// The holder of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Holder {
    /// Root, or bmpd's own user.
    Privileged,
    /// Another one; `None` is one that the system does not name.
    User(Option<u32>),
    /// Another one that is known to have no level.
    WithoutLevel(Option<u32>),
}

/// The users that are connected, and how often.
#[derive(Debug, Clone)]
pub(super) struct Places {
    limits: Limits,
    taken: places::Places<Holder>,
}

/// One connection's place; released when dropped.
pub(super) type HeldPlace = places::HeldPlace<Holder>;

impl Places {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, taken: places::Places::default() }
    }

    /// A place for one more connection of this user; `None` if there are as many as there may be.
    pub(super) fn take(&self, holder: Holder) -> Option<HeldPlace> {
        self.taken.take(holder, |own, taken| match holder {
            Holder::Privileged => own < self.limits.privileged,
            Holder::User(_) => {
                let is_user = |holder: &Holder| matches!(holder, Holder::User(_));
                own < self.limits.one_user && all(taken, is_user) < self.limits.all_users
            }
            Holder::WithoutLevel(_) => {
                let is_without = |holder: &Holder| matches!(holder, Holder::WithoutLevel(_));
                own < Limits::ONE_WITHOUT_LEVEL && all(taken, is_without) < Limits::WITHOUT_LEVEL
            }
        })
    }

    /// Why there is no place for this one.
    pub(super) fn busy(&self, holder: Holder, whose: &str) -> Response {
        let Limits { one_user, all_users, privileged } = self.limits;
        let most = match holder {
            Holder::Privileged => format!("{privileged} {whose} of root and its own user at once"),
            Holder::User(_) => format!(
                "{one_user} {whose} of one user at once, and {all_users} of all but root and its own user"
            ),
            Holder::WithoutLevel(_) => format!(
                "{} {whose} of one user without a level at once, and {} of all of them",
                Limits::ONE_WITHOUT_LEVEL,
                Limits::WITHOUT_LEVEL
            ),
        };
        Response::Failed(Failure::Busy(format!(
            "bmpd serves {most}: end one of them, or try again later"
        )))
    }
}

/// How many places such holders have.
fn all(taken: &HashMap<Holder, u32>, is_such: impl Fn(&Holder) -> bool) -> u32 {
    taken.iter().filter(|(holder, _)| is_such(holder)).map(|(_, count)| count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENTS: Clients =
        Clients { all: 192, per_user: 64, monitors: 64, monitors_per_user: 16 };

    fn both() -> [Limits; 2] {
        [Limits::connections(&CLIENTS), Limits::going_on(&CLIENTS)]
    }

    fn user(uid: u32) -> Holder {
        Holder::User(Some(uid))
    }

    #[test]
    fn one_user_leaves_places_for_others_and_gets_its_own_back() {
        for limits in both() {
            let places = Places::new(limits);
            let taken: Vec<_> =
                (0..limits.one_user).map(|_| places.take(user(1000)).unwrap()).collect();
            assert!(places.take(user(1000)).is_none());
            assert!(places.take(user(1001)).is_some());
            drop(taken);
            assert!(places.take(user(1000)).is_some());
        }
    }

    #[test]
    fn many_users_leave_places_for_root_and_root_for_them() {
        for limits in both() {
            let places = Places::new(limits);
            let root: Vec<_> = (0..64).map(|_| places.take(Holder::Privileged).unwrap()).collect();
            let taken: Vec<_> = (0..1000).filter_map(|uid| places.take(user(uid))).collect();
            assert_eq!(taken.len(), limits.all_users as usize);
            drop(root);
            assert!(places.take(Holder::Privileged).is_some());
        }
        let limits = Limits::going_on(&CLIENTS);
        let places = Places::new(limits);
        let root: Vec<_> = (0..100).filter_map(|_| places.take(Holder::Privileged)).collect();
        assert_eq!(root.len(), limits.privileged as usize);
    }

    #[test]
    fn users_without_a_level_take_no_place_of_others() {
        let places = Places::new(Limits::connections(&CLIENTS));
        let without = |uid| Holder::WithoutLevel(Some(uid));
        let one: Vec<_> = (0..100).filter_map(|_| places.take(without(1))).collect();
        assert_eq!(one.len(), 4);
        let all: Vec<_> = (2..1000).filter_map(|uid| places.take(without(uid))).collect();
        assert_eq!(one.len() + all.len(), 32);
        let users: Vec<_> = (0..1000).filter_map(|uid| places.take(user(uid))).collect();
        assert_eq!(users.len(), 192);
        assert!(places.take(Holder::Privileged).is_some());
    }
}
