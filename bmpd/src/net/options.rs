//! The options of a connection: `tcp` of a session, and those of a neighbor.
//!
//! Options are set on a socket before it connects, since several affect the handshake, and on an accepted one before
//! anything is read. The first that the system refuses ends it: a connection that lacks what was configured must not
//! come up.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;
use std::time::Duration;

use libc::c_int;
use socket2::{SockRef, Socket, TcpKeepalive};

use super::capability::{Capability, Missing};
use super::settings::{Authentication, Keepalive, Source};
use super::{describe, keys, raw};

/// What a connection needs beside its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    /// What stands before the names of the options in the configuration file, such as `tcp.`.
    pub(crate) prefix: &'static str,
    /// What our end is bound to. An interface takes the place of the device that the VPN instance is
    /// bound to; in a namespace it is looked up there.
    pub(crate) source: Option<Source>,
    /// How the source address is bound if this host may not have it.
    pub(crate) foreign: Option<Foreign>,
    /// The greatest segment that we send and announce: 88 to 32767 bytes.
    pub(crate) mss: Option<u16>,
    /// The code point of what we send: 0 to 63.
    pub(crate) dscp: Option<u8>,
    /// When an idle connection is probed.
    pub(crate) keepalive: Keepalive,
    /// How long sent data may stay unacknowledged, or unsent for want of a window. It takes the place of
    /// the number of keepalive probes.
    pub(crate) user_timeout: Option<Duration>,
    /// How long an attempt to connect may take.
    pub(crate) connect_timeout: Duration,
    /// How far segments go, and from how far they are accepted.
    pub(crate) hops: Hops,
    /// How segments are authenticated.
    pub(crate) authentication: Option<Authentication>,
}

/// How an address is bound that this host may not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// IP_FREEBIND: it is routed to this host, and on no interface of it.
    Freebind,
    /// IP_TRANSPARENT: it is somebody else's, and the answers are routed to this host.
    Transparent,
}

/// How far segments go, and from how far they are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Hops {
    /// As the system is set up (net.ipv4.ip_default_ttl), from anywhere.
    #[default]
    System,
    /// What we send has this TTL, 1 to 255: `multihop`.
    Ttl(u8),
    /// GTSM (RFC 5082): what we send has TTL 255, and what has come more than this many hops, 1 to 254,
    /// is dropped by the system: `ttl-security`.
    Security(u8),
}

/// An option that the system has refused. It never holds a key.
#[derive(Debug)]
pub(crate) struct OptionError {
    /// As in the configuration file, with the value if that is informative.
    pub(crate) option: String,
    /// The system's error.
    pub(crate) error: io::Error,
}

impl std::error::Error for OptionError {}

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot set {}: {}", self.option, describe(&self.error))?;
        // By the name alone, without what is before it and the value after it.
        let name = self.option.split(' ').next().unwrap_or_default();
        let advice = match (name.rsplit('.').next(), self.error.raw_os_error()) {
            (Some("md5"), Some(libc::ENOPROTOOPT)) => {
                "this kernel has no TCP MD5 (CONFIG_TCP_MD5SIG)"
            }
            (Some("ao"), Some(libc::ENOPROTOOPT)) => {
                "this kernel has no TCP-AO (CONFIG_TCP_AO, Linux 6.7)"
            }
            (Some("md5" | "ao"), Some(libc::ENOMEM)) => {
                "the keys of one socket have no more room than net.core.optmem_max"
            }
            (Some("source-address"), Some(libc::EADDRNOTAVAIL)) => "this host does not have it",
            (Some("identity"), Some(libc::EPERM)) => {
                return write!(f, "; {}", Missing(Capability::NetRaw));
            }
            (Some("source-interface"), Some(libc::EPERM)) => {
                return write!(f, "; {}", Missing(Capability::NetRaw));
            }
            _ => return Ok(()),
        };
        write!(f, "; {advice}")
    }
}

/// A connection that came from further away than `ttl-security` allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it came with TTL {ttl}, and {least} is the least that ttl-security allows")]
pub(crate) struct TooFar {
    pub(super) ttl: u8,
    pub(super) least: u8,
}

impl Options {
    /// The name of the option that authenticates, as in the configuration file.
    pub(crate) fn authentication_name(&self) -> Option<String> {
        let name = match self.authentication.as_ref()? {
            Authentication::Md5(_) => "md5",
            Authentication::Ao(_) => "ao",
        };
        Some(format!("{}{name}", self.prefix))
    }

    /// Sets all options on a socket that is to connect there.
    pub(super) fn prepare(&self, socket: &Socket, remote: SocketAddr) -> Result<(), OptionError> {
        match &self.source {
            None => {}
            Some(Source::Interface(device)) => {
                let option = format!("source-interface {device}");
                self.check(&option, socket.bind_device(Some(device.as_bytes())))?;
            }
            Some(Source::Address(address)) => {
                // The port is chosen when the socket connects and only has to be free towards the same
                // peer; else one address would have no more than 28232 connections (ip(7)).
                let on: c_int = 1;
                self.foreign(socket, *address)?;
                let bound =
                    raw::set(socket.as_fd(), libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT, &on)
                        .and_then(|()| socket.bind(&SocketAddr::new(*address, 0).into()));
                self.check(&format!("source-address {address}"), bound)?;
            }
        }
        if let Some(mss) = self.mss {
            self.check("mss", socket.set_tcp_mss(mss.into()))?;
        }
        if let (Some(authentication), peer) = (&self.authentication, remote.ip()) {
            let added = keys::add(
                socket.as_fd(),
                peer,
                keys::bits(peer),
                authentication,
                keys::Use::Connect,
            );
            self.check_authentication(added)?;
        }
        self.common(&SockRef::from(socket), remote.is_ipv6())
    }

    /// Prepares a socket for an address that this host may not have.
    fn foreign(&self, socket: &Socket, address: IpAddr) -> Result<(), OptionError> {
        let set = match (self.foreign, address) {
            (None, _) => return Ok(()),
            (Some(Foreign::Freebind), IpAddr::V4(_)) => socket.set_freebind_v4(true),
            (Some(Foreign::Freebind), IpAddr::V6(_)) => socket.set_freebind_v6(true),
            (Some(Foreign::Transparent), IpAddr::V4(_)) => socket.set_ip_transparent_v4(true),
            (Some(Foreign::Transparent), IpAddr::V6(_)) => socket.set_ip_transparent_v6(true),
        };
        set.map_err(|error| OptionError {
            option: format!("identity source-address {address}"),
            error,
        })
    }

    /// The options of both kinds of sockets.
    pub(super) fn common(&self, socket: &SockRef<'_>, ipv6: bool) -> Result<(), OptionError> {
        // Whole messages are written at once: waiting for more of them is useless.
        self.check("nodelay", socket.set_tcp_nodelay(true))?;
        if let Some(dscp) = self.dscp {
            // The upper six bits of the octet (RFC 2474 section 3); the system keeps the other two.
            let octet = u32::from(dscp) << 2;
            let set = if ipv6 { socket.set_tclass_v6(octet) } else { socket.set_tos_v4(octet) };
            self.check("dscp", set)?;
        }
        let keepalive = TcpKeepalive::new()
            .with_time(self.keepalive.idle)
            .with_interval(self.keepalive.interval)
            .with_retries(self.keepalive.count.into());
        self.check("keepalive", socket.set_tcp_keepalive(&keepalive))?;
        if self.user_timeout.is_some() {
            self.check("user-timeout", socket.set_tcp_user_timeout(self.user_timeout))?;
        }
        match self.hops {
            // -1 is the system's: a listener has another, which an accepted connection inherits.
            Hops::System => self.check("multihop", set_ttl(socket, ipv6, -1)),
            Hops::Ttl(ttl) => self.check("multihop", set_ttl(socket, ipv6, ttl.into())),
            Hops::Security(hops) => {
                self.check("ttl-security", set_ttl(socket, ipv6, TTL_MAX))?;
                // The segments of a peer that is one hop away arrive with the TTL that it sent them with (RFC 5082
                // section 3, ip(7)).
                let least = TTL_MAX + 1 - c_int::from(hops);
                self.check("ttl-security", set_least_ttl(socket, ipv6, least))
            }
        }
    }

    fn check(&self, option: &str, set: io::Result<()>) -> Result<(), OptionError> {
        set.map_err(|error| OptionError { option: format!("{}{option}", self.prefix), error })
    }

    pub(super) fn check_authentication(&self, set: io::Result<()>) -> Result<(), OptionError> {
        set.map_err(|error| OptionError {
            option: self.authentication_name().unwrap_or_default(),
            error,
        })
    }
}

/// The TTL that a neighbor with GTSM sends and accepts.
pub(super) const TTL_MAX: c_int = 255;

/// The TTL of what a socket sends; -1 is the system's.
pub(super) fn set_ttl(socket: &SockRef<'_>, ipv6: bool, ttl: c_int) -> io::Result<()> {
    if ipv6 {
        raw::set(socket.as_fd(), libc::IPPROTO_IPV6, libc::IPV6_UNICAST_HOPS, &ttl)
    } else {
        raw::set(socket.as_fd(), libc::IPPROTO_IP, libc::IP_TTL, &ttl)
    }
}

/// The least TTL that a socket accepts; the system drops the rest.
fn set_least_ttl(socket: &SockRef<'_>, ipv6: bool, ttl: c_int) -> io::Result<()> {
    if ipv6 {
        raw::set(socket.as_fd(), libc::IPPROTO_IPV6, libc::IPV6_MINHOPCOUNT, &ttl)
    } else {
        raw::set(socket.as_fd(), libc::IPPROTO_IP, libc::IP_MINTTL, &ttl)
    }
}

/// The name of a prefix in an error: an address alone without its length.
pub(super) fn prefix_name(network: IpAddr, length: u8) -> String {
    if length == keys::bits(network) { network.to_string() } else { format!("{network}/{length}") }
}
