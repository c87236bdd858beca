//! What a session runs with, and what is different between two such sets.
//!
//! A connection keeps what it was made with: a port, a key, the Initiation it has sent. Other
//! parameters take effect while it runs. [`ROWS`] and [`bmp_settings`] are the one list that says which is which, and how each
//! is written in the file and for people; keys are masked in it.

use std::num::NonZeroU16;

use shared::names::RouterName;
use shared::response::{Change, ConfigValue};

pub(super) use crate::config::setting::Effect;
use crate::config::setting::{
    self, Setting, bmp_settings, boolean, integer, list, none, path, text,
};
use crate::config::{self, Identity};

/// What a session runs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parameters {
    /// What is configured for the session.
    pub(crate) session: config::Session,
    /// What is configured for all.
    pub(crate) bmp: config::Bmp,
}

/// A part of what is configured for a session: the one place that says how it is shown, when a change of it takes effect, and
/// where it is.
struct Row {
    effect: Effect,
    /// Its keys with their values.
    settings: fn(&config::Session, Effect) -> Vec<Setting>,
    /// Copies it from another session.
    copy: fn(&mut config::Session, &config::Session),
}

/// A row: when it takes effect; the field; then its key and its value, or what makes several settings of it.
macro_rules! row {
    ($effect:ident, $($field:ident).+, $key:literal, seconds) => {
        row!($effect, $($field).+, |session, effect| {
            vec![Setting::seconds($key, effect, session.$($field).+)]
        })
    };
    ($effect:ident, $($field:ident).+, $key:literal, $name:ident => $value:expr) => {
        row!($effect, $($field).+, |session, effect| {
            let $name = &session.$($field).+;
            vec![Setting::new($key, effect, $value)]
        })
    };
    ($effect:ident, $($field:ident).+, $settings:expr) => {
        Row {
            effect: Effect::$effect,
            settings: $settings,
            copy: |to, from| to.$($field).+.clone_from(&from.$($field).+),
        }
    };
}

/// `[[session]]`, in the order in which it is shown.
const ROWS: [Row; 23] = [
    row!(Connection, place, names),
    row!(Running, description, "description", text_of => text_of.as_ref().and_then(text)),
    row!(Connection, mode, mode),
    row!(Connection, tcp.source, |session, effect| setting::tcp_source(&session.tcp, effect)),
    row!(Connection, tcp.mss, "tcp.mss", mss => mss.and_then(integer)),
    row!(Connection, tcp.dscp, "tcp.dscp", dscp => dscp.and_then(integer)),
    row!(Connection, tcp.keepalive, |session, effect| setting::keepalive(&session.tcp, effect)),
    row!(Connection, tcp.user_timeout, "tcp.user-timeout", seconds),
    row!(Running, tcp.connect_timeout, "tcp.connect-timeout", seconds),
    row!(Connection, tcp.authentication, |session, effect| {
        setting::authentication(&session.tcp, effect)
    }),
    row!(Connection, tls, tls),
    row!(Running, retry, retry),
    row!(Running, stall_timeout, "stall-timeout", seconds),
    row!(Running, initial_delay, "initial-delay", seconds),
    row!(Running, statistics_timer, "statistics-timer", seconds),
    row!(Running, shutdown, "shutdown", shutdown => boolean(*shutdown)),
    row!(Connection, initiation_messages, initiation_messages),
    row!(Running, monitor.neighbors, |session, effect| {
        vec![setting::monitored(&session.monitor, effect)]
    }),
    row!(Connection, monitor.families, |session, effect| {
        vec![setting::families(&session.monitor, effect)]
    }),
    row!(Running, monitor.routers, |session, effect| {
        vec![setting::routers(&session.monitor, effect)]
    }),
    row!(Connection, monitor.views, |session, effect| {
        vec![setting::views(&session.monitor, effect)]
    }),
    row!(Connection, identity, identity),
    // It names the session: it cannot change.
    row!(Connection, id, |_, _| Vec::new()),
];

/// The keys of `[[session]]` with their values.
pub(crate) fn session_settings(session: &config::Session) -> Vec<Setting> {
    ROWS.iter().flat_map(|row| (row.settings)(session, row.effect)).collect()
}

fn names(session: &config::Session, effect: Effect) -> Vec<Setting> {
    let id = &session.id;
    vec![
        Setting::new("address", effect, text(id.address)),
        // What the instance stands for is what makes a difference.
        Setting::new("vpn-instance", effect, id.vpn_instance.as_ref().and_then(text))
            .shown(session.place.to_string()),
        Setting::new("alias", effect, id.alias.as_ref().and_then(text)),
    ]
}

fn mode(session: &config::Session, effect: Effect) -> Vec<Setting> {
    let (mode, connect, listen) = match session.mode {
        config::Mode::Active(port) => ("active", integer(port.get()), None),
        config::Mode::Passive(port) => ("passive", None, integer(port.get())),
    };
    vec![
        Setting::new("mode", effect, text(mode)),
        Setting::new("tcp.connect-port", effect, connect),
        Setting::new("tcp.listen-port", effect, listen),
    ]
}

fn retry(session: &config::Session, effect: Effect) -> Vec<Setting> {
    vec![
        Setting::seconds("retry.initial", effect, session.retry.initial),
        Setting::seconds("retry.maximum", effect, session.retry.maximum),
    ]
}

fn initiation_messages(session: &config::Session, effect: Effect) -> Vec<Setting> {
    let messages = &session.initiation_messages;
    let shown = if messages.is_empty() { none() } else { format!("{messages:?}") };
    vec![Setting::new("initiation-message", effect, list(messages)).shown(shown)]
}

fn identity(session: &config::Session, effect: Effect) -> Vec<Setting> {
    let (addresses, ports) = match &session.identity {
        Identity::Plain | Identity::ProxyV2 | Identity::RouterAddress => (None, None),
        Identity::SourceAddresses(addresses) => (list(addresses), None),
        Identity::Ports(ports) => {
            let row = |(name, port): (&RouterName, &NonZeroU16)| {
                Some((name.to_string(), integer(port.get())?))
            };
            (None, Some(ConfigValue::Table(ports.iter().filter_map(row).collect())))
        }
    };
    vec![
        Setting::new("identity", effect, text(session.identity.word())),
        Setting::new("source-addresses", effect, addresses),
        Setting::new("ports", effect, ports),
    ]
}

/// What a session has when new parameters come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// A connection.
    Up,
    /// None, and it is tried.
    Down,
    /// None, as the configuration wants none.
    Shutdown,
}

/// What becomes, or would become, of a session with new parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Configured {
    /// It is shut down: a connection ends.
    Ends(Vec<Change>),
    /// It is no longer shut down.
    Starts(Vec<Change>),
    /// It goes on.
    GoesOn {
        /// These are in effect.
        applied: Vec<Change>,
        /// These wait for the next connection.
        pending: Vec<Change>,
    },
}

impl Configured {
    /// What becomes of a session with a leg of which this becomes, and another one of which the other does.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (
                Configured::GoesOn { mut applied, mut pending },
                Configured::GoesOn { applied: more_applied, pending: more_pending },
            ) => {
                let add = |all: &mut Vec<Change>, more: Vec<Change>| {
                    let new: Vec<_> =
                        more.into_iter().filter(|change| !all.contains(change)).collect();
                    all.extend(new);
                };
                add(&mut pending, more_pending);
                add(&mut applied, more_applied);
                applied.retain(|change| !pending.contains(change));
                Configured::GoesOn { applied, pending }
            }
            (Configured::GoesOn { .. }, other) => other,
            (one, _) => one,
        }
    }
}

impl Parameters {
    /// What becomes of a session without any leg that has these parameters when it is given new ones.
    pub(super) fn configured_without_leg(&self, new: &Self) -> Configured {
        let standing = if self.session.shutdown { Standing::Shutdown } else { Standing::Down };
        self.configured(new, standing)
    }

    /// What becomes of a session that runs with these parameters when it is given new ones. Nothing else decides that.
    pub(super) fn configured(&self, new: &Self, standing: Standing) -> Configured {
        match (standing, new.session.shutdown) {
            (Standing::Up | Standing::Down, true) => Configured::Ends(self.changes(new, None)),
            (Standing::Shutdown, false) => Configured::Starts(self.changes(new, None)),
            (Standing::Up, false) => Configured::GoesOn {
                applied: self.changes(new, Some(Effect::Running)),
                pending: self.changes(new, Some(Effect::Connection)),
            },
            (Standing::Down, false) | (Standing::Shutdown, true) => {
                let mut applied = self.changes(new, Some(Effect::Connection));
                applied.extend(self.changes(new, Some(Effect::Running)));
                Configured::GoesOn { applied, pending: Vec::new() }
            }
        }
    }

    /// Every parameter, in the order in which they are shown.
    pub(super) fn settings(&self) -> Vec<Setting> {
        let of_all = bmp_settings(&self.bmp).into_iter();
        let mut settings = session_settings(&self.session);
        settings.extend(of_all.filter(|setting| setting.effect() == Effect::Connection));
        settings
    }

    /// What is different in `new`, of the parameters with this effect or of all.
    pub(super) fn changes(&self, new: &Self, effect: Option<Effect>) -> Vec<Change> {
        if self == new {
            return Vec::new();
        }
        let changes = setting::changes(self.settings(), new.settings()).into_iter();
        changes
            .filter(|(of, _)| effect.is_none_or(|effect| *of == effect))
            .map(|(_, change)| change)
            .collect()
    }

    /// These parameters with all of `new` that can take effect without a new connection.
    pub(super) fn with_running_of(&self, new: &Self) -> Self {
        let mut session = new.session.clone();
        for row in ROWS.iter().filter(|row| row.effect == Effect::Connection) {
            (row.copy)(&mut session, &self.session);
        }
        let bmp = config::Bmp { statistics_timer: new.bmp.statistics_timer, ..self.bmp.clone() };
        Self { session, bmp }
    }
}

fn tls(session: &config::Session, effect: Effect) -> Vec<Setting> {
    let tls = session.tls.as_ref();
    let client = tls.and_then(|tls| tls.client.as_ref());
    let ca = tls.map(|tls| &tls.ca);
    let certificate = client.map(|client| &client.certificate);
    let version = tls.map(|tls| tls.minimum_version.word());
    let one = |key, value| Setting::new(key, effect, value);
    vec![
        one("tls.ca", ca.and_then(|ca| path(&ca.path))).hidden(ca.map(|ca| ca.pem.to_vec())),
        one("tls.certificate", certificate.and_then(|file| path(&file.path)))
            .hidden(certificate.map(|file| file.pem.to_vec())),
        one("tls.private-key", client.and_then(|client| path(&client.key_path)))
            .hidden(client.map(|client| client.key.expose().to_vec())),
        one("tls.server-name", tls.and_then(|tls| tls.server_name.as_ref()).and_then(text)),
        one("tls.minimum-version", version.and_then(text)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    static CA: std::sync::OnceLock<(String, String)> = std::sync::OnceLock::new();

    fn parsed(session: &str) -> Parameters {
        // Certificates are read with the file, from the folder that it is in.
        let folder = tempfile::tempdir().unwrap();
        let pem = CA.get_or_init(|| {
            let made = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
            (made.cert.pem(), made.signing_key.serialize_pem())
        });
        let (pem, key) = pem;
        std::fs::write(folder.path().join("CA"), pem).unwrap();
        std::fs::write(folder.path().join("KEY"), key).unwrap();
        std::fs::write(folder.path().join("MD5"), "one").unwrap();
        let text = format!(
            "[[vpn-instance]]\nname = 'red'\nnetns = 'red'\n[bgp]\nas = 1\nrouter-id = '1.1.1.1'\n\
             listen = []\n[[bgp.neighbor]]\naddress = '10.0.0.2'\nremote-as = 1\n\
             [relay]\nlisten = []\n[[router]]\nprefix = '192.0.2.0/24'\n\
             [[session]]\naddress = '10.1.1.1'\n{session}\n"
        );
        let config = config::parse(&text, &folder.path().join("f")).unwrap();
        let mut session = config.sessions[0].clone();
        if let Some(tls) = &mut session.tls {
            tls.ca.path = "CA".into();
            if let Some(client) = &mut tls.client {
                client.certificate.path = "CA".into();
                client.key_path = "KEY".into();
            }
        }
        Parameters { session, bmp: config.bmp }
    }

    /// One change of each key that a session can have, and what it is called.
    const CASES: [(&str, &str, &str, Effect); 25] = [
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
            "tcp.connect-port = 1\nmonitor.routers = ['local']",
            "monitor.routers all -> local",
            Effect::Running,
        ),
        (
            "tcp.connect-port = 1",
            "tcp.connect-port = 1\nmonitor.views = ['loc-rib']",
            "monitor.views all -> loc-rib",
            Effect::Connection,
        ),
        (
            "tcp.connect-port = 1",
            "tcp.connect-port = 1\nidentity = 'proxy-v2'",
            "identity plain -> proxy-v2",
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

    /// The keys of the file whose value a case changes.
    fn changed(old: &Parameters, new: &Parameters) -> Vec<&'static str> {
        let keys = |parameters: &Parameters| {
            session_settings(&parameters.session)
                .into_iter()
                .flat_map(|setting| {
                    setting.keys().map(|(key, value)| (key, value.clone())).collect::<Vec<_>>()
                })
                .collect::<Vec<_>>()
        };
        let pairs = keys(old).into_iter().zip(keys(new));
        pairs.filter(|(old, new)| old != new).map(|(old, _)| old.0).collect()
    }

    /// More cases, for the keys that come with others.
    const MORE: [(&str, &str); 18] = [
        (
            "tcp.connect-port = 1",
            "tcp = { connect-port = 1, ao = [{ send-id = 1, receive-id = 2, key = 'one' }] }",
        ),
        ("tcp.connect-port = 1", "mode = 'passive'\ntcp.listen-port = 1"),
        ("mode = 'passive'\ntcp.listen-port = 1", "mode = 'passive'\ntcp.listen-port = 2"),
        ("tcp.connect-port = 1", "tcp.connect-port = 1\ntcp.md5.key-file = 'MD5'"),
        ("tcp.connect-port = 1", "tcp.connect-port = 1\ntls.ca = 'CA'"),
        (
            "tcp.connect-port = 1\ntls.ca = 'CA'",
            "tcp.connect-port = 1\ntls = { ca = 'CA', certificate = 'CA', private-key = 'KEY' }",
        ),
        (
            "tcp.connect-port = 1\ntls.ca = 'CA'",
            "tcp.connect-port = 1\ntls = { ca = 'CA', minimum-version = '1.3' }",
        ),
        ("tcp.connect-port = 1", "tcp.connect-port = 1\ntcp.connect-timeout = 3"),
        ("tcp.connect-port = 1", "tcp.connect-port = 1\nretry.maximum = 600"),
        ("tcp.connect-port = 1", "tcp.connect-port = 1\ninitial-delay = 3"),
        ("tcp.connect-port = 1", "tcp.connect-port = 1\nstall-timeout = 400"),
        ("tcp.connect-port = 1", "tcp.connect-port = 1\nmonitor.vpn-instances = ['red']"),
        ("tcp.connect-port = 1", "tcp.connect-port = 1\nmonitor.all-vpn-instances = true"),
        (
            "tcp.connect-port = 1",
            "tcp.connect-port = 1\nmonitor.neighbors = [{ address = '10.0.0.2' }]",
        ),
        (
            "tcp.connect-port = 1",
            "tcp.connect-port = 1\nidentity = 'source-address'\nsource-addresses = ['192.0.2.0/25']",
        ),
        (
            "tcp.connect-port = 1",
            "tcp.connect-port = 1\nidentity = 'port'\nports = { edge1 = 7, edge2 = 8 }",
        ),
        ("tcp.connect-port = 1", "tcp.connect-port = 1\ndescription = 'y'"),
        ("tcp.connect-port = 1", "tcp.connect-port = 2\nretry.initial = 2"),
    ];

    /// Another address or alias is another session: these keys cannot change.
    const NAMES: [&str; 2] = ["address", "alias"];

    #[test]
    fn for_every_key_it_is_said_whether_the_session_ends_waits_or_goes_on() {
        let mut seen: std::collections::BTreeSet<&str> = NAMES.into();
        let cases = CASES.iter().map(|(old, new, ..)| (*old, *new)).chain(MORE);
        for (old, new) in cases {
            let (old, new) = (parsed(old), parsed(new));
            let all = old.changes(&new, None).len();
            seen.extend(changed(&old, &new));
            if new.session.shutdown {
                for standing in [Standing::Up, Standing::Down] {
                    let ends = old.configured(&new, standing);
                    assert!(
                        matches!(&ends, Configured::Ends(changes) if changes.len() == all),
                        "{ends:?}"
                    );
                }
                let starts = new.configured(&old, Standing::Shutdown);
                assert!(
                    matches!(&starts, Configured::Starts(changes) if changes.len() == all),
                    "{starts:?}"
                );
                continue;
            }
            // What a connection was made with waits for another one; without one nothing waits.
            let kept = old.changes(&new, Some(Effect::Connection));
            let Configured::GoesOn { applied, pending } = old.configured(&new, Standing::Up) else {
                panic!("{new:?}")
            };
            assert_eq!((applied.len() + pending.len(), &pending), (all, &kept));
            // What it runs with then: what is in effect is new, and what waits is old.
            let running = old.with_running_of(&new);
            assert_eq!(old.changes(&running, None), applied);
            assert_eq!(running.changes(&new, None), pending);
            let Configured::GoesOn { applied, pending } = old.configured(&new, Standing::Down)
            else {
                panic!("{new:?}")
            };
            assert_eq!((applied.len(), pending.len()), (all, 0));
        }
        let seen: std::collections::BTreeSet<String> =
            seen.into_iter().map(str::to_owned).collect();
        assert_eq!(seen, config::keys::session(), "a key without a case, or without a row");
    }

    /// The keys of the example below a comment, up to the next one that ends with a colon or to an empty line.
    fn below(comment: &str) -> Vec<String> {
        let example = include_str!("../../../../etc/bmpd.toml");
        let lines = example.lines().skip_while(|line| !line.contains(comment)).skip(1);
        let lines = lines.take_while(|line| !line.is_empty() && !line.ends_with(':'));
        let keys = lines.filter_map(|line| line.trim_start_matches("# ").split_once(" = "));
        keys.map(|(key, _)| key.to_owned()).filter(|key| !key.starts_with('#')).collect()
    }

    #[test]
    fn the_example_and_the_page_say_when_each_key_takes_effect() {
        let settings = session_settings(&parsed("tcp.connect-port = 1").session);
        let effect = |key: &str| {
            settings.iter().find(|s| s.keys().any(|(one, _)| one == key)).map(Setting::effect)
        };
        let reloaded = below("These take effect with a reload");
        assert!(
            reloaded.len() > 5 && !reloaded.iter().any(|key| key == "shutdown"),
            "{reloaded:?}"
        );
        assert!(reloaded.iter().all(|key| effect(key) == Some(Effect::Running)), "{reloaded:?}");
        let reset = below("These need a new connection");
        assert!(reset.len() > 8, "{reset:?}");
        assert!(reset.iter().all(|key| effect(key) == Some(Effect::Connection)), "{reset:?}");
        assert_eq!(below("ends the session, or starts it"), ["shutdown"]);

        let page = include_str!("../../../../docs/reload.md");
        let row = |begin: &str| page.lines().find(|line| line.starts_with(begin)).unwrap();
        let row_of_a_reload = row("| with a reload |").split("of a neighbor:").next().unwrap();
        for setting in settings.iter().filter(|setting| setting.effect() == Effect::Running) {
            let key = setting.key();
            let begin = key
                .split_once('.')
                .filter(|(begin, _)| *begin == "retry")
                .map_or(key, |(begin, _)| begin);
            let is_in = row_of_a_reload.contains(&format!("`{begin}`"));
            assert_eq!(is_in, key != "shutdown", "{key}");
        }
        assert!(row("| with a reload, which ends or starts the session |").contains("`shutdown`"));
    }
}
