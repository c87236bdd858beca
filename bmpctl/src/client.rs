//! One request to bmpd and its responses, over the local socket.

use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use shared::account;
use shared::frame::{self, FrameError, Kind};
use shared::request::{Level, Request};
use shared::response::Response;

use crate::permission;

/// The longest answer that is accepted, all of its parts together: 256 MiB.
const ANSWER_MAX: usize = 256 << 20;

/// The timeout of a lookup of the name of the socket's group.
const NAME_TIMEOUT: Duration = Duration::from_secs(1);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no socket.
    #[error(
        "no bmpd at {0}: there is no such socket; start bmpd, or name its socket with --socket or BMPD_SOCKET"
    )]
    NoSocket(PathBuf),
    /// There is a socket, and nothing listens.
    #[error("no bmpd at {0}: it has left its socket behind; start bmpd again")]
    NobodyListens(PathBuf),
    /// There is something else.
    #[error("{0} is not a socket: name that of bmpd with --socket or BMPD_SOCKET")]
    NotASocket(PathBuf),
    /// Connecting is not permitted: the caller has no level.
    #[error(
        "not permitted to use {path}: the command needs level {} ({}), and you have none; ask as root or as the user that runs bmpd{}, or let [control] in bmpd's configuration give you the level",
        needed.number(), needed.name(), group.as_deref().map(permission::join_group).unwrap_or_default()
    )]
    NotPermitted {
        /// The socket.
        path: PathBuf,
        /// What the command needs.
        needed: Level,
        /// The group of the socket, whose members may use it.
        group: Option<String>,
    },
    /// The folder of the socket is not accessible to the caller.
    #[error(
        "not permitted to look for bmpd at {0}: one of its folders is closed to you; ask as root or as the user that runs bmpd, or have the folder opened (chmod o+x)"
    )]
    FolderClosed(PathBuf),
    /// The queue of connections that bmpd has not accepted was full all the time.
    #[error(
        "bmpd at {path} has not accepted the connection within {} s: its queue is full; it is stopped or overloaded, or \
         another user connects in a loop; nothing was done, so try again, with a longer --timeout if need be",
        waited.as_secs_f32()
    )]
    QueueFull {
        /// The socket.
        path: PathBuf,
        /// How long that was tried.
        waited: Duration,
    },
    /// The parts of the answer do not belong together, or are too many.
    #[error(
        "what answers at {0} sends parts that are no answer; use the bmpctl that came with bmpd"
    )]
    Parts(PathBuf),
    /// bmpd is there and does not answer.
    #[error(
        "bmpd at {0} does not answer: it is stopped or overloaded; it may still do what was asked"
    )]
    Silent(PathBuf),
    /// The connection ended before the answer.
    #[error("bmpd at {0} ended the connection without an answer: see its log")]
    Ended(PathBuf),
    /// bmpd does not read this protocol version, or something else is at the socket.
    #[error("{0}")]
    Refused(String),
    /// What was received is not an answer.
    #[error("what answers at {0} cannot be understood: {1}; use the bmpctl that came with bmpd")]
    NotUnderstood(PathBuf, FrameError),
    /// Any other error of the system.
    #[error("cannot talk to bmpd at {0}: {1}")]
    Io(PathBuf, io::Error),
}

impl ClientError {
    fn of(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::NoSocket(path),
            io::ErrorKind::ConnectionRefused if !is_socket(&path) => Self::NotASocket(path),
            io::ErrorKind::ConnectionRefused => Self::NobodyListens(path),
            // The level that is needed is not known here: see `NotPermitted`.
            io::ErrorKind::PermissionDenied => Self::FolderClosed(path),
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::Silent(path),
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe => Self::Ended(path),
            _ => Self::Io(path, error),
        }
    }

    fn of_frame(path: &Path, error: FrameError) -> Self {
        match error {
            FrameError::Io(error) => Self::of(path, error),
            error => Self::NotUnderstood(path.to_owned(), error),
        }
    }
}

/// Why the caller may not connect.
fn not_permitted(path: &Path, request: &Request) -> ClientError {
    let Ok(found) = std::fs::metadata(path) else {
        return ClientError::FolderClosed(path.to_owned());
    };
    // Nobody is advised to join root's group.
    let gid = Some(found.gid()).filter(|gid| *gid != 0 && found.mode() & 0o020 != 0);
    let group = gid.map(|gid| {
        let name = account::within(NAME_TIMEOUT, move || account::group_name(gid));
        name.and_then(Result::ok).flatten().unwrap_or_else(|| gid.to_string())
    });
    ClientError::NotPermitted { path: path.to_owned(), needed: request.level(), group }
}

fn is_socket(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.file_type().is_socket())
}

/// A request that was sent.
#[derive(Debug)]
pub struct Conversation {
    socket: PathBuf,
    stream: UnixStream,
    /// How long bmpd may be silent.
    timeout: Duration,
    /// The result of sending. bmpd may refuse before it has read all; its answer then has precedence over the
    /// broken pipe.
    written: io::Result<()>,
    /// What was read and is not yet a whole answer.
    read: Vec<u8>,
    /// The parts of the answer that have come, and how many bytes they had.
    parts: Option<(Response, usize)>,
    /// When something was last read.
    received: Instant,
}

/// Sends a request to bmpd, which may be silent for `timeout` at a time; some requests have several answers.
pub fn begin(
    socket: &Path,
    request: &Request,
    timeout: Duration,
) -> Result<Conversation, ClientError> {
    let mut stream = open(socket, timeout).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => not_permitted(socket, request),
        io::ErrorKind::WouldBlock => {
            ClientError::QueueFull { path: socket.to_owned(), waited: timeout }
        }
        _ => ClientError::of(socket, error),
    })?;
    let question = frame::encode(Kind::Request, request)
        .map_err(|error| ClientError::of_frame(socket, error))?;
    let written = stream.write_all(&question);
    let (read, received) = (Vec::new(), Instant::now());
    let socket = socket.to_owned();
    Ok(Conversation { socket, stream, timeout, written, read, parts: None, received })
}

impl Conversation {
    /// Waits for the next answer, which may take this much longer than usual.
    pub fn next(&mut self, longer: Duration) -> Result<Response, ClientError> {
        self.received = Instant::now();
        loop {
            let left = (self.timeout + longer).saturating_sub(self.received.elapsed());
            if let Some(response) = self.poll(left, longer)? {
                return Ok(response);
            }
        }
    }

    /// Waits for the next answer for this long at most, or until a signal; `None` if it has not come
    /// as a whole, and the next call goes on with what has. bmpd may be silent for `longer` than usual.
    pub fn poll(
        &mut self,
        at_most: Duration,
        longer: Duration,
    ) -> Result<Option<Response>, ClientError> {
        if let Some(response) = self.take()? {
            return Ok(Some(response));
        }
        let mut bytes = [0; 16 * 1024];
        match self.receive(at_most, &mut bytes) {
            Ok(0) => {
                let written = std::mem::replace(&mut self.written, Ok(()));
                let end = || Err(io::Error::from(io::ErrorKind::UnexpectedEof));
                written.and_then(|()| end()).map_err(|error| ClientError::of(&self.socket, error))
            }
            Ok(count) => {
                self.received = Instant::now();
                self.read.extend_from_slice(&bytes[..count]);
                self.take()
            }
            Err(error) => match error.kind() {
                io::ErrorKind::Interrupted => Ok(None),
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                    if self.received.elapsed() < self.timeout + longer {
                        return Ok(None);
                    }
                    Err(ClientError::Silent(self.socket.clone()))
                }
                _ => {
                    let written = std::mem::replace(&mut self.written, Ok(()));
                    let error = written.err().unwrap_or(error);
                    Err(ClientError::of(&self.socket, error))
                }
            },
        }
    }

    fn receive(&mut self, at_most: Duration, bytes: &mut [u8]) -> io::Result<usize> {
        // The system treats zero as no limit.
        self.stream.set_read_timeout(Some(at_most.max(Duration::from_millis(1))))?;
        self.stream.read(bytes)
    }

    /// The answer that has come as a whole, if there is one.
    fn take(&mut self) -> Result<Option<Response>, ClientError> {
        let frame_error = |error| ClientError::of_frame(&self.socket, error);
        loop {
            let Some((kind, body)) = frame::take(&mut self.read).map_err(frame_error)? else {
                return Ok(None);
            };
            let len = body.len();
            let response = match kind {
                Kind::Response | Kind::Part => frame::decode(kind, &body).map_err(frame_error)?,
                Kind::Refusal => {
                    let text = String::from_utf8_lossy(&body).into_owned();
                    return Err(ClientError::Refused(text));
                }
                Kind::Request => return Err(frame_error(FrameError::Kind(0))),
            };
            let (whole, len) = match (self.parts.take(), response) {
                (None, response) => (response, len),
                // It ends the answer, whatever was received before.
                (Some(_), failed @ Response::Failed(_)) => (failed, len),
                (Some((mut parts, before)), part) => {
                    if !parts.append(part) {
                        return Err(ClientError::Parts(self.socket.clone()));
                    }
                    (parts, before + len)
                }
            };
            if kind == Kind::Response {
                return Ok(Some(whole));
            }
            if len > ANSWER_MAX {
                return Err(ClientError::Parts(self.socket.clone()));
            }
            self.parts = Some((whole, len));
        }
    }
}

/// Connects. While bmpd's queue of connections is full the system waits for room, at most this long: the error is
/// `WouldBlock` then.
fn open(socket: &Path, timeout: Duration) -> io::Result<UnixStream> {
    let address = SocketAddrUnix::new(socket)?;
    let stream = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    let until = Instant::now() + timeout;
    loop {
        // The system treats zero as no limit.
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        set_socket_timeout(&stream, Timeout::Send, Some(left))?;
        match connect(&stream, &address) {
            Ok(()) => break,
            // A signal, which the caller checks for.
            Err(Errno::INTR) if Instant::now() < until => {}
            Err(Errno::INTR) => return Err(io::ErrorKind::WouldBlock.into()),
            Err(error) => return Err(error.into()),
        }
    }
    let stream = UnixStream::from(stream);
    stream.set_write_timeout(Some(timeout))?;
    Ok(stream)
}
