//! What is wrong with a configuration file, as reported to people.
//!
//! Every problem names the place (file, line, column), the key's path, what was found there and what
//! is allowed, and shows the line. The texts end up on terminals, in logs and in answers to bmpctl:
//! nothing from the file gets in unescaped or in full length.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use shared::response::ConfigProblem;

use super::FILE_MAX;
use super::source::{Source, clean};

/// How many problems of one file are reported; the others are counted.
pub(super) const PROBLEMS_MAX: usize = 20;

/// How many characters of a key's path and of a text are shown.
const KEY_MAX: usize = 160;
const TEXT_MAX: usize = 1000;

/// Why there is no configuration.
///
/// `Display` gives one or several lines, without a line's end after the last.
#[derive(Debug)]
pub enum ConfigError {
    /// The file could not be read.
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// The file has more bytes than a configuration can have (4 MiB).
    TooLarge {
        /// The file.
        file: PathBuf,
    },
    /// The file was read, and it or one that it includes does not comply with the rules.
    Invalid {
        /// The file that was named.
        file: PathBuf,
        /// What is wrong, in the order of the files and in that of each; never empty.
        problems: Vec<Problem>,
        /// How many problems there are beyond those.
        more: usize,
    },
}

/// One thing that is wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    file: PathBuf,
    line: usize,
    column: usize,
    key: Option<String>,
    text: String,
    excerpt: String,
}

/// A problem before its place is turned into line and column.
#[derive(Debug)]
pub(super) struct Finding {
    /// Where, in bytes.
    pub(super) span: Range<usize>,
    /// The key's path such as `session[0].tcp.connect-port`; `None` if the file is no TOML.
    pub(super) key: Option<String>,
    /// What is wrong and what is allowed.
    pub(super) text: String,
}

/// True if the value at this path is a key or a password, or may have been meant as one: no part of it is shown.
pub(super) fn holds_key(path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or_default();
    matches!(last.split('[').next(), Some("key" | "md5" | "ao" | "password" | "sasl"))
}

impl ConfigError {
    /// Locates the findings in their source; `more` is how many there are beyond those.
    pub(super) fn invalid(
        file: &Path,
        source: &Source<'_>,
        mut findings: Vec<Finding>,
        mut more: usize,
    ) -> Self {
        findings.sort_by_key(|finding| finding.span.start);
        more += findings.len().saturating_sub(PROBLEMS_MAX);
        findings.truncate(PROBLEMS_MAX);
        let problems = findings.into_iter().map(|finding| Problem::new(source, finding)).collect();
        Self::Invalid { file: file.to_owned(), problems, more }
    }

    /// The file.
    pub fn file(&self) -> &Path {
        match self {
            Self::Unreadable { file, .. }
            | Self::TooLarge { file }
            | Self::Invalid { file, .. } => file,
        }
    }

    /// The problems in the order of the file; none if the file could not be read.
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Invalid { problems, .. } => problems,
            Self::Unreadable { .. } | Self::TooLarge { .. } => &[],
        }
    }

    /// The problems as bmpctl shows them, and how many there are besides.
    pub fn report(&self) -> (Vec<ConfigProblem>, u32) {
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        match self {
            Self::Invalid { problems, more, .. } => {
                let problems = problems.iter().map(|problem| ConfigProblem {
                    file: clean(&problem.file.to_string_lossy(), usize::MAX),
                    line: Some(number(problem.line)),
                    column: Some(number(problem.column)),
                    key: problem.key.clone(),
                    message: problem.text.clone(),
                    excerpt: Some(problem.excerpt.clone()),
                });
                (problems.collect(), number(*more))
            }
            Self::Unreadable { .. } | Self::TooLarge { .. } => {
                let file = clean(&self.file().to_string_lossy(), usize::MAX);
                let text = self.to_string();
                let message = text.strip_prefix(&format!("{file}: ")).unwrap_or(&text);
                // The option is that of bmpd.
                let message = message.replace(" with --config", "");
                let whole = ConfigProblem {
                    file,
                    line: None,
                    column: None,
                    key: None,
                    message,
                    excerpt: None,
                };
                (vec![whole], 0)
            }
        }
    }

    /// The line of the first problem, counted from 1.
    pub fn line(&self) -> Option<usize> {
        self.problems().first().map(Problem::line)
    }

    /// The column of the first problem, in characters, counted from 1.
    pub fn column(&self) -> Option<usize> {
        self.problems().first().map(Problem::column)
    }

    /// The path of the key that the first problem is about.
    pub fn key(&self) -> Option<&str> {
        self.problems().first().and_then(Problem::key)
    }
}

impl Problem {
    fn new(source: &Source<'_>, finding: Finding) -> Self {
        let secret = finding.key.as_deref().is_some_and(holds_key);
        Self {
            file: source.file(finding.span.start).to_owned(),
            line: source.line(finding.span.start),
            column: source.column(finding.span.start),
            key: finding.key.map(|key| clean(&key, KEY_MAX)),
            text: clean(&finding.text, TEXT_MAX),
            excerpt: source.excerpt(finding.span, secret),
        }
    }

    /// The file that it is in: the one that was named, or one that is included.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The line, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column, in characters, counted from 1.
    pub fn column(&self) -> usize {
        self.column
    }

    /// The key's path such as `session[0].tcp.connect-port`; `None` if the file is no TOML there.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// What is wrong and what is allowed: one line, without file, place and key.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The source line with its number, and carets below the place: three lines.
    pub fn excerpt(&self) -> &str {
        &self.excerpt
    }
}

/// One line: `file:line:column: key: what`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = clean(&self.file.to_string_lossy(), usize::MAX);
        write!(f, "{file}:{}:{}: ", self.line, self.column)?;
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        f.write_str(&self.text)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = clean(&self.file().to_string_lossy(), usize::MAX);
        match self {
            Self::Unreadable { error, .. } => {
                write!(f, "{file}: cannot be read: {error}; {}", what_to_do(error.kind()))
            }
            Self::TooLarge { .. } => write!(
                f,
                "{file}: has more than {FILE_MAX} bytes, the most that a configuration can have; \
                 is it the right file?"
            ),
            Self::Invalid { problems, more, .. } => {
                for (index, problem) in problems.iter().enumerate() {
                    let gap = if index > 0 { "\n\n" } else { "" };
                    write!(f, "{gap}{problem}\n{}", problem.excerpt)?;
                }
                match more {
                    0 => Ok(()),
                    1 => write!(f, "\n\n{file}: 1 more problem is not shown"),
                    _ => write!(f, "\n\n{file}: {more} more problems are not shown"),
                }
            }
        }
    }
}

fn what_to_do(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::NotFound => "write it (an empty file will do) or name another with --config",
        io::ErrorKind::PermissionDenied => {
            "make it and its folders readable for the user that bmpd runs as"
        }
        io::ErrorKind::IsADirectory => "name a file in it with --config",
        _ => "look at the file or name another with --config",
    }
}

// No source: the text is complete already.
impl std::error::Error for ConfigError {}
