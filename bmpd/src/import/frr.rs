//! FRR: `router bgp`, line by line.
//!
//! A line belongs to what was opened last: a router, in it an address family or a target of BMP. Lines are
//! indented in what FRR writes, and need not be in what people write.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::statement::{Fate, Word, Words, short};
use super::{At, Found, Neighbor, RemoteAs, Station, Traits, family, prefix, restart_after};
use crate::config::{MaximumRoutes, MaximumRoutesAction};

/// First words of lines that belong to a router though they are not indented.
const OF_A_ROUTER: [&str; 15] = [
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
    "segment-routing",
    "update-delay",
];

/// Statements about a neighbor that are policy, or only concern what is sent to it.
const POLICY: [&str; 25] = [
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
    "addpath-rx-paths-limit",
    "graceful-restart",
    "graceful-restart-helper",
    "graceful-shutdown",
    "capability",
];

/// A router, as it is read.
#[derive(Default)]
struct Router {
    vrf: Option<String>,
    asn: Option<u32>,
    /// What a neighbor has of families that it does not name itself: `bgp default`.
    families: BTreeMap<&'static str, bool>,
    /// `bgp shutdown`: all neighbors are down.
    is_shut: bool,
    /// `bgp default shutdown`: so are those that do not override it.
    is_shut_by_default: bool,
    hold_time: Option<u32>,
    /// Groups and neighbors by what they are called, in the order in which they came.
    order: Vec<String>,
    said: HashMap<String, Said>,
    ranges: Vec<Range>,
}

/// `bgp listen range`.
struct Range {
    line: usize,
    at: At,
    group: String,
}

/// The statements about a neighbor or a group.
#[derive(Default)]
struct Said {
    lines: Vec<usize>,
    traits: Traits,
    /// The group that it is in.
    group: Option<String>,
    is_group: bool,
    /// The line that makes it an interface; that line has a note.
    interface_line: Option<usize>,
}

/// What was opened within a router and not closed yet.
enum Open {
    Nothing,
    /// An address family; one that bmpd does not have has no name.
    Family(Option<&'static str>),
    Target(Target),
    /// A block that does not concern bmpd, such as `segment-routing srv6`.
    Other,
}

struct Reader {
    found: Found,
    router: Option<Router>,
    open: Open,
    /// What the lines outside of routers belong to.
    section: String,
}

/// A target of BMP.
struct Target {
    line: usize,
    name: String,
    /// In milliseconds; it is for all stations of the target, whatever the order.
    statistics: Option<u64>,
    /// Those that are monitored.
    families: BTreeMap<&'static str, bool>,
    stations: Vec<Station>,
}

/// Reads a configuration. Nothing of it is an error: what is not understood is noted.
pub(super) fn read(text: &str) -> Found {
    let mut reader = Reader {
        found: Found::default(),
        router: None,
        open: Open::Nothing,
        section: String::new(),
    };
    let mut list = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        list.clear();
        list.extend(line.split_whitespace().map(|word| Word {
            text: word,
            line: number,
            start: word.as_ptr().addr() - line.as_ptr().addr(),
            is_quoted: false,
        }));
        if list.first().is_none_or(|first| first.text.starts_with(['!', '#'])) {
            continue;
        }
        let mut words = Words::new(&list);
        let is_indented = line.starts_with([' ', '\t']);
        let fate = reader.line(number, line, is_indented, &mut words);
        reader.found.record(number, &words, fate);
    }
    reader.close_router();
    reader.found
}

/// The name of a statement: enough of its words to identify it.
fn name(words: &mut Words<'_, '_>) -> String {
    let first = words.next().unwrap_or_default();
    match (first, words.peek()) {
        ("ip" | "ipv6" | "router" | "no" | "bgp" | "line", Some(second)) => {
            format!("{first} {second}")
        }
        _ => first.to_owned(),
    }
}

/// The rest of a line as it was written.
fn raw_rest(line: &str, words: &mut Words<'_, '_>) -> String {
    let start = words.rest().first().map_or(line.len(), |word| word.start);
    line.get(start..).unwrap_or_default().trim_end().to_owned()
}

impl Reader {
    fn line(
        &mut self,
        number: usize,
        line: &str,
        is_indented: bool,
        words: &mut Words<'_, '_>,
    ) -> Result<Fate, Fate> {
        if words.take_all(&["router", "bgp"]) {
            return self.router(number, words);
        }
        let first = words.peek().unwrap_or_default();
        if self.router.is_some() && !is_indented && !OF_A_ROUTER.contains(&first) {
            self.close_router();
        }
        let Some(router) = &mut self.router else {
            if matches!(first, "exit" | "exit-vrf" | "end") {
                words.rest();
                return Ok(Fate::Taken);
            }
            if !is_indented || self.section.is_empty() {
                self.section = name(words);
            }
            return Ok(Fate::PassedOver(self.section.clone()));
        };
        if matches!(self.open, Open::Other) && first != "exit" {
            return Ok(Fate::PassedOver(name(words)));
        }
        words.next();
        match first {
            "exit" => match std::mem::replace(&mut self.open, Open::Nothing) {
                Open::Nothing => self.close_router(),
                Open::Target(target) => self.close_target(target),
                Open::Family(_) | Open::Other => {}
            },
            "exit-address-family" => self.close_open(),
            "address-family" => {
                self.close_open();
                let words = words.rest_joined();
                let name = family(&words);
                self.open = Open::Family(name);
                if name.is_none() {
                    return Ok(Fate::Noted(format!("bmpd has no family {words}")));
                }
            }
            "segment-routing" => {
                self.close_open();
                self.open = Open::Other;
                return Ok(Fate::PassedOver(first.to_owned()));
            }
            "timers" if words.take("bgp") => {
                let (keepalive, hold): (u32, u32) = (words.parsed()?, words.parsed()?);
                router.hold_time = Some(hold);
                self.keepalive(number, keepalive, hold);
            }
            "neighbor" => return self.neighbor(number, line, words, false),
            "bgp" => return self.bgp(number, words),
            "bmp" => return self.bmp(number, words),
            "no" => {
                return match words.peek() {
                    Some("neighbor") => {
                        words.next();
                        self.neighbor(number, line, words, true)
                    }
                    Some("bgp") => self.no_bgp(words),
                    Some(word) => Ok(Fate::PassedOver(format!("no {word}"))),
                    None => Err(words.not_understood()),
                };
            }
            // Routes of its own, their choice, and what VPNs are made of.
            _ => return Ok(Fate::PassedOver(first.to_owned())),
        }
        Ok(Fate::Taken)
    }

    fn router(&mut self, number: usize, words: &mut Words<'_, '_>) -> Result<Fate, Fate> {
        self.close_router();
        let asn = words.value().ok().and_then(as_number);
        if let Some(asn) = asn {
            self.found.own_as(number, asn);
        }
        let mut router = Router { asn, ..Router::default() };
        router.families.insert("ipv4-unicast", true);
        let mut fate = match asn {
            Some(_) => Ok(Fate::Taken),
            None => Err(words.not_understood()),
        };
        match words.peek() {
            Some("vrf") => {
                words.next();
                router.vrf = Some(words.value()?.to_owned());
            }
            Some("view") => {
                fate = Err(Fate::Noted(format!(
                    "bmpd has no views: its neighbors are with the others: {}",
                    words.shown()
                )));
            }
            _ => {}
        }
        if words.take("as-notation") {
            words.next();
        }
        self.router = Some(router);
        fate
    }

    /// `bgp` of a router.
    fn bgp(&mut self, number: usize, words: &mut Words<'_, '_>) -> Result<Fate, Fate> {
        let Some(router) = &mut self.router else { return Err(words.not_used()) };
        match words.next() {
            Some("router-id") => {
                let id: std::net::Ipv4Addr = words.parsed()?;
                self.found.own_router_id(number, &id.to_string());
            }
            Some("listen") if words.take("range") => {
                let at = prefix(words.value()?).ok_or_else(|| words.not_understood())?;
                if !words.take("peer-group") {
                    return Err(words.not_understood());
                }
                let group = words.value()?.to_owned();
                router.ranges.push(Range { line: number, at, group });
            }
            Some("listen") => return Err(words.not_used()),
            Some("shutdown") => {
                router.is_shut = true;
                // Its message.
                words.rest();
            }
            Some("default") if words.take("shutdown") => router.is_shut_by_default = true,
            Some("default") => match words.next().and_then(family) {
                Some(family) => {
                    router.families.insert(family, true);
                }
                None => return Ok(Fate::PassedOver("bgp default".to_owned())),
            },
            Some(word) => return Ok(Fate::PassedOver(format!("bgp {word}"))),
            None => return Err(words.not_understood()),
        }
        Ok(Fate::Taken)
    }

    /// `no bgp` of a router.
    fn no_bgp(&mut self, words: &mut Words<'_, '_>) -> Result<Fate, Fate> {
        words.next();
        let Some(router) = &mut self.router else { return Err(words.not_used()) };
        if words.take("default") {
            if let Some(family) = words.peek().and_then(family) {
                words.next();
                router.families.remove(family);
                return Ok(Fate::Taken);
            }
            return Ok(Fate::PassedOver("no bgp default".to_owned()));
        }
        match words.next() {
            Some("shutdown") => Err(words.not_used()),
            Some(word) => Ok(Fate::PassedOver(format!("no bgp {word}"))),
            None => Err(words.not_understood()),
        }
    }

    /// `bmp` of a router.
    fn bmp(&mut self, number: usize, words: &mut Words<'_, '_>) -> Result<Fate, Fate> {
        if words.take("targets") {
            let name = words.value()?.to_owned();
            self.close_open();
            self.open = Open::Target(Target {
                line: number,
                name,
                statistics: None,
                families: BTreeMap::new(),
                stations: Vec::new(),
            });
            return Ok(Fate::Taken);
        }
        let vrf = self.router.as_ref().and_then(|router| router.vrf.clone());
        let Open::Target(target) = &mut self.open else { return Err(words.not_used()) };
        match words.next() {
            Some("connect") => {
                let host = words.value()?.to_owned();
                let mut station = Station {
                    line: number,
                    host,
                    port: 0,
                    name: Some(target.name.clone()),
                    vrf,
                    is_shut: false,
                    retry: None,
                    statistics: None,
                    source_interface: None,
                    families: BTreeMap::new(),
                };
                let (mut least, mut most) = (None, None);
                while let Some(word) = words.peek() {
                    match word {
                        "port" => {
                            words.next();
                            station.port = words.parsed()?;
                        }
                        "min-retry" => {
                            words.next();
                            least = Some(words.parsed()?);
                        }
                        "max-retry" => {
                            words.next();
                            most = Some(words.parsed()?);
                        }
                        "source-interface" => {
                            words.next();
                            station.source_interface = Some(words.value()?.to_owned());
                        }
                        // What follows is noted as not used.
                        _ => break,
                    }
                }
                station.retry = match (least, most) {
                    (Some(least), Some(most)) => Some((least, most)),
                    (Some(one), None) | (None, Some(one)) => Some((one, one)),
                    (None, None) => None,
                };
                target.stations.push(station);
                Ok(Fate::Taken)
            }
            Some("stats") if words.take("interval") => {
                target.statistics = Some(words.parsed()?);
                Ok(Fate::Taken)
            }
            Some("monitor") => {
                let (afi, safi) = (words.value()?, words.value()?);
                let how = words.value()?;
                let name = family(&format!("{afi} {safi}"));
                if let (Some(name), "pre-policy" | "post-policy") = (name, how) {
                    target.families.insert(name, true);
                }
                if how == "pre-policy" && name.is_some() {
                    return Ok(Fate::Taken);
                }
                let text =
                    format!("bmpd reports Adj-RIB-In before policy alone: {}", words.shown());
                Err(Fate::Noted(text))
            }
            Some("mirror") => {
                Err(Fate::Noted(format!("bmpd does not mirror messages: {}", words.shown())))
            }
            Some("listener") => {
                let text = format!(
                    "a station that connects needs its address in a passive [[session]]: {}",
                    words.shown()
                );
                self.found.unsupported(number, text);
                words.rest();
                Ok(Fate::Taken)
            }
            _ => Err(words.not_used()),
        }
    }

    /// A line of a neighbor or of a group.
    fn neighbor(
        &mut self,
        number: usize,
        line: &str,
        words: &mut Words<'_, '_>,
        is_no: bool,
    ) -> Result<Fate, Fate> {
        let name = words.value()?;
        let Some(router) = &mut self.router else { return Err(words.not_used()) };
        if !router.said.contains_key(name) {
            router.order.push(name.to_owned());
        }
        let said = router.said.entry(name.to_owned()).or_default();
        said.lines.push(number);
        let traits = &mut said.traits;
        let word = words.next().unwrap_or_default();
        if POLICY.contains(&word) {
            let no = if is_no { "no " } else { "" };
            return Ok(Fate::PassedOver(format!("{no}neighbor {word}")));
        }
        match (is_no, word) {
            (_, "activate") => match self.open {
                Open::Family(Some(family)) => {
                    traits.families.insert(family, !is_no);
                }
                // The family was noted.
                Open::Family(None) => {
                    return Ok(Fate::PassedOver("neighbor activate".to_owned()));
                }
                Open::Nothing | Open::Target(_) | Open::Other => {
                    traits.families.insert("ipv4-unicast", !is_no);
                }
            },
            (_, "shutdown") if words.peek() == Some("rtt") => return Err(words.not_used()),
            (_, "shutdown") => {
                traits.is_shut = Some(!is_no);
                // Its message.
                words.rest();
            }
            (true, _) => return Err(words.not_used()),
            (false, "peer-group") => match words.next() {
                Some(group) => said.group = Some(group.to_owned()),
                None => said.is_group = true,
            },
            (false, "interface") => {
                said.interface_line = Some(number);
                let text = format!(
                    "not supported: bmpd knows neighbors by their addresses, not by interface: {}",
                    words.shown()
                );
                self.found.unsupported(number, text);
                words.rest();
            }
            (false, "remote-as") => {
                traits.remote_as = Some(match words.value()? {
                    "internal" => RemoteAs::Internal,
                    "external" => RemoteAs::External,
                    "auto" => RemoteAs::Auto,
                    number => {
                        let number = as_number(number).ok_or_else(|| words.not_understood())?;
                        RemoteAs::Number(number)
                    }
                });
            }
            (false, "local-as") => {
                let number = as_number(words.value()?).ok_or_else(|| words.not_understood())?;
                traits.local_as = Some(number);
                // What these change is what a router sends.
                while words.take("no-prepend") || words.take("replace-as") {}
            }
            (false, "password") => {
                traits.password = Some(short(raw_rest(line, words), "the password")?);
            }
            (false, "description") => {
                traits.description = Some(short(raw_rest(line, words), "the description")?);
            }
            (false, "port") => traits.port = Some(words.parsed()?),
            (false, "passive") => traits.passive = Some(true),
            (false, "timers") if words.peek() != Some("connect") => {
                let (keepalive, hold): (u32, u32) = (words.parsed()?, words.parsed()?);
                traits.hold_time = Some(hold);
                self.keepalive(number, keepalive, hold);
            }
            (false, "ebgp-multihop") => {
                let hops = if words.is_at_end() { 255 } else { words.parsed()? };
                traits.multihop = Some(hops);
            }
            (false, "ttl-security") if words.take("hops") => {
                traits.ttl_security = Some(words.parsed()?);
            }
            (false, "update-source") => {
                let source = words.value()?;
                if source.parse::<std::net::IpAddr>().is_err() {
                    return Err(words.not_used());
                }
                traits.source = Some(source.to_owned());
            }
            (false, "maximum-prefix") => return self.maximum_prefix(number, name, words),
            (false, _) => return Err(words.not_used()),
        }
        Ok(Fate::Taken)
    }

    fn maximum_prefix(
        &mut self,
        number: usize,
        name: &str,
        words: &mut Words<'_, '_>,
    ) -> Result<Fate, Fate> {
        let limit: u32 = words.parsed()?;
        if limit == 0 {
            return Err(words.not_understood());
        }
        let is_number = |word: &str| word.parse::<u32>().is_ok();
        if let Some(threshold) = words.peek().filter(|word| is_number(word)) {
            words.next();
            let text = format!("bmpd warns of no share of the limit: threshold {threshold}");
            self.found.note(number, text);
        }
        let mut action = MaximumRoutesAction::Shutdown;
        let mut is_forced = false;
        loop {
            if words.take("warning-only") {
                action = MaximumRoutesAction::Warn;
            } else if words.take("restart") {
                let minutes: u64 = words.parsed()?;
                action = restart_after(minutes.saturating_mul(60));
            } else if words.take("force") {
                is_forced = true;
            } else {
                break;
            }
        }
        let family = match self.open {
            Open::Family(Some(family)) => family,
            Open::Family(None) => {
                return Ok(Fate::PassedOver("neighbor maximum-prefix".to_owned()));
            }
            Open::Nothing | Open::Target(_) | Open::Other => "ipv4-unicast",
        };
        if !is_forced {
            self.found.note(number, super::BEFORE_POLICY);
        }
        let said = self.router.as_mut().and_then(|router| router.said.get_mut(name));
        if let Some(said) = said {
            said.traits.limits.insert(family, MaximumRoutes { limit, action });
        }
        Ok(Fate::Taken)
    }

    /// bmpd's keepalives follow from the hold time (RFC 4271 section 10).
    fn keepalive(&mut self, number: usize, keepalive: u32, hold: u32) {
        if keepalive != hold / 3 {
            let text = format!(
                "bmpd sends a keepalive in a third of the hold time of {hold} s: keepalive {keepalive}"
            );
            self.found.note(number, text);
        }
    }

    fn close_open(&mut self) {
        if let Open::Target(target) = std::mem::replace(&mut self.open, Open::Nothing) {
            self.close_target(target);
        }
    }

    fn close_target(&mut self, target: Target) {
        let Target { line, name, statistics, families, stations } = target;
        if stations.is_empty() {
            self.found
                .note(line, format!("it has no station that bmpd connects to: bmp targets {name}"));
        }
        for station in stations {
            let families = families.clone();
            self.found.add_station(Station { statistics, families, ..station });
        }
    }

    fn close_router(&mut self) {
        self.close_open();
        let Some(mut router) = self.router.take() else { return };
        let mut joined: HashSet<&str> = HashSet::new();
        joined.extend(router.ranges.iter().map(|range| &*range.group));
        joined.extend(router.said.values().filter_map(|said| said.group.as_deref()));
        let found = &mut self.found;
        for name in &router.order {
            let Some(one) = router.said.get(name) else { continue };
            let line = one.lines.first().copied().unwrap_or_default();
            if let Some(noted) = one.interface_line {
                for line in one.lines.iter().filter(|line| **line != noted) {
                    found.pass_over(*line, &format!("neighbor {name}"));
                }
            } else if let Ok(address) = name.parse() {
                let traits = router.whole(found, line, &one.traits, one.group.as_deref());
                found.add_neighbor(router.neighbor(line, At::Address(address), traits));
            } else if one.is_group || joined.contains(&**name) {
                if one.group.is_some() {
                    found.pass_over(line, "a peer group in a peer group");
                } else if !joined.contains(&**name) {
                    found.pass_over(line, "a peer group without neighbors");
                }
            } else {
                let text = format!("bmpd knows neighbors by their addresses: {name} is none");
                found.unsupported(line, text);
            }
        }
        let ranges = std::mem::take(&mut router.ranges);
        for Range { line, at, group } in ranges {
            let traits = router.whole(found, line, &Traits::default(), Some(&group));
            found.add_neighbor(router.neighbor(line, at, traits));
        }
    }
}

impl Router {
    /// What a neighbor has, with the settings of its group and the router.
    fn whole(&self, found: &mut Found, line: usize, own: &Traits, group: Option<&str>) -> Traits {
        let mut whole = own.clone();
        if let Some(group) = group {
            match self.said.get(group) {
                Some(group) => whole = whole.or(&group.traits),
                None => found.note(line, format!("there is no peer group {group} in this router")),
            }
        }
        for (family, wanted) in &self.families {
            whole.families.entry(family).or_insert(*wanted);
        }
        if !whole.families.values().any(|wanted| *wanted) {
            let text = "no family that bmpd has is activated there: bmpd asks for its default";
            found.note(line, text);
        }
        whole.hold_time = whole.hold_time.or(self.hold_time);
        let is_shut = whole.is_shut.unwrap_or(self.is_shut_by_default);
        whole.is_shut = Some(is_shut || self.is_shut);
        whole
    }

    fn neighbor(&self, line: usize, at: At, traits: Traits) -> Neighbor {
        Neighbor { line, at, vrf: self.vrf.clone(), own_as: self.asn, traits }
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
