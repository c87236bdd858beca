//! A key that nobody may read: not in an error, a log, an answer or a debugging line.

use std::fmt;

/// A key as it is configured. It compares, and it never shows itself.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Keeps a key.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The key itself, for the system call or the library that needs it.
    pub fn expose(&self) -> &[u8] {
        &self.0
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
