//! The task of one neighbor: when to connect, which connection is kept, and updates of the tables.

mod task;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use shared::names::NeighborId;
use shared::response::{NeighborEntry, NeighborReport};
use tokio::sync::{Notify, mpsc, oneshot};
use tracing::debug;

use self::task::Task;
use crate::config::{self};
use crate::events::Events;
use crate::net::tcp::TcpStream;
use crate::quota::NeighborQuota;
use crate::routers::{Peer, Router};
use crate::sources::pending::{PendingConnections, PendingPlace};
use crate::sources::turn::Places;
use crate::wire::notification::Code;

/// The commands to a neighbor's task.
enum Command {
    Incoming(TcpStream, Option<PendingPlace>),
    Report { with_messages: bool, reply: oneshot::Sender<Box<NeighborReport>> },
    Entry { reply: oneshot::Sender<NeighborEntry> },
    Configure(Arc<config::Neighbor>),
    Stop(Stop),
}

/// Why a neighbor stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// bmpd exits.
    Exit,
    /// It was removed from the configuration.
    Removed,
    /// It is started again with another configuration.
    Reconfigured,
    /// Its place in its prefix went to another neighbor.
    Displaced,
    /// It is one of a prefix and has been gone for a while.
    Expired,
}

impl Stop {
    /// The NOTIFICATION to send.
    fn code(self) -> Code {
        match self {
            Stop::Exit | Stop::Expired => Code::AdministrativeShutdown,
            Stop::Removed => Code::PeerDeconfigured,
            Stop::Reconfigured => Code::OtherConfigurationChange,
            Stop::Displaced => Code::ConnectionRejected,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Stop::Exit => "bmpd is stopping",
            Stop::Removed => "removed from the configuration",
            Stop::Reconfigured => "its configuration has changed",
            Stop::Displaced => "its place went to another neighbor of its prefix",
            Stop::Expired => "it has been gone for a while",
        }
    }
}

/// What a neighbor is made of.
pub(super) struct Setup {
    /// Its name.
    pub(super) id: NeighborId,
    /// What is configured for it, or for the prefix that it is in.
    pub(super) config: Arc<config::Neighbor>,
    /// Our AS number.
    pub(super) asn: u32,
    /// Our BGP Identifier.
    pub(super) router_id: Ipv4Addr,
    /// True if it is one of a prefix: its task ends when it has been down for a while.
    pub(super) dynamic: bool,
    /// What is logged of it.
    pub(super) quota: NeighborQuota,
    /// Connections whose OPEN has not come.
    pub(super) pending: PendingConnections,
    /// The places to work for busy links.
    pub(super) places: Places,
    /// Its tables.
    pub(super) peer: Arc<Peer>,
    /// The router whose peer it is: bmpd itself.
    pub(super) router: Arc<Router>,
    /// Where changes of its state are sent.
    pub(super) events: Events,
}

/// bmpd's handle of a neighbor.
#[derive(Debug, Clone)]
pub(crate) struct Neighbor {
    id: NeighborId,
    commands: mpsc::Sender<Command>,
    claim: Arc<Claim>,
}

/// A neighbor's claim to its place among those of its prefix.
#[derive(Debug, Default)]
struct Claim {
    /// True once it has sent a valid OPEN.
    has_opened: AtomicBool,
    /// True once its place has gone to another neighbor.
    is_displaced: AtomicBool,
    /// Notified then.
    displaced: Notify,
}

impl Neighbor {
    /// Starts a neighbor; its task ends when it is stopped and its connections are closed.
    pub(super) fn start(setup: Setup) -> (Self, tokio::task::JoinHandle<()>) {
        let (commands, receiver) = mpsc::channel(16);
        let (id, claim) = (setup.id.clone(), Arc::<Claim>::default());
        let task = Task::new(setup, receiver, Arc::clone(&claim));
        (Self { id, commands, claim }, tokio::spawn(task.run()))
    }

    /// The neighbor's name.
    pub(crate) fn id(&self) -> &NeighborId {
        &self.id
    }

    /// Passes on a connection that the neighbor made, and the place that it has until its OPEN was received. One
    /// too many is dropped.
    pub(super) fn incoming(&self, stream: TcpStream, place: Option<PendingPlace>) {
        if self.commands.try_send(Command::Incoming(stream, place)).is_err() {
            debug!("a connection was dropped: its neighbor is busy or stopped");
        }
    }

    /// Describes the neighbor, with the bytes of its last malformed UPDATE if they are wanted; `None` if it has
    /// stopped.
    pub(crate) async fn report(&self, with_messages: bool) -> Option<NeighborReport> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::Report { with_messages, reply }).await.ok()?;
        answer.await.ok().map(|report| *report)
    }

    /// Requests a short report from the neighbor without waiting for it: it may be busy. `None` if even the
    /// request is not possible now.
    pub(super) fn ask_entry(&self) -> Option<oneshot::Receiver<NeighborEntry>> {
        let (reply, answer) = oneshot::channel();
        self.commands.try_send(Command::Entry { reply }).ok()?;
        Some(answer)
    }

    /// The same, from a neighbor that may be busy; `None` if it has stopped.
    pub(crate) async fn entry(&self) -> Option<NeighborEntry> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::Entry { reply }).await.ok()?;
        answer.await.ok()
    }

    /// Passes the neighbor what can change while its session runs.
    pub(super) async fn configure(&self, config: Arc<config::Neighbor>) {
        // A neighbor whose task is gone has stopped already.
        let _ = self.commands.send(Command::Configure(config)).await;
    }

    /// True once it has sent a valid OPEN.
    pub(super) fn has_opened(&self) -> bool {
        self.claim.has_opened.load(Ordering::Relaxed)
    }

    /// Marks a valid OPEN as received.
    #[cfg(test)]
    pub(super) fn note_open(&self) {
        self.claim.has_opened.store(true, Ordering::Relaxed);
    }

    /// Stops the neighbor, whose place in its prefix goes to another one.
    pub(super) fn displace(&self) {
        self.claim.is_displaced.store(true, Ordering::Relaxed);
        self.claim.displaced.notify_one();
    }

    /// Ends the session with a NOTIFICATION and stops.
    pub(crate) async fn stop(&self, stop: Stop) {
        // A neighbor whose task is gone has stopped already.
        let _ = self.commands.send(Command::Stop(stop)).await;
    }
}
