//! `[[vpn-instance]]` and `[[session]]`.

use std::collections::HashMap;
use std::ops::Range;

use shared::names::{Alias, SessionId, StationAddress, VpnInstanceName};
use toml::Spanned;

use super::value::{about, shown};
use super::{Check, seconds_or};
use crate::config::defaults;
use crate::config::model::{Keepalive, Mode, Monitor, Place, Retry, Session, Tcp, VpnInstance};
use crate::config::schema::{self, Table};

/// The longest name of a network device: IFNAMSIZ without the NUL (netdevice(7)).
const DEVICE_MAX: usize = 15;

/// How many VPN instances are listed when one is not found.
const LISTED_MAX: usize = 10;

/// The VPN instances of the file, also those with something wrong.
#[derive(Default)]
pub(super) struct Instances {
    /// In the order of the file; `None` if something was refused.
    checked: Vec<Option<VpnInstance>>,
    /// Each valid name with its table and its device; `None` if that was refused.
    by_name: HashMap<VpnInstanceName, (usize, Option<String>)>,
}

impl Instances {
    /// All instances, if nothing was refused.
    pub(super) fn complete(self) -> Option<Vec<VpnInstance>> {
        self.checked.into_iter().collect()
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
        let lines: Vec<usize> =
            tables.iter().map(|table| self.source.line(table.span().start)).collect();
        for (index, (table, line)) in tables.iter().zip(lines).enumerate() {
            let at = format!("vpn-instance[{index}]");
            let Table(instance) = table.get_ref();

            let key = format!("{at}.name");
            let name = self
                .required(table.span(), &*key, &instance.name, "name = \"NAME\"")
                .and_then(|text| self.name(&key, text).map(|name| (name, text.span())));
            let key = format!("{at}.device");
            let device = self
                .required(
                    table.span(),
                    &*key,
                    &instance.device,
                    "device = \"DEVICE\", such as a VRF's",
                )
                .and_then(|text| self.device(&key, text));

            let mut unique = None;
            if let Some((name, span)) = name {
                if let Some((first, _)) = instances.by_name.get(&name) {
                    let text = format!(
                        "{} is the same name as that of the VPN instance on line {first}; remove or \
                         rename one of them",
                        shown(name.as_str())
                    );
                    self.refuse(span, format!("{at}.name"), text);
                } else {
                    instances.by_name.insert(name.clone(), (line, device.clone()));
                    unique = Some(name);
                }
            }
            instances.checked.push(unique.zip(device).map(|(name, device)| VpnInstance {
                name,
                place: Place::Device(device),
                route_distinguisher: None,
                listen: defaults::listen(),
            }));
        }
        instances
    }

    /// Every `[[session]]`.
    pub(super) fn sessions(
        &mut self,
        tables: &[Spanned<Table<schema::Session>>],
        instances: &Instances,
    ) -> Option<Vec<Session>> {
        // The index and the line of the session that has an id.
        let mut first: HashMap<SessionId, (usize, usize)> = HashMap::new();
        let mut checked = Vec::new();
        for (index, table) in tables.iter().enumerate() {
            let at = format!("session[{index}]");
            let Table(session) = table.get_ref();
            let id = self.session_id(&at, table.span(), session);
            let device = self.device_of(&at, session, id.as_ref(), instances);
            if let Some(id) = &id {
                let line = self.source.line(table.span().start);
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
            checked.push(self.session(&at, table.span(), session, id, device));
        }
        checked.into_iter().collect()
    }

    fn session(
        &mut self,
        at: &str,
        span: Range<usize>,
        session: &schema::Session,
        id: Option<SessionId>,
        device: Option<Option<String>>,
    ) -> Option<Session> {
        let key = format!("{at}.tcp.connect-port");
        let (tcp_span, port) = match &session.tcp {
            Some(tcp) => (tcp.span(), &tcp.get_ref().0.connect_port),
            None => (span, &None),
        };
        let allowed = "tcp.connect-port = PORT, 1 to 65535: BMP has no port of its own";
        let port =
            self.required(tcp_span, &*key, port, allowed).and_then(|port| self.port(&key, port));
        let description = self.optional(&session.description, |check, text| {
            check.text(&format!("{at}.description"), text)
        });
        let retry = match &session.retry {
            Some(Table(retry)) => self.retry(at, retry),
            None => self.retry(at, &schema::Retry::default()),
        };
        let stall = self.seconds(&format!("{at}.stall-timeout"), &session.stall_timeout, 5..=86400);
        Some(Session {
            id: id?,
            place: device?.map_or(Place::Public, Place::Device),
            mode: Mode::Active(port?),
            tcp: Tcp {
                source: None,
                mss: None,
                dscp: None,
                keepalive: Keepalive::default(),
                user_timeout: std::time::Duration::from_secs(310),
                connect_timeout: std::time::Duration::from_secs(15),
                authentication: None,
            },
            tls: None,
            initial_delay: std::time::Duration::ZERO,
            statistics_timer: std::time::Duration::from_secs(3600),
            shutdown: false,
            initiation_messages: Vec::new(),
            monitor: Monitor::default(),
            description: description?,
            retry: retry?,
            stall_timeout: seconds_or(stall?, defaults::STALL_TIMEOUT),
        })
    }

    fn session_id(
        &mut self,
        at: &str,
        span: Range<usize>,
        session: &schema::Session,
    ) -> Option<SessionId> {
        let key = format!("{at}.address");
        let allowed = "address = \"ADDRESS\", the IPv4 or IPv6 address of the station";
        let address = self
            .required(span, &*key, &session.address, allowed)
            .and_then(|text| self.station(&key, text));
        let vpn_instance = self.optional(&session.vpn_instance, |check, text| {
            check.name(&format!("{at}.vpn-instance"), text)
        });
        let alias = self.optional(&session.alias, |check, text| {
            check.name::<Alias>(&format!("{at}.alias"), text)
        });
        Some(SessionId { vpn_instance: vpn_instance?, address: address?, alias: alias? })
    }

    /// The device of the session's VPN instance.
    fn device_of(
        &mut self,
        at: &str,
        session: &schema::Session,
        id: Option<&SessionId>,
        instances: &Instances,
    ) -> Option<Option<String>> {
        let Some(text) = &session.vpn_instance else {
            return Some(None);
        };
        // The name by itself: also a session whose address was refused is told that it is wrong.
        let name = match id {
            Some(id) => id.vpn_instance.clone()?,
            None => text.get_ref().parse().ok()?,
        };
        if let Some((_, device)) = instances.by_name.get(&name) {
            return device.clone().map(Some);
        }
        let text_wrong =
            format!("there is no VPN instance {}; {}", shown(name.as_str()), instances.list());
        self.refuse(text.span(), format!("{at}.vpn-instance"), text_wrong);
        None
    }

    /// Two sessions with the same id: what tells them apart is the alias, never the port.
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

    fn retry(&mut self, at: &str, retry: &schema::Retry) -> Option<Retry> {
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

    fn name<N>(&mut self, key: &str, value: &Spanned<String>) -> Option<N>
    where
        N: std::str::FromStr<Err = shared::names::NameError>,
    {
        let text = value.get_ref();
        text.parse().map_err(|error| self.refuse(value.span(), key, about(text, &error))).ok()
    }

    /// The name of a network device, by the kernel's rules (`dev_valid_name`).
    fn device(&mut self, key: &str, value: &Spanned<String>) -> Option<String> {
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
}
