//! One file a verb: collect, request, show.

mod check;
mod clear;
mod config;
mod confirm;
mod display;
mod log;
mod monitor;
mod output;
mod progress;
mod publisher;
mod reload;
mod reset;
mod route;
mod show;
mod wait;
mod watch;

use crate::cli::Command;
use crate::context::{Context, Output};

/// Runs one command.
pub(crate) fn run(command: &Command, context: &Context) -> Output {
    let output = match command {
        Command::ResetSession { legs, stagger, wait, confirm } => {
            confirm::reset(legs, *confirm, context).and_then(|()| match wait {
                None => reset::session(legs, *stagger, context),
                Some(wait) => progress::session(legs, *stagger, *wait, context),
            })
        }
        Command::PlanReset { legs, stagger } => reset::plan(legs, *stagger, context),
        Command::ResetRouter { router } => reset::router(router.clone(), context),
        Command::ResetPublisher { reset, stagger, wait } => {
            publisher::reset(reset, *stagger, *wait, context)
        }
        Command::PlanPublisherReset { reset, stagger } => publisher::plan(reset, *stagger, context),
        Command::Reload { dry_run } => reload::run(*dry_run, context),
        Command::CheckConfig { file } => config::check(file.as_deref(), context),
        Command::ExplainConfig { key } => config::explain(key, context),
        Command::ClearStatistics(which) => clear::statistics(which, context),
        Command::Check(subject) => check::one(subject, context),
        Command::CheckSession { which, form } => check::session(which, *form, context),
        Command::WaitSession { which, goal } => wait::session(which, *goal, context),
        Command::ShowLog => log::show(context),
        Command::SetLog { level, lasts } => log::set(*level, *lasts, context),
        Command::ShowRoutes { show, form } => route::run(show, *form, context),
        Command::Show { what, form, watch: None } => show::once(what, *form, context),
        Command::Show { what, form, watch: Some(interval) } => {
            watch::run(what, *form, *interval, context)
        }
        Command::Display { selector, verbose } => display::run(selector, *verbose, context),
        Command::Monitor(which) => monitor::run(which, context),
    };
    output.unwrap_or_else(|failed| failed)
}
