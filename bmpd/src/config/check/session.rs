//! `[[session]]`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;
use std::ops::Range;

use shared::names::{Alias, RouterId, RouterName, SessionId, StationAddress};
use toml::Spanned;

use super::instance::{Belongs, Instances};
use super::monitor::KnownNeighbors;
use super::value::about;
use super::{Check, seconds_or};
use crate::config::defaults;
use crate::config::model::{Bmp, Identity, Mode, Prefix, Retry, Session};
use crate::config::schema::{self, Table};
use crate::filter::Monitor;
use crate::net::settings::{Place, Source};

/// The most free-form TLVs of an Initiation.
const MESSAGES_MAX: usize = 16;

/// Where passive sessions listen: at a port either every address is taken, or single ones are.
#[derive(Default)]
struct ListeningPlaces(HashMap<(Place, NonZeroU16, bool), (bool, usize)>);

impl ListeningPlaces {
    /// Adds a session with its place; returns that of one that conflicts with it.
    fn add(&mut self, session: &Session, begin: usize) -> Option<usize> {
        let place = match &session.tcp.source {
            Some(Source::Interface(device)) => Place::Device(device.clone()),
            Some(Source::Address(_)) | None => session.place.clone(),
        };
        let everywhere = !matches!(session.tcp.source, Some(Source::Address(_)));
        let is_ipv6 = session.id.address.ip().is_ipv6();
        session.listen_ports().into_iter().find_map(|port| {
            let key = (place.clone(), port, is_ipv6);
            let (first, begin) = *self.0.entry(key).or_insert((everywhere, begin));
            (first != everywhere).then_some(begin)
        })
    }
}

/// What sessions refer to.
pub(super) struct Common<'a> {
    pub(super) instances: &'a Instances,
    /// `None` if it was refused.
    pub(super) bmp: Option<&'a Bmp>,
    /// `None` if some of them were refused, or others can be named: peers of routers.
    pub(super) neighbors: Option<&'a KnownNeighbors>,
    /// The names of routers; `None` if others can be named: routers of prefixes.
    pub(super) routers: Option<&'a HashSet<RouterId>>,
    /// Where routers connect to.
    pub(super) relay_listen: &'a [SocketAddr],
    /// True if there are routers, whose peers can be in any VPN instance.
    pub(super) has_routers: bool,
}

impl Check<'_> {
    /// Every `[[session]]`.
    pub(super) fn sessions(
        &mut self,
        tables: &[Spanned<Table<schema::Session>>],
        common: &Common<'_>,
    ) -> Option<Vec<Session>> {
        // The index and the place of the session that has an id, and of the one that is listening for a
        // station.
        let mut first: HashMap<SessionId, (usize, usize)> = HashMap::new();
        let mut listening: HashMap<(Place, StationAddress, NonZeroU16), (usize, usize)> =
            HashMap::new();
        let mut places = ListeningPlaces::default();
        let mut checked = Vec::new();
        for (index, table) in tables.iter().enumerate() {
            let at = format!("session[{index}]");
            let Table(session) = table.get_ref();
            let begin = table.span().start;
            let belongs = self.belongs(
                &format!("{at}.vpn-instance"),
                &session.vpn_instance,
                common.instances,
            );
            let id = self.session_id(&at, table.span(), session, belongs.as_ref());
            if let Some(id) = &id {
                match first.get(id) {
                    Some((index, begin)) => {
                        let (index, begin) = (*index, *begin);
                        self.same_session(&at, session, id, index, begin);
                    }
                    None => {
                        first.insert(id.clone(), (index, begin));
                    }
                }
            }
            let checked_one = self.session(&at, table.span(), session, id, belongs, common);
            if let Some(session) = &checked_one
                && let Some(first) = places.add(session, begin)
            {
                let line = self.source.place(first);
                let text = format!(
                    "the session on {line} listens at the same port, and one of the two at every \
                     address; give both a tcp.source-address, or none"
                );
                self.refuse(table.span(), format!("{at}.tcp.source-address"), text);
            }
            let ports = checked_one.as_ref().map(Session::listen_ports).unwrap_or_default();
            let is_of_relay = |port: &&NonZeroU16| {
                common.relay_listen.iter().any(|address| address.port() == port.get())
            };
            if let Some(Session { place: Place::Public, .. }) = &checked_one
                && let Some(port) = ports.iter().find(is_of_relay)
            {
                let text =
                    format!("routers connect to port {port} ([relay] listen); choose another port");
                self.refuse(table.span(), format!("{at}.tcp.listen-port"), text);
            }
            for (Session { id, place, .. }, port) in
                ports.iter().filter_map(|port| Some((checked_one.as_ref()?, port)))
            {
                let key = (place.clone(), id.address, *port);
                if let Some((index, begin)) = listening.get(&key) {
                    let line = self.source.place(*begin);
                    let text = format!(
                        "session[{index}] on {line} waits for the same station at port {port}; \
                         give one of them another tcp.listen-port"
                    );
                    self.refuse(table.span(), format!("{at}.tcp.listen-port"), text);
                } else {
                    listening.insert(key, (index, begin));
                }
            }
            checked.push(checked_one);
        }
        checked.into_iter().collect()
    }

    fn session(
        &mut self,
        at: &str,
        span: Range<usize>,
        session: &schema::Session,
        id: Option<SessionId>,
        belongs: Option<Belongs>,
        common: &Common<'_>,
    ) -> Option<Session> {
        let mode = self.mode(at, span, session);
        let stall = self
            .seconds(&format!("{at}.stall-timeout"), &session.stall_timeout, 5..=86400)
            .map(|given| seconds_or(given, defaults::STALL_TIMEOUT));
        let address = id.as_ref().map(|id| id.address);
        let none = schema::Tcp::default();
        let tcp = session.tcp.as_ref().map_or(&none, |tcp| &tcp.get_ref().0);
        let tcp = self.tcp(at, tcp, address, stall.unwrap_or_default());
        let tls = self.optional(&session.tls, |check, tls| check.tls(at, tls));
        let description = self.optional(&session.description, |check, text| {
            check.text(&format!("{at}.description"), text)
        });
        let retry = match &session.retry {
            Some(Table(retry)) => self.retry(at, retry),
            None => self.retry(at, &schema::Retry::default()),
        };
        let key = format!("{at}.initial-delay");
        let initial_delay = self.seconds(&key, &session.initial_delay, 0..=3600);
        let key = format!("{at}.statistics-timer");
        let statistics_timer = self.seconds(&key, &session.statistics_timer, 15..=65535);
        let messages = self.optional(&session.initiation_message, |check, texts| {
            check.initiation_messages(&format!("{at}.initiation-message"), texts)
        });
        let monitor = match &session.monitor {
            Some(monitor) => self.monitor(&format!("{at}.monitor"), monitor, common),
            None => Some(Monitor::default()),
        };
        let station = id.as_ref().map(|id| id.address.ip());
        let identity = self.identity(at, session, mode, station, common);
        Some(Session {
            id: id?,
            place: belongs?.place,
            mode: mode?,
            tcp: tcp?,
            tls: tls?,
            description: description?,
            retry: retry?,
            stall_timeout: stall?,
            initial_delay: seconds_or(initial_delay?, 0),
            statistics_timer: match statistics_timer? {
                Some(seconds) => seconds_or(Some(seconds), 0),
                None => common.bmp?.statistics_timer,
            },
            shutdown: session.shutdown.unwrap_or(false),
            initiation_messages: messages?.unwrap_or_default(),
            identity: identity?,
            monitor: monitor?,
        })
    }

    /// `identity`, and what belongs to one.
    fn identity(
        &mut self,
        at: &str,
        session: &schema::Session,
        mode: Option<Mode>,
        station: Option<IpAddr>,
        common: &Common<'_>,
    ) -> Option<Identity> {
        let word = session.identity.as_ref().map_or("plain", |value| value.get_ref());
        let of_other = [
            (
                "source-addresses",
                session.source_addresses.as_ref().map(Spanned::span),
                "source-address",
            ),
            ("ports", session.ports.as_ref().map(Spanned::span), "port"),
        ];
        for (key, span, identity) in of_other {
            if let Some(span) = span
                && word != identity
            {
                let text =
                    format!("only identity = \"{identity}\" has it; write that, or remove it");
                self.refuse(span, format!("{at}.{key}"), text);
                return None;
            }
        }
        let Some(value) = &session.identity else { return Some(Identity::default()) };
        let is_passive = matches!(mode, Some(Mode::Passive(_)));
        let wrong = match word {
            "plain" => return Some(Identity::Plain),
            "proxy-v2" if is_passive => {
                "a PROXY protocol header is sent by the side that connects; write mode = \"active\", or remove it"
                    .to_owned()
            }
            "proxy-v2" => return Some(Identity::ProxyV2),
            "source-address" if is_passive => {
                "the station makes the connections of this session; write mode = \"active\", or remove it".to_owned()
            }
            "source-address" if session.tcp_source().is_some() => {
                "tcp.source-address and tcp.source-interface are for all connections of the session; remove one of \
                 both"
                    .to_owned()
            }
            "source-address" => {
                let Some(list) = &session.source_addresses else {
                    return Some(Identity::RouterAddress);
                };
                let key = format!("{at}.source-addresses");
                if list.get_ref().is_empty() {
                    let text = "the list is empty; one or more addresses or prefixes are allowed, or none of it for the \
                                routers' own";
                    self.refuse(list.span(), key, text);
                    return None;
                }
                let checked = self.prefixes(&key, list.get_ref())?;
                let is_of = |prefix: &Prefix| Some(prefix.network.is_ipv4()) == station.map(|ip| ip.is_ipv4());
                if station.is_some() && !checked.iter().any(is_of) {
                    let text = "none of them is of the family of the station's address; add some that are";
                    self.refuse(list.span(), key, text);
                    return None;
                }
                return Some(Identity::SourceAddresses(checked));
            }
            "port" => {
                let allowed = "ports = { NAME = PORT }, 1 to 65535, the port of each router";
                let ports = self.required(value.span(), format!("{at}.ports"), &session.ports, allowed)?;
                let own = mode.map(Mode::port);
                let ports = self.ports(&format!("{at}.ports"), ports.get_ref(), own, common);
                return ports.map(Identity::Ports);
            }
            other => format!(
                "{} is not an identity; \"plain\", \"proxy-v2\" (a PROXY protocol header with the router's \
                 address), \"source-address\" (connections from the router's address, or from source-addresses) and \
                 \"port\" (a port for each router) are allowed",
                super::value::shown(other)
            ),
        };
        self.refuse(value.span(), format!("{at}.identity"), wrong);
        None
    }

    /// The port of each router; no two have the same one.
    fn ports(
        &mut self,
        at: &str,
        ports: &BTreeMap<Spanned<String>, Spanned<schema::Whole>>,
        own: Option<NonZeroU16>,
        common: &Common<'_>,
    ) -> Option<BTreeMap<RouterName, NonZeroU16>> {
        let mut checked = BTreeMap::new();
        let mut is_good = true;
        for (name, port) in ports {
            let key = format!("{at}.{}", name.get_ref());
            let router = self.name::<RouterName>(&key, name).filter(|router| {
                let id = RouterId::Named(router.clone());
                let is_known = common.routers.is_none_or(|known| known.contains(&id));
                if !is_known {
                    let text = format!(
                        "no [[router]] has the name {}",
                        super::value::shown(name.get_ref())
                    );
                    self.refuse(name.span(), key.clone(), text);
                }
                is_known
            });
            let number = self.port(&key, port);
            let (Some(router), Some(number)) = (router, number) else {
                is_good = false;
                continue;
            };
            if own == Some(number) {
                let text = format!(
                    "{number} is the port of the session itself, for bmpd; give the router another"
                );
                self.refuse(port.span(), key, text);
                is_good = false;
                continue;
            }
            if let Some((other, _)) = checked.iter().find(|(_, taken)| **taken == number) {
                let text = format!("{number} is the port of {other}; give one of them another");
                self.refuse(port.span(), key, text);
                is_good = false;
                continue;
            }
            checked.insert(router, number);
        }
        is_good.then_some(checked)
    }

    /// Free-form TLVs (RFC 7854 section 4.4): UTF-8, here one line each.
    fn initiation_messages(
        &mut self,
        key: &str,
        texts: &Spanned<schema::OneOrMany>,
    ) -> Option<Vec<String>> {
        let schema::OneOrMany(list) = texts.get_ref();
        let wrong = if list.len() > MESSAGES_MAX {
            Some(format!("there are {} texts; at most {MESSAGES_MAX} are allowed", list.len()))
        } else {
            list.iter().find_map(|text| super::value::text_fault(text))
        };
        match wrong {
            None => Some(list.clone()),
            Some(wrong) => {
                self.refuse(texts.span(), key, wrong);
                None
            }
        }
    }

    fn session_id(
        &mut self,
        at: &str,
        span: Range<usize>,
        session: &schema::Session,
        belongs: Option<&Belongs>,
    ) -> Option<SessionId> {
        let key = format!("{at}.address");
        let allowed = "address = \"ADDRESS\", the IPv4 or IPv6 address of the station";
        let address = self
            .required(span, &*key, &session.address, allowed)
            .and_then(|text| self.station(&key, text));
        let alias = self.optional(&session.alias, |check, text| {
            check.name::<Alias>(&format!("{at}.alias"), text)
        });
        Some(SessionId { vpn_instance: belongs?.name.clone(), address: address?, alias: alias? })
    }

    /// Two sessions with the same id: what distinguishes them is the alias, never the port.
    fn same_session(
        &mut self,
        at: &str,
        session: &schema::Session,
        id: &SessionId,
        first: usize,
        begin: usize,
    ) {
        let line = self.source.place(begin);
        let (key, place, advice) = match (&session.alias, &session.address) {
            (Some(alias), _) => ("alias", alias.span(), "give one of them another alias"),
            (None, Some(address)) => ("address", address.span(), "give one of them an alias"),
            (None, None) => return,
        };
        let text = format!("{id} is the same session as session[{first}] on {line}; {advice}");
        self.refuse(place, format!("{at}.{key}"), text);
    }

    pub(super) fn retry(&mut self, at: &str, retry: &schema::Retry) -> Option<Retry> {
        let key = format!("{at}.retry.initial");
        let initial = self.seconds(&key, &retry.initial, 1..=86400);
        let maximum = self.seconds(&format!("{at}.retry.maximum"), &retry.maximum, 1..=86400);
        let initial = seconds_or(initial?, defaults::RETRY_INITIAL);
        let maximum = seconds_or(maximum?, defaults::RETRY_MAXIMUM);
        if initial <= maximum {
            return Some(Retry { initial, maximum });
        }
        let (long, short) = (initial.as_secs(), maximum.as_secs());
        match (&retry.initial, &retry.maximum) {
            (_, Some(value)) => self.refuse(
                value.span(),
                format!("{at}.retry.maximum"),
                format!("{short} is less than retry.initial; {long} to 86400 seconds are allowed"),
            ),
            (Some(value), None) => self.refuse(
                value.span(),
                key,
                format!(
                    "{long} is more than retry.maximum, which is {short} by default; write \
                     retry.maximum = {long} or more too"
                ),
            ),
            (None, None) => {}
        }
        None
    }

    fn station(&mut self, key: &str, value: &Spanned<String>) -> Option<StationAddress> {
        // No address is that long: the error need not repeat more.
        let text: String = value.get_ref().chars().take(80).collect();
        text.parse().map_err(|error| self.refuse(value.span(), key, about(&text, &error))).ok()
    }

    pub(super) fn name<N>(&mut self, key: &str, value: &Spanned<String>) -> Option<N>
    where
        N: std::str::FromStr<Err = shared::names::NameError>,
    {
        let text = value.get_ref();
        text.parse().map_err(|error| self.refuse(value.span(), key, about(text, &error))).ok()
    }
}
