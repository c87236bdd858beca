//! What a command line that is wrong was probably meant to be, for the tip below its error.

use std::ffi::OsString;
use std::time::Duration;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::complete::Line;
use crate::{cli, directory, suggest};

/// The timeout for bmpd's names after a wrong command line.
const TIMEOUT: Duration = Duration::from_millis(200);

/// What was probably meant by a command line that is wrong: of a word that is no address, the address of a
/// session or neighbor that bmpd has. `None` if that cannot be determined at once.
pub(crate) fn of(error: &clap::Error, arguments: &[OsString]) -> Option<String> {
    match error.kind() {
        ErrorKind::ValueValidation => tip_of_time(arguments).or_else(|| tip_of_address(arguments)),
        ErrorKind::UnknownArgument => {
            tip_of_time(arguments).or_else(|| tip_of_name(error, arguments))
        }
        _ => None,
    }
}

/// What was probably meant by a time behind an option that takes one only behind an equals sign.
fn tip_of_time(arguments: &[OsString]) -> Option<String> {
    let is_time = |text: &str| {
        let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
        unit.len() < text.len() && ["", "ms", "s", "m", "h"].contains(&unit)
    };
    arguments.windows(2).find_map(|pair| match [pair[0].to_str()?, pair[1].to_str()?] {
        [option @ ("--wait" | "--watch"), time] if is_time(time) => {
            Some(format!("did you mean {option}={time}?"))
        }
        _ => None,
    })
}

/// What was probably meant by a word too many: a word of the manual's grammar among those of the other, or
/// the rest of a name with spaces.
fn tip_of_name(error: &clap::Error, arguments: &[OsString]) -> Option<String> {
    let Some(ContextValue::String(stray)) = error.get(ContextKind::InvalidArg) else { return None };
    let spaced = arguments.windows(3).find_map(|words| {
        match [words[0].to_str()?, words[1].to_str()?, words[2].to_str()?] {
            [option @ ("--alias" | "--vpn-instance" | "--router" | "router" | "publisher"), first, rest] if rest == stray => {
                Some(format!(
                    "a name with spaces needs quotation marks; did you mean {option} \"{first} {rest}\"?"
                ))
            }
            _ => None,
        }
    });
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    let dashed = || Some(format!("did you mean --{stray}?"));
    match stray.as_str() {
        "alias" | "vpn-instance" | "verbose" => dashed(),
        // bmpctl prints the name of a leg so.
        "router" if has("reset") && has("session") => spaced.or_else(dashed),
        _ => spaced,
    }
}

fn tip_of_address(arguments: &[OsString]) -> Option<String> {
    let mut command = cli::command();
    command.build();
    let words = arguments.iter().skip(1).map(|word| word.to_string_lossy().into_owned());
    let line = Line::read(&command, &words.collect::<Vec<_>>());
    let selection = line.selection();
    let typed = selection.target.filter(|_| selection.address().is_none())?;
    let of_neighbors = match line.path().as_slice() {
        ["show", "neighbor"] => true,
        [.., "session" | "statistics"] => false,
        _ => return None,
    };
    // The error already describes what is wrong with it.
    if typed.eq_ignore_ascii_case("all") {
        return None;
    }
    let directory = directory::ask(line.socket(), TIMEOUT).unwrap_or_default();
    let instance = selection.instance()?;
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
