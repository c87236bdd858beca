//! The values that a command line can hold: names, addresses, times.

use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, StringValueParser, TypedValueParser};
use ipnet::IpNet;
use shared::names::{
    ALL, Alias, NameError, PublisherName, RouterId, SEVERAL_MAX, Selector, SessionId,
    StationAddress, VpnInstanceName,
};
use shared::request::{CountBy, Since, SinceError};
use shared::response::{LogLevel, SessionState};
use shared::time::{Span, SpanError};

use super::invocation::Goal;

/// A parser of names that takes any text, so that the reason of a refusal is that of the name's rules.
pub(super) fn named<T>() -> impl TypedValueParser<Value = T>
where
    T: FromStr + Clone + Send + Sync + 'static,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    StringValueParser::new().try_map(|text| text.parse::<T>())
}

/// True if a word reads as a time. No address does.
pub(super) fn is_time(text: &str) -> bool {
    !matches!(text.parse::<Span>(), Err(SpanError::Form))
}

/// Reads a time such as `500ms`, `2s`, `1m30s` or `1h`; a number alone is one of seconds.
fn duration(
    text: &str,
    [least, most]: [Duration; 2],
    [shown_least, shown_most]: [&str; 2],
) -> Result<Duration, String> {
    let time = match text.parse::<Span>() {
        Ok(span) => Some(span.duration()),
        Err(error @ SpanError::Form) => return Err(error.to_string()),
        Err(SpanError::Range) => None,
    };
    let time = time.filter(|time| (least..=most).contains(time));
    time.ok_or_else(|| format!("it is out of range: {shown_least} to {shown_most} are allowed"))
}

const MILLISECOND: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

/// A time of up to an hour.
pub(super) fn up_to_an_hour(text: &str) -> Result<Duration, String> {
    duration(text, [MILLISECOND, HOUR], ["1ms", "1h"])
}

/// A time of up to a day.
pub(super) fn up_to_a_day(text: &str) -> Result<Duration, String> {
    duration(text, [MILLISECOND, HOUR * 24], ["1ms", "24h"])
}

/// The time from one look to the next.
pub(super) fn interval(text: &str) -> Result<Duration, String> {
    duration(text, [MILLISECOND * 100, HOUR], ["100ms", "1h"])
}

/// How far back events are wanted.
pub(super) fn since(text: &str) -> Result<Since, String> {
    text.parse().map_err(|error: SinceError| error.to_string())
}

/// An address or `all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    All,
    Address(StationAddress),
}

/// A neighbor's address, or all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NeighborTarget(pub(super) Option<IpAddr>);

impl FromStr for NeighborTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self(None));
        }
        let address = text.parse().map(|address| Self(Some(address)));
        address.map_err(|_| {
            "it is not an IP address: write an IPv4 address like 10.1.1.1 or an IPv6 address like \
             2001:db8::1; host names are not looked up"
                .to_owned()
        })
    }
}

/// A prefix; an address is one of its whole length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PrefixTarget(pub(super) IpNet);

impl FromStr for PrefixTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let prefix = match text.split_once('/') {
            None => text.parse::<IpAddr>().ok().map(IpNet::from),
            Some(_) => text.parse::<IpNet>().ok(),
        };
        prefix.map(Self).ok_or_else(|| {
            "it is neither a prefix like 192.0.2.0/24 or 2001:db8::/32 nor an IP address".to_owned()
        })
    }
}

/// What routes are counted by.
pub(super) fn count_by() -> impl TypedValueParser<Value = CountBy> {
    let words = CountBy::ALL.map(|by| match by {
        CountBy::OriginAs => PossibleValue::new(by.word()).help("The last AS number of the path"),
        CountBy::Neighbor => PossibleValue::new(by.word()).help("The peer that has announced them"),
        CountBy::Family => PossibleValue::new(by.word()).help("The address family"),
    });
    PossibleValuesParser::new(words).map(|text| {
        CountBy::ALL.into_iter().find(|by| by.word() == text).unwrap_or(CountBy::OriginAs)
    })
}

/// A router, or all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RouterTarget(pub(super) Option<RouterId>);

impl FromStr for RouterTarget {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text {
            ALL => Ok(Self(None)),
            _ => text.parse().map(|router| Self(Some(router))),
        }
    }
}

/// A publisher, or all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PublisherTarget(pub(super) Option<PublisherName>);

impl FromStr for PublisherTarget {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text {
            ALL => Ok(Self(None)),
            _ => text.parse().map(|publisher| Self(Some(publisher))),
        }
    }
}

/// A level of the log, or the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LevelTarget {
    Default,
    Level(LogLevel),
}

/// The levels of the log, and what each adds.
pub(super) fn log_level() -> impl TypedValueParser<Value = LevelTarget> {
    let levels = LogLevel::ALL.map(|level| PossibleValue::new(level.name()).help(level.adds()));
    let default = PossibleValue::new("default").help("That of bmpd's command line");
    PossibleValuesParser::new(levels.into_iter().chain([default])).try_map(|text| match &*text {
        "default" => Ok(LevelTarget::Default),
        level => level.parse().map(LevelTarget::Level),
    })
}

/// Why a word is neither an address nor `all`.
#[derive(Debug, thiserror::Error)]
pub(super) enum TargetError {
    #[error("`all` is written in lower case")]
    Case,
    #[error(transparent)]
    Address(#[from] shared::names::AddressError),
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        match text {
            "all" => Ok(Target::All),
            _ if text.eq_ignore_ascii_case("all") => Err(TargetError::Case),
            _ => Ok(Target::Address(text.parse()?)),
        }
    }
}

/// The sessions that the words of a command name; without a word all.
pub(super) fn select(
    vpn_instance: Option<VpnInstanceName>,
    targets: &[Target],
    alias: Option<Alias>,
) -> Result<Selector, String> {
    let mut ids = Vec::new();
    for target in targets {
        let address = match target {
            Target::Address(address) => *address,
            Target::All if targets.len() == 1 => break,
            Target::All => {
                return Err("`all` is every session: no address can be beside it".to_owned());
            }
        };
        let id = SessionId { vpn_instance: vpn_instance.clone(), address, alias: alias.clone() };
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let text = match (ids.len(), &alias) {
        (0, None) => return Ok(Selector::All { vpn_instance }),
        (0, Some(_)) if targets.is_empty() => {
            "an alias belongs to one session: name its address, too"
        }
        (0, Some(_)) => "an alias belongs to one session: name its address instead of `all`",
        (2.., Some(_)) => "an alias belongs to one session: name one address",
        (1, _) => return ids.pop().map(Selector::One).ok_or_else(String::new),
        (2..=SEVERAL_MAX, None) => return Ok(Selector::Several(ids)),
        (count, None) => {
            return Err(format!("{count} sessions are named, and {SEVERAL_MAX} can be; use `all`"));
        }
    };
    Err(text.to_owned())
}

/// The states of sessions.
pub(super) fn session_state() -> impl TypedValueParser<Value = SessionState> {
    PossibleValuesParser::new(SessionState::ALL.map(SessionState::word))
        .try_map(|word| SessionState::of_word(&word).ok_or("there is no such state"))
}

/// For how long something has been so: nothing up to a day.
pub(super) fn lasted(text: &str) -> Result<Span, String> {
    duration(text, [Duration::ZERO, HOUR * 24], ["0s", "24h"]).map(Span::of)
}

/// What `wait session` waits for.
pub(super) fn goal() -> impl TypedValueParser<Value = Goal> {
    let goals = Goal::ALL.map(|goal| PossibleValue::new(goal.word()).help(goal.meaning()));
    PossibleValuesParser::new(goals)
        .try_map(|word| Goal::of_word(&word).ok_or("there is no such condition"))
}
