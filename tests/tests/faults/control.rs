//! Clients of the control socket. What each does by itself is in `control`, `levels` and `monitor`.

use std::io::Write;
use std::os::unix::net::UnixStream;

use tests::ctl::Running;
use tests::faults::control::{nonsense, say, silent, version};
use tests::faults::{Ground, Terms};
use tests::random::Random;
use tests::wait::wait_for;

use super::{SMALL, TIMEOUT};

#[test]
fn a_thousand_silent_connections_keep_nobody_out_for_long_and_leave_nothing_behind() {
    let ground = Ground::start(Terms::default());
    ground.thrice(SMALL, |ground| {
        let mut held = silent(ground, 1000);
        wait_for("an answer among them", TIMEOUT, || {
            // Those that were ended make room for others.
            held.extend(silent(ground, 1000 - held.len().min(1000)));
            let output = ground.daemon.bmpctl(&["show", "status"]);
            if output.status == 0 { Ok(()) } else { Err(output.to_string()) }
        });
    });
}

#[test]
fn nonsense_of_every_kind_leaves_nothing_behind() {
    let ground = Ground::start(Terms::default());
    let mut random = Random::new(4);
    ground.thrice(SMALL, |ground| {
        for _ in 0..20 {
            nonsense(ground, &mut random);
        }
    });
    let answer = say(&ground, &tests::faults::control::header(version(&ground) + 1, 0, 0));
    let text = String::from_utf8_lossy(&answer).into_owned();
    assert!(text.contains("version"), "{text}");
}

/// They ask for all there is and take none of it.
#[test]
fn clients_that_do_not_read_their_answers_leave_nothing_behind() {
    let ground = Ground::start(Terms::default());
    // What bmpctl sends is what bmpd understands: taken down once.
    let request = request(&ground, &["show", "config"]);
    ground.thrice(SMALL, |ground| {
        let asked: Vec<UnixStream> = (0..100)
            .map(|_| {
                let mut stream = UnixStream::connect(ground.daemon.socket()).unwrap();
                stream.write_all(&request).unwrap();
                stream
            })
            .collect();
        ground.daemon.bmpctl(&["show", "status"]).done();
        drop(asked);
    });
}

/// The bytes of a request, as bmpctl sends it to a socket of ours.
fn request(ground: &Ground, arguments: &[&str]) -> Vec<u8> {
    use std::io::Read;
    let socket = ground.scratch.join("listener.sock");
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let mut command = ground.daemon.bmpctl_command(arguments);
    let _bmpctl = Running::start(command.env("BMPD_SOCKET", &socket));
    let (mut stream, _) = listener.accept().unwrap();
    let mut header = [0; 12];
    stream.read_exact(&mut header).unwrap();
    let length = u32::from_be_bytes([header[8], header[9], header[10], header[11]]);
    let mut body = vec![0; length as usize];
    stream.read_exact(&mut body).unwrap();
    [header.to_vec(), body].concat()
}
