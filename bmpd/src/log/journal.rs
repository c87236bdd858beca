//! The journal of systemd, if standard error goes to it: each line as people read it, and what it is about as fields,
//! so that `journalctl BMPD_SESSION=10.1.1.1` finds all of one session.
//!
//! The protocol is that of <https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>: one datagram a line. bmpd never waits
//! for the journal: a line that it has no room for is lost, and counted.

use std::env;
use std::fmt::{self, Write as _};
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{DefaultFields, Writer};
use tracing_subscriber::layer::Context;

/// Where the journal takes datagrams.
const SOCKET: &str = "/run/systemd/journal/socket";

/// How much of a line, or of a field, goes there, in bytes; a datagram has room for a few of these.
const TEXT_MAX: usize = 16 * 1024;

/// The journal.
pub(super) struct Journal {
    socket: UnixDatagram,
    to: PathBuf,
    /// Lines that could not be sent since the last one that could.
    lost: AtomicU64,
}

impl Journal {
    /// The journal, if standard error is a stream to it (systemd.exec(5), `JOURNAL_STREAM`).
    pub(super) fn behind_standard_error() -> Option<Self> {
        let named = env::var("JOURNAL_STREAM").ok()?;
        let file = rustix::fs::fstat(io::stderr()).ok()?;
        if named != format!("{}:{}", file.st_dev, file.st_ino) {
            return None;
        }
        let journal = Self::at(PathBuf::from(SOCKET)).ok()?;
        // It ignores an empty datagram. Where it cannot be reached, or must not be, standard error is used.
        journal.socket.send_to(&[], &journal.to).ok()?;
        Some(journal)
    }

    fn at(to: PathBuf) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, to, lost: AtomicU64::new(0) })
    }

    /// Sends a line, and before it how many are missing.
    fn send(&self, datagram: &[u8]) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        let noted = match lost {
            0 => Ok(0),
            _ => {
                let text =
                    format!("{lost} lines of the log are lost: the journal had no room for them");
                let mut line = begin(Level::WARN);
                put(&mut line, "MESSAGE", &text);
                self.socket.send_to(&line, &self.to)
            }
        };
        if noted.and_then(|_| self.socket.send_to(datagram, &self.to)).is_err() {
            self.lost.fetch_add(lost + 1, Ordering::Relaxed);
        }
    }
}

impl<S: Subscriber> Layer<S> for Journal {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.send(&datagram(*event.metadata().level(), event));
    }
}

/// A line with what it is about.
fn datagram(level: Level, event: &Event<'_>) -> Vec<u8> {
    let mut datagram = begin(level);
    let mut message = String::new();
    // As it is on standard error. Writing into memory does not fail, but a value's own text can.
    let written = DefaultFields::new().format_fields(Writer::new(&mut message), event);
    if written.is_err() {
        message.push_str(" (a value that cannot be written)");
    }
    put(&mut datagram, "MESSAGE", &message);
    event.record(&mut Fields(&mut datagram));
    datagram
}

fn begin(level: Level) -> Vec<u8> {
    // As in syslog(3).
    let priority = match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    };
    format!("PRIORITY={priority}\nSYSLOG_IDENTIFIER=bmpd\n").into_bytes()
}

/// Adds a field: `NAME=value`, or where the value has several lines its name, its length, and the value.
fn put(datagram: &mut Vec<u8>, name: &str, value: &str) {
    let end = (0..=TEXT_MAX.min(value.len())).rev().find(|end| value.is_char_boundary(*end));
    let value = &value[..end.unwrap_or(0)];
    datagram.extend_from_slice(name.as_bytes());
    if value.contains('\n') {
        datagram.push(b'\n');
        datagram.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        datagram.push(b'=');
    }
    datagram.extend_from_slice(value.as_bytes());
    datagram.push(b'\n');
}

/// Adds every field but the message as `BMPD_NAME`.
struct Fields<'a>(&'a mut Vec<u8>);

impl Fields<'_> {
    fn add(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            return;
        }
        // Names of fields have capital letters, digits and underscores (systemd.journal-fields(7)).
        let name: String = field
            .name()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
            .collect();
        put(self.0, &format!("BMPD_{name}"), value);
    }
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        // A value that cannot be formatted is truncated.
        let _ = write!(text, "{value:?}");
        self.add(field, &text);
    }
}

#[cfg(test)]
mod tests {
    use tracing::subscriber::with_default;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// What the journal gets of `log`, a text a datagram.
    fn journal(log: impl FnOnce(&UnixDatagram)) -> Vec<Vec<u8>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let receiver = UnixDatagram::bind(&path).unwrap();
        receiver.set_nonblocking(true).unwrap();
        let journal = Journal::at(path).unwrap();
        with_default(tracing_subscriber::registry().with(journal), || log(&receiver));
        receive(&receiver)
    }

    fn receive(receiver: &UnixDatagram) -> Vec<Vec<u8>> {
        let mut buffer = vec![0; 1 << 20];
        let mut all = Vec::new();
        while let Ok(length) = receiver.recv(&mut buffer) {
            all.push(buffer[..length].to_vec());
        }
        all
    }

    #[test]
    fn a_line_has_its_fields_beside_it() {
        let session = "10.1.1.1 alias west coast";
        let got = journal(|_| {
            tracing::info!(%session, generation = 2, caller = "root (pid 7)", "synchronised");
        });
        assert_eq!(
            String::from_utf8_lossy(&got[0]),
            "PRIORITY=6\nSYSLOG_IDENTIFIER=bmpd\n\
             MESSAGE=synchronised session=10.1.1.1 alias west coast generation=2 caller=\"root (pid 7)\"\n\
             BMPD_SESSION=10.1.1.1 alias west coast\nBMPD_GENERATION=2\nBMPD_CALLER=root (pid 7)\n"
        );
        assert_eq!(got.len(), 1);
    }

    #[test]
    fn no_text_can_end_a_field_and_begin_another() {
        let got = journal(|_| tracing::error!(why = "bad\nPRIORITY=0", "down"));
        let why = b"BMPD_WHY\n\x0e\0\0\0\0\0\0\0bad\nPRIORITY=0\n";
        assert!(got[0].ends_with(why), "{}", String::from_utf8_lossy(&got[0]));
        let begun = b"PRIORITY=3\nSYSLOG_IDENTIFIER=bmpd\nMESSAGE";
        assert!(got[0].starts_with(begun), "{}", String::from_utf8_lossy(&got[0]));
    }

    #[test]
    fn lines_that_it_has_no_room_for_are_counted_and_reported() {
        let got = journal(|receiver| {
            // A queue has room for a few datagrams (net.unix.max_dgram_qlen), and sending does not wait.
            for _ in 0..5_000 {
                tracing::warn!("many");
            }
            let taken = receive(receiver).len();
            assert!((1..5_000).contains(&taken), "{taken}");
            tracing::warn!("one more");
            let lost = receive(receiver);
            let text = String::from_utf8_lossy(&lost[0]).into_owned();
            let expected = format!("{} lines of the log are lost", 5_000 - taken);
            assert!(text.contains(&expected), "{text}: {expected}");
            assert_eq!(lost.len(), 2);
            tracing::warn!("and the last");
        });
        assert_eq!(got.len(), 1);
    }

    #[test]
    fn a_long_line_is_cut() {
        let text = "ä".repeat(TEXT_MAX);
        let got = journal(|_| tracing::info!("{text}"));
        assert!(got[0].len() < TEXT_MAX + 100, "{}", got[0].len());
        assert!(String::from_utf8(got[0].clone()).is_ok());
    }
}
