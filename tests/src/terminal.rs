//! A terminal with a program in it: keys go in, the screen comes out.
//!
//! tmux is the terminal, with a server of its own for each, so that shells find what they find on an
//! operator's desk: a pseudo-terminal that knows how to move its cursor.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::scratch::Scratch;
use crate::wait::wait_for;

/// How long a program may take to show something.
const PATIENCE: Duration = Duration::from_secs(30);

/// A terminal of 120 columns and 50 lines.
#[derive(Debug)]
pub struct Terminal {
    server: PathBuf,
}

impl Terminal {
    /// Opens it with a program in it, which finds these variables in its environment.
    ///
    /// # Panics
    /// When tmux cannot be run.
    #[track_caller]
    pub fn open<'a>(
        scratch: &Scratch,
        program: &str,
        variables: impl IntoIterator<Item = (&'a str, &'a OsStr)>,
    ) -> Self {
        let server = scratch.join("tmux.sock");
        let terminal = Self { server };
        let mut tmux = terminal.tmux(&["-f", "/dev/null", "new-session", "-d"]);
        tmux.args(["-x", "120", "-y", "50", program]).env_remove("TMUX").envs(variables);
        let status = tmux.status().unwrap_or_else(|e| panic!("cannot run tmux: {e}"));
        assert!(status.success(), "tmux: {status}");
        terminal
    }

    fn tmux(&self, args: &[&str]) -> Command {
        let mut tmux = Command::new("tmux");
        tmux.arg("-S").arg(&self.server).args(args).stdin(Stdio::null());
        tmux
    }

    fn send(&self, args: &[&str]) {
        let status = self.tmux(&[&["send-keys"], args].concat()).status();
        assert!(status.is_ok_and(|status| status.success()), "send-keys {args:?}");
    }

    /// Types a text.
    ///
    /// # Panics
    /// When the program has ended.
    #[track_caller]
    pub fn type_text(&self, text: &str) {
        self.send(&["-l", "--", text]);
    }

    /// Presses keys by their names, such as `Tab`, `Enter` and `C-u`.
    ///
    /// # Panics
    /// When the program has ended.
    #[track_caller]
    pub fn press(&self, keys: &[&str]) {
        self.send(keys);
    }

    /// What it shows, without empty lines at the end.
    ///
    /// # Panics
    /// When the program has ended.
    #[track_caller]
    pub fn screen(&self) -> String {
        let output = self.tmux(&["capture-pane", "-p"]).output();
        let output = output.unwrap_or_else(|e| panic!("cannot run tmux: {e}"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Waits until the screen is as it should be, and returns it.
    ///
    /// # Panics
    /// When it does not become so.
    #[track_caller]
    pub fn wait_screen(&self, what: &str, condition: impl Fn(&str) -> bool) -> String {
        wait_for(what, PATIENCE, || {
            let screen = self.screen();
            if condition(&screen) { Ok(screen) } else { Err(screen) }
        })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.tmux(&["kill-server"]).status();
    }
}
