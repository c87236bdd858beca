//! Loopback addresses and ports that no other test uses.
//!
//! Tests run in parallel, in one process and in several. Linux has all of 127.0.0.0/8 on its
//! loopback device, so each process uses its own corners of it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::wait::wait_for;

/// A loopback address that no other test has: another one with each call.
pub fn loopback() -> IpAddr {
    /// Addresses in a corner: without .0 and .255.
    const CORNER: u32 = 254;
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let taken = TAKEN.fetch_add(1, Ordering::Relaxed);
    // Odd, so that the corners of neighboring process numbers lie far apart.
    let corner = (std::process::id().wrapping_add(taken / CORNER * 7919)).wrapping_mul(40_503);
    // 127.0.x.x stays free for what runs at fixed addresses.
    let [_, _, high, low] = (256 + corner % (255 * 256)).to_be_bytes();
    let last = u8::try_from(taken % CORNER + 1).expect("254 at most");
    IpAddr::V4(Ipv4Addr::new(127, high, low, last))
}

/// A TCP port of `address` on which nothing listens at this moment.
///
/// # Panics
/// When the address cannot be bound.
pub fn free_port(address: IpAddr) -> u16 {
    let listener = TcpListener::bind(SocketAddr::new(address, 0))
        .unwrap_or_else(|e| panic!("cannot bind {address}: {e}"));
    listener.local_addr().expect("a bound socket has an address").port()
}

/// A TCP port that no address of the host uses, and that the system does not assign by itself: a listener at
/// the unspecified address needs one. Other sockets, including connections, would conflict with it.
///
/// # Panics
/// When there is none.
pub fn port_of_all_addresses() -> u16 {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").expect("procfs");
    let first =
        range.split_whitespace().next().expect("two numbers").parse::<u16>().expect("a port");
    // Where the system assigns almost all ports itself, few are left.
    let lowest = if first > 20_000 { 10_000 } else { 1024 };
    let count = u32::from(first.saturating_sub(lowest)).max(1);
    let start = std::process::id().wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed));
    let ports = (0..count).map(|step| lowest + (start.wrapping_add(step) % count) as u16);
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::UNSPECIFIED, *port)).is_ok();
    ports.into_iter().find(is_free).expect("a free port below net.ipv4.ip_local_port_range")
}

/// Makes a listener at a place that was free before, again and again for a while: a process that is just being
/// started holds copies of all sockets for an instant, those that are closed in the meantime among them.
///
/// # Panics
/// When it cannot be made in five seconds.
pub fn in_time<T>(address: SocketAddr, mut listen: impl FnMut() -> io::Result<T>) -> T {
    wait_for(&format!("listening at {address}"), Duration::from_secs(5), || {
        listen().map_err(|error| error.to_string())
    })
}
