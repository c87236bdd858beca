//! Where neighbors can connect to, as configured.

use std::collections::HashSet;
use std::net::SocketAddr;

use shared::names::VpnInstanceName;

use super::model::Config;
use crate::net::settings::Place;

/// Where neighbors connect to: the instance, what it stands for, the address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ListenerId {
    pub(crate) vpn_instance: Option<VpnInstanceName>,
    pub(crate) place: Place,
    pub(crate) address: SocketAddr,
}

/// Every place to listen at: of the public instance, and of those that have neighbors.
pub(crate) fn listeners(config: &Config) -> Vec<ListenerId> {
    let mut found = Vec::new();
    let Some(bgp) = &config.bgp else { return found };
    let public = bgp.listen.iter();
    found.extend(public.map(|address| ListenerId {
        vpn_instance: None,
        place: Place::Public,
        address: *address,
    }));
    let used: HashSet<_> = bgp.neighbors.iter().map(|neighbor| &neighbor.vpn_instance).collect();
    for instance in &config.vpn_instances {
        let vpn_instance = Some(instance.name.clone());
        if used.contains(&vpn_instance) {
            found.extend(instance.listen.iter().map(|address| ListenerId {
                vpn_instance: vpn_instance.clone(),
                place: instance.place.clone(),
                address: *address,
            }));
        }
    }
    found
}

/// Every place where routers connect to: of the public instance, and of those that have routers. In an instance it is
/// the same as in the public one, where that does not name an address of its own.
pub(crate) fn router_listeners(config: &Config) -> Vec<ListenerId> {
    let mut found = Vec::new();
    let Some(relay) = &config.relay else { return found };
    found.extend(relay.listen.iter().map(|address| ListenerId {
        vpn_instance: None,
        place: Place::Public,
        address: *address,
    }));
    let passive = config.routers.iter().filter(|router| router.active.is_none());
    let used: HashSet<_> = passive.map(|router| &router.vpn_instance).collect();
    for instance in &config.vpn_instances {
        let vpn_instance = Some(instance.name.clone());
        if used.contains(&vpn_instance) {
            let everywhere = relay.listen.iter().filter(|address| address.ip().is_unspecified());
            found.extend(everywhere.map(|address| ListenerId {
                vpn_instance: vpn_instance.clone(),
                place: instance.place.clone(),
                address: *address,
            }));
        }
    }
    found
}

/// Where neighbors of an instance can connect to, with this configuration.
pub(crate) fn listening(
    config: &Config,
    vpn_instance: &Option<VpnInstanceName>,
) -> Vec<SocketAddr> {
    let of_it = listeners(config).into_iter().filter(|id| id.vpn_instance == *vpn_instance);
    of_it.map(|id| id.address).collect()
}
