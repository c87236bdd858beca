//! A folder of its own for each test: configuration, socket, logs.
//!
//! It is removed when the test has passed, and kept and named when the test panics.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use tempfile::TempDir;

/// A temporary folder.
#[derive(Debug)]
pub struct Scratch {
    folder: Option<TempDir>,
}

impl Scratch {
    /// Makes the folder. Its path is short, so that a socket in it has a legal length.
    ///
    /// # Panics
    /// When the folder cannot be made.
    #[expect(clippy::new_without_default, reason = "it makes a folder; that should be visible")]
    pub fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("bmpd-")
            .tempdir()
            .unwrap_or_else(|e| panic!("cannot make a temporary folder: {e}"));
        Self { folder: Some(folder) }
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        self.folder.as_ref().expect("the folder is there until drop").path()
    }

    /// The path of something in the folder.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file in the folder and returns its path.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        fs::write(&path, text).unwrap_or_else(|e| panic!("cannot write {}: {e}", path.display()));
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let Some(folder) = self.folder.take() else {
            return;
        };
        if thread::panicking() {
            eprintln!("kept for a look: {}", folder.keep().display());
        }
    }
}
