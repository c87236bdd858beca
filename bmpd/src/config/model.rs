//! The checked configuration: what the rest of bmpd works with.
//!
//! A value of these types obeys every rule that the file must obey (names, ranges, no duplicates,
//! every VPN instance that is named exists). Only [`super::parse`] makes one from a file.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use shared::names::{SessionId, VpnInstanceName};

use crate::wire::family::Family;

/// Everything that the configuration file says, defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `[bmp]`: what all sessions have in common.
    pub bmp: Bmp,
    /// `[[session]]`: ids are unique. In the order of the file.
    pub sessions: Vec<Session>,
    /// `[[vpn-instance]]`: names are unique.
    pub vpn_instances: Vec<VpnInstance>,
    /// `[bgp]`; without it bmpd hears no neighbor.
    pub bgp: Option<Bgp>,
    /// `[control]`.
    pub control: Control,
}

/// `[bmp]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bmp {
    /// sysName of the Initiation message; the host's name by default. Never empty.
    pub system_name: String,
    /// sysDescr of the Initiation message; bmpd and its version by default. Never empty.
    pub system_description: String,
    /// Time between Statistics Reports: 15 to 65535 s, default 3600 s.
    pub statistics_timer: Duration,
}

/// `[[session]]`: one BMP session with one station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// VPN instance, address, alias.
    pub id: SessionId,
    /// `tcp.connect-port`: the station's TCP port.
    pub connect_port: NonZeroU16,
    /// The device that the VPN instance stands for; `None` for the public instance.
    pub device: Option<String>,
    /// Free text for people.
    pub description: Option<String>,
    /// `retry.initial` (default 30 s) and `retry.maximum` (default 720 s), 1 to 86400 s.
    pub retry: Retry,
    /// Time after which a station that takes no byte is given up: 5 to 86400 s, default 300 s.
    pub stall_timeout: Duration,
}

/// How long to wait between attempts to connect (RFC 7854 section 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// The first wait; each further one is twice as long.
    pub initial: Duration,
    /// The longest wait; never shorter than `initial`.
    pub maximum: Duration,
}

/// `[[vpn-instance]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VpnInstance {
    /// Its name.
    pub name: VpnInstanceName,
    /// The network device it stands for (SO_BINDTODEVICE), 1 to 15 bytes.
    pub device: String,
}

/// `[bgp]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bgp {
    /// Our AS number, 1 to 4294967295 without 23456 (RFC 6793).
    pub asn: u32,
    /// Our BGP Identifier, never 0.0.0.0.
    pub router_id: Ipv4Addr,
    /// Where neighbors can connect to; `[::]:179` and `0.0.0.0:179` by default, empty for nowhere.
    pub listen: Vec<SocketAddr>,
    /// `[[bgp.neighbor]]`: addresses are unique. In the order of the file.
    pub neighbors: Vec<Neighbor>,
}

/// `[[bgp.neighbor]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbor {
    /// The neighbor's address.
    pub address: IpAddr,
    /// The neighbor's AS number.
    pub remote_as: u32,
    /// The port that we connect to unless `passive`; default 179.
    pub port: NonZeroU16,
    /// True if we wait for the neighbor to connect; default false.
    pub passive: bool,
    /// The hold time we propose: 0 (no keepalives) or 3 to 65535 s, default 90 s.
    pub hold_time: u16,
    /// The families we ask for, without duplicates, never empty; default IPv4 and IPv6 unicast.
    pub families: Vec<Family>,
    /// Free text for people.
    pub description: Option<String>,
}

/// `[control]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// The path of the local socket.
    pub socket: PathBuf,
}
