//! What the system is to bmpd where the simulation has something else: waiting, change notifiers, hashes, clocks, memory.
//!
//! `cfg(simulation)` replaces whole modules by their path and nothing else: `simulation/platform.rs` for this one, and those of
//! `net`, `world`, `host` and the client of brokers that are named `simulated`. So no line of the others depends on it (a test
//! checks that).
#![forbid(unsafe_code)]

use std::path::Path;
use std::time::SystemTime;

pub(crate) use std::collections::{HashMap as Map, hash_map as map};

pub(crate) use tokio::select;
pub(crate) use tokio::sync::watch;
pub(crate) use tokio::task::spawn_blocking;

/// The hasher of the tables' indexes, with a secret seed.
pub(crate) type Hasher = foldhash::fast::RandomState;

/// The wall clock's time.
pub(crate) fn wall() -> SystemTime {
    SystemTime::now()
}

/// The simulation counts the work of sources, in entries of the tables.
pub(crate) fn note_work(_: u64) {}

/// The memory of the machine, or of the control group that bmpd is in (cgroups(7), version 2), whichever is less; in bytes.
pub(crate) fn memory() -> Option<u64> {
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| total(&text));
    let group = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let group = group.lines().find_map(|line| line.strip_prefix("0::/"));
    let folder = group.map(|group| Path::new("/sys/fs/cgroup").join(group));
    // A group is also limited by every group above it.
    let folders = folder.as_deref().into_iter().flat_map(Path::ancestors);
    let limits =
        folders.take_while(|folder| folder.starts_with("/sys/fs/cgroup")).flat_map(|folder| {
            ["memory.max", "memory.high"].map(|name| std::fs::read_to_string(folder.join(name)))
        });
    limits.filter_map(|text| text.ok()?.trim().parse().ok()).chain(machine).min()
}

/// The bytes of MemTotal in proc_meminfo(5).
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_the_machine_is_read() {
        assert_eq!(total("MemTotal:       24684132 kB\nMemFree: 1 kB\n"), Some(24_684_132 << 10));
        assert_eq!(total("MemFree: 1 kB\n"), None);
        assert!(memory().is_some_and(|bytes| bytes > 64 << 20));
    }
}
