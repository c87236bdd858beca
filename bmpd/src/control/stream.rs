//! Answers that go on: to those who watch events, or follow a reset.
//!
//! Who watches may stop reading for a while without losing the connection, because what is told is the
//! newest at the time, and nothing piles up here. So there is no patience to run out, and what ends such a
//! connection is the client that closes it, which is watched for all the time.

use interprocess::local_socket::tokio::Stream;
use shared::frame::FrameError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Waits until the client has closed, or sent more than its request.
pub(super) async fn closed(mut stream: &Stream) {
    let mut byte = [0];
    let _ = stream.read(&mut byte).await;
}

/// Sends a whole frame, however long the client takes over it.
pub(super) async fn send(stream: &Stream, frame: &[u8]) -> Result<(), FrameError> {
    let mut half = stream;
    tokio::select! {
        written = half.write_all(frame) => Ok(written?),
        () = closed(stream) => Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe).into()),
    }
}
