//! HTTP for those who watch bmpd: what it counts, for Prometheus, and a page for people.
//!
//! ```text
//!   scraper ── GET /metrics ──> a task each ── Report, Statistics ──> sessions, neighbors
//!   browser ── GET / ─────────>    (one gathers at a time) ──────────> Recent <── events
//! ```
//!
//! It only reads, and nothing of a request but its method and its path is looked at. A connection has one
//! request and ten seconds for all of it; there are as many as `[http]` says, a quarter of them from one address,
//! and further ones are closed. What it asks sessions and neighbors is what `bmpctl show` asks.
#![forbid(unsafe_code)]

mod metrics;
mod page;
mod recent;

use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderValue,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{Domain, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tracing::{debug, info};

use self::recent::Recent;
use crate::config::Http;
use crate::daemon::World;
use crate::net::accepts::Accepts;
use crate::net::listen::ListenError;
use crate::places::{Place, Places};
use crate::supervise::{caught, fault, panicked};

/// The time that a connection has.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest head of a request, in bytes; hyper needs 8 KiB at least.
const HEAD_MAX: usize = 8 * 1024;

/// One part in so many of all connections may come from one address.
const EACH: u32 = 4;

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 64;

const PAGE: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
/// The text format of Prometheus.
const METRICS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// The places where bmpd listens.
pub(crate) struct Listeners {
    listeners: Vec<TcpListener>,
    connections: u32,
}

impl Listeners {
    /// Begins to listen. The error is a sentence that says what to do.
    pub(crate) fn open(config: &Http) -> Result<Self, String> {
        let listeners = config.listen.iter().map(|address| {
            listen(*address).map_err(|error| {
                format!(
                    "cannot listen at {address} for HTTP: {}; choose another place with http.listen",
                    ListenError::Io(error)
                )
            })
        });
        let listeners = listeners.collect::<Result<_, _>>()?;
        Ok(Self { listeners, connections: config.connections })
    }

    /// Serves them, each for ever.
    pub(crate) fn serve(self, world: &Arc<World>) {
        if self.listeners.is_empty() {
            return;
        }
        let server = Arc::new(Server {
            world: Arc::clone(world),
            places: Places::default(),
            connections: self.connections,
            gathering: Mutex::default(),
            recent: Recent::of(&world.events),
        });
        for listener in self.listeners {
            if let Ok(address) = listener.local_addr() {
                info!(%address, "listening for HTTP");
            }
            let server = Arc::clone(&server);
            tokio::spawn(async move { while panicked(server.run(&listener)).await {} });
        }
    }
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// True if the request names this host by its address, or as `localhost`: a name of somebody else's that leads here
/// (DNS rebinding) would let the pages of that name read what is here.
fn is_named_by_address<B>(request: &Request<B>) -> bool {
    let named =
        request.headers().get(HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let host = match named.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => named,
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host == "localhost" || bare.parse::<IpAddr>().is_ok()
}

/// Who is taken for one at the other end: one address of IPv4, but a host can have any address of an IPv6 network
/// of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
    }
}

struct Server {
    world: Arc<World>,
    /// Those of connections.
    places: Places<IpAddr>,
    /// How many there may be.
    connections: u32,
    /// Held by the one who gathers: however many ask, sessions answer one.
    gathering: Mutex<()>,
    recent: Recent,
}

impl Server {
    async fn run(self: &Arc<Self>, listener: &TcpListener) {
        let mut accepts = Accepts::default();
        loop {
            match accepts.note("HTTP connections", listener.accept().await) {
                Ok((stream, from)) => {
                    let server = Arc::clone(self);
                    tokio::spawn(async move {
                        let Some(_place) = server.place(from.ip()) else {
                            debug!(%from, "an HTTP connection was closed: there are as many as \
                                           http.maximum-connections allows, or a quarter of them from there");
                            return;
                        };
                        // The panic was reported when it happened.
                        let _ = caught(server.connection(stream, from)).await;
                    });
                }
                Err(pause) => tokio::time::sleep(pause).await,
            }
        }
    }

    /// A place for one more connection from there.
    fn place(&self, from: IpAddr) -> Option<Place<IpAddr>> {
        let most = self.connections.div_ceil(EACH);
        self.places.take(network(from), |own, taken| {
            own < most && taken.values().sum::<u32>() < self.connections
        })
    }

    async fn connection(&self, stream: TcpStream, from: SocketAddr) {
        let service = service_fn(|request: Request<Incoming>| async move {
            Ok::<_, Infallible>(self.answer(&request).await)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .keep_alive(false)
            .max_buf_size(HEAD_MAX)
            .serve_connection(TokioIo::new(stream), service);
        match tokio::time::timeout(PATIENCE, connection).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => debug!(%from, "HTTP: {error}"),
            Err(_) => debug!(%from, "HTTP: it took too long"),
        }
    }

    async fn answer<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        fault("http.request");
        let (status, kind, text) = match (request.method(), request.uri().path()) {
            (&Method::GET | &Method::HEAD, "/metrics") => {
                let _turn = self.gathering.lock().await;
                match metrics::gather(&self.world).await {
                    Ok(text) => (StatusCode::OK, METRICS, text),
                    Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, TEXT, format!("{error}\n")),
                }
            }
            (&Method::GET | &Method::HEAD, "/") if is_named_by_address(request) => {
                let _turn = self.gathering.lock().await;
                (StatusCode::OK, PAGE, page::render(&self.world, &self.recent).await)
            }
            (&Method::GET | &Method::HEAD, "/") => {
                let text = "Open this page by the address of the host, or as localhost: under another name it could \
                            be read by pages of others. A proxy can say `Host: localhost`.\n";
                (StatusCode::MISDIRECTED_REQUEST, TEXT, text.to_owned())
            }
            (&Method::GET | &Method::HEAD, _) => {
                let text = "There is /, a page for people, and /metrics, for Prometheus.\n";
                (StatusCode::NOT_FOUND, TEXT, text.to_owned())
            }
            _ => {
                let text = "bmpd is only read here: GET /metrics.\n".to_owned();
                (StatusCode::METHOD_NOT_ALLOWED, TEXT, text)
            }
        };
        let mut response = Response::new(Full::new(Bytes::from(text)));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, kind);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(page::POLICY));
        if status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        response
    }
}
