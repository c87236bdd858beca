//! The modules of each crate form layers: a module imports from lower layers only, so there are no circular imports.
//!
//! Each list starts with the lowest layer. A new module must be added to it; a module that fits nowhere is probably two.

use tests::documents::repository;
use tests::layers::{conditions, violations};

const SHARED: &[&[&str]] = &[
    &["account", "exit", "level", "log_level", "names", "reference", "socket", "time"],
    &["change", "state"],
    &["event"],
    &["request"],
    // Parts of answers.
    &[
        "response::check",
        "response::config_check",
        "response::directory",
        "response::instance",
        "response::log",
        "response::neighbor",
        "response::reload",
        "response::reset",
        "response::route",
        "response::router",
        "response::session",
        "response::status",
    ],
    &["response::config", "response::publisher", "response::statistics"],
    &["response"],
    &["document"],
    // Carries requests and responses.
    &["frame"],
];

const BMPCTL: &[&[&str]] = &[
    &["arguments", "destination", "interrupt", "permission", "quote"],
    &["client", "suggest"],
    &["directory"],
    // What is asked for.
    &["cli::help", "cli::invocation"],
    &["cli::values"],
    &["cli::global", "cli::manual", "cli::spelling"],
    &["cli::deferred"],
    &["cli::grammar"],
    &["cli"],
    // What is printed.
    &["render::canvas", "render::humanize", "render::rate", "render::screen", "render::stderr"],
    &[
        "render::config_check",
        "render::failure",
        "render::log",
        "render::reload",
        "render::reset",
        "render::table",
    ],
    &["render::page"],
    &["render::instance", "render::neighbor", "render::router", "render::session"],
    &[
        "render::check",
        "render::display",
        "render::event",
        "render::publisher",
        "render::route",
        "render::statistics",
        "render::status",
    ],
    &["render::config"],
    &["render::json"],
    &["render::progress"],
    &["render::publisher_wait"],
    &["render"],
    &["context"],
    // What is completed.
    &["complete::hosts", "complete::line"],
    // What runs elsewhere.
    &["remote"],
    &["complete::values"],
    &["complete::candidates"],
    &["complete::shell::answer"],
    &[
        "complete::shell::bash",
        "complete::shell::elvish",
        "complete::shell::fish",
        "complete::shell::zsh",
    ],
    &["complete::shell"],
    &["complete"],
    // What is done.
    &["tip"],
    &["commands::output"],
    &[
        "commands::clear",
        "commands::config",
        "commands::display",
        "commands::log",
        "commands::monitor",
        "commands::reload",
        "commands::reset",
        "commands::route",
        "commands::show",
    ],
    &["commands::check", "commands::progress", "commands::watch"],
    &["commands::confirm", "commands::publisher", "commands::wait"],
    &["commands"],
];

/// As ARCHITECTURE.md draws them.
const BMPD: &[&[&str]] = &[
    &["arguments", "folder", "places", "quota", "secret", "simulation", "unread"],
    &["platform", "supervise", "wire"],
    &["moment"],
    &["events", "filter", "last_error", "log"],
    &["net"],
    &["service"],
    &["config"],
    &["host", "import", "privileges", "socket_file"],
    &["routers"],
    &["sources::late", "sources::listener", "sources::pending", "sources::turn"],
    &["sinks::encoder"],
    &["sinks::kafka", "sinks::station", "sources::bgp", "sources::bmp"],
    &["sinks", "sources"],
    &["heart"],
    &["access"],
    &["world"],
    &["control", "http"],
    &["daemon"],
];

#[track_caller]
fn check(krate: &str, layers: &[&[&str]]) {
    let found = violations(&repository(&format!("{krate}/src")), layers);
    assert!(found.is_empty(), "{krate}:\n  {}", found.join("\n  "));
}

#[test]
fn modules_of_bmpd_import_from_lower_layers_only() {
    check("bmpd", BMPD);
}

#[test]
fn modules_of_shared_import_from_lower_layers_only() {
    check("shared", SHARED);
}

#[test]
fn modules_of_bmpctl_import_from_lower_layers_only() {
    check("bmpctl", BMPCTL);
}

/// A condition within a function or a type would be a difference that the simulator does not test.
#[test]
fn the_simulation_replaces_whole_modules_only() {
    let (modules, others) = conditions(&repository("bmpd/src"), "simulation");
    assert_eq!(others, <[String; 0]>::default());
    assert!(modules > 10, "only {modules} were found: is the condition still called simulation?");
}
