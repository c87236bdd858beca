//! Sending a report: part by part, each computed in its turn ([`super::admission`]) and only while the client is
//! connected.
//!
//! One part per connection is in memory. It is computed and encoded during the user's turn, and sent outside of it; the
//! next one is started when the client has read it. So the memory of a report does not grow with the configuration, and
//! a client that reads nothing costs one part until its timeout.

use std::os::fd::AsFd;

use interprocess::local_socket::tokio::Stream;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use shared::frame::{self, FrameError, Kind};
use shared::response::{Failure, Response};
use tokio::io::AsyncReadExt;

use super::admission::{Client, Work};
use crate::world::World;

/// How many sessions or neighbors a part of a report has at most.
pub(super) const PART: usize = 128;

/// The destination of a report.
pub(super) struct Answer<'a> {
    stream: &'a Stream,
    client: &'a Client,
    work: Work,
    world: &'a World,
}

impl<'a> Answer<'a> {
    pub(super) fn new(
        stream: &'a Stream,
        client: &'a Client,
        work: Work,
        world: &'a World,
    ) -> Self {
        Self { stream, client, work, world }
    }

    /// Does preparatory work for the report in its turn.
    pub(super) async fn prepare<T>(&self, work: impl Future<Output = T>) -> T {
        let _turn = self.client.turn(self.work).await;
        work.await
    }

    /// Sends a report that has one part.
    pub(super) async fn whole(
        &self,
        report: impl Future<Output = Response>,
    ) -> Result<(), FrameError> {
        self.send(Kind::Response, report).await.map(drop)
    }

    /// Sends a part; false if it turned out to be a failure, which is the last.
    pub(super) async fn part(
        &self,
        part: impl Future<Output = Response>,
    ) -> Result<bool, FrameError> {
        self.send(Kind::Part, part).await
    }

    /// Sends a report about all these, a number of them at a time: `describe` makes a part of some.
    pub(super) async fn parts<T, F>(
        &self,
        all: impl IntoIterator<Item = T>,
        describe: impl Fn(Vec<T>) -> F,
    ) -> Result<(), FrameError>
    where
        F: Future<Output = Response>,
    {
        let mut rest = all.into_iter().peekable();
        loop {
            let some: Vec<T> = rest.by_ref().take(PART).collect();
            let is_last = rest.peek().is_none();
            let kind = if is_last { Kind::Response } else { Kind::Part };
            if !self.send(kind, describe(some)).await? || is_last {
                return Ok(());
            }
        }
    }

    async fn send(
        &self,
        kind: Kind,
        report: impl Future<Output = Response>,
    ) -> Result<bool, FrameError> {
        let computed = async {
            let turn = self.client.turn(self.work).await;
            if is_closed(self.stream) {
                return Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
            }
            Ok((report.await, Some(turn)))
        };
        let (response, turn) = tokio::select! {
            biased;
            () = self.world.stopping() => (Response::Failed(Failure::Stopping), None),
            computed = computed => computed?,
        };
        let goes_on = kind == Kind::Part && !matches!(response, Response::Failed(_));
        let kind = if goes_on { Kind::Part } else { Kind::Response };
        let (bytes, fits) = match frame::encode(kind, &response) {
            Ok(bytes) => (bytes, true),
            Err(error) => (super::too_long(&error)?, false),
        };
        drop(response);
        let unread = turn.map(|turn| turn.end(bytes.len()));
        super::send(self.stream, &bytes).await?;
        drop((bytes, unread));
        // A client that reads quickly must not monopolize a worker.
        tokio::task::yield_now().await;
        Ok(goes_on && fits)
    }
}

/// True if the client has closed the connection, and not only its half of it.
fn is_closed(stream: &Stream) -> bool {
    let Stream::UdSocket(socket) = stream;
    let mut polled = [PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut polled, Some(&now)).is_ok()
        && polled[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)
}

/// Waits until the client has closed the connection, or has sent more than its request. A client that has closed its
/// sending half only waits for the answer, as those of inetd(8) do.
pub(super) async fn gone(mut stream: &Stream) {
    let mut byte = [0];
    if matches!(stream.read(&mut byte).await, Ok(0)) && !is_closed(stream) {
        std::future::pending::<()>().await;
    }
}
