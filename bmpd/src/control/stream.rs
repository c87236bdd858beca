//! Continuous answers: to clients that watch events, follow a reset, or have sent one with a stagger.
//!
//! A client that watches may stop reading for a while without losing the connection, because what is sent is the newest
//! at the time, and nothing is queued here. So no timeout applies. The connection ends when the client closes it, which
//! is always detected, or when a reload revokes its level: then it gets a whole frame to its end, and the refusal, if
//! it reads them soon.

use std::pin::pin;

use interprocess::local_socket::tokio::Stream;
use shared::frame::{self, FrameError, Kind};
use shared::response::{Failure, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::RESPONSE_TIMEOUT;

/// Where the frames of an answer come from.
pub(super) trait Frames {
    /// The next one, when it is there; `None` if there are no more.
    fn next(&mut self) -> impl Future<Output = Result<Option<Vec<u8>>, FrameError>> + Send;
}

impl Frames for mpsc::Receiver<Response> {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        let response = self.recv().await;
        response.as_ref().map(|response| super::encode(Kind::Response, response)).transpose()
    }
}

/// Sends these frames until there are no more, the client closes, or the caller is `revoked`; the refusal is then the
/// last frame.
pub(super) async fn run(
    stream: &Stream,
    mut frames: impl Frames,
    revoked: impl Future<Output = Failure>,
) -> Result<(), FrameError> {
    let mut revoked = pin!(revoked);
    let refusal = loop {
        let frame = tokio::select! {
            biased;
            refusal = &mut revoked => break refusal,
            frame = frames.next() => frame?,
            () = closed(stream) => return Ok(()),
        };
        let Some(frame) = frame else { return Ok(()) };
        let mut sending = pin!(send(stream, &frame));
        tokio::select! {
            sent = &mut sending => sent?,
            refusal = &mut revoked => {
                soon(sending).await?;
                break refusal;
            }
        }
    };
    let refusal = frame::encode(Kind::Response, &Response::Failed(refusal))?;
    soon(send(stream, &refusal)).await
}

/// A client that is no longer authorized must not keep its place by not reading.
async fn soon(sending: impl Future<Output = Result<(), FrameError>>) -> Result<(), FrameError> {
    let timed_out = |_| std::io::Error::from(std::io::ErrorKind::TimedOut);
    timeout(RESPONSE_TIMEOUT, sending).await.map_err(timed_out)?
}

/// Waits until the client has closed, or sent more than its request.
async fn closed(mut stream: &Stream) {
    let mut byte = [0];
    let _ = stream.read(&mut byte).await;
}

/// Sends a whole frame, however long the client takes over it.
async fn send(stream: &Stream, frame: &[u8]) -> Result<(), FrameError> {
    let mut half = stream;
    tokio::select! {
        written = half.write_all(frame) => Ok(written?),
        () = closed(stream) => Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe).into()),
    }
}
