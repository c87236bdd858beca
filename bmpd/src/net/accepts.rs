//! Failed attempts to accept a connection of any kind.

use std::io;
use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

use super::describe;
use crate::quota::{Quota, say};

/// The result of the last attempts to accept a connection. Their failure is logged once, and their recovery once,
/// however long it takes. Where one descriptor is taken and released repeatedly that changes all the time, and is
/// limited, too.
#[derive(Debug, Default)]
pub(crate) struct Accepts {
    failed: u64,
    quota: Quota,
}

impl Accepts {
    /// How long to wait after a failure: for want of a descriptor, say. It is temporary, and until then the acceptor
    /// must not spin.
    const PAUSE: Duration = Duration::from_millis(500);

    /// Notes the result of one attempt; for a failed one it returns how long to wait before the next. `what` is what is
    /// accepted, such as `BGP connections`.
    pub(crate) fn note<T>(&mut self, what: &str, accepted: io::Result<T>) -> Result<T, Duration> {
        if self.quota.ends_at().is_some_and(|at| at <= Instant::now()) {
            let lines = self.quota.end();
            warn!("{lines} more lines about {what} were left out within a minute");
        }
        match accepted {
            Ok(accepted) => {
                let failed = std::mem::take(&mut self.failed);
                if failed > 0 {
                    say!(
                        self.quota,
                        info,
                        "{what} are accepted again, after {failed} failed attempts"
                    );
                }
                Ok(accepted)
            }
            Err(error) => {
                if self.failed == 0 {
                    say!(self.quota, warn, "cannot accept {what}: {}", describe(&error));
                }
                self.failed += 1;
                Err(Self::PAUSE)
            }
        }
    }
}
