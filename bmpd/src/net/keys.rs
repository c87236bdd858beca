//! The keys that authenticate TCP segments: TCP MD5 (RFC 2385) and TCP-AO (RFC 5925).
//!
//! A socket that connects has the keys of its peer. A listener has those of every peer, by address or prefix, and a
//! connection inherits its own when it is accepted. The system silently drops segments that are not signed correctly: a
//! wrong key looks like a timeout.
//!
//! The structs are those of linux/tcp.h; a key is copied into one, given to the system and overwritten. It
//! is never part of an error.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};

use libc::c_int;
use linux_raw_sys::ctypes::c_char;
use linux_raw_sys::net as sys;
use socket2::{Domain, Protocol, Socket, Type};
use zeroize::Zeroize;

use super::raw;
use super::settings::{AoAlgorithm, AoKey, Authentication};

/// The length of a MAC in a segment: HMAC-SHA-1-96 and AES-128-CMAC-96 (RFC 5926 section 2.1).
const MAC_LEN: u8 = 12;

/// The space for a key (TCP_MD5SIG_MAXKEYLEN, TCP_AO_MAXKEYLEN).
const KEY_SPACE: usize = 80;

/// What a listener and the peers in a prefix authenticate their segments with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PeerKey {
    /// The first address of the prefix: the bits beyond its length are zero.
    pub(crate) network: IpAddr,
    /// The length of the prefix in bits, 32 or 128 for one peer. Where prefixes overlap the longest
    /// decides.
    pub(crate) length: u8,
    /// The keys.
    pub(crate) authentication: Authentication,
}

/// What a socket that gets a key does with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// It connects to the peer: it sends with the first key of a chain.
    Connect,
    /// It listens: each connection sends with the key that the peer's SYN has.
    Listen,
}

/// True if this kernel has TCP-AO (CONFIG_TCP_AO, Linux 6.7).
pub(crate) fn tcp_ao_supported() -> bool {
    // An empty key is refused where TCP-AO is supported, and the option itself where it is not.
    let empty: c_int = 0;
    Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).is_ok_and(|socket| match raw::set(
        socket.as_fd(),
        libc::IPPROTO_TCP,
        sys::TCP_AO_ADD_KEY as c_int,
        &empty,
    ) {
        Ok(()) => true,
        Err(error) => error.raw_os_error() != Some(libc::ENOPROTOOPT),
    })
}

/// The number of bits of an address: a prefix of this length is that address alone.
pub(super) fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// Gives a socket the keys for the peers in a prefix. A TCP MD5 key replaces the one that the same prefix has, without
/// a gap; keys of TCP-AO are added to those that are there.
pub(super) fn add(
    socket: BorrowedFd<'_>,
    network: IpAddr,
    length: u8,
    authentication: &Authentication,
    usage: Use,
) -> io::Result<()> {
    match authentication {
        Authentication::Md5(key) if key.expose().is_empty() => {
            // To the system a key without bytes means that the key is to be removed.
            Err(io::Error::from_raw_os_error(libc::EINVAL))
        }
        Authentication::Md5(key) => md5(socket, network, length, key.expose()),
        Authentication::Ao(chain) => chain.iter().enumerate().try_for_each(|(index, key)| {
            add_ao(socket, network, length, key, usage == Use::Connect && index == 0)
        }),
    }
}

/// Removes the keys for the peers in a prefix from a listener. Connections keep theirs.
pub(super) fn remove(
    socket: BorrowedFd<'_>,
    network: IpAddr,
    length: u8,
    authentication: &Authentication,
) -> io::Result<()> {
    match authentication {
        Authentication::Md5(_) => md5(socket, network, length, &[]),
        Authentication::Ao(chain) => chain.iter().try_for_each(|key| {
            let delete = sys::tcp_ao_del {
                addr: sockaddr(network),
                ifindex: 0,
                _bitfield_align_1: [],
                _bitfield_1: sys::tcp_ao_del::new_bitfield_1(0, 0, 0, 0),
                reserved2: 0,
                prefix: length,
                sndid: key.send_id,
                rcvid: key.receive_id,
                current_key: 0,
                rnext: 0,
                keyflags: 0,
            };
            raw::set(socket, libc::IPPROTO_TCP, sys::TCP_AO_DEL_KEY as c_int, &delete)
        }),
    }
}

/// Ensures that an accepted connection is authenticated as configured.
///
/// A connection that was made before the listener had the key of its peer has none. With TCP MD5 it is given its key
/// now, after which no unsigned segment reaches it (with the key that it had it continues unchanged); with TCP-AO that
/// is not possible any more, and it is an error.
pub(super) fn ensure(
    socket: BorrowedFd<'_>,
    peer: IpAddr,
    authentication: &Authentication,
) -> io::Result<()> {
    match authentication {
        Authentication::Md5(_) => add(socket, peer, bits(peer), authentication, Use::Connect),
        Authentication::Ao(_) => {
            let mut info = sys::tcp_ao_info_opt {
                _bitfield_align_1: [],
                _bitfield_1: sys::tcp_ao_info_opt::new_bitfield_1(0, 0, 0, 0, 0, 0),
                reserved2: 0,
                current_key: 0,
                rnext: 0,
                pkt_good: 0,
                pkt_bad: 0,
                pkt_key_not_found: 0,
                pkt_ao_required: 0,
                pkt_dropped_icmp: 0,
            };
            // ENOENT: a connection without TCP-AO.
            raw::get(socket, libc::IPPROTO_TCP, sys::TCP_AO_INFO as c_int, &mut info)
        }
    }
}

/// TCP_MD5SIG_EXT (Linux 4.13): like TCP_MD5SIG, for a prefix. Without a key it removes the one there is.
fn md5(socket: BorrowedFd<'_>, network: IpAddr, length: u8, key: &[u8]) -> io::Result<()> {
    let mut signature = sys::tcp_md5sig {
        tcpm_addr: sockaddr(network),
        tcpm_flags: sys::TCP_MD5SIG_FLAG_PREFIX as u8,
        tcpm_prefixlen: length,
        tcpm_keylen: 0,
        tcpm_ifindex: 0,
        tcpm_key: [0; KEY_SPACE],
    };
    signature.tcpm_keylen = put(key, &mut signature.tcpm_key)?.into();
    let set = raw::set(socket, libc::IPPROTO_TCP, libc::TCP_MD5SIG_EXT, &signature);
    signature.tcpm_key.zeroize();
    set
}

fn add_ao(
    socket: BorrowedFd<'_>,
    network: IpAddr,
    length: u8,
    key: &AoKey,
    first: bool,
) -> io::Result<()> {
    let name: &[u8] = match key.algorithm {
        AoAlgorithm::HmacSha1 => b"hmac(sha1)",
        AoAlgorithm::AesCmac => b"cmac(aes128)",
    };
    let mut alg_name = [0; 64];
    for (to, from) in alg_name.iter_mut().zip(name) {
        *to = *from as c_char;
    }
    let mut add = sys::tcp_ao_add {
        addr: sockaddr(network),
        alg_name,
        ifindex: 0,
        _bitfield_align_1: [],
        _bitfield_1: sys::tcp_ao_add::new_bitfield_1(first.into(), first.into(), 0),
        reserved2: 0,
        prefix: length,
        sndid: key.send_id,
        rcvid: key.receive_id,
        maclen: MAC_LEN,
        // TCP options are covered by the MAC (RFC 5925 section 5.1, the default).
        keyflags: 0,
        keylen: 0,
        key: [0; KEY_SPACE],
    };
    add.keylen = put(key.key.expose(), &mut add.key)?;
    let set = raw::set(socket, libc::IPPROTO_TCP, sys::TCP_AO_ADD_KEY as c_int, &add);
    add.key.zeroize();
    set
}

/// Puts a key into the space that the system has for it; returns its length. A truncated one would be another key.
fn put(key: &[u8], space: &mut [u8; KEY_SPACE]) -> io::Result<u8> {
    let Some(space) = space.get_mut(..key.len()) else {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    };
    space.copy_from_slice(key);
    Ok(key.len() as u8)
}

/// An address as the system takes it, without a port: a key is for all ports of a peer.
fn sockaddr(address: IpAddr) -> sys::__kernel_sockaddr_storage {
    // After the family: two bytes of port, in IPv6 also four of flow label (ip(7), ipv6(7)).
    let mut data = [0; 126];
    let mut write = |at: usize, octets: &[u8]| {
        for (to, from) in data.iter_mut().skip(at).zip(octets) {
            *to = *from as c_char;
        }
    };
    let family = match address {
        IpAddr::V4(v4) => {
            write(2, &v4.octets());
            libc::AF_INET
        }
        IpAddr::V6(v6) => {
            write(6, &v6.octets());
            libc::AF_INET6
        }
    };
    sys::__kernel_sockaddr_storage {
        __bindgen_anon_1: sys::__kernel_sockaddr_storage__bindgen_ty_1 {
            __bindgen_anon_1: sys::__kernel_sockaddr_storage__bindgen_ty_1__bindgen_ty_1 {
                ss_family: family as u16,
                __data: data,
            },
        },
    }
}
