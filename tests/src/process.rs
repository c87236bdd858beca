//! Resource usage of a process, from proc(5).

use std::fs;
use std::time::Duration;

use anyhow::Context as _;

/// A field of `/proc/PID/status` that is in KiB, such as `VmRSS:`.
///
/// # Errors
/// When the process is gone, or there is no such field.
pub fn memory_kib(pid: u32, field: &str) -> anyhow::Result<u64> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).with_context(|| path.clone())?;
    text.lines()
        .find_map(|line| line.strip_prefix(field)?.split_whitespace().next()?.parse().ok())
        .with_context(|| format!("{path} has no {field}"))
}

/// The processor time that it has used so far, all threads, user and system.
///
/// # Errors
/// When the process is gone.
pub fn cpu_time(pid: u32) -> anyhow::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // Behind the name, which can have spaces: utime and stime are the 14th and 15th of all.
    let (_, fields) = stat.rsplit_once(')').context("no name in stat")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
    let ticks: u64 = ticks.sum::<Result<_, _>>().context("no times in stat")?;
    Ok(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
}

/// The same in nanoseconds, of the threads that there are (sched-stats.txt of the kernel).
///
/// # Errors
/// When the process is gone.
pub fn exact_cpu_time(pid: u32) -> anyhow::Result<Duration> {
    let mut nanos = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let stat = fs::read_to_string(thread?.path().join("schedstat"))?;
        let first = stat.split_whitespace().next().context("no time in schedstat")?;
        nanos += first.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanos))
}

/// A field of `/proc/PID/status` without the space around it, such as `CapEff:`; of each thread, which all have
/// the same.
///
/// # Panics
/// When the process is gone, there is no such field, or threads differ.
#[track_caller]
pub fn status_of_all_threads(pid: u32, field: &str) -> String {
    let folder = format!("/proc/{pid}/task");
    let tasks = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{folder}: {e}"));
    let mut values: Vec<String> = tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("status")).ok())
        .map(|text| {
            let value = text.lines().find_map(|line| line.strip_prefix(field));
            value.unwrap_or_else(|| panic!("no {field}: {text}")).trim().to_owned()
        })
        .collect();
    values.dedup();
    match &*values {
        [one] => one.clone(),
        other => panic!("{field} of {pid}: {other:?}"),
    }
}
