//! What the world asks of the system: the configuration file, and what the host lacks.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::config::Config;
pub(super) use crate::config::load;
use crate::host;

/// Timeout of the check whether what the configuration names exists.
const LOOK_TIMEOUT: Duration = Duration::from_secs(3);

/// How long ago the file was last changed; `None` if that is unknown, or a clock was set.
pub(super) fn age(path: &Path) -> Option<Duration> {
    std::fs::metadata(path).ok()?.modified().ok()?.elapsed().ok()
}

/// What the host lacks.
pub(super) async fn warnings(config: &Arc<Config>) -> Vec<String> {
    let looked_at = Arc::clone(config);
    match host::within(LOOK_TIMEOUT, move || host::warnings(&looked_at)).await {
        Some(warnings) => warnings,
        None => vec![format!(
            "whether users, groups and network namespaces of the configuration are there is not known: the system \
             did not say in {} s",
            LOOK_TIMEOUT.as_secs()
        )],
    }
}
