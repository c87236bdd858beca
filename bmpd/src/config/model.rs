//! The checked configuration: what the rest of bmpd works with.
//!
//! A value of these types complies with every rule of the file (names, ranges, no duplicates, every VPN instance that
//! is named exists). Only [`super::parse`] makes one from a file.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use shared::names::{PublisherName, RouterId, RouterName, SessionId, VpnInstanceName};

use super::levels::{Account, Levels};
use super::topic::Topic;
use crate::filter::Monitor;
use crate::net::settings::{
    Authentication, Keepalive, Place, ServerTls, Source, Tls, TlsFile, TlsIdentity,
};
use crate::secret::Secret;
use crate::wire::family::Family;

/// The content of the configuration file and of those that it includes, defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `[bmp]`: what all sessions have in common.
    pub bmp: Bmp,
    /// `[[session]]`: ids are unique. In the order of the file.
    pub sessions: Vec<Session>,
    /// `[[vpn-instance]]`: names are unique.
    pub vpn_instances: Vec<VpnInstance>,
    /// `[bgp]`; without it bmpd has no neighbors.
    pub bgp: Option<Bgp>,
    /// `[relay]`; with it, and without `[bgp]`, bmpd itself is no monitored router.
    pub relay: Option<Relay>,
    /// `[[router]]`: names are unique, and so are the addresses of an instance. In the order of the file.
    pub routers: Vec<Router>,
    /// `[[publisher]]`: names are unique. In the order of the file.
    pub publishers: Vec<Publisher>,
    /// `[control]`.
    pub control: Control,
    /// `[process]`.
    pub process: Process,
    /// `[http]`.
    pub http: Http,
    /// What is allowed and probably not what was meant; a sentence each.
    pub warnings: Vec<String>,
    /// The files that it includes, in their order.
    pub included: Vec<PathBuf>,
    /// Of all files that it was read from, to see whether one has changed; 0 of a text without a file.
    pub digest: u64,
}

/// `[bmp]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bmp {
    /// sysName of the Initiation message; the host's name by default. Never empty.
    pub system_name: String,
    /// sysDescr of the Initiation message; bmpd and its version by default. Never empty.
    pub system_description: String,
    /// Time between Statistics Reports: 15 to 65535 s, default 3600 s. Sessions can have their own.
    pub statistics_timer: Duration,
}

/// `[[session]]`: one BMP session with one station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// VPN instance, address, alias.
    pub id: SessionId,
    /// The place of its sockets; that of its VPN instance.
    pub place: Place,
    /// Which side connects.
    pub mode: Mode,
    /// `tcp`: what the connection is made with.
    pub tcp: Tcp,
    /// `tls`; without it the connection is plain TCP.
    pub tls: Option<Tls>,
    /// Free text for people.
    pub description: Option<String>,
    /// `retry.initial` (default 30 s) and `retry.maximum` (default 720 s), 1 to 86400 s.
    pub retry: Retry,
    /// Time after which a station that accepts no data is disconnected: 5 to 86400 s, default 300 s.
    pub stall_timeout: Duration,
    /// Time from the start of the session to its first attempt: 0 to 3600 s, default 0.
    pub initial_delay: Duration,
    /// Time between Statistics Reports, 15 to 65535 s; that of [`Bmp`] by default.
    pub statistics_timer: Duration,
    /// True if the session is to have no connection; default false.
    pub shutdown: bool,
    /// Free-form TLVs of the Initiation (RFC 7854 section 4.4), in order.
    pub initiation_messages: Vec<String>,
    /// How the station recognises the router of a connection.
    pub identity: Identity,
    /// Which routers, neighbors, views and families are reported to the station.
    pub monitor: Monitor,
}

/// How a station recognises the router of a connection: many take the other end's address for the router's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Identity {
    /// By the Initiation: the connection comes from an address of bmpd.
    #[default]
    Plain,
    /// A PROXY protocol header (version 2) with the router's address comes first.
    ProxyV2,
    /// The connection comes from the router's address (IP_TRANSPARENT).
    RouterAddress,
    /// It comes from one of these addresses, each router from another one (IP_FREEBIND): `source-addresses`.
    SourceAddresses(Vec<Prefix>),
    /// It goes to, or comes to, a port for each router; others are not sent: `ports`.
    Ports(BTreeMap<RouterName, NonZeroU16>),
}

impl Identity {
    /// As it is written in the file.
    pub fn word(&self) -> &'static str {
        match self {
            Identity::Plain => "plain",
            Identity::ProxyV2 => "proxy-v2",
            Identity::RouterAddress | Identity::SourceAddresses(_) => "source-address",
            Identity::Ports(_) => "port",
        }
    }

    /// True if a router can be recognised.
    pub fn knows(&self, router: &RouterId) -> bool {
        match (self, router) {
            (Identity::Ports(ports), RouterId::Named(name)) => ports.contains_key(name),
            _ => true,
        }
    }
}

impl Session {
    /// True if the router is sent to the station.
    pub fn wants_router(&self, router: &RouterId) -> bool {
        self.monitor.wants_router(router) && self.identity.knows(router)
    }

    /// The ports at which bmpd listens for the station.
    pub fn listen_ports(&self) -> Vec<NonZeroU16> {
        let Mode::Passive(port) = self.mode else { return Vec::new() };
        let own = match &self.identity {
            Identity::Ports(ports) => ports.values().copied().collect(),
            _ => Vec::new(),
        };
        std::iter::once(port).chain(own).collect()
    }

    /// How connections for a router are made; the port can be its own.
    pub fn mode_for(&self, router: &RouterId) -> Mode {
        let own = match (&self.identity, router) {
            (Identity::Ports(ports), RouterId::Named(name)) => ports.get(name).copied(),
            _ => None,
        };
        match (self.mode, own) {
            (Mode::Active(_), Some(port)) => Mode::Active(port),
            (Mode::Passive(_), Some(port)) => Mode::Passive(port),
            (mode, None) => mode,
        }
    }
}

/// `[[publisher]]`: BMP to the topics of a message bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publisher {
    /// Its name.
    pub name: PublisherName,
    /// Free text for people.
    pub description: Option<String>,
    /// Where the records of a router go.
    pub topic: Topic,
    /// The admin ID of the OpenBMP header, 1 to 255 bytes; the system name by default.
    pub admin_id: String,
    /// The router group of the OpenBMP header, 0 to 255 bytes; empty by default.
    pub group: String,
    /// What the router hash of the OpenBMP header is made of.
    pub router_hash: RouterHash,
    /// Everything is sent again by this time after it was sent last, 60 to 31536000 s; never by default.
    pub snapshot_interval: Option<Duration>,
    /// Time between Statistics Reports of bmpd itself, 15 to 65535 s; that of [`Bmp`] by default.
    pub statistics_timer: Duration,
    /// `kafka`: the brokers, and how they are sent to.
    pub kafka: Kafka,
    /// Which routers, neighbors, views and families are published.
    pub monitor: Monitor,
    /// True if nothing is to be published; default false.
    pub shutdown: bool,
}

/// What the router hash of an OpenBMP header is the MD5 of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RouterHash {
    /// The name of the router: no two have the same one. That of bmpd itself is its system name.
    #[default]
    Name,
    /// Its address as text, as gobmp has it.
    Address,
    /// The bytes of its address up to the first zero byte, as OpenBMP's collector has it.
    AddressBytes,
}

impl RouterHash {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Name, Self::Address, Self::AddressBytes];

    /// As it is written in the file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Address => "address",
            Self::AddressBytes => "address-bytes",
        }
    }
}

/// `kafka` of a publisher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kafka {
    /// `HOST:PORT` each; never empty.
    pub bootstrap_servers: Vec<String>,
    /// How batches of records are compressed; not at all by default.
    pub compression: Compression,
    /// How many bytes may be under way without an acknowledgement: 8192 to 1073741824, default 16777216.
    pub window: u32,
    /// How long a record may wait for others to go with it: 0 to 1000 ms, default 5 ms.
    pub linger: Duration,
    /// How long nothing may be acknowledged until a new producer begins where the acknowledgements end: 10 to 86400 s,
    /// default 300 s.
    pub delivery_timeout: Duration,
    /// `tls`; without it connections are plain TCP.
    pub tls: Option<KafkaTls>,
    /// `sasl`; without it bmpd does not authenticate itself to brokers.
    pub sasl: Option<Sasl>,
}

/// How batches of records are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip (RFC 1952).
    Gzip,
    /// Snappy.
    Snappy,
    /// LZ4 frames.
    Lz4,
    /// Zstandard (RFC 8878).
    Zstd,
}

impl Compression {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// As it is written in the file, and as the client library calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

/// `kafka.tls` of a publisher.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KafkaTls {
    /// Who vouches for the brokers; those that the system trusts by default.
    pub ca: Option<TlsFile>,
    /// What bmpd shows the brokers, if anything.
    pub client: Option<TlsIdentity>,
}

/// `kafka.sasl` of a publisher (RFC 4422).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sasl {
    /// How the brokers are shown the password.
    pub mechanism: SaslMechanism,
    /// The user, 1 to 255 bytes.
    pub user: String,
    /// The password, 1 to 255 bytes.
    pub password: Secret,
}

/// How brokers are shown a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaslMechanism {
    /// As it is (RFC 4616).
    Plain,
    /// SCRAM with SHA-256 (RFC 7677).
    ScramSha256,
    /// SCRAM with SHA-512.
    ScramSha512,
}

impl SaslMechanism {
    /// Every mechanism.
    pub const ALL: [Self; 3] = [Self::Plain, Self::ScramSha256, Self::ScramSha512];

    /// As it is written in the file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::ScramSha256 => "scram-sha-256",
            Self::ScramSha512 => "scram-sha-512",
        }
    }
}

/// `[relay]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    /// Where routers can connect to; `[::]:11019` and `0.0.0.0:11019` by default, empty for nowhere.
    pub listen: Vec<SocketAddr>,
    /// The memory that all tables may take, 1 to 4294967295 MiB; the largest are dropped if they take more.
    pub memory_limit: Option<u32>,
    /// Connections of routers of prefixes whose Initiation has not arrived.
    pub pending: PendingLimits,
    /// Whose connections begin with a header of the PROXY protocol, which has the address of the router.
    pub proxies: Vec<Prefix>,
}

/// `[[router]]`: a monitored router, or several of a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Router {
    /// How it is named and recognised.
    pub who: Who,
    /// The VPN instance that it is in; `None` is the public one.
    pub vpn_instance: Option<VpnInstanceName>,
    /// The place of its sockets; that of its VPN instance.
    pub place: Place,
    /// The port of the router that bmpd connects to; `None` if the router connects to bmpd.
    pub active: Option<NonZeroU16>,
    /// `tcp`: what the connection is made with.
    pub tcp: Tcp,
    /// `tls`; without TLS if it is not there.
    pub tls: Option<ServerTls>,
    /// `retry.initial` (default 30 s) and `retry.maximum` (default 720 s), 1 to 86400 s.
    pub retry: Retry,
    /// How long its tables are kept after its connection is lost: 0 to 86400 s, default 90 s.
    pub hold_time: Duration,
    /// How much it may send.
    pub limits: RouterLimits,
    /// Free text for people.
    pub description: Option<String>,
    /// True if it is to have no connection; default false.
    pub shutdown: bool,
}

/// How much a router may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouterLimits {
    /// Peers that are up at once, 1 to 100000, default 4000.
    pub peers: u32,
    /// Routes of all peers, views and families, 1 to 4294967295.
    pub routes: Option<u32>,
    /// The memory that its tables may take, 16 to 1048576 MiB, default 16384 MiB.
    pub memory: u32,
    /// The length of a message, 4096 to 16777216 bytes, default 1048576 bytes.
    pub message: u32,
}

/// Which routers a `[[router]]` is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// The one with these addresses.
    Named {
        /// Its name.
        name: RouterName,
        /// Not empty.
        addresses: Vec<IpAddr>,
    },
    /// Any in this prefix; each is named by its sysName.
    Prefix(Peers),
}

/// Which side makes the TCP connection (RFC 7854 section 3.2 allows both).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// bmpd connects to this port of the station (`tcp.connect-port`).
    Active(NonZeroU16),
    /// The station connects to this port of ours (`tcp.listen-port`).
    Passive(NonZeroU16),
}

impl Mode {
    /// The port that is connected to.
    pub fn port(self) -> NonZeroU16 {
        match self {
            Mode::Active(port) | Mode::Passive(port) => port,
        }
    }
}

/// `tcp` of a session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tcp {
    /// What our end is bound to; the system's choice by default.
    pub source: Option<Source>,
    /// The greatest segment that we send and announce (TCP_MAXSEG): 88 to 32767 bytes.
    pub mss: Option<u16>,
    /// The differentiated services code point of what we send (RFC 2474): 0 to 63.
    pub dscp: Option<u8>,
    /// When an idle connection is probed.
    pub keepalive: Keepalive,
    /// How long sent bytes may stay unacknowledged (TCP_USER_TIMEOUT), 1 to 86400 s. On Linux it takes
    /// the place of `keepalive.count`.
    pub user_timeout: Duration,
    /// How long an attempt to connect may take: 1 to 300 s, default 15 s. The TLS handshake has as long
    /// again.
    pub connect_timeout: Duration,
    /// How segments are authenticated.
    pub authentication: Option<Authentication>,
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
    /// What it stands for; never [`Place::Public`].
    pub place: Place,
    /// Its route distinguisher as on the wire (RFC 4364 section 4.2).
    pub route_distinguisher: Option<[u8; 8]>,
    /// Where its neighbors can connect to; `[::]:179` and `0.0.0.0:179` by default, empty for nowhere.
    pub listen: Vec<SocketAddr>,
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
    /// The memory that the tables of all neighbors may take, 1 to 4294967295 MiB; the session of a neighbor whose
    /// routes exceed it is closed (6/8, RFC 4486).
    pub memory_limit: Option<u32>,
    /// Connections whose OPEN has not arrived.
    pub pending: PendingLimits,
    /// `[[bgp.neighbor]]`: no two have the same peers. In the order of the file.
    pub neighbors: Vec<Neighbor>,
}

/// Limits for connections whose OPEN has not arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingLimits {
    /// `maximum-pending`: how many of the neighbors of prefixes there may be at once, 1 to 10000, default 500.
    pub maximum: u32,
    /// `open-timeout`: how long a neighbor may take, 3 to 3600 s, default 240 s.
    pub timeout: Duration,
}

/// `[[bgp.neighbor]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbor {
    /// One neighbor, or all in a prefix.
    pub peers: Peers,
    /// The VPN instance that it is in; `None` is the public one.
    pub vpn_instance: Option<VpnInstanceName>,
    /// The place of its sockets; that of its VPN instance.
    pub place: Place,
    /// That of its VPN instance.
    pub route_distinguisher: Option<[u8; 8]>,
    /// The neighbor's AS number; `None` (for a prefix only) is any.
    pub remote_as: Option<u32>,
    /// The port that we connect to unless `passive`; default 179.
    pub port: NonZeroU16,
    /// True if we wait for the neighbor to connect; default false, always true for a prefix.
    pub passive: bool,
    /// The hold time we propose: 0 (no keepalives) or 3 to 65535 s, default 90 s.
    pub hold_time: u16,
    /// The families we propose, without duplicates, never empty; default IPv4 and IPv6 unicast.
    pub families: Vec<Family>,
    /// The families of these in which we request several paths a route (ADD-PATH, RFC 7911).
    pub add_path: Vec<Family>,
    /// The key of TCP MD5 (RFC 2385), 1 to 80 bytes.
    pub md5: Option<Secret>,
    /// Our address on connections that we make.
    pub source_address: Option<IpAddr>,
    /// The TTL of what we send, 1 to 255; the system's by default.
    pub multihop: Option<u8>,
    /// GTSM (RFC 5082): how many hops away the neighbor may be, 1 to 254. Packets from further away are dropped, what
    /// we send has TTL 255.
    pub ttl_security: Option<u8>,
    /// The greatest segment that we send and announce (TCP_MAXSEG): 88 to 32767 bytes.
    pub mss: Option<u16>,
    /// How many routes of one family it may announce.
    pub maximum_routes: Option<MaximumRoutes>,
    /// How much memory its tables may take, 16 to 65536 MiB, default 2048 MiB.
    pub maximum_memory: u32,
    /// True if its routes are kept while it restarts (RFC 4724), if it requests that; default true.
    pub graceful_restart: bool,
    /// Free text for people.
    pub description: Option<String>,
}

/// Which peers a `[[bgp.neighbor]]` is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Peers {
    /// The one at this address.
    One(IpAddr),
    /// Any in this prefix, as many as this at once (1 to 10000, default 100).
    Prefix {
        /// The prefix's first address: the bits beyond its length are zero.
        network: IpAddr,
        /// Its length in bits.
        length: u8,
        /// The most at once.
        maximum: u32,
    },
}

/// A prefix of addresses; an address alone has all of its bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Prefix {
    /// Its first address: the bits beyond its length are zero.
    pub network: IpAddr,
    /// Its length in bits.
    pub length: u8,
}

impl Prefix {
    /// True if the address is in it.
    pub fn includes(&self, address: IpAddr) -> bool {
        match (self.network, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let beyond = 32 - u32::from(self.length.min(32));
                (u32::from(network) ^ u32::from(address)).checked_shr(beyond).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let beyond = 128 - u32::from(self.length.min(128));
                (u128::from(network) ^ u128::from(address)).checked_shr(beyond).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl Prefix {
    /// How many addresses it has; of more than 2^32 the first ones count.
    pub fn count(&self) -> u64 {
        let all: u8 = if self.network.is_ipv4() { 32 } else { 128 };
        1 << all.saturating_sub(self.length).min(32)
    }

    /// The address with this rank.
    pub fn nth(&self, rank: u64) -> Option<IpAddr> {
        Some(match self.network {
            IpAddr::V4(network) => {
                Ipv4Addr::from(u32::from(network).checked_add(u32::try_from(rank).ok()?)?).into()
            }
            IpAddr::V6(network) => {
                Ipv6Addr::from(u128::from(network).checked_add(rank.into())?).into()
            }
        })
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = if self.network.is_ipv4() { 32 } else { 128 };
        match self.length == all {
            true => write!(f, "{}", self.network),
            false => write!(f, "{}/{}", self.network, self.length),
        }
    }
}

impl Peers {
    /// True if the address is one of them.
    pub fn include(&self, address: IpAddr) -> bool {
        match (*self, address) {
            (Peers::One(one), address) => one == address,
            (Peers::Prefix { network, length, .. }, address) => {
                Prefix { network, length }.includes(address)
            }
        }
    }
}

impl fmt::Display for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peers::One(address) => address.fmt(f),
            Peers::Prefix { network, length, .. } => write!(f, "{network}/{length}"),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Named { name, .. } => name.fmt(f),
            Who::Prefix(peers) => peers.fmt(f),
        }
    }
}

/// `maximum-routes` of a neighbor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaximumRoutes {
    /// How many routes of one family are allowed, 1 to 4294967295.
    pub limit: u32,
    /// What is done when there are more.
    pub action: MaximumRoutesAction,
}

/// What is done with a neighbor that announces too many routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaximumRoutesAction {
    /// It is logged and shown.
    Warn,
    /// The session ends with a NOTIFICATION (6/1, RFC 4486) and is tried again after this time, 1 to
    /// 86400 s, default 300 s.
    Restart(Duration),
    /// The session ends with that NOTIFICATION and stays down until the neighbor's configuration changes.
    Shutdown,
}

/// `[control]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// The path of the local socket.
    pub socket: PathBuf,
    /// The group of the socket's file, whose members have level 2; bmpd's own by default.
    pub group: Option<Account>,
    /// `users`, `groups` and `others`: the permissions.
    pub levels: Levels,
    /// How many connections there may be at once.
    pub clients: Clients,
}

/// How many connections of the local socket there may be at once, of all users and of one, 1 to 10000. Root and bmpd's
/// own user are not counted among them, and have places of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clients {
    /// `maximum-clients`, default 192.
    pub all: u32,
    /// `maximum-clients-per-user`, default 64.
    pub per_user: u32,
    /// `maximum-monitors`: of those that watch events, and again of those that wait for a reset; default 64.
    pub monitors: u32,
    /// `maximum-monitors-per-user`, default 16.
    pub monitors_per_user: u32,
}

/// `[process]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Process {
    /// The user that bmpd switches to when root starts it; without one it keeps the user that started it.
    pub user: Option<Account>,
}

/// `[http]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// Where bmpd listens; nowhere by default.
    pub listen: Vec<SocketAddr>,
    /// How many connections there may be at once, 1 to 10000, default 64.
    pub connections: u32,
}
