//! The file of the socket, by a descriptor: later changes apply to the file that bmpd has created, even if its path
//! leads to another one by then.

use std::fs::{self, Permissions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, chownat, fstat, open};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use rustix::process::geteuid;

use super::error::SocketError;

/// The file of the control socket.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Opened with O_PATH; `None` where there is no file.
    file: Option<OwnedFd>,
}

impl SocketFile {
    /// The one at this path, which must be a socket with one name. One that bmpd `made` must be of its user, too.
    ///
    /// # Errors
    ///
    /// Those of open(2), or it is something else.
    pub(crate) fn open(path: &Path, made: bool) -> Result<Self, SocketError> {
        let io_error =
            |error: Errno| SocketError::Io { path: path.to_owned(), error: error.into() };
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = open(path, flags, Mode::empty()).map_err(io_error)?;
        let found = fstat(&file).map_err(io_error)?;
        let user = geteuid().as_raw();
        if FileType::from_raw_mode(found.st_mode) != FileType::Socket || found.st_nlink > 1 {
            return Err(SocketError::NotASocket(path.to_owned()));
        }
        if made && found.st_uid != user {
            return Err(SocketError::Foreign { path: path.to_owned(), owner: found.st_uid, user });
        }
        Ok(Self { path: path.to_owned(), file: Some(file) })
    }

    /// No file, where there is no socket.
    #[cfg(any(test, simulation))]
    pub(crate) fn none(path: &Path) -> Self {
        Self { path: path.to_owned(), file: None }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn file(&self) -> io::Result<&OwnedFd> {
        self.file.as_ref().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The group of the file.
    pub(crate) fn gid(&self) -> io::Result<u32> {
        Ok(fstat(self.file()?)?.st_gid)
    }

    pub(crate) fn set_group(&self, gid: u32) -> io::Result<()> {
        chownat(self.file()?, "", None, Some(Gid::from_raw(gid)), AtFlags::EMPTY_PATH)?;
        Ok(())
    }

    /// Sets who can connect.
    pub(crate) fn set_mode(&self, mode: u32) -> io::Result<()> {
        // fchmod(2) does not take a descriptor of O_PATH (open(2)). Its link in /proc leads to the file that is open,
        // whatever has become of the path.
        let file = format!("/proc/self/fd/{}", self.file()?.as_raw_fd());
        fs::set_permissions(file, Permissions::from_mode(mode))
    }
}

/// True if a process has a socket that is bound to the file at this path.
///
/// The system looks it up by device and inode: the same path in another mount namespace is another file. A datagram
/// socket cannot be connected to a stream socket (unix(7), EPROTOTYPE), so no listener there notices, and the service
/// manager starts nothing.
///
/// # Errors
///
/// Those of connect(2), such as EACCES for a socket of another user.
pub(crate) fn is_bound(path: &Path) -> io::Result<bool> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let probe = socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
    match connect(&probe, &SocketAddrUnix::new(path)?) {
        Ok(()) | Err(Errno::PROTOTYPE) => Ok(true),
        // No socket is bound to it; no file.
        Err(Errno::CONNREFUSED | Errno::NOENT) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
