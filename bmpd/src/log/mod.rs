//! The log: where it goes, and how much of it there is.
//!
//! ```text
//!   info!, warn!, ... ──> Level ──┬──> the journal, if standard error is one: a line with its fields
//!                           ^     └──> standard error otherwise
//!         bmpctl log level ─┘
//! ```
//!
//! A line that cannot be written is lost, and bmpd continues: its sessions take precedence over its log. When lines can
//! be written again, the first one reports how many are missing.
#![forbid(unsafe_code)]

mod journal;
mod level;
mod stderr;

use std::io::IsTerminal;

use shared::response::LogLevel;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{fmt, registry};

use self::journal::Journal;
pub use self::level::Level;

/// Starts to log at this level. To be called once.
pub fn begin(level: LogLevel) -> Level {
    let (filter, level) = level::adjustable(level);
    let registry = registry().with(filter);
    match Journal::behind_standard_error() {
        Some(journal) => registry.with(journal).init(),
        None => registry
            .with(
                fmt::layer()
                    .with_writer(stderr::standard_error)
                    .log_internal_errors(false)
                    .with_ansi(std::io::stderr().is_terminal())
                    .with_target(false),
            )
            .init(),
    }
    level
}
