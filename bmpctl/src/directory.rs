//! The names that bmpd has, for callers that can do without: completion and suggestions.
//!
//! No error is reported when there are none.

use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use shared::request::{Query, Request};
use shared::response::{Directory, Response};

use crate::client;

/// Requests the names from bmpd, and waits at most `deadline` for all of it: a bmpd that is busy, or a socket
/// of another program, must not keep an operator from typing.
pub(crate) fn ask(socket: PathBuf, deadline: Duration) -> Option<Directory> {
    let (sender, answered) = mpsc::channel();
    // The client's timeout is for each read; the deadline is for everything, however slowly data arrives.
    let asking = move || {
        let answer = client::begin(&socket, &Request::Query(Query::Directory), deadline)
            .and_then(|mut talk| talk.next(Duration::ZERO));
        // The caller may have stopped waiting.
        let _ = sender.send(answer);
    };
    thread::Builder::new().spawn(asking).ok()?;
    match answered.recv_timeout(deadline) {
        Ok(Ok(Response::Directory(directory))) => Some(directory),
        _ => None,
    }
}
