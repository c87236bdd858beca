//! What waits in the system's send queue of a socket.

use std::os::fd::{AsFd, AsRawFd};

/// Bytes that the other side has not acknowledged yet (SIOCOUTQ, tcp(7)); 0 if the system will not say.
#[allow(unsafe_code)]
pub(crate) fn unacknowledged(socket: &impl AsFd) -> u64 {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the descriptor is open for the length of the call, and TIOCOUTQ (SIOCOUTQ for a socket)
    // writes one int through the pointer.
    let result = unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), libc::TIOCOUTQ, &mut bytes) };
    if result == 0 { u64::try_from(bytes).unwrap_or(0) } else { 0 }
}
