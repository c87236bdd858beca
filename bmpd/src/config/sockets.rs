//! What the sockets of a session and of a neighbor are made with.

use std::time::Duration;

use super::model::{Neighbor, Tcp};
use crate::net::options::{Hops, Options};
use crate::net::settings::{Authentication, Keepalive, Source};

/// How long an attempt to connect to a neighbor may take.
const NEIGHBOR_TIMEOUT: Duration = Duration::from_secs(15);

impl From<&Tcp> for Options {
    /// For a session.
    fn from(tcp: &Tcp) -> Self {
        Self {
            prefix: "tcp.",
            source: tcp.source.clone(),
            foreign: None,
            mss: tcp.mss,
            dscp: tcp.dscp,
            keepalive: tcp.keepalive,
            user_timeout: Some(tcp.user_timeout),
            connect_timeout: tcp.connect_timeout,
            hops: Hops::System,
            authentication: tcp.authentication.clone(),
        }
    }
}

impl From<&Neighbor> for Options {
    /// For a neighbor, or each of those in a prefix.
    fn from(neighbor: &Neighbor) -> Self {
        let hops = match (neighbor.ttl_security, neighbor.multihop) {
            (Some(hops), _) => Hops::Security(hops),
            (None, Some(ttl)) => Hops::Ttl(ttl),
            (None, None) => Hops::System,
        };
        Self {
            prefix: "",
            source: neighbor.source_address.map(Source::Address),
            foreign: None,
            mss: neighbor.mss,
            dscp: None,
            keepalive: Keepalive::default(),
            user_timeout: None,
            connect_timeout: NEIGHBOR_TIMEOUT,
            hops,
            authentication: neighbor.md5.clone().map(Authentication::Md5),
        }
    }
}
