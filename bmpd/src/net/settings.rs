//! What sockets are configured with: their place, what they are bound to, and how a connection is authenticated and
//! encrypted. The configuration file sets them, and they comply with its rules.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::secret::Secret;

/// The place of a socket.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Place {
    /// In bmpd's own network namespace, bound to no device: the public instance.
    #[default]
    Public,
    /// Bound to this device, a VRF's or any other (SO_BINDTODEVICE), 1 to 15 bytes.
    Device(String),
    /// In the network namespace at this path, such as `/run/netns/NAME`.
    Namespace(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Public => f.write_str("the host's own network"),
            Place::Device(device) => write!(f, "the device {device}"),
            Place::Namespace(path) => write!(f, "the network namespace {}", path.display()),
        }
    }
}

/// What our end of a connection is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// This address of ours, of the same family as the other end.
    Address(IpAddr),
    /// This device: what it has of addresses, and its way out (SO_BINDTODEVICE).
    Interface(String),
}

/// TCP keepalive (RFC 9293 section 3.8.4, tcp(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Keepalive {
    /// Silence before the first probe: 1 to 32767 s, default 60 s.
    pub idle: Duration,
    /// Time between probes: 1 to 32767 s, default 10 s.
    pub interval: Duration,
    /// Unanswered probes after which the connection is lost: 1 to 127, default 6.
    pub count: u8,
}

impl Default for Keepalive {
    fn default() -> Self {
        Self { idle: Duration::from_secs(60), interval: Duration::from_secs(10), count: 6 }
    }
}

/// How TCP segments are authenticated.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Authentication {
    /// TCP MD5 (RFC 2385) with a key of 1 to 80 bytes.
    Md5(Secret),
    /// TCP-AO (RFC 5925): the key chain, never empty, whose first key is used for sending.
    Ao(Vec<AoKey>),
}

/// One Master Key Tuple of TCP-AO (RFC 5925 section 3.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AoKey {
    /// The KeyID of what we send.
    pub send_id: u8,
    /// The KeyID of what we receive.
    pub receive_id: u8,
    /// The algorithm (RFC 5926).
    pub algorithm: AoAlgorithm,
    /// The master key, 1 to 80 bytes.
    pub key: Secret,
}

/// The algorithms of TCP-AO that every implementation must have (RFC 5926 section 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AoAlgorithm {
    /// HMAC-SHA-1-96 with KDF_HMAC_SHA1: `hmac(sha1)`.
    HmacSha1,
    /// AES-128-CMAC-96 with KDF_AES_128_CMAC: `cmac(aes128)`.
    AesCmac,
}

impl fmt::Display for AoAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AoAlgorithm::HmacSha1 => "hmac-sha-1-96",
            AoAlgorithm::AesCmac => "aes-128-cmac-96",
        })
    }
}

/// `tls` of a session; bmpd is the TLS client, also on a connection that the station made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The certificates that vouch for the station's, PEM, as read from the file.
    pub ca: TlsFile,
    /// Our certificate chain and its key, PEM, for stations that demand one.
    pub client: Option<TlsIdentity>,
    /// The name that the station's certificate must have; the station's address by default.
    pub server_name: Option<String>,
    /// The lowest version that is accepted; 1.2 by default.
    pub minimum_version: TlsVersion,
}

/// `tls` of a router; bmpd is the TLS server, also on a connection that it made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerTls {
    /// The certificates that vouch for the router's, PEM.
    pub ca: TlsFile,
    /// Our certificate chain and its key, PEM.
    pub identity: TlsIdentity,
    /// The name that the router's certificate must have; any by default.
    pub client_name: Option<String>,
    /// The lowest version that is accepted; 1.2 by default.
    pub minimum_version: TlsVersion,
    /// What follows from all of it, made once.
    pub config: ServerConfig,
}

/// What every TLS connection of a router is made with. It follows from the files, so that two are equal.
#[derive(Clone)]
pub struct ServerConfig(pub Arc<rustls::ServerConfig>);

impl PartialEq for ServerConfig {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for ServerConfig {}

impl fmt::Debug for ServerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerConfig")
    }
}

/// What a file held when the configuration was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFile {
    /// The file.
    pub path: PathBuf,
    /// Its bytes.
    pub pem: Arc<[u8]>,
}

/// Our certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsIdentity {
    /// The chain, our own certificate first.
    pub certificate: TlsFile,
    /// The file of the key.
    pub key_path: PathBuf,
    /// The key.
    pub key: Secret,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsVersion {
    /// 1.2 (RFC 5246).
    V1_2,
    /// 1.3 (RFC 8446).
    V1_3,
}

impl TlsVersion {
    /// As it is written in the file.
    pub fn word(self) -> &'static str {
        match self {
            TlsVersion::V1_2 => "1.2",
            TlsVersion::V1_3 => "1.3",
        }
    }
}
