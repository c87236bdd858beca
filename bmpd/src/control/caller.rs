//! Who is at the other end of a control connection.

use std::fmt;
use std::path::Path;

use interprocess::local_socket::tokio::Stream;
use interprocess::local_socket::traits::StreamCommon as _;
use shared::request::Level;

use super::socket;

/// The caller as the system describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    uid: Option<u32>,
    pid: Option<i32>,
    name: Option<String>,
    level: Level,
}

impl Caller {
    /// Asks the system who has connected.
    ///
    /// Root and bmpd's own user have level 3. Everybody else has level 2: the socket lets in only its
    /// group, and the system has checked the membership, supplementary groups included, when it let the
    /// caller connect. Where somebody has opened the socket to all, strangers have level 1.
    pub(super) fn of(stream: &Stream, socket: &Path) -> Self {
        let credentials = stream.peer_creds().ok();
        let uid = credentials.as_ref().and_then(|credentials| credentials.euid());
        let gid = credentials.as_ref().and_then(|credentials| credentials.egid());
        let pid = credentials.as_ref().and_then(|credentials| credentials.pid());
        let level = match uid {
            Some(0) => Level::Management,
            Some(uid) if uid == rustix::process::geteuid().as_raw() => Level::Management,
            Some(_) if !socket::is_open_to_all(socket) => Level::Configuration,
            Some(_) if gid.is_some() && gid == socket::group(socket) => Level::Configuration,
            Some(_) => Level::Monitoring,
            None => Level::Visit,
        };
        Self { uid, pid, name: uid.and_then(user_name), level }
    }

    /// What the caller may do.
    pub(super) fn level(&self) -> Level {
        self.level
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, self.uid) {
            (Some(name), _) => write!(f, "{name}")?,
            (None, Some(uid)) => write!(f, "uid {uid}")?,
            (None, None) => f.write_str("unknown user")?,
        }
        match self.pid {
            Some(pid) => write!(f, " (pid {pid})"),
            None => Ok(()),
        }
    }
}

/// The user's name in the local user database. Users of other databases are shown by number.
fn user_name(uid: u32) -> Option<String> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}
