//! A file whose reading takes as long as a test needs, as on an unreachable server.
//!
//! It is a terminal: a reader waits for what is typed.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::daemon::Daemon;
use crate::wait::wait_until;

/// Its typing end. A reader that still reads when it is dropped gets an end of file or an error.
#[derive(Debug)]
pub struct SlowFile {
    keyboard: File,
    terminal: PathBuf,
}

impl SlowFile {
    /// Puts one in the place of the configuration.
    ///
    /// # Panics
    /// When no terminal can be opened.
    #[track_caller]
    pub fn instead_of_config(daemon: &Daemon) -> Self {
        let open = || {
            let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
            grantpt(&keyboard)?;
            unlockpt(&keyboard)?;
            let terminal = ptsname(&keyboard, Vec::new())?;
            Ok::<_, rustix::io::Errno>((keyboard, terminal))
        };
        let (keyboard, terminal) = open().unwrap_or_else(|e| panic!("no terminal: {e}"));
        let terminal = PathBuf::from(std::ffi::OsStr::from_bytes(terminal.as_bytes()));
        fs::remove_file(daemon.config())
            .and_then(|()| symlink(&terminal, daemon.config()))
            .unwrap_or_else(|e| panic!("cannot replace {}: {e}", daemon.config().display()));
        Self { keyboard: keyboard.into(), terminal }
    }

    /// Waits until this bmpd is reading it.
    ///
    /// # Panics
    /// When it does not begin within 30 s.
    #[track_caller]
    pub fn wait_read(&self, daemon: &Daemon) {
        let folder = format!("/proc/{}/fd", daemon.pid());
        wait_until("bmpd to read the file", Duration::from_secs(30), || {
            let open = fs::read_dir(&folder).into_iter().flatten().flatten();
            let mut open = open.filter_map(|entry| fs::read_link(entry.path()).ok());
            open.any(|path| path == self.terminal)
        });
    }

    /// Gives one reader this text, whose last line is whole, and the end of the file.
    ///
    /// # Panics
    /// When the terminal does not accept it.
    pub fn finish(&mut self, text: &str) {
        const END_OF_FILE: &str = "\u{4}";
        self.keyboard
            .write_all(format!("{text}{END_OF_FILE}").as_bytes())
            .unwrap_or_else(|e| panic!("cannot type: {e}"));
    }
}
