//! What was found, as a configuration of ours.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::path::Path;

use toml::Value;

use super::{At, Found, Neighbor, Note, RemoteAs, Station};
use crate::config::{self, MaximumRoutes, MaximumRoutesAction};

const HEAD: &str = "\
# Made by bmpd --import; look through it before it is used.
# - Each router must have this host as a BGP neighbor, too: bmpd hears it itself.
# - Passwords are in it: keep it at mode 0640, of root and the group of bmpd, or move them into files of their own
#   (md5.key-file).
";

/// Text that cannot end the comment that it stands in.
fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Text as TOML has it.
fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

/// Writes all of it.
pub(super) fn write(found: &Found) -> String {
    let mut notes = found.notes.clone();
    let asn = found.asn.unwrap_or_else(|| {
        let text = "our own AS was not found: put it into [bgp]".to_owned();
        notes.push(Note { line: 0, text });
        65_000
    });
    let router_id = found.router_id.clone().filter(|id| id.parse::<std::net::Ipv4Addr>().is_ok());
    let router_id = router_id.unwrap_or_else(|| {
        let text = "our router ID was not found: put it into [bgp]".to_owned();
        notes.push(Note { line: 0, text });
        "192.0.2.1".to_owned()
    });
    if let Some(port) = found.port.filter(|port| *port != 179) {
        let text = format!("it listens at port {port}: `listen` in [bgp] has the like");
        notes.push(Note { line: 0, text });
    }
    let head = format!("[bgp]\nas = {asn}\nrouter-id = {}\n", quoted(&router_id));
    let mut instances: BTreeMap<&str, String> = BTreeMap::new();
    let vrfs =
        found.neighbors.iter().map(|one| &one.vrf).chain(found.stations.iter().map(|s| &s.vrf));
    for name in vrfs.flatten() {
        let (name_is, device) = (quoted(name), quoted(name));
        let table = format!("[[vpn-instance]]\nname = {name_is}\ndevice = {device}\n");
        if is_good(&table) {
            instances.insert(name, table);
        }
    }
    let known: String = instances.values().map(|table| format!("{table}\n")).collect();

    let mut text = HEAD.to_owned();
    let (mut stations, mut seen) = (String::new(), HashSet::new());
    for one in &found.stations {
        stations += &judged(&station(one, &mut seen), &known, one.line);
    }
    let (mut neighbors, mut met) = (String::new(), HashSet::new());
    for one in &found.neighbors {
        if !met.insert((one.at.clone(), one.vrf.clone())) {
            let text = "the same neighbor once more, left out".to_owned();
            notes.push(Note { line: one.line, text });
            continue;
        }
        if let (_, Some(text)) = one.traits.maximum_routes() {
            notes.push(Note { line: one.line, text });
        }
        neighbors += &judged(&neighbor(one, asn), &format!("{known}\n{head}\n"), one.line);
    }
    notes.sort();
    notes.dedup();
    if !notes.is_empty() {
        text += "#\n# To be looked at, by line of the file that was read:\n";
        for Note { line, text: note } in &notes {
            let place = if *line == 0 { "-".to_owned() } else { line.to_string() };
            // Writing into memory does not fail.
            let _ = writeln!(text, "# {place:>5}  {}", comment(note));
        }
    }
    if found.stations.is_empty() {
        text += "#\n# There was no BMP station: add a [[session]].\n";
    }
    for part in [known, stations, format!("{head}\n"), neighbors] {
        if !part.trim().is_empty() {
            text += &format!("\n{}\n", part.trim_end());
        }
    }
    text
}

fn is_good(text: &str) -> bool {
    config::parse(text, Path::new("import")).is_ok()
}

/// A table as it is, or as a comment with the reason why our configuration does not take it.
fn judged(table: &str, before: &str, line: usize) -> String {
    let Err(error) = config::parse(&format!("{before}\n{table}"), Path::new("import")) else {
        return format!("# line {line}\n{table}\n");
    };
    let reason = error.to_string();
    // Its place is one in a text that nobody sees.
    let reason = reason.lines().next().unwrap_or_default();
    let reason = reason.split_once(": ").map_or(reason, |(_, rest)| rest);
    let mut text = format!("# line {line}, which bmpd cannot take: {}\n", comment(reason));
    for row in table.lines() {
        let _ = writeln!(text, "# {}", comment(row));
    }
    text + "\n"
}

/// A session. Those with the same station are told apart by alias.
fn station(
    one: &Station,
    seen: &mut HashSet<(std::net::IpAddr, Option<String>, Option<String>)>,
) -> String {
    let mut text = format!("[[session]]\naddress = {}\n", quoted(&one.address.to_string()));
    let mut alias = None;
    if !seen.insert((one.address, one.vrf.clone(), None)) {
        let wanted = one.name.clone().unwrap_or_else(|| one.port.to_string());
        alias = (1..1000)
            .map(|n| if n == 1 { wanted.clone() } else { format!("{wanted}-{n}") })
            .find(|name| seen.insert((one.address, one.vrf.clone(), Some(name.clone()))));
    }
    let mut line = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = writeln!(text, "{key} = {value}");
        }
    };
    line("alias", alias.as_deref().map(quoted));
    line("vpn-instance", one.vrf.as_deref().map(quoted));
    line("tcp.connect-port", Some(one.port.to_string()));
    line("tcp.source-interface", one.source_interface.as_deref().map(quoted));
    if let Some((initial, maximum)) = one.retry {
        line("retry.initial", Some(initial.clamp(1, 86_400).to_string()));
        line("retry.maximum", Some(maximum.max(initial).clamp(1, 86_400).to_string()));
    }
    line("statistics-timer", one.statistics.map(|seconds| seconds.clamp(15, 65_535).to_string()));
    text
}

fn neighbor(one: &Neighbor, asn: u32) -> String {
    let Neighbor { at, vrf, traits, .. } = one;
    let mut text = String::from("[[bgp.neighbor]]\n");
    let mut line = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = writeln!(text, "{key} = {value}");
        }
    };
    match at {
        At::Address(address) => line("address", Some(quoted(&address.to_string()))),
        At::Prefix(prefix) => line("prefix", Some(quoted(prefix))),
    }
    let is_one = matches!(at, At::Address(_));
    line("vpn-instance", vrf.as_deref().map(quoted));
    match traits.remote_as {
        Some(RemoteAs::Number(number)) => line("remote-as", Some(number.to_string())),
        Some(RemoteAs::Internal) => line("remote-as", Some(asn.to_string())),
        // Any but ours; which one is not said there either.
        Some(RemoteAs::External) | None => {}
    }
    line("description", traits.description.as_deref().map(quoted));
    line("port", traits.port.filter(|port| is_one && *port != 179).map(|port| port.to_string()));
    line("passive", traits.passive.filter(|passive| is_one && *passive).map(|on| on.to_string()));
    line("hold-time", traits.hold_time.map(|seconds| seconds.to_string()));
    line("md5.key", traits.password.as_deref().map(quoted));
    line("source-address", traits.source.as_deref().map(quoted));
    // Instead of one another; what is near needs the first alone.
    match (traits.ttl_security, traits.multihop) {
        (Some(hops), _) => line("ttl-security", Some(hops.to_string())),
        (None, hops) => line("multihop", hops.map(|hops| hops.to_string())),
    }
    if let (Some(MaximumRoutes { limit, action }), _) = traits.maximum_routes() {
        line("maximum-routes.limit", Some(limit.to_string()));
        let (action, after) = match action {
            MaximumRoutesAction::Warn => ("warn", None),
            MaximumRoutesAction::Restart(after) => ("restart", Some(after.as_secs().to_string())),
            MaximumRoutesAction::Shutdown => ("shutdown", None),
        };
        line("maximum-routes.action", Some(quoted(action)));
        line("maximum-routes.restart-after", after);
    }
    let list = |names: &BTreeMap<&'static str, bool>| {
        let names: Vec<String> =
            names.iter().filter(|(_, wanted)| **wanted).map(|(name, _)| quoted(name)).collect();
        (!names.is_empty()).then(|| format!("[{}]", names.join(", ")))
    };
    line("families", list(&traits.families));
    line("add-path", list(&traits.add_path));
    text
}
