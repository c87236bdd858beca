//! Reading a file that holds keys, or may hold them.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{OFlags, fcntl_setfl};
use zeroize::Zeroizing;

/// More than what `read_to_end` tries with a buffer of its own, on its stack, before it uses ours.
const SPARE: u64 = 64;

/// At most `max` bytes and one more, which shows that the file is too large. They are overwritten when dropped, and
/// there is no other copy: the buffer has its whole length before anything is read.
///
/// # Errors
///
/// The file cannot be read, or is a FIFO, which would block the reader for ever.
pub(super) fn read(path: &Path, max: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    // Checked after opening: the target of the path can change. This does not block on a FIFO (open(2)).
    let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    let found = file.metadata()?;
    if found.file_type().is_fifo() {
        return Err(io::Error::other("it is a FIFO, not a file"));
    }
    // Only opening must not block: a terminal, for one, is waited for.
    fcntl_setfl(&file, OFlags::empty())?;
    let most = max as u64 + 1;
    let length = found.len().min(most) + SPARE;
    let mut bytes = Zeroizing::new(Vec::with_capacity(length as usize));
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}
