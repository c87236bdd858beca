//! A key that nobody may read: not in an error, a log, an answer or a debugging line.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

/// A key as it is configured. It compares, and it never shows itself.
///
/// Two of them are the same if their bytes are, wherever they were read from.
#[derive(Clone)]
pub struct Secret {
    bytes: Vec<u8>,
    file: Option<PathBuf>,
}

impl Secret {
    /// Keeps a key.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), file: None }
    }

    /// The same with the file that it was read from.
    pub fn read_from(self, file: &Path) -> Self {
        Self { file: Some(file.to_owned()), ..self }
    }

    /// The key itself, for the system call or the library that needs it.
    pub fn expose(&self) -> &[u8] {
        &self.bytes
    }

    /// The file that it was read from; `None` if it stands in the configuration itself.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Secret {}

impl Hash for Secret {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
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
}
