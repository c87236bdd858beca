//! The configuration in effect, in the shape of its file.

use shared::response::ConfigReport;

/// The whole of it, or only what waits to be in effect.
pub(crate) fn text(report: &ConfigReport, _only_pending: bool) -> String {
    format!("{}\n", report.file)
}
