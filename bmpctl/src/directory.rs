//! The names that bmpd has, for those who can do without: completion and suggestions.
//!
//! Nothing is ever said about why there are none.

use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use shared::request::{Query, Request};
use shared::response::{Directory, Response};

use crate::client;

/// Asks bmpd for its names, and waits at most `deadline` for all of it: a bmpd that is busy, or a socket
/// that somebody else holds, must not keep an operator from typing.
pub(crate) fn ask(socket: PathBuf, deadline: Duration) -> Option<Directory> {
    let (sender, answered) = mpsc::channel();
    // The client's timeout is for each read; the deadline is for everything, whatever trickles in.
    let asking = move || {
        let answer = client::begin(&socket, &Request::Query(Query::Directory), deadline)
            .and_then(|mut talk| talk.next(Duration::ZERO));
        // Nobody may be waiting any more.
        let _ = sender.send(answer);
    };
    thread::Builder::new().spawn(asking).ok()?;
    match answered.recv_timeout(deadline) {
        Ok(Ok(Response::Directory(directory))) => Some(directory),
        _ => None,
    }
}
