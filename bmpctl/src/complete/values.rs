//! What can be typed where a value stands: the names that bmpd has, and times.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Command;
use clap_complete::{ArgValueCompleter, CompletionCandidate};
use shared::names::{ALL, Alias, RouterId, Shown, VpnInstanceName};
use shared::response::{
    Directory, NeighborEntry, NeighborState, PublisherEntry, PublisherState, RouterEntry,
    RouterState, SessionEntry, SessionState,
};

use super::hosts;
use super::line::Line;
use crate::destination::HOST;
use crate::directory;

/// The timeout for bmpd's names. A key that is answered within 150 ms feels like one that is answered
/// at once; the rest is for the shell.
const TIMEOUT: Duration = Duration::from_millis(120);

/// How many sessions of an address its description lists.
const SHOWN_MAX: usize = 4;

/// Where candidates come from.
#[derive(Clone, Copy)]
enum Source {
    /// From the names that ssh knows.
    Hosts,
    /// From the names that bmpd has.
    Live(fn(&Directory, &Line) -> Vec<CompletionCandidate>),
    /// The keys of the configuration file.
    Keys,
    /// Examples.
    Times(&'static [&'static str]),
    /// Examples for an option that has a value only behind an equals sign.
    TimesBehindEquals(&'static [&'static str]),
}

fn source(id: &str) -> Option<Source> {
    Some(match id {
        HOST => Source::Hosts,
        "target" | "session" => Source::Live(targets),
        "alias" => Source::Live(aliases),
        "vpn_instance" => Source::Live(instances),
        "name" => Source::Live(every_instance),
        "router" => Source::Live(routers),
        "publisher" => Source::Live(publishers),
        "address" | "neighbor" => Source::Live(neighbors),
        "words" => Source::Live(manual),
        "key" => Source::Keys,
        "since" => Source::Times(&["10m", "1h", "24h"]),
        "stagger" => Source::Times(&["500ms", "2s", "10s", "1m"]),
        "timeout" => Source::Times(&["500ms", "5s", "15s", "1m"]),
        "wait" => Source::TimesBehindEquals(&["30s", "5m", "1h"]),
        "watch" => Source::TimesBehindEquals(&["500ms", "2s", "10s"]),
        _ => return None,
    })
}

/// Gives the options and words of a command line, and of all below it, what they can be. Names of another host are
/// not asked for here: `elsewhere` is set where one can stand.
pub(super) fn attach(command: Command, line: &Arc<Line>, elsewhere: &Arc<AtomicBool>) -> Command {
    let command = command.mut_args(|arg| {
        let id = arg.get_id().to_string();
        let Some(source) = source(&id) else { return arg };
        let line = Arc::clone(line);
        let elsewhere = Arc::clone(elsewhere);
        arg.add(ArgValueCompleter::new(move |typed: &OsStr| {
            let mut found = match source {
                Source::Hosts => hosts(&typed.to_string_lossy()),
                Source::Live(_) if line.has(HOST) => {
                    elsewhere.store(true, Ordering::Relaxed);
                    Vec::new()
                }
                Source::Live(candidates) => candidates(&ask(&line), &line),
                Source::Keys => keys(),
                Source::Times(times) => hints(times),
                Source::TimesBehindEquals(_) if !line.equals(&id) => Vec::new(),
                Source::TimesBehindEquals(times) => hints(times),
            };
            as_typed(&mut found, &typed.to_string_lossy());
            found
        }))
    });
    command.mut_subcommands(|inner| attach(inner, line, elsewhere))
}

fn ask(line: &Line) -> Directory {
    directory::ask(line.socket(), TIMEOUT).unwrap_or_default()
}

/// Spells the candidates as what is typed of them: shells compare letter by letter, while 2001:DB8::1 and
/// 2001:db8::1 are one address.
fn as_typed(found: &mut [CompletionCandidate], typed: &str) {
    for candidate in found {
        let Some(value) = candidate.get_value().to_str() else { continue };
        let begins = value.get(..typed.len()).is_some_and(|same| same.eq_ignore_ascii_case(typed));
        if begins && value.parse::<IpAddr>().is_ok() {
            let spelled = format!("{typed}{}", value.get(typed.len()..).unwrap_or_default());
            *candidate = CompletionCandidate::new(spelled).help(candidate.get_help().cloned());
        }
    }
}

fn candidate(value: impl Into<String>, description: impl Into<String>) -> CompletionCandidate {
    let description = description.into();
    let help = (!description.is_empty()).then(|| description.into());
    CompletionCandidate::new(value.into()).help(help)
}

/// The hosts, behind the user that was typed.
fn hosts(typed: &str) -> Vec<CompletionCandidate> {
    let user = typed.rfind('@').map_or("", |at| &typed[..=at]);
    hosts::known().iter().map(|host| candidate(format!("{user}{host}"), "")).collect()
}

fn hints(times: &[&str]) -> Vec<CompletionCandidate> {
    times.iter().map(|time| candidate(*time, "")).collect()
}

/// Every key and every table of the configuration file.
fn keys() -> Vec<CompletionCandidate> {
    let entries = shared::reference::entries().iter();
    entries.map(|entry| candidate(&entry.key, entry.summary())).collect()
}

/// What of the typed selection counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Typed {
    Address,
    Alias,
    Both,
}

/// The sessions that can be meant by what was typed.
fn sessions<'a>(
    directory: &'a Directory,
    line: &Line,
    typed: Typed,
) -> impl Iterator<Item = &'a SessionEntry> + use<'a> {
    let selection = line.selection();
    let address = selection.address().filter(|_| typed != Typed::Alias);
    let alias = selection.alias().filter(|_| typed != Typed::Address);
    directory.sessions.iter().filter(move |entry| {
        address.is_none_or(|address| entry.id.address.ip() == address)
            && (alias.is_none() || entry.id.alias == alias)
    })
}

fn targets(directory: &Directory, line: &Line) -> Vec<CompletionCandidate> {
    let mut found = addresses(directory, line);
    if line.selection().alias.is_none() {
        found.push(all(line));
    }
    found
}

fn all(line: &Line) -> CompletionCandidate {
    match line.selection().vpn_instance {
        Some(name) => {
            candidate("all", format!("every session of the VPN instance {}", Shown(name)))
        }
        None => candidate("all", "every session of every VPN instance"),
    }
}

/// The addresses of one instance, each once. Without an instance it is the public one, as it is for the
/// command.
fn addresses(directory: &Directory, line: &Line) -> Vec<CompletionCandidate> {
    let Some(instance) = line.selection().instance() else { return Vec::new() };
    let mut by_address: BTreeMap<IpAddr, Vec<&SessionEntry>> = BTreeMap::new();
    for entry in sessions(directory, line, Typed::Alias) {
        if entry.id.vpn_instance == instance {
            by_address.entry(entry.id.address.ip()).or_default().push(entry);
        }
    }
    let described = |(address, entries): (IpAddr, Vec<&SessionEntry>)| {
        candidate(address.to_string(), of_address(&entries))
    };
    by_address.into_iter().map(described).collect()
}

/// `Established; alias aa Idle`.
fn of_address(entries: &[&SessionEntry]) -> String {
    let shown = entries.iter().take(SHOWN_MAX).map(|entry| match &entry.id.alias {
        Some(alias) => {
            format!("alias {} {}", Shown(alias.as_str()), of_session(entry)).trim_end().to_owned()
        }
        None => of_session(entry),
    });
    let mut shown: Vec<String> = shown.filter(|text| !text.is_empty()).collect();
    if entries.len() > SHOWN_MAX {
        shown.push(format!("{} more", entries.len() - SHOWN_MAX));
    }
    shown.join("; ")
}

/// `Established: the collector in Bern`.
fn of_session(entry: &SessionEntry) -> String {
    let state = entry.state.map(SessionState::name).unwrap_or_default();
    with_description(state, entry.description.as_deref())
}

fn with_description(state: &str, description: Option<&str>) -> String {
    match description {
        Some(description) if state.is_empty() => description.to_owned(),
        Some(description) => format!("{state}: {description}"),
        None => state.to_owned(),
    }
}

/// The aliases of the address that is typed, or all of the instance.
fn aliases(directory: &Directory, line: &Line) -> Vec<CompletionCandidate> {
    let Some(instance) = line.selection().instance() else { return Vec::new() };
    let address = line.selection().address();
    let mut by_alias: BTreeMap<Alias, Vec<&SessionEntry>> = BTreeMap::new();
    for entry in sessions(directory, line, Typed::Address) {
        if let Some(alias) = entry.id.alias.clone().filter(|_| entry.id.vpn_instance == instance) {
            by_alias.entry(alias).or_default().push(entry);
        }
    }
    let described = |(alias, entries): (Alias, Vec<&SessionEntry>)| {
        let of = |entry: &&SessionEntry| match address {
            Some(_) => of_session(entry),
            None => format!("{} {}", entry.id.address, of_session(entry)),
        };
        let mut shown: Vec<String> = entries.iter().take(SHOWN_MAX).map(of).collect();
        if entries.len() > SHOWN_MAX {
            shown.push(format!("{} more", entries.len() - SHOWN_MAX));
        }
        candidate(alias.as_str(), shown.join("; "))
    };
    by_alias.into_iter().map(described).collect()
}

/// The VPN instances that have what else was typed; for neighbors all there are.
fn instances(directory: &Directory, line: &Line) -> Vec<CompletionCandidate> {
    if line.path() == ["show", "neighbor"] || line.has("neighbor") {
        return every_instance(directory, line);
    }
    let mut counts: BTreeMap<&VpnInstanceName, usize> = BTreeMap::new();
    for entry in sessions(directory, line, Typed::Both) {
        if let Some(name) = &entry.id.vpn_instance {
            *counts.entry(name).or_default() += 1;
        }
    }
    let described = |(name, count): (&VpnInstanceName, usize)| match count {
        1 => candidate(name.as_str(), "1 session"),
        count => candidate(name.as_str(), format!("{count} sessions")),
    };
    counts.into_iter().map(described).collect()
}

fn every_instance(directory: &Directory, _: &Line) -> Vec<CompletionCandidate> {
    let described = |name: &VpnInstanceName| {
        let of = directory.sessions.iter();
        let sessions = of.filter(|entry| entry.id.vpn_instance.as_ref() == Some(name)).count();
        let of = directory.neighbors.iter();
        let neighbors = of.filter(|entry| entry.id.vpn_instance.as_ref() == Some(name)).count();
        candidate(name.as_str(), format!("sessions: {sessions}, neighbors: {neighbors}"))
    };
    directory.vpn_instances.iter().map(described).collect()
}

/// The routers; bmpd itself cannot be reset.
fn routers(directory: &Directory, line: &Line) -> Vec<CompletionCandidate> {
    let is_reset = line.path() == ["reset", "router"];
    let described = |entry: &RouterEntry| {
        let is_local = entry.id == RouterId::Local;
        let state = entry.state.map(RouterState::name).unwrap_or_default();
        let description = entry.description.as_deref().or(is_local.then_some("bmpd itself"));
        (!is_local || !is_reset)
            .then(|| candidate(entry.id.to_string(), with_description(state, description)))
    };
    let all = is_reset.then(|| candidate(ALL, "every router"));
    directory.routers.iter().filter_map(described).chain(all).collect()
}

/// The publishers, and all of them for a reset.
fn publishers(directory: &Directory, line: &Line) -> Vec<CompletionCandidate> {
    let described = |entry: &PublisherEntry| {
        let state = entry.state.map(PublisherState::name).unwrap_or_default();
        let description = with_description(state, entry.description.as_deref());
        candidate(entry.id.as_str(), description)
    };
    let is_reset = line.path() == ["reset", "publisher"];
    let all = is_reset.then(|| candidate(ALL, "every publisher"));
    directory.publishers.iter().map(described).chain(all).collect()
}

/// The neighbors of the instance that is typed, or of all, each address once.
fn neighbors(directory: &Directory, line: &Line) -> Vec<CompletionCandidate> {
    let Some(instance) = line.selection().instance() else { return Vec::new() };
    let mut by_address: BTreeMap<IpAddr, Vec<&NeighborEntry>> = BTreeMap::new();
    for entry in &directory.neighbors {
        if instance.is_none() || entry.id.vpn_instance == instance {
            by_address.entry(entry.id.address).or_default().push(entry);
        }
    }
    let of = |entry: &&NeighborEntry| {
        let state = entry.state.map(NeighborState::name).unwrap_or_default();
        let text = with_description(state, entry.description.as_deref());
        match &entry.id.vpn_instance {
            Some(name) if instance.is_none() => {
                format!("vpn-instance {} {text}", Shown(name.as_str()))
            }
            _ => text,
        }
    };
    let described = |(address, entries): (IpAddr, Vec<&NeighborEntry>)| {
        let shown: Vec<String> = entries.iter().take(SHOWN_MAX).map(of).collect();
        candidate(address.to_string(), shown.join("; "))
    };
    by_address.into_iter().map(described).collect()
}

/// The words of the manual's grammar, one behind the other.
fn manual(directory: &Directory, line: &Line) -> Vec<CompletionCandidate> {
    let display = line.path().first() == Some(&"display");
    let verbose = || display.then(|| candidate("verbose", "every detail"));
    let selection = line.selection();
    let words = line.words();
    let (last, has) =
        (words.last().map(String::as_str), |word: &str| words.iter().any(|w| w == word));
    match (last, selection.target, selection.alias) {
        // A name follows, also if there is one of that spelling.
        (Some("vpn-instance"), None, _) if selection.vpn_instance.is_none() => {
            instances(directory, line)
        }
        (Some("alias"), Some(_), None) => aliases(directory, line),
        (_, None, _) if has("verbose") => Vec::new(),
        (_, None, _) => {
            let mut found = Vec::new();
            if selection.vpn_instance.is_none() && !instances(directory, line).is_empty() {
                found.push(candidate("vpn-instance", "sessions of a VPN instance"));
            }
            found.extend(addresses(directory, line));
            found.extend((!display).then(|| all(line)));
            found.extend(verbose());
            found
        }
        (Some("verbose"), Some(_), _) => Vec::new(),
        (_, Some("all"), _) => verbose().into_iter().collect(),
        (_, Some(_), None) => {
            let has_aliases = !aliases(directory, line).is_empty();
            let alias = has_aliases.then(|| candidate("alias", "one of several sessions"));
            alias.into_iter().chain(verbose()).collect()
        }
        (_, Some(_), Some(_)) => verbose().into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &str) -> Line {
        let mut command = crate::cli::command();
        command.build();
        Line::read(&command, &words.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    fn shown(candidates: &[CompletionCandidate]) -> Vec<String> {
        let shown = |candidate: &CompletionCandidate| {
            let help = candidate.get_help().map(ToString::to_string);
            let value = candidate.get_value().to_string_lossy();
            format!("{value}: {}", help.unwrap_or_default())
        };
        candidates.iter().map(shown).collect()
    }

    #[test]
    fn publishers_are_described_by_their_states_and_all_is_for_a_reset() {
        let entry = |name: &str, state, description: Option<&str>| PublisherEntry {
            id: name.parse().unwrap(),
            state,
            description: description.map(str::to_owned),
        };
        let publishers_there = vec![
            entry("lake", Some(PublisherState::Stalled), Some("in Bern")),
            entry("lab 2", None, None),
        ];
        let directory = Directory { publishers: publishers_there, ..Directory::default() };
        let found = |words: &str| shown(&publishers(&directory, &line(words)));
        let [lake, lab] = ["lake: Stalled: in Bern", "lab 2: "];
        assert_eq!(found("show publisher"), [lake, lab]);
        assert_eq!(found("reset publisher"), [lake, lab, "all: every publisher"]);
    }

    #[test]
    fn routers_are_described_by_their_states_and_bmpd_itself_is_not_for_a_reset() {
        let entry = |name: &str, state, description: Option<&str>| RouterEntry {
            id: name.parse().unwrap(),
            state,
            description: description.map(str::to_owned),
        };
        let directory = Directory {
            routers: vec![
                entry("local", Some(RouterState::Established), None),
                entry("edge1", Some(RouterState::Held), Some("in Bern")),
                entry("edge 2", None, None),
            ],
            ..Directory::default()
        };
        let found = |words: &str| shown(&routers(&directory, &line(words)));
        let [local, edge1, edge2] =
            ["local: Established: bmpd itself", "edge1: Held: in Bern", "edge 2: "];
        for all in ["show router", "reset session all --router", "reset publisher all --router"] {
            assert_eq!(found(all), [local, edge1, edge2], "{all}");
        }
        assert_eq!(found("reset router"), [edge1, edge2, "all: every router"]);
    }
}
