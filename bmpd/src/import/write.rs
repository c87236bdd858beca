//! What was found, as a configuration of ours.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::path::Path;

use toml::Value;

use super::{At, Found, ImportError, Neighbor, Note, RemoteAs, Station, Traits, WRITTEN_MAX};
use crate::config::{self, MaximumRoutes, MaximumRoutesAction};

const HEAD: &str = "\
# Made by bmpd --import; look through it before it is used.
# - Each router must have this host as a BGP neighbor, too: bmpd receives routes from it directly.
# - Passwords are in it: keep it at mode 0640, of root and the group of bmpd, or move them into files of their own
#   (md5.key-file).
";

/// How many lines, or ranges of lines, of one kind are listed.
const LISTED_MAX: usize = 12;

/// Text that cannot end the comment that it stands in.
fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Text as TOML has it.
fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

/// A table that is being written, and what has to be checked by hand.
#[derive(Default)]
struct Draft {
    text: String,
    notes: Vec<Note>,
    /// Why it is a comment though our configuration would take it.
    off: Option<&'static str>,
    /// True if its `remote-as` is only a placeholder.
    lacks_as: bool,
}

impl Draft {
    fn line(&mut self, key: &str, value: Option<String>) {
        if let Some(value) = value {
            // Writing into memory does not fail.
            let _ = writeln!(self.text, "{key} = {value}");
        }
    }

    fn note(&mut self, line: usize, text: String) {
        self.notes.push(Note { line, text });
    }
}

/// Writes all of it.
///
/// # Errors
///
/// It would be longer than what bmpd reads.
pub(super) fn write(found: &Found) -> Result<String, ImportError> {
    let mut notes = found.notes.clone();
    let mut missing = |text: &str| notes.push(Note { line: 0, text: text.to_owned() });
    let asn = found.asn.unwrap_or_else(|| {
        missing("our own AS was not found: put it into [bgp]");
        65_000
    });
    let router_id = found.router_id.clone().filter(|id| id.parse::<std::net::Ipv4Addr>().is_ok());
    let router_id = router_id.unwrap_or_else(|| {
        missing("our router ID was not found: put it into [bgp]");
        "192.0.2.1".to_owned()
    });
    let mut head = format!("[bgp]\nas = {asn}\nrouter-id = {}\n", quoted(&router_id));
    if let Some(places) = &found.listen {
        let places: Vec<String> = places.iter().map(|place| quoted(place)).collect();
        let with_places = format!("{head}listen = [{}]\n", places.join(", "));
        match is_good(&with_places) {
            true => head = with_places,
            false => missing("where it listens is nothing that [bgp] listen can have"),
        }
    }
    // What a table of this instance needs in front of it: nothing of the others, so that the time of a check does not
    // depend on how many there are.
    let mut instances: BTreeMap<&str, Option<String>> = BTreeMap::new();
    let vrfs =
        found.neighbors.iter().map(|one| &one.vrf).chain(found.stations.iter().map(|s| &s.vrf));
    for name in vrfs.flatten() {
        instances.entry(name).or_insert_with(|| {
            let (name, device) = (quoted(name), quoted(name));
            let table = format!("[[vpn-instance]]\nname = {name}\ndevice = {device}\n\n");
            is_good(&table).then_some(table)
        });
    }
    let instance = |vrf: &Option<String>| {
        vrf.as_deref().and_then(|name| instances.get(name)?.as_deref()).unwrap_or_default()
    };

    let (mut stations, mut ids) = (String::new(), Ids::default());
    for one in &found.stations {
        let draft = station(one, &mut ids);
        stations += &checked(&draft, instance(&one.vrf), one.line).0;
        notes.extend(draft.notes);
        within_limit(&stations)?;
    }
    let (mut neighbors, mut written) = (String::new(), HashSet::new());
    for one in &found.neighbors {
        let id = (&one.at, &one.vrf);
        if written.contains(&id) {
            let text = "the same neighbor once more, left out".to_owned();
            notes.push(Note { line: one.line, text });
            continue;
        }
        let draft = neighbor(one, asn);
        let before = format!("{}{head}\n", instance(&one.vrf));
        let (text, is_good) = checked(&draft, &before, one.line);
        neighbors += &text;
        if is_good {
            written.insert(id);
        }
        notes.extend(draft.notes);
        within_limit(&neighbors)?;
    }

    let mut text = HEAD.to_owned();
    notes.sort();
    notes.dedup();
    if !notes.is_empty() {
        text += "#\n# To be looked at, by line of the file that was read:\n";
        for Note { line, text: note } in &notes {
            let place = if *line == 0 { "-".to_owned() } else { line.to_string() };
            let _ = writeln!(text, "# {place:>5}  {}", comment(note));
        }
        within_limit(&text)?;
    }
    if !found.passed_over.is_empty() {
        text += "#\n# Not taken over, as bmpd has nothing of the kind, with the lines:\n";
        for (name, lines) in &found.passed_over {
            let _ = writeln!(text, "#   {}: {}", comment(name), ranges(lines));
            within_limit(&text)?;
        }
    }
    if found.stations.is_empty() {
        text += "#\n# There was no BMP station: add a [[session]].\n";
    }
    let known: String = instances.values().flatten().map(String::as_str).collect();
    for part in [known, stations, format!("{head}\n"), neighbors] {
        if !part.trim().is_empty() {
            let _ = write!(text, "\n{}\n", part.trim_end());
            within_limit(&text)?;
        }
    }
    Ok(text)
}

fn within_limit(text: &str) -> Result<(), ImportError> {
    if text.len() > WRITTEN_MAX { Err(ImportError::TooMuch) } else { Ok(()) }
}

fn is_good(text: &str) -> bool {
    check(text).is_ok()
}

fn check(text: &str) -> Result<config::Config, config::ConfigError> {
    #[cfg(test)]
    tests::CHECKED.with(|checked| checked.set(checked.get() + text.len()));
    config::parse(text, Path::new("import"))
}

/// Lines as `3-5, 9`.
fn ranges(lines: &[usize]) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    let mut left_out = 0;
    for line in lines {
        let full = ranges.len() == LISTED_MAX;
        match ranges.last_mut() {
            Some((_, last)) if (*last..=*last + 1).contains(line) => *last = *line,
            _ if full => left_out += 1,
            _ => ranges.push((*line, *line)),
        }
    }
    let shown = ranges.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    match left_out {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// A table as it is, or as a comment with the reason why our configuration does not take it or it is off; and whether
/// it is as it is.
fn checked(draft: &Draft, before: &str, line: usize) -> (String, bool) {
    let table = &draft.text;
    let refused = check(&format!("{before}\n{table}")).err();
    let reason = match (refused, draft.off) {
        (None, None) => return (format!("# line {line}\n{table}\n"), true),
        (None, Some(reason)) => reason.to_owned(),
        (Some(error), off) => {
            let error = error.to_string();
            // Its place refers to a text that is not shown.
            let error = error.lines().next().unwrap_or_default();
            let error = error.split_once(": ").map_or(error, |(_, rest)| rest);
            let off = off.map(|off| format!("{off}, and ")).unwrap_or_default();
            format!("{off}which bmpd cannot take: {}", comment(error))
        }
    };
    let mut text = format!("# line {line}, {reason}\n");
    for row in table.lines() {
        let row = match draft.lacks_as && row.starts_with("remote-as = ") {
            true => "remote-as = NUMBER",
            false => row,
        };
        let _ = writeln!(text, "# {}", comment(row));
    }
    (text + "\n", false)
}

/// What distinguishes sessions with the same station.
#[derive(Default)]
struct Ids {
    taken: HashSet<(String, Option<String>, Option<String>)>,
    /// How often an alias was wanted: no number is tried twice.
    wanted: HashMap<(String, Option<String>, String), u64>,
}

impl Ids {
    /// The alias of a session, if it needs one.
    fn alias(&mut self, one: &Station, host: &str) -> Option<String> {
        let (host, vrf) = (host.to_owned(), one.vrf.clone());
        if self.taken.insert((host.clone(), vrf.clone(), None)) {
            return None;
        }
        let wanted = one.name.clone().unwrap_or_else(|| one.port.to_string());
        let times = self.wanted.entry((host.clone(), vrf.clone(), wanted.clone())).or_insert(0);
        loop {
            *times += 1;
            let alias = match *times {
                1 => wanted.clone(),
                times => format!("{wanted}-{times}"),
            };
            if self.taken.insert((host.clone(), vrf.clone(), Some(alias.clone()))) {
                return Some(alias);
            }
        }
    }
}

/// A time in milliseconds as whole seconds in a range, with a note if that is another time.
fn seconds(draft: &mut Draft, line: usize, key: &str, millis: u64, range: (u64, u64)) -> u64 {
    let seconds = millis.div_ceil(1000).clamp(range.0, range.1);
    if seconds * 1000 != millis {
        let (least, most) = range;
        let text = format!(
            "{key} is {seconds} s here, {millis} ms there: whole seconds from {least} to {most} are allowed"
        );
        draft.note(line, text);
    }
    seconds
}

/// A session.
fn station(one: &Station, ids: &mut Ids) -> Draft {
    let Station {
        line,
        host,
        port,
        name: _,
        vrf,
        is_shut,
        retry,
        statistics,
        source_interface,
        families,
    } = one;
    let mut draft = Draft { text: "[[session]]\n".to_owned(), ..Draft::default() };
    let address = host.parse::<std::net::IpAddr>();
    let host = address.as_ref().map_or_else(|_| host.clone(), ToString::to_string);
    if address.is_err() {
        draft.note(*line, format!("bmpd looks up no host names: which address has {host}?"));
    }
    draft.line("address", Some(quoted(&host)));
    let alias = ids.alias(one, &host);
    draft.line("alias", alias.as_deref().map(quoted));
    draft.line("vpn-instance", vrf.as_deref().map(quoted));
    draft.line("tcp.connect-port", Some(port.to_string()));
    draft.line("tcp.source-interface", source_interface.as_deref().map(quoted));
    if let Some((initial, maximum)) = retry {
        let initial = seconds(&mut draft, *line, "retry.initial", *initial, (1, 86_400));
        let maximum = seconds(&mut draft, *line, "retry.maximum", *maximum, (initial, 86_400));
        draft.line("retry.initial", Some(initial.to_string()));
        draft.line("retry.maximum", Some(maximum.to_string()));
    }
    if let Some(millis) = statistics {
        let timer = seconds(&mut draft, *line, "statistics-timer", *millis, (15, 65_535));
        draft.line("statistics-timer", Some(timer.to_string()));
    }
    draft.line("shutdown", is_shut.then(|| true.to_string()));
    draft.line("monitor.families", list(families));
    if *is_shut {
        draft.note(*line, "this station is disabled there, and shut down here".to_owned());
    }
    draft
}

/// The names that are wanted, if there are any.
fn list(names: &BTreeMap<&'static str, bool>) -> Option<String> {
    let names: Vec<String> =
        names.iter().filter(|(_, wanted)| **wanted).map(|(name, _)| quoted(name)).collect();
    (!names.is_empty()).then(|| format!("[{}]", names.join(", ")))
}

fn neighbor(one: &Neighbor, asn: u32) -> Draft {
    let Neighbor { line: number, at, vrf, own_as, traits } = one;
    let Traits {
        is_shut,
        remote_as,
        local_as,
        password,
        port,
        hold_time,
        passive,
        multihop,
        ttl_security,
        source,
        description,
        families,
        add_path,
        limits: _,
    } = traits;
    let mut draft = Draft { text: "[[bgp.neighbor]]\n".to_owned(), ..Draft::default() };
    match at {
        At::Address(address) => draft.line("address", Some(quoted(&address.to_string()))),
        At::Prefix(network, length) => {
            draft.line("prefix", Some(quoted(&format!("{network}/{length}"))));
        }
    }
    let is_one = matches!(at, At::Address(_));
    if *is_shut == Some(true) {
        draft.off = Some("which is shut down there");
        draft.note(*number, "this neighbor is shut down there, and a comment here".to_owned());
    }
    if let Some(local_as) = local_as.filter(|local_as| *local_as != asn) {
        let text = format!(
            "our AS is {local_as} towards this neighbor there, and bmpd has one for all: its OPEN has {asn}"
        );
        draft.note(*number, text);
    }
    draft.line("vpn-instance", vrf.as_deref().map(quoted));
    let number_of = |asn: u32| Some(asn.to_string());
    match (remote_as, is_one) {
        (Some(RemoteAs::Number(number)), _) => draft.line("remote-as", number_of(*number)),
        (Some(RemoteAs::Internal), _) => {
            draft.line("remote-as", number_of(local_as.or(*own_as).unwrap_or(asn)));
        }
        (Some(how @ (RemoteAs::External | RemoteAs::Auto)), true) => {
            let how = if *how == RemoteAs::External { "external" } else { "auto" };
            draft.off = draft.off.or(Some("which needs the number of its AS as remote-as"));
            let text = format!("remote-as is {how} there: bmpd needs the number of its AS");
            draft.note(*number, text);
            // The check of its other keys needs one.
            draft.lacks_as = true;
            draft.line("remote-as", number_of(if asn == 65_535 { 65_534 } else { 65_535 }));
        }
        (Some(RemoteAs::External), false) => {
            let text = "remote-as is external there: bmpd takes any AS, ours too".to_owned();
            draft.note(*number, text);
        }
        (None, true) => {
            draft.note(*number, "this neighbor has no remote-as there".to_owned());
        }
        (Some(RemoteAs::Auto) | None, false) => {}
    }
    draft.line("description", description.as_deref().map(quoted));
    match port {
        Some(port) if is_one => {
            draft
                .line("port", Some(*port).filter(|port| *port != 179).map(|port| port.to_string()));
        }
        Some(port) => {
            draft.note(*number, format!("those of a prefix connect to us: not used: port {port}"));
        }
        None => {}
    }
    // Those of a prefix are passive anyway.
    draft.line("passive", passive.filter(|passive| is_one && *passive).map(|on| on.to_string()));
    draft.line("hold-time", hold_time.map(|seconds| seconds.to_string()));
    draft.line("md5.key", password.as_deref().map(quoted));
    draft.line("source-address", source.as_deref().map(quoted));
    match (ttl_security, multihop) {
        (Some(hops), multihop) => {
            draft.line("ttl-security", Some(hops.to_string()));
            if let Some(multihop) = multihop.filter(|multihop| multihop != hops) {
                let text = format!("ttl-security stands for both: not used: multihop {multihop}");
                draft.note(*number, text);
            }
        }
        (None, hops) => draft.line("multihop", hops.map(|hops| hops.to_string())),
    }
    let (limit, said) = traits.maximum_routes();
    if let Some(text) = said {
        draft.note(*number, text);
    }
    if let Some(MaximumRoutes { limit, action }) = limit {
        draft.line("maximum-routes.limit", Some(limit.to_string()));
        let (action, after) = match action {
            MaximumRoutesAction::Warn => ("warn", None),
            MaximumRoutesAction::Restart(after) => ("restart", Some(after.as_secs().to_string())),
            MaximumRoutesAction::Shutdown => ("shutdown", None),
        };
        draft.line("maximum-routes.action", Some(quoted(action)));
        draft.line("maximum-routes.restart-after", after);
    }
    draft.line("families", list(families));
    let is_wanted = |name: &&'static str| families.get(name).copied().unwrap_or(false);
    let add_path = add_path.iter().filter(|(name, _)| is_wanted(name));
    draft.line("add-path", list(&add_path.map(|(name, wanted)| (*name, *wanted)).collect()));
    draft
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::super::{Dialect, import};
    use super::*;

    thread_local! {
        /// How many bytes the check of the configuration was given.
        pub(super) static CHECKED: Cell<usize> = const { Cell::new(0) };
    }

    /// What a file of so many VRFs, each with a neighbor, gives the check to do.
    fn work(vrfs: usize) -> usize {
        let router = |n| format!("router bgp 1 vrf v{n}\n neighbor 192.0.2.1 remote-as 2\n");
        let text: String = (0..vrfs).map(router).collect();
        CHECKED.set(0);
        import(Dialect::Frr, text.as_bytes()).unwrap();
        CHECKED.get()
    }

    #[test]
    fn the_work_of_the_check_grows_as_the_number_of_vrfs_does() {
        let (few, many) = (work(50), work(200));
        assert!(many < few * 5, "{few} bytes for 50, {many} for 200");
    }

    #[test]
    fn lines_in_a_row_are_a_range_and_a_long_list_is_cut() {
        assert_eq!(ranges(&[3, 4, 4, 5, 9]), "3-5, 9");
        let far: Vec<usize> = (0..20).map(|n| n * 2).collect();
        assert!(ranges(&far).ends_with("20, 22 and 8 more"), "{}", ranges(&far));
    }
}
