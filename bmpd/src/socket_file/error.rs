//! Why there is no control socket.

use std::io;
use std::path::PathBuf;

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SocketError {
    /// Another bmpd has it.
    #[error(
        "another bmpd is running with the control socket {0}: stop it, or give this one another [control] socket"
    )]
    Taken(PathBuf),
    /// There is another kind of file.
    #[error("{0} exists and is not a socket: remove it, or give bmpd another [control] socket")]
    NotASocket(PathBuf),
    /// What is in the place of the lock is no lock of bmpd's.
    #[error(
        "{0} is not a regular file of bmpd's own (it is a link, a FIFO, a directory or the like): remove it, or give bmpd \
         another [control] socket"
    )]
    NotALock(PathBuf),
    /// Every user can replace the socket.
    #[error(
        "everybody can replace what is in {0}, the control socket among it: `chmod o-w` it, or let [control] socket name \
         a place in another folder, such as /run/bmpd"
    )]
    OpenFolder(PathBuf),
    /// A process other than bmpd listens there: the service manager, most likely.
    #[error(
        "{0} is listened at already, and not by a bmpd: if systemd does (bmpd.socket), start bmpd with \
         `systemctl start bmpd`, or stop that unit first; or give this bmpd another [control] socket"
    )]
    Listened(PathBuf),
    /// An earlier bmpd ran as another user.
    #[error(
        "{path} is of user {owner}, and bmpd runs as user {user} now: remove it, or give it to that user (chown); \
         [control] socket can name another place"
    )]
    Foreign {
        /// The lock or the socket.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// bmpd's user.
        user: u32,
    },
    /// bmpd's user cannot create files in the folder.
    #[error(
        "cannot make files in {folder} as user {user}: [control] socket can name a place in a folder of its own, such as \
         /run/bmpd"
    )]
    Folder {
        /// That of the socket.
        folder: PathBuf,
        /// bmpd's user.
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
        crate::net::describe(error)
    )]
    Io {
        /// The path of the socket.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
}
