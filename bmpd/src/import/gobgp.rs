//! GoBGP: its file in TOML.
//!
//! What is read is taken out of the file's tables. What is left in the end was not read, and is noted with its line.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::statement::{short, shown};
use super::{At, Found, ImportError, Neighbor, RemoteAs, Station, Traits, family, prefix};
use crate::config::{MaximumRoutes, MaximumRoutesAction};

/// Tables and keys without a counterpart: policy, what is sent, and timers of GoBGP's own.
const PASSED_OVER: [&str; 20] = [
    "apply-policy",
    "as-path-options",
    "collector",
    "connect-retry",
    "defined-sets",
    "graceful-restart",
    "idle-hold-time-after-reset",
    "keepalive-interval",
    "long-lived-graceful-restart",
    "mp-graceful-restart",
    "mrt-dump",
    "policy-definitions",
    "route-reflector",
    "route-selection-options",
    "route-server",
    "rpki-servers",
    "send-max",
    "use-multiple-paths",
    "vrfs",
    "zebra",
];

/// Where lines begin, in bytes.
struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        Self(std::iter::once(0).chain(ends).collect())
    }

    fn of(&self, span: Range<usize>) -> usize {
        self.0.partition_point(|start| *start <= span.start).max(1)
    }
}

/// Reads a configuration.
pub(super) fn read(text: &str) -> Result<Found, ImportError> {
    let lines = Lines::new(text);
    let mut file = DeTable::parse(text)
        .map_err(|error| {
            let text = format!(
                "this is no TOML: {}; of the forms that GoBGP reads this one can be imported (gobgpd -t toml)",
                error.message()
            );
            ImportError::Syntax { line: lines.of(error.span().unwrap_or_default()), text }
        })?
        .into_inner();
    let mut found = Found::default();
    if let Some(config) = table(&mut file, &["global", "config"]) {
        found.asn = number(config, "as");
        found.router_id = string(config, "router-id");
        found.listen = listen(config);
    }
    let mut groups: HashMap<String, Traits> = HashMap::new();
    for (line, group) in tables(&mut file, "peer-groups", &lines) {
        let name = table(group, &["config"]).and_then(|config| string(config, "peer-group-name"));
        let traits = traits(group, &lines, &mut found);
        match name {
            Some(name) => drop(groups.insert(name, traits)),
            None => found.note(line, "a peer group without a peer-group-name"),
        }
    }
    let none = Traits::default();
    let with_group = |own: Traits, name: Option<String>, line: usize, found: &mut Found| {
        let Some(name) = name.filter(|name| !name.is_empty()) else { return own };
        let group = groups.get(&name);
        if group.is_none() {
            found.note(line, format!("there is no peer group {}", shown(&name)));
        }
        own.or(group.unwrap_or(&none))
    };
    for (line, neighbor) in tables(&mut file, "neighbors", &lines) {
        let own = traits(neighbor, &lines, &mut found);
        let Some(config) = table(neighbor, &["config"]) else {
            found.unsupported(line, "a neighbor without [neighbors.config]");
            continue;
        };
        let group = string(config, "peer-group");
        let vrf = string(config, "vrf").filter(|name| !name.is_empty());
        let address = string(config, "neighbor-address").filter(|text| !text.is_empty());
        let Some(address) = address.as_deref().and_then(|text| text.parse().ok()) else {
            let text = format!(
                "bmpd knows neighbors by their addresses: this one has none{}",
                address.map(|text| format!(" but {}", shown(&text))).unwrap_or_default()
            );
            found.unsupported(line, text);
            continue;
        };
        let traits = with_group(own, group, line, &mut found);
        let at = At::Address(address);
        found.add_neighbor(Neighbor { line, at, vrf, own_as: None, traits });
    }
    for (line, neighbor) in tables(&mut file, "dynamic-neighbors", &lines) {
        let config = table(neighbor, &["config"]);
        let (mut at, mut group) = (None, None);
        if let Some(config) = config {
            at = string(config, "prefix").and_then(|text| prefix(&text));
            group = string(config, "peer-group");
        }
        let Some(at) = at else {
            found.unsupported(line, "a dynamic neighbor without a prefix");
            continue;
        };
        let traits = with_group(Traits::default(), group, line, &mut found);
        found.add_neighbor(Neighbor { line, at, vrf: None, own_as: None, traits });
    }
    for (line, server) in tables(&mut file, "bmp-servers", &lines) {
        let Some(config) = table(server, &["config"]) else {
            found.unsupported(line, "a BMP server without [bmp-servers.config]");
            continue;
        };
        let Some(host) = string(config, "address") else {
            found.unsupported(line, "a BMP server without an address");
            continue;
        };
        let policy = string(config, "route-monitoring-policy");
        if let Some(policy) = policy.filter(|policy| policy != "pre-policy") {
            let text =
                format!("bmpd reports Adj-RIB-In before policy alone, not {}", shown(&policy));
            found.note(line, text);
        }
        let statistics = number::<u32>(config, "statistics-timeout");
        found.add_station(Station {
            line,
            host,
            port: number(config, "port").unwrap_or(11019),
            name: None,
            vrf: None,
            is_shut: false,
            retry: None,
            statistics: statistics.filter(|seconds| *seconds > 0).map(|s| u64::from(s) * 1000),
            source_interface: None,
            families: BTreeMap::new(),
        });
    }
    for (key, value) in file {
        left_over(
            &key.into_inner(),
            key_line(&value, &lines),
            value.into_inner(),
            &lines,
            &mut found,
        );
    }
    Ok(found)
}

fn key_line(value: &Spanned<DeValue<'_>>, lines: &Lines) -> usize {
    lines.of(value.span())
}

/// Records what was not read.
fn left_over(path: &str, line: usize, value: DeValue<'_>, lines: &Lines, found: &mut Found) {
    let name = path.rsplit('.').next().unwrap_or_default();
    if PASSED_OVER.contains(&name) {
        return found.pass_over(line, path);
    }
    match value {
        DeValue::Table(table) => {
            for (key, value) in table {
                let path = format!("{path}.{}", shown(key.get_ref()));
                left_over(&path, key_line(&value, lines), value.into_inner(), lines, found);
            }
        }
        DeValue::Array(values) => {
            let tables = values.iter().any(|value| value.get_ref().is_table());
            for value in values {
                left_over(path, key_line(&value, lines), value.into_inner(), lines, found);
                if !tables {
                    // One note for a list of values.
                    break;
                }
            }
        }
        DeValue::String(text) => found.note(line, format!("not used: {path} = {}", shown(&text))),
        DeValue::Integer(number) => {
            found.note(line, format!("not used: {path} = {}", shown(number.as_str())));
        }
        DeValue::Float(number) => {
            found.note(line, format!("not used: {path} = {}", shown(number.as_str())));
        }
        DeValue::Boolean(value) => found.note(line, format!("not used: {path} = {value}")),
        DeValue::Datetime(value) => found.note(line, format!("not used: {path} = {value}")),
    }
}

/// The table at a path.
fn table<'t, 'a>(mut table: &'t mut DeTable<'a>, path: &[&str]) -> Option<&'t mut DeTable<'a>> {
    for key in path {
        let DeValue::Table(inner) = table.get_mut(*key)?.get_mut() else { return None };
        table = inner;
    }
    Some(table)
}

/// The tables of a list, each with its line.
fn tables<'t, 'a>(
    file: &'t mut DeTable<'a>,
    key: &str,
    lines: &'t Lines,
) -> impl Iterator<Item = (usize, &'t mut DeTable<'a>)> {
    let list = match file.get_mut(key).map(Spanned::get_mut) {
        Some(DeValue::Array(list)) => Some(list),
        _ => None,
    };
    list.into_iter().flat_map(|list| list.iter_mut()).filter_map(|value| {
        let line = lines.of(value.span());
        match value.get_mut() {
            DeValue::Table(table) => Some((line, table)),
            _ => None,
        }
    })
}

/// Takes a text out of a table. One that is too long is left in it.
fn string(table: &mut DeTable<'_>, key: &str) -> Option<String> {
    let DeValue::String(text) = table.get(key)?.get_ref() else { return None };
    let text = short(text.clone().into_owned(), key).ok()?;
    table.remove(key);
    Some(text)
}

/// Takes `true` or `false` out of a table.
fn boolean(table: &mut DeTable<'_>, key: &str) -> Option<bool> {
    let DeValue::Boolean(value) = *table.get(key)?.get_ref() else { return None };
    table.remove(key);
    Some(value)
}

/// Takes a number in the range of its type out of a table.
fn number<T: TryFrom<i64>>(table: &mut DeTable<'_>, key: &str) -> Option<T> {
    let number = match table.get(key)?.get_ref() {
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok()?,
        // Times can be written as floating point numbers.
        DeValue::Float(number) => {
            let number: f64 = number.as_str().parse().ok()?;
            let is_whole = number.fract() == 0.0 && number.abs() <= f64::from(u32::MAX);
            is_whole.then_some(number as i64)?
        }
        _ => return None,
    };
    let number = T::try_from(number).ok()?;
    table.remove(key);
    Some(number)
}

/// Where GoBGP listens, if configured; -1 stands for nowhere.
fn listen(config: &mut DeTable<'_>) -> Option<Vec<String>> {
    let port: Option<i32> = number(config, "port");
    if port.is_some_and(|port| port < 0) {
        return Some(Vec::new());
    }
    let port = port.and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
    let addresses = addresses(config, "local-address-list");
    if addresses.is_none() && port.is_none_or(|port| port == 179) {
        return None;
    }
    let addresses = addresses
        .unwrap_or_else(|| vec![Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()]);
    let places = addresses.into_iter().map(|ip| SocketAddr::new(ip, port.unwrap_or(179)));
    Some(places.map(|place| place.to_string()).collect())
}

/// Takes a list of addresses out of a table.
fn addresses(table: &mut DeTable<'_>, key: &str) -> Option<Vec<IpAddr>> {
    let DeValue::Array(list) = table.get(key)?.get_ref() else { return None };
    let address = |value: &Spanned<DeValue<'_>>| match value.get_ref() {
        DeValue::String(text) => text.parse().ok(),
        _ => None,
    };
    let addresses = list.iter().map(address).collect::<Option<Vec<_>>>()?;
    table.remove(key);
    Some(addresses)
}

/// The traits in the tables of a neighbor, or of a group.
fn traits(of: &mut DeTable<'_>, lines: &Lines, found: &mut Found) -> Traits {
    let mut traits = Traits::default();
    if let Some(config) = table(of, &["config"]) {
        traits.is_shut = boolean(config, "admin-down");
        traits.remote_as = number(config, "peer-as").filter(|asn| *asn > 0).map(RemoteAs::Number);
        traits.local_as = number(config, "local-as").filter(|asn| *asn > 0);
        traits.password = string(config, "auth-password").filter(|password| !password.is_empty());
        traits.description = string(config, "description");
    }
    if let Some(transport) = table(of, &["transport", "config"]) {
        traits.source = string(transport, "local-address");
        traits.passive = boolean(transport, "passive-mode");
        traits.port = number(transport, "remote-port");
    }
    if let Some(timers) = table(of, &["timers", "config"]) {
        traits.hold_time = number(timers, "hold-time");
    }
    if let Some(multihop) = table(of, &["ebgp-multihop", "config"]) {
        let is_on = boolean(multihop, "enabled").unwrap_or(false);
        let hops: Option<u32> = number(multihop, "multihop-ttl");
        traits.multihop = is_on.then_some(hops.filter(|hops| *hops > 0).unwrap_or(255));
    }
    if let Some(security) = table(of, &["ttl-security", "config"]) {
        let is_on = boolean(security, "enabled").unwrap_or(false);
        // The least TTL that is accepted: 255 is a direct neighbor.
        let least: Option<u32> = number(security, "ttl-min");
        let least = least.filter(|least| *least > 0).unwrap_or(255);
        traits.ttl_security = is_on.then_some(256u32.saturating_sub(least).max(1));
    }
    let paths_line = of.get("add-paths").map(|paths| key_line(paths, lines));
    let receives_all =
        table(of, &["add-paths", "config"]).and_then(|paths| boolean(paths, "receive"));
    let mut has_families = false;
    for (line, safi) in tables(of, "afi-safis", lines) {
        has_families = true;
        let mut is_enabled = true;
        let name = table(safi, &["config"]).and_then(|config| {
            is_enabled = boolean(config, "enabled").unwrap_or(true);
            string(config, "afi-safi-name")
        });
        let Some(name) = name else {
            found.note(line, "a family without an afi-safi-name");
            continue;
        };
        if !is_enabled {
            let name = shown(&name);
            found.note(line, format!("the family {name} has enabled = false: it is taken over"));
        }
        let receives =
            table(safi, &["add-paths", "config"]).and_then(|paths| boolean(paths, "receive"));
        let limit: Option<u32> = table(safi, &["prefix-limit", "config"])
            .and_then(|limit| number(limit, "max-prefixes"));
        let Some(name) = family(&name) else {
            found.note(line, format!("bmpd has no family {}", shown(&name)));
            continue;
        };
        traits.families.insert(name, true);
        if receives.or(receives_all) == Some(true) {
            traits.add_path.insert(name, true);
        }
        if let Some(limit) = limit.filter(|limit| *limit > 0) {
            let action = MaximumRoutesAction::Shutdown;
            traits.limits.insert(name, MaximumRoutes { limit, action });
        }
    }
    if let (false, Some(true), Some(line)) = (has_families, receives_all, paths_line) {
        found.note(line, "add-paths beside no afi-safis: name the families in add-path");
    }
    traits
}
