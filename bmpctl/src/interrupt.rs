//! Ctrl-C while a command waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use shared::exit;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// How often a command that waits checks for one: a signal can come just before it waits.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Records SIGINT and SIGTERM instead of being ended by them. The second one ends the command wherever it is.
#[derive(Debug)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// From now on.
    pub(crate) fn catch() -> Self {
        let came = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // A signal whose handler cannot be installed ends the command by default.
            let end = i32::from(exit::INTERRUPTED);
            let _ = flag::register_conditional_shutdown(signal, end, Arc::clone(&came));
            let _ = flag::register(signal, Arc::clone(&came));
        }
        Self(came)
    }

    /// True if one was received.
    pub(crate) fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
