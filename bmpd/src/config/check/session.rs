//! `[[session]]`.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::ops::Range;

use shared::names::{Alias, RouterId, SessionId, StationAddress};
use toml::Spanned;

use super::instance::{Belongs, Instances};
use super::monitor::KnownNeighbors;
use super::value::about;
use super::{Check, seconds_or};
use crate::config::defaults;
use crate::config::model::{Bmp, Identity, Mode, Retry, Session};
use crate::config::schema::{self, Table};
use crate::filter::Monitor;
use crate::net::settings::{Place, Source};

/// The most free-form TLVs of an Initiation.
const MESSAGES_MAX: usize = 16;

/// Where passive sessions listen: at a port either every address is taken, or single ones are.
#[derive(Default)]
struct ListeningPlaces(HashMap<(Place, Mode, bool), (bool, usize)>);

impl ListeningPlaces {
    /// Adds a session on a line; returns the line of one that conflicts with it.
    fn add(&mut self, session: &Session, line: usize) -> Option<usize> {
        if !matches!(session.mode, Mode::Passive(_)) {
            return None;
        }
        let place = match &session.tcp.source {
            Some(Source::Interface(device)) => Place::Device(device.clone()),
            Some(Source::Address(_)) | None => session.place.clone(),
        };
        let everywhere = !matches!(session.tcp.source, Some(Source::Address(_)));
        let key = (place, session.mode, session.id.address.ip().is_ipv6());
        let (first, line) = *self.0.entry(key).or_insert((everywhere, line));
        (first != everywhere).then_some(line)
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
        // The index and the line of the session that has an id, and of the one that is listening for a
        // station.
        let mut first: HashMap<SessionId, (usize, usize)> = HashMap::new();
        let mut listening: HashMap<(Place, StationAddress, Mode), (usize, usize)> = HashMap::new();
        let mut places = ListeningPlaces::default();
        let mut checked = Vec::new();
        for (index, table) in tables.iter().enumerate() {
            let at = format!("session[{index}]");
            let Table(session) = table.get_ref();
            let line = self.source.line(table.span().start);
            let belongs = self.belongs(
                &format!("{at}.vpn-instance"),
                &session.vpn_instance,
                common.instances,
            );
            let id = self.session_id(&at, table.span(), session, belongs.as_ref());
            if let Some(id) = &id {
                match first.get(id) {
                    Some((index, line)) => {
                        let (index, line) = (*index, *line);
                        self.same_session(&at, session, id, index, line);
                    }
                    None => {
                        first.insert(id.clone(), (index, line));
                    }
                }
            }
            let checked_one = self.session(&at, table.span(), session, id, belongs, common);
            if let Some(session) = &checked_one
                && let Some(line) = places.add(session, line)
            {
                let text = format!(
                    "the session on line {line} listens at the same port, and one of the two at every \
                     address; give both a tcp.source-address, or none"
                );
                self.refuse(table.span(), format!("{at}.tcp.source-address"), text);
            }
            if let Some(Session { mode: Mode::Passive(port), place: Place::Public, .. }) =
                &checked_one
                && common.relay_listen.iter().any(|address| address.port() == port.get())
            {
                let text =
                    format!("routers connect to port {port} ([relay] listen); choose another port");
                self.refuse(table.span(), format!("{at}.tcp.listen-port"), text);
            }
            if let Some(Session { id, mode: mode @ Mode::Passive(port), place, .. }) = &checked_one
            {
                let key = (place.clone(), id.address, *mode);
                if let Some((index, line)) = listening.get(&key) {
                    let text = format!(
                        "session[{index}] on line {line} waits for the same station at port {port}; \
                         give one of them another tcp.listen-port"
                    );
                    self.refuse(table.span(), format!("{at}.tcp.listen-port"), text);
                } else {
                    listening.insert(key, (index, line));
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
        let identity = self.identity(at, session, mode);
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

    fn identity(
        &mut self,
        at: &str,
        session: &schema::Session,
        mode: Option<Mode>,
    ) -> Option<Identity> {
        let Some(value) = &session.identity else { return Some(Identity::default()) };
        let wrong = match (value.get_ref().as_str(), mode) {
            ("plain", _) => return Some(Identity::Plain),
            ("proxy-v2", Some(Mode::Passive(_))) => {
                "a PROXY protocol header is sent by the side that connects; write mode = \"active\", or remove it"
                    .to_owned()
            }
            ("proxy-v2", _) => return Some(Identity::ProxyV2),
            (other, _) => format!(
                "{} is not an identity; \"plain\" and \"proxy-v2\" (a PROXY protocol header with the router's \
                 address) are allowed",
                super::value::shown(other)
            ),
        };
        self.refuse(value.span(), format!("{at}.identity"), wrong);
        None
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
        line: usize,
    ) {
        let (key, place, advice) = match (&session.alias, &session.address) {
            (Some(alias), _) => ("alias", alias.span(), "give one of them another alias"),
            (None, Some(address)) => ("address", address.span(), "give one of them an alias"),
            (None, None) => return,
        };
        let text = format!("{id} is the same session as session[{first}] on line {line}; {advice}");
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
