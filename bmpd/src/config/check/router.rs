//! `[relay]` and `[[router]]`.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::ops::Range;
use std::time::Duration;

use shared::names::{RouterName, StationAddress, VpnInstanceName};
use toml::Spanned;

use super::instance::{Belongs, Instances};
use super::value::shown;
use super::{Check, seconds_or};
use crate::config::defaults;
use crate::config::model::{Peers, PendingLimits, Prefix, Relay, Router, RouterLimits, Who};
use crate::config::schema::{self, Table};

/// The most addresses of one router.
const ADDRESSES_MAX: usize = 64;

/// The index and the place of a table.
type TableAt = (usize, usize);
/// The instance, the address, and the length of a prefix.
type Place = (Option<VpnInstanceName>, IpAddr, Option<u8>);

/// What routers have that no other may have.
#[derive(Default)]
struct Taken {
    names: HashMap<RouterName, TableAt>,
    places: HashMap<Place, TableAt>,
}

impl Check<'_> {
    /// `[relay]`.
    pub(super) fn relay(&mut self, table: &Spanned<Table<schema::Relay>>) -> Option<Relay> {
        let Table(relay) = table.get_ref();
        let listen =
            self.optional(&relay.listen, |check, listen| check.listen("relay.listen", listen));
        let memory_limit = self.optional(&relay.memory_limit, |check, limit| {
            check.whole("relay.memory-limit", limit, 1..=u32::MAX, " MiB")
        });
        let maximum = self.optional(&relay.maximum_pending, |check, value| {
            check.whole("relay.maximum-pending", value, 1..=10000, "")
        });
        let timeout = self.seconds("relay.initiation-timeout", &relay.initiation_timeout, 1..=3600);
        let proxies = self.prefixes("relay.proxies", relay.proxies.as_deref().unwrap_or_default());
        Some(Relay {
            listen: listen?.unwrap_or_else(defaults::relay_listen),
            memory_limit: memory_limit?,
            pending: PendingLimits {
                maximum: maximum?.unwrap_or(defaults::RELAY_PENDING),
                timeout: seconds_or(timeout?, defaults::INITIATION_TIMEOUT),
            },
            proxies: proxies?,
        })
    }

    /// A list of addresses and prefixes.
    pub(super) fn prefixes(
        &mut self,
        key: &str,
        values: &[Spanned<String>],
    ) -> Option<Vec<Prefix>> {
        let mut checked = Vec::new();
        for (index, value) in values.iter().enumerate() {
            let text = value.get_ref();
            let prefix = match text.parse::<IpAddr>() {
                Ok(network) if network.to_canonical() == network => {
                    Ok((network, if network.is_ipv4() { 32 } else { 128 }))
                }
                _ => super::bgp::prefix(text),
            };
            checked.push(match prefix {
                Ok((network, length)) => Some(Prefix { network, length }),
                Err(error) => {
                    let error = error
                        .replace("is not a prefix; one", "is neither an address nor a prefix; one");
                    self.refuse(value.span(), format!("{key}[{index}]"), error);
                    None
                }
            });
        }
        checked.into_iter().collect()
    }

    /// Every `[[router]]`.
    pub(super) fn routers(
        &mut self,
        tables: &[Spanned<Table<schema::Router>>],
        has_relay: bool,
        instances: &Instances,
    ) -> Option<Vec<Router>> {
        if let Some(first) = tables.first()
            && !has_relay
        {
            let text = "there is no [relay]; write [relay] before the first [[router]], with listen = [\"ADDRESS:PORT\"] \
                        for another place than port 11019 of every address";
            self.refuse(first.span(), "router[0]", text);
            return None;
        }
        let mut taken = Taken::default();
        let mut checked = Vec::new();
        for (index, table) in tables.iter().enumerate() {
            let at = format!("router[{index}]");
            let Table(router) = table.get_ref();
            let belongs =
                self.belongs(&format!("{at}.vpn-instance"), &router.vpn_instance, instances);
            let who = self.who(&at, table.span(), router);
            if let (Some(who), Some(belongs)) = (&who, &belongs) {
                self.only_once(
                    &at,
                    router,
                    (who, belongs),
                    (index, table.span().start),
                    &mut taken,
                );
            }
            checked.push(self.router(&at, table.span(), router, who, belongs));
        }
        checked.into_iter().collect()
    }

    /// No two routers have the same name, address or prefix.
    fn only_once(
        &mut self,
        at: &str,
        router: &schema::Router,
        (who, belongs): (&Who, &Belongs),
        this: (usize, usize),
        taken: &mut Taken,
    ) {
        if let (Who::Named { name, .. }, Some(value)) = (who, &router.name) {
            if let Some((index, begin)) = taken.names.get(name) {
                let line = self.source.place(*begin);
                let text = format!(
                    "router[{index}] on {line} has this name; give one of them another, or write all addresses of \
                     one router in its addresses"
                );
                self.refuse(value.span(), format!("{at}.name"), text);
            } else {
                taken.names.insert(name.clone(), this);
            }
        }
        let (places, key, span): (Vec<_>, _, _) = match who {
            Who::Named { addresses, .. } => {
                let address = router.address.as_ref().map(|value| ("address", value.span()));
                let all = router.addresses.as_ref().map(|value| ("addresses", value.span()));
                let Some((key, span)) = address.or(all) else { return };
                (addresses.iter().map(|address| (*address, None)).collect(), key, span)
            }
            Who::Prefix(Peers::Prefix { network, length, .. }) => {
                let Some(value) = &router.prefix else { return };
                (vec![(*network, Some(*length))], "prefix", value.span())
            }
            Who::Prefix(Peers::One(_)) => return,
        };
        for (address, length) in places {
            let place = (belongs.name.clone(), address, length);
            if let Some((index, begin)) = taken.places.get(&place) {
                let line = self.source.place(*begin);
                let shown = length.map_or(String::new(), |length| format!("/{length}"));
                let text = format!(
                    "{address}{shown} is that of router[{index}] on {line}; remove it from one of them"
                );
                self.refuse(span.clone(), format!("{at}.{key}"), text);
            } else {
                taken.places.insert(place, this);
            }
        }
    }

    /// A name and addresses, or a prefix.
    fn who(&mut self, at: &str, span: Range<usize>, router: &schema::Router) -> Option<Who> {
        let name = self.optional(&router.name, |check, name| {
            check.name::<RouterName>(&format!("{at}.name"), name)
        });
        if let Some(value) = &router.prefix {
            let other = [
                ("address", router.address.as_ref().map(Spanned::span)),
                ("addresses", router.addresses.as_ref().map(Spanned::span)),
                ("name", router.name.as_ref().map(Spanned::span)),
            ];
            if let Some((key, Some(span))) = other.into_iter().find(|(_, span)| span.is_some()) {
                let text = "the routers of a prefix are named by what each says of itself (sysName); remove it, or \
                            the prefix";
                self.refuse(span, format!("{at}.{key}"), text);
                return None;
            }
            let maximum = self.optional(&router.maximum_routers, |check, value| {
                check.whole(&format!("{at}.maximum-routers"), value, 1..=10000, "")
            });
            let (network, length) = super::bgp::prefix(value.get_ref())
                .map_err(|text| self.refuse(value.span(), format!("{at}.prefix"), text))
                .ok()?;
            let maximum = maximum?.unwrap_or(defaults::MAXIMUM_ROUTERS);
            return Some(Who::Prefix(Peers::Prefix { network, length, maximum }));
        }
        if let Some(value) = &router.maximum_routers {
            let text = "only a router with a prefix has it; remove it";
            self.refuse(value.span(), format!("{at}.maximum-routers"), text);
            return None;
        }
        let addresses = self.addresses(at, span.clone(), router);
        let allowed = "name = \"NAME\", 1 to 63 characters, or prefix = \"PREFIX\" instead of an address for all in it";
        self.required(span, format!("{at}.name"), &router.name, allowed)?;
        Some(Who::Named { name: name??, addresses: addresses? })
    }

    fn addresses(
        &mut self,
        at: &str,
        span: Range<usize>,
        router: &schema::Router,
    ) -> Option<Vec<IpAddr>> {
        let one = |check: &mut Self, key: String, value: &Spanned<String>| {
            router_address(value.get_ref())
                .map_err(|text| check.refuse(value.span(), key, text))
                .ok()
        };
        match (&router.address, &router.addresses) {
            (Some(_), Some(all)) => {
                let text = "a router has an address or addresses; remove one of them";
                self.refuse(all.span(), format!("{at}.addresses"), text);
                None
            }
            (None, Some(all)) => {
                let list = all.get_ref();
                if list.is_empty() || list.len() > ADDRESSES_MAX {
                    let text = format!(
                        "it has {} addresses; 1 to {ADDRESSES_MAX} are allowed",
                        list.len()
                    );
                    self.refuse(all.span(), format!("{at}.addresses"), text);
                    return None;
                }
                let checked: Vec<Option<IpAddr>> = list
                    .iter()
                    .enumerate()
                    .map(|(index, value)| one(self, format!("{at}.addresses[{index}]"), value))
                    .collect();
                let mut addresses: Vec<IpAddr> = checked.into_iter().collect::<Option<_>>()?;
                let mut seen = std::collections::HashSet::new();
                addresses.retain(|address| seen.insert(*address));
                Some(addresses)
            }
            (address, None) => {
                let key = format!("{at}.address");
                let allowed = "address = \"ADDRESS\", the IPv4 or IPv6 address of the router, or addresses = [...] if it \
                               has several";
                let value = self.required(span, &*key, address, allowed)?;
                one(self, key, value).map(|address| vec![address])
            }
        }
    }

    fn router(
        &mut self,
        at: &str,
        span: Range<usize>,
        router: &schema::Router,
        who: Option<Who>,
        belongs: Option<Belongs>,
    ) -> Option<Router> {
        let active = self.connects(at, span, router, who.as_ref());
        let none = schema::Tcp::default();
        let tcp = router.tcp.as_ref().map_or(&none, |tcp| &tcp.get_ref().0);
        let first = match &who {
            Some(Who::Named { addresses, .. }) => addresses.first(),
            Some(Who::Prefix(_)) | None => None,
        };
        let address = first.and_then(|address| StationAddress::try_from(*address).ok());
        let tcp = self.tcp(at, tcp, address, Duration::ZERO);
        let tls = self.optional(&router.tls, |check, tls| check.server_tls(at, tls));
        let retry = match &router.retry {
            Some(Table(retry)) => self.retry(at, retry),
            None => self.retry(at, &schema::Retry::default()),
        };
        let hold_time = self.seconds(&format!("{at}.hold-time"), &router.hold_time, 0..=86400);
        let limit = |check: &mut Self, key: &str, value, allowed, unit| {
            check.optional(value, |check, value| {
                check.whole(&format!("{at}.{key}"), value, allowed, unit)
            })
        };
        let peers = limit(self, "maximum-peers", &router.maximum_peers, 1..=100_000, "");
        let routes = limit(self, "maximum-routes", &router.maximum_routes, 1..=u32::MAX, "");
        let memory = limit(self, "maximum-memory", &router.maximum_memory, 16..=1_048_576, " MiB");
        let message =
            limit(self, "maximum-message", &router.maximum_message, 4096..=16_777_216, " bytes");
        let description = self.optional(&router.description, |check, text| {
            check.text(&format!("{at}.description"), text)
        });
        let Belongs { name, place, .. } = belongs?;
        Some(Router {
            who: who?,
            vpn_instance: name,
            place,
            active: active?,
            tcp: tcp?,
            tls: tls?,
            retry: retry?,
            hold_time: seconds_or(hold_time?, defaults::ROUTER_HOLD_TIME),
            limits: RouterLimits {
                peers: peers?.unwrap_or(defaults::MAXIMUM_PEERS),
                routes: routes?,
                memory: memory?.unwrap_or(defaults::ROUTER_MEMORY),
                message: message?.unwrap_or(defaults::MAXIMUM_MESSAGE),
            },
            description: description?,
            shutdown: router.shutdown.unwrap_or(false),
        })
    }

    /// The port of the router that bmpd connects to, if it does.
    fn connects(
        &mut self,
        at: &str,
        span: Range<usize>,
        router: &schema::Router,
        who: Option<&Who>,
    ) -> Option<Option<NonZeroU16>> {
        let tcp = router.tcp.as_ref().map(|tcp| &tcp.get_ref().0);
        if let Some(port) = tcp.and_then(|tcp| tcp.listen_port.as_ref()) {
            let text = "routers connect to [relay] listen; remove it";
            self.refuse(port.span(), format!("{at}.tcp.listen-port"), text);
            return None;
        }
        let connect_port = tcp.and_then(|tcp| tcp.connect_port.as_ref());
        let key = format!("{at}.tcp.connect-port");
        match router.mode.as_ref().map(|mode| (mode.get_ref().as_str(), mode)) {
            None | Some(("passive", _)) => {
                if let Some(port) = connect_port {
                    let text = "bmpd waits for this router to connect; write mode = \"active\" too, or remove it";
                    self.refuse(port.span(), key, text);
                    return None;
                }
                Some(None)
            }
            Some(("active", mode)) => {
                if let Some(Who::Prefix(_)) = who {
                    let text = "the routers of a prefix connect to bmpd; remove it";
                    self.refuse(mode.span(), format!("{at}.mode"), text);
                    return None;
                }
                let allowed = "tcp.connect-port = PORT, 1 to 65535, at which the router listens for BMP stations";
                let port = self.required(span, &*key, &connect_port, allowed)?;
                self.port(&key, port).map(Some)
            }
            Some((other, mode)) => {
                let text = format!(
                    "{} is not a mode; \"passive\" (the router connects, the default) and \"active\" (bmpd connects) \
                     are allowed",
                    shown(other)
                );
                self.refuse(mode.span(), format!("{at}.mode"), text);
                None
            }
        }
    }
}

/// The address of a router, or why not. The rules are those for neighbors.
fn router_address(text: &str) -> Result<IpAddr, String> {
    super::bgp::neighbor_address(text).map_err(|error| error.replace("neighbor", "router"))
}
