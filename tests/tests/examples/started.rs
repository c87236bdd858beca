//! A program that goes on until it is ended.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tests::wait::wait_for;

/// The program. Killed when dropped.
pub(crate) struct Started {
    child: Child,
    /// Where its standard output goes; standard error goes to the same with another ending.
    said: PathBuf,
}

impl Started {
    /// Starts it; what it says goes to a file.
    pub(crate) fn begin(mut command: Command, said: &Path) -> Self {
        let stdout = File::create(said).unwrap();
        let stderr = File::create(said.with_extension("err")).unwrap();
        command.stdin(Stdio::null()).stdout(stdout).stderr(stderr);
        Self { child: command.spawn().unwrap(), said: said.to_owned() }
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap()
    }

    fn complained(&self) -> String {
        fs::read_to_string(self.said.with_extension("err")).unwrap()
    }

    /// An error if it has ended.
    fn runs(&mut self) -> Result<(), String> {
        match self.child.try_wait().unwrap() {
            None => Ok(()),
            Some(status) => {
                Err(format!("it ended, {status}: {}{}", self.said(), self.complained()))
            }
        }
    }

    /// Waits until what it has said on standard output will do; it must not end before, nor then.
    pub(crate) fn wait(
        &mut self,
        what: &str,
        mut until: impl FnMut(&str) -> bool,
    ) -> Result<(), String> {
        wait_for(what, Duration::from_secs(30), || {
            if let Err(reason) = self.runs() {
                return Ok(Err(reason));
            }
            let said = self.said();
            if until(&said) { Ok(Ok(())) } else { Err(format!("{said}{}", self.complained())) }
        })?;
        // What says one thing and ends does so at once.
        let begun = Instant::now();
        wait_for(what, Duration::from_secs(30), || match self.runs() {
            Ok(()) if begun.elapsed() < Duration::from_millis(300) => Err(String::new()),
            ended => Ok(ended),
        })
    }

    /// Ends it politely; it must say that all is well.
    pub(crate) fn terminate(mut self) -> Result<(), String> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).unwrap();
        // Not yet waited for, so that the number is still its own.
        kill_process(pid, Signal::TERM).unwrap();
        let status = wait_for("its end", Duration::from_secs(30), || {
            self.child.try_wait().unwrap().ok_or_else(|| self.complained())
        });
        if status.success() { Ok(()) } else { Err(format!("{status}: {}", self.complained())) }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
