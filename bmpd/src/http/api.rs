//! `/api/v1`: what `bmpctl show` shows, as JSON over HTTP.
//!
//! [`ENDPOINTS`] is the one list of what there is: requests are parsed by it, and `docs/openapi.json` is made of it. A path is one of
//! the list, or one with a name behind it. Answers are the documents of `bmpctl --json` (`shared::document`).

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;

use hyper::StatusCode;
use shared::document::{Document, Problem};
use shared::names::{PublisherName, RouterId, Selector, SessionId};
use shared::request::{
    About, Begin, EventFilter, Level, ShowEvents, Since, WhichEvents, WhichNeighbors,
};
use shared::response::{CallerReport, Failure, History};

use crate::world::{World, all, described, status};

/// The API as OpenAPI describes it.
pub(super) const DESCRIPTION: &str = include_str!("../../../docs/openapi.json");

/// What can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resource {
    Status,
    Sessions,
    Neighbors,
    Routers,
    Publishers,
    Events,
    Description,
}

/// A path, or one with a name behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Endpoint {
    pub(super) resource: Resource,
    pub(super) path: &'static str,
    /// What it answers.
    #[cfg_attr(not(test), expect(dead_code, reason = "the description is made of it"))]
    pub(super) about: &'static str,
    pub(super) parameters: &'static [Parameter],
    /// The name of one of them, which can be behind the path, if there is such a thing.
    pub(super) item: Option<Item>,
}

/// One of several.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    #[cfg_attr(not(test), expect(dead_code, reason = "the description is made of it"))]
    pub(super) name: Parameter,
    /// What it answers.
    #[cfg_attr(not(test), expect(dead_code, reason = "the description is made of it"))]
    pub(super) about: &'static str,
    pub(super) parameters: &'static [Parameter],
}

/// A parameter of a query, or the name in a path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "the description is made of it"))]
    pub(super) about: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "the description is made of it"))]
    pub(super) kind: Kind,
}

/// What a parameter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
}

const fn text(name: &'static str, about: &'static str) -> Parameter {
    Parameter { name, about, kind: Kind::Text }
}

const fn number(name: &'static str, about: &'static str) -> Parameter {
    Parameter { name, about, kind: Kind::Number }
}

const OF_INSTANCE: Parameter = text("vpn_instance", "Only those of this VPN instance.");
const IN_INSTANCE: Parameter = text("vpn_instance", "Its VPN instance; without it the public one.");
const ALIAS: Parameter = text("alias", "Its alias; without it the session without alias.");

/// Everything there is.
pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        resource: Resource::Status,
        path: "/api/v1/status",
        about: "bmpd itself, as `bmpctl show status`",
        parameters: &[],
        item: None,
    },
    Endpoint {
        resource: Resource::Sessions,
        path: "/api/v1/sessions",
        about: "The BMP sessions, as `bmpctl show session`",
        parameters: &[OF_INSTANCE],
        item: Some(Item {
            name: text("address", "The address of the station."),
            about: "One BMP session with its details, in a list of one",
            parameters: &[ALIAS, IN_INSTANCE],
        }),
    },
    Endpoint {
        resource: Resource::Neighbors,
        path: "/api/v1/neighbors",
        about: "The BGP neighbors, as `bmpctl show neighbor`",
        parameters: &[OF_INSTANCE],
        item: Some(Item {
            name: text("address", "The address of the neighbor."),
            about: "The BGP neighbors with this address, one for each VPN instance that has it",
            parameters: &[OF_INSTANCE],
        }),
    },
    Endpoint {
        resource: Resource::Routers,
        path: "/api/v1/routers",
        about: "The monitored routers, as `bmpctl show router`",
        parameters: &[],
        item: Some(Item {
            name: text("name", "The name of the router; `local` is bmpd itself."),
            about: "One router with its peers, in a list of one",
            parameters: &[],
        }),
    },
    Endpoint {
        resource: Resource::Publishers,
        path: "/api/v1/publishers",
        about: "The publishers, as `bmpctl show publisher`",
        parameters: &[],
        item: Some(Item {
            name: text("name", "The name of the publisher."),
            about: "One publisher with its routers, in a list of one",
            parameters: &[],
        }),
    },
    Endpoint {
        resource: Resource::Events,
        path: "/api/v1/events",
        about: "What has happened, as `bmpctl show event`; with `Accept: text/event-stream` what happens, as \
                `bmpctl monitor`",
        parameters: &[
            text(
                "since",
                "Only events at most so long ago, such as `1h` or `90s`, or since a time of RFC 3339.",
            ),
            number("after", "Only events behind the one with this sequence number."),
            number("limit", "At most so many, the newest; not for a stream."),
            text("session", "Only those of sessions with this station, or with `all` of any."),
            text("alias", "The alias of that session; without it the session without alias."),
            text("vpn_instance", "The VPN instance of the sessions or neighbors."),
            text(
                "neighbor",
                "Only those of the neighbors with this address, or with `all` of any.",
            ),
            text(
                "router",
                "Only those of this router and of the connections that carry it; with `session` only these.",
            ),
            text("publisher", "Only those of this publisher."),
        ],
        item: None,
    },
    Endpoint {
        resource: Resource::Description,
        path: "/api/v1/openapi.json",
        about: "This description",
        parameters: &[],
        item: None,
    },
];

/// A request that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Query {
    Status,
    Sessions(Selector),
    Neighbors(WhichNeighbors),
    Routers(Option<RouterId>),
    Publishers(Option<PublisherName>),
    Events(ShowEvents),
    Description,
}

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) detail: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into() }
    }

    fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn stopping() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "bmpd is about to stop.")
    }

    /// Its body (RFC 9457).
    pub(super) fn body(&self) -> String {
        let problem = Problem {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or_default(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
        };
        serde_json::to_string(&problem).unwrap_or_default() + "\n"
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        let missing = |what: &dyn fmt::Display, kind: &str, path: &str| {
            let detail = format!("There is no {kind} {what}; {path} lists those there are.");
            Self::new(StatusCode::NOT_FOUND, detail)
        };
        match failure {
            Failure::NoSuchSession { selector, .. } => {
                missing(&selector, "session", "/api/v1/sessions")
            }
            Failure::NoSuchNeighbor { address, .. } => {
                missing(&address, "neighbor", "/api/v1/neighbors")
            }
            Failure::NoSuchRouter { router, .. } => missing(&router, "router", "/api/v1/routers"),
            Failure::NoSuchPublisher { publisher, .. } => {
                missing(&publisher, "publisher", "/api/v1/publishers")
            }
            Failure::NoSuchVpnInstance { name, .. } => {
                Self::new(StatusCode::NOT_FOUND, format!("There is no VPN instance {name}."))
            }
            Failure::Stopping => Self::stopping(),
            Failure::NotPermitted { .. } | Failure::Configuration(_) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "It is not for HTTP.")
            }
            Failure::Busy(text) => Self::new(StatusCode::SERVICE_UNAVAILABLE, text),
            Failure::Other(text) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, text),
        }
    }
}

/// Parses the path and the query of a request.
pub(super) fn parse(path: &str, query: Option<&str>) -> Result<Query, Refusal> {
    let (endpoint, name) = find(path).ok_or_else(|| {
        let all: Vec<_> = ENDPOINTS.iter().map(|endpoint| endpoint.path).collect();
        let detail = format!("There is no such path; there are {}.", all.join(", "));
        Refusal::new(StatusCode::NOT_FOUND, detail)
    })?;
    let (name, parameters) = match (name, endpoint.item) {
        (Some(name), Some(item)) => {
            (Some(decoded(name, "the name in the path", Spaces::Encoded)?), item.parameters)
        }
        _ => (None, endpoint.parameters),
    };
    let mut values = Values::read(query.unwrap_or_default(), parameters)?;
    let invalid = |error: &dyn fmt::Display| {
        Refusal::bad(format!("The name in the path is not valid: {error}."))
    };
    Ok(match endpoint.resource {
        Resource::Status => Query::Status,
        Resource::Description => Query::Description,
        Resource::Sessions => Query::Sessions(match name {
            None => Selector::All { vpn_instance: values.take("vpn_instance")? },
            Some(name) => Selector::One(SessionId {
                vpn_instance: values.take("vpn_instance")?,
                address: name.parse().map_err(|error| invalid(&error))?,
                alias: values.take("alias")?,
            }),
        }),
        Resource::Neighbors => {
            let address = name.map(|name| name.parse()).transpose();
            let address = address.map_err(|error| invalid(&error))?;
            Query::Neighbors(WhichNeighbors { address, vpn_instance: values.take("vpn_instance")? })
        }
        Resource::Routers => {
            let name = name.map(|name| name.parse()).transpose();
            Query::Routers(name.map_err(|error| invalid(&error))?)
        }
        Resource::Publishers => {
            let name = name.map(|name| name.parse()).transpose();
            Query::Publishers(name.map_err(|error| invalid(&error))?)
        }
        Resource::Events => Query::Events(events(values)?),
    })
}

/// The endpoint of a path, and what is behind it if that is a name.
fn find(path: &str) -> Option<(&'static Endpoint, Option<&str>)> {
    ENDPOINTS.iter().find_map(|endpoint| {
        let rest = path.strip_prefix(endpoint.path)?;
        match (rest, endpoint.item) {
            ("", _) => Some((endpoint, None)),
            (_, Some(_)) => {
                let name = rest.strip_prefix('/')?;
                (!name.is_empty() && !name.contains('/')).then_some((endpoint, Some(name)))
            }
            (_, None) => None,
        }
    })
}

fn events(mut values: Values<'_>) -> Result<ShowEvents, Refusal> {
    let since: Option<Since> = values.take("since")?;
    let after: Option<u64> = values.take("after")?;
    let begin = match (since, after) {
        (Some(_), Some(_)) => return Err(Refusal::bad("since and after exclude each other.")),
        (since, after) => since.map(Begin::from).or(after.map(Begin::After)),
    };
    let limit: Option<u32> = values.take("limit")?;
    if limit == Some(0) {
        return Err(Refusal::bad("limit: it is 1 or more."));
    }
    let filter = EventFilter {
        session: values.take("session")?,
        alias: values.take("alias")?,
        vpn_instance: values.take("vpn_instance")?,
        neighbor: values.take("neighbor")?,
        router: values.take("router")?,
        publisher: values.take("publisher")?,
    };
    let about = About::try_from(filter).map_err(|error| Refusal::bad(format!("{error}.")))?;
    Ok(ShowEvents { which: WhichEvents { about, begin }, limit })
}

/// The parameters of a query.
struct Values<'a>(Vec<(&'static str, Cow<'a, str>)>);

impl<'a> Values<'a> {
    fn read(query: &'a str, known: &[Parameter]) -> Result<Self, Refusal> {
        let mut values = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decoded(name, "the name of a parameter", Spaces::Plus)?;
            let Some(parameter) = known.iter().find(|parameter| parameter.name == name) else {
                let names: Vec<_> = known.iter().map(|parameter| parameter.name).collect();
                let names = match names.is_empty() {
                    true => "there is none here".to_owned(),
                    false => format!("there are {}", names.join(", ")),
                };
                return Err(Refusal::bad(format!("There is no parameter {name:?}; {names}.")));
            };
            if values.iter().any(|(other, _)| *other == parameter.name) {
                return Err(Refusal::bad(format!("The parameter {name} is there twice.")));
            }
            values.push((parameter.name, decoded(value, parameter.name, Spaces::Plus)?));
        }
        Ok(Self(values))
    }

    /// A value, if the query has it.
    fn take<T>(&mut self, name: &str) -> Result<Option<T>, Refusal>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        let value = self.0.iter().find(|(other, _)| *other == name).map(|(_, value)| value);
        let parsed = value.map(|value| value.parse()).transpose();
        parsed.map_err(|error| Refusal::bad(format!("{name}: {error}.")))
    }
}

/// How a space is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spaces {
    /// As `%20`, in a path.
    Encoded,
    /// As `%20` or `+`, in a query.
    Plus,
}

/// A text without its percent-encoding (RFC 3986 section 2.1).
fn decoded<'a>(text: &'a str, what: &str, spaces: Spaces) -> Result<Cow<'a, str>, Refusal> {
    let is_plain = |byte: u8| byte != b'%' && (byte != b'+' || spaces == Spaces::Encoded);
    if text.bytes().all(is_plain) {
        return Ok(text.into());
    }
    let bad = || Refusal::bad(format!("The percent-encoding of {what} is not valid (RFC 3986)."));
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = (digit().ok_or_else(bad)?, digit().ok_or_else(bad)?);
                (high * 16 + low) as u8
            }
            b'+' if spaces == Spaces::Plus => b' ',
            byte => byte,
        });
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| bad())
}

/// The document of the answer, as text.
pub(super) async fn answer(
    query: Query,
    world: &World,
    from: SocketAddr,
) -> Result<Cow<'static, str>, Refusal> {
    let document = match query {
        Query::Description => return Ok(DESCRIPTION.into()),
        Query::Status => {
            let caller = CallerReport {
                name: format!("{} (HTTP)", from.ip()),
                level: Level::Monitoring,
                because: "http.listen".to_owned(),
            };
            let status = status(caller, world).await.map_err(Failure::Other)?;
            Document::Status { status: Box::new(status) }
        }
        Query::Sessions(selector) => {
            let detailed = matches!(selector, Selector::One(_));
            let selected = match world.select(&selector) {
                Err(_) if selector == (Selector::All { vpn_instance: None }) => Vec::new(),
                selected => selected?,
            };
            let reports = all(selected.iter().map(|session| session.report(detailed))).await;
            Document::Sessions { sessions: reports.into_iter().flatten().collect() }
        }
        Query::Neighbors(which) => {
            let selected = world.select_neighbors(&which)?;
            let prefixes = world.select_prefixes(&which);
            Document::Neighbors { neighbors: described(selected, true).await, prefixes }
        }
        Query::Routers(which) => {
            if let Some(router) = &which {
                world.router_exists(router)?;
            }
            let routers = world.routers(which.as_ref(), which.is_some()).await;
            Document::Routers { routers }
        }
        Query::Publishers(which) => {
            let selected = world.select_publishers(which.as_ref())?;
            let detailed = which.is_some();
            let reports = all(selected.iter().map(|publisher| publisher.report(detailed))).await;
            Document::Publishers { publishers: reports.into_iter().flatten().collect() }
        }
        Query::Events(show) => {
            let shown = world.select_events(&show)?;
            let (last, dropped) = (shown.last, shown.dropped);
            let events = shown.events.into_iter().map(Arc::unwrap_or_clone).collect();
            Document::events(&History { events, last, dropped })
        }
    };
    Ok(document.to_line().into())
}

#[cfg(test)]
mod tests {
    use shared::time::Span;

    use super::*;

    fn refused(path: &str, query: &str) -> (u16, String) {
        let refusal = parse(path, Some(query)).unwrap_err();
        (refusal.status.as_u16(), refusal.detail)
    }

    #[test]
    fn names_are_decoded_and_parsed() {
        let session = |path: &str, query: &str| match parse(path, Some(query)) {
            Ok(Query::Sessions(selector)) => selector.to_string(),
            other => panic!("{other:?}"),
        };
        for (path, query, expected) in [
            ("/api/v1/sessions", "", "all"),
            ("/api/v1/sessions", "vpn_instance=red", "all vpn-instance red"),
            ("/api/v1/sessions/10.1.1.1", "", "10.1.1.1"),
            ("/api/v1/sessions/2001:DB8::1", "", "2001:db8::1"),
            ("/api/v1/sessions/2001%3Adb8%3a%3A1", "&alias=a%20b&", "2001:db8::1 alias \"a b\""),
            ("/api/v1/sessions/10.1.1.1", "alias=a+b", "10.1.1.1 alias \"a b\""),
        ] {
            assert_eq!(session(path, query), expected, "{path}?{query}");
        }
        let named = parse("/api/v1/routers/edge%2F1+%C3%A9", None);
        assert_eq!(named, Ok(Query::Routers(Some("edge/1+é".parse().unwrap()))));
    }

    #[test]
    fn events_are_selected_as_by_bmpctl() {
        let events = |query: &str| match parse("/api/v1/events", Some(query)) {
            Ok(Query::Events(show)) => show.to_string(),
            other => panic!("{other:?}"),
        };
        for (query, expected) in [
            ("", ""),
            ("since=1h&limit=7", " --since 1h --limit 7"),
            ("since=2026-11-23T08:00:00Z", " --since 2026-11-23T08:00:00.000Z"),
            ("after=17", " --after 17"),
            ("session=all&vpn_instance=red", " --session all vpn-instance red"),
            (
                "session=10.1.1.1&alias=aa&router=edge1",
                " --session 10.1.1.1 alias aa --router edge1",
            ),
            ("neighbor=192.0.2.2", " --neighbor 192.0.2.2"),
            ("neighbor=all&vpn_instance=red", " --neighbor all --vpn-instance red"),
            ("publisher=lake", " --publisher lake"),
            ("router=edge1", " --router edge1"),
        ] {
            assert_eq!(events(query), expected, "{query}");
        }
        let longest = parse("/api/v1/events", Some("since=9999999999999"));
        let begin = Some(Begin::Ago(Span(9_999_999_999_999_000)));
        let which = WhichEvents { begin, ..WhichEvents::default() };
        assert_eq!(longest, Ok(Query::Events(ShowEvents { which, limit: None })));
    }

    #[test]
    fn what_cannot_be_understood_is_refused_with_the_reason() {
        for (path, query, status, reason) in [
            ("/api/v1", "", 404, "there are /api/v1/status, /api/v1/sessions,"),
            ("/api/v1/sessions/", "", 404, "no such path"),
            ("/api/v1/sessions/10.1.1.1/x", "", 404, "no such path"),
            ("/api/v1/sessionsx", "", 404, "no such path"),
            ("/api/v1/status/x", "", 404, "no such path"),
            ("/api/v1/sessions/10.1.1", "", 400, "\"10.1.1\" is not an IP address"),
            ("/api/v1/neighbors/x", "", 400, "name in the path is not valid"),
            ("/api/v1/routers/a%", "", 400, "percent-encoding of the name in the path"),
            ("/api/v1/routers/%zz", "", 400, "percent-encoding"),
            ("/api/v1/routers/%+1", "", 400, "percent-encoding"),
            ("/api/v1/routers/%ff", "", 400, "percent-encoding"),
            ("/api/v1/routers/%00", "", 400, "control character"),
            ("/api/v1/routers/all", "", 400, "stands for all"),
            ("/api/v1/sessions", "alias=aa", 400, "there are vpn_instance"),
            ("/api/v1/status", "x=1", 400, "no parameter \"x\"; there is none here"),
            ("/api/v1/sessions", "vpn_instance=a&vpn_instance=a", 400, "there twice"),
            ("/api/v1/sessions", "vpn_instance=%e9", 400, "percent-encoding of vpn_instance"),
            ("/api/v1/sessions", "vpn_instance=", 400, "vpn_instance: it is empty"),
            ("/api/v1/events", "since=yesterday", 400, "since: it is neither"),
            ("/api/v1/events", "since=-1h", 400, "since: it is neither"),
            ("/api/v1/events", "since=1h&after=1", 400, "exclude each other"),
            ("/api/v1/events", "after=-1", 400, "after: "),
            ("/api/v1/events", "after=18446744073709551616", 400, "after: "),
            ("/api/v1/events", "limit=0", 400, "limit: "),
            ("/api/v1/events", "limit=4294967296", 400, "limit: "),
            ("/api/v1/events", "alias=aa", 400, "an alias belongs to one session"),
            ("/api/v1/events", "session=all&alias=aa", 400, "an alias belongs to one session"),
            ("/api/v1/events", "vpn_instance=red", 400, "a VPN instance belongs to"),
            ("/api/v1/events", "router=a&publisher=b", 400, "name one of"),
        ] {
            let (found, detail) = refused(path, query);
            assert_eq!(found, status, "{path}?{query}: {detail}");
            assert!(detail.contains(reason), "{path}?{query}: {detail}");
        }
    }
}
