//! What a check of a configuration file found.

use shared::response::ConfigCheck;

use super::stderr::error;

/// A line for a file that can be used.
pub(crate) fn good(check: &ConfigCheck) -> String {
    let with = match check.included.len() {
        0 => String::new(),
        1 => ", with 1 file that it includes".to_owned(),
        files => format!(", with {files} files that it includes"),
    };
    format!("{}: good{with}\n", check.file)
}

/// A line for each problem with the line of the file below it, and for each warning; in brief the problems alone.
pub(crate) fn complaints(check: &ConfigCheck, in_brief: bool) -> String {
    let mut text = String::new();
    for (rank, problem) in check.problems.iter().enumerate() {
        if rank > 0 && !in_brief {
            text.push('\n');
        }
        text.push_str(&format!("{problem}\n"));
        if let Some(excerpt) = problem.excerpt.as_ref().filter(|_| !in_brief) {
            text.push_str(&format!("{excerpt}\n"));
        }
    }
    match check.more {
        0 => {}
        1 => text.push_str(&format!("{}: 1 more problem is not shown\n", check.file)),
        more => text.push_str(&format!("{}: {more} more problems are not shown\n", check.file)),
    }
    if !in_brief {
        for warning in &check.warnings {
            text.push_str(&error(&format!("warning: {warning}")));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use shared::response::ConfigProblem;

    use super::*;

    #[test]
    fn a_problem_is_a_line_that_other_programs_can_read() {
        let problem = ConfigProblem {
            file: "/etc/bmpd/bmpd.d/a.toml".to_owned(),
            line: Some(3),
            column: Some(7),
            key: Some("session[1].mode".to_owned()),
            message: "what; what to do".to_owned(),
            excerpt: Some("  |\n3 | mode = 1\n  |        ^".to_owned()),
        };
        let whole =
            ConfigProblem { line: None, column: None, key: None, excerpt: None, ..problem.clone() };
        let check = ConfigCheck {
            file: "/etc/bmpd/bmpd.toml".to_owned(),
            included: Vec::new(),
            problems: vec![problem, whole],
            more: 2,
            warnings: vec!["w".to_owned()],
        };
        let line = "/etc/bmpd/bmpd.d/a.toml:3:7: session[1].mode: what; what to do\n";
        let whole = "/etc/bmpd/bmpd.d/a.toml: what; what to do\n";
        let more = "/etc/bmpd/bmpd.toml: 2 more problems are not shown\n";
        assert_eq!(complaints(&check, true), format!("{line}{whole}{more}"));
        let excerpt = "  |\n3 | mode = 1\n  |        ^\n";
        let warning = error("warning: w");
        let expected = format!("{line}{excerpt}\n{whole}{more}{warning}");
        assert_eq!(complaints(&check, false), expected);
    }
}
