//! What bmpd sends to the service manager, as a socket of the test receives it (sd_notify(3)), and the socket that it
//! takes over (sd_listen_fds(3)). `units.rs` has a real systemd.

use std::io::ErrorKind;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use rustix::time::{ClockId, clock_gettime};
use tests::addresses::{free_port, loopback};
use tests::daemon::{Daemon, binary, run, session};
use tests::scratch::Scratch;
use tests::wait::wait_until;

const TIMEOUT: Duration = Duration::from_secs(30);

/// The notification socket of the service manager.
struct NotifySocket(UnixDatagram);

impl NotifySocket {
    fn new(scratch: &Scratch) -> Self {
        let socket = UnixDatagram::bind(scratch.join("notify")).unwrap();
        socket.set_read_timeout(Some(TIMEOUT)).unwrap();
        Self(socket)
    }

    /// The next that is no sign of life.
    #[track_caller]
    fn next(&self) -> String {
        let begun = Instant::now();
        loop {
            let mut text = [0; 1024];
            let length = self.0.recv(&mut text).unwrap();
            let text = String::from_utf8_lossy(&text[..length]).into_owned();
            if text != "WATCHDOG=1" {
                return text;
            }
            assert!(begun.elapsed() < TIMEOUT, "nothing but signs of life");
        }
    }

    /// Waits for this many signs of life.
    #[track_caller]
    fn wait_alive(&self, count: usize) {
        for _ in 0..count {
            let mut text = [0; 1024];
            let length = self.0.recv(&mut text).unwrap();
            assert_eq!(String::from_utf8_lossy(&text[..length]), "WATCHDOG=1");
        }
    }
}

fn micros() -> i128 {
    let now = clock_gettime(ClockId::Monotonic);
    i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1000
}

#[test]
fn the_service_manager_is_notified_of_ready_reload_watchdog_and_stop() {
    let scratch = Scratch::new();
    let manager = NotifySocket::new(&scratch);
    let address = loopback();
    let config = session(address, free_port(address), None);
    let mut bmpd = Command::new(binary("bmpd"));
    bmpd.env("NOTIFY_SOCKET", scratch.join("notify")).env("WATCHDOG_USEC", "200000");
    let daemon = Daemon::spawn_by(bmpd, &scratch, "bmpd", &config, "debug");
    assert_eq!(manager.next(), "READY=1\nSTATUS=1 session, 0 neighbors");
    // It is: no second try is needed.
    daemon.bmpctl(&["show", "session"]).done();
    manager.wait_alive(3);

    for (config, status) in [
        (
            config.replace("[[session]]", "[[session]]\nalias = \"new\"") + &config,
            "2 sessions, 0 neighbors",
        ),
        (
            "nonsense = 1\n".to_owned(),
            "2 sessions, 0 neighbors; the reload failed: nothing was changed: ",
        ),
        (config.clone(), "1 session, 0 neighbors"),
    ] {
        daemon.rewrite_config(&config);
        let before = micros();
        daemon.signal(Signal::HUP);
        let reloading = manager.next();
        let at = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
        assert!((before..=micros()).contains(&at.parse().unwrap()), "{reloading}");
        let ready = manager.next();
        assert!(ready.starts_with(&format!("READY=1\nSTATUS={status}")), "{ready}");
        assert_eq!(ready.lines().count(), 2, "{ready}");
    }
    daemon.signal(Signal::TERM);
    assert_eq!(manager.next(), "STOPPING=1\nSTATUS=stopping");
    assert!(daemon.wait_exit().success());
}

#[test]
fn a_bmpd_that_hangs_gives_no_sign_of_life() {
    let scratch = Scratch::new();
    let manager = NotifySocket::new(&scratch);
    let mut bmpd = Command::new(binary("bmpd"));
    bmpd.env("NOTIFY_SOCKET", scratch.join("notify")).env("WATCHDOG_USEC", "100000");
    let daemon = Daemon::spawn_by(bmpd, &scratch, "bmpd", "", "debug");
    assert!(manager.next().starts_with("READY=1"));
    manager.wait_alive(2);
    daemon.signal(Signal::STOP);
    // What is on its way is received, then nothing.
    manager.0.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let mut text = [0; 64];
    let silence = loop {
        match manager.0.recv(&mut text) {
            Ok(_) => {}
            Err(error) => break error.kind(),
        }
    };
    assert_eq!(silence, ErrorKind::WouldBlock);
    manager.0.set_read_timeout(Some(TIMEOUT)).unwrap();
    daemon.signal(Signal::CONT);
    manager.wait_alive(2);
}

/// One task that hangs is enough, and it is named before the manager ends bmpd.
#[test]
fn a_session_that_hangs_is_named_and_there_are_no_more_signs_of_life() {
    let scratch = Scratch::new();
    let manager = NotifySocket::new(&scratch);
    let address = loopback();
    let config = session(address, free_port(address), Some("west"));
    let mut bmpd = Command::new(binary("bmpd"));
    bmpd.env("NOTIFY_SOCKET", scratch.join("notify")).env("WATCHDOG_USEC", "4000000");
    bmpd.env("BMPD_FAULTS", "session.command:4:hang");
    let daemon = Daemon::spawn_by(bmpd, &scratch, "bmpd", &config, "info");
    assert!(manager.next().starts_with("READY=1"));
    // Each asks the session once.
    manager.wait_alive(3);
    manager.0.set_read_timeout(Some(Duration::from_secs(4))).unwrap();
    assert_eq!(manager.0.recv(&mut [0; 64]).unwrap_err().kind(), ErrorKind::WouldBlock);
    // Now a manager would end it.
    let says = format!("no answer for 1s from session {address} alias west: bmpd hangs");
    assert!(daemon.log().contains(&says), "{}", daemon.log());
}

/// A program that makes the socket as a manager does it, and becomes bmpd.
const PASS: &str = r#"
import os, socket, sys
path, kind, count, program = sys.argv[1:5]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM if kind == "dgram" else socket.SOCK_STREAM)
s.bind(path)
if kind == "listen": s.listen(16)
os.chmod(path, 0o600)
os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS=count, LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES="bmpd.socket")
os.execv(program, sys.argv[4:])
"#;

fn passing(scratch: &Scratch, path: &str, kind: &str, count: &str) -> Command {
    let mut python = Command::new("python3");
    python.args(["-c", PASS]).arg(scratch.join(path)).args([kind, count]).arg(binary("bmpd"));
    python
}

#[test]
fn the_socket_of_the_manager_is_served_and_left_where_it_is() {
    let scratch = Scratch::new();
    let bmpd = passing(&scratch, "bmpd.sock", "listen", "1");
    let daemon = Daemon::spawn_by(bmpd, &scratch, "bmpd", "", "debug");
    daemon.wait_ready();
    // Another bmpd sees that this one runs, and leaves the socket alone.
    let mut second = Command::new(binary("bmpd"));
    let refused = run(second.arg("--config").arg(daemon.config()), TIMEOUT);
    assert!(refused.stderr.contains("another bmpd is running"), "{refused}");
    daemon.bmpctl(&["show", "status"]).done();
    assert!(daemon.terminate().success());
    assert!(daemon.socket().exists(), "it is the manager's");
    // One that makes its own takes over what lies there, and removes it.
    let daemon = Daemon::start(&scratch, "");
    assert!(daemon.terminate().success());
    wait_until("the socket to go", TIMEOUT, || !daemon.socket().exists());
}

/// Started by hand while systemd waits for who connects: the unit's socket must not be lost by that.
#[test]
fn a_socket_that_the_manager_listens_at_is_not_taken_from_it() {
    let scratch = Scratch::new();
    let path = scratch.join("bmpd.sock");
    let manager = UnixListener::bind(&path).unwrap();
    manager.set_nonblocking(true).unwrap();
    let daemon = Daemon::spawn(&scratch, "bmpd", "", "info");
    assert_eq!(daemon.wait_exit().code(), Some(1));
    let says =
        "is listened at already, and not by a bmpd: if systemd does (bmpd.socket), start bmpd with";
    assert!(daemon.log().contains(says), "{}", daemon.log());
    // Nobody has connected, which would have started the service.
    assert_eq!(manager.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    UnixStream::connect(&path).unwrap();
    manager.accept().unwrap();
    // With the manager's socket the file goes out of use.
    drop(manager);
    Daemon::start(&scratch, "").bmpctl(&["show", "status"]).done();
}

#[test]
fn a_socket_whose_file_is_gone_is_reported_with_what_creates_it_again() {
    let scratch = Scratch::new();
    let gone = PASS.replace("os.chmod(path, 0o600)", "os.unlink(path)");
    let mut bmpd = Command::new("python3");
    bmpd.args(["-c", &gone])
        .arg(scratch.join("bmpd.sock"))
        .args(["listen", "1"])
        .arg(binary("bmpd"));
    let daemon = Daemon::spawn_by(bmpd, &scratch, "bmpd", "", "info");
    assert_eq!(daemon.wait_exit().code(), Some(1));
    assert!(
        daemon.log().contains("`systemctl restart bmpd.socket` makes it again"),
        "{}",
        daemon.log()
    );
}

#[test]
fn what_is_passed_must_be_the_control_socket_and_nothing_else() {
    for (path, kind, count, says) in [
        ("other.sock", "listen", "1", "the service manager listens at "),
        ("bmpd.sock", "listen", "2", "the service manager passes 2 sockets"),
        ("bmpd.sock", "dgram", "1", "it is no Unix stream socket that listens"),
        ("bmpd.sock", "stream", "1", "it is no Unix stream socket that listens"),
    ] {
        let scratch = Scratch::new();
        let bmpd = passing(&scratch, path, kind, count);
        let daemon = Daemon::spawn_by(bmpd, &scratch, "bmpd", "", "debug");
        assert!(!daemon.wait_exit().success(), "{path} {kind} {count}");
        assert!(daemon.log().contains(says), "{path} {kind} {count}: {}", daemon.log());
    }
    // What is meant for another process is nothing to bmpd.
    let scratch = Scratch::new();
    let _other = UnixListener::bind(scratch.join("other.sock")).unwrap();
    let mut bmpd = Command::new(binary("bmpd"));
    bmpd.env("LISTEN_FDS", "1").env("LISTEN_PID", std::process::id().to_string());
    Daemon::spawn_by(bmpd, &scratch, "bmpd", "", "debug").wait_ready();
}
