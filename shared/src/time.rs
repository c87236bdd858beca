//! Points in time and lengths of time, as they travel between bmpd and bmpctl.
//!
//! Both are whole milliseconds. On the wire they are plain numbers; in JSON, where people and scripts
//! read them, a [`Timestamp`] is a text of RFC 3339 in UTC and a [`Span`] a number of seconds.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::fmt::friendly::SpanParser;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A point in time by the wall's clock: milliseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Timestamp(pub u64);

/// A length of time in milliseconds, by a steady clock: it stays right when the wall's clock is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Span(pub u64);

impl Timestamp {
    fn to_jiff(self) -> Option<jiff::Timestamp> {
        jiff::Timestamp::from_millisecond(i64::try_from(self.0).ok()?).ok()
    }

    /// The text of RFC 3339 without fractions of a second, such as `2026-11-23T08:00:00Z`.
    pub fn to_seconds_text(self) -> String {
        Self(self.0 / 1000 * 1000)
            .to_jiff()
            .map_or_else(|| "unknown".to_owned(), |at| at.to_string())
    }
}

/// RFC 3339 with milliseconds, such as `2026-11-23T08:00:00.250Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_jiff() {
            Some(at) => write!(f, "{at:.3}"),
            None => f.write_str("unknown"),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_u64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return u64::deserialize(deserializer).map(Self);
        }
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// Why a text is no point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not a time after 1970: write it like 2026-11-23T08:00:00Z")]
pub struct TimestampError;

/// RFC 3339, with or without fractions of a second.
impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let at: jiff::Timestamp = text.parse().map_err(|_| TimestampError)?;
        u64::try_from(at.as_millisecond()).map(Self).map_err(|_| TimestampError)
    }
}

/// Why a text is no length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SpanError {
    /// It has another form.
    #[error("it is not a time: write it like 500ms, 2s, 1m30s or 1h")]
    Form,
    /// It is negative, or too long for anything.
    #[error("it is out of range")]
    Range,
}

/// A time such as `500ms`, `2s`, `1m30s` or `1h`; a number alone is one of seconds.
impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let time = match is_number {
            true => text.parse().map(SignedDuration::from_secs).map_err(|_| SpanError::Range)?,
            false => SpanParser::new().parse_duration(text).map_err(|_| SpanError::Form)?,
        };
        Duration::try_from(time).map(Self::of).map_err(|_| SpanError::Range)
    }
}

impl Span {
    /// The whole of a duration, cut to milliseconds.
    pub fn of(duration: Duration) -> Self {
        Self(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }

    /// As a duration.
    pub fn duration(self) -> Duration {
        Duration::from_millis(self.0)
    }
}

/// As bmpctl reads it on its command line: `10m`, `1m30s`, `500ms`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        for (length, unit) in [(3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")] {
            if rest >= length {
                write!(f, "{}{unit}", rest / length)?;
            }
            rest %= length;
        }
        Ok(())
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_f64(self.0 as f64 / 1000.0)
        } else {
            serializer.serialize_u64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return u64::deserialize(deserializer).map(Self);
        }
        let seconds = f64::deserialize(deserializer)?;
        let duration = Duration::try_from_secs_f64(seconds).map_err(de::Error::custom)?;
        // Rounded: 0.057 s is 57 ms, although no such number is exactly that.
        Ok(Self::of(duration + Duration::from_micros(500)))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A point in time: RFC 3339, UTC, with milliseconds.",
            "type": "string",
            "format": "date-time",
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$",
        })
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A length of time in seconds, with milliseconds.",
            "type": "number",
            "minimum": 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_rfc_3339_and_seconds() {
        assert_eq!(Timestamp(1_795_420_800_999).to_string(), "2026-11-23T08:00:00.999Z");
        assert_eq!(Timestamp(1_795_420_800_999).to_seconds_text(), "2026-11-23T08:00:00Z");
        assert_eq!(Timestamp(u64::MAX).to_string(), "unknown");
        assert_eq!(serde_json::to_string(&Span(2057)).unwrap(), "2.057");
    }

    #[test]
    fn a_length_of_time_is_shown_as_it_is_typed() {
        for (millis, text) in [
            (0, "0s"),
            (5, "5ms"),
            (500, "500ms"),
            (1500, "1s500ms"),
            (2000, "2s"),
            (90_000, "1m30s"),
            (600_000, "10m"),
            (3_600_000, "1h"),
            (86_400_000, "24h"),
            (3_661_001, "1h1m1s1ms"),
        ] {
            assert_eq!(Span(millis).to_string(), text);
        }
    }

    #[test]
    fn both_read_back_from_json_and_from_a_frame() {
        use crate::frame::{Kind, decode, encode, read};
        let value = (Timestamp(1_795_420_800_007), Span(57));
        let text = serde_json::to_string(&value).unwrap();
        assert_eq!(serde_json::from_str::<(Timestamp, Span)>(&text).unwrap(), value, "{text}");
        let frame = encode(Kind::Response, &value).unwrap();
        let (kind, body) = read(&mut &frame[..]).unwrap();
        assert_eq!(decode::<(Timestamp, Span)>(kind, &body).unwrap(), value);
    }
}
