//! ssh, which runs a command on another host.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::destination::Destination;

/// The exit code with which ssh reports an error of its own (ssh(1), "EXIT STATUS").
const FAILED: u8 = 255;

/// The exit codes of shells for a command that cannot be executed, and for one that is not found.
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// The longest answer to a completion: 1 MiB.
const ANSWER_MAX: u64 = 1 << 20;

/// What the command has as standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    /// A terminal there, which is its output as well.
    Terminal,
    /// That of this process.
    Ours,
    /// Nothing.
    None,
}

/// Why ssh could not be run.
#[derive(Debug, thiserror::Error)]
pub(super) enum SshError {
    #[error("--host needs ssh, and there is none in PATH: install OpenSSH's client")]
    Missing,
    #[error("cannot run ssh: {0}")]
    Io(#[from] io::Error),
}

fn command(host: &Destination, remote: &OsStr, options: &[&str]) -> Command {
    let mut ssh = Command::new("ssh");
    ssh.arg("-x").args(options);
    if let Some(port) = host.port {
        ssh.args(["-p", &port.to_string()]);
    }
    ssh.arg("--").arg(&host.host).arg(remote);
    ssh
}

/// Runs a command there and gives its exit code. It has standard output and standard error of this process.
pub(super) fn run(host: &Destination, remote: &OsStr, input: Input) -> Result<u8, SshError> {
    // Before it is started, so that its end is not missed.
    let mut signals = Signals::new([SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
    let options: &[&str] = match input {
        // It would report the end of every connection with a terminal.
        Input::Terminal => &["-t", "-o", "LogLevel=ERROR"],
        Input::Ours => &["-T"],
        Input::None => &["-T", "-n"],
    };
    let mut ssh = command(host, remote, options).spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => SshError::Missing,
        _ => SshError::Io(error),
    })?;
    for signal in signals.forever() {
        if signal == SIGCHLD {
            // It may have been stopped, or be of a child that a parent before exec(3) left.
            if let Some(status) = ssh.try_wait()? {
                return Ok(code(status));
            }
            continue;
        }
        pass_on(signal, &ssh);
    }
    Ok(code(ssh.wait()?))
}

/// Signals of the terminal's keys reach ssh as well, and a second one changes nothing for it.
fn pass_on(signal: i32, ssh: &Child) {
    let signal = match signal {
        SIGHUP => Signal::HUP,
        SIGINT => Signal::INT,
        SIGQUIT => Signal::QUIT,
        _ => Signal::TERM,
    };
    if let Some(pid) = i32::try_from(ssh.id()).ok().and_then(Pid::from_raw) {
        // It has not been waited for, so this is no other process.
        let _ = kill_process(pid, signal);
    }
}

/// The exit code; if a signal has ended ssh, it ends this process, too, so that a shell sees what it would have seen.
fn code(status: ExitStatus) -> u8 {
    if let Some(signal) = status.signal() {
        let _ = emulate_default_handler(signal);
    }
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(FAILED)
}

/// Why there is no answer of bmpctl, if the exit code is not one of it.
pub(super) fn reason(host: &Destination, code: u8) -> Option<String> {
    Some(match code {
        FAILED => format!(
            "ssh has not run bmpctl on {} to its end, and its message says why; `ssh {host} true` has to work first",
            host.host
        ),
        NOT_FOUND => format!(
            "there is no bmpctl on {}: install it there, in a directory that is in PATH of commands by ssh \
             (`ssh {host} env`)",
            host.host
        ),
        NOT_EXECUTABLE => format!(
            "bmpctl on {} cannot be executed: look at it with `ssh {host} command -v bmpctl`",
            host.host
        ),
        _ => return None,
    })
}

/// What a command there has printed.
#[derive(Debug)]
pub(super) struct Answer(pub(super) String);

/// Runs a command there without a prompt, for this long at most; `None` if it fails.
pub(super) fn ask(host: &Destination, remote: &OsStr, deadline: Duration) -> Option<Answer> {
    let connect = format!("ConnectTimeout={}", deadline.as_secs().max(1));
    let options = ["-T", "-n", "-o", "BatchMode=yes", "-o", &connect, "-o", "LogLevel=QUIET"];
    let begun = Instant::now();
    let mut ssh = command(host, remote, &options);
    let mut ssh =
        ssh.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let stdout = ssh.stdout.take()?;
    let (sender, answered) = mpsc::channel();
    let read = move || {
        let mut text = Vec::new();
        let read = stdout.take(ANSWER_MAX).read_to_end(&mut text);
        // The caller may have stopped waiting.
        let _ = sender.send(read.is_ok().then_some(text));
    };
    thread::Builder::new().spawn(read).ok()?;
    let text = answered.recv_timeout(deadline).ok().flatten();
    let mut status = None;
    // Its output can be closed before it ends.
    while text.is_some() && status.is_none() && begun.elapsed() < deadline {
        status = ssh.try_wait().ok()?;
        if status.is_none() {
            thread::sleep(Duration::from_millis(2));
        }
    }
    if status.is_none() {
        let _ = ssh.kill();
        let _ = ssh.wait();
    }
    let text = text.filter(|_| status.is_some_and(|status| status.success()))?;
    Some(Answer(String::from_utf8_lossy(&text).into_owned()))
}
