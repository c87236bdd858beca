//! A log that cannot be written costs its lines, nothing else.

use std::fs::File;
use std::process::{Command, Stdio};
use std::time::Duration;

use tests::daemon::{binary, run, session};
use tests::scratch::Scratch;
use tests::station::{Mode, Station};
use tests::wait::wait_for;

const PATIENCE: Duration = Duration::from_secs(30);

/// Runs a bmpd whose log goes there, and has it do what it logs about.
#[track_caller]
fn works_with_its_log_at(stderr: Stdio) {
    let scratch = Scratch::new();
    let station = Station::listen(tests::addresses::loopback(), Mode::Keeping);
    let socket = scratch.join("bmpd.sock");
    let control = format!("[control]\nsocket = \"{}\"\n", socket.display());
    let text = session(station.ip(), station.port(), None) + &control;
    let config = scratch.write("bmpd.toml", text);
    let mut bmpd = Command::new(binary("bmpd"))
        .arg("--config")
        .arg(config)
        .args(["--log", "debug"])
        .stderr(stderr)
        .spawn()
        .unwrap();
    let bmpctl = |arguments: &[&str]| {
        let mut command = Command::new(binary("bmpctl"));
        run(command.arg("--socket").arg(&socket).args(arguments), PATIENCE)
    };
    wait_for("bmpd to answer", PATIENCE, || {
        assert_eq!(bmpd.try_wait().unwrap(), None, "bmpd has ended");
        let output = bmpctl(&["show", "session"]);
        if output.status == 0 { Ok(()) } else { Err(output.to_string()) }
    });
    station.wait_connection(1);
    for generation in 2..5 {
        bmpctl(&["reset", "session", "all"]).done();
        station.wait_connection(generation);
    }
    assert_eq!(bmpd.try_wait().unwrap(), None, "bmpd has ended");
    bmpd.kill().unwrap();
    bmpd.wait().unwrap();
}

#[test]
fn a_full_disk_does_not_end_bmpd() {
    works_with_its_log_at(File::options().write(true).open("/dev/full").unwrap().into());
}

#[test]
fn a_reader_of_the_log_that_goes_away_does_not_end_bmpd() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    works_with_its_log_at(writer.into());
}
