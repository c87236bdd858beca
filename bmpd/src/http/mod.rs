//! HTTP for monitoring: metrics for Prometheus, a page for people, JSON and events for programs, health for load balancers.
//!
//! ```text
//!   scraper ── GET /metrics ──> a task each ── Report, Statistics ──> sessions, neighbors
//!   browser ── GET / ─────────>    (one gathers at a time)
//!   program ── GET /api/v1/… ─>                          ──────────> the history of events
//! ```
//!
//! It only reads, and of a request it uses only the method, the target, the host, and for events `Accept` and
//! `Last-Event-ID`. A connection has one request and ten seconds for all of it, but for a stream of events, of which there are
//! fewer; `[http]` limits how many connections there are, a quarter of them from one address, and further ones are
//! closed. It queries sessions and neighbors as `bmpctl show` does.
#![forbid(unsafe_code)]

mod api;
mod health;
mod metrics;
#[cfg(test)]
mod openapi;
mod page;
mod stream;

use std::borrow::Cow;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderValue,
    REFERRER_POLICY, RETRY_AFTER, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::http::uri::Authority;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioIo, TokioTimer};
use shared::request::Begin;
use socket2::{Domain, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, MutexGuard};
use tracing::{debug, info};

use self::api::{Query, Refusal};
use self::stream::EventStream;
use crate::config::Http;
use crate::net::accepts::Accepts;
use crate::net::listen::ListenError;
use crate::places::{HeldPlace, Places};
use crate::supervise::{catch_panic, fault, has_panicked};
use crate::unread::{Held, Limits, Unread};
use crate::world::World;

/// The time that a connection has.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The time that a client may take nothing of what is sent to it.
const STALL_TIMEOUT: Duration = Duration::from_secs(60);

/// The longest head of a request, in bytes; hyper needs 8 KiB at least.
const HEAD_MAX: usize = 8 * 1024;

/// One part in so many of all connections may come from one address.
const EACH: u32 = 4;

/// One part in so many of all connections may be streams, and one part in `EACH` of those may be of one address: scrapers
/// and probes must have a place.
const STREAMS: u32 = 2;

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 64;

/// How many unread bytes of answers of a network, and of all networks, defer the next one.
const UNREAD: Limits = Limits { one: 16 << 20, all: 128 << 20 };

const PAGE: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");
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
            streams: Places::default(),
            unread: Unread::new(UNREAD),
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
    /// Those of streams of events.
    streams: Places<IpAddr>,
    /// Held while metrics are gathered: sessions answer one request at a time.
    gathering: Mutex<()>,
    /// Bytes of answers that were not read yet.
    unread: Unread<IpAddr>,
}

/// An answer: a whole one, or events as they happen.
type Answer = Response<Either<Full<Bytes>, EventStream>>;

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

    /// A place for one more stream of events from there.
    fn stream_place(&self, client: IpAddr) -> Option<HeldPlace<IpAddr>> {
        let all = self.connections / STREAMS;
        self.streams.take(client, |own, taken| {
            own < all.div_ceil(EACH) && taken.values().sum::<u32>() < all
        })
    }

    async fn connection(&self, stream: TcpStream, from: SocketAddr) {
        // Without it a client that has disappeared is noticed later.
        let _ = SockRef::from(&stream).set_tcp_user_timeout(Some(STALL_TIMEOUT));
        let is_stream = AtomicBool::new(false);
        let service = service_fn(|request: Request<Incoming>| {
            let is_stream = &is_stream;
            async move {
                let answer = self.answer(&request, from).await;
                is_stream.store(matches!(answer.body(), Either::Right(_)), Ordering::Relaxed);
                Ok::<_, Infallible>(answer)
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(TIMEOUT)
            .keep_alive(false)
            .max_buf_size(HEAD_MAX)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let ended = match tokio::time::timeout(TIMEOUT, &mut connection).await {
            Err(_) if is_stream.load(Ordering::Relaxed) => Ok(connection.await),
            ended => ended,
        };
        match ended {
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

    async fn answer<B>(&self, request: &Request<B>, from: SocketAddr) -> Answer {
        fault("http.request");
        let client = network(from.ip());
        let Some(host) = host(request) else {
            let text = "The request has no valid Host field, or several (RFC 9112 section 3.2).\n";
            return response(StatusCode::BAD_REQUEST, TEXT, text.into());
        };
        let path = request.uri().path();
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        if is_read && path.starts_with("/api/") {
            return match self.api(request, &host, from).await {
                Ok(answer) => answer,
                Err(refusal) => {
                    let mut answer = response(refusal.status, PROBLEM, refusal.body().into());
                    if refusal.status == StatusCode::SERVICE_UNAVAILABLE {
                        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("10"));
                    }
                    answer
                }
            };
        }
        let (status, kind, text) = match path {
            _ if !is_read && path.starts_with("/api/") => {
                let text = "bmpd is only read here: GET or HEAD. bmpctl changes what it does.";
                let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, text);
                (refusal.status, PROBLEM, refusal.body())
            }
            _ if !is_read => {
                let text = "bmpd is only read here: GET or HEAD.\n".to_owned();
                (StatusCode::METHOD_NOT_ALLOWED, TEXT, text)
            }
            // Without a turn: it must answer whatever the others do.
            "/health" => {
                let (status, text) = health::live(&self.world);
                return response(status, JSON, text.into());
            }
            "/health/ready" => {
                let _turn = self.turn(client).await;
                let (status, text) = health::ready(&self.world).await;
                (status, JSON, text)
            }
            "/metrics" => {
                let _turn = self.turn(client).await;
                match metrics::gather(&self.world).await {
                    Ok(text) => (StatusCode::OK, METRICS, text),
                    Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, TEXT, format!("{error}\n")),
                }
            }
            "/" if is_address(&host) => {
                let _turn = self.turn(client).await;
                (StatusCode::OK, PAGE, page::render(&self.world).await)
            }
            "/" => (StatusCode::MISDIRECTED_REQUEST, TEXT, format!("{FOREIGN_NAME}\n")),
            _ => {
                let text = "There is /, a page for people; /metrics, for Prometheus; /api/v1/openapi.json, which describes the \
                            API for programs; /health and /health/ready, for load balancers.\n";
                (StatusCode::NOT_FOUND, TEXT, text.to_owned())
            }
        };
        self.whole(status, kind, text.into(), client)
    }

    /// An answer that counts until it was written, or its connection is closed.
    fn whole(
        &self,
        status: StatusCode,
        kind: HeaderValue,
        text: Cow<'static, str>,
        client: IpAddr,
    ) -> Answer {
        let held = self.unread.hold(client, text.len());
        response(status, kind, Bytes::from_owner(Counted { text, _held: held }))
    }

    async fn api<B>(
        &self,
        request: &Request<B>,
        host: &str,
        from: SocketAddr,
    ) -> Result<Answer, Refusal> {
        if !is_address(host) {
            return Err(Refusal::new(StatusCode::MISDIRECTED_REQUEST, FOREIGN_NAME));
        }
        let client = network(from.ip());
        let query = api::parse(request.uri().path(), request.uri().query())?;
        if self.world.is_stopping() {
            return Err(Refusal::stopping());
        }
        match query {
            Query::Events(show) if wants_stream(request) => {
                let mut which = show.which;
                if show.limit.is_some() {
                    let text = "limit is not for a stream: use since, after or Last-Event-ID.";
                    return Err(Refusal::new(StatusCode::BAD_REQUEST, text));
                }
                // It is newer than what the address says.
                if let Some(last) = last_event_id(request)? {
                    which.begin = Some(Begin::After(last));
                }
                let follower = self.world.follow_events(which)?;
                if request.method() == Method::HEAD {
                    return Ok(response(StatusCode::OK, EVENTS, Bytes::new()));
                }
                let Some(place) = self.stream_place(client) else {
                    let text = "There are as many streams of events as http.maximum-connections allows: half of it, an \
                                eighth from one address.";
                    return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, text));
                };
                let source = stream::Source {
                    follower,
                    client,
                    unread: self.unread.clone(),
                    _place: place,
                    _watching: self.world.begin_monitor(),
                    has_ended: false,
                };
                Ok(headed(StatusCode::OK, EVENTS, Either::Right(EventStream::new(source))))
            }
            query => {
                let is_events = matches!(query, Query::Events(_));
                let _turn = self.turn(client).await;
                let text = api::answer(query, &self.world, from).await?;
                let mut answer = self.whole(StatusCode::OK, JSON, text, client);
                if is_events {
                    answer.headers_mut().insert(VARY, HeaderValue::from_static("Accept"));
                }
                Ok(answer)
            }
        }
    }
}

const FOREIGN_NAME: &str = "Use the address of the host, or localhost: under another name it could be read by pages of \
                            others. A proxy can say `Host: localhost`.";

/// True if the client reads server-sent events.
fn wants_stream<B>(request: &Request<B>) -> bool {
    let accepted = request.headers().get_all(ACCEPT).into_iter();
    let mut kinds = accepted.filter_map(|field| field.to_str().ok()).flat_map(|f| f.split(','));
    kinds.any(|kind| {
        let kind = kind.split(';').next().unwrap_or_default();
        kind.trim().eq_ignore_ascii_case("text/event-stream")
    })
}

/// The number of the last event that a client has received, if it connects again.
fn last_event_id<B>(request: &Request<B>) -> Result<Option<u64>, Refusal> {
    let Some(field) = request.headers().get("last-event-id") else { return Ok(None) };
    match field.to_str().map(str::trim) {
        // Of one that has received none.
        Ok("") => Ok(None),
        Ok(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            // One that is too great is of no event here.
            Ok(Some(text.parse().unwrap_or(u64::MAX)))
        }
        _ => {
            let text = "Last-Event-ID is not the sequence number of an event.";
            Err(Refusal::new(StatusCode::BAD_REQUEST, text))
        }
    }
}

/// A text that counts until it was written, or its connection is closed.
struct Counted {
    text: Cow<'static, str>,
    _held: Held<IpAddr>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

fn response(status: StatusCode, kind: HeaderValue, text: Bytes) -> Answer {
    headed(status, kind, Either::Left(Full::new(text)))
}

fn headed(status: StatusCode, kind: HeaderValue, body: Either<Full<Bytes>, EventStream>) -> Answer {
    let mut response = Response::new(body);
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
