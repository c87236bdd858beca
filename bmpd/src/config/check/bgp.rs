//! `[bgp]` and `[[bgp.neighbor]]`.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use shared::names::{AddressError, StationAddress};
use toml::Spanned;

use super::Check;
use super::value::shown;
use crate::config::defaults;
use crate::config::model::{Bgp, Neighbor, Peers, Place};
use crate::config::schema::{self, Table, Whole};
use crate::wire::family::Family;

/// Stands for a 4-octet AS number where only two octets fit (RFC 6793); no AS has it.
const AS_TRANS: u32 = 23456;

impl Check<'_> {
    /// `[bgp]` with its neighbors.
    pub(super) fn bgp(&mut self, table: Spanned<Table<schema::Bgp>>) -> Option<Bgp> {
        let span = table.span();
        let Table(bgp) = table.into_inner();
        let asn = self
            .required(span.clone(), "bgp.as", &bgp.asn, "as = NUMBER, our AS number")
            .and_then(|asn| self.as_number("bgp.as", asn));
        let allowed = "router-id = \"ADDRESS\", our BGP Identifier in the form of an IPv4 address";
        let router_id = self
            .required(span, "bgp.router-id", &bgp.router_id, allowed)
            .and_then(|id| self.router_id(id));
        let listen = self.optional(&bgp.listen, |check, listen| check.listen(listen));
        let neighbors = self.neighbors(&bgp.neighbor);
        Some(Bgp {
            asn: asn?,
            router_id: router_id?,
            listen: listen?.unwrap_or_else(defaults::listen),
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

    fn listen(&mut self, list: &[Spanned<String>]) -> Option<Vec<SocketAddr>> {
        // The index and the line of the entry that has an address and port.
        let mut first: HashMap<SocketAddr, (usize, usize)> = HashMap::new();
        let mut checked = Vec::new();
        for (index, value) in list.iter().enumerate() {
            let key = format!("bgp.listen[{index}]");
            let address = listen_address(value.get_ref())
                .map_err(|text| self.refuse(value.span(), &*key, text))
                .ok();
            if let Some(address) = address {
                if let Some((index, line)) = first.get(&address) {
                    let text = format!(
                        "{address} is the same as bgp.listen[{index}] on line {line}; remove one of \
                         them"
                    );
                    self.refuse(value.span(), &*key, text);
                } else {
                    first.insert(address, (index, self.source.line(value.span().start)));
                }
            }
            checked.push(address);
        }
        checked.into_iter().collect()
    }

    fn neighbors(&mut self, tables: &[Spanned<Table<schema::Neighbor>>]) -> Option<Vec<Neighbor>> {
        // The index and the line of the neighbor that has an address.
        let mut first: HashMap<IpAddr, (usize, usize)> = HashMap::new();
        let mut checked = Vec::new();
        for (index, table) in tables.iter().enumerate() {
            let at = format!("bgp.neighbor[{index}]");
            let Table(neighbor) = table.get_ref();
            let key = format!("{at}.address");
            let allowed = "address = \"ADDRESS\", the IPv4 or IPv6 address of the neighbor";
            let value = self.required(table.span(), &*key, &neighbor.address, allowed);
            let mut address = None;
            if let Some(value) = value {
                address = neighbor_address(value.get_ref())
                    .map_err(|text| self.refuse(value.span(), &*key, text))
                    .ok();
                if let Some(address) = address {
                    if let Some((index, line)) = first.get(&address) {
                        let text = format!(
                            "{address} is the same neighbor as bgp.neighbor[{index}] on line {line}; \
                             remove one of them"
                        );
                        self.refuse(value.span(), &*key, text);
                    } else {
                        first.insert(address, (index, self.source.line(table.span().start)));
                    }
                }
            }
            checked.push(self.neighbor(&at, table, address));
        }
        checked.into_iter().collect()
    }

    fn neighbor(
        &mut self,
        at: &str,
        table: &Spanned<Table<schema::Neighbor>>,
        address: Option<IpAddr>,
    ) -> Option<Neighbor> {
        let Table(neighbor) = table.get_ref();
        let key = format!("{at}.remote-as");
        let allowed = "remote-as = NUMBER, the neighbor's AS number";
        let remote_as = self
            .required(table.span(), &*key, &neighbor.remote_as, allowed)
            .and_then(|asn| self.as_number(&key, asn));
        let port =
            self.optional(&neighbor.port, |check, port| check.port(&format!("{at}.port"), port));
        let hold_time = self.optional(&neighbor.hold_time, |check, value| {
            check.hold_time(&format!("{at}.hold-time"), value)
        });
        let families = self.optional(&neighbor.families, |check, list| {
            check.families(&format!("{at}.families"), list)
        });
        let description = self.optional(&neighbor.description, |check, text| {
            check.text(&format!("{at}.description"), text)
        });
        Some(Neighbor {
            peers: Peers::One(address?),
            vpn_instance: None,
            place: Place::Public,
            route_distinguisher: None,
            remote_as: Some(remote_as?),
            port: port?.unwrap_or(defaults::BGP_PORT),
            passive: neighbor.passive.unwrap_or(false),
            hold_time: hold_time?.unwrap_or(defaults::HOLD_TIME),
            families: families?.unwrap_or_else(|| Family::ALL.to_vec()),
            add_path: Vec::new(),
            md5: None,
            source_address: None,
            multihop: None,
            ttl_security: None,
            mss: None,
            maximum_routes: None,
            graceful_restart: true,
            description: description?,
        })
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

    fn families(&mut self, key: &str, list: &Spanned<Vec<Spanned<String>>>) -> Option<Vec<Family>> {
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
fn listen_address(text: &str) -> Result<SocketAddr, String> {
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
fn neighbor_address(text: &str) -> Result<IpAddr, String> {
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
