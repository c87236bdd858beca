//! What the scripts of several shells get.

use clap_complete::CompletionCandidate;

use crate::complete::candidates::description;

/// What a script gets instead of candidates where a path is to be typed. No candidate begins with a tab.
pub(super) const FILES: &str = "\tfiles\n";

/// The value of a candidate, and what it means.
pub(super) fn parts(candidate: &CompletionCandidate) -> (String, Option<String>) {
    (candidate.get_value().to_string_lossy().into_owned(), description(candidate))
}

/// `value<tab>description`, one a line.
pub(super) fn tabbed(found: &[CompletionCandidate]) -> String {
    let line = |candidate| match parts(candidate) {
        (value, Some(description)) => format!("{value}\t{description}\n"),
        (value, None) => format!("{value}\n"),
    };
    found.iter().map(line).collect()
}
