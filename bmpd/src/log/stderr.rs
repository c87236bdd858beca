//! Standard error, which may be a full disk, a closed pipe, or a pipe that is not read.

use std::fs::File;
use std::io::{self, IsTerminal, Stderr, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::LazyLock;

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, OFlags, fstat};

/// What a pipe accepts without blocking, if it accepts anything (pipe(7), `PIPE_BUF`).
const PIECE: usize = 4096;

/// Standard error opened again, if it is a pipe or a terminal, so that writes never block on its reader. The one that
/// was passed remains unchanged: other processes have it, too.
static PATIENT: LazyLock<Option<File>> = LazyLock::new(|| {
    let stderr = io::stderr();
    let kind = FileType::from_raw_mode(fstat(&stderr).ok()?.st_mode);
    if !stderr.is_terminal() && kind != FileType::Fifo {
        return None;
    }
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).ok()?;
    File::options().append(true).custom_flags(flags).open("/proc/self/fd/2").ok()
});

static STATE: Mutex<State> = Mutex::new(State { lost: 0, cut: false });

/// The result of the lines before. One thread at a time writes.
struct State {
    /// Lines that could not be written since the last one that could.
    lost: u64,
    /// True if the last one was written in part.
    cut: bool,
}

/// Standard error, one line a write.
pub(super) fn standard_error() -> impl Write {
    Lossy { to: Ready(io::stderr()), state: &STATE }
}

/// Writes what can be written at once, and nothing else. Where that is unknown, such as with a socket, it writes a
/// piece whenever there is room for anything.
struct Ready(Stderr);

impl Write for Ready {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(mut patient) = PATIENT.as_ref() {
            return patient.write(bytes);
        }
        let mut one = [PollFd::new(&self.0, PollFlags::OUT)];
        // Without a reader its writers block, and sessions with them.
        match poll(&mut one, Some(&Timespec::default()))? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            _ => self.0.write(bytes.get(..PIECE).unwrap_or(bytes)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Lossy<'a, W> {
    to: W,
    state: &'a Mutex<State>,
}

impl<W: Write> Write for Lossy<'_, W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut state = self.state.lock();
        let noted = match state.lost {
            0 => Ok(()),
            lost => {
                let end = if state.cut { "\n" } else { "" };
                let text = format!(
                    "{end}bmpd: {lost} lines of the log are lost: they could not be written\n"
                );
                write_all(&mut self.to, text.as_bytes())
            }
        };
        let written = noted.and_then(|()| {
            *state = State { lost: 0, cut: false };
            write_all(&mut self.to, line)
        });
        if let Err(Unwritten { part }) = written {
            state.lost += 1;
            state.cut |= part;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What could not be written, or not as a whole.
struct Unwritten {
    part: bool,
}

fn write_all(to: &mut impl Write, mut bytes: &[u8]) -> Result<(), Unwritten> {
    let mut part = false;
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(0) => return Err(Unwritten { part }),
            Ok(written) => {
                bytes = bytes.get(written..).unwrap_or_default();
                part = true;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Err(Unwritten { part }),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk with room for so many bytes.
    struct Disk {
        room: usize,
        text: Vec<u8>,
    }

    impl Write for &mut Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.room == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let written = self.room.min(bytes.len());
            self.text.extend_from_slice(&bytes[..written]);
            self.room -= written;
            Ok(written)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_are_lost_are_counted_and_reported() {
        let state = Mutex::new(State { lost: 0, cut: false });
        let mut disk = Disk { room: 4, text: Vec::new() };
        let line = |disk: &mut Disk, text: &str| {
            Lossy { to: disk, state: &state }.write_all(text.as_bytes()).unwrap();
        };
        line(&mut disk, "one\n");
        line(&mut disk, "two\n");
        line(&mut disk, "three\n");
        disk.room = usize::MAX;
        line(&mut disk, "four\n");
        disk.room = 2;
        line(&mut disk, "five\n");
        line(&mut disk, "six\n");
        disk.room = usize::MAX;
        line(&mut disk, "seven\n");
        line(&mut disk, "eight\n");
        let said =
            |count| format!("bmpd: {count} lines of the log are lost: they could not be written\n");
        assert_eq!(
            String::from_utf8(disk.text).unwrap(),
            format!("one\n{}four\nfi\n{}seven\neight\n", said(2), said(2))
        );
    }
}
