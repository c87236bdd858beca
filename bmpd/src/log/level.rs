//! The level, which can be changed for a while.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use shared::response::{LogLevel, LogReport};
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tracing::{info, warn};
use tracing_subscriber::Registry;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::reload;

use crate::moment::span_until;

/// At which level bmpd logs; clones are the same one.
#[derive(Clone)]
pub struct Level(Arc<Inner>);

struct Inner {
    default: LogLevel,
    /// How another one is put into effect; nothing in a bmpd that does not log.
    filter: Option<reload::Handle<LevelFilter, Registry>>,
    set: Mutex<Option<Set>>,
}

/// Another level than the default.
struct Set {
    level: LogLevel,
    by: String,
    /// When it ends, and the task that waits for that.
    end: Option<(Instant, AbortHandle)>,
}

/// The filter of the log, and how it is changed.
pub(super) fn adjustable(default: LogLevel) -> (reload::Layer<LevelFilter, Registry>, Level) {
    let (layer, filter) = reload::Layer::new(filter(default));
    (layer, Level::new(default, Some(filter)))
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

impl Level {
    fn new(default: LogLevel, filter: Option<reload::Handle<LevelFilter, Registry>>) -> Self {
        Self(Arc::new(Inner { default, filter, set: Mutex::default() }))
    }

    /// That of a bmpd that does not log: it can be set without any effect.
    #[cfg(any(test, simulation))]
    pub(crate) fn of_no_log() -> Self {
        Self::new(LogLevel::Info, None)
    }

    /// How it is now.
    pub(crate) fn report(&self) -> LogReport {
        let set = self.0.set.lock();
        LogReport {
            level: set.as_ref().map_or(self.0.default, |set| set.level),
            default: self.0.default,
            set_by: set.as_ref().map(|set| set.by.clone()),
            left: set.as_ref().and_then(|set| set.end.as_ref()).map(|(at, _)| span_until(*at)),
        }
    }

    /// Logs at another level, or at the default again; on behalf of `by`, for a time or permanently. To be called in
    /// the runtime.
    pub(crate) fn set(&self, level: Option<LogLevel>, lasts: Option<Duration>, by: String) {
        let mut set = self.0.set.lock();
        if let Some(Set { end: Some((_, waiting)), .. }) = set.take() {
            waiting.abort();
        }
        *set = level.map(|level| {
            let end = lasts.map(|lasts| {
                let at = Instant::now() + lasts;
                (at, tokio::spawn(self.clone().end_at(at)).abort_handle())
            });
            Set { level, by, end }
        });
        self.apply(level.unwrap_or(self.0.default));
    }

    /// Waits for the end of what is set, and for nothing that is set later.
    async fn end_at(self, at: Instant) {
        tokio::time::sleep_until(at).await;
        let mut set = self.0.set.lock();
        // Another one may have been set while this task was about to be aborted.
        let ended = set.take_if(|set| set.end.as_ref().is_some_and(|(end, _)| *end == at));
        if let Some(ended) = ended {
            self.apply(self.0.default);
            drop(set);
            let level = self.0.default;
            info!("the log is at level {level} again: the time of {} is over", ended.level);
        }
    }

    fn apply(&self, level: LogLevel) {
        // It fails only when there is no log any more.
        let applied = self.0.filter.as_ref().map(|handle| handle.reload(filter(level)));
        if let Some(Err(error)) = applied {
            warn!("the level of the log cannot be set: {error}");
        }
    }
}

impl fmt::Debug for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Level").field(&self.report().level).finish()
    }
}

#[cfg(test)]
mod tests {
    use shared::time::Span;
    use tracing::Level as Traced;
    use tracing::subscriber::with_default;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_the_default_again_when_the_time_is_over_and_not_when_another_was_set() {
        let level = Level::of_no_log();
        let report = |level, by: Option<&str>, left: Option<u64>| LogReport {
            level,
            default: LogLevel::Info,
            set_by: by.map(str::to_owned),
            left: left.map(Span),
        };
        assert_eq!(level.report(), report(LogLevel::Info, None, None));
        level.set(Some(LogLevel::Debug), Some(Duration::from_secs(60)), "alice".to_owned());
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert_eq!(level.report(), report(LogLevel::Debug, Some("alice"), Some(40_000)));
        tokio::time::sleep(Duration::from_secs(41)).await;
        assert_eq!(level.report(), report(LogLevel::Info, None, None));

        level.set(Some(LogLevel::Debug), Some(Duration::from_secs(60)), "alice".to_owned());
        level.set(Some(LogLevel::Trace), None, "bob".to_owned());
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(level.report(), report(LogLevel::Trace, Some("bob"), None));
        level.set(None, None, "bob".to_owned());
        assert_eq!(level.report(), report(LogLevel::Info, None, None));
    }

    #[tokio::test]
    async fn what_is_set_is_what_is_logged() {
        let (layer, level) = adjustable(LogLevel::Warn);
        with_default(tracing_subscriber::registry().with(layer), || {
            assert!(tracing::enabled!(Traced::WARN) && !tracing::enabled!(Traced::INFO));
            level.set(Some(LogLevel::Trace), None, "alice".to_owned());
            assert!(tracing::enabled!(Traced::TRACE));
            level.set(Some(LogLevel::Error), None, "alice".to_owned());
            assert!(tracing::enabled!(Traced::ERROR) && !tracing::enabled!(Traced::WARN));
        });
    }
}
