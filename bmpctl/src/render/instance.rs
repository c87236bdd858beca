//! VPN instances.

use shared::response::VpnInstanceReport;

use super::Screen;

/// A row an instance.
pub(crate) fn table(instances: &[VpnInstanceReport], _screen: &Screen) -> String {
    format!("{}\n", instances.len())
}
