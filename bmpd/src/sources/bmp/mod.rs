//! Monitored routers that speak BMP to us (RFC 7854).
//!
//! ```text
//!   world: start, end, configure ──> RouterDirectory <── admit ── listener (one a place and address)
//!                                       │
//!   router ──TCP──> listener ───────────┼── one of a proxy: its header says which router it is of
//!                                       ├── one of a prefix: waits for its Initiation, which names it
//!                                       v
//!                                     Task, one a router, however many addresses and connections it has
//!                                       ├── Connection: socket, bytes
//!                                       └── Intake: messages ──> the router's peers and tables (routers)
//! ```
//!
//! A router has one connection at a time, and the newest is the one that counts. Its task outlives the connection: its
//! tables are kept for `hold-time`, and the stations see nothing of that. The work of a task in a row is bounded, and
//! routers and neighbors share the places to work ([`super::turn`]).
#![forbid(unsafe_code)]

mod challengers;
pub(crate) mod changes;
mod connection;
mod directory;
mod identify;
mod intake;
mod proxied;
mod tables;
mod task;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use shared::response::{RouterEntry, RouterReport};
use tokio::sync::{mpsc, oneshot};

pub(crate) use self::directory::{RouterDirectory, RouterEntryId};
pub(crate) use self::tables::tables_of;
use crate::config;
use crate::net::stream::Stream;
use crate::net::tcp::TcpStream;

/// A connection of a router, and what was read of it.
struct Incoming {
    stream: Stream,
    /// The router's end; of one that a proxy carries, what its header says.
    remote: SocketAddr,
    is_carried: bool,
    read: Vec<u8>,
}

impl Incoming {
    /// One that has just been accepted.
    fn new(stream: TcpStream, remote: SocketAddr, is_carried: bool) -> Self {
        Self { stream: Stream::Plain(stream), remote, is_carried, read: Vec::new() }
    }

    /// Closes it at once.
    fn refuse(self) {
        crate::net::tcp::abandon(self.stream.tcp());
    }
}

/// What the task of a router can be asked or ordered.
enum Command {
    Incoming(Incoming),
    Configure { config: Arc<config::Router>, initiation_timeout: Duration },
    Report { detailed: bool, reply: oneshot::Sender<Box<RouterReport>> },
    Entry { reply: oneshot::Sender<RouterEntry> },
    Reset { by: String, reply: oneshot::Sender<bool> },
    Stop,
}

/// The handle of a router.
#[derive(Debug, Clone)]
pub(crate) struct RouterHandle {
    id: shared::names::RouterId,
    commands: mpsc::Sender<Command>,
}

impl RouterHandle {
    /// Its name.
    pub(crate) fn id(&self) -> &shared::names::RouterId {
        &self.id
    }

    /// Describes it, with `detailed` also its peers; `None` if it has stopped.
    pub(crate) async fn report(&self, detailed: bool) -> Option<RouterReport> {
        self.ask(|reply| Command::Report { detailed, reply }).await.map(|report| *report)
    }

    /// Asks it for a few words about itself without waiting for it. `None` if that cannot even be asked now.
    pub(crate) fn ask_entry(&self) -> Option<oneshot::Receiver<RouterEntry>> {
        let (reply, answer) = oneshot::channel();
        self.commands.try_send(Command::Entry { reply }).ok()?;
        Some(answer)
    }

    /// Ends its connection, so that it sends everything anew; false if it had none. `None` if it has stopped.
    pub(crate) async fn reset(&self, by: String) -> Option<bool> {
        self.ask(|reply| Command::Reset { by, reply }).await
    }

    async fn configure(&self, config: Arc<config::Router>, initiation_timeout: Duration) {
        // One whose task is gone has stopped already.
        let _ = self.commands.send(Command::Configure { config, initiation_timeout }).await;
    }

    async fn stop(&self) {
        let _ = self.commands.send(Command::Stop).await;
    }

    /// Gives it a connection. One that has more of them waiting than it takes loses it.
    fn incoming(&self, incoming: Incoming) {
        if let Err(error) = self.commands.try_send(Command::Incoming(incoming))
            && let Command::Incoming(incoming) = error.into_inner()
        {
            incoming.refuse();
        }
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.ok()?;
        answer.await.ok()
    }
}
