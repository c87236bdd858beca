//! Who is at the other end of a control connection.

use std::collections::HashSet;
use std::fmt;
use std::os::fd::AsFd;
use std::sync::Arc;

use interprocess::local_socket::tokio::Stream;
use interprocess::local_socket::traits::StreamCommon as _;
use shared::request::Level;
use shared::response::CallerReport;
use tracing::debug;

use super::access::{Because, Verdict};
use crate::config::Levels;
use crate::net::peer;

/// The process at the other end as the system describes it, as it was when it connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Peer {
    /// Its effective user.
    pub(super) uid: Option<u32>,
    /// Its process, if that can be seen from here.
    pid: Option<i32>,
    /// Its effective group and the supplementary ones.
    pub(super) groups: HashSet<u32>,
}

impl Peer {
    /// Asks the system who has connected.
    pub(super) fn of(stream: &Stream) -> Self {
        let credentials = stream.peer_creds().ok();
        let uid = credentials.as_ref().and_then(|credentials| credentials.euid());
        let gid = credentials.as_ref().and_then(|credentials| credentials.egid());
        let pid = credentials.as_ref().and_then(|credentials| credentials.pid());
        let Stream::UdSocket(socket) = stream;
        // A kernel that does not say them leaves the effective group: less is allowed then, never more.
        let supplementary = peer::groups(socket.as_fd()).unwrap_or_else(|error| {
            debug!("the system does not say the groups of a caller: {error}");
            Vec::new()
        });
        Self { uid, pid, groups: supplementary.into_iter().chain(gid).collect() }
    }

    /// Root, in the simulation.
    #[cfg(simulation)]
    pub(super) fn root() -> Self {
        Self { uid: Some(0), pid: None, groups: HashSet::new() }
    }

    /// Somebody with this user and these groups.
    #[cfg(test)]
    pub(super) fn with(uid: Option<u32>, groups: impl IntoIterator<Item = u32>) -> Self {
        Self { uid, pid: Some(4711), groups: groups.into_iter().collect() }
    }
}

/// The caller of one command, and what it may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    peer: Peer,
    name: Option<String>,
    verdict: Verdict,
    /// The levels that it was judged by.
    levels: Arc<Levels>,
}

impl Caller {
    pub(super) fn new(
        peer: &Peer,
        name: Option<String>,
        verdict: Verdict,
        levels: Arc<Levels>,
    ) -> Self {
        Self { peer: peer.clone(), name, verdict, levels }
    }

    /// The process at the other end, to be judged again.
    pub(super) fn peer(&self) -> &Peer {
        &self.peer
    }

    /// True if it was judged by these levels.
    pub(super) fn was_judged_by(&self, levels: &Arc<Levels>) -> bool {
        Arc::ptr_eq(&self.levels, levels)
    }

    /// What the caller may do.
    pub(super) fn level(&self) -> Level {
        self.verdict.level
    }

    /// Why it may do that.
    pub(super) fn because(&self) -> &Because {
        &self.verdict.because
    }

    /// Its user.
    pub(super) fn uid(&self) -> Option<u32> {
        self.peer.uid
    }

    /// What callers are told of themselves.
    pub(super) fn report(&self) -> CallerReport {
        CallerReport {
            name: self.to_string(),
            level: self.verdict.level,
            because: self.verdict.because.to_string(),
        }
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, self.peer.uid) {
            (Some(name), _) => write!(f, "{name}")?,
            (None, Some(uid)) => write!(f, "uid {uid}")?,
            (None, None) => f.write_str("unknown user")?,
        }
        match self.peer.pid {
            Some(pid) => write!(f, " (pid {pid})"),
            None => Ok(()),
        }
    }
}
