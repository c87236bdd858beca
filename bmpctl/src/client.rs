//! One question to bmpd and its answer, over the local socket.

use std::io::{self, Write};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use interprocess::ConnectWaitMode;
use interprocess::local_socket::{
    ConnectOptions, GenericFilePath, Stream, ToFsName, traits::Stream as _,
};
use shared::frame::{self, FrameError, Kind};
use shared::request::Request;
use shared::response::Response;

/// How long bmpd may take to accept the connection, at most.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No socket lies there.
    #[error(
        "no bmpd at {0}: there is no such socket; start bmpd, or name its socket with --socket or BMPD_SOCKET"
    )]
    NoSocket(PathBuf),
    /// A socket lies there, and nobody listens.
    #[error("no bmpd at {0}: it has left its socket behind; start bmpd again")]
    NobodyListens(PathBuf),
    /// Something else lies there.
    #[error("{0} is not a socket: name that of bmpd with --socket or BMPD_SOCKET")]
    NotASocket(PathBuf),
    /// The system does not let the caller connect.
    #[error(
        "not permitted to use {path}: ask as root or as the user that runs bmpd, or be a member of the socket's group (ls -l {path})"
    )]
    NotPermitted {
        /// The socket.
        path: PathBuf,
    },
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
    /// What came back is not an answer.
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
            io::ErrorKind::PermissionDenied => Self::NotPermitted { path },
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

fn is_socket(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.file_type().is_socket())
}

/// A request that was sent.
#[derive(Debug)]
pub struct Conversation {
    socket: PathBuf,
    stream: Stream,
    /// How long bmpd may be silent.
    patience: Duration,
    /// How sending went. bmpd may refuse before it has read all; what it says then is worth more than the
    /// broken pipe.
    written: io::Result<()>,
}

/// Asks bmpd, which may be silent for `patience` at a time; it has more than one answer to some requests.
pub fn begin(
    socket: &Path,
    request: &Request,
    patience: Duration,
) -> Result<Conversation, ClientError> {
    let mut stream = connect(socket, patience).map_err(|error| ClientError::of(socket, error))?;
    let question = frame::encode(Kind::Request, request)
        .map_err(|error| ClientError::of_frame(socket, error))?;
    let written = stream.write_all(&question);
    Ok(Conversation { socket: socket.to_owned(), stream, patience, written })
}

impl Conversation {
    /// Waits for the next answer, which may take this much longer than usual.
    pub fn next(&mut self, longer: Duration) -> Result<Response, ClientError> {
        let Self { socket, stream, patience, written } = self;
        let frame_error = |error| ClientError::of_frame(socket, error);
        stream
            .set_recv_timeout(Some(*patience + longer))
            .map_err(|error| ClientError::of(socket, error))?;
        match frame::read(stream) {
            Ok((Kind::Response, body)) => frame::decode(Kind::Response, &body).map_err(frame_error),
            Ok((Kind::Refusal, text)) => {
                Err(ClientError::Refused(String::from_utf8_lossy(&text).into_owned()))
            }
            Ok((Kind::Request, _)) => Err(frame_error(FrameError::Kind(0))),
            Err(error) => match std::mem::replace(written, Ok(())) {
                Ok(()) => Err(frame_error(error)),
                Err(error) => Err(ClientError::of(socket, error)),
            },
        }
    }
}

fn connect(socket: &Path, patience: Duration) -> io::Result<Stream> {
    let stream = ConnectOptions::new()
        .name(socket.to_fs_name::<GenericFilePath>()?)
        .wait_mode(ConnectWaitMode::Timeout(patience.min(CONNECT_PATIENCE)))
        .connect_sync()?;
    stream.set_send_timeout(Some(patience))?;
    Ok(stream)
}
