//! The socket file: one bmpd per path, whatever was left there. It is created here, or by the service manager.

#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use interprocess::local_socket::tokio::Listener;
use interprocess::local_socket::{GenericFilePath, ListenerOptions, ToFsName};
use interprocess::os::unix::local_socket::ListenerOptionsExt as _;
use interprocess::os::unix::uds_local_socket;
use rustix::process::geteuid;
use tracing::warn;

use crate::access::Access;
use crate::config::Control;
use crate::folder::{self, MadeFolder, Others};
use crate::socket_file::{Lock, SocketError, SocketFile, SocketGroup, WhoConnects, is_bound};
use crate::supervise::fault;

/// Until the file has its group only the owner may connect.
const FIRST_MODE: u32 = 0o600;

/// How long the socket of a terminated process may still be bound.
const EXIT_GRACE: Duration = Duration::from_millis(200);

/// The listening socket, its file and the lock beside it.
pub(crate) struct ControlSocket {
    listener: Listener,
    access: Arc<Access>,
    // After the listener: its file is removed while the lock is held.
    _lock: Lock,
    _folder: Option<MadeFolder>,
}

impl ControlSocket {
    /// Creates the socket, unless the service manager has passed one. A file left behind by a terminated bmpd is taken
    /// over; that of a running one is not touched, and what the service manager has created stays its own.
    ///
    /// Blocks while the name service is queried for the group. On failure, what it has created is removed.
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
        // Before the lock file is created beside a file that is not ours.
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
        file.set_mode(WhoConnects::of(&control.levels, &group).mode()).map_err(io_error)?;
        let access = Arc::new(Access::new(file, group, control.levels.clone()));
        Ok(Self { listener, access, _lock: lock, _folder: made_folder })
    }

    pub(super) fn listener(&self) -> &Listener {
        &self.listener
    }

    /// The permissions of its clients.
    pub(crate) fn access(&self) -> &Arc<Access> {
        &self.access
    }
}

/// True if a socket is bound to the file at this path, beyond the time that the system takes to end a process whose
/// lock is already free.
fn stays_bound(path: &Path) -> Result<bool, SocketError> {
    let bound = || is_bound(path).map_err(|error| refused(path, error));
    if !bound()? {
        return Ok(false);
    }
    std::thread::sleep(EXIT_GRACE);
    bound()
}

/// Why the owner of the socket is unknown: one of another user is a case of its own.
fn refused(path: &Path, error: io::Error) -> SocketError {
    let user = geteuid().as_raw();
    match fs::symlink_metadata(path) {
        Ok(found) if error.kind() == io::ErrorKind::PermissionDenied && found.uid() != user => {
            SocketError::Foreign { path: path.to_owned(), owner: found.uid(), user }
        }
        _ => SocketError::Io { path: path.to_owned(), error },
    }
}

/// The socket and its file, whose mode is set before the file is visible.
fn make(path: &Path) -> io::Result<Listener> {
    // The lock is free: the file was left by a terminated bmpd.
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
    // A file that no socket is bound to was left there by another process.
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
