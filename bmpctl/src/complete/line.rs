//! What is in the words before the cursor, however incomplete the command line is.

use std::ffi::{OsStr, OsString};
use std::net::IpAddr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use clap::{Arg, Command};
use shared::names::{Alias, VpnInstanceName};

/// The words before the cursor, sorted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Line {
    /// The verb and what follows it, such as `reset`, `session`.
    path: Vec<String>,
    /// Options by their ids, with their values.
    options: Vec<Typed>,
    /// Words that are neither verbs nor options.
    words: Vec<String>,
    /// The option that the next word is the value of, and where it stands.
    open: Option<(String, Place)>,
    /// True if all words from here on are the manual's.
    manual: bool,
    /// The word at the cursor.
    current: String,
}

/// An option that was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Typed {
    id: String,
    value: String,
    place: Place,
}

/// Where an option stands: the words from `first` to `last`. Of the first one, `kept` characters belong to other
/// options (the `-q` of `-qH edge1`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Place {
    first: usize,
    kept: usize,
    last: usize,
}

fn takes_next(arg: &Arg) -> bool {
    arg.get_num_args().is_some_and(|number| number.takes_values()) && !arg.is_require_equals_set()
}

fn named<'a>(command: &'a Command, long: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|arg| arg.get_long() == Some(long))
}

/// The subcommand with this name, or the only one whose name begins so.
fn subcommand<'a>(command: &'a Command, word: &str) -> Option<&'a Command> {
    let begins = |inner: &&Command| {
        inner.get_all_aliases().chain([inner.get_name()]).any(|name| name.starts_with(word))
    };
    let only = || {
        let mut found = command.get_subcommands().filter(begins);
        found.next().filter(|_| found.next().is_none())
    };
    command.find_subcommand(word).or_else(|| only().filter(|_| !word.is_empty()))
}

/// True if the word is an option that takes a value only behind an equals sign, and has none.
pub(super) fn is_complete(command: &Command, word: &str) -> bool {
    let Some(long) = word.strip_prefix("--") else { return false };
    let here = named(command, long).is_some_and(Arg::is_require_equals_set);
    here || command.get_subcommands().any(|inner| is_complete(inner, word))
}

impl Line {
    /// Sorts the words behind the program's name. The definition must have been built.
    pub(crate) fn read(command: &Command, words: &[String]) -> Self {
        let mut line = Self::default();
        let mut command = command;
        let mut ended = false;
        for (rank, word) in words.iter().enumerate() {
            let place = Place { first: rank, kept: 0, last: rank };
            if let Some((id, place)) = line.open.take_if(|_| !ended) {
                line.add(id, word.clone(), Place { last: rank, ..place });
            } else if ended || line.manual {
                line.words.push(word.clone());
            } else if word == "--" {
                ended = true;
            } else if let Some(option) = word.strip_prefix("--") {
                let (long, value) = match option.split_once('=') {
                    Some((long, value)) => (long, Some(value)),
                    None => (option, None),
                };
                let Some(arg) = named(command, long) else { continue };
                let id = arg.get_id().to_string();
                match value {
                    Some(value) => line.add(id, value.to_owned(), place),
                    None if takes_next(arg) => line.open = Some((id, place)),
                    None => line.add(id, String::new(), place),
                }
            } else if word.len() > 1 && word.starts_with('-') {
                line.read_short_options(command, word, place);
            } else if let Some(inner) = subcommand(command, word) {
                line.path.push(inner.get_name().to_owned());
                command = inner;
            } else {
                line.words.push(word.clone());
                line.manual = command.get_positionals().any(Arg::is_allow_hyphen_values_set);
            }
        }
        line
    }

    /// Reads the options of a word such as `-v` or `-qH`; the rest of the word behind one that takes a value is the
    /// value, else the next word.
    fn read_short_options(&mut self, command: &Command, word: &str, place: Place) {
        for (at, short) in word.char_indices().skip(1) {
            let Some(arg) = command.get_arguments().find(|arg| arg.get_short() == Some(short))
            else {
                continue;
            };
            let id = arg.get_id().to_string();
            if !takes_next(arg) {
                self.add(id, String::new(), place);
                continue;
            }
            let place = Place { kept: if at > 1 { at } else { 0 }, ..place };
            match &word[at + short.len_utf8()..] {
                "" => self.open = Some((id, place)),
                value => {
                    let value = value.strip_prefix('=').unwrap_or(value);
                    self.add(id, value.to_owned(), place);
                }
            }
            return;
        }
    }

    fn add(&mut self, id: String, value: String, place: Place) {
        self.options.push(Typed { id, value, place });
    }

    /// The words that were read, without an option that was typed.
    pub(crate) fn without<T: AsRef<OsStr>>(&self, id: &str, words: &[T]) -> Vec<OsString> {
        let places = || self.options.iter().filter(|typed| typed.id == id).map(|typed| typed.place);
        let rest = |(rank, word): (usize, &T)| {
            let word = word.as_ref();
            match places().find(|place| (place.first..=place.last).contains(&rank)) {
                None => Some(word.to_owned()),
                Some(Place { first, kept, .. }) if rank == first && kept > 0 => {
                    word.as_bytes().get(..kept).map(|kept| OsStr::from_bytes(kept).to_owned())
                }
                Some(_) => None,
            }
        };
        words.iter().enumerate().filter_map(rest).collect()
    }

    /// How often an option was typed.
    pub(crate) fn count(&self, id: &str) -> usize {
        self.options.iter().filter(|typed| typed.id == id).count()
    }

    /// The same with the word at the cursor.
    pub(super) fn at(mut self, current: &str) -> Self {
        current.clone_into(&mut self.current);
        self
    }

    /// The verb and what follows it.
    pub(crate) fn path(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    /// True if the word at the cursor is this option with an equals sign.
    pub(super) fn equals(&self, id: &str) -> bool {
        let option = self.current.strip_prefix("--").and_then(|word| word.split_once('='));
        option.is_some_and(|(long, _)| long == id)
    }

    /// Words that are neither verbs nor options.
    pub(crate) fn words(&self) -> &[String] {
        &self.words
    }

    /// True if the option was typed.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.options.iter().any(|typed| typed.id == id)
    }

    /// The value of an option; the last one counts.
    pub(crate) fn option(&self, id: &str) -> Option<&str> {
        self.options.iter().rfind(|typed| typed.id == id).map(|typed| typed.value.as_str())
    }

    /// True if the word at the cursor is the value of this option.
    pub(super) fn wants(&self, id: &str) -> bool {
        self.open.as_ref().map_or_else(|| self.equals(id), |(open, _)| open == id)
    }

    /// True if the word at the cursor is one of the manual's, among which no option can stand.
    pub(super) fn takes_words(&self) -> bool {
        self.manual
    }

    /// Where the words before the verb of the manual's grammar lead: what follows `vpn-instance`, the
    /// address, what follows `alias`, in either grammar.
    pub(crate) fn selection(&self) -> Selection<'_> {
        if !matches!(self.path().as_slice(), ["reset" | "display", "bmp", "session"]) {
            return Selection {
                vpn_instance: self.option("vpn_instance"),
                // Of those who name several things, the session is an option.
                target: self.option("session").or(self.words.first().map(String::as_str)),
                alias: self.option("alias"),
            };
        }
        let mut selection = Selection::default();
        let mut words = self.words.iter().map(String::as_str).peekable();
        if words.next_if_eq(&"vpn-instance").is_some() {
            selection.vpn_instance = words.next();
        }
        selection.target = words.next_if(|word| !matches!(*word, "alias" | "verbose"));
        if words.next_if_eq(&"alias").is_some() {
            selection.alias = words.next();
        }
        selection
    }

    /// The socket of bmpd.
    pub(crate) fn socket(&self) -> PathBuf {
        let typed = self.option("socket").map(PathBuf::from);
        let set = || std::env::var_os("BMPD_SOCKET").map(PathBuf::from);
        let named = typed.or_else(set).filter(|path| !path.as_os_str().is_empty());
        named.unwrap_or_else(shared::socket::default_path_of_client)
    }
}

/// Which sessions the words name so far, as they were typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Selection<'a> {
    pub(crate) vpn_instance: Option<&'a str>,
    pub(crate) target: Option<&'a str>,
    pub(crate) alias: Option<&'a str>,
}

impl Selection<'_> {
    /// The VPN instance: `None` if one was typed that cannot be, `Some(None)` if none was typed.
    pub(crate) fn instance(&self) -> Option<Option<VpnInstanceName>> {
        self.vpn_instance.map(|name| name.parse().ok()).map_or(Some(None), |name| name.map(Some))
    }

    /// The address, if one was typed that can be.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.target?.parse().ok()
    }

    /// The alias, if one was typed that can be.
    pub(crate) fn alias(&self) -> Option<Alias> {
        self.alias?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Line {
        let mut command = crate::cli::command();
        command.build();
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        Line::read(&command, &words)
    }

    fn selection(words: &str) -> (Option<String>, Option<String>, Option<String>) {
        let line = read(words);
        let Selection { vpn_instance, target, alias } = line.selection();
        let own = |text: Option<&str>| text.map(str::to_owned);
        (own(vpn_instance), own(target), own(alias))
    }

    #[test]
    fn options_count_wherever_they_stand_and_however_they_are_written() {
        let all = (Some("red".to_owned()), Some("10.1.1.1".to_owned()), Some("aa".to_owned()));
        for line in [
            "reset session --vpn-instance red 10.1.1.1 --alias aa",
            "reset session --vpn-instance=red --alias=aa 10.1.1.1",
            "--socket /s reset session 10.1.1.1 --alias aa --vpn-instance red --wait --json",
            "show session --watch -v 10.1.1.1 --alias aa --vpn-instance red",
            "clear statistics --alias aa --vpn-instance red -- 10.1.1.1",
            "reset bmp session vpn-instance red 10.1.1.1 alias aa",
            "--timeout 1s display bmp session vpn-instance red 10.1.1.1 alias aa verbose",
        ] {
            assert_eq!(selection(line), all, "{line}");
        }
    }

    #[test]
    fn a_line_that_ends_early_says_what_it_says() {
        assert_eq!(selection("reset session"), (None, None, None));
        assert_eq!(selection("reset bmp session vpn-instance"), (None, None, None));
        assert_eq!(selection("display bmp session verbose"), (None, None, None));
        assert_eq!(selection("reset bmp session 10.1.1.1 alias").1.as_deref(), Some("10.1.1.1"));
        let open = read("reset session 10.1.1.1 --alias");
        assert!(open.wants("alias") && !open.wants("socket"));
        assert!(read("reset session").at("--alias=a").wants("alias"));
        assert!(read("reset bmp session 10.1.1.1").takes_words());
        assert!(!read("reset bmp session --socket /s").takes_words());
    }

    #[test]
    fn an_option_is_taken_out_wherever_it_stands_and_however_it_is_written() {
        let cases = [
            ("-H edge1 show session", "show session"),
            ("show session -Hedge1", "show session"),
            ("show -H=edge1 session", "show session"),
            ("show session --host edge1 10.1.1.1", "show session 10.1.1.1"),
            ("show --host=edge1 session", "show session"),
            ("show session -vqH edge1 --json", "show session -vq --json"),
            ("show session -vqHedge1", "show session -vq"),
            ("--socket /s -H edge1 res ses --alias -H all", "--socket /s res ses --alias -H all"),
        ];
        for (words, rest) in cases {
            let line = read(words);
            let words: Vec<&str> = words.split_whitespace().collect();
            assert_eq!((line.option("host"), line.count("host")), (Some("edge1"), 1), "{words:?}");
            assert_eq!(line.without("host", &words).join(OsStr::new(" ")), rest);
        }
        for none in ["show session -- -H edge1", "display b s 10.1.1.1 -H edge1", "show session -H"]
        {
            assert_eq!(read(none).option("host"), None, "{none}");
        }
    }

    #[test]
    fn the_socket_is_the_one_that_was_typed() {
        assert_eq!(read("show session --socket /s").socket(), PathBuf::from("/s"));
        assert_eq!(read("--socket=/t show session").socket(), PathBuf::from("/t"));
    }
}
