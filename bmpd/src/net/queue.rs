//! What waits in the system's send queue of a socket, and what has left it.

use std::mem::offset_of;
use std::os::fd::{AsFd, AsRawFd};

use linux_raw_sys::net::tcp_info;

use super::raw;

/// Bytes that the other side has not acknowledged yet (SIOCOUTQ, tcp(7)); 0 if that is unknown. With TLS they are
/// encrypted ones.
#[allow(unsafe_code)]
pub(crate) fn unacknowledged(socket: &impl AsFd) -> u64 {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the descriptor is open for the length of the call, and TIOCOUTQ (SIOCOUTQ for a socket)
    // writes one int through the pointer.
    let result = unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), libc::TIOCOUTQ, &mut bytes) };
    if result == 0 { u64::try_from(bytes).unwrap_or(0) } else { 0 }
}

/// Bytes that the other side has acknowledged since the connection began (TCP_INFO, tcp(7)); 0 if that is unknown.
///
/// It never falls, and it counts what was sent over the wire, TLS and the SYN with it: it shows whether the other side
/// receives anything, not how much.
pub(crate) fn acknowledged(socket: &impl AsFd) -> u64 {
    // The struct as a row of its 64-bit numbers. Kernels may have fewer of its fields than there are.
    let mut info = [0_u64; size_of::<tcp_info>() / 8];
    const FIELD: usize = offset_of!(tcp_info, tcpi_bytes_acked) / 8;
    match raw::get(socket.as_fd(), libc::IPPROTO_TCP, libc::TCP_INFO, &mut info) {
        Ok(()) => info[FIELD],
        Err(_) => 0,
    }
}
