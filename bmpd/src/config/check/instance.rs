//! `[[vpn-instance]]`, and references to instances in other tables.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use shared::names::VpnInstanceName;
use toml::Spanned;

use super::Check;
use super::value::shown;
use crate::config::defaults;
use crate::config::model::VpnInstance;
use crate::config::schema::{self, Table};
use crate::net::settings::Place;

/// The longest name of a network device: IFNAMSIZ without the NUL (netdevice(7)).
const DEVICE_MAX: usize = 15;

/// Where `ip netns` keeps the namespaces that have a name (ip-netns(8)).
const NETNS_FOLDER: &str = "/run/netns";

/// The longest path of a namespace, in bytes (PATH_MAX without the NUL).
const PATH_MAX: usize = 4095;

/// How many VPN instances are listed when one is not found.
const LISTED_MAX: usize = 10;

/// The VPN instances of the file, also those with something wrong.
#[derive(Default)]
pub(super) struct Instances {
    /// In the order of the file; `None` if something was refused.
    checked: Vec<Option<VpnInstance>>,
    /// Each valid name with the place of its table and its rank in `checked`.
    by_name: HashMap<VpnInstanceName, (usize, usize)>,
}

/// The instance that a session or a neighbor is in: its name and what it stands for.
#[derive(Debug, Clone, Default)]
pub(super) struct Belongs {
    pub(super) name: Option<VpnInstanceName>,
    pub(super) place: Place,
    pub(super) route_distinguisher: Option<[u8; 8]>,
}

impl Instances {
    /// All instances, if nothing was refused.
    pub(super) fn complete(self) -> Option<Vec<VpnInstance>> {
        self.checked.into_iter().collect()
    }

    /// True if there is an instance of this name.
    pub(super) fn has(&self, name: &VpnInstanceName) -> bool {
        self.by_name.contains_key(name)
    }

    fn list(&self) -> String {
        let mut names: Vec<&VpnInstanceName> = self.by_name.keys().collect();
        names.sort();
        let more = names.len().saturating_sub(LISTED_MAX);
        let listed: Vec<String> =
            names.iter().take(LISTED_MAX).map(|name| shown(name.as_str())).collect();
        match (names.is_empty(), more) {
            (true, _) => {
                "there are none, so write a [[vpn-instance]] with this name, or leave it out for the \
                 public instance"
                    .to_owned()
            }
            (_, 0) => format!("there are: {}", listed.join(", ")),
            _ => format!("there are: {} and {more} more", listed.join(", ")),
        }
    }
}

impl Check<'_> {
    /// Every `[[vpn-instance]]`.
    pub(super) fn vpn_instances(
        &mut self,
        tables: &[Spanned<Table<schema::VpnInstance>>],
    ) -> Instances {
        let mut instances = Instances::default();
        for (index, table) in tables.iter().enumerate() {
            let at = format!("vpn-instance[{index}]");
            let Table(instance) = table.get_ref();

            let key = format!("{at}.name");
            let name = self
                .required(table.span(), &*key, &instance.name, "name = \"NAME\"")
                .and_then(|text| self.name(&key, text).map(|name| (name, text.span())));
            let place = self.place(&at, table, instance);
            let distinguisher = self.optional(&instance.route_distinguisher, |check, text| {
                let key = format!("{at}.route-distinguisher");
                route_distinguisher(text.get_ref())
                    .map_err(|wrong| check.refuse(text.span(), key, wrong))
                    .ok()
            });
            let listen = self.optional(&instance.listen, |check, list| {
                check.listen(&format!("{at}.listen"), list)
            });

            let mut unique = None;
            if let Some((name, span)) = name {
                if let Some((first, _)) = instances.by_name.get(&name) {
                    let first = self.source.place(*first);
                    let text = format!(
                        "{} is the same name as that of the VPN instance on {first}; remove or \
                         rename one of them",
                        shown(name.as_str())
                    );
                    self.refuse(span, format!("{at}.name"), text);
                } else {
                    instances.by_name.insert(name.clone(), (table.span().start, index));
                    unique = Some(name);
                }
            }
            instances.checked.push((|| {
                Some(VpnInstance {
                    name: unique?,
                    place: place?,
                    route_distinguisher: distinguisher?,
                    listen: listen?.unwrap_or_else(defaults::listen),
                })
            })());
        }
        instances
    }

    /// A device or a network namespace: one of the two.
    fn place(
        &mut self,
        at: &str,
        table: &Spanned<Table<schema::VpnInstance>>,
        instance: &schema::VpnInstance,
    ) -> Option<Place> {
        match (&instance.device, &instance.netns) {
            (Some(device), None) => self.device(&format!("{at}.device"), device).map(Place::Device),
            (None, Some(netns)) => self.netns(&format!("{at}.netns"), netns).map(Place::Namespace),
            (Some(_), Some(netns)) => {
                let text = "an instance is a device or a network namespace; remove device or netns";
                self.refuse(netns.span(), format!("{at}.netns"), text);
                None
            }
            (None, None) => {
                let text = "is missing; write device = \"DEVICE\", such as a VRF's, or netns = \
                            \"NAME\", a network namespace";
                self.refuse(table.span(), format!("{at}.device"), text);
                None
            }
        }
    }

    /// A namespace by its name in `ip netns`, or by its path.
    fn netns(&mut self, key: &str, value: &Spanned<String>) -> Option<PathBuf> {
        let text = value.get_ref();
        let valid = (1..=PATH_MAX).contains(&text.len())
            && !text.contains(char::is_control)
            && (text.starts_with('/') || !text.contains('/'))
            && text != "."
            && text != "..";
        if !valid {
            let wrong = format!(
                "{} is not a network namespace; a name as `ip netns` lists it, or a path that begins \
                 with / is allowed",
                shown(text)
            );
            self.refuse(value.span(), key, wrong);
            return None;
        }
        let path = PathBuf::from(text);
        Some(if path.is_absolute() { path } else { PathBuf::from(NETNS_FOLDER).join(path) })
    }

    /// The instance that `vpn-instance` of another table names; the public one if there is no such key.
    pub(super) fn belongs(
        &mut self,
        key: &str,
        value: &Option<Spanned<String>>,
        instances: &Instances,
    ) -> Option<Belongs> {
        let Some(value) = value else {
            return Some(Belongs::default());
        };
        let name: VpnInstanceName = self.name(key, value)?;
        match instances.by_name.get(&name) {
            Some((_, rank)) => {
                // Errors of the instance itself were reported there.
                let instance = instances.checked.get(*rank)?.as_ref()?;
                Some(Belongs {
                    name: Some(name),
                    place: instance.place.clone(),
                    route_distinguisher: instance.route_distinguisher,
                })
            }
            None => {
                let wrong = format!(
                    "there is no VPN instance {}; {}",
                    shown(name.as_str()),
                    instances.list()
                );
                self.refuse(value.span(), key, wrong);
                None
            }
        }
    }

    /// The name of a network device, by the kernel's rules (`dev_valid_name`).
    pub(super) fn device(&mut self, key: &str, value: &Spanned<String>) -> Option<String> {
        let name = value.get_ref();
        let forbidden = |c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control();
        let valid = (1..=DEVICE_MAX).contains(&name.len())
            && !name.contains(forbidden)
            && name != "."
            && name != "..";
        if valid {
            return Some(name.clone());
        }
        let text = format!(
            "{} is not the name of a network device; 1 to {DEVICE_MAX} bytes without spaces, '/' and \
             ':' are allowed",
            shown(name)
        );
        self.refuse(value.span(), key, text);
        None
    }

    /// A list of places to listen at.
    pub(super) fn listen(
        &mut self,
        key: &str,
        list: &[Spanned<String>],
    ) -> Option<Vec<SocketAddr>> {
        // The index and the place of the entry that has an address and port.
        let mut first: HashMap<SocketAddr, (usize, usize)> = HashMap::new();
        let mut checked = Vec::new();
        for (index, value) in list.iter().enumerate() {
            let at = format!("{key}[{index}]");
            let address = super::bgp::listen_address(value.get_ref())
                .map_err(|text| self.refuse(value.span(), &*at, text))
                .ok();
            if let Some(address) = address {
                if let Some((index, begin)) = first.get(&address) {
                    let line = self.source.place(*begin);
                    let text = format!(
                        "{address} is the same as {key}[{index}] on {line}; remove one of them"
                    );
                    self.refuse(value.span(), &*at, text);
                } else {
                    first.insert(address, (index, value.span().start));
                }
            }
            checked.push(address);
        }
        checked.into_iter().collect()
    }
}

/// The three forms of RFC 4364 section 4.2: `65000:1`, `192.0.2.1:1`, `4200000000:1`.
fn route_distinguisher(text: &str) -> Result<[u8; 8], String> {
    let wrong = || {
        format!(
            "{} is not a route distinguisher; NUMBER:NUMBER or ADDRESS:NUMBER is allowed, such as \
             65000:1, 192.0.2.1:1 or 4200000000:1 (RFC 4364)",
            shown(text)
        )
    };
    let (administrator, assigned) = text.split_once(':').ok_or_else(wrong)?;
    let mut bytes = [0; 8];
    if let Ok(address) = administrator.parse::<std::net::Ipv4Addr>() {
        let assigned: u16 = assigned.parse().map_err(|_| wrong())?;
        bytes[1] = 1;
        bytes[2..6].copy_from_slice(&address.octets());
        bytes[6..].copy_from_slice(&assigned.to_be_bytes());
        return Ok(bytes);
    }
    let asn: u32 = administrator.parse().map_err(|_| wrong())?;
    if let Ok(asn) = u16::try_from(asn) {
        let assigned: u32 = assigned.parse().map_err(|_| wrong())?;
        bytes[2..4].copy_from_slice(&asn.to_be_bytes());
        bytes[4..].copy_from_slice(&assigned.to_be_bytes());
    } else {
        let assigned: u16 = assigned.parse().map_err(|_| wrong())?;
        bytes[1] = 2;
        bytes[2..6].copy_from_slice(&asn.to_be_bytes());
        bytes[6..].copy_from_slice(&assigned.to_be_bytes());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn route_distinguishers_have_the_three_forms_of_rfc_4364() {
        assert_eq!(route_distinguisher("65000:1"), Ok([0, 0, 0xfd, 0xe8, 0, 0, 0, 1]));
        assert_eq!(route_distinguisher("192.0.2.1:258"), Ok([0, 1, 192, 0, 2, 1, 1, 2]));
        assert_eq!(route_distinguisher("65536:1"), Ok([0, 2, 0, 1, 0, 0, 0, 1]));
        for text in ["65000:4294967295", "192.0.2.1:258", "4200000000:1"] {
            assert_eq!(
                route_distinguisher(text).map(crate::config::route_distinguisher),
                Ok(text.to_owned())
            );
        }
        for wrong in
            ["", ":", "1", "1:", ":1", "65536:65536", "192.0.2.1:65536", "1:4294967296", "-1:1"]
        {
            assert!(route_distinguisher(wrong).is_err(), "{wrong}");
        }
    }
}
