//! The sockets of another process, as the kernel shows them.
//!
//! What a parameter has done to a connection is read from the connection itself: the test takes a
//! copy of the other process's descriptor (pidfd_getfd(2), which needs root) and reads its options.

use std::fs;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
use socket2::Socket;

/// The TCP socket of a process that is connected with `remote`.
///
/// # Panics
/// When the process cannot be inspected, as it is without root.
pub fn connected(pid: u32, remote: SocketAddr) -> Option<Socket> {
    let raw = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id");
    let process = pidfd_open(raw, PidfdFlags::empty()).expect("the process is there");
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).expect("its descriptors");
    descriptors.flatten().find_map(|entry| {
        let target = fs::read_link(entry.path()).ok()?;
        target.to_str()?.starts_with("socket:").then_some(())?;
        let number = entry.file_name().to_str()?.parse().ok()?;
        let copy: OwnedFd = pidfd_getfd(&process, number, PidfdGetfdFlags::empty()).ok()?;
        let socket = Socket::from(copy);
        (socket.peer_addr().ok()?.as_socket() == Some(remote)).then_some(socket)
    })
}
