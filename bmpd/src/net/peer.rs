//! The process at the other end of a local socket.

use std::io;
use std::os::fd::BorrowedFd;

use super::raw;

/// Room for this many groups at first; hardly any process is in more.
const GROUPS: usize = 64;

/// The most groups that a process can be in (NGROUPS_MAX, credentials(7)).
const GROUPS_MAX: usize = 65_536;

/// The supplementary groups that the peer's process had when it connected (SO_PEERGROUPS, Linux 4.13).
/// They are those of the connection: what has become of the process since does not matter.
///
/// # Errors
///
/// Those of getsockopt(2); ENOPROTOOPT is a kernel without the option.
pub(crate) fn groups(socket: BorrowedFd<'_>) -> io::Result<Vec<u32>> {
    let mut groups = vec![0; GROUPS];
    loop {
        let room = groups.len();
        match raw::get_list(socket, libc::SOL_SOCKET, libc::SO_PEERGROUPS, &mut groups) {
            Ok(()) => return Ok(groups),
            Err(error)
                if error.raw_os_error() == Some(libc::ERANGE)
                    && groups.len() > room
                    && groups.len() <= GROUPS_MAX => {}
            Err(error) => return Err(error),
        }
    }
}
