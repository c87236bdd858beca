//! The source address of a connection, where a station recognises routers by it.

use std::collections::HashMap;
use std::net::IpAddr;

use parking_lot::Mutex;
use shared::names::RouterId;

use crate::config::{Identity, Prefix};
use crate::net::options::{Foreign, Options};
use crate::net::settings::Source;

/// Which addresses of `source-addresses` the routers of a session have. A router keeps its address while bmpd runs and the
/// address is in the list.
#[derive(Debug, Default)]
pub(in crate::sinks::station) struct SourceAddresses(Mutex<HashMap<RouterId, IpAddr>>);

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
    addresses: &SourceAddresses,
) -> Result<(), NoSourceAddress> {
    let Some(router) = router else { return Ok(()) };
    let (address, foreign) = match identity {
        Identity::Plain | Identity::ProxyV2 | Identity::Ports(_) => return Ok(()),
        Identity::RouterAddress if router.is_ipv4() != station.is_ipv4() => {
            return Err(NoSourceAddress::Family(router));
        }
        Identity::RouterAddress => (router, Foreign::Transparent),
        Identity::SourceAddresses(pool) => {
            (addresses.of(id, pool, station.is_ipv4())?, Foreign::Freebind)
        }
    };
    options.source = Some(Source::Address(address));
    options.foreign = Some(foreign);
    Ok(())
}

impl SourceAddresses {
    /// The address of a router: the one that it has, or one that no other has. Which one is tried first depends on
    /// its name, so that a router mostly has the same one after a restart of bmpd.
    fn of(&self, id: &RouterId, pool: &[Prefix], is_ipv4: bool) -> Result<IpAddr, NoSourceAddress> {
        let pool: Vec<Prefix> =
            pool.iter().filter(|prefix| prefix.network.is_ipv4() == is_ipv4).copied().collect();
        let mut taken = self.0.lock();
        if let Some(address) = taken.get(id)
            && pool.iter().any(|prefix| prefix.includes(*address))
        {
            return Ok(*address);
        }
        taken.remove(id);
        let count: u64 = pool.iter().map(Prefix::count).sum();
        let first = fnv(&id.to_string());
        let address = (0..count)
            .filter_map(|n| nth(&pool, first.wrapping_add(n) % count))
            .find(|address| taken.values().all(|other| other != address))
            .ok_or(NoSourceAddress::Taken)?;
        taken.insert(id.clone(), address);
        Ok(address)
    }

    /// A router is sent no more: others can have its address.
    pub(in crate::sinks::station) fn release(&self, id: &RouterId) {
        self.0.lock().remove(id);
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
    fn each_router_has_an_address_of_its_own_and_keeps_it() {
        let pool = pool(&[("192.0.2.8", 29), ("2001:db8::", 64), ("198.51.100.1", 32)]);
        let addresses = SourceAddresses::default();
        let all: Vec<IpAddr> =
            (0..9).map(|n| addresses.of(&router(n), &pool, true).unwrap()).collect();
        let mut sorted = all.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), 9);
        assert!(all.iter().all(|address| pool.iter().any(|prefix| prefix.includes(*address))));
        assert_eq!(addresses.of(&router(9), &pool, true), Err(NoSourceAddress::Taken));
        for (n, address) in all.iter().enumerate() {
            assert_eq!(addresses.of(&router(n), &pool, true), Ok(*address));
        }
        addresses.release(&router(4));
        assert_eq!(addresses.of(&router(9), &pool, true), Ok(all[4]));
        // Another list: who is not in it gets another one.
        let other = [pool[0]];
        let moved = addresses.of(&router(9), &other, true);
        assert!(moved.is_err() || other[0].includes(moved.unwrap()));
        assert!(addresses.of(&router(0), &pool, false).unwrap().is_ipv6());
    }

    #[test]
    fn a_router_has_the_same_address_after_a_restart_of_bmpd() {
        let pool = pool(&[("192.0.2.0", 24)]);
        let of = |n| SourceAddresses::default().of(&router(n), &pool, true).unwrap();
        assert_eq!(of(1), of(1));
        assert_eq!(of(1), IpAddr::from([192, 0, 2, (fnv("edge1") % 256) as u8]));
    }
}
