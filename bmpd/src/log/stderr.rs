//! Standard error, which may be a full disk or a reader that has gone away.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};

/// Lines that could not be written since the last one that could.
static LOST: AtomicU64 = AtomicU64::new(0);

/// Standard error, one line a write.
pub(super) fn standard_error() -> impl Write {
    Lossy { to: io::stderr(), lost: &LOST }
}

struct Lossy<'a, W> {
    to: W,
    lost: &'a AtomicU64,
}

impl<W: Write> Write for Lossy<'_, W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        let told = match lost {
            0 => Ok(()),
            _ => writeln!(
                self.to,
                "bmpd: {lost} lines of the log are lost: they could not be written"
            ),
        };
        if told.and_then(|()| self.to.write_all(line)).is_err() {
            self.lost.fetch_add(lost + 1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Disk {
        full: bool,
        text: Vec<u8>,
    }

    impl Write for &mut Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.full {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.text.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_are_lost_are_counted_and_told_of() {
        let lost = AtomicU64::new(0);
        let mut disk = Disk { full: false, text: Vec::new() };
        let line = |disk: &mut Disk, text: &str| {
            Lossy { to: disk, lost: &lost }.write_all(text.as_bytes()).unwrap();
        };
        line(&mut disk, "one\n");
        disk.full = true;
        line(&mut disk, "two\n");
        line(&mut disk, "three\n");
        disk.full = false;
        line(&mut disk, "four\n");
        line(&mut disk, "five\n");
        assert_eq!(
            String::from_utf8(disk.text).unwrap(),
            "one\nbmpd: 2 lines of the log are lost: they could not be written\nfour\nfive\n"
        );
    }
}
