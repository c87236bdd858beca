//! The peer of a control connection.

use std::collections::HashSet;
use std::fmt;
use std::os::fd::AsFd;
use std::sync::Arc;

use interprocess::local_socket::tokio::Stream;
use interprocess::local_socket::traits::StreamCommon as _;
use shared::request::Level;
use shared::response::CallerReport;
use tracing::debug;

use super::authorization::{Authorization, Reason};
use crate::config::Levels;
use crate::net::peer;

/// The process at the other end as the system describes it, as it was when it connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PeerCredentials {
    /// Its effective user.
    pub(crate) uid: Option<u32>,
    /// Its process, if that can be seen from here.
    pub(super) pid: Option<i32>,
    /// Its effective group and the supplementary ones.
    pub(crate) groups: HashSet<u32>,
}

impl PeerCredentials {
    /// Reads the peer's credentials.
    pub(crate) fn of(stream: &Stream) -> Self {
        let credentials = stream.peer_creds().ok();
        let uid = credentials.as_ref().and_then(|credentials| credentials.euid());
        let gid = credentials.as_ref().and_then(|credentials| credentials.egid());
        let pid = credentials.as_ref().and_then(|credentials| credentials.pid());
        let Stream::UdSocket(socket) = stream;
        // Without kernel support only the effective group counts: less is allowed then, never more.
        let supplementary = peer::groups(socket.as_fd()).unwrap_or_else(|error| {
            debug!("the system does not say the groups of a caller: {error}");
            Vec::new()
        });
        Self { uid, pid, groups: supplementary.into_iter().chain(gid).collect() }
    }

    /// A peer with this user and these groups.
    #[cfg(test)]
    pub(crate) fn with(uid: Option<u32>, groups: impl IntoIterator<Item = u32>) -> Self {
        Self { uid, pid: Some(4711), groups: groups.into_iter().collect() }
    }
}

/// The caller of one command, and what it may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    peer: PeerCredentials,
    name: Option<String>,
    authorization: Authorization,
    /// The levels by which it was authorized.
    levels: Arc<Levels>,
}

impl Caller {
    pub(crate) fn new(
        peer: &PeerCredentials,
        name: Option<String>,
        authorization: Authorization,
        levels: Arc<Levels>,
    ) -> Self {
        Self { peer: peer.clone(), name, authorization, levels }
    }

    /// The process at the other end, to be authorized again.
    pub(crate) fn peer(&self) -> &PeerCredentials {
        &self.peer
    }

    /// True if it was authorized by these levels.
    pub(crate) fn is_authorized_by(&self, levels: &Arc<Levels>) -> bool {
        Arc::ptr_eq(&self.levels, levels)
    }

    /// What the caller may do.
    pub(crate) fn level(&self) -> Level {
        self.authorization.level
    }

    /// Why it may do that.
    pub(crate) fn reason(&self) -> &Reason {
        &self.authorization.reason
    }

    /// Its user.
    pub(crate) fn uid(&self) -> Option<u32> {
        self.peer.uid
    }

    /// What is reported to callers about themselves.
    pub(crate) fn report(&self) -> CallerReport {
        CallerReport {
            name: self.to_string(),
            level: self.authorization.level,
            because: self.authorization.reason.to_string(),
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
