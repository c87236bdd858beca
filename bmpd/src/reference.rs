//! The JSON schema of the configuration file, made of what it is checked with.
//!
//! The words, the examples and the order are those of `etc/bmpd.toml`; which keys there are, their types, ranges and
//! words are what [`config::parse`] says about values that are wrong; when a change takes effect is what the rows of the
//! parameters say. So nothing of it is written a second time but for what is in no file: see [`WITHIN`].
//!
//! After a change: `BLESS=1 cargo test -p bmpd --features kafka --lib reference`.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

#[path = "../../tests/tests/man/example.rs"]
#[allow(dead_code, unreachable_pub)]
mod example;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use shared::reference::{Effect, Extra, Kind, Node, Properties};

use crate::config::setting::{self, Setting};
use crate::config::{self, Config};

const EXAMPLE: &str = include_str!("../../etc/bmpd.toml");

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/bmpd.schema.json");

/// Keys that `etc/bmpd.toml` has within a value, or only names in the words about another one.
const WITHIN: &[(&str, &str, &str)] = &[
    ("key", "\"a shared key\"", "the key itself, 1 to 80 bytes; instead of key-file"),
    (
        "key-file",
        "\"bmpd.key\"",
        "the file with the key; a line's end behind it is no part of the key",
    ),
    ("password-file", "\"lake.password\"", "the file with the password; instead of password"),
    ("send-id", "1", "the KeyID of what is sent (RFC 5925); each key has its own"),
    ("receive-id", "1", "the KeyID of what is received (RFC 5925); each key has its own"),
    (
        "algorithm",
        "\"hmac-sha-1-96\"",
        "of the authentication (RFC 5926); default: \"hmac-sha-1-96\"",
    ),
    ("neighbors.address", "\"192.0.2.2\"", "the address of the neighbor or peer"),
    (
        "neighbors.vpn-instance",
        "\"mgmt\"",
        "the VPN instance that it is in; default: the public one",
    ),
];

/// Tables of tables that the file has no words for.
const TABLES: &[(&str, &str)] = &[
    ("tcp", "parameters of the TCP connection"),
    ("tcp.keepalive", "TCP keepalives, by which the loss of the other side is noticed"),
    ("tcp.md5", "TCP MD5 (RFC 2385): the key, here or in a file"),
    ("md5", "TCP MD5 (RFC 2385): the key, here or in a file"),
    ("tls", "TLS: certificates and names"),
    ("retry", "attempts to connect"),
    ("monitor", "which neighbors, peers, routers, families and views are sent"),
    ("maximum-routes", "the most routes of one family, and what happens beyond it"),
    ("kafka", "the brokers, and how records are sent to them"),
    ("kafka.tls", "TLS to the brokers; an empty table is TLS with the authorities of the system"),
    ("kafka.sasl", "the user and the password at the brokers"),
];

/// Where more is documented, by the first part of a path.
const SEE: &[(&str, &[&str])] = &[
    ("include", &["docs/reload.md"]),
    ("bgp", &["docs/limits.md", "docs/reload.md"]),
    ("bmp", &["docs/reload.md"]),
    ("session", &["docs/reload.md", "docs/recipes.md"]),
    ("vpn-instance", &["docs/recipes.md"]),
    ("relay", &["docs/relay.md", "docs/limits.md"]),
    ("router", &["docs/relay.md", "docs/reload.md"]),
    ("publisher", &["docs/kafka.md", "docs/reload.md"]),
    ("control", &["SECURITY.md", "docs/limits.md"]),
    ("process", &["SECURITY.md", "docs/service.md"]),
    ("http", &["docs/metrics.md", "SECURITY.md"]),
];

/// What has to be said besides for a value to be checked at all.
const CONTEXT: &[(&str, &str)] = &[
    ("session.tcp.listen-port", "mode = 'passive'"),
    ("session.ports", "identity = 'port'"),
    ("session.source-addresses", "identity = 'source-address'"),
    ("router.tcp.connect-port", "mode = 'active'"),
    ("router.retry", "mode = 'active'"),
    ("router.tcp.connect-timeout", "mode = 'active'"),
    ("router.maximum-routers", "prefix = '203.0.113.0/24'"),
    ("bgp.neighbor.maximum-neighbors", "prefix = '203.0.113.0/24'"),
];

/// Keys that the type of a table has, and that are never allowed there.
const REFUSED: [&str; 1] = ["router.tcp.listen-port"];

/// Keys with a choice of words.
const CHOICES: [&str; 11] = [
    "mode",
    "identity",
    "action",
    "algorithm",
    "minimum-version",
    "compression",
    "mechanism",
    "router-hash",
    "families",
    "add-path",
    "views",
];

/// A key of `etc/bmpd.toml`.
struct Known {
    value: String,
    says: String,
    default: Option<String>,
}

/// A step of the way to a value.
#[derive(Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Element,
}

#[derive(Clone)]
struct Way(Vec<Step>);

impl Way {
    fn key(&self, key: &str) -> Self {
        Self([self.0.as_slice(), &[Step::Key(key.to_owned())]].concat())
    }

    fn element(&self) -> Self {
        Self([self.0.as_slice(), &[Step::Element]].concat())
    }

    /// As in an error: `session[0].tcp.mss`.
    fn path(&self) -> String {
        let mut path = String::new();
        for step in &self.0 {
            match step {
                Step::Element => path.push_str("[0]"),
                Step::Key(key) if path.is_empty() => path.push_str(key),
                Step::Key(key) => path.push_str(&format!(".{key}")),
            }
        }
        path
    }

    /// As in the documentation: `session.tcp.mss`.
    fn name(&self) -> String {
        self.path().replace("[0]", "")
    }

    /// A file with this value there, and with what else it takes for the value to be checked.
    fn file(&self, value: &str) -> String {
        let name = self.name();
        let more = CONTEXT.iter().find(|(begin, _)| is_or_in(&name, begin)).map(|(_, more)| *more);
        let mut text = value.to_owned();
        for (rank, step) in self.0.iter().enumerate().rev() {
            // Beside the keys of the table that stands in the list.
            let is_in_table = rank > 0
                && self.0[rank - 1] == Step::Element
                && !self.0[..rank - 1].contains(&Step::Element);
            text = match step {
                Step::Element => format!("[{text}]"),
                Step::Key(key) => match more.filter(|_| is_in_table) {
                    Some(more) => format!("{{ {more}, {key} = {text} }}"),
                    None if rank == 0 => format!("{key} = {text}"),
                    None => format!("{{ {key} = {text} }}"),
                },
            };
        }
        if name.starts_with("router") { format!("{text}\n[relay]\n") } else { format!("{text}\n") }
    }

    /// What is wrong with this value there; empty if nothing is.
    fn fault(&self, value: &str) -> String {
        let text = self.file(value);
        let Err(error) = config::parse(&text, Path::new("/nonexistent/f")) else {
            return String::new();
        };
        let path = self.path();
        let of_it = error.problems().iter().filter(|problem| problem.key() == Some(&path));
        of_it.map(config::Problem::text).collect::<Vec<_>>().join("\n")
    }
}

fn is_or_in(name: &str, begin: &str) -> bool {
    name.strip_prefix(begin).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// What makes the schema.
struct Maker {
    /// What `etc/bmpd.toml` says of keys, by their paths.
    keys: BTreeMap<String, Known>,
    /// What it says of tables.
    tables: BTreeMap<String, String>,
    /// Paths of keys and tables in its order.
    order: Vec<String>,
    effects: Effects,
}

impl Maker {
    fn new() -> Self {
        let effects = Effects::new(&config_with_all());
        let (keys, tables, order) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        let mut maker = Self { keys, tables, order, effects };
        for block in example::read(EXAMPLE) {
            let table = block.table.trim_matches(['[', ']']).to_owned();
            if !table.is_empty() && !maker.tables.contains_key(&table) {
                maker.order.push(table.clone());
                maker.tables.insert(table.clone(), block.says.clone());
            }
            for item in &block.items {
                let example::Item::Key(key) = item else { continue };
                let path = match table.as_str() {
                    "" => key.name.to_owned(),
                    table => format!("{table}.{}", key.name),
                };
                let default = match key.says.split_once("default: ") {
                    Some((_, text)) => Some(text.to_owned()),
                    None => key.is_commented.then(|| key.value.to_owned()),
                };
                let default = default.filter(|text| !text.starts_with("none"));
                // The first example of a key counts.
                maker.keys.entry(path.clone()).or_insert_with(|| {
                    maker.order.push(path);
                    Known { value: key.value.to_owned(), says: key.says.clone(), default }
                });
            }
        }
        maker
    }

    fn schema(&self) -> Node {
        let root = self.table(&Way(Vec::new()));
        Node {
            draft: Some("http://json-schema.org/draft-04/schema#".to_owned()),
            title: Some("The configuration file of bmpd, bmpd.toml(5)".to_owned()),
            kind: Some(Kind::Object),
            ..root
        }
    }

    /// The keys of a table, in the order of the example.
    fn table(&self, way: &Way) -> Node {
        let fault = way.key("unheard-of").fault("1");
        let (_, keys) = fault.split_once("allowed here: ").unwrap_or_else(|| panic!("{fault}"));
        let mut keys: Vec<&str> = keys.split(", ").collect();
        let rank = |key: &&str| {
            let name = way.key(key).name();
            self.order.iter().position(|known| is_or_in(known, &name)).unwrap_or(usize::MAX)
        };
        keys.sort_by_key(rank);
        keys.retain(|key| {
            let inner = way.key(key);
            let is_refused = REFUSED.contains(&inner.name().as_str());
            assert!(!is_refused || inner.fault("1").ends_with("remove it"), "{}", inner.name());
            !is_refused
        });
        let is_in_list = way.0.contains(&Step::Element);
        let required = keys.iter().filter(|key| {
            let is_missing = |table: &str| {
                let fault = way.fault_of(&way.key(key), table);
                let is_one_of = keys.iter().any(|other| fault.contains(&format!("or {other}")));
                fault.starts_with(&format!("is missing; write {key} = ")) && !is_one_of
            };
            let has_prefix = keys.contains(&"prefix");
            is_missing("{}") && (!has_prefix || is_missing("{ prefix = '203.0.113.0/24' }"))
        });
        let required: Vec<String> = required.map(|key| (*key).to_owned()).collect();
        Node {
            kind: Some(Kind::Object),
            properties: Properties(
                keys.iter().map(|key| ((*key).to_owned(), self.value(&way.key(key)))).collect(),
            ),
            // A table that is there once can be in another file.
            required: if is_in_list { required } else { Vec::new() },
            additional_properties: Some(Extra::Allowed(false)),
            ..Node::default()
        }
    }

    /// A key, or a table.
    fn value(&self, way: &Way) -> Node {
        let name = way.name();
        let node = self.of_type(way);
        let is_pure_table = match &node.items {
            Some(items) => !items.properties.0.is_empty() && !self.keys.contains_key(&name),
            None => !node.properties.0.is_empty(),
        };
        let see = SEE.iter().find(|(begin, _)| is_or_in(&name, begin));
        let (_, see) = see.unwrap_or_else(|| panic!("where is {name} documented?"));
        let see = std::iter::once("bmpd.toml(5)").chain(see.iter().copied());
        let see = see.map(str::to_owned).collect();
        if is_pure_table {
            let words = self.tables.get(&name).map(String::as_str);
            let words = words.filter(|says| !says.is_empty()).or_else(|| {
                let ends = |table: &str| name.ends_with(&format!(".{table}"));
                let found = TABLES.iter().filter(|(table, _)| ends(table));
                found.max_by_key(|(table, _)| table.len()).map(|(_, says)| *says)
            });
            let words = match (words, name.as_str()) {
                (Some(words), _) => words,
                (None, "bmp") => {
                    "what the Initiation of all sessions says, and a default of theirs"
                }
                (None, _) => panic!("what is {name}?"),
            };
            return Node { description: Some(sentence(words)), see, ..node };
        }
        let known = self
            .keys
            .get(&name)
            .map(|Known { value, says, default }| (value.clone(), says.clone(), default.clone()));
        let known = known.unwrap_or_else(|| self.elsewhere(&name));
        let (example, says, default) = known;
        let value = |text: &str| {
            let table: Result<toml::Table, _> = toml::from_str(&format!("x = {text}"));
            table.ok().and_then(|table| serde_json::to_value(&table["x"]).ok())
        };
        let unit = unit(&node, way, &says);
        // The default has a line of its own.
        let begin = ["; default: ", ", default: "].iter().find_map(|words| says.find(words));
        Node {
            description: Some(sentence(&says[..begin.unwrap_or(says.len())])),
            default: default.as_deref().and_then(value),
            default_text: default,
            examples: value(&example).into_iter().collect(),
            example: Some(example),
            unit,
            takes_effect: Some(self.effects.of(&name)),
            see,
            ..node
        }
    }

    /// A key that the example has elsewhere, or within a value.
    fn elsewhere(&self, name: &str) -> (String, String, Option<String>) {
        let within = WITHIN.iter().find(|(end, _, _)| name.ends_with(&format!(".{end}")));
        if let Some((_, value, says)) = within {
            let default = says.split_once("default: ").map(|(_, text)| text.to_owned());
            return ((*value).to_owned(), (*says).to_owned(), default);
        }
        // The longest end that is the same.
        let ends = name.match_indices('.').map(|(at, _)| &name[at..]);
        let same = ends.map(|end| self.keys.iter().find(|(known, _)| known.ends_with(end)));
        let same = same.flatten().next();
        let (_, same) = same.unwrap_or_else(|| panic!("etc/bmpd.toml does not have {name}"));
        (same.value.clone(), same.says.clone(), same.default.clone())
    }

    fn of_type(&self, way: &Way) -> Node {
        let fault = way.fault("1.5");
        let of = |kind| Node { kind: Some(kind), ..Node::default() };
        let (_, allowed) =
            fault.split_once("; ").unwrap_or_else(|| panic!("{}: {fault:?}", way.name()));
        let allowed = allowed.split(" is allowed here").next().unwrap_or_default();
        match allowed {
            allowed if allowed.starts_with("a whole number") => {
                let (minimum, maximum) = range(way);
                Node { minimum: Some(minimum), maximum: Some(maximum), ..of(Kind::Integer) }
            }
            "a string" => Node { words: choice(way, way), ..of(Kind::String) },
            "true or false" => of(Kind::Boolean),
            "a string or a list of strings" => Node {
                any_of: vec![
                    of(Kind::String),
                    Node { items: Some(Box::new(of(Kind::String))), ..of(Kind::Array) },
                ],
                ..Node::default()
            },
            "a list" => {
                let element = way.element();
                let items = match element.fault("1.5") {
                    fault if fault.contains("; a table is allowed here") => self.table(&element),
                    fault => {
                        assert!(fault.contains("; a string is allowed"), "{}: {fault}", way.name());
                        Node { words: choice(&element, way), ..of(Kind::String) }
                    }
                };
                Node { items: Some(Box::new(items)), ..of(Kind::Array) }
            }
            "a table" => {
                let inner = way.key("unheard-of");
                if inner.fault("1").contains("there is no such key") {
                    return self.table(way);
                }
                let (minimum, maximum) = range(&way.key("a"));
                let each =
                    Node { minimum: Some(minimum), maximum: Some(maximum), ..of(Kind::Integer) };
                Node { additional_properties: Some(Extra::Of(Box::new(each))), ..of(Kind::Object) }
            }
            other => panic!("{}: what is {other}?", way.name()),
        }
    }
}

impl Way {
    /// What is wrong with a value that has no such key.
    fn fault_of(&self, key: &Way, value: &str) -> String {
        let text = match self.0.is_empty() {
            true => String::new(),
            false => self.file(value),
        };
        let Err(error) = config::parse(&text, Path::new("/nonexistent/f")) else {
            return String::new();
        };
        let path = key.path();
        let of_it = error.problems().iter().filter(|problem| problem.key() == Some(&path));
        of_it.map(config::Problem::text).collect::<Vec<_>>().join("\n")
    }
}

/// The range of a number, as the error for one beyond it says, and as the next ones to its ends confirm.
fn range(way: &Way) -> (i64, i64) {
    let fault = way.fault("99999999999999");
    let (least, most) = match fault.split_once("out of range; ") {
        Some((_, range)) => {
            let (least, rest) = range.split_once(" to ").unwrap_or_else(|| panic!("{fault}"));
            let most = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
            (least.parse().unwrap(), most.parse().unwrap())
        }
        // Levels are named.
        None if fault.contains("is not a level") => (0, 3),
        None => panic!("{} has no range: {fault:?}", way.path()),
    };
    let is_out = |number: i64| {
        let fault = way.fault(&number.to_string());
        fault.contains("out of range") || fault.contains("is not a level")
    };
    // 0 has a meaning of its own for some.
    let least = if is_out(0) || least == 0 { least } else { 0 };
    assert!(!is_out(least) && !is_out(most), "{}: {least} to {most}", way.path());
    assert!(is_out(least - 1) && is_out(most + 1), "{}: {least} to {most}", way.path());
    (least, most)
}

/// The words of a key with a choice of some; empty if any text is allowed.
fn choice(way: &Way, key: &Way) -> Vec<String> {
    let Some(Step::Key(last)) = key.0.last() else { return Vec::new() };
    if !CHOICES.contains(&last.as_str()) {
        return Vec::new();
    }
    let fault = way.fault("'?'");
    assert!(!fault.is_empty(), "{}: every word is allowed", way.path());
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let kind = |fault: &str| fault.split_once('"').map(|(_, rest)| rest.len()).is_some();
    let mut words: Vec<String> = Vec::new();
    for word in fault.split(|c| !is_of_word(c)).filter(|word| !word.is_empty()) {
        let said = way.fault(&format!("'{word}'"));
        let is_refused = kind(&said) && said.starts_with(&format!("\"{word}\" is not"));
        if !is_refused && !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
    assert!(words.len() >= 2, "{}: {words:?} of {fault}", way.path());
    words
}

/// What a number counts.
fn unit(node: &Node, way: &Way, says: &str) -> Option<String> {
    if node.kind != Some(Kind::Integer) {
        return None;
    }
    let fault = way.fault("99999999999999");
    let words = ["seconds", "milliseconds", "MiB", "bytes"];
    let is_word = |text: &str, unit: &str| {
        text.split(|c: char| !c.is_alphanumeric()).any(|word| word == unit)
    };
    let unit = words.into_iter().find(|unit| is_word(&fault, unit));
    let unit = unit.or_else(|| words.into_iter().find(|unit| is_word(says, unit)));
    unit.map(str::to_owned)
}

/// A sentence as it stands alone.
fn sentence(text: &str) -> String {
    let word = text.split(' ').next().unwrap_or_default();
    // A name keeps its spelling.
    let is_name = word == "bmpd" || word.contains(char::is_uppercase);
    let mut letters = text.chars();
    let first = letters.next().map_or(String::new(), |c| match is_name {
        true => c.to_string(),
        false => c.to_uppercase().to_string(),
    });
    let end = if text.ends_with(['.', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str().trim_end_matches(':'))
}

/// When changes take effect, by the paths of the rows.
struct Effects(BTreeMap<String, Effect>);

impl Effects {
    fn new(config: &Config) -> Self {
        use crate::sinks::{kafka, station};
        use crate::sources::{bgp, bmp};
        use crate::world;
        use setting::Effect::{Connection, Running};
        let mut all = BTreeMap::new();
        let mut add = |table: &str, rows: Vec<Setting>, connection: Effect| {
            for row in rows {
                let effect = match row.effect() {
                    Running => Effect::Reload,
                    Connection => connection,
                };
                for (key, _) in row.keys() {
                    all.insert(format!("{table}.{key}"), effect);
                }
            }
        };
        let (neighbors, relay) = (config.bgp.as_ref().unwrap(), config.relay.as_ref().unwrap());
        add("bmp", setting::bmp_settings(&config.bmp).to_vec(), Effect::ResetAll);
        add("session", station::session_settings(&config.sessions[0]), Effect::ResetSession);
        let common = bgp::common_settings(neighbors.asn, neighbors.router_id).to_vec();
        add("bgp", common, Effect::ReloadRestarts);
        add("bgp", vec![bgp::memory_limit(None)], Effect::Reload);
        add("bgp", bgp::pending_settings(neighbors.pending).to_vec(), Effect::Reload);
        add("bgp.neighbor", bgp::settings(&neighbors.neighbors[0]), Effect::ReloadRestarts);
        add("relay", vec![bmp::changes::memory_limit(None)], Effect::Reload);
        add("relay", vec![bmp::changes::proxies(&relay.proxies)], Effect::Reload);
        add("relay", bmp::changes::pending_settings(relay.pending).to_vec(), Effect::Reload);
        add("router", bmp::changes::settings(&config.routers[0]), Effect::ReloadReconnects);
        add("publisher", kafka::publisher_settings(&config.publishers[0]), Effect::ResetPublisher);
        add("control", world::control_settings(&config.control), Effect::Restart);
        add("process", world::process_settings(&config.process), Effect::Restart);
        add("http", world::http_settings(&config.http), Effect::Restart);
        // What has no row, or means more than its row.
        for (key, effect) in [
            ("include", Effect::Reload),
            ("session.address", Effect::Identity),
            ("session.vpn-instance", Effect::Identity),
            ("session.alias", Effect::Identity),
            ("session.shutdown", Effect::ReloadStops),
            ("vpn-instance.name", Effect::Identity),
            ("vpn-instance.device", Effect::ResetSession),
            ("vpn-instance.netns", Effect::ResetSession),
            ("vpn-instance.route-distinguisher", Effect::ReloadRestarts),
            ("vpn-instance.listen", Effect::Reload),
            ("bgp.listen", Effect::Reload),
            ("bgp.neighbor.address", Effect::Identity),
            ("bgp.neighbor.prefix", Effect::Identity),
            ("bgp.neighbor.vpn-instance", Effect::Identity),
            ("relay.listen", Effect::Reload),
            ("router.name", Effect::Identity),
            ("router.prefix", Effect::Identity),
            ("router.shutdown", Effect::ReloadStops),
            ("publisher.name", Effect::Identity),
            ("publisher.shutdown", Effect::ReloadStops),
        ] {
            all.insert(key.to_owned(), effect);
        }
        Self(all)
    }

    /// That of the key, or of the list or table that it is in.
    fn of(&self, name: &str) -> Effect {
        let mut path = name;
        loop {
            if let Some(effect) = self.0.get(path) {
                return *effect;
            }
            path = match path.rsplit_once('.') {
                Some((before, _)) => before,
                None => panic!("when does a change of {name} take effect?"),
            };
        }
    }
}

/// A configuration with one of everything.
fn config_with_all() -> Config {
    let text = "session = [{ address = '10.1.1.1', tcp.connect-port = 1 }]
        router = [{ name = 'a', address = '192.0.2.7' }]
        publisher = [{ name = 'a', topic = 'a', kafka.bootstrap-servers = ['192.0.2.1:9092'] }]
        [relay]
        [bgp]
        as = 1
        router-id = '192.0.2.1'
        neighbor = [{ address = '192.0.2.2', remote-as = 1 }]";
    config::parse(text, Path::new("f")).unwrap()
}

fn made() -> String {
    serde_json::to_string_pretty(&Maker::new().schema()).unwrap() + "\n"
}

#[test]
fn the_schema_of_the_file_is_what_the_file_is_checked_with() {
    let made = made();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(FILE, &made).unwrap();
    }
    let kept = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        kept == made,
        "docs/bmpd.schema.json is out of date: BLESS=1 cargo test -p bmpd --features kafka --lib reference"
    );
    // What reads it makes the same of it.
    let read: Node = serde_json::from_str(&kept).unwrap();
    assert_eq!(serde_json::to_string_pretty(&read).unwrap() + "\n", kept);
}

#[test]
fn every_key_of_the_example_is_in_the_schema() {
    let schema: Value = serde_json::from_str(&made()).unwrap();
    for key in Maker::new().keys.keys() {
        let mut node = &schema;
        for part in key.split('.') {
            let node_here = node.get("items").unwrap_or(node);
            node = &node_here["properties"][part];
            assert!(node.is_object(), "{key}");
        }
    }
}
