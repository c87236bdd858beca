//! A socket that existed before bmpd: the service manager has created it and passes it as a descriptor
//! (sd_listen_fds(3)).

use std::io;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};
use rustix::net::sockopt::{socket_acceptconn, socket_domain, socket_type};
use rustix::net::{AddressFamily, SocketType};

/// The first descriptor behind standard error (SD_LISTEN_FDS_START).
const FIRST: RawFd = 3;

/// It can be taken once.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Takes the descriptor, which must be a Unix stream socket that listens. To be called before bmpd opens anything
/// itself, as only then the number refers to the manager's socket.
///
/// # Errors
///
/// It is no such socket, or was taken before.
#[allow(unsafe_code)]
pub(crate) fn listener() -> io::Result<OwnedFd> {
    if TAKEN.swap(true, Ordering::Relaxed) {
        return Err(io::Error::other("it was taken before"));
    }
    // SAFETY: the descriptor is borrowed for one call, which does nothing with a number that is not open.
    fcntl_getfd(unsafe { BorrowedFd::borrow_raw(FIRST) })?;
    // SAFETY: it is open, as was just seen. Nothing else owns it: bmpd has opened nothing yet, what is passed over
    // execve(2) belongs to no object of this program, and it is taken once.
    let socket = unsafe { OwnedFd::from_raw_fd(FIRST) };
    fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    let is_it = socket_domain(&socket)? == AddressFamily::UNIX
        && socket_type(&socket)? == SocketType::STREAM
        && socket_acceptconn(&socket)?;
    match is_it {
        true => Ok(socket),
        false => Err(io::Error::other("it is no Unix stream socket that listens")),
    }
}
