//! A bmpctl that keeps running: its output so far, and its end.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::wait::wait_for;

/// A running command whose lines are read as they are printed. Killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdout: Arc<Mutex<String>>,
    stderr: Arc<Mutex<String>>,
    readers: Vec<thread::JoinHandle<()>>,
}

impl Running {
    /// Starts it.
    ///
    /// # Panics
    /// When it cannot be run.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("cannot run {command:?}: {e}"));
        let (stdout, stderr) = (Arc::default(), Arc::default());
        let readers = vec![
            keep(child.stdout.take().expect("it is piped"), &stdout),
            keep(child.stderr.take().expect("it is piped"), &stderr),
        ];
        Self { child, stdout, stderr, readers }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Standard output so far, in whole lines.
    pub fn stdout(&self) -> String {
        self.stdout.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Standard error so far.
    pub fn stderr(&self) -> String {
        self.stderr.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for a line that holds all of these texts, and returns it.
    ///
    /// # Panics
    /// When none comes within 30 s.
    #[track_caller]
    pub fn wait_line(&self, texts: &[&str]) -> String {
        wait_for(&format!("a line with {texts:?}"), Duration::from_secs(30), || {
            let all = self.stdout();
            let found = all.lines().find(|line| texts.iter().all(|text| line.contains(text)));
            found.map(str::to_owned).ok_or_else(|| format!("{all}{}", self.stderr()))
        })
    }

    /// True if it has ended.
    ///
    /// # Panics
    /// When the system does not say.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap_or_else(|e| panic!("cannot wait: {e}")).is_some()
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// When the process is gone.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).unwrap_or_else(|e| panic!("cannot signal it: {e}"));
    }

    /// Waits for its end: the exit code (-1 after a signal), and all that it printed.
    ///
    /// # Panics
    /// When it does not end within 30 s.
    #[track_caller]
    pub fn wait_exit(&mut self) -> (i32, String, String) {
        let status = wait_for("bmpctl to end", Duration::from_secs(30), || {
            let status = self.child.try_wait().unwrap_or_else(|e| panic!("cannot wait: {e}"));
            status.ok_or_else(|| {
                let text =
                    |kept: &Mutex<String>| kept.lock().map(|t| t.clone()).unwrap_or_default();
                format!("{}{}", text(&self.stdout), text(&self.stderr))
            })
        });
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
        (status.code().unwrap_or(-1), self.stdout(), self.stderr())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn keep(stream: impl Read + Send + 'static, kept: &Arc<Mutex<String>>) -> thread::JoinHandle<()> {
    let kept = Arc::clone(kept);
    thread::spawn(move || {
        let mut lines = BufReader::new(stream);
        let mut line = String::new();
        while lines.read_line(&mut line).is_ok_and(|read| read > 0) {
            kept.lock().unwrap_or_else(PoisonError::into_inner).push_str(&line);
            line.clear();
        }
    })
}
