//! How much bmpd logs.

use shared::response::LogReport;

use super::humanize::countdown;

/// The level, who has set it, and until when.
pub(crate) fn line(log: &LogReport) -> String {
    let LogReport { level, default, set_by, left } = log;
    let mut line = format!("bmpd logs at level {level}");
    if let Some(by) = set_by {
        line += &format!(", set by {by}");
        if let Some(left) = left {
            line += &format!("; in {} at {default} again", countdown(*left));
        } else if default != level {
            line += &format!("; its default is {default}");
        }
    }
    line + "\n"
}

#[cfg(test)]
mod tests {
    use shared::response::LogLevel;
    use shared::time::Span;

    use super::*;

    #[test]
    fn the_line_says_what_was_set_and_when_it_ends() {
        let default =
            LogReport { level: LogLevel::Info, default: LogLevel::Info, set_by: None, left: None };
        assert_eq!(line(&default), "bmpd logs at level info\n");
        let by = Some("alice (pid 7)".to_owned());
        let set = LogReport { level: LogLevel::Debug, set_by: by, ..default };
        assert_eq!(
            line(&set),
            "bmpd logs at level debug, set by alice (pid 7); its default is info\n"
        );
        let ending = LogReport { left: Some(Span(599_200)), ..set };
        assert_eq!(
            line(&ending),
            "bmpd logs at level debug, set by alice (pid 7); in 10m00s at info again\n"
        );
    }
}
