//! The control socket: one bmpd a socket, and nothing that is written to it does harm.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Command;
use std::thread;
use std::time::Duration;

use rustix::fs::{CWD, Mode, mkfifoat};
use rustix::process::Signal;
use shared::frame::PROTOCOL_VERSION;
use socket2::{Domain, SockAddr, Socket, Type};
use tests::addresses::loopback;
use tests::daemon::{Daemon, bgp, binary, run};
use tests::lab::{Lab, Plan};
use tests::random::Random;
use tests::scratch::Scratch;
use tests::table::Table;
use tests::wait::{wait_for, wait_until};

const TIMEOUT: Duration = Duration::from_secs(30);

fn control(socket: &std::path::Path) -> String {
    format!("[control]\nsocket = \"{}\"\n", socket.display())
}

/// A lab with a complete station, to see whether something disturbed it.
fn lab() -> (Lab, tests::neighbor::Neighbor) {
    let lab = Plan::default().start();
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(500, 100));
    lab.stations[0].wait_connection(1).wait_complete(lab.peer, TIMEOUT);
    (lab, neighbor)
}

#[track_caller]
fn undisturbed(lab: &Lab) {
    lab.daemon.bmpctl(&["show", "session"]).done();
    assert_eq!(lab.stations[0].connections().len(), 1);
    assert_eq!(lab.stations[0].latest().unwrap().end(), None);
    lab.assert_legal();
}

#[test]
fn a_second_bmpd_on_the_same_socket_refuses_and_leaves_the_first_alone() {
    let (lab, _neighbor) = lab();
    for _ in 0..3 {
        let second = Daemon::spawn(&lab.scratch, "second", &control(lab.daemon.socket()), "debug");
        let status = second.wait_exit();
        assert!(!status.success(), "{status}");
        let log = second.log();
        assert!(log.contains(lab.daemon.socket().to_str().unwrap()), "it does not say why: {log}");
        undisturbed(&lab);
    }
    assert!(fs::metadata(lab.daemon.socket()).unwrap().file_type().is_socket());
}

#[test]
fn two_that_start_at_once_do_not_both_run() {
    let scratch = Scratch::new();
    for round in 0..5 {
        let socket = scratch.join(format!("{round}.sock"));
        let both = [0, 1]
            .map(|n| Daemon::spawn(&scratch, &format!("{round}-{n}"), &control(&socket), "debug"));
        let lost = wait_for("one of the two to give up", TIMEOUT, || {
            both.iter().position(|daemon| daemon.exited().is_some()).ok_or("both run".to_owned())
        });
        assert!(!both[lost].wait_exit().success());
        let winner = &both[1 - lost];
        wait_for("the other to answer", TIMEOUT, || {
            let mut command = Command::new(binary("bmpctl"));
            command.arg("--socket").arg(&socket).args(["show", "session"]);
            let output = run(&mut command, TIMEOUT);
            if output.status == 0 { Ok(()) } else { Err(format!("{output}{}", winner.log())) }
        });
        assert_eq!(winner.exited(), None, "{}", winner.log());
        assert!(winner.terminate().success());
        assert!(!socket.exists());
    }
}

#[test]
fn a_socket_file_that_nobody_listens_at_is_taken_over() {
    let scratch = Scratch::new();
    let socket = scratch.join("bmpd.sock");
    drop(UnixListener::bind(&socket).unwrap());
    assert!(socket.exists());
    let daemon = Daemon::start(&scratch, "");
    assert_eq!(daemon.socket(), socket);
    // Killed, it leaves its file; the next one takes that over as well.
    drop(daemon);
    assert!(socket.exists());
    let daemon = Daemon::start(&scratch, "");
    assert!(daemon.terminate().success());
    assert!(!socket.exists());
}

/// Whatever a start waits for: here it hangs, with its lock.
#[test]
fn a_start_that_hangs_ends_with_sigterm() {
    let scratch = Scratch::new();
    let mut bmpd = Command::new(binary("bmpd"));
    bmpd.env("BMPD_FAULTS", "control.socket:1:hang");
    let daemon = Daemon::spawn_by(bmpd, &scratch, "bmpd", "", "debug");
    let lock = scratch.join("bmpd.sock.lock");
    wait_until("the start to hang", TIMEOUT, || lock.exists());
    daemon.signal(Signal::TERM);
    assert!(daemon.wait_exit().success());
    assert!(daemon.log().contains("stopped by SIGTERM before the start"), "{}", daemon.log());
}

#[test]
fn a_start_that_finds_a_fifo_in_the_place_of_its_lock_says_so_and_ends() {
    let scratch = Scratch::new();
    let lock = scratch.join("bmpd.sock.lock");
    mkfifoat(CWD, &lock, Mode::from(0o666)).unwrap();
    let daemon = Daemon::spawn(&scratch, "bmpd", "", "debug");
    assert_eq!(daemon.wait_exit().code(), Some(1));
    let says = format!("{} is not a regular file of bmpd's own", lock.display());
    assert!(daemon.log().contains(&says), "{}", daemon.log());
}

/// The socket was there, and another place to listen at could not be had.
#[test]
fn a_start_that_fails_later_leaves_neither_socket_nor_lock() {
    let scratch = Scratch::new();
    let held = TcpListener::bind((loopback(), 0)).unwrap();
    let config = bgp(held.local_addr().unwrap());
    let folder = scratch.join("run");
    let text = format!("{config}{}", control(&folder.join("bmpd.sock")));
    let daemon = Daemon::spawn(&scratch, "bmpd", &text, "debug");
    assert!(!daemon.wait_exit().success(), "{}", daemon.log());
    assert!(!folder.exists(), "{}", daemon.log());
}

#[test]
fn a_file_that_is_no_socket_is_not_touched() {
    let scratch = Scratch::new();
    let path = scratch.write("precious", "do not delete");
    let daemon = Daemon::spawn(&scratch, "bmpd", &control(&path), "debug");
    assert!(!daemon.wait_exit().success());
    assert_eq!(fs::read_to_string(&path).unwrap(), "do not delete");
    assert!(daemon.log().contains("precious"), "{}", daemon.log());
}

#[test]
fn the_socket_is_not_open_to_the_world() {
    let scratch = Scratch::new();
    let daemon = Daemon::start(&scratch, "");
    let mode = fs::metadata(daemon.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o007, 0, "mode {mode:o}");
}

/// A frame's header as `shared::frame` describes it.
fn header(version: u16, kind: u8, length: u32) -> Vec<u8> {
    let mut bytes = b"BMPC".to_vec();
    bytes.extend_from_slice(&version.to_be_bytes());
    bytes.extend_from_slice(&[kind, 0]);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes
}

/// Writes the bytes, closes that direction and reads what comes back until the end.
fn say(lab: &Lab, bytes: &[u8]) -> Vec<u8> {
    let mut stream = UnixStream::connect(lab.daemon.socket()).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    // bmpd may close before it has read all; that is its right.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = vec![];
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => {}
        Err(e) => panic!("bmpd neither answers nor closes: {e}"),
    }
    answer
}

#[test]
fn garbage_does_no_harm() {
    let (lab, _neighbor) = lab();
    let before = lab.daemon.rss_kib();
    let mut random = Random::new(1);
    for _ in 0..200 {
        let length = random.below(300) as usize;
        let mut bytes: Vec<u8> = (0..length).map(|_| random.draw() as u8).collect();
        if random.chance(50) {
            // With a header that is right, so that the body is looked at.
            bytes.splice(0..0, header(PROTOCOL_VERSION, 0, length as u32));
        }
        say(&lab, &bytes);
    }
    say(&lab, &vec![b'x'; 4 << 20]);
    let text = String::from_utf8_lossy(&say(&lab, b"GET / HTTP/1.1\r\n\r\n")).into_owned();
    assert!(!text.starts_with("HTTP"));
    undisturbed(&lab);
    let after = lab.daemon.rss_kib();
    assert!(after < before + 8192, "memory grew from {before} to {after} KiB");
}

#[test]
fn half_a_frame_does_no_harm() {
    let (lab, _neighbor) = lab();
    let whole = [header(PROTOCOL_VERSION, 0, 10), vec![0; 4]].concat();
    for length in 0..whole.len() {
        say(&lab, &whole[..length]);
    }
    undisturbed(&lab);
}

#[test]
fn a_huge_length_allocates_nothing() {
    let (lab, _neighbor) = lab();
    let before = lab.daemon.peak_rss_kib();
    for length in [u32::MAX, 1 << 31, 1 << 28, 65_537] {
        say(&lab, &header(PROTOCOL_VERSION, 0, length));
        say(&lab, &[header(PROTOCOL_VERSION, 0, length), vec![0; 1000]].concat());
    }
    undisturbed(&lab);
    let after = lab.daemon.peak_rss_kib();
    assert!(after < before + 8192, "memory grew from {before} to {after} KiB");
}

#[test]
fn another_version_is_refused_in_words() {
    let (lab, _neighbor) = lab();
    let answer = say(&lab, &[header(999, 0, 3), vec![0; 3]].concat());
    assert!(answer.starts_with(b"BMPC"), "{answer:?}");
    assert_eq!(answer[6], 2, "a frame of kind refusal: {answer:?}");
    let text = String::from_utf8(answer[12..].to_vec()).unwrap();
    assert!(text.contains("version") && text.contains("999"), "{text}");
    undisturbed(&lab);
}

#[test]
fn many_connections_that_say_nothing_do_not_keep_others_out() {
    let (lab, _neighbor) = lab();
    let connect = || UnixStream::connect(lab.daemon.socket());
    let idle: Vec<_> = (0..300).map_while(|_| connect().ok()).collect();
    wait_for("an answer among many idle connections", TIMEOUT, || {
        let output = lab.daemon.bmpctl(&["show", "session"]);
        if output.status == 0 { Ok(()) } else { Err(output.to_string()) }
    });
    drop(idle);
    undisturbed(&lab);
}

#[test]
fn many_commands_at_once_are_all_answered() {
    let (lab, _neighbor) = lab();
    thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(|| lab.daemon.bmpctl(&["show", "session", "--verbose"]).done().len());
        }
    });
    undisturbed(&lab);
}

/// What bmpctl makes of something else at the socket that answers `answer`.
fn against(answer: &[u8]) -> tests::daemon::Output {
    let scratch = Scratch::new();
    let socket = scratch.join("other.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let answer = answer.to_vec();
    let thread = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(&answer);
    });
    let mut command = Command::new(binary("bmpctl"));
    command.arg("--socket").arg(&socket).args(["show", "session"]);
    let output = run(&mut command, TIMEOUT);
    thread.join().unwrap();
    output
}

#[test]
fn bmpctl_against_something_else_is_exit_code_5_and_never_a_crash() {
    let refusal = [header(7, 2, 27), b"this is bmpd of another day".to_vec()].concat();
    let output = against(&refusal);
    assert_eq!(output.status, 5, "{output}");
    assert!(output.stderr.contains("this is bmpd of another day"), "{output}");
    for answer in [
        b"".to_vec(),
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        header(PROTOCOL_VERSION, 1, 0),
        header(PROTOCOL_VERSION, 1, u32::MAX),
        [header(PROTOCOL_VERSION, 1, 1 << 20), vec![0xff; 100]].concat(),
    ] {
        let output = against(&answer);
        assert_eq!(output.status, 5, "{answer:?}: {output}");
        assert!(!output.stderr.contains("panicked"), "{answer:?}: {output}");
    }
}

#[test]
fn bmpctl_waits_in_a_full_queue_of_connections_and_then_names_it() {
    let scratch = Scratch::new();
    let socket = scratch.join("full.sock");
    let open = || Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    let (listener, address) = (open(), SockAddr::unix(&socket).unwrap());
    listener.bind(&address).unwrap();
    listener.listen(0).unwrap();
    let mut waiting = Vec::new();
    loop {
        let one = open();
        one.set_nonblocking(true).unwrap();
        if one.connect(&address).is_err() {
            break;
        }
        waiting.push(one);
    }
    let command = |timeout: &str| {
        let mut command = Command::new(binary("bmpctl"));
        command.arg("--socket").arg(&socket).args(["--timeout", timeout, "show", "session"]);
        command
    };
    let full = run(&mut command("300ms"), TIMEOUT);
    assert_eq!(full.status, 5, "{full}");
    assert!(full.stderr.contains("within 0.3 s: its queue is full"), "{full}");
    assert!(full.took >= Duration::from_millis(300), "{full}");
    // With room it connects; what it finds there is another matter.
    let accepting = thread::spawn(move || {
        for _ in 0..=waiting.len() {
            let _ = listener.accept();
        }
    });
    let output = run(&mut command("30s"), TIMEOUT);
    assert!(output.stderr.contains("ended the connection without an answer"), "{output}");
    accepting.join().unwrap();
}
