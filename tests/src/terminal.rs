//! A real terminal with a program in it: the input is keys, the output is the screen.
//!
//! tmux is the terminal, detached and with a server of its own for each, so that programs find what they
//! find on an operator's desk: a pseudo-terminal that moves its cursor and can change its size.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::daemon::{Output, run};
use crate::scratch::Scratch;
use crate::wait::wait_for;

/// How long a program may take to show something.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A shell that shows its prompt and nothing else.
pub const PLAIN_SHELL: &str = "env -u ENV PS1='$ ' /bin/sh";

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A terminal. Its server ends when it is dropped.
#[derive(Debug)]
pub struct Terminal {
    server: PathBuf,
    recording: PathBuf,
}

impl Terminal {
    /// Opens one of this many columns and rows with a program in it, which finds these variables in its
    /// environment.
    ///
    /// # Panics
    /// When tmux cannot be run.
    #[track_caller]
    pub fn open<'a>(
        scratch: &Scratch,
        [columns, rows]: [u32; 2],
        program: &str,
        variables: impl IntoIterator<Item = (&'a str, &'a OsStr)>,
    ) -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let server = scratch.join(format!("tmux-{number}.sock"));
        let recording = scratch.join(format!("tmux-{number}.recording"));
        let terminal = Self { server, recording };
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let mut tmux = terminal.command(&["-f", "/dev/null", "-u", "new-session", "-d"]);
        tmux.args(["-x", &columns, "-y", &rows, program]).env("LC_ALL", "C.UTF-8").envs(variables);
        run(&mut tmux, TIMEOUT).done();
        let record = format!("cat > '{}'", terminal.recording.display());
        terminal.tmux(&["pipe-pane", &record]);
        terminal
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        command.env_remove("TMUX").arg("-S").arg(&self.server).args(args);
        command
    }

    #[track_caller]
    fn tmux(&self, args: &[&str]) -> Output {
        let output = run(&mut self.command(args), TIMEOUT);
        output.done();
        output
    }

    /// Types a text.
    ///
    /// # Panics
    /// When the program has ended.
    #[track_caller]
    pub fn type_text(&self, text: &str) {
        self.tmux(&["send-keys", "-l", "--", text]);
    }

    /// Types a line.
    ///
    /// # Panics
    /// When the program has ended.
    #[track_caller]
    pub fn enter(&self, line: &str) {
        self.type_text(line);
        self.press(&["Enter"]);
    }

    /// Presses keys by their names, such as `Tab`, `Enter` and `C-u`.
    ///
    /// # Panics
    /// When the program has ended.
    #[track_caller]
    pub fn press(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    /// Changes its size.
    ///
    /// # Panics
    /// When the program has ended.
    #[track_caller]
    pub fn resize(&self, [columns, rows]: [u32; 2]) {
        self.tmux(&["resize-window", "-x", &columns.to_string(), "-y", &rows.to_string()]);
    }

    /// What is seen, without empty lines at the end.
    ///
    /// # Panics
    /// When the program has ended.
    #[track_caller]
    pub fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"]).stdout.trim_end().to_owned()
    }

    /// The same with the sequences of its colours.
    ///
    /// # Panics
    /// When the program has ended.
    #[track_caller]
    pub fn coloured_screen(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-e"]).stdout.trim_end().to_owned()
    }

    /// The rows that are seen, without what is empty at their ends.
    ///
    /// # Panics
    /// When the program has ended.
    #[track_caller]
    pub fn rows(&self) -> Vec<String> {
        self.screen().lines().map(|line| line.trim_end().to_owned()).collect()
    }

    /// The lines that were ever seen and scrolled away, and those that are seen; wrapped ones as they were
    /// written.
    ///
    /// # Panics
    /// When the program has ended.
    #[track_caller]
    pub fn lines(&self) -> Vec<String> {
        let output = self.tmux(&["capture-pane", "-p", "-J", "-S", "-"]);
        let lines = output.stdout.trim_end().lines().map(|line| line.trim_end().to_owned());
        lines.collect()
    }

    /// Waits until the screen is as it should be, and returns it.
    ///
    /// # Panics
    /// When it does not become so.
    #[track_caller]
    pub fn wait_screen(&self, what: &str, condition: impl Fn(&str) -> bool) -> String {
        wait_for(what, TIMEOUT, || {
            let screen = self.screen();
            if condition(&screen) { Ok(screen) } else { Err(screen) }
        })
    }

    /// True if the cursor is seen.
    ///
    /// # Panics
    /// When the program has ended.
    #[track_caller]
    pub fn has_cursor(&self) -> bool {
        self.tmux(&["display-message", "-p", "#{cursor_flag}"]).stdout.trim() == "1"
    }

    /// True if a program has the alternate screen.
    ///
    /// # Panics
    /// When the program has ended.
    #[track_caller]
    pub fn is_alternate(&self) -> bool {
        self.tmux(&["display-message", "-p", "#{alternate_on}"]).stdout.trim() == "1"
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
