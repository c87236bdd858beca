//! `[bgp]` and `[[bgp.neighbor]]`.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use shared::names::{AddressError, StationAddress};
use toml::Spanned;

use super::instance::{Belongs, Instances};
use super::monitor::network;
use super::value::shown;
use super::{Check, seconds_or};
use crate::config::defaults;
use crate::config::model::{
    Bgp, MaximumRoutes, MaximumRoutesAction, Neighbor, Peers, PendingLimits,
};
use crate::config::schema::{self, Table, Whole};
use crate::wire::family::Family;

/// Stands for a 4-octet AS number where only two octets fit (RFC 6793); no AS has it.
const AS_TRANS: u32 = 23456;

impl Check<'_> {
    /// `[bgp]` with its neighbors.
    pub(super) fn bgp(
        &mut self,
        table: Spanned<Table<schema::Bgp>>,
        instances: &Instances,
    ) -> Option<Bgp> {
        let span = table.span();
        let Table(bgp) = table.into_inner();
        let asn = self
            .required(span.clone(), "bgp.as", &bgp.asn, "as = NUMBER, our AS number")
            .and_then(|asn| self.as_number("bgp.as", asn));
        let allowed = "router-id = \"ADDRESS\", our BGP Identifier in the form of an IPv4 address";
        let router_id = self
            .required(span, "bgp.router-id", &bgp.router_id, allowed)
            .and_then(|id| self.router_id(id));
        let listen = self.optional(&bgp.listen, |check, listen| check.listen("bgp.listen", listen));
        let memory_limit = self.optional(&bgp.memory_limit, |check, limit| {
            check.whole("bgp.memory-limit", limit, 1..=u32::MAX, " MiB")
        });
        let maximum = self.optional(&bgp.maximum_pending, |check, value| {
            check.whole("bgp.maximum-pending", value, 1..=10000, "")
        });
        let timeout = self.optional(&bgp.open_timeout, |check, value| {
            check.whole("bgp.open-timeout", value, 3..=3600, " seconds")
        });
        let neighbors = self.neighbors(&bgp.neighbor, instances);
        Some(Bgp {
            asn: asn?,
            router_id: router_id?,
            listen: listen?.unwrap_or_else(defaults::listen),
            memory_limit: memory_limit?,
            pending: PendingLimits {
                maximum: maximum?.unwrap_or(defaults::MAXIMUM_PENDING),
                timeout: seconds_or(timeout?, defaults::OPEN_TIMEOUT),
            },
            neighbors: neighbors?,
        })
    }

    fn as_number(&mut self, key: &str, value: &Spanned<Whole>) -> Option<u32> {
        let asn = self.whole(key, value, 1..=u32::MAX, "")?;
        if asn != AS_TRANS {
            return Some(asn);
        }
        let text = "23456 is AS_TRANS, which no AS has (RFC 6793); 1 to 4294967295 without 23456 are \
                    allowed";
        self.refuse(value.span(), key, text);
        None
    }

    fn router_id(&mut self, value: &Spanned<String>) -> Option<Ipv4Addr> {
        let text = value.get_ref();
        match text.parse::<Ipv4Addr>() {
            Ok(id) if !id.is_unspecified() => return Some(id),
            Ok(_) => self.refuse(
                value.span(),
                "bgp.router-id",
                "0.0.0.0 cannot be a BGP Identifier (RFC 6286); any other IPv4 address is allowed",
            ),
            Err(_) => self.refuse(
                value.span(),
                "bgp.router-id",
                format!("{} is not an IPv4 address; one like 192.0.2.1 is allowed", shown(text)),
            ),
        }
        None
    }

    fn neighbors(
        &mut self,
        tables: &[Spanned<Table<schema::Neighbor>>],
        instances: &Instances,
    ) -> Option<Vec<Neighbor>> {
        // The index and the place of the neighbor that has an address or a prefix.
        let mut first: HashMap<_, (usize, usize)> = HashMap::new();
        let mut checked = Vec::new();
        for (index, table) in tables.iter().enumerate() {
            let at = format!("bgp.neighbor[{index}]");
            let Table(neighbor) = table.get_ref();
            let belongs =
                self.belongs(&format!("{at}.vpn-instance"), &neighbor.vpn_instance, instances);
            let peers = self.peers(&at, table, neighbor);
            if let (Some(peers), Some(belongs)) = (&peers, &belongs) {
                let (name, value, address, length) = match *peers {
                    Peers::One(address) => ("address", &neighbor.address, address, None),
                    Peers::Prefix { network, length, .. } => {
                        ("prefix", &neighbor.prefix, network, Some(length))
                    }
                };
                let key = (belongs.name.clone(), address, length);
                if let Some((index, begin)) = first.get(&key) {
                    let line = self.source.place(*begin);
                    let text = format!(
                        "{peers} is the same neighbor as bgp.neighbor[{index}] on {line}; \
                         remove one of them"
                    );
                    let span = value.as_ref().map_or(table.span(), Spanned::span);
                    self.refuse(span, format!("{at}.{name}"), text);
                } else {
                    first.insert(key, (index, table.span().start));
                }
            }
            checked.push(self.neighbor(&at, table, peers, belongs));
        }
        checked.into_iter().collect()
    }

    /// An address or a prefix: one of the two.
    fn peers(
        &mut self,
        at: &str,
        table: &Spanned<Table<schema::Neighbor>>,
        neighbor: &schema::Neighbor,
    ) -> Option<Peers> {
        let key = format!("{at}.maximum-neighbors");
        let maximum = self.optional(&neighbor.maximum_neighbors, |check, value| {
            check.whole(&key, value, 1..=10000, "")
        });
        match (&neighbor.address, &neighbor.prefix) {
            (Some(_), Some(prefix)) => {
                let text = "a neighbor has an address or a prefix; remove one of them";
                self.refuse(prefix.span(), format!("{at}.prefix"), text);
                None
            }
            (None, Some(value)) => {
                let (network, length) = prefix(value.get_ref())
                    .map_err(|text| self.refuse(value.span(), format!("{at}.prefix"), text))
                    .ok()?;
                let maximum = maximum?.unwrap_or(defaults::MAXIMUM_NEIGHBORS);
                Some(Peers::Prefix { network, length, maximum })
            }
            (address, None) => {
                if let Some(value) = &neighbor.maximum_neighbors {
                    let text = "only a neighbor with a prefix has it; remove it";
                    self.refuse(value.span(), key, text);
                    return None;
                }
                let key = format!("{at}.address");
                let allowed = "address = \"ADDRESS\", the IPv4 or IPv6 address of the neighbor, or \
                               prefix = \"PREFIX\" for all in it that connect to us";
                let value = self.required(table.span(), &*key, address, allowed)?;
                neighbor_address(value.get_ref())
                    .map_err(|text| self.refuse(value.span(), &*key, text))
                    .ok()
                    .map(Peers::One)
            }
        }
    }

    fn neighbor(
        &mut self,
        at: &str,
        table: &Spanned<Table<schema::Neighbor>>,
        peers: Option<Peers>,
        belongs: Option<Belongs>,
    ) -> Option<Neighbor> {
        let Table(neighbor) = table.get_ref();
        let dynamic = neighbor.prefix.is_some();
        let key = format!("{at}.remote-as");
        let remote_as = match (&neighbor.remote_as, dynamic) {
            (None, true) => Some(None),
            (asn, _) => {
                let allowed = "remote-as = NUMBER, the neighbor's AS number";
                self.required(table.span(), &*key, asn, allowed)
                    .and_then(|asn| self.as_number(&key, asn).map(Some))
            }
        };
        let passive = self.optional(&neighbor.passive, |check, value| {
            if dynamic && !*value.get_ref() {
                let text = "a neighbor with a prefix connects to us; remove passive";
                check.refuse(value.span(), format!("{at}.passive"), text);
                return None;
            }
            Some(*value.get_ref())
        });
        let port =
            self.optional(&neighbor.port, |check, port| check.port(&format!("{at}.port"), port));
        let hold_time = self.optional(&neighbor.hold_time, |check, value| {
            check.hold_time(&format!("{at}.hold-time"), value)
        });
        let families = self
            .optional(&neighbor.families, |check, list| {
                check.families(&format!("{at}.families"), list)
            })
            .map(|given| given.unwrap_or_else(|| Family::DEFAULT.to_vec()));
        let add_path = self.optional(&neighbor.add_path, |check, list| {
            check.add_path(&format!("{at}.add-path"), list, families.as_deref())
        });
        let md5 = self.optional(&neighbor.md5, |check, key| check.md5(&format!("{at}.md5"), key));
        let one = match &peers {
            Some(Peers::One(address)) => Some(*address),
            Some(Peers::Prefix { .. }) | None => None,
        };
        let source_address = self.optional(&neighbor.source_address, |check, value| {
            check.source_address(&format!("{at}.source-address"), value, one)
        });
        let (multihop, ttl_security) = self.hops(at, neighbor)?;
        let mss = self.mss(&format!("{at}.mss"), &neighbor.mss);
        let maximum_routes = self.optional(&neighbor.maximum_routes, |check, table| {
            check.maximum_routes(&format!("{at}.maximum-routes"), table)
        });
        let maximum_memory = self.optional(&neighbor.maximum_memory, |check, value| {
            check.whole(&format!("{at}.maximum-memory"), value, 16..=65536, " MiB")
        });
        let description = self.optional(&neighbor.description, |check, text| {
            check.text(&format!("{at}.description"), text)
        });
        let Belongs { name, place, route_distinguisher } = belongs?;
        Some(Neighbor {
            peers: peers?,
            vpn_instance: name,
            place,
            route_distinguisher,
            remote_as: remote_as?,
            port: port?.unwrap_or(defaults::BGP_PORT),
            passive: passive?.unwrap_or(dynamic),
            hold_time: hold_time?.unwrap_or(defaults::HOLD_TIME),
            families: families?,
            add_path: add_path?.unwrap_or_default(),
            md5: md5?,
            source_address: source_address?,
            multihop,
            ttl_security,
            mss: mss?,
            maximum_routes: maximum_routes?,
            maximum_memory: maximum_memory?.unwrap_or(defaults::MAXIMUM_MEMORY),
            graceful_restart: neighbor.graceful_restart.unwrap_or(true),
            description: description?,
        })
    }

    /// How far away a neighbor is: `multihop` or `ttl-security`.
    fn hops(&mut self, at: &str, neighbor: &schema::Neighbor) -> Option<(Option<u8>, Option<u8>)> {
        let multihop = self.optional(&neighbor.multihop, |check, value| {
            check.whole(&format!("{at}.multihop"), value, 1..=255, "").map(|hops| hops as u8)
        });
        let key = format!("{at}.ttl-security");
        let ttl_security = self.optional(&neighbor.ttl_security, |check, value| {
            check.whole(&key, value, 1..=254, "").map(|hops| hops as u8)
        });
        let (multihop, ttl_security) = (multihop?, ttl_security?);
        if let (Some(_), Some(value)) = (multihop, &neighbor.ttl_security) {
            let text =
                "with it everything is sent with TTL 255 (RFC 5082); remove multihop, or this";
            self.refuse(value.span(), key, text);
            return None;
        }
        Some((multihop, ttl_security))
    }

    /// `maximum-routes`.
    fn maximum_routes(
        &mut self,
        at: &str,
        table: &Spanned<Table<schema::MaximumRoutes>>,
    ) -> Option<MaximumRoutes> {
        let Table(maximum) = table.get_ref();
        let key = format!("{at}.limit");
        let allowed = "limit = NUMBER, the most routes of one family";
        let limit = self
            .required(table.span(), &*key, &maximum.limit, allowed)
            .and_then(|limit| self.whole(&key, limit, 1..=u32::MAX, ""));
        let key = format!("{at}.restart-after");
        let after = self.seconds(&key, &maximum.restart_after, 1..=86400);
        let after = seconds_or(after?, defaults::RESTART_AFTER);
        let action = match maximum.action.as_ref().map(|action| action.get_ref().as_str()) {
            None | Some("restart") => MaximumRoutesAction::Restart(after),
            Some("warn") => MaximumRoutesAction::Warn,
            Some("shutdown") => MaximumRoutesAction::Shutdown,
            Some(other) => {
                let text = format!(
                    "{} is not an action; \"warn\", \"restart\" and \"shutdown\" are allowed",
                    shown(other)
                );
                let span = maximum.action.as_ref().map_or(table.span(), Spanned::span);
                self.refuse(span, format!("{at}.action"), text);
                return None;
            }
        };
        if let (Some(value), false) =
            (&maximum.restart_after, matches!(action, MaximumRoutesAction::Restart(_)))
        {
            let text = "only action = \"restart\" has it; remove it";
            self.refuse(value.span(), key, text);
            return None;
        }
        Some(MaximumRoutes { limit: limit?, action })
    }

    /// Families in which several paths are requested; they must be among the neighbor's.
    fn add_path(
        &mut self,
        key: &str,
        list: &Spanned<Vec<Spanned<String>>>,
        families: Option<&[Family]>,
    ) -> Option<Vec<Family>> {
        if list.get_ref().is_empty() {
            return Some(Vec::new());
        }
        let add_path = self.families(key, list)?;
        let missing =
            families.and_then(|families| add_path.iter().find(|family| !families.contains(family)));
        match missing {
            None => Some(add_path),
            Some(family) => {
                let text = format!("{family} is not among the neighbor's families; add it there");
                self.refuse(list.span(), key, text);
                None
            }
        }
    }

    /// RFC 4271 section 4.2: zero or at least three seconds.
    fn hold_time(&mut self, key: &str, value: &Spanned<Whole>) -> Option<u16> {
        let number = value.get_ref().0;
        match u16::try_from(number) {
            Ok(seconds) if seconds == 0 || seconds >= 3 => Some(seconds),
            _ => {
                let text = format!(
                    "{number} is out of range; 3 to 65535 seconds, or 0 for no keepalives, are allowed"
                );
                self.refuse(value.span(), key, text);
                None
            }
        }
    }

    /// A list of families.
    pub(super) fn families(
        &mut self,
        key: &str,
        list: &Spanned<Vec<Spanned<String>>>,
    ) -> Option<Vec<Family>> {
        let allowed = || Family::ALL.map(|family| family.to_string()).join(", ");
        if list.get_ref().is_empty() {
            let text = format!("the list is empty; one or more are allowed of: {}", allowed());
            self.refuse(list.span(), key, text);
            return None;
        }
        let mut families = Vec::new();
        let mut complete = true;
        for (index, value) in list.get_ref().iter().enumerate() {
            let name = value.get_ref();
            let wrong = match Family::from_name(name) {
                Some(family) if !families.contains(&family) => {
                    families.push(family);
                    continue;
                }
                Some(family) => format!("{family} is in the list twice; once is allowed"),
                None => format!("{} is not a family; allowed are: {}", shown(name), allowed()),
            };
            self.refuse(value.span(), format!("{key}[{index}]"), wrong);
            complete = false;
        }
        complete.then_some(families)
    }
}

/// Where neighbors can connect to, or why not.
pub(super) fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let Ok(address) = text.parse::<SocketAddr>() else {
        return Err(format!(
            "{} is not ADDRESS:PORT; one like 192.0.2.1:179 or [2001:db8::1]:179 is allowed",
            shown(text)
        ));
    };
    let ip = address.ip();
    if address.port() == 0 {
        return Err(format!("{} has port 0; 1 to 65535 are allowed", shown(text)));
    }
    // The unspecified address means every address of the host.
    if ip.is_unspecified() {
        return Ok(SocketAddr::new(ip, address.port()));
    }
    match StationAddress::try_from(ip) {
        Ok(_) => Ok(SocketAddr::new(ip, address.port())),
        Err(AddressError::Mapped(_, v4)) => Err(format!(
            "{ip} is an IPv4-mapped IPv6 address; write \"{v4}:{}\" instead",
            address.port()
        )),
        Err(AddressError::LinkLocal(_)) => Err(format!(
            "{ip} is a link-local address; bmpd has no link-local neighbors, so another address of \
             this host is allowed"
        )),
        Err(_) => Err(format!("{ip} is no host's address; an address of this host is allowed")),
    }
}

/// The address of a neighbor, or why not. The rules are those for stations.
pub(super) fn neighbor_address(text: &str) -> Result<IpAddr, String> {
    match text.parse::<StationAddress>() {
        Ok(address) => Ok(address.ip()),
        Err(AddressError::NotAnAddress(_)) => Err(format!(
            "{} is not an IP address; an IPv4 address like 10.1.1.1 or an IPv6 address like \
             2001:db8::1 is allowed, host names are not looked up",
            shown(text)
        )),
        Err(error @ AddressError::Port(_)) => Err(error.to_string()),
        Err(AddressError::Zone(_)) => Err(format!(
            "{} has a zone id; link-local neighbors are not supported, other addresses need no zone",
            shown(text)
        )),
        Err(AddressError::LinkLocal(ip)) => Err(format!(
            "{ip} is a link-local address; link-local neighbors are not supported, another address of \
             the neighbor is allowed"
        )),
        Err(error @ AddressError::Mapped(..)) => Err(error.to_string()),
        Err(AddressError::NotAHost(ip)) => {
            Err(format!("{ip} does not name one host; the address of one neighbor is allowed"))
        }
    }
}

/// A prefix, or why not.
pub(super) fn prefix(text: &str) -> Result<(IpAddr, u8), String> {
    let wrong = || {
        format!(
            "{} is not a prefix; one like 192.0.2.0/24 or 2001:db8::/32 is allowed",
            shown(text)
        )
    };
    let (address, length) = text.split_once('/').ok_or_else(wrong)?;
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    let length: u8 = length.parse().map_err(|_| wrong())?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    if length > longest {
        return Err(wrong());
    }
    let first = network(address, length);
    if first != address {
        return Err(format!(
            "{} has bits beyond its length; \"{first}/{length}\" is allowed",
            shown(text)
        ));
    }
    Ok((address, length))
}
