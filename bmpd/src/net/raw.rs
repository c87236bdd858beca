//! Access to setsockopt(2) and getsockopt(2) for options that neither socket2 nor rustix has.
//!
//! It is independent of options: the caller ensures that a level, a name and a value match.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use libc::{c_int, c_void, socklen_t};

/// Sets an option to a value in the layout of the system.
///
/// # Errors
///
/// Those of setsockopt(2); ENOPROTOOPT is an option that this kernel does not have.
#[allow(unsafe_code)]
pub(super) fn set<T: Copy>(
    socket: BorrowedFd<'_>,
    level: c_int,
    name: c_int,
    value: &T,
) -> io::Result<()> {
    let length = size_of::<T>() as socklen_t;
    // SAFETY: the descriptor is open for the length of the call. The system reads no more bytes through
    // the pointer than the length passed, the size of what is borrowed, and keeps no pointer to it.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            std::ptr::from_ref(value).cast::<c_void>(),
            length,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Has the system write an option over what `value` holds when it is called.
///
/// # Errors
///
/// Those of getsockopt(2).
#[allow(unsafe_code)]
pub(super) fn get<T: Copy>(
    socket: BorrowedFd<'_>,
    level: c_int,
    name: c_int,
    value: &mut T,
) -> io::Result<()> {
    let mut length = size_of::<T>() as socklen_t;
    // SAFETY: the descriptor is open for the length of the call. The system writes no more than `length`
    // bytes through the pointer, which is the size of what is borrowed; every caller's type is made of
    // integers, for which any bytes are a value.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            level,
            name,
            std::ptr::from_mut(value).cast::<c_void>(),
            &mut length,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Has the system fill a list and truncates it to what it has. A list that is too short gets the length that it would
/// need.
///
/// # Errors
///
/// Those of getsockopt(2); ERANGE is a list that was too short.
#[allow(unsafe_code)]
pub(super) fn get_list(
    socket: BorrowedFd<'_>,
    level: c_int,
    name: c_int,
    list: &mut Vec<u32>,
) -> io::Result<()> {
    let bytes = list.len() * size_of::<u32>();
    let mut length = socklen_t::try_from(bytes).unwrap_or(socklen_t::MAX);
    // SAFETY: the descriptor is open for the length of the call. The system writes no more than `length`
    // bytes through the pointer, which is at most the size of what is borrowed; any bytes are a u32.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            level,
            name,
            list.as_mut_ptr().cast::<c_void>(),
            &mut length,
        )
    };
    let error = io::Error::last_os_error();
    list.resize(length as usize / size_of::<u32>(), 0);
    if result == 0 { Ok(()) } else { Err(error) }
}
