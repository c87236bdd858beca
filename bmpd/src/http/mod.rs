//! HTTP for monitoring: metrics for Prometheus, and a page for people.
//!
//! ```text
//!   scraper ── GET /metrics ──> a task each ── Report, Statistics ──> sessions, neighbors
//!   browser ── GET / ─────────>    (one gathers at a time) ──────────> Recent <── events
//! ```
//!
//! It only reads, and of a request it uses only the method, the path and the host. A connection has one request and ten
//! seconds for all of it; `[http]` limits how many there are, a quarter of them from one address, and further ones are
//! closed. It queries sessions and neighbors as `bmpctl show` does.
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
use hyper::http::uri::Authority;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{Domain, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, MutexGuard};
use tracing::{debug, info};

use self::recent::Recent;
use crate::config::Http;
use crate::net::accepts::Accepts;
use crate::net::listen::ListenError;
use crate::places::{HeldPlace, Places};
use crate::supervise::{catch_panic, fault, has_panicked};
use crate::unread::{Held, Limits, Unread};
use crate::world::World;

/// The time that a connection has.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest head of a request, in bytes; hyper needs 8 KiB at least.
const HEAD_MAX: usize = 8 * 1024;

/// One part in so many of all connections may come from one address.
const EACH: u32 = 4;

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 64;

/// How many unread bytes of metrics and pages of a network, and of all networks, defer the next one.
const UNREAD: Limits = Limits { one: 16 << 20, all: 128 << 20 };

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
    /// Starts to listen. The error is a sentence that says what to do.
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
            unread: Unread::new(UNREAD),
            recent: Recent::of(&world.events),
        });
        for listener in self.listeners {
            if let Ok(address) = listener.local_addr() {
                info!(%address, "listening for HTTP");
            }
            let server = Arc::clone(&server);
            tokio::spawn(async move { while has_panicked(server.run(&listener)).await {} });
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

/// The host that a request names, in lower case and without a port; empty if it may leave it out and does. `None` if
/// the request is to be answered with 400 (RFC 9112 section 3.2): without a Host field, with several, or with one that
/// is not a host and a port.
fn host<B>(request: &Request<B>) -> Option<String> {
    let mut fields = request.headers().get_all(HOST).iter();
    let named = match (fields.next(), fields.next()) {
        (Some(field), None) => field.to_str().ok()?,
        (None, _) if request.version() < Version::HTTP_11 => "",
        _ => return None,
    };
    // The absolute form counts instead of the field (RFC 9112 section 3.2.2).
    let authority = match request.uri().authority() {
        Some(authority) => authority.clone(),
        None if named.is_empty() => return Some(String::new()),
        None => named.parse::<Authority>().ok().filter(|_| !named.contains('@'))?,
    };
    Some(authority.host().to_ascii_lowercase())
}

/// True for the address of a host and for `localhost`: a foreign name that resolves to this host (DNS rebinding) would
/// let the pages of that name read what is here.
fn is_address(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host == "localhost" || bare.parse::<IpAddr>().is_ok()
}

/// What counts as one client: an address of IPv4, but a network of 64 bits of IPv6, as a host can have any address in
/// it.
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
    /// Held while metrics are gathered: sessions answer one request at a time.
    gathering: Mutex<()>,
    /// Bytes of answers that were not read yet.
    unread: Unread<IpAddr>,
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
                        let _ = catch_panic(server.connection(stream, from)).await;
                    });
                }
                Err(pause) => tokio::time::sleep(pause).await,
            }
        }
    }

    /// A place for one more connection from there.
    fn place(&self, from: IpAddr) -> Option<HeldPlace<IpAddr>> {
        let most = self.connections.div_ceil(EACH);
        self.places.take(network(from), |own, taken| {
            own < most && taken.values().sum::<u32>() < self.connections
        })
    }

    async fn connection(&self, stream: TcpStream, from: SocketAddr) {
        let client = network(from.ip());
        let service = service_fn(|request: Request<Incoming>| async move {
            Ok::<_, Infallible>(self.answer(&request, client).await)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(TIMEOUT)
            .keep_alive(false)
            .max_buf_size(HEAD_MAX)
            .serve_connection(TokioIo::new(stream), service);
        match tokio::time::timeout(TIMEOUT, connection).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => debug!(%from, "HTTP: {error}"),
            Err(_) => debug!(%from, "HTTP: it took too long"),
        }
    }

    /// Waits until figures may be gathered for this network.
    async fn turn(&self, client: IpAddr) -> MutexGuard<'_, ()> {
        loop {
            self.unread.room(client).await;
            let turn = self.gathering.lock().await;
            // Others of the network may have had their turn meanwhile.
            if self.unread.has_room(client) {
                return turn;
            }
        }
    }

    async fn answer<B>(&self, request: &Request<B>, client: IpAddr) -> Response<Full<Bytes>> {
        fault("http.request");
        let Some(host) = host(request) else {
            let text = "The request has no valid Host field, or several (RFC 9112 section 3.2).\n";
            return response(StatusCode::BAD_REQUEST, TEXT, text.into());
        };
        let (status, kind, text) = match (request.method(), request.uri().path()) {
            (&Method::GET | &Method::HEAD, "/metrics") => {
                let _turn = self.turn(client).await;
                match metrics::gather(&self.world).await {
                    Ok(text) => (StatusCode::OK, METRICS, text),
                    Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, TEXT, format!("{error}\n")),
                }
            }
            (&Method::GET | &Method::HEAD, "/") if is_address(&host) => {
                let _turn = self.turn(client).await;
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
        let held = self.unread.hold(client, text.len());
        response(status, kind, Bytes::from_owner(Counted { text, _held: held }))
    }
}

/// A text that counts until it was written, or its connection is closed.
struct Counted {
    text: String,
    _held: Held<IpAddr>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

fn response(status: StatusCode, kind: HeaderValue, text: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn request(version: Version, target: &str, hosts: &[&str]) -> Request<()> {
        let mut request = Request::builder().version(version).uri(target);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        request.body(()).unwrap()
    }

    #[test]
    fn a_host_field_is_required_once_and_names_have_no_case() {
        let http11 = |hosts: &[&str]| host(&request(Version::HTTP_11, "/", hosts));
        for (field, expected, may_read) in [
            ("localhost", "localhost", true),
            ("LOCALHOST", "localhost", true),
            ("LocalHost:8080", "localhost", true),
            ("127.0.0.1:80", "127.0.0.1", true),
            ("[2001:DB8::1]:80", "[2001:db8::1]", true),
            ("Evil.Example", "evil.example", false),
            ("localhost.evil", "localhost.evil", false),
            ("", "", false),
        ] {
            let found = http11(&[field]);
            assert_eq!(found.as_deref(), Some(expected), "{field}");
            assert_eq!(is_address(expected), may_read, "{field}");
        }
        for bad in [&[][..], &["localhost", "localhost"], &["a b"], &["evil@localhost"], &["[::1"]]
        {
            assert_eq!(http11(bad), None, "{bad:?}");
        }
        // HTTP/1.0 has no Host field; the absolute form of the target counts instead of it.
        assert_eq!(host(&request(Version::HTTP_10, "/", &[])).as_deref(), Some(""));
        let absolute = request(Version::HTTP_11, "http://evil.example/", &["localhost"]);
        assert_eq!(host(&absolute).as_deref(), Some("evil.example"));
    }
}
