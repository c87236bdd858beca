//! Loopback addresses and ports that no other test uses.
//!
//! Tests run side by side, each in a process of its own. Linux has all of 127.0.0.0/8 on its
//! loopback device, so each process takes its own corner of it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU8, Ordering};

/// A loopback address that nobody else has: another one with each call (254 a process).
///
/// # Panics
/// When a process has used up all of its addresses.
pub fn loopback() -> IpAddr {
    static TAKEN: AtomicU8 = AtomicU8::new(0);
    let last = TAKEN.fetch_add(1, Ordering::Relaxed) + 1;
    assert!(last < 255, "this process has used up its loopback addresses");
    // 127.0.x.x stays free for what runs at fixed addresses.
    let corner = 256 + std::process::id() % (255 * 256);
    let [_, _, high, low] = corner.to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(127, high, low, last))
}

/// A TCP port of `address` on which nobody listens at this moment.
///
/// # Panics
/// When the address cannot be bound.
pub fn free_port(address: IpAddr) -> u16 {
    let listener = TcpListener::bind(SocketAddr::new(address, 0))
        .unwrap_or_else(|e| panic!("cannot bind {address}: {e}"));
    listener.local_addr().expect("a bound socket has an address").port()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_distinct_and_can_be_bound() {
        let (one, two) = (loopback(), loopback());
        assert_ne!(one, two);
        assert!(one.is_loopback() && two.is_loopback());
        assert_ne!(free_port(one), 0);
    }
}
