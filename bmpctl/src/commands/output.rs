//! Standard output of a command that prints again and again.

use std::io::{self, Write};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use shared::exit;

use crate::context::{Context, Output};
use crate::render::json::ErrorReport;

/// Writes to standard output at once; false if it is closed.
pub(super) fn print(what: &str, text: &str, context: &Context) -> Result<bool, Output> {
    let mut stdout = io::stdout();
    // With nothing to write the end of a reader (`| head`) would be noticed only with the next event.
    if text.is_empty() {
        return Ok(!is_closed(&stdout));
    }
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => {
            let message = format!("cannot write {what}: {error}");
            Err(context.error(ErrorReport::new(exit::FAILED, "failed", message)))
        }
    }
}

/// True if the other end of a pipe, or the terminal, is gone.
pub(super) fn is_closed(stdout: &io::Stdout) -> bool {
    let mut polled = [PollFd::new(stdout, PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let asked = poll(&mut polled, Some(&now));
    asked.is_ok() && polled[0].revents().intersects(PollFlags::ERR | PollFlags::HUP)
}
