//! Messages on standard error.

/// A message on standard error.
///
/// What it quotes may come from outside: control characters do not reach the terminal.
pub(crate) fn error(text: &str) -> String {
    let mut line = String::from("bmpctl: ");
    for c in text.chars() {
        if c.is_control() && c != '\n' {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line.push('\n');
    line
}

/// A failure in one line, for those who want no more: with the reason that the first line announces, and
/// without a list that it announces.
pub(crate) fn in_one_line(text: &str) -> String {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let Some(announced) = first.strip_suffix(':') else { return first.to_owned() };
    match (announced.rsplit_once("; "), lines.next()) {
        (Some((reason, _)), _) => reason.to_owned(),
        (None, Some(next)) => format!("{first} {}", next.trim_start()),
        (None, None) => announced.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_announces_no_list() {
        assert_eq!(
            in_one_line("no session 10.1.1.1; there are:\n  10.1.1.2"),
            "no session 10.1.1.1"
        );
        assert_eq!(in_one_line("f.toml:3:1: no such key\n  |\n"), "f.toml:3:1: no such key");
        assert_eq!(in_one_line("bmpd is silent"), "bmpd is silent");
        assert_eq!(
            in_one_line("the configuration is bad:\nf.toml:3:1: no such key\n  |\n"),
            "the configuration is bad: f.toml:3:1: no such key"
        );
    }
}
