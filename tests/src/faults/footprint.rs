//! The resources that bmpd uses, and whether it returns them.

use std::fs;
use std::time::Duration;

use crate::daemon::Daemon;
use crate::faults::json;
use crate::process;
use crate::wait::try_for;

/// How much more may be left.
#[derive(Debug, Clone, Copy)]
pub struct Margin {
    /// Resident memory, KiB: the allocator keeps pages, a few of each kind of work and thread.
    pub memory_kib: u64,
}

/// The resources of a bmpd at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footprint {
    /// Resident memory, KiB.
    pub memory_kib: u64,
    /// Open descriptors.
    pub descriptors: u64,
    /// Threads. Those that read files and query the name service stay for ten seconds after their last work, so
    /// some are there or not: see [`Footprint::SPARE_THREADS`].
    pub threads: u64,
    /// Tasks, as bmpd counts them.
    pub tasks: u64,
    /// The memory of its tables, as bmpd counts it, in KiB.
    pub tables_kib: u64,
    /// Its routes.
    pub routes: u64,
}

impl Footprint {
    /// How many threads more than before are no growth.
    pub const SPARE_THREADS: u64 = 16;

    /// That of this bmpd, now.
    ///
    /// # Errors
    /// When it does not answer, or is gone.
    pub fn take(daemon: &Daemon) -> Result<Self, String> {
        let output = daemon.bmpctl(&["show", "status", "--json"]);
        if output.status != 0 {
            return Err(output.to_string());
        }
        let answer: serde_json::Value =
            serde_json::from_str(&output.stdout).map_err(|e| e.to_string())?;
        let number =
            |key: &str| answer["status"][key].as_u64().ok_or(format!("no {key}: {answer}"));
        let count = |folder: &str| {
            let path = format!("/proc/{}/{folder}", daemon.pid());
            let found = fs::read_dir(&path).map_err(|e| format!("{path}: {e}"))?;
            Ok::<u64, String>(found.count() as u64)
        };
        Ok(Self {
            memory_kib: process::memory_kib(daemon.pid(), "VmRSS:").map_err(|e| e.to_string())?,
            descriptors: count("fd")?,
            threads: count("task")?,
            tasks: number("tasks")?,
            tables_kib: number("table_memory")? / 1024,
            routes: number("routes")?,
        })
    }

    /// That of a bmpd at rest: twice the same descriptors and tasks, one after the other.
    ///
    /// # Panics
    /// When it does not come to rest within 30 s.
    #[track_caller]
    pub fn of(daemon: &Daemon) -> Self {
        let mut last = None;
        let rested = try_for("bmpd to be at rest", Duration::from_secs(30), || {
            let now = Self::take(daemon)?;
            let same = |last: &Self| (last.descriptors, last.tasks) == (now.descriptors, now.tasks);
            let rested = last.as_ref().is_some_and(same);
            last = Some(now);
            if rested { Ok(now) } else { Err(format!("{now:?}")) }
        });
        rested.unwrap_or_else(|e| panic!("{e}\n{}", json(daemon, &["show", "status"])))
    }

    /// Waits until bmpd uses no more than this again, but for `margin`; returns what it uses then.
    ///
    /// # Errors
    /// When it does not within `deadline`.
    pub fn wait_back(
        &self,
        daemon: &Daemon,
        margin: Option<Margin>,
        deadline: Duration,
    ) -> Result<Self, String> {
        try_for(&format!("bmpd to take no more than {self:?}"), deadline, || {
            let now = Self::take(daemon)?;
            let more_memory =
                margin.is_some_and(|m| now.memory_kib > self.memory_kib + m.memory_kib);
            let more = now.descriptors != self.descriptors
                || now.tasks != self.tasks
                || now.routes != self.routes
                || now.threads > self.threads + Self::SPARE_THREADS
                || more_memory;
            if more { Err(format!("{now:?}")) } else { Ok(now) }
        })
    }
}
