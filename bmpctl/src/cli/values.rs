//! The values that a command line can hold: names, addresses, times.

use std::str::FromStr;
use std::time::Duration;

use clap::builder::{StringValueParser, TypedValueParser};
use shared::names::{Alias, Selector, SessionId, StationAddress, VpnInstanceName};

/// A parser of names that takes any text, so that the reason of a refusal is that of the name's rules.
pub(super) fn named<T>() -> impl TypedValueParser<Value = T>
where
    T: FromStr + Clone + Send + Sync + 'static,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    StringValueParser::new().try_map(|text| text.parse::<T>())
}

/// Reads a time such as `500ms`, `2s`, `1m` or `1h` of at least 1 ms.
fn duration(text: &str, maximum: Duration, shown: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "" => return Err("a unit is missing: write it like 500ms, 2s or 1m".to_owned()),
        _ => return Err("it is not a time: write it like 500ms, 2s or 1m".to_owned()),
    };
    let millis = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    match millis.map(Duration::from_millis) {
        Some(time) if !time.is_zero() && time <= maximum => Ok(time),
        _ => Err(format!("it is out of range: 1ms to {shown} are allowed")),
    }
}

/// A time of up to an hour.
pub(super) fn up_to_an_hour(text: &str) -> Result<Duration, String> {
    duration(text, Duration::from_secs(3600), "60m")
}

/// A time of up to a day.
pub(super) fn up_to_a_day(text: &str) -> Result<Duration, String> {
    duration(text, Duration::from_secs(86_400), "24h")
}

/// An interval in seconds, or with a unit.
pub(super) fn interval(text: &str) -> Result<Duration, String> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let time = if is_number { up_to_an_hour(&format!("{text}s")) } else { up_to_an_hour(text) }?;
    if time < Duration::from_millis(100) {
        return Err("it is out of range: 100ms to 60m are allowed".to_owned());
    }
    Ok(time)
}

/// An address or `all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    All,
    Address(StationAddress),
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

/// The sessions that the words of a command name.
pub(super) fn select(
    vpn_instance: Option<VpnInstanceName>,
    target: Target,
    alias: Option<Alias>,
) -> Result<Selector, String> {
    match (target, alias) {
        (Target::All, None) => Ok(Selector::All { vpn_instance }),
        (Target::All, Some(_)) => {
            Err("an alias belongs to one session: name its address instead of `all`".to_owned())
        }
        (Target::Address(address), alias) => {
            Ok(Selector::One(SessionId { vpn_instance, address, alias }))
        }
    }
}
