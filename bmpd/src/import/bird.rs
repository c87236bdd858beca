//! BIRD 2 and 3: blocks and statements.
//!
//! The whole file is cut into words, and these into statements that end with a semicolon or a block. What is
//! inside functions, filters and tables of other protocols is cut in the same way and passed over.

use std::collections::HashMap;

use super::statement::{Fate, Word, Words};
use super::{
    At, Found, ImportError, Neighbor, RemoteAs, Station, Traits, family, prefix, restart_after,
};
use crate::config::{MaximumRoutes, MaximumRoutesAction};

/// What BIRD waits for after an error, in seconds (its `error wait time`).
const RESTART_AFTER: u64 = 60;

/// The hops of `multihop` without a number.
const MULTIHOP: u32 = 64;

/// How deep blocks may be nested.
const DEPTH_MAX: usize = 64;

/// The most words, punctuation included: what is kept of a word is longer than the word can be.
const WORDS_MAX: usize = 2_000_000;

/// Statements of a BGP protocol without a counterpart: policy, tables, timers of BIRD's own.
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

#[derive(Debug)]
struct Statement<'a> {
    words: Vec<Word<'a>>,
    block: Option<Vec<Statement<'a>>>,
}

impl Statement<'_> {
    fn line(&self) -> usize {
        self.words.first().map_or(0, |word| word.line)
    }
}

fn syntax(line: usize, text: &str) -> ImportError {
    ImportError::Syntax { line, text: text.to_owned() }
}

/// The words of a file that were cut so far.
struct Cutter<'a> {
    text: &'a str,
    words: Vec<Word<'a>>,
    line: usize,
    /// Where the open word begins.
    open: Option<usize>,
}

impl<'a> Cutter<'a> {
    /// Ends the open word in front of this place.
    fn close(&mut self, end: usize) {
        if let Some(start) = self.open.take() {
            self.add(start, end, self.line, false);
        }
    }

    fn add(&mut self, start: usize, end: usize, line: usize, is_quoted: bool) {
        self.words.push(Word { text: &self.text[start..end], line, start, is_quoted });
    }
}

/// Cuts the file into words; braces and semicolons are words of their own.
fn words(text: &str) -> Result<Vec<Word<'_>>, ImportError> {
    let mut cutter = Cutter { text, words: Vec::new(), line: 1, open: None };
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        if cutter.words.len() >= WORDS_MAX {
            let text = format!("there are more than {WORDS_MAX} words: is it a configuration?");
            return Err(syntax(cutter.line, &text));
        }
        match c {
            '#' => {
                cutter.close(at);
                while rest.next_if(|(_, c)| *c != '\n').is_some() {}
            }
            '/' if rest.peek().is_some_and(|(_, c)| *c == '*') => {
                cutter.close(at);
                // The star that opens it does not close it.
                rest.next();
                let (begun, mut last) = (cutter.line, ' ');
                loop {
                    match rest.next() {
                        Some((_, '/')) if last == '*' => break,
                        Some((_, c)) => {
                            cutter.line += usize::from(c == '\n');
                            last = c;
                        }
                        None => {
                            return Err(syntax(begun, "this comment has no end: */ is missing"));
                        }
                    }
                }
            }
            '"' => {
                cutter.close(at);
                let begun = cutter.line;
                let end = loop {
                    match rest.next() {
                        Some((end, '"')) => break end,
                        Some((_, '\n')) | None => {
                            return Err(syntax(begun, "this text has no end: \" is missing"));
                        }
                        Some(_) => {}
                    }
                };
                cutter.add(at + 1, end, begun, true);
            }
            '{' | '}' | ';' => {
                cutter.close(at);
                cutter.add(at, at + 1, cutter.line, false);
            }
            c if c.is_whitespace() => {
                cutter.close(at);
                cutter.line += usize::from(c == '\n');
            }
            _ => {
                cutter.open.get_or_insert(at);
            }
        }
    }
    cutter.close(text.len());
    Ok(cutter.words)
}

/// Cuts words into statements up to the end of a block, or of the file.
fn statements<'a>(
    words: &mut std::vec::IntoIter<Word<'a>>,
    depth: usize,
    opened: Option<usize>,
) -> Result<Vec<Statement<'a>>, ImportError> {
    if depth > DEPTH_MAX {
        let text = format!("blocks lie more than {DEPTH_MAX} deep in one another");
        return Err(syntax(opened.unwrap_or(0), &text));
    }
    let mut all = Vec::new();
    let mut current = Vec::new();
    // An empty statement, such as that between } and ; is skipped.
    let mut end = |current: &mut Vec<Word<'a>>, block: Option<Vec<Statement<'a>>>| {
        if !current.is_empty() || block.is_some() {
            all.push(Statement { words: std::mem::take(current), block });
        }
    };
    loop {
        let Some(word) = words.next() else {
            return match opened {
                Some(line) => Err(syntax(line, "this block has no end: } is missing")),
                None => {
                    end(&mut current, None);
                    Ok(all)
                }
            };
        };
        match (word.text, word.is_quoted) {
            (";", false) => end(&mut current, None),
            ("{", false) => {
                if current.is_empty() {
                    current.push(word);
                }
                let block = statements(words, depth + 1, Some(word.line))?;
                end(&mut current, Some(block));
            }
            ("}", false) if opened.is_some() => {
                end(&mut current, None);
                return Ok(all);
            }
            ("}", false) => return Err(syntax(word.line, "this } closes nothing")),
            _ => current.push(word),
        }
    }
}

/// Reads each statement of a block, and records what becomes of it.
fn each(
    block: &[Statement<'_>],
    found: &mut Found,
    mut read: impl FnMut(&Statement<'_>, &mut Words<'_, '_>, &mut Found) -> Result<Fate, Fate>,
) {
    for statement in block {
        let mut words = Words::new(&statement.words);
        let fate = read(statement, &mut words, found);
        found.record(statement.line(), &words, fate);
    }
}

/// Reads a configuration.
pub(super) fn read(text: &str) -> Result<Found, ImportError> {
    let top = statements(&mut words(text)?.into_iter(), 0, None)?;
    let mut found = Found::default();
    let mut said: HashMap<String, Said> = HashMap::new();
    each(&top, &mut found, |statement, words, found| {
        let line = statement.line();
        match &statement.block {
            None if words.take_all(&["router", "id"]) => {
                let id: std::net::Ipv4Addr = words.parsed()?;
                found.own_router_id(line, &id.to_string());
                Ok(Fate::Taken)
            }
            None if words.take("include") => {
                let text = format!("another file is included: import that, too: {}", words.shown());
                Err(Fate::Noted(text))
            }
            Some(block) if words.take_all(&["template", "bgp"]) => {
                let (name, base) = named(words, &said)?;
                let of_it = said_in(block, base, found);
                if let Some(name) = name {
                    said.insert(name, of_it);
                }
                Ok(Fate::Taken)
            }
            Some(block) if words.take_all(&["protocol", "bgp"]) => {
                // Whatever becomes of it, the file has a neighbor.
                found.has_any = true;
                let (name, base) = named(words, &said)?;
                let of_it = said_in(block, base, found);
                if let Some(name) = name {
                    said.insert(name, of_it.clone());
                }
                neighbor(of_it, line, found);
                Ok(Fate::Taken)
            }
            Some(block) if words.take_all(&["protocol", "bmp"]) => {
                let name = words.next();
                station(block, name, line, found);
                Ok(Fate::Taken)
            }
            _ => {
                let first = words.next().unwrap_or_default();
                let name = match (first, words.next()) {
                    ("protocol" | "template" | "router", Some(second)) => {
                        format!("{first} {second}")
                    }
                    _ => first.to_owned(),
                };
                Ok(Fate::PassedOver(name))
            }
        }
    });
    Ok(found)
}

/// The statements of a protocol or template, templates included.
#[derive(Debug, Clone, Default)]
struct Said {
    traits: Traits,
    at: Option<At>,
    vrf: Option<String>,
}

/// The name of a protocol or template, and what it is made from: a template, or another protocol.
fn named(
    words: &mut Words<'_, '_>,
    said: &HashMap<String, Said>,
) -> Result<(Option<String>, Said), Fate> {
    let name = match words.peek() {
        None | Some("from") => None,
        Some(_) => Some(words.value()?.to_owned()),
    };
    if !words.take("from") {
        return Ok((name, Said::default()));
    }
    let from = words.value()?;
    match said.get(from) {
        Some(base) => Ok((name, base.clone())),
        None => Err(Fate::Noted(format!("there is no {from} before it: {}", words.shown()))),
    }
}

fn said_in(block: &[Statement<'_>], mut said: Said, found: &mut Found) -> Said {
    each(block, found, |statement, words, found| match &statement.block {
        Some(block) => channel(block, words, &mut said.traits, found),
        None => of_protocol(statement.line(), words, &mut said, found),
    });
    said
}

/// A statement of a BGP protocol or template.
fn of_protocol(
    line: usize,
    words: &mut Words<'_, '_>,
    said: &mut Said,
    found: &mut Found,
) -> Result<Fate, Fate> {
    let traits = &mut said.traits;
    match words.next().unwrap_or_default() {
        "local" => {
            if let Some(address) = words.peek().filter(|word| is_address(word)) {
                words.next();
                traits.source = Some(address.to_owned());
            }
            if words.take("port") {
                let port: u16 = words.parsed()?;
                if port != 179 {
                    let text =
                        format!("BIRD listens at port {port} for it: `listen` in [bgp] is for all");
                    found.note(line, text);
                }
            }
            if words.take("as") {
                traits.local_as = Some(words.parsed()?);
            }
        }
        "neighbor" => {
            if words.take("range") {
                let at = prefix(words.value()?).ok_or_else(|| words.not_understood())?;
                said.at = Some(at);
            } else if let Some(address) = words.peek()
                && !matches!(address, "as" | "port" | "internal" | "external")
            {
                words.next();
                // A link-local address has its interface behind a percent sign.
                let Ok(address) = address.parse() else {
                    let text = format!(
                        "not supported: bmpd knows neighbors by their addresses, without interface: {}",
                        words.shown()
                    );
                    found.unsupported(line, text);
                    words.rest();
                    said.at = None;
                    return Ok(Fate::Taken);
                };
                said.at = Some(At::Address(address));
            }
            loop {
                if words.take("port") {
                    traits.port = Some(words.parsed()?);
                } else if words.take("as") {
                    traits.remote_as = Some(RemoteAs::Number(words.parsed()?));
                } else if words.take("internal") {
                    traits.remote_as = Some(RemoteAs::Internal);
                } else if words.take("external") {
                    traits.remote_as = Some(RemoteAs::External);
                } else {
                    break;
                }
            }
        }
        "password" => traits.password = Some(words.value()?.to_owned()),
        "description" => traits.description = Some(words.value()?.to_owned()),
        "source" if words.take("address") => traits.source = Some(words.value()?.to_owned()),
        "hold" if words.take("time") => traits.hold_time = Some(words.parsed()?),
        "multihop" => {
            traits.multihop = Some(if words.is_at_end() { MULTIHOP } else { words.parsed()? });
        }
        "passive" => traits.passive = Some(words.switch()?),
        "ttl" if words.take("security") => {
            traits.ttl_security = words.switch()?.then_some(1);
        }
        "vrf" => said.vrf = Some(words.value()?.to_owned()).filter(|name| name != "default"),
        "disabled" => traits.is_shut = Some(words.switch()?),
        word if PASSED_OVER.contains(&word) => return Ok(Fate::PassedOver(word.to_owned())),
        _ => return Err(words.not_used()),
    }
    Ok(Fate::Taken)
}

fn is_address(text: &str) -> bool {
    text.parse::<std::net::IpAddr>().is_ok()
}

/// A channel, such as `ipv4 { ... }`.
fn channel(
    block: &[Statement<'_>],
    words: &mut Words<'_, '_>,
    traits: &mut Traits,
    found: &mut Found,
) -> Result<Fate, Fate> {
    let name = words.rest_joined();
    let Some(name) = family(&name) else {
        let text = format!("bmpd has no counterpart: {} {{ ... }}", words.shown());
        return Err(Fate::Noted(text));
    };
    traits.families.insert(name, true);
    let mut has_limit = false;
    each(block, found, |statement, words, found| {
        if words.take_all(&["add", "paths"]) {
            let receives = match words.value()? {
                "rx" | "on" | "yes" | "true" => true,
                "tx" | "off" | "no" | "false" => false,
                _ => return Err(words.not_understood()),
            };
            traits.add_path.insert(name, receives);
            return Ok(Fate::Taken);
        }
        let is_before_policy = words.take_all(&["receive", "limit"]);
        if is_before_policy || words.take_all(&["import", "limit"]) {
            if words.take("off") {
                traits.limits.remove(name);
                return Ok(Fate::Taken);
            }
            let limit: u32 = words.parsed()?;
            if limit == 0 {
                return Err(words.not_understood());
            }
            let mut action = MaximumRoutesAction::Shutdown;
            if words.take("action") {
                action = match words.value()? {
                    "disable" => MaximumRoutesAction::Shutdown,
                    "warn" => MaximumRoutesAction::Warn,
                    "restart" => restart_after(RESTART_AFTER),
                    "block" => {
                        let text = format!(
                            "bmpd takes all routes or ends the session, so it only warns: {}",
                            words.shown()
                        );
                        found.note(statement.line(), text);
                        MaximumRoutesAction::Warn
                    }
                    _ => return Err(words.not_understood()),
                };
            }
            if std::mem::replace(&mut has_limit, true) {
                let text = format!("bmpd has one limit, this one: {}", words.shown());
                found.note(statement.line(), text);
            }
            if !is_before_policy {
                found.note(statement.line(), super::BEFORE_POLICY);
            }
            traits.limits.insert(name, MaximumRoutes { limit, action });
            return Ok(Fate::Taken);
        }
        let word = words.next().unwrap_or_default();
        Ok(Fate::PassedOver(format!("{word} in a channel")))
    });
    Ok(Fate::Taken)
}

fn neighbor(said: Said, line: usize, found: &mut Found) {
    let Said { mut traits, at, vrf } = said;
    // The AS of the first one is ours; what differs is noted when it is written.
    if let Some(asn) = traits.local_as
        && found.asn.is_none()
    {
        found.asn = Some(asn);
    }
    // GTSM from as many hops away.
    if let (Some(_), Some(hops)) = (traits.ttl_security, traits.multihop) {
        traits.ttl_security = Some(hops);
    }
    match at {
        Some(at) => found.add_neighbor(Neighbor { line, at, vrf, own_as: None, traits }),
        None => found.unsupported(line, "this neighbor has no address that bmpd could use"),
    }
}

fn station(block: &[Statement<'_>], name: Option<&str>, line: usize, found: &mut Found) {
    let mut at: Option<(String, u16)> = None;
    let mut is_shut = false;
    each(block, found, |_, words, _| {
        if words.take_all(&["station", "address"]) {
            words.take("ip");
            let host = words.value()?.to_owned();
            if !words.take("port") {
                return Err(words.not_understood());
            }
            at = Some((host, words.parsed()?));
        } else if words.take("disabled") {
            is_shut = words.switch()?;
        } else if words.take_all(&["monitoring", "rib"]) {
            let is_in_before = words.take_all(&["in", "pre_policy"]);
            let is_on = is_in_before && words.switch()?;
            if !is_on {
                let text =
                    format!("bmpd reports Adj-RIB-In before policy alone: {}", words.shown());
                return Err(Fate::Noted(text));
            }
        } else {
            return Err(words.not_used());
        }
        Ok(Fate::Taken)
    });
    match at {
        Some((host, port)) => found.add_station(Station {
            line,
            host,
            port,
            name: name.map(str::to_owned),
            vrf: None,
            is_shut,
            retry: None,
            statistics: None,
            source_interface: None,
            families: std::collections::BTreeMap::new(),
        }),
        None => found.unsupported(line, "this BMP protocol has no station"),
    }
}
