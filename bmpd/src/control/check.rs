//! `check session`, `check neighbor` and `check router`: what keeps one from coming up.
//!
//! ```text
//!   state ── parameters ── route ── connection ── TLS, certificates ── delivery ── last failure
//! ```
//!
//! Nothing is changed. Of one that is up the connection is described; to one that is down, and that bmpd connects to, a connection is
//! made as its task makes them, and closed when the TLS handshake is done: no BMP and no BGP message is sent on it. Only a few such
//! attempts are made at once, whoever asks for them.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use shared::names::{NeighborId, RouterId, Selector, SessionId};
use shared::request::CheckSubject;
use shared::response::{
    Check, CheckOutcome, Failure, NeighborReport, Response, RouterReport, RouterState,
    SessionReport, SessionState,
};
use shared::time::{Span, Timestamp};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::config::{Authentication, Mode, Place, Tls, TlsFile, Who};
use crate::net::connect::connect;
use crate::net::keys::tcp_ao_supported;
use crate::net::options::Options;
use crate::net::route::source_towards;
use crate::net::tls::{self, Validity};
use crate::platform::wall;
use crate::sinks::station::Parameters;
use crate::world::World;

/// How many connections are made at once for checks.
const ATTEMPTS_MAX: usize = 4;

/// The longest that an attempt, and a handshake, may take: less than bmpctl's timeout.
const TIMEOUT: Duration = Duration::from_secs(4);

/// A station that has accepted nothing for this long is worth a look.
const BLOCKED: Span = Span(1000);

/// A certificate that is valid for less than this is worth a look.
const SOON: Duration = Duration::from_secs(14 * 86400);

/// Looks at it.
pub(super) async fn run(subject: CheckSubject, world: &World) -> Response {
    let checks = match subject {
        CheckSubject::Session(id) => session(id, world).await,
        CheckSubject::Neighbor(id) => neighbor(id, world).await,
        CheckSubject::Router(id) => router(&id, world).await,
    };
    checks.map_or_else(Response::Failed, |Checks(checks)| Response::Checks(checks))
}

/// What was found so far.
#[derive(Default)]
struct Checks(Vec<Check>);

impl Checks {
    fn add(&mut self, what: &str, outcome: CheckOutcome, text: impl Display, advice: Option<&str>) {
        let advice = advice.map(str::to_owned);
        self.0.push(Check { what: what.to_owned(), outcome, text: text.to_string(), advice });
    }

    fn ok(&mut self, what: &str, text: impl Display) {
        self.add(what, CheckOutcome::Ok, text, None);
    }

    fn warn(&mut self, what: &str, text: impl Display, advice: &str) {
        self.add(what, CheckOutcome::Warning, text, Some(advice));
    }

    fn fail(&mut self, what: &str, text: impl Display, advice: &str) {
        self.add(what, CheckOutcome::Failed, text, Some(advice));
    }

    /// The route to an address; false if there is none.
    async fn route(&mut self, to: &Target<'_>) -> bool {
        let Target { remote, place, options } = to;
        match source_towards(*remote, place, options.source.as_ref()).await {
            Ok(from) => {
                self.ok("route", format!("to {} from {from}, in {place}", remote.ip()));
                true
            }
            Err(error) => {
                let advice = "see `ip route get` there; a device, namespace or source address that is missing must be \
                              made, or changed in the file";
                self.fail("route", error, advice);
                false
            }
        }
    }

    /// A connection, and TLS if it is configured; both are closed again.
    async fn connection(&mut self, to: &Target<'_>, tls: Option<&Tls>) {
        static ATTEMPTS: Semaphore = Semaphore::const_new(ATTEMPTS_MAX);
        let Target { remote, place, options } = to;
        let Ok(_permit) = ATTEMPTS.try_acquire() else {
            return self.warn("connection", "not tried", "others are being checked: try again");
        };
        let mut options = options.clone();
        options.connect_timeout = options.connect_timeout.min(TIMEOUT);
        let begun = Instant::now();
        let stream = match connect(*remote, place, &options).await {
            Ok(stream) => stream,
            Err(error) => {
                let advice = "the other side must listen at this address and port, and accept this source address; a \
                              firewall on the way may drop the packets";
                return self.fail("connection", format!("to {remote}: {error}"), advice);
            }
        };
        let took = begun.elapsed().as_millis();
        self.ok("connection", format!("{remote} accepts it, after {took} ms"));
        let Some(tls) = tls else { return };
        let config = match (tls::check(tls), tls::server_name(tls, remote.ip())) {
            (Ok(config), Ok(name)) => (config, name),
            (Err(error), _) | (_, Err(error)) => {
                return self.fail("tls", error, "correct `tls` in the file, and reload");
            }
        };
        match tls::handshake(stream, &config.0, config.1, TIMEOUT).await {
            Ok(stream) => {
                let (version, validity) = stream.facts();
                self.ok("tls", format!("the handshake is done, {version}"));
                if let Some(validity) = validity {
                    self.validity("certificate of the station", validity);
                }
            }
            Err(error) => {
                let advice = "`tls.ca` must have what vouches for the station's certificate, and `tls.server-name` the name \
                              in it; a station that demands a certificate needs `tls.certificate`";
                self.fail("tls", error, advice);
            }
        }
    }

    /// The dates of a file of certificates.
    fn file(&mut self, what: &str, file: &TlsFile) {
        if let Some(validity) = Validity::of_file(file) {
            self.validity(&format!("{what}, {}", file.path.display()), validity);
        }
    }

    fn validity(&mut self, what: &str, Validity { from, until }: Validity) {
        let now = wall();
        let text = format!("{what}: valid until {}", timestamp(until));
        let advice = "replace it, and reload";
        if now < from {
            let text = format!("{what}: valid only from {} on", timestamp(from));
            self.fail("certificate", text, "check the clocks, or replace it, and reload");
        } else if now >= until {
            self.fail("certificate", format!("{what}: expired at {}", timestamp(until)), advice);
        } else if until.duration_since(now).is_ok_and(|left| left < SOON) {
            self.warn("certificate", text, advice);
        } else {
            self.ok("certificate", text);
        }
    }

    fn authentication(&mut self, options: &Options) {
        let Some(name) = options.authentication_name() else { return };
        let is_ao = matches!(options.authentication, Some(Authentication::Ao(_)));
        if is_ao && !tcp_ao_supported() {
            let text = format!("{name}: this kernel has no TCP-AO");
            self.fail(
                "authentication",
                text,
                "use a kernel with CONFIG_TCP_AO (Linux 6.7), or md5",
            );
        } else {
            self.ok(
                "authentication",
                format!("{name} is configured; with another key the other side does not answer"),
            );
        }
    }
}

/// Whom a connection is made with.
struct Target<'a> {
    remote: SocketAddr,
    place: &'a Place,
    options: Options,
}

/// Without fractions of a second.
fn timestamp(time: SystemTime) -> String {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX)).to_seconds_text()
}

async fn session(id: SessionId, world: &World) -> Result<Checks, Failure> {
    let session = world.select(&Selector::One(id))?.pop().ok_or(Failure::Stopping)?;
    let (Some(report), Some(sets)) = (session.report(true).await, session.sets().await) else {
        return Err(Failure::Stopping);
    };
    let Parameters { session: configured, .. } = &sets.configured;
    let mut checks = Checks::default();
    session_state(&report, &mut checks);
    if !report.pending.is_empty() {
        let keys: Vec<&str> = report.pending.iter().map(|change| change.key.as_str()).collect();
        let text = format!("these wait for a reset: {}", keys.join(", "));
        checks.warn("parameters", text, "reset the session (bmpctl reset session)");
    }
    if report.state == SessionState::Shutdown {
        return Ok(checks);
    }
    let target = Target {
        remote: SocketAddr::new(configured.id.address.ip(), configured.mode.port().get()),
        place: &configured.place,
        options: Options::from(&configured.tcp),
    };
    let has_route = checks.route(&target).await;
    checks.authentication(&target.options);
    let client = configured.tls.as_ref().and_then(|tls| tls.client.as_ref());
    if let Some(tls) = &configured.tls {
        checks.file("ca", &tls.ca);
    }
    if let Some(client) = client {
        checks.file("our certificate", &client.certificate);
    }
    match (report.state.is_up(), configured.mode) {
        (true, _) => {
            let local = report.local.map_or_else(|| "?".to_owned(), |local| local.to_string());
            let with = if report.tls { "TLS" } else { "TCP" };
            checks.ok(
                "connection",
                format!("{local} to {}, {with}, for {}", report.remote, report.age),
            );
        }
        (false, Mode::Active(_)) if has_route => {
            checks.connection(&target, configured.tls.as_ref()).await;
        }
        (false, Mode::Active(_)) => {}
        (false, Mode::Passive(port)) => passive(&report, port.get(), &mut checks),
    }
    delivery(&report, &mut checks);
    let failure = report.last_failure.as_ref().or(report.last_down.as_ref());
    if let Some(failure) = failure.filter(|_| !report.state.is_up()) {
        let text = format!("{}, {} ago", failure.text, failure.ago);
        checks.warn(
            "last-failure",
            text,
            "the log of bmpd has more: bmpctl log level debug --for 10m",
        );
    }
    Ok(checks)
}

fn session_state(report: &SessionReport, checks: &mut Checks) {
    let state = format!("{} for {}: {}", report.state.name(), report.state_age, report.why);
    match report.state {
        SessionState::Established => checks.ok("state", state),
        SessionState::Synchronising => {
            let text = format!("{state}; {} routes to send", report.routes_to_send);
            checks.warn("state", text, "wait for it: bmpctl wait session");
        }
        SessionState::Shutdown => {
            let advice = "remove `shutdown = true` of this session from the file, and reload";
            checks.fail("state", state, advice);
        }
        SessionState::Idle if report.legs_wanted == 0 => {
            let advice = "bmpctl show router says which routers are connected; `monitor` of the session selects them";
            checks.fail("state", state, advice);
        }
        SessionState::Idle | SessionState::Connecting | SessionState::Listening => {
            checks.fail("state", state, "see below");
        }
    }
}

/// A session whose station is to connect.
fn passive(report: &SessionReport, port: u16, checks: &mut Checks) {
    let advice =
        "the station must connect to this address and port, from the address of the session";
    match report.local {
        Some(local) => {
            checks.fail("connection", format!("bmpd waits at {local} for the station"), advice)
        }
        None => {
            let text = format!("bmpd does not listen at port {port}: {}", report.why);
            checks.fail("connection", text, "free the port, or change tcp.listen-port");
        }
    }
    if report.unknown_peers_refused > 0 {
        let text = format!(
            "{} connections of other addresses were refused there",
            report.unknown_peers_refused
        );
        checks.warn(
            "connection",
            text,
            "the station may come from another address: the log of bmpd has it",
        );
    }
}

fn delivery(report: &SessionReport, checks: &mut Checks) {
    if !report.state.is_up() {
        return;
    }
    match report.blocked {
        Some(blocked) if blocked >= BLOCKED => {
            let text = format!(
                "the station has accepted nothing for {blocked}; {} routes to send",
                report.routes_to_send
            );
            let advice = "look at the station: it reads too slowly, or not at all; bmpd closes after stall-timeout";
            checks.warn("delivery", text, advice);
        }
        _ => checks.ok("delivery", format!("{} routes to send", report.routes_to_send)),
    }
}

async fn neighbor(id: NeighborId, world: &World) -> Result<Checks, Failure> {
    let found = world.neighbors().into_iter().find(|neighbor| *neighbor.id() == id);
    let Some(found) = found else {
        let mut existing: Vec<NeighborId> =
            world.neighbors().iter().map(|neighbor| neighbor.id().clone()).collect();
        existing.sort_by_key(|other| other.address != id.address);
        let NeighborId { address, vpn_instance } = id;
        return Err(Failure::NoSuchNeighbor { address, vpn_instance, existing });
    };
    let report = found.report(false).await.ok_or(Failure::Stopping)?;
    let config = world.config();
    let configured = config.bgp.iter().flat_map(|bgp| &bgp.neighbors);
    let configured = configured
        .filter(|neighbor| neighbor.vpn_instance == id.vpn_instance)
        .filter(|neighbor| neighbor.peers.include(id.address))
        .min_by_key(|neighbor| !matches!(neighbor.peers, crate::config::Peers::One(_)));
    let mut checks = Checks::default();
    neighbor_state(&report, &mut checks);
    let Some(configured) = configured else { return Ok(checks) };
    let target = Target {
        remote: SocketAddr::new(id.address, configured.port.get()),
        place: &configured.place,
        options: Options::from(configured),
    };
    let has_route = checks.route(&target).await;
    checks.authentication(&target.options);
    if let Some(hops) = configured.ttl_security {
        checks.ok(
            "ttl-security",
            format!("the neighbor may be {hops} hops away, and must send TTL 255 as well"),
        );
    }
    match (report.state.is_up(), configured.passive) {
        (true, _) => {}
        (false, false) if has_route => checks.connection(&target, None).await,
        (false, false) => {}
        (false, true) => {
            let listen: Vec<String> = crate::config::listening(&config, &id.vpn_instance)
                .iter()
                .map(ToString::to_string)
                .collect();
            let text = format!("bmpd waits at {} for the neighbor", listen.join(" and "));
            checks.fail(
                "connection",
                text,
                "configure bmpd as a neighbor there, with bmpd's AS and address",
            );
        }
    }
    let error = report.last_error.as_ref().or(report.last_down.as_ref());
    if let Some(error) = error.filter(|_| !report.state.is_up()) {
        let text = format!("{}, {} ago", error.text, error.ago);
        checks.warn("last-failure", text, "compare AS numbers, keys and families of both sides");
    }
    Ok(checks)
}

fn neighbor_state(report: &NeighborReport, checks: &mut Checks) {
    let state = format!("{} for {}", report.state.name(), report.age);
    if !report.state.is_up() {
        return checks.fail("state", state, "see below");
    }
    checks.ok("state", state);
    if report.families.iter().all(|family| family.routes == 0) {
        let advice = "the neighbor must have a policy that exports its routes to bmpd";
        checks.warn("routes", "the neighbor has announced no route", advice);
    }
    if report.maximum_routes_exceeded {
        checks.warn(
            "routes",
            "more than maximum-routes",
            "raise maximum-routes, or filter at the neighbor",
        );
    }
}

async fn router(id: &RouterId, world: &World) -> Result<Checks, Failure> {
    world.router_exists(id)?;
    let report = world.routers(Some(id), false).await.pop().ok_or(Failure::Stopping)?;
    let mut checks = Checks::default();
    router_state(&report, &mut checks);
    let config = world.config();
    let configured = config.routers.iter().find(|router| match (&router.who, id) {
        (Who::Named { name, .. }, RouterId::Named(wanted)) => name == wanted,
        (Who::Named { .. }, RouterId::Local) => false,
        (Who::Prefix(peers), _) => report.addresses.iter().any(|address| peers.include(*address)),
    });
    let Some(configured) = configured else { return Ok(checks) };
    if let Some(tls) = &configured.tls {
        checks.file("ca", &tls.ca);
        checks.file("our certificate", &tls.identity.certificate);
    }
    let options = Options::from(&configured.tcp);
    checks.authentication(&options);
    let address: Option<IpAddr> = report.addresses.first().copied();
    if let (Some(port), Some(address)) = (configured.active, address) {
        let remote = SocketAddr::new(address, port.get());
        let target = Target { remote, place: &configured.place, options };
        if checks.route(&target).await && !report.state.is_up() {
            checks.connection(&target, None).await;
        }
    } else if !report.state.is_up() {
        let text = "bmpd waits for the router to connect";
        let advice = "configure bmpd's address and port as BMP station on the router; bmpctl show vpn-instance has \
                      where bmpd listens, docs/routers.md how routers are configured";
        checks.fail("connection", text, advice);
    }
    if let Some(down) = report.last_down.as_ref().filter(|_| !report.state.is_up()) {
        let text = format!("{}, {} ago", down.text, down.ago);
        checks.warn(
            "last-failure",
            text,
            "the log of bmpd has more: bmpctl log level debug --for 10m",
        );
    }
    Ok(checks)
}

fn router_state(report: &RouterReport, checks: &mut Checks) {
    let state = format!("{} for {}: {}", report.state.name(), report.age, report.why);
    if report.state != RouterState::Established {
        let advice = match report.held_for {
            Some(_) => "its tables are kept for hold-time; see below",
            None => "see below",
        };
        return checks.fail("state", state, advice);
    }
    checks.ok("state", state);
    if report.id != RouterId::Local && report.peers_up == 0 {
        let advice = "BMP must be enabled for its peers on the router";
        checks.warn("peers", "the router has reported no peer that is up", advice);
    }
}
