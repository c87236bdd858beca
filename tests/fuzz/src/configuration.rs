//! The configuration file.

use std::path::Path;

/// The file is invalid at a line and a column that exist, with a message that a terminal can show; or it is valid,
/// and gives the same configuration when it is read again.
///
/// Files that it names are read, as bmpd reads them: the folder is one that does not exist.
pub fn config(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let path = Path::new("/nonexistent/bmpd.toml");
    match bmpd::config::parse(text, path) {
        Ok(config) => {
            let again = bmpd::config::parse(text, path);
            assert_eq!(again.ok().as_ref(), Some(&config));
        }
        Err(error) => {
            assert!(!error.problems().is_empty());
            let lines = text.split('\n').count();
            for problem in error.problems() {
                assert!((1..=lines).contains(&problem.line()), "line {}", problem.line());
                assert!(problem.column() >= 1);
                assert!(!problem.text().is_empty());
            }
            let shown = error.to_string();
            assert!(shown.starts_with("/nonexistent/bmpd.toml:"), "{shown}");
            assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
            assert!(shown.len() < 100_000, "{} bytes", shown.len());
        }
    }
}
