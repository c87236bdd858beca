//! The lock beside the socket file: one bmpd per path.
//!
//! The folder can be writable by others, so no existing file is trusted: the file is opened without following a link
//! and without waiting for the other end of a FIFO (open(2)), and must be a regular file of bmpd's own user with one
//! name.
//!
//! bmpd removes it when it exits, as it removes its socket: one left by a start as root would block bmpd's user. It
//! does so while it holds the lock, and after acquiring the lock of a file it checks whether the file is still there.

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::error::SocketError;

/// How often a file is opened again that was removed by the bmpd that had it. Each time another bmpd has started and
/// exited meanwhile.
const ATTEMPTS: usize = 16;

/// Held until it is dropped; the system releases it however bmpd ends.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes the lock of the socket at this path. Never blocks.
    ///
    /// # Errors
    ///
    /// Another bmpd has it, or what is there is no lock of bmpd's user.
    pub(crate) fn acquire(socket: &Path) -> Result<Self, SocketError> {
        let mut path = OsString::from(socket);
        path.push(".lock");
        let path = PathBuf::from(path);
        for _ in 0..ATTEMPTS {
            let file = open(&path).map_err(|error| refused(socket, &path, error))?;
            let io_error = |error| SocketError::Io { path: socket.to_owned(), error };
            let found = file.metadata().map_err(io_error)?;
            if !found.is_file() || found.nlink() > 1 {
                return Err(SocketError::NotALock(path));
            }
            let user = geteuid().as_raw();
            if found.uid() != user {
                return Err(SocketError::Foreign { path, owner: found.uid(), user });
            }
            // A user that can open the file can hold the lock: no other user must.
            file.set_permissions(Permissions::from_mode(0o600)).map_err(io_error)?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => return Err(SocketError::Taken(socket.to_owned())),
                Err(error) => return Err(io_error(error.into())),
            }
            let lock = Self { file, path: path.clone() };
            if lock.is_in_place() {
                return Ok(lock);
            }
        }
        Err(SocketError::Taken(socket.to_owned()))
    }

    /// True if the path still leads to the file that is locked.
    fn is_in_place(&self) -> bool {
        let Ok(file) = self.file.metadata() else { return false };
        fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == (file.dev(), file.ino()))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.is_in_place() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
}

/// Why the lock cannot be opened: one left by a bmpd of another user is a case of its own.
fn refused(socket: &Path, lock: &Path, error: io::Error) -> SocketError {
    let other = |error| SocketError::Io { path: socket.to_owned(), error };
    match Errno::from_io_error(&error) {
        // A link; a FIFO without a reader, or a socket; a directory.
        Some(Errno::LOOP | Errno::NXIO | Errno::ISDIR) => {
            return SocketError::NotALock(lock.to_owned());
        }
        Some(Errno::ACCESS | Errno::PERM) => {}
        _ => return other(error),
    }
    let user = geteuid().as_raw();
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn only_a_regular_file_of_bmpds_own_is_the_lock_and_nothing_else_is_touched_or_waited_for() {
        let scratch = tempfile::tempdir().unwrap();
        let victim = scratch.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        fs::set_permissions(&victim, Permissions::from_mode(0o644)).unwrap();
        type Put<'a> = &'a dyn Fn(&Path);
        let others: [(&str, Put<'_>); 7] = [
            ("fifo", &|path| mkfifoat(CWD, path, Mode::from(0o666)).unwrap()),
            ("link", &|path| symlink(&victim, path).unwrap()),
            ("dangling", &|path| symlink(scratch.path().join("nowhere"), path).unwrap()),
            ("hard", &|path| fs::hard_link(&victim, path).unwrap()),
            ("folder", &|path| fs::create_dir(path).unwrap()),
            ("socket", &|path| drop(UnixListener::bind(path).unwrap())),
            ("device", &|path| symlink("/dev/null", path).unwrap()),
        ];
        for (name, put) in others {
            let socket = scratch.path().join(name);
            let lock = scratch.path().join(format!("{name}.lock"));
            put(&lock);
            let error = Lock::acquire(&socket).unwrap_err();
            assert!(
                matches!(&error, SocketError::NotALock(path) if *path == lock),
                "{name}: {error}"
            );
            assert!(fs::symlink_metadata(&lock).is_ok(), "{name}: it was removed");
        }
        // A FIFO with a reader can be opened.
        let read = scratch.path().join("fifo.lock");
        let _reader = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(read).unwrap();
        let error = Lock::acquire(&scratch.path().join("fifo")).unwrap_err();
        assert!(matches!(error, SocketError::NotALock(_)), "{error}");
        assert_eq!((fs::read(&victim).unwrap(), mode(&victim)), (b"precious".to_vec(), 0o644));
        assert!(!scratch.path().join("nowhere").exists());
    }

    #[test]
    fn one_holds_it_at_a_time_and_it_is_gone_afterwards() {
        let scratch = tempfile::tempdir().unwrap();
        let socket = scratch.path().join("bmpd.sock");
        let path = scratch.path().join("bmpd.sock.lock");
        // One that was left behind, with any mode.
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        let lock = Lock::acquire(&socket).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert!(matches!(Lock::acquire(&socket), Err(SocketError::Taken(_))));
        drop(lock);
        assert!(!path.exists());
        let lock = Lock::acquire(&socket).unwrap();
        // A file of another process is not removed.
        fs::remove_file(&path).unwrap();
        fs::write(&path, "another").unwrap();
        drop(lock);
        assert!(path.exists());
    }

    #[test]
    fn that_of_another_user_is_named_with_its_owner() {
        if !geteuid().is_root() {
            eprintln!("only root can give a file away");
            return;
        }
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("bmpd.sock.lock");
        fs::write(&path, "").unwrap();
        std::os::unix::fs::chown(&path, Some(1), Some(1)).unwrap();
        let error = Lock::acquire(&scratch.path().join("bmpd.sock")).unwrap_err();
        assert!(matches!(error, SocketError::Foreign { owner: 1, user: 0, .. }), "{error}");
        assert!(path.exists());
    }
}
