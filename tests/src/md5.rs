//! TCP MD5 signatures (RFC 2385) for the tests' own sockets.
//!
//! The only place of the tests with unsafe code, one call in [`protect`].

use std::io;
use std::mem::{offset_of, size_of};
use std::net::{IpAddr, TcpListener};
use std::os::fd::{AsFd, AsRawFd};

/// `struct sockaddr_storage`: family and port, then an IPv4 address or, behind a flow label, an IPv6 one.
#[repr(C, align(8))]
struct Storage([u8; 128]);

impl Storage {
    fn of(address: IpAddr) -> Self {
        let mut bytes = [0; 128];
        let family = match address {
            IpAddr::V4(v4) => {
                bytes[4..8].copy_from_slice(&v4.octets());
                libc::AF_INET
            }
            IpAddr::V6(v6) => {
                bytes[8..24].copy_from_slice(&v6.octets());
                libc::AF_INET6
            }
        };
        bytes[..2].copy_from_slice(&(family as u16).to_ne_bytes());
        Self(bytes)
    }
}

/// `struct tcp_md5sig` of linux/tcp.h.
#[repr(C)]
struct TcpMd5Sig {
    address: Storage,
    flags: u8,
    prefix_length: u8,
    key_length: u16,
    interface: i32,
    key: [u8; 80],
}

const _: () = assert!(size_of::<TcpMd5Sig>() == 216 && offset_of!(TcpMd5Sig, key) == 136);

/// Signs what goes to `peer` with `key`, and takes only what is signed so from there. To be called
/// before `connect`, or on a listener before `listen`: what it accepts inherits it.
///
/// # Errors
/// When the kernel has no TCP MD5, and for a key of more than 80 bytes.
pub fn protect(socket: &impl AsFd, peer: IpAddr, key: &str) -> io::Result<()> {
    let mut option = TcpMd5Sig {
        address: Storage::of(peer),
        flags: 0,
        prefix_length: 0,
        key_length: 0,
        interface: 0,
        key: [0; 80],
    };
    let room = option.key.get_mut(..key.len());
    room.ok_or(io::ErrorKind::InvalidInput)?.copy_from_slice(key.as_bytes());
    option.key_length = key.len() as u16;
    #[allow(unsafe_code)]
    // SAFETY: the pointer is to a live value of the size that is given, which the kernel only reads.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_MD5SIG,
            (&raw const option).cast(),
            size_of::<TcpMd5Sig>() as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// True if this kernel has TCP-AO (RFC 5925): a socket without keys then reports that.
///
/// # Panics
/// When loopback cannot be bound.
pub fn kernel_has_tcp_ao() -> bool {
    const TCP_AO_INFO: libc::c_int = 40;
    let socket = TcpListener::bind(("127.0.0.1", 0)).expect("loopback can be bound");
    let mut info = [0_u8; 64];
    let mut length = info.len() as libc::socklen_t;
    #[allow(unsafe_code)]
    // SAFETY: both pointers are to live values, of which the kernel writes at most `length` bytes.
    let result = unsafe {
        let (info, length) = (info.as_mut_ptr().cast(), &raw mut length);
        libc::getsockopt(socket.as_raw_fd(), libc::IPPROTO_TCP, TCP_AO_INFO, info, length)
    };
    result == 0 || io::Error::last_os_error().raw_os_error() != Some(libc::ENOPROTOOPT)
}
