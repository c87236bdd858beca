//! bmpd itself.

use shared::response::{
    CallerReport, NeighborState, PublisherState, RefusedReload, RouterState, SessionState,
    StaggeredReset, StatusReport,
};
use shared::time::Span;

use super::humanize::{age, moment, size};
use super::page::Page;

/// Everything about it.
pub(crate) fn page(status: &StatusReport) -> String {
    let mut page = Page::new(&format!("bmpd {}", status.version));
    page.line(
        "Uptime",
        format!("{} (since {})", age(status.uptime), status.started.to_seconds_text()),
    );
    page.line("Process", status.pid.to_string());
    page.line("User", &status.user);
    page.line("Capabilities", capabilities(&status.capabilities));
    page.line("System name", &status.system_name);
    page.line("Configuration", &status.file);
    page.line("Configured", moment(status.configured_at, status.configured_ago));
    if let Some(refused) = &status.refused_reload {
        page.line("Last reload", refused_reload(refused));
    }
    page.line("File", file_state(status.file_differs));
    page.line("Protocol", format!("version {}", status.protocol));
    let memory = |bytes: Option<u64>| bytes.map_or_else(unknown, size);
    let (now, peak) = (memory(status.memory), memory(status.memory_peak));
    let beside = status.memory.map(|bytes| bytes.saturating_sub(status.table_memory));
    let beside = beside.map_or_else(unknown, size);
    page.line("Memory", format!("{now}, at most {peak}; {beside} of it beside the tables"));
    let tables = size(status.table_memory);
    let tables = match status.table_memory_maximum {
        Some(maximum) => format!("{tables} of {}", size(maximum)),
        None => tables,
    };
    let (own, routers) = (status.neighbor_table_memory, status.router_table_memory);
    page.line("Tables", format!("{tables}: neighbors {}, routers {}", size(own), size(routers)));
    page.line("Processor time", processor_time(status.processor_time));
    let open = status.descriptors.map_or_else(unknown, |count| count.to_string());
    page.line(
        "Descriptors",
        match status.descriptors_maximum {
            Some(maximum) => format!("{open} of {maximum}"),
            None => open,
        },
    );
    if status.internal_errors > 0 {
        let count = status.internal_errors;
        page.line("Internal errors", format!("{count}: see the log of bmpd, and report them"));
    }
    page.line("Tasks", status.tasks.to_string());
    page.line("Monitors", status.monitors.to_string());
    match &*status.staggered_resets {
        [] => page.line("Staggered resets", "none"),
        resets => page.list("Staggered resets", resets.iter().map(staggered)),
    }
    page.line("Routes", status.routes.to_string());
    let sessions =
        status.sessions.iter().map(|found| (SessionState::name(found.state), found.count));
    page.line("Sessions", by_state(sessions));
    let peers =
        status.neighbors.iter().map(|found| (NeighborState::name(found.state), found.count));
    page.line("Neighbors", by_state(peers));
    let routers = status.routers.iter().map(|found| (RouterState::name(found.state), found.count));
    page.line("Routers", by_state(routers));
    let publishers =
        status.publishers.iter().map(|found| (PublisherState::name(found.state), found.count));
    page.line("Publishers", by_state(publishers));
    let CallerReport { name, level: has, because } = &status.caller;
    page.line("You are", format!("{name}, level {} ({}): {because}", has.number(), has.name()));
    page.into_text()
}

/// A reload that has changed nothing.
pub(super) fn refused_reload(RefusedReload { by, reason, at, ago }: &RefusedReload) -> String {
    format!("refused, {}, by {by}: {reason}", moment(*at, *ago))
}

/// Whether the configuration file is the one in effect.
fn file_state(differs: Option<bool>) -> &'static str {
    match differs {
        Some(false) => "as in effect",
        Some(true) => "changed since: `bmpctl reload --dry-run` says what a reload would do",
        None => "cannot be read now",
    }
}

/// More than a few are as good as all.
fn capabilities(names: &[String]) -> String {
    const LISTED_MAX: usize = 4;
    match names {
        [] => "none".to_owned(),
        names if names.len() <= LISTED_MAX => names.join(", "),
        names => format!("{}, as root has them", names.len()),
    }
}

/// One that is under way.
fn staggered(reset: &StaggeredReset) -> String {
    let StaggeredReset { by, since, ago, stagger, selected, to_come } = reset;
    format!(
        "by {by}: {to_come} of {selected} sessions to come, every {}, since {} ({} ago)",
        stagger,
        since.to_seconds_text(),
        age(*ago)
    )
}

fn unknown() -> String {
    "unknown".to_owned()
}

/// Processor time: less than a minute has its hundredths.
fn processor_time(time: Span) -> String {
    match time {
        Span(millis) if millis < 60_000 => format!("{:.2}s", millis as f64 / 1000.0),
        time => age(time),
    }
}

/// How many there are, and how many in each state.
fn by_state(states: impl Iterator<Item = (&'static str, u32)> + Clone) -> String {
    let whole: u32 = states.clone().map(|(_, count)| count).sum();
    let parts: Vec<String> = states.map(|(state, count)| format!("{count} {state}")).collect();
    match whole {
        0 => "none".to_owned(),
        _ => format!("{whole}: {}", parts.join(", ")),
    }
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
