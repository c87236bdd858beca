//! What a session runs with, and what is different between two such sets.
//!
//! A connection keeps what it was made with: a port, a key, the Initiation it has sent. Other
//! parameters take effect while it runs. [`Parameters::settings`] is the one list that says which is
//! which, and how each is written for people; keys are masked in it.

use std::time::Duration;

use shared::response::Change;

use crate::config::{
    self, Authentication, Monitor, MonitorNeighbors, Secret, Source, Tls, TlsVersion,
};

/// What a session runs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parameters {
    /// What is configured for the session.
    pub(crate) session: config::Session,
    /// What is configured for all.
    pub(crate) bmp: config::Bmp,
}

/// When a parameter that has changed takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// With the next connection.
    Connection,
    /// At once.
    Running,
}

/// One parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    /// The key in the configuration file.
    key: &'static str,
    effect: Effect,
    /// As people read it.
    shown: String,
    /// What makes a difference and is not shown: a key, or what a file holds.
    hidden: Option<Vec<u8>>,
}

impl Parameters {
    /// Every parameter but the name of the session, in the order in which they are shown.
    pub(super) fn settings(&self) -> Vec<Setting> {
        use Effect::{Connection, Running};
        let Self { session, bmp } = self;
        let mut settings = Vec::new();
        let mut add = |key, effect, shown: String, hidden| {
            settings.push(Setting { key, effect, shown, hidden });
        };
        let tcp = &session.tcp;
        let (mode, connect, listen) = match session.mode {
            config::Mode::Active(port) => ("active", port.to_string(), none()),
            config::Mode::Passive(port) => ("passive", none(), port.to_string()),
        };
        add("mode", Connection, mode.to_owned(), None);
        add("tcp.connect-port", Connection, connect, None);
        add("tcp.listen-port", Connection, listen, None);
        let (address, interface) = match &tcp.source {
            None => (none(), none()),
            Some(Source::Address(address)) => (address.to_string(), none()),
            Some(Source::Interface(interface)) => (none(), interface.clone()),
        };
        add("tcp.source-address", Connection, address, None);
        add("tcp.source-interface", Connection, interface, None);
        add("tcp.mss", Connection, or_none(tcp.mss), None);
        add("tcp.dscp", Connection, or_none(tcp.dscp), None);
        add("tcp.keepalive.idle", Connection, seconds(tcp.keepalive.idle), None);
        add("tcp.keepalive.interval", Connection, seconds(tcp.keepalive.interval), None);
        add("tcp.keepalive.count", Connection, tcp.keepalive.count.to_string(), None);
        add("tcp.user-timeout", Connection, seconds(tcp.user_timeout), None);
        let (md5, ao) = match &tcp.authentication {
            None => (None, None),
            Some(Authentication::Md5(key)) => (Some(key), None),
            Some(Authentication::Ao(keys)) => (None, Some(keys)),
        };
        add("tcp.md5", Connection, masked(md5), md5.map(|key| key.expose().to_vec()));
        let chain = ao.map(|keys| {
            let key = |key: &config::AoKey| {
                format!("{}/{} {} ***", key.send_id, key.receive_id, key.algorithm)
            };
            keys.iter().map(key).collect::<Vec<_>>().join(", ")
        });
        let secrets = ao.map(|keys| {
            let keys = keys.iter().map(|key| key.key.expose());
            keys.flat_map(|key| [&[key.len() as u8], key].concat()).collect()
        });
        add("tcp.ao", Connection, chain.unwrap_or_else(none), secrets);
        for (key, shown, hidden) in tls(session.tls.as_ref()) {
            add(key, Connection, shown, hidden);
        }
        add("vpn-instance", Connection, session.place.to_string(), None);
        let messages = &session.initiation_messages;
        let messages = if messages.is_empty() { none() } else { format!("{messages:?}") };
        add("initiation-message", Connection, messages, None);
        let families = session.monitor.families.as_ref().map_or("all".to_owned(), |families| {
            families.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        });
        add("monitor.families", Connection, families, None);
        add("bmp.system-name", Connection, bmp.system_name.clone(), None);
        add("bmp.system-description", Connection, bmp.system_description.clone(), None);

        add("monitor.neighbors", Running, monitored(&session.monitor), None);
        add("tcp.connect-timeout", Running, seconds(tcp.connect_timeout), None);
        add("retry.initial", Running, seconds(session.retry.initial), None);
        add("retry.maximum", Running, seconds(session.retry.maximum), None);
        add("stall-timeout", Running, seconds(session.stall_timeout), None);
        add("initial-delay", Running, seconds(session.initial_delay), None);
        add("statistics-timer", Running, seconds(session.statistics_timer), None);
        add("shutdown", Running, session.shutdown.to_string(), None);
        add("description", Running, or_none(session.description.as_ref()), None);
        settings
    }

    /// What is different in `new`, of the parameters with this effect or of all.
    pub(super) fn changes(&self, new: &Self, effect: Option<Effect>) -> Vec<Change> {
        if self == new {
            return Vec::new();
        }
        let pairs = self.settings().into_iter().zip(new.settings());
        pairs
            .filter(|(old, new)| old != new && effect.is_none_or(|effect| old.effect == effect))
            .map(|(old, new)| {
                let mut shown = new.shown;
                // The same words for something else: another key, or a file with another content.
                if old.shown == shown {
                    shown.push_str(" (changed)");
                }
                Change { key: old.key.to_owned(), old: old.shown, new: shown }
            })
            .collect()
    }

    /// These parameters with all of `new` that can take effect without a new connection.
    pub(super) fn with_running_of(&self, new: &Self) -> Self {
        let old = &self.session;
        let mut session = new.session.clone();
        session.mode = old.mode;
        session.tcp =
            config::Tcp { connect_timeout: new.session.tcp.connect_timeout, ..old.tcp.clone() };
        session.tls = old.tls.clone();
        session.place = old.place.clone();
        session.initiation_messages = old.initiation_messages.clone();
        session.monitor.families = old.monitor.families.clone();
        let bmp = config::Bmp { statistics_timer: new.bmp.statistics_timer, ..self.bmp.clone() };
        Self { session, bmp }
    }
}

fn none() -> String {
    "none".to_owned()
}

fn or_none<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(none, |value| value.to_string())
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs())
}

fn masked(key: Option<&Secret>) -> String {
    key.map_or_else(none, |_| "***".to_owned())
}

type Row = (&'static str, String, Option<Vec<u8>>);

fn tls(tls: Option<&Tls>) -> [Row; 5] {
    let client = tls.and_then(|tls| tls.client.as_ref());
    let ca = tls.map(|tls| &tls.ca);
    let certificate = client.map(|client| &client.certificate);
    let version = tls.map(|tls| match tls.minimum_version {
        TlsVersion::V1_2 => "1.2",
        TlsVersion::V1_3 => "1.3",
    });
    [
        ("tls.ca", or_none(ca.map(|ca| ca.path.display())), ca.map(|ca| ca.pem.to_vec())),
        (
            "tls.certificate",
            or_none(certificate.map(|file| file.path.display())),
            certificate.map(|file| file.pem.to_vec()),
        ),
        (
            "tls.private-key",
            or_none(client.map(|client| client.key_path.display())),
            client.map(|client| client.key.expose().to_vec()),
        ),
        ("tls.server-name", or_none(tls.and_then(|tls| tls.server_name.as_ref())), None),
        ("tls.minimum-version", or_none(version), None),
    ]
}

fn monitored(monitor: &Monitor) -> String {
    let MonitorNeighbors::Listed { instances, every_vpn_instance, neighbors } = &monitor.neighbors
    else {
        return "all".to_owned();
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
    if parts.is_empty() { none() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    static CA: std::sync::OnceLock<String> = std::sync::OnceLock::new();

    fn parsed(session: &str) -> Parameters {
        // Certificates are read with the file, from the folder that it is in.
        let folder = tempfile::tempdir().unwrap();
        let pem = CA.get_or_init(|| {
            rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap().cert.pem()
        });
        std::fs::write(folder.path().join("CA"), pem).unwrap();
        let text = format!(
            "[[vpn-instance]]\nname = 'red'\nnetns = 'red'\n[bgp]\nas = 1\nrouter-id = '1.1.1.1'\n\
             listen = []\n[[bgp.neighbor]]\naddress = '10.0.0.2'\nremote-as = 1\n\
             [[session]]\naddress = '10.1.1.1'\n{session}\n"
        );
        let config = config::parse(&text, &folder.path().join("f")).unwrap();
        let mut session = config.sessions[0].clone();
        if let Some(tls) = &mut session.tls {
            tls.ca.path = "CA".into();
        }
        Parameters { session, bmp: config.bmp }
    }

    /// One change of each key that a session can have, and what it is called.
    const CASES: [(&str, &str, &str, Effect); 22] = [
        (
            "tcp.connect-port = 1",
            "tcp.connect-port = 2",
            "tcp.connect-port 1 -> 2",
            Effect::Connection,
        ),
        (
            "tcp.connect-port = 1",
            "tcp.connect-port = 1\ntcp.mss = 500",
            "tcp.mss none -> 500",
            Effect::Connection,
        ),
        (
            "tcp.connect-port = 1",
            "tcp.connect-port = 1\ntcp.dscp = 48",
            "tcp.dscp none -> 48",
            Effect::Connection,
        ),
        (
            "tcp.connect-port = 1",
            "tcp.connect-port = 1\ntcp.source-address = '10.0.0.9'",
            "tcp.source-address none -> 10.0.0.9",
            Effect::Connection,
        ),
        (
            "tcp.connect-port = 1",
            "tcp.connect-port = 1\ntcp.source-interface = 'lo'",
            "tcp.source-interface none -> lo",
            Effect::Connection,
        ),
        (
            "tcp.connect-port = 1",
            "tcp.connect-port = 1\ntcp.keepalive.idle = 5",
            "tcp.keepalive.idle 60 s -> 5 s",
            Effect::Connection,
        ),
        (
            "tcp.connect-port = 1",
            "tcp.connect-port = 1\ntcp.keepalive.interval = 5",
            "tcp.keepalive.interval 10 s -> 5 s",
            Effect::Connection,
        ),
        (
            "tcp.connect-port = 1",
            "tcp.connect-port = 1\ntcp.keepalive.count = 2",
            "tcp.keepalive.count 6 -> 2",
            Effect::Connection,
        ),
        (
            "tcp.connect-port = 1",
            "tcp.connect-port = 1\ntcp.user-timeout = 5",
            "tcp.user-timeout 310 s -> 5 s",
            Effect::Connection,
        ),
        (
            "tcp.connect-port = 1",
            "tcp.connect-port = 1\ntcp.md5.key = 'one'",
            "tcp.md5 none -> ***",
            Effect::Connection,
        ),
        (
            "tcp.connect-port = 1\ntcp.md5.key = 'one'",
            "tcp.connect-port = 1\ntcp.md5.key = 'two'",
            "tcp.md5 *** -> *** (changed)",
            Effect::Connection,
        ),
        (
            "tcp = { connect-port = 1, ao = [{ send-id = 1, receive-id = 2, key = 'one' }] }",
            "tcp = { connect-port = 1, ao = [{ send-id = 1, receive-id = 2, key = 'two' }] }",
            "tcp.ao 1/2 hmac-sha-1-96 *** -> 1/2 hmac-sha-1-96 *** (changed)",
            Effect::Connection,
        ),
        (
            "tcp.connect-port = 1\ntls.ca = 'CA'",
            "tcp.connect-port = 1\ntls = { ca = 'CA', server-name = 'b.example' }",
            "tls.server-name none -> b.example",
            Effect::Connection,
        ),
        (
            "tcp.connect-port = 1",
            "tcp.connect-port = 1\nvpn-instance = 'red'",
            "vpn-instance the host's own network -> the network namespace /run/netns/red",
            Effect::Connection,
        ),
        (
            "tcp.connect-port = 1",
            "tcp.connect-port = 1\ninitiation-message = 'a'",
            "initiation-message none -> [\"a\"]",
            Effect::Connection,
        ),
        (
            "tcp.connect-port = 1",
            "tcp.connect-port = 1\nmonitor.families = ['ipv4-unicast']",
            "monitor.families all -> ipv4-unicast",
            Effect::Connection,
        ),
        (
            "tcp.connect-port = 1",
            "tcp.connect-port = 1\nmonitor.public = true",
            "monitor.neighbors all -> the public instance",
            Effect::Running,
        ),
        (
            "tcp.connect-port = 1",
            "tcp.connect-port = 1\nstall-timeout = 400\ntcp.user-timeout = 310",
            "stall-timeout 300 s -> 400 s",
            Effect::Running,
        ),
        (
            "tcp.connect-port = 1",
            "tcp.connect-port = 1\nretry.initial = 1",
            "retry.initial 30 s -> 1 s",
            Effect::Running,
        ),
        (
            "tcp.connect-port = 1",
            "tcp.connect-port = 1\nstatistics-timer = 15",
            "statistics-timer 3600 s -> 15 s",
            Effect::Running,
        ),
        (
            "tcp.connect-port = 1",
            "tcp.connect-port = 1\nshutdown = true",
            "shutdown false -> true",
            Effect::Running,
        ),
        (
            "tcp.connect-port = 1",
            "tcp.connect-port = 1\ndescription = 'x'",
            "description none -> x",
            Effect::Running,
        ),
    ];

    #[test]
    fn every_change_is_named_with_old_and_new_and_keys_masked() {
        for (old, new, expected, effect) in CASES {
            let (old, new) = (parsed(old), parsed(new));
            let lines = |effect| {
                old.changes(&new, effect).iter().map(ToString::to_string).collect::<Vec<_>>()
            };
            assert_eq!(lines(None), [expected]);
            assert_eq!(lines(Some(effect)), [expected]);
            let text = format!("{:?}", old.changes(&new, None));
            assert!(!text.contains("one") || expected.contains("none"), "a key: {text}");
        }
    }

    #[test]
    fn what_can_take_effect_at_once_does_and_the_rest_stays() {
        for (old, new, expected, effect) in CASES {
            let (old, new) = (parsed(old), parsed(new));
            let now = old.with_running_of(&new);
            match effect {
                Effect::Running => assert_eq!(now, new, "{expected}"),
                Effect::Connection => {
                    // Those that are different do not show: the rest is the same anyway.
                    assert_eq!(now.changes(&new, None).len(), 1, "{expected}");
                    assert_eq!(old.changes(&now, None), [], "{expected}");
                }
            }
        }
    }
}
