//! What a publisher runs with, and what is different between two such sets.
//!
//! A producer keeps what it was made with; other parameters take effect while it runs. [`ROWS`] says which is which, and
//! how each is written in the file and for people; passwords are masked in it.

use std::net::Ipv4Addr;

use shared::response::Change;

use crate::config::setting::{
    self, Effect, Setting, bmp_settings, boolean, integer, list, monitored, path, text,
};
use crate::config::{self, Publisher};

/// What a publisher runs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parameters {
    /// What is configured for the publisher.
    pub(crate) publisher: Publisher,
    /// What is configured for all.
    pub(crate) bmp: config::Bmp,
    /// The BGP Identifier of bmpd: its address as a router, if it is one.
    pub(crate) bgp_id: Option<Ipv4Addr>,
}

/// A part of what is configured for a publisher: when a change of it takes effect, how it is shown, and where it is.
struct Row {
    effect: Effect,
    settings: fn(&Publisher, Effect) -> Vec<Setting>,
    copy: fn(&mut Publisher, &Publisher),
}

/// A row: when it takes effect; the field; then its key and its value, or what makes several settings of it.
macro_rules! row {
    ($effect:ident, $($field:ident).+, $key:literal, $name:ident => $value:expr) => {
        row!($effect, $($field).+, |publisher, effect| {
            let $name = &publisher.$($field).+;
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

/// `[[publisher]]`, in the order in which it is shown.
const ROWS: [Row; 20] = [
    // It names the publisher: it cannot change.
    row!(Connection, name, "name", name => text(name)),
    row!(Running, description, "description", text_of => text_of.as_ref().and_then(text)),
    row!(Connection, topic, "topic", topic => text(topic)),
    row!(Connection, admin_id, "admin-id", id => text(id)),
    row!(Connection, group, |publisher, effect| {
        let group = &publisher.group;
        let shown = if group.is_empty() { setting::none() } else { group.clone() };
        vec![Setting::new("group", effect, text(group)).shown(shown)]
    }),
    row!(Connection, router_hash, "router-hash", hash => text(hash.word())),
    row!(Running, snapshot_interval, snapshots),
    row!(Running, statistics_timer, |publisher, effect| {
        vec![Setting::seconds("statistics-timer", effect, publisher.statistics_timer)]
    }),
    row!(Running, shutdown, "shutdown", shutdown => boolean(*shutdown)),
    row!(Connection, kafka.bootstrap_servers, "kafka.bootstrap-servers", servers => list(servers)),
    row!(Connection, kafka.compression, "kafka.compression", kind => text(kind.word())),
    row!(Connection, kafka.window, |publisher, effect| {
        let window = publisher.kafka.window;
        vec![Setting::new("kafka.window", effect, integer(window)).shown(format!("{window} bytes"))]
    }),
    row!(Connection, kafka.linger, |publisher, effect| {
        let linger = publisher.kafka.linger.as_millis() as u64;
        vec![Setting::new("kafka.linger", effect, integer(linger)).shown(format!("{linger} ms"))]
    }),
    row!(Running, kafka.delivery_timeout, |publisher, effect| {
        let timeout = publisher.kafka.delivery_timeout;
        vec![Setting::seconds("kafka.delivery-timeout", effect, timeout)]
    }),
    row!(Connection, kafka.tls, tls),
    row!(Connection, kafka.sasl, sasl),
    row!(Running, monitor.neighbors, |publisher, effect| {
        vec![monitored(&publisher.monitor, effect)]
    }),
    row!(Connection, monitor.families, |publisher, effect| {
        vec![setting::families(&publisher.monitor, effect)]
    }),
    row!(Running, monitor.routers, |publisher, effect| {
        vec![setting::routers(&publisher.monitor, effect)]
    }),
    row!(Connection, monitor.views, |publisher, effect| {
        vec![setting::views(&publisher.monitor, effect)]
    }),
];

/// The keys of `[[publisher]]` with their values.
pub(crate) fn publisher_settings(publisher: &Publisher) -> Vec<Setting> {
    ROWS.iter().flat_map(|row| (row.settings)(publisher, row.effect)).collect()
}

fn snapshots(publisher: &Publisher, effect: Effect) -> Vec<Setting> {
    let seconds = publisher.snapshot_interval.map(|interval| interval.as_secs());
    let shown = seconds.map_or_else(setting::none, |seconds| format!("{seconds} s"));
    vec![Setting::new("snapshot-interval", effect, seconds.and_then(integer)).shown(shown)]
}

fn tls(publisher: &Publisher, effect: Effect) -> Vec<Setting> {
    let tls = publisher.kafka.tls.as_ref();
    let ca = tls.and_then(|tls| tls.ca.as_ref());
    let client = tls.and_then(|tls| tls.client.as_ref());
    let certificate = client.map(|client| &client.certificate);
    let one = |key, value| Setting::new(key, effect, value);
    // Without a file there can be TLS, too.
    let shown = match (tls, ca) {
        (None, _) => setting::none(),
        (Some(_), None) => "the authorities of the system".to_owned(),
        (Some(_), Some(ca)) => ca.path.display().to_string(),
    };
    vec![
        one("kafka.tls.ca", ca.and_then(|ca| path(&ca.path)))
            .shown(shown)
            .hidden(ca.map(|ca| ca.pem.to_vec())),
        one("kafka.tls.certificate", certificate.and_then(|file| path(&file.path)))
            .hidden(certificate.map(|file| file.pem.to_vec())),
        one("kafka.tls.private-key", client.and_then(|client| path(&client.key_path)))
            .hidden(client.map(|client| client.key.expose().to_vec())),
    ]
}

fn sasl(publisher: &Publisher, effect: Effect) -> Vec<Setting> {
    let sasl = publisher.kafka.sasl.as_ref();
    let password = sasl.map(|sasl| &sasl.password);
    let keys = ["kafka.sasl.password", "kafka.sasl.password-file"];
    vec![
        Setting::new(
            "kafka.sasl.mechanism",
            effect,
            sasl.and_then(|sasl| text(sasl.mechanism.word())),
        ),
        Setting::new("kafka.sasl.user", effect, sasl.and_then(|sasl| text(&sasl.user))),
        Setting::secret("kafka.sasl.password", effect, keys, password),
    ]
}

/// What becomes, or would become, of a publisher with new parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Configured {
    /// It is shut down.
    Ends(Vec<Change>),
    /// It is no longer shut down.
    Starts(Vec<Change>),
    /// It goes on.
    GoesOn {
        /// These are in effect.
        applied: Vec<Change>,
        /// These wait for the next producer.
        pending: Vec<Change>,
    },
}

impl Parameters {
    /// What becomes of a publisher that runs with these parameters when it is given new ones.
    pub(super) fn configured(&self, new: &Self) -> Configured {
        match (self.publisher.shutdown, new.publisher.shutdown) {
            (false, true) => Configured::Ends(self.changes(new, None)),
            (true, false) => Configured::Starts(self.changes(new, None)),
            (false, false) => Configured::GoesOn {
                applied: self.changes(new, Some(Effect::Running)),
                pending: self.changes(new, Some(Effect::Connection)),
            },
            (true, true) => {
                Configured::GoesOn { applied: self.changes(new, None), pending: Vec::new() }
            }
        }
    }

    /// What is different in `new`, of the parameters with this effect or of all.
    pub(super) fn changes(&self, new: &Self, effect: Option<Effect>) -> Vec<Change> {
        let of = |parameters: &Self| {
            let mut settings = publisher_settings(&parameters.publisher);
            // What bmpd calls itself goes with the Initiation.
            settings.extend(bmp_settings(&parameters.bmp).into_iter().take(2));
            settings
        };
        let changes = setting::changes(of(self), of(new)).into_iter();
        changes
            .filter(|(of, _)| effect.is_none_or(|effect| *of == effect))
            .map(|(_, change)| change)
            .collect()
    }

    /// These parameters with all of `new` that can take effect without a new producer.
    pub(super) fn with_running_of(&self, new: &Self) -> Self {
        let mut publisher = new.publisher.clone();
        for row in ROWS.iter().filter(|row| row.effect == Effect::Connection) {
            (row.copy)(&mut publisher, &self.publisher);
        }
        Self { publisher, bmp: self.bmp.clone(), bgp_id: self.bgp_id }
    }
}

// Without a client the configuration refuses publishers.
#[cfg(feature = "kafka")]
#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    static PEM: std::sync::OnceLock<(String, String)> = std::sync::OnceLock::new();

    /// The publisher with these lines.
    fn parsed(lines: &str) -> Parameters {
        // Files are read from the folder that the configuration is in.
        let folder = tempfile::tempdir().unwrap();
        let (pem, key) = PEM.get_or_init(|| {
            let made = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
            (made.cert.pem(), made.signing_key.serialize_pem())
        });
        std::fs::write(folder.path().join("CA"), pem).unwrap();
        std::fs::write(folder.path().join("KEY"), key).unwrap();
        std::fs::write(folder.path().join("PASSWORD"), "one\n").unwrap();
        let topic = if lines.contains("topic = ") { "" } else { "topic = 'bmp'\n" };
        let server = "kafka.bootstrap-servers = ['192.0.2.1:9092']\n";
        let server = if lines.contains("bootstrap-servers") { "" } else { server };
        let text = format!(
            "[[vpn-instance]]\nname = 'red'\nnetns = 'red'\n[bgp]\nas = 1\nrouter-id = '1.1.1.1'\n\
             listen = []\n[[bgp.neighbor]]\naddress = '10.0.0.2'\nremote-as = 1\n\
             [[publisher]]\nname = 'lake'\n{topic}{server}{lines}\n"
        );
        let config = config::parse(&text, &folder.path().join("f")).unwrap();
        let mut publisher = config.publishers[0].clone();
        if let Some(tls) = &mut publisher.kafka.tls {
            if let Some(ca) = &mut tls.ca {
                ca.path = "CA".into();
            }
            if let Some(client) = &mut tls.client {
                client.certificate.path = "CA".into();
                client.key_path = "KEY".into();
            }
        }
        // The default is the name of this machine.
        if !lines.contains("admin-id = ") {
            publisher.admin_id = "host".to_owned();
        }
        Parameters { publisher, bmp: config.bmp, bgp_id: Some(Ipv4Addr::new(1, 1, 1, 1)) }
    }

    const SASL: &str =
        "kafka.sasl = { mechanism = 'plain', user = 'u', password = 'one' }\nkafka.tls = {}";

    /// One change of each key that a publisher can have, and what it is called.
    const CASES: [(&str, &str, &[&str], Effect); 28] = [
        ("", "description = 'x'", &["description none -> x"], Effect::Running),
        ("", "topic = 'bmp.{router}'", &["topic bmp -> bmp.{router}"], Effect::Connection),
        ("", "admin-id = 'a'", &["admin-id host -> a"], Effect::Connection),
        ("", "group = 'eu'", &["group none -> eu"], Effect::Connection),
        ("", "router-hash = 'address'", &["router-hash name -> address"], Effect::Connection),
        ("", "snapshot-interval = 60", &["snapshot-interval none -> 60 s"], Effect::Running),
        ("", "statistics-timer = 15", &["statistics-timer 3600 s -> 15 s"], Effect::Running),
        ("", "shutdown = true", &["shutdown false -> true"], Effect::Running),
        (
            "",
            "kafka.bootstrap-servers = ['a:1', 'b:2']",
            &["kafka.bootstrap-servers 192.0.2.1:9092 -> a:1, b:2"],
            Effect::Connection,
        ),
        ("", "kafka.compression = 'zstd'", &["kafka.compression none -> zstd"], Effect::Connection),
        (
            "",
            "kafka.window = 1048576",
            &["kafka.window 16777216 bytes -> 1048576 bytes"],
            Effect::Connection,
        ),
        ("", "kafka.linger = 0", &["kafka.linger 5 ms -> 0 ms"], Effect::Connection),
        (
            "",
            "kafka.delivery-timeout = 10",
            &["kafka.delivery-timeout 300 s -> 10 s"],
            Effect::Running,
        ),
        (
            "",
            "kafka.tls = {}",
            &["kafka.tls.ca none -> the authorities of the system"],
            Effect::Connection,
        ),
        (
            "kafka.tls = {}",
            "kafka.tls.ca = 'CA'",
            &["kafka.tls.ca the authorities of the system -> CA"],
            Effect::Connection,
        ),
        (
            "kafka.tls.ca = 'CA'",
            "kafka.tls = { ca = 'CA', certificate = 'CA', private-key = 'KEY' }",
            &["kafka.tls.certificate none -> CA", "kafka.tls.private-key none -> KEY"],
            Effect::Connection,
        ),
        (
            "kafka.tls = {}",
            SASL,
            &[
                "kafka.sasl.mechanism none -> plain",
                "kafka.sasl.user none -> u",
                "kafka.sasl.password none -> ***",
            ],
            Effect::Connection,
        ),
        (
            SASL,
            "kafka.sasl = { mechanism = 'scram-sha-256', user = 'u', password = 'one' }\nkafka.tls = {}",
            &["kafka.sasl.mechanism plain -> scram-sha-256"],
            Effect::Connection,
        ),
        (
            SASL,
            "kafka.sasl = { mechanism = 'plain', user = 'v', password = 'one' }\nkafka.tls = {}",
            &["kafka.sasl.user u -> v"],
            Effect::Connection,
        ),
        (
            SASL,
            "kafka.sasl = { mechanism = 'plain', user = 'u', password = 'two' }\nkafka.tls = {}",
            &["kafka.sasl.password *** -> *** (changed)"],
            Effect::Connection,
        ),
        (
            "kafka.sasl = { mechanism = 'plain', user = 'u', password = 'two' }\nkafka.tls = {}",
            "kafka.sasl = { mechanism = 'plain', user = 'u', password-file = 'PASSWORD' }\nkafka.tls = {}",
            &["kafka.sasl.password *** -> *** (changed)"],
            Effect::Connection,
        ),
        (
            "",
            "monitor.public = true",
            &["monitor.neighbors all -> the public instance"],
            Effect::Running,
        ),
        (
            "",
            "monitor.vpn-instances = ['red']",
            &["monitor.neighbors all -> VPN instance red"],
            Effect::Running,
        ),
        (
            "",
            "monitor.all-vpn-instances = true",
            &["monitor.neighbors all -> every VPN instance"],
            Effect::Running,
        ),
        (
            "",
            "monitor.neighbors = [{ address = '10.0.0.2' }]",
            &["monitor.neighbors all -> 10.0.0.2"],
            Effect::Running,
        ),
        (
            "",
            "monitor.families = ['ipv4-unicast']",
            &["monitor.families all -> ipv4-unicast"],
            Effect::Connection,
        ),
        ("", "monitor.routers = ['local']", &["monitor.routers all -> local"], Effect::Running),
        ("", "monitor.views = ['loc-rib']", &["monitor.views all -> loc-rib"], Effect::Connection),
    ];

    #[test]
    fn every_change_is_named_with_old_and_new_and_passwords_masked() {
        for (old, new, expected, effect) in CASES {
            let (old, new) = (parsed(old), parsed(new));
            let lines = |effect| {
                old.changes(&new, effect).iter().map(ToString::to_string).collect::<Vec<_>>()
            };
            assert_eq!(lines(None), *expected);
            assert_eq!(lines(Some(effect)), *expected);
            let text = format!("{:?}{old:?}{new:?}", old.changes(&new, None));
            let has = |word: &str| text.contains(&format!("\"{word}\""));
            assert!(!has("one") && !has("two"), "a password: {text}");
        }
    }

    #[test]
    fn what_can_take_effect_at_once_does_and_the_rest_waits_for_another_producer() {
        for (old, new, expected, effect) in CASES {
            let (old, new) = (parsed(old), parsed(new));
            let all = expected.len();
            match (old.configured(&new), effect) {
                (Configured::Ends(changes), _) => {
                    assert!(new.publisher.shutdown && changes.len() == all, "{expected:?}");
                    let starts = new.configured(&old);
                    assert!(
                        matches!(&starts, Configured::Starts(changes) if changes.len() == all),
                        "{starts:?}"
                    );
                    continue;
                }
                (Configured::GoesOn { applied, pending }, Effect::Running) => {
                    assert_eq!((applied.len(), pending.len()), (all, 0), "{expected:?}");
                }
                (Configured::GoesOn { applied, pending }, Effect::Connection) => {
                    assert_eq!((applied.len(), pending.len()), (0, all), "{expected:?}");
                }
                (starts, _) => panic!("{starts:?}"),
            }
            let now = old.with_running_of(&new);
            let (applied, pending) = (old.changes(&now, None), now.changes(&new, None));
            match effect {
                Effect::Running => assert_eq!((applied.len(), now), (all, new), "{expected:?}"),
                Effect::Connection => {
                    assert_eq!((applied.len(), pending.len()), (0, all), "{expected:?}");
                }
            }
        }
    }

    #[test]
    fn names_in_the_initiation_wait_for_another_producer() {
        let old = parsed("");
        let mut new = old.clone();
        new.bmp.system_name = "other".to_owned();
        new.bmp.system_description = "d".to_owned();
        let Configured::GoesOn { applied, pending } = old.configured(&new) else { panic!() };
        let keys: Vec<_> = pending.iter().map(|change| change.key.as_str()).collect();
        assert_eq!((applied, keys), (vec![], vec!["bmp.system-name", "bmp.system-description"]));
        assert_eq!(old.with_running_of(&new), old);
    }

    /// The keys of the file whose value a case changes.
    fn changed(old: &Parameters, new: &Parameters) -> Vec<&'static str> {
        let keys = |parameters: &Parameters| {
            let settings = publisher_settings(&parameters.publisher).into_iter();
            let keys = settings.flat_map(|setting| {
                setting.keys().map(|(key, value)| (key, value.clone())).collect::<Vec<_>>()
            });
            keys.collect::<Vec<_>>()
        };
        let pairs = keys(old).into_iter().zip(keys(new));
        pairs.filter(|(old, new)| old != new).map(|(old, _)| old.0).collect()
    }

    #[test]
    fn every_key_of_a_publisher_has_a_row() {
        // Another name is another publisher.
        let mut seen: BTreeSet<&str> = ["name"].into();
        for (old, new, ..) in CASES {
            seen.extend(changed(&parsed(old), &parsed(new)));
        }
        let seen: BTreeSet<String> = seen.into_iter().map(str::to_owned).collect();
        assert_eq!(seen, config::keys::publisher(), "a key without a case, or without a row");
    }

    /// The keys of the publisher in the example below a comment, up to the next one that ends with a colon or to an empty
    /// line.
    fn below(comment: &str) -> Vec<String> {
        let example = include_str!("../../../../etc/bmpd.toml");
        let (_, publisher) = example.split_once("# [[publisher]]\n").unwrap();
        let lines = publisher.lines().skip_while(|line| !line.contains(comment)).skip(1);
        let lines = lines.take_while(|line| !line.is_empty() && !line.ends_with(':'));
        let keys = lines.filter_map(|line| line.trim_start_matches("# ").split_once(" = "));
        keys.map(|(key, _)| key.to_owned()).filter(|key| !key.starts_with('#')).collect()
    }

    #[test]
    fn the_example_and_the_page_say_when_each_key_takes_effect() {
        let settings = publisher_settings(&parsed("").publisher);
        let effect = |key: &str| {
            settings.iter().find(|s| s.keys().any(|(one, _)| one == key)).map(Setting::effect)
        };
        let reloaded = below("These take effect with a reload");
        assert!(!reloaded.iter().any(|key| key == "shutdown"), "{reloaded:?}");
        assert!(reloaded.iter().all(|key| effect(key) == Some(Effect::Running)), "{reloaded:?}");
        let reset = below("These need a new producer");
        assert!(reset.iter().all(|key| effect(key) == Some(Effect::Connection)), "{reset:?}");
        assert_eq!(below("ends the publisher, or starts it"), ["shutdown"]);
        let example = include_str!("../../../../etc/bmpd.toml");
        let (_, publisher) = example.split_once("# [[publisher]]\n").unwrap();
        let (publisher, _) = publisher.split_once("\n\n").unwrap();
        for key in config::keys::publisher() {
            assert!(publisher.contains(&format!("{key} = ")), "{key} is not in the example");
        }

        let page = include_str!("../../../../docs/reload.md");
        let row = |begin: &str| page.lines().find(|line| line.starts_with(begin)).unwrap();
        let with_a_reload = row("| with a reload, of a publisher |");
        let with_a_reset = row("| with a reset of the publisher |");
        assert!(
            row("| with a reload, which ends or starts the publisher |").contains("`shutdown`")
        );
        for setting in settings.iter().filter(|setting| setting.key() != "name") {
            // Tables are named as a whole.
            let key = match setting.key() {
                key if key.starts_with("kafka.tls.") => "kafka.tls",
                key if key.starts_with("kafka.sasl.") => "kafka.sasl",
                key => key,
            };
            let is_in = [with_a_reload, with_a_reset].map(|row| row.contains(&format!("`{key}`")));
            let is_running = setting.effect() == Effect::Running && key != "shutdown";
            let is_reset = setting.effect() == Effect::Connection;
            assert_eq!(is_in, [is_running, is_reset], "{key}");
        }
    }
}
