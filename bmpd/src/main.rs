//! The daemon: reads its command line, then runs until it is stopped.
#![forbid(unsafe_code)]

use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use bmpd::arguments::Arguments;
use bmpd::import::Dialect;
use bmpd::service::Manager;
use clap::{Parser, ValueEnum};

/// The exit code of a start with an invalid configuration (sysexits.h, EX_CONFIG): a restart by the service manager
/// would not help.
const BAD_CONFIGURATION: u8 = 78;

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0:#}")]
struct Unusable(anyhow::Error);

/// The configuration has no such key.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NoSuchKey(String);

/// What is wrong was printed already.
#[derive(Debug, thiserror::Error)]
#[error("the configuration file is bad")]
struct Printed;

/// The exit code of a wrong command line, which clap has as well.
const WRONG_COMMAND_LINE: u8 = 2;

fn main() -> ExitCode {
    bmpd::heap::return_freed_memory();
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<Printed>() => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bmpd: {error:#}");
            if error.is::<Unusable>() {
                ExitCode::from(BAD_CONFIGURATION)
            } else if error.is::<NoSuchKey>() {
                ExitCode::from(WRONG_COMMAND_LINE)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    if let Some([kind, file]) = arguments.import.as_deref() {
        return import(kind, file);
    }
    if let Some(key) = arguments.explain.as_deref() {
        return explain(&key.join(" "));
    }
    if arguments.schema {
        return print(shared::reference::SCHEMA);
    }
    // Before anything is opened: a passed socket is identified by its descriptor number.
    let manager = match arguments.check {
        true => Manager::default(),
        false => Manager::of_environment()?,
    };
    // Absolute, so that readers of errors and a later reset find the file.
    let path = std::path::absolute(&arguments.config).unwrap_or(arguments.config);
    if arguments.json {
        let check = bmpd::host::check(&path);
        print(&(serde_json::to_string_pretty(&check)? + "\n"))?;
        return if check.problems.is_empty() { Ok(()) } else { Err(Printed.into()) };
    }
    let config = match bmpd::config::load(&path) {
        Err(error) if !arguments.check => return Err(Unusable(error.into()).into()),
        read => read?,
    };
    if arguments.check {
        let unused = bmpd::host::unused(&config);
        for warning in bmpd::host::warnings(&config).into_iter().chain(unused) {
            eprintln!("bmpd: warning: {warning}");
        }
        return print(&format!("{}: good\n", path.display()));
    }
    let mut warnings = bmpd::privileges::drop_privileges(&config)?;
    warnings.extend(unreadable_for_a_reload(&config, &path));
    let log = bmpd::log::begin(arguments.log);
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    bmpd::supervise::watch();
    raise_descriptor_limit();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.enable_all().event_interval(EVENT_INTERVAL).build()?;
    // As a task: awaiting it outside the workers would cost a thread switch for each event.
    let daemon = runtime.spawn(bmpd::daemon::run(config, path, manager, log));
    let result = runtime.block_on(daemon).context("the daemon has panicked")?;
    // Tasks that never end (listeners) do not delay the exit.
    runtime.shutdown_background();
    result
}

/// Prints another daemon's configuration converted to ours.
fn import(kind: &str, file: &str) -> anyhow::Result<()> {
    let Ok(dialect) = Dialect::from_str(kind, false) else {
        let text = format!("--import: there is no kind {kind:?}: there are frr, bird and gobgp");
        bmpd::arguments::command().error(clap::error::ErrorKind::InvalidValue, text).exit();
    };
    // One byte more than the limit detects a file that is too large.
    let limit = bmpd::import::FILE_MAX as u64 + 1;
    let mut bytes = Vec::new();
    let read = match file {
        "-" => std::io::stdin().lock().take(limit).read_to_end(&mut bytes),
        file => std::fs::File::open(file).and_then(|open| open.take(limit).read_to_end(&mut bytes)),
    };
    read.with_context(|| format!("cannot read {file}"))?;
    let text = bmpd::import::import(dialect, &bytes).with_context(|| file.to_owned())?;
    print(&text)
}

/// Says what a key of the configuration file means.
fn explain(key: &str) -> anyhow::Result<()> {
    match shared::reference::find(key).text(key) {
        Ok(text) => print(&text),
        Err(text) => Err(NoSuchKey(text).into()),
    }
}

/// Prints a text; a reader that has gone is no error.
fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// A busy worker polls sockets and timers after every so many tasks. A task of a busy neighbor or station runs for some
/// 0.3 ms, so tokio's default of 61 would delay a KEEPALIVE or a command that has just arrived.
const EVENT_INTERVAL: u32 = 3;

/// Files that root can read and its user cannot: a reload and a reset would fail.
fn unreadable_for_a_reload(config: &bmpd::config::Config, path: &Path) -> Option<String> {
    config.process.user.as_ref()?;
    let error = bmpd::config::load(path).err()?.to_string();
    let error = error.lines().next().unwrap_or_default();
    Some(format!(
        "bmpd's user cannot read the configuration any more, so reloads and resets fail: {error}"
    ))
}

/// Every neighbor and session needs a descriptor: raises the limit to the system's maximum.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // The limit stays as it was where this is not allowed.
    let _ = setrlimit(Resource::Nofile, limit);
}
