//! BIRD 2 and 3: blocks and statements.
//!
//! The whole file is cut into words, and these into statements that end with a semicolon or a block. What is
//! inside functions, filters and tables of other protocols is cut in the same way and passed over.

use std::collections::HashMap;

use super::{At, Found, ImportError, Neighbor, RemoteAs, Station, Traits, family, restart_after};
use crate::config::{MaximumRoutes, MaximumRoutesAction};

/// What BIRD waits for after an error, in seconds (its `error wait time`).
const RESTART_AFTER: u64 = 60;

/// How deep blocks may lie in one another.
const DEPTH_MAX: usize = 64;

/// Statements of a BGP protocol that are none of bmpd's business: policy, tables, timers of BIRD's own.
const PASSED_OVER: [&str; 31] = [
    "import",
    "export",
    "next",
    "allow",
    "debug",
    "error",
    "connect",
    "startup",
    "keepalive",
    "rr",
    "rs",
    "route",
    "interpret",
    "confederation",
    "enforce",
    "gateway",
    "strict",
    "direct",
    "interface",
    "long",
    "graceful",
    "require",
    "advertise",
    "enable",
    "med",
    "igp",
    "prefer",
    "deterministic",
    "default",
    "check",
    "setkey",
];

#[derive(Debug, Clone, PartialEq, Eq)]
struct Word {
    line: usize,
    text: String,
    /// True for what stood between quotation marks.
    quoted: bool,
}

#[derive(Debug, Clone)]
struct Statement {
    words: Vec<Word>,
    block: Option<Vec<Statement>>,
}

impl Statement {
    fn line(&self) -> usize {
        self.words.first().map_or(0, |word| word.line)
    }

    fn texts(&self) -> Vec<&str> {
        self.words.iter().map(|word| word.text.as_str()).collect()
    }
}

fn syntax(line: usize, text: &str) -> ImportError {
    ImportError::Syntax { line, text: text.to_owned() }
}

/// Cuts the file into words; braces and semicolons are words of their own.
fn words(text: &str) -> Result<Vec<Word>, ImportError> {
    let mut words = Vec::new();
    let mut line = 1;
    let mut rest = text.chars().peekable();
    let mut open = String::new();
    let close = |open: &mut String, words: &mut Vec<Word>, line| {
        if !open.is_empty() {
            words.push(Word { line, text: std::mem::take(open), quoted: false });
        }
    };
    while let Some(c) = rest.next() {
        match c {
            '#' => {
                close(&mut open, &mut words, line);
                while rest.next_if(|c| *c != '\n').is_some() {}
            }
            '/' if rest.peek() == Some(&'*') => {
                close(&mut open, &mut words, line);
                // The star that opens it does not close it.
                rest.next();
                let (begun, mut last) = (line, ' ');
                loop {
                    let c = rest.next();
                    line += usize::from(c == Some('\n'));
                    match c {
                        Some('/') if last == '*' => break,
                        Some(c) => last = c,
                        None => {
                            return Err(syntax(begun, "this comment has no end: */ is missing"));
                        }
                    }
                }
            }
            '"' => {
                close(&mut open, &mut words, line);
                let begun = line;
                let mut text = String::new();
                loop {
                    match rest.next() {
                        Some('"') => break,
                        Some('\n') | None => {
                            return Err(syntax(begun, "this text has no end: \" is missing"));
                        }
                        Some(c) => text.push(c),
                    }
                }
                words.push(Word { line: begun, text, quoted: true });
            }
            '{' | '}' | ';' => {
                close(&mut open, &mut words, line);
                words.push(Word { line, text: c.to_string(), quoted: false });
            }
            c if c.is_whitespace() => {
                close(&mut open, &mut words, line);
                line += usize::from(c == '\n');
            }
            c => open.push(c),
        }
    }
    close(&mut open, &mut words, line);
    Ok(words)
}

/// Cuts words into statements up to the end of a block, or of the file.
fn statements(
    words: &mut std::iter::Peekable<std::vec::IntoIter<Word>>,
    depth: usize,
    opened: Option<usize>,
) -> Result<Vec<Statement>, ImportError> {
    if depth > DEPTH_MAX {
        let text = format!("blocks lie more than {DEPTH_MAX} deep in one another");
        return Err(syntax(opened.unwrap_or(0), &text));
    }
    let (mut all, mut current) = (Vec::new(), Vec::new());
    loop {
        let Some(word) = words.next() else {
            return match opened {
                Some(line) => Err(syntax(line, "this block has no end: } is missing")),
                None => {
                    all.push(Statement { words: current, block: None });
                    Ok(all)
                }
            };
        };
        match (word.text.as_str(), word.quoted) {
            (";", false) => {
                all.push(Statement { words: std::mem::take(&mut current), block: None });
            }
            ("{", false) => {
                let block = statements(words, depth + 1, Some(word.line))?;
                all.push(Statement { words: std::mem::take(&mut current), block: Some(block) });
            }
            ("}", false) if opened.is_some() => {
                all.push(Statement { words: current, block: None });
                return Ok(all);
            }
            ("}", false) => return Err(syntax(word.line, "this } closes nothing")),
            _ => current.push(word),
        }
    }
}

/// Reads a configuration.
pub(super) fn read(text: &str) -> Result<Found, ImportError> {
    let top = statements(&mut words(text)?.into_iter().peekable(), 0, None)?;
    let mut found = Found::default();
    let mut templates: HashMap<String, Said> = HashMap::new();
    for statement in &top {
        let texts = statement.texts();
        match (&texts[..], &statement.block) {
            (["router", "id", id], None) => found.router_id = Some((*id).to_owned()),
            (["include", ..], None) => {
                let text = "another file is included: import that, too";
                found.note(statement.line(), text);
            }
            (["template", "bgp", name, rest @ ..], Some(block)) => {
                let said = said_in(block, base(rest, &templates), &mut found);
                templates.insert((*name).to_owned(), said);
            }
            (["protocol", "bgp", rest @ ..], Some(block)) => {
                let said = said_in(block, base(rest, &templates), &mut found);
                neighbor(said, statement.line(), &mut found);
            }
            (["protocol", "bmp", name @ ..], Some(block)) => {
                station(block, name.first().copied(), statement.line(), &mut found);
            }
            _ => {}
        }
    }
    Ok(found)
}

/// What a protocol or template says, templates included.
#[derive(Debug, Clone, Default)]
struct Said {
    traits: Traits,
    at: Option<At>,
    vrf: Option<String>,
    local_as: Option<u32>,
    /// `disabled`.
    is_off: bool,
}

fn base(words: &[&str], templates: &HashMap<String, Said>) -> Said {
    let from = words.iter().position(|word| *word == "from").and_then(|at| words.get(at + 1));
    from.and_then(|name| templates.get(*name)).cloned().unwrap_or_default()
}

fn is_on(word: Option<&&str>) -> bool {
    !matches!(word, Some(&("off" | "no" | "false" | "0")))
}

fn said_in(block: &[Statement], mut said: Said, found: &mut Found) -> Said {
    for statement in block {
        let texts = statement.texts();
        if statement.block.is_some() {
            channel(statement, &texts, &mut said, found);
            continue;
        }
        let after = |key: &str| {
            texts.iter().position(|word| *word == key).and_then(|at| texts.get(at + 1)).copied()
        };
        let numeric = |text: Option<&str>| text.and_then(|text| text.parse::<u32>().ok());
        let traits = &mut said.traits;
        match &texts[..] {
            [] => {}
            ["local", rest @ ..] => {
                said.local_as = numeric(after("as")).or(said.local_as);
                if let Some(address) =
                    rest.first().filter(|word| word.parse::<std::net::IpAddr>().is_ok())
                {
                    traits.source = Some((*address).to_owned());
                }
            }
            ["neighbor", rest @ ..] => {
                traits.port = after("port").and_then(|port| port.parse().ok()).or(traits.port);
                traits.remote_as = match after("as") {
                    Some(asn) => asn.parse().ok().map(RemoteAs::Number),
                    None if rest.contains(&"internal") => Some(RemoteAs::Internal),
                    None if rest.contains(&"external") => Some(RemoteAs::External),
                    None => traits.remote_as,
                };
                match rest {
                    ["range", prefix, ..] => said.at = Some(At::Prefix((*prefix).to_owned())),
                    [address, ..] => {
                        // A link-local address has its interface behind a percent sign.
                        if let Ok(address) = address.parse() {
                            said.at = Some(At::Address(address));
                        }
                    }
                    [] => {}
                }
            }
            ["password", password, ..] => traits.password = Some((*password).to_owned()),
            ["description", text, ..] => traits.description = Some((*text).to_owned()),
            ["source", "address", address] => traits.source = Some((*address).to_owned()),
            ["hold", "time", seconds] => traits.hold_time = numeric(Some(seconds)),
            ["multihop"] => traits.multihop = Some(255),
            ["multihop", hops] => traits.multihop = numeric(Some(hops)),
            ["passive", on @ ..] => traits.passive = Some(is_on(on.first())),
            ["ttl", "security", on @ ..] => {
                traits.ttl_security = is_on(on.first()).then_some(1);
            }
            ["vrf", name] => said.vrf = Some((*name).to_owned()).filter(|name| name != "default"),
            ["disabled", on @ ..] => said.is_off = is_on(on.first()),
            [word, ..] if PASSED_OVER.contains(word) => {}
            _ => found.note(statement.line(), format!("not used: {}", texts.join(" "))),
        }
    }
    said
}

/// A channel, such as `ipv4 { ... }`.
fn channel(statement: &Statement, texts: &[&str], said: &mut Said, found: &mut Found) {
    let Some(name) = family(&texts.join(" ")) else {
        let text = format!("bmpd has no counterpart: {} {{ ... }}", texts.join(" "));
        return found.note(statement.line(), text);
    };
    said.traits.families.insert(name, true);
    for inner in statement.block.iter().flatten() {
        match &inner.texts()[..] {
            ["add", "paths", how] => {
                said.traits.add_path.insert(name, matches!(*how, "rx" | "on" | "yes" | "true"));
            }
            ["import" | "receive", "limit", "off", ..] => {
                said.traits.limits.remove(name);
            }
            [kind @ ("import" | "receive"), "limit", limit, rest @ ..] => {
                let Some(limit) = limit.parse().ok().filter(|limit| *limit > 0) else { continue };
                let action = match rest {
                    ["action", "warn"] => MaximumRoutesAction::Warn,
                    ["action", "restart"] => restart_after(RESTART_AFTER),
                    ["action", "block"] => {
                        let text = format!(
                            "bmpd takes all routes or ends the session, so it only warns: {}",
                            inner.texts().join(" ")
                        );
                        found.note(inner.line(), text);
                        MaximumRoutesAction::Warn
                    }
                    // `disable`, which is the default.
                    _ => MaximumRoutesAction::Shutdown,
                };
                if *kind == "import" {
                    found.note(inner.line(), super::BEFORE_POLICY);
                }
                said.traits.limits.insert(name, MaximumRoutes { limit, action });
            }
            _ => {}
        }
    }
}

fn neighbor(said: Said, line: usize, found: &mut Found) {
    let Said { traits, at, vrf, local_as, is_off } = said;
    if let Some(asn) = local_as {
        match found.asn {
            Some(other) if other != asn => {
                found.note(line, format!("AS {asn} here, and bmpd has one for all: {other}"));
            }
            _ => found.asn = Some(asn),
        }
    }
    match at {
        Some(_) if is_off => found.note(line, "this neighbor is disabled there, and left out"),
        Some(at) => found.neighbors.push(Neighbor { line, at, vrf, traits }),
        None => found.note(line, "this neighbor has no address that bmpd could use"),
    }
}

fn station(block: &[Statement], name: Option<&str>, line: usize, found: &mut Found) {
    let mut at = None;
    for statement in block {
        let texts = statement.texts();
        match &texts[..] {
            [] => {}
            ["station", "address", rest @ ..] => {
                let [_, address, _, port, ..] = rest else {
                    found.note(statement.line(), format!("not understood: {}", texts.join(" ")));
                    continue;
                };
                at = address.parse().ok().zip(port.parse().ok());
                if at.is_none() {
                    found.note(
                        statement.line(),
                        format!("no address and port: {}", texts.join(" ")),
                    );
                }
            }
            ["monitoring", "rib", "in", "pre_policy", ..] => {}
            ["monitoring", ..] => {
                let text =
                    format!("bmpd reports Adj-RIB-In before policy alone: {}", texts.join(" "));
                found.note(statement.line(), text);
            }
            _ => found.note(statement.line(), format!("not used: {}", texts.join(" "))),
        }
    }
    match at {
        Some((address, port)) => found.stations.push(Station {
            line,
            address,
            port,
            name: name.map(str::to_owned),
            vrf: None,
            retry: None,
            statistics: None,
            source_interface: None,
        }),
        None => found.note(line, "this BMP protocol has no station"),
    }
}
