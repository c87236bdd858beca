//! Where the log goes. One that cannot be written costs its lines, nothing else.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use tests::daemon::{binary, run, session};
use tests::scratch::Scratch;
use tests::station::{Mode, Station};
use tests::wait::wait_for;

const TIMEOUT: Duration = Duration::from_secs(30);

/// A station, and the configuration file of a bmpd with a session with it.
fn a_session() -> (Scratch, Station, PathBuf) {
    let scratch = Scratch::new();
    let station = Station::listen(tests::addresses::loopback(), Mode::Keeping);
    let control = format!("[control]\nsocket = \"{}\"\n", scratch.join("bmpd.sock").display());
    let text = session(station.ip(), station.port(), None) + &control;
    let config = scratch.write("bmpd.toml", text);
    (scratch, station, config)
}

/// Runs a bmpd whose log goes there, and has it do what it logs about.
#[track_caller]
fn works_with_its_log_at(stderr: Stdio) {
    let (scratch, station, config) = a_session();
    let socket = scratch.join("bmpd.sock");
    let mut bmpd = Command::new(binary("bmpd"))
        .arg("--config")
        .arg(config)
        .args(["--log", "debug"])
        .stderr(stderr)
        .spawn()
        .unwrap();
    let bmpctl = |arguments: &[&str]| {
        let mut command = Command::new(binary("bmpctl"));
        run(command.arg("--socket").arg(&socket).args(arguments), TIMEOUT)
    };
    wait_for("bmpd to answer", TIMEOUT, || {
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

/// Somebody's script that does not read what it asked for: sessions do not wait for it.
#[test]
fn a_reader_of_the_log_that_reads_nothing_holds_up_nobody() {
    let (_reader, mut writer) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    while std::io::Write::write(&mut writer, &[b'x'; 4096]).is_ok() {}
    rustix::io::ioctl_fionbio(&writer, false).unwrap();
    works_with_its_log_at(writer.into());
}

/// A terminal that nobody looks at any more.
#[test]
fn a_terminal_that_takes_nothing_holds_up_nobody() {
    let controller = rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR).unwrap();
    rustix::pty::grantpt(&controller).unwrap();
    rustix::pty::unlockpt(&controller).unwrap();
    let name = rustix::pty::ptsname(&controller, Vec::new()).unwrap();
    let open = |flags: i32| {
        let mut options = File::options();
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags);
        options.write(true).open(std::path::Path::new(name.to_str().unwrap())).unwrap()
    };
    // Until nothing goes in any more: then a little less, so that it has room for half a line.
    let mut full = open(libc::O_NONBLOCK | libc::O_NOCTTY);
    while std::io::Write::write(&mut full, &[b'x'; 512]).is_ok() {}
    let mut some = [0; 64];
    rustix::io::read(&controller, &mut some).unwrap();
    works_with_its_log_at(open(libc::O_NOCTTY).into());
}

/// A journal in its place, of which each datagram becomes a line of a file; then bmpd as the same process.
const JOURNAL: &str = r#"
import os, socket, sys
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
journal.bind("/run/systemd/journal/socket")
bmpd = os.getpid()
if os.fork() == 0:
    journal.settimeout(0.1)
    with open(sys.argv[1], "w") as file:
        while os.getppid() == bmpd:
            try:
                print(repr(journal.recv(1 << 20)), file=file, flush=True)
            except TimeoutError:
                pass
    sys.exit()
journal.close()
os.execv(sys.argv[2], sys.argv[2:])
"#;

/// Where a file system for /run is: the rest of the machine is not touched.
const ENTER: &str =
    "mount -t tmpfs run /run && mkdir -p /run/systemd/journal && exec python3 -c \"$0\" \"$@\"";

/// What a bmpd in such a place wrote to the journal and to standard error, once it is synchronised.
fn logs_of(stream: impl Fn(&std::fs::Metadata) -> String) -> (String, String, String) {
    let (scratch, station, config) = a_session();
    let (journal, stderr) = (scratch.join("journal"), scratch.join("stderr"));
    let file = File::create(&stderr).unwrap();
    let named = stream(&file.metadata().unwrap());
    let mut bmpd = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", ENTER, JOURNAL])
        .arg(&journal)
        .arg(binary("bmpd"))
        .arg("--config")
        .arg(config)
        .env("JOURNAL_STREAM", named)
        .stderr(file)
        .spawn()
        .unwrap();
    station.wait_connection(1);
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    wait_for("the line of the session", TIMEOUT, || {
        let all = read(&journal) + &read(&stderr);
        if all.contains("synchronised") { Ok(()) } else { Err(all) }
    });
    bmpd.kill().unwrap();
    bmpd.wait().unwrap();
    (read(&journal), read(&stderr), station.ip().to_string())
}

#[test]
fn under_systemd_each_line_has_its_fields_in_the_journal() {
    use std::os::unix::fs::MetadataExt;
    let (journal, stderr, session) = logs_of(|file| format!("{}:{}", file.dev(), file.ino()));
    assert_eq!(stderr, "");
    let line = journal.lines().find(|line| line.contains("MESSAGE=synchronised")).unwrap();
    let expected = format!(
        "PRIORITY=6\\nSYSLOG_IDENTIFIER=bmpd\\nMESSAGE=synchronised session={session} generation=1\\n\
         BMPD_SESSION={session}\\nBMPD_GENERATION=1\\n"
    );
    assert_eq!(line, format!("b'{expected}'"));
}

#[test]
fn a_standard_error_that_is_not_the_journal_gets_the_log() {
    // What a shell has inherited from a service, and has sent elsewhere.
    let (journal, stderr, session) = logs_of(|_| "8:12345".to_owned());
    assert_eq!(journal, "");
    assert!(
        stderr.contains(&format!("INFO synchronised session={session} generation=1\n")),
        "{stderr}"
    );
}
