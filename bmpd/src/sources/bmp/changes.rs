//! What is different between two configurations of a router, and what that asks for.

use shared::response::{Change, ConfigValue};

use crate::config::setting::{self, Effect, Setting, boolean, integer, list, none, path, text};
use crate::config::{Peers, PendingLimits, Prefix, Router, ServerTls, TlsFile, Who};

/// `[[router]]`, in the order in which it is shown. This is the one list of its keys; what takes effect with another
/// connection ends the one that there is, and the tables are held.
pub(crate) fn settings(router: &Router) -> Vec<Setting> {
    use Effect::{Connection, Running};
    let (name, addresses, prefix, maximum) = match &router.who {
        Who::Named { name, addresses } => (text(name), Some(addresses), None, None),
        Who::Prefix(peers) => {
            let maximum = match peers {
                Peers::Prefix { maximum, .. } => integer(*maximum),
                Peers::One(_) => None,
            };
            (None, None, text(peers), maximum)
        }
    };
    let (one, several) = match addresses.map(Vec::as_slice) {
        Some([one]) => (text(one), None),
        Some(several) => (None, list(several)),
        None => (None, None),
    };
    let limits = &router.limits;
    let of_size = |key, value: u32, unit: &str| {
        Setting::new(key, Running, integer(value)).shown(format!("{value} {unit}"))
    };
    let mode = if router.active.is_some() { "active" } else { "passive" };
    let mut settings = vec![
        Setting::new("name", Connection, name),
        Setting::new("address", Running, one),
        Setting::new("addresses", Running, several),
        Setting::new("prefix", Connection, prefix),
        Setting::new("maximum-routers", Running, maximum),
        // What the instance stands for is what makes a difference.
        Setting::new("vpn-instance", Connection, router.vpn_instance.as_ref().and_then(text))
            .shown(router.place.to_string()),
        Setting::new("description", Running, router.description.as_ref().and_then(text)),
        Setting::new("mode", Connection, text(mode)),
        Setting::new(
            "tcp.connect-port",
            Connection,
            router.active.map(u16::from).and_then(integer),
        ),
    ];
    settings.extend(setting::tcp(&router.tcp, Connection));
    settings.extend(tls(router.tls.as_ref()));
    settings.extend([
        Setting::seconds("retry.initial", Running, router.retry.initial),
        Setting::seconds("retry.maximum", Running, router.retry.maximum),
        Setting::seconds("hold-time", Running, router.hold_time),
        Setting::new("maximum-peers", Running, integer(limits.peers)),
        Setting::new("maximum-routes", Running, limits.routes.and_then(integer)),
        of_size("maximum-memory", limits.memory, "MiB"),
        of_size("maximum-message", limits.message, "bytes"),
        Setting::new("shutdown", Running, boolean(router.shutdown)),
    ]);
    settings
}

fn tls(tls: Option<&ServerTls>) -> [Setting; 5] {
    let one = |key, value| Setting::new(key, Effect::Connection, value);
    let identity = tls.map(|tls| &tls.identity);
    let file = |file: &TlsFile| path(&file.path);
    [
        one("tls.ca", tls.and_then(|tls| file(&tls.ca))).hidden(tls.map(|tls| tls.ca.pem.to_vec())),
        one("tls.certificate", identity.and_then(|identity| file(&identity.certificate)))
            .hidden(identity.map(|identity| identity.certificate.pem.to_vec())),
        one("tls.private-key", identity.and_then(|identity| path(&identity.key_path)))
            .hidden(identity.map(|identity| identity.key.expose().to_vec())),
        one("tls.client-name", tls.and_then(|tls| tls.client_name.as_ref()).and_then(text)),
        one("tls.minimum-version", tls.map(|tls| tls.minimum_version.word()).and_then(text)),
    ]
}

/// `memory-limit` of `[relay]`, MiB.
pub(crate) fn memory_limit(limit: Option<u32>) -> Setting {
    Setting::new("memory-limit", Effect::Running, limit.and_then(integer))
        .shown(limit.map_or_else(none, |limit| format!("{limit} MiB")))
}

/// `proxies` of `[relay]`.
pub(crate) fn proxies(proxies: &[Prefix]) -> Setting {
    Setting::new("proxies", Effect::Running, (!proxies.is_empty()).then(|| list(proxies)).flatten())
}

/// What `[relay]` sets for connections whose Initiation has not come.
pub(crate) fn pending_settings(pending: PendingLimits) -> [Setting; 2] {
    let one = |key, written, value: Option<ConfigValue>| {
        Setting::new(key, Effect::Running, value.clone()).written([(written, value)])
    };
    let timeout = pending.timeout.as_secs();
    [
        one("relay.maximum-pending", "maximum-pending", integer(pending.maximum)),
        one("relay.initiation-timeout", "initiation-timeout", integer(timeout))
            .shown(format!("{timeout} s")),
    ]
}

/// What is different, and whether it asks for another connection.
pub(crate) fn changes(old: &Router, new: &Router) -> (bool, Vec<Change>) {
    let changes = setting::changes(settings(old), settings(new));
    let needs_connection = changes.iter().any(|(effect, _)| *effect == Effect::Connection);
    (needs_connection, changes.into_iter().map(|(_, change)| change).collect())
}

/// True if the present connection is not one of these parameters.
pub(super) fn needs_connection(old: &Router, new: &Router) -> bool {
    old != new && changes(old, new).0
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::config;

    fn parsed(router: &str) -> Router {
        let text = format!("[relay]\n[[router]]\n{router}");
        config::parse(&text, std::path::Path::new("f")).unwrap().routers.remove(0)
    }

    #[test]
    fn every_key_of_a_router_has_a_row() {
        let rows: BTreeSet<String> = settings(&parsed("name = 'a'\naddress = '192.0.2.1'"))
            .iter()
            .flat_map(|setting| setting.keys().map(|(key, _)| key.to_owned()).collect::<Vec<_>>())
            .collect();
        let mut keys = config::keys::router();
        // It is refused: routers connect to [relay] listen.
        keys.remove("tcp.listen-port");
        assert_eq!(rows, keys);
    }

    #[test]
    fn what_a_connection_is_made_with_asks_for_another_one() {
        const BASE: &str = "name = 'a'\naddress = '192.0.2.1'\n";
        let cases = [
            ("tcp.md5.key = 'one'", "tcp.md5 none -> ***", true),
            ("tcp.mss = 1400", "tcp.mss none -> 1400", true),
            ("mode = 'active'\ntcp.connect-port = 7", "mode passive -> active", true),
            ("hold-time = 7", "hold-time 90 s -> 7 s", false),
            ("maximum-peers = 7", "maximum-peers 4000 -> 7", false),
            ("maximum-memory = 77", "maximum-memory 16384 MiB -> 77 MiB", false),
            ("maximum-routes = 7", "maximum-routes none -> 7", false),
            ("description = 'x'", "description none -> x", false),
            ("shutdown = true", "shutdown false -> true", false),
        ];
        for (more, expected, needs_connection) in cases {
            let (needs, changes) = changes(&parsed(BASE), &parsed(&format!("{BASE}{more}")));
            assert_eq!((changes[0].to_string(), needs), (expected.to_owned(), needs_connection));
        }
        assert_eq!(changes(&parsed(BASE), &parsed(BASE)), (false, vec![]));
    }
}
