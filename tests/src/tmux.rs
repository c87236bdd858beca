//! A real terminal: tmux without a client, with a server of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::daemon::{Output, run};
use crate::scratch::Scratch;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A terminal with a shell in it. Its server ends when it is dropped.
#[derive(Debug)]
pub struct Terminal {
    server: String,
    recording: PathBuf,
}

impl Terminal {
    /// Opens one of this size, in which these variables are set.
    ///
    /// # Panics
    /// When tmux cannot be run.
    #[track_caller]
    pub fn open(scratch: &Scratch, width: u32, height: u32, variables: &[(&str, &Path)]) -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let server = format!("bmpd-{}-{number}", std::process::id());
        let recording = scratch.join(format!("{server}.recording"));
        let terminal = Self { server, recording };
        let (width, height) = (width.to_string(), height.to_string());
        let mut begin = terminal.command(&["-f", "/dev/null", "-u", "new-session", "-d"]);
        begin.args(["-x", &width, "-y", &height]);
        for (name, value) in variables {
            begin.arg("-e").arg(format!("{name}={}", value.display()));
        }
        begin.args(["-e", "LC_ALL=C.UTF-8", "env", "-u", "ENV", "PS1=$ ", "/bin/sh"]);
        let output = run(&mut begin, Duration::from_secs(20));
        output.done();
        let record = format!("cat > '{}'", terminal.recording.display());
        terminal.tmux(&["pipe-pane", &record]);
        terminal
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        command.env_remove("TMUX").args(["-L", &self.server]).args(args);
        command
    }

    #[track_caller]
    fn tmux(&self, args: &[&str]) -> Output {
        let output = run(&mut self.command(args), Duration::from_secs(20));
        output.done();
        output
    }

    /// Types a line.
    ///
    /// # Panics
    /// When the terminal is gone.
    #[track_caller]
    pub fn enter(&self, line: &str) {
        self.tmux(&["send-keys", "-l", line]);
        self.tmux(&["send-keys", "Enter"]);
    }

    /// Presses a key, such as `C-c`.
    ///
    /// # Panics
    /// When the terminal is gone.
    #[track_caller]
    pub fn press(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    /// Changes its size.
    ///
    /// # Panics
    /// When the terminal is gone.
    #[track_caller]
    pub fn resize(&self, width: u32, height: u32) {
        self.tmux(&["resize-window", "-x", &width.to_string(), "-y", &height.to_string()]);
    }

    /// The rows that are seen, without what is empty at their ends.
    ///
    /// # Panics
    /// When the terminal is gone.
    #[track_caller]
    pub fn rows(&self) -> Vec<String> {
        let output = self.tmux(&["capture-pane", "-p"]);
        let rows = output.stdout.trim_end().lines().map(|line| line.trim_end().to_owned());
        rows.collect()
    }

    /// The lines that were ever seen and scrolled away, and those that are seen; wrapped ones as they were
    /// written.
    ///
    /// # Panics
    /// When the terminal is gone.
    #[track_caller]
    pub fn lines(&self) -> Vec<String> {
        let output = self.tmux(&["capture-pane", "-p", "-J", "-S", "-"]);
        let lines = output.stdout.trim_end().lines().map(|line| line.trim_end().to_owned());
        lines.collect()
    }

    /// True if the cursor is seen.
    ///
    /// # Panics
    /// When the terminal is gone.
    #[track_caller]
    pub fn has_cursor(&self) -> bool {
        self.tmux(&["display-message", "-p", "#{cursor_flag}"]).stdout.trim() == "1"
    }

    /// Every byte that was written to it.
    pub fn recording(&self) -> String {
        let bytes = std::fs::read(&self.recording).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.command(&["kill-server"]).output();
    }
}
