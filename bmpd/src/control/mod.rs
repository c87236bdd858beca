//! The local socket: who asks, may they, and which handler answers.
//!
//! One task a connection; a connection is one request and its responses (`shared`). The caller's level
//! comes from the credentials that the system gives, never from what the caller sends. Everything is
//! bounded: connections at once, the size of a request, the time it may take. Who watches events, or follows
//! a reset, holds a place of another kind, so that however many do nobody else has to wait for one.

mod caller;
mod clear;
mod config;
mod follow;
mod monitor;
mod record;
mod reload;
mod reset;
mod show;
mod socket;
mod status;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use interprocess::local_socket::tokio::{Listener, Stream};
use interprocess::local_socket::traits::tokio::Listener as _;
use shared::frame::{self, FrameError, HEADER_LEN, Header, Kind};
use shared::request::Request;
use shared::response::{Failure, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tracing::{debug, warn};

use self::caller::Caller;
pub(crate) use self::socket::ControlSocket;
use crate::daemon::{MONITORS_MAX, World};

/// Connections served at once; further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 256;

/// Resets followed at once.
const FOLLOWERS_MAX: usize = 64;

/// The time that a client has for its request. bmpctl sends it at once; one that does not holds a place
/// that others may need.
const REQUEST_PATIENCE: Duration = Duration::from_secs(2);

/// The time that a client has for taking the response.
const RESPONSE_PATIENCE: Duration = Duration::from_secs(5);

/// Serves the socket, for ever.
pub(crate) async fn run(socket: &ControlSocket, world: Arc<World>) {
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let followers = Arc::new(Semaphore::new(FOLLOWERS_MAX));
    let listener: &Listener = socket.listener();
    let mut failing = false;
    loop {
        // The semaphore is never closed.
        let Ok(permit) = Arc::clone(&connections).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok(stream) => {
                failing = false;
                let path = socket.path().to_owned();
                let world = Arc::clone(&world);
                let followers = Arc::clone(&followers);
                tokio::spawn(async move {
                    let caller = Caller::of(&stream, &path);
                    let places = Places { connection: permit, followers };
                    if let Err(error) = serve(stream, &caller, world, places).await {
                        debug!(%caller, "control connection: {error}");
                    }
                });
            }
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    warn!("cannot accept control connections: {error}");
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

/// What bounds the connections that are served at once.
struct Places {
    /// That of this one, until it turns out to be of another kind.
    connection: OwnedSemaphorePermit,
    /// Those of the ones that follow a reset.
    followers: Arc<Semaphore>,
}

/// How long an answer goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    /// It comes to an end by itself.
    Ends,
    /// It goes on for as long as the client likes.
    GoesOn,
}

async fn serve(
    mut stream: Stream,
    caller: &Caller,
    world: Arc<World>,
    places: Places,
) -> Result<(), FrameError> {
    let request = match tokio::time::timeout(REQUEST_PATIENCE, receive(&mut stream)).await {
        Ok(Ok(request)) => request,
        Ok(Err(FrameError::Io(error))) => return Err(error.into()),
        Ok(Err(error)) => {
            let text = format!(
                "bmpd {} cannot read the request: {error}; use the bmpctl that came with this bmpd",
                env!("CARGO_PKG_VERSION")
            );
            send(&mut stream, &frame::refusal(&text)).await?;
            return Err(error);
        }
        Err(_) => return Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
    };
    let mut course = Course::Ends;
    let mut place = places.connection;
    if caller.level() >= request.level() {
        match request {
            Request::Monitor => {
                // Those that find no place are told so below.
                if let Some(watching) = world.begin_monitor() {
                    drop(place);
                    return monitor::run(&stream, &world, watching).await;
                }
            }
            Request::ResetSession { follow: true, .. } => {
                match places.followers.try_acquire_owned() {
                    Ok(follower) => {
                        place = follower;
                        course = Course::GoesOn;
                    }
                    Err(_) => {
                        let busy = busy(FOLLOWERS_MAX, "commands that wait for a reset");
                        return send(&mut stream, &frame::encode(Kind::Response, &busy)?).await;
                    }
                }
            }
            _ => {}
        }
    }
    // What was ordered is done whether or not the client waits for it.
    let (answers, mut answered) = mpsc::channel(1);
    let asked = caller.clone();
    tokio::spawn(async move { answer(request, &asked, world, answers).await });
    loop {
        let response = match course {
            Course::Ends => answered.recv().await,
            Course::GoesOn => tokio::select! {
                response = answered.recv() => response,
                () = stream::closed(&stream) => None,
            },
        };
        let Some(response) = response else { break };
        let bytes = match frame::encode(Kind::Response, &response) {
            Ok(bytes) => bytes,
            Err(error) => frame::refusal(&format!("bmpd cannot send its answer: {error}")),
        };
        match course {
            Course::Ends => send(&mut stream, &bytes).await?,
            Course::GoesOn => stream::send(&stream, &bytes).await?,
        }
    }
    drop(place);
    Ok(())
}

fn busy(places: usize, whose: &str) -> Response {
    Response::Failed(Failure::Busy(format!(
        "bmpd serves {places} {whose} already, and no more at once: end one of them, or try again later"
    )))
}

async fn receive(stream: &mut Stream) -> Result<Request, FrameError> {
    let mut header = [0; HEADER_LEN];
    stream.read_exact(&mut header).await?;
    let Header { kind, len } = Header::parse(header)?;
    if kind != Kind::Request {
        return Err(FrameError::Kind(header[6]));
    }
    // At most 64 KiB, as the header has been checked.
    let mut body = vec![0; len];
    stream.read_exact(&mut body).await?;
    frame::decode(kind, &body)
}

async fn send(stream: &mut Stream, bytes: &[u8]) -> Result<(), FrameError> {
    match tokio::time::timeout(RESPONSE_PATIENCE, stream.write_all(bytes)).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
    }
}

async fn answer(
    request: Request,
    caller: &Caller,
    world: Arc<World>,
    answers: mpsc::Sender<Response>,
) {
    let needed = request.level();
    let response = if caller.level() < needed {
        let refusal = Failure::NotPermitted {
            needed,
            has: caller.level(),
            caller: caller.to_string(),
            group: None,
            file: world.config_path().display().to_string(),
        };
        let reason = crate::daemon::refusal(&refusal);
        record::command(&world.events, caller, &request.to_string(), Err(reason));
        Response::Failed(refusal)
    } else {
        match request {
            Request::ResetSession { selector, stagger, follow } => {
                return reset::session(selector, stagger, follow, caller, world, answers).await;
            }
            Request::PlanReset(selector) => reset::plan(&selector, &world).await,
            // Who has a place never comes here.
            Request::Monitor => busy(MONITORS_MAX as usize, "callers of monitor"),
            Request::Reload { dry_run } => reload::run(dry_run, caller, &world).await,
            Request::ShowSession(selector) => show::session(&selector, &world).await,
            Request::ShowNeighbor { address, vpn_instance } => {
                show::neighbor(address, vpn_instance, &world).await
            }
            Request::ShowVpnInstance(name) => show::vpn_instance(name, &world).await,
            Request::ShowConfig => config::run(&world).await,
            Request::ShowStatistics(selector) => show::statistics(&selector, &world).await,
            Request::ShowStatus => status::run(caller, &world).await,
            Request::ClearStatistics(selector) => clear::statistics(selector, caller, &world).await,
            Request::Directory => Response::Directory(world.directory().await),
        }
    };
    // The client may have gone away.
    let _ = answers.send(response).await;
}
