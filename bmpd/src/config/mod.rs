//! The configuration file: from its text to the checked [`Config`].
//!
//! [`load`] is called at the start, for `--check`, and for each reset; it reads one file, and those that it includes, and changes
//! nothing. A file that breaks a rule gives a [`ConfigError`] with every place that is wrong, never half a configuration.
//! `etc/bmpd.toml` shows every key; an empty file is valid (a bmpd without neighbors and stations).
//!
//! ```text
//! file -> syntax (TOML) -> include -> syntax (keys, types) -> schema::File -> check (all other rules) -> model::Config
//!              \______________________ diagnostic _______________________/
//! ```
#![forbid(unsafe_code)]

mod advice;
mod check;
mod defaults;
mod diagnostic;
mod include;
mod levels;
mod listeners;
mod model;
mod reading;
mod schema;
pub(crate) mod setting;
mod sockets;
mod source;
mod syntax;
#[cfg(test)]
mod tests;
mod topic;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

pub use self::diagnostic::{ConfigError, Problem};
pub use self::levels::{Account, Levels};
pub(crate) use self::listeners::{ListenerId, listeners, listening, router_listeners};
pub use self::model::{
    Bgp, Bmp, Clients, Compression, Config, Control, Http, Identity, Kafka, KafkaTls,
    MaximumRoutes, MaximumRoutesAction, Mode, Neighbor, Peers, PendingLimits, Prefix, Process,
    Publisher, Relay, Retry, Router, RouterHash, RouterLimits, Sasl, SaslMechanism, Session, Tcp,
    VpnInstance, Who,
};
#[cfg(test)]
pub(crate) use self::schema::keys;
pub use self::topic::{Topic, TopicFault};

use self::check::Check;
use self::diagnostic::Finding;
use self::source::Source as Text;
pub use crate::filter::{Monitor, MonitorNeighbors};
pub use crate::net::settings::{
    AoAlgorithm, AoKey, Authentication, Keepalive, Place, ServerTls, Source, Tls, TlsFile,
    TlsIdentity, TlsVersion,
};
pub use crate::secret::Secret;
pub use crate::wire::describe::route_distinguisher;

/// The most bytes that a configuration file can have: 4 MiB.
pub(crate) const FILE_MAX: usize = 4 << 20;

/// Reads and checks a file of at most 4 MiB, and those that it includes.
///
/// # Errors
///
/// The file cannot be read, is too large, is not UTF-8, or breaks a rule.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    let bytes = reading::read(path, FILE_MAX)
        .map_err(|error| ConfigError::Unreadable { file: path.to_owned(), error })?;
    if bytes.len() > FILE_MAX {
        return Err(ConfigError::TooLarge { file: path.to_owned() });
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => assemble(text, path),
        Err(error) => {
            // What precedes the place is the same in both texts.
            let at = error.valid_up_to();
            let text = Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned());
            let finding = Finding {
                span: at..at + char::REPLACEMENT_CHARACTER.len_utf8(),
                key: None,
                text: "this is not UTF-8; save the file in this encoding".to_owned(),
            };
            Err(ConfigError::invalid(path, &Text::new(path, &text), vec![finding], 0))
        }
    }
}

/// What a configuration consists of: the file, the files that it includes, and the folders in which one can appear or
/// disappear. Files that are wrong are no error here.
pub(crate) fn consists_of(path: &Path) -> Vec<PathBuf> {
    let mut paths = vec![path.to_owned()];
    if let Some((_, found)) = contents(path) {
        paths.extend(found.folders);
        paths.extend(found.files.into_iter().map(|file| file.path));
    }
    paths
}

/// The [`Config::digest`] of a file as it is now, and of those that it includes; `None` if it cannot be read, or is no regular file and
/// might never end.
pub(crate) fn digest_of(path: &Path) -> Option<u64> {
    contents(path).map(|(text, found)| digest(&text, &found))
}

/// The text of a file, and what it includes. `None` if it cannot be read, or might never end.
fn contents(path: &Path) -> Option<(Zeroizing<String>, include::Found)> {
    if !std::fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let bytes = reading::read(path, FILE_MAX).ok()?;
    let text = Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned());
    let found = match text.contains(include::KEY) {
        true => include::read(path, syntax::table(without_mark(&text)).get_ref()),
        false => include::Found::default(),
    };
    Some((text, found))
}

fn digest(text: &str, found: &include::Found) -> u64 {
    let mut hasher = DefaultHasher::new();
    without_mark(text).hash(&mut hasher);
    for include::Included { path, text, .. } in &found.files {
        (path, text.as_str()).hash(&mut hasher);
    }
    // A file that cannot be read any more is a difference, too.
    let wrong: Vec<&str> = found.findings.iter().map(|finding| finding.text.as_str()).collect();
    wrong.hash(&mut hasher);
    hasher.finish()
}

/// A text without the byte order mark that editors of Windows write.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Checks a text, and the files that it includes; `path` is the name of the file in errors.
///
/// # Errors
///
/// The text breaks a rule. What is wrong is reported together, as far as one mistake does not hide others: if the text is no TOML,
/// every place where it is not; then unknown keys and values of wrong types; then all other rules.
pub fn parse(text: &str, path: &Path) -> Result<Config, ConfigError> {
    assemble(text, path).map(|config| Config { digest: 0, ..config })
}

fn assemble(text: &str, path: &Path) -> Result<Config, ConfigError> {
    let text = without_mark(text);
    let mut source = Text::new(path, text);
    let (mut root, mut broken) = syntax::parse(text, 0, &source);
    let found = include::read(path, root.get_ref());
    let digest = digest(text, &found);
    let mut findings = found.findings;
    for include::Included { path, text, .. } in &found.files {
        let base = source.add(path, text);
        let (table, more) = syntax::parse(text, base, &source);
        broken.extend(more);
        include::merge(root.get_mut(), table.into_inner(), &source, &mut findings);
    }
    let invalid =
        |findings: Vec<Finding>, more| Err(ConfigError::invalid(path, &source, findings, more));
    // The rest of a text that is no TOML can mean anything.
    if !broken.is_empty() {
        findings.extend(broken);
        return invalid(findings, 0);
    }
    let read = syntax::read(root, &source);
    findings.extend(read.findings);
    let Some(file) = read.file else { return invalid(findings, read.more) };
    let mut check = Check::new(&source);
    let config = check.file(file);
    let (unhidden, more) = (check.findings, check.more);
    match config {
        Some(config) if findings.is_empty() && unhidden.is_empty() => {
            let included = found.files.into_iter().map(|file| file.path).collect();
            Ok(Config { included, digest, ..config })
        }
        _ => {
            // What seems to be missing is what was refused already.
            findings.extend(unhidden.into_iter().filter(|finding| !read.refused.explains(finding)));
            invalid(findings, read.more + more)
        }
    }
}
