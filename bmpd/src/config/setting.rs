//! Parameters as people write and read them: a row each.
//!
//! Sessions (`sinks::station::parameters`), publishers (`sinks::kafka::parameters`), neighbors (`sources::bgp::changes`), routers
//! (`sources::bmp::changes`) and the daemon (`world::control`) make such rows of what they are configured with.
//! Their tables are the one list of keys: what a reload changes and what `show config` shows both come from there. No
//! row shows a key.

use std::path::Path;
use std::time::Duration;

use shared::response::{self, Change, ConfigValue, PendingValue, Until};

use super::model::{Bmp, Tcp};
use crate::filter::{Monitor, MonitorNeighbors};
use crate::net::settings::{AoKey, Authentication, Source};
use crate::secret::Secret;

/// When a parameter that has changed takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// With the next connection.
    Connection,
    /// At once.
    Running,
}

/// One parameter.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    /// Its name, which is its key in the file unless it has several.
    key: &'static str,
    effect: Effect,
    /// As people read it.
    shown: String,
    /// What makes a difference and is not shown: a key, or what a file holds.
    hidden: Option<Vec<u8>>,
    /// Its keys in the file with their values.
    written: Vec<(&'static str, Option<ConfigValue>)>,
}

impl Setting {
    /// A parameter with one key, which is shown as it is written.
    pub(crate) fn new(key: &'static str, effect: Effect, value: Option<ConfigValue>) -> Self {
        let shown = value.as_ref().map_or_else(none, spoken);
        Self { key, effect, shown, hidden: None, written: vec![(key, value)] }
    }

    /// A length of time, which is written in seconds.
    pub(crate) fn seconds(key: &'static str, effect: Effect, time: Duration) -> Self {
        Self::new(key, effect, integer(time.as_secs())).shown(format!("{} s", time.as_secs()))
    }

    /// A key, or the file that it was read from; `keys` are those of the file for the two.
    pub(crate) fn secret(
        key: &'static str,
        effect: Effect,
        keys: [&'static str; 2],
        secret: Option<&Secret>,
    ) -> Self {
        let [inline, file] = written_secret(secret);
        Self::new(key, effect, secret.map(|_| ConfigValue::Secret))
            .hidden(secret.map(|secret| secret.expose().to_vec()))
            .written([(keys[0], inline), (keys[1], file)])
    }

    /// The same with another text for people.
    pub(crate) fn shown(self, shown: String) -> Self {
        Self { shown, ..self }
    }

    /// The same with what makes a difference and is not shown.
    pub(crate) fn hidden(self, hidden: Option<Vec<u8>>) -> Self {
        Self { hidden, ..self }
    }

    /// The same with other keys in the file, or with none.
    pub(crate) fn written(
        self,
        written: impl Into<Vec<(&'static str, Option<ConfigValue>)>>,
    ) -> Self {
        Self { written: written.into(), ..self }
    }

    /// When it takes effect.
    pub(crate) fn effect(&self) -> Effect {
        self.effect
    }

    /// Its name.
    #[cfg(test)]
    pub(crate) fn key(&self) -> &'static str {
        self.key
    }

    /// Its keys in the file, with their values.
    #[cfg(test)]
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&'static str, &Option<ConfigValue>)> {
        self.written.iter().map(|(key, value)| (*key, value))
    }

    fn differs(&self, other: &Self) -> bool {
        self.shown != other.shown || self.hidden != other.hidden
    }
}

/// What is different between two tables of the same rows.
pub(crate) fn changes(old: Vec<Setting>, new: Vec<Setting>) -> Vec<(Effect, Change)> {
    let pairs = old.into_iter().zip(new).filter(|(old, new)| old.differs(new));
    pairs
        .map(|(old, new)| {
            let mut shown = new.shown;
            // The same text for another value: another key, or a file with another content.
            if old.shown == shown {
                shown.push_str(" (changed)");
            }
            (old.effect, Change { key: old.key.to_owned(), old: old.shown, new: shown })
        })
        .collect()
}

/// The keys of two tables of the same rows: what runs, and what is configured and pending.
pub(crate) fn report(
    running: Vec<Setting>,
    configured: Vec<Setting>,
    until: &Until,
) -> Vec<response::ConfigSetting> {
    let mut settings = Vec::new();
    for (old, new) in running.into_iter().zip(configured) {
        let differs = old.differs(&new);
        // Another key, or a file with another content: nothing else shows that it is pending.
        let unseen = old.written == new.written;
        for ((key, value), (_, next)) in old.written.into_iter().zip(new.written) {
            let waits = differs && (value != next || (unseen && value.is_some()));
            let (value, pending) = if waits {
                (value, Some(PendingValue { value: next, until: until.clone() }))
            } else {
                (next, None)
            };
            settings.push(response::ConfigSetting { key: key.to_owned(), value, pending });
        }
    }
    settings
}

/// The keys of a table in which nothing is pending.
pub(crate) fn in_effect(settings: Vec<Setting>) -> Vec<response::ConfigSetting> {
    let written = settings.into_iter().flat_map(|setting| setting.written);
    written
        .map(|(key, value)| response::ConfigSetting { key: key.to_owned(), value, pending: None })
        .collect()
}

/// A text.
pub(crate) fn text(value: impl ToString) -> Option<ConfigValue> {
    Some(ConfigValue::Text(value.to_string()))
}

/// A path.
pub(crate) fn path(path: &Path) -> Option<ConfigValue> {
    text(path.display())
}

/// A number.
pub(crate) fn integer(value: impl TryInto<i64>) -> Option<ConfigValue> {
    // None of bmpd's numbers is larger.
    Some(ConfigValue::Integer(value.try_into().unwrap_or(i64::MAX)))
}

/// `true` or `false`.
pub(crate) fn boolean(value: bool) -> Option<ConfigValue> {
    Some(ConfigValue::Boolean(value))
}

/// A list of texts.
pub(crate) fn list<T: ToString>(values: impl IntoIterator<Item = T>) -> Option<ConfigValue> {
    let values = values.into_iter().map(|value| ConfigValue::Text(value.to_string()));
    Some(ConfigValue::List(values.collect()))
}

/// `key` and `key-file`: one of them has a value if there is a key.
pub(crate) fn written_secret(secret: Option<&Secret>) -> [Option<ConfigValue>; 2] {
    match secret.map(Secret::file) {
        None => [None, None],
        Some(None) => [Some(ConfigValue::Secret), None],
        Some(Some(file)) => [None, path(file)],
    }
}

/// The text for a missing value.
pub(crate) fn none() -> String {
    "none".to_owned()
}

fn spoken(value: &ConfigValue) -> String {
    match value {
        ConfigValue::Boolean(value) => value.to_string(),
        ConfigValue::Integer(value) => value.to_string(),
        ConfigValue::Text(text) => text.clone(),
        ConfigValue::List(list) if list.is_empty() => none(),
        ConfigValue::List(list) => list.iter().map(spoken).collect::<Vec<_>>().join(", "),
        ConfigValue::Table(table) => {
            table.iter().map(|(_, value)| spoken(value)).collect::<Vec<_>>().join(" ")
        }
        ConfigValue::Secret => "***".to_owned(),
    }
}

/// `[bmp]`. Its `statistics-timer` is a default: what sessions and publishers have of it is theirs.
pub(crate) fn bmp_settings(bmp: &Bmp) -> [Setting; 3] {
    use Effect::{Connection, Running};
    let one = |key, written, value: Option<ConfigValue>| {
        Setting::new(key, Connection, value.clone()).written([(written, value)])
    };
    [
        one("bmp.system-name", "system-name", text(&bmp.system_name)),
        one("bmp.system-description", "system-description", text(&bmp.system_description)),
        Setting::seconds("statistics-timer", Running, bmp.statistics_timer),
    ]
}

/// `tcp` but for its ports.
pub(crate) fn tcp(tcp: &Tcp, effect: Effect) -> Vec<Setting> {
    let mut settings = tcp_source(tcp, effect);
    settings.extend([
        Setting::new("tcp.mss", effect, tcp.mss.and_then(integer)),
        Setting::new("tcp.dscp", effect, tcp.dscp.and_then(integer)),
    ]);
    settings.extend(keepalive(tcp, effect));
    settings.extend([
        Setting::seconds("tcp.user-timeout", effect, tcp.user_timeout),
        Setting::seconds("tcp.connect-timeout", Effect::Running, tcp.connect_timeout),
    ]);
    settings.extend(authentication(tcp, effect));
    settings
}

/// `tcp.source-address` and `tcp.source-interface`.
pub(crate) fn tcp_source(tcp: &Tcp, effect: Effect) -> Vec<Setting> {
    let (address, interface) = match &tcp.source {
        None => (None, None),
        Some(Source::Address(address)) => (text(address), None),
        Some(Source::Interface(interface)) => (None, text(interface)),
    };
    vec![
        Setting::new("tcp.source-address", effect, address),
        Setting::new("tcp.source-interface", effect, interface),
    ]
}

/// `tcp.keepalive`.
pub(crate) fn keepalive(tcp: &Tcp, effect: Effect) -> Vec<Setting> {
    let keepalive = &tcp.keepalive;
    vec![
        Setting::seconds("tcp.keepalive.idle", effect, keepalive.idle),
        Setting::seconds("tcp.keepalive.interval", effect, keepalive.interval),
        Setting::new("tcp.keepalive.count", effect, integer(keepalive.count)),
    ]
}

/// `tcp.md5` and `tcp.ao`.
pub(crate) fn authentication(tcp: &Tcp, effect: Effect) -> Vec<Setting> {
    let (md5, ao) = match &tcp.authentication {
        None => (None, None),
        Some(Authentication::Md5(key)) => (Some(key), None),
        Some(Authentication::Ao(keys)) => (None, Some(keys)),
    };
    let keys = ["tcp.md5.key", "tcp.md5.key-file"];
    vec![Setting::secret("tcp.md5", effect, keys, md5), chain(ao, effect)]
}

/// `tcp.ao`, the key chain.
fn chain(keys: Option<&Vec<AoKey>>, effect: Effect) -> Setting {
    let table = |key: &AoKey| {
        let [inline, file] = written_secret(Some(&key.key));
        let entries = [
            ("send-id", integer(key.send_id)),
            ("receive-id", integer(key.receive_id)),
            ("algorithm", text(key.algorithm)),
            ("key", inline),
            ("key-file", file),
        ];
        let entries = entries.into_iter();
        ConfigValue::Table(
            entries.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect(),
        )
    };
    let shown = |key: &AoKey| format!("{}/{} {} ***", key.send_id, key.receive_id, key.algorithm);
    let secrets = keys.map(|keys| {
        let keys = keys.iter().map(|key| key.key.expose());
        keys.flat_map(|key| [&[key.len() as u8], key].concat()).collect()
    });
    let value = keys.map(|keys| ConfigValue::List(keys.iter().map(table).collect()));
    let shown = keys.map(|keys| joined(&keys.iter().map(shown).collect::<Vec<_>>()));
    Setting::new("tcp.ao", effect, value).shown(shown.unwrap_or_else(none)).hidden(secrets)
}

/// Values as one text.
pub(crate) fn joined<T: ToString>(values: &[T]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// `monitor.families`.
pub(crate) fn families(monitor: &Monitor, effect: Effect) -> Setting {
    let families = monitor.families.as_ref();
    let shown = families.map_or("all".to_owned(), |families| joined(families));
    Setting::new("monitor.families", effect, families.and_then(list)).shown(shown)
}

/// `monitor.routers`.
pub(crate) fn routers(monitor: &Monitor, effect: Effect) -> Setting {
    let routers = monitor.routers.as_ref();
    let shown = routers.map_or("all".to_owned(), |routers| joined(routers));
    Setting::new("monitor.routers", effect, routers.and_then(list)).shown(shown)
}

/// `monitor.views`.
pub(crate) fn views(monitor: &Monitor, effect: Effect) -> Setting {
    let views = monitor.views.as_ref();
    let names: Option<Vec<&str>> =
        views.map(|views| views.iter().map(|view| view.name()).collect());
    let shown = names.as_ref().map_or("all".to_owned(), |names| joined(names));
    Setting::new("monitor.views", effect, names.as_ref().and_then(list)).shown(shown)
}

/// `monitor` but for its families: four keys for one choice.
pub(crate) fn monitored(monitor: &Monitor, effect: Effect) -> Setting {
    const KEYS: [&str; 4] = [
        "monitor.public",
        "monitor.vpn-instances",
        "monitor.all-vpn-instances",
        "monitor.neighbors",
    ];
    let setting = Setting::new("monitor.neighbors", effect, None);
    let MonitorNeighbors::Listed { instances, every_vpn_instance, neighbors } = &monitor.neighbors
    else {
        return setting.shown("all".to_owned()).written(KEYS.map(|key| (key, None)));
    };
    let mut parts: Vec<String> = Vec::new();
    if *every_vpn_instance {
        parts.push("every VPN instance".to_owned());
    }
    parts.extend(instances.iter().map(|instance| match instance {
        Some(name) => format!("VPN instance {name}"),
        None => "the public instance".to_owned(),
    }));
    parts.extend(neighbors.iter().map(ToString::to_string));
    let shown = if parts.is_empty() { none() } else { parts.join(", ") };
    let named = neighbors.iter().map(|neighbor| {
        let address = ("address".to_owned(), ConfigValue::Text(neighbor.address.to_string()));
        let vpn = neighbor
            .vpn_instance
            .as_ref()
            .map(|name| ("vpn-instance".to_owned(), ConfigValue::Text(name.to_string())));
        ConfigValue::Table(std::iter::once(address).chain(vpn).collect())
    });
    let values = [
        boolean(instances.contains(&None)),
        list(instances.iter().flatten()),
        boolean(*every_vpn_instance),
        Some(ConfigValue::List(named.collect())),
    ];
    setting.shown(shown).written(KEYS.into_iter().zip(values).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(bytes: &str, file: Option<&str>) -> Vec<Setting> {
        let secret = Secret::new(bytes);
        let secret = match file {
            Some(file) => secret.read_from(Path::new(file)),
            None => secret,
        };
        let keys = ["md5.key", "md5.key-file"];
        vec![Setting::secret("md5", Effect::Connection, keys, Some(&secret))]
    }

    fn waits(old: Vec<Setting>, new: Vec<Setting>) -> Vec<(String, bool)> {
        let report = report(old, new, &Until::Restart);
        report.into_iter().map(|setting| (setting.key, setting.pending.is_some())).collect()
    }

    #[test]
    fn a_key_that_has_changed_waits_wherever_it_is_written() {
        let both =
            |inline, file| vec![("md5.key".to_owned(), inline), ("md5.key-file".to_owned(), file)];
        assert_eq!(waits(key("a", None), key("a", None)), both(false, false));
        assert_eq!(waits(key("a", None), key("b", None)), both(true, false));
        assert_eq!(waits(key("a", Some("f")), key("b", Some("f"))), both(false, true));
        assert_eq!(waits(key("a", Some("f")), key("b", None)), both(true, true));
        // The same key from elsewhere is no change.
        assert_eq!(waits(key("a", Some("f")), key("a", Some("g"))), both(false, false));
        assert_eq!(changes(key("a", Some("f")), key("a", None)), []);
        let text =
            format!("{:?}", report(key("s3cret", None), key("t3cret", None), &Until::Restart));
        assert!(!text.contains("3cret"), "{text}");
    }
}
