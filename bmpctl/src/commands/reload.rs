//! `reload`.

use shared::request::{Operation, Query};
use shared::response::Response;

use crate::context::{Context, Output};
use crate::render;
use crate::render::json::Document;

/// Applies the configuration file, or shows what would be done; a line for each thing that is different.
pub(super) fn run(dry_run: bool, context: &Context) -> Result<Output, Output> {
    let request = match dry_run {
        true => Query::ReloadPlan.into(),
        false => Operation::Reload.into(),
    };
    match context.ask(&request)? {
        Response::Reloaded(report) => {
            let mut output = context
                .answer(|_| render::reload::report(&report), || Document::reload(report.clone()));
            // With `--quiet` warnings are only in bmpd's log.
            if !context.json && !context.quiet {
                for warning in &report.warnings {
                    output.err.push_str(&render::error(&format!("warning: {warning}")));
                }
            }
            Ok(output)
        }
        _ => Err(context.misunderstood()),
    }
}
