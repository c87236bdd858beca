//! Tips for a word that is no address, and for one too many.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use shared::names::{SessionId, Shown};

use super::Mistake;
use crate::cli::spelling::WITH_OPTIONAL_TIME;
use crate::suggest;

impl Mistake<'_> {
    /// What a word was probably meant to be that is none of the command's, or one too many.
    pub(super) fn tip_of_word(&self, word: &str) -> Option<String> {
        if let Some(tip) = self.tip_of_files() {
            return Some(tip);
        }
        if self.path() == ["reload"] {
            return Some(
                "bmpd reads the file that it was started with: change that one, or start bmpd with another \
                 (`bmpd --config FILE`)"
                    .to_owned(),
            );
        }
        if let Some(tip) = self.tip_of_time(word).or_else(|| self.tip_of_name(word)) {
            return Some(tip);
        }
        if self.here().get_positionals().next().is_none() {
            return Some(format!("`bmpctl {}` takes options only", self.path().join(" ")));
        }
        self.tip_of_target(word)
    }

    /// `*`, or what a shell has made of it.
    fn tip_of_files(&self) -> Option<String> {
        const ALL: &str =
            "`all` means all of them; a shell puts the names of files in the place of `*`";
        let words = self.line.words();
        let is_typed = |word: &String| word == "all" || word.parse::<IpAddr>().is_ok();
        let are_files = words.len() > 1
            && words
                .iter()
                .all(|word| !word.contains('/') && Path::new(word).symlink_metadata().is_ok());
        (are_files && !words.iter().any(is_typed) || words.iter().any(|word| word == "*"))
            .then(|| ALL.to_owned())
    }

    /// What stands where the time of an option can, and is none.
    fn tip_of_time(&self, typed: &str) -> Option<String> {
        let before = self.arguments.windows(2).find(|pair| pair[1] == typed)?[0].to_str()?;
        let is_time = WITH_OPTIONAL_TIME.contains(&before)
            && typed.starts_with(|c: char| c.is_ascii_digit())
            && address_in(typed).is_none();
        is_time.then(|| format!("a time behind {before} is written like 500ms, 2s, 1m30s or 1h"))
    }

    /// A word of the manual's grammar among those of the other, an alias without its option, or the rest of a name
    /// with spaces.
    fn tip_of_name(&self, stray: &str) -> Option<String> {
        let has = |word: &str| self.arguments.iter().any(|argument| argument == word);
        let spaced = self.arguments.windows(3).find_map(|words| {
            match [words[0].to_str()?, words[1].to_str()?, words[2].to_str()?] {
                [option @ ("--alias" | "--vpn-instance" | "--router" | "router" | "publisher"), first, rest]
                    if rest == stray =>
                {
                    Some(format!(
                        "a name with spaces needs quotation marks; did you mean {option} \"{first} {rest}\"?"
                    ))
                }
                _ => None,
            }
        });
        if spaced.is_some() {
            return spaced;
        }
        let words = self.line.words();
        let at = words.iter().position(|word| word == stray)?;
        let before = at.checked_sub(1).and_then(|at| words.get(at));
        match stray {
            "alias" | "vpn-instance" => {
                return Some(match words.get(at + 1) {
                    Some(name) => format!("did you mean --{stray} {}?", Shown(name)),
                    None => format!("did you mean --{stray}?"),
                });
            }
            "verbose" => return Some("did you mean --verbose?".to_owned()),
            // bmpctl prints the name of a leg so.
            "router" if has("reset") && has("session") => {
                return Some("did you mean --router?".to_owned());
            }
            "all" => return Some("`all` stands alone: it means all of them".to_owned()),
            _ => {}
        }
        // What stands behind an address is its alias on a router.
        let is_alias = before.is_some_and(|before| before.parse::<IpAddr>().is_ok())
            && address_in(stray).is_none()
            && self.path().last() != Some(&"neighbor");
        is_alias.then(|| format!("did you mean --alias {}?", Shown(stray)))
    }

    /// What was meant by a word in the place of an address.
    pub(super) fn tip_of_target(&self, typed: &str) -> Option<String> {
        let of_neighbors = match self.path().as_slice() {
            ["show", "neighbor"] => true,
            [.., "session" | "statistics"] => false,
            _ => return None,
        };
        // The error already describes what is wrong with it.
        if typed.eq_ignore_ascii_case("all") || typed.parse::<IpAddr>().is_ok() {
            return None;
        }
        if typed == "*" {
            return self.tip_of_files();
        }
        if let Some(address) = address_in(typed) {
            return Some(format!("did you mean {address}?"));
        }
        if !typed.contains(char::is_alphanumeric) {
            return Some(format!("nothing like {typed:?} belongs to a command"));
        }
        let what = if of_neighbors { "neighbor" } else { "session" };
        self.tip_of_bmpds_name(typed, of_neighbors)
            .or_else(|| self.tip_of_nearest(typed, of_neighbors))
            .or_else(|| Some(format!("`bmpctl show {what}` lists the addresses")))
    }

    /// What bmpd has by the name that was typed: an alias, a VPN instance, a router, a publisher.
    fn tip_of_bmpds_name(&self, typed: &str, of_neighbors: bool) -> Option<String> {
        let is_typed = |name: &str| name.eq_ignore_ascii_case(typed);
        let directory = self.directory();
        let path = self.path();
        let is_manual = path.contains(&"bmp");
        let is_reset = path.first() == Some(&"reset");
        let [alias, vpn_instance] =
            if is_manual { ["alias", "vpn-instance"] } else { ["--alias", "--vpn-instance"] };
        let selection = self.line.selection();
        let of_alias = |id: &SessionId| {
            let name = id.alias.as_ref()?.as_str();
            if !is_typed(name) {
                return None;
            }
            let address = id.address.to_string();
            let instance = id.vpn_instance.as_ref().filter(|_| selection.vpn_instance.is_none());
            let mut words: Vec<&str> = Vec::new();
            words.extend(instance.iter().flat_map(|name| [vpn_instance, name.as_str()]));
            words.extend([address.as_str(), alias, name]);
            Some(self.with(typed, &words))
        };
        if !of_neighbors && selection.alias.is_none() {
            let sessions = directory.sessions.iter().map(|entry| &entry.id);
            let found: Vec<String> = sessions.filter_map(of_alias).collect();
            if !found.is_empty() {
                let tip = suggest::question(&found);
                let tip = tip.unwrap_or_else(|| {
                    "name the address as well, see bmpctl show session".to_owned()
                });
                return Some(format!("{} is an alias: {tip}", Shown(typed)));
            }
        }
        if selection.vpn_instance.is_none()
            && let Some(name) = directory.vpn_instances.iter().find(|name| is_typed(name.as_str()))
        {
            let all = is_reset.then_some("all");
            let words: Vec<&str> = [vpn_instance, name.as_str()].into_iter().chain(all).collect();
            let line = self.with(typed, &words);
            return Some(format!("{} is a VPN instance: did you mean {line}?", Shown(typed)));
        }
        let router =
            directory.routers.iter().map(|entry| entry.id.to_string()).find(|name| is_typed(name));
        if let Some(name) = router {
            let name = Shown(&name);
            let line = match is_reset {
                true => format!(
                    "bmpctl reset router {name} or bmpctl reset session all --router {name}"
                ),
                false => format!("bmpctl show router {name}"),
            };
            return Some(format!("{name} is a router: did you mean {line}?"));
        }
        let publisher =
            directory.publishers.iter().map(|entry| entry.id.as_str()).find(|name| is_typed(name));
        publisher.map(|name| {
            let (verb, name) = (if is_reset { "reset" } else { "show" }, Shown(name));
            format!("{name} is a publisher: did you mean bmpctl {verb} publisher {name}?")
        })
    }

    /// The address of a session or neighbor that is nearest.
    fn tip_of_nearest(&self, typed: &str, of_neighbors: bool) -> Option<String> {
        let directory = self.directory();
        let instance = self.line.selection().instance()?;
        let mut there: Vec<String> = Vec::new();
        if of_neighbors {
            let neighbors = directory.neighbors.iter().map(|entry| &entry.id);
            let meant = neighbors.filter(|id| instance.is_none() || id.vpn_instance == instance);
            there.extend(meant.map(|id| id.address.to_string()));
        } else {
            there.push("all".to_owned());
            let sessions = directory.sessions.iter().map(|entry| &entry.id);
            let meant = sessions.filter(|id| id.vpn_instance == instance);
            there.extend(meant.map(|id| id.address.to_string()));
        }
        suggest::word(typed, &there)
    }

    /// The names that an option can have whose name is missing.
    pub(super) fn tip_of_missing_name(&self, option: &str) -> Option<String> {
        /// How many are listed.
        const LISTED: usize = 5;
        let option = option.split_whitespace().next()?;
        let directory = self.directory();
        let selection = self.line.selection();
        let names: BTreeSet<String> = match option {
            "--alias" => {
                let sessions = directory.sessions.iter().map(|entry| &entry.id);
                let meant = sessions.filter(|id| {
                    selection.address().is_none_or(|address| id.address.ip() == address)
                });
                meant
                    .filter_map(|id| {
                        id.alias.as_ref().map(|alias| Shown(alias.as_str()).to_string())
                    })
                    .collect()
            }
            "--vpn-instance" => directory
                .vpn_instances
                .iter()
                .map(|name| Shown(name.as_str()).to_string())
                .collect(),
            "--router" => directory
                .routers
                .iter()
                .map(|entry| Shown(&entry.id.to_string()).to_string())
                .collect(),
            _ => return None,
        };
        let shown: Vec<String> =
            names.into_iter().take(LISTED).map(|name| format!("{option} {name}")).collect();
        (!shown.is_empty()).then(|| format!("there are: {}", shown.join(", ")))
    }
}

/// The address in a word that is more than an address: with a prefix length, a port, brackets or punctuation.
fn address_in(typed: &str) -> Option<IpAddr> {
    if let Ok(socket) = typed.parse::<SocketAddr>() {
        return Some(socket.ip());
    }
    let typed = typed.trim_matches(|c: char| "[](){}<>;,.'\"".contains(c));
    let typed = typed.split_once('/').map_or(typed, |(address, _)| address);
    typed.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_what_other_programs_print() {
        for (typed, address) in [
            ("10.1.1.1/32", Some("10.1.1.1")),
            ("10.1.1.1:11019", Some("10.1.1.1")),
            ("[2001:db8::1]:11019", Some("2001:db8::1")),
            ("[::1]", Some("::1")),
            ("2001:db8::1/128", Some("2001:db8::1")),
            ("10.1.1.1;", Some("10.1.1.1")),
            ("<10.1.1.1>,", Some("10.1.1.1")),
            ("10.1.1", None),
            (";", None),
            ("collector1", None),
        ] {
            let expected = address.map(|address| address.parse().unwrap());
            assert_eq!(address_in(typed), expected, "{typed}");
        }
    }
}
