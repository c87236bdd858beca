//! Faults on the real bmpd, by culprit. Whatever happens, the rest goes on, the reason is shown and in the log
//! without filling it, and what bmpd takes of the machine comes back to where it was.

mod control;
mod neighbors;
mod places;
mod restarts;
mod stations;
mod system;

use std::time::Duration;

use tests::faults::Margin;

const TIMEOUT: Duration = Duration::from_secs(30);

/// What the allocator may keep in hand of a small fault: a few pages for each thread.
const SMALL: Margin = Margin { memory_kib: 4 * 1024 };

/// How many lines about one neighbor or session are in the log: those of a minute, and of the next should it
/// begin meanwhile.
const LINES: usize = 2 * 21;
