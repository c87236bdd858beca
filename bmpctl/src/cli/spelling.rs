//! Spellings of a command line that clap cannot be taught.

use std::ffi::OsString;

use super::values::is_time;

/// The options whose time can be left out. clap reads it only behind an equals sign, as it could not distinguish it from the
/// word that follows.
pub(crate) const WITH_OPTIONAL_TIME: [&str; 3] = ["--wait", "--watch", "--not-synchronised"];

/// Options whose value can begin with a hyphen.
const WITH_ANY_VALUE: [&str; 3] = ["--alias", "--router", "--publisher"];

/// The same command line as clap reads it:
///
/// - `--wait 30s` is `--wait=30s`: a word that reads as a time is that of the option before it. A name that reads
///   as a time stands elsewhere, or behind `--`.
/// - `--help reset session` is `reset session --help`.
pub(crate) fn as_clap_reads_it(arguments: Vec<OsString>) -> Vec<OsString> {
    let is =
        |word: &OsString, some: &[&str]| word.to_str().is_some_and(|word| some.contains(&word));
    // Most command lines need none of this.
    let needs = |word: &OsString| is(word, &WITH_OPTIONAL_TIME) || is(word, &["--help", "-h"]);
    if !arguments.iter().any(needs) {
        return arguments;
    }
    let mut read: Vec<OsString> = Vec::with_capacity(arguments.len());
    let mut rest = arguments.into_iter();
    while let Some(word) = rest.next() {
        let takes_word = read.last().is_some_and(|before| is(before, &WITH_ANY_VALUE));
        let is_open = read.last().is_some_and(|before| is(before, &WITH_OPTIONAL_TIME))
            && !read
                .get(read.len().wrapping_sub(2))
                .is_some_and(|before| is(before, &WITH_ANY_VALUE));
        match word.to_str() {
            Some("--") if !takes_word => {
                read.push(word);
                read.extend(rest);
                break;
            }
            Some(time) if is_open && is_time(time) => {
                if let Some(option) = read.last_mut() {
                    option.push("=");
                    option.push(word);
                }
            }
            _ => read.push(word),
        }
    }
    let has_words = |word: &OsString| !word.to_string_lossy().starts_with('-');
    if read.get(1).is_some_and(|word| is(word, &["--help", "-h"]))
        && read.get(2).is_some_and(has_words)
    {
        let help = read.remove(1);
        read.push(help);
    }
    read
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::*;

    fn read(line: &str) -> String {
        let words = line.split(' ').map(OsString::from).collect();
        as_clap_reads_it(words).join(std::ffi::OsStr::new(" ")).into_string().unwrap()
    }

    #[test]
    fn a_time_belongs_to_the_option_before_it() {
        for (line, expected) in [
            ("b reset session all --wait 30s", "b reset session all --wait=30s"),
            ("b reset session --wait 5 all", "b reset session --wait=5 all"),
            ("b show --watch 1m30s session", "b show --watch=1m30s session"),
            ("b show session --watch 10.1.1.1", "b show session --watch 10.1.1.1"),
            ("b show session --watch 2001:db8::1", "b show session --watch 2001:db8::1"),
            ("b reset session --wait all", "b reset session --wait all"),
            ("b reset session all --wait -5s", "b reset session all --wait=-5s"),
            ("b reset publisher --wait -- 30s", "b reset publisher --wait -- 30s"),
            (
                "b reset session 10.1.1.1 --alias --wait 5",
                "b reset session 10.1.1.1 --alias --wait 5",
            ),
            ("b reset session all --wait=5 5", "b reset session all --wait=5 5"),
            ("b --help reset session", "b reset session --help"),
            ("b -h --json", "b -h --json"),
        ] {
            assert_eq!(read(line), expected);
        }
    }

    #[test]
    fn every_option_whose_time_can_be_left_out_is_one_of_these() {
        fn check(command: &Command) {
            for arg in command.get_arguments().filter(|arg| arg.get_long().is_some()) {
                let long = format!("--{}", arg.get_long().unwrap_or_default());
                assert_eq!(
                    arg.is_require_equals_set(),
                    WITH_OPTIONAL_TIME.contains(&long.as_str()),
                    "{long}"
                );
                assert_eq!(
                    arg.is_allow_hyphen_values_set(),
                    WITH_ANY_VALUE.contains(&long.as_str()),
                    "{long}"
                );
            }
            command.get_subcommands().for_each(check);
        }
        let mut command = crate::cli::command();
        command.build();
        check(&command);
    }
}
