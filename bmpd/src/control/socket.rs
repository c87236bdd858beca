//! The socket file: one bmpd a path, whatever happened before.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use interprocess::local_socket::tokio::Listener;
use interprocess::local_socket::{GenericFilePath, ListenerOptions, ToFsName};
use interprocess::os::unix::local_socket::ListenerOptionsExt as _;
use rustix::fs::{FlockOperation, flock};

use crate::net;

/// Owner and group may connect.
const MODE: u32 = 0o660;

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
    path: PathBuf,
    listener: Listener,
    /// Held as long as bmpd runs; the system lets go of it whatever way bmpd ends.
    _lock: File,
}

impl ControlSocket {
    /// Makes the socket. A file left behind by a bmpd that died is taken over; that of a living one is
    /// not touched.
    pub(crate) fn create(path: &Path) -> Result<Self, SocketError> {
        let io_error = |error: io::Error| SocketError::Io { path: path.to_owned(), error };
        if let Some(folder) =
            path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists())
        {
            DirBuilder::new().recursive(true).mode(0o755).create(folder).map_err(io_error)?;
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
            .map_err(io_error)?;
        // Who can open the file can hold the lock: nobody else must.
        lock.set_permissions(Permissions::from_mode(0o600)).map_err(io_error)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(SocketError::Taken(path.to_owned())),
            Err(error) => return Err(io_error(error.into())),
        }
        // Nobody holds the lock: the file is that of a bmpd that died.
        match fs::remove_file(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io_error(error)),
        }
        let name = path.to_fs_name::<GenericFilePath>().map_err(io_error)?;
        let listener =
            ListenerOptions::new().name(name).mode(MODE).create_tokio().map_err(io_error)?;
        // The mode given to the bind is cut by the umask.
        fs::set_permissions(path, Permissions::from_mode(MODE)).map_err(io_error)?;
        Ok(Self { path: path.to_owned(), listener, _lock: lock })
    }

    pub(super) fn listener(&self) -> &Listener {
        &self.listener
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// True if the file lets everybody connect, which bmpd itself never allows.
pub(super) fn is_open_to_all(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.mode() & 0o002 != 0)
}

/// The group of the file.
pub(super) fn group(path: &Path) -> Option<u32> {
    fs::metadata(path).ok().map(|found| found.gid())
}
