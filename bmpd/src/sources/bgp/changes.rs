//! What is different between two configurations of a neighbor, and what that asks for.

use std::net::Ipv4Addr;

use shared::response::{Change, ConfigValue};

use super::directory::Bgp;
use crate::config::setting::{self, Effect, Setting, boolean, integer, list, none, text};
use crate::config::{
    MaximumRoutes, MaximumRoutesAction, Neighbor, Peers, PendingLimits, route_distinguisher,
};

/// Parameters that are different.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Changes {
    /// They are fixed when a BGP session begins.
    pub(crate) restart: Vec<Change>,
    /// They take effect while it runs.
    pub(crate) running: Vec<Change>,
}

/// `[[bgp.neighbor]]`, in the order in which it is shown. This is the one list of its keys; what takes effect
/// with another connection restarts the BGP session.
pub(crate) fn settings(neighbor: &Neighbor) -> Vec<Setting> {
    use Effect::{Connection, Running};
    let (address, prefix, maximum) = match &neighbor.peers {
        Peers::One(address) => (text(address), None, None),
        peers @ Peers::Prefix { maximum, .. } => (None, text(peers), integer(*maximum)),
    };
    let asn = neighbor.remote_as.and_then(integer);
    vec![
        Setting::new("address", Connection, address),
        Setting::new("prefix", Connection, prefix),
        Setting::new("maximum-neighbors", Running, maximum),
        // What the instance stands for is what makes a difference.
        Setting::new("vpn-instance", Connection, neighbor.vpn_instance.as_ref().and_then(text))
            .shown(neighbor.place.to_string()),
        // It is written with the instance.
        Setting::new(
            "route-distinguisher",
            Connection,
            neighbor.route_distinguisher.map(route_distinguisher).and_then(text),
        )
        .written([]),
        Setting::new("remote-as", Connection, asn.clone())
            .shown(neighbor.remote_as.map_or("any".to_owned(), |asn| asn.to_string())),
        Setting::new("description", Running, neighbor.description.as_ref().and_then(text)),
        Setting::new("port", Connection, integer(neighbor.port.get())),
        Setting::new("passive", Connection, boolean(neighbor.passive)),
        Setting::new("hold-time", Connection, integer(neighbor.hold_time))
            .shown(format!("{} s", neighbor.hold_time)),
        Setting::new("families", Connection, list(&neighbor.families)),
        Setting::new("add-path", Connection, list(&neighbor.add_path)),
        Setting::secret("md5", Connection, ["md5.key", "md5.key-file"], neighbor.md5.as_ref()),
        Setting::new("source-address", Connection, neighbor.source_address.and_then(text)),
        Setting::new("multihop", Connection, neighbor.multihop.and_then(integer)),
        Setting::new("ttl-security", Connection, neighbor.ttl_security.and_then(integer)),
        Setting::new("mss", Connection, neighbor.mss.and_then(integer)),
        maximum_routes(neighbor.maximum_routes),
        Setting::new("maximum-memory", Running, integer(neighbor.maximum_memory))
            .shown(format!("{} MiB", neighbor.maximum_memory)),
        Setting::new("graceful-restart", Running, boolean(neighbor.graceful_restart)),
    ]
}

/// What `[bgp]` sets for all neighbors.
pub(crate) fn common_settings(asn: u32, router_id: Ipv4Addr) -> [Setting; 2] {
    let one = |key, written, value: Option<ConfigValue>| {
        Setting::new(key, Effect::Connection, value.clone()).written([(written, value)])
    };
    [one("bgp.as", "as", integer(asn)), one("bgp.router-id", "router-id", text(router_id))]
}

/// `memory-limit` of `[bgp]`, MiB.
pub(crate) fn memory_limit(limit: Option<u32>) -> Setting {
    Setting::new("memory-limit", Effect::Running, limit.and_then(integer))
        .shown(limit.map_or_else(none, |limit| format!("{limit} MiB")))
}

/// What `[bgp]` sets for connections whose OPEN has not come.
pub(crate) fn pending_settings(pending: PendingLimits) -> [Setting; 2] {
    let one = |key, written, value: Option<ConfigValue>| {
        Setting::new(key, Effect::Running, value.clone()).written([(written, value)])
    };
    let timeout = pending.timeout.as_secs();
    [
        one("bgp.maximum-pending", "maximum-pending", integer(pending.maximum)),
        one("bgp.open-timeout", "open-timeout", integer(timeout)).shown(format!("{timeout} s")),
    ]
}

/// What is different of that: nothing if there were no neighbors, or are none.
pub(crate) fn pending_changes(
    old: Option<PendingLimits>,
    new: Option<PendingLimits>,
) -> Vec<Change> {
    let (Some(old), Some(new)) = (old, new) else { return Vec::new() };
    let settings = |pending| pending_settings(pending).to_vec();
    let changes = setting::changes(settings(old), settings(new)).into_iter();
    changes.map(|(_, change)| change).collect()
}

/// What is different between two tables of the same neighbor. Keys are masked.
pub(crate) fn changes(old: &Neighbor, new: &Neighbor) -> Changes {
    let mut changes = Changes::default();
    for (effect, change) in setting::changes(settings(old), settings(new)) {
        match effect {
            Effect::Connection => changes.restart.push(change),
            Effect::Running => changes.running.push(change),
        }
    }
    changes
}

/// What is different for all neighbors: nothing if there were none, or are none.
pub(crate) fn changes_for_all(old: Option<Bgp>, new: Option<Bgp>) -> Vec<Change> {
    let settings = |bgp: Bgp| common_settings(bgp.asn, bgp.router_id).to_vec();
    let (Some(old), Some(new)) = (old, new) else { return Vec::new() };
    let changes = setting::changes(settings(old), settings(new)).into_iter();
    changes.map(|(_, change)| change).collect()
}

/// `maximum-routes`: three keys for one limit.
fn maximum_routes(maximum: Option<MaximumRoutes>) -> Setting {
    let action = maximum.map(|maximum| match maximum.action {
        MaximumRoutesAction::Warn => ("warn", None),
        MaximumRoutesAction::Restart(after) => ("restart", Some(after.as_secs())),
        MaximumRoutesAction::Shutdown => ("shutdown", None),
    });
    let shown = maximum.zip(action).map(|(maximum, (action, after))| match after {
        Some(after) => format!("{} ({action} after {after} s)", maximum.limit),
        None => format!("{} ({action})", maximum.limit),
    });
    Setting::new("maximum-routes", Effect::Running, None).shown(shown.unwrap_or_else(none)).written(
        [
            ("maximum-routes.limit", maximum.and_then(|maximum| integer(maximum.limit))),
            ("maximum-routes.action", action.and_then(|(action, _)| text(action))),
            ("maximum-routes.restart-after", action.and_then(|(_, after)| after).and_then(integer)),
        ],
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn neighbor(lines: &str) -> Neighbor {
        let text = format!(
            "[bgp]\nas = 1\nrouter-id = '1.1.1.1'\n[[bgp.neighbor]]\naddress = '10.0.0.2'\nremote-as = 1\n{lines}"
        );
        let config = crate::config::parse(&text, std::path::Path::new("f")).unwrap();
        config.bgp.unwrap().neighbors[0].clone()
    }

    /// One change of each key, what it is called, and whether the BGP session restarts.
    const CASES: [(&str, &str, &str, bool); 15] = [
        ("", "port = 1", "port 179 -> 1", true),
        ("", "passive = true", "passive false -> true", true),
        ("", "hold-time = 30", "hold-time 90 s -> 30 s", true),
        (
            "",
            "families = ['ipv4-unicast']",
            "families ipv4-unicast, ipv6-unicast -> ipv4-unicast",
            true,
        ),
        ("", "add-path = ['ipv4-unicast']", "add-path none -> ipv4-unicast", true),
        ("", "md5.key = 'one'", "md5 none -> ***", true),
        ("md5.key = 'one'", "md5.key = 'two'", "md5 *** -> *** (changed)", true),
        ("", "source-address = '10.0.0.1'", "source-address none -> 10.0.0.1", true),
        ("", "multihop = 2", "multihop none -> 2", true),
        ("", "ttl-security = 1", "ttl-security none -> 1", true),
        ("", "mss = 500", "mss none -> 500", true),
        ("", "maximum-routes.limit = 5", "maximum-routes none -> 5 (restart after 300 s)", false),
        ("", "maximum-memory = 16", "maximum-memory 2048 MiB -> 16 MiB", false),
        ("", "graceful-restart = false", "graceful-restart true -> false", false),
        ("", "description = 'x'", "description none -> x", false),
    ];

    #[test]
    fn every_change_is_named_with_old_and_new_and_keys_masked() {
        for (old, new, expected, restarts) in CASES {
            let Changes { restart, running } = changes(&neighbor(old), &neighbor(new));
            let shown = |list: &[Change]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
            let expected = [expected.to_owned()];
            let nothing: [String; 0] = [];
            if restarts {
                assert_eq!(
                    (&shown(&restart)[..], &shown(&running)[..]),
                    (&expected[..], &nothing[..])
                );
            } else {
                assert_eq!(
                    (&shown(&restart)[..], &shown(&running)[..]),
                    (&nothing[..], &expected[..])
                );
            }
        }
        assert_eq!(changes(&neighbor(""), &neighbor("")), Changes::default());
    }

    #[test]
    fn for_every_key_it_is_said_whether_the_bgp_session_restarts_or_goes_on() {
        // Another address or prefix is another neighbor; a VPN instance has its own file.
        let mut seen: BTreeSet<&str> = ["address", "prefix", "vpn-instance", "remote-as"].into();
        let values = |neighbor: &Neighbor| -> Vec<(&'static str, Option<ConfigValue>)> {
            let settings = settings(neighbor);
            settings
                .iter()
                .flat_map(|s| s.keys().map(|(k, v)| (k, v.clone())).collect::<Vec<_>>())
                .collect()
        };
        let mut note = |old: &str, new: &str| {
            let pairs = values(&neighbor(old)).into_iter().zip(values(&neighbor(new)));
            seen.extend(pairs.filter(|(old, new)| old != new).map(|(old, _)| old.0));
        };
        for (_, new, ..) in CASES {
            note("", new);
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, "one").unwrap();
        note("", &format!("md5.key-file = '{}'", file.display()));
        seen.insert("maximum-neighbors");
        let seen: BTreeSet<String> = seen.into_iter().map(str::to_owned).collect();
        assert_eq!(seen, crate::config::keys::neighbor(), "a key without a case, or without a row");
        let prefix = |lines: &str| {
            let text = format!(
                "[bgp]\nas = 1\nrouter-id = '1.1.1.1'\n[[bgp.neighbor]]\nprefix = '10.0.0.0/8'\n{lines}"
            );
            crate::config::parse(&text, std::path::Path::new("f")).unwrap().bgp.unwrap().neighbors
                [0]
            .clone()
        };
        let Changes { restart, running } = changes(&prefix(""), &prefix("maximum-neighbors = 5"));
        assert_eq!((restart.len(), running.len()), (0, 1));
        let Changes { restart, running } = changes(&prefix(""), &prefix("remote-as = 5"));
        assert_eq!((restart.len(), running.len()), (1, 0));
    }

    #[test]
    fn the_page_names_what_a_neighbor_takes_with_a_reload() {
        let page = include_str!("../../../../docs/reload.md");
        let row = page.lines().find(|line| line.starts_with("| with a reload |")).unwrap();
        let (_, row) = row.split_once("of a neighbor:").unwrap();
        let (of_a_neighbor, of_all) = row.split_once(';').unwrap();
        let named =
            |text: &'static str| text.split('`').skip(1).step_by(2).collect::<BTreeSet<_>>();
        let settings = settings(&neighbor(""));
        let running = settings.iter().filter(|setting| setting.effect() == Effect::Running);
        assert_eq!(named(of_a_neighbor), running.map(Setting::key).collect());
        assert_eq!(named(of_all), ["maximum-pending", "memory-limit", "open-timeout"].into());
    }

    #[test]
    fn another_as_or_identifier_is_a_change_for_all() {
        let bgp = |asn| Some(Bgp { asn, router_id: Ipv4Addr::LOCALHOST });
        assert_eq!(changes_for_all(bgp(1), bgp(2))[0].to_string(), "bgp.as 1 -> 2");
        assert_eq!(changes_for_all(None, bgp(2)), []);
        assert_eq!(changes_for_all(bgp(1), bgp(1)), []);
    }
}
