//! A key that must not be disclosed: not in an error, a log, a response or debug output, nor in memory when it is no
//! longer needed.
#![forbid(unsafe_code)]

use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

/// A key as configured. It can be compared, and is never displayed.
///
/// Two keys are equal if their bytes are, wherever they were read from. All clones share one copy of the bytes, which
/// is overwritten when the last clone is dropped.
#[derive(Clone)]
pub struct Secret {
    bytes: Arc<Zeroizing<Vec<u8>>>,
    file: Option<PathBuf>,
}

impl Secret {
    /// Keeps a key. A caller that passes borrowed bytes keeps its copy, and must overwrite it.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self::taken(Zeroizing::new(bytes.into()))
    }

    /// Keeps a key without copying it.
    pub(crate) fn taken(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self { bytes: Arc::new(bytes), file: None }
    }

    /// The same with the file that it was read from.
    pub fn read_from(self, file: &Path) -> Self {
        Self { file: Some(file.to_owned()), ..self }
    }

    /// The key itself, for the system call or the library that needs it.
    pub fn expose(&self) -> &[u8] {
        &self.bytes
    }

    /// The file that it was read from; `None` if it is in the configuration itself.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

impl Hash for Secret {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.expose().hash(state);
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        let secret = Secret::new("s3cret");
        assert_eq!(format!("{secret:?}{:?}", Some(&secret)), "Secret(***)Some(Secret(***))");
        assert_eq!(secret.expose(), b"s3cret");
    }

    #[test]
    fn clones_share_one_copy() {
        let secret = Secret::new("s3cret");
        let clone = secret.clone().read_from(Path::new("file"));
        assert_eq!(clone, secret);
        assert!(std::ptr::eq(clone.expose(), secret.expose()));
    }
}
