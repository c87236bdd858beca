//! GoBGP: its file in TOML.

use std::collections::HashMap;

use toml::{Table, Value};

use super::{At, Found, ImportError, Neighbor, RemoteAs, Station, Traits, family};
use crate::config::{MaximumRoutes, MaximumRoutesAction};

/// Reads a configuration.
pub(super) fn read(text: &str) -> Result<Found, ImportError> {
    let file: Table = text.parse().map_err(|error: toml::de::Error| {
        let at = error.span().map_or(0, |span| span.start);
        let line = 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
        let text = format!(
            "this is no TOML: {}; of the forms that GoBGP reads this one can be imported (gobgpd -t toml)",
            error.message()
        );
        ImportError::Syntax { line, text }
    })?;
    let lines = Lines(text);
    let mut found = Found::default();
    if let Some(global) = config(file.get("global")) {
        found.asn = number(global, "as");
        found.router_id = string(global, "router-id");
        found.port = number(global, "port").and_then(|port| u16::try_from(port).ok());
    }
    let groups: HashMap<String, Traits> = tables(&file, "peer-groups")
        .filter_map(|group| Some((string(config_of(group)?, "peer-group-name")?, traits(group))))
        .collect();
    let none = Traits::default();
    let with_group = |own: Traits, name: Option<String>| {
        own.or(name.and_then(|name| groups.get(&name)).unwrap_or(&none))
    };
    for (index, table) in tables(&file, "neighbors").enumerate() {
        let line = lines.of("[[neighbors]]", index);
        let Some(config) = config_of(table) else {
            found.note(line, "a neighbor without [neighbors.config]");
            continue;
        };
        let Some(address) = string(config, "neighbor-address").and_then(|text| text.parse().ok())
        else {
            found.note(line, "bmpd knows neighbors by their addresses: this one has none");
            continue;
        };
        let vrf = string(config, "vrf").filter(|name| !name.is_empty());
        let traits = with_group(traits(table), string(config, "peer-group"));
        found.neighbors.push(Neighbor { line, at: At::Address(address), vrf, traits });
    }
    for (index, table) in tables(&file, "dynamic-neighbors").enumerate() {
        let line = lines.of("[[dynamic-neighbors]]", index);
        let config = config_of(table);
        match config.and_then(|config| string(config, "prefix")) {
            Some(prefix) => {
                let group = config.and_then(|config| string(config, "peer-group"));
                let traits = with_group(Traits::default(), group);
                let at = At::Prefix(prefix);
                found.neighbors.push(Neighbor { line, at, vrf: None, traits });
            }
            None => found.note(line, "a dynamic neighbor without a prefix"),
        }
    }
    for (index, table) in tables(&file, "bmp-servers").enumerate() {
        let line = lines.of("[[bmp-servers]]", index);
        let config = config_of(table);
        let address = config.and_then(|config| string(config, "address"));
        let Some(address) = address.and_then(|text| text.parse().ok()) else {
            found.note(line, "a BMP server without an IP address: bmpd looks up no host names");
            continue;
        };
        let of = |key: &str| config.and_then(|config| number(config, key));
        let policy = config.and_then(|config| string(config, "route-monitoring-policy"));
        if let Some(policy) = policy.filter(|policy| policy != "pre-policy") {
            found.note(line, format!("bmpd reports Adj-RIB-In before policy alone, not {policy}"));
        }
        found.stations.push(Station {
            line,
            address,
            port: of("port").and_then(|port| u16::try_from(port).ok()).unwrap_or(11019),
            name: None,
            vrf: None,
            retry: None,
            statistics: of("statistics-timeout").filter(|seconds| *seconds > 0).map(u64::from),
            source_interface: None,
        });
    }
    Ok(found)
}

/// Where tables begin: TOML values do not know their lines any more.
struct Lines<'a>(&'a str);

impl Lines<'_> {
    /// The line of the heading that comes so often before; 1 if it is written in another form.
    fn of(&self, heading: &str, before: usize) -> usize {
        let lines = self.0.lines().enumerate().filter(|(_, line)| line.trim().starts_with(heading));
        lines.skip(before).map(|(index, _)| index + 1).next().unwrap_or(1)
    }
}

fn tables<'a>(file: &'a Table, key: &str) -> impl Iterator<Item = &'a Table> {
    let list = file.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_table)
}

fn config(value: Option<&Value>) -> Option<&Table> {
    config_of(value?.as_table()?)
}

fn config_of(table: &Table) -> Option<&Table> {
    table.get("config")?.as_table()
}

fn string(table: &Table, key: &str) -> Option<String> {
    table.get(key)?.as_str().map(str::to_owned)
}

fn number(table: &Table, key: &str) -> Option<u32> {
    match table.get(key)? {
        Value::Integer(number) => u32::try_from(*number).ok(),
        // Times can be written as floating point numbers.
        Value::Float(number) if (0.0..=f64::from(u32::MAX)).contains(number) => {
            Some(*number as u32)
        }
        _ => None,
    }
}

/// What the tables of a neighbor, or of a group, say.
fn traits(table: &Table) -> Traits {
    let of = |name: &str| config(table.get(name));
    let mut traits = Traits::default();
    if let Some(config) = config_of(table) {
        traits.remote_as = number(config, "peer-as").filter(|asn| *asn > 0).map(RemoteAs::Number);
        traits.password = string(config, "auth-password").filter(|password| !password.is_empty());
        traits.description = string(config, "description");
    }
    if let Some(transport) = of("transport") {
        traits.source = string(transport, "local-address");
        traits.passive = transport.get("passive-mode").and_then(Value::as_bool);
        traits.port = number(transport, "remote-port").and_then(|port| u16::try_from(port).ok());
    }
    traits.hold_time = of("timers").and_then(|timers| number(timers, "hold-time"));
    if let Some(multihop) = of("ebgp-multihop") {
        let is_on = multihop.get("enabled").and_then(Value::as_bool).unwrap_or(false);
        traits.multihop = number(multihop, "multihop-ttl").filter(|_| is_on);
    }
    if let Some(security) = of("ttl-security") {
        let is_on = security.get("enabled").and_then(Value::as_bool).unwrap_or(false);
        // The least TTL that is taken: 255 is next door.
        let least = number(security, "ttl-min").filter(|_| is_on);
        traits.ttl_security = least.map(|least| 256u32.saturating_sub(least).max(1));
    }
    for safi in tables(table, "afi-safis") {
        let name = config_of(safi).and_then(|config| string(config, "afi-safi-name"));
        let Some(name) = name.as_deref().and_then(family) else { continue };
        traits.families.insert(name, true);
        let receives = config(safi.get("add-paths"))
            .or_else(|| config(table.get("add-paths")))
            .and_then(|paths| paths.get("receive"))
            .and_then(Value::as_bool);
        if receives == Some(true) {
            traits.add_path.insert(name, true);
        }
        let limit = safi.get("prefix-limit").and_then(|limit| config(Some(limit)));
        let limit = limit.and_then(|limit| number(limit, "max-prefixes"));
        if let Some(limit) = limit.filter(|limit| *limit > 0) {
            let action = MaximumRoutesAction::Shutdown;
            traits.limits.insert(name, MaximumRoutes { limit, action });
        }
    }
    traits
}
