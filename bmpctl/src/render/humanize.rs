//! Ages, times and sizes as people read them.

use shared::time::{Span, Timestamp};

/// An age such as `57s`, `2h13m` or `3d4h`.
pub(super) fn age(Span(millis): Span) -> String {
    let seconds = millis / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m{:02}s", seconds % 60),
        (0, _, _) => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{days}d{:02}h", hours % 24),
    }
}

/// A countdown: like an age, but it shows 0 only when it is over.
pub(super) fn countdown(Span(millis): Span) -> String {
    age(Span(millis.div_ceil(1000) * 1000))
}

/// A number of bytes such as `512 B` or `33.5 MiB`.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64 / 1024.0;
    let mut rank = 0;
    while size >= 1024.0 && rank + 1 < UNITS.len() {
        size /= 1024.0;
        rank += 1;
    }
    format!("{size:.1} {}", UNITS[rank])
}

/// So many of something: `1 route`, `2 routes`.
pub(super) fn count(count: u64, one: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {one}{ending}")
}

/// What comes from outside must neither break a line nor reach the terminal as a control character.
pub(super) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// A moment with its age.
pub(super) fn moment(at: Timestamp, ago: Span) -> String {
    format!("{} ago ({})", age(ago), at.to_seconds_text())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_two_units_at_most() {
        let cases = [
            (0, "0s"),
            (57_999, "57s"),
            (61_000, "1m01s"),
            (7_980_000, "2h13m"),
            (273_600_000, "3d04h"),
        ];
        for (millis, text) in cases {
            assert_eq!(age(Span(millis)), text);
        }
        assert_eq!(countdown(Span(1)), "1s");
        assert_eq!(countdown(Span(0)), "0s");
    }

    #[test]
    fn sizes_have_the_unit_that_fits() {
        let cases = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (35_127_296, "33.5 MiB"),
            (3 << 30, "3.0 GiB"),
            (5000 << 40, "5000.0 TiB"),
        ];
        for (bytes, text) in cases {
            assert_eq!(size(bytes), text);
        }
    }
}
