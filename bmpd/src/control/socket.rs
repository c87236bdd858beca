//! The socket file: one bmpd a path, whatever happened before. It is made here, or by the service manager.

mod file;
mod lock;
#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use interprocess::local_socket::tokio::Listener;
use interprocess::local_socket::{GenericFilePath, ListenerOptions, ToFsName};
use interprocess::os::unix::local_socket::ListenerOptionsExt as _;
use interprocess::os::unix::uds_local_socket;
use rustix::process::geteuid;
use shared::account;
use shared::request::Level;
use tracing::warn;

pub(super) use self::file::SocketFile;
use self::file::is_bound;
use self::lock::Lock;
use super::access::Access;
use crate::config::{Account, Control, Levels};
use crate::folder::{self, MadeFolder, Others};
use crate::net;
use crate::supervise::fault;

/// Until the file has its group only the owner may connect.
const FIRST_MODE: u32 = 0o600;

/// How long the socket of a process that was ended may still be bound.
const EXIT_GRACE: Duration = Duration::from_millis(200);

/// How long the name service has for the group of the socket. Nothing runs yet that would wait for it.
const GROUP_TIMEOUT: Duration = Duration::from_secs(2);

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SocketError {
    /// Another bmpd has it.
    #[error(
        "another bmpd is running with the control socket {0}: stop it, or give this one another [control] socket"
    )]
    Taken(PathBuf),
    /// Something else lies there.
    #[error("{0} exists and is not a socket: remove it, or give bmpd another [control] socket")]
    NotASocket(PathBuf),
    /// What is in the place of the lock is no lock of bmpd's.
    #[error(
        "{0} is not a regular file of bmpd's own (it is a link, a FIFO, a directory or the like): remove it, or give bmpd \
         another [control] socket"
    )]
    NotALock(PathBuf),
    /// Everybody can put something else in the place of the socket.
    #[error(
        "everybody can replace what is in {0}, the control socket among it: `chmod o-w` it, or let [control] socket name \
         a place in another folder, such as /run/bmpd"
    )]
    OpenFolder(PathBuf),
    /// Somebody listens there who is no bmpd: the service manager, most likely.
    #[error(
        "{0} is listened at already, and not by a bmpd: if systemd does (bmpd.socket), start bmpd with \
         `systemctl start bmpd`, or stop that unit first; or give this bmpd another [control] socket"
    )]
    Listened(PathBuf),
    /// An earlier bmpd was of another user.
    #[error(
        "{path} is of user {owner}, and bmpd runs as user {user} now: remove it, or give it to that user (chown); \
         [control] socket can name another place"
    )]
    Foreign {
        /// The lock or the socket.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who bmpd is.
        user: u32,
    },
    /// bmpd's user makes no files in the folder.
    #[error(
        "cannot make files in {folder} as user {user}: [control] socket can name a place in a folder of its own, such as \
         /run/bmpd"
    )]
    Folder {
        /// That of the socket.
        folder: PathBuf,
        /// Who bmpd is.
        user: u32,
    },
    /// What the service manager has made is no longer where bmpctl looks.
    #[error(
        "the service manager listens at {0}, and its file is gone: `systemctl restart bmpd.socket` makes it again"
    )]
    Gone(PathBuf),
    /// The service manager listens somewhere else.
    #[error(
        "the service manager listens at {passed}, and [control] socket is {configured}, where bmpctl looks: \
         make them the same"
    )]
    Elsewhere {
        /// Where it listens.
        passed: String,
        /// As configured.
        configured: PathBuf,
    },
    /// The system refused.
    #[error(
        "cannot make the control socket {path}: {}; [control] socket can name another place",
        net::describe(error)
    )]
    Io {
        /// The path of the socket.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

/// The listening socket, its file and the lock beside it.
pub(crate) struct ControlSocket {
    listener: Listener,
    access: Arc<Access>,
    // Behind the listener: its file is removed while the lock is held.
    _lock: Lock,
    _folder: Option<MadeFolder>,
}

impl ControlSocket {
    /// Makes the socket, unless the service manager has passed one. A file left behind by a bmpd that died is
    /// taken over; that of a living one is not touched, and what the service manager has made stays its own.
    ///
    /// Blocks while the name service is asked for the group. What it has made is removed when it fails.
    pub(crate) fn create(control: &Control, passed: Option<OwnedFd>) -> Result<Self, SocketError> {
        let path = &*control.socket;
        let io_error = |error: io::Error| SocketError::Io { path: path.to_owned(), error };
        let folder = path.parent().unwrap_or(Path::new(""));
        let made_folder = folder::make(folder, None).map_err(io_error)?;
        match folder::others(folder) {
            None => {}
            Some(Others::Replace(folder)) => return Err(SocketError::OpenFolder(folder)),
            Some(Others::Some(sentence)) => warn!("{sentence}"),
        }
        // Before the lock file is made beside something that was never ours.
        if let Ok(found) = fs::symlink_metadata(path)
            && !found.file_type().is_socket()
        {
            return Err(SocketError::NotASocket(path.to_owned()));
        }
        let lock = Lock::acquire(path)?;
        fault("control.socket");
        let (listener, file) = match passed {
            Some(socket) => (take_over(socket, path)?, SocketFile::open(path, false)?),
            None if stays_bound(path)? => return Err(SocketError::Listened(path.to_owned())),
            None => (make(path).map_err(io_error)?, SocketFile::open(path, true)?),
        };
        let (group, warning) =
            SocketGroup::give(&file, control.group.as_ref()).map_err(io_error)?;
        if let Some(warning) = warning {
            warn!("{warning}");
        }
        file.set_door(Door::of(&control.levels, &group)).map_err(io_error)?;
        let access = Arc::new(Access::new(file, group, control.levels.clone()));
        Ok(Self { listener, access, _lock: lock, _folder: made_folder })
    }

    pub(super) fn listener(&self) -> &Listener {
        &self.listener
    }

    /// Who may do what with it.
    pub(crate) fn access(&self) -> &Arc<Access> {
        &self.access
    }
}

/// True if somebody has a socket bound to the file at this path, and not only for as long as the system takes to end a
/// process whose lock is free already.
fn stays_bound(path: &Path) -> Result<bool, SocketError> {
    let bound = || is_bound(path).map_err(|error| refused(path, error));
    if !bound()? {
        return Ok(false);
    }
    std::thread::sleep(EXIT_GRACE);
    bound()
}

/// Why nobody can say whose socket that is: one of another user is a case of its own.
fn refused(path: &Path, error: io::Error) -> SocketError {
    let user = geteuid().as_raw();
    match fs::symlink_metadata(path) {
        Ok(found) if error.kind() == io::ErrorKind::PermissionDenied && found.uid() != user => {
            SocketError::Foreign { path: path.to_owned(), owner: found.uid(), user }
        }
        _ => SocketError::Io { path: path.to_owned(), error },
    }
}

/// The socket and its file, whose mode is right before the file can be seen.
fn make(path: &Path) -> io::Result<Listener> {
    // Nobody holds the lock: the file is that of a bmpd that died.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let name = path.to_fs_name::<GenericFilePath>()?;
    ListenerOptions::new().name(name).mode(FIRST_MODE).create_tokio()
}

/// The socket that the service manager has made; its file is not removed at the end.
fn take_over(socket: OwnedFd, path: &Path) -> Result<Listener, SocketError> {
    let io_error = |error: io::Error| SocketError::Io { path: path.to_owned(), error };
    let socket = UnixListener::from(socket);
    let address = socket.local_addr().map_err(io_error)?;
    let is_there = address.as_pathname().is_some_and(|passed| is_same_place(passed, path));
    if !is_there {
        let passed = address.as_pathname().map_or_else(
            || "a place without a file".to_owned(),
            |passed| passed.display().to_string(),
        );
        return Err(SocketError::Elsewhere { passed, configured: path.to_owned() });
    }
    // A file that no socket is bound to is one that somebody else has left there.
    if !is_bound(path).map_err(io_error)? {
        return Err(SocketError::Gone(path.to_owned()));
    }
    uds_local_socket::tokio::Listener::try_from(OwnedFd::from(socket))
        .map(Listener::from)
        .map_err(io_error)
}

/// True if both paths lead to the same place, through whatever links to folders.
fn is_same_place(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| {
        let folder = fs::metadata(path.parent()?).ok()?;
        Some((folder.dev(), folder.ino(), path.file_name()?.to_owned()))
    };
    one == other || place(one).is_some_and(|one| place(other) == Some(one))
}

/// The group of the socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SocketGroup {
    /// As the configuration calls it, else the number of the file's.
    pub(super) account: Account,
    /// What the file has: another one if the system did not allow to change it, or does not know the
    /// group.
    pub(super) file_gid: u32,
    /// The number of the group when the socket was made; `None` if there was no such group.
    pub(super) gid: Option<u32>,
}

impl SocketGroup {
    /// True if the members of the group are those that the file lets in.
    fn is_that_of_file(&self) -> bool {
        self.gid == Some(self.file_gid)
    }

    /// True if this is the group, as far as that can be told without asking.
    fn is(&self, other: &Account) -> bool {
        *other == self.account || self.gid.is_some_and(|gid| *other == Account::Id(gid))
    }

    /// Gives the file its group. That the system does not allow it, or does not know the group, is a
    /// sentence for people and no reason not to run: bmpd looks at the groups of each caller anyway, so
    /// members of the group have what they are to have as long as they can connect.
    fn give(file: &SocketFile, wanted: Option<&Account>) -> io::Result<(Self, Option<String>)> {
        let Some(account) = wanted else {
            let file_gid = file.gid()?;
            let account = Account::Id(file_gid);
            return Ok((Self { account, file_gid, gid: Some(file_gid) }, None));
        };
        let found = match account {
            Account::Id(gid) => Ok(*gid),
            Account::Name(name) => {
                let name = name.clone();
                match account::within(GROUP_TIMEOUT, move || account::group_id(&name)) {
                    Some(Ok(Some(gid))) => Ok(gid),
                    Some(Ok(None)) => Err("there is no such group".to_owned()),
                    Some(Err(error)) => Err(net::describe(&error)),
                    None => Err("the user database does not answer".to_owned()),
                }
            }
        };
        let gid = found.as_ref().ok().copied();
        let given =
            found.and_then(|gid| file.set_group(gid).map_err(|error| net::describe(&error)));
        let warning = given.err().map(|why| {
            format!(
                "cannot give the control socket {} to the group {account}: {why}; so all can connect, and \
                 bmpd alone decides who may do what",
                file.path().display()
            )
        });
        Ok((Self { account: account.clone(), file_gid: file.gid()?, gid }, warning))
    }
}

/// Who can connect. What a caller may do is decided for each command; this only keeps away those who may
/// do nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// Owner and group of the file.
    Group,
    /// Everybody, as somebody beyond the file's group can have a level.
    All,
}

impl Door {
    /// The door for these levels.
    pub(super) fn of(levels: &Levels, group: &SocketGroup) -> Self {
        let gets_in = |level: Level| level > Level::Visit;
        let beyond = !group.is_that_of_file()
            || gets_in(levels.others)
            || levels.users.iter().any(|(_, level)| gets_in(*level))
            || levels.groups.iter().any(|(listed, level)| gets_in(*level) && !group.is(listed));
        if beyond { Door::All } else { Door::Group }
    }

    const fn mode(self) -> u32 {
        match self {
            Door::Group => 0o660,
            Door::All => 0o666,
        }
    }
}
