//! What can stand at the cursor: verbs and options from the definition of the command line, and live names.

use std::ffi::OsString;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap_complete::CompletionCandidate;
use clap_complete::engine;

use super::line::{Line, is_complete};
use super::values;
use crate::destination::HOST;
use crate::{cli, remote};

/// The length of a description, in characters.
const DESCRIPTION_MAX: usize = 72;

/// What can stand at the cursor.
pub(super) enum Found {
    /// A path of the file system; every shell knows best how to complete one.
    Files,
    /// One of these.
    Candidates(Vec<CompletionCandidate>),
}

/// What can stand in the place of `current`, behind the words before it. Names are not filtered by what is
/// typed of them: some shells find more than what begins so.
pub(super) fn complete(before: &[String], current: &str) -> Found {
    let mut command = cli::command();
    command.build();
    let before = cli::spelling::as_clap_reads_it(before.iter().map(OsString::from).collect());
    let before: Vec<String> =
        before.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let words_typed = before.get(1..).unwrap_or_default();
    let line = Arc::new(Line::read(&command, words_typed).at(current));
    let is_file = line.path() == ["config", "check"] && !current.starts_with('-');
    if line.wants("socket") || (is_file && line.words().is_empty()) {
        // A path of another host cannot be completed by the shell of this one.
        return if line.has(HOST) { Found::Candidates(Vec::new()) } else { Found::Files };
    }
    // The engine takes the next word for the value of an option that has one only behind an equals sign.
    let mut words: Vec<OsString> = before.iter().map(OsString::from).collect();
    words.retain(|word| !word.to_str().is_some_and(|word| is_complete(&command, word)));
    // A dash alone brings short options; the long ones are descriptive.
    words.push(if current == "-" { "--" } else { current }.into());
    let index = words.len() - 1;
    let elsewhere = Arc::new(AtomicBool::new(false));
    let mut command = values::attach(cli::command(), &line, &elsewhere);
    let mut found = engine::complete(&mut command, words, index, None).unwrap_or_default();
    if elsewhere.load(Ordering::Relaxed)
        && let Some(there) = remote::candidates(&line, words_typed, current)
    {
        let candidate = |(value, help): (String, Option<String>)| {
            CompletionCandidate::new(value).help(help.map(Into::into))
        };
        return Found::Candidates(there.into_iter().map(candidate).collect());
    }
    found.retain(|candidate| match option(candidate) {
        Some(id) => !line.has(id) && !line.takes_words(),
        None => true,
    });
    // Options are offered after a dash, or where nothing else can stand.
    if current.is_empty() && found.iter().any(|candidate| option(candidate).is_none()) {
        found.retain(|candidate| option(candidate).is_none());
    }
    Found::Candidates(found)
}

/// The id of the option that a candidate is; `None` for verbs and values.
fn option(candidate: &CompletionCandidate) -> Option<&str> {
    candidate.get_id()?.strip_prefix("arg::")
}

/// The first line of what a candidate means, fit for a terminal.
pub(super) fn description(candidate: &CompletionCandidate) -> Option<String> {
    let help = candidate.get_help()?.to_string();
    let line = help.lines().next().unwrap_or_default();
    // The default of an option is for its help.
    let end = option(candidate).and_then(|_| line.find(" ["));
    let line = line.get(..end.unwrap_or(line.len())).unwrap_or(line);
    let mut shown: String =
        line.chars().map(|c| if c.is_control() { ' ' } else { c }).take(DESCRIPTION_MAX).collect();
    if line.chars().count() > DESCRIPTION_MAX {
        shown.push_str("...");
    }
    Some(shown)
}
