//! The configuration file: from its text to the checked [`Config`].
//!
//! [`load`] is called at the start, for `--check`, and for each reset; it reads one file and changes nothing. A file
//! that breaks a rule gives a [`ConfigError`] with every place that is wrong, never half a configuration.
//! `etc/bmpd.toml` shows every key; an empty file is valid (a bmpd without neighbors and stations).
//!
//! ```text
//! file -> syntax (TOML, keys, types) -> schema::File -> check (all other rules) -> model::Config
//!              \______________________ diagnostic _______________________/
//! ```
#![forbid(unsafe_code)]

mod check;
mod defaults;
mod diagnostic;
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
use std::path::Path;

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

/// Reads and checks a file of at most 4 MiB.
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
        Ok(text) => parse(text, path).map(|config| Config { digest: digest(&bytes), ..config }),
        Err(error) => {
            // What precedes the place is the same in both texts.
            let at = error.valid_up_to();
            let text = Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned());
            let finding = Finding {
                span: at..at + char::REPLACEMENT_CHARACTER.len_utf8(),
                key: None,
                text: "this is not UTF-8; save the file in this encoding".to_owned(),
            };
            Err(ConfigError::invalid(path, &Text::new(&text), vec![finding], 0))
        }
    }
}

/// The [`Config::digest`] of a file as it is now; `None` if it cannot be read, or is no regular file and
/// might never end.
pub(crate) fn digest_of(path: &Path) -> Option<u64> {
    if !std::fs::metadata(path).ok()?.is_file() {
        return None;
    }
    reading::read(path, FILE_MAX).ok().map(|bytes| digest(&bytes))
}

fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// Checks a text; `path` is the name of the file in errors.
///
/// # Errors
///
/// The text breaks a rule. If it is TOML with known keys and values of the right types, all that is
/// wrong is reported together, else the first problem.
pub fn parse(text: &str, path: &Path) -> Result<Config, ConfigError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let source = Text::new(text);
    let file = match syntax::read(text, &source) {
        Ok(file) => file,
        Err(finding) => return Err(ConfigError::invalid(path, &source, vec![finding], 0)),
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut check = Check::new(&source, folder);
    let config = check.file(file);
    match config {
        Some(config) if check.findings.is_empty() => Ok(config),
        _ => Err(ConfigError::invalid(path, &source, check.findings, check.more)),
    }
}
