//! What the world asks of the system in the simulation: a file in memory, of a host that lacks nothing.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{self, Config, ConfigError};

pub(super) fn load(path: &Path) -> Result<Config, ConfigError> {
    config::parse(&crate::simulation::file(), path)
}

/// It is written at once.
pub(super) fn age(_: &Path) -> Option<Duration> {
    None
}

pub(super) async fn warnings(config: &Arc<Config>) -> Vec<String> {
    config.warnings.clone()
}
