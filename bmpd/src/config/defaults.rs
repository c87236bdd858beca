//! The defaults of the configuration file (documented in [`super::model`]).

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU16;
use std::time::Duration;

use super::model::Clients;

/// `bmp.statistics-timer`, seconds.
pub(super) const STATISTICS_TIMER: u32 = 3600;
/// `session.retry.initial`, seconds (RFC 7854 section 3.2).
pub(super) const RETRY_INITIAL: u32 = 30;
/// `session.retry.maximum`, seconds (RFC 7854 section 3.2).
pub(super) const RETRY_MAXIMUM: u32 = 720;
/// `session.tcp.connect-timeout`, seconds.
pub(super) const CONNECT_TIMEOUT: u32 = 15;
/// `bgp.neighbor.maximum-neighbors`.
pub(super) const MAXIMUM_NEIGHBORS: u32 = 100;
/// `bgp.neighbor.maximum-routes.restart-after`, seconds.
pub(super) const RESTART_AFTER: u32 = 300;
/// `bgp.neighbor.maximum-memory`, MiB: some tens of full tables.
pub(super) const MAXIMUM_MEMORY: u32 = 2048;
/// `bgp.maximum-pending`.
pub(super) const MAXIMUM_PENDING: u32 = 500;
/// `bgp.open-timeout`, seconds (RFC 4271 section 8.2.2).
pub(super) const OPEN_TIMEOUT: u32 = 240;
/// `control.maximum-clients` and its like.
pub(super) const CLIENTS: Clients =
    Clients { all: 192, per_user: 64, monitors: 64, monitors_per_user: 16 };
/// `http.maximum-connections`.
pub(super) const HTTP_CONNECTIONS: u32 = 64;
/// `session.stall-timeout`, seconds.
pub(super) const STALL_TIMEOUT: u32 = 300;
/// `bgp.neighbor.hold-time`, seconds (RFC 4271 section 10).
pub(super) const HOLD_TIME: u16 = 90;
/// The port of BGP (RFC 4271 section 8).
pub(super) const BGP_PORT: NonZeroU16 = NonZeroU16::new(179).unwrap();

/// `session.tcp.user-timeout`: the stall timer applies to a station that is reachable and reads nothing, and reports
/// more, so the system's own timeout is longer.
pub(super) fn user_timeout(stall_timeout: Duration) -> Duration {
    (stall_timeout + Duration::from_secs(10)).max(Duration::from_secs(120))
}

/// `bgp.listen`.
pub(super) fn listen() -> Vec<SocketAddr> {
    vec![
        SocketAddr::from((Ipv6Addr::UNSPECIFIED, BGP_PORT.get())),
        SocketAddr::from((Ipv4Addr::UNSPECIFIED, BGP_PORT.get())),
    ]
}

/// `router.hold-time`, seconds.
pub(super) const ROUTER_HOLD_TIME: u32 = 90;
/// `router.maximum-routers`.
pub(super) const MAXIMUM_ROUTERS: u32 = 100;
/// `router.maximum-peers`.
pub(super) const MAXIMUM_PEERS: u32 = 4000;
/// `router.maximum-memory`, MiB.
pub(super) const ROUTER_MEMORY: u32 = 16384;
/// `router.maximum-message`, bytes: an UPDATE of 65,535 bytes, and long statistics, fit.
pub(super) const MAXIMUM_MESSAGE: u32 = 1024 * 1024;
/// `relay.maximum-pending`.
pub(super) const RELAY_PENDING: u32 = 100;
/// `relay.initiation-timeout`, seconds.
pub(super) const INITIATION_TIMEOUT: u32 = 30;
/// A port that many routers and stations use for BMP, which has none that is fixed (RFC 7854 section 3.2).
pub(super) const BMP_PORT: u16 = 11019;

/// `relay.listen`.
pub(super) fn relay_listen() -> Vec<SocketAddr> {
    vec![
        SocketAddr::from((Ipv6Addr::UNSPECIFIED, BMP_PORT)),
        SocketAddr::from((Ipv4Addr::UNSPECIFIED, BMP_PORT)),
    ]
}

/// `bmp.system-name`: the host's name.
pub(super) fn system_name() -> String {
    let uname = rustix::system::uname();
    match uname.nodename().to_string_lossy() {
        name if name.is_empty() => "localhost".to_owned(),
        name => name.into_owned(),
    }
}

/// `bmp.system-description`: `bmpd VERSION on Linux RELEASE`.
pub(super) fn system_description() -> String {
    let uname = rustix::system::uname();
    format!(
        "bmpd {} on {} {}",
        env!("CARGO_PKG_VERSION"),
        uname.sysname().to_string_lossy(),
        uname.release().to_string_lossy()
    )
}

/// `publisher.kafka.window`, bytes.
pub(super) const WINDOW: u32 = 16 * 1024 * 1024;
/// `publisher.kafka.linger`, milliseconds.
pub(super) const LINGER: u32 = 5;
/// `publisher.kafka.delivery-timeout`, seconds.
pub(super) const DELIVERY_TIMEOUT: u32 = 300;
