//! What the system reports about this process.

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};
use shared::time::Span;

/// What the system reports about this process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process {
    /// Bytes.
    pub(crate) memory: Option<u64>,
    /// Bytes.
    pub(crate) memory_peak: Option<u64>,
    pub(crate) descriptors: Option<u64>,
    /// How many it may open; `None` is unlimited.
    pub(crate) descriptors_maximum: Option<u64>,
}

impl Process {
    /// Reads it from /proc (proc_pid_status(5), proc_pid_fd(5)); `None` where there is no such file.
    pub(crate) fn read() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        // Without the descriptor that lists them.
        let descriptors = std::fs::read_dir("/proc/self/fd")
            .ok()
            .map(|found| (found.count() as u64).saturating_sub(1));
        Self {
            memory: bytes(&status, "VmRSS:"),
            memory_peak: bytes(&status, "VmHWM:"),
            descriptors,
            descriptors_maximum: getrlimit(Resource::Nofile).current,
        }
    }
}

/// A field of /proc/PID/status, which has it in KiB.
fn bytes(status: &str, field: &str) -> Option<u64> {
    let rest = status.lines().find_map(|line| line.strip_prefix(field))?;
    let number: u64 = rest.split_whitespace().next()?.parse().ok()?;
    number.checked_mul(1024)
}

/// Processor time of all threads.
pub(crate) fn processor_time() -> Span {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Span(seconds * 1000 + u64::try_from(time.tv_nsec).unwrap_or(0) / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes() {
        let status = "Name:\tbmpd\nVmPeak:\t  900 kB\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(bytes(status, "VmRSS:"), Some(1 << 20));
        assert_eq!(bytes(status, "VmHWM:"), Some(2 << 20));
        assert_eq!(bytes("", "VmRSS:"), None);
    }

    #[test]
    fn this_process_has_memory_and_descriptors() {
        let process = Process::read();
        assert!(process.memory > Some(0) && process.memory_peak >= process.memory);
        assert!(process.descriptors >= Some(3));
    }
}
