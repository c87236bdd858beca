//! `monitor` of a session: which neighbors and families are reported to its station.

use std::collections::HashSet;
use std::net::IpAddr;

use shared::names::{NeighborId, PUBLIC_INSTANCE, RouterId, VpnInstanceName};
use toml::Spanned;

use super::Check;
use super::session::Common;
use super::value::shown;
use crate::config::model::{Neighbor, Peers};
use crate::config::schema::{self, Table};
use crate::filter::{Monitor, MonitorNeighbors};
use crate::wire::bmp::View;

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
                // Peers of routers can be in instances that bmpd does not have.
                Some(name) if common.has_routers || common.instances.has(&name) => {
                    instances.push(Some(name));
                }
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
        let routers = self.optional(&monitor.routers, |check, list| {
            check.monitored_routers(&format!("{at}.routers"), list, common)
        });
        let views =
            self.optional(&monitor.views, |check, list| check.views(&format!("{at}.views"), list));
        let (families, routers, views) = (families?, routers?, views?);
        complete.then_some(Monitor {
            neighbors: if chosen {
                MonitorNeighbors::Listed { instances, every_vpn_instance, neighbors }
            } else {
                MonitorNeighbors::All
            },
            families,
            routers,
            views,
        })
    }

    /// Names of routers.
    fn monitored_routers(
        &mut self,
        key: &str,
        list: &Spanned<Vec<Spanned<String>>>,
        common: &Common<'_>,
    ) -> Option<Vec<RouterId>> {
        if list.get_ref().is_empty() {
            let text = "the list is empty; one or more names are allowed, \"local\" is bmpd itself";
            self.refuse(list.span(), key, text);
            return None;
        }
        let mut routers = Vec::new();
        let mut complete = true;
        for (index, value) in list.get_ref().iter().enumerate() {
            match self.name::<RouterId>(&format!("{key}[{index}]"), value) {
                Some(id) if common.routers.is_none_or(|known| known.contains(&id)) => {
                    routers.push(id);
                    continue;
                }
                Some(id) => {
                    let text = format!(
                        "no [[router]] has the name {}; one of them is allowed",
                        shown(&id.to_string())
                    );
                    self.refuse(value.span(), format!("{key}[{index}]"), text);
                }
                None => {}
            }
            complete = false;
        }
        complete.then_some(routers)
    }

    /// Names of views.
    fn views(&mut self, key: &str, list: &Spanned<Vec<Spanned<String>>>) -> Option<Vec<View>> {
        let allowed = || View::ALL.map(View::name).join(", ");
        if list.get_ref().is_empty() {
            let text = format!("the list is empty; one or more are allowed of: {}", allowed());
            self.refuse(list.span(), key, text);
            return None;
        }
        let mut views = Vec::new();
        let mut complete = true;
        for (index, value) in list.get_ref().iter().enumerate() {
            let name = value.get_ref();
            let Some(view) = View::ALL.into_iter().find(|view| view.name() == name) else {
                let text = format!("{} is not a view; allowed are: {}", shown(name), allowed());
                self.refuse(value.span(), format!("{key}[{index}]"), text);
                complete = false;
                continue;
            };
            views.push(view);
        }
        complete.then_some(views)
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
