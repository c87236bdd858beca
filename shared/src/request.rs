//! Requests to bmpd.
//!
//! A verb is a row of [`Query`] or of [`Operation`]: what it takes, and how it is written. What it may do follows from which of the
//! two it is.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::event::{Event, EventKind};
pub use crate::level::Level;
use crate::log_level::LogLevel;
use crate::names::{
    ALL, Alias, NeighborId, PublisherName, RouterId, Selector, SessionId, Shown, StationAddress,
    VpnInstanceName,
};
use crate::state::SessionState;
use crate::time::{Span, Timestamp};

/// The longest time between two sessions of a reset: one hour, ms.
pub const STAGGER_MAX: u64 = 3_600_000;

/// The longest time for which a log level can be set: one day, ms.
pub const LOG_LASTS_MAX: u64 = 86_400_000;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// A report; nothing is changed.
    Query(Query),
    /// A change.
    Operation(Operation),
    /// Report what happens, from now on or from the beginning that is named. Answered with
    /// [`crate::response::Response::Events`] until one side closes.
    Monitor(WhichEvents),
    /// Report what the tables have. Answered with [`crate::response::Response::Routes`] or
    /// [`crate::response::Response::RouteCounts`], some at a time, as the caller reads them.
    Routes(ShowRoutes),
}

/// Defines an enum of verbs, and their text as bmpctl's arguments.
macro_rules! verbs {
    (
        $(#[$doc:meta])* $verbs:ident {
            $($(#[$about:meta])* $verb:ident $(($argument:ident: $type:ty))? = $text:literal,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $verbs {
            $($(#[$about])* $verb $(($type))?,)*
        }

        impl fmt::Display for $verbs {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $($verbs::$verb $(($argument))? => write!(f, $text),)*
                }
            }
        }

        impl From<$verbs> for Request {
            fn from(verb: $verbs) -> Self {
                Request::$verbs(verb)
            }
        }
    };
}

verbs! {
    /// What can be shown. The caller needs level 1.
    Query {
        /// The selected sessions. Answered with [`crate::response::Response::Sessions`].
        Session(which: WhichSessions) = "show session {which}",
        /// All BGP neighbors, or some. Answered with [`crate::response::Response::Neighbors`].
        Neighbor(which: WhichNeighbors) = "show neighbor{which}",
        /// All VPN instances, or one. Answered with [`crate::response::Response::VpnInstances`].
        VpnInstance(which: WhichInstances) = "show vpn-instance{which}",
        /// The configuration in effect. Answered with [`crate::response::Response::Config`].
        Config = "show config",
        /// What the selected sessions have counted. Answered with [`crate::response::Response::Statistics`].
        Statistics(which: WhichSessions) = "show statistics {which}",
        /// bmpd itself. Answered with [`crate::response::Response::Status`].
        Status = "show status",
        /// All routers, or one of them. Answered with [`crate::response::Response::Routers`].
        Router(which: WhichRouters) = "show router{which}",
        /// All publishers, or one of them. Answered with [`crate::response::Response::Publishers`].
        Publisher(which: WhichPublishers) = "show publisher{which}",
        /// Look for what keeps a session, a neighbor or a router from coming up. One that is down is connected to, and
        /// nothing is sent on that connection but a TLS handshake. Answered with [`crate::response::Response::Checks`].
        Check(subject: CheckSubject) = "check {subject}",
        /// What has happened, as far as it is kept. Answered with [`crate::response::Response::History`].
        Event(show: ShowEvents) = "show event{show}",
        /// At which level bmpd logs. Answered with [`crate::response::Response::Log`].
        Log = "log level",
        /// Every name there is. Answered with [`crate::response::Response::Directory`].
        Directory = "completion",
        /// Read the configuration and report what a reset of the selected legs would do. Answered with
        /// [`crate::response::Response::ResetPlan`].
        ResetPlan(legs: WhichLegs) = "reset session {legs} --dry-run",
        /// Read the configuration and report what a reset of the selected publishers would do. Answered with
        /// [`crate::response::Response::PublisherPlans`].
        PublisherPlan(reset: ResetPublisher) = "reset publisher {reset} --dry-run",
        /// Read the configuration, check all of it, and report what a reload would do. Answered with
        /// [`crate::response::Response::Reloaded`].
        ReloadPlan = "reload --dry-run",
        /// Read the configuration and report everything that is wrong with it. Answered with
        /// [`crate::response::Response::ConfigChecked`].
        ConfigCheck = "config check",
    }
}

verbs! {
    /// What can be changed. The caller needs level 2.
    Operation {
        /// Read the configuration, end the selected sessions, connect them again with the parameters as configured now,
        /// and send everything again. Answered with [`crate::response::Response::Reset`] as soon as every session
        /// has accepted the order, or with a stagger as each of them has, and with `follow` with
        /// [`crate::response::Response::Progress`] until each of them is synchronised. A newer one supersedes what an
        /// older one has to do ([`crate::response::Done::SupersededBy`]); one whose caller loses its level
        /// ends in the middle ([`crate::response::Response::Failed`]).
        ResetSession(reset: ResetSession) = "reset session {reset}",
        /// Read the configuration, check all of it, and apply it as one: adds and removes what changed, and puts what can
        /// change at run time into effect; connection parameters of running sessions become pending. Answered with
        /// [`crate::response::Response::Reloaded`].
        Reload = "reload",
        /// End the BMP connection of a router, or of all, so that it sends everything anew. Answered with
        /// [`crate::response::Response::RoutersReset`].
        ResetRouter(reset: ResetRouter) = "reset router {reset}",
        /// Read the configuration, and begin a new generation of what a publisher sends, or all do, with the
        /// parameters as configured now. Answered with [`crate::response::Response::PublishersReset`].
        ResetPublisher(reset: ResetPublisher) = "reset publisher {reset}",
        /// Reset the counters of the selected sessions. Their connections are not touched. Answered with
        /// [`crate::response::Response::Cleared`].
        ClearStatistics(which: WhichSessions) = "clear statistics {which}",
        /// Log at another level. Answered with [`crate::response::Response::Log`].
        SetLog(log: SetLog) = "log level {log}",
    }
}

impl Request {
    /// The command level that the caller needs.
    pub fn level(&self) -> Level {
        match self {
            Request::Query(_) | Request::Monitor(_) | Request::Routes(_) => Level::Monitoring,
            Request::Operation(_) => Level::Configuration,
        }
    }
}

/// The request as bmpctl's arguments.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Request::Query(show) => show.fmt(f),
            Request::Operation(change) => change.fmt(f),
            Request::Monitor(which) => write!(f, "monitor{which}"),
            Request::Routes(show) => write!(f, "show route{show}"),
        }
    }
}

/// A reset of sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetSession {
    /// Which.
    pub legs: WhichLegs,
    /// The time between one leg and the next, ms; 0 is all at once. At most [`STAGGER_MAX`].
    pub stagger: u64,
    /// True to be sent how far the sessions are.
    pub follow: bool,
}

impl fmt::Display for ResetSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { legs, stagger, follow: _ } = self;
        match stagger {
            0 => write!(f, "{legs}"),
            _ => write!(f, "{legs} --stagger {}", Span(*stagger)),
        }
    }
}

/// Sessions by their names, and of those the ones in a condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhichSessions {
    /// Their names.
    pub selector: Selector,
    /// Their condition.
    pub condition: Condition,
}

/// Whatever their condition.
impl From<Selector> for WhichSessions {
    fn from(selector: Selector) -> Self {
        Self { selector, condition: Condition::default() }
    }
}

impl fmt::Display for WhichSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.selector, self.condition)
    }
}

/// A condition on a session, or on a leg of one. All parts of it must hold; the default holds for each.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Condition {
    /// It is in one of these states; without any, in whatever state.
    pub states: Vec<SessionState>,
    /// It has parameters that are pending.
    pub pending: bool,
    /// It has not been synchronised for this long. One that is shut down, or has no router to send, never is that.
    pub not_synchronised: Option<Span>,
}

impl Condition {
    /// True if it holds for each session.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// As bmpctl's options.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for state in &self.states {
            write!(f, " --state {}", state.word())?;
        }
        if self.pending {
            f.write_str(" --pending")?;
        }
        match self.not_synchronised {
            Some(Span(0)) => f.write_str(" --not-synchronised"),
            Some(time) => write!(f, " --not-synchronised={time}"),
            None => Ok(()),
        }
    }
}

/// The legs of the selected sessions: all, or those that carry one router. With a condition those legs for which it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhichLegs {
    /// Of which sessions.
    pub sessions: WhichSessions,
    /// Only those that carry this router.
    pub router: Option<RouterId>,
}

/// All of their legs.
impl From<Selector> for WhichLegs {
    fn from(selector: Selector) -> Self {
        Self { sessions: selector.into(), router: None }
    }
}

impl fmt::Display for WhichLegs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sessions.fmt(f)?;
        match &self.router {
            Some(router) => write!(f, " --router {}", Shown(&router.to_string())),
            None => Ok(()),
        }
    }
}

/// What is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CheckSubject {
    /// A session.
    Session(SessionId),
    /// A neighbor.
    Neighbor(NeighborId),
    /// A router.
    Router(RouterId),
}

impl fmt::Display for CheckSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(id) => write!(f, "session {id}"),
            Self::Neighbor(id) => write!(f, "neighbor {id}"),
            Self::Router(id) => write!(f, "router {}", Shown(&id.to_string())),
        }
    }
}

/// A reset of routers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetRouter {
    /// Which; `None` is all.
    pub router: Option<RouterId>,
}

impl fmt::Display for ResetRouter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.router {
            Some(router) => write!(f, "{}", Shown(&router.to_string())),
            None => f.write_str("all"),
        }
    }
}

/// A reset of publishers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetPublisher {
    /// Which; `None` is all.
    pub publisher: Option<PublisherName>,
    /// Only the generation of this router, and no new producer.
    pub router: Option<RouterId>,
}

impl fmt::Display for ResetPublisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.publisher {
            Some(publisher) => write!(f, "{}", Shown(publisher.as_str()))?,
            None => f.write_str("all")?,
        }
        match &self.router {
            Some(router) => write!(f, " --router {}", Shown(&router.to_string())),
            None => Ok(()),
        }
    }
}

/// All publishers, or one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WhichPublishers(pub Option<PublisherName>);

impl fmt::Display for WhichPublishers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(publisher) => write!(f, " {}", Shown(publisher.as_str())),
            None => Ok(()),
        }
    }
}

/// All monitored routers, or one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WhichRouters(pub Option<RouterId>);

impl fmt::Display for WhichRouters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(router) => write!(f, " {}", Shown(&router.to_string())),
            None => Ok(()),
        }
    }
}

/// Another level of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetLog {
    /// Which; `None` is that of bmpd's command line.
    pub level: Option<LogLevel>,
    /// For how long, ms, at most [`LOG_LASTS_MAX`]; then it is that of the command line again. `None` is until another one is
    /// set, or bmpd ends.
    pub lasts: Option<u64>,
}

impl fmt::Display for SetLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.level.map_or("default", LogLevel::name))?;
        match self.lasts {
            Some(lasts) => write!(f, " --for {}", Span(lasts)),
            None => Ok(()),
        }
    }
}

/// All BGP neighbors, those with an address, or those of a VPN instance.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WhichNeighbors {
    /// Only those with this address; without a VPN instance in every one.
    pub address: Option<IpAddr>,
    /// Only those of this VPN instance.
    pub vpn_instance: Option<VpnInstanceName>,
}

impl WhichNeighbors {
    /// True if the neighbor is one of them.
    pub fn matches(&self, id: &NeighborId) -> bool {
        self.address.is_none_or(|address| address == id.address)
            && (self.vpn_instance.is_none() || self.vpn_instance == id.vpn_instance)
    }
}

impl fmt::Display for WhichNeighbors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(address) = self.address {
            write!(f, " {address}")?;
        }
        match &self.vpn_instance {
            Some(name) => write!(f, " --vpn-instance {}", Shown(name.as_str())),
            None => Ok(()),
        }
    }
}

/// All VPN instances, or one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WhichInstances(pub Option<VpnInstanceName>);

impl fmt::Display for WhichInstances {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(name) => write!(f, " {}", Shown(name.as_str())),
            None => Ok(()),
        }
    }
}

/// Events of the history: those that are selected, or the newest of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ShowEvents {
    /// Which.
    pub which: WhichEvents,
    /// At most so many, the newest; `None` is all.
    pub limit: Option<u32>,
}

impl fmt::Display for ShowEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.which.fmt(f)?;
        match self.limit {
            Some(limit) => write!(f, " --limit {limit}"),
            None => Ok(()),
        }
    }
}

/// The names of the views (RFC 7854 section 4.2, RFC 8671 section 4, RFC 9069 section 4).
pub const VIEWS: [&str; 5] = [
    "adj-rib-in-pre-policy",
    "adj-rib-in-post-policy",
    "adj-rib-out-pre-policy",
    "adj-rib-out-post-policy",
    "loc-rib",
];

/// The names of the families.
pub const FAMILIES: [&str; 15] = [
    "ipv4-unicast",
    "ipv6-unicast",
    "ipv4-multicast",
    "ipv6-multicast",
    "ipv4-labeled-unicast",
    "ipv6-labeled-unicast",
    "vpnv4-unicast",
    "vpnv6-unicast",
    "l2vpn-evpn",
    "ipv4-flowspec",
    "ipv6-flowspec",
    "vpnv4-flowspec",
    "vpnv6-flowspec",
    "link-state",
    "link-state-vpn",
];

/// Routes of the tables.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ShowRoutes {
    /// Only those for this prefix; without, all.
    pub prefix: Option<WantedPrefix>,
    /// Only those of these peers: BGP neighbors of bmpd, or peers of a router.
    pub peers: WhichNeighbors,
    /// Only those of this router.
    pub router: Option<RouterId>,
    /// Only those of this view, one of [`VIEWS`].
    pub view: Option<String>,
    /// Only those of this family, one of [`FAMILIES`].
    pub family: Option<String>,
    /// At most so many.
    pub limit: Option<u64>,
    /// With the bytes of each.
    pub with_bytes: bool,
    /// Only how many there are with the same of this.
    pub count_by: Option<CountBy>,
}

impl fmt::Display for ShowRoutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { prefix, peers, router, view, family, limit, with_bytes, count_by } = self;
        if let Some(WantedPrefix { prefix, how }) = prefix {
            write!(f, " {prefix}")?;
            match how {
                PrefixMatch::Best => {}
                PrefixMatch::Exact => f.write_str(" --exact")?,
                PrefixMatch::Longer => f.write_str(" --longer")?,
            }
        }
        if let Some(address) = peers.address {
            write!(f, " --neighbor {address}")?;
        }
        if let Some(name) = &peers.vpn_instance {
            write!(f, " --vpn-instance {}", Shown(name.as_str()))?;
        }
        if let Some(router) = router {
            write!(f, " --router {}", Shown(&router.to_string()))?;
        }
        for (option, value) in [("view", view), ("family", family)] {
            if let Some(value) = value {
                write!(f, " --{option} {}", Shown(value))?;
            }
        }
        if let Some(limit) = limit {
            write!(f, " --limit {limit}")?;
        }
        if *with_bytes {
            f.write_str(" --bytes")?;
        }
        match count_by {
            Some(count_by) => write!(f, " --count-by {}", count_by.word()),
            None => Ok(()),
        }
    }
}

/// A prefix, and which routes are for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedPrefix {
    /// The prefix; an address is one of its whole length.
    pub prefix: IpNet,
    /// Which routes.
    pub how: PrefixMatch,
}

/// Which routes are for a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum PrefixMatch {
    /// In each table the longest one that covers it.
    #[default]
    Best,
    /// It only.
    Exact,
    /// It, and all that it covers.
    Longer,
}

/// What routes are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CountBy {
    /// The last AS number of the AS_PATH.
    OriginAs,
    /// The peer, with its router and view.
    Neighbor,
    /// The family.
    Family,
}

impl CountBy {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::OriginAs, Self::Neighbor, Self::Family];

    /// Its name on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::OriginAs => "origin-as",
            Self::Neighbor => "neighbor",
            Self::Family => "family",
        }
    }
}

/// Which events, and from when on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WhichEvents {
    /// What they are about.
    pub about: About,
    /// The first of them; `None` is the oldest one of the history, and for `monitor` the next one.
    pub begin: Option<Begin>,
}

impl fmt::Display for WhichEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.about.fmt(f)?;
        match self.begin {
            Some(begin) => write!(f, " {begin}"),
            None => Ok(()),
        }
    }
}

/// How far back events are wanted, as people type it: a length of time, or a time of RFC 3339 such as those that are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// At most so long ago.
    Ago(Span),
    /// At this time of the wall clock, or later.
    At(Timestamp),
}

/// Why a text is neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is neither a length of time like 90s or 1h, nor a time like 2026-11-23T08:00:00Z")]
pub struct SinceError;

impl FromStr for Since {
    type Err = SinceError;

    fn from_str(text: &str) -> Result<Self, SinceError> {
        match (text.parse(), text.parse()) {
            (Ok(span), _) => Ok(Self::Ago(span)),
            (Err(_), Ok(time)) => Ok(Self::At(time)),
            (Err(_), Err(_)) => Err(SinceError),
        }
    }
}

impl From<Since> for Begin {
    fn from(since: Since) -> Self {
        match since {
            Since::Ago(span) => Self::Ago(span),
            Since::At(time) => Self::At(time),
        }
    }
}

/// Where events begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Begin {
    /// At most so long ago.
    Ago(Span),
    /// At this time of the wall clock, or later.
    At(Timestamp),
    /// Behind the event with this sequence number. If that is of another bmpd than the one that runs: with the first event
    /// of this one.
    After(u64),
}

impl fmt::Display for Begin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Begin::Ago(span) => write!(f, "--since {span}"),
            Begin::At(time) => write!(f, "--since {time}"),
            Begin::After(sequence) => write!(f, "--after {sequence}"),
        }
    }
}

/// One of a kind, or `all` of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OneOrAll<T> {
    /// All.
    All,
    /// One.
    One(T),
}

impl<T: FromStr> FromStr for OneOrAll<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        match text {
            ALL => Ok(Self::All),
            text => text.parse().map(Self::One),
        }
    }
}

/// What events are to be about, as it is typed: options, or the parameters of a query.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventFilter {
    /// A session by its address.
    pub session: Option<OneOrAll<StationAddress>>,
    /// The alias of that session.
    pub alias: Option<Alias>,
    /// The VPN instance of sessions or neighbors.
    pub vpn_instance: Option<VpnInstanceName>,
    /// Neighbors by their address.
    pub neighbor: Option<OneOrAll<IpAddr>>,
    /// A router.
    pub router: Option<RouterId>,
    /// A publisher.
    pub publisher: Option<PublisherName>,
}

/// Why a filter means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// Too much at once.
    #[error(
        "name one of session, neighbor, router and publisher; only session and router go together"
    )]
    Several,
    /// An alias without an address.
    #[error("an alias belongs to one session: name the address of the session, too")]
    Alias,
    /// An instance of nothing.
    #[error("a VPN instance belongs to sessions or neighbors: name some of them, or all")]
    Instance,
}

impl TryFrom<EventFilter> for About {
    type Error = FilterError;

    fn try_from(filter: EventFilter) -> Result<Self, FilterError> {
        let EventFilter { session, mut alias, mut vpn_instance, neighbor, router, publisher } =
            filter;
        let about = match (session, neighbor, router, publisher) {
            (None, None, None, None) => About::All,
            (Some(session), None, router, None) => {
                let vpn_instance = vpn_instance.take();
                let selector = match session {
                    OneOrAll::All => Selector::All { vpn_instance },
                    OneOrAll::One(address) => {
                        Selector::One(SessionId { vpn_instance, address, alias: alias.take() })
                    }
                };
                About::Sessions { selector, router }
            }
            (None, Some(neighbor), None, None) => {
                let address = match neighbor {
                    OneOrAll::All => None,
                    OneOrAll::One(address) => Some(address),
                };
                About::Neighbors(WhichNeighbors { address, vpn_instance: vpn_instance.take() })
            }
            (None, None, Some(router), None) => About::Router(router),
            (None, None, None, Some(publisher)) => About::Publisher(publisher),
            _ => return Err(FilterError::Several),
        };
        match (alias, vpn_instance) {
            (Some(_), _) => Err(FilterError::Alias),
            (None, Some(_)) => Err(FilterError::Instance),
            (None, None) => Ok(about),
        }
    }
}

/// What events are about.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum About {
    /// Everything.
    #[default]
    All,
    /// The legs of the selected sessions.
    Sessions {
        /// Which.
        selector: Selector,
        /// Only those that carry this router.
        router: Option<RouterId>,
    },
    /// BGP neighbors.
    Neighbors(WhichNeighbors),
    /// A router, and the legs that carry it.
    Router(RouterId),
    /// A publisher.
    Publisher(PublisherName),
}

impl About {
    /// True if the event is one of them.
    pub fn matches(&self, event: &Event) -> bool {
        match (self, &event.what) {
            (About::All, _) => true,
            (
                About::Sessions { selector, router: wanted },
                EventKind::Session { id, router, .. },
            ) => selector.matches(id) && wanted.as_ref().is_none_or(|wanted| wanted == router),
            (About::Neighbors(which), EventKind::Neighbor { id, .. }) => which.matches(id),
            (
                About::Router(one),
                EventKind::Router { id: router, .. } | EventKind::Session { router, .. },
            ) => one == router,
            (About::Publisher(one), EventKind::Publisher { id, .. }) => one == id,
            _ => false,
        }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            About::All => Ok(()),
            About::Sessions { selector, router } => {
                write!(f, " --session {selector}")?;
                match router {
                    Some(router) => write!(f, " --router {}", Shown(&router.to_string())),
                    None => Ok(()),
                }
            }
            About::Neighbors(which) if which.address.is_none() => {
                write!(f, " --neighbor all{which}")
            }
            About::Neighbors(which) => write!(f, " --neighbor{which}"),
            About::Router(router) => write!(f, " --router {}", Shown(&router.to_string())),
            About::Publisher(name) => write!(f, " --publisher {}", Shown(name.as_str())),
        }
    }
}
