//! The socket file: one bmpd a path, whatever happened before. It is made here, or by the service manager.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{
    DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown,
};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use interprocess::local_socket::tokio::Listener;
use interprocess::local_socket::{GenericFilePath, ListenerOptions, ToFsName};
use interprocess::os::unix::local_socket::ListenerOptionsExt as _;
use interprocess::os::unix::uds_local_socket;
use rustix::fs::{FlockOperation, flock};
use rustix::process::geteuid;
use shared::account;
use shared::request::Level;
use tracing::warn;

use super::access::Access;
use crate::config::{Account, Control, Levels};
use crate::net;

/// Until the file has its group only the owner may connect.
const FIRST_MODE: u32 = 0o600;

/// The folder of the socket, if it is to be made: all may go through it, its owner alone changes it.
const FOLDER_MODE: u32 = 0o755;

/// How long a process that is ended may still be seen to listen.
const LAST_BREATH: Duration = Duration::from_millis(200);

/// How long the name service has for the group of the socket. Nothing runs yet that would wait for it.
const GROUP_PATIENCE: Duration = Duration::from_secs(2);

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
        /// The lock.
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
    /// Held as long as bmpd runs; the system lets go of it whatever way bmpd ends.
    _lock: File,
}

impl ControlSocket {
    /// Makes the socket, unless the service manager has passed one. A file left behind by a bmpd that died is
    /// taken over; that of a living one is not touched, and what the service manager has made stays its own.
    pub(crate) fn create(control: &Control, passed: Option<OwnedFd>) -> Result<Self, SocketError> {
        let path = &*control.socket;
        let io_error = |error: io::Error| SocketError::Io { path: path.to_owned(), error };
        if let Some(folder) =
            path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists())
        {
            DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder).map_err(io_error)?;
            // Whatever the umask is: all who may use the socket must get there.
            fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE)).map_err(io_error)?;
        }
        // Before the lock file is made beside something that was never ours.
        if let Ok(found) = fs::symlink_metadata(path)
            && !found.file_type().is_socket()
        {
            return Err(SocketError::NotASocket(path.to_owned()));
        }
        let mut lock_path = path.as_os_str().to_owned();
        lock_path.push(".lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&lock_path)
            .map_err(|error| refused(path, Path::new(&lock_path), error))?;
        // Who can open the file can hold the lock: nobody else must.
        lock.set_permissions(Permissions::from_mode(0o600))
            .map_err(|error| refused(path, Path::new(&lock_path), error))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(SocketError::Taken(path.to_owned())),
            Err(error) => return Err(io_error(error.into())),
        }
        let listener = match passed {
            Some(socket) => take_over(socket, path)?,
            None if stays_listened_at(path) => return Err(SocketError::Listened(path.to_owned())),
            None => make(path).map_err(io_error)?,
        };
        let (group, warning) = SocketGroup::give(path, control.group.as_ref()).map_err(io_error)?;
        if let Some(warning) = warning {
            warn!("{warning}");
        }
        set_door(path, Door::of(&control.levels, &group)).map_err(io_error)?;
        let access = Arc::new(Access::new(path, group, control.levels.clone()));
        Ok(Self { listener, access, _lock: lock })
    }

    pub(super) fn listener(&self) -> &Listener {
        &self.listener
    }

    /// Who may do what with it.
    pub(crate) fn access(&self) -> &Arc<Access> {
        &self.access
    }
}

/// Why the lock cannot be had: what is left of a bmpd of another user is a case of its own.
fn refused(path: &Path, lock: &Path, error: io::Error) -> SocketError {
    let user = geteuid().as_raw();
    let other = |error| SocketError::Io { path: path.to_owned(), error };
    if error.kind() != io::ErrorKind::PermissionDenied {
        return other(error);
    }
    match (fs::symlink_metadata(lock), lock.parent()) {
        (Ok(found), _) if found.uid() != user => {
            SocketError::Foreign { path: lock.to_owned(), owner: found.uid(), user }
        }
        (Err(missing), Some(folder)) if missing.kind() == io::ErrorKind::NotFound => {
            SocketError::Folder { folder: folder.to_owned(), user }
        }
        _ => other(error),
    }
}

/// True if somebody listens at this path, and not only for as long as the system takes to end a process whose lock
/// is free already.
fn stays_listened_at(path: &Path) -> bool {
    // A socket without a file, or with one that is seen elsewhere, is in nobody's way.
    if !path.exists() || !is_listened_at(path) {
        return false;
    }
    std::thread::sleep(LAST_BREATH);
    is_listened_at(path)
}

/// True if a socket listens whose file was made at this path. To connect would tell, too, and start whatever
/// the service manager starts for who connects.
fn is_listened_at(path: &Path) -> bool {
    /// SO_ACCEPTCON of the kernel's, among the flags.
    const LISTENS: u32 = 0x1_0000;
    let Ok(sockets) = fs::read("/proc/self/net/unix") else { return false };
    sockets.split(|byte| *byte == b'\n').any(|line| {
        let mut rest = line;
        let mut next = || {
            let field = rest.trim_ascii_start();
            let end = field.iter().position(|byte| *byte == b' ').unwrap_or(field.len());
            let (field, after) = field.split_at(end);
            rest = after;
            str::from_utf8(field).unwrap_or_default()
        };
        // Number, count of references, protocol, flags, type, state, inode; then the path as it is.
        let [_, _, _, flags, _, _, _] = [(); 7].map(|()| next());
        let listens = u32::from_str_radix(flags, 16).is_ok_and(|flags| flags & LISTENS != 0);
        listens && rest.strip_prefix(b" ") == Some(path.as_os_str().as_bytes())
    })
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
    if address.as_pathname() != Some(path) {
        let passed = address.as_pathname().map_or_else(
            || "a place without a file".to_owned(),
            |passed| passed.display().to_string(),
        );
        return Err(SocketError::Elsewhere { passed, configured: path.to_owned() });
    }
    if !path.exists() {
        return Err(SocketError::Gone(path.to_owned()));
    }
    uds_local_socket::tokio::Listener::try_from(OwnedFd::from(socket))
        .map(Listener::from)
        .map_err(io_error)
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
    fn give(path: &Path, wanted: Option<&Account>) -> io::Result<(Self, Option<String>)> {
        let group_of_file = || fs::metadata(path).map(|found| found.gid());
        let Some(account) = wanted else {
            let file_gid = group_of_file()?;
            let account = Account::Id(file_gid);
            return Ok((Self { account, file_gid, gid: Some(file_gid) }, None));
        };
        let found = match account {
            Account::Id(gid) => Ok(*gid),
            Account::Name(name) => {
                let name = name.clone();
                match account::within(GROUP_PATIENCE, move || account::group_id(&name)) {
                    Some(Ok(Some(gid))) => Ok(gid),
                    Some(Ok(None)) => Err("there is no such group".to_owned()),
                    Some(Err(error)) => Err(net::describe(&error)),
                    None => Err("the user database does not answer".to_owned()),
                }
            }
        };
        let gid = found.as_ref().ok().copied();
        let given = found
            .and_then(|gid| chown(path, None, Some(gid)).map_err(|error| net::describe(&error)));
        let warning = given.err().map(|why| {
            format!(
                "cannot give the control socket {} to the group {account}: {why}; so all can connect, and \
                 bmpd alone decides who may do what",
                path.display()
            )
        });
        Ok((Self { account: account.clone(), file_gid: group_of_file()?, gid }, warning))
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

/// Opens or closes the socket at this path.
pub(super) fn set_door(path: &Path, door: Door) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(door.mode()))
}
