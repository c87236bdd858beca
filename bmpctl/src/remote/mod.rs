//! The same command on another host, by ssh.
//!
//! ```text
//!   bmpctl -H edge1 show session ── ssh edge1 'bmpctl show session' ── sshd, a shell ── bmpctl ── bmpd
//! ```
//!
//! Nothing of the command is read here but the host: bmpctl of the other host reads the rest, which may be of another
//! release. Its output and exit code are those of this one. Everything about the connection (users, keys, ports, jump
//! hosts) is ssh's own configuration.

mod ssh;

use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use clap::error::ErrorKind;
use shared::exit;

use self::ssh::{Answer, Input};
use crate::complete::line::Line;
use crate::context::{self, Output};
use crate::destination::{Destination, HOST};
use crate::render;
use crate::render::json::{Document, ErrorReport};
use crate::{cli, quote};

/// How long completion waits for bmpctl of another host, the connection included.
const COMPLETION: Duration = Duration::from_secs(2);

/// What has to be found in the words for the grammar to be looked at: most command lines name no host.
fn may_name_host(arguments: &[OsString]) -> bool {
    arguments.iter().skip(1).take_while(|word| *word != "--").any(|word| {
        let word = word.as_bytes();
        word.starts_with(b"--host")
            || word.starts_with(b"-") && !word.starts_with(b"--") && word.contains(&b'H')
    })
}

fn read(words: &[OsString]) -> Line {
    let mut command = cli::command();
    command.build();
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    Line::read(&command, &words)
}

/// What came of a command line that names a host.
pub(crate) enum Ran {
    /// It ran there and has printed its own output; this is its exit code.
    There(u8),
    /// It did not run there.
    Not(Output),
    /// The command line is wrong, which is printed already.
    Wrong,
}

/// Runs a command line that names a host there. `None` if it names none.
pub(crate) fn run(arguments: &[OsString]) -> Option<Ran> {
    if !may_name_host(arguments) {
        return None;
    }
    let words = arguments.get(1..).unwrap_or_default();
    let line = read(words);
    let host = line.option(HOST)?;
    let wrong = |text: String| {
        let error = cli::command().error(ErrorKind::ValueValidation, text);
        if line.has("json") {
            return Ran::Not(context::usage(&error));
        }
        let _ = error.print();
        Ran::Wrong
    };
    if line.count(HOST) > 1 {
        return Some(wrong("a command runs on one host: --host can be given once".to_owned()));
    }
    let host = match host.parse::<Destination>() {
        Ok(host) => host,
        Err(error) => return Some(wrong(format!("invalid value {host:?} for '--host': {error}"))),
    };
    let there = words_there(&line, words);
    // The shell is replaced: Ctrl-C would end it by its signal, and ssh would not say the exit code of the command.
    let mut remote = OsString::from("exec ");
    remote.push(quote::line(there.iter().map(OsString::as_os_str)));
    let code = match ssh::run(&host, &remote, input(&line)) {
        Ok(code) => code,
        Err(error) => return Some(Ran::Not(failed(&error.to_string(), &line))),
    };
    Some(match ssh::reason(&host, code) {
        Some(reason) => Ran::Not(failed(&reason, &line)),
        None => Ran::There(code),
    })
}

/// The command line as it is typed there: without the host, with the socket that the environment names here.
fn words_there<T: AsRef<OsStr>>(line: &Line, words: &[T]) -> Vec<OsString> {
    let mut there = vec![OsString::from("bmpctl")];
    let socket = std::env::var_os("BMPD_SOCKET");
    let rest = line.without(HOST, words);
    // Without any word it prints its help, as it does here.
    let is_wanted = |path: &OsString| !path.is_empty() && !line.has("socket") && !rest.is_empty();
    if let Some(path) = socket.filter(is_wanted) {
        there.extend([OsString::from("--socket"), path]);
    }
    there.extend(rest);
    there
}

/// What the command needs to read. A terminal is for those that move the cursor, go on until Ctrl-C, or ask; others do not
/// get one, as it would take what is typed for the next command, and joins both outputs. Nor do others get any input: in a
/// loop they must not take that of the loop.
fn input(line: &Line) -> Input {
    let asks = line.has("confirm");
    let needs_terminal =
        asks || line.has("watch") || line.has("wait") || line.path().first() == Some(&"wait");
    let are_terminals = std::io::stdin().is_terminal()
        && std::io::stdout().is_terminal()
        && std::io::stderr().is_terminal();
    match (needs_terminal && are_terminals, asks) {
        (true, _) => Input::Terminal,
        (false, true) => Input::Ours,
        (false, false) => Input::None,
    }
}

/// The command did not run there.
fn failed(message: &str, line: &Line) -> Output {
    let code = exit::NOT_REACHABLE;
    if !line.has("json") {
        return Output { out: String::new(), err: render::error(message), code };
    }
    let document = Document::Error(ErrorReport::new(code, "not-reachable", message.to_owned()));
    let is_one_of_many = line.has("watch") || line.path() == ["monitor"];
    let out = if is_one_of_many { document.to_line() } else { document.to_text() };
    Output { out, err: String::new(), code }
}

/// What can be typed behind a command line on the host that it names: candidates with what they mean. It never asks
/// for a password, and there is none in time if the host is far or not known.
pub(crate) fn candidates(
    line: &Line,
    words: &[String],
    current: &str,
) -> Option<Vec<(String, Option<String>)>> {
    let host = line.option(HOST)?.parse::<Destination>().ok()?;
    // The form of fish has one candidate a line, and its description behind a tab.
    let asked = ["env", "COMPLETE=fish", "bmpctl", "--"].into_iter().map(OsStr::new);
    let there = words_there(line, words);
    let there = there.iter().map(OsString::as_os_str).chain([OsStr::new(current)]);
    let Answer(text) = ssh::ask(&host, &quote::line(asked.chain(there)), COMPLETION)?;
    let candidate = |line: &str| match line.split_once('\t') {
        Some((value, description)) => (value.to_owned(), Some(description.to_owned())),
        None => (line.to_owned(), None),
    };
    Some(text.lines().filter(|line| !line.starts_with('\t')).map(candidate).collect())
}
