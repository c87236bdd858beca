//! Authorization: from a caller's credentials to its level.
//!
//! ```text
//!   [control] ── start, reload ──> Levels ──┐
//!   name service ──(ids of names)──> Ids ───┼── authorize ──> Authorization: level and reason
//!   socket ──(SO_PEERCRED, SO_PEERGROUPS)──> PeerCredentials
//! ```
//!
//! Nothing that a client sends is taken into account. A caller is authorized again whenever a reload has changed the
//! levels: while a command is in progress, and before one that had to wait is executed. User and group numbers decide:
//! the names of the configuration are looked up when a caller connects, as a user can be created any time, and no more
//! often than every two seconds. Root and bmpd's own user need no look-up. If a name service does not answer within a
//! timeout its last answer is used; a name that was never found matches no caller.
#![forbid(unsafe_code)]

mod authorization;
mod caller;
mod refusals;
#[cfg(simulation)]
mod simulated;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use shared::account;
use shared::request::Level;
use tokio::sync::{OnceCell, watch};
use tokio::time::Instant;
use tracing::warn;

use self::authorization::{Authorization, Reason};
use self::refusals::Refusals;
use crate::config::{Account, Levels};
use crate::socket_file::{SocketFile, SocketGroup, WhoConnects};

pub(crate) use self::caller::{Caller, PeerCredentials};

/// How old an answer to a name in the configuration may be.
const IDS_AGE: Duration = Duration::from_secs(2);

/// How long the name service has for all names of the configuration.
const IDS_TIMEOUT: Duration = Duration::from_secs(2);

/// How old the name of a caller may be; it is only shown.
const NAME_AGE: Duration = Duration::from_secs(60);

/// How long a failed look-up of a caller is not repeated.
const NO_NAME_AGE: Duration = Duration::from_secs(5);

/// How long the name service has for the name of a caller.
const NAME_TIMEOUT: Duration = Duration::from_millis(500);

/// Callers whose names are cached.
const NAMES_MAX: usize = 1024;

/// Where names and numbers of users and groups come from.
#[derive(Debug, Clone, Copy)]
struct NameService {
    user_id: fn(&str) -> io::Result<Option<u32>>,
    group_id: fn(&str) -> io::Result<Option<u32>>,
    user_name: fn(u32) -> io::Result<Option<String>>,
    group_name: fn(u32) -> io::Result<Option<String>>,
}

const SYSTEM: NameService = NameService {
    user_id: account::user_id,
    group_id: account::group_id,
    user_name: account::user_name,
    group_name: account::group_name,
};

/// The numbers of names, as far as they are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Ids {
    users: HashMap<String, u32>,
    groups: HashMap<String, u32>,
}

impl Ids {
    fn user(&self, account: &Account) -> Option<u32> {
        match account {
            Account::Id(id) => Some(*id),
            Account::Name(name) => self.users.get(name).copied(),
        }
    }

    fn group(&self, account: &Account) -> Option<u32> {
        match account {
            Account::Id(id) => Some(*id),
            Account::Name(name) => self.groups.get(name).copied(),
        }
    }
}

/// The ids of the names that were looked up last.
#[derive(Debug, Default)]
struct Known {
    ids: Arc<Ids>,
    /// The names that they belong to; others, or older ones, must be looked up.
    asked: Option<(Arc<Levels>, Instant)>,
}

/// A name by its number, looked up once however many callers wait for it.
type Name = Arc<OnceCell<Option<String>>>;

/// Whose name it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Who {
    User(u32),
    Group(u32),
}

/// The permissions. The levels are those of the newest reload; the rest is as bmpd was started.
#[derive(Debug)]
pub(crate) struct Access {
    name_service: NameService,
    own_uid: u32,
    file: SocketFile,
    group: SocketGroup,
    /// Watched by commands in progress: see [`Access::revoked`].
    levels: watch::Sender<Arc<Levels>>,
    /// Locked during a look-up, so that all concurrent callers share it.
    known: tokio::sync::Mutex<Known>,
    /// The newest numbers, for callers that must not wait for a look-up.
    newest: Mutex<Arc<Ids>>,
    names: Mutex<HashMap<Who, (Instant, Name)>>,
    /// How many commands were refused.
    pub(crate) refusals: Refusals,
}

impl Access {
    /// For the socket with this file and group.
    pub(crate) fn new(file: SocketFile, group: SocketGroup, levels: Levels) -> Self {
        Self {
            name_service: SYSTEM,
            own_uid: rustix::process::geteuid().as_raw(),
            file,
            group,
            levels: watch::Sender::new(Arc::new(levels)),
            known: tokio::sync::Mutex::default(),
            newest: Mutex::default(),
            names: Mutex::default(),
            refusals: Refusals::default(),
        }
    }

    /// Puts these levels into effect, and allows users with a level to connect. What is wrong with that is a sentence
    /// for people.
    pub(crate) fn change(&self, levels: Levels) -> Result<(), String> {
        let levels = Arc::new(levels);
        // No caller is authorized again after a reload that has changed something else.
        self.levels.send_if_modified(|before| {
            let differ = *before != levels;
            if differ {
                *before = Arc::clone(&levels);
            }
            differ
        });
        self.file.set_mode(WhoConnects::of(&levels, &self.group).mode()).map_err(|error| {
            format!(
                "cannot change who can connect to {}: {}",
                self.file.path().display(),
                crate::net::describe(&error)
            )
        })
    }

    /// The user that bmpd runs as.
    pub(crate) async fn own_name(&self) -> String {
        let name = self.name(Who::User(self.own_uid)).await;
        name.unwrap_or_else(|| format!("uid {}", self.own_uid))
    }

    /// True for root and bmpd's own user, which may do everything whatever is configured.
    pub(crate) fn is_privileged(&self, peer: &PeerCredentials) -> bool {
        peer.uid.is_some_and(|uid| uid == 0 || uid == self.own_uid)
    }

    /// True for a caller without a level, as far as that is known without a look-up. It decides which limits apply to a
    /// connection, and nothing else.
    pub(crate) fn is_known_without_level(&self, peer: &PeerCredentials) -> bool {
        let levels = Arc::clone(&self.levels.borrow());
        let ids = Arc::clone(&self.newest.lock());
        self.authorize(peer, &levels, &ids).level < Level::Monitoring
    }

    /// The caller at the other end, and its current level.
    pub(crate) async fn caller(&self, peer: &PeerCredentials) -> Caller {
        let levels = Arc::clone(&self.levels.borrow());
        let ids = match self.is_privileged(peer) {
            true => Arc::default(),
            false => self.ids(&levels).await,
        };
        let authorization = self.authorize(peer, &levels, &ids);
        let name = match peer.uid {
            Some(uid) => self.name(Who::User(uid)).await,
            None => None,
        };
        Caller::new(peer, name, authorization, levels)
    }

    /// The caller as it is authorized now, if a reload has changed the levels since.
    pub(crate) async fn again(&self, caller: &Caller) -> Caller {
        let is_current = caller.is_authorized_by(&self.levels.borrow());
        match is_current {
            true => caller.clone(),
            false => self.caller(caller.peer()).await,
        }
    }

    /// Waits until a reload has left the caller less than this level; returns the caller as it is then.
    pub(crate) async fn revoked(&self, peer: &PeerCredentials, needed: Level) -> Caller {
        let mut levels = self.levels.subscribe();
        loop {
            // A change during the authorization is checked again.
            levels.mark_unchanged();
            let caller = self.caller(peer).await;
            if caller.level() < needed {
                return caller;
            }
            // The sender lives as long as this.
            let _ = levels.changed().await;
        }
    }

    /// The authorization rule.
    fn authorize(&self, peer: &PeerCredentials, levels: &Levels, ids: &Ids) -> Authorization {
        let Some(uid) = peer.uid else {
            return Authorization { level: Level::Visit, reason: Reason::Unknown };
        };
        if uid == 0 {
            return Authorization { level: Level::Management, reason: Reason::Root };
        }
        if uid == self.own_uid {
            return Authorization { level: Level::Management, reason: Reason::OwnUser };
        }
        // A user that is listed by name and by number has the lower of the two.
        let listed = levels.users.iter().filter(|(user, _)| ids.user(user) == Some(uid));
        if let Some((user, level)) = listed.min_by_key(|(_, level)| *level) {
            return Authorization { level: *level, reason: Reason::User(user.to_string()) };
        }
        let mut best: Option<Authorization> = None;
        let mut offer = |level, reason| {
            if best.as_ref().is_none_or(|best| best.level < level) {
                best = Some(Authorization { level, reason });
            }
        };
        let socket_gid = ids.group(&self.group.account);
        let mut socket_is_listed = false;
        for (group, level) in &levels.groups {
            let gid = ids.group(group);
            socket_is_listed |=
                *group == self.group.account || (gid.is_some() && gid == socket_gid);
            if gid.is_some_and(|gid| peer.groups.contains(&gid)) {
                offer(*level, Reason::Group(group.to_string()));
            }
        }
        if !socket_is_listed && socket_gid.is_some_and(|gid| peer.groups.contains(&gid)) {
            offer(Level::Configuration, Reason::SocketGroup);
        }
        best.unwrap_or(Authorization { level: levels.others, reason: Reason::Others })
    }

    /// A group that a caller can join to have this level: the one with the lowest sufficient level. `None` if there is
    /// none, or none that helps this caller.
    pub(crate) async fn group_for(&self, needed: Level, caller: &Caller) -> Option<String> {
        // An entry of its own takes precedence over any group.
        if matches!(caller.reason(), Reason::User(_)) {
            return None;
        }
        let levels = Arc::clone(&self.levels.borrow());
        let ids = self.ids(&levels).await;
        let socket_gid = ids.group(&self.group.account);
        let listed = levels.groups.iter().map(|(group, level)| (group, ids.group(group), *level));
        let socket_is_listed = listed.clone().any(|(_, gid, _)| gid == socket_gid);
        let socket = (&self.group.account, socket_gid, Level::Configuration);
        let (group, gid, _) = (!socket_is_listed)
            .then_some(socket)
            .into_iter()
            .chain(listed)
            // Root's group is never suggested, nor one that does not exist.
            .filter(|(_, gid, level)| *level >= needed && gid.is_some_and(|gid| gid != 0))
            .min_by_key(|(_, _, level)| *level)?;
        match (group, gid) {
            (Account::Id(_), Some(gid)) => {
                Some(self.name(Who::Group(gid)).await.unwrap_or_else(|| group.to_string()))
            }
            (Account::Name(_), _) | (Account::Id(_), None) => Some(group.to_string()),
        }
    }

    /// The numbers of the names of the configuration, not older than [`IDS_AGE`] if that can be had.
    async fn ids(&self, levels: &Arc<Levels>) -> Arc<Ids> {
        let mut known = self.known.lock().await;
        if let Some((of, at)) = &known.asked
            && Arc::ptr_eq(of, levels)
            && at.elapsed() < IDS_AGE
        {
            return Arc::clone(&known.ids);
        }
        let (name_service, group) = (self.name_service, self.group.account.clone());
        let (before, asked) = (Arc::clone(&known.ids), Arc::clone(levels));
        let ask = move || look_up(name_service, &asked, &group, &before);
        let patient = move || account::within(IDS_TIMEOUT, ask);
        match tokio::task::spawn_blocking(patient).await.ok().flatten() {
            Some(ids) => {
                known.ids = Arc::new(ids);
                *self.newest.lock() = Arc::clone(&known.ids);
            }
            None => warn!(
                "the user database does not answer: names in [control] count as it knew them last"
            ),
        }
        known.asked = Some((Arc::clone(levels), Instant::now()));
        Arc::clone(&known.ids)
    }

    /// A name to show; `None` if there is none or it is not available soon.
    async fn name(&self, who: Who) -> Option<String> {
        let name = {
            let mut names = self.names.lock();
            let is_young = |(at, name): &(Instant, Name)| {
                let known = name.get().is_none_or(Option::is_some);
                at.elapsed() < if known { NAME_AGE } else { NO_NAME_AGE }
            };
            match names.get(&who).filter(|entry| is_young(entry)) {
                Some((_, name)) => Arc::clone(name),
                None => {
                    if names.len() >= NAMES_MAX {
                        names.retain(|_, entry| is_young(entry));
                    }
                    let name = Name::default();
                    if names.len() < NAMES_MAX {
                        names.insert(who, (Instant::now(), Arc::clone(&name)));
                    }
                    name
                }
            }
        };
        let name_service = self.name_service;
        let ask = async || {
            let question = move || match who {
                Who::User(uid) => (name_service.user_name)(uid),
                Who::Group(gid) => (name_service.group_name)(gid),
            };
            let patient = move || account::within(NAME_TIMEOUT, question);
            tokio::task::spawn_blocking(patient).await.ok().flatten()?.ok().flatten()
        };
        name.get_or_init(ask).await.clone()
    }
}

/// Looks up every name. One whose look-up fails keeps the number that it had.
fn look_up(
    name_service: NameService,
    levels: &Levels,
    socket_group: &Account,
    before: &Ids,
) -> Ids {
    let ask = |accounts: &mut dyn Iterator<Item = &Account>,
               find: fn(&str) -> io::Result<Option<u32>>,
               before: &HashMap<String, u32>| {
        let mut ids = HashMap::new();
        for account in accounts {
            if let Account::Name(name) = account {
                let id = find(name).unwrap_or_else(|_| before.get(name).copied());
                ids.extend(id.map(|id| (name.clone(), id)));
            }
        }
        ids
    };
    let mut users = levels.users.iter().map(|(user, _)| user);
    let mut groups = levels.groups.iter().map(|(group, _)| group).chain([socket_group]);
    Ids {
        users: ask(&mut users, name_service.user_id, &before.users),
        groups: ask(&mut groups, name_service.group_id, &before.groups),
    }
}

#[cfg(test)]
mod tests;
