//! What is different between two configurations of a neighbor, and what that asks for.

use std::time::Duration;

use shared::response::Change;

use super::directory::Bgp;
use crate::config::{MaximumRoutesAction, Neighbor, Peers};

/// Parameters that are different.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Changes {
    /// They are settled when a BGP session begins.
    pub(crate) restart: Vec<Change>,
    /// They take effect while it runs.
    pub(crate) running: Vec<Change>,
}

/// What is different between two tables of the same neighbor. Keys are masked.
pub(crate) fn changes(old: &Neighbor, new: &Neighbor) -> Changes {
    let mut restart = Vec::new();
    let mut compare = |key: &str, old: String, new: String, other: bool| {
        if old != new {
            restart.push(Change { key: key.to_owned(), old, new });
        } else if other {
            restart.push(Change { key: key.to_owned(), old, new: format!("{new} (changed)") });
        }
    };
    let any = |asn: Option<u32>| asn.map_or("any".to_owned(), |asn| asn.to_string());
    let names = |families: &[crate::wire::family::Family]| {
        let names: Vec<String> = families.iter().map(ToString::to_string).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    let masked = |neighbor: &Neighbor| match &neighbor.md5 {
        Some(_) => "***".to_owned(),
        None => "none".to_owned(),
    };
    compare("remote-as", any(old.remote_as), any(new.remote_as), false);
    compare("port", old.port.to_string(), new.port.to_string(), false);
    compare("passive", old.passive.to_string(), new.passive.to_string(), false);
    compare("hold-time", format!("{} s", old.hold_time), format!("{} s", new.hold_time), false);
    compare("families", names(&old.families), names(&new.families), false);
    compare("add-path", names(&old.add_path), names(&new.add_path), false);
    compare("md5", masked(old), masked(new), old.md5 != new.md5);
    compare("source-address", or_none(old.source_address), or_none(new.source_address), false);
    compare("multihop", or_none(old.multihop), or_none(new.multihop), false);
    compare("ttl-security", or_none(old.ttl_security), or_none(new.ttl_security), false);
    compare("mss", or_none(old.mss), or_none(new.mss), false);
    compare("vpn-instance", old.place.to_string(), new.place.to_string(), false);
    let distinguisher = |neighbor: &Neighbor| {
        or_none(
            neighbor.route_distinguisher.map(|bytes| format!("{:016x}", u64::from_be_bytes(bytes))),
        )
    };
    compare("route-distinguisher", distinguisher(old), distinguisher(new), false);

    let mut running = Vec::new();
    let mut compare = |key: &str, old: String, new: String| {
        if old != new {
            running.push(Change { key: key.to_owned(), old, new });
        }
    };
    compare("maximum-routes", maximum(old), maximum(new));
    let maximum_neighbors = |neighbor: &Neighbor| match neighbor.peers {
        Peers::One(_) => "1".to_owned(),
        Peers::Prefix { maximum, .. } => maximum.to_string(),
    };
    compare("maximum-neighbors", maximum_neighbors(old), maximum_neighbors(new));
    let graceful = |neighbor: &Neighbor| neighbor.graceful_restart.to_string();
    compare("graceful-restart", graceful(old), graceful(new));
    compare("description", or_none(old.description.as_ref()), or_none(new.description.as_ref()));
    Changes { restart, running }
}

/// What is different for all neighbors: nothing if there were none, or are none.
pub(crate) fn changes_for_all(old: Option<Bgp>, new: Option<Bgp>) -> Vec<Change> {
    let mut changes = Vec::new();
    if let (Some(old), Some(new)) = (old, new) {
        let pairs = [
            ("bgp.as", old.asn.to_string(), new.asn.to_string()),
            ("bgp.router-id", old.router_id.to_string(), new.router_id.to_string()),
        ];
        for (key, old, new) in pairs {
            if old != new {
                changes.push(Change { key: key.to_owned(), old, new });
            }
        }
    }
    changes
}

fn or_none<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}

fn maximum(neighbor: &Neighbor) -> String {
    let Some(maximum) = neighbor.maximum_routes else { return "none".to_owned() };
    let action = match maximum.action {
        MaximumRoutesAction::Warn => "warn".to_owned(),
        MaximumRoutesAction::Restart(after) => {
            format!("restart after {} s", Duration::as_secs(&after))
        }
        MaximumRoutesAction::Shutdown => "shutdown".to_owned(),
    };
    format!("{} ({action})", maximum.limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn neighbor(lines: &str) -> Neighbor {
        let text = format!(
            "[bgp]\nas = 1\nrouter-id = '1.1.1.1'\n[[bgp.neighbor]]\naddress = '10.0.0.2'\nremote-as = 1\n{lines}"
        );
        let config = crate::config::parse(&text, std::path::Path::new("f")).unwrap();
        config.bgp.unwrap().neighbors[0].clone()
    }

    #[test]
    fn every_change_is_named_with_old_and_new_and_keys_masked() {
        let cases = [
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
            (
                "",
                "maximum-routes.limit = 5",
                "maximum-routes none -> 5 (restart after 300 s)",
                false,
            ),
            ("", "graceful-restart = false", "graceful-restart true -> false", false),
            ("", "description = 'x'", "description none -> x", false),
        ];
        for (old, new, expected, restarts) in cases {
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
    fn another_as_or_identifier_is_a_change_for_all() {
        let bgp = |asn| Some(Bgp { asn, router_id: std::net::Ipv4Addr::LOCALHOST });
        assert_eq!(changes_for_all(bgp(1), bgp(2))[0].to_string(), "bgp.as 1 -> 2");
        assert_eq!(changes_for_all(None, bgp(2)), []);
        assert_eq!(changes_for_all(bgp(1), bgp(1)), []);
    }
}
