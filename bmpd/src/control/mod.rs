//! The local socket: identifies and authorizes callers, and selects handlers.
//!
//! One task a connection; a connection is one request and its responses (`shared`). The caller's level derives from the
//! credentials that the system provides, never from what the caller sends ([`access`]). It is checked when the request
//! has arrived, again when no reload can intervene any more, and whenever a reload changes levels while the answer
//! continues, so the newest levels apply. Everything is bounded: connections at once, those of one user, those of users
//! without a level, the size of a request, the time it may take, reports that are computed at a time and what of them
//! is unread ([`admission`]), the log lines of refusals. Clients that watch events, or follow a reset, hold a place of
//! another kind, so that they never delay others.
//!
//! A request that changes nothing is dropped when its client disconnects, or when bmpd stops; a change is completed.
#![forbid(unsafe_code)]

mod admission;
mod answer;
mod check;
mod clear;
mod config;
mod follow;
mod log;
mod monitor;
mod operations;
mod places;
mod publisher;
mod queries;
mod record;
mod reload;
mod reset;
mod route;
mod router;
mod show;
#[cfg(simulation)]
pub(crate) mod simulated;
mod socket;
mod status;
mod stream;

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use interprocess::local_socket::tokio::{Listener, Stream};
use interprocess::local_socket::traits::tokio::Listener as _;
use rustix::net::SendFlags;
use shared::frame::{self, FrameError, HEADER_LEN, Header, Kind};
use shared::request::{Level, Operation, Query, Request};
use shared::response::{CallerReport, Failure, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tracing::debug;

use self::admission::{Admission, Client};
use self::answer::Answer;
use self::places::{Holder, Limits, Places};
pub(crate) use self::socket::ControlSocket;
use crate::access::{Caller, PeerCredentials};
use crate::net::accepts::Accepts;
use crate::supervise::fault;
use crate::world::World;

/// Connections served at once beyond those of other users, reserved for root and bmpd's own user; further ones wait to
/// be accepted.
const PRIVILEGED: usize = 64;

/// The time that a client has for its request. bmpctl sends it at once; a slow client holds a place that others may
/// need.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);

/// The time that a client has for reading the response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Serves the socket, for ever.
pub(crate) async fn run(socket: &ControlSocket, world: Arc<World>) {
    let clients = world.config().control.clients;
    let places = clients.all as usize + PRIVILEGED + Limits::WITHOUT_LEVEL as usize;
    let connections = Arc::new(Semaphore::new(places));
    let admission = Admission::new();
    let followers = Places::new(Limits::going_on(&clients));
    let monitors = Places::new(Limits::going_on(&clients));
    let listener: &Listener = socket.listener();
    let users = Places::new(Limits::connections(&clients));
    let mut accepts = Accepts::default();
    loop {
        // The semaphore is never closed.
        let Ok(permit) = Arc::clone(&connections).acquire_owned().await else {
            return;
        };
        match accepts.note("control connections", listener.accept().await) {
            Ok(stream) => {
                let peer = PeerCredentials::of(&stream);
                let world = Arc::clone(&world);
                let holder = match world.access.is_privileged(&peer) {
                    true => Holder::Privileged,
                    false if world.access.is_known_without_level(&peer) => {
                        Holder::WithoutLevel(peer.uid)
                    }
                    false => Holder::User(peer.uid),
                };
                let Some(user) = users.take(holder) else {
                    refuse_at_once(&stream, &users.busy(holder, "connections"));
                    continue;
                };
                let (followers, monitors) = (followers.clone(), monitors.clone());
                let client = admission.client(holder);
                tokio::spawn(async move {
                    let connection = permit;
                    let held =
                        Held { connection, holder, _user: user, followers, monitors, client };
                    if let Err(error) = serve(stream, &peer, world, held).await {
                        debug!(uid = peer.uid, "control connection: {error}");
                    }
                });
            }
            Err(pause) => tokio::time::sleep(pause).await,
        }
    }
}

/// The places that a connection holds, or may change to.
struct Held {
    /// That of this one, until it turns out to be of another kind.
    connection: OwnedSemaphorePermit,
    holder: Holder,
    /// That of the caller's own, whatever its kind.
    _user: places::HeldPlace,
    /// Those of clients that follow a reset.
    followers: Places,
    /// Those of clients that watch events.
    monitors: Places,
    /// For reports.
    client: Client,
}

/// Sends why there is no place, as far as the socket accepts it now: the next connection must not wait for this one.
fn refuse_at_once(stream: &Stream, busy: &Response) {
    let Stream::UdSocket(socket) = stream;
    if let Ok(bytes) = frame::encode(Kind::Response, busy) {
        let _ =
            rustix::net::send(socket.as_fd(), &bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
    }
}

/// Sends why there is no answer: a few bytes, for which the socket has room.
async fn send_away(stream: Stream, busy: Response) -> Result<(), FrameError> {
    send(&stream, &frame::encode(Kind::Response, &busy)?).await
}

async fn serve(
    stream: Stream,
    peer: &PeerCredentials,
    world: Arc<World>,
    held: Held,
) -> Result<(), FrameError> {
    let received = match tokio::time::timeout(REQUEST_TIMEOUT, receive(&stream)).await {
        Ok(received) => received,
        Err(_) => return Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
    };
    if let Err(FrameError::Io(error)) = received {
        return Err(error.into());
    }
    // On the heap: a connection whose request has not arrived must not reserve memory for an answer.
    Box::pin(handle_request(received, stream, peer, world, held)).await
}

/// Executes a request, if its caller is authorized.
async fn handle_request(
    received: Result<Request, FrameError>,
    stream: Stream,
    peer: &PeerCredentials,
    world: Arc<World>,
    held: Held,
) -> Result<(), FrameError> {
    let caller = world.access.caller(peer).await;
    let request = match received {
        Ok(request) => request,
        // A caller without a level learns only that, if it can read the answer.
        Err(error)
            if caller.level() < Level::Monitoring && !matches!(error, FrameError::Version(_)) =>
        {
            let refusal =
                refuse(Level::Monitoring, "a request that cannot be read", &caller, &world);
            let response = Response::Failed(refusal.await);
            send(&stream, &frame::encode(Kind::Response, &response)?).await?;
            return Err(error);
        }
        Err(error) => {
            let text = format!(
                "bmpd {} cannot read the request: {error}; use the bmpctl that came with this bmpd",
                env!("CARGO_PKG_VERSION")
            );
            send(&stream, &frame::refusal(&text)).await?;
            return Err(error);
        }
    };
    fault("control.request");
    let (needed, command) = (request.level(), request.to_string());
    if caller.level() < needed {
        let response = Response::Failed(refuse(needed, &command, &caller, &world).await);
        return send(&stream, &encode(Kind::Response, &response)?).await;
    }
    match request {
        Request::Monitor(which) => {
            let Some(_place) = held.monitors.take(held.holder) else {
                return send_away(stream, held.monitors.busy(held.holder, "monitors")).await;
            };
            let follower = match world.follow_events(which) {
                Ok(follower) => follower,
                Err(failure) => return send_away(stream, Response::Failed(failure)).await,
            };
            drop(held.connection);
            let revoked = revoked(needed, &command, peer, &world);
            monitor::run(&stream, &world, follower, world.begin_monitor(), revoked).await
        }
        Request::Routes(show) => {
            let Some(_place) = held.followers.take(held.holder) else {
                let busy = held.followers.busy(held.holder, "commands that read routes");
                return send_away(stream, busy).await;
            };
            let report = match route::Report::new(show, &held.client, &world) {
                Ok(report) => report,
                Err(failure) => return send_away(stream, Response::Failed(failure)).await,
            };
            drop(held.connection);
            stream::run(&stream, report, revoked(needed, &command, peer, &world)).await
        }
        Request::Query(query) => {
            let _connection = held.connection;
            Box::pin(report(&stream, query, &caller, &world, &held.client)).await
        }
        Request::Operation(operation) if operations::goes_on(&operation) => {
            let Some(_place) = held.followers.take(held.holder) else {
                let busy = held.followers.busy(held.holder, "commands that wait for a reset");
                return send_away(stream, busy).await;
            };
            drop(held.connection);
            let mut answered = begin(operation, caller, Arc::clone(&world));
            // The first answer reports whether anything was started, even if a level is revoked meanwhile.
            let Some(first) = answered.recv().await else { return Ok(()) };
            send(&stream, &encode(Kind::Response, &first)?).await?;
            match first {
                Response::Failed(_) => Ok(()),
                _ => stream::run(&stream, answered, revoked(needed, &command, peer, &world)).await,
            }
        }
        Request::Operation(operation) => {
            let _connection = held.connection;
            let mut answered = begin(operation, caller, world);
            while let Some(response) = answered.recv().await {
                send(&stream, &encode(Kind::Response, &response)?).await?;
            }
            Ok(())
        }
    }
}

/// Starts a change; it is completed whether or not the client waits for it. Returns the channel of its answers.
fn begin(operation: Operation, caller: Caller, world: Arc<World>) -> mpsc::Receiver<Response> {
    let (answers, answered) = mpsc::channel(1);
    tokio::spawn(async move { operations::run(operation, &caller, world, answers).await });
    answered
}

/// The frame of an answer, or of the failure that it is too long.
fn encode(kind: Kind, response: &Response) -> Result<Vec<u8>, FrameError> {
    frame::encode(kind, response).or_else(|error| too_long(&error))
}

/// The frame of the failure that an answer is too long; nothing follows it.
fn too_long(error: &FrameError) -> Result<Vec<u8>, FrameError> {
    let text = format!("bmpd cannot send its answer, ask for less: {error}");
    frame::encode(Kind::Response, &Response::Failed(Failure::Other(text)))
}

async fn receive(mut stream: &Stream) -> Result<Request, FrameError> {
    let mut header = [0; HEADER_LEN];
    stream.read_exact(&mut header).await?;
    let Header { kind, len } = Header::parse(header)?;
    if kind != Kind::Request {
        return Err(FrameError::Kind(header[6]));
    }
    // At most 64 KiB, as the header has been checked, and no more than has arrived.
    let mut body = Vec::new();
    stream.take(len as u64).read_to_end(&mut body).await?;
    if body.len() < len {
        return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
    }
    frame::decode(kind, &body)
}

async fn send(mut stream: &Stream, bytes: &[u8]) -> Result<(), FrameError> {
    match tokio::time::timeout(RESPONSE_TIMEOUT, stream.write_all(bytes)).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
    }
}

/// Answers a request that changes nothing, while its client is connected.
async fn report(
    stream: &Stream,
    query: Query,
    caller: &Caller,
    world: &World,
    client: &Client,
) -> Result<(), FrameError> {
    let answer = Answer::new(stream, client, queries::work(&query), world);
    tokio::select! {
        biased;
        sent = queries::run(query, caller, world, &answer) => sent,
        () = answer::gone(stream) => Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe).into()),
    }
}

/// Refuses a command: records that, and answers with the level that it needs.
async fn refuse(needed: Level, command: &str, caller: &Caller, world: &World) -> Failure {
    if world.access.refusals.count(caller.uid()) {
        record::refusal(&world.events, caller, command, needed);
    }
    not_permitted(needed, caller, world).await
}

/// Authorizes a caller once more, now that no reload can intervene: one may have revoked its level while the command
/// waited for its turn.
async fn still_permitted(needed: Level, caller: &Caller, world: &World) -> Result<(), Failure> {
    let caller = world.access.again(caller).await;
    match caller.level() < needed {
        true => Err(not_permitted(needed, &caller, world).await),
        false => Ok(()),
    }
}

/// Waits until a reload has revoked the level that a command in progress needs: recorded, and answered as the command
/// would be now.
async fn revoked(needed: Level, command: &str, peer: &PeerCredentials, world: &World) -> Failure {
    let caller = world.access.revoked(peer, needed).await;
    record::revoked(&caller, command, needed);
    not_permitted(needed, &caller, world).await
}

async fn not_permitted(needed: Level, caller: &Caller, world: &World) -> Failure {
    let CallerReport { name, level, because } = caller.report();
    Failure::NotPermitted {
        needed,
        has: level,
        caller: name,
        because,
        group: world.access.group_for(needed, caller).await,
        file: world.config_path().display().to_string(),
    }
}
