//! `reload`.

use std::path::Path;

use shared::request::Request;
use shared::response::Response;

use super::{Output, ask};
use crate::render;

/// Applies the configuration file, or shows what would be done; a line for each thing that is different.
pub(super) fn run(dry_run: bool, socket: &Path) -> Output {
    match ask(socket, &Request::Reload { dry_run }) {
        Ok(Response::Reloaded(report)) => {
            let mut output = Output::done(render::reload::report(&report));
            for warning in &report.warnings {
                output.err.push_str(&render::error(&format!("warning: {warning}")));
            }
            output
        }
        Ok(_) => Output::misunderstood(),
        Err(output) => output,
    }
}
