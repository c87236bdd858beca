//! The real bmpd, run by a test, and the real bmpctl that queries it.
//!
//! The binaries are those in `BMPD_BIN_DIR` if that is set (`tests/run` builds them once and sets
//! it). Otherwise cargo is asked to build them first, in the profile that the test itself was built
//! in: a test never runs against a stale binary.

use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use crate::addresses::{free_port, loopback};
use crate::process;
use crate::scratch::Scratch;
use crate::wait::wait_for;

/// How long bmpd may take to start, and to end.
const TIMEOUT: Duration = Duration::from_secs(20);

static FOLDER: OnceLock<PathBuf> = OnceLock::new();

/// Has this process take the binaries from `folder`.
///
/// # Panics
/// When it has taken one from elsewhere already.
pub fn use_binaries(folder: PathBuf) {
    let taken = FOLDER.get_or_init(|| folder.clone());
    assert_eq!(*taken, folder, "the binaries were taken from another folder before");
}

/// The path of `bmpd` or `bmpctl`, built if need be.
///
/// # Panics
/// When it cannot be built.
pub fn binary(name: &str) -> PathBuf {
    let path = FOLDER
        .get_or_init(|| match env::var_os("BMPD_BIN_DIR") {
            Some(folder) => PathBuf::from(folder),
            None => build(None).unwrap_or_else(|e| panic!("{e}")),
        })
        .join(name);
    assert!(path.is_file(), "{} is not there", path.display());
    path
}

/// Builds both binaries and returns the folder they are in.
///
/// With `profile` `None` that of the running executable is taken.
///
/// # Errors
/// When they cannot be built.
pub fn build(profile: Option<&str>) -> Result<PathBuf, String> {
    let exe = env::current_exe().map_err(|e| format!("cannot find my own executable: {e}"))?;
    // target/<profile>/deps/<test>, target/<profile>/<program>
    let here = exe
        .parent()
        .map(|folder| if folder.ends_with("deps") { folder.parent() } else { Some(folder) });
    let here = here.flatten().ok_or("the running executable is in no target folder")?;
    let target = here.parent().ok_or("the running executable is in no target folder")?;
    let profile = match (profile, here.file_name().and_then(OsStr::to_str)) {
        (Some(profile), _) => profile,
        // Where tests live; their own profile, for its optimization level.
        (None, Some("debug")) => "test",
        (None, Some(profile)) => profile,
        (None, None) => return Err("the running executable is in no target folder".to_owned()),
    };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--package", "bmpd", "--package", "bmpctl", "--bins"])
        .args(["--profile", profile])
        .arg("--manifest-path")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .stdin(Stdio::null())
        .status()
        .map_err(|e| format!("cannot run cargo: {e}"))?;
    if !status.success() {
        return Err(format!("cargo could not build bmpd and bmpctl: {status}"));
    }
    let folder = match profile {
        "test" | "dev" => "debug",
        "bench" => "release",
        other => other,
    };
    Ok(target.join(folder))
}

/// The output of a program and how it ended.
#[derive(Debug, Clone)]
pub struct Output {
    /// The exit code; -1 if a signal ended it.
    pub status: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// How long it took.
    pub took: Duration,
}

impl Output {
    /// Standard output of a command that must have succeeded.
    ///
    /// # Panics
    /// When its exit code is not 0.
    #[track_caller]
    pub fn done(&self) -> &str {
        assert_eq!(self.status, 0, "{self}");
        &self.stdout
    }

    /// All of its output.
    pub fn text(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "exit code {}", self.status)?;
        writeln!(f, "--- stdout\n{}--- stderr\n{}", self.stdout, self.stderr)
    }
}

/// Runs a program to its end, or kills it after `deadline`.
///
/// # Panics
/// When it cannot be run or takes longer than `deadline`.
#[track_caller]
pub fn run(command: &mut Command, deadline: Duration) -> Output {
    try_run(command, deadline).unwrap_or_else(|e| panic!("{e}"))
}

/// The same where a failure is a result like any other.
///
/// # Errors
/// When it cannot be run or takes longer than `deadline`.
pub fn try_run(command: &mut Command, deadline: Duration) -> Result<Output, String> {
    let begun = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| format!("cannot run {command:?}: {e}"))?;
    // Read both at once: a program that fills one pipe must not wait for us at the other.
    let read = |stream: Option<Box<dyn io::Read + Send>>| {
        thread::spawn(move || {
            let mut text = Vec::new();
            if let Some(mut stream) = stream {
                let _ = stream.read_to_end(&mut text);
            }
            String::from_utf8_lossy(&text).into_owned()
        })
    };
    let stdout = read(child.stdout.take().map(|s| Box::new(s) as _));
    let stderr = read(child.stderr.take().map(|s| Box::new(s) as _));
    let status = wait_child(&mut child, deadline);
    let took = begun.elapsed();
    if status.is_none() {
        let _ = child.kill();
        let _ = child.wait();
    }
    let output = Output {
        status: status.and_then(|s| s.code()).unwrap_or(-1),
        stdout: stdout.join().unwrap_or_default(),
        stderr: stderr.join().unwrap_or_default(),
        took,
    };
    if status.is_none() {
        return Err(format!("{command:?} did not end within {deadline:?}: {output}"));
    }
    Ok(output)
}

/// Waits until a child has ended, by its descriptor: what it took is known to the microsecond.
fn wait_child(child: &mut Child, deadline: Duration) -> Option<ExitStatus> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw)?;
    let process = pidfd_open(pid, PidfdFlags::empty()).ok()?;
    let timeout = Timespec::try_from(deadline).ok()?;
    let ended = poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&timeout)).ok()?;
    if ended == 0 { None } else { child.wait().ok() }
}

/// `[[session]]` for a station, with quick retries.
pub fn session(address: IpAddr, port: u16, alias: Option<&str>) -> String {
    let alias = alias.map(|a| format!("alias = \"{a}\"\n")).unwrap_or_default();
    format!(
        "[[session]]\naddress = \"{address}\"\n{alias}tcp.connect-port = {port}\n\
         retry.initial = 1\nretry.maximum = 2\n\n"
    )
}

/// `[bgp]` of AS 65000 listening at `listen`.
pub fn bgp(listen: SocketAddr) -> String {
    format!("[bgp]\nas = 65000\nrouter-id = \"192.0.2.254\"\nlisten = [\"{listen}\"]\n\n")
}

/// `[[bgp.neighbor]]` that connects to us.
pub fn neighbor(address: IpAddr, remote_as: u32) -> String {
    format!(
        "[[bgp.neighbor]]\naddress = \"{address}\"\nremote-as = {remote_as}\npassive = true\n\n"
    )
}

/// An address and port at which bmpd can listen for neighbors.
pub fn bgp_listen() -> SocketAddr {
    let address = loopback();
    SocketAddr::new(address, free_port(address))
}

/// A row of a table that bmpctl showed: its cells by the headings of their columns.
#[derive(Debug, Clone)]
pub struct Row(Vec<(String, String)>);

impl Row {
    /// The cell under the heading that begins like this, in any case; empty if there is none.
    pub fn cell(&self, heading: &str) -> &str {
        let found = self.0.iter().find(|(h, _)| h.starts_with(&heading.to_lowercase()));
        found.map_or("", |(_, text)| text)
    }

    /// Whether it is the row of this session. A cell without a letter or digit means no alias.
    pub fn is(&self, address: IpAddr, alias: Option<&str>) -> bool {
        let shown = Some(self.cell("alias")).filter(|a| a.contains(char::is_alphanumeric));
        let listed = self.cell("session").parse().or_else(|_| self.cell("address").parse());
        listed == Ok(address) && shown == alias
    }

    /// The number under a heading.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn number(&self, heading: &str) -> u64 {
        let cell = self.cell(heading).replace([',', '_', ' '], "");
        cell.parse().unwrap_or_else(|_| panic!("no number under {heading:?}: {self:?}"))
    }
}

/// Reads a table: the first line has the headings, and two spaces or more part the columns. A cell
/// belongs to the heading it stands under, however both are aligned.
fn rows(text: &str) -> Vec<Row> {
    let fields = |line: &str| {
        let mut found: Vec<(usize, String)> = vec![];
        let mut gap = 2;
        for (at, c) in line.chars().enumerate() {
            match found.last_mut() {
                _ if c == ' ' => gap += 1,
                Some((_, field)) if gap < 2 => {
                    field.extend(std::iter::repeat_n(' ', gap));
                    field.push(c);
                    gap = 0;
                }
                _ => {
                    found.push((at, c.to_string()));
                    gap = 0;
                }
            }
        }
        found
    };
    let is_heading = |line: &&str| {
        let line = line.to_lowercase();
        line.contains("alias") && line.contains("state") || line.contains("neighbor")
    };
    let mut lines = text.lines().skip_while(|line| !is_heading(line));
    let Some(headings) = lines.next().map(fields) else {
        return vec![];
    };
    let row = |line| {
        let cells = fields(line).into_iter().filter_map(|(begin, text)| {
            let end = begin + text.chars().count();
            // The distance between the two spans; 0 or less where one stands under the other.
            let (_, heading) = headings.iter().min_by_key(|(at, heading)| {
                let (at, until) = (*at as isize, (at + heading.chars().count()) as isize);
                (begin as isize - until).max(at - end as isize)
            })?;
            Some((heading.to_lowercase(), text))
        });
        Row(cells.collect())
    };
    lines.take_while(|line| !line.trim().is_empty()).map(row).collect()
}

/// A running bmpd. Killed when dropped; [`Daemon::terminate`] ends it gracefully.
#[derive(Debug)]
pub struct Daemon {
    child: Mutex<Child>,
    pid: u32,
    name: String,
    config: PathBuf,
    socket: PathBuf,
    log: PathBuf,
    /// True if it was started with injected faults.
    has_faults: bool,
}

/// The beginning of the log line of an internal error.
pub const INTERNAL_ERROR: &str = "internal error, please report it";

impl Daemon {
    /// Starts bmpd with this configuration in `scratch` and waits until its control socket answers.
    ///
    /// `[control]` with a socket in the folder is added unless the text has one.
    ///
    /// # Panics
    /// When it does not come up; with its log.
    #[track_caller]
    pub fn start(scratch: &Scratch, config: &str) -> Self {
        Self::start_as(scratch, "bmpd", config, "debug")
    }

    /// The same with a name of its own for its files, and another level of logging.
    ///
    /// # Panics
    /// When it does not come up; with its log.
    #[track_caller]
    pub fn start_as(scratch: &Scratch, name: &str, config: &str, level: &str) -> Self {
        let daemon = Self::spawn(scratch, name, config, level);
        daemon.wait_ready();
        daemon
    }

    /// Waits until the control socket answers.
    ///
    /// # Panics
    /// When it does not within 20 s, or when bmpd ends; with its log.
    #[track_caller]
    pub fn wait_ready(&self) {
        wait_for("bmpd to answer at its control socket", TIMEOUT, || {
            if let Some(status) = self.exited() {
                panic!("bmpd did not start: {status}\n{}", self.log());
            }
            let output = self.bmpctl(&["show", "session"]);
            if output.status == 0 { Ok(()) } else { Err(format!("{output}\n{}", self.log())) }
        });
    }

    /// Has bmpd check a configuration.
    ///
    /// # Panics
    /// When the program cannot be run.
    #[track_caller]
    pub fn check(scratch: &Scratch, config: &str) -> Output {
        let config = scratch.write("checked.toml", config);
        let mut bmpd = Command::new(binary("bmpd"));
        run(bmpd.arg("--check").arg("--config").arg(&config), Duration::from_secs(20))
    }

    /// Starts bmpd and waits for nothing.
    ///
    /// # Panics
    /// When the program cannot be run.
    #[track_caller]
    pub fn spawn(scratch: &Scratch, name: &str, config: &str, level: &str) -> Self {
        Self::spawn_by(Command::new(binary("bmpd")), scratch, name, config, level)
    }

    /// The same, with the program as this command runs it.
    ///
    /// # Panics
    /// When the program cannot be run.
    #[track_caller]
    pub fn spawn_by(
        mut bmpd: Command,
        scratch: &Scratch,
        name: &str,
        config: &str,
        level: &str,
    ) -> Self {
        let socket = scratch.join(format!("{name}.sock"));
        let log = scratch.join(format!("{name}.log"));
        let config = scratch.write(&format!("{name}.toml"), with_control(config, &socket));
        let stderr = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .unwrap_or_else(|e| panic!("cannot write {}: {e}", log.display()));
        let has_faults = bmpd.get_envs().any(|(name, _)| name == "BMPD_FAULTS");
        let child = bmpd
            .arg("--config")
            .arg(&config)
            .args(["--log", level])
            .stdin(Stdio::null())
            .stdout(stderr.try_clone().expect("a file can be opened twice"))
            .stderr(stderr)
            .spawn()
            .unwrap_or_else(|e| panic!("cannot run bmpd: {e}"));
        let (pid, child) = (child.id(), Mutex::new(child));
        Self { child, pid, name: name.to_owned(), config, socket, log, has_faults }
    }

    /// Runs bmpctl against this bmpd.
    ///
    /// # Panics
    /// When it cannot be run or does not end within a minute.
    #[track_caller]
    pub fn bmpctl(&self, args: &[&str]) -> Output {
        run(&mut self.bmpctl_command(args), Duration::from_secs(60))
    }

    /// The command that [`Daemon::bmpctl`] would run.
    pub fn bmpctl_command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(binary("bmpctl"));
        command.env("BMPD_SOCKET", &self.socket).env("LC_ALL", "C").args(args);
        command
    }

    /// The table of `show session`.
    ///
    /// # Panics
    /// When bmpctl fails.
    #[track_caller]
    pub fn sessions(&self) -> Vec<Row> {
        rows(self.bmpctl(&["show", "session"]).done())
    }

    /// The row of one session.
    ///
    /// # Panics
    /// When there is not exactly one.
    #[track_caller]
    pub fn session(&self, address: IpAddr, alias: Option<&str>) -> Row {
        let output = self.bmpctl(&["show", "session"]);
        let mut found = rows(output.done());
        found.retain(|row| row.is(address, alias));
        match found.pop() {
            Some(row) if found.is_empty() => row,
            _ => panic!("not exactly one row with {address}, alias {alias:?}: {output}"),
        }
    }

    /// Waits until `show session` gives the session this state, such as `Synchronised`.
    ///
    /// # Panics
    /// When it does not within 30 s; with what it showed.
    #[track_caller]
    pub fn wait_state(&self, address: IpAddr, alias: Option<&str>, state: &str) {
        let what = format!("the session with {address} (alias {alias:?}) to be {state}");
        wait_for(&what, Duration::from_secs(30), || {
            let row = self.session(address, alias);
            if row.cell("state") == state { Ok(()) } else { Err(format!("{row:?}")) }
        });
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The path of the control socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The path of the configuration file.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        fs::read(&self.log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Writes another configuration (`[control]` is added as at the start). bmpd is not notified.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn rewrite_config(&self, config: &str) {
        let text = with_control(config, &self.socket);
        // As a whole, as editors do it: half a file can be a valid one with other contents.
        let new = self.config.with_extension("new");
        fs::write(&new, text)
            .and_then(|()| fs::rename(&new, &self.config))
            .unwrap_or_else(|e| panic!("cannot write {}: {e}", self.config.display()));
    }

    /// A field of `/proc/PID/status`, in KiB.
    fn memory(&self, field: &str) -> u64 {
        process::memory_kib(self.pid, field).unwrap_or_else(|e| panic!("{e:#}"))
    }

    /// The memory that is resident now, in KiB.
    ///
    /// # Panics
    /// When the process is gone.
    pub fn rss_kib(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// The most memory that was ever resident, in KiB.
    ///
    /// # Panics
    /// When the process is gone.
    pub fn peak_rss_kib(&self) -> u64 {
        self.memory("VmHWM:")
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it ended, if it has.
    pub fn exited(&self) -> Option<ExitStatus> {
        self.child().try_wait().unwrap_or_else(|e| panic!("cannot wait for bmpd: {e}"))
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// When the process is gone.
    pub fn signal(&self, signal: Signal) {
        // Not yet waited for, so that the number is still its own.
        assert!(self.exited().is_none(), "bmpd is gone\n{}", self.log());
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).unwrap_or_else(|e| panic!("cannot signal bmpd: {e}"));
    }

    /// Waits until it has ended by itself.
    ///
    /// # Panics
    /// When it has not within 20 s.
    #[track_caller]
    pub fn wait_exit(&self) -> ExitStatus {
        wait_for("bmpd to end", TIMEOUT, || self.exited().ok_or_else(|| self.log()))
    }

    /// Ends it gracefully if it still runs, and by force if it takes longer than three seconds.
    pub fn stop(&self) {
        let begun = Instant::now();
        let mut child = self.child();
        // Not yet waited for, so that the number is still its own.
        if matches!(child.try_wait(), Ok(None))
            && let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw)
        {
            let _ = kill_process(pid, Signal::TERM);
        }
        while matches!(child.try_wait(), Ok(None)) {
            if begun.elapsed() > Duration::from_secs(3) {
                let _ = child.kill();
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends SIGTERM and waits for the end.
    ///
    /// # Panics
    /// When it does not end within 20 s.
    #[track_caller]
    pub fn terminate(&self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait_exit()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let mut child = self.child();
        if matches!(child.try_wait(), Ok(None)) {
            let _ = child.kill();
            let _ = child.wait();
        }
        drop(child);
        if thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let tail = &lines[lines.len().saturating_sub(60)..];
            eprintln!("--- the last lines of {}'s log\n{}\n---", self.name, tail.join("\n"));
        } else if !self.has_faults {
            // It continues after an internal error: no test may miss one.
            let log = self.log();
            let found = log.lines().find(|line| line.contains(INTERNAL_ERROR));
            assert_eq!(found, None, "{} has made a mistake", self.name);
        }
    }
}

fn with_control(config: &str, socket: &Path) -> String {
    if config.contains("[control]") {
        return config.to_owned();
    }
    format!("{config}\n[control]\nsocket = \"{}\"\n", socket.display())
}
