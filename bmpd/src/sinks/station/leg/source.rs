//! The source address of a connection, where a station recognises routers by it.

use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use shared::names::RouterId;

use super::Siblings;
use crate::config::{Identity, Prefix};
use crate::net::options::{Foreign, Options};
use crate::net::settings::Source;

/// Which addresses of `source-addresses` the legs of a session have.
#[derive(Debug, Default)]
pub(super) struct SourceAddresses(Mutex<Vec<IpAddr>>);

/// The address of a leg, if it has one. Others can have it when the leg has ended.
#[derive(Debug)]
pub(super) struct Lease {
    siblings: Arc<Siblings>,
    address: Option<IpAddr>,
}

/// Why a connection has no source address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::sinks::station) enum NoSourceAddress {
    /// It cannot be that of the router.
    #[error(
        "{0} is the address of the router, and the station's is of the other family: write source-addresses of the \
         station's family"
    )]
    Family(IpAddr),
    /// None is left.
    #[error("other routers have all source-addresses of the station's family: add more")]
    Taken,
}

/// Binds a connection to the address of the router, if the identity asks for that. `router` is the router's end of its
/// own connection, none for bmpd itself.
pub(super) fn bind(
    options: &mut Options,
    identity: &Identity,
    (id, router): (&RouterId, Option<IpAddr>),
    station: IpAddr,
    lease: &mut Lease,
) -> Result<(), NoSourceAddress> {
    let Some(router) = router else { return Ok(()) };
    let (address, foreign) = match identity {
        Identity::Plain | Identity::ProxyV2 | Identity::Ports(_) => return Ok(()),
        Identity::RouterAddress if router.is_ipv4() != station.is_ipv4() => {
            return Err(NoSourceAddress::Family(router));
        }
        Identity::RouterAddress => (router, Foreign::Transparent),
        Identity::SourceAddresses(pool) => {
            (lease.address(id, pool, station.is_ipv4())?, Foreign::Freebind)
        }
    };
    options.source = Some(Source::Address(address));
    options.foreign = Some(foreign);
    Ok(())
}

impl Lease {
    /// None yet.
    pub(super) fn new(siblings: &Arc<Siblings>) -> Self {
        Self { siblings: Arc::clone(siblings), address: None }
    }

    /// The address of the leg: the one that it has while it is in the list, or one that no other has. Which one is tried
    /// first depends on the router's name, so that it mostly has the same one the next time.
    fn address(
        &mut self,
        id: &RouterId,
        pool: &[Prefix],
        is_ipv4: bool,
    ) -> Result<IpAddr, NoSourceAddress> {
        let pool: Vec<Prefix> =
            pool.iter().filter(|prefix| prefix.network.is_ipv4() == is_ipv4).copied().collect();
        let is_listed = |address: &IpAddr| pool.iter().any(|prefix| prefix.includes(*address));
        if let Some(address) = self.address.filter(is_listed) {
            return Ok(address);
        }
        self.release();
        let mut taken = self.siblings.addresses.0.lock();
        let count: u64 = pool.iter().map(Prefix::count).sum();
        let first = fnv(&id.to_string());
        let address = (0..count)
            .filter_map(|n| nth(&pool, first.wrapping_add(n) % count))
            .find(|address| !taken.contains(address))
            .ok_or(NoSourceAddress::Taken)?;
        taken.push(address);
        self.address = Some(address);
        Ok(address)
    }

    fn release(&mut self) {
        if let Some(address) = self.address.take() {
            self.siblings.addresses.0.lock().retain(|other| *other != address);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.release();
    }
}

/// The address with this rank in the list.
fn nth(pool: &[Prefix], mut rank: u64) -> Option<IpAddr> {
    for prefix in pool {
        if rank < prefix.count() {
            return prefix.nth(rank);
        }
        rank -= prefix.count();
    }
    None
}

/// FNV-1a, which is the same in every version of bmpd.
fn fnv(text: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(texts: &[(&str, u8)]) -> Vec<Prefix> {
        let one = |(network, length): &(&str, u8)| Prefix {
            network: network.parse().unwrap(),
            length: *length,
        };
        texts.iter().map(one).collect()
    }

    fn router(n: usize) -> RouterId {
        RouterId::Named(format!("edge{n}").parse().unwrap())
    }

    #[test]
    fn each_router_has_an_address_of_its_own_until_its_leg_has_ended() {
        let pool = pool(&[("192.0.2.8", 29), ("2001:db8::", 64), ("198.51.100.1", 32)]);
        let siblings = Arc::default();
        let mut leases: Vec<Lease> = (0..9).map(|_| Lease::new(&siblings)).collect();
        let all: Vec<IpAddr> =
            (0..9).map(|n| leases[n].address(&router(n), &pool, true).unwrap()).collect();
        let mut sorted = all.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), 9);
        assert!(all.iter().all(|address| pool.iter().any(|prefix| prefix.includes(*address))));
        let mut another = Lease::new(&siblings);
        assert_eq!(another.address(&router(9), &pool, true), Err(NoSourceAddress::Taken));
        for (n, address) in all.iter().enumerate() {
            assert_eq!(leases[n].address(&router(n), &pool, true), Ok(*address));
        }
        drop(leases.remove(4));
        assert_eq!(another.address(&router(9), &pool, true), Ok(all[4]));
        // Another list: who is not in it gets another one, if there is one.
        let of_one = self::pool(&[("203.0.113.1", 32)]);
        assert_eq!(another.address(&router(9), &of_one, true), Ok(of_one[0].network));
        assert!(leases[0].address(&router(0), &pool, false).unwrap().is_ipv6());
    }

    #[test]
    fn a_router_has_the_same_address_after_a_restart_of_bmpd() {
        let pool = pool(&[("192.0.2.0", 24), ("2001:db8:1::", 64), ("2001:db8:2::", 64)]);
        let of =
            |n, is_ipv4| Lease::new(&Arc::default()).address(&router(n), &pool, is_ipv4).unwrap();
        assert_eq!(of(1, true), of(1, true));
        assert_eq!(of(1, true), IpAddr::from([192, 0, 2, (fnv("edge1") % 256) as u8]));
        assert!(pool[1..].iter().any(|prefix| prefix.includes(of(1, false))));
    }
}
