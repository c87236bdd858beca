//! What a key or a value that is wrong was probably meant to be.
//!
//! What there is to choose from comes from [`shared::reference`]; here are only words of other daemons, which are far from ours.

use shared::reference::{self, Entry};

/// Words that people know from elsewhere, and what they are here: the table, the word, and what to do.
const WORDS: &[(&str, &str, &str)] = &[
    ("", "neighbor", "write [[bgp.neighbor]] for a BGP neighbor"),
    (
        "",
        "peer",
        "write [[bgp.neighbor]] for a BGP neighbor, [[router]] for a router that sends BMP",
    ),
    ("", "station", "write [[session]] for a station"),
    ("", "collector", "write [[session]] for a station"),
    ("", "target", "write [[session]] for a station"),
    ("", "vrf", "write [[vpn-instance]] for a VRF"),
    ("", "kafka", "write [[publisher]] with kafka.bootstrap-servers"),
    ("", "log", "the level of the log is not in the file; use bmpd --log or bmpctl log level"),
    ("", "logging", "the level of the log is not in the file; use bmpd --log or bmpctl log level"),
    ("", "local-as", "write as = NUMBER in [bgp]"),
    ("", "global", "write [bgp], with as and router-id"),
    ("bgp", "local-as", "write as = NUMBER"),
    ("bgp", "local-asn", "write as = NUMBER"),
    ("bgp", "asn", "write as = NUMBER"),
    ("bgp", "peer", "write [[bgp.neighbor]]"),
    ("bgp", "bgp-id", "write router-id"),
    ("bgp", "port", "write listen = [\"ADDRESS:PORT\"]"),
    ("bgp.neighbor", "peer-as", "write remote-as"),
    ("bgp.neighbor", "neighbor-as", "write remote-as"),
    ("bgp.neighbor", "as", "write remote-as"),
    ("bgp.neighbor", "asn", "write remote-as"),
    ("bgp.neighbor", "ip", "write address"),
    ("bgp.neighbor", "update-source", "write source-address"),
    ("bgp.neighbor", "local-address", "write source-address"),
    ("bgp.neighbor", "password", "write md5.key = \"KEY\", or md5.key-file = \"FILE\""),
    ("bgp.neighbor", "auth-password", "write md5.key = \"KEY\", or md5.key-file = \"FILE\""),
    ("bgp.neighbor", "ebgp-multihop", "write multihop"),
    ("bgp.neighbor", "afi-safis", "write families"),
    ("bgp.neighbor", "vrf", "write vpn-instance, with a [[vpn-instance]] for the VRF"),
    ("bgp.neighbor", "maximum-prefix", "write maximum-routes.limit"),
    ("bgp.neighbor", "prefix-limit", "write maximum-routes.limit"),
    ("bgp.neighbor", "timers", "write hold-time"),
    ("session", "station", "write address and tcp.connect-port, those of the station"),
    ("session", "host", "write address, the IPv4 or IPv6 address of the station"),
    ("session", "server", "write address, the IPv4 or IPv6 address of the station"),
    ("session", "ip", "write address"),
    ("session", "port", "write tcp.connect-port, or tcp.listen-port with mode = \"passive\""),
    ("session", "name", "write alias where one station has several sessions, or description"),
    ("session", "password", "write tcp.md5.key = \"KEY\", or tcp.md5.key-file = \"FILE\""),
    ("session", "update-source", "write tcp.source-address or tcp.source-interface"),
    ("session", "interface", "write tcp.source-interface"),
    ("session", "vrf", "write vpn-instance, with a [[vpn-instance]] for the VRF"),
    ("session", "disabled", "write shutdown = true"),
    ("session", "enabled", "write shutdown, which is the reverse"),
    ("session", "stats-interval", "write statistics-timer"),
    ("session.tcp", "port", "write connect-port, or listen-port with mode = \"passive\""),
    ("session.tcp", "password", "write md5.key = \"KEY\", or md5.key-file = \"FILE\""),
    (
        "router",
        "port",
        "write tcp.connect-port with mode = \"active\"; else routers connect to listen of [relay]",
    ),
    ("router", "vrf", "write vpn-instance, with a [[vpn-instance]] for the VRF"),
    ("router", "password", "write tcp.md5.key = \"KEY\", or tcp.md5.key-file = \"FILE\""),
    ("http", "port", "write listen = [\"ADDRESS:PORT\"]"),
    ("relay", "port", "write listen = [\"ADDRESS:PORT\"]"),
    ("publisher", "brokers", "write kafka.bootstrap-servers = [\"ADDRESS:PORT\"]"),
    ("publisher.kafka", "brokers", "write bootstrap-servers = [\"ADDRESS:PORT\"]"),
];

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or_default()
}

/// What was probably meant by an unknown key; `path` has no indices. Ends as a part of a sentence.
pub(super) fn key(path: &str, allowed: &[&str]) -> Option<String> {
    let (table, word) = path.rsplit_once('.').unwrap_or(("", path));
    // A hostile word is not compared with anything.
    if word.len() > 100 {
        return None;
    }
    let word = word.to_lowercase().replace('_', "-");
    let known = WORDS.iter().find(|(of, known, _)| *of == table && *known == word);
    if let Some((_, _, advice)) = known {
        return Some((*advice).to_owned());
    }
    let near = allowed.iter().filter_map(|key| Some((reference::edits(&word, key)?, *key))).min();
    if let Some((0 | 1, key)) = near {
        return Some(format!("did you mean {key}?"));
    }
    // The very word elsewhere is more likely than one that is only similar.
    elsewhere(table, &word).or_else(|| near.map(|(_, key)| format!("did you mean {key}?")))
}

/// Where else there is a key of this name.
fn elsewhere(table: &str, word: &str) -> Option<String> {
    let entries = reference::entries();
    let same: Vec<&Entry> = entries.iter().filter(|entry| last(&entry.key) == word).collect();
    let begin = if table.is_empty() { String::new() } else { format!("{table}.") };
    if let Some(within) =
        same.iter().find(|entry| !table.is_empty() && entry.key.starts_with(&begin))
    {
        return Some(format!(
            "did you mean {}?",
            within.key.get(begin.len()..).unwrap_or_default()
        ));
    }
    // The heading of a table in a table was forgotten: what follows it is in the inner one.
    let outer = same.iter().find(|entry| {
        let of = entry.key.strip_suffix(word).and_then(|of| of.strip_suffix('.'));
        of.is_some_and(|of| table.strip_prefix(of).is_some_and(|rest| rest.starts_with('.')))
    });
    if let Some(outer) = outer {
        let heading = outer.table.as_deref().unwrap_or_default();
        return Some(format!("it is a key of {heading}; write it before the tables in that"));
    }
    if let Some(top) = same.iter().find(|entry| entry.table.is_none()) {
        return Some(format!("{} is in no table; write it before the first one", top.key));
    }
    let mut places: Vec<String> = Vec::new();
    for entry in same {
        let place = match (&entry.table, entry.name.as_str()) {
            (Some(heading), "") => format!("it is a table of its own: write {heading}"),
            (Some(heading), name) if name == word => heading.clone(),
            (Some(heading), name) => format!("{heading} as {name}"),
            (None, _) => continue,
        };
        if !places.contains(&place) {
            places.push(place);
        }
    }
    match places.as_slice() {
        [] => None,
        [one] if one.starts_with("it is") => Some(one.clone()),
        [one] => Some(format!("it is a key of {one}")),
        [some @ .., last] => Some(format!("it is a key of {} and {last}", some.join(", "))),
    }
}

/// What a value of a wrong type should be. `path` has no indices; `allowed` is the type in serde's words, `value` the text of the
/// file, which is not repeated if it `is_secret`.
pub(super) fn value(path: &str, allowed: &str, value: &str, is_secret: bool) -> String {
    let entry = reference::entries().iter().find(|entry| entry.key == path);
    let text = value.trim_matches(['"', '\'']);
    let is_text = text.len() != value.len();
    // What is long, or has something that is no part of a word, is not written again.
    let is_plain = !is_secret
        && !text.is_empty()
        && text.len() <= 40
        && text.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:/ ".contains(c));
    match allowed {
        "a whole number" => {
            let unit = entry.and_then(|entry| entry.unit.as_deref());
            let of = unit.map_or(String::new(), |unit| format!(" of {unit}"));
            let advice = match (is_text && is_plain, number(text, unit)) {
                (true, Some(number)) => format!(": write {number}, without quotation marks"),
                _ => String::new(),
            };
            format!("a whole number{of} is allowed here{advice}")
        }
        "a boolean" => {
            let advice = match (is_plain, text) {
                (true, "true" | "yes" | "on" | "1") => ": write true, without quotation marks",
                (true, "false" | "no" | "off" | "0") => ": write false, without quotation marks",
                _ => "",
            };
            format!("true or false is allowed here{advice}")
        }
        "a string" if is_plain && !is_text && !text.contains(' ') => {
            format!("a string is allowed here: write it with quotation marks, \"{text}\"")
        }
        "a sequence" if is_plain && is_text => {
            format!("a list is allowed here: write it in brackets, [\"{text}\"]")
        }
        "a sequence" => "a list is allowed here".to_owned(),
        "a table" | "a map" => format!("a table is allowed here{}", of_table(path)),
        other => format!("{other} is allowed here"),
    }
}

/// How a table is written by its keys.
fn of_table(path: &str) -> String {
    let begin = format!("{path}.");
    let entries = reference::entries();
    let heading = entries.iter().find(|entry| entry.key == path && entry.name.is_empty());
    let heading = heading.and_then(|entry| entry.table.as_deref());
    let mut within = entries.iter().filter(|entry| entry.key.starts_with(&begin));
    match (last(path), within.next()) {
        ("md5", Some(_)) => ": write md5.key = \"KEY\", or md5.key-file = \"FILE\"".to_owned(),
        (name, Some(first)) => {
            let key = first.key.get(begin.len()..).unwrap_or_default();
            match &first.example {
                Some(example) if heading.is_some() => format!(
                    ": write {} and its keys below it, such as {key} = {example}",
                    heading.unwrap_or_default()
                ),
                Some(example) => format!(": write its keys, such as {name}.{key} = {example}"),
                None => String::new(),
            }
        }
        (_, None) => String::new(),
    }
}

/// A number that was written as text, in a unit: `30s` of seconds is 30, `1GiB` of MiB is 1024.
pub(super) fn number(text: &str, unit: Option<&str>) -> Option<u64> {
    // `AS65000`.
    let text = if unit.is_none() { text.strip_prefix("AS").unwrap_or(text) } else { text };
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, suffix) = text.split_at(end);
    let number: u64 = digits.parse().ok()?;
    let suffix = suffix.trim();
    if suffix.is_empty() {
        return Some(number);
    }
    // In milliseconds, or in bytes.
    let (one, is_time) = match suffix.to_lowercase().as_str() {
        "ms" => (1, true),
        "s" | "sec" | "seconds" => (1000, true),
        "m" | "min" | "minutes" if unit != Some("MiB") && unit != Some("bytes") => (60_000, true),
        "h" | "hours" => (3_600_000, true),
        "d" | "days" => (86_400_000, true),
        "b" | "bytes" => (1, false),
        "k" | "kb" | "kib" => (1 << 10, false),
        "m" | "mb" | "mib" => (1 << 20, false),
        "g" | "gb" | "gib" => (1 << 30, false),
        _ => return None,
    };
    let per = match (unit?, is_time) {
        ("milliseconds", true) | ("bytes", false) => 1,
        ("seconds", true) => 1000,
        ("MiB", false) => 1 << 20,
        _ => return None,
    };
    let whole = number.checked_mul(one)?;
    (whole % per == 0).then_some(whole / per)
}

/// What a text that is no value of TOML should be: behind the equals sign of `name`.
pub(super) fn bare(name: &str, text: &str) -> Option<String> {
    match text {
        "yes" | "on" | "True" | "TRUE" => return Some("write true".to_owned()),
        "no" | "off" | "False" | "FALSE" => return Some("write false".to_owned()),
        _ => {}
    }
    let name = last(name);
    let entries = reference::entries();
    let mut units: Vec<&str> = entries
        .iter()
        .filter(|entry| last(&entry.key) == name)
        .filter_map(|entry| entry.unit.as_deref())
        .collect();
    units.dedup();
    let [unit] = units.as_slice() else { return None };
    let number = number(text, Some(unit))?;
    Some(format!("{name} is a number of {unit}: write {number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_or_a_size_with_a_unit_is_converted() {
        for (text, unit, expected) in [
            ("90", None, Some(90)),
            ("AS65000", None, Some(65000)),
            ("30s", Some("seconds"), Some(30)),
            ("5m", Some("seconds"), Some(300)),
            ("2 h", Some("seconds"), Some(7200)),
            ("500ms", Some("milliseconds"), Some(500)),
            ("500ms", Some("seconds"), None),
            ("1GiB", Some("MiB"), Some(1024)),
            ("4M", Some("bytes"), Some(4 << 20)),
            ("30s", Some("MiB"), None),
            ("30s", None, None),
            ("99999999999999999999s", Some("seconds"), None),
            ("9999999999999999999d", Some("seconds"), None),
            ("x", Some("seconds"), None),
            ("", Some("seconds"), None),
        ] {
            assert_eq!(number(text, unit), expected, "{text} {unit:?}");
        }
    }

    #[test]
    fn words_of_other_daemons_are_no_keys_of_ours() {
        let entries = reference::entries();
        for (table, word, _) in WORDS {
            let path =
                if table.is_empty() { (*word).to_owned() } else { format!("{table}.{word}") };
            assert!(entries.iter().all(|entry| entry.key != path), "{path} is a key");
            let is_known = table.is_empty() || entries.iter().any(|entry| entry.key == *table);
            assert!(is_known, "there is no {table}");
        }
    }
}
