//! `config`.
//!
//! The file of the bmpd that runs is checked by that bmpd: it knows which one it is, its user may read it and the keys that it
//! names, which the caller often may not, and its rules are those that a reload applies. Another file is checked by a bmpd that
//! is started for that with the rights of the caller. If bmpd checked it over the socket, a caller could have files read that it
//! may not read itself.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use shared::exit;
use shared::reference;
use shared::request::Query;
use shared::response::{ConfigCheck, Response};

use crate::context::{Context, Output};
use crate::render;
use crate::render::json::{self, Document, ErrorReport};

/// Checks the file of the bmpd that runs, or another one.
pub(super) fn check(file: Option<&Path>, context: &Context) -> Result<Output, Output> {
    let check = match file {
        Some(file) => of_file(file).map_err(|report| context.error(*report))?,
        None => match context.ask(&Query::ConfigCheck.into())? {
            Response::ConfigChecked(check) => check,
            _ => return Err(context.misunderstood()),
        },
    };
    let is_good = check.problems.is_empty();
    let mut output = context.answer(
        |_| if is_good { render::config_check::good(&check) } else { String::new() },
        || json::config_checked(check.clone()),
    );
    if !context.json {
        output.err = render::config_check::complaints(&check, context.quiet);
    }
    if !is_good {
        output.code = exit::FAILED;
    }
    Ok(output)
}

/// Has an installed bmpd check a file.
fn of_file(file: &Path) -> Result<ConfigCheck, Box<ErrorReport>> {
    let failed = |text: String| Box::new(ErrorReport::new(exit::NOT_REACHABLE, "no-bmpd", text));
    let Some(bmpd) = installed() else {
        let text = "there is no bmpd beside bmpctl or in PATH to check the file with; on the host of bmpd \
                    `bmpctl config check` checks its file";
        return Err(failed(text.to_owned()));
    };
    // With an equals sign, as the name may begin with a dash.
    let mut config = OsString::from("--config=");
    config.push(file);
    let mut command = Command::new(&bmpd);
    command.args(["--check", "--json"]).arg(config).stdin(Stdio::null()).stderr(Stdio::piped());
    let shown = bmpd.display();
    let output =
        command.output().map_err(|error| failed(format!("cannot start {shown}: {error}")))?;
    serde_json::from_slice(&output.stdout).map_err(|_| {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = render::in_one_line(said.lines().next().unwrap_or_default());
        failed(format!("{shown} did not check the file ({said}); use the bmpctl that came with it"))
    })
}

/// The bmpd beside this program, or the first one in PATH.
fn installed() -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    let beside = own.parent().map(|folder| folder.join("bmpd"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path).map(|folder| folder.join("bmpd"));
    beside.into_iter().chain(in_path).find(|path| path.is_file())
}

/// Says what a key means.
pub(super) fn explain(key: &str, context: &Context) -> Result<Output, Output> {
    let found = reference::find(key);
    let text = found
        .text(key)
        .map_err(|text| context.error(ErrorReport::new(exit::USAGE, "no-such-key", text)))?;
    Ok(context.answer(|_| text, || Document::ConfigKeys { keys: found.entries() }))
}
