//! bmpd itself.

use shared::response::StatusReport;

/// Everything about it.
pub(crate) fn page(status: &StatusReport) -> String {
    format!("bmpd {}\n", status.version)
}

/// The versions of both programs.
pub(crate) fn versions(status: &StatusReport) -> String {
    format!(
        "bmpctl {}\nbmpd {} (protocol version {})\n",
        env!("CARGO_PKG_VERSION"),
        status.version,
        status.protocol
    )
}
