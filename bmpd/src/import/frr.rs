//! FRR: `router bgp`, line by line.
//!
//! A line belongs to what was opened last: a router, in it an address family or a target of BMP. Lines are
//! indented in what FRR writes, and need not be in what people write.

use std::collections::HashMap;

use super::{At, Found, Neighbor, RemoteAs, Station, Traits, family, restart_after};
use crate::config::{MaximumRoutes, MaximumRoutesAction};

/// First words of lines that belong to a router.
const OF_A_ROUTER: [&str; 14] = [
    "bgp",
    "neighbor",
    "address-family",
    "exit-address-family",
    "bmp",
    "no",
    "timers",
    "network",
    "redistribute",
    "maximum-paths",
    "aggregate-address",
    "distance",
    "exit",
    "update-delay",
];

/// What is said of a neighbor that is policy, and none of bmpd's business.
const POLICY: [&str; 24] = [
    "route-map",
    "prefix-list",
    "filter-list",
    "distribute-list",
    "next-hop-self",
    "send-community",
    "soft-reconfiguration",
    "default-originate",
    "route-reflector-client",
    "route-server-client",
    "remove-private-AS",
    "as-override",
    "allowas-in",
    "weight",
    "advertisement-interval",
    "bfd",
    "unsuppress-map",
    "attribute-unchanged",
    "addpath-tx-all-paths",
    "addpath-tx-bestpath-per-AS",
    "graceful-restart",
    "graceful-restart-helper",
    "graceful-shutdown",
    "capability",
];

/// A router, as it is read.
#[derive(Default)]
struct Router {
    vrf: Option<String>,
    no_default_ipv4: bool,
    /// Groups and neighbors by what they are called, in the order in which they came.
    order: Vec<String>,
    said: HashMap<String, Said>,
    /// Prefix and group.
    ranges: Vec<(usize, String, String)>,
}

#[derive(Default)]
struct Said {
    line: usize,
    traits: Traits,
    group: Option<String>,
}

#[derive(Default)]
struct Reader {
    found: Found,
    router: Option<Router>,
    /// The open address family; one that bmpd does not know has no name.
    af: Option<Option<&'static str>>,
    target: Option<Target>,
}

/// A target of BMP.
struct Target {
    name: String,
    /// In seconds; it is for all stations of the target, whatever the order.
    statistics: Option<u64>,
    stations: Vec<Station>,
}

/// Reads a configuration. Nothing of it is an error: what is not understood is passed over.
pub(super) fn read(text: &str) -> Found {
    let mut reader = Reader::default();
    for (index, line) in text.lines().enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some(first) = words.first() else { continue };
        if first.starts_with(['!', '#']) {
            continue;
        }
        let is_indented = line.starts_with([' ', '\t']);
        reader.line(index + 1, is_indented, &words);
    }
    reader.close_router();
    reader.found
}

impl Reader {
    fn line(&mut self, number: usize, is_indented: bool, words: &[&str]) {
        if let ["router", "bgp", rest @ ..] = words {
            self.close_router();
            let vrf = match rest {
                [_, "vrf" | "view", name, ..] => Some((*name).to_owned()),
                _ => None,
            };
            if let Some(asn) = rest.first().and_then(|asn| as_number(asn)) {
                match self.found.asn {
                    Some(other) if other != asn => {
                        let text = format!("AS {asn} here, and bmpd has one for all: {other}");
                        self.found.note(number, text);
                    }
                    _ => self.found.asn = Some(asn),
                }
            }
            self.router = Some(Router { vrf, ..Router::default() });
            return;
        }
        if self.router.is_none() {
            return;
        }
        if !is_indented && !OF_A_ROUTER.contains(&words[0]) {
            self.close_router();
            return;
        }
        match words {
            ["exit"] if self.target.is_some() => self.close_target(),
            ["exit"] => self.close_router(),
            ["exit-address-family"] => self.af = None,
            ["address-family", rest @ ..] => {
                self.close_target();
                let name = family(&rest.join(" "));
                if name.is_none() {
                    let text = format!("bmpd has no family {}", rest.join(" "));
                    self.found.note(number, text);
                }
                self.af = Some(name);
            }
            ["bgp", "router-id", id] => {
                self.found.router_id.get_or_insert_with(|| (*id).to_owned());
            }
            ["no", "bgp", "default", "ipv4-unicast"] => {
                if let Some(router) = &mut self.router {
                    router.no_default_ipv4 = true;
                }
            }
            ["bgp", "listen", "range", prefix, "peer-group", group] => {
                let range = (number, (*prefix).to_owned(), (*group).to_owned());
                if let Some(router) = &mut self.router {
                    router.ranges.push(range);
                }
            }
            ["bmp", "targets", name, ..] => {
                self.close_target();
                self.target = Some(Target {
                    name: (*name).to_owned(),
                    statistics: None,
                    stations: Vec::new(),
                });
            }
            ["bmp", rest @ ..] => self.bmp(number, rest),
            ["neighbor", name, rest @ ..] => self.neighbor(number, name, rest, false),
            ["no", "neighbor", name, rest @ ..] => self.neighbor(number, name, rest, true),
            _ => {}
        }
    }

    /// A line of a target.
    fn bmp(&mut self, number: usize, words: &[&str]) {
        let vrf = self.router.as_ref().and_then(|router| router.vrf.clone());
        let Some(target) = &mut self.target else {
            let text = format!("not used: bmp {}", words.join(" "));
            return self.found.note(number, text);
        };
        match words {
            ["connect", host, "port", port, rest @ ..] => {
                let value = |key: &str| {
                    rest.iter().position(|word| *word == key).and_then(|at| rest.get(at + 1))
                };
                let millis = |key: &str| value(key).and_then(|text| text.parse::<u64>().ok());
                let (Ok(address), Ok(port)) = (host.parse(), port.parse()) else {
                    let text = format!("bmpd looks up no host names: which address has {host}?");
                    return self.found.note(number, text);
                };
                target.stations.push(Station {
                    line: number,
                    address,
                    port,
                    name: Some(target.name.clone()),
                    vrf,
                    retry: millis("min-retry")
                        .zip(millis("max-retry"))
                        .map(|(least, most)| (least.div_ceil(1000), most.div_ceil(1000))),
                    statistics: None,
                    source_interface: value("source-interface").map(|name| (*name).to_owned()),
                });
            }
            ["stats", "interval", millis] => {
                target.statistics = millis.parse::<u64>().ok().map(|millis| millis.div_ceil(1000));
            }
            ["monitor", _, _, "pre-policy"] => {}
            ["monitor", ..] => {
                let text =
                    format!("bmpd reports Adj-RIB-In before policy alone: bmp {}", words.join(" "));
                self.found.note(number, text);
            }
            ["mirror"] => self.found.note(number, "bmpd does not mirror messages: bmp mirror"),
            ["listener", ..] => {
                let text = format!(
                    "a station that connects needs its address in a passive [[session]]: bmp {}",
                    words.join(" ")
                );
                self.found.note(number, text);
            }
            _ => self.found.note(number, format!("not used: bmp {}", words.join(" "))),
        }
    }

    /// A line of a neighbor or of a group.
    fn neighbor(&mut self, number: usize, name: &str, words: &[&str], is_no: bool) {
        let Some(router) = &mut self.router else { return };
        if !router.said.contains_key(name) {
            router.order.push(name.to_owned());
        }
        let said = router.said.entry(name.to_owned()).or_default();
        if said.line == 0 {
            said.line = number;
        }
        let traits = &mut said.traits;
        let numeric = |text: &str| text.parse::<u32>().ok();
        match (is_no, words) {
            (_, ["activate"]) => {
                if let Some(Some(family)) = self.af {
                    traits.families.insert(family, !is_no);
                }
            }
            (true, _) | (false, ["peer-group"]) => {}
            (false, ["peer-group", group]) => said.group = Some((*group).to_owned()),
            (false, ["remote-as", asn]) => {
                traits.remote_as = match *asn {
                    "internal" => Some(RemoteAs::Internal),
                    "external" | "auto" => Some(RemoteAs::External),
                    number => as_number(number).map(RemoteAs::Number),
                };
            }
            (false, ["password", ..]) => traits.password = Some(words[1..].join(" ")),
            (false, ["description", ..]) => traits.description = Some(words[1..].join(" ")),
            (false, ["port", port]) => traits.port = port.parse().ok(),
            (false, ["passive"]) => traits.passive = Some(true),
            (false, ["timers", keepalive, hold]) if numeric(keepalive).is_some() => {
                traits.hold_time = numeric(hold);
            }
            (false, ["ebgp-multihop"]) => traits.multihop = Some(255),
            (false, ["ebgp-multihop", hops]) => traits.multihop = numeric(hops),
            (false, ["ttl-security", "hops", hops]) => traits.ttl_security = numeric(hops),
            (false, ["update-source", source]) if source.parse::<std::net::IpAddr>().is_ok() => {
                traits.source = Some((*source).to_owned());
            }
            (false, ["maximum-prefix", limit, rest @ ..]) => {
                let Some(limit) = numeric(limit).filter(|limit| *limit > 0) else { return };
                let (threshold, rest) = match rest {
                    [threshold, rest @ ..] if numeric(threshold).is_some() => {
                        (Some(threshold), rest)
                    }
                    rest => (None, rest),
                };
                let action = match rest {
                    ["warning-only", ..] => MaximumRoutesAction::Warn,
                    ["restart", minutes, ..] => {
                        restart_after(minutes.parse::<u64>().unwrap_or(5).saturating_mul(60))
                    }
                    _ => MaximumRoutesAction::Shutdown,
                };
                if let Some(family) = self.af.unwrap_or(Some("ipv4-unicast")) {
                    traits.limits.insert(family, MaximumRoutes { limit, action });
                }
                if !rest.contains(&"force") {
                    self.found.note(number, super::BEFORE_POLICY);
                }
                if let Some(threshold) = threshold {
                    let text =
                        format!("bmpd warns of no share of the limit: threshold {threshold}");
                    self.found.note(number, text);
                }
            }
            (false, ["addpath-rx-paths-limit", ..]) => {}
            (false, [word, ..]) if POLICY.contains(word) => {}
            (false, _) => {
                let text = format!("not used: neighbor {name} {}", words.join(" "));
                self.found.note(number, text);
            }
        }
    }

    fn close_target(&mut self) {
        let Some(Target { statistics, stations, .. }) = self.target.take() else { return };
        let stations = stations.into_iter().map(|one| Station { statistics, ..one });
        self.found.stations.extend(stations);
    }

    fn close_router(&mut self) {
        self.close_target();
        self.af = None;
        let Some(router) = self.router.take() else { return };
        let Router { vrf, no_default_ipv4, order, said, ranges } = router;
        let none = Traits::default();
        let whole = |traits: &Traits, group: Option<&String>| {
            let group = group.and_then(|group| said.get(group)).map_or(&none, |said| &said.traits);
            let mut whole = traits.clone().or(group);
            if !no_default_ipv4 {
                whole.families.entry("ipv4-unicast").or_insert(true);
            }
            whole
        };
        for name in order {
            let Some(one) = said.get(&name) else { continue };
            let Ok(address) = name.parse() else {
                let is_group = said.values().any(|other| other.group.as_ref() == Some(&name))
                    || ranges.iter().any(|(_, _, group)| *group == name)
                    || one.traits.remote_as.is_none();
                if !is_group {
                    let text = format!("bmpd knows neighbors by their addresses: {name} is none");
                    self.found.note(one.line, text);
                }
                continue;
            };
            let traits = whole(&one.traits, one.group.as_ref());
            let (line, at) = (one.line, At::Address(address));
            self.found.neighbors.push(Neighbor { line, at, vrf: vrf.clone(), traits });
        }
        for (line, prefix, group) in ranges {
            let traits = whole(&none, Some(&group));
            let at = At::Prefix(prefix);
            self.found.neighbors.push(Neighbor { line, at, vrf: vrf.clone(), traits });
        }
    }
}

/// An AS number, `asdot` too.
fn as_number(text: &str) -> Option<u32> {
    match text.split_once('.') {
        Some((high, low)) => {
            let (high, low) = (high.parse::<u16>().ok()?, low.parse::<u16>().ok()?);
            Some(u32::from(high) << 16 | u32::from(low))
        }
        None => text.parse().ok(),
    }
}
