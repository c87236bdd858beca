//! `monitor` of a session: which neighbors and families are reported to its station.

use std::collections::HashSet;
use std::net::IpAddr;

use shared::names::{NeighborId, PUBLIC_INSTANCE, VpnInstanceName};
use toml::Spanned;

use super::Check;
use super::session::Common;
use super::value::shown;
use crate::config::model::{Neighbor, Peers};
use crate::config::schema::{self, Table};
use crate::filter::{Monitor, MonitorNeighbors};

/// The neighbors of the file, so that each name is looked up at once.
#[derive(Debug, Default)]
pub(super) struct KnownNeighbors {
    exact: HashSet<NeighborId>,
    prefixes: HashSet<(NeighborId, u8)>,
}

impl KnownNeighbors {
    /// Those of the checked tables.
    pub(super) fn of(neighbors: &[Neighbor]) -> Self {
        let mut known = Self::default();
        for neighbor in neighbors {
            let id = |address| NeighborId { vpn_instance: neighbor.vpn_instance.clone(), address };
            match neighbor.peers {
                Peers::One(address) => {
                    known.exact.insert(id(address));
                }
                Peers::Prefix { network, length, .. } => {
                    known.prefixes.insert((id(network), length));
                }
            }
        }
        known
    }

    fn has(&self, id: &NeighborId) -> bool {
        if self.exact.contains(id) {
            return true;
        }
        let longest = if id.address.is_ipv4() { 32 } else { 128 };
        !self.prefixes.is_empty()
            && (0..=longest).any(|length| {
                let address = network(id.address, length);
                self.prefixes.contains(&(NeighborId { address, ..id.clone() }, length))
            })
    }
}

/// The address with the bits beyond the length cleared.
pub(super) fn network(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(length.min(32))).unwrap_or(0);
            IpAddr::V4((u32::from(v4) & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(length.min(128))).unwrap_or(0);
            IpAddr::V6((u128::from(v6) & mask).into())
        }
    }
}

impl Check<'_> {
    /// `monitor`.
    pub(super) fn monitor(
        &mut self,
        at: &str,
        table: &Spanned<Table<schema::Monitor>>,
        common: &Common<'_>,
    ) -> Option<Monitor> {
        let Table(monitor) = table.get_ref();
        let families = self.optional(&monitor.families, |check, list| {
            check.families(&format!("{at}.families"), list)
        });
        let mut complete = true;
        let mut instances = Vec::new();
        if monitor.public == Some(true) {
            instances.push(None);
        }
        for (index, value) in monitor.vpn_instances.iter().flatten().enumerate() {
            let key = format!("{at}.vpn-instances[{index}]");
            if value.get_ref() == PUBLIC_INSTANCE {
                let text = "the public instance is chosen with monitor.public = true";
                self.refuse(value.span(), key, text);
                complete = false;
                continue;
            }
            match self.name::<VpnInstanceName>(&key, value) {
                Some(name) if common.instances.has(&name) => instances.push(Some(name)),
                Some(name) => {
                    let text = format!(
                        "there is no VPN instance {}; write a [[vpn-instance]] with this name",
                        shown(name.as_str())
                    );
                    self.refuse(value.span(), key, text);
                    complete = false;
                }
                None => complete = false,
            }
        }
        let mut neighbors = Vec::new();
        for (index, table) in monitor.neighbors.iter().flatten().enumerate() {
            match self.monitored(&format!("{at}.neighbors[{index}]"), table, common) {
                Some(neighbor) => neighbors.push(neighbor),
                None => complete = false,
            }
        }
        let every_vpn_instance = monitor.all_vpn_instances == Some(true);
        let chosen = monitor.public.is_some()
            || monitor.vpn_instances.is_some()
            || monitor.all_vpn_instances.is_some()
            || monitor.neighbors.is_some();
        let families = families?;
        complete.then_some(Monitor {
            neighbors: if chosen {
                MonitorNeighbors::Listed { instances, every_vpn_instance, neighbors }
            } else {
                MonitorNeighbors::All
            },
            families,
        })
    }

    fn monitored(
        &mut self,
        at: &str,
        table: &Spanned<Table<schema::MonitorNeighbor>>,
        common: &Common<'_>,
    ) -> Option<NeighborId> {
        let Table(neighbor) = table.get_ref();
        let key = format!("{at}.address");
        let allowed = "address = \"ADDRESS\", that of a [[bgp.neighbor]]";
        let value = self.required(table.span(), &*key, &neighbor.address, allowed)?;
        let address = super::bgp::neighbor_address(value.get_ref())
            .map_err(|text| self.refuse(value.span(), &*key, text))
            .ok()?;
        let vpn_instance = match &neighbor.vpn_instance {
            Some(name) => Some(self.name(&format!("{at}.vpn-instance"), name)?),
            None => None,
        };
        let id = NeighborId { vpn_instance, address };
        if common.neighbors.is_none_or(|known| known.has(&id)) {
            return Some(id);
        }
        let text = format!("no [[bgp.neighbor]] is {id}; one of them is allowed");
        self.refuse(value.span(), key, text);
        None
    }
}
